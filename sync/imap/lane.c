/*
 * lane.c — one connection, pipelined: the queue out, responses in.
 *
 * Two cursors in one list of commands: what is being sent, and what has been
 * answered.  Nothing here waits but lane_read(), which imap_open() uses.  The
 * mailbox that untagged data belongs to is the one of the oldest command that is
 * not answered yet, if that is a SELECT (RFC 9051 section 5.5), else the selected
 * one.
 */
#include "imap/lane_impl.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

/* Enough to fill a long fat pipe, little enough to stay cancellable. */
enum { BACKLOG_MAX = 256 << 10, CHUNK = 32 << 10 };

/* ---- commands --------------------------------------------------------- */

struct cmd *
cmd_new(struct imap_lane *l, enum cmd_kind kind, uint32_t req)
{
	struct cmd *c = xcalloc(1, sizeof(*c));

	c->kind = kind;
	c->req = req;
	c->final = true;
	snprintf(c->tag, sizeof(c->tag), "%s%u", l->tag_prefix, ++l->last_tag);
	*l->tail = c;
	l->tail = &c->next;
	l->n_cmds++;
	cmd_fmt(c, "%s ", c->tag);
	return c;
}

static struct piece *
new_piece(struct cmd *c, enum piece_kind kind)
{
	c->piece = array_room(c->piece, c->n, &c->cap, sizeof(*c->piece));
	c->piece[c->n] = (struct piece){ .kind = kind };
	return &c->piece[c->n++];
}

void
cmd_add(struct cmd *c, struct str text)
{
	struct piece *p = c->n > 0 ? &c->piece[c->n - 1] : NULL;

	if (p == NULL || p->kind != PIECE_TEXT)
		p = new_piece(c, PIECE_TEXT);
	p->text = xreallocarray(p->text, p->n + text.n + 1, 1);
	if (text.n > 0)
		memcpy(p->text + p->n, text.p, text.n);
	p->n += text.n;
	p->text[p->n] = '\0';
}

void
cmd_fmt(struct cmd *c, const char *fmt, ...)
{
	char *text;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	must(n >= 0);
	cmd_add(c, (struct str){ text, (size_t)n });
	free(text);
}

void
cmd_add_secret(struct cmd *c, struct str text)
{
	struct piece *p = new_piece(c, PIECE_SECRET);

	p->text = str_dup(text);
	p->n = text.n;
}

void
cmd_free(struct cmd *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->n; i++) {
		if (c->piece[i].kind == PIECE_SECRET)
			explicit_bzero(c->piece[i].text, c->piece[i].n);
		if (c->piece[i].kind == PIECE_FILE && c->piece[i].up.fd >= 0)
			close(c->piece[i].up.fd);
		free(c->piece[i].text);
	}
	free(c->piece);
	free(c->src);
	free(c->dst);
	free(c);
}

/* ---- sending ---------------------------------------------------------- */

/* A literal must have exactly as many bytes as it announced: a file that changed
 * under our hands ends the connection, for the server would read what follows as
 * part of it. */
static int
send_file(struct imap_lane *l, struct cmd *c, struct piece *p, struct err *err)
{
	char in[CHUNK], out[2 * CHUNK];

	while (c->left > 0 && stream_pending(l->st) < BACKLOG_MAX) {
		ssize_t n = read(p->up.fd, in, sizeof(in));
		size_t wire;

		if (n < 0 && errno == EINTR)
			continue;
		wire = n > 0 ? eol_to_wire(p->up.eol, in, (size_t)n, &c->prev,
		    out) : 0;
		if (wire == 0 || wire > c->left)
			return err_set(err, ERR_RETRY, "store.changed",
			    "a message file changed while it was uploaded");
		stream_put(l->st, out, wire);
		c->left -= wire;
	}
	if (c->left > 0)
		return 0;
	close(p->up.fd);
	p->up.fd = -1;
	return 1;
}

