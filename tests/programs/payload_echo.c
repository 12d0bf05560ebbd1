/* Answers framed messages from standard input, one by one, for tests in Python:
 *
 *     {"value": v}                           v unpacked and packed again, its type and its nbytes
 *     {"plain": v}                           the pickle of a plain v
 *     {"exception": [module, name, text]}    a pickle
 *     {"killed": [key, address, allowed]}    a pickle
 *     {"expr": [[key, payload, [key, ...]], ...], "token": text}        a pickle
 *     {"find": pickle}                       the payload that is in it, or nil
 *
 * An answer is {"result": ..., "type": ..., "typename": ...} or {"error": message}. */
#include <stdio.h>
#include <stdlib.h>

#include <cdask/cdask.h>

#include "base/error.h"
#include "graph/context.h"
#include "payload/value.h"
#include "wire/message.h"
#include "wire/pickle.h"
#include "wire/unpickle.h"

static const struct frame_limits limits = {1 << 16, 1 << 28};

static void write_bytes(const void *bytes, size_t nbytes)
{
    if (nbytes)
        fwrite(bytes, 1, nbytes, stdout);
}

static dk_status answer(dk_context *dk, struct wire_entry *entries, uint32_t n, dk_error *err)
{
    struct encoding encoding;
    struct wire_value root = wire_map(entries, n);
    DK_TRY(message_encode(&encoding, dk->memory, &root, err));
    const struct wire_bytes *frames = encoding.frames.data;
    write_bytes(encoding.prelude.data, encoding.prelude.count);
    for (size_t i = 0; i < encoding.frames.count; i++)
        write_bytes(frames[i].data, frames[i].nbytes);
    encoding_deinit(&encoding);
    return DK_OK;
}

static dk_status answer_value(dk_context *dk, const struct wire_value *from, dk_error *err)
{
    dk_value value = dk_value_null();
    struct payload_value packed;
    DK_TRY(payload_unpack_value(dk, from, NULL, &value, err));
    dk_status status = payload_pack_value(dk, value, &packed, err);
    if (status == DK_OK) {
        struct wire_entry entries[] = {
            {wire_text("result"), payload_wire(&packed)},
            {wire_text("type"), wire_bin(payload_type(value))},
            {wire_text("typename"), wire_text(payload_typename(value))},
        };
        status = answer(dk, entries, 3, err);
        payload_value_deinit(&packed);
    }
    dk_value_unref(value);
    return status;
}

static const char *text_of(struct arena *arena, const struct wire_value *value)
{
    return arena_text(arena, value->as.bytes, value->count);
}

static dk_status pickle_tasks(const struct wire_value *tasks, const char *token, struct vector *out,
                              dk_error *err)
{
    DK_TRY(pickle_expr_begin(out));
    for (uint32_t i = 0; i < tasks->count; i++) {
        const struct wire_value *parts = tasks->as.items[i].as.items;
        struct wire_bytes payload = {parts[1].as.bytes, parts[1].count};
        DK_TRY(pickle_expr_task(out, &parts[0], payload, parts[2].as.items, parts[2].count, err));
    }
    return pickle_expr_end(out, token);
}

/* The pickle that is asked for. */
static dk_status make_pickle(struct arena *arena, const struct wire_value *root, struct vector *out,
                             dk_error *err)
{
    const struct wire_value *asked = wire_find(root, "plain");
    if (asked)
        return pickle_pack(out, asked, err);
    asked = wire_find(root, "exception");
    if (asked) {
        const struct wire_value *parts = asked->as.items;
        return pickle_exception(out, text_of(arena, &parts[0]), text_of(arena, &parts[1]),
                                (struct wire_bytes){parts[2].as.bytes, parts[2].count});
    }
    asked = wire_find(root, "killed");
    if (asked) {
        const struct wire_value *parts = asked->as.items;
        return pickle_killed_worker(out, &parts[0], text_of(arena, &parts[1]), parts[2].as.integer,
                                    err);
    }
    return pickle_tasks(wire_find(root, "expr"), text_of(arena, wire_find(root, "token")), out,
                        err);
}

static dk_status answer_pickle(dk_context *dk, const struct wire_value *root, dk_error *err)
{
    struct vector out;
    struct arena arena;
    struct wire_bytes found = {NULL, 0};
    const struct wire_value *find = wire_find(root, "find");
    bool is_found =
        find && pickle_find_bytes((struct wire_bytes){find->as.bytes, find->count}, &found);
    vector_init(&out, dk->memory, 1);
    arena_init(&arena, dk->memory);
    dk_status status = find ? DK_OK : make_pickle(&arena, root, &out, err);
    struct wire_bytes bytes = find ? found : (struct wire_bytes){out.data, out.count};
    struct wire_entry entry = {wire_text("result"),
                               find && !is_found ? wire_nil() : wire_bin(bytes)};
    if (status == DK_OK)
        status = answer(dk, &entry, 1, err);
    arena_deinit(&arena);
    vector_deinit(&out);
    return status;
}

static dk_status answer_root(dk_context *dk, const struct wire_value *root)
{
    dk_error err = {0};
    const struct wire_value *value = wire_find(root, "value");
    dk_status status = value ? answer_value(dk, value, &err) : answer_pickle(dk, root, &err);
    if (status == DK_OK)
        return DK_OK;
    struct wire_entry entry = {wire_text("error"), wire_text(err.message)};
    return answer(dk, &entry, 1, &err);
}

static dk_status answer_message(dk_context *dk, struct frame_reader *reader)
{
    struct frames frames;
    struct message message;
    DK_TRY(frame_reader_take(reader, &frames));
    DK_TRY(message_decode(&message, frames, NULL));
    dk_status status = answer_root(dk, &message.root);
    message_deinit(&message);
    return status;
}

int main(void)
{
    static char buffer[1 << 16];
    dk_context *dk = dk_open(NULL);
    struct frame_reader reader;
    dk_status status = DK_OK;
    if (!dk)
        return 1;
    frame_reader_init(&reader, dk->memory, limits);
    for (size_t n = 1; n && status == DK_OK;) {
        n = fread(buffer, 1, sizeof(buffer), stdin);
        struct wire_bytes bytes = {buffer, n};
        while (bytes.nbytes && status == DK_OK) {
            status = frame_reader_feed(&reader, &bytes, NULL);
            if (status == DK_OK && reader.complete)
                status = answer_message(dk, &reader);
        }
    }
    frame_reader_deinit(&reader);
    dk_close(dk);
    return status != DK_OK;
}
