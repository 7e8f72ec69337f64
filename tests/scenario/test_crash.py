"""A round goes wrong: killed, refused by the disk, cut off, out of memory.  All
points are `make crash`; here is a sample of each, and that the sweeps do find what is
made wrong on purpose.  What crash/seeds.py tells is a part of `make check` by itself."""
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import unittest
import unittest.mock

from case import limit, rows

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
                                "crash"))
import crash    # noqa: E402
import play    # noqa: E402
from peer import PLAIN, no    # noqa: E402
from scenes import HERE, SCENES, SOME, THERE, Scene, mails    # noqa: E402
from stage import KILLAT    # noqa: E402
from sweeps import SWEEPS, on_stage, point    # noqa: E402
from syncd import SANITIZED    # noqa: E402
from world import Churn    # noqa: E402

# With SYNCD_SEED other points are in the sample.
RNG = random.Random(os.environ.get("SYNCD_SEED", "1"))
KINDS = ("kill-before", "kill-after", "eio", "enospc", "short", "cut-down", "cut-up", "oom",
         "statement")
POINTS = {"cut-down": 4000, "cut-up": 1500, "oom": 14000, "statement": 120}

BOTH_MOVED = Scene(mails(HERE, "INBOX", "aa1", flags=["S"]), [
    ("move", HERE, "aa1", "INBOX", ["S"], "Archive", True),
    ("move", THERE, "aa1", "INBOX", ["S"], "Archive"),
    ("flag", THERE, "aa1", "Archive", ["S"], [])], PLAIN)


