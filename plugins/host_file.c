/* host_file.c — files that scripts read: below the directories that syncd.yaml
 * grants, through no symlink there. */
#include "host_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

enum { FILE_MAX = 1 << 20 };

/* The directory of ${dirs} that ${path} is below; NULL. */
static const char *
granted_dir(const struct strlist *dirs, struct str path)
{
	for (size_t i = 0; i < dirs->n; i++) {
		size_t n = strlen(dirs->v[i]);

		if (str_starts(path, str_z(dirs->v[i])) && n + 1 < path.n &&
		    path.p[n] == '/')
			return dirs->v[i];
	}
	return NULL;
}

/* One component after the other; O_NONBLOCK: a fifo must not hold us. */
static int
open_below(const char *dir, struct str rest)
{
	int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC), next;

	while (fd >= 0 && rest.p != NULL) {
		char *part = str_dup(str_split(&rest, '/'));
		bool plain = part[0] != '\0' && strcmp(part, ".") != 0 &&
		    strcmp(part, "..") != 0;

		errno = EACCES;
		next = !plain ? -1 : openat(fd, part, O_NOFOLLOW | O_CLOEXEC |
		    (rest.p != NULL ? O_PATH | O_DIRECTORY :
		    O_RDONLY | O_NONBLOCK | O_NOCTTY));
		free(part);
		close(fd);
		fd = next;
	}
	return fd;
}

/* -1 with errno. */
static int
read_whole(int fd, char *bytes, size_t *n)
{
	struct stat st;
	ssize_t got;

	if (fstat(fd, &st) < 0)
		return -1;
	errno = S_ISREG(st.st_mode) ? EFBIG : EACCES;
	if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX)
		return -1;
	for (*n = 0; *n < FILE_MAX; *n += (size_t)got) {
		got = pread(fd, bytes + *n, FILE_MAX - *n, (off_t)*n);
		if (got <= 0)
			return got < 0 ? -1 : 0;
	}
	return 0;
}

void
file_call(struct host *h, struct proc *p, const struct host_plugin *pl,
    uint32_t call)
{
	struct str path = frame_str(&p->in);
	const char *dir = granted_dir(&pl->conf->allow.read, path);
	char *bytes = xmalloc(FILE_MAX), why[200];
	struct frame f;
	size_t n = 0;
	int fd = -1, r = -1;

	call_begin(&f, call);
	if (dir != NULL)
		fd = open_below(dir, str_from(path, strlen(dir) + 1));
	if (fd >= 0) {
		r = read_whole(fd, bytes, &n);
		close(fd);
	}
	snprintf(why, sizeof(why), "%.*s: %s", STR_ARG(str_head(path, 120)),
	    dir == NULL ? "not granted: allow: {read: [...]}" : strerror(errno));
	if (r == 0) {
		frame_put_blob(&f, (struct str){ bytes, n });
		proc_send(h, p, &f);
	} else {
		call_fail(h, p, &f, call, why);
	}
	free(bytes);
}
