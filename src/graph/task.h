/* A running task, from the inside: what kernels may ask and tell. */
#ifndef GRAPH_TASK_H
#define GRAPH_TASK_H

#include <cdask/graph.h>

#include "base/time.h"
#include "graph/profile.h"
#include "graph/registry.h"

/* What dk_task_raise() was told; vectors of char. */
struct raised {
    struct vector exception;
    struct vector traceback;
};

/* The thread that it has among the worker's; both are called in that. */
struct task_place {
    void (*leave)(void *self);
    void (*retake)(void *self);
    void *self;
};

/* The worker of a cluster that runs it. */
struct task_worker {
    const char *address;
    const char *name;
    const char *folder;
    const char *scheduler; /* the address of that */
    uint32_t nthreads;
};

struct dk_task {
    dk_context *context;
    const struct function *function;
    const volatile int *cancel;       /* the caller's wish; NULL: none */
    const atomic_bool *failed;        /* another task failed; NULL: not shared */
    struct profile *profile;          /* NULL: nobody wants to know */
    const struct task_worker *worker; /* NULL: there is none, */
    struct raised *raised;            /* nor anybody who wants to know */
    const struct task_place *place;   /* NULL: it cannot be given up */
};

/* The flag is the caller's, who sets it from a signal handler or another thread. */
static inline bool cancel_is_set(const volatile int *cancel)
{
    return cancel && __atomic_load_n(cancel, __ATOMIC_RELAXED);
}

/* Times one kernel call between begin and end. Both do nothing without a profile. */
static inline int64_t task_kernel_begin(const dk_task *task)
{
    return task->profile ? time_now_ns() : 0;
}

static inline void task_kernel_end(const dk_task *task, const char *kernel, int64_t begin_ns,
                                   int64_t nrows, int64_t nbytes)
{
    if (task->profile) {
        profile_kernel(task->profile, kernel, time_now_ns() - begin_ns, nrows, nbytes);
    }
}

#endif
