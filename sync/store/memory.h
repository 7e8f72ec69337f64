/*
 * memory.h — SQLite's memory is ours (base/mem.h): a value that was not bound for want
 * of it would be written as NULL, and a statement run as if it had been asked
 * something else.  Private to sync/store.
 */
#ifndef STORE_MEMORY_H
#define STORE_MEMORY_H

/* Before a database is opened; nothing the second time. */
void	memory_begin(void);

#endif
