/* drain.c — one POP3 session: list, fetch, land; drain_dele.c: delete, quit. */
#include "engine/drain_impl.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "engine/offer.h"
#include "engine/pattern.h"
#include "engine/placeholder.h"
#include "engine/recover.h"
#include "engine/remote.h"
#include "maildir/path.h"
#include "pop3/lane.h"

/* What a line that breaks can cost to be fetched or deleted once more. */
enum { SLICE_BYTES = 64 << 20 };

/* ---- the folder ------------------------------------------------------- */

/* There is one.  In a dry run it may not exist yet. */
static int
inbox(struct account *acc, struct folder **out, struct err *err)
{
	struct str name = STR("INBOX");
	struct folder *f = account_by_wire(acc, name);
	enum layout layout = (enum layout)acc->conf->layout;

	*out = f;
	if (f == NULL) {
		f = *out = account_folder_new(acc);
		f->wire = str_dup(name);
		f->name = str_dup(name);
		f->path = mpath_from_names(layout, &name, 1, err);
		must(f->path != NULL);
	}
	f->policy = pattern_policy(acc->conf, name, 0);
	if (acc->dry_run)
		return 0;
	if (mpath_create(acc->root_fd, layout, str_z(f->path), err) < 0)
		return -1;
	if (f->id == 0 && (account_begin(acc, err) < 0 ||
	    account_end(acc, folder_save(acc, f, err), err) < 0))
		return -1;
	return folder_load(acc, f, err);
}

/* Once a round: what was refused is tried again with it. */
static int
recover(struct account *acc, bool again, struct err *err)
{
	if (again || acc->dry_run)
		return 0;
	acc->recovered = true;
	return recover_all(acc, err);
}

/* ---- what is left on the server --------------------------------------- */

#define TOO_BIG	"larger than limits.max_message_size"

static void
warn(struct drain *d, const struct drop_msg *msg, const char *code,
    const char *why)
{
	problem_open(d->acc, PROBLEM_WARNING, code, d->f, "",
	    "%s: message %u (%" PRIu64 " bytes): %s; it stays on the server only",
	    d->f->name, msg->number, msg->size, why);
	d->acc->tally.refused++;
}

/* A message that stays there and is not asked for again, at least for a day. */
static int
refuse(struct drain *d, const struct drop_msg *msg, bool for_good,
    const char *code, const char *why, struct err *err)
{
	struct msg_row row = { .when = for_good ? 0 : clock_wall() };
	struct uidl_row listed;
	int r;

	warn(d, msg, code, why);
	/* Nothing to know it by: it will be asked for again. */
	if (msg->uidl == NULL)
		return 0;
	if (account_begin(d->acc, err) < 0)
		return -1;
	listed = maildrop_row(&d->m, msg);
	/* Whatever scripts said: it is there only. */
	listed.keep = KEEP_CONF;
	r = maildrop_refuse(d->acc, d->f, &row, &listed, why, err);
	free(listed.uidl);
	return account_end(d->acc, r, err);
}

static bool
too_big(const struct drain *d, uint64_t size)
{
	return size > (uint64_t)d->acc->conf->limits.max_message_size;
}

/* ---- fetching --------------------------------------------------------- */

/* Without ids nothing can be kept there: it would come again and again. */
static int
check_ids(const struct drain *d, struct err *err)
{
	if (d->m.has_ids || d->m.n == 0 ||
	    d->acc->conf->pop3.keep_on_server == 0)
		return 0;
	return err_set(err, ERR_CONFIG, "server.no-uidl", "the server has no "
	    "UIDL, so it cannot be told what was fetched already: only "
	    "pop3.keep_on_server: 0 works here");
}

/* Choose what this session is for.  A server that rations logins is asked for
 * all at once. */
