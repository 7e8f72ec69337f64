/* host_proc.c — script processes: up, down, and the frames between. */
#include "host_impl.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

enum { MAILBOXES_MAX = 1000 };

void
proc_init(struct proc *p, unsigned slot)
{
	*p = (struct proc){ .slot = slot, .fd = -1 };
	frame_in_init(&p->in);
	frame_queue_init(&p->out);
}

static void
close_channel(struct proc *p)
{
	frame_queue_clear(&p->out);
	if (p->progress != NULL)
		munmap((void *)(uintptr_t)p->progress, sizeof(*p->progress));
	p->progress = NULL;
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
	p->greeted = false;
}

void
proc_clear(struct host *h, struct proc *p)
{
	if (p->fd >= 0)
		h->broker->kill(h->broker->daemon, p->slot);
	close_channel(p);
	frame_in_clear(&p->in);
}

void
proc_flush(struct host *h, struct proc *p)
{
	struct err err = { 0 };

	while (p->fd >= 0 && p->out.first != NULL) {
		int sent = frame_send(p->fd, &p->out.first->f, &err);

		if (sent == 0)
			return;
		if (sent < 0 && err.class == ERR_CANCEL) {
			proc_down(h, p, "it ended");
			return;
		}
		frame_queue_drop(&p->out);
	}
}

void
proc_send(struct host *h, struct proc *p, struct frame *f)
{
	(void)h;
	if (p->fd < 0)
		frame_clear(f);
	else
		frame_queue_put(&p->out, f);
}

bool
proc_hangs(struct proc *p, usec now)
{
	uint32_t beat;

	if (p->fd < 0 || p->progress == NULL || p->progress->busy == 0) {
		p->beat_at = now;
		return false;
	}
	beat = p->progress->beat;
	if (beat != p->beat) {
		p->beat = beat;
		p->beat_at = now;
	}
	return now - p->beat_at > HOST_HANG;
}

/* ---- what it is told first ------------------------------------------ */

static unsigned
role_of(const char *name)
{
	static const char *const roles[ROLE_N] = {
		[ROLE_INBOX] = "inbox", [ROLE_SENT] = "sent",
		[ROLE_TRASH] = "trash", [ROLE_JUNK] = "junk",
		[ROLE_DRAFTS] = "drafts", [ROLE_ARCHIVE] = "archive",
	};

	for (unsigned i = 1; i < ROLE_N; i++) {
		if (strcmp(name, roles[i]) == 0)
			return i;
	}
	return ROLE_NONE;
}

static void
put_account(struct host *h, struct frame *f)
{
	const struct account_conf *conf = h->conf;
	struct str me[2] = { str_z(conf->email), str_z(conf->user) };
	struct hook_mailbox box;
	size_t at;
	uint32_t n = 0;

	frame_put_str(f, str_z(conf->name));
	frame_put_u8(f, h->online);
	at = frame_count(f);
	for (size_t i = 0; i < 2; i++) {
		if (str_find(me[i], '@') < me[i].n && (i == 0 ||
		    !str_ieq(me[0], me[1]))) {
			frame_put_str(f, me[i]);
			n++;
		}
	}
	frame_count_set(f, at, n);
	at = frame_count(f);
	for (n = 0; n < MAILBOXES_MAX && f->b.n < FRAME_MAX / 2 &&
	    h->world->mailbox(h->world->engine, n, &box); n++) {
		frame_put_str(f, box.name);
		frame_put_u8(f, role_of(box.role));
		frame_put_u32(f, box.total);
	}
	frame_count_set(f, at, n);
}

void
proc_account(struct host *h, struct proc *p)
{
	struct frame f;

	if (p->fd < 0)
		return;
	frame_init(&f, FRAME_ACCOUNT);
	put_account(h, &f);
	proc_send(h, p, &f);
}

/* The directory that the plugin may require from. */
static struct str
dir_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return (struct str){ path, slash != NULL && slash > path ?
	    (size_t)(slash - path) : 1 };
}

/* A page of the process's: it writes, we look. */
static int
share_progress(struct proc *p)
{
	int fd = memfd_create("progress", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	void *page;

	if (fd < 0)
		return -1;
	/* Sealed: a page that shrinks would kill whoever looks. */
	if (ftruncate(fd, 4096) < 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK |
	    F_SEAL_GROW | F_SEAL_SEAL) < 0) {
		close(fd);
		return -1;
	}
	page = mmap(NULL, sizeof(*p->progress), PROT_READ, MAP_SHARED, fd, 0);
	p->progress = page != MAP_FAILED ? page : NULL;
	p->beat_at = clock_now();
	return fd;
}

static void
send_init(struct host *h, struct proc *p)
{
	int64_t memory = 0;
	struct frame f;
	size_t at;
	uint32_t n = 0;
	int fd = share_progress(p);

	frame_init(&f, FRAME_INIT);
	if (fd >= 0)
		frame_take_ride(&f, fd);
	frame_put_str(&f, str_z(h->lua_dir));
	at = frame_count(&f);
	for (size_t i = 0; i < h->n_plugins; i++) {
		if (h->plugin[i].proc != p)
			continue;
		frame_put_str(&f, dir_of(h->plugin[i].conf->script));
		if (h->plugin[i].conf->limits.memory > memory)
			memory = h->plugin[i].conf->limits.memory;
		n++;
	}
	frame_count_set(&f, at, n);
	frame_put_u32(&f, 10000);
	frame_put_u32(&f, memory > 0 ? (uint32_t)(memory >> 20) : 64);
	frame_put_u32(&f, HOOK_OPS_MAX);
	put_account(h, &f);
	proc_send(h, p, &f);
}

