"""What people see while it works: a bar, lines, JSON, and where a worker died."""
import json
import os
import pty
import re
import select
import signal
import struct
import contextlib
import fcntl
import termios
import time

from case import Case, limit, message
from syncd import BINARY

MESSAGES = 1500


class Terminal:
    """`syncd ARGS` with a terminal of its own as stdout and stderr."""

    def __init__(self, syncd, *args, columns=80, **env):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
            with contextlib.suppress(PermissionError):
                os.nice(-10)    # how quick we are, not how busy the machine is
            full = {"HOME": syncd.dir, "PATH": os.environ["PATH"], "TERM": "xterm",
                    "LC_ALL": "C.UTF-8", **env}
            os.execve(BINARY, [BINARY, "-c", syncd.conf, *args], full)
        self.started = time.monotonic()
        self.first = None    # seconds until the first byte
        self.said = b""

    def read(self, seconds):
        """What comes within so much time; False at the end."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return True
        try:
            part = os.read(self.fd, 65536)
        except OSError:
            part = b""
        if part and self.first is None:
            self.first = time.monotonic() - self.started
        self.said += part
        return bool(part)

    def finish(self, seconds=40):
        """(exit code, text)"""
        until = time.monotonic() + seconds
        while self.read(0.5):
            if time.monotonic() > until:
                os.kill(self.pid, signal.SIGKILL)
                break
        os.close(self.fd)
        _, status = os.waitpid(self.pid, 0)
        return os.waitstatus_to_exitcode(status), self.said.decode()


class Progress(Case):
    def fill(self, n=MESSAGES):
        """One MULTIAPPEND."""
        parts = [b"APPEND INBOX"]
        for i in range(n):
            parts += [b" ", (message(f"m{i}", "x" * 2000),)]
        self.client.command(*parts)

    def test_a_terminal_gets_a_bar_at_once_and_nothing_stays_of_it(self):
        self.fill()
        t = Terminal(self.syncd, "sync")
        rc, text = t.finish()
        self.assertEqual(rc, 0, text)
        self.assertLess(t.first, 0.2)
        bars = [b.rstrip("\r") for b in text.split("\r\x1b[K")[1:]]
        self.assertTrue(any(re.search(r"a  INBOX +▕.*▏ +\d+%  \d+/1500", b) for b in bars),
                        text)
        for b in bars:
            for line in b.split("\r\n"):
                self.assertLess(len(line), 80, line)
        # What is left on the screen when all is done.
        left = re.sub(r"[^\n]*\r\x1b\[K", "", text).replace("\r\n", "\n")
        self.assertRegex(left, r"\Aa INBOX done new=1500 sent=0 flags=0 deleted=0 moved=0 "
                         r"bytes=\d+ secs=\d+\.\d\na: done downloaded=1500 ")
        took = time.monotonic() - t.started
        self.assertLess(len(bars), took * 11 + 5)
        self.assertSame()

    def test_a_narrow_terminal_is_not_overrun(self):
        self.fill(300)
        rc, text = Terminal(self.syncd, "sync", columns=30).finish()
        self.assertEqual(rc, 0, text)
        for b in text.split("\r\x1b[K")[:-1]:
            # A line that stays may stand before the bar and may be as long as it likes.
            self.assertLess(len(b.rsplit("\r\n", 1)[-1].rstrip("\r")), 30, b)

    def test_a_dumb_terminal_and_a_pipe_get_lines(self):
        self.fill(50)
        rc, text = Terminal(self.syncd, "sync", TERM="dumb").finish()
        self.assertEqual(rc, 0, text)
        self.assertNotIn("\x1b", text)
        self.assertRegex(text, r"(?m)^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ a INBOX done new=50 ")
        self.client.append("INBOX", message("late"))
        r = self.syncd.sync()
        self.assertRegex(r.err, r"\A\S+Z a INBOX done new=1 [^\n]*\n\Z")
        self.assertEqual(r.out.count("\n"), 1, r.out)

    def test_nothing_new_says_nothing_of_folders(self):
        self.syncd.sync()
        self.assertEqual(self.syncd.sync().err, "")

    def test_quiet_and_none_are_quiet(self):
        self.client.append("INBOX", message("one"))
        self.assertEqual(self.syncd.sync("-q"), (0, "", ""))
        self.client.append("INBOX", message("two"))
        r = self.syncd.sync("--progress", "none")
        self.assertEqual((r.rc, r.err), (0, ""))
        r = self.syncd.run("sync", "--progress=bars")
        self.assertEqual(r.rc, 64)

    def test_json_goes_to_stderr_and_stdout_stays_one_object(self):
        self.client.append("INBOX", message("one"))
        r = self.syncd.sync("--json", "--progress", "json")
        self.assertIn("parts", json.loads(r.out))
        said = [json.loads(line) for line in r.err.splitlines()]
        self.assertTrue(any(s.get("done", "").startswith("INBOX done new=1") for s in said),
                        said)

    @limit(90)
    def test_a_running_daemon_shows_its_progress_to_sync_and_status(self):
        self.syncd.sync()
        self.syncd.start()
        self.wait(lambda: self.syncd.status()["accounts"][0]["state"] == "live", 20,
                  "the daemon to be live")
        t = Terminal(self.syncd, "sync", "--full")
        rc, text = t.finish()
        self.assertEqual(rc, 0, text)
        self.assertLess(t.first, 0.3)
        self.assertNotIn("progress", self.syncd.status()["accounts"][0])

    def test_the_obituary_names_what_the_worker_was_doing(self):
        self.fill(6000)    # enough to be killed in the middle
        t = Terminal(self.syncd, "sync")
        while b"/6000" not in t.said and t.read(5):
            pass
        worker = int(open(f"/proc/{t.pid}/task/{t.pid}/children").read().split()[0])
        os.kill(worker, signal.SIGKILL)
        rc, text = t.finish()
        self.assertNotEqual(rc, 0)
        self.assertRegex(text, r"worker was killed by SIGKILL.*"
                         r"(downloading|uploading|comparing|applying).*INBOX")
        self.syncd.sync()
        self.assertSame()
