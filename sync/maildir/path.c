/*
 * path.c — folder names as directories, and back; their tree is path_tree.c's.
 *
 * Escaping is a bijection: a path counts as a folder's only if printing its
 * names gives that path again.  So "%41" or a client's "100%" is nobody's path,
 * rather than a second path of "A" or a name that changes on the way.
 */
#include "maildir/path.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "maildir/fold.h"
#include "maildir/path_impl.h"

const char *const mpath_subs[MPATH_SUBS] = { "tmp", "new", "cur" };

/* In maildir++ the dot before "syncd-store" makes the store's marker. */
bool
mpath_reserved(enum layout layout, struct str name)
{
	if (layout == LAYOUT_MAILDIRPP)
		return str_eq(name, STR("syncd-store"));
	for (size_t i = 0; i < MPATH_SUBS; i++)
		if (str_eq(name, str_z(mpath_subs[i])))
			return true;
	return name.n > 0 && name.p[0] == '.';
}

static bool
is_unsafe(enum layout layout, unsigned char c)
{
	return c < 0x20 || c == 0x7f || c == '/' || c == '%' ||
	    (layout == LAYOUT_MAILDIRPP && c == '.');
}

/* -1 when it is longer than a file name may be. */
static int
escape(enum layout layout, struct str name, struct buf *out)
{
	size_t before = out->n;

	if (name.n == 0 && buf_add(out, "%", 1) != 0)
		return -1;
	for (size_t i = 0; i < name.n; i++) {
		unsigned char c = (unsigned char)name.p[i];
		int rc;

		if (is_unsafe(layout, c) || (i == 0 && mpath_reserved(layout, name)))
			rc = buf_fmt(out, "%%%02X", c);
		else
			rc = buf_add(out, &c, 1);
		if (rc != 0)
			return -1;
	}
	return out->n - before <= NAME_MAX ? 0 : -1;
}

/* INBOX has one spelling on disk, as it has one meaning (RFC 9051 section
 * 5.1); its children are named by the server. */
static bool
is_inbox(const struct str *names, size_t n)
{
	return n == 1 && str_ieq(names[0], STR("INBOX"));
}

char *
mpath_from_names(enum layout layout, const struct str *names, size_t n,
    struct err *err)
{
	CLEANUP(buf_clear) struct buf b;

	buf_init(&b, PATH_LEN_MAX + 8);
	if (n == 0 || n > PATH_DEPTH_MAX)
		goto refuse;
	if (is_inbox(names, n))
		return xstrdup(layout == LAYOUT_NESTED ? "INBOX" : ".");
	for (size_t i = 0; i < n; i++) {
		if (layout == LAYOUT_MAILDIRPP && buf_add(&b, ".", 1) != 0)
			goto refuse;
		if (layout == LAYOUT_NESTED && i > 0 && buf_add(&b, "/", 1) != 0)
			goto refuse;
		if (escape(layout, names[i], &b) != 0)
			goto refuse;
	}
	if (b.n > (layout == LAYOUT_NESTED ? PATH_LEN_MAX : NAME_MAX))
		goto refuse;
	return buf_steal(&b);
refuse:
	err_set(err, ERR_FOLDER, "store.name-too-long",
	    "folder \"%.*s\"%s: %zu levels, too long for a directory's name",
	    n > 0 ? (int)(names[0].n < 100 ? names[0].n : 100) : 0,
	    n > 0 && names[0].p != NULL ? names[0].p : "",
	    n > 1 ? "..." : "", n);
	return NULL;
}

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The name behind ${part}, to free(), and its length: it may hold NUL. */
static char *
unescape(struct str part, size_t *len)
{
	char *out = xmalloc(part.n + 1);
	size_t o = 0;

	for (size_t i = 0; i < part.n; i++) {
		int hi = -1, lo = -1;

		if (part.p[i] == '%' && i + 2 < part.n) {
			hi = hex(part.p[i + 1]);
			lo = hex(part.p[i + 2]);
		}
		if (hi >= 0 && lo >= 0) {
			out[o++] = (char)(hi << 4 | lo);
			i += 2;
		} else if (part.p[i] != '%' || part.n > 1)
			out[o++] = part.p[i];
	}
	out[o] = '\0';
	*len = o;
	return out;
}

int
mpath_to_names(enum layout layout, struct str path,
    char *names[PATH_DEPTH_MAX])
{
	struct str left = path, name[PATH_DEPTH_MAX] = { 0 };
	struct err ignored;
	char *again = NULL;
	bool same = false;
	size_t n = 0;

	if (layout == LAYOUT_MAILDIRPP) {
		if (str_eq(path, STR(".")))
			left = STR("INBOX");
		else if (!str_starts(path, STR(".")))
			return -1;
		else
			left = str_from(path, 1);
	}
	while (left.p != NULL && n < PATH_DEPTH_MAX) {
		struct str part = str_split(&left,
		    layout == LAYOUT_NESTED ? '/' : '.');

		names[n] = unescape(part, &name[n].n);
		name[n].p = names[n];
		n++;
	}
	if (left.p == NULL)
		again = mpath_from_names(layout, name, n, &ignored);
	same = again != NULL && str_eq(str_z(again), path);
	free(again);
	/* A C string cannot hold a NUL: such a name has a path, but no way back. */
	for (size_t i = 0; i < n; i++)
		same = same && strlen(names[i]) == name[i].n;
	if (same)
		return (int)n;
	while (n > 0)
		free(names[--n]);
	return -1;
}

bool
mpath_twins(struct str a, struct str b)
{
	return fold_same(a, b);
}

struct str
mpath_fold(struct str path)
{
	return fold_key(path);
}
