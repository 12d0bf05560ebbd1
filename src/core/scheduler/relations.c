#include "core/scheduler/relations.h"

#include "core/scheduler/memory_manager.h"
#include "core/scheduler/tasks.h"

/* ---- replicas ---- */

struct sched_replica *sched_find_replica(const struct sched_task *task,
                                         const struct sched_worker *worker)
{
    for (struct sched_replica *r = task->replicas; r; r = r->next_of_task)
        if (r->worker == worker)
            return r;
    return NULL;
}

dk_status sched_add_replica(struct sched *sched, struct sched_task *task,
                            struct sched_worker *worker)
{
    if (sched_find_replica(task, worker))
        return DK_OK;
    struct sched_replica *replica = memory_alloc(sched->memory, sizeof(*replica));
    if (!replica)
        return DK_ENOMEM;
    *replica = (struct sched_replica){task, worker, task->replicas, NULL, worker->replicas};
    if (worker->replicas)
        worker->replicas->previous_of_worker = replica;
    task->replicas = worker->replicas = replica;
    task->nreplicas++;
    worker->nreplicas++;
    worker->nbytes += sched_task_nbytes(task);
    return sched_count_replicas(sched, task);
}

void sched_remove_replica(struct sched *sched, struct sched_replica *replica)
{
    struct sched_task *task = replica->task;
    struct sched_worker *worker = replica->worker;
    struct sched_replica **link = &task->replicas;
    while (*link != replica)
        link = &(*link)->next_of_task;
    *link = replica->next_of_task;
    if (replica->previous_of_worker)
        replica->previous_of_worker->next_of_worker = replica->next_of_worker;
    else
        worker->replicas = replica->next_of_worker;
    if (replica->next_of_worker)
        replica->next_of_worker->previous_of_worker = replica->previous_of_worker;
    task->nreplicas--;
    worker->nreplicas--;
    worker->nbytes -= sched_task_nbytes(task);
    (void)!sched_count_replicas(sched, task); /* one less takes no memory */
    memory_free(sched->memory, replica, sizeof(*replica));
}

void sched_set_nbytes(struct sched_task *task, int64_t nbytes)
{
    int64_t before = sched_task_nbytes(task);
    sched_task_set_nbytes(task, nbytes);
    for (struct sched_replica *r = task->replicas; r; r = r->next_of_task)
        r->worker->nbytes += sched_task_nbytes(task) - before;
}

/* ---- desires ---- */

struct sched_desire *sched_find_desire(const struct sched_task *task,
                                       const struct sched_client *client)
{
    for (struct sched_desire *d = task->desires; d; d = d->next_of_task)
        if (d->client == client)
            return d;
    return NULL;
}

dk_status sched_add_desire(struct sched *sched, struct sched_task *task,
                           struct sched_client *client)
{
    if (sched_find_desire(task, client))
        return DK_OK;
    struct sched_desire *desire = memory_alloc(sched->memory, sizeof(*desire));
    if (!desire)
        return DK_ENOMEM;
    *desire = (struct sched_desire){task, client, task->desires, NULL, client->desires};
    if (client->desires)
        client->desires->previous_of_client = desire;
    task->desires = client->desires = desire;
    task->ndesires++;
    client->ndesires++;
    return DK_OK;
}

void sched_remove_desire(struct sched *sched, struct sched_desire *desire)
{
    struct sched_task *task = desire->task;
    struct sched_client *client = desire->client;
    struct sched_desire **link = &task->desires;
    while (*link != desire)
        link = &(*link)->next_of_task;
    *link = desire->next_of_task;
    if (desire->previous_of_client)
        desire->previous_of_client->next_of_client = desire->next_of_client;
    else
        client->desires = desire->next_of_client;
    if (desire->next_of_client)
        desire->next_of_client->previous_of_client = desire->previous_of_client;
    task->ndesires--;
    client->ndesires--;
    memory_free(sched->memory, desire, sizeof(*desire));
}
