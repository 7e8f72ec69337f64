/* status_line.c — a status in one line, for bars: --format and --waybar. */
#include "cli/status.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/mem.h"
#include "js.h"
#include "report.h"

enum { LINE_MAX_BYTES = 64 << 10 };

struct summary {
	uint64_t	 unseen, messages;
	size_t		 accounts, live, problems;
	enum light	 light;
	const char	*problem;	/* the first one's text, or "" */
	bool		 running;
};

static void
add_account(struct summary *s, const json_t *a)
{
	const json_t *problems = json_object_get(a, "problems");
	const char *text = js_get(json_array_get(problems, 0), "message");
	enum light light = status_light(a);

	s->accounts++;
	s->live += light == LIGHT_GOOD;
	s->problems += json_array_size(problems);
	s->messages += (uint64_t)js_int(json_object_get(a, "totals"), "messages", 0);
	if (light > s->light)
		s->light = light;
	if (text != NULL && s->problem[0] == '\0')
		s->problem = text;
}

static struct summary
sum_up(const struct conf *conf, const json_t *status)
{
	struct summary s = { .problem = "", .light = LIGHT_GOOD,
	    .running = js_bool(status, "running") };
	json_t *a;
	size_t i;

	json_array_foreach(json_object_get(status, "accounts"), i, a) {
		const char *name = js_get(a, "account");

		add_account(&s, a);
		for (size_t k = 0; name != NULL && k < conf->n_accounts; k++)
			if (strcmp(conf->account[k].name, name) == 0)
				s.unseen += report_unseen(conf,
				    &conf->account[k]);
	}
	return s;
}

static const char *
state_of(const struct summary *s)
{
	static const char *const words[] = { "ok", "waiting", "problem" };

	return s->running ? words[s->light] : "stopped";
}

/* ---- --format --------------------------------------------------------- */

static bool
number_of(const struct summary *s, struct str key, uint64_t *n)
{
	const struct {
		const char	*key;
		uint64_t	 n;
	} numbers[] = {
		{ "unseen", s->unseen }, { "messages", s->messages },
		{ "accounts", s->accounts }, { "live", s->live },
		{ "problems", s->problems }
	};

	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		if (str_eq(key, str_z(numbers[i].key))) {
			*n = numbers[i].n;
			return true;
		}
	return false;
}

/* What is no placeholder stays as it stands: a bar's own braces do no harm. */
static int
put_template(const struct summary *s, struct str rest, struct buf *out)
{
	while (rest.n > 0) {
		size_t open = str_find(rest, '{');
		struct str inner = str_from(rest, open + 1), key;
		size_t close = str_find(inner, '}');
		uint64_t n;
		int rc;

		if (buf_add_str(out, str_head(rest, open)) < 0)
			return -1;
		if (open >= rest.n || close >= inner.n)
			return open >= rest.n ? 0 : buf_add_str(out,
			    str_from(rest, open));
		key = str_head(inner, close);
		if (number_of(s, key, &n))
			rc = buf_fmt(out, "%" PRIu64, n);
		else if (str_eq(key, STR("state")))
			rc = buf_fmt(out, "%s", state_of(s));
		else if (str_eq(key, STR("problem")))
			rc = buf_fmt(out, "%s", s->problem);
		else
			rc = buf_fmt(out, "{%.*s}", (int)key.n, key.p);
		if (rc < 0)
			return -1;
		rest = str_from(inner, close + 1);
	}
	return 0;
}

/* ---- --waybar --------------------------------------------------------- */

/* A tooltip is Pango's markup, and what a server says must be none. */
static int
put_escaped(struct buf *out, const char *text)
{
	for (; text != NULL && *text != '\0'; text++) {
		const char *name = *text == '<' ? "&lt;" : *text == '>' ? "&gt;" :
		    *text == '&' ? "&amp;" : NULL;

		if (buf_add(out, name != NULL ? name : text,
		    name != NULL ? strlen(name) : 1) < 0)
			return -1;
	}
	return 0;
}

static char *
waybar(const struct summary *s, const json_t *status)
{
	struct buf tip;
	json_t *a, *v;
	char *text, n[32];
	size_t i;

	buf_init(&tip, LINE_MAX_BYTES);
	json_array_foreach(json_object_get(status, "accounts"), i, a) {
		const json_t *first =
		    json_array_get(json_object_get(a, "problems"), 0);
		const char *why = js_get(first, "message");

		if (buf_fmt(&tip, "%s%s: %s%s", i > 0 ? "\n" : "",
		    js_get(a, "account"), js_get(a, "state"),
		    why != NULL ? ", " : "") < 0 || put_escaped(&tip, why) < 0)
			break;
	}
	snprintf(n, sizeof(n), "%" PRIu64, s->unseen);
	v = json_pack("{s:s, s:s, s:o, s:s, s:i}", "text", n,
	    "alt", state_of(s), "tooltip", js_text(buf_str(&tip)),
	    "class", state_of(s), "percentage",
	    s->accounts > 0 ? (int)(100 * s->live / s->accounts) : 0);
	text = js_dump(v);
	json_decref(v);
	buf_clear(&tip);
	return text;
}

char *
status_line(const struct cli *cli, const struct conf *conf,
    const json_t *status)
{
	struct summary s = sum_up(conf, status);
	struct buf out;
	char *text;

	if (cli->waybar)
		return waybar(&s, status);
	buf_init(&out, LINE_MAX_BYTES);
	(void)put_template(&s, str_z(cli->format), &out);
	text = str_dup(buf_str(&out));
	buf_clear(&out);
	return text;
}
