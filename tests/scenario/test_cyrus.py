"""Cyrus instead of Dovecot: another reading of the same RFCs."""
from case import Case, local_message, message
from cyrus import Cyrus
from test_ladder import OLD, Ladder, WORDS, without


class Changes(Ladder):
    kind = Cyrus
    server = {}

    def test_with_everything_there_is(self):
        self.climb()

    def test_maildir_plus_plus(self):
        self.join(next(self.free_users), {"layout": "maildir++"})
        self.climb()

    def test_avoiding_what_there_is(self):
        for cap in ("QRESYNC", "CONDSTORE", "MOVE", "UIDPLUS"):
            with self.subTest(cap):
                self.join(next(self.free_users), {"avoid": without(cap)})
                self.theirs = []
                self.climb(without(cap))
                self.assertEqual(self.said(WORDS[cap]), [])

    def test_avoiding_everything(self):
        self.join(next(self.free_users), {"avoid": list(WORDS)})
        self.climb(WORDS)


class Live(Case):
    kind = Cyrus
    server = {}

    def test_changes_cross_by_themselves(self):
        self.client.append("INBOX", message("first"), date=OLD)
        self.syncd.start()
        self.wait_same(20)
        self.wait(lambda: self.syncd.status()["accounts"][0]["state"] == "live", 10,
                  "the daemon to listen")
        self.client.append("INBOX", message("far"), date=OLD)
        self.wait(lambda: self.tree.find("INBOX", "far"), 10, "the delivery")
        self.tree.add("INBOX", local_message("near"), date=OLD)
        self.tree.set_flags("INBOX", "first", "S")
        self.wait_same(10)
        self.assertPlaces("near", "INBOX")
