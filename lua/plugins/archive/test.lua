local test = require "syncd.test"

test("what is old and read is archived by year", function(t)
  t.now "2026-05-01 12:00"
  local old = 1700000000
  t.event("delivered", { messages = {
    t.msg { flags = { "seen" }, received = old },
    t.msg { received = old },
    t.msg { flags = { "seen", "flagged" }, received = old },
    t.msg { flags = { "seen" }, received = 1777000000 } } })
  local p = t.timer "daily 03:30"
  p:has("move Archive/2023")
  assert(#p == 1, "one message")
end)

test("lists expire, but not what is to me", function(t)
  t.now "2026-05-01 12:00"
  t.event("delivered", { messages = {
    t.msg { mailbox = "Lists/a", received = 1700000000 },
    t.msg { mailbox = "Lists/a", received = 1700000000, to = t.me } } })
  t.timer("daily 03:30"):has("trash")
end)

test("an inbox that was never tidied is", function(t)
  t.now "2026-05-01 12:00"
  for _ = 1, 10 do
    local list = {}
    for i = 1, 60 do list[i] = t.msg { flags = { "seen" }, received = 1700000000 } end
    t.event("delivered", { messages = list })
  end
  local p = t.timer "daily 03:30"
  assert(#p == 600 and #p.errors == 0, p.errors[1] or #p)
end)
