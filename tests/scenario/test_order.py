"""What is on the disk before what: a kill does not tell, a power cut would.  The
effects of a round are read in their order, and each must find on the disk what it
relies on."""
import os
import sys
import unittest

from case import limit

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
                                "crash"))
from scenes import HERE, SCENES, THERE, Scene, mails    # noqa: E402
from sweeps import on_stage    # noqa: E402

MANY = [f"mm{i}" for i in range(9)]    # so many that the disk is synced as a whole
WAL = "a.db-wal"


class Order(unittest.TestCase):
    def effects(self, scene, stage=None):
        """[(call, path)] of a round."""
        if stage is None:
            stage = on_stage(scene)
            self.addCleanup(stage.close)
            stage.put_back()
        r, report = stage.killat("count", 0, "-c", "file")
        stage.expect(r)
        parts = [line.split(" ", 4) for line in report]
        return [(p[2], p[4] if len(p) > 4 else "") for p in parts]

    def find(self, effects, begin, end, call, *ends):
        """Where between is such a call?"""
        return next((i for i in range(begin, end) if effects[i][0] in call and
                     effects[i][1].endswith(ends)), None)

    def landings(self, scene, n):
        effects = self.effects(scene)
        renames = [i for i, (call, _) in enumerate(effects) if call == "renameat2"]
        self.assertEqual(len(renames), n, effects)
        for at in renames:
            name = effects[at][1]
            written = max(i for i, (call, path) in enumerate(effects[:at])
                          if call == "write" and path.endswith("/tmp/" + name))
            synced = self.find(effects, written, at, ("fsync",), "/tmp/" + name)
            if synced is None:
                synced = self.find(effects, written, at, ("syncfs",), "")
            self.assertIsNotNone(synced, f"{name} has no bytes yet when it is given its name")
            self.assertIsNotNone(self.find(effects, synced, at, ("fdatasync",), WAL),
                                 f"no row is on the disk when {name} is given its name")
            noted = self.find(effects, at, len(effects), ("pwrite64",), WAL)
            self.assertIsNotNone(self.find(effects, at, noted, ("fsync",), "/cur", "/new"),
                                 f"{name} is said to be there, and its directory may lack it")
            self.assertIsNotNone(self.find(effects, noted, len(effects), ("fdatasync",), WAL),
                                 "what was said last is not on the disk")
        return effects, renames

    @limit(60)
    def test_a_few_messages_land(self):
        self.landings(SCENES["download"], 6)

    @limit(60)
    def test_folders_land_together(self):
        self.landings(SCENES["several folders at once"], 6)

    @limit(60)
    def test_many_messages_land(self):
        effects, renames = self.landings(Scene([], mails(THERE, "INBOX", *MANY)), len(MANY))
        here = self.find(effects, renames[-1], len(effects), ("fsync",), "/cur", "/new")
        self.assertIsNotNone(self.find(effects, renames[-1], here, ("fsync",), "/tmp"),
                             "a power cut may leave them in both places")

    @limit(60)
    def test_new_folders_without_mail_are_one_commit(self):
        names = [f"New{i}" for i in range(20)]
        effects = self.effects(Scene([], [("create", THERE, name) for name in names]))
        made = {os.path.basename(path) for call, path in effects if call == "fsync"}
        self.assertLessEqual(set(names), made)
        commits = [path for call, path in effects if call == "fdatasync" and path.endswith(WAL)]
        self.assertLess(len(commits), len(names) // 2)

    def names_before_rows(self, scene, call, n, first=()):
        """After each of ${n} calls the directories are synced, and then a row says so;
        ${first} is synced before them."""
        effects = self.effects(SCENES[scene])
        changed = [i for i, (name, path) in enumerate(effects)
                   if name == call and path.count("/") == 0 and ".M" in path]
        self.assertEqual(len(changed), n, effects)
        for at in changed:
            noted = self.find(effects, at, len(effects), ("pwrite64",), WAL)
            for sub in first:
                at = self.find(effects, at, noted, ("fsync",), sub)
                self.assertIsNotNone(at, f"{sub} is not synced")
            left = self.find(effects, at, noted, ("fsync",), "/new")
            self.assertIsNotNone(left, "new/ is not synced before a row says so")
            self.assertIsNotNone(self.find(effects, left, noted, ("fsync",), "/cur"),
                                 "cur/ is not synced before a row says so")

    @limit(60)
    def test_flags_from_the_server(self):
        self.names_before_rows("flags", "renameat2", 2)

    @limit(60)
    def test_deleted_on_the_server(self):
        self.names_before_rows("deleted, for good", "unlinkat", 1, ["/undo/a"])

    @limit(60)
    def test_what_clients_do_is_on_the_disk_when_the_server_has_it(self):
        """A power cut must not take it back here, and have it taken back there."""
        for word, op in (("flags", ("flag", HERE, "aa1", "INBOX", [], ["S"])),
                         ("gone", ("delete", HERE, "aa1", "INBOX")),
                         ("moved", ("move", HERE, "aa1", "INBOX", [], "Archive", True))):
            with self.subTest(word):
                effects = self.effects(SCENES["flags"]._replace(change=[op]))
                dirs = [i for i, (call, path) in enumerate(effects)
                        if call == "fsync" and path.endswith("/INBOX/cur")]
                self.assertTrue(dirs, effects)
                self.assertIsNotNone(self.find(effects, dirs[0], len(effects), ("fdatasync",), WAL))

    @limit(60)
    def test_what_clients_save_is_on_the_disk_before_it_is_uploaded(self):
        for n in (3, 9):    # one by one, and as a whole
            with self.subTest(n=n):
                stage = on_stage(Scene([], mails(HERE, "INBOX", *MANY[:n])))
                self.addCleanup(stage.close)
                stage.put_back()
                until = []

                def note(*_):
                    with open(os.path.join(stage.syncd.dir, "report"), encoding="utf-8",
                              errors="replace") as f:
                        until.append(len(f.readlines()))
                    return False
                stage.peer.on("APPEND", note)
                names = [os.path.basename(m.path) for m in stage.tree.messages("INBOX")]
                effects = self.effects(None, stage)[:until[0]]
                whole = self.find(effects, 0, len(effects), ("syncfs",), "")
                if n >= 8:    # directories and all
                    self.assertIsNotNone(whole, "not synced as a whole")
                    continue
                for name in (*names, "/INBOX/cur"):
                    self.assertIsNotNone(
                        self.find(effects, 0, len(effects), ("fsync",), name), name)

    def after_eio(self, stage, call, path):
        """The effects of a round, those from its first such call on, which fails."""
        stage.put_back()
        _, report = stage.killat("count", 0, "-c", "file")
        n = next(i for i, line in enumerate(report, 1)
                 if line.split(" ")[2] == call and path in line)
        stage.put_back()
        r, report = stage.killat("eio", n, "-c", "file")
        stage.no_crash(r)
        self.assertNotEqual(r.rc, 0)
        hit = next(i for i, line in enumerate(report) if line.startswith("hit"))
        return [line.split(" ", 4) for line in report[hit - 1:]]

    @limit(60)
    def test_a_sync_that_failed_is_not_tried_again(self):
        """The kernel would say that all is well: what it could not write is forgotten."""
        stage = on_stage(Scene([], mails(THERE, "INBOX", "aa1", "aa2")))
        self.addCleanup(stage.close)
        since = [p for p in self.after_eio(stage, "fsync", "/tmp/") if p[0] != "hit"]
        name = os.path.basename(since[0][4])
        again = [p[2] for p in since[1:] if len(p) > 4 and os.path.basename(p[4]) == name]
        self.assertEqual(set(again), {"unlinkat"}, "it goes, and is fetched again")
        self.assertEqual(stage.far_tokens(), ["aa1", "aa2"], "the server keeps it")
        stage.recover()
        stage.judge_end()

    @limit(60)
    def test_a_database_whose_sync_failed_is_left_alone(self):
        """It is opened anew, from what the disk has."""
        stage = on_stage(SCENES["download"])
        self.addCleanup(stage.close)
        since = [p for p in self.after_eio(stage, "fdatasync", WAL) if p[0] != "hit"]
        self.assertEqual([p for p in since[1:] if len(p) > 4 and p[4].endswith(WAL) and
                          p[2] in ("fdatasync", "pwrite64")], [])
        stage.recover()
        stage.judge_end()
