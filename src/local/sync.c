/* The sync scheduler: the plan's order, in the calling thread. */
#include "local/run.h"

#include "base/error.h"

static inline uint32_t count_down(uint32_t *counter)
{
    return --*counter;
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
        run_release_args(&run, id, count_down);
    }
    worker_deinit(&worker);
    return run_finish(&run, keys, nkeys, results, err);
}
