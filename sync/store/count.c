/* count.c — how many messages there are, and whether there is any. */
#include "store/db.h"

/* What is counted is bound, but for the folder. */
static int
count_bound(struct store *s, sqlite3_stmt *st, int64_t folder, uint32_t *n,
    struct err *err)
{
	sqlite3_bind_int64(st, 1, folder);
	if (db_step(s, st, err) < 0)
		return -1;
	*n = (uint32_t)sqlite3_column_int64(st, 0);
	sqlite3_reset(st);
	return 0;
}

static int
count(struct store *s, enum stmt q, int64_t folder, uint32_t *n, struct err *err)
{
	sqlite3_stmt *st = db_stmt(s, q, err);

	return st != NULL ? count_bound(s, st, folder, n, err) : -1;
}

int
store_any(struct store *s, struct err *err)
{
	sqlite3_stmt *st = db_stmt(s, Q_ANY, err);
	int got = st != NULL ? db_step(s, st, err) : -1;

	if (st != NULL)
		sqlite3_reset(st);
	return got;
}

int
store_has_head(struct store *s, const struct hash *head, struct err *err)
{
	sqlite3_stmt *st = db_stmt(s, Q_HAS_HEAD, err);
	int got;

	if (st == NULL)
		return -1;
	sqlite3_bind_blob(st, 1, head->b, sizeof(head->b), SQLITE_STATIC);
	got = db_step(s, st, err);
	sqlite3_reset(st);
	return got;
}

int
store_count_uids(struct store *s, int64_t folder, uint32_t *n, struct err *err)
{
	return count(s, Q_COUNT_UIDS, folder, n, err);
}

int
store_count_range(struct store *s, int64_t folder, uint32_t lo, uint32_t hi,
    uint32_t *n, struct err *err)
{
	sqlite3_stmt *st = db_stmt(s, Q_COUNT_RANGE, err);

	if (st == NULL)
		return -1;
	sqlite3_bind_int64(st, 2, lo);
	sqlite3_bind_int64(st, 3, hi);
	return count_bound(s, st, folder, n, err);
}

int
store_last_uid(struct store *s, int64_t folder, uint32_t *uid, struct err *err)
{
	return count(s, Q_LAST_UID, folder, uid, err);
}

int
store_count(struct store *s, int64_t folder, uint32_t *n, struct err *err)
{
	return count(s, Q_COUNT, folder, n, err);
}

int
store_count_unseen(struct store *s, int64_t folder, uint32_t *n, struct err *err)
{
	return count(s, Q_COUNT_UNSEEN, folder, n, err);
}

int
store_totals(struct store *s, uint64_t *messages, uint64_t *bytes,
    struct err *err)
{
	sqlite3_stmt *st = db_stmt(s, Q_TOTALS, err);

	if (st == NULL || db_step(s, st, err) < 0)
		return -1;
	*messages = (uint64_t)sqlite3_column_int64(st, 0);
	*bytes = (uint64_t)sqlite3_column_int64(st, 1);
	sqlite3_reset(st);
	return 0;
}
