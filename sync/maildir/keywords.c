/*
 * keywords.c — "dovecot-keywords": letters a-z in file names, and their names.
 * Dovecot reads the file while it holds its own lock; as we leave no locks in a
 * Maildir, it is replaced whole, and read again just before.
 */
#include "maildir/keywords.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/num.h"
#include "maildir/at.h"
#include "maildir/name.h"

#define FILE_NAME	"dovecot-keywords"

enum { N_LETTERS = 26, FILE_MAX = 64 * 1024 };

void
kwfile_clear(struct kwfile *k)
{
	for (size_t i = 0; i < N_LETTERS; i++)
		free(k->name[i]);
	*k = (struct kwfile){ 0 };
}

/* The slot of ${name}, or -1. */
static int
find(const struct kwfile *k, struct str name)
{
	for (int i = 0; i < N_LETTERS; i++)
		if (k->name[i] != NULL && str_ieq(str_z(k->name[i]), name))
			return i;
	return -1;
}

/* The first slot that neither a name nor a nameless letter of a file uses. */
static int
find_free(const struct kwfile *k)
{
	for (int i = 0; i < N_LETTERS; i++)
		if (k->name[i] == NULL && (k->nameless >> i & 1) == 0)
			return i;
	return -1;
}

static bool
is_forwarded(const char *name)
{
	return name != NULL && str_ieq(str_z(name), STR("$Forwarded"));
}

static void
parse_line(struct kwfile *k, struct str line)
{
	struct str number = str_split(&line, ' ');
	uint32_t i;

	line = str_trim(line);
	if (!num_u32(number, 0, N_LETTERS - 1, &i) || line.n == 0 ||
	    line.n > KW_NAME_MAX || k->name[i] != NULL)
		return;
	for (size_t c = 0; c < line.n; c++)
		if ((unsigned char)line.p[c] <= 0x20 || line.p[c] == 0x7f)
			return;
	k->name[i] = str_dup(line);
}

static int
read_all(int fd, struct buf *b)
{
	for (;;) {
		uint8_t *room = buf_room(b, 4096);
		ssize_t n;

		if (room == NULL) {
			errno = EFBIG;
			return -1;
		}
		n = read(fd, room, 4096);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return (int)n;
		b->n += (size_t)n;
	}
}

