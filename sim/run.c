/* One run, from the first worker to the last. */
#include "sim/cluster.h"
#include "sim/must.h"

/* So long, and twice as long as it takes to notice a silent worker, nobody computes or fetches
 * anything only when something hangs. */
#define PATIENCE_US ((int64_t)60000000)
/* More events than this for each task are a run in circles. */
#define EVENTS_EACH 2000
#define EVENTS_MORE 1000000

/* ---- making and freeing ---- */

static void init_parts(struct cluster *cluster)
{
    vector_init(&cluster->by_address, cluster->memory, sizeof(uint32_t));
    vector_init(&cluster->by_known, cluster->memory, sizeof(uint32_t));
    vector_init(&cluster->packed, cluster->memory, 1);
    vector_init(&cluster->frames, cluster->memory, sizeof(struct wire_bytes));
    vector_init(&cluster->scratch, cluster->memory, 1);
    vector_init(&cluster->boxes, cluster->scheduler_memory, sizeof(struct wire_box *));
    keys_init(&cluster->addresses, cluster->memory);
    agenda_init(&cluster->agenda, cluster->memory);
    diary_init(&cluster->diary, cluster->memory);
    cluster->diary.tells = cluster->options->tells;
}

static void init_scheduler(struct cluster *cluster)
{
    struct sched_options options = {.worker_ttl_us = (int64_t)(cluster->options->ttl_s * 1e6)};
    cluster->sched = must(sched_new(cluster->scheduler_memory, &options));
    sched_outbox_init(&cluster->out, cluster->scheduler_memory);
    cluster->tick_us = INT64_MAX;
}

static void init_workers(struct cluster *cluster)
{
    uint32_t count = cluster->options->workers;
    cluster->workers = must(memory_calloc(cluster->memory, count * sizeof(*cluster->workers)));
    for (uint32_t i = 0; i < count; i++) {
        cluster->workers[i].number = i;
        cluster->workers[i].known_as = SCHED_NOBODY;
        sim_worker_begin(cluster, &cluster->workers[i], true);
    }
}

/* Graphs come one after the other, and every client submits each; the first when all workers have
 * had the time to come, if it is a matter of speed. */
static void init_clients(struct cluster *cluster)
{
    const struct sim_options *options = cluster->options;
    cluster->clients =
        must(memory_calloc(cluster->memory, options->clients * sizeof(*cluster->clients)));
    for (uint32_t i = 0; i < options->clients; i++) {
        cluster->clients[i].number = i;
        sim_client_init(cluster, &cluster->clients[i]);
        for (uint32_t graph = 0; graph < options->graphs; graph++) {
            double at_s = chance_unit(&cluster->chance) * options->storm_s * 0.9;
            agenda_put(
                &cluster->agenda,
                (struct occasion){.at_us = options->measures ? 1000000 : (int64_t)(at_s * 1e6),
                                  .kind = SIM_SUBMIT,
                                  .who = i,
                                  .task = graph});
        }
    }
}

static void init(struct cluster *cluster, const struct sim_options *options)
{
    *cluster = (struct cluster){.options = options, .chance = {options->seed}};
    cluster->memory = must(memory_new(NULL, 0));
    cluster->scheduler_memory = must(memory_new(NULL, 0));
    cluster->worker_memory = must(memory_new(NULL, 0));
    init_parts(cluster);
    sim_work_init(&cluster->work, cluster->memory, options);
    init_scheduler(cluster);
    init_workers(cluster);
    init_clients(cluster);
    sim_faults_init(cluster);
}

static void free_ledger(struct cluster *cluster, struct memory *memory, const char *whose)
{
    if (memory_use(memory).current)
        sim_fail(cluster, SIM_NO_KEY, "%lld bytes of %s are left",
                 (long long)memory_use(memory).current, whose);
    memory_close(memory);
}

static void free_occasions(struct cluster *cluster)
{
    for (struct occasion occasion; agenda_take(&cluster->agenda, &occasion);)
        if (occasion.transfer)
            sim_free_transfer(cluster, occasion.transfer);
}

