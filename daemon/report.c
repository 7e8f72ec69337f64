/* report.c — folders and history, read from an account's store. */
#include "report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "imap/mutf7.h"
#include "js.h"
#include "net/lane.h"
#include "store/store.h"

enum { NAME_MAX_BYTES = 8192 };

/* 1: *s is open; 0: there is none yet. */
static int
open_store(const struct conf *conf, const struct account_conf *a,
    struct store **s, struct err *err)
{
	char *path = xasprintf("%s/%s.db", conf->state_dir, a->name);
	int rc = 0;

	if (access(path, F_OK) == 0) {
		*s = store_open_reader(path, err);
		rc = *s != NULL ? 1 : err_wrap(err, "%s", a->name);
	} else if (errno != ENOENT) {
		rc = err_sys(err, ERR_LOCAL, "state.io", "%s", path);
	}
	free(path);
	return rc;
}

static json_t *
display_name(struct str wire)
{
	struct buf utf8;
	json_t *v;

	if (wire.n == 0)
		return json_null();
	buf_init(&utf8, NAME_MAX_BYTES);
	v = js_text(mutf7_decode(wire, &utf8) == 0 ? buf_str(&utf8) : wire);
	buf_clear(&utf8);
	return v;
}

static json_t *
special_use(unsigned attrs)
{
	static const struct {
		unsigned	 bit;
		const char	*name;
	} uses[] = {
		{ LIST_ALL, "\\All" }, { LIST_ARCHIVE, "\\Archive" },
		{ LIST_DRAFTS, "\\Drafts" }, { LIST_FLAGGED, "\\Flagged" },
		{ LIST_JUNK, "\\Junk" }, { LIST_SENT, "\\Sent" },
		{ LIST_TRASH, "\\Trash" }, { LIST_IMPORTANT, "\\Important" }
	};

	for (size_t i = 0; i < ARRAY_LEN(uses); i++)
		if (attrs & uses[i].bit)
			return json_string(uses[i].name);
	return json_null();
}

static json_t *
folder_object(const char *account, const struct folder_row *f)
{
	json_t *o = json_object();

	json_object_set_new(o, "account", json_string(account));
	json_object_set_new(o, "remote", display_name(f->wire));
	json_object_set_new(o, "local", js_text(f->path));
	json_object_set_new(o, "special_use", special_use(f->attrs));
	json_object_set_new(o, "messages", json_integer(f->messages));
	json_object_set_new(o, "uidvalidity",
	    json_integer((json_int_t)f->validity.v));
	json_object_set_new(o, "uidnext", json_integer(f->uidnext));
	json_object_set_new(o, "highestmodseq",
	    json_integer((json_int_t)f->modseq.v));
	json_object_set_new(o, "held",
	    f->held.n > 0 ? js_text(f->held) : json_null());
	return o;
}

json_t *
report_folders(const struct conf *conf, const struct account_conf *a,
    struct err *err)
{
	json_t *all = json_array();
	struct store *s = NULL;
	struct folder_row row;
	struct err why = { 0 };
	int64_t at = 0;
	int rc = open_store(conf, a, &s, err);

	while (rc == 1 && store_folder_next(s, &at, &row, &why))
		json_array_append_new(all, folder_object(a->name, &row));
	store_close(s);
	if (rc < 0 || why.class != ERR_NONE) {
		if (rc >= 0)
			*err = why;
		json_decref(all);
		return NULL;
	}
	return all;
}

json_t *
report_totals(const struct conf *conf, const struct account_conf *a)
{
	struct err err;
	json_t *all = report_folders(conf, a, &err), *f;
	json_int_t messages = 0;
	size_t i;

	if (all == NULL)
		return json_null();
	json_array_foreach(all, i, f)
		messages += js_int(f, "messages", 0);
	f = json_pack("{s:I, s:I}", "messages", messages,
	    "folders", (json_int_t)json_array_size(all));
	json_decref(all);
	return f;
}

/* ---- the audit log ---------------------------------------------------- */

static json_t *
audit_object(const char *account, const struct audit_row *r)
{
	json_t *o = json_object();

	json_object_set_new(o, "account", json_string(account));
	json_object_set_new(o, "seq", json_integer(r->seq));
	json_object_set_new(o, "time", js_time(r->when));
	json_object_set_new(o, "op", js_text(r->op));
	json_object_set_new(o, "folder", js_text(r->folder));
	json_object_set_new(o, "uid", json_integer(r->uid.v));
	json_object_set_new(o, "message_id", js_text(r->msgid));
	json_object_set_new(o, "subject", js_text(r->subject));
	json_object_set_new(o, "reason", js_text(r->reason));
	return o;
}

/* A Message-ID as it stands in the header: users may leave out the <>. */
static char *
with_brackets(const char *id)
{
	if (id == NULL || id[0] == '<')
		return xstrdup(id);
	return xasprintf("<%s>", id);
}

json_t *
report_log(const struct conf *conf, const struct account_conf *a,
    const struct log_query *q, struct err *err)
{
	char *msgid = with_brackets(q->msgid);
	json_t *all = json_array();
	struct store *s = NULL;
	struct audit_row row;
	int64_t at = 0;
	int rc = open_store(conf, a, &s, err);

	while (rc == 1 && (rc = store_audit_next(s, &at, str_z(q->folder),
	    str_z(msgid), &row, err)) == 1) {
		if (row.when < q->since)
			continue;
		json_array_append_new(all, audit_object(a->name, &row));
		if (json_array_size(all) > q->most)
			json_array_remove(all, 0);
	}
	store_close(s);
	free(msgid);
	if (rc < 0) {
		json_decref(all);
		return NULL;
	}
	return all;
}
