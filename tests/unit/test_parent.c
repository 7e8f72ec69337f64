/* test_parent.c — the parent and what becomes of its workers. */
#include "fake.h"

static void
status_tells_what_workers_said_and_passes_the_rest_on(void **state)
{
	struct line_to to = start("good held");
	json_t *a = until_state(&to, "held", "live");

	(void)state;
	assert_int_equal(js_int(a, "extra", 0), 7);
	assert_int_equal(json_array_size(json_object_get(a, "problems")), 1);
	json_decref(a);
	a = ask(&to, "status", "{\"account\": \"go*\"}");
	assert_int_equal(json_array_size(json_object_get(
	    json_object_get(a, "result"), "accounts")), 1);
	json_decref(a);
	stop(&to);
}

static void
job_answers_when_every_part_is_done(void **state)
{
	struct line_to to = start("good net");
	json_t *answer, *line, *parts;
	char params[64];
	struct err err;
	int lines = 0;

	(void)state;
	json_decref(until_state(&to, "net", "live"));
	answer = ask(&to, "sync", "{\"dry_run\": true}");
	snprintf(params, sizeof(params), "%s",
	    js_get(json_object_get(answer, "result"), "job"));
	json_decref(answer);
	assert_true(client_send(&to, "job.wait", json_pack("{s:s}", "job",
	    params), clock_in(USEC_S(5)), &err) > 0);
	while ((line = client_next(&to, clock_in(USEC_S(10)), &err)) != NULL &&
	    json_object_get(line, "result") == NULL) {
		assert_string_equal(js_get(line, "event"), "job.line");
		assert_non_null(strstr(js_get(line, "text"), "plan all (dry)"));
		json_decref(line);
		lines++;
	}
	assert_int_equal(lines, 2);
	answer = json_object_get(line, "result");
	assert_int_equal(js_int(answer, "exit", -1), 69);
	parts = json_object_get(answer, "parts");
	assert_int_equal(json_array_size(parts), 2);
	assert_int_equal(js_int(json_object_get(json_array_get(parts, 0),
	    "summary"), "new", 0), 3);
	assert_string_equal(error_code(json_array_get(parts, 1)), "net.refused");
	json_decref(line);
	stop(&to);
}

static json_t *
answer_to_job(struct line_to *to, json_t *asked)
{
	char params[64];
	json_t *answer;

	snprintf(params, sizeof(params), "{\"job\": \"%s\"}",
	    js_get(json_object_get(asked, "result"), "job"));
	json_decref(asked);
	answer = ask(to, "job.wait", params);
	return answer;
}

/* Far more than the line to it has room for.  The parent does not wait meanwhile. */
static void
jobs_for_a_worker_that_is_busy_wait_for_it(void **state)
{
	enum { JOBS = 200 };
	struct line_to to = start("busy good");
	json_t *asked[JOBS];
	char params[900], path[160];

	(void)state;
	json_decref(until_state(&to, "busy", "live"));
	snprintf(params, sizeof(params), "{\"target\": \"busy/%0800d\"}", 0);
	for (size_t i = 0; i < JOBS; i++)
		asked[i] = ask(&to, "sync", params);
	snprintf(path, sizeof(path), "%s/state/leave", dir);
	close(open(path, O_WRONLY | O_CREAT, 0600));
	for (size_t i = 0; i < JOBS; i++) {
		json_t *answer = answer_to_job(&to, asked[i]);
		const json_t *result = json_object_get(answer, "result");

		assert_int_equal(js_int(result, "exit", -1), 0);
		json_decref(answer);
	}
	stop(&to);
}

/* What cannot be handed to the worker is answered, too. */
static void
job_that_is_too_long_fails(void **state)
{
	struct line_to to = start("good");
	char *params = xmalloc(IPC_MAX + 64);
	json_t *answer;
	int n = snprintf(params, 64, "{\"target\": \"good/");

	(void)state;
	json_decref(until_state(&to, "good", "live"));
	memset(params + n, 'x', IPC_MAX);
	strcpy(params + n + IPC_MAX, "\"}");
	answer = answer_to_job(&to, ask(&to, "sync", params));
	assert_int_equal(js_int(json_object_get(answer, "result"), "exit", 0),
	    EX_TEMPFAIL);
	json_decref(answer);
	free(params);
	stop(&to);
}

