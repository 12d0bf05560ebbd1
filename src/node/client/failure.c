/* Why there is no result: in words, and as its worker, or who cancelled it, has said it. */
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

/* Takes the items. */
static dk_status make_map(dk_client *client, dk_status status, dk_value *items, size_t nitems,
                          dk_value *out)
{
    if (status == DK_OK)
        return value_map(client->memory, items, nitems, out);
    for (size_t i = 0; i < nitems; i++)
        dk_value_unref(items[i]);
    return status;
}

/* ---- failed ---- */

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
    return make_map(client, status, items, NITEMS, out);
}

struct failure *failure_new(dk_client *client, const struct wire_value *message)
{
    struct failure *failure = memory_calloc(client->memory, sizeof(*failure));
    struct wire_bytes text = find_text(message);
    if (!failure)
        return NULL;
    failure->references = 1;
    error_set(&failure->why, DK_ETASK, "%.*s", (int)text.nbytes, text.data);
    if (read_raised(client, message, &failure->raised) == DK_OK)
        return failure;
    memory_free(client->memory, failure, sizeof(*failure));
    return NULL;
}

/* ---- cancelled ---- */

static dk_status read_reason(dk_client *client, struct wire_bytes reason, struct wire_bytes msg,
                             dk_value *out)
{
    const struct wire_bytes texts[] = {{"reason", 6}, reason, {"msg", 3}, msg};
    enum { NITEMS = sizeof(texts) / sizeof(*texts) };
    dk_value items[NITEMS] = {{DK_KIND_NULL, {0}}};
    dk_status status = DK_OK;
    for (size_t i = 0; i < NITEMS && status == DK_OK; i++)
        if (texts[i].data)
            status = value_text(client->memory, texts[i].data, texts[i].nbytes, &items[i]);
    return make_map(client, status, items, NITEMS, out);
}

struct failure *failure_cancelled(dk_client *client, struct wire_bytes reason,
                                  struct wire_bytes msg)
{
    if (!reason.data && !msg.data)
        return NULL;
    struct failure *failure = memory_calloc(client->memory, sizeof(*failure));
    if (!failure)
        return NULL;
    failure->references = 1;
    error_set(&failure->why, DK_ECANCELED, "%.*s%s%.*s", (int)reason.nbytes, reason.data,
              reason.data && msg.data ? ": " : "", (int)msg.nbytes, msg.data);
    if (read_reason(client, reason, msg, &failure->raised) == DK_OK)
        return failure;
    memory_free(client->memory, failure, sizeof(*failure));
    return NULL;
}

/* ---- both ---- */

void failure_unref(dk_client *client, struct failure *failure)
{
    if (!failure || --failure->references)
        return;
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
