/*
 * lane.c — one connection to one IMAP server, pipelined: what comes in, and the
 * answers that make a request done.  Called by net/lane.c's lanes_reap(), which
 * does the waiting; nothing here waits.
 *
 * RFC 9051 sections 5.3 (responses at any time), 5.5 (pipelining), 7.
 */
#include "imap/lane.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/mem.h"
#include "imap/lane_impl.h"

/* --- What was asked for is answered. --- */

static void
take_text(struct request *r, const struct resp_cond *cond)
{
	free(r->text);
	r->text = str_dup(cond->text);
	snprintf(r->code, sizeof(r->code), "%.*s", STR_ARG(cond->code));
}

static void
add_numbers(uint32_t **p, size_t *n, size_t *cap, const uint32_t *add,
    size_t n_add)
{
	if (add == NULL)
		return;
	for (size_t i = 0; i < n_add; i++) {
		*p = array_room(*p, *n, cap, sizeof(**p));
		(*p)[(*n)++] = add[i];
	}
}

/* Only what this kind of command can have brought about: sources and
 * destinations must pair. */
static void
take_pairs(const struct command *c, const struct uidpairs *pairs)
{
	struct request *r = c->req;
	bool copy = c->kind == CMD_COPY || c->kind == CMD_MOVE;

	if (pairs->n == 0 || (pairs->src != NULL) != copy ||
	    (!copy && c->kind != CMD_APPEND))
		return;
	r->validity = pairs->validity;
	add_numbers(&r->src, &r->n_src, &r->cap_src, pairs->src, pairs->n);
	add_numbers(&r->dst, &r->n_dst, &r->cap_dst, pairs->dst, pairs->n);
}

static enum done_status
status_of(const struct command *c, enum cond cond)
{
	if (cond == COND_NO && c->refusal_is_ok)
		return DONE_OK;
	return cond == COND_OK ? DONE_OK : cond == COND_NO ? DONE_NO : DONE_BAD;
}

/* One answer of perhaps several: the first failure is the one that is told. */
static void
take_answer(struct command *c, const struct resp_cond *cond)
{
	struct request *r = c->req;
	enum done_status status = status_of(c, cond->cond);

	if (!c->quiet && r->status == DONE_OK) {
		r->status = status;
		take_text(r, cond);
	}
	if (!c->paired)
		take_pairs(c, &cond->copied);
	if (cond->modseq.v > r->modseq.v)
		r->modseq = cond->modseq;
	if (cond->modified == NULL)
		return;
	for (size_t i = 0; i < cond->modified->n; i++)
		uidset_add(&r->modified, cond->modified->r[i].lo,
		    cond->modified->r[i].hi);
}

static void
tell_done(struct imap_lane *il, struct request *r, struct event *ev)
{
	il->n_requests--;
	il->reaped = r;
	*ev = (struct event){
		.kind = EV_DONE,
		.lane = &il->head,
		.done = {
			.req = r->number,
			.status = r->status,
			.code = str_z(r->code),
			.text = str_z(r->text),
			.copied = {
				.validity = r->validity,
				.src = r->src,
				.dst = r->dst,
				.n = r->n_dst,
			},
			.modseq = r->modseq,
			.modified = r->modified.n > 0 ? &r->modified : NULL,
		},
	};
}

static int
tagged(struct imap_lane *il, const struct resp *resp, struct event *ev,
    struct err *err)
{
	const struct resp_cond *cond = &resp->cond;
	struct command *c = send_find(il, resp->tag, cond->cond, err);
	struct resp_cond part = *cond;
	struct request *r;

