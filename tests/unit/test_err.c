/* test_err.c — errors as values, and the lines that tell them. */
#include "cmocka_all.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"

static void
an_error_says_class_code_and_text(void **state)
{
	struct err err;

	(void)state;
	memset(&err, 0x55, sizeof(err));
	assert_int_equal(err_set(&err, ERR_MSG, "a.b", "uid %d", 7), -1);
	assert_int_equal(err.class, ERR_MSG);
	assert_string_equal(err.code, "a.b");
	assert_string_equal(err.text, "uid 7");
	assert_string_equal(err.resp, "");
	assert_int_equal(err.errnum, 0);
}

static void
a_system_error_ends_with_its_reason(void **state)
{
	char want[64];
	struct err err;

	(void)state;
	errno = ENOSPC;
	assert_int_equal(err_sys(&err, ERR_LOCAL, "a.b", "write %s", "x"), -1);
	snprintf(want, sizeof(want), "write x: %s", strerror(ENOSPC));
	assert_string_equal(err.text, want);
	assert_int_equal(err.errnum, ENOSPC);
}

static void
context_is_put_in_front(void **state)
{
	struct err err;

	(void)state;
	err_set(&err, ERR_PROTO, "a.b", "inner");
	assert_int_equal(err_wrap(&err, "uid %d", 4), -1);
	assert_int_equal(err_wrap(&err, "INBOX"), -1);
	assert_string_equal(err.text, "INBOX: uid 4: inner");
	assert_int_equal(err.class, ERR_PROTO);
	assert_string_equal(err.code, "a.b");
}

static void
long_texts_are_cut(void **state)
{
	char big[2000];
	struct err err;

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	errno = ENOENT;
	err_sys(&err, ERR_LOCAL, "a.b", "%s", big);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	err_wrap(&err, "%s", big);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	err_set(&err, ERR_LOCAL, "a.b", "short");
	err_wrap(&err, "%.478s", big);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
}

/* ---- log lines -------------------------------------------------------- */

static int log_pipe[2];

static int
open_log(void **state)
{
	(void)state;
	if (pipe(log_pipe) < 0)
		return -1;
	log_to(log_pipe[1], LOG_LV_INFO);
	log_context("work/INBOX");
	return 0;
}

static int
close_log(void **state)
{
	(void)state;
	log_to(STDERR_FILENO, LOG_LV_NOTICE);
	log_context("");
	close(log_pipe[0]);
	close(log_pipe[1]);
	return 0;
}

static void
read_log(char *out, size_t cap)
{
	ssize_t n = read(log_pipe[0], out, cap - 1);

	assert_true(n > 0);
	out[n] = '\0';
}

static void
a_line_has_time_level_and_context(void **state)
{
	char line[2000];

	(void)state;
	log_debug("not this");
	log_info("uid=%d", 7);
	read_log(line, sizeof(line));
	/* "2026-11-23T04:46:50Z " */
	assert_int_equal(line[19], 'Z');
	assert_string_equal(line + 20, " info: work/INBOX uid=7\n");
}

static void
bytes_from_outside_cannot_steer_a_terminal(void **state)
{
	char line[2000];

	(void)state;
	log_error("%s", "a\r\n\033[2Jb\x7f\xc2\x9b" "2J\xc3\xa9");
	read_log(line, sizeof(line));
	assert_string_equal(line + 20,
	    " error: work/INBOX a???[2Jb???2J\xc3\xa9\n");
}

static void
a_long_line_is_one_line(void **state)
{
	char big[3000], line[4000];

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	errno = EBADF;
	log_error("%s", big);
	assert_int_equal(errno, EBADF);
	read_log(line, sizeof(line));
	assert_int_equal(strlen(line), 1023);
	assert_int_equal(line[1022], '\n');
	assert_ptr_equal(strchr(line, '\n'), line + 1022);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_error_says_class_code_and_text),
		cmocka_unit_test(a_system_error_ends_with_its_reason),
		cmocka_unit_test(context_is_put_in_front),
		cmocka_unit_test(long_texts_are_cut),
		cmocka_unit_test_setup_teardown(
		    a_line_has_time_level_and_context, open_log, close_log),
		cmocka_unit_test_setup_teardown(
		    bytes_from_outside_cannot_steer_a_terminal, open_log,
		    close_log),
		cmocka_unit_test_setup_teardown(a_long_line_is_one_line,
		    open_log, close_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
