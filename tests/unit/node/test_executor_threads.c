/* The executor: jobs run in threads, are told as done in the loop, and none is lost at the end. */
#include "support/failing.h"

#include <pthread.h>

#include "node/worker/executor.h"

#define NJOBS 2000

struct counting {
    struct job job;
    pthread_t loop_thread;
    int nruns;
    int ndones;
    bool is_insistent;     /* comes again when it has not run */
    struct counting *next; /* submitted by this one's end */
    struct executor *executor;
};

static void run(struct job *job)
{
    struct counting *counting = LIST_ENTRY(job, struct counting, job);
    assert_false(pthread_equal(pthread_self(), counting->loop_thread));
    counting->nruns++;
}

static void done(struct job *job)
{
    struct counting *counting = LIST_ENTRY(job, struct counting, job);
    assert_true(pthread_equal(pthread_self(), counting->loop_thread));
    if (counting->is_insistent && !counting->nruns) {
        executor_submit(counting->executor, job);
        return;
    }
    counting->ndones++;
    if (counting->next)
        executor_submit(counting->executor, &counting->next->job);
}

static void on_closed(void *self)
{
    *(bool *)self = true;
}

static struct counting make(struct executor *executor)
{
    return (struct counting){
        .job = {.run = run, .done = done}, .loop_thread = pthread_self(), .executor = executor};
}

/* Proves that every job runs once, in another thread, and ends once in the loop's; also those that
 * others submit when they end. */
static void test_all_jobs_run(void **state)
{
    (void)state;
    static struct counting jobs[NJOBS];
    struct memory *memory = memory_new(NULL, 0);
    uv_loop_t loop;
    struct executor *executor;
    bool is_closed = false;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(executor_new(&loop, memory, 4, &executor, NULL), DK_OK);
    for (int i = 0; i < NJOBS; i++) {
        jobs[i] = make(executor);
        jobs[i].is_insistent = true;
        if (i % 2)
            jobs[i - 1].next = &jobs[i];
    }
    for (int i = 0; i < NJOBS; i += 2)
        executor_submit(executor, &jobs[i].job);
    while (executor_njobs(executor))
        uv_run(&loop, UV_RUN_ONCE);
    for (int i = 0; i < NJOBS; i++) {
        assert_int_equal(jobs[i].nruns, 1);
        assert_int_equal(jobs[i].ndones, 1);
    }
    executor_close(executor, on_closed, &is_closed);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_true(is_closed);
    assert_int_equal(uv_loop_close(&loop), 0);
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
}

/* Proves that jobs that have not begun when it closes are told as done without having run. */
static void test_close(void **state)
{
    (void)state;
    static struct counting jobs[NJOBS];
    struct memory *memory = memory_new(NULL, 0);
    uv_loop_t loop;
    struct executor *executor;
    bool is_closed = false;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(executor_new(&loop, memory, 1, &executor, NULL), DK_OK);
    for (int i = 0; i < NJOBS; i++) {
        jobs[i] = make(executor);
        executor_submit(executor, &jobs[i].job);
    }
    executor_close(executor, on_closed, &is_closed);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_true(is_closed);
    for (int i = 0; i < NJOBS; i++) {
        assert_in_range(jobs[i].nruns, 0, 1);
        assert_int_equal(jobs[i].ndones, 1);
    }
    assert_int_equal(uv_loop_close(&loop), 0);
    memory_close(memory);
}

struct stubborn {
    struct counting counting;
    uv_sem_t has_begun;
    uv_sem_t may_end;
};

static void hold(struct job *job)
{
    struct stubborn *stubborn =
        LIST_ENTRY(LIST_ENTRY(job, struct counting, job), struct stubborn, counting);
    uv_sem_post(&stubborn->has_begun);
    uv_sem_wait(&stubborn->may_end);
    run(job);
}

