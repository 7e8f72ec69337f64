/*
 * mutf7.c — modified UTF-7.  Decoding is lenient by itself; a name counts as
 * decoded only if encoding the result gives the very same bytes, so that two
 * names can never look alike and every path leads back to its mailbox.
 */
#include "imap/mutf7.h"

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

static const char digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

static int
digit(char c)
{
	const char *p = c != '\0' ? strchr(digits, c) : NULL;

	return p != NULL ? (int)(p - digits) : -1;
}

static int
add_utf8(struct buf *out, uint32_t c)
{
	uint8_t b[4];
	size_t n = 0;

	if (c < 0x80) {
		b[n++] = (uint8_t)c;
	} else if (c < 0x800) {
		b[n++] = (uint8_t)(0xc0 | c >> 6);
		b[n++] = (uint8_t)(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		b[n++] = (uint8_t)(0xe0 | c >> 12);
		b[n++] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		b[n++] = (uint8_t)(0x80 | (c & 0x3f));
	} else {
		b[n++] = (uint8_t)(0xf0 | c >> 18);
		b[n++] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
		b[n++] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		b[n++] = (uint8_t)(0x80 | (c & 0x3f));
	}
	return buf_add(out, b, n);
}

/* The next character, or -1: overlong, a surrogate, too large, cut off, NUL. */
static int32_t
next_utf8(struct str *s)
{
	static const uint32_t least[] = { 1, 0x80, 0x800, 0x10000 };
	uint8_t first = (uint8_t)s->p[0];
	size_t more = first < 0x80 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
	uint32_t c = more == 0 ? first : first & (0x3fu >> more);

	if ((first >= 0x80 && first < 0xc2) || first > 0xf4 || s->n <= more)
		return -1;
	for (size_t i = 1; i <= more; i++) {
		uint8_t b = (uint8_t)s->p[i];

		if ((b & 0xc0) != 0x80)
			return -1;
		c = c << 6 | (b & 0x3f);
	}
	if (c < least[more] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return -1;
	*s = str_from(*s, more + 1);
	return (int32_t)c;
}

/* Between "&" and "-": base64 of UTF-16, most significant byte first. */
static int
decode_shifted(struct str s, struct buf *utf8)
{
	uint32_t bits = 0, high = 0;
	unsigned n_bits = 0;

	for (size_t i = 0; i < s.n; i++) {
		int d = digit(s.p[i]);

		if (d < 0)
			return -1;
		bits = bits << 6 | (uint32_t)d;
		n_bits += 6;
		if (n_bits < 16)
			continue;
		n_bits -= 16;
		uint32_t unit = bits >> n_bits & 0xffff;

		bits &= (1u << n_bits) - 1;
		if (unit >= 0xd800 && unit < 0xdc00) {
			if (high != 0)
				return -1;
			high = unit;
			continue;
		}
		if ((unit >= 0xdc00 && unit < 0xe000) != (high != 0))
			return -1;
		if (high != 0)
			unit = 0x10000 + ((high - 0xd800) << 10) +
			    (unit - 0xdc00);
		high = 0;
		if (unit == 0 || add_utf8(utf8, unit) < 0)
			return -1;
	}
	return high != 0 ? -1 : 0;
}

static int
decode(struct str name, struct buf *utf8)
{
	while (name.n > 0) {
		size_t n = str_find(name, '&');

		if (buf_add_str(utf8, str_head(name, n)) < 0)
			return -1;
		if (n == name.n)
			break;
		name = str_from(name, n + 1);
		n = str_find(name, '-');
		if (n == name.n)
			return -1;
		if (n == 0 ? buf_add(utf8, "&", 1) < 0 :
		    decode_shifted(str_head(name, n), utf8) < 0)
			return -1;
		name = str_from(name, n + 1);
	}
	return 0;
}

int
mutf7_decode(struct str name, struct buf *utf8)
{
	CLEANUP(buf_clear) struct buf again;
	size_t start = utf8->n;

	buf_init(&again, name.n);
	if (decode(name, utf8) == 0 &&
	    mutf7_encode(str_from(buf_str(utf8), start), &again) == 0 &&
	    str_eq(buf_str(&again), name))
		return 0;
	utf8->n = start;
	return -1;
}

struct shifted {
	uint32_t	bits;
	unsigned	n_bits;
	bool		on;
};

static int
add_digits(struct shifted *sh, struct buf *name)
{
	while (sh->n_bits >= 6) {
		sh->n_bits -= 6;
		if (buf_add(name, &digits[sh->bits >> sh->n_bits & 0x3f], 1) < 0)
			return -1;
	}
	return 0;
}

static int
add_unit(struct shifted *sh, uint32_t unit, struct buf *name)
{
	if (!sh->on && buf_add(name, "&", 1) < 0)
		return -1;
	sh->on = true;
	sh->bits = sh->bits << 16 | unit;
	sh->n_bits += 16;
	return add_digits(sh, name);
}

static int
end_shifted(struct shifted *sh, struct buf *name)
{
	if (!sh->on)
		return 0;
	if (sh->n_bits > 0) {
		sh->bits <<= 6 - sh->n_bits;
		sh->n_bits = 6;
		if (add_digits(sh, name) < 0)
			return -1;
	}
	*sh = (struct shifted){ 0 };
	return buf_add(name, "-", 1);
}

static int
add_char(struct shifted *sh, uint32_t c, struct buf *name)
{
	if (c >= 0x20 && c < 0x7f) {
		char ascii = (char)c;

		if (end_shifted(sh, name) < 0)
			return -1;
		return c == '&' ? buf_add(name, "&-", 2) :
		    buf_add(name, &ascii, 1);
	}
	if (c < 0x10000)
		return add_unit(sh, c, name);
	c -= 0x10000;
	if (add_unit(sh, 0xd800 | c >> 10, name) < 0)
		return -1;
	return add_unit(sh, 0xdc00 | (c & 0x3ff), name);
}

int
mutf7_encode(struct str utf8, struct buf *name)
{
	struct shifted sh = { 0 };
	size_t start = name->n;

	while (utf8.n > 0) {
		int32_t c = next_utf8(&utf8);

		if (c < 0 || add_char(&sh, (uint32_t)c, name) < 0) {
			name->n = start;
			return -1;
		}
	}
	if (end_shifted(&sh, name) < 0) {
		name->n = start;
		return -1;
	}
	return 0;
}
