"""Scripts that ask a service: what is granted, and nothing else."""
import os
import socket
import struct
import threading
import unittest

from case import message
from test_scripts import ScriptCase

ASKS = """
plugin { api = 1, connect = { "%(at)s" } }
on.incoming({ mailbox = "INBOX" }, function(msg)
  local r = connect("%(at)s", { input = msg, timeout = "10s"%(how)s })
  log.warn("answer", r.code, #r.out, r.err)
  if r.ok then msg:tag("said-" .. (r.lines[1] or "nothing")) end
end)
"""


class Service:
    """Answers each connection by what ${answer}(connection) gives, and hangs up."""

    def __init__(self, test, family, address, answer):
        self.heard, self.answer = [], answer
        self.sock = socket.socket(family)
        self.sock.bind(address)
        self.sock.listen()
        threading.Thread(target=self.serve, daemon=True).start()
        test.addCleanup(self.sock.close)

    def serve(self):
        while True:
            try:
                conn, _ = self.sock.accept()
            except OSError:
                return
            with conn:
                conn.settimeout(30)
                said = self.answer(self, conn)
                if said is not None:
                    conn.sendall(said)


def count(self, conn):
    """All until its end: how many bytes it was."""
    data = b""
    while True:
        more = conn.recv(65536)
        if not more:
            break
        data += more
    self.heard.append(data)
    return b"%d\n" % len(data)


def broken(self, conn):
    """All, and then no proper end."""
    conn.recv(65536)
    conn.sendall(b"half an answ")
    conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    conn.close()


def first_line(self, conn):
    """As soon as there is one, with much behind it, whatever else is to come."""
    line = conn.makefile("rb").readline()
    self.heard.append(line)
    return b"line\n" + b"x" * 300000


class ConnectTest(ScriptCase):
    def asks(self, at, how="", allow=None):
        self.script("asks", ASKS % {"at": at, "how": how},
                    allow={"connect": [at] if allow is None else allow})
        self.begin()

    def tags(self, token):
        return self.tree.find("INBOX", token).keywords

    def test_a_unix_socket(self):
        path = os.path.join(self.syncd.dir, "s")
        service = Service(self, socket.AF_UNIX, path, count)
        self.asks("unix:" + path)
        self.client.append("INBOX", message("one"))
        self.syncd.sync()
        [heard] = service.heard
        self.assertIn(b"Subject: one", heard)
        self.assertEqual(self.tags("one"), {f"said-{len(heard)}"})

    def test_a_port(self):
        service = Service(self, socket.AF_INET, ("127.0.0.1", 0), count)
        port = service.sock.getsockname()[1]
        self.asks(f"127.0.0.1:{port}")
        self.client.append("INBOX", message("one", "long line\r\n" * 200000))
        self.syncd.sync()
        [heard] = service.heard
        with open(self.tree.find("INBOX", "one").path, "rb") as f:
            self.assertEqual(heard.replace(b"\r\n", b"\n"), f.read())
        self.assertGreater(len(heard), 1 << 20)
        self.assertEqual(self.tags("one"), {f"said-{len(heard)}"})

    def test_who_answers_before_all_is_said(self):
        """Much is said on both sides: nobody waits for the other one."""
        service = Service(self, socket.AF_INET, ("127.0.0.1", 0), first_line)
        port = service.sock.getsockname()[1]
        self.asks(f"127.0.0.1:{port}", ", keep_open = true")
        self.client.append("INBOX", message("one", "long line\r\n" * 200000))
        self.syncd.sync()
        self.assertLessEqual(self.tags("one"), {"said-line"})   # it may hang up too soon
        self.client.append("INBOX", message("two"))
        said = self.syncd.sync().err
        self.assertEqual(self.tags("two"), {"said-line"})
        self.assertIn("answer 0 300005", said)

    def test_who_breaks_off(self):
        """It may have meant to say more."""
        service = Service(self, socket.AF_INET, ("127.0.0.1", 0), broken)
        port = service.sock.getsockname()[1]
        self.asks(f"127.0.0.1:{port}")
        self.client.append("INBOX", message("one"))
        said = self.syncd.sync().err
        self.assertIn("answer 76 ", said)
        self.assertIn("the connection broke", said)
        self.assertEqual(self.tags("one"), frozenset())

    def test_nobody_is_there(self):
        path = os.path.join(self.syncd.dir, "s")
        self.asks("unix:" + path)
        self.client.append("INBOX", message("one"))
        self.assertIn(f"answer 69 0 {path}: No such file", self.syncd.sync().err)
        self.assertEqual(self.tags("one"), frozenset())

    def test_an_address_that_is_none(self):
        self.asks("nowhere")
        self.client.append("INBOX", message("one"))
        self.assertIn("answer 69 0 nowhere is neither unix:/PATH nor HOST:PORT",
                      self.syncd.sync().err)

    def test_a_port_that_is_none(self):
        self.asks("127.0.0.1:65561")    # 25, if 16 bits of it were taken
        self.client.append("INBOX", message("one"))
        self.assertIn("answer 69 0 127.0.0.1:65561 is neither unix:/PATH nor HOST:PORT",
                      self.syncd.sync().err)

    def test_what_is_not_granted(self):
        service = Service(self, socket.AF_INET, ("127.0.0.1", 0), count)
        port = service.sock.getsockname()[1]
        self.asks(f"127.0.0.1:{port}", allow=["localhost:1"])
        self.syncd.start()
        self.wait(lambda: self.plugins()["asks"]["state"] == "disabled", 30, "its end")
        self.assertIn(f"connect: [127.0.0.1:{port}]", self.syncd.run("plugin", "list").out)
        self.client.append("INBOX", message("one"))
        self.wait_same(30, "mail without the script")
        self.assertEqual(service.heard, [])


if __name__ == "__main__":
    unittest.main()
