"""Secrets of scripts: syncd.yaml says where they are; nobody but the script sees them."""
import os
import unittest

from case import limit, message
from test_scripts import ScriptCase

# What it has is handed to a program, whose file is the witness.
SHOWS = """
plugin { api = 1, exec = { "%(show)s" } }
local opt = options { token = { "secret", nil, "of the service" } }
on.incoming(function(msg)
  local r = exec { "%(show)s", env = { SYNCD_TOKEN = opt.token } }
  msg:tag(r.ok and "told" or "failed")
end)
"""
SECRET = "hunter2 with a blank"


class SecretTest(ScriptCase):
    def prepare(self, config):
        self.seen = os.path.join(self.syncd.dir, "seen")
        show = self.program("show", f'#!/bin/sh\nprintf %s "$SYNCD_TOKEN" >{self.seen}\n')
        self.script("shows", SHOWS % {"show": show}, allow={"exec": [show]}, config=config)

    def secret_file(self, mode=0o600):
        path = os.path.join(self.syncd.dir, "token")
        with open(path, "w", encoding="utf-8") as f:
            f.write(SECRET + "\nnotes\n")
        os.chmod(path, mode)
        return path

    def check_given(self):
        self.begin()
        self.client.append("INBOX", message("one"))
        said = self.syncd.sync()
        self.assertEqual(self.tree.find("INBOX", "one").keywords, {"told"}, said)
        with open(self.seen, encoding="utf-8") as f:
            self.assertEqual(f.read(), SECRET)
        return said.out + said.err

    def test_a_file(self):
        self.prepare({"token": {"file": self.secret_file()}})
        self.check_given()

    def test_a_command(self):
        self.prepare({"token": {"command": f"cat {self.secret_file()}"}})
        self.check_given()

    def test_a_command_without_a_shell(self):
        self.prepare({"token": {"command": ["sed", "n; d", self.secret_file()]}})
        self.check_given()

    def refused(self, *why):
        """The script is off, and says why; mail goes on."""
        self.syncd.start()
        self.wait(lambda: self.plugins()["shows"]["state"] == "disabled", 30, "its end")
        self.client.append("INBOX", message("one"))
        self.wait_same(30, "mail without the script")
        said = self.syncd.run("plugin", "list").out
        for words in why:
            self.assertIn(words, said)
            self.assertIn(words, self.syncd.log())
        self.assertFalse(os.path.exists(self.seen))

    def test_a_file_that_others_can_read(self):
        self.prepare({"token": {"file": self.secret_file(0o644)}})
        self.refused("option `token` is not there: ", "has mode 0644: others may read it")

    def test_a_command_that_fails(self):
        self.prepare({"token": {"command": "echo locked >&2; exit 3"}})
        self.refused("option `token` is not there: the command exited 3: locked")

    def test_a_relative_path(self):
        self.prepare({"token": {"file": "token"}})
        self.refused("no file by a path from / or ~")

    def place(self):
        """Where the option's value stands, as the configuration is written."""
        with open(self.syncd.conf, encoding="utf-8") as f:
            for n, line in enumerate(f, 1):
                if '"token":' in line:
                    return f"{self.syncd.conf}:{n}:{line.index(':') + 3}"
        return None

    def test_written_into_the_configuration_it_is_refused(self):
        self.prepare({"token": SECRET})
        self.refused(f"takes {{command: ...}} or {{file: ...}}: a secret itself is not written "
                     f"into the configuration ({self.place()})")
        said = self.syncd.run("plugin", "check", "shows")
        self.assertEqual(said.rc, 1)
        self.assertIn(self.place(), said.err)
        self.assertNotIn(SECRET, self.syncd.log() + said.err + self.syncd.run("status", "--json").out)

    @limit(90)
    def test_nobody_prints_it(self):
        self.prepare({"token": {"file": self.secret_file()}})
        self.syncd.settings["log"] = {"level": "trace", "protocol": ["a"]}
        self.syncd.write()
        said = self.check_given()
        self.syncd.start()
        self.wait_same(30, "the first round")
        self.client.append("INBOX", message("two"))
        self.wait(lambda: "told" in self.tree.find("INBOX", "two").keywords, 30, "the script")
        said += self.syncd.log()
        for verb in (("status", "--json"), ("plugin", "list"), ("plugin", "list", "--json"),
                     ("plugin", "check", "shows"), ("config", "show"), ("config", "show", "--json"),
                     ("doctor",), ("log",), ("events", "--snapshot")):
            r = self.syncd.run(*verb)
            said += r.out + r.err
        self.assertNotIn(SECRET, said)
        for at, _, names in os.walk(self.syncd.state):
            for name in filter(os.path.isfile, (os.path.join(at, x) for x in names)):
                with open(name, "rb") as f:
                    self.assertNotIn(SECRET.encode(), f.read(), name)

    def test_tried_out_it_is_not_read(self):
        self.prepare({"token": {"command": f"touch {self.syncd.dir}/ran"}})
        self.assertEqual(self.syncd.run("plugin", "check", "shows").rc, 0)
        self.assertFalse(os.path.exists(os.path.join(self.syncd.dir, "ran")))


if __name__ == "__main__":
    unittest.main()
