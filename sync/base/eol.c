/* eol.c — line endings, streaming. */
#include "base/eol.h"

#include <string.h>

void
eol_scan(struct eol_scan *s, const void *bytes, size_t n)
{
	const char *p = bytes;

	s->n_bytes += n;
	for (size_t i = 0; i < n; i++) {
		char c = p[i];

		if (s->cr && c != '\n')
			s->bare_cr = true;
		if (c == '\n') {
			if (s->cr)
				s->crlf = true;
			else {
				s->bare_lf = true;
				s->n_bare_lf++;
			}
		} else if (c == '\0')
			s->nul = true;
		s->cr = c == '\r';
	}
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
	const char *p = bytes;
	size_t o = 0;

	if (n == 0)
		return 0;
	if (class == EOL_VERBATIM) {
		memcpy(out, p, n);
		return n;
	}
	for (size_t i = 0; i < n; i++) {
		char before = i > 0 ? p[i - 1] : *prev;

		if (p[i] == '\n' && (class == EOL_LF || before != '\r'))
			out[o++] = '\r';
		out[o++] = p[i];
	}
	*prev = p[n - 1];
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
