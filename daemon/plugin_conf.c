/* plugin_conf.c — the scripts of syncd.yaml. */
#include "plugin_conf.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "base/mem.h"
#include "engine/pattern.h"
#include "options.h"
#include "scalar.h"

/* The programs that scripts of ours run: what they are granted is fixed here, in
 * the process that grants it. */
static const struct {
	const char	*name;
	const char	*exec;
	bool		 send;
} ours[] = {
	{ "spam", "bogofilter rspamc spamc spamassassin sa-learn", false },
	{ "notify", "notify-send", false },
	{ "notmuch", "notmuch", false },
	{ "mu", "mu emacsclient", false },
	{ "calendar", "khal", false },
	{ "guard", "notify-send", false },
	{ "vacation", "", true },
};

/* ---- values ------------------------------------------------------------ */

static json_t *
scalar_json(const struct node *n)
{
	long long number;
	char *end;

	if (node_is_null(n))
		return json_null();
	if (n->plain && strcmp(n->text, "true") == 0)
		return json_true();
	if (n->plain && strcmp(n->text, "false") == 0)
		return json_false();
	number = strtoll(n->text, &end, 10);
	if (n->plain && end != n->text && *end == '\0')
		return json_integer(number);
	return json_string(n->text);
}

/* What is handed to the script; what "no" means is said by its own options. */
static json_t *
node_json(const struct node *n)
{
	json_t *out;

	switch (n->kind) {
	case NODE_LIST:
		out = json_array();
		for (size_t i = 0; i < n->n; i++)
			json_array_append_new(out, node_json(n->item[i]));
		return out;
	case NODE_MAP:
		out = json_object();
		for (size_t i = 0; i < n->n; i += 2)
			json_object_set_new(out, n->item[i]->text,
			    node_json(n->item[i + 1]));
		return out;
	default:
		return scalar_json(n);
	}
}

/* Where each option is written, for what scripts say about it. */
static char *
places_json(const struct node *config)
{
	json_t *out = json_object();
	char *text, place[PATH_MAX + 32];

	for (size_t i = 0; config != NULL && config->kind == NODE_MAP &&
	    i < config->n; i += 2) {
		const struct mark *at = &config->item[i + 1]->at;

		snprintf(place, sizeof(place), "%s:%u:%u", at->src->path,
		    at->line, at->col);
		json_object_set_new(out, config->item[i]->text,
		    json_string(place));
	}
	text = json_dumps(out, JSON_COMPACT);
	json_decref(out);
	return text;
}

/* ---- files ----------------------------------------------------------------- */

static bool
is_dir(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

char *
plugin_conf_lua_dir(void)
{
	static const char *const places[] = { "../lua", "../../lua",
	    "../share/syncd/lua" };
	char exe[PATH_MAX], *slash, *dir, *inside;
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	exe[n > 0 ? n : 0] = '\0';
	slash = strrchr(exe, '/');
	if (slash != NULL)
		*slash = '\0';
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		dir = xasprintf("%s/%s", exe, places[i]);
		inside = xasprintf("%s/plugins", dir);
		bool found = is_dir(inside);

		free(inside);
		if (found) {
			char *real = realpath(dir, NULL);

			free(dir);
			return real;
		}
		free(dir);
	}
	return xstrdup("/usr/share/syncd/lua");
}

/* ${dir}/NAME.lua or ${dir}/NAME/main.lua; takes ${dir}, may be NULL. */
static char *
look_in(char *dir, const char *name)
{
	char *path = NULL;

	for (int i = 0; dir != NULL && path == NULL && i < 2; i++) {
		path = i == 0 ? xasprintf("%s/%s.lua", dir, name) :
		    xasprintf("%s/%s/main.lua", dir, name);
		if (access(path, R_OK) < 0) {
			free(path);
			path = NULL;
		}
	}
	free(dir);
	return path;
}

static char *
home_dir(const char *xdg, const char *below)
{
	const char *dir = getenv(xdg), *home = getenv("HOME");

	if (dir != NULL && dir[0] == '/')
		return xasprintf("%s/syncd/plugins", dir);
	if (home != NULL && home[0] == '/')
		return xasprintf("%s/%s/syncd/plugins", home, below);
	return NULL;
}

/* By its name alone: the user's own come first. */
static char *
find_named(const char *name, bool *bundled)
{
	char *lua, *path = look_in(home_dir("XDG_CONFIG_HOME", ".config"), name);

	*bundled = false;
	if (path == NULL)
		path = look_in(home_dir("XDG_DATA_HOME", ".local/share"), name);
	if (path != NULL)
		return path;
	lua = plugin_conf_lua_dir();
	path = look_in(xasprintf("%s/plugins", lua), name);
	free(lua);
	*bundled = path != NULL;
	return path;
}

