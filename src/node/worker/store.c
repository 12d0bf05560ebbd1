#include "node/worker/store.h"

void content_deinit(struct content *content)
{
    dk_value_unref(content->value);
    wire_box_unref(content->box);
    *content = (struct content){.value = dk_value_null()};
}

static struct stored *stored_at(const struct store *store, struct wkr_task_id task)
{
    if (task.number >= store->list.count)
        return NULL;
    return &((struct stored *)store->list.data)[task.number];
}

void store_init(struct store *store, struct memory *memory)
{
    vector_init(&store->list, memory, sizeof(struct stored));
    store->count = 0;
}

void store_deinit(struct store *store)
{
    for (uint32_t i = 0; i < store->list.count; i++)
        content_deinit(&stored_at(store, (struct wkr_task_id){i})->content);
    vector_deinit(&store->list);
}

dk_status store_bring(struct store *store, struct wkr_task_id task, struct content content)
{
    while (store->list.count <= task.number) {
        if (!vector_push(&store->list)) {
            content_deinit(&content);
            return DK_ENOMEM;
        }
    }
    struct stored *stored = stored_at(store, task);
    if (stored->state != STORED_NOTHING)
        content_deinit(&content);
    else
        *stored = (struct stored){STORED_BROUGHT, content};
    return DK_OK;
}

void store_keep(struct store *store, struct wkr_task_id task)
{
    stored_at(store, task)->state = STORED_KEPT;
    store->count++;
}

static void clear(struct stored *stored)
{
    content_deinit(&stored->content);
    stored->state = STORED_NOTHING;
}

void store_discard(struct store *store, struct wkr_task_id task)
{
    struct stored *stored = stored_at(store, task);
    if (stored && stored->state == STORED_BROUGHT)
        clear(stored);
}

void store_release(struct store *store, struct wkr_task_id task)
{
    struct stored *stored = stored_at(store, task);
    if (!stored || stored->state != STORED_KEPT)
        return;
    clear(stored);
    store->count--;
}

struct content *store_find(const struct store *store, struct wkr_task_id task)
{
    struct stored *stored = stored_at(store, task);
    return stored && stored->state == STORED_KEPT ? &stored->content : NULL;
}
