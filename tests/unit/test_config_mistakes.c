/* test_config_mistakes.c — what the loader says about a bad syncd.yaml, and where. */
#include "config_home.h"

/* ------------------------------------------------- mistakes and their places */

static const struct bad {
	const char	*name, *text, *code;
	uint32_t	 line, col;
} bad[] = {
	{ "misspelt key of an account", ACCOUNT "    polcy: pull\n",
	  "config.unknown-key", 6, 5 },
	{ "misspelt key of a group", ACCOUNT "    tls:\n      mod: none\n",
	  "config.unknown-key", 7, 7 },
	{ "misspelt top-level key", ACCOUNT "state_dri: /x\n",
	  "config.unknown-key", 6, 1 },
	{ "key of another program", ACCOUNT "    Patterns: '*'\n",
	  "config.unknown-key", 6, 5 },
	{ "key of another place", ACCOUNT "    poll: 5m\n",
	  "config.unknown-key", 6, 5 },
	{ "account key at the top", "host: x\n" ACCOUNT, "config.unknown-key", 1, 1 },
	{ "inline password", ACCOUNT "    password: hunter2\n",
	  "config.unknown-key", 6, 5 },
	{ "same key twice", ACCOUNT "    user: v\n", "config.duplicate-key", 6, 5 },
	{ "same key twice, once in auth",
	  ACCOUNT "    auth: {password_command: y}\n", "config.duplicate-key", 6, 12 },
	{ "same account twice", ACCOUNT "  a: {}\n", "config.duplicate-key", 6, 3 },
	{ "same key twice in a map of names",
	  ACCOUNT "    folders: {rename: {x: y, x: z}}\n",
	  "config.duplicate-key", 6, 30 },
	{ "list for a text", ACCOUNT "    email: [a]\n", "config.wrong-type", 6, 12 },
	{ "map for a text", ACCOUNT "    email:\n      a: b\n",
	  "config.wrong-type", 6, 5 },
	{ "text for a group", ACCOUNT "    tls: none\n", "config.wrong-type", 6, 10 },
	{ "list for a group", ACCOUNT "    limits: [3]\n",
	  "config.wrong-type", 6, 13 },
	{ "nothing for a text", ACCOUNT "    email:\n", "config.wrong-type", 6, 5 },
	{ "list in a list", ACCOUNT "    folders: {sync: [[a]]}\n",
	  "config.wrong-type", 6, 22 },
	{ "text for accounts", "accounts: all\n", "config.wrong-type", 1, 11 },
	{ "text for an account", "accounts: {a: x}\n", "config.wrong-type", 1, 15 },
	{ "list for the file", "- accounts\n", "config.wrong-type", 1, 1 },
	{ "empty command", ACCOUNT "    tunnel_command: []\n",
	  "config.wrong-type", 6, 21 },
	{ "unknown word", ACCOUNT "    layout: maildir\n", "config.bad-value", 6, 13 },
	{ "no schedule of checks", ACCOUNT "    backup: {verify: often 5%}\n",
	  "config.bad-value", 6, 14 },
	{ "more than all of it", ACCOUNT "    backup: {verify: daily 101%}\n",
	  "config.bad-value", 6, 14 },
	{ "no URL", ACCOUNT "    backup: {ping: example.com}\n",
	  "config.bad-value", 6, 14 },
	{ "unknown policy", ACCOUNT "    policy: mirror\n",
	  "config.bad-value", 6, 13 },
	{ "unknown operation in a policy",
	  ACCOUNT "    policy: {pull: [news]}\n", "config.bad-value", 6, 21 },
	{ "policy with a third side", ACCOUNT "    policy: {far: [new]}\n",
	  "config.unknown-key", 6, 14 },
	{ "policy that moves nothing", ACCOUNT "    policy: {pull: []}\n",
	  "config.bad-value", 6, 13 },
	{ "bad policy of a folder", ACCOUNT "    policy_for: {x: pul}\n",
	  "config.bad-value", 6, 21 },
	{ "neither yes nor no", ACCOUNT "    enabled: 1\n", "config.bad-value", 6, 14 },
	{ "a folder that is gone here, into an archive",
	  ACCOUNT "    folders: {delete_remote: archive}\n", "config.bad-value",
	  6, 30 },
	{ "port too large", ACCOUNT "    port: 65536\n", "config.bad-value", 6, 11 },
	{ "port zero", ACCOUNT "    port: 0\n", "config.bad-value", 6, 11 },
	{ "negative number", ACCOUNT "    limits: {connections: -1}\n",
	  "config.bad-value", 6, 27 },
	{ "number with a sign", ACCOUNT "    port: +993\n",
	  "config.bad-value", 6, 11 },
	{ "number too large for 64 bits",
	  ACCOUNT "    port: 18446744073709551617\n", "config.bad-value", 6, 11 },
	{ "duration without unit", ACCOUNT "    watch: {poll: 15}\n",
	  "config.bad-value", 6, 19 },
	{ "duration with a space", ACCOUNT "    watch: {poll: 15 m}\n",
	  "config.bad-value", 6, 19 },
	{ "duration that overflows", ACCOUNT "    undo: {keep: 9999999999y}\n",
	  "config.bad-value", 6, 18 },
	{ "duration out of range", ACCOUNT "    watch: {settle: 2h}\n",
	  "config.bad-value", 6, 21 },
	{ "size in decimal units", ACCOUNT "    undo: {max: 1GB}\n",
	  "config.bad-value", 6, 17 },
	{ "size that overflows", ACCOUNT "    undo: {max: 99999999TiB}\n",
	  "config.bad-value", 6, 17 },
	{ "no pin", ACCOUNT "    tls: {pin: [abc]}\n",
	  "config.bad-value", 6, 17 },
	{ "unknown TLS version", ACCOUNT "    tls: {min_version: 1.1}\n",
	  "config.bad-value", 6, 24 },
	{ "verification switched off by no", ACCOUNT "    tls: {verify: no}\n",
	  "config.bad-value", 6, 19 },
	{ "schedule of no shape", ACCOUNT "    schedule: {when: hourly}\n",
	  "config.bad-value", 6, 22 },
	{ "schedule at 25 hours", ACCOUNT "    schedule: {when: daily 25:00}\n",
	  "config.bad-value", 6, 22 },
	{ "variable that is not set", ACCOUNT "    path: $TEST_NOT_SET/x\n",
	  "config.bad-value", 6, 11 },
	{ "variable that is not UTF-8", ACCOUNT "    path: /x/$TEST_LATIN1\n",
	  "config.bad-value", 6, 11 },
	{ "dollar that names nothing", ACCOUNT "    path: /x/$/y\n",
	  "config.bad-value", 6, 11 },
	{ "control character", ACCOUNT "    email: \"a\\n@b\"\n",
	  "config.bad-value", 6, 12 },
	{ "NUL character", ACCOUNT "    email: \"a\\0@b\"\n",
	  "config.bad-value", 6, 12 },
	{ "address without domain", ACCOUNT "    email: ann\n",
	  "config.bad-value", 6, 5 },
	{ "URL for a host", "accounts: {a: {host: 'imaps://h', user: u,"
	  " password_command: x}}\n", "config.bad-value", 1, 16 },
	{ "name that leaves the directory", "accounts: {../a: {" GOOD "}}\n",
	  "config.bad-value", 1, 12 },
	{ "name of a slash", "accounts: {a/b: {" GOOD "}}\n",
	  "config.bad-value", 1, 12 },
	{ "log of an unknown account", ACCOUNT "log: {protocol: [b]}\n",
	  "config.bad-value", 6, 7 },
	{ "socket path too long", ACCOUNT "state_dir: /23456789a23456789a23456789a"
	  "23456789a23456789a23456789a23456789a23456789a23456789a23456789a"
	  "23456789a\n",
	  "config.bad-value", 6, 1 },
	{ "no secret", "accounts:\n  a: {host: h, user: u}\n",
	  "config.missing-secret", 2, 3 },
	{ "two secrets", ACCOUNT "    keyring: k\n", "config.two-secrets", 6, 5 },
	{ "two secrets in auth",
	  "accounts: {a: {host: h, user: u, auth: {keyring: k,"
	  " password_file: f}}}\n", "config.two-secrets", 1, 53 },
	{ "certificate sign-in without one",
	  "accounts: {a: {host: h, user: u, external: yes}}\n",
	  "config.missing-key", 1, 34 },
	{ "certificate without its key",
	  ACCOUNT "    tls: {client_cert: {cert: /c}}\n",
	  "config.missing-key", 6, 25 },
	{ "no server", "accounts:\n  a: {user: u, password_command: x}\n",
	  "config.missing-key", 2, 3 },
	{ "no server for an unknown provider",
	  "accounts:\n  a: {email: a@b.example, password_command: x}\n",
	  "config.missing-key", 2, 3 },
	{ "no user", "accounts:\n  a: {host: h, password_command: x}\n",
	  "config.missing-key", 2, 3 },
	{ "no account", "log: {level: info}\n", "config.no-account", 0, 0 },
	{ "plain text to a far host", ACCOUNT "    tls: {mode: none}\n",
	  "config.plaintext", 6, 11 },
	{ "two accounts in one directory",
	  "accounts:\n  a: {" GOOD ", path: /m}\n  b: {" GOOD ", path: /m/}\n",
	  "config.path-overlap", 3, 54 },
	{ "an account within another",
	  "accounts:\n  a: {" GOOD ", path: /m/./x}\n  b: {" GOOD ", path: /m}\n",
	  "config.path-overlap", 3, 54 },
	{ "state among the mail", ACCOUNT "    path: /m\nstate_dir: /m/state\n",
	  "config.path-overlap", 6, 5 },
	{ "POP3, and no host", "accounts:\n  a:\n    email: a@gmail.com\n"
	  "    protocol: pop3\n    password_command: x\n", "config.missing-key",
	  2, 3 },
	{ "OAuth2 built in", "accounts:\n  a:\n    email: a@gmail.com\n"
	  "    auth: {oauth2: {provider: google}}\n", "config.later", 4, 12 },
	{ "word of a later version", ACCOUNT "    keywords: header\n",
	  "config.later", 6, 15 },
	{ "key of a later version with a wrong type",
	  ACCOUNT "notify: {repeat: soon}\n", "config.bad-value", 6, 18 },
	{ "misspelt key of a later version", ACCOUNT "hooks:\n  - rum: x\n",
	  "config.unknown-key", 7, 5 },
	{ "tab", "accounts:\n  a:\n\thost: x\n", "config.tab", 3, 1 },
	{ "tab behind spaces", "accounts:\n  a:\n  \thost: x\n", "config.tab", 3, 3 },
	{ "line too deep", "accounts:\n  a:\n    user: y\n      port: 3\n",
	  "config.indent", 4, 7 },
	{ "line not deep enough", "accounts:\n  a:\n    user: y\n   port: 3\n",
	  "config.indent", 4, 4 },
	{ "options beside the account", "accounts:\n  a:\n  host: x\n",
	  "config.indent", 3, 3 },
	{ "second colon", "accounts:\n  a:\n    host: a: b\n",
	  "config.syntax", 3, 12 },
	{ "colon forgotten", "accounts:\n  a:\n    host\n    user: x\n",
	  "config.syntax", 3, 5 },
	{ "star without quotes", ACCOUNT "    folders: {sync: [*, x]}\n",
	  "config.syntax", 6, 22 },
	{ "alias of nothing", ACCOUNT "    folders: {sync: [*all]}\n",
	  "config.syntax", 6, 22 },
	{ "alias of what it is in", "accounts: &x {a: *x}\n",
	  "config.syntax", 1, 18 },
	{ "bracket not closed", ACCOUNT "    folders: {sync: [a, b}\n",
	  "config.syntax", 6, 21 },
	{ "quote not closed", ACCOUNT "    email: \"abc\n    x: y\n",
	  "config.syntax", 6, 12 },
	{ "backslash in double quotes",
	  ACCOUNT "    folders: {sync: [\"\\Sent\"]}\n", "config.syntax", 6, 22 },
	{ "character that begins nothing", ACCOUNT "    email: @x\n",
	  "config.syntax", 6, 12 },
	{ "key that is a list", "[a]: b\n", "config.syntax", 1, 1 },
	{ "tag", ACCOUNT "    folders: {sync: [!x, y]}\n", "config.tag", 6, 22 },
	{ "standard tag", ACCOUNT "    port: !!int 993\n", "config.tag", 6, 11 },
	{ "merge key", "x: &d {port: 1}\naccounts:\n  a:\n    <<: *d\n",
	  "config.merge-key", 4, 5 },
	{ "second document", ACCOUNT "---\nlog: {}\n", "config.second-document",
	  6, 1 },
	{ "not UTF-8", "accounts:\n  a: \xff\n", "config.encoding", 2, 6 },
	{ "control byte", "log: \x01\n", "config.encoding", 1, 6 },
	{ "included file that is not there", ACCOUNT "include: [nowhere.yaml]\n",
	  "config.not-found", 6, 11 },
	{ "file that includes itself", ACCOUNT "include: syncd.yaml\n",
	  "config.include-loop", 6, 10 },
};

