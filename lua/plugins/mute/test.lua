local test = require "syncd.test"

test("answers in a muted thread skip the inbox, unless they are to me", function(t)
  t.command("mute", { t.msg { message_id = "<root@x>" } }):has("tag muted", "archive")
  local answer = { message_id = "<two@x>", references = "<root@x>" }
  t.plan(t.msg(answer)):is("flag seen", "tag muted", "archive", "stop")
  answer.to = t.me
  t.plan(t.msg(answer)):is_empty()
end)

test("unmute", function(t)
  t.command("mute", { t.msg { message_id = "<root@x>" } })
  t.command("unmute", { t.msg { message_id = "<root@x>" } }):is("untag muted")
  t.plan(t.msg { references = "<root@x>" }):is_empty()
end)
