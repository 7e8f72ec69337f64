/*
 * fuzz_pop3.c — any bytes as a POP3 server.  The first byte chooses the portions,
 * the second what follows each +OK; the items must be the same as without
 * portions, and byte by byte.  Then the same bytes answer a whole session of the lane, over a
 * socket.  `make fuzz` runs it.
 */
#include "fuzz.h"

#include <sys/socket.h>

#include "base/clock.h"
#include "pop3/lane.h"
#include "show_pop3.h"

static void
check_portions(const char *whole, struct str in, const char *plan, unsigned seed)
{
	char *cut = show_pop3(in, plan, 1 << 16, seed);
	size_t n = strlen(whole), m = strlen(cut);

	/* A message that is too long is cut where a portion ends. */
	if (strstr(whole, "proto.literal-too-big") == NULL &&
	    (n != m || memcmp(whole, cut, n) != 0)) {
		fprintf(stderr, "whole:\n%s\nin portions:\n%s\n", whole, cut);
		abort();
	}
	free(cut);
}

static void
check_reader(struct str in, const char *plan, unsigned seed)
{
	char *whole = show_pop3(in, plan, 1 << 16, 0);

	check_portions(whole, in, plan, 1);
	if (seed != 1)
		check_portions(whole, in, plan, seed);
	free(whole);
}

static void
submit(struct lane *ln)
{
	(void)pop3_list(ln);
	(void)pop3_uidl(ln);
	for (uint32_t i = 1; i < 4; i++) {
		(void)pop3_top(ln, i);
		(void)pop3_retr(ln, i);
		(void)pop3_dele(ln, i);
	}
	(void)pop3_quit(ln);
}

/* Bodies come in brackets, answers in order, and nothing after the end. */
static void
check_events(struct lanes *lanes)
{
	uint32_t last = 0;
	bool open = false;
	struct event ev;
	struct err err;

	while (lanes_reap(lanes, &ev, NULL, 0, clock_in(0), &err) > 0) {
		must(open == (ev.kind == EV_DATA || (ev.kind == EV_MSG &&
		    (ev.msg.have & MSG_BODY))) || ev.kind == EV_LOST);
		if (ev.kind == EV_BODY)
			open = true;
		else if (ev.kind == EV_MSG)
			open = false;
		else if (ev.kind == EV_DONE)
			must(ev.done.req == ++last);
		else if (ev.kind == EV_LOST)
			break;
	}
}

static void
check_session(struct str in, bool lock_step)
{
	struct pop3_conf conf = {
		.peer = { .host = "h", .user = "u", .tls_mode = TLS_NONE,
		    .response_timeout = USEC_S(5) },
		.lock_step = lock_step, .max_message = 1 << 16,
	};
	struct lanes lanes = { 0 };
	struct secret secret = { 0 };
	struct lane *ln;
	struct err err;
	int fd[2];

	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd) == 0);
	must(secret_set(&secret, STR("secret")) == 0);
	(void)!write(fd[1], in.p, in.n);
	(void)shutdown(fd[1], SHUT_WR);
	ln = pop3_open(&conf, "fuzz", fd[0], &secret, clock_in(USEC_S(1)), &err);
	if (ln != NULL) {
		lanes_add(&lanes, ln);
		submit(ln);
		check_events(&lanes);
		lanes_close(&lanes, ln);
	}
	close(fd[1]);
	secret_clear(&secret);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const char *const plans[] = { "", "L", "M", "SLM", "LLMM", "MML",
	    "SSMLM", "MMMM" };
	struct str in;

	if (n < 2)
		return 0;
	in = (struct str){ (const char *)p + 2, n - 2 };
	check_reader(in, plans[p[1] % 8], 1 + p[0]);
	check_session(in, p[0] & 1);
	return 0;
}
