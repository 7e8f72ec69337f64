/* maildir_fixture.h — a folder of its own for each test, removed afterwards. */
#ifndef MAILDIR_FIXTURE_H
#define MAILDIR_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"
#include "scratch.h"

struct fixture {
	char	path[SCRATCH_PATH];
	int	fd;		/* of path, which has cur/, new/ and tmp/ */
};

static inline int
fixture_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return -1;
	*state = f;
	if (scratch_make(f->path, "test") < 0)
		return -1;
	f->fd = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->fd < 0)
		return -1;
	return mkdirat(f->fd, "cur", 0700) | mkdirat(f->fd, "new", 0700) |
	    mkdirat(f->fd, "tmp", 0700);
}

static inline int
fixture_teardown(void **state)
{
	struct fixture *f = *state;

	close(f->fd);
	scratch_remove(f->path);
	free(f);
	return 0;
}

/* Make the file ${path} below the fixture with ${text}. */
static inline void
fixture_file(const struct fixture *f, const char *path, const char *text)
{
	int fd = openat(f->fd, path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static inline bool
fixture_has(const struct fixture *f, const char *path)
{
	struct stat st;

	return fstatat(f->fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* The bytes of the file ${path}, to free(). */
static inline char *
fixture_read(const struct fixture *f, const char *path, size_t *n)
{
	struct stat st;
	int fd = openat(f->fd, path, O_RDONLY);
	char *p;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	*n = (size_t)st.st_size;
	p = malloc(*n + 1);
	assert_non_null(p);
	assert_int_equal(read(fd, p, *n), *n);
	p[*n] = '\0';
	close(fd);
	return p;
}

#define FIXTURE_TEST(name) \
	cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

#endif
