/* The worker's core: what cannot be stopped is cancelled, and may be resumed by the other way.
 *
 * Source: the cases of distributed's test_cancelled_state.py. */
#include "support/worker_trace.h"

static const struct wkr_options one_thread = {.nthreads = 1};

/* Proves that the end of a run that nobody wants any more is neither kept nor told. */
static void test_cancelled_run(void **state)
{
    (void)state;
    trace_tell(one_thread, "compute x\n"
                           "> execute x\n"
                           "free x\n"
                           "? x\n"
                           "> x is cancelled\n"
                           "done x\n"
                           "? x\n"
                           "> x is unknown\n"
                           "compute y\n"
                           "> execute y\n"
                           "free y\n"
                           "fail y\n"
                           "? y\n"
                           "> y is unknown\n");
}

/* Proves that a cancelled run goes on as if nothing had happened when it is wanted again, and is
 * told under the run for which it began. */
static void test_wanted_again(void **state)
{
    (void)state;
    trace_tell(one_thread, "compute x run=1\n"
                           "> execute x\n"
                           "free x\n"
                           "compute x run=2\n"
                           "? x\n"
                           "> x is executing\n"
                           "done x\n"
                           "> keep x\n"
                           "> task-finished x run=1 nbytes=1\n");
}

/* Proves that a cancelled task that still runs keeps its thread and its resources. */
static void test_cancelled_run_holds_its_thread(void **state)
{
    (void)state;
    struct wkr_resource resource = {{"R", 1}, 1};
    struct wkr_options options = {.nthreads = 1, .resources = &resource, .nresources = 1};
    trace_tell(options, "compute x res=R:1\n"
                        "> execute x\n"
                        "free x\n"
                        "compute y res=R:1\n"
                        "? y\n"
                        "> y is constrained\n"
                        "done x\n"
                        "> execute y\n");
}

/* Proves that a seceded task that was cancelled in between tells again that it has seceded. */
static void test_seceded_while_cancelled(void **state)
{
    (void)state;
    trace_tell(one_thread, "compute x run=1\n"
                           "> execute x\n"
                           "free x\n"
                           "secede x\n"
                           "compute x run=2\n"
                           "> long-running x\n"
                           "done x\n"
                           "> keep x\n"
                           "> task-finished x run=1 nbytes=1\n");
}

/* Proves that a run that was cancelled and whose result is now wanted from a peer is told as a
 * copy; and that its failure leads to the peer. */
static void test_run_resumed_as_fetch(void **state)
{
    (void)state;
    trace_tell(one_thread, "compute x\n"
                           "> execute x\n"
                           "free x\n"
                           "compute y needs=x@A\n"
                           "? x y\n"
                           "> x is resumed\n"
                           "> y is waiting\n"
                           "done x\n"
                           "> keep x\n"
                           "> add-keys x\n"
                           "> execute y\n");
    trace_tell(one_thread, "compute x\n"
                           "> execute x\n"
                           "free x\n"
                           "compute y needs=x@A\n"
                           "fail x\n"
                           "> gather A: x (1)\n");
    trace_tell(one_thread, "compute x\n"
                           "> execute x\n"
                           "free x\n"
                           "compute y needs=x@A\n"
                           "reschedule x\n"
                           "> gather A: x (1)\n");
}

/* Proves that a resumed run can be cancelled and wanted as such again. */
static void test_resumed_run_is_cancelled(void **state)
{
    (void)state;
    trace_tell(one_thread, "compute x\n"
                           "> execute x\n"
                           "free x\n"
                           "compute y needs=x@A\n"
                           "free y x\n"
                           "? x y\n"
                           "> x is cancelled\n"
                           "> y is unknown\n"
                           "compute x\n"
                           "? x\n"
                           "> x is executing\n"
                           "done x\n"
                           "> keep x\n"
                           "> task-finished x run=1 nbytes=1\n");
}

