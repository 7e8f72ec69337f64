/* remedy.c — what to type next, for every error code. */
#include "remedy.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/str.h"

#define STAYS \
	"nothing, if it goes away by itself; else: syncd explain CODE"
#define REPORT \
	"please report it; to see what is said: log: {protocol: [ACCOUNT]}"
#define BY_HAND \
	"see by hand that it prints the secret and nothing else: SECRET"

/* Words in capitals are filled in, see remedy_text(). */
static const struct row {
	const char	*code;
	const char	*text;
} rows[] = {
	{ "account.disabled",
	    "set `enabled: yes` there, then: syncd reload" },
	{ "account.paused", "syncd resume ACCOUNT" },
	{ "account.stopped", "syncd sync ACCOUNT" },
	{ "auth.client-disabled",
	    "switch IMAP on in the settings of the mailbox, or ask its "
	    "administrator" },
	{ "auth.mechanism-missing",
	    "syncd config explain accounts.*.auth" },
	{ "auth.needs-app-password",
	    "make an app password in the settings of the mailbox, and keep "
	    "it where this reads it: SECRET" },
	{ "auth.refused",
	    "is `user: USER` right, and does this print the right "
	    "password: SECRET" },
	{ "auth.throttled", STAYS },
	{ "auth.token-expired",
	    "sign in with its helper again, until this prints a fresh "
	    "token: SECRET" },
	{ "backup.damaged", "syncd verify --online ACCOUNT" },
	{ "backup.incomplete",
	    "see why in syncd log, then do the same syncd restore again: what "
	    "is there is not sent twice" },
	{ "backup.stale", "syncd sync ACCOUNT" },
	{ "config.bad-value", "syncd config explain" },
	{ "config.duplicate-key", "keep one of them" },
	{ "config.encoding", "save the file as UTF-8" },
	{ "config.include-loop", "take one of the `include` lines out" },
	{ "config.indent",
	    "indent the keys of one map by the same number of spaces" },
	{ "config.later", "take it out" },
	{ "config.merge-key",
	    "put what accounts have in common under `defaults:`" },
	{ "config.missing", "syncd check" },
	{ "config.missing-key", "syncd config explain" },
	{ "config.missing-secret",
	    "password_command: pass show mail/ACCOUNT" },
	{ "config.no-account", "syncd init EMAIL" },
	{ "config.no-nmcli",
	    "schedule: {condition_command: COMMAND}, with one that exits 0 on an "
	    "unmetered network" },
	{ "config.no-script",
	    "correct the path below `plugins:`, or see what there is: "
	    "syncd plugin list" },
	{ "config.not-found", "syncd init EMAIL" },
	{ "config.path-overlap", "give each account a `path` of its own" },
	{ "config.permissions", "chmod go-w FILE" },
	{ "config.plaintext", "tls: {mode: implicit}" },
	{ "config.rejected", "syncd check" },
	{ "config.second-document", "take the line `---` out" },
	{ "config.syntax",
	    "mend it where the caret stands, then: syncd check" },
	{ "config.tab", "put spaces in place of the tab" },
	{ "config.tag", "quote the word" },
	{ "config.too-big", "cut the configuration down" },
	{ "config.two-secrets", "keep one of the two lines" },
	{ "config.unknown-key", "syncd config explain" },
	{ "config.unreadable", "ls -l FILE" },
	{ "config.unverified",
	    "tls: {pin: [\"sha256/...\"]} trusts one key; syncd config "
	    "explain accounts.*.tls.pin" },
	{ "config.wrong-type", "syncd config explain" },
	{ "control.bad-json",
	    "send one JSON object a line: man 5 syncd-protocol" },
	{ "control.bad-request",
	    "the method `describe` lists methods and their parameters" },
	{ "control.too-long", "ask for less at once" },
	{ "control.too-many", "wait for some of the jobs first" },
	{ "daemon.gone", "syncd status" },
	{ "daemon.not-running",
	    "systemctl --user start syncd, or in the foreground: syncd run" },
	{ "daemon.protocol", "syncd stop, and start it again" },
	{ "daemon.sandbox", "nothing: syncd runs without it" },
	{ "daemon.timeout", "systemctl --user restart syncd" },
	{ "guard.max-delete",
	    "syncd approve ACCOUNT/FOLDER, or: syncd reject ACCOUNT/FOLDER" },
	{ "guard.script",
	    "syncd approve ACCOUNT/FOLDER, or: syncd reject ACCOUNT/FOLDER" },
	{ "guard.uidl-change", "syncd approve ACCOUNT/FOLDER" },
	{ "guard.uidvalidity", "syncd approve ACCOUNT/FOLDER" },
	{ "init.foreign-host",
	    "if the name is the right one, give it: syncd init EMAIL "
	    "--host HOST" },
	{ "init.no-imap",
	    "read it with the provider's own program; if that has a bridge, "
	    "with the bridge's: syncd init EMAIL --host HOST:PORT" },
	{ "init.not-included", "add accounts.d/*.yaml to `include`" },
	{ "init.nothing-found", "syncd init EMAIL --host HOST" },
	{ "init.write",
	    "look at the directory's owner and mode, then run it again" },
	{ "internal.ipc", "please report it: syncd doctor" },
	{ "internal.plan",
	    "ask for one folder: syncd sync --dry-run ACCOUNT/FOLDER" },
	{ "internal.poll",
	    "look at ulimit -n and at memory: ulimit -a; free -m" },
	{ "internal.role",
	    "look at the limits and at memory: ulimit -a; free -m" },
	{ "internal.signals", "look at ulimit -n: ulimit -a" },
	{ "internal.worker",
	    "please report it: syncd doctor; journalctl --user -u syncd" },
	{ "ipc.conf", "syncd stop, and start it again" },
	{ "job.unknown", "syncd sync" },
	{ "method.unknown", "the method `describe` lists them" },
	{ "net.changed", "nothing" },
	{ "net.closed", STAYS },
	{ "net.deflate",
	    "if it happens again, put `compress: no` into the account" },
	{ "net.dns",
	    "is `host: HOST` right? it stands in: syncd config show "
	    "ACCOUNT; the network: getent hosts HOST" },
	{ "net.offline", "nothing, when you are offline; else: ip route" },
	{ "net.refused",
	    "are `host: HOST` and `port: PORT` right? they stand in: syncd "
	    "config show ACCOUNT" },
	{ "net.reset", STAYS },
	{ "net.timeout",
	    "nothing, if it goes away by itself; else see whether the "
	    "server answers: syncd check --online ACCOUNT" },
	{ "plugin.effect", "mend the cause, then: syncd plugin list" },
	{ "plugin.error",
	    "mend the script at that line, then: syncd plugin resume" },
	{ "plugin.no-host", "install all of syncd: make install" },
	{ "plugin.store-full",
	    "let the script forget old entries: store(name, {expire = "
	    "\"30d\"})" },
	{ "proto.bad-search", REPORT },
	{ "proto.bye", STAYS },
	{ "proto.dead", REPORT },
	{ "proto.line-too-long", REPORT },
	{ "proto.literal-length", REPORT },
	{ "proto.literal-too-big", REPORT },
	{ "proto.other-server",
	    "correct `host: HOST` and `port: PORT` (993 is IMAP, 995 POP3 with "
	    "`protocol: pop3`); they stand in: syncd config show ACCOUNT" },
	{ "proto.preauth-flood",
	    "is it an IMAP server? `host: HOST` and `port: PORT` stand in: "
	    "syncd config show ACCOUNT" },
	{ "proto.too-deep", REPORT },
	{ "proto.unexpected",
	    "is it a mail server? `host: HOST` and `port: PORT` stand in: "
	    "syncd config show ACCOUNT; if it is, please report it" },
	{ "secret.command-failed", BY_HAND },
	{ "secret.command-timeout",
	    "unlock the store (gpg-agent, keyring), until this ends by "
	    "itself: SECRET" },
	{ "secret.empty", BY_HAND },
	{ "secret.file", "ls -l FILE" },
	{ "secret.file-mode", "chmod 600 FILE" },
	{ "secret.invalid", BY_HAND },
	{ "secret.no-credentials",
	    "add LoadCredential= to the unit, or use another source: syncd "
	    "config explain accounts.*.auth" },
	{ "secret.store-failed", "syncd init EMAIL --secret file" },
	{ "server.expire", "pop3: {keep_on_server: 0}, or use IMAP" },
	{ "server.folder-gone",
	    "delete it here, too, or set folders.delete_local: syncd "
	    "config explain accounts.*.folders" },
	{ "server.folder-name-invalid",
	    "rename the directory, or leave it out: syncd config explain "
	    "accounts.*.folders.sync" },
	{ "server.in-use",
	    "nothing, if it goes away by itself; else end the other mail "
	    "program" },
	{ "server.limit-connections",
	    "end other mail programs, or lower the limit for ACCOUNT: "
	    "limits: {connections: 1}" },
	{ "server.no-uidl", "pop3: {keep_on_server: 0}, or use IMAP" },
	{ "server.over-rate",
	    "nothing but patience; what it limits: syncd explain CODE" },
	{ "server.poison", "open it, or delete it, in webmail" },
	{ "server.quota",
	    "make room on the server: empty its Trash, or delete large "
	    "messages" },
	{ "server.read-only",
	    "ask its owner for the right, or let nothing go there: "
	    "policy_for: {FOLDER: pull}" },
	{ "server.refused", STAYS },
	{ "server.refused-message",
	    "move the file elsewhere, if you do not want to be told" },
	{ "server.too-big",
	    "raise the limit for ACCOUNT, if you want it: limits: "
	    "{max_message_size: 1GiB}" },
	{ "server.too-many-folders",
	    "look at the mailbox with another program, and tell its "
	    "provider" },
	{ "server.uidvalidity",
	    "nothing: the next round matches its messages by content" },
	{ "server.unavailable", STAYS },
	{ "state.absent", "syncd sync ACCOUNT" },
	{ "state.corrupt",
	    "forget the state, no mail is lost: mkdir -p STATE_DIR/old && "
	    "mv STATE_DIR/ACCOUNT.db* STATE_DIR/old" },
	{ "state.io",
	    "look at its owner and mode (ls -ld), and at the room on the "
	    "disk: df -h" },
	{ "state.locked",
	    "see who it is, and end one of the two: syncd status" },
	{ "state.newer-version",
	    "install the newer syncd again; this one is: syncd version" },
	{ "store.case-collision",
	    "rename one of them on the server, or here: syncd config "
	    "explain accounts.*.folders.rename" },
	{ "store.file-changed", "nothing: it is uploaded again" },
	{ "store.file-limit", "ulimit -n 1024" },
	{ "store.folder-gone",
	    "make the directory again to get it back, or set "
	    "folders.delete_remote: syncd config explain accounts.*.folders" },
	{ "store.io", "look at the disk: dmesg | tail; df MAILDIR" },
	{ "store.marker-missing",
	    "mount the disk; if you emptied the directory on purpose, "
	    "forget the state: mkdir -p STATE_DIR/old && "
	    "mv STATE_DIR/ACCOUNT.db* STATE_DIR/old" },
	{ "store.name-too-long",
	    "give the folder a shorter name here: syncd config explain "
	    "accounts.*.folders.rename" },
	{ "store.no-space",
	    "make room, then it goes on by itself: df MAILDIR STATE_DIR" },
	{ "store.not-a-maildir",
	    "look at it, and move away what does not belong there: ls -la "
	    "MAILDIR" },
	{ "store.not-a-message", "move it out of the Maildir" },
	{ "store.permission",
	    "make it yours: chown -R $USER: MAILDIR STATE_DIR; chmod -R "
	    "u+rwX MAILDIR STATE_DIR" },
	{ "store.read", "look at the disk: dmesg | tail" },
	{ "store.watch-limit", "sysctl fs.inotify.max_user_watches=65536" },
	{ "target.unknown",
	    "see what there is: syncd folders" },
	{ "tls.ca-file",
	    "correct tls.ca_file: it is a file of certificates in PEM; "
	    "syncd config show ACCOUNT" },
	{ "tls.client-cert",
	    "correct tls.client_cert: both files in PEM, and belonging "
	    "together; syncd config show ACCOUNT" },
	{ "tls.expired",
	    "is the clock right (date)? else the server's administrator "
	    "must renew it; if you know the key, trust it alone: tls: "
	    "{pin: [\"PIN\"], verify: pin}" },
	{ "tls.handshake",
	    "are `port: PORT` and tls.mode right? 993 is implicit, 143 "
	    "starttls: syncd config show ACCOUNT" },
	{ "tls.injected",
	    "try another network; tls: {mode: implicit} has no such moment" },
	{ "tls.library",
	    "look at the system's OpenSSL: openssl version -a" },
	{ "tls.name-mismatch",
	    "if one of these names is your provider's, make it the `host`; "
	    "it stands in: syncd config show ACCOUNT" },
	{ "tls.pin-mismatch",
	    "ask the provider whether its key changed; if it did, put it "
	    "beside the old one: tls: {pin: [\"PIN\"]}" },
	{ "tls.starttls-stripped",
	    "tls: {mode: implicit}, if the server has it; else try another "
	    "network" },
	{ "tls.too-old",
	    "the server has to be updated; if min_version was raised here, "
	    "lower it: tls: {min_version: \"1.2\"}" },
	{ "tls.untrusted",
	    "if the server is your own and this is its key, trust it "
	    "alone: tls: {pin: [\"PIN\"], verify: pin}" },
};

