"""`syncd changes`: what an indexer is told of files that came, went or moved."""
import json
import os
import sqlite3
import subprocess
import time
import unittest

from case import Case, limit, local_message, message
from server import unprivileged
from syncd import BINARY


class Feed(Case):
    """Each test asks below the account's root, unless it says otherwise."""

    def ask(self, token=None, path=None, expect=0):
        """The token, the kind of answer, and {what: paths below the root}."""
        args = ["changes", "-0", path or self.tree.root]
        r = self.syncd.run(*args, *(["--since", token] if token else []))
        self.assertEqual((r.rc, r.err), (expect, ""))
        head, *rest = r.out.split("\0")[:-1]
        word, token, kind = head.split("\t")
        self.assertEqual(word, "token")
        told = {}
        for line in rest:
            what, mtime, *paths = line.split("\t")
            self.assertEqual(int(mtime) > 0, what != "removed")
            short = tuple(os.path.relpath(p, self.tree.root) for p in paths)
            told.setdefault(what, set()).add(short if len(short) > 1 else short[0])
        return token, kind, told

    def on_disk(self):
        found = set()
        for at, _, files in os.walk(self.tree.root):
            if os.path.basename(at) in ("cur", "new"):
                found |= {os.path.relpath(os.path.join(at, f), self.tree.root) for f in files}
        return found

    def file(self, token, folder="INBOX"):
        """Its file, below the root."""
        for path in self.on_disk():
            if os.path.dirname(os.path.dirname(path)) == folder:
                with open(os.path.join(self.tree.root, path), "rb") as f:
                    if token.encode() in f.read():
                        return path
        raise AssertionError(f"no {token} in {folder}")

    def live(self):
        return self.syncd.status()["accounts"][0]["state"] == "live"

    def fill(self, *tokens, folder="INBOX"):
        for t in tokens:
            self.client.append(folder, message(t))
        self.syncd.sync()


