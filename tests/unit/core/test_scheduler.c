/* The scheduler's decisions, told as stories: what happens, and the messages that follow. */
#include "unit/core/scheduler_support.h"

/* Proves the life of a small graph: dependencies first, results kept while they are needed, told
 * about, and freed when the client lets go. */
static void test_life_of_a_graph(void **state)
{
    (void)state;
    struct story story;
    begin_story(&story, NULL);
    add_worker(&story, "w1", 1);
    submit(&story, "a; b; c=a,b", "c");
    expect_diary(&story, "w1: compute-task a\nw1: compute-task b\n");
    finish(&story, "w1", "a");
    expect_diary(&story, "");
    finish(&story, "w1", "b");
    expect_diary(&story, "w1: compute-task c a@w1 b@w1\n");
    finish(&story, "w1", "c");
    expect_diary(&story, "client: key-in-memory c\n"
                         "w1: free-keys b\n"
                         "w1: free-keys a\n");
    assert_string_equal(state_of(&story, "a"), "released");
    say_keys(&story, SCHED_CLIENT_RELEASES, 0, "c");
    expect_diary(&story, "w1: free-keys c\n");
    assert_int_equal(sched_ntasks(story.sched), 0);
    end_story(&story);
}

/* Proves that tasks go where their data is, and to an idle worker when there is none. */
static void test_placement(void **state)
{
    (void)state;
    struct story story;
    begin_story(&story, NULL);
    add_worker(&story, "w1", 1);
    add_worker(&story, "w2", 1);
    submit(&story, "a; b; c=a; d=b", "c,d");
    expect_diary(&story, "w1: compute-task a\nw2: compute-task b\n");
    finish(&story, "w2", "b");
    expect_diary(&story, "w2: compute-task d b@w2\n");
    finish(&story, "w1", "a");
    expect_diary(&story, "w1: compute-task c a@w1\n");
    end_story(&story);
}

/* Proves that root tasks beyond 1.1 a thread queue here, and that what they feed goes first. */
static void test_queue(void **state)
{
    (void)state;
    struct story story;
    begin_story(&story, NULL);
    add_worker(&story, "w1", 1);
    submit(&story, "x-1; x-2; x-3; x-4; s=x-1", "x-2,x-3,x-4,s");
    expect_diary(&story, "w1: compute-task x-1\nw1: compute-task x-2\n");
    assert_string_equal(state_of(&story, "x-3"), "queued");
    story.run_ids['x'] = 1;
    finish(&story, "w1", "x-1");
    expect_diary(&story, "w1: compute-task s x-1@w1\n");
    finish(&story, "w1", "s");
    expect_diary(&story, "client: key-in-memory s\nw1: free-keys x-1\nw1: compute-task x-3\n");
    end_story(&story);
}

/* Proves that a failure reaches all that wait for it and the client, with the one exception, and
 * that retrying begins at its root. */
static void test_failure_and_retry(void **state)
{
    (void)state;
    struct story story;
    begin_story(&story, NULL);
    add_worker(&story, "w1", 2);
    submit(&story, "a; b=a; c=b", "c");
    expect_diary(&story, "w1: compute-task a\n");
    fail_task(&story, "w1", "a");
    expect_diary(&story, "client: task-erred c boom\n");
    assert_string_equal(state_of(&story, "b"), "erred");
    say_keys(&story, SCHED_RETRY, 0, "c");
    expect_diary(&story, "w1: free-keys a\nw1: compute-task a\nclient: task-retried c\n");
    finish(&story, "w1", "a");
    finish(&story, "w1", "b");
    finish(&story, "w1", "c");
    assert_string_equal(state_of(&story, "c"), "memory");
    end_story(&story);
}

