"""Every kind of change, made on one side, arrives on the other; then silence.

Each row starts from the same synced mailbox, changes one thing, and says where
the message must be afterwards.
"""
import os
import time

from case import Case, local_message, message, rows
from dovecot import writing

OLD = 1_600_000_000    # a date that no clock here shows


SERVER = {
    "new mail": (
        lambda t: t.client.append("INBOX", message("fresh"), date=OLD + 77),
        lambda t: t.assertPlaces("fresh", "INBOX")),
    "new mail with flags": (
        lambda t: t.client.append("Archive", message("fresh"), "SRF", ["$Forwarded"], OLD),
        lambda t: t.assertFlags("Archive", "fresh", "FRS", ["$Forwarded"])),
    "seen": (
        lambda t: t.client.store("INBOX", t.far("INBOX", "m1"), "+", "S"),
        lambda t: t.assertFlags("INBOX", "m1", "S")),
    "unseen": (
        lambda t: t.client.store("INBOX", t.far("INBOX", "read"), "-", "S"),
        lambda t: t.assertFlags("INBOX", "read", "")),
    "flagged": (
        lambda t: t.client.store("INBOX", t.far("INBOX", "read"), "+", "F"),
        lambda t: t.assertFlags("INBOX", "read", "FS")),
    "answered": (
        lambda t: t.client.store("INBOX", t.far("INBOX", "read"), "+", "R"),
        lambda t: t.assertFlags("INBOX", "read", "RS")),
    "keyword added": (
        lambda t: t.client.store("INBOX", t.far("INBOX", "m1"), "+", "", ["todo"]),
        lambda t: t.assertFlags("INBOX", "m1", "", ["todo"])),
    "keyword removed": (
        lambda t: t.client.store("INBOX", t.far("INBOX", "worked"), "-", "", ["$Work"]),
        lambda t: t.assertFlags("INBOX", "worked", "S")),
    "deleted": (
        lambda t: t.client.expunge("INBOX", t.far("INBOX", "m1")),
        lambda t: t.assertPlaces("m1")),
    "moved": (
        lambda t: t.client.move("INBOX", t.far("INBOX", "worked"), "Archive"),
        lambda t: t.assertFlags("Archive", "worked", "S", ["$Work"])),
    "copied": (
        lambda t: t.client.copy("INBOX", t.far("INBOX", "m1"), "Archive"),
        lambda t: t.assertPlaces("m1", "INBOX", "Archive")),
    "new folder with mail": (
        lambda t: (t.client.create("Lists/größe & co"),
                   t.client.append("Lists/größe & co", message("fresh"))),
        lambda t: t.assertPlaces("fresh", "Lists/größe & co")),
    "draft saved again": (
        lambda t: (t.client.append("Drafts", message("draft", "second version"), "D"),
                   t.client.expunge("Drafts", t.far("Drafts", "first version"))),
        lambda t: (t.assertPlaces("first version"),
                   t.assertFlags("Drafts", "second version", "D"))),
    "folder renamed": (
        lambda t: t.client.rename("Projects", "Projects 2026"),
        lambda t: t.assertPlaces("planned", "Projects 2026")),
    "folder renamed and made again": (
        lambda t: (t.client.rename("Projects", "Projects 2026"), t.client.create("Projects"),
                   t.client.append("Projects", message("another"))),
        lambda t: (t.assertPlaces("planned", "Projects 2026"),
                   t.assertPlaces("another", "Projects"))),
    "twins": (
        lambda t: [t.client.append("INBOX", message("twin"), date=OLD) for _ in "ab"],
        lambda t: t.assertPlaces("twin", "INBOX", "INBOX")),
}

