"""Every mistake in a configuration or on the command line, in its whole words.

`SYNCD_GOLDEN=write` writes tests/golden/errors.txt anew: read the difference as a
user would before committing it.
"""
import os
import re
import subprocess
import unittest

from server import scratch
from syncd import BINARY, ROOT

GOLDEN = os.path.join(ROOT, "tests/golden/errors.txt")
OK = "accounts:\n  work:\n    email: ann@fastmail.com\n    password_command: pass show work\n"
BARE = "accounts:\n  work:\n    host: imap.x.test\n    user: ann\n    password_command: p\n"


def account(*lines):
    return OK + "".join(f"    {line}\n" for line in lines)


# name: the configuration
CONFIGS = {
    "empty": "", "no_accounts": "log: {level: info}\n", "only_a_comment": "# nothing\n",
    "tab": "accounts:\n\twork:\n", "indent": "accounts:\n  work:\n   email: a@x.test\n  b: c\n    d\n",
    "unclosed_quote": "accounts: {work: {email: \"a@x.test}}\n",
    "unclosed_bracket": "accounts: {work: {email: a@x.test}\n",
    "unclosed_list": account("folders: {sync: ['*'"),
    "not_a_map": "- accounts\n", "scalar_document": "accounts\n",
    "two_documents": OK + "---\n" + OK, "tag": account("path: !!binary aGk="),
    "merge_key": account("<<: {port: 993}"), "unknown_alias": account("path: *nowhere"),
    "control_character": account("path: \"a\x07b\""),
    "duplicate_key": account("port: 993", "port: 994"),
    "duplicate_account": OK + "  work:\n    email: b@fastmail.com\n    password_command: x\n",
    "unknown_top": OK + "acounts: {}\n", "unknown_key": account("pasword_file: x"),
    "unknown_far_off": account("xyzzy: 1"), "key_of_a_group": account("idle_folders: [INBOX]"),
    "mbsync_word": account("PassCmd: pass show"), "mbsync_patterns": account("Patterns: '*'"),
    "key_in_tls": account("tls: {modee: implicit}"), "key_in_watch": account("watch: {pol: 5m}"),
    "key_in_guards": account("guards: {max_delet: {count: 5}}"),
    "key_in_log": OK + "log: {levl: info}\n", "key_in_hooks": OK + "hooks: [{evnts: [x], run: y}]\n",
    "account_is_text": "accounts:\n  work: yes\n", "accounts_is_list": "accounts: [work]\n",
    "account_without_anything": "accounts:\n  work: {}\n",
    "no_email_no_host": "accounts:\n  work:\n    password_command: x\n",
    "unknown_provider": "accounts:\n  work:\n    email: a@x.test\n    password_command: x\n",
    "no_imap_provider": "accounts:\n  w:\n    email: a@tuta.com\n    password_command: x\n",
    "no_secret": "accounts:\n  work:\n    email: ann@gmail.com\n",
    "two_secrets": account("password_file: ~/x"),
    "inline_password": account("password: geheim"),
    "bad_email": "accounts:\n  work:\n    email: ann\n    password_command: x\n",
    "email_with_space": "accounts:\n  work:\n    email: a b@x.test\n    password_command: x\n",
    "no_user": "accounts:\n  w:\n    host: h.test\n    password_command: x\n",
    "port_word": account("port: imaps"), "port_zero": account("port: 0"),
    "port_large": account("port: 70000"), "port_negative": account("port: -1"),
    "host_url": BARE.replace("imap.x.test", "imaps://imap.x.test"),
    "host_space": BARE.replace("imap.x.test", "'imap x'"),
    "bool_word": account("enabled: maybe"),
    "folder_gone_there": account("folders: {delete_local: archive}"),
    "folder_gone_here": account("folders: {delete_remote: archive}"),
    "enum_word": account("layout: flat"),
    "protocol": account("protocol: jmap"), "policy_word": account("policy: twoway"),
    "policy_map_key": account("policy: {pul: [new]}"),
    "policy_map_word": account("policy: {pull: [news]}"),
    "policy_for_list": account("policy_for: [pull]"),
    "conflict": account("conflict: newest"), "keywords": account("keywords: gmail"),
    "tls_mode": account("tls: {mode: ssl}"), "tls_version": account("tls: {min_version: \"1.1\"}"),
    "tls_none_far": BARE + "    tls: {mode: none}\n", "tls_verify_no": account("tls: {verify: no}"),
    "tls_verify_pin": account("tls: {verify: pin}"),
    "too_big": account("path: " + "[" * 40 + "x" + "]" * 40), "indent_of_a_key": OK + "   log: {level: info}\n",
    "unverified": account("tls: {verify: no-i-accept-mitm}", "xyzzy: 1"),
    "tls_is_text": account("tls: implicit"), "pin": account("tls: {pin: [abc]}"),
    "pin_of_another_kind": account("tls: {pin: sha1/2fd4e1c67a2d28fced849ee1bb76e7391b93eb12}"),
    "duration_word": account("watch: {poll: often}"), "duration_unit": account("watch: {poll: 5x}"),
    "duration_negative": account("watch: {poll: -5m}"),
    "duration_huge": account("watch: {settle: 99999999999999999999y}"),
    "size_word": account("limits: {max_message_size: big}"),
    "size_unit": account("undo: {max: 5XB}"), "connections_none": account("limits: {connections: 0}"),
    "connections_many": account("limits: {connections: 99}"),
    "percent": account("guards: {max_delete: {percent: 200}}"),
    "list_for_text": account("path: [a, b]"), "map_for_text": account("path: {a: b}"),
    "map_for_list": account("folders: {sync: {a: b}}"), "text_for_map": account("folders: INBOX"),
    "file_mode": account("file_mode: \"0999\""),
    "schedule": account("schedule: {when: sometimes}"), "only_if": account("schedule: {only_if: [on-battery]}"), "variable": account("path: $NOWHERE/mail"),
    "path_in_state": account("path: ~/.local/state/syncd/x"),
    "same_path": OK + "  b:\n    email: b@fastmail.com\n    password_command: x\n    path: ~/Mail/work\n",
    "path_within": OK + "  b:\n    email: b@fastmail.com\n    password_command: x\n    path: ~/Mail/work/b\n",
    "include_missing": OK + "include: [nowhere.yaml]\n", "include_itself": OK + "include: [syncd.yaml]\n",
    "include_number": OK + "include: {a: b}\n", "hook_no_run": OK + "hooks: [{events: [mail.new]}]\n",
    "hook_no_events": OK + "hooks: [{run: x}]\n", "hook_rate": OK + "hooks: [{events: [x], run: y, rate: lots}]\n",
    "hook_is_text": OK + "hooks: [notmuch new]\n", "hooks_is_map": OK + "hooks: {run: x}\n",
    "log_level": OK + "log: {level: loud}\n", "log_protocol": OK + "log: {protocol: {a: b}}\n",
    "notify": OK + "notify: {desktop: always}\n", "oauth2": account("auth: {oauth2: {provider: google}}"),
    "defaults_unknown": OK + "defaults: {prot: 993}\n", "defaults_is_list": OK + "defaults: []\n",
    "account_name_slash": OK.replace("work:", "\"a/b\":"), "account_name_dot": OK.replace("work:", ".hidden:"),
    "account_name_empty": OK.replace("work:", "\"\":"),
    "null_host": BARE.replace("imap.x.test", "null"), "wide_characters": account("färbung: 1"),
    "very_long_key": account("x" * 100 + ": 1"), "many_mistakes": account(*(f"bad{i}: 1" for i in range(25))),
}

