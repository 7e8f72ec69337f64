/* report.c — folders and history, read from an account's store. */
#include "report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "imap/mutf7.h"
#include "imap/use.h"
#include "js.h"

enum { NAME_MAX_BYTES = 8192 };

int
report_open(const struct conf *conf, const struct account_conf *a,
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
folder_object(const char *account, const struct folder_row *f)
{
	const char *use = use_name(f->attrs);
	json_t *o = json_object();

	json_object_set_new(o, "account", json_string(account));
	json_object_set_new(o, "remote", display_name(f->wire));
	json_object_set_new(o, "local", js_text(f->path));
	json_object_set_new(o, "special_use", use != NULL ?
	    json_string(use) : json_null());
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

static json_t *
give(json_t *all, int rc, const struct err *why, struct err *err)
{
	if (rc >= 0 && why->class == ERR_NONE)
		return all;
	if (rc >= 0)
		*err = *why;
	json_decref(all);
	return NULL;
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
	int rc = report_open(conf, a, &s, err);

	while (rc == 1 && store_folder_next(s, &at, &row, &why))
		json_array_append_new(all, folder_object(a->name, &row));
	store_close(s);
	return give(all, rc, &why, err);
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

uint32_t
report_unseen(const struct conf *conf, const struct account_conf *a)
{
	struct store *s = NULL;
	struct folder_row row;
	struct err err = { 0 };
	int64_t at = 0;
	uint32_t n = 0;

	if (report_open(conf, a, &s, &err) != 1)
		return 0;
	while (store_folder_next(s, &at, &row, &err))
		if (str_ieq(row.wire, STR("INBOX"))) {
			if (store_count_unseen(s, row.id, &n, &err) < 0)
				n = 0;
			break;
		}
	store_close(s);
	return n;
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

char *
report_msgid(const char *id)
{
	if (id == NULL || id[0] == '<')
		return xstrdup(id);
	return xasprintf("<%s>", id);
}

json_t *
report_log(const struct conf *conf, const struct account_conf *a,
    const struct log_query *q, struct err *err)
{
	char *msgid = report_msgid(q->msgid);
	json_t *all = json_array();
	struct store *s = NULL;
	struct audit_row row;
	int64_t at = q->after;
	int rc = report_open(conf, a, &s, err);

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

/* ---- what was done ----------------------------------------------------- */

static void
count_op(json_t *done, const struct audit_row *row)
{
	char *op = str_dup(row->op);

	json_object_set_new(done, op, json_integer(js_int(done, op, 0) + 1));
	free(op);
}

/* When it was verified last, and what came of it: see worker_backup.c. */
static int
add_verified(struct store *s, json_t *out, struct err *err)
{
	long long at = 0, findings = 0;
	char *text;

	if (store_get(s, "verified", &text, err) < 0)
		return -1;
	if (text != NULL && sscanf(text, "%lld %lld", &at, &findings) == 2) {
		json_object_set_new(out, "verified", js_time(at));
		json_object_set_new(out, "findings", json_integer(findings));
	}
	free(text);
	return 0;
}

json_t *
report_period(const struct conf *conf, const struct account_conf *a,
    int64_t since, struct err *err)
{
	json_t *done = json_object(), *out;
	uint64_t messages = 0, bytes = 0;
	struct store *s = NULL;
	struct audit_row row;
	int64_t at = 0;
	int rc = report_open(conf, a, &s, err), got = 0;

	if (rc == 1)
		rc = store_totals(s, &messages, &bytes, err) < 0 ? -1 : 1;
	while (rc == 1 && (got = store_audit_next(s, &at, STR_NONE, STR_NONE,
	    &row, err)) == 1)
		if (row.when >= since)
			count_op(done, &row);
	out = json_pack("{s:s, s:o, s:I, s:I, s:o}", "account", a->name,
	    "since", js_time(since), "messages", (json_int_t)messages,
	    "bytes", (json_int_t)bytes, "done", done);
	if (rc == 1 && got == 0)
		rc = add_verified(s, out, err);
	store_close(s);
	if (rc >= 0 && got >= 0)
		return out;
	json_decref(out);
	return NULL;
}

/* ---- where a message is ----------------------------------------------- */

static const struct {
	const char	*name, *text;
} stages[] = {
	[ST_PRESENT] = { "present", "on both sides" },
	[ST_LANDING] = { "landing", "being put into the Maildir" },
	[ST_APPENDING] = { "sending", "being sent to the server" },
	[ST_MOVING] = { "moving", "being moved on the server" },
	[ST_TOMBSTONE] = { "going",
	    "gone on the server; removed here in a moment, unless it was moved" },
	[ST_GONE_LOCAL] = { "remote-only",
	    "on the server only: deleted here, and that does not travel" },
	[ST_GONE_REMOTE] = { "local-only",
	    "here only: deleted on the server, and that does not travel" },
	[ST_REFUSED] = { "refused",
	    "one side did not take it; the log says why" },
	[ST_REPLACED] = { "replaced",
	    "an older version, removed once the newer is on the server" }
};

static json_t *
place_object(const struct account_conf *a, const struct folder_row *f,
    const struct msg_row *m)
{
	json_t *o = json_object();
	char *file = NULL, *name;

	if (m->unique.n > 0) {
		name = str_dup(m->file);
		file = xasprintf("%s/%.*s/%s/%s", a->path, (int)f->path.n,
		    f->path.p, m->in_new ? "new" : "cur", name);
		free(name);
	}
	json_object_set_new(o, "account", json_string(a->name));
	json_object_set_new(o, "folder", display_name(f->wire));
	json_object_set_new(o, "uid", json_integer(m->uid.v));
	json_object_set_new(o, "file",
	    file != NULL ? js_text(str_z(file)) : json_null());
	json_object_set_new(o, "state", json_string(stages[m->stage].name));
	json_object_set_new(o, "text", json_string(stages[m->stage].text));
	json_object_set_new(o, "subject", js_text(m->subject));
	free(file);
	return o;
}

static int
folder_of(struct store *s, int64_t id, struct folder_row *f, struct err *err)
{
	int64_t at = 0;

	while (store_folder_next(s, &at, f, err))
		if (f->id == id)
			return 1;
	return err->class == ERR_NONE ? 0 : -1;
}

json_t *
report_places(const struct conf *conf, const struct account_conf *a,
    const char *msgid, struct err *err)
{
	char *id = report_msgid(msgid);
	json_t *all = json_array();
	struct store *s = NULL;
	struct cursor *c = NULL;
	struct folder_row f;
	struct msg_row m;
	struct err why = { 0 };
	int rc = report_open(conf, a, &s, err);

	if (rc == 1 && (c = cursor_open_msgid(s, str_z(id), err)) == NULL)
		rc = -1;
	while (rc == 1 && (rc = cursor_next(c, &m, err)) == 1)
		if (folder_of(s, m.folder, &f, &why) == 1)
			json_array_append_new(all, place_object(a, &f, &m));
	cursor_close(c);
	store_close(s);
	free(id);
	return give(all, rc, &why, err);
}
