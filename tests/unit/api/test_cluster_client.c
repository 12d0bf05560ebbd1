/* What a client can ask of a cluster and have it do, beside tasks. */
#include <signal.h>

#include <cdask/distributed.h>

#include "api_support.h"

struct fixture {
    dk_context *dk;
    dk_cluster *cluster;
    dk_client *client;
};

static dk_status twice(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                       dk_error *err)
{
    (void)task;
    (void)nargs;
    (void)err;
    *result = dk_value_int(args[0].as.integer * 2);
    return DK_OK;
}

static dk_status pid(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                     dk_error *err)
{
    (void)task;
    (void)args;
    (void)nargs;
    (void)err;
    *result = dk_value_int(getpid());
    return DK_OK;
}

static dk_status refuse(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                        dk_error *err)
{
    (void)task;
    (void)args;
    (void)nargs;
    (void)result;
    strcpy(err->message, "not today");
    return DK_EINVAL;
}

static int begun[2]; /* a pipe that the workers have as well */

/* Says that it has begun, and does not end. */
static dk_status endless(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                         dk_error *err)
{
    (void)task;
    (void)args;
    (void)nargs;
    (void)result;
    (void)err;
    while (write(begun[1], "", 1) == 1)
        pause();
    return DK_EIO;
}

static void begin(struct fixture *fixture)
{
    dk_cluster_options options = {.nworkers = 2, .nthreads = 1};
    fixture->dk = dk_open(NULL);
    assert_int_equal(dk_register(fixture->dk, "twice", twice, NULL, NULL), DK_OK);
    assert_int_equal(dk_register(fixture->dk, "pid", pid, NULL, NULL), DK_OK);
    assert_int_equal(dk_register(fixture->dk, "refuse", refuse, NULL, NULL), DK_OK);
    assert_int_equal(dk_register(fixture->dk, "endless", endless, NULL, NULL), DK_OK);
    assert_int_equal(dk_cluster_open(fixture->dk, &options, &fixture->cluster, NULL), DK_OK);
    dk_client_options client = {.address = dk_cluster_address(fixture->cluster)};
    assert_int_equal(dk_client_open(fixture->dk, &client, &fixture->client, NULL), DK_OK);
}

static void end(struct fixture *fixture)
{
    dk_client_close(fixture->client);
    dk_cluster_close(fixture->cluster);
    dk_close(fixture->dk);
}

static void check(dk_status status, const dk_error *err)
{
    if (status != DK_OK)
        fail_msg("%s", err->message);
}

static void free_all(dk_future **futures, size_t count)
{
    for (size_t i = 0; i < count; i++)
        dk_future_free(futures[i]);
}

/* All in one message, and waited for at once. */
static void test_map(void **state)
{
    (void)state;
    struct fixture fixture;
    dk_error err = {0};
    dk_value args[100], results[100];
    dk_future *futures[100];
    begin(&fixture);
    for (int i = 0; i < 100; i++)
        args[i] = dk_value_int(i);
    check(dk_client_map(fixture.client, "twice", args, 100, NULL, futures, &err), &err);
    check(dk_client_wait(fixture.client, futures, 100, NULL, &err), &err);
    for (int i = 0; i < 100; i++)
        assert_int_equal(dk_future_state(futures[i]), DK_FUTURE_FINISHED);
    check(dk_client_gather(fixture.client, futures, 100, results, &err), &err);
    for (int i = 0; i < 100; i++)
        assert_int_equal(results[i].as.integer, 2 * i);
    dk_submit_options options = {.key = "one"};
    assert_int_equal(dk_client_map(fixture.client, "twice", args, 2, &options, futures, &err),
                     DK_EINVAL);
    args[1] = dk_value_task((dk_task_id){0});
    assert_int_equal(dk_client_map(fixture.client, "twice", args, 2, NULL, futures, &err),
                     DK_EINVAL);
    free_all(futures, 100);
    end(&fixture);
}

