"""Scripts: twelve of them, as users write them or ready-made, and what each event makes
them do.

The worker is played by tests/tool/scriptlane.py; the script process is the real one.
"""
import glob
import os
import re
import subprocess
import time
import unittest

from scriptlane import BUILD, FLAGS, KEYS, KINDS, ROOT, Message, Script

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ME = "me@example.org"
BIN = os.path.join(ROOT, BUILD, "syncd-script")


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


def text_of(name):
    """As users write it, tests/scripts; else the ready-made one."""
    path = os.path.join(HERE, "scripts", name + ".lua")
    if not os.path.exists(path):
        path = os.path.join(ROOT, "lua/plugins", name, "main.lua")
    with open(path, encoding="utf-8") as f:
        return f.read()


class Scripts(unittest.TestCase):
    def script(self, name, **kw):
        s = Script(**kw.pop("host", {}))
        self.addCleanup(s.__exit__)
        self.assertEqual(s.load(text_of(name), name=name + ".lua", **kw), "")
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

    def test_file_names_in_the_ways_of_the_wild(self):
        """RFC 2231, in pieces too, and RFC 2047, which should not be there."""
        s = Script()
        self.addCleanup(s.__exit__)
        s.load("plugin { api = 1 } on.incoming(function(m) "
               "for p in m:attachments() do log.info(p.filename) end end)")
        names = ["filename*=UTF-8''Rechnung%20%C3%BC.pdf",
                 "filename*0*=UTF-8''Rechnung%20; filename*1*=%C3%BC; filename*2=.pdf",
                 'filename="=?utf-8?B?UmVjaG51bmcgw7wucGRm?="',
                 "filename*=ISO-8859-1'de'Rechnung%20%FC.pdf"]
        body = "".join("--b\nContent-Type: application/pdf\nContent-Disposition: attachment; "
                       f"{name}\n\nx\n" for name in names) + "--b--\n"
        self.says(s.ask("incoming", mail(headers=MIXED, body=body)))
        self.assertEqual(s.logs, ["Rechnung \u00fc.pdf"] * len(names))

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
        self.assertEqual(s.load(text_of("mute"), name="mute.lua"), "")
        self.says(s.ask("incoming", answer), "flag seen", "tag muted", "archive", "stop")
        self.says(s.ask("command", m, what="unmute", only=0), "untag muted")
        self.says(s.ask("incoming", answer))

    def test_mute_is_for_one_thread_whatever_its_name(self):
        s = self.script("mute")
        m = mail(mid="*@*", id=7)
        s.messages = {7: m, 8: mail(mid="other@x", id=8), 9: mail(mid="?@x", id=9)}
        plan = s.ask("command", m, what="mute", only=0)
        self.assertEqual(plan.faults, [])
        self.assertEqual([(o.msg, o.verb) for o in plan.ops],
                         [(7, "flag"), (7, "tag"), (7, "archive")])

    def test_notmuch_keeps_tags_equal(self):
        s = self.script("notmuch")
        s.programs["notmuch"] = (0, b"work\nnew\ninbox\n", b"")
        m = mail(keywords=["a", "b"], added=["b"], removed=["c"], mid="x y@z")
        self.says(s.ask("settled", m, args=["INBOX"]),
                  'run notmuch tag +b -c -- id:"x y@z"')
        self.assertEqual(s.execs[0].argv, ["notmuch", "new", "--quiet"])
        self.says(s.ask("command", m, what="pull-tags", only=0), "tag work")

    def test_notmuch_keeps_a_whole_thread_equal(self):
        """One program for all: an event has 32 actions, a thread more messages."""
        s = Script()
        self.addCleanup(s.__exit__)
        with open(os.path.join(ROOT, "lua/plugins/notmuch/main.lua"), encoding="utf-8") as f:
            self.assertEqual(s.load(f.read(), name="notmuch/main.lua"), "")
        s.programs["notmuch"] = (0, b"", b"")
        thread = [mail(keywords=["a", "b c%"], added=["b c%"], removed=["d"], mid=f'x y"{i}@z', id=i)
                  for i in range(1, 41)]
        plan = s.ask("settled", *thread, args=["INBOX"])
        self.says(plan, "run notmuch tag --batch")
        self.assertEqual(plan.ops[0].bytes.decode(),
                         "".join(f'+b%20c%25 -d -- id:"x y""{i}@z"\n' for i in range(1, 41)))
        self.says(s.ask("settled", args=["INBOX"]))

    def test_rules_look_at_all_who_got_it(self):
        s = Script()
        self.addCleanup(s.__exit__)
        self.assertEqual(s.load("""
plugin { api = 1 }
local rules, addr = require "syncd.rules", require "syncd.addr"
on.incoming(rules {
  { cc = "nobody@*", tag = "never" },
  { to = { "x@*", "me+*@example.org" }, tag = "plus", next = true },
  { list = re "kernel", tag = "kernel" },
})
on.delivered(function(msg)
  if addr.any(msg.recipients, { "b@*" }) then msg:tag("any") end
end)
"""), "")
        both = mail(to="a@y.z, me+lists@example.org")
        self.says(s.ask("incoming", both), "tag plus")
        self.says(s.ask("incoming", mail(to="b@y.z")))
        self.says(s.ask("delivered", mail(to="a@y.z, b@y.z")), "tag any")

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

    def test_an_event_of_each_kind_reaches_its_handler(self):
        s = Script()
        self.addCleanup(s.__exit__)
        for kind in KINDS[:-2]:
            self.assertEqual(s.load(f"plugin {{ api = 1 }} on.{kind}(function(x) "
                                    f"log.info('{kind}', type(x)) end)"), "")
            self.assertEqual(s.info["kinds"], [kind])
            m = [mail()] if kind in KINDS[:6] + ["removed", "removing"] else []
            self.assertEqual(s.ask(kind, *m, since=1767225600).faults, [])
            self.assertTrue(s.logs[-1].startswith(kind), s.logs)

    def test_a_first_sync_is_not_meant(self):
        s = Script()
        self.addCleanup(s.__exit__)
        s.load("plugin { api = 1 } on.incoming(function(m) m:tag('a') end) "
               "on.incoming({ origin = { 'initial', 'server' } }, "
               "function(m) m:tag('b') end)")
        self.says(s.ask("incoming", mail(origin="initial")), "tag b")
        self.says(s.ask("incoming", mail()), "tag a", "tag b")

    def test_who_files_first_wins(self):
        s = Script()
        self.addCleanup(s.__exit__)
        for i, (name, body) in enumerate((("a", "m:move('A')"), ("b", "m:move('B') "
                                          "m:tag(m.mailbox)"), ("c", "m:refile('C')"))):
            s.load(f"plugin {{ api = 1 }} on.incoming(function(m) {body} end)",
                   name=name + ".lua", id=i)
        plan = s.ask("incoming", mail())
        self.says(plan, "move A", "tag A", "refile C")
        self.assertEqual(plan.ops[1].lost, "already filed by a.lua:1")

    def test_what_one_plugin_breaks_is_its_own(self):
        s = Script()
        self.addCleanup(s.__exit__)
        s.load("plugin { api = 1 } on.incoming(function(m) m:move('A') error('x') end)",
               name="a.lua", id=0)
        s.load("plugin { api = 1 } on.incoming(function(m) m:move('B') end)",
               name="b.lua", id=1)
        plan = s.ask("incoming", mail())
        self.assertEqual(plan.say(), ["move B"])
        self.assertEqual(plan.faults, [("a", "a.lua:1", "x")])
        plan = s.ask("incoming", mail(), skip=[(0, 0)])
        self.assertEqual((plan.say(), plan.faults), (["move B"], []))

    def test_a_plugin_that_is_still_loading_misses_nothing(self):
        """An event that comes while it waits for its store is kept for it."""
        s = Script()
        self.addCleanup(s.__exit__)
        s.load("plugin { api = 1 } on.incoming(function(m) m:tag('first') end)", id=0)
        s.load_begin("plugin { api = 1 } local seen = store('seen') "
                     "on.incoming(function(m) m:tag('stored') end)", name="late.lua", id=1)
        self.says(s.ask("incoming", mail()), "tag first", "tag stored")
        # One that was there before goes on while its new version loads.
        s.load_begin("plugin { api = 1 } local seen = store('seen') "
                     "on.incoming(function(m) m:tag('anew') end)", name="late.lua", id=1)
        plan = s.ask("incoming", mail())
        self.assertIn(plan.say(), (["tag first", "tag stored"], ["tag first", "tag anew"]))

    def test_a_new_version_that_fails_leaves_the_old_one(self):
        s = Script()
        self.addCleanup(s.__exit__)
        head = "plugin { api = 1 } on.incoming(function(m) "
        self.assertEqual(s.load(head + "m:tag('one') end)"), "")
        self.assertIn("test.lua:1", s.load(head + "m:tag('two') en)"))
        self.says(s.ask("incoming", mail()), "tag one")
        self.assertEqual(s.load(head + "m:tag('three') end)"), "")
        self.says(s.ask("incoming", mail()), "tag three")

    def test_a_new_version_is_given_what_the_old_one_saved(self):
        """Or it is not taken: on.save and on.restore fail like the script itself."""
        s = Script()
        self.addCleanup(s.__exit__)
        head = """plugin { api = 1 }
            local n = 0
            on.start(function() log.info("start", n) end)
            on.stop(function() log.info("stop", n) end)
            on.restore(function(t) n = t.n; %s end)
            on.save(function() %s return { n = n, list = { "a", 2 } } end)
            on.incoming(function(m) n = n + 1; m:tag("v%d-" .. n) end)"""
        self.assertEqual(s.load(head % ("", "", 1)), "")
        self.says(s.ask("incoming", mail()), "tag v1-1")
        self.says(s.ask("incoming", mail()), "tag v1-2")
        self.assertEqual(s.load(head % ("assert(t.list[2] == 2)", "", 2)), "")
        self.says(s.ask("incoming", mail()), "tag v2-3")
        self.assertEqual(s.logs, ["start 0", "start 2", "stop 2"])
        for i, (wrong, why) in enumerate((
                ('error("no")', "no"), ("search {}", "not possible here"),
                ("while true do end", "too many instructions")), 4):
            self.assertIn(why, s.load(head % (wrong, "", 3)), wrong)
            self.says(s.ask("incoming", mail()), f"tag v2-{i}")
        self.assertEqual(s.load(head % ("", 'm.x = 1', 4)), "")
        self.assertIn("on.save", s.load(head % ("", "", 5)))

    def test_names_of_strangers_make_no_paths(self):
        s = Script()
        self.addCleanup(s.__exit__)
        s.load("plugin { api = 1 } on.incoming(function(m) m:move('X/{subject}') end)")
        for subject, box in (("../../etc", "X/___.._etc"), ("/", "X/_"), (" ", "X/none"),
                             ("a/b\x01c", "X/a_bc"), ("=?utf-8?q?=2e=2e?=", "X/none")):
            self.says(s.ask("incoming", mail(subject)), f"move {box}")


