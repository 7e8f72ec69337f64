/* vault.c — storing a password and reading it back. */
#include "cli/vault.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/mem.h"
#include "dirs.h"
#include "engine/conf.h"
#include "js.h"
#include "role.h"

enum { WORDS = 10 };

const char *const vault_names[VAULT_N] = {
	"secret-tool", "pass", "gopass", "systemd-creds", "file", "command",
	"token"
};

const char *const vault_abouts[VAULT_N] = {
	"the keyring of the desktop (secret-tool)", "pass", "gopass",
	"a file that only this machine can read (systemd-creds)",
	"a private file", "a command that prints the password",
	"a command that prints an OAuth2 token"
};

/* "{}" is the entry.  They read the secret from stdin, and print it. */
static const struct {
	const char	*put[WORDS], *get[WORDS];
} tools[VAULT_N] = {
	[VAULT_KEYRING] = {
		{ "secret-tool", "store", "--label=syncd", "service", "syncd",
		  "key", "{}" },
		{ "secret-tool", "lookup", "service", "syncd", "key", "{}" } },
	[VAULT_PASS] = {
		{ "pass", "insert", "-m", "-f", "{}" }, { "pass", "show", "{}" } },
	[VAULT_GOPASS] = {
		{ "gopass", "insert", "-m", "-f", "{}" },
		{ "gopass", "show", "-o", "{}" } },
	[VAULT_CREDS] = {
		{ "systemd-creds", "encrypt", "--name=syncd", "-", "{}" },
		{ "systemd-creds", "decrypt", "--name=syncd", "{}", "-" } }
};

bool
vault_stores(enum vault_kind kind)
{
	return kind != VAULT_COMMAND && kind != VAULT_TOKEN;
}

int
vault_parse(struct vault *v, const char *text, const char *entry,
    const char *file, struct err *err)
{
	struct str rest = str_z(text), name = str_split(&rest, ':');

	for (size_t i = 0; i < VAULT_N; i++) {
		if (!str_eq(name, str_z(vault_names[i])))
			continue;
		v->kind = (enum vault_kind)i;
		if (rest.n > 0)
			v->entry = str_dup(rest);
		else if (vault_stores(v->kind))
			v->entry = xstrdup(v->kind == VAULT_FILE ||
			    v->kind == VAULT_CREDS ? file : entry);
		else
			break;
		return 0;
	}
	return err_set(err, ERR_CONFIG, "usage", "--secret takes secret-tool, pass,"
	    " gopass, systemd-creds, file, command:COMMAND or token:COMMAND");
}

void
vault_clear(struct vault *v)
{
	free(v->entry);
	*v = (struct vault){ 0 };
}

bool
vault_usable(enum vault_kind kind)
{
	char *path;

	if (kind == VAULT_KEYRING && getenv("DBUS_SESSION_BUS_ADDRESS") == NULL)
		return false;
	if (tools[kind].put[0] == NULL)
		return true;
	path = role_find_program(tools[kind].put[0]);
	free(path);
	return path != NULL;
}

/* ---- running the tool ------------------------------------------------- */

static void
fill(struct strlist *to, const char *const words[WORDS], const struct vault *v)
{
	for (size_t i = 0; i < WORDS && words[i] != NULL; i++) {
		strlist_add(to, strcmp(words[i], "{}") == 0 ? v->entry : words[i]);
		/* The key of the machine is root's; others have their own. */
		if (v->kind == VAULT_CREDS && i == 1 && geteuid() != 0)
			strlist_add(to, "--user");
	}
}

static int
failed(const struct role_command *c, const char *tool, struct err *err)
{
	struct str why = str_trim((struct str){ c->tail, c->n_tail });
	char end[64];

	role_obituary(c->status, end, sizeof(end));
	return err_set(err, ERR_AUTH, c->timed_out ? "secret.command-timeout" :
	    "secret.command-failed", "%s %s%s%.*s", tool, end,
	    why.n > 0 ? ": " : "", (int)why.n, why.p != NULL ? why.p : "");
}

/* ${out} NULL: what it prints does not matter. */
static int
run(const struct strlist *command, const char *user, const struct buf *input,
    struct secret *out, struct err *err)
{
	const struct role_env env = { .user = user, .reason = "connect",
	    .input = input };
	const char *tool = command->n > 1 ? command->v[0] : "the command";
	struct role_command c;
	int rc = 0;

	if (role_command_run(&c, command, &env, SECRET_MAX, USEC_S(60), err) < 0)
		return -1;
	if (!WIFEXITED(c.status) || WEXITSTATUS(c.status) != 0) {
		rc = failed(&c, tool, err);
	} else if (out != NULL) {
		struct str text = buf_str(&c.stdout_bytes);
		struct str line = str_split(&text, '\n');

		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		rc = line.n > 0 ? secret_set(out, line) : err_set(err, ERR_AUTH,
		    "secret.empty", "%s printed nothing", tool);
	}
	role_command_clear(&c);
	return rc;
}

