/*
 * cmd.c — the text of commands (RFC 9051 section 6).  Nothing here waits or
 * sends: commands go to the queue of send.c.  No command has a sequence number
 * in it, so all of them can be sent ahead of each other's answers.
 */
#include "imap/cmd.h"

#include <stdio.h>

#include "base/mem.h"
#include "imap/lane_impl.h"

enum { FLAGS_MAX = KW_MAX * (KW_NAME_MAX + 1) + 128 };

static void
put_flags(struct command *c, struct flags flags, const struct kwtab *kw)
{
	char text[FLAGS_MAX];

	must(flags_to_imap(flags, kw, text, sizeof(text)) < sizeof(text));
	send_put(c, "(%s)", text);
}

static uint32_t
submit_text(struct imap_lane *il, enum command_kind kind, const char *text)
{
	struct command *c = send_new(il, send_request(il), kind);

	send_put(c, "%s", text);
	send_submit(il, c);
	return c->req->number;
}

/* VERB mailbox */
static uint32_t
submit_mailbox(struct imap_lane *il, const char *verb, struct str mailbox)
{
	struct command *c = send_new(il, send_request(il), CMD_PLAIN);

	send_put(c, "%s ", verb);
	send_string(il, c, mailbox);
	send_submit(il, c);
	return c->req->number;
}

/* --- The session. --- */

uint32_t
imap_enable(struct lane *ln)
{
	struct imap_lane *il = imap_impl(ln);
	bool condstore = imap_can(ln, CAP_CONDSTORE);
	bool qresync = imap_can(ln, CAP_QRESYNC);
	bool utf8 = imap_can(ln, CAP_UTF8_ACCEPT);
	struct command *c;

	if (!imap_can(ln, CAP_ENABLE) || (!condstore && !qresync && !utf8))
		return 0;
	c = send_new(il, send_request(il), CMD_PLAIN);
	/* QRESYNC last: a Cyrus forgot it when CONDSTORE came after it. */
	send_put(c, "ENABLE%s%s%s", utf8 ? " UTF8=ACCEPT" : "",
	    condstore ? " CONDSTORE" : "", qresync ? " QRESYNC" : "");
	send_submit(il, c);
	return c->req->number;
}

uint32_t
imap_id(struct lane *ln)
{
	if (!imap_can(ln, CAP_ID))
		return 0;
	return submit_text(imap_impl(ln), CMD_PLAIN,
	    "ID (\"name\" \"syncd\" \"version\" \"" SYNCD_VERSION "\")");
}

uint32_t
imap_namespace(struct lane *ln)
{
	if (!imap_can(ln, CAP_NAMESPACE))
		return 0;
	return submit_text(imap_impl(ln), CMD_PLAIN, "NAMESPACE");
}

uint32_t
imap_noop(struct lane *ln)
{
	return submit_text(imap_impl(ln), CMD_PLAIN, "NOOP");
}

uint32_t
imap_idle(struct lane *ln)
{
	return submit_text(imap_impl(ln), CMD_IDLE, "IDLE");
}

void
imap_idle_done(struct lane *ln)
{
	send_done(imap_impl(ln));
}

uint32_t
imap_notify(struct lane *ln, bool counters)
{
	return submit_text(imap_impl(ln), CMD_PLAIN, counters ?
	    "NOTIFY SET STATUS (PERSONAL (MessageNew MessageExpunge FlagChange "
	    "MailboxName SubscriptionChange))" :
	    "NOTIFY SET (PERSONAL (MessageNew MessageExpunge FlagChange "
	    "MailboxName SubscriptionChange))");
}

uint32_t
imap_notify_none(struct lane *ln)
{
	return submit_text(imap_impl(ln), CMD_PLAIN, "NOTIFY NONE");
}

/* --- Mailboxes. --- */

/* "(UIDNEXT UIDVALIDITY ...)": with the object id that this server has. */
static void
put_status_items(struct imap_lane *il, struct command *c)
{
	const struct lane *ln = &il->head;

	send_put(c, "(UIDNEXT UIDVALIDITY MESSAGES UNSEEN%s%s)",
	    imap_can(ln, CAP_CONDSTORE) ? " HIGHESTMODSEQ" : "",
	    imap_can(ln, CAP_OBJECTID) && imap_can(ln, CAP_MAILBOXID) ?
	    " MAILBOXID" :
	    imap_can(ln, CAP_XGUID) ? " X-GUID" : "");
}

