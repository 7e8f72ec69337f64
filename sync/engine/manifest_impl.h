/* manifest_impl.h — what manifest.c and manifest_read.c share. */
#ifndef ENGINE_MANIFEST_IMPL_H
#define ENGINE_MANIFEST_IMPL_H

#include "engine/manifest.h"

/* The file of ${month}, "2026-11"; to free(). */
char	*manifest_path(const struct account *acc, const char *month);
/* The digest of a line, without its newline. */
void	 manifest_hash(struct hasher *h, struct str text, struct hash *out);

#endif
