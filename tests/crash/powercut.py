#!/usr/bin/env python3
"""powercut.py [WORD]... — pull the plug during a round, and look what the disk may hold.

The account lives on a small file system of its own, each write and flush of which is
logged while a round runs (disk.py).  Disks that may be left by a power cut are put
together from the log, mounted (the file system's journal does its part), and judged at
once: no message is half there, and what the server was told to forget is on the disk.
Then the round is begun anew against the server as it was at that moment, and stage.py
judges.

WORD selects scenes whose names hold it, or a file system.  Environment:

POWERCUT_STATES	disks for each scene (75)
CRASH_JOBS	so many scenes at a time (2)

The last line is "N disks, N failed", by file system.  It counts as failed, too, when
nothing wrong is found with a program that is made wrong for it (mutants.py).
"""
import concurrent.futures
import contextlib
import copy
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter, namedtuple

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
for sub in ("tool", "scenario", "crash"):
    sys.path.insert(0, os.path.join(ROOT, "tests", sub))

import mutants    # noqa: E402
from disk import SIZES, Disk, Trial, cuts, has, in_order    # noqa: E402
from drain import Drain    # noqa: E402
from maildir import canonical    # noqa: E402
from oracle import Content    # noqa: E402
from peer import ordinary_tls    # noqa: E402
from scenes import HERE, SCENES    # noqa: E402
from server import memory    # noqa: E402
from stage import KILLAT, Stage, Wrong    # noqa: E402
from world import body    # noqa: E402

STATES = int(os.environ.get("POWERCUT_STATES", "75"))
JOBS = int(os.environ.get("CRASH_JOBS", "2"))
DRAINED, UNSAVED = "POP3, emptied", "upload, by who does not sync"
BUSY = "download, on a busy disk"
WANTED = ("download", "upload", "deleted, to the trash", "moved", "draft saved again",
          "folder made", "folder renamed", "folder removed", "flags", "keywords", "copied",
          "new UIDVALIDITY", "all at once", UNSAVED, BUSY, DRAINED)
# What must be found on a file system: (mutant, scene).  A commit of SQLite's that is lost
# is one that was not made yet, and its fsync commits all renames before it on ext4 and
# xfs: what lacks only those is found there by nobody.  btrfs writes a file's bytes before
# it renames it, so it forgives a missing fsync of the file; but it may keep a row and not
# the name that the row is about.
ORDER = (("early-row", "download"), ("no-intent", "upload"), ("saved-not-synced", UNSAVED))
CONTROLS = {"ext4": (("no-fsync-file", "download"), ("bodies-not-synced", DRAINED)) + ORDER,
            "xfs": (("no-fsync-file", "download"), ("bodies-not-synced", DRAINED)) + ORDER,
            "btrfs": (("no-fsync-dir", DRAINED), ("names-not-synced", "flags"),
                      ("names-not-synced", "deleted, to the trash"),
                      ("tmp-not-looked-at", BUSY)) + ORDER[:2]}
ROOM = {"guards": {"min_free_space": "1MiB"}}    # it is a small disk

# What became of a scene on a file system, or of a control there.
Outcome = namedtuple("Outcome", "fs scene mutant tried of refused bad seconds")


# -- what is on the disk --------------------------------------------------------

def write_back(path):
    """All of that file system; others may be in the middle of a record."""
    subprocess.run(["sync", "-f", path], check=True)


