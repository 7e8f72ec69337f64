"""Mail programs at work on a live tree: new mail is seen, flags, moves and deletions
reach the server, and nobody has anything to complain about.

The programs are Debian packages (`make clients` installs them); one that is not
there is skipped.
"""
import json
import os
import re
import shutil
import subprocess
import time
import unittest

from case import limit, message
from syncd import BINARY
from test_live import LiveCase
from tmux import Tmux


def needs(package, *programs):
    missing = [p for p in programs if shutil.which(p) is None]
    return unittest.skipIf(missing, f"apt-get install {package} ({', '.join(missing)} is missing)")


class Client(LiveCase):
    """Five messages in INBOX, and a daemon."""
    account = {"email": "me@test.example"}

    def begin(self):
        for i, name in enumerate(("alpha", "beta", "gamma", "delta", "omega")):
            self.client.append("INBOX", message(name), date=1750000000 + i)
        self.run_daemon()
        home = self.syncd.dir
        self.env = {"HOME": home, "SYNCD_CONFIG": self.syncd.conf, "LC_ALL": "C.UTF-8",
                    "PATH": os.path.dirname(BINARY) + ":" + os.environ["PATH"]}

    def generate(self, program, path, mode=0o600):
        """What syncd itself says the program wants."""
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8", opener=lambda p, f: os.open(p, f, mode)) as f:
            f.write(self.syncd.run("generate", program).out)
        return path

    def ran(self, *argv, text=None):
        """A command that says nothing on stderr."""
        r = subprocess.run(argv, env=self.env, capture_output=True, text=True, input=text,
                           timeout=50, check=False)
        self.assertEqual((r.returncode, r.stderr), (0, ""), argv)
        return r.stdout

    def far_flags(self, token, folder="INBOX"):
        return self.flags(self.far(folder, token))

    def is_far(self, token, *folders):
        """On the server it is in these, once each, and nowhere else."""
        with self.dovecot.client(self.user) as c:
            found = [f for f in c.list() for m in c.fetch_all(f) if token.encode() in m.data]
        return sorted(found) == sorted(folders)

    def assertCalm(self):
        self.wait_same(20)
        self.assertEqual(self.report()["problems"], [])
        self.assertNotRegex(self.syncd.log(), r"(?m)^\S+ (error|warn)")


class OnScreen(Client):
    def open(self, *argv, **env):
        self.screen = Tmux(argv, dict(self.env, **env), self.syncd.dir)
        self.addCleanup(self.screen.stop)

    def assertNoError(self):
        self.assertNotRegex(self.screen.text().lower(), r"error|fail|cannot|could not")


@needs("neomutt tmux", "neomutt", "tmux")
class Neomutt(OnScreen):
    @limit(120)
    def test_a_session(self):
        self.begin()
        rc = self.generate("neomutt", self.syncd.dir + "/neomuttrc")
        with open(rc, "a", encoding="utf-8") as f:
            f.write("set timeout=1\nset mail_check=1\nset confirmappend=no\nset delete=yes\n"
                    "set sort=date\nset wait_key=no\nset pager_index_lines=8\n")
        self.open("neomutt", "-n", "-F", rc, "-f", self.tree.path("INBOX"))
        s = self.screen
        s.wait("alpha", "omega")
        self.another_second()
        self.client.append("INBOX", message("fresh"))
        s.wait("fresh")

        self.at("alpha")
        s.type("F$")
        self.wait(lambda: "F" in self.far_flags("alpha")[0], 20, "the flag")
        self.at("beta")
        s.press("s", "C-u")
        s.line("=Archive")
        s.type("$")
        # What it saves elsewhere gets a Content-Length: it is another message.
        self.wait(lambda: self.is_far("beta", "Archive", "Trash"), 20, "the move")
        self.at("gamma")
        s.type("d$")
        self.wait(lambda: self.is_far("gamma", "Trash"), 20, "the deletion")
        self.at("delta")
        s.press("Enter")
        s.wait("hello")
        s.type("i$")
        self.wait(lambda: "S" in self.far_flags("delta")[0], 20, "it to be read")
        self.another_second()
        self.client.expunge("INBOX", self.client.find("INBOX", "fresh"))
        s.wait("D  Jul 20", "externally modified")
        s.type("$")
        s.wait("omega", without=["fresh"])
        self.another_second()
        self.client.store("INBOX", self.client.find("INBOX", "omega"), "+", "F")
        s.wait_match(r"! Jul 20 .* omega")
        self.assertNoError()
        s.type("q")
        self.assertEqual(s.ended(), 0)
        self.assertCalm()

    def another_second(self):
        """It goes by the directory's time in seconds: what changes in the second of a change that
        it saw is not seen by it."""
        time.sleep(1.1)

    def at(self, token):
        """Put the cursor on it."""
        self.screen.press("Home")
        self.screen.type("=/")
        self.screen.press("C-u")
        self.screen.line("~s " + token)


