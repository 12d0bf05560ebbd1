#include "graph/task.h"

#include "graph/context.h"

dk_context *dk_task_context(const dk_task *task)
{
    return task->context;
}

void *dk_task_user(const dk_task *task)
{
    return task->function->user;
}

bool dk_task_is_cancelled(const dk_task *task)
{
    if (cancel_is_set(task->cancel))
        return true;
    return task->failed && atomic_load_explicit(task->failed, memory_order_relaxed);
}

dk_status dk_register(dk_context *dk, const char *name, dk_function function, void *user,
                      dk_error *err)
{
    return registry_add(&dk->registry, name, function, user, err);
}
