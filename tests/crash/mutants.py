#!/usr/bin/env python3
"""mutants.py [NAME]... — is what is made wrong found?

Each mutant is one small mistake in one source file.  It is compiled and linked
before the library, so a mutant costs a second.  As a program this lets the unit
tests and a choice of scenarios and crash points loose on each, and says which
of them noticed; crash.py takes single ones as its positive controls.

The last line is "N mutants, N caught"; what nobody noticed is named above it.
"""
import os
import shutil
import subprocess
from collections import namedtuple

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("BUILD", "build")

# ${old} stands in the file exactly once.
Edit = namedtuple("Edit", "file old new")

RECOVER, PAIR = "sync/engine/recover.c", "sync/engine/pair.c"
DOWNLOAD, UPLOAD = "sync/engine/download.c", "sync/engine/upload.c"
DELIVER, AT = "sync/maildir/deliver.c", "sync/maildir/at.c"

MUTANTS = {
    # The controls of crash.py.
    "no-intent": [
        Edit(RECOVER, "\tif (in->found.v == 0 && in->stage == ST_APPENDING)\n",
             "\tif (in->stage == ST_APPENDING)\n"),
        Edit(PAIR, "\t\tif (!cs->v[lo].used && cs->v[lo].wire_size == size)",
             "\t\tif (cs->v[lo].used && cs->v[lo].wire_size == size)")],
    "early-row": [Edit(DOWNLOAD, "\t\t.stage = ST_LANDING,", "\t\t.stage = ST_PRESENT,")],
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
