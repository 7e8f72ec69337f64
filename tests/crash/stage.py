"""stage.py — one account that is put back to the same moment, again and again.

A scene (scenes.py) makes both sides equal, changes them, and the stage takes a
picture: the mailboxes of a scripted server, the tree, the state.  A sweep puts
the picture back for each of its points, lets a round go wrong there, and asks
the judge: at once, whether all mail is still somewhere and whole; and after
one more round, whether all is as if nothing had gone wrong.
"""
import contextlib
import copy
import os
import random
import shutil
import signal
import sqlite3

from actors import Far, Local, Tree
from compare import compare
from dovecot import writing
from imapclient import SYSTEM, Message
from maildir import canonical
from peer import MODERN, Peer
from syncd import BUILD, Syncd
from world import World, body

KILLAT = os.path.join(BUILD, "killat")
ACCOUNT = {"tls": {"mode": "none"}, "watch": {"settle": "1ms"}}


class Wrong(AssertionError):
    """What must never be."""


class FarPeer(Far):
    """Can do what no client can."""

    def __init__(self, peer, client, rng):
        super().__init__(client, rng)
        self.peer = peer

    def revalidate(self, folder):
        """Built anew, without what was only marked; nobody can go on with the
        old numbers."""
        box = self.peer.boxes[folder]
        self.peer.drop(but=self.client.sock.getsockname())
        if not self.peer.can("UIDPLUS"):
            box.msgs = [m for m in box.msgs if "\\Deleted" not in m.flags]
        box.renumber()


class Look:
    """What a client would see, without one.  Where nothing can be expunged by
    its UID, what is marked \\Deleted counts as gone."""

    def __init__(self, peer):
        self.boxes = peer.boxes
        self.marked = not peer.can("UIDPLUS")

    def list(self):
        return list(self.boxes)

    def fetch_all(self, folder):
        return [Message(m.uid, frozenset(SYSTEM[f] for f in m.flags if f in SYSTEM),
                        frozenset(f for f in m.flags if f not in SYSTEM), m.date, m.data)
                for m in self.boxes[folder].msgs
                if not (self.marked and "\\Deleted" in m.flags)]


def copy_tree(here, there):
    """A copy that shares the files of mail, as nobody writes into those: they
    keep their inodes, by which syncd knows them.  What is written in place
    (the database) is copied."""
    os.mkdir(there, os.stat(here).st_mode)
    for entry in os.scandir(here):
        to = os.path.join(there, entry.name)
        if entry.is_dir(follow_symlinks=False):
            copy_tree(entry.path, to)
        elif os.path.basename(here) in ("cur", "new", "tmp") or "/undo/" in entry.path:
            os.link(entry.path, to, follow_symlinks=False)
        else:
            shutil.copy2(entry.path, to, follow_symlinks=False)
    st = os.stat(here)
    os.utime(there, ns=(st.st_atime_ns, st.st_mtime_ns))


