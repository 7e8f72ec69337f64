"""Absence is not intent: what is missing by accident is deleted nowhere."""
import os
import re
import shutil
import subprocess
import time

from case import Case, limit, local_message, message

DATE = 1_600_000_000
MANY = 130    # more than the guard lets go without a question


class Absence(Case):
    def setUp(self):
        super().setUp()
        for i in range(MANY):
            self.client.append("INBOX", message(f"m{i:03d}"), "S" if i % 2 else "", date=DATE + i)
        self.client.append("Archive", message("kept"), date=DATE)
        self.syncd.sync()

    def far(self, folder="INBOX"):
        return len(self.client.fetch_all(folder, bodies=False))

    def assertUntouched(self):
        """The server has lost nothing."""
        self.assertEqual(self.far(), MANY)
        self.assertEqual(self.far("Archive"), 1)
        self.assertEqual(self.far("Trash"), 0)

    def sync_says(self, word):
        r = self.syncd.run("sync")
        self.assertGreater(r.rc, 0, "it must be told")
        self.assertIn(word, r.out + r.err)
        return r

    def test_an_emptied_folder_is_held(self):
        for m in self.tree.messages("INBOX"):
            os.unlink(m.path)
        self.assertEqual(self.sync_says("guard.").rc, 10)
        self.assertUntouched()

    def hold(self, lose):
        """130 of 150 messages are lost by ${lose}()."""
        for i in range(20):
            self.client.append("INBOX", message(f"k{i:03d}"), date=DATE)
        self.syncd.sync()
        lose()
        r = self.sync_says("guard.max-delete")
        self.assertEqual(r.rc, 10)
        self.assertIn("syncd approve a/INBOX", r.err)
        self.assertIn("syncd reject a/INBOX", r.err)

    def delete_here(self):
        for i in range(MANY):
            self.tree.delete("INBOX", f"Subject: m{i:03d}")

    def delete_there(self):
        for m in self.client.fetch_all("INBOX"):
            if b"Subject: m" in m.data:
                self.client.expunge("INBOX", m.uid)

    @limit(90)
    def test_a_held_deletion_here_is_rejected_and_then_approved(self):
        self.hold(self.delete_here)
        self.assertEqual(self.syncd.run("reject", "a/INBOX").rc, 0)
        self.assertEqual(len(self.tree.messages("INBOX")), MANY + 20)
        self.assertEqual(self.far("Trash"), 0)
        self.assertSame()
        self.assertQuiet()
        self.delete_here()
        self.sync_says("guard.max-delete")
        plan = self.syncd.run("approve", "--dry-run", "a/INBOX")
        self.assertEqual(plan.out.count("delete-remote"), MANY, plan)
        self.assertEqual(self.far(), MANY + 20)
        self.assertEqual(self.syncd.run("approve", "a/INBOX").rc, 0)
        self.assertEqual(self.far(), 20)
        self.syncd.sync()
        self.assertSame()

    @limit(90)
    def test_a_held_deletion_on_the_server_is_rejected_and_then_approved(self):
        self.hold(self.delete_there)
        self.assertEqual(self.syncd.run("reject", "a/INBOX").rc, 0)
        self.assertEqual(self.far(), MANY + 20)
        self.assertSame()
        self.assertQuiet()
        self.delete_there()
        self.sync_says("guard.max-delete")
        self.assertEqual(self.syncd.run("approve", "a/INBOX").rc, 0)
        self.assertEqual(len(self.tree.messages("INBOX")), 20)
        self.assertSame()

    def test_what_is_to_be_typed_names_the_folder_to_a_shell(self):
        name = "it's `me`; $HOME"
        self.syncd.settings["accounts"]["a"]["guards"] = {"max_delete": {"count": 1, "percent": 1}}
        self.syncd.write()
        self.client.create(name)
        for i in range(3):
            self.client.append(name, message(f"n{i}"), date=DATE)
        self.syncd.sync()
        for m in self.tree.messages(name):
            os.unlink(m.path)
        remedy = self.sync_says("guard.max-delete").err
        self.assertEqual(self.far(name), 3)
        for verb in ("approve", "reject"):
            word = re.search(rf"syncd {verb} (.+?) \(", remedy)[1]
            said = subprocess.run(("sh", "-c", f"printf '%s\\n' {word}"), check=True,
                                  capture_output=True, text=True).stdout
            self.assertEqual(said, f"a/{name}\n")
        self.assertEqual(self.syncd.run("approve", said[:-1]).rc, 0)
        self.assertEqual(self.far(name), 0)

    def test_the_daemon_is_told_of_a_verdict(self):
        def held():
            problems = self.syncd.status()["accounts"][0].get("problems", [])
            return "guard.max-delete" in [p["code"] for p in problems]

        def empty_inbox():
            for m in self.tree.messages("INBOX"):
                os.unlink(m.path)
        self.syncd.start()
        self.wait(lambda: self.syncd.status()["accounts"][0]["state"] == "live", 10,
                  "the daemon")
        empty_inbox()
        self.wait(held, 20, "the guard to hold")
        self.assertEqual(self.syncd.run("reject", "a/INBOX").rc, 0)
        self.assertEqual(len(self.tree.messages("INBOX")), MANY)
        self.assertFalse(held())
        empty_inbox()
        self.wait(held, 20, "the guard to hold again")
        self.assertEqual(self.syncd.run("approve", "a/INBOX").rc, 0)
        self.assertEqual(self.far(), 0)

    @limit(120)
    def test_what_waits_for_somebody_is_not_behind_what_does_not(self):
        """Status names a number of problems; who must act is told of his."""
        self.syncd.settings["accounts"]["a"]["limits"] = {"max_message_size": "2KiB"}
        self.syncd.write()
        for i in range(25):
            self.client.create(f"F{i:02d}")
            self.client.append(f"F{i:02d}", message("large", "x" * 4000))

        def codes():
            return [p["code"] for p in self.syncd.status()["accounts"][0].get("problems", [])]
        self.syncd.start()
        self.wait(lambda: len(codes()) >= 20, 30, "the warnings")
        for m in self.tree.messages("INBOX"):
            os.unlink(m.path)
        self.wait(lambda: any(c.startswith("guard.") for c in codes()), 20, "the guard to hold")
        self.assertTrue(codes()[0].startswith("guard."), codes())
        out = self.syncd.run("status").out
        self.assertIn("syncd approve a/INBOX", out)
        self.assertIn("6 more", out)

    def test_a_daemon_that_holds_a_folder_is_at_rest(self):
        self.syncd.start()
        self.wait(lambda: self.syncd.status()["accounts"][0]["state"] == "live", 10,
                  "the daemon")
        for m in self.client.fetch_all("INBOX", bodies=False):
            self.client.store("INBOX", m.uid, "+", "T")
        self.client.command(b"EXPUNGE")
        self.wait(lambda: self.syncd.status()["accounts"][0]["problems"], 20,
                  "the guard to hold")
        time.sleep(1)
        said = len(self.dovecot.commands(self.user))
        time.sleep(2)
        self.assertLess(len(self.dovecot.commands(self.user)) - said, 10)
        self.assertEqual(len(self.tree.messages("INBOX")), MANY)

    def test_a_verdict_needs_a_folder_and_a_guard_that_holds(self):
        self.assertEqual(self.syncd.run("approve", "a").rc, 64)
        self.assertEqual(self.syncd.run("reject", "a/").rc, 64)
        self.tree.delete("INBOX", "Subject: m000")
        self.assertEqual(self.syncd.run("reject", "a/INBOX").rc, 0)
        self.assertEqual(self.far(), MANY - 1)

    def test_a_held_folder_does_not_hold_the_others(self):
        for m in self.tree.messages("INBOX"):
            os.unlink(m.path)
        self.client.append("Archive", message("fresh"))
        self.syncd.run("sync")
        self.tree.find("Archive", "Subject: fresh")

    @limit(90)
    def test_files_that_a_full_disk_cut_short_are_not_new_versions(self):
        """A tree that was copied where there was no room for all of it."""
        for m in self.tree.messages("INBOX"):
            self.tree.replace("INBOX", m.data.split(b"\n")[0].decode(), m.data[:30])
        r = self.sync_says("guard.max-delete")
        self.assertEqual(r.rc, 10)
        self.assertUntouched()
        there = [m.data for m in self.client.fetch_all("INBOX")]
        self.assertEqual([d for d in there if b"hello" not in d], [])
        self.assertEqual(self.syncd.run("reject", "a/INBOX").rc, 0)
        self.assertEqual(self.far(), 2 * MANY)
        self.assertEqual(len([m for m in self.tree.messages("INBOX") if b"hello" in m.data]),
                         MANY)
        self.assertSame()

    def test_a_small_deletion_is_just_done(self):
        for i in range(5):
            self.tree.delete("INBOX", f"Subject: m{i:03d}")
        self.syncd.sync()
        self.assertEqual(self.far(), MANY - 5)

    def test_a_tree_that_is_gone_is_not_a_deletion(self):
        os.rename(self.tree.root, self.tree.root + ".away")
        self.sync_says("store.marker-missing")
        self.assertUntouched()
        if os.path.isdir(self.tree.root):
            shutil.rmtree(self.tree.root)
        os.rename(self.tree.root + ".away", self.tree.root)
        self.syncd.sync()
        self.assertSame()

    def test_an_empty_directory_in_its_place_is_not_a_deletion(self):
        os.rename(self.tree.root, self.tree.root + ".away")
        os.mkdir(self.tree.root)
        self.sync_says("store.marker-missing")
        self.assertUntouched()

    def test_a_removed_folder_is_not_removed_on_the_server(self):
        self.tree.delete_folder("Archive")
        self.syncd.sync(expect=(0, 1, 10))
        self.assertUntouched()

    def test_a_removed_cur_is_not_a_deletion(self):
        shutil.rmtree(self.tree.path("Archive") + "/cur")
        self.syncd.run("sync")
        self.assertUntouched()

    def assertBack(self):
        self.assertUntouched()
        self.assertSame()
        self.assertQuiet()

    def test_a_folder_that_was_removed_and_is_made_again_is_filled_again(self):
        """As `status` says it would be."""
        self.tree.delete_folder("Archive")
        self.syncd.sync(expect=(0, 1))
        self.tree.create_folder("Archive")
        self.syncd.sync()
        self.assertBack()

    def make_anew(self):
        """Where the one message is."""
        path = os.path.dirname(self.tree.find("Archive", "Subject: kept").path)
        os.rename(path, self.syncd.dir + "/away")
        os.mkdir(path, 0o700)

    def test_a_directory_that_was_made_anew_is_filled_again(self):
        """Nobody looked while it was gone: something may be mounted there, too."""
        self.make_anew()
        self.assertNotIn("delete", self.syncd.sync("--dry-run").out)
        self.syncd.sync()
        self.assertBack()
        # Deleted by hand it is, as ever.
        self.tree.delete("Archive", "Subject: kept")
        self.syncd.sync()
        self.assertPlaces("Subject: kept", "Trash")

    def test_a_directory_that_is_made_anew_while_it_is_watched_is_filled_again(self):
        self.syncd.start()
        self.wait(lambda: self.syncd.status()["running"], 20, "the daemon")
        self.syncd.sync()
        self.make_anew()
        self.syncd.sync()
        self.wait_same(20)
        self.assertUntouched()
        self.tree.add("Archive", local_message("fresh"))
        self.wait(lambda: self.far("Archive") == 2, 20, "the new directory to be watched")

    def test_mail_that_a_backup_lacks_comes_back(self):
        """What was deleted on the server meanwhile, does not."""
        for token in ("there", "since"):
            self.client.append("Archive", message(token), date=DATE)
        self.syncd.sync()
        path = self.tree.path("Archive")
        shutil.copytree(path, path + ".copy")
        shutil.rmtree(path)
        shutil.move(path + ".copy", path)
        self.tree.delete("Archive", "Subject: since")
        self.client.expunge("Archive", self.client.find("Archive", "there"))
        self.syncd.sync()
        self.assertPlaces("Subject: kept", "Archive")
        self.assertPlaces("Subject: since", "Archive")
        self.assertPlaces("Subject: there")
        self.assertSame()
        self.assertQuiet()

    def test_a_folder_gone_on_the_server_is_kept_here(self):
        self.client.delete("Archive")
        self.syncd.run("sync")
        self.tree.find("Archive", "Subject: kept")

    @limit(90)
    def test_a_lost_database_doubles_nothing(self):
        shutil.rmtree(self.syncd.state)
        os.mkdir(self.syncd.state, 0o700)
        for _ in range(3):
            self.syncd.run("sync")
        self.assertUntouched()
        self.assertEqual(len(self.tree.messages("INBOX")), MANY)

    def test_a_damaged_database_deletes_nothing(self):
        for name in os.listdir(self.syncd.state):
            if name.endswith((".db", ".sqlite")):
                with open(os.path.join(self.syncd.state, name), "r+b") as f:
                    f.seek(0)
                    f.write(os.urandom(8192))
        self.assertGreater(self.syncd.run("sync").rc, 0)
        self.assertUntouched()
        self.assertEqual(len(self.tree.messages("INBOX")), MANY)

    def test_yesterdays_database_deletes_nothing(self):
        old = self.syncd.state + ".old"
        shutil.copytree(self.syncd.state, old)
        self.client.append("INBOX", message("later"))
        self.tree.add("Archive", local_message("mine"), "S")
        self.syncd.sync()
        shutil.rmtree(self.syncd.state)
        os.rename(old, self.syncd.state)
        for _ in range(3):
            self.syncd.run("sync")
        self.assertEqual(self.far(), MANY + 1)
        self.assertEqual(self.far("Archive"), 2)
        self.assertSame()

    def test_mail_deleted_on_the_server_at_once_is_held(self):
        for m in self.client.fetch_all("INBOX", bodies=False):
            self.client.store("INBOX", m.uid, "+", "T")
        self.client.command(b"EXPUNGE")
        self.syncd.run("sync")
        self.assertGreaterEqual(len(self.tree.messages("INBOX")), MANY)

    def test_a_folder_made_again_on_the_server_is_matched_by_content(self):
        mail = self.client.fetch_all("Archive")
        self.client.delete("Archive")
        self.client.create("Archive")
        for m in mail:
            self.client.append("Archive", m.data, "", (), m.date)
        for _ in range(2):
            self.syncd.run("sync")
        self.assertEqual(self.far("Archive"), 1)
        self.assertEqual(len(self.tree.messages("Archive")), 1)
