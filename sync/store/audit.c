/* audit.c — every change that was made, and why. */
#include "store/db.h"

#include "base/attr.h"

int
store_audit(struct store *s, const struct audit_row *row, struct err *err)
{
	sqlite3_stmt *st = db_stmt(s, Q_AUDIT_ADD, err);

	if (st == NULL)
		return -1;
	sqlite3_bind_int64(st, 1, row->when);
	db_bind_text(st, 2, row->op);
	sqlite3_bind_blob64(st, 3, row->folder.p != NULL ? row->folder.p : "",
	    row->folder.n, SQLITE_TRANSIENT);
	if (row->msg != 0)
		sqlite3_bind_int64(st, 4, row->msg);
	if (row->uid.v != 0)
		sqlite3_bind_int64(st, 5, row->uid.v);
	db_bind_blob(st, 6, row->msgid);
	db_bind_blob(st, 7, row->subject);
	sqlite3_bind_text64(st, 8, row->reason.p != NULL ? row->reason.p : "",
	    row->reason.n, SQLITE_TRANSIENT, SQLITE_UTF8);
	return db_run(s, st, err);
}

static void
read_row(sqlite3_stmt *st, struct audit_row *row)
{
	*row = (struct audit_row){
		.seq = sqlite3_column_int64(st, 0),
		.when = sqlite3_column_int64(st, 1),
		.op = db_column(st, 2),
		.folder = db_column(st, 3),
		.msg = sqlite3_column_int64(st, 4),
		.uid = { (uint32_t)sqlite3_column_int64(st, 5) },
		.msgid = db_column(st, 6),
		.subject = db_column(st, 7),
		.reason = db_column(st, 8),
	};
}

int
store_audit_next(struct store *s, int64_t *at, struct str folder,
    struct str msgid, struct audit_row *row, struct err *err)
{
	struct str *const text[] = { &row->op, &row->folder, &row->msgid,
	    &row->subject, &row->reason };
	enum stmt q = msgid.n > 0 ? Q_AUDIT_OF : Q_AUDIT_NEXT;
	sqlite3_stmt *st = db_stmt(s, q, err);
	int got;

	if (st == NULL)
		return -1;
	sqlite3_bind_int64(st, 1, *at);
	db_bind_blob(st, 2, folder);
	if (q == Q_AUDIT_OF)
		db_bind_blob(st, 3, msgid);
	got = db_step(s, st, err);
	if (got > 0) {
		read_row(st, row);
		if (db_borrow(s, q, text, ARRAY_LEN(text), err) < 0)
			got = -1;
	}
	sqlite3_reset(st);
	if (got > 0)
		*at = row->seq;
	return got;
}

int
store_audit_end(struct store *s, int64_t *seq, struct err *err)
{
	sqlite3_stmt *st = db_stmt(s, Q_AUDIT_END, err);

	return st != NULL ? db_number(s, st, seq, err) : -1;
}

int
store_audit_trim(struct store *s, int64_t most, struct err *err)
{
	return db_run_with(s, Q_AUDIT_TRIM, most, err);
}
