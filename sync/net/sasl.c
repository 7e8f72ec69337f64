/*
 * sasl.c — SASL.  RFC 4616 (PLAIN), 7628 (OAUTHBEARER), 5802 and 7677 (SCRAM),
 * 9266 (tls-exporter), 4422 appendix A (EXTERNAL); XOAUTH2 and LOGIN have none.
 */
#include "net/sasl.h"

#include <gsasl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/mem.h"
#include "net/scram.h"

enum { STEPS_MAX = 10 };

enum needs { NEEDS_PASSWORD, NEEDS_TOKEN, NEEDS_CERTIFICATE, NEEDS_TICKET };

struct mechanism {
	const char	*name;
	enum needs	 needs;
	bool		 named_only;	/* weak or special: the user wants it */
	bool		 plus;		/* binds to the TLS channel */
	/* The client's next message, in clear; NULL: libgsasl does it. */
	int		(*say)(struct sasl *a, struct str challenge,
			    struct buf *out);
	bool		 server_first;
};

struct sasl {
	struct sasl_conf	 conf;
	const struct mechanism	*mech;
	size_t			 steps;
	Gsasl			*gsasl;
	Gsasl_session		*session;
	bool			 done;	/* libgsasl is satisfied */
	char			 failure[256];
};

/* --- What the simple mechanisms say. --- */

static int
say_plain(struct sasl *a, struct str challenge, struct buf *out)
{
	(void)challenge;
	return buf_fmt(out, "%c%s%c", '\0', a->conf.user, '\0') < 0 ? -1 :
	    buf_add_str(out, a->conf.secret);
}

/* "Username:", "Password:": the words vary, the order does not. */
static int
say_login(struct sasl *a, struct str challenge, struct buf *out)
{
	(void)challenge;
	return a->steps == 1 ? buf_add_str(out, str_z(a->conf.user)) :
	    buf_add_str(out, a->conf.secret);
}

static int
say_external(struct sasl *a, struct str challenge, struct buf *out)
{
	(void)a;
	(void)challenge;
	(void)out;	/* we are who the certificate says */
	return 0;
}

/* A second challenge is the reason of a refusal; it wants an empty answer. */
static bool
refused(struct sasl *a, struct str challenge)
{
	if (a->steps == 1)
		return false;
	snprintf(a->failure, sizeof(a->failure), "%.*s",
	    (int)str_head(challenge, sizeof(a->failure)).n, challenge.p);
	return true;
}

static int
say_xoauth2(struct sasl *a, struct str challenge, struct buf *out)
{
	if (refused(a, challenge))
		return 0;
	return buf_fmt(out, "user=%s\1auth=Bearer ", a->conf.user) < 0 ||
	    buf_add_str(out, a->conf.secret) < 0 ? -1 :
	    buf_add(out, "\1\1", 2);
}

/* A name in a GS2 header (RFC 5801 section 4). */
static int
add_saslname(struct buf *out, const char *name)
{
	int r = 0;

	for (; *name != '\0' && r == 0; name++)
		r = *name == ',' ? buf_add(out, "=2C", 3) :
		    *name == '=' ? buf_add(out, "=3D", 3) :
		    buf_add(out, name, 1);
	return r;
}

static int
say_oauthbearer(struct sasl *a, struct str challenge, struct buf *out)
{
	if (refused(a, challenge))
		return buf_add(out, "\1", 1);
	if (buf_add_str(out, STR("n,a=")) < 0 ||
	    add_saslname(out, a->conf.user) < 0)
		return -1;
	return buf_fmt(out, ",\1host=%s\1port=%u\1auth=Bearer ", a->conf.host,
	    a->conf.port) < 0 || buf_add_str(out, a->conf.secret) < 0 ? -1 :
	    buf_add(out, "\1\1", 2);
}

/* --- The choice. --- */