# name: the words after `syncd`, with a configuration that is right
COMMANDS = {
    "verb": ["stauts"], "verb_far_off": ["xyzzy"], "option": ["sync", "--dry-runn"],
    "option_of_another": ["stop", "--online"], "option_unknown": ["status", "-x"],
    "value_missing": ["log", "--since"], "since": ["log", "--since", "yesterday"],
    "number": ["log", "-n", "0"], "arguments": ["stop", "a"], "arguments_few": ["why"],
    "color": ["status", "--color", "red"], "progress": ["sync", "--progress", "big"],
    "account": ["status", "wrok"], "account_far_off": ["folders", "xyzzy"],
    "approve_account": ["approve", "work"], "config_word": ["config", "shwo"],
    "code": ["explain", "auth.refusd"], "code_far_off": ["explain", "xyzzy"],
    "shell": ["completion", "tcsh"], "program": ["generate", "pine"], "help_verb": ["help", "xyzzy"],
    "init_address": ["init", "ann"], "init_secret": ["init", "a@gmail.com", "--secret", "x", "--offline",
                                                     "--host", "127.0.0.1:1"],
    "init_host": ["init", "a@x.test", "--host", "h:port"], "init_offline": ["init", "a@x.test", "--offline"],
    "events_since": ["events", "--since", "x"], "events_number": ["events", "-n", "x"],
    "stop": ["stop"], "reload": ["reload"], "events": ["events"], "why": ["why", "nobody@x.test"],
    "detach": ["sync", "--detach"], "top": ["top"],
    "socket": ["stop", "--socket", "/nowhere"], "config_file": ["-c", "nowhere.yaml", "status"],
}


