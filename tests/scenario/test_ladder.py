"""Each rung of the ladder missing in turn: because the server lacks it, and
because `avoid:` forbids it.  The changes cross all the same, and then there is
silence; what is missing is not used.
"""
import os
import re

from case import Case, local_message, message, rows
from dovecot import Dovecot, writing
from ladder import WORDS, without
from server import unprivileged

OLD = 1_600_000_000


class Ladder(Case):
    """The change scenario: every kind of change, on both sides, at once."""
    separator = "/"

    def far(self, folder, token):
        return self.client.find(folder, token)

    def below(self, name):
        return "Lists" + self.separator + name

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
        c.create(self.below("größe & co"))
        c.append(self.below("größe & co"), message("far-within"), date=OLD)
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
        t.create_folder(self.below("neu"))
        t.add(self.below("neu"), local_message("near-within"), date=OLD)
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
        self.assertPlaces("far-within", self.below("größe & co"))
        self.assertPlaces("near-within", self.below("neu"))
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
        return [c for path in self.theirs for c in self.dovecot.raw(path)
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
        self.tree.delimiter = self.separator
        self.seed()
        self.sync()
        self.assertSame()
        self.change_there()
        self.change_here()
        self.settle("UIDPLUS" not in lacking)
        # A plain LIST tells of special uses unasked, here.
        self.assertChanged("SPECIAL-USE" not in lacking or "LIST-EXTENDED" in lacking)
        self.assertQuiet()



class Avoided(Ladder):
    """The server has it; the user says that it does it badly."""

    def test_with_everything_there_is(self):
        self.climb()
        for cap in ("QRESYNC", "MOVE", "LITERAL+", "MULTIAPPEND", "LIST-STATUS", "UIDPLUS"):
            self.assertTrue(self.said(WORDS[cap]), f"{cap} is not used: "
                            "that it is missing proves nothing")


class Lacking(Ladder):
    """Each with a server of its own."""
    server = None

    def climb_at(self, lacking, account=None, **knobs):
        self.dovecot = Dovecot(users=1, rawlog=True, **knobs)
        self.addCleanup(self.dovecot.stop)
        self.join("u1", account)
        self.climb(lacking)


class Hidden(Lacking):
    """The server does not have it."""


def name_of(cap):
    return re.sub(r"\W+", "_", cap.replace("+", "_plus")).lower()


def avoid(cap):
    def test(self):
        self.syncd.settings["accounts"]["a"]["avoid"] = without(cap)
        self.syncd.write()
        self.climb(without(cap))
        self.assertEqual(self.said(WORDS[cap]), [])
    return test


def hide(cap):
    def test(self):
        self.climb_at(without(cap), hide=without(cap))
        self.assertEqual(self.said(WORDS[cap]), [])
    return test


for each in WORDS:
    setattr(Avoided, "test_avoiding_" + name_of(each), avoid(each))
    setattr(Hidden, "test_without_" + name_of(each), hide(each))


class Others(Lacking):
    def test_a_bare_imap4rev1(self):
        self.climb_at(WORDS, only=("IMAP4rev1",))
        for words in WORDS.values():
            self.assertEqual(self.said(words), [])

    def test_everything_is_avoided(self):
        self.climb_at(WORDS, {"avoid": list(WORDS)})
        for words in WORDS.values():
            self.assertEqual(self.said(words), [])

    def test_small_literals_need_no_permission_large_ones_do(self):
        self.climb_at([], hide=("LITERAL+",), add=("LITERAL-",))
        sizes = [int(m[1]) for c in self.said(r"\{\d+\+\}")
                 for m in re.finditer(r"\{(\d+)\+\}", c)]
        self.assertTrue(sizes)
        self.assertLessEqual(max(sizes), 4096)
        self.assertTrue(self.said(r"^APPEND .*\{2\d{4}\}"), "the large message")

    def test_compression(self):
        self.climb_at([], {"compress": "yes"})
        self.assertTrue(self.said("^COMPRESS DEFLATE"))

    def test_no_compression(self):
        self.climb_at([], {"compress": "no"})
        self.assertEqual(self.said("^COMPRESS"), [])

    def test_another_separator_on_the_server(self):
        self.separator = "."
        self.climb_at([], separator=".")

    def test_a_server_that_keeps_maildirs(self):
        self.climb_at([], storage="maildir")

    def test_maildir_plus_plus(self):
        self.climb_at([], {"layout": "maildir++"})


@rows("mechanism", {
    "plain": ("PLAIN", {}),
    "login": ("LOGIN", {}),
    "scram sha 1": ("SCRAM-SHA-1", {}),
    "scram sha 256": ("SCRAM-SHA-256", {}),
    "cram md5": ("CRAM-MD5", {}),
    "plain after starttls": ("PLAIN", {"mode": "starttls"}),
    "scram after starttls": ("SCRAM-SHA-256", {"mode": "starttls"}),
    "plain in clear on loopback": ("PLAIN", {"mode": "none"}),
    "scram in clear on loopback": ("SCRAM-SHA-256", {"mode": "none"}),
})
@rows("token", {"xoauth2": "XOAUTH2", "oauthbearer": "OAUTHBEARER"})
class SigningIn(Case):
    server = {"rawlog": True, "oauth": True}

    def settings(self):
        return self.syncd.settings["accounts"]["a"]

    def cross(self, mechanism=None):
        """Mail crosses; what `status` says of the connection."""
        if mechanism is not None:
            self.settings()["auth"]["mechanisms"] = [mechanism]
        self.syncd.write()
        self.client.append("INBOX", message("far"), date=OLD)
        self.syncd.start()
        self.wait_same(20)
        self.tree.add("INBOX", local_message("near"), date=OLD)
        self.wait_same(20)
        transport = self.syncd.status()["accounts"][0]["transport"]
        self.assertEqual(self.syncd.stop(), 0)
        return transport

    def mechanism(self, row):
        name, tls = row
        if tls:
            self.settings()["port"] = self.dovecot.port
            self.settings()["tls"].update(tls)
        transport = self.cross(name)
        self.assertEqual(transport["mechanism"], name)
        self.assertEqual(transport["tls"] is None, tls.get("mode") == "none", transport)

    def token(self, mechanism):
        path = os.path.join(self.syncd.dir, "token")
        with open(path, "w", encoding="ascii") as f:
            f.write(self.dovecot.token(self.user) + "\n")
        os.chmod(path, 0o600)
        self.settings()["auth"] = {"token_command": ["cat", path]}
        self.assertEqual(self.cross(mechanism)["mechanism"], mechanism)

    def test_the_best_mechanism_is_taken(self):
        self.assertEqual(self.cross()["mechanism"], "SCRAM-SHA-256")

    def test_a_tunnel_that_is_signed_in_already(self):
        owner = unprivileged()
        become = [] if os.geteuid() != 0 else [
            "setpriv", f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups"]
        conf = self.settings()
        del conf["auth"], conf["tls"], conf["port"]
        conf["tunnel_command"] = become + [
            "env", f"USER={self.user}", f"HOME={self.dovecot.dir}/mail/{self.user}",
            "doveadm", "-c", self.dovecot.dir + "/dovecot.conf", "exec", "imap"]
        transport = self.cross()
        self.assertIn(transport["mechanism"], ("", "PREAUTH"))


EVERY = {"new", "flags", "delete"}

POLICIES = {
    # name: (what is pulled, what is pushed)
    "two-way": (EVERY, EVERY),
    "pull": (EVERY, set()),
    "push": (set(), EVERY),
    "archive": ({"new", "flags"}, {"new", "flags"}),
    "backup": ({"new", "flags"}, set()),
}


@rows("policy", {name: name for name in POLICIES})
class Policies(Case):
    """What crosses in which direction."""

    def seed(self, folder):
        for word in ("far", "near"):
            for what in ("seen", "deleted"):
                self.client.append(folder, message(f"{word}-{what}"), date=OLD)

    def change(self, folder):
        c, t = self.client, self.tree
        c.append(folder, message("far-new"), date=OLD)
        c.store(folder, c.find(folder, "far-seen"), "+", "S")
        c.expunge(folder, c.find(folder, "far-deleted"))
        t.add(folder, local_message("near-new"), date=OLD)
        t.set_flags(folder, "near-seen", "S")
        t.delete(folder, "near-deleted")

    def crossed(self, folder):
        """(what was pulled, what was pushed), by looking."""
        def kinds(found, word):
            flags = {re.search(rb"Subject: (\S+)", m.data)[1].decode(): m.flags for m in found}
            return {kind for kind, yes in (
                ("new", f"{word}-new" in flags),
                ("flags", "S" in flags.get(f"{word}-seen", "")),
                ("delete", f"{word}-deleted" not in flags)) if yes}
        return (kinds(self.tree.messages(folder), "far"),
                kinds(self.client.fetch_all(folder), "near"))

    def files(self):
        return {m.path for f in self.tree.folders() for m in self.tree.messages(f)}

    def assertStill(self):
        """Another round writes nothing."""
        before, seen = self.files(), len(self.dovecot.connections(self.user))
        self.syncd.sync()
        self.assertEqual(self.files(), before)
        self.assertEqual(writing(self.dovecot.commands(self.user, since=seen)), [])

    def policy(self, name):
        pull, push = POLICIES[name]
        conf = self.syncd.settings["accounts"]["a"]
        if not pull:    # there must be something to change
            self.syncd.sync()
        self.seed("INBOX")
        self.syncd.sync()
        conf["policy"] = name
        self.syncd.write()
        self.change("INBOX")
        seen = len(self.dovecot.connections(self.user))
        self.syncd.sync()
        said = self.dovecot.commands(self.user, since=seen)
        self.assertEqual(self.crossed("INBOX"), (pull, push))
        if not push:
            self.assertEqual(writing(said), [])
        if name == "backup":
            self.assertEqual([c for c in said if c.startswith("SELECT")], [])
        self.assertStill()

    def test_a_policy_in_full(self):
        self.seed("INBOX")
        self.syncd.sync()
        self.syncd.settings["accounts"]["a"]["policy"] = {"pull": ["new"], "push": ["flags"]}
        self.syncd.write()
        self.change("INBOX")
        self.syncd.sync()
        self.assertEqual(self.crossed("INBOX"), ({"new"}, {"flags"}))
        self.assertStill()

    def test_folders_have_policies_of_their_own(self):
        self.client.create("Lists/one")
        folders = {"INBOX": "two-way", "Junk": "pull", "Archive": "archive",
                   "Lists/one": "backup"}
        self.syncd.settings["accounts"]["a"]["policy_for"] = {
            "\\Junk": "pull", "Archive": "archive", "Lists/**": "backup"}
        self.syncd.write()
        for folder in folders:
            self.seed(folder)
        self.syncd.sync()
        for folder in folders:
            self.change(folder)
        self.syncd.sync()
        for folder, policy in folders.items():
            self.assertEqual(self.crossed(folder), POLICIES[policy], folder)
        self.assertStill()
