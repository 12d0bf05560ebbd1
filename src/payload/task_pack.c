#include "base/error.h"
#include "base/hash.h"
#include "graph/context.h"
#include "graph/graph.h"
#include "graph/value.h"
#include "payload/plain.h"
#include "payload/task.h"
#include "wire/pack.h"

dk_status payload_pack_key(dk_key key, struct vector *out)
{
    struct wire_value parts[2] = {wire_text(key.name), wire_int(key.index)};
    struct wire_value pair = wire_array(parts, 2);
    struct vector none; /* there is no payload in a key */
    vector_init(&none, out->memory, sizeof(struct wire_bytes));
    return wire_pack(out, &none, key.index == DK_NO_INDEX ? &parts[0] : &pair, NULL);
}

/* The keys that a task needs: those of the tasks among its arguments, each once. */
struct needs {
    struct wire_value *keys;
    uint32_t *tasks; /* whose they are */
    uint32_t count;
    uint32_t *slots; /* number of the key + 1, by task; 0 is free */
    size_t capacity; /* a power of two */
};

static size_t count_results(const dk_value *args, size_t nargs)
{
    size_t count = 0;
    for (size_t i = 0; i < nargs; i++)
        count += args[i].kind == DK_KIND_TASK;
    return count;
}

static dk_status needs_init(struct needs *needs, struct arena *arena, size_t nresults)
{
    *needs = (struct needs){.capacity = 4};
    while (needs->capacity < nresults * 2)
        needs->capacity *= 2;
    needs->keys = arena_alloc(arena, nresults * sizeof(*needs->keys));
    needs->tasks = arena_alloc(arena, nresults * sizeof(*needs->tasks));
    needs->slots = arena_calloc(arena, needs->capacity * sizeof(*needs->slots));
    return needs->keys && needs->tasks && needs->slots ? DK_OK : DK_ENOMEM;
}

/* The number of a task's key. */
static uint32_t need(struct needs *needs, uint32_t task, struct wire_bytes key)
{
    size_t slot = hash_u64(task) & (needs->capacity - 1);
    for (; needs->slots[slot]; slot = (slot + 1) & (needs->capacity - 1)) {
        if (needs->tasks[needs->slots[slot] - 1] == task)
            return needs->slots[slot] - 1;
    }
    needs->tasks[needs->count] = task;
    needs->keys[needs->count] = wire_bin(key);
    needs->slots[slot] = ++needs->count;
    return needs->count - 1;
}

static dk_status pack_args(struct plain_packer *packer, struct needs *needs, const dk_value *args,
                           size_t nargs, const struct wire_bytes *keys, struct wire_value *out)
{
    for (size_t i = 0; i < nargs; i++) {
        if (args[i].kind != DK_KIND_TASK) {
            DK_TRY(plain_pack(packer, args[i], &out[i]));
            continue;
        }
        uint32_t number = need(needs, args[i].as.task, keys[args[i].as.task]);
        DK_TRY(plain_tag(packer, TAG_RESULT, wire_int(number), &out[i]));
    }
    return DK_OK;
}

static dk_status pack_task(struct plain_packer *packer, const char *function, const dk_value *args,
                           size_t nargs, const struct wire_bytes *keys, struct vector *out)
{
    struct needs needs = {0};
    struct wire_value *values = arena_alloc(packer->arena, nargs * sizeof(*values));
    if (!values || nargs > UINT32_MAX)
        return error_nomem(packer->err);
    if (needs_init(&needs, packer->arena, count_results(args, nargs)) != DK_OK)
        return error_nomem(packer->err);
    DK_TRY(pack_args(packer, &needs, args, nargs, keys, values));
    struct wire_value parts[] = {wire_text("cdask"), wire_text(function),
                                 wire_array(needs.keys, needs.count),
                                 wire_array(values, (uint32_t)nargs)};
    struct wire_value task = wire_array(parts, 4);
    struct vector none; /* all of the payload is here */
    vector_init(&none, out->memory, sizeof(struct wire_bytes));
    out->count = 0;
    dk_status status = wire_pack(out, &none, &task, packer->err);
    return status == DK_ENOMEM ? error_nomem(packer->err) : status;
}

dk_status payload_pack_task(dk_context *dk, const char *function, const dk_value *args,
                            size_t nargs, const struct wire_bytes *keys, struct vector *out,
                            dk_error *err)
{
    struct arena arena;
    struct vector owned;
    const struct function *known = registry_find(&dk->registry, function);
    arena_init(&arena, dk->memory);
    vector_init(&owned, dk->memory, sizeof(dk_value));
    struct plain_packer packer = {.dk = dk, .arena = &arena, .owned = &owned, .err = err};
    dk_status status =
        pack_task(&packer, known ? known->sent_name : function, args, nargs, keys, out);
    for (size_t i = 0; i < owned.count; i++)
        dk_value_unref(((const dk_value *)owned.data)[i]);
    vector_deinit(&owned);
    arena_deinit(&arena);
    return status;
}

dk_status payload_pack_graph_task(const dk_graph *graph, dk_task_id id,
                                  const struct wire_bytes *keys, struct vector *out, dk_error *err)
{
    const struct task *task = graph_task(graph, id.id);
    return payload_pack_task(graph->context, task->function->sent_name, graph_args(graph, task),
                             task->nargs, keys, out, err);
}
