/* config_tree.c — trees of files into the configuration, by the option table. */
#include "loader.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/suggest.h"
#include "plugin_conf.h"
#include "react_conf.h"
#include "value.h"
#include "foreign.h"

enum { ACCOUNT_NAME_MAX = 64 };

/* Where the keys that are being read go. */
struct target {
	struct loader	*l;
	void		*base;		/* struct conf, account_conf; NULL: only
					 * checked */
	struct origins	*origins;	/* NULL likewise */
	bool		 shared;	/* under defaults: */
	bool		 later;		/* inside of what is not in this version */
	bool		 warned;	/* and that was said */
};

static void read_group(struct target *, const char *place, const struct node *);

void
origins_free(struct origins *os)
{
	if (os != NULL)
		free(os->v);
	free(os);
}

static struct origins *
copy_origins(const struct origins *os)
{
	struct origins *copy = xcalloc(1, sizeof(*copy));

	for (size_t i = 0; i < os->n; i++) {
		copy->v = array_room(copy->v, copy->n, &copy->cap,
		    sizeof(*copy->v));
		copy->v[copy->n++] = os->v[i];
	}
	return copy;
}

const struct origin *
origin_find(const struct origins *os, const struct option *o)
{
	for (size_t i = 0; os != NULL && i < os->n; i++) {
		if (os->v[i].o == o)
			return &os->v[i];
	}
	return NULL;
}

static void
origin_remove(struct origins *os, const struct option *o)
{
	for (size_t i = 0; i < os->n; i++) {
		if (os->v[i].o == o) {
			os->v[i] = os->v[--os->n];
			return;
		}
	}
}

/* Note that ${o} is set here; false when it was already, which is diagnosed. */
static bool
claim(struct target *t, const struct option *o, const struct node *key)
{
	const struct origin *before = origin_find(t->origins, o);

	if (t->origins == NULL)
		return true;
	if (before != NULL && before->shared == t->shared) {
		struct diag *d = diags_add(t->l->diags, DIAG_ERROR,
		    "config.duplicate-key", &key->at, "`%s` is set twice",
		    option_name(o));
		char *path = diag_path(before->at.src->path);

		diag_caret(d, "first in %s:%u", path, before->at.line);
		free(path);
		return false;
	}
	origin_remove(t->origins, o);
	t->origins->v = array_room(t->origins->v, t->origins->n, &t->origins->cap,
	    sizeof(*t->origins->v));
	t->origins->v[t->origins->n++] = (struct origin){ o, key->at, t->shared };
	return true;
}

/* "an account", "`tls`" or "the file": whose key it is. */
static char *
place_text(const char *place)
{
	if (*place == '\0')
		return xstrdup("a top-level option");
	if (strcmp(place, "accounts.*") == 0)
		return xstrdup("an option of an account");
	if (strncmp(place, "accounts.*.", 11) == 0)
		place += 11;
	return xasprintf("an option of `%s`", place);
}

/* The key may be right, but in another place. */
static const struct option *
belongs_elsewhere(const char *place, const char *key)
{
	const struct option *best = NULL;

	for (size_t i = 0; i < n_options; i++) {
		const struct option *o = &options[i];

		if (strcmp(option_leaf(o), key) != 0)
			continue;
		/* The same part of the file is likelier. */
		if (best == NULL ||
		    (*place != '\0' && strncmp(o->key, place, strlen(place)) == 0 &&
		    strncmp(best->key, place, strlen(place)) != 0))
			best = o;
	}
	return best;
}

static void
say_elsewhere(struct diag *d, const struct option *o, const char *place,
    const char *key)
{
	size_t n = strlen(o->key) - strlen(key);
	char *parent = n > 0 ? str_dup((struct str){ o->key, n - 1 }) : NULL;

	if (parent == NULL)
		diag_caret(d, "`%s` belongs at the top level", key);
	else if (strcmp(parent, "accounts.*") == 0)
		diag_caret(d, "`%s` belongs directly under an account", key);
	else if (strncmp(parent, "accounts.*.", 11) == 0 && *place != '\0')
		diag_caret(d, "`%s` belongs under `%s:`", key, parent + 11);
	else
		diag_caret(d, "`%s` belongs under `%s:`", key, parent);
	free(parent);
}

