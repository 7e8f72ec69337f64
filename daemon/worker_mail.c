/* worker_mail.c — what a round did to the files here. */
#include "worker_mail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/attr.h"
#include "base/log.h"
#include "base/mem.h"
#include "ipc.h"
#include "js.h"
#include "link.h"
#include "store/store.h"

/* So many are named; a first sync is a number. */
enum { NAMED_MAX = 25, TEXT_MAX = 200, FOLDERS_MAX = 50 };
/* All of them together, as JSON: what strangers wrote may become six times as long,
 * and the message to the parent must not be lost for it. */
enum { ROOM = IPC_MAX - 1024 };

/* What others can see in the tree; our own user's changes are known to him. */
static const struct {
	const char	*op, *event;
} ops[] = {
	{ "download", "mail.new" }, { "put-back", "mail.new" },
	{ "flags-local", "mail.flags" }, { "move-local", "mail.moved" },
	{ "delete-local", "mail.removed" }
};

static const char *
event_of(struct str op)
{
	for (size_t i = 0; i < ARRAY_LEN(ops); i++)
		if (str_eq(op, str_z(ops[i].op)))
			return ops[i].event;
	return NULL;
}

int64_t
worker_mail_begin(struct account *acc)
{
	int64_t seq = 0;
	struct err err;

	if (store_audit_end(acc->store, &seq, &err) < 0)
		log_debug("events: %s", err.text);
	return seq;
}

static void
add_file(json_t *o, const struct account *acc, const struct msg_row *m)
{
	const struct folder *f = account_by_id(acc, m->folder);
	struct str letters = str_from(m->file, str_find(m->file, ':') + 1);
	char *path;

	if (f == NULL || m->file.n == 0)
		return;
	path = xasprintf("%s/%s/%s/%.*s", acc->root, f->path,
	    m->in_new ? "new" : "cur", (int)m->file.n, m->file.p);
	json_object_set_new(o, "path", js_text(str_z(path)));
	json_object_set_new(o, "flags", js_text(str_starts(letters, STR("2,")) ?
	    str_from(letters, 2) : STR("")));
	json_object_set_new(o, "from", js_text_cut(m->from, TEXT_MAX));
	free(path);
}

static json_t *
describe(struct account *acc, const struct audit_row *a, const char *event)
{
	json_t *o = json_object();
	int64_t msg = a->msg;
	struct msg_row m;
	struct err err;

	json_object_set_new(o, "event", json_string(event));
	json_object_set_new(o, "folder", js_text(a->folder));
	json_object_set_new(o, "uid", json_integer(a->uid.v));
	json_object_set_new(o, "message_id", js_text_cut(a->msgid, TEXT_MAX));
	json_object_set_new(o, "subject", js_text_cut(a->subject, TEXT_MAX));
	/* Texts of the audit row are gone after this. */
	if (msg != 0 && store_find_id(acc->store, msg, &m, &err) > 0)
		add_file(o, acc, &m);
	return o;
}

/* Consumes ${v}; it is left out when there is no room. */
static void
take_add(json_t *list, json_t *v, size_t *room)
{
	char *text = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);
	size_t n = text != NULL ? strlen(text) + 1 : SIZE_MAX;

	free(text);
	if (n > *room) {
		json_decref(v);
		return;
	}
	*room -= n;
	json_array_append_new(list, v);
}

static void
add_folder(json_t *folders, struct str name, size_t *room)
{
	json_t *v, *seen;
	size_t i;

	if (json_array_size(folders) >= FOLDERS_MAX)
		return;
	v = js_text_cut(name, TEXT_MAX);
	json_array_foreach(folders, i, seen)
		if (json_equal(seen, v)) {
			json_decref(v);
			return;
		}
	take_add(folders, v, room);
}

void
worker_mail_tell(struct account *acc, int64_t *seq)
{
	json_t *named = json_array(), *folders = json_array();
	json_int_t changed = 0, fresh = 0;
	size_t room = ROOM;
	struct audit_row a;
	struct err err;
	int got;

	while ((got = store_audit_next(acc->store, seq, STR_NONE, STR_NONE, &a,
	    &err)) == 1) {
		const char *event = event_of(a.op);

		if (event == NULL)
			continue;
		changed++;
		fresh += str_ends(str_z(event), STR(".new"));
		add_folder(folders, a.folder, &room);
		if (json_array_size(named) < NAMED_MAX)
			take_add(named, describe(acc, &a, event), &room);
	}
	if (got < 0)
		log_debug("events: %s", err.text);
	if (changed > 0)
		link_send(IPC_MAIL, json_pack("{s:O, s:I, s:I, s:O}",
		    "changes", named, "changed", changed, "new", fresh,
		    "folders", folders));
	json_decref(named);
	json_decref(folders);
}
