/* watcher.c — the connections that only listen. */
#include "engine/watcher.h"

#include "base/attr.h"
#include "base/clock.h"
#include "base/log.h"
#include "engine/pattern.h"
#include "imap/cmd.h"
#include "imap/lane.h"

/* Servers end an idle session after 30 minutes, Microsoft tells nothing after
 * ten, and some NATs forget after five but for TCP keep-alives. */
enum { RENEW_S = 9 * 60 };
/* A connection that was lost is made again at once, but not again and again: some
 * servers let us in and then find that there are too many of us. */
enum { AGAIN_S = 2, STEADY_S = 60 };

bool
watcher_useful(const struct account *acc)
{
	return acc->work != NULL && (imap_can(acc->work, CAP_NOTIFY) ||
	    imap_can(acc->work, CAP_IDLE));
}

static bool
is_heard(const struct account *acc, const struct folder *f)
{
	for (size_t i = 0; i < acc->n_listeners; i++)
		if (acc->listener[i].folder == f->id)
			return true;
	return false;
}

/* A folder to be idle in; INBOX goes first, for connections are few. */
static const struct folder *
next_folder(const struct account *acc)
{
	const struct folder *next = NULL;

	for (size_t i = 0; i < acc->n_folders; i++) {
		const struct folder *f = acc->folder[i];

		if (!folder_active(f) || is_heard(acc, f) ||
		    !pattern_selects(&acc->conf->watch.idle_folders,
		    str_z(f->name), f->attrs))
			continue;
		if (next == NULL || str_ieq(str_z(f->wire), STR("INBOX")))
			next = f;
	}
	return next;
}

static bool
lacks(const struct account *acc)
{
	if (acc->work == NULL || acc->conf->watch.remote != WATCH_AUTO ||
	    acc->n_listeners == ARRAY_LEN(acc->listener) ||
	    (int64_t)acc->n_listeners + 1 >= acc->conf->limits.connections)
		return false;
	if (imap_can(acc->work, CAP_NOTIFY))
		return acc->n_listeners == 0;
	return imap_can(acc->work, CAP_IDLE) && next_folder(acc) != NULL;
}

bool
watcher_lacks(const struct account *acc)
{
	return clock_now() >= acc->listen_at && lacks(acc);
}

void
watcher_failed(struct account *acc)
{
	if (acc->listen_failures > 0)
		acc->listen_at = clock_in(clock_doubled(USEC_S(AGAIN_S),
		    acc->listen_failures - 1, USEC_S(RENEW_S)));
	acc->listen_failures++;
}

static void
be_idle(struct account *acc, struct listener *l)
{
	const struct folder *f = next_folder(acc);

	if (!imap_can(l->lane, CAP_IDLE) || f == NULL)
		return;
	l->folder = f->id;
	l->select = imap_select(l->lane, str_z(f->wire), true,
	    (struct uidvalidity){ 0 }, (struct modseq){ 0 });
	l->req = imap_idle(l->lane);
}

void
watcher_start(struct account *acc, struct lane *ln)
{
	struct listener *l = &acc->listener[acc->n_listeners++];

	*l = (struct listener){ .lane = ln, .since = clock_now() };
	lanes_add(&acc->lanes, ln);
	acc->renew_at = clock_in(USEC_S(RENEW_S));
	/* Names are to mean what they do on the other connection (UTF8=ACCEPT), and
	 * pushed counters to have mod-sequences. */
	(void)imap_enable(ln);
	if (!imap_can(ln, CAP_NOTIFY)) {
		be_idle(acc, l);
		return;
	}
	l->req = imap_notify(ln, true);
}

/* Idle in no mailbox, it would hear nothing, and nobody would know.  What is not heard
 * is looked for with the other folders, until the server opens it. */
static void
refused(struct account *acc, struct listener *l, const struct ev_done *done)
{
	struct folder *f = account_by_id(acc, l->folder);

	if (l->refused == 0 && f != NULL) {
		log_warn("%s: no watch, for the server would not open it: %.*s",
		    f->name, STR_ARG(done->text));
		folder_mark(f, DIRTY_REMOTE);
	}
	imap_idle_done(l->lane);
	l->req = 0;
	acc->renew_at = clock_earlier(acc->renew_at, clock_in(clock_doubled(
	    USEC_S(AGAIN_S), l->refused++, USEC_S(RENEW_S))));
}

