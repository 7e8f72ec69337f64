/* trial.c — `syncd-script test` and `check`: what a script would do to messages. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/mem.h"
#include "match.h"
#include "registry.h"

enum { LINE_MAX_LEN = 400, PATH_LEN = 4096 };

/* One line of the output: the same thing done by the same line of the script. */
struct group {
	char	*text;		/* "→ Lists/lkml  lists.lua:10" */
	char	*sample;	/* subject of the first message */
	size_t	 n;
};

struct trial {
	struct bench	 b;
	const char	*script, *old;		/* --diff OLD */
	enum hook_kind	 kind;
	bool		 explain;
	struct group	*group;
	size_t		 n_groups, cap_groups;
	struct map	 index;
	size_t		 touched, errors;
	/* --diff: the plan of each message under either script. */
	char		**plan[2];
	int		 round;
};

static void
op_text(const struct op *op, char out[LINE_MAX_LEN])
{
	size_t n = 0;
	bool moves = op->kind == OPK_MOVE || op->kind == OPK_ARCHIVE;

	n += (size_t)snprintf(out, LINE_MAX_LEN, "%s", moves && op->arg.n > 0 ?
	    "→" : op->verb);
	for (size_t i = 0; i < op->arg.n && n < LINE_MAX_LEN / 2; i++)
		n += (size_t)snprintf(out + n, LINE_MAX_LEN - n, " %.*s",
		    (int)(op->arg.v[i].n < 60 ? op->arg.v[i].n : 60),
		    op->arg.v[i].p);
	if (op->kind == OPK_FLAG || op->kind == OPK_UNFLAG) {
		char letters[7];

		sysflags_to_letters(op->sys, letters);
		snprintf(out + n, LINE_MAX_LEN - n, " %s", letters);
	}
	/* Control bytes of a stranger do not reach a terminal. */
	for (char *p = out; *p != '\0'; p++) {
		if ((unsigned char)*p < ' ' || *p == 127)
			*p = ' ';
	}
}

static char *
subject_of(struct run *r)
{
	struct str s = r->n_own > 0 ?
	    mail_text(&r->msg[0]->mail, MAIL_SUBJECT) : STR_NONE;
	char *z = xasprintf("%.*s", (int)(s.n < 50 ? s.n : 50),
	    s.p != NULL ? s.p : "");

	for (char *p = z; *p != '\0'; p++) {
		if ((unsigned char)*p < ' ' || *p == 127)
			*p = ' ';
	}
	return z;
}

static void
count(struct trial *t, const char *text, struct run *r)
{
	struct group *g;
	uintptr_t at;

	if (!map_get(&t->index, str_z(text), &at)) {
		t->group = array_room(t->group, t->n_groups, &t->cap_groups,
		    sizeof(*t->group));
		g = &t->group[t->n_groups];
		*g = (struct group){ xstrdup(text), subject_of(r), 0 };
		at = t->n_groups++;
		map_put(&t->index, str_z(g->text), at);
	}
	t->group[at].n++;
}

static void
print_explained(struct trial *t, struct run *r)
{
	const struct plugin *p = t->b.s.n_plugins > 0 ? t->b.s.plugin[0] : NULL;
	char *subject = subject_of(r);
	char line[LINE_MAX_LEN];

	printf("%lld %s\n", r->n_own > 0 ? (long long)r->msg[0]->id : 0LL, subject);
	free(subject);
	for (size_t i = 0; p != NULL && i < p->n_handlers; i++) {
		const struct handler *h = &p->handler[i];
		struct msg_state now;
		const char *failed;

		if (h->kind != r->kind || r->n_own == 0)
			continue;
		now = r->msg[0]->now;
		r->msg[0]->now = r->msg[0]->base;
		failed = match_first_failing(h->match, r->msg[0]);
		r->msg[0]->now = now;
		if (failed != NULL)
			printf("  %s:%d  `%s` does not match\n", p->file, h->line,
			    failed);
		else
			printf("  %s:%d  matches\n", p->file, h->line);
	}
	for (size_t i = 0; i < r->plan.n; i++) {
		const struct op *op = r->plan.op[i];

		op_text(op, line);
		printf("    %-30s %.*s%s%.*s\n", line, STR_ARG(op->where),
		    op->lost.n > 0 ? "  not done: " : "", STR_ARG(op->lost));
	}
	for (size_t i = 0; i < r->n_faults; i++)
		printf("    error %.*s: %.*s\n", STR_ARG(r->fault[i].where),
		    STR_ARG(r->fault[i].text));
}

