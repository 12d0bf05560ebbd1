/* What goes wrong, until the storm is over. */
#include <string.h>

#include "sim/cluster.h"

/* Frozen for up to this many times what the scheduler tolerates. */
#define FREEZE_TTLS 1.5
#define PAUSE_US    ((int64_t)2000000)
#define CALM_US     ((int64_t)1000000)

static struct sim_worker *draw_worker(struct cluster *cluster, enum sim_status status)
{
    uint32_t count = cluster->options->workers, first = chance_below(&cluster->chance, count);
    for (uint32_t i = 0; i < count; i++) {
        struct sim_worker *worker = &cluster->workers[(first + i) % count];
        bool is_free = worker->known_as == SCHED_NOBODY && !worker->up.first;
        if (worker->status == status && (status != SIM_GONE || is_free))
            return worker;
    }
    return NULL;
}

static void note(struct cluster *cluster, const struct sim_worker *worker, const char *what)
{
    cluster->progress_us = cluster->now_us;
    diary_note(&cluster->diary,
               (struct diary_line){cluster->now_us, worker->number, SIM_NO_KEY, 0, 'w', ""},
               (struct wire_bytes){what, strlen(what)});
}

/* ---- workers ---- */

static void die(struct cluster *cluster)
{
    struct sim_worker *worker = draw_worker(cluster, SIM_CONNECTED);
    if (!worker)
        return;
    note(cluster, worker, "(dies)");
    sim_tear_channel(cluster, &worker->up);
    sim_worker_end(cluster, worker);
}

static void join(struct cluster *cluster)
{
    struct sim_worker *worker = draw_worker(cluster, SIM_GONE);
    if (!worker)
        return;
    note(cluster, worker, "(joins)");
    sim_worker_begin(cluster, worker, true);
}

/* Both sides notice, each when it has read what still came. */
static void cut(struct cluster *cluster)
{
    struct sim_worker *worker = draw_worker(cluster, SIM_CONNECTED);
    if (!worker || worker->known_as == SCHED_NOBODY)
        return;
    struct occasion end = {.who = worker->number, .life = worker->life};
    note(cluster, worker, "(loses its connection)");
    sim_tear_channel(cluster, &worker->up);
    sim_tear_channel(cluster, &worker->down);
    end.kind = SIM_LETTER_FROM_WORKER;
    sim_post_end(cluster, &worker->up, end, worker->latency_us);
    end.kind = SIM_LETTER_TO_WORKER;
    sim_post_end(cluster, &worker->down, end, worker->latency_us);
    worker->is_stream_closed = true;
}

static void freeze(struct cluster *cluster)
{
    struct sim_worker *worker = draw_worker(cluster, SIM_CONNECTED);
    if (!worker)
        return;
    note(cluster, worker, "(freezes)");
    double seconds = chance_unit(&cluster->chance) * FREEZE_TTLS * cluster->options->ttl_s;
    worker->frozen_until_us = cluster->now_us + (int64_t)(seconds * 1e6);
}

static void pause_one(struct cluster *cluster)
{
    struct sim_worker *worker = draw_worker(cluster, SIM_CONNECTED);
    if (!worker || worker->is_paused)
        return;
    note(cluster, worker, "(pauses)");
    sim_worker_pause(cluster, worker, true);
    agenda_put(
        &cluster->agenda,
        (struct occasion){.at_us = cluster->now_us + chance_around(&cluster->chance, PAUSE_US),
                          .kind = SIM_UNPAUSE,
                          .who = worker->number,
                          .life = worker->life});
}

static void retire(struct cluster *cluster)
{
    struct sim_worker *worker = draw_worker(cluster, SIM_CONNECTED);
    if (!worker || worker->known_as == SCHED_NOBODY)
        return;
    struct sched_event event = {
        .kind = SCHED_RETIRE_WORKER, .worker = worker->known_as, .stimulus = "retire-workers"};
    note(cluster, worker, "(is to retire)");
    sim_scheduler_step(cluster, &event);
}

/* ---- clients ---- */

static struct sim_client *draw_client(struct cluster *cluster)
{
    return &cluster->clients[chance_below(&cluster->chance, cluster->options->clients)];
}

static void release(struct cluster *cluster)
{
    sim_client_releases(cluster, draw_client(cluster));
}

static void cancel(struct cluster *cluster)
{
    sim_client_cancels(cluster, draw_client(cluster));
}

/* ---- all ---- */

static const struct {
    size_t rate; /* where it is in the options */
    void (*happen)(struct cluster *cluster);
} faults[] = {
    {offsetof(struct sim_options, deaths), die},
    {offsetof(struct sim_options, joins), join},
    {offsetof(struct sim_options, cuts), cut},
    {offsetof(struct sim_options, freezes), freeze},
    {offsetof(struct sim_options, pauses), pause_one},
    {offsetof(struct sim_options, retires), retire},
    {offsetof(struct sim_options, releases), release},
    {offsetof(struct sim_options, cancels), cancel},
};

#define NFAULTS (sizeof(faults) / sizeof(*faults))

static void plan(struct cluster *cluster, uint32_t fault)
{
    double rate = *(const double *)((const char *)cluster->options + faults[fault].rate);
    if (rate > 0)
        agenda_put(
            &cluster->agenda,
            (struct occasion){.at_us = cluster->now_us + chance_gap_us(&cluster->chance, rate),
                              .kind = SIM_FAULT,
                              .who = fault});
}

void sim_faults_init(struct cluster *cluster)
{
    for (uint32_t i = 0; i < NFAULTS; i++)
        plan(cluster, i);
    agenda_put(
        &cluster->agenda,
        (struct occasion){.at_us = (int64_t)(cluster->options->storm_s * 1e6), .kind = SIM_CALM});
}

void sim_fault(struct cluster *cluster, uint32_t fault)
{
    if (cluster->is_calm || fault >= NFAULTS)
        return;
    faults[fault].happen(cluster);
    plan(cluster, fault);
}

static bool is_anybody_gone(const struct cluster *cluster)
{
    for (uint32_t i = 0; i < cluster->options->workers; i++)
        if (cluster->workers[i].status == SIM_GONE)
            return true;
    return false;
}

/* Now all workers come back; some not at once, as they are still believed to be there. */
void sim_calm(struct cluster *cluster)
{
    cluster->is_calm = true;
    while (draw_worker(cluster, SIM_GONE))
        join(cluster);
    if (is_anybody_gone(cluster))
        agenda_put(&cluster->agenda,
                   (struct occasion){.at_us = cluster->now_us + CALM_US, .kind = SIM_CALM});
}
