-- notmuch.lua: index once per burst; notmuch tags and IMAP keywords stay equal
plugin { api = 1, exec = { "notmuch" } }
local notmuch = require "syncd.notmuch"         -- quoting of hostile Message-IDs lives here
local skip = set { "new", "inbox", "attachment", "signed", "encrypted", "unread" }

on.settled(function(ev)
  exec { "notmuch", "new", "--quiet", timeout = "10m" }
  for msg, before in ev:changed "keywords" do
    local add, del = msg.keywords - before, before - msg.keywords
    run { "notmuch", "tag", prefix("+", add), prefix("-", del), "--", notmuch.id(msg) }
  end
end)

command("pull-tags", "copy notmuch tags of messages to IMAP keywords", function(msgs)
  for msg in msgs do
    local r = exec { "notmuch", "search", "--output=tags", notmuch.id(msg) }
    msg:tag(set(r.lines) - skip)
  end
end)
