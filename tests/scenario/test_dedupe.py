"""`dedupe: hardlink`: a message in several folders is one file, and nobody can tell
but by its inode."""
import os
import sqlite3

from case import Case, message

DATE = 1_600_000_000
BODY = "one and the same\r\n" * 50


class Dedupe(Case):
    account = {"dedupe": "hardlink", "trash": {"local_delete": "expunge"}}

    def give(self, token, *folders, flags="", date=DATE):
        for f in folders:
            if f not in self.client.list():
                self.client.create(f)
            self.client.append(f, message(token, BODY), flags, date=date)

    def file(self, folder, token):
        return next(m for m in self.tree.messages(folder)
                    if f"Subject: {token}\n".encode() in m.data)

    def inode(self, folder, token):
        return os.stat(self.file(folder, token).path).st_ino

    def assertLinked(self, token, *folders):
        self.assertEqual(len({self.inode(f, token) for f in folders}), 1, token)

    def assertApart(self, token, *folders):
        self.assertEqual(len({self.inode(f, token) for f in folders}), len(folders), token)

    def assertSettled(self):
        self.assertSame()
        self.assertQuiet()


class Linking(Dedupe):
    def test_the_same_message_is_one_file(self):
        self.give("all", "INBOX", "Archive", "Work")
        self.give("elsewhere", "Archive", "Work")    # they come in one go
        self.give("once", "INBOX", "INBOX")    # within a folder: two files
        self.give("dated", "INBOX")
        self.give("dated", "Archive", date=DATE + 1)
        self.give("draft", "INBOX", "Drafts")
        self.give("marked", "INBOX", "Archive", flags="D")
        self.client.append("INBOX", message("other", BODY), date=DATE)
        self.client.append("Archive", message("other", BODY + "x"), date=DATE)
        self.syncd.sync()
        self.assertLinked("all", "INBOX", "Archive", "Work")
        self.assertLinked("elsewhere", "Archive", "Work")
        for token in ("dated", "marked", "other"):
            self.assertApart(token, "INBOX", "Archive")
        self.assertApart("draft", "INBOX", "Drafts")
        here = [os.stat(m.path).st_ino for m in self.tree.messages("INBOX")]
        self.assertEqual(len(set(here)), len(here))
        self.assertEqual(self.file("INBOX", "all").date, DATE)
        for folder in ("INBOX", "Archive", "Work"):
            self.assertEqual(os.listdir(f"{self.tree.root}/{folder}/tmp"), [])
        self.assertSettled()

    def test_what_comes_later_is_linked_too_and_a_damaged_file_is_not(self):
        self.give("m1", "INBOX")
        self.give("m2", "INBOX")
        self.syncd.sync()
        hurt = self.file("INBOX", "m2")
        with open(hurt.path, "r+b") as f:
            f.seek(300)
            f.write(b"X")
        os.utime(hurt.path, (DATE, DATE))
        self.give("m1", "Archive")
        self.give("m2", "Archive")
        self.syncd.sync()
        self.assertLinked("m1", "INBOX", "Archive")
        self.assertApart("m2", "INBOX", "Archive")
        self.assertEqual(self.file("Archive", "m2").data.count(b"X"), 0)

    def test_what_comes_later_is_not_linked_to_a_draft(self):
        self.give("m1", "Drafts")
        self.give("m2", "Archive", flags="D")
        self.syncd.sync()
        self.give("m1", "INBOX")
        self.give("m2", "INBOX")
        self.syncd.sync()
        self.assertApart("m1", "INBOX", "Drafts")
        self.assertApart("m2", "INBOX", "Archive")

    def test_it_is_off_unless_asked_for(self):
        del self.syncd.settings["accounts"]["a"]["dedupe"]
        self.syncd.write()
        self.give("m1", "INBOX", "Archive")
        self.syncd.sync()
        self.assertApart("m1", "INBOX", "Archive")


