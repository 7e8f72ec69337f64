#!/usr/bin/env python3
"""mutants.py [NAME]... — is what is made wrong found?

Each mutant is one small mistake.  Only its sources are compiled, so it costs a
second.  As a program this lets the unit tests and scenes loose on each that are
named beside it, and says which of them noticed; crash.py takes single ones as
its positive controls.

The last line is "N mutants, N caught"; what nobody noticed is named above it.
"""
import os
import shutil
import subprocess
import sys
from collections import namedtuple

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("BUILD", "build")
STEP = int(os.environ.get("CRASH_STEP", "1"))    # only each n-th point

# ${old} stands in the file exactly once.
Edit = namedtuple("Edit", "file old new")

RECOVER, LIKE = "sync/engine/recover.c", "sync/engine/like.c"
LAND = "sync/engine/land.c"
DELIVER, AT = "sync/maildir/deliver.c", "sync/maildir/at.c"

MUTANTS = {
    # The controls of crash.py.
    "no-intent": [
        Edit(RECOVER, "\tif (in->found.v == 0 && in->stage == ST_APPENDING)\n",
             "\tif (in->stage == ST_APPENDING)\n"),
        Edit(LIKE, "\tleft.n_a = sift(a, n_a, LIKE_NONE, dated);",
             "\tleft.n_a = 0 * sift(a, n_a, LIKE_NONE, dated);")],
    "early-row": [Edit(LAND, "\t\t.stage = ST_LANDING,", "\t\t.stage = ST_PRESENT,")],
    "write-unchecked": [Edit(DELIVER, "\t\tif (done < 0)\n\t\t\treturn -1;\n\t\tp += done;",
                             "\t\tif (done < 0)\n\t\t\treturn 0;\n\t\tp += done;")],
    "short-write": [Edit(DELIVER, "\t\tp += done;\n\t\tn -= (size_t)done;",
                         "\t\tp += done;\n\t\tn = 0;")],
    "oom-unchecked": [Edit("sync/base/mem.c",
                           "\tvoid *p = malloc(n > 0 ? n : 1);\n\n\tif (p == NULL)",
                           "\tvoid *p = malloc(n > 0 ? n : 1);\n\n\tif (p == NULL && n == 0)")],
    "no-fsync-file": [Edit(DELIVER, "\t\trc = fsync(fd);", "\t\trc = fd < 0;")],
    "no-fsync-dir": [Edit(AT, "\trc = fsync(fd);", "\trc = 0;")],
    "no-sync-commit": [Edit("sync/store/db.c", "PRAGMA synchronous = FULL",
                            "PRAGMA synchronous = OFF")],
}

