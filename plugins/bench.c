/* bench.c — the worker that a script meets when it is tried out. */
#include "bench.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "event.h"
#include "load.h"
#include "reply.h"

struct bench_reply {
	struct bench_reply	*next;
	struct frame		 f;
};

static struct bench *
of(struct script *s)
{
	return s->driver_data;
}

/* ---- answering ------------------------------------------------------ */

/* With its descriptor if ${open_it}. */
static void
put_message(struct frame *f, const struct bench_message *m, bool open_it)
{
	int fd = m->fd >= 0 ? fcntl(m->fd, F_DUPFD_CLOEXEC, 3) :
	    open_it ? open(m->path, O_RDONLY | O_CLOEXEC) : -1;
	struct stat st = { 0 };

	if (m->fd >= 0)
		fstat(m->fd, &st);
	else
		stat(m->path, &st);
	frame_put_u64(f, (uint64_t)m->id);
	frame_put_u32(f, (uint32_t)m->id);
	frame_put_u64(f, (uint64_t)st.st_size);
	frame_put_u64(f, (uint64_t)(m->date != 0 ? m->date : st.st_mtime));
	frame_put_u32(f, m->sys);
	frame_put_str(f, str_z(m->mailbox));
	frame_put_str(f, str_z(m->path));
	frame_put_str(f, str_z(m->origin));
	event_put_texts(f, &m->keywords);
	frame_put_u32(f, 0);
	frame_put_u32(f, 0);
	frame_put_u32(f, 0);
	frame_put_u32(f, 0);
	frame_put_str(f, str_z(m->from));
	frame_put_str(f, STR_NONE);
	frame_put_u8(f, fd >= 0 && open_it);
	if (fd >= 0 && open_it)
		frame_take_ride(f, fd);
	else if (fd >= 0)
		close(fd);
}

static void
answer_message(struct bench *b, struct frame *f, int64_t id)
{
	for (size_t i = 0; i < b->n_msgs; i++) {
		if (b->msg[i].id != id)
			continue;
		frame_put_u32(f, 1);
		put_message(f, &b->msg[i], true);
		return;
	}
	frame_put_u32(f, 0);
}

/* Whatever is asked for: the script side tests it once more anyway. */
static void
answer_search(struct bench *b, struct frame *f, int64_t after)
{
	size_t more_at = f->b.n, at, i = 0;
	uint32_t n = 0;

	frame_put_u8(f, 0);
	at = frame_count(f);
	while (i < b->n_msgs && b->msg[i].id <= after)
		i++;
	for (; i < b->n_msgs && f->b.n < FRAME_MAX / 2; i++, n++)
		put_message(f, &b->msg[i], false);
	frame_count_set(f, at, n);
	f->b.p[more_at] = i < b->n_msgs;
}

/* What the fixture says that the program, or the service, answers. */
static void
answer_named(struct bench *b, struct frame *f, struct str name)
{
	for (size_t i = 0; i < b->n_programs; i++) {
		const struct bench_program *p = &b->program[i];

		if (!str_eq(p->name, name))
			continue;
		frame_put_u8(f, FRAME_OK);
		frame_put_u32(f, p->code);
		frame_put_u8(f, 0);
		frame_put_blob(f, p->out);
		frame_put_blob(f, p->err);
		return;
	}
	frame_put_u8(f, FRAME_FAILED);
	frame_put_str(f, STR("programs are not run in a test"));
}

static void
answer_exec(struct bench *b, struct frame *f, struct frame_in *in)
{
	uint32_t n = frame_n(in, 4, 1000);

	answer_named(b, f, n > 0 ? frame_str(in) : STR_NONE);
}

static void
answer(struct bench *b, struct frame_in *in)
{
	struct bench_reply *re = xcalloc(1, sizeof(*re));
	uint32_t call = frame_u32(in);
	unsigned kind;

	(void)frame_u32(in);
	kind = frame_u8(in);
	frame_init(&re->f, FRAME_REPLY);
	frame_put_u32(&re->f, call);
	if (kind == CALL_EXEC) {
		answer_exec(b, &re->f, in);
	} else if (kind == CALL_CONNECT) {
		answer_named(b, &re->f, frame_str(in));
	} else if (kind == CALL_FILE) {
		frame_put_u8(&re->f, FRAME_FAILED);
		frame_put_str(&re->f, STR("no file is read in a test"));
	} else if (kind == CALL_SERVER) {
		frame_put_u8(&re->f, FRAME_FAILED);
		frame_put_str(&re->f, STR("there is no server in a test"));
	} else {
		frame_put_u8(&re->f, FRAME_OK);
		if (kind == CALL_MESSAGE) {
			answer_message(b, &re->f, (int64_t)frame_u64(in));
		} else if (kind == CALL_SEARCH) {
			answer_search(b, &re->f, (int64_t)frame_u64(in));
		} else if (kind == CALL_UNSEEN) {
			frame_put_u32(&re->f, 0);
		} else if (kind == CALL_SECRET) {
			/* No command is run, no file is read. */
			frame_put_blob(&re->f, STR("secret"));
		} else {
			frame_put_u8(&re->f, 0);
			frame_put_u32(&re->f, 0);
		}
	}
	*b->reply_end = re;
	b->reply_end = &re->next;
}

