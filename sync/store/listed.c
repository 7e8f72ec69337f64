/* listed.c — which messages have a line in the manifest. */
#include "store/db.h"

int
store_listed_add(struct store *s, int64_t msg, struct err *err)
{
	return db_run_with(s, Q_LISTED_ADD, msg, err);
}

int
store_listed_low(struct store *s, int64_t *id, struct err *err)
{
	sqlite3_stmt *st = db_stmt(s, Q_LISTED_LOW, err);

	return st != NULL ? db_number(s, st, id, err) : -1;
}
