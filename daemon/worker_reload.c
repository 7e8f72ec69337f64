/*
 * worker_reload.c — script files that somebody writes to.  Called by the worker
 * between rounds; waits for the disk only.
 *
 * A directory is watched, for editors put a new file in the place of the old one.
 * What is beside a script may be what it requires: when such a file changes, all
 * scripts of the directory are loaded anew.
 */
#include "worker_reload.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "engine/hooks.h"
#include "maildir/watch.h"

static const usec quiet = USEC_MS(200);

/* What tells one version of a file from another. */
struct mark {
	int64_t		mtime;
	uint64_t	size, ino;
};

struct one {
	const struct plugin_conf *conf;
	char			*dir;
	DIR			*open;		/* since before the sandbox; or NULL */
	struct mark		 script;
	struct mark		 beside;	/* the other files, summed up */
};

struct reload {
	struct account	*acc;
	struct watch	*watch;
	struct one	*one;
	size_t		 n;
	bool		 due;
};

static struct mark
mark_of(const struct stat *st)
{
	return (struct mark){ st->st_mtim.tv_sec * 1000000000LL +
	    st->st_mtim.tv_nsec, (uint64_t)st->st_size, st->st_ino };
}

static bool
same(const struct mark *a, const struct mark *b)
{
	return a->mtime == b->mtime && a->size == b->size && a->ino == b->ino;
}

/* Is ${path} the script of somebody: then it is nobody's module. */
static bool
is_script(const struct reload *r, const char *path)
{
	for (size_t i = 0; i < r->n; i++)
		if (strcmp(r->one[i].conf->script, path) == 0)
			return true;
	return false;
}

static bool
is_lua(const char *name)
{
	size_t n = strlen(name);

	return n > 4 && name[0] != '.' && strcmp(name + n - 4, ".lua") == 0;
}

static struct mark
mark_beside(const struct reload *r, const struct one *one)
{
	struct mark sum = { 0 };
	struct dirent *e;

	if (one->open != NULL)
		rewinddir(one->open);
	while (one->open != NULL && (e = readdir(one->open)) != NULL) {
		char *path;
		struct stat st;

		if (!is_lua(e->d_name))
			continue;
		path = xasprintf("%s/%s", one->dir, e->d_name);
		if (!is_script(r, path) && stat(path, &st) == 0) {
			struct mark m = mark_of(&st);

			sum.mtime ^= m.mtime;
			sum.size += m.size;
			sum.ino ^= m.ino;
		}
		free(path);
	}
	return sum;
}

/* Has anything of that script changed since it was last looked at?  A file that is
 * away is one that is being replaced. */
static bool
changed(const struct reload *r, struct one *one)
{
	struct mark script = one->script, beside;
	struct stat st;
	bool is;

	if (stat(one->conf->script, &st) == 0)
		script = mark_of(&st);
	beside = mark_beside(r, one);
	is = !same(&script, &one->script) || !same(&beside, &one->beside);
	one->script = script;
	one->beside = beside;
	return is;
}

static char *
dir_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	struct str dir = str_z(path);

	dir.n = slash != NULL && slash > path ? (size_t)(slash - path) : 1;
	return str_dup(dir);
}

struct reload *
reload_new(struct account *acc)
{
	const struct account_conf *conf = acc->conf;
	struct reload *r;
	struct err err;

	if (conf->n_plugins == 0)
		return NULL;
	r = xcalloc(1, sizeof(*r));
	r->acc = acc;
	r->watch = watch_new(&err);
	if (r->watch == NULL) {
		log_warn("scripts are not watched: %s", err.text);
		free(r);
		return NULL;
	}
	r->one = xcalloc(conf->n_plugins, sizeof(*r->one));
	for (; r->n < conf->n_plugins; r->n++) {
		struct one *one = &r->one[r->n];

		one->conf = &conf->plugin[r->n];
		one->dir = dir_of(one->conf->script);
		one->open = opendir(one->dir);
		if (watch_files(r->watch, one->dir, &err) < 0)
			log_warn("scripts are not watched: %s", err.text);
	}
	for (size_t i = 0; i < r->n; i++)
		(void)changed(r, &r->one[i]);
	return r;
}

void
reload_free(struct reload *r)
{
	if (r == NULL)
		return;
	watch_free(r->watch);
	for (size_t i = 0; i < r->n; i++) {
		if (r->one[i].open != NULL)
			closedir(r->one[i].open);
		free(r->one[i].dir);
	}
	free(r->one);
	free(r);
}

struct waiter
reload_waiter(const struct reload *r)
{
	return (struct waiter){ .fd = r != NULL ? watch_fd(r->watch) : -1,
	    .want = WAIT_READ };
}

usec
reload_deadline(const struct reload *r)
{
	return r != NULL && r->due ? watch_last(r->watch) + quiet : USEC_NEVER;
}

void
reload_run(struct reload *r)
{
	struct watch_event ev;
	struct err err;

	if (r == NULL)
		return;
	if (watch_read(r->watch, &err) < 0)
		log_warn("scripts: %s", err.text);
	while (watch_take(r->watch, &ev))
		r->due = true;
	if (clock_now() < reload_deadline(r))
		return;
	r->due = false;
	for (size_t i = 0; i < r->n; i++) {
		if (!changed(r, &r->one[i]))
			continue;
		log_info("%s has changed: loading it", r->one[i].conf->script);
		hooks_reload(r->acc, r->one[i].conf->name);
	}
}
