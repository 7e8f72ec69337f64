"""`syncd run`: changes cross by themselves and soon, whatever happens meanwhile.

Run with `python3 -m unittest`, the tests print how many milliseconds it took.
"""
import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import time
import unittest

from case import Case, limit, local_message, message
from syncd import BINARY, Syncd, children

OLD = 1_600_000_000
SOON = 5     # seconds; what crosses by itself takes far less


def multiappend(client, folder, messages):
    """All of them in one command."""
    client.command(b"APPEND " + folder.encode() + b"".join(
        b" {%d+}\r\n" % len(m) + m for m in messages))


def family(pid):
    """The daemon and its workers."""
    out = [pid]
    for child in children(pid):
        out += family(child)
    return out


def cost(pid):
    """(CPU ticks, times it was woken) so far."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        ticks = sum(map(int, f.read().rsplit(")", 1)[1].split()[11:13]))
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        woken = [int(line.split()[1]) for line in f
                 if line.startswith("voluntary_ctxt_switches")]
    return ticks, woken[0]


def has_ended(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as f:
            return f.read().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def opened(pipe, ends):
    """For writing, once somebody reads it."""
    with contextlib.suppress(OSError):
        ends.append(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
    return ends


class LiveCase(Case):
    def begin(self):
        """A few messages, the daemon running, both sides equal."""
        c = self.client
        for i in range(4):
            c.append("INBOX", message(f"m{i}"), date=OLD + i)
        c.append("Archive", message("kept"), "S", date=OLD + 9)
        self.run_daemon()

    def run_daemon(self, state="live"):
        self.syncd.start()
        self.wait_same(20, "the first sync")
        self.wait_state(state)

    def report(self):
        return self.syncd.status()["accounts"][0]

    def wait_state(self, *states, timeout=20):
        def is_so():
            status = self.syncd.status()    # answers without a daemon, too
            return status["running"] and status["accounts"][0]["state"] in states
        self.wait(is_so, timeout,
                  f"the account to be {' or '.join(states)}")

    def far(self, folder, token):
        with self.dovecot.client(self.user) as c:
            if folder not in c.list():
                return []
            return [m for m in c.fetch_all(folder) if token.encode() in m.data]

    def near(self, folder, token):
        return [m for m in self.tree.messages(folder) if token.encode() in m.data]

    def arrives(self, what, condition, within=SOON):
        secs = self.wait(condition, within, what)
        print(f"  {self._testMethodName}: {what}: {secs * 1000:.0f} ms")

    def flags(self, found):
        return ["".join(sorted(m.flags)) for m in found]


class Crossing(LiveCase):
    """NOTIFY is there."""
    push = "notify"

    def test_deliveries_appear_in_the_tree(self):
        self.begin()
        self.assertEqual(self.report()["transport"]["push"], self.push)
        self.client.append("INBOX", message("fresh"))
        self.arrives("delivery to INBOX", lambda: self.near("INBOX", "fresh"))
        self.client.append("Archive", message("other"))
        self.arrives("delivery to Archive", lambda: self.near("Archive", "other"))
        self.wait_same(SOON)

    def test_flags_and_deletions_on_the_server_arrive(self):
        self.begin()
        self.client.store("INBOX", self.client.find("INBOX", "m1"), "+", "S")
        self.arrives("seen", lambda: self.flags(self.near("INBOX", "m1")) == ["S"])
        self.client.expunge("INBOX", self.client.find("INBOX", "m2"))
        self.arrives("deletion", lambda: not self.near("INBOX", "m2"), 8)
        self.client.move("INBOX", self.client.find("INBOX", "m3"), "Archive")
        self.arrives("move", lambda: self.near("Archive", "m3") and
                     not self.near("INBOX", "m3"), 8)
        self.wait_same(SOON)

    def test_a_new_folder_on_the_server_appears(self):
        self.begin()
        self.client.create("Fresh")
        self.client.append("Fresh", message("within"))
        self.arrives("folder with mail", lambda: "Fresh" in self.tree.folders() and
                     self.near("Fresh", "within"))
        self.client.append("Fresh", message("again"))
        self.arrives("delivery into it", lambda: self.near("Fresh", "again"))
        self.wait_same(SOON)

    def test_local_changes_arrive_on_the_server(self):
        self.begin()
        self.tree.set_flags("INBOX", "m0", "FS")
        self.arrives("flags", lambda: self.flags(self.far("INBOX", "m0")) == ["FS"])
        self.tree.add("INBOX", local_message("written"), "S", date=OLD)
        self.arrives("new file", lambda: self.far("INBOX", "written"))
        self.tree.move("INBOX", "m1", "Archive")
        self.arrives("move", lambda: self.far("Archive", "m1") and
                     not self.far("INBOX", "m1"))
        self.tree.delete("INBOX", "m2")
        self.arrives("deletion", lambda: not self.far("INBOX", "m2"))
        self.wait_same(SOON)

    def test_a_file_that_is_edited_where_it_is_arrives(self):
        """Of the same size, by the same inode."""
        self.begin()
        with open(self.tree.find("INBOX", "m1").path, "r+b") as f:
            f.seek(-6, os.SEEK_END)
            f.write(b"hallo")
        self.arrives("new version", lambda: self.far("INBOX", "hallo") and
                     len(self.far("INBOX", "Subject: m1")) == 1)
        self.wait_same(SOON)

    def test_a_new_local_folder_arrives_and_is_watched(self):
        self.begin()
        self.tree.create_folder("Mine/deep")
        self.tree.add("Mine/deep", local_message("first"), date=OLD)
        self.arrives("folder with mail", lambda: self.far("Mine/deep", "first"))
        self.tree.add("Mine/deep", local_message("second"), date=OLD)
        self.arrives("file in it", lambda: self.far("Mine/deep", "second"))
        self.wait_same(SOON)

    def test_what_changed_while_stopped_is_found_at_start(self):
        self.begin()
        self.assertEqual(self.syncd.stop(), 0)
        self.client.append("INBOX", message("fresh"))
        self.client.expunge("INBOX", self.client.find("INBOX", "m2"))
        self.tree.set_flags("INBOX", "m0", "S")
        self.tree.add("Archive", local_message("written"), date=OLD)
        self.tree.delete("INBOX", "m1")
        self.syncd.start()
        self.wait_same(10)
        self.assertPlaces("fresh", "INBOX")
        self.assertPlaces("m1", "Trash")
        self.assertPlaces("m2")
        self.assertPlaces("written", "Archive")
        self.assertEqual(self.flags(self.far("INBOX", "m0")), ["S"])

    @limit(90)
    def test_a_burst_on_both_sides_converges(self):
        multiappend(self.client, "INBOX", [message(f"b{i:03}.") for i in range(200)])
        self.run_daemon()
        for i in range(200):
            self.tree.set_flags("INBOX", f"b{i:03}.", "FS" if i % 2 else "S")
            if i % 2:
                self.client.append("INBOX", message(f"d{i:03}."))
        self.wait_same(30)
        self.assertEqual(len(self.tree.messages("INBOX")), 300)
        self.assertEqual(self.flags(self.far("INBOX", "b001.")), ["FS"])


class Directories(LiveCase):
    """Others come to stand under the names of folders while the daemon runs."""

    def begin(self):
        for name in ("Ants", "Bees"):
            self.client.create(name)
            for i in "01":
                self.client.append(name, message(name + i), date=OLD)
        super().begin()

    def swap(self):
        for old, new in (("Ants", "between"), ("Bees", "Ants"), ("between", "Bees")):
            os.rename(self.tree.path(old), self.tree.path(new))

    def test_two_that_change_places(self):
        self.begin()
        self.swap()
        self.wait(lambda: self.far("Bees", "Ants0") and self.far("Ants", "Bees1"), 20,
                  "the mail of both to follow")
        self.wait_same(SOON)
        self.assertPlaces("Ants0", "Bees")
        self.assertPlaces("Bees1", "Ants")

    def test_mail_is_where_it_was_put_after_they_changed_places(self):
        self.begin()
        self.swap()
        self.tree.add("Ants", local_message("fresh"), date=OLD)
        self.client.append("Bees", message("yonder"), date=OLD)
        self.wait_same(20)
        self.assertPlaces("fresh", "Ants")
        self.assertPlaces("yonder", "Bees")


class Holding(LiveCase):
    """Where names change, directories are held open for that moment: clients may replace
    them."""

    def held_open(self):
        """What of cur/ and new/ the daemon and its workers have open."""
        found = []
        for pid in family(self.syncd.proc.pid):
            for fd in os.listdir(f"/proc/{pid}/fd"):
                with contextlib.suppress(OSError):
                    found.append(os.readlink(f"/proc/{pid}/fd/{fd}"))
        return [path for path in found if os.path.basename(path) in ("cur", "new")]

    def test_nothing_stays_open_behind_renames(self):
        self.begin()
        self.client.store("INBOX", self.client.find("INBOX", "m1"), "+", "F")
        self.client.move("INBOX", self.client.find("INBOX", "m3"), "Archive")
        self.arrives("flag", lambda: self.flags(self.near("INBOX", "m1")) == ["F"])
        self.arrives("move", lambda: self.near("Archive", "m3"), 8)
        self.wait(lambda: not self.held_open(), SOON, "all handles to be closed")


class ListeningAnew(LiveCase):
    """Dovecot watches one file of INBOX's index, and when that index begins another it
    tells late from then on, until it is asked again."""
    account = {"watch": {"poll": "6h"}}

    def said(self, command):
        return sum(c.startswith(command) for c in self.dovecot.commands(self.user))

    def test_notify_is_said_again_after_changes_and_then_all_is_looked_at(self):
        self.begin()
        for n, token in ((1, "first"), (2, "second")):
            # What the first sync did counts, too.
            self.wait(lambda n=n: self.said("NOTIFY SET (") == n, 15, "NOTIFY to be said again")
            self.wait(lambda n=n: self.said("LIST") == 1 + n, 10, "a look at all counters")
            self.client.append("INBOX", message(token))
            self.arrives(token, lambda token=token: self.near("INBOX", token))
        self.assertEqual(self.said("NOTIFY SET STATUS"), 1)


class CrossingWithIdle(Crossing):
    """Only INBOX is pushed; the rest is found by polling."""
    server = {"rawlog": True, "hide": ("NOTIFY",)}
    account = {"watch": {"poll": "2s"}}
    push = "idle"


class Racing(LiveCase):
    def test_files_that_go_while_the_folder_is_read_are_all_missed(self):
        multiappend(self.client, "INBOX", [message(f"b{i:03}.") for i in range(110)])
        self.syncd.sync()
        self.syncd.start()
        self.wait(lambda: self.syncd.status()["running"], 10, "the daemon")
        for i in range(90):
            self.tree.delete("INBOX", f"b{i:03}.")
        self.wait_same(15)
        self.assertEqual(len(self.tree.messages("INBOX")), 20)


class Idling(LiveCase):
    """Without NOTIFY, and with nothing else that would look for hours."""
    server = {"rawlog": True, "hide": ("NOTIFY",)}
    account = {"watch": {"poll": "6h", "idle_folders": ["INBOX", "Archive"]}}

    def idle_in(self, n):
        self.wait(lambda: self.report()["connections"] == n + 1, 10, f"{n} idle connections")
        self.assertEqual(self.report()["transport"]["push"], "idle")

    def test_deliveries_to_listed_folders_arrive(self):
        self.begin()
        self.idle_in(2)
        self.client.append("Archive", message("other"))
        self.arrives("delivery to Archive", lambda: self.near("Archive", "other"))
        self.client.append("INBOX", message("fresh"))
        self.arrives("delivery to INBOX", lambda: self.near("INBOX", "fresh"))
        self.client.store("Archive", self.client.find("Archive", "other"), "+", "F")
        self.arrives("flag", lambda: "F" in self.flags(self.near("Archive", "other"))[0])
        self.wait_same(SOON)

    def test_a_pattern_takes_as_many_as_there_may_be_and_inbox_first(self):
        self.syncd.settings["accounts"]["a"].update(
            {"watch": {"poll": "6h", "idle_folders": ["*"]}, "limits": {"connections": 2}})
        self.syncd.write()
        self.begin()
        self.idle_in(1)
        self.client.append("INBOX", message("fresh"))
        self.arrives("delivery to INBOX", lambda: self.near("INBOX", "fresh"))
        self.assertEqual(self.report()["connections"], 2)

    def test_a_lost_connection_is_made_again(self):
        self.begin()
        self.idle_in(2)
        self.dovecot.stop()
        self.wait_state("offline", "connecting")
        self.dovecot.start()
        self.client = self.dovecot.client(self.user)
        self.addCleanup(self.client.close)
        self.idle_in(2)
        self.client.append("Archive", message("other"))
        self.arrives("delivery to Archive", lambda: self.near("Archive", "other"))


class CrossingByPolling(Crossing):
    """The server pushes nothing."""
    server = {"rawlog": True, "hide": ("NOTIFY", "IDLE")}
    account = {"watch": {"poll": "1s"}}
    push = "none"

    def run_daemon(self, state="polling"):
        super().run_daemon(state)


class Avoiding(LiveCase):
    def test_what_is_avoided_is_not_used(self):
        for avoid, push, banned in ((["NOTIFY"], "idle", "NOTIFY"),
                                    (["NOTIFY", "IDLE"], "none", "IDLE")):
            self.syncd.settings["accounts"]["a"].update(
                {"avoid": avoid, "watch": {"poll": "1s"}})
            self.syncd.write()
            seen = len(self.dovecot.connections(self.user))
            self.run_daemon("polling" if push == "none" else "live")
            self.assertEqual(self.report()["transport"]["push"], push)
            self.client.append("INBOX", message(push))
            self.arrives(f"delivery by {push}", lambda p=push: self.near("INBOX", p))
            self.syncd.stop()
            said = self.dovecot.commands(self.user, since=seen)
            self.assertFalse([c for c in said if c.startswith(banned)])

    def test_the_remote_watch_can_be_off(self):
        self.syncd.settings["accounts"]["a"]["watch"] = {"remote": "off"}
        self.syncd.write()
        self.run_daemon("polling")
        self.client.append("INBOX", message("fresh"))
        self.tree.add("INBOX", local_message("written"), date=OLD)
        self.arrives("new file", lambda: self.far("INBOX", "written"))
        self.syncd.sync()
        self.assertPlaces("fresh", "INBOX")


class Verbs(LiveCase):
    """The control socket of a running daemon."""

    def test_sync_finds_what_nobody_told(self):
        self.syncd.settings["accounts"]["a"]["watch"] = {"remote": "off", "local": False}
        self.syncd.write()
        self.begin_unwatched()
        self.client.append("INBOX", message("fresh"))
        self.tree.add("Archive", local_message("written"), date=OLD)
        self.syncd.sync()
        self.assertPlaces("fresh", "INBOX")
        self.assertPlaces("written", "Archive")
        self.assertSame()

    def begin_unwatched(self):
        self.client.append("Archive", message("kept"), "S", date=OLD + 9)
        self.run_daemon("polling")

    def test_sync_of_one_folder(self):
        self.syncd.settings["accounts"]["a"]["watch"] = {"remote": "off", "local": False}
        self.syncd.write()
        self.begin_unwatched()
        self.client.append("Archive", message("other"))
        self.syncd.sync("a/Archive")
        self.assertEqual(len(self.near("Archive", "other")), 1)

    def test_dry_run_prints_the_plan_and_changes_nothing(self):
        self.syncd.settings["accounts"]["a"]["watch"] = {"remote": "off"}
        self.syncd.write()
        self.begin_unwatched()
        self.client.append("INBOX", message("fresh"))
        r = self.syncd.sync("--dry-run")
        self.assertIn("INBOX", r.out)
        time.sleep(1)    # nor is it done soon after
        self.assertEqual(self.near("INBOX", "fresh"), [])
        self.syncd.sync()
        self.assertSame()

    def test_status_tells_how_it_is_done(self):
        self.begin()
        a = self.report()
        self.assertEqual(a["account"], "a")
        self.assertEqual(a["problems"], [])
        self.assertEqual(a["connections"], 2)
        self.assertEqual(a["totals"]["messages"], 5)
        t = a["transport"]
        self.assertEqual((t["protocol"], t["push"], t["delta"]), ("imap", "notify", "qresync"))
        self.assertTrue(t["tls"].startswith("TLSv1."), t)
        words = self.syncd.run("status")
        self.assertEqual(words.rc, 0)
        self.assertIn("live", words.out)

    def test_folders_and_log_tell_what_there_is_and_was_done(self):
        self.begin()
        r = self.syncd.run("folders", "--json")
        self.assertEqual(r.rc, 0, r.err)
        self.assertIn("Archive", r.out)
        self.tree.set_flags("INBOX", "m1", "S")
        self.arrives("flag", lambda: self.flags(self.far("INBOX", "m1")) == ["S"])
        self.wait(lambda: "m1" in self.syncd.run("log", "--message-id",
                                                 "m1@test.example").out,
                  SOON, "the log to tell of m1")
        self.assertEqual(self.syncd.run("log", "--json", "-n", "3").rc, 0)

    def test_pause_holds_everything_and_resume_goes_on(self):
        self.begin()
        self.assertEqual(self.syncd.run("pause").rc, 0)
        self.wait_state("paused")
        self.client.append("INBOX", message("fresh"))
        self.tree.add("INBOX", local_message("written"), date=OLD)
        time.sleep(1)
        self.assertEqual(self.near("INBOX", "fresh"), [])
        self.assertEqual(self.far("INBOX", "written"), [])
        # It outlives the daemon.
        self.assertEqual(self.syncd.stop(), 0)
        self.syncd.start()
        self.wait_state("paused")
        self.assertEqual(self.syncd.run("resume").rc, 0)
        self.wait_same(10)
        self.wait_state("live")

    def test_stop_ends_the_daemon(self):
        self.begin()
        self.assertEqual(self.syncd.run("stop").rc, 0)
        self.assertEqual(self.syncd.proc.wait(5), 0)
        self.syncd.proc = None
        self.assertFalse(self.syncd.status()["running"])

    def test_a_reload_takes_what_changed(self):
        self.begin()
        workers = children(self.syncd.proc.pid)
        self.syncd.proc.send_signal(signal.SIGHUP)
        time.sleep(0.3)
        self.assertEqual(children(self.syncd.proc.pid), workers, "restarted for nothing")
        other = self.syncd.add_account("b", self.dovecot, next(self.free_users))
        self.syncd.proc.send_signal(signal.SIGHUP)
        self.wait(lambda: "INBOX" in other.folders(), 10, "the new account to sync")
        self.assertIn(workers[0], children(self.syncd.proc.pid))
        with open(self.syncd.conf, "w", encoding="utf-8") as f:
            f.write("accounts: [")
        self.assertNotEqual(self.syncd.run("reload").rc, 0)
        self.client.append("INBOX", message("fresh"))
        self.arrives("delivery after a bad reload", lambda: self.near("INBOX", "fresh"))

    def test_a_second_daemon_is_refused_and_a_second_sync_asks_the_first(self):
        self.begin()
        self.assertEqual(self.syncd.run("run").rc, 75)
        self.assertEqual(self.syncd.run("run", "--once").rc, 75)
        self.assertEqual(self.syncd.sync().rc, 0)
        self.assertTrue(self.syncd.alive())

    def test_a_sync_elsewhere_finds_the_account_locked(self):
        """The same state_dir, another socket: the account's lock decides."""
        self.begin()
        other = os.path.join(self.syncd.dir, "other.yaml")
        with open(other, "w", encoding="utf-8") as f:
            json.dump(dict(self.syncd.settings,
                           control={"socket": self.syncd.dir + "/other.sock"}), f)
        os.chmod(other, 0o600)
        r = subprocess.run((BINARY, "-c", other, "sync"), capture_output=True, text=True,
                           timeout=20, check=False)
        self.assertEqual(r.returncode, 75, r.stderr)
        self.assertIn("state.locked", r.stderr)

    def test_a_sync_with_another_state_finds_the_maildir_locked(self):
        """Each would find new what the other has put there."""
        self.begin()
        other = Syncd(self.dovecot, self.user,
                      {"path": os.path.join(self.syncd.dir, "mail", "..", "mail", "a")})
        r = other.sync(expect=75)
        self.assertIn("state.locked", r.err)
        self.assertIn("works on", r.err)
        self.syncd.stop()
        other.sync()
        self.assertSame()


