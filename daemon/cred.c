/*
 * cred.c — where an account's secret comes from.
 *
 * The secret is the first line: `pass` prints notes after it, and editors end
 * files with a newline.
 */
#include "cred.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "js.h"

enum { OUTPUT_MAX = SECRET_MAX + 4096 };

static const usec token_pause = USEC_S(30);	/* between two token commands */
static const usec token_life = USEC_S(300);	/* when it does not say */
static const usec token_margin = USEC_S(120);

void
cred_init(struct cred *c)
{
	*c = (struct cred){ .command = { .out = -1, .err = -1 } };
}

void
cred_clear(struct cred *c)
{
	secret_clear(&c->secret);
	if (c->running)
		role_command_clear(&c->command);
	cred_init(c);
}

void
cred_forget(struct cred *c)
{
	cred_clear(c);
}

void
cred_rest(struct cred *c)
{
	if (c->running)
		role_command_clear(&c->command);
	c->running = c->wanted = c->rejected = false;
}

void
cred_ask(struct cred *c, bool rejected)
{
	c->wanted = true;
	c->rejected = rejected;
	if (rejected)
		secret_clear(&c->secret);
}

const char *
cred_source(const struct account_conf *conf)
{
	if (conf->auth.password_command.n > 0)
		return "password_command";
	if (conf->auth.token_command.n > 0)
		return "token_command";
	if (conf->auth.password_file != NULL)
		return "password_file";
	if (conf->auth.credential != NULL)
		return "credential";
	if (conf->auth.keyring != NULL)
		return "keyring";
	return "external";
}

static const char *
called(const struct cred *c, const char *otherwise)
{
	return c->called != NULL ? c->called : otherwise;
}

static struct str
first_line(struct str s)
{
	struct str line = str_head(s, str_find(s, '\n'));

	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

/* Keep ${s} as the secret for ${life}. */
static int
keep(struct cred *c, struct str s, usec life, const char *source, struct err *err)
{
	if (s.n == 0)
		return err_set(err, ERR_AUTH, "secret.empty",
		    "%s gave an empty secret", source);
	if (str_find(s, '\0') < s.n)
		return err_set(err, ERR_AUTH, "secret.invalid",
		    "%s gave a secret with a NUL byte", source);
	if (secret_set(&c->secret, s) < 0)
		return err_set(err, ERR_AUTH, "secret.invalid",
		    "%s gave a secret of more than %d bytes", source, SECRET_MAX);
	c->valid_until = clock_in(life);
	return 1;
}

/* ---- files ------------------------------------------------------------ */

/* Open the file and judge its mode; the name is for messages. */
static int
open_private(const char *path, bool strict, struct err *err)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		return err_sys(err, ERR_AUTH, "secret.file", "open %s", path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return err_set(err, ERR_AUTH, "secret.file",
		    "%s is not a plain file", path);
	}
	if (strict && (st.st_mode & 077) != 0) {
		close(fd);
		return err_set(err, ERR_AUTH, "secret.file-mode",
		    "%s has mode %04o: others may read it (chmod 600 it)", path,
		    (unsigned)st.st_mode & 07777);
	}
	return fd;
}

static int
read_file(struct cred *c, const char *path, bool strict, usec life,
    struct err *err)
{
	char bytes[SECRET_MAX + 2];
	const char *what = called(c, strict ? "password_file" : "credential");
	size_t n = 0;
	ssize_t r;
	int fd = open_private(path, strict, err), rc;

	if (fd < 0)
		return -1;
	while ((r = read(fd, bytes + n, sizeof(bytes) - n)) > 0)
		n += (size_t)r;
	if (r < 0)
		rc = err_sys(err, ERR_AUTH, "secret.file", "read %s", path);
	else
		rc = keep(c, first_line((struct str){ bytes, n }), life, what, err);
	close(fd);
	explicit_bzero(bytes, sizeof(bytes));
	return rc;
}

static int
credential_path(const char *id, char *out, size_t cap, struct err *err)
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY");

	if (dir == NULL)
		return err_set(err, ERR_AUTH, "secret.no-credentials",
		    "credential %s: systemd gave us none "
		    "($CREDENTIALS_DIRECTORY is not set)", id);
	if (strchr(id, '/') != NULL || id[0] == '.' ||
	    snprintf(out, cap, "%s/%s", dir, id) >= (int)cap)
		return err_set(err, ERR_CONFIG, "config.bad-value",
		    "credential: `%s` is not a name", id);
	return 0;
}

static int
read_credential(struct cred *c, const struct account_conf *conf, struct err *err)
{
	char path[4096];

	if (credential_path(conf->auth.credential, path, sizeof(path), err) < 0)
		return -1;
	return read_file(c, path, false, conf->auth.cache, err);
}

