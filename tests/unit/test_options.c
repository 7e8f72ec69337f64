/*
 * test_options.c — the option table against everything that is made from it or
 * written beside it: the example, the manual, the schema, the message to a worker.
 */
#include "options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "conf_json.h"
#include "config.h"
#include "value.h"
#include "yaml_tree.h"

/* Tests run at the top of the source tree. */
static char *
read_file(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = xcalloc(1, 1 << 18);

	if (f == NULL)
		fail_msg("%s: not found; run this at the top of the tree", path);
	assert_true(fread(text, 1, (1 << 18) - 1, f) > 0);
	fclose(f);
	return text;
}

/* ---------------------------------------------------------------- the table */

static void
the_table_is_well_formed(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_options; i++) {
		const struct option *o = &options[i];

		assert_ptr_equal(option_get(o->key), o);
		assert_true(strlen(o->help) > 3);
		assert_true(o->help[strlen(o->help) - 1] != '.');
		/* A value says what it is when it is not given. */
		if (!option_is_branch(o))
			assert_true((o->dflt != NULL) != (o->derived != NULL));
		if (o->type == OPT_ENUM || o->type == OPT_VERSION)
			assert_non_null(o->words);
		/* Only what is for later may go nowhere. */
		if (!option_is_branch(o) && o->at == OPT_NO_FIELD)
			assert_true(o->later != NULL || o->type == OPT_ANY ||
			    strcmp(o->key, "include") == 0);
		if (o->at != OPT_NO_FIELD)
			assert_null(o->later);
	}
}

static void
every_default_can_be_read_and_shown(void **state)
{
	struct account_conf a = { 0 };
	struct plugin_conf p = { 0 };
	struct react_conf r = { 0 };
	struct conf c = { 0 };

	(void)state;
	for (size_t i = 0; i < n_options; i++) {
		const struct option *o = &options[i];
		void *base = option_of_account(o) ? (void *)&a :
		    option_of_plugin(o) ? (void *)&p :
		    option_of_react(o) ? (void *)&r : (void *)&c;
		struct buf b;

		value_default(o, base);
		if (o->at == OPT_NO_FIELD || o->dflt == NULL)
			continue;
		buf_init(&b, 1024);
		value_text(o, base, &b);
		char *text = buf_steal(&b);
		if (o->type == OPT_DURATION || strcmp(o->dflt, "auto") == 0)
			assert_true(strlen(text) > 0);
		else
			assert_string_equal(text, o->dflt);
		free(text);
		if (option_of_plugin(o))
			option_clear(o, &p);
	}
	options_clear_react(&r);
	options_clear_account(&a);
	options_clear_top(&c);
}

/* --------------------------------------------------------------- the example */

/* Switch on the options that the example has as comments: "#key" and, for the lists
 * at the top level, "#  ". */
static char *
switched_on(const char *text)
{
	char *out = xmalloc(strlen(text) + 1), *to = out;
	bool start = true;

	for (; *text != '\0'; text++) {
		bool option = start && *text == '#' &&
		    ((text[1] >= 'a' && text[1] <= 'z') ||
		    strncmp(text + 1, "  ", 2) == 0);

		/* Prose that is set in from its comment sign is prose. */
		if (option && text[1] == ' ' && to > out && to[-1] == ' ')
			option = false;
		start = *text == '\n' || (start && *text == ' ');
		if (!option)
			*to++ = *text;
	}
	*to = '\0';
	return out;
}

struct coverage {
	bool	*seen;
	bool	 defaults;	/* values must be defaults */
};

static void cover_group(struct coverage *, const char *place, const struct node *);

/* What an account cannot do without is not its default. */
static bool
shows_default(const struct option *o)
{
	return o->dflt != NULL && (o->flags & OPT_SECRET) == 0 &&
	    strncmp(o->key, "plugins.", 8) != 0 &&
	    strncmp(o->key, "hooks.", 6) != 0 && !option_is_branch(o);
}

static void
cover(struct coverage *c, const struct option *o, const struct node *value)
{
	c->seen[option_index(o)] = true;
	if (o->type == OPT_ACCOUNTS) {
		for (size_t i = 0; i < value->n; i += 2)
			cover_group(c, o->items, value->item[i + 1]);
	} else if (o->type == OPT_ITEMS) {
		for (size_t i = 0; i < value->n; i++)
			cover_group(c, o->items, value->item[i]);
	} else if (o->type == OPT_GROUP) {
		cover_group(c, o->items != NULL ? o->items : o->key, value);
	} else if (c->defaults && shows_default(o) &&
	    !value_is_default(o, value)) {
		fail_msg("the example has another default for %s", o->key);
	}
}

static void
cover_group(struct coverage *c, const char *place, const struct node *map)
{
	for (size_t i = 0; map->kind == NODE_MAP && i < map->n; i += 2) {
		const char *key = map->item[i]->text;
		const struct option *o = option_find(place, key);

		if (o == NULL && strcmp(place, "accounts.*") == 0)
			o = option_find("accounts.*.auth", key);
		if (o == NULL)
			fail_msg("the example has %s.%s, the table has not",
			    place, key);
		cover(c, o, map->item[i + 1]);
	}
}

