local test = require "syncd.test"

test("many deletions wait for a human", function(t)
  t.options { most = 1 }
  t.event("removing", { messages = { t.msg {} } }):is_empty()
  t.event("removing", { messages = { t.msg {}, t.msg {} } })
    :has("hold 2 deletions in INBOX wait: `syncd approve test/INBOX`")
end)

test("a long time offline is said once", function(t)
  t.now "2026-05-01 12:00"
  t.event("offline", { what = "no route", since = 1777600000 })
  local p = t.event("offline", { what = "no route", since = 1000000000 })
  assert(#p == 1, "one bubble")
end)
