/*
 * complete.c — `syncd completion SHELL`: a script made of the tables of verbs and
 * options, and `syncd __complete WHAT`, the words that it asks for while one types.
 */
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/attr.h"
#include "cli/help.h"
#include "codes.h"
#include "config.h"
#include "diag.h"
#include "js.h"
#include "options.h"
#include "report.h"

/* ---- what arguments are ----------------------------------------------- */

/* A word of a verb's `args` in capitals, and what completes it. */
static const struct {
	const char	*word, *what;
} kinds[] = {
	{ "ACCOUNT/FOLDER", "folders" }, { "ACCOUNT[/FOLDER]", "folders" },
	{ "ACCOUNT", "accounts" }, { "CODE", "codes" }, { "KEY", "keys" },
	{ "VERB", "verbs" }
};

static const char *
what_of(const struct verb *v)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (strstr(v->args, kinds[i].word) != NULL)
			return kinds[i].what;
	return "";
}

/* "show|explain [KEY]|schema|path" as "show explain schema path". */
static void
put_words(const struct verb *v)
{
	struct str rest = str_z(v->args);

	if (strchr(v->args, '|') == NULL)
		return;
	while (rest.n > 0) {
		struct str part = str_split(&rest, '|');
		struct str word = str_split(&part, ' ');

		printf("%.*s%s", (int)word.n, word.p, rest.n > 0 ? " " : "");
	}
}

static void
put_flags(const struct verb *v)
{
	for (size_t i = 0; i < cli_n_flags; i++)
		if (cli_knows(v, &cli_flags[i]))
			printf(" --%s", cli_flags[i].name);
}

static bool
is_listed(const struct verb *v)
{
	return v->name[0] != '_';
}

static void
put_verbs(void)
{
	for (size_t i = 0; i < cli_n_verbs; i++)
		if (is_listed(&cli_verbs[i]))
			printf("%s%s", i > 0 ? " " : "", cli_verbs[i].name);
}

/* ---- the shells ------------------------------------------------------- */

static void
bash(void)
{
	puts("# bash completion for syncd: put it where completions are, or\n"
	    "#   . <(syncd completion bash)\n"
	    "_syncd() {\n"
	    "\tlocal cur=${COMP_WORDS[COMP_CWORD]} verb= word i what= words= flags=\n"
	    "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	    "\t\tword=${COMP_WORDS[i]}\n"
	    "\t\t[[ $word != -* ]] && { verb=$word; break; }\n"
	    "\tdone\n"
	    "\tcase $verb in");
	for (size_t i = 0; i < cli_n_verbs; i++) {
		const struct verb *v = &cli_verbs[i];

		if (!is_listed(v))
			continue;
		printf("\t%s) what='%s' words='", v->name, what_of(v));
		put_words(v);
		printf("' flags='");
		put_flags(v);
		puts("' ;;");
	}
	printf("\t*) words='");
	put_verbs();
	printf("' flags='");
	put_flags(NULL);
	puts("' ;;\n"
	    "\tesac\n"
	    "\tif [[ $cur == -* ]]; then\n"
	    "\t\tCOMPREPLY=($(compgen -W \"$flags\" -- \"$cur\"))\n"
	    "\telse\n"
	    "\t\t[[ $what ]] && words+=\" $(syncd __complete \"$what\" 2>/dev/null)\"\n"
	    "\t\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
	    "\tfi\n"
	    "}\n"
	    "complete -o default -F _syncd syncd");
}

/* In single quotes, without what ends them. */
static void
put_quoted(const char *text)
{
	for (; *text != '\0'; text++)
		if (*text != '\'' && *text != '\n')
			putchar(*text == ':' || *text == '[' || *text == ']' ?
			    ' ' : *text);
}

static void
zsh(void)
{
	puts("#compdef syncd\n"
	    "_syncd() {\n"
	    "\tlocal verb= word what= list= flags=\n"
	    "\tfor word in ${(@)words[2,CURRENT-1]}; do\n"
	    "\t\t[[ $word != -* ]] && { verb=$word; break; }\n"
	    "\tdone\n"
	    "\tif [[ -z $verb && $PREFIX != -* ]]; then\n"
	    "\t\tlocal -a verbs=(");
	for (size_t i = 0; i < cli_n_verbs; i++) {
		if (!is_listed(&cli_verbs[i]))
			continue;
		printf("\t\t\t'%s:", cli_verbs[i].name);
		put_quoted(cli_verbs[i].about);
		puts("'");
	}
	puts("\t\t)\n"
	    "\t\t_describe verb verbs\n"
	    "\t\treturn\n"
	    "\tfi\n"
	    "\tcase $verb in");
	for (size_t i = 0; i < cli_n_verbs; i++) {
		if (!is_listed(&cli_verbs[i]))
			continue;
		printf("\t%s) what='%s' list='", cli_verbs[i].name,
		    what_of(&cli_verbs[i]));
		put_words(&cli_verbs[i]);
		printf("' flags='");
		put_flags(&cli_verbs[i]);
		puts("' ;;");
	}
	printf("\t*) list= flags='");
	put_flags(NULL);
	puts("' ;;\n"
	    "\tesac\n"
	    "\tif [[ $PREFIX == -* ]]; then\n"
	    "\t\tcompadd -- ${=flags}\n"
	    "\telse\n"
	    "\t\t[[ -n $what ]] && list+=\" $(syncd __complete $what 2>/dev/null)\"\n"
	    "\t\tcompadd -- ${=list}\n"
	    "\tfi\n"
	    "}\n"
	    /* As a file of fpath it is the function; else it is read. */
	    "if [[ ${funcstack[1]} == _syncd ]]; then\n"
	    "\t_syncd \"$@\"\n"
	    "else\n"
	    "\tcompdef _syncd syncd\n"
	    "fi");
}