static void
the_example_holds_every_key_with_its_default(void **state)
{
	char *text = read_file("syncd.yaml.example"), *on = switched_on(text);
	char path[] = "/example";
	struct source src = { path, on, strlen(on) };
	struct coverage c = { .defaults = true };
	struct diags diags;
	struct yaml y;

	(void)state;
	c.seen = xcalloc(n_options, sizeof(*c.seen));
	diags_init(&diags);
	int rc = yaml_read(&y, &src, &diags);
	diags_print(&diags, stderr, false);
	assert_int_equal(rc, 0);
	assert_int_equal(diags.n, 0);
	cover_group(&c, "", y.root);
	for (size_t i = 0; i < n_options; i++) {
		if (!c.seen[i])
			fail_msg("the example lacks %s", options[i].key);
	}
	yaml_clear(&y);
	diags_clear(&diags);
	free(c.seen);
	free(on);
	free(text);
}

static void
the_example_is_clean(void **state)
{
	struct diags diags;

	(void)state;
	setenv("HOME", "/home/u", 1);
	diags_init(&diags);
	struct conf *c = config_load("syncd.yaml.example", &diags);
	/* How the checkout's umask was is not the example's fault. */
	for (size_t i = 0; i < diags.n; i++)
		assert_string_equal(diags.v[i].code, "config.permissions");
	assert_non_null(c);
	assert_int_equal(c->n_accounts, 2);
	config_free(c);
	diags_clear(&diags);
}

/* ---------------------------------------------------------------- the manual */

static void
put_roff(FILE *f, const char *text)
{
	for (; *text != '\0'; text++)
		fprintf(f, *text == '\\' ? "\\e" : "%c", *text);
}

/* The manual's entry of one option. */
static char *
manual_entry(const struct option *o)
{
	struct str rest = str_z(o->words), word;
	const char *sep = "One of ";
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	fprintf(f, ".It Ic %s\n", option_name(o));
	put_roff(f, o->help);
	fputs(".\n", f);
	while (o->type == OPT_ENUM && option_word(&rest, &word)) {
		fprintf(f, "%s%.*s%s", sep, STR_ARG(word), rest.n > 0 ? "" :
		    ".\n");
		sep = ", ";
	}
	if (o->dflt != NULL || o->derived != NULL) {
		fputs("Default: ", f);
		put_roff(f, o->dflt != NULL ? o->dflt : o->derived);
		fputs(".\n", f);
	}
	if (o->later != NULL)
		fputs("Not in this version yet.\n", f);
	fclose(f);
	return text;
}

static void
the_manual_explains_every_key(void **state)
{
	char *page = read_file("systemd/syncd.yaml.5");
	size_t entries = 0;

	(void)state;
	for (size_t i = 0; i < n_options; i++) {
		char *want = manual_entry(&options[i]);

		if (strstr(page, want) == NULL)
			fail_msg("the manual lacks this entry:\n%s", want);
		free(want);
	}
	for (const char *p = page; (p = strstr(p, ".It Ic ")) != NULL; p++)
		entries++;
	assert_int_equal(entries, n_options);
	free(page);
}

/* ---------------------------------------------------------------- the schema */

/* The schema of ${key} in the schema of a group, through $ref and allOf. */
static const json_t *
property(const json_t *root, const json_t *group, const char *key)
{
	const json_t *all = json_object_get(group, "allOf");
	const char *ref;

	if (all != NULL)
		group = json_array_get(all, 0);
	ref = json_string_value(json_object_get(group, "$ref"));
	if (ref != NULL)
		group = json_object_get(json_object_get(root, "definitions"),
		    strrchr(ref, '/') + 1);
	if (strcmp(key, "*") == 0) {
		const json_t *items = json_object_get(group, "items");
		const json_t *any = json_object_get(items, "anyOf");

		/* The shorter form comes first. */
		if (any != NULL)
			return json_array_get(any, 1);
		return items != NULL ? items :
		    json_object_get(group, "additionalProperties");
	}
	assert_true(json_is_false(json_object_get(group,
	    "additionalProperties")));
	return json_object_get(json_object_get(group, "properties"), key);
}

static void
the_schema_has_every_key(void **state)
{
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	(void)state;
	config_schema(f);
	fclose(f);
	json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(root);
	for (size_t i = 0; i < n_options; i++) {
		struct str rest = str_z(options[i].key);
		const json_t *at = root;

		while (rest.n > 0 && at != NULL) {
			char *key = str_dup(str_split(&rest, '.'));

			at = property(root, at, key);
			free(key);
		}
		if (at == NULL)
			fail_msg("the schema lacks %s", options[i].key);
		assert_non_null(json_object_get(at, "description"));
	}
	json_decref(root);
	free(text);
}

/* ------------------------------------------------------ the message to a worker */