class Told(Client):
    """The scripts that feed an index with `syncd changes`."""

    def tell(self, program):
        path = self.generate(program + "-script", self.syncd.dir + "/tell", 0o755)
        self.ran(path, os.path.dirname(self.tree.root))

    def check_told(self, program):
        """${program}: everything at first, then what is new."""
        self.tell(program)
        self.assertEqual(self.found("hello"), {"alpha", "beta", "gamma", "delta", "omega"})
        self.tell(program)
        self.client.append("INBOX", message("fresh"))
        self.client.store("INBOX", self.client.find("INBOX", "beta"), "+", "RS")
        self.client.move("INBOX", self.client.find("INBOX", "gamma"), "Archive")
        self.client.expunge("INBOX", self.client.find("INBOX", "alpha"))
        self.tree.delete("INBOX", "delta")
        self.wait_same(20)
        # A tombstone waits a moment, in case it is a move.
        self.arrives("all", lambda: not self.near("INBOX", "alpha"))
        self.tell(program)
        self.assertEqual(self.found("hello"), {"beta", "gamma", "delta", "omega", "fresh"})


@needs("notmuch", "notmuch")
class Notmuch(Told):
    def configure(self):
        conf = self.env["NOTMUCH_CONFIG"] = self.syncd.dir + "/notmuch-config"
        with open(conf, "w", encoding="utf-8") as f:
            f.write(f"[database]\npath={os.path.dirname(self.tree.root)}\n[new]\ntags=unread\n"
                    "ignore=.syncd-store;dovecot-keywords\n[maildir]\nsynchronize_flags=true\n")

    @limit(120)
    def test_a_session(self):
        self.begin()
        self.configure()
        self.ran("notmuch", "new", "--quiet")
        self.assertEqual(self.found("*"), {"alpha", "beta", "gamma", "delta", "omega"})
        self.client.append("INBOX", message("fresh"))
        self.arrives("fresh", lambda: self.near("INBOX", "fresh"))
        self.ran("notmuch", "new", "--quiet")
        self.assertIn("fresh", self.found("folder:a/INBOX and tag:unread"))

        self.ran("notmuch", "tag", "-unread", "+flagged", "--", "subject:alpha")
        self.wait(lambda: self.far_flags("alpha") == ["FS"], 20, "the flags")
        self.client.store("INBOX", self.client.find("INBOX", "beta"), "+", "RS")
        self.client.move("INBOX", self.client.find("INBOX", "gamma"), "Archive")
        self.client.expunge("INBOX", self.client.find("INBOX", "fresh"))
        self.wait_same(20)
        self.ran("notmuch", "new", "--quiet")
        self.assertEqual(self.found("tag:replied"), {"beta"})
        self.assertEqual(self.found("folder:a/Archive"), {"gamma"})
        self.assertNotIn("fresh", self.found("*"))
        for path in self.ran("notmuch", "search", "--output=files", "subject:delta").split():
            os.unlink(path)
        self.ran("notmuch", "new", "--quiet")
        self.wait(lambda: self.is_far("delta", "Trash"), 20, "the deletion")
        self.assertCalm()

    @limit(120)
    def test_it_is_told_what_changed(self):
        if subprocess.run(("/usr/bin/python3", "-c", "import notmuch2"), check=False,
                          capture_output=True).returncode:
            self.skipTest("apt-get install python3-notmuch2")
        self.begin()
        self.configure()
        self.check_told("notmuch")
        self.assertEqual(self.found("tag:replied"), {"beta"})
        self.assertEqual(self.found("tag:unread"), {"gamma", "delta", "omega", "fresh"})
        self.assertEqual(self.found("folder:a/Archive"), {"gamma"})
        self.assertEqual(self.found("folder:a/Trash"), {"delta"})
        before = self.ran("notmuch", "dump"), self.ran("notmuch", "search", "--output=files", "*")
        self.ran("notmuch", "new", "--full-scan", "--quiet")
        self.assertEqual(before, (self.ran("notmuch", "dump"),
                                  self.ran("notmuch", "search", "--output=files", "*")))

    def found(self, query):
        out = json.loads(self.ran("notmuch", "search", "--format=json", query))
        return {t["subject"] for t in out}


class Mu4e:
    """`mu server`, as mu4e talks to it."""

    def __init__(self, env):
        self.proc = subprocess.Popen(("mu", "server"), env=env, stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                     encoding="latin-1")    # lengths stand in odd bytes

    def say(self, command, until):
        """Everything it answers until the pattern ${until} is in it."""
        self.proc.stdin.write(command + "\n")
        self.proc.stdin.flush()
        text = ""
        while not re.search(until, text):
            piece = self.proc.stdout.readline()
            if not piece:
                raise AssertionError(f"{command}: {text}{self.proc.stderr.read()}")
            text += piece
            if "(:error" in text:
                raise AssertionError(f"{command}: {text}")
        return text