/* Who pages through a long plan is not one who does not read. */
static void
long_plan_waits_for_a_slow_reader(void **state)
{
	struct line_to to = start("flood"), other = dial();
	json_t *line;
	struct err err;
	int lines = 0;

	(void)state;
	json_decref(until_state(&to, "flood", "live"));
	json_decref(ask(&to, "sync", "{\"dry_run\": true}"));
	assert_true(client_send(&to, "job.wait", json_pack("{s:s}", "job", "j1"),
	    clock_in(USEC_S(5)), &err) > 0);
	json_decref(until_state(&other, "flood", "flooded"));
	while ((line = client_next(&to, clock_in(USEC_S(10)), &err)) != NULL &&
	    json_object_get(line, "result") == NULL) {
		json_decref(line);
		lines++;
	}
	if (line == NULL)
		fail_msg("after %d lines: %s", lines, err.text);
	json_decref(line);
	assert_int_equal(lines, FLOOD + 1);
	client_close(&other);
	stop(&to);
}

/* Only so many jobs are known; nobody waits for one that is not. */
static void
waiting_for_a_job_that_is_forgotten_ends(void **state)
{
	struct line_to to = start("mute held");
	json_t *line;
	struct err err;
	static const char sync[] = "{\"method\":\"sync\",\"params\":"
	    "{\"target\":\"hel*\"}}\n";
	static const char wait[] = "{\"id\":99,\"method\":\"job.wait\","
	    "\"params\":{\"job\":\"j64\"}}\n";
	char *all = xasprintf("%s%s%s", sync, wait, sync);
	json_int_t id;

	(void)state;
	json_decref(until_state(&to, "mute", "live"));
	json_decref(ask(&to, "pause", "{\"account\": \"held\"}"));
	for (int i = 1; i < 64; i++)
		json_decref(ask(&to, "sync", "{\"target\": \"mute\"}"));
	/* The only one that is done goes for the next, before its end was told. */
	assert_int_equal(send(to.fd, all, strlen(all), 0), (ssize_t)strlen(all));
	free(all);
	do {
		line = client_next(&to, clock_in(USEC_S(10)), &err);
		if (line == NULL)
			fail_msg("%s", err.text);
		id = js_int(line, "id", 0);
		if (id == 99)
			assert_string_equal(error_code(line), "job.unknown");
		json_decref(line);
	} while (id != 99);
	stop(&to);
}

static void
job_of_a_worker_that_dies_fails_and_the_worker_comes_back(void **state)
{
	struct line_to to = start("die good");
	json_int_t pid = pid_when(&to, "die", "live");
	json_t *answer = ask(&to, "sync", "{\"target\": \"die\"}");
	json_t *wait;

	(void)state;
	json_decref(answer);
	wait = ask(&to, "job.wait", "{\"job\": \"j1\"}");
	assert_int_equal(js_int(json_object_get(wait, "result"), "exit", -1),
	    EX_SOFTWARE);
	json_decref(wait);
	answer = until_state(&to, "die", "error");
	assert_non_null(js_get(answer, "next_attempt"));
	json_decref(answer);
	assert_int_not_equal(pid_when(&to, "die", "live"), pid);
	stop(&to);
}

/* Lines of ${name} that the parent has written, and those with ${word}. */
static void
count_lines(const char *name, const char *word, int *all, int *with)
{
	char path[160], line[1024];
	FILE *f;

	snprintf(path, sizeof(path), "%s/stderr", dir);
	f = fopen(path, "re");
	assert_non_null(f);
	*all = *with = 0;
	while (fgets(line, sizeof(line), f) != NULL)
		if (strstr(line, name) != NULL) {
			++*all;
			*with += strstr(line, word) != NULL;
		}
	fclose(f);
}

