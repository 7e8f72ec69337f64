/*
 * config_check.c — what follows from other values, and what keys mean together.
 * Something that is missing is not reported in an account that has other mistakes:
 * it may be what was misspelt.
 */
#include "loader.h"

#include <netinet/in.h>
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/suggest.h"
#include "engine/verify.h"
#include "provider.h"
#include "scalar.h"

/* One account under examination. */
struct check {
	struct loader		*l;
	const struct found	*found;
	struct account_conf	*a;
	const struct provider	*provider;	/* of the address, or NULL */
};

/* Where ${key} was set, else the account's name. */
static const struct mark *
place(const struct check *c, const char *key)
{
	const struct option *o = option_find("accounts.*", key);

	if (o == NULL)
		o = option_get(key);
	must(o != NULL);
	const struct origin *origin = origin_find(c->a->origins, o);
	return origin != NULL ? &origin->at : &c->found->key->at;
}

static struct diag *
complain(const struct check *c, const char *code, const struct mark *at,
    const char *text)
{
	return diags_add(c->l->diags, DIAG_ERROR, code, at, "%s: %s", c->a->name,
	    text);
}

static bool
is_set(const struct account_conf *a, const struct origin *origin)
{
	const char *field = (const char *)a + origin->o->at;

	if (origin->o->at == OPT_NO_FIELD)
		return true;
	switch (origin->o->type) {
	case OPT_COMMAND:
		return ((const struct strlist *)field)->n > 0;
	case OPT_BOOL:
		return *(const bool *)field;
	default:
		return *(char *const *)field != NULL;
	}
}

static void
missing_secret(struct check *c)
{
	struct diag *d;

	if (c->found->n_errors > 0 || c->a->tunnel_command.n > 0)
		return;
	d = complain(c, "config.missing-secret", &c->found->key->at,
	    "no source of the password is given");
	diag_caret(d, "add `password_command:` here");
	if (c->provider != NULL && c->provider->hint != NULL)
		diag_note(d, "%s", c->provider->hint);
	diag_help(d, "password_command: pass show mail/%s", c->a->name);
	diag_help(d, "all sources: syncd config explain accounts.*.auth");
}

static void
check_secret(struct check *c)
{
	const struct origins *os = c->a->origins;
	const struct origin *first = NULL;

	for (size_t i = 0; i < os->n; i++) {
		const struct origin *here = &os->v[i];

		if ((here->o->flags & OPT_SECRET) == 0 || !is_set(c->a, here))
			continue;
		if (first == NULL) {
			first = here;
			continue;
		}
		struct diag *d = complain(c, "config.two-secrets", &here->at,
		    "two sources of the password are given");
		diag_caret(d, "`%s` is in line %u", option_leaf(first->o),
		    first->at.line);
		diag_help(d, "keep one of them");
		return;
	}
	if (first == NULL)
		missing_secret(c);
	else if (c->a->auth.external && c->a->tls.client_cert == NULL)
		diag_caret(complain(c, "config.missing-key", &first->at,
		    "`external` signs in by a certificate, and none is given"),
		    "set `tls.client_cert`");
}

