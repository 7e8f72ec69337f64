"""sweeps.py — the ways in which a round goes wrong, at each point of it.

A sweep knows how many points a scene has for it (count) and how to let the
round go wrong at the n-th (hurt).  What must hold then is the same for all.
"""
import os

from stage import Stage, Wrong
from syncd import BUILD

FAILNEXT = os.path.join(BUILD, "failnext.so")
KILLED = 137


class Kill:
    """The whole process tree dies, before or after an effect."""

    def __init__(self, mode):
        self.mode = mode

    def count(self, stage):
        r, report = stage.killat("count", 0)
        stage.expect(r)
        return len(report)

    def hurt(self, stage, n):
        """Was there an n-th point?"""
        r, report = stage.killat(self.mode, n)
        if r.rc == KILLED:
            return True
        if any(line.startswith("hit") for line in report):
            raise Wrong(f"not killed: exit {r.rc}")
        stage.expect(r)
        return False


class KillTwice(Kill):
    """And again while it recovers."""

    def hurt(self, stage, n):
        if not super().hurt(stage, n):
            return False
        r, report = stage.killat("count", 0)
        effects = len(report)
        stage.expect(r)
        # The same once more, up to somewhere in the recovery.
        stage.put_back()
        super().hurt(stage, n)
        stage.killat(self.mode, 1 + n * 7919 % effects)
        return True


class Fault:
    """An effect on a file fails; ${more}: and all after it, until the round
    is over."""

    def __init__(self, mode, *more):
        self.mode = mode
        self.more = ("-c", "file") + more

    def count(self, stage):
        r, report = stage.killat("short" if self.mode == "short" else "count", 0, *self.more)
        stage.expect(r)
        return len(report)

    def hurt(self, stage, n):
        r, report = stage.killat(self.mode, n, *self.more)
        stage.no_crash(r)
        return any(line.startswith("hit") for line in report)


class Next:
    """The n-th allocation of the process tree fails, or the n-th statement of
    the database."""

    def __init__(self, of):
        self.of = of

    def counter(self, stage):
        return os.path.join(stage.syncd.dir, "counter")

    def round(self, stage, n):
        env = {"LD_PRELOAD": FAILNEXT, "FAILNEXT_OF": self.of, "FAILNEXT_AT": str(n),
               "FAILNEXT_COUNTER": self.counter(stage)}
        if os.path.exists(self.counter(stage)):
            os.unlink(self.counter(stage))
        return stage.sync_by(env=env)

    def count(self, stage):
        stage.expect(self.round(stage, 0))
        return self.counted(stage)

    def counted(self, stage):
        with open(self.counter(stage), "rb") as f:
            return int.from_bytes(f.read(8), "little")

    def hurt(self, stage, n):
        # An abort is what xmalloc does; a wild pointer is not.
        stage.no_crash(self.round(stage, n), oom=self.of == "allocation")
        return True


class Cut:
    """The connection is lost after n bytes that the server (down) or the
    client (up) has sent."""

    def __init__(self, way):
        self.way = way

    def count(self, stage):
        stage.expect(stage.syncd.run("sync", timeout=20))
        return getattr(stage.peer, self.way)

    def hurt(self, stage, n):
        setattr(stage.peer.rules, "cut_" + self.way, n)
        stage.no_crash(stage.syncd.run("sync", timeout=30))
        setattr(stage.peer.rules, "cut_" + self.way, None)
        return True


SWEEPS = {
    "kill-before": Kill("before"),
    "kill-after": Kill("after"),
    "kill-twice": KillTwice("before"),
    "eio": Fault("eio"),
    "enospc": Fault("enospc"),
    "eacces": Fault("eacces"),
    "full": Fault("enospc", "-a"),
    "short": Fault("short"),
    "oom": Next("allocation"),
    "statement": Next("statement"),
    "cut-down": Cut("down"),
    "cut-up": Cut("up"),
}


def on_stage(scene, program=None):
    """A stage at the moment that the scene is about."""
    stage = Stage(scene.caps, scene.account, scene.held)
    try:
        # What both sides agree on is made by the good one.
        stage.play(scene)
        stage.syncd.program = program or stage.syncd.program
    except BaseException:
        stage.close()
        raise
    return stage


def point(stage, sweep, n):
    """Let it go wrong at ${n}; raises Wrong."""
    stage.put_back()
    hit = sweep.hurt(stage, n)
    stage.judge_moment()
    stage.recover()
    stage.judge_end()
    return hit
