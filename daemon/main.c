/* main.c — argv to a role: `syncd worker` is what the parent starts; everything
 * else is a verb. */
#include <string.h>

#include "cli/cli.h"
#include "worker.h"

int
main(int argc, char **argv)
{
	if (argc >= 2 && strcmp(argv[1], "worker") == 0)
		return worker_main();
	return cli_main(argc, argv);
}
