/* Who holds which result, and who wants it. */
#ifndef CORE_SCHEDULER_RELATIONS_H
#define CORE_SCHEDULER_RELATIONS_H

#include "core/scheduler/state.h"

/* NULL when the worker has no copy. */
struct sched_replica *sched_find_replica(const struct sched_task *task,
                                         const struct sched_worker *worker);
/* Notes a copy, once.   Errors: DK_ENOMEM. */
dk_status sched_add_replica(struct sched *sched, struct sched_task *task,
                            struct sched_worker *worker) DK_NODISCARD;
void sched_remove_replica(struct sched *sched, struct sched_replica *replica);
/* Sets the size of a result, on all accounts that it is on. */
void sched_set_nbytes(struct sched_task *task, int64_t nbytes);

struct sched_desire *sched_find_desire(const struct sched_task *task,
                                       const struct sched_client *client);
/* Notes that the client wants the result, once.   Errors: DK_ENOMEM. */
dk_status sched_add_desire(struct sched *sched, struct sched_task *task,
                           struct sched_client *client) DK_NODISCARD;
void sched_remove_desire(struct sched *sched, struct sched_desire *desire);

#endif
