#!/usr/bin/env python3
"""seeds.py DIR TARGET... — write first inputs for fuzz targets to DIR/TARGET.

They are made of the messages and transcripts of tests/corpus, or of $SYNCD_CORPUS,
and of a few lines that each target knows: the bytes before the data are what its
head describes.
"""
import glob
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
ROOT = os.path.dirname(TESTS)
sys.path.insert(0, os.path.join(TESTS, "tool"))
import corpus  # noqa: E402

PREAUTH = b"* PREAUTH [CAPABILITY IMAP4rev1 %s] hello\r\n"
FULL = (b"ENABLE CONDSTORE QRESYNC UIDPLUS MOVE ID NAMESPACE IDLE NOTIFY LIST-EXTENDED "
        b"LIST-STATUS ESEARCH OBJECTID LITERAL+ UNSELECT")
SIGN_IN = (b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] hello\r\n"
           b"AAAAA1 OK [CAPABILITY IMAP4rev1 UIDPLUS IDLE] in\r\n")
TALK = [
    b"* LIST (\\HasNoChildren) \"/\" INBOX\r\n* STATUS INBOX (MESSAGES 3 UIDNEXT 9)\r\n",
    b"* 3 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 9] x\r\n* OK [HIGHESTMODSEQ 10] x\r\n",
    b"* VANISHED (EARLIER) 2,4:5\r\n* 1 FETCH (UID 1 MODSEQ (9) FLAGS (\\Seen work))\r\n",
    b"* 2 FETCH (UID 3 BODY[] {12}\r\nSubject: x\r\n RFC822.SIZE 12)\r\n",
    b"* SEARCH 1 3\r\n* ESEARCH (TAG \"AAAAA3\") UID ALL 1,3\r\n* 1 EXPUNGE\r\n",
    b"* OK [COPYUID 7 1,3 8:9] x\r\n+ go on\r\n",
]


def files(pattern):
    out = []
    for path in sorted(glob.glob(os.path.join(ROOT, pattern), recursive=True)):
        if os.path.isfile(path):
            with open(path, "rb") as f:
                out.append(f.read())
    return out


def mails(most=300, longest=20000):
    named = corpus.messages() + list(corpus.MADE.items()) + list(corpus.MIXED.items())
    return [d for _, d in named[:most] + corpus.more(10 ** 6) if 0 < len(d) <= longest]


def strings(value):
    """All text in a JSON value."""
    if isinstance(value, str):
        yield value.encode("utf-8", "surrogatepass")
    elif isinstance(value, (list, dict)):
        for v in value.values() if isinstance(value, dict) else value:
            yield from strings(v)


def transcripts():
    """What IMAP servers have said, with CRLF: files, and strings of .jsonl."""
    out = {}
    for top in (os.path.join(TESTS, "corpus"), os.environ.get("SYNCD_CORPUS")):
        for path in sorted(glob.glob(os.path.join(top or "/nowhere", "imap/**/*"),
                                     recursive=True)):
            if not os.path.isfile(path) or path.endswith("MANIFEST.tsv"):
                continue
            with open(path, "rb") as f:
                data = f.read()
            said = [data]
            if path.endswith(".jsonl"):
                said = [s for line in data.splitlines() for s in strings(json.loads(line))]
            for text in said:
                out.setdefault(text if b"\r\n" in text else text.replace(b"\n", b"\r\n"))
    return [t if t.endswith(b"\r\n") else t + b"\r\n" for t in out if t]


def session():
    oks = b"".join(b"AAAAA%d OK done\r\n" % i for i in range(1, 24))
    for which in (1, 2, 4, 7, 64, 95):
        yield bytes([0, which]) + PREAUTH % FULL + b"".join(TALK) + oks
        yield bytes([0, which]) + SIGN_IN + b"".join(TALK) + oks
    for text in transcripts():
        text = text.replace(b"A########", b"AAAAA1")
        yield bytes([0, 2]) + text
        yield bytes([4, 0x87]) + PREAUTH % FULL + text


def command():
    for what in range(6):
        for can in range(4):
            for name in (b"INBOX", b"a \"b\\\"", b"&AOQ-", b"\xc3\xa4", b"{3}"):
                yield bytes([what, can]) + name + b"\0other\0Subject: x\n\nbody\r\n.\n"


def name():
    for layout in (b"\0", b"\1"):
        for text in (b"INBOX", b"a/b/c", b"&AOQ-/..", b"[Gmail]/All Mail", b"%2E", b".x/cur/new",
                     b"[Gmail]/*\0[Gmail]/Spam", b"&ZeVnLIqe-", b"inbox/x"):
            yield layout + text


