/*
 * init.c — `syncd init EMAIL`: from an address to an account that works.
 *
 * Nothing is written before the login has worked and the user said yes, so that
 * Ctrl-C leaves nothing behind; then the secret is stored and read back, and a
 * new file is made: existing ones are never edited.  Each question has a flag
 * that answers it, and without a terminal none is asked.
 */
#include "cli/cli.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "cli/ask.h"
#include "cli/preview.h"
#include "text.h"
#include "cli/vault.h"
#include "config.h"
#include "diag.h"
#include "dirs.h"
#include "discover.h"
#include "js.h"
#include "net/lane.h"
#include "net/sasl.h"
#include "remedy.h"

/* More than the flags can hold. */
enum { YAML_MAX = 8 << 20 };

struct init {
	const struct cli	*cli;
	const char		*email;
	char			*dir;		/* of the configuration */
	char			*name, *file;	/* of the account */
	char			*path;		/* of its mail; NULL: the default */
	char			*user;
	char			*policy;	/* NULL: the default */
	struct discovery	 server;
	struct vault		 vault;
	bool			 stored;	/* the secret is there already */
	struct secret		 secret;
	struct preview		 preview;
	char			*yaml;
};

static void PRINTF(2, 3)
say(const struct init *in, const char *fmt, ...)
{
	va_list ap;

	if (in->cli->json || in->cli->quiet || in->cli->print)
		return;
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	fflush(stdout);
}

/* ---- names ------------------------------------------------------------ */

/* Where accounts.d is looked for, as config.c does. */
static char *
config_dir(const struct cli *cli)
{
	const char *file = cli->config_file != NULL ? cli->config_file :
	    getenv("SYNCD_CONFIG");
	const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	char *dir, *real;

	if (file != NULL && file[0] != '\0') {
		dir = xstrdup(file);
		if (strrchr(dir, '/') == NULL)
			snprintf(dir, 2, ".");
		else
			*strrchr(dir, '/') = '\0';
		real = realpath(dir[0] != '\0' ? dir : "/", NULL);
		if (real == NULL)
			return dir;
		free(dir);
		return real;
	}
	if (xdg != NULL && xdg[0] == '/')
		return xasprintf("%s/syncd", xdg);
	return home != NULL && home[0] == '/' ?
	    xasprintf("%s/.config/syncd", home) : NULL;
}

/* Names that are taken: of the accounts that there are. */
static bool
is_taken(const struct init *in, const struct conf *conf, const char *name)
{
	char *file = xasprintf("%s/accounts.d/%s.yaml", in->dir, name);
	bool taken = access(file, F_OK) == 0;

	free(file);
	for (size_t i = 0; conf != NULL && i < conf->n_accounts; i++)
		taken |= strcmp(conf->account[i].name, name) == 0;
	return taken;
}

/* "fastmail" of ann@fastmail.com, with a number if there is one already. */
static void
choose_name(struct init *in)
{
	const char *at = strchr(in->email, '@') + 1;
	char base[64];
	struct diags ds;
	struct conf *conf;
	size_t n = 0;

	for (; at[n] != '\0' && at[n] != '.' && n + 1 < sizeof(base); n++)
		base[n] = isalnum((unsigned char)at[n]) ?
		    (char)tolower((unsigned char)at[n]) : '-';
	base[n] = '\0';
	diags_init(&ds);
	conf = config_load(in->cli->config_file, &ds);
	in->name = xstrdup(in->cli->name != NULL ? in->cli->name : base);
	for (unsigned k = 2; is_taken(in, conf, in->name); k++) {
		free(in->name);
		in->name = xasprintf("%s-%u",
		    in->cli->name != NULL ? in->cli->name : base, k);
	}
	config_free(conf);
	diags_clear(&ds);
	in->file = xasprintf("%s/accounts.d/%s.yaml", in->dir, in->name);
}

/* ---- the configuration ------------------------------------------------ */

static void PRINTF(2, 3)
line(struct buf *b, const char *fmt, ...)
{
	char *text;
	va_list ap;

	va_start(ap, fmt);
	must(vasprintf(&text, fmt, ap) >= 0);
	va_end(ap);
	must(buf_fmt(b, "    %s\n", text) == 0);
	free(text);
}

