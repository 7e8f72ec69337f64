/*
 * limit.c — what the machine and the wire allow: the same work, done by a program
 * that keeps nothing and decides nothing.
 *
 *	limit login  PORT USER PASS		log in and out
 *	limit fetch  PORT USER PASS BOX...	all of each, thrown away
 *	limit append PORT USER PASS BOX DIR	the files of DIR, one MULTIAPPEND
 *	limit moved  PORT USER PASS FROM TO N	what is in FROM still, and who the
 *						last N of TO are
 *	limit move   PORT USER PASS FROM TO N	the first N
 *	limit files  SIZES DIR			files of these sizes, into a Maildir,
 *						synced in batches
 *	limit rename FROM TO			all files of a directory, synced
 *
 * TLS on 127.0.0.1 without verification; everything after the challenge of
 * SCRAM is sent in one flight.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
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
static char client_first[256];

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

/* Nobody is let in with less than "a OK". */
static void
read_to_end(SSL *ssl)
{
	bool in = false;
	int n;

	while ((n = SSL_read(ssl, part, PART - 1)) > 0) {
		part[n] = '\0';
		in = in || strstr(part, "a OK") != NULL;
	}
	if (!in) {
		fprintf(stderr, "not signed in\n");
		exit(1);
	}
}

/* HMAC-SHA-256 of ${text}. */
static void
mac(const unsigned char *key, size_t n, const char *text, unsigned char *out)
{
	unsigned int size;

	if (HMAC(EVP_sha256(), key, (int)n, (const unsigned char *)text,
	    strlen(text), out, &size) == NULL)
		die("HMAC");
}

static void
base64(const void *p, size_t n, char *out)
{
	EVP_EncodeBlock((unsigned char *)out, p, (int)n);
}

/* "r=...,s=...,i=..." as it came; the client's final message into ${out}. */
static void
scram_answer(const char *first, const char *pass, char out[1024])
{
	unsigned char raw[256], salted[32], key[32], stored[32], sign[32];
	char nonce[256], salt64[256], bare[768], all[2048], proof[64];
	int n, iterations;

	if (sscanf(first, "r=%255[^,],s=%255[^,],i=%d", nonce, salt64,
	    &iterations) != 3)
		die("the challenge");
	n = EVP_DecodeBlock(raw, (unsigned char *)salt64, (int)strlen(salt64));
	for (size_t i = strlen(salt64); i > 0 && salt64[i - 1] == '='; i--)
		n--;
	PKCS5_PBKDF2_HMAC(pass, (int)strlen(pass), raw, n, iterations,
	    EVP_sha256(), sizeof(salted), salted);
	mac(salted, sizeof(salted), "Client Key", key);
	SHA256(key, sizeof(key), stored);
	snprintf(bare, sizeof(bare), "c=biws,r=%s", nonce);
	snprintf(all, sizeof(all), "%s,%s,%s", client_first, first, bare);
	mac(stored, sizeof(stored), all, sign);
	for (size_t i = 0; i < sizeof(key); i++)
		key[i] ^= sign[i];
	base64(key, sizeof(key), proof);
	snprintf(out, 1024, "%s,p=%s", bare, proof);
}

/* By SCRAM-SHA-256, as a client does who takes the best: its two challenges, and the
 * server's key, are part of what signing in costs. */
static SSL *
login(char *argv[])
{
	SSL *ssl = dial(argv[0]);
	char text[1024], line[1500], first[1024];
	int n;

	snprintf(client_first, sizeof(client_first), "n=%s,r=once", argv[1]);
	snprintf(text, sizeof(text), "n,,%s", client_first);
	base64(text, strlen(text), line);
	say(ssl, "a AUTHENTICATE SCRAM-SHA-256 %s\r\n", line);
	n = SSL_read(ssl, line, sizeof(line) - 1);
	if (n < 4 || line[0] != '+')
		die("AUTHENTICATE");
	line[n - 2] = '\0';
	n = EVP_DecodeBlock((unsigned char *)first, (unsigned char *)line + 2, n - 4);
	first[n] = '\0';
	scram_answer(first, argv[2], text);
	base64(text, strlen(text), line);
	say(ssl, "%s\r\n\r\n", line);
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

static int
rename_all(const char *from, const char *to)
{
	DIR *old = opendir(from), *new = opendir(to);
	const struct dirent *e;

	if (old == NULL || new == NULL)
		die("opendir");
	while ((e = readdir(old)) != NULL)
		if (e->d_name[0] != '.' && renameat(dirfd(old), e->d_name,
		    dirfd(new), e->d_name) < 0)
			die(e->d_name);
	if (fsync(dirfd(new)) < 0 || fsync(dirfd(old)) < 0)
		die("fsync");
	return 0;
}

int
main(int argc, char *argv[])
{
	const char *verb = argc > 1 ? argv[1] : "";
	SSL *ssl;

	if (argc == 4 && strcmp(verb, "files") == 0)
		return files(argv[2], argv[3]);
	if (argc == 4 && strcmp(verb, "rename") == 0)
		return rename_all(argv[2], argv[3]);
	if (argc < 5) {
		fprintf(stderr, "usage: limit VERB ...\n");
		return 2;
	}
	ssl = login(argv + 2);
	if (strcmp(verb, "fetch") == 0)
		for (int i = 5; i < argc; i++)
			say(ssl, "b EXAMINE \"%s\"\r\nc UID FETCH 1:* (FLAGS "
			    "INTERNALDATE BODY.PEEK[])\r\n", argv[i]);
	else if (strcmp(verb, "append") == 0 && argc == 7)
		append(ssl, argv[5], argv[6]);
	else if (strcmp(verb, "moved") == 0 && argc == 8)
		say(ssl, "b EXAMINE \"%s\"\r\nc UID SEARCH ALL\r\n"
		    "d EXAMINE \"%s\"\r\ne FETCH %d:* (UID FLAGS BODY.PEEK"
		    "[HEADER.FIELDS (MESSAGE-ID)])\r\n", argv[5], argv[6],
		    atoi(argv[7]) + 1);
	else if (strcmp(verb, "move") == 0 && argc == 8)
		say(ssl, "b SELECT \"%s\"\r\nc MOVE 1:%d \"%s\"\r\n", argv[5],
		    atoi(argv[7]), argv[6]);
	say(ssl, "z LOGOUT\r\n");
	read_to_end(ssl);
	return 0;
}
