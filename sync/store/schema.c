/*
 * schema.c — schema/NNN-*.sql as text in the program: each file takes a state
 * database one version further.
 */
#include "store/db.h"

#define STEP(n, file) \
	extern const char store_step_##n[]; \
	__asm__(".section .rodata\n" \
	    ".global store_step_" #n "\n" \
	    "store_step_" #n ":\n" \
	    ".incbin \"sync/store/schema/" file "\"\n" \
	    ".byte 0\n" \
	    ".previous\n")

STEP(1, "001-base.sql");
STEP(2, "002-scripts.sql");
STEP(3, "003-uidl.sql");
STEP(4, "004-manifest.sql");
STEP(5, "005-uids.sql");
STEP(6, "006-keep.sql");
STEP(7, "007-change.sql");
STEP(8, "008-dirs.sql");

const char *const store_schema[] = {
	store_step_1,
	store_step_2,
	store_step_3,
	store_step_4,
	store_step_5,
	store_step_6,
	store_step_7,
	store_step_8,
};
const int store_schema_version = sizeof(store_schema) / sizeof(store_schema[0]);
