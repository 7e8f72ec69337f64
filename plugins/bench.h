/* bench.h — syncd-script by hand: scripts over files, with nobody to talk to. */
#ifndef PLUGINS_BENCH_H
#define PLUGINS_BENCH_H

int	bench_main(int argc, char **argv);

#endif
