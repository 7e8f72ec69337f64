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
