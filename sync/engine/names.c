/* names.c — a folder's name on the wire, for people, and on disk. */
#include "engine/names.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "engine/pattern.h"
#include "imap/mutf7.h"
#include "maildir/path.h"

enum { NAME_BYTES_MAX = 4000 };

static struct str
without_prefix(const struct account *acc, struct str wire)
{
	struct str prefix = str_z(imap_server(acc->work)->ns_prefix);

	if (prefix.n > 0 && str_istarts(wire, prefix) && wire.n > prefix.n)
		return str_from(wire, prefix.n);
	return wire;
}

/* One component as UTF-8; what is not valid modified UTF-7 stays as it is. */
static char *
decode_component(const struct account *acc, struct str raw)
{
	CLEANUP(buf_clear) struct buf utf8;

	buf_init(&utf8, NAME_BYTES_MAX);
	if (imap_server(acc->work)->utf8 || mutf7_decode(raw, &utf8) < 0)
		return str_dup(raw);
	return str_dup(buf_str(&utf8));
}

/* The components of a wire name, each to free(). */
static size_t
names_of_wire(const struct account *acc, struct str wire, char delim,
    char *names[PATH_DEPTH_MAX])
{
	size_t n = 0;

	if (str_ieq(wire, STR("INBOX"))) {
		names[0] = xstrdup("INBOX");
		return 1;
	}
	wire = without_prefix(acc, wire);
	while (wire.p != NULL && n < PATH_DEPTH_MAX) {
		struct str part = wire;

		if (delim != '\0' && n + 1 < PATH_DEPTH_MAX)
			part = str_split(&wire, delim);
		else
			wire = STR_NONE;
		if (part.n > 0)
			names[n++] = decode_component(acc, part);
	}
	return n;
}

static void
free_names(char *names[], size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(names[i]);
}

static char *
join(char *const names[], size_t n)
{
	CLEANUP(buf_clear) struct buf b;

	buf_init(&b, (size_t)PATH_DEPTH_MAX * NAME_BYTES_MAX);
	for (size_t i = 0; i < n; i++)
		must(buf_fmt(&b, "%s%s", i > 0 ? "/" : "", names[i]) == 0);
	return str_dup(buf_str(&b));
}

/* "A/B" as the server writes it. */
static char *
wire_of_names(const struct account *acc, char *const names[], size_t n,
    char delim)
{
	const struct imap_server *server = imap_server(acc->work);
	CLEANUP(buf_clear) struct buf b;

	buf_init(&b, NAME_BYTES_MAX);
	if (n > 1 && delim == '\0')
		return NULL;
	if (server->ns_prefix[0] != '\0' && !(n == 1 &&
	    str_ieq(str_z(names[0]), STR("INBOX"))) &&
	    buf_add_str(&b, str_z(server->ns_prefix)) < 0)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		struct str name = str_z(names[i]);

		if (str_find(name, delim) < name.n && delim != '\0')
			return NULL;
		if (i > 0 && buf_add(&b, &delim, 1) < 0)
			return NULL;
		if (server->utf8 ? buf_add_str(&b, name) < 0 :
		    mutf7_encode(name, &b) < 0)
			return NULL;
	}
	return str_dup(buf_str(&b));
}

/* What the user calls the folder: its wire name, decoded. */
void
names_show(struct account *acc, struct folder *f)
{
	char *names[PATH_DEPTH_MAX];
	size_t n = names_of_wire(acc, str_z(f->wire), f->delim, names);

	free(f->name);
	f->name = join(names, n);
	free_names(names, n);
}

/* "A/B" taken apart. */
static size_t
names_of_text(const char *text, char *names[PATH_DEPTH_MAX])
{
	struct str rest = str_z(text);
	size_t n = 0;

	while (rest.p != NULL && n < PATH_DEPTH_MAX) {
		struct str part = str_split(&rest, '/');

		if (part.n > 0)
			names[n++] = str_dup(part);
	}
	return n;
}

/* The directory of a folder that has none yet, from its name and the rename
 * map. */
int
names_place(struct account *acc, struct folder *f, struct err *err)
{
	char *names[PATH_DEPTH_MAX], *local;
	struct str parts[PATH_DEPTH_MAX];
	size_t n;

	names_show(acc, f);
	local = pattern_rename(&acc->conf->folders.rename, str_z(f->name));
	n = local != NULL ? names_of_text(local, names) :
	    names_of_wire(acc, str_z(f->wire), f->delim, names);
	free(local);
	for (size_t i = 0; i < n; i++)
		parts[i] = str_z(names[i]);
	free(f->path);
	f->path = mpath_from_names((enum layout)acc->conf->layout, parts, n, err);
	free_names(names, n);
	if (f->path != NULL)
		return 0;
	f->path = xstrdup("");
	return -1;
}

/* No delimiter is part of what modified UTF-7 writes otherwise. */
char *
names_respell(const struct account *acc, struct str wire)
{
	CLEANUP(buf_clear) struct buf b;
	int r;

	buf_init(&b, NAME_BYTES_MAX);
	r = imap_server(acc->work)->utf8 ? mutf7_encode(wire, &b) :
	    mutf7_decode(wire, &b);
	return r < 0 ? NULL : str_dup(buf_str(&b));
}

char *
names_to_wire(struct account *acc, const char *path)
{
	char *names[PATH_DEPTH_MAX], *wire = NULL, *local, *remote;
	char delim = imap_server(acc->work)->ns_delim;
	int n = mpath_to_names((enum layout)acc->conf->layout, str_z(path),
	    names);

	if (n <= 0)
		return NULL;
	for (size_t i = 0; delim == '\0' && i < acc->n_folders; i++)
		delim = acc->folder[i]->delim;
	local = join(names, (size_t)n);
	remote = pattern_rename_back(&acc->conf->folders.rename, str_z(local));
	if (remote != NULL) {
		free_names(names, (size_t)n);
		n = (int)names_of_text(remote, names);
		free(remote);
	}
	wire = wire_of_names(acc, names, (size_t)n, delim);
	free_names(names, (size_t)n);
	free(local);
	return wire;
}
