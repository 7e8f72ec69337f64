"""Loss drills: a disk, a server or a state that is not what it was (drills.py), with
Dovecot as the server; and what a server can do that is nobody's.

test_absence.py has the deletions that a guard holds; here are the disasters.
"""
import time

import peer
from case import Case, message
from compare import compare
from drills import Drills
from peer import Peer
from syncd import Syncd

DATE = 1_600_000_000
MAILS = 12


class OnDovecot(Drills, Case):
    server = {"rawlog": True}


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