static bool
has(const struct diags *diags, const struct bad *b)
{
	for (size_t i = 0; i < diags->n; i++) {
		const struct diag *d = &diags->v[i];

		if (d->level == DIAG_ERROR && strcmp(d->code, b->code) == 0 &&
		    d->line == b->line && d->col == b->col)
			return true;
	}
	return false;
}

static void
every_mistake_has_its_code_and_place(void **state)
{
	int wrong = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct diags diags;
		struct conf *conf = load(bad[i].text, &diags);

		if (conf != NULL || !has(&diags, &bad[i])) {
			char *said = rendered(&diags);

			wrong++;
			print_error("%s: expected %s at %u:%u, got\n%s", bad[i].name,
			    bad[i].code, bad[i].line, bad[i].col, said);
			free(said);
		}
		config_free(conf);
		diags_clear(&diags);
	}
	assert_int_equal(wrong, 0);
}

/* One mistake is one message, but for these. */
static void
one_mistake_is_said_once(void **state)
{
	static const char *const more[] = { "merge key", "key that is a list" };
	int wrong = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct diags diags;
		bool skip = false;

		for (size_t j = 0; j < ARRAY_LEN(more); j++)
			skip |= strcmp(bad[i].name, more[j]) == 0;
		if (skip)
			continue;
		config_free(load(bad[i].text, &diags));
		if (diags.n_errors != 1) {
			char *said = rendered(&diags);

			wrong++;
			print_error("%s: said %zu things\n%s", bad[i].name,
			    diags.n_errors, said);
			free(said);
		}
		diags_clear(&diags);
	}
	assert_int_equal(wrong, 0);
}

