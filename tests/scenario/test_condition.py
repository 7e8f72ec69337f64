"""`schedule.only_if`: an account for which it is not so does nothing at all, says what
it waits for, and goes on when it is so.
"""
import json
import os
import shutil
import stat
import subprocess
import unittest

from case import Case, message
from network import Network, possible, SERVER
from server import wait_for

NMCLI = """#!/bin/sh
# nmcli(1), as far as it is asked; a line in `asked` for each question.
[ "$*" = "-g GENERAL.METERED dev show" ] || exit 2
echo asked >>{dir}/asked
cat {dir}/metered
"""


class Condition(Case):
    server = {"rawlog": True, "tls": {"names": ("DNS:localhost", "IP:127.0.0.1", f"IP:{SERVER}")}}
    n_users = 20
    only_if = ["unmetered"]

    def setUp(self):
        super().setUp()
        self.bin = os.path.join(self.syncd.dir, "bin")
        os.mkdir(self.bin)
        self.syncd.env["PATH"] = self.bin + ":/usr/bin:/bin"
        self.conf = self.syncd.settings["accounts"]["a"]
        self.conf["schedule"] = {"only_if": self.only_if}
        self.program("nmcli", NMCLI.format(dir=self.syncd.dir))
        self.metered("no")
        self.client.append("INBOX", message("hello"))

    def program(self, name, text):
        path = os.path.join(self.bin, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path, stat.S_IRWXU | stat.S_IRGRP | stat.S_IXGRP | stat.S_IROTH | stat.S_IXOTH)
        return path

    def metered(self, *answers):
        """What NetworkManager says of each device; there in one piece."""
        new = self.syncd.dir + "/metered.new"
        with open(new, "w", encoding="ascii") as f:
            f.write("\n\n".join(answers + ("unknown",)) + "\n")
        os.rename(new, self.syncd.dir + "/metered")

    def asked(self):
        try:
            with open(self.syncd.dir + "/asked", encoding="ascii") as f:
                return len(f.readlines())
        except FileNotFoundError:
            return 0

    def state(self):
        return self.syncd.status()["accounts"][0]["state"]

    def start(self):
        self.syncd.write()
        self.syncd.start()
        wait_for(lambda: self.syncd.run("status", "--json").rc in (0, 1), 20, "the daemon")

    def waits(self, what="an unmetered network"):
        """Nothing goes on, and `status` says why."""
        self.wait(lambda: self.state() == "waiting", 20, "the account to wait")
        a = self.syncd.status()["accounts"][0]
        self.assertEqual((a["waiting_for"], a["connections"]), (what, 0))
        self.assertIn(f"waiting for {what}", self.syncd.run("status").out)

    def live(self):
        self.wait(lambda: self.state() in ("live", "polling"), 20, "the account to go on")

    def connections(self):
        return len(self.dovecot.connections(self.user))

    def here(self, token):
        return any(token.encode() in m.data for m in self.tree.messages("INBOX"))


