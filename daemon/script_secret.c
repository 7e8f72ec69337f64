/* script_secret.c — secrets of scripts, in the parent. */
#include "script_secret.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "js.h"
#include "scalar.h"

void
script_secrets_init(struct script_secrets *s)
{
	*s = (struct script_secrets){ .n = 0 };
	cred_init(&s->cred);
}

static void
drop(struct script_secrets *s, size_t at)
{
	struct secret_wish *w = &s->wish[at];

	if (at == 0 && s->begun) {
		cred_clear(&s->cred);
		s->begun = false;
	}
	free(w->conf.name);
	strlist_clear(&w->conf.auth.password_command);
	free(w->conf.auth.password_file);
	memmove(w, w + 1, (--s->n - at) * sizeof(*w));
}

void
script_secrets_clear(struct script_secrets *s)
{
	while (s->n > 0)
		drop(s, 0);
	free(s->wish);
	s->wish = NULL;
	s->cap = 0;
}

static const struct plugin_conf *
find(const struct account_conf *conf, const char *plugin)
{
	for (size_t i = 0; plugin != NULL && i < conf->n_plugins; i++)
		if (strcmp(conf->plugin[i].name, plugin) == 0)
			return &conf->plugin[i];
	return NULL;
}

/* A text is a line for the shell, a list an argv: as password_command. */
static bool
take_command(struct secret_wish *w, const json_t *command)
{
	struct strlist *argv = &w->conf.auth.password_command;
	const json_t *word;
	size_t i;

	if (json_is_string(command))
		strlist_add(argv, json_string_value(command));
	json_array_foreach(command, i, word)
		if (json_is_string(word))
			strlist_add(argv, json_string_value(word));
	return argv->n > 0;
}

static bool
take_file(struct secret_wish *w, const json_t *file)
{
	char missing[SCALAR_TEXT_MAX];

	if (json_is_string(file))
		w->conf.auth.password_file = scalar_expand(
		    json_string_value(file), missing);
	return w->conf.auth.password_file != NULL &&
	    w->conf.auth.password_file[0] == '/';
}

const char *
script_secrets_ask(struct script_secrets *s, const struct account_conf *conf,
    const json_t *ask)
{
	const struct plugin_conf *p = find(conf, js_get(ask, "plugin"));
	json_t *all = p != NULL ? json_loads(p->config, 0, NULL) : NULL;
	const json_t *from = json_object_get(all, js_get(ask, "secret"));
	bool taken = false;

	if (json_object_size(from) == 1 && s->n < SCRIPT_SECRETS) {
		struct secret_wish *w;

		s->wish = array_room(s->wish, s->n, &s->cap, sizeof(*s->wish));
		w = &s->wish[s->n];
		*w = (struct secret_wish){ .call = js_int(ask, "call", 0) };
		w->conf.name = xstrdup(conf->name);
		w->conf.auth.command_timeout = conf->auth.command_timeout;
		s->n++;
		taken = take_command(w, json_object_get(from, "command")) ||
		    take_file(w, json_object_get(from, "file"));
		if (!taken)
			drop(s, s->n - 1);
	}
	json_decref(all);
	return taken ? NULL : "syncd.yaml names no such command, or no file by a "
	    "path from / or ~";
}

void
script_secrets_cancel(struct script_secrets *s, json_int_t call)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->wish[i].call == call) {
			drop(s, i);
			return;
		}
}

static int
as_file(struct str secret)
{
	int fd = memfd_create("syncd", MFD_CLOEXEC);

	if (fd >= 0 && pwrite(fd, secret.p, secret.n, 0) !=
	    (ssize_t)secret.n) {
		close(fd);
		return -1;
	}
	return fd;
}

bool
script_secrets_step(struct script_secrets *s, json_t **exit, int *out)
{
	struct secret_wish *w = s->wish;
	struct err err = { .text = "no memory for it" };
	int rc;

	if (s->n == 0)
		return false;
	if (!s->begun) {
		cred_ask(&s->cred, false);
		s->cred.called = w->conf.auth.password_file == NULL ?
		    "the command" : "the file";
		s->begun = true;
	}
	rc = cred_step(&s->cred, &w->conf, &err);
	if (rc == 0)
		return false;
	*out = rc > 0 ? as_file(secret_peek(&s->cred.secret)) : -1;
	*exit = json_pack("{s:I, s:i, s:s, s:o, s:b}", "call", w->call,
	    "code", *out < 0, "text", "", "err",
	    js_text(str_z(*out < 0 ? err.text : "")), "cut", 0);
	drop(s, 0);
	return true;
}

bool
script_secrets_reaped(struct script_secrets *s, pid_t pid, int status)
{
	return cred_reaped(&s->cred, pid, status);
}

void
script_secrets_waiters(const struct script_secrets *s, struct waiter w[2])
{
	cred_waiters(&s->cred, w);
}

usec
script_secrets_deadline(const struct script_secrets *s)
{
	if (s->n > 0 && !s->begun)
		return 0;
	return cred_deadline(&s->cred);
}
