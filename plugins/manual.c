/*
 * manual.c — registry.def as documents: the manual page syncd-lua(7), and the
 * annotations that LuaLS reads.  A test compares them with the files that are kept.
 */
#include "registry.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

static const char page_head[] =
    ".Dd November 28, 2026\n"
    ".Dt SYNCD-LUA 7\n"
    ".Os\n"
    ".Sh NAME\n"
    ".Nm syncd-lua\n"
    ".Nd scripts that filter, tag and archive mail while it is synced\n"
    ".Sh SYNOPSIS\n"
    ".Bd -literal\n"
    "plugin { api = 1 }\n"
    "on.incoming({ mailbox = \"INBOX\", list = \"*\" }, function(msg)\n"
    "  msg:move(\"Lists/{list}\")\n"
    "end)\n"
    ".Ed\n"
    ".Sh DESCRIPTION\n"
    "A script is a file of Lua 5.4 that registers handlers for events.\n"
    "A handler gets a message and says what is to be done with it; nothing is done\n"
    "at once.\n"
    "What all handlers asked for is committed together with what caused it, so that\n"
    "it is done exactly once, also when everything is killed in between.\n"
    ".Pp\n"
    "A script that fails, loops or eats memory delays its own message only: that one is\n"
    "delivered as if the script were not there, and is given to it again later.\n"
    "The first move of a message in an event wins; plugins run in the order of\n"
    ".Xr syncd.yaml 5 .\n"
    "Return values have no meaning.\n"
    ".Pp\n"
    "Of the standard library there are string, table, math, utf8, coroutine, and of os\n"
    "time, date, clock and difftime; string has has(), glob(), trim() and lines(), too.\n"
    "There are no files, no network and no processes but through what the plugin\n"
    "declares and the configuration allows.\n"
    "log.info(), log.warn() and log.error() write to the log; escape.markup() and\n"
    "escape.shell() quote; syncd.api is the version of this interface, and\n"
    "syncd.has(\"event:moved\") says what there is.\n"
    ".Pp\n"
    "Patterns of mailboxes and files may have {year} {month} {day} {date} {account}\n"
    "{mailbox} {list} {from} {from.user} {from.domain} {to.detail} {subject}\n"
    "{filename}; no value of them can leave the directory that it is put into.\n";

static const char page_tail[] =
    ".Sh LIMITS\n"
    "10 million instructions an event, three times; 64 MiB a plugin; 32 actions an\n"
    "event, where an action on a set counts once and takes 500 messages without\n"
    "really(); 1 MiB a value and 16 MiB a plugin in stores; 2 s without a sign of life.\n"
    "After five errors or two kills within ten minutes a plugin is suspended for a\n"
    "minute, then for twice as long each time, up to an hour.\n"
    ".Sh FILES\n"
    ".Bl -tag -width Ds\n"
    ".It Pa ~/.config/syncd/plugins/NAME.lua\n"
    "Plugins of the user; NAME/main.lua for one of several files.\n"
    ".El\n"
    ".Sh SEE ALSO\n"
    ".Xr syncd 1 ,\n"
    ".Xr syncd.yaml 5 ,\n"
    ".Xr syncd-plugins 7\n";

/* Text of a man page: what would be a request or an escape is none. */
static void
roff(const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s == '\\')
			fputs("\\e", stdout);
		else if (*s == '-')
			fputs("\\-", stdout);
		else
			putchar(*s);
	}
}

static void
item(const char *head, const char *type, const char *doc)
{
	printf(".It ");
	roff(head);
	if (type != NULL) {
		printf(" ");
		roff(type);
	}
	printf("\n");
	roff(doc);
	printf(".\n");
}

static void
section(const char *title, enum reg_kind kind, const char *class, const char *prefix)
{
	bool open = false;

	for (size_t i = 0; i < registry_n; i++) {
		const struct reg *r = &registry[i];
		char head[80];

		if (r->kind != kind ||
		    (class != NULL && strcmp(r->class, class) != 0))
			continue;
		if (!open && title != NULL)
			printf(".Sh %s\n", title);
		if (!open)
			printf(".Bl -tag -width Ds\n");
		open = true;
		snprintf(head, sizeof(head), "%s%s", prefix, r->name);
		item(head, kind == REG_EVENT ? NULL : r->type, r->doc);
	}
	if (open)
		printf(".El\n");
}

