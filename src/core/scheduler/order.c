#include "core/scheduler/order.h"

#include <stdlib.h>

#include "base/error.h"
#include "core/scheduler/tasks.h"

/* `mark` of a task: UNSEEN, SEEN, or 1 + its weight, which is 1 at least; then ORDERED. */
#define UNSEEN  0
#define SEEN    1
#define ORDERED UINT32_MAX

struct visit {
    struct sched_task *task;
    uint32_t argument; /* which one of those that need it */
    bool is_left;      /* its dependencies were visited */
};

struct walk {
    struct vector stack; /* of struct visit */
    bool by_weight;
    int32_t norder;
};

static dk_status push(struct walk *walk, struct sched_task *task, uint32_t argument, bool is_left)
{
    struct visit visit = {task, argument, is_left};
    return vector_append(&walk->stack, &visit, 1);
}

/* Results held at once: while the k-th dependency is computed, those before it are held. */
static uint32_t weight_of(const struct sched_task *task)
{
    uint32_t heaviest = 0, second = 0, count = 0;
    for (struct sched_edge *e = sched_first_dependency(task); e;
         e = sched_next_dependency(task, e)) {
        uint32_t weight = e->from->is_marked ? e->from->mark - 1 : 1;
        count++;
        if (weight > heaviest) {
            second = heaviest;
            heaviest = weight;
        } else if (weight > second) {
            second = weight;
        }
    }
    uint32_t held = second + 1 > count ? second + 1 : count;
    return heaviest > held ? heaviest : held;
}

static int lightest_first(const void *a, const void *b)
{
    const struct visit *one = a, *other = b;
    if (one->task->mark != other->task->mark)
        return one->task->mark < other->task->mark ? -1 : 1;
    return one->argument > other->argument ? -1 : one->argument < other->argument;
}

static bool is_new(const struct walk *walk, const struct sched_task *task)
{
    return task->is_marked &&
           (walk->by_weight ? task->mark > SEEN && task->mark != ORDERED : task->mark == UNSEEN);
}

/* What comes first lies on top. */
static dk_status enter(struct walk *walk, struct sched_task *task)
{
    uint32_t argument = 0;
    task->mark = walk->by_weight ? ORDERED : SEEN;
    DK_TRY(push(walk, task, 0, true));
    size_t first = walk->stack.count;
    for (struct sched_edge *e = sched_first_dependency(task); e; e = sched_next_dependency(task, e))
        if (is_new(walk, e->from))
            DK_TRY(push(walk, e->from, argument++, false));
    if (walk->by_weight && argument > 1)
        qsort((struct visit *)walk->stack.data + first, argument, sizeof(struct visit),
              lightest_first);
    return DK_OK;
}

static void leave(struct walk *walk, struct sched_task *task)
{
    if (walk->by_weight)
        task->priority.order = walk->norder++;
    else
        task->mark = 1 + weight_of(task);
}

static dk_status visit_from(struct walk *walk, struct sched_task *wanted)
{
    DK_TRY(push(walk, wanted, 0, false));
    while (walk->stack.count) {
        struct visit visit = ((struct visit *)walk->stack.data)[--walk->stack.count];
        if (visit.is_left)
            leave(walk, visit.task);
        else if (is_new(walk, visit.task))
            DK_TRY(enter(walk, visit.task));
    }
    return DK_OK;
}

static dk_status visit_all(struct sched *sched, struct walk *walk, const struct sched_keys *wanted)
{
    for (size_t i = 0; i < wanted->count; i++) {
        struct sched_task *task = sched_find_task(sched, wanted->list[i]);
        if (task)
            DK_TRY(visit_from(walk, task));
    }
    return DK_OK;
}

dk_status sched_order_tasks(struct sched *sched, const struct sched_keys *wanted)
{
    struct walk walk = {0};
    vector_init(&walk.stack, sched->memory, sizeof(struct visit));
    dk_status status = visit_all(sched, &walk, wanted);
    walk.by_weight = true;
    if (status == DK_OK)
        status = visit_all(sched, &walk, wanted);
    vector_deinit(&walk.stack);
    return status;
}
