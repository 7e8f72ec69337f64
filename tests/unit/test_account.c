/* test_account.c — what is done to an account's state is done as a whole. */
#include "maildir_fixture.h"

#include "engine/account.h"

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
	    .path = t->root };
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
	char *got = store_get(acc->store, "noted");

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

#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_joins_is_committed_or_undone_with_the_rest),
		TEST(nothing_open_ends_as_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
