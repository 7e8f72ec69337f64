/* recover_open.c — an intent that cannot be settled now. */
#include "engine/recover_impl.h"

#include "engine/problem.h"
#include "engine/unread.h"

bool
recover_stays_open(struct account *acc, struct folder *f, const struct err *err)
{
	if (err->class != ERR_FOLDER && err->class != ERR_MSG)
		return false;
	problem_open(acc, PROBLEM_WARNING, err->code, f, "", "%s", err->text);
	acc->recovered = false;
	unread_mark(f);
	return true;
}
