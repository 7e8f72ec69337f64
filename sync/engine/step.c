/*
 * step.c — what scripts planned for messages that are here, done to their files as
 * a person would do it; the rounds then tell the server.
 *
 * Each step may be done twice: it is done, then dropped from the list.  A step
 * whose message or target is not settled yet waits for the next round.
 */
#include "engine/hooks_impl.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "engine/account.h"
#include "engine/dirsync.h"
#include "engine/list.h"
#include "engine/local.h"
#include "engine/pattern.h"
#include "maildir/dir.h"
#include "maildir/name.h"
#include "maildir/path.h"

enum { STEPS_AT_ONCE = 256 };

/* ---- where mail goes -------------------------------------------------- */

static struct folder *
by_name(const struct account *acc, struct str name)
{
	for (size_t i = 0; i < acc->n_folders; i++) {
		struct folder *f = acc->folder[i];

		if (str_eq(str_z(f->name), name) ||
		    (str_ieq(str_z(f->name), STR("INBOX")) &&
		    str_ieq(name, STR("INBOX"))))
			return f;
	}
	return NULL;
}

/* "Junk" is what the server uses as such, whatever it calls it. */
static struct folder *
by_role(const struct account *acc, struct str name)
{
	unsigned use = list_use(name);

	return use != 0 ? account_by_use(acc, use) : NULL;
}

static char *
path_of(const struct account *acc, struct str name, struct err *err)
{
	struct str part[PATH_DEPTH_MAX], rest = name;
	size_t n = 0;

	while (rest.p != NULL && n < PATH_DEPTH_MAX)
		part[n++] = str_split(&rest, '/');
	return mpath_from_names((enum layout)acc->conf->layout, part, n, err);
}

static bool
has_twin(const struct account *acc, const char *path)
{
	for (size_t i = 0; i < acc->n_folders; i++)
		if (mpath_twins(str_z(acc->folder[i]->path), str_z(path)))
			return true;
	return false;
}

/* A new folder: a directory now; the next look at the tree tells the server. */
static int
make_folder(struct account *acc, struct str name, char *path,
    struct folder **out, struct err *err)
{
	struct folder *f;

	if (mpath_create(acc->root_fd, (enum layout)acc->conf->layout,
	    str_z(path), err) < 0)
		return -1;
	f = account_folder_new(acc);
	f->path = xstrdup(path);
	f->name = str_dup(name);
	f->policy = pattern_policy(acc->conf, name, 0);
	acc->tree_local = true;
	*out = f;
	if (account_begin(acc, err) < 0)
		return -1;
	return account_end(acc, folder_save(acc, f, err), err);
}

int
step_mailbox(struct account *acc, struct str name, struct folder **out,
    const char **why, struct err *err)
{
	struct folder *f = by_name(acc, name);
	struct policy policy = pattern_policy(acc->conf, name, 0);
	char *path;
	int r = 0;

	if (f == NULL)
		f = by_role(acc, name);
	path = path_of(acc, name, err);
	if (path == NULL) {
		*why = "its name cannot be a directory's";
		return 1;
	}
	if (f == NULL)
		f = account_by_path(acc, path);
	*out = f;
	if (!account_two_way(acc)) {
		if (f == NULL)
			r = make_folder(acc, name, path, out, err);
	} else if (f != NULL && (f->wire == NULL ? f->away :
	    !folder_active(f))) {
		*why = "it is not synced now";
		r = 1;
	} else if (f == NULL && (policy.push & POLICY_NEW) &&
	    (!acc->conf->folders.create_remote ||
	    !pattern_selects(&acc->conf->folders.sync, name, 0))) {
		*why = "it does not exist, and the configuration does not let "
		    "it be made";
		r = 1;
	} else if (f == NULL && has_twin(acc, path)) {
		*why = "another folder has nearly the same name";
		r = 1;
	} else if (f == NULL) {
		r = make_folder(acc, name, path, out, err);
	}
	free(path);
	return r;
}

int
step_target(struct account *acc, unsigned op, struct str arg,
    struct folder **f, const char **why, struct err *err)
{
	if (op == OPK_TRASH)
		arg = STR("Trash");
	else if (op == OPK_ARCHIVE && arg.n == 0)
		arg = STR("Archive");
	return step_mailbox(acc, arg, f, why, err);
}

