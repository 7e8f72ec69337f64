/*
 * message.c — the rows of messages.
 *
 * A cursor copies a page of rows and lets the statement go, so that rows may be
 * put and removed while it is open; the next page starts behind the last key.
 */
#include "store/db.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/script.h"

static void
bind_hash(sqlite3_stmt *st, int at, const struct hash *h)
{
	static const struct hash none;

	if (!hash_eq(h, &none))
		sqlite3_bind_blob(st, at, h->b, sizeof(h->b), SQLITE_TRANSIENT);
}

/* Which one it is and where: the first seven of a statement. */
static void
bind_place(sqlite3_stmt *st, const struct msg_row *row)
{
	sqlite3_bind_int64(st, 1, row->id);
	sqlite3_bind_int64(st, 2, row->folder);
	db_bind_some(st, 3, row->uid.v);
	sqlite3_bind_int64(st, 4, row->stage);
	db_bind_blob(st, 5, row->unique);
	db_bind_blob(st, 6, row->file);
	sqlite3_bind_int64(st, 7, row->in_new);
}

/* All of the row to the statement ${q}, which takes them in order. */
static int
write_row(struct store *s, enum stmt q, const struct msg_row *row,
    struct err *err)
{
	sqlite3_stmt *st = db_stmt(s, q, err);

	if (st == NULL)
		return -1;
	bind_place(st, row);
	sqlite3_bind_int64(st, 8, (int64_t)row->ino);
	sqlite3_bind_int64(st, 9, (int64_t)row->size);
	sqlite3_bind_int64(st, 10, (int64_t)row->wire_size);
	sqlite3_bind_int64(st, 11, row->eol);
	sqlite3_bind_int64(st, 12, row->flags.sys);
	sqlite3_bind_int64(st, 13, (int64_t)row->flags.kw);
	sqlite3_bind_int64(st, 14, (int64_t)row->modseq.v);
	bind_hash(st, 15, &row->head);
	bind_hash(st, 16, &row->all);
	sqlite3_bind_int64(st, 17, row->date);
	db_bind_blob(st, 18, row->objid);
	db_bind_some(st, 19, row->to);
	db_bind_some(st, 20, row->seek);
	db_bind_some(st, 21, row->when);
	db_bind_blob(st, 22, row->subject);
	db_bind_blob(st, 23, row->from);
	db_bind_blob(st, 24, row->msgid);
	return db_run(s, st, err);
}

/* Numbers are given out before their rows are written: never twice. */
int64_t
store_msg_id(struct store *s, struct err *err)
{
	sqlite3_stmt *st;

	if (s->last_id == 0) {
		st = db_stmt(s, Q_LAST_ID, err);
		if (st == NULL || db_number(s, st, &s->last_id, err) < 0)
			return 0;
	}
	return ++s->last_id;
}

int
store_msg_add(struct store *s, const struct msg_row *row, struct err *err)
{
	return write_row(s, Q_MSG_INSERT, row, err);
}

int
store_msg_put(struct store *s, struct msg_row *row, struct err *err)
{
	if (row->id != 0)
		return write_row(s, Q_MSG_REPLACE, row, err);
	row->id = store_msg_id(s, err);
	return row->id == 0 ? -1 : store_msg_add(s, row, err);
}

int
store_msg_touch(struct store *s, const struct msg_row *row, struct err *err)
{
	sqlite3_stmt *st = db_stmt(s, Q_MSG_TOUCH, err);

	if (st == NULL)
		return -1;
	sqlite3_bind_int64(st, 1, row->id);
	sqlite3_bind_int64(st, 2, row->flags.sys);
	sqlite3_bind_int64(st, 3, (int64_t)row->flags.kw);
	sqlite3_bind_int64(st, 4, (int64_t)row->modseq.v);
	db_bind_blob(st, 5, row->file);
	sqlite3_bind_int64(st, 6, row->in_new);
	return db_run(s, st, err);
}

int
store_msg_present(struct store *s, int64_t id, struct err *err)
{
	return db_run_with(s, Q_MSG_PRESENT, id, err);
}

