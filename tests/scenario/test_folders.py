"""Folders: what goes along with a parent, what is gone for a while or renamed on both
sides, names that cannot be, and lists that are refused or not whole."""
import os
import shutil
import unittest

import peer
from case import Case, local_message, message, rows
from peer import no
from test_peer import PeerCase


class Gone(Case):
    def test_folders_below_go_with_the_one_that_is_renamed_on_the_server(self):
        for name in ("P", "P/c", "P/c/d"):
            self.client.create(name)
            self.client.append(name, message(f"in {name}."))
        self.syncd.sync()
        inodes = {name: os.stat(self.tree.find(name, f"in {name}.").path).st_ino
                  for name in ("P", "P/c", "P/c/d")}
        self.client.rename("P", "Q")
        self.syncd.sync()
        self.assertSame()
        for name, ino in inodes.items():
            now = "Q" + name[1:]
            self.assertPlaces(f"in {name}.", now)
            # The same files: nothing was fetched again.
            self.assertEqual(os.stat(self.tree.find(now, f"in {name}.").path).st_ino, ino)
        self.assertQuiet()

    def test_one_that_gets_another_below_it_which_it_was_below(self):
        """What it is to be is a directory by then, and no folder."""
        self.client.create("Letters")
        self.client.append("Letters", message("above"))
        self.client.create("Letters/new")
        self.client.append("Letters/new", message("worked"), "S", ["todo"])
        self.client.append("Letters/new", message("unread"))
        self.client.create("Letters/new/deep")
        self.client.append("Letters/new/deep", message("within"))
        self.syncd.sync()
        self.client.rename("Letters/new", "Mail")
        self.client.rename("Letters", "Mail/old")
        self.syncd.sync()
        self.assertSame()
        for token, folder in (("above", "Mail/old"), ("worked", "Mail"),
                              ("unread", "Mail"), ("within", "Mail/deep")):
            self.assertPlaces(token, folder)
        self.assertEqual(sorted(os.listdir(self.tree.path("Mail/old"))), ["cur", "new", "tmp"])
        self.assertQuiet()

    def test_one_that_is_gone_on_the_server_and_comes_back(self):
        self.client.create("Box")
        self.client.append("Box", message("kept"))
        self.syncd.sync()
        self.client.delete("Box")
        r = self.syncd.sync(expect=(0, 1))
        self.assertIn("server.folder-gone", r.err)
        self.assertIsNotNone(self.tree.find("Box", "kept"))
        self.client.create("Box")
        self.client.append("Box", message("more"))
        self.syncd.sync()
        r = self.syncd.sync()
        self.assertNotIn("server.folder-gone", r.err)
        self.assertSame()
        self.assertPlaces("kept", "Box")
        self.assertPlaces("more", "Box")
        self.assertQuiet()

    def test_one_with_much_mail_is_not_deleted_here_unasked(self):
        self.client.create("Box")
        for i in range(5):
            self.client.append("Box", message(f"kept{i}."))
        self.syncd.settings["accounts"]["a"].update(
            folders={"delete_local": "yes"}, guards={"max_delete": {"count": 3, "percent": 20}})
        self.syncd.write()
        self.syncd.sync()
        self.client.delete("Box")
        r = self.syncd.sync(expect=(0, 1, 10))
        self.assertIn("server.folder-gone", r.err)
        self.assertIn("guards.max_delete", r.err)
        self.assertEqual(len(self.tree.messages("Box")), 5)
        os.unlink(self.tree.find("Box", "kept0.").path)
        os.unlink(self.tree.find("Box", "kept1.").path)
        self.syncd.sync(expect=(0, 1, 10))
        self.assertEqual(len(self.tree.messages("Box")), 3)

    def with_one_below(self):
        """P is deleted on the server, and stays in its list for P/c."""
        for name in ("P", "P/c"):
            self.client.create(name)
            self.client.append(name, message(f"in {name}."))
        self.syncd.sync()
        self.client.delete("P")

    def test_one_with_another_below_is_gone_on_the_server_and_comes_back(self):
        self.with_one_below()
        r = self.syncd.sync(expect=(0, 1))
        self.assertIn("server.folder-gone", r.err)
        self.assertIsNotNone(self.tree.find("P", "in P."))
        self.client.append("P/c", message("meanwhile"))
        self.syncd.sync(expect=(0, 1))
        self.assertPlaces("meanwhile", "P/c")
        self.client.create("P")
        self.client.append("P", message("more"))
        self.syncd.sync()
        r = self.syncd.sync()
        self.assertNotIn("server.folder-gone", r.err)
        self.assertSame()
        self.assertPlaces("in P.", "P")
        self.assertPlaces("more", "P")
        self.assertQuiet()

    def test_one_with_another_below_is_deleted_here_too(self):
        self.syncd.settings["accounts"]["a"]["folders"] = {"delete_local": "yes"}
        self.syncd.write()
        self.with_one_below()
        self.syncd.sync()
        self.assertNotIn("P", self.tree.folders())
        self.assertPlaces("in P/c.", "P/c")
        self.assertSame()
        self.assertQuiet()

    def test_one_that_is_gone_here_and_comes_back(self):
        self.client.create("Box")
        self.client.append("Box", message("kept"))
        self.syncd.sync()
        path = self.tree.folders()["Box"]
        away = os.path.join(self.syncd.dir, "away")
        shutil.move(path, away)
        r = self.syncd.sync(expect=(0, 1))
        self.assertIn("store.folder-gone", r.err)
        self.assertIsNotNone(self.client.find("Box", "kept"))
        self.client.append("Box", message("meanwhile"))
        self.syncd.sync(expect=(0, 1))
        shutil.move(away, path)
        self.syncd.sync()
        r = self.syncd.sync()
        self.assertNotIn("store.folder-gone", r.err)
        self.assertSame()
        self.assertPlaces("kept", "Box")
        self.assertPlaces("meanwhile", "Box")
        self.assertQuiet()

    def test_two_that_change_places_and_are_of_one_age(self):
        for name in ("Box", "Tin"):
            self.client.create(name)
            self.client.append(name, message(f"in {name}"), "S")
        self.syncd.sync()
        for name in ("Box", "Tin"):
            for sub in ("cur", "new"):
                os.utime(os.path.join(self.tree.path(name), sub), (1_500_000_000,) * 2)
        self.syncd.sync()
        for old, new in (("Box", "Can"), ("Tin", "Box"), ("Can", "Tin")):
            self.tree.rename_folder(old, new)
        self.syncd.sync()
        self.assertSame()
        self.assertPlaces("in Box", "Tin")
        self.assertPlaces("in Tin", "Box")
        self.assertQuiet()

    def test_mail_was_moved_out_of_one_that_was_removed_then(self):
        self.client.create("Box")
        for token in ("named", "renamed", "copied", "left"):
            self.client.append("Box", message(token), "S")
        self.syncd.sync()
        self.tree.move("Box", "Subject: named", "Archive")
        self.tree.move("Box", "Subject: renamed", "Archive", keep_name=False)
        self.tree.copy("Box", "Subject: copied", "Archive")
        self.tree.delete_folder("Box")
        r = self.syncd.sync(expect=(0, 1))
        self.assertIn("store.folder-gone", r.err)
        self.assertEqual(sorted(m.data[:16] for m in self.client.fetch_all("Box")),
                         [b"Subject: copied\r", b"Subject: left\r\nM"])
        for token in ("Subject: named", "Subject: renamed", "Subject: copied"):
            self.assertTrue(self.client.find("Archive", token))
        self.tree.create_folder("Box")
        self.syncd.sync()
        self.syncd.sync()
        self.assertPlaces("Subject: named", "Archive")
        self.assertPlaces("Subject: renamed", "Archive")

    def test_mail_of_one_that_was_removed_has_two_new_places(self):
        self.client.create("Box")
        self.client.append("Box", message("doubled"), "S")
        self.syncd.sync()
        path = self.tree.find("Box", "doubled").path
        for to in ("INBOX", "Archive"):
            os.link(path, os.path.join(self.tree.path(to), "cur", os.path.basename(path)))
        self.tree.delete_folder("Box")
        self.syncd.sync(expect=(0, 1))
        self.assertEqual(self.client.fetch_all("Box"), [])
        self.assertTrue(self.client.find("INBOX", "doubled"))
        self.assertTrue(self.client.find("Archive", "doubled"))


