/* script.c — what scripts keep, and what they planned. */
#include "store/script.h"

#include <string.h>

#include "base/attr.h"
#include "store/db.h"

/* An empty text is a text here, not NULL. */
static void
bind_full(sqlite3_stmt *st, int at, struct str s)
{
	sqlite3_bind_text64(st, at, s.p != NULL ? s.p : "", s.n,
	    SQLITE_TRANSIENT, SQLITE_UTF8);
}

static void
bind_bytes(sqlite3_stmt *st, int at, struct str s)
{
	sqlite3_bind_blob64(st, at, s.p != NULL ? s.p : "", s.n,
	    SQLITE_TRANSIENT);
}

/* ---- stores of plugins ------------------------------------------------ */

static sqlite3_stmt *
kv_stmt(struct store *s, enum stmt q, const struct script_key *k,
    struct err *err)
{
	sqlite3_stmt *st = db_stmt(s, q, err);

	if (st == NULL)
		return NULL;
	bind_full(st, 1, k->plugin);
	bind_full(st, 2, k->store);
	bind_bytes(st, 3, k->key);
	return st;
}

static int
take_column(sqlite3_stmt *st, int at, struct buf *out, struct err *err)
{
	buf_reset(out);
	if (buf_add_str(out, db_column(st, at)) == 0)
		return 0;
	return err_set(err, ERR_LOCAL, "state.corrupt",
	    "the state database is damaged: a value is too long");
}

int
store_kv_get(struct store *s, const struct script_key *k, int64_t now,
    struct buf *value, struct err *err)
{
	sqlite3_stmt *st = kv_stmt(s, Q_KV_GET, k, err);
	int got;

	if (st == NULL)
		return -1;
	sqlite3_bind_int64(st, 4, now);
	got = db_step(s, st, err);
	if (got > 0 && take_column(st, 0, value, err) < 0)
		got = -1;
	sqlite3_reset(st);
	return got;
}

int
store_kv_next(struct store *s, const struct script_key *k, int64_t now,
    struct buf *key, struct buf *value, struct err *err)
{
	sqlite3_stmt *st = kv_stmt(s, Q_KV_NEXT, k, err);
	int got;

	if (st == NULL)
		return -1;
	sqlite3_bind_int64(st, 4, now);
	got = db_step(s, st, err);
	if (got > 0 && (take_column(st, 0, key, err) < 0 ||
	    take_column(st, 1, value, err) < 0))
		got = -1;
	sqlite3_reset(st);
	return got;
}

static int
check_room(struct store *s, const struct script_key *k, struct str value,
    struct err *err)
{
	sqlite3_stmt *st = db_stmt(s, Q_KV_SIZE, err);
	int64_t used;

	if (st == NULL)
		return -1;
	bind_full(st, 1, k->plugin);
	if (db_number(s, st, &used, err) < 0)
		return -1;
	if (value.n <= SCRIPT_VALUE_MAX && k->key.n <= SCRIPT_KEY_MAX &&
	    used + (int64_t)(value.n + k->key.n) <= SCRIPT_STORE_MAX)
		return 0;
	return err_set(err, ERR_MSG, "plugin.store-full", "%.*s: store %.*s: "
	    "no room for %zu more bytes", STR_ARG(k->plugin), STR_ARG(k->store),
	    value.n);
}

int
store_kv_put(struct store *s, const struct script_key *k, struct str value,
    int64_t expires, struct err *err)
{
	sqlite3_stmt *st;

	if (check_room(s, k, value, err) < 0 ||
	    (st = kv_stmt(s, Q_KV_PUT, k, err)) == NULL)
		return -1;
	bind_bytes(st, 4, value);
	sqlite3_bind_int64(st, 5, expires);
	return db_run(s, st, err);
}

int
store_kv_remove(struct store *s, const struct script_key *k, struct err *err)
{
	sqlite3_stmt *st = kv_stmt(s, Q_KV_REMOVE, k, err);

	return st != NULL ? db_run(s, st, err) : -1;
}

int
store_kv_expire(struct store *s, int64_t now, struct err *err)
{
	return db_run_with(s, Q_KV_EXPIRE, now, err);
}

/* ---- events ------------------------------------------------------------ */

int
store_event_add(struct store *s, const struct script_event *e, struct err *err)
{
	sqlite3_stmt *st = db_stmt(s, Q_EVENT_ADD, err);

	if (st == NULL)
		return -1;
	sqlite3_bind_int64(st, 1, e->kind + EVENT_KINDS_MAX * e->queue);
	sqlite3_bind_int64(st, 2, e->msg);
	bind_full(st, 3, e->origin);
	sqlite3_bind_int64(st, 4, e->depth);
	bind_bytes(st, 5, e->mailbox);
	bind_bytes(st, 6, e->detail);
	sqlite3_bind_int64(st, 7, e->sys_in);
	sqlite3_bind_int64(st, 8, e->sys_out);
	bind_full(st, 9, e->kw_in);
	bind_full(st, 10, e->kw_out);
	return db_run(s, st, err);
}

