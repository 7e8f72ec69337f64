/*
 * land.h — messages on their way into the Maildir: streamed to tmp/, landed in
 * batches.  The one place where mail comes to be in a folder, whatever protocol
 * it came by.
 *
 * The order that makes a crash harmless: bodies on disk (or names of what is there
 * already: dedupe.h); rows committed as
 * LANDING with their final names; renames; directories synced; rows PRESENT.  A
 * row that says PRESENT without a file would be read as "deleted here", so it
 * never comes before the file.
 */
#ifndef ENGINE_LAND_H
#define ENGINE_LAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/flags.h"
#include "base/types.h"
#include "engine/account.h"
#include "engine/header.h"
#include "maildir/deliver.h"

/* What is known of a message once it has landed. */
struct landed {
	int64_t		 row;		/* 0: it has not */
	enum uidl_keep	 keep;
};

/* A message that has arrived whole in tmp/. */
struct arrival {
	struct landing	 landing;
	struct header	 header;
	int64_t		 date;
	/* What else is known of it, by whoever has asked for it. */
	struct uid	 uid;
	struct flags	 flags;
	struct modseq	 modseq;
	char		*objid;
	struct uidl_row	 listed;	/* POP3; .since 0: not */
	const char	*stands_for;	/* NULL: it is .listed itself, which else
					 * is refused, and why */
	struct landed	*landed;	/* told when it has; or NULL */
	/* Where it goes, once that is decided, and what its name shows. */
	int64_t		 row;		/* 0: no number yet */
	struct folder	*to;		/* another folder's Maildir, or NULL */
	struct flags	 show;		/* keyword bits of the folder it came to */
	bool		 waits;		/* in tmp/, until ${to} is known */
	char		 file[MNAME_MAX];
	bool		 in_new;
};

/* What has arrived for one folder and not landed, and the message that streams
 * in now. */
struct arrivals {
	struct account	*acc;
	struct folder	*f;
	struct arrival	*v;
	size_t		 n, cap;
	uint64_t	 bytes;
	struct header	 header;
	bool		 open;
	struct incoming	*incoming;	/* what scripts planned for them; NULL */
};

/* Is there room on the disk, and may we write there?  Before the first message. */
int	land_prepare(struct account *acc, struct folder *f, struct err *err);

/* One message: begin, data..., end.  land_end() returns it, for the caller to
 * say what it knows of it; the pointer is good until the next one ends. */
int	land_begin(struct arrivals *a, struct err *err);
int	land_data(struct arrivals *a, struct str bytes, struct err *err);
struct arrival	*land_end(struct arrivals *a, int64_t date, struct err *err);
void	land_discard(struct arrivals *a);
/* The message that ended last is not wanted after all. */
void	land_undo(struct arrivals *a);

/* As many as should be landed together. */
bool	land_full(const struct arrivals *a);
/* As many for several folders. */
bool	land_heap_full(struct arrivals *const *a, size_t n);
/* Put all that have arrived into the folder. */
int	land_all(struct arrivals *a, struct err *err);
/* The same for several folders at once, with as many syncs and commits as for one,
 * but for those of their directories. */
int	land_together(struct arrivals *const *a, size_t n, struct err *err);
/* May a message that came to another folder be put into ${to} now?  Only where it
 * will be seen at the next look: else the server would be told that it was
 * deleted. */
bool	land_ready(const struct account *acc, const struct folder *to);
/* The name that a file of ${to} would have in ${home}, which it came to. */
int	land_home_name(struct account *acc, struct folder *home,
	    struct folder *to, const char *file, bool in_new,
	    char out[MNAME_MAX], bool *out_new);
/* What has not landed is thrown away. */
void	land_clear(struct arrivals *a);

#endif
