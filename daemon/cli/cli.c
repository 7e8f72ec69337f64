/*
 * cli.c — from argv to a verb: `syncd [global] VERB [ARGS] [flags]`, flags in any
 * place.
 */
#include "cli/cli.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/attr.h"
#include "base/mem.h"
#include "base/suggest.h"

const struct verb cli_verbs[] = {
	{ "init", verb_init, "EMAIL", " name host pop3 starttls user path policy "
	    "secret stdin ca-file pin dns offline print yes ", 1, 1, "set up an account",
	    "Finds the server, signs in, shows what it would write, and writes a new\n"
	    "file accounts.d/NAME.yaml; existing files are never changed." },
	{ "run", verb_run, "", " once dry-run full ", 0, 0,
	    "keep the Maildirs and the servers in sync",
	    "Stays in the foreground.  With --once: sync everything and exit." },
	{ "sync", verb_sync, "[ACCOUNT[/FOLDER]]...",
	    " dry-run full detach ", 0, 1000, "sync now",
	    "Asks the daemon; without one, does it here.  Shell globs are fine." },
	{ "approve", verb_approve, "ACCOUNT/FOLDER", " dry-run detach ", 1, 1,
	    "delete on the other side, too, what a guard holds",
	    "With --dry-run: list the messages that would go." },
	{ "reject", verb_reject, "ACCOUNT/FOLDER", " detach ", 1, 1,
	    "bring back what a guard holds",
	    "What was deleted here is fetched again, what was deleted on the\n"
	    "server is sent again." },
	{ "verify", verb_verify, "[ACCOUNT]...", " sample online deep ", 0, 1000,
	    "is what was kept still what arrived?",
	    "--online compares with the server, too, and fetches again what is\n"
	    "damaged, beside it; --deep fetches a share of the rest to compare." },
	{ "report", verb_report, "[ACCOUNT]", " since ", 0, 1,
	    "what was done lately, and how things stand",
	    "Since a day ago, or --since 7d.  With --json, a line for each account." },
	{ "export", verb_export, "ACCOUNT[/FOLDER]", " mbox tar ", 1, 1,
	    "write mail to standard output, as mbox or tar",
	    "--mbox is mboxrd, of one folder; --tar has file names, which hold the\n"
	    "flags, and dates." },
	{ "restore", verb_restore, "ACCOUNT",
	    " to folder since until map skip-existing dry-run ", 1, 1,
	    "put an account's Maildirs on another account's server",
	    "--to OTHER names that account.  What the server has already is\n"
	    "recognised by content; a restore that was interrupted goes on." },
	{ "status", verb_status, "[ACCOUNT]", " check watch format waybar ", 0, 1,
	    "what is going on, what needs you",
	    "A TEMPLATE holds {state}, {problems}, {problem}, {unseen}, {messages},\n"
	    "{accounts} and {live}." },
	{ "top", verb_top, "", "", 0, 0, "the same, live on the whole screen",
	    "Keys: q ends, s syncs now, p pauses or resumes all, ? helps." },
	{ "events", verb_events, "[PATTERN]...", " since number ", 0, 100,
	    "what happens, as JSON lines",
	    "Patterns are shell globs of names, such as 'problem.*'.  With --since\n"
	    "SEQ: everything after that event, as far as it is still known." },
	{ "changes", verb_changes, "DIRECTORY", " since null ", 1, 1,
	    "files that came, went or were renamed, for indexers",
	    "The first line has the token for --since the next time.  Without one, and\n"
	    "with one that is too old, all files are listed, as a snapshot." },
	{ "folders", verb_folders, "[ACCOUNT]", "", 0, 1,
	    "folders, on the server and here", "" },
	{ "log", verb_log, "[ACCOUNT]", " since message-id folder number follow ",
	    0, 1, "every change that was made, and why", "" },
	{ "why", verb_why, "MESSAGE-ID", "", 1, 1,
	    "where a message came from, and where it is now",
	    "The Message-ID as the header has it; <> may be left out." },
	{ "undo", verb_undo, "[ACCOUNT[/FOLDER]]",
	    " since message-id dry-run yes ", 0, 1,
	    "put back what was removed, on both sides",
	    "Lists it first, and asks.  What was deleted on the server comes back\n"
	    "from the undo store, what was deleted here from the server's Trash." },
	{ "check", verb_check, "[ACCOUNT]", " online ", 0, 1,
	    "look for mistakes before they hurt",
	    "The configuration, secrets' sources, file modes and limits;\n"
	    "with --online it also logs in." },
	{ "stop", verb_stop, "", "", 0, 0, "stop the daemon", "" },
	{ "reload", verb_reload, "", "", 0, 0,
	    "read the configuration again",
	    "Only accounts that changed are restarted." },
	{ "pause", verb_pause, "[ACCOUNT]", "", 0, 1,
	    "stop syncing until resumed, even after a restart", "" },
	{ "resume", verb_resume, "[ACCOUNT]", "", 0, 1,
	    "go on; try again what waits for you", "" },
	{ "plugin", verb_plugin, "list|test|check|run|resume [NAME [FILE]...]",
	    " account mailbox since explain diff ", 1, 1000,
	    "scripts: which there are, what they would do",
	    "test NAME|FILE.lua [MESSAGE-FILE]...: the plan for these messages, or\n"
	    "for --mailbox FOLDER [--since 7d]; nothing is changed.  run NAME\n"
	    "--mailbox FOLDER: give it mail that was here before it.  resume [NAME]:\n"
	    "start again what is suspended.  -a ACCOUNT: in that account." },
	{ "cmd", verb_cmd, "NAME [ARG]... [FILE|-|id:MESSAGE-ID]...", " account ",
	    1, 1000, "a command of a script, for these messages",
	    "For macros of mail programs: syncd cmd snooze 3d FILE" },
	{ "config", verb_config, "show [ACCOUNT]|explain [KEY]|schema|path", "", 1, 2,
	    "values in effect, keys and their meaning", "" },
	{ "generate", verb_generate,
	    "neomutt|aerc|notmuch|notmuch-script|mu|mu-script|dovecot|systemd|waybar [ACCOUNT]", "", 1, 2,
	    "configuration for other programs", "From the folders that there are." },
	{ "doctor", verb_doctor, "", " full-names ", 0, 0,
	    "a report to attach to a question",
	    "Names, addresses and hosts are left out, unless --full-names." },
	{ "completion", verb_completion, "bash|zsh|fish", "", 1, 1,
	    "completion for a shell", "" },
	{ "explain", verb_explain, "[CODE]", "", 0, 1,
	    "what an error code means and what to do",
	    "Without a code: all of them." },
	{ "version", verb_version, "", "", 0, 0, "print the version", "" },
	{ "help", verb_help, "[VERB]", "", 0, 1, "this list, or more of a verb", "" },
	{ "__complete", verb_complete, "WHAT", "", 1, 1,
	    "words for `completion`: accounts, folders, codes or keys", "" }
};
const size_t cli_n_verbs = ARRAY_LEN(cli_verbs);

