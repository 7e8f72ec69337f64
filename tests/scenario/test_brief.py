"""A round that nobody watches after: what others do meanwhile is seen, and the times
that it leaves behind are those of what it knows."""
import os
import sqlite3
import unittest

from case import local_message, message, rows
from test_peer import DATE, PeerCase

MEANWHILE = {
    "nothing": lambda t: None,
    "added": lambda t: t.add("INBOX", local_message("near", "z" * 500), "S", date=DATE + 60),
    "deleted": lambda t: t.delete("INBOX", "Subject: m5"),
    "flagged": lambda t: t.set_flags("INBOX", "Subject: m3", "RS"),
    "moved": lambda t: t.move("INBOX", "Subject: m4", "Archive"),
}


@rows("meanwhile", MEANWHILE)
class Brief(PeerCase):
    def known_times(self, folder):
        db = sqlite3.connect(f"file:{self.syncd.state}/a.db?mode=ro", uri=True)
        [(path, *times)] = db.execute("SELECT path, mtime_cur, mtime_new FROM folder"
                                      " WHERE path = ?", (folder.encode(),))
        db.close()
        return times

    def times(self, folder):
        return [os.stat(os.path.join(self.tree.path(folder), sub)).st_mtime_ns
                for sub in ("cur", "new")]

    def meanwhile(self, act):
        self.syncd.sync()
        self.inbox.add(message("far", "y" * 500), (), DATE + 50)
        self.inbox.msgs[0].flags.add("\\Flagged")
        self.inbox.touch(self.inbox.msgs[0])
        self.inbox.remove(next(m for m in self.inbox.msgs if b"m2" in m.data))
        done = []

        def once(*_):
            if not done:
                done.append(act(self.tree))
            return False
        self.peer.on("UID FETCH", once)
        self.syncd.sync()
        self.assertEqual(len(done), 1)
        self.assertEqual(self.known_times("INBOX"), self.times("INBOX"))
        self.heal()


if __name__ == "__main__":
    unittest.main()
