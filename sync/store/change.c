/* change.c — what happened to files: reading what the triggers of
 * schema/007-change.sql wrote. */
#include "store/change.h"

#include <stdlib.h>

#include "base/mem.h"
#include "store/db.h"

int
store_change_name(struct store *s, char **name, struct err *err)
{
	return store_get(s, "change.store", name, err);
}

static int
ends(struct store *s, struct change_mark *end, int64_t *oldest, struct err *err)
{
	sqlite3_stmt *st = db_stmt(s, Q_CHANGE_END, err);

	if (st == NULL || db_step(s, st, err) < 0)
		return -1;
	end->seq = sqlite3_column_int64(st, 0);
	*oldest = sqlite3_column_int64(st, 1);
	end->message = sqlite3_column_int64(st, 2);
	sqlite3_reset(st);
	return 0;
}

int
store_change_knows(struct store *s, const struct change_mark *mark,
    struct err *err)
{
	struct change_mark end;
	int64_t oldest;

	if (ends(s, &end, &oldest, err) < 0)
		return -1;
	return mark->seq >= oldest - 1 && mark->seq <= end.seq &&
	    mark->message <= end.message;
}

int
store_change_next(struct store *s, int64_t *seq, struct change_row *row,
    struct err *err)
{
	struct str *const text[] = { &row->path };
	sqlite3_stmt *st = db_stmt(s, Q_CHANGE_NEXT, err);
	int got;

	if (st == NULL)
		return -1;
	sqlite3_bind_int64(st, 1, *seq);
	got = db_step(s, st, err);
	if (got > 0) {
		*seq = sqlite3_column_int64(st, 0);
		row->message = sqlite3_column_int64(st, 1);
		row->path = db_column(st, 2);
		if (db_borrow(s, Q_CHANGE_NEXT, text, 1, err) < 0)
			got = -1;
	}
	sqlite3_reset(st);
	return got;
}

/* ---- what is on its way ------------------------------------------------- */

/* The ids of messages whose file may not be there yet, ascending. */
struct landing {
	int64_t	*id;
	size_t	 n;
};

static int
find_landing(struct store *s, struct landing *l, struct err *err)
{
	struct cursor *c = cursor_open_stages(s, STAGE(ST_LANDING));
	struct msg_row row;
	int r;

	while ((r = cursor_next(c, &row, err)) > 0) {
		l->id = xreallocarray(l->id, l->n + 1, sizeof(*l->id));
		l->id[l->n++] = row.id;
	}
	cursor_close(c);
	return r;
}

/* One that was there before, and lands again: its change is not over. */
static bool
take_landing(struct landing *l, int64_t id)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->id[i] == id) {
			for (l->n--; i < l->n; i++)
				l->id[i] = l->id[i + 1];
			return true;
		}
	return false;
}

static int
stay_before(struct store *s, struct landing *l, struct change_mark *end,
    struct err *err)
{
	struct change_row row;
	int64_t seq = 0, last = end->seq;
	int got = 0;

	while (l->n > 0 && seq < last &&
	    (got = store_change_next(s, &seq, &row, err)) > 0)
		if (take_landing(l, row.message) && seq <= end->seq)
			end->seq = seq - 1;
	if (got >= 0 && l->n > 0 && l->id[0] <= end->message)
		end->message = l->id[0] - 1;
	return got < 0 ? -1 : 0;
}

int
store_change_end(struct store *s, struct change_mark *end, struct err *err)
{
	struct landing l = { 0 };
	int64_t oldest;
	int r = ends(s, end, &oldest, err);

	if (r == 0)
		r = find_landing(s, &l, err);
	if (r == 0)
		r = stay_before(s, &l, end, err);
	free(l.id);
	return r;
}
