/*
 * dryrun.h — the plan of a dry run: a line for each op, with its reason.
 */
#ifndef ENGINE_DRYRUN_H
#define ENGINE_DRYRUN_H

#include "engine/account.h"

/* Append what was decided for ${f} to the account's plan. */
void	dryrun_folder(struct account *acc, struct folder *f);

#endif
