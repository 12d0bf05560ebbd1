/* A worker's process: letters in, steps, and what the core asks for takes its time. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "core/worker/decode.h"
#include "core/worker/messages.h"
#include "sim/cluster.h"
#include "sim/must.h"
#include "wire/unpack.h"

#define SEEK_US    ((int64_t)100000)
#define RESTART_US ((int64_t)1000000)
#define EPOCH_S    1.7e9
#define SLOWNESS   10

/* ---- beginning and ending ---- */

static struct occasion occasion_of(const struct sim_worker *worker, enum sim_kind kind,
                                   int64_t at_us)
{
    return (struct occasion){
        .at_us = at_us, .kind = kind, .who = worker->number, .life = worker->life};
}

static void open_core(struct cluster *cluster, struct sim_worker *worker)
{
    struct wkr_options options = {
        .address = {worker->address, strlen(worker->address)},
        .nthreads = cluster->options->threads,
    };
    must_do(wkr_new(cluster->worker_memory, &options, &worker->core));
    wkr_instructions_init(&worker->out, cluster->worker_memory);
    vector_init(&worker->holds, cluster->memory, sizeof(bool));
    vector_init(&worker->runs, cluster->memory, sizeof(int64_t));
    worker->is_paused = worker->is_leaving = false;
    worker->deadline_us = INT64_MAX;
    worker->status = SIM_CONNECTING;
}

static void close_core(struct sim_worker *worker)
{
    wkr_free(worker->core);
    worker->core = NULL;
    wkr_instructions_deinit(&worker->out);
    vector_deinit(&worker->holds);
    vector_deinit(&worker->runs);
    worker->life++;
    worker->status = SIM_GONE;
}

static void take_address(struct cluster *cluster, struct sim_worker *worker)
{
    uint32_t id;
    bool is_new;
    snprintf(worker->address, sizeof(worker->address), "tcp://10.%u.%u.%u:%u",
             worker->number >> 16 & 255, worker->number >> 8 & 255, worker->number & 255,
             1024 + worker->life);
    struct wire_bytes address = {worker->address, strlen(worker->address)};
    must_do(keys_add(&cluster->addresses, address, &id, &is_new));
    while (cluster->by_address.count <= id)
        must(vector_push(&cluster->by_address));
    ((uint32_t *)cluster->by_address.data)[id] = worker->number;
}

static void draw_nature(struct cluster *cluster, struct sim_worker *worker)
{
    const struct sim_options *options = cluster->options;
    bool is_slow = chance_hits(&cluster->chance, options->slow_workers);
    bool is_far = chance_hits(&cluster->chance, options->slow_links);
    worker->slowness = is_slow ? SLOWNESS : 1;
    worker->latency_us = 1 + (int64_t)(options->latency_s * 1e6) * (is_far ? SLOWNESS : 1);
    worker->bandwidth = options->bandwidth / (is_far ? SLOWNESS * SLOWNESS : 1);
}

void sim_worker_begin(struct cluster *cluster, struct sim_worker *worker, bool is_new)
{
    if (is_new) {
        draw_nature(cluster, worker);
        take_address(cluster, worker);
    }
    open_core(cluster, worker);
    agenda_put(&cluster->agenda,
               occasion_of(worker, SIM_CONNECT, cluster->now_us + worker->latency_us));
}

void sim_worker_end(struct cluster *cluster, struct sim_worker *worker)
{
    bool was_connected = worker->status == SIM_CONNECTED;
    struct wire_bytes address = {worker->address, strlen(worker->address)};
    keys_remove(&cluster->addresses, keys_find(&cluster->addresses, address));
    struct occasion end = occasion_of(worker, SIM_LETTER_FROM_WORKER, cluster->now_us);
    close_core(worker);
    worker->frozen_until_us = 0;
    sim_clear_channel(cluster, &worker->down);
    if (was_connected)
        sim_post_end(cluster, &worker->up, end, worker->latency_us);
    if (cluster->is_calm) /* its nanny starts another */
        agenda_put(&cluster->agenda,
                   (struct occasion){.at_us = cluster->now_us + RESTART_US, .kind = SIM_CALM});
}