static void
print_man(void)
{
	fputs(page_head, stdout);
	section("EVENTS", REG_EVENT, NULL, "on.");
	section("KEYS OF MATCHES AND SEARCHES", REG_KEY, NULL, "");
	section("FUNCTIONS", REG_FUNCTION, NULL, "");
	printf(".Sh OBJECTS\n");
	for (size_t i = 0; i < registry_n; i++) {
		const char *class = registry[i].name;

		if (registry[i].kind != REG_CLASS)
			continue;
		printf(".Ss %s\n", class);
		roff(registry[i].doc);
		printf("\n");
		section(NULL, REG_FIELD, class, "");
		section(NULL, REG_DATA, class, "");
		section(NULL, REG_METHOD, class, ":");
	}
	section("TYPES OF OPTIONS", REG_OPTION, NULL, "");
	section("PERMISSIONS", REG_PERMISSION, NULL, "");
	fputs(page_tail, stdout);
}

/* ---- annotations ---------------------------------------------------- */

/* "(name: string, how: table?): store" to ---@param and ---@return, and the names
 * alone for the function's head. */
static void
annotate(const char *sig, char names[120])
{
	const char *p = sig + 1, *end;
	size_t n = 0;
	int depth = 0;

	/* The parenthesis that closes the arguments, past those inside. */
	for (end = sig; *end != '\0'; end++) {
		depth += *end == '(' ? 1 : *end == ')' ? -1 : 0;
		if (depth == 0)
			break;
	}
	names[0] = '\0';
	while (p < end) {
		const char *colon = p + strcspn(p, ":,)"), *stop = colon;

		for (depth = 0; stop < end && (*stop != ',' || depth > 0); stop++)
			depth += *stop == '(' ? 1 : *stop == ')' ? -1 : 0;
		n += (size_t)snprintf(names + n, 120 - n, "%s%.*s",
		    n > 0 ? ", " : "", (int)(colon - p), p);
		if (*colon == ':' && colon < stop)
			printf("---@param %.*s %.*s\n", (int)(colon - p), p,
			    (int)(stop - colon - 2), colon + 2);
		p = stop + 1 + (stop[0] == ',' && stop[1] == ' ');
	}
	if (strncmp(end, "): ", 3) == 0 && strcmp(end + 3, "...") != 0)
		printf("---@return %s\n", end + 3);
}

static void
meta_class(const struct reg *class)
{
	printf("\n--- %s\n---@class %s\n", class->doc, class->name);
	for (size_t i = 0; i < registry_n; i++) {
		const struct reg *r = &registry[i];

		if ((r->kind == REG_FIELD || r->kind == REG_DATA) &&
		    strcmp(r->class, class->name) == 0)
			printf("---@field %s %s %s\n", r->name, r->type, r->doc);
	}
	printf("local %s = {}\n", class->name);
	for (size_t i = 0; i < registry_n; i++) {
		const struct reg *r = &registry[i];
		char names[120];

		if (r->kind != REG_METHOD || strcmp(r->class, class->name) != 0)
			continue;
		printf("\n--- %s\n", r->doc);
		annotate(r->type, names);
		printf("function %s:%s(%s) end\n", class->name, r->name, names);
	}
}

static void
print_meta(void)
{
	printf("---@meta\n-- What scripts of syncd can name, for editors that read "
	    "LuaLS annotations.\n");
	printf("\n---@class match\n");
	for (size_t i = 0; i < registry_n; i++) {
		const struct reg *r = &registry[i];

		if (r->kind == REG_KEY)
			printf("---@field %s any %s: %s\n", r->name, r->type, r->doc);
	}
	for (size_t i = 0; i < registry_n; i++) {
		if (registry[i].kind == REG_CLASS)
			meta_class(&registry[i]);
	}
	printf("\n---@class on\non = {}\n");
	for (size_t i = 0; i < registry_n; i++) {
		const struct reg *r = &registry[i];

		if (r->kind == REG_EVENT)
			printf("\n--- %s: fn(%s)\n---@param match match|function\n"
			    "---@param fn function?\nfunction on.%s(match, fn) end\n",
			    r->doc, r->type, r->name);
	}
	for (size_t i = 0; i < registry_n; i++) {
		const struct reg *r = &registry[i];
		char names[120];

		if (r->kind != REG_FUNCTION)
			continue;
		printf("\n--- %s\n", r->doc);
		annotate(r->type, names);
		printf("function %s(%s) end\n", r->name, names);
	}
	printf("\n---@type account\naccount = nil\n");
}

int
registry_print(const char *form)
{
	if (strcmp(form, "man") == 0)
		print_man();
	else if (strcmp(form, "meta") == 0)
		print_meta();
	else
		return -1;
	return 0;
}
