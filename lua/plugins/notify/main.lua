-- notify.lua: one bubble per burst, none for lists, bulk or what you already read
plugin { api = 1, exec = { "notify-send" } }
local fresh = {}

on.delivered({ mailbox = "INBOX", seen = false, origin = "server" }, function(msg)
  if msg.is_bulk or msg.is_auto then return end
  fresh[#fresh + 1] = msg.from.name .. ": " .. msg.subject
end)

on.settled(function()
  if #fresh == 0 then return end
  local title = ("%s: %d new"):format(account.name, #fresh)
  local body  = table.concat(fresh, "\n", 1, math.min(#fresh, 5))
  run { "notify-send", "-a", "syncd", "--", title, escape.markup(body) }
  fresh = {}
end)
