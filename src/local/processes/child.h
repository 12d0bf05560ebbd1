/* The forked side of the processes scheduler, and what the two sides say to each other.
 *
 * A child has the graph, the plan, the registry and all arguments from the moment of the fork, so a
 * task is sent as its id. It runs units: a task, and the chain of tasks that the plan joins to it.
 */
#ifndef LOCAL_CHILD_H
#define LOCAL_CHILD_H

#include "local/processes/pipe_message.h"
#include "local/run.h"

enum order {
    ORDER_KEEP,  /* u32 task, parcel: a result of another child, for units that follow */
    ORDER_DROP,  /* u32 task: nobody here needs its result any more */
    ORDER_RUN,   /* u32 first task of a unit, i64 when it became ready */
    ORDER_FINISH /* report the profile; nothing follows */
};

enum reply {
    REPLY_EVENT,   /* struct reply_event, when somebody observes: a task is done */
    REPLY_RESULT,  /* u32 first task of the unit, parcel with the last one's result, u64 its time in
                      ns */
    REPLY_FAILURE, /* dk_error, complete: the child stops */
    REPLY_PROFILE  /* u8 whether incomplete, u32 lines, each struct profile_line, u32 length, name:
                      the child stops */
};

struct reply_event {
    int64_t start_ns;
    int64_t end_ns;
    int64_t result_nbytes;
    uint32_t task;
    dk_status status;
};

/* What a child is doing, in memory shared with the caller, who reads it when the child has died. */
struct progress {
    _Alignas(64) _Atomic uint32_t head; /* of the unit; TASK_NONE: between units */
    _Atomic uint32_t task;
    _Atomic int64_t start_ns; /* when somebody observes */
};

/* What an outbox must have room for, so that a failure can be told when memory has run out. */
#define FAILURE_NBYTES (sizeof(dk_error) + 64)

/* Runs orders that come over `socket` until it is told to finish or the other side goes. `out` is
 * empty and has room for a failure. */
_Noreturn void child_main(struct run *run, int socket, struct outbox *out,
                          struct progress *progress);

#endif
