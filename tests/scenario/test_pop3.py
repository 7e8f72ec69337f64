"""POP3 against Dovecot: mail comes, once and byte for byte, and stays on the
server as long as it should.  SYNCD_POP3_MESSAGES: how many (300)."""
import os
import sqlite3
import sys
from collections import Counter

from case import Case, limit, message
from maildir import canonical
from syncd import ROOT

sys.path.insert(0, os.path.join(ROOT, "tests", "crash"))

import drain    # noqa: E402

MANY = int(os.environ.get("SYNCD_POP3_MESSAGES", "300"))


class Pop3(Case):
    """Seeded by IMAP, fetched by POP3."""
    server = {"pop3": "pop3_uidl_format = %08Xu%08Xv", "oauth": True}

    def setUp(self):
        super().setUp()
        self.set(protocol="pop3", port=self.dovecot.pop3s_port)

    def set(self, **keys):
        self.syncd.settings["accounts"]["a"].update(keys)
        self.syncd.write()

    def seed(self, *tokens):
        for t in tokens:
            self.client.append("INBOX", message(t))

    def here(self):
        return Counter(canonical(m.data) for m in self.tree.messages("INBOX"))

    def there(self):
        return Counter(canonical(m.data) for m in self.client.fetch_all("INBOX"))

    def assertQuiet(self):
        before = self.tree.snapshot()
        r = self.syncd.sync()
        self.assertNotIn("downloaded", r.out)
        self.assertNotIn("deleted", r.out)
        self.assertEqual(self.tree.snapshot(), before)

    # -- it comes --------------------------------------------------------

    @limit(60 + MANY // 20)
    def test_many(self):
        for i in range(MANY):
            self.client.append("INBOX", message(f"m{i}", f".dot\r\n..\r\n{i}" + "x" * (i % 3000)))
        there = self.there()
        self.assertEqual(sum(there.values()), MANY)
        self.syncd.sync(timeout=60 + MANY // 20)
        self.assertEqual(self.here(), there)
        self.assertQuiet()
        self.assertEqual(self.there(), there)

    def test_new_mail_comes_alone(self):
        self.seed("m1", "m2")
        self.syncd.sync()
        self.seed("m3")
        self.assertIn("downloaded=1", self.syncd.sync().out)
        self.assertEqual(self.here(), self.there())

    def test_what_happens_here_is_the_users_business(self):
        self.seed("m1", "m2")
        self.syncd.sync()
        self.tree.delete("INBOX", "Subject: m1")
        self.tree.set_flags("INBOX", "Subject: m2", "S")
        self.assertQuiet()
        self.assertEqual(sum(self.there().values()), 2)

    def test_what_people_see(self):
        self.seed("m1", "m2")
        self.syncd.sync()
        self.assertIn("secret by password_command",
                      self.syncd.run("check", "--online").out)
        self.assertRegex(self.syncd.run("folders").out, r"a +2 +INBOX +INBOX")
        log = self.syncd.run("log").out
        self.assertEqual(log.count("download"), 2)
        self.assertIn('"m1"', log)

    def test_wrong_password(self):
        self.set(auth={"password_command": ["echo", "wrong"]})
        r = self.syncd.sync(expect=77)
        self.assertIn("auth.refused", r.err)

    def test_a_name_that_is_not_in_the_certificate(self):
        self.set(host="localhost.localdomain")
        self.syncd.sync(expect=69)

    def test_mechanisms(self):
        auth = self.syncd.settings["accounts"]["a"]["auth"]
        self.seed("m0")
        for i, name in enumerate(("USER", "PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1",
                                  "SCRAM-SHA-256")):
            self.set(auth=dict(auth, mechanisms=[name]))
            self.syncd.sync()
        self.assertEqual(self.here(), self.there())

    def test_the_daemon_polls(self):
        self.set(watch={"poll": "1s"})
        self.seed("m1")
        with self.syncd:
            self.wait(lambda: sum(self.here().values()) == 1, 10, "the first message")
            self.seed("m2")
            self.wait(lambda: sum(self.here().values()) == 2, 10, "the second message")
            account = self.syncd.status()["accounts"][0]
            self.assertIn(account["state"], ("polling", "syncing", "connecting"))
            # By hand, too.
            self.seed("m3")
            self.syncd.sync()
            self.assertEqual(self.here(), self.there())

    def test_stls(self):
        self.set(port=self.dovecot.pop3_port,
                 tls={"mode": "starttls", "ca_file": self.dovecot.ca})
        self.seed("m1", "m2")
        self.syncd.sync()
        self.assertEqual(self.here(), self.there())
        self.assertQuiet()

    # -- it stays, as long as it should ----------------------------------

    def test_all_is_here_and_none_there(self):
        self.set(pop3={"keep_on_server": 0, "max_per_session": 2})
        self.seed(*(f"m{i}" for i in range(5)))
        there = self.there()
        self.syncd.sync()
        self.assertEqual(self.here(), there)
        self.assertEqual(sum(self.there().values()), 0)
        self.assertQuiet()
        self.assertEqual(self.syncd.run("log").out.count("delete-remote"), 5)

    def test_counted_from_first_sight(self):
        self.set(pop3={"keep_on_server": "30d"})
        self.seed("m1", "m2")
        self.syncd.sync()
        all_of_it = self.here()
        self.assertEqual(self.there(), all_of_it)
        db = sqlite3.connect(os.path.join(self.syncd.state, "a.db"))
        with db:
            db.execute("UPDATE uidl SET since = since - 31 * 86400000000 WHERE message ="
                       " (SELECT min(message) FROM uidl)")
        db.close()
        self.syncd.sync()
        self.assertEqual(sum(self.there().values()), 1)
        self.assertEqual(self.here(), all_of_it)
        self.assertQuiet()

    def test_tokens(self):
        self.seed("m1")
        for name in ("XOAUTH2", "OAUTHBEARER"):
            self.set(auth={"token_command": ["echo", self.dovecot.token(self.user)],
                           "mechanisms": [name]})
            self.syncd.sync()
        self.assertEqual(self.here(), self.there())


class Killed(Case):
    """A sample; tests/crash/drain.py is the whole of it."""
    server = None

    def test_at_some_effects(self):
        drain.build()
        stage = drain.Drain(8, max_per_session=5)
        self.addCleanup(stage.close)
        effects = stage.count()
        self.assertGreater(effects, 50)
        for mode, n, wrong in drain.sweep(stage, range(3, effects, 11)):
            self.assertIsNone(wrong, f"{mode} {n}")

    def test_at_some_effects_and_one_is_too_big(self):
        drain.build()
        stage = drain.TooBig(1)
        self.addCleanup(stage.close)
        effects = stage.count()
        self.assertGreater(effects, 20)
        for mode, n, wrong in drain.sweep(stage, range(3, effects, 5)):
            self.assertIsNone(wrong, f"{mode} {n}")
