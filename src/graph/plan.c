#include "graph/plan.h"

#include "base/error.h"
#include "graph/order.h"

static size_t table_nbytes(const struct plan *plan)
{
    return (plan->graph->tasks.count + 1) * sizeof(uint32_t);
}

static uint32_t *new_table(const struct plan *plan)
{
    return memory_calloc(plan->graph->context->memory, table_nbytes(plan));
}

void plan_deinit(struct plan *plan)
{
    struct memory *memory = plan->graph->context->memory;
    memory_free(memory, plan->pending, table_nbytes(plan));
    memory_free(memory, plan->users, table_nbytes(plan));
    memory_free(memory, plan->successor_start, table_nbytes(plan));
    memory_free(memory, plan->successors, plan->nsuccessors * sizeof(uint32_t));
    memory_free(memory, plan->next, table_nbytes(plan));
    vector_deinit(&plan->order);
}

static void count_arguments(struct plan *plan, uint32_t id)
{
    const struct task *task = graph_task(plan->graph, id);
    const dk_value *args = graph_args(plan->graph, task);
    uint32_t pending = 0;
    for (uint32_t i = 0; i < task->nargs; i++) {
        if (args[i].kind != DK_KIND_TASK)
            continue;
        plan->users[args[i].as.task]++;
        pending++;
    }
    plan->pending[id] = pending;
    plan->nsuccessors += pending;
}

dk_status plan_init(struct plan *plan, const dk_graph *graph, const dk_task_id *keys, size_t nkeys,
                    dk_error *err)
{
    *plan = (struct plan){.graph = graph};
    vector_init(&plan->order, graph->context->memory, sizeof(uint32_t));
    plan->pending = new_table(plan);
    plan->users = new_table(plan);
    dk_status status = plan->pending && plan->users
                           ? graph_order(graph, keys, nkeys, &plan->order, err)
                           : error_nomem(err);
    if (status != DK_OK) {
        plan_deinit(plan);
        return status;
    }
    for (size_t rank = 0; rank < plan_ntasks(plan); rank++) {
        count_arguments(plan, plan_at(plan, rank));
    }
    for (size_t i = 0; i < nkeys; i++)
        plan->users[keys[i].id]++;
    return DK_OK;
}

/* The users that are tasks of this plan: what was wanted from outside does not appear among the
 * successors. */
static void count_successors(struct plan *plan)
{
    uint32_t *count = plan->successor_start + 1;
    for (size_t rank = 0; rank < plan_ntasks(plan); rank++) {
        const struct task *task = graph_task(plan->graph, plan_at(plan, rank));
        const dk_value *args = graph_args(plan->graph, task);
        for (uint32_t i = 0; i < task->nargs; i++) {
            if (args[i].kind == DK_KIND_TASK)
                count[args[i].as.task]++;
        }
    }
    for (size_t id = 1; id < plan->graph->tasks.count; id++)
        count[id] += count[id - 1];
}

/* Going through the order keeps each list of successors in order. The start of each list is used as
 * its end while it fills, then put back. */
static void fill_successors(struct plan *plan)
{
    uint32_t *end = plan->successor_start;
    for (size_t rank = 0; rank < plan_ntasks(plan); rank++) {
        uint32_t id = plan_at(plan, rank);
        const struct task *task = graph_task(plan->graph, id);
        const dk_value *args = graph_args(plan->graph, task);
        for (uint32_t i = 0; i < task->nargs; i++) {
            if (args[i].kind == DK_KIND_TASK)
                plan->successors[end[args[i].as.task]++] = id;
        }
    }
    for (size_t id = plan->graph->tasks.count; id > 0; id--)
        end[id] = end[id - 1];
    end[0] = 0;
}

dk_status plan_link(struct plan *plan, dk_error *err)
{
    struct memory *memory = plan->graph->context->memory;
    plan->successor_start = new_table(plan);
    plan->successors = memory_alloc(memory, plan->nsuccessors * sizeof(uint32_t));
    if (!plan->successor_start || !plan->successors)
        return error_nomem(err);
    count_successors(plan);
    fill_successors(plan);
    return DK_OK;
}

dk_status plan_fuse(struct plan *plan, dk_error *err)
{
    plan->next = new_table(plan);
    if (!plan->next)
        return error_nomem(err);
    for (size_t id = 0; id < plan->graph->tasks.count; id++)
        plan->next[id] = TASK_NONE;
    for (size_t rank = 0; rank < plan_ntasks(plan); rank++) {
        uint32_t id = plan_at(plan, rank);
        uint32_t first = plan->successor_start[id];
        bool one_successor = plan->successor_start[id + 1] == first + 1;
        if (one_successor && plan->users[id] == 1 && plan->pending[plan->successors[first]] == 1) {
            plan->next[id] = plan->successors[first];
        }
    }
    return DK_OK;
}
