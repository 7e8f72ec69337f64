/* sandbox.c — stub */
#include "sandbox.h"
void
sandbox_enter(const char *const *dir, size_t n, char *remarks, size_t cap)
{
	(void)dir; (void)n; (void)remarks; (void)cap;
}
