/* search.c — SEARCH, ESEARCH and VANISHED. */
#include "imap/search.h"

#include "base/num.h"

static bool
bad_search(struct lex *lx)
{
	lx->broken = "proto.bad-search";
	return false;
}

static bool
uids(struct event *ev, struct sets *sets, const uint64_t *count)
{
	ev->kind = EV_UIDS;
	ev->uids.set = sets_end(sets);
	ev->uids.count = count != NULL ? *count : uidset_count(ev->uids.set);
	return true;
}

/* "2 3 6 (MODSEQ 917162500)" */
bool
search_read(struct lex *lx, struct sets *sets, struct event *ev)
{
	sets_begin(sets);
	for (;;) {
		uint64_t n;

		lex_blank(lx);
		int c = lex_peek(lx);

		if (c == LEX_END || c == '(')
			return uids(ev, sets, NULL);
		if (!lex_number(lx, 0, UINT64_MAX, &n))
			return bad_search(lx);
		if (n > UINT32_MAX)
			lx->skipped++;	/* no message can have it */
		else
			sets_put(sets, (uint32_t)n, (uint32_t)n);
	}
}

/* "(TAG "A283") UID ALL 2,10:11 COUNT 3"; nothing is found: no ALL. */
bool
search_read_extended(struct lex *lx, struct sets *sets, struct event *ev)
{
	uint64_t count;
	bool counted = false;

	sets_begin(sets);
	lex_blank(lx);
	if (lex_peek(lx) == '(' && !lex_skip(lx))
		return bad_search(lx);
	for (;;) {
		lex_blank(lx);
		if (lex_peek(lx) == LEX_END)
			return uids(ev, sets, counted ? &count : NULL);
		struct str item = lex_word(lx);

		lex_blank(lx);
		if (str_ieq(item, STR("UID")))
			continue;
		if (str_ieq(item, STR("ALL"))) {
			if (!sets_text(sets, lex_word(lx)))
				return bad_search(lx);
		} else if (str_ieq(item, STR("COUNT"))) {
			counted = lex_number(lx, 0, UINT32_MAX, &count);
			if (!counted)
				return bad_search(lx);
		} else if (item.n == 0 || !lex_skip(lx)) {
			return bad_search(lx);
		}
	}
}

/* "(EARLIER) 41,43:116" */
bool
search_read_vanished(struct lex *lx, struct sets *sets, struct event *ev)
{
	struct str set;

	lex_blank(lx);
	ev->gone.earlier = lex_byte(lx, '(');
	if (ev->gone.earlier) {
		lex_blank(lx);
		if (!str_ieq(lex_word(lx), STR("EARLIER")))
			return false;
		lex_blank(lx);
		if (!lex_byte(lx, ')'))
			return false;
		lex_blank(lx);
	}
	set = lex_word(lx);
	lex_blank(lx);
	sets_begin(sets);
	if (lex_peek(lx) != LEX_END || !sets_text(sets, set))
		return false;
	ev->kind = EV_GONE;
	ev->gone.uids = sets_end(sets);
	return true;
}
