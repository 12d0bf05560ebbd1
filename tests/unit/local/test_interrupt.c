/* Ctrl-C while something is computed. */
#include "unit/local/processes_support.h"

#include <pthread.h>
#include <signal.h>

#include <cdask/interrupt.h>

static const dk_get gets[] = {dk_get_sync, dk_get_threads, dk_get_processes};

#define NGETS (sizeof(gets) / sizeof(gets[0]))

static struct sigaction before_tests;

/* Every test begins and ends without a handler. */
static int open_interrupt(void **state)
{
    struct sigaction none = {.sa_handler = SIG_DFL};
    sigaction(SIGINT, &none, &before_tests);
    return open_context(state) || pipe(notes->told) ? -1 : 0;
}

static int close_interrupt(void **state)
{
    struct sigaction now;
    close(notes->told[0]);
    close(notes->told[1]);
    sigaction(SIGINT, &before_tests, &now);
    return close_context(state) || now.sa_handler != SIG_DFL ? -1 : 0;
}

static void *interrupt_when_told(void *arg)
{
    char byte = 0;
    (void)arg;
    while (read(notes->told[0], &byte, 1) != 1) {
    }
    raise(SIGINT);
    return NULL;
}

/* Tells that it runs, and runs until it is cancelled. */
static dk_status run_on(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                        dk_error *err)
{
    (void)args, (void)nargs, (void)result;
    bool is_told = write(notes->told[1], "x", 1) == 1;
    while (is_told && !dk_task_is_cancelled(task)) {
    }
    return error_set(err, DK_ETASK, "stopped early");
}

/* Proves that a SIGINT ends tasks that would run for ever under every scheduler, and that the next
 * computation runs as if nothing had been. */
static void test_schedulers(void **state)
{
    (void)state;
    add_function("run_on", run_on);
    dk_graph *graph = tasks_graph(&dk);
    dk_task_id task = tasks_add(graph, "run_on", 0, "run_on", NULL, 0);
    dk_value args[2] = {dk_value_task(task), dk_value_int(1)};
    dk_task_id top = tasks_add(graph, "top", 0, "sum", args, 2);
    dk_task_id fine = tasks_add(graph, "fine", 0, "sum", args + 1, 1);
    for (size_t g = 0; g < NGETS; g++) {
        volatile int cancel = 0;
        pthread_t thread;
        dk_interrupt watch;
        dk_value result = dk_value_null();
        dk_error err = {0};
        dk_get_options options = {.num_workers = 2, .cancel = &cancel};
        assert_int_equal(dk_interrupt_begin(&cancel, &watch, &err), DK_OK);
        assert_int_equal(pthread_create(&thread, NULL, interrupt_when_told, NULL), 0);
        assert_int_equal(gets[g](&dk, graph, &top, 1, &options, &result, &err), DK_ECANCELED);
        assert_string_equal(err.message, "the computation was cancelled");
        pthread_join(thread, NULL);
        dk_interrupt_end(&watch);
        cancel = 0;
        assert_int_equal(gets[g](&dk, graph, &fine, 1, &options, &result, &err), DK_OK);
        assert_int_equal(result.as.integer, 1);
    }
    dk_graph_free(graph);
}

/* Is interrupted, interrupts the whole group, as a terminal does, and runs on. */
static dk_status interrupt_group(dk_task *task, const dk_value *args, size_t nargs,
                                 dk_value *result, dk_error *err)
{
    dk_interrupt watch;
    volatile int cancel = 0;
    bool is_watched = dk_interrupt_begin(&cancel, &watch, err) == DK_OK;
    raise(SIGINT);
    dk_interrupt_end(&watch);
    atomic_fetch_add(&notes->nfinished, is_watched && !cancel);
    kill(0, SIGINT);
    return run_on(task, args, nargs, result, err);
}

