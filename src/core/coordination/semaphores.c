/* Semaphore: at most so many leases at a time; Lock is one of a single lease. A lease that is not
 * refreshed ends by itself, so that what a dead process held comes free.
 *
 * A lease is given once, however often it is asked for: peers ask again when a connection breaks.
 *
 * Source: distributed.semaphore.SemaphoreExtension; distributed.lock.LockExtension of 2022. */
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "core/coordination/parts.h"
#include "core/prometheus.h"

/* ---- ends ---- */

static void end_lease(struct coord *coord, struct coord_lease *lease)
{
    struct coord_semaphore *semaphore = lease->semaphore;
    semaphore->nended++;
    coord_timer_stop(coord, &lease->timer);
    coord_table_remove(&semaphore->leases, lease);
    coord_wake(coord, &semaphore->place);
}

static void end_leases(struct coord *coord, struct coord_semaphore *semaphore)
{
    struct coord_lease *lease;
    while ((lease = coord_table_next(&semaphore->leases, NULL)))
        end_lease(coord, lease);
}

/* One that is not open any more, or never was: when nobody needs it. */
static void tidy(struct coord_semaphore *semaphore)
{
    if (semaphore->is_registered || coord_table_count(&semaphore->leases) ||
        coord_place_is_used(&semaphore->place))
        return;
    coord_table_deinit(&semaphore->leases);
    coord_table_remove(semaphore->table, semaphore);
}

static void on_emptied(struct coord *coord, struct coord_place *place)
{
    (void)coord;
    tidy(LIST_ENTRY(place, struct coord_semaphore, place));
}

void coord_semaphore_expire(struct coord *coord, struct coord_lease *lease)
{
    struct coord_semaphore *semaphore = lease->semaphore;
    end_lease(coord, lease);
    tidy(semaphore);
}

/* ---- parts ---- */

static struct coord_semaphore *get_semaphore(struct coord *coord, struct coord_table *table,
                                             struct wire_bytes name)
{
    struct coord_semaphore *semaphore = coord_table_get(table, name);
    if (!semaphore) {
        coord_fail(coord);
    } else if (!semaphore->table) {
        coord_place_init(&semaphore->place, true, on_emptied);
        coord_table_init(&semaphore->leases, coord->memory, sizeof(struct coord_lease));
        semaphore->table = table;
    }
    return semaphore;
}

/* The registered one of that name; NULL: there is none. */
static struct coord_semaphore *find_registered(const struct coord *coord, struct wire_bytes name)
{
    struct coord_semaphore *semaphore = coord_table_find(&coord->semaphores, name);
    return semaphore && semaphore->is_registered ? semaphore : NULL;
}

static void refresh(struct coord *coord, struct coord_lease *lease)
{
    double timeout_s = lease->semaphore->lease_timeout_s;
    coord_timer_set(coord, &lease->timer,
                    timeout_s > 0 ? coord_after(coord, timeout_s) : INT64_MAX);
}

/* False when out of memory. */
static bool give_lease(struct coord *coord, struct coord_semaphore *semaphore, struct wire_bytes id)
{
    struct coord_lease *lease = coord_table_get(&semaphore->leases, id);
    if (!lease)
        return !coord_fail(coord);
    if (!lease->semaphore) {
        lease->timer = (struct coord_timer){.place = HEAP_NOWHERE, .is_lease = true};
        lease->semaphore = semaphore;
        semaphore->ngiven++;
    }
    refresh(coord, lease);
    return true;
}

static void count_waiting(const struct coord *coord, const struct coord_ask *ask,
                          struct coord_semaphore *semaphore)
{
    double seconds = (double)(coord->now_us - ask->begun_us) / 1e6;
    semaphore->waited_s = (semaphore->waited_s + seconds) / 2;
}

/* Who waits in vain has waited, too. */
static void give_up(struct coord *coord, struct coord_ask *ask)
{
    count_waiting(coord, ask, LIST_ENTRY(ask->place, struct coord_semaphore, place));
}

static bool acquire(struct coord *coord, struct coord_ask *ask, struct coord_semaphore *semaphore,
                    struct wire_bytes id)
{
    bool is_free = (int64_t)coord_table_count(&semaphore->leases) < semaphore->max_leases;
    if (!is_free && !coord_table_find(&semaphore->leases, id))
        return coord_wait(coord, ask, &semaphore->place);
    count_waiting(coord, ask, semaphore);
    return !give_lease(coord, semaphore, id) || coord_answer(coord, ask, wire_bool(true));
}

/* ---- Semaphore, and Lock of 2026 ---- */

