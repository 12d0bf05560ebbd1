/* How many copies of a result there are, told as stories: the active memory manager, replicate and
 * rebalance. */
#include "unit/core/scheduler_support.h"

#include "core/scheduler/copies.h"

static void manage(struct story *story, enum sched_manager_order order)
{
    take(story, (struct sched_event){.kind = SCHED_MANAGE_MEMORY, .as.manager = order});
}

static void tick(struct story *story, int64_t seconds)
{
    story->now_us += seconds * SECOND_US;
    take(story, (struct sched_event){.kind = SCHED_TICK});
}

static void forget_diary(struct story *story)
{
    text_deinit(&story->diary);
    text_init(&story->diary, story->memory);
}

static void three_workers(struct story *story, const struct sched_options *options)
{
    begin_story(story, options);
    add_worker(story, "w1", 1);
    add_worker(story, "w2", 1);
    add_worker(story, "w3", 1);
}

/* Proves that after two seconds copies beyond the first go, from the fullest worker; that the time
 * is asked for only while there are copies; and that a worker which keeps its copy is believed. */
static void test_reduces_replicas(void **state)
{
    (void)state;
    struct story story;
    three_workers(&story, NULL);
    int64_t before_us = sched_deadline_us(story.sched);
    assert_true(sched_manages_memory(story.sched));
    scatter(&story, "big", 1000, "w2", NULL);
    assert_int_equal(sched_deadline_us(story.sched), before_us);
    scatter(&story, "a", 10, "w1", "w2");
    forget_diary(&story);
    assert_int_equal(sched_deadline_us(story.sched), story.now_us + 2 * SECOND_US);
    tick(&story, 1);
    expect_diary(&story, "");
    tick(&story, 1);
    expect_diary(&story, "w2: remove-replicas a\n");
    assert_int_equal(sched_deadline_us(story.sched), before_us);
    say_keys(&story, SCHED_ADD_KEYS, worker_id(&story, "w2"), "a");
    tick(&story, 2);
    expect_diary(&story, "w2: remove-replicas a\n");
    assert_string_equal(state_of(&story, "a"), "memory");
    end_story(&story);
}

/* Proves that the manager does nothing when it is stopped, but when it is told to run. */
static void test_start_and_stop(void **state)
{
    (void)state;
    struct story story;
    three_workers(&story, &(struct sched_options){.no_memory_manager = true});
    assert_false(sched_manages_memory(story.sched));
    scatter(&story, "a", 10, "w1", "w2");
    forget_diary(&story);
    tick(&story, 5);
    expect_diary(&story, "");
    manage(&story, SCHED_MANAGER_RUN);
    expect_diary(&story, "w2: remove-replicas a\n");
    manage(&story, SCHED_MANAGER_START);
    scatter(&story, "b", 10, "w1", "w2");
    forget_diary(&story);
    tick(&story, 2);
    expect_diary(&story, "w1: remove-replicas b\n");
    manage(&story, SCHED_MANAGER_STOP);
    assert_false(sched_manages_memory(story.sched));
    end_story(&story);
}

/* Proves that a copy stays where a task needs it, and one for each worker that has such tasks. */
static void test_used_copies_stay(void **state)
{
    (void)state;
    struct story story;
    three_workers(&story, NULL);
    scatter(&story, "a", 10, "w1", "w2");
    say_keys(&story, SCHED_ADD_KEYS, worker_id(&story, "w3"), "a");
    submit(&story, "b=a; c=a", "b,c");
    expect_diary(&story, "client: key-in-memory a\n"
                         "w1: compute-task b a@w3,w2,w1\nw2: compute-task c a@w3,w2,w1\n");
    tick(&story, 2);
    expect_diary(&story, "w3: remove-replicas a\n");
    finish(&story, "w1", "b");
    forget_diary(&story);
    tick(&story, 2);
    expect_diary(&story, "w1: remove-replicas a\n");
    end_story(&story);
}

/* Proves that of a worker that retires and others, the one that retires drops its copies first; not
 * while it needs them: then the other copy stays as well. */
