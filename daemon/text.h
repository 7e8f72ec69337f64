/* text.h — words and numbers for people, as all verbs print them. */
#ifndef DAEMON_TEXT_H
#define DAEMON_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* "90s", "2h", "3d" ago, or "2026-11-23", or "2026-11-23T04:46:50Z", as wall clock
 * us; -1 when it is none of these. */
int	text_since(const char *text, int64_t *wall);
/* Text of a server or a message, without what steers a terminal. */
void	text_put(const char *text);
/* The same into ${out}. */
void	text_plain(const char *text, char *out, size_t cap);
/* "2026-11-23T04:46:50Z". */
void	text_when(int64_t wall, char *out, size_t cap);
/* Seconds since ${iso}, or -1 for NULL and what is no time. */
int64_t	text_age(const char *iso);
/* "42 s", "5 min", "04:12", "3d 04:12". */
void	text_span(int64_t seconds, char *out, size_t cap);
/* 161204 as "161,204". */
void	text_count(uint64_t n, char *out, size_t cap);
/* "9.8 MB". */
void	text_bytes(uint64_t n, char *out, size_t cap);

#endif
