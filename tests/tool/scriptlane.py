"""scriptlane — the worker's side of the script channel, for tests.

Starts the real syncd-script and speaks the frames of plugins/frame.h with it, so
that scripts can be tried without a server, a worker or a daemon.  It plays a small
world: messages with numbers, stores, a list of programs and what they answer.
"""
import array
import os
import socket
import struct
import subprocess
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("BUILD", "build")

INIT, ACCOUNT, LOAD, EVENT, REPLY, DROP = range(1, 7)
HELLO, LOADED, RESULT, CALL, LOG, METRIC = range(64, 70)
CALL_STORE, CALL_MESSAGE, CALL_SEARCH, CALL_UNSEEN, CALL_EXEC, CALL_SECRET, CALL_SERVER, CALL_LOOK, CALL_CONNECT, CALL_FILE = range(10)
KINDS = ("incoming delivered created uploaded flags moved removing removed folder "
         "sync_start sync_done settled online offline auth_failed timer "
         "command").split()
OPS = ("move archive trash copy delete flag unflag tag untag keep hold run send save "
       "append mailbox stop skip across").split()
KEYS = ("FROM TO CC BCC SUBJECT BODY HEADER KEYWORD SINCE BEFORE SENTSINCE SENTBEFORE "
        "LARGER SMALLER SEEN UNSEEN FLAGGED UNFLAGGED ANSWERED UNANSWERED DRAFT "
        "UNDRAFT").split()
ROLES = ["", "INBOX", "Sent", "Trash", "Junk", "Drafts", "Archive"]
FLAGS = {1: "draft", 2: "flagged", 4: "passed", 8: "answered", 16: "seen",
         32: "deleted"}
ALL = 0xffffffff


class Gone(Exception):
    """The script process ended."""


class Out:
    """A frame being written."""

    def __init__(self, kind):
        self.b = bytearray([kind])
        self.fds = []

    def u8(self, v):
        self.b.append(int(v))
        return self

    def u32(self, v):
        self.b += struct.pack("<I", v)
        return self

    def u64(self, v):
        self.b += struct.pack("<q" if v < 0 else "<Q", v)
        return self

    def str(self, s):
        s = s.encode() if isinstance(s, str) else s
        self.b += struct.pack("<I", len(s)) + s
        return self

    def strs(self, l):
        self.u32(len(l))
        for s in l:
            self.str(s)
        return self

    def blob(self, s):
        s = s.encode() if isinstance(s, str) else s
        if len(s) <= 16384:
            return self.u8(0).str(s)
        fd = os.memfd_create("blob")
        os.write(fd, s)
        self.fds.append(fd)
        return self.u8(1)


class In:
    """A frame being read."""

    def __init__(self, b, fds):
        self.b, self.at, self.fds = b, 1, list(fds)
        self.kind = b[0]

    def take(self, n):
        if self.at + n > len(self.b):
            raise ValueError("short frame")
        self.at += n
        return self.b[self.at - n:self.at]

    def u8(self):
        return self.take(1)[0]

    def u32(self):
        return struct.unpack("<I", self.take(4))[0]

    def u64(self):
        return struct.unpack("<q", self.take(8))[0]

    def str(self):
        return self.take(self.u32()).decode(errors="replace")

    def strs(self):
        return [self.str() for _ in range(self.u32())]

    def blob(self):
        if self.u8() == 0:
            return bytes(self.take(self.u32()))
        fd = self.fds.pop(0)
        data = os.pread(fd, os.fstat(fd).st_size, 0)
        os.close(fd)
        return data


