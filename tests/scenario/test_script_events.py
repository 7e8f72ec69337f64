"""Events that tell scripts more than that something happened: what is said with
them, and what may be asked for in return, with a real Dovecot."""
import os
import unittest

from case import limit, local_message, message
from test_scripts import ScriptCase


class EventCase(ScriptCase):
    """Scripts that write what they hear into a file, a line each."""

    def hear(self, script, **allow):
        self.heard = os.path.join(self.syncd.dir, "heard")
        log = self.program("log", f'#!/bin/sh\necho "$*" >>{self.heard}\n')
        self.script("ear", f"""
plugin {{ api = 1, exec = {{ "{log}" }}, delete = {str("delete" in allow).lower()} }}
local function say(...) run {{ "{log}", ... }} end
{script}
""", allow={"exec": [log], **allow})

    def said(self):
        try:
            with open(self.heard, encoding="utf-8") as f:
                return f.read().splitlines()
        except FileNotFoundError:
            return []

    def expect(self, *lines):
        for line in lines:
            self.wait(lambda l=line: l in self.said(), 30, f"\"{line}\"")


class SettledTest(EventCase):
    @limit(90)
    def test_a_burst_is_told_with_what_changed(self):
        """Mailboxes, messages, and keywords as they were before; what came and went
        within it did not change.  At the end of a single round nobody waits."""
        self.hear("""
on.settled(function(ev)
  for _, name in ipairs(ev.mailboxes) do say("box", name) end
  for msg in ev.messages do say("msg", msg.mailbox, msg.subject) end
  for msg, before in ev:changed "keywords" do
    say("words", msg.subject, prefix("+", msg.keywords - before),
      prefix("-", before - msg.keywords))
  end
end)
""")
        self.client.create("Far")
        self.begin()
        self.client.append("INBOX", message("one"), keywords=["old"])
        self.client.append("Far", message("two"))
        self.syncd.sync()
        self.expect("box INBOX", "box Far", "msg INBOX one", "msg Far two")
        self.assertNotIn("msg INBOX first", self.said())

        self.syncd.start()
        self.wait_same(30, "the first round")
        uid = self.client.find("INBOX", "one")
        self.client.store("INBOX", uid, "+", keywords=["new"])
        self.client.store("INBOX", uid, "-", keywords=["old"])
        self.client.store("INBOX", uid, "+", keywords=["brief"])
        self.client.store("INBOX", uid, "-", keywords=["brief"])
        self.expect("words one +new -old")
        self.client.expunge("Far", self.client.find("Far", "two"))
        self.wait(lambda: self.said().count("box Far") > 1, 30, "the folder it left")


class CreatedTest(EventCase):
    @limit(90)
    def test_a_new_file_is_shown_before_it_is_uploaded(self):
        """Held: it stays here, and the others go; until somebody writes a new
        version of it, which is a new question."""
        self.hear("""
on.created(function(msg)
  if msg.subject:find("local") then return msg:hold("only for me") end
  if msg.subject:find("work") then msg:move("Work"):flag("flagged"):tag("sent") end
end)
on.uploaded(function(msg) say("uploaded", msg.origin, msg.mailbox, msg.subject) end)
""")
        self.client.create("Drafts")
        self.client.create("Work")
        self.begin()
        self.tree.add("Drafts", local_message("local draft"), flags="D")
        self.tree.add("Drafts", local_message("plain draft"), flags="D")
        self.tree.add("INBOX", local_message("about work"))
        self.syncd.sync()
        self.expect("uploaded client Drafts plain draft")
        self.assertFalse(self.has("Drafts", "local draft"))
        self.assertTrue(self.tree.find("Drafts", "local draft"))
        self.assertPlaces("plain draft", "Drafts")
        self.assertPlaces("about work", "Work")
        work = self.tree.find("Work", "about work")
        self.assertIn("F", work.flags)
        self.assertIn("sent", work.keywords)
        log = self.syncd.run("log").out
        self.assertIn("held by ear.lua", log)
        self.syncd.sync()
        self.assertFalse(self.has("Drafts", "local draft"))
        self.assertEqual(self.said().count("uploaded client Drafts plain draft"), 1)

        self.tree.delete("Drafts", "local draft")
        self.tree.add("Drafts", local_message("a version for all"), flags="D")
        self.syncd.sync()
        self.assertPlaces("a version for all", "Drafts")
        self.assertSame()