/* The row of ${q} was read; its texts are lent from here on.  1 or -1. */
static int
lend(struct store *s, enum stmt q, struct str *const *text, size_t n,
    struct err *err)
{
	int r = db_borrow(s, q, text, n, err);

	sqlite3_reset(s->stmt[q]);
	return r < 0 ? -1 : 1;
}

/* The row of ${q} behind *at, whose first column is its number. */
static int
next_row(struct store *s, enum stmt q, int64_t at, sqlite3_stmt **st,
    struct err *err)
{
	*st = db_stmt(s, q, err);
	if (*st == NULL)
		return -1;
	sqlite3_bind_int64(*st, 1, at);
	return db_step(s, *st, err);
}

/* The queue is in the kind: kinds of the later one begin at EVENT_KINDS_MAX. */
int
store_event_next(struct store *s, enum event_queue q, int64_t *at,
    struct script_event *e, struct err *err)
{
	struct str *const text[] = { &e->origin, &e->mailbox, &e->detail,
	    &e->kw_in, &e->kw_out };
	sqlite3_stmt *st = db_stmt(s, Q_EVENT_NEXT, err);
	int got;

	if (st == NULL)
		return -1;
	sqlite3_bind_int64(st, 1, *at);
	sqlite3_bind_int64(st, 2, q);
	got = db_step(s, st, err);
	if (got <= 0)
		return got;
	*e = (struct script_event){
		.seq = sqlite3_column_int64(st, 0),
		.queue = q,
		.kind = (unsigned)sqlite3_column_int64(st, 1) %
		    EVENT_KINDS_MAX,
		.msg = sqlite3_column_int64(st, 2),
		.origin = db_column(st, 3),
		.depth = (unsigned)sqlite3_column_int64(st, 4),
		.mailbox = db_column(st, 5),
		.detail = db_column(st, 6),
		.sys_in = (uint32_t)sqlite3_column_int64(st, 7),
		.sys_out = (uint32_t)sqlite3_column_int64(st, 8),
		.kw_in = db_column(st, 9),
		.kw_out = db_column(st, 10),
	};
	*at = e->seq;
	return lend(s, Q_EVENT_NEXT, text, ARRAY_LEN(text), err);
}

int
store_event_drop(struct store *s, enum event_queue q, int64_t seq,
    struct err *err)
{
	sqlite3_stmt *st = db_stmt(s, Q_EVENT_DROP, err);

	if (st == NULL)
		return -1;
	sqlite3_bind_int64(st, 1, seq);
	sqlite3_bind_int64(st, 2, q);
	return db_run(s, st, err);
}

/* ---- steps --------------------------------------------------------------- */

int
store_step_add(struct store *s, const struct script_step *p, struct err *err)
{
	sqlite3_stmt *st = db_stmt(s, Q_STEP_ADD, err);

	if (st == NULL)
		return -1;
	sqlite3_bind_int64(st, 1, p->msg);
	sqlite3_bind_int64(st, 2, p->op);
	sqlite3_bind_int64(st, 3, p->sys);
	bind_bytes(st, 4, p->arg);
	bind_full(st, 5, p->plugin);
	bind_full(st, 6, p->place);
	sqlite3_bind_int64(st, 7, p->depth);
	return db_run(s, st, err);
}

int
store_step_next(struct store *s, int64_t *at, struct script_step *p,
    struct err *err)
{
	struct str *const text[] = { &p->arg, &p->plugin, &p->place };
	sqlite3_stmt *st;
	int got = next_row(s, Q_STEP_NEXT, *at, &st, err);

	if (got <= 0)
		return got;
	*p = (struct script_step){
		.seq = sqlite3_column_int64(st, 0),
		.msg = sqlite3_column_int64(st, 1),
		.op = (unsigned)sqlite3_column_int64(st, 2),
		.sys = (uint32_t)sqlite3_column_int64(st, 3),
		.arg = db_column(st, 4),
		.plugin = db_column(st, 5),
		.place = db_column(st, 6),
		.depth = (unsigned)sqlite3_column_int64(st, 7),
	};
	*at = p->seq;
	return lend(s, Q_STEP_NEXT, text, ARRAY_LEN(text), err);
}

