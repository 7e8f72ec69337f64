/* broker.c — programs and processes of scripts, in the parent. */
#include "broker.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "across.h"
#include "engine/hook.h"
#include "js.h"
#include "relay.h"

static const usec timeout_default = USEC_S(60);
static const usec timeout_most = USEC_S(3600);
static const usec across_timeout = USEC_S(300);

/* What a program gets of our environment. */
static const char *const passed[] = { "PATH", "HOME", "LANG", "LC_ALL",
    "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS" };

/* ---- grants ------------------------------------------------------------ */

static void
grant(struct broker *b, const char *plugin, const char *name, char *path)
{
	if (path == NULL) {
		log_warn("%s: plugin %s: there is no program `%s`", b->account,
		    plugin, name);
		return;
	}
	b->granted = xreallocarray(b->granted, b->n_granted + 1,
	    sizeof(*b->granted));
	b->granted[b->n_granted++] = (struct granted){ xstrdup(plugin),
	    xstrdup(name), path };
}

static void
drop_grants(struct broker *b)
{
	for (size_t i = 0; i < b->n_granted; i++) {
		free(b->granted[i].plugin);
		free(b->granted[i].name);
		free(b->granted[i].path);
	}
	free(b->granted);
	b->granted = NULL;
	b->n_granted = 0;
}

void
broker_grant(struct broker *b, const struct account_conf *conf)
{
	drop_grants(b);
	b->conf = conf;
	for (size_t i = 0; i < conf->n_plugins; i++) {
		const struct plugin_conf *p = &conf->plugin[i];

		for (size_t k = 0; k < p->allow.exec.n; k++) {
			const char *name = p->allow.exec.v[k];
			char *path = role_find_program(name);

			/* Of those that ours may use, one is enough. */
			if (path != NULL || !p->bundled)
				grant(b, p->name, name, path);
		}
		if (p->allow.send)
			grant(b, p->name, "sendmail",
			    role_find_program("/usr/sbin/sendmail"));
	}
}

static const char *
granted_path(const struct broker *b, const char *plugin, const char *name)
{
	for (size_t i = 0; i < b->n_granted; i++)
		if (strcmp(b->granted[i].plugin, plugin) == 0 &&
		    strcmp(b->granted[i].name, name) == 0)
			return b->granted[i].path;
	return NULL;
}

/* ---- beginning and end ---------------------------------------------------- */

void
broker_init(struct broker *b, const struct account_conf *conf, unsigned *all)
{
	*b = (struct broker){ .account = conf->name, .all = all };
	script_secrets_init(&b->secrets);
	broker_grant(b, conf);
}

static void
program_free(struct program *p)
{
	strlist_clear(&p->argv);
	strlist_clear(&p->env);
	if (p->in >= 0)
		close(p->in);
	if (p->running)
		role_command_clear(&p->command);
	free(p);
}

static void
drop(struct broker *b, size_t at)
{
	if (b->program[at]->running) {
		b->n_running--;
		(*b->all)--;
	}
	program_free(b->program[at]);
	memmove(&b->program[at], &b->program[at + 1],
	    (--b->n - at) * sizeof(*b->program));
}

void
broker_stop(struct broker *b)
{
	while (b->n > 0)
		drop(b, 0);
	script_secrets_clear(&b->secrets);
	for (json_int_t i = 0; i < BROKER_SLOTS; i++)
		broker_script_kill(b, i);
}

void
broker_clear(struct broker *b)
{
	broker_stop(b);
	drop_grants(b);
	free(b->program);
	*b = (struct broker){ 0 };
}

/* ---- programs ---------------------------------------------------------------- */

static void
add_env(struct strlist *env, const char *name, const char *value)
{
	char *text = xasprintf("%s=%s", name, value);

	strlist_add(env, text);
	free(text);
}

