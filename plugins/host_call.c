/* host_call.c — what scripts ask of the worker while they wait. */
#include "host_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

enum { STORE_PAGE = 200, SEARCH_PAGE = 60, ENV_MAX = 32 };

void
call_begin(struct frame *f, uint32_t call)
{
	frame_init(f, FRAME_REPLY);
	frame_put_u32(f, call);
	frame_put_u8(f, FRAME_OK);
}

void
call_fail(struct host *h, struct proc *p, struct frame *f, uint32_t call,
    const char *why)
{
	frame_clear(f);
	frame_init(f, FRAME_REPLY);
	frame_put_u32(f, call);
	frame_put_u8(f, FRAME_FAILED);
	frame_put_str(f, str_z(why));
	proc_send(h, p, f);
}

/* ---- stores --------------------------------------------------------- */

static const struct overlay *
find_overlay(const struct host *h, struct str plugin, struct str store, struct str key)
{
	const struct overlay *o = h->overlay;

	while (o != NULL && !(str_eq(o->key, key) && str_eq(o->store, store) &&
	    str_eq(o->plugin, plugin)))
		o = o->next;
	return o;
}

/* What is planned and not durable yet, behind the last page. */
static uint32_t
put_overlay(const struct host *h, struct str plugin, struct str store,
    struct frame *f)
{
	uint32_t n = 0;

	for (const struct overlay *o = h->overlay; o != NULL; o = o->next) {
		if (!str_eq(o->store, store) || !str_eq(o->plugin, plugin) ||
		    o->value.p == NULL ||
		    find_overlay(h, plugin, store, o->key) != o)
			continue;
		frame_put_str(f, o->key);
		frame_put_blob(f, o->value);
		n++;
	}
	return n;
}

static void
call_store(struct host *h, struct proc *p, struct host_plugin *pl, uint32_t call)
{
	struct str plugin = str_z(pl->conf->name), store = frame_str(&p->in);
	struct str after = frame_str(&p->in);
	CLEANUP(buf_clear) struct buf key;
	CLEANUP(buf_clear) struct buf value;
	struct err err = { 0 };
	struct frame f;
	size_t at, more_at;
	uint32_t n = 0;
	int got = 0;

	buf_init(&key, FRAME_MAX);
	buf_init(&value, FRAME_BLOB_MAX);
	call_begin(&f, call);
	more_at = f.b.n;
	frame_put_u8(&f, 0);
	at = frame_count(&f);
	for (; n < STORE_PAGE && f.b.n < FRAME_MAX / 3 && f.n_fds < 4; n++) {
		const struct overlay *o;

		got = h->world->kv_next(h->world->engine, plugin, store,
		    n > 0 ? buf_str(&key) : after, &key, &value, &err);
		if (got <= 0)
			break;
		o = find_overlay(h, plugin, store, buf_str(&key));
		frame_put_str(&f, buf_str(&key));
		frame_put_blob(&f, o == NULL ? buf_str(&value) : o->value);
	}
	if (got < 0) {
		call_fail(h, p, &f, call, err.text);
		return;
	}
	if (got > 0)
		f.b.p[more_at] = 1;
	else
		n += put_overlay(h, plugin, store, &f);
	frame_count_set(&f, at, n);
	if (f.bad)
		call_fail(h, p, &f, call, "the store is too large");
	else
		proc_send(h, p, &f);
}

/* ---- messages ------------------------------------------------------- */

static void
call_message(struct host *h, struct proc *p, uint32_t call)
{
	int64_t id = (int64_t)frame_u64(&p->in);
	struct hook_msg m = { .fd = -1 };
	struct err err = { 0 };
	struct frame f;
	int got = h->world->message(h->world->engine, id, true, &m, &err);

	call_begin(&f, call);
	frame_put_u32(&f, got > 0);
	if (got > 0)
		ask_put_msg(&f, &m, true);
	if (m.fd >= 0)
		close(m.fd);
	if (got < 0 || f.bad)
		call_fail(h, p, &f, call, got < 0 ? err.text : "it is too large");
	else
		proc_send(h, p, &f);
}

