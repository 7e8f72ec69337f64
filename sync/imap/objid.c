/* objid.c — ids, one or in a list. */
#include "imap/objid.h"

bool
objid_read(struct lex *lx, struct str *id)
{
	bool list = lex_byte(lx, '(');

	lex_blank(lx);
	if (!lex_astring(lx, id))
		return false;
	lex_blank(lx);
	return !list || lex_byte(lx, ')');
}

bool
objid_read_list(struct lex *lx, struct str name, struct str *id)
{
	*id = STR_NONE;
	if (!lex_byte(lx, '('))
		return false;
	for (;;) {
		struct str next;

		lex_blank(lx);
		if (lex_byte(lx, ')'))
			return true;
		next = lex_word(lx);
		lex_blank(lx);
		if (str_ieq(next, name) ? !objid_read(lx, id) :
		    next.n == 0 || !lex_skip(lx))
			return false;
	}
}
