/*
 * export.c — `syncd export ACCOUNT[/FOLDER] --mbox | --tar`: mail out of the
 * Maildirs, on standard output.
 *
 * An mbox is mboxrd, oldest first: each line that begins with From behind any
 * number of > gets one > more, so that it can be undone exactly.  It has no place
 * for flags.  A tar has the files under their names, which do, and their dates;
 * it is written here, because ustar with a pax header for long names is less than
 * what a library would bring along.
 */
#include "cli/cli.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "config.h"
#include "maildir/dir.h"
#include "maildir/path.h"

enum { TAR_BLOCK = 512, TAR_NAME = 100, BLOCK = 1 << 16 };

struct export {
	const char	*path;		/* of the folder, below the root */
	int		 fd;
	bool		 tar;
};

struct item {
	const struct mfile	*file;
	struct mstat		 st;
};

/* ---- mboxrd ----------------------------------------------------------- */

struct quoting {
	bool	line_start;
	size_t	n;		/* bytes of "From " matched behind the > */
	size_t	marks;		/* > held back, they may be in front of it */
};

static void
put_marks(struct quoting *q)
{
	for (; q->marks > 0; q->marks--)
		putchar('>');
}

/* One byte; ">>>From " is held back until it is known to be that, or not. */
static void
put_quoted(struct quoting *q, char c)
{
	static const char from[] = "From ";

	if (q->line_start && q->n == 0 && c == '>') {
		q->marks++;
		return;
	}
	if (q->line_start && c == from[q->n]) {
		if (++q->n < sizeof(from) - 1)
			return;
		putchar('>');
		put_marks(q);
		fputs(from, stdout);
		q->line_start = false;
		q->n = 0;
		return;
	}
	put_marks(q);
	fwrite(from, 1, q->n, stdout);
	q->n = 0;
	putchar(c);
	q->line_start = c == '\n';
}

static void
end_quoted(struct quoting *q)
{
	bool whole = q->line_start && q->n == 0 && q->marks == 0;

	put_marks(q);
	fwrite("From ", 1, q->n, stdout);
	/* A message ends with a newline there, and an empty line follows. */
	fputs(whole ? "\n" : "\n\n", stdout);
}

static int
put_mbox(int in, const struct item *item)
{
	struct quoting q = { .line_start = true };
	time_t date = (time_t)item->st.mtime;
	char block[BLOCK], when[32];
	struct tm tm;
	ssize_t n;

	gmtime_r(&date, &tm);
	strftime(when, sizeof(when), "%a %b %e %H:%M:%S %Y", &tm);
	printf("From MAILER-DAEMON %s\n", when);
	while ((n = read(in, block, sizeof(block))) > 0)
		for (ssize_t i = 0; i < n; i++)
			put_quoted(&q, block[i]);
	end_quoted(&q);
	return n < 0 ? -1 : 0;
}

/* ---- tar -------------------------------------------------------------- */

static void
put_zeros(uint64_t n)
{
	for (; n > 0; n--)
		putchar('\0');
}

