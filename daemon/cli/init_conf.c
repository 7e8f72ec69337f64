/*
 * init_conf.c — the file that `syncd init` writes: its name, its lines, and whether
 * the configuration as a whole reads it.
 */
#include "cli/init.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "config.h"
#include "diag.h"
#include "dirs.h"
#include "js.h"
#include "net/lane.h"

/* More than the flags can hold. */
enum { YAML_MAX = 8 << 20 };

/* ---- names ------------------------------------------------------------ */

/* As config.c does. */
char *
init_dir(const struct cli *cli)
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

void
init_name(struct init *in)
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
	    (isalnum((unsigned char)value[0]) || value[0] == '/' ||
	    str_starts(str_z(value), STR("~/")));

	line(b, "%s: %s", key, plain ? value : quoted != NULL ? quoted : "\"\"");
	free(quoted);
	json_decref(v);
}

static void
server_lines(const struct init *in, struct buf *b)
{
	const struct discovery *d = &in->server;
	const struct provider *by_domain = provider_find(str_z(in->email));
	bool known = !d->pop3 && by_domain != NULL && by_domain == d->provider &&
	    by_domain->host != NULL && strcmp(by_domain->host, d->host) == 0 &&
	    d->port == by_domain->port;

	if (d->pop3)
		line(b, "protocol: pop3");
	if (!known)
		text_line(b, "host", d->host);
	if (d->port != discover_port(d->pop3, d->starttls))
		line(b, "port: %u", d->port);
	if (in->user != NULL && (in->cli->user != NULL || !known) &&
	    strcmp(in->user, in->email) != 0)
		text_line(b, "user", in->user);
	if (d->starttls || in->cli->ca_file != NULL || in->cli->pin != NULL)
		line(b, "tls:");
	if (d->starttls)
		line(b, "  mode: starttls");
	if (in->cli->ca_file != NULL)
		text_line(b, "  ca_file", in->cli->ca_file);
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

struct conf *
init_conf(struct init *in, int *code)
{
	int fd = memfd_create("syncd.yaml", MFD_CLOEXEC);
	struct conf *conf = NULL;
	struct diags ds;
	char *path;
	size_t n;

	write_yaml(in);
	n = strlen(in->yaml);
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

/* ---- writing ---------------------------------------------------------- */

/* A name of its own first: a file that is there is whole. */
int
init_write(const struct init *in, struct err *err)
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

int
init_check(const struct init *in)
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
