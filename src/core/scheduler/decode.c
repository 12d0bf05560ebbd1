#include "core/scheduler/decode.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "core/keys.h"

/* ---- parts ---- */

static dk_status missing(struct sched_decoder *decoder, const struct wire_value *message,
                         const char *field)
{
    struct wire_bytes op = {"?", 1};
    (void)wire_read_text(wire_find(message, "op"), &op);
    return error_set(decoder->err, DK_EPARSE,
                     "%.*s: the field \"%s\" is missing or of a wrong kind", (int)op.nbytes,
                     op.data, field);
}

dk_status sched_decode_text(struct sched_decoder *decoder, const struct wire_value *value,
                            const char **out)
{
    struct wire_bytes text;
    *out = NULL;
    if (!wire_read_text(value, &text))
        return DK_OK;
    *out = arena_text(decoder->arena, text.data, text.nbytes);
    return *out ? DK_OK : error_nomem(decoder->err);
}

dk_status sched_decode_key(struct sched_decoder *decoder, const struct wire_value *key,
                           struct wire_bytes *out)
{
    if (!key)
        return error_set(decoder->err, DK_EPARSE, "a key is missing");
    DK_TRY(key_pack(key, decoder->scratch, decoder->err));
    char *copy = arena_alloc(decoder->arena, decoder->scratch->count);
    if (!copy)
        return error_nomem(decoder->err);
    memcpy(copy, decoder->scratch->data, decoder->scratch->count);
    *out = (struct wire_bytes){copy, decoder->scratch->count};
    return DK_OK;
}

dk_status sched_decode_keys(struct sched_decoder *decoder, const struct wire_value *list,
                            struct sched_keys *out)
{
    *out = (struct sched_keys){0};
    if (!list || list->kind == WIRE_NIL)
        return DK_OK;
    if (list->kind != WIRE_ARRAY && list->kind != WIRE_SET)
        return error_set(decoder->err, DK_EPARSE, "%s where keys are expected",
                         wire_kind_name(list->kind));
    struct wire_bytes *keys = arena_alloc(decoder->arena, list->count * sizeof(*keys));
    if (!keys)
        return error_nomem(decoder->err);
    for (uint32_t i = 0; i < list->count; i++)
        DK_TRY(sched_decode_key(decoder, &list->as.items[i], &keys[i]));
    *out = (struct sched_keys){keys, list->count};
    return DK_OK;
}

static bool read_flag(const struct wire_value *value)
{
    return value && value->kind == WIRE_BOOL && value->as.boolean;
}

/* One text stands for an array of it. */
static dk_status decode_workers(struct sched_decoder *decoder, const struct wire_value *workers,
                                const struct wire_value **out)
{
    *out = workers;
    if (!workers || workers->kind != WIRE_TEXT)
        return DK_OK;
    struct wire_value *array = arena_alloc(decoder->arena, 2 * sizeof(*array));
    if (!array)
        return error_nomem(decoder->err);
    array[1] = *workers;
    array[0] = wire_array(&array[1], 1);
    *out = array;
    return DK_OK;
}

dk_status sched_decode_wishes(struct sched_decoder *decoder, const struct wire_value *map,
                              struct sched_wishes *out)
{
    int64_t retries = 0;
    double priority;
    *out = (struct sched_wishes){0};
    DK_TRY(decode_workers(decoder, wire_find(map, "workers"), &out->workers));
    out->resources = wire_find(map, "resources");
    out->annotations = wire_find(map, "annotations");
    out->is_loose = read_flag(wire_find(map, "allow_other_workers"));
    out->is_actor = read_flag(wire_find(map, "actor"));
    if (wire_read_float(wire_find(map, "priority"), &priority))
        out->priority = (int32_t)fmin(fmax(floor(priority), -INT32_MAX), INT32_MAX);
    (void)wire_read_int(wire_find(map, "retries"), &retries);
    out->retries = (uint16_t)(retries < 0 ? 0 : retries > UINT16_MAX ? UINT16_MAX : retries);
    return DK_OK;
}

static dk_status begin(struct sched_decoder *decoder, const struct wire_value *message,
                       enum sched_event_kind kind, struct sched_event *event)
{
    *event = (struct sched_event){
        .kind = kind, .worker = SCHED_NOBODY, .client = SCHED_NOBODY, .stimulus = "message"};
    const char *stimulus;
    DK_TRY(sched_decode_text(decoder, wire_find(message, "stimulus_id"), &stimulus));
    if (stimulus)
        event->stimulus = stimulus;
    return DK_OK;
}

