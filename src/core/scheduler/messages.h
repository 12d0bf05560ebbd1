/* What workers and clients are told.   Source: PROTOCOL of distributed 2026. */
#ifndef CORE_SCHEDULER_MESSAGES_H
#define CORE_SCHEDULER_MESSAGES_H

#include "core/scheduler/state.h"

void sched_tell_compute(struct sched *sched, struct sched_task *task);
/* "free-keys", "remove-replicas", "steal-request" ...: an operation on one key. */
void sched_tell_free(struct sched *sched, uint32_t worker, struct wire_bytes key);
void sched_tell_remove_replica(struct sched *sched, uint32_t worker, struct wire_bytes key);
void sched_tell_steal(struct sched *sched, struct sched_task *task, const char *stimulus);
/* Who holds these keys: in answer to a worker that cannot find them. */
void sched_tell_who_has(struct sched *sched, uint32_t worker, const struct sched_keys *keys);
void sched_tell_worker_left(struct sched *sched, uint32_t worker, const char *address);
void sched_tell_close(struct sched *sched, uint32_t worker, const char *reason);
/* To copy a result from those that hold it. */
void sched_tell_acquire(struct sched *sched, uint32_t worker, const struct sched_task *task);
void sched_tell_status(struct sched *sched, uint32_t worker, const char *status);
/* All that the worker held is elsewhere: for whoever has asked for it. */
void sched_tell_retired(struct sched *sched, uint32_t worker);
/* It does not retire after all. */
void sched_tell_stays(struct sched *sched, uint32_t worker);
/* Its stream is to be closed. */
void sched_tell_drop(struct sched *sched, uint32_t worker);

/* To one client, or to all that want the task. */
void sched_tell_in_memory(struct sched *sched, struct sched_task *task,
                          const struct sched_client *client);
void sched_tell_erred(struct sched *sched, struct sched_task *task,
                      const struct sched_client *client);
void sched_tell_all_in_memory(struct sched *sched, struct sched_task *task);
void sched_tell_all_erred(struct sched *sched, struct sched_task *task);
void sched_tell_restart(struct sched *sched, const struct sched_client *client);
/* "lost-data", "task-retried". */
void sched_tell_all(struct sched *sched, struct sched_task *task, const char *op);
void sched_tell_cancelled(struct sched *sched, const struct sched_client *client,
                          const struct sched_keys *keys, struct wire_value reason,
                          struct wire_value message);

#endif
