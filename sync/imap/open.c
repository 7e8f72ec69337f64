/*
 * open.c — from a host name to a signed-in connection, in one straight line.
 *
 * The order is the security: nothing is said in clear that matters, nothing that
 * was heard in clear is kept, and every step that fails is the end.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "imap/auth.h"
#include "imap/lane_impl.h"
#include "imap/quirks.h"
#include "net/dial.h"

struct opening {
	struct imap_lane	*l;
	const struct imap_conf	*conf;
	const struct secret	*secret;
	usec			 deadline;
	bool			 tunnel;
	bool			 preauth;
	bool			 have_caps;	/* for the present state */
	char			 greeting[200];
};

/* Wait for a tagged answer (or "+" if ${cont} is not NULL); what comes untagged
 * before it is taken in. */
static int
wait_tagged(struct opening *o, const char *tag, struct resp *resp, bool *cont,
    struct err *err)
{
	struct imap_lane *l = o->l;

	for (;;) {
		if (lane_read(l, resp, o->deadline, err) < 0)
			return -1;
		switch (resp->kind) {
		case RESP_TAGGED:
			if (!str_eq(resp->tag, str_z(tag)))
				return err_set(err, ERR_PROTO,
				    "proto.unexpected", "the server answered "
				    "%.*s, which was not asked",
				    STR_ARG(resp->tag));
			if (str_eq(resp->cond.code, STR("CAPABILITY"))) {
				lane_caps(l, resp->cond.args);
				o->have_caps = true;
			}
			return 0;
		case RESP_CONTINUE:
			if (cont == NULL)
				break;
			*cont = true;
			return 0;
		case RESP_CAPABILITY:
			lane_caps(l, resp->text);
			o->have_caps = true;
			break;
		case RESP_COND:
			if (resp->cond.cond == COND_BYE) {
				snprintf(l->bye_text, sizeof(l->bye_text),
				    "%.*s", STR_ARG(resp->cond.text));
				return lane_bye(l, err);
			}
			break;
		default:
			break;
		}
	}
}

static char *
new_tag(struct imap_lane *l, char tag[TAG_MAX])
{
	snprintf(tag, TAG_MAX, "%s%u", l->tag_prefix, ++l->last_tag);
	return tag;
}

/* One command without arguments of ours; anything but OK is -1. */
static int
ask(struct opening *o, const char *text, struct resp *resp, struct err *err)
{
	char tag[TAG_MAX], line[200];

	snprintf(line, sizeof(line), "%s %s\r\n", new_tag(o->l, tag), text);
	stream_put(o->l->st, line, strlen(line));
	return wait_tagged(o, tag, resp, NULL, err);
}

static int
need_caps(struct opening *o, struct err *err)
{
	struct resp resp;

	if (o->have_caps)
		return 0;
	if (ask(o, "CAPABILITY", &resp, err) < 0)
		return -1;
	return o->have_caps ? 0 : err_set(err, ERR_PROTO, "proto.unexpected",
	    "the server does not say what it can do");
}

/* ---- TLS -------------------------------------------------------------- */

static int
start_tls(struct opening *o, struct err *err)
{
	return stream_tls(o->l->st, &o->conf->tls, o->conf->host, "imap",
	    o->deadline, err);
}

static int
starttls(struct opening *o, struct err *err)
{
	struct resp resp;

	/* Asked for even if it is not announced: somebody may have stripped it
	 * from the list. */
	if (ask(o, "STARTTLS", &resp, err) < 0)
		return -1;
	if (resp.cond.cond != COND_OK)
		return err_set(err, ERR_CONFIG, "tls.starttls-stripped",
		    "%s refuses STARTTLS: %.*s", o->conf->host,
		    STR_ARG(resp.cond.text));
	stream_eat(o->l->st, o->l->to_eat);
	o->l->to_eat = 0;
	/* stream_tls() refuses if anything was sent behind that OK. */
	if (start_tls(o, err) < 0)
		return -1;
	imap_reader_reset(o->l->reader);
	o->l->caps = (struct imap_caps){ 0 };
	o->have_caps = false;
	return 0;
}

/* ---- greeting --------------------------------------------------------- */