/* ---- from workers ---- */

/* Seconds of the last `action` among [{action, start, stop}]; negative without. */
static double seconds_of(const struct wire_value *startstops, const char *action)
{
    double seconds = -1;
    uint32_t count = startstops && startstops->kind == WIRE_ARRAY ? startstops->count : 0;
    for (uint32_t i = 0; i < count; i++) {
        double start, stop;
        const struct wire_value *one = &startstops->as.items[i];
        if (wire_text_is(wire_find(one, "action"), action) &&
            wire_read_float(wire_find(one, "start"), &start) &&
            wire_read_float(wire_find(one, "stop"), &stop) && stop >= start)
            seconds = stop - start;
    }
    return seconds;
}

static dk_status decode_finished(struct sched_decoder *decoder, const struct wire_value *message,
                                 struct sched_event *event)
{
    struct sched_finished *finished = &event->as.finished;
    DK_TRY(begin(decoder, message, SCHED_TASK_FINISHED, event));
    DK_TRY(sched_decode_key(decoder, wire_find(message, "key"), &finished->key));
    if (!wire_read_int(wire_find(message, "run_id"), &finished->run_id))
        return missing(decoder, message, "run_id");
    if (!wire_read_int(wire_find(message, "nbytes"), &finished->nbytes))
        finished->nbytes = -1;
    finished->type = wire_find(message, "type");
    finished->compute_s = seconds_of(wire_find(message, "startstops"), "compute");
    finished->transfer_s = seconds_of(wire_find(message, "startstops"), "transfer");
    return DK_OK;
}

static struct wire_value found_or_nil(const struct wire_value *message, const char *field)
{
    const struct wire_value *value = wire_find(message, field);
    return value ? *value : wire_nil();
}

static dk_status decode_erred(struct sched_decoder *decoder, const struct wire_value *message,
                              struct sched_event *event)
{
    struct sched_erred *erred = &event->as.erred;
    DK_TRY(begin(decoder, message, SCHED_TASK_ERRED, event));
    DK_TRY(sched_decode_key(decoder, wire_find(message, "key"), &erred->key));
    if (!wire_read_int(wire_find(message, "run_id"), &erred->run_id))
        return missing(decoder, message, "run_id");
    erred->exception = found_or_nil(message, "exception");
    erred->traceback = found_or_nil(message, "traceback");
    erred->text = found_or_nil(message, "exception_text");
    erred->traceback_text = found_or_nil(message, "traceback_text");
    return DK_OK;
}

static dk_status decode_one_key(struct sched_decoder *decoder, const struct wire_value *message,
                                enum sched_event_kind kind, struct sched_event *event)
{
    struct wire_bytes *key = arena_alloc(decoder->arena, sizeof(*key));
    if (!key)
        return error_nomem(decoder->err);
    DK_TRY(begin(decoder, message, kind, event));
    DK_TRY(sched_decode_key(decoder, wire_find(message, "key"), key));
    event->as.keys = (struct sched_keys){key, 1};
    return DK_OK;
}

static dk_status decode_many_keys(struct sched_decoder *decoder, const struct wire_value *message,
                                  enum sched_event_kind kind, struct sched_event *event)
{
    DK_TRY(begin(decoder, message, kind, event));
    return sched_decode_keys(decoder, wire_find(message, "keys"), &event->as.keys);
}

static dk_status decode_long_running(struct sched_decoder *decoder,
                                     const struct wire_value *message, struct sched_event *event)
{
    DK_TRY(begin(decoder, message, SCHED_LONG_RUNNING, event));
    if (!wire_read_float(wire_find(message, "compute_duration"), &event->as.long_running.compute_s))
        event->as.long_running.compute_s = -1;
    if (!wire_read_int(wire_find(message, "run_id"), &event->as.long_running.run_id))
        return missing(decoder, message, "run_id");
    return sched_decode_key(decoder, wire_find(message, "key"), &event->as.long_running.key);
}

static dk_status decode_steal(struct sched_decoder *decoder, const struct wire_value *message,
                              struct sched_event *event)
{
    DK_TRY(begin(decoder, message, SCHED_STEAL_RESPONSE, event));
    DK_TRY(sched_decode_text(decoder, wire_find(message, "state"), &event->as.steal.state));
    return sched_decode_key(decoder, wire_find(message, "key"), &event->as.steal.key);
}

