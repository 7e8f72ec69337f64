"""imapclient.py — a small IMAP client, to look at and change a server.

It shares nothing with the daemon under test, so that both cannot be wrong in
the same way.  Literal-aware, pipelining, UIDs only.
"""
import calendar
import re
import socket
import ssl
import time
from collections import namedtuple

import mutf7

Message = namedtuple("Message", "uid flags keywords date data")

WITNESS = b'ID ("name" "witness")'

SYSTEM = {"\\Seen": "S", "\\Answered": "R", "\\Flagged": "F",
          "\\Deleted": "T", "\\Draft": "D"}


class ImapError(Exception):
    pass


def parse(data):
    """One response or fragment as nested lists of bytes; NIL is None, a
    literal or a quoted string is bytes, a list is a list."""
    pos = 0
    stack = [[]]
    while pos < len(data):
        c = data[pos:pos + 1]
        if c == b" ":
            pos += 1
        elif c == b"(":
            stack.append([])
            pos += 1
        elif c == b")":
            done = stack.pop()
            if not stack:
                raise ImapError(f"unbalanced parenthesis in {data[:200]!r}")
            stack[-1].append(done)
            pos += 1
        elif c == b'"':
            m = re.compile(rb'"((?:[^"\\]|\\.)*)"').match(data, pos)
            stack[-1].append(re.sub(rb"\\(.)", rb"\1", m[1]))
            pos = m.end()
        elif c in (b"{", b"~") and (m := re.compile(rb"~?\{(\d+)\}\r\n").match(data, pos)):
            start, n = m.end(), int(m[1])
            stack[-1].append(data[start:start + n])
            pos = start + n
        else:
            # An atom; a section such as BODY[HEADER.FIELDS (TO)] is one.
            m = re.compile(rb"[^ ()\[\]\"\r\n]*(?:\[[^\]]*\])?[^ ()\"\r\n]*").match(data, pos)
            if m.end() == pos:
                pos += 1
                continue
            stack[-1].append(None if m[0].upper() == b"NIL" else m[0])
            pos = m.end()
    return stack[0]


def quote(text):
    if isinstance(text, str):
        text = text.encode()
    return b'"' + text.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def internaldate(epoch):
    months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
    t = time.gmtime(epoch)
    return (f'"{t.tm_mday:2d}-{months[t.tm_mon - 1]}-{t.tm_year} '
            f'{t.tm_hour:02d}:{t.tm_min:02d}:{t.tm_sec:02d} +0000"').encode()


def epoch_of(text):
    m = re.fullmatch(r"\s*(\d+)-(\w+)-(\d+) (\d+):(\d+):(\d+) ([+-])(\d\d)(\d\d)", text)
    month = "JanFebMarAprMayJunJulAugSepOctNovDec".index(m[2]) // 3 + 1
    at = calendar.timegm((int(m[3]), month, int(m[1]), int(m[4]), int(m[5]), int(m[6])))
    offset = int(m[8]) * 3600 + int(m[9]) * 60
    return at - offset if m[7] == "+" else at + offset


def flag_words(letters, keywords=()):
    """ "SF", ["$Work"] as the words of a STORE or an APPEND."""
    word = {letter: name for name, letter in SYSTEM.items()}
    return b" ".join([word[x].encode() for x in letters] + [k.encode() for k in keywords])


