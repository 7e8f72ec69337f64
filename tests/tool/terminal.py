"""terminal.py — a program in a terminal of a given size, and what the screen shows.

Understands what we write: moves, clearing, colours, the alternate screen.  Anything
else, and a line that would wrap or scroll, is an error.
"""
import fcntl
import os
import pty
import re
import select
import struct
import termios
import time
import unicodedata

TOKEN = re.compile(r"\x1b\[(\??)([\d;]*)([A-Za-z])|\x1b(.)|([\x00-\x1f\x7f])|([^\x1b\x00-\x1f\x7f])",
                   re.S)


class Broken(AssertionError):
    """The screen was corrupted."""


class Terminal:
    def __init__(self, argv, env, rows=24, columns=80):
        self.rows, self.columns = rows, columns
        self.cells = [[" "] * columns for _ in range(rows)]
        self.row = self.column = 0
        self.alternate = False
        self.rest = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve(argv[0], argv, env)
        self.resize(rows, columns)

    def resize(self, rows, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.rows, self.columns = rows, columns
        self.cells = [[" "] * columns for _ in range(rows)]
        self.resized = time.monotonic()

    def text(self):
        return "\n".join("".join(r).rstrip() for r in self.cells)

    def press(self, keys):
        os.write(self.fd, keys.encode())

    def read(self, seconds):
        """Take in what is written; False at the end of the program."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if not select.select([self.fd], [], [], left)[0]:
                break
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                return False
            if not data:
                return False
            self._feed(data)
        return True

    def wait(self, word, seconds=15):
        until = time.monotonic() + seconds
        while word not in self.text():
            if time.monotonic() > until or not self.read(0.1):
                raise AssertionError(f"no {word!r} on the screen:\n{self.text()}")

    def end(self, seconds=10):
        """The exit code."""
        until = time.monotonic() + seconds
        while self.read(0.1) and time.monotonic() < until:
            pass
        _, status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        return os.waitstatus_to_exitcode(status)

    def _feed(self, data):
        text = (self.rest + data).decode("utf-8", errors="ignore")
        # An escape sequence or a character may be cut in two.
        cut = text.rfind("\x1b")
        whole = TOKEN.match(text, cut) is not None and text[cut:] != "\x1b[" if cut >= 0 else True
        self.rest = b"" if whole else text[cut:].encode()
        for m in TOKEN.finditer(text if whole else text[:cut]):
            self._token(*m.groups())

    def _token(self, private, numbers, letter, other, control, char):
        if char is not None:
            self._put(char)
        elif letter is not None:
            self._sequence(private, [int(n or 0) for n in numbers.split(";")], letter)
        elif other is not None or control not in (None, "\r", "\n"):
            raise Broken(f"{other or control!r} was written")

    def _sequence(self, private, n, letter):
        if letter == "H":
            self.row, self.column = max(n[0], 1) - 1, max((n + [1])[1], 1) - 1
        elif letter == "K":
            self._blank(self.row, self.column)
        elif letter == "J":
            self._blank(self.row, self.column if n[0] == 0 else 0)
            for r in range(self.row + 1 if n[0] == 0 else 0, self.rows):
                self._blank(r, 0)
        elif private and letter in "hl":
            if n[0] == 1049:
                self.alternate = letter == "h"
        elif letter != "m":
            raise Broken(f"an unknown sequence ends in {letter}")

    def _blank(self, row, column):
        if row < self.rows:
            self.cells[row][column:] = [" "] * max(self.columns - column, 0)

    def _put(self, char):
        width = 2 if unicodedata.east_asian_width(char) in "WF" else 1
        if unicodedata.combining(char):
            width = 0
        if self.row >= self.rows or self.column + width > self.columns:
            # A frame that was on its way when we resized is no fault.
            if time.monotonic() - self.resized < 2:
                return
            raise Broken(f"{char!r} at {self.row},{self.column} is off the screen")
        if width:
            self.cells[self.row][self.column] = char
            for k in range(1, width):
                self.cells[self.row][self.column + k] = ""
        self.column += width
