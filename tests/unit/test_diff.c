/*
 * test_diff.c — the decision, for every input there is: two flags, all of the
 * base, both sides, all policies; and the conflict table, row by row.
 */
#include "cmocka_all.h"

#include <stdio.h>

#include "base/attr.h"
#include "engine/diff.h"

/* Two flags are all that it takes: one of each kind. */
static struct flags
two(unsigned bits)
{
	return (struct flags){ bits & 1 ? FLAG_SEEN : 0, bits >> 1 & 1 };
}

static const struct policy two_way = { POLICY_ALL, POLICY_ALL, false };

static bool
has_delete(unsigned ops)
{
	return ops & (OP_DELETE_LOCAL | OP_DELETE_REMOTE);
}

/* ---- every input ------------------------------------------------------ */

struct input {
	struct diff_in		in;
	struct policy		policy;
	enum conf_conflict	conflict;
};

/* The world that an input describes, and what is left after its ops. */
struct model {
	enum known	base;
	struct flags	base_flags;
	bool		remote, local;
	struct flags	remote_flags, local_flags;
};

static void
fail_input(const struct input *x, const struct diff_out *out, const char *what)
{
	const struct diff_in *in = &x->in;

	fail_msg("%s: base=%d %x/%x remote=%d %x/%x local=%d %x/%x pull=%u "
	    "push=%u conflict=%d -> ops=%x flags=%x/%x (%s)", what, in->base,
	    in->base_flags.sys, (unsigned)in->base_flags.kw, in->remote,
	    in->remote_flags.sys, (unsigned)in->remote_flags.kw, in->local,
	    in->local_flags.sys, (unsigned)in->local_flags.kw, x->policy.pull,
	    x->policy.push, x->conflict, out->ops, out->flags.sys,
	    (unsigned)out->flags.kw, out->reason != NULL ? out->reason : "");
}

/* A side without a row is there or not; there is nothing to be gone.  The file of
 * a row whose server renumbered may be, until it is paired by its content. */
static bool
makes_sense(const struct diff_in *in)
{
	bool here = in->base == KNOWN_BOTH || in->base == KNOWN_LOCAL_ONLY;
	bool there = in->base == KNOWN_BOTH || in->base == KNOWN_REMOTE_ONLY;

	if (!here && (in->local == SIDE_GONE || in->local == SIDE_REPLACED) &&
	    (in->base != KNOWN_NOT || in->remote == SIDE_PRESENT))
		return false;
	if (!there && in->remote == SIDE_GONE)
		return false;
	/* A row of one side is paired with the other before it gets here. */
	if (in->base == KNOWN_REMOTE_ONLY && in->local == SIDE_PRESENT)
		return false;
	return in->base != KNOWN_LOCAL_ONLY || in->remote != SIDE_PRESENT;
}

typedef void visitor(const struct input *);

static void
each_side(struct input *x, visitor *visit)
{
	static const struct {
		enum presence	p;
		unsigned	flags;
	} side[] = {
		{ SIDE_SAME, 0 }, { SIDE_PRESENT, 0 }, { SIDE_PRESENT, 1 },
		{ SIDE_PRESENT, 2 }, { SIDE_PRESENT, 3 }, { SIDE_GONE, 0 },
		{ SIDE_REPLACED, 0 }, { SIDE_REPLACED, 1 }, { SIDE_REPLACED, 3 },
	};

	for (size_t r = 0; r < 6; r++)
		for (size_t l = 0; l < ARRAY_LEN(side); l++) {
			x->in.remote = side[r].p;
			x->in.remote_flags = two(side[r].flags);
			x->in.local = side[l].p;
			x->in.local_flags = two(side[l].flags);
			if (makes_sense(&x->in))
				visit(x);
		}
}

