-- notmuch: what notmuch understands by a message.
local M = {}

-- The search term for one message.  A Message-ID comes from a stranger: in quotes
-- it cannot be anything but an id.
function M.id(msg)
  local id = msg.message_id or error("the message has no Message-ID")
  return 'id:"' .. id:gsub('"', '""') .. '"'
end

return M
