/* peer.c — who a server is by its first word, and what servers complain of, in their
 * many words. */
#include "net/peer.h"

#include <string.h>

#include "base/attr.h"

void
peer_complaint(struct str text, enum err_class *class, const char **code)
{
	static const struct {
		const char	*part;
		enum err_class	 class;
		const char	*code;
	} said[] = {
		{ "simultaneous connections", ERR_RETRY, "server.limit-connections" },
		{ "number of connections", ERR_RETRY, "server.limit-connections" },
		{ "too many connections", ERR_RETRY, "server.limit-connections" },
		{ "connection limit", ERR_RETRY, "server.limit-connections" },
		{ "throttl", ERR_RETRY, "server.over-rate" },
		{ "backoff time", ERR_RETRY, "server.over-rate" },
		{ "bandwidth limit", ERR_RETRY, "server.over-rate" },
		{ "rate limit", ERR_RETRY, "server.over-rate" },
		{ "too many requests", ERR_RETRY, "server.over-rate" },
		{ "application-specific password", ERR_AUTH,
		    "auth.needs-app-password" },
		{ "app password", ERR_AUTH, "auth.needs-app-password" },
		{ "access is disabled", ERR_AUTH, "auth.client-disabled" },
		{ "not enabled for imap", ERR_AUTH, "auth.client-disabled" },
		{ "authenticated but not connected", ERR_AUTH,
		    "auth.client-disabled" },
	};

	for (size_t i = 0; i < ARRAY_LEN(said); i++) {
		if (str_ifind(text, str_z(said[i].part)) == text.n)
			continue;
		*class = said[i].class;
		*code = said[i].code;
		return;
	}
}

bool
peer_throttles(struct str code, struct str text)
{
	return str_eq(code, STR("THROTTLED")) ||
	    str_istarts(text, STR("Request is throttled"));
}

/* The first bytes of a greeting, '9' for any digit.  Three of them are SMTP, or FTP,
 * which nobody takes for a mail server. */
static const struct {
	const char	*first, *protocol, *what;
} greetings[] = {
	{ "* OK", "IMAP", "an IMAP server" },
	{ "* PR", "IMAP", "an IMAP server" },
	{ "* BY", "IMAP", "an IMAP server" },
	{ "+OK", "POP3", "a POP3 server" },
	{ "-ERR", "POP3", "a POP3 server" },
	{ "999 ", "SMTP", "a server for sending mail (SMTP)" },
	{ "999-", "SMTP", "a server for sending mail (SMTP)" },
	{ "SSH-", "SSH", "an SSH server" },
};

static bool
begins_like(struct str in, const char *first)
{
	for (size_t i = 0; first[i] != '\0'; i++)
		if (i >= in.n || (first[i] == '9' ?
		    in.p[i] < '0' || in.p[i] > '9' : in.p[i] != first[i]))
			return false;
	return true;
}

int
peer_meet(struct stream *st, const char *mine, usec deadline, struct err *err)
{
	enum { BYTES = 4 };

	/* A short line is a greeting, too, of whomever. */
	while (stream_peek(st).n < BYTES &&
	    str_find(stream_peek(st), '\n') == stream_peek(st).n)
		if (stream_await(st, deadline, err) < 0)
			return -1;
	for (size_t i = 0; i < ARRAY_LEN(greetings); i++)
		if (begins_like(stream_peek(st), greetings[i].first) &&
		    strcmp(greetings[i].protocol, mine) != 0)
			return err_set(err, ERR_CONFIG, "proto.other-server",
			    "this is %s, not %s", greetings[i].what, mine);
	return 0;
}

struct str
peer_said(const struct secret *secret, struct str text)
{
	if (secret != NULL && secret_in(secret, text))
		return STR("(an answer that repeats the secret)");
	return str_head(text, 200);
}
