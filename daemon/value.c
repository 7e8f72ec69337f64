/*
 * value.c — values into their fields, and defaults.  A value is read in full
 * (value_parse.c) before the field changes, so that a mistake leaves the field as it
 * was.
 */
#include "value.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "value_impl.h"

/* Move the value into its field; what it takes is no longer the value's. */
static void
store(const struct option *o, void *base, struct value *v)
{
	char *field = (char *)base + o->at;
	struct account_conf *a = base;

	option_clear(o, base);
	switch (o->type) {
	case OPT_BOOL:
		*(bool *)field = v->b;
		break;
	case OPT_ENUM:
		*(int *)field = v->i;
		break;
	case OPT_INT:
	case OPT_VERSION:
	case OPT_DURATION:
	case OPT_SIZE:
		*(int64_t *)field = v->n;
		break;
	case OPT_TEXT:
	case OPT_PATH:
		*(char **)field = v->text;
		v->text = NULL;
		break;
	case OPT_LIST:
	case OPT_COMMAND:
		*(struct strlist *)field = v->list;
		v->list = (struct strlist){ 0 };
		break;
	case OPT_MAP:
		*(struct strmap *)field = v->map;
		v->map = (struct strmap){ 0 };
		break;
	case OPT_POLICY:
		*(struct policy *)field = v->policy;
		break;
	case OPT_POLICY_FOR:
		a->policy_for = v->rule;
		a->n_policy_for = v->n_rules;
		v->rule = NULL;
		v->n_rules = 0;
		break;
	case OPT_SCHEDULE:
		a->schedule.when = v->schedule.when;
		a->schedule.every = v->schedule.every;
		a->schedule.daily = v->schedule.daily;
		a->schedule.from = v->schedule.from;
		a->schedule.until = v->schedule.until;
		break;
	case OPT_ANY:
	case OPT_GROUP:
	case OPT_ACCOUNTS:
	case OPT_ITEMS:
		break;
	}
}

int
value_read(const struct option *o, const struct node *key, const struct node *n,
    void *base, struct diags *diags)
{
	struct reading r = { o, key, diags };
	CLEANUP(value_clear) struct value v = { 0 };

	if (n->bad || value_parse(&r, n, &v) == -1)
		return -1;
	if (base != NULL && o->at != OPT_NO_FIELD)
		store(o, base, &v);
	return 0;
}

/* The default as a node; the caller clears ${y}. */
static void
read_default(const struct option *o, struct yaml *y, const struct source *src)
{
	struct diags none;

	diags_init(&none);
	must(yaml_read(y, src, &none) == 0 && y->root != NULL && o->dflt != NULL);
	diags_clear(&none);
}

void
value_default(const struct option *o, void *base)
{
	if (o->dflt == NULL || o->at == OPT_NO_FIELD)
		return;
	char path[] = "/default";
	struct source src = { path, xstrdup(o->dflt), strlen(o->dflt) };
	struct diags none;
	struct yaml y;

	read_default(o, &y, &src);
	diags_init(&none);
	must(value_read(o, NULL, y.root, base, &none) == 0);
	diags_clear(&none);
	yaml_clear(&y);
	free(src.text);
}

static bool
same_node(const struct node *a, const struct node *b)
{
	bool empty_a = node_is_null(a) || (a->kind != NODE_SCALAR && a->n == 0);
	bool empty_b = node_is_null(b) || (b->kind != NODE_SCALAR && b->n == 0);
	bool yes_a, yes_b;

	if (empty_a || empty_b)
		return empty_a && empty_b;
	if (a->kind != b->kind || a->n != b->n)
		return false;
	if (a->kind == NODE_SCALAR) {
		if (scalar_bool(str_z(a->text), &yes_a) &&
		    scalar_bool(str_z(b->text), &yes_b))
			return yes_a == yes_b;
		return strcmp(a->text, b->text) == 0;
	}
	for (size_t i = 0; i < a->n; i++) {
		if (!same_node(a->item[i], b->item[i]))
			return false;
	}
	return true;
}

bool
value_is_default(const struct option *o, const struct node *n)
{
	if (o->dflt == NULL)
		return false;
	char path[] = "/default";
	struct source src = { path, xstrdup(o->dflt), strlen(o->dflt) };
	struct yaml y;

	read_default(o, &y, &src);
	bool same = same_node(y.root, n);
	yaml_clear(&y);
	free(src.text);
	return same;
}