static bool read_status(const struct wire_value *value, enum sched_worker_status *out)
{
    static const struct {
        const char *name;
        enum sched_worker_status status;
    } names[] = {
        {"init", SCHED_INIT},       {"running", SCHED_RUNNING},
        {"paused", SCHED_PAUSED},   {"closing_gracefully", SCHED_CLOSING},
        {"closing", SCHED_CLOSING},
    };
    if (value && value->kind == WIRE_MAP) /* an Enum's: {"__Enum__": true, "name": ...} */
        value = wire_find(value, "name");
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (wire_text_is(value, names[i].name)) {
            *out = names[i].status;
            return true;
        }
    return false;
}

static dk_status decode_status(struct sched_decoder *decoder, const struct wire_value *message,
                               struct sched_event *event)
{
    DK_TRY(begin(decoder, message, SCHED_WORKER_STATUS, event));
    return read_status(wire_find(message, "status"), &event->as.status)
               ? DK_OK
               : missing(decoder, message, "status");
}

dk_status sched_decode_worker(struct sched_decoder *decoder, const struct wire_value *message,
                              struct sched_event *event)
{
    const struct wire_value *op = wire_find(message, "op");
    if (wire_text_is(op, "task-finished"))
        return decode_finished(decoder, message, event);
    if (wire_text_is(op, "task-erred"))
        return decode_erred(decoder, message, event);
    if (wire_text_is(op, "release-worker-data"))
        return decode_one_key(decoder, message, SCHED_RELEASE_DATA, event);
    if (wire_text_is(op, "add-keys"))
        return decode_many_keys(decoder, message, SCHED_ADD_KEYS, event);
    if (wire_text_is(op, "long-running"))
        return decode_long_running(decoder, message, event);
    if (wire_text_is(op, "reschedule"))
        return decode_one_key(decoder, message, SCHED_RESCHEDULE, event);
    if (wire_text_is(op, "request-refresh-who-has"))
        return decode_many_keys(decoder, message, SCHED_REFRESH_WHO_HAS, event);
    if (wire_text_is(op, "steal-response"))
        return decode_steal(decoder, message, event);
    if (wire_text_is(op, "worker-status-change"))
        return decode_status(decoder, message, event);
    return DK_ENOTSUP;
}

/* ---- registration ---- */

/* What kinds of code a worker runs: cdask's own say it, all others run Python. */
static void read_kinds(const struct wire_value *message, struct sched_add_worker *added)
{
    const struct wire_value *own = wire_find(wire_find(message, "extra"), "cdask");
    added->has_native = read_flag(wire_find(own, "native"));
    added->has_python = !own || own->kind != WIRE_MAP || read_flag(wire_find(own, "python"));
}

dk_status sched_decode_registration(struct sched_decoder *decoder, const struct wire_value *message,
                                    struct sched_event *event)
{
    int64_t nthreads = 1;
    struct sched_add_worker *added = &event->as.add_worker;
    DK_TRY(begin(decoder, message, SCHED_ADD_WORKER, event));
    *added = (struct sched_add_worker){.registration = *message};
    DK_TRY(sched_decode_text(decoder, wire_find(message, "address"), &added->address));
    DK_TRY(sched_decode_text(decoder, wire_find(message, "nanny"), &added->nanny));
    if (!added->address)
        return missing(decoder, message, "address");
    if (!wire_read_int(wire_find(message, "nthreads"), &nthreads) || nthreads < 1 ||
        nthreads > INT32_MAX)
        return missing(decoder, message, "nthreads");
    added->nthreads = (int32_t)nthreads;
    added->name = found_or_nil(message, "name");
    if (added->name.kind != WIRE_TEXT && added->name.kind != WIRE_INT)
        added->name = *wire_find(message, "address");
    (void)wire_read_int(wire_find(message, "memory_limit"), &added->memory_limit);
    added->resources = wire_find(message, "resources");
    if (!read_status(wire_find(message, "status"), &added->status))
        added->status = SCHED_INIT;
    read_kinds(message, added);
    return DK_OK;
}

/* ---- from clients ---- */

/* [key, dependencies, order, code, wishes (none: the graph's), whether it needs Python], of which
 * the last two may be missing. */

