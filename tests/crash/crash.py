#!/usr/bin/env python3
"""crash.py [SWEEP[:WORD]]... — let rounds go wrong at every point.

SWEEP is one of sweeps.py ("kill-before", "eio", ...), WORD selects scenes
whose names hold it.  Without arguments all.  Environment:

CRASH_STEP	only each n-th point (1)
CRASH_JOBS	so many at a time (2)
CRASH_SECONDS	begin no more points after so many seconds
CRASH_CONTROLS	0: without them

The last line says how many points there were of each sort (SORTS), and how many failed.
A sweep that finds nothing wrong with a program that is made wrong for it (mutants.py)
counts as failed.
"""
import concurrent.futures
import os
import sys
import time
import traceback
from collections import Counter

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
for sub in ("tool", "scenario", "crash"):
    sys.path.insert(0, os.path.join(ROOT, "tests", sub))

import mutants    # noqa: E402
from scenes import SCENES    # noqa: E402
from sweeps import SWEEPS, Wrong, on_stage, point    # noqa: E402

STEP = int(os.environ.get("CRASH_STEP", "1"))
JOBS = int(os.environ.get("CRASH_JOBS", "2"))
SECONDS = float(os.environ.get("CRASH_SECONDS", "inf"))
CONTROLLED = os.environ.get("CRASH_CONTROLS", "1") != "0"
PORTION = 60    # points for one stage
MOST = 4000    # points for one control

# What each sweep must find: [(mutant, scene)].
CONTROLS = {
    "kill-before": [("no-intent", "upload"), ("early-row", "download")],
    "kill-after": [("no-intent", "upload"), ("early-row", "download")],
    "kill-twice": [("no-intent", "upload")],
    "eio": [("write-unchecked", "download")],
    "enospc": [("write-unchecked", "download")],
    "eacces": [("write-unchecked", "download")],
    "full": [("no-intent", "upload")],
    "short": [("short-write", "download")],
    "oom": [("oom-unchecked", "download")],
    "statement": [("statement-unchecked", "download")],
    "cut-down": [("no-intent", "upload")],
    "cut-up": [("no-intent", "upload")],
}

# What a sweep's points are, for the last line.
SORTS = {
    "crash points": ("kill-before", "kill-after", "kill-twice"),
    "injected errors": ("eio", "enospc", "eacces", "full", "short"),
    "failed allocations": ("oom",),
    "byte cuts": ("cut-down", "cut-up"),
}


def portion(sweep, scene, points, program=None, first_only=False):
    """(points that were there, [(n, what is wrong)])"""
    bad, hits = [], 0
    try:
        stage = on_stage(SCENES[scene], program)
    except Exception:
        return 0, [(0, traceback.format_exc())]
    try:
        for n in points:
            try:
                hits += bool(point(stage, SWEEPS[sweep], n))
            except Wrong as e:
                bad.append((n, str(e)))
                hits += 1
            except Exception:
                bad.append((n, traceback.format_exc()))
                hits += 1
            if bad and first_only:
                break
    finally:
        stage.close()
    return hits, bad


def count(sweep, scene, program=None):
    stage = on_stage(SCENES[scene], program)
    try:
        stage.put_back()
        return SWEEPS[sweep].count(stage)
    finally:
        stage.close()


def control(sweep, mutant, scene):
    """Is what is made wrong found, and only when a round goes wrong?"""
    program = mutants.build(mutant)
    total = count(sweep, scene, program)
    _, bad = portion(sweep, scene, [10 ** 9], program)
    # A choice first: of bytes, a single one may be what it takes.
    for step in (1 + total // 200, 1):
        if not bad and step <= total:
            _, bad = portion(sweep, scene, range(1, min(total, MOST) + 1, step), program, True)
    good = bad and bad[0][0] < 10 ** 9
    print(f"{sweep:<12} control {mutant}: " +
          (f"found at {bad[0][0]} of {total}" if good else f"FAILED {bad}"), flush=True)
    return good


def swept(pool, sweep, scene, until):
    started = time.monotonic()
    total = count(sweep, scene)
    points = range(1, total + 1, STEP)
    parts = [points[i:i + PORTION] for i in range(0, len(points), PORTION)]
    n, bad = 0, []
    for some, wrong in pool.map(portion, [sweep] * len(parts), [scene] * len(parts), parts):
        n += some
        bad += wrong
        if time.monotonic() > until:
            break
    print(f"{sweep:<12} {scene:<24} {n:5} points, {len(bad)} failed "
          f"{time.monotonic() - started:7.1f} s", flush=True)
    for at, text in bad[:5]:
        print(f"--- {sweep}:{scene} at {at} FAILED\n{text.rstrip()[-1500:]}\n---", flush=True)
    return n, len(bad)


def chosen(args):
    for arg in args or SWEEPS:
        name, _, word = arg.partition(":")
        if name not in SWEEPS:
            sys.exit(f"no sweep {name}: {' '.join(SWEEPS)}")
        yield name, [s for s in SCENES if word in s]


def main(argv):
    until = time.monotonic() + SECONDS
    points, controls, failed = Counter(), 0, 0
    with concurrent.futures.ProcessPoolExecutor(JOBS) as pool:
        for sweep, scenes in chosen(argv[1:]):
            for mutant, scene in CONTROLS[sweep] if CONTROLLED else ():
                controls += 1
                failed += not control(sweep, mutant, scene)
            for scene in scenes:
                if time.monotonic() > until:
                    break
                n, bad = swept(pool, sweep, scene, until)
                points[sweep] += n
                failed += bad
    counts = [f"{sum(points[s] for s in sweeps)} {sort}" for sort, sweeps in SORTS.items()]
    print(", ".join(counts + [f"{controls} controls: {failed} failed"]))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
