/* Data between workers: a question, and an answer that may be lost, late or unreadable. */
#include <string.h>

#include "base/error.h"
#include "core/worker/decode.h"
#include "core/worker/messages.h"
#include "sim/cluster.h"
#include "sim/must.h"
#include "wire/build.h"
#include "wire/pack.h"
#include "wire/unpack.h"

/* ---- packing ---- */

static void pack(struct cluster *cluster, struct transfer *transfer,
                 const struct wire_value *message)
{
    cluster->frames.count = 0;
    transfer->bytes.count = 0;
    must_do(wire_pack(&transfer->bytes, &cluster->frames, message, &cluster->err));
}

static struct wire_value unpack(struct cluster *cluster, const struct transfer *transfer,
                                struct arena *arena)
{
    struct wire_value message;
    struct wire_bytes bytes = {transfer->bytes.data, transfer->bytes.count};
    must_do(wire_unpack(arena, bytes, &message, &cluster->err));
    return message;
}

/* ---- the question ---- */

static struct transfer *new_transfer(struct cluster *cluster, const struct sim_worker *worker,
                                     struct wkr_peer_id peer)
{
    struct transfer *transfer = must(memory_calloc(cluster->memory, sizeof(*transfer)));
    uint32_t id = keys_find(&cluster->addresses, wkr_peer_address(worker->core, peer));
    transfer->from = worker->number;
    transfer->from_life = worker->life;
    transfer->peer = peer;
    transfer->of = SCHED_NOBODY;
    transfer->outcome = WKR_GATHER_NETWORK_FAILED;
    vector_init(&transfer->bytes, cluster->memory, 1);
    if (id == KEY_NONE)
        return transfer;
    transfer->of = ((uint32_t *)cluster->by_address.data)[id];
    transfer->of_life = cluster->workers[transfer->of].life;
    return transfer;
}

void sim_free_transfer(struct cluster *cluster, struct transfer *transfer)
{
    vector_deinit(&transfer->bytes);
    memory_free(cluster->memory, transfer, sizeof(*transfer));
}

static void send(struct cluster *cluster, struct transfer *transfer, enum sim_kind kind,
                 int64_t takes_us)
{
    bool is_question = kind == SIM_DATA_ASKED;
    agenda_put(&cluster->agenda,
               (struct occasion){.at_us = cluster->now_us + takes_us,
                                 .kind = kind,
                                 .who = is_question ? transfer->of : transfer->from,
                                 .life = is_question ? transfer->of_life : transfer->from_life,
                                 .transfer = transfer});
}

void sim_gather(struct cluster *cluster, struct sim_worker *worker,
                const struct wkr_instruction *instruction)
{
    struct transfer *transfer = new_transfer(cluster, worker, instruction->peer);
    struct arena arena;
    arena_init(&arena, cluster->memory);
    struct wire_builder builder = {&arena, false};
    const struct wkr_task_id *tasks = wkr_instruction_tasks(&worker->out, instruction);
    struct wire_filling keys = wire_begin_array(&builder, instruction->ntasks);
    for (uint32_t i = 0; i < instruction->ntasks; i++)
        wire_add(&keys, wire_packed(wkr_task_key(worker->core, tasks[i])));
    struct wire_value message = wire_end_array(&keys);
    pack(cluster, transfer, &message);
    arena_deinit(&arena);
    send(cluster, transfer, transfer->of == SCHED_NOBODY ? SIM_DATA_COMES : SIM_DATA_ASKED,
         worker->latency_us);
}

/* ---- the answer ---- */

/* {key: nbytes} of what is here; and how many bytes that are. */
static int64_t answer(struct cluster *cluster, struct sim_worker *worker, struct transfer *transfer)
{
    int64_t nbytes = 0;
    struct arena arena;
    struct wkr_keys keys;
    arena_init(&arena, cluster->memory);
    struct wkr_decoder decoder = {&arena, &cluster->scratch, &cluster->err};
    struct wire_builder builder = {&arena, false};
    struct wire_value question = unpack(cluster, transfer, &arena);
    must_do(wkr_decode_keys(&decoder, &question, &keys));
    struct wire_filling data = wire_begin_map(&builder, keys.count);
    for (size_t i = 0; i < keys.count; i++) {
        struct wkr_task_id id;
        if (!wkr_find(worker->core, keys.list[i], &id) || !sim_worker_holds(worker, id))
            continue;
        int64_t size = sim_task_at(&cluster->work, sim_number(cluster, keys.list[i]))->nbytes;
        wire_put_key(&data, wire_packed(keys.list[i]), wire_int(size));
        nbytes += size;
    }
    struct wire_value message = wire_end_map(&data);
    pack(cluster, transfer, &message);
    arena_deinit(&arena);
    return nbytes;
}