static char *
plan_text(struct run *r)
{
	struct buf b;
	char line[LINE_MAX_LEN];

	buf_init(&b, 1 << 16);
	for (size_t i = 0; i < r->plan.n; i++) {
		if (r->plan.op[i]->lost.n > 0)
			continue;
		op_text(r->plan.op[i], line);
		if (buf_fmt(&b, "%s%s", b.n > 0 ? ", " : "", line) < 0)
			break;
	}
	for (size_t i = 0; i < r->n_faults; i++)
		if (buf_fmt(&b, "%serror: %.*s", b.n > 0 ? ", " : "",
		    STR_ARG(r->fault[i].text)) < 0)
			break;
	return buf_steal(&b);
}

static bool
on_done(struct bench *b, struct run *r)
{
	struct trial *t = b->data;
	char line[LINE_MAX_LEN], text[LINE_MAX_LEN + 200];

	t->touched += r->plan.n > 0;
	t->errors += r->n_faults;
	if (t->old != NULL && r->n_own > 0)
		t->plan[t->round][r->msg[0]->id - 1] = plan_text(r);
	if (t->explain)
		print_explained(t, r);
	for (size_t i = 0; i < r->plan.n; i++) {
		const struct op *op = r->plan.op[i];

		if (op->lost.n > 0)
			continue;
		op_text(op, line);
		snprintf(text, sizeof(text), "%-28s %-16.*s", line,
		    STR_ARG(op->where));
		count(t, text, r);
	}
	for (size_t i = 0; i < r->n_faults; i++) {
		snprintf(text, sizeof(text), "error: %.*s: %.*s",
		    STR_ARG(r->fault[i].where), STR_ARG(r->fault[i].text));
		count(t, text, r);
	}
	return false;
}

static int
by_count(const void *a, const void *b)
{
	const struct group *x = a, *y = b;

	return (x->n < y->n) - (x->n > y->n);
}

static void
print_groups(struct trial *t, usec took)
{
	printf("%zu messages, %zu touched, %zu errors, %.1f ms\n", t->b.n_msgs,
	    t->touched, t->errors, (double)took / 1000);
	if (t->n_groups > 0)
		qsort(t->group, t->n_groups, sizeof(*t->group), by_count);
	for (size_t i = 0; i < t->n_groups; i++) {
		const struct group *g = &t->group[i];

		printf("%6zu %s %s", g->n, g->text, g->sample);
		if (g->n > 1)
			printf("  (+%zu)", g->n - 1);
		printf("\n");
	}
}

/* All messages through the script, batch by batch; false: it does not load. */
static bool
run_all(struct trial *t, const char *script)
{
	if (!bench_load(&t->b, 0, script)) {
		fprintf(stderr, "%s\n", t->b.error);
		return false;
	}
	for (size_t at = 0; at < t->b.n_msgs; at += FRAME_BATCH) {
		size_t n = t->b.n_msgs - at;

		bench_event(&t->b, t->kind, at, n < FRAME_BATCH ? n : FRAME_BATCH,
		    "", NULL, 0);
		bench_turn(&t->b);
	}
	return true;
}

static int
diff(struct trial *t)
{
	size_t differ = 0;

	for (t->round = 0; t->round < 2; t->round++) {
		t->plan[t->round] = xcalloc(t->b.n_msgs + 1, sizeof(char *));
		if (!run_all(t, t->round == 0 ? t->old : t->script))
			return 1;
	}
	for (size_t i = 0; i < t->b.n_msgs; i++) {
		const char *a = t->plan[0][i], *b = t->plan[1][i];

		a = a != NULL ? a : "";
		b = b != NULL ? b : "";
		if (strcmp(a, b) == 0)
			continue;
		differ++;
		printf("%s\n-  %s\n+  %s\n", t->b.msg[i].path,
		    a[0] != '\0' ? a : "nothing", b[0] != '\0' ? b : "nothing");
	}
	printf("%zu of %zu messages differ\n", differ, t->b.n_msgs);
	return 0;
}

/* As syncd.yaml has it, to be added to the script's entry there. */
static void
print_grants(const struct declareds *d)
{
	const char *last = "", *end = "";

	if (d->n > 0)
		fputs("runs with\n  allow: {", stdout);
	for (size_t i = 0; i < d->n; i++) {
		const char *perm = d->v[i].name, *arg = d->v[i].text;

		if (strcmp(perm, last) == 0) {
			printf(", %s", arg);
			continue;
		}
		printf("%s%s%s: ", end, i > 0 ? ", " : "", perm);
		end = arg[0] != '\0' ? "]" : "";
		printf("%s%s", arg[0] != '\0' ? "[" : "yes", arg);
		last = perm;
	}
	if (d->n > 0)
		printf("%s}\n", end);
}

