/* name.c — file names in cur/ and new/, taken apart and put together. */
#include "maildir/name.h"

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

/* The info part begins at the first ":2,", as notmuch has it; what another kind
 * of info says (":1,") belongs to the base and so is kept. */
static size_t
info_at(struct str file)
{
	for (size_t i = 0; i < file.n; i++)
		if (str_starts(str_from(file, i), STR(":2,")))
			return i;
	return file.n;
}

bool
mname_parse(struct str file, struct mname *out)
{
	size_t comma = str_find(file, ','), colon = str_find(file, ':');
	size_t info = info_at(file), end;
	struct str flags;

	*out = (struct mname){ 0 };
	out->unique = str_head(file, comma < colon ? comma : colon);
	if (out->unique.n == 0 || file.p[0] == '.')
		return false;
	out->base = str_head(file, info);
	out->has_info = info < file.n;
	if (!out->has_info)
		return true;
	flags = str_from(file, info + 3);
	end = str_find(flags, ',');
	out->letters = str_head(flags, end);
	out->rest = str_from(flags, end);
	return true;
}

/* The host as the Maildir page wants it: without what would end the unique name
 * or leave the directory. */
static const char *
host(void)
{
	static char out[41];
	char name[HOST_NAME_MAX + 1] = "";
	size_t n = 0;

	if (out[0] != '\0')
		return out;
	if (gethostname(name, sizeof(name) - 1) != 0 || name[0] == '\0')
		snprintf(name, sizeof(name), "localhost");
	for (const char *p = name; *p != '\0' && n + 4 < sizeof(out); p++) {
		unsigned char c = (unsigned char)*p;

		if (c <= ' ' || c >= 0x7f || strchr("/:,\\", c) != NULL)
			n += (size_t)snprintf(out + n, sizeof(out) - n,
			    "\\%03o", c);
		else
			out[n++] = *p;
	}
	out[n] = '\0';
	return out;
}

void
mname_unique(char *out)
{
	static uint32_t seq;
	int64_t now = clock_wall();
	int n;

	/* The number alone tells two names of this process apart, even when the
	 * clock is set back. */
	n = snprintf(out, MNAME_UNIQUE_MAX, "%lld.M%lldP%dQ%u.%s",
	    (long long)(now / 1000000), (long long)(now % 1000000),
	    (int)getpid(), ++seq, host());
	must(n > 0 && n < MNAME_UNIQUE_MAX);
}

/* The letters of ${s} in order, each once; returns how many. */
static size_t
sort_letters(struct str s, char *out)
{
	bool has[UCHAR_MAX + 1] = { false };
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		has[(unsigned char)s.p[i]] = true;
	for (size_t c = 1; c <= UCHAR_MAX; c++)
		if (has[c])
			out[n++] = (char)c;
	return n;
}

int
mname_print(char out[MNAME_MAX], struct str base, struct str letters,
    struct str rest, bool in_new)
{
	char sorted[UCHAR_MAX];
	size_t n = sort_letters(letters, sorted);
	int len;

	if (in_new && n == 0 && rest.n == 0)
		len = snprintf(out, MNAME_MAX, "%.*s", STR_ARG(base));
	else
		len = snprintf(out, MNAME_MAX, "%.*s:2,%.*s%.*s", STR_ARG(base),
		    (int)n, sorted, STR_ARG(rest));
	if (len <= 0 || len > NAME_MAX || strchr(out, '/') != NULL)
		return -1;
	return 0;
}
