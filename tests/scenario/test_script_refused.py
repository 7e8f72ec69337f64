"""What scripts ask that cannot be done: it is said, and the mail stays; what they hold
back; and what they keep from one run to the next."""
import os
import unittest

from case import limit, local_message, message
from test_scripts import ScriptCase

HEAD = "plugin { api = 1, delete = true }\n"


class RefusedTest(ScriptCase):
    def run_script(self, text, *tokens, **account):
        """A round in which mail with these subjects arrives; its Result."""
        self.script("one", HEAD + text, allow={"delete": True})
        self.syncd.settings["accounts"]["a"].update(account)
        self.syncd.write()
        self.begin()
        for token in tokens:
            self.client.append("INBOX", message(token), "F")
        r = self.syncd.sync(expect=(0, 1))
        self.syncd.sync(expect=(0, 1))
        return r

    def test_a_mailbox_that_no_directory_can_be(self):
        """Before it lands, and when it is here."""
        name = "x" * 300
        r = self.run_script(f"""
on.incoming(function(msg) if msg.subject == "before" then msg:move("{name}") end end)
on.delivered(function(msg) if msg.subject == "after" then msg:move("{name}") end end)
""", "before", "after")
        self.assertPlaces("before", "INBOX")
        self.assertPlaces("after", "INBOX")
        self.assertRegex(r.err, "one.lua:3: move: its name cannot be a directory's")
        self.assertRegex(r.err, "one.lua:4: move to x+: ")
        self.assertQuiet()

    def test_a_mailbox_that_may_not_be_made(self):
        r = self.run_script("""
on.delivered(function(msg) msg:move("New") end)
""", "news", folders={"sync": ["*"], "create_remote": False})
        self.assertPlaces("news", "INBOX")
        self.assertIn("the configuration does not let it be made", r.err)
        self.assertNotIn("New", self.client.list())

    def test_a_mailbox_that_differs_in_case(self):
        self.client.create("Lists")
        r = self.run_script("""
on.delivered(function(msg) msg:move("lists") end)
""", "news")
        self.assertPlaces("news", "INBOX")
        self.assertIn("another folder has nearly the same name", r.err)
        self.assertNotIn("lists", self.client.list())

    def test_a_mailbox_that_is_not_synced(self):
        self.client.create("Far")
        r = self.run_script("""
on.delivered(function(msg) msg:copy("Far") end)
""", "news", folders={"sync": ["*", "!Far"]})
        self.assertPlaces("news", "INBOX")
        self.assertRegex(r.err, "one.lua:3: copy to Far: ")

    def test_mailboxes_that_are_not_there(self):
        """To be renamed, to be removed; and one that cannot be made."""
        r = self.run_script("""
on.incoming(function(msg)
  mailbox("None"):rename("Some")
  mailbox("None"):remove()
end)
""", "news")
        self.assertPlaces("news", "INBOX")
        self.assertRegex(r.err, "None is not renamed: there is no such mailbox")
        self.assertRegex(r.err, "there is no mailbox None to be removed")
        self.assertEqual({"None", "Some"} & set(self.client.list()), set())
        self.assertQuiet()

    def test_flags_that_it_takes_off(self):
        """Before the message lands, and afterwards."""
        self.run_script("""
on.incoming(function(msg) if msg.subject == "before" then msg:unflag("flagged") end end)
on.delivered(function(msg) if msg.subject == "after" then msg:unflag("flagged") end end)
""", "before", "after", "never")
        self.assertSame()
        for token, flags in (("before", set()), ("after", set()), ("never", {"F"})):
            self.assertEqual(set(self.tree.find("INBOX", token).flags), flags, token)
        self.assertQuiet()

    def test_use_is_found_without_a_mailbox_for_it(self):
        """No Archive, no Trash: they are made."""
        self.run_script("""
on.delivered(function(msg)
  if msg.subject == "old" then msg:archive() else msg:trash() end
end)
""", "old", "rubbish")
        self.assertSame()
        self.assertPlaces("old", "Archive")
        self.assertPlaces("rubbish", "Trash")

    def test_two_that_never_agree(self):
        """Each moves what the other has moved: the chain ends, and the message is
        somewhere, once."""
        self.client.create("Left")
        self.client.create("Right")
        for name, place, to in (("one", "Left", "Right"), ("two", "Right", "Left")):
            self.script(name, f"""
plugin {{ api = 1 }}
on.moved(function(msg, from, to)
  if to == "{place}" then msg:move("{to}") end
end)
""")
        self.begin()
        self.client.append("INBOX", message("ball"))
        self.syncd.sync()
        self.tree.move("INBOX", "ball", "Left")
        said = "".join(self.syncd.sync(expect=(0, 1)).err for _ in range(12))
        self.assertIn("a chain of more than", said)
        self.assertSame()
        self.assertEqual(len([1 for f in ("INBOX", "Left", "Right")
                              for m in self.tree.messages(f) if b"ball" in m.data]), 1)
        self.assertQuiet()


