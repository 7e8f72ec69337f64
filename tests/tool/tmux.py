"""tmux.py — a program of somebody else's in a terminal that understands everything.

terminal.py is strict, because it judges our own screens; this one is tmux.
"""
import os
import re
import shlex
import subprocess

from server import wait_for


class Tmux:
    """${argv} with the environment ${env}, in ${dir}; what it printed stays on
    the screen when it has ended."""

    def __init__(self, argv, env, dir):
        self.socket = os.path.join(dir, "tmux")
        self.rc = os.path.join(dir, "tmux.rc")
        inner = shlex.join(argv) + f"; echo $? >{shlex.quote(self.rc)}; exec sleep 600"
        env = dict(env, PATH=os.environ["PATH"] if "PATH" not in env else env["PATH"])
        subprocess.run(
            ["tmux", "-u", "-S", self.socket, "-f", "/dev/null", "new-session", "-d", "-x", "100",
             "-y", "30", "-c", dir, "env", "-i", *(f"{k}={v}" for k, v in env.items()),
             "TERM=screen", "sh", "-c", inner], check=True, timeout=20)

    def _tmux(self, *args):
        return subprocess.run(["tmux", "-S", self.socket, *args], check=True, capture_output=True,
                              text=True, timeout=20).stdout

    def press(self, *keys):
        """Names of keys, or characters."""
        self._tmux("send-keys", "-t", ":0", *keys)

    def type(self, text):
        self._tmux("send-keys", "-t", ":0", "-l", text)

    def line(self, text):
        self.type(text)
        self.press("Enter")

    def text(self):
        return self._tmux("capture-pane", "-p", "-t", ":0")

    def wait(self, *words, without=(), seconds=20):
        self._wait(lambda text: all(w in text for w in words) and not any(w in text for w in without),
                   seconds, f"{words} without {without}")

    def wait_match(self, pattern, seconds=20):
        """A line that the regular expression finds."""
        self._wait(lambda text: re.search(pattern, text), seconds, pattern)

    def _wait(self, holds, seconds, what):
        try:
            wait_for(lambda: holds(self.text()), seconds, what)
        except TimeoutError:
            raise AssertionError(f"no {what} on the screen:\n{self.text()}") from None

    def ended(self, seconds=20):
        """The exit code, when it has one."""
        def code():
            with open(self.rc, encoding="ascii") as f:
                return f.read().strip()
        wait_for(lambda: os.path.exists(self.rc) and code(), seconds, "the program to end")
        return int(code())

    def stop(self):
        subprocess.run(["tmux", "-S", self.socket, "kill-server"], check=False,
                       capture_output=True, timeout=20)
