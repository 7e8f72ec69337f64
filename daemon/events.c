/* events.c — a ring of numbered events. */
#include "events.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "js.h"

void
events_clear(struct events *e)
{
	for (size_t i = 0; i < EVENTS_KEPT; i++) {
		free(e->kept[i].name);
		free(e->kept[i].line);
	}
	*e = (struct events){ 0 };
}

void
events_take_add(struct events *e, const char *name, json_t *body)
{
	struct event_kept *slot = &e->kept[++e->seq % EVENTS_KEPT];

	json_object_set_new(body, "event", json_string(name));
	json_object_set_new(body, "seq", json_integer((json_int_t)e->seq));
	json_object_set_new(body, "ts", js_time(clock_wall()));
	free(slot->name);
	free(slot->line);
	slot->seq = e->seq;
	slot->name = xstrdup(name);
	slot->line = js_dump(body);
	json_decref(body);
}

static uint64_t
oldest(const struct events *e)
{
	return e->seq > EVENTS_KEPT ? e->seq - EVENTS_KEPT + 1 : 1;
}

const struct event_kept *
events_after(const struct events *e, uint64_t seq)
{
	uint64_t next = seq + 1 > oldest(e) ? seq + 1 : oldest(e);

	return next > e->seq ? NULL : &e->kept[next % EVENTS_KEPT];
}

bool
events_complete(const struct events *e, uint64_t seq)
{
	return seq <= e->seq && seq + 1 >= oldest(e);
}
