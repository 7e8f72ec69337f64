-- text: what people wrote, without what they quoted.
local M = {}

-- The text without quoted lines, the line that announces them, and the signature.
function M.unquoted(text)
  local out = {}
  for line in text:lines() do
    if line == "-- " then break end
    if not line:find "^>" then out[#out + 1] = line end
  end
  while #out > 0 and (out[#out] == "" or out[#out]:find ":$") do out[#out] = nil end
  return table.concat(out, "\n")
end

-- The first n characters on one line, cut at a word.
function M.summary(text, n)
  local s = text:gsub("%s+", " "):trim()
  if utf8.len(s) == nil or utf8.len(s) <= n then return s end
  s = s:sub(1, utf8.offset(s, n + 1) - 1)
  return (s:gsub("%s+%S*$", "")) .. "…"
end

return M