@needs("maildir-utils", "mu")
class Mu(Told):
    @limit(120)
    def test_a_session(self):
        self.begin()
        self.ran("mu", "init", "--quiet", "--maildir=" + os.path.dirname(self.tree.root))
        self.ran("mu", "index", "--quiet")
        self.assertEqual(self.found(""), {"alpha", "beta", "gamma", "delta", "omega"})
        mu = Mu4e(self.env)
        self.addCleanup(mu.proc.kill)
        self.client.append("INBOX", message("fresh"))
        self.arrives("fresh", lambda: self.near("INBOX", "fresh"))
        mu.say("(index)", r":status complete")
        self.assertIn('"fresh"', self.find(mu, "fresh"))

        self.move(mu, "alpha", ':flags "+F+S-N"')
        self.wait(lambda: self.far_flags("alpha") == ["FS"], 20, "the flags")
        self.move(mu, "beta", ':maildir "/a/Archive" :flags "-N"')
        self.wait(lambda: self.is_far("beta", "Archive"), 20, "the move")
        self.move(mu, "gamma", ':maildir "/a/Trash" :flags "+T-N"')
        self.wait(lambda: self.is_far("gamma", "Trash"), 20, "the deletion")
        mu.say(f"(remove :docid {self.docid(mu, 'delta')})", r":remove \d+")
        self.wait(lambda: self.is_far("delta", "Trash"), 20, "the removal")
        self.client.store("INBOX", self.client.find("INBOX", "omega"), "+", "R")
        self.client.expunge("INBOX", self.client.find("INBOX", "fresh"))
        self.wait_same(20)
        mu.say("(index)", r":status complete")
        self.assertIn("replied", self.find(mu, "omega"))
        self.assertNotIn("/fresh", self.find(mu, "fresh"))
        out, err = mu.proc.communicate("(quit)\n", timeout=20)
        self.assertEqual((mu.proc.returncode, err), (0, ""), out)
        self.assertCalm()

    @limit(120)
    def test_it_is_told_what_changed(self):
        self.begin()
        self.ran("mu", "init", "--quiet", "--maildir=" + os.path.dirname(self.tree.root))
        self.check_told("mu")
        self.assertEqual(self.found("flag:replied"), {"beta"})
        self.assertEqual(self.found("maildir:/a/Archive"), {"gamma"})
        self.assertEqual(self.found("maildir:/a/Trash"), {"delta"})

    def found(self, query):
        return set(self.ran("mu", "find", "--fields", "s", query).split())

    def find(self, mu, subject):
        return mu.say(f'(find :query "subject:{subject}" :sortfield :date :maxnum 9)',
                      r"\(:found \d+")

    def docid(self, mu, subject):
        return re.search(r":docid (\d+)", self.find(mu, subject))[1]

    def move(self, mu, subject, how):
        mu.say(f"(move :docid {self.docid(mu, subject)} {how} :rename nil)", r"\(:update")


@needs("aerc tmux", "aerc", "tmux")
class Aerc(OnScreen):
    @limit(120)
    def test_a_session(self):
        self.begin()
        self.generate("aerc", self.syncd.dir + "/.config/aerc/accounts.conf")
        self.open("aerc")
        s = self.screen
        s.wait("alpha", "omega")
        self.client.append("INBOX", message("fresh"))
        s.wait("fresh")

        self.at("alpha")
        s.line(":flag")
        self.wait(lambda: "F" in self.far_flags("alpha")[0], 20, "the flag")
        self.at("beta")
        s.line(":mv Archive")
        self.wait(lambda: self.is_far("beta", "Archive"), 20, "the move")
        self.at("gamma")
        s.line(":delete")
        self.wait(lambda: self.is_far("gamma", "Trash"), 20, "the deletion")
        self.at("delta")
        s.line(":read")
        self.wait(lambda: "S" in self.far_flags("delta")[0], 20, "it to be read")
        self.client.expunge("INBOX", self.client.find("INBOX", "fresh"))
        s.wait("omega", without=["fresh"])
        self.assertNoError()
        s.line(":quit")
        self.assertEqual(s.ended(), 0)
        self.assertCalm()

    def at(self, token):
        """By its place: a search goes on while the next command is done."""
        rows = [r for r in self.screen.text().splitlines() if re.search(r"\bAnn\b", r)]
        [n] = [n for n, row in enumerate(rows) if token in row]
        self.screen.line(f":select-message {n}")
