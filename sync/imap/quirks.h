/* quirks.h — servers that do not do well what they announce, as data. */
#ifndef IMAP_QUIRKS_H
#define IMAP_QUIRKS_H

struct imap_lane;

/* Recognise the server by its capabilities and greeting, and adjust what the lane
 * may use of it.  The table is QUIRKS.md's. */
void	quirks_apply(struct imap_lane *l, const char *greeting);

#endif
