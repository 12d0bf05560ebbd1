#include "node/stream.h"

#include "base/error.h"

/* Other things than messages are skipped, as Dask does: an "OK" that came late. */
static void take_item(struct stream *stream, const struct wire_value *item)
{
    if (stream->is_closing || item->kind != WIRE_MAP)
        return;
    const struct wire_value *op = wire_find(item, "op");
    if (!wire_text_is(op, "close-stream") && !wire_text_is(op, "stream-closed")) {
        stream->events.received(stream->events.self, item);
        return;
    }
    stream->is_closing = true;
    comm_finish(stream->comm);
}

static void on_received(void *self, struct message *message)
{
    struct stream *stream = self;
    const struct wire_value *root = &message->root;
    if (root->kind == WIRE_ARRAY) {
        for (uint32_t i = 0; i < root->count; i++)
            take_item(stream, &root->as.items[i]);
    } else {
        take_item(stream, root);
    }
    if (stream->events.received_all && !stream->is_closing)
        stream->events.received_all(stream->events.self);
    message_deinit(message);
}

static void on_drained(void *self)
{
    struct stream *stream = self;
    if (stream->events.drained && !stream->is_closing)
        stream->events.drained(stream->events.self);
}

static void on_closed(void *self, const dk_error *why)
{
    struct stream *stream = self;
    stream->events.closed(stream->events.self, why);
}

void stream_init(struct stream *stream, struct comm *comm, struct stream_events events)
{
    *stream = (struct stream){.comm = comm, .events = events};
    comm_set_events(comm, (struct comm_events){.self = stream,
                                               .received = on_received,
                                               .drained = on_drained,
                                               .closed = on_closed});
}

dk_status stream_push(struct stream *stream, const struct wire_value *message, dk_error *err)
{
    return comm_push(stream->comm, message, (struct loan){NULL, NULL}, err);
}

dk_status stream_push_lent(struct stream *stream, const struct wire_value *message,
                           struct loan loan, dk_error *err)
{
    return comm_push(stream->comm, message, loan, err);
}

void stream_close(struct stream *stream)
{
    stream_close_saying(stream, "close-stream");
}

/* Without memory for the word, the end of the connection says it. */
void stream_close_saying(struct stream *stream, const char *op)
{
    if (stream->is_closing)
        return;
    stream->is_closing = true;
    struct wire_entry entries[] = {{wire_text("op"), wire_text(op)}};
    struct wire_value message = wire_map(entries, 1);
    dk_status status = stream_push(stream, &message, NULL);
    (void)status;
    comm_finish(stream->comm);
}
