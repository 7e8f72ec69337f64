/*
 * eol.h — line endings between the wire (CRLF) and the disk (LF), streaming.
 * A message comes back byte for byte: what is not canonical CRLF on the wire is
 * kept verbatim on disk, and the class says so.
 */
#ifndef BASE_EOL_H
#define BASE_EOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum eol {
	EOL_LF,		/* disk: LF; wire: each LF as CRLF; no CR on disk */
	EOL_VERBATIM,	/* disk bytes are wire bytes */
	EOL_MIXED	/* a local file with LF and CR mixed: wire has CRLF for
			 * each LF that no CR precedes, the rest unchanged */
};

/* What a local file is to be sent as, learned from all of its bytes. */
struct eol_scan {
	bool		bare_lf, crlf, bare_cr, nul;
	bool		cr;		/* the last byte was CR */
	uint64_t	n_bytes, n_bare_lf;
};

void	 eol_scan(struct eol_scan *s, const void *p, size_t n);
/* The class, and how many bytes the wire form has. */
enum eol eol_scan_end(struct eol_scan *s, uint64_t *wire_size);

/* Disk to wire.  ${prev} is the last byte of the portion before (0 at first)
 * and is updated; ${out} takes 2 * n bytes.  Returns bytes written. */
size_t	 eol_to_wire(enum eol class, const void *p, size_t n, char *prev, char *out);

/* Wire to disk as EOL_LF: drops the CR of each CRLF.  Same conventions; a CR at
 * the end of a portion is held back in *${prev}.  Sets *${verbatim} when the
 * bytes are not canonical CRLF: then the LF form is of no use.  ${out} takes
 * n + 1 bytes. */
size_t	 eol_to_disk(const void *p, size_t n, char *prev, bool *verbatim, char *out);

#endif
