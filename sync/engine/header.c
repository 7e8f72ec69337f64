/* header.c — Subject, From and Message-ID of a message that streams by. */
#include "engine/header.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Longer fields are cut: this is for people. */
enum { FIELD_MAX = 400 };

void
header_clear(struct header *h)
{
	free(h->subject);
	free(h->from);
	free(h->msgid);
	free(h->line);
	*h = (struct header){ 0 };
}

static void
keep(char **slot, struct str line, struct str name)
{
	if (*slot == NULL && str_istarts(line, name))
		*slot = str_dup(str_trim(str_from(line, name.n)));
}

static void
end_field(struct header *h)
{
	struct str line = { h->line, h->n };

	keep(&h->subject, line, STR("Subject:"));
	keep(&h->from, line, STR("From:"));
	keep(&h->msgid, line, STR("Message-ID:"));
	h->n = 0;
}

/* Of one line, without its end. */
static void
add_run(struct header *h, const char *p, size_t n)
{
	if (h->line == NULL)
		h->line = xmalloc(FIELD_MAX + 1);
	while (n > 0) {
		const char *cr = memchr(p, '\r', n);
		size_t part = cr != NULL ? (size_t)(cr - p) : n;
		size_t room = FIELD_MAX - h->n, kept = part < room ? part : room;

		memcpy(h->line + h->n, p, kept);
		h->n += kept;
		part += cr != NULL;
		p += part;
		n -= part;
	}
}

/* A field ends where a line begins that does not begin with white space. */
void
header_add(struct header *h, struct str bytes)
{
	const char *p = bytes.p, *end = p + bytes.n;

	while (p < end && !h->ended) {
		const char *lf = memchr(p, '\n', (size_t)(end - p));

		if (h->fresh && *p != ' ' && *p != '\t') {
			h->n -= h->line[h->n - 1] == '\n';
			end_field(h);
		}
		h->fresh = false;
		if (lf != p) {
			add_run(h, p, (size_t)((lf != NULL ? lf : end) - p));
			p = lf != NULL ? lf : end;
			continue;
		}
		p++;
		if (h->n > 0) {
			add_run(h, "\n", 1);
			h->fresh = true;
			continue;
		}
		h->ended = true;
		free(h->line);
		h->line = NULL;
	}
}

void
header_end(struct header *h)
{
	if (!h->ended && h->n > 0)
		end_field(h);
	free(h->line);
	h->line = NULL;
	h->n = 0;
	h->ended = true;
}
