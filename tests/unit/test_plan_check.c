/*
 * test_plan_check.c — what scripts may not do: each kind of op with what it needs
 * and without, and what becomes of the rest of a plan.
 */
#include "cmocka_all.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/attr.h"
#include "engine/plan.h"

#define ARGS_MAX	4

/* ---- the configuration --------------------------------------------------- */

static char *programs[] = { (char *)"notify-send" };
static char *places[] = { (char *)"/srv/saved", (char *)"/" };
static char *others[] = { (char *)"home" };

/* "all" is granted all of it, "none" nothing. */
static struct plugin_conf plugins[] = {
	{ .name = (char *)"all", .allow = { .exec = { programs, 1 },
	    .write = { places, 1 }, .accounts = { others, 1 }, .send = true,
	    .delete = true } },
	{ .name = (char *)"none" },
	{ .name = (char *)"root", .allow = { .write = { places + 1, 1 } } },
};
static const struct account_conf conf = { .plugin = plugins, .n_plugins = 3 };

/* ---- one op ---------------------------------------------------------------- */

/* What a plan of this op alone is told: NULL, nothing. */
static void
expect(const char *name, struct hook_op op, enum hook_kind kind,
    const char *want)
{
	struct hook_plan from = { .op = &op, .n_ops = 1 };
	struct plan p;
	bool good;

	plan_take(&p, &from);
	plan_check(&p, &conf, kind);
	good = want == NULL ? p.n_faults == 0 && p.op[0].lost.n == 0 :
	    p.n_faults == 1 && strstr(p.fault[0].text.p, want) != NULL &&
	    p.op[0].lost.n > 0;
	if (!good)
		fail_msg("%s: %s, wanted %s", name, p.n_faults > 0 ?
		    p.fault[0].text.p : "taken", want);
	plan_clear(&p);
}

#define MAILBOX	"a mailbox that cannot be one"
#define GRANT(what) "not granted: allow: {" what
#define MSG	7

struct row {
	const char		*name;
	enum hook_op_kind	 op;
	int64_t			 msg;
	const char		*arg[ARGS_MAX];	/* up to the first NULL */
	const char		*both, *all, *none;	/* what they hear; NULL: nothing */
	uint32_t		 sys;
	bool			 whole;
	enum hook_kind		 kind;		/* 0: HOOK_INCOMING */
};

