/* test_config.c — what the loader of syncd.yaml takes, and what it makes of it. */
#include "config_home.h"

#define PIN "sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="

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
	assert_int_equal(a->compress, COMPRESS_AUTO);
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
how_long_pop3_keeps(void **state)
{
	static const struct {
		const char	*value;
		usec		 want;
	} table[] = {
		{ "forever", USEC_NEVER }, { "0", 0 },
		{ "30d", USEC_S(30 * 86400) },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		char *text = xasprintf("accounts: {a: {protocol: pop3, host: h,"
		    " user: u, password_command: x, policy: two-way,"
		    " pop3: {keep_on_server: %s}}}\n", table[i].value);
		struct conf *c = load_clean(text);

		assert_true(c->account[0].pop3.keep_on_server == table[i].want);
		assert_int_equal(c->account[0].port, 995);
		assert_int_equal(c->account[0].policy.push, 0);
		config_free(c);
		free(text);
	}
}

static void
values_are_read_by_their_option(void **state)
{
	struct conf *c = load_clean("log: {protocol: no_, level: trace,"
	    " to: file:l/x.log}\naccounts:\n  no_:\n    host: no\n    user: 0123\n"
	    "    enabled: OFF\n    tls: {min_version: 1.3, pin: " PIN "}\n"
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
	assert_string_equal(a->tls.pin.v[0], PIN);
	assert_string_equal(a->auth.password_command.v[0], "'one word'");
	assert_string_equal(a->path, "/d/x/$");
	assert_int_equal(a->policy.pull, POLICY_NEW | POLICY_FLAGS);
	assert_int_equal(a->policy.push, POLICY_FLAGS);
	assert_int_equal(a->n_policy_for, 2);
	assert_string_equal(a->policy_for[0].pattern, "\\Junk");
	assert_true(a->policy_for[1].policy.readonly);
	assert_string_equal(a->folders.rename.key[0], "b");
	assert_true(a->folders.delete_local);
	assert_false(a->folders.delete_remote);
	assert_int_equal(a->schedule.every, USEC_S(6 * 3600));
	assert_int_equal(a->limits.max_age, USEC_S(2LL * 365 * 86400));
	assert_int_equal(a->undo.keep, 0);
	assert_int_equal(a->undo.max, 64 << 10);
	assert_int_equal(a->compress, COMPRESS_YES);
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
	assert_int_equal(diags.n, 2);
	assert_int_equal(c->n_reacts, 1);
	assert_int_equal(c->react[0].timeout, USEC_S(60));
	assert_string_equal(c->react[0].retry_on.v[0], "75");
	assert_int_equal(c->account[0].tls.verify, CONF_VERIFY_OFF);
	assert_int_equal(c->account[0].schedule.every, USEC_S(86400));
	assert_true(c->account[0].schedule.daily);
	assert_int_equal(c->account[0].schedule.from, 120);
	assert_int_equal(c->account[0].schedule.until, 300);
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
	config_show(c, NULL, f);
	fclose(f);
	assert_non_null(strstr(text, "accounts.a.undo.keep: 3d  "));
	assert_non_null(strstr(text, "# ~/syncd.yaml:7\n"));
	assert_non_null(strstr(text, "# ~/syncd.yaml:1 (defaults)\n"));
	assert_non_null(strstr(text, "accounts.a.watch.poll: 15m"));
	assert_non_null(strstr(text, "accounts.a.port: 993"));
	free(text);

	f = open_memstream(&text, &n);
	config_show(c, "a", f);
	config_show(c, "accounts.a.undo", f);
	config_show(c, "undo", f);
	fclose(f);
	assert_null(strstr(text, "log.level"));
	assert_non_null(strstr(text, "accounts.a.port: 993"));
	assert_string_equal(strstr(text, "accounts.a.undo.keep: 3d"),
	    strstr(text, "accounts.a.undo"));
	free(text);

	json_t *json = config_show_json(c, NULL);
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(four_lines_are_an_account),
		cmocka_unit_test(the_issue_s_shape_is_read),
		cmocka_unit_test(users_and_ports_follow_from_other_values),
		cmocka_unit_test(a_tunnel_needs_neither_server_nor_secret),
		cmocka_unit_test(how_long_pop3_keeps),
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
