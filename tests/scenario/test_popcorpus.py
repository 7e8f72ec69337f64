"""POP3 with other people's mail, and with other people's servers.

Messages: byte for byte, all of the corpus in one session, whole and in small
portions.  Sessions: recorded answers of real servers, however badly they fit what
is asked; each ends in a known way.  SYNCD_CORPUS adds the messages below it.
"""
import json
import os
import unittest

import corpus
from case import limit
from maildir import digest
from peer import Closed
from poppeer import Mail, PopPeer, PopSession
from syncd import Syncd
from test_corpus import EVERYTHING, on_disk
from test_poppeer import QUICK

SESSIONS = os.path.join(corpus.HERE, "pop3", "mailkit")
ENDS = (0, 1, 69, 75, 76, 77, 78)    # never 70, never a signal


class Recorded(PopSession):
    """Answers with what was recorded for the same command, in that order."""

    def act(self, tag, verb, args):
        answers = self.peer.recorded.get(f"{verb} {args}".strip()) or \
            self.peer.recorded.get(verb)
        if verb in ("USER", "PASS", "APOP", "AUTH") or not answers:
            if verb in self.SIGNED_IN:
                self.line("-ERR not recorded")
                return True
            return super().act(tag, verb, args)
        self.write(answers.pop(0) if len(answers) > 1 else answers[0])
        if verb == "QUIT":
            raise Closed
        return True

    def do_auth(self, args):
        """Whatever mechanism: two questions at most."""
        if " " not in args:
            self.line("+ ")
            self.get_line()
        if args.upper().startswith("LOGIN"):
            self.line("+ ")
            self.get_line()
        self.welcome(True)


class RecordedPeer(PopPeer):
    speaks = Recorded
    recorded = {}


def recorded(steps):
    """{command: [answers]}"""
    out = {}
    for step in steps:
        path = os.path.join(SESSIONS, step.get("s_file", ""))
        if os.path.isfile(path):
            with open(path, "rb") as f:
                data = f.read()
        else:
            # The messages that they fetched are not part of the set.
            data = (step.get("s_raw") or step.get("s_status") or "+OK\r\nx\r\n.\r\n").encode()
        out.setdefault(step["c"].strip() or "GREETING", []).append(data)
    return out


class Corpus(unittest.TestCase):
    def setUpSyncd(self, peer, **account):
        self.addCleanup(peer.stop)
        self.syncd = Syncd(peer, account=dict(
            QUICK, protocol="pop3", tls={"mode": "none"}, **account))
        self.addCleanup(self.syncd.stop)

    @limit(300)
    def test_messages(self):
        peer = PopPeer(tls=False)
        named = (corpus.messages() + list(corpus.MADE.items()) + list(corpus.MIXED.items()) +
                 list(corpus.NUL.items()) + corpus.more(EVERYTHING))
        wires = {n: corpus.wire(d) for n, d in named if d}
        peer.mails = [Mail(f"{i}", w) for i, w in enumerate(wires.values())]
        peer.rules.split = 4099
        self.setUpSyncd(peer, pop3={"keep_on_server": 0})
        self.syncd.sync(timeout=280)
        # What has no CRLF at its end gets one with the dot.
        wanted = {}
        for name, w in wires.items():
            wanted.setdefault(digest(on_disk(w if w.endswith(b"\r\n") else w + b"\r\n")), []).append(name)
        here = [digest(m.data) for m in self.syncd.tree.messages("INBOX")]
        self.assertEqual(len(here), len(wires))
        self.assertEqual([wanted[d] for d in set(wanted) - set(here)], [], "not as they were")
        self.assertEqual(set(here) - set(wanted), set())
        self.assertEqual(peer.mails, [])

    @limit(300)
    def test_sessions(self):
        peer = RecordedPeer(tls=False)
        self.setUpSyncd(peer)
        ends = {}
        with open(os.path.join(SESSIONS, "sessions.jsonl"), encoding="utf-8") as f:
            sessions = [json.loads(line) for line in f]
        for session in sessions:
            name = session["name"].partition(".")[2]
            if name.endswith("Async"):
                continue    # the same once more
            with self.subTest(name):
                peer.reset()
                peer.recorded = recorded(session["steps"])
                r = self.syncd.run("sync", timeout=30)
                self.assertIn(r.rc, ENDS, r.err[-2000:])
                if r.rc != 0:
                    self.assertRegex(r.err, r"error\[[a-z0-9.-]+\]")
                ends[name] = r.rc
        # These are complete.
        self.assertEqual(ends["CreateGMailCommands"], 0)
        self.assertEqual(len(self.syncd.tree.messages("INBOX")), 3)

