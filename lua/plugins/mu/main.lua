-- mu: index once per burst, not once per message
plugin { api = 1, exec = { "mu", "emacsclient" } }
local opt = options {
  emacs = { "bool", false, "let mu4e do it, through emacsclient" },
}

on.settled(function()
  if opt.emacs then
    run { "emacsclient", "--no-wait", "--eval", "(mu4e-update-index)", timeout = "1m" }
  else
    run { "mu", "index", "--quiet", "--lazy-check", timeout = "10m" }
  end
end)
