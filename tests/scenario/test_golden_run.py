"""What people read when a run goes wrong: every code, in its whole words, from a real
run against real and scripted servers.

`SYNCD_GOLDEN=write` writes tests/golden/runs.txt anew: read the difference as a
user would before committing it.  `SYNCD_GOLDEN=all` runs all cases (half a minute);
by itself the test runs one of each family.  Mistakes in the configuration are test_golden.py's.
"""
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import threading
import time
import unittest

import peer
from case import limit, local_message, message
from dns import Dns
from peer import Peer, before, bye, cut, no, raw, stall
from poppeer import FULL, Mail, PopPeer, err
from server import free_ports, make_tls, scratch, wait_for
from syncd import BINARY, ROOT, Syncd, merge

GOLDEN = os.path.join(ROOT, "tests/golden/runs.txt")
OTHER = os.path.join(ROOT, "tests/golden/errors.txt")
QUICK = {"limits": {"timeout": {"connect": "2s", "response": "2s"}}}

# Codes that no run can be made to show, and why.
UNMADE = {
    "daemon.sandbox": "a kernel without Landlock or seccomp",
    "internal.ipc": "two processes of one program that disagree",
    "internal.poll": "poll(2) that fails",
    "internal.role": "fork(2) that fails",
    "internal.signals": "signalfd(2) that fails",
    "ipc.conf": "two processes of one program that disagree",
    "net.changed": "it is never shown: the next connection is made at once",
    "config.missing": "a configuration that fails without a word of its own",
    "internal.plan": "a plan of more lines than anybody has mail",
    "plugin.no-host": "the log has its words, without the code",
    "plugin.store-full": "the script's own error has its words",
    "proto.bad-search": "a mistake of ours in a request",
    "proto.dead": "a mistake of ours after an error",
    "state.absent": "the commands look for the file first",
    "store.case-collision": "a file system that ignores case",
    "store.file-changed": "a file that changes in the microseconds of its upload",
    "store.not-a-message": "a file that becomes another kind of file while we look",
    "store.read": "a disk that fails while a file is read",
    "tls.library": "OpenSSL that cannot be set up",
}