class FiguresTest(EventCase):
    @limit(60)
    def test_what_scripts_count_is_shown(self):
        """In status, in the list of scripts, in the file for Prometheus."""
        self.hear("""
on.delivered(function(msg) metric("letters"); metric("bytes", 7) end)
command("unread", "how many are not read", function()
  return mailbox("INBOX").unseen .. " " .. mailbox("Nowhere").unseen
end)
""")
        figures = os.path.join(self.syncd.dir, "figures")
        self.syncd.settings["metrics"] = {"textfile": figures}
        self.syncd.write()
        self.client.append("INBOX", message("read"), flags="S")
        self.begin()
        self.syncd.start()
        self.wait_same(30, "the first round")
        for i in range(3):
            self.client.append("INBOX", message(f"new {i}"))
        self.wait(lambda: self.plugins()["ear"]["metrics"] == {"letters": 3, "bytes": 21},
                  30, "the figures in status")
        self.assertEqual(self.syncd.run("cmd", "unread").out.split("\n")[0], "4 0")
        for verb in (("status",), ("plugin", "list")):
            self.assertIn("bytes 21", self.syncd.run(*verb).out)
        line = 'syncd_script_metric{account="a",script="ear",name="bytes"} 21'

        def written():
            with open(figures, encoding="utf-8") as f:
                return line in f.read()
        self.wait(written, 30, line)


class CommandTest(EventCase):
    def test_more_messages_than_it_can_be_given_are_refused(self):
        """Neither a part of them in silence, nor a wait that does not end."""
        self.hear('command("count", "how many", function(msgs) log.info(#msgs) end)')
        self.begin()
        self.client.append("INBOX", message("one"))
        self.syncd.start()
        self.wait_same(30, "the first round")
        path = self.tree.find("INBOX", "one").path
        for n in (65, 900):
            r = self.syncd.run("cmd", "count", *[path] * n)
            self.assertEqual(r.rc, 64, r)
            self.assertIn("64 messages at a time", r.err)


class WritingTest(EventCase):
    @limit(90)
    def test_mail_and_mailboxes_that_scripts_make(self):
        """Done here as a person would do it, and so on the server, too."""
        self.hear("""
command("write", "make things", function()
  mailbox("Notes"):append("Subject: by a script\\n\\nhello\\n",
    { flags = { "seen" }, date = 1500000000 })
  mailbox("Old"):rename("New")
  mailbox("Empty"):remove()
  mailbox("Full"):remove()
end)
on.incoming({ mailbox = "INBOX", subject = "*rewrite*" }, function(msg)
  msg:rewrite("X-Read: yes\\n" .. msg:bytes()):tag("kept")
end)
""", delete=True)
        self.syncd.settings["accounts"]["a"]["folders"]["delete_remote"] = "yes"
        self.syncd.write()
        for name in ("Old", "Empty", "Full", "Notes", "Trash"):
            self.client.create(name)
        self.client.append("Old", message("old mail"))
        self.client.append("Full", message("stays"))
        self.begin()
        self.syncd.start()
        self.wait_same(30, "the first round")
        r = self.syncd.run("cmd", "write")
        self.assertEqual(r.rc, 0, r.err)
        self.wait(lambda: self.has("Notes", "by a script"), 30, "the note")
        self.wait(lambda: self.has("New", "old mail"), 30, "the new name")
        self.wait(lambda: "Empty" not in self.client.list(), 30, "the mailbox to go")
        self.client.append("INBOX", message("rewrite me"))
        self.wait(lambda: self.has("INBOX", "X-Read: yes"), 30, "the new version")
        self.wait_same(30)
        self.assertPlaces("by a script", "Notes")
        note = self.tree.find("Notes", "by a script")
        self.assertEqual(note.flags, {"S"})
        self.assertEqual(int(os.stat(note.path).st_mtime), 1500000000)
        self.assertPlaces("X-Read: yes", "INBOX")
        self.assertIn("kept", self.tree.find("INBOX", "X-Read: yes").keywords)
        self.assertPlaces("rewrite me", "INBOX", "Trash")
        self.assertPlaces("stays", "Full")
        self.assertNotIn("Old", self.client.list())


