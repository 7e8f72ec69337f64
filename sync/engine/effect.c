/*
 * effect.c — what plans want done outside the mail: commands, messages to send,
 * files to save.
 *
 * READY is committed with the plan.  STARTED is committed before it starts; a crash
 * then leaves STARTED without an end: what may be done twice is done again, with
 * the same SYNCD_EVENT_ID, the rest is failed, and said so.
 */
#include "engine/hooks_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "engine/account.h"

#define INTERRUPTED	"syncd was stopped while it ran"

enum { TRIES_MAX = 5, KEEP_FAILED_S = 30 * 86400, EX_TEMPFAIL_CODE = 75,
    EX_UNAVAILABLE_CODE = 69,
    LATER_S = 2 };

/* ---- bytes ------------------------------------------------------------ */

static int
fd_of_bytes(struct str bytes)
{
	int fd = memfd_create("syncd", MFD_CLOEXEC);

	while (fd >= 0 && bytes.n > 0) {
		ssize_t n = write(fd, bytes.p, bytes.n);

		if (n <= 0) {
			close(fd);
			return -1;
		}
		bytes = str_from(bytes, (size_t)n);
	}
	if (fd >= 0)
		(void)lseek(fd, 0, SEEK_SET);
	return fd;
}

/* What it is to read: -1 in *fd for nothing.  0, 1: the message is gone, -1. */
static int
input_of(struct hooks *h, const struct script_effect *e, int *fd,
    struct err *err)
{
	CLEANUP(buf_clear) struct buf bytes;
	int got = 0;

	*fd = -1;
	buf_init(&bytes, SCRIPT_INPUT_MAX);
	if (e->input) {
		got = store_effect_input(h->acc->store, e->id, &bytes, err);
		if (got > 0)
			*fd = fd_of_bytes(buf_str(&bytes));
	} else if (e->whole) {
		batch_clear(&h->shown);
		got = batch_add_row(&h->shown, h->acc, e->msg, "replay", true,
		    err);
		if (got > 0) {
			*fd = h->shown.msg[0].fd;
			h->shown.msg[0].fd = -1;
		}
	} else {
		return 0;
	}
	return got < 0 ? -1 : *fd < 0;
}

/* ---- how it ended ------------------------------------------------------- */

static int
record(struct hooks *h, int64_t id, int state, const char *why, struct err *err)
{
	struct account *acc = h->acc;
	int r;

	if (account_begin(acc, err) < 0)
		return -1;
	r = state < 0 ? store_effect_drop(acc->store, id, err) :
	    store_effect_set(acc->store, id, (enum effect_state)state,
	    clock_wall(), str_z(why), err);
	return account_end(acc, r, err);
}

static int
ended(struct hooks *h, const struct script_effect *e, bool good, bool again,
    const char *why, struct err *err)
{
	if (good)
		return record(h, e->id, -1, "", err);
	again = again && e->once == ONCE_AT_LEAST && e->tries < TRIES_MAX;
	log_warn("plugin %.*s, %.*s: %.*s: %s%s", STR_ARG(e->plugin),
	    STR_ARG(e->place), STR_ARG(e->verb), why,
	    again ? "; again later" : "");
	if (!again)
		problem_open(h->acc, PROBLEM_WARNING, "plugin.effect", NULL, "",
		    "plugin %.*s, %.*s: %.*s failed: %s", STR_ARG(e->plugin),
		    STR_ARG(e->place), STR_ARG(e->verb), why);
	else
		h->effects_at = clock_in(USEC_S(30) << e->tries);
	return record(h, e->id, again ? EFFECT_READY : EFFECT_FAILED, why, err);
}

/* ---- asking the broker ---------------------------------------------------- */

/* Its answer is for take_exits(). */
static int
ask(struct hooks *h, const struct script_effect *e, const struct hook_exec *x,
    struct err *err)
{
	if (record(h, e->id, EFFECT_STARTED, "", err) < 0)
		return -1;
	h->running[h->n_running++] = (struct running){
		h->broker.exec(h->broker.daemon, x), e->id };
	return 0;
}

/* ---- saving ----------------------------------------------------------------- */