static void
fish_flag(const struct flag *f, const char *condition, const char *about)
{
	printf("complete -c syncd -n '%s' -l %s", condition, f->name);
	if (f->letter != '\0')
		printf(" -s %c", f->letter);
	if (f->kind == FLAG_TEXT || f->kind == FLAG_LIST ||
	    f->kind == FLAG_ACCOUNT)
		printf(" -r");
	if (about[0] != '\0') {
		printf(" -d '");
		put_quoted(about);
		putchar('\'');
	}
	putchar('\n');
}

static void
fish_verb(const struct verb *v)
{
	char condition[96];

	printf("complete -c syncd -f -n __fish_use_subcommand -a %s -d '", v->name);
	put_quoted(v->about);
	puts("'");
	snprintf(condition, sizeof(condition), "__fish_seen_subcommand_from %s",
	    v->name);
	if (what_of(v)[0] != '\0')
		printf("complete -c syncd -f -n '%s' -a '(syncd __complete %s"
		    " 2>/dev/null)'\n", condition, what_of(v));
	if (strchr(v->args, '|') != NULL) {
		printf("complete -c syncd -f -n '%s' -a '", condition);
		put_words(v);
		puts("'");
	}
	for (size_t i = 0; i < cli_n_flags; i++)
		if (!cli_flags[i].global && cli_knows(v, &cli_flags[i]))
			fish_flag(&cli_flags[i], condition,
			    help_of_flag(cli_flags[i].name));
}

static void
fish(void)
{
	puts("# fish completion for syncd");
	for (size_t i = 0; i < cli_n_flags; i++)
		if (cli_flags[i].global)
			fish_flag(&cli_flags[i], "true", "");
	for (size_t i = 0; i < cli_n_verbs; i++)
		if (is_listed(&cli_verbs[i]))
			fish_verb(&cli_verbs[i]);
}

int
verb_completion(struct cli *cli)
{
	static const struct {
		const char	*shell;
		void		(*print)(void);
	} shells[] = { { "bash", bash }, { "zsh", zsh }, { "fish", fish } };

	for (size_t i = 0; i < ARRAY_LEN(shells); i++)
		if (strcmp(cli->arg[0], shells[i].shell) == 0) {
			shells[i].print();
			return 0;
		}
	return cli_fail(cli, EX_USAGE, "usage",
	    "usage: syncd completion bash|zsh|fish", NULL);
}

/* ---- words while one types -------------------------------------------- */

/* One a line; what a shell would take apart is left out. */
static void
put_word(const char *word)
{
	if (word[strcspn(word, " \t\n\"'\\$`*?[;&|<>(){}")] == '\0')
		puts(word);
}

static void
put_folders(const struct conf *conf, const struct account_conf *a)
{
	struct err err;
	json_t *all = report_folders(conf, a, &err), *f;
	size_t i;

	json_array_foreach(all, i, f) {
		char text[1024];

		if (js_get(f, "remote") == NULL)
			continue;
		snprintf(text, sizeof(text), "%s/%s", a->name, js_get(f, "remote"));
		put_word(text);
	}
	json_decref(all);
}

static void
put_accounts(const struct cli *cli, bool folders)
{
	struct diags ds;
	struct conf *conf;

	diags_init(&ds);
	conf = config_load(cli->config_file, &ds);
	for (size_t i = 0; conf != NULL && i < conf->n_accounts; i++) {
		put_word(conf->account[i].name);
		if (folders)
			put_folders(conf, &conf->account[i]);
	}
	config_free(conf);
	diags_clear(&ds);
}

int
verb_complete(struct cli *cli)
{
	const char *what = cli->arg[0];

	if (strcmp(what, "accounts") == 0 || strcmp(what, "folders") == 0)
		put_accounts(cli, what[0] == 'f');
	for (size_t i = 0; i < n_codes && strcmp(what, "codes") == 0; i++)
		put_word(codes[i].name);
	for (size_t i = 0; i < n_options && strcmp(what, "keys") == 0; i++)
		puts(options[i].key);
	for (size_t i = 0; i < cli_n_verbs && strcmp(what, "verbs") == 0; i++)
		if (is_listed(&cli_verbs[i]))
			puts(cli_verbs[i].name);
	return 0;
}
