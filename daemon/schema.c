/*
 * schema.c — the option table as a JSON Schema (draft-07), for editors.  Scalars
 * are generous: the loader takes "993" for 993, and an editor should not object.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "options.h"
#include "scalar.h"

static json_t *group_schema(const char *place);

static json_t *
words_array(const char *words)
{
	json_t *out = json_array();
	struct str rest = str_z(words), w;

	while (option_word(&rest, &w))
		json_array_append_new(out, json_stringn(w.p, w.n));
	return out;
}

static json_t *
ref(const char *name)
{
	return json_pack("{s:s+}", "$ref", "#/definitions/", name);
}

/* "yes" and "no" are booleans to an editor that reads YAML 1.1. */
static json_t *
option_words(const struct option *o)
{
	json_t *words = words_array(o->words);

	if (option_word_index(o->words, STR("yes")) >= 0)
		json_array_append_new(words, json_true());
	if (option_word_index(o->words, STR("no")) >= 0 ||
	    option_word_index(o->words, STR("off")) >= 0)
		json_array_append_new(words, json_false());
	return words;
}

static json_t *
enum_schema(const struct option *o)
{
	json_t *words = option_words(o);

	if (o->type == OPT_VERSION) {
		json_array_append_new(words, json_real(1.2));
		json_array_append_new(words, json_real(1.3));
	}
	return json_pack("{s:o}", "enum", words);
}

static json_t *
command_schema(void)
{
	return json_pack("{s:[s, s, s], s:{s:s}, s:i}", "type", "string", "array",
	    "null", "items", "type", "string", "minItems", 1);
}

/* ${name}, or null, or one of the words that mean nothing. */
static json_t *
or_nothing(const char *name, const struct option *o)
{
	json_t *choices = json_array();

	json_array_append_new(choices, ref(name));
	json_array_append_new(choices, json_pack("{s:s}", "type", "null"));
	if (o->words != NULL)
		json_array_append_new(choices,
		    json_pack("{s:o}", "enum", option_words(o)));
	return json_pack("{s:o}", "anyOf", choices);
}

static json_t *
value_schema(const struct option *o)
{
	switch (o->type) {
	case OPT_BOOL:
		return or_nothing("bool", o);
	case OPT_ENUM:
	case OPT_VERSION:
		return enum_schema(o);
	case OPT_INT:
		return json_pack("{s:s, s:I, s:I}", "type", "integer", "minimum",
		    (json_int_t)o->min, "maximum", (json_int_t)o->max);
	case OPT_DURATION:
		return or_nothing("duration", o);
	case OPT_SIZE:
		return or_nothing("size", o);
	case OPT_TEXT:
	case OPT_PATH:
		return json_pack("{s:[s, s]}", "type", "string", "null");
	case OPT_LIST:
		return o->pattern == NULL ? or_nothing("list", o) :
		    json_pack("{s:[s, s], s:{s:s, s:s}}", "type", "array", "null",
		    "items", "type", "string", "pattern", o->pattern);
	case OPT_COMMAND:
		return command_schema();
	case OPT_MAP:
		return json_pack("{s:[s, s], s:{s:s}}", "type", "object", "null",
		    "additionalProperties", "type", "string");
	case OPT_POLICY:
		return ref("policy");
	case OPT_POLICY_FOR:
		return json_pack("{s:[s, s], s:o}", "type", "object", "null",
		    "additionalProperties", ref("policy"));
	case OPT_SCHEDULE:
		return json_pack("{s:s, s:s}", "type", "string", "pattern",
		    "^(always|manual|every [0-9]+(ms|s|m|h|d|w|y)|"
		    "daily [0-9:]{5}(-[0-9:]{5})?)$");
	case OPT_ANY:
		return json_object();
	case OPT_GROUP:
		return group_schema(o->items != NULL ? o->items : o->key);
	case OPT_ACCOUNTS:
		return json_pack("{s:s, s:o}", "type", "object",
		    "additionalProperties", ref("account"));
	case OPT_ITEMS:
		if (strcmp(o->key, "plugins") == 0)
			return json_pack("{s:[s, s], s:{s:[{s:s}, o]}}", "type",
			    "array", "null", "items", "anyOf", "type", "string",
			    group_schema(o->items));
		return json_pack("{s:[s, s, s], s:o}", "type", "array", "object",
		    "null", "items", group_schema(o->items));
	}
	return NULL;
}

