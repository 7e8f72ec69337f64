"""peer.py — an IMAP server that does what a scenario tells it to.

By itself it answers a sane subset from mailboxes in memory, with whatever
capabilities the scenario lists.  Rules change single answers:

	peer = Peer(caps="IMAP4rev1 UIDPLUS")
	peer.on("UID STORE", no("[OVERQUOTA] full"), times=1)
	peer.on("SELECT", cut())		# close instead of answering
	peer.rules.cut_after = 900		# close after that many bytes

All that clients send is recorded in peer.sent; peer.flights counts how often a
client waited for an answer (give a gap: the silence that ends a flight).
"""
import base64
import functools
import itertools
import os
import re
import socket
import ssl
import threading
import time

import mutf7
from imapclient import Client, epoch_of, internaldate, parse
from pushing import Pushing
from server import PASSWORD, make_tls, scratch

PLAIN = "IMAP4rev1 SASL-IR UIDPLUS"
MODERN = (PLAIN + " ID ENABLE NAMESPACE IDLE MOVE UNSELECT CONDSTORE QRESYNC ESEARCH "
          "LIST-EXTENDED LIST-STATUS SPECIAL-USE LITERAL+ MULTIAPPEND")
GMAIL = (PLAIN + " ID ENABLE NAMESPACE IDLE MOVE UNSELECT CONDSTORE ESEARCH "
         "LIST-EXTENDED LIST-STATUS SPECIAL-USE LITERAL- X-GM-EXT-1 APPENDLIMIT=35651584")
EXCHANGE = PLAIN + " ID NAMESPACE IDLE MOVE UNSELECT LITERAL+ CHILDREN"

SELECTED = ("UID FETCH", "UID STORE", "UID SEARCH", "UID EXPUNGE", "UID COPY", "UID MOVE",
            "UNSELECT")


class Closed(Exception):
    """The session is over."""


# -- what a rule may do: called with (session, tag, verb, args) ---------------

def reply(text):
    """A tagged answer instead of the command's own."""
    return lambda s, tag, verb, args: s.tagged(tag, text)


def no(text="computer says no"):
    return reply("NO " + text)


def bad(text="what?"):
    return reply("BAD " + text)


def bye(text="shutting down"):
    def act(s, tag, verb, args):
        s.line("* BYE " + text)
        raise Closed
    return act


def cut():
    def act(s, tag, verb, args):
        raise Closed
    return act


def raw(data, then_close=False):
    """Exactly these bytes; TAG in them becomes the command's tag."""
    def act(s, tag, verb, args):
        s.write(data.replace(b"TAG", tag.encode()))
        if then_close:
            raise Closed
    return act


def before(data):
    """These bytes, and then the command's own answer."""
    def act(s, tag, verb, args):
        s.write(data)
        return False
    return act


def stall(seconds):
    """Say nothing for a while, then close."""
    def act(s, tag, verb, args):
        s.peer.halt.wait(seconds)
        raise Closed
    return act


# -- the mailboxes -----------------------------------------------------------

class Msg:
    def __init__(self, uid, data, flags, date, modseq):
        self.uid, self.data, self.flags = uid, data, set(flags)
        self.date, self.modseq = date, modseq


class Box:
    ids = itertools.count(1)

    def __init__(self, name, validity, attrs=()):
        self.name, self.validity, self.attrs = name, validity, list(attrs)
        self.objid = f"F{next(self.ids)}"    # stays when it is renamed
        self.next = 1
        self.modseq = 1
        self.msgs = []
        self.gone = []    # (uid, modseq)
        self.readonly = False

    def add(self, data, flags=(), date=None):
        self.modseq += 1
        msg = Msg(self.next, data, flags, int(date or time.time()), self.modseq)
        self.next += 1
        self.msgs.append(msg)
        return msg

    def touch(self, msg):
        self.modseq += 1
        msg.modseq = self.modseq

    def renumber(self):
        """The same messages with a new UIDVALIDITY."""
        self.validity += 1
        for msg in self.msgs:
            msg.uid, self.next = self.next, self.next + 1
        self.gone = []

    def remove(self, msg):
        self.modseq += 1
        self.msgs.remove(msg)
        self.gone.append((msg.uid, self.modseq))

    def pick(self, text):
        """The messages of a UID set."""
        top = self.msgs[-1].uid if self.msgs else 0
        out = []
        for part in text.split(","):
            a, _, b = part.partition(":")
            ends = [top if x == "*" else int(x) for x in (a, b or a)]
            out += [m for m in self.msgs if min(ends) <= m.uid <= max(ends)]
        return sorted(set(out), key=lambda m: m.uid)


