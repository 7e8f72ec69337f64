/*
 * lane.c — one connection to one POP3 server: what is sent, and what comes in.
 * Called by net/lane.c's lanes_reap(), which does the waiting; nothing here
 * waits.  Answers come in the order of the commands, and that is all there is to
 * tell them apart by: what does not fit is the end of the connection.
 */
#include "pop3/lane.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/num.h"
#include "pop3/lane_impl.h"

enum {
	WINDOW		= 100,		/* commands not yet answered */
	LIST_MAX	= 4 << 20,	/* messages in a mailbox */
	BARE_END_S	= 5
};

/* ---- sending ---------------------------------------------------------- */

static bool
pipelines(const struct pop3_lane *pl)
{
	return pl->caps.pipelining && !pl->lock_step;
}

static void
put(struct pop3_lane *pl, const struct command *c)
{
	static const char *const verbs[] = {
		[CMD_CAPA] = "CAPA", [CMD_STAT] = "STAT", [CMD_LIST] = "LIST",
		[CMD_UIDL] = "UIDL", [CMD_TOP] = "TOP", [CMD_RETR] = "RETR", [CMD_DELE] = "DELE",
		[CMD_QUIT] = "QUIT",
	};
	char line[64];
	int n = snprintf(line, sizeof(line), "%s", verbs[c->kind]);

	if (c->number != 0)
		n += snprintf(line + n, sizeof(line) - (size_t)n, " %u",
		    c->number);
	n += snprintf(line + n, sizeof(line) - (size_t)n, "%s\r\n",
	    c->kind == CMD_TOP ? " 0" : "");
	stream_put(pl->st, line, (size_t)n);
}

static void
send_some(struct pop3_lane *pl)
{
	size_t window = pipelines(pl) ? WINDOW : 1;

	if (pl->at == pl->sent && pl->sent < pl->n) {
		struct str in = stream_peek(pl->st);

		/* A new silence is counted from the question.  What has come
		 * before it is an answer too many: each of those that follow
		 * would be taken for that of the command before. */
		pl->alive = clock_now();
		pl->early |= in.n > 0 && (in.p[0] == '+' || in.p[0] == '-');
	}
	while (pl->sent < pl->n && pl->sent - pl->at < window)
		put(pl, &pl->v[pl->sent++]);
}

uint32_t
pop3_lane_submit(struct pop3_lane *pl, enum command_kind kind, uint32_t number,
    bool told)
{
	uint32_t req = told ? ++pl->last_req : 0;

	if (pl->at == pl->n)
		pl->at = pl->sent = pl->n = 0;
	pl->v = array_room(pl->v, pl->n, &pl->cap, sizeof(*pl->v));
	pl->v[pl->n++] = (struct command){ req, kind, number };
	send_some(pl);
	return req;
}

/* ---- what comes in ---------------------------------------------------- */

static struct str
cap_argument(struct str rest)
{
	return str_split(&rest, ' ');
}

void
pop3_lane_cap(struct pop3_caps *caps, struct str line)
{
	struct str rest = str_trim(line), name = str_split(&rest, ' ');

	if (str_ieq(name, STR("USER"))) {
		caps->user = true;
	} else if (str_ieq(name, STR("PIPELINING"))) {
		caps->pipelining = true;
	} else if (str_ieq(name, STR("SASL"))) {
		while (rest.p != NULL)
			sasl_names_add(&caps->sasl, str_split(&rest, ' '));
	} else if (str_ieq(name, STR("LOGIN-DELAY"))) {
		if (!num_u32(cap_argument(rest), 0, UINT32_MAX,
		    &caps->login_delay))
			caps->login_delay = 0;
	} else if (str_ieq(name, STR("EXPIRE"))) {
		caps->expires = str_eq(cap_argument(rest), STR("0"));
	} else if (str_ieq(name, STR("IMPLEMENTATION"))) {
		snprintf(caps->implementation, sizeof(caps->implementation),
		    "%.*s", STR_ARG(rest));
	}
}

/* Its status line is the whole answer. */
static bool
is_short(enum command_kind kind)
{
	return kind == CMD_STAT || kind == CMD_DELE || kind == CMD_QUIT;
}

static bool
has_body(enum command_kind kind)
{
	return kind == CMD_RETR || kind == CMD_TOP;
}

/* The command at the head of the queue is answered.  1: *ev; 0: nobody asked. */
static int
done(struct pop3_lane *pl, const struct pop3_item *item, struct event *ev)
{
	const struct command *c = &pl->v[pl->at++];

	pl->ended = false;
	if (c->req == 0)
		return 0;
	*ev = (struct event){
		.kind = EV_DONE,
		.lane = &pl->head,
		.done = {
			.req = c->req,
			.status = item->status == POP3_OK ? DONE_OK : DONE_NO,
			.code = item->code,
			.text = item->text,
		},
	};
	return 1;
}