class TrashTest(EventCase):
    @limit(90)
    def test_what_was_deleted_here_is_no_news_in_the_trash(self):
        """It comes from the server, and is what went there a moment ago."""
        self.hear("""
on.incoming(function(msg) msg:tag("asked-" .. msg.mailbox:lower()) end)
on.delivered(function(msg) say("delivered", msg.mailbox, msg.subject) end)
""")
        self.client.create("Trash")
        self.begin()
        self.syncd.start()
        self.wait_same(30, "the first round")
        self.client.append("INBOX", message("rubbish"))
        self.expect("delivered INBOX rubbish")
        self.wait_same(30)
        self.tree.delete("INBOX", "rubbish")
        self.wait(lambda: self.tree.find("Trash", "rubbish"), 30, "the copy here")
        self.client.append("Trash", message("straight away"))
        self.expect("delivered Trash straight away")
        self.wait_same(30)
        self.assertEqual(self.tree.find("Trash", "rubbish").keywords, {"asked-inbox"})
        self.assertNotIn("delivered Trash rubbish", self.said())


class OutageTest(EventCase):
    """Events of the connection, of whole mailboxes, and of mail that is gone."""

    @limit(120)
    def test_the_line_the_mailboxes_and_what_is_gone(self):
        self.hear("""
on.incoming(function(msg) msg:tag("seen-by-script") end)
on.online(function(ev) say("online") end)
on.offline(function(ev) say("offline", ev.since, ev.error) end)
on.folder(function(ev) say("folder", ev.kind, ev.from or "-", ev.mailbox) end)
on.removed(function(ref) say("removed", ref.mailbox, ref.message_id) end)
on.moved(function(msg, from, to) say("moved", msg.origin, from, to) end)
""")
        self.client.create("Old")
        self.client.append("INBOX", message("goes"))
        self.begin()
        self.syncd.start()
        self.wait_same(30, "the first round")
        self.client.append("INBOX", message("comes"))
        self.wait(lambda: "seen-by-script" in self.tree.find("INBOX", "comes").keywords,
                  30, "the tag")
        self.client.move("INBOX", self.client.find("INBOX", "comes"), "Old")
        self.expect("moved server INBOX Old")
        self.client.expunge("INBOX", self.client.find("INBOX", "goes"))
        self.expect("removed INBOX goes@test.example")
        self.client.rename("Old", "New")
        self.expect("folder renamed Old New")
        self.tree.create_folder("Mine")
        self.expect("folder created - Mine")
        self.dovecot.stop()
        self.wait(lambda: any(x.startswith("offline 20") for x in self.said()), 30, "offline")
        self.dovecot.start()
        self.expect("online")

    @limit(60)
    def test_a_refused_password(self):
        self.hear("""
on.auth_failed(function(ev) say("refused", ev.error) end)
""")
        self.syncd.settings["accounts"]["a"]["auth"] = {"password_command": "echo wrong"}
        self.syncd.write()
        self.syncd.start()
        self.wait(lambda: any(x.startswith("refused ") for x in self.said()), 30, "the word")


if __name__ == "__main__":
    unittest.main()
