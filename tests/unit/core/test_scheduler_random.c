/* The scheduler under random graphs, and workers that finish, fail, die and join at random: its
 * invariants hold after every event, and every wanted key ends in memory or erred. */
#include "unit/core/scheduler_support.h"

#include "core/scheduler/copies.h"
#include "core/scheduler/queries.h"

#define NKEYS    120
#define NWORKERS 5

struct assignment {
    bool is_live;
    int64_t run_id;
};

/* Workers of the test: what each was told to run, and what it holds. */
struct cluster {
    struct memory *memory;
    struct sched *sched;
    struct sched_outbox out;
    struct wire_box *code;
    uint64_t random;
    int64_t now_us;
    uint32_t client;
    bool is_joined[NWORKERS];
    struct assignment assigned[NWORKERS][NKEYS];
    bool holds[NWORKERS][NKEYS];
    bool is_coming[NWORKERS][NKEYS]; /* copies that it was asked to get */
    bool has_retired[NWORKERS];
    bool is_wanted[NKEYS];
    uint32_t nfailures;
};

static uint32_t draw(struct cluster *cluster, uint32_t below)
{
    cluster->random = cluster->random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(cluster->random >> 33) % below;
}

static struct wire_bytes key_of(uint32_t number)
{
    static char buffers[NKEYS][16];
    int nbytes = snprintf(buffers[number] + 1, 15, "%c-%u", 'a' + (char)(number % 3), number);
    buffers[number][0] = (char)(0xa0 | nbytes);
    return (struct wire_bytes){buffers[number], (size_t)nbytes + 1};
}

static uint32_t number_of(const struct wire_value *packed)
{
    char text[16];
    key_text((struct wire_bytes){packed->as.bytes, packed->count}, text, sizeof(text));
    return (uint32_t)strtoul(text + 2, NULL, 10);
}

static const char *address_of(uint32_t worker)
{
    static const char *const addresses[NWORKERS] = {"w0", "w1", "w2", "w3", "w4"};
    return addresses[worker];
}

static uint32_t worker_of(struct cluster *cluster, uint32_t id)
{
    const char *address = sched_worker_address(cluster->sched, id);
    return address ? (uint32_t)(address[1] - '0') : NWORKERS;
}

static void take_event(struct cluster *cluster, struct sched_event event);

static void answer_steal(struct cluster *cluster, uint32_t worker, const struct wire_value *message)
{
    static const char *const answers[] = {"ready", "executing", NULL};
    char stimulus[32];
    uint32_t number = number_of(wire_find(message, "key"));
    const struct wire_value *asked = wire_find(message, "stimulus_id");
    snprintf(stimulus, sizeof(stimulus), "%.*s", (int)asked->count, asked->as.bytes);
    const char *state =
        cluster->assigned[worker][number].is_live ? answers[draw(cluster, 2)] : answers[2];
    if (state == answers[0])
        cluster->assigned[worker][number].is_live = false;
    struct sched_event event = {.kind = SCHED_STEAL_RESPONSE, .stimulus = stimulus};
    event.worker = sched_find_worker(cluster->sched, address_of(worker));
    event.as.steal.key = key_of(number);
    event.as.steal.state = state;
    take_event(cluster, event);
}

static void obey_worker_message(struct cluster *cluster, uint32_t worker,
                                const struct wire_value *message)
{
    const struct wire_value *op = wire_find(message, "op");
    if (wire_text_is(op, "acquire-replicas")) {
        const struct wire_value *who_has = wire_find(message, "who_has");
        for (uint32_t i = 0; i < who_has->count; i++)
            cluster->is_coming[worker][number_of(&who_has->as.entries[i].key)] = true;
    } else if (wire_text_is(op, "compute-task")) {
        uint32_t number = number_of(wire_find(message, "key"));
        struct assignment *assignment = &cluster->assigned[worker][number];
        assert_true(wire_read_int(wire_find(message, "run_id"), &assignment->run_id));
        assignment->is_live = true;
    } else if (wire_text_is(op, "free-keys") || wire_text_is(op, "remove-replicas")) {
        const struct wire_value *keys = wire_find(message, "keys");
        for (uint32_t i = 0; i < keys->count; i++) {
            if (wire_text_is(op, "free-keys"))
                cluster->assigned[worker][number_of(&keys->as.items[i])].is_live = false;
            cluster->holds[worker][number_of(&keys->as.items[i])] = false;
        }
    }
}

