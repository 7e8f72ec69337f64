/* message.c — messages as scripts see them, and what scripts may look up. */
#include "engine/hooks_impl.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "engine/account.h"
#include "engine/local.h"
#include "engine/pattern.h"
#include "maildir/deliver.h"
#include "maildir/dir.h"

/* ---- a batch ---------------------------------------------------------- */

void
batch_clear(struct batch *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->msg[i].fd >= 0)
			close(b->msg[i].fd);
	for (size_t i = 0; i < b->n_kept; i++)
		free(b->kept[i]);
	free(b->kept);
	b->kept = NULL;
	b->n = b->n_kept = b->cap_kept = 0;
}

void
batch_pop(struct batch *b)
{
	struct hook_msg *m = &b->msg[--b->n];

	if (m->fd >= 0)
		close(m->fd);
}

static void *
keep(struct batch *b, void *p)
{
	b->kept = array_room(b->kept, b->n_kept, &b->cap_kept,
	    sizeof(*b->kept));
	b->kept[b->n_kept++] = p;
	return p;
}

void *
batch_room(struct batch *b, size_t n)
{
	return keep(b, xmalloc(n > 0 ? n : 1));
}

struct str
batch_keep(struct batch *b, struct str s)
{
	if (s.n == 0)
		return STR_NONE;
	return (struct str){ keep(b, str_dup(s)), s.n };
}

struct hook_words
batch_words(struct batch *b, struct str words)
{
	struct str *v = NULL, rest = batch_keep(b, words);
	size_t n = 0, cap = 0;

	while (rest.p != NULL) {
		struct str word = str_split(&rest, ' ');

		if (word.n == 0)
			continue;
		v = array_room(v, n, &cap, sizeof(*v));
		v[n++] = word;
	}
	if (v != NULL)
		keep(b, v);
	return (struct hook_words){ v, n };
}

static struct hook_words
words_of_bits(struct batch *b, uint64_t bits, const struct kwtab *t)
{
	struct str *v;
	size_t n = 0;

	if (bits == 0)
		return (struct hook_words){ NULL, 0 };
	v = keep(b, xreallocarray(NULL, KW_MAX, sizeof(*v)));
	for (size_t i = 0; i < t->n; i++)
		if (bits >> i & 1)
			v[n++] = batch_keep(b, str_z(t->name[i]));
	return (struct hook_words){ v, n };
}

int
batch_add_arrival(struct batch *b, struct arrivals *a, struct arrival *one,
    const char *origin, struct err *err)
{
	struct hook_msg *m = &b->msg[b->n];
	int fd = deliver_open(&one->landing, err);

	if (fd < 0)
		return -1;
	*m = (struct hook_msg){
		.id = one->row,
		.mailbox = str_z(a->f->name),
		.uid = one->uid,
		.size = one->landing.size,
		.date = one->date,
		.sys = one->flags.sys,
		.keywords = words_of_bits(b, one->flags.kw, &a->f->kw),
		.origin = str_z(origin),
		.fd = fd,
		.field = { str_z(one->header.subject),
		    str_z(one->header.from), str_z(one->header.msgid) },
	};
	b->n++;
	return 0;
}

/* Where the file is by now: as a rule where the row says; a script's move may be
 * here and not on the server yet. */
static int
open_file(struct account *acc, struct folder *f, const struct msg_row *row,
    struct err *err)
{
	struct folder *to = account_by_id(acc, row->to);
	char file[MNAME_MAX];
	bool in_new;

	if (to != NULL)
		f = to;
	if (f->away || folder_load(acc, f, err) < 0 ||
	    local_find(f, row, file, &in_new, err) <= 0)
		return -1;
	return mdir_open(f->fd, in_new, file, err);
}

int
batch_add_row(struct batch *b, struct account *acc, int64_t id,
    const char *origin, bool open, struct err *err)
{
	struct hook_msg *m = &b->msg[b->n];
	struct msg_row row;
	struct folder *f;
	struct err none;
	int got = store_find_id(acc->store, id, &row, err);

	if (got <= 0)
		return got;
	f = account_by_id(acc, row.folder);
	if (f == NULL || row.unique.n == 0)
		return 0;
	*m = (struct hook_msg){
		.id = id,
		.mailbox = batch_keep(b, str_z(f->name)),
		.uid = row.uid,
		.size = row.size,
		.date = row.date,
		.sys = row.flags.sys,
		.origin = batch_keep(b, str_z(origin)),
		.path = batch_keep(b, row.file),
		.fd = -1,
		.field = { batch_keep(b, row.subject), batch_keep(b, row.from),
		    batch_keep(b, row.msgid) },
	};
	m->keywords = words_of_bits(b, row.flags.kw, &f->kw);
	if (open)
		m->fd = open_file(acc, f, &row, &none);
	b->n++;
	return 1;
}

