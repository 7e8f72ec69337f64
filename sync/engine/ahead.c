/* ahead.c — what a server took the last time; in the store, by its address. */
#include "engine/ahead.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/num.h"
#include "imap/cmd.h"
#include "imap/lane.h"

#define KEY	"ahead"

enum { VALUE_MAX = 400 };

void
ahead_greet(struct account *acc, struct lane *ln)
{
	acc->greeting = (struct greeting){
		.enable = imap_enable(ln),
		.id = imap_id(ln),
		.ns = imap_namespace(ln),
		.list = imap_list(ln, true),
	};
}

void
ahead_speak(void *who, struct lane *ln)
{
	struct account *acc = who;

	ahead_greet(acc, ln);
	acc->greeting.ahead = true;
}

/* "VERSION HOST:PORT ": the bits are those of this program. */
static void
print_address(const struct account *acc, char out[VALUE_MAX])
{
	snprintf(out, VALUE_MAX, "%s %.255s:%" PRIi64 " ", SYNCD_VERSION,
	    acc->conf->host != NULL ? acc->conf->host : "", acc->conf->port);
}

/* 1: *${bits} is what was remembered of this server (0: never again); 0; -1. */
static int
recall(const struct account *acc, uint64_t *bits, struct err *err)
{
	char address[VALUE_MAX], *value;
	struct str text;
	int got = 0;

	if (store_get(acc->store, KEY, &value, err) < 0)
		return -1;
	text = str_z(value);
	print_address(acc, address);
	if (value != NULL && str_starts(text, str_z(address)))
		got = num_u64(str_from(text, strlen(address)), 0, UINT64_MAX,
		    bits);
	free(value);
	return got;
}

int
ahead_begin(struct account *acc, uint64_t *bits, struct err *err)
{
	*bits = 0;
	acc->greeting = (struct greeting){ 0 };
	return recall(acc, bits, err) < 0 ? -1 : 0;
}

static int
remember(struct account *acc, uint64_t bits, struct err *err)
{
	char value[VALUE_MAX];
	size_t n;

	print_address(acc, value);
	n = strlen(value);
	snprintf(value + n, sizeof(value) - n, "%" PRIu64, bits);
	return store_set(acc->store, KEY, str_z(value), err);
}

int
ahead_learn(struct account *acc, struct err *err)
{
	uint64_t now = imap_ahead(acc->work), was = 0;
	int known = recall(acc, &was, err);

	if (known < 0)
		return -1;
	if (acc->dry_run || (known ? was == 0 || was == now : now == 0))
		return 0;
	return remember(acc, now, err);
}

bool
ahead_failed(struct account *acc, const struct err *why)
{
	struct err err;

	bool ahead = acc->greeting.ahead;

	acc->greeting = (struct greeting){ 0 };
	if (!ahead)
		return false;
	if (why->class != ERR_AUTH && why->class != ERR_PROTO)
		return false;
	if (remember(acc, 0, &err) < 0)
		log_warn("%s", err.text);
	return true;
}
