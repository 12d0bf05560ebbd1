#include "node/client/kept.h"

#include "base/error.h"
#include "graph/value.h"

static void free_future(void *object)
{
    dk_future_free(object);
}

static const dk_object_type future_object = {.name = "future", .free = free_future};

const dk_future *kept_result(const dk_graph *graph, const struct task *task)
{
    if (task->nargs != 1)
        return NULL;
    return dk_value_as_object(graph_args(graph, task)[0], &future_object);
}

/* Only another scheduler than the client's runs it. */
static dk_status refuse(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                        dk_error *err)
{
    const dk_future *kept = nargs ? dk_value_as_object(args[0], &future_object) : NULL;
    (void)task;
    (void)result;
    if (!kept)
        return error_set(err, DK_ETYPE, "%s() was called with no result", CLUSTER_RESULT);
    return error_set(err, DK_EINVAL,
                     "%s is kept on the cluster at %s: compute it there, by the client that "
                     "persisted it, while that is open",
                     kept->text, dk_client_address(kept->client));
}

dk_status kept_register(dk_context *dk, dk_error *err)
{
    return dk_register(dk, CLUSTER_RESULT, refuse, NULL, err);
}

dk_status dk_future_kept(const dk_future *future, dk_value *out)
{
    dk_future *copy;
    DK_TRY(future_copy(future, &copy));
    return value_object(future->client->memory, &future_object, copy, out);
}

/* Takes the futures, also on failure. */
static dk_status wrap_all(struct memory *memory, dk_future **futures, size_t count,
                          dk_value *results)
{
    dk_status status = DK_OK;
    size_t i = 0;
    for (; i < count && status == DK_OK; i++)
        status = value_object(memory, &future_object, futures[i], &results[i]);
    if (status == DK_OK)
        return DK_OK;
    for (size_t j = 0; j + 1 < i; j++) {
        dk_value_unref(results[j]);
        results[j] = dk_value_null();
    }
    for (; i < count; i++)
        dk_future_free(futures[i]);
    return status;
}

dk_status kept_begin(dk_context *dk, const dk_graph *graph, const dk_task_id *keys, size_t nkeys,
                     const dk_get_options *options, dk_value *results, dk_error *err)
{
    size_t nbytes = nkeys * sizeof(struct dk_future *);
    dk_future **futures = memory_calloc(dk->memory, nbytes);
    if (!futures)
        return error_nomem(err);
    const dk_submit_options *submit = options ? options->submit : NULL;
    dk_status status = client_begin_graph(client_chosen(dk, options), graph, keys, nkeys,
                                          NAMES_OF_CLIENT, submit, futures, err);
    if (status == DK_OK && wrap_all(dk->memory, futures, nkeys, results) != DK_OK)
        status = error_nomem(err);
    memory_free(dk->memory, futures, nbytes);
    return status;
}

/* ---- looking for them ---- */

static bool has_future(dk_future *const *futures, size_t count, const dk_future *future)
{
    for (size_t i = 0; i < count; i++)
        if (futures[i]->client == future->client && futures[i]->id == future->id)
            return true;
    return false;
}

dk_status dk_graph_futures(const dk_graph *graph, dk_future **out, size_t *count)
{
    size_t found = 0;
    dk_status status = DK_OK;
    for (uint32_t id = 0; id < dk_graph_ntasks(graph) && status == DK_OK; id++) {
        const dk_future *kept = kept_result(graph, graph_task(graph, id));
        if (!kept || has_future(out, found, kept))
            continue;
        status = future_copy(kept, &out[found]);
        found += status == DK_OK;
    }
    for (size_t i = 0; i < found && status != DK_OK; i++)
        dk_future_free(out[i]);
    *count = status == DK_OK ? found : 0;
    return status;
}