static void
choose(struct drain *d)
{
	bool sliced = pop3_caps(d->acc->work)->login_delay == 0;
	uint64_t bytes = 0;

	d->wanted = xreallocarray(NULL, d->m.n + 1, sizeof(*d->wanted));
	d->big = xreallocarray(NULL, d->m.n + 1, sizeof(*d->big));
	for (size_t i = 0; i < d->m.n && !d->m.held; i++) {
		struct drop_msg *msg = &d->m.v[i];

		if (msg->row != NULL)
			continue;
		if (d->m.has_ids && msg->uidl == NULL &&
		    d->acc->conf->pop3.keep_on_server != 0) {
			problem_open(d->acc, PROBLEM_WARNING, "server.no-uidl",
			    d->f, "", "%s: message %u has no id; it stays on the "
			    "server only", d->f->name, msg->number);
			d->trouble = true;
			continue;
		}
		if (too_big(d, msg->size)) {
			d->big[d->n_big++] = msg;
			continue;
		}
		if (sliced && ((int64_t)d->n_wanted ==
		    d->acc->conf->pop3.max_per_session ||
		    (bytes >= SLICE_BYTES && d->n_wanted > 0))) {
			d->more = true;
			break;
		}
		bytes += msg->size;
		d->wanted[d->n_wanted++] = msg;
	}
}

/* Who sent it, and what about, may be asked. */
static int
ask_header(struct drain *d, const struct drop_msg *msg, struct header *header,
    struct err *err)
{
	struct event ev = { .kind = EV_BODY };

	(void)pop3_top(d->acc->work, msg->number);
	while (ev.kind != EV_DONE) {
		if (remote_next(d->acc, &ev, err) < 0)
			return -1;
		if (ev.kind == EV_DATA)
			header_add(header, ev.data);
	}
	header_end(header);
	return 0;
}

/* Without an id it would be told of in each session. */
static bool
has_stand_in(const struct drain *d, const struct drop_msg *msg)
{
	return d->acc->conf->pop3.too_big != TOO_BIG_SKIP && msg->uidl != NULL;
}

static int
stand_in(struct drain *d, const struct drop_msg *msg, uint64_t size,
    const struct header *header, struct err *err)
{
	struct arrival *a = placeholder_add(&d->arrived, header, size,
	    d->m.now / USEC_S(1), err);

	if (a == NULL)
		return -1;
	a->listed = maildrop_row(&d->m, msg);
	a->stands_for = TOO_BIG;
	return 0;
}

static int
tell_of(struct drain *d, const struct drop_msg *msg, struct err *err)
{
	struct header header = { 0 };
	struct err broken;
	int r;

	if (!has_stand_in(d, msg))
		return refuse(d, msg, true, "server.too-big", TOO_BIG, err);
	warn(d, msg, "server.too-big", TOO_BIG);
	r = ask_header(d, msg, &header, err);
	/* A server that cannot be asked does not get to be asked each time. */
	if (r < 0)
		header_clear(&header);
	if (stand_in(d, msg, msg->size, &header, r < 0 ? &broken : err) < 0)
		r = -1;
	header_clear(&header);
	return r;
}

static int
body_data(struct drain *d, struct str bytes, struct err *err)
{
	d->size += bytes.n;
	/* LIST has lied. */
	if (too_big(d, d->size)) {
		if (d->arrived.open) {
			d->lied = d->arrived.header;
			d->arrived.header = (struct header){ 0 };
		}
		land_discard(&d->arrived);
		return 0;
	}
	return land_data(&d->arrived, bytes, err);
}

static int
end_lie(struct drain *d, const struct drop_msg *msg, struct err *err)
{
	int r;

	if (has_stand_in(d, msg)) {
		warn(d, msg, "server.too-big", TOO_BIG);
		header_end(&d->lied);
		r = stand_in(d, msg, d->size, &d->lied, err);
	} else {
		r = refuse(d, msg, true, "server.too-big", TOO_BIG, err);
	}
	header_clear(&d->lied);
	return r;
}

