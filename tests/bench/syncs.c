/*
 * syncs.c — a library to preload: counts the calls that wait for the disk.
 *
 * BENCH_SYNCS names a file of eight bytes that all processes share; it is mapped, so
 * that nothing has to be written at exit.  With BENCH_NOSYNC the calls do nothing:
 * that is for preparations, which nobody measures.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static _Atomic uint64_t *count;
static int nothing;

__attribute__((constructor)) static void
init(void)
{
	const char *path = getenv("BENCH_SYNCS");
	int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *p;

	nothing = getenv("BENCH_NOSYNC") != NULL;
	if (fd < 0)
		return;
	p = mmap(NULL, sizeof(*count), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (p != MAP_FAILED)
		count = p;
}

static int
call(const char *name, int fd)
{
	int (*real)(int);

	if (count != NULL)
		atomic_fetch_add(count, 1);
	if (nothing)
		return 0;
	*(void **)&real = dlsym(RTLD_NEXT, name);
	return real(fd);
}

int
fsync(int fd)
{
	return call("fsync", fd);
}

int
fdatasync(int fd)
{
	return call("fdatasync", fd);
}

int
syncfs(int fd)
{
	return call("syncfs", fd);
}