/* Plain if it can be nothing but text, else in double quotes. */
static void
text_line(struct buf *b, const char *key, const char *value)
{
	json_t *v = json_string(value);
	char *quoted = v != NULL ? json_dumps(v, JSON_ENCODE_ANY) : NULL;
	bool plain = value[strspn(value, "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.@/+~-")] == '\0' &&
	    isalnum((unsigned char)value[0]);

	line(b, "%s: %s", key, plain || value[0] == '/' || value[0] == '~' ?
	    value : quoted != NULL ? quoted : "\"\"");
	free(quoted);
	json_decref(v);
}

static void
server_lines(const struct init *in, struct buf *b)
{
	const struct discovery *d = &in->server;
	const struct provider *by_domain = provider_find(str_z(in->email));
	bool known = by_domain != NULL && by_domain == d->provider &&
	    by_domain->host != NULL && strcmp(by_domain->host, d->host) == 0 &&
	    d->port == by_domain->port;

	if (!known)
		text_line(b, "host", d->host);
	if (d->port != (d->starttls ? 143 : 993))
		line(b, "port: %u", d->port);
	if (in->user != NULL && (in->cli->user != NULL || !known) &&
	    strcmp(in->user, in->email) != 0)
		text_line(b, "user", in->user);
	if (d->starttls || in->cli->ca_file != NULL || in->cli->pin != NULL)
		line(b, "tls:");
	if (d->starttls)
		line(b, "  mode: starttls");
	if (in->cli->ca_file != NULL)
		line(b, "  ca_file: %s", in->cli->ca_file);
	if (in->cli->pin != NULL) {
		line(b, "  pin: [\"%s\"]", in->cli->pin);
		line(b, "  verify: pin");
	}
}

/* The copies that Gmail shows of every message would double the mail. */
static bool
has_all_mail(const struct init *in)
{
	bool all = false, labels = false;

	for (size_t i = 0; i < in->preview.n; i++) {
		all |= (in->preview.folder[i].attrs & LIST_ALL) != 0;
		labels |= strncmp(in->preview.folder[i].name, "[G", 2) == 0;
	}
	return all && labels;
}

static void
write_yaml(struct init *in)
{
	char *secret = vault_yaml(&in->vault);
	struct buf b;

	buf_init(&b, YAML_MAX);
	must(buf_fmt(&b, "accounts:\n  %s:\n", in->name) == 0);
	text_line(&b, "email", in->email);
	server_lines(in, &b);
	line(&b, "%s", secret);
	if (in->path != NULL)
		text_line(&b, "path", in->path);
	if (in->policy != NULL && strcmp(in->policy, "two-way") != 0)
		text_line(&b, "policy", in->policy);
	if (has_all_mail(in))
		line(&b, "folders: {sync: ['*', '!\\All', '!\\Important',"
		    " '!\\Flagged']}");
	free(in->yaml);
	in->yaml = str_dup(buf_str(&b));
	buf_clear(&b);
	free(secret);
}

/* The account as syncd will read it: every mistake that a flag brought shows
 * here, before anything is asked of a server. */
static struct conf *
parse_yaml(const struct init *in, int *code)
{
	int fd = memfd_create("syncd.yaml", MFD_CLOEXEC);
	size_t n = strlen(in->yaml);
	struct conf *conf = NULL;
	struct diags ds;
	char *path;

	must(fd >= 0 && write(fd, in->yaml, n) == (ssize_t)n);
	(void)fchmod(fd, 0600);
	path = xasprintf("/proc/self/fd/%d", fd);
	diags_init(&ds);
	conf = config_load(path, &ds);
	if (conf == NULL) {
		if (!in->cli->json)
			diags_print(&ds, stderr,
			    cli_color(in->cli, STDERR_FILENO));
		*code = cli_fail(in->cli, EX_CONFIG, "config.bad-value",
		    ds.n > 0 ? ds.v[0].text : "the account makes no sense",
		    "syncd help init");
	}
	diags_clear(&ds);
	free(path);
	close(fd);
	return conf;
}

/* ---- finding ---------------------------------------------------------- */