static void test_leavers_drop_first(void **state)
{
    (void)state;
    struct story story;
    begin_story(&story, NULL);
    add_worker(&story, "w1", 1);
    scatter(&story, "a", 10, "w1", NULL);
    submit(&story, "b=a", "b");
    add_worker(&story, "w2", 1);
    scatter(&story, "big", 1000, "w2", NULL);
    take(&story,
         (struct sched_event){.kind = SCHED_RETIRE_WORKER, .worker = worker_id(&story, "w1")});
    forget_diary(&story);
    say_keys(&story, SCHED_ADD_KEYS, worker_id(&story, "w2"), "a");
    expect_diary(&story, "w1: retired\n");
    tick(&story, 2);
    expect_diary(&story, "");
    finish(&story, "w1", "b");
    forget_diary(&story);
    tick(&story, 2);
    expect_diary(&story, "w1: remove-replicas a\n");
    end_story(&story);
}

/* Proves that a worker stays when nobody can take what it alone holds, or when it has an actor. */
static void test_cannot_retire(void **state)
{
    (void)state;
    struct story story;
    begin_story(&story, NULL);
    add_worker(&story, "w1", 1);
    scatter(&story, "a", 10, "w1", NULL);
    forget_diary(&story);
    struct sched_event retire = {.kind = SCHED_RETIRE_WORKER, .worker = worker_id(&story, "w1")};
    take(&story, retire);
    expect_diary(&story, "w1: worker-status-change\nw1: stays\n");
    submit(&story, "b=a", "b");
    expect_diary(&story, "w1: compute-task b a@w1\n");
    add_worker(&story, "w2", 1);
    take(&story, retire);
    expect_diary(&story, "w1: worker-status-change\nw2: acquire-replicas a@w1\n");
    remove_worker(&story, "w2");
    expect_diary(&story, "w1: remove-worker w2\nw1: worker-status-change\nw1: stays\n");
    end_story(&story);
}

/* ---- plans ---- */

static struct sched_workers all_workers(struct story *story)
{
    static uint32_t list[8];
    struct sched_workers workers = {list, 0};
    for (uint32_t i = 0; i < sched_worker_limit(story->sched); i++)
        if (sched_worker_address(story->sched, i))
            list[workers.count++] = i;
    return workers;
}

/* "KEY>TO" for a copy, "KEY:FROM>TO" for a move. */
static void expect_copies(struct story *story, const struct vector *copies, const char *expected)
{
    struct text text;
    const struct sched_copy *list = copies->data;
    text_init(&text, story->memory);
    for (size_t i = 0; i < copies->count; i++) {
        char shown[32];
        key_text(list[i].key, shown, sizeof(shown));
        text_printf(&text, i ? " %s" : "%s", shown);
        if (list[i].from != SCHED_NOBODY)
            text_printf(&text, ":%s", sched_worker_address(story->sched, list[i].from));
        text_printf(&text, ">%s", sched_worker_address(story->sched, list[i].to));
    }
    assert_string_equal(text.length ? text.data : "", expected);
    text_deinit(&text);
}

static void expect_replication(struct story *story, const char *name, uint32_t n,
                               uint32_t branching, const char *expected)
{
    struct vector copies;
    struct wire_bytes one = key(name);
    vector_init(&copies, story->memory, sizeof(struct sched_copy));
    assert_int_equal(sched_plan_replication(story->sched, &(struct sched_keys){&one, 1},
                                            all_workers(story), n, branching, &copies),
                     DK_OK);
    expect_copies(story, &copies, expected);
    vector_deinit(&copies);
}

static void expect_balance(struct story *story, const char *names, const char *expected)
{
    struct vector copies;
    struct wire_bytes list[16];
    char text[64];
    vector_init(&copies, story->memory, sizeof(struct sched_copy));
    snprintf(text, sizeof(text), "%s", names ? names : "");
    struct sched_keys keys = {list, parse_keys(text, list)};
    assert_int_equal(
        sched_plan_balance(story->sched, names ? &keys : NULL, all_workers(story), &copies), DK_OK);
    expect_copies(story, &copies, expected);
    vector_deinit(&copies);
    dk_error err = {0};
    assert_true(sched_validate(story->sched, &err));
}

/* Proves that copies go to the emptiest workers, as many a round as the holders can serve, and
 * never to one that does not run; that surplus ones go, and that the last copy never does. */
