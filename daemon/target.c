/* target.c — which accounts and folders are meant. */
#include "target.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "base/suggest.h"

int
target_parse(struct target *t, char *text, struct err *err)
{
	char *slash;
	size_t n;

	if (text == NULL)
		text = "*";
	slash = strchr(text, '/');
	n = slash != NULL ? (size_t)(slash - text) : strlen(text);
	if (n >= sizeof(t->account))
		return err_set(err, ERR_CONFIG, "target.unknown",
		    "no account has a name that long");
	memcpy(t->account, text, n);
	t->account[n] = '\0';
	t->folder = slash != NULL && slash[1] != '\0' ? slash + 1 : NULL;
	return 0;
}

bool
target_has(const struct target *t, const char *account)
{
	return fnmatch(t->account, account, 0) == 0;
}

const char *
target_nearest(const struct conf *conf, const char *account)
{
	struct suggest near;

	suggest_init(&near, str_z(account));
	for (size_t i = 0; i < conf->n_accounts; i++)
		suggest_offer(&near, conf->account[i].name);
	for (size_t i = 0; i < conf->n_accounts; i++)
		if (strcmp(conf->account[i].name, near.best) == 0)
			return conf->account[i].name;
	return NULL;
}

int
target_add(struct jobs *js, struct job *job, const struct conf *conf,
    char *text, struct err *err)
{
	struct target t;
	size_t found = 0;

	if (target_parse(&t, text, err) < 0)
		return -1;
	for (size_t i = 0; i < conf->n_accounts; i++) {
		const struct account_conf *a = &conf->account[i];

		if (!target_has(&t, a->name))
			continue;
		found++;
		if (a->enabled)
			job_add(js, job, a->name, t.folder);
		else if (text != NULL && strpbrk(t.account, "*?[") == NULL)
			return err_set(err, ERR_CONFIG, "account.disabled",
			    "account `%s` has enabled: no", a->name);
	}
	if (found == 0 && text != NULL)
		return err_set(err, ERR_CONFIG, "target.unknown",
		    "no account `%s`", t.account);
	return 0;
}
