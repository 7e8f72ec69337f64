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

static void
add_byte(struct header *h, char c)
{
	if (h->line == NULL)
		h->line = xmalloc(FIELD_MAX + 1);
	if (h->n < FIELD_MAX && c != '\r')
		h->line[h->n++] = c;
}

/* A field ends where a line begins that does not begin with white space. */
void
header_add(struct header *h, struct str bytes)
{
	for (size_t i = 0; i < bytes.n && !h->ended; i++) {
		char c = bytes.p[i];
		bool at_line_start = h->n > 0 && h->line[h->n - 1] == '\n';

		if (at_line_start && c != ' ' && c != '\t') {
			h->n--;
			end_field(h);
		}
		if (c == '\n' && h->n == 0) {
			h->ended = true;
			free(h->line);
			h->line = NULL;
			return;
		}
		if (c == '\n' && h->n == FIELD_MAX)
			h->line[h->n - 1] = '\n';
		else
			add_byte(h, c);
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
