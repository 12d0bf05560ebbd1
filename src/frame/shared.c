#include "frame/shared.h"

#include "base/error.h"
#include "graph/context.h"
#include "graph/value.h"

void shared_init(struct shared *shared)
{
    *shared = (struct shared){.set = NULL};
    atomic_init(&shared->refs, 1);
    atomic_init(&shared->packed, NULL);
}

static struct shared **find(struct shared_set *set, struct token token)
{
    struct shared **at = &set->chains[token.lo % SHARED_CHAINS];
    while (*at && !token_equal((*at)->token, token))
        at = &(*at)->next;
    return at;
}

static bool drop(struct shared *shared)
{
    struct shared_set *set = shared->set;
    if (!set)
        return atomic_fetch_sub_explicit(&shared->refs, 1, memory_order_acq_rel) == 1;
    pthread_mutex_lock(set->lock);
    bool was_last = atomic_fetch_sub(&shared->refs, 1) == 1;
    if (was_last)
        *find(set, shared->token) = shared->next;
    pthread_mutex_unlock(set->lock);
    return was_last;
}

bool shared_unref(struct shared *shared)
{
    if (!drop(shared))
        return false;
    struct dk_block *packed = atomic_load(&shared->packed);
    if (packed)
        dk_value_unref((dk_value){DK_KIND_BYTES, {.block = packed}});
    return true;
}

struct shared *shared_find(struct shared_set *set, struct token token)
{
    pthread_mutex_lock(set->lock);
    struct shared *shared = *find(set, token);
    if (shared)
        atomic_fetch_add(&shared->refs, 1);
    pthread_mutex_unlock(set->lock);
    return shared;
}

struct shared *shared_add(struct shared_set *set, struct token token, struct shared *shared)
{
    pthread_mutex_lock(set->lock);
    struct shared **at = find(set, token);
    struct shared *there = *at;
    if (there) {
        atomic_fetch_add(&there->refs, 1);
    } else {
        shared->token = token;
        shared->set = set;
        there = *at = shared;
    }
    pthread_mutex_unlock(set->lock);
    return there;
}

dk_status shared_pack(dk_context *dk, struct shared *shared,
                      dk_status (*put)(const void *object, struct writer *out, dk_error *err),
                      dk_value *out, dk_error *err)
{
    struct dk_block *known = atomic_load(&shared->packed);
    if (known) {
        *out = dk_value_ref((dk_value){DK_KIND_BYTES, {.block = known}});
        return DK_OK;
    }
    struct writer writer;
    writer_init(&writer, dk->memory);
    dk_status status = put(shared, &writer, err);
    if (status == DK_OK &&
        value_bytes(dk->memory, writer.bytes.data, writer.bytes.count, out) != DK_OK)
        status = error_nomem(err);
    writer_deinit(&writer);
    if (status == DK_OK && atomic_compare_exchange_strong(&shared->packed, &known, out->as.block))
        dk_value_ref(*out);
    return status;
}
