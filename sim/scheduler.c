/* The scheduler's process: letters in, steps, letters out. */
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "core/scheduler/decode.h"
#include "sim/cluster.h"
#include "sim/must.h"
#include "wire/build.h"
#include "wire/pack.h"
#include "wire/unpack.h"

/* ---- the watch ---- */

static int64_t read_clock(const struct cluster *cluster)
{
    struct timespec now = {0};
    if (cluster->options->measures)
        clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* What there is before the first graph is the workers'. */
static void note_memory(struct cluster *cluster)
{
    struct sim_watch *watch = &cluster->watch;
    int64_t nbytes = memory_use(cluster->scheduler_memory).current;
    if (nbytes > watch->peak_nbytes)
        watch->peak_nbytes = nbytes;
    if (sched_ntasks(cluster->sched) > watch->peak_ntasks)
        watch->peak_ntasks = sched_ntasks(cluster->sched);
    if (!watch->peak_ntasks)
        watch->empty_nbytes = nbytes;
}

static void note_step(struct cluster *cluster, enum sched_event_kind kind, int64_t took_ns)
{
    struct sim_watch *watch = &cluster->watch;
    if (kind == SCHED_UPDATE_GRAPH) {
        watch->graph_ns += took_ns;
        return;
    }
    watch->nevents++;
    watch->step_ns += took_ns;
    if (took_ns > watch->slowest_ns)
        watch->slowest_ns = took_ns;
}

/* ---- letters out ---- */

static struct sim_worker *known_worker(struct cluster *cluster, uint32_t id)
{
    uint32_t number =
        id < cluster->by_known.count ? ((uint32_t *)cluster->by_known.data)[id] : SCHED_NOBODY;
    return number == SCHED_NOBODY ? NULL : &cluster->workers[number];
}

static struct sim_client *known_client(struct cluster *cluster, uint32_t id)
{
    for (uint32_t i = 0; i < cluster->options->clients; i++)
        if (cluster->clients[i].known_as == id)
            return &cluster->clients[i];
    return NULL;
}

static void forget_known(struct cluster *cluster, struct sim_worker *worker)
{
    if (worker->known_as != SCHED_NOBODY)
        ((uint32_t *)cluster->by_known.data)[worker->known_as] = SCHED_NOBODY;
    worker->known_as = SCHED_NOBODY;
}

/* Once the worker has noticed that the connection is lost, nobody reads what is sent. */
static void post_to_worker(struct cluster *cluster, struct sim_worker *worker,
                           const struct wire_value *message)
{
    if (worker->status != SIM_CONNECTED || worker->is_stream_closed)
        return;
    struct occasion arrival = {
        .kind = SIM_LETTER_TO_WORKER, .who = worker->number, .life = worker->life};
    sim_post(cluster, &worker->down, message, arrival, worker->latency_us, worker->bandwidth);
}

static void drop(struct cluster *cluster, struct sim_worker *worker)
{
    struct occasion arrival = {
        .kind = SIM_LETTER_TO_WORKER, .who = worker->number, .life = worker->life};
    if (worker->status == SIM_CONNECTED && !worker->is_stream_closed)
        sim_post_end(cluster, &worker->down, arrival, worker->latency_us);
    worker->is_stream_closed = true;
    cluster->ndied++;
    forget_known(cluster, worker);
}

static void post_to_client(struct cluster *cluster, struct sim_client *client,
                           const struct wire_value *message)
{
    struct occasion arrival = {.kind = SIM_LETTER_TO_CLIENT, .who = client->number};
    sim_post(cluster, &client->down, message, arrival, (int64_t)(cluster->options->latency_s * 1e6),
             cluster->options->bandwidth);
}

static void close_retired(struct cluster *cluster, struct sim_worker *worker)
{
    struct wire_entry fields[] = {{wire_text("op"), wire_text("close")},
                                  {wire_text("reason"), wire_text("scheduler-retire-workers")}};
    struct wire_value message = wire_map(fields, 2);
    worker->has_said_bye = true;
    post_to_worker(cluster, worker, &message);
}

static void deliver(struct cluster *cluster, const struct sched_message *message)
{
    bool is_for_client = message->target == SCHED_TO_CLIENT;
    struct sim_client *client = is_for_client ? known_client(cluster, message->id) : NULL;
    struct sim_worker *worker = is_for_client ? NULL : known_worker(cluster, message->id);
    cluster->watch.nmessages++;
    if (client)
        post_to_client(cluster, client, &message->value);
    else if (!worker)
        return; /* the stream was lost */
    else if (message->target == SCHED_TO_WORKER)
        post_to_worker(cluster, worker, &message->value);
    else if (message->target == SCHED_DROP_WORKER)
        drop(cluster, worker);
    else if (message->target == SCHED_RETIRED)
        close_retired(cluster, worker);
}

/* ---- steps ---- */

static void wake_in_time(struct cluster *cluster)
{
    int64_t deadline_us = cluster->deadline_us;
    if (deadline_us >= cluster->tick_us)
        return;
    if (deadline_us <= cluster->now_us)
        deadline_us = cluster->now_us + 1000; /* clocks count milliseconds */
    cluster->tick_us = deadline_us;
    agenda_put(&cluster->agenda, (struct occasion){.at_us = deadline_us, .kind = SIM_TICK});
}

static dk_status step(struct cluster *cluster, struct sched_event *event)
{
    event->now_us = cluster->now_us;
    int64_t begin_ns = read_clock(cluster);
    dk_status status = sched_step(cluster->sched, event, &cluster->out, &cluster->err);
    cluster->deadline_us = sched_deadline_us(cluster->sched);
    int64_t took_ns = read_clock(cluster) - begin_ns;
    if (cluster->options->measures && !cluster->is_over)
        note_step(cluster, event->kind, took_ns);
    cluster->nsteps++;
    return status;
}

static void finish_step(struct cluster *cluster)
{
    int64_t begin_ns = read_clock(cluster);
    const struct sched_message *messages = sched_outbox_messages(&cluster->out);
    for (size_t i = 0; i < cluster->out.messages.count; i++)
        deliver(cluster, &messages[i]);
    sched_outbox_clear(&cluster->out);
    cluster->watch.wire_ns += read_clock(cluster) - begin_ns;
    wake_in_time(cluster);
    sim_validate(cluster, NULL);
}

void sim_scheduler_step(struct cluster *cluster, struct sched_event *event)
{
    if (step(cluster, event) != DK_OK)
        sim_fail(cluster, SIM_NO_KEY, "the scheduler refuses an event: %s", cluster->err.message);
    finish_step(cluster);
}

void sim_tick(struct cluster *cluster)
{
    struct sched_event event = {.kind = SCHED_TICK, .stimulus = "tick"};
    cluster->tick_us = INT64_MAX;
    sim_scheduler_step(cluster, &event);
}

/* ---- letters in ---- */

/* Everything that a letter becomes until it is an event. */
struct reading {
    struct arena arena;
    struct wire_value message;
    struct sched_event event;
};

typedef dk_status decoder_of(struct sched_decoder *decoder, const struct wire_value *message,
                             struct sched_event *event);

static dk_status read_letter(struct cluster *cluster, struct reading *reading,
                             const struct letter *letter, decoder_of *decode)
{
    struct wire_bytes bytes = {letter->bytes, letter->nbytes};
    arena_init(&reading->arena, cluster->scheduler_memory);
    dk_status status = wire_unpack(&reading->arena, bytes, &reading->message, &cluster->err);
    struct sched_decoder decoder = {&reading->arena, &cluster->scratch, &cluster->boxes,
                                    &cluster->err};
    return status == DK_OK ? decode(&decoder, &reading->message, &reading->event) : status;
}

static void end_reading(struct cluster *cluster, struct reading *reading)
{
    struct wire_box **boxes = cluster->boxes.data;
    for (size_t i = 0; i < cluster->boxes.count; i++)
        wire_box_unref(boxes[i]);
    vector_deinit(&cluster->boxes);
    arena_deinit(&reading->arena);
    note_memory(cluster);
}

static void lose_worker(struct cluster *cluster, struct sim_worker *worker)
{
    if (worker->known_as == SCHED_NOBODY)
        return;
    struct sched_event event = {
        .kind = SCHED_REMOVE_WORKER, .worker = worker->known_as, .stimulus = "stream-closed"};
    event.as.is_expected = worker->has_said_bye;
    cluster->ndied += !worker->has_said_bye;
    forget_known(cluster, worker);
    sim_scheduler_step(cluster, &event);
}

static void take_message(struct cluster *cluster, struct sim_worker *worker, struct letter *letter)
{
    struct reading reading;
    int64_t begin_ns = read_clock(cluster);
    dk_status status = read_letter(cluster, &reading, letter, sched_decode_worker);
    cluster->watch.wire_ns += read_clock(cluster) - begin_ns;
    if (status != DK_OK)
        sim_fail(cluster, SIM_NO_KEY, "from worker %u: %s", worker->number, cluster->err.message);
    sim_note(cluster, 's', worker->number, &reading.message, letter);
    reading.event.worker = worker->known_as;
    if (!cluster->has_failed)
        sim_scheduler_step(cluster, &reading.event);
    end_reading(cluster, &reading);
}

/* What comes on a stream that the scheduler has closed is not read. */
void sim_letter_from_worker(struct cluster *cluster, struct sim_worker *worker)
{
    struct letter *letter = sim_take_letter(&worker->up);
    if (!letter)
        return;
    if (!letter->nbytes)
        lose_worker(cluster, worker);
    else if (worker->known_as != SCHED_NOBODY)
        take_message(cluster, worker, letter);
    sim_free_letter(cluster, letter);
}

void sim_letter_from_client(struct cluster *cluster, struct sim_client *client)
{
    struct letter *letter = sim_take_letter(&client->up);
    struct reading reading;
    if (!letter)
        return;
    if (!letter->nbytes) {
        struct sched_event event = {
            .kind = SCHED_REMOVE_CLIENT, .client = client->known_as, .stimulus = "client-left"};
        client->known_as = SCHED_NOBODY;
        sim_scheduler_step(cluster, &event);
        sim_free_letter(cluster, letter);
        return;
    }
    if (read_letter(cluster, &reading, letter, sched_decode_client) != DK_OK)
        sim_fail(cluster, SIM_NO_KEY, "from client %u: %s", client->number, cluster->err.message);
    sim_note(cluster, 'c', client->number, &reading.message, letter);
    reading.event.client = client->known_as;
    if (!cluster->has_failed)
        sim_scheduler_step(cluster, &reading.event);
    end_reading(cluster, &reading);
    sim_free_letter(cluster, letter);
}

/* ---- registration ---- */

static struct wire_value registration(struct cluster *cluster, const struct sim_worker *worker,
                                      struct wire_builder *builder)
{
    struct wire_filling native = wire_begin_map(builder, 1);
    struct wire_filling extra = wire_begin_map(builder, 1);
    struct wire_filling map = wire_begin_map(builder, 8);
    wire_put(&native, "native", wire_bool(true));
    wire_put(&extra, "cdask", wire_end_map(&native));
    wire_put(&map, "op", wire_text("register-worker"));
    wire_put(&map, "address", wire_text(worker->address));
    wire_put(&map, "status", wire_text("init"));
    wire_put(&map, "nthreads", wire_int(cluster->options->threads));
    wire_put(&map, "name", wire_text(worker->address));
    wire_put(&map, "memory_limit", wire_int((int64_t)4 << 30));
    wire_put(&map, "extra", wire_end_map(&extra));
    wire_put(&map, "stimulus_id", wire_text("worker-connect"));
    return wire_end_map(&map);
}

static void become_known(struct cluster *cluster, struct sim_worker *worker)
{
    uint32_t nobody = SCHED_NOBODY, id = sched_find_worker(cluster->sched, worker->address);
    while (cluster->by_known.count <= id)
        must_do(vector_append(&cluster->by_known, &nobody, 1));
    ((uint32_t *)cluster->by_known.data)[id] = worker->number;
    worker->known_as = id;
    worker->known_life = worker->life;
    worker->is_stream_closed = worker->has_said_bye = false;
    sim_clear_channel(cluster, &worker->up);
    worker->status = SIM_CONNECTED;
}

/* Packed and unpacked like everything else, but in one piece of time. */
bool sim_register(struct cluster *cluster, struct sim_worker *worker)
{
    struct reading reading;
    struct arena arena;
    arena_init(&arena, cluster->memory);
    struct wire_builder builder = {&arena, false};
    struct wire_value message = registration(cluster, worker, &builder);
    struct letter *letter = sim_pack_letter(cluster, &message);
    arena_deinit(&arena);
    if (read_letter(cluster, &reading, letter, sched_decode_registration) != DK_OK)
        sim_fail(cluster, SIM_NO_KEY, "registration: %s", cluster->err.message);
    sim_note(cluster, 's', worker->number, &reading.message, letter);
    reading.event.as.add_worker.host = "host";
    dk_status status = step(cluster, &reading.event);
    if (status == DK_OK)
        become_known(cluster, worker);
    else if (status != DK_EINVAL)
        sim_fail(cluster, SIM_NO_KEY, "registration: %s", cluster->err.message);
    finish_step(cluster);
    end_reading(cluster, &reading);
    sim_free_letter(cluster, letter);
    return status == DK_OK;
}

/* ---- heartbeats ---- */

/* {key: seconds} of what runs. */
static struct wire_value executing(struct cluster *cluster, const struct sim_worker *worker,
                                   struct wire_builder *builder)
{
    const int64_t *since = worker->runs.data;
    struct wire_filling map = wire_begin_map(builder, worker->runs.count);
    for (uint32_t i = 0; i < worker->runs.count; i++)
        if (since[i])
            wire_put_key(&map, wire_packed(wkr_task_key(worker->core, (struct wkr_task_id){i})),
                         wire_float((double)(cluster->now_us - since[i]) / 1e6));
    return wire_end_map(&map);
}

void sim_heartbeat(struct cluster *cluster, struct sim_worker *worker)
{
    struct arena arena;
    struct wire_value message, running;
    arena_init(&arena, cluster->memory);
    struct wire_builder builder = {&arena, false};
    running = executing(cluster, worker, &builder);
    cluster->packed.count = cluster->frames.count = 0;
    must_do(wire_pack(&cluster->packed, &cluster->frames, &running, &cluster->err));
    must_do(wire_unpack(&arena, (struct wire_bytes){cluster->packed.data, cluster->packed.count},
                        &message, &cluster->err));
    struct sched_event event = {
        .kind = SCHED_HEARTBEAT, .worker = worker->known_as, .stimulus = "heartbeat"};
    event.as.heartbeat.executing = &message;
    sim_scheduler_step(cluster, &event);
    arena_deinit(&arena);
}
