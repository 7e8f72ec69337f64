/*
 * hooks_impl.h — what the files behind hooks.h share: tell.c notes what happens,
 * incoming.c asks at once, due.c between rounds, settle.c after them, hooks.c takes the answers, message.c
 * shows messages to scripts, step.c and effect.c do what was planned.
 */
#ifndef ENGINE_HOOKS_IMPL_H
#define ENGINE_HOOKS_IMPL_H

#include "engine/hooks.h"
#include "engine/plan.h"
#include "store/script.h"
#include "store/store.h"

/* Messages as scripts see them, with all that their texts point to. */
struct batch {
	struct hook_msg	 msg[HOOK_BATCH];
	size_t		 n;
	void		**kept;
	size_t		 n_kept, cap_kept;
};

/* Close descriptors, free texts; ready for the next. */
void	batch_clear(struct batch *b);
struct str batch_keep(struct batch *b, struct str s);
/* Without the last message. */
void	batch_pop(struct batch *b);
/* Memory that lives as long. */
void	*batch_room(struct batch *b, size_t n);
/* The words of "a b c". */
struct hook_words batch_words(struct batch *b, struct str words);
/* One that is in tmp/. */
int	batch_add_arrival(struct batch *b, struct arrivals *a,
	    struct arrival *one, const char *origin, struct err *err);
/* One that has a row; 1, 0: there is none (any more), -1. */
int	batch_add_row(struct batch *b, struct account *acc, int64_t id,
	    const char *origin, bool open, struct err *err);

/* An event that is with the host. */
struct asked {
	uint64_t	 event;
	enum hook_kind	 kind;
	unsigned	 depth;
	int64_t		 seq;		/* the last of script_event in it, or 0 */
	enum event_queue queue;		/* ... and of which of the two */
	int64_t		 job;		/* COMMAND, replay: who waits; 0 */
	char		*only, *what;	/* or NULL */
	int64_t		 msg[HOOK_BATCH];
	size_t		 n_msgs;
	usec		 deadline;	/* when we stop believing in the host */
	bool		 kept;		/* somebody waits: it is taken by them */
	bool		 answered;
	struct plan	 plan;
};

struct running {
	uint32_t	 call;
	int64_t		 effect;
};

/* In the state: the last folder that was there before scripts were. */
#define HOOKS_FIRST	"scripts.first-folders"

enum { EFFECTS_AT_ONCE = 4, RECENT = 256 };

struct hooks {
	struct account		*acc;
	struct hook_host	*host;
	struct hook_broker	 broker;
	struct hook_world	 world;
	struct batch		 shown;		/* the world's last answer */
	struct buf		 value;
	uint64_t		 events;	/* numbers given out */
	struct asked		**asked;
	size_t			 n_asked, cap_asked;
	struct hooks_answer	*answer;
	size_t			 n_answers, cap_answers;
	struct running		 running[EFFECTS_AT_ONCE];
	size_t			 n_running;
	bool			 effects_due, steps_due;	/* look */
	usec			 effects_at;	/* when to try again what failed */
	bool			 started;	/* what a crash left is settled */
	bool			 owed_now;	/* however recently it failed */
	usec			 owed_at;	/* when to look at what is owed */
	usec			 timers_at;
	size_t			 n_timers;	/* that were known then */
	usec			 settle_at, settle_last;	/* SETTLED is due */
	struct { int64_t msg; usec when; } recent[RECENT];	/* that arrived */
	size_t			 n_recent;	/* counts on */
	struct { struct hash all; usec when; } trashed[RECENT];	/* by us */
	size_t			 n_trashed;	/* counts on */
	int64_t			 first_folders;	/* ids up to it were there first */
};

/* Mail with those bytes is in the Trash ${f} because it was deleted here a moment
 * ago: it has been told of, and is no news. */
bool	tell_trashed(const struct hooks *h, const struct folder *f,
	    const struct hash *all);
