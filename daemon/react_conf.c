/* react_conf.c — what the hooks of syncd.yaml must be like. */
#include "react_conf.h"

#include <string.h>

#include "base/num.h"
#include "react.h"
#include "scalar.h"

bool
react_rate(const char *text, size_t *n, usec *per)
{
	struct str rest = str_z(text), count = str_split(&rest, '/');
	uint64_t many;

	if (!num_u64(count, 1, REACT_RATE_MAX, &many))
		return false;
	*n = (size_t)many;
	return scalar_duration(rest, per) && *per > 0;
}

static bool
missing(const struct node *value, const char *key, struct diags *diags)
{
	if (!value->bad)
		diag_caret(diags_add(diags, DIAG_ERROR, "config.missing-key",
		    &value->at, "a hook without `%s`", key), "add `%s:`", key);
	return false;
}

bool
react_conf_check(const struct react_conf *r, const struct node *value,
    struct diags *diags)
{
	size_t n;
	usec per;

	if (value->bad || value->kind != NODE_MAP)
		return false;
	if (r->events.n == 0)
		return missing(value, "events", diags);
	if (r->run.n == 0)
		return missing(value, "run", diags);
	if (r->rate == NULL || react_rate(r->rate, &n, &per))
		return true;
	diag_caret(diags_add(diags, DIAG_ERROR, "config.bad-value",
	    &node_get(value, "rate")->at, "`rate` is no rate"),
	    "expected NUMBER/DURATION, such as 5/1m");
	return false;
}

static bool
same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool
same_list(const struct strlist *a, const struct strlist *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->v[i], b->v[i]) != 0)
			return false;
	return true;
}

bool
react_conf_equal(const struct react_conf *a, const struct react_conf *b)
{
	return same_list(&a->events, &b->events) && same_list(&a->run, &b->run) &&
	    same_text(a->match.account, b->match.account) &&
	    same_text(a->match.folder, b->match.folder) &&
	    a->match.needs_user == b->match.needs_user &&
	    a->debounce == b->debounce && a->timeout == b->timeout &&
	    same_list(&a->retry_on, &b->retry_on) &&
	    same_text(a->rate, b->rate) && a->markup == b->markup;
}
