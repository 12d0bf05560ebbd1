#include "core/scheduler/runs.h"

struct sched_run *sched_run_begin(struct sched *sched, struct sched_run **list,
                                  struct sched_task *task, struct sched_worker *worker)
{
    struct sched_run *run = memory_alloc(sched->memory, sizeof(*run));
    if (!run)
        return NULL;
    *run = (struct sched_run){
        .task = task, .worker = worker, .next = *list, .since_us = sched->now_us};
    if (run->next)
        run->next->previous = run;
    *list = task->run = run;
    return run;
}

void sched_run_end(struct sched *sched, struct sched_run **list, struct sched_task *task)
{
    struct sched_run *run = task->run;
    if (!run)
        return;
    if (run->previous)
        run->previous->next = run->next;
    else
        *list = run->next;
    if (run->next)
        run->next->previous = run->previous;
    task->run = NULL;
    memory_free(sched->memory, run, sizeof(*run));
}