def sasl():
    for i in range(9):
        yield bytes([i, 1]) + b"\nr=abc,s=c2FsdA==,i=4096\nv=AAAA"
        yield bytes([i, 1]) + b"{\"status\":\"401\",\"scope\":\"x\"}\n"
        yield bytes([i, 0]) + b"=\n====\n!!"
    yield b"\0\2PLAIN\nSCRAM-SHA-256\nXOAUTH2\nLOGIN"


def maildir():
    for text in (b"1700000000.M1P2Q3.host,S=12:2,FSab", b"1.x:2,", b"a:1,x:2,SSS,rest", b"x,y,z",
                 b".hidden", b":2,S"):
        yield b"\1" + text
    for text in (b"0 $Forwarded\n1 work\n25 z\n", b"0 a\n0 b\n1 A\n", b"26 x\n-1 y\n\n"):
        yield b"\0" + text


def message():
    for i, mail in enumerate(mails()):
        yield bytes([i % 256]) + corpus.wire(mail)
        yield bytes([i % 256]) + mail


def config():
    yield from files("syncd.yaml.example")
    yield b"accounts:\n  a:\n    email: a@gmail.com\n    password_file: /x\n    policy: two-way\n"
    yield b"poll: 5m\naccounts: {a: {host: h, email: a@b, limits: {max_age: 30d}}}\n"
    yield b"hooks:\n  - on: [mail.new]\n    run: [echo, '{subject}']\n"
    yield b"1h30m"
    yield b"2 MiB"
    yield b"~/${HOME:-x}/$$"
    top = os.environ.get("SYNCD_CORPUS")
    if top:
        yield from files(os.path.join(top, "configs/**/*"))


def state():
    yield bytes([0, 0, 2, 8]) + b"\xff" * 8
    for page in range(0, 40):
        at = page * 4096 // 8
        yield bytes([0, at >> 8 & 255, at & 255, 8]) + bytes(range(8))
    yield b"\1SQLite format 3\0" + bytes(84)
    yield b"\2" + bytes.fromhex("377f0682002de218") + bytes(24 + 24) + bytes(4096)


def msg(kind, text):
    return bytes([kind, len(text) >> 8, len(text) & 255]) + text


def control():
    for method in (b"status", b"sync", b"subscribe", b"job.wait", b"describe"):
        yield b"\0" + b'{"id":1,"method":"%s","params":{"account":"a"}}\n' % method * 2
    yield b"\0{}\n[]\n\"x\"\n"
    for kind in range(1, 21):
        yield b"\1" + msg(kind, b'{"job":1,"exit":0,"summary":{},"slot":99,"call":1,'
                          b'"argv":["x"],"plugin":"p","state":"live","problems":[{"code":"x"}]}')


def link():
    for kind in range(1, 21):
        yield msg(kind, b'{"job":1,"script":{"do":"run"},"percent":7,"name":"a",'
                  b'"code":-1,"text":"timeout","err":"x","slot":0}')


def mime():
    for mail in mails():
        yield b"\0" + mail
    yield b"\1{s\1\0\0\0ai\1\0\0\0\0\0\0\0s\1\0\0\0bd\0\0\0\0\0\0\xf0?}"
    yield b"\1{t{ft}}"


def parse():
    for text in TALK + transcripts():
        yield b"\0" + text
        yield b"\1" + text
    for text in (b"1:5,7,9:4294967295", b"4:2,3,3,1", b" 2-Mar-2026 08:00:00 +0100"):
        yield b"\0" + text


def pop3():
    for text in files("tests/corpus/pop3/mailkit/**/*.txt"):
        yield b"\3\2" + text


def script():
    for mail in mails(100):
        yield b"\0" + mail
        yield b"\1" + mail
    for text in (b"1h30m", b"2 MiB", b"1.5G", b"tomorrow", b"2026-05-01 18:00", b"mon", b"18:00",
                 b"Mon, 2 Mar 2026 08:00:00 +0100 (CET)"):
        yield b"\4" + text


def targets():
    return sorted(os.path.basename(p)[5:-2] for p in glob.glob(os.path.join(HERE, "fuzz_*.c")))


def longest(target):
    return {"config": 8000, "message": 20000, "mime": 20000}.get(target, 4000)


def dictionary(target):
    """libFuzzer's, or None."""
    words = {"parse": "imap", "session": "imap", "pop3": "pop3"}.get(target)
    return words and os.path.join(HERE, words + ".dict")


def places(top, target):
    """Where write() has put them, and those that once broke it."""
    return [d for d in (os.path.join(top, target), os.path.join(HERE, "kept", target))
            if os.path.isdir(d)]


def write(top, target):
    """The first inputs of ${target}, in a directory of that name."""
    to = os.path.join(top, target)
    os.makedirs(to, exist_ok=True)
    for i, data in enumerate(globals()[target]()):
        with open(os.path.join(to, f"seed-{i:04}"), "wb") as f:
            f.write(data)


def main(argv):
    for target in argv[2:]:
        write(argv[1], target)


if __name__ == "__main__":
    main(sys.argv)
