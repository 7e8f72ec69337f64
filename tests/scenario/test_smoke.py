"""The small fuzzer of our own (fuzz/smoke.c) finds what breaks a target, keeps it, and
says how it is tried again."""
import os
import shlex
import subprocess
import sys
import unittest

from server import scratch
from syncd import BUILD, ROOT, SANITIZED

sys.path.insert(0, os.path.join(ROOT, "tests", "fuzz"))
import seeds    # noqa: E402
import smoke    # noqa: E402

BAD = """
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	if (n > 3 && memmem(p, n, "42(", 3) != NULL)
		%s;
	return 0;
}
"""


@unittest.skipIf(SANITIZED, "of a library without sanitizers")
class Smoke(unittest.TestCase):
    def setUp(self):
        self.dir = scratch("smoke.")
        smoke.BUILD, smoke.FOUND = self.dir, os.path.join(self.dir, "found")
        for name, value in (("write", self.write), ("dictionary", lambda t: None),
                            ("places", lambda top, t: [os.path.join(top, "in")])):
            self.addCleanup(setattr, seeds, name, getattr(seeds, name))
            setattr(seeds, name, value)

    @staticmethod
    def write(top, _):
        os.mkdir(os.path.join(top, "in"))
        for name, text in (("a", b"(40 a)"), ("b", b"x 41 y")):
            with open(os.path.join(top, "in", name), "wb") as f:
                f.write(text)

    def build(self, what):
        source = os.path.join(self.dir, "bad.c")
        with open(source, "w", encoding="ascii") as f:
            f.write(BAD % what)
        for driver in ("smoke", "replay"):
            out = os.path.join(self.dir, driver)
            os.makedirs(out, exist_ok=True)
            subprocess.run(["cc", "-D_GNU_SOURCE", "-Isync", "-Itests/fuzz", "-Itests/unit", "-o",
                            os.path.join(out, "bad"), source, f"tests/fuzz/{driver}.c",
                            os.path.join(BUILD, "libsyncd.a")], cwd=ROOT, check=True)

    def again(self, wrong):
        """The command that is printed with what was found; its exit code."""
        return subprocess.run(shlex.split(wrong.rpartition("again: ")[2]), cwd=ROOT,
                              stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              check=False).returncode

    def test_what_breaks_a_target_is_kept(self):
        self.build("abort()")
        _, _, wrong = smoke.smoke("bad", 20)
        self.assertIsNotNone(wrong)
        self.assertIn(f"SMOKE_SEED={smoke.SEED}", wrong)
        self.assertEqual(self.again(wrong), -6)

    def test_a_sound_target_is_tried_often(self):
        self.build("n = 0")
        tried, _, wrong = smoke.smoke("bad", 1)
        self.assertIsNone(wrong)
        self.assertGreater(tried, 100)

    def test_an_input_that_takes_for_ever_is_kept(self):
        self.build("for (;;) pause()")
        late, smoke.LATE = smoke.LATE, 1
        self.addCleanup(setattr, smoke, "LATE", late)
        _, _, wrong = smoke.smoke("bad", 5)
        self.assertIn("not done", wrong or "")
        with open(wrong.rpartition(" ")[2], "rb") as f:
            self.assertIn(b"42(", f.read())
