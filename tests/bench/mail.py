"""mail.py — seeded mail of real sizes: message i depends on the seed and i only.

Sizes are log-normal (median 8 KB, mean about 36 KB, a few of some MB), or scaled
down where a row is about the number of messages and not about their bytes.
"""
import base64
import email.utils
import math
import random

WORDS = ("the of and to in is that for on are with this have from not what all were when your can said each "
         "which meeting project invoice attached regards thanks please review patch release über für Grüße").split()
FLAGS = ((0.85, b"\\Seen"), (0.20, b"\\Answered"), (0.04, b"\\Flagged"))
MEDIAN, SIGMA, LARGEST = 8192, 1.52, 12 << 20
POOL = 6 << 20


class Mail:
    """An endless row of messages."""

    def __init__(self, seed=1, scale=1.0):
        self.seed = seed
        self.scale = scale
        pick = random.Random(f"pool {seed}")
        text = b"\r\n".join(" ".join(pick.choices(WORDS, k=12)).encode() for _ in range(20_000))
        code = base64.b64encode(pick.randbytes(POOL))
        self.pools = (text, b"\r\n".join(code[i:i + 76] for i in range(0, len(code), 76)))

    def _body(self, pick, size):
        pool = self.pools[size > 20_000]
        out = []
        while size > 0:
            at = pool.find(b"\n", pick.randrange(len(pool) // 2)) + 1
            out.append(pool[at:at + size])
            size -= len(out[-1])
        # Not to end, nor to be joined, in the middle of a line end.
        return b"".join(p.rstrip(b"\r\n") + b"\r\n" for p in out)

    def message(self, i):
        """(bytes with CRLF, IMAP flags, date)"""
        pick = random.Random(f"{self.seed}:{i}")
        size = int(math.exp(pick.gauss(math.log(MEDIAN), SIGMA)) * self.scale)
        if pick.random() < 0.002:
            size = int(pick.uniform(1, 10) * (1 << 20) * self.scale)
        date = 1_400_000_000 + pick.randrange(350_000_000)
        received = "".join(
            f"Received: from mx{k}.example.net ([192.0.2.{pick.randrange(255)}])\r\n\tby mail{k}.example.com "
            f"with ESMTPS id {pick.getrandbits(44):011X};\r\n\t{email.utils.formatdate(date - k)}\r\n"
            for k in range(pick.randrange(2, 6)))
        head = (f"Return-Path: <bounce+{i}@example.net>\r\n{received}"
                f"From: Ann {i % 97} <ann{i % 97}@example.org>\r\nTo: me@example.com\r\n"
                f"Subject: {' '.join(pick.choices(WORDS, k=6))} {i}\r\n"
                f"Date: {email.utils.formatdate(date)}\r\n"
                f"Message-ID: <{i}.{self.seed}@bench.example>\r\n"
                f"List-Id: <list{pick.randrange(30)}.example.org>\r\n"
                f"DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=s1;\r\n\tb="
                f"{base64.b64encode(pick.randbytes(240)).decode()}\r\n"
                "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
                "Content-Transfer-Encoding: 8bit\r\n\r\n").encode()
        size = min(max(size - len(head), 100), LARGEST)
        flags = [name for share, name in FLAGS if pick.random() < share]
        return head + self._body(pick, size), flags, date
