/*
 * mail.h — what the header of one message says, computed on first touch.
 *
 * A field that is absent is STR_NONE (or an empty list), never an error.  All that
 * is given lives in the arena of the event.  The bytes are read from the message's
 * descriptor when the first field is asked for, as far as the header goes.
 */
#ifndef PLUGINS_MAIL_H
#define PLUGINS_MAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "arena.h"
#include "base/str.h"
#include "head.h"

enum mail_text {
	MAIL_SUBJECT, MAIL_MESSAGE_ID, MAIL_IN_REPLY_TO, MAIL_LIST_ID,
	MAIL_LIST_POST, MAIL_UNSUBSCRIBE, MAIL_THREAD_ROOT, MAIL_TEXTS
};

enum mail_list {
	MAIL_FROM, MAIL_SENDER, MAIL_REPLY_TO, MAIL_TO, MAIL_CC, MAIL_BCC,
	MAIL_RECIPIENTS, MAIL_LISTS
};

enum mail_bit {
	MAIL_IS_BULK	= 1 << 0,	/* a list, a newsletter, Precedence: bulk */
	MAIL_IS_AUTO	= 1 << 1,	/* made by a machine (RFC 3834) */
	MAIL_TO_ME	= 1 << 2,
	MAIL_FROM_ME	= 1 << 3,
	MAIL_SPAM	= 1 << 4	/* a filter on the way said so */
};

struct strs {
	struct str	*v;
	size_t		 n;
};

struct mail {
	struct arena		*a;
	const struct strs	*me;	/* addresses that are the user's; globs */
	int			 fd;	/* -1: there are no bytes */
	bool			 read;
	struct str		 raw;	/* the header's bytes */
	struct head		 head;
	unsigned		 have_text, have_list;	/* 1 << index */
	struct str		 text[MAIL_TEXTS];
	struct addrs		 list[MAIL_LISTS];
	bool			 have_bits, have_references;
	unsigned		 bits;
	struct strs		 references;
};

/* ${fd} is borrowed. */
void		 mail_init(struct mail *m, struct arena *a, const struct strs *me,
		    int fd);
/* From bytes at hand instead of a descriptor. */
void		 mail_bytes(struct mail *m, struct str header);
/* Bytes of the header, with the empty line. */
size_t		 mail_header_size(struct mail *m);
struct str	 mail_text(struct mail *m, enum mail_text which);
const struct addrs *mail_list(struct mail *m, enum mail_list which);
unsigned	 mail_bits(struct mail *m);
/* Message-IDs without their brackets, oldest first. */
const struct strs *mail_references(struct mail *m);
/* The Date field; false when absent or not a date. */
bool		 mail_sent(struct mail *m, int64_t *t);
/* Field ${name}, the ${i}-th from the top: unfolded, decoded; STR_NONE. */
struct str	 mail_header(struct mail *m, struct str name, size_t i);

#endif