class Message:
    def __init__(self, data=b"", **kw):
        self.data = data.encode() if isinstance(data, str) else data
        self.id = kw.pop("id", 1)
        self.uid = kw.pop("uid", self.id)
        self.mailbox = kw.pop("mailbox", "INBOX")
        self.origin = kw.pop("origin", "server")
        self.sys = sum(b for b, n in FLAGS.items() if n in kw.get("flags", ()))
        kw.pop("flags", None)
        self.keywords = list(kw.pop("keywords", []))
        self.date = kw.pop("date", 1767225600)
        self.path = kw.pop("path", "")
        self.sys_added = self.sys_removed = 0
        self.added = kw.pop("added", [])
        self.removed = kw.pop("removed", [])
        self.moved_from = kw.pop("moved_from", "")
        self.fd = kw.pop("fd", None)
        assert not kw, kw

    def put(self, out, with_fd=True):
        out.u64(self.id).u32(self.uid).u64(len(self.data)).u64(self.date)
        out.u32(self.sys).str(self.mailbox).str(self.path).str(self.origin)
        out.strs(self.keywords).u32(self.sys_added).u32(self.sys_removed)
        out.strs(self.added).strs(self.removed).str(self.moved_from).str("")
        if not with_fd:
            out.u8(0)
            return
        fd = self.fd
        if fd is None:
            with tempfile.TemporaryFile() as f:
                f.write(self.data)
                f.flush()
                fd = os.open(f"/proc/self/fd/{f.fileno()}", os.O_RDONLY)
        else:
            fd = os.dup(fd)
        out.u8(1).fds.append(fd)


class Op(dict):
    """One line of a plan."""
    __getattr__ = dict.__getitem__


class Plan:
    """What came of one message."""

    def __init__(self):
        self.ops, self.writes, self.faults, self.reply = [], [], [], ""

    def say(self):
        """["move Junk", "tag a b", ...], without what lost."""
        return [" ".join([o.verb, *o.args, *o.flags]) for o in self.ops
                if not o.lost]


