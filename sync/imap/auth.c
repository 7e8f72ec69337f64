/*
 * auth.c — SASL by libgsasl.
 *
 * Passwords never travel where a stronger mechanism is offered, and a SCRAM that
 * fails is never followed by PLAIN: the server would only have to refuse once to
 * learn the password (RFC 5802 section 9).
 */
#include "imap/auth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gsasl.h>

#include "base/mem.h"

struct auth {
	Gsasl			*ctx;
	Gsasl_session		*session;	/* NULL: OAuth, by hand */
	const struct imap_conf	*conf;
	const struct secret	*secret;
	const char		*mechanism;
	char			*cb;		/* base64 of the channel binding */
	char			*answer;
	bool			 scram;
	bool			 ended;		/* the mechanism is satisfied */
	bool			 oauth, bearer;
	int			 steps;
};

static const char *const oauth_order[] = { "OAUTHBEARER", "XOAUTH2" };
static const char *const password_order[] = { "SCRAM-SHA-256-PLUS",
    "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-1", "PLAIN", "LOGIN" };

static bool
is_plain(const char *mech)
{
	return strcmp(mech, "PLAIN") == 0 || strcmp(mech, "LOGIN") == 0 ||
	    strcmp(mech, "LOGIN-COMMAND") == 0;
}

/* libgsasl 2.2 knows channel binding of TLS 1.3 by the exporter. */
static bool
usable(const char *mech, const struct imap_caps *caps,
    const struct stream_info *info)
{
	size_t n = strlen(mech);

	if (!caps_mech(caps, mech))
		return false;
	if (n > 5 && strcmp(mech + n - 5, "-PLUS") == 0)
		return info->cb_type != NULL &&
		    strcmp(info->cb_type, "tls-exporter") == 0;
	return true;
}

static int
take(const char *mech, char out[24])
{
	snprintf(out, 24, "%s", mech);
	return 0;
}

int
auth_choose(const struct imap_conf *conf, const struct imap_caps *caps,
    const struct stream_info *info, bool clear, char out[24], struct err *err)
{
	const char *const *order = conf->token ? oauth_order : password_order;
	size_t n = conf->token ? ARRAY_LEN(oauth_order) :
	    ARRAY_LEN(password_order);

	(void)clear;
	if (conf->external)
		return take("EXTERNAL", out);
	for (size_t i = 0; i < conf->n_mechanisms; i++) {
		if (usable(conf->mechanisms[i], caps, info))
			return take(conf->mechanisms[i], out);
	}
	for (size_t i = 0; i < n && conf->n_mechanisms == 0; i++) {
		if (is_plain(order[i]) && caps_have(caps, CAP_LOGINDISABLED))
			continue;
		if (usable(order[i], caps, info))
			return take(order[i], out);
	}
	if (!conf->token && conf->n_mechanisms == 0 && caps->n_mech == 0 &&
	    !caps_have(caps, CAP_LOGINDISABLED))
		return take("LOGIN-COMMAND", out);
	return err_set(err, ERR_AUTH, "auth.mechanism-missing",
	    "%s offers no way to sign in that fits (auth.mechanisms, and the "
	    "kind of secret)", conf->host != NULL ? conf->host : "the server");
}

/* What libgsasl asks for while it steps; the library's interface is a callback,
 * and this is the only place that knows. */
static int
property(Gsasl *ctx, Gsasl_session *session, Gsasl_property prop)
{
	struct auth *a = gsasl_callback_hook_get(ctx);

	switch (prop) {
	case GSASL_AUTHID:
		return gsasl_property_set(session, prop, a->conf->user);
	case GSASL_PASSWORD:
		return gsasl_property_set_raw(session, prop,
		    secret_peek(a->secret).p, secret_peek(a->secret).n);
	case GSASL_AUTHZID:
		return a->conf->external ? gsasl_property_set(session, prop, "") :
		    GSASL_NO_CALLBACK;
	case GSASL_SERVICE:
		return gsasl_property_set(session, prop, "imap");
	case GSASL_HOSTNAME:
		return gsasl_property_set(session, prop, a->conf->host);
	case GSASL_CB_TLS_EXPORTER:
		return a->cb != NULL ? gsasl_property_set(session, prop, a->cb) :
		    GSASL_NO_CALLBACK;
	default:
		return GSASL_NO_CALLBACK;
	}
}

