#include "core/worker/decode.h"

#include <string.h>

#include "base/error.h"

/* ---- parts ---- */

static dk_status missing(struct wkr_decoder *decoder, const struct wire_value *message,
                         const char *field)
{
    struct wire_bytes op = {"?", 1};
    (void)wire_read_text(wire_find(message, "op"), &op);
    return error_set(decoder->err, DK_EPARSE,
                     "%.*s: the field \"%s\" is missing or of a wrong kind", (int)op.nbytes,
                     op.data, field);
}

dk_status wkr_decode_key(struct wkr_decoder *decoder, const struct wire_value *key,
                         struct wire_bytes *out)
{
    if (!key)
        return error_set(decoder->err, DK_EPARSE, "a key is missing");
    DK_TRY(key_pack(key, decoder->scratch, decoder->err));
    char *copy = arena_alloc(decoder->arena, decoder->scratch->count);
    if (!copy)
        return error_nomem(decoder->err);
    memcpy(copy, decoder->scratch->data, decoder->scratch->count);
    *out = (struct wire_bytes){copy, decoder->scratch->count};
    return DK_OK;
}

static bool is_list(const struct wire_value *value)
{
    return value && (value->kind == WIRE_ARRAY || value->kind == WIRE_SET);
}

dk_status wkr_decode_keys(struct wkr_decoder *decoder, const struct wire_value *list,
                          struct wkr_keys *out)
{
    *out = (struct wkr_keys){NULL, 0};
    if (!list || list->kind == WIRE_NIL)
        return DK_OK;
    if (!is_list(list))
        return error_set(decoder->err, DK_EPARSE, "%s where keys are expected",
                         wire_kind_name(list->kind));
    struct wire_bytes *keys = arena_alloc(decoder->arena, list->count * sizeof(*keys));
    if (!keys)
        return error_nomem(decoder->err);
    for (uint32_t i = 0; i < list->count; i++)
        DK_TRY(wkr_decode_key(decoder, &list->as.items[i], &keys[i]));
    *out = (struct wkr_keys){keys, list->count};
    return DK_OK;
}

static dk_status decode_addresses(struct wkr_decoder *decoder, const struct wire_value *list,
                                  struct wkr_replicas *out)
{
    if (!is_list(list))
        return error_set(decoder->err, DK_EPARSE, "who_has: addresses are missing");
    struct wire_bytes *addresses = arena_alloc(decoder->arena, list->count * sizeof(*addresses));
    if (!addresses)
        return error_nomem(decoder->err);
    for (uint32_t i = 0; i < list->count; i++)
        if (!wire_read_text(&list->as.items[i], &addresses[i]))
            return error_set(decoder->err, DK_EPARSE, "who_has: %s is no address",
                             wire_kind_name(list->as.items[i].kind));
    out->addresses = addresses;
    out->naddresses = list->count;
    return DK_OK;
}

static bool is_same_key(struct wkr_decoder *decoder, const struct wire_value *key,
                        struct wire_bytes packed)
{
    return key_pack(key, decoder->scratch, NULL) == DK_OK &&
           decoder->scratch->count == packed.nbytes &&
           memcmp(decoder->scratch->data, packed.data, packed.nbytes) == 0;
}

/* Dask sends both maps in the same order: look there first. */
static int64_t find_nbytes(struct wkr_decoder *decoder, const struct wire_value *sizes,
                           uint32_t expected_at, struct wire_bytes key)
{
    int64_t nbytes = -1;
    uint32_t count = sizes && sizes->kind == WIRE_MAP ? sizes->count : 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct wire_entry *entry = &sizes->as.entries[(expected_at + i) % count];
        if (is_same_key(decoder, &entry->key, key)) {
            (void)wire_read_int(&entry->value, &nbytes);
            break;
        }
    }
    return nbytes;
}

/* {key: [address ...]} and, if there are any, {key: nbytes}. */
static dk_status decode_replicas(struct wkr_decoder *decoder, const struct wire_value *who_has,
                                 const struct wire_value *sizes, struct wkr_replicas_list *out)
{
    *out = (struct wkr_replicas_list){NULL, 0};
    if (!who_has || who_has->kind == WIRE_NIL)
        return DK_OK;
    if (who_has->kind != WIRE_MAP)
        return error_set(decoder->err, DK_EPARSE, "who_has: expected a map, not %s",
                         wire_kind_name(who_has->kind));
    struct wkr_replicas *list = arena_calloc(decoder->arena, who_has->count * sizeof(*list));
    if (!list)
        return error_nomem(decoder->err);
    for (uint32_t i = 0; i < who_has->count; i++) {
        const struct wire_entry *entry = &who_has->as.entries[i];
        DK_TRY(wkr_decode_key(decoder, &entry->key, &list[i].key));
        DK_TRY(decode_addresses(decoder, &entry->value, &list[i]));
        list[i].nbytes = find_nbytes(decoder, sizes, i, list[i].key);
    }
    *out = (struct wkr_replicas_list){list, who_has->count};
    return DK_OK;
}

dk_status wkr_decode_who_has(struct wkr_decoder *decoder, const struct wire_value *who_has,
                             struct wkr_replicas_list *out)
{
    return decode_replicas(decoder, who_has, NULL, out);
}