class Changes(Feed):
    def test_without_a_token_everything_is_listed(self):
        self.fill("one", "two")
        token, kind, told = self.ask()
        self.assertEqual((kind, told), ("snapshot", {"added": self.on_disk()}))
        self.assertEqual(self.ask(token)[1:], ("delta", {}))

    def test_what_the_server_did(self):
        self.client.create("Box")
        self.fill("gone", "flagged", "moved", "stays")
        token = self.ask()[0]
        old = {t: self.file(t) for t in ("gone", "flagged", "moved")}
        def uid(t):
            return self.client.find("INBOX", t)
        self.client.store("INBOX", uid("flagged"), "+", "FS")
        self.client.move("INBOX", uid("moved"), "Box")
        self.client.expunge("INBOX", uid("gone"))
        self.client.append("INBOX", message("new"))
        self.syncd.sync()
        self.syncd.sync()
        told = self.ask(token)[2]
        self.assertEqual(told, {
            "added": {self.file("new")}, "removed": {old["gone"]},
            "renamed": {(self.file("flagged"), old["flagged"]),
                        (self.file("moved", "Box"), old["moved"])}})

    def test_what_a_mail_program_did(self):
        self.client.create("Box")
        self.fill("gone", "read", "moved")
        token = self.ask()[0]
        old = {t: self.file(t) for t in ("gone", "read", "moved")}
        self.tree.delete("INBOX", "gone")
        self.tree.set_flags("INBOX", "read", "S")
        self.tree.move("INBOX", "moved", "Box")
        want = {"removed": {old["gone"]}, "renamed": {(self.file("read"), old["read"])}}
        before = self.ask(token)[2]    # nobody has synced it yet
        self.assertLessEqual(want["renamed"], before["renamed"])
        self.assertIn(old["gone"], before["removed"])
        self.syncd.sync()
        _, kind, told = self.ask(token)
        want["renamed"].add((self.file("moved", "Box"), old["moved"]))
        want["added"] = {self.file("gone", "Trash")}
        self.assertEqual((kind, told), ("delta", want))

    def test_a_draft_that_is_saved_again_is_a_change(self):
        self.fill("draft", folder="Drafts")
        token, path = self.ask()[0], self.file("draft", "Drafts")
        self.tree.replace("Drafts", "draft", local_message("draft", "a longer text"))
        self.syncd.sync()
        self.syncd.sync()
        self.assertEqual(self.ask(token)[2], {"changed": {path}})

    def test_a_folder_that_is_renamed(self):
        self.client.create("Old")
        self.fill("mail", folder="Old")
        token, old = self.ask()[0], self.file("mail", "Old")
        self.client.rename("Old", "New")
        self.syncd.sync()
        self.assertEqual(self.ask(token)[2], {"renamed": {(self.file("mail", "New"), old)}})

    def test_one_folder_and_the_parent_of_all(self):
        self.client.create("Box")
        self.fill("first")
        self.fill("second", folder="Box")
        box = os.path.join(self.tree.root, "Box")
        token, _, told = self.ask(path=box)
        self.assertEqual(told, {"added": {self.file("second", "Box")}})
        parent, _, told = self.ask(path=os.path.dirname(self.tree.root))
        self.assertEqual(told, {"added": self.on_disk()})
        self.tree.move("INBOX", "first", "Box")
        self.syncd.sync()
        self.assertEqual(self.ask(token, path=box)[2], {"added": {self.file("first", "Box")}})
        self.assertEqual(list(self.ask(parent, path=os.path.dirname(self.tree.root))[2]), ["renamed"])

    def test_a_token_that_is_of_no_use_gives_everything(self):
        self.fill("one")
        token = self.ask()[0]
        name, seq, last = token.rsplit("-", 1)[1].split(".")
        for bad in ("x", token[:-1] + "99", token.replace(name, "0" * 16),
                    token.replace(f".{seq}.", ".77."), f"1-{name}.1"):
            _, kind, told = self.ask(bad, expect=1)
            self.assertEqual((bad, kind, told), (bad, "snapshot", {"added": self.on_disk()}))
        self.assertEqual(self.ask(token, path=os.path.dirname(self.tree.root), expect=1)[1],
                         "snapshot")

    def test_a_token_whose_changes_are_not_kept_any_more(self):
        self.fill("one", "two")
        token = self.ask()[0]
        db = sqlite3.connect(os.path.join(self.syncd.state, "a.db"))
        for _ in range(2):
            db.execute("UPDATE message SET in_new = 1 - in_new")
        self.assertEqual(db.execute("SELECT count(*) FROM change").fetchone(), (4,))
        db.execute("INSERT INTO change (seq, message) VALUES (100002, 1)")
        self.assertEqual(db.execute("SELECT min(seq) FROM change").fetchone(), (3,))
        db.commit()
        db.close()
        self.assertEqual(self.ask(token, expect=1)[1], "snapshot")

    def test_a_state_that_is_made_anew(self):
        self.fill("one")
        token = self.ask()[0]
        for name in os.listdir(self.syncd.state):
            if name.startswith("a.db"):
                os.unlink(os.path.join(self.syncd.state, name))
        self.syncd.sync()
        self.assertEqual(self.ask(token, expect=1)[1:], ("snapshot", {"added": self.on_disk()}))

    def test_a_place_where_no_account_is(self):
        self.fill("one")
        for path in ("/nowhere/at/all", "/proc"):
            r = self.syncd.run("changes", path)
            self.assertEqual(r.rc, 66, r.err)

    def test_as_lines_and_as_json(self):
        self.fill("one")
        path = os.path.join(self.tree.root, self.file("one"))
        lines = self.syncd.run("changes", self.tree.root).out.splitlines()
        self.assertRegex(lines[0], r"^token\t1-[0-9a-f.-]+\tsnapshot$")
        self.assertRegex(lines[1], r"^added\t\d{19}\t" + path + "$")
        head, one = map(json.loads,
                        self.syncd.run("changes", "--json", self.tree.root).out.splitlines())
        self.assertTrue(head["snapshot"])
        self.assertEqual((one["change"], one["path"]), ("added", path))

    def test_with_a_daemon(self):
        self.fill("one", "two")
        token, one, two = self.ask()[0], self.file("one"), self.file("two")
        with self.syncd:
            self.wait(self.live, 20, "it to be live")
            self.tree.set_flags("INBOX", "one", "S")
            self.tree.delete("INBOX", "two")
            self.client.append("INBOX", message("three"))
            self.wait(lambda: self.tree.find("INBOX", "three"), 20, "the message")
            self.wait(lambda: self.ask(token)[2] == {
                "added": {self.file("three"), self.file("two", "Trash")}, "removed": {two},
                "renamed": {(self.file("one"), one)}}, 20, "all to be told")


