local test = require "syncd.test"

test("indexes when it is quiet", function(t)
  t.event("settled"):is("run mu index --quiet --lazy-check")
  t.options { emacs = true }
  t.event("settled"):is("run emacsclient --no-wait --eval (mu4e-update-index)")
end)
