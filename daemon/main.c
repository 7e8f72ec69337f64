/* main.c — argv to a role: `syncd worker`, `syncd across` and `syncd relay` are what the
 * parent starts; everything else is a verb. */
#include <string.h>

#include "across.h"
#include "base/hash.h"
#include "cli/cli.h"
#include "js.h"
#include "relay.h"
#include "worker.h"

int
main(int argc, char **argv)
{
	js_begin();
	hash_begin();
	if (argc >= 2 && strcmp(argv[1], "worker") == 0)
		return worker_main();
	if (argc >= 2 && strcmp(argv[1], "across") == 0)
		return across_main(argc, argv);
	if (argc >= 2 && strcmp(argv[1], "relay") == 0)
		return relay_main(argc, argv);
	return cli_main(argc, argv);
}
