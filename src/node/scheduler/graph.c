/* Graphs of clients in Python. */
#include "base/error.h"
#include "node/scheduler/parts.h"
#include "wire/pickle.h"

static const char refusal[] =
    "cdask's scheduler does not take collections of Python clients yet: submit functions, or use "
    "a client of cdask";

static void refuse_key(struct peer *peer, struct wire_bytes key, const struct vector *exception)
{
    struct wire_entry fields[] = {
        {wire_text("op"), wire_text("task-erred")},
        {wire_text("key"), wire_packed(key)},
        {wire_text("exception"), wire_bin((struct wire_bytes){exception->data, exception->count})},
        {wire_text("traceback"), wire_nil()},
    };
    struct wire_value message = wire_map(fields, 4);
    (void)!stream_push(&peer->stream, &message, NULL);
}

void scheduler_update_graph(struct peer *peer, const struct wire_value *message)
{
    struct decoding decoding;
    struct sched_keys keys = {0};
    struct vector exception;
    dk_error err = {0};
    vector_init(&exception, peer->node->memory, 1);
    decoding_init(&decoding, peer->node, &err);
    if (sched_decode_keys(&decoding.decoder, wire_find(message, "keys"), &keys) == DK_OK &&
        pickle_exception(&exception, "builtins", "NotImplementedError",
                         (struct wire_bytes){refusal, sizeof(refusal) - 1}) == DK_OK)
        for (size_t i = 0; i < keys.count; i++)
            refuse_key(peer, keys.list[i], &exception);
    decoding_deinit(&decoding);
    vector_deinit(&exception);
}
