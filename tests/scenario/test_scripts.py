"""Scripts: what they decide is done on both sides, once, whatever happens.

The scripts are written by each test; the server is a real Dovecot.  The whole sweep
of kills takes its time: SYNCD_SCRIPT_SWEEP=1.
"""
import ctypes
import os
import random
import re
import shutil
import signal
import subprocess
import time
import unittest

from case import Case, limit, local_message, message, rows
from corpus import HERE as CORPUS
from imapclient import ImapError
from syncd import BUILD, SANITIZED

SWEEP = os.environ.get("SYNCD_SCRIPT_SWEEP")
CORPUS_FILES = [os.path.relpath(os.path.join(at, name), CORPUS)
                for at, _, names in os.walk(CORPUS) for name in names]

LISTS = """
plugin { api = 1 }
on.incoming({ mailbox = "INBOX" }, function(msg)
  if msg.subject:find("list") then msg:move("Lists/a"):tag("list") end
  if msg.subject:find("junk") then msg:move("Junk"):flag("seen") end
end)
"""

SPAM = """
plugin { api = 1, exec = { "bogofilter" } }
local opt = options { junk = { "mailbox", "Junk", "where spam goes" } }
local VERDICT = { [0] = "spam", [1] = "ham", [2] = "unsure" }

on.incoming({ mailbox = "INBOX", smaller = "2M" }, function(msg)
  local r = exec { "bogofilter", input = msg, timeout = "5s" }
  local verdict = VERDICT[r.code] or error("bogofilter: " .. r.err)
  if verdict == "spam" then msg:move(opt.junk):tag("$Junk"):stop() end
  if verdict == "unsure" then msg:tag("unsure") end
end)

on.moved({ origin = { "client", "server" } }, function(msg, from, to)
  if to == opt.junk then
    msg:pipe { "bogofilter", "-Ns" }
    msg:tag("$Junk"):untag("$NotJunk")
  elseif from == opt.junk and to ~= account.trash then
    msg:pipe { "bogofilter", "-Sn" }
    msg:tag("$NotJunk"):untag("$Junk")
  end
end)
"""

# Each message is moved, tagged and copied by its number, and piped to a program.
FOUR = """
plugin { api = 1, exec = { "%(log)s" } }
on.incoming({ mailbox = "INBOX" }, function(msg)
  local n = tonumber(msg.subject:match("^m(%%d+)$"))
  if not n then return end
  if n %% 3 == 0 then msg:move("Thirds") end
  if n %% 2 == 0 then msg:tag("even") end
  if n %% 5 == 0 then msg:copy("Fifths") end
  msg:pipe { "%(log)s" }
end)
"""

# One process: killed, it has written its line or not.
LOG = """#!/bin/sh
while read -r name value; do [ "$name" = Subject: ] && break; done
echo "$SYNCD_EVENT_ID $value" >>%s
"""


def token(i):
    return f"m{i:03}"


class ScriptCase(Case):
    def script(self, name, text, **options):
        """A script of that name, added to the configuration."""
        path = os.path.join(self.syncd.dir, name + ".lua")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        plugins = self.syncd.settings.setdefault("plugins", [])
        plugins.append({"script": path, **options})
        self.syncd.write()

    def program(self, name, text):
        path = os.path.join(self.syncd.dir, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path, 0o755)
        return path

    def begin(self):
        """The first sync is over: what comes now is news."""
        self.client.append("INBOX", message("first"))
        self.syncd.sync()

    def has(self, folder, token):
        """Is it there, on the server?"""
        try:
            return self.client.find(folder, token) is not None
        except ImapError:
            return False

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
        self.syncd.sync()
        self.assertSame()
        self.assertPlaces("a list", "Lists/a")
        self.assertPlaces("some junk", "Junk")
        self.assertPlaces("plain", "INBOX")
        self.assertQuiet()

    def test_mail_that_was_there_first_is_left_alone(self):
        self.script("lists", LISTS)
        self.client.append("INBOX", message("an old list"))
        self.syncd.sync()
        self.assertPlaces("an old list", "INBOX")