def plain(text, home, ports=()):
    """What differs from run to run, named."""
    text = text.replace(home, "~")
    text = re.sub(r"/\S*/tls/ca\.pem", "CA.pem", text)
    text = re.sub(r"sha256/[A-Za-z0-9+/]{43}=", "sha256/KEY", text)
    for port in sorted(set(ports), reverse=True):
        text = re.sub(rf"\b{port}\b", "PORT", text)
    text = re.sub(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\dZ?", "DATE", text)
    text = re.sub(r"on \d{4}-\d\d-\d\d", "on DATE", text)
    text = re.sub(r"  since \d+ (s|min) ago", "", text)
    text = re.sub(r"(?m)^([●▲✗] a) .*", r"\1", text)    # its state goes on
    text = re.sub(r"after \d+ s, state .*?, starting", "after N s", text)
    text = re.sub(r"after \d{8} bytes", "after N bytes", text)
    text = re.sub(r"secs=[\d.]+|[\d.]+ us median", "TOOK", text)
    text = re.sub(r"(exit code \d+|while the job waited), [\w ]+", r"\1", text)
    text = re.sub(r"\b\d{9,}\.[\w.]+(,S=\d+)?(:2,\w*)?", "FILE", text)
    text = re.sub(r"\d+ MiB (are )?free", "N MiB free", text)
    return text


class Stage:
    """A server of each kind, and a syncd of its own for each case."""

    def __init__(self):
        self.imap, self.pop = Peer(), PopPeer()
        self.syncd = None
        self.more = []
        self.ports = []

    def peer(self, account=None, server=None, drop_root=False, top=None):
        """An honest IMAP server with some mail, and an account there."""
        p = server or self.imap
        if p is self.imap:
            p.clear()
            p.caps, p.password = peer.MODERN, Peer.password
            p.boxes.clear()
            p.box("INBOX")
        for i in range(3):
            p.boxes["INBOX"].add(message(f"m{i}"), (), 1_600_000_000 + i)
        self.begin(Syncd(p, account=merge(json.loads(json.dumps(QUICK)), account or {}),
                         drop_root=drop_root, top=top))
        return p

    def other(self, **knobs):
        p = Peer(**knobs)
        self.more.append(p)
        return p

    def popper(self, account=None, caps=FULL):
        self.pop.reset(caps)
        self.pop.mails = [Mail(f"id{i}", message(f"m{i}")) for i in range(3)]
        conf = {"protocol": "pop3", "tls": {"mode": "implicit", "ca_file": self.pop.ca}}
        self.begin(Syncd(self.pop, account=merge(merge(conf, QUICK), account or {})))
        return self.pop

    def begin(self, syncd):
        self.end()
        self.syncd = syncd
        self.tree = syncd.tree

    def set(self, **keys):
        merge(self.syncd.settings["accounts"]["a"], keys)
        self.syncd.write()

    def end(self):
        if self.syncd is not None and self.syncd.proc is not None:
            self.syncd.stop()

    def close(self):
        self.end()
        for p in self.more + [self.imap, self.pop]:
            p.stop()

    # -- what a case ends with -------------------------------------------

    def run(self, *args):
        """A command, all it says, and its exit code.  Several processes write
        progress and log, so of these only what is said nowhere else is kept."""
        r = self.syncd.run("--progress", "none", *args)
        said = (r.out + r.err).rstrip().splitlines()
        told = re.findall(r"(?m)^error\[([a-z.-]+)\]", r.err)
        said = [x for x in said if not re.match(r"\d{4}-\d\d-\d\dT", x) or
                any(f"[{code}]" in x for code in CODES if code not in told)]
        return f"$ syncd {' '.join(args)}\n" + "\n".join(said + [f"exit {r.rc}"])

    def sync(self):
        return self.run("sync")

    def status(self, code):
        """What `status` says once a new daemon has the problem."""
        self.syncd.start()
        return self.wait_status(code)

    def wait_status(self, code):
        def there():
            try:
                accounts = self.syncd.status()["accounts"]
            except (ValueError, KeyError):
                return False
            return any(p["code"] == code for a in accounts for p in a["problems"])
        wait_for(there, 20, f"{code}: {self.syncd.log()[-2000:]}", every=0.1)
        r = self.syncd.run("status")
        lines = r.out.splitlines()[1:]
        return f"$ syncd status\n[{code}]\n" + "\n".join(x.rstrip() for x in lines) \
            + f"\nexit {r.rc}"

    def daemon(self):
        """One that has done its first round."""
        self.syncd.start()

        def live():
            try:
                return self.syncd.status()["accounts"][0]["state"] in ("live", "polling")
            except (ValueError, KeyError, IndexError):
                return False
        wait_for(live, 15, "a live daemon", every=0.1)

    def ask(self, *lines, until=""):
        """What the control socket answers."""
        if not self.syncd.alive():
            self.syncd.start()
        path = os.path.join(self.syncd.state, "control.sock")
        found = []
        for at in (path, self.syncd.state + "/run/control.sock"):
            found.append(at)
        s = socket.socket(socket.AF_UNIX)
        # It has a name before anybody listens.
        wait_for(lambda: any(s.connect_ex(p) == 0 for p in found), 10, "a socket")
        f = s.makefile("rb")
        f.readline()
        try:
            for x in lines:
                s.sendall(x if isinstance(x, bytes) else x.encode() + b"\n")
        except BrokenPipeError:
            pass    # it has said why, and closed
        out = f.readline().decode()
        while until not in out:
            out = f.readline().decode()
        s.close()
        shown = [x if isinstance(x, str) else "(2 MiB without a line end)" for x in lines[-1:]]
        return "".join(f"> {x}\n" for x in shown) + out.rstrip()


CASES = {}    # name: (code, function)
CODES = set()


def case(code, what=""):
    """Decorator: a function of the stage that shows the ${code}."""
    def add(f):
        CASES[f"{code} {what}".strip()] = (code, f)
        CODES.add(code)
        return f
    return add


def peers(code, what="", conf=None, top=None, **fields):
    """Shorthand: rules of the IMAP server, then `syncd sync`."""
    def f(s, rules=fields.pop("rules", ()), caps=fields.pop("caps", None)):
        p = s.peer(conf, top=top)
        if caps:
            p.caps = caps
        for rule in rules:
            p.on(*rule)
        return s.sync()
    case(code, what)(f)



SIGN_IN = "AUTHENTICATE|LOGIN"

# ---- signing in -------------------------------------------------------------

peers("auth.refused", rules=[(SIGN_IN, no("[AUTHENTICATIONFAILED] Invalid credentials"))])
peers("auth.refused", "in words", rules=[(SIGN_IN, no("Login failed."))])
peers("auth.needs-app-password", rules=[
    (SIGN_IN, no("[ALERT] Application-specific password required: https://support.x.test/1"))])
peers("auth.client-disabled", rules=[
    (SIGN_IN, no("[ALERT] Your account is not enabled for IMAP use."))])
peers("auth.throttled", rules=[(SIGN_IN, no("[UNAVAILABLE] Temporary authentication failure"))])
peers("auth.mechanism-missing", caps="IMAP4rev1 LOGINDISABLED AUTH=XOAUTH2")
peers("auth.mechanism-missing", "that is configured",
      {"auth": {"mechanisms": ["SCRAM-SHA-256"]}}, caps="IMAP4rev1 AUTH=PLAIN")


@case("auth.refused", "a daemon waits for you")
def _(s):
    s.peer().on(SIGN_IN, no("[AUTHENTICATIONFAILED] Invalid credentials"))
    return s.status("auth.refused")


@case("auth.refused", "check --online")
def _(s):
    s.peer().on(SIGN_IN, no("[AUTHENTICATIONFAILED] Invalid credentials"))
    return s.run("check", "--online")


@case("auth.token-expired")
def _(s):
    p = s.peer()
    p.caps += " AUTH=XOAUTH2"
    del s.syncd.settings["accounts"]["a"]["auth"]
    s.set(auth={"token_command": "echo tok"})
    p.on("AUTHENTICATE", no("[AUTHENTICATIONFAILED] Invalid credentials (Failure)"))
    return s.sync()


@case("auth.refused", "POP3")
def _(s):
    s.popper().on("PASS|AUTH", err("[AUTH] Invalid login"))
    return s.sync()


@case("auth.throttled", "POP3")
def _(s):
    s.popper().on("PASS|AUTH", err("[LOGIN-DELAY] too soon"))
    return s.sync()


def secret(code, what="", timeout=None, **auth):
    def f(s):
        s.peer()
        del s.syncd.settings["accounts"]["a"]["auth"]
        s.set(auth=dict(auth, **({"command_timeout": timeout} if timeout else {})))
        return s.sync()
    case(code, what)(f)


secret("secret.command-failed", password_command="echo 'gpg: decryption failed: No secret key'"
       " >&2; exit 2")
secret("secret.command-failed", "that is not there", password_command=["no-such-program", "x"])
secret("secret.command-timeout", timeout="1s", password_command="sleep 5")
secret("secret.empty", password_command="true")
secret("secret.invalid", password_command="printf 'a\\000b\\n'")
secret("secret.invalid", "a whole file", password_command="yes | head -c 100000")
secret("secret.file", password_file="~/nowhere")
secret("secret.no-credentials", credential="imap")


@case("secret.file-mode")
def _(s):
    s.peer()
    path = s.syncd.dir + "/open"
    with open(path, "w", encoding="ascii") as f:
        f.write("x\n")
    os.chmod(path, 0o644)
    del s.syncd.settings["accounts"]["a"]["auth"]
    s.set(auth={"password_file": path})
    return s.run("check")


# ---- TLS --------------------------------------------------------------------

@case("tls.untrusted")
def _(s):
    s.peer({"tls": {"ca_file": make_tls(scratch("ca.") + "/tls")}})
    return s.sync()


@case("tls.expired")
def _(s):
    s.peer(server=s.other(days=-1))
    return s.sync()


@case("tls.name-mismatch")
def _(s):
    s.peer(server=s.other(names=("DNS:imap.elsewhere.test", "DNS:mail.elsewhere.test")))
    return s.sync()


@case("tls.pin-mismatch")
def _(s):
    s.peer({"tls": {"pin": ["sha256/" + "A" * 43 + "="]}})
    return s.sync()


@case("tls.ca-file")
def _(s):
    s.peer({"tls": {"ca_file": "/nowhere/ca.pem"}})
    return s.sync()


@case("tls.client-cert")
def _(s):
    s.peer({"tls": {"client_cert": {"cert": "/nowhere/c.pem", "key": "/nowhere/k.pem"}}})
    return s.sync()


@case("tls.too-old")
def _(s):
    import ssl
    p = s.other()
    p.context.minimum_version = ssl.TLSVersion.TLSv1
    p.context.maximum_version = ssl.TLSVersion.TLSv1_1
    p.context.set_ciphers("ALL:@SECLEVEL=0")
    s.peer(server=p)
    return s.sync()


@case("tls.handshake", "no TLS at this port")
def _(s):
    s.peer(server=s.other(tls=False))
    return s.sync()


@case("tls.starttls-stripped")
def _(s):
    s.peer({"tls": {"mode": "starttls"}}, server=s.other(tls=False))
    return s.sync()


@case("tls.injected")
def _(s):
    p = s.other(tls=False, caps="IMAP4rev1 STARTTLS SASL-IR UIDPLUS")
    s.peer({"tls": {"mode": "starttls"}}, server=p)
    p.on("STARTTLS", raw(b"TAG OK begin\r\n* 99 EXISTS\r\n"))
    return s.sync()


# ---- the network ------------------------------------------------------------

@case("net.refused")
def _(s):
    s.peer()
    port = free_ports(1)[0]
    s.ports.append(port)
    s.set(port=port)
    return s.sync()


@case("net.closed", "the tunnel")
def _(s):
    s.peer()
    conf = s.syncd.settings["accounts"]["a"]
    del conf["tls"], conf["port"]
    s.set(tunnel_command=["/nowhere/ssh", "host"])
    return s.sync()


@case("net.dns")
def _(s):
    s.peer()
    s.set(host="imap.exmaple.invalid")
    s.syncd.wrap = ("unshare", "-rn")
    return s.sync()


@case("net.offline")
def _(s):
    s.peer()
    s.set(host="192.0.2.1")
    s.syncd.wrap = ("unshare", "-rn")
    return s.sync()


@case("net.closed")
def _(s):
    s.peer().on("LIST", cut())
    return s.sync()


@case("net.reset")
def _(s):
    def reset(session, tag, verb, args):
        import struct
        sock = session.sock
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(sock.detach())
        raise peer.Closed
    p = s.other(tls=False)
    s.peer({"tls": {"mode": "none"}}, server=p)
    p.on("LIST", reset)
    return s.sync()


peers("net.timeout", rules=[("LIST", stall(10))])


@case("net.deflate")
def _(s):
    p = s.peer({"compress": "yes"})
    p.caps += " COMPRESS=DEFLATE"
    p.on("COMPRESS", raw(b"TAG OK begin\r\n\xff\xff\xff\xff\xff\xff"))
    return s.sync()


# ---- what servers say -------------------------------------------------------

peers("proto.bye", rules=[("LIST", bye("Server shutting down"))])
peers("proto.unexpected", "in an answer", rules=[("LIST", raw(b"* LIST (((\r\nTAG OK done\r\n"))])
peers("proto.line-too-long", rules=[("LIST", raw(b"* " + b"x" * 20_000_000 + b"\r\n"))])
peers("proto.literal-too-big", rules=[("LIST", raw(b"* LIST () \"/\" {99999999}\r\n"))])
peers("proto.literal-length", rules=[("UID FETCH.*BODY", raw(
    b"* 1 FETCH (UID 1 BODY[] {5}\r\nabcdefghij)\r\nTAG OK done\r\n"))])
peers("proto.other-server", rules=[("GREETING", raw(b"220 mx.x.test ESMTP\r\n"))])
peers("proto.preauth-flood", rules=[("GREETING", raw(b"* OK hello\r\n" * 200_000))])
peers("proto.too-deep", rules=[("LIST", raw(b"* LIST " + b"(" * 2000 + b"\r\nTAG OK done\r\n"))])
peers("server.limit-connections", rules=[
    (SIGN_IN, no("[LIMIT] Too many simultaneous connections. (Failure)"))])
peers("server.over-rate", rules=[(SIGN_IN, no("Account exceeded command or bandwidth limits"
                                              " (rate limit)"))])
peers("server.refused", rules=[("LIST", no("[SERVERBUG] internal error"))])
peers("proto.unexpected", "another UIDVALIDITY", rules=[
    ("UID FETCH", before(b"* OK [UIDVALIDITY 99] changed\r\n"))])


@case("server.too-big")
def _(s):
    p = s.peer({"limits": {"max_message_size": "64KiB"}})
    p.boxes["INBOX"].add(message("large", "x" * 200_000))
    return s.status("server.too-big")


@case("server.poison")
def _(s):
    s.peer().on("UID FETCH.*BODY", no("[SERVERBUG] cannot read the message"))
    return s.status("server.poison")


@case("server.uidvalidity")
def _(s):
    p = s.peer()
    s.syncd.sync()
    p.boxes["INBOX"].add(message("more"))
    p.box("Other").add(message("other"))
    s.tree.set_flags("INBOX", "Subject: m1", "F")

    def renumber(session, tag, verb, args):
        p.boxes["INBOX"].validity += 1
        return False
    p.on("SELECT .?INBOX", lambda *_: False, times=1)
    p.on("SELECT .?INBOX", renumber)
    return s.sync()


@case("server.too-many-folders")
def _(s):
    p = s.peer()
    p.on("LIST", lambda t, tag, verb, args: [t.write(b"".join(
        b'* LIST () "/" "f%d"\r\n' % i for i in range(20_001))), t.tagged(tag, "OK done")])
    return s.sync()


@case("server.quota")
def _(s):
    p = s.peer()
    s.syncd.sync()
    p.on("APPEND|LITERAL APPEND", no("[OVERQUOTA] Quota exceeded (mailbox for user is full)"))
    s.tree.add("INBOX", local_message("near"), "S")
    return s.sync()


@case("server.read-only")
def _(s):
    p = s.peer()
    p.box("Shared").add(message("shared"))
    p.boxes["Shared"].readonly = True
    s.syncd.sync()
    s.tree.set_flags("Shared", "Subject: shared", "F")
    return s.status("server.read-only")


@case("server.refused-message")
def _(s):
    p = s.peer()
    s.syncd.sync()
    p.on("APPEND|LITERAL APPEND", no("[CANNOT] I do not like it"))
    s.tree.add("INBOX", local_message("near"), "S")
    return s.status("server.refused-message")


@case("server.folder-name-invalid")
def _(s):
    p = s.peer()
    s.syncd.sync()
    p.on("CREATE", no("[CANNOT] Invalid mailbox name"))
    s.tree.create_folder("What?")
    return s.status("server.folder-name-invalid")


@case("server.folder-gone")
def _(s):
    p = s.peer()
    p.box("Old").add(message("kept"))
    s.syncd.sync()
    del p.boxes["Old"]
    return s.status("server.folder-gone")


@case("store.folder-gone")
def _(s):
    p = s.peer()
    p.box("Old").add(message("kept"))
    s.syncd.sync()
    shutil.rmtree(s.tree.path("Old"))
    return s.status("store.folder-gone")


# ---- POP3 -------------------------------------------------------------------

@case("server.in-use")
def _(s):
    s.popper().on("PASS|AUTH", err("[IN-USE] Do you have another POP session running?"))
    return s.sync()


@case("server.unavailable", "POP3")
def _(s):
    s.popper().on("PASS|AUTH", err("[SYS/TEMP] try again later"))
    return s.sync()


@case("server.no-uidl")
def _(s):
    s.popper(caps=("TOP", "USER"))
    return s.sync()


@case("server.expire")
def _(s):
    s.popper(caps=FULL + ("EXPIRE 0",))
    return s.status("server.expire")


@case("guard.uidl-change")
def _(s):
    p = s.popper(caps=tuple(c for c in FULL if c != "TOP"))
    s.syncd.sync()
    for m in p.mails:
        m.uidl = "new" + m.uidl
    return s.sync()


# ---- guards -----------------------------------------------------------------

@case("guard.max-delete")
def _(s):
    s.peer({"guards": {"max_delete": {"count": 1, "percent": 10}}})
    s.syncd.sync()
    for i in range(3):
        s.tree.delete("INBOX", f"Subject: m{i}")
    return s.sync()


@case("guard.max-delete", "a daemon waits for you")
def _(s):
    s.peer({"guards": {"max_delete": {"count": 1, "percent": 10}}})
    s.syncd.sync()
    for i in range(3):
        s.tree.delete("INBOX", f"Subject: m{i}")
    return s.status("guard.max-delete")


@case("guard.uidvalidity")
def _(s):
    p = s.peer({"guards": {"uidvalidity_change": "hold"}})
    s.syncd.sync()
    p.boxes["INBOX"].renumber()
    return s.sync()


# ---- this machine -----------------------------------------------------------

@case("store.marker-missing")
def _(s):
    s.peer()
    s.syncd.sync()
    shutil.rmtree(s.tree.root)
    os.mkdir(s.tree.root)
    return s.sync()


@case("store.no-space")
def _(s):
    s.peer({"guards": {"min_free_space": "999999GiB"}})
    return s.sync()


@case("store.permission")
def _(s):
    s.peer(drop_root=True)
    os.makedirs(s.tree.root, exist_ok=True)
    os.chown(s.tree.root, 0, 0)
    os.chmod(s.tree.root, 0o755)
    return s.sync()


@case("store.permission", "check")
def _(s):
    s.peer(drop_root=True)
    os.makedirs(s.tree.root, exist_ok=True)
    os.chown(s.tree.root, 0, 0)
    os.chmod(s.tree.root, 0o755)
    return s.run("check")


@case("store.not-a-maildir")
def _(s):
    s.peer()
    s.syncd.sync()
    shutil.rmtree(s.tree.path("INBOX") + "/cur")
    with open(s.tree.path("INBOX") + "/cur", "w", encoding="ascii"):
        pass
    return s.sync()


@case("store.name-too-long")
def _(s):
    s.peer().box("x" * 300)
    return s.status("store.name-too-long")


@case("store.watch-limit")
def _(s):
    s.peer()
    s.syncd.wrap = ("unshare", "-r", "sh", "-c",
                    'echo 1 > /proc/sys/user/max_inotify_watches; exec "$@"', "sh")
    return s.status("store.watch-limit")


@case("store.file-limit")
def _(s):
    s.peer()
    s.syncd.wrap = ("prlimit", "--nofile=64:64")
    return s.run("check")


@case("config.no-nmcli")
def _(s):
    s.peer({"schedule": {"only_if": ["unmetered"]}})
    s.syncd.env = {"PATH": "/nonexistent"}
    return s.run("check")


@case("state.corrupt")
def _(s):
    s.peer()
    s.syncd.sync()
    with open(s.syncd.state + "/a.db", "r+b") as f:
        f.write(b"not a database at all" * 10)
    return s.sync()


@case("state.corrupt", "a daemon waits for you")
def _(s):
    s.peer()
    s.syncd.sync()
    with open(s.syncd.state + "/a.db", "r+b") as f:
        f.write(b"not a database at all" * 10)
    return s.status("state.corrupt")


@case("state.newer-version")
def _(s):
    s.peer()
    s.syncd.sync()
    db = sqlite3.connect(s.syncd.state + "/a.db")
    db.execute("PRAGMA user_version = 9999")
    db.commit()
    db.close()
    return s.sync()


@case("state.io")
def _(s):
    s.peer(top={"state_dir": "/proc/nowhere/state"})
    return s.sync()


@case("state.locked")
def _(s):
    s.peer()
    s.syncd.start()
    wait_for(lambda: s.syncd.run("status").rc in (0, 1), 10, "the daemon")
    return s.run("run")


# ---- accounts, scripts, backups ---------------------------------------------

@case("account.disabled")
def _(s):
    s.peer({"enabled": False})
    s.syncd.settings["accounts"]["a"]["enabled"] = "no"
    s.syncd.write()
    return s.run("sync", "a")


@case("account.paused")
def _(s):
    s.peer()
    s.syncd.start()
    wait_for(lambda: s.syncd.run("pause", "a").rc == 0, 10, "pausing")
    return s.run("sync", "a")


@case("config.permissions")
def _(s):
    s.peer()
    os.chmod(s.syncd.conf, 0o666)
    return s.run("check")


@case("config.unreadable")
def _(s):
    s.peer(drop_root=True)
    os.chmod(s.syncd.conf, 0)
    return s.run("check")


@case("config.no-script")
def _(s):
    s.peer(top={"plugins": ["nosuch"]})
    return s.sync()


@case("target.unknown", "a folder")
def _(s):
    s.peer()
    return s.run("sync", "a/Nowhere")


def script(s, text, top=None):
    path = None
    s.peer()
    path = s.syncd.dir + "/mine.lua"
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    os.chmod(path, 0o600)
    s.syncd.settings["plugins"] = [merge({"script": path}, top or {})]
    s.syncd.write()


@case("plugin.error")
def _(s):
    script(s, 'plugin { api = 1 }\ncommand("tidy", "up", function(msgs)\n  msgs[1]:nosuch()\n'
           'end)\n')
    s.syncd.sync()
    s.daemon()
    return s.run("cmd", "tidy", s.tree.messages("INBOX")[0].path)


@case("backup.damaged")
def _(s):
    s.peer({"policy": "backup", "backup": {"manifest": True}})
    s.set(backup={"manifest": "yes"})
    s.syncd.sync()
    path = s.tree.messages("INBOX")[0].path
    with open(path, "ab") as f:
        f.write(b"x")
    return s.run("verify", "a")


# ---- the daemon and its socket ----------------------------------------------

@case("daemon.not-running")
def _(s):
    s.peer()
    return s.run("reload")


@case("method.unknown")
def _(s):
    s.peer()
    return s.ask('{"id": 1, "method": "statsu"}')


@case("job.unknown")
def _(s):
    s.peer()
    return s.ask('{"id": 1, "method": "job.wait", "params": {"job": 99}}')


@case("control.bad-json")
def _(s):
    s.peer()
    return s.ask("hello")


@case("control.bad-request")
def _(s):
    s.peer()
    return s.ask('{"id": 1, "params": {}}')


@case("control.too-long")
def _(s):
    s.peer()
    return s.ask(b"x" * (2 << 20))


@case("control.too-many")
def _(s):
    s.peer().on("LIST", stall(3))
    return s.ask('{"id": 0, "method": "sync"}', *(
        f'{{"id": {i}, "method": "job.wait", "params": {{"job": "j1"}}}}' for i in range(1, 70)),
        until="error")


def impostor(*said):
    """A daemon that says this to whoever connects, and no more."""
    def f(s, *args):
        s.peer()
        path = s.syncd.dir + "/fake.sock"
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen(4)

        def serve():
            conn, _ = listener.accept()
            for line in said:
                conn.sendall(line)
                if line.startswith(b'{"hello'):
                    conn.recv(4096)
            if said:
                conn.close()
            else:
                time.sleep(8)
        threading.Thread(target=serve, daemon=True).start()
        try:
            return s.run(*args, "--socket", path)
        finally:
            listener.close()
    return f


HELLO = b'{"hello":"syncd","protocol":1,"version":"0.1.0","pid":1,"seq":0}\n'


@case("daemon.gone")
def _(s):
    return impostor(HELLO)(s, "reload")


@case("daemon.protocol")
def _(s):
    return impostor(b"220 smtp.x.test ESMTP\n")(s, "reload")


@case("daemon.timeout")
def _(s):
    return impostor()(s, "reload")


@case("config.rejected")
def _(s):
    s.peer()
    s.daemon()
    s.set(prot=1)
    return s.ask('{"id": 1, "method": "reload"}')


@case("account.stopped")
def _(s):
    s.peer().on("LIST", stall(20))
    s.set(limits={"timeout": {"response": "30s"}})
    s.syncd.start()
    wait_for(lambda: s.imap.sent, 10, "a connection")
    out = {}

    def ask():
        out["text"] = s.run("sync", "a")
    t = threading.Thread(target=ask)
    t.start()
    time.sleep(0.5)
    s.syncd.run("pause", "a")
    t.join()
    return out["text"]


@case("backup.stale")
def _(s):
    s.peer({"schedule": {"alert_after": "1s"}}).on("LIST", no("[UNAVAILABLE] not now"))
    return s.status("backup.stale")


@case("backup.incomplete")
def _(s):
    s.peer()
    s.syncd.sync()
    target = s.other()
    s.syncd.add_account("new", target, "u1", QUICK)
    target.on("APPEND|LITERAL APPEND", no("[CANNOT] Message contains invalid header"))
    return s.run("restore", "a", "--to", "new")


@case("internal.worker")
def _(s):
    s.peer()
    s.daemon()
    kids = subprocess.run(("pgrep", "-P", str(s.syncd.proc.pid)), capture_output=True,
                          text=True, check=True).stdout.split()
    for kid in kids:
        os.kill(int(kid), signal.SIGKILL)
    return s.wait_status("internal.worker")


@case("guard.script")
def _(s):
    script(s, 'plugin { api = 1 }\non.removing(function(ev)\n'
           '  ev:hold(#ev.messages .. " deletions look like an accident")\nend)\n')
    s.syncd.sync()
    for i in range(3):
        s.tree.delete("INBOX", f"Subject: m{i}")
    return s.sync()


@case("plugin.effect")
def _(s):
    script(s, 'plugin { api = 1, exec = { "false" } }\non.incoming({}, function(msg)\n'
           '  run { "false" }\nend)\n', {"allow": {"exec": ["false"]}})
    s.syncd.sync()
    s.imap.boxes["INBOX"].add(message("news"))
    return s.status("plugin.effect")


@case("store.io")
def _(s):
    s.peer()
    s.syncd.sync()
    with open("/dev/full", "wb") as full:
        proc = s.syncd.popen(("export", "a/INBOX", "--mbox"), stdout=full,
                             stderr=subprocess.PIPE)
        said = proc.communicate(timeout=20)[1].decode()
    return f"$ syncd export a/INBOX --mbox >/dev/full\n{said.rstrip()}\nexit {proc.returncode}"


# ---- init -------------------------------------------------------------------

def init(s, *args, email="u@mail.test", dns=None, stdin="", prepare=None):
    s.peer()
    home = s.syncd.dir + "/home"
    os.makedirs(home + "/.config/syncd")
    if prepare:
        prepare(home)
    with Dns(dns or {}) as names:
        argv = [BINARY, "init", email, "--dns", names.address, *args]
        r = subprocess.run(argv, env={"HOME": home, "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
                           capture_output=True, text=True, timeout=40, input=stdin, check=False)
    shown = " ".join(a for a in argv[1:] if a not in ("--dns", names.address))
    return f"$ syncd {shown}\n{(r.stdout + r.stderr).rstrip()}\nexit {r.returncode}"


@case("init.no-imap")
def _(s):
    return init(s, email="ann@tuta.com")


@case("init.nothing-found")
def _(s):
    return init(s)


@case("init.foreign-host")
def _(s):
    return init(s, dns={("_imaps._tcp.mail.test", "SRV"): [(0, 1, s.imap.port, "localhost")]})


@case("init.not-included", "and there is another account")
def _(s):
    def prepare(home):
        path = home + "/.config/syncd/syncd.yaml"
        with open(path, "w", encoding="ascii") as f:
            f.write("include: []\naccounts:\n  a: {host: h.test, user: u, password_command: x}\n")
        os.chmod(path, 0o600)
    return init(s, *right(s), "--secret", "file", stdin=s.imap.password + "\n", prepare=prepare)


def right(s):
    return ("--host", f"localhost:{s.imap.port}", "--ca-file", s.imap.ca, "--yes", "--stdin",
            "--user", "u1")


@case("auth.refused", "init")
def _(s):
    return init(s, *right(s), "--secret", "file", stdin="wrong\n")


@case("tls.untrusted", "init")
def _(s):
    return init(s, "--host", f"localhost:{s.imap.port}", "--yes", "--stdin", "--secret", "file",
                stdin="x\n")


@case("init.write")
def _(s):
    def prepare(home):
        with open(home + "/.config/syncd/accounts.d", "w", encoding="ascii"):
            pass
    return init(s, *right(s), "--secret", "file", stdin=s.imap.password + "\n", prepare=prepare)


@case("init.not-included")
def _(s):
    def prepare(home):
        path = home + "/.config/syncd/syncd.yaml"
        with open(path, "w", encoding="ascii") as f:
            f.write("include: [other/*.yaml]\n")
        os.chmod(path, 0o600)
    return init(s, *right(s), "--secret", "file", stdin=s.imap.password + "\n", prepare=prepare)


@case("secret.store-failed")
def _(s):
    def prepare(home):
        os.makedirs(home + "/.config/syncd/secrets/mail")
    return init(s, *right(s), "--secret", "file", stdin=s.imap.password + "\n", prepare=prepare)


# A command that gives a token is asked again after half a minute.
SLOW = ("auth.token-expired",)


class Runs(unittest.TestCase):
    maxDiff = None

    def work(self, todo, lock, said):
        """One of a few that do the cases."""
        stage = Stage()
        try:
            while True:
                with lock:
                    if not todo:
                        return
                    name = todo.pop(0)
                code, show = CASES[name]
                stage.ports = [stage.imap.port, stage.pop.port]
                try:
                    text = show(stage)
                except Exception as e:
                    text = f"no {code}: {e!r}"
                finally:
                    stage.end()
                stage.ports += [p.port for p in stage.more]
                said[name] = plain(text, stage.syncd.dir, stage.ports)
        finally:
            stage.close()

    def said(self):
        """What each case says, in their order."""
        said, lock = {}, threading.Lock()
        names = list(CASES)
        if not os.environ.get("SYNCD_GOLDEN"):
            families = {n.split(".")[0]: n for n in reversed(names) if not n.startswith(SLOW)}
            names = [n for n in names if n in families.values()]
        todo = sorted(names, key=lambda n: not n.startswith(SLOW))
        helpers = [threading.Thread(target=self.work, args=(todo, lock, said))
                   for _ in range(4)]
        for t in helpers:
            t.start()
        for t in helpers:
            t.join()
        return {name: said[name] for name in names}

    @limit(150)
    def test_every_failure_is_told_in_full(self):
        said = self.said()
        text = "".join(f"== {k}\n{v}\n\n" for k, v in said.items())
        if os.environ.get("SYNCD_GOLDEN") == "write":
            with open(GOLDEN, "w", encoding="utf-8") as f:
                f.write(text)
        with open(GOLDEN, encoding="utf-8") as f:
            want = dict(re.findall(r"(?ms)^== ([^\n]*)\n(.*?)\n\n(?=^== |\Z)", f.read()))
        for name, each in said.items():
            with self.subTest(name):
                # What happened, where and why; and what to type next.
                self.assertIn(CASES[name][0], each)
                self.assertRegex(each, r"(?m)^  = help: .|^    → .|\"remedy\":\"|^   = help")
                self.assertEqual(each, want.get(name))
        self.assertEqual(sorted(want), sorted(CASES))

    def test_every_code_has_a_case(self):
        listed = subprocess.run([BINARY, "explain", "--json"], capture_output=True, check=True)
        codes = {c["code"] for c in json.loads(listed.stdout)["codes"]}
        with open(OTHER, encoding="utf-8") as f:
            shown = set(re.findall(r"(?m)^(?:error|warning)\[([a-z.-]+)\]", f.read()))
        shown |= {code for code, _ in CASES.values()}
        self.assertEqual(sorted(codes - shown - set(UNMADE)), [], "codes without a case")
        self.assertEqual(sorted(shown & set(UNMADE)), [], "they can be made")
        self.assertEqual(sorted((shown | set(UNMADE)) - codes - {"usage"}), [], "no such code")
