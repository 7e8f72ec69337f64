"""live.py — the rows about a running client: how soon, and at what cost in rest."""
import json
import os
import random
import signal
import statistics
import subprocess
import threading
import time

from mail import Mail
from measure import Failed
from peers import BINARY, Mbsync, Syncd
from rows import SMALL, files
from server import wait_for
from world import Proxy

TICK_S = 0.0005
PATIENCE_S = 120
REST_S = 1.5        # between two pushes: what follows the first is over


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


class Live:
    """A row with figures of its own."""
    rtts = (0,)
    peers = (Syncd,)

    def __init__(self, name, **settings):
        self.name = name
        self.__dict__.update(settings)

    def measure(self, world, clients, rtts):
        """[{row, rtt, who, figure: value}]"""
        raise NotImplementedError

    @staticmethod
    def show(results):
        for r in results:
            figures = "  ".join(f"{key} {value:g}" for key, value in r.items()
                                if key not in ("row", "rtt", "who"))
            print(f"{r['row']:<18} {r['rtt']:>3} {r['who']:<12}{figures}", flush=True)

    def result(self, rtt, who, **figures):
        return {"row": self.name, "rtt": rtt, "who": who, **figures}


class First(Live):
    """From nothing to the first file of a large INBOX."""
    rtts = (0, 50)

    def measure(self, world, clients, rtts):
        user = world.seeded(self.n, Mail(2, SMALL))
        out = []
        for rtt in rtts:
            for cls in (c for c in clients if c in (Syncd, Mbsync)):
                took = [self._once(world, cls, user, rtt) for _ in range(self.times)]
                out.append(self.result(rtt, cls.name, n=self.n,
                                       seconds=round(statistics.median(took), 3)))
        return out

    def _once(self, world, cls, user, rtt):
        peer = cls(os.path.join(world.scratch(self.name), cls.name), world.server, user)
        proxy = Proxy(world.server.tls_port, rtt, peer.place) if rtt else None
        argv = peer.command(proxy.port if proxy else world.server.tls_port)
        os.sync()
        started = time.monotonic()
        proc = subprocess.Popen(argv, env=peer.env(), cwd=peer.place, stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_for(lambda: files(peer.folder("INBOX")), PATIENCE_S, "a first message", TICK_S)
            return time.monotonic() - started
        finally:
            proc.send_signal(signal.SIGTERM)
            proc.wait()
            if proxy:
                proxy.stop()


class Daemon:
    """`syncd run` for a peer, until it listens."""

    def __init__(self, peer, port):
        self.peer = peer
        self.conf = peer.config(port)
        with open(os.path.join(peer.place, "log"), "wb") as log:
            self.proc = subprocess.Popen((BINARY, "-c", self.conf, "run"), env=peer.env(),
                                         stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def __enter__(self):
        try:
            wait_for(self._live, PATIENCE_S, "all accounts to listen", 0.2)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.proc.send_signal(signal.SIGTERM)
        self.proc.wait()

    def _live(self):
        p = subprocess.run((BINARY, "-c", self.conf, "status", "--json"), env=self.peer.env(),
                           capture_output=True, text=True, check=False)
        try:
            accounts = json.loads(p.stdout)["accounts"]
        except (ValueError, KeyError):
            return False
        return bool(accounts) and all(a["state"] == "live" for a in accounts)

    def workers(self):
        with open(f"/proc/{self.proc.pid}/task/{self.proc.pid}/children", encoding="ascii") as f:
            return [int(pid) for pid in f.read().split()]


class Witness(threading.Thread):
    """When the server itself tells of a new message in ${box}, to one who idles."""

    def __init__(self, world, user, box):
        super().__init__(daemon=True)
        self.client = world.server.client(user)
        self.client.select(box)
        self.tag = self.client.send(b"IDLE")
        self.client.response()
        self.at = None
        self.start()

    def run(self):
        while b" EXISTS" not in self.client.response():
            pass
        self.at = time.monotonic()

    def told(self):
        self.join(PATIENCE_S)
        self.client.close()
        return self.at


class Push(Live):
    """A delivery until it is a file, and a file until it is on the server."""

    def measure(self, world, clients, rtts):
        user = world.user()
        boxes = ("INBOX", *(f"Box{k:03}" for k in range(self.folders - 1)))
        world.fill(user, 2 * self.folders, Mail(6, SMALL), boxes)
        peer = Syncd(os.path.join(world.scratch(self.name), "syncd"), world.server, user)
        pick = random.Random(self.folders)
        down, own, up = [], [], []
        with Daemon(peer, world.server.tls_port):
            for turn in range(self.times):
                box = pick.choice(boxes)
                time.sleep(REST_S)
                took, told = self._delivered(world, peer, box, turn)
                down.append(took)
                own.append(told)
                time.sleep(REST_S)
                up.append(self._saved(world, peer, box, turn))
        late = [a - b for a, b in zip(down, own)]
        return [self.result(0, "syncd", folders=self.folders, n=self.times, **{
            f"{name}_{word}_ms": round(1000 * value, 1)
            for name, values in (("server_tells", own), ("server_to_file", down),
                                 ("of_it_ours", late), ("file_to_server", up))
            for word, value in (("median", statistics.median(values)),
                                ("p95", percentile(values, 0.95)))})]

    def _delivered(self, world, peer, box, turn):
        path = peer.folder(box)
        before = len(files(path))
        witness = Witness(world, peer.user, box)
        with world.server.client(peer.user) as c:
            c.append(box, Mail(7, SMALL).message(turn)[0])
            started = time.monotonic()
        wait_for(lambda: len(files(path)) > before, PATIENCE_S, "the file", TICK_S)
        took = time.monotonic() - started
        return took, witness.told() - started

    def _saved(self, world, peer, box, turn):
        path = peer.folder(box)
        data = Mail(8, SMALL).message(turn)[0].replace(b"\r\n", b"\n")
        name = f"{int(time.time())}.M{turn}P3.bench"
        with open(os.path.join(path, "tmp", name), "wb") as f:
            f.write(data)
        with world.server.client(peer.user) as c:
            c.select(box)
            os.rename(os.path.join(path, "tmp", name), os.path.join(path, "cur", name + ":2,S"))
            started = time.monotonic()
            wait_for(lambda: any(b" EXISTS" in line for line in c.command(b"NOOP")[1]),
                     PATIENCE_S, "the upload", TICK_S)
            return time.monotonic() - started


def proc_stat(pid):
    """(CPU seconds, times it was woken)"""
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        words = f.read().rpartition(")")[2].split()
    woken = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/status", encoding="ascii") as f:
            woken += sum(int(line.split()[1]) for line in f
                         if line.startswith("voluntary_ctxt_switches"))
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK"), woken


class Idle(Live):
    """Nothing happens."""

    def measure(self, world, clients, rtts):
        user = world.user()
        world.fill(user, 100, Mail(6, SMALL))
        peer = Syncd(os.path.join(world.scratch(self.name), "syncd"), world.server, user)
        proxy = Proxy(world.server.tls_port, 0, peer.place)
        with Daemon(peer, proxy.port) as daemon:
            time.sleep(10)    # what follows a start is over
            pids = [daemon.proc.pid, *daemon.workers()]
            before = [proc_stat(p) for p in pids]
            time.sleep(self.seconds)
            after = [proc_stat(p) for p in pids]
        proxy.stop()
        figures = {"seconds": self.seconds}
        for who, b, a in zip(("parent", "worker"), before, after):
            figures[f"{who}_cpu_ms"] = round(1000 * (a[0] - b[0]), 1)
            figures[f"{who}_woken"] = a[1] - b[1]
        return [self.result(0, "syncd", **figures)]


def private_kb(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
        return sum(int(line.split()[1]) for line in f if line.startswith("Private_"))


class ManyAccounts(Syncd):
    users = ()

    def accounts(self, port):
        return {u: self.account(port, u, os.path.join(self.tree, u)) for u in self.users}


class Memory(Live):
    """Accounts that are watched and quiet."""

    def measure(self, world, clients, rtts):
        out = []
        for n in self.accounts:
            users = [world.user() for _ in range(n)]
            for user in users:
                world.fill(user, 20, Mail(6, SMALL))
            peer = ManyAccounts(os.path.join(world.scratch(self.name), "syncd"),
                                world.server, users[0])
            peer.users = users
            with Daemon(peer, world.server.tls_port) as daemon:
                time.sleep(6)
                each = [private_kb(p) for p in daemon.workers()]
                if len(each) != n:
                    raise Failed(f"{len(each)} workers for {n} accounts")
                parent = private_kb(daemon.proc.pid)
            out.append(self.result(0, "syncd", accounts=n, parent_MB=round(parent / 1024, 2),
                                   worker_median_MB=round(statistics.median(each) / 1024, 2),
                                   worker_max_MB=round(max(each) / 1024, 2),
                                   all_MB=round((parent + sum(each)) / 1024, 1)))
        return out


def table(scale):
    def n(count):
        return max(10, int(count * scale))

    return (
        First("first-message", n=max(1000, n(100_000)), times=3),
        Push("push-1-folder", folders=1, times=n(20)),
        Push("push-300-folders", folders=300, times=n(20)),
        Idle("idle", seconds=n(600)),
        Memory("memory", accounts=sorted({1, max(1, int(20 * scale)), max(1, int(200 * scale))})),
    )
