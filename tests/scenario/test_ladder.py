"""Each rung of the ladder missing in turn: because the server lacks it, and
because `avoid:` forbids it.  The changes cross all the same, and then there is
silence; what is missing is not used.
"""
import base64
import hashlib
import hmac
import json
import os
import re
import time

from case import Case, limit, local_message, message
from dovecot import Dovecot, raw_commands
from syncd import Syncd

OLD = 1_600_000_000

# {capability: what a client says only if it uses it}
WORDS = {
    "QRESYNC": r"ENABLE .*QRESYNC|\(QRESYNC ",
    "CONDSTORE": r"CONDSTORE|CHANGEDSINCE|MODSEQ",
    "MOVE": r"UID MOVE ",
    "LITERAL+": r"\{\d+\+\}$",
    "MULTIAPPEND": None,
    "ESEARCH": r"SEARCH RETURN",
    "LIST-STATUS": r"LIST .*RETURN.*STATUS",
    "LIST-EXTENDED": r"LIST .*RETURN",
    "SPECIAL-USE": r"LIST .*RETURN.*SPECIAL-USE",
    "UIDPLUS": r"UID EXPUNGE",
    "UNSELECT": r"UNSELECT",
    "ENABLE": r"ENABLE ",
    "NAMESPACE": r"NAMESPACE",
    "ID": r"ID \(",
    "BINARY": r"BINARY",
}

# What goes with what: without the first, the others are not announced either.
TOGETHER = {
    "CONDSTORE": ["QRESYNC"],
    "LIST-EXTENDED": ["LIST-STATUS", "SPECIAL-USE"],
    "SPECIAL-USE": ["CREATE-SPECIAL-USE"],
}

EVERYTHING = sorted(WORDS) + ["NOTIFY", "IDLE", "CREATE-SPECIAL-USE", "OBJECTID"]


def without(cap):
    return [cap] + TOGETHER.get(cap, [])