const struct flag cli_flags[] = {
	{ "config", 'c', FLAG_TEXT, true, offsetof(struct cli, config_file) },
	{ "account", 'a', FLAG_ACCOUNT, true, 0 },
	{ "json", 0, FLAG_BOOL, true, offsetof(struct cli, json) },
	{ "quiet", 'q', FLAG_BOOL, true, offsetof(struct cli, quiet) },
	{ "verbose", 'v', FLAG_COUNT, true, offsetof(struct cli, verbose) },
	{ "color", 0, FLAG_TEXT, true, offsetof(struct cli, color) },
	{ "progress", 0, FLAG_TEXT, true, offsetof(struct cli, progress) },
	{ "socket", 0, FLAG_TEXT, true, offsetof(struct cli, socket) },
	{ "no-input", 0, FLAG_BOOL, true, offsetof(struct cli, no_input) },
	{ "help", 'h', FLAG_BOOL, true, offsetof(struct cli, help) },
	{ "version", 'V', FLAG_BOOL, true, offsetof(struct cli, version) },
	{ "once", 0, FLAG_BOOL, false, offsetof(struct cli, once) },
	{ "dry-run", 0, FLAG_BOOL, false, offsetof(struct cli, dry_run) },
	{ "full", 0, FLAG_BOOL, false, offsetof(struct cli, full) },
	{ "detach", 0, FLAG_BOOL, false, offsetof(struct cli, detach) },
	{ "online", 0, FLAG_BOOL, false, offsetof(struct cli, online) },
	{ "check", 0, FLAG_BOOL, false, offsetof(struct cli, check) },
	{ "since", 0, FLAG_TEXT, false, offsetof(struct cli, since) },
	{ "message-id", 0, FLAG_TEXT, false, offsetof(struct cli, message_id) },
	{ "folder", 0, FLAG_TEXT, false, offsetof(struct cli, folder) },
	{ "number", 'n', FLAG_TEXT, false, offsetof(struct cli, most) },
	{ "follow", 'f', FLAG_BOOL, false, offsetof(struct cli, follow) },
	{ "yes", 'y', FLAG_BOOL, false, offsetof(struct cli, yes) },
	{ "name", 0, FLAG_TEXT, false, offsetof(struct cli, name) },
	{ "host", 0, FLAG_TEXT, false, offsetof(struct cli, host) },
	{ "pop3", 0, FLAG_BOOL, false, offsetof(struct cli, pop3) },
	{ "starttls", 0, FLAG_BOOL, false, offsetof(struct cli, starttls) },
	{ "user", 0, FLAG_TEXT, false, offsetof(struct cli, user) },
	{ "path", 0, FLAG_TEXT, false, offsetof(struct cli, path) },
	{ "policy", 0, FLAG_TEXT, false, offsetof(struct cli, policy) },
	{ "secret", 0, FLAG_TEXT, false, offsetof(struct cli, secret) },
	{ "stdin", 0, FLAG_BOOL, false, offsetof(struct cli, from_stdin) },
	{ "ca-file", 0, FLAG_TEXT, false, offsetof(struct cli, ca_file) },
	{ "pin", 0, FLAG_TEXT, false, offsetof(struct cli, pin) },
	{ "dns", 0, FLAG_TEXT, false, offsetof(struct cli, dns) },
	{ "offline", 0, FLAG_BOOL, false, offsetof(struct cli, offline) },
	{ "print", 0, FLAG_BOOL, false, offsetof(struct cli, print) },
	{ "mailbox", 0, FLAG_TEXT, false, offsetof(struct cli, mailbox) },
	{ "diff", 0, FLAG_TEXT, false, offsetof(struct cli, diff) },
	{ "explain", 0, FLAG_BOOL, false, offsetof(struct cli, explain) },
	{ "watch", 0, FLAG_BOOL, false, offsetof(struct cli, watch) },
	{ "waybar", 0, FLAG_BOOL, false, offsetof(struct cli, waybar) },
	{ "format", 0, FLAG_TEXT, false, offsetof(struct cli, format) },
	{ "full-names", 0, FLAG_BOOL, false, offsetof(struct cli, full_names) },
	{ "to", 0, FLAG_TEXT, false, offsetof(struct cli, to) },
	{ "until", 0, FLAG_TEXT, false, offsetof(struct cli, until) },
	{ "map", 0, FLAG_LIST, false, offsetof(struct cli, map) },
	{ "mbox", 0, FLAG_BOOL, false, offsetof(struct cli, mbox) },
	{ "tar", 0, FLAG_BOOL, false, offsetof(struct cli, tar) },
	{ "null", '0', FLAG_BOOL, false, offsetof(struct cli, null) },
	{ "sample", 0, FLAG_TEXT, false, offsetof(struct cli, sample) },
	{ "deep", 0, FLAG_BOOL, false, offsetof(struct cli, deep) },
	{ "skip-existing", 0, FLAG_BOOL, false,
	    offsetof(struct cli, skip_existing) }
};
const size_t cli_n_flags = ARRAY_LEN(cli_flags);

