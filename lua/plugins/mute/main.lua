-- mute.lua: mute a thread from mutt; replies skip the inbox unless they name you
plugin { api = 1 }
local muted = store("muted", { expire = "400d" })

command("mute", "mute the thread of the given messages", function(msgs)
  for msg in msgs do
    muted[msg.thread_root] = true
    search { thread = msg.thread_root, mailbox = "INBOX" }:flag("seen"):tag("muted"):archive()
  end
end)

command("unmute", "hear the thread again", function(msgs)
  for msg in msgs do muted[msg.thread_root] = nil; msg:untag("muted") end
end)

on.incoming({ mailbox = "INBOX" }, function(msg)
  if muted[msg.thread_root] and not msg.to_me then
    msg:flag("seen"):tag("muted"):archive():stop()
  end
end)
