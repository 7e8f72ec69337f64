"""pushing.py — what an IMAP server says unasked.

A session knows the open mailbox as it was last told of it, and the counters of all
others if it asked for that (NOTIFY).  Each tells its own news, while it waits for
its client: nobody else writes to its socket.
"""
import select
import ssl

EVERY = 0.01    # how often one that waits looks


class Pushing:
    """Of a Session of peer.py, whose box, view, told and notified are used here."""

    def open_view(self, box):
        self.box = box
        self.view = list(box.msgs) if box else []
        self.told = box.modseq if box else 0

    def number(self, msg):
        """Its sequence number as the client counts."""
        return self.view.index(msg) + 1

    def news(self):
        """What has become of the open mailbox since."""
        if self.box is None:
            return
        there = set(self.box.msgs)
        self.removed([m for m in self.view if m not in there])
        if len(self.view) != len(self.box.msgs):
            self.view = list(self.box.msgs)
            self.line(f"* {len(self.view)} EXISTS")
        for msg in [m for m in self.view if m.modseq > self.told]:
            self.fetch(msg, ["FLAGS"] + ["MODSEQ"] * self.peer.can("CONDSTORE"))
        self.told = self.box.modseq

    def removed(self, msgs):
        for msg in msgs:
            n = self.number(msg)
            self.view.remove(msg)
            self.line(f"* VANISHED {msg.uid}" if "QRESYNC" in self.enabled
                      else f"* {n} EXPUNGE")

    # -- NOTIFY ----------------------------------------------------------

    ITEMS = ("MESSAGES", "UIDNEXT", "UIDVALIDITY")

    def counted(self):
        items = self.ITEMS + ("HIGHESTMODSEQ",) * self.peer.can("CONDSTORE")
        return {box.objid: (box.name, f"* STATUS {self.quoted(box)} {self.counters(box, items)}")
                for box in self.peer.boxes.values() if box is not self.box}

    def do_notify(self, tag, args, lits):
        if not self.peer.can("NOTIFY"):
            return self.tagged(tag, "BAD unknown command")
        words = args.upper().split()
        self.notified = self.counted() if words[0] == "SET" else None
        if words[1:2] == ["STATUS"]:
            for _, status in self.notified.values():
                self.line(status)
        return self.tagged(tag, "OK done")

    def notify(self):
        """What has changed in mailboxes that are not open."""
        before, now = self.notified, self.counted()
        for objid in before.keys() - now.keys():
            self.line(f'* LIST (\\NonExistent) "/" {self.quoted_name(before[objid][0])}')
        for objid, (name, status) in now.items():
            then = before.get(objid)
            if then is None or then[0] != name:
                old = f' ("OLDNAME" ({self.quoted_name(then[0])}))' if then else ""
                self.line(f'* LIST () "/" {self.quoted_name(name)}{old}')
            if then is None or then[1] != status:
                self.line(status)
        self.notified = now

    def give_up(self):
        """There is more than it keeps for a client: nothing is told any more."""
        self.peer.overflows -= 1
        self.notified = None
        self.line("* OK [NOTIFICATIONOVERFLOW] too much happens here")

    # -- while it waits --------------------------------------------------

    def listen(self):
        """Until the client says something, tell what happens."""
        while self.idle or self.notified is not None:
            if isinstance(self.sock, ssl.SSLSocket) and self.sock.pending():
                return
            if select.select([self.sock], [], [], EVERY)[0]:
                return
            with self.peer.lock:
                if self.idle:
                    self.news()
                if self.notified is not None and self.peer.overflows > 0:
                    self.give_up()
                elif self.notified is not None:
                    self.notify()
            self.flush()