class Many(LiveCase):
    def test_accounts_that_wait_for_their_turn_hold_no_files(self):
        then = (time.localtime().tm_hour + 12) % 24
        for i in range(30):
            self.syncd.add_account(f"b{i}", self.dovecot, self.user, {
                "schedule": {"when": f"daily {then:02d}:00-{then:02d}:30"}})
        self.syncd.wrap = ("prlimit", "--nofile=256:256")
        self.begin()
        self.client.append("INBOX", message("fresh"))
        self.arrives("delivery among many accounts", lambda: self.near("INBOX", "fresh"))


class Stopping(LiveCase):
    """SIGTERM ends it within 5 s and with 0, whatever it is doing."""

    def stop(self, what):
        self.assertEqual(self.syncd.stop(within=5), 0)
        print(f"  {what}: ended in {self.syncd.stopped_in * 1000:.0f} ms")

    def test_at_rest(self):
        self.begin()
        self.stop("at rest")

    def test_in_the_middle_of_a_first_sync(self):
        multiappend(self.client, "INBOX",
                    [message(f"f{i:04}.", "x" * 2000) for i in range(2000)])
        self.syncd.start()
        self.wait(lambda: "INBOX" in self.tree.folders() and
                  os.listdir(self.tree.path("INBOX") + "/new"), 10, "the first messages")
        some = len(os.listdir(self.tree.path("INBOX") + "/new"))
        self.stop(f"with {some} of 2000 messages there")
        self.syncd.sync()
        self.assertSame()
        self.assertQuiet()

    def freeze(self):
        """The server stops answering, its sockets stay open."""
        os.killpg(self.dovecot.proc.pid, signal.SIGSTOP)
        self.addCleanup(os.killpg, self.dovecot.proc.pid, signal.SIGCONT)

    def test_while_the_server_does_not_answer(self):
        self.begin()
        self.freeze()
        self.tree.set_flags("INBOX", "m1", "S")
        time.sleep(1)
        self.stop("in a command without an answer")

    def test_while_the_server_does_not_even_greet(self):
        self.freeze()
        self.syncd.start()
        time.sleep(0.5)
        self.stop("without a greeting")

    def test_while_it_waits_to_connect_again(self):
        self.syncd.settings["accounts"]["a"]["port"] = 1
        self.syncd.write()
        self.syncd.start()
        self.wait_state("offline")
        self.stop("between two attempts")


