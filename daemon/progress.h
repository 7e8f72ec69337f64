/*
 * progress.h — the page on which a worker writes how far it is, so that the
 * parent can look at any moment, also after the worker's death.
 *
 * A memfd, made by the parent, mapped by both.  It is sealed: a worker that was
 * taken over can write nonsense on it, but not make it shrink under the parent.
 */
#ifndef DAEMON_PROGRESS_H
#define DAEMON_PROGRESS_H

#include <jansson.h>
#include <stddef.h>

#include "base/err.h"
#include "engine/progress.h"

enum { PROGRESS_FD = 4 };	/* in the worker */

struct progress_page {
	int		 fd;		/* -1: none */
	struct progress	*at;
};

/* Make the page, or wipe the one that is there. */
int	progress_page_open(struct progress_page *page, struct err *err);
void	progress_page_close(struct progress_page *page);
/* The worker's side of it; NULL when it was given none. */
struct progress	*progress_page_inherited(void);

/* A copy that holds still and whose name ends; ${page} may be closed. */
struct progress	 progress_read(const struct progress_page *page);
/* {"phase", "folder", "done", "total", "bytes"}; NULL when idle. */
json_t		*progress_json(const struct progress *p);
/* The same, read back from an answer of the daemon; idle when ${v} is NULL. */
struct progress	 progress_from_json(const json_t *v);
/* "downloading" */
const char	*progress_word(const struct progress *p);
/* "downloading INBOX, 120 of 300"; "" when idle. */
void		 progress_text(const struct progress *p, char *out, size_t cap);

#endif