static int
by_code(const void *key, const void *elem)
{
	const struct row *r = elem;

	return strcmp(key, r->code);
}

/* What prints the secret, as a person would type it. */
static void
secret_command(const struct account_conf *a, char *out, size_t cap)
{
	const struct strlist *c = a->auth.token_command.n > 0 ?
	    &a->auth.token_command : &a->auth.password_command;
	char word[400];
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = 0; i < c->n && n < cap; i++) {
		/* One word is a line for the shell already. */
		if (c->n > 1)
			str_shell(c->v[i], word, sizeof(word));
		n += (size_t)snprintf(out + n, cap - n, "%s%s", i > 0 ? " " : "",
		    c->n > 1 ? word : c->v[i]);
	}
	if (a->auth.password_file != NULL) {
		str_shell(a->auth.password_file, word, sizeof(word));
		snprintf(out, cap, "cat %s", word);
	} else if (a->auth.keyring != NULL) {
		str_shell(a->auth.keyring, word, sizeof(word));
		snprintf(out, cap, "secret-tool lookup service syncd key %s", word);
	}
	if (a->auth.credential != NULL)
		snprintf(out, cap, "cat $CREDENTIALS_DIRECTORY/%s",
		    a->auth.credential);
}

/* The key that a message about a certificate names. */
static void
pin_in(const char *said, char *out, size_t cap)
{
	static const char word[] = "sha256/";
	const char *at = said != NULL ? strstr(said, word) : NULL;
	size_t n = at != NULL ? strspn(at + sizeof(word) - 1,
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")
	    : 0;

	out[0] = '\0';
	if (n == 44 && n + sizeof(word) <= cap)
		snprintf(out, cap, "%.*s", (int)(n + sizeof(word) - 1), at);
}

/* What stands for ${word}; "": it is not known here. */
static void
value_of(struct str word, const char *code, const struct remedy_place *at,
    char *out, size_t cap)
{
	const struct account_conf *a = at->account;
	const char *text = NULL, *path = NULL;

	out[0] = '\0';
	if (str_eq(word, STR("CODE")))
		text = code;
	else if (str_eq(word, STR("FOLDER")))
		path = at->folder;
	else if (str_eq(word, STR("STATE_DIR")))
		path = at->state_dir;
	else if (str_eq(word, STR("PIN")))
		pin_in(at->said, out, cap);
	else if (a != NULL && str_eq(word, STR("ACCOUNT")))
		text = a->name;
	else if (a != NULL && str_eq(word, STR("HOST")))
		text = a->host;
	else if (a != NULL && str_eq(word, STR("USER")))
		text = a->user;
	else if (a != NULL && str_eq(word, STR("MAILDIR")))
		path = a->path;
	else if (a != NULL && str_eq(word, STR("FILE")))
		path = a->auth.password_file;
	else if (a != NULL && str_eq(word, STR("PORT")))
		snprintf(out, cap, "%lld", (long long)a->port);
	else if (a != NULL && str_eq(word, STR("SECRET")))
		secret_command(a, out, cap);
	if (text != NULL)
		snprintf(out, cap, "%s", text);
	if (path != NULL)
		str_shell(path, out, cap);
}

static bool
is_word(char c)
{
	return isupper((unsigned char)c) || c == '_';
}

const char *
remedy_fill(const char *text, const char *code, const struct remedy_place *at,
    char *out, size_t cap)
{
	const char *p = text;
	char value[512];
	size_t n = 0;

	out[0] = '\0';
	while (*p != '\0' && n + 1 < cap) {
		size_t len = 1;

		value[0] = '\0';
		if (is_word(*p) && (p == text || p[-1] != '$')) {
			while (is_word(p[len]))
				len++;
			value_of((struct str){ p, len }, code, at, value,
			    sizeof(value));
		}
		if (value[0] != '\0')
			snprintf(out + n, cap - n, "%s", value);
		else
			snprintf(out + n, cap - n, "%.*s", (int)len, p);
		n += strlen(out + n);
		p += len;
	}
	return out;
}

const char *
remedy_text(const char *code, const struct remedy_place *at, char *out, size_t cap)
{
	const struct row *r = bsearch(code, rows, ARRAY_LEN(rows),
	    sizeof(rows[0]), by_code);

	return remedy_fill(r != NULL ? r->text : "", code, at, out, cap);
}
