#include "core/scheduler/messages.h"

#include "core/scheduler/tasks.h"

/* Room for the fields of the longest message. */
#define NFIELDS_MAX 12

/* A message under construction. */
struct draft {
    struct sched_outbox *out;
    struct wire_entry *entries; /* NULL: out of memory, and everything is ignored */
    uint32_t nfields;
};

static struct draft begin(struct sched *sched, const char *op)
{
    return (struct draft){sched->out, sched_outbox_begin(sched->out, op, NFIELDS_MAX), 0};
}

static void put(struct draft *draft, const char *name, struct wire_value value)
{
    if (draft->entries)
        draft->entries[++draft->nfields] = (struct wire_entry){wire_text(name), value};
}

static void put_stimulus(struct draft *draft, const struct sched *sched)
{
    put(draft, "stimulus_id", sched_outbox_text(draft->out, sched->stimulus));
}

static void send(struct draft *draft, enum sched_target target, uint32_t id)
{
    sched_outbox_send(draft->out, target, id, draft->entries, draft->nfields);
}

/* ---- to workers ---- */

static struct wire_value addresses_of(struct sched *sched, const struct sched_task *task)
{
    struct wire_value *items =
        sched_outbox_alloc(sched->out, (task->nreplicas + 1) * sizeof(*items));
    uint32_t count = 0;
    for (struct sched_replica *r = task->replicas; r && items; r = r->next_of_task)
        items[count++] = sched_outbox_text(sched->out, r->worker->address);
    return wire_array(items, count);
}

/* {dependency: whatever `of` says about it} */
static struct wire_value each_dependency(struct sched *sched, const struct sched_task *task,
                                         struct wire_value (*of)(struct sched *sched,
                                                                 const struct sched_task *task))
{
    struct wire_entry *entries =
        sched_outbox_alloc(sched->out, (task->ndependencies + 1) * sizeof(*entries));
    uint32_t count = 0;
    struct sched_edge *e = entries ? sched_first_dependency(task) : NULL;
    for (; e; e = sched_next_dependency(task, e)) {
        entries[count].key = sched_outbox_key(sched->out, sched_key(sched, e->from));
        entries[count++].value = of(sched, e->from);
    }
    return wire_map(entries, count);
}

static struct wire_value nbytes_of(struct sched *sched, const struct sched_task *task)
{
    (void)sched;
    return wire_int(sched_task_nbytes(task));
}

static struct wire_value priority_of(struct sched *sched, const struct sched_task *task)
{
    struct wire_value *items = sched_outbox_alloc(sched->out, 3 * sizeof(*items));
    if (!items)
        return wire_nil();
    items[0] = wire_int(task->priority.user);
    items[1] = wire_float(task->priority.generation);
    if (task->priority.generation == (double)(int64_t)task->priority.generation)
        items[1] = wire_int((int64_t)task->priority.generation);
    items[2] = wire_int(task->priority.order);
    return wire_array(items, 3);
}

static struct wire_value resources_of(struct sched *sched, const struct sched_task *task)
{
    size_t count = task->needs ? task->needs->resources.count : 0;
    if (!count)
        return wire_nil();
    const struct sched_resource *list = task->needs->resources.data;
    struct wire_entry *entries = sched_outbox_alloc(sched->out, count * sizeof(*entries));
    for (size_t i = 0; i < count && entries; i++) {
        entries[i].key = sched_outbox_text(sched->out, list[i].name);
        entries[i].value = wire_float(list[i].amount);
    }
    return wire_map(entries, entries ? (uint32_t)count : 0);
}

static struct wire_value annotations_of(struct sched *sched, const struct sched_task *task)
{
    if (!task->needs || !task->needs->annotations)
        return wire_map(NULL, 0);
    return sched_outbox_box(sched->out, task->needs->annotations);
}

