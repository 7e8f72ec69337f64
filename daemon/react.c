/* react.c — hooks. */
#include "react.h"

#include <fnmatch.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "text.h"
#include "js.h"
#include "letter.h"
#include "react_conf.h"

enum { OUTPUT_MAX = 64 << 10, INPUT_MAX = 8 << 20, TRIES_MAX = 10,
	DEBOUNCES = 10, VALUE_MAX = 1024 };

/* ---- beginning and end ------------------------------------------------ */

/* notify.desktop and notify.mail_to are hooks that nobody has to write. */
static void
init_notify(struct react_conf *c, const char *const *argv, size_t n)
{
	*c = (struct react_conf){ .debounce = USEC_S(1), .timeout = USEC_S(30),
	    .rate = xstrdup("10/1h") };
	strlist_add(&c->events, "problem.notify");
	for (size_t i = 0; i < n; i++)
		strlist_add(&c->run, argv[i]);
}

static void
init_desktop(struct react_conf *c)
{
	static const char *const argv[] = { "notify-send", "-a", "syncd", "-u",
	    "critical", "--", "syncd: {title}", "{problem}\n{remedy}" };

	init_notify(c, argv, ARRAY_LEN(argv));
	c->markup = true;
}

/* Its directory is often not in a user's PATH.  What it could not do for now (its
 * queue is full, say) it is asked again. */
static void
init_mail(struct react_conf *c, const char *to)
{
	static const char *const passing[] = { "69", "71", "75" };
	char *found = role_find_program("sendmail");
	const char *const argv[] = { found != NULL ? found : "/usr/sbin/sendmail",
	    "-i", "--", to };

	init_notify(c, argv, ARRAY_LEN(argv));
	for (size_t i = 0; i < ARRAY_LEN(passing); i++)
		strlist_add(&c->retry_on, passing[i]);
	free(found);
}

static struct reaction *
add(struct react *r, const struct react_conf *conf)
{
	r->v[r->n] = (struct reaction){ .conf = conf,
	    .pending = json_array(), .due = USEC_NEVER,
	    .command = { .out = -1, .err = -1 } };
	return &r->v[r->n++];
}

void
react_init(struct react *r, const struct conf *conf, uint64_t seq)
{
	*r = (struct react){ .seq = seq };
	r->v = xcalloc(conf->n_reacts + 2, sizeof(*r->v));
	for (size_t i = 0; i < conf->n_reacts; i++)
		(void)add(r, &conf->react[i]);
	if (conf->notify_desktop == NOTIFY_PROBLEMS &&
	    getenv("DBUS_SESSION_BUS_ADDRESS") != NULL) {
		init_desktop(&r->desktop);
		(void)add(r, &r->desktop);
	}
	if (conf->notify_mail_to != NULL) {
		init_mail(&r->mail, conf->notify_mail_to);
		add(r, &r->mail)->mail_to = conf->notify_mail_to;
	}
}

static void
clear_notify(struct react_conf *c)
{
	strlist_clear(&c->events);
	strlist_clear(&c->run);
	strlist_clear(&c->retry_on);
	free(c->rate);
}

void
react_clear(struct react *r)
{
	for (size_t i = 0; i < r->n; i++) {
		if (r->v[i].running)
			role_command_clear(&r->v[i].command);
		json_decref(r->v[i].pending);
		json_decref(r->v[i].batch);
	}
	free(r->v);
	clear_notify(&r->desktop);
	clear_notify(&r->mail);
	*r = (struct react){ 0 };
}

/* ---- hearing ---------------------------------------------------------- */

static bool
matches_name(const struct react_conf *c, const char *name)
{
	for (size_t i = 0; i < c->events.n; i++)
		if (fnmatch(c->events.v[i], name, 0) == 0)
			return true;
	return false;
}

static bool
matches_text(const char *pattern, const char *text)
{
	return pattern == NULL ||
	    (text != NULL && fnmatch(pattern, text, 0) == 0);
}

/* The folder of the event, or any of its folders. */
static bool
matches_folder(const char *pattern, const json_t *event)
{
	const json_t *folder;
	size_t i;

	if (matches_text(pattern, js_get(event, "folder")))
		return true;
	json_array_foreach(json_object_get(event, "folders"), i, folder)
		if (matches_text(pattern, json_string_value(folder)))
			return true;
	return false;
}

