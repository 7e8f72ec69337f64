/* test_places.c — new folders get directories that nobody else has. */
#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "engine/account.h"
#include "engine/places.h"

/* As many as no server has: compared with each other, that would take an hour. */
enum { MANY = 200000 };

static struct folder *
make(struct folder *f, const char *wire, const char *path)
{
	*f = (struct folder){ .wire = (char *)wire, .path = xstrdup(path),
	    .name = (char *)path };
	return f;
}

static void
a_twin_gets_another_path(void **state)
{
	static const struct {
		const char *name, *path;
	} t[] = {
		{ "INBOX", "INBOX" },
		{ "Work", "Work" },
		{ "work", "work~2" },
		{ "WORK", "WORK~3" },
		{ "work~3", "work~3~2" },
		{ "Caf\xc3\xa9", "Caf\xc3\xa9" },
		{ "cafe\xcc\x81", "cafe\xcc\x81~2" },
		{ "cafe", "cafe" },
	};
	struct folder f[ARRAY_LEN(t)];
	struct account none = { 0 };
	struct places p;
	struct err err;

	(void)state;
	places_init(&p, &none);
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		make(&f[i], "wire", t[i].name);
		assert_int_equal(places_avoid(&p, &f[i], &err), 0);
		assert_string_equal(f[i].path, t[i].path);
		places_add(&p, &f[i]);
	}
	places_clear(&p);
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		free(f[i].path);
}

static void
too_many_twins_are_refused(void **state)
{
	struct account none = { 0 };
	struct folder f;
	struct places p;
	struct err err = { 0 };
	int n = 0;

	(void)state;
	places_init(&p, &none);
	for (;; n++) {
		make(&f, "wire", "a");
		if (places_avoid(&p, &f, &err) < 0)
			break;
		places_add(&p, &f);
		free(f.path);
	}
	assert_int_equal(n, 98);
	assert_int_equal(err.class, ERR_FOLDER);
	assert_string_equal(err.code, "store.case-collision");
	assert_string_equal(f.path, "a");
	free(f.path);
	places_clear(&p);
}

static void
a_folder_that_is_only_here_is_found(void **state)
{
	struct folder f[3], *all[] = { &f[0], &f[1], &f[2] };
	struct account acc = { .folder = all, .n_folders = ARRAY_LEN(all) };
	struct places p;

	(void)state;
	make(&f[0], NULL, "Here")->id = 1;
	make(&f[1], "wire", "Both")->id = 2;
	make(&f[2], NULL, "New");
	places_init(&p, &acc);
	assert_ptr_equal(places_here(&p, "Here"), &f[0]);
	assert_null(places_here(&p, "here"));
	assert_null(places_here(&p, "Both"));
	assert_null(places_here(&p, "New"));
	f[0].wire = (char *)"bound";
	assert_null(places_here(&p, "Here"));
	places_clear(&p);
	for (size_t i = 0; i < ARRAY_LEN(f); i++)
		free(f[i].path);
}

static void
not_all_are_compared_with_each(void **state)
{
	struct account none = { 0 };
	struct places p;
	struct err err;
	struct folder f;

	(void)state;
	places_init(&p, &none);
	for (int i = 0; i < MANY; i++) {
		char name[64];

		snprintf(name, sizeof(name), "Archive/of the year/list %d", i);
		make(&f, "wire", name);
		assert_null(places_here(&p, f.path));
		assert_int_equal(places_avoid(&p, &f, &err), 0);
		assert_string_equal(f.path, name);
		places_add(&p, &f);
		free(f.path);
	}
	places_clear(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_twin_gets_another_path),
		cmocka_unit_test(too_many_twins_are_refused),
		cmocka_unit_test(a_folder_that_is_only_here_is_found),
		cmocka_unit_test(not_all_are_compared_with_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