MISTAKES = {
    "event": ("on.incomming(function() end)", "no event `incomming`; did you mean `incoming`?"),
    "field": ("on.incoming(function(m) m.subjet() end)", None),
    "key": ("on.incoming({ mailboxx = 'INBOX' }, function() end)", "no key `mailboxx`; did "
            "you mean `mailbox`?"),
    "global": ("local x = comand", "nothing is called `comand`; did you mean `command`?"),
    "permission": ("plugin { api = 1, exce = {} }", "no permission `exce`; did you mean "
                   "`exec`?"),
    "type": ("options { a = { 'strin', 'x' } }", "no type of options `strin`; did you mean "
             "`string`?"),
    "api": ("plugin { api = 2 }", "this syncd knows api = 1"),
    "timer": ("every('soon', function() end)", "every does not take \"soon\""),
    "duration": ("on.incoming({ older = 'long' }, function() end)", "`older` does not take"),
    "syntax": ("if", "<eof>"),
    "regex": ("re '('", "re: ("),
}


class Mistakes(unittest.TestCase):
    """Each names the file, the line and what was probably meant."""

    def test_mistakes(self):
        with Script() as s:
            for name, (text, why) in MISTAKES.items():
                with self.subTest(name):
                    error = s.load("plugin { api = 1 }\n" + text)
                    if why is None:
                        plan = s.ask("incoming", mail())
                        self.assertEqual(plan.faults[0][1:], (
                            "test.lua:2", "no msg `subjet`; did you mean `subject`?"))
                        continue
                    self.assertTrue(error.startswith("test.lua:2: "), error)
                    self.assertIn(why, error)

    def test_options(self):
        spec = ("plugin { api = 1 } local o = options { n = { 'int', 3 }, d = { 'duration' }, "
                "e = { 'enum(a,b)', 'a' }, m = { 'map<glob,size>', {} }, l = { 'list<int>', {} },"
                " day = { 'date' }, on = { 'bool', true } } "
                "log.info(o.n, o.d, o.e, o.m['x'], #o.l, o.day, o.on)")
        for config, said in (
                ("", "3 nil a nil 0 nil true"),
                ('{"n": 5, "d": "2h", "e": "b", "m": {"x": "2k"}, "l": [1, 2], '
                 '"day": "2026-05-01", "on": "no"}', "5 7200 b 2048 2 2026-05-01 false")):
            with Script() as s:
                self.assertEqual(s.load(spec, options=config), "")
                self.assertEqual(s.logs, [said])
        for config, why in (('{"daay": 5}', "no option `daay`; did you mean `day`?"),
                            ('{"n": "x"}', "option `n` takes a whole number, not x"),
                            ('{"e": "c"}', "option `e` takes one of a,b, not `c`"),
                            ('{"d": "long"}', "option `d` takes a duration such as 30d"),
                            ('{"l": [1, "x"]}', "option `l` takes a whole number")):
            with Script() as s:
                self.assertIn(why, s.load(spec, options=config))


