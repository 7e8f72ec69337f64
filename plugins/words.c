/* words.c — RFC 2047, with the mistakes that real mail makes. */
#include "words.h"

#include <errno.h>
#include <iconv.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

enum { CHARSET_MAX = 40 };

static size_t
sequence_length(unsigned char c)
{
	return c < 0x80 ? 1 : c >= 0xc2 && c < 0xe0 ? 2 :
	    c >= 0xe0 && c < 0xf0 ? 3 : c >= 0xf0 && c < 0xf5 ? 4 : 0;
}

/* Bytes of the character that ${s} begins with; 0: it is none. */
static size_t
character(struct str s)
{
	unsigned char c = (unsigned char)s.p[0], next;
	size_t n = sequence_length(c);

	if (n == 0 || n > s.n)
		return 0;
	next = n > 1 ? (unsigned char)s.p[1] : 0;
	if ((c == 0xe0 && next < 0xa0) || (c == 0xed && next > 0x9f) ||
	    (c == 0xf0 && next < 0x90) || (c == 0xf4 && next > 0x8f))
		return 0;
	for (size_t j = 1; j < n; j++) {
		if (((unsigned char)s.p[j] & 0xc0) != 0x80)
			return 0;
	}
	return n;
}

bool
words_is_utf8(struct str s)
{
	while (s.n > 0) {
		size_t n = character(s);

		if (n == 0)
			return false;
		s = str_from(s, n);
	}
	return true;
}

/* ${s} with U+FFFD for each byte that is of no character. */
static struct str
scrub(struct str s, struct arena *a)
{
	char *out = arena_get(a, 3 * s.n), *to = out;

	while (s.n > 0) {
		size_t n = character(s);

		memcpy(to, n > 0 ? s.p : "\xef\xbf\xbd", n > 0 ? n : 3);
		to += n > 0 ? n : 3;
		s = str_from(s, n > 0 ? n : 1);
	}
	return (struct str){ out, (size_t)(to - out) };
}

/* The last few conversions stay open: mail keeps to a handful of charsets. */
static iconv_t
converter(const char *charset)
{
	static struct {
		char	name[CHARSET_MAX];
		iconv_t	cd;
	} open[8];
	static size_t turn;
	size_t i;

	for (i = 0; i < ARRAY_LEN(open); i++) {
		if (open[i].name[0] != '\0' && strcmp(open[i].name, charset) == 0) {
			iconv(open[i].cd, NULL, NULL, NULL, NULL);
			return open[i].cd;
		}
	}
	i = turn++ % ARRAY_LEN(open);
	if (open[i].name[0] != '\0' && open[i].cd != (iconv_t)-1)
		iconv_close(open[i].cd);
	memcpy(open[i].name, charset, strlen(charset) + 1);
	open[i].cd = iconv_open("UTF-8", charset);
	return open[i].cd;
}

/* Names that iconv does not know, and ASCII and Latin 1, whose users mean more
 * than they say (WHATWG encodings: both are Windows-1252). */
static const struct {
	const char	*said, *meant;
} alias[] = {
	{ "us-ascii", "utf-8" }, { "ascii", "utf-8" },
	{ "iso-8859-1", "cp1252" }, { "latin1", "cp1252" },
	{ "iso8859-1", "cp1252" }, { "iso-8859-8-i", "iso-8859-8" },
	{ "ks_c_5601-1987", "cp949" }, { "euc-kr", "cp949" },
	{ "gb2312", "gb18030" }, { "gbk", "gb18030" },
	{ "x-sjis", "cp932" }, { "shift_jis", "cp932" },
	{ "cp-850", "cp850" }, { "unknown-8bit", "cp1252" },
};

static void
charset_name(struct str charset, char out[CHARSET_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < charset.n && n + 1 < CHARSET_MAX; i++) {
		char c = charset.p[i];

		/* "//TRANSLIT" and paths are not names. */
		if (c > ' ' && c < 127 && c != '/')
			out[n++] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
	}
	out[n] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(alias); i++) {
		if (strcmp(out, alias[i].said) == 0)
			memcpy(out, alias[i].meant, strlen(alias[i].meant) + 1);
	}
}

