/* What workers do: come and go, change their status, report on tasks. */
#ifndef CORE_SCHEDULER_WORKERS_H
#define CORE_SCHEDULER_WORKERS_H

#include "core/scheduler/state.h"

/* Errors: DK_EINVAL (the address or the name is taken), DK_ENOMEM; then there is no worker. */
dk_status sched_worker_add(struct sched *sched, const struct sched_add_worker *added,
                           dk_error *err) DK_NODISCARD;
void sched_worker_free(struct sched *sched, struct sched_worker *worker);

/* The worker is gone: what it was running is run elsewhere, or given up when too many workers died
 * of it; what it alone had in memory is made again. `is_expected`: it has said that it leaves. */
void sched_worker_remove(struct sched *sched, struct sched_worker *worker, bool is_expected);
void sched_worker_set_status(struct sched *sched, struct sched_worker *worker,
                             enum sched_worker_status status);
void sched_worker_heartbeat(struct sched *sched, struct sched_worker *worker,
                            const struct sched_event *event);
/* Workers that have been silent for too long are lost, and tasks that have waited too long for a
 * worker fail. */
void sched_check_deadlines(struct sched *sched);

void sched_worker_finished(struct sched *sched, uint32_t worker,
                           const struct sched_finished *finished);
void sched_worker_erred(struct sched *sched, uint32_t worker, const struct sched_erred *erred);
void sched_worker_released_data(struct sched *sched, struct sched_worker *worker,
                                const struct sched_keys *keys);
void sched_worker_added_keys(struct sched *sched, struct sched_worker *worker,
                             const struct sched_keys *keys);
void sched_worker_seceded(struct sched *sched, struct sched_worker *worker,
                          const struct sched_event *event);
void sched_worker_reschedules(struct sched *sched, struct sched_worker *worker,
                              const struct sched_keys *keys);

#endif
