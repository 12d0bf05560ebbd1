/* A whole graph on the cluster. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "graph/context.h"
#include "graph/plan.h"
#include "node/client/gather.h"
#include "node/client/kept.h"
#include "payload/task.h"

/* A graph on its way. Arrays are indexed by task id, but for `tasks`, which go in their order. */
struct departure {
    dk_client *client;
    const dk_graph *graph;
    struct plan plan;
    struct arena arena; /* keys, payloads, lists of dependencies */
    struct wire_bytes *keys;
    struct outgoing_task *tasks;
    size_t ntasks;
    struct vector scratch; /* of char */
    struct vector seen;    /* of const char *: see() */
    char suffix[48];       /* of the names of tasks; "": they are called as the graph calls them */
};

static dk_status keep(struct departure *departure, struct wire_bytes *out)
{
    char *copy = arena_alloc(&departure->arena, departure->scratch.count);
    if (!copy)
        return DK_ENOMEM;
    memcpy(copy, departure->scratch.data, departure->scratch.count);
    *out = (struct wire_bytes){copy, departure->scratch.count};
    return DK_OK;
}

/* A result that is on the cluster has its key already. */
static dk_status name_task(struct departure *departure, uint32_t id)
{
    char name[512];
    const struct task *task = graph_task(departure->graph, id);
    const dk_future *kept = kept_result(departure->graph, task);
    if (kept) {
        departure->keys[id] = kept->key;
        return DK_OK;
    }
    const char *given = graph_name(departure->graph, task);
    snprintf(name, sizeof(name), "%.400s-%s", given, departure->suffix);
    departure->scratch.count = 0;
    DK_TRY(client_pack_key(departure->client,
                           (dk_key){*departure->suffix ? name : given, task->index},
                           &departure->scratch));
    return keep(departure, &departure->keys[id]);
}

/* Whether the key was seen before in this list: `seen` has room for twice as many, a power of two,
 * and what it sees are the places of keys, each of which is in one place. */
static bool see(const char **seen, size_t capacity, struct wire_bytes key)
{
    size_t at = hash_u64((uintptr_t)key.data) & (capacity - 1);
    while (seen[at] && seen[at] != key.data)
        at = (at + 1) & (capacity - 1);
    bool is_old = seen[at] != NULL;
    seen[at] = key.data;
    return is_old;
}

/* Each dependency once. */
static dk_status list_dependencies(struct departure *departure, const struct task *task,
                                   struct outgoing_task *out)
{
    const dk_value *args = graph_args(departure->graph, task);
    struct wire_bytes *list = arena_alloc(&departure->arena, task->nargs * sizeof(*list));
    size_t capacity = 2;
    while (capacity < 2 * (size_t)task->nargs)
        capacity *= 2;
    departure->seen.count = 0;
    if (!list || vector_reserve(&departure->seen, capacity) != DK_OK)
        return DK_ENOMEM;
    memset(departure->seen.data, 0, capacity * sizeof(char *));
    out->dependencies = list;
    for (uint32_t i = 0; i < task->nargs; i++) {
        if (args[i].kind != DK_KIND_TASK ||
            see(departure->seen.data, capacity, departure->keys[args[i].as.task]))
            continue;
        list[out->ndependencies++] = departure->keys[args[i].as.task];
    }
    return DK_OK;
}

/* Clients of one scheduler may use each other's, as long as both are there. */
static dk_status check_kept(const struct departure *departure, const dk_future *kept, dk_error *err)
{
    const dk_client *client = departure->client;
    const char *here = dk_client_address(client), *there = dk_client_address(kept->client);
    if (kept->client == client)
        return DK_OK;
    if (!dk_client_is_connected(kept->client))
        return error_set(err, DK_EINVAL, "%s was persisted by a client of %s that is closed",
                         kept->text, there);
    if (strcmp(there, here) != 0)
        return error_set(err, DK_EINVAL,
                         "%s was persisted on the cluster at %s, which the one at %s knows nothing "
                         "of",
                         kept->text, there, here);
    return DK_OK;
}