/* 1: all of it is with the stream, 0: not now, -1. */
static int
send_cmd(struct imap_lane *l, struct cmd *c, struct err *err)
{
	for (; c->at < c->n; c->at++) {
		struct piece *p = &c->piece[c->at];
		int r;

		if (stream_pending(l->st) >= BACKLOG_MAX)
			return 0;
		if (p->wait && !c->go)
			return 0;
		c->go = false;
		p->wait = false;
		switch (p->kind) {
		case PIECE_TEXT:
			stream_put(l->st, p->text, p->n);
			break;
		case PIECE_SECRET:
			stream_put_secret(l->st, p->text, p->n);
			break;
		case PIECE_FILE:
			if (c->left == 0) {
				c->left = p->up.wire_size;
				c->prev = 0;
			}
			r = c->left == 0 ? 1 : send_file(l, c, p, err);
			if (r <= 0)
				return r;
			break;
		}
	}
	c->sent = true;
	if (c->kind == CMD_IDLE) {
		l->idle = IDLE_ASKED;
		l->idle_done = false;
	}
	return 1;
}

static int
send_queue(struct imap_lane *l, struct err *err)
{
	struct cmd *c = l->head;
	int r = 1;

	while (c != NULL && c->sent)
		c = c->next;
	while (c != NULL && l->idle == IDLE_OFF && r > 0) {
		r = send_cmd(l, c, err);
		c = c->next;
	}
	if (r < 0)
		return -1;
	return stream_pending(l->st) > 0 ? stream_push(l->st, err) : 0;
}

static void
send_done(struct imap_lane *l)
{
	stream_put(l->st, "DONE\r\n", 6);
	l->idle = IDLE_OFF;
}

void
imap_idle_done(struct lane *ln)
{
	struct imap_lane *l = imap_of(ln);

	if (l->idle == IDLE_ON)
		send_done(l);
	else
		l->idle_done = true;
}

/* ---- the selected mailbox --------------------------------------------- */

static void
begin_select(struct imap_lane *l)
{
	struct cmd *c = l->head;

	if (c == NULL || c->kind != CMD_SELECT || c->begun)
		return;
	c->begun = true;
	l->box = (struct imap_box){ 0 };
}

static void
note_code(struct imap_lane *l, const struct resp_cond *cond)
{
	struct imap_box *box = &l->box;

	if (str_eq(cond->code, STR("UIDVALIDITY")))
		box->validity.v = cond->number;
	else if (str_eq(cond->code, STR("UIDNEXT")))
		box->uidnext = cond->number <= UINT32_MAX ?
		    (uint32_t)cond->number : 0;
	else if (str_eq(cond->code, STR("HIGHESTMODSEQ")))
		box->modseq = cond->modseq;
	else if (str_eq(cond->code, STR("NOMODSEQ")))
		box->modseq.v = 0;
	else if (str_eq(cond->code, STR("PERMANENTFLAGS")))
		box->no_new_keywords = !cond->star;
	else if (str_eq(cond->code, STR("READ-ONLY")))
		box->readonly = true;
	else if (str_eq(cond->code, STR("UIDNOTSTICKY")))
		box->uid_not_sticky = true;
	else if (str_eq(cond->code, STR("MAILBOXID")))
		snprintf(box->objid, sizeof(box->objid), "%.*s",
		    STR_ARG(str_trim(cond->args)));
}

static void
note_event(struct imap_lane *l, const struct event *ev)
{
	uint64_t gone;

	switch (ev->kind) {
	case EV_EXISTS:
		l->box.exists = ev->number;
		break;
	case EV_EXPUNGE:
		if (l->box.exists > 0)
			l->box.exists--;
		break;
	case EV_GONE:
		gone = uidset_count(ev->gone.uids);
		if (!ev->gone.earlier)
			l->box.exists -= gone < l->box.exists ?
			    (uint32_t)gone : l->box.exists;
		break;
	default:
		break;
	}
}

/* ---- answers ---------------------------------------------------------- */

static void
keep_pairs(struct cmd *c, const struct uidpairs *p)
{
	size_t n = c->n_copied + p->n;

	if (p->n == 0)
		return;
	c->dst = xreallocarray(c->dst, n, sizeof(*c->dst));
	memcpy(c->dst + c->n_copied, p->dst, p->n * sizeof(*p->dst));
	if (p->src != NULL) {
		c->src = xreallocarray(c->src, n, sizeof(*c->src));
		memcpy(c->src + c->n_copied, p->src, p->n * sizeof(*p->src));
	} else {
		c->no_src = true;
	}
	c->n_copied = n;
	c->validity = p->validity;
}

