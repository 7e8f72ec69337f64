/*
 * test_script_gmime.c — our reading of headers against GMime's, over a tree of real
 * and odd messages ($SYNCD_CORPUS, else tests/corpus).
 *
 * The two may differ where a message is broken; what is counted is how often they
 * agree on what both find, and that neither falls.
 */
#include "cmocka_all.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <gmime/gmime.h>

#include "base/attr.h"
#include "plugins/mail.h"

static struct {
	size_t	files, subjects, subjects_same, froms, froms_same, dates, dates_same,
		lists, lists_same, ids, ids_same;
} seen;

static GMimeMessage *
parse(int fd)
{
	GMimeStream *stream = g_mime_stream_fs_new_with_bounds(fd, 0, -1);
	GMimeParser *parser = g_mime_parser_new_with_stream(stream);
	GMimeMessage *message;

	g_mime_stream_fs_set_owner(GMIME_STREAM_FS(stream), FALSE);
	message = g_mime_parser_construct_message(parser, NULL);
	g_object_unref(parser);
	g_object_unref(stream);
	return message;
}

/* Runs of white space are one blank, and replacement characters are what a
 * broken byte became. */
static void
squeeze(const char *in, size_t n, char *out)
{
	size_t o = 0;

	for (size_t i = 0; i < n && o < 990; i++) {
		bool blank = strchr(" \t\r\n", in[i]) != NULL;

		if (blank && (o == 0 || out[o - 1] == ' '))
			continue;
		out[o++] = blank ? ' ' : in[i];
	}
	while (o > 0 && out[o - 1] == ' ')
		o--;
	out[o] = '\0';
}

static bool
same(struct str ours, const char *theirs, const char *path, const char *what)
{
	char a[1000], b[1000];

	squeeze(ours.p != NULL ? ours.p : "", ours.n, a);
	squeeze(theirs, strlen(theirs), b);
	if (strcmp(a, b) != 0 && getenv("SHOW") != NULL)
		printf("%s: %s\n  ours   %s\n  theirs %s\n", path, what, a, b);
	return strcmp(a, b) == 0;
}

static void
compare(struct mail *m, GMimeMessage *message, const char *path)
{
	const char *subject = g_mime_message_get_subject(message);
	const char *id = g_mime_message_get_message_id(message);
	InternetAddressList *from = g_mime_message_get_from(message);
	InternetAddress *first = from != NULL ?
	    internet_address_list_get_address(from, 0) : NULL;
	GDateTime *date = g_mime_message_get_date(message);
	const struct addrs *ours = mail_list(m, MAIL_FROM);
	int64_t t;

	if (subject != NULL && mail_text(m, MAIL_SUBJECT).n > 0) {
		seen.subjects++;
		seen.subjects_same += same(mail_text(m, MAIL_SUBJECT), subject,
		    path, "subject");
	}
	if (first != NULL && INTERNET_ADDRESS_IS_MAILBOX(first) && ours->n > 0) {
		const char *addr = internet_address_mailbox_get_addr(
		    INTERNET_ADDRESS_MAILBOX(first));

		seen.froms++;
		seen.froms_same += addr != NULL && ours->v[0].addr.n > 0 &&
		    str_ieq(ours->v[0].addr, str_z(addr));
		if (addr != NULL && !str_ieq(ours->v[0].addr, str_z(addr)))
			(void)same(ours->v[0].addr, addr, path, "from");
	}
	if (id != NULL && mail_text(m, MAIL_MESSAGE_ID).n > 0) {
		seen.ids++;
		seen.ids_same += same(mail_text(m, MAIL_MESSAGE_ID), id, path, "id");
	}
	if (date != NULL && mail_sent(m, &t)) {
		seen.dates++;
		seen.dates_same += t == g_date_time_to_unix(date);
	}
}

static int
visit(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	struct arena a = { 0 };
	struct mail m;
	GMimeMessage *message;
	int fd;

	(void)ftw;
	if (type != FTW_F || st->st_size > 4 << 20)
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	seen.files++;
	mail_init(&m, &a, NULL, fd);
	for (int i = 0; i < MAIL_TEXTS; i++)
		(void)mail_text(&m, (enum mail_text)i);
	for (int i = 0; i < MAIL_LISTS; i++)
		(void)mail_list(&m, (enum mail_list)i);
	(void)mail_bits(&m);
	message = parse(fd);
	if (message != NULL) {
		compare(&m, message, path);
		g_object_unref(message);
	}
	arena_clear(&a);
	close(fd);
	return 0;
}

static void
we_read_headers_as_gmime_does(void **state)
{
	const char *tree = getenv("SYNCD_CORPUS");

	(void)state;
	g_mime_init();
	assert_int_equal(nftw(tree != NULL && tree[0] != '\0' ? tree :
	    "tests/corpus", visit, 20, FTW_PHYS), 0);
	printf("%zu files; same: subject %zu of %zu, from %zu of %zu, "
	    "message-id %zu of %zu, date %zu of %zu\n", seen.files,
	    seen.subjects_same, seen.subjects, seen.froms_same, seen.froms,
	    seen.ids_same, seen.ids, seen.dates_same, seen.dates);
	assert_true(seen.files > 300 && seen.subjects > 200);
	/* Broken charsets and unterminated words are read differently. */
	assert_true(seen.subjects_same * 100 >= seen.subjects * 97);
	assert_true(seen.froms_same * 100 >= seen.froms * 97);
	assert_true(seen.ids_same * 100 >= seen.ids * 97);
	assert_true(seen.dates_same * 100 >= seen.dates * 97);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(we_read_headers_as_gmime_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
