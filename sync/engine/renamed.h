/*
 * renamed.h — which of the folders that are gone is the one that has come: on the
 * server, or here.  Two that could be meant are none: then one was removed and
 * another made.
 */
#ifndef ENGINE_RENAMED_H
#define ENGINE_RENAMED_H

#include "base/err.h"
#include "engine/account.h"

/* ${hit}: the new name on the server of ${f}, which its list lacks; or NULL.  By
 * the mailbox's id (RFC 8474, Dovecot's X-GUID), else by its counters. */
int	renamed_there(struct account *acc, const struct folder *f,
	    struct folder **hit, struct err *err);

/* Folders that the list lacks and has in another spelling, because the server has UTF-8
 * enabled now and had not, or the other way round, are bound to that.  Nothing was
 * renamed: they stay where they are, and what they are. */
int	renamed_spelling(struct account *acc, struct err *err);

/* Are the files in the directory ${path}, most of some twenty, those of ${f}?  1, 0
 * (also when there are none), -1. */
int	renamed_holds(struct account *acc, const struct folder *f, const char *path,
	    struct err *err);
/* ${hit}: the folder whose directory is gone, and whose files ${path} holds; or
 * NULL. */
int	renamed_here(struct account *acc, const char *path, struct folder **hit,
	    struct err *err);
/* The same when ${path} is empty: the one empty folder that is gone, and that is
 * empty on the server, too (one STATUS).  If it was removed and another made, it
 * comes to the same. */
int	renamed_empty(struct account *acc, const char *path, struct folder **hit,
	    struct err *err);

#endif
