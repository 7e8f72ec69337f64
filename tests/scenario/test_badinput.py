"""What people and machines get wrong: each ends with a clear word and no harm."""
import os
import subprocess
import time
import unittest

from case import Case, limit, local_message, message, rows
from dovecot import Dovecot
from peer import Peer, bad, before, no, stall
from server import free_ports, make_tls, scratch, wait_for
from syncd import Syncd


def logins(peer):
    return [c for c in peer.sent if c.upper().startswith(("LOGIN", "AUTHENTICATE"))]


class PeerCase(unittest.TestCase):
    """A scripted server instead of Dovecot."""

    def start(self, account=None, drop_root=False, **knobs):
        self.peer = Peer(**knobs)
        self.addCleanup(self.peer.stop)
        self.syncd = Syncd(self.peer, account=account, drop_root=drop_root)
        self.addCleanup(self.syncd.stop)
        self.tree = self.syncd.tree


class Credentials(PeerCase):
    def test_a_wrong_password_exits_77_and_says_so(self):
        self.start()
        self.peer.password = "another"
        r = self.syncd.sync(expect=77)
        self.assertIn("auth.refused", r.err + r.out)
        self.assertNotIn(Peer.password, r.err + r.out)
        self.assertLessEqual(len(logins(self.peer)), 2)

    def test_a_wrong_password_does_not_become_a_storm(self):
        self.start()
        self.peer.password = "another"
        self.syncd.start()
        wait_for(lambda: logins(self.peer), 10, "a first login")
        time.sleep(5)
        self.assertLessEqual(len(logins(self.peer)), 2)
        self.assertTrue(self.syncd.alive())
        self.assertEqual(self.syncd.status()["accounts"][0]["state"], "auth-required")

    def test_a_password_command_that_fails_is_named(self):
        self.start({"auth": {"password_command": "echo locked >&2; exit 3"}})
        r = self.syncd.run("sync")
        self.assertNotEqual(r.rc, 0)
        self.assertIn("secret.command-failed", r.err + r.out)
        self.assertEqual(logins(self.peer), [])

    def test_an_empty_password_is_not_sent(self):
        self.start({"auth": {"password_command": "true"}})
        r = self.syncd.run("sync")
        self.assertNotEqual(r.rc, 0)
        self.assertIn("secret.empty", r.err + r.out)
        self.assertEqual(logins(self.peer), [])

    def test_nothing_goes_past_a_tunnel_that_is_not_signed_in(self):
        self.start({"tunnel_command": r"printf '* OK [CAPABILITY IMAP4rev1 AUTH=XOAUTH2] "
                    r"hello\r\n'; read tag rest; printf '%s NO not you\r\n' $tag"})
        self.syncd.settings["accounts"]["a"]["auth"] = {"token_command": "echo fresh"}
        self.syncd.write()
        r = self.syncd.run("sync")
        self.assertIn("auth.", r.err + r.out)
        self.assertNotEqual(r.rc, 0)
        self.assertEqual(self.peer.connections, 0)

    def test_the_secret_is_nowhere_in_the_state(self):
        self.start()
        self.peer.boxes["INBOX"].add(message("m"))
        self.syncd.sync("-v")
        needle = Peer.password.encode()
        for at, _, names in os.walk(self.syncd.state):
            for name in names:
                path = os.path.join(at, name)
                if os.path.isfile(path):
                    with open(path, "rb") as f:
                        self.assertNotIn(needle, f.read(), path)


class Several(PeerCase):
    def test_each_message_that_the_server_does_not_take_is_named_once(self):
        self.start()
        self.peer.on("APPEND", no("[CANNOT] not that"))
        self.syncd.start()
        wait_for(lambda: os.path.isdir(self.tree.path("INBOX")), 20, "a first round")
        paths = [self.tree.add("INBOX", local_message(f"m{i}")) for i in range(3)]
        names = [os.path.basename(p).split(":")[0] for p in paths]
        wait_for(lambda: all(n in self.syncd.log() for n in names), 20, "all their names")
        self.syncd.sync("--full")
        log = self.syncd.log()
        self.assertEqual([log.count(f"does not take {n}") for n in names], [1, 1, 1], log)