LOCAL = {
    "new mail": (
        lambda t: t.tree.add("INBOX", local_message("fresh"), date=OLD + 77),
        lambda t: t.assertPlaces("fresh", "INBOX")),
    "new mail with flags": (
        lambda t: t.tree.add("Archive", local_message("fresh"), "FRS", ["$Forwarded"], OLD),
        lambda t: t.assertFlags("Archive", "fresh", "FRS", ["$Forwarded"])),
    "seen": (
        lambda t: t.tree.set_flags("INBOX", "m1", "S"),
        lambda t: t.assertFlags("INBOX", "m1", "S")),
    "unseen": (
        lambda t: t.tree.set_flags("INBOX", "read", ""),
        lambda t: t.assertFlags("INBOX", "read", "")),
    "flagged": (
        lambda t: t.tree.set_flags("INBOX", "read", "FS"),
        lambda t: t.assertFlags("INBOX", "read", "FS")),
    "answered": (
        lambda t: t.tree.set_flags("INBOX", "read", "RS"),
        lambda t: t.assertFlags("INBOX", "read", "RS")),
    "keyword added": (
        lambda t: t.tree.set_flags("INBOX", "m1", "", ["todo"]),
        lambda t: t.assertFlags("INBOX", "m1", "", ["todo"])),
    "keyword removed": (
        lambda t: t.tree.set_flags("INBOX", "worked", "S", []),
        lambda t: t.assertFlags("INBOX", "worked", "S")),
    "deleted": (
        lambda t: t.tree.delete("INBOX", "m1"),
        lambda t: t.assertPlaces("m1", "Trash")),
    "deleted in the trash": (
        lambda t: t.tree.delete("Trash", "rubbish"),
        lambda t: t.assertPlaces("rubbish")),
    "moved with its name": (
        lambda t: t.tree.move("INBOX", "worked", "Archive"),
        lambda t: t.assertFlags("Archive", "worked", "S", ["$Work"])),
    "moved with a new name": (
        lambda t: t.tree.move("INBOX", "worked", "Archive", keep_name=False),
        lambda t: t.assertFlags("Archive", "worked", "S", ["$Work"])),
    "copied": (
        lambda t: t.tree.copy("INBOX", "m1", "Archive"),
        lambda t: t.assertPlaces("m1", "INBOX", "Archive")),
    "new folder with mail": (
        lambda t: (t.tree.create_folder("Lists/größe & co"),
                   t.tree.add("Lists/größe & co", local_message("fresh"))),
        lambda t: t.assertPlaces("fresh", "Lists/größe & co")),
    "draft saved again": (
        lambda t: (t.tree.delete("Drafts", "first version"),
                   t.tree.add("Drafts", local_message("draft", "second version"), "D")),
        lambda t: t.assertFlags("Drafts", "second version", "D")),
    "draft replaced in place": (
        lambda t: t.tree.replace("Drafts", "first version",
                                 local_message("draft", "second version")),
        lambda t: t.assertFlags("Drafts", "second version", "D")),
    "mail edited, of the same size": (
        lambda t: t.tree.replace("INBOX", "Subject: m1", local_message("m1", "hallo")),
        lambda t: t.assertPlaces("hallo", "INBOX")),
    "two files of one name and size that change places": (
        lambda t: t.swap(t.alike("INBOX", "one", OLD + 20), t.alike("Archive", "two", OLD + 21)),
        lambda t: (t.assertPlaces("one", "Archive"), t.assertPlaces("two", "INBOX"))),
    "folder renamed": (
        lambda t: t.tree.rename_folder("Projects", "Projects 2026"),
        lambda t: t.assertPlaces("planned", "Projects 2026")),
    "twins": (
        lambda t: [t.tree.add("INBOX", local_message("twin"), date=OLD) for _ in "ab"],
        lambda t: t.assertPlaces("twin", "INBOX", "INBOX")),
}

