/*
 * config_show.c — `syncd config explain` and `syncd config show`: the options in
 * words, and the values in effect with the place each came from.
 */
#include "config.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/suggest.h"
#include "loader.h"
#include "options.h"
#include "value.h"

enum { VALUE_TEXT_MAX = 1 << 20, HELP_WIDTH = 72 };

/* "accounts.work.tls" and "defaults.tls" are about the same keys as
 * "accounts.*.tls". */
static char *
general_pattern(const char *pattern)
{
	const char *rest;

	if (strncmp(pattern, "defaults.", 9) == 0)
		return xasprintf("accounts.*.%s", pattern + 9);
	if (strncmp(pattern, "accounts.", 9) != 0)
		return xstrdup(pattern);
	rest = strchr(pattern + 9, '.');
	return xasprintf("accounts.*%s", rest != NULL ? rest : "");
}

/* The key itself or what it is part of, in full or without "accounts.*.", the last
 * part alone, or a wildcard over the whole. */
static bool
matches(const struct option *o, const char *pattern)
{
	size_t n = strlen(pattern);
	const char *name = option_name(o);

	if (strcmp(option_leaf(o), pattern) == 0)
		return true;
	if (strncmp(o->key, pattern, n) == 0 &&
	    (o->key[n] == '\0' || o->key[n] == '.'))
		return true;
	if (strncmp(name, pattern, n) == 0 &&
	    (name[n] == '\0' || name[n] == '.'))
		return true;
	return fnmatch(pattern, o->key, 0) == 0 || fnmatch(pattern, name, 0) == 0;
}

static void
put_wrapped(FILE *out, const char *text)
{
	struct str rest = str_z(text), word;
	size_t col = 0;

	while (option_word(&rest, &word)) {
		if (col > 0 && col + 1 + word.n > HELP_WIDTH) {
			fputc('\n', out);
			col = 0;
		}
		col += (size_t)fprintf(out, "%s%.*s", col > 0 ? " " : "    ",
		    STR_ARG(word));
	}
	fputs(".\n", out);
}

static void
explain_value(const struct option *o, FILE *out)
{
	if (o->type == OPT_ENUM || o->type == OPT_VERSION) {
		struct str rest = str_z(o->words), word;
		const char *sep = "    one of: ";

		while (option_word(&rest, &word)) {
			fprintf(out, "%s%.*s", sep, STR_ARG(word));
			sep = " | ";
		}
		fputc('\n', out);
	} else if (!option_is_branch(o)) {
		fprintf(out, "    value: %s\n", option_type_text(o));
	}
	if (o->dflt != NULL)
		fprintf(out, "    default: %s\n", o->dflt);
	else if (o->derived != NULL)
		fprintf(out, "    default: (%s)\n", o->derived);
	if (o->example != NULL)
		fprintf(out, "    example: %s\n", o->example);
	if (o->later != NULL)
		fprintf(out, "    not in this version yet: it %s\n",
		    (o->flags & OPT_NEEDED) != 0 ? "is refused" :
		    "is read and has no effect");
}

static void
suggest_pattern(const char *pattern, FILE *out)
{
	struct suggest s;

	suggest_init(&s, str_z(pattern));
	for (size_t i = 0; i < n_options; i++) {
		suggest_offer(&s, options[i].key);
		suggest_offer(&s, option_name(&options[i]));
		suggest_offer(&s, option_leaf(&options[i]));
	}
	fprintf(out, "no option is called `%s`", pattern);
	if (s.best[0] != '\0')
		fprintf(out, "; did you mean `%s`?", s.best);
	fputc('\n', out);
}

size_t
config_explain(const char *pattern, FILE *out)
{
	char *general = general_pattern(pattern != NULL ? pattern : "");
	size_t n = 0;

	for (size_t i = 0; i < n_options; i++) {
		const struct option *o = &options[i];

		if (*general != '\0' && !matches(o, general))
			continue;
		fprintf(out, "%s%s\n", n++ > 0 ? "\n" : "", o->key);
		put_wrapped(out, o->help);
		explain_value(o, out);
	}
	if (n == 0)
		suggest_pattern(pattern, out);
	free(general);
	return n;
}

/* "~/x.yaml:4", with what else there is to say; free() it. */
static char *
origin_text(const struct option *o, const struct origins *os)
{
	const struct origin *at = origin_find(os, o);

	if (at == NULL)
		return xstrdup(o->dflt != NULL ? "default" : "derived");
	char *path = diag_path(at->at.src->path);
	char *text = xasprintf("%s:%u%s", path, at->at.line,
	    at->shared ? " (defaults)" : "");
	free(path);
	return text;
}

/* Called with each key, its value and its origin. */
typedef void show_fn(void *, const char *key, const char *value, const char *from);

struct showing {
	const char	*only;		/* a key, a group or an account; NULL: all */
	show_fn		*show;
	void		*arg;
};

/* Whether ${key} is ${only}, or is within it. */
static bool
is_within(const char *key, const char *only)
{
	static const char accounts[] = "accounts.";
	size_t n = strlen(only);

	if (strncmp(key, only, n) == 0 && (key[n] == '\0' || key[n] == '.'))
		return true;
	key += sizeof(accounts) - 1;
	return strncmp(key - sizeof(accounts) + 1, accounts,
	    sizeof(accounts) - 1) == 0 && strncmp(key, only, n) == 0 &&
	    key[n] == '.';
}

static void
show_option(const struct option *o, const char *account, const void *base,
    const struct origins *os, const struct showing *s)
{
	struct buf b;
	char *key = account != NULL ? xasprintf("accounts.%s.%s", account,
	    option_name(o)) : xstrdup(o->key);
	char *from = origin_text(o, os);

	buf_init(&b, VALUE_TEXT_MAX);
	value_text(o, base, &b);
	char *value = buf_steal(&b);
	/* A default as it is documented: 60s, not 1m. */
	if (origin_find(os, o) == NULL && o->dflt != NULL &&
	    option_of_account(o)) {
		free(value);
		value = xstrdup(o->dflt);
	}
	if (s->only == NULL || is_within(key, s->only))
		s->show(s->arg, key, value, from);
	free(value);
	free(from);
	free(key);
}

static void
show_all(const struct conf *conf, const struct showing *s)
{
	for (size_t i = 0; i < n_options; i++) {
		const struct option *o = &options[i];

		if (option_of_top(o) && o->at != OPT_NO_FIELD)
			show_option(o, NULL, conf, conf->origins, s);
	}
	for (size_t j = 0; j < conf->n_accounts; j++) {
		const struct account_conf *a = &conf->account[j];

		for (size_t i = 0; i < n_options; i++) {
			const struct option *o = &options[i];

			if (option_of_account(o) && o->at != OPT_NO_FIELD)
				show_option(o, a->name, a, a->origins, s);
		}
	}
}

static void
show_line(void *arg, const char *key, const char *value, const char *from)
{
	int n = fprintf(arg, "%s: %s", key, value);

	fprintf(arg, "%*s# %s\n", n < 54 ? 56 - n : 2, "", from);
}

void
config_show(const struct conf *conf, const char *only, FILE *out)
{
	struct showing s = { only, show_line, out };

	show_all(conf, &s);
}

static void
show_member(void *arg, const char *key, const char *value, const char *from)
{
	json_object_set_new(arg, key,
	    json_pack("{s:s, s:s}", "value", value, "from", from));
}

json_t *
config_show_json(const struct conf *conf, const char *only)
{
	json_t *out = json_object();
	struct showing s = { only, show_member, out };

	show_all(conf, &s);
	return out;
}
