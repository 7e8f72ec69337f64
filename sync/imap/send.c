/*
 * send.c — the queue of commands.  A command is text with stops in it, where
 * the head of a literal ends: there we may have to wait for the server's "+",
 * and the literal's bytes may come from a file.  While we wait, and while an
 * IDLE is open, everything behind waits too.
 *
 * One list holds the commands from their submission to their answer; il->unsent
 * is the one that the sender has come to.  RFC 9051 section 5.5, RFC 7888.
 */
#include "imap/lane_impl.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/num.h"
#include "net/stream.h"

enum {
	BACKLOG_LOW	= 256 << 10,	/* no more into the stream above that */
	FILE_CHUNK	= 32 << 10,
	MINUS_MAX	= 4096,		/* LITERAL-: larger ones wait */
	ROUNDS_MAX	= 8		/* then look whether something came */
};

struct request *
send_request(struct imap_lane *il)
{
	struct request *r = xcalloc(1, sizeof(*r));

	if (++il->last_req == 0)
		++il->last_req;		/* 0 is "none" */
	r->number = il->last_req;
	il->n_requests++;
	return r;
}

void
send_request_free(struct request *r)
{
	if (r == NULL)
		return;
	free(r->text);
	free(r->src);
	free(r->dst);
	uidset_clear(&r->modified);
	free(r);
}

struct command *
send_new(struct imap_lane *il, struct request *r, enum command_kind kind)
{
	struct command *c = xcalloc(1, sizeof(*c));

	c->req = r;
	c->kind = kind;
	c->tag = ++il->last_tag;
	buf_init(&c->text, SIZE_MAX);
	send_put(c, "%s%u ", il->prefix, c->tag);
	r->left++;
	return c;
}

static void
command_free(struct command *c)
{
	for (size_t i = 0; i < c->n_stops; i++)
		if (c->stop[i].fd >= 0)
			close(c->stop[i].fd);
	free(c->stop);
	free(c->tail);
	uidset_clear(&c->uids);
	buf_clear(&c->text);
	free(c);
}

static bool
can(const struct imap_lane *il, enum imap_cap cap)
{
	return imap_can(&il->head, cap);
}

/* The head of a literal and, if one is needed, the stop behind it. */
static void
literal_head(struct imap_lane *il, struct command *c, const char *open,
    struct stop stop, uint64_t size)
{
	bool wait = !can(il, CAP_LITERAL_PLUS) &&
	    !(can(il, CAP_LITERAL_MINUS) && size <= MINUS_MAX);

	send_put(c, "%s%llu%s}\r\n", open, (unsigned long long)size,
	    wait ? "" : "+");
	if (!wait && stop.fd < 0)
		return;
	stop.at = c->text.n;
	stop.wait = wait;
	c->stop = array_room(c->stop, c->n_stops, &c->cap_stops,
	    sizeof(*c->stop));
	c->stop[c->n_stops++] = stop;
}

void
send_literal(struct imap_lane *il, struct command *c, struct str s)
{
	literal_head(il, c, "{", (struct stop){ .fd = -1 }, s.n);
	must(buf_add_str(&c->text, s) == 0);
}

static bool
is_quotable(const struct imap_lane *il, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < ' ' || c == 0x7f || (c > 0x7f && !il->server.utf8))
			return false;
	}
	return true;
}

void
send_string(struct imap_lane *il, struct command *c, struct str s)
{
	if (!is_quotable(il, s)) {
		send_literal(il, c, s);
		return;
	}
	send_put(c, "\"");
	for (size_t i = 0; i < s.n; i++)
		send_put(c, "%s%c",
		    s.p[i] == '"' || s.p[i] == '\\' ? "\\" : "", s.p[i]);
	send_put(c, "\"");
}

void
send_file(struct imap_lane *il, struct command *c, int fd, enum eol eol,
    uint64_t wire_size, bool literal8)
{
	struct stop stop = { .fd = fd, .eol = eol, .size = wire_size };

	literal_head(il, c, literal8 ? "~{" : "{", stop, wire_size);
}

