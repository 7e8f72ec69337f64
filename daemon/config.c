/*
 * config.c — finding and reading the files: search order, includes, caps.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "loader.h"
#include "plugin_conf.h"
#include "scalar.h"
#include "value.h"
#include "yaml_tree.h"

enum { FILES_MAX = 10000, INCLUDE_DEPTH_MAX = 32 };

/* A file on the way through its includes. */
struct document {
	struct source		*src;
	struct yaml		 yaml;
	char			*real;		/* NULL: no file, only a place */
	const struct document	*from;		/* who included it */
};

struct files {
	struct loader	*l;
	struct document	**doc;
	size_t		 n;
};

static int	read_document(struct files *, const char *path,
		    const struct document *from, const struct mark *at);

static struct source *
new_source(struct conf *conf, char *path)
{
	struct sources *all = conf->sources;
	struct source *src = xcalloc(1, sizeof(*src));

	src->path = path;
	all->v = xreallocarray(all->v, all->n + 1, sizeof(struct source *));
	all->v[all->n++] = src;
	return src;
}

static void
unreadable(struct files *f, const char *path, const struct mark *at)
{
	int code = errno;
	char *shown = diag_path(path);
	struct diag *d = diags_add(f->l->diags, DIAG_ERROR, code == ENOENT ?
	    "config.not-found" : "config.unreadable", at, "%s: %s", shown,
	    strerror(code));

	f->l->broken = true;
	if (code != ENOENT)
		diag_help(d, "look at its owner and mode: ls -l %s", shown);
	if (at != NULL)
		diag_caret(d, "names are relative to this file");
	else if (code == ENOENT)
		diag_help(d, "syncd config path    shows where a file is looked"
		    " for");
	free(shown);
}

static void
check_mode(struct files *f, const struct source *src, mode_t mode)
{
	struct mark at = { .src = src };
	char *path;

	if ((mode & (S_IWGRP | S_IWOTH)) == 0)
		return;
	struct diag *d = diags_add(f->l->diags, DIAG_WARNING,
	    "config.permissions", &at, "others may write to this file, and the"
	    " commands in it run as you");
	path = diag_path(src->path);
	diag_help(d, "chmod go-w %s", path);
	free(path);
}

/* The bytes of the file, at most one more than is allowed. */
static int
slurp(int fd, struct source *src)
{
	const size_t cap = YAML_BYTES_MAX + 1;

	src->text = xmalloc(cap + 1);
	while (src->n < cap) {
		ssize_t n = read(fd, src->text + src->n, cap - src->n);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		if (n == 0)
			break;
		src->n += (size_t)n;
	}
	src->text = xreallocarray(src->text, src->n + 1, 1);
	src->text[src->n] = '\0';
	/* A byte order mark would shift the columns of line one. */
	if (src->n >= 3 && memcmp(src->text, "\xef\xbb\xbf", 3) == 0) {
		src->n -= 3;
		memmove(src->text, src->text + 3, src->n + 1);
	}
	return 0;
}

static struct source *
read_source(struct files *f, const char *path, const struct mark *at)
{
	struct source *src;
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int rc = fd != -1 ? fstat(fd, &st) : -1;

	if (rc == 0 && !S_ISREG(st.st_mode)) {
		errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
		rc = -1;
	}
	src = rc == 0 ? new_source(f->l->conf, xstrdup(path)) : NULL;
	if (rc == 0)
		rc = slurp(fd, src);
	if (rc != 0)
		unreadable(f, path, at);
	else
		check_mode(f, src, st.st_mode);
	if (fd != -1)
		close(fd);
	return rc == 0 ? src : NULL;
}

/* A file that includes itself is a mistake; one that two others include is read
 * once. */
