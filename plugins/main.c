/*
 * main.c — syncd-script.
 *
 * Started by the parent with its socket as descriptor 3, or by people with a verb
 * (bench.h).  It has no other descriptor that leads anywhere, and after the first
 * frame no right to get one.
 */
#include <string.h>

#include "bench.h"
#include "mime.h"
#include "registry.h"
#include "script.h"

int
main(int argc, char **argv)
{
	mime_start();
	if (argc == 1)
		return script_serve();
	if (argc == 3 && strcmp(argv[1], "registry") == 0)
		return registry_print(argv[2]) < 0 ? 64 : 0;
	return bench_main(argc, argv);
}
