/*
 * caps.h — what a server can do, as bits; and which of it we must not use, be it
 * that the user forbade it or that the server is known to do it badly
 * (QUIRKS.md).
 */
#ifndef IMAP_CAPS_H
#define IMAP_CAPS_H

#include <stdint.h>

#include "base/str.h"
#include "net/sasl.h"

enum imap_cap {
	CAP_IMAP4REV1, CAP_IMAP4REV2, CAP_STARTTLS, CAP_LOGINDISABLED,
	CAP_SASL_IR, CAP_ID, CAP_ENABLE, CAP_NAMESPACE, CAP_IDLE, CAP_NOTIFY,
	CAP_UIDPLUS, CAP_UNSELECT, CAP_MOVE, CAP_CONDSTORE, CAP_QRESYNC,
	CAP_ESEARCH, CAP_LIST_EXTENDED, CAP_LIST_STATUS, CAP_SPECIAL_USE,
	CAP_CREATE_SPECIAL_USE, CAP_LITERAL_PLUS, CAP_LITERAL_MINUS,
	CAP_MULTIAPPEND, CAP_BINARY, CAP_COMPRESS, CAP_UTF8_ACCEPT,
	CAP_OBJECTID, CAP_GMAIL, CAP_STATUS_SIZE, CAP_APPENDLIMIT,
	CAP_UIDONLY, CAP_PARTIAL, CAP_MESSAGELIMIT,
	/* Not announced: learned from ID or by asking. */
	CAP_XGUID,		/* Dovecot: STATUS and FETCH (X-GUID) */
	CAP_MAILBOXID,		/* OBJECTID's STATUS (MAILBOXID) */
	CAP_N
};

struct imap_caps {
	uint64_t	bits;
	struct sasl_names sasl;		/* AUTH= */
	uint64_t	append_limit;	/* 0: none known */
	uint32_t	message_limit;	/* messages in one command, 0: any number */
};

/* Read "IMAP4rev1 IDLE AUTH=PLAIN ..." over what was there: capabilities are
 * replaced, never merged (RFC 9051 section 6.1.1, 6.2.1). */
void	caps_parse(struct imap_caps *caps, struct str list);
bool	caps_have(const struct imap_caps *caps, enum imap_cap cap);
/* Clear the capability called ${name} ("MOVE", "LITERAL+", "X-GUID");
 * false when we know none of that name. */
bool	caps_forbid(uint64_t *forbidden, struct str name);
const char *caps_name(enum imap_cap cap);

#endif
