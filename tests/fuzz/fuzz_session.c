/*
 * fuzz_session.c — any bytes as the server of a whole IMAP session: greeting,
 * sign-in, and a choice of commands.  The first byte says how the session begins
 * and whether the bytes behind the first line come one by one, once we have asked;
 * the second which commands are submitted; the tags are AAAAA1, AAAAA2 and so on, so
 * that answers can be written.
 *
 * A body is bracketed and as long as was announced; each request is done at most
 * once, and only if it was made; after the end comes nothing.
 */
#include "fuzz.h"

#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "imap/cmd.h"
#include "imap/lane.h"

enum { REQUESTS_MAX = 64 };

/* No chance in it: the same bytes must do the same.  Of such bytes a tag is made of
 * As, and the seed of a map is not 0. */
ssize_t
getrandom(void *p, size_t n, unsigned flags)
{
	(void)flags;
	memset(p, 26, n);
	return (ssize_t)n;
}

static struct {
	bool	open[REQUESTS_MAX];
	uint32_t last;
} asked;

static void
note(uint32_t req)
{
	if (req == 0)
		return;
	must(req > asked.last && req < REQUESTS_MAX);
	asked.open[req] = true;
	asked.last = req;
}

static void
submit_mailboxes(struct lane *ln)
{
	note(imap_enable(ln));
	note(imap_id(ln));
	note(imap_namespace(ln));
	note(imap_list(ln, true));
	note(imap_status(ln, STR("INBOX")));
	note(imap_create(ln, STR("a \"b\"")));
	note(imap_rename(ln, STR("a"), STR("b")));
	note(imap_notify(ln, true));
}

static void
submit_messages(struct lane *ln, unsigned which)
{
	struct uidset uids;
	struct kwtab kw = { 0 };
	struct flags flags = { .sys = FLAG_SEEN };

	kwtab_bit(&kw, STR("work"));
	flags.kw = 1;
	uidset_init(&uids);
	uidset_add(&uids, 1, 5);
	uidset_add(&uids, 7, UINT32_MAX);
	note(imap_select(ln, STR("INBOX"), which & 8,
	    (struct uidvalidity){ which & 16 ? 7 : 0 }, (struct modseq){ 9 }));
	note(imap_fetch(ln, &uids, FETCH_FLAGS | FETCH_DATE | FETCH_SIZE |
	    FETCH_OBJID | FETCH_HEADER | FETCH_BODY, (struct modseq){ 0 }));
	note(imap_search(ln, &uids));
	note(imap_store(ln, &uids, true, flags, &kw));
	note(imap_copy(ln, &uids, STR("b"), imap_can(ln, CAP_MOVE)));
	if (imap_can(ln, CAP_UIDPLUS))
		note(imap_expunge(ln, &uids));
	note(imap_unselect(ln));
	uidset_clear(&uids);
	kwtab_clear(&kw);
}

static void
submit_upload(struct lane *ln)
{
	static const struct kwtab none;
	struct imap_upload up = { .fd = memfd_create("upload", MFD_CLOEXEC),
	    .wire_size = 3 };

	must(up.fd >= 0 && write(up.fd, "a\n", 2) == 2 &&
	    lseek(up.fd, 0, SEEK_SET) == 0);
	note(imap_append(ln, STR("INBOX"), &up, 1, &none));
}

struct body {
	bool		open;
	uint64_t	left;
};

static void
check_event(const struct event *ev, struct body *body)
{
	switch (ev->kind) {
	case EV_BODY:
		must(!body->open);
		*body = (struct body){ true, ev->body.size };
		break;
	case EV_DATA:
		must(body->open && ev->data.n > 0 && ev->data.n <= body->left);
		body->left -= ev->data.n;
		break;
	case EV_MSG:
		must(!(ev->msg.have & MSG_BODY) || body->open);
		must(body->left == 0);
		body->open = false;
		break;
	case EV_DONE:
		must(!body->open && ev->done.req < REQUESTS_MAX &&
		    asked.open[ev->done.req]);
		asked.open[ev->done.req] = false;
		break;
	case EV_LIST:
		/* It goes into a path, and back into a command. */
		must(memchr(ev->list.name.p, '\0', ev->list.name.n) == NULL &&
		    memchr(ev->list.name.p, '\n', ev->list.name.n) == NULL);
		/* FALLTHROUGH */
	default:
		must(!body->open || ev->kind == EV_LOST);
	}
}

/* What happens now; false once the lane is lost. */
static bool
check_events(struct lanes *lanes, struct body *body)
{
	struct event ev;
	struct err err;

	while (lanes_reap(lanes, &ev, NULL, 0, clock_in(0), &err) > 0) {
		check_event(&ev, body);
		if (ev.kind == EV_LOST)
			return false;
	}
	return true;
}

/* We do not listen to what it hears. */
static void
drain(int fd)
{
	char away[4096];

	while (recv(fd, away, sizeof(away), MSG_DONTWAIT) > 0)
		;
}

static void
check_session(struct lanes *lanes, int fd, struct str rest)
{
	struct body body = { 0 };
	bool alive = check_events(lanes, &body);

	for (size_t i = 0; i < rest.n && alive; i++) {
		(void)!write(fd, rest.p + i, 1);
		alive = check_events(lanes, &body);
		if (rest.p[i] == '\n')
			drain(fd);
	}
	(void)shutdown(fd, SHUT_WR);
	if (alive)
		check_events(lanes, &body);
}

static void
play(struct str in, unsigned how, unsigned which)
{
	struct imap_conf conf = {
		.peer = { .host = "h", .user = "u", .tls_mode = TLS_NONE,
		    .response_timeout = USEC_S(5), .token = how & 1 },
		.compress = how & 2, .max_literal = 1 << 16,
	};
	struct lanes lanes = { 0 };
	struct secret secret = { 0 };
	struct str rest = STR_NONE;
	struct lane *ln;
	struct err err;
	int fd[2];

	if (how & 4) {
		rest = str_from(in, str_find(in, '\n') + 1);
		in.n -= rest.n;
	}
	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd) == 0);
	must(secret_set(&secret, STR("secret")) == 0);
	(void)!write(fd[1], in.p, in.n);
	if (rest.n == 0)
		(void)shutdown(fd[1], SHUT_WR);
	memset(&asked, 0, sizeof(asked));
	ln = imap_open(&conf, "fuzz", fd[0], &secret, clock_in(rest.n > 0 ?
	    USEC_MS(20) : USEC_S(1)), &err);
	if (ln != NULL) {
		lanes_add(&lanes, ln);
		if (which & 1)
			submit_mailboxes(ln);
		if (which & 2)
			submit_messages(ln, which);
		if (which & 4)
			submit_upload(ln);
		if (which & 64) {
			note(imap_idle(ln));
			imap_idle_done(ln);
		}
		check_session(&lanes, fd[1], rest);
		lanes_close(&lanes, ln);
	}
	close(fd[1]);
	secret_clear(&secret);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str in = { (const char *)p, n };
	unsigned how = fuzz_byte(&in), which = fuzz_byte(&in);

	if (n > 2)
		play(in, how, which);
	return 0;
}
