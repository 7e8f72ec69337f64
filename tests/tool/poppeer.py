"""poppeer.py — a POP3 server that does what a scenario tells it to.

Wire, rules and records are peer.py's; a maildrop is a list of Mail:

	peer = PopPeer()
	peer.mails = [Mail("id1", b"Subject: one\r\n\r\nhello\r\n")]
	peer.on("RETR 1", err("broken"), times=1)
	peer.on("QUIT", cut())		# deletions are not done then
"""
import base64
import hashlib

from peer import Closed, Peer, Session
from server import PASSWORD

FULL = ("TOP", "UIDL", "USER", "PIPELINING", "RESP-CODES", "AUTH-RESP-CODE", "SASL PLAIN",
        "IMPLEMENTATION peer")
STAMP = "<1896.697170952@peer.example>"


def err(text="computer says no"):
    return lambda s, tag, verb, args: s.line("-ERR " + text)


def ok(text="done"):
    return lambda s, tag, verb, args: s.line("+OK " + text)


def stuffed(data):
    """A message as it goes over the wire, with the dot that ends it."""
    data = b"\r\n".join(b"." + x if x.startswith(b".") else x for x in data.split(b"\r\n"))
    return data + (b"" if data.endswith(b"\r\n") or not data else b"\r\n") + b".\r\n"


class Mail:
    """${size}: what LIST says instead of the truth; ${wire}: what RETR says
    after its +OK, to the last byte."""

    def __init__(self, uidl, data, size=None, wire=None):
        self.uidl, self.data = uidl, data
        self.size = len(data) if size is None else size
        self.wire = stuffed(data) if wire is None else wire


class PopSession(Session):
    hello = "+OK ready " + STAMP

    def __init__(self, peer, sock):
        super().__init__(peer, sock)
        self.listed = None        # by number, once signed in
        self.gone = set()

    def step(self):
        text = self.get_line().decode(errors="surrogateescape")
        self.record(text, [])
        verb, _, args = text.partition(" ")
        verb = verb.upper()
        if self.act("", verb, args):
            return
        handler = getattr(self, "do_" + verb.lower(), None)
        if handler is None or (self.listed is None and verb in self.SIGNED_IN):
            self.line("-ERR what?")
            return
        with self.peer.lock:
            handler(args)

    SIGNED_IN = ("LIST", "UIDL", "RETR", "TOP", "DELE", "STAT", "NOOP")

    # Who is there.

    def do_capa(self, args):
        if self.peer.caps is None:
            return self.line("-ERR what?")
        self.line("+OK")
        for cap in self.peer.caps:
            self.line(cap)
        self.line(".")

    def do_stls(self, args):
        self.line("+OK begin")
        self.begin_tls()

    def begin_tls(self):
        self.flush()
        self.sock = self.peer.context.wrap_socket(self.sock, server_side=True)

    def welcome(self, good):
        if not good:
            return self.line("-ERR [AUTH] wrong password")
        hidden = self.peer.hidden
        self.listed = [m for m in self.peer.mails if m not in hidden][:self.peer.shows]
        self.line("+OK hello")

    def do_user(self, args):
        self.user = args
        self.line("+OK and?")

    def do_pass(self, args):
        self.welcome(args == self.peer.password)

    def do_apop(self, args):
        digest = hashlib.md5((STAMP + self.peer.password).encode()).hexdigest()
        self.welcome(args.split()[-1] == digest)

    def do_auth(self, args):
        mechanism, _, initial = args.partition(" ")
        if not initial:
            self.line("+ ")
            initial = self.get_line().decode()
        said = base64.b64decode(initial).decode()
        self.peer.said.append((mechanism, said))
        self.welcome(self.peer.password in said)

    # The maildrop.

    def here(self):
        return [(i, m) for i, m in enumerate(self.listed, 1) if i not in self.gone]

    def of(self, args):
        return dict(self.here()).get(int(args.split()[0]))

    def listing(self, word):
        self.line("+OK")
        for i, m in self.here():
            text = self.peer.pattern[word].format(n=i, size=m.size, uidl=m.uidl)
            self.write(text.encode("utf-8", "surrogateescape") + b"\r\n")
        self.line(".")

    def do_list(self, args):
        self.listing("LIST")

    def do_uidl(self, args):
        if self.peer.caps is not None and "UIDL" not in self.peer.caps:
            return self.line("-ERR what?")
        self.listing("UIDL")

    def do_retr(self, args):
        mail = self.of(args)
        if mail is None:
            return self.line("-ERR no such message")
        self.peer.fetched.append(mail.uidl)
        if self.peer.hides:
            self.peer.fetched_now.append(mail)
        self.line("+OK")
        self.write(mail.wire)

    def do_top(self, args):
        mail = self.of(args)
        if mail is None or "TOP" not in (self.peer.caps or ()):
            return self.line("-ERR what?")
        self.line("+OK")
        self.write(stuffed(mail.data.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"))

    def do_dele(self, args):
        if self.of(args) is None:
            return self.line("-ERR no such message")
        self.gone.add(int(args))
        self.line("+OK")

    def do_noop(self, args):
        self.line("+OK")

    def do_quit(self, args):
        self.update()
        self.line("+OK bye")
        raise Closed

    def update(self):
        """What only QUIT makes real."""
        if self.listed is None:
            return
        gone = [self.listed[i - 1] for i in self.gone]
        if not self.peer.ignores_dele:
            self.peer.mails = [m for m in self.peer.mails if m not in gone]
        self.peer.hidden += self.peer.fetched_now
        self.peer.fetched_now = []


class PopPeer(Peer):
    """Knobs:
    caps		lines of CAPA, or None: there is no CAPA
    shows		how many messages a session lists at most
    hides		what was fetched is not listed after QUIT (Gmail)
    ignores_dele	DELE is answered, and nothing deleted
    pattern		how a line of LIST or UIDL looks
    """
    speaks = PopSession

    def __init__(self, tls=True, **certificate):
        super().__init__(FULL, tls, **certificate)
        self.reset()

    def reset(self, caps=FULL):
        """Honest, empty, and nothing recorded."""
        self.clear()
        self.caps, self.password = caps, PASSWORD
        self.mails, self.hidden, self.fetched_now = [], [], []
        self.fetched = []        # ids, in the order of RETR
        self.said = []           # (mechanism, what AUTH carried)
        self.shows = None
        self.hides = self.ignores_dele = False
        self.pattern = {"LIST": "{n} {size}", "UIDL": "{n} {uidl}"}
