/* letters.h — keyword letters of a file that has come from another folder. */
#ifndef ENGINE_LETTERS_H
#define ENGINE_LETTERS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/account.h"
#include "engine/change.h"
#include "maildir/name.h"

/* Do two file names have the same keyword letters? */
bool	letters_same(struct str a, struct str b);

/* Those of ${kw} that no file of ${f}, which is loaded, can show. */
uint64_t	letters_unseen(const struct folder *f, uint64_t kw);

/* The file of ${row}, whose name and flags are those of ${from}, is in ${to} by now.
 * If it has the letters of its row still, which mean other keywords there, it is
 * renamed; ${name}, which row->file borrows then, must live as long as the row is
 * used.  Both folders are loaded.  0; -1. */
int	letters_follow(struct account *acc, struct folder *from,
	    struct folder *to, struct msg_row *row, char name[MNAME_MAX],
	    struct err *err);
/* The file of ${c} has come to ${f}: if its letters are those of another folder, it
 * is renamed to show c->local_flags by those of ${f}.  0; -1. */
int	letters_show(struct account *acc, struct folder *f, struct change *c,
	    struct err *err);

#endif