static void
unknown_key(struct target *t, const char *place, const struct node *key)
{
	char *what = place_text(place);
	struct diag *d = diags_add(t->l->diags, DIAG_ERROR, "config.unknown-key",
	    &key->at, "`%s` is not %s", key->text, what);
	const char *answer = foreign_word(str_z(key->text));
	const struct option *o = belongs_elsewhere(place, key->text);
	struct suggest s;

	suggest_init(&s, str_z(key->text));
	for (size_t i = 0; i < n_options; i++) {
		if (option_in(&options[i], place) ||
		    (strcmp(place, "accounts.*") == 0 &&
		    (options[i].flags & OPT_SECRET) != 0))
			suggest_offer(&s, option_leaf(&options[i]));
	}
	bool sibling = o != NULL && strncmp(o->key, place, strlen(place)) == 0;

	if (answer != NULL)
		diag_caret(d, "%s", answer);
	else if (sibling && *place != '\0')
		say_elsewhere(d, o, place, key->text);
	else if (s.best[0] != '\0')
		diag_caret(d, "did you mean `%s`?", s.best);
	else if (o != NULL)
		say_elsewhere(d, o, place, key->text);
	diag_help(d, "%s%s: syncd config explain%s%s",
	    strncmp(what, "an", 2) == 0 ? "options" : "all options",
	    strncmp(what, "an", 2) == 0 ? what + strlen("an option") : "",
	    *place != '\0' ? " " : "", place);
	free(what);
}

/* A key of a later version: say so once, unless it says what is so anyway. */
static void
warn_later(struct target *t, const struct option *o, const struct node *key,
    const struct node *value)
{
	bool branch = o->type == OPT_GROUP;

	if ((t->later && t->warned) || branch || value_is_default(o, value))
		return;
	t->warned = true;
	diag_caret(diags_add(t->l->diags, DIAG_WARNING, "config.later", &key->at,
	    "`%s` is not in this version yet: it has no effect", option_name(o)),
	    "waits for %s", o->later);
}

static void
wrong_branch(struct target *t, const struct option *o, const struct node *key,
    const struct node *value)
{
	bool inline_ = value->kind == NODE_SCALAR || value->flow;

	if (value->bad)
		return;
	diag_caret(diags_add(t->l->diags, DIAG_ERROR, "config.wrong-type",
	    inline_ ? &value->at : &key->at, "`%s` cannot be %s", option_name(o),
	    value->kind == NODE_LIST ? "a list" :
	    value->kind == NODE_MAP ? "a map" : "text"), "expected %s",
	    option_type_text(o));
}

/* An item of plugins: a script's name alone, or a map. */
static void
read_plugin(struct target *t, const struct node *value)
{
	struct plugin_conf *p;
	struct conf *conf = t->l->conf;
	struct target item = { .l = t->l };

	conf->plugin = xreallocarray(conf->plugin, conf->n_plugins + 1,
	    sizeof(*conf->plugin));
	p = item.base = &conf->plugin[conf->n_plugins];
	*p = (struct plugin_conf){ 0 };
	for (size_t i = 0; i < n_options; i++)
		if (option_of_plugin(&options[i]))
			value_default(&options[i], p);
	if (value->kind == NODE_SCALAR && !node_is_null(value))
		p->script = xstrdup(value->text);
	else
		read_group(&item, "plugins.*", value);
	if (plugin_conf_resolve(t->l, p, value))
		conf->n_plugins++;
	else
		options_clear_plugin(p);
}

/* An item of hooks.  Those of an account are read to be checked only. */
static void
read_react(struct target *t, const struct option *o, const struct node *value)
{
	struct react_conf r = { 0 };
	struct conf *conf = t->l->conf;
	size_t errors = t->l->diags->n_errors;
	struct target item = { .l = t->l, .base = &r, .later = o->later != NULL,
	    .warned = true };

	for (size_t i = 0; i < n_options; i++)
		if (option_of_react(&options[i]))
			value_default(&options[i], &r);
	read_group(&item, o->items, value);
	/* A key that is misspelt is not told of as missing, too. */
	if (o->later != NULL || t->l->diags->n_errors > errors ||
	    !react_conf_check(&r, value, t->l->diags)) {
		options_clear_react(&r);
		return;
	}
	conf->react = xreallocarray(conf->react, conf->n_reacts + 1,
	    sizeof(*conf->react));
	conf->react[conf->n_reacts++] = r;
}

