/* list.c — what the server says of its mailboxes: LIST and STATUS. */
#include "engine/list.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "engine/ahead.h"
#include "engine/names.h"
#include "engine/pattern.h"
#include "engine/remote.h"
#include "imap/cmd.h"

enum { STATUS_WINDOW = 20, FOLDERS_MAX = 20000 };

unsigned
list_use(struct str name)
{
	static const struct {
		const char	*name;
		unsigned	 attr;
	} uses[] = {
		{ "Junk", LIST_JUNK }, { "Trash", LIST_TRASH },
		{ "Sent", LIST_SENT }, { "Drafts", LIST_DRAFTS },
		{ "Archive", LIST_ARCHIVE },
	};

	for (size_t i = 0; i < ARRAY_LEN(uses); i++)
		if (str_eq(name, str_z(uses[i].name)))
			return uses[i].attr;
	return 0;
}

/* One key for INBOX, however it is written. */
static struct str
key_of(struct str wire)
{
	return str_ieq(wire, STR("INBOX")) ? STR("INBOX") : wire;
}

/* The folder that the server speaks of.  20,000 are not looked through for each
 * line of a list. */
static struct folder *
spoken_of(const struct account *acc, struct str wire)
{
	uintptr_t f;

	if (!acc->listing)
		return account_by_wire(acc, wire);
	return map_get(&acc->named, key_of(wire), &f) ? (struct folder *)f : NULL;
}

static void
name_folder(struct account *acc, struct folder *f)
{
	if (f->wire != NULL)
		map_put(&acc->named, key_of(str_z(f->wire)), (uintptr_t)f);
}

void
list_note(struct account *acc, const struct ev_list *list)
{
	struct folder *f;

	if (!acc->listing) {
		acc->tree_remote = true;
		return;
	}
	if (acc->list_overflow)
		return;
	f = spoken_of(acc, list->name);
	if (f == NULL && acc->n_folders >= FOLDERS_MAX) {
		acc->list_overflow = true;
		return;
	}
	if (f == NULL) {
		f = account_folder_new(acc);
		f->wire = str_dup(list->name);
		f->name = str_dup(list->name);
		f->path = xstrdup("");
		name_folder(acc, f);
	}
	f->delim = list->delim;
	/* A later line for the same name (LSUB) only adds. */
	f->attrs = f->status.listed ? f->attrs | list->attrs : list->attrs;
	f->status.listed = true;
}

bool
list_has_inbox(const struct account *acc)
{
	const struct folder *inbox = account_by_wire(acc, STR("INBOX"));

	return inbox != NULL && inbox->status.listed;
}

static bool
differs(const struct folder *f)
{
	const struct remote_status *s = &f->status;

	return ((s->have & STATUS_UIDVALIDITY) &&
	    s->validity.v != f->validity.v) ||
	    ((s->have & STATUS_UIDNEXT) && s->uidnext != f->uidnext) ||
	    ((s->have & STATUS_MESSAGES) && s->messages != f->messages) ||
	    ((s->have & STATUS_MODSEQ) && s->modseq.v != f->modseq.v);
}

/* Servers leave fields out, so what comes is merged into what is known. */
void
list_note_status(struct account *acc, const struct ev_status *status, bool pushed)
{
	struct folder *f = spoken_of(acc, status->name);
	struct remote_status *s;

	if (f == NULL) {
		acc->tree_remote = acc->tree_remote || pushed;
		return;
	}
	s = &f->status;
	s->have |= status->have;
	if (status->have & STATUS_UIDVALIDITY)
		s->validity = status->validity;
	if (status->have & STATUS_UIDNEXT)
		s->uidnext = status->uidnext;
	if (status->have & STATUS_MESSAGES)
		s->messages = status->messages;
	if (status->have & STATUS_MODSEQ)
		s->modseq = status->modseq;
	/* Of another mailbox by that name: which one was ours is yet to be told. */
	if ((status->have & STATUS_OBJID) && status->objid.n > 0 &&
	    !(f->validity.v != 0 && (s->have & STATUS_UIDVALIDITY) &&
	    s->validity.v != f->validity.v)) {
		free(f->objid);
		f->objid = str_dup(status->objid);
	}
	/* Without mod-sequences a flag may have changed unseen. */
	if (differs(f) || !(status->have & STATUS_MODSEQ))
		folder_mark(f, DIRTY_REMOTE);
}

/* ---- asking ----------------------------------------------------------- */

static bool
wanted(const struct account *acc, const struct folder *f)
{
	if (f->attrs & LIST_NOSELECT)
		return false;
	if (acc->conf->folders.subscribed_only &&
	    !(f->attrs & LIST_SUBSCRIBED) &&
	    !str_ieq(str_z(f->wire), STR("INBOX")))
		return false;
	/* A restore goes by what the folder is called here. */
	return pattern_selects(&acc->conf->folders.sync,
	    str_z(acc->conf->restore.on ? f->path : f->name), f->attrs);
}

