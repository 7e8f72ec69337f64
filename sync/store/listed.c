/* listed.c — which messages have a line in the manifest. */
#include "store/db.h"

int
store_listed_add(struct store *s, int64_t msg, struct err *err)
{
	sqlite3_stmt *st = db_stmt(s, Q_LISTED_ADD, err);

	if (st == NULL)
		return -1;
	sqlite3_bind_int64(st, 1, msg);
	return db_run(s, st, err);
}

int
store_listed_low(struct store *s, int64_t *id, struct err *err)
{
	sqlite3_stmt *st = db_stmt(s, Q_LISTED_LOW, err);

	if (st == NULL || db_step(s, st, err) < 0)
		return -1;
	*id = sqlite3_column_int64(st, 0);
	sqlite3_reset(st);
	return 0;
}