static void
read_query(struct frame_in *in, struct hook_query *q)
{
	q->mailbox = frame_str(in);
	q->sys_set = frame_u32(in) & FLAG_ALL;
	q->sys_clear = frame_u32(in) & FLAG_ALL;
	q->keyword = frame_str(in);
	q->since = (int64_t)frame_u64(in);
	q->before = (int64_t)frame_u64(in);
	q->larger = frame_u64(in);
	q->smaller = frame_u64(in);
	q->message_id = frame_str(in);
	if (q->mailbox.n == 0)
		q->mailbox = STR_NONE;
	if (q->keyword.n == 0)
		q->keyword = STR_NONE;
	if (q->message_id.n == 0)
		q->message_id = STR_NONE;
}

static void
call_search(struct host *h, struct proc *p, uint32_t call)
{
	int64_t after = (int64_t)frame_u64(&p->in);
	struct hook_query q = { 0 };
	struct hook_msg m = { .fd = -1 };
	struct err err = { 0 };
	struct frame f;
	size_t at, more_at;
	uint32_t n = 0;
	int got = 0;

	read_query(&p->in, &q);
	call_begin(&f, call);
	more_at = f.b.n;
	frame_put_u8(&f, 0);
	at = frame_count(&f);
	for (; n < SEARCH_PAGE && f.b.n < FRAME_MAX / 2; n++) {
		got = h->world->search(h->world->engine, &q, after, &m, &err);
		if (got <= 0)
			break;
		m.fd = -1;
		ask_put_msg(&f, &m, true);
		after = m.id;
	}
	frame_count_set(&f, at, n);
	if (got > 0)
		f.b.p[more_at] = 1;
	if (got < 0 || f.bad)
		call_fail(h, p, &f, call, got < 0 ? err.text : "it is too large");
	else
		proc_send(h, p, &f);
}

static void
call_unseen(struct host *h, struct proc *p, uint32_t call)
{
	struct str name = frame_str(&p->in);
	struct err err = { 0 };
	struct frame f;
	uint32_t n = 0;

	call_begin(&f, call);
	if (h->world->unseen(h->world->engine, name, &n, &err) < 0) {
		call_fail(h, p, &f, call, err.text);
		return;
	}
	frame_put_u32(&f, n);
	proc_send(h, p, &f);
}

/* ---- programs ------------------------------------------------------- */

static uint32_t
texts(struct frame_in *in, uint32_t max, struct str *v)
{
	uint32_t n = frame_n(in, 4, max);

	for (uint32_t i = 0; i < n; i++)
		v[i] = frame_str(in);
	return n;
}

/* stdin, at its start, by an offset of its own: the script's other programs may be
 * reading it. */
static int
input_of(struct frame_in *in)
{
	int fd = frame_u8(in) != 0 ? frame_blob_fd(in) : -1;
	int own = fd >= 0 ? ask_reopen(fd) : -1;

	if (fd >= 0)
		close(fd);
	return own;
}

/* What is asked goes to the broker, unless it is ${good}. */
static void
ask_broker(struct host *h, struct proc *p, uint32_t call, struct hook_exec *ex,
    bool good)
{
	struct frame f = { 0 };

	if (!good || p->in.bad || h->n_execs == HOST_EXECS)
		call_fail(h, p, &f, call, "too many programs, or too many "
		    "arguments");
	else
		h->exec[h->n_execs++] = (struct waiting_exec){
		    h->broker->exec(h->broker->daemon, ex), call, p, p->life,
		    ex->secret.n > 0 };
	if (ex->in >= 0)
		close(ex->in);
}

static void
call_exec(struct host *h, struct proc *p, struct host_plugin *pl, uint32_t call)
{
	struct frame_in *in = &p->in;
	struct str arg[HOOK_ARGS_MAX], env[ENV_MAX];
	struct hook_exec ex = { .plugin = str_z(pl->conf->name), .arg = arg,
	    .env = env };

	ex.n_args = texts(in, HOOK_ARGS_MAX, arg);
	ex.n_env = texts(in, ENV_MAX, env);
	ex.timeout = (usec)frame_u64(in);
	ex.in = input_of(in);
	ex.event_id = frame_str(in);
	ask_broker(h, p, call, &ex, ex.n_args > 0);
}

static void
call_connect(struct host *h, struct proc *p, struct host_plugin *pl, uint32_t call)
{
	struct frame_in *in = &p->in;
	struct hook_exec ex = { .plugin = str_z(pl->conf->name),
	    .connect = frame_str(in) };

	ex.half = frame_u8(in) != 0;
	ex.timeout = (usec)frame_u64(in);
	ex.in = input_of(in);
	ex.event_id = frame_str(in);
	ask_broker(h, p, call, &ex, ex.connect.n > 0);
}