static void
read_loaded(struct bench *b, struct frame_in *in)
{
	uint32_t id = frame_u32(in);
	struct str error = frame_str(in);

	b->loaded = true;
	snprintf(b->error, sizeof(b->error), "%.*s", STR_ARG(error));
	if (b->on_loaded != NULL)
		b->on_loaded(b, id);
}

static void
on_frame(struct script *s, struct frame *f)
{
	struct bench *b = of(s);
	struct frame_in in;
	unsigned level;

	frame_in_init(&in);
	frame_in_loop(&in, f);
	switch (in.type) {
	case FRAME_CALL:
		answer(b, &in);
		break;
	case FRAME_LOADED:
		read_loaded(b, &in);
		break;
	case FRAME_LOG:
		(void)frame_u32(&in);
		level = frame_u8(&in);
		fprintf(stderr, "log %u: %.*s\n", level, STR_ARG(frame_str(&in)));
		break;
	default:
		break;
	}
	frame_in_clear(&in);
}

static bool
on_done(struct script *s, struct run *r)
{
	struct bench *b = of(s);

	return b->done != NULL && b->done(b, r);
}

void
bench_turn(struct bench *b)
{
	for (;;) {
		script_work(&b->s);
		if (b->reply == NULL && b->s.ready == NULL)
			return;
		while (b->reply != NULL) {
			struct bench_reply *re = b->reply;

			b->reply = re->next;
			if (b->reply == NULL)
				b->reply_end = &b->reply;
			frame_in_loop(&b->s.in, &re->f);
			(void)reply_read(&b->s, &b->s.in);
			frame_clear(&re->f);
			free(re);
		}
	}
}

/* ---- setting up ----------------------------------------------------- */

static void
on_open(struct script *s, const struct plugin *p, struct lua_State *L)
{
	(void)s;
	if (p->id == FIXTURE_ID)
		fixture_open(L);
}

static const struct driver driver = { .frame = on_frame, .done = on_done,
    .open = on_open };

static void
add_box(struct account *acc, const char *name, enum frame_role role)
{
	acc->box[acc->n_boxes++] = (struct mailbox){ .name = str_z(name),
	    .role = role };
	if (role != ROLE_NONE)
		acc->role[role] = str_z(name);
}

void
bench_init(struct bench *b)
{
	struct account *acc = &b->s.account;

	script_init(&b->s, -1);
	b->s.driver = &driver;
	b->s.driver_data = b;
	b->s.lua_dir = xstrdup(b->lua_dir);
	b->reply_end = &b->reply;
	acc->name = str_z(b->account);
	acc->me = b->me;
	acc->online = true;
	acc->box = arena_get(&b->a, 8 * sizeof(struct mailbox));
	add_box(acc, "INBOX", ROLE_INBOX);
	add_box(acc, "Sent", ROLE_SENT);
	add_box(acc, "Trash", ROLE_TRASH);
	add_box(acc, "Junk", ROLE_JUNK);
	add_box(acc, "Drafts", ROLE_DRAFTS);
	add_box(acc, "Archive", ROLE_ARCHIVE);
}

static char *
plugin_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *name, *end;

	if (slash != NULL && strcmp(slash, "/main.lua") == 0) {
		name = xstrdup(path);
		name[slash - path] = '\0';
		slash = strrchr(name, '/');
		end = xstrdup(slash != NULL ? slash + 1 : name);
		free(name);
		return end;
	}
	name = xstrdup(slash != NULL ? slash + 1 : path);
	end = strstr(name, ".lua");
	if (end != NULL)
		*end = '\0';
	return name;
}

bool
bench_load(struct bench *b, uint32_t id, const char *path)
{
	char *name = plugin_name(path);

	b->loaded = false;
	load_start(&b->s, &(struct load_wish){ .id = id, .name = str_z(name),
	    .path = str_z(path), .config = str_z(b->options),
	    .places = str_z(b->places) });
	bench_turn(b);
	free(name);
	if (!b->loaded)
		snprintf(b->error, sizeof(b->error), "%s: did not load", path);
	return b->error[0] == '\0';
}

struct bench_message *
bench_message(struct bench *b)
{
	struct bench_message *m;

	b->msg = array_room(b->msg, b->n_msgs, &b->cap_msgs, sizeof(*b->msg));
	m = &b->msg[b->n_msgs++];
	*m = (struct bench_message){ .id = (int64_t)b->n_msgs, .fd = -1,
	    .mailbox = b->mailbox, .path = "", .origin = b->origin, .from = "" };
	return m;
}

void
bench_event(struct bench *b, enum hook_kind kind, size_t from, size_t n,
    const char *what, const struct strs *args, int64_t since)
{
	static const struct strs none;
	struct frame f;

	frame_init(&f, FRAME_EVENT);
	frame_put_u32(&f, (uint32_t)from);
	frame_put_u8(&f, kind);
	frame_put_u32(&f, 0);
	frame_put_str(&f, str_z(b->mailbox));
	frame_put_str(&f, str_z(what));
	event_put_texts(&f, args != NULL ? args : &none);
	frame_put_u64(&f, (uint64_t)since);
	frame_put_u32(&f, 0);
	frame_put_u32(&f, 0);
	frame_put_u32(&f, (uint32_t)n);
	for (size_t i = 0; i < n; i++)
		put_message(&f, &b->msg[from + i], true);
	frame_in_loop(&b->s.in, &f);
	(void)event_read(&b->s, &b->s.in);
	frame_clear(&f);
}
