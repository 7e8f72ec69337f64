/* use.c — the one table of special uses. */
#include "imap/use.h"

#include "base/attr.h"
#include "net/lane.h"

static const struct {
	const char	*name;
	unsigned	 attr;
} uses[] = {
	{ "\\All", LIST_ALL },
	{ "\\Archive", LIST_ARCHIVE },
	{ "\\Drafts", LIST_DRAFTS },
	{ "\\Flagged", LIST_FLAGGED },
	{ "\\Junk", LIST_JUNK },
	{ "\\Sent", LIST_SENT },
	{ "\\Trash", LIST_TRASH },
	{ "\\Important", LIST_IMPORTANT },
};

unsigned
use_of_name(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(uses); i++)
		if (str_ieq(name, str_z(uses[i].name)))
			return uses[i].attr;
	return 0;
}

const char *
use_name(unsigned attrs)
{
	for (size_t i = 0; i < ARRAY_LEN(uses); i++)
		if (attrs & uses[i].attr)
			return uses[i].name;
	return NULL;
}
