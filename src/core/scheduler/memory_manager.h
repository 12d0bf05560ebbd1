/* The active memory manager: how many copies of a result there are, and who gets or drops one.
 *
 * Every two seconds it drops copies that nobody needs any longer ("ReduceReplicas"); workers that
 * retire ask it where to copy what they alone hold. A copy is dropped on the books at once; a
 * worker that still needs it says so, and then has it again. Source:
 * distributed.active_memory_manager, distributed.scheduler.MemoryState. */
#ifndef CORE_SCHEDULER_MEMORY_MANAGER_H
#define CORE_SCHEDULER_MEMORY_MANAGER_H

#include "core/scheduler/state.h"

/* What a heartbeat says of the memory of the worker's process. */
void sched_learn_memory(struct sched *sched, struct sched_worker *worker,
                        const struct wire_value *metrics);
/* Bytes that the worker holds and will go on to hold: results that are not on disk, and what its
 * process has taken besides for half a minute. Source: MemoryState.optimistic. */
int64_t sched_worker_memory(const struct sched_worker *worker);

/* Dask's workers cannot read what cdask's have computed. */
bool sched_can_hold(const struct sched_worker *worker, const struct sched_task *task);

/* The running worker with the least memory that has no copy of the task and is promised none; NULL
 * when there is none. */
struct sched_worker *sched_find_recipient(const struct sched *sched, const struct sched_task *task);
/* Drops a copy, which is not the last, and tells the worker. */
void sched_drop_replica(struct sched *sched, struct sched_replica *replica);

/* There is one copy more, or one less.   Errors: DK_ENOMEM. */
dk_status sched_count_replicas(struct sched *sched, struct sched_task *task) DK_NODISCARD;

void sched_manage_memory(struct sched *sched, enum sched_manager_order order);
/* Runs the manager when it is time to. */
void sched_check_memory(struct sched *sched);
/* When it has to be looked again; INT64_MAX: nothing has several copies. */
int64_t sched_manage_deadline_us(const struct sched *sched);

/* The tasks are to have at most so many copies on these workers. */
void sched_reduce_replicas(struct sched *sched, const struct sched_reduce *reduce);
/* A worker is to drop its copies, where they are not the last. */
void sched_worker_drops(struct sched *sched, struct sched_worker *worker,
                        const struct sched_keys *keys);

#endif
