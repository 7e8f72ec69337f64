/*
 * here.c — files of which nobody but who made them will tell: with POP3 no round
 * looks at what is here.  What scripts put into the tree gets its row from whoever
 * put it there; what they delete leaves its row without a file.
 *
 * Done again, it changes nothing.  Waits for the disk only.
 */
#include "engine/hooks_impl.h"

#include <unistd.h>

#include "engine/account.h"
#include "engine/header.h"
#include "engine/local.h"
#include "maildir/dir.h"

enum { HEADER_BYTES = 16384 };

/* All that its bytes say. */
static int
read_file(struct folder *f, struct msg_row *row, const char *file,
    struct header *header, struct err *err)
{
	int fd = mdir_open(f->fd, row->in_new, file, err), r;
	char block[HEADER_BYTES];
	struct mcontent c;
	struct mstat st;
	ssize_t n;

	if (fd < 0)
		return -1;
	r = mdir_digest(fd, &c, err);
	if (r == 0 && mdir_stat_open(fd, &st, err) < 0)
		r = -1;
	n = r == 0 ? pread(fd, block, sizeof(block), 0) : 0;
	close(fd);
	if (r < 0)
		return -1;
	header_add(header, (struct str){ block, n > 0 ? (size_t)n : 0 });
	header_end(header);
	row->ino = st.ino;
	row->date = st.mtime;
	row->size = c.size;
	row->wire_size = c.wire_size;
	row->eol = c.eol;
	row->head = c.id.head;
	row->all = c.id.all;
	return 0;
}

static int
put_row(struct account *acc, struct msg_row *row, struct err *err)
{
	if (account_begin(acc, err) < 0)
		return -1;
	return account_end(acc, store_msg_put(acc->store, row, err), err);
}

int
here_is(struct account *acc, struct folder *f, const char *base, struct err *err)
{
	struct msg_row row, looked = { .unique = str_z(base), .file = str_z(base) };
	struct header header = { 0 };
	char file[MNAME_MAX];
	bool in_new;
	int got;

	if (account_two_way(acc))
		return 0;
	got = store_find_unique(acc->store, f->id, looked.unique, &row, err);
	if (got != 0)
		return got < 0 ? -1 : 0;
	/* Somebody may have taken it away by now. */
	got = local_find(f, &looked, file, &in_new, err);
	if (got <= 0)
		return got;
	row = (struct msg_row){ .folder = f->id, .stage = ST_PRESENT,
	    .unique = str_z(base), .file = str_z(file), .in_new = in_new,
	    .flags = local_flags(f, str_z(file)) };
	got = read_file(f, &row, file, &header, err);
	if (got == 0) {
		row.subject = str_z(header.subject);
		row.from = str_z(header.from);
		row.msgid = str_z(header.msgid);
		got = put_row(acc, &row, err);
	}
	header_clear(&header);
	return got;
}

/* The row stays: the server may have the message, and it is not to come again. */
int
here_was(struct account *acc, int64_t id, struct err *err)
{
	struct msg_row row;
	int got;

	if (account_two_way(acc))
		return 0;
	got = store_find_id(acc->store, id, &row, err);
	if (got <= 0)
		return got;
	row.unique = row.file = STR_NONE;
	row.in_new = false;
	return put_row(acc, &row, err);
}
