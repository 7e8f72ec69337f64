/*
 * lane_impl.h — what an IMAP lane is made of, for the files that make it:
 * open.c (bring-up), lane.c (step), box.c (the selected mailbox), send.c (the
 * queue of commands) and cmd.c (their text).  Nobody else includes this.
 */
#ifndef IMAP_LANE_IMPL_H
#define IMAP_LANE_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/eol.h"
#include "base/err.h"
#include "base/types.h"
#include "base/uidset.h"
#include "imap/lane.h"
#include "imap/listed.h"
#include "imap/parse.h"
#include "imap/quirks.h"

enum command_kind {
	CMD_PLAIN,
	CMD_READ,	/* FETCH and SEARCH in a set of messages */
	CMD_WRITE,	/* STORE and EXPUNGE of one */
	CMD_SELECT,	/* and EXAMINE */
	CMD_UNSELECT,
	CMD_APPEND,
	CMD_COPY,
	CMD_MOVE,
	CMD_LSUB,
	CMD_IDLE
};

/* What the engine knows by one number: one command, or several that were split
 * or belong together.  Collects the answers until all are there. */
struct request {
	uint32_t	 number;
	size_t		 left;		/* commands not yet answered */
	enum done_status status;
	char		 code[32];
	char		*text;
	struct uidvalidity validity;	/* of the pairs */
	uint32_t	*src, *dst;
	size_t		 n_src, n_dst, cap_src, cap_dst;
	struct modseq	 modseq;
	struct uidset	 modified;
};

/* A place in a command's text: the head of a literal ends there. */
struct stop {
	size_t		 at;
	bool		 wait;	/* for the server's "+" before going on */
	int		 fd;	/* the literal's bytes; -1: they are in the text */
	enum eol	 eol;
	uint64_t	 size;	/* wire bytes to come from fd */
};

struct command {
	struct command	*next;
	struct request	*req;
	uint32_t	 tag;
	enum command_kind kind;
	bool		 quiet;		/* its failure is not the request's */
	bool		 refusal_is_ok;	/* RFC 3691's trick: NO is what we want */
	bool		 readonly;	/* CMD_SELECT: asked for */
	bool		 opening;	/* CMD_SELECT: il->box is ours already */
	bool		 paired;	/* an untagged COPYUID was for it */
	bool		 answered;

	struct buf	 text;
	struct stop	*stop;
	size_t		 n_stops, cap_stops;

	/* How much of it was handed to the stream. */
	bool		 begun, sent;
	size_t		 at;		/* of text */
	size_t		 next_stop;
	uint64_t	 file_at;	/* wire bytes of the present literal */
	char		 file_prev;
	uint64_t	 end;		/* il->put when it was sent */

	/* To ask for the rest, where the server may stop short of it. */
	const char	*verb;
	char		*tail;		/* NULL: it cannot */
	struct uidset	 uids;
	uint32_t	 stopped;	/* it did, at this UID; or 0 */
};

/* A command on a set of messages: VERB set [MAILBOX][TAIL]. */
struct over {
	enum command_kind kind;
	const char	*verb;		/* static */
	const struct str *mailbox;	/* or NULL */
	struct str	 tail;
};

enum box_phase {
	BOX_NONE,	/* mailbox data is nobody's: dropped */
	BOX_OPENING,	/* a SELECT is being answered: data is the new box's */
	BOX_OPEN
};

enum idle_phase {
	IDLE_OFF,
	IDLE_ASKED,	/* sent; the "+" is missing */
	IDLE_ON
};

struct imap_lane {
	struct lane		 head;	/* first */
	struct stream		*st;
	struct imap_reader	*reader;
	usec			 response_timeout;
	usec			 alive;	/* when a byte last moved */

	struct imap_caps	 caps;	/* without what is avoided */
	bool			 caps_known;
	bool			 caps_at_once;	/* told with the OK of sign-in */
	uint64_t		 announced;	/* as the server said */
	uint64_t		 avoid;	/* by the user or learned by the engine */
	struct quirks		 quirks;
	struct imap_server	 server;

	struct imap_box		 box;
	enum box_phase		 box_phase;
	bool			 will_select;	/* once all that is queued is done */
	size_t			 n_box_commands;
	struct listed		 listed;

