/* test_config.c — the loader of syncd.yaml: what it takes, and what it says. */
#include "config.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/attr.h"
#include "base/mem.h"

static char home[] = "/tmp/test_config.XXXXXX";

static char *
in_home(const char *name)
{
	return xasprintf("%s/%s", home, name);
}

static void
write_file(const char *name, const char *text)
{
	char *path = in_home(name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0600), 0);
	free(path);
}

static void
make_dir(const char *name)
{
	char *path = in_home(name);

	assert_int_equal(mkdir(path, 0700), 0);
	free(path);
}

/* Load ${text} as ~/syncd.yaml. */
static struct conf *
load(const char *text, struct diags *diags)
{
	char *path = in_home("syncd.yaml");

	write_file("syncd.yaml", text);
	diags_init(diags);
	struct conf *conf = config_load(path, diags);
	free(path);
	return conf;
}

static char *
rendered(const struct diags *diags)
{
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	diags_print(diags, f, false);
	fclose(f);
	return text;
}

static struct conf *
load_clean(const char *text)
{
	struct diags diags;
	struct conf *conf = load(text, &diags);
	char *said = rendered(&diags);

	assert_string_equal(said, "");
	assert_non_null(conf);
	free(said);
	diags_clear(&diags);
	return conf;
}

#define GOOD	"host: h.example, user: u, password_command: x"
#define ACCOUNT	"accounts:\n  a:\n    host: h.example\n    user: u\n" \
		"    password_command: x\n"

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
	{ "POP3", ACCOUNT "    protocol: pop3\n", "config.later", 6, 5 },
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

/* ---------------------------------------------------------------- good files */

static void
four_lines_are_an_account(void **state)
{
	struct conf *c = load_clean("accounts:\n  fm:\n"
	    "    email: Me@Fastmail.com\n    password_command: pass show x\n");
	const struct account_conf *a = &c->account[0];
	char *path = in_home("Mail/fm");

	(void)state;
	assert_int_equal(c->n_accounts, 1);
	assert_string_equal(a->name, "fm");
	assert_string_equal(a->host, "imap.fastmail.com");
	assert_int_equal(a->port, 993);
	assert_string_equal(a->user, "Me@Fastmail.com");
	assert_string_equal(a->path, path);
	assert_true(a->enabled);
	assert_int_equal(a->tls.mode, CONF_TLS_IMPLICIT);
	assert_int_equal(a->tls.min_version, 12);
	assert_null(a->tls.ca_file);
	assert_int_equal(a->auth.password_command.n, 1);
	assert_int_equal(a->auth.mechanisms.n, 0);
	assert_int_equal(a->auth.command_timeout, USEC_S(60));
	assert_int_equal(a->policy.pull, POLICY_ALL);
	assert_int_equal(a->policy.push, POLICY_ALL);
	assert_false(a->policy.readonly);
	assert_int_equal(a->guards.min_free_space, 500LL << 20);
	assert_int_equal(a->watch.settle, USEC_MS(300));
	assert_int_equal(a->limits.max_age, 0);
	assert_int_equal(a->guards.uidvalidity_change, HOLD_REMATCH);
	assert_false(a->compress);
	assert_int_equal(c->log_level, 3);
	free(path);
	config_free(c);
}

static void
the_issue_s_shape_is_read(void **state)
{
	struct conf *c = load_clean("state_dir: /some/dir\naccounts:\n  a:\n"
	    "    host: 127.0.0.1\n    port: 9993\n    user: u1\n"
	    "    tls: {mode: implicit, ca_file: ca.pem}\n"
	    "    auth: {password_command: \"cat /some/secret\"}\n"
	    "    path: /some/Maildir/root/\n    folders: {sync: ['*', '!\\All']}\n");
	const struct account_conf *a = &c->account[0];
	char *ca = in_home("ca.pem");

	(void)state;
	assert_string_equal(c->state_dir, "/some/dir");
	assert_string_equal(c->socket, "/some/dir/control.sock");
	assert_int_equal(a->port, 9993);
	assert_string_equal(a->tls.ca_file, ca);
	assert_string_equal(a->path, "/some/Maildir/root");
	assert_int_equal(a->folders.sync.n, 2);
	assert_string_equal(a->folders.sync.v[1], "!\\All");
	free(ca);
	config_free(c);
}

