/* help.c — `syncd help`, `syncd version`. */
#include "cli/help.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/attr.h"
#include "cli/cli.h"

static const struct {
	const char	*flag, *about;
} abouts[] = {
	{ " once ", "--once            sync everything and exit" },
	{ " dry-run ", "--dry-run         print what would be done, change nothing" },
	{ " full ", "--full            compare everything, trust no shortcut" },
	{ " detach ", "--detach          do not wait for the end" },
	{ " online ", "--online          log in, too" },
	{ " check ", "--check           exit 1 when there is any problem" },
	{ " watch ", "--watch           go on, and show every change" },
	{ " format ", "--format TEMPLATE  one line, as you like it" },
	{ " waybar ", "--waybar          a line of JSON for waybar" },
	{ " full-names ", "--full-names      with names, addresses and hosts" },
	{ " since ", "--since WHEN      only since 2h, 3d or 2026-11-23" },
	{ " null ", "-0, --null        NUL ends each, not a newline" },
	{ " message-id ", "--message-id ID   only what happened to this message" },
	{ " folder ", "--folder NAME     only in this folder" },
	{ " number ", "-n, --number N    the newest N (100)" },
	{ " follow ", "-f, --follow      go on with what is done from now on" },
	{ " name ", "--name NAME       what the account is to be called" },
	{ " host ", "--host HOST[:PORT]  its server, when it is not found" },
	{ " pop3 ", "--pop3            fetch by POP3, not IMAP" },
	{ " starttls ", "--starttls        TLS begins after a greeting in clear" },
	{ " user ", "--user USER       when it is not the address" },
	{ " path ", "--path DIR        where the mail is kept (~/Mail/NAME)" },
	{ " policy ", "--policy POLICY   two-way, pull, push, archive or backup" },
	{ " secret ", "--secret KIND     pass, gopass, secret-tool, systemd-creds, file,\n"
	  "                    command:COMMAND or token:COMMAND; pass:ENTRY names it" },
	{ " stdin ", "--stdin           the password is the first line of stdin" },
	{ " ca-file ", "--ca-file FILE    trust these certificates, not the system's" },
	{ " pin ", "--pin sha256/KEY  trust the server with this key, and no other" },
	{ " dns ", "--dns ADDR:PORT   ask this name server, not the system's" },
	{ " offline ", "--offline         look nothing up: the built-in table, or --host" },
	{ " print ", "--print           print the file, write nothing" },
	{ " yes ", "-y, --yes         do not ask" }
};

/* Behind the option and its value, which two spaces end. */
const char *
help_of_flag(const char *name)
{
	char word[32];

	snprintf(word, sizeof(word), " %s ", name);
	for (size_t i = 0; i < ARRAY_LEN(abouts); i++)
		if (strcmp(abouts[i].flag, word) == 0) {
			const char *text = strstr(abouts[i].about, "  ");

			return text != NULL ? text + strspn(text, " ") : "";
		}
	return "";
}

static void
help_all(void)
{
	puts("syncd keeps Maildirs and IMAP servers in sync.\n\n"
	    "usage: syncd [options] VERB [arguments]\n");
	for (size_t i = 0; i < cli_n_verbs; i++)
		if (cli_verbs[i].name[0] != '_')
			printf("  %-11s%s\n", cli_verbs[i].name,
			    cli_verbs[i].about);
	puts("\n"
	    "  -c, --config FILE   instead of ~/.config/syncd/syncd.yaml\n"
	    "  -a, --account NAME  like an argument ACCOUNT\n"
	    "      --socket PATH   where the daemon listens\n"
	    "      --json          for programs\n"
	    "  -q, --quiet         problems only\n"
	    "  -v, --verbose       more; twice: still more\n"
	    "      --color WHEN    auto, always or never\n"
	    "      --progress HOW  auto, bar, lines, json or none\n"
	    "  -h, --help, -V, --version\n\n"
	    "More: syncd help VERB, syncd(1), syncd.yaml(5)");
}

static void
help_verb(const struct verb *v)
{
	printf("usage: syncd %s%s%s%s\n\n%s\n", v->name,
	    v->flags[0] != '\0' ? " [options]" : "",
	    v->args[0] != '\0' ? " " : "", v->args, v->about);
	if (v->more[0] != '\0')
		puts(v->more);
	if (v->flags[0] != '\0')
		putchar('\n');
	for (size_t i = 0; i < ARRAY_LEN(abouts); i++)
		if (strstr(v->flags, abouts[i].flag) != NULL)
			printf("  %s\n", abouts[i].about);
}

int
verb_help(struct cli *cli)
{
	char text[128];

	if (cli->n == 0) {
		help_all();
		return 0;
	}
	for (size_t i = 0; i < cli_n_verbs; i++)
		if (strcmp(cli_verbs[i].name, cli->arg[0]) == 0) {
			help_verb(&cli_verbs[i]);
			return 0;
		}
	snprintf(text, sizeof(text), "there is no verb `%.80s`", cli->arg[0]);
	return cli_fail(cli, EX_USAGE, "usage", text, "syncd help");
}

int
verb_version(struct cli *cli)
{
	if (cli->json)
		cli_take_json(json_pack("{s:s}", "version", SYNCD_VERSION));
	else
		puts("syncd " SYNCD_VERSION);
	return 0;
}