static void test_replicate(void **state)
{
    (void)state;
    struct story story;
    three_workers(&story, NULL);
    add_worker(&story, "w4", 1);
    scatter(&story, "a", 10, "w1", NULL);
    scatter(&story, "b", 100, "w2", NULL);
    expect_replication(&story, "a", 4, 1, "a>w3");
    expect_replication(&story, "a", 4, 2, "a>w3 a>w4");
    expect_replication(&story, "a", 4, 8, "a>w3 a>w4 a>w2");
    expect_replication(&story, "a", 1, 8, "");
    expect_replication(&story, "nobody", 4, 8, "");
    struct sched_event status = {.kind = SCHED_WORKER_STATUS, .worker = worker_id(&story, "w3")};
    status.as.status = SCHED_PAUSED;
    take(&story, status);
    expect_replication(&story, "a", 4, 8, "a>w4 a>w2");
    say_keys(&story, SCHED_ADD_KEYS, worker_id(&story, "w2"), "a");
    say_keys(&story, SCHED_ADD_KEYS, worker_id(&story, "w4"), "a");
    forget_diary(&story);
    struct wire_bytes one = key("a");
    struct sched_workers workers = all_workers(&story);
    struct sched_event reduce = {.kind = SCHED_REDUCE_REPLICAS};
    reduce.as.reduce = (struct sched_reduce){{&one, 1}, workers.list, workers.count, 2};
    take(&story, reduce);
    expect_diary(&story, "w2: remove-replicas a\n");
    say_keys(&story, SCHED_DROP_KEYS, worker_id(&story, "w1"), "a");
    say_keys(&story, SCHED_DROP_KEYS, worker_id(&story, "w4"), "a");
    expect_diary(&story, "w1: remove-replicas a\n");
    end_story(&story);
}

/* Proves that results move from the fullest to the emptiest until the average is reached, the
 * oldest first; only those that were asked for; never to where a copy is. */
static void test_rebalance(void **state)
{
    (void)state;
    struct story story;
    three_workers(&story, NULL);
    expect_balance(&story, NULL, "");
    scatter(&story, "a", 100, "w1", NULL);
    scatter(&story, "b", 100, "w1", NULL);
    scatter(&story, "c", 100, "w1", NULL);
    expect_balance(&story, NULL, "a:w1>w2 b:w1>w3");
    expect_balance(&story, "c", "c:w1>w2");
    expect_balance(&story, "", "");
    end_story(&story);
    three_workers(&story, NULL);
    scatter(&story, "a", 20, "w1", "w3");
    scatter(&story, "b", 200, "w1", NULL);
    scatter(&story, "c", 60, "w2", NULL);
    expect_balance(&story, NULL, "a:w1>w2");
    end_story(&story);
}

/* Proves that nothing moves within a twentieth of the limit around the average, or from a worker
 * that is not full to a third; and that what a process holds besides counts once it is old. */
static void test_rebalance_limits(void **state)
{
    (void)state;
    struct story story;
    begin_story(&story, NULL);
    for (int i = 0; i < 2; i++) {
        struct sched_add_worker worker = a_worker(i ? "w2" : "w1", 1);
        worker.memory_limit = 1000;
        assert_int_equal(add_worker_with(&story, worker), DK_OK);
    }
    scatter(&story, "a", 40, "w1", NULL);
    scatter(&story, "b", 40, "w1", NULL);
    scatter(&story, "c", 200, "w1", NULL);
    expect_balance(&story, NULL, "");
    struct wire_entry fields[] = {{wire_text("memory"), wire_int(600)}};
    struct wire_value metrics = wire_map(fields, 1);
    struct sched_event beat = {.kind = SCHED_HEARTBEAT, .worker = worker_id(&story, "w1")};
    beat.as.heartbeat.metrics = &metrics;
    story.now_us += SECOND_US;
    take(&story, beat);
    expect_balance(&story, NULL, "a:w1>w2 b:w1>w2 c:w1>w2");
    fields[0].value = wire_int(280); /* what was there besides has gone */
    take(&story, beat);
    expect_balance(&story, NULL, "");
    fields[0].value = wire_int(600); /* and is back, but new */
    story.now_us += 31 * SECOND_US;
    take(&story, beat);
    expect_balance(&story, NULL, "");
    story.now_us += 31 * SECOND_US;
    take(&story, beat);
    expect_balance(&story, NULL, "a:w1>w2 b:w1>w2 c:w1>w2");
    end_story(&story);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reduces_replicas), cmocka_unit_test(test_start_and_stop),
        cmocka_unit_test(test_used_copies_stay), cmocka_unit_test(test_leavers_drop_first),
        cmocka_unit_test(test_cannot_retire),    cmocka_unit_test(test_replicate),
        cmocka_unit_test(test_rebalance),        cmocka_unit_test(test_rebalance_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