static struct str
run_iconv(struct str s, iconv_t cd, struct arena *a)
{
	size_t cap = s.n * 4 + 16, left = cap, n_in = s.n;
	char *out = arena_get(a, cap), *to = out;
	char *from = (char *)(uintptr_t)s.p;	/* iconv does not write there */
	struct str done;

	while (n_in > 0) {
		if (iconv(cd, &from, &n_in, &to, &left) != (size_t)-1)
			break;
		if (left < 4 || n_in == 0 || errno == E2BIG)
			break;
		memcpy(to, "\xef\xbf\xbd", 3);
		to += 3;
		left -= 3;
		from++;
		n_in--;
		iconv(cd, NULL, NULL, NULL, NULL);
	}
	if (left > 0)
		iconv(cd, NULL, NULL, &to, &left);
	done = (struct str){ out, (size_t)(to - out) };
	/* glibc knows characters beyond U+10FFFF, and surrogates. */
	return words_is_utf8(done) ? done : scrub(done, a);
}

struct str
words_convert(struct str s, struct str charset, struct arena *a)
{
	char name[CHARSET_MAX];
	iconv_t cd;

	charset_name(charset, name);
	if (s.n == 0)
		return s;
	if (strcmp(name, "utf-8") == 0 || strcmp(name, "utf8") == 0) {
		if (words_is_utf8(s))
			return s;
		cd = converter(str_istarts(charset, STR("utf")) ? "utf-8" :
		    "cp1252");
	} else {
		/* To iconv, no name is that of our own locale. */
		cd = name[0] != '\0' ? converter(name) : (iconv_t)-1;
	}
	if (cd == (iconv_t)-1)
		cd = converter(words_is_utf8(s) ? "utf-8" : "cp1252");
	return run_iconv(s, cd, a);
}

/* Not ASCII, and no charset was named. */
static struct str
raw_text(struct str s, struct arena *a)
{
	if (words_is_utf8(s))
		return s;
	return run_iconv(s, converter("cp1252"), a);
}

struct word {
	struct str	charset, text;
	char		how;		/* 'b' or 'q' */
	size_t		length;		/* of "=?...?=" */
};

/* An encoded word at the start of ${s}.  Blanks inside the text are tolerated,
 * since many senders leave them there. */
static bool
word_at(struct str s, struct word *w)
{
	struct str rest = str_from(s, 2);
	size_t star, end = 0;

	if (!str_starts(s, STR("=?")))
		return false;
	w->charset = str_split(&rest, '?');
	star = str_find(w->charset, '*');	/* RFC 2231 section 5: language */
	w->charset = str_head(w->charset, star);
	if (rest.n < 2 || rest.p[1] != '?' || w->charset.n == 0 ||
	    w->charset.n >= CHARSET_MAX)
		return false;
	w->how = (char)(rest.p[0] | 0x20);
	if (w->how != 'b' && w->how != 'q')
		return false;
	rest = str_from(rest, 2);
	while (end + 1 < rest.n && !(rest.p[end] == '?' && rest.p[end + 1] == '='))
		end++;
	if (end + 1 >= rest.n)
		return false;
	w->text = str_head(rest, end);
	w->length = (size_t)(rest.p + end + 2 - s.p);
	return true;
}

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static size_t
decode_q(struct str s, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '=' && i + 2 < s.n &&
		    hex(s.p[i + 1]) >= 0 && hex(s.p[i + 2]) >= 0) {
			out[n++] = (char)(hex(s.p[i + 1]) << 4 | hex(s.p[i + 2]));
			i += 2;
		} else {
			out[n++] = s.p[i] == '_' ? ' ' : s.p[i];
		}
	}
	return n;
}

static int
base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static size_t
decode_b(struct str s, char *out)
{
	unsigned bits = 0, have = 0;
	size_t n = 0;

	for (size_t i = 0; i < s.n && s.p[i] != '='; i++) {
		int d = base64_digit(s.p[i]);

		if (d < 0)
			continue;
		bits = (bits << 6 | (unsigned)d) & 0xffffff;
		have += 6;
		if (have >= 8) {
			have -= 8;
			out[n++] = (char)(bits >> have & 0xff);
		}
	}
	return n;
}