/* LIST-STATUS without LIST-EXTENDED is what iCloud has. */
static void
put_list_return(struct imap_lane *il, struct command *c, bool status)
{
	const struct lane *ln = &il->head;
	bool extended = imap_can(ln, CAP_LIST_EXTENDED);

	status = status && imap_can(ln, CAP_LIST_STATUS);
	if (!extended && !status)
		return;
	send_put(c, " RETURN (");
	if (extended)
		send_put(c, "SUBSCRIBED %sCHILDREN%s",
		    imap_can(ln, CAP_SPECIAL_USE) ? "SPECIAL-USE " : "",
		    status ? " " : "");
	if (status) {
		send_put(c, "STATUS ");
		put_status_items(il, c);
	}
	send_put(c, ")");
}

uint32_t
imap_list(struct lane *ln, bool status)
{
	struct imap_lane *il = imap_impl(ln);
	struct request *r = send_request(il);
	struct command *c = send_new(il, r, CMD_PLAIN);
	bool rev2 = (il->announced >> CAP_IMAP4REV2 & 1) != 0;

	send_put(c, "LIST \"\" \"*\"");
	put_list_return(il, c, status);
	send_submit(il, c);
	/* LSUB is gone from IMAP4rev2, and Exchange is lost after its BAD. */
	if (imap_can(ln, CAP_LIST_EXTENDED) || rev2)
		return r->number;
	c = send_new(il, r, CMD_LSUB);
	c->quiet = true;
	listed_want(&il->listed);
	send_put(c, "LSUB \"\" \"*\"");
	send_submit(il, c);
	return r->number;
}

uint32_t
imap_status(struct lane *ln, struct str mailbox)
{
	struct imap_lane *il = imap_impl(ln);
	struct command *c = send_new(il, send_request(il), CMD_PLAIN);

	send_put(c, "STATUS ");
	send_string(il, c, mailbox);
	send_put(c, " ");
	put_status_items(il, c);
	send_submit(il, c);
	return c->req->number;
}

uint32_t
imap_create(struct lane *ln, struct str mailbox)
{
	return submit_mailbox(imap_impl(ln), "CREATE", mailbox);
}

uint32_t
imap_delete(struct lane *ln, struct str mailbox)
{
	return submit_mailbox(imap_impl(ln), "DELETE", mailbox);
}

uint32_t
imap_subscribe(struct lane *ln, struct str mailbox, bool yes)
{
	return submit_mailbox(imap_impl(ln), yes ? "SUBSCRIBE" : "UNSUBSCRIBE",
	    mailbox);
}

uint32_t
imap_rename(struct lane *ln, struct str from, struct str to)
{
	struct imap_lane *il = imap_impl(ln);
	struct command *c = send_new(il, send_request(il), CMD_PLAIN);

	send_put(c, "RENAME ");
	send_string(il, c, from);
	send_put(c, " ");
	send_string(il, c, to);
	send_submit(il, c);
	return c->req->number;
}

uint32_t
imap_select(struct lane *ln, struct str mailbox, bool readonly,
    struct uidvalidity validity, struct modseq modseq)
{
	struct imap_lane *il = imap_impl(ln);
	struct request *r = send_request(il);
	bool examine = readonly && !(il->quirks.bits & QUIRK_NO_EXAMINE);
	struct command *c;

	if (il->will_select && imap_can(ln, CAP_UNSELECT)) {
		c = send_new(il, r, CMD_UNSELECT);
		c->quiet = true;
		send_put(c, "UNSELECT");
		send_submit(il, c);
	}
	c = send_new(il, r, CMD_SELECT);
	c->readonly = readonly;
	send_put(c, "%s ", examine ? "EXAMINE" : "SELECT");
	send_string(il, c, mailbox);
	if (il->server.qresync && validity.v != 0 && modseq.v != 0)
		send_put(c, " (QRESYNC (%llu %llu))",
		    (unsigned long long)validity.v,
		    (unsigned long long)modseq.v);
	else if (imap_can(ln, CAP_CONDSTORE))
		send_put(c, " (CONDSTORE)");
	send_submit(il, c);
	return r->number;
}

uint32_t
imap_unselect(struct lane *ln)
{
	struct imap_lane *il = imap_impl(ln);
	struct command *c;

	if (!il->will_select)
		return 0;
	if (imap_can(ln, CAP_UNSELECT))
		return submit_text(il, CMD_UNSELECT, "UNSELECT");
	c = send_new(il, send_request(il), CMD_UNSELECT);
	c->refusal_is_ok = true;
	send_put(c, "EXAMINE \"no-such-mailbox-%s\"", il->prefix);
	send_submit(il, c);
	return c->req->number;
}

/* --- Messages. --- */

/* MODSEQ may be asked for, unless this mailbox has said that it has none. */
static bool
has_modseq(const struct lane *ln)
{
	const struct imap_box *box = imap_box(ln);

	return imap_can(ln, CAP_CONDSTORE) &&
	    (!box->open || box->modseq.v != 0 ||
	    imap_impl_const(ln)->n_box_commands > 0);
}

