local test = require "syncd.test"

test("the second copy goes to the trash", function(t)
  t.plan(t.msg {}):is_empty()
  t.plan(t.msg {}):is("trash", "stop")
end)

test("what differs is kept", function(t)
  t.plan(t.msg {})
  t.plan(t.msg { body = "another\n" }):is("tag same-id-other-body")
end)

test("the copy of the list wins", function(t)
  t.plan(t.msg {})
  t.plan(t.msg { list_id = "<l.example.org>" }):is("trash")
end)

test("white space at the end of lines is no difference", function(t)
  t.plan(t.msg { body = "one\ntwo\n" })
  t.plan(t.msg { body = "one  \ntwo\t\n" }):is("trash", "stop")
end)

test("a copy in Sent, or one that was filed elsewhere, is none to remove", function(t)
  t.plan(t.msg { mailbox = "Sent" }):is_empty()
  t.plan(t.msg { list_id = "<l.example.org>" }):is_empty()
  t.plan(t.msg { mailbox = "Archive" }):is_empty()
end)

test("other mailboxes may be looked at, too", function(t)
  t.options { watch = { "INBOX", "Lists/*" } }
  t.plan(t.msg {})
  t.plan(t.msg { mailbox = "Lists/l", list_id = "<l.example.org>" }):is("trash")
end)