static void
each_input(visitor *visit)
{
	static const enum known bases[] = { KNOWN_NOT, KNOWN_BOTH,
	    KNOWN_REMOTE_ONLY, KNOWN_LOCAL_ONLY };
	static const enum conf_conflict conflicts[] = { CONFLICT_MERGE,
	    CONFLICT_REMOTE, CONFLICT_LOCAL };
	struct input x = { 0 };

	for (size_t b = 0; b < ARRAY_LEN(bases) * 4; b++)
		for (unsigned p = 0; p < 128; p++)
			for (size_t c = 0; c < ARRAY_LEN(conflicts); c++) {
				x.in.base = bases[b / 4];
				x.in.base_flags = x.in.base == KNOWN_NOT ?
				    two(0) : two((unsigned)b % 4);
				x.policy.pull = p & 7;
				x.policy.push = p >> 3 & 7;
				x.policy.readonly = p >> 6;
				x.conflict = conflicts[c];
				each_side(&x, visit);
			}
}

static struct model
model_of(const struct diff_in *in)
{
	bool here = in->base == KNOWN_BOTH || in->base == KNOWN_LOCAL_ONLY;
	bool there = in->base == KNOWN_BOTH || in->base == KNOWN_REMOTE_ONLY;
	struct model m = { .base = in->base, .base_flags = in->base_flags };

	m.remote = in->remote == SIDE_PRESENT ||
	    (in->remote == SIDE_SAME && there);
	m.local = in->local == SIDE_PRESENT || in->local == SIDE_REPLACED ||
	    (in->local == SIDE_SAME && here);
	m.remote_flags = in->remote == SIDE_PRESENT ? in->remote_flags :
	    in->base_flags;
	m.local_flags = in->local == SIDE_PRESENT ||
	    in->local == SIDE_REPLACED ? in->local_flags : in->base_flags;
	return m;
}

static struct flags
delta(struct flags f, struct flags add, struct flags del)
{
	return (struct flags){ (f.sys | add.sys) & ~del.sys,
	    (f.kw | add.kw) & ~del.kw };
}

static void
agree_on(struct model *m, struct flags flags)
{
	if (m->base == KNOWN_NOT)
		m->base = KNOWN_BOTH;
	m->base_flags = flags;
}

static void
apply_flags(struct model *m, const struct diff_out *out)
{
	if (out->ops & OP_FLAGS_LOCAL)
		m->local_flags = out->local;
	if (out->ops & OP_FLAGS_REMOTE)
		m->remote_flags = delta(m->remote_flags, out->add, out->del);
	if (out->ops & (OP_FLAGS_LOCAL | OP_FLAGS_REMOTE | OP_AGREE))
		agree_on(m, out->flags);
}

static struct model
applied(struct model m, const struct diff_out *out)
{
	apply_flags(&m, out);
	if (out->ops & OP_DOWNLOAD) {
		m.local = true;
		m.local_flags = m.base_flags = m.remote_flags;
		m.base = KNOWN_BOTH;
	}
	/* Of a replaced version that stays, this follows the new one. */
	if (out->ops & (OP_UPLOAD | OP_REPLACE)) {
		m.remote = true;
		m.remote_flags = m.base_flags = m.local_flags;
		m.base = KNOWN_BOTH;
	} else if (out->ops & (OP_KEEP_REMOTE | OP_KEEP_LOCAL)) {
		m.base = out->ops & OP_KEEP_REMOTE ? KNOWN_REMOTE_ONLY :
		    KNOWN_LOCAL_ONLY;
		m.base_flags = out->flags;
	}
	if (out->ops & OP_DELETE_LOCAL)
		m.local = false;
	if (out->ops & OP_DELETE_REMOTE)
		m.remote = false;
	if (has_delete(out->ops) || (out->ops & OP_FORGET))
		m.base = KNOWN_NOT;
	return m;
}

static enum presence
presence(const struct model *m, bool is_there, enum known only)
{
	if (is_there && (m->base == KNOWN_BOTH || m->base == KNOWN_NOT ||
	    m->base == only))
		return SIDE_PRESENT;
	return !is_there && (m->base == KNOWN_BOTH || m->base == only) ?
	    SIDE_GONE : SIDE_SAME;
}

