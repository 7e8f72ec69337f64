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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_secret_is_kept_with_its_length),
		cmocka_unit_test(the_longest_secret_fits_and_no_longer_one),
		cmocka_unit_test(a_forked_child_does_not_have_it),
		cmocka_unit_test(a_core_dump_leaves_it_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
