"""actors.py — who changes mail behind the daemon's back: a mail program on the
tree, and another client on the server.  Both are told what to do in the same
words; world.py says them.
"""
import os
import time

from maildir import Maildir
from oracle import FLAGS, WORDS
from server import wait_for

WHOLE = "whole"


class Tree(Maildir):
    """Of several files with one token any will do; a daemon may rename them
    while we look."""

    def __init__(self, tree, rng):
        super().__init__(tree.root, tree.layout, tree.delimiter)
        self.rng = rng

    def find(self, folder, token):
        def hit():
            hits = []
            for sub in ("new", "cur"):
                path = os.path.join(self.path(folder), sub)
                for name in sorted(os.listdir(path)):
                    m = self._read(os.path.join(path, name), self._keywords(folder),
                                   sub == "new")
                    if token.encode() in m.data:
                        hits.append(m)
            return self.rng.choice(hits) if hits else None
        return self.again(lambda: wait_for(hit, 5, f"{token} in {folder}"))

    @staticmethod
    def again(action):
        """What a client does when a file is renamed under its hands."""
        for _ in range(100):
            try:
                return action()
            except FileNotFoundError:
                time.sleep(0.01)
        return action()


class Local:
    side = "here"

    def __init__(self, tree):
        self.tree = tree

    def add(self, folder, data, flags, words, date):
        self.tree.add(folder, data, "".join(sorted(flags)), words, date)

    def flag(self, folder, token, before, after):
        def action():
            m = self.tree.find(folder, token)
            if (m.flags | m.keywords) != before:
                # Twins: the one that is meant.
                raise FileNotFoundError(token)
            keys = self.tree._letters(folder, [w for w in after if w in WORDS])
            letters = "".join(sorted([x for x in after if x in FLAGS + "D"] + list(keys)))
            base = os.path.basename(m.path).split(":2,")[0]
            os.rename(m.path, os.path.join(self.tree.path(folder), "cur",
                                           f"{base}:2,{letters}"))
        self.tree.again(action)

    def pick(self, folder, token, flags):
        def action():
            m = self.tree.find(folder, token)
            if (m.flags | m.keywords) != flags:
                raise FileNotFoundError(token)
            return m
        return self.tree.again(action)

    def delete(self, folder, token, flags):
        self.tree.again(lambda: os.unlink(self.pick(folder, token, flags).path))

    def move(self, folder, token, flags, to, keep_name):
        """With its name, a new one, or its WHOLE name: by somebody who knows
        nothing of letters."""
        def action():
            m = self.pick(folder, token, flags)
            if keep_name == WHOLE:
                os.rename(m.path, os.path.join(self.tree.path(to), "cur",
                                               os.path.basename(m.path)))
                return
            letters = self.tree._letters(to, m.keywords) if m.keywords else ""
            base = os.path.basename(m.path).split(":2,")[0] if keep_name else self.tree.unique()
            info = "".join(sorted("".join(m.flags) + letters))
            os.rename(m.path, os.path.join(self.tree.path(to), "cur", f"{base}:2,{info}"))
        self.tree.again(action)

    def copy(self, folder, token, flags, to):
        m = self.pick(folder, token, flags)
        self.tree.add(to, m.data, "".join(sorted(m.flags)), m.keywords, m.date)

    def replace(self, folder, token, flags, data):
        def action():
            m = self.pick(folder, token, flags)
            tmp = os.path.join(self.tree.path(folder), "tmp", self.tree.unique())
            with open(tmp, "wb") as f:
                f.write(data)
            # No client replaces what is not there: a rename would.
            os.stat(m.path)
            os.rename(tmp, m.path)
        self.tree.again(action)

    def create(self, folder):
        self.tree.create_folder(folder)

    def rename(self, old, new):
        self.tree.rename_folder(old, new)

    def remove(self, folder):
        """A daemon may be delivering into it."""
        def action():
            try:
                self.tree.delete_folder(folder)
            except OSError as e:
                raise FileNotFoundError(folder) from e
        if os.path.exists(self.tree.path(folder)):
            self.tree.again(action)


class Far:
    side = "there"

    def __init__(self, client, rng):
        self.client = client
        self.rng = rng

    def uid(self, folder, token, flags):
        hits = [m.uid for m in self.client.fetch_all(folder)
                if token.encode() in m.data and m.flags | m.keywords == flags]
        if not hits:
            raise LookupError(f"{token} with {set(flags)} is not in {folder}")
        return self.rng.choice(hits)

    def add(self, folder, data, flags, words, date):
        self.client.append(folder, data.replace(b"\n", b"\r\n"), "".join(flags), words, date)

    def flag(self, folder, token, before, after):
        uid = self.uid(folder, token, before)
        for sign, names in (("+", after - before), ("-", before - after)):
            if names:
                self.client.store(folder, uid, sign, [x for x in names if len(x) == 1],
                                  [x for x in names if len(x) > 1])

    def delete(self, folder, token, flags):
        self.client.expunge(folder, self.uid(folder, token, flags))

    def move(self, folder, token, flags, to, keep_name):
        self.client.move(folder, self.uid(folder, token, flags), to)

    def copy(self, folder, token, flags, to):
        self.client.copy(folder, self.uid(folder, token, flags), to)

    def replace(self, folder, token, flags, data):
        """As a client saves a draft: the new one, then the old one goes."""
        uid = self.uid(folder, token, flags)
        self.client.append(folder, data.replace(b"\n", b"\r\n"), "D",
                           date=int(time.time()))
        self.client.expunge(folder, uid)

    def create(self, folder):
        self.client.create(folder)

    def rename(self, old, new):
        self.client.rename(old, new)

    def remove(self, folder):
        self.client.delete(folder)
