#include "wire/build.h"

#include <string.h>

static struct wire_filling begin(struct wire_builder *builder, size_t capacity, size_t nbytes)
{
    struct wire_filling filling = {.builder = builder};
    void *block = capacity < UINT32_MAX ? arena_alloc(builder->arena, capacity * nbytes) : NULL;
    if (!block) {
        builder->failed = true;
        return filling;
    }
    filling.as.items = block;
    filling.capacity = (uint32_t)capacity;
    return filling;
}

struct wire_filling wire_begin_map(struct wire_builder *builder, size_t capacity)
{
    return begin(builder, capacity, sizeof(struct wire_entry));
}

struct wire_filling wire_begin_array(struct wire_builder *builder, size_t capacity)
{
    return begin(builder, capacity, sizeof(struct wire_value));
}

void wire_put_key(struct wire_filling *map, struct wire_value key, struct wire_value value)
{
    if (map->count < map->capacity)
        map->as.entries[map->count++] = (struct wire_entry){key, value};
    else
        map->builder->failed = true;
}

void wire_put(struct wire_filling *map, const char *name, struct wire_value value)
{
    wire_put_key(map, wire_text(name), value);
}

void wire_add(struct wire_filling *array, struct wire_value item)
{
    if (array->count < array->capacity)
        array->as.items[array->count++] = item;
    else
        array->builder->failed = true;
}

struct wire_value wire_end_map(const struct wire_filling *map)
{
    return wire_map(map->as.entries, map->count);
}

struct wire_value wire_end_array(const struct wire_filling *array)
{
    return wire_array(array->as.items, array->count);
}

struct wire_value wire_copy_text(struct wire_builder *builder, const char *text)
{
    char *copy = arena_strdup(builder->arena, text);
    if (copy)
        return wire_text(copy);
    builder->failed = true;
    return wire_nil();
}