/* Proves that retries are used up before a task fails. */
static void test_retries(void **state)
{
    (void)state;
    struct story story;
    begin_story(&story, NULL);
    add_worker(&story, "w1", 1);
    submit_with(&story, "a", "a", (struct sched_wishes){.retries = 1}, SCHED_NATIVE);
    fail_task(&story, "w1", "a");
    expect_diary(&story, "w1: compute-task a\nw1: free-keys a\nw1: compute-task a\n");
    fail_task(&story, "w1", "a");
    expect_diary(&story, "client: task-erred a boom\n");
    end_story(&story);
}

/* Proves that what a dead worker ran or alone held is made again elsewhere. */
static void test_worker_dies(void **state)
{
    (void)state;
    struct story story;
    begin_story(&story, NULL);
    add_worker(&story, "w1", 1);
    submit(&story, "a; b=a", "a,b");
    finish(&story, "w1", "a");
    expect_diary(&story, "w1: compute-task a\nclient: key-in-memory a\nw1: compute-task b a@w1\n");
    remove_worker(&story, "w1");
    assert_string_equal(state_of(&story, "a"), "queued");
    assert_string_equal(state_of(&story, "b"), "waiting");
    expect_diary(&story, "client: lost-data a\n");
    add_worker(&story, "w2", 1);
    expect_diary(&story, "w2: compute-task a\n");
    end_story(&story);
}

/* Proves that a task which takes worker after worker with it is given up, by name. */
static void test_killer(void **state)
{
    (void)state;
    struct story story;
    begin_story(&story, &(struct sched_options){.allowed_failures = 1});
    add_worker(&story, "w1", 1);
    submit(&story, "a", "a");
    remove_worker(&story, "w1");
    add_worker(&story, "w2", 1);
    expect_diary(&story, "w1: compute-task a\nw2: compute-task a\n");
    remove_worker(&story, "w2");
    expect_diary(&story, "client: task-erred a Attempted to run task 'a' on 2 different workers, "
                         "but all those workers died while running it. The last worker that "
                         "attempted to run the task was w2.\n");
    end_story(&story);
}

/* Proves that a late report of an earlier run is not taken for the one at hand. */
static void test_stale_run(void **state)
{
    (void)state;
    struct story story;
    begin_story(&story, NULL);
    add_worker(&story, "w1", 1);
    add_worker(&story, "w2", 1);
    submit(&story, "a", "a");
    expect_diary(&story, "w1: compute-task a\n");
    finish(&story, "w2", "a");
    expect_diary(&story, "w2: free-keys a\n");
    assert_string_equal(state_of(&story, "a"), "processing");
    end_story(&story);
}

/* Proves that a worker that reports an earlier run of the task it has is told of the task once
 * more, by the same number: the report that is on its way counts. */
static void test_stale_run_of_the_same_worker(void **state)
{
    (void)state;
    struct story story;
    begin_story(&story, NULL);
    add_worker(&story, "w1", 1);
    submit(&story, "a", "a");
    int64_t earlier = story.run_ids['a'];
    say_keys(&story, SCHED_RESCHEDULE, worker_id(&story, "w1"), "a");
    int64_t later = story.run_ids['a'];
    assert_int_not_equal(earlier, later);
    expect_diary(&story, "w1: compute-task a\nw1: free-keys a\nw1: compute-task a\n");
    story.run_ids['a'] = earlier;
    finish(&story, "w1", "a");
    expect_diary(&story, "w1: compute-task a\n");
    assert_int_equal(story.run_ids['a'], later);
    story.run_ids['a'] = earlier;
    fail_task(&story, "w1", "a");
    expect_diary(&story, "w1: compute-task a\n");
    finish(&story, "w1", "a");
    expect_diary(&story, "client: key-in-memory a\n");
    finish(&story, "w1", "a");
    expect_diary(&story, "");
    assert_string_equal(state_of(&story, "a"), "memory");
    end_story(&story);
}