static bool
is_loopback(const char *host)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (inet_pton(AF_INET, host, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 127;
	if (inet_pton(AF_INET6, host, &v6) == 1)
		return IN6_IS_ADDR_LOOPBACK(&v6);
	return str_ieq(str_z(host), STR("localhost")) ||
	    str_ends(str_z(host), STR(".localhost"));
}

static void
check_tls(struct check *c)
{
	struct account_conf *a = c->a;

	if (a->tls.mode == CONF_TLS_NONE && a->tunnel_command.n == 0 &&
	    a->host != NULL && !is_loopback(a->host)) {
		struct diag *d = complain(c, "config.plaintext",
		    place(c, "accounts.*.tls.mode"),
		    "the password and all mail would be readable on the way");
		diag_caret(d, "`none` is for loopback addresses and tunnels");
		diag_help(d, "tls: {mode: implicit}, or {mode: starttls}");
	}
	if (a->tls.verify == CONF_VERIFY_OFF) {
		struct diag *d = diags_add(c->l->diags, DIAG_WARNING,
		    "config.unverified", place(c, "accounts.*.tls.verify"),
		    "%s: anybody on the way can pose as the server", a->name);
		diag_help(d, "tls.ca_file, or tls.pin with tls.verify: pin, trust "
		    "one server safely");
	}
	if (a->tls.verify == CONF_VERIFY_PIN && a->tls.pin.n == 0)
		diag_caret(complain(c, "config.missing-key",
		    place(c, "accounts.*.tls.verify"),
		    "the key that is to be proof is not named"),
		    "`pin` is missing");
	if ((a->tls.client_cert == NULL) != (a->tls.client_key == NULL)) {
		const char *have = a->tls.client_cert != NULL ? "cert" : "key";
		const char *lack = a->tls.client_cert != NULL ? "key" : "cert";
		char key[64];

		snprintf(key, sizeof(key), "accounts.*.tls.client_cert.%s", have);
		diag_caret(complain(c, "config.missing-key", place(c, key),
		    "a client certificate is a `cert` and a `key`"),
		    "`%s` is missing", lack);
	}
}

/* A URL, or a port, where only a name belongs. */
static bool
check_host_text(struct check *c)
{
	const char *host = c->a->host, *colon = strchr(host, ':');
	struct in6_addr v6;
	struct diag *d;

	if (inet_pton(AF_INET6, host, &v6) == 1)
		return true;
	if (strlen(host) <= 253 && strpbrk(host, ":/@[] ") == NULL)
		return true;
	d = complain(c, "config.bad-value", place(c, "host"),
	    "`host` is a name or an address, and nothing else");
	if (strstr(host, "://") != NULL)
		diag_caret(d, "write the name only");
	else if (colon != NULL)
		diag_caret(d, "the port goes into `port: %s`", colon + 1);
	else
		diag_caret(d, "such as imap.example.org");
	return false;
}

static int64_t
default_port(const struct account_conf *a)
{
	bool implicit = a->tls.mode == CONF_TLS_IMPLICIT;

	if (a->protocol == PROTOCOL_POP3)
		return implicit ? 995 : 110;
	return implicit ? 993 : 143;
}

static void
check_server(struct check *c)
{
	struct account_conf *a = c->a;
	struct diag *d;

	if (a->host != NULL) {
		(void)check_host_text(c);
	} else if (c->provider != NULL && c->provider->host != NULL &&
	    a->tunnel_command.n == 0) {
		a->host = xstrdup(c->provider->host);
		if (a->port == 0 && a->tls.mode == CONF_TLS_IMPLICIT)
			a->port = c->provider->port;
	} else if (a->tunnel_command.n == 0 && c->found->n_errors == 0) {
		d = complain(c, "config.missing-key", &c->found->key->at,
		    "no server is given");
		if (c->provider != NULL)
			diag_note(d, "%s", c->provider->hint);
		else if (a->email != NULL)
			diag_note(d, "the provider of %s is not in the built-in"
			    " table", a->email);
		diag_caret(d, "add `host:` here");
	}
	if (a->port == 0)
		a->port = default_port(a);
}

static void
check_user(struct check *c, bool own_host)
{
	struct account_conf *a = c->a;

	if (a->user != NULL)
		return;
	if (a->email == NULL) {
		if (a->tunnel_command.n == 0 && !a->auth.external &&
		    c->found->n_errors == 0)
			diag_caret(complain(c, "config.missing-key",
			    &c->found->key->at, "no user name is given"),
			    "add `email:` or `user:` here");
		return;
	}
	size_t at = str_find(str_z(a->email), '@');
	if (!own_host && c->provider != NULL && c->provider->local_user)
		a->user = str_dup(str_head(str_z(a->email), at));
	else
		a->user = xstrdup(a->email);
}

static void
check_email(struct check *c)
{
	struct str email = str_z(c->a->email);
	size_t at = str_find(email, '@');

	if (c->a->email == NULL)
		return;
	if (at > 0 && at + 1 < email.n && str_find(email, ' ') == email.n) {
		/* The table has IMAP servers. */
		if (c->a->protocol == PROTOCOL_IMAP)
			c->provider = provider_find(email);
		return;
	}
	diag_caret(complain(c, "config.bad-value", place(c, "email"),
	    "`email` is no address"), "expected NAME@DOMAIN");
}

static void
check_path(struct check *c)
{
	const char *home = getenv("HOME");

	if (c->a->path != NULL)
		return;
	if (home != NULL && home[0] == '/') {
		c->a->path = xasprintf("%s/Mail/%s", home, c->a->name);
		return;
	}
	diag_caret(complain(c, "config.missing-key", &c->found->key->at,
	    "no directory is given, and HOME is not set"),
	    "add `path:` here");
}

/* By POP3 nothing goes to the server. */
static void
check_policy(struct check *c)
{
	if (c->a->protocol != PROTOCOL_POP3)
		return;
	c->a->policy.push = 0;
	for (size_t i = 0; i < c->a->n_policy_for; i++)
		c->a->policy_for[i].policy.push = 0;
}

static void
check_backup(struct check *c)
{
	unsigned percent;
	usec every;

	if (c->a->backup.verify != NULL &&
	    verify_parse(c->a->backup.verify, &every, &percent) < 0)
		diag_caret(complain(c, "config.bad-value",
		    place(c, "accounts.*.backup.verify"), "this is no schedule of checks"),
		    "daily, weekly or monthly, and perhaps a share: weekly 5%%");
	if (c->a->backup.ping != NULL &&
	    strncmp(c->a->backup.ping, "https://", 8) != 0 &&
	    strncmp(c->a->backup.ping, "http://", 7) != 0)
		diag_caret(complain(c, "config.bad-value",
		    place(c, "accounts.*.backup.ping"), "this is no URL to fetch"),
		    "https://...");
}

static void
check_account(struct loader *l, size_t i)
{
	struct check c = { l, &l->account[i], &l->conf->account[i], NULL };
	bool own_host = c.a->host != NULL;

	check_email(&c);
	check_server(&c);
	check_user(&c, own_host);
	check_tls(&c);
	check_secret(&c);
	check_path(&c);
	check_policy(&c);
	check_backup(&c);
}

/* Whether one of two normalized paths is the other, or lies in it. */
static bool
overlap(const char *a, const char *b)
{
	size_t na = strlen(a), nb = strlen(b), n = na < nb ? na : nb;

	if (strncmp(a, b, n) != 0)
		return false;
	return na == nb || n == 1 || (na < nb ? b[n] : a[n]) == '/';
}

static void
check_paths(struct loader *l)
{
	struct conf *conf = l->conf;

	for (size_t i = 0; i < conf->n_accounts; i++) {
		struct check c = { l, &l->account[i], &conf->account[i], NULL };
		const char *path = c.a->path;

		if (path == NULL)
			continue;
		if (conf->state_dir != NULL && overlap(path, conf->state_dir))
			diag_caret(complain(&c, "config.path-overlap",
			    place(&c, "path"),
			    "mail and state are kept in one place"),
			    "state_dir is %s", conf->state_dir);
		for (size_t j = 0; j < i; j++) {
			const struct account_conf *b = &conf->account[j];

			if (b->path == NULL || !overlap(path, b->path))
				continue;
			struct diag *d = complain(&c, "config.path-overlap",
			    place(&c, "path"),
			    "two accounts keep their mail in one place");
			diag_caret(d, "`%s` has %s", b->name, b->path);
			break;
		}
	}
}

static const struct account_conf *
find_account(const struct conf *conf, const char *name)
{
	for (size_t i = 0; i < conf->n_accounts; i++) {
		if (strcmp(conf->account[i].name, name) == 0)
			return &conf->account[i];
	}
	return NULL;
}

static void
check_log(struct loader *l)
{
	const struct conf *conf = l->conf;
	const struct origin *at = origin_find(conf->origins,
	    option_get("log.protocol"));

	for (size_t i = 0; i < conf->log_protocol.n && !l->broken; i++) {
		const char *name = conf->log_protocol.v[i];
		struct suggest s;

		if (find_account(conf, name) != NULL)
			continue;
		struct diag *d = diags_add(l->diags, DIAG_ERROR,
		    "config.bad-value", at != NULL ? &at->at : NULL,
		    "`log.protocol` names no account: `%s`", name);
		suggest_init(&s, str_z(name));
		for (size_t j = 0; j < conf->n_accounts; j++)
			suggest_offer(&s, conf->account[j].name);
		if (s.best[0] != '\0')
			diag_caret(d, "did you mean `%s`?", s.best);
	}
}

static char *
state_dir_auto(void)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

	if (state != NULL && state[0] == '/')
		return xasprintf("%s/syncd", state);
	if (home != NULL && home[0] == '/')
		return xasprintf("%s/.local/state/syncd", home);
	return NULL;
}

