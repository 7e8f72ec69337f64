-- addr: questions about addresses.
local M = {}

-- Does one of the globs match one of the addresses?
function M.any(list, globs)
  for _, a in ipairs(list) do
    if glob(a.addr, globs) then return true end
  end
  return false
end

-- "Ann <ann@example.org>", or the address alone.
function M.show(a)
  if a.name == "" then return a.addr end
  return a.name .. " <" .. a.addr .. ">"
end

-- In a domain, or in one below it?
function M.within(a, domain)
  domain = domain:lower()
  return a.domain == domain or a.domain:sub(-#domain - 1) == "." .. domain
end

return M
