/*
 * smoke.c — a target and a small fuzzer of our own, where there is no other:
 *
 *	smoke SECONDS SEED LONGEST CURRENT DICTIONARY FILE|DIRECTORY...
 *
 * It changes the inputs that it is given, by chance but for the same SEED always the
 * same, and gives them to the target, until the time is up.  The one that is being
 * tried stands in the file CURRENT, behind its length (8 bytes): whoever started us
 * finds it there when the target aborted, fell or does not come back.  DICTIONARY is
 * one of libFuzzer's, or "-".  Says how many it tried.
 */
#include "inputs.h"

#include <sys/mman.h>
#include <time.h>

enum { WORDS_MAX = 200, WORD_MAX = 64, ODD_NUMBERS = 8 };

struct bytes {
	char	*p;
	size_t	 n;
};

static struct {
	uint64_t	 chance;	/* never 0 */
	size_t		 longest;
	struct bytes	*input;
	size_t		 n_inputs, cap_inputs;
	char		 word[WORDS_MAX][WORD_MAX];
	size_t		 word_n[WORDS_MAX], n_words;
	char		*out;		/* what is being made, of room for .longest */
	size_t		 n;
} s;

/* 0 ... n - 1: xorshift64*. */
static size_t
below(size_t n)
{
	s.chance ^= s.chance >> 12;
	s.chance ^= s.chance << 25;
	s.chance ^= s.chance >> 27;
	return n == 0 ? 0 : (size_t)((s.chance * 0x2545f4914f6cdd1du) >> 11) % n;
}

static void
keep(const char *path, const char *bytes, size_t n)
{
	(void)path;
	s.input = s.n_inputs < s.cap_inputs ? s.input : xreallocarray(s.input,
	    s.cap_inputs = 2 * s.cap_inputs + 16, sizeof(*s.input));
	n = n < s.longest ? n : s.longest;
	s.input[s.n_inputs] = (struct bytes){ xmalloc(n + 1), n };
	memcpy(s.input[s.n_inputs++].p, bytes, n);
}

/* ---- the dictionary --------------------------------------------------- */

/* What stands in quotes, with \\, \" and \xNN. */
static void
add_word(const char *text)
{
	char *word = s.word[s.n_words];
	size_t n = 0;

	for (; *text != '"' && *text != '\0' && n < WORD_MAX; text++) {
		unsigned c;

		if (*text == '\\' && sscanf(text, "\\x%2x", &c) == 1) {
			word[n++] = (char)c;
			text += 3;
			continue;
		}
		text += *text == '\\' && text[1] != '\0';
		word[n++] = *text;
	}
	s.word_n[s.n_words] = n;
	s.n_words += n > 0;
}

static int
read_words(const char *path)
{
	char line[1000];
	FILE *f;

	if (strcmp(path, "-") == 0)
		return 0;
	f = fopen(path, "r");
	if (f == NULL) {
		perror(path);
		return -1;
	}
	while (fgets(line, sizeof(line), f) != NULL && s.n_words < WORDS_MAX) {
		const char *quote = line[0] != '#' ? strchr(line, '"') : NULL;

		if (quote != NULL)
			add_word(quote + 1);
	}
	fclose(f);
	return 0;
}

/* ---- changes ---------------------------------------------------------- */

static void
cut(size_t at, size_t n)
{
	memmove(s.out + at, s.out + at + n, s.n - at - n);
	s.n -= n;
}

/* What has no room is not put in. */
static void
put(size_t at, const char *p, size_t n)
{
	if (n > s.longest - s.n)
		n = s.longest - s.n;
	memmove(s.out + at + n, s.out + at, s.n - at);
	memcpy(s.out + at, p, n);
	s.n += n;
}

/* A piece, more often a short one. */
static size_t
piece(size_t most)
{
	return most == 0 ? 0 : 1 + below(below(2) ? most : most < 16 ? most : 16);
}

