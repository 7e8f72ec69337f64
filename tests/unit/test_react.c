/* test_react.c — what hooks are handed, and what a sender can not do to them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/attr.h"
#include "base/clock.h"
#include "react.h"
#include "react_conf.h"

enum { WORDS = 6 };

static const struct {
	const char	*name;
	const char	*run[WORDS], *want[WORDS];
	const char	*subject;
} argvs[] = {
	{ "plain", { "notify-send", "{subject}" }, { "notify-send", "hello" },
	    "hello" },
	{ "in the middle", { "n", "a {subject} b" }, { "n", "a x b" }, "x" },
	{ "one argument, whatever is in it", { "n", "{subject}" },
	    { "n", "a b; rm -rf \"$(id)\" `id`" },
	    "a b; rm -rf \"$(id)\" `id`" },
	{ "no option", { "n", "{subject}" }, { "n", " --hint=x" }, "--hint=x" },
	{ "after --", { "n", "--", "{subject}" }, { "n", "--", "-x" }, "-x" },
	{ "after =", { "n", "--text={subject}" }, { "n", "--text=-x" }, "-x" },
	{ "no controls", { "n", "{subject}" }, { "n", "a?b?c" },
	    "a\x1b" "b\nc" },
	{ "no placeholder of its own", { "n", "{subject}" }, { "n", "{account}" },
	    "{account}" },
	{ "unknown is empty", { "n", "<{nothing}>" }, { "n", "<>" }, "x" },
	{ "a brace alone", { "n", "{subject} {" }, { "n", "x {" }, "x" },
	{ "a number", { "n", "{uid}" }, { "n", "7" }, "x" },
	{ "a shell line is left alone", { "echo {subject}" },
	    { "echo {subject}" }, "x" }
};

static void
test_placeholders_stay_in_their_argument(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(argvs); i++) {
		struct react_conf conf = { 0 };
		struct strlist argv;
		json_t *batch = json_pack("[{s:s, s:s, s:i}]", "account", "work",
		    "subject", argvs[i].subject, "uid", 7);
		size_t n = 0;

		for (; n < WORDS && argvs[i].run[n] != NULL; n++)
			strlist_add(&conf.run, argvs[i].run[n]);
		react_argv(&conf, batch, &argv);
		assert_int_equal(argv.n, n);
		for (size_t k = 0; k < n; k++)
			if (strcmp(argv.v[k], argvs[i].want[k]) != 0)
				fail_msg("%s: %s", argvs[i].name, argv.v[k]);
		strlist_clear(&argv);
		strlist_clear(&conf.run);
		json_decref(batch);
	}
}

static const struct {
	const char	*text;
	size_t		 n;		/* 0: no rate */
	usec		 per;
} rates[] = {
	{ "5/1m", 5, USEC_S(60) }, { "1/10s", 1, USEC_S(10) },
	{ "60/1d", 60, USEC_S(86400) }, { "61/1d", 0, 0 }, { "0/1m", 0, 0 },
	{ "5", 0, 0 }, { "5/", 0, 0 }, { "/1m", 0, 0 }, { "5/0", 0, 0 },
	{ "", 0, 0 }, { "-1/1m", 0, 0 }, { "5/1m/2", 0, 0 }
};

static void
test_markup_is_nobodys_but_ours(void **state)
{
	struct react_conf conf = { .markup = true };
	struct strlist argv;
	json_t *batch = json_pack("[{s:s}]", "subject",
	    "<a href=\"x\">A&B</a>");

	(void)state;
	strlist_add(&conf.run, "n");
	strlist_add(&conf.run, "{subject}");
	strlist_add(&conf.run, "<b>{subject}</b>");
	react_argv(&conf, batch, &argv);
	assert_int_equal(argv.n, 3);
	assert_string_equal(argv.v[1], "<a href=\"x\">A&B</a>");
	assert_string_equal(argv.v[2],
	    "<b>&lt;a href=\"x\"&gt;A&amp;B&lt;/a&gt;</b>");
	strlist_clear(&argv);
	strlist_clear(&conf.run);
	json_decref(batch);
}

