#!/usr/bin/env python3
"""powercut.py [WORD]... — pull the plug during a round, and look what the disk may hold.

The account lives on a small file system of its own, whose every block write and flush
QEMU's storage daemon logs while a round runs.  A disk that loses its power holds what
was written before the last flush, and any of what was written since: such disks are
put together from the log, mounted (the file system's journal does its part), and the
round is begun anew against the server as it was at that moment.  stage.py judges.

WORD selects scenes whose names hold it.  Needs root, loop devices, FUSE and
qemu-storage-daemon.  Environment:

POWERCUT_STATES	disks for each scene (150)
POWERCUT_FS	the file system: ext4, or what there is a mkfs for

The last line is "N disks, N failed".  It counts as failed, too, when nothing wrong is
found with a program that is made wrong for it (mutants.py).
"""
import contextlib
import copy
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import traceback

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
for sub in ("tool", "scenario", "crash"):
    sys.path.insert(0, os.path.join(ROOT, "tests", sub))

import mutants    # noqa: E402
from scenes import SCENES    # noqa: E402
from server import memory, wait_for    # noqa: E402
from stage import Stage, Wrong    # noqa: E402

STATES = int(os.environ.get("POWERCUT_STATES", "150"))
FS = os.environ.get("POWERCUT_FS", "ext4")
SIZE = {"xfs": 320 << 20, "btrfs": 128 << 20}.get(FS, 64 << 20)
WANTED = ("download", "upload", "deleted, to the trash", "moved", "draft saved again",
          "folder made", "flags")
# What must be found: (mutant, scene).  ext4 commits a rename with the next fsync of
# any file, and a commit of SQLite's that is lost is one that was not made yet: what lacks
# only those is found by nobody here.
CONTROLS = (("no-fsync-file", "download"), ("early-row", "download"), ("no-intent", "upload"))
ROOM = {"guards": {"min_free_space": "1MiB"}}    # it is a small disk
SECTOR = 512
FLUSH, FUA, DISCARD = 1, 2, 4


def run(*argv):
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


class Disk:
    """A file system whose writes are logged.  ${mount} is where it shows."""

    def __init__(self, top):
        self.top = top
        self.mount = self.path("mount")
        os.mkdir(self.mount)
        with open(self.path("base"), "wb") as f:
            f.truncate(SIZE)
        options = ["-E", "lazy_itable_init=0,lazy_journal_init=0"] if FS == "ext4" else []
        run("mkfs." + FS, "-q", *options, self.path("base"))

    def path(self, name):
        return os.path.join(self.top, name)

    def attach(self, image):
        run("mount", "-t", FS, "-o", "loop,nouuid" if FS == "xfs" else "loop", image, self.mount)

    def detach(self):
        # Whoever just ended may still be on its way out.
        for _ in range(100):
            if subprocess.run(["umount", self.mount], check=False,
                              stderr=subprocess.DEVNULL).returncode == 0:
                return
            time.sleep(0.05)
        run("umount", "-l", self.mount)

    @contextlib.contextmanager
    def logged(self):
        shutil.copyfile(self.path("base"), self.path("data"))
        with open(self.path("log"), "wb") as f:
            f.truncate(4 << 30)
        with open(self.path("fuse"), "wb"):
            pass
        daemon = subprocess.Popen([
            "qemu-storage-daemon",
            "--blockdev", f"driver=file,node-name=data,filename={self.path('data')},discard=unmap",
            "--blockdev", f"driver=file,node-name=log,filename={self.path('log')}",
            "--blockdev", "driver=blklogwrites,node-name=disk,file=data,log=log,"
            f"log-sector-size={SECTOR},log-super-update-interval=1",
            "--export", f"type=fuse,id=e,node-name=disk,mountpoint={self.path('fuse')},"
            "writable=on"], stdin=subprocess.DEVNULL)
        try:
            wait_for(lambda: os.path.getsize(self.path("fuse")) == SIZE, 20, "the disk")
            self.attach(self.path("fuse"))
            try:
                yield
            finally:
                self.detach()
        finally:
            daemon.terminate()
            daemon.wait()

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

    def put(self, image, writes):
        with open(image, "r+b") as f:
            for offset, data, _ in writes:
                f.seek(offset)
                f.write(bytes(data) if isinstance(data, int) else data)


