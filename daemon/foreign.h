/* foreign.h — the words of other programs, and what they are called here. */
#ifndef DAEMON_FOREIGN_H
#define DAEMON_FOREIGN_H

#include "base/str.h"

/* What users of mbsync, OfflineIMAP and others call a thing: the sentence that
 * says what it is called here, or NULL. */
const char *foreign_word(struct str word);

#endif
