/* scalar.c — words to values and back. */
#include "scalar.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/num.h"

enum { EXPANDED_MAX = 64 << 10 };

struct unit {
	const char	*name;
	int64_t		 value;
};

/* Smallest first. */
static const struct unit durations[] = {
	{ "ms", 1000 }, { "s", 1000000 }, { "m", 60 * 1000000LL },
	{ "h", 3600 * 1000000LL }, { "d", 86400 * 1000000LL },
	{ "w", 7 * 86400 * 1000000LL }, { "y", 365 * 86400 * 1000000LL },
};
static const struct unit sizes[] = {
	{ "B", 1 }, { "KiB", 1LL << 10 }, { "MiB", 1LL << 20 },
	{ "GiB", 1LL << 30 }, { "TiB", 1LL << 40 },
};

bool
scalar_bool(struct str s, bool *value)
{
	static const char *const yes[] = { "yes", "true", "on" };
	static const char *const no[] = { "no", "false", "off" };

	for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
		if (str_ieq(s, str_z(yes[i])) || str_ieq(s, str_z(no[i]))) {
			*value = str_ieq(s, str_z(yes[i]));
			return true;
		}
	}
	return false;
}

static bool
with_unit(struct str s, const struct unit *units, size_t n_units, int64_t *value)
{
	size_t digits = 0;
	uint64_t number;

	while (digits < s.n && isdigit((unsigned char)s.p[digits]))
		digits++;
	if (!num_u64(str_head(s, digits), 0, INT64_MAX, &number))
		return false;
	if (digits == s.n) {
		*value = 0;
		return number == 0;
	}
	for (size_t i = 0; i < n_units; i++) {
		if (!str_eq(str_from(s, digits), str_z(units[i].name)))
			continue;
		if (number > (uint64_t)(INT64_MAX / units[i].value))
			return false;
		*value = (int64_t)number * units[i].value;
		return true;
	}
	return false;
}

bool
scalar_duration(struct str s, usec *value)
{
	return with_unit(s, durations, ARRAY_LEN(durations), value);
}

bool
scalar_size(struct str s, int64_t *value)
{
	return with_unit(s, sizes, ARRAY_LEN(sizes), value);
}

bool
scalar_version(struct str s, int64_t *value)
{
	if (s.n != 3 || s.p[1] != '.' || !isdigit((unsigned char)s.p[0]) ||
	    !isdigit((unsigned char)s.p[2]))
		return false;
	*value = (s.p[0] - '0') * 10 + (s.p[2] - '0');
	return true;
}

/* "05:30", in minutes. */
static bool
clock_time(struct str s, int *minutes)
{
	uint32_t hour, minute;

	if (s.n != 5 || s.p[2] != ':' || !num_u32(str_head(s, 2), 0, 23, &hour) ||
	    !num_u32(str_from(s, 3), 0, 59, &minute))
		return false;
	*minutes = (int)(hour * 60 + minute);
	return true;
}

bool
scalar_schedule(struct str s, struct scalar_schedule *v)
{
	*v = (struct scalar_schedule){ .when = SCHEDULE_ALWAYS };
	if (str_eq(s, STR("always")))
		return true;
	if (str_eq(s, STR("manual"))) {
		v->when = SCHEDULE_MANUAL;
		return true;
	}
	if (str_starts(s, STR("every ")))
		return scalar_duration(str_trim(str_from(s, 6)), &v->every) &&
		    v->every >= USEC_S(1);
	if (!str_starts(s, STR("daily ")))
		return false;
	v->daily = true;
	v->every = USEC_S(86400);
	struct str to = str_trim(str_from(s, 6)), from = str_split(&to, '-');

	if (!clock_time(from, &v->from))
		return false;
	v->until = v->from;
	return to.p == NULL || clock_time(to, &v->until);
}

const char scalar_presets[] = "two-way pull backup archive push";
const char scalar_ops[] = "new flags delete";

static const struct preset {
	const char	*name;
	struct policy	 policy;
} presets[] = {
	{ "two-way", { POLICY_ALL, POLICY_ALL, false } },
	{ "pull", { POLICY_ALL, 0, false } },
	{ "backup", { POLICY_NEW | POLICY_FLAGS, 0, true } },
	{ "archive", { POLICY_NEW | POLICY_FLAGS, POLICY_NEW | POLICY_FLAGS,
	    false } },
	{ "push", { 0, POLICY_ALL, false } },
};
static const struct {
	const char	*name;
	unsigned	 op;
} ops[] = {
	{ "new", POLICY_NEW }, { "flags", POLICY_FLAGS },
	{ "delete", POLICY_DELETE },
};

bool
scalar_policy(struct str s, struct policy *value)
{
	for (size_t i = 0; i < ARRAY_LEN(presets); i++) {
		if (str_eq(s, str_z(presets[i].name))) {
			*value = presets[i].policy;
			return true;
		}
	}
	return false;
}

