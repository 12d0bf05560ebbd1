/* Threads that do what must not hold up the loop. */
#ifndef NODE_WORKER_EXECUTOR_H
#define NODE_WORKER_EXECUTOR_H

#include <uv.h>

#include "base/memory.h"
#include "core/list.h"

struct executor;

/* Part of whatever is to be done; stays where it is until `done`. */
struct job {
    void (*run)(struct job *job);  /* in one of the threads */
    void (*done)(struct job *job); /* then, in the loop's */
    void (*left)(struct job *job); /* in the loop's, after executor_leave(), before `done` */
    bool has_left;                 /* under the executor's lock, as the next */
    bool is_telling;               /* that it has */
    struct list link;
};

/* Starts the threads, as many of them as can be made.   Errors: DK_ENOMEM, DK_EIO (none can). */
dk_status executor_new(uv_loop_t *loop, struct memory *memory, uint32_t nthreads,
                       struct executor **out, dk_error *err) DK_NODISCARD;
/* In the order in which they are submitted. Jobs that have waited while all threads were at one
 * for long are told as done without having run, so that they can be run elsewhere.
 * Thread: the loop's. */
void executor_submit(struct executor *executor, struct job *job);
/* The job's thread is no longer one of those that take jobs, another is started in its place; when
 * the job has run the thread ends. For jobs that wait for others. A second call does nothing, nor
 * does one when no thread can be started.   Thread: the job's. */
void executor_leave(struct executor *executor, struct job *job);
/* The other way: waits until another thread has run its job, and takes its place.
 * Thread: the job's. */
void executor_return(struct executor *executor, struct job *job);
/* Takes no more jobs. When those that run have ended, `closed` is called; jobs that had not begun
 * are told as done without having run, before. */
void executor_close(struct executor *executor, void (*closed)(void *self), void *self);
/* Jobs that are not done yet. */
uint32_t executor_njobs(const struct executor *executor);

#endif
