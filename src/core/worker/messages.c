#include "core/worker/messages.h"

#define FIELDS_MAX 12

static struct wire_value text_of(struct wire_bytes text)
{
    return (struct wire_value){WIRE_TEXT, (uint32_t)text.nbytes, {.bytes = text.data}};
}

static const char *op_of(enum wkr_instruction_kind kind)
{
    static const char *const ops[] = {
        [WKR_RELEASE_DATA] = "release-worker-data",
        [WKR_SEND_TASK_FINISHED] = "task-finished",
        [WKR_SEND_TASK_ERRED] = "task-erred",
        [WKR_SEND_ADD_KEYS] = "add-keys",
        [WKR_SEND_LONG_RUNNING] = "long-running",
        [WKR_SEND_RESCHEDULE] = "reschedule",
        [WKR_SEND_STEAL_RESPONSE] = "steal-response",
        [WKR_SEND_REQUEST_REFRESH_WHO_HAS] = "request-refresh-who-has",
    };
    return ops[kind];
}

/* [{action, start, stop}], or nothing when it did not run here. */
static struct wire_value startstops(struct wire_builder *builder,
                                    const struct wkr_instruction *instruction)
{
    struct wire_filling list = wire_begin_array(builder, 1);
    if (instruction->stop > 0) {
        struct wire_filling run = wire_begin_map(builder, 3);
        wire_put(&run, "action", wire_text("compute"));
        wire_put(&run, "start", wire_float(instruction->start));
        wire_put(&run, "stop", wire_float(instruction->stop));
        wire_add(&list, wire_end_map(&run));
    }
    return wire_end_array(&list);
}

static void put_run(struct wire_builder *builder, struct wire_filling *message,
                    const struct wkr_instruction *instruction)
{
    wire_put(message, "run_id", wire_int(instruction->run_id));
    wire_put(message, "thread", wire_int((int64_t)instruction->thread));
    wire_put(message, "startstops", startstops(builder, instruction));
}

static void put_finished(struct wire_builder *builder, struct wire_filling *message,
                         const struct wkr_instruction *instruction, struct wkr_type type)
{
    struct wire_filling metadata = wire_begin_map(builder, 0);
    put_run(builder, message, instruction);
    wire_put(message, "nbytes", wire_int(instruction->nbytes));
    wire_put(message, "type", wire_bin(type.pickle));
    wire_put(message, "typename", wire_text(type.name));
    wire_put(message, "metadata", wire_end_map(&metadata));
    wire_put(message, "status", wire_text("OK"));
}

static void put_erred(struct wire_builder *builder, struct wire_filling *message,
                      const struct wkr_instruction *instruction)
{
    static const char *const fields[] = {"exception", "traceback", "exception_text",
                                         "traceback_text"};
    struct wire_value error = wire_box_value(instruction->error);
    put_run(builder, message, instruction);
    for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
        const struct wire_value *field = wire_find(&error, fields[i]);
        wire_put(message, fields[i], field ? *field : wire_nil());
    }
    wire_put(message, "status", wire_text("error"));
}

static void put_keys(struct wire_builder *builder, struct wire_filling *message,
                     const struct wkr *worker, const struct wkr_instructions *instructions,
                     const struct wkr_instruction *instruction)
{
    const struct wkr_task_id *tasks = wkr_instruction_tasks(instructions, instruction);
    struct wire_filling keys = wire_begin_array(builder, instruction->ntasks + 1);
    if (instruction->kind == WKR_SEND_ADD_KEYS)
        wire_add(&keys, wire_packed(instruction->key));
    else
        for (uint32_t i = 0; i < instruction->ntasks; i++)
            wire_add(&keys, wire_packed(wkr_task_key(worker, tasks[i])));
    wire_put(message, "keys", wire_end_array(&keys));
}

struct wire_value wkr_message(struct wire_builder *builder, const struct wkr *worker,
                              const struct wkr_instructions *instructions,
                              const struct wkr_instruction *instruction, struct wire_bytes stimulus,
                              struct wkr_type type)
{
    struct wire_filling message = wire_begin_map(builder, FIELDS_MAX);
    wire_put(&message, "op", wire_text(op_of(instruction->kind)));
    wire_put(&message, "stimulus_id", text_of(stimulus));
    if (instruction->kind == WKR_SEND_ADD_KEYS ||
        instruction->kind == WKR_SEND_REQUEST_REFRESH_WHO_HAS)
        put_keys(builder, &message, worker, instructions, instruction);
    else
        wire_put(&message, "key", wire_packed(instruction->key));
    if (instruction->kind == WKR_SEND_TASK_FINISHED) {
        put_finished(builder, &message, instruction, type);
    } else if (instruction->kind == WKR_SEND_TASK_ERRED) {
        put_erred(builder, &message, instruction);
    } else if (instruction->kind == WKR_SEND_LONG_RUNNING) {
        bool is_known = instruction->compute_duration >= 0;
        wire_put(&message, "run_id", wire_int(instruction->run_id));
        wire_put(&message, "compute_duration",
                 is_known ? wire_float(instruction->compute_duration) : wire_nil());
    } else if (instruction->kind == WKR_SEND_STEAL_RESPONSE) {
        bool is_known = instruction->state != WKR_FORGOTTEN;
        wire_put(&message, "state",
                 is_known ? wire_text(wkr_state_name(instruction->state)) : wire_nil());
    }
    return wire_end_map(&message);
}

struct wire_box *wkr_error_new(struct memory *memory, struct wire_bytes exception,
                               struct wire_bytes traceback, const char *text)
{
    struct wire_entry entries[] = {
        {wire_text("exception"), wire_bin(exception)},
        {wire_text("traceback"), traceback.nbytes ? wire_bin(traceback) : wire_nil()},
        {wire_text("exception_text"), wire_text(text)},
        {wire_text("traceback_text"), wire_text("")},
    };
    struct wire_value map = wire_map(entries, 4);
    return wire_box_new(memory, &map);
}