/* Two configurations with their own state never meet at one socket. */
static char *
socket_auto(const struct conf *conf, bool own_state)
{
	const char *run = getenv("XDG_RUNTIME_DIR");

	if (!own_state && run != NULL && run[0] == '/')
		return xasprintf("%s/syncd/control.sock", run);
	return xasprintf("%s/control.sock", conf->state_dir);
}

static void
resolve_daemon(struct loader *l)
{
	struct conf *conf = l->conf;
	bool own_state = conf->state_dir != NULL;
	const struct origin *at = origin_find(conf->origins,
	    option_get("control.socket"));

	if (conf->state_dir == NULL)
		conf->state_dir = state_dir_auto();
	if (conf->state_dir == NULL) {
		diag_help(diags_add(l->diags, DIAG_ERROR, "config.missing-key",
		    NULL, "no place for state: neither XDG_STATE_HOME nor HOME is"
		    " set"), "state_dir: /var/lib/syncd");
		return;
	}
	if (conf->socket == NULL)
		conf->socket = socket_auto(conf, own_state);
	if (at == NULL)
		at = origin_find(conf->origins, option_get("state_dir"));
	size_t room = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1;
	if (strlen(conf->socket) > room) {
		struct diag *d = diags_add(l->diags, DIAG_ERROR,
		    "config.bad-value", at != NULL ? &at->at : NULL,
		    "the path of the control socket is longer than %zu bytes",
		    room);
		diag_note(d, "it is %s", conf->socket);
		diag_help(d, "control: {socket: /a/shorter/path}");
	}
}

void
config_check_all(struct loader *l)
{
	resolve_daemon(l);
	for (size_t i = 0; i < l->conf->n_accounts; i++)
		check_account(l, i);
	check_paths(l);
	check_log(l);
	if (l->conf->n_accounts == 0 && !l->broken && l->diags->n_errors == 0) {
		struct diag *d = diags_add(l->diags, DIAG_ERROR,
		    "config.no-account", NULL, "no account is configured");

		if (l->conf->files.n > 0)
			diag_note(d, "read: %s", l->conf->files.v[0]);
		diag_help(d, "accounts: {work: {email: ann@corp.example, host:"
		    " imap.corp.example, password_command: pass show work}}");
	}
}
