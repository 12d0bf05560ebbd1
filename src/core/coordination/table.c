#include "core/coordination/table.h"

void coord_table_init(struct coord_table *table, struct memory *memory, size_t thing_nbytes)
{
    keys_init(&table->names, memory);
    vector_init(&table->things, memory, sizeof(void *));
    table->thing_nbytes = thing_nbytes;
}

static void **place_of(const struct coord_table *table, uint32_t id)
{
    return &((void **)table->things.data)[id];
}

void coord_table_deinit(struct coord_table *table)
{
    for (size_t i = 0; i < table->things.count; i++)
        memory_free(table->things.memory, *place_of(table, (uint32_t)i), table->thing_nbytes);
    vector_deinit(&table->things);
    keys_deinit(&table->names);
}

void *coord_table_find(const struct coord_table *table, struct wire_bytes name)
{
    uint32_t id = keys_find(&table->names, name);
    return id == KEY_NONE ? NULL : *place_of(table, id);
}

static struct coord_thing *make_thing(struct coord_table *table, uint32_t id)
{
    while (table->things.count <= id)
        if (!vector_push(&table->things))
            return NULL;
    struct coord_thing *thing = memory_calloc(table->things.memory, table->thing_nbytes);
    if (thing)
        thing->id = id;
    return thing;
}

void *coord_table_get(struct coord_table *table, struct wire_bytes name)
{
    uint32_t id;
    bool is_new;
    if (keys_add(&table->names, name, &id, &is_new) != DK_OK)
        return NULL;
    if (!is_new)
        return *place_of(table, id);
    struct coord_thing *thing = make_thing(table, id);
    if (thing)
        *place_of(table, id) = thing;
    else
        keys_remove(&table->names, id);
    return thing;
}

void coord_table_remove(struct coord_table *table, void *thing)
{
    uint32_t id = ((struct coord_thing *)thing)->id;
    *place_of(table, id) = NULL;
    keys_remove(&table->names, id);
    memory_free(table->things.memory, thing, table->thing_nbytes);
}

void *coord_table_next(const struct coord_table *table, const void *thing)
{
    size_t id = thing ? ((const struct coord_thing *)thing)->id + (size_t)1 : 0;
    for (; id < table->things.count; id++)
        if (*place_of(table, (uint32_t)id))
            return *place_of(table, (uint32_t)id);
    return NULL;
}
