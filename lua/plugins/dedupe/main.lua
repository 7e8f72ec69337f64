-- dedupe.lua: the second copy of a message goes to the trash; the list copy wins
plugin { api = 1 }
local opt = options {
  -- One's own copy in Sent, and what somebody filed elsewhere, are no second copies.
  watch = { "globs", { "INBOX" }, "mailboxes whose new mail is looked at" },
}
local seen = store("seen", { expire = "30d" })

on.incoming({ mailbox = opt.watch }, function(msg)
  local mid = msg.message_id
  if not mid then return end
  local first = seen[mid]
  if not first then
    seen[mid] = { id = msg.id, sum = msg.body_hash, list = msg.list_id }
  elseif first.sum ~= msg.body_hash then
    msg:tag("same-id-other-body")               -- never throw away what differs
  elseif msg.list_id and not first.list then
    message(first.id):trash()
    seen[mid] = { id = msg.id, sum = first.sum, list = msg.list_id }
  else
    msg:trash():stop()
  end
end)
