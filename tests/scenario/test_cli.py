"""The verbs, as people and programs use them."""
import json
import os
import signal

from case import Case, message, rows
from server import wait_for


def last_error(result):
    """The object on the last line of stderr."""
    return json.loads(result.err.strip().splitlines()[-1])["error"]


START = "systemctl --user start syncd, or in the foreground: syncd run"
WRONG = {
    "unknown_verb": (("stauts",), 64, "usage", "did you mean `syncd status`?"),
    "unknown_option": (("sync", "--dry-runn"), 64, "usage", "did you mean --dry-run?"),
    "option_of_another_verb": (("stop", "--online"), 64, "usage",
                               "syncd help stop"),
    "missing_value": (("log", "--since"), 64, "usage", None),
    "bad_since": (("log", "--since", "yesterday"), 64, "usage", None),
    "too_many_arguments": (("stop", "a"), 64, "usage", "syncd help stop"),
    "unknown_account": (("status", "b"), 66, "target.unknown", "did you mean `a`?"),
    "unknown_account_of_sync": (("sync", "nobody"), 66, "target.unknown",
                                "see what there is: syncd folders"),
    "stop_without_daemon": (("stop",), 75, "daemon.not-running", START),
    "detach_without_daemon": (("sync", "--detach"), 75, "daemon.not-running", START),
}


