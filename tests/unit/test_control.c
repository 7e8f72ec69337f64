/* test_control.c — the control socket, as clients see it. */
#include "fake.h"

static const struct {
	const char	*method, *params, *code, *remedy;
} mistakes[] = {
	{ "statsu", NULL, "method.unknown", "did you mean `status`?" },
	{ "xyzzy", NULL, "method.unknown", "`describe` lists the methods" },
	{ "status", "{\"account\": \"goood\"}", "target.unknown",
	    "did you mean `good`?" },
	{ "sync", "{\"target\": \"gud/INBOX\"}", "target.unknown", NULL },
	{ "sync", "{\"targets\": [7]}", "control.bad-request", NULL },
	{ "approve", NULL, "control.bad-request", NULL },
	{ "approve", "{\"folder\": \"INBOX\"}", "control.bad-request", NULL },
	{ "approve", "{\"target\": \"good\"}", "control.bad-request", NULL },
	{ "approve", "{\"targets\": [\"good/INBOX\", \"good/\"]}",
	    "control.bad-request", NULL },
	{ "reject", "{}", "control.bad-request", NULL },
	{ "job.wait", "{\"job\": \"j99\"}", "job.unknown", NULL },
	{ "pause", "{\"account\": \"nobody\"}", "target.unknown", NULL },
	{ "subscribe", "{\"events\": 3}", "control.bad-request", NULL }
};

static void
mistakes_are_named_with_a_remedy(void **state)
{
	struct line_to to = start("good");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(mistakes); i++) {
		json_t *answer = ask(&to, mistakes[i].method, mistakes[i].params);
		const char *remedy = js_get(json_object_get(answer, "error"),
		    "remedy");

		assert_non_null(error_code(answer));
		assert_string_equal(error_code(answer), mistakes[i].code);
		if (mistakes[i].remedy != NULL)
			assert_string_equal(remedy, mistakes[i].remedy);
		json_decref(answer);
	}
	stop(&to);
}

static void
subscriber_gets_events_and_those_it_missed(void **state)
{
	struct line_to to = start("held"), late;
	json_int_t seq;
	json_t *answer;

	(void)state;
	json_decref(ask(&to, "subscribe", "{\"events\": [\"problem.*\"], "
	    "\"since\": 0}"));
	seq = until_event(&to, "problem.opened");
	json_decref(until_state(&to, "held", "live"));
	json_decref(ask(&to, "pause", NULL));
	assert_true(until_event(&to, "problem.closed") > seq);
	late = dial();
	answer = ask(&late, "subscribe", "{\"events\": [\"*\"], \"since\": 0}");
	assert_true(js_bool(json_object_get(answer, "result"), "complete"));
	json_decref(answer);
	assert_int_equal(until_event(&late, "problem.opened"), seq);
	client_close(&late);
	json_decref(ask(&to, "resume", NULL));
	stop(&to);
}

