"""`syncd init`: from an address to an account that works, or to nothing at all."""
import json
import os
import pty
import re
import select
import stat
import subprocess
import time
import unittest

from case import Case, limit, message, rows
from dns import Dns
from network import SERVER, Network, possible
from server import trust
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


class Home(Case):
    """A home that holds nothing yet."""

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

    def host(self):
        """What --host says, or None."""
        return f"localhost:{self.dovecot.tls_port}"

    def argv(self, *args, email=MAIL, host=True):
        argv = [BINARY, "init", email, "--user", self.user, "--ca-file", self.dovecot.ca,
                "--dns", self.dns.address, *args]
        return argv + (["--host", self.host()] if host else [])

    def run_init(self, *args, stdin=None, before=(), **kwargs):
        return subprocess.run([*before, *self.argv(*args, **kwargs)], env=self.env,
                              capture_output=True, text=True, timeout=40,
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

    def dialogue(self, answers, *args):
        """Drive it in a pty: (what to wait for, what to type)...; all output."""
        argv = self.argv(*args)
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


class Init(Home):
    # -- without a terminal ----------------------------------------------

    def test_a_path_is_taken_as_it_is_typed(self):
        """YAML has other ideas of ` #` and `: `."""
        for name, path in (("one", self.home + "/My #1 mail"), ("two", self.home + "/a: b"),
                           ("three", "~/it's")):
            r = self.run_init("--name", name, "--secret", "file", "--stdin", "--yes",
                              "--path", path, stdin=self.secret())
            self.assertEqual(r.returncode, 0, r)
            r = self.verb("config", "show", name, "--json")
            shown = json.loads(r.stdout)[f"accounts.{name}.path"]["value"]
            self.assertEqual(shown.strip("'").replace("''", "'"),
                             path.replace("~", self.home))

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

    def test_authorities_that_the_environment_names(self):
        """Also in the sandbox of whoever talks to the server."""
        self.env["SSL_CERT_DIR"] = "/nonexistent:" + trust(
            self.dovecot.ca, os.path.join(self.syncd.dir, "trust"))
        r = subprocess.run([BINARY, "init", MAIL, "--user", self.user, "--host", self.host(),
                            "--secret", "file", "--stdin", "--yes"], env=self.env,
                           input=self.secret(), capture_output=True, text=True, timeout=40,
                           check=False)
        self.assertEqual(r.returncode, 0, r.stderr)
        r = self.verb("sync")
        self.assertEqual(r.returncode, 0, r.stderr)

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


class Pop3(Home):
    """The same where mail is fetched by POP3."""
    server = {"pop3": "", "tls": {"names": ("DNS:localhost", "IP:127.0.0.1", f"IP:{SERVER}")}}

    def host(self):
        return f"localhost:{self.dovecot.pop3s_port}"

    def seed(self, n=2):
        for i in range(n):
            self.client.append("INBOX", message(f"m{i}"))

    def assertComes(self, n=2):
        """What was written fetches what is there."""
        with open(self.config(), encoding="utf-8") as f:
            self.assertIn("    protocol: pop3\n", f.read())
        r = self.verb("check")
        self.assertEqual((r.returncode, r.stderr), (0, ""))
        r = self.verb("sync")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(len(os.listdir(os.path.join(self.home, "Mail/mail/INBOX/new"))), n)

    def test_as_the_user_says(self):
        self.seed()
        r = self.run_init("--pop3", "--secret", "file", "--stdin", "--yes", stdin=self.secret())
        self.assertEqual(r.returncode, 0, r.stdout + r.stderr)
        self.assertIn(f"{self.host()}, POP3, TLSv1.", r.stdout)
        self.assertRegex(r.stdout, r"signs in with: .*PLAIN.* USER; not: ")
        size = sum(len(message(f"m{i}")) for i in range(2))
        self.assertIn(f"\n  2 messages, {size} B\n", r.stdout)
        self.assertNotIn("both ways", r.stdout)
        self.assertComes()

    def test_json(self):
        self.seed(1)
        r = self.run_init("--pop3", "--secret", "file", "--stdin", "--yes", "--json",
                          stdin=self.secret())
        self.assertEqual(r.returncode, 0, r.stderr)
        told = json.loads(r.stdout)
        self.assertEqual([told[k] for k in ("protocol", "port", "folders", "messages", "bytes")],
                         ["pop3", self.dovecot.pop3s_port, 0, 1, len(message("m0"))])

    def test_only_pop3_at_the_port(self):
        """Nobody said that it is."""
        self.seed()
        r = self.run_init("--secret", "file", "--stdin", "--yes", stdin=self.secret())
        self.assertEqual(r.returncode, 0, r.stdout + r.stderr)
        self.assertIn(f"no IMAP at port {self.dovecot.pop3s_port}; POP3 at", r.stdout)
        self.assertComes()

    def test_stls(self):
        self.seed()
        r = self.run_init("--pop3", "--starttls", "--secret", "file", "--stdin", "--yes", "--host",
                          f"localhost:{self.dovecot.pop3_port}", stdin=self.secret(), host=False)
        self.assertEqual(r.returncode, 0, r.stdout + r.stderr)
        with open(self.config(), encoding="utf-8") as f:
            self.assertIn("tls:\n      mode: starttls\n", f.read())
        self.assertComes()

    def published(self, service, port, *args):
        self.dns.zone = {(f"{service}.mail.test", "SRV"): [(0, 1, port, "localhost")]}
        r = self.run_init(*args, "--secret", "file", "--stdin", "--yes", stdin=self.secret(),
                          host=False)
        self.assertEqual(r.returncode, 0, r.stdout + r.stderr)
        self.assertIn(f"SRV {service}.mail.test", r.stdout)
        self.assertComes()

    def test_published_and_no_imap(self):
        self.seed()
        self.published("_pop3s._tcp", self.dovecot.pop3s_port)

    def test_published_in_clear_is_stls(self):
        self.seed()
        self.published("_pop3._tcp", self.dovecot.pop3_port)

    def test_wanted_though_there_is_imap(self):
        self.seed()
        self.dns.zone[("_pop3s._tcp.mail.test", "SRV")] = [(0, 1, self.dovecot.pop3s_port,
                                                           "localhost")]
        r = self.run_init("--pop3", "--secret", "file", "--stdin", "--yes", stdin=self.secret(),
                          host=False)
        self.assertEqual(r.returncode, 0, r.stdout + r.stderr)
        self.assertComes()

    def test_none_is_published(self):
        self.dns.zone = {}
        r = self.run_init("--pop3", "--no-input", host=False)
        self.assertEqual(r.returncode, 75, r.stderr)
        self.assertIn("no POP3 server is published for mail.test; looked at: SRV _pop3s._tcp",
                      r.stderr)
        self.assertIn("syncd init u@mail.test --pop3 --host pop.mail.test", r.stderr)

    @unittest.skipUnless(possible(), "root only")
    def test_only_pop3_at_the_host(self):
        """Nothing at 993; POP3 at 995, or only at 110."""
        self.seed()
        for n, (port, to) in enumerate(((995, self.dovecot.pop3s_port),
                                        (110, self.dovecot.pop3_port)), 1):
            network = Network()
            self.addCleanup(network.stop)
            network.relay(port).to = to
            r = self.run_init("--host", SERVER, "--secret", "file", "--stdin", "--yes", "--json",
                              stdin=self.secret(), host=False, before=network.wrap())
            self.assertEqual(r.returncode, 0, r.stdout + r.stderr)
            told = json.loads(r.stdout)
            self.assertEqual((told["protocol"], told["port"], told["messages"]), ("pop3", port, 2))
            with open(told["file"], encoding="utf-8") as f:
                text = f.read()
            self.assertEqual(("starttls" in text, "port:" in text), (port == 110, False), text)
            r = subprocess.run([*network.wrap(), BINARY, "sync", told["account"]], env=self.env,
                               capture_output=True, text=True, timeout=40, check=False)
            self.assertEqual(r.returncode, 0, r.stderr)
            inbox = os.path.join(self.home, "Mail", told["account"], "INBOX/new")
            self.assertEqual(len(os.listdir(inbox)), 2)

    # -- mistakes leave nothing ------------------------------------------

    def test_wrong_password_writes_nothing(self):
        r = self.run_init("--pop3", "--secret", "file", "--stdin", "--yes", stdin="wrong\n")
        self.assertEqual(r.returncode, 77, r.stderr)
        self.assertIn("auth.refused", r.stderr)
        self.assertEqual(self.written(), [])

    def test_a_certificate_that_nobody_trusts(self):
        r = subprocess.run([BINARY, "init", MAIL, "--pop3", "--host", self.host(), "--secret",
                            "file", "--stdin"], env=self.env, input=self.secret(),
                           capture_output=True, text=True, timeout=40, check=False)
        self.assertEqual(r.returncode, 69, r.stderr)
        self.assertIn("tls.untrusted", r.stderr)
        self.assertIn("--pin sha256/", r.stderr)
        self.assertEqual(self.written(), [])

    def test_nobody_to_ask(self):
        r = self.run_init("--pop3")
        self.assertEqual(r.returncode, 64, r.stderr)
        self.assertIn("--secret", r.stderr)
        self.assertEqual(self.written(), [])

    def test_nothing_there_tells_of_imap(self):
        r = self.run_init("--host", "localhost:1", "--secret", "file", host=False)
        self.assertEqual(r.returncode, 69, r.stderr)
        self.assertIn("error[net.refused]: localhost:1", r.stderr)

    # -- at a terminal ---------------------------------------------------

    @limit(90)
    def test_the_dialogue(self):
        self.seed()
        status, seen = self.dialogue([
            (r"Number", self.file_choice()), (r"hidden", self.secret()),
            (r"Keep the mail", "\n"), (r"Write it", "y\n")], "--pop3")
        self.assertEqual(os.waitstatus_to_exitcode(status), 0, seen)
        self.assertIn("pop3.keep_on_server", seen)
        self.assertNotIn("Policy", seen)
        self.assertComes()

    @limit(120)
    def test_ctrl_c_leaves_nothing(self):
        steps = [(r"Number", self.file_choice()), (r"hidden", self.secret()),
                 (r"Keep the mail", "\n"), (r"Write it", "y\n")]
        for n in range(len(steps)):
            status, seen = self.dialogue(steps[:n] + [(steps[n][0], "\x03")], "--pop3")
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
