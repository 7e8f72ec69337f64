/*
 * num.h — parsing of numbers that somebody else wrote.  No sign, no space, no
 * base prefix; false on anything but digits or outside [min, max].
 */
#ifndef BASE_NUM_H
#define BASE_NUM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/str.h"

bool	num_u64(struct str s, uint64_t min, uint64_t max, uint64_t *n) MUST_CHECK;
bool	num_u32(struct str s, uint32_t min, uint32_t max, uint32_t *n) MUST_CHECK;

#endif
