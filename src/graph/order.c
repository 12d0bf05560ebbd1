#include "graph/order.h"

#include <string.h>

#include "base/error.h"

#define INSERTION_MAX 16

enum visit { UNSEEN, OPEN, DONE };

/* An open task is on the path from the wanted key to the task being looked at. */
struct walk {
    const dk_graph *graph;
    uint8_t *visit;        /* by task id */
    uint16_t *weight;      /* by task id, once done */
    struct vector stack;   /* of uint32_t */
    struct vector scratch; /* of uint32_t */
    struct vector *order;  /* of uint32_t */
    bool by_weight;        /* heavier dependencies first, else in the order of the arguments */
    bool order_matters;    /* some task has a heavier dependency behind a lighter one */
};

static dk_status report_cycle(const struct walk *walk, uint32_t id, dk_error *err)
{
    char key[DK_ERROR_KEY_MAX];
    dk_graph_key_text(walk->graph, (dk_task_id){id}, key);
    return error_set(err, DK_ECYCLE, "the graph has a cycle: task %s depends on itself", key);
}

static dk_status report_undefined(const struct walk *walk, uint32_t id, dk_error *err)
{
    char key[DK_ERROR_KEY_MAX];
    dk_graph_key_text(walk->graph, (dk_task_id){id}, key);
    return error_set(err, DK_EKEY, "task %s is needed, but the graph does not define it", key);
}

static void insertion_sort(uint32_t *ids, size_t n, const uint16_t *weight)
{
    for (size_t i = 1; i < n; i++) {
        uint32_t id = ids[i];
        size_t at = i;
        while (at > 0 && weight[ids[at - 1]] > weight[id]) {
            ids[at] = ids[at - 1];
            at--;
        }
        ids[at] = id;
    }
}

/* Stable: of two equally heavy ones the earlier argument stays first. Dependencies are pushed in
 * reverse, so the order on the stack is lightest first. `scratch` has room for half of them. */
static void sort_by_weight(uint32_t *ids, size_t n, const uint16_t *weight, uint32_t *scratch)
{
    if (n <= INSERTION_MAX) {
        insertion_sort(ids, n, weight);
        return;
    }
    size_t half = n / 2;
    sort_by_weight(ids, half, weight, scratch);
    sort_by_weight(ids + half, n - half, weight, scratch);
    memcpy(scratch, ids, half * sizeof(*ids));
    size_t left = 0;
    size_t right = half;
    for (size_t at = 0; left < half; at++) {
        bool take_right = right < n && weight[ids[right]] < weight[scratch[left]];
        ids[at] = take_right ? ids[right++] : scratch[left++];
    }
}

static dk_status sort_pushed(struct walk *walk, size_t first)
{
    size_t n = walk->stack.count - first;
    if (n < 2)
        return DK_OK;
    if (n > INSERTION_MAX)
        DK_TRY(vector_reserve(&walk->scratch, n / 2));
    uint32_t *pushed = (uint32_t *)walk->stack.data + first;
    sort_by_weight(pushed, n, walk->weight, walk->scratch.data);
    return DK_OK;
}

/* Pushes what `id` depends on, so that what comes first is on top. */
static dk_status open_task(struct walk *walk, uint32_t id, dk_error *err)
{
    const struct task *task = graph_task(walk->graph, id);
    if (!task->function)
        return report_undefined(walk, id, err);
    walk->visit[id] = OPEN;

    const dk_value *args = graph_args(walk->graph, task);
    size_t first = walk->stack.count;
    for (uint32_t i = task->nargs; i-- > 0;) {
        if (args[i].kind != DK_KIND_TASK)
            continue;
        uint32_t needed = args[i].as.task;
        if (walk->visit[needed] == OPEN)
            return report_cycle(walk, needed, err);
        if (walk->visit[needed] == DONE)
            continue;
        if (vector_append(&walk->stack, &needed, 1) != DK_OK)
            return error_nomem(err);
    }
    if (walk->by_weight && sort_pushed(walk, first) != DK_OK)
        return error_nomem(err);
    return DK_OK;
}

