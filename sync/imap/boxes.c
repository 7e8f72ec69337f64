/* boxes.c — LIST, STATUS, NAMESPACE, ID. */
#include "imap/boxes.h"

#include <stdint.h>

#include "base/attr.h"
#include "imap/objid.h"
#include "imap/use.h"

static bool
is_safe_name(struct str s)
{
	return s.n <= BOXES_NAME_MAX && str_find(s, '\r') == s.n &&
	    str_find(s, '\n') == s.n && str_find(s, '\0') == s.n;
}

/* A name outside of lists: Exchange leaves out the quotes even where the name
 * has parentheses. */
static bool
read_mailbox(struct lex *lx, struct str *name)
{
	if (!lex_string(lx, name)) {
		if (lex_peek(lx) == '"')
			return false;
		*name = lex_until(lx, " ");
	}
	return name->n > 0 && is_safe_name(*name);
}

/* "/", NIL, or "\" with its backslash not escaped. */
static bool
read_delim(struct lex *lx, char *delim)
{
	struct str s;

	if (str_starts(str_from(lx->line, lx->pos), STR("\"\\\" ")) &&
	    (lx->n_lit == 0 || lx->lit->at >= lx->pos + 4)) {
		lx->pos += 3;
		*delim = '\\';
		return true;
	}
	if (!lex_astring(lx, &s))
		return false;
	*delim = 0;
	if (s.n == 0 || str_ieq(s, STR("NIL")))
		return true;
	*delim = s.p[0];
	return s.n == 1 && s.p[0] > ' ' && s.p[0] < 0x7f;
}

static const struct {
	const char	*name;
	unsigned	 attr;
} list_attrs[] = {
	{ "\\Noselect",		LIST_NOSELECT },
	{ "\\NonExistent",	LIST_NOSELECT },
	{ "\\NoAccess",		LIST_NOSELECT },
	{ "\\Noinferiors",	LIST_NOINFERIORS },
	{ "\\Subscribed",	LIST_SUBSCRIBED },
};

static unsigned
attr_bit(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(list_attrs); i++)
		if (str_ieq(name, str_z(list_attrs[i].name)))
			return list_attrs[i].attr;
	return use_of_name(name);
}

static bool
read_attrs(struct lex *lx, unsigned *attrs)
{
	if (!lex_byte(lx, '('))
		return false;
	for (;;) {
		size_t from;

		lex_blank(lx);
		if (lex_byte(lx, ')'))
			return true;
		from = lx->pos;
		*attrs |= attr_bit(lex_word(lx));
		if (lx->pos == from && !lex_skip(lx))
			return false;
	}
}

/* ("OldBox") */
static bool
read_oldname(struct lex *lx, struct str *name)
{
	if (!lex_byte(lx, '('))
		return false;
	lex_blank(lx);
	if (!lex_astring(lx, name) || !is_safe_name(*name))
		return false;
	lex_blank(lx);
	return lex_byte(lx, ')');
}

/* RFC 5258: ("CHILDINFO" ("SUBSCRIBED") "OLDNAME" ("x")) */
static bool
read_extended(struct lex *lx, struct ev_list *list)
{
	if (!lex_byte(lx, '('))
		return false;
	for (;;) {
		struct str tag;

		lex_blank(lx);
		if (lex_byte(lx, ')'))
			return true;
		if (!lex_astring(lx, &tag))
			return false;
		lex_blank(lx);
		if (str_ieq(tag, STR("OLDNAME")) ?
		    !read_oldname(lx, &list->oldname) : !lex_skip(lx))
			return false;
	}
}

/* (\HasChildren \Sent) "/" "Sent Items" */
bool
boxes_read_list(struct lex *lx, struct ev_list *list)
{
	*list = (struct ev_list){ 0 };
	lex_blank(lx);
	if (!read_attrs(lx, &list->attrs))
		return false;
	lex_blank(lx);
	if (!read_delim(lx, &list->delim))
		return false;
	lex_blank(lx);
	if (!read_mailbox(lx, &list->name))
		return false;
	lex_blank(lx);
	return lex_peek(lx) == LEX_END || read_extended(lx, list);
}

/* RFC 8474 section 7. */
static bool
is_objid(struct str id)
{
	for (size_t i = 0; i < id.n; i++) {
		char c = id.p[i], low = (char)(c | 0x20);

		if (!(low >= 'a' && low <= 'z') && !(c >= '0' && c <= '9') &&
		    c != '_' && c != '-')
			return false;
	}
	return id.n > 0 && id.n <= OBJID_MAX && !str_ieq(id, STR("NIL"));
}

