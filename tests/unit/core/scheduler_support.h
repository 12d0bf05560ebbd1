/* A scheduler core with a diary: events by short calls, and each message as a line of text, so that
 * tests read as stories. */
#ifndef SCHEDULER_SUPPORT_H
#define SCHEDULER_SUPPORT_H

#include <stdio.h>
#include <string.h>

#include "support/failing.h"

#include "base/text.h"
#include "core/keys.h"
#include "core/scheduler/scheduler.h"

#define SECOND_US ((int64_t)1000000)

struct story {
    struct memory *memory;
    struct sched *sched;
    struct sched_outbox out;
    struct text diary;
    int64_t now_us;
    uint32_t client;
    int64_t run_ids[256]; /* by first letter of the key */
    dk_status status;     /* of the last event */
    bool is_unordered;    /* graphs come without an order */
};

/* The packed form of a short text key, in one of a few buffers that are used in turn. */
static inline struct wire_bytes key(const char *name)
{
    static char buffers[64][34];
    static unsigned next;
    char *buffer = buffers[next++ % 64];
    size_t nbytes = strlen(name);
    assert_true(nbytes < 32);
    buffer[0] = (char)(0xa0 | nbytes);
    memcpy(buffer + 1, name, nbytes);
    return (struct wire_bytes){buffer, nbytes + 1};
}

static inline void show_value(struct text *text, struct wire_value value)
{
    char shown[128];
    switch (value.kind) {
    case WIRE_PACKED:
        key_text((struct wire_bytes){value.as.bytes, value.count}, shown, sizeof(shown));
        text_puts(text, shown);
        break;
    case WIRE_TEXT:
        text_append(text, value.as.bytes, value.count);
        break;
    case WIRE_ARRAY:
        for (uint32_t i = 0; i < value.count; i++) {
            text_puts(text, i ? "," : "");
            show_value(text, value.as.items[i]);
        }
        break;
    case WIRE_MAP:
        for (uint32_t i = 0; i < value.count; i++) {
            text_puts(text, i ? " " : "");
            show_value(text, value.as.entries[i].key);
            text_puts(text, "@");
            show_value(text, value.as.entries[i].value);
        }
        break;
    default:
        break;
    }
}

static inline const char *target_name(struct story *story, const struct sched_message *message)
{
    if (message->target == SCHED_TO_CLIENT)
        return "client";
    const char *address = sched_worker_address(story->sched, message->id);
    return address ? address : "gone";
}

static inline void note_run_id(struct story *story, const struct wire_value *message)
{
    const struct wire_value *name = wire_find(message, "key");
    int64_t run_id;
    if (wire_read_int(wire_find(message, "run_id"), &run_id))
        story->run_ids[(unsigned char)name->as.bytes[1]] = run_id;
}

/* "WORKER: compute-task KEY [dep@holders]" and so on. */
static inline void show_message(struct story *story, const struct sched_message *message)
{
    static const char *const fields[] = {"key", "keys", "who_has", "worker", "exception_text"};
    text_printf(&story->diary, "%s: ", target_name(story, message));
    show_value(&story->diary, wire_find(&message->value, "op")[0]);
    for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
        const struct wire_value *value = wire_find(&message->value, fields[i]);
        if (!value || ((value->kind == WIRE_MAP || value->kind == WIRE_ARRAY) && !value->count))
            continue;
        text_puts(&story->diary, " ");
        show_value(&story->diary, *value);
    }
    text_puts(&story->diary, "\n");
    if (wire_text_is(wire_find(&message->value, "op"), "compute-task"))
        note_run_id(story, &message->value);
}

static inline dk_status take(struct story *story, struct sched_event event)
{
    dk_error err = {0};
    event.now_us = story->now_us;
    if (!event.stimulus)
        event.stimulus = "test";
    dk_status status = sched_step(story->sched, &event, &story->out, &err);
    story->status = status;
    if (status != DK_OK) {
        text_printf(&story->diary, "refused: %s\n", err.message);
    } else if (!sched_validate(story->sched, &err)) {
        fail_msg("%s\nafter\n%s", err.message, story->diary.data);
    }
    const struct sched_message *messages = sched_outbox_messages(&story->out);
    for (size_t i = 0; i < story->out.messages.count; i++)
        show_message(story, &messages[i]);
    sched_outbox_clear(&story->out);
    return status;
}

/* What was sent since the last call. */
static inline void expect_diary(struct story *story, const char *expected)
{
    assert_string_equal(story->diary.length ? story->diary.data : "", expected);
    text_deinit(&story->diary);
    text_init(&story->diary, story->memory);
}

static inline void begin_story(struct story *story, const struct sched_options *options)
{
    *story = (struct story){.memory = memory_new(NULL, 0)};
    story->sched = sched_new(story->memory, options);
    sched_outbox_init(&story->out, story->memory);
    text_init(&story->diary, story->memory);
    assert_int_equal(
        take(story, (struct sched_event){.kind = SCHED_ADD_CLIENT,
                                         .as.add_client = {.name = "me", .is_native = true}}),
        DK_OK);
    story->client = sched_find_client(story->sched, "me");
}

static inline void end_story(struct story *story)
{
    sched_free(story->sched);
    sched_outbox_deinit(&story->out);
    text_deinit(&story->diary);
    assert_int_equal(memory_use(story->memory).current, 0);
    memory_close(story->memory);
}

static inline dk_status add_worker_with(struct story *story, struct sched_add_worker added)
{
    struct sched_event event = {.kind = SCHED_ADD_WORKER, .as.add_worker = added};
    return take(story, event);
}

