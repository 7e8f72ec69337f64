/* deflate.c — the only zlib. */
#include "net/deflate.h"

#include <stdbool.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/mem.h"

enum {
	RAW_WINDOW	= -15,		/* no header, 32 KiB */
	MEM_LEVEL	= 8,
	PACK_ROOM	= 16384,
	/* Empty blocks are legal, and cost us time for nothing: so many bytes
	 * in a row that yield not one are an attack. */
	IDLE_MAX	= 65536
};

struct deflate {
	z_stream	up, down;
	size_t		idle;		/* bytes taken since the last yield */
	bool		ended;		/* the peer's last block has passed */
};

struct deflate *
deflate_new(void)
{
	struct deflate *d = xcalloc(1, sizeof(*d));

	/* Both fail only for want of memory. */
	must(deflateInit2(&d->up, Z_DEFAULT_COMPRESSION, Z_DEFLATED, RAW_WINDOW,
	    MEM_LEVEL, Z_DEFAULT_STRATEGY) == Z_OK);
	must(inflateInit2(&d->down, RAW_WINDOW) == Z_OK);
	return d;
}

void
deflate_free(struct deflate *d)
{
	if (d == NULL)
		return;
	deflateEnd(&d->up);
	inflateEnd(&d->down);
	free(d);
}

/* zlib counts in unsigned int, and its next_in is not const. */
static void
set_input(z_stream *z, struct str in)
{
	z->next_in = (Bytef *)(uintptr_t)in.p;
	z->avail_in = in.n < UINT32_MAX ? (uInt)in.n : UINT32_MAX;
}

size_t
deflate_pack(struct deflate *d, struct str in, struct buf *out)
{
	size_t before = out->n;

	while (in.n > 0) {
		set_input(&d->up, in);
		size_t taken = d->up.avail_in;
		do {
			uint8_t *room = buf_room(out, PACK_ROOM);

			must(room != NULL);
			d->up.next_out = room;
			d->up.avail_out = PACK_ROOM;
			must(deflate(&d->up, Z_SYNC_FLUSH) != Z_STREAM_ERROR);
			out->n += PACK_ROOM - d->up.avail_out;
		} while (d->up.avail_out == 0);
		in = str_from(in, taken);
	}
	return out->n - before;
}

static int
end_err(struct err *err)
{
	return err_set(err, ERR_RETRY, "net.closed",
	    "the peer ended the compressed stream");
}

int
deflate_unpack(struct deflate *d, struct str *in, void *out, size_t room,
    size_t *n, struct err *err)
{
	int status;

	*n = 0;
	if (d->ended)
		return end_err(err);
	must(room <= UINT32_MAX);
	set_input(&d->down, *in);
	size_t taken = d->down.avail_in;
	d->down.next_out = out;
	d->down.avail_out = (uInt)room;
	status = inflate(&d->down, Z_SYNC_FLUSH);
	taken -= d->down.avail_in;
	*in = str_from(*in, taken);
	*n = room - d->down.avail_out;
	d->idle = *n > 0 ? 0 : d->idle + taken;
	d->ended = status == Z_STREAM_END;
	must(status != Z_MEM_ERROR && status != Z_STREAM_ERROR);
	/* Z_BUF_ERROR: no progress, for want of input or of room. */
	if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
		return err_set(err, ERR_PROTO, "net.deflate",
		    "the compressed data is damaged");
	if (d->idle > IDLE_MAX)
		return err_set(err, ERR_PROTO, "net.deflate",
		    "the peer sends compressed data that is nothing");
	return d->ended && *n == 0 ? end_err(err) : 0;
}
