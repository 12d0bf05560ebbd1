/* Memory: what was not used for the longest time goes to disk, and a worker that is nearly full
 * takes no more tasks.   Source: distributed.worker_memory.WorkerMemoryManager. */
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>

#include "base/error.h"
#include "node/process_memory.h"
#include "node/worker/parts.h"
#include "payload/value.h"

/* Shares of the memory limit. */
#define TARGET 0.60 /* of results in memory: spill until there are less */
#define SPILL  0.70 /* of the process */
#define PAUSE  0.80
/* Of results that are being written: packing may take as much again. */
#define WRITING 0.10
/* What the process has beyond the ledger, from which on the allocator is asked for it. */
#define UNUSED 0.10

#define MONITOR_MS 100
#define STUCK_MS   10000
#define SPILLS_MAX 4 /* at a time: as many threads as libuv has */

/* ---- one result ---- */

struct spill {
    uv_work_t work;
    struct worker_node *node;
    uint32_t epoch;
    struct wkr_task_id task;
    uint64_t serial;
    uint64_t number;
    dk_value value;
    struct wire_box *box;
    int64_t nbytes;
    struct spilled *spilled;
    dk_status status;
    dk_error err;
};

dk_status worker_write_spilled(struct worker_node *node, uint64_t number,
                               const struct wire_value *value, struct spilled **out, dk_error *err)
{
    uint64_t begun_ns = uv_hrtime();
    DK_TRY(spilled_new(node->memory, node->spill_folder.path, number, value, out, err));
    spill_counts_add(&node->spill_counts, SPILL_DISK_WRITE, spilled_nbytes(*out),
                     uv_hrtime() - begun_ns);
    return DK_OK;
}

static dk_status write_out(struct spill *spill, const struct wire_value *value)
{
    return worker_write_spilled(spill->node, spill->number, value, &spill->spilled, &spill->err);
}

static dk_status pack_and_write(struct spill *spill)
{
    struct worker_node *node = spill->node;
    struct payload_value packed;
    uint64_t begun_ns = uv_hrtime();
    if (spill->box)
        return write_out(spill, &spill->box->value);
    DK_TRY(payload_pack_value(node->options.context, spill->value, &packed, &spill->err));
    spill_counts_add(&node->spill_counts, SPILL_SERIALIZE, (int64_t)packed.nbytes,
                     uv_hrtime() - begun_ns);
    struct wire_value value = payload_wire(&packed);
    dk_status status = write_out(spill, &value);
    payload_value_deinit(&packed);
    return status;
}

static void run_spill(uv_work_t *work)
{
    struct spill *spill = work->data;
    spill->status = pack_and_write(spill);
}

static void take_spilled(struct spill *spill)
{
    struct worker_node *node = spill->node;
    struct stored *stored = store_find(&node->store, spill->task);
    if (!stored || stored->serial != spill->serial)
        return; /* released meanwhile */
    stored->is_spilling = false;
    if (spill->status != DK_OK) {
        list_remove(&stored->by_use); /* not again */
        snprintf(node->spill_failure, sizeof(node->spill_failure), "%.500s", spill->err.message);
        worker_log(node, "WARNING", "cannot spill a result: %s", spill->err.message);
        return;
    }
    store_set_spilled(&node->store, stored, spill->spilled);
    spill->spilled = NULL;
}

static void end_spill(uv_work_t *work, int status)
{
    struct spill *spill = work->data;
    struct worker_node *node = spill->node;
    (void)status;
    node->nspills--;
    node->spilling_nbytes -= spill->nbytes;
    if (spill->epoch == node->epoch && node->status != WORKER_CLOSING)
        take_spilled(spill);
    spilled_unref(spill->spilled);
    dk_value_unref(spill->value);
    wire_box_unref(spill->box);
    memory_free(node->memory, spill, sizeof(*spill));
    if (node->status != WORKER_CLOSING)
        worker_watch_memory(node);
    worker_part_closed(node);
}

static bool begin_spill(struct worker_node *node, struct stored *stored)
{
    struct spill *spill = memory_calloc(node->memory, sizeof(*spill));
    if (!spill)
        return false;
    spill->work.data = spill;
    spill->node = node;
    spill->epoch = node->epoch;
    spill->task = stored->task;
    spill->serial = stored->serial;
    spill->number = node->nspilled++;
    spill->nbytes = stored->content.nbytes;
    spill->value = dk_value_ref(stored->content.value);
    spill->box = wire_box_ref(stored->content.box);
    if (uv_queue_work(node->loop, &spill->work, run_spill, end_spill) != 0) {
        dk_value_unref(spill->value);
        wire_box_unref(spill->box);
        memory_free(node->memory, spill, sizeof(*spill));
        return false;
    }
    stored->is_spilling = true;
    node->spilling_nbytes += spill->nbytes;
    node->nspills++;
    node->nopen++;
    return true;
}

/* ---- reading ---- */

dk_status worker_read_spilled(struct worker_node *node, const struct spilled *spilled,
                              struct held **out, dk_error *err)
{
    uint64_t begun_ns = uv_hrtime();
    DK_TRY(spilled_read(spilled, out, err));
    spill_counts_add(&node->spill_counts, SPILL_DISK_READ, spilled_nbytes(spilled),
                     uv_hrtime() - begun_ns);
    return DK_OK;
}

