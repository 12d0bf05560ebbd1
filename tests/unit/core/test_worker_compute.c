/* The worker's core: tasks become ready, run, end, and are given up. */
#include "support/worker_trace.h"

static const struct wkr_options one_thread = {.nthreads = 1};
static const struct wkr_options two_threads = {.nthreads = 2};

/* Proves that a task runs at once when a thread is free, and its end is told with its run. */
static void test_run(void **state)
{
    (void)state;
    trace_tell(one_thread, "compute x run=7\n"
                           "> execute x\n"
                           "? x\n"
                           "> x is executing\n"
                           "done x 8\n"
                           "> keep x\n"
                           "> task-finished x run=7 nbytes=8\n"
                           "free x\n"
                           "> release-worker-data x\n"
                           "? x\n"
                           "> x is unknown\n");
}

/* Proves that the smallest priority goes first, and of equals the latest. */
static void test_priorities(void **state)
{
    (void)state;
    trace_tell(one_thread, "compute a prio=0,0,5\n"
                           "> execute a\n"
                           "compute b prio=0,0,6\n"
                           "compute c prio=0,0,2\n"
                           "compute d prio=-1,9,9\n"
                           "compute e prio=0,-0.5,9\n"
                           "compute f prio=0,0,2\n"
                           "done a\n"
                           "> keep a\n"
                           "> task-finished a run=1 nbytes=1\n"
                           "> execute d\n"
                           "done d\n"
                           "> keep d\n"
                           "> task-finished d run=1 nbytes=1\n"
                           "> execute e\n"
                           "done e\n"
                           "> keep e\n"
                           "> task-finished e run=1 nbytes=1\n"
                           "> execute f\n"
                           "done f\n"
                           "> keep f\n"
                           "> task-finished f run=1 nbytes=1\n"
                           "> execute c\n");
}

/* Proves that once tasks are known to be short more are given out than there are threads; until one
 * takes long, or comes back because it had to wait. */
static void test_ahead(void **state)
{
    (void)state;
    struct wkr_options options = {.nthreads = 1, .ahead_max = 2};
    trace_tell(options, "compute a prio=0,0,1\n"
                        "> execute a\n"
                        "compute b prio=0,0,2\n"
                        "compute c prio=0,0,3\n"
                        "compute d prio=0,0,4\n"
                        "compute e prio=0,0,5\n"
                        "compute f prio=0,0,6\n"
                        "done a 1 10\n"
                        "> keep a\n"
                        "> task-finished a run=1 nbytes=1\n"
                        "> execute b\n"
                        "> execute c\n"
                        "> execute d\n"
                        "steal c\n"
                        "> steal-response c executing\n"
                        "done b 1 900000\n"
                        "> keep b\n"
                        "> task-finished b run=1 nbytes=1\n"
                        "reschedule d\n"
                        "> reschedule d\n"
                        "done c 1 1\n"
                        "> keep c\n"
                        "> task-finished c run=1 nbytes=1\n"
                        "> execute e\n");
}

/* Proves that what needs resources is not given out ahead. */
static void test_not_ahead(void **state)
{
    (void)state;
    struct wkr_resource resource = {{"R", 1}, 3};
    struct wkr_options options = {
        .nthreads = 1, .ahead_max = 2, .resources = &resource, .nresources = 1};
    trace_tell(options, "compute a prio=0,0,1\n"
                        "> execute a\n"
                        "compute b prio=0,0,2 res=R:1\n"
                        "compute c prio=0,0,3 res=R:1\n"
                        "done a 1 10\n"
                        "> keep a\n"
                        "> task-finished a run=1 nbytes=1\n"
                        "> execute b\n"
                        "done b 1 10\n"
                        "> keep b\n"
                        "> task-finished b run=1 nbytes=1\n"
                        "> execute c\n");
}

/* Proves that a task that its predecessor has made ready runs before others of less priority; and
 * that the predecessor's end is told as a copy when the scheduler has it from elsewhere. */
static void test_depth_first(void **state)
{
    (void)state;
    trace_tell(one_thread, "compute x prio=0,0,0\n"
                           "> execute x\n"
                           "compute z prio=0,0,9\n"
                           "compute y prio=0,0,1 needs=x@A\n"
                           "? y\n"
                           "> y is waiting\n"
                           "done x\n"
                           "> keep x\n"
                           "> add-keys x\n"
                           "> execute y\n");
}

/* Proves that a failure is told, and that a failed task may be computed again. */
static void test_failure(void **state)
{
    (void)state;
    trace_tell(one_thread, "compute x run=3\n"
                           "> execute x\n"
                           "fail x\n"
                           "> task-erred x run=3\n"
                           "? x\n"
                           "> x is error\n"
                           "compute x run=4\n"
                           "> execute x\n"
                           "done x\n"
                           "> keep x\n"
                           "> task-finished x run=4 nbytes=1\n");
}

/* Proves that a task which wants to run elsewhere is given back. */
static void test_reschedule(void **state)
{
    (void)state;
    trace_tell(one_thread, "compute x\n"
                           "> execute x\n"
                           "reschedule x\n"
                           "> reschedule x\n"
                           "? x\n"
                           "> x is unknown\n");
}