class Transport(PeerCase):
    plays = "hostile"

    def refuse(self, code):
        r = self.syncd.run("sync")
        self.assertNotEqual(r.rc, 0)
        self.assertGreater(r.rc, 0, r.err)
        self.assertIn(code, r.err + r.out)
        self.assertEqual(self.peer.sent, [], "something was said to the wrong server")

    def test_an_unknown_authority_is_refused(self):
        other = make_tls(scratch("ca.") + "/tls")
        self.start({"tls": {"ca_file": other}})
        self.refuse("tls.untrusted")

    def test_an_expired_certificate_is_refused(self):
        self.start(days=-1)
        self.refuse("tls.expired")

    def test_a_certificate_for_another_name_is_refused(self):
        self.start(names=("DNS:other.example",))
        self.refuse("tls.name-mismatch")

    def test_a_certificate_of_our_own_is_read_wherever_it_is(self):
        ours = os.path.dirname(make_tls(scratch("client.") + "/tls"))
        os.chmod(ours + "/key.pem", 0o600)
        self.start({"tls": {"client_cert": {"cert": ours + "/cert.pem",
                                            "key": ours + "/key.pem"}}})
        self.peer.boxes["INBOX"].add(message("m"))
        self.syncd.sync()
        self.tree.find("INBOX", "Subject: m")

    def test_without_starttls_nothing_is_said_in_clear(self):
        self.start({"tls": {"mode": "starttls"}}, tls=False)
        self.peer.on("STARTTLS", bad())
        r = self.syncd.run("sync")
        self.assertGreater(r.rc, 0)
        self.assertIn("tls.starttls-stripped", r.err + r.out)
        self.assertEqual(logins(self.peer), [])

    def test_starttls_works(self):
        self.start({"tls": {"mode": "starttls"}}, tls=False,
                   caps="IMAP4rev1 STARTTLS SASL-IR UIDPLUS")
        self.peer.boxes["INBOX"].add(message("m"))
        self.syncd.sync()
        self.tree.find("INBOX", "Subject: m")

    def test_an_alert_in_clear_is_not_shown_one_behind_tls_is(self):
        self.start({"tls": {"mode": "starttls"}}, tls=False,
                   caps="IMAP4rev1 STARTTLS SASL-IR UIDPLUS")
        self.peer.rules.greeting = b"* OK [ALERT] from the greeting\r\n"
        self.peer.on("STARTTLS", before(b"* NO [ALERT] from the clear\r\n"))
        self.peer.on("AUTHENTICATE|LOGIN", before(b"* NO [ALERT] from the server\r\n"))
        r = self.syncd.sync()
        self.assertIn("the server says: from the server", r.err)
        self.assertNotIn("from the greeting", r.err)
        self.assertNotIn("from the clear", r.err)

    def test_bytes_smuggled_behind_starttls_are_not_believed(self):
        self.start({"tls": {"mode": "starttls"}}, tls=False,
                   caps="IMAP4rev1 STARTTLS SASL-IR UIDPLUS")
        self.peer.boxes["INBOX"].add(message("m"))
        real = self.peer.context

        def inject(s, tag, verb, args):
            s.write(f"{tag} OK begin\r\n* 99 EXISTS\r\n* PREAUTH hello\r\n".encode())
            s.flush()
            s.sock = real.wrap_socket(s.sock, server_side=True)
        self.peer.on("STARTTLS", inject)
        r = self.syncd.run("sync")
        self.assertGreater(r.rc, 0)
        self.assertEqual(logins(self.peer), [])

    def test_a_refused_connection_exits_69(self):
        self.start()
        self.syncd.settings["accounts"]["a"]["port"] = free_ports(1)[0]
        self.syncd.write()
        r = self.syncd.sync(expect=69)
        self.assertIn("net.refused", r.err + r.out)

    def test_a_silent_server_is_given_up(self):
        self.start({"limits": {"timeout": {"connect": "2s", "response": "2s"}}})
        self.peer.on("GREETING", stall(30))
        started = time.monotonic()
        self.assertGreater(self.syncd.run("sync").rc, 0)
        self.assertLess(time.monotonic() - started, 20)


