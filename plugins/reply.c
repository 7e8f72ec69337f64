/* reply.c — answers, by what was asked. */
#include "reply.h"

#include <string.h>

#include "event.h"

void
reply_give(struct run *r)
{
	struct run **at = &r->s->waiting;

	while (*at != r)
		at = &(*at)->next;
	*at = r->next;
	run_ready(r);
}

static void
read_store(struct run *r, struct frame_in *in)
{
	struct reply *re = &r->reply;
	uint32_t n;

	re->more = frame_u8(in) != 0;
	n = frame_n(in, 9, UINT32_MAX);
	re->key.v = arena_get(&r->a, (n + 1) * sizeof(struct str));
	re->value.v = arena_get(&r->a, (n + 1) * sizeof(struct str));
	for (uint32_t i = 0; i < n && !in->bad; i++) {
		re->key.v[i] = arena_str(&r->a, frame_str(in));
		re->value.v[i] = arena_str(&r->a, frame_blob(in));
		re->key.n = re->value.n = i + 1;
	}
}

/* The message asked for, or that there is none. */
static void
read_message(struct run *r, struct frame_in *in)
{
	struct msg *m = r->reply_to;
	uint32_t n = frame_n(in, 1, 1);

	m->gone = n == 0;
	if (n == 0)
		return;
	(void)frame_u64(in);
	event_read_msg(m, in);
}

static void
read_exec(struct run *r, struct frame_in *in)
{
	r->reply.code = frame_u32(in);
	r->reply.cut = frame_u8(in) != 0;
	r->reply.out = arena_str(&r->a, frame_blob(in));
	r->reply.err = arena_str(&r->a, frame_blob(in));
}

static void
read_found(struct run *r, struct frame_in *in)
{
	if (event_read_msgs(r, in) < 0 && !in->bad) {
		r->reply.failed = true;
		r->reply.text = STR("too many messages for one event");
	}
}

static void
read_by_kind(struct run *r, struct frame_in *in)
{
	switch (r->call_kind) {
	case CALL_STORE:
		read_store(r, in);
		break;
	case CALL_MESSAGE:
		read_message(r, in);
		break;
	case CALL_SEARCH:
		r->reply.more = frame_u8(in) != 0;
		read_found(r, in);
		break;
	case CALL_UNSEEN:
		r->reply.code = frame_u32(in);
		break;
	case CALL_EXEC:
	case CALL_CONNECT:
		read_exec(r, in);
		break;
	case CALL_LOOK:
		read_found(r, in);
		break;
	case CALL_SECRET:
	case CALL_FILE:
	case CALL_SERVER:
		r->reply.out = arena_str(&r->a, frame_blob(in));
		break;
	}
	/* What was planned before a message was known, still holds. */
	if (r->plan.n > 0)
		plan_forget(&r->plan, FRAME_ALL, r->msg, r->n_msgs,
		    &r->s->account, &r->a);
}

int
reply_read(struct script *s, struct frame_in *in)
{
	uint32_t call = frame_u32(in);
	unsigned status = frame_u8(in);
	struct run *r = s->waiting;

	while (r != NULL && r->call != call)
		r = r->next;
	if (r == NULL)
		return in->bad ? -1 : 0;	/* its event was dropped */
	if (status == FRAME_OK) {
		read_by_kind(r, in);
	} else {
		r->reply.failed = true;
		r->reply.text = arena_str(&r->a, frame_str(in));
	}
	if (in->bad)
		return -1;
	reply_give(r);
	return 0;
}