static int
end_body(struct drain *d, struct err *err)
{
	struct drop_msg *msg = d->wanted[d->at];
	struct arrival *a;

	d->acc->progress->done++;
	if (too_big(d, d->size))
		return end_lie(d, msg, err);
	if (d->size == 0) {
		land_discard(&d->arrived);
		return refuse(d, msg, false, "server.poison",
		    "the server gives no bytes for it", err);
	}
	a = land_end(&d->arrived, d->m.now / USEC_S(1), err);
	if (a == NULL)
		return -1;
	a->listed = maildrop_row(&d->m, msg);
	a->row = msg->id;
	a->landed = &msg->landed;
	/* It landed before, and then the server was not told. */
	if (msg->uidl == NULL &&
	    maildrop_by_content(&d->m, msg, &a->landing.id.all) != NULL)
		land_undo(&d->arrived);
	return land_full(&d->arrived) ? land_all(&d->arrived, err) : 0;
}

static int
answered(struct drain *d, const struct ev_done *done, struct err *err)
{
	struct drop_msg *msg = d->wanted[d->at++];
	char why[200];

	if (done->status == DONE_OK)
		return 0;
	snprintf(why, sizeof(why), "the server refuses to give it: %.*s",
	    STR_ARG(done->text));
	return refuse(d, msg, false, "server.poison", why, err);
}

static int
fetch(struct drain *d, struct err *err)
{
	struct event ev;
	int r = 0;

	for (size_t i = 0; i < d->n_wanted; i++)
		(void)pop3_retr(d->acc->work, d->wanted[i]->number);
	while (d->at < d->n_wanted && r == 0) {
		if (remote_next(d->acc, &ev, err) < 0)
			return -1;
		switch (ev.kind) {
		case EV_BODY:
			d->size = 0;
			r = land_begin(&d->arrived, err);
			break;
		case EV_DATA:
			r = body_data(d, ev.data, err);
			break;
		case EV_MSG:
			r = end_body(d, err);
			break;
		case EV_DONE:
			r = answered(d, &ev.done, err);
			break;
		default:
			break;
		}
	}
	return r < 0 ? -1 : land_all(&d->arrived, err);
}

/* Scripts may not want some of it. */
static int
offer(struct drain *d, struct err *err)
{
	size_t n = 0;

	if (offer_all(&d->m, d->wanted, d->n_wanted, err) < 0)
		return -1;
	for (size_t i = 0; i < d->n_wanted; i++)
		if (!d->wanted[i]->declined)
			d->wanted[n++] = d->wanted[i];
	d->n_wanted = n;
	return 0;
}

static int
fetch_all(struct drain *d, struct err *err)
{
	struct err ignored;
	int r;

	progress_phase(d->acc->progress, PHASE_DOWNLOAD, d->f->name,
	    d->n_wanted);
	if (d->n_wanted + d->n_big == 0)
		return 0;
	if (land_prepare(d->acc, d->f, err) < 0)
		return -1;
	r = 0;
	for (size_t i = 0; i < d->n_big && r == 0; i++)
		r = tell_of(d, d->big[i], err);
	if (r == 0)
		r = offer(d, err);
	if (r == 0)
		r = fetch(d, err);
	/* What has arrived whole is landed even if the connection broke. */
	if (r < 0 && (err->class == ERR_RETRY || err->class == ERR_PROTO))
		(void)land_all(&d->arrived, &ignored);
	return r;
}

/* ---- the session ------------------------------------------------------ */

static void
plan(struct drain *d)
{
	for (size_t i = 0; i < d->n_wanted; i++)
		(void)!buf_fmt(&d->acc->plan, "%s: download message %u (%" PRIu64
		    " bytes): new on the server, unknown here\n", d->f->name,
		    d->wanted[i]->number, d->wanted[i]->size);
	for (size_t i = 0; i < d->m.n; i++) {
		const char *why = drain_due(d, &d->m.v[i]);

		if (why != NULL)
			(void)!buf_fmt(&d->acc->plan, "%s: delete-remote message "
			    "%u: %s\n", d->f->name, d->m.v[i].number, why);
	}
}