class Plug(Stage):
    """A stage on a disk; remembers the server as it was at each moment."""

    def __init__(self, scene):
        super().__init__(scene.caps, dict(ROOM, **scene.account), scene.held)
        self.moments = []        # (entries of the log, the server then)
        self.scene = scene

    def begin(self):
        self.play(self.scene)

    def save(self):
        write_back(self.syncd.dir)
        self.saved = (None, copy.deepcopy(self.peer.boxes), copy.deepcopy(self.world.oracle))

    def record(self, disk):
        first = disk.written()

        def note(*_):
            self.moments.append((disk.written(), copy.deepcopy(self.peer.boxes)))
            return False
        self.peer.on("", note)
        self.expect(self.round())
        self.moments.append((disk.written(), copy.deepcopy(self.peer.boxes)))
        self.peer.clear()
        write_back(self.syncd.dir)
        return first

    def round(self):
        return self.syncd.run("sync", timeout=60)

    def server_at(self, entry):
        """The server when ${entry} was the last of the log: what was asked by then is
        done."""
        asked = sum(n <= entry + 1 for n, _ in self.moments)
        return self.moments[min(asked, len(self.moments) - 1)][1]

    def kept(self):
        """What is on the disk: tokens of the tree and of the undo store."""
        found = {self.token_of(data) for _, _, data in self.messages()}
        for at, _, files in os.walk(os.path.join(self.syncd.state, "undo")):
            for name in files:
                with open(os.path.join(at, name), "rb") as f:
                    found.add(self.token_of(f.read()))
        return found

    def judge_forgotten(self):
        """What the server has no more, and nobody deleted here, was on the disk when the
        server forgot it."""
        there = set(self.far_tokens())
        lost = [c for token, c in self.world.oracle.contents.items()
                if token not in there and len(c.seen(HERE)) >= max(len(c.base), 1)]
        kept = self.kept() if lost else ()
        for c in lost:
            if c.token not in kept:
                raise Wrong(f"{c.token} is neither there nor on the disk; done: {c.trace}")

    def boot(self, entry):
        """The machine was booted, and there is the server as it was."""
        db = os.path.join(self.syncd.state, "a.db")
        with contextlib.closing(sqlite3.connect(db)) as conn, conn:
            conn.execute("UPDATE meta SET value = x'00' WHERE key = 'boot'")
        self.peer.clear()
        self.peer.boxes = copy.deepcopy(self.server_at(entry))

    def judge(self, entry):
        self.boot(entry)
        self.world.oracle = copy.deepcopy(self.saved[2])
        self.judge_moment()
        self.judge_forgotten()
        self.recover()
        self.judge_end()

    def close(self):
        self.client.close()
        self.peer.stop()


class Busy(Plug):
    """Somebody else calls sync() before each file gets its name: what the program did
    before is never in one transaction of the file system with that."""

    def round(self):
        return self.sync_by(KILLAT, "-m", "sync", "-c", "rename", "-n", "1", "-a",
                            "-o", os.devnull, "--", timeout=60)


class Unsaved(Plug):
    """What clients save is on the disk when the daemon sees to that."""

    def play(self, scene):
        super().play(scene._replace(change=()))
        self.change = scene.change

    def record(self, disk):
        first = disk.written()
        for op in self.change:
            self.world.do(*op)
        super().record(disk)
        return first

    def judge(self, entry):
        self.boot(entry)
        self.world.oracle.contents = {t: Content(t, body(t)) for t in self.tokens()}
        given = set(self.far_tokens())
        self.syncd.run("sync", timeout=20)
        self.sync()
        whole = {self.token_of(m.data) for b in self.peer.boxes.values() for m in b.msgs
                 if canonical(m.data) == body(self.token_of(m.data) or "")}
        if given - whole or self.differences():
            raise Wrong(f"{given - whole} were on the server, and are not; {self.differences()}")

    def tokens(self):
        return [op[2] for op in tuple(self.scene.given) + tuple(self.scene.change)]


class Emptied(Drain):
    """A POP3 server that lets a message go at its DELE."""

    def __init__(self):
        super().__init__(12)
        self.account.update(ROOM)
        self.moments = []        # (entries of the log, what the server still has)

    def begin(self):
        super().begin()
        self.peer.mails = []
        self.syncd.sync()
        self.peer.mails = list(self.mails)
        write_back(self.syncd.dir)

    def record(self, disk):
        first = disk.written()

        def note(session, _, verb, args):
            gone = {session.of(args)} if verb == "DELE" else set()
            left = self.moments[-1][1] if self.moments else self.mails
            self.moments.append((disk.written(), [m for m in left if m not in gone]))
            return False
        self.peer.on("", note)
        self.syncd.sync()
        self.peer.clear()
        if self.peer.mails:
            raise Wrong("it was not emptied")
        write_back(self.syncd.dir)
        return first

    def judge(self, entry):
        left = [mails for n, mails in self.moments if n <= entry + 1]
        self.peer.mails = list(left[-1] if left else self.mails)
        self.whole("the power went")
        self.syncd.sync()
        self.judge_over("after one more round")

    def close(self):
        self.peer.stop()


