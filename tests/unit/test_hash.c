/* test_hash.c — the identity of a message. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <unistd.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <openssl/crypto.h>

#include "base/attr.h"
#include "base/hash.h"
#include "want.h"

#define BYTES(z)	z, sizeof(z) - 1

static int allocations, failing;

static void *
scarce(size_t n, const char *file, int line)
{
	(void)file, (void)line;
	return ++allocations == failing ? NULL : malloc(n);
}

static void *
scarce_more(void *p, size_t n, const char *file, int line)
{
	(void)file, (void)line;
	return ++allocations == failing ? NULL : realloc(p, n);
}

static void
let_go(void *p, const char *file, int line)
{
	(void)file, (void)line;
	free(p);
}

/* How a process ends that hashes while OpenSSL's n-th allocation fails. */
static int
end_without(int nth)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		const struct rlimit none = { 0, 0 };

		/* cmocka's handler would make a message of an abort. */
		signal(SIGABRT, SIG_DFL);
		signal(SIGSEGV, SIG_DFL);
		setrlimit(RLIMIT_CORE, &none);
		close(STDERR_FILENO);
		failing = nth;
		if (CRYPTO_set_mem_functions(scarce, scarce_more, let_go) != 1)
			_exit(2);
		hasher_free(hasher_new());
		_exit(allocations < nth);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

/* First of all: the memory functions can be set before the first use only. */
static void
no_memory_is_an_abort_and_no_wild_pointer(void **state)
{
	int status, aborted = 0;

	(void)state;
	/* Its own beginning, and some of what it looks up. */
	for (int n = 1; n <= 150; n += 3) {
		status = end_without(n);
		if (WIFEXITED(status))
			assert_int_equal(WEXITSTATUS(status), 0);
		else
			assert_int_equal(WTERMSIG(status), SIGABRT);
		aborted += WIFSIGNALED(status);
	}
	assert_in_range(aborted, 5, 50);
}

