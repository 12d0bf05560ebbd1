#include <string.h>

#include "base/error.h"
#include "graph/context.h"
#include "payload/plain.h"
#include "payload/task.h"
#include "wire/unpack.h"

/* [a, b, c, d] whose first is the text "cdask" */
static const char head[] = "\x94\xa5"
                           "cdask";

bool payload_is_task(struct wire_bytes bytes)
{
    return bytes.nbytes > sizeof(head) - 1 && memcmp(bytes.data, head, sizeof(head) - 1) == 0;
}

bool payload_needs_python(struct wire_bytes bytes)
{
    static const char python[] = "\x94\xa5"
                                 "cdask"
                                 "\xa6" REGISTRY_PYTHON;
    return bytes.nbytes > sizeof(python) - 1 && memcmp(bytes.data, python, sizeof(python) - 1) == 0;
}

/* The four parts, once they are known to be of the right kinds. */
struct parts {
    const struct wire_value *function;
    const struct wire_value *keys;
    const struct wire_value *args;
};

static dk_status no_task(dk_error *err, const char *why)
{
    error_set(err, DK_EPARSE, "no native task: %s", why);
    return DK_EPARSE;
}

static dk_status split(struct arena *arena, struct wire_bytes bytes, struct parts *out,
                       dk_error *err)
{
    struct wire_value root;
    if (!payload_is_task(bytes))
        return no_task(err, "it does not begin as one");
    dk_status status = wire_unpack(arena, bytes, &root, err);
    if (status == DK_EPARSE && err)
        error_prefix(err, "no native task");
    DK_TRY(status);
    const struct wire_value *items = root.as.items; /* the head says that there are four */
    if (items[1].kind != WIRE_TEXT || items[2].kind != WIRE_ARRAY || items[3].kind != WIRE_ARRAY)
        return no_task(err, "it is not [\"cdask\", function, [key, ...], [argument, ...]]");
    *out = (struct parts){&items[1], &items[2], &items[3]};
    return DK_OK;
}

static dk_status find_function(dk_context *dk, struct arena *arena, const struct wire_value *name,
                               const struct function **out, dk_error *err)
{
    char *text = arena_text(arena, name->as.bytes, name->count);
    if (!text)
        return error_nomem(err);
    *out = registry_find(&dk->registry, text);
    if (*out)
        return DK_OK;
    return error_set(err, DK_EKEY, "no function '%s' is registered here", text);
}

/* ---- the block of a task: arguments, keys, the keys' bytes ---- */

static dk_status new_block(dk_context *dk, const struct parts *parts, struct payload_task *task,
                           dk_error *err)
{
    size_t structs = parts->args->count * sizeof(*task->args);
    structs += parts->keys->count * sizeof(*task->keys);
    task->nbytes = structs;
    for (uint32_t i = 0; i < parts->keys->count; i++) {
        if (parts->keys->as.items[i].kind != WIRE_BIN)
            return no_task(err, "a key that is no bytes");
        task->nbytes += parts->keys->as.items[i].count;
    }
    char *block = memory_alloc(dk->memory, task->nbytes);
    if (!block)
        return error_nomem(err);
    task->memory = dk->memory;
    task->args = (dk_value *)(void *)block;
    task->keys = (struct wire_bytes *)(void *)(task->args + parts->args->count);
    task->nkeys = parts->keys->count;
    char *at = block + structs;
    for (uint32_t i = 0; i < task->nkeys; i++) {
        const struct wire_value *key = &parts->keys->as.items[i];
        memcpy(at, key->as.bytes, key->count);
        task->keys[i] = (struct wire_bytes){at, key->count};
        at += key->count;
    }
    return DK_OK;
}

void payload_task_deinit(struct payload_task *task)
{
    for (uint32_t i = 0; i < task->nargs; i++)
        dk_value_unref(task->args[i]);
    memory_free(task->memory, task->args, task->nbytes);
    *task = (struct payload_task){0};
}

/* Results stand here only, never inside a list. */
static dk_status unpack_arg(struct plain_unpacker *unpacker, const struct payload_task *task,
                            const struct wire_value *from, dk_value *out)
{
    enum plain_tag tag = TAG_TABLE;
    const struct wire_value *number = plain_tagged(from, &tag);
    if (!number || tag != TAG_RESULT)
        return plain_unpack(unpacker, from, out);
    int64_t key = -1;
    if (!wire_read_int(number, &key) || key < 0 || key >= task->nkeys)
        return no_task(unpacker->err, "an argument that is the result of nothing");
    *out = dk_value_task((dk_task_id){(uint32_t)key});
    return DK_OK;
}

static dk_status unpack_args(struct plain_unpacker *unpacker, const struct wire_value *args,
                             struct payload_task *task)
{
    for (; task->nargs < args->count; task->nargs++)
        DK_TRY(unpack_arg(unpacker, task, &args->as.items[task->nargs], &task->args[task->nargs]));
    return DK_OK;
}

/* Objects first: that one's type is unknown says more than that the function is. */
static dk_status unpack(dk_context *dk, struct arena *arena, struct wire_bytes bytes,
                        struct payload_task *task, dk_error *err)
{
    struct parts parts = {0};
    struct plain_unpacker unpacker = {.dk = dk, .has_tags = true, .err = err};
    DK_TRY(split(arena, bytes, &parts, err));
    DK_TRY(new_block(dk, &parts, task, err));
    dk_status status = unpack_args(&unpacker, parts.args, task);
    if (status == DK_OK)
        status = find_function(dk, arena, parts.function, &task->function, err);
    if (status != DK_OK)
        payload_task_deinit(task);
    return status;
}

dk_status payload_unpack_task(dk_context *dk, struct wire_bytes bytes, struct payload_task *out,
                              dk_error *err)
{
    struct arena arena;
    struct payload_task task = {0};
    arena_init(&arena, dk->memory);
    dk_status status = unpack(dk, &arena, bytes, &task, err);
    if (status == DK_OK)
        *out = task;
    arena_deinit(&arena);
    return status == DK_ENOMEM ? error_nomem(err) : status;
}
