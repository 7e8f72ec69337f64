/*
 * fuzz_control.c — any bytes as what the parent hears: lines of a client at the
 * control socket, or messages of a worker that was taken over.  The first byte
 * chooses.
 *
 * Lines are the same however they are cut, and so are the answers; nothing that a
 * worker says starts a program or ends the parent.
 */
#include "fuzz.h"

#include <jansson.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "account.h"
#include "base/clock.h"
#include "base/log.h"
#include "config.h"
#include "control.h"
#include "js.h"
#include "messages.h"
#include "target.h"

/* ---- a client ----------------------------------------------------------- */

static int
dial(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	must(fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0);
	return fd;
}

/* As methods.c would, in short: what was asked, or that it is unknown. */
static void
answer_all(struct control *c)
{
	struct request rq;

	while (control_next(c, &rq)) {
		char *text = xstrdup(rq.method);
		struct target t;
		struct err err;

		if (target_parse(&t, text, &err) == 0)
			control_take_result(rq.client, rq.id, json_pack("{s:o,s:O*}",
			    "method", js_text(str_z(rq.method)), "params",
			    rq.params));
		else
			control_take_error(rq.client, rq.id,
			    js_error(err.code, err.text, NULL));
		free(text);
		json_decref(rq.line);
	}
}

static void
hear(int fd, struct buf *heard)
{
	ssize_t n;

	for (;;) {
		uint8_t *room = buf_room(heard, 1 << 16);

		must(room != NULL);
		n = recv(fd, room, 1 << 16, MSG_DONTWAIT);
		if (n <= 0)
			return;
		heard->n += (size_t)n;
	}
}

/* What a client hears that says ${in} in portions of ${most} bytes. */
static void
converse(struct control *c, const char *path, struct str in, size_t most,
    struct buf *heard)
{
	int fd = dial(path);

	buf_init(heard, 64 << 20);
	control_step(c, 1);
	while (in.n > 0) {
		struct str part = str_head(in, most);

		if (send(fd, part.p, part.n, MSG_NOSIGNAL) < 0)
			break;
		in = str_from(in, part.n);
		do {
			control_step(c, 1);
			answer_all(c);
			control_flush(c);
			hear(fd, heard);
		} while (control_pending(c));
	}
	shutdown(fd, SHUT_WR);
	for (int i = 0; i < 4; i++) {
		control_step(c, 1);
		answer_all(c);
		control_flush(c);
		hear(fd, heard);
	}
	close(fd);
	control_step(c, 1);
}

/* Each line that was heard is an object. */
static void
check_lines(struct str heard)
{
	while (heard.n > 0) {
		struct str line = str_split(&heard, '\n');
		struct err err;
		json_t *v = js_parse(line, &err);

		must(v != NULL);
		json_decref(v);
	}
}

static void
client(struct str in)
{
	static struct control c = { .fd = -1 };
	static char path[108];
	struct buf whole, cut;
	struct err err;

	if (c.fd < 0) {
		snprintf(path, sizeof(path), "%s/control", fuzz_dir());
		must(control_open(&c, path, &err) == 0);
	}
	converse(&c, path, in, in.n, &whole);
	converse(&c, path, in, 7, &cut);
	check_lines(buf_str(&whole));
	must(str_eq(buf_str(&whole), buf_str(&cut)));
	buf_clear(&whole);
	buf_clear(&cut);
}

/* ---- a worker ----------------------------------------------------------- */

static const struct conf *
a_conf(void)
{
	static struct conf *conf;
	char path[128];
	struct diags diags;
	int dir;

	if (conf == NULL) {
		snprintf(path, sizeof(path), "%s/syncd.yaml", fuzz_dir());
		dir = open(fuzz_dir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		must(dir >= 0);
		fuzz_file(dir, "syncd.yaml", STR("accounts:\n  a:\n    email: "
		    "a@h.example\n    host: h.example\n    path: /nowhere\n"
		    "    password_file: /nowhere/secret\n"
		    "state_dir: /nowhere-either\n"));
		close(dir);
		diags_init(&diags);
		conf = config_load(path, &diags);
		must(conf != NULL && conf->n_accounts == 1);
		diags_clear(&diags);
	}
	return conf;
}

static void
hear_worker(struct account *a)
{
	struct word word;

	while (account_step(a, &word) == 1) {
		json_t *v = account_status(a);
		char *text = js_dump(v);

		must(word.kind != WORD_GONE && account_state(a) != NULL);
		free(text);
		json_decref(v);
		json_decref(account_last_error(a));
		json_decref(word.body);
	}
}

static void
worker(struct str in)
{
	static unsigned programs;
	struct account_env env = { .conf = a_conf(), .programs = &programs };
	struct account a;
	struct str payload;
	uint8_t type;
	int sv[2];

	account_init(&a, &env, &env.conf->account[0]);
	must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, sv) == 0);
	a.fd = sv[0];
	while (a.fd >= 0 && next_message(&in, &type, &payload)) {
		/* It would start a process. */
		if (type == IPC_SCRIPT_ASK)
			continue;
		send_raw(sv[1], type, payload);
		hear_worker(&a);
		/* Nobody reads the answers: there is room for some. */
		while (recv(sv[1], (char[16]){ 0 }, 16, MSG_DONTWAIT) > 0)
			;
	}
	must(programs == 0);
	close(sv[1]);
	account_clear(&a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str in = { (const char *)p, n };
	unsigned what = fuzz_byte(&in);

	log_to(-1, LOG_LV_ERROR);
	if (in.n == 0 || in.n > 1 << 16)
		return 0;
	if (what & 1)
		worker(in);
	else
		client(in);
	return 0;
}