static void
read_items(struct target *t, const struct option *o, const struct node *key,
    const struct node *value)
{
	if (node_is_null(value) || (value->kind != NODE_SCALAR && value->n == 0))
		return;
	if (value->kind != NODE_LIST) {
		wrong_branch(t, o, key, value);
		return;
	}
	for (size_t i = 0; i < value->n; i++) {
		if (strcmp(o->key, "plugins") == 0)
			read_plugin(t, value->item[i]);
		else
			read_react(t, o, value->item[i]);
	}
}

/* A source of the secret that this version cannot use. */
static void
refuse_needed(struct target *t, const struct option *o, const struct node *key)
{
	struct diag *d = diags_add(t->l->diags, DIAG_ERROR, "config.later",
	    &key->at, "`%s` is not in this version yet", option_name(o));

	diag_caret(d, "use `token_command` with a helper that prints a token");
}

static void
note_accounts(struct target *t, const struct option *o, const struct node *key,
    const struct node *value)
{
	struct loader *l = t->l;

	if (node_is_null(value))
		return;
	if (value->kind != NODE_MAP) {
		wrong_branch(t, o, key, value);
		return;
	}
	for (size_t i = 0; i < value->n; i += 2) {
		l->account = xreallocarray(l->account, l->n_accounts + 1,
		    sizeof(*l->account));
		l->account[l->n_accounts++] = (struct found){
			.key = value->item[i], .value = value->item[i + 1] };
	}
}

static void
read_branch(struct target *t, const struct option *o, const struct node *key,
    const struct node *value)
{
	struct target shared = { .l = t->l, .base = &t->l->base,
		.origins = t->l->base.origins, .shared = true };
	struct target later = *t;

	if (o->type == OPT_ITEMS) {
		read_items(t, o, key, value);
	} else if (o->type == OPT_ACCOUNTS) {
		note_accounts(t, o, key, value);
	} else if (node_is_null(value)) {
		return;
	} else if ((o->flags & OPT_NEEDED) != 0) {
		refuse_needed(t, o, key);
		(void)claim(t, o, key);
	} else if (value->kind != NODE_MAP) {
		wrong_branch(t, o, key, value);
	} else if (o->items != NULL) {
		read_group(&shared, o->items, value);
	} else {
		/* One warning for each group of things to come. */
		later.later = o->later != NULL;
		later.warned = false;
		read_group(later.later && !t->later ? &later : t, o->key, value);
	}
}

static void
read_option(struct target *t, const struct option *o, const struct node *key,
    const struct node *value)
{
	if (o->later != NULL && (o->flags & OPT_NEEDED) == 0)
		warn_later(t, o, key, value);
	if (option_is_branch(o)) {
		read_branch(t, o, key, value);
		return;
	}
	if (value_read(o, key, value, t->base, t->l->diags) == -1)
		return;
	if (o->at != OPT_NO_FIELD && t->base != NULL)
		(void)claim(t, o, key);
}

static void
read_group(struct target *t, const char *place, const struct node *map)
{
	if (map->kind != NODE_MAP) {
		if (!map->bad)
			diag_caret(diags_add(t->l->diags, DIAG_ERROR,
			    "config.wrong-type", &map->at,
			    "a map of options is expected here"),
			    "expected KEY: VALUE");
		return;
	}
	for (size_t i = 0; i < map->n; i += 2) {
		const struct node *key = map->item[i], *value = map->item[i + 1];
		const struct option *o = option_find(place, key->text);

		/* A secret's source may do without its "auth:". */
		if (o == NULL && strcmp(place, "accounts.*") == 0) {
			o = option_find("accounts.*.auth", key->text);
			if (o != NULL && (o->flags & OPT_SECRET) == 0)
				o = NULL;
		}
		if (o == NULL)
			unknown_key(t, place, key);
		else
			read_option(t, o, key, value);
	}
}

void
config_tree_top(struct loader *l, const struct node *root)
{
	struct target t = { .l = l, .base = l->conf,
		.origins = l->conf->origins };

	if (root == NULL || node_is_null(root))
		return;
	for (size_t i = 0; root->kind == NODE_MAP && i < root->n; i += 2) {
		const struct option *o = option_find("", root->item[i]->text);

		if (o != NULL)
			read_option(&t, o, root->item[i], root->item[i + 1]);
		else
			unknown_key(&t, "", root->item[i]);
	}
	if (root->kind != NODE_MAP && !root->bad)
		diag_caret(diags_add(l->diags, DIAG_ERROR, "config.wrong-type",
		    &root->at, "the file must be a map of options"),
		    "expected `accounts:` or another key");
}