GATHER, FLAG, GUARD = "sync/engine/gather.c", "sync/engine/flag.c", "sync/engine/guard.c"
DIFF, MOVE, ACCOUNT = "sync/engine/diff.c", "sync/engine/move.c", "sync/engine/account.c"
MUTANTS.update({
    "equation": [Edit(GATHER, "f->work.n_fresh == (uint64_t)exists + vanished)",
                      "f->work.n_fresh != (uint64_t)exists + vanished)")],
    "went-back": [Edit(GATHER, "box->modseq.v < f->modseq.v", "box->modseq.v > f->modseq.v")],
    "keeps-uids": [Edit(GATHER, "\t\trow.uid.v = 0;\n", "")],
    "found-again": [Edit(FLAG, "return row->uid.v != c->uid.v ||",
                         "return row->uid.v == c->uid.v ||")],
    "no-guard": [Edit(GUARD, "(int64_t)n <= acc->conf->guards.max_delete_count)",
                      "(int64_t)n >= acc->conf->guards.max_delete_count)")],
    "source-stays": [Edit(RECOVER, "(in->found.v != 0 && doubt_source(",
                          "(in->found.v == 0 && doubt_source(")],
    "nameless-bits": [Edit(ACCOUNT, "f->kw.n > f->kw_stored &&", "f->kw.n < f->kw_stored &&")],
    "policy-negated": [Edit(DIFF, "\tif (!(policy->pull & POLICY_DELETE))\n",
                            "\tif (policy->pull & POLICY_DELETE)\n")],
    "merge-swapped": [Edit(DIFF, "\tout.add = flags_minus(there, remote);",
                           "\tout.add = flags_minus(remote, there);")],
    "move-forgets-folder": [Edit(MOVE, "\trow.folder = t->to->id;\n", "")],
    "digest-of-header": [Edit("sync/engine/pair_files.c", "\treturn hash_eq(&row.all, &u->content->id.all);",
                              "\treturn hash_eq(&row.head, &u->content->id.head);")],
    "rename-replaces": [Edit(AT, "to_fd, to, RENAME_NOREPLACE);", "to_fd, to, 0);")],
    "flags-unsorted": [Edit("sync/base/flags.c", "\t\t\tout[n++] = sysflags[k].letter;",
                            "\t\t\tout[n] = sysflags[k].letter;")],
    "no-truncation-check": [Edit(DELIVER, "\tif (d->eol == EOL_LF && d->prev == '\\r' &&",
                                 "\tif (d->eol != EOL_LF && d->prev == '\\r' &&")],
})

# Who should notice: unit tests, and scenes that are played once, and killed.
EVERY = ["download", "upload", "flags", "deleted, for good", "moved"]
WHO = {
    "went-back": (["test_store"], EVERY),
    "keeps-uids": ([], ["new UIDVALIDITY"]), "found-again": ([], ["new UIDVALIDITY"]),
    "no-guard": ([], ["held by a guard"]), "source-stays": ([], ["moved, no MOVE"]),
    "nameless-bits": ([], ["keywords"]), "policy-negated": (["test_diff"], []),
    "merge-swapped": (["test_diff"], []), "rename-replaces": (["test_deliver"], []),
    "flags-unsorted": (["test_flags"], []), "no-truncation-check": (["test_deliver"], []),
    "no-fsync-file": (["test_deliver"], []), "no-fsync-dir": (["test_deliver"], []),
    "short-write": (["test_deliver"], EVERY), "early-row": ([], ["download"]),
    "no-intent": ([], ["upload"]),
}


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


def build(name, *tests):
    """The path of a syncd that has the mistake (and of unit tests)."""
    out = os.path.join(ROOT, BUILD, "mutant", name)
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


def unit_notices(name, test):
    r = subprocess.run([os.path.join(ROOT, BUILD, "mutant", name, test)], cwd=ROOT,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, timeout=120, check=False)
    return r.returncode != 0


def scene_notices(program, scene):
    """Once as it should go, then killed before each effect in turn."""
    import crash
    total = crash.count("kill-before", scene)
    _, bad = crash.portion("kill-before", scene, [10 ** 9], program)
    if not bad:
        _, bad = crash.portion("kill-before", scene, range(1, total + 1, STEP), program, True)
    return bool(bad)


def noticed(name):
    """By whom, or None."""
    tests, scenes = WHO.get(name, ([], EVERY))
    try:
        program = build(name, *tests)
    except LookupError as e:
        return f"stale: {e}"
    for test in tests:
        if unit_notices(name, test):
            return test
    return next((s for s in scenes if scene_notices(program, s)), None)


def main(argv):
    names = argv[1:] or list(MUTANTS)
    caught = 0
    for name in names:
        by = noticed(name)
        caught += by is not None and not by.startswith("stale")
        print(f"{name:<22} {by or 'SURVIVED'}", flush=True)
    print(f"{len(names)} mutants, {caught} caught")
    return 0 if caught == len(names) else 1


if __name__ == "__main__":
    sys.path.insert(0, os.path.join(ROOT, "tests", "crash"))
    sys.exit(main(sys.argv))