/* Proves that a cycle and a dependency nobody knows end with a message, and leave nothing. */
static void test_bad_graphs(void **state)
{
    (void)state;
    struct story story;
    begin_story(&story, NULL);
    add_worker(&story, "w1", 1);
    submit(&story, "a=b; b=a; c=b", "c");
    expect_diary(&story, "client: task-erred c the graph has a cycle: 'a' depends on itself, or "
                         "waits for one that does\n");
    say_keys(&story, SCHED_CLIENT_RELEASES, 0, "c");
    assert_int_equal(sched_ntasks(story.sched), 0);
    submit(&story, "d=nowhere; e=d", "e");
    expect_diary(&story, "client: cancelled-keys e\n");
    assert_int_equal(sched_ntasks(story.sched), 0);
    end_story(&story);
}

/* Proves that a Python task goes to no native worker, and waits for those of its kind that were
 * there: a nanny starts them again. */
static void test_languages(void **state)
{
    (void)state;
    struct story story;
    begin_story(&story, NULL);
    submit_with(&story, "a", "a", (struct sched_wishes){0}, SCHED_PYTHON);
    assert_string_equal(state_of(&story, "a"), "queued");
    struct sched_add_worker python = a_worker("p1", 1);
    python.has_native = false;
    python.has_python = true;
    assert_int_equal(add_worker_with(&story, python), DK_OK);
    add_worker(&story, "w1", 1);
    expect_diary(&story, "p1: compute-task a\n");
    remove_worker(&story, "p1");
    submit_with(&story, "b", "b", (struct sched_wishes){0}, SCHED_PYTHON);
    assert_string_equal(state_of(&story, "b"), "no-worker");
    end_story(&story);
}

/* Proves that what cdask's client sends of Python goes neither to native workers nor to Dask's, and
 * what Dask's client sends not to cdask's, whether they have Python or not. */
static void test_hosted(void **state)
{
    (void)state;
    struct story story;
    begin_story(&story, NULL);
    struct sched_add_worker python = a_worker("p1", 1), hosted = a_worker("h1", 1);
    python.has_native = false;
    python.has_python = hosted.has_python = true;
    assert_int_equal(add_worker_with(&story, python), DK_OK);
    add_worker(&story, "w1", 1);
    submit_with(&story, "a", "a", (struct sched_wishes){0}, SCHED_HOSTED);
    assert_string_equal(state_of(&story, "a"), "erred");
    assert_int_equal(add_worker_with(&story, hosted), DK_OK);
    submit_with(&story, "b", "b", (struct sched_wishes){0}, SCHED_HOSTED);
    submit_with(&story, "c", "c", (struct sched_wishes){0}, SCHED_PYTHON);
    expect_diary(&story,
                 "client: task-erred a Task 'a' is a Python callable, and none of the 2 workers "
                 "is cdask's and has Python: start one with `python -m cdask worker`\n"
                 "h1: compute-task b\n"
                 "p1: compute-task c\n");
    remove_worker(&story, "p1");
    submit_with(&story, "d", "d", (struct sched_wishes){0}, SCHED_PYTHON);
    assert_string_equal(state_of(&story, "d"), "no-worker");
    end_story(&story);
}

/* Proves that a task fails at once when the workers that it may run on are there, and none can run
 * it; while one of them is missing it waits. */
static void test_barred(void **state)
{
    (void)state;
    struct story story;
    begin_story(&story, NULL);
    struct sched_add_worker python = a_worker("p1", 1);
    struct wire_value names[] = {wire_text("w1"), wire_text("w2"), wire_text("p1")};
    struct wire_value one = wire_array(names, 1), two = wire_array(names, 2);
    struct wire_value all = wire_array(names, 3);
    python.has_native = false;
    python.has_python = true;
    assert_int_equal(add_worker_with(&story, python), DK_OK);
    add_worker(&story, "w1", 1);
    submit_with(&story, "a", "a", (struct sched_wishes){.workers = &one}, SCHED_PYTHON);
    expect_diary(&story,
                 "client: task-erred a Task 'a' is a Python callable, and none of the 1 workers "
                 "that it may run on is Dask's: start one with `dask worker`\n");
    submit_with(&story, "b", "b", (struct sched_wishes){.workers = &two}, SCHED_PYTHON);
    submit_with(&story, "c", "c", (struct sched_wishes){.workers = &one, .is_loose = true},
                SCHED_PYTHON);
    assert_string_equal(state_of(&story, "b"), "no-worker");
    expect_diary(&story, "p1: compute-task c\n");
    add_worker(&story, "w2", 1);
    assert_string_equal(state_of(&story, "b"), "erred");
    submit_with(&story, "d", "d", (struct sched_wishes){.workers = &all}, SCHED_PYTHON);
    assert_string_equal(state_of(&story, "d"), "processing");
    end_story(&story);
}

