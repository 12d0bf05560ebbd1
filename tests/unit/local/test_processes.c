/* Processes that die, are signalled, cancelled or interrupted. */
#include "unit/local/processes_support.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>

enum { BY_SEGV = 1, BY_ABORT, BY_EXIT, BY_KILL, BY_QUIET_EXIT };

static dk_status crash(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                       dk_error *err)
{
    (void)task;
    (void)nargs;
    (void)result;
    (void)err;
    atomic_fetch_add(&notes->nstarted, 1);
    switch (args[0].as.integer) {
    case BY_SEGV:
        raise(SIGSEGV);
        break;
    case BY_ABORT:
        abort();
    case BY_EXIT:
        _exit(3);
    case BY_KILL:
        raise(SIGKILL);
        break;
    default:
        _exit(0);
    }
    return DK_OK;
}

static dk_status note_finish(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                             dk_error *err)
{
    (void)task;
    (void)args;
    (void)nargs;
    (void)err;
    atomic_fetch_add(&notes->nfinished, 1);
    *result = dk_value_int(1);
    return DK_OK;
}

/* Proves that a crash becomes an error that names task, function and cause, while every task that
 * does not depend on it finishes, and that the next get works. */
static void test_crash(void **state)
{
    (void)state;
    static const char *const causes[] = {
        [BY_SEGV] = "killed by SIGSEGV (signal 11)", [BY_ABORT] = "killed by SIGABRT (signal 6)",
        [BY_EXIT] = "exited with status 3",          [BY_KILL] = "killed by SIGKILL (signal 9)",
        [BY_QUIET_EXIT] = "exited with status 0",
    };
    add_function("crash", crash);
    add_function("finish", note_finish);
    for (int how = BY_SEGV; how <= BY_QUIET_EXIT; how++) {
        dk_graph *graph = tasks_graph(&dk);
        dk_value args[41];
        dk_error err = {0};
        dk_value result = dk_value_null();
        for (int64_t i = 0; i < 40; i++) {
            dk_value number = dk_value_int(how);
            const char *function = i == 5 ? "crash" : "finish";
            args[i] = dk_value_task(tasks_add(graph, "part", i, function, &number, 1));
        }
        dk_task_id top = tasks_add(graph, "top", 0, "sum", args, 40);
        atomic_store(&notes->nfinished, 0);
        assert_int_equal(get(graph, &top, 1, &result, &err), DK_ECRASH);
        assert_string_equal(err.key, "('part', 5)");
        assert_non_null(
            strstr(err.message, "task ('part', 5), function crash: the worker process"));
        assert_non_null(strstr(err.message, causes[how]));
        /* One that was done but not reported when the process died is done again. */
        assert_true(atomic_load(&notes->nfinished) >= 39);

        dk_task_id fine = tasks_add(graph, "fine", 0, "sum", (dk_value[]){args[0], args[1]}, 2);
        assert_int_equal(get(graph, &fine, 1, &result, &err), DK_OK);
        assert_int_equal(result.as.integer, 2);
        dk_graph_free(graph);
    }
}

/* Proves that a computation that crashes everywhere is given up, not tried process by process. */
static void test_crash_everywhere(void **state)
{
    (void)state;
    add_function("crash", crash);
    dk_graph *graph = tasks_graph(&dk);
    dk_task_id keys[100];
    dk_value results[100];
    dk_error err = {0};
    for (int64_t i = 0; i < 100; i++) {
        dk_value how = dk_value_int(BY_EXIT);
        keys[i] = tasks_add(graph, "crash", i, "crash", &how, 1);
    }
    assert_int_equal(get(graph, keys, 100, results, &err), DK_ECRASH);
    assert_true(atomic_load(&notes->nstarted) < 10);
    dk_graph_free(graph);
}