void
sasl_names_add(struct sasl_names *names, struct str mechanism)
{
	char *out;

	if (mechanism.n == 0 || names->n == SASL_MECHS_MAX ||
	    mechanism.n >= SASL_NAME_MAX)
		return;
	out = names->v[names->n];
	for (size_t i = 0; i < mechanism.n; i++) {
		char c = mechanism.p[i];

		if (c <= ' ' || c >= 0x7f)
			return;
		out[i] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
	}
	out[mechanism.n] = '\0';
	if (!sasl_names_have(names, out))
		names->n++;
}

bool
sasl_names_have(const struct sasl_names *names, const char *mechanism)
{
	for (size_t i = 0; i < names->n; i++)
		if (str_ieq(str_z(names->v[i]), str_z(mechanism)))
			return true;
	return false;
}

/* The strongest first. */
static const struct mechanism mechanisms[] = {
	{ .name = "OAUTHBEARER", .needs = NEEDS_TOKEN, .say = say_oauthbearer },
	{ .name = "XOAUTH2", .needs = NEEDS_TOKEN, .say = say_xoauth2 },
	{ .name = "EXTERNAL", .needs = NEEDS_CERTIFICATE, .say = say_external },
	{ .name = "GSSAPI", .needs = NEEDS_TICKET, .named_only = true },
	{ .name = "SCRAM-SHA-256-PLUS", .plus = true },
	{ .name = "SCRAM-SHA-256" },
	{ .name = "SCRAM-SHA-1-PLUS", .plus = true },
	{ .name = "SCRAM-SHA-1" },
	{ .name = "CRAM-MD5", .named_only = true, .server_first = true },
	{ .name = "PLAIN", .say = say_plain },
	{ .name = "LOGIN", .say = say_login, .server_first = true },
};

static bool
can_bind(const struct stream_info *tls)
{
	return tls->n_cb > 0 && tls->cb_type != NULL &&
	    strcmp(tls->cb_type, "tls-exporter") == 0;
}

static bool
offered(const struct mechanism *m, const struct sasl_offer *offer,
    const struct stream_info *tls)
{
	if (m->plus && !can_bind(tls))
		return false;
	return sasl_names_have(offer->names, m->name);
}

static enum needs
secret_kind(const struct peer_conf *conf)
{
	return conf->token ? NEEDS_TOKEN :
	    conf->external ? NEEDS_CERTIFICATE : NEEDS_PASSWORD;
}

/* The first that is offered; with ${name}, only of that name.  A command comes
 * after the mechanisms: the user's "LOGIN" means both. */
static const char *
pick(const struct peer_conf *conf, const char *name,
    const struct sasl_offer *offer, const struct stream_info *tls)
{
	for (size_t i = 0; i < ARRAY_LEN(mechanisms); i++) {
		const struct mechanism *m = &mechanisms[i];

		if (name != NULL ? strcasecmp(m->name, name) != 0 :
		    m->named_only || m->needs != secret_kind(conf))
			continue;
		if (offered(m, offer, tls))
			return m->name;
	}
	for (size_t i = 0; i < offer->n_commands; i++) {
		const struct sasl_command *c = &offer->command[i];

		if (name != NULL ? strcasecmp(c->word, name) == 0 :
		    !c->named_only && secret_kind(conf) == NEEDS_PASSWORD)
			return c->name;
	}
	return NULL;
}

static int
none_fits(const struct peer_conf *conf, const struct sasl_offer *offer,
    struct err *err)
{
	char list[256] = "";
	size_t n = 0;

	for (size_t i = 0; i < offer->names->n && n < sizeof(list); i++)
		n += (size_t)snprintf(list + n, sizeof(list) - n, " %s",
		    offer->names->v[i]);
	return err_set(err, ERR_AUTH, "auth.mechanism-missing",
	    "the server offers%s%s: nothing to sign in with %s",
	    n > 0 ? list : " no SASL mechanism",
	    offer->n_commands == 0 ? ", and takes no password otherwise" : "",
	    conf->n_mechanisms > 0 ? "as configured" :
	    conf->token ? "a token" :
	    conf->external ? "a certificate" : "a password");
}

