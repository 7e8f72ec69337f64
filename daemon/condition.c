/* condition.c — is the network unmetered, has the machine AC power? */
#include "condition.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

enum { OUTPUT_MAX = 64 << 10, TIMEOUT_S = 30 };

/* NetworkManager knows of a change some seconds after the kernel. */
static const usec eager_for = USEC_S(60);
static const usec eager_every = USEC_S(10);
static const usec unmet_every = USEC_S(60);
static const usec met_every = USEC_S(300);

/* ---- power ------------------------------------------------------------ */

/* The first word of ${dir}/${name}/${file}; "" without one. */
static void
read_word(const char *dir, const char *name, const char *file, char *out,
    size_t cap)
{
	char *path = xasprintf("%s/%s/%s", dir, name, file);
	FILE *f = fopen(path, "re");

	if (f == NULL || fgets(out, (int)cap, f) == NULL)
		out[0] = '\0';
	out[strcspn(out, " \n")] = '\0';
	if (f != NULL)
		fclose(f);
	free(path);
}

/* A port that gives no power says nothing of a machine that has no battery; what a
 * mouse says of itself is its own affair. */
bool
condition_has_ac(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	bool battery = false, any = false, on = false;

	while (d != NULL && (e = readdir(d)) != NULL) {
		char online[32], type[32], scope[32];

		if (e->d_name[0] == '.')
			continue;
		read_word(dir, e->d_name, "scope", scope, sizeof(scope));
		read_word(dir, e->d_name, "type", type, sizeof(type));
		read_word(dir, e->d_name, "online", online, sizeof(online));
		if (strcmp(scope, "Device") == 0)
			continue;
		if (strcmp(type, "Battery") == 0) {
			battery = true;
		} else if (online[0] != '\0') {
			any = true;
			on |= strcmp(online, "0") != 0;
		}
	}
	if (d != NULL)
		closedir(d);
	return on || !any || !battery;
}

/* ---- the network ------------------------------------------------------ */

bool
condition_is_metered(struct str text)
{
	bool metered = false;

	/* "yes", "yes (guessed)", "no", "no (guessed)", "unknown". */
	while (text.n > 0)
		metered |= str_starts(str_trim(str_split(&text, '\n')),
		    STR("yes"));
	return metered;
}

static void
set(struct condition *c, enum condition_kind kind, bool met)
{
	c->unmet = met ? c->unmet & ~(unsigned)kind : c->unmet | kind;
}

/* When the whole answer is there. */
static void
answered(struct condition *c)
{
	usec every = c->unmet != 0 ? unmet_every : met_every;

	c->known = true;
	if (clock_now() < c->eager)
		every = eager_every;
	c->next = clock_in(every);
}

static void
start(struct condition *c, const struct account_conf *conf)
{
	static char *nmcli[] = { "nmcli", "-g", "GENERAL.METERED", "dev", "show" };
	const struct strlist usual = { .v = nmcli, .n = ARRAY_LEN(nmcli) };
	const struct strlist *own = &conf->schedule.condition_command;
	const struct role_env env = { .account = conf->name };
	struct err err;

	c->running = role_command_start(&c->command, own->n > 0 ? own : &usual,
	    &env, OUTPUT_MAX, USEC_S(TIMEOUT_S), &err) == 0;
	if (c->running)
		return;
	log_warn("%s: schedule.only_if: %s", conf->name, err.text);
	set(c, CONDITION_UNMETERED, true);
	answered(c);
}

static void
finish(struct condition *c, const struct account_conf *conf)
{
	const struct role_command *cmd = &c->command;
	bool ok = !cmd->timed_out && cmd->status == 0;

	if (conf->schedule.condition_command.n > 0)
		set(c, CONDITION_UNMETERED, ok);
	else
		set(c, CONDITION_UNMETERED, !ok ||
		    !condition_is_metered(buf_str(&cmd->stdout_bytes)));
	role_command_clear(&c->command);
	c->running = false;
	answered(c);
}

/* ---- both ------------------------------------------------------------- */

static unsigned
wanted(const struct strlist *words)
{
	unsigned kinds = 0;

	for (size_t i = 0; i < words->n; i++)
		kinds |= strcmp(words->v[i], "on-ac") == 0 ?
		    CONDITION_ON_AC : CONDITION_UNMETERED;
	return kinds;
}

void
condition_init(struct condition *c, const struct account_conf *conf)
{
	*c = (struct condition){ .wanted = wanted(&conf->schedule.only_if),
	    .next = USEC_NEVER };
}

void
condition_clear(struct condition *c)
{
	if (c->running)
		role_command_clear(&c->command);
	*c = (struct condition){ .next = USEC_NEVER };
}

void
condition_again(struct condition *c)
{
	c->eager = clock_in(eager_for);
	if (c->next != USEC_NEVER)
		c->next = 0;
}

/* Power first: without it, there is no need to ask about the network. */
static void
ask(struct condition *c, const struct account_conf *conf)
{
	if (c->wanted & CONDITION_ON_AC)
		set(c, CONDITION_ON_AC,
		    condition_has_ac("/sys/class/power_supply"));
	if ((c->wanted & CONDITION_UNMETERED) &&
	    !(c->unmet & CONDITION_ON_AC))
		start(c, conf);
	else
		answered(c);
}

void
condition_step(struct condition *c, const struct account_conf *conf, bool needed)
{
	if (c->wanted == 0)
		return;
	if (c->running) {
		role_command_step(&c->command);
		if (c->command.done)
			finish(c, conf);
	}
	if (!needed) {
		/* An old answer is none. */
		c->known = false;
		c->unmet = 0;
		c->next = USEC_NEVER;
	} else if (!c->running && (!c->known || clock_now() >= c->next)) {
		ask(c, conf);
	}
}

bool
condition_met(const struct condition *c)
{
	return c->wanted == 0 || (c->known && c->unmet == 0);
}

const char *
condition_missing(const struct condition *c)
{
	if (c->unmet & CONDITION_ON_AC)
		return "AC power";
	return c->unmet != 0 ? "an unmetered network" : NULL;
}

usec
condition_deadline(const struct condition *c)
{
	return c->running ? role_command_deadline(&c->command) : c->next;
}

void
condition_waiters(const struct condition *c, struct waiter w[CONDITION_WAITERS])
{
	w[0] = w[1] = (struct waiter){ .fd = -1 };
	if (c->running)
		role_command_waiters(&c->command, w);
}

bool
condition_reaped(struct condition *c, pid_t pid, int status)
{
	if (!c->running || c->command.pid != pid)
		return false;
	role_command_reaped(&c->command, status);
	return true;
}
