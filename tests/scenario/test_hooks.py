"""Commands on events: coalesced, safe from what senders write, tried again, ended."""
import json
import os
import time

from case import Case, message


class Hooks(Case):
    def hook(self, **hook):
        self.syncd.settings.setdefault("hooks", []).append({"debounce": "300ms", **hook})
        self.syncd.write()

    def live(self):
        self.syncd.start()
        self.wait(lambda: self.syncd.status()["accounts"][0]["state"] == "live", 20, "to be live")

    def script(self, text):
        """A file for sh: a `$` in a list is a variable of ours."""
        with open(self.path("script"), "w", encoding="utf-8") as f:
            f.write(text)
        return self.path("script")

    def path(self, name):
        return os.path.join(self.syncd.dir, name)

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as f:
            return f.read()

    def test_a_burst_is_one_run_with_everything_on_stdin(self):
        self.hook(events=["mail.*"], run="cat >>seen; echo \"run $SYNCD_EVENT;$SYNCD_ACCOUNTS;"
                  "$SYNCD_FOLDERS;$SYNCD_NEW\" >>runs", debounce="1s")
        self.live()
        for i in range(5):
            self.client.append("INBOX", message(f"m{i}"))
        self.wait(lambda: self.read("runs").endswith("\n"), 15, "the hook")
        self.wait(lambda: self.read("seen").count('"mail.new"') == 5, 15, "all messages")
        runs = self.read("runs").splitlines()
        self.assertLess(len(runs), 5, runs)
        self.assertIn(";a;INBOX;", runs[0])
        events = [json.loads(line) for line in self.read("seen").splitlines()]
        new = [e for e in events if e["event"] == "mail.new"]
        self.assertEqual({e["subject"] for e in new}, {f"m{i}" for i in range(5)})
        for e in new:
            self.assertEqual((e["account"], e["folder"], e["from"]),
                             ("a", "INBOX", "Ann <ann@test.example>"))
            self.assertTrue(os.path.isfile(e["path"]), e)

    def test_the_folders_of_a_change(self):
        """Also of the one event that has a list of them."""
        self.hook(events=["mail.changed"], run="echo \"$SYNCD_FOLDERS\" >>folders")
        self.live()
        self.client.append("INBOX", message("x"))
        self.wait(lambda: os.path.exists(self.path("folders")) and
                  self.read("folders").endswith("\n"), 15, "the hook")
        self.assertEqual(self.read("folders"), "INBOX\n")

    def test_a_sender_cannot_reach_the_shell_or_give_options(self):
        self.hook(events=["mail.new"], match={"folder": "INBOX"},
                  run=["sh", self.script('printf "%s\\n" "$#" "$@" >>args'), "{subject}", "end"])
        self.live()
        self.client.append("Archive", message("elsewhere"))
        evil = "--version; touch pwned $(touch pwned) `touch pwned` ' \" {account}"
        self.client.append("INBOX", message("x").replace(b"Subject: x", b"Subject: " +
                                                         evil.encode()))
        self.wait(lambda: self.read("args").endswith("end\n"), 15, "the hook")
        self.assertEqual(self.read("args").splitlines(), ["2", " " + evil, "end"])
        self.assertFalse(os.path.exists(self.path("pwned")))

    def test_a_sender_cannot_keep_a_hook_from_running(self):
        """However large what it wrote becomes in JSON, the event itself comes."""
        self.hook(events=["mail.changed"], run="cat >>seen")
        bad = b"\x01" * 190
        for i in range(30):
            self.client.append("Archive", b"From: " + bad + b" <a@x.example>\r\nSubject: " + bad +
                               b"\r\nMessage-ID: <" + bad + b"%d@x>\r\n\r\nx\r\n" % i)
        self.live()
        self.wait(lambda: os.path.exists(self.path("seen")) and self.read("seen").endswith("\n"),
                  15, "the hook")
        event = json.loads(self.read("seen").splitlines()[0])
        self.assertEqual((event["new"], event["folders"]), (30, ["Archive"]))

    def test_a_long_subject_is_cut_between_letters(self):
        """It is text for those who see it, whatever the script."""
        self.hook(events=["mail.new"], run="cat >>seen")
        self.live()
        self.client.append("INBOX", message("x").replace(
            b"Subject: x", "Subject: a".encode() + "\u3042".encode() * 100))
        self.wait(lambda: os.path.exists(self.path("seen")) and self.read("seen").endswith("\n"),
                  15, "the hook")
        self.assertEqual(json.loads(self.read("seen"))["subject"], "a" + "\u3042" * 66)

    def test_tried_again_when_it_asks_for_that(self):
        self.hook(events=["mail.changed"], retry_on=[75],
                  run="echo x >>tries; [ $(wc -l <tries) -ge 3 ] && touch done || exit 75")
        self.live()
        self.client.append("INBOX", message("x"))
        self.wait(lambda: os.path.exists(self.path("done")), 20, "the third try")
        self.assertEqual(self.read("tries"), "x\n" * 3)

    def test_one_that_hangs_is_ended_and_holds_nobody_up(self):
        self.hook(events=["mail.new"], timeout="1s", run="echo $$ >pid; sleep 1000")
        self.hook(events=["mail.new"], run="touch other")
        self.live()
        self.client.append("INBOX", message("x"))
        self.wait(lambda: os.path.exists(self.path("other")), 15, "the other hook")
        self.wait(lambda: "took too long" in self.syncd.log(), 15, "the end of it")
        pid = int(self.read("pid"))
        self.wait(lambda: not os.path.exists(f"/proc/{pid}"), 10, "its process to be gone")
        self.client.append("INBOX", message("y"))
        self.wait(lambda: self.tree.find("INBOX", "y"), 10, "mail to go on")

    def test_a_rate_is_kept(self):
        self.hook(events=["mail.new"], run=["sh", "-c", 'echo "$$1" >>said', "sh", "{subject}"],
                  rate="2/1h")
        self.live()
        for i in range(4):
            self.client.append("INBOX", message(f"m{i}"))
        self.wait(lambda: self.read("said").count("\n") == 2, 15, "two runs")
        time.sleep(1)
        self.assertEqual(self.read("said").count("\n"), 2)

    def test_a_problem_that_needs_somebody(self):
        self.hook(events=["problem.opened"], match={"needs_user": True},
                  run=["sh", self.script('echo "$1: $2" >told'), "{account}", "{problem}"])
        self.syncd.settings["accounts"]["a"]["auth"] = {"password_command": "echo wrong"}
        self.syncd.write()
        self.syncd.start()
        self.wait(lambda: self.read("told").endswith("\n"), 20, "to be told")
        self.assertTrue(self.read("told").startswith("a: "), self.read("told"))

    def test_mistakes_in_hooks_are_shown(self):
        for hook, code in (({"run": "true"}, "config.missing-key"),
                           ({"events": ["mail.new"]}, "config.missing-key"),
                           ({"events": ["x"], "run": "true", "rate": "often"},
                            "config.bad-value"),
                           ({"events": ["x"], "run": ["sh", "-c", "echo {subject}"]},
                            "config.bad-value"),
                           ({"events": ["x"], "run": ["/bin/bash", "-e", "-lc", "a '{from}'"]},
                            "config.bad-value"),
                           ({"events": ["x"], "run": "true", "evnts": []},
                            "config.unknown-key")):
            self.syncd.settings["hooks"] = [hook]
            self.syncd.write()
            r = self.syncd.run("check")
            self.assertEqual(r.rc, 78, r.err)
            self.assertIn(f"error[{code}]", r.err)
