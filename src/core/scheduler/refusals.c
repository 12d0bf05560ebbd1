#include "core/scheduler/refusals.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "core/scheduler/placement.h"
#include "core/scheduler/tasks.h"
#include "core/scheduler/transitions.h"
#include "wire/build.h"
#include "wire/pickle.h"
#include "wire/unpack.h"

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
    for (struct sched_edge *e = sched_first_dependency(task); e; e = sched_next_dependency(task, e))
        needed += sched_task_nbytes(e->from);
    const struct sched_worker *worker = task->run->worker;
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
    static const char *const what[] = {[SCHED_NATIVE] = "native function",
                                       [SCHED_PYTHON] = "Python callable",
                                       [SCHED_HOSTED] = "Python callable"};
    static const char *const which[] = {
        [SCHED_NATIVE] = "runs such: start one with `cdask worker`",
        [SCHED_PYTHON] = "is Dask's: start one with `dask worker`",
        [SCHED_HOSTED] = "is cdask's and has Python: start one with `python -m cdask worker`"};
    bool is_barred = sched_is_barred(sched, task);
    if (!sched->nworkers || (sched->was_able[task->language] && !is_barred))
        return;
    char text[TEXT_NBYTES], key[KEY_NBYTES];
    snprintf(text, sizeof(text), "Task '%s' is a %s, and none of the %" PRIu32 " workers %s%s",
             name_of(sched, task, key), what[task->language],
             is_barred ? (uint32_t)task->needs->workers.count : sched->nworkers,
             is_barred ? "that it may run on " : "", which[task->language]);
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

/* ---- waited in vain ---- */

/* What the exception is called with after the key, and its text. */
struct complaint {
    struct wire_builder builder;
    struct text text;
};

static double timeout_s(const struct sched *sched)
{
    return (double)sched->options.no_workers_timeout_us / 1e6;
}

static void begin_complaint(struct sched *sched, const struct sched_task *task, struct arena *arena,
                            struct complaint *complaint)
{
    char key[KEY_NBYTES];
    arena_init(arena, sched->memory);
    text_init(&complaint->text, sched->memory);
    complaint->builder = (struct wire_builder){.arena = arena};
    text_printf(&complaint->text, "Attempted to run task '%s' but timed out after %.2f s ",
                name_of(sched, task, key), timeout_s(sched));
}

static dk_status pickle_complaint(struct sched *sched, const struct sched_task *task,
                                  struct complaint *complaint, const char *class_name,
                                  const struct wire_value *args, size_t nargs,
                                  struct vector *pickle)
{
    struct wire_value key;
    DK_TRY(wire_unpack(complaint->builder.arena, sched_key(sched, task), &key, NULL));
    return pickle_task_exception(pickle, "distributed.scheduler", class_name, &key, args, nargs,
                                 NULL);
}

static void complain(struct sched *sched, struct sched_task *task, struct complaint *complaint,
                     const char *class_name, const struct wire_value *args, size_t nargs)
{
    struct vector pickle;
    struct sched_failure *failure = NULL;
    vector_init(&pickle, sched->memory, 1);
    if (text_status(&complaint->text) == DK_OK && !complaint->builder.failed &&
        pickle_complaint(sched, task, complaint, class_name, args, nargs, &pickle) == DK_OK)
        failure = failure_from(sched, task, &pickle, complaint->text.data);
    vector_deinit(&pickle);
    text_deinit(&complaint->text);
    arena_deinit(complaint->builder.arena);
    fail_with(sched, task, failure);
}

void sched_fail_without_workers(struct sched *sched, struct sched_task *task)
{
    struct arena arena;
    struct complaint complaint;
    struct wire_value timeout = wire_float(timeout_s(sched));
    begin_complaint(sched, task, &arena, &complaint);
    text_puts(&complaint.text, "waiting without any running workers.");
    complain(sched, task, &complaint, "NoWorkerError", &timeout, 1);
}

/* Addresses of workers have a port; hosts have not. The text is Python's, of a set. */
static struct wire_value list_workers(struct complaint *complaint, const struct sched_task *task,
                                      bool are_hosts)
{
    size_t count = task->needs ? task->needs->workers.count : 0;
    struct wire_filling list = wire_begin_array(&complaint->builder, count);
    for (size_t i = 0; i < count; i++) {
        const char *name = ((char **)task->needs->workers.data)[i];
        if (are_hosts != !strchr(name, ':'))
            continue;
        text_printf(&complaint->text, list.count ? ", '%s'" : "{'%s'", name);
        wire_add(&list, wire_text(name));
    }
    text_puts(&complaint->text, list.count ? "}" : "set()");
    struct wire_value value = wire_end_array(&list);
    value.kind = WIRE_SET;
    return value;
}

static struct wire_value list_resources(struct complaint *complaint, const struct sched_task *task)
{
    size_t count = task->needs ? task->needs->resources.count : 0;
    struct wire_filling map = wire_begin_map(&complaint->builder, count);
    text_puts(&complaint->text, "{");
    for (size_t i = 0; i < count; i++) {
        const struct sched_resource *resource =
            &((const struct sched_resource *)task->needs->resources.data)[i];
        text_printf(&complaint->text, i ? ", '%s': %g" : "'%s': %g", resource->name,
                    resource->amount);
        wire_put(&map, resource->name, wire_float(resource->amount));
    }
    text_puts(&complaint->text, "}");
    return wire_end_map(&map);
}

void sched_fail_without_valid_worker(struct sched *sched, struct sched_task *task)
{
    struct arena arena;
    struct complaint complaint;
    struct wire_value args[4];
    begin_complaint(sched, task, &arena, &complaint);
    text_puts(&complaint.text, "waiting for a valid worker matching all restrictions.\n\n"
                               "Restrictions:\nhost_restrictions=");
    args[0] = list_workers(&complaint, task, true);
    text_puts(&complaint.text, "\nworker_restrictions=");
    args[1] = list_workers(&complaint, task, false);
    text_puts(&complaint.text, "\nresource_restrictions=");
    args[2] = list_resources(&complaint, task);
    text_puts(&complaint.text, "\n");
    args[3] = wire_float(timeout_s(sched));
    complain(sched, task, &complaint, "NoValidWorkerError", args, 4);
}
