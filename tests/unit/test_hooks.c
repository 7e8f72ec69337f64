/* test_hooks.c — scripts in the engine, with a host made of C: where mail lands, what
 * is written down, what a crash leaves. */
#include "cmocka_all.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/mem.h"
#include "engine/account.h"
#include "engine/hooks_impl.h"
#include "engine/land.h"
#include "engine/recover.h"
#include "maildir/path.h"
#include "scratch.h"
#include "store/script.h"

#define OK(call)	assert_int_equal(call, 0)

static char dir[SCRATCH_PATH], root[96], state_dir[96];
static struct account_conf conf;
static struct plugin_conf plugin;
static struct account *acc;
static struct folder *inbox, *junk;

/* ---- a host that answers what a test says ------------------------------------ */

typedef void script_fn(const struct hook_event *ev);

struct fake {
	struct hook_host	 host;
	uint64_t		 kinds, initial;
	script_fn		*script;
	struct hook_op		 op[16];
	struct str		 arg[16];
	struct hook_kv		 kv;
	struct hook_fault	 fault;
	struct hook_plan	 plan;
	bool			 ready, mute, late;	/* late: by one step */
	usec			 extended;
	unsigned		 asked;
	char			 origin[32], only[32];
	bool			 die_when_settled, settled;
	struct hook_timer	 timer;		/* .spec NULL: none */
};

static struct fake fake;
static struct { unsigned started; int code; char argv[256]; } ran;

static void
add_op(enum hook_op_kind kind, int64_t msg, const char *arg)
{
	size_t n = fake.plan.n_ops++;

	fake.arg[n] = str_z(arg);
	fake.op[n] = (struct hook_op){ .kind = kind, .plugin = STR("test"),
	    .verb = STR("verb"), .where = STR("test.lua:1"), .msg = msg,
	    .arg = &fake.arg[n], .n_args = arg != NULL, .fd = -1 };
}

static uint64_t
kinds(const struct hook_host *h)
{
	(void)h;
	return fake.kinds;
}

static uint64_t
initial(const struct hook_host *h)
{
	(void)h;
	return fake.initial;
}

static void
ask(struct hook_host *h, const struct hook_event *ev)
{
	(void)h;
	fake.asked++;
	snprintf(fake.origin, sizeof(fake.origin), "%.*s", ev->n_msgs > 0 ?
	    (int)ev->msg[0].origin.n : 0, ev->n_msgs > 0 ?
	    ev->msg[0].origin.p : "");
	snprintf(fake.only, sizeof(fake.only), "%s",
	    ev->only != NULL ? ev->only : "");
	fake.plan = (struct hook_plan){ .event = ev->id, .op = fake.op,
	    .kv = &fake.kv, .fault = &fake.fault };
	if (fake.script != NULL)
		fake.script(ev);
	fake.ready = !fake.mute;
}

static int
step(struct hook_host *h, struct hook_plan *plan)
{
	(void)h;
	if (!fake.ready || fake.late) {
		fake.late = false;
		return 0;
	}
	fake.ready = false;
	*plan = fake.plan;
	return 1;
}

static void
extend(struct hook_host *h, uint64_t event, usec by)
{
	(void)h;
	fake.extended = event == fake.plan.event ? by : 0;
}

static void
settle(struct hook_host *h, uint64_t event, bool committed)
{
	(void)h;
	(void)event;
	fake.settled = committed;
	/* Committed, and no file has its name yet. */
	if (committed && fake.die_when_settled)
		raise(SIGKILL);
}

static size_t
waiters(const struct hook_host *h, struct waiter *w, size_t cap)
{
	(void)h;
	(void)w;
	(void)cap;
	return 0;
}

static usec
deadline(const struct hook_host *h)
{
	(void)h;
	return USEC_NEVER;
}

