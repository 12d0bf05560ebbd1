/* What observers are told, and profiles, under each scheduler. */
#include "support/tasks.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "graph/graph.h"
#include "graph/task.h"

static const dk_get gets[] = {dk_get_sync, dk_get_threads, dk_get_processes};

#define NGETS  (sizeof(gets) / sizeof(gets[0]))
#define NTASKS 30

struct log {
    const dk_graph *graph;
    int nstarts;
    int nfinishes;
    size_t ntasks;
    dk_status status;
    int npre[NTASKS + 1];
    int npost[NTASKS + 1];
    int64_t end_ns[NTASKS + 1];
    int nfaults;
};

static struct dk_context dk;

static int open_context(void **state)
{
    (void)state;
    if (!context_open(&dk, NULL))
        return -1;
    tasks_register(&dk);
    return 0;
}

static int close_context(void **state)
{
    (void)state;
    return context_close(&dk) == 0 ? 0 : -1;
}

static void on_start(void *self, const dk_graph *graph, size_t ntasks)
{
    struct log *log = self;
    log->nstarts++;
    log->ntasks = ntasks;
    log->nfaults += graph != log->graph || log->nfinishes > 0;
}

static void on_pretask(void *self, const dk_task_event *event)
{
    struct log *log = self;
    uint32_t id = event->task.id;
    bool is_right = event->graph == log->graph && id <= NTASKS && event->start_ns > 0 &&
                    event->worker >= 0 && event->worker < 3 && log->nstarts == 1;
    if (!is_right) {
        log->nfaults++;
        return;
    }
    log->npre[id]++;
    log->nfaults += strcmp(event->function, graph_task(log->graph, id)->function->name) != 0;
}

static void on_posttask(void *self, const dk_task_event *event)
{
    struct log *log = self;
    uint32_t id = event->task.id;
    log->nfaults += log->npre[id] != 1 || event->end_ns < event->start_ns || log->nfinishes > 0;
    log->npost[id]++;
    log->end_ns[id] = event->end_ns;
    const struct task *task = graph_task(log->graph, id);
    const dk_value *args = graph_args(log->graph, task);
    for (uint32_t i = 0; i < task->nargs; i++) {
        if (args[i].kind != DK_KIND_TASK)
            continue;
        log->nfaults += event->start_ns < log->end_ns[args[i].as.task];
    }
    if (event->status != DK_OK)
        log->nfaults += strcmp(event->function, "sum") == 0;
}

static void on_finish(void *self, const dk_graph *graph, dk_status status)
{
    struct log *log = self;
    log->nfinishes++;
    log->status = status;
    log->nfaults += graph != log->graph;
}

static dk_callbacks observe(struct log *log)
{
    dk_callbacks callbacks = {on_start, on_pretask, on_posttask, on_finish, log};
    return callbacks;
}

/* NTASKS tasks, in chains and joins. */
static dk_task_id build(dk_graph *graph, const char *last_function)
{
    dk_value args[4];
    dk_task_id ids[NTASKS];
    for (int64_t i = 0; i < NTASKS; i++) {
        size_t nargs = 0;
        if (i % 5)
            args[nargs++] = dk_value_task(ids[i - 1]);
        if (i % 5 == 4 && i > 5)
            args[nargs++] = dk_value_task(ids[i - 5]);
        args[nargs++] = dk_value_int(i);
        const char *function = i == NTASKS - 1 ? last_function : "sum";
        ids[i] = tasks_add(graph, "t", i, function, args, nargs);
    }
    return ids[NTASKS - 1];
}

static size_t count_posts(const struct log *log)
{
    size_t n = 0;
    for (size_t i = 0; i <= NTASKS; i++)
        n += (size_t)log->npost[i];
    return n;
}

/* Proves that observers hear of the start, of every task before and after, with true times and
 * order, and of the end; several of them, and with members missing. */
static void test_events(void **state)
{
    (void)state;
    dk_graph *graph = tasks_graph(&dk);
    dk_task_id top = build(graph, "sum");
    for (size_t g = 0; g < NGETS; g++) {
        struct log logs[2] = {{.graph = graph}, {.graph = graph}};
        dk_callbacks callbacks[] = {observe(&logs[0]), {0}, observe(&logs[1])};
        dk_get_options options = {.num_workers = 3, .callbacks = callbacks, .ncallbacks = 3};
        dk_value result = dk_value_null();
        assert_int_equal(gets[g](&dk, graph, &top, 1, &options, &result, NULL), DK_OK);
        for (int i = 0; i < 2; i++) {
            assert_int_equal(logs[i].nfaults, 0);
            assert_int_equal(logs[i].nstarts, 1);
            assert_int_equal(logs[i].nfinishes, 1);
            assert_int_equal(logs[i].ntasks, NTASKS);
            assert_int_equal(logs[i].status, DK_OK);
            assert_int_equal(count_posts(&logs[i]), NTASKS);
        }
    }
    dk_graph_free(graph);
}