/* Results held at once: while the k-th dependency is computed, those before it are held. */
static void weigh(struct walk *walk, uint32_t id)
{
    const struct task *task = graph_task(walk->graph, id);
    const dk_value *args = graph_args(walk->graph, task);
    uint32_t heaviest = 0;
    uint32_t second = 0;
    uint32_t count = 0;
    uint32_t last = UINT32_MAX;
    for (uint32_t i = 0; i < task->nargs; i++) {
        if (args[i].kind != DK_KIND_TASK)
            continue;
        uint32_t weight = walk->weight[args[i].as.task];
        if (weight > last)
            walk->order_matters = true;
        last = weight;
        count++;
        if (weight > heaviest) {
            second = heaviest;
            heaviest = weight;
        } else if (weight > second) {
            second = weight;
        }
    }
    uint32_t held = second + 1 > count ? second + 1 : count;
    uint32_t weight = heaviest > held ? heaviest : held;
    walk->weight[id] = (uint16_t)(weight < UINT16_MAX ? weight : UINT16_MAX);
}

static dk_status visit_from(struct walk *walk, uint32_t wanted, dk_error *err)
{
    if (vector_append(&walk->stack, &wanted, 1) != DK_OK)
        return error_nomem(err);
    while (walk->stack.count) {
        uint32_t id = ((const uint32_t *)walk->stack.data)[walk->stack.count - 1];
        if (walk->visit[id] == UNSEEN) {
            DK_TRY(open_task(walk, id, err));
            continue;
        }
        walk->stack.count--;
        if (walk->visit[id] == DONE)
            continue;
        walk->visit[id] = DONE;
        if (!walk->by_weight)
            weigh(walk, id);
        if (vector_append(walk->order, &id, 1) != DK_OK)
            return error_nomem(err);
    }
    return DK_OK;
}

static dk_status visit_all(struct walk *walk, const dk_task_id *keys, size_t nkeys, dk_error *err)
{
    for (size_t i = 0; i < nkeys; i++) {
        if (keys[i].id >= walk->graph->tasks.count) {
            return error_set(err, DK_EKEY, "wanted key %zu is no task of this graph", i);
        }
        DK_TRY(visit_from(walk, keys[i].id, err));
    }
    return DK_OK;
}

/* The first walk weighs; only when weights say that another order holds less is there a second one.
 */
static dk_status walk_twice(struct walk *walk, const dk_task_id *keys, size_t nkeys, dk_error *err)
{
    size_t before = walk->order->count;
    DK_TRY(visit_all(walk, keys, nkeys, err));
    if (!walk->order_matters)
        return DK_OK;
    memset(walk->visit, UNSEEN, walk->graph->tasks.count);
    walk->order->count = before;
    walk->by_weight = true;
    return visit_all(walk, keys, nkeys, err);
}

dk_status graph_order(const dk_graph *graph, const dk_task_id *keys, size_t nkeys,
                      struct vector *order, dk_error *err)
{
    struct memory *memory = graph->context->memory;
    size_t n = graph->tasks.count;
    struct walk walk = {.graph = graph, .order = order};
    vector_init(&walk.stack, memory, sizeof(uint32_t));
    vector_init(&walk.scratch, memory, sizeof(uint32_t));
    walk.visit = memory_calloc(memory, n);
    walk.weight = memory_alloc(memory, n * sizeof(*walk.weight));
    dk_status status =
        walk.visit && walk.weight ? walk_twice(&walk, keys, nkeys, err) : error_nomem(err);
    vector_deinit(&walk.scratch);
    vector_deinit(&walk.stack);
    memory_free(memory, walk.weight, n * sizeof(*walk.weight));
    memory_free(memory, walk.visit, n);
    return status;
}

dk_status dk_graph_order(const dk_graph *graph, const dk_task_id *keys, size_t nkeys,
                         dk_task_id *order, size_t *count, dk_error *err)
{
    struct vector ids;
    vector_init(&ids, graph->context->memory, sizeof(uint32_t));
    dk_status status = graph_order(graph, keys, nkeys, &ids, err);
    if (status == DK_OK) {
        const uint32_t *id = ids.data;
        for (size_t i = 0; i < ids.count; i++)
            order[i] = (dk_task_id){id[i]};
        *count = ids.count;
    }
    vector_deinit(&ids);
    return status;
}