/* ---- what scripts look up ----------------------------------------------- */

static int64_t
seconds_now(void)
{
	return clock_wall() / 1000000;
}

static int
kv_get(void *engine, struct str plugin, struct str store, struct str key,
    struct buf *value, struct err *err)
{
	struct hooks *h = engine;
	struct script_key k = { plugin, store, key };

	return store_kv_get(h->acc->store, &k, seconds_now(), value, err);
}

static int
kv_next(void *engine, struct str plugin, struct str store, struct str after,
    struct buf *key, struct buf *value, struct err *err)
{
	struct hooks *h = engine;
	struct script_key k = { plugin, store, after };

	return store_kv_next(h->acc->store, &k, seconds_now(), key, value, err);
}

static int
message(void *engine, int64_t id, bool open, struct hook_msg *msg,
    struct err *err)
{
	struct hooks *h = engine;
	int got;

	batch_clear(&h->shown);
	got = batch_add_row(&h->shown, h->acc, id, "replay", open, err);
	if (got > 0) {
		*msg = h->shown.msg[0];
		h->shown.msg[0].fd = -1;	/* the caller's now */
	}
	return got;
}


/* Of one folder, the first match behind ${after}. */
static int
search_folder(struct hooks *h, const struct folder *f,
    const struct hook_query *q, int64_t after, int64_t *id, struct err *err)
{
	struct script_query sq = {
		.folder = f->id,
		.sys_set = q->sys_set,
		.sys_clear = q->sys_clear,
		.since = q->since,
		.before = q->before,
		.larger = q->larger,
		.smaller = q->smaller,
		.msgid = q->message_id,
	};
	struct msg_row row;
	int got;

	while ((got = store_search(h->acc->store, &sq, after, &row, err)) > 0) {
		int bit = q->keyword.n > 0 ? kwtab_find(&f->kw, q->keyword) : -1;

		*id = after = row.id;
		if (q->keyword.n == 0 || (bit >= 0 && row.flags.kw >> bit & 1))
			break;
	}
	return got;
}

static int
search(void *engine, const struct hook_query *q, int64_t after,
    struct hook_msg *msg, struct err *err)
{
	struct hooks *h = engine;
	int64_t best = 0, id;

	for (size_t i = 0; i < h->acc->n_folders; i++) {
		struct folder *f = h->acc->folder[i];
		int got;

		if (f->id == 0 || (q->mailbox.n > 0 &&
		    !pattern_glob(q->mailbox, str_z(f->name))))
			continue;
		/* Keyword names are read with the folder. */
		if (!f->away && folder_load(h->acc, f, err) < 0)
			return -1;
		got = search_folder(h, f, q, after, &id, err);
		if (got < 0)
			return -1;
		if (got > 0 && (best == 0 || id < best))
			best = id;
	}
	if (best == 0)
		return 0;
	batch_clear(&h->shown);
	if (batch_add_row(&h->shown, h->acc, best, "replay", false, err) < 0)
		return -1;
	*msg = h->shown.msg[0];
	return h->shown.n > 0;
}

static const char *
role_of(const struct folder *f)
{
	static const struct {
		unsigned	 attr;
		const char	*role;
	} roles[] = {
		{ LIST_SENT, "sent" }, { LIST_TRASH, "trash" },
		{ LIST_JUNK, "junk" }, { LIST_DRAFTS, "drafts" },
		{ LIST_ARCHIVE, "archive" },
	};

	if (str_ieq(str_z(f->name), STR("INBOX")))
		return "inbox";
	for (size_t i = 0; i < ARRAY_LEN(roles); i++)
		if (f->attrs & roles[i].attr)
			return roles[i].role;
	return "";
}

static bool
mailbox(void *engine, size_t i, struct hook_mailbox *m)
{
	struct hooks *h = engine;
	const struct folder *f;

	if (i >= h->acc->n_folders)
		return false;
	f = h->acc->folder[i];
	*m = (struct hook_mailbox){
		.name = str_z(f->name),
		.role = role_of(f),
		.total = f->messages,
	};
	return true;
}

static int
unseen(void *engine, struct str name, uint32_t *n, struct err *err)
{
	struct hooks *h = engine;

	for (size_t i = 0; i < h->acc->n_folders; i++) {
		const struct folder *f = h->acc->folder[i];

		if (f->id != 0 && str_eq(str_z(f->name), name))
			return store_count_unseen(h->acc->store, f->id, n,
			    err) < 0 ? -1 : 1;
	}
	*n = 0;
	return 0;
}

void
message_world(struct hooks *h)
{
	h->world = (struct hook_world){
		.engine = h,
		.kv_get = kv_get,
		.kv_next = kv_next,
		.message = message,
		.search = search,
		.mailbox = mailbox,
		.unseen = unseen,
	};
}