class SavingTest(ScriptCase):
    SAVES = """
plugin { api = 1, write = { "%(dir)s" } }
on.delivered(function(msg) msg:save("%(dir)s/by/{subject}.eml") end)
"""

    def files(self, at):
        return sorted(os.path.relpath(os.path.join(d, f), at)
                      for d, _, names in os.walk(at) for f in names)

    def save(self, at):
        """Four messages, two of them the same but for their envelope."""
        self.script("saves", self.SAVES % {"dir": at}, allow={"write": [at]})
        self.begin()
        for token in ("one", "two", "one"):
            self.client.append("INBOX", message(token))
        self.client.append("INBOX", message("two", "another body"))
        said = self.syncd.sync().err
        self.assertNotIn("plugin", said)
        self.assertEqual(self.files(at), ["by/one.eml", "by/two-2.eml", "by/two.eml"])
        with open(os.path.join(at, "by/one.eml"), "rb") as f:
            self.assertEqual(f.read(), local_message("one"))

    def test_into_a_directory_that_is_granted(self):
        at = os.path.join(self.syncd.dir, "saved")
        os.mkdir(at)
        self.save(at)

    def test_into_one_that_is_not_there_yet(self):
        self.save(os.path.join(self.syncd.dir, "saved"))

    def test_nowhere_else(self):
        """What a link in it points to is not it."""
        at, other = (os.path.join(self.syncd.dir, x) for x in ("saved", "other"))
        os.mkdir(at)
        os.mkdir(other)
        os.symlink(other, os.path.join(at, "by"))
        self.script("saves", self.SAVES % {"dir": at}, allow={"write": [at]})
        self.begin()
        self.client.append("INBOX", message("one"))
        self.assertIn("save failed", self.syncd.sync().err)
        self.assertEqual(self.files(other), [])
        self.assertSame()


class Watch:
    """The names that come to be in a directory, as the kernel tells them."""

    IN_CREATE, IN_MOVED_TO = 0x100, 0x80

    def __init__(self, *paths):
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.fd = self.libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        for path in paths:
            if self.libc.inotify_add_watch(self.fd, path.encode(),
                                           self.IN_CREATE | self.IN_MOVED_TO) < 0:
                raise OSError(ctypes.get_errno(), path)

    def names(self):
        out = []
        try:
            data = os.read(self.fd, 1 << 20)
        except BlockingIOError:
            return out
        while data:
            size = int.from_bytes(data[12:16], "little")
            out.append(data[16:16 + size].rstrip(b"\0").decode())
            data = data[16 + size:]
        return out

    def close(self):
        os.close(self.fd)


# Real mail that the filter has not seen when it comes, by some of its bytes.
NEW_SPAM = {"spamassassin-t/spam-006": "yellow stained teeth",
            "spamassassin-t/spam-009": "78w08.t365th3y6x7h@yahoo.com"}
NEW_HAM = {"aerc/0004.e8d5727378ddde5c3be181df593f1712.eml": "[IRR] Klez: The Virus",
           "aerc/0053.71bcb179e702d98e88fd0bc081ba0f52.eml": "Re: CVS report"}


