"""Random changes on both sides; then both are equal, and nothing is lost and
nothing doubled, by an oracle that knows only what was done.

A failure names its seed: `SYNCD_SEED=n` runs that one alone.  With
SYNCD_SOAK_SECONDS=1800 new seeds are run for as long.
"""
import os
import random
import signal
import time
import unittest

from case import Case, limit, local_message
from maildir import Maildir
from oracle import FLAGS, WORDS, Oracle
from server import wait_for

SOAK = int(os.environ.get("SYNCD_SOAK_SECONDS", "0"))
SEED = os.environ.get("SYNCD_SEED")


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

    def move(self, folder, token, flags, to):
        keep = self.tree.rng.random() < 0.6

        def action():
            m = self.pick(folder, token, flags)
            letters = self.tree._letters(to, m.keywords) if m.keywords else ""
            base = os.path.basename(m.path).split(":2,")[0] if keep else self.tree.unique()
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

    def move(self, folder, token, flags, to):
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


class World:
    """Two actors, what they did, and what must come of it."""

    def __init__(self, seed, near, far, concurrent=False):
        self.rng = random.Random(seed)
        self.seed = seed
        self.oracle = Oracle()
        self.actors = (near, far)
        self.folders = ["INBOX", "Archive", "Drafts"]
        self.busy = {}              # folder -> the only side that may use it
        self.concurrent = concurrent
        self.n = 0
        self.trace = []

    def note(self, c, text):
        c.trace.append(text)
        self.trace.append(f"{c.token}: {text}")

    def body(self, token):
        text = "".join(self.rng.choice("abc \n") for _ in range(self.rng.randrange(400)))
        return local_message(token, text + "\n.")

    def token(self):
        self.n += 1
        return f"r{self.seed}m{self.n:04d}x"

    def folder(self, side):
        free = [f for f in self.folders if f != "Drafts" and self.busy.get(f, side) == side]
        return self.rng.choice(free)

    def flags(self):
        return frozenset(x for x in list(FLAGS) + list(WORDS) if self.rng.random() < 0.25)

    def target(self, actor, alone=False, only=lambda c: True):
        """A content and one of its copies, which this side may change."""
        out = []
        for c in self.oracle.contents.values():
            if not only(c) or not self.oracle.may_touch(c, actor.side, alone or self.concurrent):
                continue
            if all(self.busy.get(x.folder, actor.side) == actor.side
                   for x in c.base + c.seen(actor.side)):
                out.append(c)
        if not out:
            return None, None
        c = self.rng.choice(out)
        return c, self.rng.choice(c.copies(actor.side))

    # -- the operations --------------------------------------------------

    def add(self, actor):
        token, folder = self.token(), self.folder(actor.side)
        data, flags = self.body(token), self.flags()
        date = 1_600_000_000 + self.rng.randrange(10 ** 8)
        for _ in range(2 if self.rng.random() < 0.15 else 1):
            actor.add(folder, data, [x for x in flags if x in FLAGS],
                      [x for x in flags if x in WORDS], date)
            c = self.oracle.new(token, data, actor.side, folder, flags)
            self.note(c, f"added {actor.side} to {folder} {sorted(flags)}")

    def draft(self, actor):
        token = self.token()
        data = self.body(token)
        actor.add("Drafts", data, ["D"], [], 1_600_000_000)
        self.note(self.oracle.new(token, data, actor.side, "Drafts", "D"),
                  f"draft {actor.side}")

    def save_again(self, actor):
        c, copy = self.target(actor, alone=True, only=lambda c: len(c.seen(actor.side)) == 1 and
                              c.seen(actor.side)[0].folder == "Drafts")
        if c is None:
            return self.draft(actor)
        token = self.token()
        data = self.body(token)
        actor.replace("Drafts", c.token, copy.flags, data)
        c.copies(actor.side).remove(copy)
        self.note(c, f"saved again {actor.side} as {token}")
        flags = copy.flags if actor.side == "here" else "D"
        self.note(self.oracle.new(token, data, actor.side, "Drafts", flags),
                  f"instead of {c.token} {actor.side}")
        return None

    def flag(self, actor):
        c, copy = self.target(actor)
        if c is None:
            return
        after = copy.flags ^ {self.rng.choice(list(FLAGS) + list(WORDS))}
        actor.flag(copy.folder, c.token, copy.flags, after)
        self.note(c, f"flags {actor.side} in {copy.folder} {sorted(copy.flags)} -> "
                     f"{sorted(after)}")
        copy.flags = after

    def delete(self, actor):
        c, copy = self.target(actor)
        if c is None:
            return
        actor.delete(copy.folder, c.token, copy.flags)
        c.copies(actor.side).remove(copy)
        self.note(c, f"deleted {actor.side} from {copy.folder}")

    def move(self, actor):
        c, copy = self.target(actor)
        to = self.folder(actor.side)
        if c is None or to == copy.folder or copy.folder == "Drafts":
            return
        actor.move(copy.folder, c.token, copy.flags, to)
        self.note(c, f"moved {actor.side} from {copy.folder} to {to}")
        copy.folder = to
        copy.moved = True

    def copy(self, actor):
        c, copy = self.target(actor, alone=True)
        to = self.folder(actor.side)
        if c is None or copy.folder == "Drafts":
            return
        actor.copy(copy.folder, c.token, copy.flags, to)
        self.note(c, f"copied {actor.side} from {copy.folder} to {to}")
        self.oracle.new(c.token, c.data, actor.side, to, copy.flags)

    def create(self, actor):
        name = f"F{self.seed}-{len(self.folders)}{actor.side[0]}"
        if len(self.folders) > 7:
            return
        actor.create(name)
        self.busy[name] = actor.side
        self.folders.append(name)
        self.trace.append(f"created {name} {actor.side}")

    def rename(self, actor):
        """Of a folder with mail: an empty one cannot be told from another.
        Nobody else uses it meanwhile: what would be right?"""
        old = self.folder(actor.side)
        used = any(old in [x.folder for copies in c.side.values() for x in copies] or
                   (c.side and old in [x.folder for x in c.base])
                   for c in self.oracle.contents.values())
        filled = any(x.folder == old for c in self.oracle.contents.values() for x in c.base)
        if old in ("INBOX", "Archive") or old in self.busy or used or not filled:
            return
        self.n += 1
        new = f"{old}.{self.n}"
        actor.rename(old, new)
        self.folders[self.folders.index(old)] = new
        # Neither name is anybody's until both sides are equal again.
        self.busy[old] = self.busy[new] = "nobody"
        for c in self.oracle.contents.values():
            if any(x.folder == old for x in c.base):
                for x in c.copies(actor.side):
                    if x.folder == old:
                        x.folder = new
                self.note(c, f"{old} renamed {actor.side} to {new}")
        self.trace.append(f"renamed {old} to {new} {actor.side}")

    WEIGHTS = {"add": 6, "flag": 8, "delete": 3, "move": 5, "copy": 2, "draft": 1,
               "save_again": 2, "create": 1, "rename": 1}

    def step(self):
        name, = self.rng.choices(list(self.WEIGHTS), list(self.WEIGHTS.values()))
        getattr(self, name)(self.rng.choice(self.actors))

    def settled(self):
        self.busy = {}