/* Who is there, and who has what. */
static void test_questions(void **state)
{
    (void)state;
    struct fixture fixture;
    dk_error err = {0};
    dk_value seven = dk_value_int(7), answer;
    dk_future *future;
    size_t count = 0;
    begin(&fixture);
    check(dk_client_scatter(fixture.client, seven, false, &future, &err), &err);
    check(dk_client_scheduler_info(fixture.client, &answer, &err), &err);
    (void)dk_value_items(dk_value_find(answer, "workers"), &count);
    assert_int_equal(count, 4); /* two keys, two values */
    dk_value_unref(answer);
    check(dk_client_nthreads(fixture.client, &answer, &err), &err);
    const dk_value *threads = dk_value_items(answer, &count);
    assert_int_equal(count, 4);
    assert_int_equal(threads[1].as.integer + threads[3].as.integer, 2);
    dk_value_unref(answer);
    check(dk_client_who_has(fixture.client, &future, 1, &answer, &err), &err);
    const dk_value *holders = dk_value_items(dk_value_find(answer, dk_future_key(future)), &count);
    assert_int_equal(count, 1);
    const char *holder = dk_value_data(holders[0], NULL);
    dk_value what;
    check(dk_client_has_what(fixture.client, &holder, 1, &what, &err), &err);
    const dk_value *keys = dk_value_items(dk_value_find(what, holder), &count);
    assert_int_equal(count, 1);
    assert_string_equal(dk_value_data(keys[0], NULL), dk_future_key(future));
    dk_value_unref(what);
    dk_value_unref(answer);
    dk_future_free(future);
    end(&fixture);
}

static void check_newest(dk_value lines, size_t most, const char *name)
{
    size_t count = 0;
    const dk_value *list = dk_value_items(lines, &count);
    assert_in_range(count, 1, most);
    const dk_value *parts = dk_value_items(list[0], &count);
    assert_int_equal(count, 2);
    assert_non_null(strstr(dk_value_data(parts[1], NULL), dk_value_data(parts[0], NULL)));
    assert_non_null(strstr(dk_value_data(parts[1], NULL), name));
}

/* Of the scheduler, of all workers, of one. */
static void test_logs(void **state)
{
    (void)state;
    struct fixture fixture;
    dk_error err = {0};
    dk_value answer, one;
    size_t count = 0;
    begin(&fixture);
    check(dk_client_scheduler_logs(fixture.client, 0, &answer, &err), &err);
    check_newest(answer, 1000, "distributed.scheduler");
    dk_value_unref(answer);
    check(dk_client_worker_logs(fixture.client, 2, NULL, 0, false, &answer, &err), &err);
    const dk_value *logs = dk_value_items(answer, &count);
    assert_int_equal(count, 4);
    check_newest(logs[1], 2, "distributed.worker");
    const char *worker = dk_value_data(logs[2], NULL);
    check(dk_client_worker_logs(fixture.client, 1, &worker, 1, false, &one, &err), &err);
    check_newest(dk_value_find(one, worker), 1, "distributed.worker");
    (void)dk_value_items(one, &count);
    assert_int_equal(count, 2);
    dk_value_unref(one);
    dk_value_unref(answer);
    end(&fixture);
}

/* At once, on each of them. */
static void test_run(void **state)
{
    (void)state;
    struct fixture fixture;
    dk_error err = {0};
    dk_value answer, future = dk_value_task((dk_task_id){0});
    size_t count = 0;
    begin(&fixture);
    check(dk_client_run(fixture.client, "pid", NULL, 0, NULL, 0, &answer, &err), &err);
    const dk_value *items = dk_value_items(answer, &count);
    assert_int_equal(count, 4);
    assert_int_not_equal(items[1].as.integer, items[3].as.integer);
    assert_int_not_equal(items[1].as.integer, getpid());
    const char *one = dk_value_data(items[0], NULL);
    dk_value alone;
    check(dk_client_run(fixture.client, "pid", NULL, 0, &one, 1, &alone, &err), &err);
    assert_int_equal(dk_value_find(alone, one).as.integer, items[1].as.integer);
    dk_value_unref(alone);
    dk_value_unref(answer);
    assert_int_equal(dk_client_run(fixture.client, "refuse", NULL, 0, NULL, 0, &answer, &err),
                     DK_ETASK);
    assert_non_null(strstr(err.message, "not today"));
    assert_non_null(strstr(err.message, "tcp://"));
    assert_int_equal(dk_client_run(fixture.client, "unheard", NULL, 0, NULL, 0, &answer, &err),
                     DK_ETASK);
    assert_non_null(strstr(err.message, "unheard"));
    assert_int_equal(dk_client_run(fixture.client, "twice", &future, 1, NULL, 0, &answer, &err),
                     DK_EINVAL);
    end(&fixture);
}