int
kwfile_read(int folder_fd, struct kwfile *k, struct err *err)
{
	CLEANUP(buf_clear) struct buf b;
	struct str text;
	int rc, fd = openat(folder_fd, FILE_NAME,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	*k = (struct kwfile){ 0 };
	buf_init(&b, FILE_MAX);
	if (fd < 0)
		return errno == ENOENT ? 0 :
		    at_fail(err, ERR_FOLDER, "open " FILE_NAME);
	rc = read_all(fd, &b);
	if (rc != 0)
		at_fail(err, ERR_FOLDER, "read " FILE_NAME);
	close(fd);
	if (rc != 0)
		return -1;
	text = buf_str(&b);
	while (text.n > 0)
		parse_line(k, str_split(&text, '\n'));
	return 0;
}

/* Bring the names of ${ours} that ${disk} lacks into it: under their number if
 * that is still free there, else under another. */
static void
merge(struct kwfile *disk, const struct kwfile *ours)
{
	disk->nameless = ours->nameless;
	for (int i = 0; i < N_LETTERS; i++) {
		int slot = i;

		if (ours->name[i] == NULL ||
		    find(disk, str_z(ours->name[i])) >= 0)
			continue;
		if (disk->name[i] != NULL)
			slot = find_free(disk);
		if (slot < 0)
			continue;
		disk->name[slot] = xstrdup(ours->name[i]);
		disk->dirty = true;
	}
}

/* ${text} as the file, by way of a file in tmp/, where a leftover is cleaned. */
static int
replace(int folder_fd, struct str text)
{
	char temp[MNAME_UNIQUE_MAX];
	int tmp = at_tmp(folder_fd), fd = -1, rc = -1, saved;

	mname_unique(temp);
	if (tmp >= 0)
		fd = openat(tmp, temp,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0 && write(fd, text.p, text.n) == (ssize_t)text.n &&
	    fsync(fd) == 0 &&
	    renameat(tmp, temp, folder_fd, FILE_NAME) == 0)
		rc = fsync(folder_fd);
	saved = errno;
	if (fd >= 0) {
		if (rc != 0)
			(void)unlinkat(tmp, temp, 0);
		close(fd);
	}
	if (tmp >= 0)
		close(tmp);
	errno = saved;
	return rc;
}

int
kwfile_write(int folder_fd, struct kwfile *k, struct err *err)
{
	CLEANUP(buf_clear) struct buf b;
	struct kwfile disk;

	buf_init(&b, FILE_MAX);
	if (!k->dirty)
		return 0;
	if (kwfile_read(folder_fd, &disk, err) != 0)
		return -1;
	merge(&disk, k);
	for (int i = 0; i < N_LETTERS; i++)
		if (disk.name[i] != NULL)
			must(buf_fmt(&b, "%d %s\n", i, disk.name[i]) == 0);
	if (disk.dirty && replace(folder_fd, buf_str(&b)) != 0) {
		at_fail(err, ERR_FOLDER, "replace " FILE_NAME);
		kwfile_clear(&disk);
		return -1;
	}
	kwfile_clear(k);
	*k = disk;
	k->dirty = false;
	return 0;
}

uint64_t
kwfile_to_bits(const struct kwfile *k, struct str letters, struct kwtab *t)
{
	uint64_t bits = 0;

	for (size_t i = 0; i < letters.n; i++) {
		char c = letters.p[i];
		const char *name = c >= 'a' && c <= 'z' ? k->name[c - 'a'] : NULL;
		int bit = -1;

		if (name != NULL && !is_forwarded(name))
			bit = kwtab_bit(t, str_z(name));
		if (bit >= 0)
			bits |= (uint64_t)1 << bit;
	}
	return bits;
}

uint64_t
kwfile_to_letters(struct kwfile *k, uint64_t bits, const struct kwtab *t,
    char out[27])
{
	bool has[N_LETTERS] = { false };
	size_t n = 0;

	for (size_t bit = 0; bit < t->n; bit++) {
		int i;

		if ((bits >> bit & 1) == 0)
			continue;
		i = find(k, str_z(t->name[bit]));
		if (i < 0 && (i = find_free(k)) >= 0) {
			k->name[i] = xstrdup(t->name[bit]);
			k->dirty = true;
		}
		if (i < 0)
			continue;
		has[i] = true;
		bits &= ~((uint64_t)1 << bit);
	}
	for (int i = 0; i < N_LETTERS; i++)
		if (has[i])
			out[n++] = (char)('a' + i);
	out[n] = '\0';
	return bits;
}

uint64_t
kwfile_shown(const struct kwfile *k, uint64_t bits, const struct kwtab *t)
{
	uint64_t shown = 0;

	for (size_t bit = 0; bit < t->n; bit++)
		if ((bits >> bit & 1) != 0 && find(k, str_z(t->name[bit])) >= 0)
			shown |= (uint64_t)1 << bit;
	return shown;
}

void
kwfile_note(struct kwfile *k, struct str letters)
{
	for (size_t i = 0; i < letters.n; i++) {
		char c = letters.p[i];

		if (c >= 'a' && c <= 'z' && k->name[c - 'a'] == NULL)
			k->nameless |= (uint32_t)1 << (c - 'a');
	}
}

bool
kwfile_known(const struct kwfile *k, char letter)
{
	return letter >= 'a' && letter <= 'z' && k->name[letter - 'a'] != NULL &&
	    (k->nameless >> (letter - 'a') & 1) == 0;
}

char
kwfile_forwarded(const struct kwfile *k)
{
	for (int i = 0; i < N_LETTERS; i++)
		if (is_forwarded(k->name[i]))
			return (char)('a' + i);
	return '\0';
}
