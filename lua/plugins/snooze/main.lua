-- snooze.lua: `syncd cmd snooze 3d FILE` hides a message and brings it back unread
plugin { api = 1 }
local opt  = options { into = { "mailbox", "Snoozed" } }
local till = store("till")

-- Where it goes when its time is up: not back to where it is hidden already.
local function home(msg)
  if msg.mailbox ~= opt.into then return msg.mailbox end
  local before = till[msg.id]
  return before and before.back or account.inbox or "INBOX"
end

command("snooze", "hide messages: snooze 3d | mon | 2026-05-01", function(msgs, when)
  local wake = time(when)
  for msg in msgs do
    till[msg.id] = { at = wake, back = home(msg) }
  end
  msgs:move(opt.into)
end)

every("5m", function()
  local room = 10                               -- an event has 32 actions; the rest is next
  for id, s in till:pairs() do
    if s.at <= now() and room > 0 then
      message(id):move(s.back):unflag("seen"):tag("woken")
      till[id] = nil
      room = room - 1
    end
  end
end)
