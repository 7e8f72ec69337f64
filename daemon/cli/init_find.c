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

	if (p != NULL)
		return cli_fail(in->cli, EX_UNAVAILABLE, "init.no-imap", p->hint,
		    NULL);
	snprintf(text, sizeof(text), "no IMAP server is published for %.200s; "
	    "looked at: %s", domain, in->server.looked);
	snprintf(remedy, sizeof(remedy), "syncd init %.150s --host imap.%.150s",
	    in->email, domain);
	return cli_fail(in->cli, EX_TEMPFAIL, "init.nothing-found", text, remedy);
}

int
init_find(struct init *in)
{
	const struct discover_opts opts = { .host = in->cli->host,
	    .dns = in->cli->dns, .offline = in->cli->offline,
	    .starttls = in->cli->starttls };
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
	    "%s --host %s:%u", in->email, in->server.host, in->server.port);
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
	    "GSSAPI" };

	init_say(in, "  signs in with:");
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (sasl_names_have(&in->preview.caps.sasl, known[i]))
			init_say(in, " %s", known[i]);
	init_say(in, "; not:");
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (!sasl_names_have(&in->preview.caps.sasl, known[i]))
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
		    "init %s --host NAME:%u", in->email, d->port);
	else
		snprintf(out, cap, "syncd init %s --host HOST:PORT, with the name "
		    "that the provider's help pages give; or --starttls", in->email);
}

int
init_probe(struct init *in)
{
	char remedy[512];
	struct conf *conf;
	struct err err;
	int code = 0;

	choose_user(in);
	conf = init_conf(in, &code);
	if (conf == NULL)
		return code;
	if (preview_probe(&in->preview, &conf->account[0], &err) < 0) {
		probe_remedy(in, &err, remedy, sizeof(remedy));
		code = cli_fail_err(in->cli, &err, remedy);
	} else {
		init_say(in, "  %s:%u, %s\n", in->server.host, in->server.port,
		    in->preview.tls[0] != '\0' ? in->preview.tls : "no TLS");
		say_mechanisms(in);
	}
	config_free(conf);
	return code;
}