/* ------------------------------------------------------------- full messages */

static const struct shown {
	const char	*text, *want;
} shown[] = {
	{ "accounts:\n  work:\n    host: h\n    pasword_command: pass show work\n",
	  "error[config.unknown-key]: `pasword_command` is not an option of an"
	  " account\n"
	  "  --> ~/syncd.yaml:4:5\n"
	  "   |\n"
	  " 4 |     pasword_command: pass show work\n"
	  "   |     ^^^^^^^^^^^^^^^ did you mean `password_command`?\n"
	  "   = help: options of an account: syncd config explain accounts.*\n\n" },
	{ "accounts:\n  work:\n\thost: imap.example.org\n",
	  "error[config.tab]: a tab is used for indentation; YAML allows only"
	  " spaces\n"
	  "  --> ~/syncd.yaml:3:1\n"
	  "   |\n"
	  " 3 | →host: imap.example.org\n"
	  "   | ^ put spaces here\n\n" },
	{ ACCOUNT "    idle_folders: [x]\n",
	  "error[config.unknown-key]: `idle_folders` is not an option of an"
	  " account\n"
	  "  --> ~/syncd.yaml:6:5\n"
	  "   |\n"
	  " 6 |     idle_folders: [x]\n"
	  "   |     ^^^^^^^^^^^^ `idle_folders` belongs under `watch:`\n"
	  "   = help: options of an account: syncd config explain accounts.*\n\n" },
	{ ACCOUNT "    PassCmd: pass\n",
	  "error[config.unknown-key]: `PassCmd` is not an option of an account\n"
	  "  --> ~/syncd.yaml:6:5\n"
	  "   |\n"
	  " 6 |     PassCmd: pass\n"
	  "   |     ^^^^^^^ here it is `password_command`\n"
	  "   = help: options of an account: syncd config explain accounts.*\n\n" },
	{ ACCOUNT "    tls:\n      mode: startls\n",
	  "error[config.bad-value]: `startls` is no value of `tls.mode`\n"
	  "  --> ~/syncd.yaml:7:13\n"
	  "   |\n"
	  " 7 |       mode: startls\n"
	  "   |             ^^^^^^^ did you mean `starttls`?\n"
	  "   = help: one of: implicit, starttls, none\n\n" },
	{ ACCOUNT "    folders:\n      delete_local: archive\n",
	  "error[config.bad-value]: `archive` is no value of"
	  " `folders.delete_local`\n"
	  "  --> ~/syncd.yaml:7:21\n"
	  "   |\n"
	  " 7 |       delete_local: archive\n"
	  "   |                     ^^^^^^^ yes or no\n"
	  "   = help: Whether a folder that is gone on the server goes here, too:"
	  " no keeps it, yes deletes it and keeps its mail for undo"
	  " (trash.remote_delete); one with more than guards.max_delete allows"
	  " stays\n\n" },
	{ "accounts:\n  a:\n    email: me@gmail.com\n",
	  "error[config.missing-secret]: a: no source of the password is given\n"
	  "  --> ~/syncd.yaml:2:3\n"
	  "   |\n"
	  " 2 |   a:\n"
	  "   |   ^ add `password_command:` here\n"
	  "   = note: Gmail wants an app password, or an OAuth2 token by"
	  " `token_command`\n"
	  "   = help: password_command: pass show mail/a\n"
	  "   = help: all sources: syncd config explain accounts.*.auth\n\n" },
	{ ACCOUNT "    keyring: k\n",
	  "error[config.two-secrets]: a: two sources of the password are given\n"
	  "  --> ~/syncd.yaml:6:5\n"
	  "   |\n"
	  " 6 |     keyring: k\n"
	  "   |     ^^^^^^^ `password_command` is in line 5\n"
	  "   = help: keep one of them\n\n" },
	{ ACCOUNT "    tls: {mode: none}\n",
	  "error[config.plaintext]: a: the password and all mail would be readable"
	  " on the way\n"
	  "  --> ~/syncd.yaml:6:11\n"
	  "   |\n"
	  " 6 |     tls: {mode: none}\n"
	  "   |           ^^^^ `none` is for loopback addresses and tunnels\n"
	  "   = help: tls: {mode: implicit}, or {mode: starttls}\n\n" },
	{ ACCOUNT "    user: v\n",
	  "error[config.duplicate-key]: `user` stands here twice\n"
	  "  --> ~/syncd.yaml:6:5\n"
	  "   |\n"
	  " 6 |     user: v\n"
	  "   |     ^^^^ first in line 4\n\n" },
	{ ACCOUNT "    proxy: env\n    limits: {bandwidth: {down: 1MiB, up: 1MiB}}\n",
	  "warning[config.later]: `proxy` is not in this version yet: it has no"
	  " effect\n"
	  "  --> ~/syncd.yaml:6:5\n"
	  "   |\n"
	  " 6 |     proxy: env\n"
	  "   |     ^^^^^ waits for proxies\n\n"
	  "warning[config.later]: `limits.bandwidth.down` is not in this version"
	  " yet: it has no effect\n"
	  "  --> ~/syncd.yaml:7:26\n"
	  "   |\n"
	  " 7 |     limits: {bandwidth: {down: 1MiB, up: 1MiB}}\n"
	  "   |                          ^^^^ waits for limits of bandwidth\n\n" },
	{ "# 日本\nlog: {to: \"日本語\", levle: info}\n",
	  "error[config.unknown-key]: `levle` is not an option of `log`\n"
	  "  --> ~/syncd.yaml:2:18\n"
	  "   |\n"
	  " 2 | log: {to: \"日本語\", levle: info}\n"
	  "   |                     ^^^^^ did you mean `level`?\n"
	  "   = help: options of `log`: syncd config explain log\n\n" },
	{ "accounts:\n  a:\n    user: y\n      port: 3\n",
	  "error[config.indent]: line 4 continues the value of line 3\n"
	  "  --> ~/syncd.yaml:4:7\n"
	  "   |\n"
	  " 4 |       port: 3\n"
	  "   |       ^^^^ is the indentation of line 4 right?\n\n" },
	{ "accounts:\n  a:\n    \"x\\e[1m\": y\n",
	  "error[config.unknown-key]: `x?[1m` is not an option of an account\n"
	  "  --> ~/syncd.yaml:3:5\n"
	  "   |\n"
	  " 3 |     \"x\\e[1m\": y\n"
	  "   |     ^^^^^^^^\n"
	  "   = help: options of an account: syncd config explain accounts.*\n\n" },
};

