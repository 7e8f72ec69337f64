"""POP3 servers whose lists and messages are not what they say they are.

Each message is here once and whole, or still there; an honest server makes good
what was not.
"""
from case import message, rows
from peer import raw, stall
from poppeer import Mail, err, stuffed
from test_poppeer import PopCase, without


class Liar(PopCase):
    plays = "hostile"
    n = 4

    def setUp(self):
        super().setUp()
        self.set(limits={"timeout": {"connect": "3s", "response": "1s"}})

    def any_end(self):
        """It may fail, and not crash."""
        r = self.syncd.run("sync")
        self.assertGreaterEqual(r.rc, 0, r.err)
        self.assertNotIn("SIG", r.err)
        self.assertNotEqual(r.rc, 70, r.err)
        return r

    def assertSome(self):
        """What is here are messages of that mailbox, once each."""
        here = self.files()
        all_of_them = sorted(m.data.replace(b"\r\n", b"\n") for m in self.all)
        self.assertEqual(len(set(here)), len(here), "doubled")
        self.assertLessEqual(set(here), set(all_of_them), "what nobody sent")


# Instead of the answer: (command, bytes).
LISTS = {
    "UIDL of nothing": ("UIDL", b"+OK\r\n.\r\n"),
    "UIDL of one less": ("UIDL", b"+OK\r\n1 id1\r\n2 id2\r\n4 id4\r\n.\r\n"),
    "UIDL of one more": (
        "UIDL", b"+OK\r\n1 id1\r\n2 id2\r\n3 id3\r\n4 id4\r\n5 id5\r\n.\r\n"),
    "UIDL backwards": ("UIDL", b"+OK\r\n4 id4\r\n3 id3\r\n2 id2\r\n1 id1\r\n.\r\n"),
    "UIDL with a number twice": (
        "UIDL", b"+OK\r\n1 id1\r\n1 id2\r\n2 id2\r\n3 id3\r\n4 id4\r\n.\r\n"),
    "UIDL of message 0": ("UIDL", b"+OK\r\n0 id0\r\n1 id1\r\n2 id2\r\n3 id3\r\n4 id4\r\n.\r\n"),
    "UIDL of message -1": (
        "UIDL", b"+OK\r\n-1 id0\r\n1 id1\r\n2 id2\r\n3 id3\r\n4 id4\r\n.\r\n"),
    "UIDL of message 2^32": (
        "UIDL", b"+OK\r\n4294967297 id1\r\n1 id1\r\n2 id2\r\n3 id3\r\n4 id4\r\n.\r\n"),
    "UIDL without numbers": ("UIDL", b"+OK\r\nid1\r\nid2\r\nid3\r\nid4\r\n.\r\n"),
    "UIDL with blank lines": ("UIDL", b"+OK\r\n\r\n1 id1\r\n2 id2\r\n\r\n3 id3\r\n4 id4\r\n.\r\n"),
    "UIDL refused in the middle": ("UIDL", b"+OK\r\n1 id1\r\n-ERR disk trouble\r\n.\r\n"),
    "UIDL that ends without a dot": ("UIDL", b"+OK\r\n1 id1\r\n2 id2\r\n3 id3\r\n4 id4\r\n"),
    "UIDL of NULs": ("UIDL", b"+OK\r\n1 \0\r\n2 \0\0\r\n3 id3\r\n4 id4\r\n.\r\n"),
    "UIDL of 300,000": ("UIDL", b"+OK\r\n" + b"".join(
        b"%d x%d\r\n" % (i, i) for i in range(5, 300_000)) + b".\r\n"),
    "LIST of nothing": ("LIST", b"+OK\r\n.\r\n"),
    "LIST of one less": ("LIST", b"+OK\r\n1 300\r\n3 300\r\n4 300\r\n.\r\n"),
    "LIST of one more": ("LIST", b"+OK\r\n1 300\r\n2 300\r\n3 300\r\n4 300\r\n5 300\r\n.\r\n"),
    "LIST of negative sizes": ("LIST", b"+OK\r\n1 -1\r\n2 -300\r\n3 0\r\n4 -0\r\n.\r\n"),
    "LIST of sizes beyond 64 bits": (
        "LIST", b"+OK\r\n1 99999999999999999999\r\n2 300\r\n3 300\r\n4 300\r\n.\r\n"),
    "LIST of words": ("LIST", b"+OK\r\none big\r\n2 300\r\n3 300\r\n4 300\r\n.\r\n"),
    "LIST that ends without a dot": ("LIST", b"+OK\r\n1 300\r\n2 300\r\n3 300\r\n4 300\r\n"),
    "LIST refused": ("LIST", b"-ERR no\r\n"),
    "UIDL refused": ("UIDL", b"-ERR no\r\n"),
    "CAPA that ends without a dot": ("CAPA", b"+OK\r\nUIDL\r\nTOP\r\n"),
    "CAPA refused in the middle": ("CAPA", b"+OK\r\nUIDL\r\n-ERR\r\n.\r\n"),
    "an answer that is none": ("LIST", b"OK 4 messages\r\n1 300\r\n.\r\n"),
    "an answer twice": ("LIST", b"+OK\r\n1 300\r\n2 300\r\n3 300\r\n4 300\r\n.\r\n+OK\r\n.\r\n"),
    "escapes": ("LIST", b"-ERR \x1b]0;evil\x07\x1b[2J\r\n"),
}


