/* The scheduler without memory: each allocation of a long story fails once. The step that needed it
 * says so, all later ones do, and what is left can be freed. */
#include "unit/core/scheduler_support.h"

#include "core/scheduler/copies.h"

typedef void (*chapter)(struct story *story);

static void join_rich(struct story *story)
{
    struct wire_entry gpu = {wire_text("GPU"), wire_int(1)};
    struct wire_value resources = wire_map(&gpu, 1);
    struct sched_add_worker rich = a_worker("rich", 1);
    rich.nanny = "nanny";
    rich.resources = &resources;
    add_worker_with(story, rich);
}

static void join_plain(struct story *story)
{
    add_worker_with(story, a_worker("w1", 2));
}

static void submit_layers(struct story *story)
{
    submit(story, "x-1; x-2; x-3; x-4; x-5; x-6; x-7; x-8; s=x-1,x-2; t=s,x-8", "t,x-3,x-4");
}

static void submit_wishes(struct story *story)
{
    struct wire_entry gpu = {wire_text("GPU"), wire_int(1)};
    struct wire_entry note = {wire_text("note"), wire_text("urgent")};
    struct wire_value resources = wire_map(&gpu, 1), notes = wire_map(&note, 1);
    struct wire_value name = wire_text("rich");
    struct wire_value workers = wire_array(&name, 1);
    struct sched_wishes wishes = {
        .workers = &workers, .resources = &resources, .annotations = &notes, .retries = 1};
    submit_with(story, "g; h=g", "h", wishes, SCHED_NATIVE);
}

static void submit_homeless(struct story *story)
{
    struct wire_value name = wire_text("nowhere");
    struct wire_value workers = wire_array(&name, 1);
    submit_with(story, "n", "n", (struct sched_wishes){.workers = &workers}, SCHED_NATIVE);
}

static void submit_unordered(struct story *story)
{
    story->is_unordered = true;
    submit(story, "k=i,j; j; i", "k");
    story->is_unordered = false;
}

static void submit_cycle(struct story *story)
{
    submit(story, "a=b; b=a; c=b", "c");
}

static void submit_orphan(struct story *story)
{
    submit(story, "d=nobody; e=d", "e");
}

static void submit_python(struct story *story)
{
    submit_with(story, "p", "p", (struct sched_wishes){0}, SCHED_PYTHON);
}

static void scatter_data(struct story *story)
{
    uint32_t holder = sched_find_worker(story->sched, "w1");
    struct sched_data data = {key("y"), &holder, 1, 8};
    struct sched_event event = {.kind = SCHED_UPDATE_DATA, .client = story->client};
    event.as.data.list = &data;
    event.as.data.count = 1;
    take(story, event);
}

static void use_scattered(struct story *story)
{
    submit(story, "u=y; v=u", "v");
}

/* A report of whoever is running it. */
static void report(struct story *story, enum sched_event_kind kind, const char *name)
{
    static const char *const addresses[] = {"w1", "rich", "w2"};
    for (size_t i = 0; i < 3 && story->status == DK_OK; i++) {
        uint32_t worker = sched_find_worker(story->sched, addresses[i]);
        if (worker == SCHED_NOBODY)
            continue;
        struct wire_value type = wire_text("int");
        struct sched_event event = {.kind = kind, .worker = worker};
        if (kind == SCHED_TASK_FINISHED)
            event.as.finished =
                (struct sched_finished){.key = key(name),
                                        .run_id = story->run_ids[(unsigned char)*name],
                                        .nbytes = 100,
                                        .type = &type,
                                        .compute_s = 0.01};
        else
            event.as.erred = (struct sched_erred){.key = key(name),
                                                  .run_id = story->run_ids[(unsigned char)*name],
                                                  .exception = wire_text("boom"),
                                                  .text = wire_text("boom")};
        take(story, event);
    }
}

static void finish_g(struct story *story)
{
    report(story, SCHED_TASK_FINISHED, "g");
}

static void fail_h(struct story *story)
{
    report(story, SCHED_TASK_ERRED, "h");
}

static void retry_h(struct story *story)
{
    say_keys(story, SCHED_RETRY, 0, "h");
}

static void finish_u(struct story *story)
{
    report(story, SCHED_TASK_FINISHED, "u");
}

