local test = require "syncd.test"

test("indexes when it is quiet, and takes tags over on demand", function(t)
  t.exec("notmuch", { code = 0, out = "work\nnew\nunread\n" })
  t.event("settled"):is_empty()
  t.command("pull-tags", { t.msg { message_id = '<a"b@x>' } }):is("tag work")
end)
