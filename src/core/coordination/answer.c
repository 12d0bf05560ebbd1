/* Questions read and answered, results held and let go. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/coordination/parts.h"
#include "core/scheduler/queries.h"
#include "wire/pack.h"

/* Names that are longer are cut in pseudo-clients and messages. */
#define TEXT_MAX 1024

bool coord_fail(struct coord *coord)
{
    coord->has_failed = true;
    return true;
}

/* ---- reading ---- */

const struct wire_value *coord_field(const struct wire_value *message, const char *name)
{
    const struct wire_value *value = wire_find(message, name);
    return value && value->kind != WIRE_NIL ? value : NULL;
}

bool coord_is_true(const struct wire_value *value)
{
    return value && value->kind == WIRE_BOOL && value->as.boolean;
}

/* Bytes are no key, but a name. */
static dk_status pack_bytes(const struct wire_value *value, struct vector *scratch)
{
    struct vector frames; /* stays empty: there is no payload in bytes */
    vector_init(&frames, scratch->memory, sizeof(struct wire_bytes));
    scratch->count = 0;
    return wire_pack(scratch, &frames, value, NULL);
}

static bool pack(struct coord *coord, const struct wire_value *value, struct vector *scratch,
                 struct wire_bytes *out)
{
    dk_status status = DK_EPARSE;
    if (value)
        status =
            value->kind == WIRE_BIN ? pack_bytes(value, scratch) : key_pack(value, scratch, NULL);
    if (status == DK_ENOMEM)
        coord_fail(coord);
    *out = (struct wire_bytes){scratch->data, scratch->count};
    return status == DK_OK;
}

bool coord_pack_name(struct coord *coord, const struct wire_value *value, struct wire_bytes *out)
{
    return pack(coord, value, &coord->name_scratch, out);
}

bool coord_pack_key(struct coord *coord, const struct wire_value *value, struct wire_bytes *out)
{
    return pack(coord, value, &coord->key_scratch, out);
}

static bool refuse_field(struct coord *coord, const struct coord_ask *ask, const char *field)
{
    return !coord_raise(coord, ask, "TypeError", "%s: \"%s\" is missing, or no name",
                        ask->question->op, field);
}

bool coord_read_name(struct coord *coord, const struct coord_ask *ask, const char *field,
                     struct wire_bytes *out)
{
    return coord_pack_name(coord, coord_field(ask->message, field), out) ||
           refuse_field(coord, ask, field);
}

bool coord_read_key(struct coord *coord, const struct coord_ask *ask, const char *field,
                    struct wire_bytes *out)
{
    return coord_pack_key(coord, coord_field(ask->message, field), out) ||
           refuse_field(coord, ask, field);
}

/* ---- instructions ---- */

static void instruct(struct coord *coord, struct coord_instruction instruction)
{
    if (vector_append(&coord->out->list, &instruction, 1) != DK_OK)
        coord_fail(coord);
}

static const char *keep_text(struct coord *coord, const char *text)
{
    const char *kept = arena_strdup(&coord->out->values.arena, text);
    if (!kept)
        coord_fail(coord);
    return kept;
}

bool coord_answer(struct coord *coord, const struct coord_ask *ask, struct wire_value value)
{
    instruct(coord,
             (struct coord_instruction){.kind = COORD_ANSWER, .asker = ask->asker, .value = value});
    return true;
}

bool coord_answer_nil(struct coord *coord, const struct coord_ask *ask)
{
    return coord_answer(coord, ask, wire_nil());
}

bool coord_raise(struct coord *coord, const struct coord_ask *ask, const char *exception,
                 const char *format, ...)
{
    char text[TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    const char *kept = keep_text(coord, text);
    if (kept)
        instruct(coord, (struct coord_instruction){.kind = COORD_RAISE,
                                                   .asker = ask->asker,
                                                   .exception = exception,
                                                   .text = kept});
    return true;
}

struct wire_builder coord_builder(struct coord *coord)
{
    return (struct wire_builder){.arena = &coord->out->values.arena};
}

void coord_built(struct coord *coord, const struct wire_builder *builder)
{
    coord->has_failed |= builder->failed;
}

struct wire_value coord_boxed(struct coord *coord, struct wire_box *box)
{
    struct wire_value value = sched_outbox_box(&coord->out->values, box);
    coord->has_failed |= coord->out->values.failed;
    return value;
}

void coord_tell(struct coord *coord, uint32_t client, struct wire_value message)
{
    instruct(coord,
             (struct coord_instruction){.kind = COORD_TELL, .client = client, .value = message});
}

static struct wire_bytes keep_key(struct coord *coord, struct wire_bytes key)
{
    struct wire_value kept = sched_outbox_key(&coord->out->values, key);
    coord->has_failed |= coord->out->values.failed;
    return (struct wire_bytes){kept.as.bytes, kept.count};
}

void coord_desire(struct coord *coord, uint32_t client, struct wire_bytes key)
{
    struct wire_bytes kept = keep_key(coord, key);
    if (kept.nbytes)
        instruct(coord,
                 (struct coord_instruction){.kind = COORD_DESIRE, .client = client, .key = kept});
}

static void instruct_holder(struct coord *coord, enum coord_instruction_kind instruction,
                            const char *kind, struct wire_bytes name, struct wire_bytes key)
{
    char holder[TEXT_MAX];
    int length = snprintf(holder, sizeof(holder), "%s-", kind);
    key_text(name, holder + length, sizeof(holder) - (size_t)length);
    const char *kept = keep_text(coord, holder);
    if (kept)
        instruct(coord, (struct coord_instruction){
                            .kind = instruction, .holder = kept, .key = keep_key(coord, key)});
}

void coord_hold(struct coord *coord, const char *kind, struct wire_bytes name,
                struct wire_bytes key)
{
    instruct_holder(coord, COORD_HOLD, kind, name, key);
}

void coord_let_go(struct coord *coord, const char *kind, struct wire_bytes name,
                  struct wire_bytes key)
{
    instruct_holder(coord, COORD_LET_GO, kind, name, key);
}

void coord_dismiss(struct coord *coord, const char *kind, struct wire_bytes name)
{
    instruct_holder(coord, COORD_DISMISS, kind, name, (struct wire_bytes){"", 0});
}

/* ---- results ---- */

bool coord_knows(const struct coord *coord, struct wire_bytes key)
{
    return sched_task_state(coord->sched, key) != SCHED_FORGOTTEN;
}

struct wire_filling coord_describe_future(struct coord *coord, struct wire_builder *builder,
                                          struct wire_bytes key)
{
    enum sched_state state = sched_task_state(coord->sched, key);
    struct wire_filling map = wire_begin_map(builder, 6);
    wire_put(&map, "type", wire_text("Future"));
    wire_put(&map, "value", wire_packed(keep_key(coord, key)));
    wire_put(&map, "state", wire_text(state == SCHED_FORGOTTEN ? "lost" : sched_state_name(state)));
    if (state == SCHED_ERRED) {
        struct sched_reason why = sched_reason_of(coord->sched, key);
        wire_put(&map, "exception", coord_boxed(coord, why.exception));
        wire_put(&map, "traceback", coord_boxed(coord, why.traceback));
    }
    return map;
}

struct wire_value coord_describe_data(struct coord *coord, struct wire_builder *builder,
                                      struct wire_box *data)
{
    struct wire_filling map = wire_begin_map(builder, 2);
    wire_put(&map, "type", wire_text("msgpack"));
    wire_put(&map, "value", coord_boxed(coord, data));
    return wire_end_map(&map);
}
