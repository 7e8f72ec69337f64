/*
 * cmd.c — commands to bytes.  The one place that writes mailbox names: quoted, or
 * as a literal when they hold what a quoted string cannot.
 */
#include "imap/cmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "imap/lane_impl.h"

/* RFC 7162 section 4 tells clients to stay below 8192 bytes a command. */
enum { SET_MAX = 7800, LITERAL_MINUS_MAX = 4096 };

static uint32_t
next_req(struct imap_lane *l)
{
	if (++l->last_req == 0)
		++l->last_req;
	return l->last_req;
}

static uint32_t
simple(struct lane *ln, enum cmd_kind kind, const char *text)
{
	struct imap_lane *l = imap_of(ln);
	struct cmd *c = cmd_new(l, kind, next_req(l));

	cmd_fmt(c, "%s\r\n", text);
	return c->req;
}

static bool
can(const struct imap_lane *l, enum imap_cap cap)
{
	return caps_have(&l->caps, cap);
}

/* "{n}" or "{n+}": whether the bytes behind it must wait for "+". */
static void
add_literal_head(struct imap_lane *l, struct cmd *c, uint64_t n, bool binary)
{
	bool now = can(l, CAP_LITERAL_PLUS) ||
	    (can(l, CAP_LITERAL_MINUS) && n <= LITERAL_MINUS_MAX);

	cmd_fmt(c, "%s{%llu%s}\r\n", binary ? "~" : "", (unsigned long long)n,
	    now ? "+" : "");
}

static bool
literal_waits(const struct imap_lane *l, uint64_t n)
{
	return !can(l, CAP_LITERAL_PLUS) &&
	    !(can(l, CAP_LITERAL_MINUS) && n <= LITERAL_MINUS_MAX);
}

static struct piece *
add_waiting(struct cmd *c)
{
	c->piece = array_room(c->piece, c->n, &c->cap, sizeof(*c->piece));
	c->piece[c->n] = (struct piece){ .kind = PIECE_TEXT, .wait = true };
	return &c->piece[c->n++];
}

/* RFC 9051: quoted strings hold no CR, LF, NUL, and 8-bit only with UTF8. */
static void
add_mailbox(struct imap_lane *l, struct cmd *c, struct str name)
{
	bool plain = true;

	for (size_t i = 0; i < name.n; i++) {
		unsigned char b = (unsigned char)name.p[i];

		must(b != '\0' && b != '\r' && b != '\n');
		plain = plain && (b < 0x80 || l->server.utf8);
	}
	if (!plain) {
		add_literal_head(l, c, name.n, false);
		if (literal_waits(l, name.n)) {
			struct piece *p = add_waiting(c);

			p->text = str_dup(name);
			p->n = name.n;
		} else {
			cmd_add(c, name);
		}
		return;
	}
	cmd_add(c, STR("\""));
	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] == '"' || name.p[i] == '\\')
			cmd_add(c, STR("\\"));
		cmd_add(c, (struct str){ name.p + i, 1 });
	}
	cmd_add(c, STR("\""));
}

static uint32_t
with_mailbox(struct lane *ln, const char *verb, struct str name)
{
	struct imap_lane *l = imap_of(ln);
	struct cmd *c = cmd_new(l, CMD_PLAIN, next_req(l));

	cmd_fmt(c, "%s ", verb);
	add_mailbox(l, c, name);
	cmd_add(c, STR("\r\n"));
	return c->req;
}

/* ---- session ---------------------------------------------------------- */

uint32_t
imap_enable(struct lane *ln)
{
	const struct imap_lane *l = imap_of(ln);
	char text[80] = "ENABLE";

	if (!can(l, CAP_ENABLE))
		return 0;
	/* In this order: Cyrus once forgot QRESYNC if CONDSTORE followed it. */
	if (can(l, CAP_QRESYNC))
		strcat(text, " CONDSTORE QRESYNC");
	else if (can(l, CAP_CONDSTORE))
		strcat(text, " CONDSTORE");
	if (can(l, CAP_UTF8_ACCEPT))
		strcat(text, " UTF8=ACCEPT");
	return strlen(text) > 6 ? simple(ln, CMD_PLAIN, text) : 0;
}

