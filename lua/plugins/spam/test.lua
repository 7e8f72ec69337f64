local test = require "syncd.test"

test("the verdict files the message", function(t)
  t.exec("bogofilter", { code = 0 })
  t.plan(t.msg {}):is("move Junk", "tag $Junk", "stop")
  t.exec("bogofilter", { code = 1 })
  t.plan(t.msg {}):is_empty()
  t.exec("bogofilter", { code = 2 })
  t.plan(t.msg {}):is("tag unsure")
end)

test("without a classifier the message is delivered", function(t)
  t.plan(t.msg {}):fails("programs are not run")
end)

test("a move teaches, once, and takes back what was wrong", function(t)
  local m = t.msg {}
  t.moved(m, "INBOX", "Junk"):has("pipe bogofilter -s", "tag $Junk")
end)

test("the trash teaches nothing", function(t)
  t.moved(t.msg {}, "Junk", "Trash"):is_empty()
  t.moved(t.msg {}, "Junk", "INBOX"):has("pipe bogofilter -n", "tag $NotJunk")
end)

test("rspamd", function(t)
  t.options { backend = "rspamd" }
  t.exec("rspamc", { code = 0, out = "Results\nAction: add header\nSpam: true\n" })
  t.plan(t.msg {}):has("move Junk")
  t.exec("rspamc", { code = 0, out = "Action: no action\n" })
  t.plan(t.msg {}):is_empty()
  t.moved(t.msg {}, "INBOX", "Junk"):has("pipe rspamc learn_spam")
end)

test("spamassassin", function(t)
  t.options { backend = "spamassassin" }
  t.exec("spamc", { code = 1, out = "9.1/5.0\n" })
  t.plan(t.msg {}):has("move Junk")
  t.exec("spamc", { code = 0, out = "0/0\n" })
  t.plan(t.msg {}):fails("spamc")
end)