static dk_status pack_task(struct departure *departure, size_t rank, dk_error *err)
{
    uint32_t id = plan_at(&departure->plan, rank);
    const dk_future *kept = kept_result(departure->graph, graph_task(departure->graph, id));
    if (kept)
        return check_kept(departure, kept, err);
    struct outgoing_task *out = &departure->tasks[departure->ntasks++];
    *out = (struct outgoing_task){.key = departure->keys[id], .order = (int64_t)rank};
    if (list_dependencies(departure, graph_task(departure->graph, id), out) != DK_OK)
        return error_nomem(err);
    DK_TRY(payload_pack_graph_task(departure->graph, (dk_task_id){id}, departure->keys,
                                   &departure->scratch, err));
    return keep(departure, &out->payload) == DK_OK ? DK_OK : error_nomem(err);
}

static dk_status pack_all(struct departure *departure, dk_error *err)
{
    size_t ntasks = plan_ntasks(&departure->plan);
    departure->keys = arena_alloc(&departure->arena,
                                  dk_graph_ntasks(departure->graph) * sizeof(*departure->keys));
    departure->tasks = arena_alloc(&departure->arena, ntasks * sizeof(*departure->tasks));
    if (!departure->keys || !departure->tasks)
        return error_nomem(err);
    for (size_t rank = 0; rank < ntasks; rank++)
        if (name_task(departure, plan_at(&departure->plan, rank)) != DK_OK)
            return error_nomem(err);
    for (size_t rank = 0; rank < ntasks; rank++)
        DK_TRY(pack_task(departure, rank, err));
    return DK_OK;
}

static void free_futures(dk_client *client, dk_future **futures, size_t count)
{
    for (size_t i = 0; i < count; i++)
        dk_future_free(futures[i]);
    memory_free(client->memory, futures, count * sizeof(struct dk_future *));
}

static dk_status make_futures(struct departure *departure, const dk_task_id *keys, size_t nkeys,
                              dk_future ***out, dk_error *err)
{
    dk_client *client = departure->client;
    dk_future **futures = memory_calloc(client->memory, nkeys * sizeof(struct dk_future *));
    if (!futures)
        return error_nomem(err);
    for (size_t i = 0; i < nkeys; i++)
        if (future_new(client, departure->keys[keys[i].id], &futures[i]) != DK_OK) {
            free_futures(client, futures, nkeys);
            return error_nomem(err);
        }
    *out = futures;
    return DK_OK;
}

static dk_status send_tasks(struct departure *departure, const dk_task_id *keys, size_t nkeys,
                            const dk_submit_options *options, dk_error *err)
{
    struct wire_bytes *wanted = arena_alloc(&departure->arena, nkeys * sizeof(*wanted));
    if (!wanted)
        return error_nomem(err);
    for (size_t i = 0; i < nkeys; i++)
        wanted[i] = departure->keys[keys[i].id];
    return client_send_graph(departure->client, departure->tasks, departure->ntasks, wanted, nkeys,
                             options, err);
}

/* A computation that the caller does not want any longer is not run on. */
static void cancel_all(dk_future **futures, size_t count)
{
    for (size_t i = 0; i < count; i++)
        (void)!dk_future_cancel(futures[i], NULL, NULL);
}

static void find_raised(dk_future **futures, size_t count, dk_value *out)
{
    for (size_t i = 0; i < count; i++)
        if (dk_future_state(futures[i]) == DK_FUTURE_ERROR && dk_future_raised(futures[i], out))
            return;
}

static dk_status depart(struct departure *departure, const dk_task_id *keys, size_t nkeys,
                        const dk_get_options *options, dk_value *results, dk_error *err)
{
    dk_future **futures;
    DK_TRY(pack_all(departure, err));
    DK_TRY(make_futures(departure, keys, nkeys, &futures, err));
    dk_wait_options wait = {.cancel = options ? options->cancel : NULL};
    dk_status status = send_tasks(departure, keys, nkeys, options ? options->submit : NULL, err);
    if (status == DK_OK)
        status = dk_client_gather_with(departure->client, futures, nkeys, DK_DIRECT_AUTO, &wait,
                                       results, err);
    if (status == DK_ECANCELED)
        cancel_all(futures, nkeys);
    if (status == DK_ETASK && options && options->raised)
        find_raised(futures, nkeys, options->raised);
    free_futures(departure->client, futures, nkeys);
    return status;
}