int
store_msg_taken(struct store *s, int64_t id, uint32_t uid, struct err *err)
{
	sqlite3_stmt *st = db_stmt(s, Q_MSG_TAKEN, err);

	if (st == NULL)
		return -1;
	sqlite3_bind_int64(st, 1, id);
	db_bind_some(st, 2, uid);
	return db_run(s, st, err);
}

int
store_msg_moved(struct store *s, const struct msg_row *row, struct err *err)
{
	sqlite3_stmt *st = db_stmt(s, Q_MSG_MOVED, err);

	if (st == NULL)
		return -1;
	bind_place(st, row);
	sqlite3_bind_int64(st, 8, row->flags.sys);
	sqlite3_bind_int64(st, 9, (int64_t)row->flags.kw);
	return db_run(s, st, err);
}

int
store_msg_remove(struct store *s, int64_t id, struct err *err)
{
	return db_run_with(s, Q_MSG_REMOVE, id, err);
}

/* SQLite's own checks do not look into values; before they are cut to size. */
static bool
in_range(sqlite3_stmt *st, int at, int64_t max)
{
	int64_t v = sqlite3_column_int64(st, at);

	return v >= 0 && v <= max;
}

static int
read_row(sqlite3_stmt *st, struct msg_row *row, struct err *err)
{
	*row = (struct msg_row){
		.id = sqlite3_column_int64(st, 0),
		.folder = sqlite3_column_int64(st, 1),
		.uid = { (uint32_t)sqlite3_column_int64(st, 2) },
		.stage = (enum stage)sqlite3_column_int64(st, 3),
		.unique = db_column(st, 4),
		.file = db_column(st, 5),
		.in_new = sqlite3_column_int64(st, 6) != 0,
		.ino = (uint64_t)sqlite3_column_int64(st, 7),
		.size = (uint64_t)sqlite3_column_int64(st, 8),
		.wire_size = (uint64_t)sqlite3_column_int64(st, 9),
		.eol = (enum eol)sqlite3_column_int64(st, 10),
		.flags = { (uint32_t)sqlite3_column_int64(st, 11),
		    (uint64_t)sqlite3_column_int64(st, 12) },
		.modseq = { (uint64_t)sqlite3_column_int64(st, 13) },
		.head = db_column_hash(st, 14),
		.all = db_column_hash(st, 15),
		.date = sqlite3_column_int64(st, 16),
		.objid = db_column(st, 17),
		.to = sqlite3_column_int64(st, 18),
		.seek = (uint32_t)sqlite3_column_int64(st, 19),
		.when = sqlite3_column_int64(st, 20),
		.subject = db_column(st, 21),
		.from = db_column(st, 22),
		.msgid = db_column(st, 23),
	};
	if (in_range(st, 3, ST_REPLACED) && in_range(st, 10, EOL_MIXED) &&
	    in_range(st, 11, FLAG_ALL))
		return 0;
	return err_set(err, ERR_LOCAL, "state.corrupt",
	    "the row of message %lld is damaged", (long long)row->id);
}

enum { TEXTS = 6 };

static void
texts_of(struct msg_row *row, struct str *text[TEXTS])
{
	struct str *const all[TEXTS] = { &row->unique, &row->file, &row->objid,
	    &row->subject, &row->from, &row->msgid };

	memcpy(text, all, sizeof(all));
}

static int
find(struct store *s, enum stmt q, struct msg_row *row, struct err *err)
{
	sqlite3_stmt *st = s->stmt[q];
	int got = db_step(s, st, err);

	if (got > 0) {
		struct str *text[TEXTS];

		texts_of(row, text);
		if (read_row(st, row, err) < 0 ||
		    db_borrow(s, q, text, TEXTS, err) < 0)
			got = -1;
	}
	sqlite3_reset(st);
	return got;
}

int
store_find_id(struct store *s, int64_t id, struct msg_row *row, struct err *err)
{
	sqlite3_stmt *st = db_stmt(s, Q_FIND_ID, err);

	if (st == NULL)
		return -1;
	sqlite3_bind_int64(st, 1, id);
	return find(s, Q_FIND_ID, row, err);
}

int
store_find_uid(struct store *s, int64_t folder, struct uid uid,
    struct msg_row *row, struct err *err)
{
	sqlite3_stmt *st = db_stmt(s, Q_FIND_UID, err);

