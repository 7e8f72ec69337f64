"""Byte-exact, both ways: real mail, odd mail, mail that nobody should send."""
import os

import corpus
from case import Case, limit, rows
from peer import Peer
from syncd import Syncd

DATE = 1_500_000_000
DAY = 86400


def canonical_crlf(data):
    """Is every CR followed by LF and every LF preceded by CR?"""
    bare = data.replace(b"\r\n", b"")
    return b"\r" not in bare and b"\n" not in bare


def on_disk(wire):
    """What a file must hold for what the server gave."""
    return wire.replace(b"\r\n", b"\n") if canonical_crlf(wire) else wire


def on_wire(disk):
    """What the server must be given for a local file: LF files as CRLF, all
    other bytes unchanged but for a lone LF."""
    out = bytearray()
    for i, c in enumerate(disk):
        if c == 10 and (i == 0 or disk[i - 1] != 13):
            out.append(13)
        out.append(c)
    return bytes(out)


def dovecot_keeps(wire):
    """Dovecot drops a CR at the very end and one of CR CR LF."""
    return not wire.endswith(b"\r") and b"\r\r\n" not in wire


class Down(Case):
    """Server to Maildir."""

    def assertExact(self, folder):
        """Every file of the folder holds exactly what the server gives."""
        far = sorted(on_disk(m.data) for m in self.client.fetch_all(folder))
        near = sorted(m.data for m in self.tree.messages(folder))
        self.assertEqual(len(near), len(far))
        for a, b in zip(far, near):
            if a != b:
                self.fail(f"bytes differ:\nserver {a[:300]!r}\nfile   {b[:300]!r}")

    def append(self, folder, mail):
        for i, (_, data) in enumerate(mail):
            self.client.append(folder, corpus.wire(data), "S" if i % 3 else "", date=DATE + i * DAY)

    @limit(120)
    def test_the_corpus_comes_down(self):
        mail = [(n, d) for n, d in corpus.messages() if b"\0" not in d]
        self.append("INBOX", mail)
        self.syncd.sync(timeout=90)
        self.assertExact("INBOX")
        self.assertSame()
        self.assertQuiet()

    @limit(180)
    def test_more_mail_comes_down(self):
        mail = [(n, d) for n, d in corpus.more(600) if b"\0" not in d]
        if not mail:
            self.skipTest("SYNCD_CORPUS is not set")
        self.append("INBOX", mail)
        self.syncd.sync(timeout=120)
        self.assertExact("INBOX")
        self.assertQuiet()

    def test_odd_mail_comes_down(self):
        self.append("INBOX", corpus.MADE.items())
        self.syncd.sync()
        self.assertExact("INBOX")
        self.assertQuiet()

    def test_mixed_line_endings_come_down(self):
        self.append("INBOX", corpus.MIXED.items())
        self.syncd.sync()
        self.assertExact("INBOX")
        self.assertQuiet()

    def test_size_in_the_name_is_the_size(self):
        self.append("INBOX", corpus.MADE.items())
        self.syncd.sync()
        for m in self.tree.messages("INBOX"):
            name = os.path.basename(m.path)
            self.assertIn(f",S={len(m.data)}", name)


class Up(Case):
    """Maildir to server, and from there into a second tree."""

    def setUp(self):
        super().setUp()
        self.tree.create_folder("INBOX")

    def add(self, mail):
        for i, (_, data) in enumerate(mail):
            self.tree.add("INBOX", data, "S" if i % 3 else None, date=DATE + i * DAY)

    def assertExact(self, mail):
        """The server holds just these, the files are as they were."""
        far = sorted(m.data for m in self.client.fetch_all("INBOX"))
        want = sorted(on_wire(d) for _, d in mail)
        self.assertEqual(len(far), len(want), "messages on the server")
        for a, b in zip(want, far):
            if a != b:
                self.fail(f"bytes differ:\nwanted {a[:300]!r}\nserver {b[:300]!r}")
        near = sorted(m.data for m in self.tree.messages("INBOX"))
        self.assertEqual(near, sorted(d for _, d in mail), "local files were rewritten")

    @staticmethod
    def lf(mail):
        """As they would lie in a Maildir."""
        return [(n, d.replace(b"\r\n", b"\n")) for n, d in mail]

    @limit(120)
    def test_the_corpus_goes_up(self):
        mail = self.lf((n, d) for n, d in corpus.messages() if b"\0" not in d)
        mail = [(n, d) for n, d in mail if dovecot_keeps(on_wire(d))]
        self.add(mail)
        self.syncd.sync(timeout=90)
        self.assertExact(mail)
        self.assertSame()
        self.assertQuiet()

    def test_odd_mail_goes_up(self):
        mail = self.lf(corpus.MADE.items())
        self.add(mail)
        self.syncd.sync()
        self.assertExact(mail)
        self.assertQuiet()

    def test_crlf_files_go_up_unchanged(self):
        mail = list(corpus.MADE.items())
        self.add(mail)
        self.syncd.sync()
        self.assertExact(mail)
        self.assertQuiet()

    def test_mixed_line_endings_go_up(self):
        mail = [(n, d) for n, d in corpus.MIXED.items() if dovecot_keeps(on_wire(d))]
        self.add(mail)
        self.syncd.sync()
        self.assertExact(mail)
        self.assertQuiet()

    def test_nul_goes_up_or_is_left_alone_and_reported(self):
        """Dovecot takes NUL in a literal8 and gives it back as 0x80 in a
        plain FETCH: what counts is that nothing is lost, doubled or
        rewritten here."""
        mail = list(corpus.NUL.items())
        self.add(mail)
        self.syncd.sync(expect=(0, 1))
        near = sorted(m.data for m in self.tree.messages("INBOX"))
        self.assertEqual(near, sorted(d for _, d in mail))
        self.assertLessEqual(len(self.client.fetch_all("INBOX")), len(mail))
        before = self.tree.snapshot()
        self.syncd.sync(expect=(0, 1))
        self.assertEqual(self.tree.snapshot(), before)

    def test_identical_twins_stay_two(self):
        self.add([("a", b"Subject: t\n\nx\n")] * 3)
        self.syncd.sync()
        self.assertEqual(len(self.client.fetch_all("INBOX")), 3)
        self.assertQuiet()

    def test_an_empty_file_harms_nobody(self):
        self.add([("empty", b""), ("other", b"Subject: other\n\nx\n")])
        self.syncd.sync(expect=(0, 1))
        self.assertEqual(sum(b"other" in m.data for m in self.client.fetch_all("INBOX")), 1)
        self.assertEqual(sorted(len(m.data) for m in self.tree.messages("INBOX"))[0], 0)


