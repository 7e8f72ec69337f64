"""dovecot.py — a private Dovecot: its own configuration, users and ports.

	with Dovecot(hide=("MOVE",), rawlog=True) as server:
		with server.client() as c: c.append("INBOX", b"...")

Runs without root rights; started as root it becomes an unprivileged user.
"""
import base64
import glob
import hmac
import json
import os
import re
import subprocess
import time

from imapclient import WITNESS
from server import Server, answers, free_ports, make_tls, scratch, unprivileged, wait_for

SPECIAL = ("Drafts", "Sent", "Trash", "Junk", "Archive")

STORAGE = {"mdbox": "mdbox:~/mdbox", "sdbox": "sdbox:~/sdbox", "maildir": "maildir:~/Maildir"}

CONF = """
base_dir = {dir}/run
state_dir = {dir}/run
log_path = {dir}/log
protocols = {protocols}
listen = 127.0.0.1
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
default_vsz_limit = 1G
mail_max_userip_connections = 0
auth_mechanisms = {mechanisms}
auth_failure_delay = {failure_delay} secs
disable_plaintext_auth = no
ssl = yes
ssl_cert = <{tls}/cert.pem
ssl_key = <{tls}/key.pem
mail_location = {location}
mail_home = {dir}/mail/%u
mail_uid = {user}
mail_gid = {group}
first_valid_uid = 1
first_valid_gid = 1
mail_fsync = never
mailbox_list_index = yes
mail_plugins = zlib notify {plugins}
mail_attribute_dict = file:%h/attributes
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {dir}/users
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={dir}/mail/%u
}}
namespace inbox {{
  inbox = yes
  separator = {separator}
{special}
}}
service imap-login {{
  chroot =
  service_count = 0
  process_min_avail = 1
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
service pop3-login {{
  chroot =
  inet_listener pop3 {{
    port = {pop3_port}
  }}
  inet_listener pop3s {{
    port = {pop3s_port}
    ssl = yes
  }}
}}
service imap {{
  # A spare process would hold up a stop: it waits for a dead stats server.
  process_min_avail = 0
}}
service anvil {{
  chroot =
  # Else one test's wrong password delays the logins of the next ones.
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
service auth {{
  chroot =
}}
protocol pop3 {{
  {pop3}
  {rawlog}
}}
protocol imap {{
  mail_plugins = $mail_plugins imap_zlib {imap_plugins}
  imap_metadata = yes
  {capability}
  {rawlog}
}}
plugin {{
{plugin_conf}
}}
{extra}
"""


