#!/usr/bin/env python3
"""scenario.py [FILE[:WORD]]... — run scenarios, three files at a time.

Without arguments all of tests/scenario/test_*.py; WORD selects the tests whose
names hold it.  Each file runs in a session of its own: a test that passes its
time limit takes the session (servers and daemons included) with it, and the
rest of the file goes on in a new one.
"""
import glob
import importlib.util
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import unittest

import server

TOOL = os.path.dirname(os.path.abspath(__file__))
SCENARIO = os.path.join(os.path.dirname(TOOL), "scenario")
LIMIT = 60
PARALLEL = 3    # most of them wait for a server half of the time


# -- the child: one file ----------------------------------------------------

class Reporter(unittest.TestResult):
    """Tells the parent about each test as one line of JSON."""

    def __init__(self, fd):
        super().__init__()
        self.out = os.fdopen(fd, "w", buffering=1, encoding="utf-8")
        self.bad = False

    def say(self, **event):
        print(json.dumps(event), file=self.out)

    def startTest(self, test):
        super().startTest(test)
        self.bad = False
        method = getattr(test, test._testMethodName)
        self.say(event="start", test=test.id(), limit=getattr(method, "limit", LIMIT))

    def addSuccess(self, test):
        if not self.bad:
            self.say(event="ok", test=test.id(), family=getattr(test, "plays", None))

    def addSkip(self, test, reason):
        self.say(event="skip", test=test.id(), text=reason)

    def fail(self, test, err):
        self.bad = True
        text = "".join(traceback.format_exception(*err))
        self.say(event="fail", test=test.id(), text=text)

    def addError(self, test, err):
        self.fail(test, err)

    def addFailure(self, test, err):
        self.fail(test, err)

    def addSubTest(self, test, subtest, err):
        if err is not None and not self.bad:
            self.fail(test, err)


def tests_of(suite):
    for t in suite:
        if isinstance(t, unittest.TestSuite):
            yield from tests_of(t)
        else:
            yield t


def child(fd, path, word, skip):
    sys.path[:0] = [TOOL, SCENARIO]
    name = os.path.basename(path)[:-3]
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    reporter = Reporter(fd)
    try:
        spec.loader.exec_module(module)
        suite = unittest.defaultTestLoader.loadTestsFromModule(module)
    except Exception:
        reporter.say(event="fail", test=name, text=traceback.format_exc())
        return 1
    picked = unittest.TestSuite(
        t for t in tests_of(suite) if word in t.id() and t.id() not in skip)
    picked.run(reporter)
    reporter.say(event="end")
    return 0


# -- the parent -------------------------------------------------------------

def kill_session(sid):
    """Every process of the session, in whatever group it is."""
    for _ in range(3):
        found = False
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.getsid(int(pid)) == sid:
                    os.kill(int(pid), signal.SIGKILL)
                    found = True
            except (ProcessLookupError, PermissionError):
                pass
        if not found:
            return
        time.sleep(0.02)


def remove(path):
    """Also what a scenario made unreadable."""
    for at, dirs, _ in os.walk(path):
        for d in dirs:
            if not os.path.islink(os.path.join(at, d)):
                os.chmod(os.path.join(at, d), 0o700)
    shutil.rmtree(path, ignore_errors=True)


