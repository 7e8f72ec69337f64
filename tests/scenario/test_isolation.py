"""One account is sick; how long do the others' changes take?  Measured, not guessed:
`SYNCD_ISOLATION=40` is how many changes in each direction; it prints a table."""
import multiprocessing
import os
import signal
import statistics
import subprocess
import threading
import time
import unittest

import peer
from case import Case, limit, local_message, message, rows
from peer import Peer
from syncd import Syncd, children

CHANGES = int(os.environ.get("SYNCD_ISOLATION", "0"))
FOLDERS = int(os.environ.get("SYNCD_FOLDERS", "100000"))
WELL = ("a", "b", "c", "d")
SICK = "e"
DATE = 1_600_000_000
QUICK = {"watch": {"settle": "1ms"}}    # what is waited for on purpose hides the rest


def endless(session, tag, verb, args):
    """A message that does not end, at 32 MB/s: the peer shares our processor."""
    session.write(b"* 1 FETCH (UID 1 FLAGS () INTERNALDATE \"01-Jan-2020 00:00:00 +0000\" "
                  b"BODY[] {1000000000}\r\n")
    while True:
        session.write(b"x" * 65536)
        session.flush()
        time.sleep(0.002)


class Apart:
    """A scripted server in a process of its own: one that is busy shares neither
    this one's interpreter nor what is measured here.  ${prepare}(peer) makes it
    what it is."""
    host, password = Peer.host, Peer.password

    def __init__(self, prepare):
        self.ca = peer.ordinary_tls()
        fork = multiprocessing.get_context("fork")
        self.line, theirs = fork.Pipe()
        self.process = fork.Process(target=self.serve, args=(prepare, theirs), daemon=True)
        self.process.start()
        theirs.close()
        self.tls_port = self.line.recv()

    def serve(self, prepare, line):
        self.line.close()
        server = Peer()
        prepare(server)
        line.send(server.port)
        try:
            while True:
                line.send(getattr(server, line.recv()))
        except EOFError:
            pass
        server.stop()

    def ask(self, name):
        """An attribute of the server."""
        self.line.send(name)
        return self.line.recv()

    def stop(self):
        self.line.close()
        self.process.join(5)
        self.process.kill()
        self.process.join()


class Repeated:
    """Something that is done again and again, until the end of the block."""

    def __init__(self, every, action):
        self.every, self.action = every, action
        self.halt = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        while not self.halt.wait(self.every):
            self.action()

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.halt.set()
        self.thread.join()