static void
test_rates(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rates); i++) {
		size_t n = 0;
		usec per = 0;
		bool is = react_rate(rates[i].text, &n, &per);

		if (is != (rates[i].n > 0) || (is && (n != rates[i].n ||
		    per != rates[i].per)))
			fail_msg("%s", rates[i].text);
	}
}

static void
happen(struct react *r, struct events *e)
{
	events_take_add(e, "mail.changed", json_object());
	react_hear(r, e);
}

/* The hook of ${conf} runs, because something happened. */
static struct events *
begin(struct react *r, const struct conf *conf)
{
	struct events *e = calloc(1, sizeof(*e));

	assert_non_null(e);
	react_init(r, conf, 0);
	happen(r, e);
	react_step(r);
	assert_true(r->v[0].running);
	return e;
}

static void
end(struct react *r, struct events *e)
{
	react_clear(r);
	events_clear(e);
	free(e);
}

/* A hook that asks to be run again (the index is locked) is, whatever goes on: while
 * a first sync has news every moment, that must not wait until it is over. */
static void
test_news_do_not_put_a_retry_off(void **state)
{
	static char *events[] = { "mail.changed" }, *run[] = { "exit 75" },
	    *codes[] = { "75" };
	struct react_conf hook = { .events = { .v = events, .n = 1 },
	    .run = { .v = run, .n = 1 }, .retry_on = { .v = codes, .n = 1 },
	    .timeout = USEC_S(60) };
	struct conf conf = { .react = &hook, .n_reacts = 1 };
	struct events *e;
	struct react r;
	usec due;
	int status;

	(void)state;
	e = begin(&r, &conf);
	assert_int_equal(waitpid(r.v[0].command.pid, &status, 0),
	    r.v[0].command.pid);
	assert_true(react_reaped(&r, r.v[0].command.pid, status));
	react_step(&r);
	assert_false(r.v[0].running);
	due = react_deadline(&r);
	assert_true(due < clock_in(USEC_S(60)));
	hook.debounce = USEC_S(3600);
	happen(&r, e);
	assert_int_equal(react_deadline(&r), due);
	end(&r, e);
}

static bool
has_ended(pid_t pid)
{
	int status;

	return waitpid(pid, &status, WNOHANG) == pid;
}

/* A reload because of something else: what runs goes on, and what happened meanwhile
 * is still told.  One that is another now is ended. */
static void
test_reload_leaves_a_hook_alone_that_did_not_change(void **state)
{
	static char *events[] = { "mail.changed" }, *run[] = { "exec sleep 600" };
	struct react_conf hook = { .events = { .v = events, .n = 1 },
	    .run = { .v = run, .n = 1 }, .timeout = USEC_S(60) }, other = hook;
	struct react_conf same[2] = { { .events = { .v = events, .n = 1 },
	    .run = { .v = events, .n = 1 } }, hook };
	struct conf conf = { .react = &hook, .n_reacts = 1 };
	struct events *e;
	struct react r;
	pid_t pid;

	(void)state;
	e = begin(&r, &conf);
	pid = r.v[0].command.pid;
	happen(&r, e);
	/* Nobody has heard of this one yet. */
	events_take_add(e, "mail.changed", json_object());
	conf = (struct conf){ .react = same, .n_reacts = 2 };
	react_renew(&r, &conf);
	react_hear(&r, e);
	assert_false(r.v[0].running);
	assert_int_equal(json_array_size(r.v[0].pending), 1);
	assert_true(r.v[1].running);
	assert_int_equal(r.v[1].command.pid, pid);
	assert_int_equal(json_array_size(r.v[1].pending), 2);
	assert_false(has_ended(pid));
	other.timeout = USEC_S(61);
	conf = (struct conf){ .react = &other, .n_reacts = 1 };
	react_renew(&r, &conf);
	assert_false(r.v[0].running);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	end(&r, e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_placeholders_stay_in_their_argument),
		cmocka_unit_test(test_markup_is_nobodys_but_ours),
		cmocka_unit_test(test_rates),
		cmocka_unit_test(test_reload_leaves_a_hook_alone_that_did_not_change),
		cmocka_unit_test(test_news_do_not_put_a_retry_off)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
