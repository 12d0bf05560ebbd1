/* Sampled stacks. */
#include "diagnostics_support.h"

#include <pthread.h>
#include <signal.h>

static volatile uint64_t sink;

/* Named functions to be found in samples; they run until the sampler has enough. */
__attribute__((noinline)) static void spin_in_a_named_function(const dk_stacks *stacks,
                                                               size_t wanted)
{
    while (dk_stacks_count(stacks) < wanted)
        sink = sink * 3 + 1;
}

struct spinner {
    const dk_stacks *stacks;
};

static void *spin_in_another_thread(void *arg)
{
    const struct spinner *spinner = arg;
    spin_in_a_named_function(spinner->stacks, 20);
    return NULL;
}

/* Samples of two busy threads show the functions they are in, and the signal's handler is put back.
 */
static void test_functions_are_found(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    dk_context *dk = context_open(memory);
    dk_stacks *stacks = NULL;
    dk_stacks *second = NULL;
    dk_error err = {0};
    assert_int_equal(dk_stacks_start(dk, 0.001, 1000, &stacks, &err), DK_OK);
    assert_int_equal(dk_stacks_start(dk, 0.001, 1000, &second, &err), DK_ENOTSUP);
    struct spinner spinner = {stacks};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, spin_in_another_thread, &spinner), 0);
    spin_in_a_named_function(stacks, 20);
    pthread_join(thread, NULL);
    dk_stacks_stop(stacks);
    char *text = NULL;
    assert_int_equal(dk_stacks_text(stacks, &text), DK_OK);
    assert_non_null(strstr(text, "spin_in_a_named_function"));
    assert_non_null(strstr(text, "spin_in_another_thread"));
    dk_text_free(text);
    dk_stacks_free(stacks);
    struct sigaction action;
    assert_int_equal(sigaction(SIGRTMIN + 4, NULL, &action), 0);
    assert_ptr_equal(action.sa_handler, SIG_DFL);
    context_close(dk);
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
}

/* Samples beyond the room for them are counted, not kept. */
static void test_room_is_limited(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    dk_context *dk = context_open(memory);
    dk_stacks *stacks = NULL;
    dk_error err = {0};
    assert_int_equal(dk_stacks_start(dk, 0.001, 2, &stacks, &err), DK_OK);
    while (dk_stacks_ndropped(stacks) < 3)
        sink = sink * 3 + 1;
    assert_int_equal(dk_stacks_count(stacks), 2);
    dk_stacks_free(stacks);
    assert_int_equal(dk_stacks_start(dk, -1, 0, &stacks, &err), DK_EINVAL);
    context_close(dk);
    memory_close(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_functions_are_found),
        cmocka_unit_test(test_room_is_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