static void
messages_read_as_specified(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(shown); i++) {
		struct diags diags;
		struct conf *conf = load(shown[i].text, &diags);
		char *said = rendered(&diags);

		assert_string_equal(said, shown[i].want);
		free(said);
		diags_clear(&diags);
		config_free(conf);
	}
}

static void
all_mistakes_are_said_at_once_up_to_twenty(void **state)
{
	struct diags diags;
	char text[4096] = ACCOUNT;
	size_t n = strlen(text);

	(void)state;
	for (int i = 0; i < 23; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
		    "    zzzz%02d: x\n", i);
	assert_null(load(text, &diags));
	assert_int_equal(diags.n_errors, 23);
	char *said = rendered(&diags);
	assert_non_null(strstr(said, "`zzzz19`"));
	assert_null(strstr(said, "`zzzz20`"));
	assert_non_null(strstr(said, "… and 3 more errors\n"));
	free(said);

	json_t *json = diags_json(&diags);
	assert_int_equal(json_array_size(json), 23);
	json_t *first = json_array_get(json, 0);
	assert_string_equal(json_string_value(json_object_get(first, "code")),
	    "config.unknown-key");
	assert_int_equal(json_integer_value(json_object_get(first, "line")), 6);
	json_decref(json);
	diags_clear(&diags);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_mistake_has_its_code_and_place),
		cmocka_unit_test(one_mistake_is_said_once),
		cmocka_unit_test(messages_read_as_specified),
		cmocka_unit_test(all_mistakes_are_said_at_once_up_to_twenty),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