bool
scalar_op(struct str s, unsigned *op)
{
	for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
		if (str_eq(s, str_z(ops[i].name))) {
			*op = ops[i].op;
			return true;
		}
	}
	return false;
}

static void
fmt_unit(int64_t value, const struct unit *units, size_t n_units, char *out)
{
	size_t i = n_units - 1;

	if (value == 0) {
		snprintf(out, SCALAR_TEXT_MAX, "0");
		return;
	}
	while (i > 0 && value % units[i].value != 0)
		i--;
	snprintf(out, SCALAR_TEXT_MAX, "%lld%s",
	    (long long)(value / units[i].value), units[i].name);
}

void
scalar_fmt_duration(usec value, char *out)
{
	/* Weeks and years are for writing: "14d" should not come back as "2w". */
	fmt_unit(value, durations, 5, out);
}

void
scalar_fmt_size(int64_t value, char *out)
{
	fmt_unit(value, sizes, ARRAY_LEN(sizes), out);
}

static void
fmt_ops(unsigned set, char out[32])
{
	const char *sep = "";
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
		if ((set & ops[i].op) == 0)
			continue;
		n += (size_t)snprintf(out + n, 32 - n, "%s%s", sep, ops[i].name);
		sep = ", ";
	}
}

void
scalar_fmt_policy(const struct policy *p, char *out)
{
	char pull[32], push[32];

	for (size_t i = 0; i < ARRAY_LEN(presets); i++) {
		const struct policy *q = &presets[i].policy;

		if (p->pull == q->pull && p->push == q->push &&
		    p->readonly == q->readonly) {
			snprintf(out, SCALAR_TEXT_MAX, "%s", presets[i].name);
			return;
		}
	}
	fmt_ops(p->pull, pull);
	fmt_ops(p->push, push);
	snprintf(out, SCALAR_TEXT_MAX, "{pull: [%.20s], push: [%.20s]}", pull,
	    push);
}

static size_t
name_length(const char *p)
{
	size_t n = 0;

	while (isalnum((unsigned char)p[n]) || p[n] == '_')
		n++;
	return n;
}

/* The variable at ${p}, which is behind a dollar: its value is appended.  Returns
 * the bytes used, 0 when it is not set or malformed. */
static size_t
expand_variable(struct buf *b, const char *p, char missing[SCALAR_TEXT_MAX])
{
	bool braces = p[0] == '{';
	const char *name = p + braces, *end, *dflt = NULL;
	size_t n = name_length(name);

	end = name + n;
	missing[0] = '\0';
	if (n == 0 || n >= SCALAR_TEXT_MAX)
		return 0;
	if (braces) {
		if (end[0] == ':' && end[1] == '-') {
			dflt = end + 2;
			end = strchr(dflt, '}');
		}
		if (end == NULL || *end != '}')
			return 0;
	}
	memcpy(missing, name, n);
	missing[n] = '\0';
	const char *value = getenv(missing);
	struct str text = str_z(value);
	if ((value == NULL || *value == '\0') && dflt != NULL)
		text = (struct str){ dflt, (size_t)(end - dflt) };
	else if (value == NULL)
		return 0;
	if (buf_add_str(b, text) == -1)
		return 0;
	return (size_t)(end - p) + braces;
}

char *
scalar_expand(const char *text, char missing[SCALAR_TEXT_MAX])
{
	CLEANUP(buf_clear) struct buf b;
	const char *p = text;

	buf_init(&b, EXPANDED_MAX);
	snprintf(missing, SCALAR_TEXT_MAX, "HOME");
	if (p[0] == '~' && (p[1] == '/' || p[1] == '\0')) {
		const char *home = getenv("HOME");

		if (home == NULL || buf_add_str(&b, str_z(home)) == -1)
			return NULL;
		p++;
	}
	missing[0] = '\0';
	while (*p != '\0') {
		size_t used = 1;

		if (p[0] == '$' && p[1] != '$') {
			size_t n = expand_variable(&b, p + 1, missing);

			if (n == 0)
				return NULL;
			used += n;
		} else {
			used += p[0] == '$';
			if (buf_add(&b, p, 1) == -1)
				return NULL;
		}
		p += used;
	}
	return buf_steal(&b);
}

char *
scalar_path(const char *text, const char *dir)
{
	char *joined = text[0] == '/' ? xstrdup(text) :
	    xasprintf("%s/%s", dir, text);
	char *out = joined;

	/* In place: the result is never longer than what was read. */
	for (const char *in = joined; *in != '\0'; ) {
		size_t n = strcspn(in + 1, "/") + 1;

		if (n > 1 && !(n == 2 && in[1] == '.')) {
			memmove(out, in, n);
			out += n;
		}
		in += n;
	}
	if (out == joined)
		*out++ = '/';
	*out = '\0';
	return joined;
}