/* Proves that what waits behind a job that takes long is told as done without having run. */
static void test_patience(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    uv_loop_t loop;
    struct executor *executor;
    bool is_closed = false;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(executor_new(&loop, memory, 1, &executor, NULL), DK_OK);
    struct stubborn first = {.counting = make(executor)};
    struct counting second = make(executor), third = make(executor);
    first.counting.job.run = hold;
    assert_int_equal(uv_sem_init(&first.has_begun, 0), 0);
    assert_int_equal(uv_sem_init(&first.may_end, 0), 0);
    executor_submit(executor, &first.counting.job);
    uv_sem_wait(&first.has_begun);
    executor_submit(executor, &second.job);
    executor_submit(executor, &third.job);
    while (!second.ndones || !third.ndones) /* a timer that is late rings before the loop waits */
        uv_run(&loop, UV_RUN_NOWAIT);
    assert_int_equal(second.nruns + third.nruns + first.counting.ndones, 0);
    uv_sem_post(&first.may_end);
    while (executor_njobs(executor))
        uv_run(&loop, UV_RUN_ONCE);
    assert_int_equal(first.counting.nruns, 1);
    executor_close(executor, on_closed, &is_closed);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_true(is_closed);
    uv_sem_destroy(&first.has_begun);
    uv_sem_destroy(&first.may_end);
    assert_int_equal(uv_loop_close(&loop), 0);
    memory_close(memory);
}

static dk_status open_and_close(struct memory *memory)
{
    uv_loop_t loop;
    struct executor *executor;
    assert_int_equal(uv_loop_init(&loop), 0);
    dk_status status = executor_new(&loop, memory, 2, &executor, NULL);
    if (status == DK_OK)
        executor_close(executor, NULL, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    return status;
}

/* Proves that no allocation that fails is missed, and nothing is lost by it. */
static void test_out_of_memory(void **state)
{
    (void)state;
    fail_each_allocation(open_and_close);
}

struct leaver {
    struct counting counting;
    uv_sem_t may_return;
    bool is_told;
};

static struct leaver *leaver_of(struct job *job)
{
    return LIST_ENTRY(LIST_ENTRY(job, struct counting, job), struct leaver, counting);
}

static void leave_and_return(struct job *job)
{
    struct leaver *leaver = leaver_of(job);
    struct executor *executor = leaver->counting.executor;
    executor_leave(executor, job);
    executor_leave(executor, job);
    uv_sem_wait(&leaver->may_return);
    executor_return(executor, job);
    executor_return(executor, job);
    run(job);
}

static void hear_of_leaving(struct job *job)
{
    struct leaver *leaver = leaver_of(job);
    assert_false(leaver->is_told);
    assert_int_equal(leaver->counting.ndones, 0);
    leaver->is_told = true;
}

struct opener {
    struct counting counting;
    struct leaver *leaver;
};

static void let_return(struct job *job)
{
    struct opener *opener =
        LIST_ENTRY(LIST_ENTRY(job, struct counting, job), struct opener, counting);
    uv_sem_post(&opener->leaver->may_return);
    run(job);
}

/* Proves that a job that has left makes room for one that it waits for, though there is but one
 * thread, that it can come back, and that the loop hears of it before its end. */
static void test_leaving(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    uv_loop_t loop;
    struct executor *executor;
    bool is_closed = false;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(executor_new(&loop, memory, 1, &executor, NULL), DK_OK);
    for (int round = 0; round < 100; round++) {
        struct leaver leaver = {.counting = make(executor)};
        struct opener opener = {.counting = make(executor), .leaver = &leaver};
        leaver.counting.job.run = leave_and_return;
        leaver.counting.job.left = hear_of_leaving;
        opener.counting.job.run = let_return;
        opener.counting.is_insistent = true;
        assert_int_equal(uv_sem_init(&leaver.may_return, 0), 0);
        executor_submit(executor, &leaver.counting.job);
        executor_submit(executor, &opener.counting.job);
        while (executor_njobs(executor))
            uv_run(&loop, UV_RUN_ONCE);
        assert_int_equal(leaver.counting.ndones, 1);
        assert_int_equal(opener.counting.nruns, 1);
        uv_sem_destroy(&leaver.may_return);
    }
    executor_close(executor, on_closed, &is_closed);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_true(is_closed);
    assert_int_equal(uv_loop_close(&loop), 0);
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_jobs_run),  cmocka_unit_test(test_close),
        cmocka_unit_test(test_patience),      cmocka_unit_test(test_leaving),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
