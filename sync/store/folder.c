/* folder.c — the rows of folders and of their keywords. */
#include "store/db.h"

#include "base/attr.h"
#include "base/mem.h"

int
store_folder_put(struct store *s, struct folder_row *row, struct err *err)
{
	bool insert = row->id == 0;
	sqlite3_stmt *st = db_stmt(s, insert ? Q_FOLDER_INSERT : Q_FOLDER_UPDATE,
	    err);

	if (st == NULL)
		return -1;
	db_bind_blob(st, 1, row->wire);
	db_bind_blob(st, 2, row->path);
	sqlite3_bind_int64(st, 3, (unsigned char)row->delim);
	sqlite3_bind_int64(st, 4, row->attrs);
	db_bind_blob(st, 5, row->objid);
	sqlite3_bind_int64(st, 6, (int64_t)row->validity.v);
	sqlite3_bind_int64(st, 7, row->uidnext);
	sqlite3_bind_int64(st, 8, (int64_t)row->modseq.v);
	sqlite3_bind_int64(st, 9, row->messages);
	sqlite3_bind_int64(st, 10, row->mtime_cur);
	sqlite3_bind_int64(st, 11, row->mtime_new);
	db_bind_text(st, 12, row->held);
	sqlite3_bind_int64(st, 13, (int64_t)row->dirs);
	if (!insert)
		sqlite3_bind_int64(st, 14, row->id);
	if (db_run(s, st, err) < 0)
		return -1;
	if (insert)
		row->id = sqlite3_last_insert_rowid(s->db);
	return 0;
}

int
store_folder_remove(struct store *s, int64_t id, struct err *err)
{
	return db_run_with(s, Q_FOLDER_REMOVE, id, err);
}

static void
read_row(sqlite3_stmt *st, struct folder_row *row)
{
	*row = (struct folder_row){
		.id = sqlite3_column_int64(st, 0),
		.wire = db_column(st, 1),
		.path = db_column(st, 2),
		.delim = (char)sqlite3_column_int64(st, 3),
		.attrs = (unsigned)sqlite3_column_int64(st, 4),
		.objid = db_column(st, 5),
		.validity = { (uint64_t)sqlite3_column_int64(st, 6) },
		.uidnext = (uint32_t)sqlite3_column_int64(st, 7),
		.modseq = { (uint64_t)sqlite3_column_int64(st, 8) },
		.messages = (uint32_t)sqlite3_column_int64(st, 9),
		.mtime_cur = sqlite3_column_int64(st, 10),
		.mtime_new = sqlite3_column_int64(st, 11),
		.held = db_column(st, 12),
		.dirs = (uint64_t)sqlite3_column_int64(st, 13),
	};
}

bool
store_folder_next(struct store *s, int64_t *at, struct folder_row *row,
    struct err *err)
{
	struct str *const text[] = { &row->wire, &row->path, &row->objid,
	    &row->held };
	sqlite3_stmt *st = db_stmt(s, Q_FOLDER_NEXT, err);
	bool got;

	if (st == NULL)
		return false;
	sqlite3_bind_int64(st, 1, *at);
	got = db_step(s, st, err) > 0;
	if (got) {
		read_row(st, row);
		got = db_borrow(s, Q_FOLDER_NEXT, text, ARRAY_LEN(text), err) == 0;
	}
	sqlite3_reset(st);
	if (got)
		*at = row->id;
	return got;
}

int
store_kw_load(struct store *s, int64_t folder, struct kwtab *t, struct err *err)
{
	sqlite3_stmt *st = db_stmt(s, Q_KW_LOAD, err);
	int got;

	if (st == NULL)
		return -1;
	kwtab_clear(t);
	sqlite3_bind_int64(st, 1, folder);
	while ((got = db_step(s, st, err)) > 0) {
		/* Bits are dense; a hole would renumber what follows. */
		if (sqlite3_column_int64(st, 0) != (int64_t)t->n ||
		    kwtab_bit(t, db_column(st, 1)) < 0) {
			sqlite3_reset(st);
			return err_set(err, ERR_LOCAL, "state.corrupt",
			    "the keyword table of a folder is damaged");
		}
	}
	return got;
}

int
store_kw_save(struct store *s, int64_t folder, const struct kwtab *t,
    struct err *err)
{
	for (size_t i = 0; i < t->n; i++) {
		sqlite3_stmt *st = db_stmt(s, Q_KW_SAVE, err);

		if (st == NULL)
			return -1;
		sqlite3_bind_int64(st, 1, folder);
		sqlite3_bind_int64(st, 2, (int64_t)i);
		db_bind_text(st, 3, str_z(t->name[i]));
		if (db_run(s, st, err) < 0)
			return -1;
	}
	return 0;
}
