/* Graphs of clients in Python: taken apart without Python, for as long as they are no collections.
 *
 * Source: distributed.scheduler.Scheduler.update_graph, 2026. */
#include "base/error.h"
#include "base/timedelta.h"
#include "node/scheduler/parts.h"
#include "wire/pack.h"
#include "wire/pickle.h"
#include "wire/pickle_graph.h"
#include "wire/unpack.h"
#include "wire/unpickle.h"

/* One "update-graph" while it is read. */
struct intake {
    struct peer *peer;
    const struct wire_value *message;
    struct decoding decoding;
    struct pickle_graph graph;
    struct wire_bytes pickle;
    struct wire_bytes *buffers; /* those that came beside it */
    uint32_t nbuffers;
    struct vector code;    /* of char: the task at hand */
    struct vector numbers; /* of uint32_t: buffers that it takes */
    struct vector header;  /* of char */
    struct sched_wishes *actor_wishes;
    struct sched_keys actors;
    struct sched_update_graph event;
    dk_error err;
};

/* ---- what is refused ---- */

static void refuse_key(struct peer *peer, struct wire_bytes key, const struct vector *exception)
{
    struct wire_entry fields[] = {
        {wire_text("op"), wire_text("task-erred")},
        {wire_text("key"), wire_packed(key)},
        {wire_text("exception"), wire_bin((struct wire_bytes){exception->data, exception->count})},
        {wire_text("traceback"), wire_nil()},
    };
    struct wire_value message = wire_map(fields, 4);
    (void)!stream_push(&peer->stream, &message, NULL);
}

/* All that was wanted of it fails. */
static void refuse(struct intake *intake)
{
    struct vector exception;
    struct sched_keys keys = {0};
    struct wire_bytes text = {intake->err.message, strlen(intake->err.message)};
    const char *kind = intake->err.status == DK_ENOTSUP ? "NotImplementedError" : "RuntimeError";
    vector_init(&exception, intake->peer->node->memory, 1);
    scheduler_log(intake->peer->node, "ERROR", "A graph is refused: %s", intake->err.message);
    if (sched_decode_keys(&intake->decoding.decoder, wire_find(intake->message, "keys"), &keys) ==
            DK_OK &&
        pickle_exception(&exception, "builtins", kind, text) == DK_OK)
        for (size_t i = 0; i < keys.count; i++)
            refuse_key(intake->peer, keys.list[i], &exception);
    vector_deinit(&exception);
}

/* ---- the expression's frames ---- */

static bool is_compressed(const struct wire_value *header)
{
    const struct wire_value *list = wire_find(header, "compression");
    for (uint32_t i = 0; list && list->kind == WIRE_ARRAY && i < list->count; i++)
        if (list->as.items[i].kind != WIRE_NIL)
            return true;
    return false;
}

/* One frame of several that it was cut into. */
static dk_status join(struct arena *arena, const struct wire_bytes *pieces, size_t count,
                      struct wire_bytes *out)
{
    size_t nbytes = 0;
    for (size_t i = 0; i < count; i++)
        nbytes += pieces[i].nbytes;
    char *joined = arena_alloc(arena, nbytes);
    if (!joined)
        return DK_ENOMEM;
    *out = (struct wire_bytes){joined, nbytes};
    for (size_t i = 0; i < count; joined += pieces[i++].nbytes)
        if (pieces[i].nbytes)
            memcpy(joined, pieces[i].data, pieces[i].nbytes);
    return DK_OK;
}

/* How many pieces frame `i` was cut into. */
static size_t count_pieces(const struct wire_value *header, uint32_t i)
{
    const struct wire_value *list = wire_find(header, "split-num-sub-frames");
    int64_t count = 1;
    if (list && list->kind == WIRE_ARRAY && i < list->count)
        (void)wire_read_int(&list->as.items[i], &count);
    return count > 0 ? (size_t)count : 1;
}

/* The pickle, and the buffers that it takes. */
static dk_status read_frames(struct intake *intake, const struct wire_payload *payload)
{
    struct wire_value header;
    struct arena *arena = &intake->decoding.arena;
    DK_TRY(wire_unpack(arena, payload->header, &header, &intake->err));
    if (!wire_text_is(wire_find(&header, "serializer"), "pickle"))
        return error_set(&intake->err, DK_ENOTSUP, "the graph is no pickle");
    if (is_compressed(&header))
        return error_set(&intake->err, DK_ENOTSUP, "the graph is compressed");
    struct wire_bytes *frames = arena_alloc(arena, payload->nframes * sizeof(*frames));
    uint32_t nframes = 0;
    if (!frames)
        return error_nomem(&intake->err);
    for (size_t at = 0; at < payload->nframes; nframes++) {
        size_t count = count_pieces(&header, nframes);
        if (count > payload->nframes - at)
            count = payload->nframes - at;
        frames[nframes] = payload->frames[at];
        if (count > 1 && join(arena, payload->frames + at, count, &frames[nframes]) != DK_OK)
            return error_nomem(&intake->err);
        at += count;
    }
    if (!nframes)
        return error_set(&intake->err, DK_EPARSE, "the graph is empty");
    intake->pickle = frames[0];
    intake->buffers = frames + 1;
    intake->nbuffers = nframes - 1;
    return DK_OK;
}

