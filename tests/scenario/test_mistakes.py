"""Planted mistakes: each is mended by doing exactly what the message says, which is
taken out of the message here, and done.
"""
import os
import re
import shutil
import socket
import subprocess
import threading

from case import Case, message
from dovecot import Dovecot
from syncd import Syncd


def shell(command, env=None):
    return subprocess.run(command, shell=True, capture_output=True, text=True, check=False,
                          env=dict(os.environ, **(env or {})), timeout=30)


class Mistakes(Case):
    server = {"rawlog": False}
    n_users = 20

    def setUp(self):
        super().setUp()
        self.client.append("INBOX", message("hello"))
        self.conf = self.syncd.settings["accounts"]["a"]

    def write(self, text):
        with open(self.syncd.conf, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(self.syncd.conf, 0o600)

    def yaml(self, **more):
        """The configuration as people write it."""
        c = self.conf
        keys = {"host": c["host"], "port": c["port"], "user": c["user"],
                "tls": f"{{ca_file: {c['tls']['ca_file']}}}",
                "password_file": os.path.join(self.syncd.dir, "secret.a"), "path": c["path"]}
        keys.update(more)
        return (f"state_dir: {self.syncd.state}\naccounts:\n  a:\n"
                + "".join(f"    {k}: {v}\n" for k, v in keys.items()))

    def fails(self, code, *args):
        r = self.syncd.run(*(args or ("sync",)))
        said = r.out + r.err
        self.assertIn(f"[{code}]", said)
        self.assertNotEqual(r.rc, 0)
        return said

    def works(self):
        self.syncd.sync()
        self.tree.find("INBOX", "Subject: hello")

    def take(self, pattern, said):
        m = re.search(pattern, said)
        self.assertIsNotNone(m, said)
        return m[1] if m.re.groups == 1 else m.groups()

    def edit(self, said, change):
        """Change the line that the message points at."""
        path, line = self.take(r"--> (\S+):(\d+):\d+", said)
        path = path.replace("~", self.syncd.dir)
        with open(path, encoding="utf-8") as f:
            lines = f.readlines()
        lines[int(line) - 1] = change(lines[int(line) - 1])
        self.write("".join(lines))

    def test_a_typo_in_a_key(self):
        self.write(self.yaml().replace("password_file", "pasword_file"))
        said = self.fails("config.unknown-key")
        wrong, right = self.take(r"`(\w+)` is not an option[^?]*did you mean `(\w+)`\?", said)
        self.edit(said, lambda x: x.replace(wrong, right))
        self.works()

    def test_a_tab(self):
        self.write(self.yaml().replace("    host", "\thost"))
        said = self.fails("config.tab")
        self.assertIn("put spaces here", said)
        self.edit(said, lambda x: x.replace("\t", "    "))
        self.works()

    def test_a_wrong_password(self):
        secret = os.path.join(self.syncd.dir, "secret.a")
        with open(secret, encoding="utf-8") as f:
            right = f.read()
        with open(secret, "w", encoding="utf-8") as f:
            f.write("old\n")
        self.syncd.start()
        self.wait(lambda: "auth-required" in self.syncd.run("status").out, 20, "a refusal")
        said = self.syncd.run("status").out
        command, then = self.take(r"the right password: (.*); then: syncd (resume a)", said)
        self.assertEqual(shell(command).stdout, "old\n")
        with open(command.split()[1], "w", encoding="utf-8") as f:
            f.write(right)
        self.assertEqual(self.syncd.run(*then.split()).rc, 0)
        self.wait_same(20)

    def test_a_wrong_host(self):
        self.write(self.yaml(host="127.1.2.3"))
        said = self.fails("net.refused")
        wrong, show = self.take(r"`host: (\S+)`.* they stand in: syncd (.*)", said)
        shown = self.syncd.run(*show.split()).out
        place = self.take(rf"accounts\.a\.host: {re.escape(wrong)} +# (\S+)", shown)
        self.edit(f"--> {place}:1", lambda x: x.replace(wrong, "127.0.0.1"))
        self.works()

    def test_a_server_that_only_sends_mail(self):
        """Some copy `host` and `port` from what is for sending."""
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)

        def serve():
            try:
                while True:
                    conn, _ = listener.accept()
                    conn.sendall(b"220 mx.x.test ESMTP ready\r\n")
                    conn.recv(100)
                    conn.close()
            except OSError:
                pass    # closed
        threading.Thread(target=serve, daemon=True).start()
        wrong = listener.getsockname()[1]
        self.write(self.yaml(port=wrong, tls="{mode: none}"))
        said = self.fails("proto.other-server")
        self.assertIn("this is a server for sending mail (SMTP), not IMAP", said)
        show = self.take(rf"`port: {wrong}` .* they stand in: syncd (.*)", said)
        shown = self.syncd.run(*show.split()).out
        place = self.take(rf"accounts\.a\.port: {wrong} +# (\S+)", shown)
        self.edit(f"--> {place}:1", lambda x: x.replace(str(wrong), str(self.dovecot.port)))
        self.works()

    def test_the_host_is_named_once(self):
        secret = os.path.join(self.syncd.dir, "secret.a")
        with open(secret, "w", encoding="utf-8") as f:
            f.write("old\n")
        for code, more in (("auth.refused", {}), ("tls.untrusted", {"tls": "{}"})):
            self.write(self.yaml(**more))
            line = self.take(rf"error\[{code}\]: (.*)", self.fails(code))
            self.assertEqual(line.count(self.conf["host"]), 1, line)

    def pin(self, server, code):
        syncd = Syncd(server)
        self.addCleanup(syncd.stop)
        if code == "tls.untrusted":
            del syncd.settings["accounts"]["a"]["tls"]
        syncd.write()
        with server.client() as c:
            c.append("INBOX", message("hello"))
        r = syncd.run("sync")
        self.assertIn(f"[{code}]", r.err)
        pin = self.take(r"tls: \{pin: \[\"(sha256/\S+=)\"\], verify: pin\}", r.err)
        tls = syncd.settings["accounts"]["a"].setdefault("tls", {})
        tls["pin"] = [pin]    # a pin alone only adds to what is asked for
        syncd.write()
        self.assertIn(f"[{code}]", syncd.run("sync").err)
        tls["verify"] = "pin"
        syncd.write()
        syncd.sync()
        syncd.tree.find("INBOX", "Subject: hello")
        # It is this key that is trusted, and no other.
        syncd.settings["accounts"]["a"]["tls"] = {"pin": ["sha256/" + "A" * 43 + "="],
                                                  "verify": "pin"}
        syncd.write()
        self.assertIn("[tls.pin-mismatch]", syncd.run("sync").err)

    def test_an_expired_certificate(self):
        server = Dovecot(users=1, tls={"days": -1})
        self.addCleanup(server.stop)
        self.pin(server, "tls.expired")

    def test_a_certificate_that_nobody_trusts(self):
        server = Dovecot(users=1)
        self.addCleanup(server.stop)
        self.pin(server, "tls.untrusted")

    def test_the_mail_is_not_mounted(self):
        self.works()
        os.rename(self.tree.root, self.tree.root + ".disk")
        os.mkdir(self.tree.root)
        said = self.fails("store.marker-missing")
        self.assertIn("mount the disk", said)
        os.rmdir(self.tree.root)
        os.rename(self.tree.root + ".disk", self.tree.root)
        self.works()

    def test_the_mail_was_emptied_on_purpose(self):
        self.works()
        shutil.rmtree(self.tree.root)
        os.mkdir(self.tree.root)
        said = self.fails("store.marker-missing")
        command = self.take(r"forget the state: (.*)", said)
        self.assertEqual(shell(command).returncode, 0)
        self.works()
        self.assertSame()

    def test_a_damaged_state(self):
        self.works()
        with open(self.syncd.state + "/a.db", "r+b") as f:
            f.write(b"no database" * 100)
        command = self.take(r"forget the state, no mail is lost: (.*)",
                            self.fails("state.corrupt"))
        self.assertEqual(shell(command).returncode, 0)
        self.works()
        self.assertSame()

    def test_the_disk_is_full(self):
        if os.geteuid() != 0:
            self.skipTest("mounting needs root")
        self.conf["guards"] = {"min_free_space": 0}
        self.syncd.write()
        os.makedirs(self.tree.root)
        if shell(f"mount -t tmpfs -o size=256k,mode=0700 tmpfs {self.tree.root}").returncode:
            self.skipTest("cannot mount")
        self.addCleanup(shell, f"umount -l {self.tree.root}")
        for i in range(12):
            self.client.append("INBOX", message(f"m{i}", "x" * 50_000))
        said = self.fails("store.no-space")
        command = self.take(r"make room, then it goes on by itself: (df .*)", said)
        self.assertIn(self.tree.root, shell(command).stdout)
        shell(f"mount -o remount,size=8m {self.tree.root}")
        self.works()
        self.assertSame()

    def test_others_may_read_the_password(self):
        self.write(self.yaml())
        os.chmod(os.path.join(self.syncd.dir, "secret.a"), 0o644)
        command = self.take(r"= help: (chmod .*)", self.fails("secret.file-mode"))
        self.assertEqual(shell(command).returncode, 0)
        self.works()

    def test_no_watches_are_left(self):
        # Of a name space of our own: the machine's belong to all.
        limit = "/proc/sys/user/max_inotify_watches"
        if shell(f"unshare -r sh -c 'echo 1 >{limit}'").returncode:
            self.skipTest("no user name spaces")
        self.works()
        self.syncd.wrap = ("unshare", "-r", "sh", "-c", f'echo 1 >{limit}; exec "$@"', "sh")
        self.syncd.start()
        self.wait(lambda: "max_user_watches" in self.syncd.run("status").out, 20, "a warning")
        said = self.syncd.run("status").out
        key, number = self.take(r"→ sysctl (fs\.inotify\.max_user_watches)=(\d+)", said)
        self.assertTrue(os.path.exists("/proc/sys/" + key.replace(".", "/")))
        self.syncd.stop()
        self.syncd.wrap = ("unshare", "-r", "sh", "-c",
                           f'echo {number} >{limit}; exec "$@"', "sh")
        self.syncd.start()
        self.wait(lambda: "live" in self.syncd.run("status").out, 20, "a daemon")
        self.assertNotIn("max_user_watches", self.syncd.run("status").out)