BOTH = {
    "different flags of one message": (
        lambda t: (t.tree.set_flags("INBOX", "m1", "S"),
                   t.client.store("INBOX", t.far("INBOX", "m1"), "+", "F")),
        lambda t: t.assertFlags("INBOX", "m1", "FS")),
    "flag here, deleted there": (
        lambda t: (t.tree.set_flags("INBOX", "m1", "F"),
                   t.client.expunge("INBOX", t.far("INBOX", "m1"))),
        lambda t: t.assertPlaces("m1")),
    "deleted on both": (
        lambda t: (t.tree.delete("INBOX", "m1"),
                   t.client.expunge("INBOX", t.far("INBOX", "m1"))),
        lambda t: t.assertPlaces("m1")),
    "new mail on both": (
        lambda t: (t.tree.add("INBOX", local_message("nearby"), date=OLD),
                   t.client.append("INBOX", message("yonder"), date=OLD)),
        lambda t: (t.assertPlaces("nearby", "INBOX"), t.assertPlaces("yonder", "INBOX"))),
    "moved to different folders": (
        lambda t: (t.tree.move("INBOX", "m1", "Archive"),
                   t.client.move("INBOX", t.far("INBOX", "m1"), "Projects")),
        lambda t: t.assertOnePlace("m1", ("Archive", "Projects"))),
    "moved here, deleted there": (
        lambda t: (t.tree.move("INBOX", "m1", "Archive"),
                   t.client.expunge("INBOX", t.far("INBOX", "m1"))),
        lambda t: t.assertPlaces("m1", "Archive")),
    "moved here, flagged there": (
        lambda t: (t.tree.move("INBOX", "m1", "Archive"),
                   t.client.store("INBOX", t.far("INBOX", "m1"), "+", "F")),
        lambda t: t.assertFlags("Archive", "m1", "F")),
    "moved there, flagged here": (
        lambda t: (t.tree.set_flags("INBOX", "m1", "F"),
                   t.client.move("INBOX", t.far("INBOX", "m1"), "Archive")),
        lambda t: t.assertFlags("Archive", "m1", "F")),
    "moved here and unflagged there": (
        lambda t: (t.tree.move("INBOX", "worked", "Archive"),
                   t.client.store("INBOX", t.far("INBOX", "worked"), "-", "S", ["$Work"])),
        lambda t: t.assertFlags("Archive", "worked", "")),
    "moved and flagged here": (
        lambda t: (t.tree.move("INBOX", "m1", "Archive"),
                   t.tree.set_flags("Archive", "m1", "FS", ["todo", "$Work"])),
        lambda t: t.assertFlags("Archive", "m1", "FS", ["$Work", "todo"])),
    "moved and flagged there": (
        lambda t: (t.client.store("INBOX", t.far("INBOX", "m1"), "+", "F", ["todo"]),
                   t.client.move("INBOX", t.far("INBOX", "m1"), "Archive")),
        lambda t: t.assertFlags("Archive", "m1", "F", ["todo"])),
    "moved here and back": (
        lambda t: (t.tree.move("INBOX", "m1", "Archive"), t.tree.move("Archive", "m1", "INBOX")),
        lambda t: t.assertPlaces("m1", "INBOX")),
    "draft replaced here, moved there": (
        lambda t: (t.tree.replace("Drafts", "first version",
                                  local_message("draft", "second version")),
                   t.client.move("Drafts", t.far("Drafts", "first version"), "Archive")),
        lambda t: (t.assertPlaces("first version"),
                   t.assertFlags("Archive", "second version", "D"))),
    "mail replaced and flagged here, moved there": (
        lambda t: (t.tree.replace("INBOX", "Subject: m1", local_message("m1", "second version")),
                   t.tree.set_flags("INBOX", "second version", "S"),
                   t.client.move("INBOX", t.far("INBOX", "Subject: m1"), "Archive")),
        lambda t: t.assertFlags("Archive", "second version", "S")),
    "draft replaced here, moved there and back": (
        lambda t: (t.tree.replace("Drafts", "first version",
                                  local_message("draft", "second version")),
                   t.client.move("Drafts", t.far("Drafts", "first version"), "Archive"),
                   t.client.move("Archive", t.far("Archive", "first version"), "Drafts")),
        lambda t: (t.assertPlaces("first version"),
                   t.assertFlags("Drafts", "second version", "D"))),
    "draft replaced here, flagged there": (
        lambda t: (t.tree.replace("Drafts", "first version",
                                  local_message("draft", "second version")),
                   t.client.store("Drafts", t.far("Drafts", "first version"), "+", "F", ["todo"])),
        lambda t: (t.assertPlaces("first version"),
                   t.assertFlags("Drafts", "second version", "DF", ["todo"]))),
    "draft replaced and flagged here, flagged there": (
        lambda t: (t.tree.replace("Drafts", "first version",
                                  local_message("draft", "second version")),
                   t.tree.set_flags("Drafts", "second version", "DS"),
                   t.client.store("Drafts", t.far("Drafts", "first version"), "+", "F")),
        lambda t: t.assertFlags("Drafts", "second version", "DFS")),
    "same flag on both": (
        lambda t: (t.tree.set_flags("INBOX", "m1", "F"),
                   t.client.store("INBOX", t.far("INBOX", "m1"), "+", "F")),
        lambda t: t.assertFlags("INBOX", "m1", "F")),
    "same folder made on both": (
        lambda t: (t.client.create("New"), t.client.append("New", message("yonder")),
                   t.tree.create_folder("New"), t.tree.add("New", local_message("nearby"))),
        lambda t: (t.assertPlaces("nearby", "New"), t.assertPlaces("yonder", "New"))),
}