/* Proves that what comes though nobody wants it any more is dropped. */
static void test_cancelled_flight(void **state)
{
    (void)state;
    trace_tell(one_thread, "compute y needs=x@A\n"
                           "> gather A: x (1)\n"
                           "free y\n"
                           "? x y\n"
                           "> x is cancelled\n"
                           "> y is unknown\n"
                           "came A x\n"
                           "? x\n"
                           "> x is unknown\n");
    trace_tell(one_thread, "compute y needs=x@A\n"
                           "> gather A: x (1)\n"
                           "free y\n"
                           "down A\n"
                           "? x\n"
                           "> x is unknown\n");
    trace_tell(one_thread, "compute y needs=x@A\n"
                           "> gather A: x (1)\n"
                           "free y\n"
                           "busy A\n"
                           "> request-refresh-who-has x\n"
                           "? x\n"
                           "> x is unknown\n"
                           "at 150\n");
}

/* Proves that a cancelled transfer goes on when it is wanted again. */
static void test_flight_wanted_again(void **state)
{
    (void)state;
    trace_tell(one_thread, "compute y needs=x@A\n"
                           "> gather A: x (1)\n"
                           "free y\n"
                           "compute z needs=x@A\n"
                           "? x\n"
                           "> x is flight\n"
                           "came A x\n"
                           "> keep x\n"
                           "> add-keys x\n"
                           "> execute z\n");
}

/* Proves that what is coming is not computed as well, but told as if it had been; and is computed
 * when it does not come. */
static void test_flight_resumed_as_run(void **state)
{
    (void)state;
    trace_tell(one_thread, "compute y needs=x@A\n"
                           "> gather A: x (1)\n"
                           "free y\n"
                           "compute x run=9\n"
                           "? x\n"
                           "> x is resumed\n"
                           "came A x:5\n"
                           "> keep x\n"
                           "> task-finished x run=9 nbytes=5\n");
    trace_tell(one_thread, "compute y needs=x@A\n"
                           "> gather A: x (1)\n"
                           "free y\n"
                           "compute x run=9\n"
                           "down A\n"
                           "> execute x\n");
    trace_tell(one_thread, "compute y needs=x@A\n"
                           "> gather A: x (1)\n"
                           "free y\n"
                           "compute x run=9\n"
                           "came A\n"
                           "> execute x\n");
    trace_tell(one_thread, "compute y needs=x@A\n"
                           "> gather A: x (1)\n"
                           "free y\n"
                           "compute x run=9\n"
                           "garbled A\n"
                           "> execute x\n");
}

/* Proves that a resumed transfer that is wanted as such again is one. */
static void test_resumed_flight_is_fetched(void **state)
{
    (void)state;
    trace_tell(one_thread, "compute y needs=x@A\n"
                           "> gather A: x (1)\n"
                           "free y\n"
                           "compute x run=9\n"
                           "free x\n"
                           "? x\n"
                           "> x is cancelled\n"
                           "compute z needs=x@A\n"
                           "? x\n"
                           "> x is flight\n"
                           "came A x\n"
                           "> keep x\n"
                           "> add-keys x\n"
                           "> execute z\n");
}

/* Proves that dependencies of a task that resumes a transfer are known, but not fetched, until it
 * turns out that it must run. */
static void test_resumed_flight_with_dependencies(void **state)
{
    (void)state;
    trace_tell(one_thread, "compute y needs=x@A\n"
                           "> gather A: x (1)\n"
                           "free y\n"
                           "compute x run=9 needs=d@B\n"
                           "? d\n"
                           "> d is released\n"
                           "came A\n"
                           "> gather B: d (1)\n"
                           "came B d\n"
                           "> keep d\n"
                           "> add-keys d\n"
                           "> execute x\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cancelled_run),
        cmocka_unit_test(test_wanted_again),
        cmocka_unit_test(test_cancelled_run_holds_its_thread),
        cmocka_unit_test(test_seceded_while_cancelled),
        cmocka_unit_test(test_run_resumed_as_fetch),
        cmocka_unit_test(test_resumed_run_is_cancelled),
        cmocka_unit_test(test_cancelled_flight),
        cmocka_unit_test(test_flight_wanted_again),
        cmocka_unit_test(test_flight_resumed_as_run),
        cmocka_unit_test(test_resumed_flight_is_fetched),
        cmocka_unit_test(test_resumed_flight_with_dependencies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
