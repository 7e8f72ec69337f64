/* peer.c — what servers complain of, in their many words. */
#include "net/peer.h"

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

struct str
peer_said(const struct secret *secret, struct str text)
{
	if (secret != NULL && secret_in(secret, text))
		return STR("(an answer that repeats the secret)");
	return str_head(text, 200);
}
