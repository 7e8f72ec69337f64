/*
 * mime.c — the only file that knows GMime (and GLib).
 *
 * GMime keeps offsets into the file, not content, so a large message costs no
 * memory until a part is asked for.  GLib aborts when memory ends: this process may
 * be lost at any moment.
 */
#include "mime.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <gmime/gmime.h>

#include "base/mem.h"
#include "html.h"
#include "run.h"
#include "words.h"

struct mime {
	GMimeMessage	*message;	/* NULL: could not be parsed */
	GMimeObject	*part[MIME_PARTS_MAX];
	size_t		 n;
	bool		 have_text;
	struct str	 text;
};

void
mime_start(void)
{
	g_mime_init();
}

static void
collect(GMimeObject *parent, GMimeObject *part, gpointer data)
{
	struct mime *m = data;

	(void)parent;
	if (m->n < MIME_PARTS_MAX && (GMIME_IS_PART(part) ||
	    GMIME_IS_MESSAGE_PART(part)))
		m->part[m->n++] = part;
}

static GMimeMessage *
parse(int fd)
{
	GMimeStream *stream = g_mime_stream_fs_new_with_bounds(fd, 0, -1);
	GMimeParser *parser = g_mime_parser_new_with_stream(stream);
	GMimeMessage *message;

	g_mime_stream_fs_set_owner(GMIME_STREAM_FS(stream), FALSE);
	message = g_mime_parser_construct_message(parser, NULL);
	g_object_unref(parser);
	g_object_unref(stream);
	return message;
}

struct mime *
mime_of(struct msg *m)
{
	if (m->mime != NULL)
		return m->mime;
	m->mime = xcalloc(1, sizeof(struct mime));
	if (m->fd < 0)
		return m->mime;
	m->mime->message = parse(m->fd);
	if (m->mime->message != NULL)
		g_mime_message_foreach(m->mime->message, collect, m->mime);
	return m->mime;
}

void
mime_free(struct mime *m)
{
	if (m == NULL)
		return;
	if (m->message != NULL)
		g_object_unref(m->message);
	free(m);
}

size_t
mime_parts(const struct mime *m)
{
	return m->n;
}

/* GMime hands on what a sender only says is UTF-8. */
static struct str
text_copy(const char *s, struct arena *a)
{
	return words_convert(arena_str(a, str_z(s != NULL ? s : "")), STR("utf-8"),
	    a);
}

static struct str
lower_copy(const char *s, struct arena *a)
{
	struct str out = text_copy(s, a);
	char *p = (char *)(uintptr_t)out.p;

	for (size_t i = 0; i < out.n; i++) {
		if (p[i] >= 'A' && p[i] <= 'Z')
			p[i] = (char)(p[i] + 32);
	}
	return out;
}

struct str
mime_type(struct mime *m, size_t i, struct arena *a)
{
	GMimeContentType *type = g_mime_object_get_content_type(m->part[i]);
	char *text = type != NULL ? g_mime_content_type_get_mime_type(type) : NULL;
	struct str out = lower_copy(text != NULL ? text : "text/plain", a);

	g_free(text);
	return out;
}

static const char *
raw_filename(GMimeObject *part)
{
	const char *name;

	if (GMIME_IS_PART(part))
		return g_mime_part_get_filename(GMIME_PART(part));
	name = g_mime_object_get_content_disposition_parameter(part, "filename");
	return name != NULL ? name :
	    g_mime_object_get_content_type_parameter(part, "name");
}

struct str
mime_filename(struct mime *m, size_t i, struct arena *a)
{
	const char *name = raw_filename(m->part[i]), *slash;
	struct str s;
	char *out;
	size_t n = 0;

	if (name == NULL)
		return STR_NONE;
	slash = strrchr(name, '/');
	s = text_copy(slash != NULL ? slash + 1 : name, a);
	slash = s.n > 0 ? memrchr(s.p, '\\', s.n) : NULL;
	if (slash != NULL)
		s = str_from(s, (size_t)(slash + 1 - s.p));
	out = arena_get(a, s.n + 1);
	for (size_t k = 0; k < s.n; k++) {
		if ((unsigned char)s.p[k] >= ' ' && s.p[k] != 127)
			out[n++] = s.p[k];
	}
	return n > 0 ? (struct str){ out, n } : STR_NONE;
}

bool
mime_is_attachment(struct mime *m, size_t i)
{
	const char *how = g_mime_object_get_disposition(m->part[i]);
	GMimeContentType *type = g_mime_object_get_content_type(m->part[i]);

	if (how != NULL && strcasecmp(how, "attachment") == 0)
		return true;
	return raw_filename(m->part[i]) != NULL ||
	    (type != NULL && !g_mime_content_type_is_type(type, "text", "*") &&
	    !g_mime_content_type_is_type(type, "multipart", "*"));
}

struct str
mime_charset(struct mime *m, size_t i, struct arena *a)
{
	const char *charset =
	    g_mime_object_get_content_type_parameter(m->part[i], "charset");

	return charset != NULL ? lower_copy(charset, a) : STR_NONE;
}

bool
mime_param(struct mime *m, size_t i, size_t n, struct str *name, struct str *value,
    struct arena *a)
{
	GMimeContentType *type = g_mime_object_get_content_type(m->part[i]);
	GMimeParamList *list = type != NULL ?
	    g_mime_content_type_get_parameters(type) : NULL;
	GMimeParam *param;