@rows("in_one_gap", {
    "to the same name": (
        ["Box:Chest"], ["Box:Chest"], {"box0": "Chest", "below0": "Chest/below"}),
    "in case only": (
        ["Box:box"], ["Box:box"], {"box0": "box", "below0": "box/below"}),
    "to different names": (
        ["Box:Case"], ["Box:Chest"], {"box0": "Case", "below0": "Case/below"}),
    "one after the other": (
        ["Tin:Jar", "Box:Tin"], ["Tin:Jar", "Box:Tin"],
        {"box0": "Tin", "below0": "Tin/below", "tin0": "Jar"}),
    "the parent here, the child there": (
        ["Box:Chest"], ["Box/below:Box/under"],
        {"box0": "Chest", "below0": "Chest/below"}),
})
class RenamedOnBoth(Case):
    def in_one_gap(self, row):
        here, there, expect = row
        for name, token in (("Box", "box"), ("Box/below", "below"), ("Tin", "tin")):
            self.client.create(name)
            for i in "012":
                self.client.append(name, message(token + i))
        self.syncd.sync()
        for names in here:
            self.tree.rename_folder(*names.split(":"))
        for names in there:
            self.client.rename(*names.split(":"))
        self.syncd.sync(expect=(0, 1))
        if self.differences():
            self.syncd.sync()
        self.assertSame()
        for token, folder in expect.items():
            self.assertPlaces(token, folder)
        self.assertQuiet()


