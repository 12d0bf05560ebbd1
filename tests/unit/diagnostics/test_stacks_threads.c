/* Sampled stacks. */
#include "diagnostics_support.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "diagnostics/stacks.h"
#include "diagnostics/symbols.h"

struct fixture {
    struct memory *memory;
    dk_context *dk;
    dk_stacks *stacks;
};

static void init(struct fixture *fixture, int32_t max_samples)
{
    fixture->memory = memory_new(NULL, 0);
    fixture->dk = context_open(fixture->memory);
    assert_int_equal(dk_stacks_start(fixture->dk, 0.001, max_samples, &fixture->stacks, NULL),
                     DK_OK);
}

static void deinit(struct fixture *fixture)
{
    dk_stacks_free(fixture->stacks);
    context_close(fixture->dk);
    assert_int_equal(memory_use(fixture->memory).current, 0);
    memory_close(fixture->memory);
}

/* Named functions to be found in samples; they run until the sampler has enough. The system call
 * is where the thread sanitizer delivers signals. */
__attribute__((noinline)) static void spin_in_a_named_function(const dk_stacks *stacks,
                                                               size_t wanted)
{
    while (dk_stacks_count(stacks) + dk_stacks_ndropped(stacks) < wanted) {
        for (volatile int i = 0; i < 1000; i++) {
        }
        getppid();
    }
}

static void *spin_in_another_thread(void *arg)
{
    spin_in_a_named_function(arg, 40);
    return NULL;
}

/* Samples of two busy threads show the functions they are in, as a tree and as paths. */
static void test_functions_are_found(void **state)
{
    (void)state;
    struct fixture fixture;
    init(&fixture, 1000);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, spin_in_another_thread, fixture.stacks), 0);
    spin_in_a_named_function(fixture.stacks, 40);
    pthread_join(thread, NULL);
    char *text = NULL;
    dk_stacks_stop(fixture.stacks);
    assert_int_equal(dk_stacks_text(fixture.stacks, &text), DK_OK);
    assert_non_null(strstr(text, " spin_in_a_named_function\n"));
    assert_non_null(strstr(text, " spin_in_another_thread\n"));
    assert_null(strstr(text, "child processes"));
    dk_text_free(text);
    assert_int_equal(dk_stacks_folded(fixture.stacks, &text), DK_OK);
    assert_non_null(strstr(text, ";spin_in_another_thread;spin_in_a_named_function"));
    dk_text_free(text);
    deinit(&fixture);
}

static void handle(int signal)
{
    (void)signal;
}

/* A second sampler is refused, and the program's own handler is back after the first. */
static void test_signal_is_given_back(void **state)
{
    (void)state;
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    action.sa_handler = handle;
    assert_int_equal(sigaction(SIGRTMIN + 4, &action, NULL), 0);
    struct fixture fixture;
    init(&fixture, 0);
    dk_stacks *second = NULL;
    assert_int_equal(dk_stacks_start(fixture.dk, 0, 0, &second, NULL), DK_ENOTSUP);
    deinit(&fixture);
    action.sa_handler = SIG_DFL;
    struct sigaction after;
    assert_int_equal(sigaction(SIGRTMIN + 4, &action, &after), 0);
    assert_ptr_equal(after.sa_handler, handle);
}

/* When there is no more room every second sample goes, and none of the room is exceeded. */
static void test_room_is_limited(void **state)
{
    (void)state;
    struct fixture fixture;
    init(&fixture, 4);
    spin_in_a_named_function(fixture.stacks, 9);
    dk_stacks_stop(fixture.stacks);
    assert_in_range(dk_stacks_count(fixture.stacks), 2, 4);
    assert_true(dk_stacks_ndropped(fixture.stacks) >= 4);
    deinit(&fixture);
}

struct deaf {
    const dk_stacks *stacks;
    bool is_pending;
};

static void *spin_deaf(void *arg)
{
    struct deaf *deaf = arg;
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGRTMIN + 4);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    spin_in_a_named_function(deaf->stacks, 20);
    sigpending(&signals);
    deaf->is_pending = sigismember(&signals, SIGRTMIN + 4);
    return NULL;
}

static void *spin(void *arg)
{
    spin_in_a_named_function(arg, 20);
    return NULL;
}