/* Where mail that was there before the scripts was is no news. */
bool	tell_initial(const struct hooks *h, const struct folder *f);
bool	tell_wanted(const struct hooks *h, enum hook_kind kind);
bool	tell_wanted_in(const struct hooks *h, enum hook_kind kind,
	    const struct folder *f);

/* How long a message may take, by the most patient script. */
usec	hooks_patience(const struct account_conf *conf);
/* Give it to the host.  What is asked is the hooks' until it is forgotten. */
struct asked	*hooks_ask(struct hooks *h, struct hook_event *ev,
		    const struct batch *b);
void	hooks_forget(struct hooks *h, struct asked *q);
/* Is one like it with the host already? */
bool	hooks_is_asked(const struct hooks *h, enum hook_kind kind,
	    const char *only, const char *what);
/* Commit its answer, and forget it. */
int	hooks_end(struct hooks *h, struct asked *q, struct err *err);
/* So much more time for those that are not answered. */
void	hooks_extend(struct hooks *h, struct asked *const *v, size_t n, usec by);
/* Send what is asked, take what is answered.  Never waits. */
int	hooks_step(struct hooks *h, struct err *err);
/* Until these are answered, by the host or for want of an answer. */
int	hooks_wait_for(struct hooks *h, struct asked *const *v, size_t n,
	    struct err *err);

/* Ask about what happened, in order (due.c); what is owed; what is due. */
int	due_events(struct hooks *h, struct err *err);
int	due_owed(struct hooks *h, struct err *err);
int	due_timers(struct hooks *h, struct err *err);
/* All of that queue up to ${seq} need not be told. */
int	due_drop(struct hooks *h, enum event_queue q, int64_t seq,
	    struct err *err);

/* Something changed (settle.c): SETTLED is due once it is quiet, and tells of it if
 * it is ${wanted}.  In the transaction that records it. */
int	settle_note(struct hooks *h, const struct script_event *e, bool wanted,
	    struct err *err);
/* What was noted before we were started. */
int	settle_recover(struct hooks *h, struct err *err);
/* Tell it if it has been quiet long enough, or if it is to be ${now}. */
int	settle_run(struct hooks *h, bool now, struct err *err);

void	message_world(struct hooks *h);

/* That new file stays here only: in the transaction of the plan. */
int	created_hold(struct account *acc, const struct hook_op *op,
	    struct err *err);

/* The mailbox of that name, made here if there is none: 0, 1 when a script may not
 * put mail there (*why is set then), -1. */
int	step_mailbox(struct account *acc, struct str name, struct folder **f,
	    const char **why, struct err *err);
/* What MOVE, ARCHIVE and TRASH aim at; likewise. */
int	step_target(struct account *acc, unsigned op, struct str arg,
	    struct folder **f, const char **why, struct err *err);
/* Do what is planned for messages that are here. */
int	steps_run(struct hooks *h, struct err *err);

/* A file of that name was put into ${f} by us, whatever flags it shows now: where no
 * round would find it, give it a row.  And: that message's file was removed. */
int	here_is(struct account *acc, struct folder *f, const char *base,
	    struct err *err);
int	here_was(struct account *acc, int64_t id, struct err *err);

/* Searches on the server that scripts wait for: between rounds. */
int	search_run(struct hooks *h, struct err *err);

/* Start what is ready, take what has ended.  Never waits. */
int	effects_run(struct hooks *h, struct err *err);
/* What was under way when we died; once. */
int	effects_recover(struct hooks *h, struct err *err);
bool	effects_open(const struct hooks *h);

/* A message that a script wrote, for a mailbox or in the place of another one.
 * NOT: *why says why; LATER: where it goes is not ready yet. */
enum appended { APPEND_FAILED = -1, APPEND_DONE, APPEND_NOT, APPEND_LATER };
enum appended append_run(struct hooks *h, const struct script_effect *e, int in,
	    const char **why, struct err *err);
/* ... the other one goes: in the transaction that drops the effect. */
int	append_replace(struct hooks *h, const struct script_effect *e,
	    struct err *err);

#endif
