/* The graphs of a run: tasks, what they need, and how they behave. */
#ifndef SIM_WORK_H
#define SIM_WORK_H

#include "core/keys.h"
#include "sim/options.h"

struct sim_task {
    uint32_t first_dependency; /* in sim_work.dependencies */
    uint32_t ndependencies;
    uint32_t ndependents;
    uint32_t nruns;     /* begun so far */
    uint32_t nfailures; /* runs that fail, before others succeed; SIM_ALWAYS: all */
    int64_t nbytes;
    int64_t takes_us;
};

#define SIM_ALWAYS UINT32_MAX

struct sim_work {
    struct memory *memory;
    struct vector tasks;        /* of struct sim_task, by number */
    struct vector dependencies; /* of uint32_t */
    struct keys keys;           /* by number */
    uint32_t *graphs;           /* where each begins; and the end */
    uint32_t ngraphs;
};

void sim_work_init(struct sim_work *work, struct memory *memory, const struct sim_options *options);
void sim_work_deinit(struct sim_work *work);

static inline struct sim_task *sim_task_at(const struct sim_work *work, uint32_t number)
{
    return &((struct sim_task *)work->tasks.data)[number];
}

static inline const uint32_t *sim_dependencies(const struct sim_work *work,
                                               const struct sim_task *task)
{
    return (const uint32_t *)work->dependencies.data + task->first_dependency;
}

static inline uint32_t sim_ntasks(const struct sim_work *work)
{
    return (uint32_t)work->tasks.count;
}

/* Whether the failure of one of `is_culprit` is one of `number`'s, too. */
bool sim_depends_on(const struct sim_work *work, uint32_t number, uint32_t on);

#endif