static bool
info(struct hook_host *h, size_t i, struct hook_info *out)
{
	(void)h;
	*out = (struct hook_info){ .name = "test", .state = HOOK_OK,
	    .kinds = fake.kinds, .timer = &fake.timer,
	    .n_timers = fake.timer.spec != NULL };
	return i == 0;
}

static void
nothing(struct hook_host *h)
{
	(void)h;
}

static void
resume(struct hook_host *h, const char *name)
{
	(void)h;
	(void)name;
}

static bool
no_wish(struct hook_host *host, struct hook_wish *w)
{
	(void)host, (void)w;
	return false;
}

static const struct hook_ops ops = {
	.kinds = kinds, .initial = initial, .ask = ask, .step = step,
	.extend = extend,
	.settle = settle, .waiters = waiters, .deadline = deadline,
	.info = info, .resume = resume, .wish = no_wish, .free = nothing,
};

static uint32_t
start(void *daemon, const struct hook_exec *x)
{
	(void)daemon;
	ran.started++;
	ran.argv[0] = '\0';
	for (size_t i = 0; i < x->n_args; i++)
		strncat(strcat(ran.argv, i > 0 ? " " : ""), x->arg[i].p,
		    x->arg[i].n);
	return ran.started;
}

static int
ended(void *daemon, uint32_t call, struct hook_exit *x)
{
	(void)daemon;
	*x = (struct hook_exit){ .call = call, .code = ran.code, .out = -1,
	    .err = -1, .text = STR("") };
	return 1;
}

static struct waiter
no_waiter(void *daemon)
{
	(void)daemon;
	return (struct waiter){ .fd = -1 };
}

/* ---- an account ------------------------------------------------------------------ */

static struct folder *
make_folder(const char *name)
{
	struct folder *f = account_folder_new(acc);
	struct err err;

	OK(mpath_create(acc->root_fd, LAYOUT_NESTED, str_z(name), &err));
	f->wire = xstrdup(name);
	f->name = xstrdup(name);
	f->path = xstrdup(name);
	f->delim = '/';
	f->validity.v = 1;
	f->uidnext = 1;
	f->policy = conf.policy;
	OK(account_begin(acc, &err));
	OK(folder_save(acc, f, &err));
	OK(account_end(acc, 0, &err));
	OK(folder_load(acc, f, &err));
	return f;
}

/* As a worker does it when it starts. */
static void
open_account(void)
{
	const struct hook_broker broker = { .exec = start, .done = ended,
	    .waiter = no_waiter };
	struct err err;

	acc = account_open(&conf, state_dir, &err);
	if (acc == NULL)
		fail_msg("%s", err.text);
	for (size_t i = 0; i < acc->n_folders; i++) {
		acc->folder[i]->policy = conf.policy;
		if (strcmp(acc->folder[i]->name, "INBOX") == 0)
			inbox = acc->folder[i];
		else if (strcmp(acc->folder[i]->name, "Junk") == 0)
			junk = acc->folder[i];
	}
	acc->hooks = hooks_new(acc, &broker, &err);
	assert_non_null(acc->hooks);
	hooks_take_host(acc->hooks, &fake.host);
}

static int
setup(void **state)
{
	struct err err;

	(void)state;
	if (scratch_make(dir, "hooks") < 0)
		return -1;
	snprintf(root, sizeof(root), "%s/mail", dir);
	snprintf(state_dir, sizeof(state_dir), "%s/state", dir);
	conf = (struct account_conf){ .name = (char *)"work", .path = root,
	    .policy = { POLICY_ALL, POLICY_ALL, false },
	    .folders = { .create_remote = true } };
	strlist_add(&conf.folders.sync, "*");
	plugin = (struct plugin_conf){ .name = (char *)"test",
	    .limits = { .deadline = USEC_S(5) } };
	conf.plugin = &plugin;
	conf.n_plugins = 1;
	fake = (struct fake){ .host.ops = &ops,
	    .kinds = (uint64_t)1 << HOOK_INCOMING };
	memset(&ran, 0, sizeof(ran));
	open_account();
	inbox = make_folder("INBOX");
	junk = make_folder("Junk");
	acc->greeted = true;
	return tell_mark(acc, &err);
}

