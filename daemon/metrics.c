/* metrics.c — the state of all accounts as lines of Prometheus' text format. */
#include "metrics.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "js.h"

enum { EVERY_S = 15, TEXT_MAX = 16 << 20 };

/* A label's value: backslash, quote and newline are escaped. */
static int
put_label(struct buf *b, const char *text)
{
	for (; *text != '\0'; text++) {
		int r = *text == '\n' ? buf_add(b, "\\n", 2) :
		    *text == '"' || *text == '\\' ?
		    buf_fmt(b, "\\%c", *text) : buf_add(b, text, 1);

		if (r < 0)
			return -1;
	}
	return 0;
}

static int
put_value(struct buf *b, const char *name, const char *account,
    const char *more, json_int_t value)
{
	if (buf_fmt(b, "%s{account=\"", name) < 0 || put_label(b, account) < 0)
		return -1;
	return buf_fmt(b, "\"%s} %" JSON_INTEGER_FORMAT "\n", more, value);
}

static int
put_metric(struct buf *b, const char *account, const char *script,
    const char *name, json_int_t value)
{
	if (buf_fmt(b, "syncd_script_metric{account=\"") < 0 ||
	    put_label(b, account) < 0 || buf_fmt(b, "\",script=\"") < 0 ||
	    put_label(b, script) < 0 || buf_fmt(b, "\",name=\"") < 0 ||
	    put_label(b, name) < 0)
		return -1;
	return buf_fmt(b, "\"} %" JSON_INTEGER_FORMAT "\n", value);
}

static json_int_t
problems_of(const json_t *status, const char *severity)
{
	json_t *problem;
	json_int_t n = 0;
	size_t i;

	json_array_foreach(json_object_get(status, "problems"), i, problem) {
		const char *has = js_get(problem, "severity");

		n += has != NULL && strcmp(has, severity) == 0;
	}
	return n;
}

struct figure {
	const char	*name, *help, *type;
	const char	*more;		/* further labels */
	json_int_t	 (*value)(const struct account *a, const json_t *status);
};

static json_int_t
last_success(const struct account *a, const json_t *status)
{
	(void)status;
	return a->succeeded || a->ok_noted != 0 ? a->last_ok / 1000000 : 0;
}

static json_int_t
last_attempt(const struct account *a, const json_t *status)
{
	(void)status;
	return a->last_try / 1000000;
}

static json_int_t
warnings(const struct account *a, const json_t *status)
{
	(void)a;
	return problems_of(status, "warning");
}

static json_int_t
errors(const struct account *a, const json_t *status)
{
	(void)a;
	return problems_of(status, "error");
}

static json_int_t
messages(const struct account *a, const json_t *status)
{
	(void)a;
	return js_int(json_object_get(status, "totals"), "messages", 0);
}

static json_int_t
running(const struct account *a, const json_t *status)
{
	(void)status;
	return account_running(a);
}

static const struct figure figures[] = {
	{ "syncd_last_success_timestamp_seconds", "the last time that every "
	    "folder reached what the server reported; 0: not yet", "gauge", "",
	    last_success },
	{ "syncd_last_attempt_timestamp_seconds", "the last time that this was "
	    "tried; 0: not yet", "gauge", "", last_attempt },
	{ "syncd_problems", "what status shows", "gauge",
	    ",severity=\"warning\"", warnings },
	{ "syncd_problems", NULL, NULL, ",severity=\"error\"", errors },
	{ "syncd_messages", "messages, by the server's counts", "gauge",
	    ",side=\"server\"", messages },
	{ "syncd_worker_running", "whether a process works on the account",
	    "gauge", "", running },
};

/* What scripts count. */
static int
put_scripts(const struct parent *p, struct buf *b)
{
	int r = buf_fmt(b, "# HELP syncd_script_metric what scripts count by "
	    "metric(), since the account's process began\n"
	    "# TYPE syncd_script_metric gauge\n");

	for (size_t k = 0; k < p->n && r == 0; k++) {
		json_t *status = account_status(p->account[k]), *one, *value;
		const char *name;
		size_t i;

		json_array_foreach(json_object_get(status, "plugins"), i, one)
			json_object_foreach(json_object_get(one, "metrics"),
			    name, value) {
				r = r < 0 ? r : put_metric(b,
				    p->account[k]->name, js_get(one, "name"),
				    name, json_integer_value(value));
			}
		json_decref(status);
	}
	return r;
}

static int
put_figures(const struct parent *p, struct buf *b)
{
	int r = buf_fmt(b, "# HELP syncd_build_info what is running\n"
	    "# TYPE syncd_build_info gauge\n"
	    "syncd_build_info{version=\"%s\"} 1\n", SYNCD_VERSION);

	for (size_t i = 0; i < ARRAY_LEN(figures) && r == 0; i++) {
		const struct figure *f = &figures[i];

		if (f->help != NULL)
			r = buf_fmt(b, "# HELP %s %s\n# TYPE %s %s\n", f->name,
			    f->help, f->name, f->type);
		for (size_t k = 0; k < p->n && r == 0; k++) {
			json_t *status = account_status(p->account[k]);

			r = put_value(b, f->name, p->account[k]->name, f->more,
			    f->value(p->account[k], status));
			json_decref(status);
		}
	}
	return r;
}

static int
replace_file(const char *path, const struct buf *b)
{
	char *beside = xasprintf("%s.%d", path, (int)getpid());
	/* The exporter is another user. */
	int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	int r = fd >= 0 && write(fd, b->p, b->n) == (ssize_t)b->n ? 0 : -1;

	if (fd >= 0 && fchmod(fd, 0644) < 0)
		r = -1;
	if (fd >= 0)
		close(fd);
	if (r == 0)
		r = rename(beside, path);
	if (r < 0)
		(void)unlink(beside);
	free(beside);
	return r;
}

void
metrics_write(struct parent *p)
{
	struct err err;
	struct buf b;

	if (p->conf->metrics_file == NULL)
		return;
	buf_init(&b, TEXT_MAX);
	if (put_figures(p, &b) < 0 || put_scripts(p, &b) < 0 ||
	    replace_file(p->conf->metrics_file, &b) < 0) {
		err_sys(&err, ERR_LOCAL, "store.io", "%s",
		    p->conf->metrics_file);
		log_warn("metrics: %s", err.text);
	}
	buf_clear(&b);
}

void
metrics_step(struct parent *p)
{
	if (p->opts->once || p->conf->metrics_file == NULL ||
	    clock_now() < p->metrics)
		return;
	metrics_write(p);
	p->metrics = clock_in(USEC_S(EVERY_S));
}

usec
metrics_deadline(const struct parent *p)
{
	return p->opts->once || p->conf->metrics_file == NULL ? USEC_NEVER :
	    p->metrics;
}
