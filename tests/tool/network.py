"""network.py — a network of two machines: the daemon's, and the one it reaches
servers by.  Root only; everything is gone with the two processes that hold it.

The far machine has one address and relays each port to this host's loopback, so
that the server, its clients and the tests see nothing of all this.
"""
import ctypes
import os
import select
import socket
import subprocess
import threading

NEWNET = 0x40000000
SERVER, HOST, OTHER = "10.77.0.1", "10.77.0.2", "10.77.0.3"


def enter(path):
    with open(path, "rb") as f:
        if ctypes.CDLL(None, use_errno=True).setns(f.fileno(), NEWNET) < 0:
            raise OSError(ctypes.get_errno(), "setns")


def possible():
    return os.geteuid() == 0 and subprocess.run(
        ("unshare", "-n", "ip", "link", "add", "veth0", "type", "veth", "peer", "name", "wan0"),
        capture_output=True, check=False).returncode == 0


class Network:
    def __init__(self):
        self.held = [subprocess.Popen(("unshare", "-n", "sleep", "86400")) for _ in range(2)]
        self.near, self.far = (p.pid for p in self.held)
        own = os.readlink("/proc/self/ns/net")
        while own in (os.readlink(f"/proc/{p}/ns/net") for p in (self.near, self.far)):
            pass    # they are not there yet
        self.relays = []
        self.run(self.far, f"link add veth0 type veth peer name wan0 netns {self.near}",
                 "link set lo up", f"addr add {SERVER}/24 dev veth0", "link set veth0 up")
        self.run(self.near, "link set lo up")
        self.up()

    @staticmethod
    def run(pid, *lines):
        for line in lines:
            subprocess.run(("nsenter", "-t", str(pid), "-n", "ip", *line.split()), check=True)

    def wrap(self):
        """In front of a command: run it on the near machine."""
        return ("nsenter", "-t", str(self.near), "-n")

    # -- what happens to it ----------------------------------------------

    def up(self, address=HOST):
        """As a DHCP client leaves it."""
        self.run(self.near, "link set wan0 up", f"addr add {address}/24 dev wan0",
                 f"route add default via {SERVER}")

    def down(self):
        self.run(self.near, "link set wan0 down", "addr flush dev wan0")

    def lost(self):
        """What is sent does not arrive, and nobody says so."""
        for address in (HOST, OTHER):
            self.run(self.far, f"route add blackhole {address}/32")

    def found(self):
        for address in (HOST, OTHER):
            self.run(self.far, f"route del blackhole {address}/32")

    # -- relays ----------------------------------------------------------

    def relay(self, port):
        """The same port there; the relay, whose `to` is the port here."""
        r = Relay(self.far, port)
        self.relays.append(r)
        return r

    def stop(self):
        for r in self.relays:
            r.listener.close()
        for p in self.held:
            p.kill()
            p.wait()


class Relay:
    def __init__(self, pid, port):
        self.to = port
        ready = threading.Event()

        def listen():
            enter(f"/proc/{pid}/ns/net")    # of this thread only
            self.listener = socket.create_server((SERVER, port), backlog=64)
            ready.set()
            try:
                while True:
                    near, _ = self.listener.accept()
                    threading.Thread(target=self._join, args=(near,), daemon=True).start()
            except OSError:
                pass    # closed
        threading.Thread(target=listen, daemon=True).start()
        if not ready.wait(10):
            raise RuntimeError("no relay")

    def _join(self, near):
        """A connection that is made here is of our own network: this thread was
        started by one that had left it, so it comes back first."""
        enter(f"/proc/{os.getpid()}/ns/net")
        try:
            far = socket.create_connection(("127.0.0.1", self.to), 5)
        except OSError:
            near.close()
            return
        ends = {near: far, far: near}
        try:
            while True:
                for s in select.select(list(ends), [], [])[0]:
                    data = s.recv(65536)
                    if not data:
                        return
                    ends[s].sendall(data)
        except OSError:
            pass
        finally:
            near.close()
            far.close()