static bool
is_new(struct files *f, const char *real, const struct document *from,
    const struct mark *at)
{
	unsigned depth = 0;

	for (const struct document *d = from; d != NULL; d = d->from, depth++) {
		if (d->real == NULL || strcmp(d->real, real) != 0)
			continue;
		char *path = diag_path(from->src->path);
		diag_caret(diags_add(f->l->diags, DIAG_ERROR,
		    "config.include-loop", at, "the file includes itself"),
		    "by way of %s", path);
		free(path);
		return false;
	}
	for (size_t i = 0; i < f->n; i++) {
		if (f->doc[i]->real != NULL && strcmp(f->doc[i]->real, real) == 0)
			return false;
	}
	if (depth < INCLUDE_DEPTH_MAX && f->n < FILES_MAX)
		return true;
	diag_help(diags_add(f->l->diags, DIAG_ERROR, "config.too-big", at,
	    "too many files include each other"),
	    "take one of the `include` lines out");
	return false;
}

static struct document *
new_document(struct files *f, struct source *src, char *real,
    const struct document *from)
{
	struct document *d = xcalloc(1, sizeof(*d));

	d->src = src;
	d->real = real;
	d->from = from;
	f->doc = xreallocarray(f->doc, f->n + 1, sizeof(struct document *));
	f->doc[f->n++] = d;
	return d;
}

/* Read what ${pattern} names; only a name without wildcards must exist. */
static void
read_pattern(struct files *f, const struct document *d, const char *pattern,
    const struct mark *at)
{
	glob_t g;

	if (strpbrk(pattern, "*?[") == NULL) {
		(void)read_document(f, pattern, d, at);
		return;
	}
	if (glob(pattern, 0, NULL, &g) == 0) {
		for (size_t i = 0; i < g.gl_pathc; i++)
			(void)read_document(f, g.gl_pathv[i], d, at);
		globfree(&g);
	}
}

static char *
beside(const struct source *src, const char *text)
{
	char *dir = xstrdup(src->path);
	char missing[SCALAR_TEXT_MAX];

	*strrchr(dir, '/') = '\0';
	char *expanded = scalar_expand(text, missing);
	char *path = scalar_path(expanded != NULL ? expanded : text, dir);
	free(expanded);
	free(dir);
	return path;
}

static void
read_includes(struct files *f, const struct document *d)
{
	const struct node *n = node_get(d->yaml.root, "include");
	const struct node *const *items = n != NULL && n->kind == NODE_LIST ?
	    (const struct node *const *)n->item : &n;
	size_t count = n != NULL && n->kind == NODE_LIST ? n->n : n != NULL;

	if (n == NULL && d->from == NULL) {
		char *pattern = beside(d->src, "accounts.d/*.yaml");

		read_pattern(f, d, pattern, NULL);
		free(pattern);
	}
	for (size_t i = 0; i < count; i++) {
		/* Anything but text is diagnosed by its type, later. */
		if (items[i]->kind != NODE_SCALAR || items[i]->bad ||
		    node_is_null(items[i]))
			continue;
		char *pattern = beside(d->src, items[i]->text);
		read_pattern(f, d, pattern, &items[i]->at);
		free(pattern);
	}
}

static int
read_document(struct files *f, const char *path, const struct document *from,
    const struct mark *at)
{
	char *real = realpath(path, NULL);

	if (real != NULL && !is_new(f, real, from, at)) {
		free(real);
		return 0;
	}
	struct source *src = read_source(f, path, at);
	if (src == NULL) {
		free(real);
		return -1;
	}
	strlist_add(&f->l->conf->files, path);
	struct document *d = new_document(f, src, real, from);
	if (yaml_read(&d->yaml, src, f->l->diags) == -1)
		f->l->broken = true;
	read_includes(f, d);
	return 0;
}

/* The file of ${dir}, or accounts.d alone: then "syncd.yaml" is only a place. */
static bool
try_dir(struct files *f, const char *dir)
{
	char *path = xasprintf("%s/syncd.yaml", dir);
	char *pattern = xasprintf("%s/accounts.d/*.yaml", dir);
	bool found = access(path, F_OK) == 0;
	glob_t g;

	if (found) {
		(void)read_document(f, path, NULL, NULL);
	} else if (glob(pattern, 0, NULL, &g) == 0) {
		globfree(&g);
		found = true;
		struct source *src = new_source(f->l->conf, xstrdup(path));
		read_includes(f, new_document(f, src, NULL, NULL));
	}
	free(pattern);
	free(path);
	return found;
}

