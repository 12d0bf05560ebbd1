/* The record of CPU and memory. */
#include "diagnostics_support.h"

/* Spends CPU time until `ns` have gone by, so that there is something to read. */
static void burn(int64_t ns)
{
    int64_t end_ns = time_now_ns() + ns;
    volatile uint64_t work = 1;
    while (time_now_ns() < end_ns)
        work = work * 3 + 1;
}

/* Stopping ends the thread at once although the next reading is an hour away, and takes a last
 * reading. */
static void test_stop_ends_at_once(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    dk_context *dk = context_open(memory);
    dk_resources *resources = NULL;
    dk_error err = {0};
    int64_t begin_ns = time_now_ns();
    assert_int_equal(dk_resources_start(dk, 3600, &resources, &err), DK_OK);
    burn(20 * 1000 * 1000);
    assert_int_equal(dk_resources_count(resources), 0);
    dk_resources_stop(resources);
    dk_resources_stop(resources);
    assert_true(time_now_ns() - begin_ns < INT64_C(60) * 1000000000);
    size_t count = dk_resources_count(resources);
    assert_int_equal(count, 2);
    dk_resource_reading last = dk_resources_at(resources, count - 1);
    assert_true(last.cpu_percent > 0);
    assert_true(last.rss_nbytes > 0);
    assert_true(last.ledger_nbytes > 0);
    assert_true(last.time_ns > dk_resources_at(resources, 0).time_ns);
    char *text = NULL;
    assert_int_equal(dk_resources_csv(resources, &text), DK_OK);
    assert_non_null(strstr(text, "time_ns,cpu_percent,rss_nbytes,ledger_nbytes,nchildren\n"));
    dk_text_free(text);
    dk_resources_free(resources);
    context_close(dk);
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
}

/* A step of no length is refused with its value. */
static void test_bad_step_is_refused(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    dk_context *dk = context_open(memory);
    dk_resources *resources = NULL;
    dk_error err = {0};
    assert_int_equal(dk_resources_start(dk, -1, &resources, &err), DK_EINVAL);
    assert_non_null(strstr(err.message, "-1"));
    context_close(dk);
    memory_close(memory);
}

static dk_status read_everything(struct memory *memory)
{
    dk_context *dk = context_open(memory);
    if (!dk)
        return DK_ENOMEM;
    dk_resources *resources = NULL;
    char *text = NULL;
    dk_status status = dk_resources_start(dk, 3600, &resources, NULL);
    if (status == DK_OK) {
        dk_resources_stop(resources);
        status = dk_resources_csv(resources, &text);
    }
    dk_text_free(text);
    dk_resources_free(resources);
    context_close(dk);
    return status;
}

/* A reading without memory is left out, everything else without memory refused. */
static void test_memory(void **state)
{
    (void)state;
    fail_each_allocation(read_everything);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stop_ends_at_once),
        cmocka_unit_test(test_bad_step_is_refused),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