/* What a full look at both sides gives the next time. */
static struct diff_in
look_again(const struct model *m)
{
	return (struct diff_in){
		.base = m->base,
		.base_flags = m->base == KNOWN_NOT ? two(0) : m->base_flags,
		.remote = presence(m, m->remote, KNOWN_REMOTE_ONLY),
		.local = presence(m, m->local, KNOWN_LOCAL_ONLY),
		.remote_flags = m->remote_flags,
		.local_flags = m->local_flags,
	};
}

/* ---- what holds for every input --------------------------------------- */

static struct diff_out
decide(const struct input *x)
{
	return diff_message(&x->in, &x->policy, x->conflict);
}

static void
check_deletions(const struct input *x)
{
	struct diff_out out = decide(x);

	if ((out.ops & OP_DELETE_LOCAL) && (x->in.base != KNOWN_BOTH ||
	    x->in.remote != SIDE_GONE || !(x->policy.pull & POLICY_DELETE)))
		fail_input(x, &out, "deletes here without being told to");
	if ((out.ops & OP_DELETE_LOCAL) && x->in.local == SIDE_REPLACED)
		fail_input(x, &out, "deletes what the server never had");
	if ((out.ops & OP_DELETE_REMOTE) && (x->in.base != KNOWN_BOTH ||
	    x->in.local != SIDE_GONE || !(x->policy.push & POLICY_DELETE)))
		fail_input(x, &out, "deletes there without being told to");
	if ((out.ops & OP_REPLACE) && !(out.ops & OP_KEEP_REMOTE) &&
	    !(x->policy.push & POLICY_DELETE))
		fail_input(x, &out, "replaces what may not be deleted");
}

static void
nothing_is_deleted_that_nobody_deleted(void **state)
{
	(void)state;
	each_input(check_deletions);
}

static void
check_direction(const struct input *x)
{
	static const struct {
		unsigned op, pull, push;
	} need[] = {
		{ OP_DOWNLOAD, POLICY_NEW, 0 },
		{ OP_FLAGS_LOCAL, POLICY_FLAGS, 0 },
		{ OP_DELETE_LOCAL, POLICY_DELETE, 0 },
		{ OP_UPLOAD, 0, POLICY_NEW },
		{ OP_REPLACE, 0, POLICY_NEW },
		{ OP_FLAGS_REMOTE, 0, POLICY_FLAGS },
		{ OP_DELETE_REMOTE, 0, POLICY_DELETE },
	};
	struct diff_out out = decide(x);

	for (size_t i = 0; i < ARRAY_LEN(need); i++)
		if ((out.ops & need[i].op) &&
		    ((need[i].pull & ~x->policy.pull) ||
		    (need[i].push & ~x->policy.push)))
			fail_input(x, &out, "against the policy");
}

static void
nothing_goes_where_policy_does_not_let_it(void **state)
{
	(void)state;
	each_input(check_direction);
}

static void
check_reason(const struct input *x)
{
	struct diff_out out = decide(x);

	if ((out.ops != 0) != (out.reason != NULL && out.reason[0] != '\0'))
		fail_input(x, &out, "an op without a reason, or a reason alone");
}

static void
every_op_has_its_reason(void **state)
{
	(void)state;
	each_input(check_reason);
}

static void
check_convergence(const struct input *x)
{
	struct diff_out out = decide(x), next;
	struct model m = model_of(&x->in), after = applied(m, &out);
	struct input again = *x;

	/* A replaced file that stays unsent is seen once, then it is the
	 * file that is there. */
	again.in = look_again(&after);
	next = decide(&again);
	if (next.ops != 0) {
		fprintf(stderr, "second: ops=%x (%s)\n", next.ops, next.reason);
		fail_input(x, &out, "does not converge");
	}
	again.in.remote = again.in.local = SIDE_SAME;
	next = decide(&again);
	if (next.ops != 0)
		fail_input(x, &out, "acts where nothing changed");
	if (x->policy.pull == POLICY_ALL && x->policy.push == POLICY_ALL &&
	    after.base == KNOWN_BOTH &&
	    (!flags_eq(after.remote_flags, after.local_flags) ||
	    !flags_eq(after.remote_flags, after.base_flags)))
		fail_input(x, &out, "leaves the sides unequal");
	if (x->policy.pull == POLICY_ALL && x->policy.push == POLICY_ALL &&
	    (x->in.base == KNOWN_NOT || x->in.base == KNOWN_BOTH) &&
	    after.remote != after.local)
		fail_input(x, &out, "leaves it on one side");
}

