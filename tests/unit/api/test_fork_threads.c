/* Forking while other threads of the host are busy. */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "api_support.h"

struct builder {
    dk_context *dk;
    dk_frame df;
    atomic_bool is_over;
};

/* Asks for a column that is there already, which takes no memory: the address sanitizer's allocator
 * does not survive a fork while another thread allocates. */
static void *build_all_the_time(void *arg)
{
    struct builder *builder = arg;
    while (!atomic_load(&builder->is_over))
        dk_forget(dk_col(builder->df, "high"));
    return NULL;
}

static dk_status count_days(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                            dk_error *err)
{
    (void)args, (void)nargs, (void)err;
    const struct builder *builder = dk_task_user(task);
    dk_frame days = dk_nunique(dk_dt_floor(dk_col(builder->df, "timestamp"), "1d"));
    *result = dk_value_int(dk_frame_npartitions(days));
    return dk_frame_error(days) ? dk_frame_error(days)->status : DK_OK;
}

/* Children can build expressions though another thread of their parent builds all the time. */
static void test_building_in_children(void **state)
{
    (void)state;
    struct days days;
    days_make(&days, 2);
    dk_context *dk = dk_open(&(dk_options){.scheduler = "processes", .num_workers = 1});
    struct builder builder = {.df = days_read(dk, &days)};
    dk_frame high = dk_col(builder.df, "high");
    assert_int_equal(dk_register(dk, "count_days", count_days, &builder, NULL), DK_OK);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, build_all_the_time, &builder), 0);
    for (int i = 0; i < 30; i++) {
        dk_value value = dk_value_null();
        dk_frame call = dk_delayed(dk, "count_days", NULL, 0);
        assert_int_equal(dk_compute_values(&call, 1, NULL, &value), DK_OK);
        assert_int_equal(value.as.integer, 1);
        dk_forget(call);
    }
    atomic_store(&builder.is_over, true);
    pthread_join(thread, NULL);
    dk_forget(high);
    dk_close(dk);
    days_remove(&days);
}

static dk_status do_nothing(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                            dk_error *err)
{
    (void)task, (void)args, (void)nargs, (void)result, (void)err;
    return DK_OK;
}

static void *register_all_the_time(void *arg)
{
    struct builder *builder = arg;
    while (!atomic_load(&builder->is_over))
        if (dk_register(builder->dk, "nothing", do_nothing, NULL, NULL) != DK_OK)
            abort();
    return NULL;
}

static void *watch_all_the_time(void *arg)
{
    struct builder *builder = arg;
    volatile int cancel = 0;
    dk_interrupt watch;
    while (!atomic_load(&builder->is_over)) {
        if (dk_interrupt_begin(&cancel, &watch, NULL) != DK_OK)
            abort();
        dk_interrupt_end(&watch);
    }
    return NULL;
}

/* What needs each of the locks once, in a child that waits for none for ever. */
static void use(struct builder *builder)
{
    alarm(20);
    volatile int cancel = 0;
    dk_interrupt watch;
    dk_forget(dk_col(builder->df, "high"));
    bool is_fine = dk_register(builder->dk, "nothing", do_nothing, NULL, NULL) == DK_OK &&
                   dk_interrupt_begin(&cancel, &watch, NULL) == DK_OK;
    dk_interrupt_end(&watch);
    _exit(is_fine ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* So can children that the host forks by itself: no lock is left taken, in any of its contexts. */
static void test_forks_of_the_host(void **state)
{
    (void)state;
    void *(*const threads[])(void *) = {build_all_the_time, register_all_the_time,
                                        watch_all_the_time};
    pthread_t ids[3];
    struct days days;
    days_make(&days, 2);
    dk_context *other = dk_open(NULL);
    dk_context *dk = dk_open(NULL);
    dk_close(dk_open(NULL));
    struct builder builder = {.dk = dk, .df = days_read(dk, &days)};
    dk_frame high = dk_col(builder.df, "high");
    assert_int_equal(dk_register(dk, "nothing", do_nothing, NULL, NULL), DK_OK);
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&ids[i], NULL, threads[i], &builder), 0);
    for (int i = 0; i < 100; i++) {
        pid_t pid = fork();
        if (pid == 0)
            use(&builder);
        int status = -1;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
    }
    atomic_store(&builder.is_over, true);
    for (int i = 0; i < 3; i++)
        pthread_join(ids[i], NULL);
    dk_forget(high);
    dk_close(other);
    dk_close(dk);
    days_remove(&days);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_building_in_children),
        cmocka_unit_test(test_forks_of_the_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
