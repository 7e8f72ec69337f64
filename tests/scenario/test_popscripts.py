"""Scripts and POP3: what they decide is done here, once; the server is sent
nothing but what takes mail from it.
"""
import os
import unittest

from case import Case, limit, message
from peer import cut
from poppeer import FULL, Mail, PopPeer, err
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
        # CAPA; AUTH; CAPA, LIST, UIDL; RETR...; QUIT: nobody asks for headers.
        self.assertEqual(len(self.peer.sent), 6 + self.n, self.peer.sent)
        self.assertFiled()
        self.assertQuiet()
        self.assertFiled()
        self.assertEqual(len(self.there()), self.n)

    def test_killed_on_the_way(self):
        for n in (229, 260):
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


class Keep(PopScripts):
    """What a script says about staying there goes before the configuration."""
    script = """
plugin { api = 1 }
on.incoming(function(msg) msg:keep_on_server(msg.subject == "%s") end)
"""

    def test_kept_although_all_is_deleted(self):
        self.begin(keep_on_server=0)
        script(self.syncd, self.script % "m3")
        self.syncd.sync()
        self.assertEqual(self.there(), ["id3"])
        self.assertQuiet()

    def test_deleted_although_all_is_kept(self):
        script(self.syncd, self.script % "m3")
        self.peer.on("QUIT", cut(), times=1)
        self.syncd.run("sync")
        self.assertEqual(len(self.there()), self.n)
        del self.peer.fetched[:]
        self.syncd.sync()
        self.assertEqual((self.there(), self.peer.fetched), (["id3"], []))
        self.assertIn("a script does not keep it there", self.syncd.run("log").out)


CHOOSES = """
plugin { api = 1, delete = true }
on.offered(function(msg)
  if msg.subject == "m1" then msg:skip() end
  if msg.subject == "m2" then msg:delete() end
  if msg.subject == "m3" then msg:keep_on_server(false) end
  if msg.subject == "m4" then error("oops") end
  if msg.subject == "m5" then local t = msg.text end
end)
"""


class Offered(PopScripts):
    """Before anything is fetched, scripts have seen the headers."""

    def here(self):
        return [name for name, _ in self.names("INBOX")]

    def test_not_fetched_and_never_asked_again(self):
        script(self.syncd, CHOOSES, allow={"delete": True})
        said = self.syncd.sync().err
        self.assertIn("s.lua:7: oops", said)
        self.assertIn("only its header is known", said)
        self.assertEqual(len(self.sent("TOP")), self.n)
        self.assertEqual(self.peer.fetched, ["id3", "id4", "id5", "id6"])
        self.assertEqual(self.here(), ["m3", "m4", "m5", "m6"])
        self.assertEqual(self.there(), ["id1", "id4", "id5", "id6"])
        log = self.syncd.run("log").out
        self.assertIn("a script leaves it on the server: s.lua:4", log)
        self.assertIn("a script deletes it there", log)
        self.assertQuiet()
        self.assertEqual(self.there(), ["id1", "id4", "id5", "id6"])

    def test_what_is_skipped_stays_although_all_is_deleted(self):
        self.begin(keep_on_server=0)
        script(self.syncd, CHOOSES, allow={"delete": True})
        self.syncd.sync()
        self.assertQuiet()
        self.assertEqual(self.there(), ["id1"])

    def test_what_is_deleted_there_is_deleted_if_the_line_breaks(self):
        script(self.syncd, CHOOSES, allow={"delete": True})
        self.peer.on("QUIT", cut(), times=1)
        self.syncd.run("sync")
        self.assertEqual(len(self.there()), self.n)
        self.syncd.sync()
        self.assertEqual(self.there(), ["id1", "id4", "id5", "id6"])
        self.assertEqual(self.peer.fetched, ["id3", "id4", "id5", "id6"])

    def test_what_is_not_granted_is_fetched(self):
        script(self.syncd, CHOOSES)
        self.syncd.run("sync")
        self.assertEqual(len(self.here()), self.n)
        self.assertEqual(len(self.there()), self.n)

    def test_a_loop_ends(self):
        script(self.syncd, """
plugin { api = 1 }
on.offered({ subject = "m2" }, function(msg) msg:skip() while true do end end)
""", limits={"deadline": "500ms"})
        self.syncd.run("sync")
        self.assertEqual(len(self.here()), self.n)
        self.assertEqual(len(self.there()), self.n)

    def test_top_is_refused(self):
        self.peer.caps = tuple(c for c in FULL if c != "TOP")
        script(self.syncd, CHOOSES, allow={"delete": True})
        self.syncd.sync()
        self.assertEqual(len(self.here()), self.n)
        self.assertEqual(len(self.there()), self.n)

    def test_what_cannot_be_fetched_is_not_deleted(self):
        script(self.syncd, CHOOSES, allow={"delete": True})
        self.peer.on("RETR 3", err())
        self.syncd.run("sync")
        self.assertIn("id3", self.there())

    def test_without_ids_nothing_is_skipped(self):
        self.begin(keep_on_server=0, max_per_session=1)
        self.peer.caps = tuple(c for c in FULL if c != "UIDL")
        script(self.syncd, CHOOSES, allow={"delete": True})
        self.syncd.sync()
        self.assertEqual(self.here(), ["m1", "m3", "m4", "m5", "m6"])
        self.assertEqual(self.there(), [])

    def test_more_than_are_asked_about_together(self):
        self.peer.mails = [Mail(f"id{i}", message(f"m{i}")) for i in range(130)]
        script(self.syncd, """
plugin { api = 1 }
on.offered(function(msg) if msg.subject:match("[02468]$") then msg:skip() end end)
""")
        self.syncd.sync()
        self.assertEqual(self.peer.fetched, [f"id{i}" for i in range(1, 130, 2)])
        self.assertQuiet()

    def test_killed_on_the_way(self):
        for n in (90, 130):
            self.begin(keep_on_server=0)
            script(self.syncd, CHOOSES, allow={"delete": True})
            self.syncd.wrap = (KILLAT, "-n", str(n), "-m", "after", "--")
            self.assertEqual(self.syncd.run("sync").rc, 137, n)
            self.syncd.wrap = ()
            self.syncd.sync()
            self.assertEqual(self.here(), ["m3", "m4", "m5", "m6"], n)
            self.assertEqual(self.there(), ["id1"], n)

    def test_one_flight(self):
        script(self.syncd, CHOOSES, allow={"delete": True})
        self.peer.rules.gap = 0.2
        self.syncd.sync()
        # CAPA; AUTH; CAPA, LIST, UIDL; TOP...; RETR...; DELE, QUIT.
        self.assertEqual(self.peer.flights, 6, self.peer.sent)