uint32_t
imap_id(struct lane *ln)
{
	if (!can(imap_of(ln), CAP_ID))
		return 0;
	return simple(ln, CMD_PLAIN, "ID (\"name\" \"syncd\" \"version\" \""
	    SYNCD_VERSION "\")");
}

uint32_t
imap_namespace(struct lane *ln)
{
	return can(imap_of(ln), CAP_NAMESPACE) ?
	    simple(ln, CMD_PLAIN, "NAMESPACE") : 0;
}

uint32_t
imap_noop(struct lane *ln)
{
	return simple(ln, CMD_PLAIN, "NOOP");
}

uint32_t
imap_logout(struct lane *ln)
{
	return simple(ln, CMD_LOGOUT, "LOGOUT");
}

/* ---- mailboxes -------------------------------------------------------- */

static const char *
status_items(const struct imap_lane *l, char out[128])
{
	snprintf(out, 128, "MESSAGES UIDNEXT UIDVALIDITY UNSEEN%s%s%s",
	    can(l, CAP_CONDSTORE) || can(l, CAP_QRESYNC) ?
	    " HIGHESTMODSEQ" : "",
	    can(l, CAP_OBJECTID) ? " MAILBOXID" : "",
	    can(l, CAP_XGUID) ? " X-GUID" : "");
	return out;
}

uint32_t
imap_list(struct lane *ln, bool status)
{
	struct imap_lane *l = imap_of(ln);
	bool extended = can(l, CAP_LIST_EXTENDED);
	bool with_status = status && can(l, CAP_LIST_STATUS);
	char items[128];
	struct cmd *c;

	if (!extended && !with_status) {
		uint32_t req = next_req(l);

		c = cmd_new(l, CMD_PLAIN, req);
		cmd_add(c, STR("LIST \"\" \"*\"\r\n"));
		/* Microsoft breaks on LSUB where it announces rev2. */
		if (can(l, CAP_IMAP4REV2))
			return req;
		c->final = false;
		c = cmd_new(l, CMD_PLAIN, req);
		cmd_add(c, STR("LSUB \"\" \"*\"\r\n"));
		return req;
	}
	c = cmd_new(l, CMD_PLAIN, next_req(l));
	cmd_add(c, STR("LIST \"\" \"*\" RETURN ("));
	if (extended)
		cmd_add(c, can(l, CAP_SPECIAL_USE) ?
		    STR("SUBSCRIBED SPECIAL-USE") : STR("SUBSCRIBED"));
	if (with_status)
		cmd_fmt(c, "%sSTATUS (%s)", extended ? " " : "",
		    status_items(l, items));
	cmd_add(c, STR(")\r\n"));
	return c->req;
}

uint32_t
imap_status(struct lane *ln, struct str mailbox)
{
	struct imap_lane *l = imap_of(ln);
	struct cmd *c = cmd_new(l, CMD_PLAIN, next_req(l));
	char items[128];

	cmd_add(c, STR("STATUS "));
	add_mailbox(l, c, mailbox);
	cmd_fmt(c, " (%s)\r\n", status_items(l, items));
	return c->req;
}

uint32_t
imap_create(struct lane *ln, struct str mailbox)
{
	return with_mailbox(ln, "CREATE", mailbox);
}

uint32_t
imap_delete(struct lane *ln, struct str mailbox)
{
	return with_mailbox(ln, "DELETE", mailbox);
}

uint32_t
imap_rename(struct lane *ln, struct str from, struct str to)
{
	struct imap_lane *l = imap_of(ln);
	struct cmd *c = cmd_new(l, CMD_PLAIN, next_req(l));

	cmd_add(c, STR("RENAME "));
	add_mailbox(l, c, from);
	cmd_add(c, STR(" "));
	add_mailbox(l, c, to);
	cmd_add(c, STR("\r\n"));
	return c->req;
}

uint32_t
imap_subscribe(struct lane *ln, struct str mailbox, bool yes)
{
	return with_mailbox(ln, yes ? "SUBSCRIBE" : "UNSUBSCRIBE", mailbox);
}

static bool
something_selected(const struct imap_lane *l)
{
	bool open = l->box.open;

	for (const struct cmd *c = l->head; c != NULL; c = c->next) {
		if (c->kind == CMD_SELECT)
			open = true;
		else if (c->kind == CMD_UNSELECT)
			open = false;
	}
	return open;
}

