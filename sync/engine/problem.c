/* problem.c — called by whoever meets with trouble and goes on. */
#include "engine/problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "engine/account.h"

enum { SAID_MAX = 32 };

/* Is that not in the log yet?  Each of several messages has a text of its own; there
 * may be any number of them, and some of it is the server's. */
static bool
is_news(struct problem *p, const char *text)
{
	for (size_t i = 0; i < p->said.n; i++)
		if (strcmp(p->said.v[i], text) == 0)
			return false;
	if (p->said.n == SAID_MAX)
		return false;
	strlist_add(&p->said, text);
	return true;
}

void
problem_open(struct account *acc, enum problem_severity severity,
    const char *code, const struct folder *f, const char *remedy,
    const char *fmt, ...)
{
	const char *where = f != NULL ? f->name : "";
	struct problem *p = NULL;
	char text[480];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	str_plain(text);
	for (size_t i = 0; i < acc->n_problems; i++)
		if (strcmp(acc->problem[i].code, code) == 0 &&
		    strcmp(acc->problem[i].where, where) == 0)
			p = &acc->problem[i];
	if (p == NULL) {
		acc->problem = array_room(acc->problem, acc->n_problems,
		    &acc->cap_problems, sizeof(*acc->problem));
		p = &acc->problem[acc->n_problems++];
		*p = (struct problem){
			.code = code,
			.severity = severity,
			.where = xstrdup(where),
			.remedy = xstrdup(remedy),
			.since = clock_wall(),
			.needs_user = severity == PROBLEM_ERROR,
		};
	}
	p->count++;
	free(p->message);
	p->message = xstrdup(text);
	if (is_news(p, text))
		log_at(severity == PROBLEM_ERROR ? LOG_LV_ERROR : LOG_LV_WARN,
		    "%s%s[%s] %s", where, where[0] != '\0' ? " " : "", code, text);
}

char *
problem_target(const struct account *acc, const struct folder *f)
{
	char *name = xasprintf("%s/%s", acc->conf->name, f->name);
	size_t cap = STR_SHELL_ROOM(strlen(name));
	char *word = xmalloc(cap);

	str_shell(name, word, cap);
	free(name);
	return word;
}

/* Of messages in quarantine: over when they are tried again, not when the rest of
 * the folder is settled. */
static const char *const quarantine[] = {
	"server.poison", "server.refused-message", "server.too-big",
};

static bool
is_quarantine(const char *code)
{
	for (size_t i = 0; i < ARRAY_LEN(quarantine); i++)
		if (strcmp(quarantine[i], code) == 0)
			return true;
	return false;
}

static void
problem_free(struct problem *p)
{
	free(p->where);
	free(p->message);
	free(p->remedy);
	strlist_clear(&p->said);
}

void
problem_close(struct account *acc, const char *code, const struct folder *f)
{
	const char *where = f != NULL ? f->name : "";

	for (size_t i = 0; i < acc->n_problems;) {
		struct problem *p = &acc->problem[i];

		if (strcmp(p->where, where) != 0 || (code != NULL ?
		    strcmp(p->code, code) != 0 : is_quarantine(p->code))) {
			i++;
			continue;
		}
		problem_free(p);
		*p = acc->problem[--acc->n_problems];
	}
}

void
problem_close_quarantine(struct account *acc, const struct folder *f)
{
	for (size_t i = 0; i < ARRAY_LEN(quarantine); i++)
		problem_close(acc, quarantine[i], f);
}

void
problem_clear(struct account *acc)
{
	for (size_t i = 0; i < acc->n_problems; i++)
		problem_free(&acc->problem[i]);
	free(acc->problem);
}
