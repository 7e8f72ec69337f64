-- spam: a classifier decides, your moves to and from Junk teach it
plugin { api = 1, exec = { "bogofilter", "rspamc", "spamc" } }
local opt = options {
  backend = { "enum(bogofilter,rspamd,spamassassin)", "bogofilter", "who decides" },
  junk    = { "mailbox", "Junk", "where spam goes" },
  watch   = { "globs", { "INBOX" }, "mailboxes whose new mail is looked at" },
  unsure  = { "string", "unsure", "keyword of what could be either" },
  largest = { "size", "2M", "larger messages are not looked at" },
}
local backend = require("syncd.spam." .. opt.backend)
local taught = store("taught", { expire = "400d" })

on.incoming({ mailbox = opt.watch, smaller = opt.largest }, function(msg)
  local verdict = backend.check(msg)
  if verdict == "spam" then msg:move(opt.junk):tag("$Junk"):stop() end
  if verdict == "unsure" then msg:tag(opt.unsure) end
end)

-- What was taught once is not taught again, and is taken back when it was wrong.
local function teach(msg, kind)
  local before = taught[msg.id]
  if before == kind then return end
  msg:pipe(backend.learn(kind, before))
  taught[msg.id] = kind
  if kind == "spam" then
    msg:tag("$Junk"):untag("$NotJunk", opt.unsure)
  else
    msg:tag("$NotJunk"):untag("$Junk", opt.unsure)
  end
end

on.moved({ origin = { "client", "server" } }, function(msg, from, to)
  if to == opt.junk then
    teach(msg, "spam")
  elseif from == opt.junk and to ~= account.trash then
    teach(msg, "ham")
  end
end)
