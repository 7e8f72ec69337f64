"""Scripts whose files are edited while syncd runs, and what people ask of scripts:
`syncd plugin`, `syncd cmd`."""
import os
import unittest

from case import limit, message
from test_scripts import ScriptCase

MOVES = """
plugin {{ api = 1 }}
on.incoming({{ mailbox = "INBOX" }}, function(msg) msg:move("{to}") end)
"""


class ReloadTest(ScriptCase):
    def write_script(self, text, name="mover"):
        """As editors do it: a new file in the place of the old one."""
        path = os.path.join(self.syncd.dir, name + ".lua")
        with open(path + "~", "w", encoding="utf-8") as f:
            f.write(text)
        os.rename(path + "~", path)

    def arrives(self, token, folder):
        self.client.append("INBOX", message(token))
        self.wait(lambda: self.has(folder, token), 30, f"{token} in {folder}")

    @limit(90)
    def test_a_new_version_runs_when_it_loads(self):
        for name in ("One", "Two", "Three"):
            self.client.create(name)
        self.script("mover", MOVES.format(to="One"))
        self.begin()
        self.syncd.start()
        self.wait_same(30, "the first round")
        self.arrives("first version", "One")

        self.write_script(MOVES.format(to="Two"))
        self.wait(lambda: "has changed" in self.syncd.log(), 30, "somebody to see it")
        self.arrives("second version", "Two")

        self.write_script("plugin { api = 1 }\non.incomming(function() end)\n")
        self.wait(lambda: self.plugins()["mover"]["stale"], 30, "the mistake in status")
        status = self.plugins()["mover"]
        self.assertEqual(status["state"], "ok")
        self.assertIn("mover.lua:2", status["error"])
        self.assertIn("did you mean `incoming`?", status["error"])
        for verb in (("status",), ("plugin", "list")):
            out = self.syncd.run(*verb).out
            self.assertIn("does not load", out)
            self.assertIn("mover.lua:2", out)
        self.arrives("still the second", "Two")

        self.write_script('local to = require "helper"\n' + MOVES.format(to='" .. to .. "'))
        self.wait(lambda: "helper" in (self.plugins()["mover"]["error"] or ""), 30,
                  "what is missing")
        self.write_script('return "Three"\n', "helper")
        self.wait(lambda: not self.plugins()["mover"]["stale"], 30, "the next version")
        self.assertIsNone(self.plugins()["mover"]["error"])
        self.arrives("third version", "Three")


if __name__ == "__main__":
    unittest.main()