void sched_tell_compute(struct sched *sched, struct sched_task *task)
{
    struct draft draft = begin(sched, "compute-task");
    put(&draft, "key", sched_outbox_key(sched->out, sched_key(sched, task)));
    put(&draft, "run_id", wire_int(task->run->id));
    put(&draft, "priority", priority_of(sched, task));
    put_stimulus(&draft, sched);
    put(&draft, "who_has", each_dependency(sched, task, addresses_of));
    put(&draft, "nbytes", each_dependency(sched, task, nbytes_of));
    put(&draft, "run_spec", sched_outbox_box(sched->out, task->run_spec));
    put(&draft, "resource_restrictions", resources_of(sched, task));
    put(&draft, "actor", wire_bool(task->is_actor));
    put(&draft, "annotations", annotations_of(sched, task));
    put(&draft, "span_id", wire_nil());
    send(&draft, SCHED_TO_WORKER, task->run->worker->id);
}

static void tell_keys(struct sched *sched, const char *op, uint32_t worker, struct wire_bytes key)
{
    struct draft draft = begin(sched, op);
    put(&draft, "keys", sched_outbox_keys(sched->out, &key, 1));
    put_stimulus(&draft, sched);
    send(&draft, SCHED_TO_WORKER, worker);
}

void sched_tell_free(struct sched *sched, uint32_t worker, struct wire_bytes key)
{
    tell_keys(sched, "free-keys", worker, key);
}

void sched_tell_remove_replica(struct sched *sched, uint32_t worker, struct wire_bytes key)
{
    tell_keys(sched, "remove-replicas", worker, key);
}

void sched_tell_steal(struct sched *sched, struct sched_task *task, const char *stimulus)
{
    struct draft draft = begin(sched, "steal-request");
    put(&draft, "key", sched_outbox_key(sched->out, sched_key(sched, task)));
    put(&draft, "stimulus_id", sched_outbox_text(sched->out, stimulus));
    send(&draft, SCHED_TO_WORKER, task->run->worker->id);
}

/* It is there, or will be made: else whoever waits for it would ask for ever. */
static bool is_to_be_had(const struct sched_task *task)
{
    return task && !sched_task_is(task, SCHED_RELEASED) && !sched_task_is(task, SCHED_ERRED);
}

void sched_tell_who_has(struct sched *sched, uint32_t worker, const struct sched_keys *keys)
{
    struct draft draft = begin(sched, "refresh-who-has");
    struct wire_entry *entries =
        sched_outbox_alloc(sched->out, (keys->count + 1) * sizeof(*entries));
    uint32_t count = 0;
    for (size_t i = 0; i < keys->count && entries; i++) {
        struct sched_task *task = sched_find_task(sched, keys->list[i]);
        if (!is_to_be_had(task)) {
            sched_tell_free(sched, worker, keys->list[i]);
            continue;
        }
        entries[count].key = sched_outbox_key(sched->out, keys->list[i]);
        entries[count++].value = addresses_of(sched, task);
    }
    put(&draft, "who_has", wire_map(entries, count));
    put_stimulus(&draft, sched);
    if (count)
        send(&draft, SCHED_TO_WORKER, worker);
}

void sched_tell_worker_left(struct sched *sched, uint32_t worker, const char *address)
{
    struct draft draft = begin(sched, "remove-worker");
    put(&draft, "worker", sched_outbox_text(sched->out, address));
    put_stimulus(&draft, sched);
    send(&draft, SCHED_TO_WORKER, worker);
}

void sched_tell_close(struct sched *sched, uint32_t worker, const char *reason)
{
    struct draft draft = begin(sched, "close");
    put(&draft, "reason", sched_outbox_text(sched->out, reason));
    send(&draft, SCHED_TO_WORKER, worker);
}

void sched_tell_acquire(struct sched *sched, uint32_t worker, const struct sched_task *task)
{
    struct draft draft = begin(sched, "acquire-replicas");
    struct wire_entry *entries = sched_outbox_alloc(sched->out, 2 * sizeof(*entries));
    if (!entries)
        return;
    struct wire_value key = sched_outbox_key(sched->out, sched_key(sched, task));
    entries[0] = (struct wire_entry){key, addresses_of(sched, task)};
    entries[1] = (struct wire_entry){key, wire_int(sched_task_nbytes(task))};
    put(&draft, "who_has", wire_map(&entries[0], 1));
    put(&draft, "nbytes", wire_map(&entries[1], 1));
    put_stimulus(&draft, sched);
    send(&draft, SCHED_TO_WORKER, worker);
}