static void
memory_that_is_short_ends_the_process_with_a_word(void **state)
{
	char said[256] = "", digest[33];
	int to[2], status;
	pid_t pid;

	(void)state;
	if (memory_is_never_short())
		skip();
	assert_int_equal(pipe(to), 0);
	pid = fork();
	if (pid == 0) {
		signal(SIGABRT, SIG_DFL);
		dup2(to[1], STDERR_FILENO);
		hash_begin();
		want_memory();
		hash_md5_hex(STR("a"), STR("b"), digest);
		_exit(0);
	}
	close(to[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(read(to[0], said, sizeof(said) - 1) > 0);
	close(to[0]);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	assert_string_equal(said, "syncd: out of memory\n");
}

static struct msgid_hash
hash_parts(struct hasher *h, const char *p, size_t n, size_t part)
{
	struct msgid_hash id;

	for (size_t at = 0; at < n; at += part)
		hasher_add(h, p + at, n - at < part ? n - at : part);
	hasher_end(h, &id);
	return id;
}

static void
assert_same(const struct msgid_hash *a, const struct msgid_hash *b)
{
	assert_true(hash_eq(&a->all, &b->all));
	assert_true(hash_eq(&a->head, &b->head));
	assert_int_equal(a->wire_size, b->wire_size);
}

static void
the_digest_is_sha256_of_the_folded_bytes(void **state)
{
	/* FIPS 180: SHA-256 of "abc", and of nothing. */
	static const struct {
		const char *text, *hex;
	} t[] = {
		{ "abc", "ba7816bf8f01cfea414140de5dae2223"
		    "b00361a396177a9cb410ff61f20015ad" },
		{ "", "e3b0c44298fc1c149afbf4c8996fb924"
		    "27ae41e4649b934ca495991b7852b855" },
	};
	struct hasher *h = hasher_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct msgid_hash id = hash_parts(h, t[i].text,
		    strlen(t[i].text), 2);
		char hex[65];

		for (size_t k = 0; k < 32; k++)
			snprintf(hex + 2 * k, 3, "%02x", id.all.b[k]);
		assert_string_equal(hex, t[i].hex);
		assert_true(hash_eq(&id.all, &id.head));
	}
	hasher_free(h);
}

static void
lf_and_crlf_form_are_one_message(void **state)
{
	static const struct {
		const char *lf;
		size_t n_lf;
		const char *crlf;
		size_t n_crlf;
	} t[] = {
		{ BYTES("A: b\n\nbody\n"), BYTES("A: b\r\n\r\nbody\r\n") },
		{ BYTES("A: b\n"), BYTES("A: b\r\n") },
		{ BYTES("\nbody"), BYTES("\r\nbody") },
		{ BYTES("a\0\n\n\0"), BYTES("a\0\r\n\r\n\0") },
		{ BYTES("a\n\n\n"), BYTES("a\r\n\n\r\n") },
	};
	struct hasher *h = hasher_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		for (size_t part = 1; part < 8; part++) {
			struct msgid_hash a, b;

			a = hash_parts(h, t[i].lf, t[i].n_lf, 100);
			b = hash_parts(h, t[i].crlf, t[i].n_crlf, part);
			assert_same(&a, &b);
		}
	hasher_free(h);
}

static void
the_wire_digest_is_that_of_the_crlf_form(void **state)
{
	/* Digests as sha256sum has them of the CRLF form. */
	static const struct {
		const char *in, *hex;
		uint64_t size;
	} t[] = {
		{ "", "e3b0c44298fc1c149afbf4c8996fb924"
		    "27ae41e4649b934ca495991b7852b855", 0 },
		{ "\n", "7eb70257593da06f682a3ddda54a9d26"
		    "0d4fc514f645237f5ca74b08f8da61a6", 2 },
		{ "A: b\n\nbody", "311e2cc3d89c8468355b1e46d9f4cf8e"
		    "f859fe7a9fd87adf11827f676ace9a37", 12 },
		{ "A: b\r\n\r\nbody\r\n", "d8d7df6a3360daed294a46e6b4efbe0d"
		    "19bfa5dc6d29c87f8b3ebc7e098a3d0f", 14 },
		{ "a\n\r\n\n", "2183309f4b0467498dfb398068e62c6c"
		    "b05b49722ef12ae45d7afd4179a123d9", 7 },
		{ "a\rb\r\r\n\r", "60b75d958f114089242aa4059f8ca455"
		    "881aff8356a4fe1d29892f531f1247e5", 7 },
	};
	static const struct hash none;
	struct hasher *plain = hasher_new(), *h = hasher_new();

	(void)state;
	hasher_want_wire(h);
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		for (size_t part = 1; part < 8; part++) {
			struct msgid_hash id = hash_parts(h, t[i].in,
			    strlen(t[i].in), part);
			char hex[65];

			hash_hex(&id.wire, hex);
			assert_string_equal(hex, t[i].hex);
			assert_int_equal(id.wire_size, t[i].size);
			id = hash_parts(plain, t[i].in, strlen(t[i].in), part);
			assert_true(hash_eq(&id.wire, &none));
		}
	hasher_free(plain);
	hasher_free(h);
}

static void
the_head_ends_before_the_empty_line(void **state)
{
	struct hasher *h = hasher_new();
	struct msgid_hash head, a, b, c;

	(void)state;
	head = hash_parts(h, BYTES("A: b\nC: d\n"), 100);
	for (size_t part = 1; part < 8; part++) {
		a = hash_parts(h, BYTES("A: b\r\nC: d\r\n\r\none"), part);
		b = hash_parts(h, BYTES("A: b\nC: d\n\ntwo\n\nthree"), part);
		assert_true(hash_eq(&a.head, &b.head));
		assert_true(hash_eq(&a.head, &head.all));
		assert_false(hash_eq(&a.all, &b.all));
	}
	c = hash_parts(h, BYTES("A: b\nC: e\n\none"), 3);
	assert_false(hash_eq(&a.head, &c.head));
	hasher_free(h);
}

static void
a_bare_cr_is_not_folded(void **state)
{
	static const char *const t[] = { "a\r\nb", "a\rb", "a\r\r\nb", "ab",
	    "a\r\nb\r", "a\r\nb\r\n" };
	struct hasher *h = hasher_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		for (size_t k = 0; k < ARRAY_LEN(t); k++) {
			struct msgid_hash a, b;

			a = hash_parts(h, t[i], strlen(t[i]), 1);
			b = hash_parts(h, t[k], strlen(t[k]), 3);
			assert_int_equal(hash_eq(&a.all, &b.all), i == k);
		}
	hasher_free(h);
}

static void
the_wire_size_counts_each_line_end_as_two(void **state)
{
	static const struct {
		const char *text;
		uint64_t size;
	} t[] = {
		{ "", 0 }, { "\n", 2 }, { "\r\n", 2 }, { "\r", 1 },
		{ "\r\r\n", 3 }, { "\n\r", 3 }, { "a\nb\r\nc", 7 },
		{ "\n\n\n", 6 }, { "\r\n\r\n", 4 }, { "a\rb", 3 },
	};
	struct hasher *h = hasher_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		for (size_t part = 1; part < 5; part++)
			assert_int_equal(hash_parts(h, t[i].text,
			    strlen(t[i].text), part).wire_size, t[i].size);
	hasher_free(h);
}

static void
portions_do_not_matter(void **state)
{
	static const char few[] = "\r\n\nx";
	struct hasher *h = hasher_new();

	(void)state;
	srandom(5);
	for (int round = 0; round < 3000; round++) {
		struct msgid_hash a, b;
		char text[40];
		size_t n = (size_t)random() % sizeof(text);

		for (size_t i = 0; i < n; i++)
			text[i] = few[random() % 4];
		a = hash_parts(h, text, n, sizeof(text));
		b = hash_parts(h, text, n, 1 + (size_t)random() % 5);
		assert_same(&a, &b);
	}
	hasher_free(h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_memory_is_an_abort_and_no_wild_pointer),
		cmocka_unit_test(memory_that_is_short_ends_the_process_with_a_word),
		cmocka_unit_test(the_digest_is_sha256_of_the_folded_bytes),
		cmocka_unit_test(lf_and_crlf_form_are_one_message),
		cmocka_unit_test(the_head_ends_before_the_empty_line),
		cmocka_unit_test(a_bare_cr_is_not_folded),
		cmocka_unit_test(the_wire_size_counts_each_line_end_as_two),
		cmocka_unit_test(the_wire_digest_is_that_of_the_crlf_form),
		cmocka_unit_test(portions_do_not_matter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