# m1 is written anew, m2 copied, m3 deleted; what came of that, is tagged later on.
WRITES = """
plugin { api = 1, delete = true }
on.delivered({ origin = { "initial", "server" } }, function(msg)
  if msg.subject == "m1" then msg:rewrite((msg:bytes():gsub("m1", "m1-anew"))) end
  if msg.subject == "m2" then msg:copy("Copies") end
  if msg.subject == "m3" then msg:delete() end
  if msg.subject == "m4" then
    mailbox("Notes"):append("Subject: note\\n\\nwritten by a script\\n", { flags = { "flagged" } })
  end
end)
on.sync_done(function(ev)
  for _, what in ipairs { "m1-anew", "m2", "m3", "note" } do
    for m in search { subject = what } do m:tag("known") end
  end
end)
"""


class Written(PopScripts):
    """What scripts put here is known, although no round ever looks at files."""
    n = 4

    def begin(self, **pop3):
        super().begin(**pop3)
        script(self.syncd, WRITES, allow={"delete": True})

    def assertWritten(self):
        self.assertEqual(self.names("INBOX"), [("m1-anew", "a"), ("m2", "a"), ("m4", "")])
        self.assertEqual(self.names("Copies"), [("m2", "a")])
        self.assertEqual(self.names("Notes"), [("note", "Fa")])

    def test_it_is_found_by_scripts(self):
        self.syncd.sync()
        self.syncd.sync()
        self.assertWritten()
        self.assertQuiet()
        self.assertWritten()
        self.assertEqual(len(self.there()), self.n)

    def test_it_is_moved_by_scripts(self):
        self.syncd.sync()
        script(self.syncd, """
plugin { api = 1 }
on.sync_done(function(ev)
  for m in search { subject = { "m1-anew", "note" } } do m:move("Filed") end
end)
""")
        self.syncd.sync()
        self.assertEqual([s for s, _ in self.names("Filed")], ["m1-anew", "note"])
        self.assertQuiet()
        self.assertEqual([s for s, _ in self.names("Filed")], ["m1-anew", "note"])

    @limit(120)
    def test_killed_on_the_way(self):
        """At a sample of the effects, from about the first that is a script's."""
        hit = True
        for n in range(190, 1200, 17):
            self.begin()
            self.syncd.wrap = (KILLAT, "-n", str(n), "-m", "before", "--")
            hit = self.syncd.run("sync").rc == 137
            self.syncd.wrap = ()
            self.syncd.sync()
            self.syncd.sync()
            self.syncd.sync()
            with self.subTest(n):
                self.assertWritten()
            if not hit:
                break
        self.assertFalse(hit, "the sweep did not reach the end")


class WithDovecot(Case):
    server = {"pop3": "pop3_uidl_format = %08Xu%08Xv"}

    def setUp(self):
        super().setUp()
        account = self.syncd.settings["accounts"]["a"]
        account.update(protocol="pop3", port=self.dovecot.pop3s_port)
        for i in range(1, 7):
            self.client.append("INBOX", message(f"m{i}"))

    def test_filed_here_and_never_fetched_again(self):
        script(self.syncd, FILES)
        self.assertIn("downloaded=6", self.syncd.sync().out)
        self.assertEqual(len(self.tree.messages("INBOX")), 4)
        self.assertEqual(len(self.tree.messages("Lists/thirds")), 2)
        self.assertNotIn("downloaded", self.syncd.sync().out)

    def test_offered(self):
        script(self.syncd, CHOOSES, allow={"delete": True})
        self.assertIn("downloaded=4", self.syncd.sync().out)
        self.assertEqual(len(self.client.fetch_all("INBOX")), 4)    # not m2, not m3
        self.assertNotIn("downloaded", self.syncd.sync().out)