static void
one_application_settles_it(void **state)
{
	(void)state;
	each_input(check_convergence);
}

static unsigned
mirrored(unsigned ops)
{
	static const unsigned pair[][2] = {
		{ OP_DOWNLOAD, OP_UPLOAD },
		{ OP_FLAGS_LOCAL, OP_FLAGS_REMOTE },
		{ OP_DELETE_LOCAL, OP_DELETE_REMOTE },
		{ OP_KEEP_LOCAL, OP_KEEP_REMOTE },
	};
	unsigned out = ops & (OP_FORGET | OP_AGREE);

	for (size_t i = 0; i < ARRAY_LEN(pair); i++)
		out |= (ops & pair[i][0] ? pair[i][1] : 0) |
		    (ops & pair[i][1] ? pair[i][0] : 0);
	return out;
}

static void
check_symmetry(const struct input *x)
{
	static const enum known base[] = {
		[KNOWN_NOT] = KNOWN_NOT, [KNOWN_BOTH] = KNOWN_BOTH,
		[KNOWN_REMOTE_ONLY] = KNOWN_LOCAL_ONLY,
		[KNOWN_LOCAL_ONLY] = KNOWN_REMOTE_ONLY,
	};
	static const enum conf_conflict conflict[] = {
		[CONFLICT_MERGE] = CONFLICT_MERGE,
		[CONFLICT_REMOTE] = CONFLICT_LOCAL,
		[CONFLICT_LOCAL] = CONFLICT_REMOTE,
	};
	struct input y = { .conflict = conflict[x->conflict],
	    .policy = { x->policy.push, x->policy.pull, false },
	    .in = { .base = base[x->in.base], .base_flags = x->in.base_flags,
	    .remote = x->in.local, .local = x->in.remote,
	    .remote_flags = x->in.local_flags,
	    .local_flags = x->in.remote_flags } };
	struct diff_out out = decide(x), other;
	struct model a, b;

	/* Only a file can get other bytes under its name, or be of a row that
	 * the server renumbered; and only a server is a backup's original. */
	if (x->in.local == SIDE_REPLACED || x->policy.readonly ||
	    (x->in.base == KNOWN_NOT && x->in.local == SIDE_GONE))
		return;
	other = decide(&y);
	a = applied(model_of(&x->in), &out);
	b = applied(model_of(&y.in), &other);
	if (mirrored(out.ops) != other.ops || a.remote != b.local ||
	    a.local != b.remote || (a.remote &&
	    !flags_eq(a.remote_flags, b.local_flags)) || (a.local &&
	    !flags_eq(a.local_flags, b.remote_flags)))
		fail_input(x, &out, "depends on which side is which");
}

static void
both_sides_are_treated_alike(void **state)
{
	(void)state;
	each_input(check_symmetry);
}