/* Proves that a failing task is reported with its status, before the finish that has it too. */
static void test_failure(void **state)
{
    (void)state;
    dk_graph *graph = tasks_graph(&dk);
    dk_task_id top = build(graph, "fail");
    for (size_t g = 0; g < NGETS; g++) {
        struct log log = {.graph = graph};
        dk_callbacks callbacks = observe(&log);
        dk_get_options options = {.num_workers = 3, .callbacks = &callbacks, .ncallbacks = 1};
        dk_value result = dk_value_null();
        assert_int_equal(gets[g](&dk, graph, &top, 1, &options, &result, NULL), DK_EPARSE);
        assert_int_equal(log.nfaults, 0);
        assert_int_equal(log.npost[top.id], 1);
        assert_int_equal(log.nfinishes, 1);
        assert_int_equal(log.status, DK_EPARSE);
    }
    dk_graph_free(graph);
}

static dk_status crash(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                       dk_error *err)
{
    (void)task;
    (void)args;
    (void)nargs;
    (void)result;
    (void)err;
    abort();
}

/* Proves that a task whose process died is reported as one that failed. */
static void test_crash(void **state)
{
    (void)state;
    dk_graph *graph = tasks_graph(&dk);
    assert_int_equal(dk_register(&dk, "crash", crash, NULL, NULL), DK_OK);
    dk_task_id top = build(graph, "crash");
    struct log log = {.graph = graph};
    dk_callbacks callbacks = observe(&log);
    dk_get_options options = {.num_workers = 3, .callbacks = &callbacks, .ncallbacks = 1};
    dk_value result = dk_value_null();
    assert_int_equal(dk_get_processes(&dk, graph, &top, 1, &options, &result, NULL), DK_ECRASH);
    assert_int_equal(log.nfaults, 0);
    assert_int_equal(log.npost[top.id], 1);
    assert_int_equal(log.status, DK_ECRASH);
    dk_graph_free(graph);
}

static dk_status call_kernel(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                             dk_error *err)
{
    int64_t begin_ns = task_kernel_begin(task);
    dk_status status = tasks_sum(task, args, nargs, result, err);
    task_kernel_end(task, "add", begin_ns, 10, 80);
    return status;
}

static const struct profile_line *find_line(const struct profile *profile, enum profile_kind kind,
                                            const char *name)
{
    const struct profile_line *lines = profile->lines.data;
    for (size_t i = 0; i < profile->lines.count; i++) {
        if (lines[i].kind == kind && strcmp(lines[i].name, name) == 0)
            return &lines[i];
    }
    return NULL;
}

/* Proves that a profile has a line for each function and kernel, whoever ran them, fused or not,
 * and adds up over several gets. */
static void test_profile(void **state)
{
    (void)state;
    dk_graph *graph = tasks_graph(&dk);
    assert_int_equal(dk_register(&dk, "kernel", call_kernel, NULL, NULL), DK_OK);
    dk_task_id top = build(graph, "kernel");
    for (size_t g = 0; g < NGETS; g++) {
        struct dk_profile whole = {0};
        struct profile *profile = &whole.lines;
        profile_init(profile, dk.memory);
        for (int round = 0; round < 2; round++) {
            dk_value result = dk_value_null();
            dk_get_options options = {.num_workers = 3, .profile = &whole, .no_fuse = round == 1};
            assert_int_equal(gets[g](&dk, graph, &top, 1, &options, &result, NULL), DK_OK);
        }
        assert_int_equal(profile->lines.count, 3);
        const struct profile_line *sum = find_line(profile, PROFILE_FUNCTION, "sum");
        const struct profile_line *function = find_line(profile, PROFILE_FUNCTION, "kernel");
        const struct profile_line *kernel = find_line(profile, PROFILE_KERNEL, "add");
        assert_int_equal(sum->calls, 2 * (NTASKS - 1));
        assert_true(sum->total_ns >= 0 && sum->wait_ns >= 0);
        assert_int_equal(function->calls, 2);
        assert_int_equal(kernel->calls, 2);
        assert_int_equal(kernel->nrows, 20);
        assert_int_equal(function->inner_ns, kernel->total_ns);
        assert_true(function->total_ns >= function->inner_ns);
        profile_deinit(profile);
    }
    dk_graph_free(graph);
}

int main(void)
{
    const struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_events, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_failure, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_crash, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_profile, open_context, close_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
