"""Random changes on both sides, rounds killed half-way; then the oracle.

SYNCD_SEEDS=N plays N seeds (default 6) from SYNCD_SEED on (default 1);
SYNCD_SOAK_SECONDS=N goes on for that long.  A failure names its seed and what
was done.
"""
import os
import random
import signal
import subprocess
import time

from case import Case, limit, local_message, message
from compare import compare
from imapclient import ImapError
from server import wait_for

FOLDERS = ("INBOX", "Archive", "Lists/one", "Lists/two")
FIRST = int(os.environ.get("SYNCD_SEED", "1"))
SEEDS = int(os.environ.get("SYNCD_SEEDS", "6"))
SOAK = int(os.environ.get("SYNCD_SOAK_SECONDS", "0"))


class Play:
    """One seed's mailbox, with a memory of what nobody ever deleted."""

    def __init__(self, case, seed):
        self.case, self.seed = case, seed
        self.pick = random.Random(seed)
        self.client, self.tree = case.client, case.tree
        self.count = 0
        self.kept = set()       # tokens that must exist exactly once
        self.touched = set()    # moved or deleted since both sides agreed
        self.done = []

    def token(self):
        self.count += 1
        return f"s{self.seed}n{self.count}e"

    def far(self):
        """A message of the server: (folder, uid, token), or None."""
        folder = self.pick.choice(FOLDERS)
        found = self.client.fetch_all(folder)
        return (folder, *self.one([(m.uid, self.token_of(m.data)) for m in found])) \
            if found else None

    def near(self):
        """A message of the tree: (folder, token), or None."""
        folder = self.pick.choice(FOLDERS)
        found = self.tree.messages(folder)
        return (folder, self.one([self.token_of(m.data) for m in found])) if found else None

    def one(self, things):
        return self.pick.choice(sorted(things))

    @staticmethod
    def token_of(data):
        return data.split(b"\n")[0].split(b"Subject: ")[1].strip().decode()

    def other(self, folder):
        return self.pick.choice([f for f in FOLDERS if f != folder])

    def step(self):
        action = self.pick.choice((
            self.deliver, self.deliver, self.write, self.write, self.flag_far, self.flag_near,
            self.flag_far, self.flag_near, self.delete_far, self.delete_near, self.move_far,
            self.move_near, self.word_far, self.word_near))
        what = action()
        if what:
            self.done.append(f"{action.__name__} {what}")

    def deliver(self):
        token, folder = self.token(), self.pick.choice(FOLDERS)
        self.client.append(folder, message(token, "b" * self.pick.randrange(2000)),
                           self.pick.choice(("", "S", "SF")), (), 1_500_000_000 + self.count)
        self.kept.add(token)
        return f"{token} in {folder}"

    def write(self):
        token, folder = self.token(), self.pick.choice(FOLDERS)
        self.tree.add(folder, local_message(token, "b" * self.pick.randrange(2000)),
                      self.pick.choice((None, "", "S", "FS")), (), 1_500_000_000 + self.count)
        self.kept.add(token)
        return f"{token} in {folder}"

    def flag_far(self):
        if hit := self.far():
            folder, uid, token = hit
            change, flag = self.pick.choice("+-"), self.pick.choice("SRF")
            self.client.store(folder, uid, change, flag)
            return f"{change}{flag} {token} in {folder}"
        return None

    def flag_near(self):
        if hit := self.near():
            folder, token = hit
            flags = "".join(f for f in "FRS" if self.pick.random() < 0.5)
            self.tree.set_flags(folder, token + "\n", flags)
            return f"{flags or '-'} {token} in {folder}"
        return None

    def word_far(self):
        if hit := self.far():
            folder, uid, token = hit
            change, word = self.pick.choice("+-"), self.pick.choice(("todo", "$Work"))
            self.client.store(folder, uid, change, "", [word])
            return f"{change}{word} {token} in {folder}"
        return None

    def word_near(self):
        if hit := self.near():
            folder, token = hit
            m = self.tree.find(folder, token + "\n")
            words = [w for w in ("todo", "$Work") if self.pick.random() < 0.5]
            self.tree.set_flags(folder, token + "\n", m.flags, words)
            return f"{words} {token} in {folder}"
        return None

    # A message is moved or deleted on one side only in a round: what becomes
    # of one that is on both is the table in test_changes.py.

    def claim(self, token):
        if token in self.touched:
            return False
        self.touched.add(token)
        return True

    def delete_far(self):
        hit = self.far()
        if hit and self.claim(hit[2]):
            self.client.expunge(hit[0], hit[1])
            self.kept.discard(hit[2])
            return f"{hit[2]} in {hit[0]}"
        return None

    def delete_near(self):
        hit = self.near()
        if hit and self.claim(hit[1]):
            self.tree.delete(hit[0], hit[1] + "\n")
            self.kept.discard(hit[1])
            return f"{hit[1]} in {hit[0]}"
        return None

    def move_far(self):
        hit = self.far()
        if hit and self.claim(hit[2]):
            to = self.other(hit[0])
            self.client.move(hit[0], hit[1], to)
            return f"{hit[2]} from {hit[0]} to {to}"
        return None

    def move_near(self):
        hit = self.near()
        if hit and self.claim(hit[1]):
            to, keep = self.other(hit[0]), self.pick.random() < 0.5
            self.tree.move(hit[0], hit[1] + "\n", to, keep)
            return f"{hit[1]} from {hit[0]} to {to}" + (" same name" if keep else "")
        return None

    def story(self):
        return f"seed {self.seed}:\n  " + "\n  ".join(self.done)