static int
status(struct pop3_lane *pl, const struct pop3_item *item, struct event *ev,
    struct err *err)
{
	const struct command *c = &pl->v[pl->at];

	if (pl->at == pl->sent || pl->early || item->status == POP3_GO_ON)
		return err_set(err, ERR_PROTO, "proto.unexpected",
		    "the server answers what was not asked: %.*s",
		    STR_ARG(str_head(item->text, 60)));
	if (c->kind == CMD_CAPA)
		pl->caps = (struct pop3_caps){ .known =
		    item->status == POP3_OK };
	pl->lines = 0;
	if (item->status == POP3_ERR || is_short(c->kind))
		return done(pl, item, ev);
	if (!has_body(c->kind)) {
		pop3_reader_expect(&pl->reader, POP3_PART_LIST);
		return 0;
	}
	pop3_reader_expect(&pl->reader, POP3_PART_MESSAGE);
	*ev = (struct event){ .kind = EV_BODY, .lane = &pl->head };
	ev->body.uid.v = c->number;
	return 1;
}

static int
listed(struct pop3_lane *pl, struct str line, struct event *ev, struct err *err)
{
	enum command_kind kind = pl->v[pl->at].kind;
	struct ev_msg msg = { .have = MSG_OBJID };
	struct str rest;

	if (++pl->lines > LIST_MAX)
		return err_set(err, ERR_PROTO, "proto.unexpected",
		    "the server does not stop listing messages");
	if (kind == CMD_CAPA) {
		pop3_lane_cap(&pl->caps, line);
		return 0;
	}
	if (!pop3_listed(line, &msg.uid.v, &rest))
		return err_set(err, ERR_PROTO, "proto.unexpected",
		    "this is no line of a list: %.*s",
		    STR_ARG(str_head(line, 60)));
	msg.objid = rest;
	if (kind == CMD_LIST) {
		msg.have = MSG_SIZE;
		if (!num_u64(str_split(&rest, ' '), 0, UINT64_MAX, &msg.size))
			return err_set(err, ERR_PROTO, "proto.unexpected",
			    "message %u has no size", msg.uid.v);
	}
	*ev = (struct event){ .kind = EV_MSG, .lane = &pl->head, .msg = msg };
	return 1;
}

static int
end(struct pop3_lane *pl, struct event *ev)
{
	const struct command *c = &pl->v[pl->at];

	if (!has_body(c->kind))
		return done(pl, &(struct pop3_item){ .status = POP3_OK }, ev);
	pl->ended = true;
	*ev = (struct event){ .kind = EV_MSG, .lane = &pl->head,
	    .msg = { .have = MSG_BODY, .uid = { c->number } } };
	return 1;
}

/* 1: *ev is filled in; 0: go on; -1. */
static int
take(struct pop3_lane *pl, const struct pop3_item *item, struct event *ev,
    struct err *err)
{
	switch (item->kind) {
	case POP3_STATUS:
		return status(pl, item, ev, err);
	case POP3_LINE:
		return listed(pl, item->text, ev, err);
	case POP3_DATA:
		*ev = (struct event){ .kind = EV_DATA, .lane = &pl->head,
		    .data = item->text };
		return 1;
	case POP3_END:
		return end(pl, ev);
	case POP3_MORE:
		break;
	}
	return 0;
}

static int
receive(struct pop3_lane *pl, struct event *ev, struct err *err)
{
	if (pl->ended)
		return done(pl, &(struct pop3_item){ .status = POP3_OK }, ev);
	for (;;) {
		struct str in = stream_peek(pl->st);
		struct pop3_item item;
		size_t eaten;
		int r;

		if (pop3_read(&pl->reader, in, &eaten, &item, err) < 0)
			return -1;
		stream_eat(pl->st, eaten);
		if (item.kind == POP3_MORE && (eaten == 0 || eaten == in.n))
			return 0;
		r = take(pl, &item, ev, err);
		if (r != 0)
			return r;
	}
}

/* ---- the step --------------------------------------------------------- */

/* Old Exchange does not end the last line before the dot.  Where answers follow
 * one another that cannot be told from text; alone, silence tells. */
static bool
bare_end(const struct pop3_lane *pl)
{
	return pl->sent - pl->at == 1 &&
	    pop3_reader_doubts(&pl->reader, stream_peek(pl->st));
}

