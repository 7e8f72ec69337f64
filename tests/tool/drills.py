"""drills.py — loss drills: a disk, a server or a state that is not what it was.

None of them deletes a message on either side, each is said once with what to do,
and when all is as before, so is everything.  A class of a Case and these
(test_drills.py, test_drills_cyrus.py) runs them against its server; a liar (liar.py)
stands in between for what no real server does on demand.
"""
import os
import re
import shutil

from case import local_message, message
from liar import Liar
from server import unprivileged
from syncd import Syncd

DATE = 1_600_000_000
MAILS = 12


class Drills:
    server = {}
    n_users = 50
    account = {
        # As few as they are, the loss of all of them is no small deletion.
        "guards": {"max_delete": {"count": 5, "percent": 20}},
        # What was said is read in the server's raw logs.
        "compress": "no"}

    def setUp(self):
        super().setUp()
        for i in range(MAILS):
            self.client.append("INBOX", message(f"m{i:02d}"), "S" if i % 2 else "", date=DATE + i)
        self.syncd.sync()

    def far(self, folder="INBOX"):
        with self.dovecot.client(self.user) as c:
            return len(c.fetch_all(folder, bodies=False))

    def near(self, folder="INBOX"):
        return len(self.tree.messages(folder))

    def drill(self, code, rc, there=MAILS):
        """A round in a disaster: nothing is deleted, so many are ${there}, and it is
        said once, with what to do (code None: there is nothing to say)."""
        r = self.syncd.run("sync")
        self.assertEqual(self.far(), there, "deleted or doubled on the server: " + r.err)
        self.assertEqual(self.far("Trash"), 0)
        self.assertEqual(r.rc, rc, r)
        self.assertSaidOnce(code, r)

    def assertSaidOnce(self, code, r):
        """In the log and, if somebody must act, in the answer with its remedy."""
        logged = [x for x in r.err.splitlines() if re.search(r" (warn|error): ", x)]
        answer = re.findall(r"^error\[(.*?)\]: .*\n  = help: .", r.err, re.M)
        self.assertLessEqual(len(logged), code is not None, "said once: " + r.err)
        self.assertEqual(answer, [code] if r.rc else [], r.err)
        if code is not None:
            self.assertTrue(r.rc or any(f"[{code}]" in x for x in logged), r.err)
            self.assertEqual(self.syncd.run("explain", code).rc, 0, "no remedy for " + code)

    def as_before(self, n=MAILS):
        """All is well again: the same mail, once, on both sides."""
        self.syncd.sync()
        self.assertSame()
        self.assertEqual(self.near(), n)
        self.assertQuiet()

    # -- deletions that nobody may have meant ------------------------------

    def verdict(self, word, n):
        """What a guard holds goes on as ${word} says, to ${n} messages."""
        self.assertEqual(self.syncd.run(word, "a/INBOX").rc, 0)
        self.as_before(n)

    def unlink(self, n):
        for m in self.tree.messages("INBOX")[:n]:
            os.unlink(m.path)

    def expunge(self, n):
        for m in self.client.fetch_all("INBOX", bodies=False)[:n]:
            self.client.expunge("INBOX", m.uid)

    def test_most_was_deleted_here(self):
        self.unlink(8)
        self.drill("guard.max-delete", 10)
        self.verdict("reject", MAILS)
        self.unlink(8)
        self.drill("guard.max-delete", 10)
        self.verdict("approve", MAILS - 8)

    def test_most_was_deleted_on_the_server(self):
        self.expunge(8)
        self.drill("guard.max-delete", 10, MAILS - 8)
        self.assertEqual(self.near(), MAILS, "deleted here")
        self.verdict("reject", MAILS)
        self.expunge(8)
        self.drill("guard.max-delete", 10, MAILS - 8)
        self.verdict("approve", MAILS - 8)

    def test_this_side_is_empty(self):
        self.unlink(MAILS)
        self.drill("guard.max-delete", 10)
        self.verdict("reject", MAILS)

    def test_the_server_is_empty(self):
        self.expunge(MAILS)
        self.drill("guard.max-delete", 10, 0)
        self.assertEqual(self.near(), MAILS, "deleted here")
        self.verdict("reject", MAILS)

    # -- the disk ----------------------------------------------------------

    def away(self):
        os.rename(self.tree.root, self.tree.root + ".away")

    def back(self):
        if os.path.islink(self.tree.root):
            os.unlink(self.tree.root)
        elif os.path.isdir(self.tree.root):
            shutil.rmtree(self.tree.root)
        os.rename(self.tree.root + ".away", self.tree.root)
        self.as_before()

    def test_the_marker_is_gone(self):
        marker = os.path.join(self.tree.root, ".syncd-store")
        os.rename(marker, self.syncd.dir + "/marker")
        self.drill("store.marker-missing", 74)
        os.rename(self.syncd.dir + "/marker", marker)
        self.as_before()

    def test_the_disk_is_not_mounted(self):
        self.away()
        os.mkdir(self.tree.root)
        self.drill("store.marker-missing", 74)
        self.back()

    def test_the_directory_is_gone(self):
        self.away()
        self.drill("store.marker-missing", 74)
        self.back()

    def test_the_root_is_a_dangling_link(self):
        self.away()
        os.symlink("/nonexistent/mail", self.tree.root)
        self.drill("store.permission", 74)
        self.back()

    def test_another_accounts_tree_is_in_its_place(self):
        other = Syncd(self.dovecot, next(self.free_users))
        self.addCleanup(other.stop)
        other.sync()
        self.away()
        shutil.copytree(other.tree.root, self.tree.root)
        self.drill("store.marker-missing", 74)
        self.back()

    def needs_root(self):
        if os.geteuid() != 0:
            self.skipTest("only root gives a directory away")

    def test_the_root_belongs_to_somebody_else(self):
        self.needs_root()
        os.chown(self.tree.root, unprivileged().pw_uid, -1)
        self.drill("store.permission", 74)
        os.chown(self.tree.root, 0, -1)
        self.as_before()

    def test_the_root_cannot_be_read(self):
        self.needs_root()    # who may read it all the same, so somebody else is to
        self.syncd.owner = unprivileged()
        self.syncd.give()
        os.chmod(self.tree.root, 0)
        self.drill("store.permission", 74)
        os.chmod(self.tree.root, 0o700)
        self.as_before()

    def test_cur_and_new_of_a_folder_are_gone(self):
        inbox = self.tree.path("INBOX")
        for sub in ("/cur", "/new"):
            os.rename(inbox + sub, inbox + sub + ".away")
        self.drill("store.folder-gone", 0)
        for sub in ("/cur", "/new"):
            shutil.rmtree(inbox + sub, ignore_errors=True)
            os.rename(inbox + sub + ".away", inbox + sub)
        self.as_before()

    def test_a_folder_cannot_be_read(self):
        inbox = self.tree.path("INBOX")
        # Also for root: a file where the directory was.
        os.rename(inbox + "/cur", inbox + "/cur.away")
        with open(inbox + "/cur", "wb"):
            pass
        self.drill("store.not-a-maildir", 1)
        os.unlink(inbox + "/cur")
        os.rename(inbox + "/cur.away", inbox + "/cur")
        self.as_before()

    # -- the state ---------------------------------------------------------

    def database(self):
        return os.path.join(self.syncd.state, "a.db")

    def forget(self):
        shutil.rmtree(self.syncd.state)
        os.mkdir(self.syncd.state, 0o700)

    def test_the_state_is_gone(self):
        self.forget()
        seen = len(self.dovecot.connections(self.user))
        self.drill("state.absent", 0)
        self.as_before()
        said = self.dovecot.commands(self.user, since=seen)
        self.assertTrue(any("BODY.PEEK[HEADER" in c for c in said), said)
        self.assertEqual([c for c in said if "BODY.PEEK[]" in c or c.startswith("APPEND")], [],
                         "more than headers")

    def test_the_state_is_gone_and_both_sides_have_changed(self):
        self.client.append("INBOX", message("there"), date=DATE)
        self.tree.add("INBOX", local_message("here"), "S", date=DATE)
        self.unlink(1)
        self.forget()
        # A union: what was deleted here comes back.
        self.drill("state.absent", 0, MAILS + 2)
        self.as_before(MAILS + 2)

    def test_the_state_is_empty(self):
        os.truncate(self.database(), 0)
        self.drill("state.absent", 0)
        self.as_before()

    def damaged(self):
        """It is said what to do, and that works."""
        self.drill("state.corrupt", 74)
        self.forget()
        self.drill("state.absent", 0)
        self.as_before()

    def test_the_state_is_cut_short(self):
        size = os.path.getsize(self.database())
        os.truncate(self.database(), size // 2 // 4096 * 4096)
        self.damaged()

    def test_the_state_has_flipped_bits(self):
        with open(self.database(), "r+b") as f:
            f.seek(4096)
            page = f.read(4096)
            f.seek(4096)
            f.write(bytes(b ^ 0xff for b in page))
        self.damaged()

    def test_the_state_is_yesterdays(self):
        """Nothing tells it from a day on which both sides changed."""
        shutil.copytree(self.syncd.state, self.syncd.dir + "/yesterday")
        self.client.append("INBOX", message("there"), date=DATE)
        self.tree.add("INBOX", local_message("here"), "S", date=DATE)
        self.syncd.sync()
        shutil.rmtree(self.syncd.state)
        os.rename(self.syncd.dir + "/yesterday", self.syncd.state)
        self.drill(None, 0, MAILS + 2)
        self.as_before(MAILS + 2)

    def test_the_state_is_another_accounts(self):
        other = Syncd(self.dovecot, next(self.free_users))
        self.addCleanup(other.stop)
        with self.dovecot.client(other.settings["accounts"]["a"]["user"]) as c:
            c.append("INBOX", message("foreign"), date=DATE)
        other.sync()
        os.rename(self.database(), self.syncd.dir + "/a.db")
        shutil.copy(os.path.join(other.state, "a.db"), self.database())
        self.drill("store.marker-missing", 74)
        os.rename(self.syncd.dir + "/a.db", self.database())
        self.as_before()

    # -- the server --------------------------------------------------------

    def liar(self):
        """From now on somebody stands in between."""
        liar = Liar(self.dovecot)
        self.addCleanup(liar.stop)
        self.syncd.settings["accounts"]["a"]["port"] = liar.tls_port
        self.syncd.write()
        return liar

    def lies(self, code, rc, *lies, there=MAILS):
        """A server that says something else for two rounds, and then the truth."""
        liar = self.liar()
        for pattern, instead in lies:
            liar.lie(pattern, instead)
        self.drill(code, rc, there)
        self.syncd.run("sync")
        self.assertGreater(liar.told, 0, "no lie was told")
        self.assertEqual(self.near(), MAILS, "deleted or doubled here")
        self.assertEqual(self.far(), there, "deleted or doubled there")
        liar.honest()
        self.syncd.run("sync")
        self.as_before(there)

    NOTHING_FOUND = ((rb"^\* SEARCH.*\r\n", b"* SEARCH\r\n"),
                     (rb"^(\* ESEARCH .*UID) .*\r\n", b"\\1\r\n"))

    @staticmethod
    def less(word, by):
        """A lie: another number behind the word."""
        def change(m):
            return m[1] + b"%d" % max(1, int(m[2]) - by)
        return rb"(\b%s )(\d+)" % word, change

    def test_uidvalidity_goes_up(self):
        self.lies("server.uidvalidity", 0, self.less(b"UIDVALIDITY", -1))

    def test_uidvalidity_goes_back(self):
        self.lies("server.uidvalidity", 0, self.less(b"UIDVALIDITY", 1))

    def test_uidnext_goes_back(self):
        self.lies("server.uidvalidity", 0, self.less(b"UIDNEXT", 5))

    def test_highestmodseq_goes_back(self):
        self.lies("server.uidvalidity", 0, self.less(b"HIGHESTMODSEQ", 1 << 60))

    def test_list_says_nothing(self):
        self.lies("proto.unexpected", 75, (rb"^\* (LIST|STATUS) .*\r\n", b""))

    def test_search_says_nothing(self):
        """To a daemon that has to ask what is left."""
        self.syncd.settings["accounts"]["a"]["avoid"] = ["QRESYNC"]
        self.expunge(1)
        self.lies("proto.unexpected", 1, *self.NOTHING_FOUND, there=MAILS - 1)

    def test_the_mailbox_is_said_to_be_empty(self):
        # That it is looked into.
        self.client.store("INBOX", self.client.fetch_all("INBOX")[0].uid, "+", "F")
        self.lies("guard.max-delete", 10, *self.NOTHING_FOUND,
                  (rb"^\* \d+ EXISTS", b"* 0 EXISTS"), (rb"^\* \d+ FETCH .*\r\n", b""),
                  (rb"(\bMESSAGES )\d+", rb"\g<1>0"))

    def test_everything_is_marked_deleted(self):
        """Marked is not gone, and that is all there is to say."""
        for m in self.client.fetch_all("INBOX", bodies=False):
            self.client.store("INBOX", m.uid, "+", "T")
        self.drill(None, 0)
        self.as_before()

    def test_another_account_answers(self):
        """The same name, somebody else's mail."""
        other = next(self.free_users)
        with self.dovecot.client(other) as c:
            c.append("INBOX", message("foreign"), date=DATE)
        self.syncd.settings["accounts"]["a"]["user"] = other
        self.syncd.write()
        self.drill("server.uidvalidity", 0)
        mine = {t for m in self.tree.messages("INBOX")
                for t in re.findall(rb"^Subject: (m\d\d)$", m.data, re.M)}
        self.assertEqual(len(mine), MAILS, "deleted here")
        with self.dovecot.client(other) as c:
            self.assertTrue(any(b"foreign" in m.data for m in c.fetch_all("INBOX")))

    def test_the_server_is_restored_from_a_backup(self):
        """UIDNEXT and HIGHESTMODSEQ go back, and the UIDs of later messages are
        given away again."""
        self.client.close()
        self.dovecot.back_up()
        with self.dovecot.client(self.user) as c:
            c.append("INBOX", message("there"), date=DATE)
        self.tree.add("INBOX", local_message("here"), "S", date=DATE)
        self.syncd.sync()
        self.assertSame()
        self.dovecot.restore()
        with self.dovecot.client(self.user) as c:
            c.append("INBOX", message("after"), date=DATE)
        # What the backup did not have is put back from here.
        self.drill("server.uidvalidity", 0, MAILS + 3)
        self.as_before(MAILS + 3)

    def test_a_mailbox_was_made_again(self):
        self.client.create("Work")
        for i in range(MAILS):
            self.client.append("Work", message(f"w{i:02d}"), date=DATE + i)
        self.syncd.sync()
        mail = self.client.fetch_all("Work")
        self.client.delete("Work")
        self.client.create("Work")
        for m in reversed(mail):
            self.client.append("Work", m.data, "", (), m.date)
        self.drill("server.uidvalidity", 0)
        self.as_before()
        self.assertEqual(self.near("Work"), MAILS)