static uint64_t
to_block(uint64_t size)
{
	return (TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK;
}

/* POSIX.1-2008, pax, "ustar Interchange Format". */
static void
put_header(const char *name, char type, uint64_t size, int64_t date)
{
	char h[TAR_BLOCK] = { 0 };
	unsigned sum = 0;

	snprintf(h, TAR_NAME, "%s", name);
	snprintf(h + 100, 8, "%07o", 0600u);
	snprintf(h + 108, 8, "%07o", 0u);
	snprintf(h + 116, 8, "%07o", 0u);
	snprintf(h + 124, 12, "%011" PRIo64, size);
	snprintf(h + 136, 12, "%011" PRIo64,
	    (uint64_t)(date > 0 ? date : 0) & 077777777777);
	memset(h + 148, ' ', 8);
	h[156] = type;
	memcpy(h + 257, "ustar\0" "00", 8);
	for (size_t i = 0; i < sizeof(h); i++)
		sum += (unsigned char)h[i];
	snprintf(h + 148, 8, "%06o", sum);
	fwrite(h, 1, sizeof(h), stdout);
}

/* "LENGTH path=NAME\n", where LENGTH counts itself, before a long name. */
static void
put_long_name(const char *name)
{
	size_t rest = strlen(name) + sizeof(" path=\n") - 1, n = rest;
	char digits[24];

	for (size_t was = 0; n != was;) {
		was = n;
		n = rest + (size_t)snprintf(digits, sizeof(digits), "%zu", n);
	}
	put_header("././@PaxHeader", 'x', n, 0);
	printf("%s path=%s\n", digits, name);
	put_zeros(to_block(n));
}

static int
put_tar(int in, const struct export *e, const struct item *item)
{
	char *name = xasprintf("%s/%s/%s", e->path,
	    item->file->in_new ? "new" : "cur", item->file->name);
	char block[BLOCK];
	uint64_t left = item->st.size;
	ssize_t n = 1;

	if (strlen(name) >= TAR_NAME)
		put_long_name(name);
	put_header(name, '0', left, item->st.mtime);
	while (left > 0 && (n = read(in, block, left < sizeof(block) ?
	    (size_t)left : sizeof(block))) > 0) {
		fwrite(block, 1, (size_t)n, stdout);
		left -= (uint64_t)n;
	}
	/* Cut off while we read: the archive stays an archive. */
	put_zeros(left + to_block(item->st.size));
	free(name);
	return n < 0 || left > 0 ? -1 : 0;
}

/* ---- folders ---------------------------------------------------------- */

static int
by_date(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	if (x->st.mtime != y->st.mtime)
		return x->st.mtime < y->st.mtime ? -1 : 1;
	return strcmp(x->file->name, y->file->name);
}

static int
put_item(const struct export *e, const struct item *item, struct err *err)
{
	int in = mdir_open(e->fd, item->file->in_new, item->file->name, err), r;

	/* A mail program was faster: it is gone, or has another name. */
	if (in < 0)
		return err->errnum == ENOENT ? 0 : -1;
	r = e->tar ? put_tar(in, e, item) : put_mbox(in, item);
	close(in);
	return r == 0 ? 0 : err_sys(err, ERR_LOCAL, "store.io", "read %s/%s",
	    e->path, item->file->name);
}

static int
put_folder(const struct export *e, struct err *err)
{
	struct mlist list;
	struct item *item;
	size_t n = 0;
	int r = 0;

	if (mdir_list(e->fd, &list, err) < 0)
		return -1;
	item = xcalloc(list.n + 1, sizeof(*item));
	for (size_t i = 0; i < list.n && r == 0; i++) {
		item[n].file = &list.file[i];
		r = mdir_stat(e->fd, list.file[i].in_new, list.file[i].name,
		    &item[n].st, err);
		n += r > 0;
		r = r < 0 ? -1 : 0;
	}
	if (n > 1)
		qsort(item, n, sizeof(*item), by_date);
	for (size_t i = 0; i < n && r == 0; i++)
		r = put_item(e, &item[i], err);
	free(item);
	mlist_clear(&list);
	return r;
}

static int
export_path(int root, const char *path, bool tar, struct err *err)
{
	struct export e = { .path = path, .tar = tar,
	    .fd = mpath_open(root, str_z(path), err) };
	int r;

	if (e.fd < 0)
		return -1;
	r = put_folder(&e, err);
	close(e.fd);
	return r;
}

/* "A/B" as a directory. */
static char *
path_of(const struct account_conf *a, const char *folder, struct err *err)
{
	struct str part[PATH_DEPTH_MAX], rest = str_z(folder);
	size_t n = 0;

	while (rest.p != NULL && n < PATH_DEPTH_MAX)
		part[n++] = str_split(&rest, '/');
	return mpath_from_names((enum layout)a->layout, part, n, err);
}

static int
export_account(const struct cli *cli, const struct account_conf *a,
    const char *folder, struct err *err)
{
	int root = open(a->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = -1;
	char **path = NULL;
	size_t n = 0;

	if (root < 0)
		return err_sys(err, ERR_LOCAL, "store.io", "open %s", a->path);
	if (folder != NULL) {
		path = xcalloc(1, sizeof(*path));
		path[0] = path_of(a, folder, err);
		n = path[0] != NULL;
		r = n > 0 ? 0 : -1;
	} else {
		r = mpath_list(root, (enum layout)a->layout, &path, &n, err);
	}
	for (size_t i = 0; i < n; i++) {
		if (r == 0)
			r = export_path(root, path[i], cli->tar, err);
		free(path[i]);
	}
	free(path);
	close(root);
	if (r == 0 && cli->tar)
		put_zeros(2 * TAR_BLOCK);
	if (r == 0 && fflush(stdout) != 0)
		r = err_sys(err, ERR_LOCAL, "store.io", "write");
	return r;
}

int
verb_export(struct cli *cli)
{
	char *slash = strchr(cli->arg[0], '/');
	const char *folder = slash != NULL && slash[1] != '\0' ? slash + 1 : NULL;
	const struct account_conf *a = NULL;
	struct conf *conf;
	struct err err;
	int code = 0;

	if (cli->mbox == cli->tar || (cli->mbox && folder == NULL))
		return cli_fail(cli, EX_USAGE, "usage", "say --mbox, for one "
		    "folder, or --tar", "syncd help export");
	conf = cli_conf(cli, &code);
	if (conf == NULL)
		return code;
	if (slash != NULL)
		*slash = '\0';
	for (size_t i = 0; i < conf->n_accounts; i++)
		if (strcmp(conf->account[i].name, cli->arg[0]) == 0)
			a = &conf->account[i];
	if (a == NULL)
		code = cli_fail(cli, EX_NOINPUT, "target.unknown",
		    "there is no such account", "syncd config show");
	else if (export_account(cli, a, folder, &err) < 0)
		code = cli_fail_err(cli, &err, NULL);
	config_free(conf);
	return code;
}
