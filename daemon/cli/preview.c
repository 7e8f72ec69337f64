/* preview.c — a look at a server before there is an account. */
#include "cli/preview.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "connect.h"
#include "imap/cmd.h"
#include "imap/lane.h"
#include "imap/mutf7.h"
#include "net/lane.h"
#include "pop3/lane.h"
#include "pop3/parse.h"

enum { FOLDERS_MAX = 10000, COUNT_MAX = 100, NAME_BYTES_MAX = 8192 };

/* A server without CAPA has USER. */
static void
take_pop3_caps(struct preview *p, const struct pop3_caps *caps)
{
	p->sasl = caps->sasl;
	if (caps->user || !caps->known)
		sasl_names_add(&p->sasl, STR("USER"));
}

int
preview_probe(struct preview *p, const struct account_conf *conf,
    struct err *err)
{
	const struct stream_info *info;
	struct lanes lanes = { 0 };
	struct lane *ln = connect_probe(conf, err);

	if (ln == NULL)
		return -1;
	info = ln->ops->info(ln).stream;
	snprintf(p->tls, sizeof(p->tls), "%s",
	    info->tls_version != NULL ? info->tls_version : "");
	if (conf->protocol == PROTOCOL_POP3)
		take_pop3_caps(p, pop3_caps(ln));
	else
		p->sasl = imap_caps(ln)->sasl;
	lanes_add(&lanes, ln);
	lanes_close(&lanes, ln);
	return 0;
}

static char *
shown(const struct lane *ln, struct str wire)
{
	CLEANUP(buf_clear) struct buf utf8;

	buf_init(&utf8, NAME_BYTES_MAX);
	if (imap_server(ln)->utf8 || mutf7_decode(wire, &utf8) < 0)
		return str_dup(wire);
	return str_dup(buf_str(&utf8));
}

static void
take_folder(struct preview *p, const struct lane *ln, const struct ev_list *l)
{
	if (p->n == FOLDERS_MAX || (l->attrs & LIST_NOSELECT))
		return;
	p->folder = array_room(p->folder, p->n, &p->cap, sizeof(*p->folder));
	p->folder[p->n++] = (struct preview_folder){ .name = shown(ln, l->name),
	    .wire = str_dup(l->name), .attrs = l->attrs };
}

static void
take_status(struct preview *p, const struct ev_status *st)
{
	for (size_t i = 0; i < p->n; i++) {
		struct preview_folder *f = &p->folder[i];

		if (!str_eq(str_z(f->wire), st->name) || f->counted)
			continue;
		f->counted = true;
		f->messages = st->messages;
		f->bytes = st->have & STATUS_SIZE ? st->size : 0;
		p->messages += f->messages;
		p->bytes += f->bytes;
	}
}

/* Take in what comes until request ${req} is answered: *ev. */
static int
wait_done(struct preview *p, struct lanes *lanes, uint32_t req, struct event *ev,
    struct err *err)
{
	usec deadline = clock_in(USEC_S(30));

	for (;;) {
		int r = lanes_reap(lanes, ev, NULL, 0, deadline, err);

		if (r < 0)
			return -1;
		if (r == 0)
			return err_set(err, ERR_RETRY, "net.timeout",
			    "the server does not answer");
		if (ev->kind == EV_LIST)
			take_folder(p, ev->lane, &ev->list);
		else if (ev->kind == EV_STATUS)
			take_status(p, &ev->status);
		else if (ev->kind == EV_LOST) {
			*err = ev->err;
			return -1;
		} else if (ev->kind == EV_DONE && ev->done.req == req)
			return 0;
	}
}

static int
by_name(const void *a, const void *b)
{
	const struct preview_folder *x = a, *y = b;
	bool ix = strcmp(x->name, "INBOX") == 0, iy = strcmp(y->name, "INBOX") == 0;

	return ix != iy ? (int)iy - (int)ix : strcmp(x->name, y->name);
}

/* Ended as it should be: else some servers keep the mailbox locked for minutes. */
static int
look_pop3(struct preview *p, struct lanes *lanes, struct lane *ln,
    struct err *err)
{
	struct event ev;
	uint32_t n;

	if (wait_done(p, lanes, pop3_stat(ln), &ev, err) < 0)
		return -1;
	if (ev.done.status != DONE_OK ||
	    !pop3_maildrop(ev.done.text, &n, &p->bytes))
		return err_set(err, ERR_PROTO, "proto.unexpected",
		    "the server does not say how much mail there is: %.*s",
		    STR_ARG(str_head(ev.done.text, 100)));
	p->messages = n;
	return wait_done(p, lanes, pop3_quit(ln), &ev, err);
}

static int
look_imap(struct preview *p, struct lanes *lanes, struct lane *ln,
    struct err *err)
{
	uint32_t last = 0;
	size_t asked = 0;
	struct event ev;

	if (wait_done(p, lanes, imap_list(ln, true), &ev, err) < 0)
		return -1;
	if (p->n > 0)
		qsort(p->folder, p->n, sizeof(*p->folder), by_name);
	/* Without LIST-STATUS one by one, in one flight. */
	for (size_t i = 0; i < p->n && asked < COUNT_MAX; i++) {
		if (p->folder[i].counted)
			continue;
		last = imap_status(ln, str_z(p->folder[i].wire));
		asked++;
	}
	return last == 0 ? 0 : wait_done(p, lanes, last, &ev, err);
}

int
preview_login(struct preview *p, const struct account_conf *conf,
    const struct secret *secret, struct err *err)
{
	struct lanes lanes = { 0 };
	struct lane *ln = connect_lane(conf, "init", -1, secret, false,
	    NULL, err);
	int rc;

	if (ln == NULL)
		return -1;
	snprintf(p->mechanism, sizeof(p->mechanism), "%s",
	    ln->ops->info(ln).mechanism);
	lanes_add(&lanes, ln);
	rc = conf->protocol == PROTOCOL_POP3 ? look_pop3(p, &lanes, ln, err) :
	    look_imap(p, &lanes, ln, err);
	lanes_close(&lanes, ln);
	return rc;
}

void
preview_clear(struct preview *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->folder[i].name);
		free(p->folder[i].wire);
	}
	free(p->folder);
	*p = (struct preview){ 0 };
}
