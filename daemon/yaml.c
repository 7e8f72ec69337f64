/*
 * yaml.c — libyaml's events to a tree; the only file that knows libyaml.
 *
 * Facts about libyaml that the code relies on: marks count characters from 0; it
 * does not see duplicate keys; a value whose next line is indented deeper swallows
 * that line, and the complaint comes one line late.
 */
#include "yaml_tree.h"

#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "base/attr.h"
#include "base/map.h"
#include "base/mem.h"

struct anchor {
	char		*name;
	struct node	*node;
};

struct reader {
	yaml_parser_t		 parser;
	const struct source	*src;
	struct yaml		*yaml;
	struct diags		*diags;
	struct anchor		*anchor;
	size_t			 n_anchors, cap_anchors;
	size_t			 total;		/* nodes, aliases written out */
};

static struct node *read_node(struct reader *, yaml_event_t *, unsigned depth);

static struct mark
mark_at(const struct reader *r, yaml_mark_t from, yaml_mark_t to)
{
	size_t width = from.line == to.line && to.column > from.column ?
	    to.column - from.column : 1;

	return (struct mark){ r->src, (uint32_t)from.line + 1,
		(uint32_t)from.column + 1, (uint32_t)width };
}

static struct mark
mark_point(const struct reader *r, yaml_mark_t at)
{
	return mark_at(r, at, at);
}

/* The ${line}th line (from 0) of the source. */
static struct str
line_text(const struct source *src, size_t line)
{
	struct str rest = { src->text, src->n }, text = STR_NONE;

	for (size_t i = 0; i <= line; i++) {
		if (rest.p == NULL)
			return STR_NONE;
		text = str_split(&rest, '\n');
	}
	return text;
}

static size_t
indent_of(struct str line)
{
	size_t n = 0;

	while (n < line.n && (line.p[n] == ' ' || line.p[n] == '\t'))
		n++;
	return n;
}

/* A tab among the spaces that begin the line: its index, or -1. */
static ptrdiff_t
indent_tab(struct str line)
{
	size_t n = indent_of(line), tab = str_find(line, '\t');

	return tab < n ? (ptrdiff_t)tab : -1;
}

/* What libyaml says, and what to say instead. */
static const struct complaint {
	const char	*problem;	/* part of libyaml's sentence */
	const char	*context;	/* likewise, or NULL */
	const char	*code, *text, *caret;
	bool		 at_context;	/* the culprit is where it began */
} complaints[] = {
	{ "did not find expected key", "block mapping", "config.indent",
	    "the indentation of this line does not fit the lines above",
	    "expected a key in line with its neighbours", false },
	{ "did not find expected '-' indicator", NULL, "config.indent",
	    "the indentation of this line does not fit the list above",
	    "expected `- ` in line with its neighbours", false },
	{ "did not find expected ',' or ']'", NULL, "config.syntax",
	    "a list in brackets is not closed", "opened here", true },
	{ "did not find expected ',' or '}'", NULL, "config.syntax",
	    "a map in braces is not closed", "opened here", true },
	{ "could not find expected ':'", NULL, "config.syntax",
	    "a key without a colon", "write `key: value`", true },
	{ "found unknown escape character", NULL, "config.syntax",
	    "a backslash in double quotes begins an escape",
	    "single quotes keep a backslash as it is: '\\Sent'", true },
	{ "alphabetic or numeric character", "alias", "config.syntax",
	    "a word that begins with `*` needs quotes", "write '*'", true },
	{ "alphabetic or numeric character", "anchor", "config.syntax",
	    "a word that begins with `&` needs quotes", "quote it", true },
	{ "found unexpected end of stream", "quoted scalar", "config.syntax",
	    "a quote is never closed", "opened here", true },
	{ "found character that cannot start any token", NULL, "config.syntax",
	    "a word cannot begin with this character", "quote the word", false },
	{ "block sequence entries are not allowed", NULL, "config.syntax",
	    "a list cannot begin on the line of its key",
	    "begin it on the next line", false },
};

