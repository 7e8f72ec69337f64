/* progress.c — how far an account is. */
#include "engine/progress.h"

#include <stddef.h>
#include <string.h>

/* Cut between characters. */
static void
copy_name(char *out, size_t cap, const char *name)
{
	size_t n = strlen(name);

	if (n >= cap)
		for (n = cap - 1; n > 0 && (name[n] & 0xC0) == 0x80;)
			n--;
	memcpy(out, name, n);
	out[n] = '\0';
}

void
progress_phase(struct progress *p, enum phase phase, const char *folder,
    uint64_t total)
{
	p->done = p->total = 0;
	p->phase = phase;
	copy_name(p->folder, sizeof(p->folder), folder != NULL ? folder : "");
	p->total = total;
}
