/* option.c — finding an option in the table, and what is done to any field by its
 * type. */
#include "options.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

const struct option *
option_get(const char *key)
{
	for (size_t i = 0; i < n_options; i++) {
		if (strcmp(options[i].key, key) == 0)
			return &options[i];
	}
	return NULL;
}

bool
option_in(const struct option *o, const char *place)
{
	size_t n = strlen(place);

	if (n == 0)
		return strchr(o->key, '.') == NULL;
	return strncmp(o->key, place, n) == 0 && o->key[n] == '.' &&
	    strchr(o->key + n + 1, '.') == NULL;
}

const struct option *
option_find(const char *place, const char *key)
{
	for (size_t i = 0; i < n_options; i++) {
		if (option_in(&options[i], place) &&
		    strcmp(option_leaf(&options[i]), key) == 0)
			return &options[i];
	}
	return NULL;
}

bool
option_of_account(const struct option *o)
{
	return strncmp(o->key, "accounts.*.", 11) == 0;
}

bool
option_of_react(const struct option *o)
{
	return strncmp(o->key, "hooks.*.", 8) == 0;
}

bool
option_of_top(const struct option *o)
{
	return !option_of_account(o) && !option_of_plugin(o) &&
	    !option_of_react(o);
}

bool
option_of_plugin(const struct option *o)
{
	return strncmp(o->key, "plugins.*.", 10) == 0;
}

const char *
option_leaf(const struct option *o)
{
	const char *dot = strrchr(o->key, '.');

	return dot != NULL ? dot + 1 : o->key;
}

const char *
option_name(const struct option *o)
{
	return option_of_account(o) ? o->key + 11 : o->key;
}

bool
option_is_branch(const struct option *o)
{
	return o->type == OPT_GROUP || o->type == OPT_ACCOUNTS ||
	    o->type == OPT_ITEMS;
}

const char *
option_type_text(const struct option *o)
{
	switch (o->type) {
	case OPT_GROUP:		return "a map of options";
	case OPT_ACCOUNTS:	return "a map of accounts by name";
	case OPT_ITEMS:		return "a list of maps";
	case OPT_ANY:		return "anything";
	case OPT_BOOL:		return "yes or no";
	case OPT_ENUM:
	case OPT_VERSION:	return "one word";
	case OPT_INT:		return "a number";
	case OPT_DURATION:	return "a duration such as 90s, 15m, 6h or 14d";
	case OPT_SIZE:		return "a size such as 64KiB, 50MiB or 2GiB";
	case OPT_TEXT:		return "text";
	case OPT_PATH:		return "a path";
	case OPT_LIST:		return "a list of texts";
	case OPT_COMMAND:	return "a command: text for the shell, or a list"
				    " of words";
	case OPT_MAP:		return "a map from text to text";
	case OPT_POLICY:	return "the name of a policy, or {pull: [...],"
				    " push: [...]}";
	case OPT_POLICY_FOR:	return "a map from folder patterns to policies";
	case OPT_SCHEDULE:	return "a schedule such as \"every 6h\"";
	}
	return "";
}

bool
option_word(struct str *words, struct str *word)
{
	if (words->p == NULL || words->n == 0)
		return false;
	*word = str_split(words, ' ');
	return true;
}

int
option_word_index(const char *words, struct str word)
{
	struct str rest = str_z(words), w;

	for (int i = 0; option_word(&rest, &w); i++) {
		if (str_eq(w, word))
			return i;
	}
	return -1;
}

static void
clear_policy_for(struct account_conf *a)
{
	for (size_t i = 0; i < a->n_policy_for; i++)
		free(a->policy_for[i].pattern);
	free(a->policy_for);
	a->policy_for = NULL;
	a->n_policy_for = 0;
}

static void
copy_policy_for(struct account_conf *to, const struct account_conf *from)
{
	size_t n = from->n_policy_for;

	to->policy_for = n > 0 ? xcalloc(n, sizeof(*to->policy_for)) : NULL;
	to->n_policy_for = n;
	for (size_t i = 0; i < n; i++) {
		to->policy_for[i] = from->policy_for[i];
		to->policy_for[i].pattern = xstrdup(from->policy_for[i].pattern);
	}
}

