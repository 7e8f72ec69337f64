"""search { server = true }: a server that finds what is asked, with a real script."""
import unittest

from case import message
from poppeer import FULL, Mail, PopPeer
from syncd import Syncd
from test_popscripts import script
from test_scripts import ScriptCase

# `syncd cmd find KEY VALUE`: the subjects.
FINDS = """
plugin { api = 1 }
local function subjects(query)
  query.server = true
  local all = {}
  for m in search(query) do all[#all + 1] = m.subject .. "@" .. m.mailbox end
  table.sort(all)
  return #all > 0 and table.concat(all, " ") or "nothing"
end
command("find", "by one key", function(msgs, key, value, mailbox)
  return subjects { [key] = value, mailbox = mailbox }
end)
command("both", "by a word in the body, and flagged", function(msgs, word)
  return subjects { text = word, flagged = true, from = "*@test.example" }
end)
on.settled(function(ev)
  for m in search { server = true, text = "merger", keyword = "asked" } do m:untag("asked"):tag("found") end
end)
"""
TEXTS = {"one": "about the Merger of two", "two": "nothing at all",
         "three": 'a "quoted" \\ merger', "four": "gr\u00fc\u00dfe",
         "five": "x\" OR ALL"}


class SearchBase(ScriptCase):
    def prepare(self):
        self.script("finds", FINDS)
        for name, body in TEXTS.items():
            self.client.append("INBOX", message(
                name, body, **{"Content-Type": "text/plain; charset=utf-8"}))
        self.client.create("Other")
        self.client.append("Other", message("six", "another merger"))
        self.syncd.start()
        self.wait_same(30, "the first round")

    def find(self, *args, verb="find"):
        r = self.syncd.run("cmd", verb, *args)
        self.assertEqual(r.rc, 0, r.err)
        return r.out.removesuffix("a: done\n").strip()


class SearchTest(SearchBase):
    def test_words_in_bodies(self):
        self.prepare()
        for args, want in (
                (("text", "merger"), "one@INBOX six@Other three@INBOX"),
                (("text", "merger", "INBOX"), "one@INBOX three@INBOX"),
                (("text", "merger", "Oth*"), "six@Other"),
                (("text", "merger", "Nowhere"), "nothing"),
                (("text", "gr\u00fc\u00dfe"), "four@INBOX"),
                (("text", '"quoted" \\'), "three@INBOX"),
                # What would be a query is a text.
                (("text", 'x" OR ALL'), "five@INBOX"),
                (("text", "nobody wrote this"), "nothing"),
                (("subject", "t*"), "three@INBOX two@INBOX"),
                (("from", "*@elsewhere"), "nothing"),
                (("message_id", "two@test.example"), "two@INBOX")):
            with self.subTest(args):
                self.assertEqual(self.find(*args), want)
        said = self.dovecot.commands(self.user)
        self.assertTrue([c for c in said if "BODY" in c and "SEARCH" in c], said)

    def test_what_the_server_cannot_be_asked_for(self):
        self.prepare()
        r = self.syncd.run("cmd", "find", "text", "a\nb")
        self.assertNotEqual(r.rc, 0)
        self.assertIn("the server cannot be asked for such a text", r.err)

    def test_keys_that_are_tested_on_either_side(self):
        self.prepare()
        self.assertEqual(self.find("merger", verb="both"), "nothing")
        self.tree.set_flags("INBOX", "three", "F")
        self.wait_same(30, "the flag")
        self.assertEqual(self.find("merger", verb="both"), "three@INBOX")

    def test_in_an_event_and_the_sync_goes_on(self):
        self.prepare()
        uid = self.client.find("INBOX", "one")
        self.client.store("INBOX", uid, "+", keywords=["asked"])
        self.wait(lambda: "found" in self.tree.find("INBOX", "one").keywords, 30, "the tag")
        self.client.append("INBOX", message("seven"))
        self.wait_same(30, "what came after it")
        self.assertEqual(self.syncd.status()["accounts"][0]["problems"], [])


class OutageTest(SearchBase):
    def test_without_a_connection(self):
        self.prepare()
        self.dovecot.stop()
        self.wait(lambda: self.syncd.status()["accounts"][0]["state"] != "live", 60, "the outage")
        r = self.syncd.run("cmd", "find", "text", "merger")
        self.assertNotEqual(r.rc, 0)
        self.assertIn("there is no connection", r.err)


class OnceTest(ScriptCase):
    def test_in_one_round(self):
        self.script("finds", """
plugin { api = 1 }
on.sync_done(function(ev)
  for m in search { server = true, text = "merger" } do m:tag("found") end
end)
""")
        self.client.append("INBOX", message("one", "the merger"))
        self.client.append("INBOX", message("two", "nothing"))
        self.syncd.sync()
        self.syncd.sync()
        self.assertEqual(self.tree.find("INBOX", "one").keywords, {"found"})
        self.assertEqual(self.tree.find("INBOX", "two").keywords, frozenset())


class PopTest(unittest.TestCase):
    def test_a_pop3_server_cannot(self):
        peer = PopPeer(tls=False)
        self.addCleanup(peer.stop)
        peer.reset(FULL)
        peer.mails = [Mail("id1", message("one", "the merger"))]
        syncd = Syncd(peer, account={"protocol": "pop3", "pop3": {}, "tls": {"mode": "none"}})
        self.addCleanup(syncd.stop)
        script(syncd, """
plugin { api = 1 }
on.delivered({ origin = { "initial", "server" } }, function(msg)
  search { server = true, text = "merger" }
end)
""")
        self.assertIn("s.lua:4: search: a POP3 server cannot be searched", syncd.sync().err)


if __name__ == "__main__":
    unittest.main()