static const struct complaint *
find_complaint(const char *problem, const char *context)
{
	for (size_t i = 0; i < ARRAY_LEN(complaints); i++) {
		const struct complaint *c = &complaints[i];

		if (strstr(problem, c->problem) != NULL && (c->context == NULL ||
		    (context != NULL && strstr(context, c->context) != NULL)))
			return c;
	}
	return NULL;
}

/* "a: b: c": either the value wants quotes, or it is the tail of the value above,
 * to which this line, indented deeper, was taken to belong; or the line above is a
 * key that lacks its colon. */
static void
report_second_colon(struct reader *r)
{
	yaml_mark_t at = r->parser.problem_mark;
	struct str line = line_text(r->src, at.line), above = STR_NONE;
	size_t up = at.line;

	while (up > 0 && str_trim(above).n == 0)
		above = line_text(r->src, --up);
	size_t deep = indent_of(line), colon = str_find(line, ':');
	struct mark mark = mark_point(r, at);
	struct diag *d;

	if (colon >= at.column && indent_of(above) < deep &&
	    str_find(above, ':') < above.n) {
		mark.col = (uint32_t)deep + 1;
		mark.width = (uint32_t)(colon > deep ? colon - deep : 1);
		d = diags_add(r->diags, DIAG_ERROR, "config.indent", &mark,
		    "line %zu continues the value of line %zu", at.line + 1,
		    up + 1);
		diag_caret(d, "is the indentation of line %zu right?",
		    at.line + 1);
		return;
	}
	if (colon >= at.column && indent_of(above) == deep) {
		mark = (struct mark){ r->src, (uint32_t)up + 1,
			(uint32_t)deep + 1, (uint32_t)str_trim(above).n };
		d = diags_add(r->diags, DIAG_ERROR, "config.syntax", &mark,
		    "a key without a colon");
		diag_caret(d, "write `key: value`");
		return;
	}
	d = diags_add(r->diags, DIAG_ERROR, "config.syntax", &mark,
	    "a value with `: ` in it needs quotes");
	diag_caret(d, "a second colon in one line");
}

/* Bytes that are no UTF-8 text: libyaml gives an offset, not a mark. */
static void
report_bytes(struct reader *r)
{
	struct mark mark = { r->src, 1, 1, 1 };

	for (size_t i = 0; i < r->parser.problem_offset && i < r->src->n; i++) {
		unsigned char c = (unsigned char)r->src->text[i];

		if (c == '\n') {
			mark.line++;
			mark.col = 1;
		} else if ((c & 0xc0) != 0x80) {
			mark.col++;
		}
	}
	struct diag *d = diags_add(r->diags, DIAG_ERROR, "config.encoding", &mark,
	    "the file is not UTF-8 text");
	diag_caret(d, "byte 0x%02x cannot stand here",
	    (unsigned)r->parser.problem_value & 0xff);
}

static void
report_syntax(struct reader *r)
{
	const yaml_parser_t *p = &r->parser;
	const char *problem = p->problem != NULL ? p->problem : "not YAML";

	if (p->error == YAML_READER_ERROR) {
		report_bytes(r);
		return;
	}
	ptrdiff_t tab = indent_tab(line_text(r->src, p->problem_mark.line));
	if (tab >= 0) {
		struct mark mark = { r->src, (uint32_t)p->problem_mark.line + 1,
			(uint32_t)tab + 1, 1 };
		struct diag *d = diags_add(r->diags, DIAG_ERROR, "config.tab",
		    &mark, "a tab is used for indentation; YAML allows only"
		    " spaces");
		diag_caret(d, "put spaces here");
		return;
	}
	if (strstr(problem, "mapping values are not allowed") != NULL) {
		report_second_colon(r);
		return;
	}
	const struct complaint *c = find_complaint(problem, p->context);
	struct mark mark = mark_point(r, c != NULL && c->at_context ?
	    p->context_mark : p->problem_mark);
	struct diag *d = diags_add(r->diags, DIAG_ERROR,
	    c != NULL ? c->code : "config.syntax", &mark, "%s",
	    c != NULL ? c->text : problem);
	if (c != NULL)
		diag_caret(d, "%s", c->caret);
	diag_note(d, "the YAML parser says: %s%s%s", p->context != NULL ?
	    p->context : "", p->context != NULL ? ", " : "", problem);
}