void sim_worker_start_over(struct cluster *cluster, struct sim_worker *worker)
{
    close_core(worker);
    sim_clear_channel(cluster, &worker->down);
    sim_worker_begin(cluster, worker, false);
}

void sim_worker_deinit(struct cluster *cluster, struct sim_worker *worker)
{
    if (worker->core)
        close_core(worker);
    sim_clear_channel(cluster, &worker->up);
    sim_clear_channel(cluster, &worker->down);
}

static void come_again(struct cluster *cluster, const struct sim_worker *worker)
{
    double interval_s =
        cluster->options->workers < 50 ? 0.5 : 1 + cluster->options->workers / 200.0;
    agenda_put(&cluster->agenda,
               occasion_of(worker, SIM_HEARTBEAT, cluster->now_us + (int64_t)(interval_s * 1e6)));
}

/* The scheduler may still believe in an earlier connection, and refuses this one. */
void sim_connect(struct cluster *cluster, struct sim_worker *worker)
{
    if (worker->status != SIM_CONNECTING)
        return;
    if (worker->known_as != SCHED_NOBODY || !sim_register(cluster, worker)) {
        agenda_put(&cluster->agenda, occasion_of(worker, SIM_CONNECT, cluster->now_us + SEEK_US));
        return;
    }
    cluster->progress_us = cluster->now_us;
    sim_worker_pause(cluster, worker, false);
    come_again(cluster, worker);
}

/* ---- telling the scheduler ---- */

void sim_worker_tell(struct cluster *cluster, struct sim_worker *worker,
                     const struct wire_value *message)
{
    if (worker->status == SIM_CONNECTED)
        sim_post(cluster, &worker->up, message,
                 occasion_of(worker, SIM_LETTER_FROM_WORKER, cluster->now_us), worker->latency_us,
                 worker->bandwidth);
}

static void tell_status(struct cluster *cluster, struct sim_worker *worker, const char *status)
{
    struct wire_entry fields[] = {
        {wire_text("op"), wire_text("worker-status-change")},
        {wire_text("status"), wire_text(status)},
        {wire_text("stimulus_id"), wire_text("worker-status-change")},
    };
    struct wire_value message = wire_map(fields, 3);
    sim_worker_tell(cluster, worker, &message);
}

static void change_status(struct cluster *cluster, struct sim_worker *worker, bool is_paused,
                          const char *status)
{
    struct wkr_event event = {.kind = is_paused ? WKR_PAUSE : WKR_UNPAUSE};
    worker->is_paused = is_paused;
    tell_status(cluster, worker, status);
    sim_worker_step(cluster, worker, &event, (struct wire_bytes){"status", 6});
}

void sim_worker_pause(struct cluster *cluster, struct sim_worker *worker, bool is_paused)
{
    if (!worker->is_leaving)
        change_status(cluster, worker, is_paused, is_paused ? "paused" : "running");
}

static void tell(struct cluster *cluster, struct sim_worker *worker,
                 const struct wkr_instruction *instruction, struct wire_bytes stimulus)
{
    struct arena arena;
    arena_init(&arena, cluster->memory);
    struct wire_builder builder = {&arena, false};
    struct wkr_type type = {"int", {"\x80\x04I.", 4}};
    struct wire_value message =
        wkr_message(&builder, worker->core, &worker->out, instruction, stimulus, type);
    if (builder.failed)
        sim_fail(cluster, SIM_NO_KEY, "a worker's message cannot be made");
    sim_worker_tell(cluster, worker, &message);
    arena_deinit(&arena);
}

/* ---- running ---- */

static int64_t *run_of(struct sim_worker *worker, uint32_t task)
{
    while (worker->runs.count <= task)
        must(vector_push(&worker->runs));
    return &((int64_t *)worker->runs.data)[task];
}

static void execute(struct cluster *cluster, struct sim_worker *worker,
                    const struct wkr_instruction *instruction)
{
    uint32_t number = sim_number(cluster, instruction->key);
    const struct sim_task *task = sim_task_at(&cluster->work, number);
    struct occasion ends = occasion_of(worker, SIM_RUN_ENDS, cluster->now_us);
    int64_t takes_us = (int64_t)((double)task->takes_us * worker->slowness);
    ends.task = instruction->task.number;
    ends.run_id = instruction->run_id;
    if (*run_of(worker, ends.task))
        sim_fail(cluster, number, "worker %u is told to run what runs", worker->number);
    *run_of(worker, ends.task) = cluster->now_us + 1;
    if (chance_hits(&cluster->chance, cluster->options->seceding)) {
        struct occasion secedes = ends;
        secedes.kind = SIM_RUN_SECEDES;
        secedes.at_us += takes_us / 2;
        agenda_put(&cluster->agenda, secedes);
    }
    ends.at_us += takes_us;
    agenda_put(&cluster->agenda, ends);
}

