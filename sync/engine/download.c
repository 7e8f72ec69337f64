/*
 * download.c — fresh messages: newest first, ranges in flight, bodies straight to
 * tmp/, landed in batches by land.c.
 */
#include <string.h>

#include "base/clock.h"
#include "engine/apply.h"
#include "engine/download.h"
#include "engine/land.h"
#include "engine/remote.h"
#include "imap/cmd.h"

/* A range is bounded by messages: their sizes are not known.  Two are in flight,
 * so that the wire does not idle while one is being landed.  Where there are many,
 * the first few land by themselves: somebody may be waiting to read. */
enum { RANGE = 200, IN_FLIGHT = 2, FIRST = 20 };

struct download {
	struct account	*acc;
	struct folder	*f;
	struct arrivals	*arrived;
	bool		 open;		/* EV_BODY came, EV_MSG has not */
	uint64_t	 size;
	bool		 too_big;
	size_t		 next;		/* fresh[next - 1] is asked for next */
	uint32_t	 req[IN_FLIGHT];
	size_t		 lo[IN_FLIGHT], hi[IN_FLIGHT];	/* fresh[lo, hi) */
	size_t		 in_flight;
};

/* ---- arriving --------------------------------------------------------- */

static int
quarantine(struct download *d, struct uid uid, bool for_good, const char *code,
    const char *why, struct err *err)
{
	struct msg_row row = {
		.folder = d->f->id,
		.uid = uid,
		.stage = ST_REFUSED,
		.when = for_good ? 0 : clock_wall(),
	};
	int r;

	problem_open(d->acc, PROBLEM_WARNING, code, d->f, "",
	    "%s: message %u: %s; it stays on the server only", d->f->name,
	    uid.v, why);
	d->acc->tally.refused++;
	if (account_begin(d->acc, err) < 0)
		return -1;
	r = store_msg_put(d->acc->store, &row, err);
	if (r == 0)
		r = account_audit(d->acc, "refuse", d->f, &row, why, err);
	return account_end(d->acc, r, err);
}

/* sys == UINT32_MAX marks what has arrived: the uids must stay in order. */
static int
begin_body(struct download *d, const struct event *ev, struct err *err)
{
	d->open = true;
	d->size = ev->body.size;
	d->too_big = ev->body.size >
	    (uint64_t)d->acc->conf->limits.max_message_size;
	return d->too_big ? 0 : land_begin(d->arrived, err);
}

static int
body_data(struct download *d, struct str bytes, struct err *err)
{
	if (!d->open || d->too_big)
		return 0;
	return land_data(d->arrived, bytes, err);
}

static int
end_body(struct download *d, const struct ev_msg *m, struct err *err)
{
	struct seen *fresh = work_fresh(&d->f->work, m->uid);
	struct arrival *a;

	if (!d->open)
		return 0;
	d->open = false;
	if (fresh == NULL || fresh->sys == UINT32_MAX) {
		/* Not asked for, or twice: the base says what we have. */
		land_discard(d->arrived);
		return 0;
	}
	d->acc->progress->done++;
	if (d->too_big || d->size == 0) {
		fresh->sys = UINT32_MAX;
		land_discard(d->arrived);
		return d->too_big ? quarantine(d, m->uid, true, "server.too-big",
		    "larger than limits.max_message_size", err) :
		    quarantine(d, m->uid, false, "server.poison",
		    "the server gives no bytes for it", err);
	}
	a = land_end(d->arrived, (m->have & MSG_DATE) ? m->date :
	    clock_wall() / 1000000, err);
	if (a == NULL)
		return -1;
	a->uid = m->uid;
	a->modseq = m->modseq;
	a->flags = (struct flags){ fresh->sys, fresh->kw };
	if (m->have & MSG_FLAGS) {
		a->flags = (struct flags){ 0 };
		for (size_t i = 0; i < m->n_flags; i++)
			flags_from_imap(&a->flags, &d->f->kw, m->flags[i]);
	}
	if (m->have & MSG_OBJID)
		a->objid = str_dup(m->objid);
	fresh->sys = UINT32_MAX;
	return land_full(d->arrived) ? land_all(d->arrived, err) : 0;
}

/* ---- asking ----------------------------------------------------------- */

static uint32_t
ask_bodies(struct download *d, size_t lo, size_t hi)
{
	struct uidset uids;
	uint32_t req = 0;

	uidset_init(&uids);
	for (size_t i = lo; i < hi; i++)
		if (d->f->work.fresh[i].sys != UINT32_MAX)
			uidset_add(&uids, d->f->work.fresh[i].uid,
			    d->f->work.fresh[i].uid);
	if (uids.n > 0)
		req = imap_fetch(d->acc->work, &uids, FETCH_FLAGS | FETCH_DATE |
		    FETCH_OBJID | FETCH_BODY, (struct modseq){ 0 });
	uidset_clear(&uids);
	return req;
}

/* The range that ends there lands by itself. */
static bool
is_first(const struct download *d, size_t hi)
{
	return hi == d->f->work.n_fresh && hi > RANGE;
}

static void
fill_window(struct download *d)
{
	while (d->in_flight < IN_FLIGHT && d->next > 0) {
		size_t hi = d->next, n = is_first(d, hi) ? FIRST : RANGE;
		size_t lo = hi > n ? hi - n : 0;
		uint32_t req = ask_bodies(d, lo, hi);

		d->next = lo;
		if (req == 0)
			continue;
		d->req[d->in_flight] = req;
		d->lo[d->in_flight] = lo;
		d->hi[d->in_flight] = hi;
		d->in_flight++;
	}
}