class OtherAccounts(unittest.TestCase):
    """Mail for other accounts; of them there is nothing to be seen."""

    def plan(self, body, declares='accounts = { "b" }'):
        s = Script()
        self.addCleanup(s.__exit__)
        self.assertEqual(s.load(f"plugin {{ api = 1, {declares} }} "
                                f"on.incoming(function(m) {body} end)"), "")
        return s.ask("incoming", mail(date=1767225600))

    def test_how_they_are_named(self):
        for body, want in (
                ("m:copy('Lists/x', 'b')", ["copy Lists/x b"]),
                ("m:copy(accounts.b['Lists/x'])", ["copy Lists/x b"]),
                ("m:copy(accounts.b.archive)", ["copy Archive b"]),
                ("m:move(accounts.b.inbox)", ["move INBOX b move"]),
                ("m:move('By/{from.domain}', 'b')", ["move By/example.net b move"]),
                ("m:move(accounts.b['{year}'])", ["move 2026 b move"]),
                # This one is no other.
                ("m:move('X', 'work')", ["move X"]), ("m:copy('X', account.name)", ["copy X"]),
                ("m:move(accounts.work.archive)", ["move Archive"])):
            with self.subTest(body):
                plan = self.plan(body)
                self.assertEqual((plan.faults, plan.say()), ([], want))

    def test_a_move_files_and_a_copy_does_not(self):
        plan = self.plan("m:move('X', 'b') m:move('Y') m:tag(m.mailbox)")
        self.assertEqual(plan.say(), ["move X b move", "tag INBOX"])
        self.assertEqual(plan.ops[1].lost, "already filed by test.lua:1")
        self.assertEqual(self.plan("m:copy('X', 'b') m:move('Y')").say(), ["copy X b", "move Y"])
        self.assertEqual(self.plan("m:move('Y') m:refile('X', 'b')").say(),
                         ["move Y", "refile X b move"])

    def test_what_is_not_declared(self):
        for body in ("m:copy('X', 'c')", "m:move(accounts.c.inbox)", "local a = accounts.c"):
            [(_, _, text)] = self.plan(body).faults
            self.assertEqual(text, 'accounts `c` is not declared: plugin { accounts = { "c" } }')
        self.assertEqual(len(self.plan("m:copy('X', 'b')", "send = true").faults), 1)