static enum wkr_event_kind outcome_of(struct cluster *cluster, struct sim_task *task)
{
    if (chance_hits(&cluster->chance, cluster->options->rescheduling))
        return WKR_EXECUTE_RESCHEDULED;
    task->nruns++;
    bool fails = task->nfailures == SIM_ALWAYS || task->nruns <= task->nfailures;
    return fails ? WKR_EXECUTE_FAILED : WKR_EXECUTE_SUCCEEDED;
}

static struct wire_box *error_of(struct cluster *cluster, uint32_t number)
{
    char text[32];
    snprintf(text, sizeof(text), "planned %u", number);
    return must(wkr_error_new(cluster->worker_memory, (struct wire_bytes){"\x80\x04N.", 4},
                              (struct wire_bytes){0}, text));
}

static void secede(struct cluster *cluster, struct sim_worker *worker, struct wkr_task_id task)
{
    struct wkr_event event = {.kind = WKR_SECEDED};
    event.as.seceded.task = task;
    event.as.seceded.compute_duration =
        (double)(cluster->now_us - *run_of(worker, task.number)) / 1e6;
    sim_worker_step(cluster, worker, &event, (struct wire_bytes){"secede", 6});
}

static void end_run(struct cluster *cluster, struct sim_worker *worker,
                    const struct occasion *occasion)
{
    struct wkr_task_id id = {occasion->task};
    uint32_t number = sim_number(cluster, wkr_task_key(worker->core, id));
    struct sim_task *task = sim_task_at(&cluster->work, number);
    struct wkr_event event = {.kind = outcome_of(cluster, task)};
    struct wkr_executed *executed = &event.as.executed;
    *executed = (struct wkr_executed){.task = id, .run_id = occasion->run_id, .thread = 1};
    executed->nbytes = task->nbytes;
    executed->start = EPOCH_S + (double)*run_of(worker, id.number) / 1e6;
    executed->stop = EPOCH_S + (double)cluster->now_us / 1e6;
    if (event.kind == WKR_EXECUTE_FAILED)
        executed->error = error_of(cluster, number);
    *run_of(worker, id.number) = 0;
    cluster->progress_us = cluster->now_us;
    diary_note(
        &cluster->diary,
        (struct diary_line){cluster->now_us, worker->number, number, occasion->run_id, 'w', ""},
        event.kind == WKR_EXECUTE_SUCCEEDED ? (struct wire_bytes){"(has run)", 9}
                                            : (struct wire_bytes){"(has failed)", 12});
    sim_worker_step(cluster, worker, &event, (struct wire_bytes){"ran", 3});
    wire_box_unref(executed->error);
}

void sim_run_goes_on(struct cluster *cluster, const struct occasion *occasion)
{
    struct sim_worker *worker = &cluster->workers[occasion->who];
    if (occasion->kind == SIM_RUN_ENDS)
        end_run(cluster, worker, occasion);
    else if (*run_of(worker, occasion->task))
        secede(cluster, worker, (struct wkr_task_id){occasion->task});
}

/* ---- data ---- */

static void hold(struct cluster *cluster, struct sim_worker *worker,
                 const struct wkr_instruction *instruction, bool holds)
{
    while (worker->holds.count <= instruction->task.number)
        must(vector_push(&worker->holds));
    bool *place = &((bool *)worker->holds.data)[instruction->task.number];
    if (*place == holds)
        sim_fail(cluster, sim_number(cluster, instruction->key),
                 "worker %u is told to %s data twice", worker->number, holds ? "keep" : "release");
    *place = holds;
}

/* ---- steps ---- */

