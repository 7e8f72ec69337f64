/* host_answer.c — results of scripts become plans. */
#include "host_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

void
answer_fault(struct host *h, struct pending *pe, struct host_plugin *pl, int64_t msg,
    struct str where, struct str text)
{
	struct hook_fault *f;

	(void)h;
	pe->fault = array_room(pe->fault, pe->n_faults, &pe->cap_faults,
	    sizeof(*pe->fault));
	f = &pe->fault[pe->n_faults++];
	*f = (struct hook_fault){ .plugin = str_z(pl->conf->name),
	    .where = arena_str(&pe->a, where), .text = arena_str(&pe->a, text),
	    .msg = msg, .owed = true };
}

/* Is ${id} a plugin of this process?  NULL: it lies. */
static struct host_plugin *
plugin_of(struct host *h, const struct proc *p, uint32_t id)
{
	return id < h->n_plugins && h->plugin[id].proc == p ? &h->plugin[id] : NULL;
}

static bool
room_for_ops(const struct pending *pe)
{
	return pe->n_ops < HOST_OPS_MAX;
}

static struct str
text(struct frame_in *in, struct pending *pe)
{
	return arena_str(&pe->a, frame_str(in));
}

static int
read_op(struct host *h, struct proc *p, struct pending *pe, uint32_t part)
{
	struct frame_in *in = &p->in;
	uint32_t id = frame_u32(in), n;
	struct host_plugin *pl = plugin_of(h, p, id);
	unsigned kind = frame_u8(in), bits;
	struct hook_op op = { .fd = -1 };
	struct str *arg;
	size_t cap = pe->cap_ops;

	op.verb = text(in, pe);
	op.where = text(in, pe);
	op.lost = text(in, pe);
	op.msg = (int64_t)frame_u64(in);
	n = frame_n(in, 4, HOOK_ARGS_MAX * 8);
	arg = arena_get(&pe->a, (n + 1) * sizeof(*arg));
	for (uint32_t i = 0; i < n; i++)
		arg[i] = text(in, pe);
	op.sys = frame_u32(in) & FLAG_ALL;
	bits = frame_u8(in);
	op.timeout = (usec)frame_u64(in);
	if (bits & OP_BYTES)
		op.fd = frame_blob_fd(in);
	if (in->bad || pl == NULL || kind >= OPK_KINDS || !room_for_ops(pe) ||
	    op.timeout < 0) {
		if (op.fd >= 0)
			close(op.fd);
		return -1;
	}
	op.kind = (enum hook_op_kind)kind;
	op.plugin = str_z(pl->conf->name);
	op.arg = arg;
	op.n_args = n;
	op.whole = (bits & OP_WHOLE) != 0;
	op.once = (bits & OP_ONCE) != 0 ? ONCE_AT_MOST : ONCE_AT_LEAST;
	if (op.lost.n == 0)
		op.lost = STR_NONE;
	pe->note = array_room(pe->note, pe->n_ops, &cap, sizeof(*pe->note));
	pe->op = array_room(pe->op, pe->n_ops, &pe->cap_ops, sizeof(*pe->op));
	pe->note[pe->n_ops].plugin = id;
	pe->note[pe->n_ops].part = part;
	pe->op[pe->n_ops++] = op;
	return 0;
}

static int
read_write(struct host *h, struct proc *p, struct pending *pe)
{
	struct frame_in *in = &p->in;
	struct host_plugin *pl = plugin_of(h, p, frame_u32(in));
	struct hook_kv kv = { .store = text(in, pe), .key = text(in, pe) };
	bool remove = frame_u8(in) != 0;

	kv.value = arena_str(&pe->a, frame_blob(in));
	kv.expires = (int64_t)frame_u64(in);
	if (in->bad || pl == NULL || pe->n_kv >= HOST_OPS_MAX)
		return -1;
	if (remove)
		kv.value = STR_NONE;
	kv.plugin = str_z(pl->conf->name);
	pe->kv = array_room(pe->kv, pe->n_kv, &pe->cap_kv, sizeof(*pe->kv));
	pe->kv[pe->n_kv++] = kv;
	return 0;
}

static int
read_fault(struct host *h, struct proc *p, struct pending *pe, uint32_t index)
{
	struct frame_in *in = &p->in;
	struct host_plugin *pl = plugin_of(h, p, frame_u32(in));
	struct str where = frame_str(in), what = frame_str(in);
	char line[600];
	int64_t msg;

	if (in->bad || pl == NULL)
		return -1;
	msg = index < pe->event.n_msgs && pe->n_parts == pe->event.n_msgs ?
	    pe->event.msg[index].id : 0;
	answer_fault(h, pe, pl, msg, where, what);
	snprintf(line, sizeof(line), "%.*s%s%.*s", STR_ARG(where),
	    where.n > 0 ? ": " : "", STR_ARG(what));
	log_warn("plugin %s: %s (%s)", pl->conf->name, line,
	    hook_kind_name(pe->event.kind));
	plugin_failed(h, pl, str_z(line), false);
	return 0;
}

