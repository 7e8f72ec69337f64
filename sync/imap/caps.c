/* caps.c — what a server can do, as bits. */
#include "imap/caps.h"

#include "base/attr.h"
#include "base/mem.h"
#include "base/num.h"

#define BIT(cap)	((uint64_t)1 << (cap))

static const char *const names[CAP_N] = {
	[CAP_IMAP4REV1]		= "IMAP4rev1",
	[CAP_IMAP4REV2]		= "IMAP4rev2",
	[CAP_STARTTLS]		= "STARTTLS",
	[CAP_LOGINDISABLED]	= "LOGINDISABLED",
	[CAP_SASL_IR]		= "SASL-IR",
	[CAP_ID]		= "ID",
	[CAP_ENABLE]		= "ENABLE",
	[CAP_NAMESPACE]		= "NAMESPACE",
	[CAP_IDLE]		= "IDLE",
	[CAP_NOTIFY]		= "NOTIFY",
	[CAP_UIDPLUS]		= "UIDPLUS",
	[CAP_UNSELECT]		= "UNSELECT",
	[CAP_MOVE]		= "MOVE",
	[CAP_CONDSTORE]		= "CONDSTORE",
	[CAP_QRESYNC]		= "QRESYNC",
	[CAP_ESEARCH]		= "ESEARCH",
	[CAP_LIST_EXTENDED]	= "LIST-EXTENDED",
	[CAP_LIST_STATUS]	= "LIST-STATUS",
	[CAP_SPECIAL_USE]	= "SPECIAL-USE",
	[CAP_CREATE_SPECIAL_USE] = "CREATE-SPECIAL-USE",
	[CAP_LITERAL_PLUS]	= "LITERAL+",
	[CAP_LITERAL_MINUS]	= "LITERAL-",
	[CAP_MULTIAPPEND]	= "MULTIAPPEND",
	[CAP_BINARY]		= "BINARY",
	[CAP_COMPRESS]		= "COMPRESS=DEFLATE",
	[CAP_UTF8_ACCEPT]	= "UTF8=ACCEPT",
	[CAP_OBJECTID]		= "OBJECTID",
	[CAP_GMAIL]		= "X-GM-EXT-1",
	[CAP_STATUS_SIZE]	= "STATUS=SIZE",
	[CAP_APPENDLIMIT]	= "APPENDLIMIT",
	[CAP_UIDONLY]		= "UIDONLY",
	[CAP_PARTIAL]		= "PARTIAL",
	[CAP_MESSAGELIMIT]	= "MESSAGELIMIT",
	[CAP_XGUID]		= "X-GUID",
	[CAP_MAILBOXID]		= "MAILBOXID",
};

/* What IMAP4rev2 has in its base protocol (RFC 9051 appendix E). */
static const uint64_t rev2 = BIT(CAP_IDLE) | BIT(CAP_NAMESPACE) |
    BIT(CAP_UIDPLUS) | BIT(CAP_UNSELECT) | BIT(CAP_MOVE) | BIT(CAP_ESEARCH) |
    BIT(CAP_ENABLE) | BIT(CAP_SASL_IR) | BIT(CAP_LIST_EXTENDED) |
    BIT(CAP_LIST_STATUS) | BIT(CAP_SPECIAL_USE) | BIT(CAP_LITERAL_MINUS);

static bool
find(struct str name, enum imap_cap *cap)
{
	for (size_t i = 0; i < CAP_N; i++)
		if (str_ieq(name, str_z(names[i]))) {
			*cap = (enum imap_cap)i;
			return true;
		}
	return false;
}

static void
add(struct imap_caps *caps, struct str word)
{
	struct str limit = word, limit_name = str_split(&limit, '=');
	enum imap_cap cap;

	if (str_istarts(word, STR("AUTH="))) {
		sasl_names_add(&caps->sasl, limit);
	} else if (str_ieq(limit_name, STR("APPENDLIMIT"))) {
		caps->bits |= BIT(CAP_APPENDLIMIT);
		if (!num_u64(limit, 1, UINT64_MAX, &caps->append_limit))
			caps->append_limit = 0;
	} else if (str_ieq(limit_name, STR("MESSAGELIMIT"))) {
		caps->bits |= BIT(CAP_MESSAGELIMIT);
		if (!num_u32(limit, 1, UINT32_MAX, &caps->message_limit))
			caps->message_limit = 0;
	} else if (str_ieq(word, STR("UTF8=ONLY"))) {
		caps->bits |= BIT(CAP_UTF8_ACCEPT);	/* RFC 6855 section 6 */
	} else if (find(word, &cap) && cap < CAP_XGUID) {
		caps->bits |= BIT(cap);
	}
}

void
caps_parse(struct imap_caps *caps, struct str list)
{
	*caps = (struct imap_caps){ 0 };
	while (list.p != NULL)
		add(caps, str_trim(str_split(&list, ' ')));
	if (caps_have(caps, CAP_IMAP4REV2))
		caps->bits |= rev2;
	if (caps_have(caps, CAP_QRESYNC))	/* RFC 7162 section 3.2.3 */
		caps->bits |= BIT(CAP_CONDSTORE);
	if (caps_have(caps, CAP_OBJECTID))
		caps->bits |= BIT(CAP_MAILBOXID);
}

bool
caps_have(const struct imap_caps *caps, enum imap_cap cap)
{
	return caps->bits & BIT(cap);
}

bool
caps_forbid(uint64_t *forbidden, struct str name)
{
	enum imap_cap cap;

	if (!find(name, &cap))
		return false;
	*forbidden |= BIT(cap);
	return true;
}

const char *
caps_name(enum imap_cap cap)
{
	must((unsigned)cap < CAP_N);
	return names[cap];
}