static void
worker_that_hangs_before_it_is_ready_is_started_anew(void **state)
{
	struct line_to to;
	json_int_t good;
	json_t *a, *problem;
	int all, with;

	(void)state;
	put_conf("good hang");
	parent = fork_parent((struct parent_opts){ .begin_within = USEC_S(1) });
	to = dial();
	good = pid_when(&to, "good", "live");
	a = until_state(&to, "hang", "error");
	problem = json_array_get(json_object_get(a, "problems"), 0);
	assert_string_equal(js_get(problem, "code"), "internal.worker");
	assert_string_equal(js_get(problem, "message"),
	    "it did not begin within 1 s");
	json_decref(a);
	json_decref(until_state(&to, "hang", "live"));
	/* Who is ready has all the time there is. */
	assert_int_equal(pid_when(&to, "good", "live"), good);
	count_lines("hang", "did not begin", &all, &with);
	assert_true(with > 0);
	assert_int_equal(all, with);
	stop(&to);
}

static void
refused_credentials_stay_down_until_asked(void **state)
{
	struct line_to to = start("auth good");
	json_t *a = until_state(&to, "auth", "auth-required");
	json_t *problem = json_array_get(json_object_get(a, "problems"), 0);

	(void)state;
	assert_string_equal(js_get(problem, "code"), "auth.refused");
	assert_true(js_bool(problem, "needs_user"));
	assert_int_equal(js_int(problem, "count", 0), 1);
	json_decref(a);
	usleep(1300000);
	a = until_state(&to, "auth", "auth-required");
	problem = json_array_get(json_object_get(a, "problems"), 0);
	assert_int_equal(js_int(problem, "count", 0), 1);
	json_decref(a);
	a = ask(&to, "sync", "{\"target\": \"auth\"}");
	json_decref(a);
	a = ask(&to, "job.wait", "{\"job\": \"j1\"}");
	assert_int_equal(js_int(json_object_get(a, "result"), "exit", -1),
	    EX_NOPERM);
	json_decref(a);
	stop(&to);
}

static void
secret_goes_to_the_worker_that_asks(void **state)
{
	struct line_to to = start("ask");
	usec end = clock_in(USEC_S(10));
	const char *secret = NULL;
	json_t *a;

	(void)state;
	do {
		a = until_state(&to, "ask", "live");
		secret = js_get(a, "secret");
		if (secret != NULL)
			assert_string_equal(secret, "0s3cret");
		json_decref(a);
		usleep(5000);
	} while (secret == NULL && clock_now() < end);
	assert_non_null(secret);
	stop(&to);
}

static void
pause_outlives_the_daemon(void **state)
{
	struct line_to to = start("good other");

	(void)state;
	json_decref(until_state(&to, "good", "live"));
	json_decref(ask(&to, "pause", "{\"account\": \"good\"}"));
	json_decref(until_state(&to, "good", "paused"));
	stop(&to);
	to = start("good other");
	json_decref(until_state(&to, "other", "live"));
	json_decref(until_state(&to, "good", "paused"));
	json_t *answer = ask(&to, "sync", "{\"target\": \"good\"}");
	assert_string_equal(error_code(answer), "account.paused");
	json_decref(answer);
	json_decref(ask(&to, "resume", NULL));
	json_decref(until_state(&to, "good", "live"));
	stop(&to);
}

static void
reload_restarts_only_what_changed(void **state)
{
	struct line_to to = start("good other gone");
	json_int_t good = pid_when(&to, "good", "live"), other;
	json_t *answer;
	FILE *f;

	(void)state;
	other = pid_when(&to, "other", "live");
	put_conf("good other fresh");
	f = fopen(conf_path, "ae");
	fputs("defaults: {limits: {connections: 3}}\n", f);
	fclose(f);
	answer = ask(&to, "reload", NULL);
	assert_non_null(json_object_get(answer, "result"));
	json_decref(answer);
	json_decref(until_state(&to, "fresh", "live"));
	assert_int_equal(pid_when(&to, "good", "live"), good);
	answer = ask(&to, "status", "{\"account\": \"gone\"}");
	assert_string_equal(error_code(answer), "target.unknown");
	json_decref(answer);

	put_conf("good other fresh");
	f = fopen(conf_path, "ae");
	fputs("defaults: {limits: {connections: 2}}\n", f);
	fclose(f);
	kill(parent, SIGHUP);
	while (pid_when(&to, "other", "live") == other)
		usleep(5000);
	stop(&to);
}

