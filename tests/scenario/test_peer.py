"""Servers that cut, refuse, lie and babble; and servers that are just different.

After each of them an honest round must make both sides equal: nothing lost,
nothing doubled.
"""
import copy
import os
import shutil
import time
import unittest

import peer
from case import limit, local_message, message, rows
from compare import compare, places
from peer import Peer, bad, before, bye, cut, no, raw, reply, stall
from server import wait_for
from syncd import Syncd

DATE = 1_600_000_000


class PeerCase(unittest.TestCase):
    caps = peer.MODERN
    account = {"limits": {"timeout": {"connect": "3s", "response": "3s"}}}

    def setUp(self):
        self.peer = Peer(caps=self.caps)
        self.addCleanup(self.peer.stop)
        for name, attrs in (("Archive", ["\\Archive"]), ("Trash", ["\\Trash"])):
            self.peer.box(name, attrs)
        self.inbox = self.peer.boxes["INBOX"]
        for i in range(6):
            self.inbox.add(message(f"m{i}", "x" * 300), {"\\Seen"} if i % 2 else (), DATE + i)
        self.syncd = Syncd(self.peer, account=self.account)
        self.addCleanup(self.syncd.stop)
        self.tree = self.syncd.tree

    def change(self):
        """Something of everything, on both sides."""
        self.inbox.add(message("far", "y" * 500), (), DATE + 50)
        self.inbox.msgs[0].flags.add("\\Flagged")
        self.inbox.touch(self.inbox.msgs[0])
        self.inbox.remove(next(m for m in self.inbox.msgs if b"m2" in m.data))
        self.tree.add("INBOX", local_message("near", "z" * 500), "S", date=DATE + 60)
        self.tree.set_flags("INBOX", "Subject: m3", "RS")
        self.tree.move("INBOX", "Subject: m4", "Archive")
        self.tree.delete("INBOX", "Subject: m5")

    def any_end(self, *args):
        """A round that may fail, but neither crash nor hang."""
        r = self.syncd.run("sync", *args, timeout=40)
        self.assertGreaterEqual(r.rc, 0, f"killed by signal {-r.rc}\n{r.err[-2000:]}")
        self.assertNotEqual(r.rc, 70, r.err[-2000:])
        return r

    def heal(self, rounds=4):
        """The server is honest again: both sides become equal and quiet."""
        self.peer.rules.__init__()
        diff = ["never synced"]
        for _ in range(rounds):
            r = self.any_end()
            with self.peer.client() as c:
                diff = compare(c, self.tree)
            if not diff:
                break
            time.sleep(0.1)
        self.assertFalse(diff, "not converged:\n" + "\n".join(diff) + "\n" + r.err[-2000:])
        self.assertEqual(self.peer.trouble, [])

    def assertAll(self):
        """Every message is where it belongs, once."""
        with self.peer.client() as c:
            for token, folder in (("m0", "INBOX"), ("m1", "INBOX"), ("m3", "INBOX"),
                                  ("m4", "Archive"), ("m5", "Trash"), ("far", "INBOX"),
                                  ("near", "INBOX")):
                far, near = places(c, self.tree, "Subject: " + token)
                self.assertEqual((dict(far), dict(near)), ({folder: 1}, {folder: 1}), token)
            self.assertEqual(places(c, self.tree, "Subject: m2"), ({}, {}))


class Huge(PeerCase):
    """A message of many times the limit, and one before and behind it."""
    account = {"limits": {**PeerCase.account["limits"], "max_message_size": "10KiB"}}

    def test_it_stays_on_the_server_and_keeps_none_there(self):
        self.inbox.add(message("huge.", "y" * 200_000))
        self.inbox.add(message("behind."))
        r = self.any_end()
        self.assertIn("server.too-big", r.err)
        for token in ("m0", "behind."):
            self.assertIsNotNone(self.tree.find("INBOX", token))
        self.assertEqual(len(self.tree.messages("INBOX")), 7)
        self.peer.sent.clear()
        self.inbox.add(message("later."))
        self.any_end()
        self.assertIsNotNone(self.tree.find("INBOX", "later."))
        # It was thrown away once.
        self.assertEqual([c for c in self.peer.sent if "BODY" in c],
                         ["UID FETCH 9 (UID FLAGS MODSEQ INTERNALDATE BODY.PEEK[])"])


