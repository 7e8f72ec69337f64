"""world.py — the server, its users and their mail, and the way to it.

Round trips come from a proxy of our own between the client and the server; without
them the client is connected directly.
"""
import json
import os
import shutil
import signal
import socket
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "tool"))

import dovecot                                              # noqa: E402
import imapclient                                           # noqa: E402
from server import free_ports, wait_for                     # noqa: E402
from syncd import BUILD                                     # noqa: E402

TOOLS = os.path.join(BUILD, "bench")
USERS = 1500
APPEND_AT_ONCE = 500

# Hundreds of sessions, POP3, and a password that every peer's file can say.
EXTRA = """
protocols = imap pop3
default_client_limit = 8000
mdbox_rotate_size = 32M
pop3_uidl_format = %08Xu%08Xv
service imap {{
  process_limit = 4000
}}
service pop3-login {{
  chroot =
  service_count = 0
  inet_listener pop3 {{
    port = 0
  }}
  inet_listener pop3s {{
    port = {pop3s}
    ssl = yes
  }}
}}
"""


class BenchDovecot(dovecot.Dovecot):
    password = "secret"


class Proxy:
    """A way to ${target} that is ${rtt} ms long, and counts.  For who works in
    ${scratch} it is the same address each time: clients remember servers."""
    _ports = {}

    def __init__(self, target, rtt, scratch):
        self.port = self._ports.setdefault(scratch, free_ports(1)[0])
        self._stats = os.path.join(scratch, "proxy")
        self._proc = subprocess.Popen((os.path.join(TOOLS, "proxy"), str(self.port),
                                       str(target), str(rtt), self._stats))
        wait_for(self._listens, 5, "the proxy to listen")

    def _listens(self):
        """Its port is taken: a connection would be counted."""
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", self.port))
            except OSError:
                return True
        return False

    def stop(self):
        """{connections, flights, up, down}"""
        self._proc.send_signal(signal.SIGTERM)
        self._proc.wait()
        with open(self._stats, encoding="ascii") as f:
            return json.load(f)


class World:
    """A server with many users, and directories on the disk for the clients."""

    def __init__(self, top):
        self.top = top
        shutil.rmtree(top, ignore_errors=True)
        os.makedirs(top)
        self.pop3s = free_ports(1)[0]
        self.server = BenchDovecot(users=USERS, extra=EXTRA.format(pop3s=self.pop3s))
        self._users = iter(self.server.users)
        self._seeded = {}

    def close(self):
        self.server.stop()
        shutil.rmtree(self.top, ignore_errors=True)

    def scratch(self, name):
        path = os.path.join(self.top, name)
        os.makedirs(path, exist_ok=True)
        return path

    def user(self):
        """Somebody without mail."""
        return next(self._users)

    def seeded(self, n, mail, boxes=("INBOX",)):
        """A user who has ${n} messages, spread over ${boxes}.  Asked again, the
        same one: for rows that only read."""
        key = (n, mail.seed, mail.scale, boxes)
        if key not in self._seeded:
            self._seeded[key] = self.user()
            self.fill(self._seeded[key], n, mail, boxes)
        return self._seeded[key]

    def fill(self, user, n, mail, boxes=("INBOX",), first=0):
        with self.server.client(user) as c:
            for box in boxes:
                if box != "INBOX":
                    c.create(box)
            for k, box in enumerate(boxes):
                mine = range(first + k, first + n, len(boxes))
                for at in range(0, len(mine), APPEND_AT_ONCE):
                    self._append(c, box, [mail.message(i) for i in mine[at:at + APPEND_AT_ONCE]])

    @staticmethod
    def _append(client, box, messages):
        """One MULTIAPPEND with literals that do not wait."""
        wire = [b"f APPEND " + imapclient.quote(box)]
        for data, flags, date in messages:
            wire.append(b" (" + b" ".join(flags) + b") " + imapclient.internaldate(date) +
                        b" {%d+}\r\n" % len(data) + data)
        client.sock.sendall(b"".join(wire) + b"\r\n")
        client.finish(b"f")

    def counts(self, user):
        """{folder: (messages, unseen, bytes)} as the server says."""
        out = {}
        with self.server.client(user) as c:
            for box in c.list():
                s = c.status(box, "MESSAGES", "UNSEEN", "SIZE")
                out[box] = (s["MESSAGES"], s["UNSEEN"], s["SIZE"])
        return out