# Folder names as no honest server says them.
TRAPS = ["../escape", "../../escape", "..", ".", "a/../../escape", "/escape", "a//b",
         "./x", "~/escape", "cur", "new/tmp", "a/cur", "\x01\x02", "\x7f", "x" * 300,
         "/".join("d" * 90), ".syncd-store", "caf\udce9", "\udcff\udcfe", "con.", "INBOX/..",
         "%2e%2e/escape", "&AAA-", "&", "a&b"]


class Names(PeerCase):
    plays = "hostile"

    def outside(self):
        """All paths of the scratch directory that are not the account's."""
        out = []
        for at, dirs, names in os.walk(self.syncd.dir):
            if at == self.syncd.dir:
                dirs.remove("state")
            dirs[:] = [d for d in dirs if os.path.join(at, d) != self.tree.root]
            out += [os.path.join(at, n) for n in dirs + names]
        return sorted(out)

    @limit(90)
    def test_no_name_leaves_the_tree(self):
        self.start()
        self.peer.boxes["INBOX"].add(message("good"))
        for i, name in enumerate(TRAPS):
            self.peer.box(name, odd=True).add(message(f"trap{i}"))
        before = self.outside()
        for _ in range(2):
            r = self.syncd.run("sync")
            self.assertGreaterEqual(r.rc, 0, r.err)
        self.assertEqual(self.outside(), before)
        self.tree.find("INBOX", "Subject: good")

    def test_each_of_them_alone_harms_nobody(self):
        self.start()
        self.peer.boxes["INBOX"].add(message("good"))
        for name in TRAPS[:8]:
            self.peer.box(name, odd=True).add(message("trap"))
            r = self.syncd.run("sync")
            self.assertGreaterEqual(r.rc, 0, r.err)
            self.tree.find("INBOX", "Subject: good")
            del self.peer.boxes[name]

    def test_names_that_differ_only_in_case_stay_two(self):
        self.start()
        for name in ("Work", "work"):
            self.peer.box(name).add(message("in " + name))
        self.syncd.sync(expect=(0, 1))
        found = [m.data for f in self.tree.folders() for m in self.tree.messages(f)]
        self.assertEqual(len(found), 2)

    def test_a_symlink_in_the_tree_is_not_followed(self):
        self.start()
        self.peer.boxes["INBOX"].add(message("good"))
        self.syncd.sync()
        outside = os.path.join(self.syncd.dir, "outside")
        for sub in ("cur", "new", "tmp"):
            os.makedirs(os.path.join(outside, sub))
        with open(os.path.join(outside, "cur", "1.x:2,S"), "wb") as f:
            f.write(local_message("private"))
        os.symlink(outside, os.path.join(self.tree.root, "link"))
        os.symlink("/etc/passwd", os.path.join(self.tree.root, "INBOX", "cur", "2.y:2,S"))
        self.syncd.run("sync")
        sent = b"".join(m.data for b in self.peer.boxes.values() for m in b.msgs)
        self.assertNotIn(b"private", sent)
        self.assertNotIn(b"root:", sent)

    def test_a_fifo_in_a_folder_stops_nobody(self):
        self.start()
        self.peer.boxes["INBOX"].add(message("good"))
        self.syncd.sync()
        os.mkfifo(os.path.join(self.tree.root, "INBOX", "cur", "1.fifo:2,S"))
        os.mkdir(os.path.join(self.tree.root, "INBOX", "cur", "2.dir:2,S"))
        self.peer.boxes["INBOX"].add(message("better"))
        self.syncd.sync(expect=(0, 1))
        self.tree.find("INBOX", "Subject: better")


