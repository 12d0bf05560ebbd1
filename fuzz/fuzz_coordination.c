/* Any bytes, read as questions and messages with fields of any kind, people who go and time that
 * passes: the coordination of clients answers or refuses each, and stays valid. */
#include <stdlib.h>

#include "core/coordination/coordination.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t nbytes);

#define NPEOPLE    16
#define NFIELDS    6
#define NITEMS_MAX 3
#define DEPTH_MAX  3

struct input {
    const uint8_t *at;
    const uint8_t *end;
    struct arena arena; /* of the message at hand */
};

static uint8_t next(struct input *input)
{
    return input->at < input->end ? *input->at++ : 0;
}

static const char *pick(struct input *input, const char *const *list, size_t count)
{
    return list[next(input) % count];
}

static const char *pick_word(struct input *input)
{
    static const char *const words[] = {"x", "y", "a", "b", "1", "2", "10ms", "1 s", "inf", ""};
    return pick(input, words, sizeof(words) / sizeof(*words));
}

static struct wire_value read_value(struct input *input, int depth);

static struct wire_value read_items(struct input *input, enum wire_kind kind, int depth)
{
    uint32_t count = next(input) % (NITEMS_MAX + 1);
    struct wire_value *items = arena_alloc(&input->arena, 2 * NITEMS_MAX * sizeof(*items));
    if (!items)
        abort();
    for (uint32_t i = 0; i < 2 * count; i++)
        items[i] = read_value(input, depth + 1);
    if (kind == WIRE_MAP)
        return wire_map((struct wire_entry *)items, count);
    return wire_array(items, count);
}

static struct wire_value read_value(struct input *input, int depth)
{
    static const double numbers[] = {0, 0.5, -1, 1e300, 3};
    switch (next(input) % (depth < DEPTH_MAX ? 9 : 6)) {
    case 0:
        return wire_nil();
    case 1:
        return wire_bool(next(input) & 1);
    case 2:
        return wire_int((int8_t)next(input));
    case 3:
        return wire_float(numbers[next(input) % 5]);
    case 4:
        return wire_bin((struct wire_bytes){"bin", 3});
    case 6:
        return read_items(input, WIRE_MAP, depth);
    case 7:
    case 8:
        return read_items(input, WIRE_ARRAY, depth);
    default:
        return wire_text(pick_word(input));
    }
}

/* {"op": op, ...}, with fields that questions have. */
static struct wire_value read_message(struct input *input, const char *op)
{
    static const char *const names[] = {
        "name",     "name",     "key",       "data",       "timeout",       "batch",
        "maxsize",  "lease_id", "id",        "locks",      "names",         "keys",
        "override", "uid",      "num_locks", "max_leases", "topic",         "msg",
        "value",    "default",  "token",     "lease_ids",  "lease_timeout", "metadata"};
    struct wire_entry *fields = arena_alloc(&input->arena, (NFIELDS + 1) * sizeof(*fields));
    if (!fields)
        abort();
    uint32_t count = 1 + next(input) % (NFIELDS + 1);
    fields[0] = (struct wire_entry){wire_text("op"), wire_text(op)};
    for (uint32_t i = 1; i < count; i++) {
        fields[i].key = wire_text(pick(input, names, sizeof(names) / sizeof(*names)));
        fields[i].value = read_value(input, 0);
    }
    return wire_map(fields, count);
}

static const char *pick_question(struct input *input)
{
    size_t count = 0;
    while (coord_question(count))
        count++;
    return coord_question(next(input) % count);
}

static const char *pick_saying(struct input *input)
{
    static const char *const sayings[] = {"variable-future-received-confirm",
                                          "variable_delete",
                                          "queue-future-release",
                                          "queue_release",
                                          "publish_flush_batched_send",
                                          "subscribe-topic",
                                          "unsubscribe-topic",
                                          "log-event"};
    return pick(input, sayings, sizeof(sayings) / sizeof(*sayings));
}

static void step(struct coord *coord, struct coord_instructions *out, struct coord_event *event)
{
    dk_status status = coord_step(coord, event, out);
    if (status != DK_OK || !coord_validate(coord, NULL))
        abort();
    coord_instructions_clear(out);
}

static void let_happen(struct coord *coord, struct coord_instructions *out, struct input *input,
                       struct coord_asker *people, int64_t now_us)
{
    struct wire_value message;
    struct coord_event event = {.now_us = now_us};
    event.kind = (enum coord_event_kind)(next(input) % (COORD_TICK + 1));
    event.asker = &people[next(input) % NPEOPLE];
    event.client = next(input) % 3;
    if (event.kind == COORD_ASK && event.asker->waiting)
        event.kind = COORD_GONE;
    message =
        read_message(input, event.kind == COORD_ASK ? pick_question(input) : pick_saying(input));
    event.message = &message;
    step(coord, out, &event);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t nbytes)
{
    struct coord_asker people[NPEOPLE] = {{NULL}};
    struct coord_instructions out;
    struct input input = {bytes, bytes + nbytes, {0}};
    struct memory *memory = memory_new(NULL, 0);
    struct sched *sched = memory ? sched_new(memory, NULL) : NULL;
    struct coord *coord = sched ? coord_new(memory, sched) : NULL;
    if (!coord)
        abort();
    coord_instructions_init(&out, memory);
    for (int64_t now_us = 0; input.at < input.end; now_us += 100000) {
        arena_init(&input.arena, memory);
        let_happen(coord, &out, &input, people, now_us);
        arena_deinit(&input.arena);
    }
    coord_free(coord);
    coord_instructions_deinit(&out);
    sched_free(sched);
    if (memory_use(memory).current != 0)
        abort();
    memory_close(memory);
    return 0;
}
