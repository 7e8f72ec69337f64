"""syncd.py — run the daemon under test, with a configuration of its own."""
import json
import os
import signal
import subprocess
import time
from collections import namedtuple

from maildir import Maildir
from server import scratch, unprivileged

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, os.environ.get("BUILD", "build"))
BINARY = os.path.join(BUILD, "syncd")
# `make asan` runs us: then no sandbox is entered, memory cannot be capped, and what ends
# by a signal has a word to say first.
SANITIZED = "ASAN_OPTIONS" in os.environ

Result = namedtuple("Result", "rc out err")


def merge(base, over):
    """${over} into ${base}, section by section."""
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            merge(base[key], value)
        else:
            base[key] = value
    return base


def children(pid):
    """The processes that it has started; none when it has ended."""
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
            return [int(x) for x in f.read().split()]
    except FileNotFoundError:
        return []


class Syncd:
    """One configuration with one account, "a", for ${server}'s ${user};
    more with add_account().  ${account} and ${top} override keys;
    ${drop_root} runs it as an unprivileged user when we are root."""

    def __init__(self, server, user="u1", account=None, top=None, drop_root=False):
        self.dir = scratch("syncd.")
        self.state = os.path.join(self.dir, "state")
        self.conf = os.path.join(self.dir, "syncd.yaml")
        self.proc = None
        self.wrap = ()       # a command to run it by
        self.env = {}        # and more for its environment
        self.program = BINARY
        self.owner = unprivileged() if drop_root and os.geteuid() == 0 else None
        os.mkdir(self.state, 0o700)
        os.mkdir(os.path.join(self.dir, "mail"), 0o700)
        self.settings = merge({"state_dir": self.state, "accounts": {}}, top or {})
        self.tree = self.add_account("a", server, user, account)

    def add_account(self, name, server, user, account=None):
        """Its tree."""
        secret = os.path.join(self.dir, "secret." + name)
        with open(secret, "w", encoding="utf-8") as f:
            f.write(server.password + "\n")
        os.chmod(secret, 0o600)
        self.settings["accounts"][name] = merge({
            "host": server.host,
            "port": server.tls_port,
            "user": user,
            "tls": {"mode": "implicit", "ca_file": server.ca},
            "auth": {"password_command": f"cat {secret}"},
            "path": os.path.join(self.dir, "mail", name),
            "folders": {"sync": ["*"]},
        }, account or {})
        conf = self.settings["accounts"][name]
        self.write()
        return Maildir(conf["path"], conf.get("layout", "nested"))

    def write(self):
        """JSON is YAML."""
        with open(self.conf, "w", encoding="utf-8") as f:
            json.dump(self.settings, f, indent=2, ensure_ascii=False)
        os.chmod(self.conf, 0o600)
        self.give()

    def give(self, path=None):
        """Hand everything (or what is below ${path}) to whom it runs as."""
        if self.owner is None:
            return
        for at, dirs, files in os.walk(path or self.dir):
            for name in [at] + [os.path.join(at, x) for x in dirs + files]:
                os.lchown(name, self.owner.pw_uid, self.owner.pw_gid)

    def popen(self, args, **kwargs):
        env = {"HOME": self.dir, "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
        env.update((k, v) for k, v in os.environ.items()
                   if k.startswith(("ASAN_", "UBSAN_", "LSAN_")))
        env.update(self.env)
        program = self.program
        if self.owner is not None:
            # The clone may be where only root can go.  By another process: what is
            # open for writing here, any thread's child would have, too, and a file
            # that somebody writes to cannot be run.
            program = os.path.join(self.dir, "syncd")
            subprocess.run(("install", "-m", "755", self.program, program), check=True)
            kwargs.update(user=self.owner.pw_uid, group=self.owner.pw_gid, extra_groups=[])
        argv = self.wrap + (program, "-c", self.conf) + tuple(args)
        return subprocess.Popen(argv, env=env,
                                cwd=self.dir, stdin=subprocess.DEVNULL, **kwargs)

    # -- one shot --------------------------------------------------------

    def run(self, *args, timeout=40):
        """The verb and its arguments; (rc, out, err).  One that does not end
        is killed and raises."""
        proc = self.popen(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            out, err = proc.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            proc.kill()
            _, err = proc.communicate()
            raise AssertionError(f"syncd {' '.join(args)} did not end in {timeout} s:\n"
                                 + err.decode(errors="replace")[-3000:]) from None
        return Result(proc.returncode, out.decode(errors="replace"),
                      err.decode(errors="replace"))

    def sync(self, *args, expect=0, timeout=40):
        """`syncd sync`, which must end as expected (an exit code or several)."""
        r = self.run("sync", *args, timeout=timeout)
        wanted = expect if isinstance(expect, (tuple, set, list)) else (expect,)
        if r.rc not in wanted:
            raise AssertionError(f"syncd sync {' '.join(args)}: exit {r.rc}, wanted {wanted}\n"
                                 f"stdout:\n{r.out[-3000:]}\nstderr:\n{r.err[-3000:]}")
        return r

    def status(self):
        """`status --json`, parsed."""
        return json.loads(self.run("status", "--json").out)

    # -- the daemon ------------------------------------------------------

    def start(self):
        with open(os.path.join(self.dir, "run.log"), "ab") as log:
            self.proc = self.popen(("run",), stdout=log, stderr=log)
        return self

    def log(self):
        try:
            with open(os.path.join(self.dir, "run.log"), errors="replace",
                      encoding="utf-8") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def alive(self):
        return self.proc is not None and self.proc.poll() is None

    def stop(self, within=5, how=signal.SIGTERM):
        """Its exit code; it must end ${within} seconds."""
        if self.proc is None:
            return None
        started = time.monotonic()
        self.proc.send_signal(how)
        try:
            rc = self.proc.wait(within)
        except subprocess.TimeoutExpired:
            self.proc.kill()
            self.proc.wait()
            raise AssertionError(f"syncd run did not end within {within} s of {how.name}:\n"
                                 + self.log()[-3000:]) from None
        finally:
            self.proc = None
        self.stopped_in = time.monotonic() - started
        return rc

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        if self.proc is not None and self.proc.poll() is None:
            self.stop()
