/* script.c — the loop of the script process, and the frames in and out. */
#include "script.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/sandbox.h"
#include "base/wait.h"
#include "event.h"
#include "load.h"
#include "reply.h"
#include "run.h"

enum {
	SOCKET_FD	= 3,
	FILES_MAX	= 400,
	MEMORY_BASE	= 256 << 20	/* libraries, parsed mail */
};

int64_t script_fixed_now;

int64_t
script_now(void)
{
	return script_fixed_now != 0 ? script_fixed_now : (int64_t)time(NULL);
}

void
script_init(struct script *s, int fd)
{
	static struct progress nobody_looks;

	*s = (struct script){ .fd = fd };
	s->ready_end = &s->ready;
	s->held_end = &s->held;
	frame_queue_init(&s->out);
	s->progress = &nobody_looks;
	s->max_actions = HOOK_OPS_MAX;
	s->max_instructions = 10000000;
	s->max_memory = (size_t)64 << 20;
	frame_in_init(&s->in);
	frame_init(&s->result, FRAME_RESULT);
}

/* ---- out ------------------------------------------------------------ */

static void
flush_out(struct script *s)
{
	struct err err;

	while (s->out.first != NULL) {
		int sent = frame_send(s->fd, &s->out.first->f, &err);

		if (sent == 0)
			return;
		if (sent < 0)
			s->ended = true;
		frame_queue_drop(&s->out);
	}
}

void
script_send(struct script *s, struct frame *f)
{
	if (s->driver != NULL) {
		s->driver->frame(s, f);
		frame_clear(f);
		return;
	}
	frame_queue_put(&s->out, f);
	flush_out(s);
}

static void
flush_results(struct script *s)
{
	if (s->n_results == 0)
		return;
	frame_count_set(&s->result, s->results_at, (uint32_t)s->n_results);
	script_send(s, &s->result);
	frame_init(&s->result, FRAME_RESULT);
	s->n_results = 0;
}

/* The run ended: its part of the answer joins those that wait to be sent. */
static void
add_result(struct script *s, struct run *r)
{
	size_t next = 0;

	do {
		if (s->n_results == 0)
			s->results_at = frame_count(&s->result);
		next = event_write_result(r, &s->result, next);
		s->n_results++;
		if (next > 0 || s->result.b.n > FRAME_MAX / 4 ||
		    s->result.n_fds > 0)
			flush_results(s);
	} while (next > 0);
}

/* ---- runs ----------------------------------------------------------- */

static struct run *
pop_ready(struct script *s)
{
	struct run *r = s->ready;

	s->ready = r->next;
	if (s->ready == NULL)
		s->ready_end = &s->ready;
	return r;
}

static bool
is_in_place(const struct script *s, const struct plugin *p)
{
	for (size_t i = 0; i < s->n_plugins; i++)
		if (s->plugin[i]->id == p->id)
			return true;
	return false;
}

static bool
first_load(const struct script *s, const struct run *list, const struct run *r)
{
	for (; list != NULL; list = list->next)
		if (list->load != NULL && !is_in_place(s, list->load) &&
		    run_wants(r, list->load))
			return true;
	return false;
}

/* A plugin that is still loading, and has no version that runs, may want it: it
 * would be missed. */
static bool
must_wait(const struct script *s, const struct run *r)
{
	return s->n_loads > 0 && r->load == NULL && !r->begun &&
	    (first_load(s, s->ready, r) || first_load(s, s->waiting, r));
}

static void
hold(struct script *s, struct run *r)
{
	r->next = NULL;
	*s->held_end = r;
	s->held_end = &r->next;
}

void
script_loaded(struct script *s)
{
	if (s->held == NULL)
		return;
	/* They came before what is ready by now. */
	*s->held_end = s->ready;
	if (s->ready == NULL)
		s->ready_end = s->held_end;
	s->ready = s->held;
	s->held = NULL;
	s->held_end = &s->held;
}

static void
finish(struct script *s, struct run *r)
{
	if (r->load != NULL) {
		load_done(r);
		return;
	}
	if (s->driver != NULL && s->driver->done(s, r))
		return;
	if (s->driver == NULL && !r->dropped)
		add_result(s, r);
	run_free(r);
}

static bool
is_inside(const struct run *list, const struct plugin *p)
{
	for (; list != NULL; list = list->next) {
		if (list->plugin == p)
			return true;
	}
	return false;
}

void
script_retire(struct script *s, struct plugin *p)
{
	p->next = s->retired;
	s->retired = p;
}

static void
free_retired(struct script *s)
{
	struct plugin **at = &s->retired;

	while (*at != NULL) {
		struct plugin *p = *at;

		if (is_inside(s->ready, p) || is_inside(s->waiting, p)) {
			at = &p->next;
			continue;
		}
		*at = p->next;
		load_free(p);
	}
}

void
script_work(struct script *s)
{
	while (s->ready != NULL && !s->ended) {
		struct run *r = pop_ready(s);

		if (!r->dropped && must_wait(s, r)) {
			hold(s, r);
			continue;
		}
		if (r->dropped || run_step(r))
			finish(s, r);
		/* A run that was parked is behind the others; look whether
		 * there are new ones before it goes on. */
		if (s->ready != NULL && s->ready->parks > 0 && s->fd >= 0)
			break;
	}
	free_retired(s);
	if (s->driver == NULL)
		flush_results(s);
}

/* ---- in ------------------------------------------------------------- */

