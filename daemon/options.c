/* options.c — the option table's rows. */
#include "options.h"

#include "base/attr.h"
#include "base/mem.h"

#define A(field)	offsetof(struct account_conf, field)
#define C(field)	offsetof(struct conf, field)
#define R(field)	offsetof(struct react_conf, field)
#define P(field)	offsetof(struct plugin_conf, field)
#define NOWHERE		OPT_NO_FIELD
#define YEARS_US(n)	((int64_t)(n) * 365 * 86400 * 1000000)

#define OPS		"new flags delete"

const struct option options[] = {
	{ "include", OPT_LIST, NOWHERE, .dflt = "[accounts.d/*.yaml]",
	  .help = "Other files to read, in the order of their names; each may hold"
	    " any top-level key" },

	/* ------------------------------------------------------- accounts */
	{ "accounts", OPT_ACCOUNTS, NOWHERE, .items = "accounts.*",
	  .help = "The accounts, each under a name of your choice" },
	{ "accounts.*.email", OPT_TEXT, A(email), .derived = "none",
	  .example = "me@fastmail.com",
	  .help = "The address; server and user name follow from it when the"
	    " provider is a known one" },
	{ "accounts.*.enabled", OPT_BOOL, A(enabled), .dflt = "yes",
	  .help = "Whether the account is synced at all" },
	{ "accounts.*.protocol", OPT_ENUM, A(protocol), .dflt = "imap",
	  .words = "imap pop3",
	  .help = "The protocol that the server speaks" },
	{ "accounts.*.host", OPT_TEXT, A(host), .derived = "by the provider",
	  .example = "imap.corp.example",
	  .help = "The name or the address of the server" },
	{ "accounts.*.port", OPT_INT, A(port), .min = 1, .max = 65535,
	  .derived = "993, and 143 with starttls or none; with POP3 995 and 110",
	  .example = "993",
	  .help = "The port of the server" },
	{ "accounts.*.user", OPT_TEXT, A(user),
	  .derived = "email, or by the provider", .example = "ann",
	  .help = "The name to sign in with" },
	{ "accounts.*.proxy", OPT_TEXT, NOWHERE, .dflt = "null",
	  .later = "proxies", .example = "socks5://127.0.0.1:9050",
	  .help = "A proxy to reach the server through: a socks5 or http URL, or"
	    " env" },
	{ "accounts.*.tunnel_command", OPT_COMMAND, A(tunnel_command),
	  .dflt = "null", .example = "ssh -q host /usr/lib/dovecot/imap",
	  .help = "A command that speaks with the server on its standard input and"
	    " output, instead of a connection" },

	{ "accounts.*.tls", OPT_GROUP, NOWHERE,
	  .help = "Encryption of the connection" },
	{ "accounts.*.tls.mode", OPT_ENUM, A(tls.mode), .dflt = "implicit",
	  .words = "implicit starttls none",
	  .help = "How encryption begins; none is for loopback addresses and"
	    " tunnels only" },
	{ "accounts.*.tls.min_version", OPT_VERSION, A(tls.min_version),
	  .dflt = "\"1.2\"", .words = "1.2 1.3",
	  .help = "The oldest version of TLS that is spoken" },
	{ "accounts.*.tls.ca_file", OPT_PATH, A(tls.ca_file), .dflt = "system",
	  .words = "system", .example = "/etc/ssl/corp-ca.pem",
	  .help = "The authorities that may vouch for the server: the system's, or"
	    " a PEM file" },
	{ "accounts.*.tls.pin", OPT_LIST, A(tls.pin), .dflt = "[]",
	  .example = "sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
	  .pattern = "^sha256/[A-Za-z0-9+/]{43}=$",
	  .help = "Public keys of which the server must show one: sha256/ and the"
	    " base64 digest of the SPKI" },
	{ "accounts.*.tls.client_cert", OPT_GROUP, NOWHERE, .dflt = "null",
	  .help = "A certificate to show to the server" },
	{ "accounts.*.tls.client_cert.cert", OPT_PATH, A(tls.client_cert),
	  .dflt = "null", .example = "~/c.pem",
	  .help = "The PEM file of the certificate and its chain" },
	{ "accounts.*.tls.client_cert.key", OPT_PATH, A(tls.client_key),
	  .dflt = "null", .example = "~/k.pem",
	  .help = "The PEM file of its private key" },
	{ "accounts.*.tls.verify", OPT_ENUM, A(tls.verify), .dflt = "yes",
	  .words = "yes pin no-i-accept-mitm",
	  .help = "Whether the server's certificate is verified; pin: a key of"
	    " `pin` is proof enough, whoever signed it" },

	{ "accounts.*.auth", OPT_GROUP, NOWHERE,
	  .help = "Signing in: exactly one source of the secret, which may also"
	    " stand directly under the account" },
	{ "accounts.*.auth.password_command", OPT_COMMAND,
	  A(auth.password_command), OPT_SECRET, .dflt = "null",
	  .example = "pass show mail/fastmail",
	  .help = "A command that prints the password; a list runs without a"
	    " shell" },
	{ "accounts.*.auth.keyring", OPT_TEXT, A(auth.keyring), OPT_SECRET,
	  .dflt = "null", .example = "mail/gmail",
	  .help = "An entry of the desktop's keyring, stored with secret-tool store"
	    " service syncd key NAME" },
	{ "accounts.*.auth.credential", OPT_TEXT, A(auth.credential), OPT_SECRET,
	  .dflt = "null", .example = "imap-password",
	  .help = "The name of a systemd credential (LoadCredential=)" },
	{ "accounts.*.auth.password_file", OPT_PATH, A(auth.password_file),
	  OPT_SECRET, .dflt = "null", .example = "~/.secrets/work",
	  .help = "A file with the password, of mode 0600" },
	{ "accounts.*.auth.token_command", OPT_COMMAND, A(auth.token_command),
	  OPT_SECRET, .dflt = "null", .example = "oama access ann@corp.example",
	  .help = "A command that prints an OAuth2 access token on its first"
	    " line" },
	{ "accounts.*.auth.oauth2", OPT_GROUP, NOWHERE, OPT_SECRET | OPT_NEEDED,
	  .dflt = "null", .later = "signing in by OAuth2 without a helper",
	  .help = "Sign in by OAuth2, without a helper" },
	{ "accounts.*.auth.oauth2.provider", OPT_TEXT, NOWHERE,
	  .derived = "by the provider", .example = "microsoft",
	  .later = "signing in by OAuth2 without a helper",
	  .help = "Whose sign-in page to use" },
	{ "accounts.*.auth.external", OPT_BOOL, A(auth.external), OPT_SECRET,
	  .dflt = "no",
	  .help = "Sign in by the client certificate (SASL EXTERNAL)" },
	{ "accounts.*.auth.mechanisms", OPT_LIST, A(auth.mechanisms),
	  .dflt = "auto", .words = "auto", .example = "SCRAM-SHA-256",
	  .help = "SASL mechanisms to use, best first; auto chooses among what the"
	    " server offers" },
	{ "accounts.*.auth.command_timeout", OPT_DURATION, A(auth.command_timeout),
	  .dflt = "60s", .min = USEC_S(1), .max = USEC_S(3600),
	  .help = "How long a command for a secret may run" },
	{ "accounts.*.auth.cache", OPT_DURATION, A(auth.cache), .dflt = "12h",
	  .help = "How long a secret stays in locked memory; 0 asks each time" },

	{ "accounts.*.path", OPT_PATH, A(path), .derived = "~/Mail/NAME",
	  .example = "~/Mail/work",
	  .help = "The directory of the account's Maildirs" },
	{ "accounts.*.layout", OPT_ENUM, A(layout), .dflt = "nested",
	  .words = "nested maildir++",
	  .help = "How folders lie in it: nested is a/b/cur, maildir++ is"
	    " .a.b/cur" },
	{ "accounts.*.new_mail_dir", OPT_ENUM, A(new_mail_dir), .dflt = "auto",
	  .words = "auto new cur",
	  .help = "Where a message arrives; auto is new/ for an unread and"
	    " unflagged one, else cur/" },
	{ "accounts.*.file_mode", OPT_TEXT, NOWHERE, .dflt = "\"0600\"",
	  .later = "other file modes than 0600",
	  .help = "The mode of new message files" },

	{ "accounts.*.folders", OPT_GROUP, NOWHERE,
	  .help = "Which folders, and under which names" },
	{ "accounts.*.folders.sync", OPT_LIST, A(folders.sync), .dflt = "['*']",
	  .example = "!Lists/**",
	  .help = "Patterns of folder names, the last match wins: ! excludes, **"
	    " crosses /, '\\Sent' is a special use" },
	{ "accounts.*.folders.subscribed_only", OPT_BOOL,
	  A(folders.subscribed_only), .dflt = "no",
	  .help = "Only folders that are subscribed on the server" },
	{ "accounts.*.folders.rename", OPT_MAP, A(folders.rename), .dflt = "{}",
	  .help = "Server name to local name; * carries over" },
	{ "accounts.*.folders.create_local", OPT_BOOL, A(folders.create_local),
	  .dflt = "yes", .help = "Create here what is new on the server" },
	{ "accounts.*.folders.create_remote", OPT_BOOL, A(folders.create_remote),
	  .dflt = "yes", .help = "Create on the server what is new here" },
	{ "accounts.*.folders.delete_local", OPT_BOOL, A(folders.delete_local),
	  .dflt = "no",
	  .help = "Whether a folder that is gone on the server goes here, too: no"
	    " keeps it, yes deletes it and keeps its mail for undo"
	    " (trash.remote_delete); one with more than guards.max_delete allows"
	    " stays" },
	{ "accounts.*.folders.delete_remote", OPT_BOOL, A(folders.delete_remote),
	  .dflt = "no",
	  .help = "Whether a folder that is gone here goes on the server, too: no"
	    " keeps it, yes deletes it with its mail; with more mail than"
	    " guards.max_delete allows it comes back, and you are asked" },

	{ "accounts.*.policy", OPT_POLICY, A(policy), .dflt = "two-way",
	  .example = "backup",
	  .help = "What moves in which direction: two-way, pull, backup, archive,"
	    " push, or {pull: [...], push: [...]} of " OPS },
	{ "accounts.*.policy_for", OPT_POLICY_FOR, A(policy_for), .dflt = "{}",
	  .help = "Other policies for some folders, the first match wins" },
	{ "accounts.*.conflict", OPT_ENUM, A(conflict), .dflt = "merge",
	  .words = "merge remote local",
	  .help = "Flags changed on both sides: merge flag by flag, or one side"
	    " wins" },
	{ "accounts.*.keywords", OPT_ENUM, A(keywords), .dflt = "dovecot",
	  .words = "dovecot off", .later_words = "header",
	  .help = "How keywords are kept: as letters a-z that dovecot-keywords"
	    " names, or not" },
	{ "accounts.*.dedupe", OPT_ENUM, A(dedupe), .dflt = "no",
	  .words = "no hardlink",
	  .help = "One file for a message that comes to several folders of the"
	    " account with the same date, drafts excepted; nothing may write to"
	    " the files" },

	{ "accounts.*.trash", OPT_GROUP, NOWHERE, .help = "What deleting means" },
	{ "accounts.*.trash.local_delete", OPT_ENUM, A(trash.local_delete),
	  .dflt = "move", .words = "move expunge flag",
	  .help = "Deleted here: move to the server's trash folder, expunge, or"
	    " only flag as \\Deleted" },
	{ "accounts.*.trash.remote_delete", OPT_ENUM, A(trash.remote_delete),
	  .dflt = "undo", .words = "undo unlink",
	  .help = "Deleted on the server: keep it for undo, or unlink it" },
	{ "accounts.*.undo", OPT_GROUP, NOWHERE,
	  .help = "What was removed here, kept for `syncd undo`" },
	{ "accounts.*.undo.keep", OPT_DURATION, A(undo.keep), .dflt = "14d",
	  .help = "For how long" },
	{ "accounts.*.undo.max", OPT_SIZE, A(undo.max), .dflt = "1GiB",
	  .help = "How much at most; the oldest goes first" },

	{ "accounts.*.guards", OPT_GROUP, NOWHERE,
	  .help = "What looks like an accident holds that folder and asks" },
	{ "accounts.*.guards.max_delete", OPT_GROUP, NOWHERE,
	  .help = "Deletions, and new versions of what is here, beyond both numbers"
	    " in one round are not carried over to the other side" },
	{ "accounts.*.guards.max_delete.count", OPT_INT,
	  A(guards.max_delete_count), .dflt = "100", .max = INT32_MAX,
	  .help = "So many messages" },
	{ "accounts.*.guards.max_delete.percent", OPT_INT,
	  A(guards.max_delete_percent), .dflt = "20", .max = 100,
	  .help = "So much of the folder" },
	{ "accounts.*.guards.store_missing", OPT_ENUM, A(guards.store_missing),
	  .dflt = "hold", .words = "hold",
	  .help = "The directory is unmounted or emptied" },
	{ "accounts.*.guards.uidvalidity_change", OPT_ENUM,
	  A(guards.uidvalidity_change), .dflt = "rematch", .words = "hold rematch",
	  .help = "The server numbers a folder anew: match messages by content, or"
	    " hold the folder until `syncd approve`" },
	{ "accounts.*.guards.min_free_space", OPT_SIZE, A(guards.min_free_space),
	  .dflt = "500MiB",
	  .help = "Downloads wait while the disk has less room" },

	{ "accounts.*.watch", OPT_GROUP, NOWHERE,
	  .help = "How changes are noticed" },
	{ "accounts.*.watch.remote", OPT_ENUM, A(watch.remote), .dflt = "auto",
	  .words = "auto poll off",
	  .help = "On the server: auto is NOTIFY, else IDLE; poll only asks at"
	    " intervals" },
	{ "accounts.*.watch.idle_folders", OPT_LIST, A(watch.idle_folders),
	  .dflt = "[INBOX]",
	  .help = "Folders that are watched by IDLE when NOTIFY is missing, one"
	    " connection each (as far as limits.connections goes)" },
	{ "accounts.*.watch.poll", OPT_DURATION, A(watch.poll), .dflt = "15m",
	  .min = USEC_S(1), .max = YEARS_US(1),
	  .help = "The interval for everything else" },
	{ "accounts.*.watch.local", OPT_BOOL, A(watch.local), .dflt = "yes",
	  .help = "Here, by inotify" },
	{ "accounts.*.watch.settle", OPT_DURATION, A(watch.settle),
	  .dflt = "300ms", .max = USEC_S(60),
	  .help = "How long a burst of changes here must rest before it is read" },

	{ "accounts.*.schedule", OPT_GROUP, NOWHERE, .help = "When to sync" },
	{ "accounts.*.schedule.when", OPT_SCHEDULE, A(schedule.when),
	  .dflt = "always", .words = "always manual", .example = "every 6h",
	  .help = "always, manual, \"every 6h\", or \"daily 02:00-05:00\": once a"
	    " day, at a random moment between the two, local time (\"daily 02:30\":"
	    " then); a turn that was slept through is made up; with turns, a worker"
	    " does one round and ends" },
	{ "accounts.*.schedule.only_if", OPT_LIST, A(schedule.only_if),
	  .dflt = "[]", .pattern = "^(unmetered|on-ac)$", .example = "unmetered",
	  .help = "Only while it is so: unmetered (as NetworkManager says), on-ac;"
	    " else there is no connection and no round but for a `syncd sync`;"
	    " what nobody can tell is so" },
	{ "accounts.*.schedule.condition_command", OPT_COMMAND,
	  A(schedule.condition_command), .dflt = "null",
	  .example = "~/bin/at-home",
	  .help = "A command that says, instead of nmcli, whether the network is"
	    " unmetered: exit code 0; asked every few minutes and when the network"
	    " changes" },
	{ "accounts.*.schedule.jitter", OPT_DURATION, A(schedule.jitter),
	  .dflt = "30s", .max = USEC_S(86400),
	  .help = "A random delay, so that accounts do not begin together" },
	{ "accounts.*.schedule.alert_after", OPT_DURATION, A(schedule.alert_after),
	  .dflt = "24h",
	  .help = "No full success for so long, restarts or not, is a problem to "
	  "report" },

	{ "accounts.*.limits", OPT_GROUP, NOWHERE, .help = "Bounds" },
	{ "accounts.*.limits.connections", OPT_INT, A(limits.connections),
	  .dflt = "3", .min = 1, .max = 32,
	  .help = "Connections to the server at a time" },
	{ "accounts.*.limits.max_message_size", OPT_SIZE,
	  A(limits.max_message_size), .dflt = "200MiB",
	  .help = "A larger message stays on the server" },
	{ "accounts.*.limits.max_age", OPT_DURATION, A(limits.max_age),
	  .dflt = "null", .example = "2y",
	  .help = "IMAP: older mail stays on the server; what is here stays here" },
	{ "accounts.*.limits.bandwidth", OPT_GROUP, NOWHERE,
	  .later = "limits of bandwidth", .help = "Bytes a second; 0 is no limit" },
	{ "accounts.*.limits.bandwidth.down", OPT_SIZE, NOWHERE, .dflt = "0",
	  .later = "limits of bandwidth", .help = "From the server" },
	{ "accounts.*.limits.bandwidth.up", OPT_SIZE, NOWHERE, .dflt = "0",
	  .later = "limits of bandwidth", .help = "To the server" },
	{ "accounts.*.limits.timeout", OPT_GROUP, NOWHERE,
	  .help = "How long to wait for a server" },
	{ "accounts.*.limits.timeout.connect", OPT_DURATION,
	  A(limits.connect_timeout), .dflt = "15s", .min = USEC_S(1),
	  .max = USEC_S(3600), .help = "Until it is connected" },
	{ "accounts.*.limits.timeout.response", OPT_DURATION,
	  A(limits.response_timeout), .dflt = "60s", .min = USEC_S(1),
	  .max = USEC_S(3600), .help = "Until it says something" },

	{ "accounts.*.avoid", OPT_LIST, A(avoid), .dflt = "[]",
	  .example = "NOTIFY",
	  .help = "Capabilities of the server that are not used, because it does"
	    " them badly" },
	{ "accounts.*.compress", OPT_ENUM, A(compress), .dflt = "auto",
	  .words = "auto yes no",
	  .help = "Compress the connection (RFC 4978); auto: only while mail that"
	    " is here already is matched with the server's, the state being new"
	    },

	{ "accounts.*.pop3", OPT_GROUP, NOWHERE,
	  .help = "What is kept on a POP3 server" },
	{ "accounts.*.pop3.keep_on_server", OPT_DURATION, A(pop3.keep_on_server),
	  .dflt = "forever", .words = "forever",
	  .help = "How long a message stays after it is safe here; 0 deletes it at"
	    " once" },
	{ "accounts.*.pop3.max_per_session", OPT_INT, A(pop3.max_per_session),
	  .dflt = "500", .min = 1, .max = INT32_MAX,
	  .help = "Messages to fetch in one session" },
	{ "accounts.*.pop3.too_big", OPT_ENUM, A(pop3.too_big), .dflt = "skip",
	  .words = "skip placeholder",
	  .help = "What comes instead of a message larger than"
	    " limits.max_message_size, which stays on the server; without UIDL nothing"
	    " does" },

	{ "accounts.*.backup", OPT_GROUP, NOWHERE,
	  .help = "Proof of what was kept, with any policy" },
	{ "accounts.*.backup.manifest", OPT_BOOL, A(backup.manifest),
	  .dflt = "no",
	  .help = "Keep a list of every message that arrived, with its digest, in"
	    " state_dir/manifest/NAME, each line chained to the one before" },
	{ "accounts.*.backup.verify", OPT_TEXT, A(backup.verify), .dflt = "null",
	  .example = "weekly 5%",
	  .help = "How often to read how much of what is kept again: daily, weekly"
	    " or monthly, and a share of the messages (default 100%)" },
	{ "accounts.*.backup.ping", OPT_TEXT, A(backup.ping), .dflt = "null",
	  .example = "https://hc-ping.com/UUID",
	  .help = "A URL to fetch by curl: with /start when a round of `run --once`,"
	    " `sync` or the schedule begins, as it is after a full success, with"
	    " /fail and the report after anything else" },
	{ "accounts.*.hooks", OPT_ITEMS, NOWHERE, .dflt = "[]",
	  .items = "hooks.*", .later = "hooks",
	  .help = "Hooks of this account only, in the shape of the top-level"
	    " hooks" },

	{ "defaults", OPT_GROUP, NOWHERE, .items = "accounts.*",
	  .help = "Any key of an account, for all of them; an account's own value"
	    " wins" },

	/* -------------------------------------------------------- scripts */
	{ "plugins", OPT_ITEMS, NOWHERE, .dflt = "[]", .items = "plugins.*",
	  .help = "Lua scripts that filter, tag and file mail, in the order in which"
	    " they run; an item is a script's name, or a map" },
	{ "plugins.*.script", OPT_TEXT, P(script), .derived = "none",
	  .example = "~/.config/syncd/filter.lua",
	  .help = "The file, or the name of one in ~/.config/syncd/plugins or of"
	    " one that comes with syncd" },
	{ "plugins.*.accounts", OPT_LIST, P(accounts), .dflt = "['*']",
	  .help = "The accounts that it sees" },
	{ "plugins.*.allow", OPT_GROUP, NOWHERE,
	  .help = "What it may do beyond reading mail, filing it, and setting flags"
	    " and keywords: nothing that is not named here" },
	{ "plugins.*.allow.exec", OPT_LIST, P(allow.exec), .dflt = "[]",
	  .example = "[notify-send]",
	  .help = "Programs that it may run, by name or path; no shell is"
	    " involved" },
	{ "plugins.*.allow.read", OPT_LIST, P(allow.read), .dflt = "[]",
	  .example = "[~/lists]", .help = "Directories that it may read" },
	{ "plugins.*.allow.write", OPT_LIST, P(allow.write), .dflt = "[]",
	  .example = "[~/Documents/Invoices]",
	  .help = "Directories in which it may save files; none is ever"
	    " overwritten" },
	{ "plugins.*.allow.connect", OPT_LIST, P(allow.connect), .dflt = "[]",
	  .example = "['unix:/run/rspamd.sock']",
	  .help = "Services that it may ask: unix:/PATH or HOST:PORT" },
	{ "plugins.*.allow.accounts", OPT_LIST, P(allow.accounts), .dflt = "[]",
	  .example = "[archive]",
	  .help = "Other accounts that it may put mail into, by their names" },
	{ "plugins.*.allow.send", OPT_BOOL, P(allow.send), .dflt = "no",
	  .help = "Whether it may send mail, by way of sendmail(1)" },
	{ "plugins.*.allow.delete", OPT_BOOL, P(allow.delete), .dflt = "no",
	  .help = "Whether it may delete messages" },
	{ "plugins.*.trusted", OPT_BOOL, P(trusted), .dflt = "no",
	  .help = "Whether it gets the whole standard library of Lua, in a process"
	    " of its own" },
	{ "plugins.*.limits", OPT_GROUP, NOWHERE,
	  .help = "Bounds of one call; a script that fails again and again is"
	    " suspended for a while" },
	{ "plugins.*.limits.memory", OPT_SIZE, P(limits.memory), .dflt = "16MiB",
	  .help = "Memory" },
	{ "plugins.*.limits.time", OPT_DURATION, P(limits.time), .dflt = "200ms",
	  .help = "Time in the script itself" },
	{ "plugins.*.limits.deadline", OPT_DURATION, P(limits.deadline),
	  .dflt = "10s", .help = "Time for one message, with the programs that it"
	    " asks" },
	{ "plugins.*.on_error", OPT_ENUM, P(on_error), .dflt = "deliver",
	  .words = "deliver",
	  .help = "What becomes of a message when the script fails; it is asked"
	    " again later" },
	{ "plugins.*.config", OPT_ANY, NOWHERE, .dflt = "{}",
	  .help = "The script's own options; a secret among them is written as"
	    " {command: ...} or {file: ...}, and read as an account's is" },

	{ "hooks", OPT_ITEMS, NOWHERE, .dflt = "[]", .items = "hooks.*",
	  .help = "Commands to run on events, one at a time each" },
	{ "hooks.*.events", OPT_LIST, R(events), .derived = "none",
	  .example = "mail.new",
	  .help = "The events, as shell patterns: mail.new, mail.changed,"
	    " sync.failed, problem.opened and the others of syncd-protocol(5)" },
	{ "hooks.*.run", OPT_COMMAND, R(run), .derived = "none",
	  .example = "notmuch new --quiet",
	  .help = "The command; a list runs without a shell, once for each event"
	    " if it has placeholders such as {from}, which cannot stand in a line"
	    " for sh -c" },
	{ "hooks.*.match", OPT_GROUP, NOWHERE,
	  .help = "Only events that are like this" },
	{ "hooks.*.match.account", OPT_TEXT, R(match.account), .dflt = "null",
	  .example = "work", .help = "Of these accounts, a shell pattern" },
	{ "hooks.*.match.folder", OPT_TEXT, R(match.folder), .dflt = "null",
	  .example = "INBOX", .help = "In these folders, a shell pattern" },
	{ "hooks.*.match.needs_user", OPT_BOOL, R(match.needs_user),
	  .dflt = "no", .help = "Problems that wait for somebody only" },
	{ "hooks.*.debounce", OPT_DURATION, R(debounce), .dflt = "2s",
	  .max = USEC_S(3600), .help = "Wait so long for more of the same" },
	{ "hooks.*.retry_on", OPT_LIST, R(retry_on), .dflt = "[75]",
	  .help = "Exit codes that mean: again, later" },
	{ "hooks.*.timeout", OPT_DURATION, R(timeout), .dflt = "10m",
	  .min = USEC_S(1), .max = USEC_S(86400),
	  .help = "How long it may run" },
	{ "hooks.*.rate", OPT_TEXT, R(rate), .dflt = "null",
	  .example = "5/1m", .help = "So many runs in so much time at most" },

	/* ----------------------------------------------------- the daemon */
	{ "control", OPT_GROUP, NOWHERE,
	  .help = "The socket that the verbs talk to" },
	{ "control.socket", OPT_PATH, C(socket), .dflt = "auto", .words = "auto",
	  .help = "Its path; auto is control.sock in state_dir when that is set,"
	    " else in $XDG_RUNTIME_DIR/syncd" },
	{ "control.mode", OPT_TEXT, NOWHERE, .dflt = "\"0600\"",
	  .later = "other socket modes than 0600", .help = "Its file mode" },
	{ "notify", OPT_GROUP, NOWHERE,
	  .help = "Whom to tell of problems" },
	{ "notify.desktop", OPT_ENUM, C(notify_desktop), .dflt = "problems",
	  .words = "problems off",
	  .help = "On the desktop, by notify-send(1), where there is one: problems"
	    " that wait for somebody, each of them once" },
	{ "notify.mail_to", OPT_TEXT, C(notify_mail_to), .dflt = "null",
	  .example = "root", .help = "By mail to this address, by way of"
	    " sendmail(1)" },
	{ "notify.repeat", OPT_DURATION, C(notify_repeat), .dflt = "24h",
	  .min = USEC_S(1),
	  .help = "Again after so long, while the problem lasts; a restart repeats"
	    " nothing" },
	{ "metrics", OPT_GROUP, NOWHERE,
	  .help = "Figures for monitoring" },
	{ "metrics.textfile", OPT_PATH, C(metrics_file), .dflt = "null",
	  .example = "/var/lib/prometheus/node-exporter/syncd.prom",
	  .help = "A file for the Prometheus node exporter" },
	{ "log", OPT_GROUP, NOWHERE, .help = "The log" },
	{ "log.to", OPT_PATH, C(log_file), OPT_FILE_PREFIX, .dflt = "auto",
	  .words = "auto", .example = "file:~/syncd.log",
	  .help = "Where it goes: auto is standard error, file:PATH a file" },
	{ "log.level", OPT_ENUM, C(log_level), .dflt = "info",
	  .words = "error warn notice info debug trace",
	  .help = "How much is logged" },
	{ "log.protocol", OPT_LIST, C(log_protocol), .dflt = "off",
	  .words = "off", .example = "work",
	  .help = "Accounts whose talk with the server is logged, without"
	    " secrets" },
	{ "log.privacy", OPT_ENUM, NOWHERE, .dflt = "subjects-hidden",
	  .words = "subjects-hidden full", .later = "subjects in the log",
	  .help = "Whether subjects of mail may be logged" },
	{ "state_dir", OPT_PATH, C(state_dir), .dflt = "auto", .words = "auto",
	  .help = "The directory of databases and the undo store; auto is"
	    " $XDG_STATE_HOME/syncd" },
};

const size_t n_options = ARRAY_LEN(options);
