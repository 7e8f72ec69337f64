/* across.c — a message into another account's Maildir. */
#include "across.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/sandbox.h"
#include "engine/account.h"
#include "engine/list.h"
#include "engine/pattern.h"
#include "maildir/deliver.h"
#include "maildir/dir.h"
#include "maildir/keywords.h"
#include "maildir/name.h"
#include "maildir/path.h"
#include "store/store.h"

/* argv, behind "syncd across". */
enum { ARG_ROOT = 2, ARG_STATE, ARG_LAYOUT, ARG_MAKE, ARG_MAILBOX, ARG_NAME,
    ARG_DATE, ARG_LETTERS, ARG_AGAIN, ARG_KEYWORDS };

/* ---- in the parent ---------------------------------------------------- */

/* Mail that is put there must be wanted on its server, too. */
static const char *
objection(const struct account_conf *to, struct str mailbox)
{
	struct policy policy = pattern_policy(to, mailbox, 0);

	if (to->path == NULL || !to->enabled)
		return "that account is not in use";
	if (to->protocol == PROTOCOL_IMAP && (policy.readonly ||
	    (policy.push & POLICY_NEW) == 0))
		return "by its policy that account sends no new mail to its "
		    "server";
	return NULL;
}

const char *
across_argv(const struct account_conf *to, const char *state_dir,
    const struct across_wish *wish, struct strlist *argv)
{
	struct str mailbox = str_z(wish->mailbox);
	const char *why = objection(to, mailbox);
	char *state, layout[12];
	bool make = to->protocol == PROTOCOL_POP3 || (to->folders.create_remote &&
	    pattern_selects(&to->folders.sync, mailbox, 0));

	if (why != NULL)
		return why;
	state = xasprintf("%s/%s.db", state_dir, to->name);
	snprintf(layout, sizeof(layout), "%d", to->layout);
	const char *const words[] = { "/proc/self/exe", "across", to->path,
	    state, layout, make ? "make" : "", wish->mailbox, wish->name,
	    wish->date, wish->letters, wish->again ? "again" : "" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		strlist_add(argv, words[i]);
	for (size_t i = 0; i < wish->n_keywords &&
	    to->keywords == KEYWORDS_DOVECOT; i++)
		strlist_add(argv, wish->keyword[i]);
	free(state);
	return NULL;
}

/* ---- the process ------------------------------------------------------ */

struct across {
	char		**arg;
	int		 n_args;
	int		 root;
	enum layout	 layout;
	struct store	*store;
	char		*path;		/* of the folder, below the root */
	int		 fd;
	struct landing	 landing;
	char		 base[MNAME_MAX];
};

static int
later(const struct err *err)
{
	fprintf(stderr, "%s\n", err->text);
	return EX_TEMPFAIL;
}

static int
never(const char *why)
{
	fprintf(stderr, "%s\n", why);
	return EX_UNAVAILABLE;
}

/* The tree is there, and is the one that its account left. */
static int
open_tree(struct across *a)
{
	struct err err = { .text = "" };

	a->root = open(a->arg[ARG_ROOT], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (a->root < 0 || faccessat(a->root, ACCOUNT_MARKER, F_OK, 0) < 0) {
		fprintf(stderr, "its Maildir is not there, or was never synced\n");
		return EX_TEMPFAIL;
	}
	a->store = store_open_reader(a->arg[ARG_STATE], &err);
	return a->store != NULL ? 0 : later(&err);
}

/* Which folder: by its name, by its role, or a new one.  0, or an exit code. */
static int
choose_folder(struct across *a)
{
	struct str part[PATH_DEPTH_MAX], rest = str_z(a->arg[ARG_MAILBOX]);
	unsigned role = list_use(str_z(a->arg[ARG_MAILBOX]));
	char *named, *by_role = NULL;
	bool known = false, twin = false;
	struct folder_row row;
	struct err err = { .text = "" };
	int64_t at = 0;
	size_t n = 0;

	while (rest.p != NULL && n < PATH_DEPTH_MAX)
		part[n++] = str_split(&rest, '/');
	if (n == 1 && str_ieq(part[0], STR("INBOX")))
		part[0] = STR("INBOX");
	named = mpath_from_names(a->layout, part, n, &err);
	if (named == NULL)
		return never("its name cannot be a directory's");
	while (store_folder_next(a->store, &at, &row, &err)) {
		if (str_eq(row.path, str_z(named)))
			known = true;
		else if (mpath_twins(row.path, str_z(named)))
			twin = true;
		if (role != 0 && (row.attrs & role) != 0 && by_role == NULL)
			by_role = str_dup(row.path);
	}
	a->path = known || by_role == NULL ? xstrdup(named) : xstrdup(by_role);
	known = known || by_role != NULL;
	free(named);
	free(by_role);
	if (err.class != ERR_NONE)
		return later(&err);
	if (!known && twin)
		return never("another folder there has nearly the same name");
	if (!known && a->arg[ARG_MAKE][0] == '\0')
		return never("that mailbox does not exist, and the account's "
		    "configuration does not let it be made");
	return 0;
}

static int
open_folder(struct across *a)
{
	struct err err = { .text = "" };

	if (mpath_create(a->root, a->layout, str_z(a->path), &err) < 0 ||
	    (a->fd = mpath_open(a->root, str_z(a->path), &err)) < 0)
		return later(&err);
	return 0;
}

/* From stdin to tmp/, and how it will be called. */
static int
receive(struct across *a)
{
	struct deliver *d = deliver_new();
	struct err err = { .text = "it cannot be read" };
	char part[16384];
	uint64_t date = 0;
	off_t at = 0;
	ssize_t n = -1;
	int r;

	if (!num_u64(str_z(a->arg[ARG_DATE]), 0, INT64_MAX, &date))
		date = 0;
	r = deliver_begin(d, a->fd, &err);
	while (r == 0 && (n = pread(STDIN_FILENO, part, sizeof(part), at)) > 0) {
		r = deliver_data(d, (struct str){ part, (size_t)n }, &err);
		at += n;
	}
	if (r == 0 && n < 0)
		r = -1;
	if (r == 0)
		r = deliver_end(d, (int64_t)date, &a->landing, &err);
	deliver_free(d);
	if (r < 0)
		return later(&err);
	snprintf(a->base, sizeof(a->base), "%sH%02x%02x%02x%02x%02x%02x.syncd",
	    a->arg[ARG_NAME], a->landing.id.all.b[0], a->landing.id.all.b[1],
	    a->landing.id.all.b[2], a->landing.id.all.b[3],
	    a->landing.id.all.b[4], a->landing.id.all.b[5]);
	return 0;
}

/* 1, 0, -1: whatever flags it shows by now. */
static int
is_in(const struct across *a, int fd, struct err *err)
{
	struct mlist files;
	bool hit = false;

	if (mdir_list(fd, &files, err) < 0)
		return -1;
	for (size_t i = 0; i < files.n && !hit; i++) {
		struct mname name;

		hit = mname_parse(str_z(files.file[i].name), &name) &&
		    str_eq(name.unique, str_z(a->base));
	}
	mlist_clear(&files);
	return hit;
}

/* Is it there from an earlier try, if only a moment ago?  Then somebody may have
 * moved it already.  1, 0, -1. */
static int
is_there(const struct across *a, struct err *err)
{
	struct folder_row row;
	int64_t at = 0;
	int hit = is_in(a, a->fd, err);

	err->class = ERR_NONE;
	while (hit == 0 && a->arg[ARG_AGAIN][0] != '\0' &&
	    store_folder_next(a->store, &at, &row, err)) {
		int fd = mpath_open(a->root, row.path, err);

		/* One that was removed has nothing. */
		if (fd < 0)
			continue;
		hit = is_in(a, fd, err);
		close(fd);
	}
	return hit;
}

/* The letters of its flags and keywords. */
static int
letters_of(const struct across *a, char out[64], struct err *err)
{
	struct kwfile kw = { .dirty = false };
	struct kwtab tab = { .n = 0 };
	uint64_t bits = 0;
	char more[27] = "";
	int r;

	for (int i = ARG_KEYWORDS; i < a->n_args; i++) {
		int bit = kwtab_bit(&tab, str_z(a->arg[i]));

		if (bit >= 0)
			bits |= (uint64_t)1 << bit;
	}
	r = bits != 0 ? kwfile_read(a->fd, &kw, err) : 0;
	if (r == 0 && bits != 0) {
		(void)kwfile_to_letters(&kw, bits, &tab, more);
		r = kwfile_write(a->fd, &kw, err);
		(void)kwfile_to_letters(&kw, bits, &tab, more);
	}
	snprintf(out, 64, "%.16s%s", a->arg[ARG_LETTERS], more);
	kwfile_clear(&kw);
	kwtab_clear(&tab);
	return r;
}

static int
place(struct across *a, struct err *err)
{
	char letters[64], file[MNAME_MAX];
	bool in_new;

	if (deliver_sync(&a->landing, 1, err) < 0 ||
	    letters_of(a, letters, err) < 0)
		return -1;
	in_new = letters[0] == '\0';
	if (mname_print(file, str_z(a->base), str_z(letters), STR_NONE, in_new) <
	    0)
		return err_set(err, ERR_MSG, "store.name-too-long",
		    "its name would be too long");
	return deliver_place(a->fd, a->landing.unique, a->fd, file, in_new,
	    err) < 0 ? -1 : mdir_sync(a->fd, err);
}

static int
put(struct across *a)
{
	struct err err = { .text = "" };
	int r = receive(a), got;

	if (r != 0)
		return r;
	got = is_there(a, &err);
	if (got == 0 && place(a, &err) == 0)
		return 0;
	deliver_drop(&a->landing);
	return got > 0 ? 0 : later(&err);
}

static void
enter_sandbox(const char *root, const char *state)
{
	const char *slash = strrchr(state, '/');
	char *dir = xasprintf("%.*s", (int)(slash != NULL ? slash - state : 0),
	    state);
	const struct sandbox_path path[] = { { root, true }, { dir, true } };

	/* What is missing was said by the workers. */
	(void)sandbox_enter(SANDBOX_WORKER, path, ARRAY_LEN(path), 0);
	free(dir);
}

int
across_main(int argc, char **argv)
{
	struct across a = { .arg = argv, .n_args = argc, .root = -1, .fd = -1 };
	int r;

	if (argc < ARG_KEYWORDS)
		return never("syncd starts this itself");
	umask(077);
	a.layout = strcmp(argv[ARG_LAYOUT], "0") == 0 ? LAYOUT_NESTED :
	    LAYOUT_MAILDIRPP;
	enter_sandbox(argv[ARG_ROOT], argv[ARG_STATE]);
	r = open_tree(&a);
	if (r == 0)
		r = choose_folder(&a);
	if (r == 0)
		r = open_folder(&a);
	if (r == 0)
		r = put(&a);
	free(a.path);
	store_close(a.store);
	return r;
}