/* Proves that children leave an interrupt to their parent, even where they watch themselves. */
static void test_children(void **state)
{
    (void)state;
    volatile int cancel = 0;
    dk_interrupt watch;
    dk_value result = dk_value_null();
    dk_error err = {0};
    dk_get_options options = {.num_workers = 2, .cancel = &cancel};
    pid_t group = getpgrp();
    assert_int_equal(setpgid(0, 0), 0);
    add_function("interrupt", interrupt_group);
    dk_graph *graph = tasks_graph(&dk);
    dk_task_id task = tasks_add(graph, "interrupt", 0, "interrupt", NULL, 0);
    assert_int_equal(dk_interrupt_begin(&cancel, &watch, &err), DK_OK);
    assert_int_equal(dk_get_processes(&dk, graph, &task, 1, &options, &result, &err), DK_ECANCELED);
    dk_interrupt_end(&watch);
    setpgid(0, group);
    assert_int_equal(atomic_load(&notes->nfinished), 1);
    dk_graph_free(graph);
}

static volatile int seen; /* of `watched`, when the host's handler ran */
static volatile int watched;
static volatile int nhandled;

static void handle_plain(int number)
{
    seen = number == SIGINT ? watched : -1;
    nhandled++;
}

static void handle_info(int number, siginfo_t *info, void *context)
{
    seen = context && info->si_signo == number ? watched : -1;
    nhandled++;
}

static void assert_same(const struct sigaction *expected)
{
    struct sigaction now;
    sigaction(SIGINT, NULL, &now);
    assert_int_equal(now.sa_flags, expected->sa_flags);
    assert_ptr_equal(now.sa_handler, expected->sa_handler);
    for (int number = 1; number < SIGRTMIN; number++) {
        assert_int_equal(sigismember(&now.sa_mask, number),
                         sigismember(&expected->sa_mask, number));
    }
}

/* Proves that the host's own handler of either form is called after the flag is set, with its flags
 * and mask, and is put back. */
