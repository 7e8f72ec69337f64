#!/usr/bin/env python3
"""mutants.py [NAME]... — is what is made wrong found?

Each mutant is one of mistakes.py.  Only its sources are compiled, so it costs a
second.  As a program this lets the witnesses loose on each that are named beside
it, and says which of them noticed; "sane" lets all of them loose on what is not
made wrong, where they must be silent.  crash.py takes single ones as its controls.

CRASH_STEP	only each n-th point of a scene (1)
CRASH_JOBS	so many at a time (2)

The last line is "N mutants, N caught"; what nobody noticed is named above it.
"""
import concurrent.futures
import os
import shutil
import subprocess
import sys

from mistakes import MISTAKES

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("BUILD", "build")
STEP = int(os.environ.get("CRASH_STEP", "1"))
JOBS = int(os.environ.get("CRASH_JOBS", "2"))

MUTANTS = {name: m.edits for name, m in MISTAKES.items()}
SANE = "sane"


def mutated(edits):
    """{path: the source with its mistake}"""
    out = {}
    for e in edits:
        with open(os.path.join(ROOT, e.file), encoding="utf-8") as f:
            text = out.get(e.file) or f.read()
        if text.count(e.old) != 1:
            raise LookupError(f"{e.file} has {text.count(e.old)} times: {e.old}")
        out[e.file] = text.replace(e.old, e.new)
    return out


def place(name):
    return os.path.join(ROOT, BUILD, "mutant", name)


def build(name, *tests):
    """The path of a syncd that has the mistake (and of unit tests)."""
    out = place(name)
    shutil.rmtree(out, ignore_errors=True)
    sources = mutated(MUTANTS[name])
    for path, text in sources.items():
        os.makedirs(os.path.dirname(os.path.join(out, path)), exist_ok=True)
        with open(os.path.join(out, path), "w", encoding="utf-8") as f:
            f.write(text)
    subprocess.run(["make", "-s", "--no-print-directory", "mutant", f"BUILD={BUILD}",
                    f"OUT={out}", "EDITED=" + " ".join(sources),
                    "TESTS=" + " ".join(tests)], cwd=ROOT, check=True)
    return os.path.join(out, "syncd")


# -- witnesses ----------------------------------------------------------------

def fails(argv, limit, **env):
    try:
        return subprocess.run(argv, cwd=ROOT, stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=limit,
                              check=False, env=dict(os.environ, **env)).returncode != 0
    except subprocess.TimeoutExpired:
        return True


def is_unit(witness):
    return witness.startswith("test_") and \
        os.path.exists(os.path.join(ROOT, "tests/unit", witness + ".c"))


def story_notices(out, story):
    """A scenario; what a mutant's build lacks is as in the real one."""
    for entry in os.listdir(os.path.join(ROOT, BUILD)):
        if entry != "mutant" and not os.path.lexists(os.path.join(out, entry)):
            os.symlink(os.path.join(ROOT, BUILD, entry), os.path.join(out, entry))
    return fails([sys.executable, "tests/tool/scenario.py", story], 600,
                 BUILD=os.path.relpath(out, ROOT))


def scene_notices(program, sweep, scene):
    """Once as it should go, then wrong at each point in turn."""
    import crash
    total = crash.count(sweep, scene)
    _, bad = crash.portion(sweep, scene, [10 ** 9], program)
    if not bad:
        step = max(STEP, total // 500)    # of allocations there are too many
        _, bad = crash.portion(sweep, scene, range(1, total + 1, step), program, True)
    return bool(bad)


def notices(out, witness):
    """${out} has the syncd and the unit tests."""
    if is_unit(witness):
        return fails([os.path.join(out, witness)], 120)
    if witness.startswith("test_"):
        return story_notices(out, witness)
    sweep, colon, scene = witness.partition(":")
    return scene_notices(os.path.join(out, "syncd"), *(
        (sweep, scene) if colon else ("kill-before", witness)))


def noticed(name):
    """By whom, or None."""
    who = MISTAKES[name].who
    try:
        build(name, *filter(is_unit, who))
    except LookupError as e:
        return f"stale: {e}"
    except subprocess.CalledProcessError:
        return "stale: it cannot be built"
    by = next((w for w in who if notices(place(name), w)), None)
    shutil.rmtree(place(name))
    return by


def sane_notices(witness):
    """A unit test is `make unit`'s business."""
    return notices(os.path.join(ROOT, BUILD), witness)


# -- all ----------------------------------------------------------------------

def sane(pool):
    """Who cries without a reason?"""
    every = sorted({w for m in MISTAKES.values() for w in m.who if not is_unit(w)})
    crying = [w for w, bad in zip(every, pool.map(sane_notices, every)) if bad]
    for witness in crying:
        print(f"{witness} FAILED")
    print(f"{len(every)} witnesses, {len(crying)} cried")
    return bool(crying)


def main(argv):
    names = argv[1:] or list(MUTANTS)
    caught = 0
    with concurrent.futures.ProcessPoolExecutor(JOBS) as pool:
        if names == [SANE]:
            return sane(pool)
        for name, by in zip(names, pool.map(noticed, names)):
            caught += by is not None and not by.startswith("stale")
            print(f"{name:<26} {by or 'SURVIVED'}", flush=True)
    print(f"{len(names)} mutants, {caught} caught")
    return 0 if caught == len(names) else 1


if __name__ == "__main__":
    sys.path.insert(0, os.path.join(ROOT, "tests", "crash"))
    sys.exit(main(sys.argv))
