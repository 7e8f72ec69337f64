/* test_cred.c — where an account's secret comes from. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cred.h"

static char dir[] = "/tmp/test-cred-XXXXXX";
static char path[256];

static struct account_conf base;

static void
put_file(const char *name, const char *text, mode_t mode)
{
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	assert_int_equal(chmod(path, mode), 0);
}

/* What the parent's loop does, for one secret. */
static int
until_answer(struct cred *c, const struct account_conf *a, struct err *err)
{
	usec end = clock_in(USEC_S(20));
	int rc;

	while ((rc = cred_step(c, a, err)) == 0) {
		struct waiter w[2];
		struct err ignored;
		int status;
		pid_t pid;

		assert_true(clock_now() < end);
		cred_waiters(c, w);
		wait_any(w, 2, clock_in(USEC_MS(10)), &ignored);
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
			cred_reaped(c, pid, status);
	}
	return rc;
}

/* The secret, or the error's code. */
static const char *
answer(struct cred *c, const struct account_conf *a, bool rejected,
    enum err_class *class)
{
	static char text[SECRET_MAX + 1];
	struct err err = { 0 };

	cred_ask(c, rejected);
	if (until_answer(c, a, &err) < 0) {
		*class = err.class;
		return err.code;
	}
	*class = ERR_NONE;
	snprintf(text, sizeof(text), "%.*s", STR_ARG(secret_peek(&c->secret)));
	return text;
}

static const struct {
	const char	*command;
	bool		 token;
	const char	*want;
	enum err_class	 class;
} commands[] = {
	{ "echo secret", false, "secret", ERR_NONE },
	{ "printf secret", false, "secret", ERR_NONE },
	{ "printf 'secret\\r\\nnotes\\n'", false, "secret", ERR_NONE },
	{ "printf ' two words \\n'", false, " two words ", ERR_NONE },
	{ "echo $SYNCD_ACCOUNT/$SYNCD_USER/$SYNCD_REASON", false,
	    "work/ann/connect", ERR_NONE },
	{ "echo \"[$NOTIFY_SOCKET]\"", false, "[]", ERR_NONE },
	{ "cat; echo end", false, "end", ERR_NONE },
	{ "true", false, "secret.empty", ERR_AUTH },
	{ "echo", false, "secret.empty", ERR_AUTH },
	{ "printf 'a\\000b'", false, "secret.invalid", ERR_AUTH },
	{ "head -c 17000 /dev/zero | tr '\\0' x", false, "secret.invalid",
	    ERR_AUTH },
	{ "head -c 9000000 /dev/zero | tr '\\0' x", false, "secret.invalid",
	    ERR_AUTH },
	{ "echo secret; exit 3", false, "secret.command-failed", ERR_AUTH },
	{ "exit 75", false, "secret.command-failed", ERR_RETRY },
	{ "kill -9 $$", false, "secret.command-failed", ERR_AUTH },
	{ "sleep 30 & echo secret", false, "secret", ERR_NONE },
	{ "echo token", true, "token", ERR_NONE },
	{ "echo '{\"access_token\": \"t1\", \"expires_in\": 3600}'", true, "t1",
	    ERR_NONE },
	{ "printf '{\\n \"access_token\": \"t2\"\\n}\\n'", true, "t2", ERR_NONE },
	{ "echo '{\"error\": \"no\"}'", true, "secret.empty", ERR_AUTH },
	{ "echo '{broken'", true, "secret.empty", ERR_AUTH }
};

static void
command_gives_its_first_line_or_a_named_error(void **state)
{
	(void)state;
	setenv("NOTIFY_SOCKET", "/nowhere", 1);
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		char *word[] = { (char *)(uintptr_t)commands[i].command };
		struct account_conf a = base;
		enum err_class class;
		const char *got;
		struct cred c;

		if (commands[i].token)
			a.auth.token_command = (struct strlist){ word, 1 };
		else
			a.auth.password_command = (struct strlist){ word, 1 };
		cred_init(&c);
		got = answer(&c, &a, false, &class);
		if (strcmp(got, commands[i].want) != 0 ||
		    class != commands[i].class)
			fail_msg("%s: got %.80s, class %d", commands[i].command,
			    got, (int)class);
		cred_clear(&c);
	}
	unsetenv("NOTIFY_SOCKET");
}

static void
list_runs_without_a_shell(void **state)
{
	char *argv[] = { "printf", "%s", "$HOME;a b" };
	struct account_conf a = base;
	enum err_class class;
	struct cred c;

	(void)state;
	a.auth.password_command = (struct strlist){ argv, 3 };
	cred_init(&c);
	assert_string_equal(answer(&c, &a, false, &class), "$HOME;a b");
	cred_clear(&c);
}

