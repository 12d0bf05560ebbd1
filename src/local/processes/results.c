#include "local/processes/results.h"

#include <sys/resource.h>
#include <unistd.h>

#include "base/error.h"
#include "graph/value.h"

struct held {
    struct parcel parcel; /* its bytes are those below */
    char bytes[];
};

/* Half of what the process may have open is left to the rest of the program. */
static size_t fd_budget(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 256;
    return limit.rlim_cur == RLIM_INFINITY ? SIZE_MAX : (size_t)limit.rlim_cur / 2;
}

static size_t ntasks(const struct results *results)
{
    return results->run->graph->tasks.count;
}

dk_status results_init(struct results *results, struct run *run, int32_t nprocesses, dk_error *err)
{
    struct memory *memory = run->context->memory;
    *results = (struct results){.run = run, .nprocesses = nprocesses, .max_fds = fd_budget()};
    results->row_nbytes = ((size_t)nprocesses + 7) / 8;
    results->held = memory_calloc(memory, ntasks(results) * sizeof(*results->held));
    results->holders = memory_calloc(memory, ntasks(results) * results->row_nbytes);
    results->nbytes_held = memory_calloc(memory, (size_t)nprocesses * sizeof(int64_t));
    return results->held && results->holders && results->nbytes_held ? DK_OK : error_nomem(err);
}

static void free_held(struct results *results, uint32_t id)
{
    struct held *held = results->held[id];
    if (!held)
        return;
    if (held->parcel.fd >= 0) {
        close(held->parcel.fd);
        results->nfds--;
    }
    segment_unref(held->parcel.segment);
    memory_free(results->run->context->memory, held, sizeof(*held) + held->parcel.nbytes);
    results->held[id] = NULL;
}

void results_deinit(struct results *results)
{
    if (!results->run)
        return;
    struct memory *memory = results->run->context->memory;
    for (size_t id = 0; results->held && id < ntasks(results); id++) {
        free_held(results, (uint32_t)id);
    }
    memory_free(memory, results->held, ntasks(results) * sizeof(*results->held));
    memory_free(memory, results->holders, ntasks(results) * results->row_nbytes);
    memory_free(memory, results->nbytes_held, (size_t)results->nprocesses * sizeof(int64_t));
}

void results_close_fds(const struct results *results)
{
    for (size_t id = 0; results->nfds && id < ntasks(results); id++) {
        const struct held *held = results->held[id];
        if (held && held->parcel.fd >= 0)
            close(held->parcel.fd);
    }
}

static dk_status decode(struct results *results, uint32_t id, const struct parcel *parcel,
                        dk_error *err)
{
    return value_decode(results->run->context, parcel, &results->run->results[id], err);
}

static dk_status hold(struct results *results, uint32_t id, const struct parcel *parcel)
{
    struct held *held = memory_alloc(results->run->context->memory, sizeof(*held) + parcel->nbytes);
    if (!held)
        return DK_ENOMEM;
    held->parcel = *parcel;
    held->parcel.bytes = held->bytes;
    memcpy(held->bytes, parcel->bytes, parcel->nbytes);
    results->nfds += parcel->fd >= 0;
    results->held[id] = held;
    return DK_OK;
}

dk_status results_keep(struct results *results, uint32_t id, struct parcel *parcel)
{
    dk_error error;
    if (parcel->kind < DK_KIND_TEXT)
        return decode(results, id, parcel, &error);
    dk_status status = DK_OK;
    if (parcel->fd >= 0 && results->nfds >= results->max_fds)
        status = parcel_map(results->run->context->memory, parcel);
    if (status == DK_OK)
        status = hold(results, id, parcel);
    if (status != DK_OK && parcel->fd >= 0)
        close(parcel->fd);
    if (status != DK_OK)
        segment_unref(parcel->segment);
    return status;
}

dk_status results_put(struct results *results, uint32_t id, struct outbox *outbox, dk_error *err)
{
    const struct held *held = results->held[id];
    if (!held)
        return value_encode(results->run->context, outbox, results->run->results[id], err);
    return parcel_forward(outbox, &held->parcel, err);
}

void results_drop(struct results *results, uint32_t id)
{
    free_held(results, id);
    dk_value_unref(results->run->results[id]);
    results->run->results[id] = dk_value_null();
}

dk_status results_decode(struct results *results, uint32_t id, dk_error *err)
{
    if (!results->held[id])
        return DK_OK;
    DK_TRY(decode(results, id, &results->held[id]->parcel, err));
    free_held(results, id);
    return DK_OK;
}

static uint8_t *holders_of(const struct results *results, uint32_t id)
{
    return results->holders + id * results->row_nbytes;
}

bool results_is_held(const struct results *results, uint32_t id, int32_t process)
{
    return (holders_of(results, id)[process >> 3] >> (process & 7)) & 1;
}

void results_set_held(struct results *results, uint32_t id, int32_t process)
{
    uint8_t *byte = &holders_of(results, id)[process >> 3];
    *byte = (uint8_t)(*byte | (1u << (process & 7)));
}

void results_forget_process(struct results *results, int32_t process)
{
    for (size_t id = 0; id < ntasks(results); id++) {
        uint8_t *byte = &holders_of(results, (uint32_t)id)[process >> 3];
        *byte = (uint8_t)(*byte & ~(1u << (process & 7)));
    }
}

static int64_t held_nbytes(const struct results *results, uint32_t id)
{
    const struct held *held = results->held[id];
    return held ? (int64_t)(held->parcel.nbytes + held->parcel.segment_nbytes) : 0;
}

int32_t results_best_holder(struct results *results, uint32_t id)
{
    const struct task *task = graph_task(results->run->graph, id);
    const dk_value *args = graph_args(results->run->graph, task);
    memset(results->nbytes_held, 0, (size_t)results->nprocesses * sizeof(int64_t));
    for (uint32_t i = 0; i < task->nargs; i++) {
        int64_t nbytes = args[i].kind == DK_KIND_TASK ? held_nbytes(results, args[i].as.task) : 0;
        for (int32_t p = 0; nbytes && p < results->nprocesses; p++) {
            if (results_is_held(results, args[i].as.task, p))
                results->nbytes_held[p] += nbytes;
        }
    }
    int32_t best = -1;
    int64_t most = 0;
    for (int32_t p = 0; p < results->nprocesses; p++) {
        if (results->nbytes_held[p] <= most)
            continue;
        most = results->nbytes_held[p];
        best = p;
    }
    return best;
}