static void
second_daemon_is_refused_and_a_stale_socket_replaced(void **state)
{
	struct line_to to = start("good");
	struct stat st;
	pid_t second = fork_parent((struct parent_opts){ 0 });

	(void)state;
	assert_int_equal(end_of(second, USEC_S(5)), EX_TEMPFAIL);
	assert_int_equal(stat(socket_path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	client_close(&to);
	kill(parent, SIGKILL);
	end_of(parent, USEC_S(5));
	assert_int_equal(access(socket_path, F_OK), 0);
	to = start("good");
	json_decref(until_state(&to, "good", "live"));
	stop(&to);
}

/* A client that speaks raw bytes. */
static int
raw(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_true(strlen(socket_path) < sizeof(a.sun_path));
	memcpy(a.sun_path, socket_path, strlen(socket_path) + 1);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

/* All it sends until it closes. */
static char *
drain(int fd)
{
	struct buf all;
	ssize_t n;

	buf_init(&all, 32 << 20);
	do {
		uint8_t *room = buf_room(&all, 65536);

		assert_non_null(room);
		n = recv(fd, room, 65536, 0);
		if (n > 0)
			all.n += (size_t)n;
	} while (n > 0);
	close(fd);
	return buf_steal(&all);
}

static void
client_that_ends_its_side_is_still_answered(void **state)
{
	struct line_to to = start("good");
	const char two[] = "{\"id\":1,\"method\":\"ping\"}\n"
	    "{\"id\":\"b\",\"method\":\"ping\"}\n";
	int fd = raw();
	char *got;

	(void)state;
	assert_int_equal(send(fd, two, strlen(two), 0), (ssize_t)strlen(two));
	shutdown(fd, SHUT_WR);
	got = drain(fd);
	assert_non_null(strstr(got, "\"hello\":\"syncd\""));
	assert_non_null(strstr(got, "{\"id\":1,\"result\":{\"pong\":true}}\n"));
	assert_non_null(strstr(got, "{\"id\":\"b\",\"result\":{\"pong\":true}}\n"));
	free(got);
	stop(&to);
}

static const struct {
	const char	*bytes, *code;
} garbage[] = {
	{ "hello\n", "control.bad-json" },
	{ "[1]\n", "control.bad-json" },
	{ "{\"id\":1,\"id\":2,\"method\":\"ping\"}\n", "control.bad-json" },
	{ "\xff\xfe{}\n", "control.bad-json" },
	{ "{} trailing\n", "control.bad-json" }
};

static void
garbage_closes_the_client_only(void **state)
{
	struct line_to to = start("good");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(garbage); i++) {
		int fd = raw();
		char *got;

		assert_true(send(fd, garbage[i].bytes, strlen(garbage[i].bytes),
		    0) > 0);
		got = drain(fd);
		assert_non_null(strstr(got, garbage[i].code));
		free(got);
	}
	json_decref(ask(&to, "ping", NULL));
	stop(&to);
}

static void
endless_line_is_refused(void **state)
{
	struct line_to to = start("good");
	char *bytes = xmalloc(CONTROL_LINE + 1), *got;
	int fd = raw();

	(void)state;
	memset(bytes, ' ', CONTROL_LINE + 1);
	assert_true(send(fd, bytes, CONTROL_LINE + 1, MSG_NOSIGNAL) > 0);
	got = drain(fd);
	assert_non_null(strstr(got, "control.too-long"));
	free(got);
	free(bytes);
	json_decref(ask(&to, "ping", NULL));
	stop(&to);
}

static size_t
count_lines(const char *text, size_t n)
{
	size_t lines = 0;

	for (size_t i = 0; i < n; i++)
		lines += text[i] == '\n';
	return lines;
}

/* Until it reads, nobody else waits for it, and nothing more is kept for it. */
static void
who_does_not_read_is_not_answered_until_he_does(void **state)
{
	static const char rq[] = "{\"method\":\"describe\"}\n";
	static struct control c;
	struct request got;
	size_t asked = 0, answers = 0;
	char bytes[65536];
	struct err err;
	ssize_t n;
	int fd;

	(void)state;
	assert_int_equal(control_open(&c, socket_path, &err), 0);
	fd = raw();
	/* One more: it says hello. */
	for (asked = 1; send(fd, rq, sizeof(rq) - 1,
	    MSG_DONTWAIT | MSG_NOSIGNAL) ==
	    (ssize_t)sizeof(rq) - 1; asked++) {
		control_step(&c, 0);
		while (control_next(&c, &got)) {
			memset(bytes, 'x', 8192);
			control_take_result(got.client, got.id,
			    json_stringn(bytes, 8192));
			json_decref(got.line);
		}
		assert_int_equal(control_pending(&c), false);
		assert_true(c.client[0].out.n < CONTROL_QUEUE + 16384);
	}
	while (answers < asked && (n = recv(fd, bytes, sizeof(bytes),
	    MSG_DONTWAIT)) != 0) {
		answers += n > 0 ? count_lines(bytes, (size_t)n) : 0;
		control_step(&c, 0);
		while (control_next(&c, &got)) {
			control_take_result(got.client, got.id, json_object());
			json_decref(got.line);
		}
	}
	assert_int_equal(answers, asked);
	close(fd);
	control_close(&c);
}

static size_t
length_of(const json_t *answer, const char *account)
{
	const char *extra = js_get(account_of(answer, account), "extra");

	return extra != NULL ? strlen(extra) : 0;
}

/* It has come. */
static void
until_wide(struct line_to *to)
{
	usec end = clock_in(USEC_S(60));
	size_t n = 0;

	while (n != WIDE) {
		json_t *answer = ask(to, "status", NULL);

		n = length_of(answer, "wide");
		json_decref(answer);
		assert_true(clock_now() < end);
		usleep(5000);
	}
}

/* Longer than what a client may leave unread, and more than one of them. */
static void
long_answers_come_whole(void **state)
{
	struct line_to to = start("wide");
	struct err err;

	(void)state;
	until_wide(&to);
	for (int i = 0; i < 2; i++)
		assert_true(client_send(&to, "status", NULL,
		    clock_in(USEC_S(60)), &err) > 0);
	for (int i = 0; i < 2; i++) {
		json_t *line = client_next(&to, clock_in(USEC_S(60)), &err);

		if (line == NULL)
			fail_msg("%s", err.text);
		assert_int_equal(length_of(line, "wide"), WIDE);
		json_decref(line);
	}
	stop(&to);
}

static void
answer_that_is_too_long_is_an_error(void **state)
{
	static const char want[] = "{\"id\":7,\"error\":{\"code\":\"control.too-long\"";
	char *text = xmalloc(CONTROL_ANSWER), bytes[4096];
	json_t *id = json_integer(7);
	static struct control c;
	struct err err;
	ssize_t n;
	int fd;

	(void)state;
	assert_int_equal(control_open(&c, socket_path, &err), 0);
	fd = raw();
	control_step(&c, 0);
	assert_true(recv(fd, bytes, sizeof(bytes), 0) > 0);
	memset(text, 'x', CONTROL_ANSWER);
	control_take_result(&c.client[0], id, json_stringn(text, CONTROL_ANSWER));
	control_flush(&c);
	n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	assert_true(n > (ssize_t)sizeof(want));
	assert_memory_equal(bytes, want, sizeof(want) - 1);
	assert_int_equal(bytes[n - 1], '\n');
	json_decref(id);
	free(text);
	close(fd);
	control_close(&c);
}

/* It remembers a number that this daemon has not come to: the state was lost. */
static void
listener_after_a_lost_state_hears_what_comes(void **state)
{
	struct line_to to = start("good"), late;
	json_t *answer;

	(void)state;
	json_decref(until_state(&to, "good", "live"));
	late = dial();
	answer = ask(&late, "subscribe", "{\"since\": 88123}");
	assert_false(js_bool(json_object_get(answer, "result"), "complete"));
	json_decref(answer);
	json_decref(ask(&to, "pause", NULL));
	until_event(&late, "account.state");
	client_close(&late);
	stop(&to);
}

/* ${c} with one listener, who has read nothing; its end of the line. */
static int
listen_to(struct control *c, struct events *e, size_t n)
{
	char text[3072];
	struct err err;
	int fd;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(control_open(c, socket_path, &err), 0);
	fd = raw();
	control_step(c, 0);
	c->client[0].patterns = json_pack("[s]", "*");
	for (size_t i = 0; i < n; i++)
		events_take_add(e, "mail.new", json_pack("{s:s}", "x", text));
	return fd;
}

/* Far more than its queue holds: who reads gets it all. */
static void
listener_that_reads_gets_all_that_is_kept(void **state)
{
	static struct control c;
	struct events *e = calloc(1, sizeof(*e));
	char bytes[65536];
	size_t lines = 0;
	ssize_t n = 1;
	int fd;

	(void)state;
	assert_non_null(e);
	fd = listen_to(&c, e, EVENTS_KEPT);
	while (lines < EVENTS_KEPT + 1 && n > 0) {
		control_step(&c, e->seq);
		control_publish(&c, e);
		n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		lines += n > 0 ? count_lines(bytes, (size_t)n) : 0;
	}
	assert_int_equal(lines, EVENTS_KEPT + 1);
	assert_int_equal(c.client[0].out.n, 0);
	close(fd);
	control_close(&c);
	events_clear(e);
	free(e);
}

static void
listener_that_misses_events_is_told_and_closed(void **state)
{
	static struct control c;
	struct events *e = calloc(1, sizeof(*e));
	struct buf all;
	char want[128];
	ssize_t n = 1;
	int fd;

	(void)state;
	assert_non_null(e);
	fd = listen_to(&c, e, EVENTS_KEPT);
	control_publish(&c, e);
	for (int i = 0; i < EVENTS_KEPT; i++)
		events_take_add(e, "mail.new", json_object());
	control_publish(&c, e);
	snprintf(want, sizeof(want), "{\"event\":\"overflow\",\"seq\":%llu}\n",
	    (unsigned long long)c.client[0].seq);
	assert_true(c.client[0].seq < EVENTS_KEPT);
	buf_init(&all, 32 << 20);
	while (n > 0) {
		n = recv(fd, buf_room(&all, 65536), 65536, MSG_DONTWAIT);
		all.n += n > 0 ? (size_t)n : 0;
		control_step(&c, e->seq);
		control_publish(&c, e);
	}
	assert_int_equal(n, 0);
	assert_true(all.n > strlen(want));
	assert_memory_equal(all.p + all.n - strlen(want), want, strlen(want));
	buf_clear(&all);
	assert_int_equal(c.client[0].fd, -1);
	close(fd);
	control_close(&c);
	events_clear(e);
	free(e);
}

/* One that is to be closed is not read any more; what it still sends must not wake
 * us over and over until it reads. */
static void
nothing_is_read_of_a_client_that_is_to_be_closed(void **state)
{
	static struct control c;
	struct waiter w[CONTROL_WAITERS];
	struct request rq;
	struct err err;
	int fd;

	(void)state;
	assert_int_equal(control_open(&c, socket_path, &err), 0);
	fd = raw();
	control_step(&c, 0);
	assert_int_equal(send(fd, "no JSON\n", 8, 0), 8);
	control_step(&c, 0);
	assert_false(control_next(&c, &rq));
	control_waiters(&c, w);
	assert_int_equal(w[0].want, WAIT_WRITE);
	close(fd);
	control_close(&c);
}

static const char listen_rq[] = "{\"method\":\"subscribe\"}\n";

static void
sixty_fifth_listener_is_turned_away(void **state)
{
	struct line_to to = start("good");
	int fd[CONTROL_CLIENTS];
	char *got;

	(void)state;
	json_decref(ask(&to, "subscribe", NULL));
	for (size_t i = 0; i < ARRAY_LEN(fd); i++) {
		fd[i] = raw();
		(void)!send(fd[i], listen_rq, sizeof(listen_rq) - 1,
		    MSG_NOSIGNAL);
		json_decref(ask(&to, "ping", NULL));
	}
	got = drain(fd[ARRAY_LEN(fd) - 1]);
	assert_string_equal(got, "");
	free(got);
	for (size_t i = 0; i + 1 < ARRAY_LEN(fd); i++)
		close(fd[i]);
	json_decref(ask(&to, "ping", NULL));
	stop(&to);
}

/* Programs that forget to hang up do not keep anybody out. */
static void
idle_clients_make_room(void **state)
{
	struct line_to to = start("good"), late;
	int fd[CONTROL_CLIENTS];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(fd); i++) {
		fd[i] = raw();
		json_decref(ask(&to, "ping", NULL));
	}
	late = dial();
	json_decref(ask(&late, "ping", NULL));
	client_close(&late);
	for (size_t i = 0; i < ARRAY_LEN(fd); i++)
		close(fd[i]);
	stop(&to);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(mistakes_are_named_with_a_remedy),
		T(subscriber_gets_events_and_those_it_missed),
		T(second_daemon_is_refused_and_a_stale_socket_replaced),
		T(client_that_ends_its_side_is_still_answered),
		T(garbage_closes_the_client_only),
		T(endless_line_is_refused),
		T(who_does_not_read_is_not_answered_until_he_does),
		T(long_answers_come_whole),
		T(answer_that_is_too_long_is_an_error),
		T(listener_that_reads_gets_all_that_is_kept),
		T(listener_that_misses_events_is_told_and_closed),
		T(listener_after_a_lost_state_hears_what_comes),
		T(nothing_is_read_of_a_client_that_is_to_be_closed),
		T(sixty_fifth_listener_is_turned_away),
		T(idle_clients_make_room)
	};

	return cmocka_run_group_tests(tests, begin, end);
}
