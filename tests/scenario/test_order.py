"""What is on the disk before what: a kill does not tell, a power cut would.  The
effects of a round are read in their order, and each must find on the disk what it
relies on."""
import os
import sys
import unittest

from case import limit

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
                                "crash"))
from scenes import SCENES, THERE, Scene, mails    # noqa: E402
from sweeps import on_stage    # noqa: E402

MANY = [f"mm{i}" for i in range(9)]    # so many that the disk is synced as a whole
WAL = "a.db-wal"


class Order(unittest.TestCase):
    def effects(self, scene):
        """[(call, path)] of a round."""
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

    @limit(60)
    def test_a_few_messages_land(self):
        self.landings(SCENES["download"], 6)

    @limit(60)
    def test_folders_land_together(self):
        self.landings(SCENES["several folders at once"], 6)

    @limit(60)
    def test_many_messages_land(self):
        self.landings(Scene([], mails(THERE, "INBOX", *MANY)), len(MANY))