class Changing(Dedupe):
    """Each does what it does to two files."""

    def setUp(self):
        super().setUp()
        self.give("m1", "INBOX", "Archive", "Work")
        self.give("m2", "INBOX", "Archive")
        self.give("m3", "INBOX")
        self.client.create("Other")
        self.syncd.sync()
        self.assertLinked("m1", "INBOX", "Archive", "Work")
        self.assertLinked("m2", "INBOX", "Archive")

    def move(self, token, folder, to, name=None):
        m = self.file(folder, token)
        os.rename(m.path, f"{self.tree.root}/{to}/cur/" +
                  (name or os.path.basename(m.path).split(":")[0]) + ":2,S")

    def uid(self, folder, token):
        return self.client.find(folder, f"Subject: {token}")

    def rows(self):
        """(folder, uid): id of the message's row."""
        db = sqlite3.connect(f"file:{self.syncd.state}/a.db?mode=ro", uri=True)
        with db:
            return dict(db.execute("SELECT folder.path || ' ' || message.uid, message.id "
                                   "FROM message JOIN folder ON folder.id = message.folder "
                                   "WHERE message.uid IS NOT NULL"))

    def test_one_is_moved_here(self):
        self.move("m1", "INBOX", "Other")
        self.move("m2", "Archive", "Other", "1600000001.fresh.name")
        self.syncd.sync()
        self.assertPlaces("m1", "Other", "Archive", "Work")
        self.assertPlaces("m2", "INBOX", "Other")
        self.assertLinked("m1", "Other", "Archive", "Work")
        self.assertSettled()

    def test_one_is_moved_and_another_deleted_here(self):
        row = self.rows()[f"INBOX {self.uid('INBOX', 'm1')}"]
        self.move("m1", "INBOX", "Other")
        os.unlink(self.file("Archive", "m1").path)
        self.syncd.sync()
        self.assertPlaces("m1", "Other", "Work")
        moved = [v for k, v in self.rows().items() if k.startswith("Other ")]
        self.assertEqual(moved, [row])
        self.assertSettled()

    def test_two_are_moved_here_under_new_names(self):
        self.move("m1", "INBOX", "Other", "1600000001.first.name")
        self.move("m1", "Archive", "Work", "1600000002.second.name")
        self.syncd.sync()
        self.assertPlaces("m1", "Other", "Work", "Work")
        self.assertSettled()

    def test_one_is_deleted_here(self):
        os.unlink(self.file("Archive", "m1").path)
        os.unlink(self.file("INBOX", "m2").path)
        self.syncd.sync()
        self.assertPlaces("m1", "INBOX", "Work")
        self.assertPlaces("m2", "Archive")
        self.assertSettled()

    def test_flags_are_of_one_name(self):
        self.tree.set_flags("INBOX", "Subject: m1", "FS")
        self.client.store("Work", self.uid("Work", "m1"), "+", "R", ("todo",))
        self.syncd.sync()
        self.assertEqual([self.file(f, "m1").flags for f in ("INBOX", "Archive", "Work")],
                         [frozenset("FS"), frozenset(), frozenset("R")])
        self.assertLinked("m1", "INBOX", "Archive", "Work")
        self.assertSettled()

    def test_the_server_deletes_or_moves_one(self):
        self.client.expunge("INBOX", self.uid("INBOX", "m1"))
        self.client.expunge("Archive", self.uid("Archive", "m2"))
        self.syncd.sync()
        self.syncd.sync()
        self.assertPlaces("m1", "Archive", "Work")
        self.assertPlaces("m2", "INBOX")
        self.assertSettled()

    def test_a_copy_of_a_name_is_a_copy(self):
        m = self.file("INBOX", "m2")
        os.link(m.path, f"{self.tree.root}/Other/cur/1600000003.copy.name:2,")
        self.syncd.sync()
        self.assertPlaces("m2", "INBOX", "Archive", "Other")
        self.assertSettled()
