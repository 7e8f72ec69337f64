"""Servers that answer, but not as the RFC has it: each quirk that a server in the
wild is known for, and each command that is never answered.

With every one of them the whole of PeerCase.change() must cross, once, or wait
until the server behaves; nothing is lost, doubled or altered.
"""
import datetime
import re
import time

import peer
from case import limit, local_message, message, rows
from peer import Closed, Session, before, no, raw, stall
from compare import compare
from server import wait_for
from test_peer import COMMANDS, DATE, PeerCase

THROTTLED = "Request is throttled. Suggested Backoff Time: 1000 milliseconds"
WRITES = ("UID STORE", "UID MOVE", "UID COPY", "UID EXPUNGE", "APPEND", "CREATE")


class OddSession(Session):
    """Answers to FETCH are kept together until the tagged one, and the peer's
    ${oddly} makes of them what is said."""

    def __init__(self, *args):
        super().__init__(*args)
        self.kept = []

    def fetch(self, msg, items):
        begin = len(self.out)
        super().fetch(msg, items)
        self.kept.append(self.out[begin:])
        self.out = self.out[:begin]

    def tagged(self, tag, text):
        kept, self.kept = self.kept, []
        self.out += b"".join(self.peer.oddly(kept)) if kept else b""
        super().tagged(tag, text)


class OddPeer(peer.Peer):
    speaks = OddSession

    @staticmethod
    def oddly(answers):
        return answers


class Story(PeerCase):
    """A first sync, changes on both sides, and silence."""
    plays = "hostile"
    differed = True

    def odd_peer(self):
        """In the place of the scripted server, with the same mail."""
        boxes = self.peer.boxes
        self.peer.stop()
        self.peer = OddPeer(caps=self.caps)
        self.addCleanup(self.peer.stop)
        self.peer.boxes = boxes
        account = self.syncd.settings["accounts"]["a"]
        account["port"] = self.peer.tls_port
        account["tls"]["ca_file"] = self.peer.ca
        self.syncd.write()

    def noticed(self, oddly):
        """It must make a difference, at least once."""
        self.differed = False

        def act(said):
            odd = oddly(said)
            self.differed |= odd != said
            return odd
        return act

    def story(self):
        self.syncd.sync()
        self.assertEqual(len(self.tree.messages("INBOX")), 6)
        self.change()
        self.any_end()

    def told(self):
        """The server goes on like that, and it is enough."""
        self.story()
        self.honestly(self.assertAll)
        self.assertTrue(self.differed, "it was not odd")
        self.assertEqual(self.peer.trouble, [])
        self.peer.sent.clear()
        self.syncd.sync()
        self.assertEqual([c for c in self.peer.sent if c.startswith(WRITES)], [])

    def honestly(self, look):
        """The witness is told the truth."""
        rules, oddly = vars(self.peer.rules).copy(), getattr(self.peer, "oddly", None)
        self.peer.rules.__init__()
        self.peer.oddly = lambda answers: answers
        look()
        vars(self.peer.rules).update(rules)
        self.peer.oddly = oddly

    def excused(self, verb, action, times=1):
        """It may not be enough; an honest server makes it good."""
        self.syncd.sync()
        self.change()
        self.peer.on(verb, action, times)
        self.any_end()
        self.heal()
        self.assertAll()


# -- how messages are described --------------------------------------------

def each(pattern, instead):
    """The first place in each answer that fits."""
    return lambda answers: [re.sub(pattern, instead, a, count=1, flags=re.S) for a in answers]


def apart(answers):
    """One item in each line."""
    out = []
    for a in answers:
        head, flags, rest = re.match(rb"(\* \d+ FETCH \(UID \d+ )(FLAGS \(.*?\) ?)?(.*)", a,
                                     re.S).groups()
        out += [head + flags.rstrip() + b")\r\n"] if flags else []
        out += [head + rest] if rest != b")\r\n" else []
    return out


def twice(answers):
    return [a for a in answers for _ in range(2)]