/* Functions that the workers did not know when they were started. */
static void test_upload(void **state)
{
    (void)state;
    struct fixture fixture;
    dk_error err = {0};
    dk_value args[] = {dk_value_int(1), dk_value_int(2)}, result;
    dk_future *future;
    begin(&fixture);
    check(dk_client_upload_file(fixture.client, TEST_TASKS, &err), &err);
    check(dk_client_submit(fixture.client, "test.add", args, 2, NULL, 0, NULL, &future, &err),
          &err);
    check(dk_future_result(future, &result, &err), &err);
    assert_int_equal(result.as.integer, 3);
    dk_future_free(future);
    assert_int_equal(dk_client_upload_file(fixture.client, "/nowhere/x.so", &err), DK_ENOFILE);
    struct days days;
    char path[128];
    days_make(&days, 1);
    days_path(&days, 0, path);
    assert_int_equal(dk_client_upload_file(fixture.client, path, &err), DK_ETASK);
    assert_non_null(strstr(err.message, "2015-05-01.csv"));
    days_remove(&days);
    end(&fixture);
}

/* Under a name they stay, also when their client has gone. */
static void test_publish(void **state)
{
    (void)state;
    struct fixture fixture;
    dk_error err = {0};
    dk_value nine = dk_value_int(9), result;
    dk_future *future, *found[2];
    size_t count = 0;
    begin(&fixture);
    check(dk_client_submit(fixture.client, "twice", &nine, 1, NULL, 0, NULL, &future, &err), &err);
    check(dk_client_publish(fixture.client, "numbers", &future, 1, false, &err), &err);
    assert_int_equal(dk_client_publish(fixture.client, "numbers", &future, 1, false, &err),
                     DK_ETASK);
    assert_non_null(strstr(err.message, "already exists"));
    check(dk_client_publish(fixture.client, "numbers", &future, 1, true, &err), &err);
    dk_future_free(future);
    dk_client_close(fixture.client);
    dk_client_options options = {.address = dk_cluster_address(fixture.cluster)};
    check(dk_client_open(fixture.dk, &options, &fixture.client, &err), &err);
    check(dk_client_datasets(fixture.client, &result, &err), &err);
    const dk_value *names = dk_value_items(result, &count);
    assert_int_equal(count, 1);
    assert_string_equal(dk_value_data(names[0], NULL), "numbers");
    dk_value_unref(result);
    check(dk_client_dataset(fixture.client, "numbers", found, 2, &count, &err), &err);
    assert_int_equal(count, 1);
    check(dk_future_result(found[0], &result, &err), &err);
    assert_int_equal(result.as.integer, 18);
    check(dk_client_unpublish(fixture.client, "numbers", &err), &err);
    assert_int_equal(dk_client_dataset(fixture.client, "numbers", &found[1], 1, &count, &err),
                     DK_EKEY);
    dk_future_free(found[0]);
    end(&fixture);
}

/* One leaves, and the other has what it had. */
static void test_retire(void **state)
{
    (void)state;
    struct fixture fixture;
    dk_error err = {0};
    dk_value args[20], answer, result;
    dk_future *futures[20];
    size_t count = 0;
    begin(&fixture);
    for (int i = 0; i < 20; i++)
        args[i] = dk_value_int(i);
    check(dk_client_map(fixture.client, "twice", args, 20, NULL, futures, &err), &err);
    check(dk_client_wait(fixture.client, futures, 20, NULL, &err), &err);
    check(dk_client_nthreads(fixture.client, &answer, &err), &err);
    const char *leaver = dk_value_data(dk_value_items(answer, &count)[0], NULL);
    check(dk_client_retire_workers(fixture.client, &leaver, 1, &result, &err), &err);
    dk_value_unref(result);
    dk_value_unref(answer);
    for (int i = 0; i < 20; i++) {
        check(dk_future_result(futures[i], &result, &err), &err);
        assert_int_equal(result.as.integer, 2 * i);
    }
    free_all(futures, 20);
    end(&fixture);
}