static int
teardown(void **state)
{
	(void)state;
	account_close(acc);
	strlist_clear(&conf.folders.sync);
	strlist_clear(&plugin.allow.exec);
	return scratch_remove(dir);
}

static void
arrive(struct arrivals *a, uint32_t uid, const char *text, struct err *err)
{
	struct arrival *one;

	OK(land_begin(a, err));
	OK(land_data(a, STR("Subject: x\r\nMessage-ID: <1@x>\r\n\r\n"), err));
	OK(land_data(a, str_z(text), err));
	one = land_end(a, 1000, err);
	assert_non_null(one);
	one->uid.v = uid;
}

/* One message in ${f}. */
static void
land_in(struct folder *f, uint32_t uid, const char *text)
{
	struct arrivals a = { .acc = acc, .f = f };
	struct err err;

	arrive(&a, uid, text, &err);
	OK(land_all(&a, &err));
	land_clear(&a);
}

/* ${n} messages, with numbers from ${uid} on. */
static int
land_some(uint32_t uid, uint32_t n, struct err *err)
{
	struct arrivals a = { .acc = acc, .f = inbox };
	int r;

	for (uint32_t i = 0; i < n; i++)
		arrive(&a, uid + i, "hi\r\n", err);
	r = land_all(&a, err);
	land_clear(&a);
	return r;
}

static int
land(uint32_t uid, struct err *err)
{
	return land_some(uid, 1, err);
}

/* How many files are in that directory; the name of one. */
static size_t
files(const char *sub, char *name)
{
	char path[256];
	struct dirent *e;
	size_t n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "%s/%s", root, sub);
	d = opendir(path);
	while (d != NULL && (e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		n++;
		if (name != NULL)
			strcpy(name, e->d_name);
	}
	if (d != NULL)
		closedir(d);
	return n;
}

static void
expect_row(enum stage stage, const struct folder *f, uint32_t uid,
    struct msg_row *row)
{
	struct err err;

	assert_int_equal(store_find_uid(acc->store, f->id, (struct uid){ uid },
	    row, &err), 1);
	assert_int_equal(row->stage, stage);
}

/* ---- landing ----------------------------------------------------------------------- */

static void
to_junk(const struct hook_event *ev)
{
	add_op(OPK_MOVE, ev->msg[0].id, "Junk");
	add_op(OPK_TAG, ev->msg[0].id, "$Junk");
	add_op(OPK_FLAG, ev->msg[0].id, NULL);
	fake.op[2].sys = FLAG_SEEN;
}

static void
a_filed_message_is_in_one_folder_only(void **state)
{
	char name[256];
	struct msg_row row;
	struct err err;

	(void)state;
	fake.script = to_junk;
	OK(land(7, &err));
	assert_string_equal(fake.origin, "server");
	assert_int_equal(files("INBOX/new", NULL) + files("INBOX/cur", NULL) +
	    files("INBOX/tmp", NULL), 0);
	assert_int_equal(files("Junk/cur", name), 1);
	assert_non_null(strstr(name, ":2,Sa"));
	/* The server has it in INBOX, unread: what differs is a change of ours. */
	expect_row(ST_PRESENT, inbox, 7, &row);
	assert_true(flags_none(row.flags));
	assert_int_equal(row.to, 0);
	assert_true(inbox->dirty & DIRTY_LOCAL);
	assert_true(junk->dirty & DIRTY_LOCAL);
	assert_true(fake.settled);
}

