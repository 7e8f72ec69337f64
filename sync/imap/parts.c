/*
 * parts.c — commands on sets of messages, in as many parts as the server wants.
 * Called by cmd.c, and by lane.c for what was answered in part.
 *
 * Lines have a length, and a server with MESSAGELIMIT (RFC 9738) does no more than so
 * many messages at a time.  What changes something names messages that are there, and
 * is cut into pieces that are small enough.  What reads may name any UID, so nobody
 * knows beforehand how many it finds: the server begins with the highest and says
 * where it stopped, and below that it is asked again.
 */
#include "imap/lane_impl.h"

#include "base/mem.h"

/* Bytes of a UID set in one command: servers take lines of 8000 bytes (RFC 7162
 * section 4) and more, and not all of them more. */
enum { SET_MAX = 7800 };

static uint32_t
limit_of(const struct imap_lane *il)
{
	return imap_can(&il->head, CAP_MESSAGELIMIT) ? il->caps.message_limit : 0;
}

/* What ${c} asks for, ranges ${from} to ${to}, if it may be more than is done. */
static void
keep(const struct imap_lane *il, struct command *c, const struct over *o,
    const struct uidset *uids, size_t from, size_t to)
{
	uint32_t limit = limit_of(il);

	if (limit == 0 || o->kind != CMD_READ)
		return;
	for (; from < to; from++)
		uidset_add(&c->uids, uids->r[from].lo, uids->r[from].hi);
	if (uidset_count(&c->uids) <= limit)
		return;
	c->verb = o->verb;
	c->tail = str_dup(o->tail);
}

/* As often as the length of the set needs. */
static void
submit(struct imap_lane *il, struct request *r, const struct over *o,
    const struct uidset *uids)
{
	size_t at = 0, from;

	while ((from = at) < uids->n) {
		struct command *c = send_new(il, r, o->kind);

		send_put(c, "%s ", o->verb);
		must(uidset_print(uids, &at, SET_MAX, &c->text) == 0);
		if (o->mailbox != NULL) {
			send_put(c, " ");
			send_string(il, c, *o->mailbox);
		}
		must(buf_add_str(&c->text, o->tail) == 0);
		keep(il, c, o, uids, from, at);
		send_submit(il, c);
	}
}

/* At most ${limit} messages at a time. */
static void
submit_counted(struct imap_lane *il, struct request *r, const struct over *o,
    const struct uidset *uids, uint32_t limit)
{
	struct uid uid = { 0 };
	struct uidset part;
	uint32_t n = 0;
	size_t at = 0;

	uidset_init(&part);
	while (uidset_next(uids, &at, &uid)) {
		uidset_add(&part, uid.v, uid.v);
		if (++n < limit)
			continue;
		submit(il, r, o, &part);
		uidset_clear(&part);
		n = 0;
	}
	submit(il, r, o, &part);
	uidset_clear(&part);
}

uint32_t
parts_submit(struct imap_lane *il, const struct over *o,
    const struct uidset *uids)
{
	struct request *r = send_request(il);
	uint32_t limit = limit_of(il);

	must(uids->n > 0);
	if (limit == 0 || o->kind == CMD_READ)
		submit(il, r, o, uids);
	else
		submit_counted(il, r, o, uids, limit);
	return r->number;
}

/* What is queued now would be asked of another mailbox, or wait for the end of an
 * IDLE. */
static bool
is_last(const struct command *c)
{
	for (c = c->next; c != NULL; c = c->next)
		if (c->kind == CMD_SELECT || c->kind == CMD_UNSELECT ||
		    c->kind == CMD_IDLE)
			return false;
	return true;
}

bool
parts_go_on(struct imap_lane *il, const struct command *c,
    const struct resp_cond *cond)
{
	bool said = str_eq(cond->code, STR("MESSAGELIMIT"));
	uint64_t lowest = said ? cond->number : c->stopped;
	const struct uidset *all = &c->uids;
	struct uidset rest;

	if ((!said && c->stopped == 0) ||
	    (c->kind != CMD_READ && c->kind != CMD_WRITE))
		return true;
	/* Less must be left each time. */
	if (c->tail == NULL || lowest == 0 ||
	    lowest > all->r[all->n - 1].hi || !is_last(c))
		return false;
	uidset_init(&rest);
	for (size_t i = 0; i < all->n && all->r[i].lo < lowest; i++)
		uidset_add(&rest, all->r[i].lo, all->r[i].hi < lowest ?
		    all->r[i].hi : (uint32_t)lowest - 1);
	submit(il, c->req, &(struct over){ .kind = c->kind, .verb = c->verb,
	    .tail = str_z(c->tail) }, &rest);
	uidset_clear(&rest);
	return true;
}

/* Where the tagged answer has another code to give.  Answers come in order. */
void
parts_note(struct imap_lane *il, const struct resp_cond *cond)
{
	struct command *c = il->first;

	if (!str_eq(cond->code, STR("MESSAGELIMIT")) || cond->number == 0)
		return;
	while (c != NULL && c->answered)
		c = c->next;
	if (c != NULL && c->sent)
		c->stopped = (uint32_t)cond->number;
}
