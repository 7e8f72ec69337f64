local test = require "syncd.test"

local body = [[
--b
Content-Type: text/plain

hello
--b
Content-Type: application/pdf
Content-Disposition: attachment; filename="../bill.pdf"

%PDF
--b--
]]

local function mail(t, subject)
  return t.msg { subject = subject, received = 1777600000, body = body, headers = {
    ["MIME-Version"] = "1.0", ["Content-Type"] = 'multipart/mixed; boundary="b"' } }
end

test("an invoice is saved, under a name that cannot leave the folder", function(t)
  local p = t.plan(mail(t, "Your Invoice 7"), "delivered")
  p:has("tag invoice")
  assert(p[1][1]:find "^~/Documents/Invoices/%d+%-%d+/[%d-]+_example.net_bill.pdf$",
         p[1][1])
end)

test("other attachments are not", function(t)
  t.plan(mail(t, "holiday"), "delivered"):is_empty()
end)
