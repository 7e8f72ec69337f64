/*
 * lane.h — connections of one account and what comes out of them, as values.
 *
 * A request is submitted to a lane (imap/cmd.h) and known by its number.  All
 * lanes of an account are reaped together: lanes_reap() steps each of them while
 * it waits and returns the next event.  There are no callbacks: message bodies
 * come as a sequence of EV_DATA, whose bytes point into the receive buffer and
 * are written on at once, so a message is never held in memory.
 *
 * Data that a server sends unasked is mailbox state, never the answer to a
 * command (protocol: "never attribute untagged data to a command").  Its events
 * say what the server said; who asked does not matter.
 */
#ifndef NET_LANE_H
#define NET_LANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "base/types.h"
#include "base/uidset.h"
#include "base/wait.h"

struct lane;

enum event_kind {
	EV_DONE,	/* a request was answered: .done */
	EV_BODY,	/* a message body begins: .body */
	EV_DATA,	/* bytes of that body: .data */
	EV_MSG,		/* all we were told of one message: .msg */
	EV_GONE,	/* VANISHED: .gone */
	EV_EXPUNGE,	/* by sequence number, so: something is gone: .number */
	EV_EXISTS,	/* .number messages in the selected mailbox */
	EV_UIDS,	/* SEARCH or ESEARCH result: .uids */
	EV_LIST,	/* a mailbox: .list */
	EV_STATUS,	/* counters of a mailbox: .status */
	EV_OVERFLOW,	/* NOTIFY gave up: sweep and arm it again */
	EV_ALERT,	/* .text must be shown to the user */
	EV_LOST		/* the lane is dead, .err says why; close it */
};

enum done_status { DONE_OK, DONE_NO, DONE_BAD };

/* COPYUID, APPENDUID: in the server's order, paired by position. */
struct uidpairs {
	struct uidvalidity	 validity;	/* 0: the server gave none */
	const uint32_t		*src, *dst;	/* src is NULL for APPENDUID */
	size_t			 n;
};

struct ev_done {
	uint32_t		req;
	enum done_status	status;
	struct str		code;	/* "OVERQUOTA", without arguments, or none */
	struct str		text;	/* what the server says to people */
	struct uidpairs		copied;	/* n == 0: none */
	struct modseq		modseq;	/* HIGHESTMODSEQ of the tagged answer, or 0 */
	const struct uidset	*modified;	/* RFC 7162 MODIFIED, or NULL */
};

enum msg_have {
	MSG_FLAGS	= 1 << 0,
	MSG_DATE	= 1 << 1,
	MSG_MODSEQ	= 1 << 2,
	MSG_SIZE	= 1 << 3,
	MSG_OBJID	= 1 << 4,
	MSG_HEADER	= 1 << 5,
	MSG_BODY	= 1 << 6,	/* EV_BODY and EV_DATA came before this */
	MSG_FIELDS	= 1 << 7
};

struct ev_msg {
	unsigned		 have;
	struct uid		 uid;	/* 0: the server did not say */
	const struct str	*flags;	/* each as on the wire: "\Seen", "work" */
	size_t			 n_flags;
	int64_t			 date;	/* INTERNALDATE, seconds since 1970 */
	struct modseq		 modseq;
	uint64_t		 size;	/* RFC822.SIZE: a hint, servers lie */
	struct str		 objid;	/* EMAILID, X-GM-MSGID or X-GUID */
	struct str		 header;	/* BODY[HEADER], CRLF lines */
	struct str		 fields;	/* those that were asked for, as in
						 * header */
};

enum list_attr {
	LIST_NOSELECT	= 1 << 0,	/* also \NonExistent, \NoAccess */
	LIST_SUBSCRIBED	= 1 << 1,
	LIST_ALL	= 1 << 2,	/* RFC 6154 special uses from here on */
	LIST_ARCHIVE	= 1 << 3,
	LIST_DRAFTS	= 1 << 4,
	LIST_FLAGGED	= 1 << 5,
	LIST_JUNK	= 1 << 6,
	LIST_SENT	= 1 << 7,
	LIST_TRASH	= 1 << 8,
	LIST_IMPORTANT	= 1 << 9,
	LIST_NOINFERIORS = 1 << 10
};

struct ev_list {
	struct str	name;		/* raw wire bytes: the mailbox's key */
	struct str	oldname;	/* RFC 5465 OLDNAME, or none */
	char		delim;		/* 0: flat */
	unsigned	attrs;		/* enum list_attr */
};

enum status_have {
	STATUS_MESSAGES		= 1 << 0,
	STATUS_UIDNEXT		= 1 << 1,
	STATUS_UIDVALIDITY	= 1 << 2,
	STATUS_UNSEEN		= 1 << 3,
	STATUS_MODSEQ		= 1 << 4,
	STATUS_OBJID		= 1 << 5,	/* MAILBOXID or X-GUID */
	STATUS_SIZE		= 1 << 6
};

struct ev_status {
	struct str		name;
	unsigned		have;
	uint32_t		messages, uidnext, unseen;
	struct uidvalidity	validity;
	struct modseq		modseq;
	struct str		objid;
	uint64_t		size;
};

/* Everything borrowed in an event lives until the next lanes_reap(). */
struct event {
	enum event_kind	 kind;
	struct lane	*lane;
	union {
		struct ev_done	done;
		struct {
			uint64_t	size;
			struct uid	uid;	/* 0: comes with EV_MSG */
		} body;
		struct str	data;
		struct ev_msg	msg;
		struct {
			const struct uidset	*uids;
			bool			 earlier;
		} gone;
		uint32_t	number;
		struct {
			const struct uidset	*set;
			uint64_t		 count;
		} uids;
		struct ev_list	list;
		struct ev_status status;
		struct str	text;
		struct err	err;
	};
};

struct stream_info;

/* What the other side is and how it was reached, for people. */
struct lane_info {
	const char		*server;	/* its name, or "" */
	const char		*mechanism;	/* how we signed in */
	const char		*delta;		/* how it tells of changes */
	const struct stream_info *stream;
};

/* What a protocol offers to be a lane. */
struct lane_ops {
	const char	*protocol;	/* "imap", "pop3", "script" */
	/* Go on without waiting: send, receive, parse.  1: *ev is filled in;
	 * 0: nothing now.  A failure is an EV_LOST event. */
	int		(*step)(struct lane *, struct event *ev);
	struct waiter	(*waiter)(const struct lane *);
	/* When the lane wants to be stepped even if nothing arrives. */
	usec		(*deadline)(const struct lane *);
	struct lane_info (*info)(const struct lane *);
	void		(*free)(struct lane *);
};

/* The head of every lane; a protocol's own struct begins with it. */
struct lane {
	const struct lane_ops	*ops;
	const char		*name;	/* for logs: "work", "watch" */
	bool			 lost;	/* EV_LOST was given out */
};

enum { LANES_MAX = 8 };

struct lanes {
	struct lane	*lane[LANES_MAX];
	size_t		 n;
	size_t		 turn;	/* who is stepped first: nobody starves */
	unsigned	 burst;	/* events since we last looked at descriptors */
};

void	lanes_add(struct lanes *ls, struct lane *ln);
/* Take ${ln} out and free it. */
void	lanes_close(struct lanes *ls, struct lane *ln);

/* The next event of any lane.  1: *ev is filled in; 0: the deadline, or one of
 * the caller's own ${extra} descriptors is ready; -1: ERR_CANCEL, ERR_LOCAL.
 * ${extra} may be NULL. */
int	lanes_reap(struct lanes *ls, struct event *ev, struct waiter *extra,
	    size_t n_extra, usec deadline, struct err *err);

#endif