static int
nothing_found(const struct init *in)
{
	const char *domain = strchr(in->email, '@') + 1;
	const struct provider *p = in->server.provider;
	char text[1200], remedy[400];

	if (p != NULL)
		return cli_fail(in->cli, EX_UNAVAILABLE, "init.no-imap", p->hint,
		    NULL);
	snprintf(text, sizeof(text), "no IMAP server is published for %.200s; "
	    "looked at: %s", domain, in->server.looked);
	snprintf(remedy, sizeof(remedy), "syncd init %.150s --host imap.%.150s",
	    in->email, domain);
	return cli_fail(in->cli, EX_TEMPFAIL, "init.nothing-found", text, remedy);
}

static int
find_server(struct init *in)
{
	const struct discover_opts opts = { .host = in->cli->host,
	    .dns = in->cli->dns, .offline = in->cli->offline,
	    .starttls = in->cli->starttls };
	char question[512];
	struct err err;

	say(in, "Looking up %s ... ", strchr(in->email, '@') + 1);
	if (discover(in->email, &opts, &in->server, clock_in(USEC_S(6)),
	    &err) < 0) {
		say(in, "\n");
		return cli_fail(in->cli, EX_USAGE, "usage", err.text, NULL);
	}
	if (in->server.host[0] == '\0') {
		say(in, "nothing\n");
		return nothing_found(in);
	}
	say(in, "%s\n", in->server.how);
	if (!in->server.foreign)
		return 0;
	snprintf(question, sizeof(question), "%s is not in %s. Go on with it?",
	    in->server.host, strchr(in->email, '@') + 1);
	if (ask_confirm(in->cli, question))
		return 0;
	snprintf(question, sizeof(question), "if it is your provider's: syncd init "
	    "%s --host %s:%u", in->email, in->server.host, in->server.port);
	return cli_fail(in->cli, EX_UNAVAILABLE, "init.foreign-host",
	    "the published server is outside of the mail's own domain", question);
}

static void
choose_user(struct init *in)
{
	const struct provider *p = in->server.provider;
	const char *at = strchr(in->email, '@');

	in->user = in->cli->user != NULL ? xstrdup(in->cli->user) :
	    p != NULL && p->local_user && in->cli->host == NULL ?
	    xasprintf("%.*s", (int)(at - in->email), in->email) :
	    xstrdup(in->email);
}

/* Mechanisms that we could use, the others crossed out. */
static void
say_mechanisms(const struct init *in)
{
	static const char *const known[] = { "SCRAM-SHA-256", "SCRAM-SHA-1",
	    "PLAIN", "LOGIN", "OAUTHBEARER", "XOAUTH2", "CRAM-MD5", "EXTERNAL",
	    "GSSAPI" };

	say(in, "  signs in with:");
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (sasl_names_have(&in->preview.caps.sasl, known[i]))
			say(in, " %s", known[i]);
	say(in, "; not:");
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (!sasl_names_have(&in->preview.caps.sasl, known[i]))
			say(in, " %s", known[i]);
	say(in, "\n");
}

/* A server of one's own is trusted by its key, which the message names. */
static void
probe_remedy(const struct init *in, const struct err *err, char *out, size_t cap)
{
	struct remedy_place at = { .said = err->text };
	const struct discovery *d = &in->server;

	if (strcmp(err->code, "tls.untrusted") == 0 ||
	    strcmp(err->code, "tls.expired") == 0)
		remedy_fill("if the server is your own and this is its key, do it "
		    "again with: --pin PIN (or, if you have its authority, with "
		    "--ca-file FILE)", err->code, &at, out, cap);
	else if (strcmp(err->code, "tls.name-mismatch") == 0)
		snprintf(out, cap, "if one of these names is your provider's: syncd "
		    "init %s --host NAME:%u", in->email, d->port);
	else
		snprintf(out, cap, "syncd init %s --host HOST:PORT, with the name "
		    "that the provider's help pages give; or --starttls", in->email);
}

static int
probe(struct init *in)
{
	char remedy[512];
	struct conf *conf;
	struct err err;
	int code = 0;

	write_yaml(in);
	conf = parse_yaml(in, &code);
	if (conf == NULL)
		return code;
	if (preview_probe(&in->preview, &conf->account[0], &err) < 0) {
		probe_remedy(in, &err, remedy, sizeof(remedy));
		code = cli_fail_err(in->cli, &err, remedy);
	} else {
		say(in, "  %s:%u, %s\n", in->server.host, in->server.port,
		    in->preview.tls[0] != '\0' ? in->preview.tls : "no TLS");
		say_mechanisms(in);
	}
	config_free(conf);
	return code;
}