static void
make_env(const struct broker *b, struct program *p, const json_t *ask)
{
	const json_t *more = json_object_get(ask, "env");
	const char *event = js_get(ask, "event");

	for (size_t i = 0; i < ARRAY_LEN(passed); i++)
		if (getenv(passed[i]) != NULL)
			add_env(&p->env, passed[i], getenv(passed[i]));
	/* What could steer the loader or a shell is not a script's to set. */
	for (size_t i = 0; i < json_array_size(more); i++) {
		const char *text = json_string_value(json_array_get(more, i));

		if (text != NULL && strncmp(text, "SYNCD_", 6) == 0)
			strlist_add(&p->env, text);
	}
	add_env(&p->env, "SYNCD_ACCOUNT", b->account);
	add_env(&p->env, "SYNCD_PLUGIN", js_get(ask, "plugin"));
	if (event != NULL)
		add_env(&p->env, "SYNCD_EVENT_ID", event);
}

static bool
make_argv(struct program *p, const char *path, const json_t *argv, bool send)
{
	strlist_add(&p->argv, path);
	if (send) {
		strlist_add(&p->argv, "-i");
		strlist_add(&p->argv, json_array_size(argv) > 0 ? "--" : "-t");
	}
	for (size_t i = send ? 0 : 1; i < json_array_size(argv); i++) {
		const char *text = json_string_value(json_array_get(argv, i));

		if (text == NULL)
			return false;
		strlist_add(&p->argv, text);
	}
	return true;
}

static void
add(struct broker *b, struct program *p)
{
	b->program = array_room(b->program, b->n, &b->cap, sizeof(*b->program));
	b->program[b->n++] = p;
}

const char *
broker_exec(struct broker *b, const json_t *ask, int in)
{
	const json_t *argv = json_object_get(ask, "argv");
	const char *plugin = js_get(ask, "plugin"), *path = NULL;
	const char *name = json_string_value(json_array_get(argv, 0));
	usec timeout = js_int(ask, "timeout", 0);
	bool send = js_bool(ask, "send");
	struct program *p;

	if (js_get(ask, "secret") != NULL) {
		if (in >= 0)
			close(in);
		return script_secrets_ask(&b->secrets, b->conf, ask);
	}
	if (send)
		name = "sendmail";
	if (plugin != NULL && name != NULL)
		path = granted_path(b, plugin, name);
	if (path == NULL || b->n >= BROKER_QUEUE) {
		if (in >= 0)
			close(in);
		return path == NULL ? "not granted, or not installed" :
		    "too many programs wait";
	}
	p = xcalloc(1, sizeof(*p));
	p->call = js_int(ask, "call", 0);
	p->in = in;
	p->timeout = timeout > 0 && timeout < timeout_most ? timeout :
	    timeout_default;
	make_env(b, p, ask);
	if (!make_argv(p, path, argv, send)) {
		program_free(p);
		return "an argument that is no text";
	}
	add(b, p);
	return NULL;
}

/* ---- services ------------------------------------------------------------------- */

static const struct plugin_conf *
plugin_of(const struct broker *b, const char *name)
{
	for (size_t i = 0; name != NULL && i < b->conf->n_plugins; i++)
		if (strcmp(b->conf->plugin[i].name, name) == 0)
			return &b->conf->plugin[i];
	return NULL;
}

static bool
lists(const struct strlist *l, const char *word)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i], word) == 0)
			return true;
	return false;
}

const char *
broker_connect(struct broker *b, const json_t *ask, int in)
{
	const struct plugin_conf *plugin = plugin_of(b, js_get(ask, "plugin"));
	const char *address = js_get(ask, "connect");
	usec timeout = js_int(ask, "timeout", 0);
	struct program *p;

	if (plugin == NULL || !lists(&plugin->allow.connect, address) ||
	    b->n >= BROKER_QUEUE) {
		if (in >= 0)
			close(in);
		return "not granted: allow: {connect: [...]}";
	}
	p = xcalloc(1, sizeof(*p));
	p->call = js_int(ask, "call", 0);
	p->in = in;
	p->timeout = timeout > 0 && timeout < timeout_most ? timeout :
	    timeout_default;
	relay_argv(address, js_bool(ask, "half"), &p->argv);
	add(b, p);
	return NULL;
}

