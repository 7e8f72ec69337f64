"""server.py — what the private mail servers have in common: a directory, a
certificate, free ports on 127.0.0.1, a process that is stopped by its pid.
"""
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from multiprocessing.util import Finalize

import imapclient

PASSWORD = "pass word\\1\""    # what naive quoting would break


def memory():
    """Where scratch directories are quick to write: memory, if there is a
    good deal of it (containers often have 64 MB), else the usual place."""
    shm = "/dev/shm"
    if os.access(shm, os.W_OK) and shutil.disk_usage(shm).free > 2 << 30:
        return shm
    return tempfile.gettempdir()


def scratch(prefix):
    """A new directory in memory if possible; removed when we exit."""
    top = os.environ.get("SYNCD_TEST_DIR")
    if not top:
        top = memory()
    path = tempfile.mkdtemp(prefix=prefix, dir=top)
    os.chmod(path, 0o711)    # a server running as another user must get in
    # Of a pool's workers, too, which no atexit sees the end of.
    Finalize(None, shutil.rmtree, (path, True), exitpriority=0)
    return path


def free_ports(n):
    """${n} loopback ports nobody listens on now."""
    socks = [socket.socket() for _ in range(n)]
    for s in socks:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in socks]
    for s in socks:
        s.close()
    return ports


def unprivileged():
    """Whom to run a server as: ourselves, unless we are root."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid())
    return pwd.getpwnam("nobody")


def wait_for(condition, timeout, what="", every=0.02):
    """The first true value of ${condition}(); TimeoutError after ${timeout}."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise TimeoutError(f"not within {timeout} s: {what or condition}")
        time.sleep(every)


def openssl(*args, cwd):
    subprocess.run(("openssl",) + args, cwd=cwd, check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def make_tls(path, names=("DNS:localhost", "IP:127.0.0.1"), days=30):
    """ca.pem, cert.pem and key.pem below ${path}; days < 0: expired."""
    os.makedirs(path, exist_ok=True)
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl("req", "-x509", *key, "-days", "30", "-subj", "/CN=syncd test CA",
            "-keyout", "ca.key", "-out", "ca.pem", cwd=path)
    openssl("req", *key, "-subj", "/CN=test server",
            "-keyout", "key.pem", "-out", "csr.pem", cwd=path)
    with open(os.path.join(path, "ext"), "w", encoding="ascii") as f:
        f.write("subjectAltName=" + ",".join(names) + "\nbasicConstraints=CA:FALSE\n")
    openssl("x509", "-req", "-in", "csr.pem", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-CAcreateserial", "-days", str(days), "-extfile", "ext",
            "-out", "cert.pem", cwd=path)
    os.chmod(os.path.join(path, "key.pem"), 0o644)    # a throw-away key
    return os.path.join(path, "ca.pem")


def trust(ca, path):
    """Make ${path} a directory of authorities, as OpenSSL reads it, with ${ca}."""
    os.mkdir(path)
    name = subprocess.run(("openssl", "x509", "-hash", "-noout", "-in", ca),
                          capture_output=True, text=True, check=True).stdout.strip()
    shutil.copy(ca, f"{path}/{name}.0")
    return path


def answers(port):
    """Does an IMAP server greet on ${port}?"""
    try:
        with socket.create_connection(("127.0.0.1", port), 5) as s:
            return s.recv(4) == b"* OK"
    except OSError:
        return False


class Server:
    """The face that scenarios see, whatever the server is."""
    host = "127.0.0.1"
    password = PASSWORD
    dir = None
    proc = None
    port = tls_port = None
    ca = None
    kept = ()    # what of its directory is the mail, and what it knows of it

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def client(self, user="u1"):
        return imapclient.Client(self.host, self.port, user, self.password)

    def stop(self):
        """Stop the server (the leader of its process group) and wait until
        all of it is gone.  What lingers after a moment is idle: kill it."""
        if self.proc is None:
            return
        self.proc.send_signal(signal.SIGTERM)
        try:
            self.proc.wait(0.3)
        except subprocess.TimeoutExpired:
            pass
        try:
            os.killpg(self.proc.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.proc.wait()
        self.proc = None

    def back_up(self):
        """Keep a copy of all mail; nobody is connected meanwhile."""
        self._copy(self.dir, self.dir + "/backup")

    def restore(self):
        """Be as it was at back_up()."""
        self._copy(self.dir + "/backup", self.dir)

    def _copy(self, source, target):
        self.stop()
        for sub in self.kept:
            to = os.path.join(target, sub)
            os.makedirs(os.path.dirname(to), exist_ok=True)
            # It keeps owners.
            subprocess.run(("rm", "-rf", to), check=True)
            subprocess.run(("cp", "-a", os.path.join(source, sub), to), check=True)
        self.start()

    def log_tail(self, lines=20):
        try:
            with open(os.path.join(self.dir, "log"), errors="replace", encoding="utf-8") as f:
                return "".join(f.readlines()[-lines:])
        except OSError:
            return ""
