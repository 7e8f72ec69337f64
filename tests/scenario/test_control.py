"""The control socket while other programs behave badly, and over a restart."""
import json
import os
import socket

from case import Case, message

CLIENTS = 63    # and we ourselves


class Control(Case):
    def live(self):
        self.syncd.start()
        self.wait(lambda: self.syncd.status()["accounts"][0]["state"] == "live", 20, "to be live")

    def dial(self):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(0.2)
        s.connect(os.path.join(self.syncd.state, "control.sock"))
        self.addCleanup(s.close)
        return s

    def misbehave(self, kind):
        """One client that never reads: how much it could send does not matter."""
        s = self.dial()
        data = {"deaf": b'{"method":"subscribe","params":{"since":0}}\n',
                "half": b'{"method":"sta', "idle": b"",
                "flood": b'{"method":"status"}\n' * 3000,
                "long": b" " * (1 << 20), "junk": os.urandom(4096)}[kind]
        try:
            s.sendall(data)
        except OSError:
            pass    # closed, or the daemon reads no more of it

    def test_bad_clients_slow_nobody(self):
        self.live()
        kinds = ("deaf", "half", "idle", "flood", "long", "junk")
        for i in range(CLIENTS):
            self.misbehave(kinds[i % len(kinds)])
        self.client.append("INBOX", message("through"))
        took = self.wait(lambda: self.tree.find("INBOX", "through"), 10, "the message")
        self.assertLess(took, 10)
        r = self.syncd.run("status", timeout=10)
        self.assertEqual(r.rc, 0, r.err)
        self.assertIn("live", r.out)
        self.assertEqual(self.syncd.sync("a/INBOX", timeout=10).rc, 0)

    def test_numbers_go_on_after_a_restart(self):
        self.live()
        first = json.loads(self.syncd.run("events", "--since", "0", "-n", "1").out)
        self.syncd.stop()
        self.live()
        s = self.dial()
        hello = json.loads(s.makefile().readline())
        self.assertGreater(hello["seq"], first["seq"])
        r = self.syncd.run("events", "--since", "0", "-n", "1")
        self.assertEqual(json.loads(r.out), first)
        self.assertEqual(r.err, "")

    def test_describe_names_what_there_is(self):
        self.live()
        s = self.dial()
        s.settimeout(10)
        s.sendall(b'{"id":1,"method":"describe"}\n')
        f = s.makefile()
        f.readline()
        told = json.loads(f.readline())["result"]
        methods = [m["method"] for m in told["methods"]]
        self.assertEqual(len(methods), len(set(methods)))
        for m in told["methods"]:
            self.assertTrue(m["about"], m)
        self.assertIn("sync.done", told["events"])
