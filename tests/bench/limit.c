/*
 * limit.c — what the machine and the wire allow: the same work, done by a program
 * that keeps nothing and decides nothing.
 *
 *	limit login  PORT USER PASS		log in and out
 *	limit fetch  PORT USER PASS BOX...	all of each, thrown away
 *	limit append PORT USER PASS BOX DIR	the files of DIR, one MULTIAPPEND
 *	limit files  SIZES DIR			files of these sizes, into a Maildir,
 *						synced in batches
 *
 * TLS on 127.0.0.1 without verification; everything is sent in one flight after
 * the greeting.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PART = 1 << 18, BATCH = 256 };

static char part[PART];

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

static SSL *
dial(const char *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	SSL *ssl = SSL_new(SSL_CTX_new(TLS_client_method()));
	int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

	a.sin_port = htons((uint16_t)atoi(port));
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		die("connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	SSL_set_fd(ssl, fd);
	if (SSL_connect(ssl) != 1 || SSL_read(ssl, part, PART) <= 0)
		die("TLS and greeting");
	return ssl;
}

static void
send_all(SSL *ssl, const char *p, size_t n)
{
	while (n > 0) {
		int done = SSL_write(ssl, p, n < PART ? (int)n : PART);

		if (done <= 0)
			die("send");
		p += done;
		n -= (size_t)done;
	}
}

__attribute__((format(printf, 2, 3))) static void
say(SSL *ssl, const char *fmt, ...)
{
	char line[4096];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	send_all(ssl, line, (size_t)n);
}

static void
read_to_end(SSL *ssl)
{
	while (SSL_read(ssl, part, PART) > 0)
		;
}

static SSL *
login(char *argv[])
{
	SSL *ssl = dial(argv[0]);

	say(ssl, "a LOGIN \"%s\" \"%s\"\r\n", argv[1], argv[2]);
	return ssl;
}

/* The file with CRLF line ends, as a literal that does not wait. */
static void
append_file(SSL *ssl, int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY);
	struct stat st;
	char *in, *out, *to;

	if (fd < 0 || fstat(fd, &st) < 0)
		die(name);
	in = malloc((size_t)st.st_size + 1);
	to = out = malloc(2 * (size_t)st.st_size + 1);
	if (in == NULL || out == NULL ||
	    read(fd, in, (size_t)st.st_size) != st.st_size)
		die(name);
	close(fd);
	for (const char *p = in, *end = in + st.st_size; p < end;) {
		const char *lf = memchr(p, '\n', (size_t)(end - p));
		size_t n = (size_t)((lf != NULL ? lf : end) - p);

		memcpy(to, p, n);
		to += n;
		p += n;
		if (lf != NULL) {
			*to++ = '\r';
			*to++ = '\n';
			p++;
		}
	}
	say(ssl, " () {%zu+}\r\n", (size_t)(to - out));
	send_all(ssl, out, (size_t)(to - out));
	free(in);
	free(out);
}

static void
append(SSL *ssl, const char *box, const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *e;

	if (dir == NULL)
		die(path);
	say(ssl, "b APPEND \"%s\"", box);
	while ((e = readdir(dir)) != NULL)
		if (e->d_name[0] != '.')
			append_file(ssl, dirfd(dir), e->d_name);
	closedir(dir);
	say(ssl, "\r\n");
}

static void
write_file(int dir, unsigned long i, size_t n)
{
	char name[32];
	int fd;

	snprintf(name, sizeof(name), "%lu", i);
	fd = openat(dir, name, O_CREAT | O_EXCL | O_WRONLY, 0600);
	if (fd < 0)
		die(name);
	while (n > 0) {
		size_t now = n < PART ? n : PART;

		if (write(fd, part, now) != (ssize_t)now)
			die("write");
		n -= now;
	}
	close(fd);
}

static void
place(int tmp, int new, unsigned long from, unsigned long to)
{
	char name[32];

	if (syncfs(tmp) < 0)
		die("syncfs");
	for (; from < to; from++) {
		snprintf(name, sizeof(name), "%lu", from);
		if (renameat(tmp, name, new, name) < 0)
			die(name);
	}
	if (fsync(new) < 0 || fsync(tmp) < 0)
		die("fsync");
}

static int
subdir(const char *path, const char *name)
{
	char all[4096];
	int fd;

	mkdir(path, 0700);
	snprintf(all, sizeof(all), "%s/%s", path, name);
	mkdir(all, 0700);
	fd = open(all, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		die(all);
	return fd;
}

static int
files(const char *sizes, const char *path)
{
	FILE *f = fopen(sizes, "r");
	int tmp = subdir(path, "tmp"), new = subdir(path, "new");
	unsigned long i = 0, placed = 0;
	size_t n;

	if (f == NULL)
		die(sizes);
	for (size_t k = 0; k < PART; k++)
		part[k] = (char)(k * 2654435761U >> 13);
	for (; fscanf(f, "%zu", &n) == 1; i++) {
		if (i - placed == BATCH) {
			place(tmp, new, placed, i);
			placed = i;
		}
		write_file(tmp, i, n);
	}
	place(tmp, new, placed, i);
	return 0;
}

int
main(int argc, char *argv[])
{
	const char *verb = argc > 1 ? argv[1] : "";
	SSL *ssl;

	if (argc == 4 && strcmp(verb, "files") == 0)
		return files(argv[2], argv[3]);
	if (argc < 5) {
		fprintf(stderr, "usage: limit login|fetch|append|files ...\n");
		return 2;
	}
	ssl = login(argv + 2);
	if (strcmp(verb, "fetch") == 0)
		for (int i = 5; i < argc; i++)
			say(ssl, "b EXAMINE \"%s\"\r\nc UID FETCH 1:* (FLAGS "
			    "INTERNALDATE BODY.PEEK[])\r\n", argv[i]);
	else if (strcmp(verb, "append") == 0 && argc == 7)
		append(ssl, argv[5], argv[6]);
	say(ssl, "z LOGOUT\r\n");
	read_to_end(ssl);
	return 0;
}
