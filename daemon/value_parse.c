/* value_parse.c — what a node says, by the option's type, or what is wrong with it. */
#include "value_impl.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/suggest.h"

static const struct mark *
place_of(const struct reading *r, const struct node *n)
{
	bool inline_ = n->kind == NODE_SCALAR ? n->text[0] != '\0' : n->flow;

	return inline_ || r->key == NULL ? &n->at : &r->key->at;
}

static const char *
kind_text(const struct node *n)
{
	if (n->kind == NODE_LIST)
		return "a list";
	if (n->kind == NODE_MAP)
		return "a map";
	return node_is_null(n) ? "null" : "text";
}

static int
wrong_type(const struct reading *r, const struct node *n)
{
	if (n->bad)
		return -1;
	if (n->kind == NODE_SCALAR && n->plain && n->text[0] == '\0') {
		diag_caret(diags_add(r->diags, DIAG_ERROR, "config.wrong-type",
		    place_of(r, n), "`%s` has no value", option_name(r->o)),
		    "expected %s", option_type_text(r->o));
		return -1;
	}
	diag_caret(diags_add(r->diags, DIAG_ERROR, "config.wrong-type",
	    place_of(r, n), "`%s` cannot be %s", option_name(r->o), kind_text(n)),
	    "expected %s", option_type_text(r->o));
	return -1;
}

static struct diag *
bad_value(const struct reading *r, const struct node *n)
{
	return diags_add(r->diags, DIAG_ERROR, "config.bad-value", &n->at,
	    "`%s` is no value of `%s`", n->text, option_name(r->o));
}

static bool
has_control(const char *text, bool lines)
{
	for (; *text != '\0'; text++) {
		if (lines && (*text == '\n' || *text == '\t'))
			continue;
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return true;
	}
	return false;
}

/* The text of a scalar that is not null and has no control characters. */
static const char *
plain_text(const struct reading *r, const struct node *n)
{
	if (n->kind != NODE_SCALAR || node_is_null(n) || n->bad) {
		wrong_type(r, n);
		return NULL;
	}
	if (has_control(n->text, r->o->type == OPT_COMMAND)) {
		diags_add(r->diags, DIAG_ERROR, "config.bad-value", &n->at,
		    "`%s` has a control character in it", option_name(r->o));
		return NULL;
	}
	return n->text;
}

static int
read_bool(const struct reading *r, const struct node *n, struct value *v)
{
	const char *text = plain_text(r, n);
	struct diag *d;

	if (text == NULL)
		return -1;
	if (r->o->words != NULL &&
	    option_word_index(r->o->words, str_z(text)) >= 0) {
		v->b = false;
		return 0;
	}
	if (scalar_bool(str_z(text), &v->b))
		return 0;
	d = bad_value(r, n);
	diag_caret(d, "yes or no%s%s", r->o->words != NULL ? ", or " : "",
	    r->o->words != NULL ? r->o->words : "");
	/* Whoever wrote a third word took it for another question. */
	diag_help(d, "%s", r->o->help);
	return -1;
}

static void
list_words(struct diag *d, const char *words)
{
	CLEANUP(buf_clear) struct buf b;
	struct str rest = str_z(words), w;

	buf_init(&b, 1024);
	while (option_word(&rest, &w)) {
		if (buf_fmt(&b, "%s%.*s", b.n > 0 ? ", " : "", STR_ARG(w)) == -1)
			return;
	}
	diag_help(d, "one of: %.*s", STR_ARG(buf_str(&b)));
}

/* A misspelt word of ${words}. */
static int
wrong_word(const struct reading *r, const struct node *n, const char *words)
{
	struct diag *d = bad_value(r, n);
	struct str rest = str_z(words), w;
	struct suggest s;
	bool yes, dangerous = false;

	suggest_init(&s, str_z(n->text));
	while (option_word(&rest, &w)) {
		char word[sizeof(s.best)];

		snprintf(word, sizeof(word), "%.*s", STR_ARG(w));
		suggest_offer(&s, word);
		/* What is dangerous has a longer name on purpose. */
		dangerous |= str_starts(w, STR("no-")) &&
		    scalar_bool(str_z(n->text), &yes) && !yes;
	}
	if (dangerous)
		diag_caret(d, "too easily written for what it does");
	else if (s.best[0] != '\0')
		diag_caret(d, "did you mean `%s`?", s.best);
	list_words(d, words);
	return -1;
}

