/*
 * parse.c — the reader: lines from collect.c, each given to the one that knows
 * its kind.  Untagged data is taken whenever it comes, never as the answer to
 * something.
 */
#include "imap/parse.h"

#include <stdlib.h>

#include "base/attr.h"
#include "base/mem.h"
#include "base/num.h"
#include "imap/boxes.h"
#include "imap/collect.h"
#include "imap/cond.h"
#include "imap/fetch.h"
#include "imap/lex.h"
#include "imap/search.h"
#include "imap/sets.h"

/* Items that a line still has to give. */
enum queued { QUEUED_NONE, QUEUED_DATA, QUEUED_MSG };

struct imap_reader {
	struct collect	 collect;
	struct buf	 scratch;
	struct sets	 sets;
	struct fetch	 fetch;
	enum queued	 queued;
	bool		 greeted;	/* had its first response */
	bool		 dead;
	uint64_t	 skipped;
};

struct imap_reader *
imap_reader_new(uint64_t max_literal)
{
	struct imap_reader *r = xcalloc(1, sizeof(*r));

	collect_init(&r->collect, max_literal);
	buf_init(&r->scratch, READ_LINE_MAX + READ_LITERAL_MAX);
	sets_init(&r->sets);
	fetch_init(&r->fetch);
	return r;
}

static void
clear(struct imap_reader *r)
{
	collect_clear(&r->collect);
	buf_clear(&r->scratch);
	sets_clear(&r->sets);
	fetch_clear(&r->fetch);
}

void
imap_reader_free(struct imap_reader *r)
{
	if (r == NULL)
		return;
	clear(r);
	free(r);
}

void
imap_reader_reset(struct imap_reader *r)
{
	clear(r);
	r->queued = QUEUED_NONE;
	r->greeted = false;
	r->dead = false;
	r->skipped = 0;
}

void
imap_reader_authenticated(struct imap_reader *r, bool yes)
{
	r->collect.trusted = yes;
}

uint64_t
imap_reader_skipped(const struct imap_reader *r)
{
	return r->skipped;
}

static struct lex
lex_line(struct imap_reader *r)
{
	struct str line = buf_str(&r->collect.line);
	uint8_t *room;

	if (r->scratch.cap > line.n + (256 << 10))
		buf_clear(&r->scratch);
	room = buf_room(&r->scratch, line.n);
	must(line.n == 0 || room != NULL);
	return (struct lex){
		.line = line,
		.lit = r->collect.lit,
		.n_lit = r->collect.n_lit,
		.scratch = (char *)room,
	};
}

static bool
set_event(struct resp *resp, enum event_kind kind)
{
	resp->kind = RESP_EVENT;
	resp->event.kind = kind;
	return true;
}

/* The EV_MSG of a line; before it, a BODY[] that was not streamed. */
static bool
read_fetch(struct imap_reader *r, struct lex *lx, uint32_t uid,
    struct resp *resp)
{
	struct fetch *f = &r->fetch;

	fetch_read(f, lx);
	if (f->msg.uid.v == 0)
		f->msg.uid.v = uid;
	if (f->inlined && !r->collect.streamed) {
		if (f->body.n > r->collect.max_body)
			lx->broken = "proto.literal-too-big";
		r->queued = f->body.n > 0 ? QUEUED_DATA : QUEUED_MSG;
		resp->event.body.size = f->body.n;
		resp->event.body.uid = f->msg.uid;
		return set_event(resp, EV_BODY);
	}
	if (f->msg.have == 0 && f->msg.uid.v == 0 && !r->collect.streamed)
		return true;
	resp->event.msg = f->msg;
	return set_event(resp, EV_MSG);
}

/* "12 EXISTS": ${number} is what stood first. */
static bool
read_numbered(struct imap_reader *r, struct lex *lx, struct str number,
    struct resp *resp)
{
	uint32_t n = 0;
	bool valid = num_u32(number, 0, UINT32_MAX, &n);

	lex_blank(lx);
	struct str word = lex_until(lx, " ([");

	/* The sequence number is of no use: Courier and Zoho have 0 and -3. */
	if (str_ieq(word, STR("FETCH")))
		return read_fetch(r, lx, 0, resp);
	if (str_ieq(word, STR("UIDFETCH")))
		return read_fetch(r, lx, valid ? n : 0, resp);
	if (str_ieq(word, STR("EXISTS")))
		set_event(resp, EV_EXISTS);
	else if (str_ieq(word, STR("EXPUNGE")))
		set_event(resp, EV_EXPUNGE);
	else
		return true;
	resp->event.number = n;
	return valid;
}

