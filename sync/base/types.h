/*
 * types.h — IMAP numbers as distinct types, so that one can never be passed
 * for another (RFC 9051 section 2.3.1).  `usec` is the one time type.
 */
#ifndef BASE_TYPES_H
#define BASE_TYPES_H

#include <stdbool.h>
#include <stdint.h>

/* Microseconds on CLOCK_BOOTTIME; as a parameter, an absolute deadline. */
typedef int64_t usec;

#define USEC_NEVER	INT64_MAX
#define USEC_S(s)	((usec)(s) * 1000000)
#define USEC_MS(ms)	((usec)(ms) * 1000)

/* A message's unique identifier in one mailbox; 0 is "none". */
struct uid {
	uint32_t	v;
};

/* The epoch of a mailbox's UIDs; 0 is "unknown" (some servers send 0, or more
 * than 32 bits). */
struct uidvalidity {
	uint64_t	v;
};

/* A mod-sequence (RFC 7162): 1 .. 2^63-1; 0 is "none". */
struct modseq {
	uint64_t	v;
};

#endif
