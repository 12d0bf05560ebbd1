/* What a context is opened with. */
#include "api_support.h"

static int nforks;

static int lock(void)
{
    return 1;
}

static void do_nothing(void)
{
}

static void count_fork(void)
{
    nforks++;
}

static void unlock(int locked)
{
    nforks -= locked != 1;
}

/* Proves that fork hooks are taken all or none, by copy, and reach the scheduler that forks. */
static void test_fork_hooks(void **state)
{
    (void)state;
    dk_fork_hooks hooks = {lock, do_nothing, count_fork, do_nothing, unlock};
    dk_options options = {.fork_hooks = &hooks, .scheduler = "processes", .num_workers = 1};
    dk_context *dk = NULL;
    dk_error err = {0};
    assert_int_equal(dk_open_with(&options, &dk, &err), DK_OK);
    hooks = (dk_fork_hooks){0};
    dk_table *table = NULL;
    struct days days;
    days_make(&days, 1);
    dk_frame size = dk_size(dk_col(days_read(dk, &days), "open"));
    assert_int_equal(dk_compute(size, &(dk_compute_options){.error = &err}, &table), DK_OK);
    assert_int_equal(nforks, 1);
    dk_table_unref(table);
    dk_close(dk);
    days_remove(&days);

    assert_int_equal(dk_open_with(&options, &dk, &err), DK_OK);
    dk_close(dk);
    hooks.before = do_nothing;
    assert_int_equal(dk_open_with(&options, &dk, &err), DK_EINVAL);
    assert_string_equal(err.message, "fork_hooks: expected all five functions, or none, not 1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fork_hooks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
