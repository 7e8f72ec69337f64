"""What a server will not take from here, or not now; and one that pushes less than it
says."""
import unittest

from case import local_message, message, rows
from peer import MODERN, no
from test_peer import DATE, PeerCase, wait_for


class Unsent(PeerCase):
    caps = MODERN + " APPENDLIMIT=2000"

    def tokens(self):
        return sorted(m.data.split(b"Subject: ")[1].split(b"\r")[0].decode()
                      for m in self.inbox.msgs)

    def added(self, token, body="z"):
        self.tree.add("INBOX", local_message(token, body), date=DATE + 60)

    def stays_here(self, body, why):
        """It is not sent in vain, the rest is, and nobody is asked again."""
        self.syncd.sync()
        self.added("odd", body)
        self.added("plain")
        self.assertRegex(self.any_end().err, why)
        self.assertEqual({"odd", "plain"} & set(self.tokens()), {"plain"})
        with self.peer.lock:
            self.peer.sent.clear()
        self.any_end()
        self.assertEqual([c for c in self.peer.sent if c.startswith("APPEND")], [])
        self.assertIsNotNone(self.tree.find("INBOX", "odd"))

    def test_more_than_the_server_takes(self):
        self.stays_here("z" * 4000, "larger than the server's APPENDLIMIT")

    def test_nul_bytes_for_a_server_without_binary(self):
        self.stays_here("a\0b", "holds NUL bytes")

    def test_a_mailbox_that_is_to_be_made_first(self):
        """[TRYCREATE] for one that was there a moment ago: later it is."""
        self.syncd.sync()
        self.added("late")
        self.peer.on("APPEND", no("[TRYCREATE] make it"), times=1)
        self.any_end()
        self.heal()
        self.assertEqual(self.tokens().count("late"), 1)


# What an APPEND is told, once.
ANSWERS = {"refused": "not this one", "full": "[OVERQUOTA] full",
           "to be made": "[TRYCREATE] make it"}


@rows("draft", ANSWERS)
class Replaced(PeerCase):
    """A draft that is saved again, and whose new version is not taken: the old one
    keeps its place on the server, the new one here, until it is."""

    def bodies(self):
        return [m.data.split(b"\r\n\r\n")[1].strip().decode() for m in self.drafts.msgs]

    def draft(self, text):
        self.drafts = self.peer.box("Drafts", ["\\Drafts"])
        self.drafts.add(message("draft", "first"), {"\\Draft"}, DATE)
        self.syncd.sync()
        self.tree.replace("Drafts", "draft", local_message("draft", "second"))
        self.peer.on("APPEND", no(text), times=1)
        self.any_end()
        self.assertEqual(self.bodies(), ["first"])
        self.assertIn(b"second", self.tree.find("Drafts", "draft").data)
        self.peer.rules.__init__()
        for _ in range(3):
            self.any_end()
        self.assertEqual(self.bodies(), ["second"])
        [m] = self.tree.messages("Drafts")
        self.assertIn(b"second", m.data)


class TooBig(PeerCase):
    """The new version of a draft is larger than the server takes: what comes of it is
    what comes of the draft."""
    caps = MODERN + " APPENDLIMIT=2000"

    def setUp(self):
        super().setUp()
        self.drafts = self.peer.box("Drafts", ["\\Drafts"])
        self.drafts.add(message("draft", "first"), {"\\Draft"}, DATE)
        self.syncd.sync()
        self.tree.replace("Drafts", "draft", local_message("draft", "z" * 4000))
        self.assertIn("APPENDLIMIT", self.any_end().err)
        self.any_end()
        self.assertEqual(len(self.drafts.msgs), 1)

    def test_and_a_smaller_one_takes_the_place_of_both(self):
        self.tree.replace("Drafts", "draft", local_message("draft", "third"))
        self.any_end()
        self.any_end()
        [there] = self.drafts.msgs
        self.assertIn(b"third", there.data)
        [here] = self.tree.messages("Drafts")
        self.assertIn(b"third", here.data)

    def test_and_it_is_deleted(self):
        self.tree.delete("Drafts", "draft")
        self.any_end()
        self.any_end()
        self.assertEqual(self.drafts.msgs, [])
        self.assertEqual(self.tree.messages("Drafts"), [])


class Pushed(PeerCase):
    caps = MODERN + " NOTIFY"
    account = {"watch": {"poll": "1h"}}

    def test_notify_that_is_refused(self):
        """IDLE instead, over the same connection."""
        self.peer.on("NOTIFY", no())
        self.syncd.start()
        wait_for(lambda: any(s.idle for s in self.peer.sessions), 20, "IDLE")
        self.peer.deliver("INBOX", message("pushed"))
        wait_for(lambda: any(b"pushed" in m.data for m in self.tree.messages("INBOX")), 20,
                 "the message")
        self.assertIn("NOTIFY refused, so IDLE", self.syncd.log())

    def here(self, folder, token):
        return any(token.encode() in m.data for m in self.tree.messages(folder))

    def test_notify_that_overflows(self):
        """What was not told is looked for, and it is asked for again."""
        self.syncd.start()
        wait_for(lambda: any(s.notified for s in self.peer.sessions), 20, "NOTIFY")
        wait_for(lambda: self.here("INBOX", "m5"), 20, "the first round")
        for token in ("untold", "told"):
            with self.peer.lock:
                self.peer.overflows = int(token == "untold")
                self.peer.deliver("Archive", message(token))
            wait_for(lambda t=token: self.here("Archive", t), 20, token)
        said = [c for c in self.peer.sent if c.startswith("NOTIFY SET")]
        self.assertEqual(len(said), 2, said)


del PeerCase

if __name__ == "__main__":
    unittest.main()