/* ---- doing it ----------------------------------------------------------- */

enum done { STEP_DONE, STEP_NOTHING, STEP_LATER };

/* A message's file, as it is now. */
struct at {
	struct folder	*f;
	struct msg_row	 row;
	char		 file[MNAME_MAX];
	bool		 in_new;
};

/* 1: found; 0: *done says what becomes of the step; -1. */
static int
find_message(struct account *acc, int64_t id, struct at *at, enum done *done,
    struct err *err)
{
	int got = store_find_id(acc->store, id, &at->row, err);

	*done = STEP_NOTHING;
	if (got <= 0)
		return got;
	at->f = account_by_id(acc, at->row.folder);
	if (at->f == NULL || at->row.unique.n == 0 ||
	    at->row.stage == ST_TOMBSTONE || at->f->away)
		return 0;
	if (row_in_flight(&at->row)) {
		*done = STEP_LATER;
		return 0;
	}
	if (folder_load(acc, at->f, err) < 0)
		return -1;
	got = local_find(at->f, &at->row, at->file, &at->in_new, err);
	/* Moved or deleted, and no round has looked yet. */
	if (got == 0 && at->f->dirty != 0)
		*done = STEP_LATER;
	return got;
}

/* Where no round looks at files, the row follows at once. */
static int
follow_here(struct account *acc, struct at *at, struct folder *to,
    const char *name, bool in_new, struct err *err)
{
	int got = store_find_id(acc->store, at->row.id, &at->row, err);

	if (got <= 0 || account_begin(acc, err) < 0)
		return got < 0 ? -1 : 0;
	at->row.folder = to->id;
	at->row.flags = local_flags(to, str_z(name));
	at->row.file = str_z(name);
	at->row.in_new = in_new;
	return account_end(acc, store_msg_put(acc->store, &at->row, err), err);
}

static int
rename_to(struct account *acc, struct at *at, struct folder *to,
    struct flags flags, enum done *done, struct err *err)
{
	char name[MNAME_MAX];
	bool in_new;
	int got;

	if (acc->conf->keywords == KEYWORDS_DOVECOT) {
		char letters[27];

		(void)kwfile_to_letters(&to->kwfile, flags.kw, &to->kw, letters);
	}
	*done = STEP_NOTHING;
	if (local_keywords(acc, to, err) < 0)
		return -1;
	if (local_name(acc, to, at->f, at->file, at->in_new, flags, name,
	    &in_new) < 0 || (to == at->f && strcmp(name, at->file) == 0 &&
	    in_new == at->in_new))
		return 0;
	got = mdir_rename(at->f->fd, at->in_new, at->file, to->fd, in_new, name,
	    err);
	if (got <= 0)
		return got;
	dirsync_came(acc, to);
	dirsync_left(acc, at->f);
	if (to != at->f)
		local_told(at->f, at->file, at->in_new, true);
	local_told(to, name, in_new, false);
	*done = STEP_DONE;
	return account_two_way(acc) ? 0 :
	    follow_here(acc, at, to, name, in_new, err);
}

static int
change_flags(struct account *acc, const struct script_step *st, struct at *at,
    enum done *done, struct err *err)
{
	struct flags flags = local_flags(at->f, str_z(at->file));
	int bit;

	switch (st->op) {
	case OPK_FLAG:
		flags.sys |= st->sys;
		break;
	case OPK_UNFLAG:
		flags.sys &= ~st->sys;
		break;
	case OPK_TAG:
		bit = kwtab_bit(&at->f->kw, st->arg);
		if (bit >= 0)
			flags.kw |= (uint64_t)1 << bit;
		break;
	default:
		bit = kwtab_find(&at->f->kw, st->arg);
		if (bit >= 0)
			flags.kw &= ~((uint64_t)1 << bit);
		break;
	}
	return rename_to(acc, at, at->f, flags, done, err);
}

static int
move_file(struct account *acc, const struct script_step *st, struct at *at,
    enum done *done, struct err *err)
{
	struct flags flags = local_flags(at->f, str_z(at->file));
	const char *why = NULL;
	struct folder *to;
	int r = step_target(acc, st->op, st->arg, &to, &why, err);