	if (c == NULL)
		return -1;
	if (cond->cond != COND_OK && peer_throttles(cond->code, cond->text))
		return err_set(err, ERR_RETRY, "server.over-rate",
		    "the server is asked too much: %.*s",
		    STR_ARG(str_head(cond->text, 300)));
	if (cond->cond == COND_OK && !parts_go_on(il, c, cond))
		part.cond = COND_NO;
	take_answer(c, &part);
	if (str_eq(cond->code, STR("ALERT")))
		imap_lane_alert(il, cond->text);
	imap_lane_cond_caps(il, cond);
	if (box_answered(il, c, cond, err) < 0)
		return -1;
	if (c->kind == CMD_LSUB)
		listed_end(&il->listed);
	r = send_answered(il, c);
	box_turn(il);
	if (r == NULL)
		return 0;
	tell_done(il, r, ev);
	return 1;
}

/* --- What comes unasked, or by the way. --- */

/* The COPYUID of a MOVE comes untagged, so that it is there before the EXPUNGEs
 * (RFC 6851 section 4.3).  MOVEs are answered in order. */
static void
untagged_copied(struct imap_lane *il, const struct uidpairs *pairs)
{
	for (struct command *c = il->first; c != NULL && c->sent; c = c->next) {
		if (c->kind != CMD_MOVE || c->answered)
			continue;
		take_pairs(c, pairs);
		c->paired = true;
		return;
	}
}

void
imap_lane_alert(struct imap_lane *il, struct str text)
{
	free(il->alert);
	il->alert = str_dup(text);
}

int
imap_lane_bye(const struct resp_cond *cond, struct err *err)
{
	enum err_class class = ERR_RETRY;
	const char *code = "proto.bye";

	peer_complaint(cond->text, &class, &code);
	err_set(err, class, "proto.bye", "the server says goodbye: %.*s",
	    (int)str_head(cond->text, 300).n,
	    cond->text.p != NULL ? cond->text.p : "");
	err->code = code;
	snprintf(err->resp, sizeof(err->resp), "%.*s", STR_ARG(cond->code));
	return -1;
}

static int
untagged(struct imap_lane *il, const struct resp_cond *cond, struct err *err)
{
	if (cond->cond == COND_BYE)
		return imap_lane_bye(cond, err);
	imap_lane_cond_caps(il, cond);
	if (cond->copied.n > 0)
		untagged_copied(il, &cond->copied);
	parts_note(il, cond);
	return box_cond(il, cond, err);
}

static void
enabled(struct imap_server *server, struct str list)
{
	while (list.p != NULL) {
		struct str word = str_split(&list, ' ');

		if (str_ieq(word, STR("QRESYNC")))
			server->qresync = server->condstore = true;
		else if (str_ieq(word, STR("CONDSTORE")))
			server->condstore = true;
		else if (str_ieq(word, STR("UTF8=ACCEPT")))
			server->utf8 = true;
	}
}

static void
identified(struct imap_lane *il, const struct resp *resp)
{
	struct imap_server *s = &il->server;

	snprintf(s->name, sizeof(s->name), "%.*s", STR_ARG(resp->id.name));
	snprintf(s->version, sizeof(s->version), "%.*s",
	    STR_ARG(resp->id.version));
	quirks_id(&il->quirks, resp->id.name, resp->id.version);
	imap_lane_mask(il);
}

static void
named(struct imap_server *s, const struct resp *resp)
{
	if (resp->ns.prefix.n >= sizeof(s->ns_prefix))
		return;
	snprintf(s->ns_prefix, sizeof(s->ns_prefix), "%.*s",
	    STR_ARG(resp->ns.prefix));
	s->ns_delim = resp->ns.delim;
	s->ns_known = true;
}

static int
give(struct imap_lane *il, const struct resp *resp, struct event *ev)
{
	*ev = resp->event;
	ev->lane = &il->head;
	return 1;
}