/* ---- tasks ---- */

/* {"pickled-obj": ..., "num-sub-frames": n}, with the buffers behind it. */
static dk_status box_code(struct intake *intake, struct wire_box **out)
{
    const uint32_t *numbers = intake->numbers.data;
    size_t count = intake->numbers.count;
    struct wire_bytes code = {intake->code.data, intake->code.count};
    struct wire_entry fields[] = {{wire_text("pickled-obj"), wire_bin(code)},
                                  {wire_text("num-sub-frames"), wire_int((int64_t)count)}};
    struct wire_value header = wire_map(fields, 2);
    struct wire_bytes *frames = arena_alloc(&intake->decoding.arena, count * sizeof(*frames));
    intake->header.count = 0;
    if (!frames || wire_pack(&intake->header, NULL, &header, NULL) != DK_OK)
        return DK_ENOMEM;
    for (size_t i = 0; i < count; i++)
        frames[i] = intake->buffers[numbers[i]];
    struct wire_payload payload = {{intake->header.data, intake->header.count}, frames, count};
    struct wire_value value = {.kind = WIRE_PICKLED, .as.payload = &payload};
    *out = wire_box_new(intake->peer->node->memory, &value);
    return *out ? DK_OK : DK_ENOMEM;
}

static dk_status read_dependencies(struct intake *intake, const struct pickle_graph_task *source,
                                   struct sched_keys *out)
{
    struct wire_bytes *keys =
        arena_alloc(&intake->decoding.arena, source->ndependencies * sizeof(*keys));
    if (!keys)
        return error_nomem(&intake->err);
    for (uint32_t i = 0; i < source->ndependencies; i++)
        DK_TRY(sched_decode_key(&intake->decoding.decoder, &source->dependencies[i], &keys[i]));
    *out = (struct sched_keys){keys, source->ndependencies};
    return DK_OK;
}

static bool is_same(struct wire_bytes a, struct wire_bytes b)
{
    return a.nbytes == b.nbytes && memcmp(a.data, b.data, a.nbytes) == 0;
}

static bool is_actor(const struct intake *intake, struct wire_bytes key)
{
    for (size_t i = 0; i < intake->actors.count; i++)
        if (is_same(intake->actors.list[i], key))
            return true;
    return false;
}

static dk_status make_task(struct intake *intake, uint32_t i, struct sched_new_task *task)
{
    const struct pickle_graph_task *source = &intake->graph.tasks[i];
    *task = (struct sched_new_task){.order = (int32_t)i, .language = SCHED_PYTHON};
    DK_TRY(sched_decode_key(&intake->decoding.decoder, &source->key, &task->key));
    DK_TRY(read_dependencies(intake, source, &task->dependencies));
    intake->code.count = intake->numbers.count = 0;
    DK_TRY(pickle_graph_write(&intake->graph, i, &intake->code, &intake->numbers, &intake->err));
    if (is_actor(intake, task->key))
        task->wishes = intake->actor_wishes;
    if (box_code(intake, &task->run_spec) != DK_OK)
        return error_nomem(&intake->err);
    if (vector_append(&intake->decoding.boxes, &task->run_spec, 1) == DK_OK)
        return DK_OK;
    wire_box_unref(task->run_spec);
    return error_nomem(&intake->err);
}

static dk_status make_tasks(struct intake *intake)
{
    uint32_t count = intake->graph.ntasks;
    struct sched_new_task *tasks = arena_alloc(&intake->decoding.arena, count * sizeof(*tasks));
    if (!tasks)
        return error_nomem(&intake->err);
    for (uint32_t i = 0; i < count; i++)
        DK_TRY(make_task(intake, i, &tasks[i]));
    intake->event.tasks = tasks;
    intake->event.ntasks = count;
    return DK_OK;
}

/* ---- what is asked for ---- */