/* A thread that blocks the signal is not asked, so nothing waits for it. */
static void test_deaf_threads(void **state)
{
    (void)state;
    struct fixture fixture;
    init(&fixture, 0);
    struct deaf deaf = {.stacks = fixture.stacks};
    pthread_t threads[2];
    assert_int_equal(pthread_create(&threads[0], NULL, spin_deaf, &deaf), 0);
    assert_int_equal(pthread_create(&threads[1], NULL, spin, fixture.stacks), 0);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    assert_false(deaf.is_pending);
    deinit(&fixture);
}

/* What children used is said to be out of reach. */
static void test_children_are_named(void **state)
{
    (void)state;
    struct fixture fixture;
    init(&fixture, 0);
    pid_t pid = fork();
    if (pid == 0) {
        int64_t end_ns = time_now_ns() + 50 * 1000 * 1000;
        while (time_now_ns() < end_ns) {
        }
        _exit(0);
    }
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    dk_stacks_stop(fixture.stacks);
    char *text = NULL;
    assert_int_equal(dk_stacks_text(fixture.stacks, &text), DK_OK);
    assert_non_null(strstr(text, "child processes used"));
    assert_non_null(strstr(text, "out of reach"));
    dk_text_free(text);
    deinit(&fixture);
}

/* Options that make no sense are refused with their values. */
static void test_bad_options(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    dk_context *dk = context_open(memory);
    dk_stacks *stacks = NULL;
    dk_error error = {0};
    assert_int_equal(dk_stacks_start(dk, -1, 0, &stacks, &error), DK_EINVAL);
    assert_non_null(strstr(error.message, "-1"));
    assert_int_equal(dk_stacks_start(dk, 0, 1, &stacks, &error), DK_EINVAL);
    assert_non_null(strstr(error.message, "max_samples"));
    context_close(dk);
    memory_close(memory);
}

static void *address_of(void (*function)(void **))
{
    void *address = NULL;
    memcpy(&address, &function, sizeof(address));
    return address;
}

static dk_status print_samples(struct memory *memory)
{
    void *outer = address_of(test_functions_are_found);
    struct stack_sample samples[3] = {
        {.frames = {(char *)address_of(test_bad_options) + 8, (char *)outer + 8}, .depth = 2},
        {.frames = {(char *)outer + 9}, .depth = 1},
        {.frames = {(char *)address_of(test_bad_options) + 4, (char *)outer + 8}, .depth = 2},
    };
    struct text text;
    text_init(&text, memory);
    dk_status status = stacks_put_tree(memory, samples, 3, &text);
    if (status == DK_OK)
        status = stacks_put_folded(memory, samples, 3, &text);
    if (status == DK_OK)
        status = text_status(&text);
    if (status == DK_OK)
        assert_string_equal(text.data, " total   self  function, callers above\n"
                                       "100.0%  33.3%  test_functions_are_found\n"
                                       " 66.7%  66.7%   test_bad_options\n"
                                       "test_functions_are_found 1\n"
                                       "test_functions_are_found;test_bad_options 2\n");
    text_deinit(&text);
    return status;
}

/* Shares add up by function, whatever the address in it; every failed allocation is answered. */
static void test_tree(void **state)
{
    (void)state;
    fail_each_allocation(print_samples);
}

/* Many addresses keep their names as the table of them grows. */
static void test_many_symbols(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    struct symbols symbols;
    symbols_init(&symbols, memory);
    uintptr_t begin = (uintptr_t)address_of(test_many_symbols);
    const char *name = symbols_name(&symbols, begin);
    assert_string_equal(name, "test_many_symbols");
    for (uintptr_t i = 1; i < 1000; i++)
        assert_string_equal(symbols_name(&symbols, i), "(unknown)");
    assert_ptr_equal(symbols_name(&symbols, begin), name);
    symbols_deinit(&symbols);
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_functions_are_found),
        cmocka_unit_test(test_signal_is_given_back),
        cmocka_unit_test(test_room_is_limited),
        cmocka_unit_test(test_deaf_threads),
        cmocka_unit_test(test_children_are_named),
        cmocka_unit_test(test_bad_options),
        cmocka_unit_test(test_tree),
        cmocka_unit_test(test_many_symbols),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
