-- invoices: attachments of messages that speak of money land in a folder by month
plugin { api = 1, write = { "~/Documents/Invoices" } }
local opt = options {
  words = { "string", [[(?i)\b(invoice|receipt|rechnung|facture|kvittering)\b]],
            "regular expression, for the subject or the text" },
  names = { "globs", { "*.pdf" }, "which attachments" },
  into  = { "string", "{year}-{month}/{date}_{from.domain}_{filename}",
            "where, below ~/Documents/Invoices" },
  tag   = { "string", "invoice", "keyword of the message" },
}
local words = re(opt.words)

on.delivered({ mailbox = "INBOX", attachment = opt.names }, function(msg)
  if not (words:find(msg.subject) or words:find(msg.text)) then return end
  for part in msg:attachments() do
    if glob(part.filename, opt.names) then
      part:save("~/Documents/Invoices/" .. opt.into)
    end
  end
  msg:tag(opt.tag)
end)