@rows("listed", LISTS)
class Lists(Liar):
    pop3 = {"keep_on_server": 0}

    def listed(self, row):
        verb, data = row
        self.peer.on(verb, raw(data))
        r = self.any_end()
        self.assertNotIn("\x1b", r.out + r.err)
        self.assertSome()
        # What is not there any more is here.
        here = self.files()
        for m in self.all:
            self.assertTrue(m in self.peer.mails or m.data.replace(b"\r\n", b"\n") in here)
        self.peer.rules.__init__()
        self.syncd.run("sync")
        self.syncd.sync()
        self.assertHere()


# What RETR says behind +OK: none of it ends.
BODIES = {
    "refused in the middle": b"Subject: m2\r\n\r\n-ERR disk trouble\r\n",
    "no dot": b"Subject: m2\r\n\r\nhello\r\n",
    "a dot that is not alone": b"Subject: m2\r\n\r\nhello\r\n. \r\n",
    "a dot with LF alone": b"Subject: m2\r\n\r\nhello\n.\n",
    "nothing": b"",
}


@rows("body", BODIES)
class Bodies(Liar):
    """One message does not end."""
    pop3 = {"keep_on_server": 0}
    caps = without("PIPELINING")

    def body(self, wire):
        self.all[1].wire = wire
        self.any_end()
        self.assertHere(self.all[0])
        self.assertEqual(self.peer.mails[-3:], self.all[1:], "deleted, and not here")
        self.all[1].wire = stuffed(self.all[1].data)
        self.syncd.run("sync")
        self.syncd.sync()
        self.assertHere()


@rows("body", BODIES)
class BodiesPipelined(Liar):
    """The answer to the next command is in the message then, and nobody can tell;
    but all bytes are here before anything is deleted."""
    pop3 = {"keep_on_server": 0}

    def body(self, wire):
        self.all[1].wire = wire
        self.any_end()
        self.syncd.run("sync")
        here = b"".join(self.files())
        for m in self.all[:1] + self.all[2:]:
            self.assertTrue(m in self.peer.mails or m.data.replace(b"\r\n", b"\n") in here)


class Dots(Liar):
    """Who forgets to double the dots has said something else; the bytes that came
    are what is kept, and nothing behind them is taken for another answer."""

    def test_a_line_that_begins_with_a_dot(self):
        self.all[1].wire = b"Subject: m2\r\n\r\n.hidden\r\n...\r\n.\r\n"
        self.all[1].data = b"Subject: m2\r\n\r\nhidden\r\n..\r\n"
        self.syncd.sync()
        self.assertHere()

    def test_a_message_that_ends_early(self):
        """What is behind the dot is no answer."""
        self.all[1].wire = b"Subject: m2\r\n\r\nfirst\r\n.\r\nsecond\r\n.\r\n"
        self.any_end()
        self.assertFalse([f for f in self.files() if b"second" in f and b"first" in f])
        self.all[1].data = b"Subject: m2\r\n\r\nfirst\r\n"
        self.all[1].wire = stuffed(self.all[1].data)
        self.syncd.run("sync")
        self.syncd.sync()
        self.assertHere()

    def test_an_answer_in_a_message(self):
        """Pipelined: what looks like the next answers is mail."""
        self.all[1].data = b"Subject: m2\r\n\r\n+OK\r\nSubject: evil\r\n\r\n-ERR\r\n"
        self.all[1].wire = stuffed(self.all[1].data)
        self.syncd.sync()
        self.assertHere()


@rows("silent", {verb: verb for verb in ("GREETING", "CAPA", "AUTH", "LIST", "UIDL", "RETR",
                                         "DELE", "QUIT")})
class Silent(Liar):
    pop3 = {"keep_on_server": 0}

    def silent(self, verb):
        self.peer.on(verb, stall(30), times=1)
        self.assertNotEqual(self.any_end().rc, 0)
        self.assertSome()
        self.peer.rules.__init__()
        self.syncd.sync()
        self.assertHere()
        self.assertEqual(self.peer.mails, [])


@rows("refusing", {f"{verb} {caps}": (verb, caps) for caps in ("pipelined", "lock-step")
                   for verb in ("LIST", "UIDL", "RETR", "DELE", "QUIT", "AUTH")})
class Refusing(Liar):
    pop3 = {"keep_on_server": 0}

    def refusing(self, row):
        verb, caps = row
        if caps == "lock-step":
            self.peer.caps = without("PIPELINING")
        self.peer.on(verb, err("[SYS/TEMP] not now"), times=1)
        self.any_end()
        self.assertSome()
        self.peer.mails.append(Mail("late", message("late")))
        self.all.append(self.peer.mails[-1])
        self.syncd.sync()
        self.assertHere()
        self.assertEqual(self.peer.mails, [])