def runs(pid):
    """Not even its parent may have looked after what is only a zombie."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as f:
            return f.read().rpartition(") ")[2][0] != "Z"
    except FileNotFoundError:
        return False


@rows("scene", {name.replace(",", "").replace(" ", "_"): name for name in SCENES})
class Crash(unittest.TestCase):
    maxDiff = None

    def staged(self, name, program=None):
        """The scene, ready to be played."""
        stage = on_stage(SCENES[name], program)
        self.addCleanup(stage.close)
        stage.put_back()
        return stage

    @limit(60)
    def scene(self, name):
        """First as it should go, then wrong at some point."""
        stage = on_stage(SCENES[name])
        self.addCleanup(stage.close)
        total = SWEEPS["kill-before"].count(stage)
        stage.judge_moment()
        stage.judge_end()
        kind = RNG.choice(KINDS)
        for sweep in ("kill-before", kind):
            n = RNG.randrange(1, POINTS.get(sweep, total))
            with self.subTest(sweep=sweep, n=n):
                point(stage, SWEEPS[sweep], n)

    @limit(60)
    def test_a_folder_that_takes_no_mail_holds_up_no_other(self):
        """Those whose mail was to land with its own are tried alone, at once."""
        stage = self.staged("several folders at once")
        renames = stage.effects(" renameat2 ", of=("-c", "file"), least=6)
        self.assertEqual(len(renames), 6)
        for n in renames:
            stage.put_back()
            r, _ = stage.killat("eacces", n, "-c", "file")
            stage.no_crash(r)
            landed = [folder for folder, _, _ in stage.messages()]
            self.assertGreaterEqual(set(landed), {"One", "Two", "Three"}, r.err)
            stage.expect(stage.syncd.run("sync", timeout=20))
            stage.judge_end()

    @limit(60)
    def test_what_was_changed_here_outlives_a_full_disk_as_its_file_moves(self):
        """A file that cannot follow now is not fetched afresh instead."""
        stage = self.staged("moved there, changed here")
        for n in stage.effects("sync ", of=("-c", "file")):
            with self.subTest(n=n):
                self.assertTrue(point(stage, SWEEPS["enospc"], n))

    def all_refused(self, scene):
        """Each command in turn is answered NO, once."""
        stage = on_stage(scene)
        self.addCleanup(stage.close)
        n, refused = 0, True
        while refused:
            n += 1
            stage.put_back()
            refused = play.refuse(stage, "no", n)
            r = stage.syncd.run("sync", timeout=20)
            stage.peer.clear()
            with self.subTest(n=n, refused=refused, said=r.err):
                stage.judge_moment()
                stage.recover()
                stage.judge_end()
        self.assertGreater(n, 10)

    @limit(60)
    def test_flags_go_along_with_what_is_moved_whichever_folder_cannot_be_read(self):
        scene = SCENES["moved there, changed here"]
        self.all_refused(scene)
        self.all_refused(scene._replace(caps=PLAIN))

    @limit(60)
    def test_what_was_moved_is_not_there_twice_whatever_is_refused(self):
        self.all_refused(SCENES["moved"]._replace(caps=PLAIN))

    @limit(60)
    def test_a_source_that_cannot_be_expunged_holds_up_nothing(self):
        stage = on_stage(SCENES["moved"]._replace(caps=PLAIN))
        self.addCleanup(stage.close)
        stage.peer.on("UID EXPUNGE", no("not yours"))
        stage.syncd.run("sync", timeout=20)
        stage.world.do("add", THERE, "aa4", "INBOX", [])
        self.assertIn("server.refused", stage.syncd.run("sync", timeout=20).err)
        here = [stage.token_of(data) for folder, _, data in stage.messages()
                if folder == "INBOX"]
        self.assertEqual(sorted(here), ["aa3", "aa4", "bb1"])
        stage.peer.clear()
        stage.sync()
        stage.judge_end()

    @limit(60)
    def test_a_folder_that_can_never_be_read_holds_up_no_deletion_for_good(self):
        """It may have moved there: an hour is waited for that, in all."""
        stage = on_stage(Scene(SOME, [("delete", THERE, "bb1", "Archive"),
                                      ("add", THERE, "aa4", "INBOX", [])]))
        self.addCleanup(stage.close)
        stage.peer.on("SELECT", lambda s, tag, verb, args:
                      args.startswith('"INBOX"') and no("not yours")(s, tag, verb, args))
        for _ in range(2):
            self.assertEqual(stage.syncd.run("sync", timeout=20).rc, 1)
            self.assertEqual(len(stage.tree.messages("Archive")), 2)
        with sqlite3.connect(os.path.join(stage.syncd.state, "a.db")) as db:
            db.execute("UPDATE meta SET value = CAST(CAST(value AS TEXT) "
                       "- 3601000000 AS BLOB) WHERE key = 'unread.since'")
        db.close()
        self.assertEqual(stage.syncd.run("sync", timeout=20).rc, 1)
        self.assertEqual(len(stage.tree.messages("Archive")), 1)

    @unittest.skipIf(SANITIZED, "nothing can be loaded before a sanitizer")
    @limit(60)
    def test_a_state_that_cannot_be_read_is_none_that_knows_nothing(self):
        """Else a disk that is not mounted were a new tree."""
        stage = on_stage(SCENES["flags"])
        self.addCleanup(stage.close)
        statements = SWEEPS["statement"]
        there = [len(box.msgs) for box in stage.peer.boxes.values()]
        total = n = 0
        while n <= total:
            stage.put_back()
            for entry in os.scandir(stage.tree.root):
                os.unlink(entry.path) if entry.is_file() else shutil.rmtree(entry.path)
            r = statements.round(stage, n)
            total = total or statements.counted(stage)
            self.assertIn(r.rc, (1, 74), r.err)
            self.assertEqual(os.listdir(stage.tree.root), [], f"at {n}: {r.err}")
            self.assertEqual([len(box.msgs) for box in stage.peer.boxes.values()], there)
            n += 1
        self.assertGreater(total, 10)

    @limit(60)
    def test_a_copy_that_nobody_knows_of_needs_letters(self):
        """They are written by a process that has only just begun."""
        stage = self.staged("copied, keyword taken off")
        for n in stage.effects(" wire "):
            with self.subTest(n=n):
                self.assertTrue(point(stage, SWEEPS["kill-after"], n))

    @limit(60)
    def test_a_folder_that_cannot_be_renamed_now_is_not_there_twice(self):
        stage = self.staged("folder renamed")
        for n in stage.effects(" renameat2 ", " openat2 ", " fsync ", of=("-c", "file")):
            with self.subTest(n=n):
                self.assertTrue(point(stage, SWEEPS["eacces"], n))

    @limit(60)
    def test_what_both_sides_moved_keeps_what_was_agreed_on(self):
        """Or a flag that the server took off in its new folder would be put back."""
        stage = on_stage(BOTH_MOVED)
        self.addCleanup(stage.close)
        for n in stage.effects(" renameat2 ", "sync ", of=("-c", "file")):
            with self.subTest(n=n):
                self.assertTrue(point(stage, SWEEPS["eio"], n))

    @limit(120)
    def test_a_directory_that_may_not_be_used_now_is_waited_for(self):
        """What moved into it, or out of it, on either side, or both."""
        for scene in ("moved, keywords, no UIDPLUS", "moved on both sides, keywords",
                      "moved there, changed here", "moved, changed there"):
            stage = self.staged(scene)
            for n in stage.effects(" openat2 exe INBOX", " openat2 exe Archive",
                                   " openat2 exe Trash", " renameat2 ", of=("-c", "file")):
                with self.subTest(scene=scene, n=n):
                    self.assertTrue(point(stage, SWEEPS["eacces"], n))

    @limit(60)
    def test_what_moved_into_a_folder_that_cannot_be_read_waits(self):
        """And is not deleted where it was meanwhile."""
        stage = self.staged("moved, changed there")

        def act(s, *args):
            return s.box.name == "Archive" and no("[UNAVAILABLE] not now")(s, *args)
        stage.peer.on("UID FETCH", act)
        r = stage.syncd.run("sync", timeout=20)
        self.assertEqual(r.rc, 1, r.err)
        self.assertIn("aa1", [stage.token_of(m.data) for m in stage.peer.boxes["INBOX"].msgs])
        stage.peer.clear()
        stage.recover()
        stage.judge_end()

    def waits_for(self, folder, scene):
        """It cannot be opened, or not be read."""
        later = no("[UNAVAILABLE] not now")

        def ask(s, *args):
            return s.box.name == folder and later(s, *args)
        for command, action in ((f'SELECT "?{folder}', later), ("UID FETCH", ask)):
            with self.subTest(command=command):
                stage = on_stage(scene)
                self.addCleanup(stage.close)
                stage.put_back()
                stage.peer.on(command, action)
                r = stage.syncd.run("sync", timeout=20)
                self.assertEqual(r.rc, 1, r.err)
                stage.peer.clear()
                stage.recover()
                stage.judge_end()

    @limit(60)
    def test_what_both_sides_moved_into_a_folder_that_cannot_be_read_waits(self):
        """What was agreed on of it is not forgotten meanwhile."""
        self.waits_for("Archive", BOTH_MOVED)

    @limit(60)
    def test_what_both_sides_moved_waits_for_any_folder_that_cannot_be_read(self):
        """The server's move may have ended there: it is not sent anew."""
        self.waits_for("Sent", BOTH_MOVED._replace(change=[
            ("move", HERE, "aa1", "INBOX", ["S"], "Archive", True),
            ("move", THERE, "aa1", "INBOX", ["S"], "Sent")]))

    def test_each_mistake_can_still_be_made(self):
        """Sources move on; a control that cannot be built would be missed late."""
        for name, edits in crash.mutants.MUTANTS.items():
            with self.subTest(mutant=name):
                self.assertTrue(crash.mutants.mutated(edits))

    @limit(60)
    def test_a_sweep_finds_what_is_made_wrong(self):
        program = crash.mutants.build("early-row")
        stage = self.staged("download", program)
        renames = stage.effects(" renameat2 ", least=1)
        with self.assertRaises(AssertionError):
            for n in renames:
                point(stage, SWEEPS["kill-before"], n)

    def test_two_hundred_seeds_are_each_rung_by_rounds_and_with_a_daemon(self):
        ways = {(play.rung_of(n), play.has_daemon(n)) for n in range(1, 201)}
        self.assertEqual(len(ways), 2 * len(play.RUNGS))

    def test_a_folder_that_is_made_has_a_name_of_its_own(self):
        actor = unittest.mock.Mock()
        world = Churn(1, actor, actor)
        for _ in range(3):
            world.create(THERE)
        world.folders.remove("F1-4t")
        world.create(THERE)
        self.assertEqual(world.folders[3:], ["F1-3t", "F1-5t", "F1-6t"])
        world.folders.remove("F1-6t")
        world.busy["F1-6t"] = "nobody"
        world.create(HERE)
        world.create(THERE)
        self.assertEqual(world.folders[3:], ["F1-3t", "F1-5t", "F1-5h", "F1-7t"])

    def test_a_worker_that_is_told_nothing_is_not_waited_for(self):
        stage = self.staged("download")
        (at, *_) = stage.effects("/memfd:syncd ", of=("-c", "file"), least=1)
        stage.put_back()
        r, _ = stage.killat("eio", at, "-c", "file")    # in 20 s, or it fails
        stage.no_crash(r)
        self.assertNotEqual(r.rc, 0)
        stage.recover()
        stage.judge_end()

    def test_while_no_folder_may_be_used_the_world_waits(self):
        world = Churn(1, None, None)
        for c in (world.oracle.new(f"aa{i}", b"", "here", "INBOX") for i in range(20)):
            c.base, c.side = c.copies("here"), {}
        world.busy = dict.fromkeys(world.folders, "nobody")
        for side in (HERE, THERE):
            for name in ("add", "move", "copy", "rename", "remove", "revalidate"):
                getattr(world, name)(side)
        self.assertEqual(world.done, [])

    @limit(60)
    def test_killat_is_done_when_all_are_gone_though_it_is_told_meanwhile(self):
        """What holds much memory takes a while to go, and holds its files until then."""
        big = "import os; b = bytearray(200 << 20); b[::4096] = b[::4096].replace(b'\\0', b'x'); " \
              "print(os.getpid(), flush=True); os.mkdir('x')"
        for _ in range(3):
            with tempfile.TemporaryDirectory() as tmp:
                report = os.path.join(tmp, "report")
                proc = subprocess.Popen((KILLAT, "-m", "before", "-n", "1", "-c", "name", "-o",
                                         report, "--", sys.executable, "-c", big),
                                        stdout=subprocess.PIPE, cwd=tmp)
                with proc.stdout:
                    pid = int(proc.stdout.readline())
                while proc.poll() is None:
                    with open(report, encoding="ascii") as f:
                        if "hit" in f.read():
                            proc.terminate()
                self.assertEqual(proc.returncode, 137)
                self.assertFalse(runs(pid), "killed, and still there")