static void deinit(struct cluster *cluster)
{
    free_occasions(cluster);
    for (uint32_t i = 0; i < cluster->options->workers; i++)
        sim_worker_deinit(cluster, &cluster->workers[i]);
    for (uint32_t i = 0; i < cluster->options->clients; i++)
        sim_client_deinit(cluster, &cluster->clients[i]);
    sched_outbox_deinit(&cluster->out);
    sched_free(cluster->sched);
    memory_free(cluster->memory, cluster->workers,
                cluster->options->workers * sizeof(*cluster->workers));
    memory_free(cluster->memory, cluster->clients,
                cluster->options->clients * sizeof(*cluster->clients));
    sim_work_deinit(&cluster->work);
    keys_deinit(&cluster->addresses);
    agenda_deinit(&cluster->agenda);
    diary_deinit(&cluster->diary);
    struct vector *vectors[] = {&cluster->by_address, &cluster->by_known, &cluster->packed,
                                &cluster->frames,     &cluster->scratch,  &cluster->boxes};
    for (size_t i = 0; i < sizeof(vectors) / sizeof(*vectors); i++)
        vector_deinit(vectors[i]);
    free_ledger(cluster, cluster->worker_memory, "the workers");
    free_ledger(cluster, cluster->scheduler_memory, "the scheduler");
    free_ledger(cluster, cluster->memory, "the simulation");
}

/* ---- what happens ---- */

static bool is_of_worker(enum sim_kind kind)
{
    switch (kind) {
    case SIM_LETTER_TO_WORKER:
    case SIM_CONNECT:
    case SIM_RUN_SECEDES:
    case SIM_RUN_ENDS:
    case SIM_DATA_ASKED:
    case SIM_DATA_COMES:
    case SIM_WORKER_DEADLINE:
    case SIM_UNPAUSE:
    case SIM_HEARTBEAT:
        return true;
    default:
        return false;
    }
}

static void beat(struct cluster *cluster, struct sim_worker *worker, struct occasion occasion)
{
    double interval_s =
        cluster->options->workers < 50 ? 0.5 : 1 + cluster->options->workers / 200.0;
    occasion.at_us = cluster->now_us + (int64_t)(interval_s * 1e6);
    agenda_put(&cluster->agenda, occasion);
    if (worker->known_as != SCHED_NOBODY && worker->known_life == worker->life)
        sim_heartbeat(cluster, worker);
}

static void happen_at_worker(struct cluster *cluster, const struct occasion *occasion)
{
    struct sim_worker *worker = &cluster->workers[occasion->who];
    switch (occasion->kind) {
    case SIM_LETTER_TO_WORKER:
        sim_letter_to_worker(cluster, worker);
        break;
    case SIM_CONNECT:
        sim_connect(cluster, worker);
        break;
    case SIM_RUN_SECEDES:
    case SIM_RUN_ENDS:
        sim_run_goes_on(cluster, occasion);
        break;
    case SIM_WORKER_DEADLINE:
        if (worker->deadline_us == occasion->at_us)
            sim_worker_deadline(cluster, worker);
        break;
    case SIM_UNPAUSE:
        sim_worker_pause(cluster, worker, false);
        break;
    default:
        beat(cluster, worker, *occasion);
        break;
    }
}

/* The question of a dead worker is not answered, but its peer's connection is closed, too. */
static void happen_to_transfer(struct cluster *cluster, const struct occasion *occasion)
{
    struct transfer *transfer = occasion->transfer;
    if (occasion->kind == SIM_DATA_ASKED) {
        sim_data_asked(cluster, transfer);
        return;
    }
    if (cluster->workers[transfer->from].life == transfer->from_life)
        sim_data_comes(cluster, transfer);
    sim_free_transfer(cluster, transfer);
}

static void happen_elsewhere(struct cluster *cluster, const struct occasion *occasion)
{
    switch (occasion->kind) {
    case SIM_LETTER_FROM_WORKER:
        if (cluster->workers[occasion->who].known_life == occasion->life)
            sim_letter_from_worker(cluster, &cluster->workers[occasion->who]);
        break;
    case SIM_LETTER_FROM_CLIENT:
        sim_letter_from_client(cluster, &cluster->clients[occasion->who]);
        break;
    case SIM_LETTER_TO_CLIENT:
        sim_letter_to_client(cluster, &cluster->clients[occasion->who]);
        break;
    case SIM_SUBMIT:
        sim_submit(cluster, &cluster->clients[occasion->who], occasion->task);
        break;
    case SIM_CALM:
        sim_calm(cluster);
        break;
    case SIM_TICK:
        if (occasion->at_us == cluster->tick_us)
            sim_tick(cluster);
        break;
    default:
        sim_fault(cluster, occasion->who);
        break;
    }
}