int
store_step_drop(struct store *s, int64_t seq, struct err *err)
{
	return db_run_with(s, Q_STEP_DROP, seq, err);
}

/* ---- effects ------------------------------------------------------------- */

int
store_effect_add(struct store *s, const struct script_effect *e,
    struct str input, struct err *err)
{
	sqlite3_stmt *st = db_stmt(s, Q_EFFECT_ADD, err);

	if (st == NULL)
		return -1;
	bind_full(st, 1, e->plugin);
	bind_full(st, 2, e->place);
	bind_full(st, 3, e->verb);
	sqlite3_bind_int64(st, 4, e->op);
	sqlite3_bind_int64(st, 5, e->msg);
	bind_bytes(st, 6, e->argv);
	db_bind_blob(st, 7, input);
	sqlite3_bind_int64(st, 8, e->whole);
	sqlite3_bind_int64(st, 9, e->once);
	sqlite3_bind_int64(st, 10, e->timeout);
	sqlite3_bind_int64(st, 11, e->state);
	sqlite3_bind_int64(st, 12, e->when);
	return db_run(s, st, err);
}

int
store_effect_next(struct store *s, enum effect_state state, int64_t *at,
    struct script_effect *e, struct err *err)
{
	struct str *const text[] = { &e->plugin, &e->place, &e->verb, &e->argv,
	    &e->why };
	sqlite3_stmt *st = db_stmt(s, Q_EFFECT_NEXT, err);
	int got;

	if (st == NULL)
		return -1;
	sqlite3_bind_int64(st, 1, state);
	sqlite3_bind_int64(st, 2, *at);
	got = db_step(s, st, err);
	if (got <= 0)
		return got;
	*e = (struct script_effect){
		.id = sqlite3_column_int64(st, 0),
		.plugin = db_column(st, 1),
		.place = db_column(st, 2),
		.verb = db_column(st, 3),
		.op = (unsigned)sqlite3_column_int64(st, 4),
		.msg = sqlite3_column_int64(st, 5),
		.argv = db_column(st, 6),
		.input = sqlite3_column_int64(st, 7) != 0,
		.whole = sqlite3_column_int64(st, 8) != 0,
		.once = (unsigned)sqlite3_column_int64(st, 9),
		.timeout = sqlite3_column_int64(st, 10),
		.state = (enum effect_state)sqlite3_column_int64(st, 11),
		.when = sqlite3_column_int64(st, 12),
		.tries = (unsigned)sqlite3_column_int64(st, 13),
		.why = db_column(st, 14),
	};
	*at = e->id;
	return lend(s, Q_EFFECT_NEXT, text, ARRAY_LEN(text), err);
}

int
store_effect_input(struct store *s, int64_t id, struct buf *input,
    struct err *err)
{
	sqlite3_stmt *st;
	int got = next_row(s, Q_EFFECT_INPUT, id, &st, err);

	if (got <= 0)
		return got;
	if (take_column(st, 0, input, err) < 0)
		got = -1;
	sqlite3_reset(st);
	return got;
}

int
store_effect_set(struct store *s, int64_t id, enum effect_state state,
    int64_t when, struct str why, struct err *err)
{
	sqlite3_stmt *st = db_stmt(s, Q_EFFECT_SET, err);

	if (st == NULL)
		return -1;
	sqlite3_bind_int64(st, 1, id);
	sqlite3_bind_int64(st, 2, state);
	sqlite3_bind_int64(st, 3, when);
	bind_full(st, 4, why);
	return db_run(s, st, err);
}

int
store_effect_drop(struct store *s, int64_t id, struct err *err)
{
	return db_run_with(s, Q_EFFECT_DROP, id, err);
}

int
store_effect_trim(struct store *s, int64_t when, struct err *err)
{
	return db_run_with(s, Q_EFFECT_TRIM, when, err);
}

/* ---- owed ---------------------------------------------------------------- */

int
store_owed_put(struct store *s, const struct script_owed *o, struct err *err)
{
	sqlite3_stmt *st = db_stmt(s, Q_OWED_PUT, err);

	if (st == NULL)
		return -1;
	bind_full(st, 1, o->plugin);
	sqlite3_bind_int64(st, 2, o->msg);
	sqlite3_bind_int64(st, 3, o->when);
	bind_full(st, 4, o->why);
	return db_run(s, st, err);
}

int
store_owed_remove(struct store *s, struct str plugin, int64_t msg,
    struct err *err)
{
	sqlite3_stmt *st = db_stmt(s, Q_OWED_REMOVE, err);

	if (st == NULL)
		return -1;
	bind_full(st, 1, plugin);
	sqlite3_bind_int64(st, 2, msg);
	return db_run(s, st, err);
}