static struct cmd *
final_of(const struct cmd *c)
{
	struct cmd *f = c->next;

	while (f != NULL && (f->req != c->req || !f->final))
		f = f->next;
	return f;
}

static void
keep_worst(struct cmd *f, const struct cmd *c, enum done_status status,
    const struct resp_cond *cond)
{
	struct uidpairs p = { c->validity, c->src, c->dst, c->n_copied };

	keep_pairs(f, &p);
	if (status == DONE_OK || f->worst != DONE_OK)
		return;
	f->worst = status;
	snprintf(f->code, sizeof(f->code), "%.*s", STR_ARG(cond->code));
	snprintf(f->text, sizeof(f->text), "%.*s", STR_ARG(cond->text));
}

static void
after_answer(struct imap_lane *l, const struct cmd *c, enum done_status status,
    const struct resp_cond *cond)
{
	if (cond->modseq.v != 0)
		l->box.modseq = cond->modseq;
	switch (c->kind) {
	case CMD_SELECT:
		l->box.open = status == DONE_OK;
		if (status == DONE_OK)
			note_code(l, cond);
		break;
	case CMD_UNSELECT:
		l->box = (struct imap_box){ 0 };
		break;
	case CMD_IDLE:
		l->idle = IDLE_OFF;
		break;
	default:
		break;
	}
}

static void
fill_done(struct imap_lane *l, struct cmd *c, enum done_status status,
    const struct resp_cond *cond, struct event *ev)
{
	struct ev_done *d = &ev->done;

	*ev = (struct event){ .kind = EV_DONE, .lane = &l->lane };
	d->req = c->req;
	d->status = status;
	d->code = cond->code;
	d->text = cond->text;
	d->modseq = cond->modseq;
	d->modified = cond->modified;
	d->copied = (struct uidpairs){ c->validity, c->no_src ? NULL : c->src,
	    c->dst, c->n_copied };
	if (status == DONE_OK && c->worst != DONE_OK) {
		d->status = c->worst;
		d->code = str_z(c->code);
		d->text = str_z(c->text);
	}
}

/* 1: *ev is an EV_DONE; 0: one of several is done; -1. */
static int
tagged(struct imap_lane *l, const struct resp *resp, struct event *ev,
    struct err *err)
{
	enum done_status status = resp->cond.cond == COND_OK ? DONE_OK :
	    resp->cond.cond == COND_NO ? DONE_NO : DONE_BAD;
	struct cmd **link = &l->head, *c, *f;

	while (*link != NULL && !str_eq(str_z((*link)->tag), resp->tag))
		link = &(*link)->next;
	c = *link;
	/* An answer to what was not asked is forged or a desync; a command that
	 * waits for "+" may be refused before it is complete. */
	if (c == NULL || (!c->sent && !(status != DONE_OK && c->at < c->n &&
	    c->piece[c->at].wait)))
		return err_set(err, ERR_PROTO, "proto.unexpected",
		    "the server answered %.*s, which was not asked",
		    STR_ARG(resp->tag));
	begin_select(l);
	*link = c->next;
	if (l->tail == &c->next)
		l->tail = link;
	l->n_cmds--;
	keep_pairs(c, &resp->cond.copied);
	after_answer(l, c, status, &resp->cond);
	f = c->final ? NULL : final_of(c);
	if (f != NULL) {
		keep_worst(f, c, status, &resp->cond);
		cmd_free(c);
		return 0;
	}
	c->next = NULL;
	cmd_free(l->done);
	l->done = c;
	fill_done(l, c, status, &resp->cond, ev);
	return 1;
}

static void
continued(struct imap_lane *l)
{
	struct cmd *c = l->head;

	while (c != NULL && c->sent)
		c = c->next;
	if (c != NULL && c->at < c->n && c->piece[c->at].wait) {
		c->go = true;
	} else if (l->idle == IDLE_ASKED) {
		l->idle = IDLE_ON;
		if (l->idle_done)
			send_done(l);
	}
}

void
lane_caps(struct imap_lane *l, struct str list)
{
	caps_parse(&l->caps, list);
	l->caps.bits |= l->learned;
	l->caps.bits &= ~l->forbid;
}

