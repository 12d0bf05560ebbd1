/* The pool of the processes scheduler: its children as the calling process sees them. */
#ifndef LOCAL_PROCESSES_H
#define LOCAL_PROCESSES_H

#include <poll.h>
#include <sys/types.h>

#include "local/processes/child.h"
#include "local/processes/placement.h"

/* A unit that a child has been given and has not reported. */
struct handed {
    uint32_t head;
    uint32_t estimate_ns;
};

struct process {
    int32_t number;
    pid_t pid; /* 0: there is none */
    int pidfd; /* -1: the system cannot give one */
    int socket;
    struct outbox out;
    struct inbox in;
    struct vector handed; /* of struct handed, in the order they run in */
    size_t first_handed;  /* those before are reported */
    int64_t queued_ns;    /* estimated, of what is handed */
    struct vector drops;  /* of uint32_t: results it holds that nobody needs */
};

struct pool {
    struct run *run;
    struct process *processes;
    int32_t nprocesses;
    struct progress *progress; /* shared memory, by child */
    struct pollfd *polled;     /* two a child: socket and pidfd */
    struct results results;
    struct placement placement;
    int32_t ncrashes;
    int32_t nprofiles_due; /* of children that have been told to finish */
    bool is_stopped;       /* an error: nothing more is handed out */
};

/* Starts the children. Fewer than wanted is fine, none is DK_EIO. */
dk_status pool_init(struct pool *pool, struct run *run, int32_t nprocesses,
                    dk_error *err) DK_NODISCARD;
/* Kills and reaps what is left of them. */
void pool_deinit(struct pool *pool);
/* Starts a child in the place of one that is not there.   Errors: DK_EIO, DK_ENOMEM. */
dk_status process_start(struct pool *pool, struct process *process, dk_error *err) DK_NODISCARD;
/* Ends it if need be, and says how it ended: waitpid's status, -1 when somebody else has reaped it.
 */
int process_end(struct process *process);

static inline size_t process_nhanded(const struct process *process)
{
    return process->handed.count - process->first_handed;
}

/* The process has gone while it should not: fails the task it was at, gives what it had not
 * reported back to the ready units, and starts another in its place. */
void process_died(struct pool *pool, struct process *process);

/* Records `error` and lets nothing more start. */
void pool_stop(struct pool *pool, uint32_t id, dk_status status, const dk_error *error);

/* Reads what a child has sent, as far as it has come.
 * False when it is gone, or has said something that cannot be. */
bool replies_read(struct pool *pool, struct process *process);

#endif
