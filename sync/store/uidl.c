/* uidl.c — what a POP3 server calls the messages that came from it. */
#include "store/db.h"

#include <stdlib.h>

#include "base/mem.h"

int
store_uidl_put(struct store *s, const struct uidl_row *row, struct err *err)
{
	sqlite3_stmt *st = db_stmt(s, Q_UIDL_PUT, err);

	if (st == NULL)
		return -1;
	sqlite3_bind_int64(st, 1, row->message);
	db_bind_blob(st, 2, str_z(row->uidl));
	sqlite3_bind_int64(st, 3, (int64_t)row->size);
	sqlite3_bind_int64(st, 4, row->since);
	db_bind_some(st, 5, row->gone);
	sqlite3_bind_int(st, 6, row->keep);
	return db_run(s, st, err);
}

static char *
column_text(sqlite3_stmt *st, int at)
{
	struct str s = db_column(st, at);

	return s.n > 0 ? str_dup(s) : NULL;
}

int
store_uidl_load(struct store *s, struct uidl_row **v, size_t *n, struct err *err)
{
	sqlite3_stmt *st = db_stmt(s, Q_UIDL_LOAD, err);
	size_t cap = 0;
	int got;

	*v = NULL;
	*n = 0;
	if (st == NULL)
		return -1;
	while ((got = db_step(s, st, err)) > 0) {
		*v = array_room(*v, *n, &cap, sizeof(**v));
		(*v)[(*n)++] = (struct uidl_row){
			.message = sqlite3_column_int64(st, 0),
			.uidl = column_text(st, 1),
			.size = (uint64_t)sqlite3_column_int64(st, 2),
			.since = sqlite3_column_int64(st, 3),
			.gone = sqlite3_column_int64(st, 4),
			.stage = (enum stage)sqlite3_column_int64(st, 5),
			.wire_size = (uint64_t)sqlite3_column_int64(st, 6),
			.head = db_column_hash(st, 7),
			.all = db_column_hash(st, 8),
			.msgid = column_text(st, 9),
			.keep = (enum uidl_keep)sqlite3_column_int(st, 10),
		};
	}
	if (got < 0) {
		store_uidl_clear(*v, *n);
		*v = NULL;
		*n = 0;
	}
	return got;
}

void
store_uidl_clear(struct uidl_row *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(v[i].uidl);
		free(v[i].msgid);
	}
	free(v);
}

int
store_uidl_forget(struct store *s, int64_t when, struct err *err)
{
	return db_run_with(s, Q_UIDL_FORGET, when, err);
}