static void
note_cond(struct imap_lane *l, const struct resp_cond *cond)
{
	if (cond->cond == COND_BYE) {
		l->bye = true;
		snprintf(l->bye_text, sizeof(l->bye_text), "%.*s",
		    STR_ARG(cond->text));
		return;
	}
	if (str_eq(cond->code, STR("CAPABILITY")))
		lane_caps(l, cond->args);
	/* A MOVE tells its COPYUID before its answer. */
	if (cond->copied.n > 0)
		for (struct cmd *c = l->head; c != NULL; c = c->next)
			if (c->kind == CMD_COPY) {
				keep_pairs(c, &cond->copied);
				break;
			}
	note_code(l, cond);
}

static void
note_enabled(struct imap_lane *l, struct str list)
{
	while (list.n > 0) {
		struct str word = str_split(&list, ' ');

		if (str_ieq(word, STR("QRESYNC")))
			l->server.qresync = l->server.condstore = true;
		else if (str_ieq(word, STR("CONDSTORE")))
			l->server.condstore = true;
		else if (str_ieq(word, STR("UTF8=ACCEPT")))
			l->server.utf8 = true;
	}
}

static void
note_id(struct imap_lane *l, const struct resp *resp)
{
	snprintf(l->server.name, sizeof(l->server.name), "%.*s",
	    STR_ARG(resp->id.name));
	snprintf(l->server.version, sizeof(l->server.version), "%.*s",
	    STR_ARG(resp->id.version));
}

/* 1: an event for the caller, 0: taken in here, -1. */
static int
handle(struct imap_lane *l, struct resp *resp, struct event *ev, struct err *err)
{
	begin_select(l);
	switch (resp->kind) {
	case RESP_EVENT:
		*ev = resp->event;
		ev->lane = &l->lane;
		note_event(l, ev);
		return 1;
	case RESP_TAGGED:
		return tagged(l, resp, ev, err);
	case RESP_COND:
		note_cond(l, &resp->cond);
		return 0;
	case RESP_CONTINUE:
		continued(l);
		return 0;
	case RESP_CAPABILITY:
		lane_caps(l, resp->text);
		return 0;
	case RESP_ENABLED:
		note_enabled(l, resp->text);
		return 0;
	case RESP_ID:
		note_id(l, resp);
		return 0;
	case RESP_NAMESPACE:
		snprintf(l->server.ns_prefix, sizeof(l->server.ns_prefix),
		    "%.*s", STR_ARG(resp->ns.prefix));
		l->server.ns_delim = resp->ns.delim;
		l->server.ns_known = true;
		return 0;
	default:
		return 0;
	}
}

/* ---- stepping --------------------------------------------------------- */

int
lane_bye(const struct imap_lane *l, struct err *err)
{
	static const struct {
		const char	*word, *code;
	} known[] = {
		{ "too many", "server.limit-connections" },
		{ "maximum number of connections", "server.limit-connections" },
		{ "bandwidth", "server.over-rate" },
		{ "throttl", "server.over-rate" },
	};
	const char *code = "proto.bye";

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (strcasestr(l->bye_text, known[i].word) != NULL)
			code = known[i].code;
	return err_set(err, ERR_RETRY, code, "the server said BYE: %s",
	    l->bye_text);
}

/* One response from what has arrived.  1, 0: more bytes are needed, -1. */
static int
read_one(struct imap_lane *l, struct resp *resp, struct err *err)
{
	for (;;) {
		struct str in;
		size_t eaten;
		int got;

		stream_eat(l->st, l->to_eat);
		l->to_eat = 0;
		in = stream_peek(l->st);
		if (imap_read(l->reader, in, &eaten, resp, err) < 0)
			return -1;
		/* What the response borrows is let go at the next call. */
		l->to_eat = eaten;
		if (resp->kind != RESP_MORE)
			return 1;
		if (eaten > 0)
			continue;
		got = stream_pull(l->st, err);
		if (got < 0)
			return l->bye ? lane_bye(l, err) : -1;
		if (got == 0)
			return 0;
		l->last_byte = clock_now();
	}
}

static bool
waiting_for_answer(const struct imap_lane *l)
{
	return l->n_cmds > 0 && l->idle == IDLE_OFF;
}