static bool
next_event(struct reader *r, yaml_event_t *ev)
{
	if (yaml_parser_parse(&r->parser, ev))
		return true;
	report_syntax(r);
	return false;
}

static bool
within_caps(struct reader *r, const struct mark *at, size_t more, unsigned depth)
{
	if (more > YAML_NODES_MAX || r->total > YAML_NODES_MAX - more) {
		diag_help(diags_add(r->diags, DIAG_ERROR, "config.too-big", at,
		    "more than %d values, with aliases written out",
		    YAML_NODES_MAX), "use fewer aliases (*name) here");
		return false;
	}
	if (depth > YAML_DEPTH_MAX) {
		diag_help(diags_add(r->diags, DIAG_ERROR, "config.too-big", at,
		    "nested deeper than %d levels", YAML_DEPTH_MAX),
		    "no option is so deep: take brackets or dashes out here");
		return false;
	}
	r->total += more;
	return true;
}

static struct node *
new_node(struct reader *r, enum node_kind kind, const yaml_event_t *ev)
{
	struct node *n = xcalloc(1, sizeof(*n));

	n->kind = kind;
	n->at = mark_at(r, ev->start_mark, ev->end_mark);
	n->total = 1;
	n->height = 1;
	r->yaml->all = array_room(r->yaml->all, r->yaml->n, &r->yaml->cap,
	    sizeof(struct node *));
	r->yaml->all[r->yaml->n++] = n;
	return n;
}

static void
add_item(struct node *n, size_t *cap, struct node *item)
{
	n->item = array_room(n->item, n->n, cap, sizeof(struct node *));
	n->item[n->n++] = item;
	n->total += item->total;
	if (item->height >= n->height)
		n->height = item->height + 1;
}

static void
remember_anchor(struct reader *r, const yaml_char_t *name, struct node *n)
{
	if (name == NULL)
		return;
	r->anchor = array_room(r->anchor, r->n_anchors, &r->cap_anchors,
	    sizeof(*r->anchor));
	r->anchor[r->n_anchors++] = (struct anchor){
		xstrdup((const char *)name), n };
}

static struct node *
read_alias(struct reader *r, const yaml_event_t *ev, unsigned depth)
{
	const char *name = (const char *)ev->data.alias.anchor;
	struct mark at = mark_at(r, ev->start_mark, ev->end_mark);

	/* The latest of that name counts; one that is still being read is not
	 * in the list, so no tree contains itself. */
	for (size_t i = r->n_anchors; i-- > 0; ) {
		struct node *n = r->anchor[i].node;

		if (strcmp(r->anchor[i].name, name) != 0)
			continue;
		if (!within_caps(r, &at, n->total, depth + n->height - 1))
			return NULL;
		return n;
	}
	struct diag *d = diags_add(r->diags, DIAG_ERROR, "config.syntax", &at,
	    "there is no anchor `&%s` above this alias", name);
	diag_caret(d, "a word that begins with `*` needs quotes");
	struct node *n = new_node(r, NODE_SCALAR, ev);
	n->text = xstrdup("");
	n->bad = true;
	return n;
}

