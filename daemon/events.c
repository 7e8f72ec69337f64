/* events.c — a ring of numbered events, and its file. */
#include "events.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "js.h"

/* At this size the file is written anew, with what is kept. */
enum { FILE_MAX = 8 << 20 };

void
events_clear(struct events *e)
{
	for (size_t i = 0; i < EVENTS_KEPT; i++) {
		free(e->kept[i].name);
		free(e->kept[i].line);
	}
	if (e->path != NULL && e->fd >= 0)
		close(e->fd);
	free(e->path);
	*e = (struct events){ 0 };
}

static struct event_kept *
slot_for(struct events *e, uint64_t seq)
{
	struct event_kept *slot = &e->kept[seq % EVENTS_KEPT];

	free(slot->name);
	free(slot->line);
	e->seq = slot->seq = seq;
	if (e->first == 0 || seq >= e->first + EVENTS_KEPT)
		e->first = e->first == 0 ? seq : seq - EVENTS_KEPT + 1;
	return slot;
}

/* ---- the file --------------------------------------------------------- */

/* What is kept is in memory, and goes to the file once that is possible again. */
static void
give_up(struct events *e)
{
	if (!e->failing)
		log_warn("%s cannot be written: events are kept in memory only",
		    e->path);
	e->failing = true;
	if (e->fd >= 0)
		close(e->fd);
	e->fd = -1;
}

static void
append(struct events *e, const char *line)
{
	size_t n = strlen(line);
	/* In one write: no reader, and no crash of ours, sees half a line. */
	char *text = xasprintf("%s\n", line);

	if (write(e->fd, text, n + 1) == (ssize_t)n + 1)
		e->n_file += n + 1;
	else
		give_up(e);
	free(text);
}

/* The old file stays until the new one has everything. */
static void
rewrite(struct events *e)
{
	char *tmp = xasprintf("%s.tmp", e->path);
	const struct event_kept *ev;
	uint64_t at = 0;

	if (e->fd >= 0)
		close(e->fd);
	e->n_file = 0;
	e->fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC,
	    0600);
	while (e->fd >= 0 && (ev = events_after(e, at)) != NULL) {
		at = ev->seq;
		append(e, ev->line);
	}
	if (e->fd >= 0 && rename(tmp, e->path) == 0) {
		e->failing = false;
	} else {
		give_up(e);
		unlink(tmp);
	}
	free(tmp);
}

/* A line that is damaged, or out of order, ends what is believed before it. */
static void
take_line(struct events *e, struct str line)
{
	struct err err;
	json_t *v = js_parse(line, &err);
	json_int_t seq = js_int(v, "seq", 0);
	const char *name = js_get(v, "event");
	struct event_kept *slot;

	if (name != NULL && seq > 0 && (uint64_t)seq > e->seq) {
		if (e->seq != 0 && (uint64_t)seq != e->seq + 1)
			e->first = (uint64_t)seq;
		slot = slot_for(e, (uint64_t)seq);
		slot->name = xstrdup(name);
		slot->line = str_dup(line);
	}
	json_decref(v);
}

void
events_open(struct events *e, const char *path)
{
	FILE *f = fopen(path, "re");
	char *text = NULL;
	size_t cap = 0;
	ssize_t n;

	e->path = xstrdup(path);
	e->fd = -1;
	while (f != NULL && (n = getline(&text, &cap, f)) > 0)
		if (text[n - 1] == '\n')
			take_line(e, (struct str){ text, (size_t)n - 1 });
	free(text);
	if (f != NULL)
		fclose(f);
	rewrite(e);
}

/* ---- the ring --------------------------------------------------------- */

void
events_take_add(struct events *e, const char *name, json_t *body)
{
	struct event_kept *slot = slot_for(e, e->seq + 1);

	json_object_set_new(body, "event", json_string(name));
	json_object_set_new(body, "seq", json_integer((json_int_t)e->seq));
	json_object_set_new(body, "ts", js_time(clock_wall()));
	slot->name = xstrdup(name);
	slot->line = js_dump(body);
	json_decref(body);
	if (e->path == NULL)
		return;
	if (e->fd < 0 || e->n_file > FILE_MAX)
		rewrite(e);
	else
		append(e, slot->line);
}

const struct event_kept *
events_after(const struct events *e, uint64_t seq)
{
	uint64_t next = seq + 1 > e->first ? seq + 1 : e->first;

	return e->first == 0 || next > e->seq ? NULL :
	    &e->kept[next % EVENTS_KEPT];
}

bool
events_complete(const struct events *e, uint64_t seq)
{
	return seq <= e->seq && (e->first == 0 ? seq == e->seq :
	    seq + 1 >= e->first);
}
