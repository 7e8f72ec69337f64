/* quirks.c — the table of QUIRKS.md. */
#include "imap/quirks.h"

#include <string.h>

#include "base/mem.h"
#include "imap/lane_impl.h"

#define BIT(cap)	((uint64_t)1 << (cap))

static const struct {
	const char	*greeting;	/* part of the greeting, or NULL */
	enum imap_cap	 cap;		/* announced, if greeting is NULL */
	uint64_t	 avoid, learn;
} quirks[] = {
	/* QRESYNC loses messages there: malformed VANISHED, no ENABLED. */
	{ NULL, CAP_XAPPLE, BIT(CAP_QRESYNC), 0 },
	/* Not announced; stable across MOVE. */
	{ "Dovecot", CAP_N, 0, BIT(CAP_XGUID) },
};

void
quirks_apply(struct imap_lane *l, const char *greeting)
{
	for (size_t i = 0; i < ARRAY_LEN(quirks); i++) {
		bool hit = quirks[i].greeting != NULL ?
		    strstr(greeting, quirks[i].greeting) != NULL :
		    caps_have(&l->caps, quirks[i].cap);

		if (!hit)
			continue;
		l->forbid |= quirks[i].avoid;
		l->learned |= quirks[i].learn;
	}
	l->caps.bits |= l->learned;
	l->caps.bits &= ~l->forbid;
}