static dk_status decode_task(struct sched_decoder *decoder, const struct wire_value *item,
                             struct sched_new_task *task)
{
    int64_t order = 0;
    *task = (struct sched_new_task){0};
    if (item->kind != WIRE_ARRAY || item->count < 4)
        return error_set(decoder->err, DK_EPARSE,
                         "update-graph-native: a task is not [key, dependencies, order, code]");
    const struct wire_value *parts = item->as.items;
    DK_TRY(sched_decode_key(decoder, &parts[0], &task->key));
    DK_TRY(sched_decode_keys(decoder, &parts[1], &task->dependencies));
    (void)wire_read_int(&parts[2], &order);
    task->order = (int32_t)(order < INT32_MIN ? INT32_MIN : order > INT32_MAX ? INT32_MAX : order);
    if (parts[3].kind != WIRE_BIN)
        return error_set(decoder->err, DK_EPARSE, "update-graph-native: the code of a task is %s",
                         wire_kind_name(parts[3].kind));
    task->run_spec = wire_box_new(decoder->arena->memory, &parts[3]);
    if (!task->run_spec || vector_append(decoder->boxes, &task->run_spec, 1) != DK_OK) {
        wire_box_unref(task->run_spec);
        return error_nomem(decoder->err);
    }
    task->language = item->count > 5 && read_flag(&parts[5]) ? SCHED_HOSTED : SCHED_NATIVE;
    if (item->count < 5 || parts[4].kind != WIRE_MAP)
        return DK_OK;
    struct sched_wishes *wishes = arena_alloc(decoder->arena, sizeof(*wishes));
    if (!wishes)
        return error_nomem(decoder->err);
    task->wishes = wishes;
    return sched_decode_wishes(decoder, &parts[4], wishes);
}

static dk_status decode_graph(struct sched_decoder *decoder, const struct wire_value *message,
                              struct sched_event *event)
{
    struct sched_update_graph *graph = &event->as.graph;
    const struct wire_value *list = wire_find(message, "tasks");
    double fifo_timeout_s = 0;
    DK_TRY(begin(decoder, message, SCHED_UPDATE_GRAPH, event));
    if (!list || list->kind != WIRE_ARRAY)
        return missing(decoder, message, "tasks");
    struct sched_new_task *tasks = arena_alloc(decoder->arena, list->count * sizeof(*tasks));
    if (!tasks)
        return error_nomem(decoder->err);
    for (uint32_t i = 0; i < list->count; i++)
        DK_TRY(decode_task(decoder, &list->as.items[i], &tasks[i]));
    *graph = (struct sched_update_graph){.tasks = tasks, .ntasks = list->count};
    DK_TRY(sched_decode_keys(decoder, wire_find(message, "keys"), &graph->wanted));
    DK_TRY(sched_decode_wishes(decoder, message, &graph->wishes));
    (void)wire_read_float(wire_find(message, "fifo_timeout"), &fifo_timeout_s);
    graph->fifo_timeout_us = (int64_t)(fifo_timeout_s * 1e6);
    return DK_OK;
}

static dk_status decode_cancel(struct sched_decoder *decoder, const struct wire_value *message,
                               struct sched_event *event)
{
    DK_TRY(begin(decoder, message, SCHED_CANCEL, event));
    event->as.cancel.is_forced = read_flag(wire_find(message, "force"));
    event->as.cancel.reason = found_or_nil(message, "reason");
    event->as.cancel.message = found_or_nil(message, "msg");
    return sched_decode_keys(decoder, wire_find(message, "keys"), &event->as.cancel.keys);
}

dk_status sched_decode_client(struct sched_decoder *decoder, const struct wire_value *message,
                              struct sched_event *event)
{
    const struct wire_value *op = wire_find(message, "op");
    if (wire_text_is(op, "update-graph-native"))
        return decode_graph(decoder, message, event);
    if (wire_text_is(op, "client-desires-keys"))
        return decode_many_keys(decoder, message, SCHED_CLIENT_DESIRES, event);
    if (wire_text_is(op, "client-releases-keys"))
        return decode_many_keys(decoder, message, SCHED_CLIENT_RELEASES, event);
    if (wire_text_is(op, "report-key"))
        return decode_one_key(decoder, message, SCHED_REPORT_KEYS, event);
    if (wire_text_is(op, "cancel-keys"))
        return decode_cancel(decoder, message, event);
    return DK_ENOTSUP;
}
