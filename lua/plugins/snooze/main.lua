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
    msg:move(opt.into)
  end
end)

every("5m", function()
  for id, s in till:pairs() do
    if s.at <= now() then
      message(id):move(s.back):unflag("seen"):tag("woken")
      till[id] = nil
    end
  end
end)