static bool
matches(const struct react_conf *c, const json_t *event)
{
	const json_t *problem = json_object_get(event, "problem");

	return matches_text(c->match.account, js_get(event, "account")) &&
	    matches_folder(c->match.folder, event) &&
	    (!c->match.needs_user || js_bool(problem, "needs_user"));
}

static void
note(struct reaction *re, json_t *event)
{
	usec now = clock_now();

	if (json_array_size(re->pending) >= REACT_PENDING)
		json_array_remove(re->pending, 0);
	json_array_append(re->pending, event);
	/* That one goes first, at its own time; rest() looks at the others then. */
	if (re->batch != NULL)
		return;
	if (re->due == USEC_NEVER)
		re->latest = now + re->conf->debounce * DEBOUNCES;
	re->due = now + re->conf->debounce;
	if (re->due > re->latest)
		re->due = re->latest;
}

void
react_hear(struct react *r, const struct events *e)
{
	const struct event_kept *ev;

	while ((ev = events_after(e, r->seq)) != NULL) {
		json_t *event = NULL;

		r->seq = ev->seq;
		for (size_t i = 0; i < r->n; i++) {
			if (!matches_name(r->v[i].conf, ev->name))
				continue;
			if (event == NULL)
				event = json_loads(ev->line, 0, NULL);
			if (event != NULL && matches(r->v[i].conf, event))
				note(&r->v[i], event);
		}
		json_decref(event);
	}
}

/* ---- the command ------------------------------------------------------ */

/* What {key} stands for: a member of the event, or of its problem. */
static void
value_of(const json_t *event, struct str key, char *out, size_t cap)
{
	char name[64];
	const json_t *problem = json_object_get(event, "problem"), *v;

	snprintf(name, sizeof(name), "%.*s",
	    key.n < sizeof(name) ? (int)key.n : 0, key.n > 0 ? key.p : "");
	v = json_object_get(event, name);
	if (json_is_integer(v))
		snprintf(out, cap, "%" JSON_INTEGER_FORMAT,
		    json_integer_value(v));
	else if (strcmp(name, "problem") == 0)
		text_plain(js_get(problem, "message"), out, cap);
	else if (strcmp(name, "remedy") == 0)
		text_plain(js_get(problem, "remedy"), out, cap);
	else
		text_plain(json_string_value(v), out, cap);
}

/* What a server says must not be a link, or bold. */
static int
put_value(struct buf *out, const char *value, bool markup)
{
	for (; *value != '\0'; value++) {
		const char *name = !markup ? NULL : *value == '<' ? "&lt;" :
		    *value == '>' ? "&gt;" : *value == '&' ? "&amp;" : NULL;

		if (buf_add(out, name != NULL ? name : value,
		    name != NULL ? strlen(name) : 1) < 0)
			return -1;
	}
	return 0;
}

static bool
has_placeholder(const struct react_conf *c)
{
	for (size_t i = 0; c->run.n > 1 && i < c->run.n; i++)
		if (strchr(c->run.v[i], '{') != NULL)
			return true;
	return false;
}

/* One argument.  One that begins with a placeholder begins with a space rather
 * than with '-', unless "--" stood before: no sender may give options. */
static char *
fill_argument(const char *template, const json_t *event, bool options_end,
    bool markup)
{
	struct str rest = str_z(template);
	struct buf out;
	char value[VALUE_MAX], *text;

	buf_init(&out, INPUT_MAX);
	while (rest.n > 0) {
		size_t open = str_find(rest, '{');
		struct str inner = str_from(rest, open + 1);
		size_t close = str_find(inner, '}');

		if (buf_add_str(&out, str_head(rest, open)) < 0 ||
		    open >= rest.n)
			break;
		if (close >= inner.n) {
			(void)!buf_add_str(&out, str_from(rest, open));
			break;
		}
		value_of(event, str_head(inner, close), value, sizeof(value));
		if (out.n == 0 && value[0] == '-' && !options_end)
			(void)!buf_add(&out, " ", 1);
		(void)!put_value(&out, value, markup);
		rest = str_from(inner, close + 1);
	}
	text = str_dup(buf_str(&out));
	buf_clear(&out);
	return text;
}

void
react_argv(const struct react_conf *conf, const json_t *batch,
    struct strlist *argv)
{
	const json_t *first = json_array_get(batch, 0);
	bool options_end = false;

