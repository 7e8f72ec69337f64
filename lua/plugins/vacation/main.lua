-- vacation: answer once a week per sender, and never a machine (RFC 3834)
plugin { api = 1, send = true }
local may = require "syncd.rfc3834"
local opt = options {
  from    = { "date", nil, "first day away" },
  till    = { "date", nil, "last day away" },
  text    = { "string", "I am away until {till} and will answer then.", "the answer" },
  subject = { "string", nil, "its subject; else Re: and that of the message" },
  again   = { "duration", "7d", "after so long a sender is answered again" },
}
local told = store("told", { expire = "60d" })

on.delivered({ mailbox = "INBOX", to_me = true, origin = "server" }, function(msg)
  if not between(now(), opt.from, opt.till) or may.why_not(msg) then return end
  local sender = msg.reply_to.addr
  if told[sender] and now() - told[sender] < opt.again then return end
  told[sender] = now()
  msg:reply { text = (opt.text:gsub("{till}", tostring(opt.till))),
              subject = opt.subject, once = "at-most" }
end)