DESCRIBED = {
    "descending UIDs (Yahoo)": lambda answers: answers[::-1],
    "each message twice": twice,
    "one item in a line": apart,
    "the UID last": each(rb"(FETCH \()(UID \d+) (.*)\)\r\n$", rb"\1\3 \2)\r\n"),
    "small letters": each(rb"FETCH \(UID", b"fetch (uid"),
    "size 0": each(rb"RFC822\.SIZE \d+", b"RFC822.SIZE 0"),
    "size too large (Exchange)": each(rb"RFC822\.SIZE \d+", b"RFC822.SIZE 4096"),
    "size of 4 GiB": each(rb"RFC822\.SIZE \d+", b"RFC822.SIZE 4294967295"),
    "size beyond 64 bits": each(rb"RFC822\.SIZE \d+", b"RFC822.SIZE 99999999999999999999"),
    "size negative": each(rb"RFC822\.SIZE \d+", b"RFC822.SIZE -1"),
    "no size": each(rb" RFC822\.SIZE \d+", b""),
    "items that nobody asked for": each(
        rb"FETCH \(", b'FETCH (ENVELOPE (NIL "a\\"b" {3}\r\nx\r\n NIL) X-NEW (1 (2)) '
        b'BODYSTRUCTURE ("TEXT" "PLAIN" NIL NIL NIL "7BIT" -1 -1) '),
    "flags of a stranger in between": lambda answers: [
        x for a in answers for x in (b"* 1 FETCH (FLAGS (\\Recent))\r\n", a)],
    "a count before each": lambda answers: [
        x for a in answers for x in (b"* 0 RECENT\r\n", a)],
    "message 0 (Courier)": each(rb"^\* \d+ ", b"* 0 "),
    "message -3 (Zoho)": each(rb"^\* \d+ ", b"* -3 "),
    "modseq -1 (Zoho)": each(rb"MODSEQ \(\d+\)", b"MODSEQ (-1)"),
    "modseq 9.3e+06 (mail.ru)": each(rb"MODSEQ \(\d+\)", b"MODSEQ (9.3736e+06)"),
    "glued modseq (Zimbra)": each(rb"(UID \d+)(.*?) (MODSEQ \(\d+\))", rb"\1\3\2"),
    "a date that is none": each(rb'INTERNALDATE "[^"]*"', b'INTERNALDATE "00-Jan-0000 00:00:00 +0000"'),
    "a date NIL": each(rb'INTERNALDATE "[^"]*"', b"INTERNALDATE NIL"),
    "literal8": each(rb"\] \{(\d+)\}", rb"] ~{\1}"),
    "literals with plus": each(rb"\] \{(\d+)\}", rb"] {\1+}"),
    "literals with zeros": each(rb"\] \{(\d+)\}", rb"] {0000\1}"),
    "LF behind the literal's length": each(rb"(\] \{\d+\})\r\n", rb"\1\n"),
    "blanks at the end": each(rb"\)\r\n$", b") \r\n"),
    "two blanks behind the star": each(rb"^\* ", b"*  "),
    "blank lines and NULs (Exchange)": each(rb"^", b"\r\n\0\0"),
    "each flag twice": each(rb"FLAGS \((\\\w+)", rb"FLAGS (\1 \1"),
    "flags in capitals": each(rb"\\(Seen|Flagged)", lambda m: m[0].upper()),
}


@rows("described", DESCRIBED)
class Described(Story):
    def described(self, oddly):
        self.odd_peer()
        self.peer.oddly = self.noticed(oddly)
        self.told()


class Omitted(Story):
    """Yandex leaves the body out, now and then."""

    def without_body(self, instead):
        self.odd_peer()
        self.peer.oddly = each(rb" BODY\[\] \{(\d+)\}\r\n.*\)\r\n$", instead)
        self.any_end()
        self.assertEqual(self.tree.messages("INBOX") if "INBOX" in self.tree.folders() else [],
                         [])
        self.peer.oddly = lambda answers: answers
        self.heal()
        self.assertEqual(len(self.tree.messages("INBOX")), 6)

    def test_no_body(self):
        self.without_body(b")\r\n")

    def test_body_nil(self):
        self.without_body(b" BODY[] NIL)\r\n")

    def test_body_without_a_byte(self):
        self.without_body(b" BODY[] {0}\r\n)\r\n")


# -- how lines are said ------------------------------------------------------

