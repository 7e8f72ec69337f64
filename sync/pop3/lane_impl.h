/*
 * lane_impl.h — what a POP3 lane is made of, for open.c (bring-up) and lane.c
 * (step).  Nobody else includes this.
 */
#ifndef POP3_LANE_IMPL_H
#define POP3_LANE_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/types.h"
#include "net/stream.h"
#include "pop3/lane.h"
#include "pop3/parse.h"

enum command_kind {
	CMD_CAPA, CMD_STAT, CMD_LIST, CMD_UIDL, CMD_TOP, CMD_RETR, CMD_DELE, CMD_QUIT
};

struct command {
	uint32_t	 req;		/* 0: ours, nobody is told */
	enum command_kind kind;
	uint32_t	 number;	/* of the message */
};

struct pop3_lane {
	struct lane	 head;		/* first */
	struct stream	*st;
	struct pop3_reader reader;
	bool		 lock_step;
	usec		 response_timeout;
	usec		 alive;		/* when a byte last moved */

	struct pop3_caps caps;
	bool		 hides;
	char		 stamp[512];	/* of the greeting, for APOP; or "" */
	char		 mechanism[SASL_NAME_MAX];

	/* Answered are those before .at, sent those before .sent. */
	struct command	*v;
	size_t		 n, cap, at, sent;
	uint32_t	 last_req;
	size_t		 lines;		/* of the list that is coming */
	bool		 early;		/* there was an answer before a command */
	bool		 ended;		/* v[at] only lacks its EV_DONE */
};

static inline struct pop3_lane *
pop3_impl(struct lane *ln)
{
	return (struct pop3_lane *)ln;
}

static inline const struct pop3_lane *
pop3_impl_const(const struct lane *ln)
{
	return (const struct pop3_lane *)ln;
}

/* --- lane.c --- */

struct pop3_lane *pop3_lane_new(const struct pop3_conf *conf, const char *name,
	    int fd);
void	pop3_lane_free(struct pop3_lane *pl);
/* A line of CAPA's answer. */
void	pop3_lane_cap(struct pop3_caps *caps, struct str line);
uint32_t pop3_lane_submit(struct pop3_lane *pl, enum command_kind kind,
	    uint32_t number, bool told);

#endif