dk_status worker_view_spilled(struct worker_node *node, const struct spilled *spilled,
                              struct spilled_view *out, dk_error *err)
{
    DK_TRY(spilled_view_open(spilled, out, err));
    spill_counts_add(&node->spill_counts, SPILL_DISK_READ, spilled_nbytes(spilled), 0);
    return DK_OK;
}

void worker_count_use(struct worker_node *node, const struct content *content)
{
    if (!content->spilled)
        spill_counts_add(&node->spill_counts, SPILL_MEMORY_READ, content->nbytes, 0);
}

/* ---- how much there is ---- */

static struct stored *oldest(const struct worker_node *node)
{
    LIST_EACH (at, &node->store.by_use) {
        struct stored *stored = LIST_ENTRY(at, struct stored, by_use);
        if (!stored->is_spilling)
            return stored;
    }
    return NULL;
}

/* The ledger is exact, at once, for what is ours; the system knows of the rest. */
static int64_t used_nbytes(const struct worker_node *node)
{
    int64_t ours = memory_use(node->memory).current;
    return ours > node->process_nbytes ? ours : node->process_nbytes;
}

/* What Python holds is not in the ledger, but its tasks are long enough for a look at the process.
 */
bool worker_has_room(const struct worker_node *node, int64_t nbytes)
{
    double limit = PAUSE * (double)node->options.memory_limit, more = (double)nbytes;
    if (limit <= 0)
        return true;
    return (double)memory_use(node->memory).current + more <= limit &&
           !(node->has_python && (double)process_memory_nbytes(0) + more > limit);
}

bool worker_is_full(const struct worker_node *node)
{
    return !worker_has_room(node, 0);
}

static bool may_write(const struct worker_node *node, const struct stored *stored)
{
    double limit = (double)node->options.memory_limit;
    int64_t writing = node->spilling_nbytes + stored->content.nbytes;
    return !node->nspills || (node->nspills < SPILLS_MAX && (double)writing <= WRITING * limit);
}

static bool should_spill(const struct worker_node *node)
{
    double limit = (double)node->options.memory_limit;
    int64_t left = node->store.memory_nbytes - node->spilling_nbytes;
    if ((double)left > TARGET * limit)
        return true;
    /* Results can be at fault only for their own share. */
    return (double)(used_nbytes(node) - node->spilling_nbytes) > SPILL * limit &&
           (double)left > 0.1 * limit;
}

dk_status worker_refuse_full(const struct worker_node *node, dk_error *err)
{
    return error_set(err, DK_ENOMEM,
                     "the memory of worker %s is full (its limit is %" PRId64
                     " bytes), and has been for %d s: %s",
                     node->address, node->options.memory_limit, STUCK_MS / 1000,
                     *node->spill_failure ? node->spill_failure : "nothing of it can be spilled");
}

/* Nothing runs, and nothing more can be written. */
static bool is_stuck(const struct worker_node *node)
{
    bool is_paused = node->status == WORKER_PAUSED && !node->is_away;
    return (is_paused || worker_is_full(node)) && !node->nspills &&
           !executor_njobs(node->executor) && !oldest(node);
}

/* What is full for good lets tasks fail, rather than wait for ever. */
static void look_whether_stuck(struct worker_node *node)
{
    int64_t now_ms = (int64_t)uv_now(node->loop);
    if (!is_stuck(node)) {
        node->stuck_since_ms = 0;
        node->refuses = node->refuses && worker_is_full(node);
        return;
    }
    if (!node->stuck_since_ms)
        node->stuck_since_ms = now_ms;
    node->refuses = node->refuses || now_ms - node->stuck_since_ms >= STUCK_MS;
}

static void pause_or_resume(struct worker_node *node)
{
    double share = (double)used_nbytes(node) / (double)node->options.memory_limit;
    bool is_full = share > PAUSE && !node->refuses;
    if (node->is_away || is_full == (node->status == WORKER_PAUSED) ||
        (node->status != WORKER_RUNNING && node->status != WORKER_PAUSED))
        return;
    worker_log(node, "WARNING",
               "Worker is at %d%% memory usage. %s worker.  Process memory: %" PRId64
               " bytes -- Worker memory limit: %" PRId64 " bytes",
               (int)(share * 100), is_full ? "Pausing" : "Resuming", used_nbytes(node),
               node->options.memory_limit);
    worker_set_status(node, is_full ? WORKER_PAUSED : WORKER_RUNNING);
}

void worker_watch_memory(struct worker_node *node)
{
    struct stored *stored;
    if (!node->options.memory_limit || node->status == WORKER_CLOSING)
        return;
    pause_or_resume(node);
    while (should_spill(node) && (stored = oldest(node)) != NULL && may_write(node, stored))
        if (!begin_spill(node, stored))
            return;
}

/* Freed memory that the allocator keeps counts for those who look at the process. */
static void give_up_unused(struct worker_node *node)
{
    double limit = (double)node->options.memory_limit;
    int64_t unused = node->process_nbytes - memory_use(node->memory).current;
    if ((double)node->process_nbytes > SPILL * limit && (double)unused > UNUSED * limit &&
        malloc_trim(0))
        node->process_nbytes = process_memory_nbytes(0);
}

static void on_monitor(uv_timer_t *timer)
{
    struct worker_node *node = timer->data;
    node->process_nbytes = process_memory_nbytes(0);
    give_up_unused(node);
    look_whether_stuck(node);
    worker_watch_memory(node);
}

void worker_monitor_memory(struct worker_node *node)
{
    if (node->options.memory_limit)
        uv_timer_start(&node->monitor, on_monitor, MONITOR_MS, MONITOR_MS);
}