void
option_clear(const struct option *o, void *base)
{
	char *field = (char *)base + o->at;

	if (o->at == OPT_NO_FIELD)
		return;
	switch (o->type) {
	case OPT_TEXT:
	case OPT_PATH:
		free(*(char **)field);
		*(char **)field = NULL;
		break;
	case OPT_LIST:
	case OPT_COMMAND:
		strlist_clear((struct strlist *)field);
		break;
	case OPT_MAP:
		strmap_clear((struct strmap *)field);
		break;
	case OPT_POLICY_FOR:
		clear_policy_for(base);
		break;
	case OPT_BOOL:
		*(bool *)field = false;
		break;
	default:
		break;
	}
}

void
option_copy(const struct option *o, void *to_base, const void *from_base)
{
	char *to = (char *)to_base + o->at;
	const char *from = (const char *)from_base + o->at;

	if (o->at == OPT_NO_FIELD)
		return;
	switch (o->type) {
	case OPT_TEXT:
	case OPT_PATH:
		*(char **)to = xstrdup(*(char *const *)from);
		break;
	case OPT_LIST:
	case OPT_COMMAND:
		strlist_copy((struct strlist *)to, (const struct strlist *)from);
		break;
	case OPT_MAP:
		strmap_copy((struct strmap *)to, (const struct strmap *)from);
		break;
	case OPT_POLICY_FOR:
		copy_policy_for(to_base, from_base);
		break;
	default:
		/* Plain data went with the struct. */
		break;
	}
}

void
options_clear_react(struct react_conf *r)
{
	for (size_t i = 0; i < n_options; i++)
		if (option_of_react(&options[i]))
			option_clear(&options[i], r);
}

void
options_clear_plugin(struct plugin_conf *p)
{
	for (size_t i = 0; i < n_options; i++)
		if (option_of_plugin(&options[i]))
			option_clear(&options[i], p);
	free(p->name);
	free(p->config);
	free(p->places);
}

static void
clear_plugins(struct plugin_conf *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		options_clear_plugin(&p[i]);
	free(p);
}

void
options_copy_plugin(struct plugin_conf *to, const struct plugin_conf *from)
{
	*to = *from;
	for (size_t i = 0; i < n_options; i++)
		if (option_of_plugin(&options[i]))
			option_copy(&options[i], to, from);
	to->name = xstrdup(from->name);
	to->config = xstrdup(from->config);
	to->places = xstrdup(from->places);
}

void
options_clear_account(struct account_conf *a)
{
	for (size_t i = 0; i < n_options; i++) {
		if (option_of_account(&options[i]))
			option_clear(&options[i], a);
	}
	clear_plugins(a->plugin, a->n_plugins);
	a->plugin = NULL;
	a->n_plugins = 0;
}

void
options_copy_account(struct account_conf *to, const struct account_conf *from)
{
	*to = *from;
	to->name = NULL;
	to->origins = NULL;
	for (size_t i = 0; i < n_options; i++) {
		if (option_of_account(&options[i]))
			option_copy(&options[i], to, from);
	}
	if (from->n_plugins > 0)
		to->plugin = xcalloc(from->n_plugins, sizeof(*to->plugin));
	for (size_t i = 0; i < from->n_plugins; i++)
		options_copy_plugin(&to->plugin[i], &from->plugin[i]);
}

void
options_clear_top(struct conf *c)
{
	for (size_t i = 0; i < n_options; i++) {
		if (option_of_top(&options[i]))
			option_clear(&options[i], c);
	}
	for (size_t i = 0; i < c->n_reacts; i++)
		options_clear_react(&c->react[i]);
	free(c->react);
	c->react = NULL;
	c->n_reacts = 0;
	clear_plugins(c->plugin, c->n_plugins);
	c->plugin = NULL;
	c->n_plugins = 0;
}
