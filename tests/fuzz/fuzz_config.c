/*
 * fuzz_config.c — any bytes as syncd.yaml.  Either there is a configuration or a
 * diagnosis says why not; both can be shown; an account that goes to a worker
 * arrives there as it was.  The words of scalars, too, come back as they were
 * shown.
 */
#include "fuzz.h"

#include <jansson.h>

#include "conf_json.h"
#include "config.h"
#include "diag.h"
#include "scalar.h"

static FILE *nowhere;

static void
check_account(const struct account_conf *a)
{
	json_t *json = account_conf_to_json(a), *again;
	struct account_conf *back;
	struct err err;

	back = account_conf_from_json(json, &err);
	must(back != NULL);
	again = account_conf_to_json(back);
	must(json_equal(json, again) && account_conf_equal(a, back));
	account_conf_free(back);
	json_decref(again);
	json_decref(json);
}

static void
check_file(const char *path)
{
	struct diags diags;
	struct conf *conf;
	json_t *json;

	diags_init(&diags);
	conf = config_load(path, &diags);
	must((conf == NULL) == (diags.n_errors > 0));
	diags_print(&diags, nowhere, true);
	json = diags_json(&diags);
	must(json_array_size(json) == diags.n);
	json_decref(json);
	for (size_t i = 0; i < diags.n; i++)
		must(diags.v[i].code != NULL && diags.v[i].text != NULL);
	if (conf != NULL) {
		config_show(conf, NULL, nowhere);
		json_decref(config_show_json(conf, NULL));
		for (size_t i = 0; i < conf->n_accounts; i++)
			check_account(&conf->account[i]);
	}
	config_free(conf);
	diags_clear(&diags);
}

static void
check_scalar(struct str s)
{
	char text[SCALAR_TEXT_MAX], more[SCALAR_TEXT_MAX];
	struct scalar_schedule when;
	struct policy policy, same;
	int64_t size, n;
	usec t, again;
	bool yes;

	if (scalar_bool(s, &yes))
		must(s.n <= 5);
	if (scalar_version(s, &n))
		must(n >= 0);
	if (scalar_schedule(s, &when))
		must(when.every >= 0 && when.from >= 0 && when.until >= 0);
	if (scalar_duration(s, &t)) {
		scalar_fmt_duration(t, text);
		must(scalar_duration(str_z(text), &again) && again == t);
	}
	if (scalar_size(s, &size)) {
		scalar_fmt_size(size, text);
		must(scalar_size(str_z(text), &n) && n == size);
	}
	if (scalar_policy(s, &policy)) {
		scalar_fmt_policy(&policy, text);
		must(scalar_policy(str_z(text), &same));
		scalar_fmt_policy(&same, more);
		must(strcmp(text, more) == 0);
	}
}

static void
check_path(struct str s)
{
	char *z = str_dup(s), missing[SCALAR_TEXT_MAX], *expanded, *path;

	expanded = scalar_expand(z, missing);
	path = scalar_path(expanded != NULL ? expanded : z, "/home/ann");
	must(path[0] == '/');
	free(path);
	free(expanded);
	free(z);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static int dir = -1;
	static char path[128];
	struct str in = { (const char *)p, n };

	if (dir < 0) {
		nowhere = fopen("/dev/null", "w");
		dir = open(fuzz_dir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		must(dir >= 0 && nowhere != NULL);
		snprintf(path, sizeof(path), "%s/syncd.yaml", fuzz_dir());
	}
	/* A pattern may name all files of this machine: not what is tried here. */
	if (memmem(p, n, "include", 7) != NULL && memchr(p, '*', n) != NULL)
		return 0;
	check_scalar(in);
	check_path(in);
	fuzz_file(dir, "syncd.yaml", in);
	check_file(path);
	return 0;
}
