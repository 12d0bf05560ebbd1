/* The profile: what the schedulers put in, and how it reads. */
#include "unit/diagnostics/diagnostics_support.h"

#include "graph/profile.h"

static void run_profiled(dk_get get, struct dk_profile **profile, dk_context *dk)
{
    assert_int_equal(dk_profile_new(dk, profile), DK_OK);
    dk_get_options options = {.profile = *profile};
    assert_int_equal(run_sum(dk, get, &options, 20), DK_OK);
}

static void check_lines(dk_get get)
{
    struct memory *memory = memory_new(NULL, 0);
    dk_context *dk = context_open(memory);
    dk_profile *profile = NULL;
    run_profiled(get, &profile, dk);
    dk_profile_line lines[8];
    assert_int_equal(dk_profile_lines(profile, lines, 8), 2);
    const dk_profile_line *function = lines[0].is_kernel ? &lines[1] : &lines[0];
    const dk_profile_line *kernel = lines[0].is_kernel ? &lines[0] : &lines[1];
    assert_string_equal(function->name, "add");
    assert_int_equal(function->calls, 21);
    assert_string_equal(kernel->name, "sum of integers");
    assert_int_equal(kernel->calls, 21);
    assert_int_equal(kernel->nrows, 60);
    assert_int_equal(kernel->nbytes, 480);
    assert_int_equal(function->self_ns, function->total_ns - kernel->total_ns);
    assert_int_equal(kernel->self_ns, kernel->total_ns);

    dk_profile_summary sum = dk_profile_sum(profile);
    assert_int_equal(sum.ntasks, 21);
    assert_true(sum.wall_s > 0);
    assert_true(sum.busy_s > 0);
    assert_true(sum.utilisation > 0 && sum.utilisation <= 1);
    dk_profile_free(profile);
    context_close(dk);
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
}

/* Functions and kernels are counted the same in one thread and in several. */
static void test_schedulers_agree(void **state)
{
    (void)state;
    check_lines(dk_get_sync);
    check_lines(dk_get_threads);
}

/* Lines come heaviest first, and a short array gets the heaviest. */
static void test_order(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    dk_context *dk = context_open(memory);
    dk_profile *profile = NULL;
    assert_int_equal(dk_profile_new(dk, &profile), DK_OK);
    static const char *const names[] = {"a", "b", "c", "d", "e"};
    static const int64_t ns[] = {30, 10, 50, 20, 40};
    for (size_t i = 0; i < 5; i++)
        profile_kernel(&profile->lines, names[i], ns[i], 1, 1);
    dk_profile_line lines[3];
    assert_int_equal(dk_profile_lines(profile, lines, 3), 5);
    assert_string_equal(lines[0].name, "c");
    assert_string_equal(lines[1].name, "e");
    assert_string_equal(lines[2].name, "a");
    assert_int_equal(dk_profile_lines(profile, NULL, 0), 5);
    dk_profile_free(profile);
    context_close(dk);
    memory_close(memory);
}

/* The table has a line for all there is, with rows by second where there are rows. */
static void test_text(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    dk_context *dk = context_open(memory);
    dk_profile *profile = NULL;
    assert_int_equal(dk_profile_new(dk, &profile), DK_OK);
    profile_kernel(&profile->lines, "parse csv", 1500000000, 30000000, 3 << 20);
    profile_function(&profile->lines, "read-csv", 2000000000, 5000000, 1024);
    profile->spent = (struct profile_clocks){1250000000, 1900000000, 100000000};
    profile->capacity_ns = 2500000000;
    profile->num_workers = 2;
    char *text = NULL;
    assert_int_equal(dk_profile_text(profile, &text), DK_OK);
    assert_string_equal(
        text,
        "wall 1.25 s, cpu 2.00 s (user 1.90 s, system 100 ms)\n"
        "1 task on 2 workers, busy 2.00 s, utilisation 80%\n"
        "\n"
        "self %        self       total     waiting     calls          rows     bytes   rows/s  "
        "function, or kernel inside\n"
        " 75.0%      1.50 s      1.50 s                     1    30,000,000   3.0 MiB   20.0 M  "
        "  parse csv\n"
        " 25.0%      500 ms      2.00 s      5.0 ms         1                 1.0 KiB           "
        "read-csv\n");
    dk_text_free(text);
    dk_profile_free(profile);
    context_close(dk);
    memory_close(memory);
}

/* All four calls are in it, or it says that they are not. */
static void check_complete(const dk_profile *profile, const char *text)
{
    dk_profile_summary sum = dk_profile_sum(profile);
    assert_true(sum.is_incomplete || sum.ntasks == 4);
    assert_int_equal(sum.is_incomplete, strstr(text, "\nincomplete: ") != NULL);
}

static dk_status profile_everything(struct memory *memory)
{
    dk_context *dk = context_open(memory);
    if (!dk)
        return DK_ENOMEM;
    dk_profile *profile = NULL;
    char *text = NULL;
    dk_status status = dk_profile_new(dk, &profile);
    dk_get_options options = {.profile = profile};
    if (status == DK_OK)
        status = run_sum(dk, dk_get_sync, &options, 3);
    if (status == DK_OK)
        status = dk_profile_text(profile, &text);
    if (status == DK_OK)
        check_complete(profile, text);
    dk_text_free(text);
    dk_profile_free(profile);
    context_close(dk);
    return status;
}

/* Every failed allocation is answered by DK_ENOMEM or a profile that calls itself incomplete, and
 * nothing leaks. */
static void test_memory(void **state)
{
    (void)state;
    fail_each_allocation(profile_everything);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_schedulers_agree),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
