"""Backup: mail that survives the server.

The account is `policy: backup`: the server is only read, and what vanishes there
stays here, once, whatever the server does to its folders and numbers."""
import datetime
import fcntl
import glob
import hashlib
import http.server
import io
import json
import os
import random
import re
import shutil
import sqlite3
import subprocess
import tarfile
import threading
import time
import unittest
from collections import Counter

import corpus
from case import USERS, Case, limit, message
from compare import compare, server_side
from dovecot import Dovecot, writing
from maildir import Maildir, digest

DATE = 1_600_000_000
FOLDERS = ("INBOX", "Archive", "Lists/one", "Lists/Ünïcode", "Sent")
FLAGS = ("", "S", "RS", "F", "SFT", "D")
MORE = int(os.environ.get("SYNCD_MESSAGES", "0"))    # but not where bytes are counted
KEYWORDS = ((), ("$Forwarded",), ("work", "todo"), ("$Junk",))


def seed(client, n=30, large=2, more=MORE):
    """Mail of all kinds in FOLDERS, and ${more} small ones; how many bytes it is."""
    mail = [m for _, m in corpus.messages()][:n]
    mail += list(corpus.MIXED.values())
    mail += [message(f"large {i}", f"{i:076d}\r\n" * 2000) for i in range(large)]
    mail += [message(f"more {i}", f"{i:076d}\r\n" * (i % 50))
             for i in range(more)]
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
    server = {"rawlog": True, "pop3": "pop3_uidl_format = %08Xu%08Xv"}

    @classmethod
    def setUpClass(cls):
        """One server for all, but for those who want another."""
        if "server" in vars(cls):
            super().setUpClass()
        elif "dovecot" not in vars(Backup):
            Backup.dovecot = Dovecot(users=USERS, **cls.server)
            unittest.addModuleCleanup(Backup.dovecot.stop)
            Backup.free_users = iter(Backup.dovecot.users)

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
        return subprocess.Popen(("doveadm", "-c", self.dovecot.dir + "/dovecot.conf") + args,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

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

    def test_a_copy_that_was_emptied_is_not_a_success(self):
        """Nor is it what the user wanted, unless he says so."""
        for i in range(3):
            self.client.append("INBOX", message(f"m{i}"), date=DATE + i)
        self.syncd.settings["accounts"]["a"]["guards"] = {
            "max_delete": {"count": 2, "percent": 20}}
        self.syncd.write()
        self.syncd.sync()

        def emptied():
            for m in self.tree.messages("INBOX"):
                os.unlink(m.path)
            r = self.syncd.run("run", "--once", "-q")
            self.assertEqual((r.rc, "guard.max-delete" in r.err), (10, True), r.err)
        emptied()
        self.assertEqual(self.syncd.run("reject", "a/INBOX").rc, 0)
        self.assertSame()
        emptied()
        self.assertEqual(self.syncd.run("approve", "a/INBOX").rc, 0)
        self.assertEqual(self.syncd.run("run", "--once", "-q").rc, 0)
        self.assertEqual(self.tree.messages("INBOX"), [])
        self.assertEqual(len(self.client.fetch_all("INBOX")), 3)
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


    def test_the_worker_of_one_that_was_killed_may_be_on_its_way_out(self):
        with open(self.syncd.state + "/a.lock", "w", encoding="ascii") as f:
            fcntl.flock(f, fcntl.LOCK_EX)
            timer = threading.Timer(0.5, fcntl.flock, (f, fcntl.LOCK_UN))
            timer.start()
            self.syncd.sync()
            timer.join()


class Surviving(Backup):
    """No second copy, and headers only on the wire."""

    def setUp(self):
        super().setUp()
        # Most of the bytes are in attachments, as they are in a mailbox.
        self.total = seed(self.client, large=15, more=0)
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
        for proc in [self.doveadm("mailbox", "update", "-u", self.user, "--uid-validity",
                                  "4711", folder) for folder in self.client.list()]:
            self.assertEqual(proc.wait(), 0)
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

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.second = Dovecot(users=40)
        cls.addClassCleanup(cls.second.stop)
        cls.others = iter(cls.second.users)

    def setUp(self):
        super().setUp()
        seed(self.client, 20)
        self.syncd.sync()
        self.far = self.server_of(self.client)
        self.other = next(self.others)
        self.syncd.add_account("b", self.second, self.other)
        self.target = self.second.client(self.other)
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
        with self.second.client(self.other) as c:
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

    def test_scripts_of_the_other_account_leave_the_backup_alone(self):
        """They are for mail of that account, and the tree is another's."""
        script = os.path.join(self.syncd.dir, "file.lua")
        with open(script, "w", encoding="ascii") as f:
            f.write('plugin { api = 1 }\non.sync_done(function()\n'
                    '  search { mailbox = "INBOX" }:really():move("Filed")\nend)\n')
        self.syncd.settings["plugins"] = [{"script": script, "accounts": ["b"]}]
        self.syncd.write()
        self.restore()
        self.assertRestored()

    def test_existing_mail_gets_the_flags_or_is_skipped(self):
        m = next(m for m in self.client.fetch_all("INBOX") if "S" in m.flags)
        self.target.append("INBOX", m.data, "", date=m.date)
        self.restore("--skip-existing", "--folder", "INBOX")
        with self.second.client(self.other) as c:
            self.assertEqual([x.flags for x in c.fetch_all("INBOX")
                              if digest(x.data) == digest(m.data)], [frozenset()])
        self.restore("--folder", "INBOX")
        with self.second.client(self.other) as c:
            self.assertEqual(self.server_of(c)["INBOX"], self.far["INBOX"])

    @limit(1800)
    def test_killed_at_any_point_and_resumed(self):
        rng = random.Random(int(os.environ.get("SYNCD_SEED", "1")))
        kills = int(os.environ.get("SYNCD_KILLS", "3"))
        started = time.monotonic()
        self.restore()
        took = time.monotonic() - started
        self.assertRestored()
        for _ in range(kills):
            self.other = next(self.others)
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

    def test_a_mailbox_that_goes_between_two_tries(self):
        """It is made again, with all of its mail."""
        for i in range(20):
            self.client.append("INBOX" if i % 2 else "Archive",
                               message(f"m{i}", f"{i:076d}\r\n" * 150), date=DATE + i)
        self.client.create("Lists")
        self.client.append("Lists", message("listed"), date=DATE)
        self.syncd.sync()
        other = next(self.free_users)
        self.syncd.add_account("b", self.dovecot, other)
        with self.dovecot.client(other) as c:
            c.append("Drafts", message("big", "x" * 70 + "\r\n" * 70000))
        self.assertEqual(self.syncd.run("restore", "a", "--to", "b").rc, 1)
        with self.dovecot.client(other) as c:
            c.expunge("Drafts", c.find("Drafts", "Subject: big"))
            self.assertIn("Lists", c.list())
            c.delete("Lists")
        r = self.syncd.run("-v", "restore", "a", "--to", "b")
        self.assertEqual(r.rc, 0, r)
        self.assertIn("Lists is gone on the server since the last try", r.err)
        with self.dovecot.client(other) as c:
            self.assertIsNotNone(c.find("Lists", "listed"))
            self.assertEqual(len(c.fetch_all("INBOX")) + len(c.fetch_all("Archive")), 20)



class Proving(Backup):
    """The manifest, and `syncd verify`."""
    account = {"policy": "backup", "backup": {"manifest": True}}

    def setUp(self):
        super().setUp()
        self.total = seed(self.client, 12, large=4, more=0)
        self.syncd.sync()
        self.assertSame()

    def manifest(self):
        return sorted(glob.glob(self.syncd.state + "/manifest/a/*.ndjson"))

    def lines(self):
        """All of it, checked link by link."""
        out, prev = [], "0" * 64
        for path in self.manifest():
            with open(path, "rb") as f:
                data = f.read()
            self.assertTrue(data.endswith(b"\n"), path)
            for line in data.splitlines():
                entry = json.loads(line)
                self.assertEqual(entry["prev"], prev)
                prev = hashlib.sha256(line).hexdigest()
                out.append(entry)
        return out

    def assertListed(self):
        """Every message has one line, and the line is right."""
        listed = Counter(line["sha256_lf"] for line in self.lines())
        here = Counter(digest(m.data) for files in self.tree.all_messages().values()
                       for m in files)
        self.assertEqual(listed, here)

    def verify(self, *args, expect=0):
        r = self.syncd.run("verify", *args)
        self.assertEqual(r.rc, expect, r)
        return r

    def test_each_message_is_listed_once(self):
        self.assertListed()
        m = self.client.fetch_all("INBOX")[0]
        line = next(x for x in self.lines() if x["sha256_lf"] == digest(m.data))
        self.assertEqual((line["uid"], line["size"]), (m.uid, len(m.data)))
        self.assertEqual(line["uidvalidity"], self.client.status("INBOX")["UIDVALIDITY"])
        self.assertRegex(line["path"], r"^INBOX/(cur|new)/")
        before = self.lines()
        self.syncd.sync()
        self.client.append("INBOX", message("later"))
        self.syncd.sync()
        self.assertEqual(self.lines()[:-1], before)
        self.assertIn("later@test.example", self.lines()[-1]["message_id"])
        self.assertListed()
        self.verify()

    def test_the_digest_is_of_the_wire_and_anybody_can_check_it(self):
        there = Counter(hashlib.sha256(m.data).hexdigest() for f in self.client.list()
                        for m in self.client.fetch_all(f))
        self.assertEqual(Counter(line["sha256"] for line in self.lines()), there)
        by_hand = r"perl -pe 's/(?<!\r)\n/\r\n/' "
        for line in self.lines()[::7]:
            path = os.path.join(self.tree.root, line["path"])
            r = subprocess.run(f"{by_hand} '{path}' | sha256sum", shell=True, check=True,
                               stdout=subprocess.PIPE)
            self.assertEqual(r.stdout.split()[0].decode(), line["sha256"])

    def test_a_month_goes_on_where_the_last_one_ended(self):
        path = self.manifest()[-1]
        os.rename(path, os.path.join(os.path.dirname(path), "2020-01.ndjson"))
        for db in glob.glob(self.syncd.state + "/a.db*"):
            os.unlink(db)
        self.client.append("INBOX", message("later"))
        self.syncd.sync()
        self.assertEqual(len(self.manifest()), 2)
        self.assertListed()
        self.verify()

    def test_a_lost_database_doubles_no_line(self):
        for db in glob.glob(self.syncd.state + "/a.db*"):
            os.unlink(db)
        self.syncd.sync()
        self.assertListed()
        self.verify()

    def test_a_lost_state_costs_headers_only(self):
        seen = self.connections()
        shutil.rmtree(self.syncd.state)
        self.syncd.sync()
        self.assertLess(self.received(seen), self.total * 0.05)
        self.assertListed()
        self.verify()

    def test_a_line_that_was_being_written_is_cut_off(self):
        before = self.lines()
        with open(self.manifest()[-1], "ab") as f:
            f.write(b'{"sha256":"12')
        self.client.append("INBOX", message("later"))
        self.syncd.sync()
        self.assertEqual(len(self.lines()), len(before) + 1)
        self.assertListed()
        self.verify()

    @limit(90)
    def test_killed_at_any_point_no_line_is_lost_or_doubled(self):
        rng = random.Random(int(os.environ.get("SYNCD_SEED", "1")))
        for i in range(6):
            for k in range(20):
                self.client.append("INBOX", message(f"k{i}.{k}"))
            proc = self.syncd.popen(("sync",), stdout=subprocess.DEVNULL,
                                    stderr=subprocess.DEVNULL)
            try:
                proc.wait(rng.uniform(0.05, 0.4))
            except subprocess.TimeoutExpired:
                proc.kill()
                proc.wait()
        self.syncd.sync()
        self.assertSame()
        self.assertListed()
        self.verify()

    # -- damage ----------------------------------------------------------

    def flip(self, rng, path):
        with open(path, "r+b") as f:
            at = rng.randrange(os.fstat(f.fileno()).st_size)
            f.seek(at)
            byte = f.read(1)[0]
            f.seek(at)
            f.write(bytes([byte ^ (1 << rng.randrange(8))]))

    def truncate(self, rng, path):
        os.truncate(path, rng.randrange(os.path.getsize(path)))

    def remove(self, _, path):
        os.unlink(path)

    @limit(1800)
    def test_random_damage_is_found_and_none_is_invented(self):
        """$SYNCD_DAMAGES of them; each alone, and the tree is well in between."""
        rng = random.Random(int(os.environ.get("SYNCD_SEED", "1")))
        files = sorted(m.path for f in self.tree.all_messages().values() for m in f)
        for i in range(int(os.environ.get("SYNCD_DAMAGES", "16"))):
            how = rng.choice((self.flip, self.truncate, self.remove))
            path = rng.choice(self.manifest() if i % 4 == 3 else files)
            keep = self.syncd.dir + "/keep"
            shutil.copy2(path, keep)
            how(rng, path)
            what = f"{i}: {how.__name__} {path}"
            r = self.syncd.run("verify")
            self.assertEqual(r.rc, 1, (what, r))
            found = [line for line in r.out.splitlines() if "done:" not in line]
            if path in files:
                name = os.path.relpath(path, self.tree.root)
                self.assertEqual(len(found), 1, (what, r))
                self.assertIn(name, found[0], what)
            else:
                self.assertTrue(all("manifest" in line for line in found), (what, r))
            shutil.copy2(keep, path)
        self.verify()

    def test_what_is_damaged_is_fetched_again_beside_it(self):
        inbox = self.tree.messages("INBOX")
        hurt, cut, lost = inbox[0], inbox[1], inbox[2]
        self.flip(random.Random(1), hurt.path)
        os.truncate(cut.path, 10)
        os.unlink(lost.path)
        self.assertIn("syncd verify --online", self.verify(expect=1).out)
        with open(hurt.path, "rb") as f:
            flipped = f.read()
        r = self.verify("--online", expect=1)
        with open(hurt.path, "rb") as f:
            self.assertEqual(f.read(), flipped, "the damaged file was touched")
        for m in (hurt, cut):
            beside = os.path.join(os.path.dirname(m.path).replace("/new", "/cur"),
                                  f".{m.unique}.recovered")
            with open(beside, "rb") as f:
                self.assertEqual(f.read(), m.data)
        moves = re.findall(r"; (mv '.*)", r.out)
        self.assertEqual(len(moves), 2, r)
        for command in moves:
            subprocess.run(command, shell=True, check=True)
        self.syncd.sync()
        self.assertSame()
        self.verify("--online")
        self.assertReadOnly()

    def test_what_the_server_has_and_we_lack_is_told(self):
        self.syncd.settings["accounts"]["a"]["limits"] = {"max_message_size": "2KiB"}
        self.syncd.write()
        self.client.append("INBOX", message("too large", "x" * 5000))
        r = self.verify("--online", expect=1)
        self.assertRegex(r.out, r"INBOX: the server has message \d+, which is not here")
        self.verify()

    def test_report(self):
        here = sum(len(f) for f in self.tree.all_messages().values())
        self.verify()
        text = self.syncd.run("report").out
        self.assertIn(f"a: {here} messages here", text)
        self.assertIn(f"{here} download", text)
        r = json.loads(self.syncd.run("report", "--since", "1h", "--json").out)
        self.assertEqual((r["done"]["download"], r["findings"]), (here, 0))
        self.assertIn("nothing", self.syncd.run("report", "--since", "0s").out)

    def test_deep_fetches_a_sample_and_compares(self):
        r = self.verify("--deep", "--sample", "100%")
        here = sum(len(f) for f in self.tree.all_messages().values())
        self.assertIn(f"{here} fetched to compare: 0 findings", r.out)
        self.assertIn(" 0 of them read", self.verify("--sample", "0").out)

    def test_a_gone_message_is_kept_and_proven(self):
        for m in self.client.fetch_all("INBOX"):
            self.client.expunge("INBOX", m.uid)
        self.syncd.sync()
        self.verify("--online")
        path = self.tree.messages("INBOX")[0].path
        os.unlink(path)
        self.assertIn("snapshot", self.verify("--online", expect=1).out)
        self.syncd.sync()
        self.assertIn("manifest lists it", self.verify(expect=1).out)

    def test_it_verifies_by_itself_when_it_is_time(self):
        self.flip(random.Random(3), self.tree.messages("Sent")[0].path)
        self.syncd.sync()
        self.syncd.settings["accounts"]["a"]["backup"] = {"manifest": True, "verify": "daily"}
        self.syncd.write()
        r = self.syncd.sync(expect=1)
        self.assertIn("sha256", r.out)
        self.assertIn("not as they should be", r.err)
        self.syncd.sync()    # tomorrow, again

    def test_it_does_not_wait_for_a_clock_that_was_set_back(self):
        self.syncd.settings["accounts"]["a"]["backup"] = {"manifest": True, "verify": "daily"}
        self.syncd.write()
        self.syncd.sync()
        self.flip(random.Random(3), self.tree.messages("Sent")[0].path)
        in_ten_years = (int(time.time()) + 3650 * 86400) * 1_000_000
        with sqlite3.connect(os.path.join(self.syncd.state, "a.db")) as db:
            done = db.execute("UPDATE meta SET value = CAST(? AS BLOB) WHERE key = 'verified'",
                              (f"{in_ten_years} 0",))
        db.close()
        self.assertEqual(done.rowcount, 1)
        self.assertIn("sha256", self.syncd.sync(expect=1).out)
        self.syncd.sync()

    def test_the_daemon_verifies(self):
        with self.syncd:
            self.wait(lambda: self.syncd.run("verify").rc == 0, 20, "the daemon to verify")
            self.flip(random.Random(2), self.tree.messages("Sent")[0].path)
            self.assertIn("sha256", self.verify(expect=1).out)
            self.wait(lambda: "not as they should be" in self.syncd.run("status").out, 5,
                      "status to say so")


class ProvingPop3(Backup):
    account = {"backup": {"manifest": True}}

    def test_each_message_is_listed_once(self):
        self.syncd.settings["accounts"]["a"].update(
            protocol="pop3", port=self.dovecot.pop3s_port)
        self.syncd.write()
        for n in (3, 5):
            for i in range(n):
                self.client.append("INBOX", message(f"m{n}.{i}", "x\r\n" * i))
            self.syncd.sync()
            with open(glob.glob(self.syncd.state + "/manifest/a/*.ndjson")[0], "rb") as f:
                listed = [json.loads(line)["sha256"] for line in f]
            there = [hashlib.sha256(m.data).hexdigest() for m in self.client.fetch_all("INBOX")]
            self.assertEqual(sorted(listed), sorted(there))
        self.assertEqual(self.syncd.run("verify").rc, 0)
        os.unlink(self.tree.messages("INBOX")[0].path)
        self.assertEqual(self.syncd.run("verify").rc, 1)


class Exporting(Backup):
    def setUp(self):
        super().setUp()
        seed(self.client, 20)
        self.client.append("INBOX", message("quoted", "From me\r\n>From you\r\n>>From us\r\n"
                                            "Fro\r\n>x\r\nFrom"), date=DATE)
        self.syncd.sync()

    def export(self, *args):
        proc = self.syncd.popen(("export",) + args, stdout=subprocess.PIPE)
        out = proc.communicate(timeout=30)[0]
        self.assertEqual(proc.returncode, 0)
        return out

    def test_mbox(self):
        out = self.export("a/INBOX", "--mbox")
        parts = re.split(rb"(?m)^From MAILER-DAEMON .{24}\n", out)
        self.assertEqual(parts[0], b"")
        here = Counter(m.data.rstrip(b"\n") for m in self.tree.messages("INBOX"))
        there = Counter(re.sub(rb"(?m)^>(>*From )", rb"\1", p).rstrip(b"\n") for p in parts[1:])
        self.assertEqual(there, here)
        self.assertIn(b"\n>From me\n>>From you\n>>>From us\nFro\n>x\nFrom\n", out)

    def test_tar(self):
        for what, prefix in (("a", ""), ("a/Lists/Ünïcode", "Lists/Ünïcode/")):
            archive = tarfile.open(fileobj=io.BytesIO(self.export(what, "--tar")))
            there = {m.name: (archive.extractfile(m).read(), m.mtime) for m in archive}
            here = {os.path.relpath(m.path, self.tree.root): (m.data, m.date)
                    for f in self.tree.all_messages().values() for m in f}
            self.assertEqual(there, {k: v for k, v in here.items() if k.startswith(prefix)})

    def test_mistakes(self):
        self.assertEqual(self.syncd.run("export", "a", "--mbox").rc, 64)
        self.assertEqual(self.syncd.run("export", "b/INBOX", "--mbox").rc, 66)
        self.assertNotEqual(self.syncd.run("export", "a/None", "--tar").rc, 0)


class Hearing(http.server.BaseHTTPRequestHandler):
    """A health check: remembers who called, and what was said."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.server.calls.append((self.path, body))
        self.send_response(200)
        self.end_headers()

    do_GET = do_POST

    def log_message(self, *_):
        pass


class Health(Backup):
    def setUp(self):
        super().setUp()
        self.check = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hearing)
        self.check.calls = []
        threading.Thread(target=self.check.serve_forever, args=(0.02,), daemon=True).start()
        self.addCleanup(self.check.server_close)
        self.addCleanup(self.check.shutdown)
        self.prom = self.syncd.dir + "/syncd.prom"
        self.syncd.settings["metrics"] = {"textfile": self.prom}
        self.conf = self.syncd.settings["accounts"]["a"]
        self.conf["backup"] = {"ping": f"http://127.0.0.1:{self.check.server_port}/x"}
        self.syncd.write()

    def calls(self):
        return [path for path, _ in self.check.calls]

    def figure(self, name):
        with open(self.prom, encoding="utf-8") as f:
            text = f.read()
        self.assertTrue(text.endswith("\n"))
        return int(re.search(rf'^{name}{{account="a"[^}}]*}} (\d+)$', text, re.M)[1])

    def test_a_round_is_told_of(self):
        self.client.append("INBOX", message("one"))
        self.assertEqual(self.syncd.run("run", "--once", "-q").rc, 0)
        self.assertEqual(self.calls(), ["/x/start", "/x"])
        self.assertEqual(json.loads(self.check.calls[-1][1])["summary"]["downloaded"], 1)
        self.assertLess(time.time() - self.figure("syncd_last_success_timestamp_seconds"), 60)
        self.assertEqual(self.figure("syncd_problems"), 0)

    def test_rounds_that_nobody_asked_for_count_too(self):
        """An account that watches has no jobs, and yet a last success."""
        with self.syncd:
            self.wait(lambda: os.path.exists(self.prom) and
                      self.figure("syncd_last_success_timestamp_seconds") > 0, 40, "a success")
            self.assertLess(time.time() - self.figure("syncd_last_attempt_timestamp_seconds"), 600)

    def test_a_failure_is_told_of_with_the_reason(self):
        self.conf["auth"]["password_command"] = "echo wrong"
        self.syncd.write()
        self.assertEqual(self.syncd.run("run", "--once").rc, 77)
        self.assertEqual(self.calls()[-1], "/x/fail")
        self.assertEqual(json.loads(self.check.calls[-1][1])["error"]["code"], "auth.refused")

    def test_dry_runs_and_single_folders_are_nobody_elses_business(self):
        self.syncd.sync("--dry-run")
        self.syncd.sync("a/INBOX")
        self.syncd.run("verify")
        self.assertEqual(self.calls(), [])

    def test_a_deaf_health_check_disturbs_nothing(self):
        self.conf["backup"]["ping"] = "http://127.0.0.1:1/x"
        self.syncd.write()
        self.client.append("INBOX", message("one"))
        self.assertEqual(self.syncd.run("run", "--once").rc, 0)
        self.assertPlaces("one", "INBOX")

    def test_turns(self):
        self.conf["schedule"] = {"when": "every 1s", "jitter": "0s", "alert_after": "1h"}
        self.syncd.write()
        with self.syncd:
            self.wait(lambda: self.calls().count("/x") >= 1, 20, "the first turn")
            self.client.append("INBOX", message("later"))
            self.wait(lambda: self.calls().count("/x") >= 3, 20, "more turns")
            self.assertPlaces("later", "INBOX")
            self.wait(lambda: self.syncd.status()["accounts"][0]["state"] == "scheduled", 10,
                      "the worker to be gone")
            self.assertEqual(self.syncd.status()["accounts"][0]["connections"], 0)

    def test_a_secret_is_kept_between_turns(self):
        """What asks a person for it would ask at every turn."""
        asked = os.path.join(self.syncd.dir, "asked")
        self.conf["schedule"] = {"when": "every 1s", "jitter": "0s"}
        command = self.conf["auth"]["password_command"]
        self.conf["auth"]["password_command"] = f"echo x >>{asked}; {command}"
        self.syncd.write()
        with self.syncd:
            self.wait(lambda: self.calls().count("/x") >= 3, 30, "turns")
        with open(asked, encoding="ascii") as f:
            self.assertEqual(f.read(), "x\n")

    def test_a_turn_at_night(self):
        hour = (time.localtime().tm_hour + 2) % 24
        self.conf["schedule"] = {"when": f"daily {hour:02d}:00-{hour:02d}:30", "jitter": "0s"}
        self.syncd.write()
        with self.syncd:
            self.wait(lambda: self.syncd.status()["accounts"][0]["state"] == "scheduled", 20,
                      "the daemon to know")
            a = self.syncd.status()["accounts"][0]
        turn = datetime.datetime.fromisoformat(a["next_attempt"].replace("Z", "+00:00"))
        turn = turn.astimezone()
        self.assertEqual(turn.hour, hour)
        self.assertLess(turn.minute, 30)
        self.assertEqual(self.calls(), [])

    def test_no_success_for_long_is_a_problem(self):
        self.conf["schedule"] = {"when": "every 1s", "jitter": "0s", "alert_after": "1s"}
        self.conf["port"] = 1
        self.syncd.write()
        with self.syncd:
            self.wait(lambda: "backup.stale" in self.syncd.run("status", "--json").out, 20,
                      "the problem")

    def test_an_account_that_is_only_asked_for(self):
        self.conf["schedule"] = {"when": "manual"}
        self.syncd.write()
        self.client.append("INBOX", message("one"))
        with self.syncd:
            self.wait(lambda: self.syncd.run("sync").rc == 0, 20, "sync to be done")
            self.assertPlaces("one", "INBOX")
            # It is told of beside the work, which does not wait for that.
            self.wait(lambda: "/x" in self.calls(), 20, "the health check to hear of it")
        self.assertEqual(self.calls(), ["/x/start", "/x"])
