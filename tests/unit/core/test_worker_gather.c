/* The worker's core: what it gets from whom, in which portions, and what it does when that fails.
 */
#include "support/worker_trace.h"

static const struct wkr_options two_threads = {.nthreads = 2};

/* Proves that dependencies that one peer has come in one message. */
static void test_one_message(void **state)
{
    (void)state;
    trace_tell(two_threads, "compute x needs=a@A:100,b@A:200,c@B:300\n"
                            "> gather A: a b (300)\n"
                            "> gather B: c (300)\n"
                            "came A a:11 b:22\n"
                            "> keep b\n"
                            "> add-keys b\n"
                            "> keep a\n"
                            "> add-keys a\n"
                            "came B c:33\n"
                            "> keep c\n"
                            "> add-keys c\n"
                            "> execute x\n"
                            "free a b c x\n"
                            "> release-worker-data c\n"
                            "> release-worker-data b\n"
                            "> release-worker-data a\n"
                            "? x a\n"
                            "> x is cancelled\n"
                            "> a is released\n"
                            "done x\n"
                            "? x a\n"
                            "> x is unknown\n"
                            "> a is unknown\n");
}

/* Proves that a copy on this machine is preferred, then the peer that has more of what is needed.
 */
static void test_preference(void **state)
{
    (void)state;
    trace_tell(two_threads, "pause\n"
                            "compute x needs=a@A+w:2,b@A,c@A\n"
                            "compute y needs=d@B+C,e@C,f@C\n"
                            "unpause\n"
                            "> gather C: d e f (3)\n"
                            "> gather w:2: a (1)\n"
                            "> gather A: b c (2)\n");
}

/* Proves that the task of the best priority is fetched first. */
static void test_priority(void **state)
{
    (void)state;
    struct wkr_options options = {.nthreads = 1, .incoming_nbytes_max = 100};
    trace_tell(options, "pause\n"
                        "compute x needs=a@A:60 prio=0,0,1\n"
                        "compute y needs=b@B:60 prio=0,0,0\n"
                        "acquire r@C:60\n"
                        "unpause\n"
                        "> gather B: b (60)\n"
                        "came B b\n"
                        "> keep b\n"
                        "> add-keys b\n"
                        "> execute y\n"
                        "> gather A: a (60)\n"
                        "came A a\n"
                        "> keep a\n"
                        "> add-keys a\n"
                        "> gather C: r (60)\n");
}

/* Proves that a message holds so much and no more, and that one task is fetched whatever its size.
 */
static void test_message_limit(void **state)
{
    (void)state;
    struct wkr_options options = {.nthreads = 1, .message_nbytes_max = 100};
    trace_tell(options, "compute x needs=a@A:60,b@A:30,c@A:20,d@B:1000\n"
                        "> gather A: a b (90)\n"
                        "> gather B: d (1000)\n"
                        "came A a b\n"
                        "> keep b\n"
                        "> add-keys b\n"
                        "> keep a\n"
                        "> add-keys a\n"
                        "> gather A: c (20)\n");
}

/* Proves that the number of gathers is limited only while much is on its way. */
static void test_count_limit(void **state)
{
    (void)state;
    struct wkr_options options = {.nthreads = 1, .gathers_max = 1};
    trace_tell(options, "pause\n"
                        "compute x needs=a@A:6000000 prio=0,0,0\n"
                        "compute y needs=b@B:6000000 prio=0,0,1\n"
                        "compute z needs=c@C:6000000 prio=0,0,2\n"
                        "unpause\n"
                        "> gather A: a (6000000)\n"
                        "> gather B: b (6000000)\n"
                        "came B b\n"
                        "> keep b\n"
                        "> add-keys b\n"
                        "> execute y\n"
                        "> gather C: c (6000000)\n");
}

/* Proves that a busy peer is asked again after 150 ms, and not before; and that the scheduler is
 * asked who else has the data. */
static void test_busy(void **state)
{
    (void)state;
    trace_tell(two_threads, "compute x needs=a@A\n"
                            "> gather A: a (1)\n"
                            "busy A\n"
                            "> request-refresh-who-has a\n"
                            "? a\n"
                            "> a is fetch\n"
                            "at 149\n"
                            "at 150\n"
                            "> gather A: a (1)\n"
                            "busy A\n"
                            "> request-refresh-who-has a\n"
                            "refresh a@A+B\n"
                            "> gather B: a (1)\n");
}

/* Proves that another copy is tried at once when a peer is busy. */
static void test_busy_with_another_copy(void **state)
{
    (void)state;
    trace_tell(two_threads, "compute x needs=a@A+w:2\n"
                            "> gather w:2: a (1)\n"
                            "busy w:2\n"
                            "> gather A: a (1)\n"
                            "at 150\n");
}

/* Proves that data that a peer turns out not to have are looked for elsewhere, then asked for each
 * second. */