@rows("sick", {how: how for how in ("crashing", "hung", "endless", "full", "many_folders")})
@unittest.skipUnless(CHANGES, "SYNCD_ISOLATION=40 measures four accounts beside a sick one")
class Isolation(Case):
    n_users = len(WELL) * 8
    server = {}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.figures = {}

    def setUp(self):
        self.users = {name: next(self.free_users) for name in WELL}
        self.syncd = Syncd(self.dovecot, self.users["a"], QUICK)
        self.addCleanup(self.syncd.stop)
        self.trees = {"a": self.syncd.tree}
        for name in WELL[1:]:
            self.trees[name] = self.syncd.add_account(name, self.dovecot, self.users[name],
                                                       QUICK)
        self.clients, self.looks = {}, {}
        for name in WELL:
            self.clients[name] = self.dovecot.client(self.users[name])
            self.addCleanup(self.clients[name].close)
        self.tokens = iter(range(10 ** 6))

    def begin(self, prepare=lambda server: None, **account):
        self.peer = Apart(prepare)
        self.addCleanup(self.peer.stop)
        self.trees[SICK] = self.syncd.add_account(SICK, self.peer, "u1", account)
        self.syncd.start()
        self.wait(lambda: all(self.states()[n] == "live" for n in WELL), 60, "four to be live")

    def states(self):
        return {a["account"]: a["state"] for a in self.syncd.status()["accounts"]}

    def worker(self):
        """The process that has the state of the sick one open."""
        for pid in children(self.syncd.proc.pid):
            try:
                if any(os.readlink(f"/proc/{pid}/fd/{fd}").endswith(f"/{SICK}.db")
                       for fd in os.listdir(f"/proc/{pid}/fd")):
                    return pid
            except FileNotFoundError:
                pass
        return None

    def hit(self, how):
        pid = self.worker()
        if pid is not None:
            try:
                os.kill(pid, how)
            except ProcessLookupError:
                pass

    # -- measuring --------------------------------------------------------

    def until(self, condition, what):
        started = time.perf_counter()
        while not condition():
            if time.perf_counter() - started > 30:
                self.fail(f"not within 30 s: {what}\n{self.syncd.log()[-3000:]}")
            time.sleep(0.001)

    def here(self, name):
        at = self.trees[name].path("INBOX")
        return sum(len(os.listdir(f"{at}/{sub}")) for sub in ("cur", "new"))

    def there(self, name):
        return self.clients[name].status("INBOX", "MESSAGES")["MESSAGES"]

    def down(self, name):
        before = self.here(name)
        self.clients[name].append("INBOX", message(f"d{next(self.tokens)}"), date=DATE)
        started = time.perf_counter()
        self.until(lambda: self.here(name) > before, f"{name} to have its file")
        return time.perf_counter() - started

    def up(self, name):
        before = self.there(name)
        self.trees[name].add("INBOX", local_message(f"u{next(self.tokens)}"), "S", date=DATE)
        started = time.perf_counter()
        self.until(lambda: self.there(name) > before, f"{name}'s server to have it")
        return time.perf_counter() - started

    def measure(self, how):
        """Keeps {direction: (median, p95)} in ms, of all four in turn."""
        for name in WELL:    # a first one, for what is only done once
            self.down(name)
            self.up(name)
        took = {"down": [], "up": []}
        for i in range(CHANGES):
            name = WELL[i % len(WELL)]
            took["down"].append(1000 * self.down(name))
            took["up"].append(1000 * self.up(name))
        self.figures[how] = {way: (statistics.median(ms), sorted(ms)[len(ms) * 95 // 100])
                             for way, ms in took.items()}

    def compare(self, how):
        """With what it is when all are well: measured beside it, as machines differ."""
        self.measure(how)
        text = "  ".join(f"{way} {m:.1f} ms, p95 {p:.1f} ms"
                         for way, (m, p) in self.figures[how].items())
        print(f"{how:<24} {text}", flush=True)
        for way, (median, _) in self.figures[how].items():
            well = self.figures["well"][way][0]
            self.assertLess(median, 3 * well + 50, f"{way}, while one is {how}")

    # -- one after the other ----------------------------------------------

    @limit(600)
    def sick(self, how):
        if "well" not in self.figures:
            self.begin()
            self.compare("well")
            self.doCleanups()
            self.setUp()
        getattr(self, how)()

    def crashing(self):
        self.begin()
        kills = []
        with Repeated(0.2, lambda: self.hit(signal.SIGKILL) or kills.append(1)):
            self.compare("crashing")
        self.assertGreater(len(kills), 1)

    def hung(self):
        self.begin()
        self.wait(self.worker, 20, "its worker")
        self.hit(signal.SIGSTOP)
        self.compare("hung")

    def endless(self):
        def prepare(server):
            server.boxes["INBOX"].add(message("endless"), (), DATE)
            server.on("UID FETCH.*BODY", endless)
        self.begin(prepare, limits={"max_message_size": "1GiB"})
        self.compare("endless")
        self.assertGreater(self.peer.ask("down"), 1 << 20)

    def full(self):
        at = os.path.join(self.syncd.dir, "mail", SICK)
        os.mkdir(at, 0o700)
        p = subprocess.run(("mount", "-t", "tmpfs", "-o", "size=256k,mode=0700", "tmpfs", at),
                           stderr=subprocess.PIPE, check=False)
        if p.returncode != 0:
            self.skipTest("cannot mount: " + p.stderr.decode().strip())
        self.addCleanup(subprocess.run, ("umount", "-l", at), check=False)

        def prepare(server):
            for i in range(20):
                server.boxes["INBOX"].add(message(f"f{i}", "x" * 50_000), (), DATE)
        self.begin(prepare, guards={"min_free_space": 0})
        self.compare("full")
        self.assertIn("No space left on device", self.syncd.log())

    def many_folders(self):
        def prepare(server):
            for i in range(FOLDERS):
                server.box(f"F{i}")
        self.begin(prepare)
        self.compare(f"of {FOLDERS} folders")
        self.assertGreater(self.peer.ask("down"), 20 * FOLDERS, "nothing was listed")
