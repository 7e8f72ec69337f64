"""What people look at: status, top, events, doctor, completion, generate."""
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import unittest

from case import Case, message
from syncd import BINARY
from terminal import Terminal


class Look(Case):
    def env(self, **more):
        env = {"HOME": self.syncd.dir, "PATH": os.path.dirname(BINARY) + ":" + os.environ["PATH"],
               "LC_ALL": "C.UTF-8", "TERM": "xterm", "SYNCD_CONFIG": self.syncd.conf}
        env.update(more)
        return env

    def live(self):
        self.syncd.start()
        self.wait(lambda: self.syncd.status()["accounts"][0]["state"] == "live", 20, "to be live")

    def lines(self, *args, **more):
        """A verb that goes on, its lines as they come."""
        proc = subprocess.Popen([BINARY, *args], env=self.env(**more), stdout=subprocess.PIPE,
                                stdin=subprocess.DEVNULL, text=True)
        self.addCleanup(proc.stdout.close)
        self.addCleanup(proc.wait)
        self.addCleanup(proc.kill)
        return proc.stdout

    # -- status ----------------------------------------------------------

    def test_one_line_for_a_bar(self):
        self.client.append("INBOX", message("new"))
        self.client.append("INBOX", message("old"), flags="S")
        self.syncd.sync()
        template = "{unseen}/{messages} {accounts} {state} {live} {nothing} {"
        r = self.syncd.run("status", "--format", template)
        self.assertEqual((r.rc, r.out), (0, "1/2 1 stopped 0 {nothing} {\n"))
        bar = json.loads(self.syncd.run("status", "--waybar").out)
        self.assertEqual(sorted(bar), ["alt", "class", "percentage", "text", "tooltip"])
        self.assertEqual((bar["text"], bar["class"], bar["tooltip"]), ("1", "stopped",
                                                                       "a: offline"))

    def test_a_bar_hears_of_changes_only(self):
        bar = self.lines("status", "--format", "{state} {messages}", "--watch")
        self.assertEqual(bar.readline(), "stopped 0\n")
        self.live()
        seen = []
        while not seen or seen[-1] != "ok 0":
            seen.append(bar.readline().strip())
            self.assertLess(len(seen), 20)
        self.client.append("INBOX", message("x"))
        while seen[-1] != "ok 1":
            seen.append(bar.readline().strip())
            self.assertLess(len(seen), 20)
        self.assertTrue(all(a != b for a, b in zip(seen, seen[1:])), seen)

    def test_a_tooltip_is_no_markup_of_a_server(self):
        self.syncd.settings["accounts"]["a"]["auth"] = {
            "password_command": "echo '<b>R&D</b> is locked' >&2; exit 1"}
        self.syncd.write()
        self.syncd.start()
        self.wait(lambda: self.syncd.status()["accounts"][0]["state"] == "auth-required", 20,
                  "to be refused")
        bar = json.loads(self.syncd.run("status", "--waybar").out)
        self.assertIn("&lt;b&gt;R&amp;D&lt;/b&gt; is locked", bar["tooltip"])

    def test_plain_without_utf8_color_and_terminal(self):
        self.syncd.sync()
        for env in ({"LC_ALL": "C"}, {"NO_COLOR": "1"}, {"TERM": "dumb"}):
            r = subprocess.run([BINARY, "status"], env=self.env(**env), capture_output=True,
                               check=False)
            self.assertNotIn(b"\x1b", r.stdout)
            if "LC_ALL" in env:
                self.assertTrue(r.stdout.isascii(), r.stdout)
        r = subprocess.run([BINARY, "status", "--color", "always"], env=self.env(),
                           capture_output=True, check=False)
        self.assertIn(b"\x1b[", r.stdout)

    # -- events ----------------------------------------------------------

    def test_events_are_numbered_and_taken_up_again(self):
        self.live()
        all_events = self.lines("events", "--since", "0")
        first = json.loads(all_events.readline())
        self.assertEqual(set(first) & {"event", "seq", "ts"}, {"event", "seq", "ts"})
        self.syncd.sync()
        r = self.syncd.run("events", "sync.*", "--since", str(first["seq"]), "-n", "1")
        self.assertEqual(r.rc, 0, r.err)
        done = json.loads(r.out)
        self.assertEqual((done["event"], done["account"]), ("sync.done", "a"))
        again = json.loads(self.syncd.run("events", "--since", str(done["seq"] - 1),
                                          "-n", "1").out)
        self.assertEqual(again, done)

    # -- top -------------------------------------------------------------

    def test_top_fits_any_terminal(self):
        self.client.append("INBOX", message("x"))
        self.live()
        for rows_, columns in ((24, 80), (10, 40)):
            t = Terminal([BINARY, "top"], self.env(), rows_, columns)
            t.wait("syncd ")
            t.wait("live")
            t.press("?")
            t.wait("syncd")
            t.press("?s")
            t.read(1.2)
            self.assertTrue(t.alternate)
            t.resize(12, 50)
            t.read(1.2)
            t.wait("live")
            t.press("q")
            self.assertEqual(t.end(), 0)
            self.assertFalse(t.alternate)

    def test_top_outlives_the_daemon_and_steers_it(self):
        t = Terminal([BINARY, "top"], self.env(LC_ALL="C", NO_COLOR="1"))
        t.wait("not running")
        self.live()
        t.wait("live")
        self.assertTrue(t.text().isascii())
        t.press("p")
        t.wait("paused")
        t.press("p")
        t.wait("live")
        self.syncd.stop()
        t.wait("not running")
        t.press("\x03")
        self.assertEqual(t.end(), 0)

    def test_top_needs_a_terminal(self):
        r = self.syncd.run("top")
        self.assertEqual(r.rc, 64)
        self.assertIn("syncd status --watch", r.err)

    # -- doctor ----------------------------------------------------------

    def test_doctor_tells_no_names(self):
        conf = self.syncd.settings["accounts"]["a"]
        conf["email"] = "ann.private@secret-corp.example"
        conf["auth"] = {"password_command": "echo wrong"}
        self.syncd.write()
        self.syncd.start()
        self.wait(lambda: self.syncd.status()["accounts"][0]["state"] == "auth-required", 20,
                  "to be refused")
        r = self.syncd.run("doctor")
        self.assertEqual(r.rc, 1, r.err)
        for word in ("ann.private", "secret-corp", self.syncd.dir, "127.0.0.1", "echo"):
            self.assertNotIn(word, r.out)
        for word in ("auth.refused", "account1: auth-required", "inotify watches"):
            self.assertIn(word, r.out)
        self.assertIn(self.syncd.dir, self.syncd.run("doctor", "--full-names").out)

    # -- for other programs ----------------------------------------------

    def test_generate_from_the_live_folders(self):
        self.syncd.sync()
        root = self.syncd.settings["accounts"]["a"]["path"]
        want = {"neomutt": [f'set folder = "{root}"', 'set trash = "+Trash"',
                            f'named-mailboxes "a/Archive" "{root}/Archive"',
                            f'folder-hook "{root}/" "set record=\\"{root}/Sent\\""'],
                "aerc": [f"source = maildir://{root}", "check-mail-cmd = syncd sync a"],
                "notmuch": ["synchronize_flags=true", "folder:a/INBOX", "retry_on"],
                "mu": ['mu4e-trash-folder "/a/Trash"'], "dovecot": [f"maildir:{root}:LAYOUT=fs"],
                "systemd": [f"ReadWritePaths=-{root}"], "waybar": ["status --waybar --watch"]}
        for program, words in want.items():
            r = self.syncd.run("generate", program)
            self.assertEqual(r.rc, 0, r.err)
            for word in words:
                self.assertIn(word, r.out)
        self.assertEqual(self.syncd.run("generate", "pine").rc, 64)
        self.assertEqual(self.syncd.run("generate", "aerc", "b").rc, 66)

    def test_generate_is_safe_from_what_a_server_calls_its_folders(self):
        for name in ("All Mail", "it's; touch pwned", "$(touch pwned) \"x\""):
            self.client.create(name)
        self.syncd.sync()
        # As the hook of notmuch would run it, with a notmuch that says what it was told.
        lines = self.syncd.run("generate", "notmuch").out.split("post-new:\n")[1]
        r = subprocess.run(["sh", "-c", 'notmuch() { printf "%s\\n" "$*"; }\n' + lines],
                           cwd=self.syncd.dir, capture_output=True, text=True, check=False)
        self.assertEqual((r.returncode, r.stderr), (0, ""))
        self.assertFalse(os.path.exists(os.path.join(self.syncd.dir, "pwned")))
        for term in ('a/Archive', '"a/All Mail"', '"a/it\'s; touch pwned"',
                     '"a/$(touch pwned) ""x"""'):
            self.assertIn(f"tag +folder -- tag:new and folder:{term}\n", r.stdout)

    def complete(self, line):
        """What bash offers for the last word of ${line}."""
        script = ('. <(syncd completion bash); COMP_WORDS=(' + line + '); '
                  'COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _syncd; printf "%s\\n" "${COMPREPLY[@]}"')
        r = subprocess.run(["bash", "-c", script], env=self.env(), capture_output=True, text=True,
                           check=False)
        self.assertEqual((r.returncode, r.stderr), (0, ""))
        return r.stdout.split()

    def test_bash_completes_verbs_options_and_folders(self):
        self.syncd.sync()
        self.assertIn("status", self.complete("syncd st"))
        self.assertNotIn("__complete", self.complete("syncd ''"))
        self.assertEqual(self.complete("syncd sync --dr"), ["--dry-run"])
        self.assertIn("a/Archive", self.complete("syncd sync a/"))
        self.assertEqual(self.complete("syncd pause ''"), ["a"])
        self.assertEqual(self.complete("syncd explain auth.ref"), ["auth.refused"])
        self.assertIn("schema", self.complete("syncd config s"))

    @unittest.skipUnless(shutil.which("fish"), "fish is not installed")
    def test_fish_completes_verbs_options_and_folders(self):
        self.syncd.sync()
        for line, want in {"syncd sta": "status", "syncd sync --dr": "--dry-run",
                           "syncd sync a/Arch": "a/Archive", "syncd pause ": "a",
                           "syncd explain auth.ref": "auth.refused",
                           "syncd config sch": "schema"}.items():
            r = subprocess.run(["fish", "-c", "syncd completion fish | source; complete -C '"
                                + line + "'"], env=self.env(), capture_output=True, text=True,
                               check=False)
            self.assertEqual((r.returncode, r.stderr), (0, ""))
            self.assertIn(want, [x.split("\t")[0] for x in r.stdout.splitlines()], line)

    def zsh(self, line):
        """What the line becomes when Tab is pressed at its end."""
        env = self.env()
        with open(os.path.join(env["HOME"], ".zshrc"), "w", encoding="ascii") as f:
            f.write("PS1='> '\nautoload -Uz compinit; compinit -u -d $HOME/.zcompdump\n"
                    ". <(syncd completion zsh)\nunsetopt beep\n"
                    # What would be run is shown instead.
                    "accept-line() { print -r; print -r -- \"line<$BUFFER>\"; exit }\n"
                    "zle -N accept-line\n")
        pid, fd = pty.fork()
        if pid == 0:
            os.execvpe("zsh", ["zsh", "-i"], dict(env, TERM="dumb"))
        out, typed = "", False
        while select.select([fd], [], [], 20)[0]:
            try:
                data = os.read(fd, 65536)
            except OSError:
                break
            if not data:
                break
            out = re.sub(r"\x1b\[[?\d;]*[a-zA-Z]", "", out + data.decode(errors="replace"))
            if out.rstrip().endswith(">") and not typed:
                os.write(fd, line.encode() + b"\t\r")
                typed = True
        os.kill(pid, signal.SIGKILL)    # it has ended, or never will
        os.waitpid(pid, 0)
        os.close(fd)
        found = re.search(r"line<(.*)>", out)
        self.assertIsNotNone(found, out)
        return found[1].rstrip()

    @unittest.skipUnless(shutil.which("zsh"), "zsh is not installed")
    def test_zsh_completes_verbs_options_and_folders(self):
        self.syncd.sync()
        for line, want in {"syncd stat": "syncd status", "syncd sync --dr": "syncd sync --dry-run",
                           "syncd sync a/Arch": "syncd sync a/Archive",
                           "syncd explain auth.ref": "syncd explain auth.refused"}.items():
            self.assertEqual(self.zsh(line), want)