static void test_missing(void **state)
{
    (void)state;
    trace_tell(two_threads, "compute x needs=a@A+w:2\n"
                            "> gather w:2: a (1)\n"
                            "came w:2\n"
                            "> gather A: a (1)\n"
                            "came A\n"
                            "? a\n"
                            "> a is missing\n"
                            "at 999\n"
                            "at 1000\n"
                            "> request-refresh-who-has a\n"
                            "refresh a\n"
                            "at 2000\n"
                            "> request-refresh-who-has a\n"
                            "refresh a@B\n"
                            "> gather B: a (1)\n"
                            "came B a\n"
                            "> keep a\n"
                            "> add-keys a\n"
                            "> execute x\n"
                            "at 3000\n");
}

/* Proves that a peer whose connection breaks loses all that it had, asked for or not. */
static void test_network_failure(void **state)
{
    (void)state;
    struct wkr_options options = {.nthreads = 1, .message_nbytes_max = 10};
    trace_tell(options, "pause\n"
                        "compute x needs=a@A+B:10 prio=0,0,0\n"
                        "compute y needs=c@A+C:10 prio=0,0,1\n"
                        "compute z needs=b@A:10 prio=0,0,2\n"
                        "unpause\n"
                        "> gather A: a (10)\n"
                        "> gather C: c (10)\n"
                        "? b\n"
                        "> b is fetch\n"
                        "down A\n"
                        "> gather B: a (10)\n"
                        "? a b c\n"
                        "> a is flight\n"
                        "> b is missing\n"
                        "> c is flight\n"
                        "down B\n"
                        "down C\n"
                        "? a b c\n"
                        "> a is missing\n"
                        "> b is missing\n"
                        "> c is missing\n"
                        "at 1000\n"
                        "> request-refresh-who-has b a c\n");
}

/* Proves that a worker that has left is not asked any more. */
static void test_remove_worker(void **state)
{
    (void)state;
    struct wkr_options options = {.nthreads = 1, .message_nbytes_max = 10};
    trace_tell(options, "pause\n"
                        "compute x needs=a@A:10 prio=0,0,0\n"
                        "compute y needs=c@A+B:10 prio=0,0,1\n"
                        "compute z needs=b@A:10 prio=0,0,2\n"
                        "unpause\n"
                        "> gather A: a (10)\n"
                        "> gather B: c (10)\n"
                        "lost A\n"
                        "lost Z\n"
                        "? a b c\n"
                        "> a is flight\n"
                        "> b is missing\n"
                        "> c is flight\n"
                        "came A a\n"
                        "> keep a\n"
                        "> add-keys a\n"
                        "> execute x\n");
}

/* Proves that a dependency that cannot be read makes those fail who wait for it, and no others. */
static void test_garbled(void **state)
{
    (void)state;
    trace_tell(two_threads, "compute x run=5 needs=a@A\n"
                            "> gather A: a (1)\n"
                            "compute y run=6 needs=a@A,b@B\n"
                            "> gather B: b (1)\n"
                            "compute z run=7 needs=b@B\n"
                            "garbled A\n"
                            "> task-erred a run=-1\n"
                            "> task-erred y run=6\n"
                            "> task-erred x run=5\n"
                            "came B b\n"
                            "> keep b\n"
                            "> add-keys b\n"
                            "> execute z\n"
                            "free x y a\n"
                            "? x y a\n"
                            "> x is unknown\n"
                            "> y is unknown\n"
                            "> a is unknown\n");
}

/* Proves that a copy which was acquired for its own sake, and cannot be read, leaves nothing
 * behind.
 */
static void test_garbled_copy(void **state)
{
    (void)state;
    trace_tell(two_threads, "acquire a@A:5\n"
                            "> gather A: a (5)\n"
                            "garbled A\n"
                            "? a\n"
                            "> a is unknown\n"
                            "acquire a@A:5\n"
                            "> gather A: a (5)\n");
}

/* Proves that copies are acquired for their own sake, once. */
static void test_acquire(void **state)
{
    (void)state;
    trace_tell(two_threads, "acquire a@A:5 b@A:6\n"
                            "> gather A: a b (11)\n"
                            "acquire a@A:5\n"
                            "came A a:5 b:6\n"
                            "> keep b\n"
                            "> add-keys b\n"
                            "> keep a\n"
                            "> add-keys a\n"
                            "acquire a@A:5\n"
                            "free a b\n"
                            "> release-worker-data b\n"
                            "> release-worker-data a\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_message),
        cmocka_unit_test(test_preference),
        cmocka_unit_test(test_priority),
        cmocka_unit_test(test_message_limit),
        cmocka_unit_test(test_count_limit),
        cmocka_unit_test(test_busy),
        cmocka_unit_test(test_busy_with_another_copy),
        cmocka_unit_test(test_missing),
        cmocka_unit_test(test_network_failure),
        cmocka_unit_test(test_remove_worker),
        cmocka_unit_test(test_garbled),
        cmocka_unit_test(test_garbled_copy),
        cmocka_unit_test(test_acquire),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
