-- snooze.lua: `syncd cmd snooze 3d FILE` hides a message and brings it back unread
plugin { api = 1 }
local opt  = options { into = { "mailbox", "Snoozed" } }
local till = store("till")

command("snooze", "hide messages: snooze 3d | mon | 2026-05-01", function(msgs, when)
  local wake = time(when)
  for msg in msgs do
    till[msg.id] = { at = wake, back = msg.mailbox }
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