/* ---- messages for other accounts ----------------------------------------------- */

static const struct account_conf *
account_of(const struct conf *all, const char *name)
{
	for (size_t i = 0; i < all->n_accounts; i++)
		if (strcmp(all->account[i].name, name) == 0)
			return &all->account[i];
	return NULL;
}

/* argv: account, mailbox, name, date, letters, "again" or "", keywords. */
static const char *
read_wish(const json_t *argv, const char *word[HOOK_ARGS_MAX], struct across_wish *w)
{
	size_t n = json_array_size(argv);

	if (n < 6 || n > HOOK_ARGS_MAX)
		return "not so many arguments";
	for (size_t i = 0; i < n; i++) {
		word[i] = json_string_value(json_array_get(argv, i));
		if (word[i] == NULL)
			return "an argument that is no text";
	}
	*w = (struct across_wish){ .mailbox = word[1], .name = word[2],
	    .date = word[3], .letters = word[4], .again = word[5][0] != '\0',
	    .keyword = word + 6, .n_keywords = n - 6 };
	/* It begins a file's name, in a directory that is not the worker's. */
	return strpbrk(w->name, "/:,") != NULL || w->name[0] == '.' ||
	    strpbrk(w->letters, "/:,") != NULL ? "a name that is none" : NULL;
}

const char *
broker_across(struct broker *b, const json_t *ask, int in, const struct conf *all)
{
	const char *word[HOOK_ARGS_MAX] = { NULL }, *why;
	const struct plugin_conf *plugin = plugin_of(b, js_get(ask, "plugin"));
	const struct account_conf *to;
	struct across_wish w;
	struct program *p = xcalloc(1, sizeof(*p));

	p->call = js_int(ask, "call", 0);
	p->in = in;
	p->timeout = across_timeout;
	why = read_wish(json_object_get(ask, "argv"), word, &w);
	to = why == NULL ? account_of(all, word[0]) : NULL;
	if (why == NULL && (in < 0 || b->n >= BROKER_QUEUE))
		why = in < 0 ? "no message" : "too many programs wait";
	if (why == NULL && (plugin == NULL ||
	    !lists(&plugin->allow.accounts, word[0])))
		why = "not granted: allow: {accounts: [...]}";
	if (why == NULL && to == NULL)
		why = "there is no such account";
	if (why == NULL)
		why = across_argv(to, all->state_dir, &w, &p->argv);
	if (why != NULL)
		program_free(p);
	else
		add(b, p);
	return why;
}

void
broker_cancel(struct broker *b, json_int_t call)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->program[i]->call == call) {
			drop(b, i);
			return;
		}
	script_secrets_cancel(&b->secrets, call);
}

static void
start_some(struct broker *b)
{
	struct role_env env = { .program = true };
	struct err err;

	for (size_t i = 0; i < b->n && b->n_running < BROKER_AT_ONCE &&
	    *b->all < BROKER_ALL; i++) {
		struct program *p = b->program[i];

		if (p->running)
			continue;
		env.more = &p->env;
		env.in = p->in;
		if (role_command_start(&p->command, &p->argv, &env,
		    HOOK_EXEC_OUT_MAX, p->timeout, &err) < 0) {
			log_warn("%s: %s", b->account, err.text);
			return;
		}
		p->running = true;
		b->n_running++;
		(*b->all)++;
	}
}

void
broker_step(struct broker *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->program[i]->running && !b->program[i]->command.done)
			role_command_step(&b->program[i]->command);
	start_some(b);
}

