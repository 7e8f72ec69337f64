"""What makes a mistake of ours worth less to who finds it: how the programs are built,
and what the running ones have given up."""
import ctypes
import os
import platform
import re
import shutil
import subprocess
import unittest

from case import Case, message
from syncd import BUILD, SANITIZED, children
from test_scripts import ScriptCase

NOSY = """
plugin { api = 1 }
on.incoming({ mailbox = "INBOX" }, function(msg) msg:tag("seen-by-a-script") end)
"""
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, FILTER = 38, 22, 2
ENOSYS = 38
LANDLOCK_CREATE_RULESET = 444


@unittest.skipUnless(shutil.which("readelf"), "no readelf")
class Built(unittest.TestCase):
    def read(self, name, *flags):
        return subprocess.run(["readelf", "-W", *flags, os.path.join(BUILD, name)],
                              check=True, capture_output=True, text=True).stdout

    def test_programs(self):
        for name in ("syncd", "syncd-script"):
            with self.subTest(name):
                self.assertIn("Position-Independent Executable", self.read(name, "-h"))
                segments, dynamic = self.read(name, "-l"), self.read(name, "-d")
                self.assertIn("GNU_RELRO", segments)
                self.assertIn("BIND_NOW", dynamic)
                self.assertRegex(segments, r"GNU_STACK .* RW +0x")
                self.assertNotRegex(dynamic, "TEXTREL|RPATH|RUNPATH")
                self.assertNotRegex(segments, r"LOAD .* RWE")
                self.assertIn("__stack_chk_fail", self.read(name, "--dyn-syms"))

    @unittest.skipIf(SANITIZED, "sanitizers check what FORTIFY would")
    def test_fortified(self):
        for name in ("syncd", "syncd-script"):
            calls = set(re.findall(r"__(\w+)_chk@", self.read(name, "--dyn-syms")))
            self.assertGreaterEqual(calls, {"memcpy", "vsnprintf", "pread"}, name)

    @unittest.skipUnless(platform.machine() == "x86_64", "another processor")
    def test_branches_land_where_they_may(self):
        """Functions begin with ENDBR64: each that a pointer can reach."""
        for name in ("syncd", "syncd-script"):
            with open(os.path.join(BUILD, name), "rb") as f:
                self.assertGreater(f.read().count(b"\xf3\x0f\x1e\xfa"), 200, name)


def no_landlock():
    """As on a kernel without it: for a child, before it runs its program."""
    class Code(ctypes.Structure):
        _fields_ = [("code", ctypes.c_ushort), ("jt", ctypes.c_ubyte), ("jf", ctypes.c_ubyte),
                    ("k", ctypes.c_uint)]

    class Prog(ctypes.Structure):
        _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.POINTER(Code))]
    code = (Code * 4)(Code(0x20, 0, 0, 0),                          # the call's number
                      Code(0x15, 0, 1, LANDLOCK_CREATE_RULESET),
                      Code(0x06, 0, 0, 0x00050000 | ENOSYS),        # fails
                      Code(0x06, 0, 0, 0x7fff0000))                 # is allowed
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or \
            libc.prctl(PR_SET_SECCOMP, FILTER, ctypes.byref(Prog(4, code)), 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


class Missing(Case):
    def test_check_says_which_layer_is_missing(self):
        self.assertNotIn("daemon.sandbox", self.syncd.run("check", "--json").out)
        said = subprocess.run([self.syncd.program, "-c", self.syncd.conf, "check"],
                              env={"HOME": self.syncd.dir, "PATH": os.environ["PATH"]},
                              preexec_fn=no_landlock, capture_output=True, text=True,
                              timeout=30, check=False)
        self.assertIn("[daemon.sandbox]", said.stdout + said.stderr)
        self.assertRegex(said.stdout + said.stderr, "no Landlock")


@unittest.skipIf(SANITIZED, "no sandbox is entered")
class Running(ScriptCase):
    def status(self, pid):
        with open(f"/proc/{pid}/status", encoding="utf-8") as f:
            return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)

    def test_who_meets_strangers_has_given_up_the_rest(self):
        self.script("nosy", NOSY)
        self.begin()
        self.client.append("INBOX", message("m1"))
        self.syncd.start()
        self.wait(lambda: any(m.keywords for m in self.tree.messages("INBOX")), 30, "the script")
        roles = children(self.syncd.proc.pid)
        self.assertEqual(len(roles), 2, "a worker and a script process")
        for pid in roles:
            st = self.status(pid)
            self.assertEqual((st["Seccomp"].strip(), st["NoNewPrivs"].strip()), ("2", "1"),
                             st["Name"])
        # The parent starts programs; test_secrets.py: nobody looks into it.
        self.assertEqual(self.status(self.syncd.proc.pid)["Seccomp"].strip(), "0")
