/* lock.c — flock() on STATE_DIR/ACCOUNT.lock. */
#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/wait.h"

/* The worker of a syncd that was killed a moment ago may be on its way out. */
static int
take_lock(int fd, struct err *err)
{
	usec until = clock_in(USEC_S(3));
	int r;

	while ((r = flock(fd, LOCK_EX | LOCK_NB)) < 0 && errno == EWOULDBLOCK &&
	    clock_now() < until)
		if (wait_any(NULL, 0, clock_in(USEC_MS(50)), err) < 0)
			return -1;
	return r == 0 ? 1 : 0;
}

int
lock_account(const char *state_dir, const char *name, struct err *err)
{
	char *path = xasprintf("%s/%s.lock", state_dir, name);
	int fd, got;

	(void)mkdir(state_dir, 0700);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	got = fd < 0 ? err_sys(err, ERR_LOCAL, "store.permission", "open %s",
	    path) : take_lock(fd, err);
	free(path);
	if (got > 0)
		return fd;
	if (got == 0)
		err_set(err, ERR_RETRY, "state.locked",
		    "another syncd works on account %s", name);
	if (fd >= 0)
		close(fd);
	return -1;
}
