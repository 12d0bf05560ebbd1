#include "support/failing_allocator.h"

#include <string.h>

#include "graph/profile.h"
#include "graph/task.h"

static const struct profile_line *line(const struct profile *profile, enum profile_kind kind,
                                       const char *name)
{
    const struct profile_line *lines = profile->lines.data;
    for (size_t i = 0; i < profile->lines.count; i++) {
        if (lines[i].kind == kind && strcmp(lines[i].name, name) == 0)
            return &lines[i];
    }
    return NULL;
}

/* Proves that the time of kernels is inner time of the function that called them, and of no other.
 */
static void test_inner(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    struct profile profile;
    profile_init(&profile, memory);
    profile_kernel(&profile, "sum", 30, 1000, 8000);
    profile_kernel(&profile, "sum", 20, 1000, 8000);
    profile_kernel(&profile, "take", 5, 10, 80);
    profile_function(&profile, "chain", 100, 7, 64);
    profile_function(&profile, "sum", 40, 1, 8);
    const struct profile_line *kernel = line(&profile, PROFILE_KERNEL, "sum");
    assert_int_equal(kernel->calls, 2);
    assert_int_equal(kernel->total_ns, 50);
    assert_int_equal(kernel->nrows, 2000);
    assert_int_equal(kernel->nbytes, 16000);
    const struct profile_line *chain = line(&profile, PROFILE_FUNCTION, "chain");
    assert_int_equal(chain->inner_ns, 55);
    assert_int_equal(chain->wait_ns, 7);
    assert_int_equal(line(&profile, PROFILE_FUNCTION, "sum")->inner_ns, 0);
    assert_int_equal(profile.lines.count, 4);
    profile_deinit(&profile);
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
}

/* Proves that merging adds lines of the same kind and name, whatever pointer the name is. */
static void test_merge(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    struct profile all;
    struct profile part;
    char name[] = "sum";
    profile_init(&all, memory);
    profile_init(&part, memory);
    profile_function(&all, "sum", 10, 1, 100);
    profile_function(&part, name, 20, 2, 200);
    profile_kernel(&part, name, 5, 50, 500);
    profile_merge(&all, &part);
    profile_merge(&all, &part);
    assert_int_equal(all.lines.count, 2);
    const struct profile_line *function = line(&all, PROFILE_FUNCTION, "sum");
    assert_int_equal(function->calls, 3);
    assert_int_equal(function->total_ns, 50);
    assert_int_equal(function->wait_ns, 5);
    assert_int_equal(function->nbytes, 500);
    assert_int_equal(line(&all, PROFILE_KERNEL, "sum")->nrows, 100);
    profile_deinit(&part);
    profile_deinit(&all);
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
}

/* Proves that kernels of a task that nobody profiles note nothing, and of one that is profiled do.
 */
static void test_task_kernel(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    struct profile profile;
    dk_task quiet = {0};
    dk_task watched = {.profile = &profile};
    profile_init(&profile, memory);
    assert_int_equal(task_kernel_begin(&quiet), 0);
    task_kernel_end(&quiet, "sum", 0, 10, 80);
    int64_t begin_ns = task_kernel_begin(&watched);
    assert_true(begin_ns > 0);
    task_kernel_end(&watched, "sum", begin_ns, 10, 80);
    assert_int_equal(line(&profile, PROFILE_KERNEL, "sum")->nrows, 10);
    profile_deinit(&profile);
    memory_close(memory);
}

static dk_status fill_profile(struct dk_context *dk)
{
    struct profile profile;
    profile_init(&profile, dk->memory);
    profile_kernel(&profile, "sum", 30, 1000, 8000);
    profile_function(&profile, "chain", 100, 7, 64);
    assert_int_equal(profile.is_incomplete, profile.lines.count < 2);
    profile_deinit(&profile);
    return DK_OK;
}

/* Proves that a profile that has no memory for a line says so and that nothing else happens. */
static void test_no_memory(void **state)
{
    (void)state;
    fail_each_allocation_of(fill_profile);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inner),
        cmocka_unit_test(test_merge),
        cmocka_unit_test(test_task_kernel),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