static void
a_message_of_no_interest_is_delivered(void **state)
{
	struct msg_row row;
	struct err err;

	(void)state;
	OK(land(7, &err));
	assert_int_equal(fake.asked, 1);
	assert_int_equal(files("INBOX/new", NULL), 1);
	expect_row(ST_PRESENT, inbox, 7, &row);
	assert_int_equal(inbox->dirty & DIRTY_LOCAL, 0);
}

static void
to_new_list(const struct hook_event *ev)
{
	add_op(OPK_MOVE, ev->msg[0].id, "Lists/a");
}

static void
a_new_mailbox_is_made_before_its_message_shows(void **state)
{
	struct folder *f;
	struct msg_row row;
	struct err err;

	(void)state;
	fake.script = to_new_list;
	OK(land(7, &err));
	expect_row(ST_LANDING, inbox, 7, &row);
	assert_int_equal(files("INBOX/tmp", NULL), 1);
	assert_int_equal(files("INBOX/new", NULL) + files("Lists/a/new", NULL),
	    0);
	assert_true(acc->filing && acc->tree_local);
	f = account_by_path(acc, "Lists/a");
	assert_non_null(f);
	/* Made on the server, and synced once. */
	f->wire = xstrdup("Lists/a");
	OK(recover_filing(acc, &err));
	assert_true(acc->filing);
	f->uidnext = 1;
	OK(recover_filing(acc, &err));
	assert_false(acc->filing);
	assert_int_equal(files("Lists/a/new", NULL), 1);
	expect_row(ST_PRESENT, inbox, 7, &row);
}

static void
a_mailbox_that_cannot_be_made_leaves_the_message_in_inbox(void **state)
{
	struct msg_row row;
	struct err err;

	(void)state;
	fake.script = to_new_list;
	OK(land(7, &err));
	/* The server would not have it: it has no wire name still. */
	OK(recover_filing(acc, &err));
	assert_false(acc->filing);
	assert_int_equal(files("INBOX/new", NULL), 1);
	expect_row(ST_PRESENT, inbox, 7, &row);
}

static void
out_of_the_account(const struct hook_event *ev)
{
	add_op(OPK_MOVE, ev->msg[0].id, "../elsewhere");
}

static void
a_mailbox_outside_of_the_account_is_refused(void **state)
{
	struct err err;

	(void)state;
	fake.script = out_of_the_account;
	OK(land(7, &err));
	assert_int_equal(files("INBOX/new", NULL), 1);
	assert_int_equal(files("../elsewhere", NULL), 0);
}

static void
mail_that_was_there_first_is_no_news(void **state)
{
	struct err err;

	(void)state;
	/* As before the first sync: no folder has its mark. */
	account_close(acc);
	OK(scratch_remove(dir));
	OK(mkdir(dir, 0700));
	open_account();
	inbox = make_folder("INBOX");
	inbox->uidnext = 0;
	OK(tell_mark(acc, &err));
	OK(land(7, &err));
	assert_int_equal(fake.asked, 0);
	fake.initial = fake.kinds;
	OK(land(8, &err));
	assert_int_equal(fake.asked, 1);
	assert_string_equal(fake.origin, "initial");
	inbox->uidnext = 9;
	OK(tell_mark(acc, &err));
	OK(land(9, &err));
	assert_string_equal(fake.origin, "server");
}

/* The last event that waits: its kind, where, and from where. */
static void
assert_told(enum hook_kind kind, const char *mailbox, const char *detail)
{
	struct script_event e;
	char got[64] = "";
	struct err err;
	int64_t at = 0;
	int last = -1;

	while (store_event_next(acc->store, EVENTS_NOW, &at, &e, &err) > 0) {
		last = (int)e.kind;
		snprintf(got, sizeof(got), "%.*s %.*s", STR_ARG(e.mailbox),
		    STR_ARG(e.detail));
	}
	assert_int_equal(last, kind);
	assert_true(str_starts(str_z(got), str_z(mailbox)));
	if (strstr(got, detail) == NULL)
		fail_msg("\"%s\" without \"%s\"", got, detail);
}

