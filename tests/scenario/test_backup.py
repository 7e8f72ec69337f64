"""Backup: mail that survives the server.

The account is `policy: backup`: the server is only read, and what vanishes there
stays here, once, whatever the server does to its folders and numbers."""
import os
import random
import re
import shutil
import subprocess
import time
from collections import Counter

import corpus
from case import Case, limit, message
from compare import compare, server_side
from dovecot import writing
from maildir import Maildir, digest

DATE = 1_600_000_000
FOLDERS = ("INBOX", "Archive", "Lists/one", "Lists/Ünïcode", "Sent")
FLAGS = ("", "S", "RS", "F", "SFT", "D")
KEYWORDS = ((), ("$Forwarded",), ("work", "todo"), ("$Junk",))


def seed(client, n=30):
    """Mail of all kinds in FOLDERS; how many bytes it is.  Most of the bytes are
    in attachments, as they are in a mailbox."""
    mail = [m for _, m in corpus.messages()][:n]
    mail += list(corpus.MIXED.values())
    mail += [message(f"large {i}", f"{i:076d}\r\n" * 2000) for i in range(n // 2)]
    total = 0
    for folder in FOLDERS:
        if folder not in client.list():
            client.create(folder)
    for i, data in enumerate(mail):
        data = corpus.wire(data)
        client.append(FOLDERS[i % len(FOLDERS)], data, FLAGS[i % len(FLAGS)],
                      KEYWORDS[i % len(KEYWORDS)], date=DATE + 7 * i)
        total += len(data)
    return total


class Backup(Case):
    account = {"policy": "backup"}

    def received(self, since=0):
        """Bytes that the server has sent to the daemon, in clear."""
        total = 0
        for path in self.dovecot.connections(self.user)[since:]:
            with open(path[:-len("in")] + "out", "rb") as f:
                total += sum(len(re.sub(rb"^\d+\.\d+ (?:[:*>] )?", b"", line)) for line in f)
        return total

    def connections(self):
        return len(self.dovecot.connections(self.user))

    def assertReadOnly(self):
        """Nothing that the daemon ever said could have changed the server."""
        said = self.dovecot.commands(self.user)
        self.assertTrue(any(c.startswith("EXAMINE") for c in said), said)
        self.assertEqual(writing(said), [])
        for c in said:
            self.assertNotRegex(c, r"^SELECT\b")
            self.assertNotRegex(c, r"BODY\[")

    def doveadm(self, *args):
        subprocess.run(("doveadm", "-c", self.dovecot.dir + "/dovecot.conf") + args,
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def contents(self):
        """Every message here: how often, wherever it lies."""
        return Counter(digest(m.data)[:12] for files in self.tree.all_messages().values()
                       for m in files)

    def recreate_user(self):
        """The server is deleted and made anew, empty."""
        self.client.close()
        shutil.rmtree(f"{self.dovecot.dir}/mail/{self.user}")
        self.client = self.dovecot.client(self.user)
        self.addCleanup(self.client.close)


class Reading(Backup):
    def test_the_server_is_only_read(self):
        seed(self.client, 40)
        self.syncd.sync()
        self.assertSame()
        self.tree.create_folder("Mine")
        self.tree.add("Mine", message("written here"))
        self.tree.add("INBOX", message("written here too"))
        for m in self.tree.messages("INBOX")[:3]:
            os.unlink(m.path)
        for m in self.tree.messages("Archive")[:3]:
            os.rename(m.path, re.sub(r":2,.*|$", ":2,FS", m.path.replace("/new/", "/cur/"), count=1))
        self.client.append("INBOX", message("another"))
        self.syncd.sync()
        self.syncd.sync("--full")
        self.assertReadOnly()

    def test_what_vanishes_there_stays_and_flags_follow(self):
        for i in range(6):
            self.client.append("INBOX", message(f"m{i}"), date=DATE + i)
        self.syncd.sync()
        gone = self.client.find("INBOX", "Subject: m1")
        self.client.expunge("INBOX", gone)
        seen = self.client.find("INBOX", "Subject: m2")
        self.client.store("INBOX", seen, "+", "SF", ("work",))
        self.client.delete("Archive")
        self.syncd.sync()
        here = {m.data.split(b"\n")[0]: m for m in self.tree.messages("INBOX")}
        self.assertEqual(len(here), 6)
        self.assertEqual(here[b"Subject: m2"].flags, frozenset("SF"))
        self.assertEqual(here[b"Subject: m2"].keywords, frozenset({"work"}))
        log = self.syncd.run("log").out
        self.assertRegex(log, r"keep-local.*deleted on the server; policy keeps it here")
        self.assertIn("Archive", self.tree.folders())
        self.assertReadOnly()


class Surviving(Backup):
    """No second copy, and headers only on the wire."""

    def setUp(self):
        super().setUp()
        self.total = seed(self.client)
        self.syncd.sync()
        self.assertSame()
        self.before = self.contents()
        self.seen = self.connections()

    def assertCheap(self):
        now = self.contents()
        self.assertEqual((now - self.before, self.before - now), (Counter(), Counter()))
        self.assertReadOnly()
        got = self.received(self.seen)
        self.assertLess(got, self.total * 0.05)

    def test_new_uidvalidity_on_every_folder(self):
        for folder in self.client.list():
            self.doveadm("mailbox", "update", "-u", self.user, "--uid-validity", "4711", folder)
        self.syncd.sync()
        self.assertSame()
        self.assertCheap()
        self.assertQuiet()

    def test_a_renamed_folder(self):
        self.client.rename("Lists/one", "Lists/two")
        self.client.rename("Archive", "Old/Archive")
        self.syncd.sync()
        self.assertCheap()

    def test_the_state_is_lost(self):
        shutil.rmtree(self.syncd.state)
        self.syncd.sync()
        self.assertSame()
        self.assertCheap()

    def test_a_rebuilt_server_and_the_same_mail_again(self):
        keep = [(f, m) for f in self.client.list() for m in self.client.fetch_all(f)]
        self.recreate_user()
        r = self.syncd.sync()
        self.assertEqual(self.contents(), self.before, "something was deleted")
        self.assertRegex(r.out + r.err, r"gone on the server.*kept here")
        for folder, m in keep:
            if folder not in self.client.list():
                self.client.create(folder)
            self.client.append(folder, m.data, "".join(m.flags), tuple(m.keywords), date=m.date)
        self.syncd.sync()
        self.assertSame()
        self.assertCheap()
        self.assertQuiet()


class Restoring(Backup):
    """`syncd restore a --to b`: what the first server had, the second has."""

    def setUp(self):
        super().setUp()
        seed(self.client)
        self.syncd.sync()
        self.far = self.server_of(self.client)
        self.other = next(self.free_users)
        self.syncd.add_account("b", self.dovecot, self.other)
        self.target = self.dovecot.client(self.other)
        self.addCleanup(self.target.close)
        self.before = self.tree.snapshot()

    @staticmethod
    def server_of(client):
        """Its folders and what is in them; empty ones that any server has do
        not count."""
        return {f: keys for f, keys in server_side(client)[0].items() if keys}

    def restore(self, *args, expect=0, **kwargs):
        r = self.syncd.run("restore", "a", "--to", "b", *args, **kwargs)
        self.assertEqual(r.rc, expect, r)
        return r

    def assertRestored(self):
        with self.dovecot.client(self.other) as c:
            self.assertEqual(self.server_of(c), self.far)
        self.assertEqual(self.tree.snapshot(), self.before, "the backup itself was touched")
        self.assertFalse(os.path.exists(self.syncd.state + "/restore/a"), "state was left")

    def test_to_an_empty_server(self):
        self.recreate_user()    # the first one is lost meanwhile
        self.syncd.sync()
        self.before = self.tree.snapshot()
        r = self.restore()
        self.assertRegex(r.out, r"b: done: (\d+) of \1 messages in \d+ folders")
        self.assertRestored()
        self.restore()
        self.assertRestored()

    def test_to_a_half_filled_server(self):
        for folder in ("INBOX", "Sent"):
            for m in self.client.fetch_all(folder)[::2]:
                self.target.append(folder, m.data, "".join(m.flags), tuple(m.keywords),
                                   date=m.date)
        plan = self.restore("--dry-run").out
        self.assertIn("Lists/one: create-remote", plan)
        self.assertIn("INBOX: upload", plan)
        r = self.restore()
        self.assertRestored()
        uploaded = int(re.search(r"(\d+) of them uploaded now", r.out)[1])
        here = sum(c.total() for c in self.far.values())
        half = sum((self.far[f].total() + 1) // 2 for f in ("INBOX", "Sent"))
        self.assertEqual(uploaded, here - half)

    def test_some_folders_and_dates_under_other_names(self):
        self.restore("--folder", "Lists/**", "--map", "Lists/one=Alt/Eins", "--since",
                     "2020-09-13", "--until", "2020-09-14")
        there = self.server_of(self.target)
        self.assertEqual(there, {"Alt/Eins": self.far["Lists/one"],
                                 "Lists/Ünïcode": self.far["Lists/Ünïcode"]})
        self.restore("--since", "2021-01-01")
        self.assertEqual(self.server_of(self.target), there)

    def test_existing_mail_gets_the_flags_or_is_skipped(self):
        m = next(m for m in self.client.fetch_all("INBOX") if "S" in m.flags)
        self.target.append("INBOX", m.data, "", date=m.date)
        self.restore("--skip-existing", "--folder", "INBOX")
        with self.dovecot.client(self.other) as c:
            self.assertEqual([x.flags for x in c.fetch_all("INBOX")
                              if digest(x.data) == digest(m.data)], [frozenset()])
        self.restore("--folder", "INBOX")
        with self.dovecot.client(self.other) as c:
            self.assertEqual(self.server_of(c)["INBOX"], self.far["INBOX"])

    @limit(120)
    def test_killed_at_any_point_and_resumed(self):
        rng = random.Random(int(os.environ.get("SYNCD_SEED", "1")))
        kills = int(os.environ.get("SYNCD_KILLS", "5"))
        started = time.monotonic()
        self.restore()
        took = time.monotonic() - started
        self.assertRestored()
        for _ in range(kills):
            self.other = next(self.free_users)
            self.syncd.settings["accounts"]["b"]["user"] = self.other
            self.syncd.write()
            for _ in range(3):
                self.kill_restore(rng.uniform(0, took))
            self.restore()
            self.assertRestored()

    def kill_restore(self, after):
        proc = self.syncd.popen(("restore", "a", "--to", "b"), stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)
        try:
            proc.wait(after)
        except subprocess.TimeoutExpired:
            proc.kill()     # its worker dies with it
            proc.wait()

    def test_mistakes_are_told(self):
        self.assertEqual(self.syncd.run("restore", "a").rc, 64)
        self.assertEqual(self.syncd.run("restore", "a", "--to", "nobody").rc, 66)
        os.unlink(os.path.join(self.tree.root, ".syncd-store"))
        r = self.restore(expect=74)
        self.assertIn("store.marker-missing", r.err)


class Full(Backup):
    server = {"rawlog": True, "quota": "300K"}

    def test_a_full_server_stops_the_restore_cleanly(self):
        tree = Maildir(os.path.join(self.syncd.dir, "mail", "a"))
        for i in range(20):
            self.client.append("INBOX" if i % 2 else "Archive",
                               message(f"m{i}", f"{i:076d}\r\n" * 150), date=DATE + i)
        self.syncd.sync()
        other = next(self.free_users)
        self.syncd.add_account("b", self.dovecot, other)
        with self.dovecot.client(other) as c:
            c.append("Drafts", message("big", "x" * 70 + "\r\n" * 70000))
        r = self.syncd.run("restore", "a", "--to", "b")
        self.assertEqual(r.rc, 1, r)
        self.assertIn("server.quota", r.err)
        with self.dovecot.client(other) as c:
            there = c.find("Drafts", "Subject: big")
            c.expunge("Drafts", there)
            r = self.syncd.run("restore", "a", "--to", "b")
            self.assertEqual(r.rc, 0, r)
        with self.dovecot.client(other) as c:
            self.assertEqual(compare(c, tree, ("INBOX", "Archive")), [])