static int
read_enum(const struct reading *r, const struct node *n, struct value *v)
{
	const char *text = plain_text(r, n);
	bool yes;

	if (text == NULL)
		return -1;
	v->i = option_word_index(r->o->words, str_z(text));
	if (v->i < 0 && scalar_bool(str_z(text), &yes))
		v->i = option_word_index(r->o->words, yes ? STR("yes") : STR("no"));
	if (v->i >= 0)
		return 0;
	if (r->o->later_words != NULL &&
	    option_word_index(r->o->later_words, str_z(text)) >= 0) {
		struct diag *d = diags_add(r->diags, DIAG_ERROR, "config.later",
		    &n->at, "`%s: %s` is not in this version yet",
		    option_name(r->o), text);
		list_words(d, r->o->words);
		return -1;
	}
	return wrong_word(r, n, r->o->words);
}

static int
read_version(const struct reading *r, const struct node *n, struct value *v)
{
	const char *text = plain_text(r, n);

	if (text == NULL)
		return -1;
	if (option_word_index(r->o->words, str_z(text)) < 0)
		return wrong_word(r, n, r->o->words);
	must(scalar_version(str_z(text), &v->n));
	return 0;
}

static int
read_int(const struct reading *r, const struct node *n, struct value *v)
{
	const char *text = plain_text(r, n);
	uint64_t number;

	if (text == NULL)
		return -1;
	if (!num_u64(str_z(text), (uint64_t)r->o->min, (uint64_t)r->o->max,
	    &number)) {
		diag_caret(bad_value(r, n), "a number from %lld to %lld",
		    (long long)r->o->min, (long long)r->o->max);
		return -1;
	}
	v->n = (int64_t)number;
	return 0;
}

static int
read_duration(const struct reading *r, const struct node *n, struct value *v)
{
	const struct option *o = r->o;
	char min[SCALAR_TEXT_MAX], max[SCALAR_TEXT_MAX];

	if (node_is_null(n) && n->text[0] != '\0') {
		v->n = 0;
	} else {
		const char *text = plain_text(r, n);

		if (text == NULL)
			return -1;
		if (o->words != NULL &&
		    option_word_index(o->words, str_z(text)) >= 0) {
			v->n = strcmp(text, "forever") == 0 ? USEC_NEVER : 0;
			return 0;
		}
		if (!scalar_duration(str_z(text), &v->n)) {
			diag_caret(bad_value(r, n), "a duration has a unit: 90s,"
			    " 15m, 6h, 14d");
			return -1;
		}
	}
	if (v->n >= o->min && (o->max == 0 || v->n <= o->max))
		return 0;
	scalar_fmt_duration(o->min, min);
	scalar_fmt_duration(o->max, max);
	if (o->max == 0)
		diag_caret(bad_value(r, n), "at least %s", min);
	else
		diag_caret(bad_value(r, n), "from %s to %s", min, max);
	return -1;
}

static int
read_size(const struct reading *r, const struct node *n, struct value *v)
{
	if (node_is_null(n) && n->text[0] != '\0')
		return 0;
	const char *text = plain_text(r, n);

	if (text == NULL)
		return -1;
	if (scalar_size(str_z(text), &v->n))
		return 0;
	diag_caret(bad_value(r, n), "a size has a unit: 64KiB, 50MiB, 2GiB");
	return -1;
}

/* What comes from the environment may be anything, and JSON takes only this. */
static bool
is_utf8(const char *text)
{
	json_t *j = json_string(text);
	bool good = j != NULL;

	json_decref(j);
	return good;
}

/* ${text} with variables replaced; NULL after a diagnosis. */
static char *
expand(const struct reading *r, const struct node *n, const char *text)
{
	char missing[SCALAR_TEXT_MAX];
	char *out = scalar_expand(text, missing);

	if (out != NULL && is_utf8(out))
		return out;
	struct diag *d = bad_value(r, n);
	if (out != NULL) {
		diag_caret(d, "a variable in it is not UTF-8 text");
		free(out);
	} else if (missing[0] != '\0') {
		diag_caret(d, "the variable %s is not set", missing);
		diag_help(d, "${%s:-VALUE} gives a value for that case", missing);
	} else {
		diag_caret(d, "$NAME, ${NAME} or ${NAME:-VALUE}; a dollar is $$");
	}
	return NULL;
}

