/* load.c — loading plugins. */
#include "load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <lauxlib.h>
#include <lua.h>

#include "base/mem.h"
#include "handover.h"
#include "match.h"
#include "store.h"
#include "vm.h"

enum { SOURCE_MAX = 1 << 20 };

int
load_file(const char *path, struct buf *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = -1;

	buf_init(out, SOURCE_MAX);
	if (fd < 0)
		return -1;
	for (;;) {
		uint8_t *room = buf_room(out, 16 << 10);

		if (room == NULL) {
			errno = EFBIG;
			n = -1;
			break;
		}
		n = read(fd, room, 16 << 10);
		if (n <= 0)
			break;
		out->n += (size_t)n;
	}
	close(fd);
	return n < 0 ? -1 : 0;
}

/* "lists.lua", or "lists/main.lua" for a directory's main file. */
static char *
short_name(const char *path)
{
	const char *slash = strrchr(path, '/'), *before;

	if (slash == NULL)
		return xstrdup(path);
	if (strcmp(slash, "/main.lua") != 0)
		return xstrdup(slash + 1);
	before = slash;
	while (before > path && before[-1] != '/')
		before--;
	return xstrdup(before);
}

static struct plugin *
plugin_new(struct script *s, const struct load_wish *wish)
{
	struct plugin *p = xcalloc(1, sizeof(*p));
	char *slash;

	p->s = s;
	p->id = wish->id;
	p->name = str_dup(wish->name);
	p->path = str_dup(wish->path);
	p->file = short_name(p->path);
	p->dir = xstrdup(p->path);
	slash = strrchr(p->dir, '/');
	if (slash != NULL)
		*slash = '\0';
	p->config = str_dup(wish->config);
	p->places = str_dup(wish->places);
	p->trusted = wish->trusted;
	p->mem_max = s->max_memory;
	p->loading = true;
	return p;
}

static void
free_declareds(struct declareds *d)
{
	for (size_t i = 0; i < d->n; i++) {
		free(d->v[i].name);
		free(d->v[i].text);
	}
}

void
load_free(struct plugin *p)
{
	if (p == NULL)
		return;
	vm_close(p);
	store_free(p->stores);
	free_declareds(&p->timers);
	free_declareds(&p->commands);
	free_declareds(&p->grants);
	arena_clear(&p->a);
	free(p->name);
	free(p->path);
	free(p->file);
	free(p->dir);
	free(p->config);
	free(p->places);
	free(p);
}

/* In a protected call: the chunk as a function. */
static int
load_chunk(lua_State *L)
{
	const struct plugin *p = vm_plugin(L);
	const struct buf *source = lua_touserdata(L, 1);

	lua_pushfstring(L, "@%s", p->file);
	if (luaL_loadbufferx(L, (const char *)source->p, source->n,
	    lua_tostring(L, -1), "t") != LUA_OK)
		return lua_error(L);
	return 1;
}

/* The chunk on the run's coroutine; false with the error in its fault. */
static bool
open_chunk(struct run *r)
{
	struct plugin *p = r->load;
	CLEANUP(buf_clear) struct buf source = { 0 };
	char text[300];
	const char *why;

	if (load_file(p->path, &source) < 0) {
		snprintf(text, sizeof(text), "%s: %s", p->path, strerror(errno));
		run_fault(r, str_z(text));
		return false;
	}
	if (vm_open(p) < 0 || !vm_thread(r)) {
		run_fault(r, STR("not enough memory"));
		return false;
	}
	lua_pushcfunction(p->L, load_chunk);
	lua_pushlightuserdata(p->L, &source);
	if (lua_pcall(p->L, 1, 1, 0) != LUA_OK) {
		why = lua_tostring(p->L, -1);
		run_fault(r, str_z(why != NULL ? why : "cannot be read"));
		vm_close_thread(r);
		return false;
	}
	lua_xmove(p->L, r->thread, 1);
	return true;
}

void
load_start(struct script *s, const struct load_wish *wish)
{
	struct run *r = run_new(s, HOOK_KINDS);

	s->n_loads++;
	r->load = plugin_new(s, wish);
	r->plugin = r->load;
	if (open_chunk(r))
		run_ready(r);
	else
		load_done(r);
}

