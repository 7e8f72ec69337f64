/*
 * doctor.c — `syncd doctor`: the surroundings, the configuration and what is wrong,
 * in a report that can be shown to others.  Names of accounts, users, addresses,
 * hosts and the home are replaced, unless --full-names; subjects and secrets are
 * not in what is reported at all.
 */
#include "cli/cli.h"

#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/mem.h"
#include "cli/status.h"
#include "text.h"
#include "config.h"
#include "cred.h"
#include "diag.h"
#include "js.h"
#include "provider.h"

enum { LINE_BYTES_MAX = 64 << 10 };

/* What is not to be told, and what stands for it. */
struct word {
	char	*is, *shown;
};

struct doctor {
	const struct cli *cli;
	struct word	*word;
	size_t		 n, cap;
};

/* ---- leaving things out ----------------------------------------------- */

static void PRINTF(3, 4)
hide(struct doctor *d, const char *is, const char *fmt, ...)
{
	va_list ap;
	char *shown;

	if (is == NULL || is[0] == '\0' || d->cli->full_names)
		return;
	va_start(ap, fmt);
	must(vasprintf(&shown, fmt, ap) >= 0);
	va_end(ap);
	d->word = array_room(d->word, d->n, &d->cap, sizeof(*d->word));
	d->word[d->n++] = (struct word){ xstrdup(is), shown };
}

/* The longest first: "ann@example.org" before "example.org". */
static int
longest_first(const void *a, const void *b)
{
	const struct word *x = a, *y = b;
	size_t nx = strlen(x->is), ny = strlen(y->is);

	return (nx < ny) - (nx > ny);
}

static void
collect_words(struct doctor *d, const struct conf *conf)
{
	char host[256] = "";

	hide(d, getenv("HOME"), "~");
	if (gethostname(host, sizeof(host) - 1) == 0)
		hide(d, host, "HOST");
	for (size_t i = 0; conf != NULL && i < conf->n_accounts; i++) {
		const struct account_conf *a = &conf->account[i];

		hide(d, a->name, "account%zu", i + 1);
		hide(d, a->email, "EMAIL%zu", i + 1);
		hide(d, a->user, "USER%zu", i + 1);
		hide(d, a->host, "SERVER%zu", i + 1);
		hide(d, a->path, "MAIL%zu", i + 1);
	}
	if (d->n > 0)
		qsort(d->word, d->n, sizeof(*d->word), longest_first);
}

