/* The worker's core under events in any order: the state stays valid, what was begun ends, and
 * nothing is left when everything is released; and under failing allocations. */
#include "support/worker_trace.h"

#define NKEYS  24
#define NPEERS 5

/* What the glue would know: what runs, what comes, and which values are kept. */
struct random_worker {
    struct trace trace;
    uint64_t random;
    bool is_kept[NKEYS];
    int64_t run_id;
};

static uint32_t draw(struct random_worker *worker, uint32_t below)
{
    worker->random = worker->random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(worker->random >> 33) % below;
}

static const char *peer_name(uint32_t number)
{
    static const char *const names[NPEERS] = {"A:1", "B:1", "w:2", "w:3", "w:1" /* itself */};
    return names[number];
}

static int number_of(struct wire_bytes key)
{
    return key.data[1] - 'a';
}

static struct wire_bytes key_of(struct random_worker *worker, uint32_t number)
{
    char name[2] = {(char)('a' + number), '\0'};
    return trace_key(&worker->trace, name);
}

/* ---- what the core says ---- */

static void follow(struct random_worker *worker)
{
    struct trace *trace = &worker->trace;
    for (size_t i = 0; i < trace->instructions.list.count; i++) {
        const struct wkr_instruction *said = wkr_instruction_at(&trace->instructions, i);
        text_init(&trace->log, trace->memory);
        if (said->kind == WKR_EXECUTE) {
            assert_in_range(trace->nruns, 0, TRACE_MAX - 1);
            trace_execute(trace, said);
        } else if (said->kind == WKR_GATHER) {
            trace_gather(trace, said);
        } else if (said->kind == WKR_KEEP) {
            assert_false(worker->is_kept[number_of(said->key)]);
            worker->is_kept[number_of(said->key)] = true;
        } else if (said->kind == WKR_RELEASE_DATA) {
            assert_true(worker->is_kept[number_of(said->key)]);
            worker->is_kept[number_of(said->key)] = false;
        } else if (said->kind == WKR_SEND_TASK_FINISHED) {
            assert_true(worker->is_kept[number_of(said->key)]);
        }
        text_deinit(&trace->log);
    }
}

static void step(struct random_worker *worker, struct wkr_event *event)
{
    struct trace *trace = &worker->trace;
    dk_error err = {0};
    event->now_us = trace->now_us;
    wkr_instructions_clear(&trace->instructions);
    dk_status status = wkr_step(trace->worker, event, &trace->instructions, &err);
    if (status != DK_OK)
        fail_msg("event %d: %s", (int)event->kind, err.message);
    follow(worker);
    if (wkr_validate(trace->worker, &err) != DK_OK)
        fail_msg("event %d: %s", (int)event->kind, err.message);
    for (uint32_t i = 0; i < NKEYS; i++) {
        struct wkr_task_id task;
        trace->npacked = 0;
        bool is_known = wkr_find(trace->worker, key_of(worker, i), &task);
        bool is_kept = is_known && wkr_task_state(trace->worker, task) == WKR_MEMORY;
        assert_int_equal(worker->is_kept[i], is_kept);
    }
    trace->npacked = trace->naddresses = 0;
}

/* ---- what happens ---- */

static struct wkr_replicas draw_replicas(struct random_worker *worker, uint32_t number)
{
    struct trace *trace = &worker->trace;
    struct wkr_replicas replicas = {key_of(worker, number), &trace->addresses[trace->naddresses], 0,
                                    draw(worker, 30000000)};
    uint32_t first = draw(worker, NPEERS), count = 1 + draw(worker, 2);
    for (uint32_t i = 0; i < count; i++)
        trace->addresses[trace->naddresses++] = trace_bytes(peer_name((first + i) % NPEERS));
    replicas.naddresses = count;
    return replicas;
}

/* A task depends on those with smaller letters. */
static void compute(struct random_worker *worker)
{
    struct trace *trace = &worker->trace;
    uint32_t number = draw(worker, NKEYS);
    struct wkr_event event = {.kind = WKR_COMPUTE_TASK};
    struct wkr_compute_task *asked = &event.as.compute;
    asked->key = key_of(worker, number);
    asked->run_id = worker->run_id++;
    asked->run_spec = trace->box;
    asked->priority = (struct wkr_priority){.user = draw(worker, 2), .order = draw(worker, 5)};
    asked->dependencies = trace->replicas;
    for (uint32_t i = 0; i < 3 && number; i++) {
        uint32_t dependency = draw(worker, number);
        bool is_new = true;
        for (size_t j = 0; j < asked->ndependencies; j++)
            is_new = is_new && number_of(trace->replicas[j].key) != (int)dependency;
        if (is_new)
            trace->replicas[asked->ndependencies++] = draw_replicas(worker, dependency);
    }
    if (draw(worker, 3) == 0) {
        trace->resources[0] = (struct wkr_resource){trace_bytes("R"), 1 + draw(worker, 2)};
        asked->resources = trace->resources;
        asked->nresources = 1;
    }
    step(worker, &event);
}

