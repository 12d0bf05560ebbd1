#include "local/processes/child.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "base/time.h"
#include "graph/value.h"
#include "local/processes/value_codec.h"

/* Results are sent together, but none waits longer than this behind the units that follow. */
#define REPORT_EVERY_NS 250000

struct child {
    struct run *run;
    struct worker worker;
    int socket;
    struct outbox *out;
    struct inbox in;
    struct progress *progress;
    dk_get_options options;
    dk_callbacks observer;
    int64_t now_ns; /* as of the last look at the clock */
    int64_t sent_ns;
    dk_error error;
};

static void report(struct child *child)
{
    enum transfer transfer = TRANSFER_DONE;
    do {
        transfer = outbox_send(child->out, child->socket, true);
    } while (transfer == TRANSFER_LATER);
    if (transfer != TRANSFER_DONE)
        _exit(EXIT_FAILURE);
    child->sent_ns = child->now_ns;
}

/* Everything before is sent first, so the outbox is empty and what was reserved for it is free. */
static _Noreturn void fail(struct child *child)
{
    report(child);
    outbox_record(child->out);
    outbox_put_u8(child->out, REPLY_FAILURE);
    outbox_put(child->out, &child->run->error, sizeof(child->run->error));
    report(child);
    _exit(EXIT_SUCCESS);
}

static _Noreturn void fail_for(struct child *child, enum transfer transfer)
{
    dk_status status = transfer_error(transfer, &child->error);
    run_fail(child->run, TASK_NONE, status, &child->error);
    fail(child);
}

/* The child's own observer: events go to the caller, whose callbacks are called there. */
static void post_event(void *self, const dk_task_event *event)
{
    struct child *child = self;
    struct reply_event reply = {event->start_ns, event->end_ns, event->result_nbytes,
                                event->task.id, event->status};
    outbox_put_u8(child->out, REPLY_EVENT);
    outbox_put(child->out, &reply, sizeof(reply));
}

static void pre_event(void *self, const dk_task_event *event)
{
    struct child *child = self;
    atomic_store_explicit(&child->progress->start_ns, event->start_ns, memory_order_relaxed);
}

static void set_result(struct child *child, uint32_t id, dk_value value)
{
    dk_value_unref(child->run->results[id]);
    child->run->results[id] = value;
}

static uint32_t next_of(const struct run *run, uint32_t id)
{
    return run->plan.next ? run->plan.next[id] : TASK_NONE;
}

/* Runs a unit and gives its last task; TASK_NONE after a failure. */
static uint32_t run_chain(struct child *child, uint32_t head)
{
    struct run *run = child->run;
    uint32_t before = TASK_NONE;
    for (uint32_t id = head;; id = next_of(run, id)) {
        atomic_store_explicit(&child->progress->task, id, memory_order_relaxed);
        if (worker_run(&child->worker, id) != DK_OK)
            return TASK_NONE;
        if (before != TASK_NONE)
            set_result(child, before, dk_value_null());
        before = id;
        uint32_t next = next_of(run, id);
        if (next == TASK_NONE)
            return id;
        if (run->ready_ns)
            run->ready_ns[next] = time_now_ns();
    }
}

/* A table that others can map is worth keeping once: the shared copy. Objects are here already and
 * are not unpacked for that. */
static void keep_shared(struct child *child, uint32_t id, struct outbox_mark mark)
{
    struct parcel parcel = parcel_since(child->out, mark);
    if (parcel.fd < 0 || parcel.has_objects)
        return;
    dk_value shared = dk_value_null();
    if (value_decode(child->run->context, &parcel, &shared, &child->error) != DK_OK)
        return;
    set_result(child, id, shared);
}

static dk_status put_result(struct child *child, uint32_t head, uint32_t tail)
{
    struct run *run = child->run;
    outbox_put_u8(child->out, REPLY_RESULT);
    outbox_put_u32(child->out, head);
    struct outbox_mark mark = outbox_mark(child->out);
    dk_status status = value_encode(run->context, child->out, run->results[tail], &child->error);
    if (status != DK_OK)
        return status;
    const struct plan *plan = &run->plan;
    if (plan->successor_start[tail] == plan->successor_start[tail + 1]) {
        set_result(child, tail, dk_value_null());
    } else {
        keep_shared(child, tail, mark);
    }
    int64_t start_ns = child->now_ns;
    child->now_ns = time_now_ns();
    outbox_put_u64(child->out, (uint64_t)(child->now_ns - start_ns));
    return child->out->writer.failed ? error_nomem(&child->error) : DK_OK;
}

