/* test_pattern.c — folder patterns, rename maps, policy_for. */
#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "engine/pattern.h"
#include "net/lane.h"

static void
globs_match_as_documented(void **state)
{
	static const struct {
		const char	*pattern, *name;
		bool		 want;
	} t[] = {
		{ "*", "a", true }, { "*", "a/b/c", true }, { "*", "", true },
		{ "a", "a", true }, { "a", "A", false }, { "a", "ab", false },
		{ "", "", true }, { "", "a", false },
		{ "a*", "a", true }, { "a*", "abc", true },
		{ "a*", "a/b", false }, { "a/*", "a/b", true },
		{ "a/*", "a/b/c", false }, { "a/*", "a", false },
		{ "a/**", "a/b/c", true }, { "a/**", "a", false },
		{ "**/c", "a/b/c", true }, { "**/c", "c", false },
		{ "**", "a/b", true }, { "***", "a/b", true },
		{ "a/*/c", "a/b/c", true }, { "a/*/c", "a/b/d/c", false },
		{ "a/**/c", "a/b/d/c", true }, { "a/**/c", "a/b/d", false },
		{ "*a*b", "xaxxab", true }, { "*a*b", "xaxxaby", false },
		{ "*ab", "aab", true }, { "*aab", "aaaab", true },
		{ "?", "x", true }, { "?", "", false }, { "?", "/", false },
		{ "a?c", "abc", true }, { "a?c", "ac", false },
		{ "**x*y", "a/xb/xcy", true }, { "**x*y", "a/xb/y", false },
		{ "*/**z", "a/b/z", true }, { "Lists/*", "Lists/größe", true },
		{ "[Gmail]/*", "[Gmail]/All", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		if (pattern_glob(str_z(t[i].pattern), str_z(t[i].name)) !=
		    t[i].want)
			fail_msg("%s against %s", t[i].pattern, t[i].name);
}

/* Says the same as pattern_glob(), slowly and plainly. */
static bool
plain_glob(const char *p, const char *n)
{
	if (p[0] == '\0')
		return n[0] == '\0';
	if (p[0] == '*' && p[1] == '*')
		return plain_glob(p + 2, n) || (n[0] != '\0' &&
		    plain_glob(p, n + 1));
	if (p[0] == '*')
		return plain_glob(p + 1, n) || (n[0] != '\0' && n[0] != '/' &&
		    plain_glob(p, n + 1));
	return n[0] != '\0' && (p[0] == n[0] || (p[0] == '?' && n[0] != '/')) &&
	    plain_glob(p + 1, n + 1);
}

static void
count_to(const char *alphabet, size_t i, char *out)
{
	size_t n = strlen(alphabet);

	for (; i > 0; i = (i - 1) / n)
		*out++ = alphabet[(i - 1) % n];
	*out = '\0';
}

/* All patterns and names of up to five bytes. */
static void
globs_match_as_the_plain_definition(void **state)
{
	(void)state;
	for (size_t i = 0; i <= 3905 / 4; i++)
		for (size_t k = 0; k <= 363; k++) {
			char p[8], n[8];

			count_to("*a/?", i, p);
			count_to("a/b", k, n);
			if (strcmp(p, "*") != 0 && plain_glob(p, n) !=
			    pattern_glob(str_z(p), str_z(n)))
				fail_msg("'%s' against '%s': wanted %d", p, n,
				    plain_glob(p, n));
		}
}

static void
many_stars_take_no_time(void **state)
{
	char pattern[200], name[4000];

	(void)state;
	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = i % 2 == 0 ? '*' : 'a';
	memset(name, 'a', sizeof(name));
	/* Ends at all: a backtracking matcher would not. */
	assert_true(pattern_glob((struct str){ pattern, sizeof(pattern) },
	    (struct str){ name, sizeof(name) }));
	name[sizeof(name) - 1] = 'b';
	assert_false(pattern_glob((struct str){ pattern, sizeof(pattern) },
	    (struct str){ name, sizeof(name) }));
}

static void
special_uses_and_inbox_are_matched_without_case(void **state)
{
	static const struct {
		const char	*pattern, *name;
		unsigned	 attrs;
		bool		 want;
	} t[] = {
		{ "\\Sent", "Gesendet", LIST_SENT, true },
		{ "\\sent", "Gesendet", LIST_SENT, true },
		{ "\\Sent", "Sent", 0, false },
		{ "\\Junk", "x", LIST_SENT | LIST_JUNK, true },
		{ "\\Nonsense", "x", ~0u, false },
		{ "\\All", "x", LIST_ALL, true },
		{ "\\Archive", "x", LIST_ARCHIVE, true },
		{ "\\Drafts", "x", LIST_DRAFTS, true },
		{ "\\Flagged", "x", LIST_FLAGGED, true },
		{ "\\Trash", "x", LIST_TRASH, true },
		{ "\\Important", "x", LIST_IMPORTANT, true },
		{ "inbox", "INBOX", 0, true },
		{ "INBOX", "Inbox", 0, true },
		{ "INBOX", "INBOX/x", 0, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		if (pattern_folder(str_z(t[i].pattern), str_z(t[i].name),
		    t[i].attrs) != t[i].want)
			fail_msg("%s against %s", t[i].pattern, t[i].name);
}

static void
the_last_rule_that_matches_wins(void **state)
{
	static const struct {
		const char	*rules[4];
		const char	*name;
		unsigned	 attrs;
		bool		 want;
	} t[] = {
		{ { NULL }, "INBOX", 0, false },
		{ { "*" }, "a/b", 0, true },
		{ { "*", "!Spam" }, "Spam", 0, false },
		{ { "*", "!Spam" }, "Spam/x", 0, true },
		{ { "*", "!Spam/**", "Spam/keep" }, "Spam/keep", 0, true },
		{ { "*", "!Spam/**", "Spam/keep" }, "Spam/other", 0, false },
		{ { "!Spam", "*" }, "Spam", 0, true },
		{ { "*", "!\\Junk" }, "Bulk", LIST_JUNK, false },
		{ { "INBOX", "Lists/*" }, "Archive", 0, false },
		{ { "INBOX", "Lists/*" }, "inbox", 0, true },
		{ { "!Spam" }, "INBOX", 0, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct strlist rules = { 0 };

		for (size_t k = 0; k < 4 && t[i].rules[k] != NULL; k++)
			strlist_add(&rules, t[i].rules[k]);
		if (pattern_selects(&rules, str_z(t[i].name), t[i].attrs) !=
		    t[i].want)
			fail_msg("row %zu: %s", i, t[i].name);
		strlist_clear(&rules);
	}
}

/* ---- rename maps ------------------------------------------------------ */

static const char *const gmail[][2] = {
	{ "[Gmail]/Sent Mail", "Sent" },
	{ "[Gmail]/*", "*" },
	{ "Work/*/old", "old/*" },
	{ "A*", "B*" },
	{ "B*", "A*" },
};

static struct strmap
gmail_map(void)
{
	struct strmap map = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(gmail); i++)
		strmap_add(&map, gmail[i][0], gmail[i][1]);
	return map;
}

static void
check_name(char *got, const char *want, const char *what)
{
	if ((got == NULL) != (want == NULL) ||
	    (got != NULL && strcmp(got, want) != 0))
		fail_msg("%s: %s, wanted %s", what, got != NULL ? got : "-",
		    want != NULL ? want : "-");
	free(got);
}

static void
the_first_rename_that_matches_counts(void **state)
{
	static const struct {
		const char *server, *local;
	} t[] = {
		{ "[Gmail]/Sent Mail", "Sent" },
		{ "[Gmail]/All Mail", "All Mail" },
		{ "[Gmail]/a/b", "a/b" },
		{ "[Gmail]", NULL },
		{ "Work/2025/old", "old/2025" },
		{ "Work/old", NULL },
		{ "A1", "B1" },
		{ "B1", "A1" },
		{ "INBOX", NULL },
	};
	struct strmap map = gmail_map();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		check_name(pattern_rename(&map, str_z(t[i].server)),
		    t[i].local, t[i].server);
	strmap_clear(&map);
}

static void
a_local_name_is_led_back_only_to_what_leads_here(void **state)
{
	static const struct {
		const char *local, *server;
	} t[] = {
		{ "Sent", "[Gmail]/Sent Mail" },
		{ "old/2025", "Work/2025/old" },
		{ "B1", "A1" },
		{ "A1", "B1" },
		/* "*" would claim all that the user makes here. */
		{ "Mine", NULL },
		{ "Sent Mail", NULL },
	};
	struct strmap map = gmail_map();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		check_name(pattern_rename_back(&map, str_z(t[i].local)),
		    t[i].server, t[i].local);
	strmap_clear(&map);
}

static void
there_and_back_is_the_same_name(void **state)
{
	static const char *const names[] = { "A", "Ax", "B/y", "Work/q/old",
	    "[Gmail]/Sent Mail" };
	struct strmap map = gmail_map();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char *local = pattern_rename(&map, str_z(names[i]));

		assert_non_null(local);
		check_name(pattern_rename_back(&map, str_z(local)), names[i],
		    local);
		free(local);
	}
	strmap_clear(&map);
}

/* ---- policies --------------------------------------------------------- */

static void
the_first_policy_that_matches_counts(void **state)
{
	struct policy_rule rules[] = {
		{ (char[]){ "\\Junk" }, { 1, 0, false } },
		{ (char[]){ "Lists/**" }, { 2, 0, false } },
		{ (char[]){ "Lists/dev" }, { 3, 0, false } },
	};
	static const struct {
		const char	*name;
		unsigned	 attrs, pull;
	} t[] = {
		{ "Lists/dev", 0, 2 }, { "Lists/dev", LIST_JUNK, 1 },
		{ "Bulk", LIST_JUNK, 1 }, { "Lists", 0, 7 }, { "INBOX", 0, 7 },
	};
	struct account_conf conf = { .policy = { 7, 7, false },
	    .policy_for = rules, .n_policy_for = ARRAY_LEN(rules) };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		assert_int_equal(pattern_policy(&conf, str_z(t[i].name),
		    t[i].attrs).pull, t[i].pull);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(globs_match_as_documented),
		cmocka_unit_test(globs_match_as_the_plain_definition),
		cmocka_unit_test(many_stars_take_no_time),
		cmocka_unit_test(
		    special_uses_and_inbox_are_matched_without_case),
		cmocka_unit_test(the_last_rule_that_matches_wins),
		cmocka_unit_test(the_first_rename_that_matches_counts),
		cmocka_unit_test(
		    a_local_name_is_led_back_only_to_what_leads_here),
		cmocka_unit_test(there_and_back_is_the_same_name),
		cmocka_unit_test(the_first_policy_that_matches_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
