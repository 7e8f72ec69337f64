/*
 * dns.c — SRV (RFC 2782) and MX.
 *
 * res_nquery() waits by itself, so the deadline becomes its number of seconds and
 * tries.  The parsing of what came is libc's, too; only names that can be hosts
 * are handed on.
 */
#include "net/dns.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/str.h"

/* "127.0.0.1:5353" in place of what resolv.conf says. */
static int
use_server(struct __res_state *rs, const char *server, struct err *err)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct str rest = str_z(server), host = str_split(&rest, ':');
	char text[INET_ADDRSTRLEN] = "";
	uint32_t port = NS_DEFAULTPORT;

	if (host.n < sizeof(text))
		memcpy(text, host.p, host.n);
	if (inet_pton(AF_INET, text, &to.sin_addr) != 1 ||
	    (rest.n > 0 && !num_u32(rest, 1, UINT16_MAX, &port)))
		return err_set(err, ERR_CONFIG, "config.bad-value",
		    "%s is not an IPv4 address, or ADDRESS:PORT", server);
	to.sin_port = htons((uint16_t)port);
	rs->nscount = 1;
	rs->nsaddr_list[0] = to;
	return 0;
}

static void
bound_time(struct __res_state *rs, usec deadline)
{
	usec left = deadline - clock_now();

	rs->retry = 2;
	rs->retrans = left > USEC_S(4) ? (int)(left / USEC_S(2)) : 1;
}

/* The answer's bytes; 0: there are no such records. */
static int
ask(const char *server, const char *name, ns_type type, unsigned char *answer,
    int cap, usec deadline, struct err *err)
{
	struct __res_state rs = { 0 };
	int n, why;

	if (res_ninit(&rs) < 0)
		return err_set(err, ERR_RETRY, "net.dns",
		    "the resolver cannot be used");
	if (server != NULL && use_server(&rs, server, err) < 0) {
		res_nclose(&rs);
		return -1;
	}
	bound_time(&rs, deadline);
	n = res_nquery(&rs, name, ns_c_in, type, answer, cap);
	why = rs.res_h_errno;
	res_nclose(&rs);
	if (n >= 0)
		return n < cap ? n : cap;
	if (why == HOST_NOT_FOUND || why == NO_DATA)
		return 0;
	return err_set(err, ERR_RETRY, "net.dns",
	    "%s: the name server does not answer", name);
}

/* Letters, digits, '-', '_' and '.': what can be a host's name. */
static bool
is_host(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");

	return name[n] == '\0' && name[0] != '-' && name[0] != '.';
}

static bool
read_record(ns_msg *msg, const ns_rr *rr, struct dns_record *r)
{
	const unsigned char *p = ns_rr_rdata(*rr);
	int fixed = ns_rr_type(*rr) == ns_t_srv ? 6 : 2;

	if (ns_rr_rdlen(*rr) <= fixed)
		return false;
	*r = (struct dns_record){ .priority = (uint16_t)ns_get16(p) };
	if (fixed == 6) {
		r->weight = (uint16_t)ns_get16(p + 2);
		r->port = (uint16_t)ns_get16(p + 4);
	}
	return dn_expand(ns_msg_base(*msg), ns_msg_end(*msg), p + fixed,
	    r->name, sizeof(r->name)) >= 0 && is_host(r->name);
}

static int
best_first(const void *a, const void *b)
{
	const struct dns_record *x = a, *y = b;

	if (x->priority != y->priority)
		return x->priority < y->priority ? -1 : 1;
	return (x->weight < y->weight) - (x->weight > y->weight);
}

static int
lookup(const char *server, const char *name, ns_type type,
    struct dns_record *out, size_t max, usec deadline, struct err *err)
{
	unsigned char answer[NS_MAXMSG];
	int len = ask(server, name, type, answer, sizeof(answer), deadline, err);
	size_t n = 0;
	ns_msg msg;
	ns_rr rr;

	if (len <= 0)
		return len;
	if (ns_initparse(answer, len, &msg) < 0)
		return err_set(err, ERR_RETRY, "net.dns",
		    "%s: the name server's answer makes no sense", name);
	for (int i = 0; i < ns_msg_count(msg, ns_s_an) && n < max; i++)
		if (ns_parserr(&msg, ns_s_an, i, &rr) == 0 &&
		    ns_rr_type(rr) == type && read_record(&msg, &rr, &out[n]))
			n++;
	if (n > 0)
		qsort(out, n, sizeof(*out), best_first);
	return (int)n;
}

int
dns_srv(const char *server, const char *name, struct dns_record *out,
    size_t max, usec deadline, struct err *err)
{
	return lookup(server, name, ns_t_srv, out, max, deadline, err);
}

int
dns_mx(const char *server, const char *name, struct dns_record *out,
    size_t max, usec deadline, struct err *err)
{
	return lookup(server, name, ns_t_mx, out, max, deadline, err);
}