/* Proves that the user's choice of workers, resources and the looseness of it are respected. */
static void test_restrictions(void **state)
{
    (void)state;
    struct story story;
    begin_story(&story, NULL);
    struct wire_entry gpu = {wire_text("GPU"), wire_int(1)};
    struct wire_value resources = wire_map(&gpu, 1);
    struct sched_add_worker rich = a_worker("rich", 1);
    rich.resources = &resources;
    add_worker(&story, "w1", 1);
    assert_int_equal(add_worker_with(&story, rich), DK_OK);
    submit_with(&story, "a", "a", (struct sched_wishes){.resources = &resources}, SCHED_NATIVE);
    expect_diary(&story, "rich: compute-task a\n");
    struct wire_value there = wire_text("rich"), nowhere = wire_text("nowhere");
    struct wire_value chosen = wire_array(&there, 1), unknown = wire_array(&nowhere, 1);
    submit_with(&story, "b", "b", (struct sched_wishes){.workers = &chosen}, SCHED_NATIVE);
    expect_diary(&story, "rich: compute-task b\n");
    submit_with(&story, "c", "c", (struct sched_wishes){.workers = &unknown}, SCHED_NATIVE);
    assert_string_equal(state_of(&story, "c"), "no-worker");
    submit_with(&story, "d", "d", (struct sched_wishes){.workers = &unknown, .is_loose = true},
                SCHED_NATIVE);
    expect_diary(&story, "w1: compute-task d\n");
    end_story(&story);
}

/* Proves that scattered data is there for tasks, and lost with its worker. */
static void test_scattered(void **state)
{
    (void)state;
    struct story story;
    begin_story(&story, NULL);
    add_worker(&story, "w1", 1);
    uint32_t holder = worker_id(&story, "w1");
    struct sched_data data = {key("d"), &holder, 1, 8};
    struct sched_event event = {.kind = SCHED_UPDATE_DATA, .client = story.client};
    event.as.data.list = &data;
    event.as.data.count = 1;
    take(&story, event);
    submit(&story, "a=d", "a");
    expect_diary(&story, "client: key-in-memory d\nw1: compute-task a d@w1\n");
    remove_worker(&story, "w1");
    assert_string_equal(state_of(&story, "d"), "forgotten");
    expect_diary(&story, "client: cancelled-keys d\nclient: cancelled-keys a\n");
    end_story(&story);
}

/* Proves that the tasks of a busy worker are moved to one that comes, and not those it has begun.
 */
static void test_steal(void **state)
{
    (void)state;
    struct story story;
    begin_story(&story, NULL);
    add_worker(&story, "w1", 1);
    submit(&story, "a; b; c; d", "a,b,c,d");
    story.now_us += 5 * SECOND_US;
    add_worker(&story, "w2", 2);
    take(&story, (struct sched_event){.kind = SCHED_TICK});
    expect_diary(&story, "w1: compute-task a\nw1: compute-task b\nw1: compute-task c\n"
                         "w1: compute-task d\n"
                         "w1: steal-request d\nw1: steal-request c\n");
    struct sched_event answer = {.kind = SCHED_STEAL_RESPONSE, .stimulus = "steal-1"};
    answer.worker = worker_id(&story, "w1");
    answer.as.steal.key = key("d");
    answer.as.steal.state = "ready";
    take(&story, answer);
    expect_diary(&story, "w2: compute-task d\n");
    answer.stimulus = "steal-2";
    answer.as.steal.key = key("c");
    answer.as.steal.state = "executing";
    take(&story, answer);
    expect_diary(&story, "");
    end_story(&story);
}

