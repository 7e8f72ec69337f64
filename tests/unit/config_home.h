/*
 * config_home.h — a home directory to write configurations into, and to load them
 * from; for the tests of the loader.
 */
#ifndef TEST_CONFIG_HOME_H
#define TEST_CONFIG_HOME_H

#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/attr.h"
#include "base/mem.h"
#include "scratch.h"

#define GOOD	"host: h.example, user: u, password_command: x"
#define ACCOUNT	"accounts:\n  a:\n    host: h.example\n    user: u\n" \
		"    password_command: x\n"

static char home[] = "/tmp/test_config.XXXXXX";

static inline char *
in_home(const char *name)
{
	return xasprintf("%s/%s", home, name);
}

static inline void
write_file(const char *name, const char *text)
{
	char *path = in_home(name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0600), 0);
	free(path);
}

static inline void
make_dir(const char *name)
{
	char *path = in_home(name);

	assert_int_equal(mkdir(path, 0700), 0);
	free(path);
}

/* Load ${text} as ~/syncd.yaml. */
static inline struct conf *
load(const char *text, struct diags *diags)
{
	char *path = in_home("syncd.yaml");

	write_file("syncd.yaml", text);
	diags_init(diags);
	struct conf *conf = config_load(path, diags);
	free(path);
	return conf;
}

static inline char *
rendered(const struct diags *diags)
{
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	diags_print(diags, f, false);
	fclose(f);
	return text;
}

static inline int
set_up(void **state)
{
	(void)state;
	if (mkdtemp(home) == NULL || setenv("HOME", home, 1) == -1)
		return -1;
	unsetenv("XDG_CONFIG_HOME");
	unsetenv("XDG_STATE_HOME");
	unsetenv("XDG_RUNTIME_DIR");
	unsetenv("SYNCD_CONFIG");
	setenv("TEST_LATIN1", "\xe9t\xe9", 1);
	return 0;
}

static inline int
tear_down(void **state)
{
	(void)state;
	return scratch_remove(home);
}

#endif
