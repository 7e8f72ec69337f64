-- date: days, for scripts that sort by them.
local M = {}

-- "2026-05-01", local time.
function M.day(t) return os.date("%Y-%m-%d", t) end

-- How many days ago, whole ones.
function M.days_ago(t) return (now() - t) // 86400 end

-- Saturday or Sunday?
function M.is_weekend(t)
  local d = os.date("%w", t or now())
  return d == "0" or d == "6"
end

return M