/* A plain dict that travels as a pickle. */
static dk_status read_annotations(struct intake *intake)
{
    struct wire_value header, *map;
    struct arena *arena = &intake->decoding.arena;
    const struct wire_value *annotations = wire_find(intake->message, "annotations");
    struct wire_bytes pickle = {0};
    if (!annotations || annotations->kind != WIRE_PICKLED)
        return DK_OK;
    DK_TRY(wire_unpack(arena, annotations->as.payload->header, &header, &intake->err));
    const struct wire_value *bin = wire_find(&header, "pickled-obj");
    if (bin && bin->kind == WIRE_BIN)
        pickle = (struct wire_bytes){bin->as.bytes, bin->count};
    if (!(map = arena_alloc(arena, sizeof(*map))))
        return error_nomem(&intake->err);
    dk_status status = pickle_unpack(arena, pickle, map, &intake->err);
    if (status != DK_OK) {
        error_prefix(&intake->err, "annotations that are not plain values");
        return status;
    }
    DK_TRY(sched_decode_wishes(&intake->decoding.decoder, map, &intake->event.wishes));
    intake->event.wishes.annotations = map;
    return DK_OK;
}

/* All of them, or a list of keys. */
static dk_status read_actors(struct intake *intake)
{
    const struct wire_value *actors = wire_find(intake->message, "actors");
    if (!actors || actors->kind == WIRE_NIL)
        return DK_OK;
    if (actors->kind == WIRE_BOOL) {
        intake->event.wishes.is_actor = actors->as.boolean;
        return DK_OK;
    }
    intake->actor_wishes = arena_alloc(&intake->decoding.arena, sizeof(*intake->actor_wishes));
    if (!intake->actor_wishes)
        return error_nomem(&intake->err);
    *intake->actor_wishes = intake->event.wishes;
    intake->actor_wishes->is_actor = true;
    return sched_decode_keys(&intake->decoding.decoder, actors, &intake->actors);
}

static dk_status read_timeout(struct intake *intake)
{
    const struct wire_value *timeout = wire_find(intake->message, "fifo_timeout");
    struct wire_bytes text;
    double seconds = 0;
    if (wire_read_text(timeout, &text))
        DK_TRY(timedelta_parse(text.data, text.nbytes, &seconds, &intake->err));
    else
        (void)wire_read_float(timeout, &seconds);
    intake->event.fifo_timeout_us = (int64_t)(seconds * 1e6);
    return DK_OK;
}

/* submit and map number their tasks as these come; whoever has a graph leaves it to the scheduler.
 */
static void read_order(struct intake *intake)
{
    const struct wire_value *numbers = wire_find(intake->message, "internal_priority");
    intake->event.is_unordered = !numbers || numbers->kind != WIRE_MAP;
}

static dk_status read_submitter(struct intake *intake)
{
    const struct wire_value *submitter = wire_find(intake->message, "submitting_task");
    if (!submitter || submitter->kind == WIRE_NIL)
        return DK_OK;
    struct wire_bytes *key = arena_alloc(&intake->decoding.arena, sizeof(*key));
    if (!key)
        return error_nomem(&intake->err);
    intake->event.submitter = key;
    return sched_decode_key(&intake->decoding.decoder, submitter, key);
}

static dk_status read_message(struct intake *intake)
{
    const struct wire_value *expression = wire_find(intake->message, "expr_ser");
    if (!expression || expression->kind != WIRE_SERIALIZED)
        return error_set(&intake->err, DK_EPARSE, "update-graph has no expression");
    DK_TRY(read_annotations(intake));
    DK_TRY(read_actors(intake));
    DK_TRY(read_timeout(intake));
    DK_TRY(read_submitter(intake));
    read_order(intake);
    DK_TRY(sched_decode_keys(&intake->decoding.decoder, wire_find(intake->message, "keys"),
                             &intake->event.wanted));
    DK_TRY(read_frames(intake, expression->as.payload));
    DK_TRY(pickle_graph_read(&intake->graph, &intake->decoding.arena, intake->pickle,
                             intake->buffers, intake->nbuffers, &intake->err));
    return make_tasks(intake);
}

static void init(struct intake *intake, struct peer *peer, const struct wire_value *message)
{
    struct memory *memory = peer->node->memory;
    *intake = (struct intake){.peer = peer, .message = message};
    decoding_init(&intake->decoding, peer->node, &intake->err);
    vector_init(&intake->code, memory, 1);
    vector_init(&intake->numbers, memory, sizeof(uint32_t));
    vector_init(&intake->header, memory, 1);
}

static void deinit(struct intake *intake)
{
    vector_deinit(&intake->header);
    vector_deinit(&intake->numbers);
    vector_deinit(&intake->code);
    decoding_deinit(&intake->decoding);
}

void scheduler_update_graph(struct peer *peer, const struct wire_value *message)
{
    struct intake intake;
    init(&intake, peer, message);
    if (read_message(&intake) == DK_OK) {
        struct sched_event event = {
            .kind = SCHED_UPDATE_GRAPH, .stimulus = "update-graph", .client = peer->id};
        event.worker = SCHED_NOBODY;
        event.as.graph = intake.event;
        (void)!scheduler_take(peer->node, &event, &intake.err);
    } else {
        refuse(&intake);
    }
    deinit(&intake);
}
