/*
 * provider.c — the table of providers.  The comment of each row names the page on
 * which the provider itself should say so; look there before changing a row.
 *
 * How far it was checked, in November 2026, in stored copies of pages, never by a
 * connection.  On the provider's own page: Fastmail, mailbox.org, OVH (name, port,
 * whole address; the first two on app passwords, too), Disroot (name, port), Bluewin
 * (name), Zoho (IMAP to be switched on), Yandex (app passwords).  Name and port on
 * pages or in programs of others, which agree with the rows: Gmail (also: IMAP cannot
 * be switched off any more), Outlook, iCloud, Yahoo, AOL, AT&T, Comcast, GMX,
 * GMX.com, WEB.DE, mail.com, T-Online (whole address), Posteo, Migadu, Zoho's names
 * for domains of one's own, Mail.ru, QQ (code), 163, 126, Naver (app password), Free,
 * La Poste, Orange, SFR, IONOS, STRATO, Gandi, Infomaniak, Seznam, Libero, WP (whole
 * address), Riseup, Proton's Bridge.
 *
 * From memory: that the user of WEB.DE, Naver, Free, La Poste, Disroot and Riseup is
 * the part before the @, the mail exchangers, and that Tuta and HEY have no IMAP.
 * `syncd init` probes the server before it believes a row.
 */
#include "provider.h"

#include "base/attr.h"

#define APP_PASSWORD	" wants an app password (not your usual one)"
#define SWITCH_ON	" wants IMAP to be enabled in its settings first"

