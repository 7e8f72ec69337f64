/*
 * watch_pending.c — what became of the names in watched folders, until the caller
 * takes it.
 *
 * A pending event is one unique name of one folder and what became of it.  A file
 * that a client writes in place is kept back until it is closed.  What would take
 * too much memory, and what the kernel lost, becomes one "scan the folder".
 */
#include "maildir/watch_impl.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { PENDING_MAX = 65536 };

static void
pending_free(struct watch_pending *p)
{
	free(p->file);
	free(p);
}

/* Take ${p} out of its queue and its folder's map. */
static void
pending_detach(struct watch *w, struct watch_pending *p)
{
	if (p->state == ST_OPEN) {
		TAILQ_REMOVE(&w->open, p, link);
		w->n_open--;
	} else {
		TAILQ_REMOVE(&w->ready, p, link);
		w->n_ready--;
	}
	map_remove(&p->folder->pending, p->unique);
	if (p->folder->pending.n == 0)
		map_clear(&p->folder->pending);
}

/* Into the queue of its state, and into the map under its present name. */
static void
pending_attach(struct watch *w, struct watch_pending *p, enum watch_state state)
{
	p->state = state;
	if (state == ST_OPEN) {
		TAILQ_INSERT_TAIL(&w->open, p, link);
		w->n_open++;
	} else {
		TAILQ_INSERT_TAIL(&w->ready, p, link);
		w->n_ready++;
	}
	map_put(&p->folder->pending, p->unique, (uintptr_t)p);
}

/* Forget what is pending in ${f}, or in all folders (NULL). */
static void
drop_pending(struct watch *w, const struct watch_folder *f, struct watch_queue *queue)
{
	struct watch_pending *p = TAILQ_FIRST(queue);

	while (p != NULL) {
		struct watch_pending *after = TAILQ_NEXT(p, link);

		if (f == NULL || p->folder == f) {
			pending_detach(w, p);
			pending_free(p);
		}
		p = after;
	}
}

void
watch_scan(struct watch *w, struct watch_folder *f)
{
	if (f->scan)
		return;
	drop_pending(w, f, &w->ready);
	drop_pending(w, f, &w->open);
	f->scan = true;
	w->n_scan++;
}

void
watch_unscan(struct watch *w, struct watch_folder *f)
{
	if (f->scan)
		w->n_scan--;
	f->scan = false;
}

void
watch_scan_all(struct watch *w)
{
	struct watch_folder *f;

	drop_pending(w, NULL, &w->ready);
	drop_pending(w, NULL, &w->open);
	TAILQ_FOREACH(f, &w->all, link)
		watch_unscan(w, f);
	w->scan_all = w->tree = true;
}

void
watch_free_taken(struct watch *w)
{
	struct watch_pending *p;

	while ((p = TAILQ_FIRST(&w->taken)) != NULL) {
		TAILQ_REMOVE(&w->taken, p, link);
		pending_free(p);
	}
}

static struct watch_pending *
find_pending(const struct watch_folder *f, struct str unique)
{
	uintptr_t value;

	if (!map_get(&f->pending, unique, &value))
		return NULL;
	return (struct watch_pending *)value;
}

/* What is true of ${unique} now: ${state}, as ${file} of ${d}.  The event; NULL
 * when the folder is to be scanned instead. */
static struct watch_pending *
now(struct watch *w, struct watch_dir *d, struct str unique, const char *file,
    enum watch_state state)
{
	struct watch_pending *p = find_pending(d->folder, unique);

	if (p == NULL) {
		if (w->n_ready + w->n_open == PENDING_MAX) {
			watch_scan(w, d->folder);
			return NULL;
		}
		p = xcalloc(1, sizeof(*p));
		p->folder = d->folder;
	} else
		pending_detach(w, p);
	if (p->file == NULL || strcmp(p->file, file) != 0) {
		free(p->file);
		p->file = xstrdup(file);
	}
	p->unique = (struct str){ p->file, unique.n };
	p->in_new = d->in_new;
	pending_attach(w, p, state);
	return p;
}

void
watch_came(struct watch *w, struct watch_dir *d, struct str unique,
    const char *file)
{
	now(w, d, unique, file, ST_PRESENT);
}

void
watch_created(struct watch *w, struct watch_dir *d, struct str unique,
    const char *file, bool complete)
{
	struct watch_pending *p = now(w, d, unique, file,
	    complete ? ST_PRESENT : ST_OPEN);

	if (p != NULL)
		p->created = true;
}

void
watch_closed(struct watch *w, struct watch_dir *d, struct str unique,
    const char *file)
{
	struct watch_pending *p = find_pending(d->folder, unique);

	if (p == NULL) {
		p = now(w, d, unique, file, ST_SAME);
		if (p != NULL)
			p->written = true;
	} else if (p->state == ST_OPEN)
		now(w, d, unique, file, ST_PRESENT);
	else if (p->state == ST_PRESENT && !p->created &&
	    p->in_new == d->in_new && strcmp(p->file, file) == 0)
		p->written = true;
}

void
watch_left(struct watch *w, struct watch_dir *d, struct str unique,
    const char *file)
{
	struct watch_pending *p = find_pending(d->folder, unique);

	/* The old name of a message that has a new one already. */
	if (p != NULL && p->state != ST_GONE &&
	    (p->in_new != d->in_new || strcmp(p->file, file) != 0))
		return;
	now(w, d, unique, file, ST_GONE);
}

static bool
take_scan(struct watch *w, struct watch_event *ev)
{
	struct watch_folder *f;

	TAILQ_FOREACH(f, &w->all, link)
		if (f->scan) {
			watch_unscan(w, f);
			*ev = (struct watch_event){ .what = WATCH_SCAN,
			    .key = f->key };
			return true;
		}
	return false;
}

bool
watch_take(struct watch *w, struct watch_event *ev)
{
	struct watch_pending *p;

	if (w->files) {
		*ev = (struct watch_event){ .what = WATCH_FILES };
		w->files = false;
		return true;
	}
	if (w->scan_all || w->tree) {
		*ev = (struct watch_event){
		    .what = w->scan_all ? WATCH_SCAN_ALL : WATCH_TREE };
		if (w->scan_all)
			w->scan_all = false;
		else
			w->tree = false;
		return true;
	}
	if (w->n_scan > 0 && take_scan(w, ev))
		return true;
	p = TAILQ_FIRST(&w->ready);
	if (p == NULL)
		return false;
	*ev = (struct watch_event){ .key = p->folder->key, .file = p->file,
	    .in_new = p->in_new, .what = p->state == ST_PRESENT ? WATCH_PRESENT :
	    p->state == ST_GONE ? WATCH_GONE : WATCH_WRITTEN };
	if (p->state == ST_PRESENT && p->written) {
		/* Two facts: the second one is the next to be taken. */
		p->state = ST_SAME;
		return true;
	}
	pending_detach(w, p);
	TAILQ_INSERT_TAIL(&w->taken, p, link);
	return true;
}
