/* Opening and closing a context. */
#include <stdlib.h>

#include "base/error.h"
#include "frame/expression.h"
#include "frame/lower.h"
#include "graph/context.h"
#include "local/cpus.h"
#include "local/fork_guard.h"

static dk_status choose_scheduler(dk_context *dk, const dk_options *options, dk_error *err)
{
    const char *name = options ? options->scheduler : NULL;
    const char *setting = name ? NULL : getenv("CDASK_SCHEDULER");
    if (setting && *setting)
        name = setting;
    dk->default_get = dk_get_threads;
    if (!name)
        return DK_OK;
    dk_status status = dk_find_scheduler(name, &dk->default_get, err);
    if (status != DK_OK && setting)
        error_prefix(err, "CDASK_SCHEDULER");
    return status;
}

static dk_status choose_workers(dk_context *dk, const dk_options *options, dk_error *err)
{
    dk->num_workers = options ? options->num_workers : 0;
    if (dk->num_workers < 0) {
        return error_set(err, DK_EINVAL, "num_workers must be positive, not %d", dk->num_workers);
    }
    const char *setting = getenv("CDASK_NUM_WORKERS");
    if (!dk->num_workers && setting && *setting) {
        char *end = NULL;
        long count = strtol(setting, &end, 10);
        if (*end || count < 1 || count > 4096) {
            return error_set(err, DK_EINVAL,
                             "CDASK_NUM_WORKERS: expected a number from 1 to 4096, not '%s'",
                             setting);
        }
        dk->num_workers = (int32_t)count;
    }
    if (!dk->num_workers)
        dk->num_workers = cpus_available();
    return DK_OK;
}

static dk_status choose_fork_hooks(dk_context *dk, const dk_options *options, dk_error *err)
{
    const dk_fork_hooks *hooks = options ? options->fork_hooks : NULL;
    if (!hooks)
        return DK_OK;
    int nset =
        !!hooks->lock + !!hooks->before + !!hooks->in_parent + !!hooks->in_child + !!hooks->unlock;
    if (nset != 0 && nset != 5) {
        return error_set(err, DK_EINVAL, "fork_hooks: expected all five functions, or none, not %d",
                         nset);
    }
    dk->fork_hooks = *hooks;
    return DK_OK;
}

static dk_status fill(dk_context *dk, const dk_options *options, dk_error *err)
{
    dk->expressions = expressions_new(dk->memory);
    if (!dk->expressions)
        return error_nomem(err);
    dk->building_lock = &dk->expressions->nodes.lock;
    DK_TRY(choose_scheduler(dk, options, err));
    DK_TRY(choose_workers(dk, options, err));
    DK_TRY(choose_fork_hooks(dk, options, err));
    DK_TRY(frame_register(dk, err));
    return fork_guard(dk, err);
}

dk_status dk_open_with(const dk_options *options, dk_context **out, dk_error *err)
{
    const dk_allocator *allocator = options ? options->allocator : NULL;
    struct memory *memory = memory_new(allocator, options ? options->memory_limit : 0);
    if (!memory)
        return error_nomem(err);
    dk_context *dk = memory_calloc(memory, sizeof(*dk));
    if (!dk) {
        memory_close(memory);
        return error_nomem(err);
    }
    dk->memory = memory;
    registry_init(&dk->registry, memory);
    dk_status status = fill(dk, options, err);
    if (status != DK_OK) {
        dk_close(dk);
        return status;
    }
    *out = dk;
    return DK_OK;
}

dk_context *dk_open(const dk_options *options)
{
    dk_context *dk = NULL;
    return dk_open_with(options, &dk, NULL) == DK_OK ? dk : NULL;
}

void dk_close(dk_context *dk)
{
    if (!dk)
        return;
    struct memory *memory = dk->memory;
    fork_unguard(dk);
    expressions_free(dk->expressions);
    registry_deinit(&dk->registry);
    memory_free(memory, dk, sizeof(*dk));
    memory_close(memory);
}

dk_memory_use dk_context_memory(const dk_context *dk)
{
    return memory_use(dk->memory);
}
