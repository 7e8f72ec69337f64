"""The connections that only listen, when the server has ideas of its own about them."""
import time
import unittest

import peer
from case import limit, message
from peer import bye, no, raw
from server import wait_for
from test_peer import PeerCase


class ListenCase(PeerCase):
    """Nothing else would look for hours."""
    account = {"watch": {"poll": "6h"}}

    def idle_in(self, folder="INBOX"):
        wait_for(lambda: any(s.idle and s.box is self.peer.boxes[folder]
                             for s in list(self.peer.sessions)), 40, f"IDLE in {folder}")

    def arrives(self, token, folder="INBOX"):
        self.peer.deliver(folder, message(token))
        wait_for(lambda: any(token.encode() in m.data for m in self.tree.messages(folder)), 40,
                 f"{token} to arrive")


class Listening(ListenCase):
    """IDLE."""
    caps = peer.MODERN + " UTF8=ACCEPT"

    def test_a_server_that_ends_it_by_itself(self):
        self.peer.on("IDLE", raw(b"+ idling\r\nTAG OK that is long enough\r\n"), times=1)
        self.syncd.start()
        self.idle_in()
        self.arrives("pushed")

    def test_a_name_that_is_spelled_as_the_other_connection_has_it(self):
        """Without modified UTF-7, which a connection has until UTF-8 is enabled."""
        self.peer.box("Entwürfe & Söhne")
        self.syncd.settings["accounts"]["a"]["watch"] = {"poll": "6h", "idle_folders": ["Entw*"]}
        self.syncd.write()
        self.syncd.start()
        self.idle_in("Entwürfe & Söhne")
        self.arrives("pushed", "Entwürfe & Söhne")
        self.assertEqual(self.peer.trouble, [])

    def test_a_folder_that_is_not_opened(self):
        """IDLE in no mailbox is deaf: it is ended, said once, and tried again."""
        def asked():
            return sum(c.startswith("EXAMINE") for c in list(self.peer.sent))

        def state():
            a = self.syncd.status()["accounts"][0]
            return a["state"], a["transport"]["push"]
        self.peer.on("EXAMINE", no("[INUSE] somebody else has it"))
        self.syncd.start()
        wait_for(lambda: asked() >= 3, 40, "a third attempt")
        wait_for(lambda: not any(s.idle for s in list(self.peer.sessions)), 20, "IDLE to end")
        wait_for(lambda: state() == ("polling", "none"), 20, "the state to be told")
        self.assertEqual(self.syncd.log().count("INBOX: no watch, for the server would not "
                                                "open it: somebody else has it"), 1)
        self.assertLess(asked(), 10)
        self.peer.clear()
        self.idle_in()
        self.arrives("pushed")
        wait_for(lambda: state() == ("live", "idle"), 20, "the state to be told")

    @limit(120)
    def test_a_server_that_lets_us_in_and_finds_us_too_many(self):
        """It is asked again, and not without a pause."""
        self.peer.on("IDLE", bye("too many connections"))
        self.syncd.start()
        wait_for(lambda: self.peer.connections >= 4, 40, "a third attempt")
        time.sleep(3)
        self.assertLess(self.peer.connections, 10)
        self.peer.rules.__init__()
        self.idle_in()
        self.arrives("pushed")


class Notified(ListenCase):
    """NOTIFY, for the whole account."""
    caps = peer.MODERN + " NOTIFY"

    def asked(self):
        return sum(c.startswith("NOTIFY SET") for c in list(self.peer.sent))

    def test_a_server_that_gives_up_whenever_it_is_asked(self):
        """It is asked again, and not without a pause."""
        self.peer.overflows = 1 << 30
        self.syncd.start()
        wait_for(lambda: self.asked() >= 2, 40, "the second NOTIFY")
        time.sleep(3)
        self.assertLess(self.asked(), 10)


del PeerCase, ListenCase

if __name__ == "__main__":
    unittest.main()
