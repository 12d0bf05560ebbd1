/* The scheduler in numbers: what is counted as tasks change, what Prometheus is told, and how many
 * workers are wanted. (sched_validate(), after each event, counts again what is counted.) */
#include "unit/core/scheduler_support.h"

#include "core/scheduler/adaptive.h"
#include "core/scheduler/metrics.h"

static void check_line(const struct story *story, const char *line)
{
    struct text out;
    text_init(&out, story->memory);
    sched_write_metrics(story->sched, &out);
    char *found = strstr(out.data, line);
    if (!found || (found > out.data && found[-1] != '\n'))
        fail_msg("no line %s in\n%s", line, out.data);
    text_deinit(&out);
}

static int64_t count_of(const struct story *story, const char *name)
{
    struct arena arena;
    int64_t number = -1;
    arena_init(&arena, story->memory);
    struct wire_builder builder = {&arena, false};
    struct wire_value counts = sched_describe_counts(story->sched, &builder);
    assert_false(builder.failed);
    assert_true(wire_read_int(wire_find(&counts, name), &number));
    arena_deinit(&arena);
    return number;
}

/* Proves that tasks, bytes and time are counted by state and prefix, and what was stays counted. */
static void test_life_of_tasks(void **state)
{
    (void)state;
    struct story story;
    begin_story(&story, NULL);
    add_worker(&story, "alice", 1);
    submit(&story, "a-1; b-1=a-1", "b-1");
    assert_int_equal(count_of(&story, "waiting"), 1);
    assert_int_equal(count_of(&story, "waiting_data"), 1);
    check_line(&story, "dask_scheduler_tasks{state=\"processing\"} 1\n");
    finish(&story, "alice", "a-1");
    check_line(&story, "dask_scheduler_tasks_output_bytes{task_prefix_name=\"a\"} 100\n");
    check_line(&story, "dask_scheduler_tasks_compute_seconds_total{task_prefix_name=\"a\"} 0.01\n");
    finish(&story, "alice", "b-1");
    check_line(&story, "dask_scheduler_tasks_output_bytes{task_prefix_name=\"a\"} 0\n");
    check_line(&story, "dask_scheduler_tasks_output_bytes{task_prefix_name=\"b\"} 100\n");
    check_line(&story, "dask_scheduler_tasks{state=\"memory\"} 1\n");
    assert_int_equal(count_of(&story, "waiting_data"), 0);
    say_keys(&story, SCHED_CLIENT_RELEASES, SCHED_NOBODY, "b-1");
    check_line(&story, "dask_scheduler_tasks_forgotten_total 2\n");
    check_line(&story, "dask_scheduler_tasks_output_bytes{task_prefix_name=\"b\"} 0\n");
    check_line(&story, "dask_scheduler_prefix_state_totals_total"
                       "{task_prefix_name=\"b\",state=\"memory\"} 1\n");
    assert_int_equal(count_of(&story, "tasks"), 0);
    end_story(&story);
}

/* Proves that workers and clients that have gone are counted, and tasks that one took along. */
static void test_comings_and_goings(void **state)
{
    (void)state;
    struct story story;
    begin_story(&story, NULL);
    add_worker(&story, "alice", 2);
    add_worker(&story, "bob", 1);
    assert_int_equal(count_of(&story, "hosts"), 1);
    assert_int_equal(count_of(&story, "cores"), 3);
    submit(&story, "a; b; c", "a,b,c");
    remove_worker(&story, "alice");
    check_line(&story, "dask_scheduler_workers_added_total 2\n");
    check_line(&story, "dask_scheduler_workers_removed_total 1\n");
    check_line(&story, "dask_scheduler_clients 1\n");
    check_line(&story, "dask_scheduler_tasks_suspicious_total{task_prefix_name=\"a\"} 1\n");
    end_story(&story);
}

/* Proves that what is asked of busy workers is counted, by its cost: two tasks of half a second
 * that need nothing. */
static void test_steals(void **state)
{
    (void)state;
    struct story story;
    begin_story(&story, NULL);
    add_worker(&story, "busy", 1);
    submit(&story, "a; b; c; d", "a,b,c,d");
    story.now_us += 5 * SECOND_US;
    add_worker(&story, "idle", 2);
    take(&story, (struct sched_event){.kind = SCHED_TICK});
    check_line(&story, "dask_stealing_request_count_total{cost_multiplier=\"0.125\"} 2\n");
    check_line(&story, "dask_stealing_request_cost_total{cost_multiplier=\"0.125\"} 1\n");
    check_line(&story, "dask_stealing_request_count_total{cost_multiplier=\"256\"} 0\n");
    end_story(&story);
}

