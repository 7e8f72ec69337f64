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

from actors import Far, Local, Tree
from case import Case, limit
from imapclient import ImapError
from server import wait_for
from syncd import children
from world import Churn

SOAK = int(os.environ.get("SYNCD_SOAK_SECONDS", "0"))
SEED = os.environ.get("SYNCD_SEED")


class RandomCase(Case):
    account = {"trash": {"local_delete": "expunge"}, "watch": {"settle": "100ms"}}

    def world(self, seed, concurrent=False):
        rng = random.Random(seed + 1)
        self.tree = Tree(self.syncd.tree, rng)
        started = time.monotonic()
        self.syncd.sync()
        self.took = time.monotonic() - started
        return Churn(seed, Local(self.tree), Far(self.client, rng), concurrent)

    def check(self, world):
        """Both sides are equal and hold what they must."""
        diff = self.differences()
        messages = [(folder, m.flags | m.keywords, m.data)
                    for folder, files in self.tree.all_messages().items() for m in files]
        wrong = world.oracle.check(messages)
        if diff or wrong:
            self.fail("\n".join([f"seed {world.seed}", "-- the sides differ:"] + diff +
                                ["-- against the oracle:"] + wrong +
                                ["-- done:"] + list(map(str, world.done[-60:])) +
                                ["-- sent:"] + self.dovecot.commands(self.user)[-100:] +
                                [self.syncd.log()[-3000:]]))
        world.settled()

    def converge(self, world, passes=4):
        for _ in range(passes):
            try:
                self.syncd.sync()
            except AssertionError as e:
                self.fail("\n".join([f"seed {world.seed}: {e}", "-- done:"] +
                                    list(map(str, world.done[-30:])) + ["-- sent:"] +
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
        workers = children(proc.pid)
        for pid in [proc.pid] + workers:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        proc.wait()
        wait_for(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in workers), 5,
                 "the workers to be gone")

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
            except ImapError as e:
                # The witness's own connection: the server's failure, not ours.
                print(f"seed {seed} was not told to the end: {e}", flush=True)
                with open(self.dovecot.dir + "/log", encoding="utf-8", errors="replace") as f:
                    print(f.read()[-2000:], flush=True)
            seed += 1
            # Each seed has a user and a tree of its own.
            self.doCleanups()
            if len(self.dovecot.users) <= seed - first:
                break
            self.setUp()
        print(f"{seed - first} seeds, {len(failures)} failed", flush=True)
        self.assertEqual(failures, [])