/* Only with flags to compare: both there, and one known state before. */
static void
check_merge(const struct input *x)
{
	struct diff_out out = decide(x);
	struct model m = model_of(&x->in), after = applied(m, &out);
	bool pull = x->policy.pull & POLICY_FLAGS;
	bool push = x->policy.push & POLICY_FLAGS;

	if (x->in.base != KNOWN_BOTH || !m.remote || !m.local ||
	    x->conflict != CONFLICT_MERGE)
		return;
	for (unsigned k = 0; k < 2; k++) {
		struct flags bit = two(1 << k), was = flags_minus(m.base_flags,
		    flags_minus(two(3), bit));
		struct flags there = flags_minus(m.remote_flags,
		    flags_minus(two(3), bit));
		struct flags here = flags_minus(m.local_flags,
		    flags_minus(two(3), bit));
		struct flags want_here = pull && !flags_eq(there, was) ?
		    there : here;
		struct flags want_there = push && !flags_eq(here, was) ?
		    here : there;

		/* A new version has there what it has here. */
		if (out.ops & OP_REPLACE)
			want_there = want_here;
		if (!flags_eq(flags_minus(after.local_flags,
		    flags_minus(two(3), bit)), want_here) ||
		    !flags_eq(flags_minus(after.remote_flags,
		    flags_minus(two(3), bit)), want_there))
			fail_input(x, &out, "a flag that nobody wrote changed, "
			    "or one that was written is lost");
	}
}

static void
a_flag_changes_only_where_the_other_side_wrote_it(void **state)
{
	(void)state;
	each_input(check_merge);
}

/* ---- the conflict table ----------------------------------------------- */

#define S	FLAG_SEEN
#define F	FLAG_FLAGGED
#define BOTH	KNOWN_BOTH
#define FAR	KNOWN_REMOTE_ONLY
#define NEAR	KNOWN_LOCAL_ONLY

enum preset { TWO_WAY, PULL, BACKUP, ARCHIVE, PUSH, NONE };

static const struct policy presets[] = {
	[TWO_WAY] = { POLICY_ALL, POLICY_ALL, false },
	[PULL] = { POLICY_ALL, 0, false },
	[BACKUP] = { POLICY_NEW | POLICY_FLAGS, 0, true },
	[ARCHIVE] = { POLICY_NEW | POLICY_FLAGS, POLICY_NEW | POLICY_FLAGS,
	    false },
	[PUSH] = { 0, POLICY_ALL, false },
	[NONE] = { 0, 0, false },
};

struct side {
	enum presence	p;
	uint32_t	sys;
};

#define SAME		{ SIDE_SAME, 0 }
#define GONE		{ SIDE_GONE, 0 }
#define HAS(f)		{ SIDE_PRESENT, f }
#define OTHER(f)	{ SIDE_REPLACED, f }