	if (r > 0)
		log_warn("%.*s: %s to %.*s: %s", STR_ARG(st->place),
		    hook_op_name(st->op), STR_ARG(st->arg), why);
	if (r != 0 || to == at->f)
		return r < 0 ? -1 : 0;
	if (!land_ready(acc, to)) {
		*done = STEP_LATER;
		return 0;
	}
	if (folder_load(acc, to, err) < 0)
		return -1;
	flags.kw = kwtab_translate(flags.kw, &at->f->kw, &to->kw);
	return rename_to(acc, at, to, flags, done, err);
}

/* A second name, made from the step's number: the same one if it is done again. */
static int
copy_file(struct account *acc, const struct script_step *st, struct at *at,
    enum done *done, struct err *err)
{
	struct flags flags = local_flags(at->f, str_z(at->file));
	char base[MNAME_MAX], name[MNAME_MAX];
	const char *why = NULL;
	struct msg_row row, copy;
	struct folder *to;
	bool in_new;
	int r = step_mailbox(acc, st->arg, &to, &why, err), got;

	if (r > 0)
		log_warn("%.*s: copy to %.*s: %s", STR_ARG(st->place),
		    STR_ARG(st->arg), why);
	if (r != 0)
		return r < 0 ? -1 : 0;
	if (!land_ready(acc, to)) {
		*done = STEP_LATER;
		return 0;
	}
	if (folder_load(acc, to, err) < 0)
		return -1;
	snprintf(base, sizeof(base), "%" PRId64 ".C%" PRId64 "M%" PRId64
	    ".syncd", at->row.date, st->seq, st->msg);
	copy = (struct msg_row){ .unique = str_z(base), .file = str_z(base) };
	got = store_find_unique(acc->store, to->id, copy.unique, &row, err);
	if (got == 0)
		got = local_find(to, &copy, name, &in_new, err);
	if (got != 0)
		return got < 0 ? -1 : here_is(acc, to, base, err);
	flags.kw = kwtab_translate(flags.kw, &at->f->kw, &to->kw);
	if (local_letters(acc, to, flags.kw, err) < 0 || local_name(acc, to, to, base,
	    at->in_new, flags, name, &in_new) < 0)
		return -1;
	got = mdir_link(at->f->fd, at->in_new, at->file, to->fd, in_new, name,
	    err);
	dirsync_came(acc, to);
	if (got < 0)
		return -1;
	local_told(to, name, in_new, false);
	*done = STEP_DONE;
	return here_is(acc, to, base, err);
}

static int
delete_file(struct account *acc, const struct at *at, enum done *done,
    struct err *err)
{
	int r = mdir_unlink(at->f->fd, at->in_new, at->file, err);

	if (r < 0)
		return -1;
	if (r > 0) {
		local_told(at->f, at->file, at->in_new, true);
		dirsync_left(acc, at->f);
	}
	*done = r > 0 ? STEP_DONE : STEP_NOTHING;
	return here_was(acc, at->row.id, err);
}

static int
rename_mailbox(struct account *acc, const struct script_step *st, struct str from,
    struct str to, enum done *done, struct err *err)
{
	struct folder *f = by_name(acc, from);
	char *path = path_of(acc, to, err);
	int r = 0;

	if (path == NULL)
		return -1;
	if (f == NULL || f->away || by_name(acc, to) != NULL)
		log_warn("%.*s: %.*s is not renamed: there is no such mailbox, or "
		    "one of the new name", STR_ARG(st->place), STR_ARG(from));
	else if ((r = mpath_rename(acc->root_fd,
	    (enum layout)acc->conf->layout, str_z(f->path), str_z(path),
	    err)) == 0)
		*done = STEP_DONE;
	free(path);
	return r;
}

/* Only an empty one: what a mailbox holds is never gone by a script's word. */
static int
remove_mailbox(struct account *acc, const struct script_step *st, struct str name,
    enum done *done, struct err *err)
{
	struct folder *f = by_name(acc, name);
	int r;

