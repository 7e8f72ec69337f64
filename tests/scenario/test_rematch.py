"""Pairing what is on both sides already: what it costs, and that it never takes one
message for another.

$SYNCD_REMATCH=N: so many messages, those of $SYNCD_CORPUS first."""
import os
import random
import shutil
import socket
import subprocess
import threading
import unittest
from collections import Counter

import corpus
from case import Case, limit, local_message, message, rows
from maildir import digest

DATE = 1_600_000_000
FOLDERS = ("INBOX", "Archive", "Lists/one", "Lists/two", "Sent")
FLAGS = ("", "S", "RS", "F", "SFT")


def twin(token="twin", body="hello", msgid="<twin@test.example>", trace="1", subject=None):
    """Messages that are alike but for what is said."""
    head = [f"Received: from far by near with ESMTP id {trace}", f"Subject: {subject or token}"]
    head += [f"Message-ID: {msgid}"] if msgid else []
    return ("\r\n".join(head + ["From: ann@test.example", "", body, ""])).encode()


class Meter:
    """A way to the server that counts what comes back; TLS stays as it is."""

    def __init__(self, to):
        self.to, self.received = to, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self.to))
            threading.Thread(target=self.session, args=(near, far), daemon=True).start()

    def session(self, near, far):
        with near, far:
            back = threading.Thread(target=self.pump, args=(far, near, True), daemon=True)
            back.start()
            self.pump(near, far, False)
            back.join()

    def pump(self, a, b, count):
        try:
            while data := a.recv(65536):
                self.received += len(data) if count else 0
                b.sendall(data)
        except OSError:
            pass    # one end has gone: so does the other
        for s in (a, b):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.listener.close()


def mail(n):
    """${n} messages of the corpus, no two the same."""
    found = corpus.more(n) + corpus.messages()
    unique = {digest(corpus.wire(m)): corpus.wire(m) for _, m in found}
    # Of small ones, 5 % is less than a line for each in a list.
    most = 0 if "SYNCD_REMATCH" in os.environ else 4000
    out = [m for m in unique.values() if b"\0" not in m and len(m) > most]
    random.Random(1).shuffle(out)
    return out[:n]


