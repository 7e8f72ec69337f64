/*
 * init_find.c — the server of an address, for `syncd init`, and a look at it before
 * anybody signs in.
 */
#include "cli/init.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/mem.h"
#include "cli/ask.h"
#include "config.h"
#include "net/sasl.h"
#include "remedy.h"

static int
nothing_found(const struct init *in)
{
	const char *domain = strchr(in->email, '@') + 1;
	const struct provider *p = in->server.provider;
	char text[1200], remedy[400];

	if (p != NULL && p->host == NULL)
		return cli_fail(in->cli, EX_UNAVAILABLE, "init.no-imap", p->hint,
		    NULL);
	snprintf(text, sizeof(text), "no %s server is published for %.200s; "
	    "looked at: %s", in->cli->pop3 ? "POP3" : "IMAP", domain,
	    in->server.looked);
	snprintf(remedy, sizeof(remedy), "syncd init %.150s%s.%.150s", in->email,
	    in->cli->pop3 ? " --pop3 --host pop" : " --host imap", domain);
	return cli_fail(in->cli, EX_TEMPFAIL, "init.nothing-found", text, remedy);
}

int
init_find(struct init *in)
{
	const struct discover_opts opts = { .host = in->cli->host,
	    .dns = in->cli->dns, .offline = in->cli->offline,
	    .pop3 = in->cli->pop3, .starttls = in->cli->starttls };
	char question[512];
	struct err err;

	init_say(in, "Looking up %s ... ", strchr(in->email, '@') + 1);
	if (discover(in->email, &opts, &in->server, clock_in(USEC_S(6)),
	    &err) < 0) {
		init_say(in, "\n");
		return cli_fail(in->cli, EX_USAGE, "usage", err.text, NULL);
	}
	if (in->server.host[0] == '\0') {
		init_say(in, "nothing\n");
		return nothing_found(in);
	}
	init_say(in, "%s\n", in->server.how);
	if (!in->server.foreign)
		return 0;
	snprintf(question, sizeof(question), "%s is not in %s. Go on with it?",
	    in->server.host, strchr(in->email, '@') + 1);
	if (ask_confirm(in->cli, question))
		return 0;
	snprintf(question, sizeof(question), "if it is your provider's: syncd init "
	    "%s --host %s:%u%s", in->email, in->server.host, in->server.port,
	    in->server.pop3 ? " --pop3" : "");
	return cli_fail(in->cli, EX_UNAVAILABLE, "init.foreign-host",
	    "the published server is outside of the mail's own domain", question);
}

static void
choose_user(struct init *in)
{
	const struct provider *p = in->server.provider;
	const char *at = strchr(in->email, '@');

	in->user = in->cli->user != NULL ? xstrdup(in->cli->user) :
	    p != NULL && p->local_user && in->cli->host == NULL ?
	    xasprintf("%.*s", (int)(at - in->email), in->email) :
	    xstrdup(in->email);
}

/* Mechanisms that we could use, the others crossed out. */
static void
say_mechanisms(const struct init *in)
{
	static const char *const known[] = { "SCRAM-SHA-256", "SCRAM-SHA-1",
	    "PLAIN", "LOGIN", "OAUTHBEARER", "XOAUTH2", "CRAM-MD5", "EXTERNAL",
	    "GSSAPI", "USER" };
	size_t n = ARRAY_LEN(known) - (in->server.pop3 ? 0 : 1);

	init_say(in, "  signs in with:");
	for (size_t i = 0; i < n; i++)
		if (sasl_names_have(&in->preview.sasl, known[i]))
			init_say(in, " %s", known[i]);
	init_say(in, "; not:");
	for (size_t i = 0; i < n; i++)
		if (!sasl_names_have(&in->preview.sasl, known[i]))
			init_say(in, " %s", known[i]);
	init_say(in, "\n");
}