class SpamTest(ScriptCase):
    def bogofilter(self, *args, data=None):
        env = {"HOME": self.syncd.dir, "PATH": os.environ["PATH"]}
        return subprocess.run(("bogofilter",) + args, input=data, env=env, check=False,
                              stdout=subprocess.PIPE).returncode

    def train(self):
        """With the spam of the corpus, and with people's talk."""
        for name in sorted(CORPUS_FILES):
            spam = "/spam-" in name or name == "james/spamMail.eml"
            ham = name.startswith(("aerc/", "mox/", "imaptest-mbox/"))
            if (spam or ham) and name not in NEW_SPAM and name not in NEW_HAM:
                self.bogofilter("-s" if spam else "-n", data=self.mail(name))

    def mail(self, name):
        with open(os.path.join(CORPUS, name), "rb") as f:
            return f.read()

    def counts(self):
        """(spam, ham) that the filter has learned."""
        env = {"HOME": self.syncd.dir, "PATH": os.environ["PATH"]}
        out = subprocess.run(
            ("bogoutil", "-w", os.path.join(self.syncd.dir, ".bogofilter"), ".MSG_COUNT"),
            env=env, check=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            text=True).stdout
        found = re.search(r"\.MSG_COUNT\s+(\d+)\s+(\d+)", out)
        # The filter may be writing.
        return (int(found[1]), int(found[2])) if found else None

    @limit(90)
    def test_spam_is_junk_before_anybody_sees_it(self):
        self.train()
        self.client.create("Junk")
        self.script("spam", SPAM, allow={"exec": ["bogofilter"]})
        self.begin()
        self.syncd.start()
        self.wait_same(30, "the first round")
        inbox = self.tree.path("INBOX")
        watch = Watch(os.path.join(inbox, "new"), os.path.join(inbox, "cur"))
        self.addCleanup(watch.close)
        for name in (*NEW_SPAM, *NEW_HAM):
            self.client.append("INBOX", self.mail(name).replace(b"\r\n", b"\n").replace(
                b"\n", b"\r\n"))
        for token in NEW_SPAM.values():
            self.wait(lambda t=token: self.has("Junk", t), 30, "the spam in Junk there")
        self.wait_same(30, "both sides to be equal")
        for token in NEW_SPAM.values():
            self.assertPlaces(token, "Junk")
        names = set()
        for token in NEW_HAM.values():
            self.assertPlaces(token, "INBOX")
            names.add(self.base(self.tree.find("INBOX", token).path))
        self.assertEqual({self.base(n) for n in watch.names()}, names)

        # Another client says that it is spam after all: that is learned.
        spam, ham = self.counts()
        token = NEW_HAM["aerc/0053.71bcb179e702d98e88fd0bc081ba0f52.eml"]
        self.client.move("INBOX", self.client.find("INBOX", token), "Junk")
        self.wait(lambda: self.counts() == (spam + 1, ham - 1), 30, "the filter to learn")

    @staticmethod
    def base(path):
        """What stays of a name whatever flags it gets."""
        return os.path.basename(path).split(",")[0].split(":")[0]


BAD = {
    "matches for ever": '("a"):rep(40):find(("a-"):rep(20) .. "b")',
    "allocates": "local t = {} while true do t[#t + 1] = ('x'):rep(1 << 20) end",
    "throws": "error('on purpose')",
}


@rows("hurts", BAD)
class BadScriptTest(ScriptCase):
    """A script that misbehaves costs other scripts and other mail nothing."""

    @limit(90)
    def hurts(self, body):
        self.script("bad", f"""
plugin {{ api = 1 }}
on.incoming({{ mailbox = "INBOX" }}, function(msg)
  if msg.subject:find("bait") then {body} end
end)
""")
        self.script("lists", LISTS)
        self.begin()
        self.syncd.start()
        self.wait_same(30, "the first round")
        for i in range(3):
            self.client.append("INBOX", message(f"plain {i}"))
            self.client.append("INBOX", message(f"list {i}"))
        self.client.append("INBOX", message("the bait"))
        self.wait(lambda: self.has("Lists/a", "list 2"), 40, "the list to be filed")
        self.wait_same(40, "both sides to be equal")
        for i in range(3):
            self.assertPlaces(f"plain {i}", "INBOX")
            self.assertPlaces(f"list {i}", "Lists/a")
        self.assertPlaces("the bait", "INBOX")
        self.wait(lambda: self.plugins()["bad"]["owed"] == 1, 20, "the debt in status")
        self.wait(lambda: self.plugins()["bad"]["error"], 20, "why, in status")
        self.assertEqual(self.plugins()["lists"]["owed"], 0)


EVENTS = """
plugin {{ api = 1, exec = {{ "{log}" }} }}
local function say(...) run {{ "{log}", ... }} end
on.delivered(function(msg) say("delivered", msg.mailbox, msg.subject) end)
on.uploaded(function(msg) say("uploaded", msg.mailbox, msg.subject) end)
on.flags(function(msg, change) say("flags", msg.origin, msg.subject) end)
on.moved(function(msg, from, to) say("moved", msg.origin, from, to) end)
on.removing(function(ev) say("removing", ev.mailbox) end)
on.removed(function(ref) say("removed", ref.mailbox) end)
on.folder(function(ev) say("folder", ev.kind, ev.mailbox) end)
on.sync_start(function(ev) say("sync_start") end)
on.sync_done(function(ev) say("sync_done") end)
on.settled(function(ev) say("settled") end)
every("1s", function() say("every") end)
command("hello", "greet the messages", function(msgs, whom)
  for msg in msgs do msg:tag("greeted") end
  say("command", whom)
end)
"""