class Services(unittest.TestCase):
    """connect(): a question to a service."""

    def plan(self, body, declares='connect = { "localhost:783" }'):
        self.s = Script()
        self.addCleanup(self.s.__exit__)
        self.s.programs["localhost:783"] = (0, b"SPAM\nscore 9\n", b"")
        self.assertEqual(self.s.load(f"plugin {{ api = 1, {declares} }} "
                                     f"on.incoming(function(m) {body} end)"), "")
        return self.s.ask("incoming", mail())

    def test_what_is_asked_and_answered(self):
        plan = self.plan("local r = connect('localhost:783', { input = m, timeout = '5s' }) "
                         "if r.ok and r.lines[1] == 'SPAM' then m:tag('a' .. #r.lines) end")
        self.assertEqual((plan.faults, plan.say()), ([], ["tag a2"]))
        [asked] = self.s.execs
        self.assertIn(b"Subject: hello", asked.stdin)
        self.assertEqual((asked.argv, asked.env, asked.timeout),
                         (["localhost:783"], ["half"], 5000000))
        self.plan("connect('localhost:783', { input = 'PING\\n', keep_open = true }) "
                  "connect('localhost:783')")
        self.assertEqual([(x.stdin, x.env) for x in self.s.execs], [(b"PING\n", []),
                                                                   (None, ["half"])])

    def test_mistakes(self):
        for body, why in (("connect('x:1')", "connect `x:1` is not declared"),
                          ("connect('localhost:783', { inputs = 1 })",
                           "connect takes input, timeout and keep_open, not `inputs`"),
                          ("connect('localhost:783', { timeout = 'long' })",
                           "timeout takes a duration")):
            [(_, _, text)] = self.plan(body).faults
            self.assertIn(why, text)
        self.assertEqual(self.s.execs, [])


class Secrets(unittest.TestCase):
    """An option that is a secret: syncd.yaml says where it is, the worker gets it."""
    spec = ("plugin { api = 1 } local o = options { token = { 'secret', nil, 'x' }, "
            "key = { 'secret' }, n = { 'int', 1 } } "
            "log.info(tostring(o.token), o.key and #o.key or 'nil', o.n)")

    def setUp(self):
        self.s = Script()
        self.addCleanup(self.s.__exit__)

    def test_each_is_asked_for(self):
        self.s.secrets = {"token": "t0p", "key": "k" * 20000}
        self.assertEqual(self.s.load(self.spec, options='{"key": {"file": "~/k"}, "n": 2, '
                                     '"token": {"command": ["pass", "show", "x"]}}'), "")
        self.assertEqual(sorted(self.s.secrets_asked), ["key", "token"])
        self.assertEqual(self.s.logs, ["t0p 20000 2"])

    def test_one_that_is_not_configured_is_nil(self):
        self.assertEqual(self.s.load(self.spec), "")
        self.assertEqual((self.s.secrets_asked, self.s.logs), ([], ["nil nil 1"]))

    def test_one_that_is_not_there(self):
        said = self.s.load(self.spec, options='{"token": {"file": "~/k"}}',
                           places='{"token": "/etc/s.yaml:3:12"}')
        self.assertIn("option `token` is not there: no such file (/etc/s.yaml:3:12)", said)

    def test_what_is_written_down_is_no_secret(self):
        for value in ('"hunter2"', '7', '["hunter2"]', '{"command": 7}', '{}', '{"file": ["a"]}',
                      '{"value": "hunter2"}', '{"command": "a", "file": "b"}'):
            with self.subTest(value):
                said = self.s.load(self.spec, options='{"token": %s}' % value,
                                   places='{"token": "/etc/s.yaml:3:12"}')
                self.assertIn("option `token` takes {command: ...} or {file: ...}", said)
                self.assertIn("(/etc/s.yaml:3:12)", said)
                self.assertNotIn("hunter2", said)
        self.assertEqual(self.s.secrets_asked, [])

    def test_how_it_is_declared(self):
        for kind, config, why in (
                ("'list<secret>'", '{"a": ["x"]}', "has secrets in a list or a map"),
                ("'map<string,secret>'", '{"a": {"b": {"file": "c"}}}', "has secrets in a list"),
                ("'secret', 'hunter2'", "", "is a secret, which has no default")):
            said = self.s.load("plugin { api = 1 } options { a = { %s } }" % kind, options=config)
            self.assertIn("option `a` " + why, said)
            self.assertNotIn("hunter2", said)