/* One response.  1: *ev is filled in; 0: go on; -1. */
static int
take(struct imap_lane *il, const struct resp *resp, struct event *ev,
    struct err *err)
{
	switch (resp->kind) {
	case RESP_EVENT:
		if (!box_event(il, &resp->event))
			return 0;
		if (resp->event.kind == EV_LIST)
			listed_note(&il->listed, resp->event.list.name);
		return give(il, resp, ev);
	case RESP_LSUB:
		return listed_has(&il->listed, resp->event.list.name) ?
		    give(il, resp, ev) : 0;
	case RESP_TAGGED:
		return tagged(il, resp, ev, err);
	case RESP_COND:
		return untagged(il, &resp->cond, err);
	case RESP_CONTINUE:
		return send_go(il, err);
	case RESP_CAPABILITY:
		imap_lane_caps(il, resp->text);
		return 0;
	case RESP_ENABLED:
		enabled(&il->server, resp->text);
		return 0;
	case RESP_ID:
		identified(il, resp);
		return 0;
	case RESP_NAMESPACE:
		named(&il->server, resp);
		return 0;
	case RESP_MORE:
	case RESP_IGNORED:
		return 0;
	}
	return 0;
}

/* --- The step. --- */

static int
tell_alert(struct imap_lane *il, struct event *ev)
{
	il->alerted = il->alert;
	il->alert = NULL;
	*ev = (struct event){ .kind = EV_ALERT, .lane = &il->head,
	    .text = str_z(il->alerted) };
	return 1;
}

/* Parse what has arrived.  1: an event; 0: nothing is left; -1. */
static int
receive(struct imap_lane *il, struct event *ev, struct err *err)
{
	for (;;) {
		if (il->alert != NULL)
			return tell_alert(il, ev);
		struct str in = stream_peek(il->st);
		struct resp resp;
		size_t eaten = 0;
		int r;

		if (imap_read(il->reader, in, &eaten, &resp, err) < 0)
			return -1;
		stream_eat(il->st, eaten);
		if (resp.kind == RESP_MORE && (eaten == 0 || eaten == in.n))
			return 0;
		r = take(il, &resp, ev, err);
		if (r != 0)
			return r;
	}
}

/* Send and receive bytes.  1: something arrived; 0: nothing now; -1.  When
 * sending fails, what the server said before is still read first. */
static int
transfer(struct imap_lane *il, struct err *err)
{
	int r;

	send_some(il);
	r = stream_pull(il->st, err);
	if (r > 0)
		il->alive = clock_now();
	if (r <= 0 && il->send_failed) {
		*err = il->send_err;
		return -1;
	}
	return r;
}

static usec
deadline(const struct lane *ln)
{
	const struct imap_lane *il = imap_impl_const(ln);

	if (il->n_requests == 0 || il->idle == IDLE_ON)
		return USEC_NEVER;
	return il->alive + il->response_timeout;
}

static int
step(struct lane *ln, struct event *ev)
{
	struct imap_lane *il = imap_impl(ln);
	struct err err = { 0 };
	int r;

	send_request_free(il->reaped);
	il->reaped = NULL;
	free(il->alerted);
	il->alerted = NULL;
	do {
		r = receive(il, ev, &err);
		if (r > 0)
			return 1;
		if (r == 0)
			r = transfer(il, &err);
	} while (r > 0);
	if (r == 0 && clock_now() < deadline(ln))
		return 0;
	if (r == 0)
		err_set(&err, ERR_RETRY, "net.timeout",
		    "the server has not said a word for %lld seconds",
		    (long long)(il->response_timeout / USEC_S(1)));
	*ev = (struct event){ .kind = EV_LOST, .lane = ln, .err = err };
	return 1;
}

static struct waiter
waiter(const struct lane *ln)
{
	return stream_waiter(imap_impl_const(ln)->st);
}

static struct lane_info
info(const struct lane *ln)
{
	const struct imap_lane *il = imap_impl_const(ln);

	return (struct lane_info){
		.server = il->server.name,
		.mechanism = il->server.mechanism,
		.delta = il->server.qresync ? "qresync" :
		    il->server.condstore ? "condstore" : "flags",
		.stream = stream_info(il->st),
	};
}

