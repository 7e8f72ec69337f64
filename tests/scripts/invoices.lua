-- invoices.lua: PDFs of invoices land in a folder by month, never overwritten
plugin { api = 1, write = { "~/Documents/Invoices" } }
local words = re [[(?i)\b(invoice|receipt|rechnung|facture|kvittering)\b]]

on.delivered({ mailbox = "INBOX", attachment = "*.pdf" }, function(msg)
  if not (words:find(msg.subject) or words:find(msg.text)) then return end
  for part in msg:attachments("*.pdf") do
    part:save("~/Documents/Invoices/{year}-{month}/{date}_{from.domain}_{filename}")
  end
  msg:tag("invoice")
end)
