#!/usr/bin/env python3
"""baddisk.py [WORD]... — blocks that cannot be written, one at a time.

A round runs on a disk of which one sector fails (EIO): the kernel tells of it once, at
the next fsync, and forgets; a second one would be "successful", and the bytes are gone
when they are read from the disk again.  So the sector is healed when the round is over,
the file system is mounted anew, and stage.py judges: what the round relied on is there,
and one more round makes both sides equal.  Sectors are those that a round writes when
nothing fails.

WORD selects scenes or file systems, as in powercut.py, and so does what it needs.
Environment:

BADDISK_SECTORS	for each scene and file system, beside those of mail (12)
CRASH_JOBS	so many at a time (2)

The last line is "N bad sectors, N failed"; those that the round did not meet do not
count, and it fails as well if a program that ignores fsync's answer passes.
"""
import concurrent.futures
import copy
import os
import subprocess
import sys
import tempfile
import traceback

import powercut    # noqa: E402 (paths)
import mutants    # noqa: E402
from disk import SECTOR, SIZES, Disk, copy as copy_image, has    # noqa: E402
from server import memory    # noqa: E402

SECTORS = int(os.environ.get("BADDISK_SECTORS", "12"))
WANTED = ("download", "upload", "deleted, to the trash", powercut.DRAINED)
CONTROL = ("fsync-unheard", "download")


def forgot_state(syncd):
    """A database may be damaged by a bad disk; that is noticed, and the remedy is taken."""
    r = syncd.run("sync", timeout=20)
    if "[state.corrupt]" not in r.err:
        return False
    for name in ("a.db", "a.db-wal", "a.db-shm"):
        if os.path.exists(os.path.join(syncd.state, name)):
            os.unlink(os.path.join(syncd.state, name))
    return True


class Worn(powercut.Plug):
    def worn_round(self):
        self.peer.clear()
        self.peer.boxes = copy.deepcopy(self.saved[1])
        self.world.oracle = copy.deepcopy(self.saved[2])
        r = self.syncd.run("sync", timeout=60)
        self.no_crash(r)
        return r.rc

    def judge_worn(self):
        self.judge_moment()
        self.judge_forgotten()
        if forgot_state(self.syncd):
            self.sync()    # what was deleted may be back; nothing is lost
            self.judge_moment()
            return
        self.recover()
        self.judge_end()


class WornDrain(powercut.Emptied):
    def worn_round(self):
        self.peer.clear()
        self.peer.mails = list(self.mails)
        return self.syncd.run("sync", timeout=60).rc

    def judge_worn(self):
        self.whole("a sector is bad")
        forgot_state(self.syncd)
        self.syncd.sync()
        self.judge_over("after one more round")


def staged(name):
    return WornDrain() if name == powercut.DRAINED else Worn(powercut.SCENES[name])


def written(disk, stage):
    """Sectors that a round writes: all that mail is in, and a choice of the others."""
    with disk.logged():
        first = stage.record(disk)
        until = disk.written()
    mail, other = [], []
    for offset, data, _ in disk.log()[first:until]:
        if isinstance(data, bytes) and data:
            (mail if b"Message-ID: <" in data[:SECTOR] else other).append(offset // SECTOR)
    mail, other = list(dict.fromkeys(mail)), [x for x in dict.fromkeys(other) if x not in mail]
    step = max(1, len(other) / SECTORS)
    return mail + [other[int(i * step)] for i in range(int(len(other) / step))]


def tried(disk, stage, sector):
    """Was it met, and what is wrong or None."""
    try:
        with disk.worn(sector) as heal:
            met = stage.worn_round() != 0
            heal()
    except subprocess.CalledProcessError:
        return False, None    # it cannot even be mounted
    except AssertionError as e:
        return True, str(e)
    try:
        disk.attach(disk.path("data"))
    except subprocess.CalledProcessError as e:
        return True, f"cannot be mounted: {e.stderr.decode()}"
    try:
        stage.judge_worn()
    except AssertionError as e:
        return True, str(e)
    except Exception:
        return True, traceback.format_exc()
    finally:
        disk.detach()
    return met, None


def swept(fs, name, mutant=None):
    """(file system, scene, mutant, sectors met, [what is wrong])"""
    met, bad = 0, []
    with tempfile.TemporaryDirectory(dir=memory()) as top:
        disk = Disk(top, fs)
        with disk.exported("--blockdev", "driver=raw,node-name=disk,file=data"):
            os.environ["SYNCD_TEST_DIR"] = disk.mount
            stage = staged(name)
            stage.begin()
        copy_image(disk.path("data"), disk.path("base"))
        sectors = written(disk, stage)
        if mutant is not None:
            stage.syncd.program = os.path.join(mutants.place(mutant), "syncd")
        for sector in sectors:
            hit, why = tried(disk, stage, sector)
            met += hit
            if why:
                bad.append(f"sector {sector}: {why}")
        stage.close()
    return fs, name, mutant, met, bad


def main(argv):
    words = argv[1:]
    todo = [(fs, name, mutant) for fs in SIZES if has(fs) for name in WANTED
            if not words or any(w in name or w == fs for w in words)
            for mutant in ((None, CONTROL[0]) if name == CONTROL[1] and fs != "btrfs" else (None,))]
    mutants.build(CONTROL[0])
    total = failed = 0
    powercut.ordinary_tls()    # once, and not on a disk that is broken
    with concurrent.futures.ProcessPoolExecutor(powercut.JOBS) as pool:
        for fs, name, mutant, met, bad in pool.map(swept, *zip(*todo)):
            if mutant is not None:
                failed += not bad
                print(f"{fs:<6} {name}, {mutant}: {bad[0][:100] if bad else 'FAILED: nothing'}",
                      flush=True)
                continue
            total += met
            failed += len(bad)
            print(f"{fs:<6} {name:<28} {met:4} bad sectors, {len(bad)} failed", flush=True)
            for text in bad[:3]:
                print(f"--- {fs}: {name} FAILED {text.rstrip()[-1500:]}\n---", flush=True)
    print(f"{total} bad sectors, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