static void
free_lane(struct lane *ln)
{
	imap_lane_free(imap_impl(ln));
}

static const struct lane_ops ops = {
	.protocol = "imap",
	.step = step,
	.waiter = waiter,
	.deadline = deadline,
	.info = info,
	.free = free_lane,
};

/* --- Life, and what can be asked. --- */

/* Letters first: some servers want one in a tag.  Random, so that nobody can
 * write an answer before the question. */
static void
choose_prefix(char prefix[6])
{
	uint8_t random[5];

	must(getrandom(random, sizeof(random), 0) == sizeof(random));
	for (size_t i = 0; i < sizeof(random); i++)
		prefix[i] = (char)('A' + random[i] % 26);
	prefix[sizeof(random)] = '\0';
}

struct imap_lane *
imap_lane_new(const struct imap_conf *conf, const char *name, int fd)
{
	struct imap_lane *il = xcalloc(1, sizeof(*il));

	il->head.ops = &ops;
	il->head.name = xstrdup(name);
	il->st = stream_new(fd);
	if (conf->peer.tap)
		stream_tap(il->st, name);
	il->reader = imap_reader_new(conf->max_literal);
	il->response_timeout = conf->peer.response_timeout;
	il->alive = clock_now();
	/* What forbids to send a password cannot be forbidden. */
	il->avoid = conf->forbid & ~(UINT64_C(1) << CAP_LOGINDISABLED);
	choose_prefix(il->prefix);
	return il;
}

void
imap_lane_free(struct imap_lane *il)
{
	if (il == NULL)
		return;
	send_clear(il);
	listed_clear(&il->listed);
	send_request_free(il->reaped);
	free(il->alert);
	free(il->alerted);
	imap_reader_free(il->reader);
	stream_free(il->st);
	free((char *)il->head.name);
	free(il);
}

void
imap_lane_mask(struct imap_lane *il)
{
	il->caps.bits &= ~(il->avoid | il->quirks.avoid);
}

void
imap_lane_caps(struct imap_lane *il, struct str list)
{
	caps_parse(&il->caps, list);
	il->caps_known = true;
	il->announced = il->caps.bits;
	quirks_caps(&il->quirks, list);
	imap_lane_mask(il);
}

void
imap_lane_cond_caps(struct imap_lane *il, const struct resp_cond *cond)
{
	if (str_eq(cond->code, STR("CAPABILITY")))
		imap_lane_caps(il, cond->args);
}

const struct imap_caps *
imap_caps(const struct lane *ln)
{
	return &imap_impl_const(ln)->caps;
}

bool
imap_can(const struct lane *ln, enum imap_cap cap)
{
	const struct imap_lane *il = imap_impl_const(ln);
	uint64_t learned = il->quirks.learned & ~il->avoid;

	return caps_have(&il->caps, cap) || (learned >> cap & 1) != 0;
}

void
imap_avoid(struct lane *ln, enum imap_cap cap)
{
	struct imap_lane *il = imap_impl(ln);

	il->avoid |= UINT64_C(1) << cap;
	imap_lane_mask(il);
}

uint64_t
imap_ahead(const struct lane *ln)
{
	const struct imap_lane *il = imap_impl_const(ln);
	unsigned bits = il->quirks.bits & (TRAIT_AHEAD | QUIRK_CAPABILITY_AGAIN);

	return bits == TRAIT_AHEAD && il->caps_at_once ?
	    il->caps.bits | (il->quirks.learned & ~il->avoid) : 0;
}

const struct imap_server *
imap_server(const struct lane *ln)
{
	return &imap_impl_const(ln)->server;
}

const struct imap_box *
imap_box(const struct lane *ln)
{
	return &imap_impl_const(ln)->box;
}

size_t
imap_open_requests(const struct lane *ln)
{
	return imap_impl_const(ln)->n_requests;
}
