-- bogofilter: its exit code is the verdict.
local M = {}
local verdict = { [0] = "spam", [1] = "ham", [2] = "unsure" }

function M.check(msg)
  local r = exec { "bogofilter", input = msg, timeout = "5s" }
  return verdict[r.code] or error("bogofilter: " .. r.err)
end

-- argv that teaches `kind`; `before` is what it was taught of this message, if it was.
function M.learn(kind, before)
  local undo = { spam = "S", ham = "N" }
  return { "bogofilter", "-" .. (undo[before] or "") .. (kind == "spam" and "s" or "n") }
end

return M