/* Proves that a prefix of any bytes leaves the text readable. */
static void test_labels(void **state)
{
    (void)state;
    struct story story;
    begin_story(&story, NULL);
    submit(&story, "a\"\\\n\xff", "a\"\\\n\xff");
    check_line(&story, "dask_scheduler_tasks_output_bytes{task_prefix_name=\"a\\\"\\\\\\n?\"} 0\n");
    end_story(&story);
}

/* Proves that work asks for workers: none without any, one to begin with, no more than there are
 * tasks, those that are there while they have something to do. */
static void test_wanted_workers(void **state)
{
    (void)state;
    struct story story;
    begin_story(&story, NULL);
    assert_int_equal(sched_wanted_workers(story.sched, 5), 0);
    submit(&story, "a; b; c", "a,b,c");
    assert_int_equal(sched_wanted_workers(story.sched, 5), 1);
    assert_int_equal(sched_wanted_workers(story.sched, 0.5), 3);
    assert_int_equal(sched_wanted_workers(story.sched, 0.001), 3);
    add_worker(&story, "alice", 1);
    add_worker(&story, "bob", 1);
    assert_int_equal(sched_wanted_workers(story.sched, 0.001), 3);
    add_worker(&story, "carol", 1);
    add_worker(&story, "dave", 1);
    assert_int_equal(sched_wanted_workers(story.sched, 1000), 2); /* those who have work */
    end_story(&story);
}

static uint32_t who_goes(struct story *story, struct sched_shrinking shrinking, uint32_t out[4])
{
    uint32_t count = UINT32_MAX;
    assert_int_equal(sched_workers_to_close(story->sched, &shrinking, out, &count), DK_OK);
    return count;
}

/* Proves that those go first who do nothing, and of these who hold the least; as many as are asked
 * for, or as are idle while there is room for what all hold. */
static void test_workers_to_close(void **state)
{
    (void)state;
    struct story story;
    uint32_t out[4];
    begin_story(&story, NULL);
    assert_int_equal(who_goes(&story, (struct sched_shrinking){.n = 3}, out), 0);
    add_worker(&story, "alice", 1);
    submit(&story, "a; b", "a,b");
    finish(&story, "alice", "a");
    uint32_t alice = worker_id(&story, "alice");
    add_worker(&story, "bob", 1);
    add_worker(&story, "carol", 1);
    assert_int_equal(who_goes(&story, (struct sched_shrinking){.n = 3}, out), 3);
    assert_int_equal(out[2], alice);
    assert_int_equal(out[0], worker_id(&story, "carol"));
    assert_int_equal(who_goes(&story, (struct sched_shrinking){.n = 3, .minimum = 2}, out), 1);
    assert_int_equal(who_goes(&story, (struct sched_shrinking){.n = 0}, out), 0);
    assert_int_equal(who_goes(&story, (struct sched_shrinking){.n = -1}, out), 2);
    assert_int_equal(who_goes(&story, (struct sched_shrinking){.n = -1, .memory_ratio = 1e12}, out),
                     0);
    end_story(&story);
}

static dk_status write_all(struct memory *memory)
{
    struct sched *sched = sched_new(memory, NULL);
    if (!sched)
        return DK_ENOMEM;
    struct text out;
    struct arena arena;
    text_init(&out, memory);
    arena_init(&arena, memory);
    struct wire_builder builder = {&arena, false};
    sched_write_metrics(sched, &out);
    (void)sched_describe_counts(sched, &builder);
    dk_status status = builder.failed ? DK_ENOMEM : text_status(&out);
    arena_deinit(&arena);
    text_deinit(&out);
    sched_free(sched);
    return status;
}

static void test_out_of_memory(void **state)
{
    (void)state;
    fail_each_allocation(write_all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_life_of_tasks),  cmocka_unit_test(test_comings_and_goings),
        cmocka_unit_test(test_steals),         cmocka_unit_test(test_labels),
        cmocka_unit_test(test_wanted_workers), cmocka_unit_test(test_workers_to_close),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
