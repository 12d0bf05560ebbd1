/* Task functions that tests make graphs of, and short ways to add them. */
#ifndef SUPPORT_TASKS_H
#define SUPPORT_TASKS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "support/context.h"

/* The sum of the integers among the arguments. */
static inline dk_status tasks_sum(dk_task *task, const dk_value *args, size_t nargs,
                                  dk_value *result, dk_error *err)
{
    (void)task;
    (void)err;
    int64_t sum = 0;
    for (size_t i = 0; i < nargs; i++) {
        if (args[i].kind == DK_KIND_INT)
            sum += args[i].as.integer;
    }
    *result = dk_value_int(sum);
    return DK_OK;
}

/* Depends on every argument, its kind and its place. */
static inline int64_t tasks_digest(dk_value value)
{
    uint64_t digest = (uint64_t)value.kind + 17;
    size_t n = 0;
    if (value.kind == DK_KIND_BOOL)
        digest += value.as.boolean;
    if (value.kind == DK_KIND_INT || value.kind == DK_KIND_FLOAT)
        digest += (uint64_t)value.as.integer;
    const char *data = dk_value_data(value, &n);
    for (size_t i = 0; data && i < n; i++)
        digest = digest * 31 + (unsigned char)data[i];
    const dk_value *items = dk_value_items(value, &n);
    for (size_t i = 0; items && i < n; i++) {
        digest = digest * 131 + (uint64_t)tasks_digest(items[i]);
    }
    return (int64_t)digest;
}

static inline dk_status tasks_mix(dk_task *task, const dk_value *args, size_t nargs,
                                  dk_value *result, dk_error *err)
{
    (void)task;
    (void)err;
    uint64_t digest = 7;
    for (size_t i = 0; i < nargs; i++)
        digest = digest * 37 + (uint64_t)tasks_digest(args[i]);
    *result = dk_value_int((int64_t)digest);
    return DK_OK;
}

/* A list of as many texts as the argument says. */
static inline dk_status tasks_texts(dk_task *task, const dk_value *args, size_t nargs,
                                    dk_value *result, dk_error *err)
{
    dk_value items[16];
    size_t n = 0;
    size_t wanted = nargs ? (size_t)args[0].as.integer % 17 : 0;
    dk_status status = DK_OK;
    while (n < wanted && status == DK_OK) {
        char text[16];
        snprintf(text, sizeof(text), "text %u", (unsigned)n % 100);
        status = dk_value_text(dk_task_context(task), text, strlen(text), &items[n]);
        if (status == DK_OK)
            n++;
    }
    if (status == DK_OK)
        return dk_value_list(dk_task_context(task), items, n, result);
    for (size_t i = 0; i < n; i++)
        dk_value_unref(items[i]);
    return error_nomem(err);
}

/* Fails as a reader of line 7 would. */
static inline dk_status tasks_fail(dk_task *task, const dk_value *args, size_t nargs,
                                   dk_value *result, dk_error *err)
{
    (void)task;
    (void)args;
    (void)nargs;
    (void)result;
    if (err)
        err->line = 7;
    return error_set(err, DK_EPARSE, "line 7: not a number: 'x'");
}

static inline void tasks_register(struct dk_context *dk)
{
    assert_int_equal(dk_register(dk, "sum", tasks_sum, NULL, NULL), DK_OK);
    assert_int_equal(dk_register(dk, "mix", tasks_mix, NULL, NULL), DK_OK);
    assert_int_equal(dk_register(dk, "fail", tasks_fail, NULL, NULL), DK_OK);
}

static inline dk_graph *tasks_graph(struct dk_context *dk)
{
    dk_graph *graph = NULL;
    assert_int_equal(dk_graph_new(dk, &graph), DK_OK);
    return graph;
}

/* Adds the task (name, index) = function(args...). */
static inline dk_task_id tasks_add(dk_graph *graph, const char *name, int64_t index,
                                   const char *function, const dk_value *args, size_t nargs)
{
    dk_task_id id = {0};
    dk_error err = {0};
    dk_status status =
        dk_graph_add(graph, dk_key_at(name, index), function, args, nargs, &id, &err);
    if (status != DK_OK)
        fail_msg("%s", err.message);
    return id;
}

/* A reproducible sequence of numbers. */
static inline uint32_t tasks_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

#define TASKS_RANDOM_MAX 80

/* A random graph of up to TASKS_RANDOM_MAX "mix" tasks, announced in another order than they are
 * defined in. Writes their ids, dependencies before dependents, and returns how many. */
static inline size_t tasks_random_graph(dk_graph *graph, uint64_t seed,
                                        dk_task_id ids[TASKS_RANDOM_MAX])
{
    uint64_t state = seed * 2654435761u + 1;
    size_t n = tasks_random(&state) % TASKS_RANDOM_MAX + 1;
    for (size_t i = n; i-- > 0;) {
        assert_int_equal(dk_graph_task(graph, dk_key_at("random", (int64_t)i), &ids[i]), DK_OK);
    }
    /* Few and near ones give chains, many and far ones give wide graphs. */
    uint32_t nearness = tasks_random(&state) % 8 + 1;
    uint32_t most = tasks_random(&state) % 4 + 1;
    for (size_t i = 0; i < n; i++) {
        dk_value args[4];
        size_t nargs = tasks_random(&state) % (most + 1);
        for (size_t k = 0; k < nargs; k++) {
            bool is_task = i > 0 && tasks_random(&state) % 4;
            size_t back = tasks_random(&state) % (nearness * 4) + 1;
            size_t needed = back <= i ? i - back : 0;
            args[k] = is_task ? dk_value_task(ids[needed]) : dk_value_int(tasks_random(&state));
        }
        tasks_add(graph, "random", (int64_t)i, "mix", args, nargs);
    }
    return n;
}

#endif