class Empty(PeerCase):
    """New folders without mail: STATUS has said all that there is to know."""

    def selects(self):
        """The mailboxes that are opened from now on."""
        said = []

        def note(s, tag, verb, args):
            said.append(args.split()[0].strip('"'))
            return False
        self.peer.on("SELECT|EXAMINE", note)
        return said

    def test_they_are_not_opened(self):
        said = self.selects()
        self.syncd.sync()
        self.assertEqual(set(said), {"INBOX"})
        self.syncd.sync()
        self.assertEqual(set(said), {"INBOX"})
        self.assertEqual(sorted(self.tree.folders()), ["Archive", "INBOX", "Trash"])
        # And what comes next is found there, on either side.
        self.peer.boxes["Archive"].add(message("far", "y" * 500), (), DATE + 50)
        self.tree.add("Trash", local_message("near", "z" * 500), "S", date=DATE + 60)
        self.heal()
        self.assertEqual([len(self.tree.messages(f)) for f in ("Archive", "Trash")], [1, 1])

    def test_one_with_mail_here_is_opened(self):
        said = self.selects()
        self.tree.create_folder("Archive")
        self.tree.add("Archive", local_message("near", "z" * 500), "S", date=DATE + 60)
        self.syncd.sync()
        self.assertIn("Archive", said)
        self.heal()
        self.assertEqual(len(self.peer.boxes["Archive"].msgs), 1)


COMMANDS = ("GREETING", "CAPABILITY", "AUTHENTICATE|LOGIN", "ID", "ENABLE", "NAMESPACE", "LIST",
            "STATUS", "SELECT|EXAMINE", "UNSELECT", "UID FETCH", "UID FETCH.*BODY",
            "UID SEARCH", "UID STORE", "UID MOVE", "UID EXPUNGE", "APPEND", "LOGOUT")
ANSWERS = {"no": no, "bad": bad, "bye": bye, "closes": cut}
ROWS = {f"{verb} {how}": (verb, make) for verb in COMMANDS for how, make in ANSWERS.items()
        if not (verb == "GREETING" and how in ("no", "bad"))}


@rows("answer", ROWS)
class Refusing(PeerCase):
    plays = "hostile"

    def answer(self, row):
        verb, make = row
        self.syncd.sync()
        self.change()
        self.peer.on(verb, make(), times=1)
        self.any_end()
        self.heal()
        self.assertAll()


class Twins(PeerCase):
    """The state is lost: what both sides have is recognised by its header."""
    def forget(self):
        self.syncd.sync()
        shutil.rmtree(self.syncd.state)
        os.mkdir(self.syncd.state, 0o700)

    def assertOnce(self):
        with self.peer.client() as c:
            for i in range(6):
                far, near = places(c, self.tree, f"Subject: m{i}")
                self.assertEqual((dict(far), dict(near)), ({"INBOX": 1}, {"INBOX": 1}), i)

    def test_headers_refused_once_are_asked_for_one_by_one(self):
        self.forget()
        self.peer.on("UID FETCH.*HEADER", no(), times=1)
        self.any_end()
        self.heal()
        self.assertOnce()

    def test_headers_refused_together_are_asked_for_one_by_one(self):
        self.forget()
        self.peer.on("UID FETCH 1:6 .*HEADER", no())
        self.any_end()
        self.heal()
        self.assertOnce()

    def test_a_header_of_megabytes_ends_no_connection(self):
        self.inbox.add(b"Subject: long\r\n" + b"X-Fill: y\r\n" * 200_000 + b"\r\nbody\r\n")
        self.forget()
        self.syncd.sync()
        self.assertEqual(self.peer.connections, 2)
        self.heal()
        self.assertOnce()


class Quarantine(PeerCase):
    plays = "hostile"

    def have(self, n):
        box = os.path.join(self.tree.root, "INBOX", "new")
        return os.path.isdir(box) and len(self.tree.messages("INBOX")) == n

    def codes(self):
        return [p["code"] for p in self.syncd.status()["accounts"][0]["problems"]]

    def test_status_names_a_message_that_the_server_does_not_give(self):
        self.peer.on(r"UID FETCH (1:6|3) .*BODY\.PEEK\[\]", no())
        self.syncd.start()
        wait_for(lambda: self.have(5), 20)
        wait_for(lambda: self.codes() == ["server.poison"], 10)
        self.inbox.add(message("later"))
        wait_for(lambda: self.have(6), 20)
        self.assertEqual(self.codes(), ["server.poison"])


@rows("always", {f"{verb} {how}": (verb, make) for verb in COMMANDS[4:]
                 for how, make in (("no", no), ("bad", bad))})
