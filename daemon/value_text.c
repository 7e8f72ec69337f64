/* value_text.c — a field as one would write it in the file. */
#include "value.h"

#include <ctype.h>
#include <string.h>

#include "base/mem.h"
#include "scalar.h"

/* The buffer is ours and unbounded enough; what is cut is only shown. */
static void
put(struct buf *out, const char *text)
{
	if (buf_add_str(out, str_z(text)) == -1)
		return;
}

static bool
is_plain(const char *text)
{
	if (*text == '\0' || strcmp(text, "null") == 0 ||
	    !(isalnum((unsigned char)*text) || strchr("/~._", *text) != NULL))
		return false;
	for (const char *p = text; *p != '\0'; p++) {
		if (!isalnum((unsigned char)*p) &&
		    strchr("/~._-+@=% ", *p) == NULL && (unsigned char)*p < 0x80)
			return false;
	}
	return text[strlen(text) - 1] != ' ';
}

static void
put_word(struct buf *out, const char *text)
{
	if (is_plain(text)) {
		put(out, text);
		return;
	}
	put(out, "'");
	for (; *text != '\0'; text++) {
		char one[3] = { *text, *text == '\'' ? '\'' : '\0', '\0' };

		put(out, one);
	}
	put(out, "'");
}

static void
put_list(struct buf *out, const struct strlist *l)
{
	put(out, "[");
	for (size_t i = 0; i < l->n; i++) {
		put(out, i > 0 ? ", " : "");
		put_word(out, l->v[i]);
	}
	put(out, "]");
}

/* What "nothing" is called for this option. */
static void
put_nothing(struct buf *out, const struct option *o)
{
	put(out, o->dflt != NULL ? o->dflt : "null");
}

static void
put_map(struct buf *out, const struct strmap *m)
{
	put(out, "{");
	for (size_t i = 0; i < m->n; i++) {
		put(out, i > 0 ? ", " : "");
		put_word(out, m->key[i]);
		put(out, ": ");
		put_word(out, m->value[i]);
	}
	put(out, "}");
}

static void
put_policy_for(struct buf *out, const struct account_conf *a)
{
	char text[SCALAR_TEXT_MAX];

	put(out, "{");
	for (size_t i = 0; i < a->n_policy_for; i++) {
		put(out, i > 0 ? ", " : "");
		put_word(out, a->policy_for[i].pattern);
		put(out, ": ");
		scalar_fmt_policy(&a->policy_for[i].policy, text);
		put(out, text);
	}
	put(out, "}");
}

static void
put_schedule(struct buf *out, const struct account_conf *a)
{
	char text[SCALAR_TEXT_MAX];

	if (a->schedule.every == 0) {
		put(out, a->schedule.when == SCHEDULE_MANUAL ? "manual" :
		    "always");
		return;
	}
	if (a->schedule.daily) {
		snprintf(text, sizeof(text), "\"daily %02d:%02d-%02d:%02d\"",
		    a->schedule.from / 60, a->schedule.from % 60,
		    a->schedule.until / 60, a->schedule.until % 60);
		put(out, text);
		return;
	}
	scalar_fmt_duration(a->schedule.every, text);
	put(out, "every ");
	put(out, text);
}

static void
put_enum(struct buf *out, const struct option *o, int value)
{
	struct str rest = str_z(o->words), w = STR_NONE;

	for (int i = 0; i <= value; i++) {
		if (!option_word(&rest, &w))
			return;
	}
	if (buf_add_str(out, w) == -1)
		return;
}

static void
put_number(struct buf *out, const struct option *o, int64_t n)
{
	char text[SCALAR_TEXT_MAX];

	if (o->type == OPT_INT)
		snprintf(text, sizeof(text), "%lld", (long long)n);
	else if (o->type == OPT_VERSION)
		snprintf(text, sizeof(text), "\"%d.%d\"", (int)(n / 10 % 10),
		    (int)(n % 10));
	else if (n == 0 && o->dflt != NULL && strcmp(o->dflt, "null") == 0)
		snprintf(text, sizeof(text), "null");
	else if (o->type == OPT_DURATION && n == USEC_NEVER)
		snprintf(text, sizeof(text), "forever");
	else if (o->type == OPT_DURATION)
		scalar_fmt_duration(n, text);
	else
		scalar_fmt_size(n, text);
	put(out, text);
}

void
value_text(const struct option *o, const void *base, struct buf *out)
{
	const char *field = (const char *)base + o->at;
	const struct strlist *list = (const struct strlist *)field;
	char text[SCALAR_TEXT_MAX];

	must(o->at != OPT_NO_FIELD);
	switch (o->type) {
	case OPT_BOOL:
		put(out, *(const bool *)field ? "yes" : "no");
		break;
	case OPT_ENUM:
		put_enum(out, o, *(const int *)field);
		break;
	case OPT_INT:
	case OPT_VERSION:
	case OPT_DURATION:
	case OPT_SIZE:
		put_number(out, o, *(const int64_t *)field);
		break;
	case OPT_TEXT:
	case OPT_PATH:
		if (*(char *const *)field != NULL)
			put_word(out, *(char *const *)field);
		else
			put_nothing(out, o);
		break;
	case OPT_LIST:
		if (list->n == 0 && o->words != NULL)
			put_nothing(out, o);
		else
			put_list(out, list);
		break;
	case OPT_COMMAND:
		if (list->n == 1)
			put_word(out, list->v[0]);
		else if (list->n > 1)
			put_list(out, list);
		else
			put_nothing(out, o);
		break;
	case OPT_MAP:
		put_map(out, (const struct strmap *)field);
		break;
	case OPT_POLICY:
		scalar_fmt_policy((const struct policy *)field, text);
		put(out, text);
		break;
	case OPT_POLICY_FOR:
		put_policy_for(out, base);
		break;
	case OPT_SCHEDULE:
		put_schedule(out, base);
		break;
	case OPT_ANY:
	case OPT_GROUP:
	case OPT_ACCOUNTS:
	case OPT_ITEMS:
		break;
	}
}