/* Steal requests are answered after all else was obeyed, for an answer is another event. */
static void take_event(struct cluster *cluster, struct sched_event event)
{
    dk_error err = {0};
    struct sched_outbox mine = cluster->out;
    sched_outbox_init(&cluster->out, cluster->memory);
    event.now_us = cluster->now_us;
    if (!event.stimulus)
        event.stimulus = "test";
    assert_int_equal(sched_step(cluster->sched, &event, &cluster->out, &err), DK_OK);
    if (!sched_validate(cluster->sched, &err))
        fail_msg("%s", err.message);
    struct sched_outbox sent = cluster->out;
    cluster->out = mine;
    const struct sched_message *messages = sched_outbox_messages(&sent);
    for (size_t i = 0; i < sent.messages.count; i++) {
        uint32_t worker =
            messages[i].target == SCHED_TO_WORKER ? worker_of(cluster, messages[i].id) : NWORKERS;
        if (worker < NWORKERS)
            obey_worker_message(cluster, worker, &messages[i].value);
        if (messages[i].target == SCHED_RETIRED && worker_of(cluster, messages[i].id) < NWORKERS)
            cluster->has_retired[worker_of(cluster, messages[i].id)] = true;
    }
    for (size_t i = 0; i < sent.messages.count; i++) {
        if (messages[i].target != SCHED_TO_WORKER ||
            !wire_text_is(wire_find(&messages[i].value, "op"), "steal-request"))
            continue;
        uint32_t worker = worker_of(cluster, messages[i].id);
        if (worker < NWORKERS)
            answer_steal(cluster, worker, &messages[i].value);
    }
    sched_outbox_deinit(&sent);
}

/* ---- what happens ---- */

static void submit_some(struct cluster *cluster)
{
    static struct sched_new_task tasks[20];
    static struct wire_bytes dependencies[20][4];
    struct wire_bytes wanted[3];
    uint32_t first = draw(cluster, NKEYS - 20), count = 1 + draw(cluster, 20);
    struct sched_event event = {.kind = SCHED_UPDATE_GRAPH, .client = cluster->client};
    for (uint32_t i = 0; i < count; i++) {
        uint32_t nneeds = draw(cluster, i < 3 ? i + 1 : 4), begin = i ? draw(cluster, i) : 0;
        for (uint32_t j = 0; j < nneeds; j++)
            dependencies[i][j] = key_of(first + (begin + j) % i);
        tasks[i] = (struct sched_new_task){.key = key_of(first + i),
                                           .dependencies = {dependencies[i], nneeds},
                                           .order = i,
                                           .run_spec = cluster->code};
    }
    for (uint32_t i = 0; i < 3; i++) {
        uint32_t number = first + draw(cluster, count);
        wanted[i] = key_of(number);
        cluster->is_wanted[number] = true;
    }
    event.as.graph.tasks = tasks;
    event.as.graph.ntasks = count;
    event.as.graph.is_unordered = draw(cluster, 2);
    event.as.graph.wanted = (struct sched_keys){wanted, 3};
    event.as.graph.wishes.retries = (uint16_t)draw(cluster, 2);
    take_event(cluster, event);
}

static void join(struct cluster *cluster, uint32_t worker)
{
    if (cluster->is_joined[worker])
        return;
    struct sched_event event = {.kind = SCHED_ADD_WORKER};
    event.as.add_worker = a_worker(address_of(worker), 1 + (int32_t)draw(cluster, 3));
    cluster->is_joined[worker] = true;
    take_event(cluster, event);
}

