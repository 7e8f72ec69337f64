/*
 * load.h — from a file to a plugin that runs.
 *
 * A new version is loaded beside the one that runs, and takes its place only when
 * all of it went well: the chunk, its declaration, its options.
 */
#ifndef PLUGINS_LOAD_H
#define PLUGINS_LOAD_H

#include "run.h"

/* FRAME_LOAD.  -1: the frame is bad. */
int	load_read(struct script *s, struct frame_in *in);
/* What is to be loaded; all of it is borrowed. */
struct load_wish {
	uint32_t	id;
	struct str	name, path;
	bool		trusted;
	struct str	config, places;	/* JSON: options, and where they stand */
};

/* Start loading; the run ends in load_done(). */
void	load_start(struct script *s, const struct load_wish *wish);
/* The run of a load ended: swap, or keep what there was; FRAME_LOADED. */
void	load_done(struct run *r);
void	load_free(struct plugin *p);
/* Read a file of Lua source into ${out}; -1 with errno. */
int	load_file(const char *path, struct buf *out);

#endif
