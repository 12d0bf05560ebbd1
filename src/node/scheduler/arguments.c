/* What requests say in the same words. */
#include "base/error.h"
#include "base/timedelta.h"
#include "node/scheduler/parts.h"

bool scheduler_read_flag(const struct wire_value *value, bool otherwise)
{
    return value && value->kind == WIRE_BOOL ? value->as.boolean : otherwise;
}

int64_t scheduler_read_timeout_ms(const struct wire_value *value, double otherwise_s)
{
    struct wire_bytes text;
    double seconds = otherwise_s;
    if (wire_read_text(value, &text))
        (void)!timedelta_parse(text.data, text.nbytes, &seconds, NULL);
    else
        (void)wire_read_float(value, &seconds);
    return (int64_t)((seconds >= 0 && seconds < 1e9 ? seconds : otherwise_s) * 1000);
}

/* Adds those that are called so; false: nobody is. */
static bool add_called(const struct sched *sched, struct wire_value name, uint32_t *list,
                       size_t *count)
{
    bool is_anybody = false;
    for (uint32_t i = 0; i < sched_worker_limit(sched); i++) {
        bool is_new = sched_worker_is_called(sched, i, name);
        is_anybody |= is_new;
        for (size_t j = 0; j < *count; j++)
            is_new &= list[j] != i;
        if (is_new)
            list[(*count)++] = i;
    }
    return is_anybody;
}

static dk_status refuse_name(const struct wire_value *name, dk_error *err)
{
    if (name->kind == WIRE_INT)
        return error_set(err, DK_EKEY, "there is no worker %lld", (long long)name->as.integer);
    return error_set(err, DK_EKEY, "there is no worker %.*s",
                     name->kind == WIRE_TEXT ? (int)name->count : 0, name->as.bytes);
}

dk_status scheduler_find_workers(const struct scheduler_node *node, const struct wire_value *named,
                                 struct arena *arena, struct sched_workers *out, dk_error *err)
{
    const struct sched *sched = node->sched;
    bool are_named = named && (named->kind == WIRE_ARRAY || named->kind == WIRE_SET);
    uint32_t limit = sched_worker_limit(sched);
    uint32_t *list = arena_alloc(arena, (limit + 1) * sizeof(*list));
    *out = (struct sched_workers){.list = list};
    if (!list)
        return error_nomem(err);
    for (uint32_t i = 0; i < limit && !are_named; i++)
        if (sched_worker_address(sched, i))
            list[out->count++] = i;
    for (uint32_t i = 0; are_named && i < named->count; i++)
        if (!add_called(sched, named->as.items[i], list, &out->count))
            return refuse_name(&named->as.items[i], err);
    return DK_OK;
}

dk_status scheduler_read_shrinking(const struct scheduler_node *node,
                                   const struct wire_value *message, struct sched_shrinking *out,
                                   dk_error *err)
{
    const struct wire_value *grouping = wire_find(message, "key");
    int64_t nworkers = sched_nworkers(node->sched), n, target;
    *out = (struct sched_shrinking){.n = -1, .memory_ratio = 2};
    if (grouping && grouping->kind != WIRE_NIL)
        return error_set(err, DK_ENOTSUP,
                         "workers_to_close: the scheduler has no Python, and cannot group workers "
                         "by a callable");
    (void)wire_read_float(wire_find(message, "memory_ratio"), &out->memory_ratio);
    (void)wire_read_int(wire_find(message, "minimum"), &out->minimum);
    if (wire_read_int(wire_find(message, "n"), &n))
        out->n = n > 0 ? n : 0;
    else if (wire_read_int(wire_find(message, "target"), &target))
        out->n = nworkers > target ? nworkers - target : 0;
    return DK_OK;
}
