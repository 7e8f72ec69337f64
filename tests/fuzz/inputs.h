/*
 * inputs.h — inputs that lie in files: for the drivers of targets that are no
 * fuzzers, replay.c and smoke.c.
 */
#ifndef FUZZ_INPUTS_H
#define FUZZ_INPUTS_H

#include <errno.h>

#include "fuzz.h"

enum { INPUT_MAX = 8 << 20 };

/* What takes each of them; the bytes are the caller's again afterwards. */
static void (*input_give)(const char *path, const char *bytes, size_t n);

static inline void
input_read(const char *path, FILE *f)
{
	/* Once: a sanitizer takes its time for so much. */
	static char *bytes;

	if (bytes == NULL)
		bytes = xmalloc(INPUT_MAX);
	input_give(path, bytes, fread(bytes, 1, INPUT_MAX, f));
}

static inline int
input_visit(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	FILE *f;

	(void)st;
	(void)ftw;
	if (type != FTW_F)
		return 0;
	f = fopen(path, "rb");
	if (f == NULL) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return -1;
	}
	input_read(path, f);
	fclose(f);
	return 0;
}

/* The files that are named, and those below the directories that are named.  0, -1
 * if one cannot be read, which has been said. */
static inline int
inputs_read(char **paths, int n)
{
	for (int i = 0; i < n; i++) {
		struct stat st;

		if (stat(paths[i], &st) != 0) {
			fprintf(stderr, "%s: %s\n", paths[i], strerror(errno));
			return -1;
		}
		if (nftw(paths[i], input_visit, 16, FTW_PHYS) != 0)
			return -1;
	}
	return 0;
}

/* The target, with an input of exactly that size: a sanitizer sees a byte too far. */
static inline void
input_try(const char *bytes, size_t n)
{
	uint8_t *input = xmalloc(n > 0 ? n : 1);

	if (n > 0)
		memcpy(input, bytes, n);
	LLVMFuzzerTestOneInput(input, n);
	free(input);
}

#endif
