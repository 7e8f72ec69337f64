"""A new user: from nothing to the first message, in less than half a minute of
typing and waiting.  What is typed is what the screen asks for and names.
"""
import os
import re

from case import Case, limit, message
from server import trust
from syncd import BINARY
from typist import Typist

MOST = 30      # seconds, with what is typed
TYPING = 20    # of these; the rest is for programs
MAIL = 40      # messages


def file_choice(seen):
    """The number of the first place for a password that every machine has."""
    return re.search(r"(\d+)  a private file", seen)[1] + "\n"


class NewUser(Case):
    server = {"rawlog": False, "pop3": "", "mechanisms": "scram-sha-256 scram-sha-1 plain",
              "extra": "auth_username_format = %n\n"}
    n_users = 10

    def setUp(self):
        super().setUp()
        self.home = os.path.join(self.syncd.dir, "home")
        path = os.path.join(self.syncd.dir, "bin")
        for d in (self.home, path):
            os.mkdir(d)
        os.symlink(BINARY, path + "/syncd")
        env = {"HOME": self.home, "PATH": f"{path}:/usr/bin:/bin", "LC_ALL": "C.UTF-8",
               "TERM": "xterm", "SSL_CERT_DIR": trust(self.dovecot.ca, self.syncd.dir + "/trust")}
        env.update((k, v) for k, v in os.environ.items()
                   if k.startswith(("ASAN_", "UBSAN_", "LSAN_")))
        self.person = Typist(env)
        self.address = f"{self.user}@mail.test"
        for i in range(MAIL):
            self.client.append("INBOX", message(f"hello{i}"))

    def answers(self, *more):
        """To all that `init` asks: Return is enough but for three things."""
        return ((r"Number \[1\]> ", file_choice),
                (r"\(hidden\): ", self.dovecot.password + "\n"),
                (r"Keep the mail in \[.*\]> ", "\n"), *more, (r"Write it\? \[y/N\] ", "y\n"))

    def policy(self):
        return (r"Policy.*> ", "\n")

    def reads(self, said):
        """Do what `init` says comes next, and look where it says that mail is kept."""
        where = re.search(r"Keep the mail in \[~/(.*)\]> ", said)[1]
        then = re.search(r"^  (syncd sync \S+) +INBOX first", said, re.M)[1]
        code, seen = self.person.run(then)
        self.assertEqual(code, 0, seen)
        new = os.path.join(self.home, where, "INBOX/new")
        self.assertEqual(len(os.listdir(new)), MAIL)
        texts = set()
        for name in os.listdir(new):
            with open(os.path.join(new, name), "rb") as f:
                texts.add(f.read())
        self.assertIn(message("hello0", eol="\n"), texts)

    def assertQuick(self):
        p = self.person
        print(f"  {self._testMethodName}: {p.keys} keys, {p.typing:.1f} s of typing; programs "
              f"{p.seconds:.1f} s, {p.cpu:.1f} s of the processor", flush=True)
        self.assertLess(p.typing, TYPING)
        # A busy machine takes its time; what it is kept busy with by us counts.
        self.assertLess(p.typing + p.cpu, MOST)

    @limit(150)
    def test_a_server_with_scram(self):
        code, said = self.person.run(
            f"syncd init {self.address} --host localhost:{self.dovecot.tls_port}",
            *self.answers(self.policy()))
        self.assertEqual(code, 0, said)
        self.assertIn(f"ok, as {self.address} by SCRAM-SHA-256", said)
        self.reads(said)
        self.assertQuick()

    @limit(150)
    def test_a_certificate_that_nobody_trusts(self):
        """The message names the key; it is looked at, and pasted."""
        del self.person.env["SSL_CERT_DIR"]
        code, said = self.person.run(
            f"syncd init {self.address} --host localhost:{self.dovecot.tls_port}")
        self.assertEqual(code, 69, said)
        pin = re.search(r"do it again with: (--pin sha256/\S{43}=)(?= )", said)
        self.assertIsNotNone(pin, said)
        code, said = self.person.again(pin[1], *self.answers(self.policy()))
        self.assertEqual(code, 0, said)
        self.reads(said)
        self.assertQuick()

    @limit(150)
    def test_pop3(self):
        code, said = self.person.run(
            f"syncd init {self.address} --pop3 --host localhost:{self.dovecot.pop3s_port}",
            *self.answers())
        self.assertEqual(code, 0, said)
        self.assertIn(f"{MAIL} messages, ", said)
        self.reads(said)
        self.assertQuick()