/* A server that names no ids tells of a move in two parts: first of what came, then
 * of what is gone. */
static void
what_went_as_it_came_elsewhere_was_moved(void **state)
{
	static const struct {
		const char	*text;		/* of what came */
		bool		 elsewhere;
		enum hook_kind	 want;
	} rows[] = {
		{ "one\r\n", true, HOOK_MOVED },
		{ "two\r\n", true, HOOK_REMOVED },
		{ "three\r\n", false, HOOK_REMOVED }
	};
	static const char *const gone[] = { "one\r\n", "2wo\r\n", "three\r\n" };

	(void)state;
	fake.kinds = (uint64_t)1 << HOOK_DELIVERED | (uint64_t)1 << HOOK_MOVED |
	    (uint64_t)1 << HOOK_REMOVED;
	for (uint32_t i = 0; i < ARRAY_LEN(rows); i++) {
		bool moved = rows[i].want == HOOK_MOVED;
		struct msg_row row;
		struct err err;

		land_in(inbox, 10 + i, gone[i]);
		land_in(rows[i].elsewhere ? junk : inbox, 20 + i, rows[i].text);
		assert_int_equal(store_find_uid(acc->store, inbox->id,
		    (struct uid){ 10 + i }, &row, &err), 1);
		OK(account_begin(acc, &err));
		OK(tell_gone(acc, inbox, &row, "server", &err));
		OK(account_end(acc, 0, &err));
		assert_told(rows[i].want, moved ? "Junk " : "INBOX ",
		    moved ? " INBOX" : " <1@x>");
	}
}

/* ---- what is written down with it ------------------------------------------------------ */

static void
remember(const struct hook_event *ev)
{
	(void)ev;
	fake.kv = (struct hook_kv){ .plugin = STR("test"), .store = STR("s"),
	    .key = STR("k"), .value = STR("v") };
	fake.plan.n_kv = 1;
}

static void
remember_for_a_while(const struct hook_event *ev)
{
	remember(ev);
	fake.kv.key = STR("old");
	fake.kv.expires = 100;
}

static void
pipe_and_remember(const struct hook_event *ev)
{
	add_op(OPK_RUN, ev->msg[0].id, "bogofilter");
	fake.op[0].whole = true;
	remember(ev);
}

/* Is there a value of ${key} at ${now}? */
static bool
keeps(const char *key, int64_t now)
{
	struct script_key k = { STR("test"), STR("s"), str_z(key) };
	struct err err;
	struct buf v;
	int got;

	buf_init(&v, 64);
	got = store_kv_get(acc->store, &k, now, &v, &err);
	buf_clear(&v);
	return got == 1;
}

static bool
remembers(void)
{
	return keeps("k", 1);
}

static int
effect_state(void)
{
	for (int s = EFFECT_READY; s <= EFFECT_FAILED; s++) {
		struct script_effect e;
		struct err err;
		int64_t at = 0;

		if (store_effect_next(acc->store, (enum effect_state)s, &at, &e,
		    &err) > 0)
			return s;
	}
	return -1;
}

/* A cap counts what is there, be it shown or not. */
static void
what_has_expired_goes_when_something_is_stored(void **state)
{
	struct err err;

	(void)state;
	fake.script = remember_for_a_while;
	OK(land(7, &err));
	assert_true(keeps("old", 99));
	fake.script = NULL;
	OK(land(8, &err));
	assert_true(keeps("old", 99));
	fake.script = remember;
	OK(land(9, &err));
	assert_false(keeps("old", 99));
	assert_true(remembers());
}

static void
effects_and_stores_are_committed_with_the_message(void **state)
{
	struct err err;

	(void)state;
	strlist_add(&plugin.allow.exec, "bogofilter");
	fake.script = pipe_and_remember;
	OK(land(7, &err));
	assert_int_equal(files("INBOX/new", NULL), 1);
	assert_true(remembers());
	assert_int_equal(effect_state(), EFFECT_READY);
	OK(hooks_run(acc, &err));
	assert_int_equal(ran.started, 1);
	assert_string_equal(ran.argv, "bogofilter");
	OK(hooks_run(acc, &err));
	assert_int_equal(effect_state(), -1);
}