static usec
deadline(const struct lane *ln)
{
	const struct pop3_lane *pl = pop3_impl_const(ln);

	if (pl->at == pl->sent)
		return USEC_NEVER;
	return pl->alive + (bare_end(pl) ? USEC_S(BARE_END_S) :
	    pl->response_timeout);
}

static int
silence(struct pop3_lane *pl, struct event *ev, struct err *err)
{
	if (!bare_end(pl))
		return err_set(err, ERR_RETRY, "net.timeout",
		    "the server has not said a word for %lld seconds",
		    (long long)(pl->response_timeout / USEC_S(1)));
	stream_eat(pl->st, stream_peek(pl->st).n);
	pop3_reader_expect(&pl->reader, POP3_PART_STATUS);
	return end(pl, ev);
}

/* 1: something arrived; 0: nothing now; -1.  What the server said before it went
 * is read first. */
static int
transfer(struct pop3_lane *pl, struct err *err)
{
	struct err lost;
	int sent, r;

	send_some(pl);
	sent = stream_push(pl->st, &lost);
	r = stream_pull(pl->st, err);
	if (r > 0)
		pl->alive = clock_now();
	if (r == 0 && sent < 0) {
		*err = lost;
		return -1;
	}
	return r;
}

static int
step(struct lane *ln, struct event *ev)
{
	struct pop3_lane *pl = pop3_impl(ln);
	struct err err = { 0 };
	int r;

	do {
		r = receive(pl, ev, &err);
		if (r > 0)
			return 1;
		if (r == 0)
			r = transfer(pl, &err);
	} while (r > 0);
	if (r == 0 && clock_now() < deadline(ln))
		return 0;
	if (r == 0 && silence(pl, ev, &err) > 0)
		return 1;
	*ev = (struct event){ .kind = EV_LOST, .lane = ln, .err = err };
	return 1;
}

static struct waiter
waiter(const struct lane *ln)
{
	return stream_waiter(pop3_impl_const(ln)->st);
}

static struct lane_info
info(const struct lane *ln)
{
	const struct pop3_lane *pl = pop3_impl_const(ln);

	return (struct lane_info){
		.server = pl->caps.implementation,
		.mechanism = pl->mechanism,
		.delta = "uidl",
		.stream = stream_info(pl->st),
	};
}

static void
free_lane(struct lane *ln)
{
	pop3_lane_free(pop3_impl(ln));
}

static const struct lane_ops ops = {
	.protocol = "pop3",
	.step = step,
	.waiter = waiter,
	.deadline = deadline,
	.info = info,
	.free = free_lane,
};

/* ---- life, and what can be asked -------------------------------------- */

struct pop3_lane *
pop3_lane_new(const struct pop3_conf *conf, const char *name, int fd)
{
	struct pop3_lane *pl = xcalloc(1, sizeof(*pl));

	pl->head.ops = &ops;
	pl->head.name = xstrdup(name);
	pl->st = stream_new(fd);
	if (conf->peer.tap)
		stream_tap(pl->st, name);
	pop3_reader_init(&pl->reader, conf->max_message);
	pl->lock_step = conf->lock_step;
	pl->response_timeout = conf->peer.response_timeout;
	pl->alive = clock_now();
	return pl;
}

void
pop3_lane_free(struct pop3_lane *pl)
{
	stream_free(pl->st);
	free((char *)pl->head.name);
	free(pl->v);
	free(pl);
}

const struct pop3_caps *
pop3_caps(const struct lane *ln)
{
	return &pop3_impl_const(ln)->caps;
}

bool
pop3_hides(const struct lane *ln)
{
	return pop3_impl_const(ln)->hides;
}

uint32_t
pop3_stat(struct lane *ln)
{
	return pop3_lane_submit(pop3_impl(ln), CMD_STAT, 0, true);
}

uint32_t
pop3_list(struct lane *ln)
{
	return pop3_lane_submit(pop3_impl(ln), CMD_LIST, 0, true);
}

uint32_t
pop3_uidl(struct lane *ln)
{
	return pop3_lane_submit(pop3_impl(ln), CMD_UIDL, 0, true);
}

uint32_t
pop3_top(struct lane *ln, uint32_t number)
{
	return pop3_lane_submit(pop3_impl(ln), CMD_TOP, number, true);
}

uint32_t
pop3_retr(struct lane *ln, uint32_t number)
{
	return pop3_lane_submit(pop3_impl(ln), CMD_RETR, number, true);
}

uint32_t
pop3_dele(struct lane *ln, uint32_t number)
{
	return pop3_lane_submit(pop3_impl(ln), CMD_DELE, number, true);
}

uint32_t
pop3_quit(struct lane *ln)
{
	return pop3_lane_submit(pop3_impl(ln), CMD_QUIT, 0, true);
}
