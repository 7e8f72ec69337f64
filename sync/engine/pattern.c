/* pattern.c — folder patterns, rename maps, policy_for. */
#include "engine/pattern.h"

#include <stdlib.h>

#include "base/mem.h"
#include "imap/use.h"

/* Linear in pattern times name: one place to come back to, the last star that
 * was met (a `**` swallows what any `*` before it could). */
bool
pattern_glob(struct str pattern, struct str name)
{
	size_t p = 0, n = 0, star_p = 0, star_n = 0, deep_p = 0, deep_n = 0;
	bool star = false, deep = false;

	if (str_eq(pattern, STR("*")))
		return true;
	while (n < name.n || p < pattern.n) {
		if (p + 1 < pattern.n && pattern.p[p] == '*' &&
		    pattern.p[p + 1] == '*') {
			p += 2;
			deep = true;
			deep_p = p;
			deep_n = n;
			star = false;
			continue;
		}
		if (p < pattern.n && pattern.p[p] == '*') {
			star = true;
			star_p = ++p;
			star_n = n;
			continue;
		}
		if (p < pattern.n && n < name.n &&
		    (pattern.p[p] == name.p[n] ||
		    (pattern.p[p] == '?' && name.p[n] != '/'))) {
			p++;
			n++;
			continue;
		}
		if (star && star_n < name.n && name.p[star_n] != '/') {
			p = star_p;
			n = ++star_n;
			continue;
		}
		if (deep && deep_n < name.n) {
			p = deep_p;
			n = ++deep_n;
			star = false;
			continue;
		}
		return false;
	}
	return true;
}

bool
pattern_folder(struct str pattern, struct str name, unsigned attrs)
{
	if (pattern.n > 0 && pattern.p[0] == '\\')
		return (attrs & use_of_name(pattern)) != 0;
	if (str_ieq(pattern, STR("INBOX")))
		return str_ieq(name, STR("INBOX"));
	return pattern_glob(pattern, name);
}

bool
pattern_selects(const struct strlist *rules, struct str name, unsigned attrs)
{
	for (size_t i = rules->n; i-- > 0;) {
		struct str rule = str_z(rules->v[i]);
		bool out = rule.n > 0 && rule.p[0] == '!';

		if (out)
			rule = str_from(rule, 1);
		if (pattern_folder(rule, name, attrs))
			return !out;
	}
	return false;
}

/* "a/<star>" against "a/x/y": what the star stands for, here across '/'. */
static bool
match_star(struct str pattern, struct str name, struct str *middle)
{
	size_t at = str_find(pattern, '*');
	struct str head = str_head(pattern, at), tail = str_from(pattern, at + 1);

	*middle = STR_NONE;
	if (at == pattern.n)
		return str_eq(pattern, name);
	if (name.n < head.n + tail.n || !str_starts(name, head) ||
	    !str_ends(name, tail))
		return false;
	*middle = str_head(str_from(name, head.n), name.n - head.n - tail.n);
	return true;
}

static char *
fill_star(struct str pattern, struct str middle)
{
	size_t at = str_find(pattern, '*');

	return xasprintf("%.*s%.*s%.*s", STR_ARG(str_head(pattern, at)),
	    STR_ARG(middle), STR_ARG(str_from(pattern, at + 1)));
}

static char *
map_name(char *const *from, char *const *to, size_t n, struct str name)
{
	for (size_t i = 0; i < n; i++) {
		struct str middle;

		if (match_star(str_z(from[i]), name, &middle))
			return fill_star(str_z(to[i]), middle);
	}
	return NULL;
}

char *
pattern_rename(const struct strmap *map, struct str name)
{
	return map_name(map->key, map->value, map->n, name);
}

char *
pattern_rename_back(const struct strmap *map, struct str name)
{
	/* "x": "<star>" would claim every local name: only names that map there
	 * and back again are its own. */
	for (size_t i = 0; i < map->n; i++) {
		struct str middle;
		char *back, *again;
		bool same;

		if (str_eq(str_z(map->value[i]), STR("*")) ||
		    !match_star(str_z(map->value[i]), name, &middle))
			continue;
		back = fill_star(str_z(map->key[i]), middle);
		again = pattern_rename(map, str_z(back));
		same = again != NULL && str_eq(str_z(again), name);
		free(again);
		if (same)
			return back;
		free(back);
	}
	return NULL;
}

struct policy
pattern_policy(const struct account_conf *conf, struct str name, unsigned attrs)
{
	for (size_t i = 0; i < conf->n_policy_for; i++)
		if (pattern_folder(str_z(conf->policy_for[i].pattern), name,
		    attrs))
			return conf->policy_for[i].policy;
	return conf->policy;
}