static int
check_timeout(const struct imap_lane *l, struct err *err)
{
	if (waiting_for_answer(l) && l->timeout > 0 &&
	    clock_now() - l->last_byte > l->timeout)
		return err_set(err, ERR_RETRY, "net.timeout",
		    "the server has not said anything for %lld seconds",
		    (long long)(l->timeout / 1000000));
	return 0;
}

static int
step(struct imap_lane *l, struct event *ev, struct err *err)
{
	struct resp resp;
	int got;

	if (send_queue(l, err) < 0)
		return l->bye ? lane_bye(l, err) : -1;
	while ((got = read_one(l, &resp, err)) > 0) {
		got = handle(l, &resp, ev, err);
		if (got != 0)
			return got;
		/* Outside LOGOUT, BYE is the end; some never close after it. */
		if (l->bye && (l->head == NULL || l->head->kind != CMD_LOGOUT))
			return lane_bye(l, err);
		if (send_queue(l, err) < 0)
			return -1;
	}
	if (got < 0)
		return -1;
	return check_timeout(l, err);
}

static int
lane_step(struct lane *ln, struct event *ev)
{
	struct imap_lane *l = imap_of(ln);
	struct err err;
	int got = step(l, ev, &err);

	if (got >= 0)
		return got;
	*ev = (struct event){ .kind = EV_LOST, .lane = ln };
	ev->err = err;
	return 1;
}

static struct waiter
lane_waiter(const struct lane *ln)
{
	return stream_waiter(imap_of_const(ln)->st);
}

static usec
lane_deadline(const struct lane *ln)
{
	const struct imap_lane *l = imap_of_const(ln);

	if (!waiting_for_answer(l) || l->timeout == 0)
		return USEC_NEVER;
	return l->last_byte + l->timeout + 1;
}

static void
lane_free(struct lane *ln)
{
	struct imap_lane *l = imap_of(ln);
	struct cmd *c;

	while ((c = l->head) != NULL) {
		l->head = c->next;
		cmd_free(c);
	}
	cmd_free(l->done);
	imap_reader_free(l->reader);
	stream_free(l->st);
	free(l);
}

const struct lane_ops imap_lane_ops = {
	.protocol = "imap",
	.step = lane_step,
	.waiter = lane_waiter,
	.deadline = lane_deadline,
	.free = lane_free,
};

int
lane_read(struct imap_lane *l, struct resp *resp, usec deadline, struct err *err)
{
	for (;;) {
		struct waiter w;
		int got;

		if (stream_pending(l->st) > 0 && stream_push(l->st, err) < 0)
			return -1;
		got = read_one(l, resp, err);
		if (got != 0)
			return got < 0 ? -1 : 0;
		w = stream_waiter(l->st);
		got = wait_any(&w, 1, deadline, err);
		if (got < 0)
			return -1;
		if (got == 0)
			return err_set(err, ERR_RETRY, "net.timeout",
			    "the server did not answer in time");
	}
}

/* ---- what is known of it ---------------------------------------------- */

const struct imap_caps *
imap_caps(const struct lane *ln)
{
	return &imap_of_const(ln)->caps;
}

bool
imap_can(const struct lane *ln, enum imap_cap cap)
{
	return caps_have(&imap_of_const(ln)->caps, cap);
}

void
imap_avoid(struct lane *ln, enum imap_cap cap)
{
	struct imap_lane *l = imap_of(ln);

	l->forbid |= (uint64_t)1 << cap;
	l->caps.bits &= ~l->forbid;
}

const struct imap_server *
imap_server(const struct lane *ln)
{
	return &imap_of_const(ln)->server;
}

const struct imap_box *
imap_box(const struct lane *ln)
{
	return &imap_of_const(ln)->box;
}

const struct stream_info *
imap_stream_info(const struct lane *ln)
{
	return stream_info(imap_of_const(ln)->st);
}

struct stream_stats
imap_stats(const struct lane *ln)
{
	return stream_stats(imap_of_const(ln)->st);
}

size_t
imap_open_requests(const struct lane *ln)
{
	return imap_of_const(ln)->n_cmds;
}

size_t
imap_backlog(const struct lane *ln)
{
	return stream_pending(imap_of_const(ln)->st);
}
