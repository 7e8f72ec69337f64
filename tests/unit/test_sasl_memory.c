/* test_sasl_memory.c — libgsasl without memory: that is no wrong password. */
#include "net/sasl.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <gsasl.h>

#include "base/attr.h"

/* "r=x,s=c2FsdA==,i=4096" */
#define FIRST	"cj14LHM9YzJGc2RBPT0saT00MDk2"

/* The function that has no memory, and at which of its calls. */
static const char *lacks = "";
static int at;

static bool
fails(const char *name)
{
	return strcmp(lacks, name) == 0 && --at == 0;
}

/* In the place of the library's own, which is called when it is not to fail. */
#define STUB(name, params, args) \
int \
name params \
{ \
	static int (*real) params; \
\
	if (fails(#name)) \
		return GSASL_MALLOC_ERROR; \
	if (real == NULL) \
		*(void **)&real = dlsym(RTLD_NEXT, #name); \
	return real args; \
}

STUB(gsasl_init, (Gsasl **ctx), (ctx))
STUB(gsasl_client_start, (Gsasl *ctx, const char *mech, Gsasl_session **session),
    (ctx, mech, session))
STUB(gsasl_property_set_raw, (Gsasl_session *session, Gsasl_property prop,
    const char *data, size_t n), (session, prop, data, n))
STUB(gsasl_step, (Gsasl_session *session, const char *in, size_t n_in, char **out,
    size_t *n_out), (session, in, n_in, out, n_out))
STUB(gsasl_base64_to, (const char *in, size_t n_in, char **out, size_t *n_out),
    (in, n_in, out, n_out))
STUB(gsasl_base64_from, (const char *in, size_t n_in, char **out, size_t *n_out),
    (in, n_in, out, n_out))
STUB(gsasl_saslprep, (const char *in, Gsasl_saslprep_flags flags, char **out,
    int *rc), (in, flags, out, rc))

/* As far as the answer to the server's first message; the code it failed with, "": it
 * did not. */
static const char *
sign_in(void)
{
	struct err err = { .code = "" };
	struct sasl *a = sasl_new(&(struct sasl_conf){
		.mechanism = "SCRAM-SHA-256-PLUS", .service = "imap", .user = "u",
		.host = "h.example", .secret = STR("secret"),
		.tls = &(struct stream_info){ .tls_version = "TLSv1.3",
		.cb_type = "tls-exporter", .cb = "0123", .n_cb = 4 } }, &err);
	CLEANUP(buf_wipe) struct buf out;

	buf_init(&out, SASL_RESPONSE_MAX);
	if (a != NULL && sasl_step(a, STR(""), &out, &err) == 0)
		(void)sasl_step(a, STR(FIRST), &out, &err);
	sasl_free(a);
	return err.code;
}

/* What it says when it dies of that; "": it has not. */
static void
last_words(char *out, size_t cap)
{
	int fd[2], status;
	ssize_t n = 0;
	pid_t pid;

	assert_int_equal(pipe(fd), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		signal(SIGABRT, SIG_DFL);
		dup2(fd[1], STDERR_FILENO);
		(void)sign_in();
		_exit(0);
	}
	close(fd[1]);
	n = read(fd[0], out, cap - 1);
	close(fd[0]);
	out[n > 0 ? n : 0] = '\0';
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) || WTERMSIG(status) == SIGABRT);
}

static void
it_is_as_if_we_had_none(void **state)
{
	static const struct {
		const char	*lacks;
		int		 at;
	} table[] = {
		{ "gsasl_init", 1 }, { "gsasl_client_start", 1 },
		{ "gsasl_property_set_raw", 1 }, { "gsasl_property_set_raw", 2 },
		{ "gsasl_property_set_raw", 5 }, { "gsasl_property_set_raw", 6 },
		{ "gsasl_base64_to", 1 }, { "gsasl_base64_to", 2 },
		{ "gsasl_base64_from", 1 }, { "gsasl_saslprep", 1 },
		{ "gsasl_step", 1 }, { "gsasl_step", 2 },
	};
	char words[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		lacks = table[i].lacks;
		at = table[i].at;
		last_words(words, sizeof(words));
		if (strcmp(words, "syncd: out of memory\n") != 0)
			fail_msg("%s, call %d: \"%s\"", lacks, table[i].at, words);
	}
	lacks = "";
}

/* The nonce is not ours: that is a refusal, as before. */
static void
with_memory_the_server_is_judged(void **state)
{
	(void)state;
	assert_string_equal(sign_in(), "auth.refused");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_as_if_we_had_none),
		cmocka_unit_test(with_memory_the_server_is_judged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