uint32_t
imap_select(struct lane *ln, struct str mailbox, bool readonly,
    struct uidvalidity validity, struct modseq modseq)
{
	struct imap_lane *l = imap_of(ln);
	uint32_t req = next_req(l);
	struct cmd *c;

	/* A boundary that every server understands: what comes before its
	 * answer is the old mailbox's. */
	if (something_selected(l) && can(l, CAP_UNSELECT)) {
		c = cmd_new(l, CMD_UNSELECT, req);
		c->final = false;
		cmd_add(c, STR("UNSELECT\r\n"));
	}
	c = cmd_new(l, CMD_SELECT, req);
	cmd_fmt(c, "%s ", readonly ? "EXAMINE" : "SELECT");
	add_mailbox(l, c, mailbox);
	if (l->server.qresync && can(l, CAP_QRESYNC) && validity.v != 0 &&
	    modseq.v != 0)
		cmd_fmt(c, " (QRESYNC (%llu %llu))",
		    (unsigned long long)validity.v,
		    (unsigned long long)modseq.v);
	else if (can(l, CAP_CONDSTORE))
		cmd_add(c, STR(" (CONDSTORE)"));
	cmd_add(c, STR("\r\n"));
	return req;
}

uint32_t
imap_unselect(struct lane *ln)
{
	struct imap_lane *l = imap_of(ln);

	if (!something_selected(l))
		return 0;
	if (can(l, CAP_UNSELECT))
		return simple(ln, CMD_UNSELECT, "UNSELECT");
	/* A failed EXAMINE leaves nothing selected, and expunges nothing; its
	 * NO is what was wanted. */
	return simple(ln, CMD_UNSELECT, "EXAMINE \"no-such-mailbox-\"");
}

/* ---- messages --------------------------------------------------------- */

/* One command for each stretch of the set that fits, all of one request. */
static uint32_t
for_set(struct lane *ln, enum cmd_kind kind, const char *verb,
    const struct uidset *uids, struct str tail)
{
	struct imap_lane *l = imap_of(ln);
	uint32_t req = next_req(l);
	struct cmd *c = NULL;
	size_t from = 0;

	must(uids->n > 0);
	while (from < uids->n) {
		CLEANUP(buf_clear) struct buf set;

		buf_init(&set, SET_MAX + 64);
		must(uidset_print(uids, &from, SET_MAX, &set) == 0);
		if (c != NULL)
			c->final = false;
		c = cmd_new(l, kind, req);
		cmd_fmt(c, "UID %s ", verb);
		cmd_add(c, buf_str(&set));
		cmd_add(c, tail);
	}
	return req;
}

uint32_t
imap_fetch(struct lane *ln, const struct uidset *uids, unsigned items,
    struct modseq since)
{
	const struct imap_lane *l = imap_of(ln);
	char tail[256];
	size_t n;

	n = (size_t)snprintf(tail, sizeof(tail), " (UID%s%s%s%s%s%s%s)",
	    items & FETCH_FLAGS ? " FLAGS" : "",
	    (items & FETCH_FLAGS) && l->server.condstore ? " MODSEQ" : "",
	    items & FETCH_DATE ? " INTERNALDATE" : "",
	    items & FETCH_SIZE ? " RFC822.SIZE" : "",
	    !(items & FETCH_OBJID) ? "" : can(l, CAP_OBJECTID) ? " EMAILID" :
	    can(l, CAP_GMAIL) ? " X-GM-MSGID" : can(l, CAP_XGUID) ?
	    " X-GUID" : "",
	    items & FETCH_HEADER ? " BODY.PEEK[HEADER]" : "",
	    items & FETCH_BODY ? " BODY.PEEK[]" : "");
	if (since.v != 0)
		n += (size_t)snprintf(tail + n, sizeof(tail) - n,
		    " (CHANGEDSINCE %llu)", (unsigned long long)since.v);
	snprintf(tail + n, sizeof(tail) - n, "\r\n");
	return for_set(ln, CMD_PLAIN, "FETCH", uids, str_z(tail));
}

uint32_t
imap_search(struct lane *ln, const struct uidset *uids)
{
	return for_set(ln, CMD_PLAIN, can(imap_of(ln), CAP_ESEARCH) ?
	    "SEARCH RETURN (ALL) UID" : "SEARCH UID", uids, STR("\r\n"));
}

