"""`syncd init`: from an address to an account that works, or to nothing at all."""
import json
import os
import pty
import re
import select
import stat
import subprocess
import time

from case import Case, limit, message, rows
from dns import Dns
from syncd import BINARY

MAIL = "u@mail.test"
FAKE_PASS = """#!/bin/sh
# pass(1), as far as it is used: insert -m -f NAME, show NAME.
store=$HOME/.fake-pass; mkdir -p "$store"
case $1 in
insert) cat >"$store/$(echo "$4" | tr / _)" ;;
show) cat "$store/$(echo "$2" | tr / _)" 2>/dev/null ;;
esac
"""


class Init(Case):
    def setUp(self):
        super().setUp()
        self.home = os.path.join(self.syncd.dir, "home")
        self.bin = os.path.join(self.syncd.dir, "bin")
        for d in (self.home, self.bin):
            os.mkdir(d)
        self.dns = Dns({("_imaps._tcp.mail.test", "SRV"):
                        [(0, 1, self.dovecot.tls_port, "localhost")]})
        self.addCleanup(self.dns.close)
        self.env = {"HOME": self.home, "PATH": self.bin + ":" + os.environ["PATH"],
                    "LC_ALL": "C.UTF-8", "TERM": "xterm"}
        self.env.update((k, v) for k, v in os.environ.items()
                        if k.startswith(("ASAN_", "UBSAN_", "LSAN_")))

    def run_init(self, *args, email=MAIL, stdin=None, host=True):
        argv = [BINARY, "init", email, "--user", self.user, "--ca-file", self.dovecot.ca,
                "--dns", self.dns.address, *args]
        if host:
            argv += ["--host", f"localhost:{self.dovecot.tls_port}"]
        return subprocess.run(argv, env=self.env, capture_output=True, text=True, timeout=40,
                              input=stdin if stdin is not None else "", check=False)

    def config(self, name="mail"):
        return os.path.join(self.home, ".config/syncd/accounts.d", name + ".yaml")

    def written(self):
        """Everything below the home that is no directory."""
        return sorted(os.path.relpath(os.path.join(at, f), self.home)
                      for at, _, files in os.walk(self.home) for f in files)

    def verb(self, *args):
        return subprocess.run([BINARY, *args], env=self.env, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=40, check=False)

    def fake_pass(self):
        path = os.path.join(self.bin, "pass")
        with open(path, "w", encoding="utf-8") as f:
            f.write(FAKE_PASS)
        os.chmod(path, 0o755)

    def secret(self):
        return self.dovecot.password + "\n"

    # -- without a terminal ----------------------------------------------

    def test_found_by_srv_and_ready_to_sync(self):
        self.client.append("INBOX", message("first"))
        r = self.run_init("--secret", "file", "--stdin", stdin=self.secret(), host=False)
        self.assertEqual(r.returncode, 69, r.stdout + r.stderr)    # localhost is foreign
        self.assertIn(f"--host localhost:{self.dovecot.tls_port}", r.stderr)
        self.assertEqual(self.written(), [])
        r = self.run_init("--secret", "file", "--stdin", "--yes", stdin=self.secret(),
                          host=False)
        self.assertEqual(r.returncode, 0, r.stdout + r.stderr)
        self.assertIn(("_imaps._tcp.mail.test", "SRV"), self.dns.asked)
        secret = os.path.join(self.home, ".config/syncd/secrets/mail")
        for path in (secret, self.config()):
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        self.assertNotIn(self.dovecot.password, open(self.config(), encoding="utf-8").read())
        r = self.verb("sync")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertTrue(os.listdir(os.path.join(self.home, "Mail/mail/INBOX/new")))

    def test_json_and_a_second_account_of_the_same_domain(self):
        for want in ("mail", "mail-2"):
            r = self.run_init("--secret", "file", "--stdin", "--yes", "--json",
                              stdin=self.secret())
            self.assertEqual(r.returncode, 0, r.stderr)
            told = json.loads(r.stdout)
            self.assertEqual((told["account"], told["file"]), (want, self.config(want)))
        self.assertEqual(self.verb("check").returncode, 0)

    def test_stored_through_pass_and_read_back(self):
        self.fake_pass()
        r = self.run_init("--secret", "pass", "--stdin", "--yes", stdin=self.secret())
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertIn("reads back well", r.stdout)
        with open(self.config(), encoding="utf-8") as f:
            self.assertIn('password_command: ["pass", "show", "mail/mail.test/u"]', f.read())
        self.assertEqual(self.verb("check", "--online").returncode, 0)
        # What is stored is used again, without being asked for.
        r = self.run_init("--secret", "pass", "--yes", "--name", "again")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertIn("which is used", r.stdout)

    def test_print_writes_nothing(self):
        with open(os.path.join(self.syncd.dir, "secret.a"), encoding="utf-8") as f:
            self.assertEqual(f.read(), self.secret())
        r = self.run_init("--print", "--policy", "backup", "--secret",
                          f"command:cat {self.syncd.dir}/secret.a")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertIn("policy: backup", r.stdout)
        self.assertTrue(r.stdout.startswith("accounts:\n  mail:\n    email: u@mail.test\n"))
        self.assertEqual(self.written(), [])

    def test_a_configuration_that_does_not_read_it(self):
        top = os.path.join(self.home, ".config/syncd")
        os.makedirs(os.path.join(top, "other.d"))
        with open(os.path.join(top, "syncd.yaml"), "w", encoding="utf-8") as f:
            f.write("include: [other.d/*.yaml]\nlog: {level: info}\n")
        r = self.run_init("--secret", "file", "--stdin", "--yes", stdin=self.secret())
        self.assertIn(r.returncode, (1, 78), r.stderr)
        self.assertIn("syncd check" if r.returncode == 78 else "init.not-included", r.stderr)

    # -- mistakes leave nothing ------------------------------------------

    def test_wrong_password_writes_nothing(self):
        self.fake_pass()
        for kind in ("file", "pass"):
            r = self.run_init("--secret", kind, "--stdin", "--yes", stdin="wrong\n")
            self.assertEqual(r.returncode, 77, r.stderr)
            self.assertIn("auth.refused", r.stderr)
            self.assertEqual(self.written(), [])

    def test_a_certificate_that_nobody_trusts(self):
        r = subprocess.run([BINARY, "init", MAIL, "--host", f"localhost:{self.dovecot.tls_port}",
                            "--secret", "file", "--stdin"], env=self.env, input=self.secret(),
                           capture_output=True, text=True, timeout=40, check=False)
        self.assertEqual(r.returncode, 69, r.stderr)
        self.assertIn("tls.untrusted", r.stderr)
        self.assertIn("--ca-file", r.stderr)
        self.assertEqual(self.written(), [])

    def test_nobody_to_ask(self):
        r = self.run_init()
        self.assertEqual(r.returncode, 64, r.stderr)
        self.assertIn("--secret", r.stderr)
        r = self.run_init("--secret", "file")
        self.assertEqual(r.returncode, 64, r.stderr)
        self.assertEqual(self.written(), [])

    def test_a_tool_that_gives_back_something_else(self):
        self.fake_pass()
        with open(os.path.join(self.bin, "pass"), "a", encoding="utf-8") as f:
            f.write('if [ "$1" = insert ]; then echo other >"$store/mail_mail.test_u"; fi\n')
        r = self.run_init("--secret", "pass", "--stdin", "--yes", stdin=self.secret())
        self.assertEqual(r.returncode, 73, r.stderr)
        self.assertIn("secret.store-failed", r.stderr)
        self.assertFalse(os.path.exists(self.config()))

    # -- at a terminal ---------------------------------------------------

    def dialogue(self, answers, *args):
        """Drive it in a pty: (what to wait for, what to type)...; all output."""
        argv = [BINARY, "init", MAIL, "--user", self.user, "--ca-file", self.dovecot.ca,
                "--host", f"localhost:{self.dovecot.tls_port}", *args]
        pid, fd = pty.fork()
        if pid == 0:
            os.execve(BINARY, argv, self.env)
        seen, answers, deadline = "", list(answers), time.monotonic() + 40
        while time.monotonic() < deadline:
            if select.select([fd], [], [], 0.2)[0]:
                try:
                    seen += os.read(fd, 65536).decode(errors="replace")
                except OSError:
                    break
            if answers and re.search(answers[0][0], seen):
                os.write(fd, answers.pop(0)[1].encode())
        _, status = os.waitpid(pid, 0)
        os.close(fd)
        self.assertEqual(answers, [], seen)
        return status, seen

    def file_choice(self):
        kinds = ["systemd-creds"] if os.path.exists("/usr/bin/systemd-creds") else []
        return str(len(kinds) + 1) + "\n"

    @limit(90)
    def test_the_dialogue(self):
        status, seen = self.dialogue([
            (r"Number", self.file_choice()), (r"hidden", self.secret()),
            (r"Keep the mail", "\n"), (r"Policy", "archive\n"), (r"Write it", "y\n")])
        self.assertEqual(os.waitstatus_to_exitcode(status), 0, seen)
        self.assertNotIn(self.dovecot.password, seen)
        self.assertIn("policy: archive", open(self.config(), encoding="utf-8").read())

    @limit(120)
    def test_ctrl_c_leaves_nothing(self):
        steps = [(r"Number", self.file_choice()), (r"hidden", self.secret()),
                 (r"Keep the mail", "\n"), (r"Policy", "\n"), (r"Write it", "y\n")]
        for n in range(len(steps)):
            status, seen = self.dialogue(steps[:n] + [(steps[n][0], "\x03")])
            self.assertNotEqual(status, 0, seen)
            self.assertEqual(self.written(), [], seen)


