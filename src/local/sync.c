/* The sync scheduler: the plan's order, in the calling thread. */
#include "local/run.h"

#include "base/error.h"
#include "graph/value.h"

/* Lets go of the arguments whose last user this was. */
static void release_args(struct run *run, uint32_t id)
{
    const struct task *task = graph_task(run->graph, id);
    const dk_value *args = graph_args(run->graph, task);
    for (uint32_t i = 0; i < task->nargs; i++) {
        if (args[i].kind != DK_KIND_TASK)
            continue;
        uint32_t needed = args[i].as.task;
        if (--run->plan.users[needed] > 0)
            continue;
        dk_value_unref(run->results[needed]);
        run->results[needed] = dk_value_null();
    }
}

dk_status dk_get_sync(dk_context *dk, const dk_graph *graph, const dk_task_id *keys, size_t nkeys,
                      const dk_get_options *options, dk_value *results, dk_error *err)
{
    struct run run;
    DK_TRY(run_init(&run, dk, graph, keys, nkeys, options, err));
    run.num_workers = 1;
    struct worker worker;
    worker_init(&worker, &run, 0);
    for (size_t rank = 0; rank < plan_ntasks(&run.plan) && !run_is_stopped(&run); rank++) {
        uint32_t id = plan_at(&run.plan, rank);
        if (worker_run(&worker, id) != DK_OK)
            break;
        release_args(&run, id);
    }
    worker_deinit(&worker);
    return run_finish(&run, keys, nkeys, results, err);
}
