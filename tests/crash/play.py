"""play.py — one account on one rung of the ladder, and one story: operations on
both sides, and what goes wrong meanwhile.

A story is data, as operations are (world.py), with two more words: ("fault", kind,
n) and ("sync",), after which both sides must be equal and what the oracle allows.
"""
import functools
import os
import random

import peer
from ladder import RUNGS
from scenes import EXPUNGE, FOLDERS
from server import wait_for
from stage import KILLAT, Stage, Wrong
from sweeps import SWEEPS
from world import Churn

# Of a round: killed, failing disk, lost connection, no memory, a server that refuses.
FAULTS = ("before", "after", "before-name", "after-name", "before-name", "eio", "enospc",
          "short", "down", "up", "oom", "no", "bye")
# Of a daemon.
DAEMON_FAULTS = ("before", "after", "before-name", "after-name", "drop", "no", "bye", "again")
POINTS = {"oom": 14000, "no": 40, "bye": 40, "down": 4000, "up": 1500, "short": 120,
          "before-name": 40, "after-name": 40}
# What a server may refuse in passing; not who we are.
REFUSABLE = r"(?!GREETING|LITERAL|DONE|CAPABILITY|LOGIN|AUTH|LOGOUT|STARTTLS)"

NAMES = list(RUNGS)


def rung_of(seed):
    return NAMES[seed % len(NAMES)]


def has_daemon(seed):
    """One in eight of each rung: there is an odd number of them."""
    return seed % 8 == 7


def refuse(stage, kind, n):
    """The n-th command of the daemon's is answered so, once.  Returns a list that will
    have it."""
    witness = stage.client.sock.getsockname()
    left, was = [n], []

    def act(s, tag, verb, args):
        if s.sock.getpeername() == witness:
            return False
        left[0] -= 1
        if left[0] != 0:
            return False
        was.append(f"{verb} {args}")
        return (peer.no("[UNAVAILABLE] not now") if kind == "no" else peer.bye())(
            s, tag, verb, args)
    stage.peer.on(REFUSABLE, act)
    return was


class Play:
    def __init__(self, seed, program=None):
        self.seed = seed
        self.daemon = has_daemon(seed)
        self.stage = Stage(RUNGS[rung_of(seed)], dict(EXPUNGE, **FOLDERS),
                           world=functools.partial(Churn, seed, concurrent=self.daemon))
        self.program = program or self.stage.syncd.program
        self.world = self.stage.world
        self.story = []
        self.faults = 0
        self.told = True       # of all that happens there, since nothing went wrong
        self.doomed = False    # the daemon will be killed

    def close(self):
        self.stage.syncd.stop()
        self.stage.close()

    # -- rounds ----------------------------------------------------------

    def sync(self):
        """Both sides become equal."""
        stage = self.stage
        if self.daemon:
            self.wait()
        else:
            stage.peer.clear()
            stage.recover()
        wrong = stage.differences() + self.world.oracle.check(stage.messages())
        if not self.daemon:
            wrong += stage.litter()
        if wrong:
            raise Wrong("\n".join(wrong))
        self.world.settled()

    def fault(self, kind, n):
        """A round in which something goes wrong at the n-th point."""
        stage = self.stage
        stage.peer.clear()
        if kind in ("no", "bye"):
            refuse(self.stage, kind, n)
            stage.no_crash(stage.syncd.run("sync", timeout=30))
        elif kind.startswith(("before", "after")):
            stage.killat(*self.killing(kind, n))
        else:
            SWEEPS[{"down": "cut-down", "up": "cut-up"}.get(kind, kind)].hurt(stage, n)
        stage.judge_moment()

    @staticmethod
    def killing(kind, n):
        """What killat is told."""
        mode, _, name = kind.partition("-")
        return (mode, n) + (("-c", name) if name else ())

    # -- with a daemon ---------------------------------------------------

    def start(self, *wrap):
        syncd = self.stage.syncd
        before = syncd.log().count(" started, ")
        syncd.wrap = wrap
        syncd.start()
        syncd.wrap = ()
        wait_for(lambda: not syncd.alive() or syncd.log().count(" started, ") > before, 20,
                 "the daemon")

    def wait(self):
        self.revive()
        try:
            # Unasked, if it is told of all.
            if self.told and self.stage.peer.can("NOTIFY"):
                wait_for(self.equal, 20, "both sides to be equal, by themselves")
            wait_for(self.asked, 20, "both sides to be equal")
        except TimeoutError as e:
            raise Wrong("\n".join([str(e)] + self.stage.differences() +
                                  [self.stage.syncd.log()[-3000:]])) from None
        self.told = True

    def equal(self):
        try:
            return not self.stage.differences()
        except (FileNotFoundError, RuntimeError, KeyError):    # changed while we looked
            return False

    def asked(self):
        return self.stage.syncd.run("sync", timeout=20).rc == 0 and self.equal()

    def daemon_fault(self, kind, n):
        """What happens from now on goes wrong somewhere."""
        stage = self.stage
        self.revive()
        stage.peer.clear()
        self.told = False
        if kind in ("no", "bye"):
            refuse(self.stage, kind, n)
        elif kind == "drop":
            stage.peer.drop(but=stage.client.sock.getsockname())
        elif kind == "again":
            self.restart()
        else:
            mode, n, *more = self.killing(kind, n)
            self.restart(KILLAT, "-m", mode, "-n", str(n), "-o",
                         os.path.join(stage.syncd.dir, "report"), *more, "--")
            self.doomed = True

    def restart(self, *wrap):
        self.stop()
        self.start(*wrap)

    def stop(self):
        rc = self.stage.syncd.stop(10)
        if rc != 0:
            raise Wrong(f"the daemon ended with {rc}:\n{self.stage.syncd.log()[-3000:]}")

    def revive(self):
        """One that was to be killed has had its time."""
        if not self.doomed:
            return
        stage = self.stage
        if stage.syncd.alive():
            stage.syncd.run("sync", timeout=30)
        stage.syncd.stop()    # killat kills them all
        self.doomed = False
        stage.judge_moment()
        self.start()

    # -- a story ---------------------------------------------------------

    def tell(self, op):
        self.story.append(op)
        if op[0] == "sync":
            self.sync()
        elif op[0] == "fault":
            self.faults += 1
            (self.daemon_fault if self.daemon else self.fault)(*op[1:])
        elif self.world.legal(*op):
            self.world.do(*op)

    def some_fault(self, rng):
        kind = rng.choice(DAEMON_FAULTS if self.daemon else FAULTS)
        # Rounds are more often short.
        return "fault", kind, 1 + int(POINTS.get(kind, 250) * rng.random() ** 2)

    def invent(self, bouts=3, steps=10):
        rng = random.Random(-self.seed)
        self.begin()
        for _ in range(bouts):
            faults = rng.randrange(4)
            if self.daemon and faults:
                self.tell(self.some_fault(rng))
            for _ in range(steps):
                told = len(self.world.done)
                self.world.step(remove=1, revalidate=1)
                self.story += self.world.done[told:]
            if not self.daemon:
                for _ in range(faults):
                    self.tell(self.some_fault(rng))
            self.tell(("sync",))
        self.end()

    def begin(self):
        self.stage.sync()
        self.stage.syncd.program = self.program
        if self.daemon:
            self.start()

    def end(self):
        if self.daemon:
            self.stop()
        self.stage.peer.clear()    # nothing is refused any more
        self.stage.judge_quiet()

    def retell(self, story):
        self.begin()
        for op in story:
            self.tell(tuple(op))
        self.sync()
        self.end()
