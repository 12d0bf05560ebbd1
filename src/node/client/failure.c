/* Why a task has failed: in words, and as its worker has said it. */
#include "base/error.h"
#include "graph/context.h"
#include "graph/value.h"
#include "node/client/client.h"
#include "payload/value.h"
#include "wire/unpickle.h"

/* Told beside the exception by cdask's scheduler, or found in its pickle. */
static struct wire_bytes find_text(const struct wire_value *message)
{
    struct wire_bytes text = {"it failed", 9};
    const struct wire_value *exception = wire_find(message, "exception");
    if (wire_read_text(wire_find(message, "exception_text"), &text) ||
        wire_read_text(exception, &text) || !exception)
        return text;
    if (exception->kind == WIRE_BIN)
        (void)pickle_find_last_text((struct wire_bytes){exception->as.bytes, exception->count},
                                    &text);
    else if (exception->kind == WIRE_SERIALIZED && exception->as.payload->nframes)
        (void)pickle_find_last_text(exception->as.payload->frames[0], &text);
    return text;
}

/* A value that cannot be read is left out. */
static dk_status read_part(dk_client *client, const struct wire_value *message, const char *name,
                           dk_value *items)
{
    const struct wire_value *from = wire_find(message, name);
    items[0] = items[1] = dk_value_null();
    DK_TRY(value_text(client->memory, name, strlen(name), &items[0]));
    if (from && payload_unpack_plain(client->dk, from, &items[1], NULL) == DK_ENOMEM)
        return DK_ENOMEM;
    return DK_OK;
}

static dk_status read_raised(dk_client *client, const struct wire_value *message, dk_value *out)
{
    static const char *const names[] = {"exception", "traceback", "traceback_text"};
    enum { NITEMS = 2 * sizeof(names) / sizeof(*names) };
    dk_value items[NITEMS] = {{DK_KIND_NULL, {0}}};
    dk_status status = DK_OK;
    for (size_t i = 0; i < NITEMS && status == DK_OK; i += 2)
        status = read_part(client, message, names[i / 2], &items[i]);
    if (status == DK_OK)
        return value_map(client->memory, items, NITEMS, out);
    for (size_t i = 0; i < NITEMS; i++)
        dk_value_unref(items[i]);
    return status;
}

struct failure *failure_new(dk_client *client, const struct wire_value *message)
{
    struct failure *failure = memory_calloc(client->memory, sizeof(*failure));
    struct wire_bytes text = find_text(message);
    if (!failure)
        return NULL;
    error_set(&failure->why, DK_ETASK, "%.*s", (int)text.nbytes, text.data);
    if (read_raised(client, message, &failure->raised) == DK_OK)
        return failure;
    memory_free(client->memory, failure, sizeof(*failure));
    return NULL;
}

void failure_free(dk_client *client, struct failure *failure)
{
    if (failure)
        dk_value_unref(failure->raised);
    memory_free(client->memory, failure, sizeof(*failure));
}

bool dk_future_raised(const dk_future *future, dk_value *out)
{
    dk_client *client = future->client;
    pthread_mutex_lock(&client->lock);
    const struct failure *failure = future_result(future)->failure;
    if (failure)
        *out = dk_value_ref(failure->raised);
    pthread_mutex_unlock(&client->lock);
    return failure;
}