LOOKUPS = {
    "no_such_domain": ({}, "answer", "nobody@none.test", 75,
                       ["init.nothing-found", "SRV _imaps._tcp.none.test (none)",
                        "syncd init nobody@none.test --host imap.none.test"]),
    "service_denied": ({("_imaps._tcp.no.test", "SRV"): [(0, 0, 0, ".")]}, "answer",
                       "a@no.test", 75, ["no such service"]),
    "unknown_exchanger": ({("x.test", "MX"): [(10, "mx1.x.test")]}, "answer", "a@x.test", 75,
                          ["MX mx1.x.test (not a known provider)"]),
    "no_imap_by_exchanger": ({("x.test", "MX"): [(10, "mail.protonmail.ch")]}, "answer",
                             "a@x.test", 69, ["init.no-imap", "Proton Mail Bridge"]),
    "no_imap_by_table": ({}, "answer", "a@tuta.com", 69, ["init.no-imap"]),
    "server_fails": ({}, "fail", "a@x.test", 75, ["name server does not answer"]),
    "server_answers_junk": ({}, "junk", "a@x.test", 75, ["init.nothing-found"]),
    "no_address": ({}, "answer", "x.test", 64, ["NAME@DOMAIN"]),
    "hostile_target": ({("_imaps._tcp.x.test", "SRV"): [(0, 0, 993, "a b$(id)")]}, "answer",
                       "a@x.test", 75, ["init.nothing-found"]),
}


@rows("lookup", LOOKUPS)
class Lookups(Case):
    server = None

    def lookup(self, row):
        zone, mode, email, code, words = row
        with Dns(zone, mode) as dns:
            r = subprocess.run([BINARY, "init", email, "--dns", dns.address, "--no-input"],
                               env={"HOME": "/nonexistent", "PATH": os.environ["PATH"]},
                               capture_output=True, text=True, timeout=40,
                               stdin=subprocess.DEVNULL, check=False)
        self.assertEqual(r.returncode, code, r.stderr)
        for word in words:
            self.assertIn(word, r.stderr)
        self.assertIn("error[", r.stderr)
