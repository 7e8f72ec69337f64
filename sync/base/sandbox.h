/*
 * sandbox.h — what a process gives up before it meets a stranger's bytes.
 *
 * Three layers, each of which a kernel may lack: files and directories
 * (Landlock), TCP ports (Landlock since Linux 6.7), system calls (seccomp).  What
 * is missing is returned, never passed over: the caller says so.  The only
 * Landlock, and with filter.h the only seccomp.
 */
#ifndef BASE_SANDBOX_H
#define BASE_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sandbox_role {
	SANDBOX_WORKER,		/* talks to a server, keeps a Maildir */
	SANDBOX_SCRIPT		/* runs a user's Lua: no network at all */
};

enum sandbox_layer {
	SANDBOX_FILES	= 1 << 0,
	SANDBOX_PORTS	= 1 << 1,
	SANDBOX_CALLS	= 1 << 2
};

/* A directory with all below it, or a file.  One that is not there is left out:
 * make it before. */
struct sandbox_path {
	const char	*path;
	bool		 write;
};

/* For every process that holds a secret: no core dump, and no other process of
 * the user may look inside.  Inherited by children until they exec. */
void	 sandbox_private(void);

/*
 * No way back.  Besides ${path} what the role needs to resolve names and to
 * verify certificates can be read; TCP goes to ${port} (0: none) and to what
 * name resolution needs.  The process has one thread yet.  Returns the layers
 * that could not be had.
 */
unsigned sandbox_enter(enum sandbox_role role, const struct sandbox_path *path,
	    size_t n, uint16_t port);

/* Built with a sanitizer, which needs more than any role is left with: then nothing
 * is given up. */
bool	 sandbox_is_off(void);

/* The layers that this kernel does not have, without entering. */
unsigned sandbox_missing(void);

/* What a missing layer means: "the kernel has no Landlock: ...". */
const char *sandbox_says(enum sandbox_layer layer);

#endif