/* Proves that a task in memory is told again under the new run when it is asked for again. */
static void test_compute_what_is_there(void **state)
{
    (void)state;
    trace_tell(one_thread, "compute x run=1\n"
                           "> execute x\n"
                           "done x 8\n"
                           "> keep x\n"
                           "> task-finished x run=1 nbytes=8\n"
                           "compute x run=2\n"
                           "> task-finished x run=2 nbytes=8\n");
}

/* Proves that what has not begun can be stolen or cancelled, and what runs cannot. */
static void test_steal(void **state)
{
    (void)state;
    trace_tell(one_thread, "compute x\n"
                           "> execute x\n"
                           "compute y\n"
                           "compute z\n"
                           "compute v needs=d@A\n"
                           "> gather A: d (1)\n"
                           "steal x\n"
                           "> steal-response x executing\n"
                           "steal y\n"
                           "> steal-response y ready\n"
                           "steal v\n"
                           "> steal-response v waiting\n"
                           "steal u\n"
                           "> steal-response u forgotten\n"
                           "cancel z\n"
                           "? x y z v d\n"
                           "> x is executing\n"
                           "> y is unknown\n"
                           "> z is unknown\n"
                           "> v is unknown\n"
                           "> d is cancelled\n"
                           "came A d\n"
                           "? d\n"
                           "> d is unknown\n");
}

/* Proves that nothing new begins while the worker is paused. */
static void test_pause(void **state)
{
    (void)state;
    trace_tell(one_thread, "pause\n"
                           "compute x needs=d@A\n"
                           "compute y\n"
                           "unpause\n"
                           "> execute y\n"
                           "> gather A: d (1)\n");
}

/* Proves that a task that secedes makes room for another one. */
static void test_secede(void **state)
{
    (void)state;
    trace_tell(one_thread, "compute x\n"
                           "> execute x\n"
                           "compute y\n"
                           "secede x\n"
                           "> long-running x\n"
                           "> execute y\n"
                           "steal x\n"
                           "> steal-response x long-running\n"
                           "done x\n"
                           "> keep x\n"
                           "> task-finished x run=1 nbytes=1\n");
}

/* Proves that resources are taken and given back, and that a task which needs more than is free
 * holds up only those that need resources, too. */
static void test_resources(void **state)
{
    (void)state;
    struct wkr_resource resource = {{"GPU", 3}, 2};
    struct wkr_options options = {.nthreads = 4, .resources = &resource, .nresources = 1};
    trace_tell(options, "compute a res=GPU:1\n"
                        "> execute a\n"
                        "compute b res=GPU:2\n"
                        "? b\n"
                        "> b is constrained\n"
                        "compute c res=GPU:1 prio=0,0,1\n"
                        "compute d prio=0,0,2\n"
                        "> execute d\n"
                        "secede a\n"
                        "> long-running a\n"
                        "done a\n"
                        "> keep a\n"
                        "> task-finished a run=1 nbytes=1\n"
                        "> execute b\n"
                        "fail b\n"
                        "> task-erred b run=1\n"
                        "> execute c\n"
                        "compute e res=FPGA:1\n"
                        "> refused: a task needs the resource 'FPGA': there is none here\n"
                        "? e\n"
                        "> e is unknown\n");
}

/* Proves that scattered data serve as dependencies, and tell nobody. */
static void test_scatter(void **state)
{
    (void)state;
    trace_tell(two_threads, "scatter d:100\n"
                            "> keep d\n"
                            "compute x needs=d@w:1\n"
                            "> execute x\n"
                            "free d\n"
                            "> release-worker-data d\n");
}

/* Proves that data scattered onto a task that is awaited or comes does no harm. */
static void test_scatter_what_is_awaited(void **state)
{
    (void)state;
    trace_tell(two_threads, "compute x needs=d@A,e\n"
                            "> gather A: d (1)\n"
                            "scatter d:5 e:5\n"
                            "> keep e\n"
                            "came A d\n"
                            "> keep d\n"
                            "> add-keys d\n"
                            "> execute x\n");
}

/* Proves that replicas are given up, but not those in use. */
static void test_remove_replicas(void **state)
{
    (void)state;
    trace_tell(two_threads, "scatter d e\n"
                            "> keep e\n"
                            "> keep d\n"
                            "compute x needs=d@w:1\n"
                            "> execute x\n"
                            "remove d e u\n"
                            "> add-keys d\n"
                            "> release-worker-data e\n"
                            "done x\n"
                            "> keep x\n"
                            "> task-finished x run=1 nbytes=1\n"
                            "remove d\n"
                            "> release-worker-data d\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run),
        cmocka_unit_test(test_priorities),
        cmocka_unit_test(test_ahead),
        cmocka_unit_test(test_not_ahead),
        cmocka_unit_test(test_depth_first),
        cmocka_unit_test(test_failure),
        cmocka_unit_test(test_reschedule),
        cmocka_unit_test(test_compute_what_is_there),
        cmocka_unit_test(test_steal),
        cmocka_unit_test(test_pause),
        cmocka_unit_test(test_secede),
        cmocka_unit_test(test_resources),
        cmocka_unit_test(test_scatter),
        cmocka_unit_test(test_scatter_what_is_awaited),
        cmocka_unit_test(test_remove_replicas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