static int
read_path(const struct reading *r, const struct node *n, struct value *v)
{
	if (node_is_null(n) && n->text[0] != '\0')
		return 0;
	const char *text = plain_text(r, n);

	if (text == NULL)
		return -1;
	if (r->o->words != NULL &&
	    option_word_index(r->o->words, str_z(text)) >= 0)
		return 0;
	if ((r->o->flags & OPT_FILE_PREFIX) != 0 && strncmp(text, "file:", 5) == 0)
		text += 5;
	if (*text == '\0') {
		diag_caret(bad_value(r, n), "expected a path");
		return -1;
	}
	char *expanded = expand(r, n, text);
	if (expanded == NULL)
		return -1;
	char *dir = xstrdup(n->at.src->path);
	char *slash = strrchr(dir, '/');
	if (slash != NULL)
		*slash = '\0';
	v->text = scalar_path(expanded, dir);
	free(dir);
	free(expanded);
	return 0;
}

static int
read_text(const struct reading *r, const struct node *n, struct value *v)
{
	if (node_is_null(n) && n->text[0] != '\0')
		return 0;
	const char *text = plain_text(r, n);

	if (text == NULL)
		return -1;
	if (*text == '\0')
		return wrong_type(r, n);
	v->text = xstrdup(text);
	return 0;
}

/* Texts of one shape only. */
static int
check_pattern(const struct reading *r, const struct node *n, const char *text)
{
	const char *shape = r->o->pattern;
	struct diag *d;
	regex_t re;
	int found;

	if (shape == NULL)
		return 0;
	must(regcomp(&re, shape, REG_EXTENDED | REG_NOSUB) == 0);
	found = regexec(&re, text, 0, NULL, 0);
	regfree(&re);
	if (found == 0)
		return 0;
	d = diags_add(r->diags, DIAG_ERROR, "config.bad-value", place_of(r, n),
	    "`%s` cannot stand in `%s`", text, option_name(r->o));
	diag_caret(d, "such as %s", r->o->example);
	diag_help(d, "what it is: syncd config explain %s", r->o->key);
	return -1;
}

static int
read_list(const struct reading *r, const struct node *n, struct value *v)
{
	int rc = 0;

	if (node_is_null(n))
		return 0;
	if (n->kind == NODE_SCALAR && r->o->words != NULL &&
	    option_word_index(r->o->words, str_z(n->text)) >= 0)
		return 0;
	if (n->kind == NODE_SCALAR && !n->bad) {
		const char *text = plain_text(r, n);

		if (text == NULL || check_pattern(r, n, text) < 0)
			return -1;
		strlist_add(&v->list, text);
		return 0;
	}
	if (n->kind != NODE_LIST)
		return wrong_type(r, n);
	for (size_t i = 0; i < n->n; i++) {
		const char *text = plain_text(r, n->item[i]);

		if (text != NULL && check_pattern(r, n->item[i], text) == 0)
			strlist_add(&v->list, text);
		else
			rc = -1;
	}
	return rc;
}

/* One word in a list is a program, not a line for the shell: quote it. */
static char *
shell_quote(const char *word)
{
	CLEANUP(buf_clear) struct buf b;
	int rc;

	buf_init(&b, 4 * strlen(word) + 3);
	rc = buf_add(&b, "'", 1);
	for (; *word != '\0'; word++)
		rc |= *word == '\'' ? buf_add(&b, "'\\''", 4) :
		    buf_add(&b, word, 1);
	rc |= buf_add(&b, "'", 1);
	must(rc == 0);
	return buf_steal(&b);
}

static int
read_command(const struct reading *r, const struct node *n, struct value *v)
{
	int rc = 0;

	if (node_is_null(n) && n->text[0] != '\0')
		return 0;
	if (n->kind == NODE_SCALAR) {
		const char *text = plain_text(r, n);

		if (text == NULL)
			return -1;
		if (*text == '\0')
			return wrong_type(r, n);
		strlist_add(&v->list, text);
		return 0;
	}
	if (n->kind != NODE_LIST || n->n == 0)
		return wrong_type(r, n);
	for (size_t i = 0; i < n->n; i++) {
		const char *text = plain_text(r, n->item[i]);
		char *word = text != NULL ? expand(r, n->item[i], text) : NULL;

		if (word != NULL && n->n == 1) {
			char *quoted = shell_quote(word);

			free(word);
			word = quoted;
		}
		if (word != NULL)
			strlist_add(&v->list, word);
		else
			rc = -1;
		free(word);
	}
	return rc;
}

static int
read_map(const struct reading *r, const struct node *n, struct value *v)
{
	int rc = 0;

	if (node_is_null(n))
		return 0;
	if (n->kind != NODE_MAP)
		return wrong_type(r, n);
	for (size_t i = 0; i < n->n; i += 2) {
		const char *from = plain_text(r, n->item[i]);
		const char *to = plain_text(r, n->item[i + 1]);

		if (from != NULL && to != NULL)
			strmap_add(&v->map, from, to);
		else
			rc = -1;
	}
	return rc;
}

