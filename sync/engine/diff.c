/*
 * diff.c — the decision.  A table in the form of code: first what the base knows,
 * then what each side says.
 */
#include "engine/diff.h"

#include <stddef.h>

/* ---- flags ------------------------------------------------------------ */

/* One word of bits: a side that changed a bit wins it; both changed it in the
 * same way is no conflict, and two sides cannot change one bit differently from
 * one base, so `both` only decides when a side is to be ignored. */
static uint64_t
merge_bits(uint64_t base, uint64_t remote, uint64_t local)
{
	return base ^ ((remote ^ base) | (local ^ base));
}

struct flags
diff_merge_flags(struct flags base, struct flags remote, struct flags local,
    enum conf_conflict both)
{
	bool conflict = !flags_eq(base, remote) && !flags_eq(base, local);

	if (conflict && both == CONFLICT_REMOTE)
		return remote;
	if (conflict && both == CONFLICT_LOCAL)
		return local;
	return (struct flags){
		(uint32_t)merge_bits(base.sys, remote.sys, local.sys),
		merge_bits(base.kw, remote.kw, local.kw)
	};
}

/* What a side cannot show is as in the base there. */
static struct flags
seen_flags(enum presence p, struct flags f, struct flags base, struct flags blind)
{
	if (p != SIDE_PRESENT)
		return base;
	return (struct flags){
		(f.sys & ~blind.sys) | (base.sys & blind.sys),
		(f.kw & ~blind.kw) | (base.kw & blind.kw)
	};
}

/* What the other side changed since the base, over what a side has. */
static struct flags
follow(struct flags side, struct flags other, struct flags base)
{
	uint32_t sys = other.sys ^ base.sys;
	uint64_t kw = other.kw ^ base.kw;

	return (struct flags){
		(side.sys & ~sys) | (other.sys & sys),
		(side.kw & ~kw) | (other.kw & kw)
	};
}

static const char *
flags_reason(const struct diff_out *out)
{
	if ((out->ops & OP_FLAGS_LOCAL) && (out->ops & OP_FLAGS_REMOTE))
		return "flags changed on both sides; merged flag by flag";
	if (out->ops & OP_FLAGS_LOCAL)
		return "flags changed on the server since the last agreement";
	if (out->ops & OP_FLAGS_REMOTE)
		return "flags changed here since the last agreement";
	return "both sides have the same flags by now";
}

/* Both sides have the message: make their flags equal, as far as policy lets. */
static struct diff_out
agree(const struct diff_in *in, const struct policy *policy,
    enum conf_conflict conflict)
{
	struct flags base = in->base == KNOWN_NOT ? (struct flags){ 0 } :
	    in->base_flags;
	struct flags remote = seen_flags(in->remote, in->remote_flags, base,
	    in->remote_blind);
	struct flags local = seen_flags(in->local, in->local_flags, base,
	    in->local_blind);
	bool pull = policy->pull & POLICY_FLAGS;
	bool push = policy->push & POLICY_FLAGS;
	struct flags there = remote;
	struct diff_out out = { 0 };

	/* A direction that policy closes leaves that side as it is: the base
	 * follows the side that is listened to, so that its next change shows,
	 * and the other one keeps what is its own. */
	out.local = local;
	if (pull && push) {
		out.flags = diff_merge_flags(base, remote, local, conflict);
		out.local = there = out.flags;
	} else if (pull) {
		out.flags = remote;
		out.local = follow(local, remote, base);
	} else if (push) {
		out.flags = local;
		there = follow(remote, local, base);
	} else {
		out.flags = base;
	}
	/* Nothing is agreed about what the server cannot keep. */
	out.flags = seen_flags(SIDE_PRESENT, out.flags, base, in->remote_blind);
	out.add = flags_minus(flags_minus(there, remote), in->remote_blind);
	out.del = flags_minus(flags_minus(remote, there), in->remote_blind);
	if (!flags_none(out.add) || !flags_none(out.del))
		out.ops |= OP_FLAGS_REMOTE;
	if (!flags_eq(flags_minus(out.local, in->local_blind),
	    flags_minus(local, in->local_blind)))
		out.ops |= OP_FLAGS_LOCAL;
	if (!flags_eq(out.flags, in->base_flags) || in->base == KNOWN_NOT)
		out.ops |= OP_AGREE;
	/* With flags to carry out, the base follows them. */
	if (out.ops & (OP_FLAGS_LOCAL | OP_FLAGS_REMOTE))
		out.ops &= ~(unsigned)OP_AGREE;
	if (out.ops != 0)
		out.reason = in->base == KNOWN_NOT ?
		    "the same content is on both sides" : flags_reason(&out);
	return out;
}

/* ---- presence --------------------------------------------------------- */

static struct diff_out
decision(unsigned ops, struct flags flags, const char *reason)
{
	return (struct diff_out){ .ops = ops, .flags = flags, .reason = reason };
}

/* Nothing is agreed: it is new, or the server renumbered. */
static struct diff_out
unknown(const struct diff_in *in, const struct policy *policy,
    enum conf_conflict conflict)
{
	struct diff_out nothing = { 0 };

