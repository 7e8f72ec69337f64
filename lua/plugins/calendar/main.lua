-- calendar.lua: invitations go into khal; answers and cancellations are tagged
plugin { api = 1, exec = { "khal" } }
local opt = options { calendar = { "string", "private" } }

on.delivered({ attachment = "text/calendar" }, function(msg)
  for part in msg:parts("text/calendar") do
    local method = (part.params.method or "PUBLISH"):upper()
    if method == "REQUEST" or method == "PUBLISH" then
      run { "khal", "import", "--batch", "-a", opt.calendar, "/dev/stdin", input = part }
      msg:tag("invite")
    elseif method == "CANCEL" then
      msg:tag("cancelled"):flag("flagged")
    end
  end
end)