static inline struct sched_add_worker a_worker(const char *address, int32_t nthreads)
{
    return (struct sched_add_worker){.address = address,
                                     .host = "here",
                                     .name = wire_text(address),
                                     .status = SCHED_RUNNING,
                                     .nthreads = nthreads,
                                     .has_native = true};
}

static inline void add_worker(struct story *story, const char *address, int32_t nthreads)
{
    assert_int_equal(add_worker_with(story, a_worker(address, nthreads)), DK_OK);
}

static inline uint32_t worker_id(struct story *story, const char *address)
{
    uint32_t id = sched_find_worker(story->sched, address);
    assert_int_not_equal(id, SCHED_NOBODY);
    return id;
}

static inline void remove_worker(struct story *story, const char *address)
{
    take(story,
         (struct sched_event){.kind = SCHED_REMOVE_WORKER, .worker = worker_id(story, address)});
}

/* A graph as "c=a,b; a; b", in order of priority; wanted: "c". */
struct parsed {
    struct sched_new_task tasks[64];
    struct wire_bytes dependencies[64][16];
    struct wire_bytes wanted[16];
    char names[1024];
};

static inline size_t parse_keys(char *text, struct wire_bytes *out)
{
    size_t count = 0;
    char *rest;
    for (char *word = strtok_r(text, ", ", &rest); word; word = strtok_r(NULL, ", ", &rest))
        out[count++] = key(word);
    return count;
}

static inline size_t parse_graph(struct parsed *parsed, const char *graph, struct wire_box *code)
{
    size_t count = 0;
    char *rest;
    snprintf(parsed->names, sizeof(parsed->names), "%s", graph);
    for (char *word = strtok_r(parsed->names, "; ", &rest); word;
         word = strtok_r(NULL, "; ", &rest)) {
        char *needs = strchr(word, '=');
        struct sched_new_task *task = &parsed->tasks[count];
        if (needs)
            *needs++ = '\0';
        size_t nneeds = needs ? parse_keys(needs, parsed->dependencies[count]) : 0;
        *task = (struct sched_new_task){.key = key(word),
                                        .dependencies = {parsed->dependencies[count], nneeds},
                                        .order = (int32_t)count,
                                        .run_spec = code};
        count++;
    }
    return count;
}

static inline void submit_with(struct story *story, const char *graph, const char *wanted,
                               struct sched_wishes wishes, enum sched_language language)
{
    static struct parsed parsed;
    char wanted_names[128];
    struct wire_value code = wire_text("code");
    struct wire_box *box = wire_box_new(story->memory, &code);
    struct sched_event event = {.kind = SCHED_UPDATE_GRAPH, .client = story->client};
    snprintf(wanted_names, sizeof(wanted_names), "%s", wanted);
    event.as.graph.ntasks = parse_graph(&parsed, graph, box);
    event.as.graph.tasks = parsed.tasks;
    event.as.graph.wishes = wishes;
    event.as.graph.is_unordered = story->is_unordered;
    for (size_t i = 0; i < event.as.graph.ntasks; i++)
        parsed.tasks[i].language = language;
    event.as.graph.wanted =
        (struct sched_keys){parsed.wanted, parse_keys(wanted_names, parsed.wanted)};
    take(story, event);
    wire_box_unref(box);
}

static inline void submit(struct story *story, const char *graph, const char *wanted)
{
    submit_with(story, graph, wanted, (struct sched_wishes){0}, SCHED_NATIVE);
}

/* The worker is done with the task, as it was last sent. */
static inline void finish(struct story *story, const char *address, const char *name)
{
    struct sched_event event = {.kind = SCHED_TASK_FINISHED, .worker = worker_id(story, address)};
    event.as.finished = (struct sched_finished){.key = key(name),
                                                .run_id = story->run_ids[(unsigned char)*name],
                                                .nbytes = 100,
                                                .compute_s = 0.01};
    take(story, event);
}

static inline void fail_task(struct story *story, const char *address, const char *name)
{
    struct sched_event event = {.kind = SCHED_TASK_ERRED, .worker = worker_id(story, address)};
    event.as.erred = (struct sched_erred){.key = key(name),
                                          .run_id = story->run_ids[(unsigned char)*name],
                                          .exception = wire_text("boom"),
                                          .text = wire_text("boom")};
    take(story, event);
}

static inline void say_keys(struct story *story, enum sched_event_kind kind, uint32_t worker,
                            const char *names)
{
    char copy[128];
    struct wire_bytes list[16];
    snprintf(copy, sizeof(copy), "%s", names);
    struct sched_event event = {.kind = kind, .worker = worker, .client = story->client};
    event.as.keys = (struct sched_keys){list, parse_keys(copy, list)};
    take(story, event);
}

/* The workers hold a result that a client has scattered. */
static inline void scatter(struct story *story, const char *name, int64_t nbytes, const char *first,
                           const char *second)
{
    uint32_t workers[2] = {worker_id(story, first), second ? worker_id(story, second) : 0};
    struct sched_data data = {key(name), workers, second ? 2 : 1, nbytes};
    struct sched_event event = {.kind = SCHED_UPDATE_DATA, .client = story->client};
    event.as.data.list = &data;
    event.as.data.count = 1;
    take(story, event);
}

static inline const char *state_of(struct story *story, const char *name)
{
    return sched_state_name(sched_task_state(story->sched, key(name)));
}

#endif
