/* What clients do: come and go, want results and let go of them, cancel, retry. */
#ifndef CORE_SCHEDULER_CLIENTS_H
#define CORE_SCHEDULER_CLIENTS_H

#include "core/scheduler/state.h"

/* The client with this name, made when there is none; NULL when out of memory. */
struct sched_client *sched_client_get(struct sched *sched, const struct sched_add_client *added);
void sched_client_free(struct sched *sched, struct sched_client *client);

void sched_client_remove(struct sched *sched, struct sched_client *client);
void sched_client_desires(struct sched *sched, struct sched_client *client,
                          const struct sched_keys *keys);
void sched_client_releases(struct sched *sched, struct sched_client *client,
                           const struct sched_keys *keys);
void sched_client_report(struct sched *sched, struct sched_client *client,
                         const struct sched_keys *keys);
void sched_client_cancels(struct sched *sched, struct sched_client *client,
                          const struct sched_event *event);
/* Runs failed tasks again, with the failed ones they depend on. */
void sched_client_retries(struct sched *sched, const struct sched_keys *keys);
/* All let go of all, and are told so. */
void sched_clients_restart(struct sched *sched);

/* `task` is done, or has failed: the pseudo-client fire-and-forget lets go of it. */
void sched_client_let_go(struct sched *sched, struct sched_task *task);

#endif
