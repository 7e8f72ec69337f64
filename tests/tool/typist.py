"""typist.py — a person who types, without the waiting: keys are counted, not slept.

Programs run in a terminal of their own and are answered as soon as they ask; what
was typed costs KEY seconds a key, what is marked on the screen and pasted, PASTE
keys however long it is.
"""
import os
import pty
import re
import select
import shlex
import time

KEY = 0.2      # seconds: a slow typist
PASTE = 5


class Typist:
    def __init__(self, env):
        self.env = env
        self.keys = 0
        self.seconds = 0.0     # that the programs took, by the clock
        self.cpu = 0.0         # and of the processor
        self.last = ""         # line that was run

    @property
    def typing(self):
        return self.keys * KEY

    def run(self, line, *answers, patience=60):
        """Type the command ${line}, and the answers, (what it asks, what to type)
        in order; (exit code, all that was on the screen)."""
        self.keys += len(line) + 1
        return self._run(line, answers, patience)

    def again(self, pasted, *answers, patience=60):
        """The last command once more, with something from the screen behind it."""
        self.keys += 1 + 1 + PASTE + 1    # arrow, space, paste, Return
        return self._run(f"{self.last} {pasted}", answers, patience)

    def _run(self, line, answers, patience):
        self.last = line
        argv = shlex.split(line)
        begun = time.monotonic()
        pid, fd = pty.fork()
        if pid == 0:
            try:
                os.execvpe(argv[0], argv, self.env)
            finally:
                os._exit(127)
        seen = self._converse(fd, list(answers), begun + patience)
        _, status, used = os.wait4(pid, 0)
        os.close(fd)
        self.seconds += time.monotonic() - begun
        self.cpu += used.ru_utime + used.ru_stime
        return os.waitstatus_to_exitcode(status), seen

    def _converse(self, fd, answers, until):
        """Each question is looked for behind the one before."""
        seen, at = "", 0
        while select.select([fd], [], [], max(0, until - time.monotonic()))[0]:
            try:
                data = os.read(fd, 65536)
            except OSError:
                data = b""    # the other end is closed
            if not data:
                break
            seen += data.decode(errors="replace").replace("\r\n", "\n")
            while answers and (asked := re.search(answers[0][0], seen[at:])):
                at += asked.end()
                text = answers.pop(0)[1]
                text = text(seen) if callable(text) else text
                self.keys += len(text)
                os.write(fd, text.encode())
        else:
            raise AssertionError(f"it does not go on:\n{seen}")
        if answers:
            raise AssertionError(f"{answers[0][0]} was not asked:\n{seen}")
        return seen