/* ---- a private file --------------------------------------------------- */

static int
put_file(const char *path, const struct secret *secret, struct err *err)
{
	struct str s = secret_peek(secret);
	int fd;
	bool ok;

	dirs_make(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(err, ERR_LOCAL, "secret.store-failed",
		    "create %s", path);
	ok = write(fd, s.p, s.n) == (ssize_t)s.n && write(fd, "\n", 1) == 1 &&
	    fsync(fd) == 0;
	if (!ok)
		err_sys(err, ERR_LOCAL, "secret.store-failed", "write %s", path);
	close(fd);
	if (!ok)
		unlink(path);
	return ok ? 0 : -1;
}

static int
get_file(const char *path, struct secret *out, struct err *err)
{
	char text[SECRET_MAX];
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc = -1;
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text)) : -1;
	struct str all = { text, n > 0 ? (size_t)n : 0 };

	if (n < 0)
		err_sys(err, ERR_AUTH, "secret.file", "%s", path);
	else
		rc = secret_set(out, str_split(&all, '\n'));
	explicit_bzero(text, sizeof(text));
	if (fd >= 0)
		close(fd);
	return rc;
}

/* ---- the two directions ----------------------------------------------- */

int
vault_get(const struct vault *v, const char *user, struct secret *out,
    struct err *err)
{
	struct strlist command = { 0 };
	int rc;

	if (v->kind == VAULT_FILE)
		return get_file(v->entry, out, err);
	if (vault_stores(v->kind))
		fill(&command, tools[v->kind].get, v);
	else
		strlist_add(&command, v->entry);
	rc = run(&command, user, NULL, out, err);
	strlist_clear(&command);
	return rc;
}

static int
put_tool(const struct vault *v, const char *user, const struct secret *secret,
    struct err *err)
{
	struct strlist command = { 0 };
	struct buf input;
	int rc;

	if (v->kind == VAULT_CREDS)
		dirs_make(v->entry);
	fill(&command, tools[v->kind].put, v);
	buf_init(&input, SECRET_MAX);
	must(buf_room(&input, SECRET_MAX) != NULL);
	rc = buf_add_str(&input, secret_peek(secret));
	if (rc == 0)
		rc = run(&command, user, &input, NULL, err);
	explicit_bzero(input.p, input.n);
	buf_clear(&input);
	strlist_clear(&command);
	return rc;
}

int
vault_put(const struct vault *v, const char *user, const struct secret *secret,
    struct err *err)
{
	struct secret back = { 0 };
	int rc = v->kind == VAULT_FILE ? put_file(v->entry, secret, err) :
	    put_tool(v, user, secret, err);

	if (rc == 0)
		rc = vault_get(v, user, &back, err);
	if (rc == 0 && !str_eq(secret_peek(&back), secret_peek(secret)))
		rc = err_set(err, ERR_AUTH, "secret.store-failed",
		    "%s gives back another password than it was given",
		    vault_names[v->kind]);
	secret_clear(&back);
	return rc;
}

void
vault_forget(const struct vault *v)
{
	if (v->kind == VAULT_FILE || v->kind == VAULT_CREDS)
		unlink(v->entry);
}

/* ---- the configuration ------------------------------------------------ */

static char *
quoted(const char *text)
{
	json_t *v = json_string(text);
	char *q = v != NULL ? json_dumps(v, JSON_ENCODE_ANY) : xstrdup("\"\"");

	json_decref(v);
	return q;
}

static char *
yaml_list(const struct strlist *words)
{
	struct buf b;
	char *text;

	buf_init(&b, 8 << 20);
	for (size_t i = 0; i < words->n; i++) {
		char *q = quoted(words->v[i]);

		must(buf_fmt(&b, "%s%s", i > 0 ? ", " : "", q) == 0);
		free(q);
	}
	text = xasprintf("password_command: [%.*s]", (int)b.n, (char *)b.p);
	buf_clear(&b);
	return text;
}

char *
vault_yaml(const struct vault *v)
{
	static const char *const keys[VAULT_N] = {
		[VAULT_KEYRING] = "keyring", [VAULT_FILE] = "password_file",
		[VAULT_COMMAND] = "password_command",
		[VAULT_TOKEN] = "token_command"
	};
	struct strlist words = { 0 };
	char *text, *q;

	if (keys[v->kind] != NULL) {
		q = quoted(v->entry);
		text = xasprintf("%s: %s", keys[v->kind], q);
		free(q);
		return text;
	}
	fill(&words, tools[v->kind].get, v);
	text = yaml_list(&words);
	strlist_clear(&words);
	return text;
}
