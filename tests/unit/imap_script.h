/*
 * imap_script.h — our IMAP lane with an actor (actor.h) for a server, and the
 * events that it gives.
 */
#ifndef TESTS_IMAP_SCRIPT_H
#define TESTS_IMAP_SCRIPT_H

#include "lane_events.h"
#include "base/uidset.h"
#include "imap/cmd.h"
#include "imap/lane.h"

struct play {
	pid_t		pid;
	struct imap_conf conf;
	struct secret	secret;
	struct lanes	lanes;
	struct lane	*ln;
	struct event	ev;
	struct err	err;
};

/* Play ${script} to imap_open(): p->ln is NULL and p->err filled in when that
 * fails.  p->conf may be set before. */
static inline void
play_start(struct play *p, const char *const *script)
{
	int fd;

	p->pid = actor_start(script, &fd);
	if (p->conf.peer.host == NULL)
		p->conf.peer.host = "imap.example.org";
	if (p->conf.peer.user == NULL)
		p->conf.peer.user = "ann";
	if (p->conf.peer.response_timeout == 0)
		p->conf.peer.response_timeout = USEC_S(5);
	p->conf.max_literal = 1 << 20;
	assert_int_equal(secret_set(&p->secret, STR("secret")), 0);
	p->ln = imap_open(&p->conf, "test", fd, &p->secret,
	    clock_in(USEC_S(5)), &p->err);
	if (p->ln != NULL)
		lanes_add(&p->lanes, p->ln);
}

/* The same, with a connection that is signed in and has ${caps}. */
#define PREAUTH(caps)	"S * PREAUTH [CAPABILITY IMAP4rev1 " caps "] hello"

static inline void
play_open(struct play *p, const char *const *script)
{
	p->conf.peer.tls_mode = TLS_NONE;
	play_start(p, script);
	if (p->ln == NULL)
		fail_msg("%s: %s", p->err.code, p->err.text);
}

/* The next event, which must be a ${kind}. */
static inline struct event *
play_event(struct play *p, enum event_kind kind)
{
	return expect_event(&p->lanes, &p->ev, kind);
}

static inline struct ev_done *
play_done(struct play *p, uint32_t req, enum done_status status)
{
	return expect_done(&p->lanes, &p->ev, req, status);
}

static inline void
play_lost(struct play *p, const char *code)
{
	assert_string_equal(play_event(p, EV_LOST)->err.code, code);
}

static inline void
play_end(struct play *p)
{
	if (p->ln != NULL)
		lanes_close(&p->lanes, p->ln);
	secret_clear(&p->secret);
	actor_end(p->pid);
}

static inline struct uidset
set_of(uint32_t lo, uint32_t hi)
{
	struct uidset s;

	uidset_init(&s);
	uidset_add(&s, lo, hi);
	return s;
}

#endif