const char *
sasl_choose(const struct peer_conf *conf, const struct sasl_offer *offer,
    const struct stream_info *tls, struct err *err)
{
	const char *name = NULL;

	if (conf->n_mechanisms == 0)
		name = pick(conf, NULL, offer, tls);
	for (size_t i = 0; i < conf->n_mechanisms && name == NULL; i++)
		name = pick(conf, conf->mechanisms[i], offer, tls);
	if (name == NULL)
		none_fits(conf, offer, err);
	return name;
}

/* --- The exchange. --- */

/* What libgsasl answered.  That it had no memory says nothing of the password. */
static int
answered(int r)
{
	if (r == GSASL_MALLOC_ERROR)
		no_memory();
	return r;
}

static void
set(struct sasl *a, Gsasl_property what, struct str value)
{
	(void)answered(gsasl_property_set_raw(a->session, what, value.p,
	    value.n));
}

static void
set_binding(struct sasl *a)
{
	char *text = NULL;
	size_t n = 0;

	/* "We could, you cannot" (RFC 5802 section 6, "y") would be better than
	 * saying nothing, but libgsasl 2.2 fails when it is to say that. */
	if (!a->mech->plus)
		return;
	if (answered(gsasl_base64_to((const char *)a->conf.tls->cb,
	    a->conf.tls->n_cb, &text, &n)) != GSASL_OK)
		return;
	set(a, GSASL_CB_TLS_EXPORTER, str_z(text));
	gsasl_free(text);
}

static int
start_gsasl(struct sasl *a, struct err *err)
{
	int r = answered(gsasl_init(&a->gsasl));

	if (r == GSASL_OK)
		r = answered(gsasl_client_start(a->gsasl, a->mech->name,
		    &a->session));
	if (r != GSASL_OK)
		return err_set(err, ERR_AUTH, "auth.mechanism-missing",
		    "%s: %s", a->mech->name, gsasl_strerror(r));
	set(a, GSASL_AUTHID, str_z(a->conf.user));
	if (a->mech->needs == NEEDS_PASSWORD)
		set(a, GSASL_PASSWORD, a->conf.secret);
	set(a, GSASL_SERVICE, str_z(a->conf.service));
	set(a, GSASL_HOSTNAME, str_z(a->conf.host));
	set_binding(a);
	return 0;
}

struct sasl *
sasl_new(const struct sasl_conf *conf, struct err *err)
{
	struct sasl *a = xcalloc(1, sizeof(*a));

	a->conf = *conf;
	for (size_t i = 0; i < ARRAY_LEN(mechanisms); i++)
		if (strcmp(mechanisms[i].name, conf->mechanism) == 0)
			a->mech = &mechanisms[i];
	must(a->mech != NULL);
	if (a->mech->say == NULL && start_gsasl(a, err) < 0) {
		sasl_free(a);
		return NULL;
	}
	return a;
}

/* libgsasl keeps its own copies. */
static void
wipe(Gsasl_session *session, Gsasl_property secret)
{
	const char *copy = gsasl_property_fast(session, secret);

	if (copy != NULL)
		explicit_bzero((char *)copy, strlen(copy));
}

void
sasl_free(struct sasl *a)
{
	if (a == NULL)
		return;
	if (a->session != NULL) {
		wipe(a->session, GSASL_PASSWORD);
		wipe(a->session, GSASL_SCRAM_SALTED_PASSWORD);
		gsasl_finish(a->session);
	}
	if (a->gsasl != NULL)
		gsasl_done(a->gsasl);
	free(a);
}

bool
sasl_client_first(const struct sasl *a)
{
	return !a->mech->server_first;
}

const char *
sasl_failure(const struct sasl *a)
{
	return a->failure;
}

static bool
is_scram(const struct sasl *a)
{
	return str_starts(str_z(a->mech->name), STR("SCRAM-"));
}

bool
sasl_said_all(const struct sasl *a)
{
	return is_scram(a) && a->steps == 2;
}

bool
sasl_last_word(const struct sasl *a)
{
	return sasl_said_all(a) || (a->mech->say == say_plain && a->steps == 1);
}

int
sasl_end(const struct sasl *a, struct err *err)
{
	if (a->mech->say != NULL || a->done)
		return 0;
	return err_set(err, ERR_AUTH, "auth.refused",
	    "the server said OK without proving that it knows the password");
}

