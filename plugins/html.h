/* html.h — what a page says, without its markup. */
#ifndef PLUGINS_HTML_H
#define PLUGINS_HTML_H

#include "arena.h"
#include "base/str.h"

/* Tags are gone, blocks are lines, entities are characters; scripts and styles are
 * left out.  UTF-8 in, UTF-8 out, never longer than what came in. */
struct str html_to_text(struct str html, struct arena *a);

#endif
