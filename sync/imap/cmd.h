/*
 * cmd.h — commands, as requests on a lane.  Each call queues one command (or one
 * pipelined group, said so) and returns its request number; nothing waits.  The
 * answer is an EV_DONE with that number; data comes as its own events before.
 * Mailbox names are raw wire bytes and are quoted or sent as literals as needed;
 * a name with CR, LF or NUL cannot get here (the parser drops such mailboxes).
 */
#ifndef IMAP_CMD_H
#define IMAP_CMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/eol.h"
#include "base/flags.h"
#include "base/str.h"
#include "base/types.h"
#include "base/uidset.h"
#include "net/lane.h"

/* ENABLE CONDSTORE QRESYNC, UTF8=ACCEPT: what is offered and not forbidden;
 * 0 when there is nothing to enable.  Before the first SELECT. */
uint32_t imap_enable(struct lane *ln);
/* ID: a non-empty one, because some servers refuse NIL; 0 if not offered. */
uint32_t imap_id(struct lane *ln);
uint32_t imap_namespace(struct lane *ln);	/* 0 if not offered */
uint32_t imap_noop(struct lane *ln);

/* All mailboxes, with special uses and subscription; with ${status} also their
 * counters, in the same flight if LIST-STATUS is there.  EV_LIST, EV_STATUS. */
uint32_t imap_list(struct lane *ln, bool status);
/* Counters of one mailbox: never of the selected one (Dovecot answers with
 * frozen values). */
uint32_t imap_status(struct lane *ln, struct str mailbox);
uint32_t imap_create(struct lane *ln, struct str mailbox);
uint32_t imap_delete(struct lane *ln, struct str mailbox);
uint32_t imap_rename(struct lane *ln, struct str from, struct str to);
uint32_t imap_subscribe(struct lane *ln, struct str mailbox, bool yes);

/* UNSELECT (if something is selected) and SELECT or EXAMINE in one go, with
 * QRESYNC against ${validity} and ${modseq} when both are set and QRESYNC is on
 * (RFC 7162 section 3.2.5), else with CONDSTORE if offered. */
uint32_t imap_select(struct lane *ln, struct str mailbox, bool readonly,
	    struct uidvalidity validity, struct modseq modseq);
/* Leave the mailbox without expunging; without UNSELECT, EXAMINE of a mailbox
 * that does not exist (RFC 3691's trick).  0 when nothing is selected. */
uint32_t imap_unselect(struct lane *ln);

enum fetch_items {
	FETCH_FLAGS	= 1 << 0,	/* with MODSEQ when CONDSTORE is on */
	FETCH_DATE	= 1 << 1,
	FETCH_SIZE	= 1 << 2,
	FETCH_OBJID	= 1 << 3,	/* whichever id the server has, or none */
	FETCH_HEADER	= 1 << 4,	/* BODY.PEEK[HEADER] */
	FETCH_BODY	= 1 << 5,	/* BODY.PEEK[]: EV_BODY, EV_DATA */
	FETCH_MSGID	= 1 << 6	/* the field, as MSG_FIELDS */
};

/* UID FETCH.  ${uids} may be 1:4294967295.  This one and those below on sets become
 * several commands when the set is long, or more than the server does at a time: the
 * request is done when all are.
 * ${since}: only what changed after it (CHANGEDSINCE); 0: everything. */
uint32_t imap_fetch(struct lane *ln, const struct uidset *uids, unsigned items,
	    struct modseq since);
/* Which of ${uids} exist: EV_UIDS, by ESEARCH where offered. */
uint32_t imap_search(struct lane *ln, const struct uidset *uids);
/* Those that arrived before the day of ${when} (seconds), as the server counts
 * days. */
uint32_t imap_search_before(struct lane *ln, const struct uidset *uids,
	    int64_t when);

/* UID STORE +FLAGS.SILENT / -FLAGS.SILENT: deltas only. */
uint32_t imap_store(struct lane *ln, const struct uidset *uids, bool add,
	    struct flags flags, const struct kwtab *kw);
/* UID EXPUNGE (UIDPLUS); never a bare EXPUNGE.  must(imap_can UIDPLUS). */
uint32_t imap_expunge(struct lane *ln, const struct uidset *uids);
/* UID COPY, or UID MOVE with ${move} (must be offered).  EV_DONE.copied. */
uint32_t imap_copy(struct lane *ln, const struct uidset *uids,
	    struct str mailbox, bool move);

/* One message of an upload. */
struct imap_upload {
	int		 fd;	/* read from its current offset; taken: closed
				 * when sent or when the lane is freed */
	enum eol	 eol;	/* how its bytes become wire bytes */
	uint64_t	 wire_size;	/* exactly that many will be sent */
	bool		 has_nul;	/* literal8 is needed (BINARY) */
	struct flags	 flags;
	int64_t		 date;	/* INTERNALDATE, seconds since 1970 */
};

/* APPEND; several messages in one command if ${n} > 1 (MULTIAPPEND must be
 * offered).  Literals go out as LITERAL+, LITERAL- or synchronizing, as the
 * server has it.  EV_DONE.copied has the APPENDUID. */
uint32_t imap_append(struct lane *ln, struct str mailbox,
	    const struct imap_upload *up, size_t n, const struct kwtab *kw);

/* IDLE; events come until imap_idle_done(), and then its EV_DONE.  Whatever is
 * submitted meanwhile waits in the queue, for ever without imap_idle_done(). */
uint32_t imap_idle(struct lane *ln);
void	 imap_idle_done(struct lane *ln);

/* NOTIFY SET for all personal mailboxes: with ${counters} EV_STATUS for each now (a
 * snapshot), and then at each change, EV_LIST when a mailbox comes, goes or is
 * renamed.  EV_OVERFLOW: the server gave up.  For a lane that has nothing
 * selected: from now on the server is silent about the selected mailbox, even
 * about what this lane does to it (RFC 5465 section 4). */
uint32_t imap_notify(struct lane *ln, bool counters);
uint32_t imap_notify_none(struct lane *ln);

#endif