/* The name becomes part of file names. */
static bool
good_name(struct loader *l, const struct node *key)
{
	const char *p = key->text;
	size_t n = strlen(p);
	bool good = n > 0 && n <= ACCOUNT_NAME_MAX && *p != '.' && *p != '-';

	for (; good && *p != '\0'; p++)
		good = isalnum((unsigned char)*p) || strchr("._-", *p) != NULL;
	if (good)
		return true;
	diag_caret(diags_add(l->diags, DIAG_ERROR, "config.bad-value", &key->at,
	    "`%s` cannot be the name of an account", key->text),
	    "letters, digits, `.`, `_` and `-`, %d at most", ACCOUNT_NAME_MAX);
	return false;
}

static bool
first_of_name(struct loader *l, size_t at)
{
	const struct node *key = l->account[at].key;

	for (size_t i = 0; i < at; i++) {
		const struct node *other = l->account[i].key;

		if (strcmp(other->text, key->text) != 0)
			continue;
		char *path = diag_path(other->at.src->path);
		diag_caret(diags_add(l->diags, DIAG_ERROR, "config.duplicate-key",
		    &key->at, "account `%s` is defined twice", key->text),
		    "first in %s:%u", path, other->at.line);
		free(path);
		return false;
	}
	return true;
}

static bool
names_secret(const struct node *map)
{
	for (size_t i = 0; i < n_options; i++) {
		const struct node *n;

		if ((options[i].flags & OPT_SECRET) == 0)
			continue;
		n = node_get(map, option_leaf(&options[i]));
		if (n != NULL && !node_is_null(n))
			return true;
	}
	return false;
}

/* An account's own source of the secret replaces the one in defaults. */
static void
drop_shared_secret(struct account_conf *a, const struct node *map)
{
	if (!names_secret(map) && !names_secret(node_get(map, "auth")))
		return;
	for (size_t i = 0; i < n_options; i++) {
		if ((options[i].flags & OPT_SECRET) == 0)
			continue;
		option_clear(&options[i], a);
		origin_remove(a->origins, &options[i]);
	}
}

/* An account that is no map is mostly an option that is not indented enough. */
static void
no_account(struct loader *l, const struct found *f)
{
	bool inline_ = f->value->flow || f->value->kind == NODE_SCALAR;
	const char *name = f->key->text;

	if (f->value->bad)
		return;
	if (option_find("accounts.*", name) != NULL)
		diag_caret(diags_add(l->diags, DIAG_ERROR, "config.indent",
		    &f->key->at, "`%s` is an option of an account, not the name"
		    " of one", name), "indent it below the account's name");
	else
		diag_caret(diags_add(l->diags, DIAG_ERROR,
		    "config.wrong-type", inline_ ? &f->value->at : &f->key->at,
		    "account `%s` must be a map of options", name),
		    "expected `email:` and others below its name");
}

static void
read_account(struct loader *l, struct found *f, struct account_conf *a)
{
	struct target t = { .l = l, .base = a };
	size_t before = l->diags->n_errors;

	options_copy_account(a, &l->base);
	a->name = xstrdup(f->key->text);
	a->origins = t.origins = copy_origins(l->base.origins);
	if (f->value->kind == NODE_MAP) {
		drop_shared_secret(a, f->value);
		read_group(&t, "accounts.*", f->value);
	} else if (!node_is_null(f->value)) {
		no_account(l, f);
		f->n_errors++;
	}
	f->n_errors += l->diags->n_errors - before;
}

void
config_tree_accounts(struct loader *l)
{
	struct conf *conf = l->conf;
	size_t kept = 0;

	conf->account = xcalloc(l->n_accounts + 1, sizeof(*conf->account));
	for (size_t i = 0; i < l->n_accounts; i++) {
		if (!good_name(l, l->account[i].key) || !first_of_name(l, i)) {
			l->broken = true;
			continue;
		}
		read_account(l, &l->account[i], &conf->account[conf->n_accounts++]);
		l->account[kept++] = l->account[i];
		/* What the account above lacks may be what stands here. */
		if (l->account[kept - 1].n_errors > 0 && kept > 1 &&
		    node_is_null(l->account[kept - 2].value))
			l->account[kept - 2].n_errors++;
	}
	l->n_accounts = kept;
}