/* ---- compute-task ---- */

/* [user, generation, order], or fewer. */
static void decode_priority(const struct wire_value *value, struct wkr_priority *out)
{
    double user = 0;
    *out = (struct wkr_priority){0};
    if (!is_list(value))
        return;
    if (value->count > 0 && wire_read_float(&value->as.items[0], &user))
        out->user = (int64_t)user;
    if (value->count > 1)
        (void)wire_read_float(&value->as.items[1], &out->generation);
    if (value->count > 2)
        (void)wire_read_int(&value->as.items[2], &out->order);
}

static dk_status decode_resources(struct wkr_decoder *decoder, const struct wire_value *map,
                                  struct wkr_compute_task *out)
{
    uint32_t count = map && map->kind == WIRE_MAP ? map->count : 0;
    struct wkr_resource *resources = arena_calloc(decoder->arena, count * sizeof(*resources));
    if (!resources)
        return error_nomem(decoder->err);
    for (uint32_t i = 0; i < count; i++)
        if (!wire_read_text(&map->as.entries[i].key, &resources[i].name) ||
            !wire_read_float(&map->as.entries[i].value, &resources[i].amount))
            return error_set(decoder->err, DK_EPARSE,
                             "compute-task: a resource is a name and an amount");
    out->resources = resources;
    out->nresources = count;
    return DK_OK;
}

static dk_status decode_compute(struct wkr_decoder *decoder, const struct wire_value *message,
                                struct wkr_event *event)
{
    struct wkr_compute_task *out = &event->as.compute;
    struct wkr_replicas_list dependencies;
    const struct wire_value *actor = wire_find(message, "actor");
    const struct wire_value *run_spec = wire_find(message, "run_spec");
    if (!run_spec)
        return missing(decoder, message, "run_spec");
    DK_TRY(wkr_decode_key(decoder, wire_find(message, "key"), &out->key));
    DK_TRY(decode_replicas(decoder, wire_find(message, "who_has"), wire_find(message, "nbytes"),
                           &dependencies));
    DK_TRY(decode_resources(decoder, wire_find(message, "resource_restrictions"), out));
    out->dependencies = dependencies.list;
    out->ndependencies = dependencies.count;
    out->is_actor = actor && actor->kind == WIRE_BOOL && actor->as.boolean;
    (void)wire_read_int(wire_find(message, "run_id"), &out->run_id);
    decode_priority(wire_find(message, "priority"), &out->priority);
    out->run_spec = wire_box_new(decoder->arena->memory, run_spec);
    return out->run_spec ? DK_OK : error_nomem(decoder->err);
}

/* ---- all ---- */

static dk_status decode_key_event(struct wkr_decoder *decoder, const struct wire_value *message,
                                  struct wkr_event *event)
{
    return wkr_decode_key(decoder, wire_find(message, "key"), &event->as.key);
}

static dk_status decode_keys_event(struct wkr_decoder *decoder, const struct wire_value *message,
                                   struct wkr_event *event)
{
    return wkr_decode_keys(decoder, wire_find(message, "keys"), &event->as.keys);
}

static dk_status decode_replicas_event(struct wkr_decoder *decoder,
                                       const struct wire_value *message, struct wkr_event *event)
{
    return decode_replicas(decoder, wire_find(message, "who_has"), wire_find(message, "nbytes"),
                           &event->as.replicas);
}

static dk_status decode_worker_event(struct wkr_decoder *decoder, const struct wire_value *message,
                                     struct wkr_event *event)
{
    if (wire_read_text(wire_find(message, "worker"), &event->as.address))
        return DK_OK;
    return missing(decoder, message, "worker");
}

dk_status wkr_decode(struct wkr_decoder *decoder, const struct wire_value *message,
                     struct wkr_event *event)
{
    static const struct {
        const char *op;
        enum wkr_event_kind kind;
        dk_status (*decode)(struct wkr_decoder *decoder, const struct wire_value *message,
                            struct wkr_event *event);
    } ops[] = {
        {"compute-task", WKR_COMPUTE_TASK, decode_compute},
        {"free-keys", WKR_FREE_KEYS, decode_keys_event},
        {"remove-replicas", WKR_REMOVE_REPLICAS, decode_keys_event},
        {"acquire-replicas", WKR_ACQUIRE_REPLICAS, decode_replicas_event},
        {"refresh-who-has", WKR_REFRESH_WHO_HAS, decode_replicas_event},
        {"steal-request", WKR_STEAL_REQUEST, decode_key_event},
        {"cancel-compute", WKR_CANCEL_COMPUTE, decode_key_event},
        {"remove-worker", WKR_REMOVE_WORKER, decode_worker_event},
    };
    const struct wire_value *op = wire_find(message, "op");
    for (size_t i = 0; i < sizeof(ops) / sizeof(*ops); i++) {
        if (!wire_text_is(op, ops[i].op))
            continue;
        *event = (struct wkr_event){.kind = ops[i].kind};
        return ops[i].decode(decoder, message, event);
    }
    struct wire_bytes name = {"?", 1};
    (void)wire_read_text(op, &name);
    return error_set(decoder->err, DK_ENOTSUP, "workers know no operation '%.*s'",
                     (int)(name.nbytes < 64 ? name.nbytes : 64), name.data);
}
