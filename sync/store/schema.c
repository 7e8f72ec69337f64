/* schema.c — schema.sql as text in the program. */
#include "store/db.h"

__asm__(".section .rodata\n"
    ".global store_schema\n"
    "store_schema:\n"
    ".incbin \"sync/store/schema.sql\"\n"
    ".byte 0\n"
    ".previous\n");