void
proc_load(struct host *h, struct host_plugin *pl)
{
	struct frame f;

	frame_init(&f, FRAME_LOAD);
	frame_put_u32(&f, pl->id);
	frame_put_str(&f, str_z(pl->conf->name));
	frame_put_str(&f, str_z(pl->conf->script));
	frame_put_u8(&f, pl->conf->trusted);
	frame_put_str(&f, str_z(pl->conf->config));
	frame_put_str(&f, str_z(pl->conf->places));
	proc_send(h, pl->proc, &f);
}

static bool
asks(const struct pending *pe, const struct proc *p)
{
	for (size_t i = 0; i < pe->n_shares; i++)
		if (pe->share[i].proc == p && pe->share[i].n_open > 0)
			return true;
	return false;
}

bool
proc_owes(const struct host *h, const struct proc *p)
{
	for (const struct pending *pe = h->pending; pe != NULL; pe = pe->next)
		if (asks(pe, p))
			return true;
	return false;
}

/* Nobody waits for a process that does not start: what it was to be asked is owed. */
static void
not_there(struct host *h, struct proc *p)
{
	for (struct pending *pe = h->pending; pe != NULL; pe = pe->next)
		if (asks(pe, p))
			pe->event.deadline = 0;
}

void
proc_keep_up(struct host *h, struct proc *p)
{
	struct err err = { 0 };
	usec delay;

	if (p->fd >= 0)
		return;
	if (clock_now() < p->again) {
		if (p->absent)
			not_there(h, p);
		return;
	}
	p->fd = h->broker->spawn(h->broker->daemon, p->slot,
	    clock_in(USEC_S(2)), &err);
	if (p->fd < 0) {
		delay = USEC_S(1 << (p->fails < 8 ? p->fails : 8));
		p->again = clock_in(delay);
		if (p->fails++ == 0)
			log_error("the script process does not start: %s",
			    err.text);
		p->absent = true;
		not_there(h, p);
		return;
	}
	p->absent = false;
	p->life++;
	send_init(h, p);
	for (size_t i = 0; i < h->n_plugins; i++) {
		const struct host_plugin *pl = &h->plugin[i];

		/* One that could not be loaded would fall again. */
		if (pl->proc == p && !(pl->loaded && pl->state == HOOK_DISABLED))
			proc_load(h, &h->plugin[i]);
	}
	for (struct pending *pe = h->pending; pe != NULL; pe = pe->next) {
		for (size_t i = 0; i < pe->n_shares; i++) {
			if (pe->share[i].proc == p && pe->share[i].n_open > 0)
				ask_send(h, pe, &pe->share[i]);
		}
	}
	proc_flush(h, p);
}

/* ---- death ---------------------------------------------------------- */

/* The plugin that was on the CPU, and the message that it was on. */
static bool
blame(struct host *h, struct proc *p, const char *why)
{
	struct host_progress at;
	struct host_plugin *pl;
	struct pending *pe;
	char text[160];
	int64_t msg = 0;

	if (p->progress == NULL || p->progress->busy == 0)
		return false;
	at = *p->progress;
	if (at.plugin >= h->n_plugins || h->plugin[at.plugin].proc != p)
		return false;
	pl = &h->plugin[at.plugin];
	pe = ask_find(h, at.event);
	snprintf(text, sizeof(text), "%s in %s", why,
	    pe != NULL ? hook_kind_name(pe->event.kind) : "loading");
	plugin_failed(h, pl, str_z(text), true);
	if (pe == NULL) {
		pl->state = HOOK_DISABLED;	/* loading: not again by itself */
		pl->loaded = true;
		return true;
	}
	if (at.index < pe->event.n_msgs)
		msg = pe->event.msg[at.index].id;
	answer_fault(h, pe, pl, msg, STR_NONE, str_z(text));
	if (pe->n_skips < HOOK_BATCH) {
		pe->skip[pe->n_skips][0] = at.index;
		pe->skip[pe->n_skips++][1] = pl->id;
	}
	return true;
}

/* What it owes goes to the next process; after a few deaths that nobody can be
 * blamed for, it is given up. */
static void
take_back(struct host *h, struct proc *p, bool blamed)
{
	for (struct pending *pe = h->pending; pe != NULL; pe = pe->next) {
		for (size_t i = 0; i < pe->n_shares; i++) {
			struct share *sh = &pe->share[i];

			if (sh->proc != p || sh->n_open == 0)
				continue;
			for (uint32_t k = 0; k < pe->n_parts; k++) {
				if (sh->open[k])
					ask_drop_part(pe, k);
			}
			if (!blamed && ++pe->deaths >= HOST_TRIES)
				pe->event.deadline = 0;
		}
	}
}

static void
end(struct host *h, struct proc *p)
{
	h->broker->kill(h->broker->daemon, p->slot);
	close_channel(p);
	call_forget(h, p);
}

void
proc_restart(struct host *h, struct proc *p)
{
	if (p->fd < 0)
		return;
	take_back(h, p, true);
	end(h, p);
	p->again = 0;
}

void
proc_down(struct host *h, struct proc *p, const char *why)
{
	if (p->fd < 0)
		return;
	log_warn("a script process is down: %s", why);
	take_back(h, p, blame(h, p, why));
	end(h, p);
	/* At once the first time, then slower. */
	p->again = clock_in(p->fails > 0 ?
	    USEC_MS(100 << (p->fails < 8 ? p->fails : 8)) : 0);
	p->fails++;
}