static int
pump_until(struct download *d, uint32_t *answered, enum done_status *status,
    struct err *err)
{
	struct event ev;
	int r;

	for (;;) {
		r = remote_next(d->acc, &ev, err);
		if (r < 0)
			return -1;
		switch (ev.kind) {
		case EV_BODY:
			r = begin_body(d, &ev, err);
			break;
		case EV_DATA:
			r = body_data(d, ev.data, err);
			break;
		case EV_MSG:
			r = end_body(d, &ev.msg, err);
			break;
		case EV_DONE:
			*answered = ev.done.req;
			*status = ev.done.status;
			return 0;
		default:
			break;
		}
		if (r < 0)
			return -1;
	}
}

/* A range that was refused, or came short, is asked for one by one: what fails
 * alone is a message that the server cannot give. */
static int
one_by_one(struct download *d, size_t lo, size_t hi, struct err *err)
{
	for (size_t i = hi; i-- > lo;) {
		struct seen *m = &d->f->work.fresh[i];
		enum done_status status;
		uint32_t req, answered;

		if (m->sys == UINT32_MAX)
			continue;
		req = ask_bodies(d, i, i + 1);
		d->req[0] = req;
		d->in_flight = 1;
		do
			if (pump_until(d, &answered, &status, err) < 0)
				return -1;
		while (answered != req);
		d->in_flight = 0;
		if (m->sys == UINT32_MAX)
			continue;
		if (status == DONE_OK) {
			/* It is gone by now; the next round knows. */
			d->f->work.failed = true;
			folder_mark(d->f, DIRTY_REMOTE);
			continue;
		}
		if (quarantine(d, (struct uid){ m->uid }, false, "server.poison",
		    "the server refuses to give it", err) < 0)
			return -1;
		m->sys = UINT32_MAX;
	}
	return 0;
}

static bool
came_short(const struct download *d, size_t lo, size_t hi)
{
	for (size_t i = lo; i < hi; i++)
		if (d->f->work.fresh[i].sys != UINT32_MAX)
			return true;
	return false;
}

static int
run(struct download *d, struct err *err)
{
	struct { size_t lo, hi; } again[64];
	size_t n_again = 0;

	fill_window(d);
	while (d->in_flight > 0) {
		enum done_status status;
		uint32_t answered;

		if (pump_until(d, &answered, &status, err) < 0)
			return -1;
		for (size_t i = 0; i < d->in_flight; i++) {
			if (d->req[i] != answered)
				continue;
			if (is_first(d, d->hi[i]) &&
			    land_all(d->arrived, err) < 0)
				return -1;
			if (came_short(d, d->lo[i], d->hi[i])) {
				if (n_again == ARRAY_LEN(again))
					return err_set(err, ERR_FOLDER,
					    "server.refused",
					    "%s: the server refuses to give "
					    "its messages", d->f->name);
				again[n_again].lo = d->lo[i];
				again[n_again++].hi = d->hi[i];
			}
			d->in_flight--;
			memmove(&d->req[i], &d->req[i + 1],
			    (d->in_flight - i) * sizeof(d->req[0]));
			memmove(&d->lo[i], &d->lo[i + 1],
			    (d->in_flight - i) * sizeof(d->lo[0]));
			memmove(&d->hi[i], &d->hi[i + 1],
			    (d->in_flight - i) * sizeof(d->hi[0]));
			break;
		}
		fill_window(d);
	}
	for (size_t i = 0; i < n_again; i++)
		if (one_by_one(d, again[i].lo, again[i].hi, err) < 0)
			return -1;
	return 0;
}

bool
download_keeps(const struct err *err)
{
	return err->class == ERR_RETRY || err->class == ERR_PROTO;
}

static uint64_t
count_fresh(const struct folder *f)
{
	uint64_t n = 0;

	for (size_t i = 0; i < f->work.n_fresh; i++)
		n += f->work.fresh[i].uid != 0;
	return n;
}

int
download_into(struct arrivals *a, struct err *err)
{
	struct folder *f = a->f;
	struct download d = { .acc = a->acc, .f = f, .arrived = a,
	    .next = f->work.n_fresh };
	int r;

	progress_phase(a->acc->progress, PHASE_DOWNLOAD, f->name,
	    count_fresh(f));
	if (remote_select(a->acc, f, err) < 0 ||
	    land_prepare(a->acc, f, err) < 0)
		return -1;
	r = run(&d, err);
	for (size_t i = 0; i < d.in_flight && r < 0; i++)
		remote_drain(a->acc, d.req[i], err);
	land_discard(a);
	return r;
}

int
apply_downloads(struct account *acc, struct folder *f, struct err *err)
{
	struct arrivals a = { .acc = acc, .f = f };
	struct err ignored;
	int r;

	if (f->work.n_fresh == 0 || !(f->policy.pull & POLICY_NEW))
		return 0;
	r = download_into(&a, err);
	if ((r == 0 || download_keeps(err)) &&
	    land_all(&a, r == 0 ? err : &ignored) < 0)
		r = -1;
	land_clear(&a);
	return r;
}
