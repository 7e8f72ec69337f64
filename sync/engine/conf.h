/*
 * conf.h — the configuration as plain data: what daemon/config.c reads from
 * syncd.yaml and what everything below is told.  All strings are owned by the
 * struct; durations are usec, sizes bytes.  The option table (daemon/options.c)
 * says name, type, default and meaning of each field, once.
 */
#ifndef ENGINE_CONF_H
#define ENGINE_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/types.h"

struct origins;		/* where each value came from: daemon/config.h */
struct sources;		/* the files that were read */

struct strlist {
	char	**v;
	size_t	  n;
};

/* An ordered map of strings: folders.rename. */
struct strmap {
	char	**key, **value;
	size_t	  n;
};

enum policy_op {
	POLICY_NEW	= 1 << 0,
	POLICY_FLAGS	= 1 << 1,
	POLICY_DELETE	= 1 << 2,
	POLICY_ALL	= POLICY_NEW | POLICY_FLAGS | POLICY_DELETE
};

/* What moves in which direction. */
struct policy {
	unsigned	pull;		/* server to Maildir */
	unsigned	push;		/* Maildir to server */
	bool		readonly;	/* backup: EXAMINE, nothing is ever written */
};

struct policy_rule {
	char		*pattern;	/* "\Junk", "Lists/x" */
	struct policy	 policy;
};

/* What the user says to deletions that are held. */
enum verdict {
	VERDICT_NONE,		/* nothing yet */
	VERDICT_APPROVE,	/* they are meant */
	VERDICT_REJECT		/* an accident: put the messages back */
};

enum conf_protocol { PROTOCOL_IMAP, PROTOCOL_POP3 };
enum conf_tls { CONF_TLS_IMPLICIT, CONF_TLS_STARTTLS, CONF_TLS_NONE };
enum conf_verify {		/* yes | pin | no-i-accept-mitm */
	CONF_VERIFY_YES, CONF_VERIFY_PIN, CONF_VERIFY_OFF
};
enum conf_layout { CONF_NESTED, CONF_MAILDIRPP };
enum conf_newmail { NEWMAIL_AUTO, NEWMAIL_NEW, NEWMAIL_CUR };
enum conf_conflict { CONFLICT_MERGE, CONFLICT_REMOTE, CONFLICT_LOCAL };
enum conf_dedupe { DEDUPE_NO, DEDUPE_HARDLINK };
enum conf_compress { COMPRESS_AUTO, COMPRESS_YES, COMPRESS_NO };
enum conf_keywords { KEYWORDS_DOVECOT, KEYWORDS_OFF };
enum conf_local_delete { LDEL_MOVE, LDEL_EXPUNGE, LDEL_FLAG };
enum conf_remote_delete { RDEL_UNDO, RDEL_UNLINK };
enum conf_watch { WATCH_AUTO, WATCH_POLL, WATCH_OFF };
enum conf_hold { HOLD_HOLD, HOLD_REMATCH };
enum conf_too_big { TOO_BIG_SKIP, TOO_BIG_PLACEHOLDER };
enum conf_notify { NOTIFY_PROBLEMS, NOTIFY_OFF };
enum conf_schedule { SCHEDULE_ALWAYS, SCHEDULE_MANUAL };

/* A script, as one account sees it.  Reading mail and planning moves, flags and
 * keywords needs no leave; what goes beyond stands in .allow. */
/* A command that runs on events: hooks in syncd.yaml. */
struct react_conf {
	struct strlist	 events;	/* shell globs of names */
	struct strlist	 run;		/* argv, or one shell string */
	struct {
		char	*account, *folder;	/* shell globs; NULL: any */
		bool	 needs_user;		/* problems that wait for somebody */
	} match;
	usec		 debounce, timeout;
	struct strlist	 retry_on;	/* exit codes */
	char		*rate;		/* "5/1m", or NULL */
	bool		 markup;	/* the last word of .run is shown as HTML */
};

struct plugin_conf {
	char		*name;		/* unique: owns its stores and watermarks */
	char		*script;	/* absolute: name.lua, or name/main.lua */
	bool		 bundled;	/* ours: is granted what it declares */
	bool		 trusted;	/* the whole standard library */
	struct strlist	 accounts;	/* globs of those that it sees */
	struct {
		struct strlist	exec, read, write, accounts, connect;
		bool		send, delete;
	} allow;
	struct {
		int64_t	memory;
		usec	time;		/* of one call, in the interpreter */
		usec	deadline;	/* of one message, with its commands */
	} limits;
	int		 on_error;	/* deliver: there is nothing else */
	char		*config;	/* its options, as JSON */
	char		*places;	/* {"option": "file:line:column"} of those */
};

