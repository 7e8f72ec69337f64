"""rows.py — the rows that are one command each: prepare, change, run, check.

A row says who takes part, how the sides are made, what is changed before each
repetition, and what must be true after it.
"""
import os
import random
import time

import imapclient
from mail import Mail
from maildir import Maildir
from measure import Failed, measured, prepared
from peers import Imapfilter, Mbsync, Mpop, OfflineImap, Syncd, SyncdPop3, SyncdRules
from world import TOOLS

SMALL = 0.05    # messages of about 2 KB, for rows whose cost is not in the bytes
SLOW_MOST = 1000


def wrong(peer, what, have, want):
    raise Failed(f"{peer.name}: {what}: {have}, should be {want}")


def files(path):
    """[(directory, name)] of a Maildir folder."""
    return [(sub, name) for sub in ("cur", "new")
            for name in (os.listdir(os.path.join(path, sub))
                         if os.path.isdir(os.path.join(path, sub)) else ())
            if not name.startswith(".")]


def letters(name):
    return name.partition(":2,")[2]


def wire_size(path):
    with open(path, "rb") as f:
        data = f.read()
    return len(data) + data.count(b"\n") - data.count(b"\r\n")


def check_same(world, peer, exact=False):
    """Each folder has as many messages, and as many unseen, as on the server; with
    ${exact} as many bytes, too."""
    for box, (messages, unseen, size) in world.counts(peer.user).items():
        path = peer.folder(box)
        have = files(path)
        if len(have) != messages:
            wrong(peer, f"messages in {box}", len(have), messages)
        dark = sum("S" not in letters(name) for _, name in have)
        if peer.protocol == "imap" and dark != unseen:
            wrong(peer, f"unseen in {box}", dark, unseen)
        if exact:
            bytes_here = sum(wire_size(os.path.join(path, *f)) for f in have)
            if bytes_here != size:
                wrong(peer, f"bytes in {box}", bytes_here, size)


class Row:
    """One row of the table; the subclasses fill it in."""
    rtts = (0,)
    peers = (Syncd, Mbsync, OfflineImap)
    counted = False     # count flights and bytes at 0 ms too

    def __init__(self, name, n, **settings):
        self.name = name
        self.n = n
        self.__dict__.update(settings)

    def takes(self, peer, everything):
        return everything or not peer.slow or self.n <= SLOW_MOST

    def make(self, world, cls):
        """The peer, with both sides prepared."""
        raise NotImplementedError

    def before(self, world, peer, turn):
        """What is changed before a repetition."""

    def check(self, world, peer, turn):
        check_same(world, peer)

    def limit(self, world, rtt):
        """The raw limit, {figure: ...} of one run, or None."""

    def port(self, world, peer):
        return world.pop3s if peer.protocol == "pop3" else world.server.tls_port

    def run(self, world, peer, rtt):
        return measured(peer.command, peer.env(), peer.place, self.port(world, peer), rtt,
                        self.counted)

    def settle(self, world, peer):
        """Rounds that nobody measures, until both sides are the same."""
        prepared(peer.command(self.port(world, peer)), peer.env(), peer.place)

    def _new(self, world, cls, user):
        place = os.path.join(world.scratch(self.name), cls.name)
        return cls(place, world.server, user)

    def _limit(self, world, rtt, *argv):
        where = world.scratch("limit")
        return measured(lambda port: (os.path.join(TOOLS, "limit"), argv[0], str(port), *argv[1:]),
                        dict(os.environ), where, world.server.tls_port, rtt)


def boxes_of(n):
    return ("INBOX",) if n == 1 else tuple(f"Box{k:03}" for k in range(n))


class Cold(Row):
    """From nothing."""
    boxes = 1
    rtts = (0, 50)
    _sizes = None

    def make(self, world, cls):
        return self._new(world, cls, self._user(world))

    def _user(self, world):
        return world.seeded(self.n, Mail(), boxes_of(self.boxes))

    def before(self, world, peer, turn):
        peer.reset()

    def check(self, world, peer, turn):
        check_same(world, peer, exact=turn == 0 and isinstance(peer, Syncd))
        if isinstance(peer, Syncd) and self._sizes is None:
            self._sizes = os.path.join(world.scratch("limit"), self.name + ".sizes")
            with open(self._sizes, "w", encoding="ascii") as f:
                for box in boxes_of(self.boxes):
                    for sub, name in files(peer.folder(box)):
                        size = os.stat(os.path.join(peer.folder(box), sub, name)).st_size
                        f.write(f"{size}\n")

    def limit(self, world, rtt):
        """Bytes off the wire, and the same files written in batches."""
        wire = self._limit(world, rtt, "fetch", self._user(world), world.server.password,
                           *boxes_of(self.boxes))
        disk = self._disk(world)
        return dict(wire, wall=wire["wall"] + disk["wall"], cpu=wire["cpu"] + disk["cpu"],
                    syncs=disk["syncs"], wire=wire["wall"], disk=disk["wall"])

    def _disk(self, world):
        where = world.scratch("limit")
        target = os.path.join(where, f"files.{time.monotonic_ns()}")
        return measured(lambda _: (os.path.join(TOOLS, "limit"), "files", self._sizes, target),
                        dict(os.environ), where, 0, 0)


