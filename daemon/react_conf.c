/* react_conf.c — what the hooks of syncd.yaml must be like. */
#include "react_conf.h"

#include <string.h>

#include "base/attr.h"
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

static bool
is_shell(const char *program)
{
	static const char *const shells[] = { "sh", "ash", "bash", "dash", "fish",
	    "ksh", "mksh", "zsh" };
	const char *slash = strrchr(program, '/'),
	    *name = slash != NULL ? slash + 1 : program;

	for (size_t i = 0; i < ARRAY_LEN(shells); i++)
		if (strcmp(name, shells[i]) == 0)
			return true;
	return false;
}

/* "-c", "-lc": the next word is a line for the shell. */
static bool
gives_line(const char *word)
{
	size_t n = strlen(word);

	return n > 1 && word[0] == '-' && word[1] != '-' && word[n - 1] == 'c';
}

static bool
has_placeholder(const char *text)
{
	while ((text = strchr(text, '{')) != NULL) {
		size_t n = strspn(++text, "abcdefghijklmnopqrstuvwxyz_");

		if (n > 0 && text[n] == '}')
			return true;
	}
	return false;
}

/* A subject in a line of the shell is a command of whoever wrote it. */
static bool
is_open_to_senders(const struct strlist *run)
{
	for (size_t i = 2; i < run->n; i++)
		if (gives_line(run->v[i - 1]) && has_placeholder(run->v[i]))
			return is_shell(run->v[0]);
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
	if (is_open_to_senders(&r->run)) {
		struct diag *d = diags_add(diags, DIAG_ERROR, "config.bad-value",
		    &node_get(value, "run")->at,
		    "a placeholder in a line for the shell");

		diag_caret(d, "whoever sends mail could write commands there");
		diag_help(d, "an argument is safe: [sh, -c, 'echo \"$$1\"', sh, "
		    "'{subject}']");
		return false;
	}
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
