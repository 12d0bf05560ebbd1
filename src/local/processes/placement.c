#include "local/processes/placement.h"

#include "base/error.h"
#include "base/time.h"

static dk_status find_roots(struct placement *placement, dk_error *err)
{
    const struct plan *plan = &placement->run->plan;
    for (size_t rank = 0; rank < plan_ntasks(plan); rank++) {
        uint32_t id = plan_at(plan, rank);
        if (plan->pending[id])
            continue;
        if (vector_append(&placement->roots, &id, 1) != DK_OK)
            return error_nomem(err);
    }
    placement->nready = placement->roots.count;
    return DK_OK;
}

dk_status placement_init(struct placement *placement, struct run *run, struct results *results,
                         int32_t nprocesses, dk_error *err)
{
    struct memory *memory = run->context->memory;
    *placement = (struct placement){.run = run, .results = results, .nprocesses = nprocesses};
    vector_init(&placement->roots, memory, sizeof(uint32_t));
    vector_init(&placement->estimates, memory, sizeof(struct estimate));
    placement->ready = memory_calloc(memory, (size_t)nprocesses * sizeof(*placement->ready));
    for (int32_t p = 0; placement->ready && p < nprocesses; p++) {
        vector_init(&placement->ready[p].ids, memory, sizeof(uint32_t));
    }
    return placement->ready ? find_roots(placement, err) : error_nomem(err);
}

void placement_deinit(struct placement *placement)
{
    if (!placement->run)
        return;
    for (int32_t p = 0; placement->ready && p < placement->nprocesses; p++) {
        vector_deinit(&placement->ready[p].ids);
    }
    memory_free(placement->run->context->memory, placement->ready,
                (size_t)placement->nprocesses * sizeof(*placement->ready));
    vector_deinit(&placement->roots);
    vector_deinit(&placement->estimates);
}

static size_t count(const struct ready *ready)
{
    return ready->ids.count - ready->first;
}

static void empty_if_done(struct ready *ready)
{
    if (count(ready) == 0)
        ready->ids.count = ready->first = 0;
}

bool placement_next(struct placement *placement, int32_t process, uint32_t *id)
{
    struct ready *own = &placement->ready[process];
    if (count(own)) {
        *id = ((const uint32_t *)own->ids.data)[--own->ids.count];
        empty_if_done(own);
    } else if (placement->next_root < placement->roots.count) {
        *id = ((const uint32_t *)placement->roots.data)[placement->next_root++];
    } else {
        return false;
    }
    placement->nready--;
    return true;
}

bool placement_steal(struct placement *placement, int32_t process, uint32_t *id)
{
    struct ready *most = &placement->ready[process];
    for (int32_t p = 0; p < placement->nprocesses; p++) {
        if (count(&placement->ready[p]) > count(most))
            most = &placement->ready[p];
    }
    if (!count(most))
        return false;
    *id = ((const uint32_t *)most->ids.data)[most->first++];
    empty_if_done(most);
    placement->nready--;
    return true;
}

dk_status placement_add(struct placement *placement, int32_t process, uint32_t id)
{
    DK_TRY(vector_append(&placement->ready[process].ids, &id, 1));
    placement->nready++;
    return DK_OK;
}

dk_status placement_release(struct placement *placement, int32_t process, uint32_t tail)
{
    struct run *run = placement->run;
    const struct plan *plan = &run->plan;
    uint32_t first = plan->successor_start[tail];
    /* The best one last, so that it is taken first. */
    for (uint32_t i = plan->successor_start[tail + 1]; i-- > first;) {
        uint32_t id = plan->successors[i];
        if (--plan->pending[id] > 0)
            continue;
        if (run->ready_ns)
            run->ready_ns[id] = time_now_ns();
        int32_t best = results_best_holder(placement->results, id);
        DK_TRY(placement_add(placement, best < 0 ? process : best, id));
    }
    return DK_OK;
}

struct estimate *placement_estimate(struct placement *placement, uint32_t id)
{
    const struct function *function = graph_task(placement->run->graph, id)->function;
    struct estimate *estimates = placement->estimates.data;
    size_t n = placement->estimates.count;
    if (n && estimates[placement->last_estimate].function == function) {
        return &estimates[placement->last_estimate];
    }
    size_t i = 0;
    while (i < n && estimates[i].function != function)
        i++;
    placement->last_estimate = i;
    if (i < n)
        return &estimates[i];
    struct estimate *estimate = vector_push(&placement->estimates);
    if (estimate) {
        estimate->function = function;
    } else {
        placement->last_estimate = 0;
    }
    return estimate;
}

void estimate_learn(struct estimate *estimate, int64_t ns)
{
    estimate->ns = estimate->nseen ? estimate->ns + (ns - estimate->ns) / 8 : ns;
    if (estimate->nseen < UINT32_MAX)
        estimate->nseen++;
}