/* A server of one's own is trusted by its key, which the message names. */
static void
probe_remedy(const struct init *in, const struct err *err, char *out, size_t cap)
{
	struct remedy_place at = { .said = err->text };
	const struct discovery *d = &in->server;

	if (strcmp(err->code, "tls.untrusted") == 0 ||
	    strcmp(err->code, "tls.expired") == 0)
		remedy_fill("if the server is your own and this is its key, do it "
		    "again with: --pin PIN (or, if you have its authority, with "
		    "--ca-file FILE)", err->code, &at, out, cap);
	else if (strcmp(err->code, "tls.name-mismatch") == 0)
		snprintf(out, cap, "if one of these names is your provider's: syncd "
		    "init %s --host NAME:%u%s", in->email, d->port,
		    d->pop3 ? " --pop3" : "");
	else
		snprintf(out, cap, "syncd init %s --host HOST:PORT, with the name "
		    "that the provider's help pages give; or --starttls", in->email);
}

/* ---- which protocol --------------------------------------------------- */

struct way {
	uint16_t	port;
	bool		pop3, starttls;
};

static void
take(struct discovery *d, const struct way *w)
{
	d->port = w->port;
	d->pop3 = w->pop3;
	d->starttls = w->starttls;
}

/* What was found; then, at a host that the user named, POP3: at a port that the
 * user named, too, else at its own ones. */
static size_t
list_ways(const struct init *in, struct way ways[3])
{
	const struct discovery *d = &in->server;
	size_t n = 0;

	ways[n++] = (struct way){ d->port, d->pop3, d->starttls };
	if (in->cli->host == NULL || (d->port_given && d->pop3))
		return n;
	if (d->port_given) {
		ways[n++] = (struct way){ d->port, true, d->starttls };
		return n;
	}
	if (!d->pop3 && !d->starttls)
		ways[n++] = (struct way){ discover_port(true, false), true, false };
	if (!d->pop3 || !d->starttls)
		ways[n++] = (struct way){ discover_port(true, true), true, true };
	return n;
}

/* Nothing of that kind is there: the next way may be the right one. */
static bool
is_elsewhere(const struct discovery *d, const struct err *err)
{
	return d->port_given ? strncmp(err->code, "proto.", 6) == 0 :
	    strcmp(err->code, "net.refused") == 0 ||
	    strcmp(err->code, "net.timeout") == 0;
}

/* 0; an exit code after telling why; or -1 with *err. */
static int
try_way(struct init *in, const struct way *w, struct err *err)
{
	struct conf *conf;
	int code = 0;

	take(&in->server, w);
	conf = init_conf(in, &code);
	if (conf == NULL)
		return code;
	code = preview_probe(&in->preview, &conf->account[0], err);
	config_free(conf);
	return code;
}

/* The way that leads somewhere stays in in->server; the first one's error, unless
 * another one has more to say.  As try_way(). */
static int
find_way(struct init *in, struct err *err)
{
	struct way ways[3];
	size_t n = list_ways(in, ways);
	int code = try_way(in, &ways[0], err);
	struct err later;

	if (code >= 0 || !is_elsewhere(&in->server, err))
		return code;
	for (size_t i = 1; i < n; i++) {
		init_say(in, "  no %s at port %u; POP3 at %u ...\n",
		    in->server.pop3 ? "POP3" : "IMAP", in->server.port,
		    ways[i].port);
		code = try_way(in, &ways[i], &later);
		if (code < 0 && is_elsewhere(&in->server, &later))
			continue;
		if (code < 0)
			*err = later;
		return code;
	}
	take(&in->server, &ways[0]);
	return -1;
}

int
init_probe(struct init *in)
{
	char remedy[512];
	struct err err;
	int code;

	choose_user(in);
	code = find_way(in, &err);
	if (code < 0) {
		probe_remedy(in, &err, remedy, sizeof(remedy));
		return cli_fail_err(in->cli, &err, remedy);
	}
	if (code > 0)
		return code;
	init_say(in, "  %s:%u, %s%s\n", in->server.host, in->server.port,
	    in->server.pop3 ? "POP3, " : "",
	    in->preview.tls[0] != '\0' ? in->preview.tls : "no TLS");
	say_mechanisms(in);
	return 0;
}