void
send_submit(struct imap_lane *il, struct command *c)
{
	send_put(c, "\r\n");
	/* Silence before is nobody's fault. */
	if (il->first == NULL || il->idle == IDLE_ON)
		il->alive = clock_now();
	if (il->first == NULL)
		il->first = c;
	else
		il->last->next = c;
	il->last = c;
	if (il->unsent == NULL)
		il->unsent = c;
	if (c->kind == CMD_SELECT || c->kind == CMD_UNSELECT) {
		il->will_select = c->kind == CMD_SELECT;
		il->n_box_commands++;
	}
}

static void
put(struct imap_lane *il, const void *p, size_t n)
{
	stream_put(il->st, p, n);
	il->put += n;
}

/* The literal was promised to have stop->size bytes and to be one message: what
 * is not that must not reach its end, and only the end of the connection can
 * take a promise back. */
static int
changed(struct err *err)
{
	return err_set(err, ERR_RETRY, "store.file-changed",
	    "a file changed while it was being uploaded: "
	    "the connection is given up, the upload begins again");
}

/* At the end of a literal, the file must be at its end as well. */
static int
end_file(struct command *c, struct stop *stop, struct err *err)
{
	char more;
	ssize_t got = read(stop->fd, &more, 1);

	if (got < 0)
		return err_sys(err, ERR_LOCAL, "store.read", "upload");
	if (got > 0)
		return changed(err);
	close(stop->fd);
	stop->fd = -1;
	c->next_stop++;
	c->file_at = 0;
	c->file_prev = 0;
	return 0;
}

/* The next portion of the present literal. */
static int
put_file(struct imap_lane *il, struct command *c, struct err *err)
{
	struct stop *stop = &c->stop[c->next_stop];
	char disk[FILE_CHUNK], wire[2 * FILE_CHUNK];
	ssize_t got;
	size_t n;

	if (c->file_at == stop->size)
		return end_file(c, stop, err);
	got = read(stop->fd, disk, sizeof(disk));
	if (got < 0)
		return err_sys(err, ERR_LOCAL, "store.read", "upload");
	n = eol_to_wire(stop->eol, disk, (size_t)got, &c->file_prev, wire);
	if (got == 0 || n > stop->size - c->file_at)
		return changed(err);
	put(il, wire, n);
	c->file_at += n;
	return 0;
}

static void
all_sent(struct imap_lane *il, struct command *c)
{
	c->sent = true;
	c->end = il->put;
	il->unsent = c->next;
	if (c->kind == CMD_IDLE) {
		il->idling = c;
		il->idle = IDLE_ASKED;
	}
	if (c->kind == CMD_SELECT)
		box_turn(il);
}

static void
forget(struct imap_lane *il, struct command *c)
{
	struct command **at = &il->first, *before = NULL;

	while (*at != c) {
		before = *at;
		at = &(*at)->next;
	}
	*at = c->next;
	if (il->last == c)
		il->last = before;
	if (il->unsent == c)
		il->unsent = c->next;
	command_free(c);
}

/* Send a bit more of ${c}. */
static int
put_command(struct imap_lane *il, struct command *c, struct err *err)
{
	bool stops = c->next_stop < c->n_stops;
	size_t end = stops ? c->stop[c->next_stop].at : c->text.n;

	if (!c->begun) {
		c->begun = true;
		il->in_flight++;
	}
	if (c->at < end) {
		put(il, c->text.p + c->at, end - c->at);
		c->at = end;
		il->wait_go = stops && c->stop[c->next_stop].wait;
		if (il->wait_go && c->answered)
			return err_set(err, ERR_PROTO, "proto.unexpected",
			    "the server refused an upload half-way and there "
			    "is no way to go on");
		if (stops)
			return 0;
	}
	if (stops && c->stop[c->next_stop].fd < 0) {
		c->next_stop++;
		return 0;
	}
	if (stops)
		return put_file(il, c, err);
	all_sent(il, c);
	if (c->answered)
		forget(il, c);
	return 0;
}