class RefusingAlways(PeerCase):
    plays = "hostile"

    def always(self, row):
        verb, make = row
        self.syncd.sync()
        self.change()
        self.peer.on(verb, make())
        self.any_end()
        self.any_end()
        self.heal()
        self.assertAll()


class Cutting(PeerCase):
    """The connection ends after so many bytes from the server."""
    plays = "hostile"

    @limit(180)
    def test_at_any_byte_of_a_first_sync(self):
        total = self.measure()
        for n in range(1, total, max(1, total // 25)):
            self.fresh()
            self.peer.rules.cut_after = n
            self.any_end()
            self.heal()
            with self.peer.client() as c:
                for i in range(6):
                    far, near = places(c, self.tree, f"Subject: m{i}")
                    self.assertEqual((dict(far), dict(near)), ({"INBOX": 1}, {"INBOX": 1}),
                                     f"m{i} after a cut at {n}")

    @limit(180)
    def test_at_any_byte_of_a_round_with_changes(self):
        for n in range(150, 3000, 120):
            with self.subTest(n=n):
                self.fresh()
                self.syncd.sync()
                self.change()
                self.peer.rules.cut_after = n
                self.any_end()
                self.heal()
                self.assertAll()

    def fresh(self):
        """A new server with the same mail, a new tree."""
        self.doCleanups()
        self.setUp()

    def measure(self):
        """How many bytes a first sync takes."""
        count = [0]

        def add(data):
            count[0] += len(data)
            return data
        self.peer.rules.mangle = add
        self.syncd.sync()
        return count[0]

    def test_in_single_bytes_everything_still_works(self):
        self.peer.rules.split = 1
        self.syncd.sync()
        self.change()
        self.syncd.sync()
        self.heal()
        self.assertAll()

    def test_a_lost_answer_to_an_append_makes_no_second_copy(self):
        self.syncd.sync()
        self.tree.add("INBOX", local_message("once"), "S", date=DATE)

        def keep_and_close(s, tag, verb, args):
            with s.peer.lock:
                s.peer.boxes["INBOX"].add(s.peer.literals[-1], {"\\Seen"}, DATE)
            raise peer.Closed
        self.peer.on("APPEND", keep_and_close, times=1)
        self.any_end()
        self.heal()
        with self.peer.client() as c:
            far, near = places(c, self.tree, "Subject: once")
        self.assertEqual((dict(far), dict(near)), ({"INBOX": 1}, {"INBOX": 1}))

    def test_a_lost_answer_to_a_move_makes_no_second_copy(self):
        self.syncd.sync()
        self.tree.move("INBOX", "Subject: m1", "Archive")

        def move_and_close(s, tag, verb, args):
            s.do_uid_move(tag, args.replace("\x01", '"Archive"'), [])
            s.out = b""
            raise peer.Closed
        self.peer.on("UID MOVE", move_and_close, times=1)
        self.any_end()
        self.heal()
        with self.peer.client() as c:
            far, near = places(c, self.tree, "Subject: m1")
        self.assertEqual((dict(far), dict(near)), ({"Archive": 1}, {"Archive": 1}))


class Alike(PeerCase):
    """What looks like one of ours and is not."""
    caps = peer.MODERN.replace(" MULTIAPPEND", "")

    def assertPlaces(self, token, **there):
        with self.peer.client() as c:
            far, near = places(c, self.tree, "Subject: " + token)
        self.assertEqual((dict(far), dict(near)), (there, there), token)

    def append(self, act, known=True):
        """One more file, and what the server does when it is sent."""
        if known:
            self.syncd.sync()
        self.tree.add("INBOX", local_message("near"), "S", date=DATE)
        self.peer.on("APPEND", act, times=1)
        self.any_end()

    def test_a_message_of_the_same_size_is_not_the_lost_upload(self):
        def another(s, tag, verb, args):
            s.peer.boxes["INBOX"].add(s.peer.literals[-1].replace(b"near", b"else"), (), DATE)
            raise peer.Closed
        self.append(another)
        self.heal()
        self.assertPlaces("near", INBOX=1)
        self.assertPlaces("else", INBOX=1)

    def test_the_first_of_two_twins_is_not_the_second(self):
        def first(s, tag, verb, args):
            self.peer.on("APPEND", cut(), times=1)
            return False
        self.syncd.sync()
        self.tree.add("INBOX", local_message("near"), "S", date=DATE)
        self.append(first, known=False)
        self.heal()
        self.assertPlaces("near", INBOX=2)

    def test_a_uid_of_another_epoch_is_not_believed(self):
        def answer(s, tag, verb, args):
            s.peer.boxes["INBOX"].add(s.peer.literals[-1], ["\\Seen"], DATE)
            s.tagged(tag, "OK [APPENDUID 9 4000] done")
        self.append(answer)
        before = self.tree.find("INBOX", "near").path
        self.heal()
        self.assertPlaces("near", INBOX=1)
        self.assertEqual(self.tree.find("INBOX", "near").path, before, "it was fetched again")

    def test_a_name_is_no_proof(self):
        """Another body under the same name, elsewhere: that is what is there then."""
        self.syncd.sync()
        m = self.tree.find("INBOX", "Subject: m1")
        to = os.path.join(self.tree.path("Archive"), "cur", os.path.basename(m.path))
        with open(to, "wb") as f:
            f.write(m.data.replace(b"xxx", b"yyy"))
        os.unlink(m.path)
        self.any_end()
        self.heal()
        self.assertIn(b"yyy", self.tree.find("Archive", "Subject: m1").data)


class Renamed(PeerCase):
    """Nothing but counters says what a mailbox was called before."""

    def setUp(self):
        super().setUp()
        for name in ("One", "Two"):
            self.peer.box(name).validity = 1_700_000_000
        self.syncd.sync()

    def now_called(self, **names):
        """{then: now} on the server; the directories that are there then."""
        for then, now in names.items():
            self.peer.boxes[now] = self.peer.boxes.pop(then)
            self.peer.boxes[now].name = now
        for _ in range(2):
            self.any_end()
        return set(self.tree.folders())

    def with_mail(self):
        self.peer.boxes["One"].add(message("first"), (), DATE)
        self.syncd.sync()

    def test_by_its_numbers(self):
        self.with_mail()
        there = self.now_called(One="Uno")
        self.assertIn("Uno", there)
        self.assertNotIn("One", there)

    def test_not_by_other_numbers(self):
        self.with_mail()
        self.peer.boxes["One"].next += 1
        self.assertLessEqual({"One", "Uno"}, self.now_called(One="Uno"))

    def test_not_one_of_two(self):
        self.with_mail()
        self.peer.boxes["Due"] = copy.deepcopy(self.peer.boxes["One"])
        self.peer.boxes["Due"].name = "Due"
        self.assertLessEqual({"One", "Uno", "Due"}, self.now_called(One="Uno"))

    def test_not_one_of_two_empty_ones(self):
        del self.peer.boxes["Two"]
        self.assertLessEqual({"One", "Two", "Uno"}, self.now_called(One="Uno"))


class RenamedById(PeerCase):
    """The server tells which mailbox it is, whatever its counters say."""
    caps = peer.MODERN + " OBJECTID"

    def test_two_at_once(self):
        for name in ("One", "Two"):
            self.peer.box(name).add(message("in " + name), (), DATE)
        self.syncd.sync()
        for then, now in (("One", "Uno"), ("Two", "Due")):
            self.peer.boxes[now] = self.peer.boxes.pop(then)
            self.peer.boxes[now].name = now
            self.peer.boxes[now].next += 7
        self.peer.sent.clear()
        self.any_end()
        fetched = [c for c in self.peer.sent if "BODY.PEEK[]" in c]
        self.heal()
        self.assertEqual(fetched, [])
        self.assertIn(b"in One", self.tree.messages("Uno")[0].data)
        self.assertIn(b"in Two", self.tree.messages("Due")[0].data)
        self.assertFalse({"One", "Two"} & set(self.tree.folders()))


# Said before the honest answer to a command: (command, bytes).
BABBLE = {
    "false VANISHED": ("SELECT|EXAMINE", b"* VANISHED 1:4294967295\r\n"),
    "false VANISHED EARLIER": ("UID FETCH", b"* VANISHED (EARLIER) 1:*\r\n"),
    "EXPUNGE of what is not there": ("UID FETCH", b"* 4000 EXPUNGE\r\n"),
    "wrong EXISTS": ("UID FETCH", b"* 0 EXISTS\r\n"),
    "EXISTS too large": ("UID FETCH", b"* 4294967296 EXISTS\r\n"),
    "negative EXISTS": ("UID FETCH", b"* -1 EXISTS\r\n"),
    "blank lines": ("UID FETCH", b"\r\n\r\n\r\n"),
    "NUL bytes": ("LIST", b"\0\0\0\0\r\n"),
    "bare LF": ("LIST", b"* OK hello\n"),
    "no star": ("LIST", b"hello there\r\n"),
    "unknown response": ("LIST", b"* FNORD 1 2 (3 (4)) {3}\r\nabc\r\n"),
    "unknown code": ("LIST", b"* OK [FNORD (a \"]\" b)] x\r\n"),
    "unbalanced code": ("LIST", b"* OK [FNORD x\r\n"),
    "foreign tag": ("LIST", b"zz99 OK who?\r\n"),
    "FETCH of UID 0": ("UID FETCH", b"* 1 FETCH (UID 0 FLAGS (\\Seen))\r\n"),
    "FETCH of UID 2^32": ("UID FETCH", b"* 1 FETCH (UID 4294967296 FLAGS ())\r\n"),
    "FETCH without UID": ("UID FETCH", b"* 1 FETCH (FLAGS (\\Seen))\r\n"),
    "FETCH of message 0": ("UID FETCH", b"* 0 FETCH (UID 1 FLAGS (\\Seen))\r\n"),
    "empty FETCH": ("UID FETCH", b"* 1 FETCH ()\r\n"),
    "FETCH items unknown": ("UID FETCH", b'* 1 FETCH (UID 1 X-A (1 "b" {1}\r\nc) X-B NIL)\r\n'),
    "many flags": ("UID FETCH", b"* 1 FETCH (UID 1 FLAGS (\\Seen "
                   + b" ".join(b"k%d" % i for i in range(3000)) + b"))\r\n"),
    "long keyword": ("UID FETCH", b"* 1 FETCH (UID 1 FLAGS (" + b"k" * 100_000 + b"))\r\n"),
    "deep parentheses": ("UID FETCH", b"* 1 FETCH (X " + b"(" * 5000 + b")" * 5000 + b")\r\n"),
    "SEARCH nonsense": ("UID", b"* SEARCH 0 4294967296 -1 x\r\n"),
    "SEARCH unasked": ("UID", b"* SEARCH 1 2 3\r\n"),
    "ESEARCH nonsense": ("UID", b"* ESEARCH (TAG \"q\") UID ALL 1:4294967295\r\n"),
    "COPYUID nonsense": ("UID", b"* OK [COPYUID 1 1:4294967295 1:4294967295] x\r\n"),
    "LIST without name": ("LIST", b"* LIST () \"/\"\r\n"),
    "LIST name with newline": ("LIST", b"* LIST () \"/\" {3}\r\na\r\nb\r\n"),
    "LIST with odd delimiter": ("LIST", b"* LIST () \"ab\" x\r\n"),
    "STATUS nonsense": ("LIST|STATUS", b"* STATUS INBOX (MESSAGES -1 UIDNEXT 99999999999)\r\n"),
    "a megabyte of capabilities": (
        "LIST", b"* CAPABILITY IMAP4rev1" + b" X-FNORD" * 120_000 + b"\r\n"),
    "flood of EXISTS": ("UID", b"* 6 EXISTS\r\n" * 20_000),
    "ALERT": ("LIST", b"* OK [ALERT] \x1b[2Jyour disk is on fire\x07\r\n"),
    "PREAUTH in the middle": ("LIST", b"* PREAUTH again\r\n"),
    "literal of nothing": ("LIST", b"* OK {0}\r\n\r\n"),
    "highest modseq lower": ("UID FETCH", b"* OK [HIGHESTMODSEQ 1] x\r\n"),
    "UIDVALIDITY in the middle": ("UID FETCH", b"* OK [UIDVALIDITY 5] x\r\n"),
}

# Said instead of the answer: (command, bytes, close afterwards).
LIES = {
    "huge literal": ("UID FETCH", b"* 1 FETCH (UID 1 BODY[] {99999999999}\r\nabc", True),
    "literal beyond 64 bits": (
        "UID FETCH", b"* 1 FETCH (UID 1 BODY[] {" + b"9" * 40 + b"}\r\nabc", True),
    "negative literal": ("UID FETCH", b"* 1 FETCH (UID 1 BODY[] {-1}\r\nabc\r\n", True),
    "literal longer than sent": ("UID FETCH", b"* 1 FETCH (UID 1 BODY[] {5000}\r\nab", False),
    "literal shorter than sent": (
        "UID FETCH", b"* 1 FETCH (UID 1 BODY[] {3}\r\nabcdef)\r\nTAG OK\r\n", True),
    "quoted string without end": ("LIST", b'* LIST () "/" "abc\r\nTAG OK done\r\n', False),
    "line without end": ("LIST", b"* OK " + b"a" * 20_000_000, True),
    "list of everything but INBOX": ("LIST", b"TAG OK done\r\n", False),
    "body of another message": (
        "UID FETCH.*BODY", b"* 1 FETCH (UID 4000 FLAGS () INTERNALDATE \" 1-Jan-2020 00:00:00 "
        b"+0000\" BODY[] {5}\r\nhello)\r\nTAG OK done\r\n", False),
    "empty SELECT": ("SELECT|EXAMINE", b"TAG OK [READ-WRITE] done\r\n", False),
    "SELECT of an empty folder": (
        "SELECT|EXAMINE", b"* 0 EXISTS\r\n* OK [UIDVALIDITY 1700000000]\r\n* OK [UIDNEXT 1]\r\n"
        b"* OK [HIGHESTMODSEQ 1]\r\nTAG OK done\r\n", False),
    "UIDVALIDITY 0": (
        "SELECT|EXAMINE", b"* 6 EXISTS\r\n* OK [UIDVALIDITY 0]\r\n* OK [UIDNEXT 7]\r\n"
        b"TAG OK done\r\n", False),
    "tagged continuation": ("LIST", b"+ go on\r\nTAG OK done\r\n", False),
    "BYE and nothing": ("UID", b"* BYE", True),
}


@rows("babble", BABBLE)
@rows("lie", LIES)
class Lying(PeerCase):
    plays = "hostile"

    def honest_again(self):
        """What the server still has was not deleted here, and is not there."""
        self.assertEqual(len(self.inbox.msgs), 6, "deleted on the server")
        self.heal()
        self.assertEqual(len(self.tree.messages("INBOX")), 6)

    def babble(self, row):
        verb, data = row
        self.syncd.sync()
        self.peer.on(verb, before(data))
        self.any_end()
        self.any_end("--full")
        self.honest_again()

    def lie(self, row):
        verb, data, close = row
        self.syncd.sync()
        self.peer.on(verb, raw(data, close))
        self.any_end()
        self.any_end("--full")
        self.assertEqual(len(self.tree.messages("INBOX")), 6, "deleted here")
        self.honest_again()

    def test_a_lying_first_sync(self):
        """The same lies, before anything is known."""
        for name, (verb, data, close) in LIES.items():
            if "without end" in name or "longer" in name:
                continue
            self.peer.on(verb, raw(data, close), times=1)
            self.any_end()
            self.peer.rules.__init__()
        self.honest_again()

    def test_a_stalling_server_is_left(self):
        self.syncd.sync()
        self.peer.on("LIST|STATUS", stall(60))
        started = time.monotonic()
        self.assertNotEqual(self.any_end().rc, 0)
        self.assertLess(time.monotonic() - started, 25)
        self.honest_again()

    def test_another_uidvalidity_moves_nothing_twice(self):
        self.syncd.sync()
        self.inbox.validity += 1
        for i, m in enumerate(self.inbox.msgs):
            m.uid = 100 + i
        self.inbox.next = 200
        self.any_end()
        self.honest_again()

    def test_throttling_is_waited_for_not_fought(self):
        self.syncd.sync()
        self.peer.on("LIST|SELECT|STATUS", bad(
            "Request is throttled. Suggested Backoff Time: 2000 milliseconds"), times=1)
        self.any_end()
        self.honest_again()


class Profile(PeerCase):
    """The whole of change() against a capability line."""
    def story(self):
        self.syncd.sync()
        self.change()
        self.any_end()
        self.heal()
        self.assertAll()
        writes = ("UID STORE", "UID MOVE", "UID COPY", "UID EXPUNGE", "APPEND", "CREATE")
        self.peer.sent.clear()
        self.syncd.sync()
        self.assertEqual([c for c in self.peer.sent if c.startswith(writes)], [])


class Modern(Profile):
    def test_changes_cross(self):
        self.story()


class Plain(Profile):
    caps = peer.PLAIN

    def test_changes_cross(self):
        self.story()


class Gmail(Profile):
    caps = peer.GMAIL

    def test_changes_cross(self):
        self.story()


class Exchange(Profile):
    caps = peer.EXCHANGE

    def test_changes_cross(self):
        self.story()

    def test_it_is_not_sent_what_it_does_not_know(self):
        self.story()
        for command in self.peer.sent:
            for word in ("ENABLE", "CONDSTORE", "QRESYNC", "RETURN"):
                self.assertNotIn(word, command)


class NotNow(PeerCase):
    """A mailbox that is not opened for once, while mail goes in and out, and its flags
    are changed on the way."""
    caps = "IMAP4rev1 UNSELECT UIDPLUS"

    def swap(self, token):
        """One goes from INBOX to Archive, one the other way."""
        away, back = token + "away", token + "back"
        self.inbox.add(message(away), {"\\Answered"}, DATE)
        self.peer.boxes["Archive"].add(message(back), {"\\Answered"}, DATE)
        self.syncd.sync()
        for here, there, name in (("INBOX", "Archive", away), ("Archive", "INBOX", back)):
            self.tree.set_flags(here, f"Subject: {name}", "RS")
            self.tree.move(here, f"Subject: {name}", there, keep_name=False)
        msg = next(m for m in self.inbox.msgs if away.encode() in m.data)
        msg.flags.add("\\Flagged")
        self.inbox.touch(msg)

    @limit(60)
    def test_at_each_time(self):
        for name in ("INBOX", "Archive"):
            for passed in range(4):
                opens = f'SELECT "?{name}'
                self.swap(f"{name}{passed}")
                self.peer.on(opens, lambda *_: False, times=passed)
                self.peer.on(opens, no("not now"), times=1)
                self.any_end()
                self.heal()
        self.assertEqual(len([m for m in self.inbox.msgs if b"back" in m.data and
                              m.flags >= {"\\Answered", "\\Seen"}]), 8)
        self.assertEqual(len([m for m in self.peer.boxes["Archive"].msgs if b"away" in m.data and
                              m.flags >= {"\\Answered", "\\Seen", "\\Flagged"}]), 8)


class Meanwhile(PeerCase):
    """A draft is saved again while the server is told of what it was."""

    def save(self, token, text):
        path = self.tree.find("Drafts", token).path
        temp = os.path.join(self.tree.path("Drafts"), "tmp", "again")
        with open(temp, "wb") as f:
            f.write(local_message(token, text))
        os.rename(temp, path)

    def saves(self, text):
        def act(session, tag, verb, args):
            self.save("draft", text)
            return False
        return act

    def draft_there(self):
        return [m.data for m in self.peer.boxes["Drafts"].msgs]

    def setUp(self):
        super().setUp()
        self.peer.box("Drafts", ["\\Drafts"])
        self.syncd.sync()
        self.tree.add("Drafts", local_message("draft", "first"), "D")

    def ends_with(self, text):
        """The last version is what both sides have."""
        self.peer.clear()
        self.syncd.run("sync")
        self.syncd.sync()
        self.assertEqual(self.draft_there(),
                         [local_message("draft", text).replace(b"\n", b"\r\n")])
        [here] = self.tree.messages("Drafts")
        self.assertEqual(here.data, local_message("draft", text))

    def test_a_flag(self):
        self.syncd.sync()
        self.tree.set_flags("Drafts", "draft", "DF")
        self.peer.on("UID STORE", self.saves("second"), times=1)
        self.any_end()
        self.ends_with("second")

    def test_an_upload(self):
        self.peer.on("APPEND", self.saves("second"), times=1)
        self.any_end()
        self.ends_with("second")

    def test_an_upload_of_the_same_size(self):
        self.peer.on("APPEND", self.saves("tsrif"), times=1)
        self.any_end()
        self.ends_with("tsrif")

    def test_a_new_version(self):
        self.syncd.sync()
        self.save("draft", "second")
        self.peer.on("APPEND", self.saves("third"), times=1)
        self.any_end()
        self.ends_with("third")

    def test_an_old_version_that_an_expunge_leaves_behind(self):
        """As Dovecot's does when another session is busy."""
        self.syncd.sync()
        self.save("draft", "second")
        self.peer.on("UID EXPUNGE", reply("OK done"), times=3)
        self.syncd.sync()
        self.assertEqual(len(self.draft_there()), 1)
        self.ends_with("second")


class AheadCase(PeerCase):
    name = b"Dovecot"
    account = dict(PeerCase.account, avoid=["X-GUID"])    # the peer has none

    def setUp(self):
        super().setUp()
        self.minds = None
        self.first_time = self.signs_in()

    def authenticate(self, session, tag, verb, args):
        self.behind.append(session.inbuf)
        return bool(session.inbuf and self.minds) and self.minds(session, tag, verb, args)

    def signs_in(self):
        """What came along with each sign-in of a round that ends well."""
        self.listen()
        self.syncd.sync()
        return self.behind

    def listen(self):
        self.peer.clear()
        self.peer.rules.gap = 0.1
        self.peer.on("ID", raw(b'* ID ("name" "%s")\r\nTAG OK done\r\n' % self.name))
        self.peer.on("AUTHENTICATE|LOGIN", self.authenticate)
        self.behind = []


class Ahead(AheadCase):
    """Dovecot is told the first commands before it has let us in."""

    def as_usual_from_now_on(self):
        first, again = self.signs_in()
        self.assertTrue(first)
        self.assertFalse(again)
        self.assertEqual(self.signs_in(), [b""])

    def test_not_the_first_time(self):
        self.assertEqual(self.first_time, [b""])

    def test_the_first_commands_come_along(self):
        [behind] = self.signs_in()
        self.assertEqual([line.split()[1] for line in behind.splitlines()],
                         [b"ENABLE", b"ID", b"NAMESPACE", b"LIST"])
        self.inbox.add(message("late"))
        self.signs_in()
        self.assertEqual(len(self.tree.messages("INBOX")), 7)

    def test_one_who_minds_is_asked_as_usual(self):
        self.minds = no("[AUTHENTICATIONFAILED] who are you")
        self.as_usual_from_now_on()

    def test_one_who_answers_twice_is_asked_as_usual_the_next_time(self):
        self.listen()
        self.peer.on("NAMESPACE", raw(b"TAG OK done\r\nTAG OK done\r\n"))
        self.assertEqual(self.syncd.run("sync").rc, 76)
        self.assertEqual(self.signs_in(), [b""])
        self.assertEqual(self.signs_in(), [b""])

    def test_one_who_tells_no_capabilities_is_asked_as_usual(self):
        self.minds = reply("OK hello")
        self.as_usual_from_now_on()

    def test_a_wrong_password_is_tried_no_more_than_twice(self):
        self.listen()
        self.peer.password = "another"
        self.assertEqual(self.syncd.run("sync").rc, 77)
        self.assertEqual([bool(b) for b in self.behind], [True, False])
        self.assertEqual(self.syncd.run("sync").rc, 77)
        self.assertEqual(len(self.behind), 3)


class NotAhead(AheadCase):
    name = b"Somebody"

    def test_others_are_asked_as_usual(self):
        self.assertEqual(self.signs_in(), [b""])


class Flights(PeerCase):
    """A round with nothing to do, counted in round trips."""

    def flights(self):
        """The fewest of three rounds: a busy machine may split a flight."""
        best = 1000
        for _ in range(3):
            self.peer.clear()
            self.peer.rules.gap = 0.06
            self.syncd.sync()
            best = min(best, self.peer.flights)
        return best

    def test_an_idle_round_takes_few_and_no_more_with_more_folders(self):
        self.syncd.sync()
        few = self.flights()
        for i in range(40):
            self.peer.box(f"Folder {i}").add(message(f"f{i}"))
        self.syncd.sync()
        self.syncd.sync()
        self.assertLessEqual(self.flights(), few)
        self.assertLessEqual(few, 4, "login, one sweep, goodbye")

    def test_an_idle_round_opens_no_message(self):
        self.syncd.sync()
        self.peer.clear()
        self.syncd.sync()
        self.assertEqual([c for c in self.peer.sent if "BODY" in c], [])

    def test_a_change_in_one_folder_opens_only_that_folder(self):
        for i in range(5):
            self.peer.box(f"Folder {i}").add(message(f"f{i}"))
        self.syncd.sync()
        self.syncd.sync()
        self.peer.boxes["Folder 3"].add(message("fresh"))
        self.peer.clear()
        self.syncd.sync()
        opened = [c for c in self.peer.sent if c.startswith(("SELECT", "EXAMINE"))]
        self.assertEqual(len(opened), 1, opened)
        self.assertIn("Folder 3", opened[0])


class Idle(PeerCase):
    account = {"watch": {"poll": "1h"}}

    def test_idle_brings_new_mail(self):
        self.syncd.start()
        wait_for(lambda: any(s.idle for s in self.peer.sessions), 20, "IDLE")
        self.peer.deliver("INBOX", message("pushed"))
        wait_for(lambda: any(b"pushed" in m.data for m in self.tree.messages("INBOX")), 10,
                 "the message")

    def test_a_lost_connection_is_made_again(self):
        self.syncd.start()
        wait_for(lambda: any(s.idle for s in self.peer.sessions), 20, "IDLE")
        self.peer.drop()
        self.inbox.add(message("meanwhile"))
        wait_for(lambda: any(b"meanwhile" in m.data for m in self.tree.messages("INBOX")), 30,
                 "the message")

    def test_a_server_that_closes_at_once_is_not_hammered(self):
        self.peer.on("SELECT|LIST|STATUS", cut())
        self.syncd.start()
        time.sleep(6)
        self.assertLess(self.peer.connections, 15)