static bool
note_objid(struct ev_status *status, struct str id)
{
	if (is_objid(id)) {
		status->objid = id;
		status->have |= STATUS_OBJID;
	}
	return true;
}

static const struct {
	const char	*name;
	enum status_have have;
	uint64_t	 min, max;
} counters[] = {
	{ "MESSAGES",		STATUS_MESSAGES,	0, UINT32_MAX },
	/* Some servers have 0 for these when they mean "do not know". */
	{ "UIDNEXT",		STATUS_UIDNEXT,		1, UINT32_MAX },
	{ "UIDVALIDITY",	STATUS_UIDVALIDITY,	1, UINT64_MAX },
	{ "UNSEEN",		STATUS_UNSEEN,		0, UINT32_MAX },
	{ "HIGHESTMODSEQ",	STATUS_MODSEQ,		1, INT64_MAX },
	{ "SIZE",		STATUS_SIZE,		0, UINT64_MAX },
};

static void
set_counter(struct ev_status *status, enum status_have which, uint64_t n)
{
	switch (which) {
	case STATUS_MESSAGES:	status->messages = (uint32_t)n; break;
	case STATUS_UIDNEXT:	status->uidnext = (uint32_t)n; break;
	case STATUS_UIDVALIDITY: status->validity.v = n; break;
	case STATUS_UNSEEN:	status->unseen = (uint32_t)n; break;
	case STATUS_MODSEQ:	status->modseq.v = n; break;
	case STATUS_SIZE:	status->size = n; break;
	case STATUS_OBJID:	return;
	}
	status->have |= which;
}

static bool
read_value(struct lex *lx, struct str name, struct ev_status *status)
{
	struct str id;
	uint64_t n;

	if (str_ieq(name, STR("MAILBOXID")) || str_ieq(name, STR("X-GUID")))
		return objid_read(lx, &id) && note_objid(status, id);
	if (str_ieq(name, STR("OBJECTID")))
		return objid_read_list(lx, STR("MAILBOXID"), &id) &&
		    note_objid(status, id);
	for (size_t i = 0; i < ARRAY_LEN(counters); i++) {
		if (!str_ieq(name, str_z(counters[i].name)))
			continue;
		if (!lex_number(lx, counters[i].min, counters[i].max, &n))
			return false;
		set_counter(status, counters[i].have, n);
		return true;
	}
	return lex_skip(lx);
}

/* "INBOX" (MESSAGES 17 UIDNEXT 4392) */
bool
boxes_read_status(struct lex *lx, struct ev_status *status)
{
	*status = (struct ev_status){ 0 };
	lex_blank(lx);
	if (!read_mailbox(lx, &status->name))
		return false;
	lex_blank(lx);
	if (!lex_byte(lx, '('))
		return false;
	for (;;) {
		lex_blank(lx);
		if (lex_byte(lx, ')'))
			return true;
		struct str name = lex_word(lx);

		lex_blank(lx);
		struct lex at = *lx;

		if (read_value(lx, name, status))
			continue;
		*lx = at;
		lx->skipped++;
		if (!lex_skip(lx) || (name.n == 0 && lx->pos == at.pos))
			return false;
	}
}

/* (("INBOX." ".")) NIL NIL */
bool
boxes_read_namespace(struct lex *lx, struct str *prefix, char *delim)
{
	*prefix = STR_NONE;
	*delim = 0;
	lex_blank(lx);
	if (!lex_byte(lx, '('))
		return str_ieq(lex_word(lx), STR("NIL"));
	lex_blank(lx);
	if (!lex_byte(lx, '(') || !lex_astring(lx, prefix) ||
	    !is_safe_name(*prefix))
		return false;
	lex_blank(lx);
	return read_delim(lx, delim);
}

/* ("name" "Dovecot" "version" "2.3") or NIL */
bool
boxes_read_id(struct lex *lx, struct str *name, struct str *version)
{
	*name = *version = STR_NONE;
	lex_blank(lx);
	if (!lex_byte(lx, '('))
		return str_ieq(lex_word(lx), STR("NIL"));
	for (;;) {
		struct str key, value;

		lex_blank(lx);
		if (lex_byte(lx, ')'))
			return true;
		if (!lex_string(lx, &key))
			return false;
		lex_blank(lx);
		if (!lex_nstring(lx, &value))
			return false;
		if (str_ieq(key, STR("name")))
			*name = value;
		else if (str_ieq(key, STR("version")))
			*version = value;
	}
}
