"""case.py — what scenarios are made of.

A Case starts one Dovecot for its class (knobs: the class attribute `server`)
and gives each test a user of its own.
"""
import time
import unittest

from compare import compare, places
from dovecot import Dovecot, writing
from server import wait_for
from syncd import Syncd

USERS = 200    # a user costs a line and a directory


def message(token, body="hello", eol="\r\n", **header):
    """A small message that can be found by its token."""
    lines = [f"Subject: {token}", f"Message-ID: <{token}@test.example>",
             "From: Ann <ann@test.example>", "Date: Mon, 20 Jul 2026 10:00:00 +0000"]
    lines += [f"{k}: {v}" for k, v in header.items()]
    return (eol.join(lines) + eol * 2 + body + eol).encode()


def local_message(token, body="hello", **header):
    """The same as it stands on disk."""
    return message(token, body, "\n", **header)


def limit(seconds):
    """Decorator: the hard time limit of one test (default: 60 s)."""
    def mark(f):
        f.limit = seconds
        return f
    return mark


def rows(name, table):
    """Class decorator: test_NAME__KEY for each row of {key: row}, calling
    the class's method NAME(row)."""
    def add(cls):
        def bind(key, row):
            def test(self):
                getattr(self, name)(row)
            test.limit = getattr(getattr(cls, name), "limit", 60)
            test.__doc__ = None
            setattr(cls, f"test_{name}__{key}", test)
        for key, row in table.items():
            bind(key, row)
        return cls
    return add


class Case(unittest.TestCase):
    kind = Dovecot
    server = {"rawlog": True}    # its knobs
    n_users = USERS
    account = {}                 # overrides of the account's configuration
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        if cls.server is not None:
            cls.dovecot = cls.kind(users=cls.n_users, **cls.server)
            cls.addClassCleanup(cls.dovecot.stop)
            cls.free_users = iter(cls.dovecot.users)

    def setUp(self):
        if self.server is not None:
            self.join(next(self.free_users), self.account)

    def join(self, user, account=None):
        """A daemon of our own, and a client to look at its account."""
        self.user = user
        self.syncd = Syncd(self.dovecot, self.user, account)
        self.addCleanup(self.syncd.stop)
        self.tree = self.syncd.tree
        self.client = self.dovecot.client(self.user)
        self.addCleanup(self.client.close)

    # -- what must hold --------------------------------------------------

    def differences(self, **kwargs):
        with self.dovecot.client(self.user) as c:
            return compare(c, self.tree, **kwargs)

    def assertSame(self, **kwargs):
        """Both sides hold the same."""
        diff = self.differences(**kwargs)
        self.assertFalse(diff, "the sides differ:\n" + "\n".join(diff))

    def assertPlaces(self, token, *folders):
        """The message is, on both sides, exactly there (once per name)."""
        with self.dovecot.client(self.user) as c:
            far, near = places(c, self.tree, token)
        wanted = {f: folders.count(f) for f in folders}
        self.assertEqual(dict(far), wanted, f"{token} on the server")
        self.assertEqual(dict(near), wanted, f"{token} in the tree")

    def assertQuiet(self):
        """One more round writes nothing, on either side."""
        seen = len(self.dovecot.connections(self.user))
        before = self.tree.snapshot()
        self.syncd.sync()
        self.assertEqual(self.tree.snapshot(), before, "a quiet round changed files")
        said = self.dovecot.commands(self.user, since=seen)
        self.assertTrue(said, "the raw log is empty")
        self.assertEqual(writing(said), [], "a quiet round wrote to the server")

    def wait_same(self, timeout, what="both sides to be equal"):
        """Wait until the running daemon has made both sides the same."""
        try:
            wait_for(lambda: not self._differs(), timeout, what, every=0.1)
        except TimeoutError:
            self.fail(f"not within {timeout} s: {what}\n" + "\n".join(self.differences())
                      + "\n" + self.syncd.log()[-3000:])

    def _differs(self):
        try:
            return self.differences()
        except (FileNotFoundError, LookupError):
            return True    # a file was renamed while we looked

    def wait(self, condition, timeout, what):
        """Seconds until ${condition}() holds; fails with the daemon's log."""
        started = time.monotonic()

        def holds():
            try:
                return condition()
            except (FileNotFoundError, LookupError):
                return False
        try:
            wait_for(holds, timeout, what)
        except TimeoutError as e:
            self.fail(f"{e}\n" + self.syncd.log()[-3000:])
        return time.monotonic() - started