	if (st == NULL)
		return -1;
	sqlite3_bind_int64(st, 1, folder);
	sqlite3_bind_int64(st, 2, uid.v);
	return find(s, Q_FIND_UID, row, err);
}

int
store_find_unique(struct store *s, int64_t folder, struct str unique,
    struct msg_row *row, struct err *err)
{
	sqlite3_stmt *st = db_stmt(s, Q_FIND_UNIQ, err);

	if (st == NULL)
		return -1;
	sqlite3_bind_int64(st, 1, folder);
	db_bind_blob(st, 2, unique);
	return find(s, Q_FIND_UNIQ, row, err);
}

/* ---- cursors ---------------------------------------------------------- */

enum { PAGE_ROWS = 256, PAGE_TEXT = 8 << 20 };

struct cursor {
	struct store	*s;
	enum stmt	 q;
	int64_t		 folder;
	unsigned	 stages;
	struct buf	 key;		/* objid, msgid or head */
	uint64_t	 wire_size;
	int64_t		 last;		/* uid or id behind which to go on */
	struct buf	 last_unique;
	struct buf	 text;		/* what the rows borrow */
	size_t		 n, at;
	bool		 end;
	struct msg_row	 row[];		/* PAGE_ROWS */
};

/* The page is left as it is: most cursors look for one message. */
static struct cursor *
cursor_new(struct store *s, enum stmt q, int64_t folder)
{
	struct cursor *c = xmalloc(sizeof(*c) + PAGE_ROWS * sizeof(c->row[0]));

	*c = (struct cursor){ .s = s, .q = q, .folder = folder };
	buf_init(&c->key, 4096);
	buf_init(&c->last_unique, 4096);
	buf_init(&c->text, PAGE_TEXT);
	return c;
}

struct cursor *
cursor_open(struct store *s, int64_t folder, enum cursor_order order,
    struct err *err)
{
	static const enum stmt q[] = { [BY_UID] = Q_BY_UID,
	    [BY_UNIQUE] = Q_BY_UNIQ };

	(void)err;
	return cursor_new(s, q[order], folder);
}

struct cursor *
cursor_open_stages(struct store *s, unsigned stages)
{
	struct cursor *c = cursor_new(s, Q_BY_STAGE, 0);

	c->stages = stages;
	return c;
}

struct cursor *
cursor_open_unlisted(struct store *s, int64_t after)
{
	struct cursor *c = cursor_new(s, Q_UNLISTED, 0);

	c->last = after;
	return c;
}

struct cursor *
cursor_open_newer(struct store *s, int64_t after)
{
	struct cursor *c = cursor_new(s, Q_NEWER, 0);

	c->last = after;
	return c;
}

static struct cursor *
with_key(struct cursor *c, struct str key, struct err *err)
{
	if (buf_add_str(&c->key, key) == 0)
		return c;
	cursor_close(c);
	err_set(err, ERR_MSG, "proto.unexpected", "an object id is too long");
	return NULL;
}

struct cursor *
cursor_open_objid(struct store *s, struct str objid, struct err *err)
{
	return with_key(cursor_new(s, Q_BY_OBJID, 0), objid, err);
}

struct cursor *
cursor_open_msgid(struct store *s, struct str msgid, struct err *err)
{
	return with_key(cursor_new(s, Q_BY_MSGID, 0), msgid, err);
}

struct cursor *
cursor_open_head(struct store *s, int64_t folder, const struct hash *head,
    uint64_t wire_size, struct err *err)
{
	struct cursor *c = cursor_new(s, folder != 0 ? Q_BY_HEAD_IN : Q_BY_HEAD,
	    folder);

	c->wire_size = wire_size;
	return with_key(c, (struct str){ (const char *)head->b,
	    sizeof(head->b) }, err);
}