static int
write_out(int in, int dir, const char *name)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
	    O_CLOEXEC, 0600);
	char part[16384];
	off_t at = 0;
	ssize_t n;

	if (fd < 0)
		return -1;
	while ((n = pread(in, part, sizeof(part), at)) > 0) {
		if (write(fd, part, (size_t)n) != n)
			break;
		at += n;
	}
	if (n != 0 || fsync(fd) < 0) {
		(void)unlinkat(dir, name, 0);
		close(fd);
		errno = EIO;
		return -1;
	}
	close(fd);
	return fsync(dir);
}

static bool
same_bytes(int in, int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
	    O_CLOEXEC);
	char a[16384], b[16384];
	off_t at = 0;
	ssize_t n = -1, m = -2;

	if (fd < 0)
		return false;
	do {
		n = pread(in, a, sizeof(a), at);
		m = pread(fd, b, sizeof(b), at);
		at += n;
	} while (n > 0 && n == m && memcmp(a, b, (size_t)n) == 0);
	close(fd);
	return n == 0 && m == 0;
}

/* The directory of ${path}, made as far as it is missing, through no symlink below
 * the one that was granted. */
static int
open_dirs(const struct plugin_conf *plugin, char *path, char **name)
{
	const char *granted = NULL;
	char *at;
	int dir;

	for (size_t i = 0; i < plugin->allow.write.n; i++) {
		const char *d = plugin->allow.write.v[i];

		if (str_starts(str_z(path), str_z(d)) &&
		    path[strlen(d)] == '/')
			granted = d;
	}
	errno = EACCES;
	if (granted == NULL)
		return -1;
	(void)mkdir(granted, 0700);
	dir = open(granted, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	at = path + strlen(granted) + 1;
	for (char *slash; dir >= 0 && (slash = strchr(at, '/')) != NULL;
	    at = slash + 1) {
		int sub;

		*slash = '\0';
		(void)mkdirat(dir, at, 0700);
		sub = openat(dir, at, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
		    O_CLOEXEC);
		close(dir);
		dir = sub;
	}
	*name = at;
	return dir;
}

/* Never over another file: "name", "name-2", ... */
static int
save(struct hooks *h, const struct script_effect *e, int in, struct err *err)
{
	const struct plugin_conf *plugin = plan_plugin(h->acc->conf, e->plugin);
	char *path = str_dup(e->argv), *base, *name = NULL, *dot;
	int dir = plugin != NULL ? open_dirs(plugin, path, &base) : -1, r = -1;
	char why[256];

	if (plugin == NULL)
		errno = EACCES;
	for (int i = 1; dir >= 0 && i < 1000; i++) {
		free(name);
		dot = strrchr(base, '.');
		if (i == 1)
			name = xstrdup(base);
		else if (dot != NULL && dot != base)
			name = xasprintf("%.*s-%d%s", (int)(dot - base), base,
			    i, dot);
		else
			name = xasprintf("%s-%d", base, i);
		r = same_bytes(in, dir, name) ? 0 : write_out(in, dir, name);
		if (r == 0 || errno != EEXIST)
			break;
	}
	snprintf(why, sizeof(why), "%.*s: %s", STR_ARG(e->argv),
	    strerror(errno));
	if (dir >= 0)
		close(dir);
	free(name);
	free(path);
	return ended(h, e, r == 0, false, why, err);
}

/* ---- another account --------------------------------------------------------- */

/* What the message shows here: its letters, and its keywords as arguments. */
static int
shown(struct hooks *h, int64_t id, struct msg_row *row, char letters[7],
    struct str *arg, size_t *n_args, struct err *err)
{
	int got = store_find_id(h->acc->store, id, row, err);
	const struct folder *f = got > 0 ? account_by_id(h->acc, row->folder) :
	    NULL;

	if (got < 0)
		return -1;
	if (f == NULL)
		return 0;
	sysflags_to_letters(row->flags.sys, letters);
	for (size_t i = 0; i < f->kw.n && *n_args < HOOK_ARGS_MAX; i++)
		if (row->flags.kw >> i & 1)
			arg[(*n_args)++] = str_z(f->kw.name[i]);
	return 1;
}

static uint32_t
short_hash(const char *s)
{
	uint32_t sum = 2166136261u;

	for (; *s != '\0'; s++)
		sum = (sum ^ (unsigned char)*s) * 16777619u;
	return sum;
}

/* Under a name that is this effect's, whoever does it how often.  What it may have
 * done before is looked for. */
static int
across(struct hooks *h, const struct script_effect *e, int in, struct err *err)
{
	struct str arg[HOOK_ARGS_MAX], rest = e->argv;
	struct str mailbox = str_split(&rest, '\0');
	char letters[7] = "", name[80], date[24];
	struct hook_exec x = { .plugin = e->plugin, .arg = arg, .n_args = 6,
	    .in = in, .across = true };
	struct msg_row row;
	int got = shown(h, e->msg, &row, letters, arg, &x.n_args, err);

	if (got <= 0)
		return got < 0 ? -1 : ended(h, e, false, false,
		    "the message is gone", err);
	snprintf(name, sizeof(name), "%" PRId64 ".X%" PRId64 "A%08" PRIx32,
	    row.date, e->id, short_hash(h->acc->conf->name));
	snprintf(date, sizeof(date), "%" PRId64, row.date);
	arg[0] = str_split(&rest, '\0');
	arg[1] = mailbox;
	arg[2] = str_z(name);
	arg[3] = str_z(date);
	arg[4] = str_z(letters);
	arg[5] = e->tries > 0 ? STR("again") : STR("");
	return ask(h, e, &x, err);
}

/* It is safe there: the one here goes, in the transaction that forgets that it is
 * to be moved. */
static int
moved_across(struct hooks *h, const struct script_effect *e, struct err *err)
{
	struct account *acc = h->acc;
	struct script_step st = { .msg = e->msg, .op = OPK_DELETE,
	    .plugin = e->plugin, .place = e->place };
	int r;

	if (account_begin(acc, err) < 0)
		return -1;
	r = store_step_add(acc->store, &st, err);
	if (r == 0)
		r = store_effect_drop(acc->store, e->id, err);
	h->steps_due = true;
	return account_end(acc, r, err);
}

static bool
moves_across(const struct script_effect *e)
{
	struct str rest = e->argv;

	if (e->op != OPK_ACROSS)
		return false;
	(void)str_split(&rest, '\0');
	(void)str_split(&rest, '\0');
	return str_eq(str_split(&rest, '\0'), STR("move"));
}

/* ---- starting ------------------------------------------------------------- */

static int
start(struct hooks *h, const struct script_effect *e, int in, struct err *err)
{
	struct str arg[HOOK_ARGS_MAX + 1], rest = e->argv;
	char id[64];
	struct hook_exec x = { .plugin = e->plugin, .arg = arg, .in = in,
	    .timeout = e->timeout, .send = e->op == OPK_SEND };

	while (rest.n > 0 && x.n_args < HOOK_ARGS_MAX)
		arg[x.n_args++] = str_split(&rest, '\0');
	snprintf(id, sizeof(id), "%s-%" PRId64, h->acc->conf->name, e->id);
	x.event_id = str_z(id);
	return ask(h, e, &x, err);
}

static int
append(struct hooks *h, const struct script_effect *e, int in, struct err *err)
{
	struct account *acc = h->acc;
	const char *why = "";
	int r;

	switch (append_run(h, e, in, &why, err)) {
	case APPEND_NOT:
		return ended(h, e, false, false, why, err);
	case APPEND_LATER:
		h->effects_at = clock_in(USEC_S(LATER_S));
		return 0;
	case APPEND_DONE:
		break;
	default:
		if (err->class != ERR_MSG && err->class != ERR_FOLDER)
			return -1;
		return ended(h, e, false, true, err->text, err);
	}
	if (account_begin(acc, err) < 0)
		return -1;
	r = append_replace(h, e, err);
	if (r == 0)
		r = store_effect_drop(acc->store, e->id, err);
	return account_end(acc, r, err);
}

static int
begin(struct hooks *h, const struct script_effect *e, struct err *err)
{
	int in, r = input_of(h, e, &in, err);

	if (r > 0)
		return ended(h, e, false, false, "the message is gone", err);
	if (r == 0)
		r = e->op == OPK_SAVE ? save(h, e, in, err) :
		    e->op == OPK_APPEND ? append(h, e, in, err) :
		    e->op == OPK_ACROSS ? across(h, e, in, err) :
		    start(h, e, in, err);
	if (in >= 0)
		close(in);
	return r;
}

/* ---- ending ----------------------------------------------------------------- */

/* The one with that number. */
static int
find(struct hooks *h, int64_t id, struct script_effect *e, struct err *err)
{
	int64_t at = id - 1;
	int got = store_effect_next(h->acc->store, EFFECT_STARTED, &at, e, err);

	return got > 0 && e->id != id ? 0 : got;
}

/* That another account will never take it is said by its code; else it may. */
static bool
is_temporary(const struct script_effect *e, int code)
{
	return e->op == OPK_ACROSS ? code != EX_UNAVAILABLE_CODE :
	    code == EX_TEMPFAIL_CODE;
}

static int
take_exit(struct hooks *h, int64_t id, struct hook_exit *x, struct err *err)
{
	struct script_effect e;
	char why[300], tail[200] = "";
	int got = find(h, id, &e, err);

	if (x->err >= 0)
		(void)!pread(x->err, tail, sizeof(tail) - 1, 0);
	tail[strcspn(tail, "\n")] = '\0';
	if (x->code != -1 && got > 0 && e.op == OPK_ACROSS)
		snprintf(why, sizeof(why), "%s", tail);
	else if (x->code == -1)
		snprintf(why, sizeof(why), "%.*s", STR_ARG(x->text));
	else
		snprintf(why, sizeof(why), "exit code %d%s%s", x->code,
		    tail[0] != '\0' ? ": " : "", tail);
	if (x->out >= 0)
		close(x->out);
	if (x->err >= 0)
		close(x->err);
	if (got <= 0)
		return got;
	if (x->code == 0 && moves_across(&e))
		return moved_across(h, &e, err);
	return ended(h, &e, x->code == 0, is_temporary(&e, x->code), why, err);
}

static int
take_exits(struct hooks *h, struct err *err)
{
	for (size_t i = 0; i < h->n_running;) {
		struct hook_exit x;
		int64_t id = h->running[i].effect;

		if (h->broker.done(h->broker.daemon, h->running[i].call, &x) ==
		    0) {
			i++;
			continue;
		}
		h->running[i] = h->running[--h->n_running];
		h->effects_due = true;
		if (take_exit(h, id, &x, err) < 0)
			return -1;
	}
	return 0;
}

/* What was under way when we died. */
int
effects_recover(struct hooks *h, struct err *err)
{
	struct script_effect e;
	int64_t at = 0;
	int got;

	while ((got = store_effect_next(h->acc->store, EFFECT_STARTED, &at, &e,
	    err)) > 0)
		if (ended(h, &e, false, true, INTERRUPTED, err) < 0)
			return -1;
	h->effects_at = 0;
	if (got < 0 || account_begin(h->acc, err) < 0)
		return -1;
	return account_end(h->acc, store_effect_trim(h->acc->store,
	    clock_wall() - USEC_S(KEEP_FAILED_S), err), err);
}

int
effects_run(struct hooks *h, struct err *err)
{
	struct script_effect e;
	int64_t at = 0;
	int got;

	if (h->n_running > 0 && take_exits(h, err) < 0)
		return -1;
	if (!h->effects_due && clock_now() < h->effects_at)
		return 0;
	h->effects_due = false;
	h->effects_at = USEC_NEVER;
	while (h->n_running < EFFECTS_AT_ONCE) {
		got = store_effect_next(h->acc->store, EFFECT_READY, &at, &e,
		    err);
		if (got <= 0)
			return got;
		/* One that failed waits longer each time. */
		if (e.tries > 0 && !str_eq(e.why, str_z(INTERRUPTED)) &&
		    clock_wall() < e.when +
		    (USEC_S(15) << e.tries)) {
			usec wait = e.when + (USEC_S(15) << e.tries) -
			    clock_wall();

			if (clock_in(wait) < h->effects_at)
				h->effects_at = clock_in(wait);
			continue;
		}
		if (begin(h, &e, err) < 0)
			return -1;
	}
	return 0;
}

bool
effects_open(const struct hooks *h)
{
	return h->n_running > 0 || h->effects_due;
}