class Exact(Case):
    """Against a server that keeps every byte."""
    server = None

    def setUp(self):
        self.peer = Peer()
        self.addCleanup(self.peer.stop)
        self.syncd = Syncd(self.peer)
        self.tree = self.syncd.tree
        self.mail = [d for _, d in corpus.messages()] + list(corpus.MADE.values()) \
            + list(corpus.MIXED.values())
        self.mail = [d for d in self.mail if b"\0" not in d]

    @limit(120)
    def test_every_byte_goes_up(self):
        self.tree.create_folder("INBOX")
        for data in self.mail:
            self.tree.add("INBOX", data, "S")
        self.syncd.sync(timeout=90)
        far = sorted(m.data for m in self.peer.boxes["INBOX"].msgs)
        self.assertEqual(len(far), len(self.mail))
        self.assertTrue(far == sorted(map(on_wire, self.mail)), "bytes differ")

    @limit(120)
    def test_every_byte_comes_down(self):
        for data in self.mail + list(corpus.NUL.values()):
            self.peer.boxes["INBOX"].add(data, {"\\Seen"})
        self.syncd.sync(timeout=90)
        near = sorted(m.data for m in self.tree.messages("INBOX"))
        want = sorted(on_disk(d) for d in self.mail + list(corpus.NUL.values()))
        self.assertEqual(len(near), len(want))
        self.assertTrue(near == want, "bytes differ")


# Names as the server says them.
NAMES = {
    "spaces": "two  words",
    "quotes": 'say "hi"',
    "backslash": "a\\b",
    "percent": "100%",
    "percent escape": "a%2Fb",
    "star": "a*b",
    "ampersand": "R&D",
    "unicode": "Ünïcödé/日本語/Привет",
    "emoji": "mail 📬",
    "cur": "cur/new/tmp",
    "leading dot": ".hidden/.deeper",
    "dash": "-rf",
    "brackets": "[Gmail]/All Mail",
    "braces": "{5}",
    "deep": "/".join("abcdefghijkl"),
    "dotted": "v1.2.3",
    "long": "x" * 200,
    "equals": "a=b,c;d:e",
}


@rows("comes_down", NAMES)
@rows("goes_up", {k: v for k, v in NAMES.items() if k not in ("star", "percent")})
class Names(Case):
    def comes_down(self, name):
        self.client.create(name)
        self.client.append(name, b"Subject: here\r\n\r\nx\r\n", date=DATE)
        self.syncd.sync()
        self.assertPlaces("Subject: here", name)
        self.assertSame()
        self.assertQuiet()

    def goes_up(self, name):
        self.tree.create_folder(name)
        self.tree.add(name, b"Subject: here\n\nx\n", date=DATE)
        self.syncd.sync()
        self.assertPlaces("Subject: here", name)
        self.assertSame()
        self.assertQuiet()


class NamesPlusPlus(Case):
    account = {"layout": "maildir++"}

    def test_all_names_come_down(self):
        names = [n for k, n in NAMES.items() if k != "deep"] + ["a.b/c.d", "INBOX/child"]
        for i, name in enumerate(names):
            self.client.create(name)
            self.client.append(name, f"Subject: no. {i}\r\n\r\nx\r\n".encode(), date=DATE)
        self.syncd.sync()
        self.assertSame()
        self.assertQuiet()


class MaildirServer(Case):
    """A server with Maildir storage: one of each name, flags and keywords."""
    server = {"storage": "maildir", "rawlog": True, "separator": "."}

    def test_flags_and_dates_cross(self):
        self.tree.delimiter = "."
        self.client.create("Lists.deep.er")
        self.client.append("Lists.deep.er", b"Subject: x\r\n\r\nx\r\n", "SF", ["a", "b"], DATE)
        self.syncd.sync()
        self.assertSame()
        self.tree.create_folder("Mine.own")
        self.tree.add("Mine.own", b"Subject: y\n\ny\n", "R", ["c"], DATE)
        self.syncd.sync()
        self.assertSame()
        self.assertQuiet()

    def test_thirty_keywords_do_not_disturb(self):
        """Only 26 have letters; none may be removed from the server."""
        words = [f"word{i:02d}" for i in range(30)]
        for word in words:
            self.client.append("INBOX", f"Subject: {word}\r\n\r\nx\r\n".encode(), "S", [word])
        self.syncd.sync(expect=(0, 1))
        self.syncd.sync(expect=(0, 1))
        there = {k for m in self.client.fetch_all("INBOX") for k in m.keywords}
        self.assertEqual(there, set(words))