	if (list == NULL || (int)n >= g_mime_param_list_length(list))
		return false;
	param = g_mime_param_list_get_parameter_at(list, (int)n);
	*name = lower_copy(g_mime_param_get_name(param), a);
	*value = text_copy(g_mime_param_get_value(param), a);
	return true;
}

/* Read the stream, through a filter that undoes the transfer encoding. */
static int
read_decoded(GMimeStream *stream, GMimeContentEncoding encoding, struct buf *out)
{
	GMimeStream *filtered = g_mime_stream_filter_new(stream);
	GMimeFilter *filter = g_mime_filter_basic_new(encoding, FALSE);
	int rc = 0;

	g_mime_stream_filter_add(GMIME_STREAM_FILTER(filtered), filter);
	g_object_unref(filter);
	g_mime_stream_reset(filtered);
	for (;;) {
		size_t left = out->max - out->n;
		size_t want = left < 16 << 10 ? left : 16 << 10;
		uint8_t *room = buf_room(out, want);
		ssize_t n = want > 0 && room != NULL ?
		    g_mime_stream_read(filtered, (char *)room, want) : -1;

		if (want == 0)
			rc = -1;
		if (n <= 0)
			break;
		out->n += (size_t)n;
	}
	g_object_unref(filtered);
	return rc;
}

int
mime_bytes(struct mime *m, size_t i, struct buf *out)
{
	GMimeDataWrapper *content;
	GMimeStream *stream;
	int rc;

	if (GMIME_IS_MESSAGE_PART(m->part[i])) {
		GMimeMessage *inner =
		    g_mime_message_part_get_message(GMIME_MESSAGE_PART(m->part[i]));
		char *text = inner != NULL ?
		    g_mime_object_to_string(GMIME_OBJECT(inner), NULL) : NULL;

		rc = text != NULL ? buf_add(out, text, strlen(text)) : 0;
		g_free(text);
		return rc;
	}
	content = g_mime_part_get_content(GMIME_PART(m->part[i]));
	stream = content != NULL ? g_mime_data_wrapper_get_stream(content) : NULL;
	if (stream == NULL)
		return 0;
	return read_decoded(stream, g_mime_data_wrapper_get_encoding(content), out);
}

struct str
mime_part_text(struct mime *m, size_t i, struct arena *a)
{
	CLEANUP(buf_clear) struct buf b;
	struct str charset = mime_charset(m, i, a), raw;

	buf_init(&b, MIME_TEXT_MAX);
	(void)mime_bytes(m, i, &b);	/* what is longer is cut */
	raw = arena_str(a, buf_str(&b));
	if (charset.n == 0)
		charset = STR("us-ascii");
	return words_convert(raw, charset, a);
}

/* The first part of that type that is no attachment; m->n: none. */
static size_t
find_text(struct mime *m, const char *subtype)
{
	for (size_t i = 0; i < m->n; i++) {
		GMimeContentType *type =
		    g_mime_object_get_content_type(m->part[i]);
		const char *how = g_mime_object_get_disposition(m->part[i]);

		if (how != NULL && strcasecmp(how, "attachment") == 0)
			continue;
		if (GMIME_IS_PART(m->part[i]) && type != NULL &&
		    g_mime_content_type_is_type(type, "text", subtype))
			return i;
	}
	return m->n;
}

struct str
mime_html(struct mime *m, struct arena *a)
{
	size_t i = find_text(m, "html");

	return i < m->n ? mime_part_text(m, i, a) : STR_NONE;
}

struct str
mime_text(struct mime *m, struct arena *a)
{
	size_t i;

	if (m->have_text)
		return m->text;
	m->have_text = true;
	i = find_text(m, "plain");
	if (i == m->n && (i = find_text(m, "html")) < m->n)
		m->text = html_to_text(mime_part_text(m, i, a), a);
	else
		m->text = i < m->n ? mime_part_text(m, i, a) : STR("");
	return m->text;
}

/* Feed ${s} without the white space at the ends of its lines; *blank counts what
 * may or may not be at an end. */
static void
hash_lines(GChecksum *sum, struct str s, size_t *blank)
{
	size_t from = 0;

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == ' ' || c == '\t' || c == '\r') {
			if (*blank == 0 && i > from)
				g_checksum_update(sum, (const guchar *)s.p + from,
				    (gssize)(i - from));
			++*blank;
			from = i + 1;
			continue;
		}
		for (; *blank > 0 && c != '\n'; --*blank)
			g_checksum_update(sum, (const guchar *)" ", 1);
		*blank = 0;
	}
	if (s.n > from)
		g_checksum_update(sum, (const guchar *)s.p + from,
		    (gssize)(s.n - from));
}

void
mime_body_hash(int fd, size_t header_size, char hex[MIME_HASH_MAX])
{
	static char room[64 << 10];
	GChecksum *sum = g_checksum_new(G_CHECKSUM_SHA256);
	off_t at = (off_t)header_size;
	size_t blank = 0;
	ssize_t n;

	while (fd >= 0 && (n = pread(fd, room, sizeof(room), at)) > 0) {
		hash_lines(sum, (struct str){ room, (size_t)n }, &blank);
		at += n;
	}
	memcpy(hex, g_checksum_get_string(sum), MIME_HASH_MAX - 1);
	hex[MIME_HASH_MAX - 1] = '\0';
	g_checksum_free(sum);
}
