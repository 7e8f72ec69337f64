/*
 * show_resp.h — what an IMAP reader gives, as text, for tests to compare.  One
 * line an item; the pieces of a body are joined, since how it is cut does not
 * matter.
 */
#ifndef SHOW_RESP_H
#define SHOW_RESP_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "imap/parse.h"

static inline void
show_escaped(FILE *f, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '\r')
			fputs("\\r", f);
		else if (c == '\n')
			fputs("\\n", f);
		else if (c < 0x20 || c >= 0x7f)
			fprintf(f, "\\x%02x", c);
		else
			fputc(c, f);
	}
}

static inline void
show_bytes(FILE *f, struct str s)
{
	fputc('"', f);
	show_escaped(f, s);
	fputc('"', f);
}

static inline void
show_set(FILE *f, const struct uidset *set)
{
	for (size_t i = 0; i < set->n; i++) {
		fprintf(f, "%s%u", i > 0 ? "," : " ", set->r[i].lo);
		if (set->r[i].hi != set->r[i].lo)
			fprintf(f, ":%u", set->r[i].hi);
	}
}

static inline void
show_cond(FILE *f, const struct resp_cond *c)
{
	static const char *const names[] = { "OK", "NO", "BAD", "BYE", "PREAUTH" };

	fputs(names[c->cond], f);
	if (c->code.p != NULL) {
		fprintf(f, " [%.*s", STR_ARG(c->code));
		if (c->args.n > 0)
			fprintf(f, " %.*s", STR_ARG(c->args));
		fputc(']', f);
	}
	fputc(' ', f);
	show_bytes(f, c->text);
	if (c->copied.n > 0) {
		fprintf(f, " copied=%" PRIu64, c->copied.validity.v);
		for (size_t i = 0; i < c->copied.n; i++)
			fprintf(f, ",%u>%u", c->copied.src != NULL ?
			    c->copied.src[i] : 0, c->copied.dst[i]);
	}
	if (c->modseq.v > 0)
		fprintf(f, " modseq=%" PRIu64, c->modseq.v);
	if (c->modified != NULL) {
		fputs(" modified=", f);
		show_set(f, c->modified);
	}
	if (c->number > 0)
		fprintf(f, " number=%" PRIu64, c->number);
	if (c->star)
		fputs(" star", f);
	fputc('\n', f);
}

static inline void
show_msg(FILE *f, const struct ev_msg *m)
{
	fprintf(f, "msg %u", m->uid.v);
	if (m->have & MSG_FLAGS) {
		fputs(" flags=(", f);
		for (size_t i = 0; i < m->n_flags; i++)
			fprintf(f, "%s%.*s", i > 0 ? " " : "",
			    STR_ARG(m->flags[i]));
		fputc(')', f);
	}
	if (m->have & MSG_DATE)
		fprintf(f, " date=%" PRId64, m->date);
	if (m->have & MSG_MODSEQ)
		fprintf(f, " modseq=%" PRIu64, m->modseq.v);
	if (m->have & MSG_SIZE)
		fprintf(f, " size=%" PRIu64, m->size);
	if (m->have & MSG_OBJID)
		fprintf(f, " id=%.*s", STR_ARG(m->objid));
	if (m->have & MSG_FIELDS) {
		fputs(" fields=", f);
		show_bytes(f, m->fields);
	}
	if (m->have & MSG_HEADER) {
		fputs(" header=", f);
		show_bytes(f, m->header);
	}
	fputs(m->have & MSG_BODY ? " body\n" : "\n", f);
}

static inline void
show_list(FILE *f, const struct ev_list *l)
{
	fputs("list ", f);
	show_bytes(f, l->name);
	fprintf(f, " attrs=%x delim=%c", l->attrs,
	    l->delim != 0 ? l->delim : '0');
	if (l->oldname.p != NULL) {
		fputs(" old=", f);
		show_bytes(f, l->oldname);
	}
	fputc('\n', f);
}

static inline void
show_status(FILE *f, const struct ev_status *s)
{
	fputs("status ", f);
	show_bytes(f, s->name);
	if (s->have & STATUS_MESSAGES)
		fprintf(f, " messages=%u", s->messages);
	if (s->have & STATUS_UIDNEXT)
		fprintf(f, " uidnext=%u", s->uidnext);
	if (s->have & STATUS_UIDVALIDITY)
		fprintf(f, " validity=%" PRIu64, s->validity.v);
	if (s->have & STATUS_UNSEEN)
		fprintf(f, " unseen=%u", s->unseen);
	if (s->have & STATUS_MODSEQ)
		fprintf(f, " modseq=%" PRIu64, s->modseq.v);
	if (s->have & STATUS_OBJID)
		fprintf(f, " id=%.*s", STR_ARG(s->objid));
	if (s->have & STATUS_SIZE)
		fprintf(f, " size=%" PRIu64, s->size);
	fputc('\n', f);
}

