/*
 * methods_wait.c — those who wait for a job: its lines, then what it did.
 *
 * Who asks for a long plan may page through it: what he has not read yet is kept with
 * the job, and his queue is never filled with it.
 */
#include "methods.h"

#include "js.h"

enum { ROOM = CONTROL_QUEUE / 2 };

/* As many lines as there is room for. */
static bool
tell_lines(struct client *cl, struct job *job)
{
	size_t n = json_array_size(job->lines), before = job->n_told;
	bool told;

	while (job->n_told < n && cl->fd >= 0 && cl->out.n < ROOM) {
		json_t *copy = json_copy(json_array_get(job->lines,
		    job->n_told++));

		json_object_set_new(copy, "event", json_string("job.line"));
		control_take_line(cl, copy);
	}
	told = job->n_told > before;
	if (job->n_told == n) {
		json_array_clear(job->lines);
		job->n_told = 0;
	}
	return told;
}

/* True: there is more, as soon as what was told is sent. */
static bool
tell_one(struct parent *p, struct client *cl, struct client_wait *w)
{
	struct job *job = job_find(&p->jobs, w->job);
	bool told = job != NULL && tell_lines(cl, job);
	json_t *id;

	/* The client may just have been closed: it did not read. */
	if (cl->fd < 0)
		return false;
	if (job != NULL && json_array_size(job->lines) > 0)
		return told;
	if (job != NULL && !job_done(job))
		return false;
	id = w->id;
	w->id = NULL;
	/* Many others were done meanwhile: it is forgotten. */
	if (job == NULL)
		control_take_error(cl, id, js_error("job.unknown",
		    "no such job", NULL));
	else
		control_take_result(cl, id, job_result(job));
	json_decref(id);
	return false;
}

bool
methods_tell_waiters(struct parent *p)
{
	bool more = false;

	for (size_t c = 0; c < CONTROL_CLIENTS && p->control.fd >= 0; c++) {
		struct client *cl = &p->control.client[c];

		for (size_t i = 0; i < CONTROL_WAITS && cl->fd >= 0; i++)
			if (cl->wait[i].id != NULL)
				more |= tell_one(p, cl, &cl->wait[i]);
	}
	return more;
}