static void
what_is_not_granted_is_not_done_nor_is_the_rest(void **state)
{
	struct err err;

	(void)state;
	fake.script = pipe_and_remember;
	OK(land(7, &err));
	assert_int_equal(files("INBOX/new", NULL), 1);
	assert_false(remembers());
	assert_int_equal(effect_state(), -1);
}

static void
an_interrupted_effect_is_repeated_if_it_may_be(void **state)
{
	static const struct { enum hook_once once; unsigned started; int end; }
	    cases[] = {
		{ ONCE_AT_LEAST, 1, -1 },
		{ ONCE_AT_MOST, 0, EFFECT_FAILED },
	};

	(void)state;
	strlist_add(&plugin.allow.exec, "bogofilter");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct script_effect e = { .plugin = STR("test"), .op = OPK_RUN,
		    .verb = STR("run"), .argv = STR("bogofilter\0"),
		    .once = cases[i].once };
		struct err err;
		int64_t at = 0;

		ran.started = 0;
		OK(account_begin(acc, &err));
		OK(store_effect_add(acc->store, &e, STR_NONE, &err));
		assert_int_equal(store_effect_next(acc->store, EFFECT_READY,
		    &at, &e, &err), 1);
		OK(store_effect_set(acc->store, e.id, EFFECT_STARTED, 1,
		    STR(""), &err));
		OK(account_end(acc, 0, &err));
		account_close(acc);
		open_account();
		OK(hooks_run(acc, &err));
		OK(hooks_run(acc, &err));
		assert_int_equal(ran.started, cases[i].started);
		assert_int_equal(effect_state(), cases[i].end);
	}
}

/* ---- failures ---------------------------------------------------------------------------- */

static void
fails(const struct hook_event *ev)
{
	fake.fault = (struct hook_fault){ .plugin = STR("test"),
	    .where = STR("test.lua:3"), .text = STR("boom"),
	    .msg = ev->msg[0].id, .owed = true };
	fake.plan.n_faults = 1;
}

static uint32_t
owed(void)
{
	struct err err;
	uint32_t n;

	OK(store_owed_count(acc->store, STR("test"), &n, &err));
	return n;
}

static void
a_failed_script_gets_its_message_again(void **state)
{
	struct err err;

	(void)state;
	fake.script = fails;
	OK(land(7, &err));
	assert_int_equal(files("INBOX/new", NULL), 1);
	assert_int_equal(owed(), 1);
	/* Not at once: only when it is told to, or later. */
	OK(hooks_run(acc, &err));
	assert_int_equal(fake.asked, 1);
	fake.script = to_junk;
	hooks_resume(acc, NULL);
	OK(hooks_run(acc, &err));
	assert_int_equal(fake.asked, 2);
	assert_string_equal(fake.origin, "replay");
	assert_string_equal(fake.only, "test");
	OK(hooks_run(acc, &err));
	OK(hooks_run(acc, &err));
	assert_int_equal(owed(), 0);
	assert_int_equal(files("INBOX/new", NULL) + files("INBOX/cur", NULL), 0);
	assert_int_equal(files("Junk/cur", NULL), 1);
}

static void
fails_as_a_whole(const struct hook_event *ev)
{
	fails(ev);
	fake.fault.msg = 0;
}

static void
a_script_that_failed_for_all_gets_each_message_again(void **state)
{
	struct err err;

	(void)state;
	fake.script = fails_as_a_whole;
	OK(land_some(7, 3, &err));
	assert_int_equal(fake.asked, 1);
	assert_int_equal(files("INBOX/new", NULL), 3);
	assert_int_equal(owed(), 3);
}

