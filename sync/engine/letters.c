/*
 * letters.c — keyword letters of a file that has come from another folder.
 *
 * A client that knows of keywords has given it the letters of the new folder; one
 * that does not has left those of the old one, which show just what was agreed on
 * there.
 */
#include "engine/letters.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "engine/local.h"
#include "maildir/dir.h"
#include "maildir/name.h"

bool
letters_same(struct str a, struct str b)
{
	struct mname x, y;
	char in_x, in_y;

	if (!mname_parse(a, &x) || !mname_parse(b, &y))
		return false;
	for (char c = 'a'; c <= 'z'; c++) {
		in_x = str_find(x.letters, c) < x.letters.n;
		in_y = str_find(y.letters, c) < y.letters.n;
		if (in_x != in_y)
			return false;
	}
	return true;
}

uint64_t
letters_unseen(const struct folder *f, uint64_t kw)
{
	return kw & ~kwfile_shown(&f->kwfile, ~(uint64_t)0, &f->kw);
}

/* 1: it is renamed to ${name}, 0, -1. */
static int
rename_to_follow(struct account *acc, struct folder *from, struct folder *to,
    const struct msg_row *row, char name[MNAME_MAX], bool *to_new,
    struct err *err)
{
	char file[MNAME_MAX];
	struct flags flags;
	bool in_new;
	int got = local_find(to, row, file, &in_new, err);

	if (got <= 0)
		return got;
	if (!letters_same(row->file, str_z(file)))
		return 0;
	flags = local_flags(from, str_z(file));
	flags.kw |= letters_unseen(from, row->flags.kw);
	flags.kw = kwtab_translate(flags.kw, &from->kw, &to->kw);
	if (local_flags(to, str_z(file)).kw == flags.kw)
		return 0;
	if (local_letters(acc, to, flags.kw, err) < 0)
		return -1;
	if (local_name(acc, to, from, file, in_new, flags, name, to_new) < 0)
		return 0;
	return local_rename(acc, to, in_new, file, to, *to_new, name, err);
}

int
letters_follow(struct account *acc, struct folder *from, struct folder *to,
    struct msg_row *row, char name[MNAME_MAX], struct err *err)
{
	bool to_new;
	int got = rename_to_follow(acc, from, to, row, name, &to_new, err);

	if (got < 0)
		return -1;
	if (got > 0) {
		row->file = str_z(name);
		row->in_new = to_new;
	}
	return 0;
}

int
letters_show(struct account *acc, struct folder *f, struct change *c,
    struct err *err)
{
	const struct folder *was = c->letters != NULL ? c->letters : f;
	char name[MNAME_MAX];
	bool to_new;
	int got;

	if (local_letters(acc, f, c->local_flags.kw, err) < 0)
		return -1;
	if (local_name(acc, f, was, c->file, c->in_new, c->local_flags, name,
	    &to_new) < 0)
		return 0;
	if (strcmp(name, c->file) != 0 || to_new != c->in_new) {
		got = local_rename(acc, f, c->in_new, c->file, f, to_new, name,
		    err);
		if (got <= 0)
			return got;
		free(c->file);
		c->file = xstrdup(name);
		c->in_new = to_new;
	}
	c->letters = NULL;
	return 0;
}
