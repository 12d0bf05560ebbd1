/* Variables, queues, locks, ... behind the scheduler's server: who asks, when it is time, and what
 * is held through the scheduler's pseudo-clients. */
#ifndef NODE_SCHEDULER_COORDINATION_H
#define NODE_SCHEDULER_COORDINATION_H

#include "core/coordination/coordination.h"
#include "node/scheduler/parts.h"

struct coordination;

/* NULL when out of memory. It is a part of the node: scheduler_part_closed() is called once it was
 * closed, and then it is to be freed. */
struct coordination *coordination_new(struct scheduler_node *node) DK_NODISCARD;
void coordination_close(struct coordination *coordination);
void coordination_free(struct coordination *coordination);

/* Appends the operations that it answers to `ops`, of struct server_op.   Errors: DK_ENOMEM. */
dk_status coordination_add_ops(struct vector *ops) DK_NODISCARD;

/* A message of a worker's or client's stream; false: it is none of ours. */
bool coordination_take(struct peer *peer, const struct wire_value *message);
/* A worker has said that a task has ended, and the scheduler knows. */
void coordination_note_task(struct scheduler_node *node, const struct wire_value *message);
/* The client has left. */
void coordination_lose_client(struct scheduler_node *node, uint32_t client);
/* The scheduler has taken an event in: those who wait for a task may go on. */
void coordination_look(struct scheduler_node *node);
/* What is coordinated, for Prometheus. */
void coordination_write_metrics(const struct scheduler_node *node, struct text *out);
/* Logs {"action": action, NAME: value} under the topic; `value` may be NULL. */
void coordination_log(struct scheduler_node *node, const char *topic, const char *action,
                      const char *name, const char *value);

#endif