static bool
may_put(const struct imap_lane *il)
{
	const struct command *c = il->unsent;

	if (c == NULL || il->wait_go || il->idle != IDLE_OFF)
		return false;
	if (stream_pending(il->st) >= BACKLOG_LOW)
		return false;
	if (c->begun)
		return true;
	/* Some servers choke on IDLE in one packet with something else. */
	if (c->kind == CMD_IDLE && stream_pending(il->st) > 0)
		return false;
	return il->quirks.in_flight == 0 ||
	    il->in_flight < il->quirks.in_flight;
}

static int
push(struct imap_lane *il, struct err *err)
{
	size_t before = stream_pending(il->st);
	int r = before > 0 ? stream_push(il->st, err) : 0;

	if (stream_pending(il->st) < before)
		il->alive = clock_now();
	return r;
}

void
send_some(struct imap_lane *il)
{
	if (il->send_failed)
		return;
	for (int round = 0; ; round++) {
		int r = 0;

		while (r == 0 && may_put(il))
			r = put_command(il, il->unsent, &il->send_err);
		if (r == 0 && round < ROUNDS_MAX)
			r = push(il, &il->send_err);
		if (r < 0)
			il->send_failed = true;
		if (r <= 0)
			return;
	}
}

/* Is there an IDLE that has not been let in yet?  One that the server has ended by
 * itself is over. */
static bool
idle_to_come(const struct imap_lane *il)
{
	for (const struct command *c = il->unsent; c != NULL; c = c->next)
		if (c->kind == CMD_IDLE)
			return true;
	return il->idle == IDLE_ASKED;
}

void
send_done(struct imap_lane *il)
{
	il->idle_done = il->idle != IDLE_ON && idle_to_come(il);
	if (il->idle != IDLE_ON)
		return;
	stream_put(il->st, "DONE\r\n", 6);
	il->put += 6;
	il->idle = IDLE_OFF;
	il->alive = clock_now();
}

int
send_go(struct imap_lane *il, struct err *err)
{
	if (il->idle == IDLE_ASKED) {
		il->idle = IDLE_ON;
		if (il->idle_done)
			send_done(il);
		return 0;
	}
	if (il->wait_go) {
		il->wait_go = false;
		return 0;
	}
	return err_set(err, ERR_PROTO, "proto.unexpected",
	    "the server asks for a literal that was not announced");
}

/* Its last byte has left our own buffers.  (Of compressed bytes we cannot tell
 * which are whose.) */
static bool
has_left(const struct imap_lane *il, const struct command *c)
{
	return c->sent && (stream_info(il->st)->compressed ||
	    il->put - stream_pending(il->st) >= c->end);
}

struct command *
send_find(struct imap_lane *il, struct str tag, enum cond cond,
    struct err *err)
{
	struct str prefix = str_z(il->prefix);
	struct command *c = NULL;
	uint32_t number;

	if (str_starts(tag, prefix) &&
	    num_u32(str_from(tag, prefix.n), 1, UINT32_MAX, &number))
		for (c = il->first; c != NULL; c = c->next)
			if (c->tag == number && !c->answered)
				break;
	/* A refusal may come in the middle: instead of "+", or while a literal
	 * that did not wait for one is still going out. */
	if (c == NULL || !c->begun ||
	    (!has_left(il, c) && (cond == COND_OK || c->n_stops == 0))) {
		err_set(err, ERR_PROTO, "proto.unexpected",
		    "the server answers a command that it was not sent");
		return NULL;
	}
	return c;
}

struct request *
send_answered(struct imap_lane *il, struct command *c)
{
	struct request *r = c->req;

	c->answered = true;
	il->in_flight--;
	if (c->kind == CMD_SELECT || c->kind == CMD_UNSELECT)
		il->n_box_commands--;
	if (c == il->idling) {
		il->idling = NULL;
		il->idle = IDLE_OFF;
		il->idle_done = false;
	}
	if (!c->sent && il->wait_go) {
		/* Refused instead of "+": nothing more of it is sent. */
		il->wait_go = false;
		c->sent = true;
	}
	if (c->sent)
		forget(il, c);
	return --r->left == 0 ? r : NULL;
}

void
send_clear(struct imap_lane *il)
{
	while (il->first != NULL) {
		struct command *c = il->first;

		il->first = c->next;
		if (!c->answered && --c->req->left == 0)
			send_request_free(c->req);
		command_free(c);
	}
}
