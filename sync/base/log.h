/*
 * log.h — one line for one fact.  error: a human must act; warn: we healed it;
 * notice: start, stop, first success; info: one line a round, with numbers;
 * trace: the wire, redacted.  Bytes from outside are escaped here.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/attr.h"

enum log_level { LOG_LV_ERROR, LOG_LV_WARN, LOG_LV_NOTICE, LOG_LV_INFO, LOG_LV_DEBUG,
    LOG_LV_TRACE };

/* Lines go to ${fd} (not taken over); the default is stderr at notice. */
void	log_to(int fd, enum log_level most);
/* Prefix of each line from now on: "work" or "work/INBOX"; "" for none. */
void	log_context(const char *context);
enum log_level log_level(void);

void	log_at(enum log_level level, const char *fmt, ...) PRINTF(2, 3);

#define log_error(...)	log_at(LOG_LV_ERROR, __VA_ARGS__)
#define log_warn(...)	log_at(LOG_LV_WARN, __VA_ARGS__)
#define log_notice(...)	log_at(LOG_LV_NOTICE, __VA_ARGS__)
#define log_info(...)	log_at(LOG_LV_INFO, __VA_ARGS__)
#define log_debug(...)	log_at(LOG_LV_DEBUG, __VA_ARGS__)
#define log_trace(...)	log_at(LOG_LV_TRACE, __VA_ARGS__)

#endif