/* Proves that the middle of a joined chain is blamed by its own name. */
static void test_crash_in_chain(void **state)
{
    (void)state;
    add_function("crash", crash);
    dk_graph *graph = tasks_graph(&dk);
    dk_value number = dk_value_int(1);
    dk_task_id first = tasks_add(graph, "first", 0, "sum", &number, 1);
    dk_value args[] = {dk_value_int(BY_SEGV), dk_value_task(first)};
    dk_task_id middle = tasks_add(graph, "middle", 0, "crash", args, 2);
    dk_value arg = dk_value_task(middle);
    dk_task_id last = tasks_add(graph, "last", 0, "sum", &arg, 1);
    dk_value result = dk_value_null();
    dk_error err = {0};
    assert_int_equal(get(graph, &last, 1, &result, &err), DK_ECRASH);
    assert_string_equal(err.key, "('middle', 0)");
    dk_graph_free(graph);
}

static dk_status note_pid(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                          dk_error *err)
{
    atomic_store(&notes->pid, getpid());
    return tasks_sum(task, args, nargs, result, err);
}

static void kill_noted(void *self, const dk_task_event *event)
{
    (void)event;
    if (++*(int *)self == 1)
        kill(atomic_load(&notes->pid), SIGKILL);
}

/* Proves that a process that dies between tasks is nobody's fault: another takes its place and the
 * work goes on. */
static void test_death_between_tasks(void **state)
{
    (void)state;
    add_function("note_pid", note_pid);
    dk_graph *graph = tasks_graph(&dk);
    dk_value args[] = {dk_value_int(1), dk_value_null()};
    dk_task_id last = tasks_add(graph, "t", 0, "note_pid", args, 1);
    for (int64_t i = 1; i < 20; i++) {
        args[1] = dk_value_task(last);
        last = tasks_add(graph, "t", i, "note_pid", args, 2);
    }
    int nposts = 0;
    dk_callbacks callbacks = {.posttask = kill_noted, .self = &nposts};
    dk_get_options options = {
        .num_workers = 1, .callbacks = &callbacks, .ncallbacks = 1, .no_fuse = true};
    dk_value result = dk_value_null();
    dk_error err = {0};
    if (dk_get_processes(&dk, graph, &last, 1, &options, &result, &err) != DK_OK)
        fail_msg("%s", err.message);
    assert_int_equal(result.as.integer, 20);
    assert_int_equal(nposts, 20);
    dk_graph_free(graph);
}

static void leave(int number)
{
    (void)number;
    _exit(99);
}

static dk_status raise_int(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                           dk_error *err)
{
    raise(SIGINT);
    return note_finish(task, args, nargs, result, err);
}

/* Proves that the host's signal handlers are not run in the children, that an interrupt from the
 * terminal leaves them alone, and that the host's own are as before. */
static void test_signals(void **state)
{
    (void)state;
    struct sigaction ours = {.sa_handler = leave};
    struct sigaction before_segv;
    struct sigaction before_child;
    struct sigaction now;
    sigaction(SIGSEGV, &ours, &before_segv);
    sigaction(SIGCHLD, NULL, &before_child);
    add_function("crash", crash);
    add_function("interrupt", raise_int);
    dk_graph *graph = tasks_graph(&dk);
    dk_value how = dk_value_int(BY_SEGV);
    dk_task_id crashes = tasks_add(graph, "crash", 0, "crash", &how, 1);
    dk_task_id goes_on = tasks_add(graph, "interrupt", 0, "interrupt", NULL, 0);
    dk_value result = dk_value_null();
    dk_error err = {0};
    assert_int_equal(get(graph, &crashes, 1, &result, &err), DK_ECRASH);
    assert_non_null(strstr(err.message, "SIGSEGV"));
    assert_int_equal(get(graph, &goes_on, 1, &result, &err), DK_OK);
    sigaction(SIGSEGV, &before_segv, &now);
    assert_ptr_equal(now.sa_handler, leave);
    sigaction(SIGCHLD, NULL, &now);
    assert_ptr_equal(now.sa_handler, before_child.sa_handler);
    dk_graph_free(graph);
}

