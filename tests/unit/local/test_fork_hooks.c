/* What a host is told around every fork of the processes scheduler. */
#include "unit/local/processes_support.h"

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>

#include "local/fork_guard.h"
#include "support/boxes.h"

#define LOCKED 4711

/* One letter a call, in this process or before it was forked. */
static char trace[512];
static size_t ntraced;
static bool fork_fails;

/* The linker prefers this one to the C library's. */
pid_t fork(void)
{
    pid_t (*real)(void);
    void *symbol = dlsym(RTLD_NEXT, "fork");
    memcpy(&real, &symbol, sizeof(real));
    errno = EAGAIN;
    return fork_fails ? -1 : real();
}

/* Every hook may call cdask, so no lock of its own may be held. */
static void note(char letter)
{
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    bool is_free = !sigismember(&blocked, SIGUSR1) && registry_find(&dk.registry, "sum");
    trace[ntraced++] = is_free ? letter : '!';
    trace[ntraced] = 0;
}

static int note_lock(void)
{
    note('l');
    return LOCKED;
}

static void note_before(void)
{
    note('b');
}

static void note_in_parent(void)
{
    errno = 0; /* what fork said must have been kept */
    note('p');
}

static void note_in_child(void)
{
    struct sigaction interrupt;
    sigaction(SIGINT, NULL, &interrupt);
    note(interrupt.sa_handler == SIG_IGN ? 'c' : '?');
}

static void note_unlock(int locked)
{
    note(locked == LOCKED ? 'u' : '?');
}

static const dk_fork_hooks hooks = {note_lock, note_before, note_in_parent, note_in_child,
                                    note_unlock};

static int open_hooked(void **state)
{
    int status = open_context(state);
    dk.fork_hooks = hooks;
    ntraced = 0;
    fork_fails = false;
    return status;
}

static dk_status tell_trace(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                            dk_error *err)
{
    (void)args, (void)nargs;
    note('t');
    dk_status status = dk_value_text(dk_task_context(task), trace, ntraced, result);
    return status == DK_OK ? DK_OK : error_nomem(err);
}

static void kill_noted(void *self, const dk_task_event *event)
{
    (void)self;
    (void)event;
    if (atomic_exchange(&notes->nfinished, 1) == 0)
        kill(atomic_load(&notes->pid), SIGKILL);
}

static dk_status note_pid(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                          dk_error *err)
{
    atomic_store(&notes->pid, getpid());
    return tell_trace(task, args, nargs, result, err);
}

/* Proves the order of the hooks in either process, that nothing is locked or blocked meanwhile, and
 * that tasks come after. */
static void test_order(void **state)
{
    (void)state;
    struct sigaction ours = {.sa_handler = _exit};
    struct sigaction before;
    sigaction(SIGINT, &ours, &before);
    add_function("trace", tell_trace);
    dk_graph *graph = tasks_graph(&dk);
    dk_task_id task = tasks_add(graph, "trace", 0, "trace", NULL, 0);
    dk_value result = dk_value_null();
    dk_error err = {0};
    assert_int_equal(get(graph, &task, 1, &result, &err), DK_OK);
    assert_string_equal(dk_value_data(result, NULL), "lbcut");
    assert_string_equal(trace, "lbpu");
    sigaction(SIGINT, &before, NULL);
    dk_value_unref(result);
    dk_graph_free(graph);
}

/* Proves that every process of a pool is forked this way, and one that takes the place of another
 * too. */
static void test_every_fork(void **state)
{
    (void)state;
    add_function("note_pid", note_pid);
    dk_graph *graph = tasks_graph(&dk);
    dk_task_id first = tasks_add(graph, "trace", 0, "note_pid", NULL, 0);
    dk_value arg = dk_value_task(first);
    dk_task_id second = tasks_add(graph, "trace", 1, "note_pid", &arg, 1);
    dk_callbacks callbacks = {.posttask = kill_noted};
    dk_get_options options = {
        .num_workers = 1, .callbacks = &callbacks, .ncallbacks = 1, .no_fuse = true};
    dk_value result = dk_value_null();
    dk_error err = {0};
    if (dk_get_processes(&dk, graph, &second, 1, &options, &result, &err) != DK_OK)
        fail_msg("%s", err.message);
    assert_string_equal(dk_value_data(result, NULL), "lbpulbcut");
    assert_string_equal(trace, "lbpulbpu");
    dk_value_unref(result);
    dk_graph_free(graph);
}

/* Proves that a fork that fails is told as such, between hooks that come in pairs. */
static void test_failing_fork(void **state)
{
    (void)state;
    fork_fails = true;
    dk_graph *graph = tasks_graph(&dk);
    dk_task_id task = tasks_add(graph, "sum", 0, "sum", NULL, 0);
    dk_value result = dk_value_null();
    dk_error err = {0};
    assert_int_equal(get(graph, &task, 1, &result, &err), DK_EIO);
    assert_non_null(strstr(err.message, strerror(EAGAIN)));
    assert_string_equal(trace, "lbpu");
    dk_graph_free(graph);
}

static atomic_bool is_over;

static void *find_all_the_time(void *arg)
{
    struct registry *registry = arg;
    while (!atomic_load(&is_over))
        registry_find(registry, "sum");
    return NULL;
}

/* Proves that children find the registry free though another thread of their parent uses it all
 * the time. */
static void test_registry_in_use(void **state)
{
    (void)state;
    pthread_t thread;
    dk.fork_hooks = (dk_fork_hooks){0};
    assert_int_equal(fork_guard(&dk, NULL), DK_OK);
    add_function("box", boxes_make);
    assert_int_equal(dk_register_type(&dk, &box_type, NULL), DK_OK);
    atomic_store(&is_over, false);
    assert_int_equal(pthread_create(&thread, NULL, find_all_the_time, &dk.registry), 0);
    dk_graph *graph = tasks_graph(&dk);
    dk_value args[] = {dk_value_int(10), dk_value_int(1)};
    dk_task_id box = tasks_add(graph, "box", 0, "box", args, 2);
    for (int i = 0; i < 30; i++) {
        dk_value result = dk_value_null();
        dk_error err = {0};
        assert_int_equal(get(graph, &box, 1, &result, &err), DK_OK);
        dk_value_unref(result);
    }
    atomic_store(&is_over, true);
    pthread_join(thread, NULL);
    dk_graph_free(graph);
    fork_unguard(&dk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_order, open_hooked, close_context),
        cmocka_unit_test_setup_teardown(test_every_fork, open_hooked, close_context),
        cmocka_unit_test_setup_teardown(test_failing_fork, open_hooked, close_context),
        cmocka_unit_test_setup_teardown(test_registry_in_use, open_hooked, close_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
