"""POP3 servers that cut, refuse, lie and babble; and those that are different.

Whatever they do, the end is the same: each message is here once and whole, or
still there, and the error says what it was.
"""
import os
import sqlite3
import unittest

from case import message, rows
from maildir import canonical
from peer import Closed, cut, raw, stall
from poppeer import FULL, STAMP, Mail, PopPeer, err, ok, stuffed
from syncd import Syncd

QUICK = {"limits": {"timeout": {"connect": "3s", "response": "2s"}}}


def without(*names):
    return tuple(c for c in FULL if c.split()[0] not in names)


class PopCase(unittest.TestCase):
    caps = FULL
    tls = {"mode": "implicit"}
    pop3 = {}
    n = 6
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.peer = PopPeer(tls=cls.tls["mode"] == "implicit")
        cls.addClassCleanup(cls.peer.stop)

    def setUp(self):
        self.peer.reset(self.caps)
        self.peer.mails = [Mail(f"id{i}", message(f"m{i}", "x" * 200))
                          for i in range(1, self.n + 1)]
        self.all = list(self.peer.mails)
        self.syncd = Syncd(self.peer, account=dict(
            QUICK, protocol="pop3", pop3=self.pop3, tls=dict(
                self.tls, ca_file=self.peer.ca)))
        self.addCleanup(self.syncd.stop)
        self.tree = self.syncd.tree

    def set(self, **keys):
        self.syncd.settings["accounts"]["a"].update(keys)
        self.syncd.write()

    def fails(self, code, rc, *args):
        """A round that ends with that code and exit, neither crashed nor hung."""
        r = self.syncd.run("sync", *args)
        self.assertIn(code, r.out + r.err)
        self.assertEqual(r.rc, rc, r.err[-2000:])
        return r

    def files(self):
        """What is in the folder, as the wire would have it."""
        out = []
        for sub in ("cur", "new"):
            at = os.path.join(self.tree.root, "INBOX", sub)
            for name in sorted(os.listdir(at) if os.path.isdir(at) else []):
                with open(os.path.join(at, name), "rb") as f:
                    out.append(canonical(f.read()))
        return sorted(out)

    def assertHere(self, *mails):
        """These and no others, once each."""
        self.assertEqual(self.files(), sorted(canonical(m.data) for m in mails or self.all))

    def assertQuiet(self):
        """One more round fetches nothing and says nothing of deleting."""
        del self.peer.fetched[:]
        self.peer.clear()
        self.syncd.sync()
        self.assertEqual(self.peer.fetched, [])
        self.assertEqual([c for c in self.peer.sent if c.startswith("DELE")], [])

    def heal(self, *mails):
        """An honest server: all is here once, and the next round is quiet."""
        self.peer.rules.__init__()
        self.syncd.sync()
        self.assertHere(*mails)
        self.assertQuiet()