/* Proves that a task is not lost when it was given up for a thief that has left since. */
static void test_thief_leaves(void **state)
{
    (void)state;
    struct story story;
    begin_story(&story, NULL);
    add_worker(&story, "w1", 1);
    submit(&story, "a; b", "a,b");
    story.now_us += 5 * SECOND_US;
    add_worker(&story, "w2", 2);
    take(&story, (struct sched_event){.kind = SCHED_TICK});
    remove_worker(&story, "w2");
    expect_diary(&story, "w1: compute-task a\nw1: compute-task b\nw1: steal-request b\n"
                         "w1: remove-worker w2\n");
    struct sched_event answer = {.kind = SCHED_STEAL_RESPONSE, .stimulus = "steal-1"};
    answer.worker = worker_id(&story, "w1");
    answer.as.steal.key = key("b");
    answer.as.steal.state = "ready";
    take(&story, answer);
    expect_diary(&story, "w1: free-keys b\nw1: compute-task b\n");
    end_story(&story);
}

/* Proves that a silent worker is lost after its time to live, and told to close. */
static void test_ttl(void **state)
{
    (void)state;
    struct story story;
    begin_story(&story, &(struct sched_options){.worker_ttl_us = 10 * SECOND_US});
    add_worker(&story, "w1", 1);
    assert_int_equal(sched_deadline_us(story.sched), 10 * SECOND_US);
    story.now_us = 10 * SECOND_US;
    take(&story, (struct sched_event){.kind = SCHED_TICK});
    assert_int_equal(sched_nworkers(story.sched), 0);
    end_story(&story);
}

/* Proves that the same name or address is refused with a reason, and changes nothing. */
static void test_duplicate_worker(void **state)
{
    (void)state;
    struct story story;
    begin_story(&story, NULL);
    add_worker(&story, "w1", 1);
    assert_int_equal(add_worker_with(&story, a_worker("w1", 1)), DK_EINVAL);
    struct sched_add_worker twin = a_worker("w2", 1);
    twin.name = wire_text("w1");
    assert_int_equal(add_worker_with(&story, twin), DK_EINVAL);
    expect_diary(&story, "refused: worker already exists w1\nrefused: name taken, w1\n");
    assert_int_equal(sched_nworkers(story.sched), 1);
    end_story(&story);
}

/* Proves that a worker which is to leave gets no more tasks, and is free to go once others have
 * what it alone held; a copy that does not come is asked for again. */
static void test_retire(void **state)
{
    (void)state;
    struct story story;
    begin_story(&story, NULL);
    add_worker(&story, "w1", 1);
    submit(&story, "a", "a");
    finish(&story, "w1", "a");
    add_worker(&story, "w2", 1);
    expect_diary(&story, "w1: compute-task a\nclient: key-in-memory a\n");
    take(&story,
         (struct sched_event){.kind = SCHED_RETIRE_WORKER, .worker = worker_id(&story, "w1")});
    expect_diary(&story, "w1: worker-status-change\nw2: acquire-replicas a@w1\n");
    submit(&story, "b=a", "b");
    expect_diary(&story, "w2: compute-task b a@w1\n");
    assert_true(sched_deadline_us(story.sched) <= 2 * SECOND_US);
    story.now_us += 2 * SECOND_US;
    take(&story, (struct sched_event){.kind = SCHED_TICK});
    expect_diary(&story, "w2: acquire-replicas a@w1\n");
    say_keys(&story, SCHED_ADD_KEYS, worker_id(&story, "w2"), "a");
    expect_diary(&story, "w1: retired\n");
    remove_worker(&story, "w1");
    assert_string_equal(state_of(&story, "a"), "memory");
    end_story(&story);
}

