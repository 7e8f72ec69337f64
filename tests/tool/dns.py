"""dns.py — a name server on 127.0.0.1 that knows what it is told.

	with Dns({("_imaps._tcp.x.test", "SRV"): [(0, 1, 993, "mail.x.test")],
	          ("x.test", "MX"): [(10, "mx.x.test")]}) as dns:
		... dns.address is "127.0.0.1:PORT", dns.asked the questions so far
"""
import socket
import struct
import threading

TYPES = {15: "MX", 33: "SRV"}


def wire(name):
    """A name without compression."""
    parts = [p.encode() for p in name.split(".") if p]
    return b"".join(bytes([len(p)]) + p for p in parts) + b"\0"


def question(packet):
    """(name, type number, the question's bytes)."""
    at, parts = 12, []
    while packet[at]:
        parts.append(packet[at + 1:at + 1 + packet[at]].decode())
        at += packet[at] + 1
    return ".".join(parts), struct.unpack(">H", packet[at + 1:at + 3])[0], packet[12:at + 5]


class Dns:
    """${mode}: "answer"; "silent" says nothing, "fail" SERVFAIL, "junk" bytes."""

    def __init__(self, zone=None, mode="answer"):
        self.zone = {(name.lower(), kind): v for (name, kind), v in (zone or {}).items()}
        self.mode = mode
        self.asked = []
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.sock.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                packet, peer = self.sock.recvfrom(4096)
                answer = self._answer(packet)
                if answer is not None:
                    self.sock.sendto(answer, peer)
            except OSError:
                return

    def _answer(self, packet):
        name, number, asked = question(packet)
        kind = TYPES.get(number, str(number))
        self.asked.append((name, kind))
        if self.mode == "silent":
            return None
        if self.mode == "junk":
            return packet[:2] + b"\x81\x80\0\1\0\2\0\0\0\0" + asked + b"\xc0\xff\0\1"
        records = [self._data(kind, r) for r in self.zone.get((name.lower(), kind), ())]
        known = any(n == name.lower() for n, _ in self.zone)
        code = 2 if self.mode == "fail" else 0 if known else 3
        body = b"".join(b"\xc0\x0c" + struct.pack(">HHIH", number, 1, 60, len(d)) + d
                        for d in records)
        return (packet[:2] + struct.pack(">HHHHH", 0x8180 | code, 1, len(records), 0, 0)
                + asked + body)

    @staticmethod
    def _data(kind, record):
        if kind == "MX":
            return struct.pack(">H", record[0]) + wire(record[1])
        return struct.pack(">HHH", *record[:3]) + wire(record[3])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()