/* ---- the secret ------------------------------------------------------- */

static void
say_hint(const struct init *in)
{
	const struct provider *p = in->server.provider;

	if (p == NULL || p->hint == NULL)
		return;
	say(in, "\n%s\n", p->hint);
	if (p->url != NULL)
		say(in, "  %s\n", p->url);
}

/* What is installed, numbered; its number in *kind. */
static int
choose_vault(const struct init *in, char *text, size_t cap)
{
	const struct provider *p = in->server.provider;
	enum vault_kind offered[VAULT_N];
	char *answer, *command;
	size_t n = 0, pick;

	say(in, "Where should syncd get the password?\n");
	for (int k = 0; k < VAULT_N; k++) {
		if (!vault_usable((enum vault_kind)k) ||
		    (p != NULL && p->token_only && k != VAULT_TOKEN))
			continue;
		offered[n++] = (enum vault_kind)k;
		say(in, "  %zu  %s\n", n, vault_abouts[k]);
	}
	answer = ask_line(in->cli, "Number", "1");
	pick = answer != NULL ? strtoul(answer, NULL, 10) : 0;
	free(answer);
	if (pick == 0 || pick > n)
		return -1;
	snprintf(text, cap, "%s", vault_names[offered[pick - 1]]);
	if (vault_stores(offered[pick - 1]))
		return 0;
	command = ask_line(in->cli, "Command", NULL);
	if (command == NULL || command[0] == '\0') {
		free(command);
		return -1;
	}
	snprintf(text, cap, "%s:%s", vault_names[offered[pick - 1]], command);
	free(command);
	return 0;
}

static int
read_stdin(struct secret *out)
{
	char text[4096];
	ssize_t n = read(STDIN_FILENO, text, sizeof(text));
	struct str all = { text, n > 0 ? (size_t)n : 0 };
	struct str first = str_split(&all, '\n');
	int rc = first.n > 0 ? secret_set(out, first) : -1;

	explicit_bzero(text, sizeof(text));
	return rc;
}

static int
need_secret(const struct init *in)
{
	return cli_fail(in->cli, EX_USAGE, "usage",
	    "there is nobody to ask for the password",
	    "--secret command:'COMMAND', or --secret file --stdin and the "
	    "password on standard input");
}

/* The password itself: from the command, from what is stored under that name
 * already, from stdin, or typed. */
static int
get_secret(struct init *in)
{
	struct err err;

	if (!vault_stores(in->vault.kind)) {
		if (vault_get(&in->vault, in->user, &in->secret, &err) < 0)
			return cli_fail_err(in->cli, &err,
			    "run the command by hand, without a terminal");
		in->stored = true;
		return 0;
	}
	if (in->cli->from_stdin)
		return read_stdin(&in->secret) == 0 ? 0 : need_secret(in);
	if (vault_get(&in->vault, in->user, &in->secret, &err) == 0) {
		say(in, "  %s has an entry %s, which is used\n",
		    vault_names[in->vault.kind], in->vault.entry);
		in->stored = true;
		return 0;
	}
	if (!ask_possible(in->cli))
		return need_secret(in);
	return ask_secret(in->cli, "Password", &in->secret) == 0 ? 0 :
	    EXIT_INTERRUPTED;
}

static int
choose_secret(struct init *in)
{
	const char *text = in->cli->secret, *domain = strchr(in->email, '@') + 1;
	char chosen[1024];
	char *entry, *file;
	struct err err;
	int rc;

	if (text == NULL && !ask_possible(in->cli))
		return need_secret(in);
	if (text == NULL) {
		if (choose_vault(in, chosen, sizeof(chosen)) < 0)
			return EXIT_INTERRUPTED;
		text = chosen;
	}
	entry = xasprintf("mail/%s/%.*s", domain,
	    (int)(domain - 1 - in->email), in->email);
	file = xasprintf("%s/secrets/%s", in->dir, in->name);
	rc = vault_parse(&in->vault, text, entry, file, &err);
	free(entry);
	free(file);
	if (rc < 0)
		return cli_fail(in->cli, EX_USAGE, "usage", err.text, NULL);
	if (!vault_usable(in->vault.kind))
		return cli_fail(in->cli, EX_USAGE, "usage",
		    "that tool is not installed, or has no session bus here",
		    "--secret file");
	return get_secret(in);
}

