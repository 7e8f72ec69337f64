/*
 * fuzz_script.c — strangers' bytes where scripts are: the header of a message, a
 * page of HTML, frames of the worker to a script process, frames of a hostile script
 * process to the worker, and what people write in options.  The first byte chooses.
 */
#include "fuzz.h"

#include "base/log.h"
#include "no_engine.h"
#include "plugins/event.h"
#include "plugins/host_impl.h"
#include "plugins/html.h"
#include "plugins/mail.h"
#include "plugins/mdate.h"
#include "plugins/words.h"

static void
header(struct str in)
{
	struct arena a = { 0 };
	struct mail m;
	int64_t t;

	mail_init(&m, &a, NULL, -1);
	mail_bytes(&m, in);
	for (int i = 0; i < MAIL_TEXTS; i++)
		(void)mail_text(&m, (enum mail_text)i);
	for (int i = 0; i < MAIL_LISTS; i++)
		(void)mail_list(&m, (enum mail_list)i);
	(void)mail_bits(&m);
	(void)mail_sent(&m, &t);
	for (size_t i = 0; i < m.head.n; i++) {
		struct str s = mail_header(&m, m.head.field[i].name, 0);

		must(words_is_utf8(words_decode(s, &a)));
	}
	must(m.head.size <= in.n);
	arena_clear(&a);
}

static void
page(struct str in)
{
	struct arena a = { 0 };

	must(html_to_text(in, &a).n <= in.n);
	(void)words_encode(in, &a);
	arena_clear(&a);
}

/* Lengths of time, sizes and moments, as people write them in options. */
static void
written(struct str in)
{
	int64_t n;

	if (mdate_duration(in, &n))
		must(n >= 0);
	if (mdate_size(in, &n))
		must(n >= 0);
	if (mdate_moment(in, 1800000000, &n))
		must(n > 0);
	if (mdate_parse(in, &n))
		must(n > INT64_MIN);
}

/* The worker's frames, as a script process reads them. */
static void
to_script(struct str in)
{
	static struct script s;

	if (s.ready_end == NULL)
		script_init(&s, -1);
	frame_in_bytes(&s.in, in);
	(void)event_read(&s, &s.in);
	while (s.ready != NULL) {
		struct run *r = s.ready;

		s.ready = r->next;
		run_free(r);
	}
	s.ready_end = &s.ready;
}

static int
nothing_found(void *engine, const struct hook_query *q, int64_t after,
    struct hook_msg *msg, struct err *err)
{
	(void)engine, (void)q, (void)after, (void)msg, (void)err;
	return 0;
}

static int
none_unseen(void *engine, struct str mailbox, uint32_t *n, struct err *err)
{
	(void)engine, (void)mailbox, (void)n, (void)err;
	return 0;
}

/* What it wants to be asked of a server is looked at, and not found. */
static void
answer_wishes(struct host *h)
{
	struct hook_wish w;

	while (server_wish(&h->head, &w)) {
		size_t good = 0;

		for (size_t i = 0; i < w.n_terms; i++)
			good += imap_term_ok(&w.term[i]);
		must(good <= w.n_terms);
		server_found(&h->head, w.number, NULL, 0, "no");
	}
	server_forget(h, NULL);
}

/* The frames of a script process that was taken over. */
static void
to_worker(struct str in)
{
	static const struct plugin_conf conf = { .name = (char *)(uintptr_t)"p" };
	static const struct hook_world world = { .kv_next = no_kv,
	    .search = nothing_found, .message = no_message,
	    .unseen = none_unseen };
	static const struct hook_broker broker = { .exec = no_exec };
	const struct hook_event ev = { .id = 1 };
	struct host *h = xcalloc(1, sizeof(*h));
	struct proc *p = &h->proc[0];
	struct share *sh;

	log_to(-1, LOG_LV_ERROR);
	h->world = &world;
	h->broker = &broker;
	h->n_procs = h->n_plugins = 1;
	proc_init(p, 0);
	p->greeted = true;
	h->plugin[0] = (struct host_plugin){ .conf = &conf, .proc = p };
	h->pending = ask_copy(&ev);
	h->pending->number = 1;
	h->pending->n_parts = 1;
	h->pending->share = sh = arena_get(&h->pending->a, sizeof(*sh));
	*sh = (struct share){ .proc = p, .open = { true }, .n_open = 1 };
	h->pending->n_shares = 1;
	frame_in_bytes(&p->in, in);
	(void)answer_read(h, p);
	answer_wishes(h);
	ask_free(h->pending);
	arena_clear(&h->plugin[0].a);
	free(h->plugin[0].error);
	free(h->plugin[0].grant);
	for (size_t i = 0; i < h->plugin[0].n_metrics; i++)
		free((char *)(uintptr_t)h->plugin[0].metric[i].name);
	frame_in_clear(&p->in);
	free(h);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static void (*const what[])(struct str) = {
		header, page, to_script, to_worker, written
	};
	char *copy;

	if (n == 0)
		return 0;
	/* An allocation of its own, so that a byte too far is seen. */
	copy = xmalloc(n);
	memcpy(copy, p + 1, n - 1);
	what[p[0] % ARRAY_LEN(what)]((struct str){ copy, n - 1 });
	free(copy);
	return 0;
}