/* Events so far and to come, up to ${name}: how many are called ${of}. */
static int
count_events(struct line_to *to, const char *of, const char *name)
{
	struct err err;
	int n = 0;

	json_decref(ask(to, "subscribe", "{\"since\": 0}"));
	for (;;) {
		json_t *line = client_next(to, clock_in(USEC_S(10)), &err);
		const char *is = js_get(line, "event");
		bool end = is != NULL && strcmp(is, name) == 0;

		if (line == NULL)
			fail_msg("no %s: %s", name, err.text);
		n += is != NULL && strcmp(is, of) == 0;
		json_decref(line);
		if (end)
			return n;
	}
}

/* More than ${conf}, for all accounts. */
static void
add_conf(const char *conf)
{
	FILE *f = fopen(conf_path, "ae");

	assert_non_null(f);
	fprintf(f, "%s\n", conf);
	fclose(f);
}

/* Rounds that nobody asked for are successes, too: one that watches is not stale
 * whenever it is busy. */
static void
account_that_watches_does_not_get_stale(void **state)
{
	struct line_to to;

	(void)state;
	put_conf("pulse");
	add_conf("defaults: {schedule: {alert_after: 2s}}");
	parent = fork_parent((struct parent_opts){ 0 });
	to = dial();
	json_decref(until_state(&to, "pulse", "live"));
	usleep(2100000);
	json_decref(ask(&to, "sync", "{\"target\": \"pulse/INBOX\"}"));
	assert_int_equal(count_events(&to, "problem.opened", "sync.done"), 0);
	stop(&to);
}

/* The account's last success, as it is noted; 0: none is. */
static time_t
noted(const char *account)
{
	char path[160];
	struct stat st;

	snprintf(path, sizeof(path), "%s/state/%s.ok", dir, account);
	return stat(path, &st) == 0 ? st.st_mtim.tv_sec : 0;
}

static void
note(const char *account, time_t when)
{
	const struct timespec both[2] = { { .tv_sec = when }, { .tv_sec = when } };
	char path[160];
	int fd;

	snprintf(path, sizeof(path), "%s/state", dir);
	(void)mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/state/%s.ok", dir, account);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	assert_int_equal(futimens(fd, both), 0);
	close(fd);
}

static void
restart_does_not_make_a_success(void **state)
{
	time_t began = time(NULL);
	struct line_to to;
	usec end;

	(void)state;
	note("auth", began - 5 * 3600);
	put_conf("auth good");
	add_conf("defaults: {schedule: {alert_after: 1s}}");
	parent = fork_parent((struct parent_opts){ 0 });
	to = dial();
	for (end = clock_in(USEC_S(10));; usleep(5000)) {
		json_t *a = until_state(&to, "auth", "auth-required");
		json_t *all = json_object_get(a, "problems");
		const json_t *last = json_array_get(all, json_array_size(all) - 1);
		const char *code = js_get(last, "code");
		bool stale = code != NULL && strcmp(code, "backup.stale") == 0;

		if (stale)
			assert_string_equal(js_get(last, "message"),
			    "no full success for 5 hours");
		json_decref(a);
		if (stale)
			break;
		assert_true(clock_now() < end);
	}
	assert_int_equal(noted("good"), 0);
	json_decref(ask(&to, "sync", "{\"target\": \"good\"}"));
	json_decref(ask(&to, "job.wait", "{\"job\": \"j1\"}"));
	stop(&to);
	assert_true(noted("good") >= began);
	assert_int_equal(noted("auth"), began - 5 * 3600);
}

/* The turn that was set by the old times is forgotten with them. */
static void
reload_of_a_schedule_begins_it_anew(void **state)
{
	struct line_to to;

	(void)state;
	put_conf("good");
	add_conf("defaults: {schedule: {when: every 6h, jitter: 0s}}");
	parent = fork_parent((struct parent_opts){ 0 });
	to = dial();
	assert_int_equal(count_events(&to, "sync.failed", "sync.done"), 0);
	json_decref(until_state(&to, "good", "scheduled"));
	put_conf("good");
	add_conf("defaults: {schedule: {when: every 5h, jitter: 0s}}");
	json_decref(ask(&to, "subscribe", NULL));
	json_decref(ask(&to, "reload", NULL));
	until_event(&to, "sync.done");
	stop(&to);
}

