/*
 * hooks.h — where scripts come in: events go to the host, plans are carried out.
 *
 * What happened is noted where it happens, in the same transaction (tell_message),
 * and handed to the scripts between rounds (hooks_run).  Only mail that is just
 * arriving is asked about at once (incoming_ask): scripts decide where it goes
 * before anybody sees it.
 *
 * A plan is done as if a person had done it: files are renamed, and what follows
 * on the server is what always follows.  Hence a script's move is one UID MOVE, a
 * move by another client meanwhile wins, and a crash is settled as usual.
 *
 * Without scripts acc->hooks is NULL, and each of these is one test.
 */
#ifndef ENGINE_HOOKS_H
#define ENGINE_HOOKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/flags.h"
#include "base/types.h"
#include "base/wait.h"
#include "engine/hook.h"
#include "engine/land.h"

struct account;
struct folder;
struct msg_row;
struct hooks;

/* ${broker} is copied; what it points to outlives the hooks. */
struct hooks	*hooks_new(struct account *acc, const struct hook_broker *broker,
		    struct err *err);
const struct hook_world	*hooks_world(const struct hooks *h);
const struct hook_broker *hooks_broker(const struct hooks *h);
/* The host is freed with the hooks. */
void	hooks_take_host(struct hooks *h, struct hook_host *host);
void	hooks_free(struct hooks *h);

/* ---- what happens ------------------------------------------------------ */

bool	tell_wants(const struct account *acc, enum hook_kind kind);
/* The same, once all scripts are loaded, which is waited for: 1, 0, -1. */
int	hooks_want_surely(struct account *acc, enum hook_kind kind,
	    struct err *err);

/* Some script is not loaded yet: it could want anything. */
bool	hooks_loading(const struct account *acc);

/* What a message was before: where, and with what flags (bits of the folder it is
 * in now). */
struct hook_was {
	const char	*mailbox;	/* NULL: it did not move */
	struct flags	 flags;
	const char	*origin;	/* "server", "client" */
};

/* ${row}, now in ${f}, changed: in the transaction that records it. */
int	tell_message(struct account *acc, enum hook_kind kind, struct folder *f,
	    const struct msg_row *row, const struct hook_was *was,
	    struct err *err);
/* ${row} of ${f} is gone.  If it has just arrived in another folder it was moved
 * there: a server may tell of the one first, and of the other seconds later. */
int	tell_gone(struct account *acc, struct folder *f,
	    const struct msg_row *row, const char *origin, struct err *err);
/* When an account gets its scripts, and after each round: what is there by now is
 * no news, what comes is. */
int	tell_mark(struct account *acc, struct err *err);
/* A folder was "created", "renamed" (from ${old}) or "removed". */
int	tell_folder(struct account *acc, const struct folder *f,
	    const char *what, const char *old, const char *origin,
	    struct err *err);
/* Something without messages, at once: SYNC_START, SYNC_DONE, ONLINE, OFFLINE,
 * AUTH_FAILED. */
void	due_say(struct account *acc, enum hook_kind kind, const char *what,
	    int64_t since);

/* ---- mail that arrives --------------------------------------------------- */

/* Ask about all that has arrived.  Scripts think about it while the caller waits for
 * the disk.  Only the disk and a stop make these fail: whatever scripts do, mail is
 * delivered. */
int	incoming_ask(struct arrivals *a, struct err *err);
/* Wait for the answers, and set where each goes and what it shows; its own flags, if
 * nobody was asked. */
int	incoming_hear(struct arrivals *a, struct err *err);
/* The rest of those plans, in the transaction of the landing. */
int	incoming_write(struct arrivals *a, struct err *err);
/* That transaction is durable, or was not to be. */
void	incoming_end(struct arrivals *a, bool committed);

/* Deletions of these rows are about to go to the server.  *why is set if a script
 * holds them: to free(). */
int	incoming_removing(struct account *acc, struct folder *f,
	    const int64_t *row, size_t n, char **why, struct err *err);

/* New files of these rows (APPENDING) are about to go to the server.  What scripts
 * hold is REFUSED afterwards. */
int	created_ask(struct account *acc, const struct folder *f,
	    const int64_t *row, size_t n, struct err *err);

/* ---- between rounds -------------------------------------------------------- */

/* Take what the host answered, ask what is to be asked, do what was planned.  Never
 * waits.  -1: ERR_LOCAL. */
int	hooks_run(struct account *acc, struct err *err);
/* Wait until nothing is asked or to be done any more: for a single round. */
int	hooks_finish(struct account *acc, usec deadline, struct err *err);
enum { HOOKS_WAITERS = 16 };
size_t	hooks_waiters(const struct account *acc, struct waiter *w, size_t cap);
usec	hooks_deadline(const struct account *acc);

/* `syncd cmd`: ask; the answer comes from hooks_answered(), with ${job}. */
void	hooks_command(struct account *acc, int64_t job, const char *plugin,
	    const char *name, const struct str *arg, size_t n_args,
	    const int64_t *row, size_t n_rows);
/* `syncd plugin run`: the messages of ${mailbox} since then, as if they came now;
 * *n of them. */
int	hooks_replay(struct account *acc, const char *plugin,
	    const char *mailbox, int64_t since, size_t *n, struct err *err);

struct hooks_answer {
	int64_t	 job;
	bool	 failed;
	char	*text;		/* the caller's to free() */
};

bool	hooks_answered(struct account *acc, struct hooks_answer *a);
/* Try again at once what is suspended, and what is owed. */
void	hooks_resume(struct account *acc, const char *plugin);
/* The file of that script has changed. */
void	hooks_reload(struct account *acc, const char *plugin);

/* The i-th plugin, for status; false past the last. */
struct hooks_status {
	struct hook_info	info;
	uint32_t		owed;
};
bool	hooks_status(struct account *acc, size_t i, struct hooks_status *s);

#endif