static const struct row {
	const char	*name;
	enum known	 base;
	uint32_t	 was;
	struct side	 remote, local;
	enum preset	 policy;
	unsigned	 ops;
	uint32_t	 flags;		/* if an op writes or agrees on them */
} table[] = {
	{ "nothing new", BOTH, S, SAME, SAME, TWO_WAY, 0, 0 },
	{ "as it was", BOTH, S, HAS(S), HAS(S), TWO_WAY, 0, 0 },
	{ "new there", KNOWN_NOT, 0, HAS(S), SAME, TWO_WAY, OP_DOWNLOAD, S },
	{ "new there, push only", KNOWN_NOT, 0, HAS(S), SAME, PUSH, 0, 0 },
	{ "new here", KNOWN_NOT, 0, SAME, HAS(F), TWO_WAY, OP_UPLOAD, F },
	{ "new here, pull only", KNOWN_NOT, 0, SAME, HAS(F), PULL, 0, 0 },
	{ "new here, backup", KNOWN_NOT, 0, SAME, HAS(F), BACKUP,
	    OP_KEEP_LOCAL, F },
	{ "renumbered, written again here", KNOWN_NOT, 0, SAME, OTHER(F),
	    TWO_WAY, OP_UPLOAD, F },
	{ "renumbered, written again here, pull only", KNOWN_NOT, 0, SAME,
	    OTHER(F), PULL, 0, 0 },
	{ "renumbered, written again here, backup", KNOWN_NOT, 0, SAME,
	    OTHER(F), BACKUP, OP_KEEP_LOCAL, F },
	{ "renumbered, gone here", KNOWN_NOT, S, SAME, GONE, TWO_WAY,
	    OP_FORGET, S },
	{ "same content on both", KNOWN_NOT, 0, HAS(S), HAS(S), TWO_WAY,
	    OP_AGREE, S },
	{ "same content, other flags", KNOWN_NOT, 0, HAS(S), HAS(F), TWO_WAY,
	    OP_FLAGS_LOCAL | OP_FLAGS_REMOTE, S | F },
	{ "same content, more flags there", KNOWN_NOT, 0, HAS(S), HAS(0),
	    TWO_WAY, OP_FLAGS_LOCAL, S },
	{ "same content, more flags here", KNOWN_NOT, 0, HAS(0), HAS(F),
	    TWO_WAY, OP_FLAGS_REMOTE, F },
	{ "same content, pull only", KNOWN_NOT, 0, HAS(S), HAS(F), PULL,
	    OP_FLAGS_LOCAL, S },
	{ "deleted there", BOTH, S, GONE, SAME, TWO_WAY, OP_DELETE_LOCAL, S },
	{ "deleted here", BOTH, S, SAME, GONE, TWO_WAY, OP_DELETE_REMOTE, S },
	{ "deleted there, flag here", BOTH, 0, GONE, HAS(S), TWO_WAY,
	    OP_DELETE_LOCAL, 0 },
	{ "deleted here, flag there", BOTH, 0, HAS(S), GONE, TWO_WAY,
	    OP_DELETE_REMOTE, 0 },
	{ "deleted on both", BOTH, S, GONE, GONE, TWO_WAY, OP_FORGET, S },
	{ "deleted on both, archive", BOTH, S, GONE, GONE, ARCHIVE,
	    OP_FORGET, S },
	{ "flag there", BOTH, 0, HAS(S), SAME, TWO_WAY, OP_FLAGS_LOCAL, S },
	{ "flag here", BOTH, 0, SAME, HAS(S), TWO_WAY, OP_FLAGS_REMOTE, S },
	{ "flag off there", BOTH, S | F, HAS(F), SAME, TWO_WAY,
	    OP_FLAGS_LOCAL, F },
	{ "flag off here", BOTH, S | F, SAME, HAS(F), TWO_WAY,
	    OP_FLAGS_REMOTE, F },
	{ "same flag on both", BOTH, 0, HAS(S), HAS(S), TWO_WAY, OP_AGREE, S },
	{ "flag off on both", BOTH, S, HAS(0), HAS(0), TWO_WAY, OP_AGREE, 0 },
	{ "other flag on each", BOTH, 0, HAS(S), HAS(F), TWO_WAY,
	    OP_FLAGS_LOCAL | OP_FLAGS_REMOTE, S | F },
	{ "one off there, one on here", BOTH, S, HAS(0), HAS(S | F), TWO_WAY,
	    OP_FLAGS_LOCAL | OP_FLAGS_REMOTE, F },
	{ "flag here, pull only", BOTH, 0, HAS(0), HAS(S), PULL, 0, 0 },
	{ "flag there, push only", BOTH, 0, HAS(S), HAS(0), PUSH, 0, 0 },
	{ "flag on each, pull only", BOTH, 0, HAS(S), HAS(F), PULL,
	    OP_FLAGS_LOCAL, S },
	{ "flag on each, push only", BOTH, 0, HAS(S), HAS(F), PUSH,
	    OP_FLAGS_REMOTE, F },
	{ "flag on each, none", BOTH, 0, HAS(S), HAS(F), NONE, 0, 0 },
	{ "deleted there, backup", BOTH, S, GONE, SAME, BACKUP,
	    OP_KEEP_LOCAL, S },
	{ "deleted here, backup", BOTH, S, SAME, GONE, BACKUP,
	    OP_KEEP_REMOTE, S },
	{ "deleted there, push only", BOTH, S, GONE, SAME, PUSH,
	    OP_KEEP_LOCAL, S },
	{ "deleted here, pull only", BOTH, S, SAME, GONE, PULL,
	    OP_KEEP_REMOTE, S },
	{ "kept there, gone there", FAR, S, GONE, SAME, ARCHIVE,
	    OP_FORGET, S },
	{ "kept there, flag there", FAR, 0, HAS(S), SAME, ARCHIVE,
	    OP_AGREE, S },
	{ "kept there, as it was", FAR, S, HAS(S), SAME, ARCHIVE, 0, 0 },
	{ "kept there, not fetched again", FAR, S, HAS(S), SAME, TWO_WAY,
	    0, 0 },
	{ "kept here, gone here", NEAR, S, SAME, GONE, ARCHIVE, OP_FORGET, S },
	{ "kept here, flag here", NEAR, 0, SAME, HAS(S), ARCHIVE,
	    OP_AGREE, S },
	{ "draft saved again", BOTH, 0, SAME, OTHER(S), TWO_WAY,
	    OP_REPLACE, S },
	{ "draft saved again, archive", BOTH, 0, SAME, OTHER(0), ARCHIVE,
	    OP_REPLACE | OP_KEEP_REMOTE, 0 },
	{ "draft saved again, pull only", BOTH, 0, SAME, OTHER(0), PULL, 0, 0 },
	{ "draft saved again, deleted there", BOTH, 0, GONE, OTHER(S), TWO_WAY,
	    OP_UPLOAD, S },
	{ "saved again, deleted there, pull only", BOTH, 0, GONE, OTHER(0),
	    PULL, OP_KEEP_LOCAL, 0 },
};

