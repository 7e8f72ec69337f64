/* parent_conf.c — the accounts of the configuration, and a new configuration while
 * the parent runs. */
#include "parent.h"

#include <string.h>
#include <unistd.h>

#include "account.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf_json.h"
#include "config.h"
#include "diag.h"
#include "js.h"
#include "notify.h"

struct account *
parent_find(const struct parent *p, const char *name)
{
	for (size_t i = 0; i < p->n; i++)
		if (!p->account[i]->removed &&
		    strcmp(p->account[i]->name, name) == 0)
			return p->account[i];
	return NULL;
}

void
parent_add(struct parent *p, const struct account_conf *conf)
{
	struct account *a = xmalloc(sizeof(*a));

	account_init(a, &p->env, conf);
	p->account = array_room(p->account, p->n, &p->cap,
	    sizeof(p->account[0]));
	p->account[p->n++] = a;
}

static void
renew_account(struct parent *p, struct account *a, const struct conf *before)
{
	const struct account_conf *now = NULL;

	for (size_t i = 0; i < p->conf->n_accounts; i++)
		if (strcmp(p->conf->account[i].name, a->name) == 0)
			now = &p->conf->account[i];
	if (now == NULL) {
		a->removed = true;
		account_stop(a);
	} else if (!account_conf_equal(a->conf, now) ||
	    account_log_level(before, a->name) !=
	    account_log_level(p->conf, a->name)) {
		account_set_conf(a, now);
	}
	/* Also the unchanged: what it waits for may be mended now. */
	if (!account_running(a))
		account_nudge(a);
}

static void
refuse_conf(struct parent *p, json_t *error)
{
	json_decref(p->conf_error);
	p->conf_error = error;
	p->alerts.look = true;
	log_error("the new configuration is refused, the old one stays: %s",
	    js_get(error, "message"));
	events_take_add(&p->events, "config.rejected",
	    json_pack("{s:O}", "error", error));
}

/* What is open, and stays so. */
static bool
same_place(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static struct conf *
read_conf(struct parent *p)
{
	struct diags d;
	struct conf *conf;

	diags_init(&d);
	conf = config_load(p->opts->config_file, &d);
	if (conf == NULL) {
		json_t *e = js_error("config.rejected",
		    "the configuration has mistakes", "syncd check");

		json_object_set_new(e, "mistakes", diags_json(&d));
		refuse_conf(p, e);
	} else if (!same_place(conf->state_dir, p->conf->state_dir) ||
	    !same_place(conf->socket, p->conf->socket) ||
	    !same_place(conf->log_file, p->conf->log_file)) {
		config_free(conf);
		conf = NULL;
		refuse_conf(p, js_error("config.rejected",
		    "state_dir, control.socket and log.to cannot change while "
		    "running",
		    "stop syncd and start it again"));
	}
	diags_clear(&d);
	return conf;
}

int
parent_reload(struct parent *p)
{
	struct conf *old = p->conf, *now;
	size_t n = p->n;

	notify_reloading();
	now = read_conf(p);
	if (now != NULL) {
		json_decref(p->conf_error);
		p->conf_error = NULL;
		p->conf = now;
		p->env.conf = now;
		p->env.generation++;
		p->alerts.look = true;
		log_to(STDERR_FILENO, (enum log_level)now->log_level);
		for (size_t i = 0; i < n; i++)
			renew_account(p, p->account[i], old);
		for (size_t i = 0; i < now->n_accounts; i++)
			if (parent_find(p, now->account[i].name) == NULL)
				parent_add(p, &now->account[i]);
		react_renew(&p->react, now);
		config_free(old);
		log_notice("configuration read, %zu accounts", now->n_accounts);
		events_take_add(&p->events, "config.reloaded", json_object());
	}
	notify_ready();
	return now != NULL ? 0 : -1;
}
