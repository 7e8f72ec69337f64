/*
 * box.c — the selected mailbox, as the server tells it, and the question whose
 * mailbox data is while one SELECT follows another.
 *
 * Commands are sent ahead, so data of the old mailbox may still come when the
 * SELECT of the new one is long under way.  The new one begins where the server
 * says so ([CLOSED], RFC 7162 section 3.2.11), else where UNSELECT was
 * answered, else where nothing that came before the SELECT is left to answer.
 * Outside of any mailbox such data is dropped (RFC 9051 section 11.3).
 */
#include "imap/lane_impl.h"

#include <stdio.h>
#include <string.h>


static void
begin(struct imap_lane *il, struct command *select)
{
	il->box = (struct imap_box){ 0 };
	il->box_phase = BOX_OPENING;
	select->opening = true;
}

static void
leave(struct imap_lane *il)
{
	il->box = (struct imap_box){ 0 };
	il->box_phase = BOX_NONE;
}

/* The first SELECT or UNSELECT on its way; *behind: others are before it. */
static struct command *
next_box_command(struct imap_lane *il, bool *behind)
{
	*behind = false;
	for (struct command *c = il->first; c != NULL && c->sent; c = c->next) {
		if (c->answered)
			continue;
		if (c->kind == CMD_SELECT || c->kind == CMD_UNSELECT)
			return c;
		*behind = true;
	}
	return NULL;
}

void
box_turn(struct imap_lane *il)
{
	struct command *c;
	bool behind;

	if (il->n_box_commands == 0)
		return;
	c = next_box_command(il, &behind);
	if (c == NULL || c->kind != CMD_SELECT || c->opening)
		return;
	/* With QRESYNC on, the server has to send [CLOSED]. */
	if (il->box_phase == BOX_NONE || (!behind && !il->server.qresync))
		begin(il, c);
}

static void
closed(struct imap_lane *il)
{
	bool behind;
	struct command *c = next_box_command(il, &behind);

	if (c != NULL && c->kind == CMD_SELECT)
		begin(il, c);
}

static void
remove_messages(struct imap_box *box, uint64_t n)
{
	box->exists -= n < box->exists ? (uint32_t)n : box->exists;
}

bool
box_event(struct imap_lane *il, const struct event *ev)
{
	switch (ev->kind) {
	case EV_EXISTS:
	case EV_EXPUNGE:
	case EV_GONE:
	case EV_MSG:
	case EV_BODY:
	case EV_DATA:
	case EV_UIDS:
		break;
	default:
		return true;
	}
	if (il->box_phase == BOX_NONE)
		return false;
	if (ev->kind == EV_EXISTS)
		il->box.exists = ev->number;
	else if (ev->kind == EV_EXPUNGE)
		remove_messages(&il->box, 1);
	else if (ev->kind == EV_GONE && !ev->gone.earlier)
		remove_messages(&il->box, uidset_count(ev->gone.uids));
	return true;
}

static int
note_validity(struct imap_lane *il, uint64_t validity, struct err *err)
{
	uint64_t before = il->box.validity.v;

	if (il->box_phase == BOX_OPEN && before != validity)
		return err_set(err, ERR_PROTO, "proto.unexpected",
		    "UIDVALIDITY went from %llu to %llu in an open mailbox",
		    (unsigned long long)before, (unsigned long long)validity);
	il->box.validity.v = validity;
	return 0;
}

/* "(id)". */
static void
note_objid(struct imap_box *box, struct str args)
{
	args = str_trim(args);
	if (args.n < 2 || args.p[0] != '(' || !str_ends(args, STR(")")) ||
	    args.n - 2 >= sizeof(box->objid))
		return;
	snprintf(box->objid, sizeof(box->objid), "%.*s", (int)args.n - 2,
	    args.p + 1);
}

/* "(\Seen \Flagged $Junk)". */
static void
note_flags(struct imap_box *box, const struct resp_cond *cond)
{
	struct str args = str_trim(cond->args);

	box->flags[0] = '\0';
	if (cond->star || args.n < 2 || args.p[0] != '(' ||
	    !str_ends(args, STR(")")) || args.n - 2 >= sizeof(box->flags))
		return;
	snprintf(box->flags, sizeof(box->flags), "%.*s", (int)args.n - 2,
	    args.p + 1);
}

struct flags
imap_unkept(const struct lane *ln, const struct kwtab *kw)
{
	struct flags out = { FLAG_PASSED, ~(uint64_t)0 };
	struct str rest = str_z(imap_box(ln)->flags);

	if (str_trim(rest).n == 0)
		return (struct flags){ 0 };
	while (rest.p != NULL) {
		struct str name = str_trim(str_split(&rest, ' '));
		int bit = kwtab_find(kw, name);

		if (str_ieq(name, STR("$Forwarded")))
			out.sys = 0;
		else if (bit >= 0)
			out.kw &= ~((uint64_t)1 << bit);
	}
	return out;
}

int
box_cond(struct imap_lane *il, const struct resp_cond *cond, struct err *err)
{
	struct imap_box *box = &il->box;

	if (cond->code.n == 0)
		return 0;
	if (str_eq(cond->code, STR("CLOSED")))
		closed(il);
	if (il->box_phase == BOX_NONE)
		return 0;
	if (str_eq(cond->code, STR("UIDVALIDITY")))
		return note_validity(il, cond->number, err);
	if (str_eq(cond->code, STR("UIDNEXT")))
		box->uidnext = cond->number <= UINT32_MAX ?
		    (uint32_t)cond->number : 0;
	else if (str_eq(cond->code, STR("HIGHESTMODSEQ")) &&
	    cond->modseq.v > box->modseq.v)
		box->modseq = cond->modseq;
	else if (str_eq(cond->code, STR("NOMODSEQ")))
		box->modseq.v = 0;
	else if (str_eq(cond->code, STR("PERMANENTFLAGS")))
		note_flags(box, cond);
	else if (str_eq(cond->code, STR("UIDNOTSTICKY")))
		box->uid_not_sticky = true;
	else if (str_eq(cond->code, STR("READ-ONLY")))
		box->readonly = true;
	else if (str_eq(cond->code, STR("MAILBOXID")))
		note_objid(box, cond->args);
	return 0;
}

static int
select_answered(struct imap_lane *il, const struct command *c,
    const struct resp_cond *cond, struct err *err)
{
	if (cond->cond != COND_OK) {
		leave(il);
		return 0;
	}
	if (!c->opening)
		return err_set(err, ERR_PROTO, "proto.unexpected",
		    "another mailbox was opened and the old one not closed");
	if (box_cond(il, cond, err) < 0)
		return -1;
	il->box.open = true;
	il->box.readonly |= c->readonly;
	il->box_phase = BOX_OPEN;
	return 0;
}

int
box_answered(struct imap_lane *il, const struct command *c,
    const struct resp_cond *cond, struct err *err)
{
	if (c->kind == CMD_SELECT && select_answered(il, c, cond, err) < 0)
		return -1;
	if (c->kind == CMD_UNSELECT)
		leave(il);
	/* Any other code of a tagged answer is about something else: CREATE has
	 * the MAILBOXID of what it made. */
	if (str_eq(cond->code, STR("HIGHESTMODSEQ")))
		return box_cond(il, cond, err);
	if (il->box_phase == BOX_NONE && il->n_box_commands == 1 &&
	    (c->kind == CMD_SELECT || c->kind == CMD_UNSELECT))
		il->will_select = false;
	return 0;
}