static void heartbeat(struct story *story)
{
    struct wire_entry cpu = {wire_text("cpu"), wire_float(12.5)};
    struct wire_entry running = {wire_text("x-1"), wire_float(3)};
    struct wire_value metrics = wire_map(&cpu, 1), executing = wire_map(&running, 1);
    struct sched_event event = {.kind = SCHED_HEARTBEAT};
    event.worker = sched_find_worker(story->sched, "w1");
    event.as.heartbeat.metrics = &metrics;
    event.as.heartbeat.executing = &executing;
    take(story, event);
}

static void join_idle(struct story *story)
{
    story->now_us += 5 * SECOND_US;
    add_worker_with(story, a_worker("w2", 4));
}

static void tick(struct story *story)
{
    story->now_us += 5 * SECOND_US;
    take(story, (struct sched_event){.kind = SCHED_TICK});
}

static void give_up(struct story *story)
{
    struct sched_event event = {.kind = SCHED_STEAL_RESPONSE, .stimulus = "steal-1"};
    event.worker = sched_find_worker(story->sched, "w1");
    event.as.steal.key = key("x-3");
    event.as.steal.state = "ready";
    take(story, event);
}

static void copy_to_w2(struct story *story)
{
    say_keys(story, SCHED_ADD_KEYS, sched_find_worker(story->sched, "w2"), "g,y,nobody");
}

static void reduce(struct story *story)
{
    uint32_t worker = sched_find_worker(story->sched, "w2");
    struct wire_bytes name = key("g");
    struct sched_event event = {.kind = SCHED_REDUCE_REPLICAS};
    event.as.reduce = (struct sched_reduce){{&name, 1}, &worker, 1, 0};
    take(story, event);
}

static void manage(struct story *story)
{
    take(story, (struct sched_event){.kind = SCHED_MANAGE_MEMORY, .as.manager = SCHED_MANAGER_RUN});
}

static void ask_who_has(struct story *story)
{
    say_keys(story, SCHED_REFRESH_WHO_HAS, sched_find_worker(story->sched, "w2"), "g,y,nobody");
}

static void kill(struct story *story, const char *address)
{
    take(story, (struct sched_event){.kind = SCHED_REMOVE_WORKER,
                                     .worker = sched_find_worker(story->sched, address)});
}

static void kill_w1(struct story *story)
{
    kill(story, "w1");
}

static void kill_rich(struct story *story)
{
    kill(story, "rich");
}

static void want_again(struct story *story)
{
    say_keys(story, SCHED_CLIENT_DESIRES, 0, "s,new");
}

static void ask_again(struct story *story)
{
    say_keys(story, SCHED_REPORT_KEYS, 0, "s,c,unknown");
}

static void cancel_t(struct story *story)
{
    struct wire_bytes name = key("t");
    struct sched_event event = {.kind = SCHED_CANCEL, .client = story->client};
    event.as.cancel.keys = (struct sched_keys){&name, 1};
    event.as.cancel.reason = wire_text("user");
    event.as.cancel.message = wire_text("enough");
    take(story, event);
}

static void let_go(struct story *story)
{
    say_keys(story, SCHED_CLIENT_RELEASES, 0, "x-3,h,c");
}

static void another_client(struct story *story)
{
    take(story, (struct sched_event){.kind = SCHED_ADD_CLIENT, .as.add_client = {.name = "you"}});
}

static void leave(struct story *story)
{
    take(story, (struct sched_event){.kind = SCHED_REMOVE_CLIENT, .client = story->client});
}

static const chapter chapters[] = {
    another_client, submit_layers, submit_homeless,  join_plain,    join_rich,
    submit_wishes,  submit_cycle,  submit_unordered, submit_orphan, submit_python,
    scatter_data,   use_scattered, finish_g,         fail_h,        fail_h,
    retry_h,        finish_u,      heartbeat,        join_idle,     give_up,
    tick,           copy_to_w2,    reduce,           copy_to_w2,    manage,
    copy_to_w2,     ask_who_has,   kill_w1,          want_again,    ask_again,
    kill_rich,      cancel_t,      let_go,           tick,          leave,
};

