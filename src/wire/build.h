/* Making values to be sent, in an arena. Out of memory is remembered and asked for once at the end.
 */
#ifndef WIRE_BUILD_H
#define WIRE_BUILD_H

#include "base/arena.h"
#include "wire/value.h"

struct wire_builder {
    struct arena *arena;
    bool failed;
};

/* A map or an array that is being filled, for at most as many things as it was begun for. */
struct wire_filling {
    struct wire_builder *builder;
    union {
        struct wire_entry *entries;
        struct wire_value *items;
    } as;
    uint32_t count;
    uint32_t capacity;
};

struct wire_filling wire_begin_map(struct wire_builder *builder, size_t capacity);
struct wire_filling wire_begin_array(struct wire_builder *builder, size_t capacity);
/* `name` is borrowed, as is what values point to. */
void wire_put(struct wire_filling *map, const char *name, struct wire_value value);
void wire_put_key(struct wire_filling *map, struct wire_value key, struct wire_value value);
void wire_add(struct wire_filling *array, struct wire_value item);
struct wire_value wire_end_map(const struct wire_filling *map);
struct wire_value wire_end_array(const struct wire_filling *array);

/* A copy of the text in the arena. */
struct wire_value wire_copy_text(struct wire_builder *builder, const char *text);

#endif