struct account_conf {
	char	*name;			/* the key under accounts: */
	char	*email;
	bool	 enabled;
	int	 protocol;		/* enum conf_protocol */
	char	*host;
	int64_t	 port;			/* resolved: never 0 */
	char	*user;			/* resolved */
	struct strlist	tunnel_command;	/* argv, or one shell string */

	struct {
		int		 mode;		/* enum conf_tls */
		int64_t		 min_version;	/* 12, 13 */
		char		*ca_file;	/* NULL: system */
		struct strlist	 pin;
		char		*client_cert, *client_key;
		int		 verify;	/* enum conf_verify */
	} tls;

	struct {				/* exactly one source is set */
		struct strlist	 password_command;	/* argv; one word = shell */
		struct strlist	 token_command;
		char		*password_file;
		char		*credential;
		char		*keyring;
		bool		 external;
		struct strlist	 mechanisms;		/* empty: auto */
		usec		 command_timeout;
		usec		 cache;
	} auth;

	char	*path;			/* absolute */
	int	 layout;		/* enum conf_layout */
	int	 new_mail_dir;		/* enum conf_newmail */

	struct {
		struct strlist	sync;
		bool		subscribed_only;
		struct strmap	rename;
		bool		create_local, create_remote;
		bool		delete_local, delete_remote;
	} folders;

	struct policy		 policy;
	struct policy_rule	*policy_for;
	size_t			 n_policy_for;
	int	 conflict;		/* enum conf_conflict */
	int	 keywords;		/* enum conf_keywords */
	int	 dedupe;		/* enum conf_dedupe */

	struct {
		int	local_delete;	/* enum conf_local_delete */
		int	remote_delete;	/* enum conf_remote_delete */
	} trash;

	struct {
		usec	 keep;
		int64_t	 max;
	} undo;

	struct {
		int64_t	 max_delete_count, max_delete_percent;
		int	 store_missing, uidvalidity_change;	/* enum conf_hold */
		int64_t	 min_free_space;
	} guards;

	struct {
		int		remote;		/* enum conf_watch */
		struct strlist	idle_folders;
		usec		poll;
		bool		local;
		usec		settle;
	} watch;

	struct {
		int	when;			/* enum conf_schedule */
		usec	every;			/* "every 6h", and a day if
						 * daily; 0: no turns */
		bool	daily;			/* "daily 02:00-05:00" */
		int	from, until;		/* then, minutes of the local
						 * day; the same: one moment */
		struct strlist	only_if;	/* "unmetered", "on-ac" */
		struct strlist	condition_command;
		usec	jitter;
		usec	alert_after;
	} schedule;

	struct {
		bool	 manifest;
		char	*verify;		/* "weekly 5%"; NULL: not by itself */
		char	*ping;			/* a URL; NULL: none */
	} backup;

	struct {
		int64_t	connections;
		int64_t	max_message_size;
		usec	max_age;		/* 0: all */
		usec	connect_timeout, response_timeout;
	} limits;

	struct {
		usec	 keep_on_server;	/* USEC_NEVER: for ever */
		int64_t	 max_per_session;
		int	 too_big;		/* enum conf_too_big */
	} pop3;

	/* `syncd restore`, never the configuration: the tree is another account's,
	 * is only read, and goes to this server. */
	struct {
		bool	on;
		int64_t	since, until;	/* INTERNALDATE, seconds; until 0: none */
	} restore;

	/* Rungs of the ladder that must not be used: capability names, "NOTIFY",
	 * "LITERAL+"...; for tests and for servers that do them badly. */
	struct strlist	avoid;
	int	 compress;		/* enum conf_compress */

	struct plugin_conf	*plugin;	/* in the order in which they run */
	size_t			 n_plugins;

	struct origins	*origins;	/* NULL in a worker */
};

struct conf {
	char			*state_dir;	/* absolute */
	char			*socket;	/* control socket path, absolute */
	int			 log_level;	/* enum log_level */
	char			*log_file;	/* NULL: stderr */
	char			*metrics_file;	/* NULL: none */
	struct strlist		 log_protocol;	/* accounts whose wire is traced */
	struct account_conf	*account;
	size_t			 n_accounts;
	struct react_conf	*react;
	size_t			 n_reacts;
	int			 notify_desktop;	/* enum conf_notify */
	char			*notify_mail_to;	/* NULL: nobody */
	usec			 notify_repeat;
	struct plugin_conf	*plugin;	/* in the order in which they run */
	size_t			 n_plugins;
	struct strlist		 files;		/* what was read, for `config path` */
	struct origins		*origins;
	struct sources		*sources;
};

/* Append a copy of ${text}. */
void	strlist_add(struct strlist *l, const char *text);
void	strlist_copy(struct strlist *to, const struct strlist *from);
void	strlist_clear(struct strlist *l);
void	strmap_add(struct strmap *m, const char *key, const char *value);
void	strmap_copy(struct strmap *to, const struct strmap *from);
void	strmap_clear(struct strmap *m);

#endif