static enum wkr_event_kind draw_outcome(struct cluster *cluster)
{
    if (chance_hits(&cluster->chance, cluster->options->busy))
        return WKR_GATHER_BUSY;
    if (chance_hits(&cluster->chance, cluster->options->lost))
        return WKR_GATHER_NETWORK_FAILED;
    if (!chance_hits(&cluster->chance, cluster->options->garbled))
        return WKR_GATHER_SUCCEEDED;
    cluster->ngarbled++;
    return WKR_GATHER_FAILED;
}

void sim_data_asked(struct cluster *cluster, struct transfer *transfer)
{
    struct sim_worker *worker = &cluster->workers[transfer->of];
    const struct sim_worker *to = &cluster->workers[transfer->from];
    double bandwidth = worker->bandwidth < to->bandwidth ? worker->bandwidth : to->bandwidth;
    double part = 1;
    int64_t nbytes = 0;
    if (worker->life == transfer->of_life)
        transfer->outcome = draw_outcome(cluster);
    if (transfer->outcome == WKR_GATHER_NETWORK_FAILED)
        part = chance_unit(&cluster->chance);
    if (transfer->outcome != WKR_GATHER_BUSY && worker->life == transfer->of_life)
        nbytes = answer(cluster, worker, transfer);
    send(cluster, transfer, SIM_DATA_COMES,
         worker->latency_us + (int64_t)(part * (double)nbytes / bandwidth * 1e6));
}

/* ---- its arrival ---- */

static void take_data(struct cluster *cluster, struct sim_worker *worker,
                      const struct transfer *transfer, struct arena *arena, struct wkr_event *event)
{
    struct wire_value data = unpack(cluster, transfer, arena);
    struct wkr_gathered_task *tasks = must(arena_alloc(arena, data.count * sizeof(*tasks)));
    struct wkr_gathered *gathered = &event->as.gathered;
    gathered->tasks = tasks;
    for (uint32_t i = 0; i < data.count; i++) {
        struct wkr_gathered_task *task = &tasks[gathered->ntasks];
        must_do(key_pack(&data.as.entries[i].key, &cluster->scratch, &cluster->err));
        struct wire_bytes key = {cluster->scratch.data, cluster->scratch.count};
        (void)wire_read_int(&data.as.entries[i].value, &task->nbytes);
        gathered->ntasks += wkr_find(worker->core, key, &task->task);
        diary_note(&cluster->diary,
                   (struct diary_line){cluster->now_us, worker->number, sim_number(cluster, key),
                                       transfer->of, 'w', ""},
                   (struct wire_bytes){"(data comes)", 12});
    }
}

/* Whoever died on the way has not sent it all. */
void sim_data_comes(struct cluster *cluster, struct transfer *transfer)
{
    struct sim_worker *worker = &cluster->workers[transfer->from];
    struct wkr_event event = {.kind = transfer->outcome};
    struct arena arena;
    arena_init(&arena, cluster->memory);
    event.as.gathered = (struct wkr_gathered){.peer = transfer->peer};
    if (transfer->of == SCHED_NOBODY || cluster->workers[transfer->of].life != transfer->of_life)
        event.kind = WKR_GATHER_NETWORK_FAILED;
    if (event.kind == WKR_GATHER_SUCCEEDED) {
        take_data(cluster, worker, transfer, &arena, &event);
        cluster->nmoved += event.as.gathered.ntasks;
        cluster->progress_us = cluster->now_us;
    } else if (event.kind == WKR_GATHER_FAILED) {
        event.as.gathered.error =
            must(wkr_error_new(cluster->worker_memory, (struct wire_bytes){"\x80\x04N.", 4},
                               (struct wire_bytes){0}, "garbled"));
    }
    sim_worker_step(cluster, worker, &event, (struct wire_bytes){"gather", 6});
    wire_box_unref(event.as.gathered.error);
    arena_deinit(&arena);
}
