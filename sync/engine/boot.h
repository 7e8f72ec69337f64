/*
 * boot.h — directories' times prove nothing across a boot.
 *
 * A folder whose times are as the last scan left them is not read again.  But a power
 * cut may have taken back a time and not the file that came with it: what a client had
 * synced is there on btrfs, in a directory that looks as it did before.
 */
#ifndef ENGINE_BOOT_H
#define ENGINE_BOOT_H

#include "engine/account.h"

/* acc->booted: was the machine booted since the account was opened last? */
int	boot_look(struct account *acc, struct err *err);
/* If so, forget the times of all folders, for good, before anything relies on them.
 * This boot is not asked about again: after all else that must know of it. */
int	boot_note(struct account *acc, struct err *err);

#endif