static void carry_out(struct cluster *cluster, struct sim_worker *worker,
                      const struct wkr_instruction *instruction, struct wire_bytes stimulus)
{
    switch (instruction->kind) {
    case WKR_EXECUTE:
        execute(cluster, worker, instruction);
        break;
    case WKR_GATHER:
        sim_gather(cluster, worker, instruction);
        break;
    case WKR_KEEP:
        hold(cluster, worker, instruction, true);
        break;
    case WKR_RELEASE_DATA:
        hold(cluster, worker, instruction, false);
        tell(cluster, worker, instruction, stimulus);
        break;
    default:
        tell(cluster, worker, instruction, stimulus);
        break;
    }
}

static void wake_in_time(struct cluster *cluster, struct sim_worker *worker)
{
    int64_t deadline_us = wkr_deadline(worker->core);
    if (deadline_us >= worker->deadline_us)
        return;
    worker->deadline_us = deadline_us;
    agenda_put(&cluster->agenda, occasion_of(worker, SIM_WORKER_DEADLINE, deadline_us));
}

void sim_worker_step(struct cluster *cluster, struct sim_worker *worker, struct wkr_event *event,
                     struct wire_bytes stimulus)
{
    event->now_us = cluster->now_us;
    wkr_instructions_clear(&worker->out);
    if (wkr_step(worker->core, event, &worker->out, &cluster->err) != DK_OK) {
        sim_fail(cluster, SIM_NO_KEY, "worker %u: %s", worker->number, cluster->err.message);
        return;
    }
    cluster->nworker_steps++;
    for (size_t i = 0; i < worker->out.list.count; i++)
        carry_out(cluster, worker, wkr_instruction_at(&worker->out, i), stimulus);
    wake_in_time(cluster, worker);
    sim_validate(cluster, worker);
}

void sim_worker_deadline(struct cluster *cluster, struct sim_worker *worker)
{
    struct wkr_event event = {.kind = WKR_DEADLINE};
    worker->deadline_us = INT64_MAX;
    sim_worker_step(cluster, worker, &event, (struct wire_bytes){"deadline", 8});
}

/* ---- letters ---- */

static void obey_other(struct cluster *cluster, struct sim_worker *worker,
                       const struct wire_value *message)
{
    const struct wire_value *op = wire_find(message, "op");
    if (wire_text_is(op, "close")) {
        sim_worker_end(cluster, worker);
    } else if (wire_text_is(op, "worker-status-change")) {
        worker->is_leaving = !wire_text_is(wire_find(message, "status"), "running");
        change_status(cluster, worker, worker->is_leaving,
                      worker->is_leaving ? "closing_gracefully" : "running");
    } else {
        sim_fail(cluster, SIM_NO_KEY, "worker %u: %s", worker->number, cluster->err.message);
    }
}

static void obey(struct cluster *cluster, struct sim_worker *worker, const struct letter *letter)
{
    struct arena arena;
    struct wire_value message;
    struct wkr_event event;
    struct wire_bytes stimulus = {"", 0};
    arena_init(&arena, cluster->worker_memory);
    struct wkr_decoder decoder = {&arena, &cluster->scratch, &cluster->err};
    must_do(wire_unpack(&arena, (struct wire_bytes){letter->bytes, letter->nbytes}, &message,
                        &cluster->err));
    sim_note(cluster, 'w', worker->number, &message, letter);
    (void)wire_read_text(wire_find(&message, "stimulus_id"), &stimulus);
    dk_status status = wkr_decode(&decoder, &message, &event);
    if (status == DK_OK)
        sim_worker_step(cluster, worker, &event, stimulus);
    else if (status == DK_ENOTSUP)
        obey_other(cluster, worker, &message);
    else
        sim_fail(cluster, SIM_NO_KEY, "to worker %u: %s", worker->number, cluster->err.message);
    if (status == DK_OK && event.kind == WKR_COMPUTE_TASK)
        wire_box_unref(event.as.compute.run_spec);
    arena_deinit(&arena);
}

void sim_letter_to_worker(struct cluster *cluster, struct sim_worker *worker)
{
    struct letter *letter = sim_take_letter(&worker->down);
    if (!letter)
        return;
    if (letter->nbytes)
        obey(cluster, worker, letter);
    else
        sim_worker_start_over(cluster, worker);
    sim_free_letter(cluster, letter);
}