class ChangeCase(Case):
    """A mailbox of a few messages, synced once; then one change."""

    def far(self, folder, token):
        return self.client.find(folder, token)

    def alike(self, folder, token, date):
        """A file whose name and size tell nothing, synced; its path."""
        path = os.path.join(self.tree.path(folder), "cur", "1600000000.alike:2,S")
        with open(path, "wb") as f:
            f.write(local_message(token))
        os.utime(path, (date, date))
        self.syncd.sync()
        return path

    @staticmethod
    def swap(a, b):
        os.rename(a, a + ".away")
        os.rename(b, a)
        os.rename(a + ".away", b)

    def seed(self):
        c = self.client
        c.create("Projects")
        for i in range(4):
            c.append("INBOX", message(f"m{i}"), date=OLD + i)
        c.append("INBOX", message("read"), "S", date=OLD + 10)
        c.append("INBOX", message("worked"), "S", ["$Work"], OLD + 11)
        c.append("Archive", message("kept"), "SF", date=OLD + 12)
        c.append("Drafts", message("draft", "first version"), "D", date=OLD + 13)
        c.append("Projects", message("planned"), date=OLD + 14)
        c.append("Trash", message("rubbish"), "S", date=OLD + 15)

    def assertFlags(self, folder, token, flags, keywords=()):
        far = self.client.fetch_all(folder)
        far = [m for m in far if token.encode() in m.data]
        self.assertEqual([("".join(sorted(m.flags)), sorted(m.keywords)) for m in far],
                         [(flags, sorted(keywords))], f"{token} on the server")
        m = self.tree.find(folder, token)
        self.assertEqual(("".join(sorted(m.flags)), sorted(m.keywords)),
                         (flags, sorted(keywords)), f"{token} in the tree")
        if not m.in_new:
            self.assertEqual(m.letters, "".join(sorted(set(m.letters))), "unsorted flags")

    def assertOnePlace(self, token, folders):
        """Exactly one copy, in one of ${folders}, the same on both sides."""
        at = [f for f in self.tree.folders()
              for m in self.tree.messages(f) if token.encode() in m.data]
        self.assertEqual(len(at), 1, f"{token} is at {at}")
        self.assertIn(at[0], folders)
        self.assertPlaces(token, at[0])

    def change(self, row):
        change, expect = row
        self.seed()
        self.syncd.sync()
        self.assertSame()
        change(self)
        self.syncd.sync()
        # What a change needs a second round for (a copy of mail that came
        # back, a server-side move) must be settled by it.
        if self.differences():
            self.syncd.sync()
        self.assertSame()
        expect(self)
        self.assertQuiet()


@rows("there", SERVER)
@rows("here", LOCAL)
@rows("on_both", BOTH)
class Changes(ChangeCase):
    def there(self, row):
        self.change(row)

    def here(self, row):
        self.change(row)

    def on_both(self, row):
        self.change(row)

    def test_a_file_that_was_put_back_without_its_date_is_not_sent(self):
        self.seed()
        self.syncd.sync()
        uids = [m.uid for m in self.client.fetch_all("INBOX")]
        self.tree.replace("INBOX", "Subject: m1", local_message("m1"))
        self.syncd.sync()
        self.assertFalse(self.differences(dates=False))
        self.assertEqual([m.uid for m in self.client.fetch_all("INBOX")], uids)
        self.assertQuiet()


