"""Who sits in between, and servers that mean harm: before TLS, before the login,
and with more of everything than a client can hold.

Judged by what the server saw and by what is on the disk: no password and no
mail command in clear, no message that nobody sent, nothing outside the Maildir,
no crash, no hang, no more memory than the cap.
"""
import base64
import os
import re
import time
import unittest
import zlib

import peer
from case import limit, message, rows
from peer import Peer, before, raw, reply, stall
from server import PASSWORD, wait_for
from syncd import SANITIZED, Syncd, children

STARTTLS = "IMAP4rev1 STARTTLS SASL-IR AUTH=PLAIN UIDPLUS"
# With more than 64 MB of heap, and the stacks, malloc() fails: that is seen.
CAPPED = () if SANITIZED else ("sh", "-c", "ulimit -d 81920; exec \"$@\"", "sh")
TIMEOUTS = {"limits": {"timeout": {"connect": "2s", "response": "2s"}}}


class Hostile(unittest.TestCase):
    plays = "hostile"
    caps = peer.MODERN
    tls = True
    account = TIMEOUTS
    deadline = 20

    def setUp(self):
        self.peer = Peer(caps=self.caps, tls=self.tls)
        self.addCleanup(self.peer.stop)
        self.inbox = self.peer.boxes["INBOX"]
        self.inbox.add(message("honest"))
        self.syncd = Syncd(self.peer, account=self.account)
        self.syncd.wrap = CAPPED
        self.addCleanup(self.syncd.stop)

    def attack(self):
        """One round; its result, when it kept to time, memory and place."""
        around = self.around()
        started = time.monotonic()
        r = self.syncd.run("sync", timeout=40)
        self.assertLess(time.monotonic() - started, self.deadline, r.err[-2000:])
        self.assertGreaterEqual(r.rc, 0, f"killed by signal {-r.rc}\n{r.err[-2000:]}")
        self.assertNotIn("SIG", r.err, "a worker fell")
        self.assertNotIn("out of memory", r.err)
        self.assertEqual(self.around(), around, "something outside the Maildir")
        self.assertNotIn("\x1b", r.out + r.err, "the server writes to the terminal")
        return r

    def around(self):
        """What is beside the Maildir and the state."""
        mail = os.path.dirname(self.syncd.tree.root)
        return sorted(set(os.listdir(self.syncd.dir)) - {"run.log"}), \
            sorted(set(os.listdir(mail)) - {"a"})

    def assertNothingInClear(self):
        said = self.peer.in_clear
        secret = (PASSWORD.encode(), base64.b64encode(PASSWORD.encode()),
                  base64.b64encode(b"\0u1\0" + PASSWORD.encode()))
        for word in secret + (b"LOGIN", b"AUTHENTICATE", b"SELECT", b"FETCH", b"APPEND"):
            self.assertNotIn(word, said, "said in clear")

    def stored(self):
        return [m.data for files in self.syncd.tree.all_messages().values() for m in files]


def greeting(text):
    return "GREETING", raw(text)


# (what is answered, how): all of it without TLS.
BETWEEN = {
    "STARTTLS refused": ("STARTTLS", reply("BAD unknown command")),
    "STARTTLS denied": ("STARTTLS", reply("NO not today")),
    "STARTTLS and nothing": ("STARTTLS", stall(30)),
    "OK and no handshake": ("STARTTLS", raw(b"TAG OK begin\r\n* 1 EXISTS\r\n", True)),
    "OK and a capability behind it": (
        "STARTTLS", raw(b"TAG OK begin\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n")),
    "OK and an answer to what comes next": (
        "STARTTLS", raw(b"TAG OK begin\r\nt2 OK done\r\na2 OK done\r\n")),
    "OK for a command that was never sent": ("STARTTLS", before(b"zz OK go on\r\n")),
    "mailbox data before TLS": (
        "STARTTLS", before(b"* 3 EXISTS\r\n* LIST () \"/\" ../../evil\r\n")),
    "a message before TLS": (
        "STARTTLS", before(b"* 1 FETCH (UID 9 FLAGS () BODY[] {4}\r\nevil)\r\n")),
    "referral": ("STARTTLS", reply("NO [REFERRAL imap://evil.example/] try there")),
    "PREAUTH": greeting(b"* PREAUTH [CAPABILITY IMAP4rev1] welcome\r\n"),
    "PREAUTH with STARTTLS": greeting(b"* PREAUTH [CAPABILITY IMAP4rev1 STARTTLS] hi\r\n"),
    "STARTTLS left out": greeting(b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hi\r\n"),
    "LOGIN invited": greeting(b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN AUTH=LOGIN] "
                              b"please log in now\r\n"),
    "BYE": greeting(b"* BYE [UNAVAILABLE] closed\r\n"),
    "garbage": greeting(b"\x16\x03\x01\x00\xff\r\n"),
    "another protocol": greeting(b"220 smtp.example ESMTP\r\n"),
    "a tagged greeting": greeting(b"t1 OK hello\r\n"),
    "no greeting": ("GREETING", stall(30)),
    "a greeting without end": greeting(b"* OK " + b"x" * 5_000_000),
    "escapes in the greeting": greeting(b"* BYE \x1b]0;evil\x07\x1b[2J\r\n"),
}


