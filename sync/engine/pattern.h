#ifndef ENGINE_PATTERN_H
#define ENGINE_PATTERN_H
#include <stdbool.h>
#include "base/str.h"
#include "engine/conf.h"
bool pattern_selects(const struct strlist *rules, struct str name, unsigned attrs);
bool pattern_glob(struct str pattern, struct str name);
char *pattern_rename(const struct strmap *map, struct str name);
char *pattern_rename_back(const struct strmap *map, struct str name);
struct policy pattern_policy(const struct account_conf *conf, struct str name, unsigned attrs);
#endif
