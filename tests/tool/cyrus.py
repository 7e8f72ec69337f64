"""cyrus.py — a private Cyrus IMAP, with the same face as dovecot.py.

Its Debian packages conflict with Dovecot's, so nothing is installed: they are
unpacked into a cache of our own and run from there.  It needs root, to become an
unprivileged user; where it cannot be had, tests are skipped.
"""
import glob
import os
import re
import shutil
import subprocess
import tempfile
import unittest

from dovecot import commands_in
from imapclient import WITNESS
from server import Server, answers, free_ports, make_tls, scratch, unprivileged, wait_for

PACKAGES = ("cyrus-common", "cyrus-imapd", "sasl2-bin")
UNWANTED = ("exim4",)    # what cyrus-common depends on, and no test needs

IMAPD = """
configdirectory: {dir}/conf
proc_path: {dir}/conf/proc
mboxname_lockpath: {dir}/conf/lock
defaultpartition: default
partition-default: {dir}/mail
sievedir: {dir}/sieve
cyrus_user: {user}
cyrus_group: {group}
servername: localhost
allowplaintext: yes
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: {dir}/sasldb2
sasl_mech_list: {mechanisms}
unixhierarchysep: yes
altnamespace: yes
autocreate_users: anyone
autocreate_quota: 0
autocreate_inbox_folders: {folders}
autocreate_subscribe_folders: {folders}
{special}
specialusealways: yes
conversations: yes
expunge_mode: immediate
delete_mode: immediate
idlesocket: {dir}/conf/idle
notifysocket: {dir}/conf/notify
lmtpsocket: {dir}/conf/lmtp
duplicate_db_path: {dir}/conf/deliver.db
tls_server_cert: {dir}/tls/cert.pem
tls_server_key: {dir}/tls/key.pem
tls_client_ca_file: {dir}/tls/ca.pem
{hide}
"""

# A process for each connection: its raw log is a file of its own.
MASTER = """
START {{
  recover cmd="{bin}/ctl_cyrusdb -C {dir}/imapd.conf -r"
}}
SERVICES {{
  imap  cmd="{bin}/imapd -U 1 -C {dir}/imapd.conf" listen="127.0.0.1:{port}" prefork=0
  imaps cmd="{bin}/imapd -U 1 -C {dir}/imapd.conf -s" listen="127.0.0.1:{tls_port}" prefork=0
}}
DAEMON {{
  idled cmd="{bin}/idled -C {dir}/imapd.conf"
}}
EVENTS {{
  checkpoint cmd="{bin}/ctl_cyrusdb -C {dir}/imapd.conf -c" period=30
}}
"""


def cache():
    top = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(top, "syncd-tests", "cyrus")


def apt(*args, **kwargs):
    """What apt-get says; skips the test when it fails."""
    try:
        return subprocess.run(("apt-get", "-q") + args, check=True, timeout=40, text=True,
                              capture_output=True, **kwargs).stdout
    except (OSError, subprocess.SubprocessError) as e:
        text = getattr(e, "stderr", None) or str(e)
        raise unittest.SkipTest("no Cyrus: " + text.strip().splitlines()[-1]) from None


def unpack():
    """The directory that holds Cyrus and what it needs, filled if missing."""
    final = cache()
    if os.path.isdir(final):
        return final
    if shutil.which("dpkg-deb") is None:
        raise unittest.SkipTest("no Cyrus: this is not Debian")
    plan = apt("-s", "--no-install-recommends", "install", *PACKAGES)
    names = re.findall(r"^Inst (\S+) ", plan, re.M)
    os.makedirs(os.path.dirname(final), exist_ok=True)
    with tempfile.TemporaryDirectory(dir=os.path.dirname(final)) as work:
        os.chmod(work, 0o755)
        apt("download", *[n for n in names if not n.startswith(UNWANTED)], cwd=work)
        for deb in glob.glob(work + "/*.deb"):
            subprocess.run(("dpkg-deb", "-x", deb, work + "/root"), check=True)
        os.chmod(work + "/root", 0o755)
        os.rename(work + "/root", final)
    return final


def reachable(path, uid):
    """Can the user go there?  Root's home often keeps others out."""
    return subprocess.run(("setpriv", f"--reuid={uid}", "--clear-groups", "test", "-x", path),
                          check=False, stderr=subprocess.DEVNULL).returncode == 0