const struct provider providers[] = {
	/* support.google.com/mail/answer/7126229 */
	{ "Gmail", "gmail.com googlemail.com", "google.com googlemail.com",
	  "imap.gmail.com", 993, false, false,
	  "Gmail wants an app password, or an OAuth2 token by `token_command`",
	  "https://myaccount.google.com/apppasswords" },
	/* support.microsoft.com: "POP, IMAP, and SMTP settings for Outlook.com" */
	{ "Outlook", "outlook.com hotmail.com live.com msn.com office365.com"
	  " hotmail.co.uk hotmail.fr hotmail.de hotmail.it outlook.de outlook.fr",
	  "mail.protection.outlook.com olc.protection.outlook.com",
	  "outlook.office365.com", 993, false, true,
	  "Microsoft takes no passwords: use an OAuth2 token by"
	  " `token_command`", NULL },
	/* support.apple.com/102525 */
	{ "iCloud", "icloud.com me.com mac.com", "mail.icloud.com",
	  "imap.mail.me.com", 993, true, false,
	  "iCloud wants an app-specific password; the user is the part before"
	  " the @", "https://account.apple.com/account/manage" },
	/* help.yahoo.com/kb/SLN4075.html */
	{ "Yahoo", "yahoo.com yahoo.co.uk yahoo.de yahoo.fr yahoo.it yahoo.es"
	  " yahoo.ca yahoo.com.br ymail.com rocketmail.com", "yahoodns.net",
	  "imap.mail.yahoo.com", 993, false, false, "Yahoo" APP_PASSWORD,
	  "https://login.yahoo.com/account/security" },
	/* help.aol.com: "Use other email applications" */
	{ "AOL", "aol.com aim.com", NULL, "imap.aol.com", 993, false, false,
	  "AOL" APP_PASSWORD, "https://login.aol.com/account/security" },
	/* www.att.com/support/article/email-support/KM1010523 */
	{ "AT&T", "att.net sbcglobal.net bellsouth.net pacbell.net", NULL,
	  "imap.mail.att.net", 993, false, false,
	  "AT&T wants a secure mail key (not your usual password)", NULL },
	/* www.xfinity.com/support/articles/email-client-programs-with-xfinity-email */
	{ "Comcast", "comcast.net", NULL, "imap.comcast.net", 993, false, false,
	  "Comcast wants third-party access to be allowed in its settings", NULL },
	/* www.fastmail.help: "Server names and ports" */
	{ "Fastmail", "fastmail.com fastmail.fm messagingengine.com",
	  "messagingengine.com", "imap.fastmail.com", 993, false, false,
	  "Fastmail" APP_PASSWORD,
	  "https://app.fastmail.com/settings/security/apps" },
	/* hilfe.gmx.net/pop-imap/imap */
	{ "GMX", "gmx.net gmx.de gmx.at gmx.ch", NULL, "imap.gmx.net", 993,
	  false, false, "GMX" SWITCH_ON, NULL },
	/* support.gmx.com/pop-imap */
	{ "GMX.com", "gmx.com gmx.us gmx.co.uk gmx.fr", NULL, "imap.gmx.com", 993,
	  false, false, "GMX" SWITCH_ON, NULL },
	/* hilfe.web.de/pop-imap/imap */
	{ "WEB.DE", "web.de", NULL, "imap.web.de", 993, true, false,
	  "WEB.DE" SWITCH_ON "; the user is the part before the @", NULL },
	/* support.mail.com/premium/imap */
	{ "mail.com", "mail.com email.com usa.com myself.com consultant.com",
	  NULL, "imap.mail.com", 993, false, false,
	  "mail.com has IMAP for premium accounts only", NULL },
	/* www.telekom.de/hilfe/e-mail */
	{ "T-Online", "t-online.de magenta.de", NULL, "secureimap.t-online.de",
	  993, false, false,
	  "T-Online wants the e-mail password (not the one for its site)", NULL },
	/* posteo.de/en/help */
	{ "Posteo", "posteo.de posteo.net posteo.org posteo.eu posteo.at"
	  " posteo.ch", "posteo.de", "posteo.de", 993, false, false, NULL, NULL },
	/* kb.mailbox.org/en/private/e-mail/e-mail-configuration */
	{ "mailbox.org", "mailbox.org", "mailbox.org", "imap.mailbox.org", 993,
	  false, false, "mailbox.org wants an application password with two-factor"
	  " sign-in; the user is the main address", NULL },
	/* www.migadu.com/en/guides/config.html */
	{ "Migadu", "migadu.com", "migadu.com", "imap.migadu.com", 993, false,
	  false, NULL, NULL },
	/* www.zoho.com/mail/help/imap-access.html */
	{ "Zoho", "zoho.com zohomail.com", NULL, "imap.zoho.com", 993, false,
	  false, "Zoho wants IMAP to be enabled, and an app password with"
	  " two-factor sign-in", "https://accounts.zoho.com/home#security/app_password" },
	/* the same page, for accounts in Europe */
	{ "Zoho EU", "zoho.eu zohomail.eu", NULL, "imap.zoho.eu", 993, false,
	  false, "Zoho wants IMAP to be enabled, and an app password with"
	  " two-factor sign-in", "https://accounts.zoho.eu/home#security/app_password" },
	/* the same page: "Organization users" with a domain of their own */
	{ "Zoho Workplace", NULL, "zoho.com", "imappro.zoho.com", 993, false,
	  false, "Zoho wants IMAP to be enabled, and an app password with"
	  " two-factor sign-in", "https://accounts.zoho.com/home#security/app_password" },
	{ "Zoho Workplace EU", NULL, "zoho.eu", "imappro.zoho.eu", 993, false,
	  false, "Zoho wants IMAP to be enabled, and an app password with"
	  " two-factor sign-in", "https://accounts.zoho.eu/home#security/app_password" },
	/* yandex.com/support/mail/mail-clients */
	{ "Yandex", "yandex.com yandex.ru ya.ru yandex.by yandex.kz",
	  "mx.yandex.net mx.yandex.ru", "imap.yandex.com", 993, false, false,
	  "Yandex wants IMAP to be enabled, and an app password",
	  "https://id.yandex.com/security/app-passwords" },
	/* help.mail.ru/mail/mailer */
	{ "Mail.ru", "mail.ru inbox.ru list.ru bk.ru internet.ru", "mail.ru",
	  "imap.mail.ru", 993, false, false,
	  "Mail.ru wants a password for external applications",
	  "https://account.mail.ru/user/2-step-auth/passwords" },
	/* service.mail.qq.com */
	{ "QQ", "qq.com foxmail.com vip.qq.com", "mxbiz1.qq.com mxbiz2.qq.com",
	  "imap.qq.com", 993, false, false,
	  "QQ wants IMAP to be enabled, and an authorisation code as password",
	  NULL },
	/* help.mail.163.com */
	{ "163", "163.com", NULL, "imap.163.com", 993, false, false,
	  "163 wants IMAP to be enabled, and an authorisation code as password",
	  NULL },
	/* help.mail.163.com */
	{ "126", "126.com", NULL, "imap.126.com", 993, false, false,
	  "126 wants IMAP to be enabled, and an authorisation code as password",
	  NULL },
	/* help.naver.com: "IMAP/SMTP" */
	{ "Naver", "naver.com", NULL, "imap.naver.com", 993, true, false,
	  "Naver wants IMAP to be enabled, and an app password; the user is the"
	  " part before the @", NULL },
	/* assistance.free.fr */
	{ "Free", "free.fr", NULL, "imap.free.fr", 993, true, false,
	  "The user is the part before the @", NULL },
	/* aide.laposte.net */
	{ "La Poste", "laposte.net", NULL, "imap.laposte.net", 993, true, false,
	  "La Poste" SWITCH_ON "; the user is the part before the @", NULL },
	/* assistance.orange.fr */
	{ "Orange", "orange.fr wanadoo.fr", NULL, "imap.orange.fr", 993, false,
	  false, "Orange wants access by mail programs to be enabled", NULL },
	/* assistance.sfr.fr */
	{ "SFR", "sfr.fr neuf.fr cegetel.net", NULL, "imap.sfr.fr", 993, false,
	  false, NULL, NULL },
	/* www.ionos.com/help/email: "Settings for your email programs" */
	{ "IONOS", "online.de", "kundenserver.de", "imap.ionos.de", 993, false,
	  false, NULL, NULL },
	/* the same page, for customers in America */
	{ "IONOS US", NULL, "perfora.net ionos.com", "imap.ionos.com", 993, false,
	  false, NULL, NULL },
	/* www.strato.de/faq/mail */
	{ "STRATO", NULL, "rzone.de", "imap.strato.de", 993, false, false, NULL,
	  NULL },
	/* github.com/ovh/docs: "Configuring an email address on the macOS Mail app" */
	{ "OVH", NULL, "mail.ovh.net ovh.net", "ssl0.ovh.net", 993, false, false,
	  NULL, NULL },
	/* docs.gandi.net/en/gandimail */
	{ "Gandi", "gandi.net", "mail.gandi.net", "mail.gandi.net", 993, false,
	  false, NULL, NULL },
	/* www.infomaniak.com/en/support: "Mail Service" */
	{ "Infomaniak", "ik.me ikmail.com etik.com", "infomaniak.ch",
	  "mail.infomaniak.com", 993, false, false, "Infomaniak" APP_PASSWORD,
	  NULL },
	/* napoveda.seznam.cz/en/email */
	{ "Seznam", "seznam.cz email.cz post.cz spoluzaci.cz", NULL,
	  "imap.seznam.cz", 993, false, false, "Seznam" SWITCH_ON, NULL },
	/* aiuto.libero.it/mail */
	{ "Libero", "libero.it iol.it inwind.it blu.it giallo.it", NULL,
	  "imapmail.libero.it", 993, false, false, NULL, NULL },
	/* www.swisscom.ch/help: "All server settings for mail" */
	{ "Bluewin", "bluewin.ch", NULL, "imaps.bluewin.ch", 993, false, false,
	  NULL, NULL },
	/* pomoc.wp.pl */
	{ "WP", "wp.pl", NULL, "imap.wp.pl", 993, false, false, "WP" SWITCH_ON,
	  NULL },
	/* howto.disroot.org: "Email Settings" */
	{ "Disroot", "disroot.org", "disroot.org", "disroot.org", 993, true, false,
	  "The user is the part before the @", NULL },
	/* riseup.net/en/email/clients */
	{ "Riseup", "riseup.net", "riseup.net", "mail.riseup.net", 993, true,
	  false, "The user is the part before the @", NULL },
	/* proton.me/support/imap-smtp-and-pop3-setup */
	{ "Proton", "proton.me protonmail.com protonmail.ch pm.me",
	  "protonmail.ch", NULL, 0, false, false,
	  "Proton has no IMAP of its own: start Proton Mail Bridge, then give"
	  " --host 127.0.0.1:1143 --starttls and the password that it shows", NULL },
	/* tuta.com/faq */
	{ "Tuta", "tuta.com tutanota.com tutanota.de tutamail.com tuta.io"
	  " keemail.me", "tutanota.de", NULL, 0, false, false,
	  "Tuta has no IMAP: its mail cannot be synced", NULL },
	/* www.hey.com/faqs */
	{ "HEY", "hey.com", "hey.com", NULL, 0, false, false,
	  "HEY has no IMAP: its mail cannot be synced", NULL }
};
const size_t n_providers = ARRAY_LEN(providers);

const struct provider *
provider_find(struct str email)
{
	size_t at = str_find(email, '@');
	struct str domain = str_from(email, at + 1);

	if (at >= email.n || domain.n == 0)
		return NULL;
	for (size_t i = 0; i < n_providers; i++) {
		struct str rest = str_z(providers[i].domains);

		while (rest.n > 0) {
			if (str_ieq(domain, str_split(&rest, ' ')))
				return &providers[i];
		}
	}
	return NULL;
}

/* "mx1.example.org" ends in "example.org", "badexample.org" does not. */
static bool
is_below(struct str host, struct str end)
{
	if (host.n < end.n || !str_ieq(str_from(host, host.n - end.n), end))
		return false;
	return host.n == end.n || host.p[host.n - end.n - 1] == '.';
}

const struct provider *
provider_by_mx(struct str host)
{
	for (size_t i = 0; i < n_providers; i++) {
		struct str rest = str_z(providers[i].mx);

		while (rest.n > 0) {
			if (is_below(host, str_split(&rest, ' ')))
				return &providers[i];
		}
	}
	return NULL;
}