static void
bind_cursor(struct cursor *c, sqlite3_stmt *st)
{
	if (c->q == Q_BY_UID || c->q == Q_BY_UNIQ)
		sqlite3_bind_int64(st, 1, c->folder);
	else if (c->q == Q_BY_STAGE)
		sqlite3_bind_int64(st, 1, c->stages);
	else if (c->q != Q_UNLISTED && c->q != Q_NEWER)
		db_bind_blob(st, 1, buf_str(&c->key));
	if (c->q == Q_BY_UNIQ)
		sqlite3_bind_blob64(st, 2, c->last_unique.n > 0 ?
		    (const void *)c->last_unique.p : "", c->last_unique.n,
		    SQLITE_TRANSIENT);
	else
		sqlite3_bind_int64(st, 2, c->last);
	if (c->q == Q_BY_HEAD || c->q == Q_BY_HEAD_IN)
		sqlite3_bind_int64(st, 3, (int64_t)c->wire_size);
	if (c->q == Q_BY_HEAD_IN)
		sqlite3_bind_int64(st, 4, c->folder);
}

/* The texts of a row, moved into the page; as offsets until the page is full,
 * because the buffer may move. */
static int
keep_text(struct cursor *c, struct str *text)
{
	size_t at = c->text.n;

	if (text->n == 0)
		return 0;
	if (buf_add_str(&c->text, *text) < 0)
		return -1;
	text->p = (const char *)at;
	return 0;
}

static void
settle_text(struct cursor *c, struct str *text)
{
	if (text->n > 0)
		text->p = (const char *)c->text.p + (size_t)text->p;
}

static int
fill_page(struct cursor *c, struct err *err)
{
	sqlite3_stmt *st = db_stmt(c->s, c->q, err);
	int got = -1;

	c->n = c->at = 0;
	buf_reset(&c->text);
	if (st == NULL)
		return -1;
	bind_cursor(c, st);
	while (c->n < PAGE_ROWS && (got = db_step(c->s, st, err)) > 0) {
		struct str *text[TEXTS];
		bool room = true;

		if (read_row(st, &c->row[c->n], err) < 0) {
			got = -1;
			break;
		}
		texts_of(&c->row[c->n], text);
		for (size_t i = 0; i < TEXTS && room; i++)
			room = keep_text(c, text[i]) == 0;
		if (!room)
			break;
		c->n++;
	}
	sqlite3_reset(st);
	if (got < 0)
		return -1;
	for (size_t k = 0; k < c->n; k++) {
		struct str *text[TEXTS];

		texts_of(&c->row[k], text);
		for (size_t i = 0; i < TEXTS; i++)
			settle_text(c, text[i]);
	}
	c->end = c->n < PAGE_ROWS && got == 0;
	if (c->n == 0)
		return 0;
	c->last = c->q == Q_BY_UID ? (int64_t)c->row[c->n - 1].uid.v :
	    c->row[c->n - 1].id;
	buf_reset(&c->last_unique);
	return buf_add_str(&c->last_unique, c->row[c->n - 1].unique);
}

int
cursor_next(struct cursor *c, struct msg_row *row, struct err *err)
{
	if (c->at == c->n) {
		if (c->end)
			return 0;
		if (fill_page(c, err) < 0)
			return -1;
		if (c->n == 0)
			return 0;
	}
	*row = c->row[c->at++];
	return 1;
}

void
cursor_close(struct cursor *c)
{
	if (c == NULL)
		return;
	buf_clear(&c->key);
	buf_clear(&c->last_unique);
	buf_clear(&c->text);
	free(c);
}

int
store_search(struct store *s, const struct script_query *q, int64_t after,
    struct msg_row *row, struct err *err)
{
	sqlite3_stmt *st = db_stmt(s, Q_SEARCH, err);

	if (st == NULL)
		return -1;
	sqlite3_bind_int64(st, 1, after);
	sqlite3_bind_int64(st, 2, q->folder);
	sqlite3_bind_int64(st, 3, q->sys_set);
	sqlite3_bind_int64(st, 4, q->sys_clear);
	sqlite3_bind_int64(st, 5, q->since);
	sqlite3_bind_int64(st, 6, q->before);
	sqlite3_bind_int64(st, 7, (int64_t)q->larger);
	sqlite3_bind_int64(st, 8, (int64_t)q->smaller);
	db_bind_blob(st, 9, q->msgid);
	return find(s, Q_SEARCH, row, err);
}
