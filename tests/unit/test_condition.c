/* test_condition.c — what is read of the network and of the power supplies. */
#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/mem.h"
#include "condition.h"

static void
metered(void **state)
{
	static const struct {
		const char	*text;
		bool		 metered;
	} t[] = {
		{ "", false },
		{ "no\n\nunknown\n", false },
		{ "no (guessed)\n\nunknown\n", false },
		{ "yes\n", true },
		{ "unknown\n\nyes (guessed)\n\nunknown\n", true },
		{ "no\n\n yes", true },
		{ "eyes\nnoyes\n", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		assert_int_equal(condition_is_metered(str_z(t[i].text)),
		    t[i].metered);
}

static char top[] = "/tmp/test_condition.XXXXXX";

static void
put(const char *supply, const char *file, const char *text)
{
	char *dir = xasprintf("%s/%s", top, supply);
	char *path = xasprintf("%s/%s", dir, file);
	FILE *f;

	(void)mkdir(dir, 0700);
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f, "%s\n", text);
	fclose(f);
	free(path);
	free(dir);
}

static void
forget(const char *supply)
{
	static const char *const files[] = { "type", "online", "scope" };

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		char *path = xasprintf("%s/%s/%s", top, supply, files[i]);

		unlink(path);
		free(path);
	}
	char *dir = xasprintf("%s/%s", top, supply);

	rmdir(dir);
	free(dir);
}

static void
power(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(top));
	/* A desktop, and a machine without that directory. */
	assert_true(condition_has_ac(top));
	assert_true(condition_has_ac("/nonexistent"));
	put("AC", "type", "Mains");
	put("AC", "online", "0");
	assert_true(condition_has_ac(top));
	put("BAT0", "type", "Battery");
	assert_false(condition_has_ac(top));
	forget("AC");
	assert_true(condition_has_ac(top));
	put("AC", "type", "Mains");
	put("AC", "online", "0");
	/* What a mouse has, and a battery that says so. */
	put("hidpp_battery_0", "type", "USB");
	put("hidpp_battery_0", "scope", "Device");
	put("hidpp_battery_0", "online", "1");
	put("BAT0", "online", "1");
	assert_false(condition_has_ac(top));
	/* By USB-C, programmable. */
	put("ucsi-source-psy", "type", "USB");
	put("ucsi-source-psy", "online", "2");
	assert_true(condition_has_ac(top));
	put("ucsi-source-psy", "online", "0");
	put("AC", "online", "1");
	assert_true(condition_has_ac(top));
	forget("AC");
	forget("BAT0");
	forget("hidpp_battery_0");
	forget("ucsi-source-psy");
	assert_int_equal(rmdir(top), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(metered),
		cmocka_unit_test(power),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