/* Its process hangs: mail is delivered without it.  What it says at last, nobody
 * listens to. */
static void
a_host_that_does_not_answer_is_not_waited_for(void **state)
{
	struct err err;

	(void)state;
	plugin.limits.deadline = USEC_MS(1);
	fake.mute = true;
	fake.script = to_junk;
	OK(land(7, &err));
	assert_int_equal(files("INBOX/new", NULL), 1);
	assert_int_equal(owed(), 1);
	assert_true(fake.settled);
	fake.op[0].fd = dup(STDIN_FILENO);
	assert_true(fake.op[0].fd >= 0);
	fake.ready = true;
	OK(hooks_run(acc, &err));
	assert_int_equal(fcntl(fake.op[0].fd, F_GETFD), -1);
	assert_int_equal(files("INBOX/new", NULL), 1);
	assert_int_equal(files("Junk/cur", NULL), 0);
}

static void
slowly_to_junk(const struct hook_event *ev)
{
	usleep(30000);
	to_junk(ev);
}

/* Until it is waited for, others had their time. */
static void
time_of_the_disk_is_not_the_scripts(void **state)
{
	struct err err;

	(void)state;
	fake.script = slowly_to_junk;
	fake.late = true;
	OK(land(7, &err));
	assert_true(fake.extended >= USEC_MS(30));
	assert_int_equal(files("Junk/cur", NULL) + files("Junk/new", NULL), 1);
}

static void
copy_and_tag(const struct hook_event *ev)
{
	add_op(OPK_COPY, ev->msg[0].id, "Junk");
	add_op(OPK_TAG, ev->msg[0].id, "work");
}

static void
a_copy_is_made_once_however_often_it_is_done(void **state)
{
	struct script_step st;
	struct err err;
	int64_t at = 0;

	(void)state;
	fake.script = copy_and_tag;
	OK(land(7, &err));
	assert_int_equal(files("Junk/new", NULL), 0);
	assert_int_equal(store_step_next(acc->store, &at, &st, &err), 1);
	assert_int_equal(st.op, OPK_COPY);
	OK(hooks_run(acc, &err));
	assert_int_equal(files("Junk/new", NULL) + files("Junk/cur", NULL), 1);
	/* Died after it was done and before it was dropped. */
	OK(account_begin(acc, &err));
	OK(store_step_add(acc->store, &st, &err));
	OK(account_end(acc, 0, &err));
	OK(hooks_run(acc, &err));
	assert_int_equal(files("INBOX/cur", NULL), 1);
}

/* ---- crashes --------------------------------------------------------------------------------- */