static const struct row table[] = {
	{ "move", OPK_MOVE, MSG, .arg = { "Lists/x" } },
	{ "move nothing", OPK_MOVE, 0, .arg = { "Lists" }, .both = MAILBOX },
	{ "move nowhere", OPK_MOVE, MSG, .arg = { NULL }, .both = MAILBOX },
	{ "move to two", OPK_MOVE, MSG, .arg = { "a", "b" }, .both = MAILBOX },
	{ "move out of the tree", OPK_MOVE, MSG, .arg = { "../x" },
	    .both = MAILBOX },
	{ "move to a hidden one", OPK_MOVE, MSG, .arg = { "a/.b" },
	    .both = MAILBOX },
	{ "move to an absolute one", OPK_MOVE, MSG, .arg = { "/a" },
	    .both = MAILBOX },
	{ "move to two lines", OPK_MOVE, MSG, .arg = { "a\nb" }, .both = MAILBOX },
	{ "move to DEL", OPK_MOVE, MSG, .arg = { "a\x7f" }, .both = MAILBOX },
	{ "copy", OPK_COPY, MSG, .arg = { "Lists" } },
	{ "copy out of the tree", OPK_COPY, MSG, .arg = { "a/../../b" },
	    .both = MAILBOX },
	{ "archive by role", OPK_ARCHIVE, MSG, .arg = { NULL } },
	{ "archive", OPK_ARCHIVE, MSG, .arg = { "Archive/2024" } },
	{ "archive out of the tree", OPK_ARCHIVE, MSG, .arg = { ".." },
	    .both = MAILBOX },
	{ "another account", OPK_ACROSS, MSG, .arg = { "INBOX", "home" },
	    .none = GRANT("accounts") },
	{ "another account, moved", OPK_ACROSS, MSG,
	    .arg = { "INBOX", "home", "move" }, .none = GRANT("accounts") },
	{ "an account that is not granted", OPK_ACROSS, MSG,
	    .arg = { "INBOX", "work" }, .both = GRANT("accounts") },
	{ "no account", OPK_ACROSS, MSG, .arg = { "INBOX" }, .both = MAILBOX },
	{ "another account's parent", OPK_ACROSS, MSG, .arg = { "..", "home" },
	    .both = MAILBOX },
	{ "nothing to another account", OPK_ACROSS, 0, .arg = { "INBOX", "home" },
	    .both = MAILBOX },
	{ "tag", OPK_TAG, MSG, .arg = { "todo", "$Work" } },
	{ "tag with two words", OPK_TAG, MSG, .arg = { "to do" },
	    .both = "a keyword" },
	{ "tag with nothing", OPK_TAG, MSG, .arg = { NULL }, .both = "a keyword" },
	{ "untag", OPK_UNTAG, MSG, .arg = { "todo" } },
	{ "untag with a flag", OPK_UNTAG, MSG, .arg = { "\\Seen" },
	    .both = "a keyword" },
	{ "flag", OPK_FLAG, MSG, .arg = { NULL }, .sys = FLAG_SEEN },
	{ "flag of no kind", OPK_FLAG, MSG, .arg = { NULL }, .both = "a flag",
	    .sys = 1u << 31 },
	{ "unflag no message", OPK_UNFLAG, 0, .arg = { NULL }, .both = "a flag",
	    .sys = FLAG_SEEN },
	{ "trash", OPK_TRASH, MSG, .arg = { NULL } },
	{ "trash nothing", OPK_TRASH, 0, .arg = { NULL }, .both = "no message" },
	{ "keep", OPK_KEEP, MSG, .arg = { "yes" } },
	{ "keep what", OPK_KEEP, MSG, .arg = { NULL }, .both = "no message" },
	{ "skip", OPK_SKIP, MSG, .arg = { NULL }, .kind = HOOK_OFFERED },
	{ "skip what is here", OPK_SKIP, MSG, .arg = { NULL },
	    .both = "nothing to skip" },
	{ "delete", OPK_DELETE, MSG, .arg = { NULL }, .none = GRANT("delete") },
	{ "delete nothing", OPK_DELETE, 0, .arg = { NULL }, .both = "no message" },
	{ "run", OPK_RUN, 0, .arg = { "notify-send", "x" }, .none = GRANT("exec") },
	{ "run another program", OPK_RUN, 0, .arg = { "sh" },
	    .both = GRANT("exec") },
	{ "run nothing", OPK_RUN, 0, .arg = { NULL }, .both = GRANT("exec") },
	{ "send", OPK_SEND, MSG, .arg = { "ann@example.org" },
	    .none = GRANT("send"), .whole = true },
	{ "send no bytes", OPK_SEND, MSG, .arg = { "ann@example.org" },
	    .both = GRANT("send") },
	{ "save", OPK_SAVE, MSG, .arg = { "/srv/saved/a/b.eml" },
	    .none = GRANT("write"), .whole = true },
	{ "save no bytes", OPK_SAVE, MSG, .arg = { "/srv/saved/a" },
	    .both = GRANT("write") },
	{ "save beside it", OPK_SAVE, MSG, .arg = { "/srv/saved-not/a" },
	    .both = GRANT("write"), .whole = true },
	{ "save over it", OPK_SAVE, MSG, .arg = { "/srv/saved" },
	    .both = GRANT("write"), .whole = true },
	{ "save out of it", OPK_SAVE, MSG, .arg = { "/srv/saved/../x" },
	    .both = GRANT("write"), .whole = true },
	{ "save somewhere", OPK_SAVE, MSG, .arg = { "saved/x" },
	    .both = GRANT("write"), .whole = true },
	{ "hold what was made here", OPK_HOLD, MSG, .arg = { "why" },
	    .kind = HOOK_CREATED },
	{ "hold deletions", OPK_HOLD, 0, .arg = { "why" }, .kind = HOOK_REMOVING },
	{ "hold what arrives", OPK_HOLD, MSG, .arg = { "why" },
	    .both = "nothing to hold" },
	{ "make a mailbox", OPK_MAILBOX, 0, .arg = { "create", "a" } },
	{ "rename a mailbox", OPK_MAILBOX, 0, .arg = { "rename", "a", "b" } },
	{ "remove a mailbox", OPK_MAILBOX, 0, .arg = { "remove", "a" },
	    .none = MAILBOX },
	{ "rename it to nothing", OPK_MAILBOX, 0, .arg = { "rename", "a" },
	    .both = MAILBOX },
	{ "rename it out of the tree", OPK_MAILBOX, 0,
	    .arg = { "rename", "a", "../b" }, .both = MAILBOX },
	{ "a mailbox without a verb", OPK_MAILBOX, 0, .arg = { "create" },
	    .both = MAILBOX },
	{ "append no bytes", OPK_APPEND, 0, .arg = { "a" },
	    .both = MAILBOX ", or no bytes" },
	{ "stop", OPK_STOP, MSG, .arg = { NULL } },
	{ "no such op", OPK_KINDS, MSG, .arg = { NULL }, .both = "does not exist" },

	/* Moments at which there is less to ask for. */
	{ "offered, kept", OPK_KEEP, MSG, .arg = { "yes" }, .kind = HOOK_OFFERED },
	{ "offered, deleted", OPK_DELETE, MSG, .arg = { NULL },
	    .none = GRANT("delete"), .kind = HOOK_OFFERED },
	{ "offered, moved", OPK_MOVE, MSG, .arg = { "a" },
	    .both = "before the message is here", .kind = HOOK_OFFERED },
	{ "offered, a program", OPK_RUN, 0, .arg = { "notify-send" },
	    .none = GRANT("exec"), .kind = HOOK_OFFERED },
	{ "made here, moved", OPK_MOVE, MSG, .arg = { "a" }, .kind = HOOK_CREATED },
	{ "made here, a program", OPK_RUN, 0, .arg = { "notify-send" },
	    .both = "before the server has the message", .kind = HOOK_CREATED },
};