static const struct flag *
find_flag(struct str name, char letter)
{
	for (size_t i = 0; i < cli_n_flags; i++)
		if (letter != 0 ? cli_flags[i].letter == letter :
		    str_eq(name, str_z(cli_flags[i].name)))
			return &cli_flags[i];
	return NULL;
}

/* Its list has spaces around each. */
bool
cli_knows(const struct verb *verb, const struct flag *f)
{
	char word[32];

	if (f->global)
		return true;
	snprintf(word, sizeof(word), " %s ", f->name);
	return verb != NULL && strstr(verb->flags, word) != NULL;
}

static void
add_arg(struct cli *cli, char *arg)
{
	cli->arg = xreallocarray(cli->arg, cli->n + 1, sizeof(*cli->arg));
	cli->arg[cli->n++] = arg;
}

static void
set_flag(struct cli *cli, const struct verb *verb, const struct flag *f,
    char *value)
{
	char *field = (char *)cli + f->at;

	if (f->kind == FLAG_BOOL)
		*(bool *)(void *)field = true;
	else if (f->kind == FLAG_COUNT)
		++*(unsigned *)(void *)field;
	else if (f->kind == FLAG_TEXT)
		*(const char **)(void *)field = value;
	else if (f->kind == FLAG_LIST)
		strlist_add((struct strlist *)(void *)field, value);
	else if (verb != NULL && strstr(verb->flags, " account ") != NULL)
		cli->account = value;
	else
		add_arg(cli, value);
}

