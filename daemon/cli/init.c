/*
 * init.c — `syncd init EMAIL`: from an address to an account that works.
 *
 * Nothing is written before the login has worked and the user said yes, so that
 * Ctrl-C leaves nothing behind; then the secret is stored and read back, and a
 * new file is made: existing ones are never edited.  Each question has a flag
 * that answers it, and without a terminal none is asked.
 */
#include "cli/init.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/ask.h"
#include "config.h"
#include "text.h"

void
init_say(const struct init *in, const char *fmt, ...)
{
	va_list ap;

	if (in->cli->json || in->cli->quiet || in->cli->print)
		return;
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	fflush(stdout);
}

/* ---- the secret ------------------------------------------------------- */

static void
say_hint(const struct init *in)
{
	const struct provider *p = in->server.provider;

	if (p == NULL || p->hint == NULL)
		return;
	init_say(in, "\n%s\n", p->hint);
	if (p->url != NULL)
		init_say(in, "  %s\n", p->url);
}

/* What is installed, numbered; its number in *kind. */
static int
choose_vault(const struct init *in, char *text, size_t cap)
{
	const struct provider *p = in->server.provider;
	enum vault_kind offered[VAULT_N];
	char *answer, *command;
	size_t n = 0, pick;

	init_say(in, "Where should syncd get the password?\n");
	for (int k = 0; k < VAULT_N; k++) {
		if (!vault_usable((enum vault_kind)k) ||
		    (p != NULL && p->token_only && k != VAULT_TOKEN))
			continue;
		offered[n++] = (enum vault_kind)k;
		init_say(in, "  %zu  %s\n", n, vault_abouts[k]);
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
		init_say(in, "  %s has an entry %s, which is used\n",
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

	init_say(in, "\n ");
	for (size_t i = 0; i < in->preview.n && i < SHOWN; i++) {
		char name[128];

		text_plain(in->preview.folder[i].name, name, sizeof(name));
		text_count(in->preview.folder[i].messages, n, sizeof(n));
		init_say(in, "%s %s %s", i > 0 ? "," : "", name, n);
	}
	if (in->preview.n > SHOWN)
		init_say(in, ", %zu more", in->preview.n - SHOWN);
	text_count(in->preview.messages, n, sizeof(n));
	if (in->preview.bytes > 0)
		text_bytes(in->preview.bytes, size, sizeof(size));
	init_say(in, "\n  %s messages%s%s\n", n, size[0] != '\0' ? ", " : "", size);
}

static void
say_maildrop(const struct init *in)
{
	char n[32], size[32];

	text_count(in->preview.messages, n, sizeof(n));
	text_bytes(in->preview.bytes, size, sizeof(size));
	init_say(in, "\n  %s messages, %s\n", n, size);
}

static int
sign_in(struct init *in)
{
	const struct provider *p = in->server.provider;
	struct conf *conf;
	struct err err;
	int code = 0;

	conf = init_conf(in, &code);
	if (conf == NULL)
		return code;
	init_say(in, "Signing in ... ");
	if (preview_login(&in->preview, &conf->account[0], &in->secret,
	    &err) < 0) {
		init_say(in, "refused\n");
		code = cli_fail_err(in->cli, &err,
		    p != NULL && p->hint != NULL ? p->hint :
		    "try again; --user NAME when it is not the address");
	} else {
		init_say(in, "ok, as %s by %s\n", in->user, in->preview.mechanism);
		if (in->server.pop3)
			say_maildrop(in);
		else
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
	if (in->server.pop3)
		init_say(in, "Mail is fetched into INBOX there, and stays on the "
		    "server (pop3.keep_on_server).\n");
	else if (in->policy == NULL && !in->cli->yes && ask_possible(in->cli)) {
		init_say(in, "Changes go both ways; deletions too, kept for undo.\n");
		in->policy = ask_line(in->cli,
		    "Policy: two-way, archive, pull or backup", "two-way");
	}
}

/* ---- writing ---------------------------------------------------------- */

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
		init_say(in, "The password is stored (%s), and reads back well.\n",
		    vault_names[in->vault.kind]);
	if (init_write(in, &err) == 0)
		return 0;
	if (!in->stored)
		vault_forget(&in->vault);
	return cli_fail(in->cli, EX_CANTCREAT, err.code, err.text, NULL);
}

static void
say_next(const struct init *in)
{
	if (in->cli->json) {
		cli_take_json(json_pack("{s:s, s:s, s:s, s:s, s:i, s:s, s:I, s:I, "
		    "s:I}", "account", in->name, "file", in->file,
		    "protocol", in->server.pop3 ? "pop3" : "imap",
		    "host", in->server.host, "port", in->server.port,
		    "user", in->user, "folders", (json_int_t)in->preview.n,
		    "messages", (json_int_t)in->preview.messages,
		    "bytes", (json_int_t)in->preview.bytes));
		return;
	}
	init_say(in, "Wrote %s\n\n  syncd sync --dry-run %s   what would come\n"
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

	conf = init_conf(in, &code);
	if (conf == NULL)
		return code;
	config_free(conf);
	if (in->cli->print) {
		fputs(in->yaml, stdout);
		return 0;
	}
	init_say(in, "\n# %s\n%s\n", in->file, in->yaml);
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
		code = init_check(in);
	if (code == 0)
		say_next(in);
	return code;
}

static int
step_through(struct init *in)
{
	int code;

	init_name(in);
	if ((code = init_find(in)) != 0)
		return code;
	/* Any source will do for the probe. */
	in->vault = (struct vault){ .kind = VAULT_COMMAND,
	    .entry = xstrdup("true") };
	code = init_probe(in);
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
	    .dir = init_dir(cli), .path = xstrdup(cli->path),
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