/* Without LIST-STATUS: STATUS for each, some in flight at a time, because a
 * long train of them confuses Exchange. */
static int
ask_counters(struct account *acc, struct err *err)
{
	uint32_t req[STATUS_WINDOW] = { 0 };
	struct answer a;
	size_t n = 0;

	for (size_t i = 0; i < acc->n_folders; i++) {
		struct folder *f = acc->folder[i];

		if (!f->status.listed || (f->attrs & LIST_NOSELECT) ||
		    f->status.have != 0 || (f->id != 0 && f->excluded))
			continue;
		if (req[n] != 0) {
			if (remote_wait(acc, req[n], &a, err) < 0)
				return -1;
			answer_clear(&a);
		}
		req[n] = imap_status(acc->work, str_z(f->wire));
		n = (n + 1) % STATUS_WINDOW;
	}
	for (size_t i = 0; i < STATUS_WINDOW; i++, n = (n + 1) % STATUS_WINDOW) {
		if (req[n] == 0)
			continue;
		if (remote_wait(acc, req[n], &a, err) < 0)
			return -1;
		answer_clear(&a);
	}
	return 0;
}

static int
ask_list(struct account *acc, bool first, struct err *err)
{
	uint32_t unselect = 0;
	struct greeting g;
	struct answer a;
	int r;

	/* The counters of a selected mailbox are not to be trusted. */
	if (acc->selected != NULL)
		unselect = imap_unselect(acc->work);
	acc->selected = NULL;
	if (!first)
		acc->greeting.list = imap_list(acc->work, true);
	else if (acc->greeting.list == 0)
		ahead_greet(acc, acc->work);
	g = acc->greeting;
	if (remote_expect(acc, unselect, ERR_PROTO, "unselect", err) < 0)
		return -1;
	/* Some servers refuse ENABLE, ID or NAMESPACE: they do without. */
	uint32_t optional[] = { g.enable, g.id, g.ns };
	for (size_t i = 0; i < ARRAY_LEN(optional); i++) {
		if (remote_wait(acc, optional[i], &a, err) < 0)
			return -1;
		answer_clear(&a);
	}
	if (remote_wait(acc, g.list, &a, err) < 0)
		return -1;
	acc->greeting = (struct greeting){ 0 };
	r = a.status == DONE_OK ? 0 : 1;
	if (r > 0)
		err_set(err, ERR_RETRY, "server.refused",
		    "list mailboxes: the server said: %s", a.text);
	answer_clear(&a);
	return r;
}

/* 0: listed; 1: refused; -1. */
static int
list_all(struct account *acc, bool first, struct err *err)
{
	int r;

	map_init(&acc->named);
	for (size_t i = 0; i < acc->n_folders; i++) {
		acc->folder[i]->status = (struct remote_status){ 0 };
		name_folder(acc, acc->folder[i]);
	}
	acc->listing = true;
	acc->list_overflow = false;
	r = ask_list(acc, first, err);
	if (r > 0 && imap_can(acc->work, CAP_LIST_STATUS)) {
		/* Announced, and not understood: plainer. */
		log_info("LIST with RETURN refused; asking plainly");
		imap_avoid(acc->work, CAP_LIST_STATUS);
		imap_avoid(acc->work, CAP_LIST_EXTENDED);
		r = ask_list(acc, false, err);
	}
	acc->listing = false;
	map_clear(&acc->named);
	return r;
}

int
list_ask(struct account *acc, bool first, struct err *err)
{
	if (list_all(acc, first, err) != 0)
		return -1;
	if (acc->list_overflow)
		return err_set(err, ERR_RETRY, "server.too-many-folders",
		    "the server lists more than %d mailboxes", FOLDERS_MAX);
	/* An extended LIST that lacks INBOX (strato) is asked again plainly. */
	if (!list_has_inbox(acc) && imap_can(acc->work, CAP_LIST_EXTENDED)) {
		imap_avoid(acc->work, CAP_LIST_STATUS);
		imap_avoid(acc->work, CAP_LIST_EXTENDED);
		return list_ask(acc, false, err);
	}
	for (size_t i = 0; i < acc->n_folders; i++) {
		struct folder *f = acc->folder[i];

		if (f->status.listed && f->id == 0) {
			if (names_place(acc, f, err) < 0) {
				problem_open(acc, PROBLEM_WARNING,
				    "store.name-too-long", f, "", "%s",
				    err->text);
				f->attrs |= LIST_NOSELECT;
			}
		} else if (f->status.listed) {
			names_show(acc, f);
		}
		if (f->status.listed)
			f->excluded = !wanted(acc, f);
	}
	if (!imap_can(acc->work, CAP_LIST_STATUS) && ask_counters(acc, err) < 0)
		return -1;
	/* A STATUS that never came proves nothing. */
	for (size_t i = 0; i < acc->n_folders; i++)
		if (acc->folder[i]->status.have == 0)
			folder_mark(acc->folder[i], DIRTY_REMOTE);
	return 0;
}
