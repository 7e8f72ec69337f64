local test = require "syncd.test"

test("indexes when it is quiet, and takes tags over on demand", function(t)
  t.exec("notmuch", { code = 0, out = "work\nnew\nunread\n" })
  t.event("settled"):is_empty()
  t.command("pull-tags", { t.msg { message_id = '<a"b@x>' } }):is("tag work")
end)

test("tags of however many messages", function(t)
  t.exec("notmuch", { code = 0, out = "work\nnew\nhome\n" })
  local list = {}
  for i = 1, 40 do list[i] = t.msg { message_id = ("<%d@x>"):format(i) } end
  local p = t.command("pull-tags", list):has("tag work", "tag home")
  assert(#p == 80 and #p.errors == 0, p.errors[1] or #p)
end)