static void
the_conflict_table_holds(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const struct row *r = &table[i];
		struct diff_in in = { .base = r->base,
		    .base_flags = { r->was, 0 }, .remote = r->remote.p,
		    .local = r->local.p, .remote_flags = { r->remote.sys, 0 },
		    .local_flags = { r->local.sys, 0 } };
		struct diff_out out = diff_message(&in, &presets[r->policy],
		    CONFLICT_MERGE);

		if (out.ops != r->ops || (out.ops != 0 &&
		    out.flags.sys != r->flags))
			fail_msg("%s: ops %x, wanted %x; flags %x, wanted %x",
			    r->name, out.ops, r->ops, out.flags.sys, r->flags);
	}
}

static void
a_conflict_rule_takes_one_side_only_when_both_changed(void **state)
{
	static const struct {
		uint32_t		was, there, here;
		enum conf_conflict	rule;
		uint32_t		want;
	} t[] = {
		{ 0, S, F, CONFLICT_MERGE, S | F },
		{ 0, S, F, CONFLICT_REMOTE, S },
		{ 0, S, F, CONFLICT_LOCAL, F },
		{ 0, 0, F, CONFLICT_REMOTE, F },
		{ 0, S, 0, CONFLICT_LOCAL, S },
		{ S, F, S, CONFLICT_LOCAL, F },
		{ S, 0, S | F, CONFLICT_LOCAL, S | F },
		{ S, 0, S | F, CONFLICT_REMOTE, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct diff_in in = { .base = BOTH, .remote = SIDE_PRESENT,
		    .local = SIDE_PRESENT, .base_flags = { t[i].was, 0 },
		    .remote_flags = { t[i].there, 0 },
		    .local_flags = { t[i].here, 0 } };

		assert_int_equal(diff_message(&in, &two_way,
		    t[i].rule).flags.sys, t[i].want);
	}
}

/* ---- what a side cannot show ------------------------------------------ */

static void
a_keyword_that_a_side_cannot_show_is_not_removed(void **state)
{
	struct diff_in in = { .base = BOTH, .base_flags = { 0, 5 },
	    .remote = SIDE_PRESENT, .remote_flags = { 0, 5 },
	    .local = SIDE_PRESENT, .local_flags = { 0, 1 },
	    .local_blind = { 0, 4 } };
	struct diff_out out = diff_message(&in, &two_way, CONFLICT_MERGE);

	(void)state;
	assert_int_equal(out.ops, 0);
	in.local_flags.sys = S;
	out = diff_message(&in, &two_way, CONFLICT_MERGE);
	assert_int_equal(out.ops, OP_FLAGS_REMOTE);
	assert_int_equal(out.add.sys, S);
	assert_int_equal(out.add.kw | out.del.kw, 0);
	assert_int_equal(out.flags.kw, 5);
}

static void
a_new_keyword_that_cannot_be_shown_is_agreed_on_silently(void **state)
{
	struct diff_in in = { .base = BOTH, .remote = SIDE_PRESENT,
	    .remote_flags = { 0, 4 }, .local = SIDE_SAME,
	    .local_blind = { 0, 4 } };
	struct diff_out out = diff_message(&in, &two_way, CONFLICT_MERGE);

	(void)state;
	assert_int_equal(out.ops, OP_AGREE);
	assert_int_equal(out.flags.kw, 4);
}

static void
a_flag_that_the_server_cannot_keep_stays_here(void **state)
{
	struct diff_in in = { .base = BOTH, .base_flags = { F, 0 },
	    .remote = SIDE_PRESENT, .remote_flags = { 0, 0 },
	    .local = SIDE_PRESENT, .local_flags = { F, 0 },
	    .remote_blind = { F, 0 } };

	(void)state;
	assert_int_equal(diff_message(&in, &two_way, CONFLICT_MERGE).ops, 0);
}

/* It would be gone there, and next time be taken for removed. */
static void
what_the_server_cannot_keep_is_neither_sent_nor_agreed_on(void **state)
{
	struct diff_in in = { .base = BOTH, .remote = SIDE_PRESENT,
	    .local = SIDE_PRESENT, .local_flags = { S, 2 },
	    .remote_blind = { FLAG_PASSED, ~(uint64_t)0 } };
	struct diff_out out = diff_message(&in, &two_way, CONFLICT_MERGE);

	(void)state;
	assert_int_equal(out.ops, OP_FLAGS_REMOTE);
	assert_true(flags_eq(out.add, (struct flags){ S, 0 }));
	assert_true(flags_eq(out.flags, (struct flags){ S, 0 }));
	assert_true(flags_eq(out.local, (struct flags){ S, 2 }));
}

static void
the_delta_is_minimal(void **state)
{
	struct diff_in in = { .base = BOTH, .base_flags = { S | F, 3 },
	    .remote = SIDE_PRESENT, .remote_flags = { S | F, 3 },
	    .local = SIDE_PRESENT,
	    .local_flags = { F | FLAG_ANSWERED, 6 } };
	struct diff_out out = diff_message(&in, &two_way, CONFLICT_MERGE);

	(void)state;
	assert_int_equal(out.ops, OP_FLAGS_REMOTE);
	assert_int_equal(out.add.sys, FLAG_ANSWERED);
	assert_int_equal(out.add.kw, 4);
	assert_int_equal(out.del.sys, S);
	assert_int_equal(out.del.kw, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_deleted_that_nobody_deleted),
		cmocka_unit_test(nothing_goes_where_policy_does_not_let_it),
		cmocka_unit_test(every_op_has_its_reason),
		cmocka_unit_test(one_application_settles_it),
		cmocka_unit_test(both_sides_are_treated_alike),
		cmocka_unit_test(
		    a_flag_changes_only_where_the_other_side_wrote_it),
		cmocka_unit_test(the_conflict_table_holds),
		cmocka_unit_test(
		    a_conflict_rule_takes_one_side_only_when_both_changed),
		cmocka_unit_test(
		    a_keyword_that_a_side_cannot_show_is_not_removed),
		cmocka_unit_test(
		    a_new_keyword_that_cannot_be_shown_is_agreed_on_silently),
		cmocka_unit_test(a_flag_that_the_server_cannot_keep_stays_here),
		cmocka_unit_test(what_the_server_cannot_keep_is_neither_sent_nor_agreed_on),
		cmocka_unit_test(the_delta_is_minimal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