class Random(Case):
    account = {"guards": {"max_delete": {"count": 1000}}}

    def play(self, seed, rounds, kill):
        p = Play(self, seed)
        for folder in FOLDERS[2:]:
            self.client.create(folder)
        for _ in range(12):
            p.deliver()
        self.syncd.sync()
        try:
            for n in range(rounds):
                for _ in range(p.pick.randrange(1, 14)):
                    p.step()
                if kill:
                    self.killed_round(p)
                self.settle(p)
                p.done.append(f"-- settled, round {n}")
                p.touched.clear()
            self.assertQuiet()
        except (AssertionError, ImapError, LookupError) as e:
            raise AssertionError(f"{e}\n{p.story()}") from e

    def settle(self, p):
        for _ in range(4):
            # The worker of a killed round may take a moment to go.
            wait_for(lambda: self.syncd.sync(expect=(0, 1, 75)).rc != 75, 5, "the lock")
            with self.dovecot.client(self.user) as c:
                diff = compare(c, self.tree)
            if not diff:
                break
        self.assertFalse(diff, "not converged:\n" + "\n".join(diff))
        have = [p.token_of(m.data) for f, ms in self.tree.all_messages().items()
                if f != "Trash" for m in ms]
        self.assertEqual(sorted(t for t in have if t in p.kept), sorted(p.kept),
                         "lost or doubled")

    def killed_round(self, p):
        """A round that dies with all its processes, at some moment."""
        proc = self.syncd.popen(("sync",), stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL, start_new_session=True)
        after = p.pick.random() * 0.15
        time.sleep(after)
        try:
            os.killpg(proc.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        proc.wait()
        p.done.append(f"-- killed after {after * 1000:.0f} ms")

    def seeds(self, play):
        """Each seed with a mailbox of its own."""
        until = time.monotonic() + SOAK
        seed = FIRST
        while seed < FIRST + SEEDS or time.monotonic() < until:
            if seed > FIRST:
                self.doCleanups()
                self.setUp()
            play(seed)
            seed += 1

    @limit(200 + SOAK * 2)
    def test_random_changes_converge(self):
        self.seeds(lambda seed: self.play(seed, 4, kill=False))

    @limit(200 + SOAK * 2)
    def test_killed_rounds_lose_and_double_nothing(self):
        self.seeds(lambda seed: self.play(1000 + seed, 5, kill=True))

    @limit(200 + SOAK * 2)
    def test_random_changes_under_a_running_daemon_converge(self):
        self.seeds(self.live)

    def live(self, seed):
        p = Play(self, 2000 + seed)
        for folder in FOLDERS[2:]:
            self.client.create(folder)
        for _ in range(12):
            p.deliver()
        self.syncd.start()
        self.wait_same(20)
        try:
            for _ in range(30):
                try:
                    p.step()
                except (LookupError, FileNotFoundError, ImapError):
                    pass    # the daemon was faster
                time.sleep(p.pick.random() * 0.1)
            self.wait_same(40)
        except AssertionError as e:
            raise AssertionError(f"{e}\n{p.story()}") from e
        self.syncd.stop()