class RandomCase(Case):
    account = {"trash": {"local_delete": "expunge"}, "watch": {"settle": "100ms"}}

    def world(self, seed, concurrent=False):
        rng = random.Random(seed + 1)
        self.tree = Tree(self.syncd.tree, rng)
        started = time.monotonic()
        self.syncd.sync()
        self.took = time.monotonic() - started
        return World(seed, Local(self.tree), Far(self.client, rng), concurrent)

    def check(self, world):
        """Both sides are equal and hold what they must."""
        diff = self.differences()
        messages = [(folder, m.flags | m.keywords, m.data)
                    for folder, files in self.tree.all_messages().items() for m in files]
        wrong = world.oracle.check(messages)
        if diff or wrong:
            self.fail("\n".join([f"seed {world.seed}", "-- the sides differ:"] + diff +
                                ["-- against the oracle:"] + wrong +
                                ["-- done:"] + world.trace[-60:] +
                                ["-- sent:"] + self.dovecot.commands(self.user)[-100:] +
                                [self.syncd.log()[-3000:]]))
        world.settled()

    def converge(self, world, passes=4):
        for _ in range(passes):
            try:
                self.syncd.sync()
            except AssertionError as e:
                self.fail("\n".join([f"seed {world.seed}: {e}", "-- done:"] +
                                    world.trace[-30:] + ["-- sent:"] +
                                    self.dovecot.commands(self.user)[-100:]))
            if not self.differences():
                break
        self.check(world)

    def in_foreground(self, seed, rounds=7, steps=14):
        world = self.world(seed)
        for _ in range(rounds):
            for _ in range(steps):
                world.step()
            self.converge(world)
        self.silent()

    def silent(self):
        before = self.tree.snapshot()
        self.syncd.sync()
        self.assertEqual(self.tree.snapshot(), before, "a quiet round changed files")

    def killed(self, seed, rounds=4, steps=12):
        """Die at any moment of what a round takes, several times, then go on."""
        world = self.world(seed)
        for _ in range(rounds):
            for _ in range(steps):
                world.step()
            for _ in range(world.rng.randrange(1, 5)):
                self.sync_and_die(world.rng.uniform(0.005, 1.5 * self.took))
            self.converge(world)
            for folder, path in self.tree.folders().items():
                self.assertEqual(os.listdir(path + "/tmp"), [], f"tmp of {folder}")
        self.silent()

    def sync_and_die(self, after):
        proc = self.syncd.popen(("sync",), stdout=-3, stderr=-3)
        try:
            proc.wait(after)
            return
        except Exception:    # still at it
            pass
        children = self.children(proc.pid)
        for pid in [proc.pid] + children:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        proc.wait()
        wait_for(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in children), 5,
                 "the workers to be gone")

    @staticmethod
    def children(pid):
        try:
            with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
                return [int(x) for x in f.read().split()]
        except FileNotFoundError:
            return []

    def with_a_daemon(self, seed, rounds=3, steps=25):
        world = self.world(seed, concurrent=True)
        with self.syncd:
            for _ in range(rounds):
                for _ in range(steps):
                    world.step()
                    time.sleep(world.rng.choice((0, 0, 0.02, 0.1)))
                self.wait_same(20)
                # Equal, and nothing under way that would change it.
                time.sleep(0.3)
                self.wait_same(20)
                self.check(world)
            self.assertTrue(self.syncd.alive(), self.syncd.log())
        self.silent()