static void
each_op_needs_what_it_needs(void **state)
{
	struct str arg[ARGS_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const struct row *r = &table[i];
		struct hook_op op = { .kind = r->op, .msg = r->msg, .arg = arg,
		    .sys = r->sys, .fd = -1, .whole = r->whole };

		while (op.n_args < ARGS_MAX && r->arg[op.n_args] != NULL) {
			arg[op.n_args] = str_z(r->arg[op.n_args]);
			op.n_args++;
		}
		op.plugin = STR("all");
		expect(r->name, op, r->kind, r->both ? r->both : r->all);
		op.plugin = STR("none");
		expect(r->name, op, r->kind, r->both ? r->both : r->none);
	}
}

static void
bytes_of_a_script_are_appended_where_a_mailbox_can_be(void **state)
{
	struct str inbox = STR("INBOX"), out = STR("../x");
	struct hook_op op = { .kind = OPK_APPEND, .plugin = STR("all"),
	    .arg = &inbox, .n_args = 1 };

	(void)state;
	op.fd = dup(0);
	expect("append", op, HOOK_INCOMING, NULL);
	op.arg = &out;
	op.fd = dup(0);
	expect("append out of the tree", op, HOOK_INCOMING, MAILBOX);
	/* In the place of a message, which goes. */
	op.msg = MSG;
	op.n_args = 0;
	op.fd = dup(0);
	expect("replace", op, HOOK_INCOMING, NULL);
	op.plugin = STR("none");
	op.fd = dup(0);
	expect("replace, not granted", op, HOOK_INCOMING, GRANT("delete"));
}