SAID = {
    "no UIDNEXT (NetEase)": (rb"^\* OK \[UIDNEXT.*\r\n", b""),
    "UIDNEXT 0 (hMailServer)": (rb"\[UIDNEXT \d+\]", b"[UIDNEXT 0]"),
    "no PERMANENTFLAGS": (rb"^\* OK \[PERMANENTFLAGS.*\r\n", b""),
    "no FLAGS": (rb"^\* FLAGS.*\r\n", b""),
    "no HIGHESTMODSEQ": (rb"^\* OK \[HIGHESTMODSEQ.*\r\n", b""),
    "NOMODSEQ": (rb"\[HIGHESTMODSEQ \d+\]", b"[NOMODSEQ]"),
    "codes without text (Gmail)": (rb"^(\* OK \[.*\]) .*\r\n", rb"\1\r\n"),
    "codes without OK (Exchange)": (rb"^\* OK (\[UIDNEXT.*)\r\n", rb"* \1\r\n"),
    "codes in small letters": (rb"\[UIDVALIDITY", b"[uidvalidity"),
    "OK in small letters": (rb"^(\S+) OK ", rb"\1 ok "),
    "OK without a word": (rb"^(t?\w+) OK done\r\n", rb"\1 OK\r\n"),
    "THROTTLED in success (Gmail)": (rb"^(\w+ OK) done\r\n", rb"\1 [THROTTLED] done\r\n"),
    "an alert in each answer": (rb"^(\w+ OK) done\r\n", rb"\1 [ALERT] read this\r\n"),
    "a referral in each answer": (
        rb"^(\w+ OK) done\r\n", rb"\1 [REFERRAL imap://evil.example/] done\r\n"),
    "no hierarchy": (rb'^(\* LIST \(.*?\)) "/"', rb"\1 NIL"),
    "names in atoms": (rb'^(\* LIST .*) "([A-Za-z]+)"\r\n', rb"\1 \2\r\n"),
    "names in literals": (
        rb'^(\* (?:LIST|STATUS) (?:\(.*?\) "/" )?)"([A-Za-z]+)"',
        lambda m: m[1] + b"{%d}\r\n" % len(m[2]) + m[2]),
    "each mailbox twice": (rb"^\* LIST .*\r\n", rb"\g<0>\g<0>"),
    "attributes of all kinds": (rb"^\* LIST \(", rb"* LIST (\\HasNoChildren \\X-Odd \\noinferiors "),
    "an item more for LIST": (rb"^(\* LIST .*)\r\n", rb'\1 ("OLDNAME" ("x") "X-A" NIL)\r\n'),
    "blanks at the end of STATUS (Exchange)": (rb"^(\* STATUS .*)\r\n", rb"\1 \r\n"),
    "blanks in and behind CAPABILITY": (rb"CAPABILITY ([^\]\r]*)", rb"CAPABILITY  \1  "),
    "UIDNEXT 0 in STATUS": (rb"(STATUS .*UIDNEXT) \d+", rb"\1 0"),
    "STATUS without an item (NetEase)": (rb"^(\* STATUS \S+) \(.*\)\r\n", rb"\1 ()\r\n"),
    "ID NIL": (rb"^\* ID .*\r\n", b"* ID NIL\r\n"),
    "ID without quotes (Domino)": (rb"^\* ID .*\r\n", b'* ID ("name",x "y" 3)\r\n'),
    "NAMESPACE NIL": (rb"^\* NAMESPACE .*\r\n", b"* NAMESPACE NIL NIL NIL\r\n"),
    "VANISHED one at a time and descending": (rb"^\* VANISHED \(EARLIER\) ([\d,]+)\r\n", lambda m:
        b"".join(b"* VANISHED (EARLIER) %s\r\n" % u for u in m[1].split(b",")[::-1])),
    "no APPENDUID": (rb"\[APPENDUID .*?\] ", b""),
    "APPENDUID of zeros": (rb"\[APPENDUID .*?\]", b"[APPENDUID 0 0]"),
    "no COPYUID": (rb"\[COPYUID .*?\] ", b""),
    "COPYUID without numbers (Microsoft)": (rb"\[COPYUID (\d+) .*?\]", rb"[COPYUID \1  ]"),
    "COPYUID of more than were asked for": (
        rb"\[COPYUID (\d+) .*?\]", rb"[COPYUID \1 1:4294967295 1:4294967295]"),
}


