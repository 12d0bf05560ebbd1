#include "core/scheduler/refusals.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/scheduler/tasks.h"
#include "core/scheduler/transitions.h"
#include "wire/pickle.h"

#define TEXT_NBYTES 1024
#define KEY_NBYTES  256

static struct sched_failure *failure_from(struct sched *sched, const struct sched_task *task,
                                          const struct vector *pickle, const char *text)
{
    struct sched_erred erred = {.key = sched_key(sched, task)};
    erred.exception = wire_bin((struct wire_bytes){pickle->data, pickle->count});
    erred.text = wire_text(text);
    return sched_failure_new(sched->memory, &erred);
}

struct sched_failure *sched_failure_of(struct sched *sched, const struct sched_task *task,
                                       const char *module, const char *class_name, const char *text)
{
    struct vector pickle;
    struct sched_failure *failure = NULL;
    vector_init(&pickle, sched->memory, 1);
    if (pickle_exception(&pickle, module, class_name, (struct wire_bytes){text, strlen(text)}) ==
        DK_OK)
        failure = failure_from(sched, task, &pickle, text);
    vector_deinit(&pickle);
    return failure;
}

/* *Takes* the failure; NULL: out of memory. */
static void fail_with(struct sched *sched, struct sched_task *task, struct sched_failure *failure)
{
    if (!failure) {
        sched->has_failed = true;
        return;
    }
    sched_task_fail(sched, task, failure);
    sched_failure_unref(failure);
}

static void fail(struct sched *sched, struct sched_task *task, const char *module,
                 const char *class_name, const char *text)
{
    fail_with(sched, task, sched_failure_of(sched, task, module, class_name, text));
}

static const char *name_of(const struct sched *sched, const struct sched_task *task,
                           char text[KEY_NBYTES])
{
    key_text(sched_key(sched, task), text, KEY_NBYTES);
    return text;
}

bool sched_fail_if_too_large(struct sched *sched, struct sched_task *task)
{
    int64_t needed = 0;
    for (struct sched_edge *e = sched_first_dependency(task); e; e = sched_next_dependency(e))
        needed += sched_task_nbytes(e->from);
    const struct sched_worker *worker = task->worker;
    if (!worker->memory_limit || needed <= worker->memory_limit)
        return false;
    char text[TEXT_NBYTES], key[KEY_NBYTES];
    snprintf(text, sizeof(text),
             "Task '%s' has %.2f MiB worth of input dependencies, but worker %s has memory_limit "
             "set to %.2f MiB.",
             name_of(sched, task, key), (double)needed / 0x1p20, worker->address,
             (double)worker->memory_limit / 0x1p20);
    fail(sched, task, "builtins", "MemoryError", text);
    return true;
}

void sched_fail_if_never_runnable(struct sched *sched, struct sched_task *task)
{
    uint32_t nable = task->needs_python ? sched->npython : sched->nnative;
    if (!sched->nworkers || nable)
        return;
    char text[TEXT_NBYTES], key[KEY_NBYTES];
    snprintf(text, sizeof(text),
             task->needs_python
                 ? "Task '%s' is a Python callable, and none of the %" PRIu32
                   " workers has Python: start one with `python -m cdask worker` or `dask worker`"
                 : "Task '%s' is a native function, and none of the %" PRIu32
                   " workers runs such: start one with `cdask worker`",
             name_of(sched, task, key), sched->nworkers);
    fail(sched, task, "builtins", "RuntimeError", text);
}

void sched_fail_as_killer(struct sched *sched, struct sched_task *task,
                          const struct sched_worker *last)
{
    char text[TEXT_NBYTES], key[KEY_NBYTES];
    snprintf(text, sizeof(text),
             "Attempted to run task '%s' on %" PRIu32
             " different workers, but all those workers died while running it. The last worker "
             "that attempted to run the task was %s.",
             name_of(sched, task, key), sched->options.allowed_failures + 1, last->address);
    struct vector pickle;
    struct wire_value shown = wire_text(key);
    vector_init(&pickle, sched->memory, 1);
    struct sched_failure *failure = NULL;
    if (pickle_killed_worker(&pickle, &shown, last->address, sched->options.allowed_failures,
                             NULL) == DK_OK)
        failure = failure_from(sched, task, &pickle, text);
    vector_deinit(&pickle);
    fail_with(sched, task, failure);
}

void sched_fail_lost_actor(struct sched *sched, struct sched_task *task)
{
    fail(sched, task, "builtins", "RuntimeError", "Worker holding Actor was lost");
}

void sched_fail_without_worker(struct sched *sched, struct sched_task *task)
{
    char text[TEXT_NBYTES], key[KEY_NBYTES];
    snprintf(text, sizeof(text),
             "Attempted to run task '%s' but timed out after %.0f seconds waiting for a worker "
             "that may run it",
             name_of(sched, task, key), (double)sched->options.no_workers_timeout_us / 1e6);
    fail(sched, task, "distributed.scheduler", "NoValidWorkerError", text);
}