static char *
absolute(const struct node *value, const char *text)
{
	char *dir = xstrdup(value->at.src->path), *expanded, *path;
	char missing[SCALAR_TEXT_MAX];

	*strrchr(dir, '/') = '\0';
	expanded = scalar_expand(text, missing);
	path = scalar_path(expanded != NULL ? expanded : text, dir);
	free(expanded);
	free(dir);
	return path;
}

static char *
find_path(const struct node *value, const char *text)
{
	char *path = absolute(value, text), *inside;

	if (is_dir(path)) {
		inside = xasprintf("%s/main.lua", path);
		free(path);
		path = inside;
	}
	if (access(path, R_OK) == 0)
		return path;
	free(path);
	return NULL;
}

/* "spam" of ".../spam.lua" and of ".../spam/main.lua". */
static char *
name_of(const char *path)
{
	struct str s = str_z(path);
	const char *slash;

	if (str_ends(s, STR("/main.lua")))
		s.n -= strlen("/main.lua");
	else if (str_ends(s, STR(".lua")))
		s.n -= strlen(".lua");
	slash = memrchr(s.p, '/', s.n);
	if (slash != NULL)
		s = str_from(s, (size_t)(slash + 1 - s.p));
	return str_dup(s);
}

/* ---- resolving ---------------------------------------------------------------- */

static void
grant_ours(struct plugin_conf *p)
{
	for (size_t i = 0; i < ARRAY_LEN(ours); i++) {
		struct str rest = str_z(ours[i].exec), word;

		if (strcmp(ours[i].name, p->name) != 0)
			continue;
		p->allow.send = p->allow.send || ours[i].send;
		while (option_word(&rest, &word)) {
			char *text = str_dup(word);

			strlist_add(&p->allow.exec, text);
			free(text);
		}
	}
}

static void
make_absolute(struct strlist *l, const struct node *value)
{
	for (size_t i = 0; i < l->n; i++) {
		char *path = absolute(value, l->v[i]);

		free(l->v[i]);
		l->v[i] = path;
	}
}

static bool
first_of_name(struct loader *l, const struct plugin_conf *p,
    const struct node *value)
{
	for (size_t i = 0; i < l->conf->n_plugins; i++)
		if (strcmp(l->conf->plugin[i].name, p->name) == 0) {
			diags_add(l->diags, DIAG_ERROR, "config.duplicate-key",
			    &value->at, "the script `%s` is named twice",
			    p->name);
			return false;
		}
	return true;
}

bool
plugin_conf_resolve(struct loader *l, struct plugin_conf *p,
    const struct node *value)
{
	const struct node *config = node_get(value, "config");
	char *text = p->script;
	struct diag *d;
	json_t *j;

	if (value->bad)
		return false;
	if (text == NULL || *text == '\0') {
		diag_caret(diags_add(l->diags, DIAG_ERROR, "config.missing-key",
		    &value->at, "which script?"), "script: NAME, or a path");
		return false;
	}
	p->script = strpbrk(text, "/~$") != NULL || str_ends(str_z(text),
	    STR(".lua")) ? find_path(value, text) :
	    find_named(text, &p->bundled);
	if (p->script == NULL) {
		/* Mail goes on without it. */
		d = diags_add(l->diags, DIAG_WARNING, "config.no-script",
		    &value->at, "there is no script `%s`: it is left out",
		    text);
		diag_help(d, "a name is looked for in ~/.config/syncd/plugins; "
		    "syncd plugin list shows those that come with syncd");
		free(text);
		return false;
	}
	free(text);
	p->name = name_of(p->script);
	if (p->bundled)
		grant_ours(p);
	make_absolute(&p->allow.read, value);
	make_absolute(&p->allow.write, value);
	j = config != NULL && !node_is_null(config) ? node_json(config) :
	    json_object();
	free(p->config);
	p->config = json_dumps(j, JSON_COMPACT);
	json_decref(j);
	free(p->places);
	p->places = places_json(config);
	return first_of_name(l, p, value);
}

void
plugin_conf_share(struct conf *conf)
{
	for (size_t i = 0; i < conf->n_accounts; i++) {
		struct account_conf *a = &conf->account[i];

		for (size_t k = 0; k < conf->n_plugins; k++) {
			const struct plugin_conf *p = &conf->plugin[k];
			bool sees = false;

			for (size_t g = 0; g < p->accounts.n && !sees; g++)
				sees = pattern_glob(str_z(p->accounts.v[g]),
				    str_z(a->name));
			if (!sees)
				continue;
			a->plugin = xreallocarray(a->plugin, a->n_plugins + 1,
			    sizeof(*a->plugin));
			options_copy_plugin(&a->plugin[a->n_plugins++], p);
		}
	}
}
