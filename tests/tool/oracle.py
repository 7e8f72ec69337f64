"""oracle.py — what must become of every message, whatever the daemon does.

The oracle never looks inside the daemon.  It notes what was done on each side
since both were last equal, and says then which ends are allowed:

- nobody deleted it: it is there, as often as it was;
- deleted on one side: gone, unless the other side moved it (a move wins);
- moved on both sides: in one of the two folders, once, even if one of them moved
  it back again;
- a flag that one side wrote has that value; both: either one's;
- what was saved again here has its own flags, or those that were written there on the
  version before: when that was replaced is the daemon's business.

A content of which there are several copies (identical twins, copies) is
changed on one side only between two looks, as nobody could tell the copies
apart: then that side's copies are what must be on both.
"""
from collections import Counter

FLAGS = "SRF"
WORDS = ("todo", "$Work")


class Copy:
    """One copy of a content, as one side wants it."""

    def __init__(self, folder, flags, known=False):
        self.folder = folder
        self.known = known               # it was there when both were last equal
        self.flags = frozenset(flags)    # letters and keywords
        self.moved = False               # even if it is back now
        self.dragged = False             # its letters still mean what they meant there

    def key(self):
        return self.folder, self.flags


class Content:
    def __init__(self, token, data):
        self.token = token
        self.data = data
        self.base = []              # of both sides, when last equal
        self.side = {}              # side -> copies, once it was touched
        self.twins = False          # there were several copies since then
        self.older = None           # what it was saved instead of, which both had
        self.trace = []

    def copies(self, side):
        """What ${side} has; from now on its own list."""
        if side not in self.side:
            self.side[side] = [Copy(c.folder, c.flags, True) for c in self.base]
        return self.side[side]

    def add(self, side, folder, flags):
        self.copies(side).append(Copy(folder, flags))
        self.twins = self.twins or len(self.side[side]) > 1

    def seen(self, side):
        return self.side.get(side, self.base)


class Oracle:
    def __init__(self):
        self.contents = {}

    def new(self, token, data, side, folder, flags=()):
        c = self.contents.setdefault(token, Content(token, data))
        c.add(side, folder, flags)
        return c

    def may_touch(self, c, side, alone):
        """${alone}: the change is such that only one side may do any."""
        other = [s for s in c.side if s != side]
        if not c.seen(side):
            return False
        return not other or not (alone or c.twins or len(c.base) != 1
                                 or len(c.seen(side)) != 1)

    # -- what is allowed -------------------------------------------------

    @staticmethod
    def places(c):
        """The folders (None: nowhere) in which a single message may be."""
        base = c.base[0].folder
        ends = [copies[0].folder if copies else None for copies in c.side.values()]
        moved = {x.folder for copies in c.side.values() for x in copies
                 if x.moved or x.folder != base}
        if moved - {base}:
            return moved
        if None not in ends:
            return {base}
        return {None} | moved

    @staticmethod
    def flag_values(c, flag):
        base = flag in c.base[0].flags
        ends = [flag in copies[0].flags for copies in c.side.values() if copies]
        written = {e for e in ends if e != base}
        # Deleted there: what was written there before is nobody's any more.
        return written or {base}

    @staticmethod
    def written_before(c):
        """{flag: its value} that the server has of the version before."""
        old = c.older
        if old is None or len(old.base) != 1 or not old.side.get("there"):
            return {}
        now = old.side["there"][0].flags
        return {flag: flag in now for flag in old.base[0].flags ^ now}

    @staticmethod
    def may_be(found, want, before):
        if found == want or not before or sum(found.values()) != 1 or sum(want.values()) != 1:
            return found == want
        (folder, flags), (place, others) = *found, *want
        return folder == place and all(before.get(f) == (f in flags) for f in flags ^ others)

    def wrong(self, c, found, before):
        """Why the copies ${found} (a Counter of keys) are not allowed, or
        None.  Updates the base."""
        if len(c.side) <= 1:
            want = Counter(x.key() for x in c.seen(next(iter(c.side), None)))
            problem = None if self.may_be(found, want, before) else f"wanted {dict(want)}"
        else:
            problem = self.wrong_conflict(c, found)
        c.base = [Copy(*key) for key in found.elements()]
        c.side = {}
        c.twins = False
        c.older = None
        return problem

    def wrong_conflict(self, c, found):
        places = self.places(c)
        if not found and None in places:
            return None
        if sum(found.values()) != 1:
            return f"wanted one copy in {places}"
        (folder, flags), = found
        if folder not in places:
            return f"wanted it in {places}"
        for flag in FLAGS:
            if (flag in flags) not in self.flag_values(c, flag):
                return f"wanted {flag} in {self.flag_values(c, flag)}"
        for word in WORDS:
            if (word in flags) not in self.flag_values(c, word):
                return f"wanted {word} in {self.flag_values(c, word)}"
        return None

    def check(self, messages):
        """${messages}: [(folder, flags and keywords, bytes)] of one side, on
        which both are equal.  A list of what is wrong."""
        found = {}
        for folder, flags, data in messages:
            token = next((t for t in self.contents if t.encode() in data), None)
            found.setdefault(token, Counter())[folder, frozenset(flags)] += 1
        out = [f"nobody made {dict(n)}" for t, n in found.items() if t is None]
        before = {t: self.written_before(c) for t, c in self.contents.items()}
        for token, c in self.contents.items():
            trace = list(c.trace)
            problem = self.wrong(c, found.get(token, Counter()), before[token])
            if problem:
                out.append(f"{token}: {problem}, found {dict(found.get(token, Counter()))}; "
                           f"done: {'; '.join(trace)}")
        self.contents = {t: c for t, c in self.contents.items() if c.base}
        return out