MODES = ("in_foreground", "killed", "with_a_daemon")


def seeds(*numbers):
    return [int(SEED)] if SEED else numbers


@unittest.skipIf(SOAK, "soaking")
class Random(RandomCase):
    pass


def bind(mode, seed):
    def test(self):
        getattr(self, mode)(seed)
    setattr(Random, f"test_{mode}__{seed}", test)


for one in seeds(1, 2, 3):
    bind("in_foreground", one)
for one in seeds(11, 12):
    bind("killed", one)
for one in seeds(21, 22):
    bind("with_a_daemon", one)


@unittest.skipUnless(SOAK, "SYNCD_SOAK_SECONDS is not set")
class Soak(RandomCase):
    n_users = 2000

    @limit(SOAK + 120)
    def test_new_seeds_until_time_is_up(self):
        until = time.monotonic() + SOAK
        first = seed = int(time.time()) % 10 ** 6
        failures = []
        while time.monotonic() < until:
            try:
                getattr(self, MODES[seed % 3])(seed)
            except AssertionError as e:
                failures.append(str(e))
            seed += 1
            # Each seed has a user and a tree of its own.
            self.doCleanups()
            if len(self.dovecot.users) <= seed - first:
                break
            self.setUp()
        print(f"{seed - first} seeds, {len(failures)} failed", flush=True)
        self.assertEqual(failures, [])