static void test_handler_before(void **state)
{
    (void)state;
    struct sigaction hosts[2] = {{.sa_handler = handle_plain, .sa_flags = SA_RESTART},
                                 {.sa_sigaction = handle_info, .sa_flags = SA_SIGINFO}};
    sigset_t users;
    sigemptyset(&users);
    sigaddset(&users, SIGUSR1);
    nhandled = 0;
    for (int i = 0; i < 2; i++) {
        struct sigaction installed;
        struct sigaction now;
        dk_interrupt watch;
        hosts[i].sa_mask = users;
        sigaction(SIGINT, &hosts[i], NULL);
        sigaction(SIGINT, NULL, &installed);
        watched = seen = 0;
        assert_int_equal(dk_interrupt_begin(&watched, &watch, NULL), DK_OK);
        sigaction(SIGINT, NULL, &now);
        assert_true(sigismember(&now.sa_mask, SIGUSR1));
        assert_int_equal(now.sa_flags & SA_RESTART, hosts[i].sa_flags & SA_RESTART);
        raise(SIGINT);
        assert_int_equal(watched, 1);
        assert_int_equal(seen, 1);
        assert_int_equal(nhandled, i + 1);
        dk_interrupt_end(&watch);
        assert_same(&installed);
    }
    sigaction(SIGINT, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
}

/* Proves that an ignored SIGINT stays so. */
static void test_ignored(void **state)
{
    (void)state;
    volatile int cancel = 0;
    dk_interrupt watch;
    struct sigaction now;
    sigaction(SIGINT, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    assert_int_equal(dk_interrupt_begin(&cancel, &watch, NULL), DK_OK);
    raise(SIGINT);
    dk_interrupt_end(&watch);
    assert_int_equal(cancel, 0);
    sigaction(SIGINT, &(struct sigaction){.sa_handler = SIG_DFL}, &now);
    assert_ptr_equal(now.sa_handler, SIG_IGN);
}

/* Proves that all who watch are told, in whatever order they come and go, and nobody after. */
static void test_nested(void **state)
{
    (void)state;
    volatile int cancel[3] = {0};
    dk_interrupt watch[3];
    for (int i = 0; i < 3; i++)
        assert_int_equal(dk_interrupt_begin(&cancel[i], &watch[i], NULL), DK_OK);
    raise(SIGINT);
    assert_true(cancel[0] && cancel[1] && cancel[2]);
    cancel[0] = cancel[1] = cancel[2] = 0;
    dk_interrupt_end(&watch[0]);
    dk_interrupt_end(&watch[0]);
    raise(SIGINT);
    assert_true(!cancel[0] && cancel[1] && cancel[2]);
    cancel[1] = cancel[2] = 0;
    dk_interrupt_end(&watch[2]);
    raise(SIGINT);
    assert_true(!cancel[0] && cancel[1] && !cancel[2]);
    dk_interrupt_end(&watch[1]);
}

/* Proves that a handler the host installs meanwhile stays. */
static void test_replaced(void **state)
{
    (void)state;
    volatile int cancel = 0;
    dk_interrupt watch;
    struct sigaction now;
    assert_int_equal(dk_interrupt_begin(&cancel, &watch, NULL), DK_OK);
    sigaction(SIGINT, &(struct sigaction){.sa_handler = handle_plain}, NULL);
    dk_interrupt_end(&watch);
    sigaction(SIGINT, &(struct sigaction){.sa_handler = SIG_DFL}, &now);
    assert_ptr_equal(now.sa_handler, handle_plain);
}

/* Proves that there is an end to how many may watch, which is told, and that places are used
 * again. */
static void test_full(void **state)
{
    (void)state;
    enum { MAX = 64 };
    volatile int cancel = 0;
    dk_interrupt watches[MAX + 1];
    dk_error err = {0};
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < MAX; i++)
            assert_int_equal(dk_interrupt_begin(&cancel, &watches[i], &err), DK_OK);
        assert_int_equal(dk_interrupt_begin(&cancel, &watches[MAX], &err), DK_EOVERFLOW);
        assert_non_null(strstr(err.message, "64"));
        for (int i = 0; i <= MAX; i++)
            dk_interrupt_end(&watches[i]);
    }
}

static void *watch_often(void *arg)
{
    bool *is_wrong = arg;
    for (int i = 0; i < 300; i++) {
        volatile int cancel = 0;
        dk_interrupt watch;
        if (dk_interrupt_begin(&cancel, &watch, NULL) != DK_OK)
            *is_wrong = true;
        raise(SIGINT);
        if (!__atomic_load_n(&cancel, __ATOMIC_RELAXED))
            *is_wrong = true;
        dk_interrupt_end(&watch);
        /* Nobody may write here any more, though others are interrupted. */
        cancel = 7;
        if (cancel != 7)
            *is_wrong = true;
    }
    return NULL;
}

/* Proves that threads may come, go and be interrupted at once. */
static void test_threads(void **state)
{
    (void)state;
    pthread_t threads[4];
    bool is_wrong[4] = {false};
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, watch_often, &is_wrong[i]), 0);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        assert_false(is_wrong[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_schedulers, open_interrupt, close_interrupt),
        cmocka_unit_test_setup_teardown(test_children, open_interrupt, close_interrupt),
        cmocka_unit_test_setup_teardown(test_handler_before, open_interrupt, close_interrupt),
        cmocka_unit_test_setup_teardown(test_ignored, open_interrupt, close_interrupt),
        cmocka_unit_test_setup_teardown(test_nested, open_interrupt, close_interrupt),
        cmocka_unit_test_setup_teardown(test_replaced, open_interrupt, close_interrupt),
        cmocka_unit_test_setup_teardown(test_full, open_interrupt, close_interrupt),
        cmocka_unit_test_setup_teardown(test_threads, open_interrupt, close_interrupt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
