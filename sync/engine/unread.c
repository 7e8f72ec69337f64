/* unread.c — called by the steps of a round; the state knows since when, for whoever
 * runs one round at a time. */
#include "engine/unread.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

#define SINCE	"unread.since"

static const int64_t patience = USEC_S(3600);

void
unread_mark(struct folder *f)
{
	f->skip = f->work.failed = f->unread = true;
}

void
unread_mark_here(struct folder *f)
{
	unread_mark(f);
	f->unseen = true;
}

bool
unread_changed(const struct change *c)
{
	return c->msg != 0 && c->known == KNOWN_BOTH && c->local == SIDE_PRESENT &&
	    !flags_eq(c->local_flags, c->base);
}

/* What is listed and never was a mailbox does not count. */
static bool
any_unread(const struct account *acc)
{
	for (size_t i = 0; i < acc->n_folders; i++) {
		const struct folder *f = acc->folder[i];

		if (f->unread && f->validity.v != 0 && folder_active(f))
			return true;
	}
	return false;
}

bool
unread_waits(const struct account *acc)
{
	return any_unread(acc) && (acc->unread_since == 0 ||
	    clock_wall() - acc->unread_since < patience);
}

bool
unread_here(const struct account *acc)
{
	for (size_t i = 0; i < acc->n_folders; i++)
		if (acc->folder[i]->unseen && folder_active(acc->folder[i]))
			return unread_waits(acc);
	return false;
}

int
unread_load(struct account *acc, struct err *err)
{
	char *text;

	if (store_get(acc->store, SINCE, &text, err) < 0)
		return -1;
	acc->unread_since = text != NULL ? strtoll(text, NULL, 10) : 0;
	free(text);
	return 0;
}

int
unread_end(struct account *acc, struct err *err)
{
	bool any = any_unread(acc);
	char text[24];

	if (any == (acc->unread_since != 0))
		return 0;
	acc->unread_since = any ? clock_wall() : 0;
	snprintf(text, sizeof(text), "%" PRId64, acc->unread_since);
	return store_set(acc->store, SINCE, str_z(text), err);
}