class Run:
    """One file's run: counts and the texts of what failed."""

    def __init__(self, path, word=""):
        self.path = path
        self.word = word
        self.passed, self.skipped, self.failed = [], [], []
        self.families = []    # of those that passed and have one
        self.done = set()
        self.secs = 0.0
        self.proc = None
        self.scratch = None

    def run(self):
        started = time.monotonic()
        while not self.round():
            pass
        self.secs = time.monotonic() - started
        return self

    def round(self):
        """Run what is not done yet in one child; True when the file is done."""
        self.scratch = tempfile.mkdtemp(prefix="syncd-test.", dir=server.memory())
        os.chmod(self.scratch, 0o711)
        r, w = os.pipe()
        with open(os.path.join(self.scratch, "log"), "wb+") as log:
            self.proc = subprocess.Popen(
                (sys.executable, os.path.abspath(__file__), "--child", str(w), self.path,
                 self.word, json.dumps(sorted(self.done))),
                pass_fds=(w,), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, env=dict(os.environ, SYNCD_TEST_DIR=self.scratch))
            os.close(w)
            try:
                return self.listen(r, self.proc, log)
            finally:
                os.close(r)
                self.clean()

    def clean(self):
        """Leave nothing running and nothing lying about."""
        if self.proc is not None:
            kill_session(self.proc.pid)
            self.proc.wait()
            self.proc = None
            remove(self.scratch)

    def listen(self, fd, proc, log):
        pending = b""
        current, began, limit = None, time.monotonic(), LIMIT
        while True:
            left = began + limit - time.monotonic()
            ready = select.select([fd], [], [], max(left, 0))[0]
            if not ready:
                return self.cut_short(current, f"not done within {limit} s", log)
            data = os.read(fd, 65536)
            if not data:
                return self.cut_short(current, f"the child ended ({proc.wait()})", log)
            *lines, pending = (pending + data).split(b"\n")
            for line in lines:
                e = json.loads(line)
                if e["event"] == "end":
                    return True
                if e["event"] == "start":
                    current, began, limit = e["test"], time.monotonic(), e["limit"]
                    continue
                self.settle(e, log)
                # What is left: cleanups, and the next class's server.
                current, began, limit = None, time.monotonic(), LIMIT

    def settle(self, e, log):
        name = e["test"]
        self.done.add(name)
        if e["event"] == "ok":
            self.passed.append(name)
            if e["family"]:
                self.families.append(e["family"])
        elif e["event"] == "skip":
            self.skipped.append((name, e["text"]))
        else:
            self.failed.append((name, e["text"] + self.tail(log)))

    def cut_short(self, current, why, log):
        """The child is lost.  True when going on would not get further."""
        name = current or os.path.basename(self.path)
        self.failed.append((name, why + "\n" + self.tail(log)))
        self.done.add(name)
        return current is None

    @staticmethod
    def tail(log):
        log.seek(0)
        lines = log.read().decode(errors="replace").splitlines()[-25:]
        return "\n".join(["-- log"] + lines + [""]) if lines else ""

    def line(self):
        name = os.path.basename(self.path)
        counts = f"{len(self.passed)} passed"
        if self.skipped:
            counts += f", {len(self.skipped)} skipped"
        if self.failed:
            counts += f", {len(self.failed)} FAILED"
        return f"{name:<28} {counts:<34} {self.secs:6.1f} s"


def run_all(runs):
    """Yield each run when it is done."""
    todo = list(runs)
    total = len(todo)
    lock = threading.Condition()
    ready = []

    def work():
        while True:
            with lock:
                if not todo:
                    return
                mine = todo.pop(0)
            mine.run()
            with lock:
                ready.append(mine)
                lock.notify()

    threads = [threading.Thread(target=work, daemon=True) for _ in range(PARALLEL)]
    for t in threads:
        t.start()
    for _ in range(total):
        with lock:
            while not ready:
                lock.wait()
            done = ready.pop(0)
        yield done


def files():
    """The long ones first, so that none is left alone at the end."""
    return sorted(glob.glob(os.path.join(SCENARIO, "test_*.py")),
                  key=lambda f: (-os.path.getsize(f), f))


def choose(args):
    runs = []
    for arg in args:
        name, _, word = arg.partition(":")
        name = os.path.basename(name)
        path = os.path.join(SCENARIO, name if name.endswith(".py") else name + ".py")
        if not os.path.exists(path):
            sys.exit(f"no scenario {path}")
        runs.append(Run(path, word))
    return runs or [Run(path) for path in files()]


def report(runs):
    """Run, print, count: (passed, failed)."""
    def stop(*_):
        for run in runs:
            run.clean()
        os._exit(130)
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    passed = failed = 0
    for run in run_all(runs):
        print(run.line(), flush=True)
        for name, reason in run.skipped:
            print(f"    skipped {name.split('.', 1)[-1]}: {reason}")
        for name, text in run.failed:
            print(f"--- {name} FAILED\n{text.rstrip()}\n---", flush=True)
        if not (run.passed or run.skipped or run.failed):
            print(f"--- nothing in it is called {run.word} FAILED\n---", flush=True)
            failed += 1
        passed += len(run.passed)
        failed += len(run.failed)
    for family in sorted({f for run in runs for f in run.families}):
        print(f"{sum(run.families.count(family) for run in runs)} {family} scenarios passed")
    return passed, failed


def main(argv):
    if argv[1:2] == ["--child"]:
        return child(int(argv[2]), argv[3], argv[4], set(json.loads(argv[5])))
    passed, failed = report(choose(argv[1:]))
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