uint32_t
imap_search_flag(struct lane *ln, const struct uidset *uids, const char *flag,
    bool has)
{
	char tail[KW_NAME_MAX + 32];

	if (flag[0] == '\\')
		snprintf(tail, sizeof(tail), " %s%s\r\n", has ? "" : "UN",
		    flag + 1);
	else
		snprintf(tail, sizeof(tail), " %s %s\r\n",
		    has ? "KEYWORD" : "UNKEYWORD", flag);
	return for_set(ln, CMD_PLAIN, can(imap_of(ln), CAP_ESEARCH) ?
	    "SEARCH RETURN (ALL) UID" : "SEARCH UID", uids, str_z(tail));
}

static char *
flag_list(struct flags flags, const struct kwtab *kw)
{
	size_t n = flags_to_imap(flags, kw, NULL, 0) + 1;
	char *text = xmalloc(n);

	(void)flags_to_imap(flags, kw, text, n);
	return text;
}

uint32_t
imap_store(struct lane *ln, const struct uidset *uids, bool add,
    struct flags flags, const struct kwtab *kw)
{
	char *list = flag_list(flags, kw);
	char *tail = xasprintf(" %sFLAGS.SILENT (%s)\r\n", add ? "+" : "-", list);
	uint32_t req = for_set(ln, CMD_PLAIN, "STORE", uids, str_z(tail));

	free(tail);
	free(list);
	return req;
}

uint32_t
imap_expunge(struct lane *ln, const struct uidset *uids)
{
	must(can(imap_of(ln), CAP_UIDPLUS));
	return for_set(ln, CMD_PLAIN, "EXPUNGE", uids, STR("\r\n"));
}

uint32_t
imap_copy(struct lane *ln, const struct uidset *uids, struct str mailbox,
    bool move)
{
	struct imap_lane *l = imap_of(ln);
	uint32_t req = next_req(l);
	struct cmd *c = NULL;
	size_t from = 0;

	while (from < uids->n) {
		CLEANUP(buf_clear) struct buf set;

		buf_init(&set, SET_MAX + 64);
		must(uidset_print(uids, &from, SET_MAX, &set) == 0);
		if (c != NULL)
			c->final = false;
		c = cmd_new(l, CMD_COPY, req);
		cmd_fmt(c, "UID %s ", move ? "MOVE" : "COPY");
		cmd_add(c, buf_str(&set));
		cmd_add(c, STR(" "));
		add_mailbox(l, c, mailbox);
		cmd_add(c, STR("\r\n"));
	}
	return req;
}

static void
add_upload(struct imap_lane *l, struct cmd *c, const struct imap_upload *up,
    const struct kwtab *kw)
{
	char *list = flag_list(up->flags, kw), date[32];
	struct piece *p;

	imap_date_print(up->date, date);
	cmd_fmt(c, " (%s) \"%s\" ", list, date);
	free(list);
	add_literal_head(l, c, up->wire_size, up->has_nul);
	p = add_waiting(c);
	p->kind = PIECE_FILE;
	p->up = *up;
	p->wait = literal_waits(l, up->wire_size);
}

uint32_t
imap_append(struct lane *ln, struct str mailbox, const struct imap_upload *up,
    size_t n, const struct kwtab *kw)
{
	struct imap_lane *l = imap_of(ln);
	struct cmd *c = cmd_new(l, CMD_APPEND, next_req(l));

	must(n == 1 || can(l, CAP_MULTIAPPEND));
	cmd_add(c, STR("APPEND "));
	add_mailbox(l, c, mailbox);
	for (size_t i = 0; i < n; i++)
		add_upload(l, c, &up[i], kw);
	cmd_add(c, STR("\r\n"));
	return c->req;
}

/* ---- push ------------------------------------------------------------- */

uint32_t
imap_idle(struct lane *ln)
{
	return simple(ln, CMD_IDLE, "IDLE");
}

uint32_t
imap_notify(struct lane *ln)
{
	return simple(ln, CMD_PLAIN, "NOTIFY SET STATUS (PERSONAL (MessageNew "
	    "MessageExpunge FlagChange MailboxName SubscriptionChange))");
}