	*argv = (struct strlist){ 0 };
	if (!has_placeholder(conf)) {
		strlist_copy(argv, &conf->run);
		return;
	}
	for (size_t i = 0; i < conf->run.n; i++) {
		char *text = fill_argument(conf->run.v[i], first, options_end,
		    conf->markup && i + 1 == conf->run.n);

		strlist_add(argv, text);
		options_end |= strcmp(text, "--") == 0;
		free(text);
	}
}

static void
add_name(struct buf *b, json_t *seen, const char *name)
{
	if (name == NULL || json_object_get(seen, name) != NULL ||
	    buf_fmt(b, "%s%s", json_object_size(seen) > 0 ? " " : "", name) < 0)
		return;
	json_object_set_new(seen, name, json_true());
}

/* "A B" of the members ${key}, and of those of the lists ${keys}, once each; names
 * with spaces are in stdin. */
static void
add_names(struct strlist *env, const char *name, const json_t *batch,
    const char *key, const char *keys)
{
	json_t *seen = json_object(), *event, *one;
	struct buf b;
	char *text;
	size_t i, k;

	buf_init(&b, VALUE_MAX * 8);
	(void)!buf_fmt(&b, "%s=", name);
	json_array_foreach(batch, i, event) {
		add_name(&b, seen, js_get(event, key));
		json_array_foreach(json_object_get(event, keys), k, one)
			add_name(&b, seen, json_string_value(one));
	}
	text = str_dup(buf_str(&b));
	strlist_add(env, text);
	free(text);
	buf_clear(&b);
	json_decref(seen);
}

static void
fill_env(struct strlist *env, const json_t *batch)
{
	const json_t *last = json_array_get(batch, json_array_size(batch) - 1);
	json_int_t fresh = 0, named = 0;
	json_t *event;
	char text[64];
	size_t i;

	add_names(env, "SYNCD_EVENT", batch, "event", "");
	add_names(env, "SYNCD_ACCOUNTS", batch, "account", "");
	add_names(env, "SYNCD_FOLDERS", batch, "folder", "folders");
	/* mail.changed counts them, mail.new names them: one of the two, or both. */
	json_array_foreach(batch, i, event) {
		const char *name = js_get(event, "event");

		fresh += js_int(event, "new", 0);
		named += name != NULL && strcmp(name, "mail.new") == 0;
	}
	snprintf(text, sizeof(text), "SYNCD_NEW=%" JSON_INTEGER_FORMAT,
	    fresh > named ? fresh : named);
	strlist_add(env, text);
	snprintf(text, sizeof(text), "SYNCD_SEQ=%" JSON_INTEGER_FORMAT,
	    js_int(last, "seq", 0));
	strlist_add(env, text);
}

static void
fill_mail(struct buf *in, const char *to, const json_t *batch)
{
	static uint64_t last;
	const struct passwd *pw = getpwuid(getuid());
	char host[256] = "localhost";
	time_t now = time(NULL);
	struct tm tm;
	struct letter l = { .to = to, .host = host, .id = ++last,
	    .user = pw != NULL ? pw->pw_name : "syncd",
	    .now = clock_wall() };

	(void)gethostname(host, sizeof(host) - 1);
	localtime_r(&now, &tm);
	l.gmtoff = tm.tm_gmtoff;
	(void)!letter_write(in, &l, batch);
}

static void
fill_input(struct buf *in, const struct reaction *re)
{
	const json_t *batch = re->batch;
	json_t *event;
	size_t i;

	buf_init(in, INPUT_MAX);
	if (re->mail_to != NULL) {
		fill_mail(in, re->mail_to, batch);
		return;
	}
	json_array_foreach(batch, i, event) {
		char *line = js_dump(event);
		bool full = buf_fmt(in, "%s\n", line) < 0;

		free(line);
		if (full)
			break;
	}
}

/* ---- running ---------------------------------------------------------- */

/* Everything that waits, or its first event. */
static void
take_batch(struct reaction *re)
{
	json_decref(re->batch);
	re->tries = 0;
	if (!has_placeholder(re->conf)) {
		re->batch = re->pending;
		re->pending = json_array();
		return;
	}
	re->batch = json_array();
	json_array_append(re->batch, json_array_get(re->pending, 0));
	json_array_remove(re->pending, 0);
}