class Kept(PopCase):
    """Nothing is deleted there."""

    def test_once(self):
        self.syncd.sync()
        self.assertHere()
        self.assertQuiet()
        self.assertEqual(self.peer.mails, self.all)

    def test_a_poll_costs_a_login_and_a_flight(self):
        self.syncd.sync()
        self.peer.clear()
        self.peer.rules.gap = 0.2
        self.syncd.sync()
        # CAPA; AUTH; CAPA, LIST, UIDL; QUIT.
        self.assertEqual(self.peer.flights, 4, self.peer.sent)
        self.assertEqual(len(self.peer.sent), 6)

    def test_cut_in_a_message(self):
        whole = self.all[3].wire
        self.peer.on("RETR 4", raw(b"+OK\r\n" + whole[:len(whole) // 2], then_close=True))
        self.fails("net.closed", 69)
        self.assertHere(*self.all[:3])
        self.heal()

    def test_cut_before_the_dot(self):
        self.peer.on("RETR 4", raw(b"+OK\r\n" + self.all[3].wire[:-3], then_close=True))
        self.fails("net.closed", 69)
        self.assertHere(*self.all[:3])
        self.heal()

    def test_sizes_are_wrong(self):
        for i, m in enumerate(self.all):
            m.size = i * 7
        self.syncd.sync()
        self.assertHere()
        self.assertQuiet()

    def test_sizes_change(self):
        self.syncd.sync()
        for m in self.all:
            m.size += 11
        self.assertQuiet()
        self.assertHere()

    def test_sizes_change_and_there_is_no_top(self):
        self.peer.caps = without("TOP")
        self.test_sizes_change()

    def test_one_is_refused(self):
        self.peer.on("RETR 3", err("cannot open it"))
        r = self.syncd.sync()
        self.assertIn("server.poison", r.err)
        self.assertHere(*(m for m in self.all if m.uidl != "id3"))
        self.heal()

    def test_no_bytes(self):
        self.all[2].wire = b".\r\n"
        r = self.syncd.sync()
        self.assertIn("server.poison", r.err)
        self.assertHere(*(m for m in self.all if m.uidl != "id3"))

    def test_ids_come_twice(self):
        for m in self.all:
            m.uidl = "same"
        self.syncd.sync()
        self.assertHere()
        self.assertQuiet()
        self.peer.mails.append(Mail("same", message("m7")))
        self.syncd.sync()
        self.assertHere(*self.peer.mails)
        del self.peer.mails[0]
        self.assertQuiet()

    def test_ids_of_all_kinds(self):
        odd = ("x" * 500, "with some  spaces", "\udcff\udce4", "../../etc", ".", "+OK")
        for m, uidl in zip(self.all, odd):
            m.uidl = uidl
        self.syncd.sync()
        self.assertHere()
        self.assertQuiet()

    def test_lines_of_all_kinds(self):
        for pattern in ("{n}    {uidl}", "{n} {uidl}   ", "+OK {n} {uidl}"):
            with self.subTest(pattern):
                self.peer.pattern["UIDL"] = pattern
                self.syncd.sync()
                self.assertHere()
                self.assertQuiet()
        self.peer.pattern["LIST"] = "{n} {size} octets"
        self.assertQuiet()

    def test_ids_missing(self):
        self.all[1].uidl = self.all[4].uidl = ""
        r = self.syncd.sync(expect=1)
        self.assertIn("server.no-uidl", r.out + r.err)
        self.assertHere(*(m for m in self.all if m.uidl))

    def test_all_ids_change(self):
        self.syncd.sync()
        for m in self.all:
            m.uidl = "new-" + m.uidl
        self.assertQuiet()
        self.assertHere()

    def test_all_ids_change_and_there_is_no_top(self):
        self.syncd.sync()
        self.peer.caps = without("TOP")
        for m in self.all:
            m.uidl = "new-" + m.uidl
        self.fails("guard.uidl-change", 10)
        self.assertHere()
        self.assertEqual(len(self.peer.fetched), self.n)
        # The user knows better.
        self.syncd.run("approve", "a/INBOX")
        self.assertHere(*self.all, *self.all)
        self.assertQuiet()

    def test_ids_are_numbers(self):
        """A server whose ids are those of other messages in each session."""
        self.peer.pattern["UIDL"] = "{n} {n}"
        self.syncd.sync()
        fresh = [Mail("", message(f"n{i}", "y" * (300 + i))) for i in range(3)]
        self.peer.mails = fresh + self.all[3:]
        self.syncd.sync()
        self.assertHere(*self.all, *fresh)

    def test_what_went_and_came_back(self):
        self.syncd.sync()
        self.peer.mails = []
        self.assertQuiet()
        self.peer.mails = list(self.all)
        self.assertQuiet()
        self.assertHere()

    def test_an_id_that_is_given_away_again(self):
        """The same id and size, and not the same message."""
        self.syncd.sync()
        self.peer.mails = self.all[1:]
        self.syncd.sync()
        another = Mail("id1", self.all[0].data.replace(b"m1", b"n1"))
        self.peer.mails.append(another)
        self.syncd.sync()
        self.assertHere(*self.all, another)

    def test_no_uidl(self):
        self.peer.caps = without("UIDL")
        self.fails("server.no-uidl", 78)
        self.assertEqual(self.files(), [])
        self.assertEqual(self.peer.fetched, [])

    def test_no_capa(self):
        self.peer.caps = None
        self.syncd.sync()
        self.assertHere()
        self.assertQuiet()

    def test_a_name_that_is_no_text(self):
        self.peer.caps = without("IMPLEMENTATION") + ("IMPLEMENTATION gr\udcfc\udcdfe",)
        self.syncd.sync()
        self.assertHere()
        self.assertQuiet()

    def test_a_refusal_that_is_no_text(self):
        """What can be read of it is said, also where JSON is in between."""
        self.peer.on("AUTH", err("gr\udcfc\udcdfe, no mail"))
        r = self.syncd.run("sync")
        self.assertIn("gr??e, no mail", r.err)

    def test_lock_step(self):
        """Never two commands at once where that was not offered."""
        self.peer.caps = without("PIPELINING")
        self.peer.rules.gap = 0.05
        self.syncd.sync()
        self.assertHere()
        self.assertEqual(self.peer.flights, len(self.peer.sent))

    def test_lock_step_by_wish(self):
        self.set(avoid=["PIPELINING"])
        self.peer.rules.gap = 0.05
        self.syncd.sync()
        self.assertEqual(self.peer.flights, len(self.peer.sent))

    def test_byte_by_byte(self):
        self.peer.rules.split = 1
        self.syncd.sync()
        self.assertHere()

    def test_ok_to_everything(self):
        for verb in ("LIST", "UIDL", "RETR", "TOP", "DELE", "QUIT"):
            self.peer.on(verb, ok())
        self.fails("proto.unexpected", 76)
        self.assertEqual(self.files(), [])
        self.heal()

    def test_ok_to_everything_in_lock_step(self):
        self.peer.caps = without("PIPELINING")
        self.peer.on("LIST", ok())
        self.fails("net.timeout", 69)
        self.heal()

    def test_4_gib(self):
        self.all[2].size = 5 << 30
        r = self.syncd.sync()
        self.assertIn("server.too-big", r.err)
        self.assertHere(*(m for m in self.all if m.uidl != "id3"))
        self.assertNotIn("id3", self.peer.fetched)
        self.assertQuiet()

    def test_a_placeholder(self):
        self.set(pop3={"too_big": "placeholder", "keep_on_server": 0})
        self.all[2].size = 5 << 30
        self.syncd.sync()
        stub, = (f for f in self.files() if b"max_message_size" in f)
        self.assertIn(b"Subject: m3\n", stub)
        self.assertIn(b"From: Ann <ann@test.example>\n", stub)
        self.assertIn(b"5368.7 MB", stub)
        self.assertEqual([m.uidl for m in self.peer.mails], ["id3"])
        self.assertEqual(len(self.files()), self.n)
        self.assertQuiet()
        self.assertEqual(len(self.files()), self.n)

    def placeholders(self):
        return [f for f in self.files() if b"max_message_size" in f]

    def test_cut_before_a_placeholder(self):
        """The rest is not kept waiting by a server that ends whenever it is asked."""
        self.set(pop3={"too_big": "placeholder"})
        self.all[2].size = 5 << 30
        self.peer.on("TOP", cut())
        self.fails("net.closed", 69)
        self.assertEqual(len(self.placeholders()), 1)
        self.syncd.sync()
        self.assertEqual(len(self.placeholders()), 1)
        self.assertEqual(len(self.files()), self.n)
        self.assertEqual([c for c in self.peer.sent if c.startswith("TOP")], ["TOP 3 0"])
        self.assertQuiet()

    def test_more_than_was_listed(self):
        self.set(limits=dict(QUICK["limits"], max_message_size="1KiB"))
        self.all[2].data = message("m3", "z" * 2000)
        self.all[2].wire = stuffed(self.all[2].data)
        self.assertIn("server.too-big", self.syncd.sync().err)
        self.assertHere(*(m for m in self.all if m.uidl != "id3"))
        self.assertQuiet()

    def test_a_placeholder_of_more_than_was_listed(self):
        self.set(pop3={"too_big": "placeholder", "keep_on_server": 0},
                 limits=dict(QUICK["limits"], max_message_size="1MiB"))
        self.all[2].data = message("m3", "z" * 2_000_000)
        self.all[2].wire = stuffed(self.all[2].data)
        self.all[2].size = 300
        self.syncd.sync()
        stub, = self.placeholders()
        self.assertIn(b"Subject: m3\n", stub)
        self.assertIn(b"2.0 MB", stub)
        self.assertEqual([m.uidl for m in self.peer.mails], ["id3"])
        self.assertEqual(len(self.files()), self.n)
        self.assertQuiet()

    def test_no_end(self):
        self.set(limits=dict(QUICK["limits"], max_message_size="1KiB"))
        self.all[2].wire = b"x" * 10_000
        self.fails("proto.literal-too-big", 76)
        self.assertHere(*self.all[:2])

    def test_expire_0(self):
        self.peer.caps = FULL + ("EXPIRE 0",)
        r = self.syncd.sync()
        self.assertIn("server.expire", r.err)
        self.assertHere()

    def test_the_disk_fails(self):
        """Nothing is said any more then, least of all QUIT."""
        self.set(guards={"min_free_space": "1000TiB"})
        self.fails("store.no-space", 74)
        self.assertNotIn("QUIT", self.peer.sent)

    def test_a_dry_run_touches_nothing(self):
        self.set(pop3={"keep_on_server": 0})
        r = self.syncd.sync("--dry-run")
        self.assertEqual(r.out.count("download message"), self.n)
        self.assertEqual(self.peer.fetched, [])
        self.assertFalse(os.path.exists(os.path.join(self.tree.root, "INBOX")))
        self.syncd.sync()
        self.assertHere()

    def test_bytes(self):
        for m, data in zip(self.all, (
                b"Subject: dots\r\n\r\n.\r\n..\r\n...\r\n.x\r\nx.\r\n",
                b"Subject: bare\r\n\r\na\rb\nc\r\n\n.\n.\r\n",
                b"Subject: nul\r\n\r\n\0\0\xff\xfe\r\n",
                b"Subject: long\r\n\r\n" + b"l" * (1 << 20) + b"\r\n",
                b"\r\n\r\n",
                b"Subject: cut short\r\n\r\nno end of line")):
            m.data, m.wire = data, stuffed(data)
        self.peer.rules.split = 997
        self.syncd.sync()
        self.all[5].data += b"\r\n"
        self.assertEqual(self.files(), sorted(canonical(m.data) for m in self.all))


class Emptied(PopCase):
    """What is safe here is deleted there."""
    pop3 = {"keep_on_server": 0}

    def test_all(self):
        self.syncd.sync()
        self.assertHere()
        self.assertEqual(self.peer.mails, [])
        self.assertQuiet()

    def test_slices(self):
        self.set(pop3={"keep_on_server": 0, "max_per_session": 2})
        self.syncd.sync()
        self.assertHere()
        self.assertEqual(self.peer.connections, 3)
        self.assertEqual(self.peer.mails, [])

    def test_slices_of_twins(self):
        """All with one id, and byte for byte the same but for two."""
        self.set(pop3={"keep_on_server": 0, "max_per_session": 1})
        for m in self.all[:4]:
            m.uidl, m.data = "same", self.all[0].data
            m.size, m.wire = len(m.data), stuffed(m.data)
        self.syncd.sync()
        self.assertHere()
        self.assertEqual(self.peer.mails, [])

    def test_slices_and_one_is_refused(self):
        self.set(pop3={"keep_on_server": 0, "max_per_session": 1})
        self.peer.on("RETR 1", err(), times=1)
        self.syncd.sync()
        self.assertHere(*self.all[1:])
        self.assertEqual(self.peer.mails, self.all[:1])
        self.heal()

    def test_a_slice_is_what_a_cut_costs(self):
        self.set(pop3={"keep_on_server": 0, "max_per_session": 2})
        self.peer.on("RETR 2", cut(), times=1)
        self.fails("net.closed", 69)
        self.heal()
        self.assertEqual(self.peer.mails, [])

    def test_logins_are_rationed(self):
        self.peer.caps = FULL + ("LOGIN-DELAY 300",)
        self.set(pop3={"keep_on_server": 0, "max_per_session": 2})
        self.syncd.sync()
        self.assertHere()
        self.assertEqual(self.peer.connections, 1)

    def test_cut_before_quit_counts(self):
        """The server has forgotten the deletions; we have not the mail."""
        self.peer.on("QUIT", cut(), times=1)
        self.fails("net.closed", 69)
        self.assertHere()
        self.assertEqual(self.peer.mails, self.all)
        del self.peer.fetched[:]
        self.syncd.sync()
        self.assertEqual(self.peer.fetched, [])
        self.assertEqual(self.peer.mails, [])
        self.assertHere()

    def test_cut_after_quit_counts(self):
        def act(s, *_):
            s.update()
            raise Closed
        self.peer.on("QUIT", act, times=1)
        self.fails("net.closed", 69)
        self.heal()
        self.assertEqual(self.peer.mails, [])

    def test_quit_is_refused(self):
        self.peer.on("QUIT", err("some deleted messages not removed"), times=1)
        self.fails("server.refused", 1)
        del self.peer.fetched[:]
        self.syncd.sync()
        self.assertEqual(self.peer.fetched, [])
        self.assertEqual(self.peer.mails, [])

    def test_dele_is_refused(self):
        self.peer.on("DELE 2", err())
        self.fails("server.refused", 1)
        self.assertEqual([m.uidl for m in self.peer.mails], ["id2"])
        self.peer.rules.__init__()
        self.syncd.sync()
        self.assertEqual(self.peer.mails, [])
        self.assertHere()

    def test_dele_is_ignored(self):
        self.peer.ignores_dele = True
        self.syncd.sync()
        del self.peer.fetched[:]
        self.syncd.sync()
        self.assertEqual(self.peer.fetched, [])
        self.assertHere()

    def test_one_is_refused(self):
        self.peer.on("RETR 3", err())
        self.syncd.sync()
        self.assertHere(*(m for m in self.all if m.uidl != "id3"))
        self.assertEqual([m.uidl for m in self.peer.mails], ["id3"])

    def test_no_uidl(self):
        self.peer.caps = without("UIDL")
        self.syncd.sync()
        self.assertHere()
        self.assertEqual(self.peer.mails, [])
        self.assertQuiet()

    def test_no_uidl_and_one_is_refused(self):
        self.peer.caps = without("UIDL")
        self.peer.on("RETR 2", err(), times=1)
        self.syncd.sync()
        self.assertHere(self.all[0], *self.all[2:])
        self.assertEqual(self.peer.mails, [self.all[1]])
        self.heal()

    def test_no_uidl_and_dele_is_refused(self):
        """It is known by its content, and not fetched into a second file."""
        self.peer.caps = without("UIDL")
        self.peer.on("DELE 2", err())
        self.fails("server.refused", 1)
        self.assertEqual(self.peer.mails, [self.all[1]])
        self.heal()
        self.assertEqual(self.peer.mails, [])

    def test_no_uidl_and_a_placeholder(self):
        """Nobody could tell that it was told of: it would come with each round."""
        self.set(pop3={"too_big": "placeholder", "keep_on_server": 0})
        self.peer.caps = without("UIDL")
        self.all[2].size = 5 << 30
        for _ in range(3):
            self.assertIn("server.too-big", self.syncd.run("sync").err)
        self.assertHere(*(m for m in self.all if m.uidl != "id3"))
        self.assertEqual(self.peer.mails, [self.all[2]])

    def test_no_uidl_and_cut_before_quit_counts(self):
        self.peer.caps = without("UIDL")
        self.all[1].data, self.all[1].wire = self.all[0].data, self.all[0].wire
        self.peer.on("QUIT", cut(), times=1)
        self.fails("net.closed", 69)
        self.assertHere()
        self.syncd.sync()
        self.assertHere()
        self.assertEqual(self.peer.mails, [])
        # The same mail once more is new mail.
        self.peer.mails = [self.all[2]]
        self.syncd.sync()
        self.assertHere(*self.all, self.all[2])

    def test_what_a_crash_has_left_in_tmp_is_not_safe_yet(self):
        """It was on its way to a folder whose directory is gone since."""
        self.set(pop3={"keep_on_server": "forever"})
        self.syncd.sync()
        path = self.tree.find("INBOX", "Subject: m3").path
        name = os.path.basename(path)
        os.rename(path, os.path.join(self.tree.path("INBOX"), "tmp", name.split(",")[0]))
        with sqlite3.connect(os.path.join(self.syncd.state, "a.db")) as db:
            db.execute("INSERT INTO folder (path, delim, attrs, validity, uidnext, modseq, "
                       "messages, mtime_cur, mtime_new) VALUES (CAST('Lists' AS BLOB), "
                       "0, 0, 0, 0, 0, 0, 0, 0)")
            db.execute("UPDATE message SET stage = 1, dest = (SELECT max(id) FROM folder) "
                       "WHERE file = ?", (name.encode(),))
            db.execute("UPDATE meta SET value = CAST(abs(CAST(value AS TEXT)) AS BLOB) "
                       "WHERE key = 'delivering'")
        db.close()
        self.set(pop3={"keep_on_server": 0})
        del self.peer.fetched[:]
        self.syncd.run("sync")
        self.assertEqual(self.peer.mails, [self.all[2]])
        self.tree.create_folder("Lists")
        self.syncd.run("sync")
        self.syncd.run("sync")
        here = self.tree.messages("INBOX") + self.tree.messages("Lists")
        self.assertEqual(sorted(canonical(m.data) for m in here),
                         sorted(canonical(m.data) for m in self.all))
        self.assertEqual((self.peer.fetched, self.peer.mails), ([], []))

    def test_backup_only_reads(self):
        self.set(policy="backup")
        self.syncd.sync()
        self.assertHere()
        self.assertEqual(self.peer.mails, self.all)


class KeptForAWhile(PopCase):
    pop3 = {"keep_on_server": "30d"}

    def age(self, days, uidl):
        db = sqlite3.connect(os.path.join(self.syncd.state, "a.db"))
        with db:
            db.execute("UPDATE uidl SET since = since - ? WHERE uidl = ?",
                       (days * 86400 * 1_000_000, uidl.encode()))
        db.close()

    def test_counted_from_first_sight(self):
        self.syncd.sync()
        self.assertEqual(self.peer.mails, self.all)
        self.age(31, "id2")
        self.age(29, "id3")
        self.syncd.sync()
        self.assertEqual([m.uidl for m in self.peer.mails], ["id1", "id3", "id4", "id5", "id6"])
        self.assertHere()
        self.assertQuiet()


class Gmail(PopCase):
    """Lists some at a time, and no more what was fetched."""

    def setUp(self):
        super().setUp()
        self.peer.hides, self.peer.shows = True, 2
        self.peer.rules.greeting = b"+OK Gpop ready for requests from 127.0.0.1\r\n"

    def test_until_nothing_is_left(self):
        self.syncd.sync()
        self.assertHere()

    def test_one_is_refused(self):
        """It is asked for once in a round, and the others come."""
        self.peer.on("RETR 1", err())
        for pop3 in ({}, {"max_per_session": 1}):
            self.set(pop3=pop3)
            self.syncd.sync()
            self.assertHere(*self.all[1:])
            self.assertLessEqual(self.peer.connections, 8)
            self.peer.connections = 0

    def test_cut(self):
        self.peer.on("RETR 2", cut(), times=1)
        self.fails("net.closed", 69)
        self.syncd.sync()
        self.assertHere()


class NoCr(PopCase):
    """A server that ends every line with LF alone."""

    def setUp(self):
        super().setUp()
        self.all[1].data = message("m2", ".\r\n..\r\n.a\r\n\r\nb")
        self.all[1].wire = stuffed(self.all[1].data)
        self.peer.rules.mangle = lambda data: data.replace(b"\r\n", b"\n")

    def test_all_is_here(self):
        self.syncd.sync()
        self.assertHere()
        del self.peer.fetched[:]
        self.syncd.sync()
        self.assertEqual(self.peer.fetched, [])

    def test_in_lock_step_and_emptied(self):
        self.peer.caps = without("PIPELINING")
        self.set(pop3={"keep_on_server": 0})
        self.syncd.sync()
        self.assertHere()
        self.assertEqual(self.peer.mails, [])

    def test_a_server_that_has_learned_it(self):
        """It is the same mail as before."""
        self.syncd.sync()
        self.heal()


class Exchange(PopCase):
    """No CRLF before the dot, where the message has none."""
    caps = without("PIPELINING")

    def test_the_dot(self):
        for m in self.all[:1]:
            m.data = b"Subject: bare\r\n\r\nlast line\n"
            m.wire = m.data + b".\r\n"
        self.set(limits={"timeout": {"response": "20s"}})
        self.syncd.sync()
        self.assertHere()


@rows("refused", {
    "in_use": ("[IN-USE] another session", "server.in-use", 75),
    "locked": ("maildrop already locked", "server.in-use", 75),
    "login_delay": ("[LOGIN-DELAY] too soon", "auth.throttled", 75),
    "temporary": ("[SYS/TEMP] disk trouble", "server.unavailable", 75),
    "auth": ("[AUTH] no", "auth.refused", 77),
    "plain": ("no", "auth.refused", 77),
    "app_password": ("[AUTH] Application-specific password required",
                     "auth.needs-app-password", 77),
})
class SignIn(PopCase):
    def refused(self, row):
        text, code, rc = row
        self.peer.on("AUTH", err(text))
        self.fails(code, rc)
        self.peer.rules.__init__()
        self.peer.caps = ("USER", "UIDL", "PIPELINING")
        self.peer.on("PASS", err(text))
        self.fails(code, rc)
        self.heal()

    def test_plain_in_one_line(self):
        self.syncd.sync()
        self.assertEqual(self.peer.said, [("PLAIN", f"\0u1\0{self.peer.password}")])
        self.assertRegex(self.peer.sent[1], "^AUTH PLAIN [A-Za-z0-9+/=]+$")

    def test_apop_only_by_wish(self):
        self.peer.caps = ("USER", "UIDL", "TOP")
        self.syncd.sync()
        self.assertIn("USER u1", self.peer.sent)
        self.peer.clear()
        self.set(auth=dict(self.syncd.settings["accounts"]["a"]["auth"], mechanisms=["APOP"]))
        self.syncd.sync()
        self.assertRegex(self.peer.sent[1], "^APOP u1 [0-9a-f]{32}$")

    def test_no_stamp_no_apop(self):
        self.peer.rules.greeting = b"+OK hello\r\n"
        self.set(auth=dict(self.syncd.settings["accounts"]["a"]["auth"], mechanisms=["APOP"]))
        self.fails("auth.mechanism-missing", 77)

    def token(self, text, mechanism):
        self.peer.caps = without("SASL") + ("SASL PLAIN " + mechanism,)
        self.peer.password = text
        self.set(auth={"token_command": ["echo", text]})
        self.syncd.sync()
        self.assertIn(text, self.peer.said[0][1])
        return self.peer.sent[1]

    def test_a_short_token_goes_with_the_command(self):
        self.assertRegex(self.token("t" * 50, "XOAUTH2"), "^AUTH XOAUTH2 .")

    def test_a_long_token_waits_to_be_asked(self):
        self.assertEqual(self.token("t" * 1500, "XOAUTH2"), "AUTH XOAUTH2")
        self.peer.clear()
        self.peer.said = []
        self.assertEqual(self.token("t" * 1500, "OAUTHBEARER"), "AUTH OAUTHBEARER")

    def test_not_pop3(self):
        self.peer.rules.greeting = b"* OK IMAP4rev1 ready\r\n"
        self.fails("proto.other-server", 78)

    def test_an_endless_line(self):
        self.peer.rules.greeting = b"+OK " + b"x" * 100_000
        self.fails("proto.line-too-long", 76)
        self.peer.rules.__init__()
        self.peer.on("UIDL", raw(b"+OK\r\n1 " + b"x" * 100_000))
        self.fails("proto.line-too-long", 76)
        self.heal()

    def test_silence(self):
        self.peer.on("LIST", stall(10))
        self.fails("net.timeout", 69)
        self.heal()


class Stls(PopCase):
    tls = {"mode": "starttls"}

    def secretless(self):
        for verb in ("USER", "PASS", "AUTH", "APOP"):
            self.assertEqual([c for c in self.peer.sent if c.startswith(verb)], [])

    def test_upgrade(self):
        self.syncd.sync()
        self.assertHere()
        self.assertEqual(self.peer.sent[:2], ["STLS", "CAPA"])

    def test_stripped(self):
        self.peer.on("STLS", err("unknown command"))
        self.fails("tls.starttls-stripped", 69)
        self.secretless()

    def test_injected(self):
        def act(s, *_):
            s.write(b"+OK begin\r\n+OK\r\nSASL PLAIN\r\n.\r\n")
            s.begin_tls()
        self.peer.on("STLS", act)
        self.fails("tls.injected", 76)
        self.secretless()

    def test_the_stamp_of_clear_text_is_not_used(self):
        self.set(auth=dict(self.syncd.settings["accounts"]["a"]["auth"], mechanisms=["APOP"]))
        self.fails("auth.mechanism-missing", 77)
        self.assertIn("@", STAMP)


class Clear(PopCase):
    tls = {"mode": "none"}

    def test_on_loopback_only(self):
        self.syncd.sync()
        self.assertHere()
        self.set(host="mail.example.org")
        r = self.syncd.run("check")
        self.assertIn("config.plaintext", r.out + r.err)
