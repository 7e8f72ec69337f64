/*
 * progress.h — how far an account is: plain data that the engine writes as it
 * goes and others may read at any moment, also from another process.
 *
 * Nothing is locked: a reader may see a name and a count that do not belong
 * together, which is wrong for a tenth of a second on a screen and nowhere else.
 * So it is for showing only, never for deciding.
 */
#ifndef ENGINE_PROGRESS_H
#define ENGINE_PROGRESS_H

#include <stdint.h>

enum phase {
	PHASE_START,		/* nothing was written yet */
	PHASE_IDLE,
	PHASE_CONNECT,
	PHASE_LIST,		/* the folders */
	PHASE_COMPARE,		/* what is new, on both sides */
	PHASE_APPLY,		/* flags, moves, deletions */
	PHASE_DOWNLOAD,
	PHASE_UPLOAD,
	N_PHASES
};

enum { PROGRESS_NAME = 256 };

struct progress {
	uint32_t	phase;		/* enum phase */
	uint64_t	done, total;	/* messages of this phase; 0 of 0: no idea */
	uint64_t	bytes;		/* up and down, since the account was opened */
	char		folder[PROGRESS_NAME];	/* "": all; cut when longer */
};

/* The account does ${phase} now, in ${folder} (NULL: in all of them), with
 * ${total} messages to go. */
void	progress_phase(struct progress *p, enum phase phase, const char *folder,
	    uint64_t total);

#endif
