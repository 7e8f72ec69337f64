/*
 * account_ok.c — when an account last reached everything, across restarts: the time
 * of the file state_dir/ACCOUNT.ok.
 *
 * One that watches does so all the time, and nothing is to be written when nothing
 * happens: the file may be ten minutes behind, until the daemon ends.
 */
#include "account_impl.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

static const int64_t behind = USEC_S(600);

static void
ok_path(const struct account *a, char *out, size_t cap)
{
	must(snprintf(out, cap, "%s/%s.ok", a->env->conf->state_dir, a->name) <
	    (int)cap);
}

void
account_ok_load(struct account *a)
{
	int64_t now = clock_wall(), at;
	char path[4096];
	struct stat st;

	a->began = a->last_ok = now;
	ok_path(a, path, sizeof(path));
	if (stat(path, &st) < 0)
		return;
	at = (int64_t)st.st_mtim.tv_sec * 1000000 + st.st_mtim.tv_nsec / 1000;
	/* A clock that was set back says nothing of the past. */
	if (at > 0 && at <= now)
		a->last_ok = a->ok_noted = at;
}

void
account_ok_save(struct account *a)
{
	struct timespec t = { .tv_sec = (time_t)(a->last_ok / 1000000),
	    .tv_nsec = (long)(a->last_ok % 1000000) * 1000 };
	const struct timespec both[2] = { t, t };
	char path[4096];
	int fd;

	/* What a restore knows is gone when it has ended well. */
	if (!a->succeeded || a->ok_noted == a->last_ok || a->conf->restore.on)
		return;
	a->ok_noted = a->last_ok;
	ok_path(a, path, sizeof(path));
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || futimens(fd, both) < 0)
		log_debug("%s cannot be written", path);
	if (fd >= 0)
		close(fd);
}

void
account_succeeded(struct account *a)
{
	a->last_ok = clock_wall();
	a->succeeded = true;
	if (a->last_ok - a->ok_noted >= behind || a->last_ok < a->ok_noted)
		account_ok_save(a);
}
