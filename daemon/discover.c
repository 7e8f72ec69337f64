/* discover.c — the server of an address. */
#include "discover.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "base/num.h"

enum {
	IMAPS_PORT = 993, IMAP_PORT = 143, POP3S_PORT = 995, POP3_PORT = 110,
	RECORDS = 16
};

struct search {
	const char			*domain;
	const struct discover_opts	*opts;
	struct discovery		*out;
	usec				 deadline;
};

static void PRINTF(2, 3)
in_vain(struct search *s, const char *fmt, ...)
{
	size_t n = strlen(s->out->looked);
	va_list ap;

	if (n > 0 && n + 2 < sizeof(s->out->looked)) {
		memcpy(s->out->looked + n, ", ", 3);
		n += 2;
	}
	va_start(ap, fmt);
	vsnprintf(s->out->looked + n, sizeof(s->out->looked) - n, fmt, ap);
	va_end(ap);
}

uint16_t
discover_port(bool pop3, bool starttls)
{
	return pop3 ? starttls ? POP3_PORT : POP3S_PORT :
	    starttls ? IMAP_PORT : IMAPS_PORT;
}

static bool
by_host(struct search *s, struct err *err)
{
	struct str rest = str_z(s->opts->host), host = str_split(&rest, ':');
	struct discovery *d = s->out;
	uint32_t port = discover_port(s->opts->pop3, s->opts->starttls);

	d->port_given = rest.p != NULL;
	if (host.n == 0 || host.n >= sizeof(d->host) || (rest.p != NULL &&
	    !num_u32(rest, 1, UINT16_MAX, &port))) {
		err_set(err, ERR_CONFIG, "config.bad-value",
		    "--host takes HOST or HOST:PORT, not %s", s->opts->host);
		return false;
	}
	memcpy(d->host, host.p, host.n);
	d->port = (uint16_t)port;
	d->pop3 = s->opts->pop3 || port == POP3S_PORT || port == POP3_PORT;
	d->starttls = s->opts->starttls || port == IMAP_PORT || port == POP3_PORT;
	snprintf(d->how, sizeof(d->how), "as you say");
	return true;
}

static void
use_provider(struct search *s, const struct provider *p)
{
	s->out->provider = p;
	s->out->port = p->port;
	if (p->host != NULL)
		snprintf(s->out->host, sizeof(s->out->host), "%s", p->host);
}

/* Whether ${name} is the domain or below it. */
static bool
is_within(const char *name, const char *domain)
{
	struct str n = str_z(name), d = str_z(domain);

	if (n.n < d.n || !str_ieq(str_from(n, n.n - d.n), d))
		return false;
	return n.n == d.n || n.p[n.n - d.n - 1] == '.';
}

static bool
by_srv(struct search *s, const char *service, bool pop3, bool starttls)
{
	struct dns_record r[RECORDS];
	struct discovery *d = s->out;
	char name[DNS_NAME_MAX];
	struct err err;
	int n;

	snprintf(name, sizeof(name), "%s.%s", service, s->domain);
	n = dns_srv(s->opts->dns, name, r, RECORDS, s->deadline, &err);
	if (n < 0)
		in_vain(s, "SRV %s", err.text);
	else if (n == 0)
		in_vain(s, "SRV %s (none)", name);
	else if (r[0].name[0] == '\0' || r[0].port == 0)
		in_vain(s, "SRV %s (\".\": no such service)", name);
	else {
		snprintf(d->host, sizeof(d->host), "%s", r[0].name);
		d->port = r[0].port;
		d->pop3 = pop3;
		d->starttls = starttls;
		d->foreign = !is_within(d->host, s->domain);
		snprintf(d->how, sizeof(d->how), "SRV %s", name);
		return true;
	}
	return false;
}

static bool
by_mx(struct search *s)
{
	struct dns_record r[RECORDS];
	struct err err;
	int n = dns_mx(s->opts->dns, s->domain, r, RECORDS, s->deadline, &err);

	if (n < 0)
		in_vain(s, "MX %s", err.text);
	else if (n == 0)
		in_vain(s, "MX %s (none)", s->domain);
	for (int i = 0; i < n; i++) {
		const struct provider *p = provider_by_mx(str_z(r[i].name));

		if (p == NULL)
			continue;
		use_provider(s, p);
		snprintf(s->out->how, sizeof(s->out->how), "MX %.255s: %s",
		    r[i].name, p->name);
		return true;
	}
	if (n > 0)
		in_vain(s, "MX %s (not a known provider)", r[0].name);
	return false;
}

/* A known provider's IMAP is better than the domain's own POP3. */
static void
by_dns(struct search *s)
{
	if (!s->opts->pop3 && (by_srv(s, "_imaps._tcp", false, false) ||
	    by_srv(s, "_imap._tcp", false, true) || by_mx(s)))
		return;
	if (!by_srv(s, "_pop3s._tcp", true, false))
		(void)by_srv(s, "_pop3._tcp", true, true);
}

int
discover(const char *email, const struct discover_opts *opts,
    struct discovery *out, usec deadline, struct err *err)
{
	struct search s = { .domain = strchr(email, '@') + 1, .opts = opts,
	    .out = out, .deadline = deadline };
	const struct provider *p = provider_find(str_z(email));

	*out = (struct discovery){ 0 };
	if (opts->host != NULL) {
		out->provider = p;
		return by_host(&s, err) ? 0 : -1;
	}
	/* The table has IMAP servers. */
	if (p != NULL && opts->pop3) {
		out->provider = p;
		if (p->host == NULL)
			return 0;
	} else if (p != NULL) {
		use_provider(&s, p);
		snprintf(out->how, sizeof(out->how), "built-in: %s", p->name);
		return 0;
	}
	if (!opts->pop3)
		in_vain(&s, "built-in table");
	if (!opts->offline)
		by_dns(&s);
	return 0;
}