static int
printed(const struct role_command *c)
{
	struct str bytes = buf_str(&c->stdout_bytes);
	int fd = bytes.n > 0 ? memfd_create("syncd", MFD_CLOEXEC) : -1;

	if (fd < 0)
		return -1;
	while (bytes.n > 0) {
		ssize_t n = write(fd, bytes.p, bytes.n);

		if (n <= 0)
			break;
		bytes = str_from(bytes, (size_t)n);
	}
	(void)lseek(fd, 0, SEEK_SET);
	return fd;
}

static json_t *
exit_json(const struct program *p)
{
	const struct role_command *c = &p->command;
	int code = WIFEXITED(c->status) ? WEXITSTATUS(c->status) :
	    128 + WTERMSIG(c->status);

	return json_pack("{s:I, s:i, s:s, s:o, s:b}", "call", p->call, "code",
	    c->timed_out ? -1 : code, "text", c->timed_out ? "timeout" : "",
	    "err", js_text((struct str){ c->tail, c->n_tail }),
	    "cut", (int)c->overflow);
}

bool
broker_ended(struct broker *b, json_t **exit, int *out)
{
	if (script_secrets_step(&b->secrets, exit, out))
		return true;
	for (size_t i = 0; i < b->n; i++) {
		struct program *p = b->program[i];

		if (!p->running || !p->command.done)
			continue;
		*exit = exit_json(p);
		*out = printed(&p->command);
		drop(b, i);
		return true;
	}
	return false;
}

/* ---- script processes ----------------------------------------------------------- */

int
broker_script(struct broker *b, json_int_t slot, struct err *err)
{
	int fd;

	if (slot < 0 || slot >= BROKER_SLOTS)
		return err_set(err, ERR_CONFIG, "plugin.no-host",
		    "too many processes of scripts");
	broker_script_kill(b, slot);
	if (role_spawn_script(&b->script[slot], &fd, err) == 0)
		return fd;
	b->script[slot] = 0;
	return -1;
}

void
broker_script_kill(struct broker *b, json_int_t slot)
{
	if (slot < 0 || slot >= BROKER_SLOTS || b->script[slot] <= 0)
		return;
	kill(b->script[slot], SIGKILL);
	b->script[slot] = 0;
}

bool
broker_reaped(struct broker *b, pid_t pid, int status)
{
	char how[64];

	if (script_secrets_reaped(&b->secrets, pid, status))
		return true;
	for (size_t i = 0; i < b->n; i++)
		if (b->program[i]->running &&
		    b->program[i]->command.pid == pid) {
			role_command_reaped(&b->program[i]->command, status);
			return true;
		}
	for (size_t i = 0; i < BROKER_SLOTS; i++)
		if (b->script[i] == pid) {
			role_obituary(status, how, sizeof(how));
			/* It ends well when its worker does; a worker that goes
			 * on says itself that it is gone. */
			log_at(status == 0 ? LOG_LV_DEBUG : LOG_LV_WARN,
			    "%s: the script process %s", b->account, how);
			b->script[i] = 0;
			return true;
		}
	return false;
}

void
broker_waiters(const struct broker *b, struct waiter w[BROKER_WAITERS])
{
	size_t n = 0;

	for (size_t i = 0; i < BROKER_WAITERS; i++)
		w[i] = (struct waiter){ .fd = -1 };
	script_secrets_waiters(&b->secrets, w + 2 * BROKER_AT_ONCE);
	for (size_t i = 0; i < b->n && n < 2 * BROKER_AT_ONCE; i++)
		if (b->program[i]->running) {
			role_command_waiters(&b->program[i]->command, w + n);
			n += 2;
		}
}

usec
broker_deadline(const struct broker *b)
{
	usec least = script_secrets_deadline(&b->secrets);

	for (size_t i = 0; i < b->n; i++) {
		usec one = b->program[i]->running ?
		    role_command_deadline(&b->program[i]->command) :
		    USEC_NEVER;

		if (b->program[i]->running && b->program[i]->command.done)
			one = 0;
		least = one < least ? one : least;
	}
	return least;
}
