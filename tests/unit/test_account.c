/* test_account.c — an account without a server: what is done to its state is done as
 * a whole; its folders. */
#include "maildir_fixture.h"

#include <sqlite3.h>
#include <unistd.h>

#include "base/mem.h"
#include "engine/account.h"
#include "engine/tree.h"

#define OK(call)	assert_int_equal(call, 0)

struct at {
	struct fixture		*fixture;
	struct account_conf	 conf;
	struct account		*acc;
	char			 root[80], state[80];
};

static int
setup(void **state)
{
	struct at *t = calloc(1, sizeof(*t));
	struct err err;

	if (t == NULL || fixture_setup((void **)&t->fixture) != 0)
		return -1;
	snprintf(t->root, sizeof(t->root), "%s/mail", t->fixture->path);
	snprintf(t->state, sizeof(t->state), "%s/state", t->fixture->path);
	t->conf = (struct account_conf){ .name = (char *)"work",
	    .path = t->root, .folders = { .create_local = true } };
	t->acc = account_open(&t->conf, t->state, &err);
	*state = t;
	return t->acc != NULL ? 0 : -1;
}

static int
teardown(void **state)
{
	struct at *t = *state;

	account_close(t->acc);
	fixture_teardown((void **)&t->fixture);
	free(t);
	return 0;
}

static void
note(struct account *acc, const char *text)
{
	struct err err;

	OK(store_set(acc->store, "noted", str_z(text), &err));
}

static void
is_noted(struct account *acc, const char *text)
{
	struct err err;
	char *got;

	OK(store_get(acc->store, "noted", &got, &err));
	assert_string_equal(got, text);
	free(got);
}

static void
what_joins_is_committed_or_undone_with_the_rest(void **state)
{
	struct account *acc = ((struct at *)*state)->acc;
	struct err err;

	OK(account_join(acc, &err));
	note(acc, "first");
	OK(account_join(acc, &err));
	OK(account_end(acc, 0, &err));
	assert_false(store_in_transaction(acc->store));
	is_noted(acc, "first");
	OK(account_join(acc, &err));
	note(acc, "second");
	OK(account_join(acc, &err));
	assert_int_equal(account_end(acc, -1, &err), -1);
	assert_false(store_in_transaction(acc->store));
	is_noted(acc, "first");
}

static void
nothing_open_ends_as_nothing(void **state)
{
	struct account *acc = ((struct at *)*state)->acc;
	struct err err;

	OK(account_end(acc, 0, &err));
	assert_int_equal(account_end(acc, -1, &err), -1);
	assert_false(store_in_transaction(acc->store));
}

static struct folder *
listed(struct account *acc, const char *name)
{
	struct folder *f = account_folder_new(acc);

	f->wire = xstrdup(name);
	f->name = xstrdup(name);
	f->path = xstrdup(name);
	f->status.listed = true;
	return f;
}

/* Where its directory should be is a file. */
static void
one_that_is_only_here_and_cannot_be_made_is_told_and_kept(void **state)
{
	struct at *t = *state;
	struct account *acc = t->acc;
	struct folder *here = account_folder_new(acc);
	struct err err;

	fixture_file(t->fixture, "mail/Here", "");
	here->name = xstrdup("Here");
	here->path = xstrdup("Here");
	OK(account_begin(acc, &err));
	OK(folder_save(acc, here, &err));
	OK(account_end(acc, 0, &err));
	listed(acc, "INBOX");
	listed(acc, "Here");
	OK(tree_sync(acc, &err));
	assert_int_equal(acc->n_folders, 2);
	assert_ptr_equal(account_by_path(acc, "Here"), here);
	assert_string_equal(here->wire, "Here");
	assert_int_equal(acc->n_problems, 2);
	assert_string_equal(acc->problem[0].where, "Here");
}

static void
boot(struct account *acc)
{
	struct err err;

	OK(account_begin(acc, &err));
	OK(account_end(acc, store_set(acc->store, "boot", STR("another"), &err), &err));
}

static bool
can_open(struct at *t)
{
	struct err err;

	account_close(t->acc);
	t->acc = account_open(&t->conf, t->state, &err);
	return t->acc != NULL;
}

/* Closed and opened; ${booted}: as if the machine had been, too. */
static void
open_again(struct at *t, bool booted)
{
	if (booted)
		boot(t->acc);
	assert_true(can_open(t));
}

static void
run_sql(const struct at *t, const char *text)
{
	char *path = xasprintf("%s/work.db", t->state);
	sqlite3 *db;

	OK(sqlite3_open(path, &db));
	OK(sqlite3_exec(db, text, NULL, NULL, NULL));
	OK(sqlite3_close(db));
	free(path);
}

static void
who_ended_well_has_left_nothing_until_the_machine_is_booted(void **state)
{
	struct at *t = *state;
	struct err err;

	OK(account_delivering(t->acc, &err));
	open_again(t, false);
	assert_int_equal(t->acc->dead, 0);
	open_again(t, true);
	assert_int_equal(t->acc->dead, getpid());
	/* Until somebody has looked. */
	open_again(t, false);
	assert_int_equal(t->acc->dead, getpid());
	OK(account_buried(t->acc, &err));
	assert_int_equal(t->acc->dead, 0);
	open_again(t, false);
	assert_int_equal(t->acc->dead, 0);
	open_again(t, true);
	assert_int_equal(t->acc->dead, getpid());
}

static void
a_boot_is_noted_when_what_it_leaves_behind_is(void **state)
{
	struct at *t = *state;
	struct err err;

	OK(account_delivering(t->acc, &err));
	open_again(t, false);
	boot(t->acc);
	run_sql(t, "CREATE TRIGGER full BEFORE INSERT ON meta WHEN NEW.key = "
	    "'delivering' BEGIN SELECT RAISE(ABORT, 'not now'); END");
	assert_false(can_open(t));
	run_sql(t, "DROP TRIGGER full");
	open_again(t, false);
	assert_int_equal(t->acc->dead, getpid());
}

static void
who_delivers_while_a_dead_one_is_buried_is_the_one_that_is_noted(void **state)
{
	struct at *t = *state;
	struct err err;
	char *noted;

	t->acc->dead = 1;
	OK(account_delivering(t->acc, &err));
	OK(account_buried(t->acc, &err));
	OK(store_get(t->acc->store, "delivering", &noted, &err));
	assert_int_equal(atoi(noted), getpid());
	free(noted);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_joins_is_committed_or_undone_with_the_rest),
		TEST(nothing_open_ends_as_nothing),
		TEST(one_that_is_only_here_and_cannot_be_made_is_told_and_kept),
		TEST(who_ended_well_has_left_nothing_until_the_machine_is_booted),
		TEST(a_boot_is_noted_when_what_it_leaves_behind_is),
		TEST(who_delivers_while_a_dead_one_is_buried_is_the_one_that_is_noted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
