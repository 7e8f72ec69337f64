"""What `status` says of scripts, whatever they say and count."""
from case import limit, message
from test_scripts import ScriptCase


class StatusTest(ScriptCase):
    def news(self):
        self.begin()
        self.syncd.start()
        self.wait_same(30, "the first round")
        self.client.append("INBOX", message("news"))

    @limit(90)
    def test_words_that_are_no_text(self):
        """A script that stumbles over old mail quotes it."""
        self.script("old", """
plugin { api = 1 }
command("greet", "a gr\\xfc\\xdf", function() end)
on.incoming(function(msg) error("no date: gr\\xfc\\xdfe\\27[2J") end)
""")
        self.news()
        self.wait(lambda: self.plugins()["old"]["error"], 20, "the error")
        self.assertIn("no date: gr??e", self.plugins()["old"]["error"])
        self.assertEqual(self.plugins()["old"]["commands"],
                         [{"name": "greet", "doc": "a gr??"}])
        self.assertIn("no date: gr??e", self.syncd.run("plugin", "list").out)

    @limit(90)
    def test_more_figures_than_fit_into_a_message(self):
        """It says what is so now; and what a script counts cannot clear a screen."""
        for name in ("one", "two", "three"):
            self.script(name, """
plugin { api = 1 }
on.incoming(function(msg)
  for i = 1, 64 do metric(("\\27"):rep(60) .. i, 1) end
end)
""")
        self.news()
        self.wait(lambda: [len(p["metrics"]) for p in self.plugins().values()] == [64] * 3,
                  20, "all figures")
        out = self.syncd.run("plugin", "list").out
        self.assertIn("?" * 60 + "64 1\n", out)
        self.assertNotIn("\33", out)