/* True when the story is told to its end. */
static bool tell(struct story *story)
{
    story->sched = sched_new(story->out.arena.memory, &(struct sched_options){
                                                          .worker_ttl_us = 40 * SECOND_US,
                                                          .no_workers_timeout_us = 8 * SECOND_US,
                                                          .allowed_failures = 1,
                                                      });
    if (!story->sched)
        return false;
    take(story, (struct sched_event){.kind = SCHED_ADD_CLIENT,
                                     .as.add_client = {.name = "me", .is_native = true}});
    if (story->status == DK_OK)
        story->client = sched_find_client(story->sched, "me");
    for (size_t i = 0; i < sizeof(chapters) / sizeof(*chapters) && story->status == DK_OK; i++)
        chapters[i](story);
    return story->status == DK_OK;
}

/* Proves that each step either has the memory it needs or says so, for good, and that nothing is
 * lost by it. */
static void test_each_allocation_fails(void **state)
{
    (void)state;
    struct failing failing = {.failed = true};
    for (int64_t n = 0; failing.failed; n++) {
        failing = (struct failing){.left = -1};
        dk_allocator allocator = {failing_resize, &failing};
        struct memory *memory = memory_new(&allocator, 0);
        struct story story = {.memory = memory_new(NULL, 0)};
        sched_outbox_init(&story.out, memory);
        text_init(&story.diary, story.memory);
        failing.left = n;
        bool is_told = tell(&story);
        assert_true(is_told != failing.failed);
        failing.left = -1;
        if (story.sched && !is_told) {
            tick(&story);
            assert_int_equal(story.status, DK_ENOMEM);
        }
        sched_free(story.sched);
        sched_outbox_deinit(&story.out);
        assert_int_equal(memory_use(memory).current, 0);
        memory_close(memory);
        text_deinit(&story.diary);
        memory_close(story.memory);
    }
}

static dk_status plan_copies(struct story *story)
{
    struct vector copies, missing;
    uint32_t workers[] = {0, 1, 2};
    struct wire_bytes names[] = {key("i"), key("j"), key("k"), key("nobody")};
    struct sched_keys keys = {names, 4};
    struct sched_workers all = {workers, 3};
    vector_init(&copies, story->out.arena.memory, sizeof(struct sched_copy));
    vector_init(&missing, story->out.arena.memory, sizeof(struct wire_bytes));
    dk_status status = sched_plan_replication(story->sched, &keys, all, 3, 2, &copies);
    assert_true(status != DK_OK || copies.count == 6);
    copies.count = 0;
    if (status == DK_OK)
        status = sched_plan_balance(story->sched, &keys, all, &copies);
    assert_true(status != DK_OK || copies.count == 2);
    if (status == DK_OK)
        status = sched_missing(story->sched, &keys, &missing);
    assert_true(status != DK_OK || missing.count == 1);
    vector_deinit(&copies);
    vector_deinit(&missing);
    return status;
}

/* Proves that plans say that there is no memory, and leave the state as it was. */
static void test_plans_without_memory(void **state)
{
    (void)state;
    struct failing failing = {.left = -1};
    dk_allocator allocator = {failing_resize, &failing};
    struct memory *memory = memory_new(&allocator, 0);
    struct story story = {.memory = memory_new(NULL, 0), .sched = sched_new(memory, NULL)};
    sched_outbox_init(&story.out, memory);
    text_init(&story.diary, story.memory);
    take(&story, (struct sched_event){.kind = SCHED_ADD_CLIENT, .as.add_client = {.name = "me"}});
    story.client = sched_find_client(story.sched, "me");
    join_plain(&story);
    add_worker(&story, "w2", 1);
    add_worker(&story, "w3", 1);
    scatter(&story, "i", 100, "w1", NULL);
    scatter(&story, "j", 100, "w1", NULL);
    scatter(&story, "k", 100, "w1", NULL);
    dk_status status = DK_ENOMEM;
    for (int64_t n = 0; status != DK_OK; n++) {
        failing.left = n;
        status = plan_copies(&story);
        failing.left = -1;
        assert_true(status == DK_OK || status == DK_ENOMEM);
        tick(&story);
        assert_int_equal(story.status, DK_OK);
    }
    sched_free(story.sched);
    sched_outbox_deinit(&story.out);
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
    text_deinit(&story.diary);
    memory_close(story.memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_allocation_fails),
                                       cmocka_unit_test(test_plans_without_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
