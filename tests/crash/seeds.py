#!/usr/bin/env python3
"""seeds.py FIRST:LAST — random operations on both sides, random faults.

A seed picks a server (each rung of the ladder), a way to run (rounds, or a
daemon), operations and what goes wrong meanwhile.  After each bout both sides
must be equal and what the oracle allows, and then quiet.  What fails is played
again with less and less, and the shortest story that still fails is printed: a
list that seeds.py FILE plays, too.

SEEDS_JOBS	so many at a time (2)
SEEDS_SHRINK	seconds to spend on making a failure short (60)

The last line is "N seeds, N operations, N faults, N failed".
"""
import ast
import concurrent.futures
import functools
import os
import random
import sys
import time
import traceback

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
for sub in ("tool", "scenario", "crash"):
    sys.path.insert(0, os.path.join(ROOT, "tests", sub))

from peer import EXCHANGE, MODERN, PLAIN    # noqa: E402
from scenes import EXPUNGE, FOLDERS    # noqa: E402
from server import wait_for    # noqa: E402
from stage import Stage, Wrong    # noqa: E402
from world import Churn    # noqa: E402

JOBS = int(os.environ.get("SEEDS_JOBS", "2"))
SHRINK = float(os.environ.get("SEEDS_SHRINK", "60"))

CONDSTORE = PLAIN + " ENABLE IDLE MOVE UNSELECT CONDSTORE ESEARCH"
RUNGS = [MODERN, "IMAP4rev1", PLAIN, EXCHANGE, CONDSTORE, MODERN]
FAULTS = ("before", "after", "down", "up", "eio", "enospc", "short")


class Play:
    """One account, one story."""

    def __init__(self, seed):
        self.seed = seed
        self.daemon = seed % 8 == 7
        self.stage = Stage(RUNGS[seed % len(RUNGS)], dict(EXPUNGE, **FOLDERS),
                           world=functools.partial(Churn, seed, concurrent=self.daemon))
        self.world = self.stage.world
        self.story = []
        self.faults = 0

    def close(self):
        self.stage.syncd.stop()
        self.stage.close()

    # -- what can happen besides operations ------------------------------

    def sync(self):
        """Both sides become equal."""
        stage = self.stage
        if self.daemon:
            try:
                wait_for(self.asked, 20, "both sides to be equal")
            except TimeoutError:
                raise Wrong("\n".join(stage.differences() + [stage.syncd.log()[-3000:]])) \
                    from None
        else:
            stage.recover()
        wrong = stage.differences() + self.world.oracle.check(stage.messages())
        if wrong:
            raise Wrong("\n".join(wrong))
        self.world.settled()

    def asked(self):
        try:
            r = self.stage.syncd.run("sync", timeout=20)
            return r.rc == 0 and not self.stage.differences()
        except FileNotFoundError:    # renamed while we looked
            return False

    def fault(self, kind, n):
        """A round in which something goes wrong at the n-th point."""
        stage = self.stage
        if kind in ("down", "up"):
            stage.peer.clear()
            setattr(stage.peer.rules, "cut_" + kind, n * 16)
            stage.no_crash(stage.syncd.run("sync", timeout=30))
            setattr(stage.peer.rules, "cut_" + kind, None)
        elif kind in ("before", "after"):
            stage.killat(kind, n)
        else:
            stage.no_crash(stage.killat(kind, n, "-c", "file")[0])
        stage.judge_moment()

    def tell(self, op):
        self.story.append(op)
        if op[0] == "sync":
            self.sync()
        elif op[0] == "fault":
            self.faults += 1
            self.fault(*op[1:])
        elif self.world.legal(*op):
            self.world.do(*op)

    # -- a story ---------------------------------------------------------

    def invent(self, bouts=3, steps=10):
        rng = random.Random(-self.seed)
        self.begin()
        for _ in range(bouts):
            for _ in range(steps):
                told = len(self.world.done)
                self.world.step(remove=1, revalidate=1)
                self.story += self.world.done[told:]
            if not self.daemon:
                for _ in range(rng.randrange(3)):
                    self.tell(("fault", rng.choice(FAULTS), rng.randrange(1, 260)))
            self.tell(("sync",))
        self.end()

    def begin(self):
        self.stage.sync()
        if self.daemon:
            self.stage.syncd.start()
            wait_for(lambda: "[::" in self.stage.syncd.log() or
                     self.stage.syncd.run("status").rc == 0, 10, "the daemon")

    def end(self):
        if self.daemon and self.stage.syncd.stop(10) != 0:
            raise Wrong("the daemon did not end well")
        self.stage.judge_quiet()

    def retell(self, story):
        self.begin()
        for op in story:
            self.tell(tuple(op))
        self.sync()
        self.end()


def played(seed, story=None):
    """(operations, faults, story, what is wrong or None, is it the program?)"""
    play = Play(seed)
    wrong, real = None, False
    try:
        if story is None:
            play.invent()
        else:
            play.retell(story)
    except Wrong as e:
        wrong, real = str(e), True
    except Exception:
        wrong = traceback.format_exc()
    finally:
        play.close()
    return len(play.world.done), play.faults, play.story, wrong, real


def fails(seed, story):
    return played(seed, story)[4]


def shrunk(seed, story):
    """The story without what it does not need to fail."""
    until = time.monotonic() + SHRINK
    if not fails(seed, story):
        return story    # it needed luck, too
    size = len(story) // 2
    while size > 0:
        at = 0
        while at < len(story) and time.monotonic() < until:
            shorter = story[:at] + story[at + size:]
            if fails(seed, shorter):
                story = shorter
            else:
                at += size
        size //= 2
    return story


def report(seed, story, wrong):
    story = shrunk(seed, story)
    text = "\n".join(f" {op!r}," for op in story)
    print(f"--- seed {seed} FAILED\n{wrong[-3000:]}\n-- ({seed}, [\n{text}\n])\n---", flush=True)


def main(argv):
    if len(argv) == 2 and os.path.exists(argv[1]):
        with open(argv[1], encoding="utf-8") as f:
            seed, story = ast.literal_eval(f.read())
        wrong = played(seed, story)[3]
        print(wrong or "as it should be")
        return 1 if wrong else 0
    first, _, last = (argv[1] if len(argv) > 1 else "1:20").partition(":")
    seeds = range(int(first), int(last or first) + 1)
    total = [0, 0, 0]
    with concurrent.futures.ProcessPoolExecutor(JOBS) as pool:
        for seed, (ops, faults, story, wrong, _) in zip(seeds, pool.map(played, seeds)):
            total = [total[0] + ops, total[1] + faults, total[2] + (wrong is not None)]
            if wrong is not None:
                report(seed, story, wrong)
    print(f"{len(seeds)} seeds, {total[0]} operations, {total[1]} faults, {total[2]} failed")
    return 1 if total[2] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
