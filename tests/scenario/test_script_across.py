"""Scripts that put mail into another account: once, whatever happens, and what is moved
is deleted only when it is safe there."""
import os
import sqlite3
import subprocess
import unittest

from case import limit, local_message, message
from compare import compare
from syncd import BUILD, SANITIZED
from test_scripts import ScriptCase

KILLAT = os.path.join(BUILD, "killat")

# Each message is moved, copied, or left alone by its number.
SORTS = """
plugin { api = 1, accounts = { "b" } }
on.incoming({ mailbox = "INBOX" }, function(msg)
  local n = tonumber(msg.subject:match("^m(%d+)$"))
  if not n then return end
  if n % 3 == 0 then msg:move("Moved", "b"):flag("flagged") end
  if n % 3 == 1 then msg:copy(accounts.b["Copied/here"]):tag("copied") end
end)
"""


class AcrossCase(ScriptCase):
    target = {}

    def setUp(self):
        super().setUp()
        self.other = next(self.free_users)
        self.b = self.syncd.add_account("b", self.dovecot, self.other, self.target)
        self.there = self.dovecot.client(self.other)
        self.addCleanup(self.there.close)

    def sorts(self, text=SORTS, **options):
        self.script("sorts", text, **{"accounts": ["a"], "allow": {"accounts": ["b"]}, **options})

    def subjects(self, tree, folder):
        try:
            return sorted(m.data.split(b"\n")[0].decode().split(": ")[1]
                          for m in tree.messages(folder))
        except FileNotFoundError:
            return []

    def assertBothSame(self):
        self.assertSame()
        with self.dovecot.client(self.other) as c:
            diff = compare(c, self.b)
        self.assertFalse(diff, "account b differs:\n" + "\n".join(diff))

    def half_a_minute_later(self):
        """What failed is due again: how many."""
        with sqlite3.connect(os.path.join(self.syncd.state, "a.db")) as db:
            return db.execute("UPDATE script_effect SET at = 0").rowcount

    def assertSorted(self, n):
        names = [f"m{i}" for i in range(n)]
        moved, copied = names[::3], names[1::3]
        self.assertEqual(self.subjects(self.b, "Moved"), sorted(moved))
        self.assertEqual(self.subjects(self.b, "Copied/here"), sorted(copied))
        self.assertEqual(self.subjects(self.tree, "INBOX"),
                         sorted(["first"] + [x for x in names if x not in moved]))
        self.assertEqual(self.subjects(self.tree, "Trash"), sorted(moved))
        self.assertBothSame()

    def send(self, *numbers):
        for n in numbers:
            self.client.append("INBOX", message(f"m{n}", f"body {n}"), date=1767225600 + n)


