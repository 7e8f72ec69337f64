"""The running daemon: changes arrive by themselves, and it stops when told."""
import os
import signal
import time

from case import Case, limit, local_message, message

# Generous bounds: they tell working from not working, not fast from slow.
SOON = 10


class Live(Case):
    account = {"watch": {"poll": "5s"}}

    def setUp(self):
        super().setUp()
        self.client.append("INBOX", message("first"), date=1_600_000_000)
        self.client.append("Archive", message("old"), "S", date=1_600_000_000)
        self.syncd.start()
        self.wait_same(20, "the first sync")

    def holds(self, folder, token, flags=""):
        return any(token.encode() in m.data and set(flags) <= m.flags
                   for m in self.client.fetch_all(folder))

    def test_delivery_to_inbox_appears(self):
        self.client.append("INBOX", message("fresh"))
        self.wait(lambda: self.tree.find("INBOX", "fresh"), SOON, "the message's file")
        self.wait_same(SOON)

    def test_delivery_to_another_folder_appears(self):
        self.client.append("Archive", message("fresh"))
        self.wait(lambda: self.tree.find("Archive", "fresh"), SOON, "the message's file")
        self.wait_same(SOON)

    def test_server_flag_arrives(self):
        self.client.store("INBOX", self.client.find("INBOX", "first"), "+", "F")
        self.wait(lambda: "F" in self.tree.find("INBOX", "first").flags, SOON, "the flag")

    def test_server_expunge_arrives(self):
        self.client.expunge("INBOX", self.client.find("INBOX", "first"))
        self.wait(lambda: not self.tree.messages("INBOX"), SOON, "the file to go")

    def test_new_server_folder_appears(self):
        self.client.create("Later/on")
        self.client.append("Later/on", message("fresh"))
        self.wait(lambda: self.tree.find("Later/on", "fresh"), SOON, "the message's file")

    def test_local_flag_arrives(self):
        self.tree.set_flags("INBOX", "first", "FS")
        self.wait(lambda: self.holds("INBOX", "first", "FS"), SOON, "the flags")

    def test_local_mail_arrives(self):
        self.tree.add("Archive", local_message("mine"), "S")
        self.wait(lambda: self.holds("Archive", "mine", "S"), SOON, "the upload")

    def test_local_move_arrives_once(self):
        self.tree.move("INBOX", "first", "Archive")
        self.wait(lambda: self.holds("Archive", "first"), SOON, "the move")
        self.wait_same(SOON)
        self.assertPlaces("first", "Archive")

    def test_new_local_folder_arrives(self):
        self.tree.create_folder("Mine")
        self.tree.add("Mine", local_message("mine"))
        self.wait(lambda: self.holds("Mine", "mine"), SOON, "the upload")

    def test_a_burst_on_both_sides_settles(self):
        for i in range(40):
            self.client.append("INBOX", message(f"far{i}"))
            self.tree.add("Archive", local_message(f"near{i}"), "S")
        self.wait_same(30)
        self.assertEqual(len(self.tree.messages("Archive")), 41)

    def test_once_settled_it_is_silent(self):
        self.tree.add("Archive", local_message("mine"), "S")
        self.wait(lambda: self.holds("Archive", "mine"), SOON, "the upload")
        self.wait_same(SOON)
        time.sleep(1)
        before = self.tree.snapshot()
        time.sleep(7)    # one poll passes
        self.assertEqual(self.tree.snapshot(), before)

    def test_it_uses_no_time_while_idle(self):
        time.sleep(1)
        before = self.cpu()
        time.sleep(3)
        self.assertLess(self.cpu() - before, 0.2, "CPU seconds in 3 s")

    def cpu(self):
        """CPU seconds of the daemon and its children."""
        ticks = 0
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
                    field = f.read().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if int(pid) == self.syncd.proc.pid or int(field[1]) == self.syncd.proc.pid:
                ticks += int(field[11]) + int(field[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def test_sigterm_ends_it_within_five_seconds(self):
        self.assertEqual(self.syncd.stop(within=5), 0)

    def test_sigint_ends_it_within_five_seconds(self):
        self.assertIn(self.syncd.stop(within=5, how=signal.SIGINT), (0, 130))

    def test_the_stop_verb_ends_it(self):
        self.assertEqual(self.syncd.run("stop").rc, 0)
        self.wait(lambda: not self.syncd.alive(), 5, "the daemon to end")

    def test_nothing_outlives_it(self):
        group = self.workers()
        self.assertTrue(group)
        self.syncd.stop()
        self.assertEqual([p for p in group if os.path.exists(f"/proc/{p}")], [])

    def test_a_killed_worker_is_back_by_itself(self):
        for pid in self.workers():
            os.kill(pid, signal.SIGKILL)
        self.client.append("INBOX", message("after"))
        self.wait(lambda: self.tree.find("INBOX", "after"), 20, "a new worker")
        self.wait_same(SOON)

    def workers(self):
        """The daemon's children."""
        with open(f"/proc/{self.syncd.proc.pid}/task/{self.syncd.proc.pid}/children",
                  encoding="ascii") as f:
            return [int(p) for p in f.read().split()]

    @limit(90)
    def test_a_restarted_server_is_found_again(self):
        self.client.close()
        self.dovecot.stop()
        time.sleep(0.5)
        self.tree.add("Archive", local_message("meanwhile"), "S")
        self.dovecot.start()
        self.client = self.dovecot.client(self.user)
        self.client.append("INBOX", message("after"))
        self.wait(lambda: self.tree.find("INBOX", "after"), 40, "the daemon to reconnect")
        self.wait_same(30)

    def test_changes_made_while_it_was_down_are_carried(self):
        self.syncd.stop()
        self.client.append("INBOX", message("there"))
        self.tree.add("Archive", local_message("here"), "S")
        self.tree.set_flags("INBOX", "first", "S")
        self.syncd.start()
        self.wait(lambda: self.tree.find("INBOX", "there"), 20, "the new message")
        self.wait_same(20)

    def test_status_says_the_account_is_well(self):
        self.assertIn(self.syncd.status()["accounts"][0]["state"],
                      ("live", "polling", "syncing"))

    def test_sync_asks_the_running_daemon(self):
        self.tree.add("Archive", local_message("asked"), "S")
        self.syncd.sync()
        self.wait(lambda: self.holds("Archive", "asked"), SOON, "the upload")

    def test_a_second_daemon_refuses(self):
        self.assertEqual(self.syncd.run("run", timeout=10).rc, 75)
        self.assertTrue(self.syncd.alive())


class LivePolling(Live):
    """The same without any push from the server."""
    server = {"hide": ("NOTIFY", "IDLE"), "rawlog": True}
    account = {"watch": {"poll": "1s"}}

    # Polling once a second costs something.
    test_it_uses_no_time_while_idle = None


class LiveIdle(Live):
    """IDLE for INBOX, polling for the rest."""
    server = {"hide": ("NOTIFY",), "rawlog": True}
    account = {"watch": {"poll": "2s"}}