static void
search(struct files *f)
{
	const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	char *dir = NULL;

	if (xdg != NULL && xdg[0] == '/')
		dir = xasprintf("%s/syncd", xdg);
	else if (home != NULL && home[0] == '/')
		dir = xasprintf("%s/.config/syncd", home);
	if ((dir == NULL || !try_dir(f, dir)) && !try_dir(f, "/etc/syncd")) {
		struct diag *d = diags_add(f->l->diags, DIAG_ERROR,
		    "config.not-found", NULL, "there is no configuration yet");

		if (dir != NULL) {
			char *shown = diag_path(dir);

			diag_note(d, "looked for %s/syncd.yaml and %s/accounts.d/"
			    "*.yaml", shown, shown);
			free(shown);
		}
		diag_note(d, "looked for /etc/syncd/syncd.yaml");
		diag_help(d, "an annotated sample: /usr/share/doc/syncd/"
		    "syncd.yaml.example");
		f->l->broken = true;
	}
	free(dir);
}

static void
read_named(struct files *f, const char *file)
{
	char cwd[PATH_MAX];

	if (getcwd(cwd, sizeof(cwd)) == NULL)
		cwd[0] = '\0';
	char *path = scalar_path(file, cwd);
	(void)read_document(f, path, NULL, NULL);
	free(path);
}

static void
set_defaults(struct loader *l)
{
	for (size_t i = 0; i < n_options; i++) {
		void *base = option_of_account(&options[i]) ? (void *)&l->base :
		    (void *)l->conf;

		if (!option_of_plugin(&options[i]) &&
		    !option_of_react(&options[i]))
			value_default(&options[i], base);
	}
	l->base.origins = xcalloc(1, sizeof(*l->base.origins));
	l->conf->origins = xcalloc(1, sizeof(*l->conf->origins));
}

/* Trees and texts are of no use any more; the places of values remain. */
static void
drop_trees(struct files *f)
{
	struct sources *all = f->l->conf->sources;

	for (size_t i = 0; i < f->n; i++) {
		yaml_clear(&f->doc[i]->yaml);
		free(f->doc[i]->real);
		free(f->doc[i]);
	}
	free(f->doc);
	for (size_t i = 0; i < all->n; i++) {
		free(all->v[i]->text);
		all->v[i]->text = NULL;
	}
}

struct conf *
config_load(const char *file, struct diags *diags)
{
	struct loader l = { .diags = diags };
	struct files f = { .l = &l };
	size_t errors = diags->n_errors;

	l.conf = xcalloc(1, sizeof(*l.conf));
	l.conf->sources = xcalloc(1, sizeof(*l.conf->sources));
	set_defaults(&l);
	if (file == NULL)
		file = getenv("SYNCD_CONFIG");
	if (file != NULL && *file != '\0')
		read_named(&f, file);
	else
		search(&f);
	for (size_t i = 0; i < f.n; i++)
		config_tree_top(&l, f.doc[i]->yaml.root);
	config_tree_accounts(&l);
	plugin_conf_share(l.conf);
	config_check_all(&l);
	diags_sort(diags);

	drop_trees(&f);
	free(l.account);
	options_clear_account(&l.base);
	origins_free(l.base.origins);
	if (diags->n_errors == errors)
		return l.conf;
	config_free(l.conf);
	return NULL;
}

void
config_free(struct conf *conf)
{
	if (conf == NULL)
		return;
	for (size_t i = 0; i < conf->n_accounts; i++) {
		options_clear_account(&conf->account[i]);
		origins_free(conf->account[i].origins);
		free(conf->account[i].name);
	}
	free(conf->account);
	options_clear_top(conf);
	origins_free(conf->origins);
	for (size_t i = 0; i < conf->sources->n; i++) {
		free(conf->sources->v[i]->path);
		free(conf->sources->v[i]->text);
		free(conf->sources->v[i]);
	}
	free(conf->sources->v);
	free(conf->sources);
	strlist_clear(&conf->files);
	free(conf);
}
