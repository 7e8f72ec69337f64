/* brief.c — times of directories that nobody watches afterwards. */
#include "engine/brief.h"

#include "base/clock.h"
#include "base/wait.h"
#include "engine/local.h"
#include "maildir/dir.h"

enum { LOOKS_MAX = 5 };

int
brief_watch(struct account *acc, struct folder *f, struct err *err)
{
	local_watch(acc, f);
	/* That, or reading all of it, comes behind the watch. */
	f->checked = true;
	if (!f->watched || (f->dirty & DIRTY_SCAN))
		return 0;
	return local_check(acc, f, err);
}

/* Do the times in the base, if any, differ from those of now? */
static bool
is_touched(const struct folder *f)
{
	return f->watched && !f->skip && f->fd >= 0 && f->mtime_cur != 0 &&
	    (f->seen_cur != f->mtime_cur || f->seen_new != f->mtime_new);
}

static int
look(struct account *acc, int64_t *newest, struct err *err)
{
	*newest = 0;
	for (size_t i = 0; i < acc->n_folders; i++) {
		struct folder *f = acc->folder[i];

		if (!f->watched || f->fd < 0)
			continue;
		if (mdir_times(f->fd, &f->seen_cur, &f->seen_new, err) < 0) {
			if (err->class != ERR_FOLDER)
				return -1;
			/* It has just gone, which the next round finds out. */
			f->seen_cur = f->mtime_cur;
			f->seen_new = f->mtime_new;
		}
		if (!is_touched(f) || mdir_age(f->fd, &f->seen_cur, &f->seen_new))
			continue;
		if (f->seen_cur > *newest)
			*newest = f->seen_cur;
		if (f->seen_new > *newest)
			*newest = f->seen_new;
	}
	return 0;
}

/* A directory that is never quiet is read again next time. */
static void
forget_times(struct account *acc)
{
	for (size_t i = 0; i < acc->n_folders; i++) {
		struct folder *f = acc->folder[i];

		f->seen_cur = f->mtime_cur;
		f->seen_new = f->mtime_new;
	}
}

int
brief_settle(struct account *acc, struct err *err)
{
	int64_t newest;
	usec left = 0;

	for (int looks = 0; looks < LOOKS_MAX; looks++) {
		if (look(acc, &newest, err) < 0)
			return -1;
		left = mdir_young_for(newest, clock_wall() * 1000);
		if (left == 0)
			break;
		if (wait_any(NULL, 0, clock_in(left), err) < 0)
			return -1;
	}
	if (left > 0)
		forget_times(acc);
	return local_note(acc, err);
}

int
brief_keep(struct account *acc, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < acc->n_folders && r == 0; i++) {
		struct folder *f = acc->folder[i];

		if (!is_touched(f) || (f->dirty & (DIRTY_SCAN | DIRTY_LOCAL)))
			continue;
		r = account_join(acc, err);
		f->mtime_cur = f->seen_cur;
		f->mtime_new = f->seen_new;
		if (r == 0)
			r = folder_save(acc, f, err);
	}
	return account_end(acc, r, err);
}
