-- test: fixtures for plugins.  `syncd plugin test DIR` runs DIR/test.lua:
--
--   local test = require "syncd.test"
--   test("lists leave the inbox", function(t)
--     t.plan(t.msg { list_id = "<a.example.org>" }):has("move Lists/a")
--   end)
--
-- Each test starts with a plugin that was just loaded, empty stores and no programs.
plugin { api = 1 }

local names = {
  from = "From", to = "To", cc = "Cc", subject = "Subject", list_id = "List-Id",
  message_id = "Message-ID", references = "References", in_reply_to = "In-Reply-To",
  date = "Date",
}

-- A message as a table that fixture.event() takes.
local function make(what)
  if type(what) == "string" then return { bytes = what } end
  local m, head = {}, {}
  local defaults = { from = "Ann <ann@example.net>", to = "you@example.net",
                     subject = "hello", message_id = "<one@example.net>" }
  for k, v in pairs(defaults) do
    if what[k] == nil then head[#head + 1] = names[k] .. ": " .. v end
  end
  for k, v in pairs(what) do
    if names[k] and v then head[#head + 1] = names[k] .. ": " .. v end
  end
  for k, v in pairs(what.headers or {}) do head[#head + 1] = k .. ": " .. v end
  table.sort(head)
  for _, k in ipairs { "mailbox", "origin", "moved_from", "flags", "keywords" } do
    m[k] = what[k]
  end
  m.date = what.received
  m.bytes = table.concat(head, "\n") .. "\n\n" .. (what.body or "text\n")
  return m
end

local function line(op)
  return table.concat({ op.verb, table.unpack(op) }, " ")
end

local plan = {}
plan.__index = plan

function plan:lines()
  local out = {}
  for _, op in ipairs(self) do
    if not op.lost then out[#out + 1] = line(op) end
  end
  return out
end

local function fail(self, what)
  local said = table.concat(self:lines(), ", ")
  if #self.errors > 0 then said = said .. " error: " .. table.concat(self.errors, "; ") end
  error(what .. "; the plan is: " .. (said ~= "" and said or "nothing"), 3)
end

function plan:is(...)
  if #self.errors > 0 or table.concat(self:lines(), "\0") ~= table.concat({ ... }, "\0") then
    fail(self, "expected " .. table.concat({ ... }, ", "))
  end
  return self
end

function plan:is_empty()
  if #self:lines() > 0 or #self.errors > 0 then fail(self, "expected nothing") end
  return self
end

function plan:has(...)
  local have = {}
  for _, l in ipairs(self:lines()) do have[l] = true end
  for _, l in ipairs { ... } do
    if not have[l] then fail(self, "expected " .. l) end
  end
  return self
end

function plan:fails(text)
  for _, e in ipairs(self.errors) do
    if e:find(text, 1, true) then return self end
  end
  fail(self, "expected an error with " .. text)
end

local function json(v)
  if type(v) == "table" then
    local out = {}
    if #v > 0 or next(v) == nil then
      for _, x in ipairs(v) do out[#out + 1] = json(x) end
      return "[" .. table.concat(out, ",") .. "]"
    end
    for k, x in pairs(v) do out[#out + 1] = json(tostring(k)) .. ":" .. json(x) end
    return "{" .. table.concat(out, ",") .. "}"
  end
  if type(v) ~= "string" then return tostring(v) end
  return '"' .. v:gsub('[%c"\\]', function(c) return ("\\u%04x"):format(c:byte()) end) .. '"'
end

-- What a test is given.
local function bench()
  local t = { me = "me@example.org" }
  local programs = {}

  t.msg = make
  function t.options(o) fixture.load(json(o)) end
  function t.exec(name, answer) programs[name] = answer end
  function t.now(when) fixture.now(when) end

  -- event(kind, { messages = {...}, what, args, since })
  function t.event(kind, what)
    what = what or {}
    local list = {}
    for i, m in ipairs(what.messages or {}) do list[i] = m.bytes and m or make(m) end
    return setmetatable(fixture.event(kind, {
      messages = list, what = what.what, args = what.args, since = what.since,
      programs = programs }), plan)
  end
  function t.plan(m, kind) return t.event(kind or "incoming", { messages = { m } }) end
  function t.moved(m, from, to, origin)
    m = m.bytes and m or make(m)
    m.moved_from, m.mailbox, m.origin = from, to, origin or "client"
    return t.event("moved", { messages = { m } })
  end
  function t.timer(spec) return t.event("timer", { what = spec }) end
  function t.command(name, messages, ...)
    return t.event("command", { what = name, messages = messages, args = { ... } })
  end
  return t
end

return function(name, fn)
  local ok, why = pcall(function()
    fixture.load("")
    fn(bench())
  end)
  fixture.result(name, ok, why)
end
