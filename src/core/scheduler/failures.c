#include "core/scheduler/tasks.h"

static void free_failure(struct sched_failure *failure)
{
    wire_box_unref(failure->key);
    wire_box_unref(failure->exception);
    wire_box_unref(failure->traceback);
    wire_box_unref(failure->text);
    wire_box_unref(failure->traceback_text);
    memory_free(failure->memory, failure, sizeof(*failure));
}

struct sched_failure *sched_failure_new(struct memory *memory, const struct sched_erred *erred)
{
    struct sched_failure *failure = memory_calloc(memory, sizeof(*failure));
    if (!failure)
        return NULL;
    struct wire_value key = wire_packed(erred->key);
    failure->memory = memory;
    failure->references = 1;
    failure->key = wire_box_new(memory, &key);
    failure->exception = wire_box_new(memory, &erred->exception);
    failure->traceback = wire_box_new(memory, &erred->traceback);
    failure->text = wire_box_new(memory, &erred->text);
    failure->traceback_text = wire_box_new(memory, &erred->traceback_text);
    if (failure->key && failure->exception && failure->traceback && failure->text &&
        failure->traceback_text)
        return failure;
    free_failure(failure);
    return NULL;
}

struct sched_failure *sched_failure_ref(struct sched_failure *failure)
{
    if (failure)
        failure->references++;
    return failure;
}

void sched_failure_unref(struct sched_failure *failure)
{
    if (failure && --failure->references == 0)
        free_failure(failure);
}