/* It is run though nobody has its future, and its result is let go of. */
static void test_fire_and_forget(void **state)
{
    (void)state;
    struct fixture fixture;
    dk_error err = {0};
    dk_value one = dk_value_int(1);
    dk_future *future;
    begin(&fixture);
    check(dk_client_submit(fixture.client, "twice", &one, 1, NULL, 0, NULL, &future, &err), &err);
    check(dk_client_fire_and_forget(fixture.client, future, &err), &err);
    check(dk_future_wait(future, -1, &err), &err);
    dk_future_free(future);
    end(&fixture);
}

static void take_pids(const struct fixture *fixture, int64_t pids[2])
{
    dk_error err = {0};
    dk_value answer;
    size_t count = 0;
    check(dk_client_run(fixture->client, "pid", NULL, 0, NULL, 0, &answer, &err), &err);
    const dk_value *items = dk_value_items(answer, &count);
    assert_int_equal(count, 4);
    pids[0] = items[1].as.integer;
    pids[1] = items[3].as.integer;
    dk_value_unref(answer);
}

/* Both workers are others then, and work; what was computed is gone. */
static void test_restart(void **state)
{
    (void)state;
    struct fixture fixture;
    dk_error err = {0};
    dk_value one = dk_value_int(1), result;
    dk_future *before, *after;
    int64_t old[2], new[2];
    begin(&fixture);
    check(dk_client_submit(fixture.client, "twice", &one, 1, NULL, 0, NULL, &before, &err), &err);
    check(dk_future_wait(before, -1, &err), &err);
    take_pids(&fixture, old);
    check(dk_client_restart(fixture.client, 30, true, NULL, &err), &err);
    take_pids(&fixture, new);
    for (int i = 0; i < 2; i++) {
        assert_int_not_equal(new[i], old[0]);
        assert_int_not_equal(new[i], old[1]);
        assert_int_equal(kill((pid_t)old[i], 0), -1);
    }
    assert_int_equal(dk_future_result(before, &result, NULL), DK_ECANCELED);
    check(dk_client_submit(fixture.client, "twice", &one, 1, NULL, 0, NULL, &after, &err), &err);
    check(dk_future_result(after, &result, &err), &err);
    assert_int_equal(result.as.integer, 2);
    dk_future_free(before);
    dk_future_free(after);
    end(&fixture);
    for (int i = 0; i < 2; i++)
        assert_int_equal(kill((pid_t) new[i], 0), -1);
}

/* In time, although a task that runs does not end. */
static void test_restart_amid_a_task(void **state)
{
    (void)state;
    struct fixture fixture;
    dk_error err = {0};
    dk_future *future;
    dk_value result;
    char byte;
    assert_int_equal(pipe(begun), 0);
    begin(&fixture);
    check(dk_client_submit(fixture.client, "endless", NULL, 0, NULL, 0, NULL, &future, &err), &err);
    assert_int_equal(read(begun[0], &byte, 1), 1);
    check(dk_client_restart(fixture.client, 5, true, NULL, &err), &err);
    assert_int_equal(dk_future_result(future, &result, NULL), DK_ECANCELED);
    dk_future_free(future);
    end(&fixture);
    close(begun[0]);
    close(begun[1]);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_map),     cmocka_unit_test(test_questions),
        cmocka_unit_test(test_logs),    cmocka_unit_test(test_run),
        cmocka_unit_test(test_upload),  cmocka_unit_test(test_publish),
        cmocka_unit_test(test_retire),  cmocka_unit_test(test_fire_and_forget),
        cmocka_unit_test(test_restart), cmocka_unit_test(test_restart_amid_a_task),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
