/*
 * options.h — the one table of every key of syncd.yaml: the parser, `syncd config
 * explain`, the JSON Schema, and the message between parent and worker are made
 * from it; the example file and the manual are tested against it.
 *
 * Keys are dotted; "*" stands for a name the user gives, or an item of a list.
 */
#ifndef DAEMON_OPTIONS_H
#define DAEMON_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "engine/conf.h"

enum opt_type {
	OPT_GROUP,	/* a map of keys of ours, or null */
	OPT_ACCOUNTS,	/* a map from account names to groups */
	OPT_ITEMS,	/* a list of groups */
	OPT_ANY,	/* not looked into */
	OPT_BOOL,	/* bool */
	OPT_ENUM,	/* int: the index of the word */
	OPT_INT,	/* int64_t */
	OPT_VERSION,	/* int64_t: "1.2" is 12 */
	OPT_DURATION,	/* usec */
	OPT_SIZE,	/* int64_t, bytes */
	OPT_TEXT,	/* char *, NULL for null */
	OPT_PATH,	/* char *, absolute */
	OPT_LIST,	/* struct strlist */
	OPT_COMMAND,	/* struct strlist: argv, or one string for the shell */
	OPT_MAP,	/* struct strmap */
	OPT_POLICY,	/* struct policy */
	OPT_POLICY_FOR,	/* account_conf.policy_for and n_policy_for */
	OPT_SCHEDULE	/* account_conf.schedule.when and .every */
};

enum opt_flags {
	OPT_SECRET	= 1 << 0,	/* one of the sources of the secret, which
					 * may stand directly under the account */
	OPT_NEEDED	= 1 << 1,	/* later, and nothing works without it: an
					 * error instead of a warning */
	OPT_FILE_PREFIX	= 1 << 2	/* "file:PATH" means PATH */
};

enum { OPT_NO_FIELD = 0xffff };

struct option {
	const char	*key;
	enum opt_type	 type;
	uint16_t	 at;		/* offset in struct account_conf for keys of
					 * an account, in struct plugin_conf for those
					 * of a script, in struct react_conf for those
					 * of a hook, else in struct conf */
	uint16_t	 flags;		/* enum opt_flags */
	const char	*dflt;		/* as written in YAML; NULL: see derived */
	const char	*derived;	/* what the value is when none is given */
	const char	*words;		/* OPT_ENUM: the words, in order.  Else:
					 * words that stand for "nothing" */
	const char	*later_words;	/* words that a later version takes */
	const char	*items;		/* OPT_ITEMS, OPT_ACCOUNTS, OPT_GROUP: where
					 * the keys within are listed, if not under
					 * the key itself */
	const char	*pattern;	/* OPT_LIST: what each text must match, as an
					 * extended regular expression */
	int64_t		 min, max;	/* OPT_INT, OPT_DURATION; max 0: no bound */
	const char	*example;	/* a value, where the default shows none */
	const char	*later;		/* not in this version yet: what for */
	const char	*help;		/* one sentence, without a full stop */
};

extern const struct option options[];
extern const size_t n_options;

/* The option ${key} of ${place} ("accounts.*.tls", "" for the top), or NULL. */
const struct option *option_find(const char *place, const char *key);
/* Likewise, by the whole key. */
const struct option *option_get(const char *key);
static inline size_t
option_index(const struct option *o)
{
	return (size_t)(o - options);
}
/* Whether it is one of an account's keys. */
bool	option_of_account(const struct option *o);
/* Whether it is one of a script's: a field of struct plugin_conf. */
bool	option_of_plugin(const struct option *o);
/* Whether it is one of a hook's: a field of struct react_conf. */
bool	option_of_react(const struct option *o);
/* Whether it is a field of struct conf. */
bool	option_of_top(const struct option *o);
void	options_clear_react(struct react_conf *r);
/* The part behind the last dot. */
const char *option_leaf(const struct option *o);
/* The name to call it in a message: without "accounts.*.". */
const char *option_name(const struct option *o);
/* Whether ${o} is a key directly in ${place}. */
bool	option_in(const struct option *o, const char *place);
/* Whether it holds other keys. */
bool	option_is_branch(const struct option *o);
/* "text", "a duration such as 15m", ...: what a value must be. */
const char *option_type_text(const struct option *o);

/* The next word of ${words} (separated by spaces); false at the end. */
bool	option_word(struct str *words, struct str *word);
/* The index of ${word} in ${words}, or -1. */
int	option_word_index(const char *words, struct str word);

/* A field of ${base} (the struct that the option belongs to). */
void	option_clear(const struct option *o, void *base);
void	option_copy(const struct option *o, void *to, const void *from);
/* Free and copy all fields of an account but the name. */
void	options_clear_account(struct account_conf *a);
void	options_copy_account(struct account_conf *to, const struct account_conf *from);
void	options_clear_plugin(struct plugin_conf *p);
void	options_copy_plugin(struct plugin_conf *to, const struct plugin_conf *from);
void	options_clear_top(struct conf *c);

#endif
