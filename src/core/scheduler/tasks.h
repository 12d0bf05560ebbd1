/* Tasks, the edges between them, and what they have in common. */
#ifndef CORE_SCHEDULER_TASKS_H
#define CORE_SCHEDULER_TASKS_H

#include "core/scheduler/groups.h"

/* The task with this key; NULL when there is none. */
struct sched_task *sched_find_task(const struct sched *sched, struct wire_bytes key);
/* The same, making a released one without code or dependencies when there is none; NULL when out
 * of memory. */
struct sched_task *sched_task_get(struct sched *sched, struct wire_bytes key, bool *is_new);
/* Gives it its dependencies, which must have been got before.   Errors: DK_ENOMEM. */
dk_status sched_task_depend(struct sched *sched, struct sched_task *task,
                            const struct sched_keys *dependencies) DK_NODISCARD;
/* Removes all trace of a task that nothing holds any longer. */
void sched_task_free(struct sched *sched, struct sched_task *task);

/* Changes the state, and the counts of its group. */
void sched_task_enter(struct sched_task *task, enum sched_state state);
/* Changes the size of the result, and that of its prefix. */
void sched_task_set_nbytes(struct sched_task *task, int64_t nbytes);
bool sched_task_is(const struct sched_task *task, enum sched_state state);

/* Bytes of the result, or what is assumed while nobody knows. */
int64_t sched_task_nbytes(const struct sched_task *task);
/* Smaller runs first; ties by the time they became known. */
bool sched_task_before(const struct sched_task *a, const struct sched_task *b);

/* Edges of a task, those whose dependency was forgotten left out:
 * for (e = sched_first_dependency(t); e; e = sched_next_dependency(t, e)). */
struct sched_edge *sched_first_dependency(const struct sched_task *task);
struct sched_edge *sched_next_dependency(const struct sched_task *task,
                                         const struct sched_edge *edge);
/* The dependent no longer depends on `from`. */
void sched_edge_cut(struct sched *sched, struct sched_edge *edge);
void sched_edge_await(struct sched *sched, struct sched_edge *edge, bool is_awaited);
void sched_edge_wait(struct sched_edge *edge, bool is_waiter);
/* Nobody waits for the result of `task` any longer. */
void sched_task_drop_waiters(struct sched_task *task);
bool sched_task_is_needed(const struct sched_task *task); /* by waiters or clients */

struct sched_failure *sched_failure_new(struct memory *memory,
                                        const struct sched_erred *erred) DK_NODISCARD;
struct sched_failure *sched_failure_ref(struct sched_failure *failure);
void sched_failure_unref(struct sched_failure *failure);

struct sched_needs *sched_needs_new(struct memory *memory,
                                    const struct sched_wishes *wishes) DK_NODISCARD;
void sched_needs_free(struct sched_needs *needs);
/* Resources from a map of name to number.   Errors: DK_ENOMEM. */
dk_status sched_resources_read(struct vector *resources, const struct wire_value *map) DK_NODISCARD;
void sched_resources_deinit(struct vector *resources);

#endif