static bool enroll(struct coord *coord, struct coord_ask *ask)
{
    struct wire_bytes name;
    int64_t max_leases = 1;
    double timeout_s = 0;
    (void)wire_read_int(wire_find(ask->message, "max_leases"), &max_leases);
    (void)wire_read_float(wire_find(ask->message, "lease_timeout"), &timeout_s);
    if (!coord_read_name(coord, ask, "name", &name))
        return true;
    struct coord_semaphore *semaphore = get_semaphore(coord, &coord->semaphores, name);
    if (!semaphore)
        return true;
    if (semaphore->is_registered && semaphore->max_leases != max_leases)
        return coord_raise(coord, ask, "ValueError",
                           "Inconsistent max leases: %" PRId64 ", expected: %" PRId64, max_leases,
                           semaphore->max_leases);
    if (!semaphore->is_registered) {
        semaphore->is_registered = true;
        semaphore->max_leases = max_leases;
        semaphore->lease_timeout_s = timeout_s;
    }
    return coord_answer_nil(coord, ask);
}

static bool try_acquire(struct coord *coord, struct coord_ask *ask)
{
    char text[128];
    struct wire_bytes name, id;
    if (!coord_read_name(coord, ask, "name", &name) || !coord_read_key(coord, ask, "lease_id", &id))
        return true;
    struct coord_semaphore *semaphore = find_registered(coord, name);
    if (semaphore)
        return acquire(coord, ask, semaphore, id);
    key_text(name, text, sizeof(text));
    return coord_raise(coord, ask, "RuntimeError", "Semaphore or Lock `%s` not known.", text);
}

/* Of what has ended already there is nothing to do. */
static bool release(struct coord *coord, struct coord_ask *ask)
{
    struct wire_bytes name, id;
    if (!coord_read_name(coord, ask, "name", &name) || !coord_read_key(coord, ask, "lease_id", &id))
        return true;
    struct coord_semaphore *semaphore = find_registered(coord, name);
    struct coord_lease *lease = semaphore ? coord_table_find(&semaphore->leases, id) : NULL;
    if (lease)
        end_lease(coord, lease);
    return coord_answer_nil(coord, ask);
}

/* A lease that has ended is given again, for its holder goes on as if it had it. */
static bool refresh_leases(struct coord *coord, struct coord_ask *ask)
{
    struct wire_bytes name, id;
    const struct wire_value *ids = wire_find(ask->message, "lease_ids");
    if (!coord_read_name(coord, ask, "name", &name))
        return true;
    struct coord_semaphore *semaphore = find_registered(coord, name);
    uint32_t count = semaphore && ids && ids->kind == WIRE_ARRAY ? ids->count : 0;
    for (uint32_t i = 0; i < count; i++)
        if (coord_pack_key(coord, &ids->as.items[i], &id) && !give_lease(coord, semaphore, id))
            return true;
    return coord_answer_nil(coord, ask);
}

static bool value(struct coord *coord, struct coord_ask *ask)
{
    struct wire_bytes name;
    if (!coord_read_name(coord, ask, "name", &name))
        return true;
    const struct coord_semaphore *semaphore = find_registered(coord, name);
    size_t count = semaphore ? coord_table_count(&semaphore->leases) : 0;
    return coord_answer(coord, ask, wire_int((int64_t)count));
}

/* Those who wait hear that it is not known. */
static bool shut(struct coord *coord, struct coord_ask *ask)
{
    struct wire_bytes name;
    if (!coord_read_name(coord, ask, "name", &name))
        return true;
    struct coord_semaphore *semaphore = find_registered(coord, name);
    if (semaphore) {
        semaphore->is_registered = false;
        end_leases(coord, semaphore);
        coord_wake(coord, &semaphore->place);
        tidy(semaphore);
    }
    return coord_answer_nil(coord, ask);
}

/* ---- Lock of 2022: an id instead of a lease, which does not end by itself ---- */

static bool try_lock(struct coord *coord, struct coord_ask *ask)
{
    struct wire_bytes name, id;
    if (!coord_read_name(coord, ask, "name", &name) || !coord_read_key(coord, ask, "id", &id))
        return true;
    struct coord_semaphore *lock = get_semaphore(coord, &coord->locks, name);
    if (!lock)
        return true;
    lock->max_leases = 1;
    bool is_answered = acquire(coord, ask, lock, id);
    if (is_answered)
        tidy(lock);
    return is_answered;
}

static bool unlock(struct coord *coord, struct coord_ask *ask)
{
    struct wire_bytes name, id;
    if (!coord_read_name(coord, ask, "name", &name) || !coord_read_key(coord, ask, "id", &id))
        return true;
    struct coord_semaphore *lock = coord_table_find(&coord->locks, name);
    struct coord_lease *lease = lock ? coord_table_find(&lock->leases, id) : NULL;
    if (!lease)
        return coord_raise(coord, ask, "ValueError", "This lock has not yet been acquired");
    end_lease(coord, lease);
    tidy(lock);
    return coord_answer_nil(coord, ask);
}

static bool is_locked(struct coord *coord, struct coord_ask *ask)
{
    struct wire_bytes name;
    if (!coord_read_name(coord, ask, "name", &name))
        return true;
    const struct coord_semaphore *lock = coord_table_find(&coord->locks, name);
    return coord_answer(coord, ask, wire_bool(lock && coord_table_count(&lock->leases)));
}

