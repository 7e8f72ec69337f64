/* test_js.c — JSON when there is no memory. */
#include "cmocka_all.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "js.h"
#include "want.h"

static void
message_is_not_nonsense_for_want_of_memory(void **arg)
{
	struct err err;
	int status;
	pid_t pid;

	(void)arg;
	if (memory_is_never_short())
		skip();
	pid = fork();
	if (pid == 0) {
		js_begin();
		want_memory();
		_exit(js_parse(STR("{\"job\": 1}"), &err) == NULL);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(message_is_not_nonsense_for_want_of_memory),
	};

	return cmocka_run_group_tests_name("js", tests, NULL, NULL);
}
