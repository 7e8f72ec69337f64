"""`limits.max_age`: what is older stays on the server, and what is here stays here."""
import glob
import os
import time

from case import Case, message

DAY = 86900


class Age(Case):
    def limit(self, age):
        self.syncd.settings["accounts"]["a"]["limits"] = {"max_age": age}
        self.syncd.write()

    def setUp(self):
        super().setUp()
        now = int(time.time())
        for days in (1, 20, 40, 900):
            self.client.append("INBOX", message(f"d{days}"), date=now - days * DAY)
        self.limit("30d")

    def here(self):
        return sorted(int(m.data.split(b"\n")[0][len("Subject: d"):])
                      for m in self.tree.messages("INBOX"))

    def test_old_mail_stays_there(self):
        self.syncd.sync()
        self.assertEqual(self.here(), [1, 20])
        self.assertQuiet()
        self.client.append("INBOX", message("d50"), date=int(time.time()) - 50 * DAY)
        self.client.append("INBOX", message("d2"), date=int(time.time()) - 2 * DAY)
        self.client.store("INBOX", self.client.find("INBOX", "Subject: d40"), "+", "S")
        self.client.expunge("INBOX", self.client.find("INBOX", "Subject: d900"))
        plan = self.syncd.run("sync", "--dry-run").out
        self.assertEqual(plan.count("download"), 1, plan)
        self.syncd.sync()
        self.syncd.sync("--full")
        self.assertEqual(self.here(), [1, 2, 20])
        self.assertEqual(len(self.client.fetch_all("INBOX")), 5)
        self.assertQuiet()

    def test_another_limit_is_looked_at_anew(self):
        self.syncd.sync()
        self.limit("100d")
        self.syncd.sync()
        self.assertEqual(self.here(), [1, 20, 40])
        self.limit("10d")
        self.syncd.sync()
        self.assertEqual(self.here(), [1, 20, 40])
        self.limit(None)
        self.syncd.sync()
        self.assertSame()
        self.assertQuiet()

    def test_what_is_here_already_is_paired_whatever_its_age(self):
        self.limit(None)
        self.syncd.sync()
        self.limit("30d")
        self.syncd.sync()
        self.assertSame()
        for db in glob.glob(self.syncd.state + "/a.db*"):
            os.unlink(db)
        self.syncd.sync()
        self.assertSame()
        self.assertQuiet()

    def test_a_backup_misses_nothing_that_was_too_old(self):
        self.syncd.settings["accounts"]["a"].update(policy="backup", backup={"manifest": True})
        self.syncd.write()
        self.syncd.sync()
        self.assertEqual(self.here(), [1, 20])
        self.assertEqual(self.syncd.run("verify", "--online").rc, 0)

    def test_what_stays_there_does_not_excuse_an_emptied_folder(self):
        """Percent are of what is on both sides: 3 of 3, not 3 of 23."""
        now = int(time.time())
        for i in range(20):
            self.client.append("INBOX", message(f"d{1000 + i}"), date=now - 1000 * DAY)
        self.client.append("INBOX", message("d3"), date=now - 3 * DAY)
        self.syncd.settings["accounts"]["a"]["guards"] = {
            "max_delete": {"count": 2, "percent": 20}}
        self.syncd.write()
        self.syncd.sync()
        self.assertEqual(self.here(), [1, 3, 20])
        for m in self.tree.messages("INBOX"):
            os.unlink(m.path)
        r = self.syncd.run("sync")
        self.assertEqual((r.rc, "3 of 3 messages" in r.err), (10, True), r.err)
        self.assertEqual(self.client.fetch_all("Trash", bodies=False), [])
        self.assertEqual(len(self.client.fetch_all("INBOX", bodies=False)), 25)

    def test_what_was_here_comes_back_whatever_its_age(self):
        self.limit(None)
        self.syncd.settings["accounts"]["a"]["guards"] = {
            "max_delete": {"count": 2, "percent": 20}}
        self.syncd.write()
        self.syncd.sync()
        self.limit("30d")
        self.syncd.sync()
        for m in self.tree.messages("INBOX"):
            os.unlink(m.path)
        self.assertEqual(self.syncd.run("sync").rc, 10)
        self.assertEqual(self.syncd.run("reject", "a/INBOX").rc, 0)
        self.assertEqual(self.here(), [1, 20, 40, 900])
        self.assertSame()
        self.assertQuiet()
