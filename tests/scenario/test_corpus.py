"""Every message of the corpus comes back byte for byte, in both directions.

On disk, what is canonical CRLF on the wire has LF lines; anything else is there
verbatim, as FETCH gives it.  Dovecot itself changes a few kinds of bytes when
they are appended, whoever does it; what it changes is foretold here, message by
message, so that nothing else can hide behind it.  SYNCD_CORPUS adds all messages
below that directory.
"""
import re
from collections import Counter

import corpus
from case import Case, limit
from maildir import digest

EVERYTHING = 10 ** 6


def folders():
    """{folder: [(name, bytes)]}"""
    made = {**corpus.MADE, **corpus.MIXED}
    sets = {
        "Corpus": corpus.messages(),
        "Made": list(made.items()),
        "NUL": list(corpus.NUL.items()),
        "More": corpus.more(EVERYTHING),
    }
    return {folder: [(n, d) for n, d in items if d] for folder, items in sets.items() if items}


CHANGES = (
    ("NUL becomes 0x80", lambda d: d.replace(b"\0", b"\x80")),
    ("a CR before CRLF is dropped", lambda d: re.sub(rb"\r(?=\r\n)", b"", d)),
    ("a bare LF becomes CRLF", lambda d: re.sub(rb"(?<!\r)\n", b"\r\n", d)),
    ("a CR at the end is dropped", lambda d: d[:-1] if d.endswith(b"\r") else d),
)


def kept(data):
    """What Dovecot keeps of appended bytes, and why that is something else."""
    why = []
    for reason, change in CHANGES:
        after = change(data)
        if after != data:
            why.append(reason)
        data = after
    return data, tuple(why)


def on_disk(wire):
    rest = wire.replace(b"\r\n", b"")
    canonical = b"\r" not in rest and b"\n" not in rest
    return wire.replace(b"\r\n", b"\n") if canonical else wire


def on_the_wire(file):
    """What a file is sent as: all CRLF as it is; else each LF that no CR
    precedes as CRLF."""
    return re.sub(rb"(?<!\r)\n", b"\r\n", file)


class Names:
    """To say which message it is that differs."""

    def __init__(self):
        self.of = {}

    def count(self, pairs):
        out = Counter()
        for name, data in pairs:
            self.of.setdefault(data, name)
            out[data] += 1
        return out

    def say(self, counter, what):
        return [f"{n} x {what}: {self.of.get(d, '?')}: {len(d)} bytes {digest(d)[:12]} {d[:60]!r}"
                for d, n in counter.items()]


class Bytes(Case):
    server = {}

    def assertBytes(self, folder, got, want, names):
        got = names.count(("?", d) for d in got)
        self.assertEqual(names.say(want - got, "missing") + names.say(got - want, "not asked for"),
                         [], folder)

    @limit(150)
    def test_from_the_server_to_files_and_back_in_fetch(self):
        sent, reasons = {}, Counter()
        for folder, items in folders().items():
            self.client.create(folder)
            for name, data in items:
                wire = corpus.wire(data)
                self.client.append(folder, wire)
                stays, why = kept(wire)
                sent.setdefault(folder, []).append((name, stays))
                reasons.update(why)
        self.assertEqual(set(reasons), {reason for reason, _ in CHANGES},
                         "the corpus holds all that Dovecot changes")
        self.syncd.sync(timeout=140)
        for folder, items in sent.items():
            names = Names()
            far = [m.data for m in self.client.fetch_all(folder)]
            self.assertBytes(folder, far, names.count(items), names)
            near = [m.data for m in self.tree.messages(folder)]
            self.assertBytes(folder, near, names.count((n, on_disk(d)) for n, d in items), names)
        self.assertSame()

    @limit(150)
    def test_from_files_to_the_server(self):
        sent = {}
        for folder, items in folders().items():
            # Binary literals are another matter, see below.
            items = [(n, d) for n, d in items if b"\0" not in d]
            self.tree.create_folder(folder)
            for name, data in items:
                self.tree.add(folder, data, "")
                sent.setdefault(folder, []).append((name, data))
        before = {f: Counter(m.data for m in self.tree.messages(f)) for f in sent}
        self.syncd.sync(timeout=140)
        for folder, items in sent.items():
            names = Names()
            want = names.count((n, kept(on_the_wire(d))[0]) for n, d in items)
            far = [m.data for m in self.client.fetch_all(folder)]
            self.assertBytes(folder, far, want, names)
            self.assertEqual(Counter(m.data for m in self.tree.messages(folder)),
                             before[folder], "the files are as they were")
        quiet = self.tree.snapshot()
        self.syncd.sync(timeout=140)
        self.assertEqual(self.tree.snapshot(), quiet, "nothing comes back")

    def test_a_file_with_nul_is_sent_and_stays_as_it_is(self):
        self.tree.create_folder("NUL")
        for data in corpus.NUL.values():
            self.tree.add("NUL", data, "")
        for _ in range(2):
            self.syncd.sync()
            self.assertEqual(Counter(m.data for m in self.client.fetch_all("NUL")),
                             Counter(kept(d)[0] for d in corpus.NUL.values()))
            self.assertEqual(Counter(m.data for m in self.tree.messages("NUL")),
                             Counter(corpus.NUL.values()))
