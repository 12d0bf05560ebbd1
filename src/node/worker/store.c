#include "node/worker/store.h"

void content_deinit(struct content *content)
{
    dk_value_unref(content->value);
    wire_box_unref(content->box);
    spilled_unref(content->spilled);
    *content = (struct content){.value = dk_value_null()};
}

static struct stored **stored_at(const struct store *store, struct wkr_task_id task)
{
    if (task.number >= store->list.count)
        return NULL;
    return &((struct stored **)store->list.data)[task.number];
}

static struct stored *find(const struct store *store, struct wkr_task_id task,
                           enum stored_state state)
{
    struct stored **stored = stored_at(store, task);
    return stored && *stored && (*stored)->state == state ? *stored : NULL;
}

void store_init(struct store *store, struct memory *memory)
{
    *store = (struct store){.memory = memory};
    vector_init(&store->list, memory, sizeof(struct stored *));
    list_init(&store->by_use);
}

static void forget(struct store *store, struct stored *stored)
{
    list_remove(&stored->by_use);
    content_deinit(&stored->content);
    *stored_at(store, stored->task) = NULL;
    memory_free(store->memory, stored, sizeof(*stored));
}

void store_deinit(struct store *store)
{
    for (uint32_t i = 0; i < store->list.count; i++) {
        struct stored *stored = *stored_at(store, (struct wkr_task_id){i});
        if (stored)
            forget(store, stored);
    }
    vector_deinit(&store->list);
}

static struct stored *make(struct store *store, struct wkr_task_id task)
{
    while (store->list.count <= task.number)
        if (!vector_push(&store->list))
            return NULL;
    struct stored *stored = memory_calloc(store->memory, sizeof(*stored));
    if (!stored)
        return NULL;
    stored->task = task;
    stored->serial = store->nserials++;
    list_init(&stored->by_use);
    *stored_at(store, task) = stored;
    return stored;
}

dk_status store_bring(struct store *store, struct wkr_task_id task, struct content content)
{
    struct stored **place = stored_at(store, task);
    struct stored *stored = place && *place ? NULL : make(store, task);
    if (!stored) {
        content_deinit(&content);
        return place && *place ? DK_OK : DK_ENOMEM;
    }
    stored->state = STORED_BROUGHT;
    stored->content = content;
    return DK_OK;
}

void store_keep(struct store *store, struct wkr_task_id task)
{
    struct stored *stored = find(store, task, STORED_BROUGHT);
    stored->state = STORED_KEPT;
    list_append(&store->by_use, &stored->by_use);
    store->memory_nbytes += stored->content.nbytes;
    store->count++;
}

void store_discard(struct store *store, struct wkr_task_id task)
{
    struct stored *stored = find(store, task, STORED_BROUGHT);
    if (stored)
        forget(store, stored);
}

static void uncount(struct store *store, const struct content *content)
{
    if (content->spilled) {
        store->spilled_nbytes -= content->nbytes;
        store->disk_nbytes -= spilled_nbytes(content->spilled);
    } else {
        store->memory_nbytes -= content->nbytes;
    }
}

void store_release(struct store *store, struct wkr_task_id task)
{
    struct stored *stored = find(store, task, STORED_KEPT);
    if (!stored)
        return;
    uncount(store, &stored->content);
    store->count--;
    forget(store, stored);
}

struct stored *store_find(struct store *store, struct wkr_task_id task)
{
    struct stored *stored = find(store, task, STORED_KEPT);
    if (stored && !list_is_empty(&stored->by_use)) {
        list_remove(&stored->by_use);
        list_append(&store->by_use, &stored->by_use);
    }
    return stored;
}

void store_set_spilled(struct store *store, struct stored *stored, struct spilled *spilled)
{
    int64_t nbytes = stored->content.nbytes;
    uncount(store, &stored->content);
    content_deinit(&stored->content);
    list_remove(&stored->by_use);
    stored->content.spilled = spilled;
    stored->content.nbytes = nbytes;
    store->spilled_nbytes += nbytes;
    store->disk_nbytes += spilled_nbytes(spilled);
}

void store_set_value(struct store *store, struct stored *stored, dk_value value)
{
    struct content *content = &stored->content;
    uncount(store, content);
    if (content->spilled) {
        spilled_unref(content->spilled);
        content->spilled = NULL;
        list_append(&store->by_use, &stored->by_use);
    }
    content->value = value;
    content->has_value = true;
    store->memory_nbytes += content->nbytes;
}