class Script:
    """A running syncd-script."""

    def __init__(self, me=("me@example.org",), mailboxes=ROLES[1:], instructions=10000,
                 memory=64, actions=32, lua_dir=None, dirs=()):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.sock = ours
        ours.settimeout(20)

        def to_fd_3():
            os.dup2(theirs.fileno(), 3)
            os.set_inheritable(3, True)

        self.proc = subprocess.Popen([os.path.join(ROOT, BUILD, "syncd-script")],
                                     preexec_fn=to_fd_3, pass_fds=(3,),
                                     stdin=subprocess.DEVNULL)
        theirs.close()
        self.tmp = tempfile.TemporaryDirectory(prefix="syncd-lua-")
        self.lua_dir = lua_dir or os.path.join(ROOT, "lua")
        self.logs, self.metrics, self.loaded = [], {}, {}
        self.unseen = {}
        self.stores, self.programs, self.messages = {}, {}, {}
        self.secrets, self.secrets_asked = {}, []
        self.server, self.asked = [], None      # ids that it finds, or why not
        self.execs, self.names, self.next_event = [], {}, 0
        self.progress = os.memfd_create("progress")
        os.ftruncate(self.progress, 4096)
        out = Out(INIT)
        out.fds.append(os.dup(self.progress))
        out.str(self.lua_dir).strs([self.tmp.name, *dirs])
        out.u32(instructions).u32(memory).u32(actions)
        self.account(out, me, mailboxes)
        self.send(out)
        hello = self.recv()
        assert hello.kind == HELLO and hello.u32() == 1
        self.remarks = hello.str()

    def account(self, out, me, mailboxes):
        out.str("work").u8(1).strs(list(me)).u32(len(mailboxes))
        for m in mailboxes:
            out.str(m).u8(ROLES.index(m) if m in ROLES else 0).u32(3)

    def close(self):
        self.sock.close()
        self.proc.wait(10)
        os.close(self.progress)
        self.tmp.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """It goes by itself, unless it hangs."""
        self.sock.close()
        try:
            self.proc.wait(5)
        except subprocess.TimeoutExpired:
            self.proc.kill()
        self.close()

    # ---- frames ----

    def send(self, out):
        anc = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", out.fds))]
        try:
            self.sock.sendmsg([bytes(out.b)], anc if out.fds else [])
        except (BrokenPipeError, ConnectionResetError) as e:
            raise Gone from e
        finally:
            for fd in out.fds:
                os.close(fd)

    def recv(self):
        try:
            b, anc, _, _ = self.sock.recvmsg(1 << 18, 4096)
        except ConnectionResetError as e:
            raise Gone from e
        if not b:
            raise Gone
        fds = []
        for _, _, data in anc:
            a = array.array("i")
            a.frombytes(data[:len(data) - len(data) % 4])
            fds += a
        return In(b, fds)

    # ---- scripts ----

    def write(self, name, text):
        path = os.path.join(self.tmp.name, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def load(self, text=None, name="test.lua", id=0, options="", path=None,
             trusted=False, places=""):
        """Load a script; the error, "" when there is none."""
        self.load_begin(text, name, id, options, path, trusted, places)
        while id not in self.loaded:
            self.serve(self.recv())
        self.info = self.loaded.pop(id)
        return self.info["error"]

    def load_begin(self, text=None, name="test.lua", id=0, options="", path=None,
                   trusted=False, places=""):
        """Only ask for it."""
        if path is None:
            path = self.write(name, text)
        plugin = os.path.basename(name).removesuffix(".lua")
        self.names[id] = plugin
        self.send(Out(LOAD).u32(id).str(plugin).str(path).u8(trusted).str(options)
                  .str(places))

    def event(self, kind, *messages, only=ALL, mailbox="", what="", args=(), since=0,
              skip=(), with_fd=True):
        """Send an event; its number."""
        self.next_event += 1
        out = Out(EVENT).u32(self.next_event).u8(KINDS.index(kind)).u32(only)
        out.str(mailbox).str(what).strs(list(args)).u64(since).u32(0)
        out.u32(len(skip))
        for i, p in skip:
            out.u32(i).u32(p)
        out.u32(len(messages))
        for m in messages:
            self.messages[m.id] = m
            m.put(out, with_fd)
        self.send(out)
        return self.next_event

    def ask(self, kind, *messages, **kw):
        """Send it and wait for the plans: one a message, or one."""
        number = self.event(kind, *messages, **kw)
        n = len(messages) if messages and kind in KINDS[:6] + ["removed"] else 1
        self.plans = {i: Plan() for i in range(n)}
        self.open = set(range(n))
        self.number = number
        while self.open:
            self.serve(self.recv())
        plans = [self.plans[i] for i in range(n)]
        return plans if n > 1 else plans[0]

    # ---- what comes back ----

    def serve(self, f):
        if f.kind == LOADED:
            self.on_loaded(f)
        elif f.kind == RESULT:
            self.on_result(f)
        elif f.kind == CALL:
            self.on_call(f)
        elif f.kind == LOG:
            self.logs.append((f.u32(), f.u8(), f.str())[2])
        elif f.kind == METRIC:
            f.u32()
            name = f.str()
            self.metrics[name] = self.metrics.get(name, 0) + f.u64()
        else:
            raise ValueError(f"frame {f.kind}")
        if f.at != len(f.b):
            raise ValueError(f"frame {f.kind}: {len(f.b) - f.at} bytes too many")

    def on_loaded(self, f):
        id = f.u32()
        self.loaded[id] = {
            "error": f.str(),
            "kinds": (lambda bits: [k for i, k in enumerate(KINDS) if bits >> i & 1])(
                f.u64()), "initial": f.u64(),
            "timers": [(f.str(), f.u8()) for _ in range(f.u32())],
            "commands": [(f.str(), f.str()) for _ in range(f.u32())],
            "grants": [(f.str(), f.str()) for _ in range(f.u32())]}

    def on_result(self, f):
        for _ in range(f.u32()):
            number, index, last = f.u32(), f.u32(), f.u8()
            plan = self.plans.get(index, Plan()) if number == self.number else Plan()
            for _ in range(f.u32()):
                plan.ops.append(self.op(f))
            for _ in range(f.u32()):
                plan.writes.append(self.write_of(f))
            for _ in range(f.u32()):
                plan.faults.append((self.names.get(f.u32()), f.str(), f.str()))
            plan.reply += f.str()
            if last and number == self.number:
                self.open.discard(index)

    def op(self, f):
        op = Op(plugin=self.names.get(f.u32()), kind=OPS[f.u8()], verb=f.str(),
                where=f.str(), lost=f.str(), msg=f.u64(), args=f.strs())
        op["flags"] = [n for b, n in FLAGS.items() if (sys := f.u32() if b == 1 else
                                                       sys) & b]
        bits = f.u8()
        op["timeout"] = f.u64()
        op["whole"], op["once"] = bool(bits & 2), bool(bits & 4)
        op["bytes"] = f.blob() if bits & 1 else None
        return op

    def write_of(self, f):
        f.u32()
        store, key, remove, value, expires = f.str(), f.str(), f.u8(), f.blob(), f.u64()
        kept = self.stores.setdefault(store, {})
        if remove:
            kept.pop(key, None)
        else:
            kept[key] = value
        return store, key, None if remove else value, expires

    def on_call(self, f):
        call, _, kind = f.u32(), f.u32(), f.u8()
        out = Out(REPLY).u32(call).u8(0)
        if kind == CALL_STORE:
            kept, after = self.stores.get(f.str(), {}), f.str()
            keys = [k for k in sorted(kept) if k > after][:50]
            out.u8(bool(keys) and keys[-1] != max(kept)).u32(len(keys))
            for k in keys:
                out.str(k).blob(kept[k])
        elif kind == CALL_MESSAGE:
            m = self.messages.get(f.u64())
            out.u32(1 if m else 0)
            if m:
                m.put(out)
        elif kind == CALL_SEARCH:
            self.query = dict(after=f.u64(), mailbox=f.str(), set=f.u32(),
                              clear=f.u32(), keyword=f.str(), since=f.u64(),
                              before=f.u64(), larger=f.u64(), smaller=f.u64(),
                              message_id=f.str())
            found = [m for i, m in sorted(self.messages.items())
                     if i > self.query["after"]]
            out.u8(len(found) > 20).u32(len(found[:20]))
            for m in found[:20]:
                m.put(out, False)
        elif kind == CALL_UNSEEN:
            out.u32(self.unseen.get(f.str(), 0))
        elif kind == CALL_SERVER:
            boxes = f.strs()
            self.asked = boxes, [(KEYS[f.u8()], f.u32(), f.str(), f.str(), f.u64())
                                 for _ in range(f.u32())]
            if isinstance(self.server, str):
                out = Out(REPLY).u32(call).u8(1).str(self.server)
            else:
                out.blob(struct.pack(f"<{len(self.server)}Q", *self.server))
        elif kind == CALL_LOOK:
            ids = [f.u64() for _ in range(f.u32())]
            found = [self.messages[i] for i in ids if i in self.messages]
            out.u32(len(found))
            for m in found:
                m.put(out, False)
        elif kind == CALL_SECRET:
            self.secrets_asked.append(f.str())
            secret = self.secrets.get(self.secrets_asked[-1])
            if secret is None:
                out = Out(REPLY).u32(call).u8(1).str("no such file")
            else:
                out.blob(secret)
        elif kind in (CALL_EXEC, CALL_CONNECT):
            if kind == CALL_EXEC:
                argv, env, timeout = f.strs(), f.strs(), f.u64()
            else:
                argv, env, timeout = [f.str()], ["half"] * f.u8(), f.u64()
            stdin = f.blob() if f.u8() else None
            event = f.str()
            self.execs.append(Op(argv=argv, env=env, timeout=timeout, stdin=stdin,
                                 event=event))
            answer = self.programs.get(argv[0], (127, b"", b"not found"))
            if callable(answer):
                answer = answer(self.execs[-1])
            if isinstance(answer, str):
                out = Out(REPLY).u32(call).u8(1).str(answer)
            else:
                out.u32(answer[0]).u8(0).blob(answer[1]).blob(answer[2])
        self.send(out)