static const char *
objid_item(const struct lane *ln)
{
	if (imap_can(ln, CAP_OBJECTID))
		return " EMAILID";
	if (imap_can(ln, CAP_GMAIL))
		return " X-GM-MSGID";
	return imap_can(ln, CAP_XGUID) ? " X-GUID" : "";
}

uint32_t
imap_fetch(struct lane *ln, const struct uidset *uids, unsigned items,
    struct modseq since)
{
	CLEANUP(buf_clear) struct buf tail;
	bool flags = (items & FETCH_FLAGS) != 0;

	buf_init(&tail, 1024);
	must(buf_fmt(&tail, " (UID%s%s%s%s%s%s%s%s)",
	    flags ? " FLAGS" : "",
	    flags && has_modseq(ln) ? " MODSEQ" : "",
	    (items & FETCH_DATE) ? " INTERNALDATE" : "",
	    (items & FETCH_SIZE) ? " RFC822.SIZE" : "",
	    (items & FETCH_OBJID) ? objid_item(ln) : "",
	    (items & FETCH_MSGID) ?
	    " BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]" : "",
	    (items & FETCH_HEADER) ? " BODY.PEEK[HEADER]" : "",
	    (items & FETCH_BODY) ? " BODY.PEEK[]" : "") == 0);
	if (since.v != 0)
		must(buf_fmt(&tail, " (CHANGEDSINCE %llu)",
		    (unsigned long long)since.v) == 0);
	return parts_submit(imap_impl(ln), &(struct over){ .kind = CMD_READ,
	    .verb = "UID FETCH", .tail = buf_str(&tail) }, uids);
}

/* UID SEARCH UID set KEY */
static uint32_t
search(struct lane *ln, const struct uidset *uids, struct str key)
{
	return parts_submit(imap_impl(ln), &(struct over){ .kind = CMD_READ,
	    .verb = imap_can(ln, CAP_ESEARCH) ?
	    "UID SEARCH RETURN (ALL COUNT) UID" : "UID SEARCH UID",
	    .tail = key }, uids);
}

uint32_t
imap_search(struct lane *ln, const struct uidset *uids)
{
	return search(ln, uids, STR_NONE);
}

uint32_t
imap_search_before(struct lane *ln, const struct uidset *uids, int64_t when)
{
	char date[32], key[40];

	imap_date_print(when, date);
	snprintf(key, sizeof(key), " BEFORE %.11s", date);
	return search(ln, uids, str_z(key));
}

uint32_t
imap_store(struct lane *ln, const struct uidset *uids, bool add,
    struct flags flags, const struct kwtab *kw)
{
	char names[FLAGS_MAX], tail[FLAGS_MAX + 32];

	must(flags_to_imap(flags, kw, names, sizeof(names)) < sizeof(names));
	snprintf(tail, sizeof(tail), " %cFLAGS.SILENT (%s)", add ? '+' : '-',
	    names);
	return parts_submit(imap_impl(ln), &(struct over){ .kind = CMD_WRITE,
	    .verb = "UID STORE", .tail = str_z(tail) }, uids);
}

uint32_t
imap_expunge(struct lane *ln, const struct uidset *uids)
{
	must(imap_can(ln, CAP_UIDPLUS));
	return parts_submit(imap_impl(ln), &(struct over){ .kind = CMD_WRITE,
	    .verb = "UID EXPUNGE" }, uids);
}

uint32_t
imap_copy(struct lane *ln, const struct uidset *uids, struct str mailbox,
    bool move)
{
	must(!move || imap_can(ln, CAP_MOVE));
	return parts_submit(imap_impl(ln), &(struct over){
	    .kind = move ? CMD_MOVE : CMD_COPY,
	    .verb = move ? "UID MOVE" : "UID COPY", .mailbox = &mailbox }, uids);
}

uint32_t
imap_append(struct lane *ln, struct str mailbox, const struct imap_upload *up,
    size_t n, const struct kwtab *kw)
{
	struct imap_lane *il = imap_impl(ln);
	struct command *c = send_new(il, send_request(il), CMD_APPEND);

	must(n == 1 || (n > 1 && imap_can(ln, CAP_MULTIAPPEND)));
	send_put(c, "APPEND ");
	send_string(il, c, mailbox);
	for (size_t i = 0; i < n; i++) {
		char date[32];

		imap_date_print(up[i].date, date);
		send_put(c, " ");
		put_flags(c, up[i].flags, kw);
		send_put(c, " \"%s\" ", date);
		send_file(il, c, up[i].fd, up[i].eol, up[i].wire_size,
		    up[i].has_nul && imap_can(ln, CAP_BINARY));
	}
	send_submit(il, c);
	return c->req->number;
}