static int
greeting(struct opening *o, struct err *err)
{
	struct resp resp;

	do
		if (lane_read(o->l, &resp, o->deadline, err) < 0)
			return -1;
	while (resp.kind == RESP_IGNORED);
	if (resp.kind != RESP_COND || resp.cond.cond == COND_NO ||
	    resp.cond.cond == COND_BAD)
		return err_set(err, ERR_PROTO, "proto.unexpected",
		    "%s does not greet as an IMAP server does", o->conf->host);
	if (resp.cond.cond == COND_BYE) {
		snprintf(o->l->bye_text, sizeof(o->l->bye_text), "%.*s",
		    STR_ARG(resp.cond.text));
		return lane_bye(o->l, err);
	}
	snprintf(o->greeting, sizeof(o->greeting), "%.*s",
	    STR_ARG(resp.cond.text));
	o->preauth = resp.cond.cond == COND_PREAUTH;
	if (o->preauth && !o->tunnel && stream_info(o->l->st)->tls_version == NULL)
		return err_set(err, ERR_CONFIG, "tls.starttls-stripped",
		    "%s signs us in before TLS (PREAUTH): somebody may be "
		    "in between", o->conf->host);
	if (str_eq(resp.cond.code, STR("CAPABILITY"))) {
		lane_caps(o->l, resp.cond.args);
		o->have_caps = true;
	}
	return 0;
}

/* ---- signing in ------------------------------------------------------- */

static int
refused(const struct resp *resp, struct err *err)
{
	static const char *const transient[] = { "UNAVAILABLE", "INUSE",
	    "LIMIT", "CONTACTADMIN" };

	for (size_t i = 0; i < ARRAY_LEN(transient); i++)
		if (str_eq(resp->cond.code, str_z(transient[i])))
			return err_set(err, ERR_RETRY, "auth.throttled",
			    "signing in: the server said: %.*s",
			    STR_ARG(resp->cond.text));
	err_set(err, ERR_AUTH, "auth.refused",
	    "the server refused the sign-in: %.*s", STR_ARG(resp->cond.text));
	snprintf(err->resp, sizeof(err->resp), "%.*s", STR_ARG(resp->cond.code));
	return -1;
}

static void
put_quoted(struct imap_lane *l, struct str s)
{
	stream_put(l->st, "\"", 1);
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			stream_put_secret(l->st, "\\", 1);
		stream_put_secret(l->st, s.p + i, 1);
	}
	stream_put(l->st, "\"", 1);
}

static int
login_command(struct opening *o, struct err *err)
{
	struct str user = str_z(o->conf->user), word = secret_peek(o->secret);
	char tag[TAG_MAX];
	struct resp resp;

	if (caps_have(&o->l->caps, CAP_LOGINDISABLED))
		return err_set(err, ERR_AUTH, "auth.mechanism-missing",
		    "%s forbids LOGIN here", o->conf->host);
	if (memchr(word.p, '\n', word.n) != NULL ||
	    memchr(word.p, '\r', word.n) != NULL)
		return err_set(err, ERR_AUTH, "auth.refused",
		    "the password holds a line break");
	new_tag(o->l, tag);
	stream_put(o->l->st, tag, strlen(tag));
	stream_put(o->l->st, " LOGIN ", 7);
	put_quoted(o->l, user);
	stream_put(o->l->st, " ", 1);
	put_quoted(o->l, word);
	stream_put(o->l->st, "\r\n", 2);
	o->have_caps = false;
	if (wait_tagged(o, tag, &resp, NULL, err) < 0)
		return -1;
	return resp.cond.cond == COND_OK ? 0 : refused(&resp, err);
}