@rows("said", SAID)
class Said(Story):
    def said(self, row):
        pattern, instead = row
        # Mail is not said in lines.
        self.peer.rules.mangle = self.noticed(lambda data: data if b"BODY[" in data else
                                              re.sub(pattern, instead, data, flags=re.M))
        self.told()


class Searched(Story):
    """What is left is asked for, and answered in several ways."""
    caps = peer.MODERN.replace(" QRESYNC", "")

    def found(self, pattern, instead):
        self.peer.rules.mangle = self.noticed(lambda data: re.sub(pattern, instead, data))
        self.told()

    def test_search_for_esearch_as_cyrus_does(self):
        def plain(m):
            return b"* SEARCH " + (m[1] or b"").replace(b",", b" ") + b"\r\n"
        self.found(rb'\* ESEARCH \(TAG "\w+"\) UID COUNT \d+(?: ALL ([\d,]+))?\r\n', plain)

    def test_no_tag(self):
        self.found(rb'\* ESEARCH \(TAG "\w+"\) ', b"* ESEARCH ")

    def test_descending(self):
        self.found(rb"ALL ([\d,]+)", lambda m: b"ALL " + b",".join(m[1].split(b",")[::-1]))

    def test_one_at_a_time_and_descending(self):
        self.found(rb"(\* ESEARCH .*) ALL ([\d,]+)\r\n", lambda m: b"".join(
            m[1] + b" ALL " + uid + b"\r\n" for uid in m[2].split(b",")[::-1]))

    def test_each_twice(self):
        self.found(rb"ALL ([\d,]+)", rb"ALL \1,\1")


class Limited(Story):
    """No more than two messages in one command (MESSAGELIMIT, Yahoo)."""
    caps = peer.MODERN + " MESSAGELIMIT=2"

    def honestly(self, look):
        limited, self.peer.caps = self.peer.caps, self.peer.caps.replace(" MESSAGELIMIT=2", "")
        super().honestly(look)
        self.peer.caps = limited

    def assertEqualSides(self):
        def look():
            with self.peer.client() as c:
                self.assertEqual(compare(c, self.tree), [])
        self.honestly(look)

    def test_changes_cross(self):
        self.told()

    def test_all_at_once(self):
        self.syncd.sync()
        for i in range(6):
            self.tree.set_flags("INBOX", f"Subject: m{i}", "FRS")
        for msg in self.inbox.msgs:
            msg.flags.add("\\Draft")
            self.inbox.touch(msg)
        self.syncd.sync()
        self.assertEqualSides()
        self.assertEqual({frozenset(m.flags) for m in self.inbox.msgs},
                         {frozenset(("\\Answered", "\\Draft", "\\Flagged", "\\Seen"))})

    def test_many_go_on_both_sides(self):
        for i in range(6, 30):
            self.inbox.add(message(f"m{i}."), (), DATE + i)
        self.syncd.sync()
        for i in range(6, 12):
            self.tree.delete("INBOX", f"Subject: m{i}.")
        for i in range(12, 17):
            self.tree.move("INBOX", f"Subject: m{i}.", "Archive")
        for msg in self.inbox.msgs[20:27]:
            self.inbox.remove(msg)
        self.syncd.sync()
        self.syncd.sync()
        self.assertEqualSides()
        self.assertEqual(len(self.inbox.msgs), 30 - 6 - 5 - 7)
        self.assertEqual(len(self.peer.boxes["Archive"].msgs), 5)


class LimitedPlain(Limited):
    """The same without any extension that tells of changes."""
    caps = peer.PLAIN + " MESSAGELIMIT=2"


# -- who must be handled with care -------------------------------------------