/* Proves that cancelling takes along what depends on a task, and the results of all clients. */
static void test_cancel(void **state)
{
    (void)state;
    struct story story;
    begin_story(&story, NULL);
    add_worker(&story, "w1", 1);
    submit(&story, "a; b=a", "b");
    struct wire_bytes a = key("a");
    struct sched_event event = {.kind = SCHED_CANCEL, .client = story.client};
    event.as.cancel.keys = (struct sched_keys){&a, 1};
    take(&story, event);
    expect_diary(&story, "w1: compute-task a\nclient: cancelled-keys b\nw1: free-keys a\n");
    assert_int_equal(sched_ntasks(story.sched), 0);
    end_story(&story);
}

/* Proves that a restart takes all there is: what is held, what runs, what waits and what has
 * failed, and that the next graph finds nothing of it. */
static void test_restart(void **state)
{
    (void)state;
    struct story story;
    begin_story(&story, NULL);
    add_worker(&story, "w1", 2);
    submit(&story, "a; b; c=a,b; d", "a,c,d");
    finish(&story, "w1", "a");
    fail_task(&story, "w1", "d");
    expect_diary(&story, "w1: compute-task a\nw1: compute-task b\nw1: compute-task d\n"
                         "client: key-in-memory a\nclient: task-erred d boom\n");
    take(&story, (struct sched_event){.kind = SCHED_RESTART});
    assert_int_equal(sched_ntasks(story.sched), 0);
    expect_diary(&story, "client: restart\nw1: free-keys b\nw1: free-keys a\nw1: free-keys d\n");
    submit(&story, "a", "a");
    expect_diary(&story, "w1: compute-task a\n");
    end_story(&story);
}

/* Proves that whoever looks for a result that nobody will make again is told to forget it. */
static void test_search_for_what_was_released(void **state)
{
    (void)state;
    struct story story;
    begin_story(&story, NULL);
    add_worker(&story, "w1", 1);
    submit(&story, "a; b=a", "b");
    finish(&story, "w1", "a");
    finish(&story, "w1", "b");
    add_worker(&story, "w2", 1);
    expect_diary(&story, "w1: compute-task a\nw1: compute-task b a@w1\n"
                         "client: key-in-memory b\nw1: free-keys a\n");
    say_keys(&story, SCHED_REFRESH_WHO_HAS, worker_id(&story, "w2"), "a,b,c");
    expect_diary(&story, "w2: free-keys a\nw2: free-keys c\nw2: refresh-who-has b@w1\n");
    end_story(&story);
}

static void say_status(struct story *story, const char *address, enum sched_worker_status status)
{
    struct sched_event event = {.kind = SCHED_WORKER_STATUS, .worker = worker_id(story, address)};
    event.as.status = status;
    take(story, event);
}

static void secede(struct story *story, const char *address, const char *name)
{
    struct sched_event event = {.kind = SCHED_LONG_RUNNING, .worker = worker_id(story, address)};
    event.as.long_running.key = key(name);
    event.as.long_running.run_id = story->run_ids[(unsigned char)*name];
    event.as.long_running.compute_s = 1;
    take(story, event);
}

static void finish_in(struct story *story, const char *address, const char *name, double seconds)
{
    struct sched_event event = {.kind = SCHED_TASK_FINISHED, .worker = worker_id(story, address)};
    event.as.finished = (struct sched_finished){.key = key(name),
                                                .run_id = story->run_ids[(unsigned char)*name],
                                                .nbytes = 100,
                                                .compute_s = seconds};
    take(story, event);
}

/* Proves that a worker whose tasks have seceded is found by queued tasks, though another has fewer:
 * that one takes only short ones in advance. */