class Cyrus(Server):
    """Knobs: users (how many of u1, u2, ...), hide (capabilities)."""
    FOLDERS = ("Drafts", "Sent", "Trash", "Junk", "Archive")
    kept = ("mail", "conf/db", "conf/mailboxes.db", "conf/annotations.db", "conf/quota", "conf/user")

    def __init__(self, users=4, hide=(), mechanisms="PLAIN LOGIN"):
        if os.geteuid() != 0:
            raise unittest.SkipTest("no Cyrus: it needs root")
        root = unpack()
        self.owner = unprivileged()
        self.dir = scratch("cyrus.")
        self.root = self._reach(root)
        self.users = [f"u{i}" for i in range(1, users + 1)]
        self.ca = make_tls(self.dir + "/tls")
        self.settings = {
            "dir": self.dir, "bin": self.root + "/usr/lib/cyrus/bin",
            "user": self.owner.pw_name, "group": self._group(),
            "mechanisms": mechanisms,
            "hide": "suppress_capabilities: " + " ".join(hide) if hide else "",
            "folders": " | ".join(self.FOLDERS),
            "special": "\n".join(f"xlist-{f.lower()}: {f}" for f in self.FOLDERS),
        }
        self._environment()
        self._prepare()
        self.start()

    def _reach(self, root):
        if reachable(root + "/usr/lib/cyrus/bin/imapd", self.owner.pw_uid):
            return root
        shutil.copytree(root, self.dir + "/root", symlinks=True)
        return self.dir + "/root"

    def _group(self):
        import grp
        return grp.getgrgid(self.owner.pw_gid).gr_name

    def _environment(self):
        # Some libraries still are where they were before /usr was all there is.
        libs = glob.glob(self.root + "/usr/lib/*-linux-gnu*") + \
            glob.glob(self.root + "/lib/*-linux-gnu*")
        # What the machine has was not fetched.
        installed = glob.glob("/usr/lib/*-linux-gnu*")
        self.env = dict(os.environ, CYRUS_USER=self.owner.pw_name,
                        LD_LIBRARY_PATH=":".join(libs),
                        SASL_PATH=":".join(x + "/sasl2" for x in libs + installed))

    def _prepare(self):
        for sub in ("mail", "sieve", "conf/db", "conf/proc", "conf/log", "conf/msg",
                    "conf/lock", "conf/socket"):
            os.makedirs(f"{self.dir}/{sub}")
        for user in self.users:
            os.mkdir(f"{self.dir}/conf/log/{user}")    # switches its raw log on
            subprocess.run((self.root + "/usr/sbin/saslpasswd2", "-p", "-c", "-f",
                            self.dir + "/sasldb2", "-u", "localhost", user),
                           input=self.password.encode(), env=self.env, check=True)
        for at, dirs, files in os.walk(self.dir):
            if at.startswith(self.dir + "/root"):
                continue
            for name in [at] + [os.path.join(at, x) for x in dirs + files]:
                os.chown(name, self.owner.pw_uid, self.owner.pw_gid, follow_symlinks=False)

    def start(self):
        if self.port is None:
            self.port, self.tls_port = free_ports(2)
        self.settings.update(port=self.port, tls_port=self.tls_port)
        for name, text in (("imapd.conf", IMAPD), ("cyrus.conf", MASTER)):
            with open(f"{self.dir}/{name}", "w", encoding="ascii") as f:
                f.write(text.format(**self.settings))
        with open(self.dir + "/log", "ab") as log:
            self.proc = subprocess.Popen(
                (self.settings["bin"] + "/master", "-D", "-C", self.dir + "/imapd.conf",
                 "-M", self.dir + "/cyrus.conf", "-p", self.dir + "/conf/master.pid"),
                env=self.env, cwd=self.dir, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, process_group=0)
        wait_for(self._up, 20, "Cyrus to start")

    def _up(self):
        if self.proc.poll() is not None:
            why = self.log_tail().strip().splitlines()[-1:] or ["it ended at once"]
            if "shared libraries" in why[0]:
                raise unittest.SkipTest("no Cyrus: " + why[0])
            raise RuntimeError("Cyrus did not start: " + self.log_tail())
        return answers(self.port)

    # -- what the client said --------------------------------------------

    def connections(self, user="u1"):
        """Its raw logs, but for those of imapclient.py."""
        out = []
        for path in glob.glob(f"{self.dir}/conf/log/{user}/*"):
            with open(path, "rb") as f:
                if WITNESS not in f.read(4096):
                    out.append(path)
        return sorted(out, key=os.path.getctime)

    def commands(self, user="u1", since=0):
        return [c for path in self.connections(user)[since:] for c in self.raw(path)]

    @staticmethod
    def raw(path):
        """"<TIME<" goes before what came in, ">TIME>" before what went out."""
        with open(path, "rb") as f:
            parts = re.split(rb"([<>])\d+\1", f.read())
        came = b"".join(text for mark, text in zip(parts[1::2], parts[2::2]) if mark == b"<")
        return commands_in(came)