DAY = 86400
FLAG_KEYS = KEYS[KEYS.index("SEEN"):]

# key: (query, the terms that the server is asked for, by group).
MAPPED = {
    "nothing": ("", []),
    "from": ("from = '*@github.com'", [["FROM @github.com"]]),
    "the longest part": ("subject = '[*] Re: merger*x'", [["SUBJECT ] Re: merger"]]),
    "alternatives": ("to = { 'a@*', '*@b' }", [["TO a@", "TO @b"]]),
    "everybody": ("recipients = 'me@x.y'", [["TO me@x.y", "CC me@x.y", "BCC me@x.y"]]),
    "cc": ("cc = 'a@b.c'", [["CC a@b.c"]]),
    "a pattern that says nothing": ("from = { 'a@b.c', '*' }", []),
    "a regular expression": ("subject = re '^x'", []),
    "field": ("header = { ['X-Mailer'] = '*bulk*' }", [["HEADER X-Mailer bulk"]]),
    "any field": ("header = { ['X-Mailer'] = true }", [["HEADER X-Mailer "]]),
    "no field": ("header = { ['X-Mailer'] = false }", []),
    "a name that is none": ("header = { ['X Y'] = 'a' }", []),
    "list": ("list = 'linux.*.example.org'", [["HEADER List-Id .example.org"]]),
    "message id": ("message_id = 'a@b'", [["HEADER Message-ID a@b"]]),
    "flags": ("seen = true, flagged = false, answered = true, draft = false",
              [["ANSWERED"], ["SEEN"], ["UNDRAFT"], ["UNFLAGGED"]]),
    "keywords": ("keyword = { 'work', '$Junk' }", [["KEYWORD work", "KEYWORD $Junk"]]),
    "patterns of keywords": ("keyword = 'wo*'", []),
    "what is no keyword": ("keyword = 'a b'", []),
    "size": ("larger = '1M', smaller = 3000000", [["LARGER 1048576"], ["SMALLER 6000000"]]),
    "days": ("sent_since = '2026-05-10', newer = '10d', older = '3d'",
             [["BEFORE -1d"], ["SENTSINCE 2026-05-08"], ["SINCE -12d"]]),
    "text": ("text = { 'two words', 'a*b' }", [["BODY two words", "BODY a*b"]]),
    "text beyond ASCII": ("text = 'gr\u00fc\u00df'", [["BODY gr\u00fc\u00df"]]),
    "text that only we can test": ("text = re 'a.c'", []),
    "what only we know": ("to_me = true, is_bulk = false, origin = '*', thread = 'x', "
                          "attachment = true", []),
}


class Server(unittest.TestCase):
    """search { server = true }: what the server is asked, and what is tested here."""

    def setUp(self):
        self.s = Script()
        self.addCleanup(self.s.__exit__)

    def ask(self, query, kind="settled"):
        error = self.s.load(f"plugin {{ api = 1 }} on.{kind}(function(e) local n = {{}} "
                            f"for m in search {{ server = true, {query} }} do "
                            "n[#n + 1] = m.id end log.info(table.concat(n, ' ')) end)")
        self.assertEqual(error, "")
        self.s.messages = {m.id: m for m in self.messages}
        self.s.logs.clear()
        return self.s.ask(kind, *([mail(id=99)] if kind in KINDS[:6] else []), mailbox="INBOX")

    messages = ()

    def said(self, key, field, text, n):
        words = [key, field] if key == "HEADER" else [key]
        if key in ("SINCE", "BEFORE"):
            return f"{key} {round((n - time.time()) / DAY)}d"
        if key.startswith("SENT"):
            return key + time.strftime(" %Y-%m-%d", time.localtime(n))
        return " ".join(words + [text] * (key not in FLAG_KEYS) if not n else words + [str(n)])

    def test_what_is_asked(self):
        for name, (query, want) in MAPPED.items():
            with self.subTest(name):
                self.assertEqual(self.ask(query).faults, [])
                groups = {}
                for key, group, field, text, n in self.s.asked[1]:
                    groups.setdefault(group, []).append(self.said(key, field, text, n))
                self.assertEqual(sorted(groups.values()), want)

    def test_in_which_mailboxes(self):
        for query, want in (("text = 'x'", []), ("mailbox = 'Lists/*'", ["Lists/*"]),
                            ("mailbox = { 'a', 'b' }", ["a", "b"]), ("mailbox = re '^a'", [])):
            self.ask(query)
            self.assertEqual(self.s.asked[0], want)

    def test_what_is_found_is_tested_here(self):
        self.messages = [mail(id=1), mail(id=2, subject="other"), mail(id=3, mailbox="Else"),
                         mail(id=4, sender="bob@example.net")]
        self.s.server = [1, 2, 3, 4, 77]    # the last is gone by now
        self.ask("mailbox = 'INBOX', from = 'ann@*', subject = 'hello', text = 'nowhere in it'")
        self.assertEqual(self.s.logs, ["1"])
        self.ask("mailbox = 'INBOX', where = function(m) return m.id > 2 end, text = 'x'")
        self.assertEqual(self.s.logs, ["4"])

    def test_nothing_is_found(self):
        self.ask("text = 'x'")
        self.assertEqual(self.s.logs, [""])

    def test_more_than_one_page(self):
        self.messages = [mail(id=i) for i in range(1, 3001)]
        self.s.server = list(range(2, 2802))
        self.ask("text = 'x'")
        self.assertRegex(self.s.logs[0], "^2 3 4 5 6 ")
        self.s.server = list(range(1, 201))
        self.ask("text = 'x', where = function(m) return m.id % 50 == 0 end")
        self.assertEqual(self.s.logs, ["50 100 150 200"])

    def test_without_server_nobody_is_asked(self):
        self.ask("server = false, text = 'x'")
        self.assertIsNone(self.s.asked)

    def test_an_error_has_its_place(self):
        self.s.server = "there is no connection"
        self.assertEqual(self.ask("text = 'x'").faults,
                         [("test", "test.lua:1", "search: there is no connection")])

    def test_mail_does_not_wait_for_itself(self):
        for kind in ("incoming", "created", "removing"):
            with self.subTest(kind):
                [(_, _, text)] = self.ask("text = 'x'", kind).faults
                self.assertIn(f"the server cannot be asked in on.{kind}", text)
        self.assertIsNone(self.s.asked)
        said = self.s.load("plugin { api = 1 } search { server = true, text = 'x' }")
        self.assertIn("the server cannot be asked while the plugin loads", said)

    def test_an_event_has_no_server(self):
        said = self.s.load("plugin { api = 1 } on.incoming({ server = true }, function() end)")
        self.assertIn("`server` is for search", said)


