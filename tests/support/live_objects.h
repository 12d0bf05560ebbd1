/* Results that can be counted while they live: objects that note their making and their end. */
#ifndef SUPPORT_LIVE_OBJECTS_H
#define SUPPORT_LIVE_OBJECTS_H

#include <stdatomic.h>

#include "support/tasks.h"

struct live_objects {
    atomic_int now;
    atomic_int most;
    atomic_int made;
};

static inline void live_object_free(void *object)
{
    struct live_objects *live = object;
    atomic_fetch_sub(&live->now, 1);
}

static const dk_object_type live_object_type = {.name = "live", .free = live_object_free};

/* Makes an object of the counter that is the function's `user`; arguments are looked at, not used.
 */
static inline dk_status live_object_make(dk_task *task, const dk_value *args, size_t nargs,
                                         dk_value *result, dk_error *err)
{
    struct live_objects *live = dk_task_user(task);
    for (size_t i = 0; i < nargs; i++) {
        if (args[i].kind == DK_KIND_OBJECT && !dk_value_as_object(args[i], &live_object_type)) {
            return error_set(err, DK_ETYPE, "argument %zu is no live object", i);
        }
    }
    int now = atomic_fetch_add(&live->now, 1) + 1;
    int most = atomic_load(&live->most);
    while (now > most && !atomic_compare_exchange_weak(&live->most, &most, now)) {
    }
    atomic_fetch_add(&live->made, 1);
    return dk_value_object(dk_task_context(task), &live_object_type, live, result);
}

/* Adds a binary tree over `nleaves` (a power of two) "live" tasks and returns its top. All leaves
 * come first, as in a graph built layer by layer. */
static inline dk_task_id live_objects_tree(dk_graph *graph, size_t nleaves)
{
    dk_task_id layer[4096];
    assert_true(nleaves <= 4096);
    int64_t index = 0;
    for (size_t i = 0; i < nleaves; i++)
        layer[i] = tasks_add(graph, "live", index++, "live", NULL, 0);
    for (size_t n = nleaves / 2; n > 0; n /= 2) {
        for (size_t i = 0; i < n; i++) {
            dk_value args[] = {dk_value_task(layer[2 * i]), dk_value_task(layer[2 * i + 1])};
            layer[i] = tasks_add(graph, "live", index++, "live", args, 2);
        }
    }
    return layer[0];
}

#endif
