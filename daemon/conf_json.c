/* conf_json.c — an account's fields to JSON and back, by the option table. */
#include "conf_json.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "js.h"
#include "options.h"

/* Pairs in a list: the order of a map counts. */
static json_t *
map_json(const struct strmap *m)
{
	json_t *out = json_array();

	for (size_t i = 0; i < m->n; i++)
		json_array_append_new(out,
		    json_pack("[s, s]", m->key[i], m->value[i]));
	return out;
}

static json_t *
policy_json(const struct policy *p)
{
	return json_pack("[i, i, b]", (int)p->pull, (int)p->push, p->readonly);
}

static json_t *
policy_for_json(const struct account_conf *a)
{
	json_t *out = json_array();

	for (size_t i = 0; i < a->n_policy_for; i++)
		json_array_append_new(out, json_pack("[s, o]",
		    a->policy_for[i].pattern,
		    policy_json(&a->policy_for[i].policy)));
	return out;
}

static json_t *
field_json(const struct option *o, const void *base)
{
	const struct account_conf *a = base;
	const char *field = (const char *)base + o->at;

	switch (o->type) {
	case OPT_BOOL:
		return json_boolean(*(const bool *)field);
	case OPT_ENUM:
		return json_integer(*(const int *)field);
	case OPT_INT:
	case OPT_VERSION:
	case OPT_DURATION:
	case OPT_SIZE:
		return json_integer(*(const int64_t *)field);
	case OPT_TEXT:
	case OPT_PATH:
		return json_pack("s?", *(char *const *)field);
	case OPT_LIST:
	case OPT_COMMAND:
		return js_list((const struct strlist *)field);
	case OPT_MAP:
		return map_json((const struct strmap *)field);
	case OPT_POLICY:
		return policy_json((const struct policy *)field);
	case OPT_POLICY_FOR:
		return policy_for_json(a);
	case OPT_SCHEDULE:
		return json_pack("[i, I, b, i, i]", a->schedule.when,
		    (json_int_t)a->schedule.every, a->schedule.daily,
		    a->schedule.from, a->schedule.until);
	case OPT_ANY:
	case OPT_GROUP:
	case OPT_ACCOUNTS:
	case OPT_ITEMS:
		break;
	}
	return NULL;
}

/* The options that travel: an account's, with a field. */
static bool
travels(const struct option *o)
{
	return option_of_account(o) && o->at != OPT_NO_FIELD;
}

/* A script's options, and what was found out about it. */
static json_t *
plugin_json(const struct plugin_conf *p)
{
	json_t *out = json_pack("{s:s, s:s, s:s, s:b}", "name", p->name,
	    "config", p->config, "places", p->places, "bundled",
	    (int)p->bundled);

	for (size_t i = 0; i < n_options; i++)
		if (option_of_plugin(&options[i]) &&
		    options[i].at != OPT_NO_FIELD)
			json_object_set_new(out, options[i].key,
			    field_json(&options[i], p));
	return out;
}

static json_t *
plugins_json(const struct account_conf *a)
{
	json_t *out = json_array();

	for (size_t i = 0; i < a->n_plugins; i++)
		json_array_append_new(out, plugin_json(&a->plugin[i]));
	return out;
}

json_t *
account_conf_to_json(const struct account_conf *a)
{
	json_t *out = json_object();

	json_object_set_new(out, "name", json_string(a->name));
	for (size_t i = 0; i < n_options; i++) {
		if (travels(&options[i]))
			json_object_set_new(out, option_name(&options[i]),
			    field_json(&options[i], a));
	}
	json_object_set_new(out, "plugins", plugins_json(a));
	json_object_set_new(out, "restore", json_pack("[b, I, I]", a->restore.on,
	    (json_int_t)a->restore.since, (json_int_t)a->restore.until));
	return out;
}

static int
list_from(struct strlist *l, const json_t *j)
{
	if (!json_is_array(j))
		return -1;
	for (size_t i = 0; i < json_array_size(j); i++) {
		const char *text = json_string_value(json_array_get(j, i));

		if (text == NULL)
			return -1;
		strlist_add(l, text);
	}
	return 0;
}

static int
map_from(struct strmap *m, const json_t *j)
{
	if (!json_is_array(j))
		return -1;
	for (size_t i = 0; i < json_array_size(j); i++) {
		const json_t *pair = json_array_get(j, i);
		const char *key = json_string_value(json_array_get(pair, 0));
		const char *value = json_string_value(json_array_get(pair, 1));

		if (key == NULL || value == NULL)
			return -1;
		strmap_add(m, key, value);
	}
	return 0;
}

static int
policy_from(struct policy *p, const json_t *j)
{
	int pull, push, readonly;

	if (json_unpack((json_t *)j, "[i, i, b!]", &pull, &push, &readonly) != 0)
		return -1;
	*p = (struct policy){ (unsigned)pull & POLICY_ALL,
		(unsigned)push & POLICY_ALL, readonly != 0 };
	return 0;
}

static int
policy_for_from(struct account_conf *a, const json_t *j)
{
	size_t n = json_array_size(j);

	if (!json_is_array(j))
		return -1;
	a->policy_for = n > 0 ? xcalloc(n, sizeof(*a->policy_for)) : NULL;
	for (size_t i = 0; i < n; i++) {
		const json_t *pair = json_array_get(j, i);
		const char *pattern = json_string_value(json_array_get(pair, 0));
		struct policy_rule *rule = &a->policy_for[i];

		if (pattern == NULL ||
		    policy_from(&rule->policy, json_array_get(pair, 1)) == -1)
			return -1;
		rule->pattern = xstrdup(pattern);
		a->n_policy_for++;
	}
	return 0;
}