class Golden(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.home = scratch("golden.")
        cls.said = {}

    def say(self, name, text, *args):
        """Everything that `syncd ARGS` prints, with its exit code."""
        with open(os.path.join(self.home, "syncd.yaml"), "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(f.name, 0o600)
        words = list(args) if "-c" in args else ["-c", "syncd.yaml", *args]
        r = subprocess.run([BINARY, *words], cwd=self.home, stdin=subprocess.DEVNULL,
                           env={"HOME": self.home, "XDG_RUNTIME_DIR": self.home + "/run",
                                "LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"},
                           capture_output=True, text=True, timeout=30, check=False)
        out = (r.stdout + r.stderr).replace(self.home, "~").rstrip()
        self.said[name] = f"$ syncd {' '.join(args)}\n{out}\nexit {r.returncode}\n"
        return r.returncode, out

    def test_every_mistake_is_told_in_full(self):
        for name, text in CONFIGS.items():
            code, out = self.say("config " + name, text, "config", "path")
            with self.subTest(name):
                # What, where, and what to do: a place in the file, and words at the
                # caret or a command.  Warnings need not stop anybody.
                self.assertRegex(out, r"(?m)^(error|warning)\[[a-z.-]+\]: .")
                self.assertRegex(out, r"-->|= note: |looked for")
                self.assertRegex(out, r"\^ .|= help: |= note: |\^+ ")
                self.assertIn(code, (0, 1, 77, 78))
        for name, args in COMMANDS.items():
            code, out = self.say("command " + name, OK, *args)
            with self.subTest(name):
                self.assertRegex(out, r"(?m)^error\[[a-z.-]+\]: .")
                self.assertNotEqual(code, 0)
        self.assertGreaterEqual(len(self.said), 120)
        text = "".join(f"== {k}\n{v}\n" for k, v in self.said.items())
        if os.environ.get("SYNCD_GOLDEN") == "write":
            with open(GOLDEN, "w", encoding="utf-8") as f:
                f.write(text)
        with open(GOLDEN, encoding="utf-8") as f:
            want = dict(re.findall(r"(?ms)^== ([^\n]*)\n(.*?)\n(?=^== |\Z)", f.read()))
        for name, said in self.said.items():
            with self.subTest(name):
                self.assertEqual(said, want.get(name))
        self.assertEqual(list(want), list(self.said))
