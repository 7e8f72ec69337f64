local test = require "syncd.test"

test("answers once a week", function(t)
  t.options { from = "2026-05-01", till = "2026-05-20" }
  t.now "2026-05-02 12:00"
  local p = t.plan(t.msg { to = t.me }, "delivered")
  p:is("reply ann@example.net")
  assert(p[1].bytes:find("Auto-Submitted: auto-replied", 1, true), p[1].bytes)
  assert(p[1].bytes:find("away until 2026-05-20", 1, true), p[1].bytes)
  t.plan(t.msg { to = t.me }, "delivered"):is_empty()
  t.now "2026-05-12 12:00"
  t.plan(t.msg { to = t.me }, "delivered"):has("reply ann@example.net")
  t.now "2026-05-21 12:00"
  t.plan(t.msg { to = t.me, from = "bob@example.net" }, "delivered"):is_empty()
end)

test("never a machine, a list, or somebody who did not write to me", function(t)
  t.options { from = "2026-05-01", till = "2026-05-20" }
  t.now "2026-05-02 12:00"
  for _, m in ipairs {
    { to = t.me, list_id = "<l.example.org>" },
    { to = t.me, headers = { ["Auto-Submitted"] = "auto-generated" } },
    { to = t.me, headers = { ["Precedence"] = "bulk" } },
    { to = t.me, from = "MAILER-DAEMON@example.net" },
    { to = t.me, from = "l-request@example.net" },
    { to = "you@example.net" },
  } do t.plan(t.msg(m), "delivered"):is_empty() end
end)

test("not away, no answer", function(t)
  t.plan(t.msg { to = t.me }, "delivered"):is_empty()
end)
