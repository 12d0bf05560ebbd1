/* A context without frames, small named functions, and graphs of them. */
#ifndef TESTS_DIAGNOSTICS_SUPPORT_H
#define TESTS_DIAGNOSTICS_SUPPORT_H

#include "support/failing.h"

#include <stdio.h>
#include <string.h>

#include <cdask/diagnostics.h>

#include "graph/context.h"
#include "graph/task.h"

/* Adds integers, as a kernel of the same name would. */
static inline dk_status call_add(dk_task *task, const dk_value *args, size_t nargs,
                                 dk_value *result, dk_error *err)
{
    (void)err;
    int64_t begin_ns = task_kernel_begin(task);
    int64_t sum = 0;
    for (size_t i = 0; i < nargs; i++)
        sum += args[i].as.integer;
    task_kernel_end(task, "sum of integers", begin_ns, (int64_t)nargs, (int64_t)nargs * 8);
    *result = dk_value_int(sum);
    return DK_OK;
}

static inline dk_status call_fail(dk_task *task, const dk_value *args, size_t nargs,
                                  dk_value *result, dk_error *err)
{
    (void)task, (void)args, (void)nargs, (void)result, (void)err;
    return DK_ETASK;
}

static inline dk_context *context_open(struct memory *memory)
{
    dk_context *dk = memory_calloc(memory, sizeof(*dk));
    if (!dk)
        return NULL;
    dk->memory = memory;
    dk->default_get = dk_get_sync;
    dk->num_workers = 2;
    registry_init(&dk->registry, memory);
    return dk;
}

static inline void context_close(dk_context *dk)
{
    registry_deinit(&dk->registry);
    memory_free(dk->memory, dk, sizeof(*dk));
}

/* ('part', i) = add(i, 1) for each i, and "total" = add(all of them). */
static inline dk_status add_sum(dk_graph *graph, int32_t nparts, dk_task_id *total)
{
    dk_value parts[64];
    for (int32_t i = 0; i < nparts; i++) {
        dk_value args[2] = {dk_value_int(i), dk_value_int(1)};
        dk_task_id part;
        dk_status status = dk_graph_add(graph, dk_key_at("part", i), "add", args, 2, &part, NULL);
        if (status != DK_OK)
            return status;
        parts[i] = dk_value_task(part);
    }
    return dk_graph_add(graph, dk_key_text("total"), "add", parts, (size_t)nparts, total, NULL);
}

/* Runs the graph of add_sum() and checks its result. */
static inline dk_status run_sum(dk_context *dk, dk_get get, const dk_get_options *options,
                                int32_t nparts)
{
    dk_graph *graph = NULL;
    dk_task_id total;
    dk_value result;
    dk_status status = dk_register(dk, "add", call_add, NULL, NULL);
    if (status == DK_OK)
        status = dk_graph_new(dk, &graph);
    if (status == DK_OK)
        status = add_sum(graph, nparts, &total);
    if (status == DK_OK)
        status = get(dk, graph, &total, 1, options, &result, NULL);
    if (status == DK_OK)
        assert_int_equal(result.as.integer, (int64_t)nparts * (nparts + 1) / 2);
    dk_graph_free(graph);
    return status;
}

#endif
