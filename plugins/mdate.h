/*
 * mdate.h — dates: of header fields (RFC 5322 section 3.3, and the obsolete forms),
 * and those that people write ("3d", "mon", "2026-05-01", "18:00").
 */
#ifndef PLUGINS_MDATE_H
#define PLUGINS_MDATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/str.h"

/* "Mon, 2 Mar 2026 08:00:00 +0100 (CET)" as seconds since 1970. */
bool	mdate_parse(struct str s, int64_t *t) MUST_CHECK;
/* "30d", "1h", "90" (seconds), "1h30m": units s m h d w y. */
bool	mdate_duration(struct str s, int64_t *seconds) MUST_CHECK;
/* "2M", "100k", "1.5G" or bytes; a trailing B or iB is fine. */
bool	mdate_size(struct str s, int64_t *bytes) MUST_CHECK;
/* A moment as people write it: a duration from ${now} on, "today", "tomorrow", a
 * weekday (the next such day), "2026-05-01", "2026-05-01 18:00", "18:00" (the next
 * such time); days begin at midnight, local time, moments of a day at 8:00. */
bool	mdate_moment(struct str s, int64_t now, int64_t *t) MUST_CHECK;

#endif