class Refusals(PeerCase):
    def test_a_read_only_folder_keeps_the_local_change_and_the_rest_goes_on(self):
        self.start()
        self.peer.box("Shared").add(message("shared"))
        self.peer.boxes["Shared"].readonly = True
        self.peer.boxes["INBOX"].add(message("mine"))
        self.syncd.sync()
        self.tree.set_flags("Shared", "Subject: shared", "F")
        self.tree.set_flags("INBOX", "Subject: mine", "F")
        self.syncd.sync(expect=(0, 1))
        self.assertIn("\\Flagged", self.peer.boxes["INBOX"].msgs[0].flags)
        self.assertEqual(self.peer.boxes["Shared"].msgs[0].flags, set())
        self.tree.find("Shared", "Subject: shared")

    def test_a_refused_upload_stays_here_and_is_not_sent_again_and_again(self):
        self.start()
        self.tree.create_folder("INBOX")
        self.tree.add("INBOX", local_message("never"), "S")
        self.peer.on("APPEND", no("[CANNOT] I do not like it"))
        for _ in range(3):
            self.syncd.sync(expect=(0, 1))
        tries = [c for c in self.peer.sent if c.startswith("APPEND")]
        self.assertIn(len(tries), (1, 2, 3))
        self.tree.find("INBOX", "Subject: never")

    def test_a_message_that_cannot_be_fetched_does_not_block_the_others(self):
        self.start()
        box = self.peer.boxes["INBOX"]
        for i in range(5):
            box.add(message(f"m{i}"))
        self.peer.on(r"UID FETCH (1:|3\b|\d+,).*BODY", no("[SERVERBUG] cannot read"), times=1)
        for _ in range(3):
            self.syncd.run("sync")
        self.assertEqual(len(self.tree.messages("INBOX")), 5)


class Quota(Case):
    server = {"quota": "2M", "rawlog": True}

    def test_what_does_not_fit_stays_here_and_the_rest_goes_up(self):
        self.tree.create_folder("INBOX")
        self.tree.add("INBOX", local_message("huge", "x" * 3_000_000), "S")
        self.tree.add("INBOX", local_message("small"), "S")
        for _ in range(2):
            r = self.syncd.sync(expect=(0, 1))
        self.assertIn("quota", (r.out + r.err).lower())
        self.assertEqual(len(self.client.fetch_all("INBOX")), 1)
        self.tree.find("INBOX", "Subject: huge")


class Disk(unittest.TestCase):
    def mounted(self, size, account=None):
        """An account whose tree is a file system of ${size}."""
        if os.geteuid() != 0:
            self.skipTest("mounting needs root")
        self.server = Dovecot(users=1)
        self.addCleanup(self.server.stop)
        self.syncd = Syncd(self.server, account=account)
        self.tree = self.syncd.tree
        os.makedirs(self.tree.root)
        p = subprocess.run(("mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "tmpfs",
                            self.tree.root), stderr=subprocess.PIPE, check=False)
        if p.returncode:
            self.skipTest("cannot mount: " + p.stderr.decode().strip())
        self.addCleanup(subprocess.run, ("umount", "-l", self.tree.root), check=False)

    def test_a_full_disk_leaves_no_half_message_and_heals(self):
        self.mounted("256k", {"guards": {"min_free_space": 0}})
        with self.server.client() as c:
            for i in range(12):
                c.append("INBOX", message(f"m{i}", "x" * 50_000))
            r = self.syncd.run("sync")
            self.assertGreater(r.rc, 0, "a full disk must be told")
            for m in self.tree.messages("INBOX"):
                self.assertGreater(len(m.data), 50_000, "half a message")
            subprocess.run(("mount", "-o", "remount,size=8m", self.tree.root), check=True)
            self.syncd.sync()
            self.assertEqual(len(self.tree.messages("INBOX")), 12)
            self.assertEqual(len(c.fetch_all("INBOX")), 12, "deleted on the server")

    def test_too_little_free_space_holds_downloads(self):
        self.mounted("4m")
        with self.server.client() as c:
            c.append("INBOX", message("m"))
            r = self.syncd.run("sync")
            self.assertGreater(r.rc, 0)
            self.assertIn("store.no-space", r.out + r.err)
            self.assertEqual(len(c.fetch_all("INBOX")), 1)