static void
users_and_ports_follow_from_other_values(void **state)
{
	static const struct {
		const char	*keys, *host, *user;
		int		 port;
	} rows[] = {
		{ "email: a@icloud.com", "imap.mail.me.com", "a", 993 },
		{ "email: a@web.de", "imap.web.de", "a", 993 },
		{ "email: a@gmx.de", "imap.gmx.net", "a@gmx.de", 993 },
		{ "email: a@web.de, host: h.example", "h.example", "a@web.de", 993 },
		{ "email: a@gmail.com, user: b", "imap.gmail.com", "b", 993 },
		{ "host: h, user: u, tls: {mode: starttls}", "h", "u", 143 },
		{ "host: 127.0.0.1, user: u, tls: {mode: none}", "127.0.0.1", "u",
		  143 },
		{ "host: '::1', user: u, tls: {mode: none}, port: 1143", "::1",
		  "u", 1143 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[256];

		snprintf(text, sizeof(text),
		    "accounts: {a: {%s, password_command: x}}\n", rows[i].keys);
		struct conf *c = load_clean(text);
		assert_string_equal(c->account[0].host, rows[i].host);
		assert_string_equal(c->account[0].user, rows[i].user);
		assert_int_equal(c->account[0].port, rows[i].port);
		config_free(c);
	}
}

static void
a_tunnel_needs_neither_server_nor_secret(void **state)
{
	struct conf *c = load_clean("accounts: {a: {tunnel_command: ssh h imap}}\n");

	(void)state;
	assert_null(c->account[0].host);
	assert_string_equal(c->account[0].tunnel_command.v[0], "ssh h imap");
	config_free(c);
}

static void
values_are_read_by_their_option(void **state)
{
	struct conf *c = load_clean("log: {protocol: no_, level: trace,"
	    " to: file:l/x.log}\naccounts:\n  no_:\n    host: no\n    user: 0123\n"
	    "    enabled: OFF\n    tls: {min_version: 1.3, pin: sha256/x=}\n"
	    "    password_command: [one word]\n    path: ${NO_SUCH:-/d}//x/./$$\n"
	    "    policy: {pull: [new, flags], push: [flags]}\n"
	    "    policy_for: {'\\Junk': pull, 'L/**': backup}\n"
	    "    folders: {rename: {b: c, a: b}, delete_local: true}\n"
	    "    schedule: {when: every 6h}\n    limits: {max_age: 2y}\n"
	    "    undo: {keep: 0, max: 64KiB}\n    avoid: [NOTIFY]\n"
	    "    compress: yes\n");
	const struct account_conf *a = &c->account[0];
	char *log = in_home("l/x.log");

	(void)state;
	assert_string_equal(c->log_file, log);
	assert_int_equal(c->log_level, 5);
	assert_string_equal(c->log_protocol.v[0], "no_");
	assert_string_equal(a->host, "no");
	assert_string_equal(a->user, "0123");
	assert_false(a->enabled);
	assert_int_equal(a->tls.min_version, 13);
	assert_string_equal(a->tls.pin.v[0], "sha256/x=");
	assert_string_equal(a->auth.password_command.v[0], "'one word'");
	assert_string_equal(a->path, "/d/x/$");
	assert_int_equal(a->policy.pull, POLICY_NEW | POLICY_FLAGS);
	assert_int_equal(a->policy.push, POLICY_FLAGS);
	assert_int_equal(a->n_policy_for, 2);
	assert_string_equal(a->policy_for[0].pattern, "\\Junk");
	assert_true(a->policy_for[1].policy.readonly);
	assert_string_equal(a->folders.rename.key[0], "b");
	assert_int_equal(a->folders.delete_local, GONE_DELETE);
	assert_int_equal(a->schedule.every, USEC_S(6 * 3600));
	assert_int_equal(a->limits.max_age, USEC_S(2LL * 365 * 86400));
	assert_int_equal(a->undo.keep, 0);
	assert_int_equal(a->undo.max, 64 << 10);
	assert_true(a->compress);
	free(log);
	config_free(c);
}

static void
defaults_hold_until_an_account_says_otherwise(void **state)
{
	struct conf *c = load_clean("defaults:\n  limits: {connections: 2}\n"
	    "  policy: backup\n  keyring: shared\n  folders: {sync: [A, B]}\n"
	    "accounts:\n  a: {host: h, user: u}\n"
	    "  b: {host: h, user: u, password_file: /f, policy: pull,"
	    " folders: {sync: [C]}}\n");

	(void)state;
	assert_int_equal(c->account[0].limits.connections, 2);
	assert_int_equal(c->account[1].limits.connections, 2);
	assert_true(c->account[0].policy.readonly);
	assert_false(c->account[1].policy.readonly);
	assert_string_equal(c->account[0].auth.keyring, "shared");
	assert_null(c->account[1].auth.keyring);
	assert_string_equal(c->account[1].auth.password_file, "/f");
	assert_int_equal(c->account[0].folders.sync.n, 2);
	assert_int_equal(c->account[1].folders.sync.n, 1);
	config_free(c);
}

static void
an_alias_is_its_anchor_once_more(void **state)
{
	struct conf *c = load_clean("accounts:\n  a: {" GOOD
	    ", folders: &f {sync: [X]}}\n  b: {" GOOD ", folders: *f}\n");

	(void)state;
	assert_string_equal(c->account[1].folders.sync.v[0], "X");
	config_free(c);
}

/* --------------------------------------------------------- caps and warnings */

static void
expect_code(const char *text, const char *code)
{
	struct diags diags;
	struct conf *conf = load(text, &diags);

	assert_null(conf);
	assert_true(diags.n_errors >= 1);
	bool found = false;
	for (size_t i = 0; i < diags.n; i++)
		found |= strcmp(diags.v[i].code, code) == 0;
	assert_true(found);
	diags_clear(&diags);
}

static void
a_billion_aliases_are_refused(void **state)
{
	char text[2048] = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
	size_t n = strlen(text);

	(void)state;
	for (int i = 1; i < 9; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "a%d: &a%d"
		    " [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i, i,
		    i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
	expect_code(text, "config.too-big");
}

static void
depth_and_size_are_bounded(void **state)
{
	char *big = xmalloc((2 << 20) + 1), deep[256] = "a: ";

	(void)state;
	memset(deep + 3, '[', 40);
	memset(deep + 43, ']', 40);
	deep[83] = '\0';
	expect_code(deep, "config.too-big");
	memset(big, '#', 2 << 20);
	big[2 << 20] = '\0';
	expect_code(big, "config.too-big");
	free(big);
}

static void
warnings_leave_the_configuration_usable(void **state)
{
	struct diags diags;
	struct conf *c;

	(void)state;
	c = load(ACCOUNT "    tls: {verify: no-i-accept-mitm}\n"
	    "    schedule: {when: \"daily 02:00-05:00\"}\n"
	    "hooks:\n  - {events: [mail.new], run: x, timeout: 1m}\n"
	    "plugins: [{script: /x.lua, config: {any: [thing]}}]\n", &diags);
	assert_non_null(c);
	assert_int_equal(diags.n_errors, 0);
	assert_int_equal(diags.n, 4);
	assert_int_equal(c->account[0].tls.verify, CONF_VERIFY_OFF);
	assert_int_equal(c->account[0].schedule.every, USEC_S(86400));
	diags_clear(&diags);
	config_free(c);
}

static void
a_file_that_others_may_write_is_a_warning(void **state)
{
	char *path = in_home("open.yaml");
	struct diags diags;

	(void)state;
	write_file("open.yaml", ACCOUNT);
	assert_int_equal(chmod(path, 0620), 0);
	diags_init(&diags);
	struct conf *c = config_load(path, &diags);
	assert_non_null(c);
	assert_int_equal(diags.n, 1);
	assert_string_equal(diags.v[0].code, "config.permissions");
	diags_clear(&diags);
	config_free(c);
	free(path);
}

/* ------------------------------------------------------------- several files */

static void
files_are_found_and_included_in_order(void **state)
{
	struct diags diags;

	(void)state;
	make_dir(".config");
	make_dir(".config/syncd");
	diags_init(&diags);
	assert_null(config_load(NULL, &diags));
	assert_string_equal(diags.v[0].code, "config.not-found");
	diags_clear(&diags);

	make_dir(".config/syncd/accounts.d");
	write_file(".config/syncd/accounts.d/b.yaml", "accounts: {b: {" GOOD "}}\n");
	write_file(".config/syncd/accounts.d/a.yaml", "accounts: {a: {" GOOD "}}\n");
	write_file(".config/syncd/accounts.d/no.txt", "nonsense");
	struct conf *c = config_load(NULL, &diags);
	assert_non_null(c);
	assert_int_equal(c->n_accounts, 2);
	assert_string_equal(c->account[0].name, "a");
	config_free(c);

	write_file(".config/syncd/syncd.yaml", "accounts: {m: {" GOOD "}}\n");
	c = config_load(NULL, &diags);
	assert_non_null(c);
	assert_int_equal(c->n_accounts, 3);
	assert_string_equal(c->account[0].name, "m");
	assert_int_equal(c->files.n, 3);
	config_free(c);

	/* An explicit list replaces accounts.d. */
	write_file(".config/syncd/syncd.yaml",
	    "include: []\naccounts: {m: {" GOOD "}}\n");
	setenv("SYNCD_CONFIG", ".config/syncd/syncd.yaml", 1);
	assert_int_equal(chdir(home), 0);
	c = config_load(NULL, &diags);
	assert_non_null(c);
	assert_int_equal(c->n_accounts, 1);
	config_free(c);
	unsetenv("SYNCD_CONFIG");
	assert_int_equal(diags.n, 0);
}

static void
one_account_in_two_files_names_both(void **state)
{
	struct diags diags;

	(void)state;
	write_file("two.yaml", "accounts: {a: {" GOOD "}}\nlog: {level: info}\n");
	assert_null(load("include: two.yaml\nlog: {level: warn}\naccounts: {a: {"
	    GOOD "}}\n", &diags));
	assert_int_equal(diags.n_errors, 2);
	char *said = rendered(&diags);
	assert_non_null(strstr(said, "--> ~/two.yaml:1:12\n"));
	assert_non_null(strstr(said, "first in ~/syncd.yaml:3\n"));
	assert_non_null(strstr(said, "--> ~/two.yaml:2:7\n"));
	assert_non_null(strstr(said, "first in ~/syncd.yaml:2\n"));
	free(said);
	diags_clear(&diags);
}

static void
a_loop_of_includes_is_found(void **state)
{
	struct diags diags;

	(void)state;
	write_file("l1.yaml", "include: l2.yaml\n");
	write_file("l2.yaml", "include: [syncd.yaml]\n");
	assert_null(load("include: l1.yaml\n" ACCOUNT, &diags));
	assert_int_equal(diags.n_errors, 1);
	assert_string_equal(diags.v[0].code, "config.include-loop");
	assert_int_equal(diags.v[0].col, 11);
	diags_clear(&diags);
}

/* ------------------------------------------------------------ show, explain */

static void
show_says_where_each_value_came_from(void **state)
{
	struct conf *c = load_clean("defaults: {policy: pull}\n" ACCOUNT
	    "    undo: {keep: 3d}\n");
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	(void)state;
	config_show(c, f);
	fclose(f);
	assert_non_null(strstr(text, "accounts.a.undo.keep: 3d  "));
	assert_non_null(strstr(text, "# ~/syncd.yaml:7\n"));
	assert_non_null(strstr(text, "# ~/syncd.yaml:1 (defaults)\n"));
	assert_non_null(strstr(text, "accounts.a.watch.poll: 15m"));
	assert_non_null(strstr(text, "accounts.a.port: 993"));
	free(text);

	json_t *json = config_show_json(c);
	const json_t *keep = json_object_get(json, "accounts.a.undo.keep");
	assert_string_equal(json_string_value(json_object_get(keep, "value")), "3d");
	assert_string_equal(json_string_value(json_object_get(keep, "from")),
	    "~/syncd.yaml:7");
	json_decref(json);
	config_free(c);
}

static char *
explained(const char *pattern, size_t *count)
{
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	*count = config_explain(pattern, f);
	fclose(f);
	return text;
}

static void
explain_finds_keys_by_any_name(void **state)
{
	static const struct {
		const char	*pattern;
		size_t		 n;
	} rows[] = {
		{ "accounts.*.trash", 3 }, { "accounts.work.trash", 3 },
		{ "trash", 3 }, { "watch.poll", 1 }, { "poll", 1 },
		{ "defaults.undo.keep", 1 }, { "*.delete_*", 2 },
		{ "state_dir", 1 }, { "nonsense", 0 },
	};
	size_t n;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		free(explained(rows[i].pattern, &n));
		assert_int_equal(n, rows[i].n);
	}
	char *text = explained("accounts.*.trash.remote_delete", &n);
	assert_string_equal(text, "accounts.*.trash.remote_delete\n"
	    "    Deleted on the server: keep it for undo, or unlink it.\n"
	    "    one of: undo | unlink\n    default: undo\n");
	free(text);
	text = explained("state_dri", &n);
	assert_string_equal(text,
	    "no option is called `state_dri`; did you mean `state_dir`?\n");
	free(text);
}

/* ----------------------------------------------------------------- scaffold */

static int
set_up(void **state)
{
	(void)state;
	if (mkdtemp(home) == NULL || setenv("HOME", home, 1) == -1)
		return -1;
	unsetenv("XDG_CONFIG_HOME");
	unsetenv("XDG_STATE_HOME");
	unsetenv("XDG_RUNTIME_DIR");
	unsetenv("SYNCD_CONFIG");
	return 0;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static int
tear_down(void **state)
{
	(void)state;
	return nftw(home, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_mistake_has_its_code_and_place),
		cmocka_unit_test(one_mistake_is_said_once),
		cmocka_unit_test(messages_read_as_specified),
		cmocka_unit_test(all_mistakes_are_said_at_once_up_to_twenty),
		cmocka_unit_test(four_lines_are_an_account),
		cmocka_unit_test(the_issue_s_shape_is_read),
		cmocka_unit_test(users_and_ports_follow_from_other_values),
		cmocka_unit_test(a_tunnel_needs_neither_server_nor_secret),
		cmocka_unit_test(values_are_read_by_their_option),
		cmocka_unit_test(defaults_hold_until_an_account_says_otherwise),
		cmocka_unit_test(an_alias_is_its_anchor_once_more),
		cmocka_unit_test(a_billion_aliases_are_refused),
		cmocka_unit_test(depth_and_size_are_bounded),
		cmocka_unit_test(warnings_leave_the_configuration_usable),
		cmocka_unit_test(a_file_that_others_may_write_is_a_warning),
		cmocka_unit_test(files_are_found_and_included_in_order),
		cmocka_unit_test(one_account_in_two_files_names_both),
		cmocka_unit_test(a_loop_of_includes_is_found),
		cmocka_unit_test(show_says_where_each_value_came_from),
		cmocka_unit_test(explain_finds_keys_by_any_name),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