static void die(struct cluster *cluster, uint32_t worker)
{
    if (!cluster->is_joined[worker])
        return;
    cluster->is_joined[worker] = false;
    memset(cluster->assigned[worker], 0, sizeof(cluster->assigned[worker]));
    memset(cluster->holds[worker], 0, sizeof(cluster->holds[worker]));
    memset(cluster->is_coming[worker], 0, sizeof(cluster->is_coming[worker]));
    cluster->has_retired[worker] = false;
    struct sched_event event = {.kind = SCHED_REMOVE_WORKER};
    event.worker = sched_find_worker(cluster->sched, address_of(worker));
    event.as.is_expected = draw(cluster, 2);
    take_event(cluster, event);
}

/* Copies that the worker was asked for are there. */
static void fetch(struct cluster *cluster, uint32_t worker)
{
    for (uint32_t number = 0; number < NKEYS; number++) {
        struct wire_bytes one = key_of(number);
        struct sched_event event = {.kind = SCHED_ADD_KEYS};
        if (!cluster->is_coming[worker][number])
            continue;
        cluster->is_coming[worker][number] = false;
        cluster->holds[worker][number] = true;
        event.worker = sched_find_worker(cluster->sched, address_of(worker));
        event.as.keys = (struct sched_keys){&one, 1};
        take_event(cluster, event);
    }
}

/* Finishes, or fails, something that the worker was given; false when it has nothing to do. */
static bool work(struct cluster *cluster, uint32_t worker, bool may_fail)
{
    uint32_t start = draw(cluster, NKEYS);
    for (uint32_t i = 0; i < NKEYS; i++) {
        uint32_t number = (start + i) % NKEYS;
        struct assignment *assignment = &cluster->assigned[worker][number];
        if (!assignment->is_live)
            continue;
        assignment->is_live = false;
        uint32_t id = sched_find_worker(cluster->sched, address_of(worker));
        bool fails = may_fail && draw(cluster, 8) == 0;
        struct sched_event event = {.kind = fails ? SCHED_TASK_ERRED : SCHED_TASK_FINISHED};
        event.worker = id;
        if (fails)
            event.as.erred = (struct sched_erred){.key = key_of(number),
                                                  .run_id = assignment->run_id,
                                                  .exception = wire_text("boom")};
        else
            event.as.finished = (struct sched_finished){
                key_of(number), assignment->run_id,        draw(cluster, 1000000),
                NULL,           draw(cluster, 100) / 50.0, 0.01};
        cluster->holds[worker][number] = !fails;
        take_event(cluster, event);
        return true;
    }
    return false;
}

static void say(struct cluster *cluster, enum sched_event_kind kind, uint32_t worker)
{
    uint32_t number = draw(cluster, NKEYS);
    struct wire_bytes one = key_of(number);
    struct sched_event event = {.kind = kind, .client = cluster->client};
    event.worker = sched_find_worker(cluster->sched, address_of(worker));
    event.as.keys = (struct sched_keys){&one, 1};
    if (kind == SCHED_CLIENT_RELEASES)
        cluster->is_wanted[number] = false;
    take_event(cluster, event);
}

static void cancel_one(struct cluster *cluster)
{
    struct wire_bytes one = key_of(draw(cluster, NKEYS));
    struct sched_event event = {.kind = SCHED_CANCEL, .client = cluster->client};
    event.as.cancel.keys = (struct sched_keys){&one, 1};
    event.as.cancel.is_forced = draw(cluster, 2);
    take_event(cluster, event);
}

/* ---- copies ---- */

static struct sched_workers some_workers(struct cluster *cluster, uint32_t list[NWORKERS])
{
    struct sched_workers workers = {list, 0};
    for (uint32_t i = 0; i < sched_worker_limit(cluster->sched); i++)
        if (sched_worker_address(cluster->sched, i) && draw(cluster, 4))
            list[workers.count++] = i;
    return workers;
}

