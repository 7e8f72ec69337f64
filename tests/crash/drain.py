#!/usr/bin/env python3
"""drain.py [MESSAGES] — kill a POP3 round at every effect it has.

A round empties a mailbox (keep_on_server: 0).  It is killed before and after
each system call that changes what outlives it, the whole process tree at once;
then an honest round follows.  At once each message must be here or there, in
the end each here, once and whole, and none there.  Environment:

CRASH_STEP	only each n-th point (1)

The last line is "N points, N failed".
"""
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "tool"))

from maildir import canonical    # noqa: E402
from poppeer import Mail, PopPeer    # noqa: E402
from syncd import BUILD, Syncd    # noqa: E402

KILLAT = os.path.join(BUILD, "killat")
STEP = int(os.environ.get("CRASH_STEP", "1"))
MODES = ("before", "after")


class Wrong(AssertionError):
    """What must never be."""


def build():
    subprocess.run(("make", "-s", "--no-print-directory", "-C", ROOT, f"BUILD={BUILD}", KILLAT),
                   check=True)


class Drain:
    """The same mailbox, to be emptied again and again."""

    def __init__(self, n=50, caps=None, **pop3):
        self.peer = PopPeer(tls=False)
        self.caps = caps
        self.mails = [Mail(f"id{i}", b"Subject: m%d\r\nMessage-ID: <m%d@x>\r\n\r\nbody %d\r\n"
                           % (i, i, i)) for i in range(n)]
        self.account = {"protocol": "pop3", "tls": {"mode": "none"},
                        "pop3": dict(pop3, keep_on_server=0)}
        self.syncd = None

    def close(self):
        self.forget()
        self.peer.stop()

    def forget(self):
        if self.syncd is not None:
            shutil.rmtree(self.syncd.dir)
            self.syncd = None

    def begin(self):
        self.forget()
        self.peer.reset()
        if self.caps is not None:
            self.peer.caps = self.caps
        self.peer.mails = list(self.mails)
        self.syncd = Syncd(self.peer, account=self.account)

    def here(self):
        out = []
        for sub in ("cur", "new"):
            at = os.path.join(self.syncd.tree.root, "INBOX", sub)
            for name in os.listdir(at) if os.path.isdir(at) else []:
                with open(os.path.join(at, name), "rb") as f:
                    out.append(canonical(f.read()))
        return sorted(out)

    def killat(self, mode, n):
        """(exit code, the report's lines)"""
        report = os.path.join(self.syncd.dir, "report")
        self.syncd.wrap = (KILLAT, "-n", str(n), "-m", mode, "-o", report, "--")
        try:
            r = self.syncd.run("sync", timeout=60)
        finally:
            self.syncd.wrap = ()
        with open(report, encoding="utf-8", errors="replace") as f:
            return r.rc, f.read().splitlines()

    def count(self):
        self.begin()
        rc, report = self.killat("count", 0)
        if rc != 0:
            raise Wrong(f"not killed, and exit {rc}")
        self.judge_over("unharmed")
        return len(report)

    def whole(self, when):
        """Each message is here or there."""
        have = set(self.here()) | {canonical(m.data) for m in self.peer.mails}
        if have != {canonical(m.data) for m in self.mails}:
            raise Wrong(f"{when}: mail is neither here nor there")

    def judge_over(self, when):
        """Each is here, once, and none there."""
        wanted = sorted(canonical(m.data) for m in self.mails)
        have = self.here()
        if have != wanted:
            raise Wrong(f"{when}: {len(have)} files, {len(set(have))} different, "
                        f"{len(set(wanted) - set(have))} of {len(wanted)} missing")
        if self.peer.mails:
            raise Wrong(f"{when}: {len(self.peer.mails)} still on the server")
        leftovers = os.listdir(os.path.join(self.syncd.tree.root, "INBOX", "tmp"))
        if leftovers:
            raise Wrong(f"{when}: left in tmp/: {leftovers[:3]}")

    def point(self, mode, n):
        """Was there an n-th effect?"""
        self.begin()
        rc, report = self.killat(mode, n)
        if not any(line.startswith("hit") for line in report):
            return False
        self.whole("killed")
        self.syncd.sync()
        self.judge_over("after one more round")
        return True


class TooBig(Drain):
    """One more mail is too big: it stays there, and a placeholder comes."""

    def __init__(self, n):
        super().__init__(n, too_big="placeholder")
        self.big = Mail("big", b"Subject: big\r\n\r\nbody\r\n", size=5 << 30)

    def begin(self):
        super().begin()
        self.peer.mails.insert(0, self.big)

    def whole(self, when):
        if self.big not in self.peer.mails:
            raise Wrong(f"{when}: what was not fetched is not there")
        self.mails.append(self.big)
        try:
            super().whole(when)
        finally:
            self.mails.pop()

    def here(self):
        return [m for m in super().here() if b"max_message_size" not in m]

    def judge_over(self, when):
        n = len(super().here()) - len(self.here())
        if n != 1:
            raise Wrong(f"{when}: {n} placeholders")
        if self.peer.mails != [self.big]:
            raise Wrong(f"{when}: on the server: {[m.uidl for m in self.peer.mails]}")
        self.peer.mails = []
        super().judge_over(when)


def sweep(drain, points):
    """Yield (mode, n, what is wrong or None)."""
    for n in points:
        for mode in MODES:
            wrong = None
            try:
                drain.point(mode, n)
            except AssertionError as e:
                wrong = str(e)
            yield mode, n, wrong


def main():
    build()
    drain = Drain(int(sys.argv[1]) if len(sys.argv) > 1 else 50)
    done = failed = 0
    try:
        effects = drain.count()
        print(f"{effects} effects", flush=True)
        for mode, n, wrong in sweep(drain, range(1, effects + 1, STEP)):
            done += 1
            if wrong:
                failed += 1
                print(f"{mode} {n}: {wrong}", flush=True)
    finally:
        drain.close()
    print(f"{done} points, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
