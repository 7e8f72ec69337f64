"""What scripts cannot do: run for ever, eat all memory, get out."""
import os
import struct
import subprocess
import time
import unittest

from case import rows
from scriptlane import Gone, Message, Script
from syncd import BUILD, SANITIZED

HELLO = "Subject: hello\nFrom: a@example.net\nTo: me@example.org\n\nbody\n"

# Each is the body of a handler; what its fault says.  Hooks see all of these.
STOPPED = {
    "loop": ("while true do end", "too many instructions"),
    "pcall_loop": ("local function f() while true do end end "
                   "while true do pcall(f) end", "too many instructions"),
    "xpcall_handler": ("local function f() while true do end end xpcall(f, f)",
                       "too many instructions"),
    "comparator": ("pcall(table.sort, {3, 2, 1}, function() "
                   "local function f() while true do end end xpcall(f, f) end) "
                   "while true do end", "too many instructions"),
    "coroutine": ("local co = coroutine.wrap(function() while true do end end) "
                  "while true do pcall(co) end", "too many instructions"),
    "coroutine_that_yields": ("while true do local co = coroutine.create(function() "
                              "while true do coroutine.yield() end end) "
                              "coroutine.resume(co) end", "too many instructions"),
    "close": ("do local x <close> = setmetatable({}, {__close = function() "
              "while true do end end}) end", "too many instructions"),
    "rep": ("local s = ('x'):rep(1 << 30)", "not enough memory"),
    "doubling": ("local s = 'x' while true do s = s .. s end", "not enough memory"),
    "table": ("local t = {} while true do t[#t + 1] = {} end", "not enough memory"),
    "finaliser": ("setmetatable({}, {__gc = function() end})", "__gc"),
    "binary": ("load('x')", "nothing is called `load`"),
    "regex_bomb": ("re[[^(a|aa)+$]]:find(('a'):rep(5000) .. '!')", "too many steps"),
    "actions": ("for i = 1, 40 do msg:tag('t' .. i) end", "more than 32 actions"),
    "deep": ("local function f() return f() + 1 end f()", "not enough memory"),
    "yield": ("coroutine.yield()", "coroutine.yield"),
    "ask_in_comparator": ("table.sort({2, 1}, function(a, b) "
                          "exec { 'true' } return a < b end)", "waits"),
    "ask_in_coroutine": ("coroutine.wrap(function() exec { 'true' } end)()",
                         "coroutine"),
    "returns": ("return 'Junk'", "return values have no meaning"),
}

# What nobody may name: the words after `nothing is called`.
ABSENT = ("io", "debug", "package", "dofile", "loadfile", "load", "collectgarbage")


@rows("stopped", STOPPED)
class Limits(unittest.TestCase):
    def script(self, body, **kw):
        s = Script(**kw)
        self.addCleanup(s.__exit__)
        self.assertEqual(s.load("plugin { api = 1, exec = { 'true' } }\n"
                                "on.incoming(function(msg) if msg.subject == 'hello' "
                                f"then {body} end end)"), "")
        return s

    def stopped(self, row):
        body, why = row
        s = self.script(body, instructions=1000, memory=4)
        s.load("plugin { api = 1 } on.incoming(function(msg) msg:tag('ok') end)",
               name="other.lua", id=1)
        plans = s.ask("incoming", Message(HELLO), Message("Subject: x\n\nx\n", id=2))
        # The plugin's own lines are gone, the other plugin's are not, the other
        # message is not touched.
        self.assertEqual([p.say() for p in plans], [["tag ok"], ["tag ok"]])
        self.assertEqual([f[0] for f in plans[0].faults], ["test"])
        self.assertIn(why, plans[0].faults[0][2])
        self.assertEqual(plans[1].faults, [])

    def test_one_that_runs_is_parked_behind_the_others(self):
        s = self.script("for i = 1, 2000000 do end msg:tag('late')",
                        instructions=1000)
        plans = s.ask("incoming", Message(HELLO), Message("Subject: x\n\nx\n", id=2))
        self.assertEqual([p.say() for p in plans], [["tag late"], []])

    def test_a_pattern_that_backtracks_is_seen_from_outside(self):
        s = self.script("('a'):rep(40):find(('a-'):rep(20) .. 'b')")
        number = s.event("incoming", Message(HELLO))
        end = time.monotonic() + 20
        while time.monotonic() < end:
            beat, busy, event, index, plugin, _ = struct.unpack(
                "<6I", os.pread(s.progress, 24, 0))
            if busy and event == number:
                break
            time.sleep(0.01)
        self.assertEqual((busy, event, index, plugin), (1, number, 0, 0))
        time.sleep(0.3)
        self.assertEqual(struct.unpack("<I", os.pread(s.progress, 4, 0))[0], beat)

    def test_there_is_no_way_to_name_the_rest(self):
        for name in ABSENT:
            with self.subTest(name), Script() as s:
                self.assertIn(f"nothing is called `{name}`",
                              s.load(f"plugin {{ api = 1 }} local x = {name}"))

    def test_require_stays_inside(self):
        for name in ("../secret", "/etc/passwd", "..", "syncd/../x", ".x"):
            with self.subTest(name), Script() as s:
                self.assertIn("require", s.load(f"plugin {{ api = 1 }} require '{name}'"))

    def test_messages_do_not_outlive_their_event(self):
        s = self.script("if kept then kept:tag('x') end kept = msg")
        s.load("kept = false plugin { api = 1 } on.incoming(function(msg) "
               "if kept then kept:tag('x') end kept = msg end)")
        self.assertEqual(s.ask("incoming", Message(HELLO)).faults, [])
        plan = s.ask("incoming", Message(HELLO))
        self.assertIn("used after its event", plan.faults[0][2])

    def test_a_store_that_is_full_can_be_emptied(self):
        s = Script()
        self.addCleanup(s.__exit__)
        self.assertEqual(s.load("""
plugin { api = 1 }
local st = store("st")
on.incoming(function(msg)
  local n, size = 0, 1 << 19
  while size > 0 do
    local key = ("%08d"):format(n)
    if pcall(function() st[key] = ("x"):rep(size) end) then n = n + 1 else size = size // 2 end
  end
  st["00000000"] = "less"
  st["00000001"] = nil
  st["00000001"] = "less"
  log.info(n > 32)
end)
"""), "")
        self.assertEqual(s.ask("incoming", Message(HELLO)).faults, [])
        self.assertEqual(s.logs, ["true"])

    def test_garbage_ends_the_process_and_nothing_else(self):
        for b in (b"\x00", b"\x04\x01", b"\x04" + b"\xff" * 40, b"\x03" + b"\xff" * 9):
            with self.subTest(b), Script() as s:
                s.sock.send(b)
                with self.assertRaises(Gone):
                    s.recv()


