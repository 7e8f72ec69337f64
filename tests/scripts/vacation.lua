-- vacation.lua: reply once a week per sender, and never to a machine (RFC 3834)
plugin { api = 1, send = true }
local opt = options {
  from  = { "date", nil, "first day away" },
  till  = { "date", nil, "last day away" },
  text  = { "string", "I am away until {till} and will answer then." },
}
local told = store("told", { expire = "7d" })

on.delivered({ mailbox = "INBOX", to_me = true, origin = "server" }, function(msg)
  if not between(now(), opt.from, opt.till) then return end
  if msg.is_bulk or msg.is_auto or msg.spam or told[msg.reply_to.addr] then return end
  told[msg.reply_to.addr] = true
  msg:reply { text = opt.text:gsub("{till}", tostring(opt.till)), once = "at-most" }
end)