@rows("mistake", WRONG)
class Cli(Case):
    def json(self, *args, rc=0):
        r = self.syncd.run(*args, "--json")
        self.assertEqual(r.rc, rc, r.err)
        return json.loads(r.out)

    def mistake(self, row):
        args, rc, code, remedy = row
        r = self.syncd.run(*args, "--json")
        self.assertEqual(r.rc, rc, r.err)
        e = last_error(r)
        self.assertEqual((e["code"], e["exit"], e.get("remedy")), (code, rc, remedy))
        plain = self.syncd.run(*args)
        self.assertEqual(plain.rc, rc)
        self.assertIn(f"error[{code}]: ", plain.err)

    def test_help_and_version_need_no_configuration(self):
        os.unlink(self.syncd.conf)
        for args in (("version",), ("--version",), ("help",), ("help", "sync"),
                     ("sync", "--help")):
            r = self.syncd.run(*args)
            self.assertEqual((r.rc, r.err), (0, ""))
            self.assertTrue(r.out)

    def test_talk_with_the_server_is_logged_where_it_is_asked_for(self):
        self.client.append("INBOX", message("one"))
        self.assertNotIn(" C: ", self.syncd.sync().err)
        self.syncd.settings["log"] = {"protocol": ["a"]}
        self.syncd.write()
        err = self.syncd.sync().err
        self.assertRegex(err, r"trace: a work C: \S+ (ENABLE|LIST)")
        self.assertNotIn(self.dovecot.password, err)

    def test_talk_is_logged_after_a_reload(self):
        self.syncd.start()
        wait_for(lambda: self.syncd.status()["running"], 20, "the daemon")
        self.syncd.settings["log"] = {"protocol": ["a"]}
        self.syncd.write()
        self.assertEqual(self.syncd.run("reload").rc, 0)
        wait_for(lambda: " C: " in self.syncd.log(), 20, "the talk in the log")

    def test_a_log_that_is_followed_leaves_nothing_out(self):
        """-n is about what it begins with; a sync may do more in a moment."""
        self.client.append("INBOX", message("one"))
        self.syncd.sync()
        path = os.path.join(self.syncd.dir, "followed")

        def lines():
            with open(path, encoding="utf-8") as f:
                return f.read().count('"op":"download"')
        with open(path, "w", encoding="utf-8") as out:
            proc = self.syncd.popen(("log", "-f", "-n", "1", "--json"), stdout=out)
        self.addCleanup(proc.wait)
        self.addCleanup(proc.terminate)
        self.wait(lambda: lines() == 1, 20, "the first")
        for i in range(20):
            self.client.append("INBOX", message(f"m{i}"))
        self.syncd.sync()
        self.wait(lambda: lines() == 21, 20, "the others")

    def test_what_is_paused_without_a_daemon_is(self):
        self.syncd.sync()
        self.client.append("INBOX", message("later"))
        self.assertEqual(self.syncd.run("pause", "a").rc, 0)
        r = self.syncd.run("run", "--once", "-q")
        self.assertEqual((r.rc, r.out + r.err), (0, ""))
        self.assertIn("paused", self.syncd.run("sync").out)
        r = self.syncd.run("sync", "a")
        self.assertEqual(r.rc, 75)
        self.assertIn("syncd resume a", r.err)
        self.assertEqual(self.tree.messages("INBOX"), [])
        self.assertEqual(self.syncd.run("resume", "a").rc, 0)
        self.syncd.sync()
        self.assertEqual(len(self.tree.messages("INBOX")), 1)

    def test_status_folders_and_log_without_a_daemon(self):
        self.client.append("INBOX", message("one"))
        self.syncd.sync()
        s = self.json("status")
        self.assertFalse(s["running"])
        self.assertEqual(s["accounts"][0]["totals"]["messages"], 1)
        folders = self.json("folders")["folders"]
        self.assertIn("INBOX", [f["remote"] for f in folders])
        log = self.syncd.run("log", "--json", "--message-id", "one@test.example")
        self.assertEqual([json.loads(line)["folder"] for line in log.out.splitlines()],
                         ["INBOX"])
        self.assertIn("one", self.syncd.run("log").out)
        self.assertEqual(self.syncd.run("log", "--message-id", "other@x").out, "")

    def test_check_names_what_is_wrong(self):
        r = self.syncd.run("check")
        self.assertEqual(r.rc, 0, r.out + r.err)
        self.assertEqual(self.syncd.run("check", "--online").rc, 0)
        secret = os.path.join(self.syncd.dir, "secret.a")
        self.syncd.settings["accounts"]["a"]["auth"] = {"password_file": secret}
        self.syncd.write()
        self.assertEqual(self.syncd.run("check").rc, 0)
        os.chmod(secret, 0o644)
        found = self.json("check", rc=77)
        self.assertEqual([p["code"] for p in found["problems"]], ["secret.file-mode"])
        self.syncd.settings["acounts"] = {}
        self.syncd.write()
        found = self.json("check", rc=78)
        self.assertEqual([m["code"] for m in found["mistakes"]], ["config.unknown-key"])

    def test_check_says_why_a_directory_cannot_be_used(self):
        for kind, why in (("file", "Not a directory"),
                          ("loop", "Too many levels of symbolic links")):
            path = os.path.join(self.syncd.dir, kind)
            if kind == "loop":
                os.symlink(path, path)
            else:
                open(path, "x", encoding="utf-8").close()
            self.syncd.settings["accounts"]["a"]["path"] = path
            self.syncd.write()
            found = self.json("check", rc=74)["problems"]
            self.assertEqual([p["code"] for p in found], ["store.permission"])
            self.assertIn(why, found[0]["message"])

    def test_check_online_tells_a_wrong_password(self):
        self.syncd.settings["accounts"]["a"]["auth"] = {"password_command": "echo wrong"}
        self.syncd.write()
        r = self.syncd.run("check", "--online", "--json")
        self.assertEqual(r.rc, 77, r.err)
        self.assertEqual(last_error(r)["code"], "auth.refused")

    def test_dry_run_prints_the_plan_and_changes_nothing(self):
        self.client.append("INBOX", message("planned"))
        r = self.syncd.sync("--dry-run", "a/INBOX")
        self.assertIn("INBOX", r.out)
        self.assertEqual(set(self.tree.snapshot()), set())

    def daemon(self):
        self.syncd.start()
        self.wait(lambda: self.syncd.status().get("running") and
                  self.syncd.status()["accounts"][0]["state"] == "live", 20, "to be live")

    def test_daemon_answers_the_verbs(self):
        self.daemon()
        self.client.append("INBOX", message("asked"))
        job = self.json("sync", "a/INBOX")
        self.assertEqual((job["done"], job["exit"]), (True, 0))
        self.assertTrue(self.json("sync", "--detach")["job"].startswith("j"))
        self.assertEqual(self.syncd.run("run").rc, 75)
        self.assertEqual(self.syncd.run("run", "--once").rc, 75)
        self.assertEqual(self.syncd.run("reload").rc, 0)
        self.assertEqual(self.syncd.run("stop").rc, 0)
        self.assertEqual(self.syncd.proc.wait(5), 0)

    def test_pause_survives_a_restart(self):
        self.assertEqual(self.syncd.run("pause", "a").rc, 0)
        self.syncd.start()
        self.wait(lambda: self.syncd.status().get("running"), 10, "the daemon")
        self.assertEqual(self.syncd.status()["accounts"][0]["state"], "paused")
        self.assertEqual(self.syncd.run("sync", "a").rc, 75)
        self.assertEqual(self.syncd.run("resume", "a").rc, 0)
        self.wait(lambda: self.syncd.status()["accounts"][0]["state"] == "live", 20, "to be live")

    def test_reload_keeps_the_old_configuration_when_the_new_is_bad(self):
        self.daemon()
        self.syncd.settings["bogus"] = 1
        self.syncd.write()
        socket = os.path.join(self.syncd.state, "control.sock")
        r = self.syncd.run("reload", "--socket", socket)
        self.assertEqual(r.rc, 78)
        del self.syncd.settings["bogus"]
        self.syncd.write()
        s = self.syncd.status()
        self.assertEqual(s["config"]["error"]["code"], "config.rejected")
        self.assertEqual(s["accounts"][0]["state"], "live")
        self.assertEqual(self.syncd.run("reload").rc, 0)
        self.assertIsNone(self.syncd.status()["config"]["error"])

    def test_interrupt_ends_in_order(self):
        self.daemon()
        self.assertEqual(self.syncd.stop(how=signal.SIGINT), 0)
        self.assertFalse(os.path.exists(os.path.join(self.syncd.state, "control.sock")))