static void
killed_after_the_commit_it_is_filed_all_the_same(void **state)
{
	struct msg_row row;
	struct err err;
	int status;
	pid_t pid;

	(void)state;
	fake.script = to_junk;
	account_close(acc);
	pid = fork();
	if (pid == 0) {
		open_account();
		fake.die_when_settled = true;
		(void)folder_load(acc, inbox, &err);
		(void)land(7, &err);
		_exit(1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(files("INBOX/tmp", NULL), 1);
	open_account();
	expect_row(ST_LANDING, inbox, 7, &row);
	OK(recover_all(acc, &err));
	expect_row(ST_PRESENT, inbox, 7, &row);
	assert_int_equal(files("INBOX/tmp", NULL) + files("INBOX/new", NULL) +
	    files("INBOX/cur", NULL), 0);
	assert_int_equal(files("Junk/cur", NULL), 1);
	/* Both are to be read again: that is how the move is found. */
	assert_true(inbox->dirty & DIRTY_SCAN);
	assert_true(junk->dirty & DIRTY_SCAN);
	assert_int_equal(fake.asked, 0);
}

/* What the state says was the last run. */
static int64_t
last_run(const char *spec)
{
	struct err err;
	int64_t last;

	OK(store_timer_get(acc->store, STR("test"), str_z(spec), &last, &err));
	return last;
}

static void
put_last_run(const char *spec, int64_t last)
{
	struct err err;

	OK(account_begin(acc, &err));
	OK(store_timer_put(acc->store, STR("test"), str_z(spec), last, &err));
	OK(account_end(acc, 0, &err));
}

/* Days, so that no clock of a busy machine matters. */
static void
a_timer_that_was_missed_runs_once_also_across_a_restart(void **state)
{
	static const char spec[] = "every 3d";
	int64_t now = clock_wall() / 1000000;
	struct err err;

	(void)state;
	fake.timer = (struct hook_timer){ spec, true };
	put_last_run(spec, now - 30 * 86400);
	OK(hooks_run(acc, &err));
	assert_int_equal(fake.asked, 1);
	assert_string_equal(fake.only, "test");
	OK(hooks_run(acc, &err));
	assert_true(last_run(spec) >= now);
	account_close(acc);
	open_account();
	OK(hooks_run(acc, &err));
	OK(hooks_run(acc, &err));
	assert_int_equal(fake.asked, 1);
}

/* Killed before it was answered: it is not over. */
static void
a_timer_that_was_asked_and_not_answered_comes_again(void **state)
{
	static const char spec[] = "every 3d";
	int64_t then = clock_wall() / 1000000 - 4 * 86400;
	struct err err;

	(void)state;
	fake.timer = (struct hook_timer){ spec, true };
	put_last_run(spec, then);
	OK(hooks_run(acc, &err));
	assert_int_equal(fake.asked, 1);
	fake.ready = false;
	assert_true(last_run(spec) == then);
	account_close(acc);
	open_account();
	OK(hooks_run(acc, &err));
	assert_int_equal(fake.asked, 2);
}

static void
what_is_not_caught_up_waits_for_its_next_time(void **state)
{
	static const char spec[] = "every 3d";
	int64_t now = clock_wall() / 1000000;
	struct err err;

	(void)state;
	fake.timer = (struct hook_timer){ spec, false };
	put_last_run(spec, now - 30 * 86400);
	OK(hooks_run(acc, &err));
	assert_int_equal(fake.asked, 0);
	assert_true(last_run(spec) >= now);
	/* ... as does one that is seen for the first time. */
	fake.timer = (struct hook_timer){ "daily 03:30", true };
	acc->hooks->timers_at = 0;
	OK(hooks_run(acc, &err));
	assert_int_equal(fake.asked, 0);
	assert_true(last_run("daily 03:30") >= now);
}

int
main(void)
{
#define T(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_filed_message_is_in_one_folder_only),
		T(a_message_of_no_interest_is_delivered),
		T(a_new_mailbox_is_made_before_its_message_shows),
		T(a_mailbox_that_cannot_be_made_leaves_the_message_in_inbox),
		T(a_mailbox_outside_of_the_account_is_refused),
		T(mail_that_was_there_first_is_no_news),
		T(what_went_as_it_came_elsewhere_was_moved),
		T(what_has_expired_goes_when_something_is_stored),
		T(effects_and_stores_are_committed_with_the_message),
		T(what_is_not_granted_is_not_done_nor_is_the_rest),
		T(an_interrupted_effect_is_repeated_if_it_may_be),
		T(a_failed_script_gets_its_message_again),
		T(a_script_that_failed_for_all_gets_each_message_again),
		T(a_host_that_does_not_answer_is_not_waited_for),
		T(time_of_the_disk_is_not_the_scripts),
		T(a_copy_is_made_once_however_often_it_is_done),
		T(killed_after_the_commit_it_is_filed_all_the_same),
		T(a_timer_that_was_missed_runs_once_also_across_a_restart),
		T(a_timer_that_was_asked_and_not_answered_comes_again),
		T(what_is_not_caught_up_waits_for_its_next_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
