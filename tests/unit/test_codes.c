/*
 * test_codes.c — the table of codes and the sources know the same codes.
 *
 * A code is any literal "area.some-words" whose area is one of the areas of
 * codes; names of options, methods and events that look alike are listed.
 */
#include <fts.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "codes.h"

static const char *const areas[] = { "account", "auth", "backup", "config",
    "control", "daemon", "guard", "init", "internal", "ipc", "job", "method", "net",
    "plugin", "proto", "secret", "server", "state", "store", "target", "tls" };

/* Options, methods, events and the like. */
static const char *const others[] = { "account.state", "config.get",
    "config.reloaded", "control.mode", "control.socket", "daemon.stopping",
    "job.line", "job.wait", "store.id" };

static bool seen[1024];
static size_t n_files;

static bool
listed(const char *const *list, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i], word) == 0)
			return true;
	return false;
}

static bool
is_code(const char *word)
{
	char area[64];
	size_t dot = strcspn(word, ".");

	if (word[dot] == '\0' || dot >= sizeof(area) ||
	    word[dot + 1 + strspn(word + dot + 1,
	    "abcdefghijklmnopqrstuvwxyz-")] != '\0' || word[dot + 1] == '\0')
		return false;
	memcpy(area, word, dot);
	area[dot] = '\0';
	return listed(areas, ARRAY_LEN(areas), area) &&
	    !listed(others, ARRAY_LEN(others), word);
}

static void
look_at_line(const char *path, char *line)
{
	if (line[0] == '#')
		return;
	for (char *p = strchr(line, '"'); p != NULL; p = strchr(p, '"')) {
		size_t n = strcspn(++p, "\"");
		const struct code *c;

		if (p[n] == '\0')
			return;
		p[n] = '\0';
		if (is_code(p)) {
			c = codes_find(p);
			if (c == NULL)
				fail_msg("%s: codes.c does not have \"%s\"",
				    path, p);
			else
				seen[c - codes] = true;
		}
		p += n + 1;
	}
}

static void
look_at_file(const char *path)
{
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t cap = 0;

	assert_non_null(f);
	while (getline(&line, &cap, f) > 0)
		look_at_line(path, line);
	free(line);
	fclose(f);
	n_files++;
}

static void
sources_and_table_have_the_same_codes(void **state)
{
	char sync_dir[] = "sync", daemon_dir[] = "daemon";
	char *const roots[] = { sync_dir, daemon_dir, NULL };
	FTS *tree = fts_open(roots, FTS_PHYSICAL, NULL);
	FTSENT *e;

	(void)state;
	assert_non_null(tree);
	assert_true(n_codes < ARRAY_LEN(seen));
	while ((e = fts_read(tree)) != NULL)
		if (e->fts_info == FTS_F && e->fts_namelen > 2 &&
		    strcmp(e->fts_name + e->fts_namelen - 2, ".c") == 0 &&
		    strcmp(e->fts_path, "daemon/codes.c") != 0)
			look_at_file(e->fts_accpath);
	fts_close(tree);
	if (n_files < 50)
		fail_msg("only %zu sources: not at the top of the tree?", n_files);
	for (size_t i = 0; i < n_codes; i++)
		if (!seen[i])
			fail_msg("no source has \"%s\" any more", codes[i].name);
}

static void
codes_are_in_order_and_say_what_to_do(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_codes; i++) {
		assert_true(i == 0 ||
		    strcmp(codes[i - 1].name, codes[i].name) < 0);
		assert_true(is_code(codes[i].name));
		assert_int_not_equal(codes[i].about[0], '\0');
		assert_int_not_equal(codes[i].remedy[0], '\0');
		assert_ptr_equal(codes_find(codes[i].name), &codes[i]);
	}
	assert_null(codes_find("auth"));
	assert_null(codes_find("zzz.unknown"));
	assert_null(codes_find(""));
}

/* The test sees what it looks for. */
static void
what_counts_as_a_code(void **state)
{
	(void)state;
	assert_true(is_code("net.timeout"));
	assert_true(is_code("server.folder-gone"));
	assert_false(is_code("job.wait"));
	assert_false(is_code("net."));
	assert_false(is_code("net"));
	assert_false(is_code("gmx.com"));
	assert_false(is_code("net.Timeout"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sources_and_table_have_the_same_codes),
		cmocka_unit_test(codes_are_in_order_and_say_what_to_do),
		cmocka_unit_test(what_counts_as_a_code)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
