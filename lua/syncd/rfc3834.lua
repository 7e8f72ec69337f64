-- rfc3834: when a machine may answer, and when it must not.
local M = {}

-- A sentence that says why not, or nil.
function M.why_not(msg)
  if msg.is_auto then return "a machine wrote it" end
  if msg.is_bulk then return "it went to many" end
  if msg.spam then return "it is spam" end
  if msg.from_me then return "it is from me" end
  if not msg.to_me then return "it is not addressed to me" end
  local to = msg.reply_to
  if to.addr == "" then return "it names nobody to answer" end
  if glob(to.user, { "*-request", "owner-*", "*-owner", "bounce*", "postmaster" }) then
    return "nobody reads answers there"
  end
end

return M
