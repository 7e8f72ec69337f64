"""liar.py — stands between the daemon and a real server, and changes what the
server says.

	liar = Liar(server)
	liar.lie(rb"\* LIST .*\r\n", b"")		# lists nothing
	liar.lie(rb"UIDNEXT (\d+)", lambda m: b"UIDNEXT 1")
	...
	liar.told					# how often it did

Lies are about lines; what is in a literal goes through as it is.
"""
import re
import socket
import ssl
import threading

# A liar cannot read what is compressed.
UNREADABLE = re.compile(rb" COMPRESS=DEFLATE")
LITERAL = re.compile(rb"\{(\d+)\}\r\n$")


class Liar:
    """Has a server's face; listens on a loopback port until stop()."""
    host = "127.0.0.1"

    def __init__(self, server):
        self.server = server
        self.password, self.ca = server.password, server.ca
        self.lies = []
        self.told = 0
        self.open = []
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(server.dir + "/tls/cert.pem", server.dir + "/tls/key.pem")
        self.listener = socket.create_server((self.host, 0))
        self.tls_port = self.listener.getsockname()[1]
        self.spawn(self.accept)

    @staticmethod
    def spawn(f, *args):
        threading.Thread(target=f, args=args, daemon=True).start()

    def lie(self, pattern, instead):
        """Say ${instead} (bytes, or what a function makes of the match)."""
        self.lies.append((re.compile(pattern, re.I), instead))

    def honest(self):
        self.lies.clear()

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.spawn(self.serve, sock)

    def serve(self, sock):
        try:
            near = self.context.wrap_socket(sock, server_side=True)
            far = socket.create_connection((self.server.host, self.server.port))
        except OSError:
            sock.close()
            return
        self.open += [near, far]
        self.spawn(self.pass_on, near, far)
        self.answer(far, near)

    def pass_on(self, near, far):
        """What the daemon says, as it is."""
        try:
            while data := near.recv(1 << 16):
                far.sendall(data)
            far.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def answer(self, far, near):
        """What the server says, line by line."""
        try:
            with far.makefile("rb") as lines:
                while line := lines.readline():
                    near.sendall(self.changed(line))
                    if m := LITERAL.search(line):
                        near.sendall(lines.read(int(m[1])))
            near.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        near.close()
        far.close()

    def changed(self, line):
        line = UNREADABLE.sub(b"", line)
        for pattern, instead in self.lies:
            line, n = pattern.subn(instead, line)
            self.told += n
        return line

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for sock in self.open:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
