/* test_header.c — the fields that people look for. */
#include "cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "engine/header.h"

#define MSG(z)	z, sizeof(z) - 1

static void
parse(struct header *h, const char *p, size_t n, size_t portion)
{
	*h = (struct header){ 0 };
	for (size_t at = 0; at < n; at += portion)
		header_add(h, (struct str){ p + at,
		    n - at < portion ? n - at : portion });
	header_end(h);
}

static void
assert_field(const char *got, const char *want)
{
	if (want == NULL)
		assert_null(got);
	else
		assert_string_equal(got != NULL ? got : "(absent)", want);
}

static void
fields_are_found_in_any_portions(void **state)
{
	static const struct {
		const char	*text;
		size_t		 n;
		const char	*subject, *from, *msgid;
	} t[] = {
		{ MSG("Subject: s\r\nFrom: f\r\nMessage-ID: <m>\r\n\r\nbody"),
		    "s", "f", "<m>" },
		{ MSG("Subject: s\nFrom: f\nMessage-ID: <m>\n\nbody"),
		    "s", "f", "<m>" },
		{ MSG("subject:s\nFROM:f\nmessage-id:<m>\n"), "s", "f", "<m>" },
		{ MSG("Subject: no end"), "no end", NULL, NULL },
		{ MSG("Subject: a\r\n b\r\n\tc\r\nFrom: f\r\n\r\n"),
		    "a\n b\n\tc", "f", NULL },
		{ MSG("Subject: first\nSubject: second\n\n"), "first", NULL,
		    NULL },
		{ MSG("X: y\n\nSubject: body\n"), NULL, NULL, NULL },
		{ MSG("\nSubject: body\n"), NULL, NULL, NULL },
		{ MSG("\r\nSubject: body\r\n"), NULL, NULL, NULL },
		{ MSG(""), NULL, NULL, NULL },
		{ MSG("Subject:\nFrom: \n\n"), "", "", NULL },
		{ MSG("Subject\nFrom: f\n"), NULL, "f", NULL },
		{ MSG("Message-ID:\r\n <m@x>\r\n\r\n"), NULL, NULL, "<m@x>" },
		{ MSG("X-Subject: x\nSubject: s\n\n"), "s", NULL, NULL },
	};
	struct header h;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		for (size_t portion = 1; portion <= 16; portion++) {
			parse(&h, t[i].text, t[i].n, portion);
			assert_field(h.subject, t[i].subject);
			assert_field(h.from, t[i].from);
			assert_field(h.msgid, t[i].msgid);
			header_clear(&h);
		}
}

static void
a_long_field_is_cut_and_the_next_one_is_found(void **state)
{
	static const char *const ends[] = { "\n", "\r\n" };
	struct header h;

	(void)state;
	for (size_t e = 0; e < ARRAY_LEN(ends); e++)
		for (size_t n = 380; n <= 420; n++) {
			char text[600], subject[421];

			memset(subject, 'x', n);
			subject[n] = '\0';
			snprintf(text, sizeof(text), "Subject: %s%sFrom: f%s%s",
			    subject, ends[e], ends[e], ends[e]);
			parse(&h, text, strlen(text), 7);
			assert_field(h.from, "f");
			assert_true(strlen(h.subject) <= n);
			assert_memory_equal(h.subject, subject,
			    strlen(h.subject));
			assert_true(strlen(h.subject) >= 380);
			header_clear(&h);
		}
}

static void
a_line_without_end_takes_bounded_memory(void **state)
{
	static char text[1 << 20];
	struct header h;

	(void)state;
	memset(text, 'a', sizeof(text));
	memcpy(text, "Subject:", 8);
	parse(&h, text, sizeof(text), 4096);
	assert_true(strlen(h.subject) <= 400);
	header_clear(&h);
}

static void
nothing_counts_after_the_empty_line(void **state)
{
	struct header h = { 0 };

	(void)state;
	header_add(&h, STR("From: f\n"));
	assert_false(h.ended);
	header_add(&h, STR("\nSubject: s\n"));
	assert_true(h.ended);
	header_add(&h, STR("Subject: s\n"));
	header_end(&h);
	assert_field(h.from, "f");
	assert_field(h.subject, NULL);
	header_clear(&h);
}

/* The line is full when its continuation comes. */
static void
a_long_field_goes_on_however_it_comes(void **state)
{
	char text[1000];
	struct header h;
	size_t n;

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text, "From:", 5);
	n = 500 + (size_t)sprintf(text + 500, "\n Subject: no field\nSubject: s\n\n");
	for (size_t portion = 1; portion <= n; portion++) {
		parse(&h, text, n, portion);
		assert_field(h.subject, "s");
		assert_int_equal(strlen(h.from), 395);
		header_clear(&h);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_found_in_any_portions),
		cmocka_unit_test(a_long_field_is_cut_and_the_next_one_is_found),
		cmocka_unit_test(a_line_without_end_takes_bounded_memory),
		cmocka_unit_test(a_long_field_goes_on_however_it_comes),
		cmocka_unit_test(nothing_counts_after_the_empty_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