static void
missing_program_is_named_in_the_error(void **state)
{
	char *argv[] = { "/nowhere/pass", "show" };
	struct account_conf a = base;
	struct err err = { 0 };
	struct cred c;

	(void)state;
	a.auth.password_command = (struct strlist){ argv, 2 };
	cred_init(&c);
	cred_ask(&c, false);
	assert_int_equal(until_answer(&c, &a, &err), -1);
	assert_string_equal(err.code, "secret.command-failed");
	assert_non_null(strstr(err.text, "/nowhere/pass"));
	assert_non_null(strstr(err.text, "No such file"));
	cred_clear(&c);
}

static void
last_words_of_a_failed_command_are_told(void **state)
{
	char *word[] = { "echo one >&2; echo 'locked: x' >&2; exit 2" };
	struct account_conf a = base;
	struct err err = { 0 };
	struct cred c;

	(void)state;
	a.auth.password_command = (struct strlist){ word, 1 };
	cred_init(&c);
	cred_ask(&c, false);
	assert_int_equal(until_answer(&c, &a, &err), -1);
	assert_string_equal(err.text,
	    "password_command exited 2: locked: x");
	cred_clear(&c);
}

/* The command and its child note their ids, to be looked for afterwards. */
static void
command_that_hangs_is_killed_with_its_children(void **state)
{
	char text[512], *word[] = { text };
	struct account_conf a = base;
	usec begin = clock_now();
	enum err_class class;
	struct cred c;
	int child = 0;
	FILE *f;

	(void)state;
	snprintf(path, sizeof(path), "%s/pid", dir);
	snprintf(text, sizeof(text),
	    "trap '' TERM; (trap '' TERM; sleep 60) & echo $! >%s; wait", path);
	a.auth.password_command = (struct strlist){ word, 1 };
	a.auth.command_timeout = USEC_MS(300);
	cred_init(&c);
	assert_string_equal(answer(&c, &a, false, &class),
	    "secret.command-timeout");
	assert_int_equal(class, ERR_RETRY);
	assert_true(clock_now() - begin < USEC_S(10));
	f = fopen(path, "r");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%d", &child), 1);
	fclose(f);
	cred_clear(&c);
	/* It is init's now, or a zombie for a moment. */
	for (int i = 0; i < 200 && kill(child, 0) == 0; i++) {
		char state_path[64], line[128] = "";

		snprintf(state_path, sizeof(state_path), "/proc/%d/stat", child);
		f = fopen(state_path, "r");
		if (f == NULL || fgets(line, sizeof(line), f) == NULL ||
		    strstr(line, ") Z ") != NULL)
			child = 0;
		if (f != NULL)
			fclose(f);
		if (child == 0)
			break;
		usleep(10000);
	}
	assert_true(child == 0 || kill(child, 0) < 0);
}

/* The command counts its runs in a file. */
static struct account_conf
counting(char *text, size_t cap, char **word)
{
	struct account_conf a = base;

	snprintf(text, cap, "echo x >>%s/count; wc -l <%s/count", dir, dir);
	word[0] = text;
	put_file("count", "", 0600);
	a.auth.password_command = (struct strlist){ word, 1 };
	return a;
}

static void
secret_is_cached_until_rejected(void **state)
{
	char text[512], *word[1];
	struct account_conf a = counting(text, sizeof(text), word);
	enum err_class class;
	struct cred c;

	(void)state;
	cred_init(&c);
	assert_string_equal(answer(&c, &a, false, &class), "1");
	assert_string_equal(answer(&c, &a, false, &class), "1");
	assert_string_equal(answer(&c, &a, true, &class), "2");
	assert_string_equal(answer(&c, &a, false, &class), "2");
	cred_clear(&c);
}

static void
cache_of_zero_runs_the_command_every_time(void **state)
{
	char text[512], *word[1];
	struct account_conf a = counting(text, sizeof(text), word);
	enum err_class class;
	struct cred c;

	(void)state;
	a.auth.cache = 0;
	cred_init(&c);
	assert_string_equal(answer(&c, &a, false, &class), "1");
	assert_string_equal(answer(&c, &a, false, &class), "2");
	cred_clear(&c);
}

static void
rejected_token_waits_thirty_seconds_for_the_next(void **state)
{
	char *word[] = { "echo token" };
	struct account_conf a = base;
	enum err_class class;
	struct err err;
	struct cred c;

	(void)state;
	a.auth.token_command = (struct strlist){ word, 1 };
	cred_init(&c);
	assert_string_equal(answer(&c, &a, false, &class), "token");
	cred_ask(&c, true);
	assert_int_equal(cred_step(&c, &a, &err), 0);
	assert_true(cred_deadline(&c) > clock_in(USEC_S(20)));
	assert_true(cred_deadline(&c) < clock_in(USEC_S(31)));
	/* Who waits knows that. */
	a.auth.command_timeout = USEC_S(2);
	assert_true(cred_deadline(&c) + a.auth.command_timeout <=
	    clock_in(cred_longest(&a)));
	a.auth.token_command.n = 0;
	assert_int_equal(cred_longest(&a), USEC_S(2));
	cred_clear(&c);
}

