/* ping.c — one curl for each word to a health check. */
#include "ping.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "role.h"

enum { BODY_MAX = 10 << 10, OUT_MAX = 4 << 10, TIMEOUT_S = 60 };

struct ping {
	char			*account;
	struct role_command	 command;
};

static void
ping_free(struct ping *p)
{
	role_command_clear(&p->command);
	free(p->account);
	free(p);
}

void
pings_clear(struct pings *ps)
{
	for (size_t i = 0; i < ps->n; i++)
		ping_free(ps->v[i]);
	free(ps->v);
	*ps = (struct pings){ 0 };
}

static void
make_argv(struct strlist *argv, const char *url, enum ping_kind kind, bool body)
{
	static const char *const curl[] = { "curl", "-fsS", "-m", "10",
		"--retry", "3", "-o", "/dev/null" };
	static const char *const tails[] = { "/start", "", "/fail" };
	char *full = xasprintf("%s%s", url, tails[kind]);

	for (size_t i = 0; i < ARRAY_LEN(curl); i++)
		strlist_add(argv, curl[i]);
	if (body) {
		strlist_add(argv, "--data-binary");
		strlist_add(argv, "@-");
	}
	strlist_add(argv, full);
	free(full);
}

void
pings_send(struct pings *ps, const struct account_conf *conf,
    enum ping_kind kind, const char *body)
{
	struct role_env env = { .account = conf->name, .reason = "ping" };
	struct strlist argv = { 0 };
	struct ping *p;
	struct buf in;
	struct err err;

	if (conf->backup.ping == NULL)
		return;
	buf_init(&in, BODY_MAX);
	if (body != NULL) {
		must(buf_add_str(&in, str_head(str_z(body), BODY_MAX)) == 0);
		env.input = &in;
	}
	p = xcalloc(1, sizeof(*p));
	make_argv(&argv, conf->backup.ping, kind, body != NULL);
	if (role_command_start(&p->command, &argv, &env, OUT_MAX,
	    USEC_S(TIMEOUT_S), &err) < 0) {
		log_warn("%s: ping: %s", conf->name, err.text);
		free(p);
	} else {
		p->account = xstrdup(conf->name);
		ps->v = array_room(ps->v, ps->n, &ps->cap, sizeof(ps->v[0]));
		ps->v[ps->n++] = p;
	}
	buf_clear(&in);
	strlist_clear(&argv);
}

static void
tell_end(const struct ping *p)
{
	struct str tail = str_trim((struct str){ p->command.tail,
	    p->command.n_tail });
	char how[64];

	if (p->command.status == 0)
		return;
	role_obituary(p->command.status, how, sizeof(how));
	log_warn("%s: ping: curl %s: %.*s", p->account, how, STR_ARG(tail));
}

void
pings_step(struct pings *ps)
{
	size_t kept = 0;

	for (size_t i = 0; i < ps->n; i++) {
		struct ping *p = ps->v[i];

		role_command_step(&p->command);
		if (!p->command.done) {
			ps->v[kept++] = p;
			continue;
		}
		tell_end(p);
		ping_free(p);
	}
	ps->n = kept;
}

bool
pings_reaped(struct pings *ps, pid_t pid, int status)
{
	for (size_t i = 0; i < ps->n; i++)
		if (ps->v[i]->command.pid == pid) {
			role_command_reaped(&ps->v[i]->command, status);
			return true;
		}
	return false;
}

usec
pings_deadline(const struct pings *ps)
{
	usec least = USEC_NEVER;

	for (size_t i = 0; i < ps->n; i++) {
		usec one = ps->v[i]->command.done ? 0 :
		    role_command_deadline(&ps->v[i]->command);

		least = one < least ? one : least;
	}
	return least;
}

void
pings_waiters(const struct pings *ps, struct waiter *w)
{
	for (size_t i = 0; i < ps->n; i++)
		role_command_waiters(&ps->v[i]->command, w + 2 * i);
}
