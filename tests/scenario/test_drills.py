"""Loss drills: a disk, a server or a state that is not what it was.  None of them
deletes a message on either side, each is said once with what to do, and when all
is as before, so is everything.

test_absence.py has the deletions that a guard holds; here are the disasters.
"""
import os
import shutil
import time

import peer
from case import Case, limit, local_message, message
from compare import compare
from peer import Peer
from syncd import Syncd

DATE = 1_600_000_000
MAILS = 12


class Disk(Case):
    """What may happen to the tree and to the state."""

    def setUp(self):
        super().setUp()
        for i in range(MAILS):
            self.client.append("INBOX", message(f"m{i:02d}"), "S" if i % 2 else "", date=DATE + i)
        self.syncd.sync()

    def drill(self, *codes, rc=None):
        """A round in a disaster: nothing is deleted, and it is said."""
        r = self.syncd.run("sync")
        self.assertEqual(len(self.client.fetch_all("INBOX", bodies=False)), MAILS,
                         "deleted on the server: " + r.err)
        self.assertEqual(len(self.client.fetch_all("Trash", bodies=False)), 0)
        if codes:
            self.assertGreater(r.rc, 0, r)
            self.assertTrue(any(c in r.err for c in codes), r.err)
            self.assertEqual(sum(r.err.count(f"[{c}]") for c in codes), 1, "said once: " + r.err)
            for c in (c for c in codes if f"[{c}]" in r.err):
                self.assertIn("\n", self.syncd.run("explain", c).out, "no remedy for " + c)
        elif rc is not None:
            self.assertEqual(r.rc, rc, r)
        return r

    def as_before(self):
        """All is well again: the same mail, once, on both sides."""
        self.syncd.sync()
        self.assertSame()
        self.assertEqual(len(self.tree.messages("INBOX")), MAILS)
        self.assertQuiet()

    def away(self):
        os.rename(self.tree.root, self.tree.root + ".away")

    def back(self):
        if os.path.islink(self.tree.root):
            os.unlink(self.tree.root)
        elif os.path.isdir(self.tree.root):
            shutil.rmtree(self.tree.root)
        os.rename(self.tree.root + ".away", self.tree.root)

    def test_the_disk_is_not_mounted(self):
        self.away()
        os.mkdir(self.tree.root)
        self.drill("store.marker-missing")
        self.back()
        self.as_before()

    def test_the_directory_is_gone(self):
        self.away()
        self.drill("store.marker-missing")
        self.back()
        self.as_before()

    def test_the_root_is_a_dangling_link(self):
        self.away()
        os.symlink("/nonexistent/mail", self.tree.root)
        self.drill("store.marker-missing", "store.io", "store.permission")
        self.back()
        self.as_before()

    def test_another_accounts_tree_is_in_its_place(self):
        other = Syncd(self.dovecot, next(self.free_users))
        self.addCleanup(other.stop)
        other.sync()
        self.away()
        shutil.copytree(other.tree.root, self.tree.root)
        self.drill("store.marker-missing", "store.marker-other")
        self.back()
        self.as_before()

    def test_cur_and_new_of_a_folder_are_gone(self):
        inbox = self.tree.path("INBOX")
        os.rename(inbox + "/cur", inbox + "/cur.away")
        self.drill()
        if os.path.isdir(inbox + "/cur"):
            shutil.rmtree(inbox + "/cur")
        os.rename(inbox + "/cur.away", inbox + "/cur")
        self.as_before()

    def test_a_folder_cannot_be_read(self):
        inbox = self.tree.path("INBOX")
        # Also for root: a file where the directory was.
        os.rename(inbox + "/cur", inbox + "/cur.away")
        with open(inbox + "/cur", "wb"):
            pass
        self.drill()
        os.unlink(inbox + "/cur")
        os.rename(inbox + "/cur.away", inbox + "/cur")
        self.as_before()

    def database(self):
        return os.path.join(self.syncd.state, "a.db")

    @limit(90)
    def test_the_state_is_gone(self):
        shutil.rmtree(self.syncd.state)
        os.mkdir(self.syncd.state, 0o700)
        seen = len(self.dovecot.connections(self.user))
        self.drill()
        self.as_before()
        bodies = [c for c in self.dovecot.commands(self.user, since=seen) if "BODY.PEEK[]" in c]
        self.assertEqual(bodies, [], "more than headers")

    @limit(90)
    def test_the_state_is_gone_and_both_sides_have_changed(self):
        self.client.append("INBOX", message("there"), date=DATE)
        self.tree.add("INBOX", local_message("here"), "S", date=DATE)
        os.unlink(self.tree.find("INBOX", "Subject: m00").path)
        shutil.rmtree(self.syncd.state)
        os.mkdir(self.syncd.state, 0o700)
        for _ in range(2):
            self.syncd.run("sync")
        self.assertSame()
        # A union: what was deleted here comes back.
        self.assertEqual(len(self.tree.messages("INBOX")), MAILS + 2)

    def test_the_state_is_cut_short(self):
        size = os.path.getsize(self.database())
        os.truncate(self.database(), size // 2 // 4096 * 4096)
        self.drill("state.corrupt")

    def test_the_state_is_empty(self):
        os.truncate(self.database(), 0)
        self.drill()
        self.as_before()

    def test_the_state_has_flipped_bits(self):
        with open(self.database(), "r+b") as f:
            f.seek(4096)
            page = f.read(4096)
            f.seek(4096)
            f.write(bytes(b ^ 0xff for b in page))
        self.drill("state.corrupt")

    @limit(90)
    def test_the_state_is_another_accounts(self):
        other = Syncd(self.dovecot, next(self.free_users))
        self.addCleanup(other.stop)
        with self.dovecot.client(other.settings["accounts"]["a"]["user"]) as c:
            c.append("INBOX", message("foreign"), date=DATE)
        other.sync()
        shutil.copy(os.path.join(other.state, "a.db"), self.database())
        for _ in range(2):
            self.drill()
        self.assertEqual(len(self.tree.messages("INBOX")), MAILS)


class Restored(Case):
    """The server's side, where it is Dovecot's own."""

    def test_a_mailbox_that_was_made_again_is_matched(self):
        for i in range(MAILS):
            self.client.append("Archive", message(f"m{i:02d}"), date=DATE + i)
        self.syncd.sync()
        mail = self.client.fetch_all("Archive")
        self.client.delete("Archive")
        self.client.create("Archive")
        for m in reversed(mail):
            self.client.append("Archive", m.data, "", (), m.date)
        for _ in range(2):
            self.syncd.run("sync")
        self.assertSame()
        self.assertEqual(len(self.tree.messages("Archive")), MAILS)


class Server(Case):
    """What no real server does on demand."""
    server = None
    caps = peer.MODERN

    def setUp(self):
        self.peer = Peer(self.caps)
        self.addCleanup(self.peer.stop)
        self.inbox = self.peer.boxes["INBOX"]
        for i in range(MAILS):
            self.inbox.add(message(f"m{i:02d}"), (), DATE + i)
        self.syncd = Syncd(self.peer)
        self.addCleanup(self.syncd.stop)
        self.tree = self.syncd.tree
        self.syncd.sync()

    def drill(self, rounds=3):
        for _ in range(rounds):
            r = self.syncd.run("sync")
            self.assertGreaterEqual(r.rc, 0)
        self.assertEqual(len(self.inbox.msgs), MAILS, "deleted on the server")
        self.assertEqual(len(self.tree.messages("INBOX")), MAILS, "deleted or doubled here")
        return r

    def same(self):
        with self.peer.client() as c:
            self.assertEqual(compare(c, self.tree), [])

    def test_uidvalidity_goes_up(self):
        self.inbox.renumber()
        self.drill()
        self.same()

    def test_uidvalidity_goes_down(self):
        self.inbox.renumber()
        self.inbox.validity -= 2
        self.drill()
        self.same()

    def test_all_uids_are_new(self):
        for m in self.inbox.msgs:
            m.uid += 1000
            self.inbox.touch(m)
        self.inbox.next += 1000
        self.drill()
        self.same()

    def test_uids_are_dealt_anew(self):
        """Each number means another message, and says nothing about what it was."""
        first = self.inbox.msgs[0]
        first.flags.add("\\Flagged")
        self.inbox.touch(first)
        self.syncd.sync()
        self.inbox.msgs.reverse()
        for uid, m in enumerate(self.inbox.msgs, 1):
            m.uid = uid
        self.inbox.validity += 1
        self.inbox.gone.clear()
        self.drill()
        self.same()
        self.assertEqual([m for m in self.inbox.msgs if m.flags], [first])
        self.inbox.msgs[0].flags.add("\\Answered")
        self.inbox.touch(self.inbox.msgs[0])
        self.syncd.sync()
        self.same()

    def test_highestmodseq_goes_back_and_flags_with_it(self):
        """What changes below the number that we know is seen."""
        for m in self.inbox.msgs:
            m.modseq = 1
        self.inbox.modseq = 1
        self.inbox.msgs[0].flags.add("\\Flagged")
        self.inbox.touch(self.inbox.msgs[0])
        self.drill()
        self.same()
        self.assertEqual(self.inbox.msgs[0].flags, {"\\Flagged"})

    def test_highestmodseq_goes_back(self):
        for m in self.inbox.msgs:
            m.modseq = 1
        self.inbox.modseq = 1
        self.drill()
        self.same()

    def test_a_backup_is_restored(self):
        """UIDNEXT goes back, and the UIDs of later messages are given away."""
        self.inbox.add(message("later"), (), DATE)
        self.syncd.sync()
        self.inbox.remove(self.inbox.msgs[-1])
        self.inbox.gone.clear()
        self.inbox.next -= 1
        self.inbox.modseq -= 2
        for _ in range(3):
            self.syncd.run("sync")
        # What the backup did not have is put back from here.
        self.assertEqual(len(self.inbox.msgs), MAILS + 1)
        self.same()

    def test_list_says_nothing(self):
        self.peer.on("LIST", peer.reply("OK done"))
        self.drill(1)
        self.peer.rules.__init__()
        self.drill()
        self.same()

    def test_search_says_nothing(self):
        self.inbox.gone.clear()
        self.peer.on("UID SEARCH", peer.reply("OK done"))
        self.inbox.modseq += 5
        self.drill()
        self.peer.rules.__init__()
        self.drill()
        self.same()

    def test_the_mailbox_is_said_to_be_empty(self):
        self.peer.on("SELECT|EXAMINE", peer.raw(
            b"* 0 EXISTS\r\n* OK [UIDVALIDITY %d]\r\n* OK [UIDNEXT 1]\r\n"
            b"* OK [HIGHESTMODSEQ 1]\r\nTAG OK done\r\n" % self.inbox.validity))
        self.drill()

    def test_everything_is_marked_deleted(self):
        """Marked is not gone."""
        for m in self.inbox.msgs:
            m.flags.add("\\Deleted")
            self.inbox.touch(m)
        self.drill()

    def test_another_account_answers(self):
        """The same name, somebody else's mail: nothing of ours is deleted."""
        mine = list(self.inbox.msgs)
        self.inbox.msgs.clear()
        self.inbox.gone.clear()
        self.inbox.validity += 77
        self.inbox.next = 1
        self.inbox.add(message("foreign"), (), DATE)
        for _ in range(2):
            self.syncd.run("sync")
        tokens = b"".join(m.data for m in self.tree.messages("INBOX"))
        for m in mine:
            self.assertIn(m.data.split(b"\r\n")[0], tokens, "deleted here")

    def test_the_server_is_slow_to_tell(self):
        self.peer.on("STATUS|LIST", peer.before(b"* BYE later\r\n"), times=1)
        started = time.monotonic()
        self.drill()
        self.assertLess(time.monotonic() - started, 30)
        self.same()


class ServerWithoutModseqs(Server):
    """Nothing but UIDNEXT tells that the server went back."""
    caps = peer.PLAIN

    def test_one_message_is_not_listed(self):
        """Fewer than it counts: the one may be there."""
        self.peer.on("UID FETCH", peer.raw(b"".join(
            b"* %d FETCH (UID %d FLAGS ())\r\n" % (n, n) for n in range(2, MAILS + 1)) +
            b"TAG OK done\r\n"))
        for _ in range(2):
            self.syncd.run("sync", "--full")
            self.assertEqual(len(self.tree.messages("INBOX")), MAILS, "deleted here")
        self.peer.rules.__init__()
        self.drill()
        self.same()


class ServerWithoutVanished(Server):
    """It is asked for what is left."""
    caps = peer.MODERN.replace(" QRESYNC", "")

    def test_search_finds_less_than_there_is(self):
        self.inbox.remove(self.inbox.msgs[0])
        self.peer.on("UID SEARCH", peer.reply("OK done"))
        for _ in range(2):
            self.syncd.run("sync")
            self.assertEqual(len(self.tree.messages("INBOX")), MAILS, "deleted here")
        self.peer.rules.__init__()
        self.syncd.sync()
        self.assertEqual(len(self.tree.messages("INBOX")), MAILS - 1)
        self.same()