/* Proves that a host that ignores SIGCHLD, so that the system reaps children itself, gets results
 * and crashes too. */
static void test_ignored_sigchld(void **state)
{
    (void)state;
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction before;
    sigaction(SIGCHLD, &ignore, &before);
    add_function("crash", crash);
    dk_graph *graph = tasks_graph(&dk);
    dk_value how = dk_value_int(BY_EXIT);
    dk_task_id crashes = tasks_add(graph, "crash", 0, "crash", &how, 1);
    dk_task_id fine = tasks_add(graph, "sum", 0, "sum", NULL, 0);
    dk_value result = dk_value_null();
    dk_error err = {0};
    assert_int_equal(get(graph, &fine, 1, &result, &err), DK_OK);
    assert_int_equal(get(graph, &crashes, 1, &result, &err), DK_ECRASH);
    assert_non_null(strstr(err.message, "the worker process died"));
    sigaction(SIGCHLD, &before, NULL);
    dk_graph_free(graph);
}

/* Tells the test that it runs, and never ends. */
static dk_status hang(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                      dk_error *err)
{
    (void)task;
    (void)args;
    (void)nargs;
    (void)result;
    (void)err;
    bool is_told = write(notes->told[1], "x", 1) == 1;
    while (is_told)
        is_told = pause() == -1;
    return DK_EIO;
}

static void *cancel_when_told(void *arg)
{
    char byte = 0;
    while (read(notes->told[0], &byte, 1) != 1) {
    }
    __atomic_store_n((volatile int *)arg, 1, __ATOMIC_RELAXED);
    return NULL;
}

/* Proves that cancelling ends children that run something endless, and leaves none behind. */
static void test_cancel(void **state)
{
    (void)state;
    volatile int cancel = 0;
    pthread_t canceller;
    add_function("hang", hang);
    assert_int_equal(pipe(notes->told), 0);
    dk_graph *graph = tasks_graph(&dk);
    dk_task_id hangs = tasks_add(graph, "hang", 0, "hang", NULL, 0);
    dk_value result = dk_value_null();
    dk_error err = {0};
    dk_get_options options = {.cancel = &cancel};
    assert_int_equal(pthread_create(&canceller, NULL, cancel_when_told, (void *)(uintptr_t)&cancel),
                     0);
    assert_int_equal(dk_get_processes(&dk, graph, &hangs, 1, &options, &result, &err),
                     DK_ECANCELED);
    pthread_join(canceller, NULL);
    close(notes->told[0]);
    close(notes->told[1]);
    dk_graph_free(graph);
}

static dk_status fail_when_told(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                                dk_error *err)
{
    char byte = 0;
    while (read(notes->told[0], &byte, 1) != 1) {
    }
    return tasks_fail(task, args, nargs, result, err);
}

/* Proves that a failing task ends the others at once, endless ones too. */
static void test_failure_ends_others(void **state)
{
    (void)state;
    add_function("hang", hang);
    add_function("fail_when_told", fail_when_told);
    assert_int_equal(pipe(notes->told), 0);
    dk_graph *graph = tasks_graph(&dk);
    dk_task_id keys[] = {tasks_add(graph, "hang", 0, "hang", NULL, 0),
                         tasks_add(graph, "fail", 0, "fail_when_told", NULL, 0)};
    dk_value results[2];
    dk_error err = {0};
    assert_int_equal(get(graph, keys, 2, results, &err), DK_EPARSE);
    assert_string_equal(err.key, "('fail', 0)");
    close(notes->told[0]);
    close(notes->told[1]);
    dk_graph_free(graph);
}

int main(void)
{
    const struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_crash, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_crash_everywhere, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_crash_in_chain, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_death_between_tasks, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_signals, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_ignored_sigchld, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_cancel, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_failure_ends_others, open_context, close_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
