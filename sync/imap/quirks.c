/* quirks.c — the table of QUIRKS.md. */
#include "imap/quirks.h"

#include <string.h>

#include "base/mem.h"
#include "imap/lane_impl.h"

#define BIT(cap)	((uint64_t)1 << (cap))

static const struct {
	const char	*greeting;	/* part of the greeting, or NULL */
	const char	*capability;	/* part of a capability's name, or NULL */
	uint64_t	 avoid, learn;
} quirks[] = {
	/* QRESYNC loses messages there: malformed VANISHED, no ENABLED. */
	{ NULL, "XAPPLEPUSHSERVICE", BIT(CAP_QRESYNC), 0 },
	/* Not announced; stable across MOVE. */
	{ "Dovecot", NULL, 0, BIT(CAP_XGUID) },
};

void
quirks_apply(struct imap_lane *l, const char *greeting)
{
	for (size_t i = 0; i < ARRAY_LEN(quirks); i++) {
		bool hit = quirks[i].greeting != NULL &&
		    strstr(greeting, quirks[i].greeting) != NULL;

		hit = hit || (quirks[i].capability != NULL &&
		    caps_other(&l->caps, quirks[i].capability));
		if (!hit)
			continue;
		l->forbid |= quirks[i].avoid;
		l->learned |= quirks[i].learn;
	}
	l->caps.bits |= l->learned;
	l->caps.bits &= ~l->forbid;
}