class Restarting(LiveCase):
    server = {"rawlog": True}

    def test_it_connects_again_when_the_server_comes_back(self):
        self.begin()
        self.dovecot.stop()
        self.wait_state("offline", "connecting")
        self.tree.add("INBOX", local_message("written"), date=OLD)
        self.dovecot.start()
        self.client = self.dovecot.client(self.user)
        self.addCleanup(self.client.close)
        self.client.append("INBOX", message("fresh"))
        self.arrives("what was missed", lambda: self.near("INBOX", "fresh") and
                     self.far("INBOX", "written"), 20)
        self.wait_same(SOON)
        self.wait_state("live")
        self.assertEqual(self.report()["problems"], [])
        self.client.append("INBOX", message("after"))
        self.arrives("delivery afterwards", lambda: self.near("INBOX", "after"))

    def test_trusted_certificates_that_were_renewed_are_read(self):
        """As most programs write a file: another takes its place."""
        ours = os.path.join(self.syncd.dir, "ours.pem")
        shutil.copy(self.dovecot.ca, ours)
        self.syncd.settings["accounts"]["a"]["tls"]["ca_file"] = ours
        self.syncd.write()
        self.begin()
        shutil.copy(ours, ours + ".new")
        os.rename(ours + ".new", ours)
        self.dovecot.stop()
        self.dovecot.start()
        self.client = self.dovecot.client(self.user)
        self.addCleanup(self.client.close)
        self.client.append("INBOX", message("fresh"))
        self.arrives("delivery by a new connection", lambda: self.near("INBOX", "fresh"), 30)
        self.wait_state("live")
        self.assertEqual(self.report()["problems"], [])

    def test_a_worker_that_dies_is_started_again(self):
        self.begin()
        os.kill(children(self.syncd.proc.pid)[0], signal.SIGKILL)
        self.client.append("INBOX", message("fresh"))
        self.arrives("delivery after a crash", lambda: self.near("INBOX", "fresh"), 20)
        self.wait_same(SOON)

    def test_a_worker_that_hears_nothing_does_not_outlive_the_daemon(self):
        """It reads certificates that never come."""
        pipe = os.path.join(self.syncd.dir, "ca.pem")
        os.mkfifo(pipe)
        self.syncd.settings["accounts"]["a"]["tls"]["ca_file"] = pipe
        self.syncd.write()
        self.syncd.start()
        ends = []
        self.addCleanup(lambda: [os.close(fd) for fd in ends])
        self.wait(lambda: opened(pipe, ends), 20, "the worker to read")
        daemon, worker = self.syncd.proc, children(self.syncd.proc.pid)[0]
        daemon.kill()
        daemon.wait()
        self.wait(lambda: has_ended(worker), 20, "the worker to end")