static bool
takes_value(const struct flag *f)
{
	return f->kind == FLAG_TEXT || f->kind == FLAG_LIST ||
	    f->kind == FLAG_ACCOUNT;
}

static int
bad_flag(const struct cli *cli, const struct verb *verb, const char *arg)
{
	char text[256], remedy[256] = "syncd help";
	struct suggest near;

	suggest_init(&near, str_z(arg[0] == '-' ? arg + 2 : arg));
	for (size_t i = 0; i < cli_n_flags && arg[1] == '-'; i++)
		if (cli_knows(verb, &cli_flags[i]))
			suggest_offer(&near, cli_flags[i].name);
	snprintf(text, sizeof(text), "unknown option %.100s%s%s", arg,
	    verb != NULL ? " of " : "", verb != NULL ? verb->name : "");
	if (near.best[0] != '\0')
		snprintf(remedy, sizeof(remedy), "did you mean --%s?", near.best);
	else if (verb != NULL)
		snprintf(remedy, sizeof(remedy), "syncd help %s", verb->name);
	return cli_fail(cli, EX_USAGE, "usage", text, remedy);
}

static int
need_value(const struct cli *cli, const char *arg)
{
	char text[256];

	snprintf(text, sizeof(text), "%.100s needs a value", arg);
	return cli_fail(cli, EX_USAGE, "usage", text, NULL);
}

/* "--name", "--name=value", "--name value". */
static int
parse_long(struct cli *cli, const struct verb *verb, char ***at)
{
	char *arg = **at, *value = strchr(arg, '=');
	struct str name = str_head(str_z(arg + 2),
	    value != NULL ? (size_t)(value - arg - 2) : SIZE_MAX);
	const struct flag *f = find_flag(name, 0);

	if (f == NULL || !cli_knows(verb, f) || (value != NULL && !takes_value(f)))
		return bad_flag(cli, verb, arg);
	if (value != NULL)
		value++;
	else if (takes_value(f) && (value = *++*at) == NULL)
		return need_value(cli, arg);
	set_flag(cli, verb, f, value);
	return 0;
}

/* "-v", "-vv", "-cFILE", "-c FILE". */
static int
parse_short(struct cli *cli, const struct verb *verb, char ***at)
{
	char *arg = **at;

	for (char *p = arg + 1; *p != '\0'; p++) {
		const struct flag *f = find_flag(STR_NONE, *p);
		char *value = p + 1;

		if (f == NULL || !cli_knows(verb, f))
			return bad_flag(cli, verb, arg);
		if (!takes_value(f)) {
			set_flag(cli, verb, f, NULL);
			continue;
		}
		if (*value == '\0' && (value = *++*at) == NULL)
			return need_value(cli, arg);
		set_flag(cli, verb, f, value);
		return 0;
	}
	return 0;
}

static const struct verb *
find_verb(const char *name)
{
	for (size_t i = 0; i < cli_n_verbs; i++)
		if (strcmp(cli_verbs[i].name, name) == 0)
			return &cli_verbs[i];
	return NULL;
}