class NoProgramTest(ScriptCase):
    @limit(60)
    def test_without_syncd_script_mail_is_delivered_and_nobody_waits(self):
        alone = os.path.join(self.syncd.dir, "syncd")
        shutil.copy(self.syncd.program, alone)
        self.syncd.program = alone
        self.script("x", """
plugin { api = 1 }
on.incoming(function(m) m:flag("F") end)
""")
        self.client.append("INBOX", message("m1"))
        r = self.syncd.run("sync", timeout=30)
        self.assertEqual(r.rc, 0, r.err)
        self.assertEqual(len(self.tree.messages("INBOX")), 1)
        self.assertEqual(r.err.count("syncd-script is not installed"), 1, r.err)
        self.assertNotIn("no answer in time", r.err)


class EventsTest(ScriptCase):
    """Each thing that happens reaches the scripts."""

    def said(self):
        try:
            with open(self.effects, encoding="utf-8") as f:
                return set(f.read().splitlines())
        except FileNotFoundError:
            return set()

    def expect(self, *lines):
        for line in lines:
            self.wait(lambda l=line: l in self.said(), 30, f"\"{line}\"")

    @limit(120)
    def test_every_event(self):
        self.effects = os.path.join(self.syncd.dir, "said")
        log = self.program("log", f'#!/bin/sh\necho "$*" >>{self.effects}\n')
        self.script("events", EVENTS.format(log=log), allow={"exec": [log]})
        self.client.create("Archive")
        self.begin()
        self.syncd.start()
        self.wait_same(30, "the first round")
        self.client.append("INBOX", message("news"))
        self.expect("delivered INBOX news", "sync_start", "sync_done", "settled", "every")
        self.client.store("INBOX", self.client.find("INBOX", "news"), "+", "S")
        self.expect("flags server news")
        self.wait_same(30)
        self.tree.set_flags("INBOX", "news", "FS")
        self.expect("flags client news")
        self.tree.move("INBOX", "news", "Archive")
        self.expect("moved client INBOX Archive")
        self.wait_same(30)
        self.tree.add("INBOX", local_message("mine"))
        self.expect("uploaded INBOX mine")
        self.wait_same(30)
        path = self.tree.find("INBOX", "mine").path
        r = self.syncd.run("cmd", "hello", "world", path)
        self.assertEqual(r.rc, 0, r.err)
        self.expect("command world")
        self.wait(lambda: "greeted" in self.tree.find("INBOX", "mine").keywords, 30, "the tag")
        self.tree.delete("INBOX", "mine")
        self.expect("removing INBOX", "removed INBOX")
        self.client.create("Far")
        self.expect("folder created Far")


