"""The network goes and comes back, in every way that it does: each account is live
again by itself, soon.

`make check` has two of them.  SYNCD_OUTAGES=400 is a day: as many as a machine has in
24 hours, each of some seconds, at random, and 5 s are all there is to be live again.
"""
import os
import random
import shutil
import signal
import subprocess
import time
import unittest

import network
from case import limit, local_message, message
from server import free_ports, make_tls, scratch
from syncd import children
from test_live import LiveCase

OUTAGES = int(os.environ.get("SYNCD_OUTAGES", "0"))
SEED = os.environ.get("SYNCD_SEED", "1")


@unittest.skipUnless(network.possible(), "needs root, and network namespaces")
class Outages(LiveCase):
    server = {"tls": {"names": ("DNS:localhost", "IP:127.0.0.1", "IP:" + network.SERVER)}}
    n_users = 2
    within = 30    # the machine may be busy

    def setUp(self):
        super().setUp()
        self.net = network.Network()
        self.addCleanup(self.net.stop)
        self.relay = self.net.relay(self.dovecot.tls_port)
        self.syncd.wrap = self.net.wrap()
        self.other = next(self.free_users)
        self.trees = {self.user: self.tree,
                      self.other: self.syncd.add_account("b", self.dovecot, self.other)}
        for conf in self.syncd.settings["accounts"].values():
            conf["host"] = network.SERVER
        self.syncd.write()
        self.n = 0
        self.worst = {}
        self.syncd.start()
        self.wait(self.all_live, 30, "the first sync")

    def all_live(self):
        status = self.syncd.status()
        return status["running"] and all(a["state"] == "live" for a in status["accounts"])

    def arrived(self, token):
        return all(self.has(t, token) for t in self.trees.values())

    @staticmethod
    def has(tree, token):
        return any(token.encode() in m.data for m in tree.messages("INBOX"))

    def back(self, kind):
        """The network is back: mail comes, and all is well."""
        self.n += 1
        token = f"mail{self.n}x"
        since = time.monotonic()
        for user in self.trees:
            with self.dovecot.client(user) as c:
                c.append("INBOX", message(token))
        self.wait(lambda: self.arrived(token), self.within, f"mail after {kind}")
        self.wait(self.all_live, self.within, f"all to be live after {kind}")
        took = time.monotonic() - since
        self.worst[kind] = max(took, self.worst.get(kind, 0))
        return took

    # -- what happens ----------------------------------------------------

    def down(self, seconds):
        self.net.down()
        time.sleep(seconds)
        self.net.up()

    def address(self, seconds):
        """Another network: what is open stays open, and leads nowhere."""
        self.net.run(self.net.near, "addr flush dev wan0")
        time.sleep(seconds)
        self.net.up(network.OTHER)
        self.back("address")
        self.net.run(self.net.near, "addr flush dev wan0")
        self.net.up()

    def lost(self, seconds):
        self.net.lost()
        self.tree.add("INBOX", local_message(f"lost{self.n}y"), "S")
        time.sleep(seconds)
        self.net.found()

    def lost_and_moved(self, seconds):
        """Something is under way when the network is lost, and a new one comes."""
        self.net.lost()
        self.tree.add("INBOX", local_message(f"under{self.n}y"), "S")
        time.sleep(1 + seconds)
        self.net.down()
        self.net.found()
        self.net.up()

    def restart(self, seconds):
        self.dovecot.stop()
        time.sleep(seconds)
        self.dovecot.start()

    def asleep(self, seconds):
        """Nobody runs, the connections are gone, the network is another."""
        everyone = [self.syncd.proc.pid, *children(self.syncd.proc.pid)]
        for pid in everyone:
            os.kill(pid, signal.SIGSTOP)
        self.net.lost()
        self.net.down()
        time.sleep(seconds)
        self.net.found()
        self.net.up()
        for pid in everyone:
            os.kill(pid, signal.SIGCONT)

    def portal(self, seconds):
        """Somebody else answers, until one has signed in there."""
        self.net.down()
        self.relay.to = self.intercept()
        self.net.up()
        self.wait(lambda: any(p["code"].startswith("tls.")
                              for a in self.syncd.status()["accounts"]
                              for p in a["problems"]), self.within, "it to be told")
        time.sleep(seconds)
        self.net.down()
        self.relay.to = self.dovecot.tls_port
        self.net.up()

    def intercept(self):
        """A TLS server with a name and a certificate of its own; its port."""
        where, (port,) = scratch("portal."), free_ports(1)
        self.addCleanup(shutil.rmtree, where)
        make_tls(where, names=("DNS:portal.example",))
        proc = subprocess.Popen(
            ("openssl", "s_server", "-quiet", "-port", str(port), "-cert", where + "/cert.pem",
             "-key", where + "/key.pem"), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        self.addCleanup(proc.wait)
        self.addCleanup(proc.kill)
        return port

    KINDS = (down, address, lost, lost_and_moved, restart, asleep, portal)

    @limit(120)
    def test_all_accounts_come_back(self):
        for kind in (self.KINDS if OUTAGES else (Outages.lost_and_moved, Outages.asleep)):
            kind(self, 0.2)
            self.arrives(kind.__name__, lambda k=kind: self.back(k.__name__) > 0, self.within)
        self.wait(lambda: not any(a["problems"] for a in self.syncd.status()["accounts"]), 20,
                  "no problem to be left")

    @unittest.skipUnless(OUTAGES, "SYNCD_OUTAGES=400 for a day")
    @limit(20000)
    def test_a_day(self):
        rng = random.Random(SEED)
        for i in range(OUTAGES):
            kind = rng.choice(self.KINDS)
            seconds = rng.choice((0, 0.1, 0.5, 1, 3, 8, 20 if i % 10 == 0 else 2))
            # Nobody says when it is found: TCP tries again after as long as it waited.
            self.within = 5 + (seconds if kind is Outages.lost else 0)
            kind(self, seconds)
            took = self.back(kind.__name__)
            print(f"{i}: {kind.__name__} {seconds} s: {took:.2f} s", flush=True)
        print({k: round(v, 2) for k, v in self.worst.items()})
        self.wait_same(20)
