/* Writing bytes in order. Puts never fail by themselves: `failed` remembers that memory ran out, so
 * a writer can be used without checks and asked once at the end. Numbers are written as they lie in
 * memory; base/cursor.h reads them. */
#ifndef BASE_WRITER_H
#define BASE_WRITER_H

#include <string.h>

#include "base/vector.h"

struct writer {
    struct vector bytes; /* of char */
    bool failed;
};

static inline void writer_init(struct writer *writer, struct memory *memory)
{
    vector_init(&writer->bytes, memory, 1);
    writer->failed = false;
}

static inline void writer_deinit(struct writer *writer)
{
    vector_deinit(&writer->bytes);
}

static inline void writer_put(struct writer *writer, const void *bytes, size_t nbytes)
{
    if (vector_append(&writer->bytes, bytes, nbytes) != DK_OK)
        writer->failed = true;
}

static inline void writer_u8(struct writer *writer, uint8_t value)
{
    writer_put(writer, &value, sizeof(value));
}

static inline void writer_u32(struct writer *writer, uint32_t value)
{
    writer_put(writer, &value, sizeof(value));
}

static inline void writer_u64(struct writer *writer, uint64_t value)
{
    writer_put(writer, &value, sizeof(value));
}

static inline void writer_i64(struct writer *writer, int64_t value)
{
    writer_put(writer, &value, sizeof(value));
}

/* A text that may be NULL, with its zero, so that cursor_text() can give it where it lies. */
static inline void writer_text(struct writer *writer, const char *text)
{
    size_t nbytes = text ? strlen(text) : 0;
    writer_u32(writer, text ? (uint32_t)nbytes : UINT32_MAX);
    if (text)
        writer_put(writer, text, nbytes + 1);
}

#endif