static int
start_gsasl(struct auth *a, const struct stream_info *info, struct err *err)
{
	size_t n;
	int r;

	/* libgsasl 2.2 fails a SCRAM without -PLUS that is given a binding. */
	if (info->n_cb > 0 && info->cb_type != NULL &&
	    strstr(a->mechanism, "-PLUS") != NULL &&
	    strcmp(info->cb_type, "tls-exporter") == 0 &&
	    gsasl_base64_to((const char *)info->cb, info->n_cb, &a->cb, &n) !=
	    GSASL_OK)
		a->cb = NULL;
	r = gsasl_init(&a->ctx);
	if (r == GSASL_OK) {
		gsasl_callback_hook_set(a->ctx, a);
		gsasl_callback_set(a->ctx, property);
		r = gsasl_client_start(a->ctx, a->mechanism, &a->session);
	}
	if (r != GSASL_OK)
		return err_set(err, ERR_AUTH, "auth.mechanism-missing",
		    "%s: %s", a->mechanism, gsasl_strerror(r));
	return 0;
}

struct auth *
auth_new(const char *mechanism, const struct imap_conf *conf,
    const struct secret *secret, const struct stream_info *info, struct err *err)
{
	struct auth *a = xcalloc(1, sizeof(*a));

	a->mechanism = mechanism;
	a->conf = conf;
	a->secret = secret;
	a->bearer = strcmp(mechanism, "OAUTHBEARER") == 0;
	a->oauth = a->bearer || strcmp(mechanism, "XOAUTH2") == 0;
	a->scram = strncmp(mechanism, "SCRAM-", 6) == 0;
	if (!a->oauth && start_gsasl(a, info, err) < 0) {
		auth_free(a);
		return NULL;
	}
	return a;
}

static void
wipe(char **text)
{
	if (*text != NULL) {
		explicit_bzero(*text, strlen(*text));
		gsasl_free(*text);
	}
	*text = NULL;
}

void
auth_free(struct auth *a)
{
	if (a == NULL)
		return;
	wipe(&a->answer);
	wipe(&a->cb);
	if (a->session != NULL)
		gsasl_finish(a->session);
	if (a->ctx != NULL)
		gsasl_done(a->ctx);
	free(a);
}

bool
auth_first(const struct auth *a)
{
	/* LOGIN and CRAM-MD5 wait for the server. */
	return strcmp(a->mechanism, "LOGIN") != 0 &&
	    strcmp(a->mechanism, "CRAM-MD5") != 0 &&
	    strcmp(a->mechanism, "DIGEST-MD5") != 0;
}

/* RFC 7628 section 3.1; XOAUTH2 is Google's older form of the same. */
static int
oauth_answer(struct auth *a, struct str challenge, struct err *err)
{
	struct str token = secret_peek(a->secret);
	char *text, *json = NULL;
	size_t n;
	int r;

	if (a->steps++ == 0) {
		if (a->bearer)
			text = xasprintf("n,a=%s,\001host=%s\001port=%u\001auth="
			    "Bearer %.*s\001\001", a->conf->user,
			    a->conf->host, a->conf->port, STR_ARG(token));
		else
			text = xasprintf("user=%s\001auth=Bearer %.*s\001\001",
			    a->conf->user, STR_ARG(token));
		r = gsasl_base64_to(text, strlen(text), &a->answer, &n);
		explicit_bzero(text, strlen(text));
		free(text);
		return r == GSASL_OK ? 0 : err_set(err, ERR_AUTH,
		    "auth.refused", "out of memory");
	}
	/* A challenge now is the reason of the refusal; it wants an answer
	 * before the server says NO. */
	if (gsasl_base64_from(challenge.p, challenge.n, &json, &n) == GSASL_OK)
		err_set(err, ERR_AUTH, "auth.refused",
		    "the server refused the token: %.*s", (int)n, json);
	gsasl_free(json);
	return gsasl_base64_to("\001", a->bearer ? 1 : 0, &a->answer, &n) ==
	    GSASL_OK ? 0 : -1;
}

int
auth_step(struct auth *a, struct str challenge, struct str *answer,
    struct err *err)
{
	char *text = str_dup(challenge);
	int r;

	wipe(&a->answer);
	if (a->oauth) {
		r = oauth_answer(a, challenge, err);
	} else {
		r = gsasl_step64(a->session, text, &a->answer);
		a->ended = r == GSASL_OK;
		if (r != GSASL_OK && r != GSASL_NEEDS_MORE)
			r = err_set(err, ERR_AUTH, "auth.refused", "%s: %s",
			    a->mechanism, gsasl_strerror(r));
		else
			r = 0;
	}
	free(text);
	if (r == 0)
		*answer = str_z(a->answer);
	return r;
}

int
auth_end(const struct auth *a, struct err *err)
{
	if (a->scram && !a->ended)
		return err_set(err, ERR_AUTH, "auth.refused",
		    "the server did not prove that it knows the password (%s)",
		    a->mechanism);
	return 0;
}
