"""disk.py — a small file system, each write of which is logged, or fails.

QEMU's storage daemon shows an image as a file (FUSE), which is mounted as a loop
device.  A disk that loses its power holds what was written before the last flush,
and any of what was written since: cuts() names such disks, Trial puts them together.

Needs root, loop devices, FUSE and qemu-storage-daemon.
"""
import contextlib
import json
import os
import shutil
import socket
import struct
import subprocess
import time

from server import wait_for

SIZES = {"ext4": 64 << 20, "xfs": 320 << 20, "btrfs": 128 << 20}    # the least that mkfs takes
# For so small a disk ext4 would take blocks of 1 KiB.  A write of several that crosses a page
# goes to FUSE in two parts; when the second fails, the loop device (Linux 6.18) says that
# all is well, and no file system could tell.
MKFS = {"ext4": ["-q", "-b", "4096", "-E", "lazy_itable_init=0,lazy_journal_init=0"], "xfs": ["-q"],
        "btrfs": ["-q", "-m", "single"]}
SECTOR = 512
FLUSH, FUA, DISCARD = 1, 2, 4


def run(*argv):
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def has(fs):
    """Can this machine make and mount it?"""
    with open("/proc/filesystems", encoding="ascii") as f:
        known = any(line.split()[-1] == fs for line in f)
    return known and shutil.which("mkfs." + fs) is not None


def copy(here, there):
    """Of an image, which is mostly holes."""
    run("cp", "--sparse=always", here, there)


class Disk:
    """${mount} is where it shows."""

    def __init__(self, top, fs):
        self.top, self.fs = top, fs
        self.mount = self.path("mount")
        os.mkdir(self.mount)
        with open(self.path("base"), "wb") as f:
            f.truncate(SIZES[fs])
        run("mkfs." + fs, *MKFS[fs], self.path("base"))

    def path(self, name):
        return os.path.join(self.top, name)

    def attach(self, image):
        run("mount", "-t", self.fs, "-o", "loop,nouuid" if self.fs == "xfs" else "loop", image,
            self.mount)

    def detach(self):
        # Whoever just ended may still be on its way out.
        for _ in range(100):
            if subprocess.run(["umount", self.mount], check=False,
                              stderr=subprocess.DEVNULL).returncode == 0:
                return
            time.sleep(0.05)
        run("umount", "-l", self.mount)

    @contextlib.contextmanager
    def exported(self, *options):
        """Mounted, as the block device "disk" of the storage daemon."""
        copy(self.path("base"), self.path("data"))
        with open(self.path("fuse"), "wb"):
            pass
        daemon = subprocess.Popen([
            "qemu-storage-daemon",
            "--blockdev", f"driver=file,node-name=data,filename={self.path('data')},discard=unmap",
            *options,
            "--export", f"type=fuse,id=e,node-name=disk,mountpoint={self.path('fuse')},"
            "writable=on"], stdin=subprocess.DEVNULL)
        try:
            wait_for(lambda: os.path.getsize(self.path("fuse")) == SIZES[self.fs], 20, "the disk")
            self.attach(self.path("fuse"))
            try:
                yield
            finally:
                self.detach()
        finally:
            self.end(daemon)

    @staticmethod
    def end(daemon):
        """It waits for writes that fail again and again, now and then."""
        daemon.terminate()
        try:
            daemon.wait(10)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()
            run("umount", "-l", self.path("fuse"))

    # -- a sector cannot be written ------------------------------------------

    @contextlib.contextmanager
    def worn(self, sector):
        """What is written to ${sector} fails, until it is healed: call what this gives."""
        at = self.path("monitor")
        with self.exported(
                "--chardev", f"socket,id=m,path={at},server=on,wait=off", "--monitor", "m",
                "--blockdev", "driver=blkdebug,node-name=bad,image=data,"
                "inject-error.0.event=none,inject-error.0.iotype=write,"
                f"inject-error.0.sector={sector},inject-error.0.errno=5,inject-error.0.once=off",
                "--blockdev", "driver=raw,node-name=disk,file=bad"):
            yield lambda: self.order(at, "blockdev-reopen", options=[
                {"driver": "raw", "node-name": "disk", "file": "data"}])

    @staticmethod
    def order(at, command, **arguments):
        """By QEMU's monitor."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
            s.connect(at)
            f = s.makefile("rw", encoding="ascii")
            f.readline()    # who is there
            for what in ({"execute": "qmp_capabilities"},
                         {"execute": command, "arguments": arguments}):
                f.write(json.dumps(what) + "\n")
                f.flush()
                said = json.loads(f.readline())
                if "error" in said:
                    raise OSError(said["error"])

    # -- each write is logged ----------------------------------------------

    @contextlib.contextmanager
    def logged(self):
        with open(self.path("log"), "wb") as f:
            f.truncate(4 << 30)
        with self.exported(
                "--blockdev", f"driver=file,node-name=log,filename={self.path('log')}",
                "--blockdev", "driver=blklogwrites,node-name=disk,file=data,log=log,"
                f"log-sector-size={SECTOR},log-super-update-interval=1"):
            yield

    def written(self):
        """How many entries the log has by now."""
        with open(self.path("log"), "rb") as f:
            return struct.unpack("<QQQI", f.read(28))[2]

    def log(self):
        """[(offset, bytes or a number of zeros, flags)]"""
        out = []
        with open(self.path("log"), "rb") as f:
            _, _, n, size = struct.unpack("<QQQI", f.read(28))
            at = size
            for _ in range(n):
                f.seek(at)
                sector, count, flags, _ = struct.unpack("<QQQQ", f.read(32))
                f.seek(at + size)
                data = count * size if flags & DISCARD else f.read(count * size)
                at += size + (0 if flags & DISCARD else count * size)
                out.append((sector * SECTOR, data, flags))
        return out


def put(image, writes):
    with open(image, "r+b") as f:
        for offset, data, _ in writes:
            f.seek(offset)
            f.write(bytes(data) if isinstance(data, int) else data)


def cuts(log, first, rng):
    """[(entry, stable up to, which of those since)]: what a disk may hold when the power
    goes after ${entry}: all since the last flush in order, or some of it, or none."""
    out, stable = [], first
    for n in range(first, len(log)):
        _, data, flags = log[n]
        pending = range(stable, n + 1)
        if data:
            out.append((n, stable, list(pending)))
        if flags & (FLUSH | FUA):
            for _ in range(3):
                some = [i for i in pending if rng.random() < 0.5]
                if 0 < len(some) < len(pending):
                    out.append((n - 1, stable, some))
        if flags & FLUSH:
            stable = n + 1
            out.append((n, stable, []))
    return out


def in_order(cut):
    """All that was written up to some moment, and nothing after it."""
    entry, stable, some = cut
    return some in ([], list(range(stable, entry + 1)))


class Trial:
    """Disks of ${log}, one after the other."""

    def __init__(self, disk, log):
        self.disk, self.log = disk, log
        self.stable = len(log) + 1

    @contextlib.contextmanager
    def mounted(self, cut):
        """Raises CalledProcessError if it cannot be."""
        _, stable, some = cut
        disk = self.disk
        if self.stable > stable:
            self.stable = 0
            copy(disk.path("base"), disk.path("stable"))
        put(disk.path("stable"), self.log[self.stable:stable])
        self.stable = stable
        copy(disk.path("stable"), disk.path("trial"))
        put(disk.path("trial"), [self.log[i] for i in some])
        disk.attach(disk.path("trial"))
        try:
            yield
        finally:
            disk.detach()
