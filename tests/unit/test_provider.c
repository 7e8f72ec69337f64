/* test_provider.c — the table of providers is one that can be used. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "provider.h"

static const struct {
	const char	*email;
	const char	*name;		/* NULL: not known */
} mails[] = {
	{ "ann@gmail.com", "Gmail" },
	{ "Ann@GoogleMail.COM", "Gmail" },
	{ "ann@web.de", "WEB.DE" },
	{ "ann@proton.me", "Proton" },
	{ "ann@notgmail.com", NULL },
	{ "ann@mail.gmail.com", NULL },
	{ "gmail.com", NULL },
	{ "ann@", NULL },
	{ "", NULL }
};

static const struct {
	const char	*host, *name;
} exchangers[] = {
	{ "aspmx.l.google.com", "Gmail" },
	{ "contoso-com.mail.protection.outlook.com", "Outlook" },
	{ "IN1-SMTP.messagingengine.com", "Fastmail" },
	{ "mx00.kundenserver.de", "IONOS" },
	{ "mail.protonmail.ch", "Proton" },
	{ "mx1.mail.ovh.net", "OVH" },
	{ "notgoogle.com", NULL },
	{ "google.com.example.org", NULL },
	{ "mx.example.org", NULL },
	{ "", NULL }
};

static void
test_found_by_domain(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(mails); i++) {
		const struct provider *p = provider_find(str_z(mails[i].email));

		if (mails[i].name == NULL)
			assert_null(p);
		else
			assert_string_equal(p != NULL ? p->name : "none",
			    mails[i].name);
	}
}

static void
test_found_by_exchanger(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(exchangers); i++) {
		const struct provider *p =
		    provider_by_mx(str_z(exchangers[i].host));

		if (exchangers[i].name == NULL)
			assert_null(p);
		else
			assert_string_equal(p != NULL ? p->name : "none",
			    exchangers[i].name);
	}
}

/* Each domain and each end of an exchanger is in one row only, a row without a
 * server says what to do, and none has a port of its own. */
static void
test_rows_are_sound(void **state)
{
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < n_providers; i++) {
		const struct provider *p = &providers[i];
		struct str domains = str_z(p->domains), mx = str_z(p->mx);

		assert_true(p->host != NULL ? p->port == 993 : p->hint != NULL);
		assert_true(p->domains != NULL || p->mx != NULL);
		n += p->host != NULL;
		while (domains.n > 0) {
			char email[128] = "x@";
			struct str d = str_split(&domains, ' ');

			assert_true(d.n > 0 && d.n < sizeof(email) - 3);
			memcpy(email + 2, d.p, d.n);
			if (provider_find(str_z(email)) != p)
				fail_msg("%s twice", email);
		}
		while (mx.n > 0) {
			struct str end = str_split(&mx, ' ');

			assert_true(end.n > 0);
			if (provider_by_mx(end) != p)
				fail_msg("%.*s twice", (int)end.n, end.p);
		}
	}
	assert_true(n >= 25);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found_by_domain),
		cmocka_unit_test(test_found_by_exchanger),
		cmocka_unit_test(test_rows_are_sound)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
