/*
 * query.h — what SEARCH can be asked for (RFC 9051 section 6.4.4), as values.
 *
 * Text comes from users and scripts: it is quoted or sent as a literal, whatever
 * is in it, and what cannot be (see imap_term_ok) never gets here.
 */
#ifndef IMAP_QUERY_H
#define IMAP_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "net/lane.h"

enum imap_key {
	/* .text, somewhere in it, without regard to case */
	IMAP_KEY_FROM, IMAP_KEY_TO, IMAP_KEY_CC, IMAP_KEY_BCC, IMAP_KEY_SUBJECT,
	IMAP_KEY_BODY,
	IMAP_KEY_HEADER,	/* and the field .field; .text may be empty */
	IMAP_KEY_KEYWORD,	/* .text is its name */
	/* the UTC day of .n, seconds since 1970: that day or later, before it */
	IMAP_KEY_SINCE, IMAP_KEY_BEFORE,	/* of INTERNALDATE */
	IMAP_KEY_SENTSINCE, IMAP_KEY_SENTBEFORE, /* of Date: */
	/* more or less than .n bytes on the wire */
	IMAP_KEY_LARGER, IMAP_KEY_SMALLER,
	IMAP_KEY_SEEN, IMAP_KEY_UNSEEN, IMAP_KEY_FLAGGED, IMAP_KEY_UNFLAGGED,
	IMAP_KEY_ANSWERED, IMAP_KEY_UNANSWERED, IMAP_KEY_DRAFT, IMAP_KEY_UNDRAFT,
	IMAP_KEYS
};

enum { IMAP_TERMS_MAX = 128, IMAP_TEXT_MAX = 1000 };

/* One thing that is asked for.  Those that follow each other with the same .group
 * are alternatives; all groups must match. */
struct imap_term {
	enum imap_key	key;
	uint32_t	group;
	struct str	field, text;
	int64_t		n;
};

/* Text is UTF-8 without control bytes, a field's or keyword's name could be one,
 * a number is in its range. */
bool	imap_term_ok(const struct imap_term *t);

/* UID SEARCH in the selected mailbox for what has all of ${term}, each of which is
 * ok; none: all messages.  EV_UIDS; the request may be refused (BADCHARSET). */
uint32_t imap_search_terms(struct lane *ln, const struct imap_term *term,
	    size_t n);

#endif