static int
read_ops(const struct reading *r, const struct node *n, unsigned *set)
{
	*set = 0;
	if (n->kind != NODE_LIST)
		return wrong_type(r, n);
	for (size_t i = 0; i < n->n; i++) {
		unsigned op;

		if (plain_text(r, n->item[i]) == NULL)
			return -1;
		if (!scalar_op(str_z(n->item[i]->text), &op))
			return wrong_word(r, n->item[i], scalar_ops);
		*set |= op;
	}
	return 0;
}

static int
read_policy_map(const struct reading *r, const struct node *n, struct policy *p)
{
	for (size_t i = 0; i < n->n; i += 2) {
		const struct node *key = n->item[i];
		bool pull = strcmp(key->text, "pull") == 0;

		if (!pull && strcmp(key->text, "push") != 0) {
			diag_caret(diags_add(r->diags, DIAG_ERROR,
			    "config.unknown-key", &key->at,
			    "`%s` is not part of a policy", key->text),
			    "`pull` or `push`");
			return -1;
		}
		if (read_ops(r, n->item[i + 1], pull ? &p->pull : &p->push) == -1)
			return -1;
	}
	if (p->pull != 0 || p->push != 0)
		return 0;
	diag_caret(diags_add(r->diags, DIAG_ERROR, "config.bad-value",
	    place_of(r, n), "this policy moves nothing"),
	    "`enabled: no` switches an account off");
	return -1;
}

static int
read_policy(const struct reading *r, const struct node *n, struct policy *p)
{
	*p = (struct policy){ 0 };
	if (n->kind == NODE_MAP)
		return read_policy_map(r, n, p);
	if (plain_text(r, n) == NULL)
		return -1;
	if (scalar_policy(str_z(n->text), p))
		return 0;
	return wrong_word(r, n, scalar_presets);
}

static int
read_policy_for(const struct reading *r, const struct node *n, struct value *v)
{
	if (node_is_null(n))
		return 0;
	if (n->kind != NODE_MAP)
		return wrong_type(r, n);
	for (size_t i = 0; i < n->n; i += 2) {
		struct reading inner = { r->o, n->item[i], r->diags };
		struct policy_rule rule;
		const char *pattern = plain_text(r, n->item[i]);

		if (pattern == NULL ||
		    read_policy(&inner, n->item[i + 1], &rule.policy) == -1)
			return -1;
		rule.pattern = xstrdup(pattern);
		v->rule = xreallocarray(v->rule, v->n_rules + 1,
		    sizeof(*v->rule));
		v->rule[v->n_rules++] = rule;
	}
	return 0;
}

static int
read_schedule(const struct reading *r, const struct node *n, struct value *v)
{
	const char *text = plain_text(r, n);

	if (text == NULL)
		return -1;
	if (scalar_schedule(str_z(text), &v->schedule))
		return 0;
	diag_caret(bad_value(r, n), "always, manual, \"every 6h\" or"
	    " \"daily 02:00-05:00\"");
	return -1;
}

int
value_parse(const struct reading *r, const struct node *n, struct value *v)
{
	switch (r->o->type) {
	case OPT_BOOL:		return read_bool(r, n, v);
	case OPT_ENUM:		return read_enum(r, n, v);
	case OPT_INT:		return read_int(r, n, v);
	case OPT_VERSION:	return read_version(r, n, v);
	case OPT_DURATION:	return read_duration(r, n, v);
	case OPT_SIZE:		return read_size(r, n, v);
	case OPT_TEXT:		return read_text(r, n, v);
	case OPT_PATH:		return read_path(r, n, v);
	case OPT_LIST:		return read_list(r, n, v);
	case OPT_COMMAND:	return read_command(r, n, v);
	case OPT_MAP:		return read_map(r, n, v);
	case OPT_POLICY:	return read_policy(r, n, &v->policy);
	case OPT_POLICY_FOR:	return read_policy_for(r, n, v);
	case OPT_SCHEDULE:	return read_schedule(r, n, v);
	case OPT_ANY:		return 0;
	case OPT_GROUP:
	case OPT_ACCOUNTS:
	case OPT_ITEMS:		break;
	}
	must(!option_is_branch(r->o));
	return -1;
}

void
value_clear(struct value *v)
{
	free(v->text);
	strlist_clear(&v->list);
	strmap_clear(&v->map);
	for (size_t i = 0; i < v->n_rules; i++)
		free(v->rule[i].pattern);
	free(v->rule);
}