FULL = mail(id=7, uid=9, keywords=["work"], flags=["seen", "passed"], path="/m/cur/1:2,S",
            to="Ann <ann@example.net>, bob@example.org",
            subject="=?utf-8?q?Gr=C3=BC=C3=9Fe?=", headers=[
                "Cc: Cy <cy@example.com>", "Bcc: me@example.org",
                "Sender: desk@example.net", "In-Reply-To: <b@x>", "References: <a@x> <b@x>",
                "List-Post: <mailto:list@example.org>", "List-Unsubscribe: <https://x/y>, <m:z>",
                "X-Twice: one", "X-Twice: two", "MIME-Version: 1.0",
                "Content-Type: text/html; charset=utf-8"], body="<p>5 &lt; 6</p>\n")
FIELDS = {
    "msg.account": "work", "msg.uid": "9", "msg.path": "/m/cur/1:2,S", "msg.gone": "false",
    "msg.size": str(len(FULL.data)), "msg.seen": "true", "msg.passed": "true",
    "msg.answered": "false", "msg.draft": "false", "msg.deleted": "false",
    "msg.flagged": "false", "msg.subject": "Gr\u00fc\u00dfe", "msg.sender.addr": "desk@example.net",
    "msg.in_reply_to": "b@x", "#msg.references": "2", "msg.references[1]": "a@x",
    "msg.list_post": "list@example.org", "msg.unsubscribe": "https://x/y",
    "msg.cc[1].name": "Cy", "msg.bcc[1].addr": "me@example.org", "#msg.recipients": "4",
    "msg:header('x-twice')": "one", "table.concat(msg:header_all('X-Twice'), ' ')": "one two",
    "#msg:header_all('X-None')": "0", "msg:header('X-None')": "nil",
    "msg:has_header('CC')": "true", "msg:has_header('X-None')": "false",
    "msg.html": "<p>5 &lt; 6</p>\n", "msg.text:trim()": "5 < 6",
    "msg == msg": "true", "msg == nil": "false", "tostring(msg)": "message 7",
    "re('(a+)(b)?'):match('xaay')": "aa", "re('a+'):match('xaay')": "aa",
    "re('a+'):match('xy')": "nil", "re('^a'):test('ba')": "false", "re('^a'):test('ab')": "true",
    "('a Word'):has('WORD')": "true", "('a'):has('')": "true", "('a'):has('ab')": "false",
    "('a.b'):glob('*.b')": "true", "('a.b'):glob('*.c')": "false",
    "('  x '):trim() .. '.'": "x.",
    "escape.shell(\"it's\")": "'it'\\''s'", "escape.markup('a<b & c>')": "a&lt;b &amp; c&gt;",
    "glob('Ann', { 'x', 'a*' })": "true", "glob(nil, '*')": "false",
    "syncd.has('event:incoming')": "true", "syncd.has('event:never')": "false",
    "syncd.has('function:search')": "true", "syncd.has('incoming')": "false",
}


class Fields(unittest.TestCase):
    """What is read of a message, and of texts."""

    def says(self, statement, want):
        with Script() as s:
            self.assertEqual(s.load("plugin { api = 1 } on.incoming(function(msg) "
                                    f"{statement} end)"), "")
            self.assertEqual(s.ask("incoming", FULL).faults, [])
            self.assertEqual(s.logs, want)

    def test_each(self):
        self.says("local function say(v) log.info(tostring(v)) end " +
                  " ".join(f"say({value})" for value in FIELDS), list(FIELDS.values()))

    def test_lines(self):
        self.says("for line in ('a\\r\\n\\nb'):lines() do log.info('<' .. line .. '>') end",
                  ["<a>", "<>", "<b>"])


