"""world.py — two actors, what they did, and what must come of it.

What is done is data: (operation, side, arguments...), so it can be written
down, said again without some of it, and kept as a file:

	world.do("add", "there", "m1", "INBOX", ["S"])
	world.do("move", "here", "m1", "INBOX", ["S"], "Archive", True)

An operation on a message that is not there is not done (do() says so).
"""
import itertools
import random
import zlib

from actors import WHOLE
from case import local_message
from oracle import FLAGS, WORDS, Oracle

DATE = 1_600_000_000


def body(token):
    """The message of a token: always the same bytes."""
    rng = random.Random(token)
    text = "".join(rng.choice("abc \n") for _ in range(rng.randrange(400)))
    return local_message(token, text + "\n.")


def date(token):
    return DATE + zlib.crc32(token.encode()) % 10 ** 8


class World:
    def __init__(self, near, far):
        self.oracle = Oracle()
        self.actors = {"here": near, "there": far}
        self.done = []

    def do(self, name, side, *args):
        """Was it done?"""
        act = getattr(self, "do_" + name)
        if act(self.actors[side], *args) is False:
            return False
        self.done.append((name, side) + args)
        return True

    def note(self, c, text):
        c.trace.append(text)

    def copy_of(self, actor, token, folder, flags):
        """The content and its copy that is meant."""
        c = self.oracle.contents.get(token)
        if c is None:
            return None, None
        return c, next((x for x in c.seen(actor.side)
                        if x.key() == (folder, frozenset(flags))), None)

    def own(self, actor, token, folder, flags):
        """copy_of(), to be changed on the actor's side."""
        c, copy = self.copy_of(actor, token, folder, flags)
        if copy is not None:
            c.copies(actor.side)
            c, copy = self.copy_of(actor, token, folder, flags)
        return c, copy

    # -- messages --------------------------------------------------------

    def do_add(self, actor, token, folder, flags=()):
        actor.add(folder, body(token), [x for x in flags if len(x) == 1],
                  [x for x in flags if len(x) > 1], date(token))
        self.note(self.oracle.new(token, body(token), actor.side, folder, flags),
                  f"added {actor.side} to {folder} {sorted(flags)}")

    def do_flag(self, actor, token, folder, before, after):
        c, copy = self.own(actor, token, folder, before)
        if copy is None:
            return False
        actor.flag(folder, token, frozenset(before), frozenset(after))
        self.note(c, f"flags {actor.side} in {folder} {sorted(before)} -> {sorted(after)}")
        copy.flags = frozenset(after)
        return True

    def do_delete(self, actor, token, folder, flags=()):
        c, copy = self.own(actor, token, folder, flags)
        if copy is None:
            return False
        actor.delete(folder, token, frozenset(flags))
        c.copies(actor.side).remove(copy)
        self.note(c, f"deleted {actor.side} from {folder}")
        return True

    def do_move(self, actor, token, folder, flags, to, keep_name=True):
        c, copy = self.own(actor, token, folder, flags)
        if copy is None:
            return False
        actor.move(folder, token, frozenset(flags), to, keep_name)
        self.note(c, f"moved {actor.side} from {folder} to {to}")
        copy.folder = to
        copy.moved = True
        copy.dragged = keep_name == WHOLE
        return True

    def do_copy(self, actor, token, folder, flags, to):
        c, copy = self.own(actor, token, folder, flags)
        if copy is None:
            return False
        actor.copy(folder, token, frozenset(flags), to)
        self.note(c, f"copied {actor.side} from {folder} to {to}")
        self.oracle.new(token, c.data, actor.side, to, flags)
        return True

    def do_replace(self, actor, token, folder, flags, new):
        """A draft is saved again: the same name here, a new message there."""
        c, copy = self.own(actor, token, folder, flags)
        if copy is None:
            return False
        actor.replace(folder, token, frozenset(flags), body(new))
        c.copies(actor.side).remove(copy)
        self.note(c, f"saved again {actor.side} as {new}")
        newer = self.oracle.new(new, body(new), actor.side, folder,
                                flags if actor.side == "here" else "D")
        if actor.side == "here":
            newer.older = c.older or c
        self.note(newer, f"instead of {token} {actor.side}")
        return True

    # -- folders ---------------------------------------------------------

    def do_create(self, actor, folder):
        actor.create(folder)

    def do_rename(self, actor, old, new):
        actor.rename(old, new)
        self.refile(actor, old, new, f"{old} renamed {actor.side} to {new}")

    def do_remove(self, actor, folder):
        """The folder and all that is in it."""
        actor.remove(folder)
        self.refile(actor, folder, None, f"{folder} removed {actor.side}")

    def do_revalidate(self, actor, folder):
        """The server says that all UIDs are other ones."""
        actor.revalidate(folder)

    def refile(self, actor, old, new, text):
        for c in self.oracle.contents.values():
            if not any(x.folder == old for x in c.seen(actor.side)):
                continue
            copies = c.copies(actor.side)
            for x in [x for x in copies if x.folder == old]:
                if new is None:
                    copies.remove(x)
                else:
                    x.folder = new
            self.note(c, text)