class Ladder(Case):
    """The change scenario: every kind of change, on both sides, at once."""

    def far(self, folder, token):
        return self.client.find(folder, token)

    def seed(self):
        c = self.client
        c.create("Projects")
        c.create("Plans")
        for word in ("far", "near"):
            for what in ("seen", "flagged", "labelled", "deleted", "moved", "copied"):
                c.append("INBOX", message(f"{word}-{what}"), date=OLD)
            c.append("INBOX", message(f"{word}-unseen"), "S", date=OLD)
            c.append("INBOX", message(f"{word}-plain"), "S", ["$Work"], OLD)
            c.append("Drafts", message(f"{word}-draft", f"{word}-first"), "D", date=OLD)
        c.append("INBOX", message("both-flags"), date=OLD)
        c.append("INBOX", message("both-deleted"), date=OLD)
        c.append("Archive", message("kept", "x" * 5000), "SF", date=OLD)
        c.append("Projects", message("far-planned"), date=OLD)
        c.append("Plans", message("near-planned"), date=OLD)

    def change_there(self):
        c = self.client
        c.append("INBOX", message("far-new"), "F", ["todo"], OLD + 1)
        c.store("INBOX", self.far("INBOX", "far-seen"), "+", "S")
        c.store("INBOX", self.far("INBOX", "far-unseen"), "-", "S")
        c.store("INBOX", self.far("INBOX", "far-flagged"), "+", "FR")
        c.store("INBOX", self.far("INBOX", "far-labelled"), "+", "", ["$Work", "later"])
        c.store("INBOX", self.far("INBOX", "far-plain"), "-", "", ["$Work"])
        c.expunge("INBOX", self.far("INBOX", "far-deleted"))
        c.move("INBOX", self.far("INBOX", "far-moved"), "Archive")
        c.copy("INBOX", self.far("INBOX", "far-copied"), "Archive")
        c.append("Drafts", message("far-draft", "far-second"), "D", date=OLD)
        c.expunge("Drafts", self.far("Drafts", "far-first"))
        c.create("Lists/größe & co")
        c.append("Lists/größe & co", message("far-within"), date=OLD)
        c.rename("Projects", "Projects 2026")
        c.store("INBOX", self.far("INBOX", "both-flags"), "+", "F")
        c.expunge("INBOX", self.far("INBOX", "both-deleted"))
        for _ in "ab":
            c.append("Archive", message("far-twin"), date=OLD)

    def change_here(self):
        t = self.tree
        t.add("INBOX", local_message("near-new"), "F", ["todo"], OLD + 1)
        t.add("INBOX", local_message("near-large", "y" * 20000), date=OLD)
        t.set_flags("INBOX", "near-seen", "S")
        t.set_flags("INBOX", "near-unseen", "")
        t.set_flags("INBOX", "near-flagged", "FR")
        t.set_flags("INBOX", "near-labelled", "", ["$Work", "later"])
        t.set_flags("INBOX", "near-plain", "S", [])
        t.delete("INBOX", "near-deleted")
        t.move("INBOX", "near-moved", "Archive")
        t.copy("INBOX", "near-copied", "Archive")
        t.replace("Drafts", "near-first", local_message("near-draft", "near-second"))
        t.create_folder("Lists/neu")
        t.add("Lists/neu", local_message("near-within"), date=OLD)
        t.rename_folder("Plans", "Plans 2026")
        t.set_flags("INBOX", "both-flags", "S")
        t.delete("INBOX", "both-deleted")
        for _ in "ab":
            t.add("Archive", local_message("near-twin"), date=OLD)

    def assertFlags(self, folder, token, flags, keywords=()):
        """On both sides."""
        for where, found in (("on the server", self.client.fetch_all(folder)),
                             ("in the tree", self.tree.messages(folder))):
            self.assertEqual([("".join(sorted(m.flags)), sorted(m.keywords))
                              for m in found if token.encode() in m.data],
                             [(flags, sorted(keywords))], f"{token} {where}")

    def assertChanged(self, trash=True):
        """What must have become of each; ${trash}: the server says which
        folder it is."""
        for word in ("far", "near"):
            self.assertFlags("INBOX", f"{word}-new", "F", ["todo"])
            self.assertFlags("INBOX", f"{word}-seen", "S")
            self.assertFlags("INBOX", f"{word}-unseen", "")
            self.assertFlags("INBOX", f"{word}-flagged", "FR")
            self.assertFlags("INBOX", f"{word}-labelled", "", ["$Work", "later"])
            self.assertFlags("INBOX", f"{word}-plain", "S")
            self.assertPlaces(f"{word}-copied", "INBOX", "Archive")
            self.assertFlags("Drafts", f"{word}-second", "D")
            self.assertPlaces(f"{word}-twin", "Archive", "Archive")
            self.assertPlaces(f"{word}-moved", "Archive")
        self.assertFlags("INBOX", "both-flags", "FS")
        self.assertPlaces("far-deleted")
        self.assertPlaces("both-deleted")
        self.assertPlaces("near-deleted", *(["Trash"] if trash else []))
        self.assertPlaces("near-large", "INBOX")
        self.assertPlaces("far-first")
        self.assertPlaces("far-within", "Lists/größe & co")
        self.assertPlaces("near-within", "Lists/neu")
        self.assertPlaces("far-planned", "Projects 2026")
        self.assertPlaces("near-planned", "Plans 2026")

    def setUp(self):
        super().setUp()
        self.theirs = []    # raw logs of the daemon's connections

    def sync(self):
        before = set(self.dovecot.connections(self.user))
        self.syncd.sync()
        self.theirs += [c for c in self.dovecot.connections(self.user) if c not in before]

    def said(self, words):
        """The daemon's commands that hold the ${words}."""
        return [c for path in self.theirs for c in raw_commands(path)
                if re.search(words, c)]

    def settle(self, uidplus=True):
        """One round; what needs a second one must be settled by it.  Without
        ${uidplus} some other client removes what the daemon could only mark."""
        self.sync()
        if self.differences():
            self.sync()
        if not uidplus:
            for folder in self.client.list():
                self.client.select(folder)
                self.client.command(b"EXPUNGE")
            self.sync()
        self.assertSame()

    def climb(self, lacking=()):
        self.seed()
        self.sync()
        self.assertSame()
        self.change_there()
        self.change_here()
        self.settle("UIDPLUS" not in lacking)
        self.assertChanged("SPECIAL-USE" not in lacking)
        self.assertQuiet()


def avoiding(cap):
    def test(self):
        self.syncd.settings["accounts"]["a"]["avoid"] = without(cap)
        self.syncd.write()
        self.climb(without(cap))
        if WORDS[cap]:
            self.assertEqual(self.said(WORDS[cap]), [])
    return limit(90)(test)


class Avoided(Ladder):
    """The server has it; the user says it does it badly."""

    def test_with_everything_there_is(self):
        self.climb()
        for cap in ("QRESYNC", "MOVE", "LITERAL+", "LIST-STATUS", "UIDPLUS"):
            self.assertTrue(self.said(WORDS[cap]), f"{cap} is not used: that it is missing proves nothing")


for cap in WORDS:
    name = "test_avoiding_" + re.sub(r"\W+", "_", cap.replace("+", "_PLUS")).lower()
    setattr(Avoided, name, avoiding(cap))