static void
a_nul_in_a_path_ends_nothing(void **state)
{
	struct str path = STR("/srv/saved/a\0/../../x");
	struct hook_op op = { .kind = OPK_SAVE, .plugin = STR("all"), .msg = MSG,
	    .arg = &path, .n_args = 1, .fd = -1, .whole = true };

	(void)state;
	expect("NUL", op, HOOK_INCOMING, GRANT("write"));
}

static void
the_root_is_above_all(void **state)
{
	struct str path = STR("/etc/x");
	struct hook_op op = { .kind = OPK_SAVE, .plugin = STR("root"),
	    .msg = MSG, .arg = &path, .n_args = 1, .fd = -1, .whole = true };

	(void)state;
	expect("allow: {write: [/]}", op, HOOK_INCOMING, NULL);
}

static void
what_is_too_long_is_nothing(void **state)
{
	static char text[HOOK_TEXT_MAX + 1], name[PLAN_MAILBOX_MAX + 1];
	struct str arg = { text, sizeof(text) }, many[HOOK_ARGS_MAX + 1];
	struct hook_op op = { .kind = OPK_RUN, .plugin = STR("all"), .arg = &arg,
	    .n_args = 1, .fd = -1 };

	(void)state;
	memset(text, 'x', sizeof(text));
	memset(name, 'x', sizeof(name));
	expect("a text", op, HOOK_INCOMING, "too long");
	op.kind = OPK_MOVE;
	op.msg = MSG;
	arg = (struct str){ name, sizeof(name) - 1 };
	expect("the longest name", op, HOOK_INCOMING, NULL);
	arg.n++;
	expect("a longer name", op, HOOK_INCOMING, MAILBOX);
	for (size_t i = 0; i < ARRAY_LEN(many); i++)
		many[i] = STR("notify-send");
	op = (struct hook_op){ .kind = OPK_RUN, .plugin = STR("all"),
	    .arg = many, .n_args = HOOK_ARGS_MAX, .fd = -1 };
	expect("as many arguments as can be", op, HOOK_INCOMING, NULL);
	op.n_args++;
	expect("one more", op, HOOK_INCOMING, "does not exist");
}

/* ---- a plan ------------------------------------------------------------------ */

static void
one_fault_of_a_plugin_is_the_end_of_all_that_it_wants(void **state)
{
	struct str lists = STR("Lists"), key = STR("k"), sh = STR("sh");
	struct hook_op op[] = {
		{ .kind = OPK_MOVE, .plugin = STR("none"), .msg = 1,
		    .arg = &lists, .n_args = 1, .fd = -1 },
		{ .kind = OPK_TRASH, .plugin = STR("all"), .msg = 1, .fd = -1 },
		{ .kind = OPK_RUN, .plugin = STR("none"), .arg = &sh, .n_args = 1,
		    .fd = -1, .where = STR("none.lua:3") },
		{ .kind = OPK_DELETE, .plugin = STR("none"), .msg = 1, .fd = -1 },
	};
	struct hook_kv kv[] = {
		{ .plugin = STR("none"), .key = key },
		{ .plugin = STR("all"), .key = key },
	};
	struct hook_plan from = { .op = op, .n_ops = 4, .kv = kv, .n_kv = 2 };
	struct plan p;

	(void)state;
	plan_take(&p, &from);
	plan_check(&p, &conf, HOOK_INCOMING);
	assert_int_equal(p.n_faults, 1);
	assert_true(str_eq(p.fault[0].plugin, STR("none")));
	assert_true(str_eq(p.fault[0].where, STR("none.lua:3")));
	assert_false(plan_op_counts(&p.op[0]));
	assert_true(plan_op_counts(&p.op[1]));
	assert_false(plan_op_counts(&p.op[2]));
	assert_false(plan_op_counts(&p.op[3]));
	assert_int_equal(p.n_kv, 1);
	assert_true(str_eq(p.kv[0].plugin, STR("all")));
	plan_clear(&p);
}

