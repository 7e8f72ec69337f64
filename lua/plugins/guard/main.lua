-- guard.lua: an accidental `rm -r` must not empty the server
plugin { api = 1, exec = { "notify-send" } }
local opt = options { most = { "int", 200, "deletions in one go that need a human" } }

on.removing(function(ev)                        -- before local deletions reach the server
  if #ev.messages <= opt.most then return end
  ev:hold(("%d deletions in %s wait: `syncd approve %s`"):format(#ev.messages, ev.mailbox, ev.id))
  run { "notify-send", "-u", "critical", "--", "syncd", ev.reason }
end)

on.offline({ after = "1h" }, function(ev)
  run { "notify-send", "--", "syncd: " .. account.name, ev.since .. ": " .. ev.error }
end)
