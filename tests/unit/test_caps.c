/* test_caps.c — capabilities. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/attr.h"
#include "imap/caps.h"

static void
announced_capabilities_are_had_in_any_case(void **state)
{
	struct imap_caps caps;

	(void)state;
	caps_parse(&caps, STR("IMAP4REV1 idle  Compress=Deflate X-GM-EXT-1 "
	    "LITERAL+ UTF8=ACCEPT STATUS=SIZE FOO "));
	assert_true(caps_have(&caps, CAP_IMAP4REV1));
	assert_true(caps_have(&caps, CAP_IDLE));
	assert_true(caps_have(&caps, CAP_COMPRESS));
	assert_true(caps_have(&caps, CAP_GMAIL));
	assert_true(caps_have(&caps, CAP_LITERAL_PLUS));
	assert_true(caps_have(&caps, CAP_UTF8_ACCEPT));
	assert_true(caps_have(&caps, CAP_STATUS_SIZE));
	assert_false(caps_have(&caps, CAP_LITERAL_MINUS));
	assert_false(caps_have(&caps, CAP_UIDPLUS));
	assert_false(caps_have(&caps, CAP_MOVE));
}

static void
a_new_list_replaces_the_old_one(void **state)
{
	struct imap_caps caps;

	(void)state;
	caps_parse(&caps, STR("IMAP4rev1 IDLE AUTH=PLAIN APPENDLIMIT=9"));
	caps_parse(&caps, STR("IMAP4rev1 AUTH=LOGIN"));
	assert_false(caps_have(&caps, CAP_IDLE));
	assert_false(sasl_names_have(&caps.sasl, "PLAIN"));
	assert_true(sasl_names_have(&caps.sasl, "LOGIN"));
	assert_int_equal(caps.append_limit, 0);
	caps_parse(&caps, STR_NONE);
	assert_int_equal(caps.bits, 0);
}

static void
rev2_brings_what_it_has_folded_in_and_no_more(void **state)
{
	static const enum imap_cap in[] = {
		CAP_IDLE, CAP_NAMESPACE, CAP_UIDPLUS, CAP_UNSELECT, CAP_MOVE,
		CAP_ESEARCH, CAP_ENABLE, CAP_SASL_IR, CAP_LIST_EXTENDED,
		CAP_LIST_STATUS, CAP_SPECIAL_USE, CAP_LITERAL_MINUS,
	};
	static const enum imap_cap out[] = {
		CAP_ID, CAP_LITERAL_PLUS, CAP_CONDSTORE, CAP_QRESYNC,
		CAP_NOTIFY, CAP_MULTIAPPEND, CAP_IMAP4REV1, CAP_XGUID,
	};
	struct imap_caps caps;

	(void)state;
	caps_parse(&caps, STR("IMAP4rev2"));
	for (size_t i = 0; i < ARRAY_LEN(in); i++)
		assert_true(caps_have(&caps, in[i]));
	for (size_t i = 0; i < ARRAY_LEN(out); i++)
		assert_false(caps_have(&caps, out[i]));
}

static void
qresync_implies_condstore(void **state)
{
	struct imap_caps caps;

	(void)state;
	caps_parse(&caps, STR("IMAP4rev1 QRESYNC"));
	assert_true(caps_have(&caps, CAP_CONDSTORE));
}

static void
x_guid_cannot_be_announced(void **state)
{
	struct imap_caps caps;

	(void)state;
	caps_parse(&caps, STR("X-GUID"));
	assert_false(caps_have(&caps, CAP_XGUID));
}

static void
mechanisms_are_upper_case_and_few(void **state)
{
	char list[1024] = "";
	struct imap_caps caps;

	(void)state;
	caps_parse(&caps, STR("auth=plain AUTH=SCRAM-SHA-256-PLUS AUTH=PLAIN "
	    "AUTH= AUTH=A-NAME-THAT-IS-MUCH-TOO-LONG AUTH=\xff"));
	assert_int_equal(caps.sasl.n, 2);
	assert_string_equal(caps.sasl.v[0], "PLAIN");
	assert_string_equal(caps.sasl.v[1], "SCRAM-SHA-256-PLUS");
	assert_true(sasl_names_have(&caps.sasl, "scram-sha-256-plus"));
	assert_false(sasl_names_have(&caps.sasl, "SCRAM-SHA-256"));
	for (int i = 0; i < 50; i++) {
		char mech[] = "AUTH=X00 ";

		mech[6] = (char)('0' + i / 10);
		mech[7] = (char)('0' + i % 10);
		strcat(list, mech);
	}
	caps_parse(&caps, str_z(list));
	assert_int_equal(caps.sasl.n, SASL_MECHS_MAX);
}

static void
append_limit_is_read(void **state)
{
	static const struct {
		const char	*list;
		uint64_t	 limit;
	} rows[] = {
		{ "APPENDLIMIT=35651584", 35651584 },
		{ "APPENDLIMIT", 0 },
		{ "APPENDLIMIT=", 0 },
		{ "APPENDLIMIT=99999999999999999999", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct imap_caps caps;

		caps_parse(&caps, str_z(rows[i].list));
		assert_true(caps_have(&caps, CAP_APPENDLIMIT));
		assert_int_equal(caps.append_limit, rows[i].limit);
	}
}

static void
message_limit_is_read(void **state)
{
	static const struct {
		const char	*list;
		uint32_t	 limit;
	} rows[] = {
		{ "MESSAGELIMIT=1000", 1000 },
		{ "MESSAGELIMIT", 0 },
		{ "MESSAGELIMIT=0", 0 },
		{ "MESSAGELIMIT=4294967296", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct imap_caps caps;

		caps_parse(&caps, str_z(rows[i].list));
		assert_true(caps_have(&caps, CAP_MESSAGELIMIT));
		assert_int_equal(caps.message_limit, rows[i].limit);
	}
}

static void
every_capability_has_a_name_to_forbid_it_by(void **state)
{
	(void)state;
	for (int i = 0; i < CAP_N; i++) {
		uint64_t forbidden = 0;

		assert_non_null(caps_name((enum imap_cap)i));
		assert_true(caps_forbid(&forbidden,
		    str_z(caps_name((enum imap_cap)i))));
		assert_int_equal(forbidden, (uint64_t)1 << i);
	}
}

static void
an_unknown_name_forbids_nothing(void **state)
{
	uint64_t forbidden = 4;

	(void)state;
	assert_false(caps_forbid(&forbidden, STR("NOSUCH")));
	assert_false(caps_forbid(&forbidden, STR("")));
	assert_int_equal(forbidden, 4);
	assert_true(caps_forbid(&forbidden, STR("x-guid")));
	assert_int_equal(forbidden, 4 | (uint64_t)1 << CAP_XGUID);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(announced_capabilities_are_had_in_any_case),
		cmocka_unit_test(a_new_list_replaces_the_old_one),
		cmocka_unit_test(rev2_brings_what_it_has_folded_in_and_no_more),
		cmocka_unit_test(qresync_implies_condstore),
		cmocka_unit_test(x_guid_cannot_be_announced),
		cmocka_unit_test(mechanisms_are_upper_case_and_few),
		cmocka_unit_test(append_limit_is_read),
		cmocka_unit_test(message_limit_is_read),
		cmocka_unit_test(every_capability_has_a_name_to_forbid_it_by),
		cmocka_unit_test(an_unknown_name_forbids_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
