-- notmuch.lua: index once per burst; notmuch tags and IMAP keywords stay equal
plugin { api = 1, exec = { "notmuch" } }
local notmuch = require "syncd.notmuch"         -- quoting of hostile Message-IDs lives here
local skip = set { "new", "inbox", "attachment", "signed", "encrypted", "unread" }

-- As `notmuch tag --batch` wants it: what would end a tag is in hexadecimal.
local function add_words(out, sign, tags)
  for tag in tags do
    out[#out + 1] = sign .. tag:gsub("[^%w._@/+-]", function(c) return ("%%%02x"):format(c:byte()) end)
  end
end

-- A line for one message, nothing for one that notmuch knows by no name.
local function line(msg, before)
  if not msg.message_id then return "" end
  local out = {}
  add_words(out, "+", msg.keywords - before)
  add_words(out, "-", before - msg.keywords)
  return table.concat(out, " ") .. " -- " .. notmuch.id(msg):gsub("%c", "") .. "\n"
end

on.settled(function(ev)
  exec { "notmuch", "new", "--quiet", timeout = "10m" }
  local lines = {}
  for msg, before in ev:changed "keywords" do lines[#lines + 1] = line(msg, before) end
  local all = table.concat(lines)
  if all ~= "" then run { "notmuch", "tag", "--batch", input = all } end
end)

command("pull-tags", "copy notmuch tags of messages to IMAP keywords", function(msgs)
  local tags, words = {}, set {}                -- an action for each tag: an event has 32
  for msg in msgs do
    local r = exec { "notmuch", "search", "--output=tags", notmuch.id(msg) }
    tags[msg.id] = set(r.lines) - skip
    words = words + tags[msg.id]
  end
  for word in words do
    msgs:where(function(msg) return tags[msg.id][word] end):tag(word)
  end
end)