static const struct {
	const char	*text;
	mode_t		 mode;
	const char	*want;
} files[] = {
	{ "secret\n", 0600, "secret" },
	{ "secret", 0400, "secret" },
	{ "first\nsecond\n", 0600, "first" },
	{ "", 0600, "secret.empty" },
	{ "secret\n", 0640, "secret.file-mode" },
	{ "secret\n", 0604, "secret.file-mode" }
};

static void
password_file_must_be_private(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		struct account_conf a = base;
		enum err_class class;
		struct err err;
		struct cred c;

		put_file("secret", files[i].text, files[i].mode);
		a.auth.password_file = path;
		cred_init(&c);
		assert_string_equal(answer(&c, &a, false, &class), files[i].want);
		assert_int_equal(cred_check(&a, &err),
		    (files[i].mode & 077) != 0 ? -1 : 0);
		cred_clear(&c);
	}
}

static void
what_is_no_plain_file_is_no_password_file(void **state)
{
	struct account_conf a = base;
	enum err_class class;
	struct cred c;

	(void)state;
	a.auth.password_file = (char[]){ "/dev/zero" };
	cred_init(&c);
	assert_string_equal(answer(&c, &a, false, &class), "secret.file");
	a.auth.password_file = (char[]){ "/nowhere/secret" };
	assert_string_equal(answer(&c, &a, false, &class), "secret.file");
	cred_clear(&c);
}

static void
credential_is_found_by_name_only(void **state)
{
	struct account_conf a = base;
	enum err_class class;
	struct cred c;

	(void)state;
	put_file("imap", "from-systemd\n", 0440);
	a.auth.credential = (char[]){ "imap" };
	cred_init(&c);
	unsetenv("CREDENTIALS_DIRECTORY");
	assert_string_equal(answer(&c, &a, false, &class),
	    "secret.no-credentials");
	setenv("CREDENTIALS_DIRECTORY", dir, 1);
	assert_string_equal(answer(&c, &a, false, &class), "from-systemd");
	cred_forget(&c);
	a.auth.credential = (char[]){ "../imap" };
	assert_string_equal(answer(&c, &a, false, &class), "config.bad-value");
	cred_clear(&c);
	unsetenv("CREDENTIALS_DIRECTORY");
}

static void
keyring_is_asked_through_secret_tool(void **state)
{
	char *was = xstrdup(getenv("PATH")), *with;
	struct account_conf a = base;
	enum err_class class;
	struct cred c;

	(void)state;
	put_file("secret-tool", "#!/bin/sh\necho \"$*\"\n", 0700);
	with = xasprintf("%s:%s", dir, was);
	setenv("PATH", with, 1);
	a.auth.keyring = (char[]){ "mail/work" };
	cred_init(&c);
	assert_string_equal(answer(&c, &a, false, &class),
	    "lookup service syncd key mail/work");
	cred_clear(&c);
	setenv("PATH", was, 1);
	free(with);
	free(was);
}

static int
begin(void **state)
{
	(void)state;
	base = (struct account_conf){ 0 };
	base.name = xstrdup("work");
	base.user = xstrdup("ann");
	base.auth.command_timeout = USEC_S(10);
	base.auth.cache = USEC_S(3600);
	return mkdtemp(dir) == NULL;
}

static int
end(void **state)
{
	static const char *const names[] = { "pid", "count", "secret", "imap",
	    "secret-tool" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	free(base.name);
	free(base.user);
	return rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(command_gives_its_first_line_or_a_named_error),
		cmocka_unit_test(list_runs_without_a_shell),
		cmocka_unit_test(missing_program_is_named_in_the_error),
		cmocka_unit_test(last_words_of_a_failed_command_are_told),
		cmocka_unit_test(command_that_hangs_is_killed_with_its_children),
		cmocka_unit_test(secret_is_cached_until_rejected),
		cmocka_unit_test(cache_of_zero_runs_the_command_every_time),
		cmocka_unit_test(rejected_token_waits_thirty_seconds_for_the_next),
		cmocka_unit_test(password_file_must_be_private),
		cmocka_unit_test(what_is_no_plain_file_is_no_password_file),
		cmocka_unit_test(credential_is_found_by_name_only),
		cmocka_unit_test(keyring_is_asked_through_secret_tool)
	};

	return cmocka_run_group_tests(tests, begin, end);
}