@rows("between", BETWEEN)
class InClear(Hostile):
    caps = STARTTLS
    tls = False
    account = dict(TIMEOUTS, tls={"mode": "starttls"})

    def between(self, row):
        pattern, action = row
        self.peer.on(pattern, action)
        r = self.attack()
        self.assertNothingInClear()
        honest = [message("honest").replace(b"\r\n", b"\n")]
        self.assertIn(self.stored(), ([], honest), "what nobody sent")
        if self.stored() == []:
            self.assertNotEqual(r.rc, 0, "it must be said")

    def test_the_honest_one_works(self):
        self.assertEqual(self.attack().rc, 0)
        self.assertNothingInClear()
        self.assertEqual(len(self.stored()), 1)

    def test_a_naive_client_would_be_seen(self):
        """The control: what is in clear is noticed."""
        self.syncd.settings["accounts"]["a"]["tls"] = {"mode": "none"}
        self.syncd.write()
        self.attack()
        with self.assertRaises(AssertionError):
            self.assertNothingInClear()


# Over TLS, before anybody is logged in.
LOGIN = {
    "continuations without end": raw(b"+ AAAA\r\n" * 50_000),
    "a challenge that is no base64": raw(b"+ !!!!\r\n"),
    "a challenge of a megabyte": raw(b"+ " + b"A" * 1_000_000 + b"\r\n"),
    "OK for another tag": raw(b"zz OK welcome\r\n"),
    "mail before the login": raw(b"* 1 FETCH (UID 1 FLAGS () BODY[] {4}\r\nevil)\r\n"
                                 b"TAG NO [AUTHENTICATIONFAILED] no\r\n"),
    "BYE": raw(b"* BYE go away\r\n", True),
    "NO with escapes": raw(b"TAG NO \x1b[2J[AUTHENTICATIONFAILED] no\r\n"),
    "nothing": stall(30),
}


@rows("login", LOGIN)
class BeforeLogin(Hostile):
    def login(self, action):
        self.peer.on("AUTHENTICATE|LOGIN", action)
        self.assertNotEqual(self.attack().rc, 0)
        self.assertEqual(self.stored(), [])


def many(n, line):
    return b"".join(line % i for i in range(n))