class HeldTest(ScriptCase):
    """Deletions that a script holds."""

    def hold(self):
        self.script("one", HEAD + """
on.removing(function(ev) ev:hold("ask first") end)
""")
        self.begin()
        self.client.append("INBOX", message("dear"))
        self.syncd.sync()
        self.tree.delete("INBOX", "dear")
        r = self.syncd.sync(expect=10)
        self.assertIn("a script holds 1 deletions: ask first", r.err)
        self.assertTrue(self.has("INBOX", "dear"))
        self.assertIn("guard.script", r.err)

    def test_what_is_approved_is_deleted(self):
        self.hold()
        self.syncd.run("approve", "a/INBOX")
        self.syncd.sync()
        self.assertFalse(self.has("INBOX", "dear"))
        self.assertSame()

    def test_what_is_rejected_comes_back(self):
        self.hold()
        self.syncd.run("reject", "a/INBOX")
        self.syncd.sync()
        self.assertPlaces("dear", "INBOX")
        self.assertSame()
        self.assertQuiet()


class StoreTest(ScriptCase):
    @limit(90)
    def test_what_is_stored_is_there_in_the_next_process(self):
        said = os.path.join(self.syncd.dir, "said")
        log = self.program("say", f'#!/bin/sh\necho "$@" >>{said}\n')
        self.script("one", """
plugin { api = 1, exec = { "%(log)s" } }
local s = store("seen")
on.incoming(function(msg)
  local last = s.last
  s[msg.subject] = true
  s.last = msg.subject
  if last then s[last] = nil end
  local keys = {}
  for key in s:pairs() do keys[#keys + 1] = key end
  run { "%(log)s", last or "-", table.concat(keys, ",") }
end)
""" % {"log": log}, allow={"exec": [log]})
        self.begin()
        for i in range(3):
            self.client.append("INBOX", message(f"k{i}"))
            self.syncd.sync()
            self.syncd.sync()
        with open(said, encoding="utf-8") as f:
            lines = f.read().split("\n")
        self.assertEqual(lines, ["- k0,last", "k0 k1,last", "k1 k2,last", ""])

    def test_files_of_one_name_are_numbered(self):
        """With an ending, without one, and what was saved already is not again."""
        to = os.path.join(self.syncd.dir, "saved")
        self.script("one", """
plugin { api = 1, write = { "%(to)s" } }
on.incoming(function(msg)
  msg:save("%(to)s/mail")
  msg:save("%(to)s/mail.eml")
end)
""" % {"to": to}, allow={"write": [to]})
        self.begin()
        for token in ("first", "second", "first"):
            self.client.append("INBOX", message(token))
            self.syncd.sync()
        self.assertEqual(sorted(os.listdir(to)),
                         ["mail", "mail-2", "mail-2.eml", "mail.eml"])
        for name, token in (("mail", b"first"), ("mail-2", b"second"),
                            ("mail-2.eml", b"second")):
            with open(os.path.join(to, name), "rb") as f:
                self.assertIn(token, f.read())


class CreatedTest(ScriptCase):
    def test_what_is_held_here_is_not_sent(self):
        self.script("one", HEAD + """
on.created(function(msg) if msg.subject == "secret" then msg:hold("not this") end end)
""")
        self.begin()
        self.tree.add("INBOX", local_message("secret"))
        self.tree.add("INBOX", local_message("open"))
        self.syncd.sync(expect=(0, 1))
        self.syncd.sync(expect=(0, 1))
        self.assertTrue(self.has("INBOX", "open"))
        self.assertFalse(self.has("INBOX", "secret"))
        self.assertIsNotNone(self.tree.find("INBOX", "secret"))


if __name__ == "__main__":
    unittest.main()
