-- lists.lua: one folder per mailing list, created on demand
plugin { api = 1 }
local opt = options {
  into = { "string", "Lists/{list}",  "target folder; {list} is the name before the first dot" },
  keep = { "globs",  { "*.security-announce.*" }, "lists that stay in the inbox" },
}

on.incoming({ mailbox = "INBOX", list = "*" }, function(msg)
  if msg.to_me or glob(msg.list_id, opt.keep) then return end
  msg:move(opt.into)
  if msg.is_bulk then msg:tag("list") end
end)