# More than a client can hold; said before the honest answer.
FLOODS = {
    "a million capabilities": (
        "LIST", b"* CAPABILITY IMAP4rev1" + b" X" * 1_000_000 + b"\r\n"),
    "200,000 mailboxes": ("LIST", many(200_000, b'* LIST () "/" f%d\r\n')),
    "climbing mailboxes": (
        "LIST", b'* LIST () "/" "../../../evil"\r\n* LIST () "/" "/etc/evil"\r\n'
        b'* LIST () "/" "a/../../b"\r\n* LIST () "/" ".."\r\n* LIST () "/" ""\r\n'
        b'* LIST () "/" {5}\r\na\0b/c\r\n'),
    "flags of 300,000 strangers": (
        "UID FETCH", many(300_000, b"* 1 FETCH (UID %d FLAGS (\\Seen))\r\n")),
    "one set of everything": ("UID", b"* SEARCH" + b" 4294967295" * 300_000 + b"\r\n"),
    "a set of many ranges": (
        "UID FETCH", b"* VANISHED " + b",".join(b"%d" % (2 * i) for i in range(1, 300_000)) +
        b"\r\n"),
    "100,000 keywords": (
        "SELECT|EXAMINE", b"* FLAGS (" + many(100_000, b"k%d ") + b"x)\r\n"),
    "ID of a megabyte": ("ID", b'* ID ("name" "' + b"x" * 1_000_000 + b'")\r\n'),
    "NAMESPACE without end": (
        "NAMESPACE", b"* NAMESPACE (" + b'("a" "/")' * 100_000 + b") NIL NIL\r\n"),
    "STATUS of strangers": (
        "LIST|STATUS", many(50_000, b"* STATUS x%d (MESSAGES 1 UIDNEXT 2)\r\n")),
    "APPENDUID of everything": ("UID", b"* OK [APPENDUID 1 1:4294967295] x\r\n" * 1000),
    "COPYUID of everything": ("UID", b"* OK [COPYUID 1 1:4294967295 1:4294967295] x\r\n" * 1000),
    "100,000 alerts": ("LIST", b"* OK [ALERT] look at me\r\n" * 100_000),
    "counts without end": ("UID", b"* 6 EXISTS\r\n* 0 RECENT\r\n" * 200_000),
    "a keyword of a megabyte": (
        "UID FETCH", b"* 1 FETCH (UID 1 FLAGS (" + b"k" * 1_000_000 + b"))\r\n"),
    "a body of nobody": (
        "UID FETCH", b"* 7 FETCH (UID 7 BODY[] {3000000}\r\n" + b"x" * 3_000_000 + b")\r\n"),
}


@rows("flood", FLOODS)
class Floods(Hostile):
    deadline = 35

    @limit(90)
    def flood(self, row):
        pattern, data = row
        self.peer.on(pattern, before(data))
        self.attack()
        self.peer.rules.__init__()
        for _ in range(3):
            r = self.syncd.run("sync", timeout=60)
        self.assertEqual(len(self.inbox.msgs), 1, "deleted on the server")
        self.assertIn(message("honest").replace(b"\r\n", b"\n"), self.stored(), r.err[-2000:])


class Pushed(Hostile):
    account = {"watch": {"poll": "1h"}}

    @limit(90)
    def test_a_flood_while_idle(self):
        """400,000 lines that nobody asked for, and then a message."""
        self.syncd.wrap = ()    # the shell is what would be told to end
        self.peer.on("IDLE", before(b"+ idling\r\n" + b"* 1 EXISTS\r\n* OK still here\r\n"
                                    b"* 1 FETCH (UID 1 FLAGS (\\Seen))\r\n" * 130_000), times=1)
        self.syncd.start()
        self.addCleanup(self.syncd.stop)
        wait_for(lambda: any(s.idle for s in self.peer.sessions), 30, "IDLE")
        self.peer.deliver("INBOX", message("pushed"))
        wait_for(lambda: any(b"pushed" in m for m in self.stored()), 40, "the message")
        if not SANITIZED:
            self.assertLess(max(map(self.peak, children(self.syncd.proc.pid))), 64 << 10)
        self.assertNotIn("SIG", self.syncd.log())

    @staticmethod
    def peak(pid):
        """Its most resident memory, kB."""
        with open(f"/proc/{pid}/status", encoding="ascii") as f:
            return int(re.search(r"VmHWM:\s+(\d+)", f.read())[1])


class Zipped(Hostile):
    caps = peer.MODERN + " COMPRESS=DEFLATE"

    @limit(90)
    def test_a_bomb_in_compress(self):
        """100 MB of blank lines in 100 kB."""
        bomb = zlib.compressobj(9, zlib.DEFLATED, -15)
        data = b"".join(bomb.compress(b"\r\n" * 50_000) for _ in range(1000)) + bomb.flush()
        self.peer.on("COMPRESS", raw(b"TAG OK go\r\n" + data))
        self.attack()

    @unittest.skipIf(SANITIZED, "memory is not capped")
    def test_the_control_is_seen(self):
        """With less than it needs, it does not pass."""
        self.syncd.wrap = ("sh", "-c", "ulimit -d 600; exec \"$@\"", "sh")
        with self.assertRaises(AssertionError):
            self.assertEqual(self.attack().rc, 0)
