-- archive.lua: a clean inbox every night, and lists that expire
plugin { api = 1 }
local opt = options {
  after  = { "duration", "30d" },
  into   = { "string",   "Archive/{year}" },
  expire = { "map<glob,duration>", { ["Lists/*"] = "180d", ["Trash"] = "7d" } },
}

daily("03:30", function()
  -- An INBOX that was never tidied has more than 500 of them: they are meant.
  search { mailbox = "INBOX", seen = true, flagged = false, older = opt.after }
    :really():move(opt.into)
  for box, age in pairs(opt.expire) do
    search { mailbox = box, older = age, flagged = false, to_me = false }
      :really():trash()
  end
end)