class Churn(World):
    """Operations by chance.  ${concurrent}: a daemon is at it meanwhile, so
    only one side changes a message between two looks."""

    def __init__(self, seed, near, far, concurrent=False):
        super().__init__(near, far)
        self.rng = random.Random(seed)
        self.seed = seed
        self.folders = ["INBOX", "Archive", "Drafts"]
        self.busy = {}              # folder -> the only side that may use it
        self.concurrent = concurrent
        self.n = 0

    def token(self):
        self.n += 1
        return f"r{self.seed}m{self.n:04d}x"

    def folder(self, side):
        """One that this side may use; None: all are somebody's, until both are equal."""
        free = [f for f in self.folders if f != "Drafts" and self.busy.get(f, side) == side]
        return self.rng.choice(free) if free else None

    def target(self, side, alone=False, only=lambda c: True):
        """A content and one of its copies, which this side may change."""
        out = []
        for c in self.oracle.contents.values():
            if not only(c) or not self.oracle.may_touch(c, side, alone or self.concurrent):
                continue
            if side == "here" and any(x.dragged for x in c.seen(side)):
                continue
            if all(self.busy.get(x.folder, side) == side for x in c.base + c.seen(side)):
                out.append(c)
        if not out:
            return None, None
        c = self.rng.choice(out)
        return c, self.rng.choice(c.copies(side))

    # -- the operations --------------------------------------------------

    def add(self, side):
        token, folder = self.token(), self.folder(side)
        if folder is None:
            return
        flags = sorted(x for x in list(FLAGS) + list(WORDS) if self.rng.random() < 0.25)
        for _ in range(2 if self.rng.random() < 0.15 else 1):
            self.do("add", side, token, folder, flags)

    def draft(self, side):
        self.do("add", side, self.token(), "Drafts", ["D"])

    def save_again(self, side):
        c, copy = self.target(side, alone=True, only=lambda c: len(c.seen(side)) == 1 and
                              c.seen(side)[0].folder == "Drafts")
        if c is None:
            self.draft(side)
        else:
            self.do("replace", side, c.token, "Drafts", sorted(copy.flags), self.token())

    # A file that is found elsewhere with the letters that it had was moved by
    # somebody who knows nothing of keywords: they mean what they meant there.  So
    # nobody moves it and changes its keywords, too, before the daemon has looked:
    # the letters may happen to be the same.  Here some moves are of that kind.

    @staticmethod
    def known(c, copy, side):
        """The daemon has seen it where it is: else its letters mean what they mean
        where it is found first.  Which of several is the one that is meant?"""
        return not copy.moved and all(x.known for x in c.copies(side))

    def rewritten(self, c, copy, side):
        """Its keywords may have been changed here since both were equal."""
        words = copy.flags & set(WORDS)
        return side == "here" and any(x.flags & set(WORDS) != words for x in c.base)

    def flag(self, side):
        c, copy = self.target(side)
        if c is not None:
            some = list(FLAGS) + list(WORDS) * (side == "there" or not copy.moved)
            after = copy.flags ^ {self.rng.choice(some)}
            self.do("flag", side, c.token, copy.folder, sorted(copy.flags), sorted(after))

    def delete(self, side):
        c, copy = self.target(side)
        if c is not None:
            self.do("delete", side, c.token, copy.folder, sorted(copy.flags))

    def move(self, side):
        c, copy = self.target(side)
        to = self.folder(side)
        if None not in (c, to) and copy.folder not in (to, "Drafts") and \
                not self.rewritten(c, copy, side):
            name = self.rng.random()
            whole = name < 0.2 and side == "here" and self.known(c, copy, side)
            self.do("move", side, c.token, copy.folder, sorted(copy.flags), to,
                    WHOLE if whole else name < 0.6)

    def copy(self, side):
        c, copy = self.target(side, alone=True)
        to = self.folder(side)
        if None not in (c, to) and copy.folder != "Drafts":
            self.do("copy", side, c.token, copy.folder, sorted(copy.flags), to)

    def create(self, side):
        # Since one was removed, the next number may be another's, or its own: it may
        # be there still on the other side.
        names = (f"F{self.seed}-{n}{side[0]}" for n in itertools.count(len(self.folders)))
        name = next(n for n in names if n not in self.folders and n not in self.busy)
        if len(self.folders) <= 7:
            self.do("create", side, name)
            self.busy[name] = side
            self.folders.append(name)

    def quiet(self, name):
        """One with mail (an empty one cannot be told from another), in which
        nothing is under way: what would be right?"""
        used = any(name in [x.folder for copies in c.side.values() for x in copies] or
                   (c.side and name in [x.folder for x in c.base])
                   for c in self.oracle.contents.values())
        filled = any(x.folder == name for c in self.oracle.contents.values() for x in c.base)
        return filled and not used and name not in self.busy

    def legal(self, name, side, *args):
        """May it be done as things are?  For a story told again."""
        if name in ("rename", "remove", "revalidate"):
            return self.quiet(args[0])
        c = self.oracle.contents.get(args[0])
        if name in ("add", "create"):
            return c is None or self.oracle.may_touch(c, side, True)
        return c is not None and self.oracle.may_touch(c, side, name in ("copy", "replace"))

    def rename(self, side):
        old = self.folder(side)
        if old in ("INBOX", "Archive") or not self.quiet(old):
            return
        self.n += 1
        new = f"{old}.{self.n}"
        self.do("rename", side, old, new)
        self.folders[self.folders.index(old)] = new
        # Neither name is anybody's until both sides are equal again.
        self.busy[old] = self.busy[new] = "nobody"

    def remove(self, side):
        name = self.folder(side)
        if name in ("INBOX", "Archive") or not self.quiet(name):
            return
        self.do("remove", side, name)
        self.folders.remove(name)
        self.busy[name] = "nobody"

    def revalidate(self, side):
        name = self.folder("there")
        if self.quiet(name):
            self.do("revalidate", "there", name)
            self.busy[name] = "nobody"

    WEIGHTS = {"add": 6, "flag": 8, "delete": 3, "move": 5, "copy": 2, "draft": 1,
               "save_again": 2, "create": 1, "rename": 1}

    def step(self, **more):
        """${more}: weights of what not every server and account can do."""
        weights = dict(self.WEIGHTS, **more)
        name, = self.rng.choices(list(weights), list(weights.values()))
        getattr(self, name)(self.rng.choice(("here", "there")))

    def settled(self):
        self.busy = {}
