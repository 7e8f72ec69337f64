/*
 * dedupe.c — one file for a message that is in several folders.
 *
 * Found by digest, proven by comparing the bytes.  The names share whatever is the
 * file's and not the name's: that is the date, so only messages of one date are
 * linked; and the content, so nothing is linked that mail programs write to: drafts.
 * Flags are in the names.  Where a server that was built anew gives them different
 * dates, all names have that which was met last.
 */
#include "engine/dedupe.h"

#include <stdlib.h>

#include "maildir/deliver.h"

static bool
is_written_to(const struct folder *f, struct flags flags)
{
	return (f->attrs & LIST_DRAFTS) || (flags.sys & FLAG_DRAFT);
}

/* 1: linked to the file of ${row}, 0. */
static int
link_to(struct account *acc, struct arrival *one, const struct folder *home,
    const struct msg_row *row)
{
	struct folder *f = account_by_id(acc, row->folder);
	struct err ignored;
	char *file;
	int r;

	if (row->stage != ST_PRESENT || row->unique.n == 0 ||
	    !hash_eq(&row->all, &one->landing.id.all) || f == NULL ||
	    f == home || is_written_to(f, row->flags) ||
	    folder_load(acc, f, &ignored) < 0)
		return 0;
	file = str_dup(row->file);
	r = deliver_link(&one->landing, one->date, f->fd, row->in_new, file);
	free(file);
	return r;
}

static int
dedupe(struct account *acc, struct arrival *one, const struct folder *home,
    struct err *err)
{
	struct cursor *c;
	struct msg_row row;
	int got, linked = 0;

	if (is_written_to(home, one->show))
		return 0;
	c = cursor_open_head(acc->store, 0, &one->landing.id.head,
	    one->landing.id.wire_size, err);
	if (c == NULL)
		return -1;
	while (linked == 0 && (got = cursor_next(c, &row, err)) > 0)
		linked = link_to(acc, one, home, &row);
	cursor_close(c);
	return linked > 0 ? 0 : got;
}

int
dedupe_arrivals(struct arrivals *a, struct err *err)
{
	if (a->acc->conf->dedupe == DEDUPE_NO)
		return 0;
	for (size_t i = 0; i < a->n; i++) {
		struct arrival *one = &a->v[i];

		if (dedupe(a->acc, one, one->to != NULL ? one->to : a->f,
		    err) < 0)
			return -1;
	}
	return 0;
}
