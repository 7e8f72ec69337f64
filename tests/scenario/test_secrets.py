"""The secret is nowhere: not in logs, state, answers, processes, hooks or scripts.

One daemon with an account for each way a secret can be given and each way it is
sent, through a whole life with failures and crashes; then everything that it wrote,
printed, answered or showed is searched for the secrets, as they are and in the
forms that they take on the way.
"""
import base64
import json
import os
import random
import signal
import socket
import string
import subprocess
import unittest
import urllib.parse

from case import limit, message
from peer import MODERN, Peer, Session
from poppeer import PopPeer
from server import scratch, wait_for
from syncd import SANITIZED, Syncd, merge

# What is quoted on the wire, in JSON and in a shell; what is searched is before it.
TAIL = " \"\\'%$é"


def forms(core):
    """{name: bytes} of the secret whose distinct part is ${core}."""
    out = {"plain": core, "backwards": core[::-1], "hex": core.hex().encode(),
           "HEX": core.hex().upper().encode(), "UTF-16": core.decode().encode("utf-16-le"),
           "percent": "".join(f"%{c:02X}" for c in core).encode()}
    # In base64 of anything around it (AUTH PLAIN, say) it has one of three forms.
    for shift in range(3):
        text = base64.b64encode(b"x" * shift + core)
        whole = text[4 if shift else 0:len(text) // 4 * 4 - 4]
        out[f"base64/{shift}"] = whole
        out[f"base64url/{shift}"] = whole.translate(bytes.maketrans(b"+/", b"-_"))
    return out


class Search:
    """Looks for secrets in whatever it is shown."""

    def __init__(self):
        self.needles = {}
        self.found = []
        self.seen = 0            # bytes

    def secret(self, owner):
        """A new one, to be looked for."""
        core = "".join(random.SystemRandom().choices(string.ascii_letters + string.digits, k=32))
        self.needles[owner] = forms(core.encode())
        return core + TAIL

    def look(self, where, data):
        data = data.encode(errors="surrogateescape") if isinstance(data, str) else data
        self.seen += len(data)
        self.found += [f"{owner}'s secret ({form}) in {where}" for owner, f in self.needles.items()
                       for form, needle in f.items() if needle in data]

    def tree(self, top, known=()):
        """All files below, and their names."""
        for at, _, names in os.walk(top):
            for name in names:
                path = os.path.join(at, name)
                self.look(f"the name of {path}", path)
                if path not in known and os.path.isfile(path):
                    with open(path, "rb") as f:
                        self.look(path, f.read())

    def processes(self, top):
        """What others may read of ${top} and of what it started."""
        for pid in family(top):
            for name in ("cmdline", "environ", "status", "maps", "limits"):
                try:
                    with open(f"/proc/{pid}/{name}", "rb") as f:
                        self.look(f"/proc/{pid}/{name}", f.read())
                except OSError:
                    pass    # it ended


def family(top):
    """${top} and all below it, oldest first."""
    parents = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
                parents[int(pid)] = int(f.read().rpartition(")")[2].split()[1])
        except OSError:
            pass
    out = [top]
    for pid in out:
        out += sorted(p for p, of in parents.items() if of == pid)
    return out


class Tokens(Session):
    """Signs in by XOAUTH2."""

    def do_authenticate(self, tag, args, lits):
        mechanism, _, initial = args.partition(" ")
        said = base64.b64decode(initial).decode()
        good = mechanism == "XOAUTH2" and f"auth=Bearer {self.peer.password}\1" in said
        self.welcome(tag, "u1", self.peer.password if good else None)


class TokenPeer(Peer):
    speaks = Tokens


class Slow(Session):
    """Asks for each word of a sign-in, which it then refuses."""

    def do_authenticate(self, tag, args, lits):
        self.line("+ VXNlcm5hbWU6")
        self.get_line()
        self.line("+ UGFzc3dvcmQ6")
        self.get_line()
        self.tagged(tag, "NO [AUTHENTICATIONFAILED] no")


class SlowPeer(Peer):
    speaks = Slow


class Repeats(Session):
    """Says what it was told, as some do to be helpful."""

    def do_login(self, tag, args, lits):
        user, password = self.words(args, lits)
        self.line(f"* OK did you say {args} {' '.join(x.decode() for x in lits)}?")
        self.tagged(tag, f"NO [AUTHENTICATIONFAILED] not with {password.decode()}, {user}")

    def do_authenticate(self, tag, args, lits):
        self.tagged(tag, f"BAD what is AUTHENTICATE {args}?")


class RepeatsPeer(Peer):
    speaks = Repeats


WAYS = {
    # account: (server, its capabilities, source, settings)
    "command": (Peer, MODERN, "password_command", {}),
    "plain": (Peer, MODERN + " AUTH=PLAIN", "password_command", {}),
    "file": (Peer, MODERN.replace("SASL-IR", "") + " AUTH=PLAIN", "password_file", {}),
    "credential": (Peer, MODERN + " AUTH=PLAIN", "credential", {}),
    "keyring": (Peer, MODERN, "keyring", {}),
    "token": (TokenPeer, MODERN + " AUTH=XOAUTH2", "token_command", {}),
    "pop": (PopPeer, None, "password_command", {"protocol": "pop3"}),
    "refused": (SlowPeer, MODERN + " AUTH=LOGIN LOGINDISABLED", "password_command",
                {"auth": {"mechanisms": ["LOGIN"]}}),
}

SCRIPT = """
plugin { api = 1, exec = { "%(dump)s" } }
local function say(name, v, depth)
  if type(v) == "table" and depth < 4 then
    for k, w in pairs(v) do say(name .. "." .. tostring(k), w, depth + 1) end
  else
    print(name, tostring(v))
  end
end
on.incoming({ mailbox = "INBOX" }, function(msg)
  say("G", _G, 0)
  for _, k in ipairs { "name", "online", "identity", "trash", "inbox", "user", "host" } do
    print(k, select(2, pcall(function() return account[k] end)))
  end
  msg:pipe { "%(dump)s", "argument" }
end)
"""

DUMP = """#!/bin/sh
{ echo "ran for $1"; tr '\\0' '\\n' </proc/self/environ; tr '\\0' '\\n' </proc/$PPID/cmdline
  cat; ls -l /proc/self/fd; } >>%s 2>&1
"""


class Secrets(unittest.TestCase):
    def setUp(self):
        self.search = Search()
        self.peers = {}
        self.known = set()       # files that hold a secret because we put it there
        self.syncd = None

    def start_peers(self):
        for name, (kind, caps, source, settings) in WAYS.items():
            p = self.peers[name] = kind(caps=caps) if caps else kind()
            self.addCleanup(p.stop)
            p.password = self.search.secret(name)
            account = merge({"auth": {}, "limits": {"timeout": {"connect": "5s"}}},
                            dict(settings))
            if self.syncd is None:
                self.syncd = Syncd(p, account={}, top={
                    "log": {"level": "trace", "protocol": list(WAYS)}})
                del self.syncd.settings["accounts"]["a"]
                self.addCleanup(self.syncd.stop)
            self.syncd.add_account(name, p, "u1", account)
            self.give(name, source, p.password)
        self.syncd.env = {"CREDENTIALS_DIRECTORY": self.path("credentials"),
                          "PATH": self.path("bin") + ":" + os.environ["PATH"]}
        # No limit of ours may be why there is no core.
        self.syncd.wrap = ("prlimit", "--core=unlimited", "--")
        self.known |= {self.path("secret.a"), self.path("bin", "secret-tool")}

    def path(self, *names):
        return os.path.join(self.syncd.dir, *names)

    def file(self, text, *names, mode=0o600):
        path = self.path(*names)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path, mode)
        return path

    def give(self, name, source, password):
        """The account's secret, in that way."""
        auth = self.syncd.settings["accounts"][name]["auth"]
        path = self.path("secret." + name)
        self.known.add(path)
        command = auth.pop("password_command")
        if source == "password_command":
            auth[source] = command
        elif source == "token_command":
            self.file(json.dumps({"access_token": password, "expires_in": 3600}), path)
            auth[source] = command
        elif source == "password_file":
            auth[source] = path
        elif source == "credential":
            self.known.add(self.file(password + "\n", "credentials", "imap"))
            auth[source] = "imap"
        else:
            self.file(f"#!/bin/sh\nexec cat {path}\n", "bin", "secret-tool", mode=0o755)
            auth[source] = "mail/u1"
        self.syncd.write()

    def add_hooks_and_scripts(self):
        dump = self.file(DUMP % self.path("dumped"), "bin", "dump", mode=0o755)
        self.syncd.settings["plugins"] = [{
            "script": self.file(SCRIPT % {"dump": dump}, "nosy.lua"), "allow": {"exec": [dump]}}]
        self.syncd.settings["hooks"] = [{"events": ["*"], "run": [dump, "{event}"],
                                         "debounce": "200ms"}]
        self.syncd.write()

    def verb(self, *args, **kwargs):
        r = self.syncd.run(*args, **kwargs)
        self.search.look(f"output of {' '.join(args)}", r.out)
        self.search.look(f"errors of {' '.join(args)}", r.err)
        return r

    def verbs(self):
        for args in (["check"], ["check", "--online"], ["status"], ["status", "--json"],
                     ["log", "-n", "1000"], ["log", "--json"], ["doctor"],
                     ["doctor", "--full-names"], ["folders"], ["config", "show"],
                     ["config", "show", "--json"], ["report"], ["plugin", "list"],
                     ["why", "<m0@test.example>"], ["verify"]):
            self.verb(*args)
        for program in ("neomutt", "aerc", "notmuch", "mu", "dovecot", "systemd", "waybar"):
            self.verb("generate", program)
        self.assertEqual(self.verb("sync", "--dry-run", "-vv", timeout=60).rc, 77)

    def socket_answers(self):
        """Every method that there is, and every event that was."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(10)
            s.connect(os.path.join(self.syncd.state, "control.sock"))
            f = s.makefile("rwb")
            f.readline()
            asked = [{"id": 0, "method": "subscribe", "params": {"since": 0}}]
            asked += [{"id": i, "method": m} for i, m in enumerate(
                ("describe", "status", "folders", "log.query", "config.get", "verify", "sync",
                 "script", "approve", "no such method"), 1)]
            for q in asked:
                f.write(json.dumps(q).encode() + b"\n")
            f.flush()
            answered = set()
            while len(answered) < len(asked):
                line = f.readline()
                self.search.look("the control socket", line)
                answered.add(json.loads(line).get("id"))
                answered.discard(None)

    def state_of(self, name):
        accounts = {a["account"]: a["state"] for a in self.syncd.status()["accounts"]}
        return accounts.get(name)

    def wait_live(self):
        for name in WAYS:
            want = {"refused": ("auth-required",), "pop": ("polling",)}
            wait_for(lambda n=name: self.state_of(n) in want.get(n, ("live",)), 40,
                     f"{name}: {self.state_of(name)}\n{self.syncd.log()[-2000:]}")

    def crash(self, how):
        """A worker and then the parent end badly; no core is left."""
        workers = family(self.syncd.proc.pid)[1:]
        self.assertTrue(workers)
        os.kill(workers[0], how)
        wait_for(lambda: not os.path.exists(f"/proc/{workers[0]}"), 20, "its end")
        self.search.processes(self.syncd.proc.pid)
        left = family(self.syncd.proc.pid)[1:]
        self.assertEqual(self.syncd.stop(how=how), -how)
        for pid in left:
            wait_for(lambda p=pid: not os.path.exists(f"/proc/{p}"), 20, "its end")

    def assertNoCore(self):
        with open("/proc/sys/kernel/core_pattern", encoding="utf-8") as f:
            pattern = f.read().strip()
        top = self.syncd.dir if "/" not in pattern else os.path.dirname(pattern.lstrip("|"))
        word = os.path.basename(pattern.lstrip("|")).split("%")[0] or "core"
        cores = [n for n in os.listdir(top) if n.startswith(word)] if pattern[:1] != "|" else []
        self.assertEqual(cores, [])

    def assertPrivate(self):
        """No process of ours may leave a core."""
        seen = 0
        for pid in family(self.syncd.proc.pid):
            try:
                with open(f"/proc/{pid}/comm", encoding="utf-8") as f:
                    ours = f.read().startswith("syncd")
                with open(f"/proc/{pid}/limits", encoding="utf-8") as f:
                    core = [x.split()[4:6] for x in f if x.startswith("Max core file size")]
            except OSError:
                continue    # it ended
            # One that is about to become a password_command is not there yet.
            if ours and pid in family(self.syncd.proc.pid):
                self.assertEqual(core, [["0", "0"]], pid)
                seen += 1
        self.assertGreater(seen, len(WAYS) // 2)

    @limit(150)
    def test_through_a_whole_life(self):
        self.start_peers()
        self.add_hooks_and_scripts()
        for p in self.peers.values():
            if isinstance(p, PopPeer):
                continue
            p.boxes["INBOX"].add(message("m0"))
        self.assertEqual(self.verb("check").err, "")
        self.assertEqual(self.verb("sync", "-vv", timeout=60).rc, 77)
        self.syncd.start()
        self.wait_live()
        self.search.processes(self.syncd.proc.pid)
        if not SANITIZED:
            self.assertPrivate()
        for name in ("command", "token"):
            self.peers[name].deliver("INBOX", message("m1"))
            wait_for(lambda n=name: "nosy" in self.syncd.log(), 20, "the script")
        wait_for(lambda: os.path.exists(self.path("dumped")), 20, "the hook")
        self.verbs()
        self.socket_answers()
        self.peers["plain"].password = "changed"
        self.verb("sync", "plain", "-vv", timeout=60)
        self.verb("reload")
        self.crash(signal.SIGABRT)
        self.syncd.start()
        wait_for(lambda: self.state_of("command") == "live", 40, "to be back")
        self.crash(signal.SIGABRT if SANITIZED else signal.SIGSEGV)
        self.assertNoCore()
        self.search.tree(self.syncd.dir, self.known)
        self.assertEqual(self.search.found, [])
        self.assert_it_was_all_there()

    def assert_it_was_all_there(self):
        """The search saw what it was for: sign-ins, logs of the wire, hooks, scripts."""
        for name, p in self.peers.items():
            # That the right secret was sent, wait_live() says.
            self.assertRegex("\n".join(p.sent), "(?m)^(LOGIN|AUTHENTICATE|USER|AUTH) ", name)
            self.assertIn(name, self.syncd.log())
        self.assertIn("<secret>", self.syncd.log())
        with open(self.path("dumped"), encoding="utf-8", errors="replace") as f:
            dumped = f.read()
        for said in ("ran for argument", "ran for mail.new", "SYNCD_ACCOUNT", "Subject: m1"):
            self.assertIn(said, dumped)
        self.assertIn("G.account", self.syncd.log())
        self.assertGreater(self.search.seen, 200000)

    def test_a_server_that_repeats_it(self):
        for i, caps in enumerate((MODERN, MODERN + " AUTH=PLAIN")):
            p = RepeatsPeer(caps=caps)
            self.addCleanup(p.stop)
            p.password = self.search.secret(f"account {i}")
            self.syncd = Syncd(p, top={"log": {"level": "trace", "protocol": ["a"]}})
            self.addCleanup(self.syncd.stop)
            r = self.verb("sync", "-vv")
            self.assertEqual(r.rc, 77)
            self.assertIn("the server said: ", r.err)
            self.assertIn("repeats the secret", r.err)
            self.syncd.start()
            wait_for(lambda: self.state_of("a") == "auth-required", 20, "the refusal")
            for args in (["status", "--json"], ["doctor"], ["log", "--json"], ["events",
                         "--since", "0", "-n", "1"]):
                self.verb(*args)
            self.syncd.stop()
            self.assertIn("a line that repeats the secret", self.syncd.log())
            self.search.tree(self.syncd.dir, {self.path("secret.a")})
        self.assertEqual(self.search.found, [])

    def test_the_search_finds_what_is_planted(self):
        """In each form, in a file, in a file's name and in a process."""
        password = self.search.secret("planted")
        plain = base64.b64encode(f"\0u1\0{password}".encode())
        bearer = base64.b64encode(f"user=u1\1auth=Bearer {password}\1\1".encode())
        for text in (password.encode(), plain, bearer, json.dumps(password).encode(),
                     urllib.parse.quote(password).encode(), password.encode().hex().encode(),
                     base64.b64encode(password.encode()), password.encode("utf-16-le"),
                     base64.urlsafe_b64encode(b"xx" + password.encode())):
            self.search.found.clear()
            self.search.look("here", b"before " + text + b" after")
            self.assertTrue(self.search.found, text)
        self.search.found.clear()
        self.search.look("here", "nothing")
        self.assertEqual(self.search.found, [])
        self.search.tree(os.path.dirname(self.plant(password)))
        self.assertEqual(len(self.search.found), 2)
        self.search.found.clear()
        with subprocess.Popen(["sh", "-c", f"read x # {password}"], stdin=subprocess.PIPE,
                              env={"SECRET": password, "PATH": os.environ["PATH"]}):
            self.search.processes(os.getpid())
        self.assertEqual({f.rpartition("/")[2] for f in self.search.found},
                         {"cmdline", "environ"})

    def plant(self, password):
        top = scratch("plant.")
        name = os.path.join(top, "".join(c for c in password if c.isalnum()))
        with open(name, "wb") as f:
            f.write(b"\0\1" + password.encode() + b"\2")
        return name