static void
put_output(struct frame *f, int fd)
{
	if (fd >= 0)
		frame_take_blob(f, fd);
	else
		frame_put_blob(f, STR_NONE);
}

/* A secret goes to the script process as the file that it came in: it is not
 * read here. */
static void
call_secret(struct host *h, struct proc *p, struct host_plugin *pl, uint32_t call)
{
	struct hook_exec ex = { .plugin = str_z(pl->conf->name), .in = -1,
	    .secret = frame_str(&p->in) };

	ask_broker(h, p, call, &ex, ex.secret.n > 0);
}

/* Why there is nothing. */
static void
give_failure(struct host *h, struct waiting_exec *w, struct frame *f,
    struct hook_exit *ex)
{
	char why[500];
	ssize_t n = ex->code > 0 && ex->err >= 0 ?
	    pread(ex->err, why, sizeof(why) - 1, 0) : 0;

	if (n > 0)
		why[n] = '\0';
	else
		snprintf(why, sizeof(why), "%.*s", STR_ARG(str_head(ex->text,
		    sizeof(why) - 1)));
	call_fail(h, w->proc, f, w->call, why);
	if (ex->out >= 0)
		close(ex->out);
	if (ex->err >= 0)
		close(ex->err);
}

static void
give_exit(struct host *h, struct waiting_exec *w, struct hook_exit *ex)
{
	struct frame f;

	call_begin(&f, w->call);
	if (ex->code < 0 || (w->secret && ex->code > 0)) {
		give_failure(h, w, &f, ex);
		return;
	}
	if (w->secret) {
		put_output(&f, ex->out);
		if (ex->err >= 0)
			close(ex->err);
		proc_send(h, w->proc, &f);
		return;
	}
	frame_put_u32(&f, (uint32_t)ex->code);
	frame_put_u8(&f, ex->cut);
	put_output(&f, ex->out);
	put_output(&f, ex->err);
	proc_send(h, w->proc, &f);
}

void
call_poll(struct host *h)
{
	for (size_t i = 0; i < h->n_execs;) {
		struct waiting_exec *w = &h->exec[i];
		struct hook_exit ex = { .out = -1, .err = -1 };

		if (h->broker->done(h->broker->daemon, w->broker_call, &ex) == 0) {
			i++;
			continue;
		}
		give_exit(h, w, &ex);
		h->exec[i] = h->exec[--h->n_execs];
	}
}

void
call_forget(struct host *h, const struct proc *p)
{
	server_forget(h, p);
	for (size_t i = 0; i < h->n_execs;) {
		struct waiting_exec *w = &h->exec[i];

		if (w->proc != p) {
			i++;
			continue;
		}
		h->broker->cancel(h->broker->daemon, w->broker_call);
		h->exec[i] = h->exec[--h->n_execs];
	}
}

int
call_read(struct host *h, struct proc *p)
{
	struct frame_in *in = &p->in;
	uint32_t call = frame_u32(in), id = frame_u32(in);
	unsigned kind = frame_u8(in);
	struct host_plugin *pl;

	if (in->bad || id >= h->n_plugins || h->plugin[id].proc != p)
		return -1;
	pl = &h->plugin[id];
	switch (kind) {
	case CALL_STORE:
		call_store(h, p, pl, call);
		break;
	case CALL_MESSAGE:
		call_message(h, p, call);
		break;
	case CALL_SEARCH:
		call_search(h, p, call);
		break;
	case CALL_UNSEEN:
		call_unseen(h, p, call);
		break;
	case CALL_EXEC:
		call_exec(h, p, pl, call);
		break;
	case CALL_CONNECT:
		call_connect(h, p, pl, call);
		break;
	case CALL_SECRET:
		call_secret(h, p, pl, call);
		break;
	case CALL_FILE:
		file_call(h, p, pl, call);
		break;
	case CALL_SERVER:
		server_call(h, p, call);
		break;
	case CALL_LOOK:
		server_look(h, p, call);
		break;
	default:
		return -1;
	}
	return frame_ended(in) ? 0 : -1;
}