def cuts(log, first, rng):
    """[(entry, stable up to, which of those since)]: what a disk may hold when the power
    goes after ${entry}: all since the last flush in order, or some of it."""
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
    return out


class Plug(Stage):
    """A stage on a disk; remembers the server as it was at each moment."""

    def save(self):
        os.sync()
        self.saved = (None, copy.deepcopy(self.peer.boxes), copy.deepcopy(self.world.oracle))

    def watch(self, disk):
        self.moments = []        # (entries of the log, the server then)

        def note(*_):
            self.moments.append((disk.written(), copy.deepcopy(self.peer.boxes)))
            return False
        self.peer.on("", note)

    def server_at(self, entry):
        """The server when the log had ${entry} entries: what was asked by then is done."""
        asked = sum(n <= entry for n, _ in self.moments)
        return self.moments[asked][1] if asked < len(self.moments) else self.after

    def record(self, disk):
        first = disk.written()
        self.watch(disk)
        self.expect(self.syncd.run("sync", timeout=60))
        self.after = copy.deepcopy(self.peer.boxes)
        self.peer.clear()
        os.sync()
        return first

    def judge(self, entry):
        self.peer.clear()
        self.peer.boxes = copy.deepcopy(self.server_at(entry))
        self.world.oracle = copy.deepcopy(self.saved[2])
        self.judge_moment()
        self.recover()
        self.judge_end()


def tried(disk, stage, log, cut):
    """What is wrong with the disk of ${cut}, or None."""
    entry, stable, some = cut
    trial = disk.path("trial")
    if disk.stable > stable:
        disk.stable = 0
        shutil.copyfile(disk.path("base"), disk.path("stable"))
    disk.put(disk.path("stable"), log[disk.stable:stable])
    disk.stable = stable
    run("cp", "--sparse=always", disk.path("stable"), trial)
    disk.put(trial, [log[i] for i in some])
    try:
        disk.attach(trial)
    except subprocess.CalledProcessError as e:
        return f"cannot be mounted: {e.stderr.decode()}"
    try:
        stage.judge(entry)
    except Wrong as e:
        return str(e)
    except Exception:
        return traceback.format_exc()
    finally:
        disk.detach()
    return None


def swept(name, program=None):
    """(disks tried, those that are wrong); of another program the first is enough."""
    started = time.monotonic()
    bad = []
    with tempfile.TemporaryDirectory(dir=memory()) as top:
        disk = Disk(top)
        scene = SCENES[name]
        with disk.logged():
            os.environ["SYNCD_TEST_DIR"] = disk.mount
            stage = Plug(scene.caps, dict(ROOM, **scene.account), scene.held)
            stage.play(scene)
            stage.syncd.program = program or stage.syncd.program
            first = stage.record(disk)
        log = disk.log()
        all_cuts = cuts(log, first, random.Random(name))
        step = max(1, len(all_cuts) / STATES)
        chosen = [all_cuts[int(i * step)] for i in range(int(len(all_cuts) / step))]
        disk.stable = len(log) + 1
        n = 0
        for n, cut in enumerate(chosen, 1):
            why = tried(disk, stage, log, cut)
            if why:
                bad.append(f"after write {cut[0] - first} of {len(log) - first}: {why}")
                if program is not None:
                    break
        stage.client.close()
        stage.peer.stop()
    flushes = sum(bool(e[2] & FLUSH) for e in log[first:])
    print(f"{name:<24} {n:5} of {len(all_cuts)} disks ({flushes} flushes), {len(bad)} failed "
          f"{time.monotonic() - started:7.1f} s", flush=True)
    return n, bad


def control(mutant, scene):
    """Is what is made wrong found?"""
    _, bad = swept(scene, mutants.build(mutant))
    said = bad[0].splitlines()[0][:100] if bad else "FAILED: nothing"
    print(f"control {mutant}: {said}", flush=True)
    return bool(bad)


def main(argv):
    words = argv[1:]
    n, failed = 0, 0
    for name in [s for s in WANTED if not words or any(w in s for w in words)]:
        some, bad = swept(name)
        n += some
        failed += len(bad)
        for text in bad[:3]:
            print(f"--- {name} FAILED {text.rstrip()[-1500:]}\n---", flush=True)
        failed += sum(not control(m, s) for m, s in CONTROLS if s == name)
    print(f"{n} disks, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
