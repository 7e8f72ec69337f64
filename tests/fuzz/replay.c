/*
 * replay.c — a target without a fuzzer: it reads the files that are named, those
 * below the directories that are named, or standard input, and gives each to the
 * target.  Says how many; ends by abort() where the target does.
 */
#include <errno.h>

#include "fuzz.h"

enum { INPUT_MAX = 8 << 20 };

static size_t n_inputs;

static void
give(FILE *f)
{
	char *bytes = xmalloc(INPUT_MAX);
	size_t n = fread(bytes, 1, INPUT_MAX, f);
	/* Of exactly that size: a sanitizer sees a byte too far. */
	uint8_t *input = xmalloc(n + 1);

	memcpy(input, bytes, n);
	free(bytes);
	input = xreallocarray(input, n > 0 ? n : 1, 1);
	LLVMFuzzerTestOneInput(input, n);
	free(input);
	n_inputs++;
}

static int
visit(const char *path, const struct stat *st, int type, struct FTW *ftw)
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
	/* Should the target abort, this is the last that was said. */
	if (getenv("FUZZ_NAMES") != NULL)
		fprintf(stderr, "%s\n", path);
	give(f);
	fclose(f);
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc == 1)
		give(stdin);
	for (int i = 1; i < argc; i++) {
		struct stat st;

		if (stat(argv[i], &st) != 0) {
			fprintf(stderr, "%s: %s\n", argv[i], strerror(errno));
			return 1;
		}
		if (nftw(argv[i], visit, 16, FTW_PHYS) != 0)
			return 1;
	}
	printf("%zu inputs\n", n_inputs);
	return 0;
}
