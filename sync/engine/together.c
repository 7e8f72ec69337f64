/*
 * together.c — several folders' mail, landed at once.  Called by carry.c.
 */
#include "engine/together.h"

#include <stdlib.h>

#include "base/mem.h"
#include "engine/download.h"
#include "engine/gather.h"

/* Files of one batch that are alike would not find each other (dedupe), and scripts
 * are asked about one folder at a time. */
bool
together_suits(const struct account *acc, const struct folder *f)
{
	return f->work.n == 0 && f->work.n_fresh > 0 && !f->alone &&
	    (f->policy.pull & POLICY_NEW) && acc->hooks == NULL &&
	    acc->conf->dedupe == DEDUPE_NO &&
	    !str_ieq(str_z(f->wire), STR("INBOX"));
}

int
together_take(struct together *t, struct folder *f, struct err *err)
{
	struct account *acc = t->acc;
	struct tally before = acc->tally;
	usec started = clock_now();
	struct waiting *w;
	int r;

	t->v = array_room(t->v, t->n, &t->cap, sizeof(*t->v));
	w = &t->v[t->n++];
	*w = (struct waiting){ .f = f, .arrived = { .acc = acc, .f = f } };
	r = download_into(&w->arrived, err);
	if (r < 0) {
		w->failed = true;
		if (!download_keeps(err))
			land_clear(&w->arrived);
	} else if (!gather_silent(acc, f)) {
		folder_mark(f, DIRTY_REMOTE);
	}
	w->did = tally_since(&before, &acc->tally);
	w->took = clock_now() - started;
	return r;
}

/* Those of which something has arrived; the caller frees them. */
static struct arrivals **
heap(const struct together *t, size_t *n)
{
	struct arrivals **a = xreallocarray(NULL, t->n, sizeof(*a));

	*n = 0;
	for (size_t i = 0; i < t->n; i++)
		if (t->v[i].arrived.n > 0)
			a[(*n)++] = &t->v[i].arrived;
	return a;
}

bool
together_full(const struct together *t)
{
	size_t n;
	struct arrivals **a = heap(t, &n);
	bool full = land_heap_full(a, n);

	free(a);
	return full;
}

int
together_land(struct together *t, struct err *err)
{
	struct arrivals **a;
	size_t n;
	int r;

	for (size_t i = 0; i < t->n; i++) {
		t->v[i].did.downloaded += t->v[i].arrived.n;
		t->v[i].did.bytes_down += t->v[i].arrived.bytes;
	}
	a = heap(t, &n);
	r = land_together(a, n, err);
	free(a);
	for (size_t i = 0; i < t->n && r < 0; i++)
		t->v[i].f->alone = true;
	return r;
}

void
together_clear(struct together *t)
{
	for (size_t i = 0; i < t->n; i++)
		land_clear(&t->v[i].arrived);
	free(t->v);
	*t = (struct together){ .acc = t->acc };
}