class Careful(Story):
    def test_netease_wants_to_know_who_we_are(self):
        def unsafe(s, tag, verb, args):
            if getattr(s, "known_as", False):
                return False
            s.tagged(tag, "NO Unsafe Login. Please contact us")
            return True

        def introduced(s, tag, verb, args):
            s.known_as = '"name"' in args
            return False
        self.peer.on("ID", introduced)
        self.peer.on("SELECT|EXAMINE", unsafe)
        self.told()

    def test_proton_drops_who_says_what_it_does_not_know(self):
        caps = self.peer.caps = "IMAP4rev1 IDLE MOVE UIDPLUS UNSELECT STARTTLS"
        strange = {"ENABLE", "ID", "NAMESPACE", "COMPRESS", "NOTIFY"} - set(caps.split())

        def drop(s, tag, verb, args):
            s.tagged(tag, "BAD what?")
            raise Closed
        self.peer.on("|".join(strange) + r"|LIST.*RETURN|UID SEARCH RETURN|UID FETCH.*CHANGEDSINCE",
                     drop)
        self.told()

    def test_exchange_says_go_on_without_a_word(self):
        self.peer.caps = peer.PLAIN.replace(" SASL-IR", "")
        self.peer.rules.mangle = self.noticed(lambda data: re.sub(rb"^\+.*\r\n", b"+\r\n", data))
        self.told()

    def test_microsoft_has_no_licence_for_us(self):
        self.excused("LIST|SELECT|STATUS|NAMESPACE|ENABLE|ID", peer.bad(
            "User is authenticated but not connected."), 5)

    def test_who_alerts_without_end_is_not_quoted_without_end(self):
        self.peer.on("LIST", before(b"* OK [ALERT] look at me\r\n" * 1000))
        r = self.any_end()
        self.assertIn("the server says: look at me", r.err)
        self.assertLess(r.err.count("look at me"), 20)

    def throttled(self, verb, answer):
        """It is waited for: nothing is asked one by one, or taken for what cannot be had."""
        self.syncd.sync()
        self.change()
        for i in range(30):
            self.inbox.add(message(f"late{i}"))
        self.peer.on(verb, answer)
        self.peer.sent.clear()
        r = self.any_end()
        self.assertIn("server.over-rate", r.err)
        for code in ("server.poison", "server.refused-message"):
            self.assertNotIn(code, r.err)
        self.assertLess(len([c for c in self.peer.sent if re.match(verb, c)]), 10)
        self.heal()
        self.assertAll()

    def test_microsoft_throttles_what_is_fetched(self):
        self.throttled("UID FETCH.*BODY", peer.bad(THROTTLED))

    def test_microsoft_throttles_what_is_sent(self):
        self.throttled("APPEND", peer.bad(THROTTLED))

    def test_microsoft_throttles_changes(self):
        self.throttled("UID STORE", peer.bad(THROTTLED))

    def test_microsoft_says_how_long(self):
        """It says so to a daemon, which is there to wait."""
        self.peer.on("LIST", peer.bad(THROTTLED.replace("1000", "250000")))
        self.syncd.start()

        def until():
            account = self.syncd.status()["accounts"][0]
            return account["state"] == "offline" and account.get("next_attempt")
        wait_for(until, 40, "the refusal")
        left = datetime.datetime.fromisoformat(until().replace("Z", "+00:00")) - \
            datetime.datetime.now(datetime.timezone.utc)
        self.assertGreater(left.total_seconds(), 60)

    def test_gmail_throttles(self):
        self.throttled("UID FETCH.*BODY", no("[THROTTLED] slow down"))

    def test_a_folder_of_that_name_is_no_complaint(self):
        """What is refused is refused, whatever the words in it."""
        self.peer.box("Request is throttled").add(message("there"))
        self.peer.on("SELECT.*throttled|EXAMINE.*throttled",
                     no("cannot open Request is throttled. Suggested Backoff Time"))
        r = self.any_end()
        self.assertNotIn("server.over-rate", r.err)
        self.assertEqual(len(self.tree.messages("INBOX")), 6)

    def test_strato_lists_nothing_that_is_asked_for_with_more(self):
        self.peer.on("LIST.*RETURN", peer.reply("OK done"))
        self.told()

    def test_yahoo_calls_it_inbox(self):
        self.peer.rules.mangle = self.noticed(lambda data: data if b"BODY[" in data else
                                              data.replace(b'"INBOX"', b'"Inbox"'))
        self.told()

    def test_yandex_says_bye_without_end(self):
        self.excused("LIST", raw(b"* BYE bye\r\n" * 100_000))

    def test_gmail_has_had_enough(self):
        self.excused("LIST|SELECT", peer.bye("Session expired, please login again."))

    def test_a_mailbox_that_is_listed_and_not_there(self):
        self.peer.on("LIST", before(
            b'* LIST (\\NonExistent) "/" "Ghost"\r\n* LIST (\\Noselect) "/" "Ghost/a"\r\n'
            b'* LIST () "/" "locked.lock"\r\n* LIST () "/" "/lead"\r\n* LIST () "/" "a//b"\r\n'))
        for change in (lambda: None, self.change, lambda: None):
            change()
            self.any_end()
        self.honestly(self.assertAll)