	if (f == NULL || f->away) {
		log_warn("%.*s: there is no mailbox %.*s to be removed",
		    STR_ARG(st->place), STR_ARG(name));
		return 0;
	}
	r = mpath_remove(acc->root_fd, str_z(f->path), err);
	if (r == 0)
		*done = STEP_DONE;
	return r;
}

/* As a person would do it: the next look at the tree tells the server. */
static int
do_mailbox(struct account *acc, const struct script_step *st, enum done *done,
    struct err *err)
{
	struct str to = st->arg, verb = str_split(&to, '\n');
	struct str name = str_split(&to, '\n');
	const char *why = NULL;
	struct folder *f;
	int r;

	if (str_eq(verb, STR("create"))) {
		r = step_mailbox(acc, name, &f, &why, err);
		if (r > 0)
			log_warn("%.*s: %.*s is not made: %s", STR_ARG(st->place),
			    STR_ARG(name), why);
		return r < 0 ? -1 : 0;
	}
	acc->tree_local = true;
	return str_eq(verb, STR("rename")) ?
	    rename_mailbox(acc, st, name, to, done, err) :
	    remove_mailbox(acc, st, name, done, err);
}

static int
do_step(struct account *acc, const struct script_step *st, enum done *done,
    struct err *err)
{
	struct at at = { .f = NULL };
	int r;

	*done = STEP_NOTHING;
	if (st->op == OPK_MAILBOX)
		return do_mailbox(acc, st, done, err);
	r = find_message(acc, st->msg, &at, done, err);
	/* We may have been killed behind the removal. */
	if (r == 0 && st->op == OPK_DELETE && *done == STEP_NOTHING &&
	    at.f != NULL && !at.f->away)
		return here_was(acc, st->msg, err);
	if (r <= 0)
		return r;
	switch (st->op) {
	case OPK_FLAG:
	case OPK_UNFLAG:
	case OPK_TAG:
	case OPK_UNTAG:
		return change_flags(acc, st, &at, done, err);
	case OPK_MOVE:
	case OPK_ARCHIVE:
	case OPK_TRASH:
		return move_file(acc, st, &at, done, err);
	case OPK_COPY:
		return copy_file(acc, st, &at, done, err);
	case OPK_DELETE:
		return delete_file(acc, &at, done, err);
	default:
		return 0;
	}
}

static int
record_step(struct account *acc, const struct script_step *st, enum done done,
    struct err *err)
{
	struct script_cause c = { .msg = st->msg, .plugin = st->plugin,
	    .depth = st->depth + 1, .when = clock_wall() };
	bool moves = st->op == OPK_MOVE || st->op == OPK_ARCHIVE ||
	    st->op == OPK_TRASH;

	c.kind = moves ? HOOK_MOVED : HOOK_FLAGS;
	if (done == STEP_DONE && (moves || plan_lands(&(struct hook_op){
	    .kind = (enum hook_op_kind)st->op })) &&
	    store_cause_put(acc->store, &c, err) < 0)
		return -1;
	return store_step_drop(acc->store, st->seq, err);
}

/* A step whose message is in trouble is dropped, and said so; the others go on. */
static int
one_step(struct account *acc, const struct script_step *st, enum done *done,
    struct err *err)
{
	if (do_step(acc, st, done, err) == 0)
		return 0;
	if (err->class != ERR_MSG && err->class != ERR_FOLDER)
		return -1;
	log_warn("%.*s: %s: %s", STR_ARG(st->place), hook_op_name(st->op),
	    err->text);
	*done = STEP_NOTHING;
	return 0;
}

int
steps_run(struct hooks *h, struct err *err)
{
	struct account *acc = h->acc;
	struct script_step st;
	int64_t at = 0;
	int got = 0, r = 0;

	for (int n = 0; n < STEPS_AT_ONCE && r == 0; n++) {
		enum done done;

		got = store_step_next(acc->store, &at, &st, err);
		if (got <= 0)
			break;
		if (one_step(acc, &st, &done, err) < 0)
			return -1;
		if (done == STEP_LATER)
			continue;
		if (account_begin(acc, err) < 0)
			return -1;
		r = account_end(acc, record_step(acc, &st, done, err), err);
	}
	h->steps_due = got > 0;
	return r < 0 || got < 0 ? -1 : 0;
}
