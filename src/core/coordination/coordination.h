/* What clients and tasks coordinate by, as a state machine: Variable, Queue, Lock, MultiLock,
 * Semaphore, Event, published datasets, metadata, and topics that events are logged under.
 *
 * Questions and messages come in as Dask's maps, answers go out as instructions, some of them much
 * later: whoever asks for what is not there waits, until it comes, the time is up, or its peer has
 * gone. Values pass through as boxes that are never opened.
 *
 * Thread: one at a time. Nothing here blocks. What it does depends on the events alone, in their
 * order, and on what the scheduler knows of tasks when they come.
 * Source: distributed.variable, queues, semaphore, multi_lock, event, publish, broker. */
#ifndef CORE_COORDINATION_H
#define CORE_COORDINATION_H

#include "base/text.h"
#include "core/coordination/event.h"
#include "core/coordination/instruction.h"
#include "core/scheduler/scheduler.h"

struct coord;

/* `sched` is asked which tasks there are and how they are; it outlives this. NULL when out of
 * memory.   Ownership: the caller frees it with coord_free(). */
struct coord *coord_new(struct memory *memory, const struct sched *sched) DK_NODISCARD;
/* Those who still wait are never answered. */
void coord_free(struct coord *coord);

/* Takes in one event, and adds what is to be done to `out`, in order.
 *
 * Errors: DK_ENOTSUP (a question or message that is none of ours; nothing has changed), DK_ENOMEM:
 * the state is whole and can be freed, but answers may be missing; the process should say so and
 * end. */
dk_status coord_step(struct coord *coord, const struct coord_event *event,
                     struct coord_instructions *out) DK_NODISCARD;

/* When it wants a COORD_TICK, in the time of events; INT64_MAX: not without another event. */
int64_t coord_deadline_us(const struct coord *coord);

/* Does somebody wait for a task that the scheduler does not know? Then it wants COORD_TASKS_CHANGED
 * when the scheduler may have come to know it. */
bool coord_awaits_tasks(const struct coord *coord);

/* Does somebody collect what becomes of tasks? Then it wants COORD_TASK_ENDED. */
bool coord_collects_tasks(const struct coord *coord);

/* The questions that are answered here: the n-th "op"; NULL after the last. */
const char *coord_question(size_t n);

/* How many wait for an answer. */
size_t coord_nwaiting(const struct coord *coord);

/* The metrics dask_semaphore_*, by Dask's names. */
void coord_write_metrics(const struct coord *coord, struct text *out);

/* Checks every invariant there is; false: `err` says what is wrong. For tests and debugging. */
bool coord_validate(const struct coord *coord, dk_error *err);

#endif