/* Tags would let the file choose types; most are an unquoted "!folder". */
static void
refuse_tag(struct reader *r, struct node *n, const yaml_char_t *tag)
{
	if (tag == NULL)
		return;
	n->bad = true;
	struct diag *d = diags_add(r->diags, DIAG_ERROR, "config.tag", &n->at,
	    "`%s` is a YAML tag, which has no meaning here", (const char *)tag);
	diag_caret(d, "a word that begins with `!` needs quotes");
}

static struct node *
read_scalar(struct reader *r, const yaml_event_t *ev)
{
	struct node *n = new_node(r, NODE_SCALAR, ev);

	n->text = xstrdup((const char *)ev->data.scalar.value);
	n->plain = ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	refuse_tag(r, n, ev->data.scalar.tag);
	if (strlen(n->text) != ev->data.scalar.length && !n->bad) {
		n->bad = true;
		diags_add(r->diags, DIAG_ERROR, "config.bad-value", &n->at,
		    "a NUL character cannot stand in a value");
	}
	remember_anchor(r, ev->data.scalar.anchor, n);
	return n;
}

static struct node *
read_list(struct reader *r, const yaml_event_t *ev, unsigned depth)
{
	struct node *n = new_node(r, NODE_LIST, ev);
	size_t cap = 0;

	n->flow = ev->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE;
	refuse_tag(r, n, ev->data.sequence_start.tag);
	for (;;) {
		yaml_event_t next;

		if (!next_event(r, &next))
			return NULL;
		if (next.type == YAML_SEQUENCE_END_EVENT) {
			if (n->flow)
				n->at = mark_at(r, ev->start_mark, next.end_mark);
			yaml_event_delete(&next);
			remember_anchor(r, ev->data.sequence_start.anchor, n);
			return n;
		}
		struct node *item = read_node(r, &next, depth + 1);
		yaml_event_delete(&next);
		if (item == NULL)
			return NULL;
		add_item(n, &cap, item);
	}
}

/* Whether ${key} may stand in the map whose keys so far are ${seen}. */
static bool
good_key(struct reader *r, struct map *seen, struct node *key)
{
	struct diag *d;
	uintptr_t before;

	if (key->kind != NODE_SCALAR) {
		diags_add(r->diags, DIAG_ERROR, "config.syntax", &key->at,
		    "a key must be a word, not a list or a map");
		return false;
	}
	if (key->bad)
		return false;
	if (key->plain && strcmp(key->text, "<<") == 0) {
		d = diags_add(r->diags, DIAG_ERROR, "config.merge-key", &key->at,
		    "`<<` does not merge maps here");
		diag_caret(d, "`defaults:` gives values to all accounts");
		return false;
	}
	if (map_get(seen, str_z(key->text), &before)) {
		const struct node *first = (const struct node *)before;

		d = diags_add(r->diags, DIAG_ERROR, "config.duplicate-key",
		    &key->at, "`%s` stands here twice", key->text);
		diag_caret(d, "first in line %u", first->at.line);
		return false;
	}
	map_put(seen, str_z(key->text), (uintptr_t)key);
	return true;
}

static struct node *
read_pairs(struct reader *r, struct node *n, const yaml_event_t *ev,
    unsigned depth, struct map *seen)
{
	struct node *key = NULL;
	size_t cap = 0;

	for (;;) {
		yaml_event_t next;

		if (!next_event(r, &next))
			return NULL;
		if (next.type == YAML_MAPPING_END_EVENT) {
			if (n->flow)
				n->at = mark_at(r, ev->start_mark, next.end_mark);
			yaml_event_delete(&next);
			return n;
		}
		struct node *item = read_node(r, &next, depth + 1);
		yaml_event_delete(&next);
		if (item == NULL)
			return NULL;
		if (key == NULL) {
			key = item;
			continue;
		}
		if (good_key(r, seen, key)) {
			add_item(n, &cap, key);
			add_item(n, &cap, item);
		}
		key = NULL;
	}
}

