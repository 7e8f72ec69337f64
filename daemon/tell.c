/* tell.c — how a mistake is told. */
#include "tell.h"

#include <stdio.h>
#include <stdlib.h>

#include "js.h"
#include "remedy.h"

int
tell_error(bool json, int exit, const char *code, const char *message,
    const char *remedy)
{
	struct remedy_place nowhere = { 0 };
	char general[1024], *text;
	json_t *e;

	if (remedy == NULL || remedy[0] == '\0')
		remedy = remedy_text(code, &nowhere, general, sizeof(general));
	if (!json) {
		fprintf(stderr, "error[%s]: %s\n", code, message);
		if (remedy[0] != '\0')
			fprintf(stderr, "  = help: %s\n", remedy);
		return exit;
	}
	e = js_error(code, message, remedy);
	json_object_set_new(e, "exit", json_integer(exit));
	e = json_pack("{s:o}", "error", e);
	text = js_dump(e);
	fprintf(stderr, "%s\n", text);
	free(text);
	json_decref(e);
	return exit;
}
