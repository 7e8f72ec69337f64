-- SpamAssassin, through spamc; spamd must allow learning (--allow-tell).
local M = {}

function M.check(msg)
  local r = exec { "spamc", "-c", input = msg, timeout = "30s" }
  if not r.out:find "^%-?[%d.]+/[%d.]+" or r.out:find "^0/0" then
    error("spamc: " .. r.err .. r.out)
  end
  return r.code == 1 and "spam" or "ham"
end

function M.learn(kind)
  return { "spamc", "-L", kind }
end

return M