class Pop3(Cold):
    """A POP3 mailbox, drained and left on the server."""
    peers = (SyncdPop3, Mpop)
    rtts = (0,)


class Quiet(Row):
    """Both sides are the same already."""
    boxes = 1
    rtts = (0, 50)

    def make(self, world, cls):
        user = world.seeded(self.n, Mail(2, SMALL), boxes_of(self.boxes))
        peer = self._new(world, cls, user)
        self.settle(world, peer)
        return peer

    def before(self, world, peer, turn):
        """Those who look at mtimes look away while a directory is fresh."""
        if turn == 0:
            prepared(peer.command(self.port(world, peer)), peer.env(), peer.place)

    def limit(self, world, rtt):
        user = world.seeded(self.n, Mail(2, SMALL), boxes_of(self.boxes))
        return self._limit(world, rtt, "login", user, world.server.password)


class Changed(Row):
    """Each peer has a user of its own, whose mail is changed anew each time."""
    rtts = (0, 50)

    def make(self, world, cls):
        user = world.user()
        world.fill(user, self.n, Mail(3, SMALL))
        peer = self._new(world, cls, user)
        self.settle(world, peer)
        peer.added = self.n
        return peer


class ChangedThere(Changed):
    """1 % flags, 100 new and 50 deleted on the server."""

    def before(self, world, peer, turn):
        pick = random.Random(turn)
        flagged, new, gone = self.n // 100, self.n // 100, self.n // 200
        with world.server.client(peer.user) as c:
            uids = pick.sample(c.search("INBOX", "ALL"), flagged + gone)
            def joined(part):
                return ",".join(map(str, part)).encode()
            c.command(b"UID STORE " + joined(uids[:flagged // 2]) + b" +FLAGS.SILENT (\\Flagged)")
            c.command(b"UID STORE " + joined(uids[flagged // 2:flagged]) + b" -FLAGS.SILENT (\\Seen)")
            c.command(b"UID STORE " + joined(uids[flagged:]) + b" +FLAGS.SILENT (\\Deleted)")
            c.command(b"UID EXPUNGE " + joined(uids[flagged:]))
        world.fill(peer.user, new, Mail(3, SMALL), first=peer.added)
        peer.added += new


class ChangedHere(Changed):
    """The same in the Maildir."""

    def before(self, world, peer, turn):
        pick = random.Random(turn)
        path = peer.folder("INBOX")
        flagged, new, gone = self.n // 100, self.n // 100, self.n // 200
        chosen = pick.sample(sorted(files(path)), flagged + gone)
        for sub, name in chosen[flagged:]:
            os.unlink(os.path.join(path, sub, name))
        for sub, name in chosen[:flagged]:
            base, _, flags = name.partition(":2,")
            now = "".join(sorted(set(flags) ^ {pick.choice("FRS")}))
            os.rename(os.path.join(path, sub, name), os.path.join(path, "cur", f"{base}:2,{now}"))
        write_new(path, Mail(3, SMALL), range(peer.added, peer.added + new))
        peer.added += new


def write_new(path, mail, numbers):
    """Messages as a mail program leaves them in cur/."""
    for sub in ("cur", "new", "tmp"):
        os.makedirs(os.path.join(path, sub), exist_ok=True)
    for i in numbers:
        data, _, date = mail.message(i)
        name = f"{date}.M{i}P1.bench:2,S"
        with open(os.path.join(path, "tmp", name), "wb") as f:
            f.write(data.replace(b"\r\n", b"\n"))
        os.rename(os.path.join(path, "tmp", name), os.path.join(path, "cur", name))


class Moved(Row):
    """1,000 of 2,000 messages go to another folder and, the next time, back."""
    rtts = (0, 50)
    FOLDERS = ("INBOX", "Else")
    _raw = None
    _turns = 0

    def make(self, world, cls):
        user = world.user()
        world.fill(user, 2 * self.n, Mail(4, SMALL), self.FOLDERS)
        peer = self._new(world, cls, user)
        self.settle(world, peer)
        return peer

    def _way(self, turn):
        return self.FOLDERS if turn % 2 == 0 else self.FOLDERS[::-1]


    def _someone(self, world, *counts):
        """Another user with so much mail in each; the same one each time."""
        if self._raw is None:
            self._raw = world.user()
            for box, n in zip(self.FOLDERS, counts):
                world.fill(self._raw, n, Mail(4, SMALL), (box,))
        return self._raw


class MovedThere(Moved):
    def before(self, world, peer, turn):
        source, target = self._way(turn)
        with world.server.client(peer.user) as c:
            uids = c.search(source, "ALL")[:self.n]
            c.command(b"UID MOVE " + ",".join(map(str, uids)).encode() + b" " +
                      imapclient.quote(target))


    def limit(self, world, rtt):
        """Who is gone and who has come, and as many files renamed."""
        user = self._someone(world, self.n, 2 * self.n)
        wire = self._limit(world, rtt, "moved", user, world.server.password, *self.FOLDERS,
                           str(self.n))
        disk = self._disk(world)
        return dict(wire, wall=wire["wall"] + disk["wall"], cpu=wire["cpu"] + disk["cpu"],
                    syncs=disk["syncs"], wire=wire["wall"], disk=disk["wall"])

    def _disk(self, world):
        ways = [os.path.join(world.scratch("limit-moved"), sub) for sub in "ab"]
        if self._turns == 0:
            for path in ways:
                os.makedirs(path)
            for i in range(self.n):
                with open(os.path.join(ways[0], str(i)), "w", encoding="ascii") as f:
                    f.write("x" * 1500)
        self._turns += 1
        source, target = ways if self._turns % 2 else ways[::-1]
        return measured(lambda _: (os.path.join(TOOLS, "limit"), "rename", source, target),
                        dict(os.environ), world.scratch("limit"), 0, 0)


class MovedHere(Moved):
    def limit(self, world, rtt):
        """They are moved on the server; here they are already."""
        user = self._someone(world, self.n, self.n)
        source, target = self._way(self._turns)
        self._turns += 1
        return self._limit(world, rtt, "move", user, world.server.password, source, target,
                           str(self.n))

    def before(self, world, peer, turn):
        """Under new names: mbsync holds on to UIDs in names."""
        source, target = (peer.folder(f) for f in self._way(turn))
        for i, (sub, name) in enumerate(sorted(files(source))[:self.n]):
            os.rename(os.path.join(source, sub, name), os.path.join(
                target, "cur", f"{1_500_000_000 + turn}.M{i}P2.bench:2,{letters(name)}"))


class Rules(Row):
    """New mail of real sizes on the server, with and without a script; and the same
    rules by one who searches on the server, and fetches nothing."""
    peers = (Syncd, SyncdRules, Imapfilter)

    def make(self, world, cls):
        peer = self._new(world, cls, world.user())
        self.settle(world, peer)
        peer.added = 0
        return peer

    def before(self, world, peer, turn):
        world.fill(peer.user, self.n, Mail(9), first=peer.added)
        peer.added += self.n

    def check(self, world, peer, turn):
        if not isinstance(peer, Imapfilter):
            check_same(world, peer)


class Upload(Row):
    """Messages that are only here, to an empty INBOX."""
    rtts = (0, 50)
    SCALE = 0.3

    def make(self, world, cls):
        return self._new(world, cls, world.user())

    def before(self, world, peer, turn):
        peer.reset()
        peer.user = world.user()
        self.settle(world, peer)
        write_new(peer.folder("INBOX"), Mail(5, self.SCALE), range(self.n))

    def limit(self, world, rtt):
        where = world.scratch("limit-upload")
        if not os.path.isdir(os.path.join(where, "cur")):
            write_new(where, Mail(5, self.SCALE), range(self.n))
        return self._limit(world, rtt, "append", world.user(), world.server.password, "INBOX",
                           os.path.join(where, "cur"))


def table(scale):
    def n(count):
        return max(100, int(count * scale))

    return (
        Cold("cold-1k", n(1000)),
        Cold("cold-10k", n(10_000)),
        Cold("cold-50k", n(50_000), rtts=(0,)),
        Cold("cold-100-folders", n(10_000), boxes=100, rtts=(0,), counted=True),
        Quiet("noop-1k", n(1000)),
        Quiet("noop-10k", n(10_000)),
        Quiet("noop-50k", n(50_000), rtts=(0,)),
        Quiet("noop-100k", n(100_000), rtts=(0,), peers=(Syncd, Mbsync)),
        Quiet("noop-200k", n(200_000), rtts=(0,), peers=(Syncd, Mbsync)),
        Quiet("noop-100-folders", n(1000), boxes=100),
        ChangedThere("changed-there", n(10_000)),
        ChangedHere("changed-here", n(10_000)),
        MovedThere("moved-there", n(1000)),
        MovedHere("moved-here", n(1000)),
        Upload("upload", n(5000)),
        Pop3("pop3", n(10_000)),
        Rules("plugins", n(10_000)),
    )