class Stage:
    """${held}: a guard holds what was done, and rounds end with 10; ${world}
    makes the world of two actors."""

    def __init__(self, caps=MODERN, account=None, held=False, world=World):
        self.held = held
        self.peer = Peer(caps, tls=False)
        for name in ("Archive", "Drafts", "Sent", "Trash"):
            self.peer.box(name, [f"\\{name}"])
        self.syncd = Syncd(self.peer, "u1", dict(ACCOUNT, **(account or {})))
        self.client = self.peer.client()
        rng = random.Random(1)    # which of several twins
        tree = Tree(self.syncd.tree, rng)
        self.world = world(Local(tree), FarPeer(self.peer, self.client, rng))
        self.tree = self.syncd.tree
        self.saved = None

    def close(self):
        self.client.close()
        self.peer.stop()
        shutil.rmtree(self.syncd.dir)

    def play(self, scene):
        """To the moment at which a round is going to be interrupted."""
        held, self.held = self.held, False
        self.sync()
        for op in scene.given:
            self.world.do(*op)
        self.sync()
        wrong = self.world.oracle.check(self.messages()) + self.differences()
        if wrong:
            raise Wrong("before it began:\n" + "\n".join(wrong))
        for op in scene.change:
            if not self.world.do(*op):
                raise Wrong(f"cannot be done: {op}")
        self.held = held
        self.save()

    # -- the picture -----------------------------------------------------

    def places(self):
        return {name: os.path.join(self.syncd.dir, name) for name in ("mail", "state")}

    def forget_directories(self):
        """Those of a picture are others, each time."""
        db = os.path.join(self.syncd.state, "a.db")
        with contextlib.closing(sqlite3.connect(db)) as conn, conn:
            conn.execute("UPDATE folder SET dirs = 0")

    def save(self):
        self.forget_directories()
        picture = os.path.join(self.syncd.dir, "picture")
        os.mkdir(picture)
        for name, path in self.places().items():
            copy_tree(path, os.path.join(picture, name))
        self.saved = (picture, copy.deepcopy(self.peer.boxes),
                      copy.deepcopy(self.world.oracle))

    def put_back(self):
        picture, boxes, oracle = self.saved
        for name, path in self.places().items():
            shutil.rmtree(path)
            copy_tree(os.path.join(picture, name), path)
        self.peer.clear()
        self.peer.boxes = copy.deepcopy(boxes)
        self.world.oracle = copy.deepcopy(oracle)

    # -- rounds ----------------------------------------------------------

    def expect(self, r):
        """It ended as it must when nothing goes wrong."""
        if r.rc != (10 if self.held else 0):
            raise Wrong(f"a round ended with {r.rc}: {r.out}{r.err}")

    @staticmethod
    def no_crash(r, oom=False):
        """It may have failed, and says so; a wild pointer is no failure."""
        if oom:
            # Whose memory it was, libyaml's or ours, both abort with a word.
            if r.rc == -signal.SIGABRT and r.err:
                return
        elif "must(" in r.err:
            raise Wrong(f"a bug of ours: {r.err}")
        if r.rc < 0 or r.rc >= 128:
            raise Wrong(f"a round ended with {r.rc}: {r.out}{r.err}")
        for word in ("SIGSEGV", "SIGBUS", "signal 11", "signal 7"):
            if word in r.err:
                raise Wrong(f"a worker fell: {r.err}")

    def sync(self):
        """A round to which nothing happens."""
        self.expect(self.syncd.run("sync", timeout=20))

    def recover(self):
        """Go on after what happened: two rounds must do."""
        r = self.syncd.run("sync", timeout=20)
        if r.rc != (10 if self.held else 0) or self.differences():
            self.sync()

    def sync_by(self, *wrap, timeout=20, env=None):
        """A round that is run by ${wrap}; its Result."""
        self.syncd.wrap = wrap
        self.syncd.env = env or {}
        try:
            return self.syncd.run("sync", timeout=timeout)
        finally:
            self.syncd.wrap = ()
            self.syncd.env = {}

    def killat(self, mode, n, *more):
        """A round under killat: (its Result, the lines of the report)."""
        report = os.path.join(self.syncd.dir, "report")
        r = self.sync_by(KILLAT, "-m", mode, "-n", str(n), "-o", report, *more, "--")
        with open(report, encoding="utf-8", errors="replace") as f:
            return r, f.read().splitlines()

    def effects(self, *words, of=(), least=4):
        """Which effects (of killat's class) of a round have one of ${words} in the
        report?  So many at least, or it is no sample."""
        self.put_back()
        _, report = self.killat("count", 0, *of)
        hits = [n for n, line in enumerate(report, 1) if any(w in line for w in words)]
        if len(hits) < least:
            raise Wrong(f"no more than {hits} in {report}")
        return hits

    # -- the judge -------------------------------------------------------

    def messages(self):
        """[(folder, flags and keywords, bytes)] of the tree."""
        return [(folder, m.flags | m.keywords, m.data)
                for folder, files in self.tree.all_messages().items() for m in files]

    def differences(self):
        return [] if self.held else compare(Look(self.peer), self.tree)

    def token_of(self, data):
        return next((t for t in self.world.oracle.contents if t.encode() in data), None)

    def judge_moment(self):
        """Whatever was cut off: no file is half a message, and what nobody
        deleted is on one side at least."""
        found = set()
        for folder, _, data in self.messages():
            token = self.token_of(data)
            if token is None or canonical(data) != body(token):
                raise Wrong(f"half a message in {folder}: {data[:200]!r}")
            found.add(token)
        for box in self.peer.boxes.values():
            found |= {self.token_of(m.data) for m in box.msgs}
        for token, c in self.world.oracle.contents.items():
            deleted = any(len(copies) < max(len(c.base), 1)
                          for copies in c.side.values())
            if token not in found and not deleted:
                raise Wrong(f"{token} is lost; done: {c.trace}")

    def far_tokens(self):
        return sorted(self.token_of(m.data) for b in self.peer.boxes.values() for m in b.msgs)

    def judge_end(self):
        """Both sides are equal and what they must be; and then it is quiet."""
        if self.held:
            wrong = [] if self.far_tokens() == sorted(self.world.oracle.contents) else \
                [f"not held: the server has {self.far_tokens()}"]
        else:
            # What the trash has is no business of the oracle's.
            wrong = self.differences()
            wrong += self.world.oracle.check([m for m in self.messages() if m[0] != "Trash"])
        wrong += self.litter()
        if wrong:
            raise Wrong("\n".join(wrong))
        self.judge_quiet()

    def litter(self):
        return [f"{folder}/tmp has {x}" for folder, path in self.tree.folders().items()
                for x in os.listdir(path + "/tmp")]

    def judge_quiet(self):
        before = self.tree.snapshot()
        with self.peer.lock:
            self.peer.sent.clear()
        self.sync()
        if self.tree.snapshot() != before:
            raise Wrong("a quiet round changed files")
        if writing(self.peer.sent):
            raise Wrong(f"a quiet round wrote: {writing(self.peer.sent)}")
        trouble, self.peer.trouble = self.peer.trouble, []
        if trouble:
            raise Wrong(f"the server did not understand: {trouble}")
