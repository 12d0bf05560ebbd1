#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "core/scheduler/tasks.h"

#define NUMBER_NBYTES 24

static char *copy_text(struct memory *memory, struct wire_bytes text)
{
    char *copy = memory_alloc(memory, text.nbytes + 1);
    if (!copy)
        return NULL;
    memcpy(copy, text.data, text.nbytes);
    copy[text.nbytes] = '\0';
    return copy;
}

static void free_text(struct memory *memory, char *text)
{
    if (text)
        memory_free(memory, text, strlen(text) + 1);
}

void sched_resources_deinit(struct vector *resources)
{
    struct sched_resource *list = resources->data;
    for (size_t i = 0; i < resources->count; i++)
        free_text(resources->memory, list[i].name);
    vector_deinit(resources);
}

dk_status sched_resources_read(struct vector *resources, const struct wire_value *map)
{
    uint32_t count = map && map->kind == WIRE_MAP ? map->count : 0;
    for (uint32_t i = 0; i < count; i++) {
        struct wire_bytes name;
        double amount;
        if (!wire_read_text(&map->as.entries[i].key, &name) ||
            !wire_read_float(&map->as.entries[i].value, &amount))
            continue;
        struct sched_resource *resource = vector_push(resources);
        if (!resource || !(resource->name = copy_text(resources->memory, name)))
            return DK_ENOMEM;
        resource->amount = amount;
    }
    return DK_OK;
}

/* Addresses, hosts or names, which may be numbers: these in decimal. */
static bool read_name(const struct wire_value *value, char digits[NUMBER_NBYTES],
                      struct wire_bytes *out)
{
    int64_t number;
    if (wire_read_text(value, out))
        return true;
    if (!wire_read_int(value, &number))
        return false;
    *out = (struct wire_bytes){digits,
                               (size_t)snprintf(digits, NUMBER_NBYTES, "%lld", (long long)number)};
    return true;
}

static bool is_list(const struct wire_value *value)
{
    return value && (value->kind == WIRE_ARRAY || value->kind == WIRE_SET);
}

static dk_status read_workers(struct vector *workers, const struct wire_value *list)
{
    uint32_t count = is_list(list) ? list->count : 0;
    for (uint32_t i = 0; i < count; i++) {
        struct wire_bytes text;
        char digits[NUMBER_NBYTES];
        if (!read_name(&list->as.items[i], digits, &text))
            continue;
        char **worker = vector_push(workers);
        if (!worker || !(*worker = copy_text(workers->memory, text)))
            return DK_ENOMEM;
    }
    return DK_OK;
}

static bool has_entries(const struct wire_value *value)
{
    return value && (value->kind == WIRE_MAP || is_list(value)) && value->count;
}

static dk_status read_wishes(struct sched_needs *needs, struct memory *memory,
                             const struct sched_wishes *wishes)
{
    DK_TRY(read_workers(&needs->workers, wishes->workers));
    DK_TRY(sched_resources_read(&needs->resources, wishes->resources));
    if (has_entries(wishes->annotations) &&
        !(needs->annotations = wire_box_new(memory, wishes->annotations)))
        return DK_ENOMEM;
    return DK_OK;
}

struct sched_needs *sched_needs_new(struct memory *memory, const struct sched_wishes *wishes)
{
    struct sched_needs *needs = memory_calloc(memory, sizeof(*needs));
    if (!needs)
        return NULL;
    vector_init(&needs->workers, memory, sizeof(char *));
    vector_init(&needs->resources, memory, sizeof(struct sched_resource));
    needs->is_loose = wishes->is_loose;
    if (read_wishes(needs, memory, wishes) == DK_OK)
        return needs;
    sched_needs_free(needs);
    return NULL;
}

void sched_needs_free(struct sched_needs *needs)
{
    if (!needs)
        return;
    struct memory *memory = needs->workers.memory;
    for (size_t i = 0; i < needs->workers.count; i++)
        free_text(memory, ((char **)needs->workers.data)[i]);
    vector_deinit(&needs->workers);
    sched_resources_deinit(&needs->resources);
    wire_box_unref(needs->annotations);
    memory_free(memory, needs, sizeof(*needs));
}