/* Both at once: the worker of before has not ended when the job is there. */
static void
job_after_a_reload_is_done_by_the_next_worker(void **state)
{
	struct line_to to = start("good");
	json_t *line;
	struct err err;
	json_int_t id;

	(void)state;
	json_decref(until_state(&to, "good", "live"));
	put_conf("good");
	add_conf("defaults: {limits: {connections: 2}}");
	assert_true(client_send(&to, "reload", NULL, clock_in(USEC_S(5)), &err) > 0);
	assert_true(client_send(&to, "sync", json_pack("{s:s}", "target", "good"),
	    clock_in(USEC_S(5)), &err) > 0);
	id = client_send(&to, "job.wait", json_pack("{s:s}", "job", "j1"),
	    clock_in(USEC_S(5)), &err);
	while ((line = client_next(&to, clock_in(USEC_S(10)), &err)) != NULL &&
	    js_int(line, "id", -1) != id)
		json_decref(line);
	assert_non_null(line);
	assert_int_equal(js_int(json_object_get(line, "result"), "exit", -1), 0);
	json_decref(line);
	stop(&to);
}

static void
bad_configuration_is_refused_and_the_old_one_stays(void **state)
{
	struct line_to to = start("good");
	json_int_t pid = pid_when(&to, "good", "live");
	json_t *answer;
	FILE *f;

	(void)state;
	f = fopen(conf_path, "ae");
	fputs("accountz: {}\n", f);
	fclose(f);
	answer = ask(&to, "reload", NULL);
	assert_string_equal(error_code(answer), "config.rejected");
	assert_int_equal(json_array_size(json_object_get(
	    json_object_get(answer, "error"), "mistakes")), 1);
	json_decref(answer);
	answer = ask(&to, "status", NULL);
	assert_true(json_is_object(json_object_get(json_object_get(
	    json_object_get(answer, "result"), "config"), "error")));
	json_decref(answer);
	assert_int_equal(pid_when(&to, "good", "live"), pid);
	stop(&to);
}

/* Who writes to the old log, workers and all, would go on doing so. */
static void
another_log_is_refused(void **state)
{
	struct line_to to = start("good");
	FILE *f = fopen(conf_path, "we");
	json_t *answer, *mistake;

	(void)state;
	assert_non_null(f);
	fprintf(f, "state_dir: %s/state\nlog: {level: error, to: \"file:%s/log\"}\n"
	    "accounts:\n  good: {host: 127.0.0.1, user: u, path: %s/mail-good, "
	    "password_command: echo s3cret}\n", dir, dir, dir);
	fclose(f);
	answer = ask(&to, "reload", NULL);
	assert_string_equal(error_code(answer), "config.rejected");
	mistake = json_object_get(answer, "error");
	assert_non_null(strstr(js_get(mistake, "message"), "log.to"));
	json_decref(answer);
	stop(&to);
}

static void
deaf_worker_is_killed_before_five_seconds(void **state)
{
	struct line_to to = start("deaf good");
	usec begin;

	(void)state;
	json_decref(until_state(&to, "deaf", "live"));
	begin = clock_now();
	stop(&to);
	assert_true(clock_now() - begin >= USEC_MS(3900));
}

static void
stop_is_answered_and_then_done(void **state)
{
	struct line_to to = start("good");
	json_t *answer = ask(&to, "stop", NULL);

	(void)state;
	assert_non_null(json_object_get(answer, "result"));
	json_decref(answer);
	assert_int_equal(end_of(parent, USEC_S(5)), 0);
	parent = 0;
	client_close(&to);
}

/* ---- once ------------------------------------------------------------- */

static char *
file_text(const char *name)
{
	char path[160];
	int fd;
	struct buf b;
	ssize_t n;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	buf_init(&b, 1 << 20);
	while ((n = read(fd, buf_room(&b, 4096), 4096)) > 0)
		b.n += (size_t)n;
	close(fd);
	return buf_steal(&b);
}

static const struct {
	const char	*accounts, *target[3];
	int		 code;
	const char	*out, *err;	/* a part of it, or NULL */
} once_rows[] = {
	{ "good other", { NULL }, 0, "good: done new=3\nother: done new=3\n",
	    NULL },
	{ "good other", { "good/IN*" }, 0, "good: plan IN*\ngood: done", NULL },
	{ "good", { "good/a", "good/b" }, 0, "good: plan a\ngood: plan b\n",
	    NULL },
	{ "good net", { NULL }, 69, "good: done",
	    "error[net.refused]: net: connection refused" },
	{ "good auth net", { NULL }, 77, "good: done",
	    "error[auth.refused]: auth: the server refused" },
	{ "die", { NULL }, 70, NULL, "error[internal.worker]: die" },
	{ "good", { "gone" }, 66, NULL, "error[target.unknown]" },
	{ "a1 a2 a3 a4 a5 a6 a7 a8 a9 b1 b2 b3", { NULL }, 0, "b3: done", NULL }
};

