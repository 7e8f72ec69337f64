"""Units that systemd accepts, and a daemon that tells it how it is."""
import os
import re
import shutil
import socket
import subprocess
import time
import unittest

from case import Case
from syncd import BINARY, ROOT, children

UNITS = os.path.join(ROOT, "systemd")


def environ(pid):
    """What it was started with; nothing as long as it is being started."""
    with open(f"/proc/{pid}/environ", "rb") as f:
        return f.read()


@unittest.skipUnless(shutil.which("systemd-analyze"), "no systemd-analyze")
class Units(Case):
    server = None

    def setUp(self):
        from server import scratch
        self.dir = scratch("units.")

    def unit(self, name, *drop_ins):
        """The unit with our binary, and drop-ins at its end."""
        text = ""
        for part in (name,) + drop_ins:
            with open(os.path.join(UNITS, part), encoding="utf-8") as f:
                text += f.read() + "\n"
        path = os.path.join(self.dir, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text.replace("/usr/bin/syncd", BINARY))
        return path

    def analyze(self, *args):
        r = subprocess.run(["systemd-analyze", *args], capture_output=True, text=True,
                           env={**os.environ, "XDG_RUNTIME_DIR": self.dir}, check=False)
        return r.returncode, r.stdout + r.stderr

    def test_units_are_accepted(self):
        for scope, name, drop_ins in (("--user", "syncd.service", ()),
                                      ("--user", "syncd.service", ("10-sandbox.conf",)),
                                      ("--system", "syncd@.service", ())):
            code, said = self.analyze("verify", scope, "--man=no",
                                      self.unit(name, *drop_ins))
            self.assertEqual((code, said), (0, ""), name)

    def test_the_units_of_the_backup_chapter(self):
        with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as f:
            chapter = f.read().split("## A backup\n")[1].split("\n## ")[0]
        units = re.findall(r"^    \[Unit\]\n(?:    .*\n|\n(?=    ))+", chapter, re.M)
        self.assertEqual(len(units), 2, units)
        paths = []
        for name, unit in zip(("mail-backup.service", "mail-backup.timer"), units):
            paths.append(os.path.join(self.dir, name))
            with open(paths[-1], "w", encoding="utf-8") as f:
                f.write(re.sub("^    ", "", unit, flags=re.M).replace("=syncd ", f"={BINARY} ")
                        .replace("=restic ", "=/bin/true "))
        code, said = self.analyze("verify", "--user", "--man=no", *paths)
        self.assertEqual((code, said), (0, ""))

    def test_sandboxes_are_as_tight_as_the_manual_says(self):
        for most, name, drop_ins in ((2.5, "syncd.service", ("10-sandbox.conf",)),
                                     (1.5, "syncd@.service", ())):
            _, said = self.analyze("security", "--offline=true", self.unit(name, *drop_ins))
            score = float(re.search(r"exposure level for \S+: ([\d.]+)", said)[1])
            self.assertLessEqual(score, most, name)


class Notify(Case):
    def test_systemd_is_told_from_the_start_to_the_end(self):
        path = os.path.join(self.syncd.dir, "notify")
        heard = []
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.bind(path)
            s.settimeout(0.1)

            def until(word, seconds=15):
                end = time.monotonic() + seconds
                while not any(h.startswith(word) for h in heard):
                    self.assertLess(time.monotonic(), end, f"no {word}: {heard}")
                    try:
                        heard.append(s.recv(4096).decode())
                    except TimeoutError:
                        pass
            self.syncd.wrap = ("env", "NOTIFY_SOCKET=" + path, "WATCHDOG_USEC=1000000")
            self.syncd.start()
            self.syncd.wrap = ()
            until("READY=1")
            until("STATUS=1 of 1 accounts running")
            worker, = children(self.syncd.proc.pid)
            self.wait(lambda: b"PATH=" in environ(worker), 20, "the worker to be itself")
            self.assertNotRegex(environ(worker), rb"NOTIFY|WATCHDOG")
            del heard[:]
            until("WATCHDOG=1")
            del heard[:]
            until("WATCHDOG=1")
            del heard[:]
            self.assertEqual(self.syncd.run("reload").rc, 0)
            until("RELOADING=1\nMONOTONIC_USEC=")
            until("READY=1")
            self.syncd.stop()
            until("STOPPING=1")
