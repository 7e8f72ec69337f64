/* num.c — numbers from outside. */
#include "base/num.h"

bool
num_u64(struct str s, uint64_t min, uint64_t max, uint64_t *n)
{
	uint64_t v = 0;

	if (s.n == 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		if (__builtin_mul_overflow(v, 10u, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(s.p[i] - '0'), &v))
			return false;
	}
	if (v < min || v > max)
		return false;
	*n = v;
	return true;
}

bool
num_u32(struct str s, uint32_t min, uint32_t max, uint32_t *n)
{
	uint64_t v;

	if (!num_u64(s, min, max, &v))
		return false;
	*n = (uint32_t)v;
	return true;
}
