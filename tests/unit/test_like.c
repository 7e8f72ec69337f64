/* test_like.c — what is proof that two messages are one, and what is not. */
#include "cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "engine/like.h"

enum { MOST = 8 };

/* A heap in writing, one letter for each: "a1 b2" has a key, a date; 'A' to 'Z' are
 * drafts; '-' is no key, '?' no date.  Behind '=' is what a file contains. */
struct heap {
	struct like	 m[MOST], *p[MOST];
	struct hash	 all[MOST];
	size_t		 n;
};

static struct heap
heap_of(const char *text, enum like_by by)
{
	struct heap h = { 0 };

	for (; *text != '\0'; text++) {
		struct like *m = &h.m[h.n];
		char key = *text++;

		m->size = 100;
		m->draft = key >= 'A' && key <= 'Z';
		m->by = key == '-' ? LIKE_NONE : by;
		memset(&m->key, key | 0x20, sizeof(m->key));
		m->date = *text == '?' ? LIKE_NO_DATE : *text - '0';
		if (text[1] == '=') {
			text += 2;
			memset(&h.all[h.n], *text, sizeof(h.all[0]));
		}
		h.n++;
		if (text[1] == ' ')
			text++;
	}
	return h;
}

static void
link_heap(struct heap *h, bool files)
{
	for (size_t i = 0; i < h->n; i++) {
		h->p[i] = &h->m[i];
		if (files && h->all[i].b[0] != 0)
			h->m[i].all = &h->all[i];
	}
}

/* "0-1 1-0": which of the server's are which of the files; "0?": in doubt. */
static void
show(const struct heap *a, const struct heap *b, char *out, size_t n)
{
	size_t at = 0;

	out[0] = '\0';
	for (size_t i = 0; i < a->n; i++) {
		const struct like *m = &a->m[i];

		if (m->mate != NULL) {
			assert_ptr_equal(m->mate->mate, m);
			at += (size_t)snprintf(out + at, n - at, "%s%zu-%zu",
			    at > 0 ? " " : "", i, (size_t)(m->mate - b->m));
		} else if (m->doubt) {
			at += (size_t)snprintf(out + at, n - at, "%s%zu?",
			    at > 0 ? " " : "", i);
		}
	}
}

static void
proof(void **state)
{
	static const struct {
		const char	*name;
		enum like_by	 by;
		const char	*server, *files, *want;
	} t[] = {
		{ "an id", LIKE_OBJID, "a1 b1", "b1 a1", "0-1 1-0" },
		{ "an id of another date", LIKE_OBJID, "a1", "a2", "" },
		{ "an id without a date", LIKE_OBJID, "a?", "a?", "" },
		{ "copies have one id", LIKE_OBJID, "a1 a1", "a1 a1 a1",
		    "0-0 1-1" },
		{ "Message-ID", LIKE_MSGID, "a1 b2", "b2 a1", "0-1 1-0" },
		{ "Message-ID of another date", LIKE_MSGID, "a1", "a2", "" },
		{ "no Message-ID", LIKE_MSGID, "-1", "-1", "" },
		{ "twins on the server", LIKE_MSGID, "a1 a1", "a1", "" },
		{ "twins here", LIKE_MSGID, "a1", "a1 a1", "" },
		{ "twins of two dates", LIKE_MSGID, "a1 a2", "a2 a1",
		    "0-1 1-0" },
		{ "header", LIKE_HEAD, "a1 b1", "b2=x a?=y", "0-1 1-0" },
		{ "another header", LIKE_HEAD, "a1", "b1=x", "" },
		{ "one header, two contents", LIKE_HEAD, "a1 a1", "a1=x a1=y",
		    "0? 1?" },
		{ "one header, two contents, one there", LIKE_HEAD, "a1",
		    "a1=x a1=y", "0?" },
		{ "copies here", LIKE_HEAD, "a1", "a1=x a1=x", "0-0" },
		{ "copies, by their dates", LIKE_HEAD, "a1 a2", "a2=x a1=x",
		    "0-1 1-0" },
		{ "copies, one date in common", LIKE_HEAD, "a1 a3", "a3=x a9=x",
		    "0-1 1-0" },
		{ "more there than here", LIKE_HEAD, "a1 a1", "a1=x", "0? 1?" },
		{ "a draft", LIKE_HEAD, "a1", "A1=x", "0-0" },
		{ "a draft that was written to", LIKE_HEAD, "A1", "A2=x",
		    "0?" },
		{ "all of it", LIKE_ALL, "a1 b1", "b1 a2", "0-1 1-0" },
		{ "all of a draft", LIKE_ALL, "A1", "a1", "0-0" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct heap a = heap_of(t[i].server, t[i].by);
		struct heap b = heap_of(t[i].files, t[i].by);
		char got[100];

		link_heap(&a, false);
		link_heap(&b, true);
		like_match(a.p, a.n, b.p, b.n, t[i].by);
		show(&a, &b, got, sizeof(got));
		if (strcmp(got, t[i].want) != 0)
			fail_msg("%s: \"%s\", not \"%s\"", t[i].name, got,
			    t[i].want);
	}
}

static void
other_sizes_are_others(void **state)
{
	struct heap a = heap_of("a1", LIKE_ALL), b = heap_of("a1", LIKE_ALL);

	(void)state;
	link_heap(&a, false);
	link_heap(&b, true);
	b.m[0].size = 101;
	like_match(a.p, 1, b.p, 1, LIKE_ALL);
	assert_null(a.m[0].mate);
	assert_int_equal(like_seek(a.p, 1, b.p, 1, LIKE_NONE, false), 0);
}

static void
seeking(void **state)
{
	struct heap a = heap_of("a1 b2 c3 d?", LIKE_MSGID);
	struct heap b = heap_of("a2 -3", LIKE_MSGID);

	(void)state;
	link_heap(&a, false);
	link_heap(&b, true);
	assert_int_equal(like_seek(a.p, 4, b.p, 2, LIKE_NONE, false), 4);
	assert_int_equal(like_seek(a.p, 4, b.p, 2, LIKE_NONE, true), 2);
	assert_true(a.m[1].wanted && a.m[2].wanted && !a.m[0].wanted);
	assert_int_equal(like_seek(a.p, 4, b.p, 2, LIKE_MSGID, true), 1);
	assert_true(a.m[1].wanted && !a.m[2].wanted);
	assert_true(b.m[0].wanted && !b.m[1].wanted);
	a.m[1].mate = &b.m[0];
	b.m[0].mate = &a.m[1];
	assert_int_equal(like_seek(a.p, 4, b.p, 2, LIKE_NONE, true), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(proof),
		cmocka_unit_test(other_sizes_are_others),
		cmocka_unit_test(seeking),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