int
load_read(struct script *s, struct frame_in *in)
{
	struct load_wish wish = { .id = frame_u32(in) };

	wish.name = frame_str(in);
	wish.path = frame_str(in);
	wish.trusted = frame_u8(in) != 0;
	wish.config = frame_str(in);
	wish.places = frame_str(in);
	if (!frame_ended(in) || wish.id >= PLUGINS_MAX)
		return -1;
	load_start(s, &wish);
	return 0;
}

/* ---- what came of it ------------------------------------------------ */

static void
put_kinds(struct frame *f, const struct plugin *p)
{
	uint64_t kinds = 0, initial = 0;

	for (size_t i = 0; i < p->n_handlers; i++) {
		uint64_t bit = (uint64_t)1 << p->handler[i].kind;

		if (handover_is(p->handler[i].kind))
			continue;
		kinds |= bit;
		if (match_wants_initial(p->handler[i].match))
			initial |= bit;
	}
	if (p->timers.n > 0)
		kinds |= (uint64_t)1 << HOOK_TIMER;
	if (p->commands.n > 0)
		kinds |= (uint64_t)1 << HOOK_COMMAND;
	frame_put_u64(f, kinds);
	frame_put_u64(f, initial);
}

static void
put_declareds(struct frame *f, const struct declareds *d)
{
	frame_put_u32(f, (uint32_t)d->n);
	for (size_t i = 0; i < d->n; i++) {
		frame_put_str(f, str_z(d->v[i].name));
		if (d->v[i].text != NULL)
			frame_put_str(f, str_z(d->v[i].text));
		else
			frame_put_u8(f, d->v[i].catch_up);
	}
}

static void
tell(struct script *s, const struct plugin *p, const char *error)
{
	struct frame f;

	frame_init(&f, FRAME_LOADED);
	frame_put_u32(&f, p->id);
	frame_put_str(&f, str_z(error));
	put_kinds(&f, p);
	put_declareds(&f, &p->timers);
	put_declareds(&f, &p->commands);
	put_declareds(&f, &p->grants);
	script_send(s, &f);
}

static size_t
find(const struct script *s, uint32_t id)
{
	size_t i = 0;

	/* Plugins are in the order of their numbers, which is the order in
	 * which they run. */
	while (i < s->n_plugins && s->plugin[i]->id < id)
		i++;
	return i;
}

static void
put_in_place(struct script *s, struct plugin *p)
{
	size_t i = find(s, p->id);

	if (i < s->n_plugins && s->plugin[i]->id == p->id) {
		handover_stop(s->plugin[i]);
		script_retire(s, s->plugin[i]);
		s->plugin[i] = p;
		return;
	}
	must(s->n_plugins < PLUGINS_MAX);
	memmove(&s->plugin[i + 1], &s->plugin[i],
	    (s->n_plugins - i) * sizeof(struct plugin *));
	s->plugin[i] = p;
	s->n_plugins++;
}

void
load_done(struct run *r)
{
	struct script *s = r->s;
	struct plugin *p = r->load;
	char text[1200] = "";

	if (r->n_faults > 0) {
		const struct fault *f = &r->fault[0];

		snprintf(text, sizeof(text), "%.*s%s%.*s", STR_ARG(f->where),
		    f->where.n > 0 ? ": " : "", STR_ARG(f->text));
	} else if (!p->has_plugin) {
		snprintf(text, sizeof(text), "%s: does not say "
		    "plugin { api = 1 }", p->file);
	}
	p->loading = false;
	vm_close_thread(r);
	if (text[0] == '\0') {
		size_t i = find(s, p->id);

		handover_start(i < s->n_plugins && s->plugin[i]->id == p->id ?
		    s->plugin[i] : NULL, p, text, sizeof(text));
	}
	tell(s, p, text);
	if (text[0] == '\0')
		put_in_place(s, p);
	else
		load_free(p);
	r->load = NULL;
	r->plugin = NULL;
	run_free(r);
	s->n_loads--;
	script_loaded(s);
}