TRUSTED = {
    "open": ("return io.open('%s')", "denied"),
    "write": ("return io.open('%s', 'w')", "denied"),
    "popen": ("local p, e = io.popen('id') if p then return p:read('a') ~= '' end "
              "return nil, e or ''", ""),
    "execute": ("return os.execute('id')", ""),
    "remove": ("return os.remove('%s')", "denied"),
}
MODULE = r"""
#include <lua.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <unistd.h>
#include <sys/syscall.h>
static int try(lua_State *L) {
    const char *path = lua_tostring(L, 1);
    int got = 0;
    got |= (open(path, O_RDONLY) >= 0) << 0;
    got |= (socket(AF_INET, SOCK_STREAM, 0) >= 0) << 1;
    got |= (socket(AF_UNIX, SOCK_STREAM, 0) >= 0) << 2;
    pid_t pid = fork();
    if (pid == 0) _exit(0);
    got |= (pid > 0) << 3;
    char *argv[] = { "true", NULL };
    got |= (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0) << 4;
    got |= (open("/proc/self/mem", O_RDWR) >= 0) << 5;
    got |= (open("/tmp/syncd-script-was-here", O_CREAT | O_WRONLY, 0600) >= 0) << 6;
    execv("/bin/true", argv);
    lua_pushinteger(L, got);
    return 1;
}
int luaopen_way(lua_State *L) { lua_pushcfunction(L, try); return 1; }
"""


@unittest.skipIf(SANITIZED or os.path.basename(BUILD) == "cov", "of a build that has no sandbox")
@rows("trusted", TRUSTED)
class Trusted(unittest.TestCase):
    """The whole standard library, and still no way out."""

    def setUp(self):
        self.s = Script()
        self.addCleanup(self.s.__exit__)
        self.secret = os.path.join(os.environ.get("TMPDIR", "/tmp"),
                                   f"syncd-secret-{os.getpid()}")
        with open(self.secret, "w", encoding="utf-8") as f:
            f.write("secret")
        self.addCleanup(os.unlink, self.secret)

    def run_lua(self, body):
        error = self.s.load("plugin { api = 1 } on.incoming(function(msg) "
                            f"local function f() {body} end "
                            "local ok, e = f() log.info(tostring(ok), tostring(e)) end)",
                            trusted=True)
        self.assertEqual(error, "")
        self.assertEqual(self.s.ask("incoming", Message(HELLO)).faults, [])
        return self.s.logs[-1]

    def trusted(self, row):
        body, why = row
        said = self.run_lua(body.replace("%s", self.secret))
        self.assertTrue(said.startswith(("nil", "false")), said)
        self.assertIn(why, said)
        with open(self.secret, encoding="utf-8") as f:
            self.assertEqual(f.read(), "secret")

    def test_from_a_module_in_c(self):
        src = self.s.write("way.c", MODULE)
        flags = subprocess.run(["pkg-config", "--cflags", "lua5.4"], check=True,
                               stdout=subprocess.PIPE, text=True).stdout.split()
        subprocess.run(["cc", "-shared", "-fPIC", *flags, "-o", src[:-2] + ".so", src],
                       check=True)
        said = self.run_lua(f"package.cpath = '{os.path.dirname(src)}/?.so' "
                            f"return require('way')('{self.secret}')")
        self.assertEqual(said, "0 nil")