static void end_run(struct random_worker *worker, enum wkr_event_kind kind)
{
    struct trace *trace = &worker->trace;
    if (!trace->nruns)
        return;
    uint32_t at = draw(worker, (uint32_t)trace->nruns);
    struct trace_run run = trace->runs[at];
    struct wkr_event event = {.kind = kind};
    if (kind == WKR_SECEDED) {
        event.as.seceded.task = run.task;
    } else {
        trace->runs[at] = trace->runs[--trace->nruns];
        event.as.executed = (struct wkr_executed){.task = run.task,
                                                  .run_id = run.run_id,
                                                  .nbytes = draw(worker, 100),
                                                  .start = 1,
                                                  .stop = 1 + 1e-6 * draw(worker, 400)};
        event.as.executed.error = kind == WKR_EXECUTE_FAILED ? trace->box : NULL;
    }
    step(worker, &event);
}

static void end_gather(struct random_worker *worker, enum wkr_event_kind kind)
{
    struct trace *trace = &worker->trace;
    if (!trace->ngathers)
        return;
    uint32_t at = draw(worker, (uint32_t)trace->ngathers);
    struct wkr_event event = {.kind = kind};
    event.as.gathered.peer = trace->gathers[at].peer;
    event.as.gathered.tasks = trace->gathered;
    event.as.gathered.error = kind == WKR_GATHER_FAILED ? trace->box : NULL;
    if (kind == WKR_GATHER_SUCCEEDED) {
        uint32_t ntasks = trace->gathers[at].ntasks;
        for (uint32_t i = 0; i < ntasks; i++)
            if (draw(worker, 4))
                trace->gathered[event.as.gathered.ntasks++] =
                    (struct wkr_gathered_task){trace->gathers[at].tasks[i], draw(worker, 100)};
    }
    trace->gathers[at] = trace->gathers[--trace->ngathers];
    step(worker, &event);
}

static void keys_event(struct random_worker *worker, enum wkr_event_kind kind)
{
    struct trace *trace = &worker->trace;
    struct wkr_event event = {.kind = kind, .as.keys = {trace->keys, 1 + draw(worker, 3)}};
    for (size_t i = 0; i < event.as.keys.count; i++)
        trace->keys[i] = key_of(worker, draw(worker, NKEYS));
    step(worker, &event);
}

static void replicas_event(struct random_worker *worker, enum wkr_event_kind kind)
{
    struct trace *trace = &worker->trace;
    struct wkr_event event = {.kind = kind, .as.replicas = {trace->replicas, 2}};
    uint32_t first = draw(worker, NKEYS - 1);
    for (uint32_t i = 0; i < 2; i++)
        trace->replicas[i] = draw_replicas(worker, first + i);
    step(worker, &event);
}

static void scatter(struct random_worker *worker)
{
    struct wkr_scattered scattered = {key_of(worker, draw(worker, NKEYS)), 5};
    struct wkr_event event = {.kind = WKR_UPDATE_DATA, .as.scattered = {&scattered, 1}};
    step(worker, &event);
}

static void happen(struct random_worker *worker)
{
    struct wkr_event event = {.kind = WKR_DEADLINE};
    uint32_t number = draw(worker, NKEYS);
    worker->trace.now_us += draw(worker, 100000);
    switch (draw(worker, 24)) {
    case 0:
        keys_event(worker, WKR_FREE_KEYS);
        return;
    case 1:
        keys_event(worker, WKR_REMOVE_REPLICAS);
        return;
    case 2:
        replicas_event(worker, WKR_ACQUIRE_REPLICAS);
        return;
    case 3:
        replicas_event(worker, WKR_REFRESH_WHO_HAS);
        return;
    case 4:
        scatter(worker);
        return;
    case 5:
        event.kind = draw(worker, 2) ? WKR_STEAL_REQUEST : WKR_CANCEL_COMPUTE;
        event.as.key = key_of(worker, number);
        break;
    case 6:
        event.kind = WKR_REMOVE_WORKER;
        event.as.address = trace_bytes(peer_name(draw(worker, NPEERS)));
        break;
    case 7:
        event.kind = draw(worker, 3) ? WKR_UNPAUSE : WKR_PAUSE;
        break;
    case 8:
        end_run(worker, WKR_EXECUTE_FAILED);
        return;
    case 9:
        end_run(worker, WKR_EXECUTE_RESCHEDULED);
        return;
    case 10:
        end_run(worker, WKR_SECEDED);
        return;
    case 11:
    case 12:
        end_run(worker, WKR_EXECUTE_SUCCEEDED);
        return;
    case 13:
        end_gather(worker, WKR_GATHER_BUSY);
        return;
    case 14:
        end_gather(worker, WKR_GATHER_NETWORK_FAILED);
        return;
    case 15:
        end_gather(worker, WKR_GATHER_FAILED);
        return;
    case 16:
    case 17:
        end_gather(worker, WKR_GATHER_SUCCEEDED);
        return;
    case 18:
        break;
    default:
        compute(worker);
        return;
    }
    step(worker, &event);
}

