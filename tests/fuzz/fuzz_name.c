/*
 * fuzz_name.c — any bytes as the name of a mailbox: to UTF-8, to a directory, and
 * back.  Nothing is lost, two names are never one directory, and none leads out of
 * the tree.  The first byte chooses the layout; '/' is the delimiter.
 */
#include "fuzz.h"

#include "engine/pattern.h"
#include "imap/mutf7.h"
#include "maildir/path.h"

static void
free_all(char *names[], int n)
{
	for (int i = 0; i < n; i++)
		free(names[i]);
}

/* No component that is "..", nothing hidden in a nested tree, no "//". */
static void
check_inside(enum layout layout, const char *path)
{
	struct str rest = str_z(path);

	must(path[0] != '/' && path[0] != '\0');
	must(layout != LAYOUT_MAILDIRPP || strchr(path, '/') == NULL);
	if (strcmp(path, ".") == 0 && layout == LAYOUT_MAILDIRPP)
		return;
	while (rest.p != NULL) {
		struct str part = str_split(&rest, '/');

		must(part.n > 0 && part.n <= 255);
		must(!str_eq(part, STR("..")) && !str_eq(part, STR(".")));
		must(layout == LAYOUT_MAILDIRPP || part.p[0] != '.');
		must(!str_eq(part, STR("cur")) && !str_eq(part, STR("new")) &&
		    !str_eq(part, STR("tmp")));
		for (size_t i = 0; i < part.n; i++)
			must((unsigned char)part.p[i] >= 0x20);
	}
}

static void
check_names(enum layout layout, const struct str *names, size_t n)
{
	char *back[PATH_DEPTH_MAX];
	struct err err;
	char *path = mpath_from_names(layout, names, n, &err);
	int got;

	if (path == NULL) {
		must(strcmp(err.code, "store.name-too-long") == 0);
		return;
	}
	check_inside(layout, path);
	got = mpath_to_names(layout, str_z(path), back);
	must(got == (int)n);
	for (size_t i = 0; i < n; i++)
		must(str_eq(str_z(back[i]), names[i]) ||
		    (n == 1 && str_ieq(names[i], STR("INBOX")) &&
		    strcmp(back[i], "INBOX") == 0));
	free_all(back, got);
	free(path);
}

/* The bytes as a directory that a client may have made. */
static void
check_path(enum layout layout, struct str path)
{
	char *names[PATH_DEPTH_MAX], *again;
	struct str parts[PATH_DEPTH_MAX];
	struct err err;
	int n = mpath_to_names(layout, path, names);

	if (n <= 0)
		return;
	for (int i = 0; i < n; i++)
		parts[i] = str_z(names[i]);
	again = mpath_from_names(layout, parts, (size_t)n, &err);
	must(again != NULL && str_eq(str_z(again), path));
	free(again);
	free_all(names, n);
}

/* What decodes, encodes to the same, and the other way round. */
static void
check_wire(struct str in)
{
	CLEANUP(buf_clear) struct buf a;
	CLEANUP(buf_clear) struct buf b;

	buf_init(&a, 1 << 16);
	buf_init(&b, 1 << 17);
	if (mutf7_decode(in, &a) == 0) {
		/* It becomes a string and a path. */
		must(memchr(in.p, '\0', in.n) != NULL ||
		    memchr(a.p, '\0', a.n) == NULL);
		must(mutf7_encode(buf_str(&a), &b) == 0);
		must(str_eq(buf_str(&b), in));
	}
	buf_reset(&a);
	buf_reset(&b);
	if (mutf7_encode(in, &a) == 0) {
		must(mutf7_decode(buf_str(&a), &b) == 0);
		must(str_eq(buf_str(&b), in));
	}
}

static void
check_pattern(struct str pattern, struct str name)
{
	must(pattern_glob(STR("**"), name));
	must(mpath_twins(name, name));
	must(mpath_twins(pattern, name) == mpath_twins(name, pattern));
	(void)pattern_glob(pattern, name);
	(void)pattern_folder(pattern, name, 1 << 2);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str in = { (const char *)p, n }, names[PATH_DEPTH_MAX], rest, first;
	enum layout layout = fuzz_byte(&in) & 1 ? LAYOUT_MAILDIRPP :
	    LAYOUT_NESTED;
	size_t count = 0;

	if (in.n == 0 || in.n > 4096)
		return 0;
	check_wire(in);
	rest = in;
	first = str_split(&rest, '\0');
	if (rest.p != NULL)
		check_pattern(first, rest);
	if (memchr(in.p, '\0', in.n) != NULL)
		return 0;
	check_path(layout, in);
	/* A server without a delimiter may have it in a name. */
	check_names(layout, &in, 1);
	for (rest = in; rest.p != NULL && count < PATH_DEPTH_MAX; count++)
		names[count] = str_split(&rest, '/');
	check_names(layout, names, count);
	return 0;
}