class Rules:
    """What the scenario wants otherwise; may be changed while it runs."""

    def __init__(self):
        self.table = []          # [pattern, action, times left]
        self.split = None        # write in portions of so many bytes
        self.cut_after = None    # close after so many bytes, every connection
        self.cut_down = None     # once, after so many bytes of all connections
        self.cut_up = None       # the same of what clients send
        self.greeting = None     # bytes
        self.mangle = None       # bytes -> bytes, all that is written
        self.gap = 0             # silence that ends a flight, s

    def find(self, verb, args):
        for rule in self.table:
            pattern, action, left = rule
            if left != 0 and re.match(pattern, f"{verb} {args}".strip(), re.I):
                rule[2] -= 1
                return action
        return None


# -- one connection ----------------------------------------------------------

class Session(Pushing):
    hello = "* OK [CAPABILITY {caps}] ready"

    def __init__(self, peer, sock):
        self.peer, self.sock = peer, sock
        self.rules = peer.rules
        self.inbuf = b""
        self.written = 0
        self.out = bytearray()
        self.open_view(None)
        self.notified = None     # what NOTIFY has told, if it is on
        self.user = None
        self.enabled = set()
        self.idle = None         # the tag, while idling
        self.cut = False         # nothing more comes in

    # The wire.

    def write(self, data):
        if self.rules.mangle:
            data = self.rules.mangle(data)
        self.out += data

    def line(self, text):
        self.write(text.encode(errors="surrogateescape") + b"\r\n")

    def tagged(self, tag, text):
        self.line(f"{tag} {text}")

    def flush(self):
        data, self.out = bytes(self.out), bytearray()
        limit = self.rules.cut_after
        if limit is not None and self.written + len(data) >= limit:
            data = data[:max(0, limit - self.written)]
        data, cut = self.ration("down", data)
        step = self.rules.split or len(data) or 1
        for i in range(0, len(data), step):
            self.sock.sendall(data[i:i + step])
        self.written += len(data)
        if cut:
            raise Closed
        if limit is not None and self.written >= limit:
            raise Closed

    def ration(self, way, data):
        """What of it is let through, and whether the connection ends there."""
        with self.peer.lock:
            seen, limit = getattr(self.peer, way), getattr(self.rules, "cut_" + way)
            cut = limit is not None and seen < limit <= seen + len(data)
            if cut:
                data = data[:limit - seen]
            setattr(self.peer, way, seen + len(data))
        return data, cut

    def receive(self):
        """More bytes from the client; a whole flight of them if a gap is set."""
        if self.cut:
            raise Closed
        self.flush()
        self.listen()
        data = self.sock.recv(1 << 16)
        if not data:
            raise Closed
        with self.peer.lock:
            self.peer.flights += 1
        data, self.cut = self.ration("up", data)
        if not isinstance(self.sock, ssl.SSLSocket):
            with self.peer.lock:
                self.peer.in_clear += data
        self.inbuf += data
        if self.rules.gap:
            self.sock.settimeout(self.rules.gap)
            try:
                while more := self.sock.recv(1 << 16):
                    self.inbuf += more
            except (TimeoutError, ssl.SSLWantReadError):
                pass
            self.sock.settimeout(None)

    def need(self, n):
        while len(self.inbuf) < n:
            self.receive()
        data, self.inbuf = self.inbuf[:n], self.inbuf[n:]
        return data

    def get_line(self):
        while b"\n" not in self.inbuf:
            self.receive()
        line, self.inbuf = self.inbuf.split(b"\n", 1)
        return line.rstrip(b"\r")

    def command(self):
        """One command with its literals: (text, [literals])."""
        text, literals = b"", []
        while True:
            line = self.get_line()
            m = re.search(rb"~?\{(\d+)(\+?)\}$", line)
            if not m:
                return (text + line).decode(errors="surrogateescape"), literals
            if not m[2]:
                verb = b" ".join(line.split()[1:2]).decode().upper()
                if rule := self.rules.find("LITERAL " + verb, m[1].decode()):
                    rule(self, line.split()[0].decode(), "LITERAL", "")
                    text, literals = b"", []
                    continue
                self.line("+ go on")
            literals.append(self.need(int(m[1])))
            text += line[:m.start()] + b"\x01"    # where the literal stood

    # The conversation.

    def run(self):
        try:
            if self.rules.greeting is not None:
                self.write(self.rules.greeting)
            elif not self.act("", "GREETING", ""):
                self.line(self.hello.format(caps=self.peer.caps))
            while True:
                self.step()
        except (Closed, OSError, ssl.SSLError):
            pass
        try:
            # A lost connection is lost in both directions.
            if not self.cut:
                self.flush()
        except (Closed, OSError, ssl.SSLError):
            pass
        self.sock.close()

    def act(self, tag, verb, args):
        """Did a rule answer?"""
        action = self.rules.find(verb, args)
        return action is not None and action(self, tag, verb, args) is not False

    def step(self):
        text, literals = self.command()
        if self.idle and text.upper() == "DONE":
            tag, self.idle = self.idle, None
            self.record("DONE", [])
            if not self.act(tag, "DONE", ""):
                self.tagged(tag, "OK idle over")
            return
        tag, _, rest = text.partition(" ")
        words = rest.split(" ", 2)
        verb = words[0].upper()
        if verb == "UID" and len(words) > 1:
            verb, args = "UID " + words[1].upper(), " ".join(words[2:])
        else:
            args = rest[len(words[0]) + 1:]
        self.record(rest, literals)
        if self.act(tag, verb, args):
            return
        if self.box is None and verb in SELECTED:
            self.tagged(tag, "BAD no mailbox is selected")
            return
        if self.box is not None and self.box.readonly and \
                verb in ("UID STORE", "UID EXPUNGE", "UID MOVE"):
            self.tagged(tag, "NO [NOPERM] read-only mailbox")
            return
        handler = getattr(self, "do_" + verb.lower().replace(" ", "_"), None)
        if handler is None:
            self.tagged(tag, f"BAD unknown command {verb}")
            return
        try:
            with self.peer.lock:
                handler(tag, args, literals)
        except (ValueError, KeyError, IndexError, AttributeError, TypeError) as e:
            self.peer.trouble.append(f"{rest[:200]!r}: {e!r}")
            self.tagged(tag, "BAD syntax")

    def record(self, rest, literals):
        with self.peer.lock:
            self.peer.sent.append(rest.replace("\x01", "{literal}"))
            self.peer.literals += literals

    def words(self, args, literals):
        """Arguments as the client meant them; literals in their places."""
        parts = args.encode(errors="surrogateescape").split(b"\x01")
        data = parts[0]
        for lit, rest in zip(literals, parts[1:]):
            data += b"{%d}\r\n" % len(lit) + lit + rest
        return parse(data)

    # Who is there.

    def do_capability(self, tag, args, lits):
        self.line("* CAPABILITY " + self.peer.caps)
        self.tagged(tag, "OK done")

    def do_noop(self, tag, args, lits):
        self.news()
        self.tagged(tag, "OK done")

    do_check = do_noop

    def do_logout(self, tag, args, lits):
        self.line("* BYE see you")
        self.tagged(tag, "OK bye")
        raise Closed

    def do_starttls(self, tag, args, lits):
        if not self.peer.can("STARTTLS"):
            return self.tagged(tag, "BAD unknown command")
        self.tagged(tag, "OK begin")
        self.flush()
        self.sock = self.peer.context.wrap_socket(self.sock, server_side=True)

    def welcome(self, tag, user, password):
        if password != self.peer.password:
            self.tagged(tag, "NO [AUTHENTICATIONFAILED] wrong password")
            return
        self.user = user
        self.tagged(tag, f"OK [CAPABILITY {self.peer.caps}] hello")

    def do_login(self, tag, args, lits):
        user, password = self.words(args, lits)
        self.welcome(tag, user.decode(), password.decode())

    def do_authenticate(self, tag, args, lits):
        mechanism, _, initial = args.partition(" ")
        if mechanism.upper() != "PLAIN":
            self.tagged(tag, "NO no such mechanism")
            return
        if not initial:
            self.line("+ ")
            initial = self.get_line().decode()
        _, user, password = base64.b64decode(initial).decode().split("\0")
        self.welcome(tag, user, password)

    def do_id(self, tag, args, lits):
        self.line('* ID ("name" "peer")')
        self.tagged(tag, "OK done")

    def do_enable(self, tag, args, lits):
        on = [w for w in args.upper().split() if w in self.peer.caps.upper().split()]
        self.enabled |= set(on)
        self.line("* ENABLED " + " ".join(on))
        self.tagged(tag, "OK done")

    def do_namespace(self, tag, args, lits):
        self.line('* NAMESPACE (("" "/")) NIL NIL')
        self.tagged(tag, "OK done")

    # Mailboxes.

    def utf8(self):
        return "UTF8=ACCEPT" in self.enabled

    def name(self, word):
        """What is no UTF-8 before that is enabled is a name all the same, if an odd one."""
        text = word.decode(errors="surrogateescape")
        if not self.utf8() and (word.isascii() or text in self.peer.odd):
            text = mutf7.decode(word)
        elif not self.utf8():
            text = word.decode("latin-1")
        return "INBOX" if text.upper() == "INBOX" else text

    def quoted(self, box):
        return self.quoted_name(box.name)

    def quoted_name(self, name):
        wire = name.encode(errors="surrogateescape") \
            if name in self.peer.odd or self.utf8() else mutf7.encode(name)
        if b'"' in wire or b"\\" in wire or \
                any(c < 32 or (c > 126 and not self.utf8()) for c in wire):
            return f"{{{len(wire)}}}\r\n" + wire.decode(errors="surrogateescape")
        return '"' + wire.decode() + '"'

    def counters(self, box, items):
        have = {"MESSAGES": len(box.msgs), "UIDNEXT": box.next, "UIDVALIDITY": box.validity,
                "UNSEEN": sum("\\Seen" not in m.flags for m in box.msgs), "RECENT": 0,
                "HIGHESTMODSEQ": box.modseq, "MAILBOXID": f"({box.objid})",
                "SIZE": sum(len(m.data) for m in box.msgs)}
        return "(" + " ".join(f"{i} {have[i]}" for i in items) + ")"

    def do_list(self, tag, args, lits):
        words = self.words(args, lits)
        if words[-1] == b"":
            self.line('* LIST (\\Noselect) "/" ""')
        else:
            returns = [w for w in words if isinstance(w, list)]
            status = next((r[i + 1] for r in returns for i, w in enumerate(r)
                           if w == b"STATUS"), None)
            for box in list(self.peer.boxes.values()):
                self.line(f'* LIST ({" ".join(box.attrs)}) "/" {self.quoted(box)}')
                if status:
                    items = [w.decode().upper() for w in status]
                    self.line(f"* STATUS {self.quoted(box)} {self.counters(box, items)}")
        self.tagged(tag, "OK done")

    def do_lsub(self, tag, args, lits):
        for name in self.peer.subscribed or self.peer.boxes:
            box = self.peer.boxes.get(name) or Box(name, 1)
            self.line(f'* LSUB () "/" {self.quoted(box)}')
        self.tagged(tag, "OK done")

    def do_status(self, tag, args, lits):
        name, items = self.words(args, lits)[:2]
        box = self.peer.boxes.get(self.name(name))
        if box is None:
            self.tagged(tag, "NO [NONEXISTENT] no such mailbox")
            return
        items = [w.decode().upper() for w in items]
        self.line(f"* STATUS {self.quoted(box)} {self.counters(box, items)}")
        self.tagged(tag, "OK done")

    def open(self, tag, args, lits, writable):
        words = self.words(args, lits)
        box = self.peer.boxes.get(self.name(words[0]))
        if self.box is not None and "QRESYNC" in self.enabled:
            self.line("* OK [CLOSED] from here on it is the other one")
        self.open_view(box)
        if box is None:
            self.tagged(tag, "NO [NONEXISTENT] no such mailbox")
            return
        self.line("* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)")
        self.line(f"* OK [PERMANENTFLAGS ({self.peer.permanent})] kept")
        self.line(f"* {len(box.msgs)} EXISTS")
        self.line("* 0 RECENT")
        self.line(f"* OK [UIDVALIDITY {box.validity}] ok")
        self.line(f"* OK [UIDNEXT {box.next}] ok")
        if self.peer.can("CONDSTORE"):
            self.line(f"* OK [HIGHESTMODSEQ {box.modseq}] ok")
        if len(words) > 1 and words[1][0] == b"QRESYNC":
            validity, since = int(words[1][1][0]), int(words[1][1][1])
            if validity == box.validity:
                self.resync(since)
        writable = writable and not box.readonly
        self.tagged(tag, "OK [READ-WRITE] done" if writable else "OK [READ-ONLY] done")

    def resync(self, since):
        gone = [u for u, at in self.box.gone if at > since]
        if gone:
            self.line("* VANISHED (EARLIER) " + ",".join(map(str, gone)))
        for n, m in enumerate(self.box.msgs, 1):
            if m.modseq > since:
                self.line(f"* {n} FETCH (UID {m.uid} FLAGS ({' '.join(sorted(m.flags))}) "
                          f"MODSEQ ({m.modseq}))")

    def do_select(self, tag, args, lits):
        self.open(tag, args, lits, True)

    def do_examine(self, tag, args, lits):
        self.open(tag, args, lits, False)

    def do_unselect(self, tag, args, lits):
        self.open_view(None)
        self.tagged(tag, "OK done")

    def do_create(self, tag, args, lits):
        name = self.name(self.words(args, lits)[0])
        if name in self.peer.boxes:
            self.tagged(tag, "NO [ALREADYEXISTS] it is there")
            return
        self.peer.box(name)
        self.tagged(tag, "OK done")

    def do_delete(self, tag, args, lits):
        del self.peer.boxes[self.name(self.words(args, lits)[0])]
        self.tagged(tag, "OK done")

    def do_rename(self, tag, args, lits):
        old, new = map(self.name, self.words(args, lits)[:2])
        box = self.peer.boxes.pop(old)
        box.name = new
        self.peer.boxes[new] = box
        self.tagged(tag, "OK done")

    def do_subscribe(self, tag, args, lits):
        self.tagged(tag, "OK done")

    do_unsubscribe = do_subscribe

    # Messages.

    def do_append(self, tag, args, lits):
        words = self.words(args, lits)
        box = self.peer.boxes.get(self.name(words[0]))
        if box is None:
            self.tagged(tag, "NO [TRYCREATE] no such mailbox")
            return
        if box.readonly:
            self.tagged(tag, "NO [NOPERM] read-only mailbox")
            return
        uids, flags, date = [], [], None
        for w in words[1:]:
            if isinstance(w, list):
                flags = self.peer.kept(x.decode() for x in w)
            elif w not in lits:
                date = epoch_of(w.decode())
            else:
                uids.append(box.add(w, flags, date).uid)
                flags, date = [], None
        if self.box is box:
            self.news()
        code = f"[APPENDUID {box.validity} {','.join(map(str, uids))}] " \
            if self.peer.can("UIDPLUS") else ""
        self.tagged(tag, f"OK {code}done")

    def fetch(self, msg, items):
        n = self.number(msg)
        out = [b"UID %d" % msg.uid]
        for item in items:
            if item == "FLAGS":
                out.append(f"FLAGS ({' '.join(sorted(msg.flags))})".encode())
            elif item == "INTERNALDATE":
                out.append(b"INTERNALDATE " + internaldate(msg.date))
            elif item == "RFC822.SIZE":
                out.append(b"RFC822.SIZE %d" % len(msg.data))
            elif item == "MODSEQ":
                out.append(b"MODSEQ (%d)" % msg.modseq)
            elif item == "X-GM-MSGID":
                out.append(b"X-GM-MSGID %d" % self.peer.message_id(msg))
            elif item == "EMAILID":
                out.append(b"EMAILID (M%d)" % self.peer.message_id(msg))
            elif item == "X-GM-LABELS":
                out.append(b"X-GM-LABELS ()")
            elif item in ("BODY.PEEK[]", "BODY[]"):
                out.append(b"BODY[] {%d}\r\n" % len(msg.data) + msg.data)
            elif item in ("BODY.PEEK[HEADER]", "BODY[HEADER]"):
                head = re.match(rb".*?\r\n\r\n|.*", msg.data, re.S)[0]
                out.append(b"BODY[HEADER] {%d}\r\n" % len(head) + head)
            elif item == "BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]":
                head = re.match(rb".*?\r\n\r\n|.*", msg.data, re.S)[0]
                field = re.search(rb"^message-id:.*\r\n(?:[ \t].*\r\n)*", head, re.I | re.M)
                text = (field[0] if field else b"") + b"\r\n"
                out.append(b"BODY[HEADER.FIELDS (MESSAGE-ID)] {%d}\r\n" % len(text) + text)
            elif item != "UID":
                raise ValueError(item)
        self.write(b"* %d FETCH (" % n + b" ".join(out) + b")\r\n")

    def within(self, msgs):
        """Those of them that are dealt with at a time (RFC 9738), and the code that
        says so."""
        most = self.peer.message_limit()
        if most is None or len(msgs) <= most:
            return msgs, ""
        msgs = msgs[-most:]
        return msgs, f"[MESSAGELIMIT {most} {msgs[0].uid}] "

    def do_uid_fetch(self, tag, args, lits):
        words = self.words(args, lits)
        items = words[1] if isinstance(words[1], list) else [words[1]]
        items = [w.decode().upper() for w in items]
        since, vanished = 0, False
        if len(words) > 2:
            more = [w.upper() for w in words[2]]
            since = int(more[more.index(b"CHANGEDSINCE") + 1])
            vanished = b"VANISHED" in more
            items += [] if "MODSEQ" in items else ["MODSEQ"]
        self.news()
        gone = [u for u, at in self.box.gone if at > since] if vanished else []
        if gone:
            self.line("* VANISHED (EARLIER) " + ",".join(map(str, gone)))
        msgs, code = self.within(self.box.pick(words[0].decode()))
        for msg in msgs:
            if msg.modseq > since:
                self.fetch(msg, items)
        self.tagged(tag, f"OK {code}done")

    def do_uid_store(self, tag, args, lits):
        words = self.words(args, lits)
        # An optional (UNCHANGEDSINCE n), which is taken as always true.
        if isinstance(words[1], list):
            del words[1]
        action = words[1].decode().upper()
        flags = words[2] if isinstance(words[2], list) else words[2:]
        flags = self.peer.kept(f.decode() for f in flags)
        self.news()
        msgs, code = self.within(self.box.pick(words[0].decode()))
        for msg in msgs:
            if action.startswith("+"):
                new = msg.flags | flags
            elif action.startswith("-"):
                new = msg.flags - flags
            else:
                new = flags
            if new != msg.flags:
                msg.flags = new
                self.box.touch(msg)
            if not action.endswith(".SILENT"):
                self.fetch(msg, ["FLAGS"])
            elif self.peer.can("CONDSTORE"):
                self.fetch(msg, ["MODSEQ"])
        self.told = self.box.modseq
        self.tagged(tag, f"OK {code}done")

    def drop(self, msgs):
        self.news()
        for msg in msgs:
            self.box.remove(msg)
        self.removed(msgs)
        self.told = self.box.modseq

    def do_uid_expunge(self, tag, args, lits):
        msgs, code = self.within([m for m in self.box.pick(args.strip())
                                  if "\\Deleted" in m.flags])
        self.drop(msgs)
        self.tagged(tag, f"OK {code}done")

    def transfer(self, tag, args, lits, move):
        words = self.words(args, lits)
        to = self.peer.boxes.get(self.name(words[1]))
        if to is None:
            self.tagged(tag, "NO [TRYCREATE] no such mailbox")
            return
        msgs = self.box.pick(words[0].decode())
        if not msgs:
            self.tagged(tag, "OK nothing to do")
            return
        msgs, limit = self.within(msgs)
        if limit and not move:
            self.tagged(tag, f"NO {limit}too many")
            return
        new = [to.add(m.data, m.flags, m.date) for m in msgs]
        code = f"[COPYUID {to.validity} {','.join(str(m.uid) for m in msgs)} " \
               f"{','.join(str(m.uid) for m in new)}] " if self.peer.can("UIDPLUS") else ""
        if move:
            if code:
                self.line(f"* OK {code}moved")
            self.drop(msgs)
            self.tagged(tag, f"OK {limit}done")
        else:
            self.tagged(tag, f"OK {code}done")

    def do_uid_copy(self, tag, args, lits):
        self.transfer(tag, args, lits, False)

    def do_uid_move(self, tag, args, lits):
        self.transfer(tag, args, lits, True)

    def matches(self, msg, words):
        """Does the message satisfy the search keys ${words}?"""
        words = list(words)
        while words:
            key = words.pop(0)
            if isinstance(key, list):
                if not self.matches(msg, key):
                    return False
                continue
            key = key.decode().upper()
            flag = "\\" + key.removeprefix("UN").capitalize()
            if key == "ALL":
                ok = True
            elif key == "UID":
                ok = msg in self.box.pick(words.pop(0).decode())
            elif key in ("KEYWORD", "UNKEYWORD"):
                ok = (words.pop(0).decode() in msg.flags) == (key == "KEYWORD")
            elif key == "NOT":
                ok = not self.matches(msg, [words.pop(0)])
            elif key == "HEADER":
                field, value = words.pop(0), words.pop(0)
                ok = re.search(rb"^" + re.escape(field) + rb":[^\r\n]*" + re.escape(value),
                               msg.data, re.I | re.M) is not None
            elif key == "MODSEQ":
                ok = msg.modseq >= int(words.pop(0))
            elif flag in ("\\Seen", "\\Flagged", "\\Answered", "\\Draft", "\\Deleted"):
                ok = (flag in msg.flags) != key.startswith("UN")
            else:
                raise ValueError(key)
            if not ok:
                return False
        return True

    def do_uid_search(self, tag, args, lits):
        words = self.words(args, lits)
        extended = words and words[0] == b"RETURN"
        if extended:
            words = words[2:]
        msgs = self.box.pick(words[1].decode()) if words[0] == b"UID" else self.box.msgs
        msgs, code = self.within(msgs)
        hits = [m.uid for m in msgs if self.matches(m, words)]
        if extended:
            every = f" ALL {','.join(map(str, hits))}" if hits else ""
            self.line(f'* ESEARCH (TAG "{tag}") UID COUNT {len(hits)}{every}')
        else:
            self.line("* SEARCH" + "".join(f" {u}" for u in hits))
        self.tagged(tag, f"OK {code}done")

    def do_idle(self, tag, args, lits):
        self.idle = tag
        self.line("+ idling")
        self.news()


