"""Scripts and POP3: what they decide is done here, once; the server is sent
nothing but what takes mail from it.
"""
import os
import unittest

from case import Case, message
from poppeer import FULL, Mail, PopPeer
from syncd import BUILD, Syncd

KILLAT = os.path.join(BUILD, "killat")

# By its number each message is filed, flagged and tagged.
FILES = """
plugin { api = 1 }
on.incoming({ origin = { "initial", "server" } }, function(msg)
  local n = tonumber(msg.subject:match("^m(%d+)$"))
  if n % 3 == 0 then msg:move("Lists/thirds") end
  if n % 2 == 0 then msg:flag("seen"):tag("even") end
end)
"""
IN_INBOX = [("m1", ""), ("m2", "Sa"), ("m4", "Sa"), ("m5", "")]
IN_THIRDS = [("m3", ""), ("m6", "Sa")]


def script(syncd, text, **options):
    path = os.path.join(syncd.dir, "s.lua")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    syncd.settings["plugins"] = [{"script": path, **options}]
    syncd.write()


class PopScripts(unittest.TestCase):
    n = 6
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.peer = PopPeer(tls=False)
        cls.addClassCleanup(cls.peer.stop)

    def setUp(self):
        self.begin()

    def begin(self, **pop3):
        self.peer.reset(FULL)
        self.peer.mails = [Mail(f"id{i}", message(f"m{i}", f"body {i}"))
                           for i in range(1, self.n + 1)]
        self.syncd = Syncd(self.peer, account={
            "protocol": "pop3", "pop3": pop3, "tls": {"mode": "none"}})
        self.addCleanup(self.syncd.stop)

    def names(self, folder):
        """(subject, letters) of what is in a folder."""
        return sorted((m.data.split(b"\n")[0].decode().split()[1],
                       os.path.basename(m.path).partition(":2,")[2])
                      for m in self.syncd.tree.messages(folder))

    def there(self):
        return [m.uidl for m in self.peer.mails]

    def sent(self, verb):
        return [c for c in self.peer.sent if c.startswith(verb)]

    def assertFiled(self):
        self.assertEqual(self.names("INBOX"), IN_INBOX)
        self.assertEqual(self.names("Lists/thirds"), IN_THIRDS)

    def assertQuiet(self):
        del self.peer.fetched[:]
        self.peer.clear()
        self.syncd.sync()
        self.assertEqual((self.peer.fetched, self.sent("TOP"), self.sent("DELE")), ([], [], []))


class Incoming(PopScripts):
    def test_filed_here_and_never_fetched_again(self):
        script(self.syncd, FILES)
        self.syncd.sync()
        self.assertFiled()
        self.assertQuiet()
        self.assertFiled()
        self.assertEqual(len(self.there()), self.n)

    def test_what_was_filed_is_deleted_there_in_time(self):
        self.begin(keep_on_server=0)
        script(self.syncd, FILES)
        self.syncd.sync()
        self.assertFiled()
        self.assertEqual(self.there(), [])

    def test_nobody_asks_for_headers(self):
        script(self.syncd, FILES)
        self.syncd.sync()
        self.assertEqual(self.sent("TOP"), [])

    def test_killed_on_the_way(self):
        for n in (150, 215, 229, 260):
            self.begin(keep_on_server=0)
            script(self.syncd, FILES)
            self.syncd.wrap = (KILLAT, "-n", str(n), "-m", "after", "--")
            self.assertEqual(self.syncd.run("sync").rc, 137, n)
            self.syncd.wrap = ()
            if os.path.isdir(os.path.join(self.syncd.tree.root, "INBOX", "new")):
                self.assertLessEqual(set(self.names("INBOX")), set(IN_INBOX), n)
            self.syncd.sync()
            self.assertFiled()
            self.assertEqual(self.there(), [], n)


class IncomingDovecot(Case):
    server = {"pop3": "pop3_uidl_format = %08Xu%08Xv"}

    def test_filed_here_and_never_fetched_again(self):
        account = self.syncd.settings["accounts"]["a"]
        account.update(protocol="pop3", port=self.dovecot.pop3s_port)
        script(self.syncd, FILES)
        for i in range(1, 7):
            self.client.append("INBOX", message(f"m{i}"))
        self.assertIn("downloaded=6", self.syncd.sync().out)
        self.assertEqual(len(self.tree.messages("INBOX")), 4)
        self.assertEqual(len(self.tree.messages("Lists/thirds")), 2)
        self.assertNotIn("downloaded", self.syncd.sync().out)
