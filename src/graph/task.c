#include "graph/task.h"

#include "base/error.h"
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

const char *dk_task_worker(const dk_task *task)
{
    return task->worker ? task->worker->address : NULL;
}

const char *dk_task_scheduler(const dk_task *task)
{
    return task->worker ? task->worker->scheduler : NULL;
}

const char *dk_task_folder(const dk_task *task)
{
    return task->worker ? task->worker->folder : NULL;
}

const char *dk_task_worker_name(const dk_task *task)
{
    return task->worker ? task->worker->name : NULL;
}

uint32_t dk_task_worker_nthreads(const dk_task *task)
{
    return task->worker ? task->worker->nthreads : 0;
}

void dk_task_secede(const dk_task *task)
{
    if (task->place)
        task->place->leave(task->place->self);
}

void dk_task_rejoin(const dk_task *task)
{
    if (task->place)
        task->place->retake(task->place->self);
}

dk_status dk_task_raise(dk_task *task, const void *exception, size_t nexception,
                        const void *traceback, size_t ntraceback)
{
    struct raised *raised = task->raised;
    if (!raised)
        return DK_OK;
    raised->exception.count = raised->traceback.count = 0;
    DK_TRY(vector_append(&raised->exception, exception, nexception));
    return vector_append(&raised->traceback, traceback, ntraceback);
}

dk_status dk_register(dk_context *dk, const char *name, dk_function function, void *user,
                      dk_error *err)
{
    return registry_add(&dk->registry, name, function, user, err);
}
