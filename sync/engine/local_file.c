/* local_file.c — one file of a folder: what it is called, which flags its name shows,
 * what is in it. */
#include "engine/local.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "maildir/dir.h"
#include "maildir/name.h"

int
local_find(struct folder *f, const struct msg_row *row, char file[MNAME_MAX],
    bool *in_new, struct err *err)
{
	struct mlist list;
	struct mstat st;
	int there;

	if (row->file.n == 0 || row->file.n >= MNAME_MAX)
		return 0;
	memcpy(file, row->file.p, row->file.n);
	file[row->file.n] = '\0';
	*in_new = row->in_new;
	there = mdir_stat(f->fd, *in_new, file, &st, err);
	if (there != 0)
		return there;
	if (mdir_list(f->fd, &list, err) < 0)
		return -1;
	for (size_t i = 0; i < list.n && !there; i++) {
		struct str unique = { list.file[i].name, list.file[i].n_unique };

		there = str_eq(unique, row->unique);
		if (there) {
			snprintf(file, MNAME_MAX, "%s", list.file[i].name);
			*in_new = list.file[i].in_new;
		}
	}
	mlist_clear(&list);
	return there;
}

struct flags
local_flags(struct folder *f, struct str file)
{
	struct flags flags = { 0 };
	struct mname name;

	if (!mname_parse(file, &name))
		return flags;
	flags.sys = sysflags_from_letters(name.letters);
	/* Clients that keep $Forwarded as a keyword mean the same as P. */
	if (kwfile_forwarded(&f->kwfile) != '\0' && str_find(name.letters,
	    kwfile_forwarded(&f->kwfile)) < name.letters.n)
		flags.sys |= FLAG_PASSED;
	kwfile_note(&f->kwfile, name.letters);
	flags.kw = kwfile_to_bits(&f->kwfile, name.letters, &f->kw);
	return flags;
}

/* Letters that mean nothing to us stay where they are; in another folder they may
 * mean something. */
static size_t
foreign_letters(const struct folder *was, const struct folder *f,
    struct str letters, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < letters.n; i++) {
		char c = letters.p[i];

		if (sysflags_from_letters((struct str){ &c, 1 }) != 0)
			continue;
		if (kwfile_known(&was->kwfile, c) || kwfile_known(&f->kwfile, c))
			continue;
		if (memchr(out, c, n) == NULL && n < 32)
			out[n++] = c;
	}
	return n;
}

int
local_name(struct account *acc, struct folder *f, const struct folder *was,
    const char *file, bool in_new, struct flags flags, char out[MNAME_MAX],
    bool *out_new)
{
	char letters[128], kw[27] = "", foreign[33];
	struct mname name;
	size_t n;

	if (!mname_parse(str_z(file), &name))
		return -1;
	sysflags_to_letters(flags.sys, letters);
	if (acc->conf->keywords == KEYWORDS_DOVECOT)
		(void)kwfile_to_letters(&f->kwfile, flags.kw, &f->kw, kw);
	strcat(letters, kw);
	if (flags.sys & FLAG_PASSED) {
		char both[2] = { kwfile_forwarded(&f->kwfile), '\0' };

		strcat(letters, both);
	}
	n = foreign_letters(was, f, name.letters, foreign);
	foreign[n] = '\0';
	strcat(letters, foreign);
	/* What no client has seen may stay in new/; with flags it must not. */
	*out_new = in_new && letters[0] == '\0' && !name.has_info;
	return mname_print(out, name.base, str_z(letters), name.rest, *out_new);
}

int
local_keywords(struct account *acc, struct folder *f, struct err *err)
{
	if (!f->kwfile.dirty || acc->conf->restore.on)
		return 0;
	/* It is written by way of tmp/. */
	if (account_delivering(acc, err) < 0)
		return -1;
	return kwfile_write(f->fd, &f->kwfile, err);
}

int
local_letters(struct account *acc, struct folder *f, uint64_t kw, struct err *err)
{
	char letters[27];

	if (acc->conf->keywords == KEYWORDS_DOVECOT)
		(void)kwfile_to_letters(&f->kwfile, kw, &f->kw, letters);
	return local_keywords(acc, f, err);
}

int
local_set_date(const struct account *acc, struct folder *f,
    const struct change *c, int64_t date, struct err *err)
{
	if (acc->conf->restore.on)
		return 0;
	if (mdir_set_date(f->fd, c->in_new, c->file, date, err) >= 0)
		return 0;
	if (err->class != ERR_MSG && err->class != ERR_FOLDER)
		return -1;
	log_info("%s: %s", f->name, err->text);
	return 0;
}

int
local_digest(struct folder *f, struct change *c, struct err *err)
{
	struct mcontent content;
	struct mstat st;
	int fd, r;

	if (c->content != NULL)
		return 1;
	fd = mdir_open(f->fd, c->in_new, c->file, err);
	if (fd < 0)
		return err->errnum == ENOENT ? 0 : -1;
	r = mdir_stat_open(fd, &st, err);
	if (r > 0)
		r = mdir_digest(fd, &content, err);
	close(fd);
	if (r < 0)
		return -1;
	c->ino = st.ino;
	c->content = xmalloc(sizeof(content));
	*c->content = content;
	return 1;
}
