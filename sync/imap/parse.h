/*
 * parse.h — bytes from an IMAP server to values (RFC 9051 section 7, and what
 * real servers send instead: QUIRKS.md).
 *
 * Pull style: imap_read() takes bytes off the front of its input and returns one
 * item, or asks for more.  A response is collected as one line with its small
 * literals in place; the literal of a BODY[] streams through as EV_DATA and
 * is never held.  After an EV_BODY comes nothing but its EV_DATA and its EV_MSG,
 * which lacks MSG_BODY if the body stood where none can be.  Any way of cutting
 * the input into portions gives the same items.
 *
 * Two kinds of trouble: an item that makes no sense inside a well-framed
 * response is skipped (`skipped` counts them); broken framing, or a cap exceeded,
 * is ERR_PROTO and the end of the connection: scanning never resumes inside a
 * rejected literal, whose bytes may look like tagged answers.  The codes:
 *	proto.literal-too-big, proto.line-too-long, proto.preauth-flood,
 *	proto.too-deep		a cap
 *	proto.literal-length	a literal is not as long as announced
 *	proto.bad-search	SEARCH or ESEARCH that cannot be read in full: what
 *				is missing from it would look like deleted mail
 *	proto.dead		called again after an error
 */
#ifndef IMAP_PARSE_H
#define IMAP_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "net/lane.h"

enum {
	READ_LINE_MAX	 = 16 << 20,	/* SEARCH and VANISHED of millions */
	READ_FETCH_MAX	 = 1 << 20,	/* a FETCH without its literals */
	READ_PREAUTH_MAX = 64 << 10,	/* all bytes before authentication */
	READ_LITERAL_MAX = 1 << 20,	/* literals that are kept, in one line */
	READ_DEPTH_MAX	 = 64
};

enum resp_kind {
	RESP_MORE,	/* nothing complete: feed more */
	RESP_EVENT,	/* .event: one of net/lane.h, but never EV_DONE, EV_LOST */
	RESP_TAGGED,	/* .tag and .cond */
	RESP_COND,	/* untagged OK, NO, BAD, BYE, PREAUTH: .cond; but after
			 * the first response [ALERT] is EV_ALERT (not in a BYE)
			 * and [NOTIFICATIONOVERFLOW] is EV_OVERFLOW */
	RESP_CONTINUE,	/* "+ text" */
	RESP_CAPABILITY,	/* .text: the list */
	RESP_ENABLED,	/* .text: the list */
	RESP_LSUB,	/* .event: EV_LIST, of a mailbox that is subscribed and may
			 * not be there */
	RESP_ID,	/* .id */
	RESP_NAMESPACE,	/* .ns: the first personal namespace; prefix.p is NULL
			 * when there is none */
	RESP_IGNORED	/* known or unknown, of no use to us */
};

enum cond { COND_OK, COND_NO, COND_BAD, COND_BYE, COND_PREAUTH };

/* resp-text-code with what we use of its arguments. */
struct resp_cond {
	enum cond		 cond;
	struct str		 code;		/* "READ-ONLY", upper-cased; or none */
	struct str		 args;		/* raw text after the code's name */
	struct str		 text;
	struct uidpairs		 copied;	/* APPENDUID, COPYUID */
	struct modseq		 modseq;	/* HIGHESTMODSEQ */
	const struct uidset	*modified;	/* MODIFIED, or NULL */
	uint64_t		 number;	/* UIDVALIDITY, UIDNEXT; MESSAGELIMIT:
						 * the UID, 0: none */
	bool			 star;		/* PERMANENTFLAGS has \* */
};

struct resp {
	enum resp_kind		kind;
	struct str		tag;		/* RESP_TAGGED */
	struct resp_cond	cond;
	struct str		text;
	struct event		event;
	struct { struct str name, version; } id;
	struct { struct str prefix; char delim; } ns;
};

struct imap_reader;

/* ${max_literal}: the largest BODY[] that is let through (ERR_PROTO above). */
struct imap_reader *imap_reader_new(uint64_t max_literal);
void	imap_reader_free(struct imap_reader *r);
/* Forget everything, as at a TLS boundary. */
void	imap_reader_reset(struct imap_reader *r);
/* Before authentication only a few kinds are let through, and little of it
 * (READ_PREAUTH_MAX); the rest is RESP_IGNORED. */
void	imap_reader_authenticated(struct imap_reader *r, bool yes);
/* Parse from the front of ${in}.  *eaten says how many bytes were taken (call
 * again with the rest).  What ${resp} borrows lives until the next call, and for
 * EV_DATA also as long as ${in} does.  0, or -1 with ERR_PROTO. */
int	imap_read(struct imap_reader *r, struct str in, size_t *eaten,
	    struct resp *resp, struct err *err);
/* Items that made no sense and were skipped so far. */
uint64_t imap_reader_skipped(const struct imap_reader *r);

/* ",", "BODY[" etc. aside: INTERNALDATE text ("17-Jul-1996 02:44:25 -0700") to
 * seconds since 1970, and back (in UTC; ${out} takes 32 bytes). */
bool	imap_date_parse(struct str text, int64_t *seconds);
void	imap_date_print(int64_t seconds, char out[32]);

#endif