static void
change_byte(void)
{
	static const char odd[] = "\0\xff\r\n\"\\(){}[]<>*%+-.,:; /~=&'$#09aZ\x7f\x80";
	size_t at = below(s.n);

	if (s.n == 0)
		return;
	switch (below(4)) {
	case 0:
		s.out[at] ^= (char)(1 << below(8));
		break;
	case 1:
		s.out[at] = (char)below(256);
		break;
	case 2:
		s.out[at] = (char)(s.out[at] + (below(2) ? 1 : -1));
		break;
	default:
		s.out[at] = odd[below(sizeof(odd) - 1)];
	}
}

static void
put_word(void)
{
	size_t word = below(s.n_words), at = below(s.n + 1);

	if (s.n_words == 0)
		return;
	if (below(2) && s.n - at >= s.word_n[word])
		cut(at, s.word_n[word]);
	put(at, s.word[word], s.word_n[word]);
}

static void
put_piece(void)
{
	size_t from = below(s.n), n = piece(s.n - from);
	char *p = xmalloc(n + 1);

	memcpy(p, s.out + from, n);
	put(below(s.n + 1), p, n);
	free(p);
}

/* Another input from somewhere on, in place of the rest or between. */
static void
mix(void)
{
	const struct bytes *other = &s.input[below(s.n_inputs)];
	size_t from = below(other->n), at = below(s.n + 1);

	if (below(2)) {
		s.n = at;
		put(at, other->p + from, other->n - from);
	} else {
		put(at, other->p + from, piece(other->n - from));
	}
}

static void
change_number(void)
{
	static const char *const odd[ODD_NUMBERS] = { "0", "1", "65536",
	    "2147483648", "4294967295", "4294967296", "9223372036854775808",
	    "18446744073709551616" };
	const char *number = odd[below(ODD_NUMBERS)];
	size_t at = below(s.n), n = 0;

	while (at < s.n && (s.out[at] < '0' || s.out[at] > '9'))
		at++;
	while (at + n < s.n && s.out[at + n] >= '0' && s.out[at + n] <= '9')
		n++;
	if (n == 0)
		return;
	cut(at, n);
	put(at, number, strlen(number));
}

static void
change(void)
{
	size_t at = below(s.n);

	switch (below(8)) {
	case 0:
	case 1:
		change_byte();
		break;
	case 2:
		put_word();
		break;
	case 3:
		cut(at, piece(s.n - at));
		break;
	case 4:
		put_piece();
		break;
	case 5:
		mix();
		break;
	case 6:
		change_number();
		break;
	default:
		if (below(8) == 0)
			s.n = at;
		else
			put(at, (const char[]){ (char)below(256) }, 1);
	}
}

static void
make(void)
{
	const struct bytes *from = &s.input[below(s.n_inputs)];

	memcpy(s.out, from->p, from->n);
	s.n = from->n;
	do
		change();
	while (below(4) != 0);
}

/* ---- the smoke -------------------------------------------------------- */

/* A place for the input that outlives us: 8 bytes and .longest. */
static char *
current(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	void *p;

	if (fd < 0 || ftruncate(fd, (off_t)(8 + s.longest)) != 0) {
		perror(path);
		exit(1);
	}
	p = mmap(NULL, 8 + s.longest, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(p != MAP_FAILED);
	close(fd);
	return p;
}

int
main(int argc, char **argv)
{
	struct timespec now;
	size_t tried = 0;
	time_t until;
	char *place;

	if (argc < 7) {
		fputs("usage: smoke SECONDS SEED LONGEST CURRENT DICTIONARY "
		    "FILE...\n", stderr);
		return 64;
	}
	s.chance = (strtoull(argv[2], NULL, 10) + 1) * 0x9e3779b97f4a7c15u;
	s.longest = strtoull(argv[3], NULL, 10);
	place = current(argv[4]);
	s.out = place + 8;
	input_give = keep;
	if (read_words(argv[5]) < 0 || inputs_read(argv + 6, argc - 6) < 0)
		return 1;
	keep("", "", 0);
	clock_gettime(CLOCK_MONOTONIC, &now);
	until = now.tv_sec + atoi(argv[1]);
	do {
		make();
		memcpy(place, &(uint64_t){ s.n }, 8);
		input_try(s.out, s.n);
		tried++;
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (now.tv_sec < until);
	for (size_t i = 0; i < s.n_inputs; i++)
		free(s.input[i].p);
	free(s.input);
	printf("%zu inputs\n", tried);
	return 0;
}
