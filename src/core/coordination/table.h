/* Things by name, where a name is whatever a key may be (core/keys.h). They stay where they are. */
#ifndef CORE_COORDINATION_TABLE_H
#define CORE_COORDINATION_TABLE_H

#include "core/keys.h"

/* The first member of each thing. */
struct coord_thing {
    uint32_t id; /* of its name */
};

struct coord_table {
    struct keys names;
    struct vector things; /* of void *, by id; NULL: free */
    size_t thing_nbytes;
};

void coord_table_init(struct coord_table *table, struct memory *memory, size_t thing_nbytes);
/* Frees the things, too; what they hold is the caller's. */
void coord_table_deinit(struct coord_table *table);

/* NULL when there is none of that name. */
void *coord_table_find(const struct coord_table *table, struct wire_bytes name);
/* The one of that name, which is made (cleared) when there is none; NULL when out of memory. */
void *coord_table_get(struct coord_table *table, struct wire_bytes name) DK_NODISCARD;
/* Removes and frees. */
void coord_table_remove(struct coord_table *table, void *thing);

static inline struct wire_bytes coord_table_name(const struct coord_table *table, const void *thing)
{
    return keys_packed(&table->names, ((const struct coord_thing *)thing)->id);
}

static inline size_t coord_table_count(const struct coord_table *table)
{
    return table->names.count;
}

/* The first thing after `thing`, or of all (NULL); the order depends on nothing but what was made
 * and removed before. */
void *coord_table_next(const struct coord_table *table, const void *thing);

/* The thing at hand must not be removed. */
#define COORD_EACH(type, at, table)                                                                \
    for (type *at = coord_table_next(table, NULL); at; at = coord_table_next(table, at))

#endif
