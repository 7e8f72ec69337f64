"""`notify`: a person is told of what waits for a person, once, and again after a while."""
import email
import email.policy
import os
import signal
import time

from case import Case, limit

FAKE = """#!/bin/sh
# A program that keeps what it was given: one file for each call, there in one piece.
n=$(ls {dir}/{name}.* 2>/dev/null | wc -l)
{{ printf '%s\\0' "$@"; printf '\\0'; cat; }} >{dir}/new.{name}
mv {dir}/new.{name} {dir}/{name}.$((n + 1))
{more}
"""


class Notify(Case):
    server = {"rawlog": False}
    n_users = 20

    def setUp(self):
        super().setUp()
        self.bin = os.path.join(self.syncd.dir, "bin")
        self.calls = os.path.join(self.syncd.dir, "calls")
        for d in (self.bin, self.calls):
            os.mkdir(d)
        self.syncd.env.update(PATH=self.bin + ":/usr/bin:/bin", DBUS_SESSION_BUS_ADDRESS="unix:x")
        for name in ("notify-send", "sendmail"):
            self.program(name)
        self.secret = os.path.join(self.syncd.dir, "secret.a")
        with open(self.secret, encoding="utf-8") as f:
            self.right = f.read()

    def program(self, name, more=""):
        path = os.path.join(self.bin, name)
        with open(path + ".new", "w", encoding="utf-8") as f:
            f.write(FAKE.format(dir=self.calls, name=name, more=more))
        os.chmod(path + ".new", 0o755)
        os.rename(path + ".new", path)

    def told(self, name):
        """(arguments, stdin) of each call so far."""
        out = []
        for n in range(1, 1000):
            try:
                with open(f"{self.calls}/{name}.{n}", "rb") as f:
                    argv, _, stdin = f.read().partition(b"\0\0")
            except FileNotFoundError:
                return out
            out.append((argv.decode().split("\0"), stdin))
        raise AssertionError("it does not end")

    def bubbles(self):
        return [argv[-2:] for argv, _ in self.told("notify-send")]

    def mails(self):
        return [email.message_from_bytes(stdin, policy=email.policy.default)
                for _, stdin in self.told("sendmail")]

    def notify(self, **keys):
        self.syncd.settings["notify"] = keys
        self.syncd.write()

    def password(self, text):
        with open(self.secret, "w", encoding="utf-8") as f:
            f.write(text)

    def problem(self):
        """Of the account, as `status` has it."""
        return self.syncd.status()["accounts"][0]["problems"][0]

    def state(self):
        return self.syncd.status()["accounts"][0]["state"]

    def refused(self):
        self.syncd.start()
        self.wait(lambda: self.state() == "auth-required", 20, "the refusal")

    def fence(self, name="notify-send"):
        """Something else to tell of: whatever came before it is told by then."""
        with open(self.syncd.conf, encoding="utf-8") as f:
            good = f.read()
        with open(self.syncd.conf, "w", encoding="utf-8") as f:
            f.write("{")
        self.syncd.proc.send_signal(signal.SIGHUP)
        self.wait(lambda: "is refused, the old one stays" in self.syncd.log(), 20, "the reload")
        with open(self.syncd.conf, "w", encoding="utf-8") as f:
            f.write(good)
        self.wait(lambda: any(b"configuration has mistakes" in s or
                              "the configuration has mistakes" in argv[-1]
                              for argv, s in self.told(name)), 30, "the fence")