static void
once_prints_each_account_and_exits_with_the_worst(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(once_rows); i++) {
		struct parent_opts opts = { .once = true };
		char *out, *err, *target[3];
		int code;

		for (size_t k = 0; once_rows[i].target[k] != NULL; k++)
			target[opts.n_targets++] =
			    (char *)(uintptr_t)once_rows[i].target[k];
		opts.target = target;
		put_conf(once_rows[i].accounts);
		code = end_of(fork_parent(opts), USEC_S(10));
		out = file_text("stdout");
		err = file_text("stderr");
		if (code != once_rows[i].code || (once_rows[i].out != NULL &&
		    strstr(out, once_rows[i].out) == NULL) ||
		    (once_rows[i].err != NULL &&
		    strstr(err, once_rows[i].err) == NULL))
			fail_msg("row %zu: exit %d\n%s\n%s", i, code, out, err);
		free(out);
		free(err);
	}
}

/* One that is deaf besides: it would be killed after ten seconds at the earliest. */
static void
once_does_not_wait_for_a_worker_that_said_its_last_word(void **state)
{
	usec started = clock_now();
	char *out;

	(void)state;
	put_conf("slow good");
	assert_int_equal(end_of(fork_parent((struct parent_opts){ .once = true }),
	    USEC_S(10)), 0);
	assert_true(clock_now() - started < USEC_S(5));
	out = file_text("stdout");
	assert_non_null(strstr(out, "slow: done new=3\n"));
	free(out);
}

/* A round that fails is not the first one ever. */
static void
metrics_of_a_failed_round_have_the_last_success(void **state)
{
	char want[128], line[256];
	char *text;

	(void)state;
	note("net", 1700000000);
	put_conf("net good");
	snprintf(line, sizeof(line), "metrics: {textfile: %s/prom}", dir);
	add_conf(line);
	assert_int_equal(end_of(fork_parent((struct parent_opts){ .once = true }),
	    USEC_S(10)), 69);
	text = file_text("prom");
	snprintf(want, sizeof(want), "syncd_last_success_timestamp_seconds"
	    "{account=\"net\"} 1700000000\n");
	assert_non_null(strstr(text, want));
	free(text);
	snprintf(want, sizeof(want), "%s/prom", dir);
	unlink(want);
	assert_int_equal(noted("net"), 1700000000);
	assert_true(noted("good") > 1700000000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(status_tells_what_workers_said_and_passes_the_rest_on),
		T(job_answers_when_every_part_is_done),
		T(jobs_for_a_worker_that_is_busy_wait_for_it),
		T(job_that_is_too_long_fails),
		T(long_plan_waits_for_a_slow_reader),
		T(waiting_for_a_job_that_is_forgotten_ends),
		T(job_of_a_worker_that_dies_fails_and_the_worker_comes_back),
		T(worker_that_hangs_before_it_is_ready_is_started_anew),
		T(refused_credentials_stay_down_until_asked),
		T(secret_goes_to_the_worker_that_asks),
		T(pause_outlives_the_daemon),
		T(reload_restarts_only_what_changed),
		T(account_that_watches_does_not_get_stale),
		T(restart_does_not_make_a_success),
		T(metrics_of_a_failed_round_have_the_last_success),
		T(reload_of_a_schedule_begins_it_anew),
		T(job_after_a_reload_is_done_by_the_next_worker),
		T(bad_configuration_is_refused_and_the_old_one_stays),
		T(another_log_is_refused),
		T(deaf_worker_is_killed_before_five_seconds),
		T(stop_is_answered_and_then_done),
		T(once_prints_each_account_and_exits_with_the_worst),
		T(once_does_not_wait_for_a_worker_that_said_its_last_word)
	};

	return cmocka_run_group_tests(tests, begin, end);
}