class Dovecot(Server):
    """Knobs:
    users		how many of u1, u2, ... there are
    storage		"mdbox" | "sdbox" | "maildir"
    hide, add		capabilities to leave out of, or put into, the line
    only		the whole line
    rawlog		record what clients send, see commands()
    quota		"10M"
    mechanisms		SASL, as auth_mechanisms takes them
    tls			names in the certificate and days it is valid
    pop3		serve POP3 too, on pop3_port and pop3s_port; more of its
			settings, as text ("": none)
    oauth		accept XOAUTH2 and OAUTHBEARER tokens signed with oauth_key
    extra		more configuration, as text
    """
    kept = ("mail",)
    banner = "plain login cram-md5 scram-sha-1 scram-sha-256"

    def __init__(self, users=4, storage="mdbox", hide=(), add=(), only=(),
                 rawlog=False, quota=None, mechanisms=banner, tls=None, separator="/",
                 oauth=False, failure_delay=0, extra="", pop3=None):
        self.dir = scratch("dovecot.")
        self.users = [f"u{i}" for i in range(1, users + 1)]
        self.rawlog = rawlog
        self.ca = make_tls(self.dir + "/tls", **(tls or {}))
        owner = unprivileged()
        self._owner = owner
        self._write_users()
        self._settings = {
            "dir": self.dir, "tls": self.dir + "/tls", "user": owner.pw_name,
            "group": self._group(owner), "mechanisms": mechanisms,
            "failure_delay": failure_delay, "location": STORAGE[storage],
            "separator": separator, "special": self._special(),
            "plugins": "quota" if quota else "",
            "imap_plugins": "imap_quota" if quota else "",
            "plugin_conf": self._quota(quota), "capability": "",
            "rawlog": f"rawlog_dir = {self.dir}/rawlog/%u" if rawlog else "",
            "extra": extra, "pop3": pop3 or "",
            "protocols": "imap" if pop3 is None else "imap pop3",
        }
        self.pop3_port = self.pop3s_port = None
        if oauth:
            self._oauth()
        if only:
            self._settings["capability"] = "imap_capability = " + " ".join(only)
        self.start()
        if hide or add:
            self._change_capability(hide, add)

    @staticmethod
    def _group(owner):
        import grp
        return grp.getgrgid(owner.pw_gid).gr_name

    @staticmethod
    def _special():
        return "\n".join(f"  mailbox {name} {{\n    special_use = \\{name}\n"
                         "    auto = create\n  }" for name in SPECIAL)

    @staticmethod
    def _quota(limit):
        if not limit:
            return ""
        return ("  quota = count:User quota\n  quota_vsizes = yes\n  quota_grace = 0\n"
                f"  quota_rule = *:storage={limit}\n")

    def _oauth(self):
        """Tokens are checked here, against a key that oauth_key holds."""
        keys = self.dir + "/keys/default/HS256"
        os.makedirs(keys)
        self.oauth_key = os.urandom(32)
        with open(keys + "/default", "wb") as f:
            f.write(base64.b64encode(self.oauth_key))
        with open(self.dir + "/oauth2.ext", "w", encoding="ascii") as f:
            f.write("introspection_mode = local\nusername_attribute = sub\n"
                    f"local_validation_key_dict = fs:posix:prefix={self.dir}/keys/\n")
        self._settings["mechanisms"] += " xoauth2 oauthbearer"
        self._settings["extra"] += ("passdb {\n  driver = oauth2\n"
                                    "  mechanisms = xoauth2 oauthbearer\n"
                                    f"  args = {self.dir}/oauth2.ext\n}}\n")

    def token(self, user, seconds=3600):
        """An access token: a JWT that is signed with our key."""
        def part(data):
            return base64.urlsafe_b64encode(data).rstrip(b"=")
        now = int(time.time())
        claims = {"sub": user, "iat": now - 10, "exp": now + seconds}
        text = part(b'{"alg":"HS256","typ":"JWT"}') + b"." + part(json.dumps(claims).encode())
        return (text + b"." + part(hmac.digest(self.oauth_key, text, "sha256"))).decode()

    def _write_users(self):
        for sub in ("run", "mail", "rawlog"):
            os.makedirs(f"{self.dir}/{sub}", exist_ok=True)
        for user in self.users:
            os.makedirs(f"{self.dir}/rawlog/{user}", exist_ok=True)
        with open(self.dir + "/users", "w", encoding="ascii") as f:
            for user in self.users:
                f.write(f"{user}:{{PLAIN}}{self.password}\n")
        if os.geteuid() == 0:
            for path, dirs, files in os.walk(self.dir):
                for name in [path] + [os.path.join(path, x) for x in dirs + files]:
                    os.chown(name, self._owner.pw_uid, self._owner.pw_gid)

    def start(self):
        """Start it, on the same ports as before if it ran before."""
        if self.port is None:
            self.port, self.tls_port, self.pop3_port, self.pop3s_port = free_ports(4)
        conf = self.dir + "/dovecot.conf"
        with open(conf, "w", encoding="utf-8") as f:
            f.write(CONF.format(port=self.port, tls_port=self.tls_port,
                                pop3_port=self.pop3_port, pop3s_port=self.pop3s_port,
                                **self._settings))
        become = {}
        if os.geteuid() == 0:
            become = {"user": self._owner.pw_uid, "group": self._owner.pw_gid,
                      "extra_groups": []}
        with open(self.dir + "/stderr", "wb") as err:
            self.proc = subprocess.Popen(("dovecot", "-F", "-c", conf), stderr=err,
                                         stdin=subprocess.DEVNULL, stdout=err,
                                         cwd=self.dir, process_group=0, **become)
        try:
            wait_for(self._up, 10, "Dovecot to start")
        except (TimeoutError, RuntimeError):
            self.stop()
            raise

    def _up(self):
        if self.proc.poll() is not None:
            with open(self.dir + "/stderr", encoding="utf-8") as f:
                raise RuntimeError("Dovecot did not start: " + f.read() + self.log_tail())
        return answers(self.port)

    def _change_capability(self, hide, add):
        """Say the capability line in full: what it says itself, changed."""
        with self.client() as c:
            have = c.capability()
        left = [c for c in have if c.upper() not in {h.upper() for h in hide}]
        self._settings["capability"] = "imap_capability = " + " ".join(left + list(add))
        self.stop()
        self.start()

    # -- what the client said --------------------------------------------

    def connections(self, user="u1"):
        """The raw logs of the user's connections so far, oldest first, but
        for those of imapclient.py."""
        out = []
        for path in glob.glob(f"{self.dir}/rawlog/{user}/*.in"):
            with open(path, "rb") as f:
                if WITNESS not in f.readline():
                    out.append(path)
        return sorted(out, key=os.path.getctime)

    def commands(self, user="u1", since=0):
        """What was sent after login, as lines without tags; ${since}: leave
        out the oldest connections."""
        return [c for path in self.connections(user)[since:] for c in self.raw(path)]

    @staticmethod
    def raw(path):
        """The commands of one connection."""
        return raw_commands(path)


WRITES = re.compile(r"(UID )?(STORE|COPY|MOVE|EXPUNGE)\b|(APPEND|CREATE|DELETE"
                    r"|RENAME|SUBSCRIBE|UNSUBSCRIBE|SETMETADATA|CLOSE)\b", re.I)


def writing(commands):
    """Those of ${commands} that change something on the server."""
    return [c for c in commands if WRITES.match(c)]


def raw_commands(path):
    """A raw log's lines have a time stamp each, those of literals too."""
    with open(path, "rb") as f:
        data = f.read()
    return commands_in(re.sub(rb"^\d+\.\d+ (?:[:*>] )?", b"", data, flags=re.M))


def commands_in(data):
    """The commands in what a client sent, without tags and literals."""
    out = []
    goes_on = False    # the line belongs to the last command
    pos = 0
    while pos < len(data):
        end = data.find(b"\n", pos) + 1 or len(data)
        text = data[pos:end].rstrip(b"\r\n")
        pos = end
        if goes_on:
            out[-1] += text.decode(errors="replace")
        elif re.match(rb"[A-Za-z0-9.]+ ", text):
            out.append(text.split(b" ", 1)[1].decode(errors="replace"))
        elif text.upper() == b"DONE":
            out.append("DONE")
        m = re.search(rb"\{(\d+)\+?\}$", text)
        goes_on = m is not None
        if m:
            pos += int(m[1])
    return out