# What a script says, and what it gets: sets of words, of messages, of addresses.
A, B = "set { 'x', 'y', { 'z', 1 } }", "set { 'y', 'w' }"
OF_WORDS = {
    "union": (f"{A} + {B}", "1 w x y z"),
    "intersection": (f"{A} * {B}", "y"),
    "difference": (f"{A} - {B}", "1 x z"),
    "a list is a set": (f"{A} + {{ 'w' }}", "1 w x y z"),
    "and a word is one": (f"{A} - 'x'", "1 y z"),
    "keywords": ("msg.keywords + 'new'", "new work"),
}
OF_SETS = {
    "size": (f"#{A}", "4"),
    "member": (f"{A}.y", "true"),
    "no member": (f"{A}.w == nil", "true"),
    "equal in any order": ("set { 'a', 'b' } == set { 'b', 'a', 'a' }", "true"),
    "unequal": (f"{A} == {B}", "false"),
    "a part of it": ("set { 'a' } == set { 'a', 'b' }", "false"),
    "how many": ("#msg.to", "2"),
    "one of them": ("msg.to[2].addr", "bob@example.org"),
    "none of them": ("msg.to[3]", "nil"),
    "the last of them": ("(function() local l for _, a in ipairs(msg.to) do l = a.addr end "
                         "return l end)()", "bob@example.org"),
    "any": ("msg.to:any('*@example.org')", "true"),
    "none": ("msg.to:any('*@example.com')", "false"),
}
OF_MESSAGES = {
    "all": ("q()", "1 2 3 4"),
    "the first": ("q():first(2)", "1 2"),
    "more than there are": ("q():first(9)", "1 2 3 4"),
    "fewer than none": ("q():first(-1)", ""),
    "those that": ("q():where(function(m) return m.id % 2 == 0 end)", "2 4"),
    "by date": ("q():sort('date')", "2 1 4 3"),
    "the other way round": ("q():sort('-date')", "3 4 1 2"),
    "equal ones stay in order": ("q():sort('mailbox')", "1 2 3 4"),
    "by what not all have": ("q():sort('list_id')", "1 2 4 3"),
    "by yes and no": ("q():sort('-flagged')", "2 1 3 4"),
    "by what is in the message": ("q():sort('-body_hash'):sort('sent_date'):first(1)", "1"),
    "union": ("q():first(2) + q():where(function(m) return m.id < 4 end)", "1 2 3"),
    "intersection": ("q():first(3) * q():sort('-id'):first(2)", "3"),
    "difference": ("q() - q():first(3)", "4"),
}


class Sets(unittest.TestCase):
    def setUp(self):
        self.s = Script()
        self.addCleanup(self.s.__exit__)
        self.s.messages = {i: mail(id=i, date=1_700_000_000 + day, keywords=["work"],
                                   to="Ann <ann@example.net>, bob@example.org",
                                   headers=LIST if i == 3 else (),
                                   flags=["flagged"] if i == 2 else ())
                           for i, day in ((1, 2), (2, 1), (3, 9), (4, 4))}
        self.s.server = [1, 2, 3, 4]

    def run_lua(self, body):
        self.s.logs.clear()
        error = self.s.load("plugin { api = 1 } local function q() return search { server = "
                            "true, text = 'x' } end on.settled(function() local msg for m in "
                            f"q():first(1) do msg = m end {body} end)")
        self.assertEqual(error, "")
        return self.s.ask("settled", mailbox="INBOX")

    def says(self, body, want):
        self.assertEqual(self.run_lua(body).faults, [])
        self.assertEqual(self.s.logs, [want])

    def test_words(self):
        for name, (value, want) in OF_WORDS.items():
            with self.subTest(name):
                self.says(f"local n = {{}} for w in {value} do n[#n + 1] = w end table.sort(n) "
                          "log.info(table.concat(n, ' '))", want)

    def test_values(self):
        for name, (value, want) in OF_SETS.items():
            with self.subTest(name):
                self.says(f"log.info(tostring({value}))", want)

    def test_messages(self):
        for name, (value, want) in OF_MESSAGES.items():
            with self.subTest(name):
                self.says(f"local n = {{}} for m in {value} do n[#n + 1] = m.id end "
                          "log.info(table.concat(n, ' '))", want)
                self.says(f"log.info(tostring(#({value})))", str(len(want.split())))

    def test_an_action_is_one_of_each(self):
        plan = self.run_lua("q():where(function(m) return m.id ~= 3 end):tag('done')")
        self.assertEqual(plan.faults, [])
        self.assertEqual([(o.msg, o.args) for o in plan.ops],
                         [(i, ["done"]) for i in (1, 2, 4)])

    def test_many_are_asked_for_twice(self):
        self.s.messages = {i: mail(id=i) for i in range(1, 502)}
        self.s.server = list(range(1, 502))
        [(_, _, text)] = self.run_lua("q():tag('done')").faults
        self.assertIn("501 messages in one action; say :really()", text)
        plan = self.run_lua("q():really():tag('done')")
        self.assertEqual((plan.faults, len(plan.ops)), ([], 501))

    def test_mistakes(self):
        for body, why in (("set { true }", "a word or a list of words, not a boolean"),
                          ("set { {{{{{{{{{ 'a' }}}}}}}}} }", "lists in lists in lists"),
                          ("local n = q():where(1)", "function expected"),
                          ("local n = #q():first({})", "number expected")):
            with self.subTest(body):
                [(_, _, text)] = self.run_lua(body).faults
                self.assertIn(why, text)

    def test_not_after_its_event(self):
        self.assertEqual(self.s.load(
            "plugin { api = 1 } local kept on.settled(function() if kept then "
            "for m in kept do log.info(m.id) end end kept = search { server = true, text = 'x' } end)"), "")
        self.assertEqual(self.s.ask("settled", mailbox="INBOX").faults, [])
        [(_, _, text)] = self.s.ask("settled", mailbox="INBOX").faults
        self.assertIn("a set of messages was used after its event", text)