class Permission(PeerCase):
    """Run as somebody who may not read everything."""

    def sync(self, *args):
        self.syncd.give(self.syncd.dir)
        return self.syncd.run("sync", *args)

    def test_an_unreadable_directory_deletes_nothing(self):
        self.start(drop_root=True)
        self.peer.box("Archive").add(message("kept"))
        self.peer.boxes["INBOX"].add(message("m"))
        self.assertEqual(self.sync().rc, 0)
        cur = self.tree.path("Archive")
        os.chmod(cur, 0)
        self.addCleanup(os.chmod, cur, 0o700)
        self.peer.boxes["INBOX"].add(message("second"))
        r = self.syncd.run("sync")
        self.assertNotEqual(r.rc, 0)
        self.assertEqual(len(self.peer.boxes["Archive"].msgs), 1)
        self.tree.find("INBOX", "Subject: second")
        os.chmod(cur, 0o700)
        self.assertEqual(self.syncd.run("sync").rc, 0)

    def test_a_read_only_tree_deletes_nothing(self):
        self.start(drop_root=True)
        self.peer.boxes["INBOX"].add(message("m"))
        self.assertEqual(self.sync().rc, 0)
        for sub in ("cur", "new", "tmp"):
            os.chmod(self.tree.path("INBOX") + "/" + sub, 0o500)
        self.peer.boxes["INBOX"].add(message("second"))
        self.assertNotEqual(self.syncd.run("sync").rc, 0)
        self.assertEqual(len(self.peer.boxes["INBOX"].msgs), 2)
        for sub in ("cur", "new", "tmp"):
            os.chmod(self.tree.path("INBOX") + "/" + sub, 0o700)
        self.assertEqual(self.syncd.run("sync").rc, 0)
        self.assertEqual(len(self.tree.messages("INBOX")), 2)

    def test_a_folder_that_goes_on_taking_no_mail_is_named(self):
        """Not tried with others again and again, until the round is given up."""
        folders = ("One", "Two", "Three")
        self.start(drop_root=True)
        for f in folders:
            self.peer.box(f).add(message("first"))
        self.assertEqual(self.sync().rc, 0)
        shut = [self.tree.path("Two") + "/" + sub for sub in ("cur", "new")]
        for d in shut:
            os.chmod(d, 0o500)
        for f in folders:
            self.peer.boxes[f].add(message("second"))
        r = self.syncd.run("sync")
        self.assertNotEqual(r.rc, 0)
        self.assertIn("Two [store.permission]", r.err)
        self.assertEqual([len(self.tree.messages(f)) for f in folders], [2, 1, 2],
                         r.out + r.err)
        for d in shut:
            os.chmod(d, 0o700)
        self.assertEqual(self.syncd.run("sync").rc, 0)
        self.assertEqual([len(self.tree.messages(f)) for f in folders], [2, 2, 2])


# A configuration and a code that must be named.
MISTAKES = {
    "not yaml": ("accounts: [", "config."),
    "a tab": ("accounts:\n\ta: x\n", "config.tab"),
    "unknown key": ("acounts: {}\n", "config.unknown-key"),
    "no secret": ("accounts: {a: {host: 127.0.0.1, user: u, path: /nonexistent/x}}\n",
                  "config.missing-secret"),
    "two secrets": ("accounts: {a: {host: 127.0.0.1, user: u, path: /nonexistent/x, "
                    "auth: {password_command: x, password_file: y}}}\n", "config.two-secrets"),
    "duplicate key": ("state_dir: a\nstate_dir: b\n", "config.duplicate-key"),
    "port": ("accounts: {a: {host: h, port: 99999, user: u, password_command: x, "
             "path: /nonexistent/x}}\n", "config."),
    "clear text": ("accounts: {a: {host: mail.example.org, user: u, password_command: x, "
                   "path: /nonexistent/x, tls: {mode: none}}}\n", "config."),
}


@rows("mistake", MISTAKES)
class Configuration(PeerCase):
    def mistake(self, row):
        text, code = row
        self.start()
        with open(self.syncd.conf, "w", encoding="utf-8") as f:
            f.write(text)
        for verb in ("check", "sync"):
            r = self.syncd.run(verb)
            self.assertEqual(r.rc, 78, r.err)
            self.assertIn(code, r.err)
            self.assertIn("syncd.yaml:", r.err)

    def test_no_file_at_all_exits_78(self):
        self.start()
        os.unlink(self.syncd.conf)
        self.assertEqual(self.syncd.run("sync").rc, 78)

    def test_an_unknown_verb_exits_64(self):
        self.start()
        self.assertEqual(self.syncd.run("synk").rc, 64)

    def test_an_unknown_account_exits_66(self):
        self.start()
        self.assertEqual(self.syncd.run("sync", "nobody").rc, 66)