static void test_queue_and_seceded(void **state)
{
    (void)state;
    struct story story;
    begin_story(&story, &(struct sched_options){.no_stealing = true});
    add_worker(&story, "w1", 1);
    submit(&story, "a", "a");
    submit(&story, "b", "b");
    submit(&story, "c", "c");
    secede(&story, "w1", "a");
    secede(&story, "w1", "b");
    secede(&story, "w1", "c");
    say_status(&story, "w1", SCHED_PAUSED);
    add_worker(&story, "w2", 1);
    submit(&story, "s-0", "s-0");
    finish_in(&story, "w2", "s-0", 0.0005);
    submit(&story, "s-1; s-2", "s-1, s-2");
    say_status(&story, "w1", SCHED_RUNNING);
    text_deinit(&story.diary);
    submit(&story, "r-1; r-2; r-3; r-4; r-5", "r-1, r-2, r-3, r-4, r-5");
    expect_diary(&story, "w1: compute-task r-1\nw1: compute-task r-2\n");
    end_story(&story);
}

static void submit_to(struct story *story, const char *graph, const char *wanted,
                      const char *worker)
{
    struct wire_value name = wire_text(worker);
    struct wire_value workers = wire_array(&name, 1);
    struct wire_entry gpu = {wire_text("GPU"), wire_float(2)};
    struct wire_value resources = wire_map(&gpu, 1);
    submit_with(story, graph, wanted,
                (struct sched_wishes){.workers = &workers, .resources = &resources}, SCHED_NATIVE);
}

/* Proves that a graph that comes in no order is run depth first, the heavier dependency first, so
 * that few results are held at once; and that what is there already counts, but is not run. */
static void test_order(void **state)
{
    (void)state;
    struct story story;
    begin_story(&story, NULL);
    add_worker(&story, "w1", 1);
    story.is_unordered = true;
    submit(&story, "s=t,u; u=c,d; t=a,b; d; b; c; a", "s");
    expect_diary(&story, "w1: compute-task a\nw1: compute-task b\n"
                         "w1: compute-task c\nw1: compute-task d\n");
    submit(&story, "v=x,w; x; w=y,z; z; y", "v");
    expect_diary(&story, "w1: compute-task y\nw1: compute-task z\nw1: compute-task x\n");
    finish(&story, "w1", "x");
    submit(&story, "r=x,q; q=p,o; o; p; x", "r");
    expect_diary(&story, "w1: compute-task p\nw1: compute-task o\n");
    end_story(&story);
}

/* Proves that workers are named by numbers, too, and that names come as a set as well. */
static void test_numbered_workers(void **state)
{
    (void)state;
    struct story story;
    begin_story(&story, NULL);
    add_worker(&story, "w1", 1);
    struct sched_add_worker numbered = a_worker("w2", 1);
    numbered.name = wire_int(7);
    assert_int_equal(add_worker_with(&story, numbered), DK_OK);
    struct wire_value names[] = {wire_int(7), wire_nil()};
    struct wire_value workers = wire_array(names, 2);
    submit_with(&story, "a", "a", (struct sched_wishes){.workers = &workers}, SCHED_NATIVE);
    workers.kind = WIRE_SET;
    submit_with(&story, "b", "b", (struct sched_wishes){.workers = &workers}, SCHED_NATIVE);
    expect_diary(&story, "w2: compute-task a\nw2: compute-task b\n");
    end_story(&story);
}

/* Proves that a task which no worker may run fails after a while, and says what it asks for; that
 * the time is counted from when it was ready; and that what depends on it fails as well. */
