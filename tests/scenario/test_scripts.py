"""Scripts: what they decide is done on both sides, once, whatever happens.

The scripts are written by each test; the server is a real Dovecot.
"""
import os
import unittest

from case import Case, message

LISTS = """
plugin { api = 1 }
on.incoming({ mailbox = "INBOX" }, function(msg)
  if msg.subject:find("list") then msg:move("Lists/a"):tag("list") end
  if msg.subject:find("junk") then msg:move("Junk"):flag("seen") end
end)
"""


class ScriptCase(Case):
    def script(self, name, text, **options):
        """A script of that name, added to the configuration."""
        path = os.path.join(self.syncd.dir, name + ".lua")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        plugins = self.syncd.settings.setdefault("plugins", [])
        plugins.append({"script": path, **options})
        self.syncd.write()

    def begin(self):
        """The first sync is over: what comes now is news."""
        self.client.append("INBOX", message("first"))
        self.syncd.sync()

    def plugins(self):
        return {p["name"]: p
                for p in self.syncd.status()["accounts"][0]["plugins"]}


class FilingTest(ScriptCase):
    def test_a_message_is_filed_on_both_sides(self):
        self.script("lists", LISTS)
        self.begin()
        self.client.append("INBOX", message("a list"))
        self.client.append("INBOX", message("some junk"))
        self.client.append("INBOX", message("plain"))
        r = self.syncd.sync()
        self.assertSame()
        self.assertPlaces("a list", "Lists/a")
        self.assertPlaces("some junk", "Junk")
        self.assertPlaces("plain", "INBOX")
        self.assertQuiet()


if __name__ == "__main__":
    unittest.main()