class RenamedInAChain(Case):
    """On the server, in one gap: each gets the name that the next has given up."""

    def chain(self, names):
        for name in names:
            self.client.create(name)
            self.client.create(name + "/below")
            for i in "01":
                self.client.append(name, message(f"{name}-{i}"))
                self.client.append(name + "/below", message(f"{name}-below{i}"))
        self.syncd.sync()
        for old, new in (("c", "d"), ("b", "c"), ("a", "b")):
            self.client.rename(old, new)
        self.syncd.sync()
        self.assertSame()
        for old, new in (("a", "b"), ("b", "c"), ("c", "d")):
            self.assertPlaces(old + "-1", new)
            self.assertPlaces(old + "-below1", new + "/below")
        self.assertQuiet()

    def test_listed_in_one_order(self):
        self.chain("abc")

    def test_listed_in_the_other_order(self):
        self.chain("cba")


class Refused(PeerCase):
    def make(self, name, token):
        self.tree.create_folder(name)
        self.tree.add(name, local_message(token))

    def far(self, name):
        return [m for m in self.peer.boxes[name].msgs] if name in self.peer.boxes else None

    def test_a_mailbox_that_the_server_will_not_make(self):
        """The others are made, and its mail stays here until it can be."""
        self.syncd.sync()
        self.make("Bad", "waits")
        self.make("Good", "goes")
        self.peer.on("CREATE.*Bad", no())
        r = self.any_end()
        self.assertIn("server.folder-name-invalid", r.err)
        self.assertIsNone(self.far("Bad"))
        self.assertEqual(len(self.far("Good")), 1)
        self.assertIsNotNone(self.tree.find("Bad", "waits"))
        self.heal()
        self.assertEqual(len(self.far("Bad")), 1)

    def dots(self, data):
        """A server whose levels are divided by dots."""
        return data.replace(b' "/" ', b' "." ').replace(b'(("" "/"))', b'(("" "."))')

    def test_a_name_that_the_server_has_other_use_for(self):
        """Made here, and what is there renamed so."""
        self.peer.rules.mangle = self.dots
        self.syncd.sync()
        self.make("a.b", "waits")
        self.make("ab", "goes")
        r = self.any_end()
        self.assertIn("a.b cannot be a mailbox name on this server", r.err)
        self.assertEqual(len(self.far("ab")), 1)
        self.assertIsNotNone(self.tree.find("a.b", "waits"))
        os.rename(self.tree.folders()["a.b"], self.tree.folders()["ab"] + "/b")
        path = self.tree.folders()["ab"]
        os.rename(path, path + ".c")
        r = self.any_end()
        self.assertIn("ab.c cannot be a mailbox name on this server", r.err)
        self.assertEqual(len(self.far("ab")), 1)
        self.assertIsNotNone(self.tree.find("ab.c", "goes"))

    def test_a_list_without_an_inbox(self):
        """No mailbox is thought gone, and no directory new."""
        self.syncd.sync()
        before = self.tree.snapshot()
        self.peer.rules.mangle = lambda data: data.replace(b"INBOX", b"OTHER") \
            if b"* LIST" in data else data
        self.peer.box("New")
        r = self.any_end()
        self.assertIn("lists no INBOX", r.err)
        self.assertEqual(self.tree.snapshot(), before)
        self.heal()
        self.assertIn("New", self.tree.folders())

    def test_an_extended_list_that_lacks_inbox(self):
        """It is asked again plainly: by the first process, and by the next."""
        def short(data):
            return b"".join(line for line in data.splitlines(True)
                            if not (line.startswith(b"* LIST") and b"INBOX" in line))
        self.peer.on(r"LIST .*RETURN", self.shortened(short))
        self.syncd.sync()
        self.assertIsNotNone(self.tree.find("INBOX", "m0"))
        self.inbox.add(message("later"))
        r = self.any_end()
        self.assertNotIn("folder-gone", r.err)
        self.assertIsNotNone(self.tree.find("INBOX", "later"))

    def shortened(self, change):
        """Their own answers, changed."""
        def act(s, tag, verb, args):
            s.do_list(tag, args, [])
            s.out = change(s.out)
            return True
        return act

    def test_a_server_that_does_not_know_its_own_list(self):
        """It offers LIST-EXTENDED and refuses it: asked as of old."""
        self.peer.on(r"LIST \(|LIST .*RETURN", no())
        self.syncd.sync()
        self.assertIsNotNone(self.tree.find("INBOX", "m0"))
        self.assertIn("Archive", self.tree.folders())
        self.assertEqual(self.peer.trouble, [])