/* ---- signing in ------------------------------------------------------- */

static void
say_folders(const struct init *in)
{
	enum { SHOWN = 6 };
	char n[32], size[32] = "";

	say(in, "\n ");
	for (size_t i = 0; i < in->preview.n && i < SHOWN; i++) {
		char name[128];

		text_plain(in->preview.folder[i].name, name, sizeof(name));
		text_count(in->preview.folder[i].messages, n, sizeof(n));
		say(in, "%s %s %s", i > 0 ? "," : "", name, n);
	}
	if (in->preview.n > SHOWN)
		say(in, ", %zu more", in->preview.n - SHOWN);
	text_count(in->preview.messages, n, sizeof(n));
	if (in->preview.bytes > 0)
		text_bytes(in->preview.bytes, size, sizeof(size));
	say(in, "\n  %s messages%s%s\n", n, size[0] != '\0' ? ", " : "", size);
}

static int
sign_in(struct init *in)
{
	const struct provider *p = in->server.provider;
	struct conf *conf;
	struct err err;
	int code = 0;

	write_yaml(in);
	conf = parse_yaml(in, &code);
	if (conf == NULL)
		return code;
	say(in, "Signing in ... ");
	if (preview_login(&in->preview, &conf->account[0], &in->secret,
	    &err) < 0) {
		say(in, "refused\n");
		code = cli_fail_err(in->cli, &err,
		    p != NULL && p->hint != NULL ? p->hint :
		    "try again; --user NAME when it is not the address");
	} else {
		say(in, "ok, as %s by %s\n", in->user, in->preview.mechanism);
		say_folders(in);
	}
	config_free(conf);
	return code;
}

/* What no flag has said. */
static void
choose_rest(struct init *in)
{
	char *dflt = xasprintf("~/Mail/%s", in->name);

	if (in->path == NULL)
		in->path = ask_line(in->cli, "Keep the mail in", dflt);
	if (in->path != NULL && strcmp(in->path, dflt) == 0) {
		free(in->path);
		in->path = NULL;
	}
	free(dflt);
	if (in->policy == NULL && !in->cli->yes && ask_possible(in->cli)) {
		say(in, "Changes go both ways; deletions too, kept for undo.\n");
		in->policy = ask_line(in->cli,
		    "Policy: two-way, archive, pull or backup", "two-way");
	}
}

/* ---- writing ---------------------------------------------------------- */

/* A name of its own first: a file that is there is whole. */
static int
write_file(const struct init *in, struct err *err)
{
	char *tmp = xasprintf("%s/accounts.d/.%s.tmp", in->dir, in->name);
	size_t n = strlen(in->yaml);
	int fd = -1, rc = 0;

	dirs_make(tmp);
	unlink(tmp);
	fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, in->yaml, n) != (ssize_t)n || fsync(fd) < 0 ||
	    link(tmp, in->file) < 0)
		rc = err_sys(err, ERR_LOCAL, "init.write", "%s", in->file);
	if (fd >= 0)
		close(fd);
	unlink(tmp);
	free(tmp);
	return rc;
}

/* Does the configuration as a whole read it, and like it? */
static int
check_whole(const struct init *in)
{
	struct diags ds;
	struct conf *conf;
	bool there = false, none;
	int code = 0;

	diags_init(&ds);
	conf = config_load(in->cli->config_file, &ds);
	for (size_t i = 0; conf != NULL && i < conf->n_accounts; i++)
		there |= strcmp(conf->account[i].name, in->name) == 0;
	none = conf == NULL && ds.n == 1 &&
	    strcmp(ds.v[0].code, "config.no-account") == 0;
	if (none || (conf != NULL && !there))
		code = cli_fail(in->cli, EXIT_ATTENTION, "init.not-included",
		    "the configuration does not read accounts.d",
		    "add to it: include: [accounts.d/*.yaml]");
	else if (conf == NULL && !in->cli->json)
		diags_print(&ds, stderr, cli_color(in->cli, STDERR_FILENO));
	if (conf == NULL && !none)
		code = cli_fail(in->cli, EX_CONFIG, ds.n > 0 ? ds.v[0].code :
		    "config.bad-value", ds.n > 0 ? ds.v[0].text : "?",
		    "syncd check");
	config_free(conf);
	diags_clear(&ds);
	return code;
}

