/*
 * js.h — the few things about JSON that jansson leaves to us: text that may not
 * be UTF-8, members that may be missing, bounded dumps.
 */
#ifndef DAEMON_JS_H
#define DAEMON_JS_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

struct strlist;

/* Before anything else of this.  Memory that is short ends the process, as everywhere
 * (base/mem.h): a message of our own that cannot be read for want of it would be taken
 * for nonsense and passed over, and who sent it would wait. */
void		 js_begin(void);

/* ${s} as a JSON string, or {"b64": "..."} when it is not UTF-8; a new
 * reference. */
json_t		*js_text(struct str s);
/* Words for people: a string at any rate, with '?' for the bytes that are no ASCII if it
 * is not UTF-8; NULL gives null. */
json_t		*js_words(const char *text);
/* No more than ${most} bytes of it, cut between two letters. */
json_t		*js_text_cut(struct str s, size_t most);
/* ${l} as an array, without what is not UTF-8; a new reference. */
json_t		*js_list(const struct strlist *l);
/* The member ${key} as text, or NULL when it is not there or no string;
 * borrowed from ${obj}, which may be NULL. */
const char	*js_get(const json_t *obj, const char *key);
/* The same for numbers and truth, with a default. */
json_int_t	 js_int(const json_t *obj, const char *key, json_int_t none);
bool		 js_bool(const json_t *obj, const char *key);
/* An object of ${text}, or NULL with ERR_PROTO: duplicate keys and bytes after
 * the object are refused. */
json_t		*js_parse(struct str text, struct err *err);
/* One line, without the newline; free() it. */
char		*js_dump(const json_t *v);
/* {"code", "message", "remedy"?}; ${remedy} may be NULL: the code's own (remedy.h),
 * if it is one. */
json_t		*js_error(const char *code, const char *message, const char *remedy);
/* "2026-11-23T04:46:50Z"; 0 gives null. */
json_t		*js_time(int64_t wall_us);

#endif