static void finish(struct random_worker *worker)
{
    struct trace *trace = &worker->trace;
    struct wkr_event event = {.kind = WKR_UNPAUSE};
    step(worker, &event);
    do {
        end_run(worker, WKR_EXECUTE_SUCCEEDED);
        end_gather(worker, WKR_GATHER_SUCCEEDED);
        event = (struct wkr_event){.kind = WKR_FREE_KEYS, .as.keys = {trace->keys, NKEYS}};
        for (uint32_t i = 0; i < NKEYS; i++)
            trace->keys[i] = key_of(worker, i);
        step(worker, &event);
    } while (trace->nruns || trace->ngathers);
}

/* What keeps a released task are tasks that depend on it; none of them is left. */
static void check_nothing_is_left(struct random_worker *worker)
{
    struct wkr_counts counts = wkr_counts(worker->trace.worker);
    for (int state = 0; state < WKR_FORGOTTEN; state++)
        if (counts.tasks[state])
            fail_msg("%u tasks are still %s", counts.tasks[state], wkr_state_name(state));
    assert_int_equal(counts.nbytes, 0);
    assert_int_equal(counts.incoming_nbytes, 0);
    assert_int_equal(counts.executing + counts.long_running + counts.in_flight, 0);
}

static void live(uint64_t seed, struct memory *memory)
{
    static struct random_worker worker;
    struct wkr_resource resource = {{"R", 1}, 3};
    struct wkr_options options = {.address = {"w:1", 3},
                                  .nthreads = 1 + (uint32_t)(seed % 3),
                                  .ahead_max = (uint32_t)(seed % 4),
                                  .resources = &resource,
                                  .nresources = 1,
                                  .gathers_max = 2};
    memset(&worker, 0, sizeof(worker));
    worker.random = seed;
    assert_int_equal(trace_open(&worker.trace, memory, &options), DK_OK);
    for (int i = 0; i < 300; i++)
        happen(&worker);
    finish(&worker);
    check_nothing_is_left(&worker);
    trace_close(&worker.trace);
}

/* Proves that no order of events leads to a state that is not valid, or that does not end. */
static void test_random_events(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    for (uint64_t seed = 1; seed <= 1500; seed++) {
        live(seed, memory);
        assert_int_equal(memory_use(memory).current, 0);
    }
    memory_close(memory);
}

/* ---- out of memory ---- */

static dk_status play(struct memory *memory)
{
    static struct trace trace;
    struct wkr_resource resource = {{"R", 1}, 3};
    struct wkr_options options = {
        .address = {"w:1", 3}, .nthreads = 2, .resources = &resource, .nresources = 1};
    dk_status status = trace_open(&trace, memory, &options);
    if (status == DK_OK)
        status = trace_play(&trace, "compute x needs=a@A+w:2:100,b@B,c@C res=R:1\n"
                                    "compute y needs=a@A,d@D\n"
                                    "acquire e@A f@B\n"
                                    "scatter g:5 h:5\n"
                                    "compute z needs=g@w:1 res=R:2\n"
                                    "compute v\n"
                                    "compute u\n"
                                    "refresh a@A+B+C+D+E\n"
                                    "done z\n"
                                    "fail v\n"
                                    "secede u\n"
                                    "steal y\n"
                                    "remove h\n"
                                    "lost D\n"
                                    "at 2000\n");
    trace_close(&trace);
    return status;
}

/* Proves that a step for which memory runs out leaves what can be freed. */
static void test_out_of_memory(void **state)
{
    (void)state;
    fail_each_allocation(play);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_events),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
