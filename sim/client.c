/* A client: submits graphs, changes its mind, and believes what it is told. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "sim/cluster.h"
#include "sim/must.h"
#include "wire/build.h"
#include "wire/unpack.h"

void sim_client_init(struct cluster *cluster, struct sim_client *client)
{
    snprintf(client->name, sizeof(client->name), "client-%u", client->number);
    struct sched_event event = {.kind = SCHED_ADD_CLIENT, .stimulus = "client-comes"};
    event.as.add_client = (struct sched_add_client){.name = client->name, .is_native = true};
    client->futures = must(memory_calloc(cluster->memory, cluster->options->tasks));
    sim_scheduler_step(cluster, &event);
    client->known_as = sched_find_client(cluster->sched, client->name);
}

void sim_client_deinit(struct cluster *cluster, struct sim_client *client)
{
    memory_free(cluster->memory, client->futures, cluster->options->tasks);
    sim_clear_channel(cluster, &client->up);
    sim_clear_channel(cluster, &client->down);
}

static void post(struct cluster *cluster, struct sim_client *client,
                 const struct wire_value *message)
{
    sim_post(cluster, &client->up, message,
             (struct occasion){.kind = SIM_LETTER_FROM_CLIENT, .who = client->number},
             (int64_t)(cluster->options->latency_s * 1e6), cluster->options->bandwidth);
}

static void set_future(struct sim_client *client, uint32_t number, enum sim_future future)
{
    client->npending -= client->futures[number] == SIM_PENDING;
    client->npending += future == SIM_PENDING;
    client->futures[number] = (uint8_t)future;
}

/* ---- submitting ---- */

static struct wire_value key_of(const struct cluster *cluster, uint32_t number)
{
    return wire_packed(keys_packed(&cluster->work.keys, number));
}

static struct wire_value describe(struct cluster *cluster, struct wire_builder *builder,
                                  uint32_t number, uint32_t order)
{
    const struct sim_task *task = sim_task_at(&cluster->work, number);
    struct wire_filling parts = wire_begin_array(builder, 4);
    struct wire_filling needs = wire_begin_array(builder, task->ndependencies);
    for (uint32_t i = 0; i < task->ndependencies; i++)
        wire_add(&needs, key_of(cluster, sim_dependencies(&cluster->work, task)[i]));
    wire_add(&parts, key_of(cluster, number));
    wire_add(&parts, wire_end_array(&needs));
    wire_add(&parts, wire_int(order));
    wire_add(&parts, wire_bin((struct wire_bytes){"code", 4}));
    return wire_end_array(&parts);
}

/* Results that nobody needs are wanted; of the others a few, unless it is a matter of speed. */
static bool is_wanted(struct cluster *cluster, uint32_t number)
{
    if (!sim_task_at(&cluster->work, number)->ndependents)
        return true;
    return !cluster->options->measures && chance_below(&cluster->chance, 8) == 0;
}

static struct wire_value want(struct cluster *cluster, struct sim_client *client,
                              struct wire_builder *builder, uint32_t first, uint32_t end)
{
    struct wire_filling wanted = wire_begin_array(builder, end - first);
    for (uint32_t i = first; i < end; i++) {
        if (!is_wanted(cluster, i))
            continue;
        wire_add(&wanted, key_of(cluster, i));
        set_future(client, i, SIM_PENDING);
    }
    return wire_end_array(&wanted);
}

void sim_submit(struct cluster *cluster, struct sim_client *client, uint32_t graph)
{
    uint32_t first = cluster->work.graphs[graph], end = cluster->work.graphs[graph + 1];
    struct arena arena;
    arena_init(&arena, cluster->memory);
    struct wire_builder builder = {&arena, false};
    struct wire_filling tasks = wire_begin_array(&builder, end - first);
    struct wire_filling message = wire_begin_map(&builder, 6);
    for (uint32_t i = first; i < end; i++)
        wire_add(&tasks, describe(cluster, &builder, i, i - first));
    wire_put(&message, "op", wire_text("update-graph-native"));
    wire_put(&message, "tasks", wire_end_array(&tasks));
    wire_put(&message, "keys", want(cluster, client, &builder, first, end));
    wire_put(&message, "retries", wire_int(cluster->options->retries));
    wire_put(&message, "stimulus_id", wire_text("update-graph"));
    struct wire_value graph_message = wire_end_map(&message);
    cluster->progress_us = cluster->now_us;
    post(cluster, client, &graph_message);
    arena_deinit(&arena);
}

/* ---- changing its mind ---- */

/* One of the keys that it knows; SIM_NO_KEY: there is none. */
static uint32_t draw_key(struct cluster *cluster, const struct sim_client *client)
{
    uint32_t count = sim_ntasks(&cluster->work), first = chance_below(&cluster->chance, count);
    for (uint32_t i = 0; i < count; i++)
        if (client->futures[(first + i) % count] != SIM_NO_FUTURE)
            return (first + i) % count;
    return SIM_NO_KEY;
}

