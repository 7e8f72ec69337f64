"""corpus.py — the messages of tests/corpus, or of $SYNCD_CORPUS too."""
import csv
import os
import random

HERE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "corpus")

# Nobody sends these, and a mail store still has to give them back.
MADE = {
    "no final newline": b"Subject: cut\r\n\r\nno newline here",
    "header only": b"Subject: head only\r\n\r\n",
    "header without end": b"Subject: nothing follows\r\n",
    "body only": b"\r\nno header at all\r\n",
    "no header, no colon": b"just text\r\nand more\r\n",
    "one byte": b"x",
    "long line": b"Subject: long\r\n\r\n" + b"0123456789" * 20000 + b"\r\n",
    "8-bit": b"Subject: \xff\xfe\x80\r\n\r\n" + bytes(range(128, 256)) + b"\r\n",
    "looks like a command": b"Subject: x\r\n\r\na1 LOGOUT\r\n* BYE\r\n{10}\r\n)\r\n.\r\n",
    "From line": b"From ann Mon Jul 20 10:00:00 2026\r\nSubject: from\r\n\r\nFrom me\r\n",
    "blank lines at the end": b"Subject: blanks\r\n\r\nx\r\n\r\n\r\n\r\n",
    "control characters": b"Subject: ctl\r\n\r\n" + bytes(
        c for c in range(1, 32) if c not in (10, 13)) + b"\x7f\r\n",
    "large": b"Subject: large\r\n\r\n" + b"The quick brown fox jumps.\r\n" * 60000,
}

# Line endings that are neither all CRLF nor all LF.
MIXED = {
    "bare LF in CRLF": b"Subject: a\r\n\r\none\ntwo\r\n",
    "bare CR": b"Subject: b\r\n\r\none\rtwo\r\n",
    "CR CR LF": b"Subject: c\r\n\r\none\r\r\ntwo\r\n",
    "CR at the end": b"Subject: d\r\n\r\none\r\n\r",
    "LF only": b"Subject: e\n\none\n",
    "LF CR": b"Subject: f\r\n\r\none\n\rtwo\r\n",
}

NUL = {
    "NUL": b"Subject: nul\r\n\r\nbefore\x00after\r\n",
    "only NUL": b"\x00\x00\x00\x00",
}


def messages(top=HERE):
    """[(name, bytes)] of the corpus, in the manifest's order."""
    out = []
    with open(os.path.join(top, "MANIFEST.tsv"), newline="", encoding="utf-8") as f:
        for row in csv.DictReader(f, delimiter="\t", quoting=csv.QUOTE_NONE):
            with open(os.path.join(top, row["path"]), "rb") as m:
                out.append((row["path"], m.read()))
    return out


def more(limit, seed=1):
    """Up to ${limit} further messages from the tree $SYNCD_CORPUS."""
    top = os.environ.get("SYNCD_CORPUS")
    if not top:
        return []
    paths = sorted(os.path.join(at, name) for at, _, names in os.walk(top) for name in names)
    random.Random(seed).shuffle(paths)
    out = []
    for path in paths[:limit]:
        with open(path, "rb") as f:
            out.append((os.path.relpath(path, top), f.read()))
    return [(name, data) for name, data in out if data]


def wire(data):
    """As a client would send it: bare LF becomes CRLF if there is no CR."""
    return data if b"\r" in data else data.replace(b"\n", b"\r\n")