class Forgetful(Story):
    """A server that keeps no keywords but those it names (Exchange, Yahoo, Courier)."""
    caps = peer.EXCHANGE

    def setUp(self):
        super().setUp()
        self.peer.permanent = "\\Answered \\Flagged \\Deleted \\Seen \\Draft $MDNSent $Known"

    def near(self, token):
        m = self.tree.find("INBOX", "Subject: " + token)
        return "".join(sorted(m.flags)), set(m.keywords)

    def kept_here(self):
        self.syncd.sync()
        self.tree.set_flags("INBOX", "Subject: m0", "S", keywords=["work", "$Known"])
        self.tree.set_flags("INBOX", "Subject: m2", "FP")
        self.tree.add("INBOX", local_message("near"), "FPS", ["work", "$Known"], DATE + 60)
        for _ in range(3):
            self.any_end()
        self.syncd.sync()
        self.assertEqual(self.near("m0"), ("S", {"work", "$Known"}))
        self.assertEqual(self.near("m2"), ("F", {"$Forwarded"}))
        self.assertEqual(self.near("near"), ("FS", {"work", "$Known", "$Forwarded"}))
        self.assertEqual([m.flags for m in self.inbox.msgs], [
            {"\\Seen", "$Known"}, {"\\Seen"}, {"\\Flagged"}, {"\\Seen"}, set(), {"\\Seen"},
            {"\\Flagged", "\\Seen", "$Known"}])
        # What the server can tell is taken, and the rest is left.
        self.inbox.msgs[0].flags ^= {"\\Seen", "\\Flagged", "$Known"}
        self.inbox.msgs[2].flags ^= {"\\Seen"}
        for m in self.inbox.msgs:
            self.inbox.touch(m)
        self.peer.sent.clear()
        self.syncd.sync()
        self.assertEqual(self.near("m0"), ("F", {"work"}))
        self.assertEqual(self.near("m2"), ("FS", {"$Forwarded"}))
        self.assertEqual([c for c in self.peer.sent if c.startswith(WRITES)], [])
        # One that learns them makes none of them gone, and gets them when all is looked at.
        self.peer.rules.table.clear()
        self.peer.permanent += " \\*"
        self.syncd.sync("--full")
        self.assertEqual(self.inbox.msgs[0].flags, {"\\Flagged", "work"})
        self.assertEqual(self.near("m0"), ("F", {"work"}))
        self.assertEqual(self.near("m2"), ("FS", {"$Forwarded"}))

    def test_in_silence(self):
        self.kept_here()

    def test_with_condstore_in_silence(self):
        self.peer.caps = peer.MODERN
        self.kept_here()

    def test_with_a_refusal(self):
        for verb in ("UID STORE", "APPEND"):
            self.peer.on(verb + r".*( work|Forwarded|\(work)", no("no such flag here"))
        self.kept_here()


# -- who does not answer -----------------------------------------------------

@rows("silent", {verb: verb for verb in COMMANDS if verb not in ("LOGOUT",)})
class Silent(PeerCase):
    """Connected, and not a word."""
    plays = "hostile"
    account = {"limits": {"timeout": {"connect": "1s", "response": "1s"}}}

    def silent(self, verb):
        self.syncd.sync()
        self.change()
        self.peer.on(verb, stall(30), times=1)
        started = time.monotonic()
        self.any_end()
        self.assertLess(time.monotonic() - started, 20)
        self.heal()
        self.assertAll()