int
store_owed_next(struct store *s, struct str plugin, int64_t *at,
    struct script_owed *o, struct err *err)
{
	struct str *const text[] = { &o->plugin, &o->why };
	sqlite3_stmt *st = db_stmt(s, Q_OWED_NEXT, err);
	int got;

	if (st == NULL)
		return -1;
	bind_full(st, 1, plugin);
	sqlite3_bind_int64(st, 2, *at);
	got = db_step(s, st, err);
	if (got <= 0)
		return got;
	*o = (struct script_owed){
		.plugin = db_column(st, 0),
		.msg = sqlite3_column_int64(st, 1),
		.when = sqlite3_column_int64(st, 2),
		.tries = (unsigned)sqlite3_column_int64(st, 3),
		.why = db_column(st, 4),
	};
	*at = o->msg;
	return lend(s, Q_OWED_NEXT, text, ARRAY_LEN(text), err);
}

int
store_owed_count(struct store *s, struct str plugin, uint32_t *n,
    struct err *err)
{
	sqlite3_stmt *st = db_stmt(s, Q_OWED_COUNT, err);
	int64_t v;

	if (st == NULL)
		return -1;
	bind_full(st, 1, plugin);
	if (db_number(s, st, &v, err) < 0)
		return -1;
	*n = (uint32_t)v;
	return 0;
}

/* ---- who caused it --------------------------------------------------------- */

int
store_cause_put(struct store *s, const struct script_cause *c, struct err *err)
{
	sqlite3_stmt *st = db_stmt(s, Q_CAUSE_PUT, err);

	if (st == NULL)
		return -1;
	sqlite3_bind_int64(st, 1, c->msg);
	sqlite3_bind_int64(st, 2, c->kind);
	bind_full(st, 3, c->plugin);
	sqlite3_bind_int64(st, 4, c->depth);
	sqlite3_bind_int64(st, 5, c->when);
	return db_run(s, st, err);
}

int
store_cause_take(struct store *s, int64_t msg, unsigned kind, int64_t since,
    struct script_cause *c, struct err *err)
{
	struct str *const text[] = { &c->plugin };
	sqlite3_stmt *st = db_stmt(s, Q_CAUSE_GET, err);
	int got;

	if (st == NULL)
		return -1;
	sqlite3_bind_int64(st, 1, msg);
	sqlite3_bind_int64(st, 2, kind);
	got = db_step(s, st, err);
	if (got <= 0)
		return got;
	*c = (struct script_cause){
		.msg = msg,
		.kind = kind,
		.plugin = db_column(st, 0),
		.depth = (unsigned)sqlite3_column_int64(st, 1),
		.when = sqlite3_column_int64(st, 2),
	};
	if (lend(s, Q_CAUSE_GET, text, ARRAY_LEN(text), err) < 0 ||
	    (st = db_stmt(s, Q_CAUSE_REMOVE, err)) == NULL)
		return -1;
	sqlite3_bind_int64(st, 1, msg);
	sqlite3_bind_int64(st, 2, kind);
	if (db_run(s, st, err) < 0)
		return -1;
	return c->when >= since;
}

/* ---- timers and marks -------------------------------------------------------- */

static sqlite3_stmt *
timer_stmt(struct store *s, enum stmt q, struct str plugin, struct str spec,
    struct err *err)
{
	sqlite3_stmt *st = db_stmt(s, q, err);

	if (st == NULL)
		return NULL;
	bind_full(st, 1, plugin);
	bind_full(st, 2, spec);
	return st;
}

int
store_timer_get(struct store *s, struct str plugin, struct str spec,
    int64_t *last, struct err *err)
{
	sqlite3_stmt *st = timer_stmt(s, Q_TIMER_GET, plugin, spec, err);

	*last = 0;
	return st != NULL ? db_number(s, st, last, err) : -1;
}

int
store_timer_put(struct store *s, struct str plugin, struct str spec,
    int64_t last, struct err *err)
{
	sqlite3_stmt *st = timer_stmt(s, Q_TIMER_PUT, plugin, spec, err);

	if (st == NULL)
		return -1;
	sqlite3_bind_int64(st, 3, last);
	return db_run(s, st, err);
}

int
store_mark(struct store *s, int64_t folder, struct err *err)
{
	return db_run_with(s, Q_MARK, folder, err);
}

int
store_marked(struct store *s, int64_t folder, struct err *err)
{
	sqlite3_stmt *st = db_stmt(s, Q_MARKED, err);
	int got;

	if (st == NULL)
		return -1;
	sqlite3_bind_int64(st, 1, folder);
	got = db_step(s, st, err);
	sqlite3_reset(st);
	return got;
}