def staged(name):
    if name == DRAINED:
        return Emptied()
    if name == BUSY:
        return Busy(SCENES["download"])
    return Unsaved(SCENES["upload"]) if name == UNSAVED else Plug(SCENES[name])


# -- a scene on a file system -----------------------------------------------------

class Refused(Exception):
    """The file system does not know how writes could be lost in that way: xfs, a few
    times in a thousand."""


def tried(trial, stage, cut):
    """What is wrong with the disk of ${cut}, or None."""
    try:
        with trial.mounted(cut):
            stage.judge(cut[0])
    except AssertionError as e:
        return str(e)
    except subprocess.CalledProcessError as e:
        if in_order(cut):
            return f"cannot be mounted: {e.stderr.decode()}"
        raise Refused from e
    except Exception:
        return traceback.format_exc()
    return None


def swept(fs, name, mutant=None):
    """An Outcome; of what is made wrong the first that is found is enough."""
    started = time.monotonic()
    bad, n, refused = [], 0, 0
    with tempfile.TemporaryDirectory(dir=memory()) as top:
        disk = Disk(top, fs)
        with disk.logged():
            os.environ["SYNCD_TEST_DIR"] = disk.mount
            stage = staged(name)
            stage.begin()
            if mutant is not None:
                stage.syncd.program = os.path.join(mutants.place(mutant), "syncd")
            first = stage.record(disk)
        log = disk.log()
        every = cuts(log, first, random.Random(name))
        step = max(1, len(every) / STATES)
        trial = Trial(disk, log)
        for n, at in enumerate(range(int(len(every) / step)), 1):
            cut = every[int(at * step)]
            try:
                why = tried(trial, stage, cut)
            except Refused:
                refused += 1
                continue
            if why:
                bad.append(f"after write {cut[0] - first} of {len(log) - first}: {why}")
                if mutant is not None:
                    break
        stage.close()
    return Outcome(fs, name, mutant, n - refused, len(every), refused, bad,
                   time.monotonic() - started)


def failures(o):
    """How many an Outcome counts for; says what it was."""
    if o.mutant is not None:
        said = o.bad[0].splitlines()[0][:100] if o.bad else "FAILED: nothing"
        print(f"{o.fs:<6} {o.scene}, {o.mutant}: {said}", flush=True)
        return int(not o.bad)
    print(f"{o.fs:<6} {o.scene:<28} {o.tried:5} of {o.of} disks, "
          f"{f'{o.refused} not mounted, ' if o.refused else ''}{len(o.bad)} failed "
          f"{o.seconds:7.1f} s", flush=True)
    for text in o.bad[:3]:
        print(f"--- {o.fs}: {o.scene} FAILED {text.rstrip()[-1500:]}\n---", flush=True)
    return len(o.bad)


def jobs(words):
    """[(file system, scene, mutant or None)]"""
    for fs in SIZES:
        if not has(fs):
            print(f"{fs}: not on this machine", flush=True)
            continue
        for name in WANTED:
            if words and not any(w in name or w == fs for w in words):
                continue
            yield fs, name, None
            yield from ((fs, name, m) for m, s in CONTROLS[fs] if s == name)


def main(argv):
    todo = list(jobs(argv[1:]))
    for mutant in sorted({m for _, _, m in todo if m is not None}):
        mutants.build(mutant)
    disks, failed = Counter(), 0
    ordinary_tls()    # once, and not on a disk that loses its power
    with concurrent.futures.ProcessPoolExecutor(JOBS) as pool:
        for outcome in pool.map(swept, *zip(*todo)):
            failed += failures(outcome)
            if outcome.mutant is None:
                disks[outcome.fs] += outcome.tried
    by = ", ".join(f"{fs} {n}" for fs, n in disks.items())
    print(f"{sum(disks.values())} disks, {failed} failed ({by})")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
