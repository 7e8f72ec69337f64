local test = require "syncd.test"

test("a list leaves the inbox", function(t)
  t.plan(t.msg { list_id = "The kernel <linux.example.org>" })
    :is("move Lists/linux", "tag list")
end)

test("what is also to me stays", function(t)
  t.plan(t.msg { list_id = "<linux.example.org>", to = t.me }):is_empty()
end)

test("some lists stay", function(t)
  t.options { keep = { "linux.*" } }
  t.plan(t.msg { list_id = "<linux.example.org>" }):is_empty()
  t.plan(t.msg { list_id = "<other.example.org>" }):has("move Lists/other")
end)

test("other mailboxes are left alone", function(t)
  t.plan(t.msg { list_id = "<linux.example.org>", mailbox = "Sent" }):is_empty()
end)