static json_t *
option_schema(const struct option *o)
{
	json_t *s = strcmp(o->key, "defaults") == 0 ? ref("account") :
	    value_schema(o);
	char text[1024];

	/* What stands beside a $ref is ignored in draft-07. */
	if (json_object_get(s, "$ref") != NULL)
		s = json_pack("{s:[o]}", "allOf", s);
	snprintf(text, sizeof(text), "%s.%s", o->help, o->later != NULL ?
	    " Not in this version yet." : "");
	json_object_set_new(s, "description", json_string(text));
	if (o->dflt != NULL && !option_is_branch(o))
		json_object_set_new(s, "default", json_string(o->dflt));
	if (o->example != NULL)
		json_object_set_new(s, "examples", json_pack("[s]", o->example));
	return s;
}

/* At most one source of the secret in one map. */
static json_t *
one_secret(void)
{
	json_t *pairs = json_array();

	for (size_t i = 0; i < n_options; i++) {
		for (size_t j = 0; j < i; j++) {
			if ((options[i].flags & options[j].flags & OPT_SECRET) != 0)
				json_array_append_new(pairs, json_pack(
				    "{s:[s, s]}", "required",
				    option_leaf(&options[j]),
				    option_leaf(&options[i])));
		}
	}
	return json_pack("{s:o}", "anyOf", pairs);
}

static json_t *
group_schema(const char *place)
{
	json_t *properties = json_object();
	bool account = strcmp(place, "accounts.*") == 0;

	for (size_t i = 0; i < n_options; i++) {
		const struct option *o = &options[i];

		if (option_in(o, place) ||
		    (account && (o->flags & OPT_SECRET) != 0))
			json_object_set_new(properties, option_leaf(o),
			    option_schema(o));
	}
	json_t *s = json_pack("{s:[s, s], s:b, s:o}", "type", "object", "null",
	    "additionalProperties", 0, "properties", properties);
	if (account || strcmp(place, "accounts.*.auth") == 0)
		json_object_set_new(s, "not", one_secret());
	return s;
}

static json_t *
definitions(void)
{
	json_t *ops = json_pack("{s:s, s:{s:o}, s:b}", "type", "array", "items",
	    "enum", words_array(scalar_ops), "uniqueItems", 1);
	json_t *policy = json_pack("{s:[{s:o}, {s:s, s:b, s:{s:o, s:o}}]}",
	    "oneOf", "enum", words_array(scalar_presets), "type", "object",
	    "additionalProperties", 0, "properties", "pull", ref("ops"), "push",
	    ref("ops"));
	json_t *d = json_pack("{s:{s:[b, b, s, s, s, s, s, s]}}", "bool", "enum",
	    1, 0, "yes", "no", "true", "false", "on", "off");

	json_object_set_new(d, "duration", json_pack("{s:[s, s], s:s, s:i, s:i}",
	    "type", "string", "integer", "pattern",
	    "^(0|[0-9]+(ms|s|m|h|d|w|y))$", "minimum", 0, "maximum", 0));
	json_object_set_new(d, "size", json_pack("{s:[s, s], s:s, s:i, s:i}",
	    "type", "string", "integer", "pattern",
	    "^(0|[0-9]+(B|KiB|MiB|GiB|TiB))$", "minimum", 0, "maximum", 0));
	json_object_set_new(d, "list", json_pack("{s:[s, s], s:{s:[s, s]}}",
	    "type", "array", "string", "items", "type", "string", "number"));
	json_object_set_new(d, "ops", ops);
	json_object_set_new(d, "policy", policy);
	json_object_set_new(d, "account", group_schema("accounts.*"));
	return d;
}

void
config_schema(FILE *out)
{
	json_t *s = group_schema("");

	json_object_set_new(s, "$schema",
	    json_string("http://json-schema.org/draft-07/schema#"));
	json_object_set_new(s, "title", json_string("syncd.yaml"));
	json_object_set_new(s, "definitions", definitions());
	json_dumpf(s, out, JSON_INDENT(1) | JSON_SORT_KEYS);
	fputc('\n', out);
	json_decref(s);
}