/* When the rate lets it run again. */
static usec
allowed_at(const struct reaction *re)
{
	size_t many;
	usec per;

	if (re->conf->rate == NULL || !react_rate(re->conf->rate, &many, &per) ||
	    re->n_started < many)
		return 0;
	return re->started[(re->n_started - many) % REACT_RATE_MAX] + per;
}

static void
again_later(struct reaction *re, usec wait)
{
	re->due = clock_in(wait);
	re->latest = USEC_NEVER;
}

static void
rest(struct reaction *re)
{
	re->due = json_array_size(re->pending) > 0 ? clock_now() : USEC_NEVER;
	re->latest = re->due;
}

static void
start(struct reaction *re)
{
	struct strlist argv, env = { 0 };
	struct buf in;
	struct err err;

	react_argv(re->conf, re->batch, &argv);
	fill_env(&env, re->batch);
	fill_input(&in, re);
	const struct role_env with = { .more = &env, .input = &in };

	re->started[re->n_started++ % REACT_RATE_MAX] = clock_now();
	re->running = role_command_start(&re->command, &argv, &with,
	    OUTPUT_MAX, re->conf->timeout, &err) == 0;
	if (!re->running) {
		log_warn("hook %s: %s", re->conf->run.v[0], err.text);
		again_later(re, USEC_S(60));
	} else {
		re->due = USEC_NEVER;
	}
	strlist_clear(&argv);
	strlist_clear(&env);
	buf_clear(&in);
}

static bool
is_retry(const struct reaction *re, int status)
{
	char code[16];

	if (!WIFEXITED(status) || re->tries >= TRIES_MAX)
		return false;
	snprintf(code, sizeof(code), "%d", WEXITSTATUS(status));
	for (size_t i = 0; i < re->conf->retry_on.n; i++)
		if (strcmp(re->conf->retry_on.v[i], code) == 0)
			return true;
	return false;
}

/* 1 s, 2 s, 4 s, ... a minute. */
static usec
backoff(unsigned tries)
{
	return tries < 6 ? USEC_S(1) << tries : USEC_S(60);
}

static void
finish(struct reaction *re)
{
	struct role_command *c = &re->command;
	struct str why = str_trim((struct str){ c->tail, c->n_tail });
	int status = c->status;
	char end[64];

	re->running = false;
	role_obituary(status, end, sizeof(end));
	if (is_retry(re, status)) {
		again_later(re, backoff(re->tries++));
	} else {
		if (c->timed_out || status != 0)
			log_warn("hook %s %s%s%s%.*s", re->conf->run.v[0],
			    c->timed_out ? "took too long, " : "", end,
			    why.n > 0 ? ": " : "", (int)why.n,
			    why.n > 0 ? why.p : "");
		json_decref(re->batch);
		re->batch = NULL;
		rest(re);
	}
	role_command_clear(c);
}

static void
step_one(struct reaction *re)
{
	if (re->running) {
		role_command_step(&re->command);
		if (re->command.done)
			finish(re);
	}
	if (re->running || clock_now() < re->due)
		return;
	if (allowed_at(re) > clock_now()) {
		re->due = re->latest = allowed_at(re);
		return;
	}
	if (re->batch == NULL)
		take_batch(re);
	start(re);
}

void
react_step(struct react *r)
{
	for (size_t i = 0; i < r->n; i++)
		step_one(&r->v[i]);
}

usec
react_deadline(const struct react *r)
{
	usec least = USEC_NEVER;

	for (size_t i = 0; i < r->n; i++) {
		const struct reaction *re = &r->v[i];
		usec one = re->running ? role_command_deadline(&re->command) :
		    re->due;

		if (one < least)
			least = one;
	}
	return least;
}

void
react_waiters(const struct react *r, struct waiter *w)
{
	for (size_t i = 0; i < r->n; i++, w += REACT_WAITERS) {
		if (r->v[i].running) {
			role_command_waiters(&r->v[i].command, w);
			continue;
		}
		w[0] = w[1] = (struct waiter){ .fd = -1 };
	}
}

bool
react_reaped(struct react *r, pid_t pid, int status)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->v[i].running && r->v[i].command.pid == pid) {
			role_command_reaped(&r->v[i].command, status);
			return true;
		}
	return false;
}