#define PIN_A "sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
#define PIN_B "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static struct conf *
two_accounts(void)
{
	struct diags diags;

	char path[] = "/tmp/test_options.XXXXXX";
	int fd = mkstemp(path);
	FILE *f = fdopen(fd, "w");
	fputs("accounts:\n"
	    "  plain: {host: h, user: u, password_command: x}\n"
	    "  full:\n    email: a@gmail.com\n    enabled: no\n    port: 994\n"
	    "    token_command: [oama, access, a]\n"
	    "    tls: {mode: starttls, min_version: 1.3, ca_file: /ca,"
	    " pin: [" PIN_A ", " PIN_B "], client_cert: {cert: /c, key: /k}}\n"
	    "    auth: {mechanisms: [PLAIN], cache: 0}\n    layout: maildir++\n"
	    "    folders: {sync: [A, '!B'], rename: {z: y, a: b},"
	    " subscribed_only: yes, create_remote: no, delete_local: yes}\n"
	    "    policy: backup\n"
	    "    policy_for: {x: pull, y: {pull: [new], push: [flags]}}\n"
	    "    conflict: local\n    schedule: {when: \"daily 23:30-00:15\", jitter: 0,"
	    " only_if: [on-ac, unmetered], condition_command: [at, home]}\n"
	    "    limits: {max_age: 2y}\n    avoid: [NOTIFY]\n    compress: yes\n",
	    f);
	fclose(f);
	diags_init(&diags);
	struct conf *c = config_load(path, &diags);
	diags_print(&diags, stderr, false);
	assert_int_equal(diags.n, 0);
	assert_non_null(c);
	unlink(path);
	return c;
}

static void
an_account_survives_the_way_to_a_worker(void **state)
{
	struct conf *c = two_accounts();

	(void)state;
	for (size_t i = 0; i < c->n_accounts; i++) {
		json_t *json = account_conf_to_json(&c->account[i]);
		char *text = json_dumps(json, 0);
		json_t *again = json_loads(text, 0, NULL);
		struct err err = { 0 };
		struct account_conf *a = account_conf_from_json(again, &err);

		assert_non_null(a);
		assert_true(account_conf_equal(a, &c->account[i]));
		assert_string_equal(a->name, c->account[i].name);
		account_conf_free(a);
		json_decref(again);
		free(text);
		json_decref(json);
	}
	assert_false(account_conf_equal(&c->account[0], &c->account[1]));
	config_free(c);
}

/* A line added above a script's options is no reason to start a worker anew. */
static void
where_options_stand_is_no_change(void **state)
{
	char name[] = "spam", config[] = "{\"n\":1}", other[] = "{\"n\":2}";
	char here[] = "{\"n\":\"a:1:1\"}", there[] = "{\"n\":\"a:2:1\"}";
	struct plugin_conf p[3] = {
		{ .name = name, .config = config, .places = here },
		{ .name = name, .config = config, .places = there },
		{ .name = name, .config = other, .places = here },
	};
	struct conf *c = two_accounts();
	struct account_conf a[3];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		a[i] = c->account[0];
		a[i].plugin = &p[i];
		a[i].n_plugins = 1;
	}
	assert_true(account_conf_equal(&a[0], &a[1]));
	assert_false(account_conf_equal(&a[0], &a[2]));
	config_free(c);
}

static void
a_change_of_any_field_is_seen(void **state)
{
	struct conf *c = two_accounts();
	json_t *json = account_conf_to_json(&c->account[1]);
	struct account_conf *a;
	struct err err = { 0 };

	(void)state;
	a = account_conf_from_json(json, &err);
	assert_non_null(a);
	a->policy_for[1].policy.pull = 0;
	assert_false(account_conf_equal(a, &c->account[1]));
	account_conf_free(a);
	a = account_conf_from_json(json, &err);
	a->schedule.every++;
	assert_false(account_conf_equal(a, &c->account[1]));
	account_conf_free(a);
	json_decref(json);
	config_free(c);
}

/* Each member missing or of a wrong type is refused, and nothing leaks. */
static void
a_damaged_message_is_refused(void **state)
{
	struct conf *c = two_accounts();
	json_t *good = account_conf_to_json(&c->account[1]);
	const char *key;
	json_t *value;

	(void)state;
	json_object_foreach(good, key, value) {
		json_t *bad = json_copy(good);
		struct err err = { 0 };

		json_object_set_new(bad, key, json_pack("{s:i}", "x", 1));
		assert_null(account_conf_from_json(bad, &err));
		assert_int_equal(err.class, ERR_LOCAL);
		assert_non_null(strstr(err.text, key));
		json_object_del(bad, key);
		assert_null(account_conf_from_json(bad, &err));
		json_decref(bad);
	}
	json_decref(good);
	config_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_is_well_formed),
		cmocka_unit_test(every_default_can_be_read_and_shown),
		cmocka_unit_test(the_example_holds_every_key_with_its_default),
		cmocka_unit_test(the_example_is_clean),
		cmocka_unit_test(the_manual_explains_every_key),
		cmocka_unit_test(the_schema_has_every_key),
		cmocka_unit_test(an_account_survives_the_way_to_a_worker),
		cmocka_unit_test(where_options_stand_is_no_change),
		cmocka_unit_test(a_change_of_any_field_is_seen),
		cmocka_unit_test(a_damaged_message_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
