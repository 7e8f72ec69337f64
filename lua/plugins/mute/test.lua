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

test("however many they are", function(t)
  local list = {}
  for i = 1, 40 do
    list[i] = t.msg { message_id = ("<%d@x>"):format(i), mailbox = "INBOX" }
  end
  local p = t.command("mute", list)
  assert(#p.errors == 0, p.errors[1])
  p = t.command("unmute", list)
  assert(#p == 40 and #p.errors == 0, p.errors[1] or #p)
end)

test("a message without a name is in no thread", function(t)
  t.plan(t.msg { message_id = false }):is_empty()
end)