class Silence(LiveCase):
    @limit(90)
    def test_at_rest_it_neither_wakes_nor_speaks(self):
        self.begin()
        time.sleep(3)    # what the start has left to do
        pids = family(self.syncd.proc.pid)
        before = {p: cost(p) for p in pids}
        said = self.spoken()
        time.sleep(10)
        after = {p: cost(p) for p in pids}
        self.assertEqual(self.spoken(), said, "it spoke to the server")
        self.assertEqual(after, before, "it was awake: (CPU ticks, wake-ups) by pid")

    def spoken(self):
        return sum(map(os.path.getsize, self.dovecot.connections(self.user)))


class Left(LiveCase):
    """Many messages are known to be on one side only, and to stay there."""

    def read(self):
        """Bytes that the worker has read so far."""
        [worker] = children(self.syncd.proc.pid)
        with open(f"/proc/{worker}/io", encoding="ascii") as f:
            return int(f.readline().split()[1])

    @unittest.skipUnless(os.geteuid() == 0, "a worker shows what it does to root only")
    def test_a_round_without_changes_does_not_look_at_them(self):
        self.begin()
        self.syncd.stop(10)
        with sqlite3.connect(os.path.join(self.syncd.state, "a.db")) as db:
            db.executemany(
                "INSERT INTO message (folder, stage, in_new, ino, size, wire_size, eol, flags, "
                "keywords, modseq, date, since, subject) VALUES (1, 5, 0, 0, 0, 0, 0, 0, 0, 0, "
                "0, 1, ?)", ((bytes(400),) for _ in range(20000)))
        db.close()
        self.run_daemon()
        self.syncd.sync()
        before = self.read()
        for _ in range(5):
            self.syncd.sync()
        self.assertLess(self.read() - before, 1 << 20)


class WithoutWatches(LiveCase):
    """inotify has no watches left: folders are looked at every minute, and
    when the server is asked."""
    account = {"watch": {"poll": "2s"}}

    def setUp(self):
        super().setUp()
        limit_to = "echo {} > /proc/sys/user/max_inotify_watches && exec \"$@\""
        probe = subprocess.run(("unshare", "-Ur", "sh", "-c", limit_to.format(4), "sh",
                                "true"), capture_output=True, check=False)
        if probe.returncode != 0:
            raise unittest.SkipTest("no user namespace to lower the limit in: " +
                                    probe.stderr.decode().strip())
        self.syncd.wrap = ("unshare", "-Ur", "sh", "-c", limit_to.format(4), "sh")

    def test_folders_are_read_instead_and_status_says_so(self):
        self.begin()
        codes = [p["code"] for p in self.report()["problems"]]
        self.assertEqual(codes, ["store.watch-limit"])
        for folder in sorted(self.tree.folders()):
            self.tree.add(folder, local_message("in " + folder), date=OLD)
        self.arrives("files in every folder", lambda: all(
            self.far(f, "in " + f) for f in self.tree.folders()), 10)


if __name__ == "__main__":
    unittest.main()