static void
answered(struct account *acc, struct listener *l, const struct ev_done *done)
{
	if (done->req == l->select) {
		if (done->status == DONE_OK)
			l->refused = 0;
		else
			refused(acc, l, done);
		return;
	}
	if (done->req != l->req)
		return;
	if (l->again)
		acc->tree_remote = true;
	l->again = false;
	if (done->status == DONE_OK) {
		/* Nobody said DONE.  Who ends it at once is asked no more often
		 * than it is renewed. */
		if (l->folder != 0 && !l->resumed) {
			l->resumed = true;
			l->req = imap_idle(l->lane);
		}
		return;
	}
	if (l->folder != 0) {
		log_info("IDLE refused: %.*s", STR_ARG(done->text));
		return;
	}
	log_info("NOTIFY refused, so IDLE: %.*s", STR_ARG(done->text));
	imap_avoid(l->lane, CAP_NOTIFY);
	imap_avoid(acc->work, CAP_NOTIFY);
	be_idle(acc, l);
}

bool
watcher_listen_again(struct account *acc)
{
	for (size_t i = 0; i < acc->n_listeners; i++) {
		struct listener *l = &acc->listener[i];

		if (l->folder != 0 || !imap_can(l->lane, CAP_NOTIFY))
			continue;
		/* A SET over another one makes Dovecot deaf. */
		(void)imap_notify_none(l->lane);
		l->req = imap_notify(l->lane, false);
		l->again = true;
		return true;
	}
	return false;
}

static struct listener *
find(struct account *acc, const struct lane *ln)
{
	for (size_t i = 0; i < acc->n_listeners; i++)
		if (acc->listener[i].lane == ln)
			return &acc->listener[i];
	return NULL;
}

/* Only that something happened is of interest. */
void
watcher_event(struct account *acc, const struct event *ev)
{
	struct listener *l = find(acc, ev->lane);
	struct folder *f;

	if (l == NULL)
		return;
	switch (ev->kind) {
	case EV_EXISTS:
	case EV_EXPUNGE:
	case EV_GONE:
	case EV_MSG:
		f = account_by_id(acc, l->folder);
		if (f != NULL)
			folder_mark(f, DIRTY_REMOTE);
		break;
	case EV_OVERFLOW:
		/* NOTIFY is off now: look at everything, then arm it again; at once,
		 * if it was not just now. */
		acc->tree_remote = true;
		if (!l->resumed)
			l->req = imap_notify(l->lane, true);
		l->resumed = true;
		break;
	case EV_DONE:
		answered(acc, l, &ev->done);
		break;
	default:
		break;
	}
}

void
watcher_close(struct account *acc, const struct lane *ln)
{
	for (size_t i = acc->n_listeners; i-- > 0;) {
		struct listener *l = &acc->listener[i];

		if (ln != NULL && l->lane != ln)
			continue;
		lanes_close(&acc->lanes, l->lane);
		*l = acc->listener[--acc->n_listeners];
	}
}

void
watcher_lost(struct account *acc, const struct lane *ln)
{
	const struct listener *l = find(acc, ln);

	if (l != NULL && clock_now() - l->since >= USEC_S(STEADY_S))
		acc->listen_failures = 0;
	watcher_failed(acc);
	watcher_close(acc, ln);
}

const char *
watcher_push(const struct account *acc)
{
	for (size_t i = 0; i < acc->n_listeners; i++)
		if (acc->listener[i].refused == 0)
			return imap_can(acc->listener[i].lane, CAP_NOTIFY) ?
			    "notify" : "idle";
	return "none";
}

void
watcher_keep_alive(struct account *acc)
{
	if (acc->work == NULL || clock_now() < acc->renew_at)
		return;
	acc->renew_at = clock_in(USEC_S(RENEW_S));
	(void)imap_noop(acc->work);
	for (size_t i = 0; i < acc->n_listeners; i++) {
		struct listener *l = &acc->listener[i];

		if (l->refused > 0) {
			/* It, or by now another one; behind an IDLE nothing goes out. */
			imap_idle_done(l->lane);
			l->folder = 0;
			be_idle(acc, l);
		} else if (l->folder != 0) {
			imap_idle_done(l->lane);
			l->req = imap_idle(l->lane);
		} else if (l->resumed) {
			(void)imap_notify_none(l->lane);
			l->req = imap_notify(l->lane, true);
		} else
			(void)imap_noop(l->lane);
		l->resumed = false;
	}
}

usec
watcher_deadline(const struct account *acc)
{
	if (acc->work == NULL)
		return USEC_NEVER;
	return lacks(acc) ? clock_earlier(acc->renew_at, acc->listen_at) :
	    acc->renew_at;
}
