-- rspamd, through rspamc.
local M = {}

function M.check(msg)
  local r = exec { "rspamc", "--exec-timeout=5", input = msg, timeout = "10s" }
  if not r.ok then error("rspamc: " .. r.err) end
  local action = r.out:match "Action: ([%a ]+)"
  if action == "reject" or action == "add header" or action == "rewrite subject" then
    return "spam"
  end
  return action and "ham" or error("rspamc gave no action")
end

function M.learn(kind)
  return { "rspamc", kind == "spam" and "learn_spam" or "learn_ham" }
end

return M