class Desktop(Notify):
    def test_once_and_not_again_after_a_restart(self):
        self.password("wrong\n")
        self.refused()
        self.wait(self.bubbles, 20, "the bubble")
        title, body = self.bubbles()[0]
        said = self.problem()
        self.assertEqual(title, "syncd: a")
        self.assertEqual(body, f"{said['message']}\n{said['remedy']}")
        self.assertEqual(self.told("notify-send")[0][0][:5],
                         ["-a", "syncd", "-u", "critical", "--"])
        self.syncd.stop()
        self.refused()
        self.syncd.run("resume", "a")
        self.wait(lambda: self.state() == "auth-required", 20, "the next refusal")
        self.fence()
        self.assertEqual([t for t, _ in self.bubbles()], ["syncd: a", "syncd: the configuration"])

    def test_what_is_over_and_comes_again_is_another_problem(self):
        self.password("wrong\n")
        self.refused()
        self.wait(self.bubbles, 20, "the bubble")
        self.password(self.right)
        self.syncd.run("resume", "a")
        self.wait(lambda: self.state() == "live", 20, "the account to go on")
        self.syncd.stop()
        self.password("wrong\n")
        self.refused()
        self.wait(lambda: len(self.bubbles()) == 2, 20, "the second bubble")

    def test_a_lost_network_is_nobodys_affair(self):
        self.syncd.settings["accounts"]["a"]["port"] = 1
        self.syncd.write()
        self.syncd.start()
        self.wait(lambda: self.problem()["code"] == "net.refused", 20, "the failure")
        self.fence()
        self.assertEqual([t for t, _ in self.bubbles()], ["syncd: the configuration"])

    def test_a_disk_that_fails(self):
        self.syncd.start()
        self.wait(lambda: self.state() == "live", 20, "the account to be live")
        self.syncd.stop()
        os.unlink(os.path.join(self.tree.root, ".syncd-store"))
        self.syncd.start()
        self.wait(self.bubbles, 20, "the bubble")
        self.assertIn("the marker .syncd-store is gone", self.bubbles()[0][1])
        self.fence()
        self.assertEqual([t for t, _ in self.bubbles()], ["syncd: a", "syncd: the configuration"])

    def test_a_script_that_fails(self):
        script = os.path.join(self.syncd.dir, "broken.lua")
        with open(script, "w", encoding="ascii") as f:
            f.write("this is no Lua\n")
        self.syncd.settings["plugins"] = [{"script": script}]
        self.syncd.write()
        self.syncd.start()
        self.wait(self.bubbles, 20, "the bubble")
        self.syncd.stop()
        self.syncd.start()
        self.wait(lambda: "disabled" in self.syncd.run("status").out, 20, "the script to fail")
        self.fence()
        title, body = self.bubbles()[0]
        self.assertEqual(title, "syncd: a")
        self.assertRegex(body, r"^script broken is disabled: .*broken\.lua:1: .*\n"
                               r"mend .*: syncd plugin resume broken$")
        self.assertEqual(len(self.bubbles()), 2)    # with the fence

    def test_off(self):
        self.notify(desktop="off", mail_to="root")
        self.password("wrong\n")
        self.refused()
        self.wait(self.mails, 20, "the mail")
        self.assertEqual(self.bubbles(), [])

    def test_without_a_desktop(self):
        del self.syncd.env["DBUS_SESSION_BUS_ADDRESS"]
        self.notify(mail_to="root")
        self.password("wrong\n")
        self.refused()
        self.wait(self.mails, 20, "the mail")
        self.assertEqual(self.bubbles(), [])

    def test_no_success_for_long(self):
        """It is told when it is so, not when something else happens."""
        self.syncd.settings["accounts"]["a"].update(
            port=1, schedule={"when": "every 6h", "jitter": "0s", "alert_after": "2s"})
        self.syncd.write()
        self.syncd.start()
        self.wait(self.bubbles, 30, "the bubble")
        self.assertIn("no full success", self.bubbles()[0][1])


class Mail(Notify):
    def setUp(self):
        super().setUp()
        del self.syncd.env["DBUS_SESSION_BUS_ADDRESS"]

    def test_what_it_says(self):
        self.notify(mail_to="root")
        self.password("wrong\n")
        self.refused()
        self.wait(self.mails, 20, "the mail")
        argv, _ = self.told("sendmail")[0]
        self.assertEqual(argv, ["-i", "--", "root"])
        m, said = self.mails()[0], self.problem()
        self.assertEqual(m.defects, [])
        self.assertEqual((m["To"], m["Subject"], m["Auto-Submitted"]),
                         ("root", "syncd: a needs you", "auto-generated"))
        self.assertEqual(m["From"].addresses[0].display_name, "syncd")
        self.assertRegex(m["Message-ID"], r"^<syncd\.\d+\.\d+@\S+>$")
        self.assertLess(abs(time.time() - m["Date"].datetime.timestamp()), 60)
        body = m.get_content()
        self.assertIn(f"a: {said['message']} [auth.refused]\n  = help: {said['remedy']}\n", body)

    def test_several_are_one_mail(self):
        self.syncd.add_account("b", self.dovecot, next(self.free_users))
        for name in "ab":
            with open(f"{self.syncd.dir}/secret.{name}", "w", encoding="utf-8") as f:
                f.write("wrong\n")
        self.notify(mail_to="root", repeat="1h")
        self.syncd.start()
        self.wait(lambda: {"a: ", "b: "} <= {line[:3] for m in self.mails()
                                            for line in m.get_content().splitlines()}, 20, "both")
        ids = [m["Message-ID"] for m in self.mails()]
        self.assertEqual(len(set(ids)), len(ids))

    def test_again_after_a_while(self):
        self.notify(mail_to="root", repeat="4s")
        self.password("wrong\n")
        self.refused()
        self.wait(lambda: len(self.mails()) >= 2, 30, "the second mail")
        first, second = self.mails()[:2]
        self.assertNotEqual(first["Message-ID"], second["Message-ID"])
        self.assertIn("[auth.refused]", second.get_content())

    def test_not_again_before(self):
        self.notify(mail_to="root", repeat="1h")
        self.password("wrong\n")
        self.refused()
        self.wait(self.mails, 20, "the mail")
        self.syncd.stop()
        self.refused()
        self.fence("sendmail")
        self.assertEqual(sum("auth.refused" in m.get_content() for m in self.mails()), 1)

    @limit(90)
    def test_sent_again_when_it_could_not_be(self):
        self.program("sendmail", f"[ -e {self.calls}/sendmail.2 ] || exit 75")
        self.notify(mail_to="root")
        self.password("wrong\n")
        self.refused()
        self.wait(lambda: len(self.mails()) == 2, 30, "the second try")
        self.assertEqual(*(m.get_content() for m in self.mails()))

    def test_an_address_is_no_option(self):
        self.notify(mail_to="-bd")
        self.password("wrong\n")
        self.refused()
        self.wait(self.mails, 20, "the mail")
        self.assertEqual(self.told("sendmail")[0][0], ["-i", "--", "-bd"])
