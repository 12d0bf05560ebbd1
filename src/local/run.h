/* One computation under a local scheduler: the results so far, the first error, and running one
 * task. */
#ifndef LOCAL_RUN_H
#define LOCAL_RUN_H

#include <pthread.h>
#include <stdatomic.h>

#include "graph/plan.h"
#include "graph/task.h"

struct run {
    dk_context *context;
    const dk_graph *graph;
    const dk_get_options *options; /* never NULL */
    struct plan plan;
    dk_value *results;    /* by task id; null until done and after the last user */
    bool observed;        /* somebody wants times or callbacks */
    int64_t *ready_ns;    /* by task id, when profiled: since when it waits */
    pthread_mutex_t lock; /* callbacks, the error and the merged profile */
    int32_t num_workers;  /* run_num_workers(), unless the scheduler says otherwise */
    atomic_bool failed;
    dk_status status;
    dk_error error;
};

/* One of the places that run tasks. */
struct worker {
    struct run *run;
    int32_t number;
    struct profile profile;
    struct vector args; /* of dk_value: arguments with results filled in */
};

dk_status run_init(struct run *run, dk_context *dk, const dk_graph *graph, const dk_task_id *keys,
                   size_t nkeys, const dk_get_options *options, dk_error *err) DK_NODISCARD;
/* Tells the callbacks that it is over, moves the wanted results or the error out, and frees the
 * rest. */
dk_status run_finish(struct run *run, const dk_task_id *keys, size_t nkeys, dk_value *results,
                     dk_error *err) DK_NODISCARD;

void worker_init(struct worker *worker, struct run *run, int32_t number);
/* Merges its profile into the run's. */
void worker_deinit(struct worker *worker);

/* Runs one task and stores its result; a failure is recorded in the run. */
dk_status worker_run(struct worker *worker, uint32_t id) DK_NODISCARD;

/* Records the first failure, under the key and function of `id` (TASK_NONE: of no task). */
void run_fail(struct run *run, uint32_t id, dk_status status, const dk_error *error);
/* Counts the users of the arguments of `id` down and lets go of those whose last user it was.
 * Inline, for the sake of `count_down`: threads that run tasks at once count in their own way. */
static inline void run_release_args(struct run *run, uint32_t id,
                                    uint32_t (*count_down)(uint32_t *counter))
{
    const struct task *task = graph_task(run->graph, id);
    const dk_value *args = graph_args(run->graph, task);
    for (uint32_t i = 0; i < task->nargs; i++) {
        if (args[i].kind != DK_KIND_TASK)
            continue;
        uint32_t needed = args[i].as.task;
        if (count_down(&run->plan.users[needed]) > 0)
            continue;
        dk_value_unref(run->results[needed]);
        run->results[needed] = dk_value_null();
    }
}
/* DK_ECANCELED, recorded, when the caller wants the computation to stop. */
bool run_is_stopped(struct run *run);
/* How many workers this computation gets: asked for, or the context's, but no more than it has
 * tasks. */
int32_t run_num_workers(const struct run *run);
/* Tells the callbacks. */
void run_pretask(struct run *run, const dk_task_event *event);
void run_posttask(struct run *run, const dk_task_event *event);

#endif