static int
store_and_write(struct init *in)
{
	struct err err;

	if (!in->stored && vault_put(&in->vault, in->user, &in->secret,
	    &err) < 0) {
		if (strcmp(err.code, "secret.store-failed") != 0)
			vault_forget(&in->vault);
		return cli_fail(in->cli, EX_CANTCREAT, err.code, err.text,
		    "--secret file, or another tool");
	}
	if (!in->stored)
		say(in, "The password is stored (%s), and reads back well.\n",
		    vault_names[in->vault.kind]);
	if (write_file(in, &err) == 0)
		return 0;
	if (!in->stored)
		vault_forget(&in->vault);
	return cli_fail(in->cli, EX_CANTCREAT, err.code, err.text, NULL);
}

static void
say_next(const struct init *in)
{
	if (in->cli->json) {
		cli_take_json(json_pack("{s:s, s:s, s:s, s:i, s:s, s:I, s:I}",
		    "account", in->name, "file", in->file, "host",
		    in->server.host, "port", in->server.port, "user", in->user,
		    "folders", (json_int_t)in->preview.n,
		    "messages", (json_int_t)in->preview.messages));
		return;
	}
	say(in, "Wrote %s\n\n  syncd sync --dry-run %s   what would come\n"
	    "  syncd sync %s             INBOX first, newest mail first\n"
	    "  systemctl --user enable --now syncd   now and at each login\n"
	    "  loginctl enable-linger                also without a login\n",
	    in->file, in->name, in->name);
}

/* Ctrl-C while it is written would leave a half. */
static int
finish(struct init *in)
{
	sigset_t set, was;
	int code;

	struct conf *conf;

	write_yaml(in);
	conf = parse_yaml(in, &code);
	if (conf == NULL)
		return code;
	config_free(conf);
	if (in->cli->print) {
		fputs(in->yaml, stdout);
		return 0;
	}
	say(in, "\n# %s\n%s\n", in->file, in->yaml);
	if (!in->cli->yes && ask_possible(in->cli) &&
	    !ask_confirm(in->cli, "Write it?"))
		return EXIT_INTERRUPTED;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, &was);
	code = store_and_write(in);
	sigprocmask(SIG_SETMASK, &was, NULL);
	if (code == 0)
		code = check_whole(in);
	if (code == 0)
		say_next(in);
	return code;
}

static int
step_through(struct init *in)
{
	int code;

	choose_name(in);
	if ((code = find_server(in)) != 0)
		return code;
	choose_user(in);
	/* Any source will do for the probe. */
	in->vault = (struct vault){ .kind = VAULT_COMMAND,
	    .entry = xstrdup("true") };
	code = probe(in);
	vault_clear(&in->vault);
	if (code != 0)
		return code;
	say_hint(in);
	if ((code = choose_secret(in)) != 0 || (code = sign_in(in)) != 0)
		return code;
	choose_rest(in);
	return finish(in);
}

int
verb_init(struct cli *cli)
{
	struct init in = { .cli = cli, .email = cli->arg[0],
	    .dir = config_dir(cli), .path = xstrdup(cli->path),
	    .policy = xstrdup(cli->policy) };
	const char *at = strchr(in.email, '@');
	int code;

	if (at == NULL || at == in.email || at[1] == '\0' ||
	    strchr(in.email, ' ') != NULL)
		code = cli_fail(cli, EX_USAGE, "usage",
		    "that is no address: NAME@DOMAIN", NULL);
	else if (in.dir == NULL)
		code = cli_fail(cli, EX_CONFIG, "config.not-found",
		    "neither HOME nor XDG_CONFIG_HOME is set", "--config FILE");
	else
		code = step_through(&in);
	free(in.dir);
	free(in.name);
	free(in.file);
	free(in.path);
	free(in.policy);
	free(in.user);
	free(in.yaml);
	vault_clear(&in.vault);
	secret_clear(&in.secret);
	preview_clear(&in.preview);
	return code;
}