/* Untagged OK, NO, BAD, BYE, PREAUTH.  Two codes are news by themselves, but
 * the greeting is always given out as such. */
static bool
read_cond(struct imap_reader *r, struct lex *lx, enum cond cond,
    struct resp *resp)
{
	resp->kind = RESP_COND;
	resp->cond.cond = cond;
	cond_read(lx, &r->sets, &resp->cond);
	if (cond == COND_BYE || !r->greeted)
		return true;
	if (str_eq(resp->cond.code, STR("NOTIFICATIONOVERFLOW")))
		return set_event(resp, EV_OVERFLOW);
	if (str_eq(resp->cond.code, STR("ALERT"))) {
		resp->event.text = resp->cond.text;
		return set_event(resp, EV_ALERT);
	}
	return true;
}

static bool
read_list(struct imap_reader *r, struct lex *lx, struct resp *resp)
{
	(void)r;
	set_event(resp, EV_LIST);
	return boxes_read_list(lx, &resp->event.list);
}

/* What is \Noselect here is not subscribed, only something below it (RFC 3501
 * section 6.3.9). */
static bool
read_lsub(struct imap_reader *r, struct lex *lx, struct resp *resp)
{
	struct ev_list *list = &resp->event.list;

	(void)r;
	if (!boxes_read_list(lx, list))
		return false;
	if (list->attrs & LIST_NOSELECT)
		return true;
	list->attrs = LIST_SUBSCRIBED;
	set_event(resp, EV_LIST);
	resp->kind = RESP_LSUB;
	return true;
}

static bool
read_status(struct imap_reader *r, struct lex *lx, struct resp *resp)
{
	(void)r;
	set_event(resp, EV_STATUS);
	return boxes_read_status(lx, &resp->event.status);
}

static bool
read_search(struct imap_reader *r, struct lex *lx, struct resp *resp)
{
	resp->kind = RESP_EVENT;
	return search_read(lx, &r->sets, &resp->event);
}

static bool
read_esearch(struct imap_reader *r, struct lex *lx, struct resp *resp)
{
	resp->kind = RESP_EVENT;
	return search_read_extended(lx, &r->sets, &resp->event);
}

static bool
read_vanished(struct imap_reader *r, struct lex *lx, struct resp *resp)
{
	resp->kind = RESP_EVENT;
	return search_read_vanished(lx, &r->sets, &resp->event);
}

static bool
read_namespace(struct imap_reader *r, struct lex *lx, struct resp *resp)
{
	(void)r;
	resp->kind = RESP_NAMESPACE;
	return boxes_read_namespace(lx, &resp->ns.prefix, &resp->ns.delim);
}

static bool
read_id(struct imap_reader *r, struct lex *lx, struct resp *resp)
{
	(void)r;
	resp->kind = RESP_ID;
	if (!boxes_read_id(lx, &resp->id.name, &resp->id.version))
		lx->skipped++;	/* what could be read of it will do */
	return true;
}

static bool
read_capability(struct imap_reader *r, struct lex *lx, struct resp *resp)
{
	(void)r;
	resp->kind = RESP_CAPABILITY;
	resp->text = lex_rest(lx);
	return true;
}

static bool
read_enabled(struct imap_reader *r, struct lex *lx, struct resp *resp)
{
	(void)r;
	resp->kind = RESP_ENABLED;
	resp->text = lex_rest(lx);
	return true;
}

static const struct {
	const char	*name;
	bool		(*read)(struct imap_reader *, struct lex *,
			    struct resp *);
	bool		 before_auth;
} kinds[] = {
	{ "CAPABILITY",	read_capability,	true },
	{ "ID",		read_id,		true },
	{ "ENABLED",	read_enabled,		false },
	{ "NAMESPACE",	read_namespace,		false },
	{ "LIST",	read_list,		false },
	{ "LSUB",	read_lsub,		false },
	{ "STATUS",	read_status,		false },
	{ "SEARCH",	read_search,		false },
	{ "ESEARCH",	read_esearch,		false },
	{ "VANISHED",	read_vanished,		false },
};

/* What follows "*".  False when it makes no sense. */
static bool
read_untagged(struct imap_reader *r, struct lex *lx, struct resp *resp)
{
	bool trusted = r->collect.trusted;
	enum cond cond;
	struct str word;

	lex_blank(lx);
	/* Without the "OK", as home.pl has it. */
	if (lex_peek(lx) == '[' && trusted)
		return read_cond(r, lx, COND_OK, resp);
	word = lex_until(lx, " ([");
	if (cond_word(word, &cond))
		return read_cond(r, lx, cond, resp);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (str_ieq(word, str_z(kinds[i].name)))
			return (!trusted && !kinds[i].before_auth) ||
			    kinds[i].read(r, lx, resp);
	if (!trusted || word.n == 0)
		return word.n > 0;
	if (word.p[0] == '-' || (word.p[0] >= '0' && word.p[0] <= '9'))
		return read_numbered(r, lx, word, resp);
	return true;
}

