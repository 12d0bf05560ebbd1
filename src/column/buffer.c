#include "column/column.h"

static struct buffer *wrap(struct memory *memory, void *data, size_t nbytes)
{
    struct buffer *buffer = memory_alloc(memory, sizeof(*buffer));
    if (!buffer)
        return NULL;
    atomic_init(&buffer->refs, 1);
    buffer->memory = memory;
    buffer->data = data;
    buffer->nbytes = nbytes;
    buffer->release = NULL;
    buffer->owner = NULL;
    return buffer;
}

struct buffer *buffer_new(struct memory *memory, size_t nbytes)
{
    void *data = memory_alloc(memory, nbytes);
    return data ? buffer_adopt(memory, data, nbytes) : NULL;
}

struct buffer *buffer_adopt(struct memory *memory, void *data, size_t nbytes)
{
    struct buffer *buffer = wrap(memory, data, nbytes);
    if (!buffer)
        memory_free(memory, data, nbytes);
    return buffer;
}

struct buffer *buffer_wrap(struct memory *memory, const void *data, size_t nbytes,
                           void (*release)(void *owner), void *owner)
{
    /* Shared buffers are never written, so the constness is only lost in the type. */
    union {
        const void *given;
        void *kept;
    } bytes = {.given = data};
    struct buffer *buffer = wrap(memory, bytes.kept, nbytes);
    if (!buffer) {
        release(owner);
        return NULL;
    }
    buffer->release = release;
    buffer->owner = owner;
    return buffer;
}

struct buffer *buffer_ref(struct buffer *buffer)
{
    if (buffer)
        atomic_fetch_add_explicit(&buffer->refs, 1, memory_order_relaxed);
    return buffer;
}

void buffer_unref(struct buffer *buffer)
{
    if (!buffer)
        return;
    if (atomic_fetch_sub_explicit(&buffer->refs, 1, memory_order_acq_rel) > 1)
        return;
    if (buffer->release) {
        buffer->release(buffer->owner);
    } else {
        memory_free(buffer->memory, buffer->data, buffer->nbytes);
    }
    memory_free(buffer->memory, buffer, sizeof(*buffer));
}
