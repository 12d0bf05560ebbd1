/* The key-value block of an Arrow schema: a count, then key and value, each with its length, in
 * 32-bit integers of the machine's byte order. */
#ifndef IO_ARROW_METADATA_H
#define IO_ARROW_METADATA_H

#include "base/text.h"

/* Key of the index column's name, and of "1" for a series. */
#define ARROW_KEY_INDEX  "cdask.index"
#define ARROW_KEY_SERIES "cdask.series"
/* The column name of an index that has none (pandas' own spelling). */
#define ARROW_UNNAMED_INDEX "__index_level_0__"

void arrow_metadata_begin(struct text *text, int32_t npairs);
void arrow_metadata_add(struct text *text, const char *key, const char *value);
/* True when `metadata` (NULL: none) has the pair. */
bool arrow_metadata_has(const char *metadata, const char *key, const char *value);

#endif
