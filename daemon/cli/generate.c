/*
 * generate.c — `syncd generate PROGRAM`: configuration for the programs that read
 * the mail, from the folders that there are.  It is printed, never written.
 */
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/attr.h"
#include "base/mem.h"
#include "cli/indexer.h"
#include "config.h"
#include "js.h"
#include "report.h"

typedef void generator(const struct account_conf *a, json_t *folders, bool first);

/* The directory of the folder with that special use, or ${dflt}. */
static const char *
by_use(const json_t *folders, const char *use, const char *dflt)
{
	const json_t *f;
	size_t i;

	json_array_foreach(folders, i, f) {
		const char *is = js_get(f, "special_use");

		if (is != NULL && strcmp(is, use) == 0 &&
		    js_get(f, "local") != NULL)
			return js_get(f, "local");
	}
	return dflt;
}

/* Between double quotes, as muttrc, ini files and Lisp have it. */
static void
put_quoted(const char *text)
{
	putchar('"');
	for (; text != NULL && *text != '\0'; text++) {
		if (*text == '"' || *text == '\\' || *text == '$' || *text == '`')
			putchar('\\');
		if ((unsigned char)*text >= 0x20)
			putchar(*text);
	}
	putchar('"');
}

static void
put_setting(const char *name, const char *prefix, const char *value)
{
	char *text = xasprintf("%s%s", prefix, value);

	printf("set %s = ", name);
	put_quoted(text);
	putchar('\n');
	free(text);
}

/* A command within a command, so what is in quotes is in quotes again.  By its path: +
 * is the first account's. */
static void
neomutt_record(const struct account_conf *a, const char *sent)
{
	char *dir = xasprintf("%s/", a->path), *path = xasprintf("%s%s", dir, sent);
	static const char begin[] = "set record=\"";
	char *set = xmalloc(sizeof(begin) + 2 * strlen(path) + 1);
	size_t n = sizeof(begin) - 1;

	memcpy(set, begin, n);
	for (const char *p = path; *p != '\0'; p++) {
		if (strchr("\"\\$`", *p) != NULL)
			set[n++] = '\\';
		set[n++] = *p;
	}
	memcpy(set + n, "\"", 2);
	printf("folder-hook ");
	put_quoted(dir);
	putchar(' ');
	put_quoted(set);
	putchar('\n');
	free(set);
	free(path);
	free(dir);
}

static void
neomutt(const struct account_conf *a, json_t *folders, bool first)
{
	const json_t *f;
	size_t i;

	if (first) {
		puts("# neomutt: source this from neomuttrc");
		puts("set mbox_type = Maildir\nset maildir_trash = no\n"
		    "set mail_check_stats = yes");
		put_setting("folder", a->path, "");
		put_setting("spoolfile", "+", "INBOX");
		put_setting("record", "+", by_use(folders, "\\Sent", "Sent"));
		put_setting("postponed", "+",
		    by_use(folders, "\\Drafts", "Drafts"));
		put_setting("trash", "+", by_use(folders, "\\Trash", "Trash"));
		if (a->email != NULL)
			put_setting("from", "", a->email);
	}
	printf("\n# %s\n", a->name);
	json_array_foreach(folders, i, f) {
		char *path = xasprintf("%s/%s", a->path, js_get(f, "local"));
		char *label = xasprintf("%s/%s", a->name, js_get(f, "local"));

		printf("named-mailboxes ");
		put_quoted(label);
		putchar(' ');
		put_quoted(path);
		putchar('\n');
		free(path);
		free(label);
	}
	neomutt_record(a, by_use(folders, "\\Sent", "Sent"));
}

static void
aerc(const struct account_conf *a, json_t *folders, bool first)
{
	if (first)
		puts("# aerc: ~/.config/aerc/accounts.conf");
	printf("\n[%s]\nsource = %s://%s\n", a->name,
	    a->layout == CONF_MAILDIRPP ? "maildirpp" : "maildir", a->path);
	printf("default = INBOX\nfrom = %s\n",
	    a->email != NULL ? a->email : "NAME <ADDRESS>");
	printf("copy-to = %s\npostpone = %s\narchive = %s\n",
	    by_use(folders, "\\Sent", "Sent"),
	    by_use(folders, "\\Drafts", "Drafts"),
	    by_use(folders, "\\Archive", "Archive"));
	printf("check-mail-cmd = syncd sync %s\ncheck-mail-timeout = 30s\n",
	    a->name);
}

