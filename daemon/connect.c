/* connect.c — from the configuration to a signed-in connection. */
#include "connect.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "engine/ahead.h"
#include "imap/caps.h"
#include "imap/lane.h"
#include "pop3/lane.h"

static void
fill_tls(struct tls_conf *tls, const struct account_conf *conf)
{
	tls->ca_file = conf->tls.ca_file;
	tls->min_version = (int)conf->tls.min_version;
	tls->verify = conf->tls.verify == CONF_VERIFY_OFF ? TLS_VERIFY_OFF :
	    conf->tls.verify == CONF_VERIFY_PIN ? TLS_VERIFY_PIN_ONLY :
	    TLS_VERIFY;
	tls->pins = conf->tls.pin.v;
	tls->n_pins = conf->tls.pin.n;
	tls->client_cert = conf->tls.client_cert;
	tls->client_key = conf->tls.client_key;
}

static uint64_t
forbidden(const struct account_conf *conf)
{
	uint64_t bits = 0;

	for (size_t i = 0; i < conf->avoid.n; i++)
		if (!caps_forbid(&bits, str_z(conf->avoid.v[i])))
			log_warn("avoid: no capability is called %s",
			    conf->avoid.v[i]);
	return bits;
}

static void
fill_peer(struct peer_conf *peer, const struct account_conf *conf, bool tunnel)
{
	peer->host = conf->host;
	peer->port = (uint16_t)conf->port;
	peer->user = conf->user;
	/* A tunnel is private already. */
	peer->tls_mode = tunnel ? TLS_NONE :
	    conf->tls.mode == CONF_TLS_IMPLICIT ? TLS_IMPLICIT :
	    conf->tls.mode == CONF_TLS_STARTTLS ? TLS_STARTTLS : TLS_NONE;
	fill_tls(&peer->tls, conf);
	peer->mechanisms = conf->auth.mechanisms.v;
	peer->n_mechanisms = conf->auth.mechanisms.n;
	peer->token = conf->auth.token_command.n > 0;
	peer->external = conf->auth.external;
	peer->response_timeout = conf->limits.response_timeout;
}

static struct imap_conf
imap_conf_of(const struct account_conf *conf, int tunnel_fd)
{
	uint64_t limit = (uint64_t)conf->limits.max_message_size;
	struct imap_conf ic = {
		.forbid = forbidden(conf),
		.compress = conf->compress == COMPRESS_YES,
		/* A message over the limit is read and thrown away, however
		 * large: its literal has to pass for what is behind it, or the
		 * folder would end there each time.  More than 32 bits say
		 * (RFC 3501 section 9) is nobody's message. */
		.max_literal = limit > UINT32_MAX ? limit : UINT32_MAX,
	};

	fill_peer(&ic.peer, conf, tunnel_fd >= 0);
	return ic;
}

static struct lane *
connect_imap(const struct account_conf *conf, const char *name, int tunnel_fd,
    const struct secret *secret, bool tap, struct account *acc, struct err *err)
{
	struct imap_conf ic = imap_conf_of(conf, tunnel_fd);
	uint64_t known = 0;
	struct lane *ln;

	if (acc != NULL && ahead_begin(acc, &known, err) < 0)
		return NULL;
	if (acc != NULL && acc->unknown && conf->compress == COMPRESS_AUTO)
		ic.compress = true;
	ic.peer.tap = tap;
	ic.first = ahead_speak;
	ic.who = acc;
	/* There is one tunnel, and so no second try. */
	ic.ahead = tunnel_fd < 0 ? known : 0;
	ln = imap_open(&ic, name, tunnel_fd, secret,
	    clock_in(conf->limits.connect_timeout), err);
	if (ln != NULL || ic.ahead == 0 || !ahead_failed(acc, err))
		return ln;
	ic.ahead = 0;
	return imap_open(&ic, name, -1, secret,
	    clock_in(conf->limits.connect_timeout), err);
}

static struct pop3_conf
pop3_conf_of(const struct account_conf *conf, int tunnel_fd)
{
	struct pop3_conf pc = {
		.max_message = (uint64_t)conf->limits.max_message_size * 4,
	};

	for (size_t i = 0; i < conf->avoid.n; i++)
		if (str_ieq(str_z(conf->avoid.v[i]), STR("PIPELINING")))
			pc.lock_step = true;
	fill_peer(&pc.peer, conf, tunnel_fd >= 0);
	return pc;
}

static struct lane *
connect_pop3(const struct account_conf *conf, const char *name, int tunnel_fd,
    const struct secret *secret, bool tap, struct err *err)
{
	struct pop3_conf pc = pop3_conf_of(conf, tunnel_fd);

	pc.peer.tap = tap;
	return pop3_open(&pc, name, tunnel_fd, secret,
	    clock_in(conf->limits.connect_timeout), err);
}

struct lane *
connect_lane(const struct account_conf *conf, const char *name, int tunnel_fd,
    const struct secret *secret, bool tap, struct account *acc, struct err *err)
{
	return conf->protocol == PROTOCOL_POP3 ?
	    connect_pop3(conf, name, tunnel_fd, secret, tap, err) :
	    connect_imap(conf, name, tunnel_fd, secret, tap, acc, err);
}

struct lane *
connect_probe(const struct account_conf *conf, struct err *err)
{
	usec deadline = clock_in(conf->limits.connect_timeout);

	if (conf->protocol == PROTOCOL_POP3) {
		struct pop3_conf pc = pop3_conf_of(conf, -1);

		pc.probe = true;
		return pop3_open(&pc, "probe", -1, NULL, deadline, err);
	}
	struct imap_conf ic = imap_conf_of(conf, -1);

	ic.probe = true;
	return imap_open(&ic, "probe", -1, NULL, deadline, err);
}
