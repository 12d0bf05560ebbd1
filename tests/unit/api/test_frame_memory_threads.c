/* Building, computing and forgetting from several threads at once. */
#include <pthread.h>

#include "api_support.h"

enum { NTHREADS = 4, NROUNDS = 400 };

struct shared {
    dk_context *dk;
    dk_frame df;
    int nwrong;
    pthread_mutex_t lock;
};

static void note_wrong(struct shared *shared)
{
    pthread_mutex_lock(&shared->lock);
    shared->nwrong++;
    pthread_mutex_unlock(&shared->lock);
}

/* What is built here is mostly the same in all threads, and is forgotten before it is computed but
 * for the result. */
static dk_frame spread_alone(dk_frame df)
{
    dk_frame time = dk_col(df, "timestamp");
    dk_frame day = dk_dt_round(time, "1d");
    dk_forget(time);
    dk_frame groupby = dk_groupby(df, day);
    dk_forget(day);
    dk_frame columns[2] = {dk_col(groupby, "high"), dk_col(groupby, "low")};
    dk_forget(groupby);
    dk_frame sides[2] = {dk_max(columns[0]), dk_min(columns[1])};
    dk_forget(columns[0]);
    dk_forget(columns[1]);
    dk_frame spread = dk_sub(sides[0], sides[1]);
    dk_forget(sides[0]);
    dk_forget(sides[1]);
    return spread;
}

static void *build_and_forget(void *arg)
{
    struct shared *shared = arg;
    for (int i = 0; i < NROUNDS; i++) {
        dk_frame spread = spread_alone(shared->df);
        dk_frame again = spread_alone(shared->df);
        dk_forget(again);
        dk_frame missing = dk_col(spread, "nothing");
        if (again.expression != spread.expression || !dk_frame_error(missing))
            note_wrong(shared);
        dk_forget(missing);
        dk_table *table = NULL;
        dk_compute_options options = {.scheduler = i % 2 ? "threads" : "sync"};
        options.run.num_workers = 2;
        if (i % 8 < 2 && dk_compute(spread, &options, &table) != DK_OK)
            note_wrong(shared);
        if (table && (dk_table_nrows(table) != 4 || dk_table_float(table, 0, 0) != 0.875))
            note_wrong(shared);
        dk_table_unref(table);
        dk_forget(spread);
    }
    return NULL;
}

/* Threads that build, compute and forget the same expressions do not take them from each other, and
 * leave nothing behind. */
static void test_threads_share_expressions(void **state)
{
    (void)state;
    struct days days;
    days_make(&days, 3);
    struct shared shared = {.dk = dk_open(NULL)};
    pthread_mutex_init(&shared.lock, NULL);
    shared.df = days_read(shared.dk, &days);
    int64_t before = dk_context_memory(shared.dk).current;
    pthread_t threads[NTHREADS];
    for (int i = 0; i < NTHREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, build_and_forget, &shared), 0);
    for (int i = 0; i < NTHREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(shared.nwrong, 0);
    assert_int_equal(dk_context_memory(shared.dk).current, before);
    pthread_mutex_destroy(&shared.lock);
    dk_close(shared.dk);
    days_remove(&days);
}

/* A call that is on its way, and the other thread that lets it go on. */
struct meeting {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_running;
    bool is_forgotten;
};

static void raise_flag(struct meeting *meeting, bool *flag)
{
    pthread_mutex_lock(&meeting->lock);
    *flag = true;
    pthread_cond_broadcast(&meeting->changed);
    pthread_mutex_unlock(&meeting->lock);
}

static void wait_for(struct meeting *meeting, const bool *flag)
{
    pthread_mutex_lock(&meeting->lock);
    while (!*flag)
        pthread_cond_wait(&meeting->changed, &meeting->lock);
    pthread_mutex_unlock(&meeting->lock);
}

static dk_status wait_until_forgotten(dk_task *task, const dk_value *args, size_t nargs,
                                      dk_value *result, dk_error *err)
{
    (void)nargs;
    (void)err;
    struct meeting *meeting = dk_task_user(task);
    raise_flag(meeting, &meeting->is_running);
    wait_for(meeting, &meeting->is_forgotten);
    *result = dk_value_ref(args[0]);
    return DK_OK;
}

struct computation {
    dk_frame frames[2];
    dk_status status;
    dk_value values[2];
};

static void *compute(void *arg)
{
    struct computation *computation = arg;
    dk_compute_options options = {.scheduler = "threads", .run = {.num_workers = 1}};
    computation->status = dk_compute_values(computation->frames, 2, &options, computation->values);
    return NULL;
}

/* While one thread computes a frame another forgets it and all that it is made of. */
static void test_forgotten_while_computed_elsewhere(void **state)
{
    (void)state;
    struct days days;
    days_make(&days, 3);
    struct meeting meeting = {.is_running = false};
    pthread_mutex_init(&meeting.lock, NULL);
    pthread_cond_init(&meeting.changed, NULL);
    dk_context *dk = dk_open(NULL);
    assert_int_equal(dk_register(dk, "wait", wait_until_forgotten, &meeting, NULL), DK_OK);
    dk_forget(dk_int(dk, 0));
    int64_t before = dk_context_memory(dk).current;
    dk_frame df = days_read(dk, &days);
    dk_frame spread = spread_alone(df);
    dk_value lazy = dk_lazy(spread);
    struct computation computation = {
        .frames = {dk_delayed(dk, "wait", &lazy, 1), dk_size(df)},
    };
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, compute, &computation), 0);
    wait_for(&meeting, &meeting.is_running);
    const dk_frame frames[] = {df, spread, computation.frames[0], computation.frames[1]};
    for (size_t i = 0; i < 4; i++)
        dk_forget(frames[i]);
    raise_flag(&meeting, &meeting.is_forgotten);
    pthread_join(thread, NULL);
    assert_int_equal(computation.status, DK_OK);
    assert_int_equal(dk_table_nrows(computation.values[0].as.table), 4);
    assert_int_equal(computation.values[1].as.integer, 24);
    dk_value_unref(computation.values[0]);
    assert_int_equal(dk_context_memory(dk).current, before);
    dk_close(dk);
    pthread_cond_destroy(&meeting.changed);
    pthread_mutex_destroy(&meeting.lock);
    days_remove(&days);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads_share_expressions),
        cmocka_unit_test(test_forgotten_while_computed_elsewhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
