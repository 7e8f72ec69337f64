/*
 * dedupe.h — one file for a message that is in several folders (`dedupe:
 * hardlink`).
 */
#ifndef ENGINE_DEDUPE_H
#define ENGINE_DEDUPE_H

#include "base/err.h"
#include "engine/land.h"

/* Those that have arrived, are on disk, have no row yet and lie in another folder
 * of the account already become further names of what lies there. */
int	dedupe_arrivals(struct arrivals *a, struct err *err);

#endif
