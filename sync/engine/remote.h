/*
 * remote.h — the server's side of an account: asking, and taking in what it
 * says.  Whatever is said unasked goes where it belongs (folder counters, dirty
 * marks, the changes of the selected folder) no matter which call is waiting.
 */
#ifndef ENGINE_REMOTE_H
#define ENGINE_REMOTE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/types.h"
#include "base/uidset.h"
#include "engine/account.h"
#include "net/lane.h"

struct remote;

struct remote	*remote_new(void);
void		 remote_free(struct remote *r);

/* A tagged answer, kept. */
struct answer {
	enum done_status	status;
	char			code[32];
	char			text[256];
	struct modseq		modseq;
	struct uidvalidity	validity;	/* of copied UIDs */
	uint32_t		*src, *dst;	/* COPYUID, APPENDUID; src may be NULL */
	size_t			n;
};
void	answer_clear(struct answer *a);

/* Use ${work} as the connection that does things, from now on. */
void	remote_attach(struct account *acc, struct lane *work);
void	remote_detach(struct account *acc);

/* The next event of the work lane that the caller must deal with: EV_DONE,
 * EV_BODY, EV_DATA, and EV_MSG with a body.  Everything else is taken in here.
 * 1, or -1: the connection was lost (it is closed then) or we must stop. */
int	remote_next(struct account *acc, struct event *ev, struct err *err);
/* Deal with what came on any lane while nothing was asked: 0, or -1 when the
 * work lane was lost.  For the worker's own wait. */
int	remote_note(struct account *acc, struct event *ev, struct err *err);
/* Wait for the answer to ${req} (0: an immediate OK).  NO and BAD are answers. */
int	remote_wait(struct account *acc, uint32_t req, struct answer *a,
	    struct err *err);
/* An error ends what ${req} was for: take its answer off the lane all the same.
 * ${err} stays, unless the connection is lost meanwhile. */
void		 remote_drain(struct account *acc, uint32_t req, struct err *err);
/* The same, when anything but OK is an error of class ${class}. */
int	remote_expect(struct account *acc, uint32_t req, enum err_class class,
	    const char *what, struct err *err);

/* Make ${f} the selected mailbox of the work lane, without asking for changes. */
int	remote_select(struct account *acc, struct folder *f, struct err *err);
int	remote_unselect(struct account *acc, struct err *err);

/* Which of ${uids} of the selected folder are still there, into ${left}: by what
 * the server has reported, and if that does not tell of all, by asking. */
int	remote_left(struct account *acc, const struct uidset *uids,
	    struct uidset *left, struct err *err);
/* Some were: they are tried again in this round and, if that is of no use, soon. */
void	remote_try_again(struct account *acc, struct folder *f);

/* While set, messages reported without a body are handed to the caller as
 * events, too (headers for pairing). */
void	remote_want_msgs(struct account *acc, bool yes);

#endif