/* Spare libgsasl the slow part. */
static int
set_salted(struct sasl *a, struct str challenge, struct err *err)
{
	char hex[SCRAM_HEX_MAX];
	int r = scram_salted(a->mech->name, challenge,
	    gsasl_property_fast(a->session, GSASL_PASSWORD), hex, err);

	if (r == 0 && hex[0] != '\0')
		set(a, GSASL_SCRAM_SALTED_PASSWORD, str_z(hex));
	explicit_bzero(hex, sizeof(hex));
	return r;
}

static int
step_gsasl(struct sasl *a, struct str challenge, struct buf *out,
    struct err *err)
{
	char *text = NULL;
	size_t n = 0;
	int r;

	if (is_scram(a) && a->steps == 2 && set_salted(a, challenge, err) < 0)
		return -1;
	r = answered(gsasl_step(a->session, challenge.p, challenge.n, &text,
	    &n));
	a->done = r == GSASL_OK;
	if (r != GSASL_OK && r != GSASL_NEEDS_MORE)
		return err_set(err, ERR_AUTH, "auth.refused", "%s",
		    gsasl_strerror(r));
	r = buf_add(out, text, n);
	if (text != NULL)
		explicit_bzero(text, n);
	gsasl_free(text);
	return r < 0 ? err_set(err, ERR_PROTO, "proto.unexpected",
	    "too long an answer is wanted") : 0;
}

/* One step in clear. */
static int
step(struct sasl *a, struct str challenge, struct buf *clear, struct err *err)
{
	if (a->steps++ == STEPS_MAX)
		return err_set(err, ERR_PROTO, "proto.unexpected",
		    "the server does not stop asking");
	if (a->mech->say == NULL)
		return step_gsasl(a, challenge, clear, err);
	if (a->steps > 2)
		return err_set(err, ERR_PROTO, "proto.unexpected",
		    "the server asks for more than there is");
	must(a->mech->say(a, challenge, clear) == 0);
	return 0;
}

static int
encode(struct str clear, struct buf *out)
{
	char *text = NULL;
	size_t n = 0;
	int r;

	if (clear.n == 0)
		return 0;
	must(answered(gsasl_base64_to(clear.p, clear.n, &text, &n)) == GSASL_OK);
	r = buf_add(out, text, n);
	explicit_bzero(text, n);
	gsasl_free(text);
	return r;
}

int
sasl_step(struct sasl *a, struct str challenge, struct buf *out,
    struct err *err)
{
	CLEANUP(buf_wipe) struct buf clear;
	char *plain = NULL;
	size_t n = 0;
	int r;

	buf_init(&clear, SASL_RESPONSE_MAX);
	challenge = str_trim(challenge);
	if (challenge.n > 0 && answered(gsasl_base64_from(challenge.p,
	    challenge.n, &plain, &n)) != GSASL_OK)
		return err_set(err, ERR_PROTO, "proto.unexpected",
		    "the challenge is not base64");
	must(buf_room(&clear, SASL_RESPONSE_MAX / 4 * 3) != NULL);
	r = step(a, plain != NULL ? (struct str){ plain, n } : STR(""), &clear,
	    err);
	gsasl_free(plain);
	if (r < 0)
		return -1;
	if (encode(buf_str(&clear), out) < 0)
		return err_set(err, ERR_PROTO, "proto.unexpected",
		    "too long an answer is wanted");
	return 0;
}

int
sasl_respond(struct sasl *a, struct stream *st, struct str challenge,
    bool initial, struct err *err)
{
	CLEANUP(buf_wipe) struct buf out;

	buf_init(&out, SASL_RESPONSE_MAX);
	must(buf_room(&out, SASL_RESPONSE_MAX) != NULL);
	if (sasl_step(a, challenge, &out, err) < 0)
		return -1;
	if (initial)
		stream_put(st, out.n > 0 ? " " : " =", out.n > 0 ? 1 : 2);
	stream_put_secret(st, out.p, out.n);
	return 0;
}
