/*
 * fuzz_state.c — a state file on a bad disk.  The first byte chooses: bytes of a
 * sound database are overwritten (u16 place in 8-byte steps, u8 length, bytes; again),
 * or the input is the file, or the log beside a sound database.
 *
 * It is refused with a code, or it is read to its end; nothing falls.
 */
#include "fuzz.h"

#include "base/buf.h"
#include "base/err.h"
#include "store/store.h"

enum { SOUND_MAX = 1 << 20 };

static uint8_t sound[SOUND_MAX];
static size_t n_sound;
static int dir = -1;
static char path[128];

static void
remove_all(void)
{
	static const char *const name[] = { "state.db", "state.db-wal",
	    "state.db-shm", "state.db-journal" };

	for (size_t i = 0; i < ARRAY_LEN(name); i++)
		(void)unlinkat(dir, name[i], 0);
}

static void
put_message(struct store *s, int64_t folder, uint32_t uid, enum stage stage)
{
	struct msg_row m = { .folder = folder, .uid = { uid }, .stage = stage,
	    .unique = STR("1700000000.M1P2Q3.host"), .file = STR("1700000000."
	    "M1P2Q3.host:2,S"), .size = 100, .wire_size = 104,
	    .flags = { FLAG_SEEN, 1 }, .subject = STR("hello"),
	    .msgid = STR("<a@b>"), .objid = STR("M1") };
	struct err err;

	m.all.b[0] = m.head.b[0] = (uint8_t)uid;
	must(store_msg_put(s, &m, &err) == 0);
}

static void
make_sound(void)
{
	struct folder_row f = { .wire = STR("INBOX"), .path = STR("INBOX"),
	    .delim = '/', .validity = { 7 }, .uidnext = 9, .objid = STR("F1") };
	struct audit_row a = { .op = STR("download"), .folder = STR("INBOX"),
	    .when = 1, .reason = STR("it is new there") };
	struct kwtab kw = { 0 };
	struct err err;
	struct store *s;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/state.db", fuzz_dir());
	dir = open(fuzz_dir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(dir >= 0);
	s = store_open(path, &err);
	must(s != NULL && store_begin(s, &err) == 0);
	must(store_folder_put(s, &f, &err) == 0);
	kwtab_bit(&kw, STR("work"));
	must(store_kw_save(s, f.id, &kw, &err) == 0);
	for (uint32_t i = 0; i <= ST_REPLACED; i++)
		put_message(s, f.id, i + 1, (enum stage)i);
	must(store_audit(s, &a, &err) == 0);
	must(store_set(s, "server.name", STR("x"), &err) == 0);
	must(store_commit(s, &err) == 0);
	store_close(s);
	kwtab_clear(&kw);
	fd = openat(dir, "state.db", O_RDONLY | O_CLOEXEC);
	must(fd >= 0);
	n = read(fd, sound, SOUND_MAX);
	close(fd);
	must(n > 0 && n < SOUND_MAX);
	n_sound = (size_t)n;
	remove_all();
}

static void
damage(struct str in)
{
	uint8_t *bytes = xmalloc(n_sound);

	memcpy(bytes, sound, n_sound);
	while (in.n > 3) {
		size_t at = fuzz_byte(&in), n;

		at = 8 * (at << 8 | fuzz_byte(&in)) % n_sound;
		n = fuzz_byte(&in) % 32u;
		for (; n > 0 && in.n > 0; n--)
			bytes[at++ % n_sound] = fuzz_byte(&in);
	}
	fuzz_file(dir, "state.db", (struct str){ (char *)bytes, n_sound });
	free(bytes);
}

static void
read_messages(struct store *s, int64_t folder)
{
	struct cursor *c;
	struct kwtab kw = { 0 };
	struct msg_row row;
	struct err err;
	uint32_t n;

	(void)store_count_uids(s, folder, &n, &err);
	(void)store_kw_load(s, folder, &kw, &err);
	must(kw.n <= KW_MAX);
	kwtab_clear(&kw);
	for (int i = 0; i < 3; i++) {
		c = i < 2 ? cursor_open(s, folder, i == 0 ? BY_UID : BY_UNIQUE,
		    &err) : cursor_open_stages(s, ~0u);
		for (int left = 1000; c != NULL && left > 0 &&
		    cursor_next(c, &row, &err) == 1; left--)
			must(row.stage <= ST_REPLACED &&
			    row.flags.sys <= FLAG_ALL);
		if (c != NULL)
			cursor_close(c);
	}
}

static void
read_all(struct store *s)
{
	struct folder_row f;
	struct audit_row a;
	struct err err = { 0 };
	int64_t at = 0;
	char *fact;

	for (int left = 100; left > 0 && store_folder_next(s, &at, &f, &err);
	    left--)
		read_messages(s, f.id);
	at = 0;
	for (int left = 100; left > 0 && store_audit_next(s, &at, STR_NONE,
	    STR_NONE, &a, &err) == 1; left--)
		must(a.op.n < 1 << 20);
	if (store_get(s, "server.name", &fact, &err) == 0)
		free(fact);
}

static void
use(void)
{
	struct folder_row f = { .wire = STR("new"), .path = STR("new") };
	struct err err = { 0 };
	struct store *s = store_open(path, &err);

	if (s == NULL) {
		must(err.class == ERR_LOCAL && err.code != NULL &&
		    err.code[0] != '\0');
		return;
	}
	read_all(s);
	if (store_begin(s, &err) == 0) {
		if (store_folder_put(s, &f, &err) == 0)
			(void)store_commit(s, &err);
		else
			store_rollback(s);
	}
	store_close(s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str in = { (const char *)p, n };
	unsigned what = fuzz_byte(&in);

	if (dir < 0)
		make_sound();
	if (in.n == 0)
		return 0;
	if (what % 4 == 1) {
		fuzz_file(dir, "state.db", in);
	} else if (what % 4 == 2) {
		fuzz_file(dir, "state.db", (struct str){ (char *)sound, n_sound });
		fuzz_file(dir, "state.db-wal", in);
	} else {
		damage(in);
	}
	use();
	remove_all();
	return 0;
}
