/* watcher.c — the connection that only listens. */
#include "engine/watcher.h"

#include "base/clock.h"
#include "base/log.h"
#include "imap/cmd.h"
#include "imap/lane.h"

/* Servers end an idle session after 30 minutes, Microsoft tells nothing after
 * ten, and some NATs forget after five but for TCP keep-alives. */
enum { RENEW_S = 9 * 60 };

bool
watcher_useful(const struct account *acc)
{
	return imap_can(acc->work, CAP_NOTIFY) || imap_can(acc->work, CAP_IDLE);
}

static void
idle_on_inbox(struct account *acc)
{
	if (!imap_can(acc->watch, CAP_IDLE))
		return;
	(void)imap_select(acc->watch, STR("INBOX"), true,
	    (struct uidvalidity){ 0 }, (struct modseq){ 0 });
	acc->watch_req = imap_idle(acc->watch);
}

void
watcher_start(struct account *acc, struct lane *ln)
{
	acc->watch = ln;
	lanes_add(&acc->lanes, ln);
	acc->renew_at = clock_in(USEC_S(RENEW_S));
	acc->notify = imap_can(ln, CAP_NOTIFY);
	if (!acc->notify) {
		idle_on_inbox(acc);
		return;
	}
	/* Without it the pushed counters have no mod-sequence. */
	(void)imap_enable(ln);
	acc->watch_req = imap_notify(ln);
}

void
watcher_answer(struct account *acc, const struct ev_done *done)
{
	if (done->req != acc->watch_req || done->status == DONE_OK)
		return;
	if (!acc->notify) {
		log_info("IDLE refused: %.*s", STR_ARG(done->text));
		return;
	}
	log_info("NOTIFY refused, so IDLE on INBOX: %.*s", STR_ARG(done->text));
	acc->notify = false;
	imap_avoid(acc->watch, CAP_NOTIFY);
	idle_on_inbox(acc);
}

void
watcher_keep_alive(struct account *acc)
{
	if (acc->work == NULL || clock_now() < acc->renew_at)
		return;
	acc->renew_at = clock_in(USEC_S(RENEW_S));
	(void)imap_noop(acc->work);
	if (acc->watch == NULL)
		return;
	if (acc->notify) {
		(void)imap_noop(acc->watch);
		return;
	}
	imap_idle_done(acc->watch);
	acc->watch_req = imap_idle(acc->watch);
}

usec
watcher_deadline(const struct account *acc)
{
	return acc->work != NULL ? acc->renew_at : USEC_NEVER;
}
