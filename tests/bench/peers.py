"""peers.py — syncd and those that it is compared with: a configuration, a command
that does one round, and where the mail lies afterwards.

All are told to do the same: every folder, both ways, over verified TLS, each file
synced.  Where a peer has a switch for speed that costs no safety, it is set.
"""
import json
import os
import shutil
import subprocess
import time

from syncd import BINARY

class Peer:
    """One client of one user, with a directory of its own below ${place}."""
    name = None
    program = None
    package = None
    protocol = "imap"
    slow = False            # once only, and not with many messages

    def __init__(self, place, server, user):
        self.place = place
        self.server = server
        self.user = user
        self.reset()

    @classmethod
    def installed(cls):
        return shutil.which(cls.program) is not None

    @classmethod
    def version(cls):
        """As it says itself: its first line."""
        p = subprocess.run((cls.program, "--version"), capture_output=True, check=False)
        return (p.stdout or p.stderr).decode(errors="replace").strip().split("\n")[0]

    def reset(self):
        """Nothing was ever synced.  What was is put aside and not deleted: for
        minutes, ext4 looks at every inode that was freed when it makes a new one."""
        if os.path.exists(self.place):
            os.rename(self.place, f"{self.place}.{time.monotonic_ns()}")
        os.makedirs(self.place)
        self.tree = os.path.join(self.place, "mail")
        os.mkdir(self.tree)

    def write(self, name, text):
        path = os.path.join(self.place, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path, 0o600)
        return path

    def folder(self, name):
        """Its directory."""
        return os.path.join(self.tree, name)

    def command(self, port):
        """What does one round with the server at ${port}."""
        raise NotImplementedError

    def env(self):
        return {"HOME": self.place, "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}


class Syncd(Peer):
    name = "syncd"
    program = BINARY

    @classmethod
    def version(cls):
        return subprocess.run((BINARY, "version"), capture_output=True, check=False,
                              text=True).stdout.strip().split("\n")[0]

    def accounts(self, port):
        return {"a": self.account(port, self.user, self.tree)}

    def account(self, port, user, tree):
        secret = self.write("secret", self.server.password + "\n")
        return {"host": "127.0.0.1", "port": port, "user": user, "path": tree,
                "tls": {"mode": "implicit", "ca_file": self.server.ca},
                "auth": {"password_file": secret},
                "folders": {"sync": ["*"]},
                "trash": {"local_delete": "expunge"},
                "guards": {"max_delete": {"count": 5000, "percent": 100}}}

    def settings(self, port):
        state = os.path.join(self.place, "state")
        os.makedirs(state, mode=0o700, exist_ok=True)
        return {"state_dir": state, "accounts": self.accounts(port)}

    def config(self, port):
        return self.write("syncd.yaml", json.dumps(self.settings(port)))

    def command(self, port):
        return (BINARY, "-c", self.config(port), "sync", "--progress", "none")


class Mbsync(Peer):
    name = "mbsync"
    program = "mbsync"
    package = "isync"

    CONF = """
IMAPAccount a
Host localhost
Port {port}
User {user}
Pass {password}
{tls}
CertificateFile {ca}

IMAPStore far
Account a

MaildirStore near
Path {tree}/
Inbox {tree}/INBOX
SubFolders Verbatim

Channel a
{far} :far:
{near} :near:
Patterns *
Create Both
Expunge Both
SyncState {state}/
"""

    @classmethod
    def _old(cls):
        """Before 1.5 some keys had other names."""
        return cls.version().split()[-1] < "1.5"

    def command(self, port):
        state = os.path.join(self.place, "state")
        os.makedirs(state, exist_ok=True)
        path = self.write("mbsyncrc", self.CONF.format(
            port=port, user=self.user, password=self.server.password, ca=self.server.ca,
            tree=self.tree, state=state, far="Far", near="Near",
            tls="SSLType IMAPS" if self._old() else "TLSType IMAPS"))
        return ("mbsync", "-q", "-c", path, "a")


class OfflineImap(Peer):
    name = "offlineimap"
    program = "offlineimap"
    package = "offlineimap3"
    slow = True

    CONF = """
[general]
accounts = a
metadata = {place}/state
ui = quiet
fsync = true

[Account a]
localrepository = near
remoterepository = far

[Repository near]
type = Maildir
localfolders = {tree}

[Repository far]
type = IMAP
remotehost = localhost
remoteport = {port}
remoteuser = {user}
remotepass = {password}
ssl = yes
sslcacertfile = {ca}
maxconnections = 3
"""

    def command(self, port):
        path = self.write("offlineimaprc", self.CONF.format(
            place=self.place, tree=self.tree, port=port, user=self.user,
            password=self.server.password, ca=self.server.ca))
        return ("offlineimap", "-o", "-c", path)


class Mpop(Peer):
    name = "mpop"
    program = "mpop"
    package = "mpop"
    protocol = "pop3"

    CONF = """
account a
host localhost
port {port}
user {user}
password {password}
tls on
tls_starttls off
tls_trust_file {ca}
keep on
delivery maildir {inbox}
uidls_file {place}/uidls
"""

    def command(self, port):
        inbox = self.folder("INBOX")
        for sub in ("cur", "new", "tmp"):
            os.makedirs(os.path.join(inbox, sub), exist_ok=True)
        path = self.write("mpoprc", self.CONF.format(
            port=port, user=self.user, password=self.server.password,
            ca=self.server.ca, inbox=inbox, place=self.place))
        return ("mpop", "-q", "-C", path, "a")


class SyncdRules(Syncd):
    """With a script that looks at the header of each new message, twenty times."""
    name = "syncd-rules"

    SCRIPT = """plugin { api = 1 }
on.incoming({ mailbox = "INBOX" }, function(msg)
%s
end)
"""
    RULE = '  if msg.subject:find("no such word %d") then msg:tag("rule%d") end'

    def settings(self, port):
        rules = "\n".join(self.RULE % (i, i) for i in range(20))
        script = self.write("rules.lua", self.SCRIPT % rules)
        return dict(super().settings(port), plugins=[{"script": script}])


class SyncdPop3(Syncd):
    protocol = "pop3"

    def account(self, port, user, tree):
        conf = super().account(port, user, tree)
        for key in ("folders", "guards"):
            del conf[key]
        return dict(conf, protocol="pop3",
                    pop3={"keep_on_server": "forever", "max_per_session": 1_000_000})


class Imapfilter(Peer):
    """Keeps no copy of anything: the same twenty rules, as searches on the server."""
    name = program = package = "imapfilter"

    CONF = """options.timeout = 120
a = IMAP {{ server = "127.0.0.1", port = {port}, username = "{user}",
  password = "{password}", ssl = "auto" }}
for i = 0, 19 do
  a.INBOX:contain_subject("no such word " .. i):add_flags {{ "rule" .. i }}
end
"""

    @classmethod
    def version(cls):
        p = subprocess.run((cls.program, "-V"), capture_output=True, check=False)
        return (p.stdout or p.stderr).decode(errors="replace").strip().split("\n")[0]

    def command(self, port):
        path = self.write("config.lua", self.CONF.format(
            port=port, user=self.user, password=self.server.password))
        return ("imapfilter", "-t", self.server.ca, "-c", path)


ALL = (Syncd, Mbsync, OfflineImap, SyncdPop3, SyncdRules, Mpop, Imapfilter)
