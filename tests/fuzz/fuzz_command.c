/*
 * fuzz_command.c — what we write, a server reads as it was meant: mailbox names,
 * keywords and messages of any bytes, in commands with and without literals that
 * need not wait.  The first bytes choose the command and what the server can do;
 * then come two names and a message, with a NUL between them.
 *
 * The server here is a reader of its own (RFC 9051 section 9), which shares nothing
 * with the lane.
 */
#include "fuzz.h"

#include <sys/mman.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/eol.h"
#include "imap/cmd.h"
#include "imap/lane.h"

enum { WORDS_MAX = 32 };

/* A command as it arrived: words of any kind, without quotes and lengths. */
struct arrived {
	struct str	word[WORDS_MAX];
	bool		literal[WORDS_MAX];
	size_t		n;
	size_t		size;		/* its bytes, with the line end */
	bool		wait;		/* it ends in a literal we must ask for */
};

static bool
read_quoted(struct str *in, char *out, size_t *n)
{
	size_t i = 1;

	for (*n = 0; i < in->n && in->p[i] != '"'; i++) {
		must(in->p[i] != '\r' && in->p[i] != '\n' && in->p[i] != '\0');
		if (in->p[i] == '\\') {
			i++;
			if (i == in->n)
				return false;
			must(in->p[i] == '"' || in->p[i] == '\\');
		}
		out[(*n)++] = in->p[i];
	}
	if (i == in->n)
		return false;
	*in = str_from(*in, i + 1);
	return true;
}

/* "{5}", "{5+}" or "~{5}" and its bytes.  False: more must come. */
static bool
read_literal(struct str *in, struct str *word, bool *wait)
{
	char *end;
	size_t at = in->p[0] == '~' ? 2 : 1;
	size_t size = strtoul(in->p + at, &end, 10);
	bool now = *end == '+';

	end += now;
	must(end[0] == '}' && end[1] == '\r' && end[2] == '\n');
	*in = str_from(*in, (size_t)(end + 3 - in->p));
	*wait = !now && in->n == 0 && size > 0;
	if (in->n < size)
		return false;
	*word = str_head(*in, size);
	*in = str_from(*in, size);
	return true;
}

/* An atom, or text in parentheses or brackets, which no test here looks into. */
static void
read_atom(struct str *in, struct str *word)
{
	size_t n = 0;

	while (n < in->n && in->p[n] != ' ' && in->p[n] != '\r') {
		must((unsigned char)in->p[n] > ' ' && in->p[n] != '"' &&
		    in->p[n] != '{');
		n++;
	}
	*word = str_head(*in, n);
	*in = str_from(*in, n);
}

/* False when more must come.  ${scratch} takes as many bytes as ${all} has. */
static bool
read_command(struct str all, char *scratch, struct arrived *a)
{
	struct str in = all;

	*a = (struct arrived){ 0 };
	while (in.n > 0) {
		struct str *w = &a->word[a->n];
		size_t n;

		must(a->n < WORDS_MAX);
		if (in.p[0] == '"') {
			if (!read_quoted(&in, scratch, &n))
				return false;
			*w = (struct str){ scratch, n };
			scratch += n;
		} else if (in.p[0] == '{' || str_starts(in, STR("~{"))) {
			if (memchr(in.p, '\n', in.n) == NULL)
				return false;
			a->literal[a->n] = true;
			if (!read_literal(&in, w, &a->wait))
				return false;
		} else {
			read_atom(&in, w);
		}
		a->n++;
		if (str_starts(in, STR("\r\n"))) {
			a->size = all.n - in.n + 2;
			return true;
		}
		if (in.n < 2)
			return false;
		must(fuzz_byte(&in) == ' ');
	}
	return false;
}

struct asked {
	struct str	verb, name, other;
	struct str	message;	/* as a server should get it; or none */
};

static void
check_command(const struct arrived *a, const struct asked *q)
{
	size_t at = str_eq(q->verb, STR("UID")) ? 4 : 2;

	must(a->n > at && str_eq(a->word[1], q->verb));
	must(str_eq(a->word[at], q->name));
	if (q->other.p != NULL)
		must(str_eq(a->word[at + 1], q->other));
	if (q->message.p != NULL) {
		must(a->literal[a->n - 1]);
		must(str_eq(a->word[a->n - 1], q->message));
	}
}

static void
tell(int fd, struct str a, const char *b)
{
	must(write(fd, a.p, a.n) == (ssize_t)a.n);
	must(write(fd, b, strlen(b)) == (ssize_t)strlen(b));
}