static const char *
common_root(const struct account_conf *a)
{
	static char root[4096];
	char *slash;

	snprintf(root, sizeof(root), "%s", a->path);
	slash = strrchr(root, '/');
	if (slash != NULL && slash != root)
		*slash = '\0';
	return root;
}

/* A folder as a query's term, and that as a word for a shell: its name is the
 * server's. */
static void
notmuch_folder(const struct account_conf *a, const char *local)
{
	char *name = xasprintf("%s/%s", a->name, local);
	size_t cap = 5 * strlen(name) + 32, n = 0;
	char *term = xmalloc(cap), *word = xmalloc(cap);

	str_shell(name, word, cap);
	if (strcmp(word, name) != 0) {
		term[n++] = '"';
		for (const char *p = name; *p != '\0'; p++) {
			if (*p == '"')
				term[n++] = '"';
			term[n++] = *p;
		}
		memcpy(term + n, "\"", 2);
		str_shell(term, word, cap);
	}
	printf("folder:%s\n", word);
	free(word);
	free(term);
	free(name);
}

static void
notmuch(const struct account_conf *a, json_t *folders, bool first)
{
	const json_t *f;
	size_t i;

	if (first)
		printf("# notmuch: ~/.notmuch-config, and the hook for syncd.yaml\n"
		    "[database]\npath=%s\n[maildir]\nsynchronize_flags=true\n"
		    "[new]\ntags=new\nignore=.syncd-store;dovecot-keywords\n\n"
		    "# syncd.yaml:\n"
		    "# hooks:\n"
		    "#   - events: [mail.changed]\n"
		    "#     run: notmuch new --quiet\n"
		    "#     debounce: 2s\n"
		    "#     retry_on: [75]\n"
		    "# or, which does not look at all of the mail each time,\n"
		    "#     run: ~/.local/bin/syncd-notmuch %s\n"
		    "# with what `syncd generate notmuch-script` prints\n\n"
		    "# tags by folder, in the hook post-new:\n", common_root(a),
		    common_root(a));
	json_array_foreach(folders, i, f) {
		const char *local = js_get(f, "local");

		printf("notmuch tag +%s -- tag:new and ",
		    strcmp(local, "INBOX") == 0 ? "inbox" : "folder");
		notmuch_folder(a, local);
	}
}

static void
mu_folder(const char *name, const struct account_conf *a, const char *local)
{
	char *path = xasprintf("/%s/%s", a->name, local);

	printf("%s ", name);
	put_quoted(path);
	putchar('\n');
	free(path);
}

static void
mu(const struct account_conf *a, json_t *folders, bool first)
{
	if (first)
		printf("# mu: mu init --maildir=%s%s%s\n"
		    "# syncd.yaml, for an index of what changed only:\n"
		    "# hooks:\n"
		    "#   - events: [mail.changed]\n"
		    "#     run: emacsclient -e '(mu4e-update-index)' ||"
		    " mu index --lazy-check --nocleanup\n"
		    "# or, without mu4e, and without a look at all of the mail,\n"
		    "#     run: ~/.local/bin/syncd-mu %s\n"
		    "# with what `syncd generate mu-script` prints\n\n"
		    ";; mu4e:\n", common_root(a),
		    a->email != NULL ? " --my-address=" : "",
		    a->email != NULL ? a->email : "", common_root(a));
	mu_folder("(setq mu4e-sent-folder", a, by_use(folders, "\\Sent", "Sent"));
	mu_folder("      mu4e-drafts-folder", a,
	    by_use(folders, "\\Drafts", "Drafts"));
	mu_folder("      mu4e-trash-folder", a,
	    by_use(folders, "\\Trash", "Trash"));
	mu_folder("      mu4e-refile-folder", a,
	    by_use(folders, "\\Archive", "Archive"));
	puts("      mu4e-get-mail-command \"syncd sync\"\n"
	    "      mu4e-change-filenames-when-moving nil)");
}

