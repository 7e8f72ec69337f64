/*
 * local.h — the Maildir's side: what changed in a folder since the base.
 */
#ifndef ENGINE_LOCAL_H
#define ENGINE_LOCAL_H

#include "base/err.h"
#include "engine/account.h"

/* Take in what inotify has queued: names are noted and folders marked. */
int	local_note(struct account *acc, struct err *err);
/* We have changed that name ourselves: look at it like at anybody's change. */
void	local_told(struct folder *f, const char *file, bool in_new, bool gone);
/* A message came into ${f} by a rename of ours, and the base will say so: what the watch
 * tells of it is no news.  Before the next local_note(). */
void	local_landed(struct account *acc, const struct folder *f, const char *file,
	    bool in_new);
/* mdir_rename(), likewise; account_end() syncs the directories. */
int	local_rename(struct account *acc, struct folder *from, bool from_new,
	    const char *file, struct folder *to, bool to_new, const char *name,
	    struct err *err);
/* Forget the names that were noted. */
void	local_forget(struct folder *f);
/* Watch the folder (before it is read for the first time, so that nothing falls
 * between).  Running out of watches is a problem in `status`, not an error. */
void	local_watch(struct account *acc, struct folder *f);
/* Mark ${f} for a scan if its directories have other times than when it was
 * last read.  Two stat calls. */
int	local_check(struct account *acc, struct folder *f, struct err *err);

/* Read what changed into f->work: from the noted names if the watch saw all,
 * else by reading the directory.  A file that is missing is confirmed by a second
 * look.  May wait some ten milliseconds for a directory to settle. */
int	local_gather(struct account *acc, struct folder *f, struct err *err);

/* What the file of ${row} is called by now, whoever renamed it: 1, 0: it is not in
 * ${f}, -1. */
int	local_find(struct folder *f, const struct msg_row *row,
	    char file[MNAME_MAX], bool *in_new, struct err *err);
/* Flags of a file by its name. */
struct flags local_flags(struct folder *f, struct str file);
/* The name that shows ${flags} of ${f} on ${file}, whose keyword letters are those
 * of the folder ${was} (a moved file brings its letters along), and where it
 * belongs.  Keywords that have no letter yet get one (kwfile is written by the
 * caller).  -1: the name would be too long. */
int	local_name(struct account *acc, struct folder *f, const struct folder *was,
	    const char *file, bool in_new, struct flags flags,
	    char out[MNAME_MAX], bool *out_new);
/* Write the folder's keyword letters if some are new: before names use them. */
int	local_keywords(struct account *acc, struct folder *f, struct err *err);
/* Each of these keywords gets a letter in ${f}: one that is taken away from a file
 * later on would else look as if it could not be seen. */
int	local_letters(struct account *acc, struct folder *f, uint64_t kw,
	    struct err *err);
/* One message has one date: the server's.  A file that belongs to somebody else
 * keeps its own. */
int	local_set_date(const struct account *acc, struct folder *f,
	    const struct change *c, int64_t date, struct err *err);
/* Identity of a local file, read once and kept in the change.  1; 0: it is gone
 * by now; -1. */
int	local_digest(struct folder *f, struct change *c, struct err *err);

#endif
