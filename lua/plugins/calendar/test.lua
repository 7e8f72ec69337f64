local test = require "syncd.test"

local function invitation(t, method)
  return t.msg { headers = { ["Content-Type"] = "text/calendar; method=" .. method,
                             ["MIME-Version"] = "1.0" }, body = "BEGIN:VCALENDAR\n" }
end

test("an invitation is imported", function(t)
  local p = t.plan(invitation(t, "REQUEST"), "delivered")
  p:is("run khal import --batch -a private /dev/stdin", "tag invite")
  assert(p[1].bytes == "BEGIN:VCALENDAR\n", p[1].bytes)
end)

test("a cancellation is marked", function(t)
  t.plan(invitation(t, "CANCEL"), "delivered"):is("tag cancelled", "flag flagged")
end)