class Cost(Case):
    """UIDVALIDITY changed on every folder, a folder renamed, the state removed: what
    is received stays below 5 % of the mailbox, and nothing is doubled."""

    def start(self, account):
        self.client.close()
        self.meter = Meter(self.dovecot.tls_port)
        self.addCleanup(self.meter.close)
        self.join(next(self.free_users), {"port": self.meter.port, **account})
        n = int(os.environ.get("SYNCD_REMATCH", "120"))
        self.total = 0
        for folder in FOLDERS:
            if folder not in self.client.list():
                self.client.create(folder)
        for i, data in enumerate(mail(n)):
            # Some came within one second.
            self.client.append(FOLDERS[i % len(FOLDERS)], data, FLAGS[i % len(FLAGS)],
                               date=DATE + i // 7)
            self.total += len(data)
        self.syncd.sync(timeout=300)
        self.assertSame()
        self.before = self.contents()

    def contents(self):
        return Counter(digest(m.data) for files in self.tree.all_messages().values()
                       for m in files)

    def assertCheap(self, what, most=0.05):
        was = self.meter.received
        self.syncd.sync(timeout=300)
        got = self.meter.received - was
        if "SYNCD_REMATCH" in os.environ:
            print(f"{what}: {got} of {self.total} bytes, {100 * got / self.total:.2f} %, "
                  f"{self.before.total()} messages", flush=True)
        self.assertEqual(self.contents(), self.before)
        self.assertSame()
        self.assertLess(got, self.total * most, what)

    def survive(self, account, most=0.05):
        self.start(account)
        name = ", ".join(f"{k}: {v}" for k, v in account.items())
        for folder in self.client.list():
            subprocess.run(("doveadm", "-c", self.dovecot.dir + "/dovecot.conf", "mailbox",
                            "update", "-u", self.user, "--uid-validity", "4711", folder),
                           check=True, stderr=subprocess.DEVNULL)
        self.assertCheap(f"{name}: UIDVALIDITY")
        self.client.rename("Lists/one", "Lists/other")
        self.assertCheap(f"{name}: renamed")
        shutil.rmtree(self.syncd.state)
        self.assertCheap(f"{name}: state removed", most)
        self.assertQuiet()

    @limit(900)
    def test_of_a_backup(self):
        self.survive({"policy": "backup"})

    @limit(900)
    def test_of_two_ways(self):
        self.survive({"policy": "two-way"})

    @limit(1800)
    @unittest.skipUnless("SYNCD_REMATCH" in os.environ, "asked for by SYNCD_REMATCH")
    def test_always_compressed_and_never(self):
        for policy in ("two-way", "backup"):
            self.survive({"policy": policy, "compress": "yes"})
            # Of those without a Message-ID, the header is needed.
            self.survive({"policy": policy, "compress": "no"}, 0.25)


BOTH, THERE, HERE = "both", "there", "here"


@rows("pair", {
    # [(where, message, seconds)...]: where each is when the state is lost.
    "two_deliveries_of_one_mail": [(BOTH, twin(trace="a"), 0), (BOTH, twin(trace="b"), 0)],
    "two_deliveries_and_one_was_deleted_here": [
        (BOTH, twin(trace="a"), 0), (THERE, twin(trace="b"), 0)],
    "two_deliveries_and_one_was_deleted_there": [
        (BOTH, twin(trace="a"), 0), (HERE, twin(trace="b"), 0)],
    "one_header_two_bodies": [(BOTH, twin(body="wonder"), 0), (BOTH, twin(body="wander"), 0)],
    "one_header_two_bodies_swapped_dates": [
        (BOTH, twin(body="wonder"), 5), (BOTH, twin(body="wander"), 0)],
    "one_header_two_bodies_and_one_is_there": [
        (BOTH, twin(body="wonder"), 0), (THERE, twin(body="wander"), 0)],
    "one_header_two_bodies_and_one_is_here": [
        (BOTH, twin(body="wonder"), 0), (HERE, twin(body="wander"), 0)],
    "one_header_two_bodies_each_elsewhere_at_other_times": [
        (THERE, twin(body="wonder"), 0), (HERE, twin(body="wander longer"), 9)],
    "one_header_two_sizes": [(THERE, twin(body="wonder"), 0), (HERE, twin(body="wonders"), 0)],
    "identical_copies": [(BOTH, twin(), 0), (BOTH, twin(), 0), (BOTH, twin(), 1)],
    "identical_copies_of_which_one_is_gone_here": [(BOTH, twin(), 0), (THERE, twin(), 0)],
    "identical_copies_of_which_one_is_gone_there": [(BOTH, twin(), 0), (HERE, twin(), 0)],
    "no_message_id": [(BOTH, twin(msgid=None, trace="a"), 0),
                      (BOTH, twin(msgid=None, trace="b"), 0)],
    "no_message_id_each_elsewhere": [(THERE, twin(msgid=None, trace="a"), 0),
                                     (HERE, twin(msgid=None, trace="b"), 0)],
    "an_empty_message_id": [(THERE, twin(msgid=" ", trace="a"), 0),
                            (HERE, twin(msgid=" ", trace="b"), 0)],
    "no_header_at_all": [(THERE, b"\r\none\r\n", 0), (HERE, b"\r\nonetwo\r\n", 0),
                         (BOTH, b"\r\n", 0)],
    "another_date": [(BOTH, twin(), 0)],
    "many_in_one_second": [
        (w, twin(msgid=None if i % 3 else f"<{i}@x>", trace=f"{i:03d}"), 0)
        for i, w in enumerate([BOTH, BOTH, THERE, BOTH, HERE, BOTH] * 4)],
})
class Twins(Case):
    """The state is lost; near-twins keep apart, and nothing comes twice."""

    def pair(self, row):
        flags = {digest(m): FLAGS[i % len(FLAGS)] for i, (_, m, _) in enumerate(row)}
        wanted = Counter((digest(m), frozenset(flags[digest(m)])) for _, m, _ in row)
        for where, data, date in row:
            if where != HERE:
                self.client.append("INBOX", data, flags[digest(data)], date=DATE + date)
        os.makedirs(self.tree.path("INBOX") + "/cur")
        for sub in ("new", "tmp"):
            os.mkdir(f"{self.tree.path('INBOX')}/{sub}")
        shift = 77 if "another_date" in self.id() else 0
        for i, (where, data, date) in enumerate(row):
            if where != THERE:
                # In another order than there.
                path = (f"{self.tree.path('INBOX')}/cur/16000000{99 - i}.x.host:2,"
                        + "".join(sorted(flags[digest(data)])))
                with open(path, "wb") as f:
                    f.write(data.replace(b"\r\n", b"\n"))
                os.utime(path, (DATE + date + shift,) * 2)
        self.syncd.sync()
        self.assertSame()
        self.assertEqual(Counter((digest(m.data), m.flags)
                                 for m in self.tree.messages("INBOX")), wanted)
        self.assertQuiet()


class Drafts(Case):
    """A draft that was written to is compared in full: a letter may have been changed."""

    def test_a_letter_was_changed_while_the_state_was_lost(self):
        self.client.append("Drafts", twin(body="wonder"), "D", date=DATE)
        self.client.append("Drafts", twin("same", msgid="<s@x>"), "D", date=DATE)
        self.syncd.sync()
        shutil.rmtree(self.syncd.state)
        m = next(m for m in self.tree.messages("Drafts") if b"wonder" in m.data)
        with open(m.path, "r+b") as f:
            data = f.read()
            f.seek(data.index(b"wonder"))
            f.write(b"wander")
        self.syncd.sync()
        self.assertSame()
        bodies = sorted(m.data.split(b"\n\n")[1] for m in self.tree.messages("Drafts"))
        self.assertEqual(bodies, [b"hello\n", b"wander\n", b"wonder\n"])


class Renumbered(Case):
    """With the state at hand, by ids of the server or without."""

    def renumber(self):
        for folder in ("INBOX", "Archive"):
            subprocess.run(("doveadm", "-c", self.dovecot.dir + "/dovecot.conf", "mailbox",
                            "update", "-u", self.user, "--uid-validity", "4711", folder),
                           check=True, stderr=subprocess.DEVNULL)

    def test_twins_keep_their_flags(self):
        for body, flags in (("wonder", "S"), ("wander", "F"), ("winder", "")):
            self.client.append("INBOX", twin(body=body), flags, date=DATE)
            self.client.append("Archive", twin(body=body), flags, date=DATE)
        self.syncd.sync()
        self.renumber()
        self.syncd.sync()
        self.assertSame()
        self.assertEqual(len(self.tree.messages("INBOX")), 3)
        self.assertQuiet()

    def test_what_we_uploaded_has_no_id(self):
        self.syncd.sync()
        for i in range(4):
            self.tree.add("INBOX", twin(f"up{i}", msgid=f"<up{i}@x>").replace(b"\r\n", b"\n"))
        self.tree.add("INBOX", twin("none", msgid=None).replace(b"\r\n", b"\n"))
        self.syncd.sync()
        self.renumber()
        self.syncd.sync()
        self.assertSame()
        self.assertEqual(len(self.tree.messages("INBOX")), 5)
        self.assertQuiet()


class Held(Case):
    """`guards.uidvalidity_change: hold`"""
    account = {"guards": {"uidvalidity_change": "hold"}}

    def test_a_folder_with_new_numbers_waits(self):
        for i in range(5):
            self.client.append("INBOX", message(f"m{i}"), date=DATE + i)
        self.client.append("Archive", message("other"), date=DATE)
        self.syncd.sync()
        subprocess.run(("doveadm", "-c", self.dovecot.dir + "/dovecot.conf", "mailbox",
                        "update", "-u", self.user, "--uid-validity", "4711", "INBOX"),
                       check=True, stderr=subprocess.DEVNULL)
        self.tree.add("INBOX", local_message("mine"))
        os.unlink(next(m.path for m in self.tree.messages("INBOX") if b"m0" in m.data))
        self.client.append("Archive", message("goes on"), date=DATE)
        for verb in (("sync",), ("reject", "a/INBOX")):
            r = self.syncd.run(*verb)
            self.assertEqual(r.rc, 10, r)
            self.assertIn("[guard.uidvalidity]", r.err)
            self.assertIn("syncd approve a/INBOX", r.err)
            self.assertEqual(len(self.client.fetch_all("INBOX")), 5)
            self.assertEqual(len(self.tree.messages("INBOX")), 5)
            self.assertPlaces("goes on", "Archive")
        self.assertEqual(self.syncd.run("approve", "a/INBOX").rc, 0)
        self.syncd.sync()
        self.assertSame()
        self.assertEqual(len(self.tree.messages("INBOX")), 6)
        self.assertQuiet()
