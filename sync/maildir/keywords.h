/*
 * keywords.h — "dovecot-keywords": which of the letters a-z in file names is
 * which keyword, per folder.  Lines are "0 $Forwarded": index and name.  Existing
 * numbers are never changed; a keyword beyond the 26th has no letter.
 */
#ifndef MAILDIR_KEYWORDS_H
#define MAILDIR_KEYWORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/flags.h"
#include "base/str.h"

struct kwfile {
	char	*name[26];	/* NULL: free */
	uint32_t nameless;	/* bit i: files use the letter, without a name */
	bool	 dirty;		/* changed since it was read */
};

void	kwfile_clear(struct kwfile *k);
/* Absent is empty; lines that make no sense are kept out. */
int	kwfile_read(int folder_fd, struct kwfile *k, struct err *err);
/* Replace the file: temporary name, sync, rename.  Reads it again first and
 * merges, because a client may have added to it.  Only if dirty.  A name that
 * was added here may get another letter by that: write first, then ask for the
 * letters (again) that go into file names. */
int	kwfile_write(int folder_fd, struct kwfile *k, struct err *err);
/* Keyword bits of ${t} from the letters of a file name; new names are added to
 * ${t}.  Letters without a name are ignored here and kept in the file name. */
uint64_t kwfile_to_bits(const struct kwfile *k, struct str letters, struct kwtab *t);
/* Letters for ${bits} into ${out} (27 bytes), adding names to ${k} as needed;
 * returns the bits that found no letter. */
uint64_t kwfile_to_letters(struct kwfile *k, uint64_t bits, const struct kwtab *t,
	    char out[27]);
/* Those of ${bits} that the disk can show now. */
uint64_t kwfile_shown(const struct kwfile *k, uint64_t bits, const struct kwtab *t);
/* Note the letters of a file name: one that has no name means something to some
 * client, and is not given to a keyword of ours. */
void	kwfile_note(struct kwfile *k, struct str letters);
/* ${letter} had a name when the files were read.  One that got its name since
 * (kwfile_write finds those of others) is in no file's bits, and must stay in
 * the file's name until it is read again. */
bool	kwfile_known(const struct kwfile *k, char letter);
/* The letter that stands for $Forwarded here, or NUL.  That is a system flag of
 * ours (P), never a bit: read the letter as P, and write it along with P. */
char	kwfile_forwarded(const struct kwfile *k);

#endif
