/* react_renew.c — hooks under a new configuration. */
#include "react.h"

#include "react_conf.h"

/* The hook ${re} goes on with what its like in ${old} was doing, and waits for.  Whom
 * a mail goes to is a word of its command. */
static void
take_over(struct reaction *re, struct react *old)
{
	const struct react_conf *conf = re->conf;
	const char *mail_to = re->mail_to;

	for (size_t i = 0; i < old->n; i++) {
		struct reaction *was = &old->v[i];

		if (was->pending == NULL || !react_conf_equal(was->conf, conf) ||
		    (was->mail_to == NULL) != (mail_to == NULL))
			continue;
		json_decref(re->pending);
		*re = *was;
		re->conf = conf;
		re->mail_to = mail_to;
		*was = (struct reaction){ .conf = was->conf, .due = USEC_NEVER,
		    .command = { .out = -1, .err = -1 } };
		return;
	}
}

void
react_renew(struct react *r, const struct conf *conf)
{
	struct react old = *r;

	/* Those of notify lie in the struct itself. */
	for (size_t i = 0; i < old.n; i++)
		if (old.v[i].conf == &r->desktop)
			old.v[i].conf = &old.desktop;
		else if (old.v[i].conf == &r->mail)
			old.v[i].conf = &old.mail;
	react_init(r, conf, old.seq);
	for (size_t i = 0; i < r->n; i++)
		take_over(&r->v[i], &old);
	react_clear(&old);
}