/* Words that follow one another in one charset are decoded before they are
 * converted: senders cut in the middle of a character. */
static struct str
decode_run(struct str s, struct word *w, size_t *used, struct arena *a)
{
	char *out = arena_get(a, s.n + 1);
	struct str charset = w->charset;
	size_t n = 0, at = 0;

	for (;;) {
		size_t gap;

		n += w->how == 'q' ? decode_q(w->text, out + n) :
		    decode_b(w->text, out + n);
		at += w->length;
		gap = at;
		while (gap < s.n && strchr(" \t\r\n", s.p[gap]) != NULL)
			gap++;
		if (gap >= s.n || !word_at(str_from(s, gap), w))
			break;
		/* The blanks between two encoded words are no text. */
		at = gap;
		if (!str_ieq(charset, w->charset))
			break;
	}
	*used = at;
	return words_convert((struct str){ out, n }, charset, a);
}

static bool
all_ascii(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if ((unsigned char)s.p[i] >= 0x80)
			return false;
	}
	return true;
}

/* The pieces of a text, one after another. */
struct pieces {
	struct str	*v;
	size_t		 n, cap, bytes;
};

static void
add_piece(struct pieces *p, struct str s, struct arena *a)
{
	if (s.n == 0)
		return;
	p->v = arena_room(a, p->v, p->n, &p->cap, sizeof(*p->v));
	p->v[p->n++] = s;
	p->bytes += s.n;
}

static struct str
join(const struct pieces *p, struct arena *a)
{
	char *out = arena_get(a, p->bytes + 1);
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++) {
		memcpy(out + n, p->v[i].p, p->v[i].n);
		n += p->v[i].n;
	}
	return (struct str){ out, n };
}

struct str
words_decode(struct str s, struct arena *a)
{
	struct pieces p = { 0 };
	size_t plain = 0, i = 0;
	bool ascii = all_ascii(s);

	if (ascii && memmem(s.p != NULL ? s.p : "", s.n, "=?", 2) == NULL)
		return s;
	while (i < s.n) {
		struct word w;
		size_t used;
		struct str text;

		if (s.p[i] != '=' || !word_at(str_from(s, i), &w)) {
			i++;
			continue;
		}
		add_piece(&p, raw_text(str_head(str_from(s, plain), i - plain), a),
		    a);
		text = decode_run(str_from(s, i), &w, &used, a);
		add_piece(&p, text, a);
		i += used;
		plain = i;
	}
	add_piece(&p, raw_text(str_from(s, plain), a), a);
	return join(&p, a);
}

/* How many bytes of ${s} one word takes (RFC 2047: 75 at most), whole characters. */
static size_t
portion(struct str s)
{
	size_t n = s.n < 42 ? s.n : 42;

	while (n < s.n && n > 0 && ((unsigned char)s.p[n] & 0xc0) == 0x80)
		n--;
	return n > 0 ? n : s.n < 42 ? s.n : 42;
}

struct str
words_encode(struct str s, struct arena *a)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+/";
	bool plain = true;
	char *out;
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		plain = plain && s.p[i] >= ' ' && s.p[i] < 127;
	if (plain)
		return s;
	out = arena_get(a, s.n * 3 + 64);
	while (s.n > 0) {
		size_t len = portion(s);

		n += (size_t)sprintf(out + n, "%s=?utf-8?b?", n > 0 ? " " : "");
		for (size_t i = 0; i < len; i += 3) {
			unsigned v = 0;

			for (size_t k = 0; k < 3; k++)
				v = v << 8 | (i + k < len ?
				    (unsigned char)s.p[i + k] : 0u);
			out[n++] = digits[v >> 18];
			out[n++] = digits[v >> 12 & 63];
			out[n++] = i + 1 < len ? digits[v >> 6 & 63] : '=';
			out[n++] = i + 2 < len ? digits[v & 63] : '=';
		}
		memcpy(out + n, "?=", 2);
		n += 2;
		s = str_from(s, len);
	}
	return (struct str){ out, n };
}