static struct node *
read_map(struct reader *r, const yaml_event_t *ev, unsigned depth)
{
	struct node *n = new_node(r, NODE_MAP, ev);
	struct map seen;

	n->flow = ev->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE;
	refuse_tag(r, n, ev->data.mapping_start.tag);
	map_init(&seen);
	n = read_pairs(r, n, ev, depth, &seen);
	map_clear(&seen);
	if (n != NULL)
		remember_anchor(r, ev->data.mapping_start.anchor, n);
	return n;
}

static struct node *
read_node(struct reader *r, yaml_event_t *ev, unsigned depth)
{
	struct mark at = mark_at(r, ev->start_mark, ev->end_mark);

	if (ev->type == YAML_ALIAS_EVENT)
		return read_alias(r, ev, depth);
	if (!within_caps(r, &at, 1, depth))
		return NULL;
	if (ev->type == YAML_SCALAR_EVENT)
		return read_scalar(r, ev);
	if (ev->type == YAML_SEQUENCE_START_EVENT)
		return read_list(r, ev, depth);
	must(ev->type == YAML_MAPPING_START_EVENT);
	return read_map(r, ev, depth);
}

/* The events of the whole file: one document at most. */
static int
read_stream(struct reader *r)
{
	for (bool seen = false;;) {
		yaml_event_t ev;
		int rc = 1;

		if (!next_event(r, &ev))
			return -1;
		if (ev.type == YAML_STREAM_END_EVENT) {
			rc = 0;
		} else if (ev.type == YAML_DOCUMENT_START_EVENT) {
			struct mark at = mark_at(r, ev.start_mark, ev.end_mark);

			if (seen) {
				diag_caret(diags_add(r->diags, DIAG_ERROR,
				    "config.second-document", &at,
				    "a second document begins here; a file has"
				    " one"), "put it into another file of"
				    " accounts.d/");
				rc = 0;
			}
			seen = true;
		} else if (ev.type != YAML_STREAM_START_EVENT &&
		    ev.type != YAML_DOCUMENT_END_EVENT) {
			r->yaml->root = read_node(r, &ev, 1);
			rc = r->yaml->root != NULL ? 1 : -1;
		}
		yaml_event_delete(&ev);
		if (rc <= 0)
			return rc;
	}
}

int
yaml_read(struct yaml *y, const struct source *src, struct diags *diags)
{
	struct reader r = { .src = src, .yaml = y, .diags = diags };

	*y = (struct yaml){ 0 };
	if (src->n > YAML_BYTES_MAX) {
		struct mark at = { .src = src };

		diag_help(diags_add(diags, DIAG_ERROR, "config.too-big", &at,
		    "the file is larger than %d bytes", YAML_BYTES_MAX),
		    "is it the right file?");
		return -1;
	}
	must(yaml_parser_initialize(&r.parser));
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.parser,
	    (const unsigned char *)src->text, src->n);
	int rc = read_stream(&r);
	yaml_parser_delete(&r.parser);
	for (size_t i = 0; i < r.n_anchors; i++)
		free(r.anchor[i].name);
	free(r.anchor);
	if (rc == -1)
		yaml_clear(y);
	return rc;
}

void
yaml_clear(struct yaml *y)
{
	for (size_t i = 0; i < y->n; i++) {
		free(y->all[i]->text);
		free(y->all[i]->item);
		free(y->all[i]);
	}
	free(y->all);
	*y = (struct yaml){ 0 };
}

bool
node_is_null(const struct node *n)
{
	return n->kind == NODE_SCALAR && n->plain && (n->text[0] == '\0' ||
	    strcmp(n->text, "~") == 0 || strcmp(n->text, "null") == 0);
}

const struct node *
node_get(const struct node *map, const char *key)
{
	if (map == NULL || map->kind != NODE_MAP)
		return NULL;
	for (size_t i = 0; i < map->n; i += 2) {
		if (strcmp(map->item[i]->text, key) == 0)
			return map->item[i + 1];
	}
	return NULL;
}