static void
hold(struct drain *d)
{
	char *target = problem_target(d->acc, d->f);
	char *remedy = xasprintf("syncd approve %s", target);

	problem_open(d->acc, PROBLEM_ERROR, "guard.uidl-change", d->f, remedy,
	    "%s: all messages have new ids on the server, and it shows no "
	    "headers to compare (TOP): they are not fetched a second time",
	    d->f->name);
	free(remedy);
	free(target);
	d->trouble = true;
}

static void
check_expire(struct drain *d)
{
	if (pop3_caps(d->acc->work)->expires &&
	    d->acc->conf->pop3.keep_on_server != 0)
		problem_open(d->acc, PROBLEM_WARNING, "server.expire", d->f, "",
		    "%s: the server deletes what was fetched (EXPIRE 0), whatever "
		    "pop3.keep_on_server says", d->f->name);
}

static int
session(struct drain *d, struct err *err)
{
	struct folder *f = d->f;
	int r;

	progress_phase(d->acc->progress, PHASE_COMPARE, f->name, 0);
	if (maildrop_read(&d->m, d->o->verdict == VERDICT_APPROVE, err) < 0)
		return -1;
	problem_close(d->acc, NULL, f);
	if (check_ids(d, err) < 0)
		return -1;
	choose(d);
	if (d->m.held)
		hold(d);
	if (d->acc->dry_run) {
		plan(d);
		return drain_goodbye(d, err) < 0 ? -1 : 0;
	}
	check_expire(d);
	if (!d->m.held && maildrop_record(&d->m, err) < 0)
		return -1;
	if (fetch_all(d, err) < 0)
		return -1;
	progress_phase(d->acc->progress, PHASE_APPLY, f->name, 0);
	r = drain_goodbye(d, err);
	if (r > 0)
		r = drain_record_deleted(d, err);
	return r;
}

static int
save_count(struct drain *d, struct err *err)
{
	uint32_t left = (uint32_t)(d->m.n - d->n_deleted);

	if (d->f->messages == left || d->acc->dry_run)
		return 0;
	d->f->messages = left;
	if (account_begin(d->acc, err) < 0)
		return -1;
	return account_end(d->acc, folder_save(d->acc, d->f, err), err);
}

/* A session that got nothing done would be the same once more. */
static int
result(const struct drain *d, const struct tally *did, bool hides)
{
	if (d->acc->dry_run || d->trouble)
		return d->trouble;
	return did->downloaded + did->deleted_remote + did->refused > 0 &&
	    (d->more || hides) ? DRAIN_MORE : 0;
}

static int
run(struct drain *d, struct err *err)
{
	static const struct tally nothing;
	struct tally before = d->acc->tally, did;
	bool hides = pop3_hides(d->acc->work);
	usec started = clock_now();
	int r = session(d, err);

	if (r == 0)
		r = save_count(d, err);
	did = tally_since(&before, &d->acc->tally);
	if (r == 0)
		r = result(d, &did, hides);
	if (d->o->done != NULL && memcmp(&did, &nothing, sizeof(did)) != 0)
		d->o->done(d->o->who, d->f, &did, clock_now() - started);
	land_clear(&d->arrived);
	header_clear(&d->lied);
	free(d->wanted);
	free(d->big);
	maildrop_clear(&d->m);
	return r;
}

int
drain_session(struct account *acc, const struct round_opts *o, bool again,
    struct err *err)
{
	struct drain d = { .acc = acc, .o = o };
	int r = -1;

	remote_want_msgs(acc, true);
	if ((acc->dry_run || account_claim(acc, err) == 0) &&
	    inbox(acc, &d.f, err) == 0 && recover(acc, again, err) == 0) {
		d.m.acc = d.arrived.acc = acc;
		d.m.f = d.arrived.f = d.f;
		r = run(&d, err);
	}
	remote_want_msgs(acc, false);
	remote_detach(acc);
	/* Messages have no state that two programs could agree on; a folder that a
	 * script has made is nothing to look at, either. */
	acc->tree_remote = acc->tree_local = false;
	for (size_t i = 0; i < acc->n_folders; i++)
		acc->folder[i]->dirty = 0;
	progress_phase(acc->progress, PHASE_IDLE, NULL, 0);
	return r;
}