/* Anything that still looks like an address goes, too. */
static size_t
address_at(const char *p)
{
	static const char part[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-";
	size_t n = strspn(p, part), m;

	if (n == 0 || p[n] != '@')
		return 0;
	m = strspn(p + n + 1, part);
	return m > 0 ? n + 1 + m : 0;
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9');
}

static const struct word *
word_at(const struct doctor *d, const char *text, const char *p)
{
	for (size_t i = 0; i < d->n; i++) {
		size_t n = strlen(d->word[i].is);

		/* A whole word: an account called "a" is no letter of others. */
		if (strncmp(p, d->word[i].is, n) == 0 && !is_letter(p[n]) &&
		    (p == text || !is_letter(p[-1])))
			return &d->word[i];
	}
	return NULL;
}

static void
put(const struct doctor *d, const char *text)
{
	struct buf out;
	char *shown;
	int rc = 0;

	buf_init(&out, LINE_BYTES_MAX);
	for (const char *p = text; *p != '\0' && rc == 0;) {
		const struct word *w = word_at(d, text, p);
		size_t n = d->cli->full_names ? 0 : address_at(p);

		if (w != NULL) {
			rc = buf_add_str(&out, str_z(w->shown));
			p += strlen(w->is);
		} else if (n > 0) {
			rc = buf_add_str(&out, STR("<address>"));
			p += n;
		} else {
			rc = buf_add(&out, p++, 1);
		}
	}
	shown = str_dup(buf_str(&out));
	text_put(shown);
	free(shown);
	buf_clear(&out);
}

static void PRINTF(2, 3)
say(const struct doctor *d, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	must(vasprintf(&text, fmt, ap) >= 0);
	va_end(ap);
	put(d, text);
	putchar('\n');
	free(text);
}

/* ---- the surroundings ------------------------------------------------- */

/* The first line of a file that begins with ${key}, or "". */
static void
line_of(const char *path, const char *key, char *out, size_t cap)
{
	FILE *f = fopen(path, "re");
	char text[512];

	out[0] = '\0';
	while (f != NULL && out[0] == '\0' && fgets(text, sizeof(text), f) != NULL)
		if (strncmp(text, key, strlen(key)) == 0) {
			text[strcspn(text, "\n")] = '\0';
			snprintf(out, cap, "%s", text + strlen(key));
		}
	if (f != NULL)
		fclose(f);
}

static void
surroundings(const struct doctor *d)
{
	struct utsname u = { 0 };
	struct rlimit rl = { 0 };
	const struct passwd *pw = getpwuid(geteuid());
	char os[256], watches[64], linger[300];

	uname(&u);
	line_of("/etc/os-release", "PRETTY_NAME=", os, sizeof(os));
	line_of("/proc/sys/fs/inotify/max_user_watches", "", watches,
	    sizeof(watches));
	getrlimit(RLIMIT_NOFILE, &rl);
	snprintf(linger, sizeof(linger), "/var/lib/systemd/linger/%s",
	    pw != NULL ? pw->pw_name : "?");
	say(d, "syncd %s", SYNCD_VERSION);
	say(d, "system: %s, %s %s %s", os[0] != '\0' ? os : "?", u.sysname,
	    u.release, u.machine);
	say(d, "limits: %s inotify watches, %ju open files",
	    watches[0] != '\0' ? watches : "?", (uintmax_t)rl.rlim_cur);
	say(d, "session: %s, %s, linger %s",
	    access("/run/systemd/system", F_OK) == 0 ? "systemd" : "no systemd",
	    getenv("XDG_RUNTIME_DIR") != NULL ? "XDG_RUNTIME_DIR is set" :
	    "no XDG_RUNTIME_DIR", access(linger, F_OK) == 0 ? "on" : "off");
}

static void
space_of(const struct doctor *d, const char *what, const char *path)
{
	struct statvfs v;
	char space[32];

	if (statvfs(path, &v) < 0) {
		say(d, "%s: %s is not there", what, path);
		return;
	}
	text_bytes((uint64_t)v.f_bavail * v.f_frsize, space, sizeof(space));
	say(d, "%s: %s, %s free%s", what, path, space,
	    v.f_flag & ST_RDONLY ? ", read-only" : "");
}

static void
accounts(const struct doctor *d, const struct conf *conf)
{
	for (size_t i = 0; i < conf->n_accounts; i++) {
		const struct account_conf *a = &conf->account[i];
		const struct provider *p = a->email != NULL ?
		    provider_find(str_z(a->email)) : NULL;
		struct err err = { 0 };

		say(d, "%s: %s, port %" PRId64 ", secret by %s%s%s", a->name,
		    p != NULL ? p->name : "a server of its own", a->port,
		    cred_source(a), cred_check(a, &err) < 0 ? ": " : "",
		    err.text);
		space_of(d, "  mail", a->path);
	}
}

static void
problems(const struct doctor *d, const json_t *status)
{
	json_t *a, *p;
	size_t i, k;

	say(d, "daemon: %s", js_bool(status, "running") ? "running" :
	    "not running");
	json_array_foreach(json_object_get(status, "accounts"), i, a) {
		const json_t *t = json_object_get(a, "transport");

		say(d, "%s: %s, policy %s, %s %s, push %s, delta %s, server %s",
		    js_get(a, "account"), js_get(a, "state"),
		    js_get(a, "policy") != NULL ? js_get(a, "policy") : "-",
		    js_get(t, "tls") != NULL ? js_get(t, "tls") : "-",
		    js_get(t, "mechanism") != NULL ? js_get(t, "mechanism") : "-",
		    js_get(t, "push") != NULL ? js_get(t, "push") : "-",
		    js_get(t, "delta") != NULL ? js_get(t, "delta") : "-",
		    js_get(t, "server") != NULL ? js_get(t, "server") : "-");
		json_array_foreach(json_object_get(a, "problems"), k, p)
			say(d, "  [%s] %s (%" JSON_INTEGER_FORMAT " times)",
			    js_get(p, "code"), js_get(p, "message"),
			    js_int(p, "count", 1));
	}
}

static void
mistakes(const struct doctor *d, const struct diags *ds)
{
	say(d, "configuration: %zu mistakes, %zu remarks", ds->n_errors,
	    ds->n - ds->n_errors);
	for (size_t i = 0; i < ds->n && i < 20; i++)
		say(d, "  [%s] %s", ds->v[i].code, ds->v[i].text);
}

int
verb_doctor(struct cli *cli)
{
	struct doctor d = { .cli = cli };
	struct diags ds;
	struct conf *conf;
	json_t *status = NULL;
	int code = 0;

	diags_init(&ds);
	conf = config_load(cli->config_file, &ds);
	collect_words(&d, conf);
	surroundings(&d);
	mistakes(&d, &ds);
	if (conf != NULL) {
		for (size_t i = 0; i < conf->files.n; i++)
			say(&d, "  read %s", conf->files.v[i]);
		space_of(&d, "state", conf->state_dir);
		accounts(&d, conf);
		status = status_ask(cli, conf, &code);
	}
	if (status != NULL)
		problems(&d, status);
	if (conf == NULL)
		code = EX_CONFIG;
	else if (status != NULL && status_any_problem(status))
		code = EXIT_ATTENTION;
	json_decref(status);
	config_free(conf);
	diags_clear(&ds);
	for (size_t i = 0; i < d.n; i++) {
		free(d.word[i].is);
		free(d.word[i].shown);
	}
	free(d.word);
	return code;
}