int
cred_check(const struct account_conf *conf, struct err *err)
{
	char path[4096];
	const char *file = conf->auth.password_file;
	int fd;

	if (conf->auth.credential != NULL) {
		if (credential_path(conf->auth.credential, path, sizeof(path),
		    err) < 0)
			return -1;
		file = path;
	}
	if (file == NULL)
		return 0;
	fd = open_private(file, conf->auth.credential == NULL, err);
	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

/* ---- commands --------------------------------------------------------- */

static int
start_command(struct cred *c, const struct account_conf *conf, struct err *err)
{
	char *words[] = { "secret-tool", "lookup", "service", "syncd", "key",
	    conf->auth.keyring };
	struct strlist keyring = { words, ARRAY_LEN(words) };
	const struct strlist *command = &keyring;
	struct role_env env = { .account = conf->name,
	    .user = conf->user != NULL ? conf->user : "",
	    .reason = c->rejected ? "rejected" : "connect" };

	if (conf->auth.password_command.n > 0)
		command = &conf->auth.password_command;
	else if (conf->auth.token_command.n > 0)
		command = &conf->auth.token_command;
	if (role_command_start(&c->command, command, &env, OUTPUT_MAX,
	    conf->auth.command_timeout, err) < 0)
		return -1;
	c->running = true;
	if (conf->auth.token_command.n > 0)
		c->not_before = clock_in(token_pause);
	return 0;
}

/* The last line of what a command said on stderr. */
static void
last_words(const struct role_command *command, char *out, size_t cap)
{
	struct str s = str_trim((struct str){ command->tail, command->n_tail });
	size_t at = s.n;

	while (at > 0 && s.p[at - 1] != '\n')
		at--;
	s = str_trim(str_from(s, at));
	snprintf(out, cap, "%s%.*s", s.n > 0 ? ": " : "", STR_ARG(s));
}

static int
command_failed(const struct role_command *command, const char *source,
    struct err *err)
{
	char how[64], words[256];
	int status = command->status;
	/* EX_TEMPFAIL, and what the shell says of a fork that failed. */
	bool later = WIFEXITED(status) && WEXITSTATUS(status) == 75;

	last_words(command, words, sizeof(words));
	if (command->timed_out)
		return err_set(err, ERR_RETRY, "secret.command-timeout",
		    "%s took longer than auth.command_timeout%s", source, words);
	role_obituary(status, how, sizeof(how));
	return err_set(err, later ? ERR_RETRY : ERR_AUTH,
	    "secret.command-failed", "%s %s%s", source, how, words);
}

/* {"access_token", "expires_in" | "expires_at"} */
static int
keep_json_token(struct cred *c, struct str out, struct err *err)
{
	json_t *obj = js_parse(out, err);
	const char *token = js_get(obj, "access_token");
	json_int_t in = js_int(obj, "expires_in", 0);
	json_int_t at = js_int(obj, "expires_at", 0);
	usec life = token_life;
	int rc;

	if (in <= 0 && at > 0)
		in = at - clock_wall() / 1000000;
	if (in > 0 && in < (json_int_t)365 * 86400)
		life = USEC_S(in) - token_margin;
	if (token == NULL)
		rc = err_set(err, ERR_AUTH, "secret.empty",
		    "token_command printed JSON without access_token");
	else
		rc = keep(c, str_z(token), life, "token_command", err);
	json_decref(obj);
	return rc;
}

static int
command_ended(struct cred *c, const struct account_conf *conf, struct err *err)
{
	const char *source = called(c, cred_source(conf));
	struct str out = buf_str(&c->command.stdout_bytes);
	bool token = conf->auth.token_command.n > 0;

	/* First: we closed the pipe on it, so it may have failed, too. */
	if (c->command.overflow)
		return err_set(err, ERR_AUTH, "secret.invalid",
		    "%s printed more than %d bytes", source, OUTPUT_MAX);
	if (c->command.timed_out || c->command.status != 0)
		return command_failed(&c->command, source, err);
	if (token && str_starts(str_trim(out), STR("{")))
		return keep_json_token(c, str_trim(out), err);
	return keep(c, first_line(out), token ? token_life : conf->auth.cache,
	    source, err);
}

static int
step_command(struct cred *c, const struct account_conf *conf, struct err *err)
{
	int rc;

	if (!c->running) {
		if (clock_now() < c->not_before)
			return 0;
		return start_command(c, conf, err);
	}
	role_command_step(&c->command);
	if (!c->command.done)
		return 0;
	rc = command_ended(c, conf, err);
	role_command_clear(&c->command);
	c->running = false;
	return rc;
}

static int
look(struct cred *c, const struct account_conf *conf, struct err *err)
{
	if (conf->auth.external)
		return 1;
	if (c->secret.n > 0 && clock_now() < c->valid_until)
		return 1;
	if (conf->auth.password_file != NULL)
		return read_file(c, conf->auth.password_file, true,
		    conf->auth.cache, err);
	if (conf->auth.credential != NULL)
		return read_credential(c, conf, err);
	return step_command(c, conf, err);
}

int
cred_step(struct cred *c, const struct account_conf *conf, struct err *err)
{
	int rc;

	if (!c->wanted)
		return 0;
	rc = look(c, conf, err);
	if (rc != 0)
		c->wanted = false;
	return rc;
}

usec
cred_deadline(const struct cred *c)
{
	if (!c->wanted)
		return USEC_NEVER;
	return c->running ? role_command_deadline(&c->command) : c->not_before;
}

usec
cred_longest(const struct account_conf *conf)
{
	return conf->auth.command_timeout +
	    (conf->auth.token_command.n > 0 ? token_pause : 0);
}

void
cred_waiters(const struct cred *c, struct waiter w[2])
{
	w[0] = w[1] = (struct waiter){ .fd = -1 };
	if (c->running)
		role_command_waiters(&c->command, w);
}

bool
cred_reaped(struct cred *c, pid_t pid, int status)
{
	if (!c->running || c->command.pid != pid)
		return false;
	role_command_reaped(&c->command, status);
	return true;
}