/* Computations have keys of their own, unless what they begin is to be found again by the names of
 * its tasks. */
static void choose_suffix(struct departure *departure, enum graph_names names)
{
    dk_client *client = departure->client;
    const char *id = client->name + strlen("Client-");
    if (names == NAMES_AS_GIVEN)
        return;
    if (names == NAMES_OF_CLIENT) {
        snprintf(departure->suffix, sizeof(departure->suffix), "%.16s", id);
        return;
    }
    pthread_mutex_lock(&client->lock);
    uint64_t number = client->nsubmitted++;
    pthread_mutex_unlock(&client->lock);
    snprintf(departure->suffix, sizeof(departure->suffix), "%.16s-%" PRIu64, id, number);
}

static dk_status begin_departure(struct departure *departure, dk_client *client,
                                 const dk_graph *graph, const dk_task_id *keys, size_t nkeys,
                                 enum graph_names names, dk_error *err)
{
    *departure = (struct departure){.client = client, .graph = graph};
    choose_suffix(departure, names);
    DK_TRY(plan_init(&departure->plan, graph, keys, nkeys, err));
    arena_init(&departure->arena, client->memory);
    vector_init(&departure->scratch, client->memory, 1);
    vector_init(&departure->seen, client->memory, sizeof(char *));
    return DK_OK;
}

static void end_departure(struct departure *departure)
{
    vector_deinit(&departure->seen);
    vector_deinit(&departure->scratch);
    arena_deinit(&departure->arena);
    plan_deinit(&departure->plan);
}

dk_client *client_chosen(const dk_context *dk, const dk_get_options *options)
{
    return options && options->client ? options->client : dk->client;
}

dk_status dk_get_distributed(dk_context *dk, const dk_graph *graph, const dk_task_id *keys,
                             size_t nkeys, const dk_get_options *options, dk_value *results,
                             dk_error *err)
{
    struct departure departure;
    dk_client *client = client_chosen(dk, options);
    if (!client)
        return error_set(err, DK_EINVAL, "no client of a cluster is open: see dk_client_open()");
    DK_TRY(begin_departure(&departure, client, graph, keys, nkeys, NAMES_OWN, err));
    dk_status status = depart(&departure, keys, nkeys, options, results, err);
    end_departure(&departure);
    return status;
}

static dk_status leave_futures(struct departure *departure, const dk_task_id *keys, size_t nkeys,
                               const dk_submit_options *options, dk_future **out, dk_error *err)
{
    dk_future **futures;
    DK_TRY(pack_all(departure, err));
    DK_TRY(make_futures(departure, keys, nkeys, &futures, err));
    dk_status status = send_tasks(departure, keys, nkeys, options, err);
    for (size_t i = 0; i < nkeys && status == DK_OK; i++) {
        out[i] = futures[i];
        futures[i] = NULL;
    }
    free_futures(departure->client, futures, nkeys);
    return status;
}

dk_status client_begin_graph(dk_client *client, const dk_graph *graph, const dk_task_id *keys,
                             size_t nkeys, enum graph_names names, const dk_submit_options *options,
                             dk_future **out, dk_error *err)
{
    struct departure departure;
    DK_TRY(begin_departure(&departure, client, graph, keys, nkeys, names, err));
    dk_status status = leave_futures(&departure, keys, nkeys, options, out, err);
    end_departure(&departure);
    return status;
}

dk_status dk_client_compute(dk_client *client, const dk_graph *graph, const dk_task_id *keys,
                            size_t nkeys, const dk_submit_options *options, dk_future **out,
                            dk_error *err)
{
    enum graph_names names = options && options->as_named ? NAMES_AS_GIVEN : NAMES_OWN;
    return client_begin_graph(client, graph, keys, nkeys, names, options, out, err);
}