static void
read_account(struct script *s, struct frame_in *in)
{
	struct account *acc = &s->account;
	uint32_t n;

	/* Runs that are under way may still point into what was. */
	if (s->ready == NULL && s->waiting == NULL && s->held == NULL)
		arena_clear(&acc->a);
	acc->name = arena_str(&acc->a, frame_str(in));
	acc->online = frame_u8(in) != 0;
	n = frame_n(in, 4, 1000);
	acc->me.v = arena_get(&acc->a, (n + 1) * sizeof(struct str));
	for (acc->me.n = 0; acc->me.n < n; acc->me.n++)
		acc->me.v[acc->me.n] = arena_str(&acc->a, frame_str(in));
	n = frame_n(in, 9, NAMES_MAX);
	acc->box = arena_get(&acc->a, (n + 1) * sizeof(struct mailbox));
	for (size_t i = 0; i < ROLE_N; i++)
		acc->role[i] = STR_NONE;
	for (acc->n_boxes = 0; acc->n_boxes < n; acc->n_boxes++) {
		struct mailbox *b = &acc->box[acc->n_boxes];
		unsigned role;

		b->name = arena_str(&acc->a, frame_str(in));
		role = frame_u8(in);
		b->role = role < ROLE_N ? (enum frame_role)role : ROLE_NONE;
		b->total = frame_u32(in);
		if (acc->role[b->role].p == NULL)
			acc->role[b->role] = b->name;
	}
}

static void
map_progress(struct script *s, struct frame_in *in)
{
	int fd = frame_take_fd(in);
	void *page;

	if (fd < 0)
		return;
	page = mmap(NULL, sizeof(struct progress), PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, 0);
	if (page != MAP_FAILED)
		s->progress = page;
	close(fd);
}

/* Memory, also that of libraries; seconds on the CPU are the worker's to watch. */
static void
limit_resources(const struct script *s, uint32_t n_plugins)
{
	rlim_t most = (rlim_t)s->max_memory * (n_plugins + 1) + MEMORY_BASE;
	struct rlimit as = { most, most }, files = { FILES_MAX, FILES_MAX };

	if (!sandbox_is_off())
		setrlimit(RLIMIT_AS, &as);
	setrlimit(RLIMIT_NOFILE, &files);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static void
enter_sandbox(const struct sandbox_path *path, size_t n, char *remarks, size_t cap)
{
	unsigned missing = sandbox_enter(SANDBOX_SCRIPT, path, n, 0);
	size_t at = 0;

	for (unsigned layer = SANDBOX_FILES; layer <= SANDBOX_CALLS; layer <<= 1) {
		if ((missing & layer) != 0 && at < cap)
			at += (size_t)snprintf(remarks + at, cap - at, "%s%s",
			    at > 0 ? "; " : "",
			    sandbox_says((enum sandbox_layer)layer));
	}
}

static void
read_init(struct script *s, struct frame_in *in)
{
	struct sandbox_path path[PLUGINS_MAX + 1] = { 0 };
	char remarks[400] = "";
	struct frame hello;
	uint32_t n;

	map_progress(s, in);
	s->lua_dir = str_dup(frame_str(in));
	path[0].path = s->lua_dir;
	n = frame_n(in, 4, PLUGINS_MAX);
	for (uint32_t i = 0; i < n; i++)
		path[1 + i].path = str_dup(frame_str(in));
	s->max_instructions = (uint64_t)frame_u32(in) * 1000;
	s->max_memory = (size_t)frame_u32(in) << 20;
	s->max_actions = frame_u32(in);
	read_account(s, in);
	limit_resources(s, n);
	enter_sandbox(path, n + 1, remarks, sizeof(remarks));
	for (uint32_t i = 0; i < n; i++)
		free((char *)(uintptr_t)path[1 + i].path);
	frame_init(&hello, FRAME_HELLO);
	frame_put_u32(&hello, FRAME_VERSION);
	frame_put_str(&hello, str_z(remarks));
	script_send(s, &hello);
}

static void
drop_event(struct script *s, uint32_t event)
{
	struct run *r, *next;

	for (r = s->ready; r != NULL; r = r->next)
		r->dropped |= r->load == NULL && r->event == event;
	for (r = s->held; r != NULL; r = r->next)
		r->dropped |= r->event == event;
	for (r = s->waiting; r != NULL; r = next) {
		next = r->next;
		if (r->load == NULL && r->event == event) {
			r->dropped = true;
			reply_give(r);
		}
	}
}

static int
handle(struct script *s)
{
	struct frame_in *in = &s->in;

	switch (in->type) {
	case FRAME_INIT:
		read_init(s, in);
		return in->bad ? -1 : 0;
	case FRAME_ACCOUNT:
		read_account(s, in);
		return in->bad ? -1 : 0;
	case FRAME_LOAD:
		return load_read(s, in);
	case FRAME_EVENT:
		return event_read(s, in);
	case FRAME_REPLY:
		return reply_read(s, in);
	case FRAME_DROP:
		drop_event(s, frame_u32(in));
		return in->bad ? -1 : 0;
	default:
		return -1;
	}
}

static void
receive(struct script *s)
{
	struct err err = { 0 };
	int got;

	while ((got = frame_recv(s->fd, &s->in, &err)) > 0) {
		if (handle(s) < 0) {
			fprintf(stderr, "syncd-script: bad frame %u\n",
			    s->in.type);
			s->ended = true;
			return;
		}
	}
	if (got < 0)
		s->ended = true;
}

int
script_serve(void)
{
	struct script s;
	struct err err;

	script_init(&s, SOCKET_FD);
	while (!s.ended) {
		struct waiter w = { .fd = s.fd, .want = WAIT_READ |
		    (s.out.first != NULL ? WAIT_WRITE : 0u) };

		if (wait_any(&w, 1, s.ready != NULL ? 0 : USEC_NEVER, &err) < 0)
			return 1;
		receive(&s);
		flush_out(&s);
		script_work(&s);
	}
	/* The worker is gone; what is in memory is of no use to anybody. */
	_exit(0);
}
