/*
 * dns.h — SRV and MX records, by the system's resolver: the only user of
 * resolv(3).  Addresses are not its business; dial.c asks getaddrinfo() for them.
 * Who asks is `syncd init`, which may wait; the daemon looks nothing up but hosts.
 */
#ifndef NET_DNS_H
#define NET_DNS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/types.h"

enum { DNS_NAME_MAX = 256 };

struct dns_record {
	char		name[DNS_NAME_MAX];	/* without the dot at the end; "" is
						 * RFC 2782's "no such service" */
	uint16_t	port;			/* SRV */
	uint16_t	priority, weight;
};

/* How many records ${name} has, the best first, at most ${max} of them; 0: none.
 * ${server} "ADDRESS:PORT" is asked instead of the system's, NULL: not.
 * -1: ERR_RETRY net.dns, ERR_CONFIG config.bad-value. */
int	dns_srv(const char *server, const char *name, struct dns_record *out,
	    size_t max, usec deadline, struct err *err);
int	dns_mx(const char *server, const char *name, struct dns_record *out,
	    size_t max, usec deadline, struct err *err);

#endif
