/* host_server.c — searches on the server: kept until the engine has time for them. */
#include "host_impl.h"

#include <stdlib.h>

#include "base/mem.h"

enum { GLOBS_MAX = 32, LOOK_MAX = 60, SEARCHES_MAX = 64,
    FOUND_MAX = 20000 /* as many as one event may touch */ };

static void
read_terms(struct server_search *q, struct frame_in *in)
{
	uint32_t n = frame_n(in, 4, GLOBS_MAX);
	struct str *glob = arena_get(&q->a, (n + 1) * sizeof(*glob));
	struct imap_term *term;

	for (uint32_t i = 0; i < n; i++)
		glob[i] = arena_str(&q->a, frame_str(in));
	q->wish.mailbox = glob;
	q->wish.n_mailboxes = n;
	n = frame_n(in, 21, IMAP_TERMS_MAX);
	term = arena_get(&q->a, (n + 1) * sizeof(*term));
	for (uint32_t i = 0; i < n; i++) {
		unsigned key = frame_u8(in);

		term[i].key = key < IMAP_KEYS ? (enum imap_key)key : IMAP_KEYS;
		term[i].group = frame_u32(in);
		term[i].field = arena_str(&q->a, frame_str(in));
		term[i].text = arena_str(&q->a, frame_str(in));
		term[i].n = (int64_t)frame_u64(in);
	}
	q->wish.term = term;
	q->wish.n_terms = n;
}

void
server_call(struct host *h, struct proc *p, uint32_t call)
{
	struct server_search *q = xcalloc(1, sizeof(*q)), **end = &h->server;
	struct frame f = { 0 };
	size_t n = 0;

	q->call = call;
	q->proc = p;
	q->wish.number = ++h->next_number;
	read_terms(q, &p->in);
	for (; *end != NULL; end = &(*end)->next)
		n++;
	*end = q;
	if (p->in.bad || n >= SEARCHES_MAX) {
		*end = NULL;
		arena_clear(&q->a);
		free(q);
		call_fail(h, p, &f, call, "too many searches, or too much to "
		    "look for");
	}
}

bool
server_wish(struct hook_host *head, struct hook_wish *wish)
{
	struct host *h = (struct host *)head;	/* head is its first member */

	for (struct server_search *q = h->server; q != NULL; q = q->next) {
		if (q->given)
			continue;
		q->given = true;
		*wish = q->wish;
		return true;
	}
	return false;
}

void
server_found(struct hook_host *head, uint32_t number, const int64_t *id, size_t n,
    const char *why)
{
	struct host *h = (struct host *)head;
	struct server_search **at = &h->server, *q;
	struct frame f;

	while (*at != NULL && (*at)->wish.number != number)
		at = &(*at)->next;
	q = *at;
	if (q == NULL)
		return;
	*at = q->next;
	if (why == NULL && n > FOUND_MAX)
		why = "the server found more than 20000 messages";
	call_begin(&f, q->call);
	if (why == NULL) {
		frame_put_blob(&f, (struct str){ (const char *)id,
		    n * sizeof(*id) });
		if (f.bad)
			why = "it found too much";
	}
	if (why == NULL)
		proc_send(h, q->proc, &f);
	else
		call_fail(h, q->proc, &f, q->call, why);
	arena_clear(&q->a);
	free(q);
}

void
server_forget(struct host *h, const struct proc *p)
{
	for (struct server_search **at = &h->server; *at != NULL;) {
		struct server_search *q = *at;

		if (p != NULL && q->proc != p) {
			at = &q->next;
			continue;
		}
		*at = q->next;
		arena_clear(&q->a);
		free(q);
	}
}

void
server_look(struct host *h, struct proc *p, uint32_t call)
{
	uint32_t n = frame_n(&p->in, 8, LOOK_MAX), given = 0;
	struct err err = { 0 };
	struct frame f;
	size_t at;
	int got = 0;

	call_begin(&f, call);
	at = frame_count(&f);
	for (uint32_t i = 0; i < n && got >= 0; i++) {
		int64_t id = (int64_t)frame_u64(&p->in);
		struct hook_msg m = { .fd = -1 };

		got = h->world->message(h->world->engine, id, false, &m, &err);
		m.fd = -1;
		if (got > 0) {
			ask_put_msg(&f, &m, true);
			given++;
		}
	}
	frame_count_set(&f, at, given);
	if (got < 0 || f.bad)
		call_fail(h, p, &f, call, got < 0 ? err.text : "it is too large");
	else
		proc_send(h, p, &f);
}