static void
dovecot(const struct account_conf *a, json_t *folders, bool first)
{
	(void)folders;
	if (first)
		puts("# Dovecot 2.3 on localhost, over the same tree");
	printf("# %s\nmail_location = maildir:%s%s\n", a->name, a->path,
	    a->layout == CONF_NESTED ? ":LAYOUT=fs" : "");
}

static void
systemd_unit(const struct account_conf *a, json_t *folders, bool first)
{
	(void)folders;
	if (first)
		puts("# ~/.config/systemd/user/syncd.service.d/10-sandbox.conf\n"
		    "# then: systemctl --user daemon-reload; systemctl --user "
		    "restart syncd\n"
		    "[Service]\nPrivateUsers=yes\nProtectSystem=strict\n"
		    "ProtectHome=read-only\nPrivateTmp=yes\n"
		    "RestrictNamespaces=yes\nSystemCallFilter=@system-service\n"
		    "ReadWritePaths=-%S/syncd");
	printf("ReadWritePaths=-%s\n", a->path);
}

static void
waybar(const struct account_conf *a, json_t *folders, bool first)
{
	(void)a;
	(void)folders;
	if (first)
		puts("\"custom/mail\": {\n"
		    "    \"exec\": \"syncd status --waybar --watch\",\n"
		    "    \"return-type\": \"json\",\n"
		    "    \"format\": \"{icon} {}\",\n"
		    "    \"format-icons\": {\"ok\": \"\", \"waiting\": \"!\","
		    " \"problem\": \"!!\", \"stopped\": \"-\"},\n"
		    "    \"on-click\": \"syncd sync\"\n}");
}

static void
notmuch_script(const struct account_conf *a, json_t *folders, bool first)
{
	(void)a;
	(void)folders;
	if (first)
		fputs(indexer_notmuch, stdout);
}

static void
mu_script(const struct account_conf *a, json_t *folders, bool first)
{
	(void)a;
	(void)folders;
	if (first)
		fputs(indexer_mu, stdout);
}

static const struct {
	const char	*name;
	generator	*run;
} generators[] = {
	{ "neomutt", neomutt }, { "aerc", aerc }, { "notmuch", notmuch },
	{ "notmuch-script", notmuch_script }, { "mu", mu },
	{ "mu-script", mu_script }, { "dovecot", dovecot },
	{ "systemd", systemd_unit }, { "waybar", waybar }
};

static int
run(const struct cli *cli, const struct conf *conf, const bool *named,
    generator *gen)
{
	bool first = true;
	struct err err;
	int code = 0;

	for (size_t i = 0; i < conf->n_accounts; i++) {
		json_t *folders;

		if (!named[i])
			continue;
		folders = report_folders(conf, &conf->account[i], &err);
		if (folders == NULL) {
			code = cli_fail_err(cli, &err, NULL);
			continue;
		}
		gen(&conf->account[i], folders, first);
		first = false;
		json_decref(folders);
	}
	return code;
}

int
verb_generate(struct cli *cli)
{
	generator *gen = NULL;
	struct conf *conf;
	struct cli rest = *cli;
	bool *named;
	int code = 0;

	for (size_t i = 0; i < ARRAY_LEN(generators); i++)
		if (strcmp(cli->arg[0], generators[i].name) == 0)
			gen = generators[i].run;
	if (gen == NULL)
		return cli_fail(cli, EX_USAGE, "usage", "usage: syncd generate "
		    "neomutt|aerc|notmuch|notmuch-script|mu|mu-script|dovecot|"
		    "systemd|waybar [ACCOUNT]",
		    NULL);
	conf = cli_conf(cli, &code);
	/* The account stands behind the program. */
	rest.arg++;
	rest.n--;
	named = conf != NULL ? cli_accounts(&rest, conf, &code) : NULL;
	if (named != NULL)
		code = run(cli, conf, named, gen);
	free(named);
	config_free(conf);
	return code;
}