static void say(struct cluster *cluster, struct sim_client *client, const char *op, uint32_t number,
                bool is_forced)
{
    struct wire_value key = key_of(cluster, number);
    struct wire_entry fields[] = {
        {wire_text("op"), wire_text(op)},
        {wire_text("keys"), wire_array(&key, 1)},
        {wire_text("stimulus_id"), wire_text("client")},
        {wire_text("force"), wire_bool(is_forced)},
    };
    struct wire_value message = wire_map(fields, 4);
    post(cluster, client, &message);
}

/* Retrying is a question of its own to the scheduler. */
static void retry(struct cluster *cluster, struct sim_client *client, uint32_t number)
{
    struct wire_bytes key = keys_packed(&cluster->work.keys, number);
    struct sched_event event = {
        .kind = SCHED_RETRY, .client = client->known_as, .stimulus = "client-retry"};
    event.as.keys = (struct sched_keys){&key, 1};
    diary_note(&cluster->diary,
               (struct diary_line){cluster->now_us, client->number, number, 0, 'c', ""},
               (struct wire_bytes){"(retry)", 7});
    sim_scheduler_step(cluster, &event);
}

/* Lets go of a key; or has it run again, when it has failed. */
void sim_client_releases(struct cluster *cluster, struct sim_client *client)
{
    uint32_t number = draw_key(cluster, client);
    if (number == SIM_NO_KEY)
        return;
    if (client->futures[number] == SIM_ERRED && chance_below(&cluster->chance, 2)) {
        retry(cluster, client, number);
        return;
    }
    set_future(client, number, SIM_CANCELLED);
    say(cluster, client, "client-releases-keys", number, false);
}

void sim_client_cancels(struct cluster *cluster, struct sim_client *client)
{
    uint32_t number = draw_key(cluster, client);
    if (number == SIM_NO_KEY)
        return;
    set_future(client, number, SIM_CANCELLED);
    say(cluster, client, "cancel-keys", number, chance_below(&cluster->chance, 2));
}

/* ---- being told ---- */

static void check_reason(struct cluster *cluster, uint32_t number, const struct wire_value *message)
{
    static const char planned[] = "planned ";
    char reason[160] = "";
    struct wire_bytes text = {"", 0};
    (void)wire_read_text(wire_find(message, "exception_text"), &text);
    snprintf(reason, sizeof(reason), "%.*s", (int)text.nbytes, text.data);
    if (strncmp(reason, planned, sizeof(planned) - 1) == 0) {
        uint32_t culprit = (uint32_t)strtoul(reason + sizeof(planned) - 1, NULL, 10);
        if (!sim_task_at(&cluster->work, culprit)->nfailures ||
            !sim_depends_on(&cluster->work, number, culprit))
            sim_fail(cluster, number, "it has failed because of %u", culprit);
        return;
    }
    if (strcmp(reason, "garbled") == 0 && cluster->ngarbled)
        return;
    if (strstr(reason, "died") && cluster->ndied > 3)
        return;
    sim_fail(cluster, number, "it has failed for no reason of this run: '%s'", reason);
}

/* About keys that the client has let go of, late news is no news. */
static void learn(struct cluster *cluster, struct sim_client *client,
                  const struct wire_value *message, uint32_t number)
{
    const struct wire_value *op = wire_find(message, "op");
    enum sim_future before = (enum sim_future)client->futures[number];
    if (before == SIM_NO_FUTURE || before == SIM_CANCELLED)
        return;
    cluster->progress_us = cluster->now_us;
    if (wire_text_is(op, "key-in-memory")) {
        if (sim_task_at(&cluster->work, number)->nfailures == SIM_ALWAYS)
            sim_fail(cluster, number, "it is in memory, though it always fails");
        set_future(client, number, SIM_DONE);
    } else if (wire_text_is(op, "task-erred")) {
        check_reason(cluster, number, message);
        set_future(client, number, SIM_ERRED);
    } else if (wire_text_is(op, "cancelled-keys")) {
        set_future(client, number, SIM_CANCELLED);
    } else if (wire_text_is(op, "lost-data") || wire_text_is(op, "task-retried")) {
        set_future(client, number, SIM_PENDING);
    } else {
        sim_fail(cluster, number, "the client is told what it does not know");
    }
}

static void learn_key(struct cluster *cluster, struct sim_client *client,
                      const struct wire_value *message, const struct wire_value *key)
{
    must_do(key_pack(key, &cluster->scratch, &cluster->err));
    uint32_t number =
        sim_number(cluster, (struct wire_bytes){cluster->scratch.data, cluster->scratch.count});
    learn(cluster, client, message, number);
}

void sim_letter_to_client(struct cluster *cluster, struct sim_client *client)
{
    struct letter *letter = sim_take_letter(&client->down);
    struct wire_value message;
    struct arena arena;
    if (!letter)
        return;
    arena_init(&arena, cluster->memory);
    must_do(wire_unpack(&arena, (struct wire_bytes){letter->bytes, letter->nbytes}, &message,
                        &cluster->err));
    const struct wire_value *key = wire_find(&message, "key"), *keys = wire_find(&message, "keys");
    sim_note(cluster, 'c', client->number, &message, letter);
    if (key)
        learn_key(cluster, client, &message, key);
    for (uint32_t i = 0; keys && i < keys->count; i++)
        learn_key(cluster, client, &message, &keys->as.items[i]);
    arena_deinit(&arena);
    sim_free_letter(cluster, letter);
}
