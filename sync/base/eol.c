/* eol.c — line endings, streaming. */
#include "base/eol.h"

#include <string.h>

/* The next ${c} at or behind ${p}; ${end} when there is none. */
static const char *
next(const char *p, const char *end, char c)
{
	const char *at = p < end ? memchr(p, c, (size_t)(end - p)) : NULL;

	return at != NULL ? at : end;
}

/* Three passes at the speed of memchr are faster than one that looks at each
 * byte; as a rule the last two find nothing. */
void
eol_scan(struct eol_scan *s, const void *bytes, size_t n)
{
	const char *p = bytes, *end = p + n, *at;
	bool cr = s->cr;

	if (n == 0)
		return;
	s->n_bytes += n;
	for (at = next(p, end, '\n'); at < end; at = next(at + 1, end, '\n')) {
		if (at > p ? at[-1] == '\r' : cr) {
			s->crlf = true;
		} else {
			s->bare_lf = true;
			s->n_bare_lf++;
		}
	}
	if (cr && *p != '\n')
		s->bare_cr = true;
	for (at = next(p, end, '\r'); at < end; at = next(at + 1, end, '\r'))
		if (at + 1 < end && at[1] != '\n')
			s->bare_cr = true;
	s->cr = end[-1] == '\r';
	s->nul = s->nul || next(p, end, '\0') < end;
}

enum eol
eol_scan_end(struct eol_scan *s, uint64_t *wire_size)
{
	if (s->cr)
		s->bare_cr = true;
	s->cr = false;
	*wire_size = s->n_bytes + s->n_bare_lf;
	if (!s->crlf && !s->bare_cr)
		return EOL_LF;
	if (!s->bare_lf)
		return EOL_VERBATIM;
	return EOL_MIXED;
}

size_t
eol_to_wire(enum eol class, const void *bytes, size_t n, char *prev, char *out)
{
	const char *p = bytes, *end = p + n;
	char before = *prev;
	size_t o = 0;

	if (n == 0)
		return 0;
	*prev = end[-1];
	if (class == EOL_VERBATIM) {
		memcpy(out, p, n);
		return n;
	}
	while (p < end) {
		const char *lf = next(p, end, '\n');
		size_t run = (size_t)(lf - p);

		memcpy(out + o, p, run);
		o += run;
		if (lf == end)
			break;
		if (run > 0)
			before = lf[-1];
		if (class == EOL_LF || before != '\r')
			out[o++] = '\r';
		out[o++] = '\n';
		before = '\n';
		p = lf + 1;
	}
	return o;
}

size_t
eol_to_disk(const void *bytes, size_t n, char *prev, bool *verbatim, char *out)
{
	const char *p = bytes, *end = p + n;
	size_t o = 0;

	while (p < end) {
		const char *cr;
		size_t run;

		if (*prev == '\r') {
			*prev = 0;
			if (*p == '\n') {
				out[o++] = *p++;
				continue;
			}
			*verbatim = true;
			out[o++] = '\r';
		}
		cr = memchr(p, '\r', (size_t)(end - p));
		run = (size_t)((cr != NULL ? cr : end) - p);
		if (memchr(p, '\n', run) != NULL)
			*verbatim = true;
		memcpy(out + o, p, run);
		o += run;
		p += run;
		if (cr != NULL) {
			*prev = '\r';
			p++;
		}
	}
	return o;
}
