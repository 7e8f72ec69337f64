#!/usr/bin/env python3
"""seeds.py FIRST:LAST | FILE — random operations on both sides, random faults.

A seed picks a server (each rung of the ladder), a way to run (rounds, or a
daemon), operations and what goes wrong meanwhile (play.py).  What fails is played
again with less and less, and the shortest story that still fails is printed: a
list that seeds.py FILE plays, too.  Programs that are made wrong (mutants.py) must
fail some seed, and the story must become short; else that is a failure.

SEEDS_JOBS	so many at a time (2)
SEEDS_SHRINK	seconds to spend on making a failure short (60)
SEEDS_CONTROLS	0: no wrong programs

The last line is "N seeds on N rungs, N with a daemon, N operations, N faults, N
controls: N failed".
"""
import ast
import concurrent.futures
import os
import sys
import time
import traceback

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
for sub in ("tool", "scenario", "crash"):
    sys.path.insert(0, os.path.join(ROOT, "tests", sub))

import mutants    # noqa: E402
from play import Play, has_daemon, rung_of    # noqa: E402
from stage import Wrong    # noqa: E402

JOBS = int(os.environ.get("SEEDS_JOBS", "2"))
SHRINK = float(os.environ.get("SEEDS_SHRINK", "60"))

# {mutant: from which seed on one of SOME must fail}
CONTROLS = {"early-row": 120, "no-intent": 1, "move-forgets-folder": 1,
            "merge-forgets-removal": 1, "found-again": 10}
SOME = 60
CONTROL_SHRINK = 8    # seconds for one story
if os.environ.get("SEEDS_CONTROLS") == "0":
    CONTROLS.clear()


def played(seed, story=None, program=None):
    """(operations, faults, story, what is wrong or None, is it the program?)"""
    play = Play(seed, program)
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


def fails(seed, story, program=None):
    return played(seed, story, program)[4]


def shrunk(seed, story, program=None, seconds=SHRINK, sure=False):
    """The story without what it does not need to fail.  ${sure}: however slow the
    machine is, something is left out, if anything can be."""
    until, whole = time.monotonic() + seconds, len(story)
    if not fails(seed, story, program):
        return story    # it needed luck, too
    size = len(story) // 2
    while size > 0:
        at = 0
        while at < len(story) and (time.monotonic() < until or
                                   sure and len(story) == whole):
            shorter = story[:at] + story[at + size:]
            if fails(seed, shorter, program):
                story = shorter
            else:
                at += size
        size //= 2
    return story


def told(seed, story):
    return f"({seed}, [\n" + "\n".join(f" {op!r}," for op in story) + "\n])"


def report(seed, story, wrong):
    print(f"--- seed {seed} on {rung_of(seed)!r} FAILED\n{wrong[-3000:]}\n-- "
          f"{told(seed, shrunk(seed, story))}\n---", flush=True)


def control(mutant):
    """(what is said, was it found by a story that is short?)"""
    program = mutants.build(mutant)
    first = CONTROLS[mutant]
    for seed in range(first, first + SOME):
        if has_daemon(seed):
            continue    # of whose timing nothing can be promised
        _, _, story, wrong, real = played(seed, None, program)
        if not real and wrong is not None:
            return f"FAILED at seed {seed}: {wrong}", False
        if not real:
            continue
        short = shrunk(seed, story, program, CONTROL_SHRINK, sure=True)
        again, sane = fails(seed, short, program), played(seed, short)[3]
        good = again and sane is None and len(short) < len(story)
        return (f"found by seed {seed}, {len(story)} steps, {len(short)} of them enough" if good
                else f"FAILED: {wrong}\nshort: {again}, {sane}\n{told(seed, short)}"), good
    return f"FAILED: not found by {SOME} seeds", False


def main(argv):
    if len(argv) == 2 and os.path.exists(argv[1]):
        with open(argv[1], encoding="utf-8") as f:
            seed, story = ast.literal_eval(f.read())
        wrong = played(seed, story)[3]
        print(wrong or "as it should be")
        return 1 if wrong else 0
    first, _, last = (argv[1] if len(argv) > 1 else "1:20").partition(":")
    seeds = range(int(first), int(last or first) + 1)
    ops = faults = failed = 0
    with concurrent.futures.ProcessPoolExecutor(JOBS) as pool:
        controls = [(name, pool.submit(control, name)) for name in CONTROLS]
        for seed, (some, hurt, story, wrong, _) in zip(seeds, pool.map(played, seeds)):
            ops, faults = ops + some, faults + hurt
            if wrong is not None:
                failed += 1
                report(seed, story, wrong)
        for name, result in controls:
            said, good = result.result()
            failed += not good
            print(f"control {name}: {said}", flush=True)
    print(f"{len(seeds)} seeds on {len(set(map(rung_of, seeds)))} rungs, "
          f"{sum(map(has_daemon, seeds))} with a daemon, {ops} operations, {faults} faults, "
          f"{len(CONTROLS)} controls: {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