static int
check(struct trial *t)
{
	const struct plugin *p;

	if (!bench_load(&t->b, 0, t->script)) {
		fprintf(stderr, "%s\n", t->b.error);
		return 1;
	}
	p = t->b.s.plugin[0];
	printf("%s: %zu handlers, %zu timers, %zu commands\n", p->file,
	    p->n_handlers, p->timers.n, p->commands.n);
	print_grants(&p->grants);
	return 0;
}

/* ---- arguments ------------------------------------------------------ */

/* "MAILBOX<tab>PATH", or a path alone. */
static void
add_file(struct trial *t, char *line)
{
	char *tab = strchr(line, '\t');
	struct bench_message *m = bench_message(&t->b);

	if (tab != NULL) {
		*tab = '\0';
		m->mailbox = line;
		line = tab + 1;
	}
	m->path = line;
}

static void
read_files(struct trial *t)
{
	char *line = NULL;
	size_t cap = 0;

	while (getdelim(&line, &cap, '\0', stdin) > 0)
		add_file(t, xstrdup(line));
	free(line);
}

static bool
set_option(struct trial *t, const char *name, char *value)
{
	struct bench *b = &t->b;
	const struct reg *r;

	if (strcmp(name, "--lua") == 0)
		b->lua_dir = value;
	else if (strcmp(name, "--options") == 0)
		b->options = value;
	else if (strcmp(name, "--places") == 0)
		b->places = value;
	else if (strcmp(name, "--account") == 0)
		b->account = value;
	else if (strcmp(name, "--mailbox") == 0)
		b->mailbox = value;
	else if (strcmp(name, "--origin") == 0)
		b->origin = value;
	else if (strcmp(name, "--diff") == 0)
		t->old = value;
	else if (strcmp(name, "--me") == 0 && b->me.n < 20)
		b->me.v[b->me.n++] = str_z(value);
	else if (strcmp(name, "--event") == 0 &&
	    (r = registry_find(REG_EVENT, NULL, value)) != NULL)
		t->kind = (enum hook_kind)r->event;
	else if (strcmp(name, "--files-from") == 0 && strcmp(value, "-") == 0)
		read_files(t);
	else
		return false;
	return true;
}

static int
usage(void)
{
	fprintf(stderr, "usage: syncd-script check|test [--lua DIR] [--options JSON] "
	    "[--account NAME]\n"
	    "    [--me ADDR]... [--mailbox NAME] [--event NAME] [--origin NAME]\n"
	    "    [--explain] [--diff OLD] [--files-from -] SCRIPT [FILE]...\n"
	    "       syncd-script registry man|meta\n");
	return 64;
}

static int
trial(struct trial *t)
{
	usec from;

	if (t->old != NULL)
		return diff(t);
	from = clock_now();
	if (!run_all(t, t->script))
		return 1;
	if (!t->explain)
		print_groups(t, clock_now() - from);
	return t->errors > 0;
}

int
bench_main(int argc, char **argv)
{
	static struct trial t;
	struct bench *b = &t.b;
	struct stat st;
	static char path[PATH_LEN];
	bool dir, fixtures;
	int i = 2;

	b->account = "test";
	b->mailbox = "INBOX";
	b->origin = "server";
	b->options = "";
	b->lua_dir = "lua";
	b->me.v = arena_get(&b->a, 20 * sizeof(struct str));
	t.kind = HOOK_INCOMING;
	map_init(&t.index);
	for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
		if (strcmp(argv[i], "--explain") == 0)
			t.explain = true;
		else if (i + 1 == argc || !set_option(&t, argv[i], argv[i + 1]))
			return usage();
		else
			i++;
	}
	if (i == argc)
		return usage();
	t.script = argv[i++];
	for (; i < argc; i++)
		add_file(&t, argv[i]);
	b->done = on_done;
	b->data = &t;
	dir = stat(t.script, &st) == 0 && S_ISDIR(st.st_mode);
	fixtures = dir && strcmp(argv[1], "test") == 0 && b->n_msgs == 0;
	/* They say who they are about, whoever runs them. */
	if (fixtures) {
		b->account = "test";
		b->me.v[0] = STR("me@example.org");
		b->me.n = 1;
	}
	bench_init(b);
	if (fixtures)
		return fixture_run(b, t.script);
	if (dir) {
		snprintf(path, sizeof(path), "%s/main.lua", t.script);
		t.script = path;
	}
	if (strcmp(argv[1], "check") == 0)
		return check(&t);
	return strcmp(argv[1], "test") == 0 ? trial(&t) : usage();
}