/* In this order: whoever reads a head can trust the task. */
static void show_unit(struct child *child, uint32_t head)
{
    atomic_store_explicit(&child->progress->task, head, memory_order_relaxed);
    atomic_store_explicit(&child->progress->head, head, memory_order_release);
}

static void run_unit(struct child *child, uint32_t head)
{
    struct run *run = child->run;
    outbox_record(child->out);
    struct outbox_mark start = outbox_mark(child->out);
    show_unit(child, head);
    uint32_t tail = run_chain(child, head);
    struct outbox_mark end = outbox_mark(child->out);
    if (child->out->writer.failed) {
        outbox_rewind(child->out, start);
        fail_for(child, TRANSFER_NOMEM);
    }
    if (tail == TASK_NONE)
        fail(child);
    dk_status status = put_result(child, head, tail);
    if (status != DK_OK) {
        outbox_rewind(child->out, end);
        run_fail(run, tail, status, &child->error);
        fail(child);
    }
    show_unit(child, TASK_NONE);
    if (child->now_ns - child->sent_ns >= REPORT_EVERY_NS)
        report(child);
}

static void keep(struct child *child, struct cursor *message)
{
    uint32_t id = cursor_u32(message);
    struct parcel parcel;
    bool is_shared = parcel_take(message, &parcel);
    if (is_shared)
        parcel.fd = inbox_take_fd(&child->in);
    dk_value value = dk_value_null();
    dk_status status = value_decode(child->run->context, &parcel, &value, &child->error);
    if (is_shared)
        close(parcel.fd);
    if (status != DK_OK) {
        run_fail(child->run, id, status, &child->error);
        fail(child);
    }
    set_result(child, id, value);
}

static void put_line(struct child *child, const struct profile_line *line)
{
    uint32_t length = (uint32_t)strlen(line->name);
    outbox_put(child->out, line, sizeof(*line));
    outbox_put_u32(child->out, length);
    outbox_put(child->out, line->name, length + 1);
}

/* A profile that finds no memory is not sent, and missed. */
static _Noreturn void finish(struct child *child)
{
    const struct profile *profile = &child->worker.profile;
    const struct vector *lines = &profile->lines;
    outbox_record(child->out);
    struct outbox_mark mark = outbox_mark(child->out);
    outbox_put_u8(child->out, REPLY_PROFILE);
    outbox_put_u8(child->out, profile->is_incomplete);
    outbox_put_u32(child->out, (uint32_t)lines->count);
    for (size_t i = 0; i < lines->count; i++) {
        put_line(child, &((const struct profile_line *)lines->data)[i]);
    }
    if (child->out->writer.failed)
        outbox_rewind(child->out, mark);
    report(child);
    _exit(EXIT_SUCCESS);
}

static void obey(struct child *child, struct cursor *message)
{
    uint32_t id = 0;
    while (cursor_left(message)) {
        switch ((enum order)cursor_u8(message)) {
        case ORDER_KEEP:
            keep(child, message);
            break;
        case ORDER_DROP:
            set_result(child, cursor_u32(message), dk_value_null());
            break;
        case ORDER_RUN:
            id = cursor_u32(message);
            int64_t ready_ns = cursor_i64(message);
            if (child->run->ready_ns)
                child->run->ready_ns[id] = ready_ns;
            run_unit(child, id);
            break;
        case ORDER_FINISH:
            finish(child);
        }
    }
}

static void init(struct child *child, struct run *run)
{
    /* The copy of the run that this process has is its own: callbacks are the caller's business,
     * who also kills us when the computation is cancelled. */
    child->options = *run->options;
    child->observer = (dk_callbacks){.pretask = pre_event, .posttask = post_event, .self = child};
    child->options.callbacks = &child->observer;
    child->options.ncallbacks = run->observed ? 1 : 0;
    child->options.cancel = NULL;
    run->options = &child->options;
    run->status = DK_OK;
    atomic_store(&run->failed, false);
    child->run = run;
    worker_init(&child->worker, run, 0);
    inbox_init(&child->in, run->context->memory);
}

_Noreturn void child_main(struct run *run, int socket, struct outbox *out,
                          struct progress *progress)
{
    struct child child = {.socket = socket, .out = out, .progress = progress};
    init(&child, run);
    struct cursor message;
    for (;;) {
        enum transfer transfer = inbox_receive(&child.in, socket, true);
        if (transfer == TRANSFER_END)
            _exit(EXIT_SUCCESS);
        if (transfer != TRANSFER_DONE)
            fail_for(&child, transfer);
        child.now_ns = time_now_ns();
        while (inbox_next(&child.in, &message)) {
            obey(&child, &message);
            report(&child);
        }
    }
}
