/*
 * fuzz.h — what the targets of this directory share.  A target is one function
 * that takes any bytes and aborts when a promise is broken; libFuzzer, AFL++ or
 * replay.c calls it.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* The first byte of ${in}, which it leaves; 0 at the end. */
static inline uint8_t
fuzz_byte(struct str *in)
{
	uint8_t b = in->n > 0 ? (uint8_t)in->p[0] : 0;

	*in = str_from(*in, 1);
	return b;
}

static char fuzz_dir_path[SCRATCH_PATH];

static inline void
fuzz_dir_remove(void)
{
	scratch_remove(fuzz_dir_path);
}

/* A directory of our own, in memory if possible; it goes when we do. */
static inline const char *
fuzz_dir(void)
{
	if (fuzz_dir_path[0] == '\0') {
		must(scratch_make(fuzz_dir_path, "fuzz") == 0);
		atexit(fuzz_dir_remove);
	}
	return fuzz_dir_path;
}

/* Make the file ${name} below ${dir_fd} with these bytes. */
static inline void
fuzz_file(int dir_fd, const char *name, struct str bytes)
{
	int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
	    0600);

	must(fd >= 0);
	must(write(fd, bytes.n > 0 ? bytes.p : "", bytes.n) == (ssize_t)bytes.n);
	close(fd);
}

#endif
