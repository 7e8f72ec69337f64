/*
 * fuzz_mime.c — any bytes as the message whose parts a script asks for, and as
 * what a script has stored.  The first byte chooses.  What a script sees is UTF-8
 * and of bounded size; stored values that can be read, are written as they were.
 */
#include "fuzz.h"

#include <lauxlib.h>
#include <lua.h>
#include <sys/mman.h>

#include "plugins/mime.h"
#include "plugins/pack.h"
#include "plugins/script.h"
#include "plugins/words.h"

static void
check_text(struct str s)
{
	/* A byte of the raw text is three at most. */
	must(s.n <= 3 * MIME_TEXT_MAX && words_is_utf8(s));
}

static void
check_part(struct mime *m, size_t i, struct arena *a)
{
	CLEANUP(buf_clear) struct buf bytes;
	struct str name, value, file = mime_filename(m, i, a);

	buf_init(&bytes, 1 << 20);
	check_text(mime_type(m, i, a));
	check_text(mime_charset(m, i, a));
	for (size_t k = 0; k < 50 && mime_param(m, i, k, &name, &value, a); k++)
		check_text(value);
	/* A script may make a file of that name. */
	for (size_t k = 0; k < file.n; k++)
		must((unsigned char)file.p[k] >= 0x20 && file.p[k] != '/');
	(void)mime_is_attachment(m, i);
	(void)mime_bytes(m, i, &bytes);
	check_text(mime_part_text(m, i, a));
}

static void
message(struct str in)
{
	static struct msg m;
	struct arena a = { 0 };
	char hex[MIME_HASH_MAX];
	struct mime *mime;

	m = (struct msg){ .fd = memfd_create("mail", MFD_CLOEXEC) };
	must(m.fd >= 0 && write(m.fd, in.p, in.n) == (ssize_t)in.n);
	mime = mime_of(&m);
	must(mime_parts(mime) <= MIME_PARTS_MAX);
	for (size_t i = 0; i < mime_parts(mime); i++)
		check_part(mime, i, &a);
	check_text(mime_text(mime, &a));
	check_text(mime_html(mime, &a));
	mime_body_hash(m.fd, in.n / 2, hex);
	must(strlen(hex) == MIME_HASH_MAX - 1);
	mime_free(mime);
	close(m.fd);
	arena_clear(&a);
}

static void
stored(struct str in)
{
	lua_State *L = luaL_newstate();
	CLEANUP(buf_clear) struct buf a;
	CLEANUP(buf_clear) struct buf b;
	const char *why;

	must(L != NULL);
	buf_init(&a, 1 << 22);
	buf_init(&b, 1 << 22);
	pack_push(L, in);
	must(lua_gettop(L) == 1);
	if (pack_value(L, 1, &a, &why) == 0) {
		pack_push(L, buf_str(&a));
		must(lua_gettop(L) == 2 && lua_type(L, 1) == lua_type(L, 2));
		/* The order of a table is its own affair. */
		must(pack_value(L, 2, &b, &why) == 0 && a.n == b.n);
	}
	lua_close(L);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static bool started;
	struct str in = { (const char *)p, n };
	unsigned what = fuzz_byte(&in);

	if (!started)
		mime_start();
	started = true;
	if (in.n == 0)
		return 0;
	if (what & 1)
		stored(in);
	else
		message(in);
	return 0;
}