class CrashTest(ScriptCase):
    """However often it is killed: filed once, tagged, copied once, each effect as
    declared.  Mail keeps coming, a few messages a round, so that each kill finds
    some at another step; the whole sweep is 500 of them."""
    N = 500 if SWEEP else 24
    KILLS = 200 if SWEEP else 3

    def prepare(self):
        self.effects = os.path.join(self.syncd.dir, "effects")
        log = self.program("log", LOG % self.effects)
        self.script("four", FOUR % {"log": log}, allow={"exec": [log]})
        self.client.create("Thirds")
        self.client.create("Fifths")
        self.begin()
        self.sent = 0

    def send(self, upto):
        for i in range(self.sent, min(upto, self.N)):
            self.client.append("INBOX", message(token(i)))
        self.sent = max(self.sent, min(upto, self.N))

    def check_all(self):
        self.assertSame()
        for i in range(self.sent):
            folders = ["Thirds" if i % 3 == 0 else "INBOX"]
            if i % 5 == 0:
                folders.append("Fifths")
            self.assertPlaces(token(i), *sorted(folders))
        with open(self.effects, encoding="utf-8") as f:
            runs = [line.split() for line in f]
        # At least once each; what was repeated has the same number.
        self.assertEqual({r[1] for r in runs}, {token(i) for i in range(self.sent)})
        self.assertEqual(len({r[0] for r in runs}), self.sent)
        even = [m for f in ("INBOX", "Thirds") for m in self.tree.messages(f)
                if "even" in m.keywords]
        self.assertEqual(len(even), (self.sent + 1) // 2)

    def family(self, pid):
        try:
            with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
                children = [int(x) for x in f.read().split()]
        except OSError:
            return []
        return [pid] + [x for child in children for x in self.family(child)]

    def kill(self, pids):
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def syncing(self):
        return self.syncd.popen(("sync",), stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)

    def settle(self):
        self.syncd.sync(timeout=300)
        self.syncd.sync(timeout=300)

    @limit(3600 if SWEEP else 120)
    def test_killed_at_random_moments(self):
        rng = random.Random(7)
        self.prepare()
        began = time.monotonic()
        self.send(1)
        self.syncd.sync()
        whole = time.monotonic() - began
        for n in range(self.KILLS):
            self.send((n + 1) * self.N // self.KILLS)
            proc = self.syncing()
            time.sleep(rng.uniform(0, 1.5 * whole))
            self.kill(reversed(self.family(proc.pid)))
            proc.wait()
        self.settle()
        self.check_all()

    @limit(3600 if SWEEP else 120)
    def test_killed_at_each_step(self):
        """Instead of the n-th effect on a file or a socket, and after it.  Each kill
        is settled before the next."""
        self.prepare()
        killat = os.path.join(BUILD, "killat")
        killed = over = n = 0
        # One round has so many effects, or fewer: until none is hit any more.
        while over < 6 and self.sent < self.N:
            n += 1 if SWEEP else 40
            self.send(self.sent + (1 if n % 3 else 2))
            self.syncd.wrap = (killat, "-n", str(n), "-m", "after" if n % 2 else "before",
                               "-o", os.path.join(self.syncd.dir, "killat"))
            hit = self.syncing().wait(300) == 137
            killed, over = killed + hit, 0 if hit else over + 1
            self.syncd.wrap = ()
            self.syncd.sync(timeout=300)
        self.assertGreater(killed, 3)
        self.assertGreaterEqual(over, 6, f"{n} steps were not enough")
        self.settle()
        self.check_all()

    @unittest.skipIf(SANITIZED, "nothing can be loaded before a sanitizer")
    @limit(3600 if SWEEP else 120)
    def test_the_database_fails_at_each_statement(self):
        """One step of a statement is an I/O error.  Each is settled before the next."""
        self.prepare()
        counter = os.path.join(self.syncd.dir, "counter")
        n = steps = 0
        while n <= steps:
            self.assertLess(self.sent, self.N, f"{n} statements were not enough")
            n += 1 if SWEEP else 23
            self.send(self.sent + 1)
            self.syncd.env = {"LD_PRELOAD": os.path.join(BUILD, "failnext.so"),
                              "FAILNEXT_OF": "statement", "FAILNEXT_AT": str(n),
                              "FAILNEXT_COUNTER": counter}
            r = self.syncd.run("sync", timeout=300)
            self.assertNotIn("must(", r.err)
            self.assertIn(r.rc, range(128), r.err)
            self.syncd.env = {}
            with open(counter, "rb") as f:
                steps = int.from_bytes(f.read(8), "little")
            os.unlink(counter)
            self.syncd.sync(timeout=300)
        self.settle()
        self.check_all()

    @limit(1800 if SWEEP else 120)
    def test_the_script_process_is_killed_from_outside(self):
        """It is respawned; whatever it was asked comes again."""
        rng = random.Random(11)
        self.prepare()
        self.syncd.start()
        self.wait_same(30, "the first round")
        kills = 0
        for n in range(self.KILLS):
            self.send((n + 1) * self.N // self.KILLS)
            time.sleep(rng.uniform(0, 0.4))
            scripts = [pid for pid in self.family(self.syncd.proc.pid)
                       if self.comm(pid) == "syncd-script"]
            self.kill(scripts)
            kills += len(scripts)
        self.assertGreater(kills, 0)
        self.syncd.run("plugin", "resume")
        self.wait(lambda: self.plugins()["four"]["owed"] == 0, 300, "what is owed")
        self.wait(self.all_said, 300, "each effect")
        self.wait_same(60, "both sides to be equal")
        self.syncd.stop()
        self.settle()
        self.check_all()

    def comm(self, pid):
        try:
            with open(f"/proc/{pid}/comm", encoding="ascii") as f:
                return f.read().strip()
        except OSError:
            return ""

    def all_said(self):
        try:
            with open(self.effects, encoding="utf-8") as f:
                return len({line.split()[1] for line in f}) == self.sent
        except (FileNotFoundError, IndexError):
            return False


if __name__ == "__main__":
    unittest.main()
