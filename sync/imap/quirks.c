/* quirks.c — servers and their peculiarities; see QUIRKS.md. */
#include "imap/quirks.h"

#include <stdbool.h>
#include <string.h>

#include "base/attr.h"
#include "base/num.h"
#include "imap/caps.h"

#define BIT(cap)	(UINT64_C(1) << (cap))

enum source { GREETING, CAPS, ID };

/* ${mark} is part of a greeting, a whole capability, or how an ID's name
 * begins.  ${before}: only releases older than that. */
static const struct quirk {
	enum source	 source;
	const char	*mark;
	const char	*before;
	struct quirks	 has;
} table[] = {
	{ CAPS, "XAPPLEPUSHSERVICE", NULL, {	/* iCloud */
		.avoid = BIT(CAP_QRESYNC), .bits = QUIRK_CAPABILITY_AGAIN } },
	{ GREETING, "Microsoft Exchange", NULL, {
		.avoid = BIT(CAP_IMAP4REV2) | BIT(CAP_LIST_EXTENDED) |
		    BIT(CAP_LIST_STATUS) | BIT(CAP_ESEARCH),
		.in_flight = 20 } },
	{ GREETING, "Courier-IMAP", NULL, { .bits = QUIRK_NO_EXAMINE } },
	{ GREETING, "Cyrus IMAP", "2.5.11", {
		.avoid = BIT(CAP_LIST_EXTENDED) | BIT(CAP_LIST_STATUS) } },
	{ GREETING, "Cyrus IMAP", NULL, { .avoid = BIT(CAP_MAILBOXID) } },
	{ ID, "Dovecot", NULL, { .learned = BIT(CAP_XGUID),
		.bits = TRAIT_AHEAD } },
	{ ID, "Dovecot", "2.3.15", { .avoid = BIT(CAP_NOTIFY) } },
};

/* The next number of "2.3.19.1 (9b53102964)", 0 past the last. */
static uint32_t
next_number(struct str *version)
{
	size_t n = 0;
	uint32_t number;

	while (n < version->n && version->p[n] >= '0' && version->p[n] <= '9')
		n++;
	if (!num_u32(str_head(*version, n), 0, UINT32_MAX, &number))
		number = 0;
	*version = n < version->n && version->p[n] == '.' ?
	    str_from(*version, n + 1) : STR_NONE;
	return number;
}

/* An unknown version is taken for a new one. */
static bool
older(struct str version, const char *than)
{
	struct str limit = str_z(than);

	while (version.n > 0 && (version.p[0] < '0' || version.p[0] > '9'))
		version = str_from(version, 1);
	if (version.n == 0)
		return false;
	while (limit.n > 0) {
		uint32_t a = next_number(&version), b = next_number(&limit);

		if (a != b)
			return a < b;
	}
	return false;
}

static void
add(struct quirks *q, const struct quirk *k, struct str version)
{
	if (k->before != NULL && !older(version, k->before))
		return;
	q->avoid |= k->has.avoid;
	q->learned |= k->has.learned;
	q->bits |= k->has.bits;
	if (k->has.in_flight > 0)
		q->in_flight = k->has.in_flight;
}

void
quirks_greeting(struct quirks *q, struct str text)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct str mark = str_z(table[i].mark);
		size_t at = str_ifind(text, mark);

		if (table[i].source == GREETING && at < text.n)
			add(q, &table[i], str_from(text, at + mark.n));
	}
}

void
quirks_caps(struct quirks *q, struct str list)
{
	while (list.p != NULL) {
		struct str cap = str_split(&list, ' ');

		for (size_t i = 0; i < ARRAY_LEN(table); i++)
			if (table[i].source == CAPS &&
			    str_ieq(cap, str_z(table[i].mark)))
				add(q, &table[i], STR_NONE);
	}
}

void
quirks_id(struct quirks *q, struct str name, struct str version)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (table[i].source == ID &&
		    str_istarts(name, str_z(table[i].mark)))
			add(q, &table[i], version);
}
