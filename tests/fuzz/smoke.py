#!/usr/bin/env python3
"""smoke.py SECONDS [TARGET]... — a little chance over each target, without a fuzzer.

$BUILD/smoke/TARGET (smoke.c) changes first inputs and kept ones for so many seconds;
two targets at a time.  SMOKE_SEED chooses what is tried (1).  An input that breaks a
target is left in $BUILD/smoke/found, and what is printed says how it is tried again.

The last line is "N targets, N inputs, N failed".
"""
import concurrent.futures
import os
import re
import subprocess
import sys
import tempfile
import time

import seeds

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.environ.get("BUILD", "build")
SEED = os.environ.get("SMOKE_SEED", "1")
FOUND = os.path.join(BUILD, "smoke", "found")
LATE = 30    # seconds after which one input is one too long
# Its end is an abort(), and what it leaves behind is told of.
SANITIZERS = {"ASAN_OPTIONS": "abort_on_error=1", "UBSAN_OPTIONS": "print_stacktrace=1"}


def broke(current, target):
    """Where the input that was being tried is kept."""
    with open(current, "rb") as f:
        n = int.from_bytes(f.read(8), sys.byteorder)
        data = f.read(n)
    os.makedirs(os.path.join(ROOT, FOUND), exist_ok=True)
    path = os.path.join(FOUND, f"{target}-{SEED}")
    with open(os.path.join(ROOT, path), "wb") as f:
        f.write(data)
    return path


def smoke(target, seconds):
    """(inputs, seconds that it took, what is wrong or None)"""
    started = time.monotonic()
    program = os.path.join(BUILD, "smoke", target)
    with tempfile.TemporaryDirectory() as tmp:
        seeds.write(tmp, target)
        current = os.path.join(tmp, "current")
        argv = [program, str(seconds), SEED, str(seeds.longest(target)), current,
                seeds.dictionary(target) or "-", *seeds.places(tmp, target)]
        with open(os.path.join(tmp, "said"), "wb+") as said:
            try:
                rc = subprocess.run(argv, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=said,
                                    stderr=said, timeout=seconds + LATE, check=False,
                                    env=dict(os.environ, **SANITIZERS)).returncode
            except subprocess.TimeoutExpired:
                rc = "not done"
            said.seek(0)
            text = said.read().decode(errors="replace")
        secs = time.monotonic() - started
        tried = re.search(r"^(\d+) inputs$", text, re.M)
        if rc == 0 and tried:
            return int(tried[1]), secs, None
        path = broke(current, target) if os.path.exists(current) else "(none)"
    return 0, secs, (f"{text[-4000:]}\nexit {rc}, SMOKE_SEED={SEED}; again: "
                     f"{BUILD}/replay/{target} {path}")


def all_of(targets, seconds):
    """(target, *smoke()) of each, in their order."""
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        yield from zip(targets, *zip(*pool.map(lambda t: smoke(t, seconds), targets)))


def main(argv):
    targets = argv[2:] or seeds.targets()
    total = failed = 0
    for target, tried, secs, wrong in all_of(targets, int(argv[1])):
        total, failed = total + tried, failed + (wrong is not None)
        print(f"{target:<10} {tried:>10} inputs {secs:6.1f} s" if wrong is None else
              f"{target:<10} FAILED\n{wrong}", flush=True)
    print(f"{len(targets)} targets, {total} inputs, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