@functools.cache
def ordinary_tls():
    """For all that want nothing special: it takes four processes to make."""
    return make_tls(scratch("peer.") + "/tls")


class Peer:
    """Listens on a loopback port until stop()."""
    host, password = "127.0.0.1", PASSWORD
    speaks = Session

    def __init__(self, caps=MODERN, tls=True, permanent=None, **certificate):
        self.caps = caps
        self.permanent = permanent or \
            "\\Answered \\Flagged \\Deleted \\Seen \\Draft \\*"
        self.rules = Rules()
        self.lock = threading.RLock()
        self.overflows = 0       # how often NOTIFY gives up
        self.boxes = {}
        self.subscribed = None   # names, also of what is not there; None: all
        self.odd = set()         # names that go out as they stand
        self.sent = []           # every command, without its tag
        self.literals = []
        self.in_clear = b""      # what came without TLS
        self.trouble = []        # commands that the peer did not understand
        self.flights = 0
        self.connections = 0
        self.down = self.up = 0  # bytes of all connections
        self.sessions = []
        self.halt = threading.Event()
        self.ca = make_tls(scratch("peer.") + "/tls", **certificate) if certificate \
            else ordinary_tls()
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*(f"{os.path.dirname(self.ca)}/{what}.pem"
                                       for what in ("cert", "key")))
        self.tls = tls
        self.box("INBOX")
        self.listener = socket.create_server((self.host, 0))
        self.port = self.tls_port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def can(self, capability):
        return capability.upper() in self.caps.upper().split()

    def message_limit(self):
        """Messages in one command, or None."""
        found = re.search(r"\bMESSAGELIMIT=(\d+)", self.caps)
        return int(found[1]) if found else None

    def kept(self, flags):
        """Those that PERMANENTFLAGS allows."""
        allowed = self.permanent.split()
        return {f for f in flags if f in allowed or ("\\*" in allowed and f[0] != "\\")}

    def on(self, pattern, action, times=-1):
        """Answer commands that match (from their verb on) with ${action}; the
        verbs GREETING, DONE and "LITERAL APPEND" are the peer's own words."""
        self.rules.table.append([pattern, action, times])

    def clear(self):
        """No rules, and nothing recorded."""
        with self.lock:
            self.rules.__init__()
            self.sent.clear()
            self.literals.clear()
            self.in_clear = b""
            self.flights = self.connections = self.down = self.up = 0

    def box(self, name, attrs=(), odd=False):
        """A new, empty mailbox; ${odd}: its name is not modified UTF-7."""
        with self.lock:
            self.boxes[name] = Box(name, 1_700_000_000 + len(self.boxes), attrs)
            if odd:
                self.odd.add(name)
            return self.boxes[name]

    def client(self, user="u1"):
        """A witness of what is there."""
        return Client(self.host, self.port, user, self.password, tls=self.tls)

    def message_id(self, msg):
        """The same for the same bytes, as Gmail's is for a copy."""
        return hash(msg.data) & 0x7fffffffffffffff

    def deliver(self, folder, data, flags=(), date=None):
        """A new message, told to whoever idles on the folder."""
        with self.lock:
            self.boxes[folder].add(data, flags, date)

    def accept(self):
        while not self.halt.is_set():
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    def serve(self, sock):
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.lock:
                self.connections += 1
            if self.tls:
                sock = self.context.wrap_socket(sock, server_side=True)
        except OSError:
            sock.close()
            return
        session = self.speaks(self, sock)
        with self.lock:
            self.sessions.append(session)
        session.run()
        with self.lock:
            self.sessions.remove(session)

    def stop(self):
        self.halt.set()
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        self.drop()

    def drop(self, but=None):
        """Lose every connection, but the one of a client there."""
        with self.lock:
            for s in self.sessions:
                try:
                    if s.sock.getpeername() != but:
                        s.sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass    # its own end was faster
