/* All that the core may ask the glue for.
 *
 * What goes to the scheduler is the consequence of one event and carries that event's stimulus.
 * Keys, boxes and numbers of tasks are borrowed until the next step.
 *
 * Source: distributed.worker_state_machine (Instruction and its subclasses).
 */
#ifndef CORE_WORKER_INSTRUCTION_H
#define CORE_WORKER_INSTRUCTION_H

#include "core/worker/event.h"
#include "core/worker/states.h"

enum wkr_instruction_kind {
    WKR_EXECUTE,      /* task: answer by one of the WKR_EXECUTE_ events */
    WKR_GATHER,       /* tasks, from peer: answer by one of the WKR_GATHER_ events */
    WKR_KEEP,         /* task: what the event has brought is its value now */
    WKR_RELEASE_DATA, /* task: forget its value, and send release-worker-data */
    /* To the scheduler. */
    WKR_SEND_TASK_FINISHED,
    WKR_SEND_TASK_ERRED,
    WKR_SEND_ADD_KEYS,
    WKR_SEND_LONG_RUNNING,
    WKR_SEND_RESCHEDULE,
    WKR_SEND_STEAL_RESPONSE,
    WKR_SEND_REQUEST_REFRESH_WHO_HAS /* tasks */
};

struct wkr_instruction {
    enum wkr_instruction_kind kind;
    struct wkr_task_id task; /* not of a steal response, whose key may be unknown */
    struct wire_bytes key;
    struct wkr_peer_id peer;
    uint32_t first_task; /* of `ntasks` in wkr_instructions.tasks */
    uint32_t ntasks;
    int64_t nbytes; /* finished: of the value; gather: what is expected in all */
    int64_t run_id;
    double start; /* finished, erred; no run is known of when stop is 0 */
    double stop;
    uint64_t thread;
    double compute_duration; /* long running; negative: not known */
    struct wire_box *error;
    enum wkr_state state; /* steal response; WKR_FORGOTTEN: the key is unknown */
};

/* Grows through a step; clear it in between. */
struct wkr_instructions {
    struct vector list;  /* of struct wkr_instruction */
    struct vector tasks; /* of struct wkr_task_id */
};

void wkr_instructions_init(struct wkr_instructions *instructions, struct memory *memory);
void wkr_instructions_deinit(struct wkr_instructions *instructions);
void wkr_instructions_clear(struct wkr_instructions *instructions);

static inline const struct wkr_instruction *
wkr_instruction_at(const struct wkr_instructions *instructions, size_t index)
{
    return &((const struct wkr_instruction *)instructions->list.data)[index];
}

static inline const struct wkr_task_id *
wkr_instruction_tasks(const struct wkr_instructions *instructions,
                      const struct wkr_instruction *instruction)
{
    return (const struct wkr_task_id *)instructions->tasks.data + instruction->first_task;
}

#endif
