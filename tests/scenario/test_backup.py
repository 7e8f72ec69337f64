"""Backup: mail that survives the server.

The account is `policy: backup`: the server is only read, and what vanishes there
stays here, once, whatever the server does to its folders and numbers."""
import os
import re
import shutil
import subprocess
from collections import Counter

import corpus
from case import Case, limit, message
from dovecot import writing
from maildir import digest

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
