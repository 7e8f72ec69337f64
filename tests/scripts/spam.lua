-- spam.lua: bogofilter decides, your moves teach it
plugin { api = 1, exec = { "bogofilter" } }
local opt = options { junk = { "mailbox", "Junk", "where spam goes" } }
local VERDICT = { [0] = "spam", [1] = "ham", [2] = "unsure" }

on.incoming({ mailbox = "INBOX", smaller = "2M" }, function(msg)
  local r = exec { "bogofilter", input = msg, timeout = "5s" }
  local verdict = VERDICT[r.code] or error("bogofilter: " .. r.err)
  if verdict == "spam" then msg:move(opt.junk):tag("$Junk"):stop() end
  if verdict == "unsure" then msg:tag("unsure") end
end)

on.moved({ origin = { "client", "server" } }, function(msg, from, to)
  if to == opt.junk then
    msg:pipe { "bogofilter", "-Ns" }            -- was ham, learn as spam
    msg:tag("$Junk"):untag("$NotJunk")
  elseif from == opt.junk and to ~= account.trash then
    msg:pipe { "bogofilter", "-Sn" }            -- was spam, learn as ham
    msg:tag("$NotJunk"):untag("$Junk")
  end
end)
