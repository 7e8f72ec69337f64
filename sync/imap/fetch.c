/* fetch.c — FETCH responses. */
#include "imap/fetch.h"

#include <stdlib.h>

#include "base/attr.h"
#include "base/mem.h"
#include "base/num.h"
#include "imap/objid.h"
#include "imap/parse.h"

enum { FLAGS_MAX = 1024 };	/* of one message */

void
fetch_init(struct fetch *f)
{
	*f = (struct fetch){ 0 };
}

void
fetch_clear(struct fetch *f)
{
	free(f->flag);
	fetch_init(f);
}

/* Old Zimbra glues: "UID 12MODSEQ (5)". */
static bool
read_uid(struct fetch *f, struct lex *lx)
{
	struct str word = lex_word(lx);
	uint32_t uid;

	if (word.n > 6 && str_ieq(str_from(word, word.n - 6), STR("MODSEQ"))) {
		lx->pos -= 6;
		word.n -= 6;
	}
	if (!num_u32(word, 1, UINT32_MAX, &uid))
		return false;
	/* Two UIDs for one message: the first was given out with the body. */
	if (f->msg.uid.v != 0)
		return f->msg.uid.v == uid;
	f->msg.uid.v = uid;
	return true;
}

/* A flag that cannot be read makes the whole list useless: one that is missing
 * would look as if it had been removed. */
static bool
read_flags(struct fetch *f, struct lex *lx)
{
	size_t n = 0;

	if (f->msg.have & MSG_FLAGS || !lex_byte(lx, '('))
		return false;
	for (;;) {
		struct str flag;

		lex_blank(lx);
		if (lex_byte(lx, ')'))
			break;
		if (n == FLAGS_MAX || !lex_astring(lx, &flag))
			return false;
		f->flag = array_room(f->flag, n, &f->cap_flag,
		    sizeof(*f->flag));
		f->flag[n++] = flag;
	}
	f->msg.flags = f->flag;
	f->msg.n_flags = n;
	f->msg.have |= MSG_FLAGS;
	return true;
}

static bool
read_date(struct fetch *f, struct lex *lx)
{
	struct str text;

	if (!lex_string(lx, &text) || !imap_date_parse(text, &f->msg.date))
		return false;
	f->msg.have |= MSG_DATE;
	return true;
}

/* Zoho sends "MODSEQ (-1)", mail.ru "(9.3736e+06)". */
static bool
read_modseq(struct fetch *f, struct lex *lx)
{
	uint64_t n;

	if (!lex_byte(lx, '('))
		return false;
	lex_blank(lx);
	if (!lex_number(lx, 1, INT64_MAX, &n))
		return false;
	lex_blank(lx);
	if (!lex_byte(lx, ')'))
		return false;
	f->msg.modseq.v = n;
	f->msg.have |= MSG_MODSEQ;
	return true;
}

static bool
read_size(struct fetch *f, struct lex *lx)
{
	uint64_t n;

	if (!lex_number(lx, 0, UINT64_MAX, &n))
		return false;
	f->msg.size = n;
	f->msg.have |= MSG_SIZE;
	return true;
}

static bool
set_objid(struct fetch *f, struct str id)
{
	if (id.n == 0 || id.n > OBJID_MAX || str_ieq(id, STR("NIL")))
		return false;
	f->msg.objid = id;
	f->msg.have |= MSG_OBJID;
	return true;
}

static bool
read_emailid(struct fetch *f, struct lex *lx)
{
	struct str id;

	return objid_read(lx, &id) && set_objid(f, id);
}

/* X-GM-MSGID 1278455344230334865, X-GUID 5e1a...: only where there is no
 * EMAILID. */
static bool
read_guid(struct fetch *f, struct lex *lx)
{
	struct str id;

	if (!lex_astring(lx, &id))
		return false;
	return f->msg.have & MSG_OBJID || set_objid(f, id);
}

static bool
read_objectid(struct fetch *f, struct lex *lx)
{
	struct str id;

	return objid_read_list(lx, STR("EMAILID"), &id) &&
	    (id.p == NULL || set_objid(f, id));
}

static bool
read_header(struct fetch *f, struct lex *lx)
{
	struct str header;

	if (!lex_nstring(lx, &header))
		return false;
	if (header.p == NULL)
		return true;
	f->msg.header = header;
	f->msg.have |= MSG_HEADER;
	return true;
}

/* BODY[HEADER.FIELDS (MESSAGE-ID)]: no other fields are ever asked for. */
static bool
read_fields(struct fetch *f, struct lex *lx)
{
	if (!lex_nstring(lx, &f->msg.fields))
		return false;
	f->msg.have |= MSG_FIELDS;
	return true;
}

static bool
read_body(struct fetch *f, struct lex *lx)
{
	const struct literal *lit = lex_literal(lx);

	if (lit != NULL) {
		/* One that is kept is the second BODY[] of the line. */
		if (!lit->streamed)
			return false;
	} else if (f->inlined || !lex_nstring(lx, &f->body)) {
		return false;
	} else {
		f->inlined = true;
	}
	f->msg.have |= MSG_BODY;
	return true;
}

static const struct {
	const char	*name;
	bool		(*read)(struct fetch *, struct lex *);
} items[] = {
	{ "UID",		read_uid },
	{ "FLAGS",		read_flags },
	{ "MODSEQ",		read_modseq },
	{ "INTERNALDATE",	read_date },
	{ "RFC822.SIZE",	read_size },
	{ "BODY[]",		read_body },
	{ "BODY[]<0>",		read_body },
	{ "RFC822",		read_body },
	{ "BODY[HEADER]",	read_header },
	{ "BODY[HEADER.FIELDS (MESSAGE-ID)]", read_fields },
	{ "RFC822.HEADER",	read_header },
	{ "EMAILID",		read_emailid },
	{ "OBJECTID",		read_objectid },
	{ "X-GM-MSGID",		read_guid },
	{ "X-GUID",		read_guid },
};

/* One name and its value.  False when the rest of the line is lost. */
static bool
read_item(struct fetch *f, struct lex *lx)
{
	struct str name = lex_item(lx);
	struct lex at;

	lex_blank(lx);
	at = *lx;
	for (size_t i = 0; i < ARRAY_LEN(items); i++) {
		if (!str_ieq(name, str_z(items[i].name)))
			continue;
		if (items[i].read(f, lx))
			return true;
		*lx = at;
		lx->skipped++;
		break;
	}
	return lex_skip(lx);
}

void
fetch_read(struct fetch *f, struct lex *lx)
{
	f->msg = (struct ev_msg){ 0 };
	f->inlined = false;
	lex_blank(lx);
	if (!lex_byte(lx, '(')) {
		lx->skipped++;
		return;
	}
	for (;;) {
		lex_blank(lx);
		if (lex_peek(lx) == ')')
			return;
		if (!read_item(f, lx)) {
			lx->skipped++;
			return;
		}
	}
}
