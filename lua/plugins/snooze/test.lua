local test = require "syncd.test"

test("a message comes back unread when its time is up", function(t)
  t.now "2026-05-01 12:00"
  t.command("snooze", { t.msg { mailbox = "INBOX" } }, "3d"):is("move Snoozed")
  t.timer("every 5m"):is_empty()
  t.now "2026-05-05 12:00"
  t.timer("every 5m"):is("move INBOX", "unflag seen", "tag woken")
  t.timer("every 5m"):is_empty()
end)

test("nonsense is said", function(t)
  t.command("snooze", { t.msg {} }, "whenever"):fails("is no moment")
end)

test("what is hidden already, and hidden for longer, still comes back", function(t)
  t.now "2026-05-01 12:00"
  t.command("snooze", { t.msg { mailbox = "Snoozed" } }, "3d")
  t.now "2026-05-05 12:00"
  t.timer("every 5m"):is("move INBOX", "unflag seen", "tag woken")
end)

test("however many are hidden, or due at once", function(t)
  t.now "2026-05-01 12:00"
  local list = {}
  for i = 1, 40 do list[i] = t.msg {} end
  local p = t.command("snooze", list, "3d")
  assert(#p == 40 and #p.errors == 0, p.errors[1] or #p)
  t.now "2026-05-05 12:00"
  local woken = 0
  for _ = 1, 10 do
    p = t.timer "every 5m"
    assert(#p.errors == 0, p.errors[1])
    woken = woken + #p // 3
  end
  assert(woken == 40, woken)
end)