static inline void
show_event(FILE *f, const struct event *ev)
{
	switch (ev->kind) {
	case EV_BODY:
		fprintf(f, "body %" PRIu64 " of %u: ", ev->body.size,
		    ev->body.uid.v);
		break;
	case EV_MSG:
		show_msg(f, &ev->msg);
		break;
	case EV_GONE:
		fprintf(f, "gone%s", ev->gone.earlier ? " earlier" : "");
		show_set(f, ev->gone.uids);
		fputc('\n', f);
		break;
	case EV_EXPUNGE:
		fprintf(f, "expunge %u\n", ev->number);
		break;
	case EV_EXISTS:
		fprintf(f, "exists %u\n", ev->number);
		break;
	case EV_UIDS:
		fprintf(f, "uids %" PRIu64 ":", ev->uids.count);
		show_set(f, ev->uids.set);
		fputc('\n', f);
		break;
	case EV_LIST:
		show_list(f, &ev->list);
		break;
	case EV_STATUS:
		show_status(f, &ev->status);
		break;
	case EV_OVERFLOW:
		fputs("overflow\n", f);
		break;
	case EV_ALERT:
		fputs("alert ", f);
		show_bytes(f, ev->text);
		fputc('\n', f);
		break;
	case EV_DATA:
	case EV_DONE:
	case EV_LOST:
		fputs("not an event of the reader\n", f);
	}
}

static inline void
show_text(FILE *f, const char *what, struct str text)
{
	fputs(what, f);
	fputc(' ', f);
	show_bytes(f, text);
	fputc('\n', f);
}

static inline void
show_resp(FILE *f, const struct resp *r)
{
	switch (r->kind) {
	case RESP_MORE:
		break;
	case RESP_EVENT:
		show_event(f, &r->event);
		break;
	case RESP_LSUB:
		fputs("lsub ", f);
		show_event(f, &r->event);
		break;
	case RESP_TAGGED:
		fprintf(f, "%.*s: ", STR_ARG(r->tag));
		show_cond(f, &r->cond);
		break;
	case RESP_COND:
		fputs("*: ", f);
		show_cond(f, &r->cond);
		break;
	case RESP_CONTINUE:
		show_text(f, "continue", r->text);
		break;
	case RESP_CAPABILITY:
		show_text(f, "capability", r->text);
		break;
	case RESP_ENABLED:
		show_text(f, "enabled", r->text);
		break;
	case RESP_ID:
		fputs("id ", f);
		show_bytes(f, r->id.name);
		show_text(f, "", r->id.version);
		break;
	case RESP_NAMESPACE:
		fprintf(f, "namespace %c%s", r->ns.delim != 0 ? r->ns.delim :
		    '0', r->ns.prefix.p == NULL ? " none" : "");
		show_text(f, "", r->ns.prefix);
		break;
	case RESP_IGNORED:
		fputs("ignored\n", f);
	}
}

struct show {
	FILE		*f;
	char		*text;
	size_t		 n;
	bool		 in_body;
	uint64_t	 left;	/* of the body */
};

/* Show one item; bodies as one string, and that they are as long as announced. */
static inline void
show_one(struct show *sh, const struct resp *r)
{
	bool data = r->kind == RESP_EVENT && r->event.kind == EV_DATA;

	if (r->kind == RESP_MORE)
		return;
	if (data) {
		must(sh->in_body && r->event.data.n > 0 &&
		    r->event.data.n <= sh->left);
		sh->left -= r->event.data.n;
		show_escaped(sh->f, r->event.data);
		return;
	}
	if (sh->in_body) {
		/* Nothing but the message may come between. */
		must(r->kind == RESP_EVENT && r->event.kind == EV_MSG &&
		    sh->left == 0);
		fputc('\n', sh->f);
		sh->in_body = false;
	}
	show_resp(sh->f, r);
	if (r->kind == RESP_EVENT && r->event.kind == EV_BODY) {
		sh->in_body = true;
		sh->left = r->event.body.size;
	}
}

/* Read ${in} cut into portions: of ${seed} == 0 one, 1 single bytes, else random
 * ones.  Returns the text, to be freed: items, then the error, then the count
 * of what was skipped. */
static inline char *
show_all(struct str in, bool authenticated, uint64_t max_literal, unsigned seed)
{
	struct imap_reader *r = imap_reader_new(max_literal);
	struct show sh = { 0 };
	struct err err = { 0 };
	uint32_t random = seed;

	sh.f = open_memstream(&sh.text, &sh.n);
	must(sh.f != NULL);
	imap_reader_authenticated(r, authenticated);
	while (in.n > 0 && err.class == ERR_NONE) {
		struct resp resp;
		size_t n = in.n, eaten;

		random = random * 1103515245u + 12345u;
		if (seed > 0)
			n = seed == 1 ? 1 : 1 + (random >> 16) % 40;
		if (n > in.n)
			n = in.n;
		/* A copy of exactly that size: a sanitizer sees reads past it. */
		char *part = xmalloc(n);

		memcpy(part, in.p, n);
		in = str_from(in, n);
		for (struct str left = { part, n };;) {
			if (imap_read(r, left, &eaten, &resp, &err) < 0)
				break;
			must(eaten <= left.n);
			left = str_from(left, eaten);
			if (resp.kind == RESP_MORE)
				break;
			show_one(&sh, &resp);
		}
		free(part);
	}
	if (err.class != ERR_NONE)
		fprintf(sh.f, "%s%s\n", sh.in_body ? "\n" : "", err.code);
	if (imap_reader_skipped(r) > 0)
		fprintf(sh.f, "skipped %" PRIu64 "\n", imap_reader_skipped(r));
	fclose(sh.f);
	imap_reader_free(r);
	return sh.text;
}

#endif
