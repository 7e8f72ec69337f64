/* test_secret.c — passwords in memory. */
#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/secret.h"

static void
a_secret_is_kept_with_its_length(void **state)
{
	struct secret s = { 0 };

	(void)state;
	assert_int_equal(secret_peek(&s).n, 0);
	assert_int_equal(secret_set(&s, (struct str){ "pa\0ss", 5 }), 0);
	assert_int_equal(secret_peek(&s).n, 5);
	assert_memory_equal(secret_peek(&s).p, "pa\0ss", 6);
	assert_int_equal(secret_set(&s, STR("x")), 0);
	assert_string_equal(secret_peek(&s).p, "x");
	assert_int_equal(secret_set(&s, STR("")), 0);
	assert_int_equal(secret_peek(&s).n, 0);
	secret_clear(&s);
	assert_null(s.page);
	secret_clear(&s);
}

static void
the_longest_secret_fits_and_no_longer_one(void **state)
{
	char *big = xcalloc(SECRET_MAX + 1, 1);
	struct secret s = { 0 };

	(void)state;
	memset(big, 'x', SECRET_MAX + 1);
	assert_int_equal(secret_set(&s, (struct str){ big, SECRET_MAX }), 0);
	assert_int_equal(secret_peek(&s).p[SECRET_MAX], '\0');
	assert_int_equal(secret_set(&s, (struct str){ big, SECRET_MAX + 1 }),
	    -1);
	/* The one before is gone, too: nobody goes on with a stale one. */
	assert_null(s.page);
	free(big);
}

static void
a_forked_child_does_not_have_it(void **state)
{
	struct secret s = { 0 };
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(secret_set(&s, STR("hidden")), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(memcmp(s.page, "hidden", 6) == 0 ? 1 :
		    s.page[0] == '\0' ? 0 : 2);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_string_equal(secret_peek(&s).p, "hidden");
	secret_clear(&s);
}

/* VmFlags of the page: "dd" is "left out of core dumps". */
static void
a_core_dump_leaves_it_out(void **state)
{
	unsigned long at = 0, lo, hi;
	bool found = false;
	struct secret s = { 0 };
	char line[512];
	FILE *f;

	(void)state;
	assert_int_equal(secret_set(&s, STR("hidden")), 0);
	f = fopen("/proc/self/smaps", "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "%lx-%lx ", &lo, &hi) == 2)
			at = lo <= (unsigned long)s.page &&
			    (unsigned long)s.page < hi;
		else if (at && strncmp(line, "VmFlags:", 8) == 0)
			found = strstr(line, " dd") != NULL;
	}
	fclose(f);
	assert_true(found);
	secret_clear(&s);
}

static void
a_text_that_repeats_it_is_known(void **state)
{
	static const struct {
		const char	*secret, *text;
		bool		 want;
	} rows[] = {
		{ "hunter2", "no such user ann with password hunter2", true },
		{ "hunter2", "hunter2", true },
		{ "hunter2", "hunter", false },
		{ "hunter2", "Hunter2", false },
		{ "hunter2", "", false },
		/* base64 of it, of "\0ann\0hunter2", of "u\0ann\0hunter2\0" */
		{ "hunter2", "BAD aHVudGVyMg==", true },
		{ "hunter2", "BAD AUTHENTICATE PLAIN AGFubgBodW50ZXIy", true },
		{ "hunter2", "dQBhbm4AaHVudGVyMgA=", true },
		{ "hunter2", "eGh1bnRlcjI=", true },	/* "xhunter2" */
		{ "hunter2", "eHhodW50ZXIy", true },	/* "xxhunter2" */
		{ "hunter2", "aHVudGVyeg==", false },	/* "hunterz" */
		{ "a\"b\\c", "LOGIN ann \"a\\\"b\\\\c\"", true },
		{ "a\"b\\c", "LOGIN ann a\"b\\c", true },
		/* Too short to be told from anything. */
		{ "abc", "abc", false },
		{ "", "anything", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct secret s = { 0 };

		assert_int_equal(secret_set(&s, str_z(rows[i].secret)), 0);
		if (secret_in(&s, str_z(rows[i].text)) != rows[i].want)
			fail_msg("%s in %s", rows[i].secret, rows[i].text);
		secret_clear(&s);
	}
}

static void
a_long_one_is_known_by_its_beginning(void **state)
{
	struct secret s = { 0 };
	char token[1000];

	(void)state;
	memset(token, 'x', sizeof(token));
	memcpy(token, "ya29.", 5);
	assert_int_equal(secret_set(&s, (struct str){ token, sizeof(token) }), 0);
	assert_true(secret_in(&s, (struct str){ token, 300 }));
	assert_false(secret_in(&s, (struct str){ token + 5, 300 }));
	secret_clear(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_secret_is_kept_with_its_length),
		cmocka_unit_test(the_longest_secret_fits_and_no_longer_one),
		cmocka_unit_test(a_forked_child_does_not_have_it),
		cmocka_unit_test(a_core_dump_leaves_it_out),
		cmocka_unit_test(a_text_that_repeats_it_is_known),
		cmocka_unit_test(a_long_one_is_known_by_its_beginning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