static int
dialogue(struct opening *o, struct auth *a, const char *mech, struct err *err)
{
	struct imap_lane *l = o->l;
	struct err detail = { 0 };
	bool spoken = false;
	char tag[TAG_MAX];
	struct resp resp;
	struct str answer;

	new_tag(l, tag);
	stream_put(l->st, tag, strlen(tag));
	stream_put(l->st, " AUTHENTICATE ", 14);
	stream_put(l->st, mech, strlen(mech));
	if (auth_first(a) && caps_have(&l->caps, CAP_SASL_IR)) {
		if (auth_step(a, STR(""), &answer, err) < 0)
			return -1;
		stream_put(l->st, " ", 1);
		if (answer.n == 0)
			stream_put(l->st, "=", 1);
		stream_put_secret(l->st, answer.p, answer.n);
		spoken = true;
	}
	stream_put(l->st, "\r\n", 2);
	o->have_caps = false;
	for (int steps = 0; steps < 16; steps++) {
		bool cont = false;

		if (wait_tagged(o, tag, &resp, &cont, err) < 0)
			return -1;
		if (!cont) {
			if (resp.cond.cond == COND_OK)
				return auth_end(a, err);
			if (detail.class != ERR_NONE) {
				*err = detail;
				return -1;
			}
			return refused(&resp, err);
		}
		if (!spoken && auth_first(a))
			resp.text = STR("");
		spoken = true;
		if (auth_step(a, str_trim(resp.text), &answer, &detail) < 0) {
			*err = detail;
			return -1;
		}
		stream_put_secret(l->st, answer.p, answer.n);
		stream_put(l->st, "\r\n", 2);
	}
	return err_set(err, ERR_PROTO, "proto.unexpected",
	    "signing in does not come to an end");
}

static int
sign_in(struct opening *o, struct err *err)
{
	char *mech = o->l->server.mechanism;
	const struct stream_info *info = stream_info(o->l->st);
	struct auth *a;
	int r;

	if (need_caps(o, err) < 0 || auth_choose(o->conf, &o->l->caps, info,
	    info->tls_version == NULL, mech, err) < 0)
		return -1;
	if (strcmp(mech, "LOGIN-COMMAND") == 0)
		return login_command(o, err);
	a = auth_new(mech, o->conf, o->secret, info, err);
	if (a == NULL)
		return -1;
	r = dialogue(o, a, mech, err);
	auth_free(a);
	return r;
}

static int
compress(struct opening *o, struct err *err)
{
	struct resp resp;

	if (!o->conf->compress || !caps_have(&o->l->caps, CAP_COMPRESS))
		return 0;
	if (ask(o, "COMPRESS DEFLATE", &resp, err) < 0)
		return -1;
	if (resp.cond.cond != COND_OK)
		return 0;
	stream_eat(o->l->st, o->l->to_eat);
	o->l->to_eat = 0;
	return stream_deflate(o->l->st, err);
}

/* ---- the line --------------------------------------------------------- */

static int
bring_up(struct opening *o, struct err *err)
{
	if (o->conf->tls_mode == TLS_IMPLICIT && !o->tunnel &&
	    start_tls(o, err) < 0)
		return -1;
	if (greeting(o, err) < 0)
		return -1;
	if (o->conf->tls_mode == TLS_STARTTLS && !o->tunnel &&
	    starttls(o, err) < 0)
		return -1;
	if (!o->preauth && sign_in(o, err) < 0)
		return -1;
	imap_reader_authenticated(o->l->reader, true);
	if (need_caps(o, err) < 0)
		return -1;
	quirks_apply(o->l, o->greeting);
	return compress(o, err);
}

static void
random_prefix(char out[8])
{
	unsigned char raw[4];

	must(getrandom(raw, sizeof(raw), 0) == sizeof(raw));
	for (size_t i = 0; i < sizeof(raw); i++)
		out[i] = (char)('a' + raw[i] % 26);
	out[sizeof(raw)] = '\0';
}

struct lane *
imap_open(const struct imap_conf *conf, const char *name, int tunnel_fd,
    const struct secret *secret, usec deadline, struct err *err)
{
	struct imap_lane *l;
	struct opening o = { .conf = conf, .secret = secret,
	    .deadline = deadline, .tunnel = tunnel_fd >= 0 };
	int fd = tunnel_fd;

	if (fd < 0 && (fd = dial(conf->host, conf->port, deadline, err)) < 0)
		return NULL;
	l = xcalloc(1, sizeof(*l));
	l->lane.ops = &imap_lane_ops;
	snprintf(l->name, sizeof(l->name), "%s", name);
	l->lane.name = l->name;
	l->tail = &l->head;
	l->forbid = conf->forbid;
	l->timeout = conf->response_timeout;
	l->last_byte = clock_now();
	l->st = stream_new(fd);
	l->reader = imap_reader_new(conf->max_literal);
	random_prefix(l->tag_prefix);
	if (conf->tap)
		stream_tap(l->st, l->name);
	o.l = l;
	if (bring_up(&o, err) < 0) {
		l->lane.ops->free(&l->lane);
		return NULL;
	}
	l->last_byte = clock_now();
	return &l->lane;
}
