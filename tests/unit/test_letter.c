/* test_letter.c — problems as a mail to a person. */
#include "cmocka_all.h"

#include <string.h>

#include "base/attr.h"
#include "letter.h"

/* 2026-11-29 17:23:10 UTC */
static const int64_t moment = INT64_C(1795972990) * 1000000;

static char *
written(const struct letter *l, const json_t *batch)
{
	struct buf b;
	char *text;

	buf_init(&b, 1 << 20);
	assert_int_equal(letter_write(&b, l, batch), 0);
	text = str_dup(buf_str(&b));
	buf_clear(&b);
	return text;
}

static json_t *
problem(const char *title, const char *message, const char *remedy)
{
	return json_pack("{s:s, s:{s:s, s:s, s:s*}}", "title", title,
	    "problem", "code", "auth.refused", "message", message, "remedy",
	    remedy);
}

static void
one(void **state)
{
	const struct letter l = { .to = "root", .user = "ann", .host = "box",
	    .now = moment, .gmtoff = -12600, .id = 7 };
	json_t *batch = json_pack("[o]", problem("work", "the server refused the "
	    "password for ann", "write the right password"));
	char *text = written(&l, batch);

	(void)state;
	assert_string_equal(text,
	    "From: syncd <ann@box>\n"
	    "To: root\n"
	    "Subject: syncd: work needs you\n"
	    "Date: Sun, 29 Nov 2026 13:53:10 -0330\n"
	    "Message-ID: <syncd.1795972990000000.7@box>\n"
	    "Auto-Submitted: auto-generated\n"
	    "MIME-Version: 1.0\n"
	    "Content-Type: text/plain; charset=utf-8\n"
	    "Content-Transfer-Encoding: 8bit\n"
	    "\n"
	    "work: the server refused the password for ann [auth.refused]\n"
	    "  = help: write the right password\n"
	    "\n"
	    "How things stand: syncd status\n"
	    "What the word in brackets means: syncd explain WORD\n");
	free(text);
	json_decref(batch);
}

static void
several(void **state)
{
	const struct letter l = { .to = "root", .user = "ann", .host = "box",
	    .now = moment, .gmtoff = 7200 };
	json_t *batch = json_pack("[o, o]", problem("work", "a", "b"),
	    problem("home", "c", NULL));
	char *text = written(&l, batch);

	(void)state;
	assert_non_null(strstr(text, "\nSubject: syncd: 2 problems need you\n"));
	assert_non_null(strstr(text, "\nDate: Sun, 29 Nov 2026 19:23:10 +0200\n"));
	assert_non_null(strstr(text, "\nwork: a [auth.refused]\n  = help: b\n\n"
	    "home: c [auth.refused]\n\nHow"));
	free(text);
	json_decref(batch);
}

/* Nobody writes a line of his own, a header least of all. */
static void
nobody_gets_a_line_of_his_own(void **state)
{
	const struct letter l = { .to = "root\nBcc: all", .user = "ann",
	    .host = "box", .now = moment };
	char message[5000], *text, *line;
	json_t *batch;

	(void)state;
	memset(message, 'x', sizeof(message));
	memcpy(message, "NO\r\nBcc: evil\r\n.\r\n", 18);
	message[sizeof(message) - 1] = '\0';
	batch = json_pack("[o]", problem("w\nX-Evil: 1", message, message));
	text = written(&l, batch);
	assert_null(strstr(text, "\nBcc"));
	assert_null(strstr(text, "\nX-Evil"));
	assert_null(strchr(text, '\r'));
	assert_non_null(strstr(text, "\nSubject: syncd: an account needs you\n"));
	for (line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
		assert_true(strlen(line) <= 998);
		assert_string_not_equal(line, ".");
	}
	free(text);
	json_decref(batch);
}

static void
a_name_in_other_letters(void **state)
{
	const struct letter l = { .to = "root", .user = "ann", .host = "box",
	    .now = moment };
	json_t *batch = json_pack("[o]", problem("büro", "ä", "ö"));
	char *text = written(&l, batch);

	(void)state;
	assert_non_null(strstr(text, "\nSubject: syncd: an account needs you\n"));
	assert_non_null(strstr(text, "\nbüro: ä [auth.refused]\n  = help: ö\n"));
	free(text);
	json_decref(batch);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one),
		cmocka_unit_test(several),
		cmocka_unit_test(nobody_gets_a_line_of_his_own),
		cmocka_unit_test(a_name_in_other_letters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
