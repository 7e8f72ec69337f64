/*
 * bench.h — syncd-script by hand: scripts over files, with nobody to talk to.
 *
 *	syncd-script check [OPTIONS] SCRIPT
 *	syncd-script test [OPTIONS] SCRIPT [MESSAGE...]
 *
 * `test` prints what the script would do to the messages, with the line that caused
 * it; a directory with a test.lua runs that instead.  Nothing is changed, no program
 * is run.  The bench plays the worker: it answers the script's calls itself.
 */
#ifndef PLUGINS_BENCH_H
#define PLUGINS_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frame.h"
#include "run.h"

struct bench_message {
	int64_t		 id, date;
	const char	*mailbox, *path;
	const char	*origin, *from;
	uint32_t	 sys;
	struct strs	 keywords;
	int		 fd;		/* -1: open .path when it is needed */
};

/* What a program answers, in fixtures. */
struct bench_program {
	struct str	name, out, err;
	uint32_t	code;
};

struct bench {
	struct script		 s;
	const char		*account, *mailbox, *origin, *options, *lua_dir;
	const char		*places;	/* of the options; NULL */
	struct strs		 me;
	struct arena		 a;
	struct bench_message	*msg;
	size_t			 n_msgs, cap_msgs;
	struct bench_program	*program;
	size_t			 n_programs;
	char			 error[1200];	/* of the last load */
	bool			 loaded;	/* it is over */
	/* Answers that go back at the next turn. */
	struct bench_reply	*reply, **reply_end;
	/* Who gets a run that ended. */
	bool			(*done)(struct bench *b, struct run *r);
	/* The plugin of that number has loaded, or not: b->error. */
	void			(*on_loaded)(struct bench *b, uint32_t id);
	void			*data;
};

int	bench_main(int argc, char **argv);

void	bench_init(struct bench *b);
/* Load and wait for it; false: b->error says why. */
bool	bench_load(struct bench *b, uint32_t id, const char *path);
/* Queue an event over messages from..from+n of the bench. */
void	bench_event(struct bench *b, enum hook_kind kind, size_t from, size_t n,
	    const char *what, const struct strs *args, int64_t since);
struct bench_message *bench_message(struct bench *b);
/* Let the runs go on until all of them ended. */
void	bench_turn(struct bench *b);

/* fixture.c: run ${dir}/test.lua over ${dir}/main.lua; the exit code. */
enum { FIXTURE_ID = PLUGINS_MAX - 1 };
int	fixture_run(struct bench *b, const char *dir);
/* The table `fixture` in the state of test.lua. */
void	fixture_open(struct lua_State *L);

#endif
