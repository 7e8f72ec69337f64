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


BY_SUBJECT = """
plugin {{ api = 1 }}
on.incoming({{ mailbox = "INBOX", subject = "*list*" }}, function(msg)
  msg:move("{to}"):tag("filed")
end)
on.incoming({{ mailbox = "INBOX" }}, function(msg)
  if msg.subject:find("bait") then error("on purpose") end
end)
"""


class VerbsTest(ScriptCase):
    """What people ask of scripts: with mail, a server and a daemon, each in turn."""

    @limit(120)
    def test_each_verb(self):
        self.client.create("Lists")
        for i in range(3):
            self.client.append("INBOX", message(f"old list {i}"))
        self.client.append("INBOX", message("old plain"))
        self.script("rules", BY_SUBJECT.format(to="Lists"))
        self.syncd.sync()
        path = os.path.join(self.syncd.dir, "rules.lua")
        self.try_out(path)
        self.check(path)
        self.run_over_old_mail()
        self.resume(path)

    def try_out(self, path):
        """`plugin test`: the plan, and nothing happens."""
        before = self.tree.snapshot()
        r = self.syncd.run("plugin", "test", "rules", "--mailbox", "INBOX")
        self.assertEqual(r.rc, 0, r.err)
        self.assertRegex(r.out, r"^4 messages, 3 touched, 0 errors")
        self.assertIn("Lists", r.out)
        self.assertIn("rules.lua:4", r.out)
        r = self.syncd.run("plugin", "test", "rules", "--mailbox", "INBOX", "--explain")
        self.assertIn("subject", r.out)
        self.assertIn("rules.lua:3", r.out)
        newer = os.path.join(self.syncd.dir, "newer.lua")
        with open(newer, "w", encoding="utf-8") as f:
            f.write(BY_SUBJECT.format(to="Elsewhere"))
        r = self.syncd.run("plugin", "test", newer, "--diff", path, "--mailbox", "INBOX")
        self.assertEqual(r.rc, 0, r.err)
        self.assertIn("3 of 4 messages differ", r.out)
        self.assertIn("Elsewhere", r.out)
        self.assertEqual(self.tree.snapshot(), before)

    def check(self, path):
        """`plugin check`: a mistake has a place; a grant that is lacking, its YAML."""
        r = self.syncd.run("plugin", "check", "rules")
        self.assertEqual(r.rc, 0, r.out + r.err)
        bad = os.path.join(self.syncd.dir, "bad.lua")
        with open(bad, "w", encoding="utf-8") as f:
            f.write("plugin { api = 1 }\non.deliverd(function() end)\n")
        r = self.syncd.run("plugin", "check", bad)
        self.assertNotEqual(r.rc, 0)
        self.assertIn("bad.lua:2", r.out + r.err)
        self.assertIn("delivered", r.out + r.err)
        with open(bad, "w", encoding="utf-8") as f:
            f.write('plugin { api = 1, exec = { "bogofilter" }, send = true }\n')
        r = self.syncd.run("plugin", "check", bad)
        self.assertIn("exec: [bogofilter]", r.out + r.err)
        self.assertIn("send: yes", r.out + r.err)

    def run_over_old_mail(self):
        self.syncd.start()
        self.wait_same(30, "the first round")
        r = self.syncd.run("plugin", "run", "rules", "--mailbox", "INBOX")
        self.assertEqual(r.rc, 0, r.err)
        self.assertIn("4 messages of INBOX go to rules", r.out)
        for i in range(3):
            self.wait(lambda i=i: self.has("Lists", f"old list {i}"), 30, "the move")
        self.wait_same(30)
        self.assertPlaces("old plain", "INBOX")
        self.assertPlaces("old list 0", "Lists")
        self.assertIn("filed", self.tree.find("Lists", "old list 0").keywords)
        r = self.syncd.run("plugin", "run", "rules", "--mailbox", "Nowhere")
        self.assertNotEqual(r.rc, 0)
        self.assertIn("Nowhere", r.err)

    def resume(self, path):
        """Suspended by its errors; what it missed is owed, and made good."""
        for i in range(6):
            self.client.append("INBOX", message(f"bait {i}"))
        self.wait(lambda: self.plugins()["rules"]["state"] == "suspended", 60, "the breaker")
        self.client.append("INBOX", message("a list in between"))
        self.wait(lambda: self.plugins()["rules"]["owed"] == 7, 30, "the debts")
        for verb in (("status",), ("plugin", "list")):
            out = self.syncd.run(*verb).out
            self.assertIn("suspended", out)
            self.assertIn("on purpose", out)
        with open(path, "w", encoding="utf-8") as f:
            f.write(BY_SUBJECT.format(to="Lists").replace("error(", "print("))
        r = self.syncd.run("plugin", "resume", "rules")
        self.assertEqual(r.rc, 0, r.err)
        self.wait(lambda: self.has("Lists", "a list in between"), 60, "the debt")
        self.wait(lambda: self.plugins()["rules"]["owed"] == 0, 30, "no debts")
        self.assertEqual(self.plugins()["rules"]["state"], "ok")


if __name__ == "__main__":
    unittest.main()
