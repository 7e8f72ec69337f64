/* maildrop.c — listing a POP3 server, and recognising what it lists. */
#include "engine/maildrop.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sorted.h"
#include "engine/header.h"
#include "engine/remote.h"
#include "pop3/lane.h"

/* Long enough for a server that comes back from a backup. */
enum { REMEMBER_DAYS = 30 };

static size_t
index_of(const struct maildrop *m, const struct uidl_row *row)
{
	return (size_t)(row - m->row);
}

/* ---- the list --------------------------------------------------------- */

static int
number_order(const void *a, const void *b)
{
	const struct drop_msg *x = a, *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

/* After LIST: in order, as a rule, and each once. */
static void
sort_numbers(struct maildrop *m)
{
	size_t n = 0;

	if (m->n > 1)
		qsort(m->v, m->n, sizeof(*m->v), number_order);
	for (size_t i = 0; i < m->n; i++)
		if (n == 0 || m->v[n - 1].number != m->v[i].number)
			m->v[n++] = m->v[i];
	m->n = n;
}

static struct drop_msg *
find_number(const struct maildrop *m, uint32_t number)
{
	const struct drop_msg key = { .number = number };

	return sorted_find(&key, m->v, m->n, sizeof(*m->v), number_order);
}

/* LIST says which messages there are, UIDL what they are called. */
static void
note(struct maildrop *m, const struct ev_msg *msg)
{
	struct drop_msg *d;

	if (msg->have & MSG_SIZE) {
		m->v = array_room(m->v, m->n, &m->cap, sizeof(*m->v));
		m->v[m->n++] = (struct drop_msg){ .number = msg->uid.v,
		    .size = msg->size };
		return;
	}
	d = find_number(m, msg->uid.v);
	if (d != NULL && d->uidl == NULL && msg->objid.n > 0)
		d->uidl = str_dup(msg->objid);
}

static int
ask(struct maildrop *m, struct err *err)
{
	uint32_t list = pop3_list(m->acc->work), uidl = pop3_uidl(m->acc->work);
	struct event ev;

	for (;;) {
		if (remote_next(m->acc, &ev, err) < 0)
			return -1;
		if (ev.kind == EV_MSG)
			note(m, &ev.msg);
		if (ev.kind != EV_DONE)
			continue;
		if (ev.done.req == list && ev.done.status != DONE_OK)
			return err_set(err, ERR_RETRY, "server.refused",
			    "the server does not list its messages: %.*s",
			    STR_ARG(ev.done.text));
		if (ev.done.req == list)
			sort_numbers(m);
		if (ev.done.req != uidl)
			continue;
		m->has_ids = ev.done.status == DONE_OK;
		return 0;
	}
}

/* ---- what is known ---------------------------------------------------- */

static int
cmp_text(const char *a, const char *b)
{
	return str_cmp(str_z(a), str_z(b));
}

static int
cmp_size(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int
row_order(const void *a, const void *b)
{
	const struct uidl_row *x = a, *y = b;
	int r = cmp_text(x->uidl, y->uidl);

	if (r == 0)
		r = cmp_size(x->size, y->size);
	return r != 0 ? r : (x->message > y->message) - (x->message < y->message);
}

static int
msg_order(const void *a, const void *b)
{
	const struct drop_msg *x = *(struct drop_msg *const *)a;
	const struct drop_msg *y = *(struct drop_msg *const *)b;
	int r = cmp_text(x->uidl, y->uidl);

	if (r == 0)
		r = cmp_size(x->size, y->size);
	return r != 0 ? r : (x->number > y->number) - (x->number < y->number);
}

static void
take(struct maildrop *m, struct drop_msg *d, struct uidl_row *row, bool doubt)
{
	d->row = row;
	d->doubt = doubt;
	m->taken[index_of(m, row)] = true;
}

/* Both are sorted by id and size.  ${exact}: both must fit, and the message must
 * not have been away; else the id is enough for a doubt. */
static void
join(struct maildrop *m, struct drop_msg **by_id, bool exact)
{
	size_t k = 0;

	for (size_t i = 0; i < m->n; i++) {
		struct drop_msg *d = by_id[i];

		if (d->uidl == NULL || d->row != NULL)
			continue;
		for (; k < m->n_rows; k++) {
			const struct uidl_row *row = &m->row[k];
			int r = cmp_text(row->uidl, d->uidl);

			if (r == 0 && exact)
				r = cmp_size(row->size, d->size);
			if (r > 0)
				break;
			if (r == 0 && !m->taken[k] && row->uidl != NULL &&
			    (!exact || row->gone == 0)) {
				take(m, d, &m->row[k++], !exact);
				break;
			}
		}
	}
}

static void
recognise(struct maildrop *m)
{
	struct drop_msg **by_id = xreallocarray(NULL, m->n + 1, sizeof(*by_id));

	for (size_t i = 0; i < m->n; i++)
		by_id[i] = &m->v[i];
	qsort(by_id, m->n, sizeof(*by_id), msg_order);
	if (m->n_rows > 1)
		qsort(m->row, m->n_rows, sizeof(*m->row), row_order);
	for (size_t i = 1; i < m->n; i++)
		if (by_id[i]->uidl != NULL &&
		    cmp_text(by_id[i]->uidl, by_id[i - 1]->uidl) == 0)
			by_id[i]->twin = by_id[i - 1]->twin = true;
	join(m, by_id, true);
	join(m, by_id, false);
	free(by_id);
}

/* Most ids are new and most that we knew are gone: it is the ids that changed,
 * as a rule, not the mail. */
static bool
renumbered(struct maildrop *m)
{
	size_t known = 0, vanished = 0, fresh = 0;

	for (size_t i = 0; i < m->n_rows; i++) {
		known += m->row[i].gone == 0;
		vanished += m->row[i].gone == 0 && !m->taken[i];
	}
	for (size_t i = 0; i < m->n; i++)
		fresh += m->v[i].row == NULL;
	return m->has_ids && vanished * 2 > known && fresh * 2 > m->n;
}

/* ---- doubts ----------------------------------------------------------- */

/* A header that streams by. */
struct look {
	struct hasher	*hasher;
	struct header	 header;
};

static bool
same_content(const struct uidl_row *row, const struct drop_msg *d,
    const struct look *look, const struct msgid_hash *id, bool same_id)
{
	const char *msgid = look->header.msgid;
	bool sized = same_id || d->size == row->size || d->size == row->wire_size;

	if (hash_eq(&row->head, &id->head))
		return same_id || sized || msgid != NULL;
	return msgid != NULL && row->msgid != NULL && sized &&
	    strcmp(msgid, row->msgid) == 0;
}

static int
msgid_order(const void *a, const void *b)
{
	const struct uidl_row *x = *(struct uidl_row *const *)a;
	const struct uidl_row *y = *(struct uidl_row *const *)b;
	int r = cmp_text(x->msgid, y->msgid);

	return r != 0 ? r : (x->message > y->message) - (x->message < y->message);
}

/* Rows that no listed message is, by Message-ID. */
struct lost {
	struct uidl_row	**v;
	size_t		  n;
};

static void
lost_rows(const struct maildrop *m, struct lost *l)
{
	l->n = 0;
	l->v = xreallocarray(NULL, m->n_rows + 1, sizeof(*l->v));
	for (size_t i = 0; i < m->n_rows; i++)
		if (!m->taken[i] && m->row[i].msgid != NULL)
			l->v[l->n++] = &m->row[i];
	qsort(l->v, l->n, sizeof(*l->v), msgid_order);
}

static int
has_msgid(const void *msgid, const void *row)
{
	return cmp_text(msgid, (*(struct uidl_row *const *)row)->msgid);
}

static size_t
lost_find(const struct lost *l, const char *msgid)
{
	return sorted_at(msgid, l->v, l->n, sizeof(*l->v), has_msgid);
}

static void
settle_doubt(struct maildrop *m, struct lost *lost, struct drop_msg *d,
    struct look *look)
{
	const char *msgid;
	struct msgid_hash id;

	header_end(&look->header);
	hasher_end(look->hasher, &id);
	msgid = look->header.msgid;
	d->doubt = false;
	if (d->row != NULL && (d->row->stage == ST_REFUSED ||
	    same_content(d->row, d, look, &id, true)))
		return;
	if (d->row != NULL)
		m->taken[index_of(m, d->row)] = false;
	d->row = NULL;
	if (msgid == NULL)
		return;
	for (size_t i = lost_find(lost, msgid); i < lost->n &&
	    strcmp(lost->v[i]->msgid, msgid) == 0; i++)
		if (!m->taken[index_of(m, lost->v[i])] &&
		    same_content(lost->v[i], d, look, &id, false)) {
			take(m, d, lost->v[i], false);
			return;
		}
}

/* No TOP here.  The same id: the size lies.  Else nobody can say. */
static void
leave_doubt(struct maildrop *m, struct drop_msg *d)
{
	d->doubt = false;
	if (d->row == NULL)
		m->held = true;
}

static int
look_at(struct maildrop *m, struct lost *lost, struct look *look,
    struct err *err)
{
	size_t at = 0;
	struct event ev;

	for (size_t i = 0; i < m->n; i++)
		if (m->v[i].doubt)
			(void)pop3_top(m->acc->work, m->v[i].number);
	while (at < m->n) {
		struct drop_msg *d = &m->v[at];

		if (!d->doubt) {
			at++;
			continue;
		}
		if (remote_next(m->acc, &ev, err) < 0)
			return -1;
		if (ev.kind == EV_DATA) {
			hasher_add(look->hasher, ev.data.p, ev.data.n);
			header_add(&look->header, ev.data);
		} else if (ev.kind == EV_DONE) {
			if (ev.done.status == DONE_OK)
				settle_doubt(m, lost, d, look);
			else
				leave_doubt(m, d);
			header_clear(&look->header);
		}
	}
	return 0;
}

static int
settle_doubts(struct maildrop *m, struct err *err)
{
	struct look look = { .hasher = hasher_new() };
	struct lost lost;
	int r;

	lost_rows(m, &lost);
	r = look_at(m, &lost, &look, err);
	header_clear(&look.header);
	hasher_free(look.hasher);
	free(lost.v);
	return r;
}

int
maildrop_read(struct maildrop *m, bool trust, struct err *err)
{
	size_t doubts = 0;

	m->now = clock_wall();
	if (ask(m, err) < 0 || store_uidl_load(m->acc->store, &m->row,
	    &m->n_rows, err) < 0)
		return -1;
	m->taken = xcalloc(m->n_rows + 1, sizeof(*m->taken));
	recognise(m);
	if (!trust && renumbered(m)) {
		log_notice("%s: most messages have new ids: their headers are "
		    "compared", m->f->name);
		for (size_t i = 0; i < m->n; i++)
			m->v[i].doubt = m->v[i].doubt || m->v[i].row == NULL;
	}
	for (size_t i = 0; i < m->n; i++)
		doubts += m->v[i].doubt;
	return doubts > 0 ? settle_doubts(m, err) : 0;
}

/* ---- recording -------------------------------------------------------- */

static bool
changed(const struct drop_msg *d)
{
	return d->row != NULL && d->uidl != NULL && (d->row->gone != 0 ||
	    d->row->size != d->size || cmp_text(d->row->uidl, d->uidl) != 0);
}

static int
record_msg(struct maildrop *m, const struct drop_msg *d, struct err *err)
{
	free(d->row->uidl);
	d->row->uidl = xstrdup(d->uidl);
	d->row->size = d->size;
	d->row->gone = 0;
	return store_uidl_put(m->acc->store, d->row, err);
}

static int
record(struct maildrop *m, int64_t forget, struct err *err)
{
	for (size_t i = 0; i < m->n; i++)
		if (changed(&m->v[i]) && record_msg(m, &m->v[i], err) < 0)
			return -1;
	for (size_t i = 0; i < m->n_rows; i++) {
		if (m->taken[i] || m->row[i].gone != 0 || m->row[i].uidl == NULL)
			continue;
		m->row[i].gone = m->now;
		if (store_uidl_put(m->acc->store, &m->row[i], err) < 0)
			return -1;
	}
	return store_uidl_forget(m->acc->store, forget, err);
}

int
maildrop_record(struct maildrop *m, struct err *err)
{
	int64_t forget = m->now - REMEMBER_DAYS * USEC_S(86400);
	bool any = false;

	for (size_t i = 0; i < m->n && !any; i++)
		any = changed(&m->v[i]);
	for (size_t i = 0; i < m->n_rows && !any; i++)
		any = !m->taken[i] && m->row[i].uidl != NULL &&
		    (m->row[i].gone == 0 || m->row[i].gone < forget);
	if (!any)
		return 0;
	if (account_begin(m->acc, err) < 0)
		return -1;
	return account_end(m->acc, record(m, forget, err), err);
}

/* ---- the rest --------------------------------------------------------- */

struct uidl_row *
maildrop_by_content(struct maildrop *m, struct drop_msg *d,
    const struct hash *all)
{
	for (size_t i = 0; i < m->n_rows; i++)
		if (!m->taken[i] && m->row[i].uidl == NULL &&
		    m->row[i].stage != ST_REFUSED &&
		    hash_eq(&m->row[i].all, all)) {
			take(m, d, &m->row[i], false);
			return d->row;
		}
	return NULL;
}

int
maildrop_refuse(struct account *acc, const struct folder *f, struct msg_row *row,
    struct uidl_row *listed, const char *why, struct err *err)
{
	int r;

	row->folder = f->id;
	row->stage = ST_REFUSED;
	r = row->id != 0 ? store_msg_add(acc->store, row, err) :
	    store_msg_put(acc->store, row, err);
	listed->message = row->id;
	if (r == 0)
		r = store_uidl_put(acc->store, listed, err);
	return r < 0 ? -1 : account_audit(acc, "refuse", f, row, why, err);
}

struct uidl_row
maildrop_row(const struct maildrop *m, const struct drop_msg *d)
{
	return (struct uidl_row){
		.uidl = xstrdup(d->uidl),
		.size = d->size,
		.since = m->now,
		.keep = d->landed.keep,
	};
}

void
maildrop_clear(struct maildrop *m)
{
	for (size_t i = 0; i < m->n; i++)
		free(m->v[i].uidl);
	free(m->v);
	store_uidl_clear(m->row, m->n_rows);
	free(m->taken);
}
