"""A round breaks off at one command that a server answers with BYE, or refuses, and
what was under way is settled by the next: most of these are stories that random ones
(crash/seeds.py) have found."""
import os
import sys
import unittest

from case import limit

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
                                "crash"))
import peer    # noqa: E402
from scenes import EXPUNGE, HERE, THERE, Scene, mails    # noqa: E402
from server import wait_for    # noqa: E402
from sweeps import SWEEPS, on_stage, point    # noqa: E402

# Copied to where it has a keyword, and gone where it had none: a move.
MOVED = [("copy", HERE, "aa1", "Archive", ["F"], "INBOX"),
         ("flag", HERE, "aa1", "INBOX", ["F"], ["F", "todo"]),
         ("delete", HERE, "aa1", "Archive", ["F"])]

DRAFT = mails(THERE, "Drafts", "dd1", flags=["D"])
SAVED_AGAIN = ("replace", HERE, "dd1", "Drafts", ["D"], "ee1")


class BrokenOff(unittest.TestCase):
    maxDiff = None

    def stage(self, given, change, **more):
        stage = on_stage(Scene(given, change, **more))
        self.addCleanup(stage.close)
        return stage

    def broken_off(self, stage, command):
        """The first such command is the last of a round.  Two more must do."""
        stage.peer.on(command, peer.bye(), 1)
        r = stage.syncd.run("sync", timeout=20)
        self.assertEqual(r.rc, 75, r.err)
        self.assertRegex(stage.peer.sent[-1], command)
        stage.no_crash(r)
        stage.judge_moment()
        stage.recover()
        stage.judge_end()

    def test_what_moved_and_got_a_keyword_has_it_although_the_server_had_not_moved_it(self):
        """Its letters are those of the new folder, not those that it had."""
        for caps, command in ((peer.PLAIN, "UID COPY"), (peer.MODERN, "UID MOVE")):
            with self.subTest(command=command):
                stage = self.stage(mails(HERE, "Archive", "aa1", flags=["F"]), MOVED, caps=caps)
                self.broken_off(stage, command)

    def test_what_moved_and_got_a_keyword_has_it_if_nobody_heard_that_it_was_moved(self):
        stage = self.stage(mails(HERE, "Archive", "aa1", flags=["F"]), MOVED)
        for n in stage.effects(" wire "):
            with self.subTest(n=n):
                self.assertTrue(point(stage, SWEEPS["kill-after"], n))

    def test_a_draft_that_was_to_go_and_is_saved_again_has_its_new_keyword(self):
        """Gone there, and its file kept a moment, as it may have been moved."""
        stage = self.stage(mails(THERE, "Drafts", "dd1", flags=["D"]), [
            ("flag", HERE, "dd1", "Drafts", ["D"], ["D", "todo"]),
            ("replace", HERE, "dd1", "Drafts", ["D", "todo"], "ee1"),
            ("delete", THERE, "dd1", "Drafts", ["D"])] + mails(HERE, "Archive", "aa2"),
            account=EXPUNGE)
        self.broken_off(stage, "APPEND \"?Archive")

    def test_what_a_move_could_not_take_out_is_not_fetched_again(self):
        """It is there, marked, and known."""
        for command in ("UID STORE", "UID EXPUNGE"):
            with self.subTest(command=command):
                stage = self.stage(mails(THERE, "INBOX", "aa1"), [
                    ("move", HERE, "aa1", "INBOX", [], "Archive", True)], caps=peer.PLAIN)
                stage.peer.on(command, peer.no("[NOPERM] not yours"))
                for _ in range(3):
                    stage.sync()
                    self.assertEqual([folder for folder, _, _ in stage.messages()], ["Archive"])
                self.assertEqual({name: len(box.msgs) for name, box in stage.peer.boxes.items()
                                  if box.msgs}, {"INBOX": 1, "Archive": 1})

    def test_a_draft_that_was_not_sent_again_is_sent_by_one_round(self):
        """Which marks the older version, too."""
        for caps in ("IMAP4rev1", peer.PLAIN, peer.MODERN):
            with self.subTest(caps=caps):
                stage = self.stage(DRAFT, [SAVED_AGAIN], caps=caps)
                stage.peer.on("APPEND", peer.bye(), 1)
                self.assertEqual(stage.syncd.run("sync", timeout=20).rc, 75)
                stage.sync()
                stage.judge_end()

    def test_an_older_version_is_there_until_the_new_one_is(self):
        stage = self.stage(DRAFT, [SAVED_AGAIN])
        stage.peer.on("APPEND", peer.bye())
        for _ in range(3):
            self.assertEqual(stage.syncd.run("sync", timeout=20).rc, 75)
            self.assertEqual([(stage.token_of(m.data), m.flags)
                              for m in stage.peer.boxes["Drafts"].msgs], [("dd1", {"\\Draft"})])
        stage.peer.clear()
        stage.sync()
        stage.judge_end()

    def test_what_was_saved_once_more_or_deleted_meanwhile_is_what_counts(self):
        for then in (("replace", HERE, "ee1", "Drafts", ["D"], "ff1"),
                     ("delete", HERE, "ee1", "Drafts", ["D"]),
                     ("delete", THERE, "dd1", "Drafts", ["D"])):
            with self.subTest(then=then):
                stage = self.stage(DRAFT, [SAVED_AGAIN])
                stage.peer.on("APPEND", peer.bye(), 1)
                self.assertEqual(stage.syncd.run("sync", timeout=20).rc, 75)
                stage.world.do(*then)
                stage.recover()
                stage.judge_end()

    @limit(60)
    def test_a_daemon_goes_on_with_an_older_version_without_a_new_connection(self):
        """Nothing else would make it ask what it has left open."""
        for command, answer in (("APPEND", peer.bye()), ("UID STORE", peer.no("[INUSE] later"))):
            with self.subTest(command=command):
                stage = self.stage(DRAFT, [], caps="IMAP4rev1 IDLE UNSELECT")
                self.addCleanup(stage.syncd.stop)
                stage.syncd.start()
                wait_for(lambda: " started, " in stage.syncd.log(), 20, "the daemon")
                stage.peer.on(command, answer, 1)
                stage.world.do(*SAVED_AGAIN)
                wait_for(lambda: stage.syncd.run("sync", timeout=20).rc == 0 and
                         not stage.differences(), 20, "the older version to be marked")
                self.assertEqual(stage.syncd.stop(10), 0)
                stage.judge_end()