class Subscribed(PeerCase):
    """A server without LIST-EXTENDED tells by LSUB which folders are subscribed."""
    caps = peer.PLAIN
    account = {**PeerCase.account, "folders": {"subscribed_only": True}}

    def test_only_those_and_inbox_are_synced(self):
        self.peer.subscribed = ["Archive", "Deleted long ago"]
        self.peer.boxes["Archive"].add(message("kept."))
        self.peer.boxes["Trash"].add(message("thrown away."))
        r = self.syncd.sync()
        self.assertNotIn("Deleted long ago", r.err)
        self.assertEqual(sorted(self.tree.folders()), ["Archive", "INBOX"])
        self.assertIsNotNone(self.tree.find("Archive", "kept."))


class Spelled(PeerCase):
    """A server learns UTF8=ACCEPT, or is not to use it: its names are spelled otherwise, and
    are the same mailboxes."""
    names = ("Entwürfe", "Kunden & Söhne", "Kunden & Söhne/Müller")

    def spelled(self, *caps):
        for i, name in enumerate(self.names):
            self.peer.box(name).add(message(f"old{i}."))
        for n, now in enumerate(caps):
            self.peer.caps = now
            for i, name in enumerate(self.names):
                # Counters tell nothing of what was renamed to what.
                self.peer.boxes[name].add(message(f"far{n}{i}."))
                if n > 0:
                    self.tree.add(name, local_message(f"near{n}{i}."))
            self.peer.sent.clear()
            r = self.any_end()
            self.assertNotIn("folder-gone", r.err)
            if n > 0:
                self.assertEqual([c for c in self.peer.sent if c.startswith("CREATE")], [])
            self.assertEqual(sorted(self.tree.folders()),
                             sorted(("Archive", "INBOX", "Trash") + self.names))
        self.heal()
        for i, name in enumerate(self.names):
            self.assertEqual(len(self.tree.messages(name)), 2 * len(caps))

    def test_in_utf8_from_now_on(self):
        self.spelled(self.caps, self.caps + " UTF8=ACCEPT")

    def test_in_utf8_no_more(self):
        self.spelled(self.caps + " UTF8=ACCEPT", self.caps)


del PeerCase

if __name__ == "__main__":
    unittest.main()