class FirstSync(ChangeCase):
    def test_server_mail_lands_with_flags_dates_and_bytes(self):
        self.seed()
        self.syncd.sync()
        self.assertSame()
        self.assertEqual(self.tree.find("INBOX", "m0").date, OLD)
        self.assertQuiet()

    def test_unread_mail_lands_in_new_and_read_mail_in_cur(self):
        self.seed()
        self.syncd.sync()
        self.assertTrue(self.tree.find("INBOX", "m0").in_new)
        self.assertFalse(self.tree.find("INBOX", "read").in_new)

    def test_a_tree_without_a_server_copy_is_uploaded(self):
        for folder in ("INBOX", "Mine/deep"):
            self.tree.create_folder(folder)
        for i in range(5):
            self.tree.add("INBOX", local_message(f"up{i}"), "S", date=OLD + i)
        self.tree.add("Mine/deep", local_message("deep"), "F", ["$Work"], OLD)
        self.syncd.sync()
        self.assertSame()
        self.assertPlaces("deep", "Mine/deep")
        self.assertQuiet()

    def test_mail_on_both_sides_is_joined(self):
        self.client.append("INBOX", message("yonder"), date=OLD)
        self.tree.create_folder("INBOX")
        self.tree.add("INBOX", local_message("nearby"), date=OLD)
        self.syncd.sync()
        self.assertSame()
        self.assertPlaces("yonder", "INBOX")
        self.assertPlaces("nearby", "INBOX")
        self.assertQuiet()

    def test_files_are_private_and_tmp_is_empty(self):
        self.seed()
        self.syncd.sync()
        for folder, path in self.tree.folders().items():
            self.assertEqual(os.listdir(path + "/tmp"), [], folder)
            for m in self.tree.messages(folder):
                self.assertEqual(os.stat(m.path).st_mode & 0o7777, 0o600, m.path)

    def test_many_messages_in_one_folder(self):
        for i in range(300):
            self.client.append("INBOX", message(f"n{i}", "x" * (i * 7)), date=OLD + i)
        self.syncd.sync()
        self.assertSame()
        self.assertQuiet()

    def test_dry_run_changes_nothing(self):
        self.seed()
        seen = len(self.dovecot.connections(self.user))
        r = self.syncd.sync("--dry-run")
        self.assertIn("INBOX", r.out)
        self.assertEqual(self.tree.folders(), {})
        self.assertEqual(writing(self.dovecot.commands(self.user, since=seen)), [])

    def planned(self):
        *plan, end = self.syncd.sync("--dry-run").out.splitlines()
        self.assertIn("done", end)
        return sorted(" ".join(line.split()[:2]) for line in plan)

    def test_dry_run_says_what_a_round_does_then(self):
        self.seed()
        self.syncd.sync()
        self.tree.move("INBOX", "m1", "Archive")
        self.tree.copy("INBOX", "read", "Projects")
        self.tree.set_flags("INBOX", "worked", "FS", ["$Work"])
        self.tree.delete("INBOX", "m2")
        self.tree.add("INBOX", local_message("typed"))
        self.client.append("INBOX", message("fresh"))
        self.client.store("Archive", self.far("Archive", "kept"), "-", "F")
        before, seen = self.tree.snapshot(), len(self.dovecot.connections(self.user))
        self.assertEqual(self.planned(), [
            "Archive: flags-local", "Archive: move-remote",
            "INBOX: delete-remote", "INBOX: download", "INBOX: flags-remote",
            "INBOX: upload", "Projects: copy-remote"])
        self.assertEqual(self.tree.snapshot(), before)
        self.assertEqual(writing(self.dovecot.commands(self.user, since=seen)), [])
        self.syncd.sync()
        self.assertSame()
        self.assertPlaces("m1", "Archive")
        self.assertPlaces("read", "INBOX", "Projects")
        self.assertEqual(self.planned(), [])

    def test_only_the_named_folder_is_synced(self):
        self.seed()
        self.syncd.sync()
        self.client.append("INBOX", message("one"))
        self.client.append("Archive", message("two"))
        self.syncd.sync("a/Archive")
        self.assertEqual(len(self.tree.messages("INBOX")), 6)
        self.tree.find("Archive", "two")


class MaildirPlusPlus(ChangeCase):
    account = {"layout": "maildir++"}

    def test_changes_cross_in_both_directions(self):
        self.seed()
        self.client.create("Lists/a.b")
        self.client.append("Lists/a.b", message("dotted"), date=OLD)
        self.syncd.sync()
        self.assertSame()
        self.tree.set_flags("INBOX", "m1", "S")
        self.tree.move("INBOX", "m2", "Archive")
        self.tree.create_folder("Lists/new")
        self.tree.add("Lists/new", local_message("fresh"))
        self.client.expunge("INBOX", self.far("INBOX", "m3"))
        self.syncd.sync()
        if self.differences():
            self.syncd.sync()
        self.assertSame()
        self.assertPlaces("m2", "Archive")
        self.assertPlaces("fresh", "Lists/new")
        self.assertQuiet()


