/* test_progress.c — the page that outlives a worker, and what is drawn from it. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "meter.h"
#include "progress.h"

/* ---- the page --------------------------------------------------------- */

static void
a_dead_worker_leaves_what_it_wrote(void **state)
{
	struct progress_page page = { .fd = -1 };
	struct progress p;
	struct err err;
	char text[400];
	pid_t pid;
	int status;

	(void)state;
	assert_int_equal(progress_page_open(&page, &err), 0);
	p = progress_read(&page);
	assert_int_equal(p.phase, PHASE_START);
	pid = fork();
	if (pid == 0) {
		struct progress *at;

		if (dup2(page.fd, PROGRESS_FD) < 0 ||
		    (at = progress_page_inherited()) == NULL)
			_exit(1);
		progress_phase(at, PHASE_DOWNLOAD, "INBOX", 300);
		at->done = 120;
		at->bytes = 4096;
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	p = progress_read(&page);
	progress_text(&p, text, sizeof(text));
	assert_string_equal(text, "downloading INBOX, 120 of 300");
	assert_int_equal(p.bytes, 4096);
	/* The next life starts with an empty one. */
	assert_int_equal(progress_page_open(&page, &err), 0);
	p = progress_read(&page);
	assert_int_equal(p.phase, PHASE_START);
	assert_int_equal(p.done, 0);
	progress_page_close(&page);
	p = progress_read(&page);
	assert_int_equal(p.phase, PHASE_IDLE);
}

static void
a_worker_cannot_shrink_the_page_nor_write_past_its_name(void **state)
{
	struct progress_page page = { .fd = -1 };
	struct progress p;
	struct err err;

	(void)state;
	assert_int_equal(progress_page_open(&page, &err), 0);
	assert_int_equal(ftruncate(page.fd, 0), -1);
	memset(page.at, 0xFF, sizeof(*page.at));
	p = progress_read(&page);
	assert_int_equal(p.phase, PHASE_IDLE);
	assert_int_equal(strlen(p.folder), PROGRESS_NAME - 1);
	progress_page_close(&page);
}

static void
long_names_are_cut_between_characters(void **state)
{
	char name[PROGRESS_NAME + 2];
	struct progress p;

	(void)state;
	/* Two bytes a character: the limit falls into the middle of one. */
	for (size_t i = 0; i < PROGRESS_NAME; i += 2)
		memcpy(name + i, "ö", 2);
	name[PROGRESS_NAME] = '\0';
	progress_phase(&p, PHASE_UPLOAD, name, 1);
	assert_int_equal(strlen(p.folder), PROGRESS_NAME - 2);
	progress_phase(&p, PHASE_UPLOAD, name + 2, 1);
	assert_int_equal(strlen(p.folder), PROGRESS_NAME - 2);
}

static void
json_says_the_same_again(void **state)
{
	struct progress p = { 0 }, q;
	json_t *v;

	(void)state;
	progress_phase(&p, PHASE_UPLOAD, "Entwürfe", 9);
	p.done = 4;
	p.bytes = 77;
	v = progress_json(&p);
	q = progress_from_json(v);
	assert_int_equal(q.phase, p.phase);
	assert_string_equal(q.folder, p.folder);
	assert_int_equal(q.done, 4);
	assert_int_equal(q.total, 9);
	assert_int_equal(q.bytes, 77);
	json_decref(v);
	progress_phase(&p, PHASE_IDLE, NULL, 0);
	assert_null(progress_json(&p));
	q = progress_from_json(NULL);
	assert_int_equal(q.phase, PHASE_IDLE);
}

/* ---- what is drawn ---------------------------------------------------- */

static struct {
	struct meter	 m;
	FILE		*out;
	char		*text;
	size_t		 n;
} t;

static void
begin(enum meter_mode mode, bool utf8)
{
	t.out = open_memstream(&t.text, &t.n);
	assert_non_null(t.out);
	meter_init(&t.m, mode, t.out, utf8, 0);
}

/* What was printed since the last look; the first byte is what counts. */
static const char *
printed(void)
{
	static char seen[4096];

	fflush(t.out);
	snprintf(seen, sizeof(seen), "%.*s", (int)t.n, t.text);
	rewind(t.out);
	return seen;
}

static void
finish(void)
{
	fclose(t.out);
	free(t.text);
}

static struct meter_row
row(const char *account, enum phase phase, const char *folder, uint64_t done,
    uint64_t total, uint64_t bytes)
{
	struct meter_row r = { .account = account };

	progress_phase(&r.progress, phase, folder, total);
	r.progress.done = done;
	r.progress.bytes = bytes;
	return r;
}

static void
a_bar_shows_part_counts_and_name(void **state)
{
	struct meter_row r = row("work", PHASE_DOWNLOAD, "INBOX", 150, 300, 0);
	const char *text;

	(void)state;
	begin(METER_BAR, false);
	meter_step(&t.m, &r, 1, 0);
	text = printed();
	assert_non_null(strstr(text, "work  INBOX"));
	assert_non_null(strstr(text, "[#####     ]  50%  150/300"));
	assert_null(strchr(text, '\n'));
	finish();
}

static void
a_bar_is_drawn_ten_times_a_second_at_most(void **state)
{
	struct meter_row r = row("work", PHASE_DOWNLOAD, "INBOX", 1, 2, 0);

	(void)state;
	begin(METER_BAR, true);
	meter_step(&t.m, &r, 1, 0);
	assert_int_not_equal(printed()[0], '\0');
	meter_step(&t.m, &r, 1, USEC_MS(99));
	assert_string_equal(printed(), "");
	assert_int_equal(meter_due(&t.m), USEC_MS(100));
	meter_step(&t.m, &r, 1, USEC_MS(100));
	assert_int_not_equal(printed()[0], '\0');
	finish();
}

static void
time_left_is_told_after_five_seconds_of_the_same_job(void **state)
{
	struct meter_row r = row("work", PHASE_DOWNLOAD, "INBOX", 0, 1000, 0);

	(void)state;
	begin(METER_BAR, true);
	for (int s = 0; s < 5; s++) {
		r.progress.done = (uint64_t)s * 10;
		r.progress.bytes = (uint64_t)s * 2000000;
		meter_step(&t.m, &r, 1, USEC_S(s));
		assert_null(strstr(printed(), "left"));
	}
	r.progress.done = 50;
	r.progress.bytes = 10000000;
	meter_step(&t.m, &r, 1, USEC_S(5));
	/* 950 to go, 10 a second. */
	assert_non_null(strstr(printed(), "2.0 MB/s  01:35 left"));
	r = row("work", PHASE_DOWNLOAD, "Sent", 0, 10, 10000000);
	meter_step(&t.m, &r, 1, USEC_S(6));
	assert_null(strstr(printed(), "left"));
	finish();
}

static void
names_cannot_steer_the_terminal_nor_pass_its_width(void **state)
{
	struct meter_row r = row("work", PHASE_COMPARE,
	    "\033[2Jevil\nname\xff that goes on and on and on and on and on", 0, 0,
	    0);
	const char *text;

	(void)state;
	begin(METER_BAR, true);
	meter_step(&t.m, &r, 1, 0);
	text = printed();
	assert_true(strncmp(text, "\r\033[K", 4) == 0);
	assert_null(strchr(text + 4, '\033'));
	assert_null(strchr(text, '\n'));
	assert_true(strlen(text) <= 4 + 79 + 1);
	assert_non_null(strstr(text, "?[2Jevil?name?"));
	finish();
}

static void
the_busiest_of_many_accounts_is_shown(void **state)
{
	struct meter_row r[3];
	const char *text;

	(void)state;
	r[0] = row("a", PHASE_CONNECT, NULL, 0, 0, 0);
	r[1] = row("b", PHASE_DOWNLOAD, "INBOX", 1, 500, 0);
	r[2] = row("c", PHASE_DOWNLOAD, "INBOX", 499, 900, 0);
	begin(METER_BAR, false);
	meter_step(&t.m, r, 3, 0);
	text = printed();
	assert_non_null(strstr(text, "b  INBOX"));
	assert_non_null(strstr(text, "+2 more"));
	finish();
}

static void
a_line_stands_alone_and_wipes_the_bar(void **state)
{
	struct meter_row r = row("work", PHASE_DOWNLOAD, "INBOX", 1, 2, 0);

	(void)state;
	begin(METER_BAR, true);
	meter_step(&t.m, &r, 1, 0);
	(void)printed();
	meter_line(&t.m, "work", "Sent done new=3");
	assert_string_equal(printed(), "\r\033[Kwork Sent done new=3\n");
	meter_clear(&t.m);
	assert_string_equal(printed(), "");
	finish();
}

static void
without_a_terminal_there_is_a_line_a_minute(void **state)
{
	struct meter_row r = row("work", PHASE_DOWNLOAD, "INBOX", 7, 20, 0);

	(void)state;
	begin(METER_LINES, true);
	meter_step(&t.m, &r, 1, USEC_S(59));
	assert_string_equal(printed(), "");
	meter_step(&t.m, &r, 1, USEC_S(60));
	assert_non_null(strstr(printed(), "Z work downloading INBOX, 7 of 20\n"));
	meter_step(&t.m, &r, 1, USEC_S(119));
	assert_string_equal(printed(), "");
	finish();
}

static void
json_is_a_line_a_second(void **state)
{
	struct meter_row r = row("work", PHASE_DOWNLOAD, "INBOX", 7, 20, 5);
	const char *text;

	(void)state;
	begin(METER_JSON, true);
	meter_step(&t.m, &r, 1, USEC_S(1));
	text = printed();
	assert_non_null(strstr(text, "\"account\":\"work\""));
	assert_non_null(strstr(text, "\"done\":7"));
	finish();
}

static void
none_says_nothing(void **state)
{
	struct meter_row r = row("work", PHASE_DOWNLOAD, "INBOX", 7, 20, 5);

	(void)state;
	begin(METER_NONE, true);
	assert_int_equal(meter_due(&t.m), USEC_NEVER);
	meter_step(&t.m, &r, 1, USEC_S(100));
	meter_line(&t.m, "work", "done");
	assert_string_equal(printed(), "");
	finish();
}

static void
the_word_of_progress_is_checked(void **state)
{
	enum meter_mode mode = METER_NONE;

	(void)state;
	assert_int_equal(meter_mode("bar", false, false, &mode), 0);
	assert_int_equal(mode, METER_BAR);
	assert_int_equal(meter_mode("lines", true, false, &mode), 0);
	assert_int_equal(mode, METER_NONE);
	assert_int_equal(meter_mode("json", false, true, &mode), 0);
	assert_int_equal(mode, METER_JSON);
	assert_int_equal(meter_mode(NULL, false, true, &mode), 0);
	assert_int_equal(mode, METER_NONE);
	assert_int_equal(meter_mode("bars", false, false, &mode), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_dead_worker_leaves_what_it_wrote),
		cmocka_unit_test(
		    a_worker_cannot_shrink_the_page_nor_write_past_its_name),
		cmocka_unit_test(long_names_are_cut_between_characters),
		cmocka_unit_test(json_says_the_same_again),
		cmocka_unit_test(a_bar_shows_part_counts_and_name),
		cmocka_unit_test(a_bar_is_drawn_ten_times_a_second_at_most),
		cmocka_unit_test(
		    time_left_is_told_after_five_seconds_of_the_same_job),
		cmocka_unit_test(
		    names_cannot_steer_the_terminal_nor_pass_its_width),
		cmocka_unit_test(the_busiest_of_many_accounts_is_shown),
		cmocka_unit_test(a_line_stands_alone_and_wipes_the_bar),
		cmocka_unit_test(without_a_terminal_there_is_a_line_a_minute),
		cmocka_unit_test(json_is_a_line_a_second),
		cmocka_unit_test(none_says_nothing),
		cmocka_unit_test(the_word_of_progress_is_checked)
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
