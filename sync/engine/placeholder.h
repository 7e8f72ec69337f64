/*
 * placeholder.h — a small message of ours that stands for one that is too big to
 * be fetched, so that people see it where they look for mail.
 */
#ifndef ENGINE_PLACEHOLDER_H
#define ENGINE_PLACEHOLDER_H

#include <stdint.h>

#include "base/err.h"
#include "engine/header.h"
#include "engine/land.h"

/* Add one to ${a}, and return it as land_end() does: sender and subject are those
 * of ${header}, if it is known. */
struct arrival	*placeholder_add(struct arrivals *a, const struct header *header,
		    uint64_t size, int64_t date, struct err *err);

#endif