/* The worker gets a copy of what it was asked to, or is too late, and is told so. */
static void carry_out(struct cluster *cluster, const struct sched_copy *copy)
{
    uint32_t worker = worker_of(cluster, copy->to);
    struct wire_value packed = wire_packed(copy->key);
    uint32_t number = number_of(&packed);
    struct wire_bytes one = key_of(number);
    if (worker == NWORKERS || draw(cluster, 8) == 0)
        return;
    cluster->holds[worker][number] = true;
    struct sched_event event = {.kind = SCHED_ADD_KEYS, .worker = copy->to};
    event.as.keys = (struct sched_keys){&one, 1};
    take_event(cluster, event);
    event.kind = SCHED_DROP_KEYS;
    event.worker = copy->from;
    if (copy->from != SCHED_NOBODY)
        take_event(cluster, event);
}

/* A plan never asks for a copy that is there, and moves only what its sender holds. */
static void expect_sensible(struct cluster *cluster, const struct sched_copy *copy)
{
    uint32_t holders[NWORKERS];
    bool is_from = copy->from == SCHED_NOBODY;
    size_t count = sched_holders(cluster->sched, copy->key, holders, NWORKERS);
    assert_int_not_equal(count, 0);
    for (size_t i = 0; i < count; i++) {
        assert_int_not_equal(holders[i], copy->to);
        is_from |= holders[i] == copy->from;
    }
    assert_true(is_from);
}

/* Keys of plans are the state's, which their first event may forget. */
static void carry_out_all(struct cluster *cluster, const struct vector *copies)
{
    struct sched_copy *list = copies->data;
    for (size_t i = 0; i < copies->count; i++) {
        struct wire_value packed = wire_packed(list[i].key);
        expect_sensible(cluster, &list[i]);
        list[i].key = key_of(number_of(&packed));
    }
    for (size_t i = 0; i < copies->count; i++)
        carry_out(cluster, &list[i]);
}

static void copy_some(struct cluster *cluster)
{
    struct vector copies;
    uint32_t list[NWORKERS];
    struct wire_bytes names[20];
    uint32_t first = draw(cluster, NKEYS - 20);
    struct sched_workers workers = some_workers(cluster, list);
    for (uint32_t i = 0; i < 20; i++)
        names[i] = key_of(first + i);
    struct sched_keys keys = {names, 20};
    vector_init(&copies, cluster->memory, sizeof(struct sched_copy));
    struct sched_event event = {.kind = SCHED_REDUCE_REPLICAS};
    event.as.reduce = (struct sched_reduce){keys, list, workers.count, 1 + draw(cluster, 2)};
    if (draw(cluster, 2)) {
        take_event(cluster, event);
        assert_int_equal(sched_plan_replication(cluster->sched, &keys, workers,
                                                1 + draw(cluster, 3), 1 + draw(cluster, 2),
                                                &copies),
                         DK_OK);
    } else {
        assert_int_equal(
            sched_plan_balance(cluster->sched, draw(cluster, 2) ? &keys : NULL, workers, &copies),
            DK_OK);
    }
    carry_out_all(cluster, &copies);
    vector_deinit(&copies);
}

static void manage(struct cluster *cluster)
{
    static const enum sched_manager_order orders[] = {SCHED_MANAGER_START, SCHED_MANAGER_STOP,
                                                      SCHED_MANAGER_RUN};
    take_event(cluster, (struct sched_event){.kind = SCHED_MANAGE_MEMORY,
                                             .as.manager = orders[draw(cluster, 3)]});
}

static void retire(struct cluster *cluster, uint32_t worker)
{
    struct sched_event event = {.kind = SCHED_RETIRE_WORKER};
    event.worker = sched_find_worker(cluster->sched, address_of(worker));
    take_event(cluster, event);
}

/* Whatever there was, nothing is left. */
static void restart(struct cluster *cluster)
{
    take_event(cluster, (struct sched_event){.kind = SCHED_RESTART});
    assert_int_equal(sched_ntasks(cluster->sched), 0);
}

