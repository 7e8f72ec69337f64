/* host_ask.c — events: a copy that is kept until it is answered, and its frames. */
#include "host_impl.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

static struct hook_words
copy_words(struct arena *a, struct hook_words w)
{
	struct str *v = arena_get(a, (w.n + 1) * sizeof(*v));

	for (size_t i = 0; i < w.n; i++)
		v[i] = arena_str(a, w.v[i]);
	return (struct hook_words){ v, w.n };
}

static struct hook_msg
copy_msg(struct arena *a, const struct hook_msg *from)
{
	struct hook_msg m = *from;

	m.mailbox = arena_str(a, from->mailbox);
	m.origin = arena_str(a, from->origin);
	m.path = arena_str(a, from->path);
	m.from = arena_str(a, from->from);
	m.field[HOOK_MESSAGE_ID] = arena_str(a, from->field[HOOK_MESSAGE_ID]);
	m.keywords = copy_words(a, from->keywords);
	m.added = copy_words(a, from->added);
	m.removed = copy_words(a, from->removed);
	m.fd = from->fd >= 0 ? fcntl(from->fd, F_DUPFD_CLOEXEC, 3) : -1;
	return m;
}

struct pending *
ask_copy(const struct hook_event *ev)
{
	struct pending *pe = xcalloc(1, sizeof(*pe));
	struct arena *a = &pe->a;
	struct hook_msg *msg = arena_get(a, (ev->n_msgs + 1) * sizeof(*msg));
	struct hook_words args = copy_words(a,
	    (struct hook_words){ ev->arg, ev->n_args });

	must(ev->n_msgs <= HOOK_BATCH);
	pe->event = *ev;
	for (size_t i = 0; i < ev->n_msgs; i++)
		msg[i] = copy_msg(a, &ev->msg[i]);
	pe->event.msg = msg;
	pe->event.only = ev->only != NULL ?
	    arena_str(a, str_z(ev->only)).p : NULL;
	pe->event.mailbox = arena_str(a, ev->mailbox);
	pe->event.what = arena_str(a, ev->what);
	pe->event.arg = args.v;
	buf_init(&pe->reply, FRAME_MAX);
	return pe;
}

void
ask_free(struct pending *pe)
{
	if (pe == NULL)
		return;
	for (size_t i = 0; i < pe->event.n_msgs; i++) {
		if (pe->event.msg[i].fd >= 0)
			close(pe->event.msg[i].fd);
	}
	for (size_t i = 0; i < pe->n_ops; i++) {
		if (pe->op[i].fd >= 0)
			close(pe->op[i].fd);
	}
	free(pe->op);
	free(pe->note);
	free(pe->kv);
	free(pe->fault);
	buf_clear(&pe->reply);
	arena_clear(&pe->a);
	free(pe);
}

struct pending *
ask_find(struct host *h, uint32_t number)
{
	struct pending *pe = h->pending;

	while (pe != NULL && pe->number != number)
		pe = pe->next;
	return pe;
}

void
ask_drop_part(struct pending *pe, uint32_t part)
{
	size_t kept = 0;

	for (size_t i = 0; i < pe->n_ops; i++) {
		if (pe->note[i].part == part) {
			if (pe->op[i].fd >= 0)
				close(pe->op[i].fd);
			continue;
		}
		pe->note[kept] = pe->note[i];
		pe->op[kept++] = pe->op[i];
	}
	pe->n_ops = kept;
}

bool
ask_complete(const struct pending *pe)
{
	for (size_t i = 0; i < pe->n_shares; i++) {
		if (pe->share[i].n_open > 0)
			return false;
	}
	return true;
}

static void
put_words(struct frame *f, struct hook_words w)
{
	frame_put_u32(f, (uint32_t)w.n);
	for (size_t i = 0; i < w.n; i++)
		frame_put_str(f, w.v[i]);
}

int
ask_reopen(int fd)
{
	char path[40];
	int own;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	own = open(path, O_RDONLY | O_CLOEXEC);
	return own >= 0 ? own : fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

void
ask_put_msg(struct frame *f, const struct hook_msg *m, bool alone)
{
	frame_put_u64(f, (uint64_t)m->id);
	frame_put_u32(f, m->uid.v);
	frame_put_u64(f, m->size);
	frame_put_u64(f, (uint64_t)m->date);
	frame_put_u32(f, m->sys);
	frame_put_str(f, m->mailbox);
	frame_put_str(f, m->path);
	frame_put_str(f, m->origin);
	put_words(f, m->keywords);
	frame_put_u32(f, m->sys_added);
	frame_put_u32(f, m->sys_removed);
	put_words(f, m->added);
	put_words(f, m->removed);
	frame_put_str(f, m->from);
	frame_put_str(f, m->fd < 0 ? m->field[HOOK_MESSAGE_ID] : STR_NONE);
	frame_put_u8(f, m->fd >= 0);
	if (m->fd >= 0)
		frame_take_ride(f, alone ? fcntl(m->fd, F_DUPFD_CLOEXEC, 3) :
		    ask_reopen(m->fd));
}

static uint32_t
only_of(const struct host *h, const struct hook_event *ev)
{
	for (size_t i = 0; ev->only != NULL && i < h->n_plugins; i++) {
		if (strcmp(h->plugin[i].conf->name, ev->only) == 0)
			return (uint32_t)i;
	}
	return FRAME_ALL;
}

static void
put_skips(struct host *h, struct pending *pe, struct proc *p, struct frame *f)
{
	size_t at = frame_count(f);
	uint32_t n = 0;

	for (size_t i = 0; i < h->n_plugins && n < HOOK_BATCH / 2; i++) {
		if (h->plugin[i].proc != p || (pe->want >> i & 1) != 0)
			continue;
		frame_put_u32(f, FRAME_ALL);
		frame_put_u32(f, (uint32_t)i);
		n++;
	}
	for (size_t i = 0; i < pe->n_skips && n < HOOK_BATCH; i++, n++) {
		frame_put_u32(f, pe->skip[i][0]);
		frame_put_u32(f, pe->skip[i][1]);
	}
	frame_count_set(f, at, n);
}

void
ask_send(struct host *h, struct pending *pe, struct share *sh)
{
	const struct hook_event *ev = &pe->event;
	struct frame f;
	size_t at;
	uint32_t n = 0;

	frame_init(&f, FRAME_EVENT);
	frame_put_u32(&f, pe->number);
	frame_put_u8(&f, ev->kind);
	frame_put_u32(&f, only_of(h, ev));
	frame_put_str(&f, ev->mailbox);
	frame_put_str(&f, ev->what);
	put_words(&f, (struct hook_words){ ev->arg, ev->n_args });
	frame_put_u64(&f, (uint64_t)ev->since);
	at = frame_count(&f);
	for (size_t i = 0; i < pe->n_parts; i++) {
		if (sh->open[i] && ++n > 0)
			frame_put_u32(&f, (uint32_t)i);
	}
	frame_count_set(&f, at, n);
	put_skips(h, pe, sh->proc, &f);
	frame_put_u32(&f, (uint32_t)ev->n_msgs);
	for (size_t i = 0; i < ev->n_msgs; i++)
		ask_put_msg(&f, &ev->msg[i], pe->n_shares == 1);
	sh->life = sh->proc->life;
	if (f.bad) {
		/* Thousands of keywords: nobody can be asked about this. */
		frame_clear(&f);
		pe->event.deadline = 0;
		return;
	}
	proc_send(h, sh->proc, &f);
}