class Unmetered(Condition):
    def test_it_is_so(self):
        self.metered("no (guessed)", "no")
        self.start()
        self.live()
        self.wait_same(20)

    def test_a_metered_network_is_not_used(self):
        self.metered("no", "yes (guessed)")
        self.start()
        self.waits()
        self.assertEqual(self.connections(), 0)
        self.assertEqual(os.listdir(os.path.join(self.syncd.dir, "mail")), [])
        # Somebody says that it may be so now.
        self.metered("no")
        self.syncd.run("resume", "a")
        self.live()
        self.wait_same(20)

    def test_it_stops_being_so(self):
        self.start()
        self.live()
        self.metered("yes")
        self.syncd.run("resume", "a")
        self.waits()
        before = self.connections()
        self.client.append("INBOX", message("later"))
        # Also asked again: it is not so.
        asked = self.asked()
        self.syncd.run("resume", "a")
        self.wait(lambda: self.asked() > asked, 20, "the next question")
        self.waits()
        self.assertEqual(self.connections(), before)
        self.assertFalse(self.here("later"))

    def test_who_asks_for_a_sync_gets_one(self):
        self.metered("yes")
        self.start()
        self.waits()
        self.syncd.sync("a")
        self.assertTrue(self.here("hello"))
        self.waits()

    def test_others_go_on(self):
        self.metered("yes")
        tree = self.syncd.add_account("b", self.dovecot, next(self.free_users))
        self.start()
        self.waits()
        self.wait(lambda: os.path.isdir(os.path.join(tree.root, "INBOX")), 20, "the other account")
        self.waits()

    def test_an_event_tells_of_it(self):
        self.metered("yes")
        self.start()
        self.waits()
        with open(self.syncd.state + "/events.jsonl", encoding="utf-8") as f:
            told = [json.loads(line) for line in f]
        self.assertIn("waiting", [e["state"] for e in told if e.get("event") == "account.state"])

    def test_a_turn_waits(self):
        self.conf["schedule"].update(when="every 1h", jitter="0s")
        self.metered("yes")
        self.start()
        self.waits()
        self.assertEqual(self.connections(), 0)
        self.metered("no")
        self.syncd.run("resume", "a")
        self.wait(lambda: self.here("hello"), 20, "the turn")
        self.wait(lambda: self.state() == "scheduled", 20, "its end")
        # Nobody is asked while no turn is due.
        asked = self.asked()
        self.syncd.run("resume", "a")
        self.syncd.run("status")
        self.assertEqual(self.asked(), asked)

    def test_a_round_by_hand_asks_nobody(self):
        self.metered("yes")
        self.syncd.write()
        self.syncd.sync()
        self.assertTrue(self.here("hello"))
        self.assertEqual(self.asked(), 0)

    def test_a_command_of_ones_own(self):
        self.metered("no")
        flag = os.path.join(self.syncd.dir, "home")
        self.conf["schedule"]["condition_command"] = ["test", "-e", flag]
        self.start()
        self.waits()
        with open(flag, "w", encoding="ascii"):
            pass
        self.syncd.run("resume", "a")
        self.live()
        self.assertEqual(self.asked(), 0)

    def test_nobody_can_tell(self):
        os.unlink(self.bin + "/nmcli")
        self.start()
        self.live()
        r = self.syncd.run("check")
        if shutil.which("nmcli", path="/usr/bin:/bin") is None:
            self.assertEqual(r.rc, 1)
            self.assertIn("config.no-nmcli", r.out)

    def test_network_manager_does_not_run(self):
        self.program("nmcli", "#!/bin/sh\necho yes; exit 8\n")
        self.start()
        self.live()
        self.assertNotIn("no-nmcli", self.syncd.run("check").out)

    @unittest.skipUnless(possible(), "root only")
    def test_the_network_changes(self):
        """Asked again at once, by nobody."""
        network = Network()
        self.addCleanup(network.stop)
        network.relay(self.dovecot.tls_port)
        self.conf["host"] = SERVER
        self.syncd.wrap = network.wrap()
        self.metered("yes")
        self.start()
        self.waits()
        network.down()
        self.metered("no")
        network.up()
        self.live()
        network.down()
        self.metered("yes")
        network.up()
        self.waits()


def own_sys():
    """May we put a directory in place of /sys, for one program?"""
    return os.geteuid() == 0 and subprocess.run(
        ("unshare", "-m", "mount", "--bind", "/tmp", "/sys"), capture_output=True,
        check=False).returncode == 0


@unittest.skipUnless(own_sys(), "root only")
class OnAc(Condition):
    only_if = ["on-ac", "unmetered"]

    def setUp(self):
        super().setUp()
        self.sys = os.path.join(self.syncd.dir, "sys")
        for name, kind in (("AC", "Mains"), ("BAT0", "Battery")):
            self.supply(name, "type", kind)
        self.supply("AC", "online", "0")
        self.syncd.wrap = ("unshare", "-m", "sh", "-c",
                           f'mount --bind {self.sys} /sys; exec "$@"', "sh")

    def supply(self, name, file, text):
        at = os.path.join(self.sys, "class/power_supply", name)
        os.makedirs(at, exist_ok=True)
        with open(os.path.join(at, file), "w", encoding="ascii") as f:
            f.write(text + "\n")

    def test_on_battery(self):
        self.start()
        self.waits("AC power")
        self.assertEqual((self.connections(), self.asked()), (0, 0))
        self.supply("AC", "online", "1")
        self.syncd.run("resume", "a")
        self.live()
        self.wait_same(20)

    def test_both_must_be_so(self):
        self.supply("AC", "online", "1")
        self.metered("yes")
        self.start()
        self.waits()
        self.supply("AC", "online", "0")
        self.syncd.run("resume", "a")
        self.wait(lambda: self.syncd.status()["accounts"][0].get("waiting_for") == "AC power", 20,
                  "the power to be missed")
