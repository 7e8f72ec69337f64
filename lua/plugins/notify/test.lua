local test = require "syncd.test"

test("one bubble for a burst", function(t)
  t.plan(t.msg { subject = "one" }, "delivered"):is_empty()
  t.plan(t.msg { subject = "<two>" }, "delivered")
  t.plan(t.msg { list_id = "<l.example.org>" }, "delivered")
  t.event("settled")
    :is("run notify-send -a syncd -- test: 2 new Ann: one\nAnn: &lt;two&gt;")
  t.event("settled"):is_empty()
end)

test("nothing for what is read already", function(t)
  t.plan(t.msg { flags = { "seen" } }, "delivered")
  t.event("settled"):is_empty()
end)
