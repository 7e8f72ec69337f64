"""What was removed comes back, and a message's life can be told."""
import json
import os
import subprocess
import unittest

from case import Case, message


class Undo(Case):
    def listed(self, *args):
        r = self.syncd.run("undo", "--json", "--dry-run", *args)
        self.assertEqual(r.rc, 0, r.err)
        return [json.loads(line) for line in r.out.splitlines()]

    def why(self, token, rc=0):
        r = self.syncd.run("why", "--json", f"{token}@test.example")
        self.assertEqual(r.rc, rc, r.err)
        return json.loads(r.out) if rc == 0 else r.err

    def removed_on_server(self, token, folder="INBOX"):
        self.client.append(folder, message(token), flags="FS")
        self.syncd.sync()
        self.client.expunge(folder, 1)
        self.syncd.sync()
        self.assertPlaces(token)

    def test_deleted_on_the_server_comes_back_on_both_sides(self):
        self.removed_on_server("gone")
        rows = self.listed()
        self.assertEqual([(r["folder"], r["removed"], r["subject"]) for r in rows],
                         [("INBOX", "here", "gone")])
        plain = self.syncd.run("undo")
        self.assertIn("with --yes", plain.out)
        self.assertPlaces("gone")
        r = self.syncd.run("undo", "--yes")
        self.assertEqual(r.rc, 0, r.err)
        self.assertPlaces("gone", "INBOX")
        self.assertSame()
        self.assertQuiet()
        self.assertEqual(self.listed(), [])

    def test_deleted_here_comes_back_from_trash(self):
        self.client.append("INBOX", message("mine"))
        self.syncd.sync()
        self.tree.delete("INBOX", "mine")
        self.syncd.sync()
        self.syncd.sync()
        self.assertPlaces("mine", "Trash")
        self.assertEqual([r["removed"] for r in self.listed("a/INBOX")], ["there"])
        self.assertEqual(self.listed("a/Archive"), [])
        r = self.syncd.run("undo", "--yes", "a/INBOX")
        self.assertEqual(r.rc, 0, r.err)
        self.assertPlaces("mine", "INBOX")
        self.assertQuiet()

    def test_a_folder_that_went_comes_back_with_its_mail(self):
        self.syncd.settings["accounts"]["a"]["folders"]["delete_local"] = "yes"
        self.syncd.write()
        self.client.create("Old/Box")
        self.client.append("Old/Box", message("inside"))
        self.syncd.sync()
        self.client.delete("Old/Box")
        self.syncd.sync()
        self.assertPlaces("inside")
        self.assertEqual(self.syncd.run("undo", "--yes").rc, 0)
        self.assertPlaces("inside", "Old/Box")

    @unittest.skipUnless(os.geteuid() == 0, "mounting needs root")
    def test_what_was_kept_before_the_store_was_full_is_listed(self):
        undo = os.path.join(self.syncd.state, "undo")
        os.mkdir(undo, 0o700)
        p = subprocess.run(("mount", "-t", "tmpfs", "-o", "size=64k,mode=0700", "tmpfs", undo),
                           stderr=subprocess.PIPE, check=False)
        if p.returncode:
            self.skipTest("cannot mount: " + p.stderr.decode().strip())
        self.addCleanup(subprocess.run, ("umount", "-l", undo), check=False)
        self.client.append("INBOX", message("small"), flags="S")
        self.client.append("INBOX", message("large", "x" * 200_000), flags="S")
        self.syncd.sync()
        for token in ("small", "large"):
            self.client.expunge("INBOX", self.client.find("INBOX", token))
        r = self.syncd.sync(expect=74)
        self.assertIn("store.no-space", r.err)
        self.assertIsNotNone(self.tree.find("INBOX", "Subject: large"))
        subprocess.run(("mount", "-o", "remount,size=4m", undo), check=True)
        self.syncd.sync()
        self.assertSame()
        self.assertEqual({r["subject"] for r in self.listed()}, {"small", "large"})

    def test_undo_needs_the_tree(self):
        self.removed_on_server("lost")
        os.unlink(os.path.join(self.tree.root, ".syncd-store"))
        r = self.syncd.run("undo", "--yes")
        self.assertEqual(r.rc, 74, r.err)
        self.assertIn("store.marker-missing", r.err)
        self.assertEqual(len(self.listed()), 1)

    def test_since_and_message_id_choose(self):
        self.removed_on_server("one")
        self.assertEqual(len(self.listed("--since", "1h")), 1)
        self.assertEqual(self.listed("--since", "2999-01-01"), [])
        self.assertEqual(len(self.listed("--message-id", "one@test.example")), 1)
        self.assertEqual(self.listed("--message-id", "two@test.example"), [])

    def test_why_tells_the_life_of_a_message(self):
        self.assertIn("target.unknown", self.why("life", rc=66))
        self.client.append("INBOX", message("life"))
        self.syncd.sync()
        now = self.why("life")["now"]
        self.assertEqual([(p["folder"], p["state"]) for p in now],
                         [("INBOX", "present")])
        self.assertTrue(os.path.isfile(now[0]["file"]))
        self.client.expunge("INBOX", 1)
        self.syncd.sync()
        told = self.why("life")
        self.assertEqual([e["op"] for e in told["log"]], ["download", "delete-local"])
        self.assertEqual((told["now"], told["can_undo"]), ([], 1))
        words = self.syncd.run("why", "<life@test.example>").out
        self.assertIn("came from the server", words)
        self.assertIn("syncd undo --message-id '<life@test.example>' a", words)
