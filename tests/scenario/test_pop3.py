"""POP3 against Dovecot: mail comes, once and byte for byte, and stays on the
server as long as it should."""
import sqlite3
import os

import case
from case import message
from server import wait_for


class Drop(case.Case):
    """Seeded by IMAP, drained by POP3."""
    server = {"rawlog": True, "pop3": "pop3_uidl_format = %08Xu%08Xv", "storage": "maildir"}
    pop3 = {}
    tls = {}

    def setUp(self):
        user = next(self.free_users)
        self.join(user, {"protocol": "pop3", "port": self.dovecot.pop3s_port,
                         "pop3": self.pop3})

    def seed(self, *tokens):
        for t in tokens:
            self.client.append("INBOX", message(t))


class Keep(Drop):
    def test_mail_comes_once(self):
        self.seed("one", "two", "three")
        print(self.syncd.sync())
        print(self.tree.snapshot())
        print(self.syncd.sync())
        print(self.syncd.run("log").out)
        print(self.syncd.run("folders").out)