static bool
read_tagged(struct imap_reader *r, struct lex *lx, struct resp *resp)
{
	resp->tag = lex_until(lx, " ");
	lex_blank(lx);
	if (!cond_word(lex_until(lx, " ["), &resp->cond.cond) ||
	    resp->cond.cond == COND_BYE || resp->cond.cond == COND_PREAUTH)
		return false;
	resp->kind = RESP_TAGGED;
	cond_read(lx, &r->sets, &resp->cond);
	return true;
}

static bool
read_any(struct imap_reader *r, struct lex *lx, struct resp *resp)
{
	if (lex_byte(lx, '*'))
		return read_untagged(r, lx, resp);
	if (lex_byte(lx, '+')) {
		resp->kind = RESP_CONTINUE;
		resp->text = lex_rest(lx);
		return true;
	}
	/* Exchange forgets the "* OK" before "[COPYUID 55 31 6]". */
	if (lex_peek(lx) == '[' && r->collect.trusted)
		return read_cond(r, lx, COND_OK, resp);
	return read_tagged(r, lx, resp);
}

static int
read_line(struct imap_reader *r, struct resp *resp, struct err *err)
{
	struct lex lx = lex_line(r);
	bool sense = read_any(r, &lx, resp);

	r->greeted = true;
	r->skipped += lx.skipped;
	if (lx.broken != NULL)
		return err_set(err, ERR_PROTO, lx.broken,
		    "the server's answer cannot be believed: \"%.*s...\"",
		    (int)str_head(lx.line, 40).n, lx.line.p);
	if (!sense) {
		*resp = (struct resp){ .kind = RESP_IGNORED };
		r->skipped++;
	}
	return 0;
}

/* A body begins; what has come of its line may say whose it is. */
static int
begin_body(struct imap_reader *r, struct resp *resp, struct err *err)
{
	const struct collect *c = &r->collect;
	struct lex lx = lex_line(r);
	struct str number;
	uint32_t uid;

	lex_byte(&lx, '*');
	lex_blank(&lx);
	number = lex_until(&lx, " ([");
	lex_blank(&lx);
	bool by_uid = str_ieq(lex_until(&lx, " (["), STR("UIDFETCH"));

	fetch_read(&r->fetch, &lx);
	if (lx.broken != NULL)
		return err_set(err, ERR_PROTO, lx.broken,
		    "a FETCH response nests too deeply");
	if (r->fetch.msg.uid.v == 0 && by_uid &&
	    num_u32(number, 1, UINT32_MAX, &uid))
		r->fetch.msg.uid.v = uid;
	resp->event.body.size = c->lit[c->n_lit - 1].size;
	resp->event.body.uid = r->fetch.msg.uid;
	set_event(resp, EV_BODY);
	return 0;
}

static void
give_queued(struct imap_reader *r, struct resp *resp)
{
	if (r->queued == QUEUED_DATA) {
		resp->event.data = r->fetch.body;
		set_event(resp, EV_DATA);
		r->queued = QUEUED_MSG;
	} else {
		resp->event.msg = r->fetch.msg;
		set_event(resp, EV_MSG);
		r->queued = QUEUED_NONE;
	}
}

static int
read_next(struct imap_reader *r, struct str in, size_t *eaten,
    struct resp *resp, struct err *err)
{
	enum collect_got got;
	struct str data;

	if (collect_step(&r->collect, in, eaten, &got, &data, err) < 0)
		return -1;
	switch (got) {
	case COLLECT_MORE:
		return 0;
	case COLLECT_LINE:
		resp->kind = RESP_IGNORED;
		return read_line(r, resp, err);
	case COLLECT_BODY:
		return begin_body(r, resp, err);
	case COLLECT_DATA:
		resp->event.data = data;
		set_event(resp, EV_DATA);
		return 0;
	}
	return 0;
}

int
imap_read(struct imap_reader *r, struct str in, size_t *eaten,
    struct resp *resp, struct err *err)
{
	*eaten = 0;
	*resp = (struct resp){ .kind = RESP_MORE };
	if (r->dead)
		return err_set(err, ERR_PROTO, "proto.dead",
		    "the server broke the protocol before");
	if (r->queued != QUEUED_NONE) {
		give_queued(r, resp);
		return 0;
	}
	if (read_next(r, in, eaten, resp, err) < 0) {
		r->dead = true;
		return -1;
	}
	return 0;
}