	char			 prefix[6];	/* of our tags */
	uint32_t		 last_tag, last_req;
	struct command		*first, *last;	/* not yet answered, in order */
	struct command		*unsent;	/* the one to send (on) */
	bool			 wait_go;	/* it waits for "+" */
	enum idle_phase		 idle;
	struct command		*idling;	/* IDLE was sent, not yet answered */
	bool			 idle_done;	/* DONE as soon as "+" is there */
	size_t			 in_flight;
	size_t			 n_requests;
	uint64_t		 put;		/* bytes given to the stream */
	bool			 send_failed;
	struct err		 send_err;
	struct request		*reaped;	/* the last event borrows from it */
	char			*alert;		/* the next event: it came with an
						 * answer; or NULL */
	char			*alerted;	/* the last event borrows from it */
};

static inline struct imap_lane *
imap_impl(struct lane *ln)
{
	return (struct imap_lane *)ln;
}

static inline const struct imap_lane *
imap_impl_const(const struct lane *ln)
{
	return (const struct imap_lane *)ln;
}

/* --- lane.c --- */

struct imap_lane *imap_lane_new(const struct imap_conf *conf, const char *name,
	    int fd);
void	imap_lane_free(struct imap_lane *il);
/* Take what is avoided out of the capabilities. */
void	imap_lane_mask(struct imap_lane *il);
/* A new CAPABILITY list stands instead of the old. */
void	imap_lane_caps(struct imap_lane *il, struct str list);
/* A capability list that ${cond} brought along, if it did. */
void	imap_lane_cond_caps(struct imap_lane *il, const struct resp_cond *cond);
/* ${text} came as [ALERT] where no event could be given: it is the next one. */
void	imap_lane_alert(struct imap_lane *il, struct str text);
/* BYE: always -1. */
int	imap_lane_bye(const struct resp_cond *cond, struct err *err);

/* --- send.c --- */

struct request	*send_request(struct imap_lane *il);
/* A command of ${r}, whose text begins with its tag. */
struct command	*send_new(struct imap_lane *il, struct request *r,
		    enum command_kind kind);
/* Append to a command's text. */
#define send_put(c, ...)	must(buf_fmt(&(c)->text, __VA_ARGS__) == 0)
/* A string, quoted or as a literal: by what is in it. */
void		 send_string(struct imap_lane *il, struct command *c, struct str s);
/* A literal from memory, or one that is read from ${fd} (taken) when its turn
 * comes, with its head: {n+}, {n}, ~{n}. */
void		 send_literal(struct imap_lane *il, struct command *c, struct str s);
void		 send_file(struct imap_lane *il, struct command *c, int fd,
		    enum eol eol, uint64_t wire_size, bool literal8);
/* End its line and queue it. */
void		 send_submit(struct imap_lane *il, struct command *c);
/* Give commands to the stream and bytes to the socket, as many as they take.
 * A failure is kept in il->send_err. */
void		 send_some(struct imap_lane *il);
/* DONE, now or as soon as the IDLE is open. */
void		 send_done(struct imap_lane *il);
/* "+" came. */
int		 send_go(struct imap_lane *il, struct err *err);
/* The command of ${tag}, which must have been sent, or NULL with ERR_PROTO. */
struct command	*send_find(struct imap_lane *il, struct str tag, enum cond cond,
		    struct err *err);
/* ${c} was answered: forget it, or go on sending its literal if the server was
 * promised one.  Returns its request if that is complete now. */
struct request	*send_answered(struct imap_lane *il, struct command *c);
void		 send_clear(struct imap_lane *il);
void		 send_request_free(struct request *r);

/* --- parts.c --- */

/* Queue it for all of ${uids}, in as many commands as are needed; the number of the
 * request. */
uint32_t parts_submit(struct imap_lane *il, const struct over *o,
	    const struct uidset *uids);
/* The server did no more than it does at a time, if ${c} was answered so: the rest
 * is queued for the same request.  False when it cannot be. */
bool	parts_go_on(struct imap_lane *il, const struct command *c,
	    const struct resp_cond *cond);
/* It said so by an untagged response. */
void	parts_note(struct imap_lane *il, const struct resp_cond *cond);

/* --- box.c --- */

/* A SELECT may have got its turn. */
void	box_turn(struct imap_lane *il);
/* Note what an event says; false: it belongs to no mailbox, drop it. */
bool	box_event(struct imap_lane *il, const struct event *ev);
/* Note what the code of an untagged response says. */
int	box_cond(struct imap_lane *il, const struct resp_cond *cond,
	    struct err *err);
/* The same for a tagged response: ${c} was answered, and may have changed what
 * is selected. */
int	box_answered(struct imap_lane *il, const struct command *c,
	    const struct resp_cond *cond, struct err *err);

#endif