static void do_something(struct cluster *cluster)
{
    uint32_t worker = draw(cluster, NWORKERS);
    cluster->now_us += draw(cluster, 500000);
    switch (draw(cluster, 27)) {
    case 0:
    case 1:
        submit_some(cluster);
        break;
    case 2:
        join(cluster, worker);
        break;
    case 3:
        if (draw(cluster, 4) == 0)
            die(cluster, worker);
        break;
    case 4:
        say(cluster, SCHED_CLIENT_RELEASES, worker);
        break;
    case 5:
        say(cluster, SCHED_RETRY, worker);
        break;
    case 6:
        cancel_one(cluster);
        break;
    case 7:
        say(cluster, SCHED_CLIENT_DESIRES, worker);
        break;
    case 8:
        say(cluster, SCHED_ADD_KEYS, worker);
        break;
    case 9:
        say(cluster, SCHED_RELEASE_DATA, worker);
        break;
    case 10:
        say(cluster, SCHED_RESCHEDULE, worker);
        break;
    case 11:
        take_event(cluster, (struct sched_event){.kind = SCHED_TICK});
        break;
    case 12:
        if (draw(cluster, 8) == 0)
            restart(cluster);
        break;
    case 13:
        copy_some(cluster);
        break;
    case 14:
        manage(cluster);
        break;
    case 15:
        if (draw(cluster, 8) == 0)
            retire(cluster, worker);
        break;
    default:
        if (!cluster->is_joined[worker])
            break;
        fetch(cluster, worker);
        if (cluster->has_retired[worker])
            die(cluster, worker);
        else
            work(cluster, worker, true);
        break;
    }
}

/* Everybody works until nobody has anything to do. */
static void settle(struct cluster *cluster)
{
    bool is_busy = true;
    for (uint32_t worker = 0; worker < NWORKERS; worker++) {
        die(cluster, worker); /* it may retire, or have retired */
        join(cluster, worker);
    }
    while (is_busy) {
        is_busy = false;
        for (uint32_t worker = 0; worker < NWORKERS; worker++) {
            fetch(cluster, worker);
            is_busy |= work(cluster, worker, false);
        }
    }
}

static void expect_settled(struct cluster *cluster)
{
    for (uint32_t number = 0; number < NKEYS; number++) {
        enum sched_state state = sched_task_state(cluster->sched, key_of(number));
        if (state == SCHED_MEMORY || state == SCHED_ERRED || state == SCHED_RELEASED ||
            state == SCHED_FORGOTTEN)
            continue;
        fail_msg("key %u is left %s", number, sched_state_name(state));
    }
}

static void begin(struct cluster *cluster, uint64_t seed)
{
    struct wire_value code = wire_text("code");
    *cluster = (struct cluster){.memory = memory_new(NULL, 0), .random = seed};
    struct sched_options options = {.no_workers_timeout_us = seed % 2 ? 3 * SECOND_US : 0};
    cluster->sched = sched_new(cluster->memory, &options);
    cluster->code = wire_box_new(cluster->memory, &code);
    sched_outbox_init(&cluster->out, cluster->memory);
    take_event(cluster,
               (struct sched_event){.kind = SCHED_ADD_CLIENT, .as.add_client = {.name = "me"}});
    cluster->client = sched_find_client(cluster->sched, "me");
}

static void end(struct cluster *cluster)
{
    take_event(cluster,
               (struct sched_event){.kind = SCHED_REMOVE_CLIENT, .client = cluster->client});
    assert_int_equal(sched_ntasks(cluster->sched), 0);
    sched_free(cluster->sched);
    sched_outbox_deinit(&cluster->out);
    wire_box_unref(cluster->code);
    assert_int_equal(memory_use(cluster->memory).current, 0);
    memory_close(cluster->memory);
}

static void test_random(void **state)
{
    (void)state;
    static struct cluster cluster;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        begin(&cluster, seed);
        for (int i = 0; i < 500; i++)
            do_something(&cluster);
        settle(&cluster);
        expect_settled(&cluster);
        end(&cluster);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
