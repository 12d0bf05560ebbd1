/* All that can happen to the coordination of clients. Whatever an event points to is borrowed for
 * the step. */
#ifndef CORE_COORDINATION_EVENT_H
#define CORE_COORDINATION_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/value.h"

enum coord_event_kind {
    COORD_ASK,           /* a question that wants one answer */
    COORD_SAY,           /* a message of a stream, which wants none */
    COORD_LOG,           /* the scheduler's own event: {"topic": ..., "msg": ...} */
    COORD_GONE,          /* the peer of one who may still be waiting */
    COORD_CLIENT_GONE,   /* a client has left */
    COORD_TASK_ENDED,    /* what its worker said: {"key": ..., "metadata": ...} */
    COORD_TASKS_CHANGED, /* the scheduler may know tasks that it did not know */
    COORD_TICK
};

struct coord_ask;

/* Somebody who asks, in the memory of whoever takes the question in. It stays where it is until it
 * is answered or has gone. */
struct coord_asker {
    struct coord_ask *waiting; /* NULL while it does not wait; to begin with, too */
};

struct coord_event {
    enum coord_event_kind kind;
    int64_t now_us; /* monotonic; the only clock there is, */
    double wall_s;  /* but for the time that logged events are marked with: seconds since 1970 */
    struct coord_asker *asker;        /* ASK, GONE */
    uint32_t client;                  /* SAY, CLIENT_GONE: the scheduler's number of it */
    const struct wire_value *message; /* ASK, SAY, LOG, TASK_ENDED */
};

#endif
