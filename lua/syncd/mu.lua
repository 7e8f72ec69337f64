-- mu: what mu understands by a message.
local M = {}

-- The search expression for one message; quotes end nothing inside.
function M.id(msg)
  local id = msg.message_id or error("the message has no Message-ID")
  return 'msgid:"' .. id:gsub('["\\]', "") .. '"'
end

return M