static void test_no_valid_worker(void **state)
{
    (void)state;
    struct story story;
    begin_story(&story, &(struct sched_options){.no_workers_timeout_us = 5 * SECOND_US});
    add_worker(&story, "w1", 1);
    submit_to(&story, "a; b=a", "a, b", "tcp://nowhere:1");
    assert_string_equal(state_of(&story, "a"), "no-worker");
    assert_int_equal(sched_deadline_us(story.sched), 5 * SECOND_US);
    story.now_us += 2 * SECOND_US;
    submit_to(&story, "c", "c", "host");
    assert_int_equal(sched_deadline_us(story.sched), 5 * SECOND_US);
    story.now_us += 3 * SECOND_US;
    take(&story, (struct sched_event){.kind = SCHED_TICK});
    expect_diary(
        &story, "client: task-erred a Attempted to run task 'a' but timed out after 5.00 s waiting "
                "for a valid worker matching all restrictions.\n\nRestrictions:\n"
                "host_restrictions=set()\nworker_restrictions={'tcp://nowhere:1'}\n"
                "resource_restrictions={'GPU': 2}\n\n"
                "client: task-erred b Attempted to run task 'a' but timed out after 5.00 s waiting "
                "for a valid worker matching all restrictions.\n\nRestrictions:\n"
                "host_restrictions=set()\nworker_restrictions={'tcp://nowhere:1'}\n"
                "resource_restrictions={'GPU': 2}\n\n");
    assert_int_equal(sched_deadline_us(story.sched), 7 * SECOND_US);
    remove_worker(&story, "w1");
    story.now_us += 2 * SECOND_US;
    take(&story, (struct sched_event){.kind = SCHED_TICK});
    expect_diary(
        &story, "client: task-erred c Attempted to run task 'c' but timed out after 5.00 s waiting "
                "for a valid worker matching all restrictions.\n\nRestrictions:\n"
                "host_restrictions={'host'}\nworker_restrictions=set()\n"
                "resource_restrictions={'GPU': 2}\n\n");
    end_story(&story);
}

/* Proves that tasks which wait or queue while no worker runs fail after a while, each with its own
 * name, and that a worker that comes in time runs them. */
static void test_no_worker(void **state)
{
    (void)state;
    struct story story;
    begin_story(&story, &(struct sched_options){.no_workers_timeout_us = 5 * SECOND_US});
    assert_int_equal(sched_deadline_us(story.sched), INT64_MAX);
    submit(&story, "a", "a");
    assert_int_equal(sched_deadline_us(story.sched), 5 * SECOND_US);
    story.now_us += 4 * SECOND_US;
    add_worker(&story, "w1", 1);
    expect_diary(&story, "w1: compute-task a\n");
    finish(&story, "w1", "a");
    remove_worker(&story, "w1");
    expect_diary(&story, "client: key-in-memory a\nclient: lost-data a\n");
    submit(&story, "x-1; x-2; x-3; x-4", "x-1,x-2,x-3,x-4");
    story.now_us += 5 * SECOND_US;
    take(&story, (struct sched_event){.kind = SCHED_TICK});
    for (const char *name = "1234"; *name; name++) {
        char key_name[] = {'x', '-', *name, '\0'};
        assert_string_equal(state_of(&story, key_name), "erred");
    }
    assert_string_equal(state_of(&story, "a"), "erred");
    assert_non_null(strstr(story.diary.data,
                           "client: task-erred x-3 Attempted to run task 'x-3' but timed out after "
                           "5.00 s waiting without any running workers.\n"));
    assert_true(sched_deadline_us(story.sched) > story.now_us + 60 * SECOND_US);
    end_story(&story);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_life_of_a_graph),
        cmocka_unit_test(test_placement),
        cmocka_unit_test(test_queue),
        cmocka_unit_test(test_failure_and_retry),
        cmocka_unit_test(test_retries),
        cmocka_unit_test(test_worker_dies),
        cmocka_unit_test(test_killer),
        cmocka_unit_test(test_stale_run),
        cmocka_unit_test(test_stale_run_of_the_same_worker),
        cmocka_unit_test(test_bad_graphs),
        cmocka_unit_test(test_languages),
        cmocka_unit_test(test_hosted),
        cmocka_unit_test(test_barred),
        cmocka_unit_test(test_restrictions),
        cmocka_unit_test(test_scattered),
        cmocka_unit_test(test_steal),
        cmocka_unit_test(test_ttl),
        cmocka_unit_test(test_retire),
        cmocka_unit_test(test_duplicate_worker),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_restart),
        cmocka_unit_test(test_search_for_what_was_released),
        cmocka_unit_test(test_queue_and_seceded),
        cmocka_unit_test(test_thief_leaves),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_numbered_workers),
        cmocka_unit_test(test_no_valid_worker),
        cmocka_unit_test(test_no_worker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
