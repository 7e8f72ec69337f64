"""Scripts: twelve of them, as users write them, and what each event makes them do.

The worker is played by tests/tool/scriptlane.py; the script process is the real one.
"""
import os
import time
import unittest

from scriptlane import Message, Script, FLAGS

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ME = "me@example.org"
SEEN = {n: b for b, n in FLAGS.items()}


def mail(subject="hello", sender="Ann <ann@example.net>", to=ME, body="text\n",
         headers=(), **kw):
    head = [f"From: {sender}", f"To: {to}", f"Subject: {subject}",
            f"Message-ID: <{kw.pop('mid', 'one@example.net')}>", *headers]
    return Message("\n".join(head) + "\n\n" + body, **kw)


PDF = """--b
Content-Type: text/plain

see attachment
--b
Content-Type: application/pdf; name="../../x/Bill 7.pdf"
Content-Disposition: attachment; filename="../../x/Bill 7.pdf"
Content-Transfer-Encoding: base64

JVBERi0xLjQK
--b--
"""
ICS = """--b
Content-Type: text/plain

hi
--b
Content-Type: text/calendar; method=%s; charset=utf-8

BEGIN:VCALENDAR
END:VCALENDAR
--b--
"""
MIXED = ["MIME-Version: 1.0", 'Content-Type: multipart/mixed; boundary="b"']
LIST = ["List-Id: The kernel <linux.vger.example.org>"]


