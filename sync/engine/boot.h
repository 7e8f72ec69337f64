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

/* If the machine was booted since the account was opened last, forget the times of all
 * folders, for good.  Before anything relies on them. */
int	boot_look(struct account *acc, struct err *err);

#endif
