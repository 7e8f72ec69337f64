/*
 * show_pop3.h — what a POP3 reader gives, as text, for tests to compare.  One
 * line an item; the pieces of a message are joined, since how it is cut does not
 * matter.
 */
#ifndef SHOW_POP3_H
#define SHOW_POP3_H

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "pop3/parse.h"

struct show_pop3 {
	FILE		*f;
	const char	*plan;		/* what follows each +OK: S, L or M */
	bool		 in_message;
};

static inline void
show_text(FILE *f, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '\r' || c == '\n')
			fputs(c == '\r' ? "\\r" : "\\n", f);
		else if (c < 0x20 || c >= 0x7f)
			fprintf(f, "\\x%02x", c);
		else
			fputc(c, f);
	}
}

static inline void
show_pop3_item(struct show_pop3 *sh, struct pop3_reader *r,
    const struct pop3_item *item)
{
	static const char *const names[] = { "OK", "ERR", "+" };

	if (item->kind == POP3_MORE)
		return;
	if (sh->in_message && item->kind != POP3_DATA)
		fputs("\"\n", sh->f);
	if (!sh->in_message && item->kind == POP3_DATA)
		fputc('"', sh->f);
	sh->in_message = item->kind == POP3_DATA;
	switch (item->kind) {
	case POP3_STATUS:
		fprintf(sh->f, "%s [%.*s] ", names[item->status],
		    STR_ARG(item->code));
		show_text(sh->f, item->text);
		fputc('\n', sh->f);
		if (item->status != POP3_OK || *sh->plan == '\0')
			break;
		pop3_reader_expect(r, *sh->plan == 'M' ? POP3_PART_MESSAGE :
		    *sh->plan == 'L' ? POP3_PART_LIST : POP3_PART_STATUS);
		sh->plan++;
		break;
	case POP3_LINE:
		fputs("- ", sh->f);
		show_text(sh->f, item->text);
		fputc('\n', sh->f);
		break;
	case POP3_DATA:
		show_text(sh->f, item->text);
		break;
	case POP3_END:
		fputs(".\n", sh->f);
		break;
	case POP3_MORE:
		break;
	}
}

/* Read what is there; -1 when that is the end of the connection. */
static inline int
show_pop3_some(struct show_pop3 *sh, struct pop3_reader *r, struct buf *have)
{
	struct pop3_item item;
	struct err err;
	size_t eaten;

	for (;;) {
		/* A copy of exactly that size: a sanitizer sees reads past it. */
		size_t n = have->n;
		char *part = memcpy(xmalloc(n + 1), n > 0 ? have->p :
		    (const uint8_t *)"", n);
		int rc = pop3_read(r, (struct str){ part, n }, &eaten, &item,
		    &err);

		if (rc == 0) {
			must(eaten <= n);
			show_pop3_item(sh, r, &item);
			buf_drop(have, eaten);
		}
		free(part);
		if (rc < 0)
			fprintf(sh->f, "%s%s\n", sh->in_message ? "\"\n" : "",
			    err.code);
		if (rc < 0 || (item.kind == POP3_MORE && eaten == 0))
			return rc;
	}
}

/* ${seed} 0: all at once, 1: byte by byte, else in random portions.  To free(). */
static inline char *
show_pop3(struct str in, const char *plan, uint64_t max_message, unsigned seed)
{
	struct show_pop3 sh = { .plan = plan };
	struct pop3_reader r;
	uint32_t random = seed;
	struct buf have;
	char *text;
	size_t size;

	buf_init(&have, 1 << 24);
	pop3_reader_init(&r, max_message);
	sh.f = open_memstream(&text, &size);
	while (in.n > 0) {
		size_t n = in.n;

		random = random * 1103515245u + 12345u;
		if (seed > 0)
			n = seed == 1 ? 1 : 1 + (random >> 16) % 40;
		must(buf_add_str(&have, str_head(in, n)) == 0);
		in = str_from(in, n);
		if (show_pop3_some(&sh, &r, &have) < 0)
			break;
	}
	if (pop3_reader_doubts(&r, buf_str(&have)))
		fprintf(sh.f, "?");
	fclose(sh.f);
	buf_clear(&have);
	return text;
}

#endif
