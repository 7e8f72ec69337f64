/*
 * replay.c — a target without a fuzzer: it reads the files that are named, those
 * below the directories that are named, or standard input, and gives each to the
 * target.  Says how many; ends by abort() where the target does.
 */
#include "inputs.h"

static size_t n_inputs;

static void
replay(const char *path, const char *bytes, size_t n)
{
	/* Should the target abort, this is the last that was said. */
	if (getenv("FUZZ_NAMES") != NULL)
		fprintf(stderr, "%s\n", path);
	input_try(bytes, n);
	n_inputs++;
}

int
main(int argc, char **argv)
{
	input_give = replay;
	if (argc == 1)
		input_read("standard input", stdin);
	else if (inputs_read(argv + 1, argc - 1) < 0)
		return 1;
	printf("%zu inputs\n", n_inputs);
	return 0;
}