/* What has come, until one command is whole; it is checked and answered. */
static void
serve(struct lanes *lanes, int fd, const struct asked *q)
{
	CLEANUP(buf_clear) struct buf in;
	struct arrived a;
	struct event ev;
	struct err err;

	buf_init(&in, 1 << 22);
	for (;;) {
		must(lanes_reap(lanes, &ev, NULL, 0, clock_in(0), &err) == 0);
		uint8_t *room = buf_room(&in, 1 << 18);
		ssize_t n = recv(fd, room, 1 << 18, MSG_DONTWAIT);

		must(n > 0);
		in.n += (size_t)n;
		char *scratch = xmalloc(in.n);
		bool whole = read_command(buf_str(&in), scratch, &a);

		if (whole) {
			must(a.size == in.n);
			check_command(&a, q);
			tell(fd, a.word[0], " OK done\r\n");
		} else if (a.wait) {
			tell(fd, STR("+"), " go on\r\n");
		}
		free(scratch);
		if (whole)
			break;
	}
	must(lanes_reap(lanes, &ev, NULL, 0, clock_in(USEC_S(5)), &err) == 1);
	must(ev.kind == EV_DONE && ev.done.status == DONE_OK);
}

/* The message as a file, and as a server should get it: bare LF as CRLF. */
static struct imap_upload
upload(struct str message, struct buf *wire)
{
	struct eol_scan scan = { 0 };
	struct imap_upload up = { .fd = memfd_create("upload", MFD_CLOEXEC) };
	char last = 0;

	must(up.fd >= 0);
	must(write(up.fd, message.p, message.n) == (ssize_t)message.n);
	must(lseek(up.fd, 0, SEEK_SET) == 0);
	eol_scan(&scan, message.p, message.n);
	up.eol = eol_scan_end(&scan, &up.wire_size);
	for (size_t i = 0; i < message.n; i++) {
		if (message.p[i] == '\n' && last != '\r')
			must(buf_add(wire, "\r", 1) == 0);
		last = message.p[i];
		must(buf_add(wire, &last, 1) == 0);
	}
	must(wire->n == up.wire_size);
	return up;
}

static void
submit(struct lane *ln, unsigned what, struct str two[2], struct str message,
    struct asked *q, struct buf *wire)
{
	static const struct kwtab none;
	struct imap_upload up;
	struct uidset uids;

	*q = (struct asked){ .name = two[0] };
	switch (what % 6) {
	case 0:
		q->verb = STR("CREATE");
		(void)imap_create(ln, two[0]);
		break;
	case 1:
		q->verb = STR("RENAME");
		q->other = two[1];
		(void)imap_rename(ln, two[0], two[1]);
		break;
	case 2:
		q->verb = STR("STATUS");
		(void)imap_status(ln, two[0]);
		break;
	case 3:
		q->verb = STR("SELECT");
		(void)imap_select(ln, two[0], false, (struct uidvalidity){ 0 },
		    (struct modseq){ 0 });
		break;
	case 4:
		q->verb = STR("UID");
		uidset_init(&uids);
		uidset_add(&uids, 1, 3);
		(void)imap_copy(ln, &uids, two[0], false);
		uidset_clear(&uids);
		break;
	default:
		q->verb = STR("APPEND");
		up = upload(message, wire);
		q->message = buf_str(wire);
		(void)imap_append(ln, two[0], &up, 1, &none);
	}
}

static bool
is_name(struct str s)
{
	return s.n > 0 && s.n < 2000 && memchr(s.p, '\r', s.n) == NULL &&
	    memchr(s.p, '\n', s.n) == NULL;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const char *const can[] = { "", "LITERAL+ ", "LITERAL- ",
	    "UTF8=ACCEPT LITERAL+ " };
	struct str in = { (const char *)p, n }, two[2];
	struct imap_conf conf = { .peer = { .host = "h", .user = "u",
	    .tls_mode = TLS_NONE, .response_timeout = USEC_S(5) },
	    .max_literal = 1 << 16 };
	CLEANUP(buf_clear) struct buf wire;
	struct lanes lanes = { 0 };
	struct secret secret = { 0 };
	struct asked q;
	struct err err;
	char hello[200];
	int fd[2];
	unsigned what = fuzz_byte(&in), which = fuzz_byte(&in) % 4;

	buf_init(&wire, 1 << 20);
	two[0] = str_split(&in, '\0');
	two[1] = str_split(&in, '\0');
	if (!is_name(two[0]) || !is_name(two[1]) || in.n > 1 << 17 ||
	    (what % 6 == 5 && (in.n == 0 || memchr(in.p, '\0', in.n) != NULL)))
		return 0;
	must(secret_set(&secret, STR("secret")) == 0);
	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd) == 0);
	snprintf(hello, sizeof(hello), "* PREAUTH [CAPABILITY IMAP4rev1 %s"
	    "UNSELECT] hello\r\n", can[which]);
	tell(fd[1], STR(""), hello);
	struct lane *ln = imap_open(&conf, "fuzz", fd[0], &secret,
	    clock_in(USEC_S(1)), &err);
	must(ln != NULL);
	lanes_add(&lanes, ln);
	submit(ln, what, two, in, &q, &wire);
	serve(&lanes, fd[1], &q);
	lanes_close(&lanes, ln);
	close(fd[1]);
	secret_clear(&secret);
	return 0;
}