class Client:
    def __init__(self, host, port, user=None, password=None, tls=False, timeout=30):
        self.sock = socket.create_connection((host, port), timeout)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            self.sock = context.wrap_socket(self.sock)
        self.file = self.sock.makefile("rb")
        self.tags = 0
        self.selected = None
        self.greeting = self.response()
        if user is not None:
            self.command(b"LOGIN " + quote(user) + b" " + quote(password))
            # Raw logs are searched for what the daemon said, not for this.
            self.command(WITNESS)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.file.close()
        self.sock.close()

    # -- the wire --------------------------------------------------------

    def response(self):
        """One response with its literals, without the final CRLF."""
        out = b""
        while True:
            line = self.file.readline()
            if not line:
                raise ImapError("the server closed the connection")
            out += line
            m = re.search(rb"\{(\d+)\}\r\n$", line)
            if not m:
                return out.rstrip(b"\r\n")
            out += self.file.read(int(m[1]))

    def send(self, *parts):
        """Send a command; bytes in a one-element tuple become a literal."""
        self.tags += 1
        tag = b"t%d" % self.tags
        wire = tag + b" "
        for part in parts:
            if isinstance(part, tuple):
                wire += b"{%d}\r\n" % len(part[0])
                self.sock.sendall(wire)
                go = self.response()
                if not go.startswith(b"+"):
                    raise ImapError(f"literal refused: {go!r}")
                wire = part[0]
            else:
                wire += part.encode() if isinstance(part, str) else part
        self.sock.sendall(wire + b"\r\n")
        return tag

    def finish(self, tag):
        """(text of the tagged OK, untagged responses before it)."""
        untagged = []
        while True:
            line = self.response()
            if line.startswith(tag + b" "):
                status = line[len(tag) + 1:]
                if not status.upper().startswith(b"OK"):
                    raise ImapError(status.decode(errors="replace"))
                return status, untagged
            untagged.append(line)

    def command(self, *parts):
        return self.finish(self.send(*parts))

    # -- folders ---------------------------------------------------------

    def capability(self):
        _, lines = self.command(b"CAPABILITY")
        for line in lines:
            if line.upper().startswith(b"* CAPABILITY "):
                return line.decode().split()[2:]
        return []

    def list(self):
        """{folder name: set of attributes} of what can be selected."""
        out = {}
        for line in self.command(b'LIST "" "*"')[1]:
            word = parse(line)
            if len(word) >= 5 and word[1] == b"LIST":
                attrs = {a.decode() for a in word[2]}
                if not attrs & {"\\Noselect", "\\NonExistent"}:
                    name = mutf7.decode(word[4])
                    out["INBOX" if name.upper() == "INBOX" else name] = attrs
        return out

    def delimiter(self):
        for line in self.command(b'LIST "" ""')[1]:
            word = parse(line)
            if word[1] == b"LIST":
                return word[3].decode()
        return "/"

    def create(self, folder):
        self.command(b"CREATE " + quote(mutf7.encode(folder)))

    def delete(self, folder):
        if self.selected == folder:
            self.unselect()
        self.command(b"DELETE " + quote(mutf7.encode(folder)))

    def rename(self, old, new):
        if self.selected == old:
            self.unselect()
        self.command(b"RENAME " + quote(mutf7.encode(old)) + b" " + quote(mutf7.encode(new)))

    def status(self, folder, *items):
        items = items or ("MESSAGES", "UIDNEXT", "UIDVALIDITY")
        _, lines = self.command(b"STATUS " + quote(mutf7.encode(folder)) + b" (" +
                                " ".join(items).encode() + b")")
        for line in lines:
            word = parse(line)
            if word[1] == b"STATUS":
                pairs = word[3]
                return {k.decode(): int(v) for k, v in zip(pairs[::2], pairs[1::2])}
        raise ImapError(f"no STATUS answer for {folder}")

    def select(self, folder):
        if self.selected != folder:
            self.command(b"SELECT " + quote(mutf7.encode(folder)))
            self.selected = folder

    def unselect(self):
        self.command(b"UNSELECT")
        self.selected = None

    # -- messages --------------------------------------------------------

    def append(self, folder, data, flags="", keywords=(), date=None):
        """Store a message (LF becomes CRLF only if the caller did it); its
        UID when the server tells."""
        parts = [b"APPEND " + quote(mutf7.encode(folder)) + b" (" +
                 flag_words(flags, keywords) + b") "]
        if date is not None:
            parts.append(internaldate(date) + b" ")
        status, _ = self.command(*parts, (data,))
        m = re.search(rb"APPENDUID \d+ (\d+)", status)
        return int(m[1]) if m else None

    def fetch_all(self, folder, bodies=True):
        """Every message of ${folder}, by UID."""
        self.selected = None    # select afresh, to see it as it is now
        self.select(folder)
        items = b"(UID FLAGS INTERNALDATE" + (b" BODY.PEEK[])" if bodies else b")")
        out = []
        for line in self.command(b"UID FETCH 1:* " + items)[1]:
            word = parse(line)
            if len(word) < 4 or word[2] != b"FETCH":
                continue
            pairs = dict(zip(word[3][::2], word[3][1::2]))
            if b"INTERNALDATE" not in pairs:
                continue    # unsolicited: a flag changed meanwhile
            names = [f.decode() for f in pairs[b"FLAGS"]]
            out.append(Message(
                int(pairs[b"UID"]),
                frozenset(SYSTEM[n] for n in names if n in SYSTEM),
                frozenset(n for n in names if not n.startswith("\\")),
                epoch_of(pairs[b"INTERNALDATE"].decode()),
                pairs.get(b"BODY[]") or b""))
        return sorted(out)

    def search(self, folder, criteria):
        """UIDs, as the folder is now."""
        self.selected = None
        self.select(folder)
        for line in self.command(b"UID SEARCH " + criteria.encode())[1]:
            word = parse(line)
            if word[1] == b"SEARCH":
                return [int(n) for n in word[2:]]
        return []

    def find(self, folder, token):
        """The UID of the one message whose bytes hold ${token}."""
        hits = [m.uid for m in self.fetch_all(folder) if token.encode() in m.data]
        if len(hits) != 1:
            raise ImapError(f"{len(hits)} messages with {token} in {folder}")
        return hits[0]

    def store(self, folder, uid, change, flags="", keywords=()):
        """${change}: "+", "-" or "" (replace)."""
        self.select(folder)
        self.command(b"UID STORE %d " % uid + change.encode() + b"FLAGS.SILENT (" +
                     flag_words(flags, keywords) + b")")

    def expunge(self, folder, uid):
        self.store(folder, uid, "+", "T")
        self.command(b"UID EXPUNGE %d" % uid)

    def move(self, folder, uid, to):
        self.select(folder)
        self.command(b"UID MOVE %d " % uid + quote(mutf7.encode(to)))

    def copy(self, folder, uid, to):
        self.select(folder)
        self.command(b"UID COPY %d " % uid + quote(mutf7.encode(to)))