class AcrossTest(AcrossCase):
    @limit(90)
    def test_moved_and_copied(self):
        self.sorts()
        self.begin()
        self.send(*range(6))
        self.syncd.start()
        self.wait(lambda: len(self.subjects(self.b, "Moved")) == 2 and
                  len(self.subjects(self.b, "Copied/here")) == 2, 30, "them in b")
        self.wait(lambda: len(self.subjects(self.tree, "INBOX")) == 5, 30, "a to lose two")
        self.syncd.stop()
        self.syncd.sync()
        self.assertSorted(6)
        # As it was: bytes, date, flags, keywords.
        one = self.b.find("Moved", "m3")
        self.assertEqual((one.data, one.date, one.letters),
                         (local_message("m3", "body 3"), 1767225603, "F"))
        self.assertEqual(self.b.find("Copied/here", "m1").keywords, {"copied"})
        self.assertEqual(self.b.find("Copied/here", "m1").date, 1767225601)

    def test_by_one_command_after_the_other(self):
        self.sorts()
        self.begin()
        self.send(*range(4))
        for _ in range(3):
            self.syncd.sync()
        self.assertSorted(4)
        self.assertQuiet()

    def test_to_what_the_server_there_calls_junk(self):
        self.sorts("""
plugin { api = 1, accounts = { "b" } }
on.incoming({ mailbox = "INBOX" }, function(msg) msg:move(accounts.b.junk) end)
""")
        self.begin()
        self.send(1)
        self.syncd.sync()
        self.syncd.sync()
        self.assertEqual(self.subjects(self.b, "Junk"), ["m1"])
        self.assertBothSame()

    def stays(self, why, text=SORTS, **options):
        """Nothing is moved, and somebody is told why."""
        self.sorts(text, **options)
        self.begin()
        self.send(0)
        said = self.syncd.run("sync").err
        self.assertIn(why, said)
        self.syncd.run("sync")
        self.assertEqual(self.subjects(self.tree, "INBOX"), ["first", "m0"])
        self.assertEqual(self.subjects(self.b, "Moved"), [])
        return said

    def test_without_a_grant(self):
        self.sorts(allow={})
        self.begin()
        self.send(0)
        self.syncd.start()
        self.wait(lambda: self.plugins()["sorts"]["state"] == "disabled", 30, "its end")
        self.assertIn("accounts: [b]", self.syncd.run("plugin", "list").out)
        self.wait_same(30, "mail without the script")
        self.assertEqual(self.subjects(self.b, "Moved"), [])
        self.assertEqual(self.subjects(self.tree, "INBOX"), ["first", "m0"])

    def test_an_account_that_was_not_declared(self):
        self.stays('accounts `c` is not declared: plugin { accounts = { "c" } }',
                   SORTS.replace('"Moved", "b"', '"Moved", "c"'))

    def test_an_account_that_is_not_there(self):
        text = SORTS.replace('"b"', '"c"').replace("accounts.b", "accounts.c")
        self.stays("move failed: there is no such account", text, allow={"accounts": ["c"]})

    def test_a_disk_that_is_not_mounted(self):
        """It is tried again; until then it is here."""
        self.sorts()
        self.begin()
        marker = os.path.join(self.b.root, ".syncd-store")
        os.rename(marker, marker + "-away")
        self.send(0)
        self.assertIn("its Maildir is not there, or was never synced; again later",
                      self.syncd.run("sync").err)
        self.assertEqual(self.subjects(self.tree, "INBOX"), ["first", "m0"])
        self.assertEqual(self.subjects(self.b, "Moved"), [])
        os.rename(marker + "-away", marker)
        self.assertEqual(self.half_a_minute_later(), 1)
        self.syncd.sync()
        self.assertEqual(self.subjects(self.b, "Moved"), ["m0"])
        self.assertEqual(self.subjects(self.tree, "INBOX"), ["first"])

    @unittest.skipIf(SANITIZED, "leaks are not looked for under ptrace")
    @limit(90)
    def test_it_is_on_the_disk_there_before_it_is_deleted_here(self):
        self.sorts()
        self.begin()
        self.send(0)
        report = os.path.join(self.syncd.dir, "report")
        effects = []
        for _ in range(3):
            self.syncd.wrap = (KILLAT, "-m", "count", "-n", "0", "-c", "file", "-o", report, "--")
            self.syncd.sync()
            with open(report, encoding="utf-8", errors="replace") as f:
                effects += [line.split()[2::2] for line in f]    # call, path
        self.syncd.wrap = ()

        def where(call, word, begin=0):
            return next(i for i, (name, *path) in enumerate(effects[begin:], begin)
                        if name == call and word in "".join(path))
        bytes_ = where("fsync", "/b/Moved/tmp/")
        placed = where("renameat2", os.path.basename(effects[bytes_][1]), bytes_)
        named = where("fsync", "/b/Moved/cur", placed)
        # Here it goes when the process that did this has ended well.
        self.assertIn("unlinkat", [call for call, *_ in effects[named:]])
        self.assertSorted(1)

    def test_done_again_it_finds_what_it_did(self):
        """Whoever it was that forgot: as after a kill before it was written down."""
        self.sorts()
        self.begin()
        self.send(1)
        self.syncd.sync()
        self.syncd.sync()
        copy = self.b.find("Copied/here", "m1")
        state = os.path.join(self.syncd.state, "b.db")
        argv = [os.path.join(BUILD, "syncd"), "across", self.b.root, state, "0", "make",
                "Copied/here", copy.unique.split("H")[0], "1767225601", "S"]
        self.b.create_folder("Elsewhere")
        for again, folder in (("", "Copied/here"), ("again", "Elsewhere")):
            # Somebody has read it, and then moved it.
            self.b.set_flags("Copied/here", "m1", "S")
            if again:
                self.b.move("Copied/here", "m1", "Elsewhere")
            with open(self.tree.find("INBOX", "m1").path, "rb") as f:
                r = subprocess.run(argv + [again], stdin=f, capture_output=True, check=False)
            self.assertEqual((r.returncode, r.stderr), (0, b""))
            self.assertEqual(self.subjects(self.b, folder), ["m1"])
            self.syncd.sync()
        self.assertEqual(self.subjects(self.b, "Copied/here"), [])


class BackupTest(AcrossCase):
    target = {"policy": "backup"}

    def test_an_account_that_takes_nothing(self):
        AcrossTest.stays(self, "by its policy that account sends no new mail to its server")


class PopSourceTest(AcrossCase):
    server = {"rawlog": True, "pop3": "pop3_uidl_format = %08Xu%08Xv"}

    def test_mail_that_came_by_pop3(self):
        account = self.syncd.settings["accounts"]["a"]
        # There must be something to put it into; half a minute later it would do.
        self.syncd.sync("b")
        account.update(protocol="pop3", port=self.dovecot.pop3s_port)
        self.sorts(SORTS.replace("{ mailbox", '{ origin = { "initial", "server" }, mailbox'))
        self.send(*range(3))
        for _ in range(3):
            self.syncd.sync()
        self.assertEqual(self.subjects(self.b, "Moved"), ["m0"])
        self.assertEqual(self.subjects(self.b, "Copied/here"), ["m1"])
        self.assertEqual(self.subjects(self.tree, "INBOX"), ["m1", "m2"])


class CrashTest(AcrossCase):
    """Killed at a sample of the effects of a round, all processes together."""

    STEP = int(os.environ.get("SYNCD_ACROSS_STEP", "60"))

    @limit(600)
    def test_killed_on_the_way(self):
        self.sorts()
        self.begin()
        n = sent = 0
        hit = True
        while hit:
            self.send(sent, sent + 1, sent + 2)
            sent += 3
            n += self.STEP
            for mode in ("before", "after"):
                self.syncd.wrap = (KILLAT, "-n", str(n + (mode == "after")), "-m", mode, "--")
                hit = self.syncd.run("sync").rc == 137
                self.syncd.wrap = ()
            self.syncd.sync()
        for _ in range(4):
            self.half_a_minute_later()
            self.syncd.sync()
        self.assertGreater(sent, 12)
        self.assertSorted(sent)


if __name__ == "__main__":
    unittest.main()