const struct coord_question coord_semaphores_questions[] = {
    {"semaphore_register", enroll, COORD_LATE_RAISES, NULL},
    {"semaphore_acquire", try_acquire, COORD_LATE_FALSE, give_up},
    {"semaphore_release", release, COORD_LATE_RAISES, NULL},
    {"semaphore_refresh_leases", refresh_leases, COORD_LATE_RAISES, NULL},
    {"semaphore_value", value, COORD_LATE_RAISES, NULL},
    {"semaphore_close", shut, COORD_LATE_RAISES, NULL},
    {"lock_acquire", try_lock, COORD_LATE_FALSE, NULL},
    {"lock_release", unlock, COORD_LATE_RAISES, NULL},
    {"lock_locked", is_locked, COORD_LATE_RAISES, NULL},
    {NULL, NULL, COORD_LATE_RAISES, NULL},
};

const struct coord_saying coord_semaphores_sayings[] = {{NULL, NULL}};

/* ---- metrics ---- */

static double max_leases(const struct coord_semaphore *semaphore)
{
    return (double)semaphore->max_leases;
}

static double nleases(const struct coord_semaphore *semaphore)
{
    return (double)coord_table_count(&semaphore->leases);
}

static double nwaiting(const struct coord_semaphore *semaphore)
{
    double count = 0;
    LIST_EACH (at, &semaphore->place.waiting)
        count++;
    return count;
}

static double ngiven(const struct coord_semaphore *semaphore)
{
    return (double)semaphore->ngiven;
}

static double nended(const struct coord_semaphore *semaphore)
{
    return (double)semaphore->nended;
}

static double waited_s(const struct coord_semaphore *semaphore)
{
    return semaphore->waited_s;
}

static const struct {
    enum metric_kind kind;
    const char *name;
    const char *help;
    double (*of)(const struct coord_semaphore *semaphore);
} metrics[] = {
    {METRIC_GAUGE, "dask_semaphore_max_leases", "Maximum leases allowed per semaphore", max_leases},
    {METRIC_GAUGE, "dask_semaphore_active_leases",
     "Amount of currently active leases per semaphore", nleases},
    {METRIC_GAUGE, "dask_semaphore_pending_leases",
     "Amount of currently pending leases per semaphore", nwaiting},
    {METRIC_COUNTER, "dask_semaphore_acquire_total",
     "Total number of leases acquired per semaphore", ngiven},
    {METRIC_COUNTER, "dask_semaphore_release_total",
     "Total number of leases released per semaphore", nended},
    {METRIC_GAUGE, "dask_semaphore_average_pending_lease_time_s",
     "Exponential moving average of the time it took to acquire a lease per semaphore", waited_s},
};

void coord_write_metrics(const struct coord *coord, struct text *out)
{
    char name[256];
    for (size_t i = 0; i < sizeof(metrics) / sizeof(*metrics); i++) {
        struct metric metric = metric_begin(out, metrics[i].kind, metrics[i].name, metrics[i].help);
        COORD_EACH(struct coord_semaphore, semaphore, &coord->semaphores)
        {
            key_text(coord_table_name(&coord->semaphores, semaphore), name, sizeof(name));
            metric_put_of(&metric, "name", (struct wire_bytes){name, strlen(name)},
                          metrics[i].of(semaphore));
        }
    }
}

/* ---- all of them ---- */

void coord_semaphores_init(struct coord *coord)
{
    coord_table_init(&coord->semaphores, coord->memory, sizeof(struct coord_semaphore));
    coord_table_init(&coord->locks, coord->memory, sizeof(struct coord_semaphore));
}

static void free_table(struct coord_table *table)
{
    COORD_EACH(struct coord_semaphore, semaphore, table)
    coord_table_deinit(&semaphore->leases);
    coord_table_deinit(table);
}

void coord_semaphores_deinit(struct coord *coord)
{
    free_table(&coord->semaphores);
    free_table(&coord->locks);
}

static bool are_valid(const struct coord_table *table, bool are_registered)
{
    COORD_EACH(struct coord_semaphore, semaphore, table)
    {
        bool has_waiting = !list_is_empty(&semaphore->place.waiting);
        int64_t nleases = (int64_t)coord_table_count(&semaphore->leases);
        if (semaphore->is_registered != are_registered || (!are_registered && !nleases) ||
            (has_waiting && nleases < semaphore->max_leases))
            return false;
    }
    return true;
}

bool coord_semaphores_are_valid(const struct coord *coord, dk_error *err)
{
    if (!are_valid(&coord->semaphores, true) || !are_valid(&coord->locks, false))
        return !error_set(err, DK_EINVAL,
                          "a semaphore that is waited for while it is free, or "
                          "that nobody needs");
    return true;
}
