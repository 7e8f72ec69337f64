/*
 * fuzz_message.c — any bytes as a message on its way through the engine: its line
 * ends, its digests, and the fields that the log shows.  How the bytes are cut into
 * portions, which the first byte says, or into single bytes, makes no difference; and
 * what goes to disk and back is what it was.
 */
#include "fuzz.h"

#include "base/buf.h"
#include "base/eol.h"
#include "base/hash.h"
#include "engine/header.h"

/* The next portion: of ${seed} 0 all there is, 1 a byte, else at random. */
static struct str
portion(struct str *in, unsigned *seed)
{
	size_t n = in->n;
	struct str part;

	if (*seed == 1) {
		n = 1;
	} else if (*seed != 0) {
		*seed = *seed * 1103515245u + 12345u;
		n = 1 + (*seed >> 16) % 40;
	}
	part = str_head(*in, n);
	*in = str_from(*in, part.n);
	return part;
}

struct seen {
	struct header		head;
	struct msgid_hash	hash;
	struct buf		disk, wire;
	bool			verbatim;
	enum eol		eol;	/* of the bytes as a local file */
	uint64_t		wire_size;
};

static void
look(struct seen *s, struct str in, unsigned seed)
{
	struct hasher *h = hasher_new();
	struct eol_scan scan = { 0 };
	char prev = 0;

	*s = (struct seen){ 0 };
	buf_init(&s->disk, 1 << 22);
	hasher_want_wire(h);
	while (in.n > 0) {
		struct str part = portion(&in, &seed);
		uint8_t *room = buf_room(&s->disk, part.n + 1);

		header_add(&s->head, part);
		hasher_add(h, part.p, part.n);
		eol_scan(&scan, part.p, part.n);
		s->disk.n += eol_to_disk(part.p, part.n, &prev, &s->verbatim,
		    (char *)room);
	}
	if (prev == '\r')
		s->verbatim = true;
	header_end(&s->head);
	hasher_end(h, &s->hash);
	hasher_free(h);
	s->eol = eol_scan_end(&scan, &s->wire_size);
}

/* A file as it is sent. */
static void
send_it(struct buf *out, enum eol eol, struct str in, unsigned seed)
{
	char prev = 0;

	buf_init(out, 1 << 23);
	while (in.n > 0) {
		struct str part = portion(&in, &seed);
		uint8_t *room = buf_room(out, 2 * part.n);

		out->n += eol_to_wire(eol, part.p, part.n, &prev, (char *)room);
	}
}

static void
unsee(struct seen *s)
{
	header_clear(&s->head);
	buf_clear(&s->disk);
	buf_clear(&s->wire);
}

static bool
same_text(const char *a, const char *b)
{
	return str_eq(str_z(a), str_z(b)) && (a == NULL) == (b == NULL);
}

static void
check_same(const struct seen *a, const struct seen *b)
{
	must(same_text(a->head.subject, b->head.subject));
	must(same_text(a->head.from, b->head.from));
	must(same_text(a->head.msgid, b->head.msgid));
	must(hash_eq(&a->hash.head, &b->hash.head));
	must(hash_eq(&a->hash.all, &b->hash.all));
	must(hash_eq(&a->hash.wire, &b->hash.wire));
	must(a->hash.wire_size == b->hash.wire_size);
	must(a->eol == b->eol && a->wire_size == b->wire_size);
	must(a->verbatim == b->verbatim);
	must(a->verbatim || str_eq(buf_str(&a->disk), buf_str(&b->disk)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str in = { (const char *)p, n };
	unsigned seed = 1 + fuzz_byte(&in);
	CLEANUP(buf_clear) struct buf out;
	struct seen whole, cut, again;

	buf_init(&out, 0);
	if (in.n == 0 || in.n > 1 << 20)
		return 0;
	look(&whole, in, 0);
	look(&cut, in, seed);
	check_same(&whole, &cut);
	if (seed != 1) {
		look(&again, in, 1);
		check_same(&whole, &again);
		unsee(&again);
	}
	/* From the server to disk and back. */
	if (!whole.verbatim) {
		send_it(&out, EOL_LF, buf_str(&whole.disk), seed);
		must(str_eq(buf_str(&out), in));
		look(&again, buf_str(&whole.disk), 0);
		must(hash_eq(&whole.hash.all, &again.hash.all));
		must(hash_eq(&whole.hash.head, &again.hash.head));
		must(hash_eq(&whole.hash.wire, &again.hash.wire));
		unsee(&again);
		buf_clear(&out);
	}
	/* From a file to the server: as long as was announced. */
	send_it(&out, whole.eol, in, seed);
	must(out.n == whole.wire_size);
	must(whole.hash.wire_size == out.n);
	unsee(&whole);
	unsee(&cut);
	return 0;
}