/* What happens to a frozen worker happens when it goes on. */
static bool is_frozen(struct cluster *cluster, struct occasion *occasion)
{
    int64_t until_us = cluster->workers[occasion->who].frozen_until_us;
    if (until_us <= cluster->now_us)
        return false;
    if (occasion->kind == SIM_WORKER_DEADLINE)
        cluster->workers[occasion->who].deadline_us = until_us;
    occasion->at_us = until_us;
    agenda_put(&cluster->agenda, *occasion);
    return true;
}

static void happen(struct cluster *cluster, struct occasion *occasion)
{
    cluster->now_us = occasion->at_us;
    bool is_of = is_of_worker(occasion->kind);
    bool is_void = is_of && cluster->workers[occasion->who].life != occasion->life;
    if (is_of && !is_void && is_frozen(cluster, occasion))
        return;
    if (occasion->transfer)
        happen_to_transfer(cluster, occasion);
    else if (is_of && !is_void)
        happen_at_worker(cluster, occasion);
    else if (!is_of)
        happen_elsewhere(cluster, occasion);
}

/* ---- the run ---- */

static bool hangs(struct cluster *cluster)
{
    int64_t ttl_us = (int64_t)(cluster->options->ttl_s * 2e6);
    if (cluster->agenda.nworking)
        cluster->progress_us = cluster->now_us;
    return cluster->now_us - cluster->progress_us > ttl_us + PATIENCE_US;
}

static uint32_t find_pending(const struct cluster *cluster)
{
    for (uint32_t i = 0; i < cluster->options->clients; i++)
        for (uint32_t number = 0; number < sim_ntasks(&cluster->work); number++)
            if (cluster->clients[i].futures[number] == SIM_PENDING)
                return number;
    return SIM_NO_KEY;
}

/* Until nothing happens any more but what always does. */
static void go_on(struct cluster *cluster)
{
    uint64_t limit = EVENTS_MORE + (uint64_t)EVENTS_EACH * cluster->options->tasks;
    struct occasion occasion;
    while (!cluster->has_failed && cluster->agenda.nserious &&
           agenda_take(&cluster->agenda, &occasion)) {
        happen(cluster, &occasion);
        if (hangs(cluster))
            sim_fail(cluster, find_pending(cluster), "nothing is achieved any longer");
        if (cluster->nsteps + cluster->nworker_steps > limit)
            sim_fail(cluster, find_pending(cluster), "it runs in circles");
    }
}

/* Steals and retirements are the scheduler's own idea: it is given the time to have them. */
static void settle(struct cluster *cluster)
{
    go_on(cluster);
    struct occasion occasion;
    while (!cluster->has_failed && find_pending(cluster) != SIM_NO_KEY && !hangs(cluster) &&
           agenda_take(&cluster->agenda, &occasion)) {
        happen(cluster, &occasion);
        go_on(cluster);
    }
}

static void let_clients_leave(struct cluster *cluster)
{
    cluster->is_over = true;
    cluster->progress_us = cluster->now_us;
    for (uint32_t i = 0; i < cluster->options->clients; i++)
        sim_post_end(cluster, &cluster->clients[i].up,
                     (struct occasion){.kind = SIM_LETTER_FROM_CLIENT, .who = i}, 1);
}

struct sim_result sim_run(const struct sim_options *options)
{
    struct cluster cluster;
    init(&cluster, options);
    settle(&cluster);
    if (!cluster.has_failed)
        sim_judge(&cluster);
    if (!cluster.has_failed) {
        let_clients_leave(&cluster);
        go_on(&cluster);
        if (!cluster.has_failed)
            sim_judge_end(&cluster);
    }
    bool had_failed = cluster.has_failed;
    if (had_failed)
        sim_print_failure(&cluster);
    struct sim_result result = {.hash = cluster.diary.hash,
                                .nsteps = cluster.nsteps,
                                .nworker_steps = cluster.nworker_steps,
                                .nmoved = cluster.nmoved,
                                .ndied = cluster.ndied,
                                .now_us = cluster.now_us,
                                .watch = cluster.watch};
    deinit(&cluster);
    result.has_failed = cluster.has_failed;
    if (cluster.has_failed && !had_failed)
        printf("seed %llu failed: %s\n", (unsigned long long)options->seed, cluster.err.message);
    return result;
}