static void
a_plugin_that_nobody_configured_writes_nothing(void **state)
{
	struct hook_op op = { .kind = OPK_TRASH, .plugin = STR("x"), .msg = 1,
	    .fd = -1 };
	struct hook_kv kv = { .plugin = STR("x"), .key = STR("k") };
	struct hook_plan from = { .kv = &kv, .n_kv = 1 };
	struct plan p;

	(void)state;
	expect("x", op, HOOK_INCOMING, "no such plugin");
	plan_take(&p, &from);
	plan_check(&p, &conf, HOOK_INCOMING);
	assert_int_equal(p.n_kv, 0);
	plan_clear(&p);
}

/* ${n} times the same; how many of them still count? */
static size_t
left_of(size_t n, struct hook_op op, enum hook_kind kind)
{
	struct hook_op *v = calloc(n, sizeof(*v));
	struct hook_plan from = { .op = v, .n_ops = n };
	size_t left = 0;
	struct plan p;

	assert_non_null(v);
	for (size_t i = 0; i < n; i++)
		v[i] = op;
	plan_take(&p, &from);
	plan_check(&p, &conf, kind);
	for (size_t i = 0; i < n; i++)
		left += plan_op_counts(&p.op[i]);
	plan_clear(&p);
	free(v);
	return left;
}

static void
more_than_a_script_can_have_asked_for_is_not_believed(void **state)
{
	struct hook_op op = { .kind = OPK_TRASH, .plugin = STR("all"), .msg = 1,
	    .fd = -1 };
	struct str name = STR("notify-send");

	(void)state;
	assert_int_equal(left_of(HOOK_OPS_MAX, op, HOOK_INCOMING), HOOK_OPS_MAX);
	assert_int_equal(left_of(HOOK_OPS_MAX + 1, op, HOOK_INCOMING), 0);
	/* A timer may look at all mail there is. */
	assert_int_equal(left_of(1000, op, HOOK_TIMER), 1000);
	assert_int_equal(left_of(20001, op, HOOK_TIMER), 0);
	op = (struct hook_op){ .kind = OPK_RUN, .plugin = STR("all"),
	    .arg = &name, .n_args = 1, .fd = -1 };
	assert_int_equal(left_of(HOOK_OPS_MAX + 1, op, HOOK_INCOMING),
	    HOOK_OPS_MAX + 1);
}

static void
what_another_plugin_did_first_is_only_shown(void **state)
{
	struct hook_op op = { .kind = OPK_DELETE, .plugin = STR("none"),
	    .msg = 1, .lost = STR("already filed"), .fd = -1 };
	struct hook_plan from = { .op = &op, .n_ops = 1 };
	struct plan p;

	(void)state;
	plan_take(&p, &from);
	plan_check(&p, &conf, HOOK_INCOMING);
	assert_int_equal(p.n_faults, 0);
	assert_true(str_eq(p.op[0].lost, STR("already filed")));
	plan_clear(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_op_needs_what_it_needs),
		cmocka_unit_test(
		    bytes_of_a_script_are_appended_where_a_mailbox_can_be),
		cmocka_unit_test(a_nul_in_a_path_ends_nothing),
		cmocka_unit_test(the_root_is_above_all),
		cmocka_unit_test(what_is_too_long_is_nothing),
		cmocka_unit_test(
		    one_fault_of_a_plugin_is_the_end_of_all_that_it_wants),
		cmocka_unit_test(a_plugin_that_nobody_configured_writes_nothing),
		cmocka_unit_test(
		    more_than_a_script_can_have_asked_for_is_not_believed),
		cmocka_unit_test(what_another_plugin_did_first_is_only_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
