"""maildir.py — read and change a Maildir tree as a mail client would.

Written from the Maildir conventions, not from the daemon's code: it is one of
the two witnesses of every scenario (the other is imapclient.py).
"""
import hashlib
import itertools
import os
import re
import shutil
import socket
import stat
import time
from collections import namedtuple

File = namedtuple("File", "path unique flags letters keywords date data in_new")

_serial = itertools.count()


def canonical(data):
    """The bytes that both sides must agree on: CRLF counts as LF."""
    return data.replace(b"\r\n", b"\n")


def digest(data):
    return hashlib.sha256(canonical(data)).hexdigest()


def unescape(part):
    """A directory name's %XX, and the "%" that stands for an empty name."""
    if part == "%":
        return ""
    raw = re.sub(rb"%([0-9A-F]{2})", lambda m: bytes([int(m[1], 16)]), os.fsencode(part))
    return raw.decode(errors="surrogateescape")


def escape(part, layout):
    """A folder name's component as a directory, as sync/maildir/path.h says."""
    reserved = (part in ("cur", "new", "tmp") or part.startswith(".")
                if layout == "nested" else part == "syncd-store")
    out = []
    for i, c in enumerate(part):
        unsafe = ord(c) < 32 or ord(c) == 127 or c in "/%" or (
            layout == "maildir++" and c == ".")
        out.append(f"%{ord(c):02X}" if unsafe or (i == 0 and reserved) else c)
    return "".join(out) or "%"