/* One entry: a run's, or the next part of it. */
static int
read_entry(struct host *h, struct proc *p, struct pending *pe, struct share *sh,
    uint32_t index)
{
	struct frame_in *in = &p->in;
	bool last = frame_u8(in) != 0;
	uint32_t n = frame_n(in, 30, HOST_OPS_MAX);

	while (n-- > 0) {
		if (read_op(h, p, pe, index) < 0)
			return -1;
	}
	n = frame_n(in, 20, HOST_OPS_MAX);
	while (n-- > 0) {
		if (read_write(h, p, pe) < 0)
			return -1;
	}
	n = frame_n(in, 12, HOST_PLUGINS);
	while (n-- > 0) {
		if (read_fault(h, p, pe, index) < 0)
			return -1;
	}
	if (buf_add_str(&pe->reply, frame_str(in)) < 0 || in->bad)
		return -1;
	if (last) {
		sh->open[index] = false;
		sh->n_open--;
	}
	return 0;
}

/* An event that was answered by its deadline is not known any more: its entry is
 * read into nothing. */
static struct share *
share_of(struct pending *pe, const struct proc *p, uint32_t index)
{
	for (size_t i = 0; pe != NULL && i < pe->n_shares; i++) {
		struct share *sh = &pe->share[i];

		if (sh->proc == p && index < pe->n_parts && sh->open[index])
			return sh;
	}
	return NULL;
}

static int
read_result(struct host *h, struct proc *p)
{
	struct frame_in *in = &p->in;
	uint32_t n = frame_n(in, 20, HOST_OPS_MAX);

	while (n-- > 0) {
		uint32_t number = frame_u32(in), index = frame_u32(in);
		struct pending *pe = ask_find(h, number), *spare = NULL;
		struct share *sh = share_of(pe, p, index), none = { .n_open = 1 };
		int rc;

		if (sh == NULL) {
			const struct hook_event nothing = { .id = 1 };

			pe = spare = ask_copy(&nothing);
			sh = &none;
			index = 0;
		}
		rc = read_entry(h, p, pe, sh, index);
		ask_free(spare);
		if (rc < 0)
			return -1;
	}
	return frame_ended(in) ? 0 : -1;
}

static int
read_log(struct host *h, struct proc *p)
{
	struct frame_in *in = &p->in;
	struct host_plugin *pl = plugin_of(h, p, frame_u32(in));
	unsigned level = frame_u8(in);
	struct str line = frame_str(in);

	if (pl == NULL || in->bad || level > LOG_LV_INFO)
		return -1;
	log_at((enum log_level)level, "plugin %s: %.*s", pl->conf->name,
	    STR_ARG(line));
	return 0;
}

/* Names beyond the cap are not counted. */
static int
read_metric(struct host *h, struct proc *p)
{
	struct frame_in *in = &p->in;
	struct host_plugin *pl = plugin_of(h, p, frame_u32(in));
	struct str name = frame_str(in);
	int64_t n = (int64_t)frame_u64(in);
	size_t i = 0;

	if (pl == NULL || in->bad || name.n == 0)
		return -1;
	while (i < pl->n_metrics && !str_eq(str_z(pl->metric[i].name), name))
		i++;
	if (i == HOST_METRICS)
		return 0;
	if (i == pl->n_metrics)
		pl->metric[pl->n_metrics++] = (struct hook_metric){
		    .name = str_dup(name) };
	/* Whatever a script adds: no overflow. */
	pl->metric[i].n = (int64_t)((uint64_t)pl->metric[i].n + (uint64_t)n);
	return 0;
}

int
answer_read(struct host *h, struct proc *p)
{
	struct frame_in *in = &p->in;
	struct str remarks;

	if (!p->greeted) {
		if (in->type != FRAME_HELLO || frame_u32(in) != FRAME_VERSION)
			return -1;
		remarks = frame_str(in);
		if (remarks.n > 0)
			log_notice("script process: %.*s", STR_ARG(remarks));
		p->greeted = true;
		p->fails = 0;
		return frame_ended(in) ? 0 : -1;
	}
	switch (in->type) {
	case FRAME_LOADED:
		return plugin_loaded(h, p);
	case FRAME_RESULT:
		return read_result(h, p);
	case FRAME_CALL:
		return call_read(h, p);
	case FRAME_LOG:
		return read_log(h, p);
	case FRAME_METRIC:
		return read_metric(h, p);
	default:
		return -1;
	}
}

/* ---- the plan as a whole -------------------------------------------- */

static bool
files(const struct hook_op *op)
{
	return op->lost.p == NULL && (op->kind == OPK_MOVE ||
	    op->kind == OPK_ARCHIVE || op->kind == OPK_TRASH ||
	    op->kind == OPK_DELETE ||
	    (op->kind == OPK_ACROSS && op->n_args > 2));
}

/* Plugins of other processes did not see each other's moves. */
static void
settle_moves(struct pending *pe)
{
	for (size_t i = 0; i < pe->n_ops; i++) {
		struct hook_op *op = &pe->op[i];

		if (!files(op) || str_eq(op->verb, STR("refile")))
			continue;
		for (size_t k = 0; k < i; k++) {
			if (!files(&pe->op[k]) || pe->op[k].msg != op->msg)
				continue;
			op->lost = STR("already filed by another plugin");
			break;
		}
	}
}

void
answer_order(struct host *h, struct pending *pe)
{
	struct hook_op *sorted;
	size_t n = 0;

	if (pe->n_shares < 2 || pe->n_ops == 0)
		return;
	sorted = xreallocarray(NULL, pe->n_ops, sizeof(*sorted));
	for (uint32_t id = 0; id < h->n_plugins; id++) {
		for (size_t i = 0; i < pe->n_ops; i++) {
			if (pe->note[i].plugin == id)
				sorted[n++] = pe->op[i];
		}
	}
	free(pe->op);
	pe->op = sorted;
	settle_moves(pe);
}
