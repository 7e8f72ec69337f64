/*
 * condition.h — `schedule.only_if`: is the network unmetered, has the machine AC
 * power?  Asked by the parent, for each account that wants to know, only while
 * something depends on it, and never waited for.
 *
 * nmcli, or the user's `schedule.condition_command`, tells of the network.  Where
 * nobody can tell, a condition is met: no NetworkManager, no power supply.
 */
#ifndef DAEMON_CONDITION_H
#define DAEMON_CONDITION_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/types.h"
#include "base/wait.h"
#include "engine/conf.h"
#include "role.h"

enum condition_kind {
	CONDITION_UNMETERED	= 1 << 0,
	CONDITION_ON_AC		= 1 << 1
};

struct condition {
	unsigned		 wanted;	/* enum condition_kind */
	unsigned		 unmet;		/* as far as known */
	bool			 known;
	bool			 running;	/* the command */
	struct role_command	 command;
	usec			 next;		/* ask then; USEC_NEVER: nobody
						 * wants to know */
	usec			 eager;		/* ask more often until then */
};

enum { CONDITION_WAITERS = 2 };

void	condition_init(struct condition *c, const struct account_conf *conf);
void	condition_clear(struct condition *c);
/* The network changed, or somebody says so: ask again soon. */
void	condition_again(struct condition *c);
/* Ask when it is time to, unless nothing depends on it (${needed}). */
void	condition_step(struct condition *c, const struct account_conf *conf,
	    bool needed);
bool	condition_met(const struct condition *c);
/* "an unmetered network", "AC power": what is waited for, or NULL. */
const char *condition_missing(const struct condition *c);
usec	condition_deadline(const struct condition *c);
void	condition_waiters(const struct condition *c,
	    struct waiter w[CONDITION_WAITERS]);
bool	condition_reaped(struct condition *c, pid_t pid, int status);

/* --- For tests, pure. --- */

/* What nmcli prints of all devices: is one of those that are connected metered, or
 * thought to be? */
bool	condition_is_metered(struct str text);
/* /sys/class/power_supply, as ${dir}: does a supply of the machine itself that is no
 * battery give power?  True also without any, and without a battery. */
bool	condition_has_ac(const char *dir);

#endif
