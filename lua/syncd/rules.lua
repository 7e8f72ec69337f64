-- rules: filters as a table.
--
--   local rules = require "syncd.rules"
--   on.incoming({ mailbox = "INBOX" }, rules {
--     { list = "*",             move = "Lists/{list}" },
--     { from = "*@github.com",  tag = "github", move = "GitHub", next = true },
--   })
--
-- The first rule whose conditions all hold is carried out; `next = true` goes on
-- after it.  Rules whose one condition is a plain list or sender are found by a
-- look-up, however many there are.

local function texts(list)
  local out = {}
  for i, a in ipairs(list) do out[i] = a.addr end
  return out
end

-- What a condition looks at: a text, a list of texts, or a boolean.
local fields = {
  list = function(m) return m.list_id end,
  from = function(m) return m.from.addr end,
  to = function(m) return texts(m.to) end,
  cc = function(m) return texts(m.cc) end,
  recipients = function(m) return texts(m.recipients) end,
  subject = function(m) return m.subject end,
  mailbox = function(m) return m.mailbox end,
  to_me = function(m) return m.to_me end,
  from_me = function(m) return m.from_me end,
  is_bulk = function(m) return m.is_bulk end,
  is_auto = function(m) return m.is_auto end,
  seen = function(m) return m.seen end,
  flagged = function(m) return m.flagged end,
}

local actions = {
  move = function(m, v) m:move(v) end,
  copy = function(m, v) m:copy(v) end,
  archive = function(m, v) if v == true then m:archive() else m:archive(v) end end,
  trash = function(m) m:trash() end,
  tag = function(m, v) m:tag(v) end,
  untag = function(m, v) m:untag(v) end,
  flag = function(m, v) m:flag(v) end,
  stop = function(m) m:stop() end,
}
-- Tables have no order: what files comes last.
local order = { "flag", "tag", "untag", "copy", "move", "archive", "trash", "stop" }

local function one(value, want)
  if type(want) == "userdata" then return want:test(value) end
  if type(want) == "table" then
    for _, w in ipairs(want) do
      if one(value, w) then return true end
    end
    return false
  end
  return glob(value, want)
end

local function holds(value, want)
  if type(want) == "boolean" then return (value and true or false) == want end
  if type(value) == "table" then
    for _, v in ipairs(value) do
      if one(v, want) then return true end
    end
    return false
  end
  return one(value, want)
end

-- { conditions, actions, next } of a rule; a typo is an error when the script loads.
local function compile(rule, n)
  local r = { conds = {}, todo = {}, next = rule.next }
  for k, v in pairs(rule) do
    if fields[k] then
      r.conds[#r.conds + 1] = { k, v }
    elseif actions[k] then
      r.todo[k] = v
    elseif k ~= "next" then
      error(("rule %d: there is no `%s`"):format(n, tostring(k)), 4)
    end
  end
  return r
end

-- A rule that a look-up can find: its field and the word.
local function plain(r)
  local c = #r.conds == 1 and r.conds[1]
  if c and (c[1] == "list" or c[1] == "from") and type(c[2]) == "string"
     and not c[2]:find "[*?]" then
    return c[1], c[2]:lower()
  end
end

return function(list)
  local compiled, rest = {}, {}
  local index = { list = {}, from = {} }
  for i, rule in ipairs(list) do
    local r = compile(rule, i)
    compiled[i] = r
    local field, word = plain(r)
    if field then
      local at = index[field]
      at[word] = at[word] or {}
      table.insert(at[word], i)
    else
      rest[#rest + 1] = i
    end
  end

  local function candidates(msg)
    local found = {}
    for field, at in pairs(index) do
      local value = next(at) and fields[field](msg)
      for _, i in ipairs(value and at[value:lower()] or {}) do found[#found + 1] = i end
    end
    if #found == 0 then return rest end
    for _, i in ipairs(rest) do found[#found + 1] = i end
    table.sort(found)
    return found
  end

  return function(msg)
    for _, i in ipairs(candidates(msg)) do
      local r, ok = compiled[i], true
      for _, c in ipairs(r.conds) do
        ok = ok and holds(fields[c[1]](msg), c[2])
      end
      if ok then
        for _, k in ipairs(order) do
          if r.todo[k] then actions[k](msg, r.todo[k]) end
        end
        if not r.next then return end
      end
    end
  end
end