class Maildir:
    """A tree of folders.  Names are lists of components joined by
    ${delimiter}, as the server says them."""

    def __init__(self, root, layout="nested", delimiter="/"):
        self.root = root
        self.layout = layout
        self.delimiter = delimiter

    # -- folders ---------------------------------------------------------

    def path(self, folder):
        """The directory of a folder, be it there or not."""
        parts = [escape(p, self.layout) for p in folder.split(self.delimiter)]
        if self.layout == "nested":
            return os.path.join(self.root, *parts)
        if folder == "INBOX":
            return self.root
        return os.path.join(self.root, "." + ".".join(parts))

    def folders(self):
        """{name: directory} of every directory that has a cur/."""
        if self.layout == "nested":
            found = {}
            for path, dirs, _ in os.walk(self.root):
                if "cur" in dirs:
                    parts = os.path.relpath(path, self.root).split("/")
                    found[self.delimiter.join(map(unescape, parts))] = path
                dirs[:] = [d for d in dirs if d not in ("cur", "new", "tmp")]
            return found
        found = {"INBOX": self.root} if os.path.isdir(self.root + "/cur") else {}
        for name in os.listdir(self.root):
            path = os.path.join(self.root, name)
            if name.startswith(".") and os.path.isdir(path + "/cur"):
                found[self.delimiter.join(map(unescape, name[1:].split(".")))] = path
        return found

    def create_folder(self, folder):
        for sub in ("tmp", "new", "cur"):
            os.makedirs(os.path.join(self.path(folder), sub), exist_ok=True)
        if self.layout == "maildir++" and folder != "INBOX":
            open(os.path.join(self.path(folder), "maildirfolder"), "w", encoding="ascii").close()

    def delete_folder(self, folder):
        shutil.rmtree(self.path(folder))

    def rename_folder(self, old, new):
        os.makedirs(os.path.dirname(self.path(new)), exist_ok=True)
        os.rename(self.path(old), self.path(new))

    # -- keywords --------------------------------------------------------

    def _keywords(self, folder):
        """{letter: keyword} of the folder's dovecot-keywords."""
        try:
            with open(os.path.join(self.path(folder), "dovecot-keywords"),
                      encoding="utf-8") as f:
                pairs = (line.split(maxsplit=1) for line in f)
                return {chr(ord("a") + int(n)): word.strip() for n, word in pairs}
        except FileNotFoundError:
            return {}

    def _letters(self, folder, keywords):
        """Letters for keywords; new ones are added to the file, as Dovecot does."""
        table = self._keywords(folder)
        if not set(keywords) <= set(table.values()):
            table = self._add_keywords(folder, keywords)
        return "".join(x for x, w in table.items() if w in keywords)

    def _add_keywords(self, folder, keywords):
        """Under the lock, as others do it, too."""
        path = os.path.join(self.path(folder), "dovecot-keywords")
        for _ in range(500):
            try:
                fd = os.open(path + ".lock", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
                break
            except FileExistsError:
                time.sleep(0.01)
        else:
            raise TimeoutError(path + ".lock")
        table = self._keywords(folder)
        for word in keywords:
            if word not in table.values():
                table[min(set("abcdefghijklmnopqrstuvwxyz") - set(table))] = word
        with open(fd, "w", encoding="utf-8") as f:
            f.writelines(f"{ord(x) - ord('a')} {w}\n" for x, w in sorted(table.items()))
        os.rename(path + ".lock", path)
        return table

    # -- reading ---------------------------------------------------------

    def messages(self, folder):
        """Every message file of the folder; a unique name that shows twice
        is shown twice."""
        out = []
        words = self._keywords(folder)
        for sub in ("new", "cur"):
            path = os.path.join(self.path(folder), sub)
            for name in sorted(os.listdir(path)):
                full = os.path.join(path, name)
                if not name.startswith(".") and stat.S_ISREG(os.lstat(full).st_mode):
                    out.append(self._read(full, words, sub == "new"))
        return out

    @staticmethod
    def _read(path, words, in_new):
        name = os.path.basename(path)
        info = re.search(r":2,([^,]*)", name)
        letters = info[1] if info else ""
        with open(path, "rb") as f:
            data = f.read()
        return File(path, re.match(r"[^,:]*", name)[0],
                    frozenset(x for x in letters if x in "SRFTD"), letters,
                    frozenset([words[x] for x in letters if x in words] +
                              ["$Forwarded"] * ("P" in letters)),
                    int(os.stat(path).st_mtime), data, in_new)

    def all_messages(self):
        return {folder: self.messages(folder) for folder in self.folders()}

    def find(self, folder, token):
        """The one message whose bytes hold ${token}."""
        hits = [m for m in self.messages(folder) if token.encode() in m.data]
        if len(hits) != 1:
            raise LookupError(f"{len(hits)} files with {token} in {folder}")
        return hits[0]

    def snapshot(self):
        """What a second look must find unchanged: every path below the root
        with kind, inode, size and times."""
        out = {}
        for path, dirs, files in os.walk(self.root):
            for name in dirs + files:
                full = os.path.join(path, name)
                st = os.lstat(full)
                out[os.path.relpath(full, self.root)] = (
                    st.st_mode, st.st_ino, st.st_size, st.st_mtime_ns)
        return out

    # -- changing, as clients do -----------------------------------------

    @staticmethod
    def unique():
        return f"{int(time.time())}.M{time.time_ns() % 10**9}P{os.getpid()}" \
               f"Q{next(_serial)}.{socket.gethostname()}"

    def add(self, folder, data, flags=None, keywords=(), date=None):
        """Deliver through tmp/: into new/, or into cur/ when ${flags} (maybe
        "") are given.  Returns the path."""
        unique = self.unique()
        base = self.path(folder)
        tmp = os.path.join(base, "tmp", unique)
        with open(tmp, "wb") as f:
            f.write(data)
        if date is not None:
            os.utime(tmp, (date, date))
        if flags is None and not keywords:
            final = os.path.join(base, "new", unique)
        else:
            letters = (flags or "") + self._letters(folder, keywords)
            final = os.path.join(base, "cur", f"{unique}:2,{''.join(sorted(letters))}")
        os.rename(tmp, final)
        return final

    def set_flags(self, folder, token, flags, keywords=None):
        """One rename into cur/; letters that are no flags stay unless
        ${keywords} are given."""
        m = self.find(folder, token)
        kept = [x for x in m.letters if x not in "SRFTD"]
        if keywords is not None:
            kept = self._letters(folder, keywords)
        base = os.path.basename(m.path).split(":2,")[0]
        letters = "".join(sorted(set(flags) | set(kept)))
        final = os.path.join(self.path(folder), "cur", f"{base}:2,{letters}")
        os.rename(m.path, final)
        return final

    def delete(self, folder, token):
        os.unlink(self.find(folder, token).path)

    def move(self, folder, token, to, keep_name=True):
        """As mu4e does (same name) or as mutt does (a new one)."""
        m = self.find(folder, token)
        name = os.path.basename(m.path)
        letters = self._letters(to, m.keywords) if m.keywords else ""
        flags = "".join(sorted("".join(m.flags) + letters))
        base = name.split(":2,")[0] if keep_name else self.unique()
        final = os.path.join(self.path(to), "cur", f"{base}:2,{flags}")
        os.rename(m.path, final)
        return final

    def copy(self, folder, token, to):
        """A new name and the same bytes, flags and date."""
        m = self.find(folder, token)
        return self.add(to, m.data, "".join(sorted(m.flags)), m.keywords, m.date)

    def replace(self, folder, token, data):
        """Other bytes under the same name: an editor saves a draft."""
        m = self.find(folder, token)
        tmp = os.path.join(self.path(folder), "tmp", self.unique())
        with open(tmp, "wb") as f:
            f.write(data)
        os.rename(tmp, m.path)
        return m.path
