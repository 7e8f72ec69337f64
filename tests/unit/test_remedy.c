/* test_remedy.c — each error code has a line of help, with the words filled in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "codes.h"
#include "remedy.h"

static char name[] = "work", host[] = "h.example", user[] = "ann", path[] = "/m",
    file[] = "/s", word1[] = "pass", word2[] = "show";
static char *words[] = { word1, word2 };
static const struct account_conf account = { .name = name, .host = host,
    .port = 993, .user = user, .path = path,
    .auth.password_command = { words, 2 } };
static const struct account_conf by_file = { .name = name, .user = user,
    .auth.password_file = file };

static char mail[] = "/my mail", secret[] = "/my secret", sh[] = "sh", c[] = "-c",
    line[] = "pass show x | head -n 1";
static char *in_sh[] = { sh, c, line };
static const struct account_conf spaced = { .name = name, .path = mail,
    .auth.password_file = secret };
static const struct account_conf in_words = { .name = name,
    .auth.password_command = { in_sh, 3 } };

static const struct {
	const char			*code;
	struct remedy_place		 at;
	const char			*want;
} cases[] = {
	{ "account.paused", { .account = &account }, "syncd resume work" },
	{ "account.paused", { 0 }, "syncd resume ACCOUNT" },
	{ "net.closed", { 0 }, "nothing, if it goes away by itself; else: syncd "
	    "explain net.closed" },
	{ "net.refused", { .account = &account }, "are `host: h.example` and "
	    "`port: 993` right? they stand in: syncd config show work" },
	{ "auth.refused", { .account = &account }, "is `user: ann` right, and does "
	    "this print the right password: pass show" },
	{ "auth.refused", { .account = &by_file }, "is `user: ann` right, and does "
	    "this print the right password: cat /s" },
	{ "secret.file-mode", { .account = &by_file }, "chmod 600 /s" },
	{ "guard.script", { .account = &account, .folder = "Lists/x" }, "syncd "
	    "approve work/Lists/x, or: syncd reject work/Lists/x" },
	{ "store.permission", { .account = &account, .state_dir = "/st" }, "make it "
	    "yours: chown -R $USER: /m /st; chmod -R u+rwX /m /st" },
	{ "tls.untrusted", { .said = "its key is sha256/47DEQpj8HBSa+/TImW+5JCeuQeRk"
	    "m5NMpJWZG3hSuFU= here" }, "if the server is your own and this is its "
	    "key, trust it alone: tls: {pin: [\"sha256/47DEQpj8HBSa+/TImW+5JCeuQeRk"
	    "m5NMpJWZG3hSuFU=\"], verify: pin}" },
	{ "tls.untrusted", { .said = "its key is sha256/47DE" }, "if the server is "
	    "your own and this is its key, trust it alone: tls: {pin: [\"PIN\"], verify: pin}" },
	/* Whatever a server calls it: one word for a shell. */
	{ "guard.script", { .account = &account, .folder = "[G]/All Mail" }, "syncd "
	    "approve work/'[G]/All Mail', or: syncd reject work/'[G]/All Mail'" },
	{ "guard.uidvalidity", { .account = &account, .folder = "it's; rm -r ~" },
	    "syncd approve work/'it'\\''s; rm -r ~'" },
	{ "store.io", { .account = &spaced }, "look at the disk: dmesg | tail; df "
	    "'/my mail'" },
	{ "secret.file-mode", { .account = &spaced }, "chmod 600 '/my secret'" },
	{ "secret.empty", { .account = &in_words }, "see by hand that it prints the "
	    "secret and nothing else: sh -c 'pass show x | head -n 1'" },
	{ "usage", { 0 }, "" },
	{ "", { 0 }, "" }
};

static void
words_are_filled_in(void **state)
{
	char out[1024];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_string_equal(remedy_text(cases[i].code, &cases[i].at, out,
		    sizeof(out)), cases[i].want);
}

static void
every_code_has_a_remedy(void **state)
{
	struct remedy_place nowhere = { 0 };
	char out[1024];

	(void)state;
	for (size_t i = 0; i < n_codes; i++)
		if (remedy_text(codes[i].name, &nowhere, out, sizeof(out))[0] == '\0')
			fail_msg("remedy.c has nothing for %s", codes[i].name);
}

static void
a_small_buffer_is_not_overrun(void **state)
{
	struct remedy_place at = { .account = &account };
	char out[12] = "...........";

	(void)state;
	remedy_text("account.paused", &at, out, 10);
	assert_string_equal(out, "syncd res");
	assert_string_equal(out + 10, ".");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_filled_in),
		cmocka_unit_test(every_code_has_a_remedy),
		cmocka_unit_test(a_small_buffer_is_not_overrun)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