static int
schedule_from(struct account_conf *a, const json_t *j)
{
	json_int_t every;
	int daily;

	if (json_unpack((json_t *)j, "[i, I, b, i, i!]", &a->schedule.when,
	    &every, &daily, &a->schedule.from, &a->schedule.until) != 0)
		return -1;
	a->schedule.every = every;
	a->schedule.daily = daily;
	return 0;
}

static int
restore_from(struct account_conf *a, const json_t *j)
{
	json_int_t since, until;
	int on;

	if (json_unpack((json_t *)j, "[b, I, I!]", &on, &since, &until) != 0)
		return -1;
	a->restore.on = on != 0;
	a->restore.since = since;
	a->restore.until = until;
	return 0;
}

static int
enum_from(const struct option *o, int *field, const json_t *j)
{
	json_int_t value = json_integer_value(j), words = 0;
	struct str rest = str_z(o->words), w;

	while (option_word(&rest, &w))
		words++;
	if (!json_is_integer(j) || value < 0 || value >= words)
		return -1;
	*field = (int)value;
	return 0;
}

static int
field_from(const struct option *o, void *base, const json_t *j)
{
	struct account_conf *a = base;
	char *field = (char *)base + o->at;

	switch (o->type) {
	case OPT_BOOL:
		*(bool *)field = json_is_true(j);
		return json_is_boolean(j) ? 0 : -1;
	case OPT_ENUM:
		return enum_from(o, (int *)field, j);
	case OPT_INT:
	case OPT_VERSION:
	case OPT_DURATION:
	case OPT_SIZE:
		*(int64_t *)field = json_integer_value(j);
		return json_is_integer(j) ? 0 : -1;
	case OPT_TEXT:
	case OPT_PATH:
		*(char **)field = xstrdup(json_string_value(j));
		return json_is_string(j) || json_is_null(j) ? 0 : -1;
	case OPT_LIST:
	case OPT_COMMAND:
		return list_from((struct strlist *)field, j);
	case OPT_MAP:
		return map_from((struct strmap *)field, j);
	case OPT_POLICY:
		return policy_from((struct policy *)field, j);
	case OPT_POLICY_FOR:
		return policy_for_from(a, j);
	case OPT_SCHEDULE:
		return schedule_from(a, j);
	case OPT_ANY:
	case OPT_GROUP:
	case OPT_ACCOUNTS:
	case OPT_ITEMS:
		break;
	}
	return -1;
}

static int
plugin_from(struct plugin_conf *p, const json_t *j)
{
	const char *name = json_string_value(json_object_get(j, "name"));
	const char *config = json_string_value(json_object_get(j, "config"));
	const char *places = json_string_value(json_object_get(j, "places"));

	p->name = xstrdup(name);
	p->config = xstrdup(config);
	p->places = xstrdup(places);
	p->bundled = json_is_true(json_object_get(j, "bundled"));
	for (size_t i = 0; i < n_options; i++)
		if (option_of_plugin(&options[i]) &&
		    options[i].at != OPT_NO_FIELD && field_from(&options[i], p,
		    json_object_get(j, options[i].key)) < 0)
			return -1;
	return name != NULL && config != NULL && places != NULL ? 0 : -1;
}

static int
plugins_from(struct account_conf *a, const json_t *j)
{
	size_t n = json_array_size(j);

	if (!json_is_array(j))
		return -1;
	if (n > 0)
		a->plugin = xcalloc(n, sizeof(*a->plugin));
	a->n_plugins = n;
	for (size_t i = 0; i < n; i++)
		if (plugin_from(&a->plugin[i], json_array_get(j, i)) < 0)
			return -1;
	return 0;
}

struct account_conf *
account_conf_from_json(const json_t *json, struct err *err)
{
	struct account_conf *a = xcalloc(1, sizeof(*a));
	const char *bad = NULL;

	a->name = xstrdup(json_string_value(json_object_get(json, "name")));
	if (a->name == NULL)
		bad = "name";
	else if (restore_from(a, json_object_get(json, "restore")) < 0)
		bad = "restore";
	for (size_t i = 0; i < n_options && bad == NULL; i++) {
		const struct option *o = &options[i];

		if (travels(o) && field_from(o, a,
		    json_object_get(json, option_name(o))) == -1)
			bad = option_name(o);
	}
	if (bad == NULL && plugins_from(a, json_object_get(json, "plugins")) < 0)
		bad = "plugins";
	if (bad == NULL)
		return a;
	err_set(err, ERR_LOCAL, "ipc.conf", "an account's configuration came"
	    " without a good \"%s\"", bad);
	account_conf_free(a);
	return NULL;
}

/* Where something is written is no part of what is configured. */
static void
drop_places(json_t *account)
{
	json_t *one;
	size_t i;

	json_array_foreach(json_object_get(account, "plugins"), i, one)
		json_object_del(one, "places");
}

bool
account_conf_equal(const struct account_conf *a, const struct account_conf *b)
{
	json_t *ja = account_conf_to_json(a), *jb = account_conf_to_json(b);
	bool equal;

	drop_places(ja);
	drop_places(jb);
	equal = json_equal(ja, jb) == 1;
	json_decref(ja);
	json_decref(jb);
	return equal;
}

void
account_conf_free(struct account_conf *a)
{
	if (a == NULL)
		return;
	options_clear_account(a);
	free(a->name);
	free(a);
}
