"""Where two rules meet: folders that go while mail arrives, mail that nobody
took, directions that policy closes, servers that cannot expunge.
"""
import os
import shutil
import sqlite3
import time

from case import Case, local_message, message

DATE = 1_600_000_000


class Edges(Case):
    def sync_with(self, **settings):
        """Change the account, then sync."""
        self.syncd.settings["accounts"]["a"].update(settings)
        self.syncd.write()
        return self.syncd.sync(expect=(0, 1, 10))

    def test_refused_mail_may_be_deleted_on_the_server(self):
        self.client.append("INBOX", message("huge", "x" * 70000), date=DATE)
        self.client.append("INBOX", message("small"), date=DATE)
        self.sync_with(limits={"max_message_size": "32KiB"})
        self.client.expunge("INBOX", self.client.find("INBOX", "huge"))
        self.syncd.sync()
        self.client.append("INBOX", message("later"), date=DATE)
        self.syncd.sync()
        self.assertPlaces("later", "INBOX")
        self.assertQuiet()

    def test_an_account_of_many_lines(self):
        """As many as the file may have: the worker is told of all of them."""
        self.client.create("Customers/01499")
        self.client.append("Customers/01499", message("last"), date=DATE)
        rename = {f"Customers/{i:05d}": f"Kunden, die in {'sehr ' * 8}langen Zeilen stehen/{i:05d}"
                  for i in range(1500)}
        self.sync_with(folders={"rename": rename})
        self.assertEqual(len(self.tree.messages(rename["Customers/01499"])), 1)

    def test_a_move_is_a_move_when_only_its_target_is_synced(self):
        self.client.create("Box")
        for i in range(3):
            self.client.append("INBOX", message(f"m{i}"), "S", date=DATE + i)
        self.syncd.sync()
        self.tree.move("INBOX", "m0", "Box")
        self.tree.move("INBOX", "m1", "Box", keep_name=False)
        self.tree.copy("INBOX", "m2", "Box")
        self.tree.delete("INBOX", "m2")    # and this comes to the same
        since = len(self.dovecot.connections(self.user))
        self.syncd.sync("a/Box")
        self.assertEqual([c for c in self.dovecot.commands(self.user, since)
                          if "COPY" in c or "APPEND" in c], [])
        for i in range(3):
            self.assertPlaces(f"m{i}", "Box")
        self.syncd.sync()
        self.assertSame()
        self.assertQuiet()

    def test_a_file_that_a_power_cut_left_without_a_time(self):
        """Its directory looks as it did before: only a look into it finds the file."""
        self.syncd.sync()
        cur = os.path.join(self.tree.path("INBOX"), "cur")
        before = os.stat(cur)
        self.tree.add("INBOX", local_message("saved"), "S")
        os.utime(cur, ns=(before.st_atime_ns, before.st_mtime_ns))
        with sqlite3.connect(os.path.join(self.syncd.state, "a.db")) as db:
            self.assertEqual(db.execute("UPDATE meta SET value = x'00' WHERE key = 'boot'").rowcount,
                             1)
        self.syncd.sync()
        self.assertPlaces("saved", "INBOX")
        self.assertQuiet()

    def test_a_clock_that_was_set_back(self):
        """The directories are of the hour that comes again."""
        for token in ("kept", "deleted", "moved"):
            self.client.append("INBOX", message(token))
        self.syncd.sync()
        self.tree.delete("INBOX", "Subject: deleted")
        self.tree.move("INBOX", "Subject: moved", "Archive")
        self.tree.add("INBOX", local_message("new"))
        then = time.time() + 3600
        for folder in ("INBOX", "Archive"):
            for sub in ("cur", "new"):
                os.utime(os.path.join(self.tree.path(folder), sub), (then, then))
        self.syncd.sync()
        self.assertSame()
        self.assertPlaces("Subject: kept", "INBOX")
        self.assertPlaces("Subject: deleted", "Trash")
        self.assertPlaces("Subject: moved", "Archive")
        self.assertPlaces("Subject: new", "INBOX")
        self.assertQuiet()

    def test_a_copy_stays_one_when_only_its_target_is_synced(self):
        self.client.create("Box")
        self.client.append("INBOX", message("twin"), "S", date=DATE)
        self.client.append("INBOX", message("read"), date=DATE)
        self.syncd.sync()
        self.tree.copy("INBOX", "twin", "Box")
        self.tree.copy("INBOX", "read", "Box")
        self.tree.set_flags("INBOX", "read", "S")    # not where it was, and not gone
        self.syncd.sync("a/Box")
        self.syncd.sync()
        self.assertPlaces("twin", "Box", "INBOX")
        self.assertPlaces("read", "Box", "INBOX")
        self.assertSame()
        self.assertQuiet()

    def test_a_folder_deleted_on_the_server_survives_with_new_mail(self):
        self.client.create("Plans")
        self.client.append("Plans", message("old"), date=DATE)
        self.sync_with(folders={"sync": ["*"], "delete_local": "yes"})
        self.tree.add("Plans", local_message("fresh"), date=DATE)
        self.client.delete("Plans")
        self.syncd.sync(expect=(0, 1, 10))
        self.syncd.sync()
        self.assertPlaces("fresh", "Plans")
        self.assertSame()

    def test_a_folder_of_refused_mail_may_be_deleted_on_the_server(self):
        self.client.create("Plans")
        self.client.append("Plans", message("huge", "x" * 70000), date=DATE)
        self.client.append("Plans", message("old"), date=DATE)
        self.sync_with(limits={"max_message_size": "32KiB"},
                       folders={"sync": ["*"], "delete_local": "yes"})
        self.client.delete("Plans")
        self.syncd.sync()
        self.assertNotIn("Plans", self.tree.folders())

    def test_a_folder_deleted_here_survives_with_new_mail(self):
        self.client.create("Plans")
        self.client.append("Plans", message("old"), date=DATE)
        self.sync_with(folders={"sync": ["*"], "delete_remote": "yes"})
        self.client.append("Plans", message("fresh"), date=DATE)
        shutil.rmtree(self.tree.path("Plans"))
        self.syncd.sync(expect=(0, 1, 10))
        self.syncd.sync(expect=(0, 1, 10))
        self.assertPlaces("fresh", "Plans")

    def test_a_folder_deleted_here_goes_on_the_server(self):
        self.client.create("Plans")
        self.client.append("Plans", message("old"), date=DATE)
        self.sync_with(folders={"sync": ["*"], "delete_remote": "yes"})
        shutil.rmtree(self.tree.path("Plans"))
        self.syncd.sync(expect=(0, 1, 10))
        self.assertNotIn("Plans", [n for n, _ in self.far_folders()])

    def test_a_folder_deleted_here_with_much_mail_is_asked_about(self):
        """A tree that was emptied, but for the marker, would look like that."""
        self.client.create("Plans")
        for i in range(3):
            self.client.append("Plans", message(f"m{i}"), date=DATE)
        self.sync_with(folders={"sync": ["*"], "delete_remote": "yes"},
                       guards={"max_delete": {"count": 2, "percent": 20}})
        for verdict, left in (("reject", 3), ("approve", 0)):
            shutil.rmtree(self.tree.path("Plans"))
            r = self.syncd.run("sync")
            self.assertEqual((r.rc, "guard.max-delete" in r.err), (10, True), r.err)
            self.assertEqual(len(self.client.fetch_all("Plans")), 3)
            self.assertEqual(self.syncd.run(verdict, "a/Plans").rc, 0)
            self.assertEqual(len(self.client.fetch_all("Plans")), left)
            self.syncd.sync()
            self.assertSame()
        shutil.rmtree(self.tree.path("Plans"))
        self.syncd.sync(expect=(0, 1, 10))
        self.assertNotIn("Plans", [n for n, _ in self.far_folders()])

    def far_folders(self):
        return [(f if isinstance(f, str) else f[0], f) for f in self.client.list()]

    def test_an_empty_folder_goes_along_when_its_parent_is_renamed(self):
        self.client.create("Plans")
        self.client.create("Plans/empty")
        self.client.append("Plans", message("old"), date=DATE)
        self.syncd.sync()
        os.rename(self.tree.path("Plans"), self.tree.path("Plans 2026"))
        self.syncd.sync(expect=(0, 1, 10))
        self.syncd.sync()
        self.assertPlaces("old", "Plans 2026")
        self.assertSame()
        names = [n for n, _ in self.far_folders()]
        self.assertIn("Plans 2026/empty", names)
        self.assertNotIn("Plans/empty", names)

    def test_an_empty_folder_that_is_renamed_here(self):
        self.client.create("Empty")
        self.syncd.sync()
        self.tree.rename_folder("Empty", "Void")
        self.syncd.sync(expect=(0, 1))
        names = [n for n, _ in self.far_folders()]
        self.assertIn("Void", names)
        self.assertNotIn("Empty", names)
        self.assertSame()
        self.assertQuiet()

    def test_an_empty_folder_that_is_renamed_on_the_server(self):
        self.client.create("Empty")
        self.syncd.sync()
        self.client.rename("Empty", "Void")
        self.syncd.sync(expect=(0, 1))
        self.assertIn("Void", self.tree.folders())
        self.assertNotIn("Empty", self.tree.folders())
        self.assertSame()
        self.assertQuiet()

    def test_empty_folders_are_not_renamed_by_guessing(self):
        """Two went, one came; one is the server's own; one has mail meanwhile."""
        for name in ("One", "Two", "Full"):
            self.client.create(name)
        self.syncd.sync()
        self.tree.delete_folder("One")
        self.tree.delete_folder("Two")
        self.tree.create_folder("New")
        self.syncd.sync(expect=(0, 1))
        self.assertLessEqual({"One", "Two", "New"}, {n for n, _ in self.far_folders()})
        self.tree.rename_folder("Archive", "Old")
        self.syncd.sync(expect=(0, 1))
        self.assertLessEqual({"Archive", "Old"}, {n for n, _ in self.far_folders()})
        self.client.append("Full", message("meanwhile"), date=DATE)
        self.tree.rename_folder("Full", "Filled")
        self.syncd.sync(expect=(0, 1))
        self.syncd.sync(expect=(0, 1))
        self.assertTrue(self.client.find("Full", "meanwhile"))
        self.assertIn("Filled", {n for n, _ in self.far_folders()})

    def test_a_move_here_out_of_a_folder_that_keeps_is_a_copy(self):
        self.client.append("Archive", message("kept"), "S", date=DATE)
        self.sync_with(policy_for={"Archive": {"push": ["new", "flags"],
                                               "pull": ["new", "flags", "delete"]}})
        self.tree.move("Archive", "kept", "INBOX")
        self.syncd.sync()
        self.assertTrue(self.client.find("Archive", "kept"))
        self.assertTrue(self.client.find("INBOX", "kept"))

    def test_a_move_there_out_of_a_folder_that_keeps_is_a_copy(self):
        self.client.append("Archive", message("kept"), "S", date=DATE)
        self.sync_with(policy_for={"Archive": {"push": ["new", "flags", "delete"],
                                               "pull": ["new", "flags"]}})
        self.client.move("Archive", self.client.find("Archive", "kept"), "INBOX")
        self.syncd.sync()
        self.tree.find("Archive", "Subject: kept")
        self.tree.find("INBOX", "Subject: kept")

    def test_a_tombstone_in_a_folder_that_was_left_out_is_not_waited_for(self):
        self.client.append("Archive", message("old"), "S", date=DATE)
        self.syncd.sync()
        self.client.expunge("Archive", self.client.find("Archive", "old"))
        self.syncd.sync()
        self.sync_with(folders={"sync": ["*", "!Archive"]})
        self.syncd.sync()

    def test_what_was_lost_here_and_stayed_there_comes_back_as_what_it_was(self):
        """Files that are put back where nothing is deleted, two of them alike."""
        self.client.create("Plans")
        self.sync_with(policy="archive")
        for token in ("one", "two", "two"):
            self.client.append("Plans", message(token), "S", ["todo"], DATE)
        self.syncd.sync()
        away = self.tree.path("Plans") + "/tmp"
        for m in self.tree.messages("Plans"):
            os.rename(m.path, os.path.join(away, os.path.basename(m.path)))
        self.syncd.sync()
        self.client.store("Plans", self.client.find("Plans", "one"), "+", "F")
        self.syncd.sync()
        self.assertEqual(len(self.client.fetch_all("Plans")), 3)
        for name in os.listdir(away):
            os.rename(os.path.join(away, name), os.path.join(self.tree.path("Plans"), "cur", name))
        self.tree.add("Plans", local_message("three"), "S")
        self.syncd.sync()
        self.assertEqual(len(self.client.fetch_all("Plans")), 4)
        self.assertSame()
        self.assertQuiet()

    # -- intents that are open when the folder is not what it was ---------

    def state(self, sql):
        """Put the state where a crash would have left it."""
        with sqlite3.connect(os.path.join(self.syncd.state, "a.db")) as db:
            db.execute(sql)
        db.close()

    def seed_plans(self, made=False):
        if not made:
            self.client.create("Plans")
        self.client.append("Plans", message("planned"), "S", date=DATE)
        self.client.append("INBOX", message("other"), "S", date=DATE)
        self.syncd.sync()

    def of_plans(self):
        return "WHERE folder = (SELECT id FROM folder WHERE CAST(path AS TEXT) = 'Plans')"

    def test_an_open_upload_into_a_renumbered_mailbox(self):
        self.seed_plans()
        self.state("UPDATE message SET stage = 2, uid = NULL, seek = 1 " + self.of_plans())
        self.client.delete("Plans")
        self.client.create("Plans")
        self.client.append("Plans", message("planned"), "S", date=DATE)
        self.syncd.sync()
        self.assertPlaces("planned", "Plans")
        self.assertQuiet()

    def test_an_open_landing_whose_directory_is_gone(self):
        self.seed_plans()
        self.state("UPDATE message SET stage = 1 " + self.of_plans())
        shutil.rmtree(self.tree.path("Plans"))
        self.client.append("INBOX", message("fresh"), date=DATE)
        self.syncd.sync(expect=(0, 1, 10))
        self.assertPlaces("fresh", "INBOX")

    def test_an_open_landing_whose_file_is_nowhere(self):
        """It is fetched again: other files in its folder are no sign of it."""
        self.client.create("Plans")
        self.client.append("Plans", message("another"), "S", date=DATE)
        self.seed_plans(made=True)
        self.state("UPDATE message SET stage = 1 " + self.of_plans() +
                   " AND CAST(subject AS TEXT) LIKE '%planned%'")
        os.unlink(self.tree.find("Plans", "planned").path)
        self.syncd.sync()
        self.assertPlaces("planned", "Plans")
        self.assertQuiet()

    def test_an_open_landing_whose_cur_is_gone(self):
        self.seed_plans()
        self.state("UPDATE message SET stage = 1 " + self.of_plans())
        shutil.rmtree(self.tree.path("Plans") + "/cur")
        self.client.append("INBOX", message("fresh"), date=DATE)
        self.syncd.run("sync")
        self.assertPlaces("fresh", "INBOX")
        self.assertEqual(len(self.client.fetch_all("Plans")), 1)

    def test_an_older_version_in_a_renumbered_mailbox(self):
        self.seed_plans()
        self.state("UPDATE message SET stage = 8, uniq = NULL, file = NULL " + self.of_plans())
        self.client.delete("Plans")
        self.client.create("Plans")
        self.client.append("Plans", message("planned"), "S", date=DATE)
        self.syncd.sync()
        self.assertPlaces("planned", "Plans")

    def test_an_open_move_of_what_has_more_keywords_than_letters(self):
        words = [f"k{i:02d}" for i in range(30)]
        self.client.create("Plans")
        self.client.append("INBOX", message("all"), "S", words, DATE)
        self.client.append("INBOX", message("last"), "S", words[-2:], DATE)
        self.syncd.sync()
        self.state("UPDATE message SET stage = 3, seek = 1, dest = (SELECT id FROM folder WHERE "
                   "CAST(path AS TEXT) = 'Plans') WHERE CAST(subject AS TEXT) = 'last'")
        self.tree.move("INBOX", "Subject: last", "Plans")
        self.client.move("INBOX", self.client.find("INBOX", "Subject: last"), "Plans")
        for _ in range(3):
            self.syncd.sync()
        [m] = self.client.fetch_all("Plans")
        self.assertEqual(sorted(m.keywords), words[-2:])
        self.assertQuiet()

    def test_an_open_move_whose_target_was_dropped(self):
        self.seed_plans()
        self.state("UPDATE message SET stage = 3, dest = 4711, seek = 1 " + self.of_plans())
        self.syncd.sync()
        self.syncd.sync()
        self.assertPlaces("planned", "Plans")


class Poor(Case):
    """A server that can neither move nor expunge one message."""
    server = {"rawlog": True, "hide": ("MOVE", "UIDPLUS")}

    def test_what_was_deleted_here_does_not_come_back(self):
        self.client.append("INBOX", message("rubbish"), "S", date=DATE)
        self.syncd.sync()
        self.tree.delete("INBOX", "rubbish")
        self.syncd.sync()
        self.syncd.sync()
        self.assertFalse([m for m in self.tree.messages("INBOX") if b"rubbish" in m.data])
        self.tree.find("Trash", "Subject: rubbish")

    def test_what_was_moved_here_does_not_come_back(self):
        self.client.append("INBOX", message("moved"), "S", date=DATE)
        self.syncd.sync()
        self.tree.move("INBOX", "moved", "Archive")
        self.syncd.sync()
        self.syncd.sync()
        self.assertFalse([m for m in self.tree.messages("INBOX") if b"moved" in m.data])
        self.assertEqual(len([m for m in self.tree.messages("Archive") if b"moved" in m.data]), 1)


if __name__ == "__main__":
    import unittest
    unittest.main()
