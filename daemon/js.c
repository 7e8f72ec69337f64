/* js.c — JSON, where jansson leaves it to us. */
#include "js.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "engine/conf.h"
#include "remedy.h"

void
js_begin(void)
{
	json_set_alloc_funcs(xmalloc, free);
}

static const char digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static json_t *
base64_object(struct str s)
{
	char *out = xmalloc((s.n + 2) / 3 * 4 + 1), *p = out;
	json_t *v;

	for (size_t i = 0; i < s.n; i += 3) {
		size_t left = s.n - i;
		uint32_t b = (uint32_t)(uint8_t)s.p[i] << 16;

		if (left > 1)
			b |= (uint32_t)(uint8_t)s.p[i + 1] << 8;
		if (left > 2)
			b |= (uint8_t)s.p[i + 2];
		*p++ = digits[b >> 18];
		*p++ = digits[b >> 12 & 63];
		*p++ = left > 1 ? digits[b >> 6 & 63] : '=';
		*p++ = left > 2 ? digits[b & 63] : '=';
	}
	*p = '\0';
	v = json_pack("{s:s}", "b64", out);
	free(out);
	return v;
}

json_t *
js_text(struct str s)
{
	json_t *v = s.p != NULL ? json_stringn(s.p, s.n) : json_string("");

	return v != NULL ? v : base64_object(s);
}

json_t *
js_words(const char *text)
{
	json_t *v = text != NULL ? json_string(text) : json_null();
	char *copy;

	if (v != NULL)
		return v;
	copy = xstrdup(text);
	for (char *p = copy; *p != '\0'; p++)
		if (((uint8_t)*p & 0x80) != 0)
			*p = '?';
	v = json_string(copy);
	free(copy);
	return v;
}

json_t *
js_text_cut(struct str s, size_t most)
{
	size_t n = most, back = 0;

	/* A letter has at most three more bytes. */
	while (n < s.n && back < 3 && back < n &&
	    ((uint8_t)s.p[n - back] & 0xc0) == 0x80)
		back++;
	return js_text(str_head(s, n - back));
}

json_t *
js_list(const struct strlist *l)
{
	json_t *out = json_array();

	for (size_t i = 0; i < l->n; i++)
		json_array_append_new(out, json_string(l->v[i]));
	return out;
}

const char *
js_get(const json_t *obj, const char *key)
{
	return json_string_value(json_object_get(obj, key));
}

json_int_t
js_int(const json_t *obj, const char *key, json_int_t none)
{
	const json_t *v = json_object_get(obj, key);

	return json_is_integer(v) ? json_integer_value(v) : none;
}

bool
js_bool(const json_t *obj, const char *key)
{
	return json_is_true(json_object_get(obj, key));
}

json_t *
js_parse(struct str text, struct err *err)
{
	json_error_t why;
	json_t *v;

	v = json_loadb(text.p != NULL ? text.p : "", text.n,
	    JSON_REJECT_DUPLICATES, &why);
	if (v == NULL) {
		err_set(err, ERR_PROTO, "control.bad-json", "not JSON: %s",
		    why.text);
		return NULL;
	}
	if (!json_is_object(v)) {
		json_decref(v);
		err_set(err, ERR_PROTO, "control.bad-json",
		    "a JSON object is expected");
		return NULL;
	}
	return v;
}

char *
js_dump(const json_t *v)
{
	char *text = json_dumps(v, JSON_COMPACT);

	must(text != NULL);
	return text;
}

json_t *
js_error(const char *code, const char *message, const char *remedy)
{
	struct remedy_place nowhere = { 0 };
	json_t *e = json_object();
	char general[512];

	if (remedy == NULL || remedy[0] == '\0')
		remedy = remedy_text(code, &nowhere, general, sizeof(general));
	json_object_set_new(e, "code", json_string(code));
	json_object_set_new(e, "message", js_words(message));
	if (remedy[0] != '\0')
		json_object_set_new(e, "remedy", js_words(remedy));
	return e;
}

json_t *
js_time(int64_t wall_us)
{
	char iso[32];

	if (wall_us == 0)
		return json_null();
	clock_iso(wall_us, iso);
	return json_string(iso);
}