void sched_tell_status(struct sched *sched, uint32_t worker, const char *status)
{
    struct draft draft = begin(sched, "worker-status-change");
    put(&draft, "status", sched_outbox_text(sched->out, status));
    put_stimulus(&draft, sched);
    send(&draft, SCHED_TO_WORKER, worker);
}

void sched_tell_retired(struct sched *sched, uint32_t worker)
{
    struct draft draft = begin(sched, "retired");
    send(&draft, SCHED_RETIRED, worker);
}

void sched_tell_stays(struct sched *sched, uint32_t worker)
{
    struct draft draft = begin(sched, "stays");
    send(&draft, SCHED_STAYS, worker);
}

void sched_tell_drop(struct sched *sched, uint32_t worker)
{
    struct draft draft = begin(sched, "close-stream");
    send(&draft, SCHED_DROP_WORKER, worker);
}

/* ---- to clients ---- */

static void tell_client(struct draft *draft, const struct sched_client *client)
{
    if (!client->is_pseudo)
        send(draft, SCHED_TO_CLIENT, client->id);
}

void sched_tell_in_memory(struct sched *sched, struct sched_task *task,
                          const struct sched_client *client)
{
    struct draft draft = begin(sched, "key-in-memory");
    put(&draft, "key", sched_outbox_key(sched->out, sched_key(sched, task)));
    if (task->type)
        put(&draft, "type", sched_outbox_box(sched->out, task->type));
    tell_client(&draft, client);
}

void sched_tell_erred(struct sched *sched, struct sched_task *task,
                      const struct sched_client *client)
{
    struct draft draft = begin(sched, "task-erred");
    put(&draft, "key", sched_outbox_key(sched->out, sched_key(sched, task)));
    put(&draft, "exception", sched_outbox_box(sched->out, task->failure->exception));
    put(&draft, "traceback", sched_outbox_box(sched->out, task->failure->traceback));
    if (client->is_native)
        put(&draft, "exception_text", sched_outbox_box(sched->out, task->failure->text));
    tell_client(&draft, client);
}

void sched_tell_all_in_memory(struct sched *sched, struct sched_task *task)
{
    for (struct sched_desire *d = task->desires; d; d = d->next_of_task)
        sched_tell_in_memory(sched, task, d->client);
}

void sched_tell_all_erred(struct sched *sched, struct sched_task *task)
{
    for (struct sched_desire *d = task->desires; d; d = d->next_of_task)
        sched_tell_erred(sched, task, d->client);
}

void sched_tell_all(struct sched *sched, struct sched_task *task, const char *op)
{
    for (struct sched_desire *d = task->desires; d; d = d->next_of_task) {
        struct draft draft = begin(sched, op);
        put(&draft, "key", sched_outbox_key(sched->out, sched_key(sched, task)));
        tell_client(&draft, d->client);
    }
}

void sched_tell_cancelled(struct sched *sched, const struct sched_client *client,
                          const struct sched_keys *keys, struct wire_value reason,
                          struct wire_value message)
{
    struct draft draft = begin(sched, "cancelled-keys");
    put(&draft, "keys", sched_outbox_keys(sched->out, keys->list, keys->count));
    if (reason.kind != WIRE_NIL)
        put(&draft, "reason", sched_outbox_copy(sched->out, reason));
    if (message.kind != WIRE_NIL)
        put(&draft, "msg", sched_outbox_copy(sched->out, message));
    tell_client(&draft, client);
}

void sched_tell_restart(struct sched *sched, const struct sched_client *client)
{
    struct draft draft = begin(sched, "restart");
    tell_client(&draft, client);
}