MANY = int(os.environ.get("SYNCD_INDEX", "0"))


@unittest.skipUnless(MANY, "SYNCD_INDEX=100000 measures ten changes among so many; it takes minutes")
class Measured(Feed):
    """What indexers need for ten changes: told of them, and looking for them."""
    server = {"storage": "maildir", "rawlog": False}
    n_users = 1

    def seed(self):
        """Straight into the server's store: half in INBOX, the rest in ten folders."""
        home = os.path.join(self.dovecot.dir, "mail", self.user)
        for i in range(MANY):
            at = os.path.join(home, "Maildir", "" if i % 2 else f".F{i // 2 % 10}")
            if i < 40:
                for name in ("tmp", "new", "cur"):
                    os.makedirs(os.path.join(at, name), exist_ok=True)
            with open(f"{at}/cur/{1700000000 + i}.M{i}P1.vm:2,S", "wb") as f:
                f.write(local_message(f"t{i:06}x", "some words of a message\n" * 20))
        owner = unprivileged()
        subprocess.run(["chown", "-R", f"{owner.pw_uid}:{owner.pw_gid}", home], check=True)

    def timed(self, *argv):
        """Seconds, by a user's shell."""
        env = {"HOME": self.syncd.dir, "SYNCD_CONFIG": self.syncd.conf,
               "NOTMUCH_CONFIG": self.syncd.dir + "/nm", "LC_ALL": "C.UTF-8",
               "PATH": os.path.dirname(BINARY) + ":" + os.environ["PATH"]}
        started = time.monotonic()
        r = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
        self.assertEqual(r.returncode, 0, f"{argv}: {r.stdout}{r.stderr}")
        return time.monotonic() - started

    def ten_changes(self):
        """Of the server's, each time to other messages."""
        token, before = self.ask()[0], self.changed
        for i in range(4):
            self.client.append("INBOX", message(f"new{before + i}y"))
        for uid in range(before + 1, before + 6):
            self.client.store("INBOX", uid, "+", "F")
        self.client.expunge("INBOX", before + 6)
        self.changed += 10

        def all_told():
            told = self.ask(token)[2]
            return "removed" in told and sum(map(len, told.values())) == 10
        self.wait(all_told, 60, "ten changes")

    def script(self, name):
        """The one that `syncd generate` prints for it."""
        path = os.path.join(self.syncd.dir, "syncd-" + name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(self.syncd.run("generate", name + "-script").out)
        os.chmod(path, 0o755)
        return path

    @limit(3600)
    def test_ten_changes(self):
        root = os.path.dirname(self.tree.root)
        with open(self.syncd.dir + "/nm", "w", encoding="utf-8") as f:
            f.write(f"[database]\npath={root}\n[new]\ntags=unread\nignore=.syncd-store\n")
        self.seed()
        started = time.monotonic()
        self.syncd.sync(timeout=1800)
        print(f"cold sync {time.monotonic() - started:.1f} s", flush=True)
        self.timed("mu", "init", "--maildir=" + root)
        self.changed = 0
        self.syncd.start()
        self.wait(self.live, 60, "it to be live")
        for name, *wholes in (("notmuch", ("notmuch", "new", "--quiet")),
                              ("mu", ("mu", "index", "--quiet"),
                               ("mu", "index", "--quiet", "--lazy-check", "--nocleanup"))):
            script = self.script(name)
            print(f"{name}: first {self.timed(*wholes[0]):.1f} s", flush=True)
            self.timed(script, root)
            for argv in 3 * (*wholes, (script, root)):
                self.ten_changes()
                print(f"{' '.join(argv[:4])}: {self.timed(*argv):.3f} s", flush=True)
        token = self.ask(path=root)[0]
        self.ten_changes()
        for _ in range(3):
            print(f"changes: {self.timed(BINARY, 'changes', '-0', '--since', token, root):.3f} s")
