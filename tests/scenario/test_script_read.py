"""Scripts that read files: below the directories that are granted, and nothing else."""
import os
import unittest

from case import message
from test_scripts import ScriptCase

READS = """
plugin { api = 1, read = { "%(dir)s" } }
on.incoming({ mailbox = "INBOX" }, function(msg)
  for _, name in ipairs { %(names)s } do
    local ok, what = pcall(read, "%(dir)s/" .. name)
    log.warn(name, ok, ok and #what or what)
    if ok and what:find(msg.subject, 1, true) then msg:tag("listed") end
  end
end)
"""


class Reading(ScriptCase):
    def setUp(self):
        super().setUp()
        self.dir = os.path.join(self.syncd.dir, "lists")
        os.makedirs(self.dir + "/deep")
        self.write("deep/friends", b"alpha\nfresh\n")
        self.write("../outside", b"fresh\n")

    def write(self, name, data):
        with open(os.path.join(self.dir, name), "wb") as f:
            f.write(data)

    def said(self, *names, allow=None):
        """What became of each, once a message came."""
        self.script("reader", READS % {"dir": self.dir, "names": ", ".join(f'"{n}"' for n in names)},
                    allow={"read": [self.dir] if allow is None else allow})
        self.begin()
        self.client.append("INBOX", message("fresh"))
        r = self.syncd.sync()
        return r.out + r.err

    def assertTags(self, *words):
        [m] = [m for m in self.client.fetch_all("INBOX") if b"fresh" in m.data]
        self.assertEqual(sorted(m.keywords), sorted(words))

    def test_a_file_that_is_granted(self):
        said = self.said("deep/friends")
        self.assertRegex(said, r"deep/friends\s+true\s+12")
        self.assertTags("listed")

    def test_nothing_else(self):
        os.symlink("../outside", self.dir + "/link")
        os.symlink("..", self.dir + "/up")
        os.mkfifo(self.dir + "/fifo")
        self.write("large", b"fresh\n" * 200_000)
        said = self.said("../outside", "link", "up/outside", "fifo", "large", "deep", "none",
                         "deep//friends")
        for name, why in (("../outside", "denied"), ("link", "symbolic"), ("up/outside", ""),
                          ("fifo", "denied"), ("large", "too large"), ("deep", ""),
                          ("none", "No such file"), ("deep//friends", "denied")):
            self.assertRegex(said, rf"(?m){name}\s+false\s+.*{why}", name)
        self.assertTags()

    def test_what_is_not_granted_does_not_load(self):
        said = self.said("deep/friends", allow=[])
        self.assertIn("read", said)
        self.assertNotRegex(said, r"deep/friends\s+true")
        self.assertTags()


if __name__ == "__main__":
    unittest.main()