	if (in->remote == SIDE_PRESENT && in->local == SIDE_PRESENT)
		return agree(in, policy, conflict);
	if (in->remote == SIDE_PRESENT)
		return !(policy->pull & POLICY_NEW) ? nothing :
		    decision(OP_DOWNLOAD, in->remote_flags,
		    "new on the server, unknown here");
	/* A row whose message neither side has any more. */
	if (in->local == SIDE_GONE)
		return decision(OP_FORGET, in->base_flags, "gone on both sides");
	if (in->local == SIDE_SAME)
		return nothing;
	if (policy->push & POLICY_NEW)
		return decision(OP_UPLOAD, in->local_flags,
		    "new here, unknown on the server");
	if (policy->readonly)
		return decision(OP_KEEP_LOCAL, in->local_flags,
		    "not on the server; the backup keeps it");
	return nothing;
}

static bool
flags_changed(enum presence p, struct flags now, struct flags base)
{
	return (p == SIDE_PRESENT || p == SIDE_REPLACED) && !flags_eq(now, base);
}

static struct diff_out
gone_remote(const struct diff_in *in, const struct policy *policy)
{
	bool edited = flags_changed(in->local, in->local_flags, in->base_flags);

	if (in->local == SIDE_GONE)
		return decision(OP_FORGET, in->base_flags, "gone on both sides");
	if (in->local == SIDE_REPLACED && (policy->push & POLICY_NEW))
		return decision(OP_UPLOAD, in->local_flags, "deleted on the "
		    "server, but written again here: kept as a new message");
	if (in->local == SIDE_REPLACED)
		return decision(OP_KEEP_LOCAL, in->local_flags, "deleted on the "
		    "server, but written again here, and policy does not send "
		    "it");
	if (!(policy->pull & POLICY_DELETE))
		return decision(OP_KEEP_LOCAL, seen_flags(in->local,
		    in->local_flags, in->base_flags, in->local_blind),
		    "deleted on the server; policy keeps it here");
	return decision(OP_DELETE_LOCAL, in->base_flags, edited ?
	    "deleted on the server; deletion wins over a flag change here" :
	    "deleted on the server");
}

static struct diff_out
gone_local(const struct diff_in *in, const struct policy *policy)
{
	bool edited = flags_changed(in->remote, in->remote_flags,
	    in->base_flags);

	if (!(policy->push & POLICY_DELETE))
		return decision(OP_KEEP_REMOTE, seen_flags(in->remote,
		    in->remote_flags, in->base_flags, in->remote_blind),
		    "deleted here; policy keeps it on the server");
	return decision(OP_DELETE_REMOTE, in->base_flags, edited ?
	    "deleted here; deletion wins over a flag change on the server" :
	    "deleted here");
}

/* The new bytes go up; the old version goes only where deletions may go.  What the
 * server has changed about the old one, the new one shows, here first: until it is
 * there, what the server has is the base. */
static struct diff_out
replaced(const struct diff_in *in, const struct policy *policy,
    enum conf_conflict conflict)
{
	struct diff_in same = *in;
	struct diff_out out, flags;

	same.local = SIDE_PRESENT;
	flags = agree(&same, policy, conflict);
	if (!(policy->push & POLICY_NEW))
		return flags;
	out = policy->push & POLICY_DELETE ?
	    decision(OP_REPLACE, in->local_flags,
	    "written again here: a new version") :
	    decision(OP_REPLACE | OP_KEEP_REMOTE, in->local_flags,
	    "written again here; policy keeps the old version on the server");
	if (flags.ops & OP_FLAGS_LOCAL) {
		out.ops |= OP_FLAGS_LOCAL;
		out.local = flags.local;
		out.flags = seen_flags(in->remote, in->remote_flags,
		    in->base_flags, in->remote_blind);
	}
	return out;
}

static struct diff_out
known_both(const struct diff_in *in, const struct policy *policy,
    enum conf_conflict conflict)
{
	if (in->remote == SIDE_GONE)
		return gone_remote(in, policy);
	if (in->local == SIDE_GONE)
		return gone_local(in, policy);
	if (in->local == SIDE_REPLACED)
		return replaced(in, policy, conflict);
	return agree(in, policy, conflict);
}

/* Policy left it on one side.  It stays alone there until it goes. */
static struct diff_out
known_one(const struct diff_in *in, enum presence there, struct flags now,
    const char *gone)
{
	if (there == SIDE_GONE)
		return decision(OP_FORGET, in->base_flags, gone);
	if (flags_changed(there, now, in->base_flags))
		return decision(OP_AGREE, now, "changed on the only side that "
		    "has it");
	return (struct diff_out){ 0 };
}

struct diff_out
diff_message(const struct diff_in *in, const struct policy *policy,
    enum conf_conflict conflict)
{
	if (in->base == KNOWN_NOT)
		return unknown(in, policy, conflict);
	if (in->base == KNOWN_BOTH)
		return known_both(in, policy, conflict);
	if (in->base == KNOWN_REMOTE_ONLY)
		return known_one(in, in->remote, in->remote_flags,
		    "gone on the server, too");
	if (in->local == SIDE_REPLACED && (policy->push & POLICY_NEW))
		return decision(OP_UPLOAD, in->local_flags, "written again "
		    "here, unknown on the server");
	return known_one(in, in->local, in->local_flags, "gone here, too");
}