/* The first word that is no option, nor the value of one. */
static const char *
first_word(char **argv)
{
	for (; *argv != NULL; argv++) {
		const struct flag *f;

		if ((*argv)[0] != '-' || (*argv)[1] == '\0')
			return *argv;
		if ((*argv)[1] == '-')
			f = find_flag(str_z(*argv + 2), 0);
		else
			f = (*argv)[2] == '\0' ?
			    find_flag(STR_NONE, (*argv)[1]) : NULL;
		if (f != NULL && takes_value(f) && argv[1] != NULL)
			argv++;
	}
	return NULL;
}

static int
unknown_verb(const struct cli *cli, const char *name)
{
	char text[256], remedy[256] = "syncd help";
	struct suggest near;

	suggest_init(&near, str_z(name));
	for (size_t i = 0; i < cli_n_verbs; i++)
		if (cli_verbs[i].name[0] != '_')
			suggest_offer(&near, cli_verbs[i].name);
	snprintf(text, sizeof(text), "there is no verb `%.100s`", name);
	if (near.best[0] != '\0')
		snprintf(remedy, sizeof(remedy), "did you mean `syncd %s`?",
		    near.best);
	return cli_fail(cli, EX_USAGE, "usage", text, remedy);
}

static int
parse(struct cli *cli, const struct verb *verb, char **argv)
{
	bool verb_seen = false, options = true;

	for (char **at = argv; *at != NULL; at++) {
		int rc = 0;

		if (options && strcmp(*at, "--") == 0)
			options = false;
		else if (options && (*at)[0] == '-' && (*at)[1] == '-')
			rc = parse_long(cli, verb, &at);
		else if (options && (*at)[0] == '-' && (*at)[1] != '\0')
			rc = parse_short(cli, verb, &at);
		else if (!verb_seen)
			verb_seen = true;
		else
			add_arg(cli, *at);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static int
run_verb(struct cli *cli, const struct verb *verb)
{
	char text[256], remedy[64];
	const char *color = cli->color;
	enum meter_mode progress;

	if (cli->version)
		return verb_version(cli);
	if (cli->help || verb == NULL) {
		char *name = verb != NULL ? (char *)(uintptr_t)verb->name : NULL;

		cli->n = name != NULL;
		cli->arg = xreallocarray(cli->arg, 1, sizeof(*cli->arg));
		cli->arg[0] = name;
		(void)verb_help(cli);
		return cli->help ? 0 : EX_USAGE;
	}
	if (color != NULL && strcmp(color, "auto") != 0 &&
	    strcmp(color, "always") != 0 && strcmp(color, "never") != 0)
		return cli_fail(cli, EX_USAGE, "usage",
		    "--color is auto, always or never", NULL);
	if (meter_mode(cli->progress, false, false, &progress) < 0)
		return cli_fail(cli, EX_USAGE, "usage",
		    "--progress is auto, bar, lines, json or none", NULL);
	if (cli->n >= verb->min && cli->n <= verb->max)
		return verb->run(cli);
	snprintf(text, sizeof(text), "usage: syncd %s %s", verb->name, verb->args);
	snprintf(remedy, sizeof(remedy), "syncd help %s", verb->name);
	return cli_fail(cli, EX_USAGE, "usage", text, remedy);
}

int
cli_main(int argc, char **argv)
{
	const char *word = argc > 0 ? first_word(argv + 1) : NULL;
	const struct verb *verb = word != NULL ? find_verb(word) : NULL;
	struct cli cli = { 0 };
	int code;

	setlocale(LC_CTYPE, "");
	/* Before the rest is understood: the shape of its mistakes. */
	for (int i = 1; i < argc; i++)
		cli.json |= strcmp(argv[i], "--json") == 0;
	if (word != NULL && verb == NULL)
		return unknown_verb(&cli, word);
	code = parse(&cli, verb, argc > 0 ? argv + 1 : argv);
	if (code == 0)
		code = run_verb(&cli, verb);
	free(cli.arg);
	strlist_clear(&cli.map);
	return code;
}
