/* explain.c — `syncd explain CODE`: what happened, and what to do. */
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/suggest.h"
#include "codes.h"

enum { COLUMNS = 76 };

/* Words in lines; those after the first begin with ${indent} spaces. */
static void
print_wrapped(const char *text, int indent)
{
	int at = indent;

	while (*text != '\0') {
		int n = (int)strcspn(text, " ");

		if (at > indent && at + 1 + n > COLUMNS) {
			printf("\n%*s", indent, "");
			at = indent;
		} else if (at > indent) {
			putchar(' ');
			at++;
		}
		printf("%.*s", n, text);
		at += n;
		text += n;
		text += strspn(text, " ");
	}
	putchar('\n');
}

static json_t *
code_json(const struct code *c)
{
	return json_pack("{s:s, s:s, s:s}", "code", c->name, "about", c->about,
	    "remedy", c->remedy);
}

static int
list_codes(const struct cli *cli)
{
	json_t *all = json_array();

	for (size_t i = 0; i < n_codes; i++) {
		if (cli->json)
			json_array_append_new(all, code_json(&codes[i]));
		else
			puts(codes[i].name);
	}
	if (cli->json)
		cli_take_json(json_pack("{s:O}", "codes", all));
	json_decref(all);
	return 0;
}

static int
unknown_code(const struct cli *cli, const char *name)
{
	char text[256], remedy[256] = "syncd explain lists all codes";
	struct suggest near;

	suggest_init(&near, str_z(name));
	for (size_t i = 0; i < n_codes; i++)
		suggest_offer(&near, codes[i].name);
	snprintf(text, sizeof(text), "there is no code `%.100s`", name);
	if (near.best[0] != '\0')
		snprintf(remedy, sizeof(remedy), "did you mean `%s`?", near.best);
	return cli_fail(cli, EX_NOINPUT, "target.unknown", text, remedy);
}

int
verb_explain(struct cli *cli)
{
	const struct code *c;

	if (cli->n == 0)
		return list_codes(cli);
	c = codes_find(cli->arg[0]);
	if (c == NULL)
		return unknown_code(cli, cli->arg[0]);
	if (cli->json) {
		cli_take_json(code_json(c));
		return 0;
	}
	printf("%s\n\n", c->name);
	print_wrapped(c->about, 0);
	printf("\nWhat to do: ");
	print_wrapped(c->remedy, (int)strlen("What to do: "));
	return 0;
}