class KeywordsOfAMove(ChangeCase):
    def test_a_letter_without_a_name_does_not_get_one_by_a_move(self):
        """It means nothing to us where it comes from, and another thing where it goes."""
        self.client.append("INBOX", message("m1"), keywords=("todo",))
        self.client.append("Archive", message("m2"))
        self.syncd.sync()
        letter = self.tree.find("INBOX", "Subject: m1").letters
        self.assertEqual(len(letter), 1)
        path = self.tree.find("Archive", "Subject: m2").path
        name = f"{os.path.basename(path)}:2,{letter}z"
        os.rename(path, os.path.join(self.tree.path("Archive"), "cur", name))
        self.syncd.sync()
        self.assertEqual(os.listdir(self.tree.path("Archive") + "/cur"), [name])
        os.rename(os.path.join(self.tree.path("Archive"), "cur", name),
                  os.path.join(self.tree.path("INBOX"), "cur", name))
        self.syncd.sync()
        self.assertFlags("INBOX", "Subject: m2", "")
        self.assertEqual(self.tree.find("INBOX", "Subject: m2").letters, "z")
        self.assertQuiet()

    def test_a_keyword_without_a_letter_is_not_lost_where_there_is_one(self):
        """Not all have one in the folder that it comes from."""
        words = [f"k{i:02d}" for i in range(30)]
        self.seed()
        self.client.store("INBOX", self.far("INBOX", "m1"), "+", "", words)
        self.client.store("INBOX", self.far("INBOX", "m2"), "+", "", words[-3:])
        self.syncd.sync()
        self.tree.move("INBOX", "m1", "Archive")
        self.tree.move("INBOX", "m2", "Projects", keep_name=False)
        for _ in range(3):
            self.syncd.sync()
        there = {m.data.split(b"\r\n")[0]: sorted(m.keywords)
                 for folder in ("Archive", "Projects") for m in self.client.fetch_all(folder)}
        self.assertEqual(there[b"Subject: m1"], words)
        self.assertFlags("Projects", "Subject: m2", "", words[-3:])
        self.assertQuiet()

    def test_a_keyword_that_is_taken_off_here_while_the_server_moves_the_message(self):
        self.client.append("Archive", message("m1"), keywords=("todo", "$Work"))
        self.client.append("Sent", message("m2"), keywords=("todo",))
        self.syncd.sync()
        self.tree.set_flags("Archive", "m1", "", keywords=("todo",))
        self.client.move("Archive", self.far("Archive", "m1"), "Sent")
        self.syncd.sync()
        self.syncd.sync()
        self.assertSame()
        self.assertEqual(self.tree.find("Sent", "Subject: m1").keywords, {"todo"})


class RenameAfterDeletion(ChangeCase):
    """The server renames a folder whose counters we changed since they were noted."""

    def setUp(self):
        super().setUp()
        self.client.create("Box")
        for token in ("m1", "m2"):
            self.client.append("Box", message(token))
        self.syncd.sync()

    def renamed(self, *left):
        self.syncd.sync()
        self.client.rename("Box", "Other")
        self.syncd.sync()
        self.assertSame()
        self.assertFalse(os.path.exists(os.path.join(self.tree.root, "Box")))
        for token in left:
            self.assertPlaces(token, "Other")

    def test_its_id_tells(self):
        self.tree.delete("Box", "Subject: m1")
        self.renamed("m2")

    def without_ids(self):
        self.syncd.settings["accounts"]["a"]["avoid"] = ["X-GUID"]
        self.syncd.write()
        self.syncd.write()

    def test_without_ids_after_a_deletion_here(self):
        self.without_ids()
        self.tree.delete("Box", "Subject: m1")
        self.renamed("m2")

    def test_without_ids_after_an_upload(self):
        self.without_ids()
        self.tree.add("Box", message("m3"))
        self.renamed("m1", "m2", "m3")

    def test_one_that_was_made_here_a_moment_ago(self):
        """Its id is asked for at once, and what was put into it is known."""
        self.tree.create_folder("Mine")
        self.tree.add("Mine", message("m3"))
        self.tree.move("Box", "Subject: m1", "Mine")
        self.syncd.sync()
        said = self.dovecot.commands(self.user)
        made = said.index('CREATE "Mine"')
        self.assertRegex(" ".join(said[made:]), r'STATUS "Mine" \([^)]*X-GUID')
        self.client.rename("Mine", "Other")
        self.syncd.sync()
        self.assertSame()
        self.assertFalse(os.path.exists(os.path.join(self.tree.root, "Mine")))
        for token in ("m1", "m3"):
            self.assertPlaces(token, "Other")

    def test_without_ids_when_nothing_is_left(self):
        self.without_ids()
        self.tree.delete("Box", "Subject: m1")
        self.tree.delete("Box", "Subject: m2")
        self.renamed()


class Restart(ChangeCase):
    def test_state_outlives_the_process_and_nothing_is_downloaded_twice(self):
        self.seed()
        self.syncd.sync()
        seen = len(self.dovecot.connections(self.user))
        time.sleep(0.1)
        self.syncd.sync()
        said = self.dovecot.commands(self.user, since=seen)
        self.assertEqual([c for c in said if "BODY" in c.upper()], [])
