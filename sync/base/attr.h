/* attr.h — compiler attributes, in one place and silent under -Wpedantic. */
#ifndef BASE_ATTR_H
#define BASE_ATTR_H

#define PRINTF(fmt, args)	__attribute__((format(printf, fmt, args)))
#define MUST_CHECK		__attribute__((warn_unused_result))
#define NORETURN		__attribute__((noreturn))
/* CLEANUP(buf_clear) struct buf b: run buf_clear(&b) when b leaves scope. */
#define CLEANUP(fn)		__attribute__((cleanup(fn)))
#define ARRAY_LEN(a)		(sizeof(a) / sizeof((a)[0]))

#endif