class Shipped(unittest.TestCase):
    """What lies in lua/, and what is made from the registry."""

    def run_script(self, *args):
        return subprocess.run([BIN, *args], cwd=ROOT, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=60)

    def test_plugins_pass_their_fixtures(self):
        plugins = sorted(glob.glob(os.path.join(ROOT, "lua/plugins/*")))
        self.assertGreater(len(plugins), 12)
        for path in plugins:
            with self.subTest(os.path.basename(path)):
                r = self.run_script("test", "--me", "ann@x.example", "--account", "work", path)
                self.assertEqual(r.returncode, 0, r.stdout)
                self.assertRegex(r.stdout, r"[1-9]\d* passed, 0 failed")

    def test_each_has_its_page(self):
        """With all of its options, by their names, and no others."""
        with open(os.path.join(ROOT, "systemd/syncd-plugins.7"), encoding="utf-8") as f:
            page = f.read().split(".Sh PLUGINS")[1].split(".Sh ")[0]
        sections = dict(part.split("\n", 1) for part in page.split(".Ss ")[1:])
        sources = glob.glob(os.path.join(ROOT, "lua/plugins/*/main.lua"))
        self.assertEqual(sorted(sections),
                         sorted(os.path.basename(os.path.dirname(p)) for p in sources))
        for path in sources:
            name = os.path.basename(os.path.dirname(path))
            with open(path, encoding="utf-8") as f:
                spec = re.search(r"^local opt\s*=\s*options \{(.*?)\n?\}$", f.read(), re.M | re.S)
            options = re.findall(r"(?:^|\{) *(\w+) *= \{ \"", spec[0] if spec else "", re.M)
            self.assertEqual(re.findall(r"^\.It Cm (\w+) :", sections[name], re.M), options, name)
            commands = re.findall(r'^command\("([\w-]+)"', open(path, encoding="utf-8").read(), re.M)
            for command in commands:
                self.assertIn(f"syncd cmd {command} ", sections[name])

    def test_documents_say_what_the_registry_says(self):
        for form, path in (("man", "systemd/syncd-lua.7"), ("meta", "lua/meta/syncd.lua")):
            with open(os.path.join(ROOT, path), encoding="utf-8") as f:
                self.assertEqual(f.read(), self.run_script("registry", form).stdout,
                                 f"build/syncd-script registry {form} >{path}")

    def test_every_key_of_the_registry_is_one_of_matches(self):
        values = {"boolean": "true", "globs": "'x'", "map": "{ A = 'x' }",
                  "duration": "'1d'", "moment": "'2026-05-01'", "size": "'1k'",
                  "integer": "1"}
        with open(os.path.join(ROOT, "plugins/registry.def"), encoding="utf-8") as f:
            keys = re.findall(r'^KEY\((\w+), "(\w+)"', f.read(), re.M)
        self.assertGreater(len(keys), 30)
        with Script() as s:
            for key, kind in keys:
                if kind == "function" or key == "server":
                    continue    # for searches only
                self.assertEqual(s.load(f"plugin {{ api = 1 }} on.incoming({{ {key} = "
                                        f"{values[kind]} }}, function() end)"), "", key)

    def test_a_trial_says_what_would_happen(self):
        mails = sorted(glob.glob(os.path.join(ROOT, "tests/corpus/**/*.eml"),
                                 recursive=True))[:200]
        r = self.run_script("test", "lua/plugins/lists", *mails)
        self.assertEqual(r.returncode, 0, r.stdout)
        self.assertRegex(r.stdout, r"^200 messages, \d+ touched, 0 errors")
        self.assertIn("lists/main.lua:11", r.stdout)
        r = self.run_script("test", "--explain", "lua/plugins/lists", mails[0])
        self.assertIn("lists/main.lua:8", r.stdout)
        r = self.run_script("test", "--diff", "lua/plugins/lists/main.lua",
                            "lua/plugins/lists/main.lua", *mails)
        self.assertIn("0 of 200 messages differ", r.stdout)
