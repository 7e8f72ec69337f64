-- mute.lua: mute a thread from mutt; replies skip the inbox unless they name you
plugin { api = 1 }
local muted = store("muted", { expire = "400d" })

-- Its name is a stranger's: a * in it is no pattern.
local function in_inbox(root)
  return search { thread = root, mailbox = "INBOX",
                  where = function(msg) return msg.thread_root == root end }
end

command("mute", "mute the thread of the given messages", function(msgs)
  local all                                     -- in one set: an event has 32 actions
  for msg in msgs do
    muted[msg.thread_root] = true
    local thread = in_inbox(msg.thread_root)
    all = all and all + thread or thread
  end
  if all then all:flag("seen"):tag("muted"):archive() end
end)

command("unmute", "hear the thread again", function(msgs)
  for msg in msgs do muted[msg.thread_root] = nil end
  msgs:untag("muted")
end)

on.incoming({ mailbox = "INBOX" }, function(msg)
  if muted[msg.thread_root] and not msg.to_me then
    msg:flag("seen"):tag("muted"):archive():stop()
  end
end)
