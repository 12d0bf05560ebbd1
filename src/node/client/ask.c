/* Any question to the scheduler, and any message: maps of values, as msgpack has them. */
#include "base/error.h"
#include "graph/context.h"
#include "graph/value.h"
#include "node/client/answer.h"
#include "node/client/client.h"
#include "payload/plain.h"
#include "wire/unpack.h"

/* ---- answers ---- */

static dk_status read_items(dk_context *dk, const struct wire_value *from, size_t count,
                            dk_value *items, dk_error *err)
{
    for (size_t i = 0; i < count; i++) {
        dk_status status = answer_value(dk, &from[i], &items[i], err);
        if (status == DK_OK)
            continue;
        while (i)
            dk_value_unref(items[--i]);
        return status;
    }
    return DK_OK;
}

/* Makes a list or a map of `count` values that are one behind the other. */
static dk_status read_many(dk_context *dk, const struct wire_value *from, size_t count, bool is_map,
                           dk_value *out, dk_error *err)
{
    dk_value *items = memory_alloc(dk->memory, count * sizeof(*items));
    if (!items)
        return error_nomem(err);
    dk_status status = read_items(dk, from, count, items, err);
    if (status == DK_OK)
        status = is_map ? value_map(dk->memory, items, count, out)
                        : value_list(dk->memory, items, count, out);
    memory_free(dk->memory, items, count * sizeof(*items));
    return status == DK_ENOMEM ? error_nomem(err) : status;
}

static bool has_text_keys(const struct wire_value *map)
{
    for (uint32_t i = 0; i < map->count; i++)
        if (map->as.entries[i].key.kind != WIRE_TEXT)
            return false;
    return true;
}

static dk_status read_pairs(dk_context *dk, const struct wire_value *map, dk_value *out,
                            dk_error *err)
{
    dk_value *pairs = memory_alloc(dk->memory, map->count * sizeof(*pairs));
    dk_status status = pairs ? DK_OK : error_nomem(err);
    uint32_t count = 0;
    while (status == DK_OK && count < map->count) {
        status = read_many(dk, &map->as.entries[count].key, 2, false, &pairs[count], err);
        count += status == DK_OK;
    }
    if (status == DK_OK)
        status = value_list(dk->memory, pairs, count, out);
    else
        while (count)
            dk_value_unref(pairs[--count]);
    memory_free(dk->memory, pairs, map->count * sizeof(*pairs));
    return status == DK_ENOMEM ? error_nomem(err) : status;
}

dk_status answer_value(dk_context *dk, const struct wire_value *from, dk_value *out, dk_error *err)
{
    if (from->kind == WIRE_ARRAY || from->kind == WIRE_SET)
        return read_many(dk, from->as.items, from->count, false, out, err);
    if (from->kind == WIRE_MAP && from->count == 0)
        return value_map(dk->memory, NULL, 0, out) == DK_OK ? DK_OK : error_nomem(err);
    if (from->kind == WIRE_MAP && has_text_keys(from))
        return read_many(dk, &from->as.entries[0].key, 2 * (size_t)from->count, true, out, err);
    if (from->kind == WIRE_MAP)
        return read_pairs(dk, from, out, err);
    return payload_unpack_value(dk, from, NULL, out, err);
}

/* A key's bytes are msgpack. */
dk_status key_value(dk_context *dk, struct wire_bytes key, dk_value *out)
{
    struct arena arena;
    struct wire_value unpacked;
    arena_init(&arena, dk->memory);
    dk_status status = wire_unpack(&arena, key, &unpacked, NULL);
    if (status == DK_OK)
        status = answer_value(dk, &unpacked, out, NULL);
    arena_deinit(&arena);
    return status;
}

/* ---- questions ---- */

struct outgoing {
    struct arena arena;
    struct vector payloads; /* of struct payload_value * */
    struct wire_value message;
};

static void free_message(struct outgoing *outgoing)
{
    for (size_t i = 0; i < outgoing->payloads.count; i++)
        payload_value_deinit(((struct payload_value *const *)outgoing->payloads.data)[i]);
    vector_deinit(&outgoing->payloads);
    arena_deinit(&outgoing->arena);
}

static dk_status make_message(dk_client *client, dk_value message, struct outgoing *out,
                              dk_error *err)
{
    arena_init(&out->arena, client->memory);
    vector_init(&out->payloads, client->memory, sizeof(struct payload_value *));
    struct plain_packer packer = {
        .dk = client->dk, .arena = &out->arena, .err = err, .payloads = &out->payloads};
    dk_status status = dk_value_find(message, "op").kind == DK_KIND_TEXT
                           ? plain_pack(&packer, message, &out->message)
                           : error_set(err, DK_EINVAL, "a message is a map with the text 'op'");
    if (status != DK_OK)
        free_message(out);
    return status;
}

dk_status dk_client_ask(dk_client *client, dk_value message, const dk_wait_options *options,
                        dk_value *answer, dk_error *err)
{
    struct outgoing outgoing;
    struct message received;
    struct wait_limit limit = limit_begin(options);
    DK_TRY(make_message(client, message, &outgoing, err));
    bool has_answer;
    dk_status status =
        client_ask_all(client, &outgoing.message, &limit, &received, &has_answer, err);
    free_message(&outgoing);
    if (status == DK_OK)
        status = answer_value(client->dk, &received.root, answer, err);
    else if (status == DK_ETASK && has_answer &&
             answer_value(client->dk, &received.root, answer, NULL) != DK_OK)
        *answer = dk_value_null();
    if (has_answer)
        message_deinit(&received);
    return status;
}

dk_status dk_client_say(dk_client *client, dk_value message, dk_error *err)
{
    struct outgoing outgoing;
    DK_TRY(make_message(client, message, &outgoing, err));
    dk_status status = client_send(client, &outgoing.message, err);
    free_message(&outgoing);
    return status;
}

const char *dk_client_id(const dk_client *client)
{
    return client->name;
}
