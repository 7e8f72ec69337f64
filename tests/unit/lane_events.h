/* lane_events.h — what a lane that is played to says next. */
#ifndef LANE_EVENTS_H
#define LANE_EVENTS_H

#include "actor.h"
#include "base/clock.h"
#include "net/lane.h"

/* The next event, which must be a ${kind}. */
static inline struct event *
expect_event(struct lanes *lanes, struct event *ev, enum event_kind kind)
{
	struct err err;

	if (lanes_reap(lanes, ev, NULL, 0, clock_in(USEC_S(5)), &err) != 1)
		fail_msg("no event");
	if (ev->kind == EV_LOST && kind != EV_LOST)
		fail_msg("lost: %s: %s", ev->err.code, ev->err.text);
	assert_int_equal(ev->kind, kind);
	return ev;
}

static inline struct ev_done *
expect_done(struct lanes *lanes, struct event *ev, uint32_t req,
    enum done_status status)
{
	expect_event(lanes, ev, EV_DONE);
	assert_int_equal(ev->done.req, req);
	assert_int_equal(ev->done.status, status);
	return &ev->done;
}

#endif
