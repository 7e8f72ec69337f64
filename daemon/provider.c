/* provider.c — the table of providers. */
#include "provider.h"

#include "base/attr.h"

static const struct provider providers[] = {
	{ "Gmail", "gmail.com googlemail.com", "imap.gmail.com", 993, false,
	  "Gmail wants an app password, or an OAuth2 token by `token_command`" },
	{ "Fastmail", "fastmail.com fastmail.fm messagingengine.com",
	  "imap.fastmail.com", 993, false, "Fastmail wants an app password" },
	{ "iCloud", "icloud.com me.com mac.com", "imap.mail.me.com", 993, true,
	  "iCloud wants an app-specific password" },
	{ "Outlook", "outlook.com hotmail.com live.com msn.com office365.com",
	  "outlook.office365.com", 993, false,
	  "Microsoft takes no passwords: use an OAuth2 token by"
	  " `token_command`" },
	{ "Yahoo", "yahoo.com yahoo.co.uk yahoo.de yahoo.fr yahoo.it yahoo.es"
	  " ymail.com rocketmail.com", "imap.mail.yahoo.com", 993, false,
	  "Yahoo wants an app password" },
	{ "AOL", "aol.com aim.com", "imap.aol.com", 993, false,
	  "AOL wants an app password" },
	{ "GMX", "gmx.net gmx.de gmx.at gmx.ch", "imap.gmx.net", 993, false,
	  "GMX wants IMAP to be enabled in its settings" },
	{ "GMX.com", "gmx.com", "imap.gmx.com", 993, false,
	  "GMX wants IMAP to be enabled in its settings" },
	{ "WEB.DE", "web.de", "imap.web.de", 993, true,
	  "WEB.DE wants IMAP to be enabled in its settings" },
	{ "Posteo", "posteo.de posteo.net posteo.org posteo.eu", "posteo.de", 993,
	  false, NULL },
	{ "mailbox.org", "mailbox.org", "imap.mailbox.org", 993, false, NULL },
	{ "Migadu", "migadu.com", "imap.migadu.com", 993, false, NULL },
	{ "Zoho", "zoho.com zohomail.com", "imap.zoho.com", 993, false,
	  "Zoho wants IMAP to be enabled, and an app password with two-factor"
	  " sign-in" },
	{ "Zoho EU", "zoho.eu zohomail.eu", "imap.zoho.eu", 993, false,
	  "Zoho wants IMAP to be enabled, and an app password with two-factor"
	  " sign-in" },
	{ "Yandex", "yandex.com yandex.ru ya.ru", "imap.yandex.com", 993, false,
	  "Yandex wants an app password" },
	{ "Mail.ru", "mail.ru inbox.ru list.ru bk.ru internet.ru", "imap.mail.ru",
	  993, false, "Mail.ru wants a password for external applications" },
};

const struct provider *
provider_find(struct str email)
{
	size_t at = str_find(email, '@');
	struct str domain = str_from(email, at + 1);

	if (at >= email.n || domain.n == 0)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(providers); i++) {
		struct str rest = str_z(providers[i].domains);

		while (rest.n > 0) {
			if (str_ieq(domain, str_split(&rest, ' ')))
				return &providers[i];
		}
	}
	return NULL;
}
