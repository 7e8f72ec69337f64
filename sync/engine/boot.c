/*
 * boot.c — directories' times prove nothing across a boot, and what had left tmp/ may be
 * there again.
 */
#include "engine/boot.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BOOT	"boot"		/* in the store: the id of the last one */

static bool
boot_id(char id[64])
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, id, 63) : -1;

	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return false;
	id[n] = '\0';
	id[strcspn(id, "\n")] = '\0';
	return true;
}

int
boot_look(struct account *acc, struct err *err)
{
	char id[64], *known;

	if (!boot_id(id))
		return 0;
	if (store_get(acc->store, BOOT, &known, err) < 0)
		return -1;
	acc->booted = known == NULL || strcmp(known, id) != 0;
	free(known);
	return 0;
}

int
boot_note(struct account *acc, struct err *err)
{
	char id[64];
	int r;

	if (!acc->booted || !boot_id(id))
		return 0;
	r = account_begin(acc, err);
	for (size_t i = 0; i < acc->n_folders && r == 0; i++) {
		struct folder *f = acc->folder[i];

		f->mtime_cur = f->mtime_new = 0;
		r = folder_save(acc, f, err);
	}
	if (r == 0)
		r = store_set(acc->store, BOOT, str_z(id), err);
	return account_end(acc, r, err);
}
