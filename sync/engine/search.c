/*
 * search.c — searches on the server, for scripts.  Between rounds, on the connection
 * that does things, and waited for as a round waits: what the server says meanwhile
 * goes where it belongs.
 */
#include "engine/hooks_impl.h"

#include <stdlib.h>

#include "base/mem.h"
#include "engine/account.h"
#include "engine/pattern.h"
#include "engine/remote_impl.h"
#include "imap/query.h"

/* Rows, by their ids. */
struct rows {
	int64_t	*id;
	size_t	 n, cap;
};

static bool
is_meant(const struct folder *f, const struct hook_wish *w)
{
	if (!folder_active(f) || f->wire == NULL || f->validity.v == 0)
		return false;
	for (size_t i = 0; i < w->n_mailboxes; i++)
		if (pattern_glob(w->mailbox[i], str_z(f->name)))
			return true;
	return w->n_mailboxes == 0;
}

/* Of what the server found, the messages that are here. */
static int
take_known(struct account *acc, const struct folder *f, struct rows *out,
    struct err *err)
{
	const struct uidset *found = remote_found(acc->remote);
	struct uid uid = { 0 };
	struct msg_row row;
	size_t at = 0;
	int got = 0;

	while (got >= 0 && uidset_next(found, &at, &uid)) {
		got = store_find_uid(acc->store, f->id, uid, &row, err);
		if (got <= 0 || row.unique.n == 0)
			continue;
		out->id = array_room(out->id, out->n, &out->cap,
		    sizeof(*out->id));
		out->id[out->n++] = row.id;
	}
	return got < 0 ? -1 : 0;
}

static int
search_folder(struct account *acc, struct folder *f, const struct hook_wish *w,
    struct rows *out, struct err *err)
{
	if (folder_load(acc, f, err) < 0 || remote_select(acc, f, err) < 0)
		return -1;
	remote_find(acc->remote);
	if (remote_expect(acc, imap_search_terms(acc->work, w->term, w->n_terms),
	    ERR_FOLDER, f->name, err) < 0)
		return -1;
	return take_known(acc, f, out, err);
}

static int
check(const struct account *acc, const struct hook_wish *w, struct err *err)
{
	if (acc->conf->protocol == PROTOCOL_POP3)
		return err_set(err, ERR_MSG, "plugin.error",
		    "a POP3 server cannot be searched");
	if (acc->work == NULL)
		return err_set(err, ERR_MSG, "plugin.error",
		    "the server cannot be searched: there is no connection");
	if (w->n_terms > IMAP_TERMS_MAX)
		return err_set(err, ERR_MSG, "plugin.error",
		    "more than %d things to look for", IMAP_TERMS_MAX);
	for (size_t i = 0; i < w->n_terms; i++)
		if (!imap_term_ok(&w->term[i]))
			return err_set(err, ERR_MSG, "plugin.error",
			    "the server cannot be asked for such a text");
	return 0;
}

static int
search_all(struct account *acc, const struct hook_wish *w, struct rows *out,
    struct err *err)
{
	int r = check(acc, w, err);

	for (size_t i = 0; i < acc->n_folders && r == 0; i++)
		if (is_meant(acc->folder[i], w))
			r = search_folder(acc, acc->folder[i], w, out, err);
	return r;
}

int
search_run(struct hooks *h, struct err *err)
{
	struct hook_wish w;

	while (h->host->ops->wish(h->host, &w)) {
		struct rows rows = { 0 };
		struct err why = { .text = "" };
		int r = search_all(h->acc, &w, &rows, &why);

		h->host->ops->found(h->host, w.number, rows.id, rows.n,
		    r < 0 ? why.text : NULL);
		free(rows.id);
		/* What ails the connection is not the script's alone. */
		if (r < 0 && why.class != ERR_FOLDER && why.class != ERR_MSG) {
			*err = why;
			return -1;
		}
	}
	return 0;
}
