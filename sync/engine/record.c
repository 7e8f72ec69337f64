/* record.c — what a folder is like once all that was decided is done, for the base. */
#include "engine/record.h"

#include "engine/gather.h"
#include "maildir/dir.h"

/* What the server counted may be stored only when all of it is in the base. */
static int
record_remote(struct account *acc, struct folder *f, struct err *err)
{
	const struct work *w = &f->work;
	const struct imap_box *box;
	uint32_t known;
	bool quiet;

	if (!w->remote_read)
		return 0;
	if (w->failed) {
		folder_mark(f, DIRTY_REMOTE);
		return 0;
	}
	f->modseq = w->modseq;
	f->messages = w->exists;
	if (w->uidnext != 0)
		f->uidnext = w->uidnext;
	if (acc->selected != f)
		return 0;
	box = imap_box(acc->work);
	if (gather_quiet(acc, f, &quiet, err) < 0 ||
	    store_count_uids(acc->store, f->id, &known, err) < 0)
		return -1;
	if (quiet && known == box->exists) {
		f->modseq = box->modseq;
		f->messages = box->exists;
	} else if (!quiet) {
		/* Somebody else was at work: look again. */
		folder_mark(f, DIRTY_REMOTE);
	}
	return 0;
}

/* The times of the directories count as read if nobody wrote since. */
static int
record_local(struct folder *f, struct err *err)
{
	const struct work *w = &f->work;
	int64_t cur, new_;
	uint64_t which;

	if (f->fd < 0)
		return 0;
	if (mdir_times(f->fd, &cur, &new_, err) < 0 ||
	    mdir_which(f->fd, &which, err) < 0)
		return -1;
	if (f->dirs == 0)
		f->dirs = which;
	if (w->failed || w->unsettled)
		folder_mark(f, DIRTY_SCAN);
	/* What could not be done now, or is still to be seen, must be found again,
	 * whoever looks: we may die before. */
	if (f->dirty & DIRTY_SCAN) {
		f->mtime_cur = f->mtime_new = 0;
		return 0;
	}
	if (w->scanned && cur == w->mtime_cur && new_ == w->mtime_new) {
		f->mtime_cur = cur;
		f->mtime_new = new_;
		f->dirs = which;
	} else if (!f->watched &&
	    (cur != f->mtime_cur || new_ != f->mtime_new)) {
		folder_mark(f, DIRTY_SCAN);
	}
	return 0;
}

int
record_folder(struct account *acc, struct folder *f, struct err *err)
{
	if (record_remote(acc, f, err) < 0 || record_local(f, err) < 0)
		return -1;
	return account_join(acc, err) < 0 ? -1 : folder_save(acc, f, err);
}