class Scripts(unittest.TestCase):
    def script(self, name, **kw):
        s = Script(**kw.pop("host", {}))
        self.addCleanup(s.__exit__)
        path = os.path.join(HERE, "scripts", name + ".lua")
        with open(path, encoding="utf-8") as f:
            error = s.load(f.read(), name=name + ".lua", **kw)
        self.assertEqual(error, "")
        return s

    def says(self, plan, *want):
        self.assertEqual(plan.faults, [])
        self.assertEqual(plan.say(), list(want))

    def test_lists_files_by_list(self):
        s = self.script("lists")
        self.says(s.ask("incoming", mail(to="x@y.z", headers=LIST)),
                  "move Lists/linux", "tag list")
        self.says(s.ask("incoming", mail(headers=LIST)))    # it is to me
        self.says(s.ask("incoming", mail(to="x@y.z")))
        self.says(s.ask("incoming", mail(to="x@y.z", headers=LIST, mailbox="Other")))
        self.says(s.ask("incoming", mail(to="x@y.z", headers=[
            "List-Id: <debian.security-announce.example.org>"])))

    def test_lists_goes_by_its_options(self):
        s = self.script("lists", options='{"into": "L/{list}-{from.domain}", "keep": []}')
        self.says(s.ask("incoming", mail(to="x@y.z", headers=LIST)),
                  "move L/linux-example.net", "tag list")

    def test_spam_is_filed_and_learned(self):
        s = self.script("spam")
        self.assertEqual(s.info["grants"], [("exec", "bogofilter")])
        s.programs["bogofilter"] = (0, b"", b"")
        self.says(s.ask("incoming", mail()), "move Junk", "tag $Junk", "stop")
        self.assertIn(b"Subject: hello", s.execs[0].stdin)
        self.assertEqual(s.execs[0].timeout, 5000000)
        s.programs["bogofilter"] = (1, b"", b"")
        self.says(s.ask("incoming", mail()))
        s.programs["bogofilter"] = (2, b"", b"")
        self.says(s.ask("incoming", mail()), "tag unsure")
        moved = dict(origin="client", mailbox="Junk", moved_from="INBOX")
        self.says(s.ask("moved", mail(**moved)), "pipe bogofilter -Ns", "tag $Junk",
                  "untag $NotJunk")
        self.assertTrue(s.plans[0].ops[0].whole)
        self.says(s.ask("moved", mail(origin="server", mailbox="INBOX",
                                      moved_from="Junk")),
                  "pipe bogofilter -Sn", "tag $NotJunk", "untag $Junk")
        self.says(s.ask("moved", mail(origin="plugin:spam", mailbox="Junk",
                                      moved_from="INBOX")))

    def test_spam_that_fails_is_a_fault_with_a_place(self):
        s = self.script("spam")
        plan = s.ask("incoming", mail())
        self.assertEqual(plan.ops, [])
        [(plugin, where, text)] = plan.faults
        self.assertEqual((plugin, where), ("spam", "spam.lua:8"))
        self.assertEqual(text, "bogofilter: not found")

    def test_archive_moves_what_is_old(self):
        s = self.script("archive")
        self.assertEqual(s.info["timers"], [("daily 03:30", 1)])
        old = time.time() - 86400 * 400
        for m in (mail(id=1, date=int(old), flags=["seen"]),
                  mail(id=2, date=int(time.time()), flags=["seen"]),
                  mail(id=3, date=int(old), flags=["seen", "flagged"]),
                  mail(id=4, date=int(old)),
                  mail(id=5, date=int(old), mailbox="Lists/x", to="x@y.z"),
                  mail(id=6, date=int(old), mailbox="Lists/x")):
            s.messages[m.id] = m
        plan = s.ask("timer", what="daily 03:30")
        self.assertEqual(plan.faults, [])
        year = time.strftime("%Y", time.localtime(old))
        self.assertEqual(sorted((o.msg, o.verb, *o.args) for o in plan.ops
                                if not o.lost),
                         [(1, "move", f"Archive/{year}"), (5, "trash")])

    def test_invoices_are_saved(self):
        s = self.script("invoices")
        m = mail("Your invoice", headers=MIXED, body=PDF, date=1767225600)
        plan = s.ask("delivered", m)
        day = time.strftime("%Y-%m-%d", time.localtime(1767225600))
        self.says(plan, f"save ~/Documents/Invoices/{day[:7]}/"
                  f"{day}_example.net_Bill 7.pdf", "tag invoice")
        self.assertEqual(plan.ops[0].bytes, b"%PDF-1.4\n")
        self.says(s.ask("delivered", mail("nothing", headers=MIXED, body=PDF)))
        self.says(s.ask("delivered", mail("Your invoice")))

    def test_notify_is_one_bubble(self):
        s = self.script("notify")
        a = s.ask("delivered", mail("one"), mail("<two>", id=2),
                  mail("bulk", id=3, headers=LIST))
        for plan in a:
            self.says(plan)
        self.says(s.ask("settled"), "run notify-send -a syncd -- work: 2 new "
                  "Ann: one\nAnn: &lt;two&gt;")
        self.says(s.ask("settled"))

    def test_mute_lasts(self):
        s = self.script("mute")
        m = mail(mid="root@x", id=7)
        s.messages = {7: m}
        plan = s.ask("command", m, what="mute", only=0)
        self.says(plan, "flag seen", "tag muted", "archive")
        self.assertEqual([w[:2] for w in plan.writes], [("muted", "root@x")])
        self.assertAlmostEqual(plan.writes[0][3], time.time() + 400 * 86400, delta=60)
        answer = mail("Re", to="x@y.z", mid="two@x", headers=["References: <root@x>"])
        self.says(s.ask("incoming", answer), "flag seen", "tag muted", "archive", "stop")
        self.says(s.ask("incoming", mail("Re", headers=["In-Reply-To: <root@x>"])))
        stores = s.stores
        s = self.script("mute")    # another process: the store is read again
        s.stores = stores
        self.assertEqual(s.load(open(os.path.join(HERE, "scripts/mute.lua")).read(),
                                name="mute.lua"), "")
        self.says(s.ask("incoming", answer), "flag seen", "tag muted", "archive", "stop")
        self.says(s.ask("command", m, what="unmute", only=0), "untag muted")
        self.says(s.ask("incoming", answer))

    def test_notmuch_keeps_tags_equal(self):
        s = self.script("notmuch")
        s.programs["notmuch"] = (0, b"work\nnew\ninbox\n", b"")
        m = mail(keywords=["a", "b"], added=["b"], removed=["c"], mid="x y@z")
        self.says(s.ask("settled", m, args=["INBOX"]),
                  'run notmuch tag +b -c -- id:"x y@z"')
        self.assertEqual(s.execs[0].argv, ["notmuch", "new", "--quiet"])
        self.says(s.ask("command", m, what="pull-tags", only=0), "tag work")

    def test_dedupe_spares_what_differs(self):
        s = self.script("dedupe")
        first, again = mail(id=1), mail(id=2)
        plans = s.ask("incoming", first, again, mail(id=3, body="other\n"))
        self.says(plans[0])
        self.says(plans[1], "trash", "stop")
        self.says(plans[2], "tag same-id-other-body")
        plan = s.ask("incoming", mail(id=4, headers=LIST))
        self.says(plan, "trash")
        self.assertEqual(plan.ops[0].msg, 1)
        self.says(s.ask("incoming", Message("Subject: none\n\nx\n")))

    def test_vacation_answers_once(self):
        today = time.strftime("%Y-%m-%d")
        s = self.script("vacation", options='{"from": "%s", "till": "%s"}' % (today, today))
        plan = s.ask("delivered", mail())
        self.says(plan, "reply ann@example.net")
        self.assertTrue(plan.ops[0].once)
        text = plan.ops[0].bytes.decode()
        self.assertIn("Auto-Submitted: auto-replied\n", text)
        self.assertIn(f"I am away until {today} and will answer then.", text)
        self.assertIn("In-Reply-To: <one@example.net>", text)
        self.says(s.ask("delivered", mail()))
        self.says(s.ask("delivered", mail(sender="bob@x.y", headers=LIST)))
        self.says(s.ask("delivered", mail(sender="bob@x.y",
                                          headers=["Auto-Submitted: auto-replied"])))
        s = self.script("vacation")    # not away
        self.says(s.ask("delivered", mail()))

    def test_snooze_comes_back(self):
        s = self.script("snooze")
        m = mail(id=9)
        s.messages = {9: m}
        self.says(s.ask("command", m, what="snooze", args=["3d"], only=0),
                  "move Snoozed")
        self.says(s.ask("timer", what="every 5m"))
        self.says(s.ask("command", m, what="snooze", args=["2020-01-01"], only=0),
                  "move Snoozed")
        plan = s.ask("timer", what="every 5m")
        self.says(plan, "move INBOX", "unflag seen", "tag woken")
        self.assertEqual(plan.writes[0][:3], ("till", "9", None))
        plan = s.ask("command", m, what="snooze", args=["whenever"], only=0)
        self.assertIn("is no moment", plan.faults[0][2])

    def test_calendar_takes_invitations(self):
        s = self.script("calendar")
        plan = s.ask("delivered", mail(headers=MIXED, body=ICS % "REQUEST"))
        self.says(plan, "run khal import --batch -a private /dev/stdin", "tag invite")
        self.assertIn(b"BEGIN:VCALENDAR", plan.ops[0].bytes)
        self.says(s.ask("delivered", mail(headers=MIXED, body=ICS % "CANCEL")),
                  "tag cancelled", "flag flagged")

    def test_guard_holds_many_deletions(self):
        s = self.script("guard", options='{"most": 2}')
        three = [mail(id=i) for i in (1, 2, 3)]
        self.says(s.ask("removing", *three[:2], mailbox="INBOX"))
        why = "3 deletions in INBOX wait: `syncd approve work/INBOX`"
        self.says(s.ask("removing", *three, mailbox="INBOX"), f"hold {why}",
                  f"run notify-send -u critical -- syncd {why}")
        since = int(time.time()) - 4000
        self.says(s.ask("offline", what="net.dns: no such host", since=since + 3000))
        plan = s.ask("offline", what="net.dns: no such host", since=since)
        self.assertRegex(plan.say()[0], r"^run notify-send -- syncd: work "
                         r"\d{4}-.* net.dns: no such host$")
        self.says(s.ask("offline", what="net.dns: no such host", since=since))
